//! Generators, coroutines and asynchronous generators in the loop.
//!
//! Resuming pushes a frame whose registers are moved from the generator to the register stack; suspending moves them back.
//! A `for` loop over a generator and a delegation to one stay in the loop; whoever drives is named by the frame's mode.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

mod throw;

use super::call::Called;
use super::cursor::{At, Cursor, Fast, Flow, Operands, raise};
use super::frames::{
    NewFrame, USUAL_SIZE, can_push, clear_registers, make_large_room, make_room, owned_value, pop_entry,
    pop_to_caller, push, release_extras,
};
use super::iter::exactly;
use orochi_compiler::code::flags;
use orochi_compiler::opcode::{Op, Word as Instruction};
use orochi_core::header::FINALIZED;
use orochi_core::word::{self, Word};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_objects::class::PyClass;
use orochi_objects::error::{PyErr, PyResult, runtime_error, stop_iteration, type_error};
use orochi_objects::frames::{Frame, Mode};
use orochi_objects::interpreter::Take;
use orochi_objects::slots::Sent;
use orochi_objects::thread::{Feeding, Outcome, ThreadState};
use orochi_objects::types::exception;
use orochi_objects::types::frame;
use orochi_objects::types::generator::{
    self as generators, FINISHED, PyGenerator, RUNNING, SUSPENDED, methods,
};
use orochi_objects::types::method_descriptor::PyMethodDescriptor;
use orochi_objects::{class_of, protocol};
use std::ptr::NonNull;

/// The function's call makes its generator, which is the call's result.
#[inline(never)]
fn make(thread: &mut Thread, at: At) -> PyResult<Value> {
    let frame = at.frame();
    let pc = frame.instruction() + 1;
    // SAFETY: the running frame's registers.
    let made = unsafe { generators::new(thread, frame.function(), frame.code(), frame.registers, pc) }?;
    if frame.code().has_flags(flags::COROUTINE) {
        super::coroutine::record_origin(thread, made.get())?;
    }
    Ok(made)
}

#[inline(always)]
pub(super) fn ReturnGenerator(c: &mut Cursor, thread: &mut Thread, _w: Instruction) -> Flow {
    c.sync();
    match make(thread, At(c.frame)) {
        Ok(generator) => super::call::leave_with(thread, At(c.frame), generator),
        Err(error) => raise(thread, error),
    }
}

/// Who drives a generator, and where the result goes.
#[derive(Clone, Copy)]
pub(super) struct Driver {
    mode: Mode,
    dst: u8,
    base: u8,
}

impl Driver {
    fn new(mode: Mode, dst: u8) -> Driver {
        Driver { mode, dst, base: 0 }
    }
}

/// Pushes the frame of a generator, which goes on with `sent`. The running frame is its driver.
///
/// # Errors
/// As [`push_frame`].
#[inline]
fn enter(thread: &mut Thread, generator: &Obj<PyGenerator>, sent: Value, how: Driver) -> PyResult<()> {
    if generator.state() == generators::CREATED && !sent.get().is_none() {
        let kind = PyGenerator::kind(generator.get());
        return Err(type_error(format!("can't send non-None value to a just-started {kind}")));
    }
    if push_frame(thread, generator, how)? == SUSPENDED {
        descend(thread, sent);
    }
    Ok(())
}

/// Pushes the frame of a generator; the running frame is its driver. Gives the generator's state before.
///
/// # Errors
/// The generator is running or has ended, or there is no room; nothing was pushed then.
#[inline]
fn push_frame(thread: &mut Thread, generator: &Obj<PyGenerator>, how: Driver) -> PyResult<u8> {
    let registers = thread.stack.top();
    let frame = ThreadState::of(thread).frames.current.wrapping_add(1);
    if !can_push(thread, frame, registers) {
        make_room(thread, frame, registers)?;
    }
    make_large_room(thread, registers, generator.n_registers())?;
    let before = PyGenerator::start(generator).map_err(|state| refused(generator, state))?;
    // SAFETY: there is room; this thread runs the generator now.
    unsafe { unpack(thread, frame, generator, how) };
    Ok(before)
}

