//! Calls and returns.
//!
//! Calls of Python functions push a frame and go on in the loop; the callee's registers begin in the caller's window. What
//! isn't a Python function in the end (after bound methods and classes are seen through) is called natively.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

mod callee;
mod construct;
pub(crate) mod enter;
pub(super) mod native;

use super::bind::{bind, bind_if_simple, bind_surplus};
use super::cursor::{At, Cursor, Fast, Flow, Operands, raise};
use super::frames::{
    NewFrame, can_push, clear_registers, clear_registers_quickly, make_large_room, make_room, owned_value,
    pop_entry, pop_to_caller, push, release_extras,
};
use super::iter::exact;
use super::poll::poll_now;
pub(super) use callee::Called;
use construct::Constructed;
use orochi_compiler::opcode::Word as Instruction;
use orochi_core::value::drop_register;
use orochi_core::word::{self, Word};
use orochi_core::{Header, Obj, Ref, Thread, Value};
use orochi_objects::error::{PyResult, type_error};
use orochi_objects::frames::Mode;
use orochi_objects::slots::Sent;
use orochi_objects::thread::{Outcome, ThreadState};
use orochi_objects::types::code::PyCode;
use orochi_objects::types::function::PyFunction;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::r#type::PyType;

/// Calls of Python functions whose arguments lie as they are wanted, and returns from them.
pub(super) mod hot {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn Call(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        // SAFETY: the window lies within the frame.
        let window = unsafe { c.regs.add(w.b() as usize) };
        let function = c.object(w.b()).and_then(|callee| exact::<PyFunction>(callee.get()));
        let Some(function) = function else { return Fast::Slow };
        // SAFETY: as above.
        let receiver = unsafe { *window.add(1) };
        let bound = usize::from(receiver != word::UNBOUND);
        // SAFETY: as above; the code is kept alive by the function.
        let (code, registers) =
            unsafe { (&*std::ptr::from_ref(function.code(thread)), window.add(2 - bound)) };
        // SAFETY: one frame above the running one; there is room if `can_push` says so.
        let frame = unsafe { c.frame.add(1) };
        let fits = code.takes_exactly(w.c() as usize + bound) && can_push(thread, frame, registers);
        if !fits || thread.native_stack_low() {
            return Fast::Slow;
        }
        // SAFETY: there is room; the parameters lie in their registers.
        unsafe { enter(c, thread, function, code, registers, Entry::call(w.a(), w.b())) };
        Fast::Done
    }

    /// Ends a frame of mode Call or Init, if no object dies with it. `result` lies in no register.
    #[inline(always)]
    fn leave(c: &mut Cursor, thread: &mut Thread, result: Word) -> Fast {
        // SAFETY: the running frame.
        let size = unsafe { (*c.frame).size } as usize;
        if thread.poll() != 0 || !clear_registers_quickly(c.regs, size) {
            return Fast::Slow;
        }
        let (base, dst) = give(c, thread, result);
        Fast::DropBoth(base, dst)
    }

    #[inline(always)]
    pub(in super::super) fn Return(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        if !is_simple(c, Mode::Call) {
            return Fast::Slow;
        }
        let result = c.replace(w.a(), word::UNBOUND);
        let left = leave(c, thread, result);
        if left == Fast::Slow {
            c.put(w.a(), result);
        }
        left
    }

    #[inline(always)]
    pub(in super::super) fn ReturnNone(c: &mut Cursor, thread: &mut Thread, _w: Operands) -> Fast {
        match none_or_instance(c) {
            word::UNBOUND => Fast::Slow,
            result => leave(c, thread, result),
        }
    }
}

/// Goes on in a function's frame, one above the running one.
///
/// # Safety
/// [`can_push`] says that there is room; the parameters lie in `registers`, within the window of the call; the function keeps the code.
#[inline(always)]
unsafe fn enter(
    c: &mut Cursor,
    thread: &mut Thread,
    function: &Obj<PyFunction>,
    code: &Obj<PyCode>,
    registers: *mut Word,
    how: Entry,
) {
    c.sync();
    let new = NewFrame::of(function, code, registers, how);
    let frame = c.frame.wrapping_add(1);
    // SAFETY: as the caller promises.
    unsafe { push(thread, frame, new) };
    *c = Cursor { pc: code.entry(), regs: registers, frame };
}

