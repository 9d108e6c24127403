//! A page: 64 KiB of blocks of one size, with its free blocks on lists, owned by one heap at a time.
//!
//! # Who may touch what
//! 1. `owner` is written by the heap that owns the page (to give it up) and under the space's lock (to take it over).
//!    So a heap that reads its own id there owns the page, and a heap that reads anything else doesn't.
//! 2. `local` belongs to the owner. While nobody owns the page it belongs to the holder of the space's lock.
//!    With the world stopped it may be read by the thread that stopped it.
//! 3. `shape` changes only under the space's lock while the page holds no block.
//! 4. `remote` is a stack that anybody pushes to and that the owner of `local` takes whole. A block on it counts as
//!    used, so a page can't go away between a push and the take.
//!
//! # States of a block, by its first word
//! | first word | block |
//! |---|---|
//! | even, not 0 | live: a type pointer |
//! | odd | free, or handed out and not yet initialised: the address of the next free block + 1 |
//!
//! The second word of a block is left alone by `free`: the owner may read the header of a shared object while
//! another thread frees it, and must find its flags.

use super::address;
use super::segment::{PAGE_SIZE, Segment};
use super::size_class::{self, GRANULE, LARGE};
use crate::sync::{self, AtomicPtr, AtomicU64, Ordering, UnsafeCell};
use std::ptr::{self, NonNull};

/// The owner of a page that no heap owns.
pub(super) const NOBODY: u64 = 0;

/// How many bytes of fresh blocks are made available at once.
const CARVE: usize = if cfg!(orochi_loom) { 64 } else { 4096 };

/// Words of mark bits: one bit for every granule of a page.
pub(super) const MARK_WORDS: usize = PAGE_SIZE / GRANULE / 64;

/// Whether the objects of a page can refer to others, and so be part of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Holds no references: str, int, float, bytes.
    Leaf = 0,
    /// Holds references; the collectors walk pages of these only.
    Container = 1,
}

/// Where the owner keeps a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The page that its class allocates from.
    Current,
    /// On its class's list of pages with room.
    Available,
    /// No room, on no list; also every page of a large block.
    Full,
}

/// What is fixed while the page holds a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) class: usize,
    /// Bytes in a block.
    pub(super) block_size: usize,
    /// How many blocks fit.
    pub(super) capacity: u32,
    /// How many pages this one spans.
    pub(super) span: usize,
}

impl Shape {
    pub(super) const NONE: Shape =
        Shape { kind: Kind::Leaf, class: LARGE, block_size: 0, capacity: 0, span: 0 };

    /// The shape of a page of small blocks.
    pub(super) fn small(class: usize, kind: Kind) -> Shape {
        let block_size = size_class::block_size(class);
        let fitting = (PAGE_SIZE / block_size) as u32;
        let capacity = if cfg!(orochi_loom) { fitting.min(4) } else { fitting };
        Shape { kind, class, block_size, capacity, span: 1 }
    }

    /// The shape of a run of pages that holds one block.
    pub(super) fn large(span: usize, kind: Kind) -> Shape {
        Shape { kind, class: LARGE, block_size: span * PAGE_SIZE, capacity: 1, span }
    }
}

/// What belongs to the owner (rule 2).
pub(super) struct Local {
    /// The first free block or null.
    free: *mut u8,
    /// Blocks handed out or on the remote list.
    used: u32,
    /// Blocks that were ever made available; those beyond were never touched.
    carved: u32,
    pub(super) place: Place,
    /// The index among the owner's pages.
    pub(super) slot: usize,
    pub(super) next: *const Page,
    pub(super) previous: *const Page,
}

#[repr(C, align(128))]
pub(super) struct Page {
    owner: AtomicU64,
    remote: AtomicPtr<u8>,
    shape: UnsafeCell<Shape>,
    local: UnsafeCell<Local>,
    /// Stands for the blocks' memory, which loom does not see.
    #[cfg(orochi_loom)]
    shadow: [UnsafeCell<()>; 4],
}

impl Page {
    pub(super) fn new() -> Page {
        Page {
            owner: AtomicU64::new(NOBODY),
            remote: AtomicPtr::new(ptr::null_mut()),
            shape: UnsafeCell::new(Shape::NONE),
            local: UnsafeCell::new(Local {
                free: ptr::null_mut(),
                used: 0,
                carved: 0,
                place: Place::Full,
                slot: 0,
                next: ptr::null(),
                previous: ptr::null(),
            }),
            #[cfg(orochi_loom)]
            shadow: [(); 4].map(UnsafeCell::new),
        }
    }

