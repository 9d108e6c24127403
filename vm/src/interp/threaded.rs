//! The interpreter as a chain of functions, one for each operation, each of which jumps to the next one's.
//!
//! A function takes the loop's state as parameters, so that it stays in machine registers, and ends in a call of the next
//! instruction's function. Built with optimisations such a call is a jump: nothing is left to do behind it. Each operation so
//! decodes and predicts its own successor ("direct threading", as in Bell, "Threaded code", 1973; with calls in tail position as
//! in wasm3 and CPython 3.14). What must hold:
//! 1. The functions of [`STEPS`] own nothing that is dropped behind the last call, and give nobody the address of anything that lies on their native stack:
//!    either would make the call a call. Work that needs such things lies in functions of its own ([`slow`]).
//! 2. Should a compiler make calls of them all the same, the native stack must not run full: loops and calls look at what is left of it, and the chain ends and
//!    begins anew where that is little ([`End::Again`]).

use super::cursor::{Cursor, Fast, Flow};
use super::{HANDLERS, for_each_shortcut, outcome, poll, tracing};
use super::{arith, attr, call, compare, container, exception, generator, iter, jump, load, name};
use call::native;
use container::unpack;
use orochi_compiler::opcode::Op;
use orochi_core::Thread;
use orochi_core::value::{drop_last, drop_one_of_many};
use orochi_core::word::Word;
use orochi_objects::error::PyResult;
use orochi_objects::frames::Frame;
use orochi_objects::slots::Sent;
use orochi_objects::thread::ThreadState;

/// Why the chain ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The frame that native code entered with has ended.
    Exit,
    /// The thread is traced.
    Traced,
    /// The native stack is low (invariant 2).
    Again,
}

/// An operation: the state is that behind the instruction's word.
type Step = fn(&mut Thread, *const u32, *mut Word, *mut Frame) -> End;

/// Goes on with the next instruction.
#[inline(always)]
fn next(thread: &mut Thread, mut c: Cursor) -> End {
    let w = c.fetch();
    STEPS[usize::from(w.op_byte())](thread, c.pc, c.regs, c.frame)
}

/// Goes on as an operation says; `rest` does what it couldn't.
#[inline(always)]
fn follow(thread: &mut Thread, c: Cursor, done: Fast, rest: Step) -> End {
    match done {
        Fast::Done => next(thread, c),
        Fast::Drop(old) => drop_one(thread, c, old),
        // SAFETY: taken out of a register, as the variant says.
        Fast::DropBoth(first, second) if unsafe { drop_one_of_many(first) } => drop_one(thread, c, second),
        // SAFETY: as above.
        Fast::DropBoth(first, second) if unsafe { drop_one_of_many(second) } => {
            destroy(thread, c.pc, c.regs, c.frame, first)
        }
        Fast::DropBoth(first, second) => destroy_both(thread, c.pc, c.regs, c.frame, first, second),
        Fast::Slow => rest(thread, c.pc, c.regs, c.frame),
        Fast::Raise => changed(thread, Flow::Raise),
        Fast::Reload => changed(thread, Flow::Reload),
        Fast::Exit => End::Exit,
    }
}

/// Gives up what a register held, and goes on.
#[inline(always)]
fn drop_one(thread: &mut Thread, c: Cursor, old: Word) -> End {
    // SAFETY: as in `follow`.
    if unsafe { drop_one_of_many(old) } {
        next(thread, c)
    } else {
        destroy(thread, c.pc, c.regs, c.frame, old)
    }
}

/// Gives up what a register held and nothing else holds, and goes on.
#[inline(never)]
fn destroy(thread: &mut Thread, pc: *const u32, regs: *mut Word, frame: *mut Frame, old: Word) -> End {
    // SAFETY: as in `follow`; `drop_one_of_many` left it.
    unsafe { drop_last(thread, old) };
    destroyed(thread, Cursor { pc, regs, frame })
}

