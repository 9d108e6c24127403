//! Where objects lie: size-class pages that one thread owns, found from an object's address by masking.
//!
//! The problem: allocation and freeing must cost a few instructions and no atomic operation for the thread that owns
//! an object, other threads must be able to free what they destroyed, and the collectors must be able to list all
//! objects without links in them.
//!
//! The shape (mimalloc's idea): a [`Heap`] belongs to one Python thread and has, for every size class, a current page
//! whose free list it pops from. A block freed by its owner goes back to its page's own list; a block freed by another
//! thread is pushed to its page's remote list with one atomic operation, and the owner takes that whole list when it
//! next needs a page. Pages come from a [`Space`], and pages of ended threads go back to it with what lives in them,
//! to be adopted. Leaves and containers have different pages, so that a collector never looks at leaves.
//!
//! What must hold (`page.rs` has the rules about single pages):
//! 1. The local objects in a page belong to the thread whose heap owns the page; a page is left behind with shared
//!    objects only.
//! 2. A page of small blocks is in one place: current for its class, on its class's list of pages with room, or full.
//!    At most one page without live blocks stays on a list of pages with room.
//! 3. A block starts with a word that tells live from free (see `page.rs`); whoever gets a block writes a type
//!    pointer there when the rest of the object is ready to be looked at.
//! 4. Memory that runs out is a `None`, never an abort.

mod address;
mod page;
mod segment;
mod size_class;
mod space;
#[cfg(test)]
mod tests;

pub use page::Kind;
pub use size_class::{GRANULE, MAX_SMALL};
pub use space::Space;

use crate::sync::Arc;
use page::{Page, Place, Shape};
use segment::{PAGE_SIZE, Segment};
use size_class::{CLASSES, LARGE};
use std::cell::{Cell, UnsafeCell};
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering;

/// How many pages are looked at for blocks that other threads freed, before a new page is asked for.
const SCAN: usize = 8;

/// How much a heap holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Blocks in use.
    pub blocks: usize,
    /// Bytes in these blocks.
    pub bytes: usize,
    /// Pages of 64 KiB, full or not.
    pub pages: usize,
}

/// The pages of one Python thread. It may move between OS threads, but one at a time uses it.
pub struct Heap {
    id: u64,
    space: Arc<Space>,
    current: [[Cell<*const Page>; CLASSES]; 2],
    available: [[Cell<*const Page>; CLASSES]; 2],
    /// All pages that this heap owns, by kind.
    owned: [UnsafeCell<Vec<*const Page>>; 2],
    /// Where the search for remotely freed blocks goes on.
    scan: Cell<usize>,
    /// Container blocks made available since the last look at the threshold.
    charged: Cell<usize>,
    /// How many charged blocks ring the alarm.
    threshold: Cell<usize>,
    alarm: UnsafeCell<Option<Box<dyn Fn() + Send>>>,
    /// Bytes made available since the heap was made.
    allocated: Cell<usize>,
    /// Pages owned, in bytes.
    committed: Cell<usize>,
}

// SAFETY: a heap refers to its own pages and cells, which no other thread touches except as `page.rs` allows.
unsafe impl Send for Heap {}

impl Heap {
    /// A heap without pages.
    pub fn new(space: Arc<Space>) -> Heap {
        let id = space.new_heap_id();
        let none = || [const { Cell::new(ptr::null()) }; CLASSES];
        Heap {
            id,
            space,
            current: [none(), none()],
            available: [none(), none()],
            owned: [UnsafeCell::new(Vec::new()), UnsafeCell::new(Vec::new())],
            scan: Cell::new(0),
            charged: Cell::new(0),
            threshold: Cell::new(usize::MAX),
            alarm: UnsafeCell::new(None),
            allocated: Cell::new(0),
            committed: Cell::new(0),
        }
    }

    /// The space that the pages come from.
    pub fn space(&self) -> &Arc<Space> {
        &self.space
    }

