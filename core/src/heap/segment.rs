//! A segment: 4 MiB aligned to 4 MiB, so that an address leads to its page's description by masking.
//!
//! The first page holds the descriptions and mark bits of all pages, so that blocks fill the others to the brim and
//! descriptions don't fall on the same cache sets. A block larger than half a segment gets a longer segment of its
//! own; it starts in the second page like any other, so masking works for it too.

use super::page::{MARK_WORDS, Page};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU64;

/// Bytes in a page.
pub(super) const PAGE_SIZE: usize = 64 << 10;

/// Pages in an ordinary segment, with the one that holds the descriptions.
pub(super) const PAGES: usize = if cfg!(orochi_loom) { 4 } else { 64 };

const SEGMENT_SIZE: usize = PAGES * PAGE_SIZE;

/// The longest run of pages that is cut from an ordinary segment.
pub(super) const MAX_SPAN: usize = PAGES / 2;

#[repr(C)]
pub(super) struct Segment {
    pages: [Page; PAGES],
    /// Not the façade's atomics: marks belong to the collector that is at work.
    marks: [[AtomicU64; MARK_WORDS]; PAGES],
    /// How many pages the memory holds.
    length: usize,
    /// One bit for each page that is in use; guarded by the space's lock.
    used: Cell<u64>,
}

const _: () = assert!(size_of::<Segment>() <= PAGE_SIZE);

/// The bits of pages that can't be handed out.
const RESERVED: u64 = 1 | if PAGES < 64 { u64::MAX << (PAGES % 64) } else { 0 };

impl Segment {
    /// Gets memory for `length` pages (the first of them for descriptions).
    pub(super) fn allocate(length: usize) -> Option<NonNull<Segment>> {
        let layout = layout(length)?;
        // SAFETY: the layout is not empty.
        let segment = NonNull::new(unsafe { System.alloc(layout) })?.cast::<Segment>();
        let raw = segment.as_ptr();
        raw.expose_provenance();
        // SAFETY: the memory is large enough for the descriptions and nobody else has seen it.
        unsafe {
            for index in 0..PAGES {
                (&raw mut (*raw).pages[index]).write(Page::new());
            }
            (&raw mut (*raw).marks).write_bytes(0, 1);
            (&raw mut (*raw).length).write(length);
            (&raw mut (*raw).used).write(Cell::new(RESERVED));
        }
        Some(segment)
    }

    /// Gives the memory back.
    ///
    /// # Safety
    /// No block in it is in use, and nobody refers to its pages.
    pub(super) unsafe fn release(segment: NonNull<Segment>) {
        // SAFETY: the caller's contract; the layout is that of `allocate`.
        unsafe {
            let Some(layout) = layout(segment.as_ref().length) else { return };
            ptr::drop_in_place(segment.as_ptr());
            System.dealloc(segment.as_ptr().cast(), layout);
        }
    }

    /// Finds `span` free pages in a row and marks them used.
    pub(super) fn take(&self, span: usize) -> Option<&Page> {
        let mut starts = !self.used.get();
        for _ in 1..span {
            starts &= starts >> 1;
        }
        if starts == 0 {
            return None;
        }
        let index = starts.trailing_zeros() as usize;
        self.used.set(self.used.get() | run(index, span));
        Some(&self.pages[index])
    }

    /// Takes the one run of pages of a segment made for it.
    pub(super) fn take_all(&self) -> &Page {
        self.used.set(u64::MAX);
        &self.pages[1]
    }

    /// Gives back what `take` or `take_all` handed out.
    pub(super) fn give_back(&self, page: &Page, span: usize) {
        if self.length > PAGES {
            self.used.set(RESERVED);
        } else {
            self.used.set(self.used.get() & !run(self.index_of(page), span));
        }
    }

    pub(super) fn is_unused(&self) -> bool {
        self.used.get() == RESERVED
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Whether no single page is free.
    pub(super) fn is_full(&self) -> bool {
        self.used.get() == u64::MAX
    }

    pub(super) fn pages(&self) -> &[Page; PAGES] {
        &self.pages
    }

    /// The description of the page that an address lies in.
    ///
    /// # Safety
    /// The address is that of a block, in a segment that lives for `'a`.
    #[inline(always)]
    pub(super) unsafe fn page_of<'a>(address: *mut u8) -> &'a Page {
        let segment = Self::containing(address);
        let index = (address.addr() % SEGMENT_SIZE) / PAGE_SIZE;
        // SAFETY: the caller's contract; the index is below PAGES.
        unsafe { &*(&raw const (*segment).pages).cast::<Page>().add(index) }
    }

    /// The mark bits of the page that an address lies in.
    ///
    /// # Safety
    /// As for [`Segment::page_of`].
    #[inline(always)]
    pub(super) unsafe fn marks_of<'a>(address: *mut u8) -> &'a [AtomicU64; MARK_WORDS] {
        let segment = Self::containing(address);
        let index = (address.addr() % SEGMENT_SIZE) / PAGE_SIZE;
        // SAFETY: the caller's contract; the index is below PAGES.
        unsafe { &*(&raw const (*segment).marks).cast::<[AtomicU64; MARK_WORDS]>().add(index) }
    }

    /// Where a page's blocks start.
    #[inline]
    pub(super) fn start_of(page: &Page) -> *mut u8 {
        let segment = Self::of_page(page);
        let offset = ptr::from_ref(page).addr() - segment.addr();
        // SAFETY: the blocks of page `index` lie `index` pages behind the start of the segment.
        unsafe { segment.cast::<u8>().add(offset / size_of::<Page>() * PAGE_SIZE) }
    }

    /// The segment of a description.
    pub(super) fn of_page(page: &Page) -> *mut Segment {
        // The description's own provenance covers itself alone; the segment's was exposed when it was made.
        ptr::with_exposed_provenance_mut(ptr::from_ref(page).addr() & !(SEGMENT_SIZE - 1))
    }

    #[inline(always)]
    fn containing(address: *mut u8) -> *mut Segment {
        address.map_addr(|bits| bits & !(SEGMENT_SIZE - 1)).cast()
    }

    fn index_of(&self, page: &Page) -> usize {
        (ptr::from_ref(page).addr() - self.pages.as_ptr().addr()) / size_of::<Page>()
    }
}

fn run(index: usize, span: usize) -> u64 {
    (u64::MAX >> (64 - span)) << index
}

fn layout(length: usize) -> Option<Layout> {
    Layout::from_size_align(length.checked_mul(PAGE_SIZE)?, SEGMENT_SIZE).ok()
}