/// The same for two registers.
#[inline(never)]
fn destroy_both(
    thread: &mut Thread,
    pc: *const u32,
    regs: *mut Word,
    frame: *mut Frame,
    first: Word,
    second: Word,
) -> End {
    // SAFETY: as in `destroy`.
    unsafe {
        drop_last(thread, first);
        drop_last(thread, second);
    }
    destroyed(thread, Cursor { pc, regs, frame })
}

/// Runs the finalizers of what has been destroyed, and goes on.
#[inline(always)]
fn destroyed(thread: &mut Thread, c: Cursor) -> End {
    if thread.poll() != 0 {
        c.sync();
        poll::finalizers(thread);
    }
    next(thread, c)
}

/// Leaves an instruction to its operation's handler.
#[inline(never)]
fn slow(thread: &mut Thread, pc: *const u32, regs: *mut Word, frame: *mut Frame) -> End {
    let w = Cursor { pc, regs, frame }.operands().word();
    // SAFETY: the running frame.
    unsafe { (*frame).pc = pc };
    // The code was verified: its operations are numbers of `Op`.
    let flow = HANDLERS[usize::from(w.op_byte()) % HANDLERS.len()](thread, frame, w);
    if flow != Flow::Next {
        return changed(thread, flow);
    }
    if thread.native_stack_low() {
        return End::Again;
    }
    next(thread, Cursor::of(frame))
}

/// Goes on with the frame that runs now.
#[inline(never)]
fn changed(thread: &mut Thread, flow: Flow) -> End {
    let flow = if flow == Flow::Raise { exception::unwind(thread) } else { flow };
    if flow == Flow::Exit {
        return End::Exit;
    }
    if tracing::is_on(thread) {
        return End::Traced;
    }
    if thread.native_stack_low() {
        return End::Again;
    }
    let c = Cursor::of(ThreadState::of(thread).frames.current);
    next(thread, c)
}

macro_rules! step {
    ($op:ident in $home:ident::$kind:ident, or $rest:expr) => {
        #[inline(never)]
        pub(super) fn $op(thread: &mut Thread, pc: *const u32, regs: *mut Word, frame: *mut Frame) -> End {
            let mut c = Cursor { pc, regs, frame };
            let operands = c.operands();
            let done = $home::$kind::$op(&mut c, thread, operands);
            follow(thread, c, done, const { $rest })
        }
    };
}

macro_rules! steps {
    (
        hot $($hot:ident in $home:ident,)*; warm $($warm:ident in $place:ident,)*;
        cool $($cool:ident in $site:ident,)*;
    ) => {
        #[allow(non_snake_case, reason = "they carry the names of the operations")]
        mod hot {
            use super::*;
            $( step!($hot in $home::hot, or WARM[Op::$hot as usize]); )*
        }

        #[allow(non_snake_case, reason = "they carry the names of the operations")]
        mod warm {
            use super::*;
            $( step!($warm in $place::warm, or COOL[Op::$warm as usize]); )*
        }

        #[allow(non_snake_case, reason = "they carry the names of the operations")]
        mod cool {
            use super::*;
            $( step!($cool in $site::cool, or slow); )*
        }

        /// What does the rest that the warm ones leave.
        const COOL: [Step; 256] = {
            let mut steps: [Step; 256] = [slow; 256];
            $( steps[Op::$cool as usize] = cool::$cool; )*
            steps
        };

        /// What does the rest of each operation.
        const WARM: [Step; 256] = {
            let mut steps: [Step; 256] = COOL;
            $( steps[Op::$warm as usize] = warm::$warm; )*
            steps
        };

        /// Every operation's function, by its number.
        static STEPS: [Step; 256] = {
            let mut steps = WARM;
            $( steps[Op::$hot as usize] = hot::$hot; )*
            steps
        };
    };
}

for_each_shortcut!(steps);

/// Runs the thread's running frame; None when the thread is traced.
pub(super) fn run_untraced(thread: &mut Thread) -> Option<PyResult<Sent>> {
    loop {
        if tracing::is_on(thread) {
            return None;
        }
        let c = Cursor::of(ThreadState::of(thread).frames.current);
        match next(thread, c) {
            End::Exit => return Some(outcome(thread)),
            End::Traced => return None,
            End::Again => {}
        }
    }
}
