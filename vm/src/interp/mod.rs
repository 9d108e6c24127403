//! The interpreter loop.
//!
//! `run` fetches an instruction word, does the common cases of common operations itself and calls the operation's handler
//! for the rest; handlers are small functions of the family files. What the loop does itself is kept small, so that its
//! state stays in machine registers. Read [`cursor`] first: what the loop keeps in machine registers and the rules of operands.
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
mod held;
pub(crate) mod import;
mod iter;
mod jump;
mod load;
#[cfg(not(orochi_threaded))]
mod looped;
mod matching;
mod monitoring;
pub(crate) mod name;
pub(crate) mod poll;
mod suggest;
#[cfg(orochi_threaded)]
mod threaded;
pub(crate) mod tracing;

pub(crate) use call::enter::{call_function, run_code};

use cursor::{Cursor, Flow};
#[cfg(not(orochi_threaded))]
use looped::run_untraced;
use orochi_compiler::for_each_op;
use orochi_compiler::opcode::{Op, Word as Instruction};
use orochi_core::Thread;
use orochi_objects::error::{PyResult, recursion_error, system_error};
use orochi_objects::frames::Frame;
use orochi_objects::slots::Sent;
use orochi_objects::thread::{Outcome, ThreadState};
#[cfg(orochi_threaded)]
use threaded::run_untraced;

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

/// A handler that finds everything in the frame, and leaves everything there.
type Outlined = fn(&mut Thread, *mut Frame, Instruction) -> Flow;

/// What an outlined handler leaves behind: the frame knows where it goes on.
#[inline(always)]
fn settle(c: &Cursor, frame: *mut Frame, flow: Flow) -> Flow {
    if flow != Flow::Next {
        return flow;
    }
    // SAFETY: the running frame.
    unsafe { (*c.frame).pc = c.pc };
    if std::ptr::eq(c.frame, frame) { Flow::Next } else { Flow::Reload }
}

macro_rules! outline {
    ($( $(#[doc = $doc:literal])+ $name:ident($($role:ident),*) $ext:ident; )+) => {
        /// Every operation's handler, by its number.
        static HANDLERS: [Outlined; Op::ALL.len()] = [$(
            |thread, frame, w| {
                let mut c = Cursor::of(frame);
                let flow = handlers::$name(&mut c, thread, w);
                settle(&c, frame, flow)
            },
        )+];
    };
}

for_each_op!(outline);

/// The operations of which the loop does the common cases itself.
///
/// `hot` ones do no more than a few loads and stores, and call nothing that isn't inlined; what an operand's end makes to be
/// destroyed is left to the loop. `warm` ones come next, and may call functions; `cool` ones after them. The operation's handler does the rest.
macro_rules! for_each_shortcut {
    ($callback:ident) => {
        $callback! {
            hot
                Nop in load, Move in load, Copy in load, Swap in load, Drop in load, CheckBound in load,
                LoadConst in load, LoadInt in load, LoadNone in load, LoadTrue in load, LoadFalse in load,
                LoadFree in load, LoadCell in load, LoadGlobal in name,
                Add in arith, Sub in arith, Mul in arith, TrueDiv in arith, FloorDiv in arith, Mod in arith,
                And in arith, Or in arith, Xor in arith, LShift in arith, RShift in arith,
                InplaceAdd in arith, InplaceSub in arith, InplaceMul in arith, InplaceTrueDiv in arith,
                AddI in arith, SubI in arith, MulI in arith, FloorDivI in arith, ModI in arith, AndI in arith,
                InplaceAddI in arith, InplaceSubI in arith, InplaceFloorDiv in arith, InplaceMod in arith,
                InplaceAnd in arith, InplaceOr in arith, InplaceXor in arith, InplaceLShift in arith,
                InplaceRShift in arith,
                Lt in compare, Le in compare, Gt in compare, Ge in compare, Eq in compare, Ne in compare,
                LtI in compare, LeI in compare, GtI in compare, GeI in compare, EqI in compare, NeI in compare,
                Not in compare, JumpIfTrueOrDrop in compare, JumpIfFalseOrDrop in compare,
                JumpLt in compare, JumpLe in compare, JumpGt in compare, JumpGe in compare, JumpEq in compare,
                JumpNe in compare, JumpLtI in compare, JumpLeI in compare, JumpGtI in compare,
                JumpGeI in compare, JumpEqI in compare, JumpNeI in compare,
                JumpIfTrue in compare, JumpIfFalse in compare, JumpIs in compare, JumpIfNone in compare,
                JumpIfNotNone in compare, Jump in jump, JumpBack in jump,
                LoadAttr in attr, StoreAttr in attr, LoadMethod in attr,
                GetItem in container, GetItemI in container, SetItem in container, ListAppend in container,
                BuildTuple in container,
                UnpackSequence in unpack, ForIter in iter, Call in call, Return in call, ReturnNone in call,;
            warm
                LoadAttr in attr, LoadMethod in attr, StoreAttr in attr,
                GetItem in container, GetItemI in container, BuildTuple in container, BuildList in container,
                SetItem in container, SetAdd in container, UnpackSequence in unpack, Eq in compare, Ne in compare,
                Lt in compare, Le in compare, Gt in compare, Ge in compare, JumpLt in compare, JumpLe in compare,
                JumpGt in compare, JumpGe in compare, JumpEq in compare, JumpNe in compare, JumpIn in compare,
                JumpIfTrue in compare, JumpIfFalse in compare,
                Not in compare, JumpIfTrueOrDrop in compare, JumpIfFalseOrDrop in compare,
                GetIter in iter, ForIter in iter, Yield in generator, MatchException in exception,
                Call in native, CallKw in call, Return in call, ReturnNone in call,;
            cool
                Call in call,;
        }
    };
}
use for_each_shortcut;

/// Runs the thread's running frame, which was pushed with `Mode::Entry`, until it ends.
pub(crate) fn run(thread: &mut Thread) -> PyResult<Sent> {
    loop {
        if let Some(result) = run_untraced(thread) {
            return result;
        }
        if let Some(result) = tracing::run(thread) {
            return result;
        }
    }
}

/// As [`run`], after something that wasn't an instruction of the running frame.
pub(crate) fn go_on(thread: &mut Thread, flow: Flow) -> PyResult<Sent> {
    let flow = if flow == Flow::Raise { exception::unwind(thread) } else { flow };
    match flow {
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
