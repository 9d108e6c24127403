//! Calls of classes from the loop.

use super::super::bind::bind_if_simple;
use super::super::cursor::{Cursor, Operands, raise, register_word};
use super::super::frames::{can_push, clear_registers};
use super::super::iter::exactly;
use super::{Entry, enter};
use orochi_core::value::drop_register;
use orochi_core::word;
use orochi_core::{Obj, Thread};
use orochi_objects::error::PyErr;
use orochi_objects::frames::{Frame, Mode};
use orochi_objects::types::function::PyFunction;
use orochi_objects::types::object;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::r#type::{PyType, TypeExt};

/// What became of the call of a class.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Constructed {
    /// The frame of `__init__` runs.
    Entered,
    /// The instance is in its register.
    Done,
    /// An exception waits in the thread's state.
    Raised,
    /// The call is of another kind; nothing has been done.
    Other,
}

/// Makes an instance of a class whose instances are plain objects, and goes on in its `__init__`, if that is a Python function whose
/// arguments are quickly bound. A class without any, called without arguments, is done with.
#[inline(never)]
pub(super) fn instantiate(
    thread: &mut Thread,
    (pc, frame): (*const u32, *mut Frame),
    w: Operands,
    class: &Obj<PyType>,
    names: Option<&Obj<PyTuple>>,
) -> Constructed {
    if !object::is_plain(class) {
        return Constructed::Other;
    }
    let mut c = Cursor { pc, ..Cursor::of(frame) };
    let Some(init) = class.lookup_interned(thread, orochi_objects::name!("__init__")) else {
        return Constructed::Other;
    };
    if exactly::<PyFunction>(init).is_none() {
        return without_init(&mut c, thread, w, class);
    }
    let init = register_word(init);
    let registers = c.regs.wrapping_add(w.b() as usize + 1);
    let given = 1 + (w.c() as usize).saturating_sub(names.map_or(0, |names| names.len()));
    // SAFETY: the word keeps the function, and the function its code; the window lies within the frame. What lies above it is empty,
    // and there is room. `registers` begins with the empty place of the receiver.
    unsafe {
        let function: &Obj<PyFunction> = orochi_core::Ref::from_word(init).cast();
        let code = &*std::ptr::from_ref(function.code(thread));
        let fits = can_push(thread, frame.add(1), registers)
            && !thread.native_stack_low()
            && (names.is_none() && code.takes_exactly(given)
                || bind_if_simple(thread, function, code, registers, given, names));
        if !fits {
            drop_register(init);
            return Constructed::Other;
        }
        let filled = code.n_registers();
        let instance = match object::allocate(thread, class) {
            Ok(instance) => instance,
            Err(error) => {
                // Making the error may have run Python code: function and code may be gone if the register borrowed.
                drop_register(init);
                clear_registers(registers, filled);
                return raised(&c, thread, error);
            }
        };
        *registers = register_word(instance.get());
        drop_register(std::mem::replace(&mut *registers.sub(1), init));
        let how = Entry { mode: Mode::Init, owned: instance.into_word(), ..Entry::call(w.a(), w.b()) };
        enter(&mut c, thread, function, code, registers, how);
    }
    Constructed::Entered
}

/// The same for a class without `__init__`.
fn without_init(c: &mut Cursor, thread: &mut Thread, w: Operands, class: &Obj<PyType>) -> Constructed {
    if w.c() != 0 || !object::has_no_init(class) {
        return Constructed::Other;
    }
    match object::allocate(thread, class) {
        Ok(instance) => {
            c.set(w.b(), word::UNBOUND);
            c.set(w.a(), instance.into_word());
            Constructed::Done
        }
        Err(error) => raised(c, thread, error),
    }
}

#[cold]
fn raised(c: &Cursor, thread: &mut Thread, error: PyErr) -> Constructed {
    c.sync();
    raise(thread, error);
    Constructed::Raised
}
