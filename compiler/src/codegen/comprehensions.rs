//! Comprehensions: inlined into the frame around, except generator expressions.

use rustc_hash::FxHashMap;

use super::Generator;
use super::assembler::Reg;
use crate::ast::{Comprehension, Expr, ExprKind, Generator as Clause};
use crate::error::{CompileError, Result};
use crate::opcode::Op;
use crate::symtable::{ComprehensionKind, Part, Place, ScopeId};

/// What is being built.
#[derive(Clone, Copy)]
struct Target {
    kind: ComprehensionKind,
    result: Reg,
}

impl<'t> Generator<'t> {
    pub(super) fn comprehension(
        &mut self,
        comp: &'t Comprehension,
        kind: ComprehensionKind,
        dst: Reg,
    ) -> Result<()> {
        let Some(id) = self.table.of_node(comp, Part::Body) else {
            return self.error("compiler error: comprehension without a scope");
        };
        self.check_async_comprehension(comp, kind)?;
        if self.table.scope(id).inlined {
            self.inlined_comprehension(comp, kind, id, dst)
        } else {
            self.outlined_comprehension(comp, kind, id, dst)
        }
    }

    fn check_async_comprehension(&mut self, comp: &'t Comprehension, kind: ComprehensionKind) -> Result<()> {
        let is_async =
            (self.table.of_node(comp, Part::Body)).is_some_and(|id| self.table.scope(id).coroutine);
        if !is_async || kind == ComprehensionKind::Generator {
            return Ok(());
        }
        let id = self.scope_id();
        let generator = self.table.scope(id).comprehension.is_some();
        if !generator && !self.is_async_unit() {
            return self.error("asynchronous comprehension outside of an asynchronous function");
        }
        Ok(())
    }

    /// Loads the first iterable into `reg` and makes its iterator.
    fn first_iterator(&mut self, clause: &'t Clause, reg: Reg) -> Result<()> {
        self.expr_into(&clause.iter, reg)?;
        let op = if clause.is_async { Op::GetAiter } else { Op::GetIter };
        self.located(clause.iter.at, |this| {
            this.asm().emit(op, reg, reg, 0);
            Ok(())
        })
    }

    fn inlined_comprehension(
        &mut self,
        comp: &'t Comprehension,
        kind: ComprehensionKind,
        id: ScopeId,
        dst: Reg,
    ) -> Result<()> {
        let result = self.scratch(dst);
        let iterator = self.asm().temp();
        let Some(first) = comp.generators.first() else { return self.error("invalid syntax") };
        self.first_iterator(first, iterator)?;
        let build = match kind {
            ComprehensionKind::Set => Op::BuildSet,
            ComprehensionKind::Dict => Op::BuildMap,
            _ => Op::BuildList,
        };
        self.asm().emit(build, result, result, 0);
        let registers = self.hidden_registers(id);
        let hidden: Vec<Reg> = registers.values().copied().collect();
        self.unit().environment.push((id, registers));
        let target = Target { kind, result };
        let outcome = self.guarded(&hidden, |this| this.clauses(comp, 0, Some(iterator), target));
        self.unit().environment.pop();
        outcome?;
        for register in &hidden {
            self.asm().emit(Op::Drop, *register, 0, 0);
            self.asm().set_bound(*register, false);
        }
        let unit = self.unit();
        unit.next_hidden -= hidden.len() as Reg;
        self.asm().release(u16::from(iterator));
        self.finish(result, dst);
        Ok(())
    }

    /// Registers for the variables of an inlined comprehension; those that are captured get a new cell.
    fn hidden_registers(&mut self, id: ScopeId) -> FxHashMap<crate::ast::Ident, Reg> {
        let table = self.table;
        let mut registers = FxHashMap::default();
        for (name, symbol) in &table.scope(id).symbols {
            if !matches!(symbol.place, Place::Local | Place::Cell) {
                continue;
            }
            let unit = self.unit();
            let register = unit.next_hidden;
            unit.next_hidden += 1;
            unit.local_names[usize::from(register)] = name.clone();
            unit.asm.set_bound(register, false);
            if symbol.place == Place::Cell {
                unit.asm.emit(Op::MakeCell, register, 0, 0);
            }
            registers.insert(name.clone(), register);
        }
        registers
    }

    /// Runs `f` so that an exception empties the hidden registers.
    fn guarded(&mut self, hidden: &[Reg], f: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if hidden.is_empty() {
            return f(self);
        }
        let (cleanup, end) = (self.asm().label(), self.asm().label());
        let exc = self.asm().temp();
        // The result and the iterator are below `exc`, and dropped by the handler around.
        let outer = self.asm().push_handler(cleanup, exc);
        self.asm().release(u16::from(exc));
        let outcome = f(self);
        self.asm().handler = outer;
        outcome?;
        self.asm().jump(end);
        self.asm().bind(cleanup);
        for register in hidden {
            self.asm().emit(Op::Drop, *register, 0, 0);
        }
        self.asm().emit_final(Op::Reraise, exc, 0);
        self.asm().bind(end);
        Ok(())
    }

    fn outlined_comprehension(
        &mut self,
        comp: &'t Comprehension,
        kind: ComprehensionKind,
        id: ScopeId,
        dst: Reg,
    ) -> Result<()> {
        let Some(first) = comp.generators.first() else { return self.error("invalid syntax") };
        let base = self.window(dst);
        let at = self.here();
        let name = match kind {
            ComprehensionKind::List => "<listcomp>",
            ComprehensionKind::Set => "<setcomp>",
            ComprehensionKind::Dict => "<dictcomp>",
            ComprehensionKind::Generator => "<genexpr>",
        };
        self.enter(name, id, at)?;
        self.unit().argcount = 1;
        self.asm().at = Some(at);
        self.comprehension_body(comp, kind)?;
        self.leave_to_function(base)?;
        self.asm().temp();
        let iterator = self.asm().temp();
        self.first_iterator(first, iterator)?;
        if kind == ComprehensionKind::Generator || !self.table.scope(id).coroutine {
            self.asm().emit(Op::Call, dst, base, 1);
            return Ok(());
        }
        self.asm().emit(Op::Call, base, base, 1);
        self.await_in(base, 0)?;
        self.finish(base, dst);
        Ok(())
    }

