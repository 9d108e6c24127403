//! Calls: plain and method calls, keywords, unpacking, `super()`.

use super::Generator;
use super::assembler::{Reg, ident};
use super::displays::MAX_WINDOW;
use crate::ast::*;
use crate::code::Constant;
use crate::error::{CompileError, Result};
use crate::opcode::Op;
use crate::symtable::{Place, ScopeKind};

/// Arguments of a call in a window, at most.
const MAX_ARGUMENTS: usize = MAX_WINDOW + 8;

/// Whether all arguments can be put into a window.
fn fits_window(args: &[Expr], keywords: &[Keyword]) -> bool {
    args.len() + keywords.len() <= MAX_ARGUMENTS
        && !args.iter().any(|arg| matches!(arg.kind, ExprKind::Starred { .. }))
        && keywords.iter().all(|keyword| keyword.arg.is_some())
}

impl<'t> Generator<'t> {
    pub(super) fn call(&mut self, call: &'t Call, expr: &'t Expr, dst: Reg) -> Result<()> {
        self.check_keywords(&call.keywords)?;
        self.check_caller(&call.func)?;
        let base = self.window(dst);
        let mut at = expr.at;
        match &call.func.kind {
            ExprKind::Attribute { value, attr, ctx: Context::Load }
                if fits_window(&call.args, &call.keywords) =>
            {
                at = Self::attribute_place(at, &call.func, attr);
                self.load_method(&call.func, value, attr, base)?;
            }
            _ => self.expr_into(&call.func, base)?,
        }
        let receiver = self.asm().temp();
        debug_assert!(receiver == 255 || receiver == base + 1);
        self.located(at, |this| this.finish_call(base, &call.args, &call.keywords, dst))
    }

    /// R[base], R[base+1] := the method.
    fn load_method(&mut self, func: &'t Expr, value: &'t Expr, attr: &Ident, base: Reg) -> Result<()> {
        let outer = self.asm().at.replace(func.at);
        let mark = self.asm().mark();
        let result = (|| {
            if self.super_attribute(value, attr, base, true)? {
                return Ok(());
            }
            let object = self.operand_in(value, base)?;
            let name = self.mangled(attr);
            let ext = self.asm().attr_ext(&name)?;
            self.located(Self::attribute_place(func.at, func, attr), |this| {
                this.asm().emit_ext(Op::LoadMethod, base, object, 0, ext);
                Ok(())
            })
        })();
        self.asm().release(mark);
        self.asm().at = outer;
        result
    }

    /// Arguments and the call itself; R[base] and R[base+1] are loaded.
    pub(super) fn finish_call(
        &mut self,
        base: Reg,
        args: &'t [Expr],
        keywords: &'t [Keyword],
        dst: Reg,
    ) -> Result<()> {
        if !fits_window(args, keywords) {
            return self.finish_call_ex(base, args, keywords, &[], dst);
        }
        for arg in args {
            self.expr_temp(arg)?;
        }
        let mut names = Vec::with_capacity(keywords.len());
        for keyword in keywords {
            self.expr_temp(&keyword.value)?;
            // Private names are those of variables and attributes, not of keywords.
            if let Some(name) = &keyword.arg {
                names.push(Constant::str(name));
            }
        }
        let count = (args.len() + keywords.len()) as u8;
        if keywords.is_empty() {
            self.asm().emit(Op::Call, dst, base, count);
        } else if self.asm().reachable() {
            let index = self.asm().constant(Constant::Tuple(names.into()));
            self.asm().emit_ext(Op::CallKw, dst, base, count, index);
        }
        Ok(())
    }

    /// A call whose arguments are collected in containers; `extra` registers are further positional arguments.
    pub(super) fn finish_call_ex(
        &mut self,
        base: Reg,
        args: &'t [Expr],
        keywords: &'t [Keyword],
        extra: &[Reg],
        dst: Reg,
    ) -> Result<()> {
        let list = self.asm().temp();
        match (args, extra) {
            ([Expr { kind: ExprKind::Starred { value, .. }, .. }], []) => self.expr_into(value, list)?,
            _ => {
                self.list_in(args, list)?;
                for register in extra {
                    self.asm().emit(Op::ListAppend, list, *register, 0);
                }
            }
        }
        let mapping = self.asm().temp();
        if !keywords.is_empty() {
            self.keyword_dict(base, keywords, mapping)?;
        }
        self.asm().emit(Op::CallEx, dst, base, 0);
        Ok(())
    }

