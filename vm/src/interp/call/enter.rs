//! Entering the loop from native code.

use super::super::cursor::register_word;
use super::super::frames::{NewFrame, can_push, push};
use super::super::{check_native_stack, run};
use super::{Entry, enter_bound};
use orochi_core::word;
use orochi_core::{Obj, Ref, Thread};
use orochi_objects::args::Args;
use orochi_objects::error::{PyResult, recursion_error};
use orochi_objects::slots::Sent;
use orochi_objects::thread::ThreadState;
use orochi_objects::types::function::PyFunction;

/// Calls a Python function from native code.
pub(crate) fn call_function(thread: &mut Thread, function: &Obj<PyFunction>, args: Args<'_>) -> PyResult {
    let frame = ThreadState::of(thread).frames.current.wrapping_add(1);
    let registers = thread.stack.top();
    // SAFETY: the function, which the caller keeps, keeps its code.
    let code = unsafe { &*std::ptr::from_ref(function.code(thread)) };
    let fits = args.keyword_count() == 0 && code.takes_exactly(args.len());
    if !fits || !can_push(thread, frame, registers) || thread.native_stack_low() {
        return call_with(thread, function, args, None);
    }
    // SAFETY: there is room; above the top everything is empty.
    unsafe {
        for i in 0..args.len() {
            *registers.add(i) = register_word(args.get(i).unwrap_or(Ref::NONE));
        }
        push(thread, frame, NewFrame::of(function, code, registers, Entry::NATIVE));
    }
    returned(run(thread)?)
}

/// What a frame that isn't a generator's ended with.
#[inline(always)]
fn returned(sent: Sent) -> PyResult {
    match sent {
        Sent::Return(value) | Sent::Yield(value) => Ok(value),
    }
}

/// Runs the code of a function with a namespace: `exec`, class bodies, modules.
pub(crate) fn run_code(
    thread: &mut Thread,
    function: &Obj<PyFunction>,
    namespace: Option<Ref<'_>>,
) -> PyResult {
    call_with(thread, function, Args::new(&[]), namespace)
}

fn call_with(
    thread: &mut Thread,
    function: &Obj<PyFunction>,
    args: Args<'_>,
    namespace: Option<Ref<'_>>,
) -> PyResult {
    check_native_stack(thread)?;
    let registers = thread.stack.top();
    let total = args.len() + args.keyword_count();
    if !thread.stack.has_room(registers, total + 1024) {
        return Err(recursion_error("maximum recursion depth exceeded"));
    }
    let mut next = registers;
    let mut lay = |value: Ref<'_>| {
        // SAFETY: there is room; above the top everything is empty.
        unsafe {
            *next = register_word(value);
            next = next.add(1);
        }
    };
    args.iter().for_each(&mut lay);
    if args.keyword_count() != 0 {
        args.keywords().for_each(|(_, value)| lay(value));
    }
    let how = Entry {
        namespace: namespace.map_or(word::UNBOUND, |namespace| namespace.to_owned().into_word()),
        ..Entry::NATIVE
    };
    // While nothing is pushed yet, the arguments must be seen at safepoints.
    // SAFETY: the words below the new top are valid.
    unsafe { thread.stack.set_top(registers.add(total)) };
    // SAFETY: the registers hold the arguments and are empty beyond; the caller keeps the function.
    let entered = unsafe { enter_bound(thread, function, registers, args.len(), args.names(), how) };
    if let Err(error) = entered {
        super::clear_registers(registers, total);
        // SAFETY: emptied just now.
        unsafe { thread.stack.set_top(registers) };
        drop(super::owned_value(how.namespace));
        return Err(error);
    }
    returned(run(thread)?)
}
