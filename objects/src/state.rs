//! What belongs to a thread and to an interpreter, beyond the runtime's core.

use orochi_core::Thread;

/// Runs `f` with the attached thread of this OS thread. Only where no `&Thread` can be had (formatting a message, say).
pub fn with_thread<R: Default>(f: impl FnOnce(&Thread) -> R) -> R {
    orochi_core::thread::current(f).unwrap_or_default()
}
