//! Calls of native functions and methods straight from the caller's registers.

use super::super::cache::class_in;
use super::super::cursor::{At, Cursor, Fast, Flow, Operands, raise, register_word};
use super::super::frames::clear_registers;
use super::super::iter::exact;
use super::super::{poll, tracing};
use super::callee::{self, Called};
use orochi_compiler::opcode::Word as Instruction;
use orochi_core::value::{drop_register, on_heap};
use orochi_core::word::{self, Word};
use orochi_core::{Header, Obj, Ref, Thread};
use orochi_objects::args::{Args, NativeFn};
use orochi_objects::class::PyClass;
use orochi_objects::class_of;
use orochi_objects::error::PyErr;
use orochi_objects::quick::Registers;
use orochi_objects::thread::ThreadState;
use orochi_objects::types::method::PyMethod;
use orochi_objects::types::method_descriptor::{PyClassMethodDescriptor, PyMethodDescriptor};
use orochi_objects::types::native_function::PyNativeFunction;
use orochi_objects::types::r#type::{PyType, TypeExt};
use orochi_objects::types::type_;

/// Calls of functions of modules and of methods of native classes.
pub(in super::super) mod warm {
    use super::*;

    #[inline(always)]
    pub(in super::super::super) fn Call(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let Some(callee) = c.object(w.b()) else { return Fast::Slow };
        let callee = callee.get();
        // SAFETY: the window lies within the frame.
        let (window, receiver) = unsafe { (c.regs.add(w.b() as usize), *c.regs.add(w.b() as usize + 1)) };
        let (quick, function, receives) = if let Some(method) = exact::<PyMethodDescriptor>(callee) {
            // SAFETY: rooted in the window.
            let class = unsafe { on_heap(receiver) }.map(|object| object.class());
            if class.is_none_or(|class| !std::ptr::eq(class, method.direct_class())) {
                return Fast::Slow;
            }
            let definition = method.definition();
            (definition.quick, Some(definition.function), 1)
        } else if let Some(function) = exact::<PyNativeFunction>(callee) {
            if receiver != word::UNBOUND || function.bound_to().is_some() {
                return Fast::Slow;
            }
            let definition = function.definition();
            (definition.quick, Some(definition.function), 0)
        } else if let Some(class) = exact::<PyType>(callee) {
            let quick = class.native().and_then(|class| class.spec().quick);
            if receiver != word::UNBOUND || quick.is_none() {
                return Fast::Slow;
            }
            (quick, None, 0)
        } else {
            return Fast::Slow;
        };
        let n = w.c() as usize + receives;
        // SAFETY: the arguments lie in the window and stay there for the length of the call.
        let result = unsafe {
            let start = window.add(2 - receives);
            match (quick.map(|quick| quick(thread, Registers::new(start, n)).into_word()), function) {
                (Some(result), _) if result != word::UNBOUND => result,
                (_, Some(function)) => {
                    c.sync();
                    invoke(thread, function, start, n)
                }
                _ => return Fast::Slow,
            }
        };
        if result == word::UNBOUND {
            return Fast::Raise;
        }
        clear_registers(window, w.c() as usize + 2);
        let old = c.replace(w.a(), result);
        if thread.poll() == 0 {
            return Fast::Drop(old);
        }
        c.sync();
        match polled(thread, old) {
            Flow::Raise => Fast::Raise,
            Flow::Reload => Fast::Reload,
            _ => Fast::Done,
        }
    }

    /// Calls a native function; gives a word for a register. UNBOUND: an exception waits.
    ///
    /// # Safety
    /// As [`Args::from_registers`].
    #[inline(never)]
    unsafe fn invoke(thread: &mut Thread, function: NativeFn, start: *const Word, n: usize) -> Word {
        // SAFETY: as the caller promises.
        match function(thread, unsafe { Args::from_registers(start, n, None) }) {
            Ok(result) => result.into_word(),
            Err(error) => {
                raise(thread, error);
                word::UNBOUND
            }
        }
    }

    /// The end of a call after which there is something to look after.
    #[cold]
    #[inline(never)]
    fn polled(thread: &mut Thread, old: Word) -> Flow {
        // SAFETY: taken out of a register.
        unsafe { drop_register(old) };
        look_around(thread).unwrap_or(Flow::Next)
    }
}

