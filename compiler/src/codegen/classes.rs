//! Class definitions.

use super::Generator;
use super::assembler::{Reg, ident};
use crate::ast::*;
use crate::code::Constant;
use crate::error::Result;
use crate::opcode::{Intrinsic1, Op};
use crate::symtable::{Part, ScopeKind};

impl<'t> Generator<'t> {
    pub(super) fn class_def(&mut self, def: &'t ClassDef, at: Position) -> Result<()> {
        let bases = self.decorators(&def.decorators)?;
        let first_line = def.decorators.first().map_or(at.line, |decorator| decorator.at.line);
        let class = self.asm().temp();
        if def.type_params.is_empty() {
            self.build_class(def, at, first_line, None, class)?;
        } else {
            self.generic_class(def, at, first_line, class)?;
        }
        let result = self.apply_decorators(&bases, &def.decorators, class)?;
        self.asm().at = Some(at);
        self.store_name(&def.name, result)
    }

    /// R[base] := the class; `generic`: the register of the base that makes it generic.
    fn build_class(
        &mut self,
        def: &'t ClassDef,
        at: Position,
        first_line: u32,
        generic: Option<Reg>,
        base: Reg,
    ) -> Result<()> {
        self.asm().emit(Op::LoadBuildClass, base, 0, 0);
        self.asm().temp();
        let function = self.asm().temp();
        self.class_body(def, at, first_line, function)?;
        let name = self.asm().temp();
        self.asm().load_constant(name, &Constant::str(&def.name));
        self.class_call(def, base, function, generic)?;
        self.asm().release(u16::from(base) + 1);
        Ok(())
    }

    /// Calls `__build_class__` with function and name, which are loaded, and the class's arguments.
    fn class_call(
        &mut self,
        def: &'t ClassDef,
        base: Reg,
        function: Reg,
        generic: Option<Reg>,
    ) -> Result<()> {
        self.check_keywords(&def.keywords)?;
        let plain = def.bases.len() + def.keywords.len() <= 12
            && !def.bases.iter().any(|base| matches!(base.kind, ExprKind::Starred { .. }))
            && def.keywords.iter().all(|keyword| keyword.arg.is_some());
        if plain {
            let mut count = 2 + def.bases.len() + def.keywords.len();
            for base in &def.bases {
                self.expr_temp(base)?;
            }
            if let Some(generic) = generic {
                let register = self.asm().temp();
                self.asm().emit(Op::Copy, register, generic, 0);
                count += 1;
            }
            let mut names = Vec::new();
            for keyword in &def.keywords {
                self.expr_temp(&keyword.value)?;
                if let Some(name) = &keyword.arg {
                    names.push(Constant::str(name));
                }
            }
            if names.is_empty() {
                self.asm().emit(Op::Call, base, base, count as u8);
            } else if self.asm().reachable() {
                let index = self.asm().constant(Constant::Tuple(names.into()));
                self.asm().emit_ext(Op::CallKw, base, base, count as u8, index);
            }
            return Ok(());
        }
        let name = function.saturating_add(1);
        self.asm().emit(Op::BuildList, function, function, 2);
        self.asm().release(u16::from(name));
        for expr in &def.bases {
            let mark = self.asm().mark();
            let (op, item) = match &expr.kind {
                ExprKind::Starred { value, .. } => (Op::ListExtend, self.operand(value)?),
                _ => (Op::ListAppend, self.operand(expr)?),
            };
            self.asm().emit(op, function, item, 0);
            self.asm().release(mark);
        }
        if let Some(generic) = generic {
            let copy = self.asm().temp();
            self.asm().emit(Op::Copy, copy, generic, 0);
            self.asm().emit(Op::ListAppend, function, copy, 0);
            self.asm().release(u16::from(copy));
        }
        let mapping = self.asm().temp();
        if !def.keywords.is_empty() {
            self.keyword_dict(base, &def.keywords, mapping)?;
        }
        self.asm().emit(Op::CallEx, base, base, 0);
        Ok(())
    }