/// The running frame, that of a generator which was suspended, goes on with what was sent; if it delegates, then the
/// innermost of those that it delegates to.
#[inline]
fn descend(thread: &mut Thread, sent: Value) {
    if sent.get().is_none() {
        return descend_with_none(thread);
    }
    descend_to_innermost(thread);
    deliver(thread, At(ThreadState::of(thread).frames.current), sent);
}

/// [`descend`] with None.
#[inline(always)]
fn descend_with_none(thread: &mut Thread) {
    let at = At(ThreadState::of(thread).frames.current);
    // SAFETY: a suspended generator's pc lies within its code, behind its first instruction.
    let (next, last) = unsafe { (Instruction(*at.frame().pc), Instruction(*at.frame().pc.sub(1))) };
    let dropped = next.op_byte() == Op::Drop as u8 && next.a() == last.a();
    if dropped && last.op_byte() == Op::Yield as u8 {
        // A `yield` whose result is dropped by the next instruction needs neither.
        at.frame().pc = at.frame().pc.wrapping_add(1);
    } else {
        descend_slowly(thread);
    }
}

/// [`descend_with_none`] where the result of the `yield` is asked for, or the generator delegates.
#[inline(never)]
fn descend_slowly(thread: &mut Thread) {
    descend_to_innermost(thread);
    deliver_none(thread, At(ThreadState::of(thread).frames.current));
}

/// Pushes the frames of those that the running frame, a suspended generator's, delegates to.
#[inline]
fn descend_to_innermost(thread: &mut Thread) {
    loop {
        let at = At(ThreadState::of(thread).frames.current);
        // SAFETY: a suspended generator's pc lies within its code.
        let next = unsafe { Instruction(*at.frame().pc) };
        if next.op_byte() != Op::Delegate as u8 || !enter_delegate(thread, at, next) {
            break;
        }
    }
}

/// Pushes the frame of the generator that the running frame delegates to, if that is as simple as it usually is.
#[inline(always)]
fn enter_delegate(thread: &mut Thread, at: At, w: Instruction) -> bool {
    let Some(inner) = generators::as_generator(at.get(w.b())) else { return false };
    let frame = at.0.wrapping_add(1);
    if !is_ready(thread, inner, frame) || inner.state() != SUSPENDED || generators::is_async(inner.get()) {
        return false;
    }
    at.frame().pc = at.frame().pc.wrapping_add(1);
    inner.set_state(RUNNING);
    // SAFETY: there is room, and this thread alone has the generator.
    unsafe { unpack(thread, frame, inner, Driver::new(Mode::Delegate, w.a())) };
    true
}

/// Whether this thread alone has the generator, and there is room for its frame.
#[inline(always)]
fn is_ready(thread: &Thread, generator: &Obj<PyGenerator>, frame: *mut Frame) -> bool {
    generator.state() < RUNNING
        && !generator.header().is_shared()
        && generator.n_registers() <= USUAL_SIZE
        && can_push(thread, frame, thread.stack.top())
}

/// Moves a generator's registers to the register stack and pushes its frame.
///
/// # Safety
/// There is room (`can_push`); this thread has moved the generator to RUNNING.
#[inline(always)]
unsafe fn unpack(thread: &mut Thread, frame: *mut Frame, generator: &Obj<PyGenerator>, how: Driver) {
    let registers = thread.stack.top();
    let (function, code) = (generator.function(), generator.code());
    // SAFETY: as the caller promises.
    unsafe {
        generator.restore(registers);
        let handled = generator.take_handled().map_or(word::UNBOUND, Value::into_word);
        let new = NewFrame {
            pc: code.entry().add(generator.pc() as usize),
            registers,
            code,
            function,
            generator: std::ptr::from_ref(generator),
            owned: ThreadState::replace_handled(thread, handled),
            namespace: word::UNBOUND,
            mode: how.mode,
            dst: how.dst,
            base: how.base,
        };
        push(thread, frame, new);
        if generator.has_frame_object() {
            // It looks for the variables in the active frame from now on.
            let _ = frame::of_active(thread, frame);
        }
    }
    ThreadState::of(thread).active_generators += 1;
}

