//! Safepoints of the loop.

use super::cursor::{Cursor, Flow, raise};
use orochi_core::runtime::poll;
use orochi_core::{Pending, Thread};
use orochi_objects::error::{PyErr, PyResult};
use orochi_objects::protocol;

/// Handles whatever the poll word asks for. Every reference the caller holds is owned or in a register.
#[cold]
#[inline(never)]
pub(crate) fn handle(thread: &mut Thread) -> PyResult<()> {
    thread.safepoint();
    if thread.poll() & poll::PENDING != 0 {
        run_pending(thread);
    }
    if thread.poll() & poll::COLLECT != 0 && thread.take_poll(poll::COLLECT) != 0 {
        orochi_objects::gc::collect_young(thread);
        run_pending(thread);
    }
    if thread.poll() & poll::SIGNAL != 0 && thread.take_poll(poll::SIGNAL) != 0 {
        return orochi_objects::thread::run_signal_handlers(thread);
    }
    Ok(())
}

/// Runs the finalizers and weak-reference callbacks that wait.
pub(crate) fn run_pending(thread: &mut Thread) {
    if thread.take_poll(poll::PENDING) == 0 {
        return;
    }
    while let Some(pending) = thread.next_pending() {
        match pending {
            Pending::Finalizer(object) => orochi_objects::finalize::run(thread, object),
            Pending::Callback { callback, weakref } => {
                if let Err(error) = protocol::call(thread, callback.get(), &[weakref.get()]) {
                    unraisable(thread, error, callback.get());
                }
            }
        }
    }
}

fn unraisable(thread: &mut Thread, error: PyErr, object: orochi_core::Ref<'_>) {
    orochi_objects::finalize::unraisable(thread, error, object);
}

/// After an instruction that may have destroyed objects.
#[inline(always)]
pub(super) fn after_release(c: &mut Cursor, thread: &mut Thread) -> Flow {
    if thread.poll() == 0 { Flow::Next } else { poll_now(c, thread) }
}

/// A safepoint between two instructions.
#[inline(always)]
pub(super) fn poll_now(c: &mut Cursor, thread: &mut Thread) -> Flow {
    c.sync();
    match handle(thread) {
        Ok(()) => Flow::Next,
        Err(error) => raise(thread, error),
    }
}