/// Whether the running frame has this mode and nothing else that its end would have to see to.
#[inline(always)]
fn is_simple(c: &Cursor, mode: Mode) -> bool {
    // SAFETY: the running frame.
    unsafe {
        (*c.frame).mode == mode
            && ((*c.frame).object | (*c.frame).namespace) == word::UNBOUND
            && (*c.frame).generator.is_null()
    }
}

/// The result of a simple frame that returns None: that of an `__init__` is the instance. UNBOUND if the frame isn't simple.
#[inline(always)]
fn none_or_instance(c: &Cursor) -> Word {
    if is_simple(c, Mode::Call) {
        word::NONE
    } else if is_simple(c, Mode::Init) {
        // SAFETY: the running frame.
        unsafe { (*c.frame).owned }
    } else {
        word::UNBOUND
    }
}

/// Pops a frame whose registers are empty and gives its caller the result. What the caller's registers held is given out.
#[inline(always)]
fn give(c: &mut Cursor, thread: &mut Thread, result: Word) -> (Word, Word) {
    let frame = c.frame;
    // SAFETY: a frame of mode Call or Init has its caller below it.
    unsafe {
        let (dst, base) = ((*frame).dst, (*frame).base);
        *c = pop_to_caller(thread, frame);
        (c.replace(base, word::UNBOUND), c.replace(dst, result))
    }
}

/// Calls of what isn't a Python function, and returns with which objects die.
pub(super) mod warm {
    use super::*;

    /// Calls the Python function or the class that lies in the window. [`Fast::Slow`] if there is more to it than a frame whose arguments
    /// are quickly bound.
    #[inline(always)]
    pub(super) fn enter_quickly(
        c: &mut Cursor,
        thread: &mut Thread,
        w: Operands,
        callee: &Header,
        names: Option<&Obj<PyTuple>>,
    ) -> Fast {
        // SAFETY: the window lies within the frame.
        let window = unsafe { c.regs.add(w.b() as usize) };
        // SAFETY: as above.
        let bound = usize::from(unsafe { *window.add(1) } != word::UNBOUND);
        let Some(function) = exact::<PyFunction>(callee) else {
            let Some(class) = exact::<PyType>(callee).filter(|_| bound == 0) else { return Fast::Slow };
            return match construct::instantiate(thread, (c.pc, c.frame), w, class, names) {
                Constructed::Entered => {
                    *c = Cursor::of(c.frame.wrapping_add(1));
                    Fast::Done
                }
                Constructed::Done => Fast::Done,
                Constructed::Raised => Fast::Raise,
                Constructed::Other => Fast::Slow,
            };
        };
        // SAFETY: within the window; one frame above the running one.
        let (registers, frame) = unsafe { (window.add(2 - bound), c.frame.add(1)) };
        if !can_push(thread, frame, registers) || thread.native_stack_low() {
            return Fast::Slow;
        }
        let given = w.c() as usize + bound;
        let Some(positional) = given.checked_sub(names.map_or(0, |names| names.len())) else {
            return Fast::Slow;
        };
        // SAFETY: the code is kept alive by the function; what lies above the window is empty, and there is room.
        unsafe {
            let code = &*std::ptr::from_ref(function.code(thread));
            let fits = bind_if_simple(thread, function, code, registers, positional, names)
                || names.is_none() && bind_surplus(thread, function, code, registers, positional);
            if !fits {
                return Fast::Slow;
            }
            enter(c, thread, function, code, registers, Entry::call(w.a(), w.b()));
        }
        Fast::Done
    }

