//! The process's allocator: mimalloc, but the system's for what is very large.
//!
//! mimalloc reserves address space without asking whether there is memory for it, so that a program that asks for a terabyte
//! would get it and be killed while it fills it. The system refuses at once, and the program sees MemoryError. What is very
//! large has pages of its own in either, and the system's grow without being copied.

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout, System};

/// From this size on, blocks are the system's.
const LARGE: usize = 1 << 20;

/// The greatest alignment that all blocks have which aren't smaller.
const NATURAL: usize = 16;

/// Whether blocks of this layout need no care for their alignment. Asking mimalloc for an alignment that its blocks have anyway
/// takes it a slower way and more memory unless their size is a power of two.
#[inline(always)]
fn is_natural(layout: Layout) -> bool {
    layout.align() <= NATURAL && layout.align() <= layout.size()
}

/// The allocator.
pub(crate) struct Allocator;

// SAFETY: each block is given back to the allocator that it came from, which its layout tells.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe {
            if layout.size() >= LARGE {
                System.alloc(layout)
            } else if is_natural(layout) {
                libmimalloc_sys::mi_malloc(layout.size()).cast()
            } else {
                MiMalloc.alloc(layout)
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises; the size decides as it did in `alloc`.
        unsafe {
            if layout.size() < LARGE {
                MiMalloc.dealloc(block, layout)
            } else {
                System.dealloc(block, layout)
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe {
            if layout.size() >= LARGE {
                System.alloc_zeroed(layout)
            } else if is_natural(layout) {
                libmimalloc_sys::mi_zalloc(layout.size()).cast()
            } else {
                MiMalloc.alloc_zeroed(layout)
            }
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as the caller promises; blocks that change sides are copied.
        unsafe {
            match (layout.size() < LARGE, new_size < LARGE) {
                (true, true) if is_natural(layout) && new_size >= layout.align() => {
                    libmimalloc_sys::mi_realloc(block.cast(), new_size).cast()
                }
                (true, true) => MiMalloc.realloc(block, layout, new_size),
                (false, false) => System.realloc(block, layout, new_size),
                _ => {
                    let new = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
                    if !new.is_null() {
                        new.copy_from_nonoverlapping(block, layout.size().min(new_size));
                        self.dealloc(block, layout);
                    }
                    new
                }
            }
        }
    }
}
