//! Calls of native functions and methods straight from the caller's registers.

use super::super::cursor::{Fast, raise, register_word};
use super::super::frames::clear_registers;
use super::super::iter::exact;
use super::super::{poll, tracing};
use orochi_compiler::opcode::Word as Instruction;
use orochi_core::value::drop_register;
use orochi_core::word::{self, Word};
use orochi_core::{Header, Ref, Thread};
use orochi_objects::args::{Args, NativeFn};
use orochi_objects::class::PyClass;
use orochi_objects::class_of;
use orochi_objects::error::PyErr;
use orochi_objects::types::generator::PyGenerator;
use orochi_objects::types::method_descriptor::PyMethodDescriptor;
use orochi_objects::types::native_function::PyNativeFunction;

/// Calls a native function, or a method of a native class with an instance of exactly that class, straight from the window
/// of the running instruction, whose frame begins at `registers`. [`Fast::Slow`] if the callee is something else, or a
/// method of a generator: nothing has been done then.
#[inline(never)]
pub(super) fn call(thread: &mut Thread, registers: *mut Word, w: Instruction, callee: &Header) -> Fast {
    // SAFETY: the window lies within the frame.
    let window = unsafe { registers.add(w.b() as usize) };
    let Some((function, receives)) = target(window, callee) else { return Fast::Slow };
    let count = w.c() as usize;
    // SAFETY: the arguments stay in the window for the length of the call.
    let args = unsafe { Args::from_registers(window.add(2 - usize::from(receives)), count + usize::from(receives), None) };
    match function(thread, args) {
        Ok(result) => {
            clear_registers(window, count + 2);
            // SAFETY: within the frame; the old word was taken out of the register.
            unsafe {
                let dst = registers.add(w.a() as usize);
                let old = std::mem::replace(&mut *dst, result.into_word());
                drop_register(old);
            }
            if thread.poll() == 0 { Fast::Done } else { look_around(thread) }
        }
        Err(error) => raised(thread, error),
    }
}

/// The function to call, and whether the register before the arguments holds its receiver.
#[inline(always)]
fn target(window: *mut Word, callee: &Header) -> Option<(NativeFn, bool)> {
    // SAFETY: within the window.
    let receiver = unsafe { *window.add(1) };
    if let Some(function) = exact::<PyNativeFunction>(callee) {
        if let Some(own) = function.bound_to() {
            // A bound method: its receiver goes before the arguments.
            if receiver != word::UNBOUND {
                return None;
            }
            // SAFETY: as above; the place is empty.
            unsafe { *window.add(1) = register_word(own) };
            return Some((function.definition().function, true));
        }
        return Some((function.definition().function, receiver != word::UNBOUND));
    }
    let method = exact::<PyMethodDescriptor>(callee)?;
    if receiver == word::UNBOUND {
        return None;
    }
    // SAFETY: rooted in the window.
    let class = class_of(unsafe { Ref::from_word(receiver) }).get();
    let generator = PyGenerator::static_type().get().get();
    let fits = class.is(method.owner()) && !class.is(generator);
    fits.then(|| (method.definition().function, true))
}

#[cold]
#[inline(never)]
fn raised(thread: &mut Thread, error: PyErr) -> Fast {
    raise(thread, error);
    Fast::Raise
}

/// A safepoint after the call.
#[cold]
#[inline(never)]
fn look_around(thread: &mut Thread) -> Fast {
    match poll::handle(thread) {
        // Another loop is to go on.
        Ok(()) if tracing::is_on(thread) => Fast::Reload,
        Ok(()) => Fast::Done,
        Err(error) => raised(thread, error),
    }
}
