//! Assignment to targets, deletion, augmented assignment.

use super::Generator;
use super::assembler::Reg;
use super::expressions::{immediate, inplace_op};
use crate::ast::*;
use crate::code::Constant;
use crate::error::Result;
use crate::opcode::{Intrinsic2, Op};

/// More targets than this are not unpacked into registers.
pub(super) const MAX_TARGETS: usize = 60;

impl<'t> Generator<'t> {
    /// target := expr, computing into the target directly if it is a local.
    pub(super) fn assign_expr(&mut self, target: &'t Expr, value: &'t Expr) -> Result<()> {
        let mark = self.asm().mark();
        if let ExprKind::Name { id, .. } = &target.kind
            && let Some(register) = self.direct_target(id)
        {
            self.expr_into(value, register)?;
            self.located(target.at, |this| this.store_name(id, register))?;
            self.asm().release(mark);
            return Ok(());
        }
        if self.assign_pairwise(target, value)? {
            self.asm().release(mark);
            return Ok(());
        }
        let register = self.operand(value)?;
        self.store(target, register)?;
        self.asm().release(mark);
        Ok(())
    }

    /// `a, b = x, y`: no tuple is made.
    fn assign_pairwise(&mut self, target: &'t Expr, value: &'t Expr) -> Result<bool> {
        let (ExprKind::Tuple { elts: targets, .. } | ExprKind::List { elts: targets, .. }) = &target.kind
        else {
            return Ok(false);
        };
        let ExprKind::Tuple { elts: values, .. } = &value.kind else { return Ok(false) };
        let starred = |exprs: &[Expr]| exprs.iter().any(|e| matches!(e.kind, ExprKind::Starred { .. }));
        if targets.len() != values.len() || targets.len() > 4 || starred(targets) || starred(values) {
            return Ok(false);
        }
        if values.iter().all(|value| matches!(value.kind, ExprKind::Constant { .. })) && targets.len() > 3 {
            return Ok(false);
        }
        if self.assign_swap(targets, values)? {
            return Ok(true);
        }
        let mut registers = Vec::with_capacity(values.len());
        for value in values {
            registers.push(self.expr_temp(value)?);
        }
        for (target, register) in targets.iter().zip(registers) {
            self.store(target, register)?;
        }
        Ok(true)
    }

