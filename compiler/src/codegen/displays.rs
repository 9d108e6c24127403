//! Displays of containers and formatted strings.
//!
//! Up to [`MAX_WINDOW`] items are built at once from a window; more are appended one after the other, so that the
//! number of registers does not grow with the source.

use super::Generator;
use super::assembler::Reg;
use crate::ast::*;
use crate::code::Constant;
use crate::error::Result;
use crate::opcode::Op;

/// The most items built from one window.
pub(super) const MAX_WINDOW: usize = 24;

/// The constant that every one of these expressions is.
fn all_constants(elts: &[Expr]) -> Option<Box<[Constant]>> {
    let value = |expr: &Expr| match &expr.kind {
        ExprKind::Constant { value, .. } => Some(value.clone()),
        _ => None,
    };
    elts.iter().map(value).collect()
}

impl<'t> Generator<'t> {
    fn room(&mut self) -> usize {
        let free = 250usize.saturating_sub(usize::from(self.asm().mark()));
        MAX_WINDOW.min((free / 4).max(2))
    }

    /// A tuple in a new temporary of `n` values that `f` loads.
    pub(super) fn tuple_of(
        &mut self,
        n: usize,
        mut f: impl FnMut(&mut Self, usize, Reg) -> Result<()>,
    ) -> Result<Reg> {
        let base = self.asm().temp();
        if n <= self.room() {
            let mark = self.asm().mark();
            for i in 0..n {
                let register = if i == 0 { base } else { self.asm().temp() };
                f(self, i, register)?;
            }
            self.asm().release(mark);
            self.asm().emit(Op::BuildTuple, base, base, n as u8);
            return Ok(base);
        }
        self.asm().emit(Op::BuildList, base, base, 0);
        let item = self.asm().temp();
        for i in 0..n {
            f(self, i, item)?;
            self.asm().emit(Op::ListAppend, base, item, 0);
        }
        self.asm().release(u16::from(item));
        self.asm().emit(Op::ListToTuple, base, base, 0);
        Ok(base)
    }

    /// Builds a container from a window of items without stars.
    fn build_window(&mut self, op: Op, elts: &'t [Expr], dst: Reg) -> Result<()> {
        let base = self.window(dst);
        for (i, elt) in elts.iter().enumerate() {
            let register = if i == 0 { base } else { self.asm().temp() };
            self.expr_into(elt, register)?;
        }
        self.asm().emit(op, dst, base, elts.len() as u8);
        Ok(())
    }

    fn fits(&mut self, elts: &[Expr]) -> bool {
        elts.len() <= self.room() && !elts.iter().any(|e| matches!(e.kind, ExprKind::Starred { .. }))
    }

    /// Builds a list in the temporary `reg` item by item.
    pub(super) fn list_in(&mut self, elts: &'t [Expr], reg: Reg) -> Result<()> {
        self.asm().emit(Op::BuildList, reg, reg, 0);
        self.extend(elts, reg, Op::ListAppend, Op::ListExtend)
    }

    fn extend(&mut self, elts: &'t [Expr], reg: Reg, append: Op, extend: Op) -> Result<()> {
        for elt in elts {
            let mark = self.asm().mark();
            match &elt.kind {
                ExprKind::Starred { value, .. } => {
                    let item = self.operand(value)?;
                    self.located(elt.at, |this| {
                        this.asm().emit(extend, reg, item, 0);
                        Ok(())
                    })?;
                }
                _ => {
                    let item = self.operand(elt)?;
                    self.asm().emit(append, reg, item, 0);
                }
            }
            self.asm().release(mark);
        }
        Ok(())
    }

    pub(super) fn list_display(&mut self, elts: &'t [Expr], dst: Reg) -> Result<()> {
        if elts.len() >= 3
            && let Some(items) = all_constants(elts)
        {
            let register = self.scratch(dst);
            let items_register = self.asm().temp();
            self.asm().emit(Op::BuildList, register, register, 0);
            self.asm().load_constant(items_register, &Constant::Tuple(items));
            self.asm().emit(Op::ListExtend, register, items_register, 0);
            self.finish(register, dst);
            return Ok(());
        }
        if self.fits(elts) {
            return self.build_window(Op::BuildList, elts, dst);
        }
        let register = self.scratch(dst);
        self.list_in(elts, register)?;
        self.finish(register, dst);
        Ok(())
    }

    pub(super) fn tuple_display(&mut self, elts: &'t [Expr], dst: Reg) -> Result<()> {
        if let Some(items) = all_constants(elts) {
            self.asm().load_constant(dst, &Constant::Tuple(items));
            return Ok(());
        }
        if self.fits(elts) {
            return self.build_window(Op::BuildTuple, elts, dst);
        }
        let register = self.scratch(dst);
        self.list_in(elts, register)?;
        self.asm().emit(Op::ListToTuple, dst, register, 0);
        Ok(())
    }

