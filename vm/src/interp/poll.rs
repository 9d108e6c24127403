//! Safepoints of the loop.

use super::cursor::{Cursor, Flow, raise};
use orochi_core::Thread;
use orochi_core::runtime::poll;
use orochi_objects::error::PyResult;
use orochi_objects::{collection, finalize};

/// Handles whatever the poll word asks for. Every reference the caller holds is owned or in a register.
#[cold]
#[inline(never)]
pub(crate) fn handle(thread: &mut Thread) -> PyResult<()> {
    thread.safepoint();
    finalize::run_pending(thread);
    if thread.poll() & poll::COLLECT != 0 {
        collection::collect_if_due(thread);
        finalize::run_pending(thread);
    }
    let asked = poll::SIGNAL | poll::DEBUGGER;
    if thread.poll() & asked != 0 && thread.take_poll(asked) != 0 {
        return orochi_objects::thread::run_signal_handlers(thread);
    }
    Ok(())
}

/// Runs finalizers that wait, and leaves everything else for the next safepoint.
#[cold]
#[inline(never)]
pub(super) fn finalizers(thread: &mut Thread) {
    finalize::run_pending(thread);
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
        // Another loop is to go on.
        Ok(()) if super::tracing::is_on(thread) => {
            super::tracing::events_changed(thread);
            Flow::Reload
        }
        Ok(()) => Flow::Next,
        Err(error) => raise(thread, error),
    }
}