    /// A block of at least `size` bytes, aligned to 16. Its first word reads as "free" until the caller writes
    /// a type pointer; the rest is whatever it was. None: no memory.
    #[inline]
    pub fn allocate(&self, size: usize, kind: Kind) -> Option<NonNull<u8>> {
        if size > MAX_SMALL {
            return self.allocate_large(size, kind);
        }
        let class = size_class::of(size);
        let current = self.current[kind as usize][class].get();
        // SAFETY: a current page is mapped and owned by this heap.
        if let Some(block) = unsafe { current.as_ref().and_then(|page| page.pop()) } {
            return Some(block);
        }
        self.allocate_slow(class, kind)
    }

    /// The same, if such a block is at hand: no more than a few loads and stores.
    #[inline(always)]
    pub fn allocate_at_hand(&self, size: usize, kind: Kind) -> Option<NonNull<u8>> {
        let class = size_class::of_small(size)?;
        // SAFETY: as in `allocate`.
        unsafe { self.current[kind as usize][class].get().as_ref()?.pop() }
    }

    /// Frees a block, of this heap or another.
    ///
    /// # Safety
    /// The block came from a heap of the same space, is not free, and nobody reads more than the header of it any more.
    #[inline]
    pub unsafe fn free(&self, block: NonNull<u8>) {
        // SAFETY: the block is in use.
        let page = unsafe { Page::of(block) };
        if page.owner() != self.id {
            // SAFETY: the caller gives up the block.
            return unsafe { page.push_remote(block) };
        }
        // SAFETY: this heap owns the page.
        let (used, place) = unsafe { page.push_local(block) };
        if place != Place::Current && (used == 0 || place == Place::Full) {
            self.page_has_room(page);
        }
    }

    /// Whether the block lies in a page of this heap.
    ///
    /// # Safety
    /// The block is in use.
    #[inline]
    pub unsafe fn owns(&self, block: NonNull<u8>) -> bool {
        // SAFETY: the caller's contract.
        unsafe { Page::of(block) }.owner() == self.id
    }

    /// Calls `f` for every live block of that kind in this heap's pages. Objects that another thread is freeing
    /// at the moment may or may not be among them.
    ///
    /// # Safety
    /// `f` neither allocates from nor frees to this heap.
    pub unsafe fn for_each_block(&self, kind: Kind, mut f: impl FnMut(NonNull<u8>)) {
        // SAFETY: this heap owns the pages, and `f` keeps its contract.
        self.for_each_page(kind, |page| unsafe { page.for_each_live(&mut f) });
    }

    /// What is in use in pages of that kind. Walks over the pages, not the blocks.
    pub fn usage(&self, kind: Kind) -> Usage {
        let mut usage = Usage::default();
        self.for_each_page(kind, |page| {
            let shape = page.shape();
            // SAFETY: this heap owns the page.
            let used = unsafe { page.used() } as usize;
            usage.blocks += used;
            usage.bytes += used * shape.block_size;
            usage.pages += shape.span;
        });
        usage
    }

    /// Bytes made available to this thread so far; counts a block each time that its page is filled up anew.
    pub fn allocated_bytes(&self) -> usize {
        self.allocated.get()
    }

    /// Bytes in the pages of this heap.
    pub fn committed_bytes(&self) -> usize {
        self.committed.get()
    }

    /// Calls `alarm` (which may only set flags) whenever `threshold` more container blocks were made available.
    /// Blocks that are freed and used again at once are not noticed.
    pub fn set_alarm(&self, threshold: usize, alarm: Box<dyn Fn() + Send>) {
        self.set_threshold(threshold);
        // SAFETY: the alarm runs in `charge` only, and does not call back.
        unsafe { *self.alarm.get() = Some(alarm) };
    }

    /// Sets after how many container blocks the alarm rings next, counted from now.
    pub fn set_threshold(&self, threshold: usize) {
        self.charged.set(0);
        self.threshold.set(threshold);
    }

