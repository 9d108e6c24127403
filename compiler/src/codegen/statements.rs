//! Statements: the dispatch and the simple ones.

use super::Generator;
use super::assembler::ident;
use crate::ast::*;
use crate::code::Constant;
use crate::error::{CompileError, Result};
use crate::opcode::{CommonConstant, Intrinsic1, Op};

impl<'t> Generator<'t> {
    pub(super) fn suite(&mut self, body: &'t [Stmt]) -> Result<()> {
        body.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &'t Stmt) -> Result<()> {
        let mark = self.asm().mark();
        self.asm().at = Some(stmt.at);
        let result = self.stmt_kind(stmt);
        self.asm().at = Some(stmt.at);
        self.asm().release(mark);
        result
    }

    fn stmt_kind(&mut self, stmt: &'t Stmt) -> Result<()> {
        match &stmt.kind {
            StmtKind::Expr(value) => self.expr_stmt(value),
            StmtKind::Assign { targets, value } => self.assign(targets, value),
            StmtKind::AugAssign { target, op, value } => self.aug_assign(target, *op, value),
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                self.ann_assign(target, annotation, value.as_deref(), *simple)
            }
            StmtKind::Return(value) => self.return_value(value.as_deref()),
            StmtKind::Delete(targets) => targets.iter().try_for_each(|target| self.delete(target)),
            StmtKind::Raise { exc, cause } => self.raise(exc.as_deref(), cause.as_deref()),
            StmtKind::Assert { test, msg } => self.assert(test, msg.as_deref()),
            StmtKind::Import(names) => self.import(names),
            StmtKind::ImportFrom { module, names, level } => self.import_from(module.as_ref(), names, *level),
            StmtKind::Global(_) | StmtKind::Nonlocal(_) => Ok(()),
            StmtKind::Pass => {
                self.asm().emit(Op::Nop, 0, 0, 0);
                Ok(())
            }
            StmtKind::Break => self.break_loop(),
            StmtKind::Continue => self.continue_loop(),
            StmtKind::FunctionDef(def) => self.function_def(def, stmt.at),
            StmtKind::ClassDef(def) => self.class_def(def, stmt.at),
            StmtKind::TypeAlias(alias) => self.type_alias(alias),
            _ => {
                self.unit().conditional_depth += 1;
                self.compound(stmt)?;
                self.unit().conditional_depth -= 1;
                Ok(())
            }
        }
    }

    fn compound(&mut self, stmt: &'t Stmt) -> Result<()> {
        match &stmt.kind {
            StmtKind::If { test, body, orelse } => self.if_statement(test, body, orelse),
            StmtKind::While { test, body, orelse } => self.while_loop(test, body, orelse),
            StmtKind::For(node) => self.for_loop(node),
            StmtKind::With { items, body, is_async } => self.with(items, body, *is_async),
            StmtKind::Try(node) => self.try_statement(node),
            StmtKind::Match { subject, cases } => self.match_statement(subject, cases),
            _ => self.error("invalid syntax"),
        }
    }

    fn if_statement(&mut self, test: &'t Expr, body: &'t [Stmt], orelse: &'t [Stmt]) -> Result<()> {
        let (no, end) = (self.asm().label(), self.asm().label());
        self.jump_unless(test, no)?;
        self.suite(body)?;
        if orelse.is_empty() {
            self.asm().bind(no);
            return Ok(());
        }
        self.asm().jump(end);
        self.asm().bind(no);
        self.suite(orelse)?;
        self.asm().bind(end);
        Ok(())
    }

    fn expr_stmt(&mut self, value: &'t Expr) -> Result<()> {
        if self.settings.interactive && self.units.len() == 1 {
            let register = self.expr_temp(value)?;
            self.asm().emit(Op::Intrinsic1, register, register, Intrinsic1::Print as u8);
            self.asm().emit(Op::Drop, register, 0, 0);
            return Ok(());
        }
        if matches!(value.kind, ExprKind::Constant { .. }) {
            self.asm().emit(Op::Nop, 0, 0, 0);
            return Ok(());
        }
        self.discard(value)
    }

    fn assign(&mut self, targets: &'t [Expr], value: &'t Expr) -> Result<()> {
        if let [target] = targets {
            return self.assign_expr(target, value);
        }
        let Some((last, rest)) = targets.split_last() else { return self.error("invalid syntax") };
        let register = self.expr_temp(value)?;
        for target in rest {
            let mark = self.asm().mark();
            if let ExprKind::Name { id, .. } = &target.kind
                && let Some(local) = self.direct_target(id)
            {
                self.asm().emit(Op::Copy, local, register, 0);
                self.located(target.at, |this| this.store_name(id, local))?;
            } else {
                let copy = self.asm().temp();
                self.asm().emit(Op::Copy, copy, register, 0);
                self.store(target, copy)?;
            }
            self.asm().release(mark);
        }
        self.store(last, register)
    }

    fn raise(&mut self, exc: Option<&'t Expr>, cause: Option<&'t Expr>) -> Result<()> {
        match (exc, cause) {
            (None, _) => self.asm().emit_final(Op::RaiseCurrent, 0, 0),
            (Some(exc), None) => {
                let register = self.operand(exc)?;
                self.asm().emit_final(Op::Raise, register, 0);
            }
            (Some(exc), Some(cause)) => {
                let register = self.operand(exc)?;
                let cause = self.operand(cause)?;
                self.asm().emit_final(Op::RaiseFrom, register, cause);
            }
        }
        Ok(())
    }

    fn assert(&mut self, test: &'t Expr, msg: Option<&'t Expr>) -> Result<()> {
        self.check_assert(test)?;
        if self.settings.optimize > 0 {
            return Ok(());
        }
        let end = self.asm().label();
        self.jump_if(test, true, end)?;
        let base = self.asm().temp();
        self.located(test.at, |this| {
            this.asm().emit_x(Op::LoadCommon, base, CommonConstant::AssertionError as u16);
            if let Some(msg) = msg {
                this.asm().temp();
                this.expr_temp(msg)?;
                this.asm().emit(Op::Call, base, base, 1);
            }
            this.asm().emit_final(Op::Raise, base, 0);
            Ok(())
        })?;
        self.asm().bind(end);
        Ok(())
    }

    // ---- imports ----

    fn check_alias(&self, alias: &Alias) -> Result<()> {
        match &**alias.asname.as_ref().unwrap_or(&alias.name) {
            "__debug__" => Err(CompileError::syntax("cannot assign to __debug__", alias.at)),
            _ => Ok(()),
        }
    }

    fn import(&mut self, names: &'t [Alias]) -> Result<()> {
        for alias in names {
            self.check_alias(alias)?;
            let mark = self.asm().mark();
            let module = self.import_name(&alias.name, 0, &Constant::None)?;
            let mut parts = alias.name.split('.');
            let first = parts.next().unwrap_or_default();
            match &alias.asname {
                Some(asname) => {
                    for part in parts {
                        let ext = u32::from(self.asm().name(&ident(part))?);
                        self.asm().emit_ext(Op::ImportFrom, module, module, 0, ext);
                    }
                    self.store_name(asname, module)?;
                }
                None => self.store_name(&ident(first), module)?,
            }
            self.asm().release(mark);
        }
        Ok(())
    }

    fn import_name(&mut self, name: &Ident, level: u32, fromlist: &Constant) -> Result<u8> {
        let module = self.asm().temp();
        let (level_register, fromlist_register) = (module, self.asm().temp());
        self.asm().load_constant(level_register, &Constant::Int(i64::from(level)));
        self.asm().load_constant(fromlist_register, fromlist);
        let ext = u32::from(self.asm().name(name)?);
        self.asm().emit_ext(Op::ImportName, module, level_register, fromlist_register, ext);
        self.asm().release(u16::from(fromlist_register));
        Ok(module)
    }

    fn import_from(&mut self, module: Option<&Ident>, names: &'t [Alias], level: u32) -> Result<()> {
        let at = self.here();
        if level == 0 && module.is_some_and(|module| &**module == "__future__") {
            if (at.line, at.column) > self.settings.last_future {
                return self.error("from __future__ imports must occur at the beginning of the file");
            }
            for alias in names {
                crate::future::feature(&alias.name, alias.at)?;
            }
        }
        let wanted = names.iter().map(|alias| Constant::str(&alias.name)).collect();
        let empty = ident("");
        let register = self.import_name(module.unwrap_or(&empty), level, &Constant::Tuple(wanted))?;
        for alias in names {
            if &*alias.name == "*" {
                self.asm().emit(Op::ImportStar, register, 0, 0);
                return Ok(());
            }
            self.check_alias(alias)?;
            let mark = self.asm().mark();
            let target = alias.asname.as_ref().unwrap_or(&alias.name);
            let item = self.direct_target(target).unwrap_or_else(|| self.asm().temp());
            let ext = u32::from(self.asm().name(&alias.name)?);
            self.asm().emit_ext(Op::ImportFrom, item, register, 0, ext);
            self.store_name(target, item)?;
            self.asm().release(mark);
        }
        self.asm().emit(Op::Drop, register, 0, 0);
        Ok(())
    }

    // ---- annotated assignment ----

    /// The annotation of what is no simple name, or stands in a function, is never evaluated.
    fn ann_assign(
        &mut self,
        target: &'t Expr,
        annotation: &'t Expr,
        value: Option<&'t Expr>,
        simple: bool,
    ) -> Result<()> {
        if let Some(value) = value {
            self.assign_expr(target, value)?;
        }
        match &target.kind {
            ExprKind::Name { id, .. } => {
                if &**id == "__debug__" {
                    return Err(CompileError::syntax("cannot assign to __debug__", target.at));
                }
                let scope_id = self.scope_id();
                let stored = !self.table.scope(scope_id).is_function_like();
                if simple && stored {
                    self.note_annotation(id, annotation, target.at)?;
                }
            }
            ExprKind::Attribute { value: object, attr, .. } => {
                if &**attr == "__debug__" {
                    return Err(CompileError::syntax("cannot assign to __debug__", target.at));
                }
                if value.is_none() {
                    self.discard(object)?;
                }
            }
            ExprKind::Subscript { value: object, slice, .. } => {
                if value.is_none() {
                    self.discard(object)?;
                    self.discard(slice)?;
                }
            }
            _ => return self.error("invalid node type for annotated assignment"),
        }
        Ok(())
    }
}