    #[inline(always)]
    pub(in super::super) fn CallKw(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        // SAFETY: the code was verified: the operand is a tuple of names.
        let names = unsafe { Ref::from_word(c.constant(c.peek() as usize)) }.downcast::<PyTuple>();
        let Some(callee) = c.object(w.b()) else { return Fast::Slow };
        let mut behind = *c;
        behind.skip();
        let done = enter_quickly(&mut behind, thread, w, callee.get(), names);
        if done != Fast::Slow {
            *c = behind;
        }
        done
    }

    #[inline(always)]
    fn leave(c: &mut Cursor, thread: &mut Thread, result: Word) -> Fast {
        // SAFETY: the running frame; what the caller's registers held was taken out of them.
        unsafe {
            clear_registers(c.regs, (*c.frame).size as usize);
            let (base, dst) = give(c, thread, result);
            drop_register(base);
            drop_register(dst);
        }
        // The locals' finalizers run before the caller goes on.
        if thread.poll() != 0 {
            super::super::poll::finalizers(thread);
        }
        Fast::Done
    }

    /// Ends the frame with which native code entered.
    #[inline(always)]
    fn exit(c: &mut Cursor, thread: &mut Thread, result: Word) -> Fast {
        // SAFETY: the running frame; the result was taken out of a register.
        unsafe {
            let result = owned_result(result);
            clear_registers(c.regs, (*c.frame).size as usize);
            pop_entry(thread, c.frame);
            ThreadState::of(thread).outcome = Some(Outcome::Done(Sent::Return(result)));
        }
        Fast::Exit
    }

    #[inline(always)]
    pub(in super::super) fn Return(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        if is_simple(c, Mode::Call) {
            let result = c.replace(w.a(), word::UNBOUND);
            leave(c, thread, result)
        } else if is_simple(c, Mode::Entry) {
            let result = c.replace(w.a(), word::UNBOUND);
            exit(c, thread, result)
        } else {
            Fast::Slow
        }
    }

    #[inline(always)]
    pub(in super::super) fn ReturnNone(c: &mut Cursor, thread: &mut Thread, _w: Operands) -> Fast {
        match none_or_instance(c) {
            word::UNBOUND if is_simple(c, Mode::Entry) => exit(c, thread, word::NONE),
            word::UNBOUND => Fast::Slow,
            result => leave(c, thread, result),
        }
    }
}

/// Calls of functions whose arguments don't lie as they are wanted, of classes, and of other native objects.
pub(super) mod cool {
    use super::warm::enter_quickly;
    use super::*;

    #[inline(always)]
    pub(in super::super) fn Call(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let Some(callee) = c.object(w.b()) else { return Fast::Slow };
        let done = enter_quickly(c, thread, w, callee.get(), None);
        if done != Fast::Slow || exact::<PyFunction>(callee.get()).is_some() {
            return done;
        }
        c.sync();
        match native::call(thread, c.regs, w.word(), callee.get()) {
            Some(Flow::Next) => Fast::Done,
            Some(Flow::Raise) => Fast::Raise,
            Some(_) => Fast::Reload,
            None => Fast::Slow,
        }
    }
}

#[inline(always)]
pub(super) fn Call(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.sync();
    let called = callee::call(thread, At(c.frame), w, None);
    finish_call(c, thread, called)
}

#[inline(always)]
fn finish_call(c: &mut Cursor, thread: &mut Thread, called: PyResult<Called>) -> Flow {
    match called {
        Ok(Called::Entered) => Flow::Reload,
        Ok(Called::Done) if thread.poll() == 0 => Flow::Next,
        Ok(Called::Done) => poll_now(c, thread),
        Err(error) => raise(thread, error),
    }
}

#[inline(always)]
pub(super) fn CallKw(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    let names = c.ext() as usize;
    c.sync();
    let at = At(c.frame);
    let names = at.frame().code().constant(names).downcast::<PyTuple>();
    let called = callee::call(thread, at, w, names);
    finish_call(c, thread, called)
}

#[inline(always)]
pub(super) fn CallEx(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.sync();
    let called = callee::call_ex(thread, At(c.frame), w);
    finish_call(c, thread, called)
}