    /// Container blocks made available since the threshold was set or the alarm rang.
    pub fn charged(&self) -> usize {
        self.charged.get()
    }

    /// Takes back everything that other threads have freed, and gives pages without blocks back to the space.
    pub fn collect_remote(&self) {
        for kind in [Kind::Leaf, Kind::Container] {
            let mut index = self.page_count(kind);
            while index > 0 {
                index -= 1;
                if let Some(page) = self.page_at(kind, index) {
                    self.refresh(page);
                }
            }
        }
    }

    /// Takes over all pages that ended threads left behind, with the local objects in them.
    pub fn adopt_all(&self) {
        for kind in [Kind::Leaf, Kind::Container] {
            for class in 0..=LARGE {
                while self.adopt(kind, class).is_some() {}
            }
        }
    }

    fn adopt(&self, kind: Kind, class: usize) -> Option<()> {
        if !self.reserve_slot(kind) {
            return None;
        }
        let page = self.space.adopt(kind, class, self.id)?;
        self.enlist(page);
        // SAFETY: this heap owns the page now.
        unsafe {
            page.local(|local| local.place = Place::Full);
            page.take_remote();
            if !page.is_exhausted() || page.used() == 0 {
                self.page_has_room(page);
            }
        }
        Some(())
    }

    #[cold]
    fn allocate_slow(&self, class: usize, kind: Kind) -> Option<NonNull<u8>> {
        let current = &self.current[kind as usize][class];
        loop {
            // SAFETY: a current page is mapped and owned by this heap.
            if let Some(page) = unsafe { current.get().as_ref() } {
                if let Some(block) = self.allocate_from(page) {
                    return Some(block);
                }
                // SAFETY: this heap owns the page.
                unsafe { page.local(|local| local.place = Place::Full) };
                current.set(ptr::null());
            }
            if self.available[kind as usize][class].get().is_null() {
                self.scan_for_remote(kind);
            }
            if self.available[kind as usize][class].get().is_null() {
                self.adopt(kind, class);
            }
            let page = match self.pop_available(kind, class) {
                Some(page) => page,
                None => self.new_page(Shape::small(class, kind))?,
            };
            // SAFETY: this heap owns the page.
            unsafe { page.local(|local| local.place = Place::Current) };
            current.set(page);
        }
    }

    /// A block from a page, even if that takes work.
    fn allocate_from(&self, page: &Page) -> Option<NonNull<u8>> {
        // SAFETY: this heap owns the page.
        unsafe {
            let mut gained = page.take_remote();
            let block = match page.pop() {
                Some(block) => block,
                None => {
                    gained = page.carve();
                    page.pop()?
                }
            };
            self.charge(page.shape(), gained);
            Some(block)
        }
    }

    #[cold]
    fn allocate_large(&self, size: usize, kind: Kind) -> Option<NonNull<u8>> {
        if size > isize::MAX as usize / 2 {
            return None;
        }
        self.scan_for_remote(kind);
        let page = self.new_page(Shape::large(size.div_ceil(PAGE_SIZE), kind))?;
        self.allocate_from(page)
    }

    fn charge(&self, shape: Shape, blocks: u32) {
        let blocks = blocks as usize;
        self.allocated.set(self.allocated.get().wrapping_add(blocks.saturating_mul(shape.block_size)));
        if shape.kind == Kind::Container {
            self.charged.set(self.charged.get() + blocks);
            if self.charged.get() >= self.threshold.get() {
                self.charged.set(0);
                // SAFETY: nothing replaces the alarm while it runs.
                if let Some(alarm) = unsafe { &*self.alarm.get() } {
                    alarm();
                }
            }
        }
    }

    /// Looks whether other threads have freed blocks of the next few pages.
    fn scan_for_remote(&self, kind: Kind) {
        for _ in 0..SCAN.min(self.page_count(kind)) {
            let index = self.scan.get().wrapping_add(1);
            self.scan.set(index);
            if let Some(page) = self.page_at(kind, index % self.page_count(kind).max(1)) {
                self.refresh(page);
            }
        }
    }