/// Moves a generator's registers back from the register stack. Its frame is to be popped then.
///
/// # Safety
/// `frame` is the running frame, that of `generator`.
#[inline]
unsafe fn pack(thread: &mut Thread, frame: *mut Frame, generator: &Obj<PyGenerator>) {
    // SAFETY: as the caller promises.
    unsafe {
        if (*frame).object != word::UNBOUND {
            frame::part(thread, frame, false);
        }
        let entry = (*frame).code().entry();
        generator.set_pc(((*frame).pc as usize - entry as usize) as u32 / 4);
        PyGenerator::save(generator, (*frame).registers);
        let handled = ThreadState::replace_handled(thread, (*frame).owned);
        if handled != word::NONE
            && let Some(handled) = owned_value(handled)
        {
            PyGenerator::keep_handled(generator, handled);
        }
    }
    ThreadState::of(thread).active_generators -= 1;
    generator.set_state(SUSPENDED);
}

/// Generators driven by loops.
pub(super) mod warm {
    use super::*;

    /// A turn of a loop over a generator.
    #[inline(always)]
    pub(in super::super) fn turn(
        c: &mut Cursor,
        thread: &mut Thread,
        generator: &Obj<PyGenerator>,
        dst: u8,
    ) -> Fast {
        let frame = c.frame.wrapping_add(1);
        if !is_ready(thread, generator, frame) {
            return Fast::Slow;
        }
        c.skip();
        c.sync();
        go_on(thread, frame, generator, Driver::new(Mode::ForIter, dst));
        *c = Cursor::of(ThreadState::of(thread).frames.current);
        Fast::Done
    }

    /// [`mount`], in a function of its own.
    #[inline(never)]
    fn go_on(thread: &mut Thread, frame: *mut Frame, generator: &Obj<PyGenerator>, driver: Driver) {
        mount(thread, frame, generator, driver);
    }

    /// Pushes the frame of a generator that is ready.
    #[inline(always)]
    pub(super) fn mount(
        thread: &mut Thread,
        frame: *mut Frame,
        generator: &Obj<PyGenerator>,
        driver: Driver,
    ) {
        let before = generator.state();
        generator.set_state(RUNNING);
        // SAFETY: callers have checked that there is room, and that this thread alone has the generator.
        unsafe { unpack(thread, frame, generator, driver) };
        if before == SUSPENDED {
            descend_with_none(thread);
        }
    }

    /// A `yield` to a loop, or to native code that entered with the generator.
    #[inline(always)]
    pub(in super::super) fn Yield(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let frame = c.frame;
        let at = At(frame);
        let Some(generator) = at.frame().generator() else { return Fast::Slow };
        if at.frame().code().has_flags(flags::ASYNC_GENERATOR) {
            return Fast::Slow;
        }
        if at.frame().mode == Mode::Entry {
            let mut value = at.take(w.b());
            c.sync();
            if let Some(feeding) = ThreadState::of(thread).feeding.filter(|feeding| feeding.frame == frame) {
                // SAFETY: who is fed waits for this frame to end.
                match unsafe { (*feeding.take.as_ptr())(thread, value) } {
                    None => return c.done(w.a(), word::NONE),
                    Some(left) => value = left,
                }
            }
            // SAFETY: the running frame, with which native code entered.
            unsafe {
                stop(thread, frame, generator);
                pop_entry(thread, frame);
            }
            ThreadState::of(thread).outcome = Some(Outcome::Done(Sent::Yield(value)));
            return Fast::Exit;
        }
        if at.frame().mode != Mode::ForIter {
            return Fast::Slow;
        }
        let value = c.take(thread, w.b());
        c.sync();
        // SAFETY: the running frame; its driver's is below.
        unsafe {
            stop(thread, frame, generator);
            let dst = (*frame).dst;
            *c = pop_to_caller(thread, frame);
            c.done(dst, value)
        }
    }