    /// `a, b = b, a` of two locals.
    fn assign_swap(&mut self, targets: &'t [Expr], values: &'t [Expr]) -> Result<bool> {
        let name = |expr: &'t Expr| match &expr.kind {
            ExprKind::Name { id, .. } => Some(id),
            _ => None,
        };
        let ([t0, t1], [v0, v1]) = (targets, values) else { return Ok(false) };
        let (Some(a), Some(b), Some(c), Some(d)) = (name(t0), name(t1), name(v0), name(v1)) else {
            return Ok(false);
        };
        if a != d || b != c || a == b {
            return Ok(false);
        }
        let (Some(first), Some(second)) = (self.direct_target(a), self.direct_target(b)) else {
            return Ok(false);
        };
        if self.asm().is_bound(first) && self.asm().is_bound(second) {
            self.asm().emit(Op::Swap, first, second, 0);
            return Ok(true);
        }
        Ok(false)
    }

    /// target := R[src]; a temporary is consumed.
    pub(super) fn store(&mut self, target: &'t Expr, src: Reg) -> Result<()> {
        let outer = self.asm().at.replace(target.at);
        let mark = self.asm().mark();
        let result = self.store_kind(target, src);
        self.asm().release(mark);
        self.asm().at = outer;
        result
    }

    fn store_kind(&mut self, target: &'t Expr, src: Reg) -> Result<()> {
        match &target.kind {
            ExprKind::Name { id, .. } => self.store_name(id, src),
            ExprKind::Attribute { value, attr, .. } => {
                self.note_static_attribute(value, attr);
                let object = self.operand(value)?;
                self.store_attribute(target, attr, object, src)
            }
            ExprKind::Subscript { value, slice, .. } => {
                let object = self.operand(value)?;
                let key = self.operand(slice)?;
                self.asm().emit(Op::SetItem, object, key, src);
                Ok(())
            }
            ExprKind::Tuple { elts, .. } | ExprKind::List { elts, .. } => self.unpack(elts, src),
            ExprKind::Starred { .. } => self.error("starred assignment target must be in a list or tuple"),
            _ => self.error("cannot assign to expression"),
        }
    }

    fn store_attribute(&mut self, target: &'t Expr, attr: &Ident, object: Reg, src: Reg) -> Result<()> {
        if &**attr == "__debug__" {
            return self.error("cannot assign to __debug__");
        }
        let name = self.mangled(attr);
        let ext = self.asm().attr_ext(&name)?;
        self.located(Self::attribute_place(target.at, target, attr), |this| {
            this.asm().emit_ext(Op::StoreAttr, object, src, 0, ext);
            Ok(())
        })
    }

    fn unpack(&mut self, targets: &'t [Expr], src: Reg) -> Result<()> {
        let is_star = |target: &&'t Expr| matches!(target.kind, ExprKind::Starred { .. });
        let star = targets.iter().position(|target| is_star(&target));
        if targets.iter().filter(is_star).count() > 1 {
            return self.error("multiple starred expressions in assignment");
        }
        if targets.len() > MAX_TARGETS {
            return self.unpack_long(targets, star, src);
        }
        if star.is_none()
            && let Some(base) = self.consecutive_locals(targets)
        {
            self.emit_unpack(targets.len(), None, base, src)?;
            for target in targets {
                if let ExprKind::Name { id, .. } = &target.kind
                    && let Some(register) = self.direct_target(id)
                {
                    self.located(target.at, |this| this.store_name(id, register))?;
                }
            }
            return Ok(());
        }
        let base = if targets.is_empty() { self.asm().temp() } else { self.asm().temps(targets.len()) };
        self.emit_unpack(targets.len(), star, base, src)?;
        for (i, target) in targets.iter().enumerate() {
            let register = base.saturating_add(i as u8);
            match &target.kind {
                ExprKind::Starred { value, .. } => self.store(value, register)?,
                _ => self.store(target, register)?,
            }
        }
        Ok(())
    }

    /// The first register, if these are names of locals in consecutive registers.
    fn consecutive_locals(&mut self, targets: &'t [Expr]) -> Option<Reg> {
        let mut base = None;
        for (i, target) in targets.iter().enumerate() {
            let ExprKind::Name { id, .. } = &target.kind else { return None };
            let register = self.direct_target(id)?;
            match base {
                None => base = Some(register),
                Some(base) if usize::from(base) + i == usize::from(register) => {}
                Some(_) => return None,
            }
        }
        base
    }

    /// R[base…] := the items of R[src]; `star` is the index of the target that takes the rest.
    pub(super) fn emit_unpack(&mut self, n: usize, star: Option<usize>, base: Reg, src: Reg) -> Result<()> {
        match star {
            None => self.asm().emit(Op::UnpackSequence, base, src, n as u8),
            Some(before) if before < 256 => {
                self.asm().emit_ext(Op::UnpackEx, base, src, before as u8, (n - before - 1) as u32);
            }
            Some(_) => return self.error("too many expressions in star-unpacking assignment"),
        }
        Ok(())
    }

    /// Very many targets: unpack into a tuple, then store its items one by one.
    fn unpack_long(&mut self, targets: &'t [Expr], star: Option<usize>, src: Reg) -> Result<()> {
        let values = self.unpack_to_tuple(targets.len(), star, src)?;
        for (i, target) in targets.iter().enumerate() {
            let mark = self.asm().mark();
            let item = self.item_of(values, i);
            match &target.kind {
                ExprKind::Starred { value, .. } => self.store(value, item)?,
                _ => self.store(target, item)?,
            }
            self.asm().release(mark);
        }
        self.asm().emit(Op::Drop, values, 0, 0);
        Ok(())
    }

    /// A new temporary := tuple of the items of R[src], which is consumed; `star` is the index of the one that takes the rest.
    pub(super) fn unpack_to_tuple(&mut self, n: usize, star: Option<usize>, src: Reg) -> Result<Reg> {
        let values = self.asm().temp();
        let count = self.asm().temp();
        let intrinsic = match star {
            None => {
                self.asm().load_constant(count, &Constant::Int(n as i64));
                Intrinsic2::UnpackExact
            }
            Some(before) if before < 256 => {
                let counts = [before, n - before - 1].map(|count| Constant::Int(count as i64));
                self.asm().load_constant(count, &Constant::Tuple(Box::new(counts)));
                Intrinsic2::UnpackStar
            }
            Some(_) => return self.error("too many expressions in star-unpacking assignment"),
        };
        self.asm().emit_ext(Op::Intrinsic2, values, src, count, intrinsic as u32);
        self.asm().release(u16::from(count));
        Ok(values)
    }

    /// A new temporary := item i of the tuple R[values], which stays.
    pub(super) fn item_of(&mut self, values: Reg, i: usize) -> Reg {
        let item = self.asm().temp();
        let index = self.asm().temp();
        self.asm().emit(Op::Copy, item, values, 0);
        self.asm().load_constant(index, &Constant::Int(i as i64));
        self.asm().emit(Op::GetItem, item, item, index);
        self.asm().release(u16::from(index));
        item
    }

    pub(super) fn delete(&mut self, target: &'t Expr) -> Result<()> {
        let mark = self.asm().mark();
        let result = self.located(target.at, |this| match &target.kind {
            ExprKind::Name { id, .. } => this.delete_name(id),
            ExprKind::Attribute { value, attr, .. } => {
                if &**attr == "__debug__" {
                    return this.error("cannot delete __debug__");
                }
                let object = this.operand(value)?;
                let name = this.mangled(attr);
                let ext = this.asm().attr_ext(&name)?;
                this.located(Self::attribute_place(target.at, target, attr), |this| {
                    this.asm().emit_ext(Op::DeleteAttr, object, 0, 0, ext);
                    Ok(())
                })
            }
            ExprKind::Subscript { value, slice, .. } => {
                let object = this.operand(value)?;
                let key = this.operand(slice)?;
                this.asm().emit(Op::DelItem, object, key, 0);
                Ok(())
            }
            ExprKind::Tuple { elts, .. } | ExprKind::List { elts, .. } => {
                elts.iter().try_for_each(|target| this.delete(target))
            }
            _ => this.error("cannot delete expression"),
        });
        self.asm().release(mark);
        result
    }

    // ---- augmented assignment ----

    pub(super) fn aug_assign(&mut self, target: &'t Expr, op: Operator, value: &'t Expr) -> Result<()> {
        match &target.kind {
            ExprKind::Name { id, .. } => self.aug_name(target, id, op, value),
            ExprKind::Attribute { value: object, attr, .. } => {
                let name = self.mangled(attr);
                let register = self.operand(object)?;
                let kept = self.keep(register);
                let result = self.asm().temp();
                let ext = self.asm().attr_ext(&name)?;
                self.located(Self::attribute_place(target.at, target, attr), |this| {
                    this.asm().emit_ext(Op::LoadAttr, result, kept, 0, ext);
                    Ok(())
                })?;
                self.inplace(op, result, result, value)?;
                self.located(target.at, |this| {
                    this.note_static_attribute(object, attr);
                    this.store_attribute(target, attr, register, result)
                })
            }
            ExprKind::Subscript { value: object, slice, .. } => {
                let register = self.operand(object)?;
                let key = self.operand(slice)?;
                let (kept, kept_key) = (self.keep(register), self.keep(key));
                let result = self.asm().temp();
                self.located(target.at, |this| {
                    this.asm().emit(Op::GetItem, result, kept, kept_key);
                    Ok(())
                })?;
                self.inplace(op, result, result, value)?;
                self.located(target.at, |this| {
                    this.asm().emit(Op::SetItem, register, key, result);
                    Ok(())
                })
            }
            _ => self.error("illegal expression for augmented assignment"),
        }
    }

    fn aug_name(&mut self, target: &'t Expr, id: &Ident, op: Operator, value: &'t Expr) -> Result<()> {
        if &**id == "__debug__" {
            return self.error("cannot assign to __debug__");
        }
        if let Some(register) = self.located(target.at, |this| this.local_operand(id))? {
            self.inplace(op, register, register, value)?;
            return self.located(target.at, |this| this.store_name(id, register));
        }
        let register = self.asm().temp();
        self.located(target.at, |this| this.load_name(id, register))?;
        self.inplace(op, register, register, value)?;
        self.located(target.at, |this| this.store_name(id, register))
    }

    fn inplace(&mut self, op: Operator, dst: Reg, a: Reg, value: &'t Expr) -> Result<()> {
        let (plain, with_immediate) = inplace_op(op);
        if let (Some(op), Some(value)) = (with_immediate, immediate(value)) {
            self.asm().emit(op, dst, a, value);
            return Ok(());
        }
        let b = self.operand(value)?;
        self.asm().emit(plain, dst, a, b);
        Ok(())
    }

    /// A register with the same value that an instruction may consume: a local itself, a copy of a temporary.
    fn keep(&mut self, register: Reg) -> Reg {
        if !self.asm().is_temp(register) {
            return register;
        }
        let copy = self.asm().temp();
        self.asm().emit(Op::Copy, copy, register, 0);
        copy
    }
}
