//! Annotations, type parameters and type aliases: code that is evaluated lazily, by functions of a format.

use super::Generator;
use super::assembler::{Reg, ident};
use super::unit::Annotation;
use crate::ast::*;
use crate::code::{Constant, flags};
use crate::error::Result;
use crate::opcode::{CommonConstant, FunctionAttr, Intrinsic1, Intrinsic2, Op};
use crate::symtable::{Part, ScopeId, ScopeKind};
use crate::unparse;

/// Whether a body has annotations that are stored, which only its own statements can have.
fn has_annotations(body: &[Stmt]) -> bool {
    body.iter().any(|stmt| match &stmt.kind {
        StmtKind::AnnAssign { .. } => true,
        StmtKind::For(node) => has_annotations(&node.body) || has_annotations(&node.orelse),
        StmtKind::While { body, orelse, .. } | StmtKind::If { body, orelse, .. } => {
            has_annotations(body) || has_annotations(orelse)
        }
        StmtKind::With { body, .. } => has_annotations(body),
        StmtKind::Match { cases, .. } => cases.iter().any(|case| has_annotations(&case.body)),
        StmtKind::Try(node) => {
            has_annotations(&node.body)
                || node.handlers.iter().any(|handler| has_annotations(&handler.body))
                || has_annotations(&node.orelse)
                || has_annotations(&node.finalbody)
        }
        _ => false,
    })
}

impl<'t> Generator<'t> {
    pub(super) fn future_annotations(&self) -> bool {
        self.settings.future_flags & flags::FUTURE_ANNOTATIONS != 0
    }

    // ---- modules and classes ----

    /// What a module or class with annotations does first.
    pub(super) fn begin_annotations(&mut self, body: &'t [Stmt]) -> Result<()> {
        let id = self.scope_id();
        let scope = self.table.scope(id);
        if self.future_annotations() {
            if has_annotations(body) {
                self.asm().emit(Op::SetupAnnotations, 0, 0, 0);
            }
            return Ok(());
        }
        let register = self.asm().temp();
        if scope.kind == ScopeKind::Module
            && scope.annotation_scope.is_some()
            && scope.has_conditional_annotations
        {
            // The function is compiled at the end, when its annotations are known.
            self.asm().constants.push(Constant::None);
            let index = self.asm().constants.len() as u32 - 1;
            self.unit().annotate_constant = Some(index);
            self.function_of_constant(register, index, &[])?;
            self.store_plain_name("__annotate__", register)?;
        }
        if scope.has_conditional_annotations {
            self.asm().emit(Op::BuildSet, register, register, 0);
            if scope.kind == ScopeKind::Class
                && self.unit().registers.contains_key("__conditional_annotations__")
            {
                self.store_class_cell("__conditional_annotations__", register);
            } else {
                self.store_plain_name("__conditional_annotations__", register)?;
            }
        }
        self.asm().release(u16::from(register));
        Ok(())
    }

    /// An annotated name of a module or class.
    pub(super) fn note_annotation(&mut self, name: &Ident, value: &'t Expr, at: Position) -> Result<()> {
        let name = self.mangled(name);
        if self.future_annotations() {
            let text = self.asm().temp();
            self.asm().load_constant(text, &Constant::str(&unparse::expression(value)));
            let (annotations, key) = (self.asm().temp(), self.asm().temp());
            let ext = self.asm().global_ext(&ident("__annotations__"))?;
            self.asm().emit_ext(Op::LoadName, annotations, 0, 0, ext);
            self.asm().load_constant(key, &Constant::str(&name));
            self.asm().emit(Op::SetItem, annotations, key, text);
            self.asm().release(u16::from(text));
            return Ok(());
        }
        let id = self.scope_id();
        let scope = self.table.scope(id);
        let conditional = scope.has_conditional_annotations
            && (scope.kind == ScopeKind::Module || self.unit().conditional_depth > 0);
        let number = conditional.then_some(self.unit().next_conditional);
        if let Some(number) = number {
            self.unit().next_conditional += 1;
            let set = self.asm().temp();
            let cell = self.unit().registers.get("__conditional_annotations__").copied();
            match cell.filter(|_| scope.kind == ScopeKind::Class) {
                Some(cell) => self.asm().emit(Op::LoadCell, set, cell, 0),
                None => {
                    let ext = self.asm().global_ext(&ident("__conditional_annotations__"))?;
                    self.asm().emit_ext(Op::LoadName, set, 0, 0, ext);
                }
            }
            let item = self.asm().temp();
            self.asm().load_constant(item, &Constant::Int(i64::from(number)));
            self.asm().emit(Op::SetAdd, set, item, 0);
            self.asm().emit(Op::Drop, set, 0, 0);
            self.asm().release(u16::from(set));
        }
        self.unit().annotations.push(Annotation { name, value, conditional: number, at });
        Ok(())
    }

