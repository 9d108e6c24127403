//! Expressions: the dispatch, operators, attributes, subscripts, yields.

use super::Generator;
use super::assembler::Reg;
use super::unit::Block;
use crate::ast::*;
use crate::code::Constant;
use crate::error::Result;
use crate::opcode::Op;
use crate::symtable::ScopeKind;

/// The small int that a constant expression is, if it fits an immediate operand.
pub(super) fn immediate(expr: &Expr) -> Option<u8> {
    match &expr.kind {
        ExprKind::Constant { value: Constant::Int(value), .. } => i8::try_from(*value).ok().map(|v| v as u8),
        _ => None,
    }
}

/// The instruction of a binary operator, and the one with an immediate operand.
fn binary_op(op: Operator) -> (Op, Option<Op>) {
    match op {
        Operator::Add => (Op::Add, Some(Op::AddI)),
        Operator::Sub => (Op::Sub, Some(Op::SubI)),
        Operator::Mult => (Op::Mul, Some(Op::MulI)),
        Operator::MatMult => (Op::MatMul, None),
        Operator::Div => (Op::TrueDiv, None),
        Operator::Mod => (Op::Mod, Some(Op::ModI)),
        Operator::Pow => (Op::Pow, None),
        Operator::LShift => (Op::LShift, None),
        Operator::RShift => (Op::RShift, None),
        Operator::BitOr => (Op::Or, None),
        Operator::BitXor => (Op::Xor, None),
        Operator::BitAnd => (Op::And, Some(Op::AndI)),
        Operator::FloorDiv => (Op::FloorDiv, Some(Op::FloorDivI)),
    }
}

/// The instruction of an in-place operator, and the one with an immediate operand.
pub(super) fn inplace_op(op: Operator) -> (Op, Option<Op>) {
    match op {
        Operator::Add => (Op::InplaceAdd, Some(Op::InplaceAddI)),
        Operator::Sub => (Op::InplaceSub, Some(Op::InplaceSubI)),
        Operator::Mult => (Op::InplaceMul, None),
        Operator::MatMult => (Op::InplaceMatMul, None),
        Operator::Div => (Op::InplaceTrueDiv, None),
        Operator::Mod => (Op::InplaceMod, None),
        Operator::Pow => (Op::InplacePow, None),
        Operator::LShift => (Op::InplaceLShift, None),
        Operator::RShift => (Op::InplaceRShift, None),
        Operator::BitOr => (Op::InplaceOr, None),
        Operator::BitXor => (Op::InplaceXor, None),
        Operator::BitAnd => (Op::InplaceAnd, None),
        Operator::FloorDiv => (Op::InplaceFloorDiv, None),
    }
}

impl<'t> Generator<'t> {
    /// The register of an expression's value: a local in place, or a new temporary.
    pub(super) fn operand(&mut self, expr: &'t Expr) -> Result<Reg> {
        if let Some(register) = self.in_place(expr)? {
            return Ok(register);
        }
        self.expr_temp(expr)
    }

    /// As `operand`, but uses `scratch` instead of a new temporary if that is a temporary.
    pub(super) fn operand_in(&mut self, expr: &'t Expr, scratch: Reg) -> Result<Reg> {
        if let Some(register) = self.in_place(expr)? {
            return Ok(register);
        }
        if self.asm().is_temp(scratch) {
            self.expr_into(expr, scratch)?;
            return Ok(scratch);
        }
        self.expr_temp(expr)
    }

    /// The register of a local that can be read in place.
    pub(super) fn in_place(&mut self, expr: &'t Expr) -> Result<Option<Reg>> {
        match &expr.kind {
            ExprKind::Name { id, ctx: Context::Load } => self.located(expr.at, |this| this.local_operand(id)),
            _ => Ok(None),
        }
    }

    /// Computes into a new temporary.
    pub(super) fn expr_temp(&mut self, expr: &'t Expr) -> Result<Reg> {
        let register = self.asm().temp();
        self.expr_into(expr, register)?;
        Ok(register)
    }

    /// R[dst] := expr
    pub(super) fn expr_into(&mut self, expr: &'t Expr, dst: Reg) -> Result<()> {
        if self.asm().mark() > SPILL_FROM {
            return self.expr_spilling(expr, dst);
        }
        self.expr_here(expr, dst)
    }

