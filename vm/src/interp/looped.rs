//! The interpreter as one loop around one `match`: for builds in which the chain of functions of `threaded` can't work.

use super::cursor::{Cursor, Fast, Flow};
use super::{HANDLERS, for_each_shortcut, outcome, poll, tracing};
use super::{arith, attr, call, compare, container, exception, generator, iter, jump, load, name};
use call::native;
use container::unpack;
use orochi_compiler::opcode::Op;
use orochi_core::Thread;
use orochi_objects::error::PyResult;
use orochi_objects::slots::Sent;
use orochi_objects::thread::ThreadState;

macro_rules! cases {
    (
        hot $($hot:ident in $home:ident,)*; warm $($warm:ident in $place:ident,)*;
        cool $($cool:ident in $site:ident,)*;
    ) => {
        #[inline(always)]
        fn hot(c: &mut Cursor, thread: &mut Thread, op: Op) -> Fast {
            let operands = c.operands();
            match op {
                $( Op::$hot => $home::hot::$hot(c, thread, operands), )*
                _ => Fast::Slow,
            }
        }

        #[inline(always)]
        fn warm(c: &mut Cursor, thread: &mut Thread, op: Op) -> Fast {
            let operands = c.operands();
            match op {
                $( Op::$warm => $place::warm::$warm(c, thread, operands), )*
                _ => Fast::Slow,
            }
        }

        #[inline(always)]
        fn cool(c: &mut Cursor, thread: &mut Thread, op: Op) -> Fast {
            let operands = c.operands();
            match op {
                $( Op::$cool => $site::cool::$cool(c, thread, operands), )*
                _ => Fast::Slow,
            }
        }
    };
}

for_each_shortcut!(cases);

/// The usual loop; None when the thread is traced.
pub(super) fn run_untraced(thread: &mut Thread) -> Option<PyResult<Sent>> {
    if tracing::is_on(thread) {
        return None;
    }
    let mut c = Cursor::of(ThreadState::of(thread).frames.current);
    loop {
        let w = c.fetch();
        // SAFETY: the code was verified: its operations are numbers of `Op`. (Said twice, so that the compiler leaves out the
        // check of the jump table's size.)
        let op = unsafe {
            std::hint::assert_unchecked(usize::from(w.op_byte()) < Op::ALL.len());
            std::mem::transmute::<u8, Op>(w.op_byte())
        };
        let mut done = hot(&mut c, thread, op);
        if done == Fast::Slow {
            done = warm(&mut c, thread, op);
        }
        if done == Fast::Slow {
            done = cool(&mut c, thread, op);
        }
        let drops = matches!(done, Fast::Drop(_) | Fast::DropBoth(..));
        let flow = done.flow().unwrap_or_else(|| {
            c.sync();
            let flow = HANDLERS[op as usize](thread, c.frame, w);
            // SAFETY: the running frame.
            c.pc = unsafe { (*c.frame).pc };
            flow
        });
        if drops && thread.poll() != 0 {
            // The finalizers of what died run before the next instruction.
            c.sync();
            poll::finalizers(thread);
        }
        if flow == Flow::Next {
            continue;
        }
        let flow = if flow == Flow::Raise { exception::unwind(thread) } else { flow };
        if flow == Flow::Exit {
            return Some(outcome(thread));
        }
        if tracing::is_on(thread) {
            return None;
        }
        c = Cursor::of(ThreadState::of(thread).frames.current);
    }
}
