//! Tells AddressSanitizer which blocks are free, so that it finds uses of objects that are gone; nothing without it.
//!
//! `stress/sanitize address` builds with `--cfg orochi_sanitize="address"`. The first granule of a free block stays
//! readable: lists run through it, and a lagging reader may look at the header.

#[cfg(orochi_sanitize = "address")]
mod runtime {
    use std::ffi::c_void;

    unsafe extern "C" {
        fn __asan_poison_memory_region(start: *const c_void, size: usize);
        fn __asan_unpoison_memory_region(start: *const c_void, size: usize);
    }

    pub(in super::super) fn forbid(start: *mut u8, size: usize) {
        // SAFETY: marks memory of the heap in the sanitizer's own map.
        unsafe { __asan_poison_memory_region(start.cast(), size) }
    }

    pub(in super::super) fn allow(start: *mut u8, size: usize) {
        // SAFETY: marks memory of the heap in the sanitizer's own map.
        unsafe { __asan_unpoison_memory_region(start.cast(), size) }
    }
}

#[cfg(not(orochi_sanitize = "address"))]
mod runtime {
    /// From now on the bytes may not be touched.
    #[inline(always)]
    pub(in super::super) fn forbid(_start: *mut u8, _size: usize) {}

    /// From now on the bytes may be used.
    #[inline(always)]
    pub(in super::super) fn allow(_start: *mut u8, _size: usize) {}
}

pub(super) use runtime::{allow, forbid};