    fn expr_here(&mut self, expr: &'t Expr, dst: Reg) -> Result<()> {
        let outer = self.asm().at.replace(expr.at);
        let mark = self.asm().mark();
        let result = self.expr_kind(expr, dst);
        self.asm().release(mark);
        self.asm().at = outer;
        result
    }

    fn expr_kind(&mut self, expr: &'t Expr, dst: Reg) -> Result<()> {
        match &expr.kind {
            ExprKind::Name { id, .. } => self.load_name(id, dst),
            ExprKind::Constant { value, .. } => {
                self.asm().load_constant(dst, value);
                Ok(())
            }
            ExprKind::Call(call) => self.call(call, expr, dst),
            ExprKind::Attribute { value, attr, .. } => self.attribute(expr, value, attr, dst),
            ExprKind::Subscript { value, slice, .. } => self.subscript(value, slice, dst),
            ExprKind::Bin { left, op, right } => self.binary(left, *op, right, dst),
            ExprKind::Unary { op, operand } => self.unary(*op, operand, dst),
            ExprKind::Compare { left, ops, comparators } => self.compare(left, ops, comparators, dst),
            ExprKind::BoolOp { op, values } => self.bool_op(*op, values, dst),
            ExprKind::If { test, body, orelse } => self.conditional(test, body, orelse, dst),
            ExprKind::Named { target, value } => self.named(target, value, dst),
            ExprKind::List { elts, .. } => self.list_display(elts, dst),
            ExprKind::Tuple { elts, .. } => self.tuple_display(elts, dst),
            ExprKind::Set(elts) => self.set_display(elts, dst),
            ExprKind::Dict { keys, values } => self.dict_display(keys, values, dst),
            ExprKind::JoinedStr(values) => self.joined_str(values, dst),
            ExprKind::TemplateStr(values) => self.template_str(values, dst),
            ExprKind::FormattedValue(field) => self.formatted_value(field, dst),
            ExprKind::Interpolation(field) => self.interpolation(field, dst),
            _ => self.rare_expr(expr, dst),
        }
    }

    fn rare_expr(&mut self, expr: &'t Expr, dst: Reg) -> Result<()> {
        use crate::symtable::ComprehensionKind as K;
        match &expr.kind {
            ExprKind::Lambda(lambda) => self.lambda(lambda, dst),
            ExprKind::ListComp(comp) => self.comprehension(comp, K::List, dst),
            ExprKind::SetComp(comp) => self.comprehension(comp, K::Set, dst),
            ExprKind::DictComp(comp) => self.comprehension(comp, K::Dict, dst),
            ExprKind::Generator(comp) => self.comprehension(comp, K::Generator, dst),
            ExprKind::Slice { lower, upper, step } => {
                self.slice(lower.as_deref(), upper.as_deref(), step.as_deref(), dst)
            }
            ExprKind::Yield(value) => self.yield_value(value.as_deref(), dst),
            ExprKind::YieldFrom(value) => self.yield_from(value, dst),
            ExprKind::Await(value) => {
                self.check_await()?;
                self.expr_scratch(value, dst, |this, reg| this.await_in(reg, 0))
            }
            ExprKind::Starred { .. } => self.error("can't use starred expression here"),
            _ => self.error("invalid syntax"),
        }
    }

    /// Computes into a temporary (`dst` if it is one), works on that and moves it to `dst`.
    pub(super) fn expr_scratch(
        &mut self,
        expr: &'t Expr,
        dst: Reg,
        f: impl FnOnce(&mut Self, Reg) -> Result<()>,
    ) -> Result<()> {
        let register = self.scratch(dst);
        self.expr_into(expr, register)?;
        f(self, register)?;
        self.finish(register, dst);
        Ok(())
    }

    /// `dst` if it is a temporary, else a new temporary.
    pub(super) fn scratch(&mut self, dst: Reg) -> Reg {
        if self.asm().is_temp(dst) { dst } else { self.asm().temp() }
    }

    /// Moves a result to where it belongs.
    pub(super) fn finish(&mut self, register: Reg, dst: Reg) {
        if register != dst {
            self.asm().emit(Op::Move, dst, register, 0);
        }
    }

