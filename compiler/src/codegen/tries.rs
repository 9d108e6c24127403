//! `try` in all its forms.
//!
//! A handler receives the exception in a register `exc`, notes it as the handled exception (the one before goes to
//! `saved`, the next register) and runs under a second handler whose only task is to restore that when another
//! exception passes. The body of `finally` is compiled once for each way out.

use super::Generator;
use super::assembler::{Label, Reg};
use super::unit::Block;
use crate::ast::*;
use crate::error::{CompileError, Result};
use crate::opcode::Op;

impl<'t> Generator<'t> {
    pub(super) fn try_statement(&mut self, node: &'t Try) -> Result<()> {
        if node.finalbody.is_empty() { self.try_except(node) } else { self.try_finally(node) }
    }

    fn try_finally(&mut self, node: &'t Try) -> Result<()> {
        let mark = self.asm().mark();
        let (handler, end) = (self.asm().label(), self.asm().label());
        let exc = self.asm().temp();
        let outer = self.asm().push_handler(handler, exc);
        self.asm().release(mark);
        self.push_block(Block::Finally { outer, body: &node.finalbody })?;
        if node.handlers.is_empty() {
            self.suite(&node.body)?;
            self.suite(&node.orelse)?;
        } else {
            self.try_except(node)?;
        }
        self.unit().blocks.pop();
        self.asm().handler = outer;
        self.suite(&node.finalbody)?;
        self.asm().jump(end);
        self.asm().bind(handler);
        let (exc, saved) = (self.asm().temp(), self.asm().temp());
        self.asm().emit(Op::PushHandled, saved, exc, 0);
        let cleanup = self.asm().label();
        let raised = self.asm().temp();
        let outer = self.asm().push_handler(cleanup, raised);
        self.asm().release(u16::from(raised));
        self.push_block(Block::FinallyEnd { outer, saved, exc })?;
        self.suite(&node.finalbody)?;
        self.unit().blocks.pop();
        self.asm().emit_final(Op::Reraise, exc, 0);
        self.asm().handler = outer;
        self.pop_and_reraise(cleanup, saved, raised);
        self.asm().bind(end);
        self.asm().release(mark);
        Ok(())
    }

    fn try_except(&mut self, node: &'t Try) -> Result<()> {
        let mark = self.asm().mark();
        let (handler, end) = (self.asm().label(), self.asm().label());
        let exc = self.asm().temp();
        let outer = self.asm().push_handler(handler, exc);
        self.asm().release(mark);
        self.push_block(Block::Try { outer })?;
        self.suite(&node.body)?;
        self.unit().blocks.pop();
        self.asm().handler = outer;
        self.suite(&node.orelse)?;
        self.asm().jump(end);
        self.asm().bind(handler);
        if node.is_star {
            self.star_handlers(node, end)?;
        } else {
            self.handlers(node, end)?;
        }
        self.asm().bind(end);
        self.asm().release(mark);
        Ok(())
    }

    fn handlers(&mut self, node: &'t Try, end: Label) -> Result<()> {
        let (exc, saved) = (self.asm().temp(), self.asm().temp());
        self.push_handled(node, saved, exc);
        let cleanup = self.asm().label();
        let raised = self.asm().temp();
        self.asm().release(u16::from(raised));
        let outer = self.asm().push_handler(cleanup, raised);
        let last = node.handlers.len() - 1;
        for (i, clause) in node.handlers.iter().enumerate() {
            let next = self.asm().label();
            match &clause.typ {
                Some(typ) => self.located(clause.at, |this| {
                    let mark = this.asm().mark();
                    let class = this.operand(typ)?;
                    let matches = this.asm().temp();
                    this.asm().at = Some(typ.at);
                    this.asm().emit(Op::MatchException, matches, exc, class);
                    this.asm().jump_op(Op::JumpIfFalse, matches, 0, 0, next);
                    this.asm().release(mark);
                    Ok(())
                })?,
                None if i != last => {
                    return Err(CompileError::syntax("default 'except:' must be last", clause.at));
                }
                None => {}
            }
            let guard = Guard { outer, cleanup: self.asm().handler, saved, exc };
            self.clause(clause, guard, end)?;
            self.asm().bind(next);
        }
        self.asm().emit_final(Op::Reraise, exc, 0);
        self.asm().handler = outer;
        self.pop_and_reraise(cleanup, saved, raised);
        Ok(())
    }

    /// Handling begins at the first clause.
    fn push_handled(&mut self, node: &'t Try, saved: Reg, exc: Reg) {
        let before = self.asm().at;
        self.asm().at = node.handlers.first().map(|clause| clause.at).or(before);
        self.asm().emit(Op::PushHandled, saved, exc, 0);
        self.asm().at = before;
    }

    fn clause(&mut self, clause: &'t ExceptHandler, guard: Guard, end: Label) -> Result<()> {
        let Guard { outer, cleanup, saved, exc } = guard;
        let Some(name) = &clause.name else {
            self.push_block(Block::Handler { outer, saved, exc, name: None })?;
            self.suite(&clause.body)?;
            self.unit().blocks.pop();
            self.end_clause(guard, None, end)?;
            self.asm().handler = cleanup;
            return Ok(());
        };
        self.located(clause.at, |this| {
            let mark = this.asm().mark();
            let copy = this.direct_target(name).unwrap_or_else(|| this.asm().temp());
            this.asm().emit(Op::Copy, copy, exc, 0);
            this.store_name(name, copy)?;
            this.asm().release(mark);
            Ok(())
        })?;
        let unbind = self.asm().label();
        let raised = self.asm().temp();
        self.asm().release(u16::from(raised));
        self.asm().push_handler(unbind, raised);
        self.push_block(Block::Handler { outer, saved, exc, name: Some(name.clone()) })?;
        self.suite(&clause.body)?;
        self.unit().blocks.pop();
        self.end_clause(guard, Some(name), end)?;
        self.asm().bind(unbind);
        self.asm().handler = cleanup;
        let raised = self.asm().temp();
        self.unbind_exception(name)?;
        self.asm().emit_final(Op::Reraise, raised, 0);
        self.asm().release(u16::from(raised));
        Ok(())
    }