    /// R[mapping] := dict of keyword arguments. Runs of `name=value` are built together and merged.
    pub(super) fn keyword_dict(&mut self, base: Reg, keywords: &'t [Keyword], mapping: Reg) -> Result<()> {
        let mut started = false;
        let mut rest = keywords;
        while let Some(first) = rest.first() {
            let mark = self.asm().mark();
            if first.arg.is_none() {
                if !started {
                    self.asm().emit(Op::BuildMap, mapping, mapping, 0);
                    started = true;
                }
                let value = self.operand(&first.value)?;
                self.asm().emit(Op::DictMerge, mapping, value, base);
                rest = &rest[1..];
            } else {
                let run = rest.iter().take_while(|keyword| keyword.arg.is_some()).count().min(8);
                let target = if started { self.asm().temp() } else { mapping };
                self.keyword_run(&rest[..run], target)?;
                if started {
                    self.asm().emit(Op::DictMerge, mapping, target, base);
                }
                started = true;
                rest = &rest[run..];
            }
            self.asm().release(mark);
        }
        Ok(())
    }

    fn keyword_run(&mut self, keywords: &'t [Keyword], target: Reg) -> Result<()> {
        let first = if u16::from(target) + 1 == self.asm().mark() { target } else { self.asm().temp() };
        for (i, keyword) in keywords.iter().enumerate() {
            let register = if i == 0 { first } else { self.asm().temp() };
            if let Some(name) = &keyword.arg {
                self.asm().load_constant(register, &Constant::str(name));
            }
            self.expr_temp(&keyword.value)?;
        }
        self.asm().emit(Op::BuildMap, target, first, keywords.len() as u8);
        Ok(())
    }

    pub(super) fn check_keywords(&mut self, keywords: &'t [Keyword]) -> Result<()> {
        for (i, keyword) in keywords.iter().enumerate() {
            let Some(name) = &keyword.arg else { continue };
            if &**name == "__debug__" {
                return Err(CompileError::syntax("cannot assign to __debug__", keyword.at));
            }
            if let Some(again) = keywords[i + 1..].iter().find(|other| other.arg.as_ref() == Some(name)) {
                let message = format!("keyword argument repeated: {name}");
                return Err(CompileError::syntax(message, again.at));
            }
        }
        Ok(())
    }

    // ---- super ----

    /// Compiles `super().attr` without making the super object, if this is that. `method`: R[dst], R[dst+1] receive
    /// function and self.
    pub(super) fn super_attribute(
        &mut self,
        value: &'t Expr,
        attr: &Ident,
        dst: Reg,
        method: bool,
    ) -> Result<bool> {
        let ExprKind::Call(call) = &value.kind else { return Ok(false) };
        if !self.is_plain_super(call) {
            return Ok(false);
        }
        let base = self.window(dst);
        let (class, object) = (self.asm().temp(), self.asm().temp());
        self.located(call.func.at, |this| this.load_name(&ident("super"), base))?;
        let two = !call.args.is_empty();
        self.located(value.at, |this| {
            match &call.args[..] {
                [first, second] => {
                    this.expr_into(first, class)?;
                    this.expr_into(second, object)?;
                }
                _ => {
                    this.load_name(&ident("__class__"), class)?;
                    let first = this.first_parameter();
                    if let Some(first) = first {
                        this.load_name(&first, object)?;
                    }
                }
            }
            Ok(())
        })?;
        let name = self.mangled(attr);
        let ext = self.asm().attr_ext(&name)?;
        let op = if method { Op::LoadSuperMethod } else { Op::LoadSuperAttr };
        self.asm().emit_ext(op, dst, base, u8::from(two), ext);
        self.asm().release(u16::from(base) + 1);
        Ok(true)
    }

    fn first_parameter(&mut self) -> Option<Ident> {
        if self.unit().argcount == 0 {
            return None;
        }
        let id = self.scope_id();
        self.table.scope(id).params.first().cloned()
    }

    fn is_plain_super(&mut self, call: &Call) -> bool {
        let ExprKind::Name { id, .. } = &call.func.kind else { return false };
        if &**id != "super" || !call.keywords.is_empty() {
            return false;
        }
        let starred = call.args.iter().any(|arg| matches!(arg.kind, ExprKind::Starred { .. }));
        let scope_id = self.scope_id();
        let scope = self.table.scope(scope_id);
        let name = ident("super");
        let global = scope.symbols.get(&name).is_some_and(|s| s.place == Place::GlobalImplicit);
        let module = self.table.scope(crate::symtable::TOP);
        let shadowed = module.symbols.contains_key(&name);
        if !global || shadowed || starred || scope.kind != ScopeKind::Function {
            return false;
        }
        match call.args.len() {
            2 => true,
            0 => {
                let class = ident("__class__");
                self.unit().environment.is_empty()
                    && self.unit().free.contains_key(&class)
                    && self
                        .first_parameter()
                        .is_some_and(|name| !scope.unbound.contains(&name) && scope.comprehension.is_none())
            }
            _ => false,
        }
    }
}
