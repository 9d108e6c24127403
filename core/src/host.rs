//! What the runtime needs of the operating system, one sibling file per system.

#[cfg(target_os = "linux")]
#[path = "host/linux.rs"]
mod system;

#[cfg(not(target_os = "linux"))]
#[path = "host/portable.rs"]
mod system;

pub use system::{
    native_stack_limit, native_thread_id, release_zeroed, reserve_zeroed, set_thread_name, wait, wake_all,
    wake_one,
};

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Woken, or the word had changed already, or for no reason: look again.
    Woken,
    /// The time is over.
    TimedOut,
    /// A signal handler ran on this thread.
    Interrupted,
}