    /// The page of a block.
    ///
    /// # Safety
    /// `block` is a block that is not free, or whose owner is the caller.
    #[inline(always)]
    pub(super) unsafe fn of<'a>(block: NonNull<u8>) -> &'a Page {
        // SAFETY: a block starts in one of the first pages of its segment, which lives while a block in it does.
        unsafe { Segment::page_of(block.as_ptr()) }
    }

    /// Gives a page that holds no block a new use.
    ///
    /// # Safety
    /// The caller holds the space's lock and nobody owns the page.
    pub(super) unsafe fn reshape(&self, shape: Shape) {
        // SAFETY: rule 3.
        self.shape.with_mut(|cell| unsafe { *cell = shape });
        address::allow(self.start(), shape.span * PAGE_SIZE);
        // SAFETY: rule 2.
        unsafe {
            self.local(|local| {
                local.free = ptr::null_mut();
                local.used = 0;
                local.carved = 0;
                local.place = Place::Full;
            });
        }
    }

    #[inline(always)]
    pub(super) fn shape(&self) -> Shape {
        // SAFETY: rule 3; whoever asks owns the page, holds a block of it or has the space locked.
        self.shape.with(|cell| unsafe { *cell })
    }

    /// Relaxed: only the answer "it is mine" is acted on, and that only the asker can change (rule 1).
    #[inline(always)]
    pub(super) fn owner(&self) -> u64 {
        self.owner.load(Ordering::Relaxed)
    }

    /// Relaxed: what the new owner must see is handed over by the space's lock.
    pub(super) fn set_owner(&self, owner: u64) {
        self.owner.store(owner, Ordering::Relaxed);
    }

    /// Runs `f` on the owner's part.
    ///
    /// # Safety
    /// Rule 2; `f` does not call back into this page.
    #[inline(always)]
    pub(super) unsafe fn local<R>(&self, f: impl FnOnce(&mut Local) -> R) -> R {
        // SAFETY: the caller's contract.
        self.local.with_mut(|local| f(unsafe { &mut *local }))
    }

    /// Takes a free block, if one is on the local list.
    ///
    /// # Safety
    /// The caller owns the page.
    #[inline(always)]
    pub(super) unsafe fn pop(&self) -> Option<NonNull<u8>> {
        // SAFETY: the owner calls.
        unsafe {
            self.local(|local| {
                let block = NonNull::new(local.free)?;
                self.touch(block.as_ptr());
                address::allow(block.as_ptr(), self.shape().block_size);
                local.free = next_of(block.as_ptr());
                local.used += 1;
                Some(block)
            })
        }
    }

    /// Puts a block on the local list, and tells how many are in use after that, and where the page is kept.
    ///
    /// # Safety
    /// The caller owns the page and gives up the block.
    #[inline(always)]
    pub(super) unsafe fn push_local(&self, block: NonNull<u8>) -> (u32, Place) {
        self.poison(block);
        self.touch(block.as_ptr());
        // SAFETY: the owner calls, and the block is its own.
        unsafe {
            self.local(|local| {
                set_next(block.as_ptr(), local.free);
                local.free = block.as_ptr();
                local.used -= 1;
                (local.used, local.place)
            })
        }
    }

    /// Puts a block on the list that any thread may push to.
    ///
    /// # Safety
    /// The caller gives up the block, and nobody else frees it.
    pub(super) unsafe fn push_remote(&self, block: NonNull<u8>) {
        self.poison(block);
        self.touch(block.as_ptr());
        let mut head = sync::first_guess(|| self.remote.load(Ordering::Relaxed), ptr::null_mut());
        loop {
            // SAFETY: the block is the caller's until the exchange succeeds.
            unsafe { set_next(block.as_ptr(), head) };
            // Release, with the Acquire of `take_remote`: the owner sees the link, and everything that was done to
            // the object before it was freed.
            let release = sync::ordering("heap: push remote", Ordering::Release);
            match self.remote.compare_exchange_weak(head, block.as_ptr(), release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(seen) => head = seen,
            }
        }
    }

    /// Whether other threads have freed blocks of this page. May be out of date.
    #[inline]
    pub(super) fn has_remote(&self) -> bool {
        !self.remote.load(Ordering::Relaxed).is_null()
    }

