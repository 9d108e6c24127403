//! The interpreter loop.
//!
//! `run` fetches an instruction word and does what the handler of its operation says; handlers are small functions of the
//! family files. Read [`cursor`] first: what the loop keeps in machine registers and the rules of operands.
//! Out-of-line work takes the frame by pointer ([`cursor::At`]) and reports errors as `PyResult`.

mod arith;
mod attr;
mod bind;
mod cache;
mod call;
pub(crate) mod collections;
mod compare;
mod container;
mod coroutine;
pub(crate) mod cursor;
mod exception;
mod frames;
mod function;
pub(crate) mod generator;
pub(crate) mod import;
mod iter;
mod jump;
mod load;
mod matching;
pub(crate) mod name;
pub(crate) mod poll;
mod suggest;

pub(crate) use call::enter::{call_function, run_code};

use cursor::{Cursor, Flow, raise};
use orochi_compiler::for_each_op;
use orochi_compiler::opcode::Op;
use orochi_core::Thread;
use orochi_objects::error::{PyErr, PyResult, recursion_error, system_error};
use orochi_objects::slots::Sent;
use orochi_objects::thread::{Outcome, ThreadState};

/// The handlers, under the names of their operations.
mod handlers {
    pub(super) use super::arith::*;
    pub(super) use super::attr::*;
    pub(super) use super::call::*;
    pub(super) use super::compare::*;
    pub(super) use super::container::*;
    pub(super) use super::exception::*;
    pub(super) use super::function::*;
    pub(super) use super::generator::*;
    pub(super) use super::import::*;
    pub(super) use super::iter::*;
    pub(super) use super::jump::*;
    pub(super) use super::load::*;
    pub(super) use super::matching::*;
    pub(super) use super::name::*;
}

macro_rules! dispatch {
    ($( $(#[doc = $doc:literal])+ $name:ident($($role:ident),*) $ext:ident; )+) => {
        /// Runs one instruction.
        #[inline(always)]
        fn step(c: &mut Cursor, thread: &mut Thread) -> Flow {
            let w = c.fetch();
            // SAFETY: the code was verified: its operations are numbers of `Op`.
            match unsafe { std::mem::transmute::<u8, Op>(w.op_byte()) } {
                $( Op::$name => handlers::$name(c, thread, w), )+
            }
        }
    };
}

for_each_op!(dispatch);

/// Runs the thread's running frame, which was pushed with `Mode::Entry`, until it ends.
pub(crate) fn run(thread: &mut Thread) -> PyResult<Sent> {
    let mut c = Cursor::of(ThreadState::of(thread).frames.current);
    loop {
        let flow = step(&mut c, thread);
        if flow == Flow::Next {
            continue;
        }
        let flow = if flow == Flow::Raise { exception::unwind(thread) } else { flow };
        if flow == Flow::Exit {
            return outcome(thread);
        }
        c = Cursor::of(ThreadState::of(thread).frames.current);
    }
}

/// As [`run`], beginning with an exception.
pub(crate) fn run_raising(thread: &mut Thread, error: PyErr) -> PyResult<Sent> {
    raise(thread, error);
    match exception::unwind(thread) {
        Flow::Exit => outcome(thread),
        _ => run(thread),
    }
}

fn outcome(thread: &mut Thread) -> PyResult<Sent> {
    match ThreadState::of(thread).outcome.take() {
        Some(Outcome::Done(sent)) => Ok(sent),
        Some(Outcome::Raised(error)) => Err(error),
        None => Err(system_error("the interpreter loop ended without a result")),
    }
}

/// RecursionError if native recursion has used up the native stack.
pub(crate) fn check_native_stack(thread: &Thread) -> PyResult<()> {
    if thread.native_stack_low() {
        return Err(recursion_error("maximum recursion depth exceeded"));
    }
    Ok(())
}