    /// # Safety
    /// As [`pack`].
    #[inline(never)]
    unsafe fn stop(thread: &mut Thread, frame: *mut Frame, generator: &Obj<PyGenerator>) {
        // SAFETY: as the caller promises.
        unsafe { pack(thread, frame, generator) }
    }
}

/// Puts what was sent where the suspended instruction wants it.
#[inline]
fn deliver(thread: &mut Thread, at: At, sent: Value) {
    // SAFETY: a suspended generator's pc lies within its code, behind its first instruction.
    let (next, last) = unsafe { (Instruction(*at.frame().pc), Instruction(*at.frame().pc.sub(1))) };
    if next.op_byte() == Op::Delegate as u8 {
        let old = std::mem::replace(&mut ThreadState::of(thread).sent, sent.into_word());
        drop(owned_value(old));
    } else {
        at.set(last.a(), sent);
    }
}

/// Delivers None. A `yield` whose result is dropped by the next instruction needs neither.
#[inline]
fn deliver_none(thread: &mut Thread, at: At) {
    // SAFETY: as in `deliver`.
    let (next, last) = unsafe { (Instruction(*at.frame().pc), Instruction(*at.frame().pc.sub(1))) };
    let dropped = next.op_byte() == Op::Drop as u8 && next.a() == last.a();
    if dropped && last.op_byte() == Op::Yield as u8 {
        at.frame().pc = at.frame().pc.wrapping_add(1);
    } else {
        deliver(thread, at, Value::NONE);
    }
}

/// Why a generator can't be resumed.
#[cold]
fn refused(generator: &Obj<PyGenerator>, state: u8) -> PyErr {
    if state == RUNNING {
        return methods::already_running(generator.get());
    }
    if generators::is_coroutine(generator.get()) {
        return runtime_error("cannot reuse already awaited coroutine");
    }
    if generators::is_async(generator.get()) {
        return PyErr::bare(&exception::StopAsyncIteration);
    }
    PyErr::bare(&exception::StopIteration)
}

/// `ForIter` over a generator. The frame's pc is behind the extension word.
#[inline(never)]
pub(super) fn for_iter(thread: &mut Thread, at: At, w: Instruction) -> Flow {
    // SAFETY: exactly a generator (checked by the caller), kept alive by the register.
    let generator = unsafe { at.get(w.b()).cast::<PyGenerator>() };
    if generator.state() == FINISHED {
        exhaust(at, w);
        return Flow::Reload;
    }
    match enter(thread, generator, Value::NONE, Driver::new(Mode::ForIter, w.a())) {
        Ok(()) => Flow::Reload,
        Err(error) if error.matches(&exception::StopIteration) => {
            exhaust(at, w);
            Flow::Reload
        }
        Err(error) => raise(thread, error),
    }
}

/// A call of a generator's `send`: its frame is pushed in the loop. The method and the generator stay in the window until it
/// yields or ends. `None`: the call is of another kind.
pub(super) fn call_send(
    thread: &mut Thread,
    at: At,
    w: Instruction,
    callee: Ref<'_>,
) -> Option<PyResult<Called>> {
    let base = w.b();
    let class = PyGenerator::static_type().get();
    let method = exactly::<PyMethodDescriptor>(callee).filter(|method| method.owner().is(class.get()))?;
    if w.c() != 1 || at.word(base + 1) == word::UNBOUND || method.definition().name != "send" {
        return None;
    }
    let generator = exactly::<PyGenerator>(at.get(base + 1))?;
    if generator.state() >= RUNNING {
        return None;
    }
    let sent = at.take_temp(base + 2);
    let driver = Driver { mode: Mode::Send, dst: w.a(), base };
    Some(enter(thread, generator, sent, driver).map(|()| Called::Entered))
}