    /// Moves what other threads freed to the local list, and tells how many blocks that were.
    ///
    /// # Safety
    /// The caller owns the page.
    pub(super) unsafe fn take_remote(&self) -> u32 {
        if !self.has_remote() {
            return 0;
        }
        // Acquire, with the Release of `push_remote`.
        let acquire = sync::ordering("heap: take remote", Ordering::Acquire);
        let mut block = self.remote.swap(ptr::null_mut(), acquire);
        let mut taken = 0;
        // SAFETY: the owner calls, and the blocks of the list are its own now.
        unsafe {
            self.local(|local| {
                while !block.is_null() {
                    self.touch(block);
                    let next = next_of(block);
                    set_next(block, local.free);
                    local.free = block;
                    block = next;
                    taken += 1;
                }
                local.used -= taken;
            });
        }
        taken
    }

    /// Makes fresh blocks available, and tells how many.
    ///
    /// # Safety
    /// The caller owns the page.
    pub(super) unsafe fn carve(&self) -> u32 {
        let shape = self.shape();
        let start = self.start();
        // SAFETY: the owner calls; the blocks lie in the page and nobody has seen them yet.
        unsafe {
            self.local(|local| {
                let count = ((CARVE / shape.block_size) as u32).max(1).min(shape.capacity - local.carved);
                for index in (local.carved..local.carved + count).rev() {
                    let block = start.add(index as usize * shape.block_size);
                    self.touch(block);
                    set_next(block, local.free);
                    local.free = block;
                }
                local.carved += count;
                count
            })
        }
    }

    /// Blocks handed out or on the remote list.
    ///
    /// # Safety
    /// Rule 2.
    pub(super) unsafe fn used(&self) -> u32 {
        // SAFETY: the caller's contract.
        unsafe { self.local(|local| local.used) }
    }

    /// Whether no block can be had without help from other threads.
    ///
    /// # Safety
    /// Rule 2.
    pub(super) unsafe fn is_exhausted(&self) -> bool {
        let capacity = self.shape().capacity;
        // SAFETY: the caller's contract.
        unsafe { self.local(|local| local.free.is_null() && local.carved == capacity) }
    }

    /// Calls `f` for every live block.
    ///
    /// # Safety
    /// Rule 2, and `f` neither allocates from nor frees to this page.
    pub(super) unsafe fn for_each_live(&self, f: &mut impl FnMut(NonNull<u8>)) {
        let block_size = self.shape().block_size;
        // SAFETY: the caller's contract.
        let carved = unsafe { self.local(|local| local.carved) };
        let mut block = self.start();
        for _ in 0..carved {
            // SAFETY: a carved block; another thread may be freeing it, which also goes through the word functions.
            let word = unsafe { sync::load_word(block.cast()) };
            if word.addr() & 1 == 0 && !word.is_null() {
                // SAFETY: an address inside of the page is not null.
                f(unsafe { NonNull::new_unchecked(block) });
            }
            // SAFETY: at most one past the last block.
            block = unsafe { block.add(block_size) };
        }
    }

    fn start(&self) -> *mut u8 {
        Segment::start_of(self)
    }

    /// Overwrites what a lagging reader must no longer look at, all but the header.
    #[inline(always)]
    fn poison(&self, block: NonNull<u8>) {
        if cfg!(any(orochi_stress, orochi_sanitize = "address", all(debug_assertions, not(orochi_loom)))) {
            let size = self.shape().block_size.min(PAGE_SIZE);
            // SAFETY: the block is the caller's, who gives it up.
            unsafe {
                let body = block.add(GRANULE);
                body.write_bytes(0xDD, size - GRANULE);
                address::forbid(body.as_ptr(), size - GRANULE);
            }
        }
    }

    /// Tells loom that the caller writes to the block.
    #[cfg(orochi_loom)]
    fn touch(&self, block: *mut u8) {
        let index = block.addr() % PAGE_SIZE / self.shape().block_size;
        self.shadow[index].with_mut(|_| ());
    }

    #[cfg(not(orochi_loom))]
    #[inline(always)]
    #[allow(clippy::unused_self, reason = "the checker's sibling uses it")]
    fn touch(&self, _block: *mut u8) {}
}

/// The block after a free one.
///
/// # Safety
/// `block` is on a list of the caller's.
#[inline(always)]
unsafe fn next_of(block: *mut u8) -> *mut u8 {
    // SAFETY: the first word of a free block is a tagged link.
    let link = unsafe { *block.cast::<*mut u8>() };
    debug_assert!(link.addr() & 1 == 1, "a free block was written to");
    link.map_addr(|address| address & !1)
}

/// Links a free block to the next.
///
/// # Safety
/// The block is the caller's.
#[inline(always)]
unsafe fn set_next(block: *mut u8, next: *mut u8) {
    // SAFETY: the caller's contract; the owner of the page may be looking at the word.
    unsafe { sync::store_word(block.cast(), next.map_addr(|address| address | 1)) }
}