    /// Makes `__annotate__` of a module or class at the end of its body.
    pub(super) fn end_annotations(&mut self) -> Result<()> {
        let annotations = std::mem::take(&mut self.unit().annotations);
        let constant = self.unit().annotate_constant;
        if annotations.is_empty() && constant.is_none() {
            return Ok(());
        }
        let scope_id = self.scope_id();
        let Some(id) = self.table.scope(scope_id).annotation_scope else { return Ok(()) };
        let at = Position { line: self.unit().body_line, ..Position::default() };
        let is_class = self.table.scope(scope_id).kind == ScopeKind::Class;
        let register = self.asm().temp();
        self.enter_lazy("__annotate__", id, at, "format")?;
        let result = self.asm().temp();
        self.asm().emit(Op::BuildMap, result, result, 0);
        for annotation in annotations {
            self.stored_annotation(&annotation, result)?;
        }
        self.asm().emit_final(Op::Return, result, 0);
        if let Some(index) = constant {
            let code = self.leave()?;
            if let Some(slot) = self.asm().constants.get_mut(index as usize) {
                *slot = Constant::Code(code.into());
            }
            self.asm().release(u16::from(register));
            return Ok(());
        }
        self.leave_to_function(register)?;
        let name = if is_class { "__annotate_func__" } else { "__annotate__" };
        self.store_plain_name(name, register)?;
        self.asm().release(u16::from(register));
        Ok(())
    }

    fn stored_annotation(&mut self, annotation: &Annotation<'t>, result: Reg) -> Result<()> {
        let skip = self.asm().label();
        let mark = self.asm().mark();
        self.asm().at = Some(annotation.at);
        if let Some(number) = annotation.conditional {
            let (item, set) = (self.asm().temp(), self.asm().temp());
            self.asm().load_constant(item, &Constant::Int(i64::from(number)));
            self.load_name(&ident("__conditional_annotations__"), set)?;
            self.asm().jump_op(Op::JumpIn, item, set, 0, skip);
            self.asm().release(mark);
        }
        let (key, value) = (self.asm().temp(), self.asm().temp());
        self.annotation_value(annotation.value, value)?;
        self.asm().load_constant(key, &Constant::str(&annotation.name));
        self.asm().emit(Op::MapAdd, result, key, value);
        self.asm().release(mark);
        self.asm().bind(skip);
        Ok(())
    }

    /// An annotation's value; `*args: *Ts` unpacks.
    fn annotation_value(&mut self, value: &'t Expr, dst: Reg) -> Result<()> {
        let ExprKind::Starred { value, .. } = &value.kind else { return self.expr_into(value, dst) };
        let register = self.operand(value)?;
        self.asm().emit(Op::UnpackSequence, dst, register, 1);
        Ok(())
    }