/// Empties the window of a call of `send`.
fn end_send(mut caller: Cursor, base: u8) -> Cursor {
    caller.set(base, word::UNBOUND);
    caller.set(base + 1, word::UNBOUND);
    caller
}

/// Ends a loop: the iterator goes, and the jump is taken. The frame's pc is behind the extension word.
fn exhaust(at: At, w: Instruction) {
    at.clear(w.b());
    // SAFETY: the extension word is the jump's offset.
    unsafe {
        let offset = *at.frame().pc.sub(1) as i32;
        at.frame().pc = at.frame().pc.offset(offset as isize);
    }
}

#[inline(always)]
pub(super) fn Yield(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.sync();
    yield_slow(thread, At(c.frame), w)
}

#[inline(never)]
fn yield_slow(thread: &mut Thread, at: At, w: Instruction) -> Flow {
    let mut value = at.take(w.b());
    if at.frame().code().has_flags(flags::ASYNC_GENERATOR) {
        value = match generators::asynchronous::wrap(thread, value) {
            Ok(wrapped) => wrapped,
            Err(error) => return raise(thread, error),
        };
    }
    suspend(thread, at, value)
}

/// Suspends the running frame, a generator's, and gives the value to whoever drives it. Drivers that delegate are suspended
/// in turn.
fn suspend(thread: &mut Thread, at: At, value: Value) -> Flow {
    let mut at = at;
    loop {
        let frame = at.0;
        let Some(generator) = at.frame().generator() else {
            return raise(thread, orochi_objects::error::system_error("yield outside of a generator"));
        };
        if super::tracing::is_on(thread)
            && let Err(error) = super::tracing::yielding(thread, at, &value)
        {
            return raise(thread, error);
        }
        // SAFETY: the running frame, a generator's.
        unsafe {
            pack(thread, frame, generator);
            let (mode, dst) = ((*frame).mode, (*frame).dst);
            match mode {
                Mode::ForIter => {
                    let mut caller = pop_to_caller(thread, frame);
                    caller.set(dst, value.into_word());
                    return Flow::Reload;
                }
                Mode::Send => {
                    let base = (*frame).base;
                    end_send(pop_to_caller(thread, frame), base).set(dst, value.into_word());
                    return Flow::Reload;
                }
                Mode::Delegate => {
                    let caller = pop_to_caller(thread, frame);
                    // The driver stays at its instruction.
                    (*caller.frame).pc = (*caller.frame).pc.sub(1);
                    at = At(caller.frame);
                }
                _ => {
                    pop_entry(thread, frame);
                    ThreadState::of(thread).outcome = Some(Outcome::Done(Sent::Yield(value)));
                    return Flow::Exit;
                }
            }
        }
    }
}

/// Ends a generator: its registers are emptied and its frame popped. Gives the driver's mode.
///
/// # Safety
/// `at` is the running frame, that of `generator`.
unsafe fn finish(thread: &mut Thread, at: At, generator: &Obj<PyGenerator>) -> Mode {
    let frame = at.0;
    // SAFETY: as the caller promises.
    unsafe {
        release_extras(thread, frame, true);
        clear_registers((*frame).registers, (*frame).code().n_registers());
        let outer = std::mem::replace(&mut (*frame).owned, word::UNBOUND);
        drop(owned_value(ThreadState::replace_handled(thread, outer)));
        let mode = (*frame).mode;
        ThreadState::of(thread).active_generators -= 1;
        generator.set_state(FINISHED);
        // Nothing is left to finalize.
        let _ = generator.header().set_flag(FINALIZED);
        match mode {
            Mode::ForIter | Mode::Delegate | Mode::Send => {
                pop_to_caller(thread, frame);
            }
            _ => pop_entry(thread, frame),
        }
        mode
    }
}

