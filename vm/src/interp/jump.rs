//! Jumps without conditions.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

use super::cursor::{Cursor, Flow};
use super::poll::poll_now;
use orochi_compiler::opcode::Word as Instruction;
use orochi_core::Thread;

#[inline(always)]
pub(super) fn Jump(c: &mut Cursor, _thread: &mut Thread, w: Instruction) -> Flow {
    c.jump(w.a24s());
    Flow::Next
}

/// The end of a loop's turn when nothing is asked for; `false` otherwise.
pub(super) mod hot {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn JumpBack(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> bool {
        if thread.poll() != 0 {
            return false;
        }
        c.jump(w.a24s());
        true
    }
}

#[inline(always)]
pub(super) fn JumpBack(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.jump(w.a24s());
    if thread.poll() == 0 { Flow::Next } else { poll_now(c, thread) }
}