    /// Takes back what other threads have freed of one page.
    fn refresh(&self, page: &Page) {
        // SAFETY: this heap owns the page.
        unsafe {
            let gained = page.take_remote();
            if page.used() == 0 || (gained != 0 && page.local(|local| local.place) == Place::Full) {
                self.charge(page.shape(), gained);
                self.page_has_room(page);
            }
        }
    }

    /// Puts a page where it belongs that was full, or that has no block in use any more.
    #[cold]
    fn page_has_room(&self, page: &Page) {
        let shape = page.shape();
        // SAFETY: this heap owns the page.
        let (place, used) = unsafe { (page.local(|local| local.place), page.used()) };
        if shape.class == LARGE {
            if used == 0 {
                self.drop_page(page);
            }
            return;
        }
        let list = &self.available[shape.kind as usize][shape.class];
        if place == Place::Full {
            if used == 0 && !list.get().is_null() {
                return self.drop_page(page);
            }
            self.push_available(page);
        } else if place == Place::Available && used == 0 {
            // SAFETY: pages of the list are owned by this heap.
            let alone = ptr::eq(list.get(), page) && unsafe { page.local(|local| local.next.is_null()) };
            if !alone {
                self.remove_available(page);
                self.drop_page(page);
            }
        }
    }

    fn new_page(&self, shape: Shape) -> Option<&Page> {
        if !self.reserve_slot(shape.kind) {
            return None;
        }
        let page = self.space.take(shape, self.id)?;
        self.enlist(page);
        Some(page)
    }

    /// Makes sure that `enlist` needs no memory.
    fn reserve_slot(&self, kind: Kind) -> bool {
        // SAFETY: no reference to the list is kept anywhere.
        unsafe { &mut *self.owned[kind as usize].get() }.try_reserve(1).is_ok()
    }

    fn enlist(&self, page: &Page) {
        let shape = page.shape();
        // SAFETY: no reference to the list is kept anywhere.
        let owned = unsafe { &mut *self.owned[shape.kind as usize].get() };
        // SAFETY: this heap owns the page.
        unsafe { page.local(|local| local.slot = owned.len()) };
        owned.push(page);
        self.committed.set(self.committed.get() + shape.span * PAGE_SIZE);
    }

    /// Gives a page without blocks, which is on no list, back to the space.
    fn drop_page(&self, page: &Page) {
        let shape = page.shape();
        // SAFETY: no reference to the list is kept anywhere; this heap owns the pages on it.
        unsafe {
            let owned = &mut *self.owned[shape.kind as usize].get();
            let slot = page.local(|local| local.slot);
            owned.swap_remove(slot);
            if let Some(moved) = owned.get(slot) {
                (**moved).local(|local| local.slot = slot);
            }
            self.committed.set(self.committed.get() - shape.span * PAGE_SIZE);
            self.space.give_back(page);
        }
    }

    fn push_available(&self, page: &Page) {
        let shape = page.shape();
        let list = &self.available[shape.kind as usize][shape.class];
        // SAFETY: this heap owns the pages.
        unsafe {
            page.local(|local| {
                local.place = Place::Available;
                local.next = list.get();
                local.previous = ptr::null();
            });
            if let Some(next) = list.get().as_ref() {
                next.local(|local| local.previous = page);
            }
        }
        list.set(page);
    }

    fn pop_available(&self, kind: Kind, class: usize) -> Option<&Page> {
        // SAFETY: pages of the list are mapped and owned by this heap.
        let page = unsafe { self.available[kind as usize][class].get().as_ref() }?;
        self.remove_available(page);
        Some(page)
    }