    pub(super) fn set_display(&mut self, elts: &'t [Expr], dst: Reg) -> Result<()> {
        if elts.len() >= 3
            && let Some(items) = all_constants(elts)
        {
            let register = self.scratch(dst);
            let items_register = self.asm().temp();
            self.asm().emit(Op::BuildSet, register, register, 0);
            self.asm().load_constant(items_register, &Constant::FrozenSet(items));
            self.asm().emit(Op::SetUpdate, register, items_register, 0);
            self.finish(register, dst);
            return Ok(());
        }
        if self.fits(elts) {
            return self.build_window(Op::BuildSet, elts, dst);
        }
        let register = self.scratch(dst);
        self.asm().emit(Op::BuildSet, register, register, 0);
        self.extend(elts, register, Op::SetAdd, Op::SetUpdate)?;
        self.finish(register, dst);
        Ok(())
    }

    pub(super) fn dict_display(
        &mut self,
        keys: &'t [Option<Expr>],
        values: &'t [Expr],
        dst: Reg,
    ) -> Result<()> {
        let room = self.room() / 2;
        let plain = keys.iter().take_while(|key| key.is_some()).count().min(room);
        let base = self.window(dst);
        for (i, (key, value)) in keys.iter().zip(values).take(plain).enumerate() {
            let register = if i == 0 { base } else { self.asm().temp() };
            let Some(key) = key else { continue };
            self.expr_into(key, register)?;
            let register = self.asm().temp();
            self.expr_into(value, register)?;
        }
        if plain == keys.len() {
            self.asm().emit(Op::BuildMap, dst, base, plain as u8);
            return Ok(());
        }
        self.asm().emit(Op::BuildMap, base, base, plain as u8);
        self.asm().release(u16::from(base) + 1);
        for (key, value) in keys.iter().zip(values).skip(plain) {
            let mark = self.asm().mark();
            match key {
                Some(key) => {
                    let key = self.operand(key)?;
                    let value = self.operand(value)?;
                    self.asm().emit(Op::MapAdd, base, key, value);
                }
                None => {
                    let mapping = self.operand(value)?;
                    self.asm().emit(Op::DictUpdate, base, mapping, 0);
                }
            }
            self.asm().release(mark);
        }
        self.finish(base, dst);
        Ok(())
    }

    // ---- strings ----

    pub(super) fn joined_str(&mut self, values: &'t [Expr], dst: Reg) -> Result<()> {
        match values {
            [] => {
                self.asm().load_constant(dst, &Constant::str(""));
                return Ok(());
            }
            [single] => return self.expr_into(single, dst),
            _ => {}
        }
        let base = self.window(dst);
        let room = self.room().max(2);
        let mut filled = 0usize;
        for value in values {
            if filled == room {
                self.asm().emit(Op::BuildString, base, base, filled as u8);
                self.asm().release(u16::from(base) + 1);
                filled = 1;
            }
            let register = if filled == 0 { base } else { self.asm().temp() };
            self.expr_into(value, register)?;
            filled += 1;
        }
        self.asm().emit(Op::BuildString, dst, base, filled as u8);
        Ok(())
    }

    pub(super) fn formatted_value(&mut self, field: &'t FormattedValue, dst: Reg) -> Result<()> {
        let mut value = self.operand_in(&field.value, dst)?;
        if let Ok(conversion @ (b's' | b'r' | b'a')) = u8::try_from(field.conversion) {
            let converted = self.scratch(dst);
            self.asm().emit(Op::ConvertValue, converted, value, conversion);
            value = converted;
        }
        match &field.format_spec {
            None => self.asm().emit(Op::FormatSimple, dst, value, 0),
            Some(spec) => {
                let spec = self.expr_temp(spec)?;
                self.asm().emit(Op::FormatWithSpec, dst, value, spec);
            }
        }
        Ok(())
    }

    pub(super) fn interpolation(&mut self, field: &'t Interpolation, dst: Reg) -> Result<()> {
        let base = self.window(dst);
        self.expr_into(&field.value, base)?;
        let text = self.asm().temp();
        self.asm().load_constant(text, &field.text);
        let spec = self.asm().temp();
        match &field.format_spec {
            Some(expr) => self.expr_into(expr, spec)?,
            None => self.asm().load_constant(spec, &Constant::str("")),
        }
        let conversion = u8::try_from(field.conversion).unwrap_or(0);
        self.asm().emit(Op::BuildInterpolation, dst, base, conversion);
        Ok(())
    }

    pub(super) fn template_str(&mut self, values: &'t [Expr], dst: Reg) -> Result<()> {
        let mut strings = Vec::new();
        let mut fields = Vec::new();
        let mut pending: Option<&Constant> = None;
        for value in values {
            match &value.kind {
                ExprKind::Constant { value, .. } => pending = Some(value),
                _ => {
                    strings.push(pending.take().cloned().unwrap_or_else(|| Constant::str("")));
                    fields.push(value);
                }
            }
        }
        strings.push(pending.cloned().unwrap_or_else(|| Constant::str("")));
        let register = self.asm().temp();
        self.asm().load_constant(register, &Constant::Tuple(strings.into()));
        let fields = self.tuple_of(fields.len(), |this, i, reg| this.expr_into(fields[i], reg))?;
        self.asm().emit(Op::BuildTemplate, dst, register, fields);
        Ok(())
    }
}