    /// The base of a window: `dst` if it is the highest temporary, else the next one.
    pub(super) fn window(&mut self, dst: Reg) -> Reg {
        if self.asm().is_temp(dst) && u16::from(dst) + 1 == self.asm().mark() {
            return dst;
        }
        self.asm().temp()
    }

    /// Computes an expression whose value nobody wants.
    pub(super) fn discard(&mut self, expr: &'t Expr) -> Result<()> {
        if matches!(expr.kind, ExprKind::Constant { .. }) {
            return Ok(());
        }
        let mark = self.asm().mark();
        let register = self.operand(expr)?;
        if self.asm().is_temp(register) {
            self.located(expr.at, |this| {
                this.asm().emit(Op::Drop, register, 0, 0);
                Ok(())
            })?;
        }
        self.asm().release(mark);
        Ok(())
    }

    // ---- operators ----

    fn binary(&mut self, left: &'t Expr, op: Operator, right: &'t Expr, dst: Reg) -> Result<()> {
        let (plain, with_immediate) = binary_op(op);
        let a = self.operand_in(left, dst)?;
        if let (Some(op), Some(value)) = (with_immediate, immediate(right)) {
            self.asm().emit(op, dst, a, value);
            return Ok(());
        }
        let b = if a == dst { self.operand(right)? } else { self.operand_in(right, dst)? };
        self.asm().emit(plain, dst, a, b);
        Ok(())
    }

    fn unary(&mut self, op: UnaryOp, operand: &'t Expr, dst: Reg) -> Result<()> {
        let a = self.operand_in(operand, dst)?;
        let op = match op {
            UnaryOp::Invert => Op::Invert,
            UnaryOp::Not => Op::Not,
            UnaryOp::UAdd => Op::Pos,
            UnaryOp::USub => Op::Neg,
        };
        self.asm().emit(op, dst, a, 0);
        Ok(())
    }

    fn named(&mut self, target: &'t Expr, value: &'t Expr, dst: Reg) -> Result<()> {
        let ExprKind::Name { id, .. } = &target.kind else { return self.error("invalid syntax") };
        let register = self.scratch(dst);
        self.expr_into(value, register)?;
        let copy = self.asm().temp();
        self.asm().emit(Op::Copy, copy, register, 0);
        self.located(target.at, |this| this.store_name(id, copy))?;
        self.finish(register, dst);
        Ok(())
    }

    /// The place `at` of an access or call of the attribute `expr`: on the line of the attribute's name, if the
    /// expression before it is spread over lines.
    pub(super) fn attribute_place(mut at: Position, expr: &Expr, attr: &str) -> Position {
        if at.line != expr.at.end_line {
            at.line = expr.at.end_line;
            at.column = (expr.at.end_column - attr.chars().count() as i32).max(0);
            at.end_column = expr.at.end_column;
        }
        at
    }

    fn attribute(&mut self, expr: &'t Expr, value: &'t Expr, attr: &Ident, dst: Reg) -> Result<()> {
        if self.super_attribute(value, attr, dst, false)? {
            return Ok(());
        }
        let object = self.operand_in(value, dst)?;
        let name = self.mangled(attr);
        let ext = self.asm().attr_ext(&name)?;
        self.located(Self::attribute_place(expr.at, expr, attr), |this| {
            this.asm().emit_ext(Op::LoadAttr, dst, object, 0, ext);
            Ok(())
        })
    }

    fn subscript(&mut self, value: &'t Expr, slice: &'t Expr, dst: Reg) -> Result<()> {
        self.check_subscript(value, slice)?;
        let object = self.operand_in(value, dst)?;
        if let Some(index) = immediate(slice) {
            self.asm().emit(Op::GetItemI, dst, object, index);
            return Ok(());
        }
        let key = if object == dst { self.operand(slice)? } else { self.operand_in(slice, dst)? };
        self.asm().emit(Op::GetItem, dst, object, key);
        Ok(())
    }

