//! Loops, `with`, `return`, `break`, `continue`.

use super::Generator;
use super::assembler::{Label, Reg};
use super::unit::Block;
use crate::ast::*;
use crate::code::flags;
use crate::error::Result;
use crate::opcode::{Op, SpecialMethod};
use crate::symtable::ScopeKind;

/// Where to go on when the blocks around have been left.
pub(super) struct LoopExit {
    pub(super) on_break: Label,
    pub(super) on_continue: Label,
    pub(super) iterator: Option<Reg>,
}

impl<'t> Generator<'t> {
    /// Whether the innermost code object may contain `await` and its kin.
    pub(super) fn is_async_unit(&mut self) -> bool {
        let id = self.scope_id();
        let scope = self.table.scope(id);
        if scope.kind == ScopeKind::Module {
            return self.settings.allow_top_level_await;
        }
        self.unit().is_async || (scope.comprehension.is_some() && scope.coroutine)
    }

    // ---- loops ----

    pub(super) fn while_loop(&mut self, test: &'t Expr, body: &'t [Stmt], orelse: &'t [Stmt]) -> Result<()> {
        let (head, no, end) = (self.asm().label(), self.asm().label(), self.asm().label());
        self.asm().bind(head);
        self.jump_unless(test, no)?;
        self.push_block(Block::Loop { on_break: end, on_continue: head, iterator: None })?;
        self.suite(body)?;
        self.unit().blocks.pop();
        self.asm().jump(head);
        self.asm().bind(no);
        self.suite(orelse)?;
        self.asm().bind(end);
        Ok(())
    }

    pub(super) fn for_loop(&mut self, node: &'t For) -> Result<()> {
        if node.is_async {
            return self.async_for_loop(node);
        }
        let mark = self.asm().mark();
        let iterator = self.asm().temp();
        self.expr_into(&node.iter, iterator)?;
        self.located(node.iter.at, |this| {
            this.asm().emit(Op::GetIter, iterator, iterator, 0);
            Ok(())
        })?;
        let (head, exhausted, end) = (self.asm().label(), self.asm().label(), self.asm().label());
        self.asm().bind(head);
        self.push_block(Block::Loop { on_break: end, on_continue: head, iterator: Some(iterator) })?;
        self.located(node.iter.at, |this| this.for_iter(&node.target, iterator, exhausted))?;
        self.suite(&node.body)?;
        self.unit().blocks.pop();
        self.asm().jump(head);
        self.asm().bind(exhausted);
        self.asm().release(mark);
        self.suite(&node.orelse)?;
        self.asm().bind(end);
        Ok(())
    }

    /// target := next(R[iterator]), or jumps.
    pub(super) fn for_iter(&mut self, target: &'t Expr, iterator: Reg, exhausted: Label) -> Result<()> {
        let mark = self.asm().mark();
        if let ExprKind::Name { id, .. } = &target.kind
            && let Some(register) = self.direct_target(id)
        {
            self.asm().jump_op(Op::ForIter, register, iterator, 0, exhausted);
            self.located(target.at, |this| this.store_name(id, register))?;
            return Ok(());
        }
        let item = self.asm().temp();
        self.asm().jump_op(Op::ForIter, item, iterator, 0, exhausted);
        self.store(target, item)?;
        self.asm().release(mark);
        Ok(())
    }

    fn async_for_loop(&mut self, node: &'t For) -> Result<()> {
        if !self.is_async_unit() {
            return self.error("'async for' outside async function");
        }
        let mark = self.asm().mark();
        let iterator = self.asm().temp();
        self.expr_into(&node.iter, iterator)?;
        self.located(node.iter.at, |this| {
            this.asm().emit(Op::GetAiter, iterator, iterator, 0);
            Ok(())
        })?;
        let (head, exhausted, end) = (self.asm().label(), self.asm().label(), self.asm().label());
        self.asm().bind(head);
        self.push_block(Block::Loop { on_break: end, on_continue: head, iterator: Some(iterator) })?;
        let exc = self.located(node.iter.at, |this| this.async_next(&node.target, iterator, exhausted))?;
        self.suite(&node.body)?;
        self.unit().blocks.pop();
        self.asm().jump(head);
        self.asm().bind(exhausted);
        self.located(node.iter.at, |this| {
            this.asm().emit(Op::EndAsyncFor, exc, iterator, 0);
            Ok(())
        })?;
        self.asm().release(mark);
        self.suite(&node.orelse)?;
        self.asm().bind(end);
        Ok(())
    }