/// The running frame, a generator's, returns.
pub(super) fn returned(thread: &mut Thread, at: At, result: Value) -> Flow {
    let Some(generator) = at.frame().generator() else { return Flow::Reload };
    let base = at.frame().base;
    // SAFETY: the running frame.
    let mode = unsafe { finish(thread, at, generator) };
    let caller = At(ThreadState::of(thread).frames.current);
    match mode {
        Mode::ForIter => {
            // SAFETY: the driver's instruction is two words before its pc.
            let w = unsafe { Instruction(*caller.frame().pc.sub(2)) };
            exhaust(caller, w);
            Flow::Reload
        }
        Mode::Delegate => {
            // SAFETY: the driver's instruction is one word before its pc.
            let w = unsafe { Instruction(*caller.frame().pc.sub(1)) };
            caller.clear(w.b());
            caller.set(w.a(), result);
            Flow::Reload
        }
        Mode::Send => {
            end_send(Cursor::of(caller.0), base);
            raise(thread, stop_iteration(result))
        }
        _ => {
            ThreadState::of(thread).outcome = Some(Outcome::Done(Sent::Return(result)));
            Flow::Exit
        }
    }
}

/// The running frame, a generator's, ends with an exception; gives the exception that goes on.
///
/// # Safety
/// `at` is the running frame.
pub(super) unsafe fn failed(
    thread: &mut Thread,
    at: At,
    generator: &Obj<PyGenerator>,
    error: Value,
) -> (Value, Mode) {
    let error = convert_stop(thread, generator, error);
    // SAFETY: as the caller promises.
    let mode = unsafe { finish(thread, at, generator) };
    (error, mode)
}

/// PEP 479: StopIteration doesn't leave a generator.
fn convert_stop(thread: &mut Thread, generator: &Obj<PyGenerator>, error: Value) -> Value {
    let class = class_of(error.get());
    use orochi_objects::types::r#type::TypeExt;
    let is_async = generators::is_async(generator.get());
    let what = if class.is_subtype_of(exception::StopIteration.get()) {
        "StopIteration"
    } else if is_async && class.is_subtype_of(exception::StopAsyncIteration.get()) {
        "StopAsyncIteration"
    } else {
        return error;
    };
    let kind = PyGenerator::kind(generator.get());
    let replacement = runtime_error(format!("{kind} raised {what}")).into_value(thread);
    super::exception::set_cause(thread, replacement.get(), Some(error.clone()));
    super::exception::set_context(thread, replacement.get(), Some(error));
    replacement
}

#[inline(always)]
pub(super) fn Delegate(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.sync();
    delegate(thread, At(c.frame), w)
}

#[inline(never)]
fn delegate(thread: &mut Thread, at: At, w: Instruction) -> Flow {
    let sent = take_sent(thread);
    let iterator = at.get(w.b());
    if let Some(generator) = generators::as_generator(iterator)
        && !generators::is_async(iterator)
    {
        return match enter(thread, generator, sent, Driver::new(Mode::Delegate, w.a())) {
            Ok(()) => Flow::Reload,
            Err(error) if error.matches(&exception::StopIteration) => {
                at.clear(w.b());
                at.set(w.a(), Value::NONE);
                Flow::Reload
            }
            Err(error) => raise(thread, error),
        };
    }
    match send(thread, iterator, sent.get()) {
        Ok(Sent::Yield(value)) => {
            // The driver stays at its instruction.
            at.frame().pc = at.frame().pc.wrapping_sub(1);
            suspend(thread, at, value)
        }
        Ok(Sent::Return(value)) => {
            at.clear(w.b());
            at.set(w.a(), value);
            Flow::Reload
        }
        Err(error) => raise(thread, error),
    }
}

fn take_sent(thread: &mut Thread) -> Value {
    let word: Word = std::mem::replace(&mut ThreadState::of(thread).sent, word::UNBOUND);
    owned_value(word).unwrap_or(Value::NONE)
}