    fn slice(
        &mut self,
        lower: Option<&'t Expr>,
        upper: Option<&'t Expr>,
        step: Option<&'t Expr>,
        dst: Reg,
    ) -> Result<()> {
        let base = self.window(dst);
        let mut register = base;
        let parts = [Some(lower), Some(upper), step.map(Some)];
        let mut count = 0;
        for part in parts.into_iter().flatten() {
            if count > 0 {
                register = self.asm().temp();
            }
            match part {
                Some(expr) => self.expr_into(expr, register)?,
                None => self.asm().emit(Op::LoadNone, register, 0, 0),
            }
            count += 1;
        }
        self.asm().emit(Op::BuildSlice, dst, base, count);
        Ok(())
    }

    // ---- generators and coroutines ----

    fn in_function(&mut self) -> bool {
        let id = self.scope_id();
        let top_level_await = self.settings.allow_top_level_await;
        let scope = self.table.scope(id);
        scope.kind == ScopeKind::Function || (top_level_await && scope.kind == ScopeKind::Module)
    }

    fn yield_value(&mut self, value: Option<&'t Expr>, dst: Reg) -> Result<()> {
        let id = self.scope_id();
        if self.table.scope(id).kind != ScopeKind::Function {
            return self.error("'yield' outside function");
        }
        let src = match value {
            Some(value) => self.operand_in(value, dst)?,
            None => {
                let register = self.scratch(dst);
                self.asm().emit(Op::LoadNone, register, 0, 0);
                register
            }
        };
        self.asm().emit(Op::Yield, dst, src, 0);
        Ok(())
    }

    fn yield_from(&mut self, value: &'t Expr, dst: Reg) -> Result<()> {
        let id = self.scope_id();
        if self.table.scope(id).kind != ScopeKind::Function {
            return self.error("'yield from' outside function");
        }
        if self.unit().is_async {
            return self.error("'yield from' inside async function");
        }
        let source = self.operand_in(value, dst)?;
        let receiver = self.scratch(dst);
        self.asm().emit(Op::GetYieldFromIter, receiver, source, 0);
        self.asm().emit(Op::Delegate, receiver, receiver, 0);
        self.finish(receiver, dst);
        Ok(())
    }

    pub(super) fn check_await(&mut self) -> Result<()> {
        if !self.in_function() {
            return self.error("'await' outside function");
        }
        if !self.is_async_unit() {
            return self.error("'await' outside async function");
        }
        Ok(())
    }

    /// R[reg] := await R[reg]
    pub(super) fn await_in(&mut self, reg: Reg, context: u8) -> Result<()> {
        self.asm().emit(Op::GetAwaitable, reg, reg, context);
        self.asm().emit(Op::Delegate, reg, reg, 0);
        Ok(())
    }

    // ---- spilling of temporaries ----

    /// Computes an expression deep inside others: the temporaries in use are put aside meanwhile.
    fn expr_spilling(&mut self, expr: &'t Expr, dst: Reg) -> Result<()> {
        let (first, end) = (self.asm().clear_from(), self.asm().mark());
        let first = first.max(self.lowest_free());
        if !self.asm().is_temp(dst) || u16::from(first) + 8 > end || first > 200 {
            return self.expr_here(expr, dst);
        }
        if end > 250 {
            return self.expr_here(expr, dst);
        }
        let count = (end - u16::from(first)) as u8;
        self.asm().emit(Op::SaveTemps, first, first, count);
        self.asm().release(u16::from(first) + 1);
        let result = self.asm().temp();
        self.expr_here(expr, result)?;
        self.asm().release(end);
        let outside = self.asm().temp();
        self.finish(result, outside);
        self.asm().emit(Op::RestoreTemps, first, first, count);
        self.finish(outside, dst);
        self.asm().release(end);
        Ok(())
    }

    /// Registers of blocks around must stay in place.
    fn lowest_free(&mut self) -> Reg {
        let first = self.asm().first_temp;
        let above = |reg: Reg| reg.saturating_add(2);
        (self.unit().blocks.iter())
            .map(|block| match block {
                Block::Loop { iterator: Some(reg), .. } => above(*reg),
                Block::With { exit, .. } => above(*exit),
                Block::Handler { saved, exc, .. } | Block::FinallyEnd { saved, exc, .. } => {
                    above((*saved).max(*exc))
                }
                _ => first,
            })
            .fold(first, Reg::max)
    }
}

/// Expressions that begin with so many registers in use put them aside.
const SPILL_FROM: u16 = 215;
