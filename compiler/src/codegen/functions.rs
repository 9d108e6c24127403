//! Function definitions and lambdas.

use super::Generator;
use super::assembler::{Reg, ident};
use crate::ast::*;
use crate::code::{Constant, flags};
use crate::error::{CompileError, Result};
use crate::opcode::{FunctionAttr, Intrinsic2, Op};
use crate::symtable::Part;

/// The registers of a function's defaults while it is made.
#[derive(Clone, Copy, Default)]
pub(super) struct Defaults {
    pub(super) positional: Option<Reg>,
    pub(super) keyword: Option<Reg>,
}

/// More decorators than this are kept in a list.
const MAX_DECORATOR_WINDOWS: usize = 16;

/// Where the decorators of a definition are.
pub(super) enum Decorators {
    /// Each in the first register of a window for its call.
    Windows(Vec<Reg>),
    /// All in a list.
    List(Reg),
}

impl<'t> Generator<'t> {
    /// Evaluates decorators; the next temporary is the argument of the last.
    pub(super) fn decorators(&mut self, decorators: &'t [Expr]) -> Result<Decorators> {
        if decorators.len() > MAX_DECORATOR_WINDOWS {
            let list = self.asm().temp();
            self.list_in(decorators, list)?;
            return Ok(Decorators::List(list));
        }
        let mut bases = Vec::with_capacity(decorators.len());
        for decorator in decorators {
            let base = self.expr_temp(decorator)?;
            self.asm().temp();
            bases.push(base);
        }
        Ok(Decorators::Windows(bases))
    }

    /// Calls the decorators with R[value]; gives the register of the result.
    pub(super) fn apply_decorators(
        &mut self,
        evaluated: &Decorators,
        decorators: &'t [Expr],
        value: Reg,
    ) -> Result<Reg> {
        let bases = match evaluated {
            Decorators::Windows(bases) => bases,
            Decorators::List(list) => return self.apply_listed_decorators(*list, decorators, value),
        };
        let mut result = value;
        for (base, decorator) in bases.iter().zip(decorators).rev() {
            self.located(decorator.at, |this| {
                this.asm().emit(Op::Call, *base, *base, 1);
                Ok(())
            })?;
            result = *base;
        }
        Ok(result)
    }

    fn apply_listed_decorators(&mut self, list: Reg, decorators: &'t [Expr], value: Reg) -> Result<Reg> {
        let mark = self.asm().mark();
        let (callee, _, argument) = (self.asm().temp(), self.asm().temp(), self.asm().temp());
        for (i, decorator) in decorators.iter().enumerate().rev() {
            self.located(decorator.at, |this| {
                this.asm().emit(Op::Copy, callee, list, 0);
                this.asm().load_constant(argument, &Constant::Int(i as i64));
                this.asm().emit(Op::GetItem, callee, callee, argument);
                this.asm().emit(Op::Move, argument, value, 0);
                this.asm().emit(Op::Call, callee, callee, 1);
                this.asm().emit(Op::Move, value, callee, 0);
                Ok(())
            })?;
        }
        self.asm().emit(Op::Drop, list, 0, 0);
        self.asm().release(mark);
        Ok(value)
    }

    pub(super) fn function_def(&mut self, def: &'t FunctionDef, at: Position) -> Result<()> {
        let bases = self.decorators(&def.decorators)?;
        let first_line = def.decorators.first().map_or(at.line, |decorator| decorator.at.line);
        let function = self.asm().temp();
        if def.type_params.is_empty() {
            let defaults = self.defaults(&def.args)?;
            self.make_function(def, at, first_line, defaults, function)?;
        } else {
            self.generic_function(def, at, first_line, function)?;
        }
        let result = self.apply_decorators(&bases, &def.decorators, function)?;
        self.store_name(&def.name, result)
    }

    /// Evaluates defaults into new temporaries.
    pub(super) fn defaults(&mut self, args: &'t Arguments) -> Result<Defaults> {
        let mut defaults = Defaults::default();
        if !args.defaults.is_empty() {
            let register = self.asm().temp();
            self.tuple_display(&args.defaults, register)?;
            self.asm().release(u16::from(register) + 1);
            defaults.positional = Some(register);
        }
        if args.kw_defaults.iter().any(Option::is_some) {
            let register = self.asm().temp();
            self.asm().emit(Op::BuildMap, register, register, 0);
            for (arg, default) in args.kwonlyargs.iter().zip(&args.kw_defaults) {
                let Some(default) = default else { continue };
                let name = self.mangled(&arg.name);
                let key = self.asm().temp();
                self.asm().load_constant(key, &Constant::str(&name));
                let value = self.operand(default)?;
                self.asm().emit(Op::MapAdd, register, key, value);
                self.asm().release(u16::from(register) + 1);
            }
            defaults.keyword = Some(register);
        }
        Ok(defaults)
    }