/// One step of any iterator with a value sent in.
fn send(thread: &mut Thread, iterator: Ref<'_>, value: Ref<'_>) -> PyResult<Sent> {
    let class = class_of(iterator);
    if let Some(send) = class.slots.am_send() {
        return send(thread, iterator, value);
    }
    let result = if value.is_none() {
        match class.slots.tp_iternext() {
            Some(next) => next(thread, iterator),
            None => return Err(type_error(format!("'{}' object is not an iterator", class.name()))),
        }
    } else {
        protocol::call_method(thread, iterator, "send", &[value]).map(Some)
    };
    match result {
        Ok(Some(value)) => Ok(Sent::Yield(value)),
        Ok(None) => Ok(Sent::Return(Value::NONE)),
        Err(mut error) if error.matches(&exception::StopIteration) => {
            Ok(Sent::Return(methods::stop_value(thread, &mut error)?))
        }
        Err(error) => Err(error),
    }
}

/// The next value of a generator for native code; `None` at its end, should it return None.
pub(crate) fn next(thread: &mut Thread, generator: &Obj<PyGenerator>) -> PyResult<Option<Value>> {
    let frame = ThreadState::of(thread).frames.current.wrapping_add(1);
    let sent = if is_ready(thread, generator, frame) && !thread.native_stack_low() {
        warm::mount(thread, frame, generator, Driver::new(Mode::Entry, 0));
        super::run(thread)?
    } else {
        resume(thread, generator, Ok(Ref::NONE))?
    };
    match sent {
        Sent::Yield(value) => Ok(Some(value)),
        Sent::Return(value) if value.get().is_none() => Ok(None),
        Sent::Return(value) => Err(stop_iteration(value)),
    }
}

/// See [`orochi_objects::interpreter::feed`].
pub(crate) fn feed(
    thread: &mut Thread,
    generator: &Obj<PyGenerator>,
    take: Take<'_>,
) -> PyResult<Option<Value>> {
    let frame = ThreadState::of(thread).frames.current.wrapping_add(1);
    // SAFETY: it is forgotten below, before the borrow ends.
    let take = unsafe { std::mem::transmute::<Take<'_>, Take<'static>>(take) };
    let feeding = Some(Feeding { frame, take: NonNull::from(take) });
    let outer = std::mem::replace(&mut ThreadState::of(thread).feeding, feeding);
    let next = next(thread, generator);
    ThreadState::of(thread).feeding = outer;
    match next {
        // What it returned is of no use here.
        Err(error) if error.matches(&exception::StopIteration) => Ok(None),
        next => next,
    }
}

/// Resumes a generator from native code, with a value or an exception.
pub(crate) fn resume(
    thread: &mut Thread,
    generator: &Obj<PyGenerator>,
    sent: Result<Ref<'_>, PyErr>,
) -> PyResult<Sent> {
    super::check_native_stack(thread)?;
    if generator.state() == FINISHED {
        return after_end(generator, sent);
    }
    if generators::is_coroutine(generator.get()) {
        let _ = generator.set_flag(generators::AWAITED);
    }
    let driver = Driver::new(Mode::Entry, 0);
    let (entered, thrown) = match sent {
        Ok(value) => (enter(thread, generator, value.to_owned(), driver), None),
        Err(error) => (push_frame(thread, generator, driver).map(drop), Some(error)),
    };
    match (entered, thrown) {
        (Ok(()), None) => super::run(thread),
        (Ok(()), Some(error)) => {
            let flow = throw::throw(thread, error);
            super::go_on(thread, flow)
        }
        (Err(refusal), _) if refusal.matches(&exception::StopIteration) => Ok(Sent::Return(Value::NONE)),
        (Err(refusal), _) => Err(refusal),
    }
}

/// Resuming what has ended.
fn after_end(generator: &Obj<PyGenerator>, sent: Result<Ref<'_>, PyErr>) -> PyResult<Sent> {
    match sent {
        Err(_) if generators::is_coroutine(generator.get()) => {
            Err(runtime_error("cannot reuse already awaited coroutine"))
        }
        Err(error) => Err(error),
        Ok(_) if generators::is_plain_generator(generator.get()) => Ok(Sent::Return(Value::NONE)),
        Ok(_) => Err(refused(generator, FINISHED)),
    }
}