    fn end_clause(&mut self, guard: Guard, name: Option<&Ident>, end: Label) -> Result<()> {
        self.asm().handler = guard.outer;
        self.asm().emit(Op::PopHandled, guard.saved, 0, 0);
        self.asm().emit(Op::Drop, guard.exc, 0, 0);
        if let Some(name) = name {
            self.unbind_exception(name)?;
        }
        self.asm().jump(end);
        Ok(())
    }

    /// name = None; del name
    pub(super) fn unbind_exception(&mut self, name: &Ident) -> Result<()> {
        let mark = self.asm().mark();
        match self.direct_target(name) {
            Some(register) => self.asm().emit(Op::Drop, register, 0, 0),
            None => {
                let none = self.asm().temp();
                self.asm().emit(Op::LoadNone, none, 0, 0);
                self.store_name(name, none)?;
                self.delete_name(name)?;
            }
        }
        self.asm().release(mark);
        Ok(())
    }

    // ---- except* ----

    fn star_handlers(&mut self, node: &'t Try, end: Label) -> Result<()> {
        let (exc, saved) = (self.asm().temp(), self.asm().temp());
        let (original, raised_list) = (self.asm().temp(), self.asm().temp());
        self.push_handled(node, saved, exc);
        let cleanup = self.asm().label();
        let outer = self.asm().push_handler(cleanup, original);
        self.asm().emit(Op::Copy, original, exc, 0);
        self.asm().emit(Op::BuildList, raised_list, raised_list, 0);
        for clause in &node.handlers {
            self.star_clause(clause, exc, raised_list)?;
        }
        self.asm().emit(Op::ListAppend, raised_list, exc, 0);
        self.asm().emit(Op::PrepareReraiseStar, exc, original, raised_list);
        let copy = self.asm().temp();
        let nothing = self.asm().label();
        self.asm().emit(Op::Copy, copy, exc, 0);
        self.asm().handler = outer;
        self.asm().jump_op(Op::JumpIfNone, copy, 0, 0, nothing);
        self.asm().emit(Op::PopHandled, saved, 0, 0);
        self.asm().emit_final(Op::Reraise, exc, 0);
        self.asm().bind(nothing);
        self.asm().emit(Op::PopHandled, saved, 0, 0);
        self.asm().emit(Op::Drop, exc, 0, 0);
        self.asm().jump(end);
        self.asm().bind(cleanup);
        self.asm().emit(Op::Drop, exc, 0, 0);
        self.asm().emit(Op::PopHandled, saved, 0, 0);
        self.asm().emit_final(Op::Reraise, original, 0);
        Ok(())
    }

    fn star_clause(&mut self, clause: &'t ExceptHandler, exc: Reg, raised_list: Reg) -> Result<()> {
        let mark = self.asm().mark();
        let Some(typ) = &clause.typ else {
            return Err(CompileError::syntax("expected one or more exception types", clause.at));
        };
        let (next, caught) = (self.asm().label(), self.asm().label());
        let rest = self.asm().temps(2);
        let matched = rest.saturating_add(1);
        let class = self.operand(typ)?;
        self.located(typ.at, |this| {
            this.asm().emit(Op::MatchExceptStar, rest, exc, class);
            Ok(())
        })?;
        self.asm().emit(Op::Move, exc, rest, 0);
        let copy = self.asm().temp();
        self.asm().emit(Op::Copy, copy, matched, 0);
        let unmatched = self.asm().label();
        self.asm().jump_op(Op::JumpIfNone, copy, 0, 0, unmatched);
        match &clause.name {
            Some(name) => self.located(clause.at, |this| this.store_name(name, matched))?,
            None => self.asm().emit(Op::Drop, matched, 0, 0),
        }
        self.asm().release(mark);
        let raised = self.asm().temp();
        self.asm().release(mark);
        let outer = self.asm().push_handler(caught, raised);
        self.push_block(Block::StarHandler)?;
        self.suite(&clause.body)?;
        self.unit().blocks.pop();
        self.asm().handler = outer;
        if let Some(name) = &clause.name {
            self.unbind_exception(name)?;
        }
        self.asm().jump(next);
        self.asm().bind(caught);
        let raised = self.asm().temp();
        self.asm().emit(Op::ListAppend, raised_list, raised, 0);
        if let Some(name) = &clause.name {
            self.unbind_exception(name)?;
        }
        self.asm().jump(next);
        self.asm().bind(unmatched);
        self.asm().emit(Op::Drop, matched, 0, 0);
        self.asm().bind(next);
        self.asm().release(mark);
        Ok(())
    }
}

/// What an except clause must restore.
#[derive(Clone, Copy)]
struct Guard {
    outer: u32,
    /// The handler that restores the handled exception.
    cleanup: u32,
    saved: Reg,
    exc: Reg,
}
