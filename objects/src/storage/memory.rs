//! Where the blocks of containers that grow come from: small ones from the program's allocator; large ones from the
//! system's, which enlarges them by moving pages, and gives them back at once.

use std::alloc::{GlobalAlloc, Layout, System};

/// Blocks of at least this many bytes are the system's.
const LARGE: usize = 256 * 1024;

/// # Safety
/// The layout is not empty.
#[inline]
pub(super) unsafe fn alloc(layout: Layout) -> *mut u8 {
    // SAFETY: as the caller promises.
    unsafe { if layout.size() < LARGE { std::alloc::alloc(layout) } else { System.alloc(layout) } }
}

/// # Safety
/// The block came from this module with this layout.
#[inline]
pub(super) unsafe fn dealloc(block: *mut u8, layout: Layout) {
    // SAFETY: as the caller promises; the size tells whose block it is.
    unsafe {
        if layout.size() < LARGE {
            std::alloc::dealloc(block, layout);
        } else {
            System.dealloc(block, layout);
        }
    }
}

/// Enlarges a block; null without memory, and then it stays as it is.
///
/// # Safety
/// The block came from this module with this layout; the new size is greater and doesn't overflow with the alignment.
pub(super) unsafe fn realloc(block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    // SAFETY: as the caller promises; a block that outgrows the program's allocator is copied once.
    unsafe {
        if size < LARGE {
            return std::alloc::realloc(block, layout, size);
        }
        if layout.size() >= LARGE {
            return System.realloc(block, layout, size);
        }
        let new = System.alloc(Layout::from_size_align_unchecked(size, layout.align()));
        if !new.is_null() {
            std::ptr::copy_nonoverlapping(block, new, layout.size());
            std::alloc::dealloc(block, layout);
        }
        new
    }
}