/// Pushes the frame of a call whose arguments lie in the registers, binding them first. The running frame is the caller.
///
/// # Safety
/// As [`bind`]; the function is rooted.
#[inline(never)]
pub(super) unsafe fn enter_bound(
    thread: &mut Thread,
    function: &Obj<PyFunction>,
    registers: *mut Word,
    positional: usize,
    names: Option<&Obj<PyTuple>>,
    how: Entry,
) -> PyResult<()> {
    // SAFETY: as the caller promises; the function keeps its code.
    unsafe {
        let code = &*std::ptr::from_ref(function.code(thread));
        let frame = ThreadState::of(thread).frames.current.wrapping_add(1);
        if !can_push(thread, frame, registers) {
            make_room(thread, frame, registers)?;
        }
        make_large_room(thread, registers, code.n_registers())?;
        if names.is_some() || !code.takes_exactly(positional) {
            bind(thread, function, code, registers, positional, names)?;
        }
        push(thread, frame, NewFrame::of(function, code, registers, how));
    }
    Ok(())
}

/// Gives a property's getter, which lies in `getter` as a register's word, a frame. The object is the operand `b` of the
/// running instruction, the result goes to `a`. The window is made above the frame's registers.
#[inline(never)]
pub(super) fn enter_getter(thread: &mut Thread, at: At, w: Instruction, getter: Word) -> PyResult<Called> {
    let window = at.address(0).wrapping_add(at.frame().size as usize);
    let receiver = at.take_word(thread, w.b());
    let base = at.frame().size as u8;
    let entry = Entry::call(w.a(), base);
    // SAFETY: frames leave room for a window above them (`HEADROOM`); what lies there is empty.
    let entered = unsafe {
        *window = getter;
        *window.add(1) = receiver;
        thread.stack.set_top(window.add(2));
        let function = Ref::from_word(getter).cast::<PyFunction>();
        enter_bound(thread, function, window.add(1), 1, None, entry)
    };
    if let Err(error) = entered {
        clear_registers(window, 2);
        // SAFETY: emptied just now.
        unsafe { thread.stack.set_top(window) };
        return Err(error);
    }
    Ok(Called::Entered)
}

/// Gives a function that computes an attribute of the operand `b` a frame, if that is quickly done; the result goes to `a`. `function`
/// is a register's word. The instruction's extension word is passed. The window lies above the frame's registers.
#[inline(always)]
pub(super) fn enter_computed(c: &mut Cursor, thread: &mut Thread, w: Operands, function: Word) -> Fast {
    // SAFETY: the running frame.
    let size = unsafe { (*c.frame).size };
    // The number of the register for the function must be one.
    let Ok(base) = u8::try_from(size) else { return Fast::Slow };
    // SAFETY: frames leave room for a window above them (`HEADROOM`); what lies there is empty.
    let (window, frame) = unsafe { (c.regs.add(usize::from(size)), c.frame.add(1)) };
    // SAFETY: the caller's word for a function; the function keeps its code.
    let (callee, code) = unsafe {
        let callee = Ref::from_word(function).cast::<PyFunction>();
        (callee, &*std::ptr::from_ref(callee.code(thread)))
    };
    let registers = window.wrapping_add(1);
    if !code.takes_exactly(1) || !can_push(thread, frame, registers) || thread.native_stack_low() {
        return Fast::Slow;
    }
    // SAFETY: there is room; the receiver is the one parameter.
    unsafe {
        *window = function;
        *registers = c.take(thread, w.b());
        c.skip();
        enter(c, thread, callee, code, registers, Entry::call(w.a(), base));
    }
    Fast::Done
}

/// How a frame is entered and what its result is for.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) mode: Mode,
    pub(super) dst: u8,
    pub(super) base: u8,
    pub(super) owned: Word,
    pub(super) namespace: Word,
}

impl Entry {
    /// Native code enters.
    pub(super) const NATIVE: Entry =
        Entry { mode: Mode::Entry, dst: 0, base: 0, owned: word::UNBOUND, namespace: word::UNBOUND };