    fn class_body(&mut self, def: &'t ClassDef, at: Position, first_line: u32, dst: Reg) -> Result<()> {
        let Some(id) = self.table.of_node(def, Part::Body) else {
            return self.error("compiler error: class without a scope");
        };
        self.enter(&def.name, id, Position { line: first_line, ..at })?;
        let scope = self.table.scope(id);
        let line = Position { line: first_line, end_line: first_line, column: 0, end_column: 0 };
        self.asm().at = Some(line);
        let register = self.asm().temp();
        self.asm_load_and_store("__name__", "__module__", register)?;
        let qualname = self.unit().qualname.clone();
        self.asm().load_constant(register, &Constant::str(&qualname));
        self.store_plain_name("__qualname__", register)?;
        self.asm().load_constant(register, &Constant::Int(i64::from(first_line)));
        self.store_plain_name("__firstlineno__", register)?;
        if !def.type_params.is_empty() {
            self.load_name(&ident(".type_params"), register)?;
            self.store_plain_name("__type_params__", register)?;
        }
        if scope.needs_classdict {
            self.asm().emit(Op::LoadLocals, register, 0, 0);
            self.store_class_cell("__classdict__", register);
        }
        self.asm().release(u16::from(register));
        self.begin_annotations(&def.body)?;
        let (docstring, body) = self.split_docstring(&def.body);
        if let Some((text, at)) = docstring {
            self.located(at, |this| {
                let register = this.asm().temp();
                this.asm().load_constant(register, &text);
                this.store_plain_name("__doc__", register)?;
                this.asm().release(u16::from(register));
                Ok(())
            })?;
        }
        self.suite(body)?;
        self.asm().at = Some(line);
        self.end_annotations()?;
        self.end_class_body(scope.needs_class_closure, scope.needs_classdict)?;
        self.leave_to_function(dst)
    }

    fn asm_load_and_store(&mut self, from: &str, to: &str, register: Reg) -> Result<()> {
        let ext = self.asm().global_ext(&ident(from))?;
        self.asm().emit_ext(Op::LoadName, register, 0, 0, ext);
        self.store_plain_name(to, register)
    }

    /// Stores to a cell that the class provides implicitly.
    pub(super) fn store_class_cell(&mut self, name: &str, src: Reg) {
        if let Some(cell) = self.unit().registers.get(name).copied() {
            self.asm().emit(Op::StoreCell, cell, src, 0);
        }
    }

    fn end_class_body(&mut self, class_cell: bool, classdict: bool) -> Result<()> {
        let statics = std::mem::take(&mut self.unit().static_attributes);
        let register = self.asm().temp();
        let names = statics.iter().map(|name| Constant::str(name)).collect();
        self.asm().load_constant(register, &Constant::Tuple(names));
        self.store_plain_name("__static_attributes__", register)?;
        if classdict {
            self.load_cell_itself(&ident("__classdict__"), register)?;
            self.store_plain_name("__classdictcell__", register)?;
        }
        if class_cell {
            self.load_cell_itself(&ident("__class__"), register)?;
            let copy = self.asm().temp();
            self.asm().emit(Op::Copy, copy, register, 0);
            self.store_plain_name("__classcell__", copy)?;
            self.asm().emit_final(Op::Return, register, 0);
        }
        self.asm().emit_final(Op::ReturnNone, 0, 0);
        Ok(())
    }

    // ---- static attributes ----

    /// Notes `self.name = …` for `__static_attributes__` of the class around.
    pub(super) fn note_static_attribute(&mut self, value: &Expr, attr: &Ident) {
        if !matches!(&value.kind, ExprKind::Name { id, .. } if &**id == "self") {
            return;
        }
        let table = self.table;
        let around = self.units.iter_mut().rev().skip(1);
        if let Some(class) = around.into_iter().find(|unit| table.scope(unit.scope).kind == ScopeKind::Class)
        {
            class.static_attributes.insert(attr.clone());
        }
    }

    // ---- generic classes ----

    fn generic_class(&mut self, def: &'t ClassDef, at: Position, first_line: u32, base: Reg) -> Result<()> {
        let Some(id) = self.table.of_node(def, Part::TypeParams) else {
            return self.error("compiler error: type parameters without a scope");
        };
        let name = format!("<generic parameters of {}>", def.name);
        self.enter(&name, id, Position { line: first_line, ..at })?;
        self.asm().at = Some(at);
        let params = self.type_params(&def.type_params)?;
        self.store_name(&ident(".type_params"), params)?;
        self.asm().release(u16::from(params));
        let generic = self.asm().temp();
        self.load_name(&ident(".type_params"), generic)?;
        self.asm().emit(Op::Intrinsic1, generic, generic, Intrinsic1::SubscriptGeneric as u8);
        let class = self.asm().temp();
        self.build_class(def, at, first_line, Some(generic), class)?;
        self.asm().emit_final(Op::Return, class, 0);
        self.leave_to_function(base)?;
        self.asm().emit(Op::Call, base, base, 0);
        Ok(())
    }
}
