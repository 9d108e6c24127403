//! Object memory.

use std::ptr::NonNull;

/// Memory for an object.
pub(crate) fn allocate(size: usize) -> Option<NonNull<u8>> {
    // SAFETY: malloc may be called with any size.
    NonNull::new(unsafe { libc::malloc(size.max(16)) }.cast())
}

/// Gives an object's memory back.
///
/// # Safety
/// The memory came from `allocate`.
pub(crate) unsafe fn free(object: NonNull<u8>) {
    // SAFETY: as the caller promises.
    unsafe { libc::free(object.as_ptr().cast()) }
}