    /// target := await anext(R[iterator]). An exception goes to the label, in the register that is returned.
    pub(super) fn async_next(&mut self, target: &'t Expr, iterator: Reg, exhausted: Label) -> Result<Reg> {
        let mark = self.asm().mark();
        let item = self.asm().temp();
        let outer = self.asm().push_handler(exhausted, item);
        self.asm().emit(Op::GetAnext, item, iterator, 0);
        self.asm().emit(Op::Delegate, item, item, 0);
        self.asm().handler = outer;
        self.store(target, item)?;
        self.asm().release(mark);
        Ok(item)
    }

    // ---- leaving blocks ----

    /// Emits what leaving the blocks needs, up to the innermost loop or out of the function, then runs `f` and puts
    /// the blocks back (the code after it cannot be reached).
    pub(super) fn leave_blocks(
        &mut self,
        to_loop: bool,
        f: impl FnOnce(&mut Self, Option<LoopExit>) -> Result<()>,
    ) -> Result<()> {
        let blocks = self.unit().blocks.clone();
        let handler = self.asm().handler;
        let mut exit = None;
        while let Some(block) = self.unit().blocks.pop() {
            if let Block::Loop { on_break, on_continue, iterator } = &block
                && to_loop
            {
                exit = Some(LoopExit { on_break: *on_break, on_continue: *on_continue, iterator: *iterator });
                break;
            }
            self.leave_block(block)?;
        }
        f(self, exit)?;
        self.unit().blocks = blocks;
        self.asm().handler = handler;
        Ok(())
    }

    fn leave_block(&mut self, block: Block<'t>) -> Result<()> {
        match block {
            Block::Loop { .. } => {}
            Block::Try { outer } => self.asm().handler = outer,
            Block::Finally { outer, body } => {
                self.asm().handler = outer;
                self.suite(body)?;
            }
            Block::FinallyEnd { outer, saved, exc } => {
                self.asm().handler = outer;
                self.asm().emit(Op::PopHandled, saved, 0, 0);
                self.asm().emit(Op::Drop, exc, 0, 0);
            }
            Block::Handler { outer, saved, exc, name } => {
                self.asm().handler = outer;
                self.asm().emit(Op::PopHandled, saved, 0, 0);
                self.asm().emit(Op::Drop, exc, 0, 0);
                if let Some(name) = name {
                    self.unbind_exception(&name)?;
                }
            }
            Block::StarHandler => return self.leaves_star_handler(),
            Block::With { outer, exit, is_async, at } => {
                self.asm().handler = outer;
                self.located(at, |this| this.call_exit(exit, is_async))?;
            }
        }
        Ok(())
    }

    pub(super) fn break_loop(&mut self) -> Result<()> {
        if !self.in_loop() {
            self.check_star_handler()?;
            return self.error("'break' outside loop");
        }
        self.leave_blocks(true, |this, exit| {
            let Some(exit) = exit else { return Ok(()) };
            if let Some(iterator) = exit.iterator {
                this.asm().emit(Op::Drop, iterator, 0, 0);
            }
            this.asm().jump(exit.on_break);
            Ok(())
        })
    }

    pub(super) fn continue_loop(&mut self) -> Result<()> {
        if !self.in_loop() {
            self.check_star_handler()?;
            return self.error("'continue' not properly in loop");
        }
        self.leave_blocks(true, |this, exit| {
            if let Some(exit) = exit {
                this.asm().jump(exit.on_continue);
            }
            Ok(())
        })
    }

    fn leaves_star_handler(&mut self) -> Result<()> {
        self.error("'break', 'continue' and 'return' cannot appear in an except* block")
    }

    fn check_star_handler(&mut self) -> Result<()> {
        match self.unit().blocks.iter().any(|block| matches!(block, Block::StarHandler)) {
            true => self.leaves_star_handler(),
            false => Ok(()),
        }
    }

    fn in_loop(&mut self) -> bool {
        self.unit().blocks.iter().any(|block| matches!(block, Block::Loop { .. }))
    }

    pub(super) fn return_value(&mut self, value: Option<&'t Expr>) -> Result<()> {
        let id = self.scope_id();
        if self.table.scope(id).kind != ScopeKind::Function {
            return self.error("'return' outside function");
        }
        if value.is_some() && self.unit().flags & flags::ASYNC_GENERATOR != 0 {
            return self.error("'return' with value in async generator");
        }
        let simple = |block: &Block<'t>| matches!(block, Block::Loop { .. } | Block::Try { .. });
        let simple = self.unit().blocks.iter().all(simple);
        if let Some(value) = value.filter(|value| matches!(value.kind, ExprKind::Constant { .. })) {
            self.asm().at = Some(value.at);
        }
        let mark = self.asm().mark();
        let none = |value: &Expr| matches!(value.kind, ExprKind::Constant { value: Constant::None, .. });
        let register = match value {
            None => None,
            Some(value) if none(value) => None,
            Some(value) if simple => Some(self.operand(value)?),
            Some(value) => Some(self.expr_temp(value)?),
        };
        self.leave_blocks(false, |this, _| {
            match register {
                Some(register) => this.asm().emit_final(Op::Return, register, 0),
                None => this.asm().emit_final(Op::ReturnNone, 0, 0),
            }
            Ok(())
        })?;
        self.asm().release(mark);
        Ok(())
    }