/// Calls a native function, a native class, or a method of one with an instance of exactly that class, straight from the
/// window of the running instruction, whose frame begins at `registers`. `None` if the callee is something else, or a
/// method of a generator: nothing has been done then.
#[inline(never)]
pub(super) fn call(
    thread: &mut Thread,
    registers: *mut Word,
    w: Instruction,
    callee: &Header,
) -> Option<Flow> {
    let count = w.c() as usize;
    // SAFETY: the window lies within the frame.
    let (window, receiver) = unsafe { (registers.add(w.b() as usize), *registers.add(w.b() as usize + 1)) };
    let (function, receives) = if let Some(method) = exact::<PyMethodDescriptor>(callee) {
        // SAFETY: rooted in the window.
        let class = match unsafe { on_heap(receiver) } {
            Some(object) => object.class(),
            None if receiver == word::UNBOUND => return None,
            // SAFETY: as above.
            None => class_of(unsafe { Ref::from_word(receiver) }).head().as_ptr(),
        };
        if !std::ptr::eq(class, method.direct_class()) {
            return None;
        }
        (method.definition().function, true)
    } else if let Some(function) = exact::<PyNativeFunction>(callee) {
        let definition = function.definition();
        if let Some(own) = function.bound_to() {
            // A bound method: its receiver goes before the arguments.
            if receiver != word::UNBOUND {
                return None;
            }
            // SAFETY: as above; the place is empty.
            unsafe { *window.add(1) = register_word(own) };
            (definition.function, true)
        } else {
            (definition.function, receiver != word::UNBOUND)
        }
    } else if let Some(method) = exact::<PyClassMethodDescriptor>(callee)
        && receiver != word::UNBOUND
    {
        (method.definition().function, true)
    } else {
        return match exact::<PyType>(callee) {
            Some(class) if receiver == word::UNBOUND => call_class(thread, registers, w, class),
            Some(_) => None,
            None => call_slot(thread, registers, w, callee),
        };
    };
    let receives = usize::from(receives);
    // SAFETY: the arguments stay in the window for the length of the call.
    let args = unsafe { Args::from_registers(window.add(2 - receives), count + receives, None) };
    match function(thread, args) {
        Ok(result) => finish(thread, registers, w, result.into_word()),
        Err(error) => raised(thread, error),
    }
}

/// Empties the window and stores the result.
#[inline(always)]
fn finish(thread: &mut Thread, registers: *mut Word, w: Instruction, result: Word) -> Option<Flow> {
    // SAFETY: within the frame; the old word was taken out of the register.
    unsafe {
        clear_registers(registers.add(w.b() as usize), w.c() as usize + 2);
        let dst = registers.add(w.a() as usize);
        let old = std::mem::replace(&mut *dst, result);
        drop_register(old);
    }
    if thread.poll() == 0 { Some(Flow::Next) } else { look_around(thread) }
}

/// Calls an object of another native class, unless it is a bound method, whose function may be one of Python. What the call is known
/// to give needs no call.
#[inline]
fn call_slot(thread: &mut Thread, registers: *mut Word, w: Instruction, callee: &Header) -> Option<Flow> {
    let class = class_in(callee);
    if class.native().is_none() || exact::<PyMethod>(callee).is_some() {
        return None;
    }
    // SAFETY: the arguments lie in the window, within the frame, and stay there for the length of the call.
    let args = || unsafe {
        let window = registers.add(w.b() as usize);
        let receives = usize::from(*window.add(1) != word::UNBOUND);
        Args::from_registers(window.add(2 - receives), w.c() as usize + receives, None)
    };
    if let Some(known) = class.slots.tp_known_result()
        && let Some(result) = known(thread, callee.into(), args()).map(register_word)
    {
        return finish(thread, registers, w, result);
    }
    match class.slots.tp_call()?(thread, callee.into(), args()) {
        Ok(result) => finish(thread, registers, w, result.into_word()),
        Err(error) => raised(thread, error),
    }
}

/// Calls a class. An `__init__` in Python gets a frame.
#[inline(never)]
fn call_class(
    thread: &mut Thread,
    registers: *mut Word,
    w: Instruction,
    class: &Obj<PyType>,
) -> Option<Flow> {
    let count = w.c() as usize;
    // SAFETY: the arguments lie in the window, within the frame, and stay there for the length of the call.
    let args = unsafe { Args::from_registers(registers.add(w.b() as usize + 2), count, None) };
    if std::ptr::eq(class, PyType::static_type().get()) {
        return match count {
            1 => finish(thread, registers, w, register_word(class_of(args.this()).get())),
            _ => None,
        };
    }
    if class.native().is_some() {
        return match type_::construct(thread, class, args) {
            Ok(instance) => finish(thread, registers, w, instance.into_word()),
            Err(error) => raised(thread, error),
        };
    }
    let at = At(ThreadState::of(thread).frames.current);
    match callee::instantiate(thread, at, w, class, args) {
        Ok(Some(Called::Entered)) => Some(Flow::Reload),
        Ok(Some(Called::Done)) if thread.poll() == 0 => Some(Flow::Next),
        Ok(Some(Called::Done)) => look_around(thread),
        Ok(None) => None,
        Err(error) => raised(thread, error),
    }
}

#[cold]
#[inline(never)]
fn raised(thread: &mut Thread, error: PyErr) -> Option<Flow> {
    Some(raise(thread, error))
}

/// A safepoint after the call.
#[cold]
#[inline(never)]
fn look_around(thread: &mut Thread) -> Option<Flow> {
    match poll::handle(thread) {
        // Another loop is to go on.
        Ok(()) if tracing::is_on(thread) => {
            tracing::events_changed(thread);
            Some(Flow::Reload)
        }
        Ok(()) => Some(Flow::Next),
        Err(error) => raised(thread, error),
    }
}
