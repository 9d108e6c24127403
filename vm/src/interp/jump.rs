//! Jumps without conditions.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

use super::cursor::{Cursor, Fast, Flow, Operands};
use super::poll::poll_now;
use orochi_compiler::opcode::Word as Instruction;
use orochi_core::Thread;

#[inline(always)]
pub(super) fn Jump(c: &mut Cursor, thread: &mut Thread, _w: Instruction) -> Flow {
    let operands = c.operands();
    hot::Jump(c, thread, operands).always()
}

/// Jumps when nothing is asked for.
pub(super) mod hot {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn Jump(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        c.jump(w.a24s());
        Fast::Done
    }

    #[inline(always)]
    pub(in super::super) fn JumpBack(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        if thread.poll() != 0 || thread.native_stack_low() {
            return Fast::Slow;
        }
        c.jump(w.a24s());
        Fast::Done
    }
}

#[inline(always)]
pub(super) fn JumpBack(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.jump(w.a24s());
    if thread.poll() == 0 { Flow::Next } else { poll_now(c, thread) }
}