    fn remove_available(&self, page: &Page) {
        let shape = page.shape();
        // SAFETY: this heap owns the pages.
        unsafe {
            let (previous, next) = page.local(|local| {
                local.place = Place::Full;
                (
                    std::mem::replace(&mut local.previous, ptr::null()),
                    std::mem::replace(&mut local.next, ptr::null()),
                )
            });
            if let Some(next) = next.as_ref() {
                next.local(|local| local.previous = previous);
            }
            match previous.as_ref() {
                Some(previous) => previous.local(|local| local.next = next),
                None => self.available[shape.kind as usize][shape.class].set(next),
            }
        }
    }

    fn page_count(&self, kind: Kind) -> usize {
        // SAFETY: no reference to the list is kept anywhere.
        unsafe { &*self.owned[kind as usize].get() }.len()
    }

    fn page_at(&self, kind: Kind, index: usize) -> Option<&Page> {
        // SAFETY: no reference to the list is kept anywhere, and its pages are mapped while this heap owns them.
        unsafe { (&*self.owned[kind as usize].get()).get(index).map(|page| &**page) }
    }

    fn for_each_page(&self, kind: Kind, mut f: impl FnMut(&Page)) {
        for index in 0..self.page_count(kind) {
            if let Some(page) = self.page_at(kind, index) {
                f(page);
            }
        }
    }
}

impl Drop for Heap {
    /// Leaves the pages with live blocks to the heaps of other threads.
    fn drop(&mut self) {
        for kind in [Kind::Leaf, Kind::Container] {
            for page in std::mem::take(self.owned[kind as usize].get_mut()) {
                // SAFETY: this heap owns the page, and refers to it no more.
                unsafe {
                    (*page).take_remote();
                    if (*page).used() == 0 {
                        self.space.give_back(&*page);
                    } else {
                        self.space.abandon(&*page);
                    }
                }
            }
        }
    }
}

/// Frees a block from a thread that has no heap.
///
/// # Safety
/// As for [`Heap::free`].
pub unsafe fn free_from_anywhere(block: NonNull<u8>) {
    // SAFETY: the caller's contract.
    unsafe { Page::of(block).push_remote(block) };
}

/// How many bytes the block has, at least as many as were asked for.
///
/// # Safety
/// The block is in use.
pub unsafe fn block_size(block: NonNull<u8>) -> usize {
    // SAFETY: the caller's contract.
    unsafe { Page::of(block) }.shape().block_size
}

/// The number of the heap that owns the block's page; 0 if its thread has ended.
///
/// # Safety
/// The block is in use.
pub unsafe fn owner_of(block: NonNull<u8>) -> u64 {
    // SAFETY: the caller's contract.
    unsafe { Page::of(block) }.owner()
}

/// Sets the block's mark, and tells whether it was set before.
///
/// # Safety
/// The block is in use. Different blocks may be marked at the same time.
#[inline]
pub unsafe fn mark(block: NonNull<u8>) -> bool {
    let (word, bit) = mark_position(block);
    // SAFETY: the caller's contract. Relaxed: collectors hand over what they found by other means.
    unsafe { Segment::marks_of(block.as_ptr())[word].fetch_or(bit, Ordering::Relaxed) & bit != 0 }
}

/// Clears the block's mark.
///
/// # Safety
/// As for [`mark`].
#[inline]
pub unsafe fn unmark(block: NonNull<u8>) {
    let (word, bit) = mark_position(block);
    // SAFETY: the caller's contract.
    unsafe { Segment::marks_of(block.as_ptr())[word].fetch_and(!bit, Ordering::Relaxed) };
}

/// Whether the block's mark is set.
///
/// # Safety
/// As for [`mark`].
#[inline]
pub unsafe fn is_marked(block: NonNull<u8>) -> bool {
    let (word, bit) = mark_position(block);
    // SAFETY: the caller's contract.
    unsafe { Segment::marks_of(block.as_ptr())[word].load(Ordering::Relaxed) & bit != 0 }
}

#[inline]
fn mark_position(block: NonNull<u8>) -> (usize, u64) {
    let granule = block.addr().get() % PAGE_SIZE / GRANULE;
    (granule / 64, 1 << (granule % 64))
}