    // ---- with ----

    pub(super) fn with(&mut self, items: &'t [WithItem], body: &'t [Stmt], is_async: bool) -> Result<()> {
        let Some((item, rest)) = items.split_first() else { return self.suite(body) };
        if is_async && !self.is_async_unit() {
            return self.error("'async with' outside async function");
        }
        let mark = self.asm().mark();
        let at = item.context.at;
        let exit = self.asm().temps(2);
        let entered = self.asm().temps(2);
        let manager = self.operand_in(&item.context, entered)?;
        self.located(at, |this| this.enter_manager(manager, exit, entered, is_async))?;
        self.asm().release(u16::from(entered) + 1);
        let (handler, end) = (self.asm().label(), self.asm().label());
        let outer = self.asm().push_handler(handler, entered);
        self.push_block(Block::With { outer, exit, is_async, at })?;
        match &item.target {
            Some(target) => self.store(target, entered)?,
            None => self.asm().emit(Op::Drop, entered, 0, 0),
        }
        self.asm().release(u16::from(entered));
        self.with(rest, body, is_async)?;
        self.unit().blocks.pop();
        self.asm().handler = outer;
        self.located(at, |this| {
            this.call_exit(exit, is_async)?;
            this.asm().jump(end);
            this.asm().bind(handler);
            this.exit_on_exception(exit, entered, is_async, end)
        })?;
        self.asm().bind(end);
        self.asm().release(mark);
        Ok(())
    }

    fn enter_manager(&mut self, manager: Reg, exit: Reg, entered: Reg, is_async: bool) -> Result<()> {
        let (enter_kind, exit_kind) = match is_async {
            true => (SpecialMethod::AsyncEnter, SpecialMethod::AsyncExit),
            false => (SpecialMethod::Enter, SpecialMethod::Exit),
        };
        self.asm().emit(Op::LoadSpecialMethod, exit, manager, exit_kind as u8);
        self.asm().emit(Op::LoadSpecialMethod, entered, manager, enter_kind as u8);
        self.asm().emit(Op::Call, entered, entered, 0);
        if is_async {
            self.await_in(entered, 1)?;
        }
        Ok(())
    }

    /// Calls the exit method, in R[exit] and R[exit+1], with three Nones, and forgets it.
    pub(super) fn call_exit(&mut self, exit: Reg, is_async: bool) -> Result<()> {
        let mark = self.asm().mark();
        let base = self.asm().temps(5);
        self.asm().emit(Op::Move, base, exit, 0);
        self.asm().emit(Op::Move, base.saturating_add(1), exit.saturating_add(1), 0);
        for i in 2..5 {
            self.asm().emit(Op::LoadNone, base.saturating_add(i), 0, 0);
        }
        self.asm().emit(Op::Call, base, base, 3);
        if is_async {
            self.await_in(base, 2)?;
        }
        self.asm().emit(Op::Drop, base, 0, 0);
        self.asm().release(mark);
        Ok(())
    }

    fn exit_on_exception(&mut self, exit: Reg, exc: Reg, is_async: bool, end: Label) -> Result<()> {
        let exc = {
            self.asm().release(u16::from(exc));
            self.asm().temp()
        };
        let saved = self.asm().temp();
        let cleanup = self.asm().label();
        self.asm().emit(Op::PushHandled, saved, exc, 0);
        let raised = self.asm().temp();
        let outer = self.asm().push_handler(cleanup, raised);
        let suppress = self.asm().label();
        self.asm().emit(Op::WithExceptStart, raised, exit, exc);
        if is_async {
            self.await_in(raised, 2)?;
        }
        self.asm().jump_op(Op::JumpIfTrue, raised, 0, 0, suppress);
        self.asm().emit_final(Op::Reraise, exc, 0);
        self.asm().handler = outer;
        self.asm().bind(suppress);
        self.asm().emit(Op::PopHandled, saved, 0, 0);
        for register in [exc, exit, exit.saturating_add(1)] {
            self.asm().emit(Op::Drop, register, 0, 0);
        }
        self.asm().jump(end);
        self.pop_and_reraise(cleanup, saved, raised);
        Ok(())
    }

    /// The end of a handler on the way of another exception.
    pub(super) fn pop_and_reraise(&mut self, cleanup: Label, saved: Reg, raised: Reg) {
        self.asm().bind(cleanup);
        self.asm().emit(Op::PopHandled, saved, 0, 0);
        self.asm().emit_final(Op::Reraise, raised, 0);
    }
}
