//! Linux: futexes, which unlike most parking primitives tell when a signal handler ran.

use super::Wake;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Blocks while the word is `expected`, at most for `timeout`.
pub fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) -> Wake {
    let spec = timeout.map(|timeout| libc::timespec {
        tv_sec: timeout.as_secs().min(i64::MAX as u64 / 4) as libc::time_t,
        tv_nsec: libc::c_long::from(timeout.subsec_nanos()),
    });
    let spec = spec.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the word and the time stay alive during the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            expected,
            spec,
        )
    };
    if result == 0 {
        return Wake::Woken;
    }
    match std::io::Error::last_os_error().raw_os_error() {
        Some(libc::ETIMEDOUT) => Wake::TimedOut,
        Some(libc::EINTR) => Wake::Interrupted,
        _ => Wake::Woken,
    }
}

fn wake(word: &AtomicU32, count: libc::c_int) {
    // SAFETY: waking needs nothing but an address.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, count);
    }
}

/// Wakes one thread that waits on the word.
pub fn wake_one(word: &AtomicU32) {
    wake(word, 1);
}

/// Wakes every thread that waits on the word.
pub fn wake_all(word: &AtomicU32) {
    wake(word, libc::c_int::MAX);
}

/// Reserves memory that reads as zero and costs nothing until it is touched. To be given back by [`release_zeroed`].
pub fn reserve_zeroed(bytes: usize) -> Option<NonNull<u8>> {
    // SAFETY: a new mapping, which disturbs no other memory.
    unsafe {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let address = libc::mmap(std::ptr::null_mut(), bytes, protection, flags, -1, 0);
        if address == libc::MAP_FAILED {
            return None;
        }
        // The first touch is not to cost as much as two megabytes do.
        libc::madvise(address, bytes, libc::MADV_NOHUGEPAGE);
        NonNull::new(address.cast())
    }
}

/// Gives memory back.
///
/// # Safety
/// It came from [`reserve_zeroed`] with this size, and nobody uses it any more.
pub unsafe fn release_zeroed(memory: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller's contract.
    unsafe {
        libc::munmap(memory.as_ptr().cast(), bytes);
    }
}

/// The lowest usable address of this OS thread's stack; an estimate from the present position if the system can't tell.
pub fn native_stack_limit() -> usize {
    let here = 0u8;
    let estimate = (&raw const here as usize).saturating_sub(1 << 20);
    // SAFETY: the attributes are initialised by the first call before they are read, and destroyed after.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attributes) != 0 {
            return estimate;
        }
        let (mut address, mut size) = (std::ptr::null_mut(), 0);
        let failed = libc::pthread_attr_getstack(&attributes, &mut address, &mut size) != 0;
        let mut guard = 0;
        libc::pthread_attr_getguardsize(&attributes, &mut guard);
        libc::pthread_attr_destroy(&mut attributes);
        if failed { estimate } else { address as usize + guard }
    }
}

/// The system's number for the calling thread.
pub fn native_thread_id() -> u64 {
    // SAFETY: has no preconditions.
    u64::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap_or(0)
}

/// Names the calling thread for debuggers and `ps`; the first 15 bytes count.
pub fn set_thread_name(name: &str) {
    let mut bytes = [0u8; 16];
    let mut end = name.len().min(15);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    if let (Some(to), Some(from)) = (bytes.get_mut(..end), name.as_bytes().get(..end)) {
        to.copy_from_slice(from);
    }
    // SAFETY: a zero-terminated string of at most 16 bytes.
    unsafe {
        libc::pthread_setname_np(libc::pthread_self(), bytes.as_ptr().cast());
    }
}