    fn comprehension_body(&mut self, comp: &'t Comprehension, kind: ComprehensionKind) -> Result<()> {
        let result = self.asm().temp();
        match kind {
            ComprehensionKind::List => self.asm().emit(Op::BuildList, result, result, 0),
            ComprehensionKind::Set => self.asm().emit(Op::BuildSet, result, result, 0),
            ComprehensionKind::Dict => self.asm().emit(Op::BuildMap, result, result, 0),
            ComprehensionKind::Generator => {}
        }
        let iterator = self.asm().temp();
        // The parameter `.0` is the iterator.
        self.asm().emit(Op::Move, iterator, 0, 0);
        self.clauses(comp, 0, Some(iterator), Target { kind, result })?;
        if kind == ComprehensionKind::Generator {
            self.asm().emit_final(Op::ReturnNone, 0, 0);
        } else {
            self.asm().emit_final(Op::Return, result, 0);
        }
        Ok(())
    }

    /// The loops from clause `index` on. `iterator` holds the first iterator already.
    fn clauses(
        &mut self,
        comp: &'t Comprehension,
        index: usize,
        iterator: Option<Reg>,
        target: Target,
    ) -> Result<()> {
        let Some(clause) = comp.generators.get(index) else { return self.element(comp, target) };
        if clause.is_async {
            return self.async_clause(comp, clause, index, iterator, target);
        }
        let mark = self.asm().mark();
        // `for x in [value]` is an assignment.
        if let (None, Some(value)) = (iterator, single_item(&clause.iter)) {
            self.assign_expr(&clause.target, value)?;
            let next = self.asm().label();
            self.filters(clause, next)?;
            self.clauses(comp, index + 1, None, target)?;
            self.asm().bind(next);
            return Ok(());
        }
        let iterator = match iterator {
            Some(iterator) => iterator,
            None => {
                let iterator = self.asm().temp();
                self.first_iterator(clause, iterator)?;
                iterator
            }
        };
        let (head, end) = (self.asm().label(), self.asm().label());
        self.asm().bind(head);
        self.located(clause.iter.at, |this| this.for_iter(&clause.target, iterator, end))?;
        self.filters(clause, head)?;
        self.clauses(comp, index + 1, None, target)?;
        self.asm().jump(head);
        self.asm().bind(end);
        self.asm().release(mark);
        Ok(())
    }

    fn filters(&mut self, clause: &'t Clause, next: super::Label) -> Result<()> {
        for condition in &clause.ifs {
            self.filter(condition, next)?;
        }
        Ok(())
    }

    /// Goes on with the next turn (a jump backward, for which there are no conditional instructions) unless true.
    fn filter(&mut self, condition: &'t Expr, next: super::Label) -> Result<()> {
        let pass = self.asm().label();
        self.jump_if(condition, true, pass)?;
        self.asm().jump(next);
        self.asm().bind(pass);
        Ok(())
    }

    fn async_clause(
        &mut self,
        comp: &'t Comprehension,
        clause: &'t Clause,
        index: usize,
        iterator: Option<Reg>,
        target: Target,
    ) -> Result<()> {
        let mark = self.asm().mark();
        let iterator = match iterator {
            Some(iterator) => iterator,
            None => {
                let iterator = self.asm().temp();
                self.first_iterator(clause, iterator)?;
                iterator
            }
        };
        let (head, exhausted) = (self.asm().label(), self.asm().label());
        self.asm().bind(head);
        let exc = self.async_next(&clause.target, iterator, exhausted)?;
        self.filters(clause, head)?;
        self.clauses(comp, index + 1, None, target)?;
        self.asm().jump(head);
        self.asm().bind(exhausted);
        self.asm().emit(Op::EndAsyncFor, exc, iterator, 0);
        self.asm().release(mark);
        Ok(())
    }

    fn element(&mut self, comp: &'t Comprehension, target: Target) -> Result<()> {
        let mark = self.asm().mark();
        let element = self.operand(&comp.elt)?;
        match target.kind {
            ComprehensionKind::List => self.asm().emit(Op::ListAppend, target.result, element, 0),
            ComprehensionKind::Set => self.asm().emit(Op::SetAdd, target.result, element, 0),
            ComprehensionKind::Dict => {
                let Some(value) = &comp.value else {
                    return Err(CompileError::syntax("invalid syntax", comp.elt.at));
                };
                let value = self.operand(value)?;
                self.asm().emit(Op::MapAdd, target.result, element, value);
            }
            ComprehensionKind::Generator => {
                self.located(comp.elt.at, |this| {
                    let sent = this.asm().temp();
                    this.asm().emit(Op::Yield, sent, element, 0);
                    this.asm().emit(Op::Drop, sent, 0, 0);
                    Ok(())
                })?;
            }
        }
        self.asm().release(mark);
        Ok(())
    }
}

/// The item of a display of one item.
fn single_item(iterable: &Expr) -> Option<&Expr> {
    match &iterable.kind {
        ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => match &elts[..] {
            [item] if !matches!(item.kind, ExprKind::Starred { .. }) => Some(item),
            _ => None,
        },
        _ => None,
    }
}