    /// An instruction calls a function; the result goes to `dst`.
    #[inline(always)]
    pub(super) fn call(dst: u8, base: u8) -> Entry {
        Entry { mode: Mode::Call, dst, base, ..Entry::NATIVE }
    }
}

#[inline(always)]
pub(super) fn Return(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    let result = c.word(w.a());
    c.put(w.a(), word::UNBOUND);
    leave(c, thread, result)
}

#[inline(always)]
pub(super) fn ReturnNone(c: &mut Cursor, thread: &mut Thread, _w: Instruction) -> Flow {
    leave(c, thread, word::NONE)
}

/// Ends the running frame with a result.
fn leave(c: &mut Cursor, thread: &mut Thread, result: Word) -> Flow {
    c.sync();
    let flow = leave_slow(thread, At(c.frame), result);
    if flow != Flow::Reload || thread.poll() == 0 {
        return flow;
    }
    match super::poll::handle(thread) {
        Ok(()) => Flow::Reload,
        Err(error) => raise(thread, error),
    }
}

/// Ends the running frame, whose registers are empty already, with a value.
pub(super) fn leave_with(thread: &mut Thread, at: At, value: Value) -> Flow {
    let frame = at.0;
    // SAFETY: the running frame.
    unsafe {
        release_extras(thread, frame, true);
        let (mode, dst, base) = ((*frame).mode, (*frame).dst, (*frame).base);
        if mode == Mode::Entry {
            pop_entry(thread, frame);
            ThreadState::of(thread).outcome = Some(Outcome::Done(Sent::Return(value)));
            return Flow::Exit;
        }
        let instance = owned_value(std::mem::replace(&mut (*frame).owned, word::UNBOUND));
        let mut caller = pop_to_caller(thread, frame);
        caller.set(base, word::UNBOUND);
        if mode == Mode::Init {
            drop(instance);
            let given = orochi_objects::class_of(value.get()).name();
            return raise(thread, type_error(format!("__init__() should return None, not '{given}'")));
        }
        caller.set(dst, value.into_word());
    }
    Flow::Reload
}

#[inline(never)]
fn leave_slow(thread: &mut Thread, at: At, result: Word) -> Flow {
    let frame = at.0;
    // SAFETY: the running frame; its words are valid.
    unsafe {
        let result = owned_result(result);
        if (*frame).generator().is_some() {
            return super::generator::returned(thread, at, result);
        }
        release_extras(thread, frame, true);
        clear_registers((*frame).registers, (*frame).code().n_registers());
        let (mode, dst, base) = ((*frame).mode, (*frame).dst, (*frame).base);
        match mode {
            Mode::Entry => {
                pop_entry(thread, frame);
                ThreadState::of(thread).outcome = Some(Outcome::Done(Sent::Return(result)));
                Flow::Exit
            }
            Mode::Init => {
                let instance = owned_value(std::mem::replace(&mut (*frame).owned, word::UNBOUND));
                let mut caller = pop_to_caller(thread, frame);
                caller.set(base, word::UNBOUND);
                if !result.get().is_none() {
                    let given = orochi_objects::class_of(result.get()).name();
                    return raise(
                        thread,
                        type_error(format!("__init__() should return None, not '{given}'")),
                    );
                }
                caller.set(dst, instance.unwrap_or(Value::NONE).into_word());
                Flow::Reload
            }
            _ => {
                let mut caller = pop_to_caller(thread, frame);
                caller.set(base, word::UNBOUND);
                caller.set(dst, result.into_word());
                Flow::Reload
            }
        }
    }
}

/// A result that was taken out of a register.
///
/// # Safety
/// The word was taken out of a register and is not UNBOUND.
unsafe fn owned_result(word: Word) -> Value {
    if word == word::UNBOUND {
        return Value::NONE;
    }
    // SAFETY: as the caller promises.
    unsafe { orochi_core::value::take_register(word) }
}
