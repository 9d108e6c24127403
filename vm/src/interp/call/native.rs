//! Calls of native functions and methods straight from the caller's registers.

use super::super::cache::class_in;
use super::super::cursor::{At, Flow, raise, register_word};
use super::super::frames::clear_registers;
use super::super::iter::exact;
use super::super::{poll, tracing};
use super::callee::{self, Called};
use crate::builtins;
use orochi_compiler::opcode::Word as Instruction;
use orochi_core::value::{drop_register, on_heap, take_register};
use orochi_core::word::{self, Word};
use orochi_core::{Header, Obj, Owner, Ref, Thread};
use orochi_objects::args::Args;
use orochi_objects::class::PyClass;
use orochi_objects::class_of;
use orochi_objects::error::PyErr;
use orochi_objects::thread::ThreadState;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::method_descriptor::{PyClassMethodDescriptor, PyMethodDescriptor, Quick};
use orochi_objects::types::native_function::PyNativeFunction;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::r#type::{PyType, TypeExt};
use orochi_objects::types::type_;

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
        let known = match method.quick() {
            Quick::None => None,
            Quick::ListAppend => (count == 1 && append(window)).then_some(word::NONE),
            Quick::DictGet => dict_get(thread, window, count),
        };
        if let Some(result) = known {
            return finish(thread, registers, w, result);
        }
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
            let is_len = std::ptr::eq(definition, builtins::len_definition()) && count == 1;
            if is_len && let Some(len) = len(thread, window) {
                return finish(thread, registers, w, len);
            }
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
            None => known_result(thread, window, count, callee)
                .and_then(|result| finish(thread, registers, w, result)),
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

/// What a call is known to give, as a register's word.
#[inline]
fn known_result(thread: &Thread, window: *mut Word, count: usize, callee: &Header) -> Option<Word> {
    let class = class_in(callee);
    let known = class.slots.tp_known_result().filter(|_| class.native().is_some())?;
    // SAFETY: the arguments stay in the window for the length of the call.
    let args = unsafe {
        let receives = usize::from(*window.add(1) != word::UNBOUND);
        Args::from_registers(window.add(2 - receives), count + receives, None)
    };
    known(thread, callee.into(), args).map(register_word)
}

/// `list.append` of a local list with room for the argument.
#[inline(always)]
fn append(window: *mut Word) -> bool {
    // SAFETY: the window of a call with one argument.
    let (receiver, argument) = unsafe { (*window.add(1), *window.add(2)) };
    // SAFETY: rooted in the window.
    let list = unsafe { on_heap(receiver) }.and_then(|object| exact::<PyList>(object.get()));
    let Some(room) = list.and_then(|list| list.storage().local_room(Owner::from(list))) else { return false };
    if argument == word::UNBOUND {
        return false;
    }
    // SAFETY: the word is taken out of its register; the list hasn't changed in between.
    unsafe {
        *window.add(2) = word::UNBOUND;
        room.fill(take_register(argument));
    }
    true
}

/// `dict.get` of a key for which no Python code is needed, as a register's word.
#[inline(always)]
fn dict_get(thread: &Thread, window: *mut Word, count: usize) -> Option<Word> {
    if count == 0 || count > 2 {
        return None;
    }
    // SAFETY: the window of a call with one or two arguments, which are rooted there.
    let (receiver, key) = unsafe { (on_heap(*window.add(1))?, Ref::from_word(*window.add(2))) };
    let dict = exact::<PyDict>(receiver.get())?;
    match dict::find_register(thread, dict, key)? {
        word::UNBOUND if count == 1 => Some(word::NONE),
        // SAFETY: as above.
        word::UNBOUND => Some(register_word(unsafe { Ref::from_word(*window.add(3)) })),
        found => Some(found),
    }
}

/// `len` of the commonest classes, as a register's word.
#[inline(always)]
fn len(thread: &Thread, window: *mut Word) -> Option<Word> {
    // SAFETY: the window of a call with one argument, which is rooted there.
    let (receiver, object) = unsafe { (*window.add(1), on_heap(*window.add(2))?.get()) };
    if receiver != word::UNBOUND {
        return None;
    }
    let len = if let Some(list) = exact::<PyList>(object) {
        list::len(thread, list)
    } else if let Some(text) = exact::<PyStr>(object) {
        text.len()
    } else if let Some(tuple) = exact::<PyTuple>(object) {
        tuple.len()
    } else {
        dict::len(thread, exact::<PyDict>(object)?)
    };
    word::from_int(len as i64)
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