    /// Begins a function of a format: anything but VALUE and VALUE_WITH_FAKE_GLOBALS is not implemented.
    fn enter_lazy(&mut self, name: &str, id: ScopeId, at: Position, parameter: &str) -> Result<()> {
        self.enter(name, id, at)?;
        let unit = self.unit();
        unit.argcount = 1;
        unit.posonlyargcount = 1;
        if let Some(first) = unit.local_names.first_mut() {
            *first = ident(parameter);
        }
        self.asm().at = Some(Position { line: at.line, end_line: at.line, column: 0, end_column: 0 });
        let supported = self.asm().label();
        self.asm().jump_op(Op::JumpGtI, 0, 2, 0, supported);
        let error = self.asm().temp();
        self.asm().emit_x(Op::LoadCommon, error, CommonConstant::NotImplementedError as u16);
        self.asm().emit_final(Op::Raise, error, 0);
        self.asm().release(u16::from(error));
        self.asm().bind(supported);
        Ok(())
    }

    // ---- functions ----

    /// The annotations of a function in a new temporary, and what they are.
    pub(super) fn function_annotations(
        &mut self,
        def: &'t FunctionDef,
        at: Position,
    ) -> Result<Option<(Reg, FunctionAttr)>> {
        let args = &def.args;
        let in_order = (args.args.iter().chain(&args.posonlyargs))
            .chain(&args.vararg)
            .chain(&args.kwonlyargs)
            .chain(&args.kwarg);
        let mut annotated: Vec<(Ident, &'t Expr)> = Vec::new();
        for arg in in_order {
            if let Some(annotation) = &arg.annotation {
                annotated.push((self.mangled(&arg.name), annotation));
            }
        }
        if let Some(returns) = &def.returns {
            annotated.push((ident("return"), returns));
        }
        if annotated.is_empty() {
            return Ok(None);
        }
        let register = self.asm().temp();
        let Some(id) = self.table.of_node(def, Part::Annotations) else {
            return self.error("compiler error: annotations without a scope").map(|()| None);
        };
        let qualname = self.qualname(&def.name, id);
        self.enter_lazy("__annotate__", id, at, "format")?;
        self.unit().qualname = format!("{qualname}.__annotate__");
        let result = self.asm().temp();
        self.asm().emit(Op::BuildMap, result, result, 0);
        for (name, annotation) in annotated {
            let (key, value) = (self.asm().temp(), self.asm().temp());
            self.asm().load_constant(key, &Constant::str(&name));
            if self.future_annotations() {
                let text = unparse::expression(annotation);
                self.asm().load_constant(value, &Constant::str(&text));
            } else {
                self.annotation_value(annotation, value)?;
            }
            self.asm().emit(Op::MapAdd, result, key, value);
            self.asm().release(u16::from(key));
        }
        self.asm().emit_final(Op::Return, result, 0);
        self.leave_to_function(register)?;
        Ok(Some((register, FunctionAttr::Annotate)))
    }

    // ---- type parameters ----

    /// A tuple of the type parameters in a new temporary; each is stored to its name as well.
    pub(super) fn type_params(&mut self, params: &'t [TypeParam]) -> Result<Reg> {
        let mut seen_default = false;
        for param in params {
            if param.default.is_none() && seen_default {
                let message =
                    format!("non-default type parameter '{}' follows default type parameter", param.name);
                return Err(crate::error::CompileError::syntax(message, param.at));
            }
            seen_default |= param.default.is_some();
        }
        self.tuple_of(params.len(), |this, i, reg| {
            let at = params[i].at;
            this.located(at, |this| this.type_param(&params[i], reg))
        })
    }

    fn type_param(&mut self, param: &'t TypeParam, dst: Reg) -> Result<()> {
        let mark = self.asm().mark();
        self.asm().load_constant(dst, &Constant::str(&param.name));
        match &param.kind {
            TypeParamKind::TypeVar { bound: Some(bound) } => {
                let function = self.asm().temp();
                self.type_variable(param, bound, Part::Bound, function)?;
                let kind = match bound.kind {
                    ExprKind::Tuple { .. } => Intrinsic2::TypeVarWithConstraints,
                    _ => Intrinsic2::TypeVarWithBound,
                };
                self.asm().emit_ext(Op::Intrinsic2, dst, dst, function, kind as u32);
            }
            kind => {
                let kind = match kind {
                    TypeParamKind::TypeVar { .. } => Intrinsic1::TypeVar,
                    TypeParamKind::ParamSpec => Intrinsic1::ParamSpec,
                    TypeParamKind::TypeVarTuple => Intrinsic1::TypeVarTuple,
                };
                self.asm().emit(Op::Intrinsic1, dst, dst, kind as u8);
            }
        }
        if let Some(default) = &param.default {
            let function = self.asm().temp();
            self.type_variable(param, default, Part::Default, function)?;
            let kind = Intrinsic2::SetTypeParamDefault as u32;
            self.asm().emit_ext(Op::Intrinsic2, dst, dst, function, kind);
        }
        let copy = self.asm().temp();
        self.asm().emit(Op::Copy, copy, dst, 0);
        self.store_name(&param.name, copy)?;
        self.asm().release(mark);
        Ok(())
    }

    /// R[dst] := the function that computes a bound or default.
    fn type_variable(&mut self, param: &'t TypeParam, value: &'t Expr, part: Part, dst: Reg) -> Result<()> {
        let Some(id) = self.table.of_node(param, part) else {
            return self.error("compiler error: type parameter without a scope");
        };
        self.lazy_function(&param.name, id, value, part == Part::Default, dst)
    }

    /// R[dst] := a function of a format (1 by default) that computes a value.
    fn lazy_function(
        &mut self,
        name: &str,
        id: ScopeId,
        value: &'t Expr,
        starred: bool,
        dst: Reg,
    ) -> Result<()> {
        self.enter_lazy(name, id, value.at, ".format")?;
        let register = self.asm().temp();
        if starred {
            self.annotation_value(value, register)?;
        } else {
            self.expr_into(value, register)?;
        }
        self.asm().emit_final(Op::Return, register, 0);
        self.leave_to_function(dst)?;
        let defaults = self.asm().temp();
        self.asm().load_constant(defaults, &Constant::Tuple(Box::new([Constant::Int(1)])));
        self.asm().emit(Op::SetFunctionAttr, dst, defaults, FunctionAttr::Defaults as u8);
        self.asm().release(u16::from(defaults));
        Ok(())
    }

    // ---- type aliases ----

    pub(super) fn type_alias(&mut self, alias: &'t TypeAlias) -> Result<()> {
        let ExprKind::Name { id: name, .. } = &alias.name.kind else {
            return self.error("invalid syntax");
        };
        let result = self.asm().temp();
        if alias.type_params.is_empty() {
            self.alias_value(alias, name, None, result)?;
        } else {
            let Some(id) = self.table.of_node(alias, Part::TypeParams) else {
                return self.error("compiler error: type parameters without a scope");
            };
            let at = self.here();
            self.enter(&format!("<generic parameters of {name}>"), id, at)?;
            self.asm().at = Some(at);
            let params = self.type_params(&alias.type_params)?;
            let inner = self.asm().temp();
            self.alias_value(alias, name, Some(params), inner)?;
            self.asm().emit_final(Op::Return, inner, 0);
            self.leave_to_function(result)?;
            self.asm().emit(Op::Call, result, result, 0);
        }
        self.store_name(name, result)
    }

    fn alias_value(
        &mut self,
        alias: &'t TypeAlias,
        name: &Ident,
        params: Option<Reg>,
        dst: Reg,
    ) -> Result<()> {
        let Some(id) = self.table.of_node(alias, Part::Body) else {
            return self.error("compiler error: type alias without a scope");
        };
        self.asm().load_constant(dst, &Constant::str(name));
        let params_register = self.asm().temp();
        match params {
            Some(params) => self.asm().emit(Op::Move, params_register, params, 0),
            None => self.asm().emit(Op::LoadNone, params_register, 0, 0),
        }
        let function = self.asm().temp();
        self.lazy_function(name, id, &alias.value, false, function)?;
        self.asm().emit(Op::BuildTuple, dst, dst, 3);
        self.asm().emit(Op::Intrinsic1, dst, dst, Intrinsic1::TypeAlias as u8);
        Ok(())
    }
}
