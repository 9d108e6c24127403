//! What the runtime needs of the operating system, one sibling file per system.

#[cfg(orochi_loom)]
#[path = "host/model.rs"]
mod system;

#[cfg(all(target_os = "linux", not(orochi_loom)))]
#[path = "host/linux.rs"]
mod system;

#[cfg(not(any(target_os = "linux", orochi_loom)))]
#[path = "host/portable.rs"]
mod system;

/// About where the native stack ends now. The machine's register where it can be read: to take the address of something on the
/// stack would keep a function from ending in a jump.
#[inline(always)]
pub fn stack_pointer() -> usize {
    let here: usize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: reads a register.
    unsafe {
        std::arch::asm!("mov {}, rsp", out(reg) here, options(nomem, nostack, preserves_flags));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        std::arch::asm!("mov {}, sp", out(reg) here, options(nomem, nostack, preserves_flags));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let variable = 0u8;
        here = &raw const variable as usize;
    }
    here
}

#[cfg(not(orochi_loom))]
pub use system::{native_stack_limit, native_thread_id, set_thread_name};
pub use system::{release_zeroed, reserve_zeroed, wait, wake_all, wake_one};

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