    /// R[dst] := the function, with annotations, defaults and closure.
    pub(super) fn make_function(
        &mut self,
        def: &'t FunctionDef,
        at: Position,
        first_line: u32,
        defaults: Defaults,
        dst: Reg,
    ) -> Result<()> {
        self.check_parameters(&def.args)?;
        let annotations = self.function_annotations(def, at)?;
        let Some(id) = self.table.of_node(def, Part::Body) else {
            return self.error("compiler error: function without a scope");
        };
        self.enter(&def.name, id, Position { line: first_line, ..at })?;
        self.unit().is_async = def.is_async;
        self.set_counts(&def.args);
        let (docstring, _) = self.split_docstring(&def.body);
        if let Some((text, _)) = docstring {
            self.asm().constant(text);
            self.unit().flags |= flags::HAS_DOCSTRING;
        }
        let body = match def.body.first() {
            Some(first) if self.is_docstring(first) => &def.body[1..],
            _ => &def.body[..],
        };
        self.asm().at = Some(at);
        self.suite(body)?;
        self.asm().emit_final(Op::ReturnNone, 0, 0);
        self.leave_to_function(dst)?;
        if let Some((register, kind)) = annotations {
            self.asm().emit(Op::SetFunctionAttr, dst, register, kind as u8);
        }
        self.set_defaults(dst, defaults);
        Ok(())
    }

    fn is_docstring(&self, stmt: &Stmt) -> bool {
        matches!(&stmt.kind, StmtKind::Expr(value)
            if matches!(value.kind, ExprKind::Constant { value: Constant::Str(_), .. }))
    }

    fn set_defaults(&mut self, function: Reg, defaults: Defaults) {
        if let Some(register) = defaults.keyword {
            self.asm().emit(Op::SetFunctionAttr, function, register, FunctionAttr::KwDefaults as u8);
        }
        if let Some(register) = defaults.positional {
            self.asm().emit(Op::SetFunctionAttr, function, register, FunctionAttr::Defaults as u8);
        }
    }

    fn set_counts(&mut self, args: &Arguments) {
        let unit = self.unit();
        unit.posonlyargcount = args.posonlyargs.len() as u32;
        unit.argcount = (args.posonlyargs.len() + args.args.len()) as u32;
        unit.kwonlyargcount = args.kwonlyargs.len() as u32;
    }

    fn check_parameters(&mut self, args: &Arguments) -> Result<()> {
        match args.all().find(|arg| &*arg.name == "__debug__") {
            Some(arg) => Err(CompileError::syntax("cannot assign to __debug__", arg.at)),
            None => Ok(()),
        }
    }

    pub(super) fn lambda(&mut self, lambda: &'t Lambda, dst: Reg) -> Result<()> {
        self.check_parameters(&lambda.args)?;
        let at = self.here();
        let function = self.scratch(dst);
        let defaults = self.defaults(&lambda.args)?;
        let Some(id) = self.table.of_node(lambda, Part::Body) else {
            return self.error("compiler error: lambda without a scope");
        };
        self.enter("<lambda>", id, at)?;
        self.set_counts(&lambda.args);
        self.asm().at = Some(at);
        let value = self.operand(&lambda.body)?;
        self.asm().at = Some(lambda.body.at);
        if self.table.scope(id).generator {
            self.asm().emit(Op::Return, value, 0, 0);
        } else {
            self.asm().emit_final(Op::Return, value, 0);
        }
        self.leave_to_function(function)?;
        self.set_defaults(function, defaults);
        self.finish(function, dst);
        Ok(())
    }

    // ---- generic functions ----

    /// A function with type parameters is made by a function that makes them first.
    fn generic_function(
        &mut self,
        def: &'t FunctionDef,
        at: Position,
        first_line: u32,
        dst: Reg,
    ) -> Result<()> {
        let base = dst;
        let Some(id) = self.table.of_node(def, Part::TypeParams) else {
            return self.error("compiler error: type parameters without a scope");
        };
        // The window of the call: the function comes last, since the defaults are evaluated first.
        self.asm().temp();
        let defaults = self.defaults(&def.args)?;
        let count = u8::from(defaults.positional.is_some()) + u8::from(defaults.keyword.is_some());
        let name = format!("<generic parameters of {}>", def.name);
        self.enter(&name, id, Position { line: first_line, ..at })?;
        self.unit().argcount = u32::from(count);
        self.asm().at = Some(at);
        let params = self.type_params(&def.type_params)?;
        let mut inner = Defaults::default();
        for (wanted, slot) in [(defaults.positional, ".defaults"), (defaults.keyword, ".kwdefaults")] {
            if wanted.is_some() {
                let register = self.asm().temp();
                self.load_name(&ident(slot), register)?;
                if slot == ".defaults" {
                    inner.positional = Some(register);
                } else {
                    inner.keyword = Some(register);
                }
            }
        }
        let function = self.asm().temp();
        self.make_function(def, at, first_line, inner, function)?;
        self.asm().emit_ext(
            Op::Intrinsic2,
            function,
            function,
            params,
            Intrinsic2::SetFunctionTypeParams as u32,
        );
        self.asm().emit_final(Op::Return, function, 0);
        self.leave_to_function(base)?;
        self.asm().emit(Op::Call, base, base, count);
        self.asm().release(u16::from(base) + 1);
        Ok(())
    }
}
