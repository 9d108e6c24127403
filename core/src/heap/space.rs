//! The memory of a runtime: all segments, and the pages that ended threads left behind.
//!
//! Heaps come here for a page, or with one, once for 64 KiB of blocks, so one lock does. What must hold:
//! 1. A page is in one of three states: free (its segment says so), owned by a heap, or abandoned (on a list here).
//! 2. A segment whose pages are all free is unmapped, but for one that is kept.
//! 3. The space outlives its heaps, which hold it counted.

use super::page::{Kind, NOBODY, Page, Shape};
use super::segment::{MAX_SPAN, PAGE_SIZE, PAGES, Segment};
use super::size_class::CLASSES;
use crate::sync::{self, AtomicU64, AtomicUsize, Mutex, Ordering};
use std::ptr::{self, NonNull};

/// The memory that the heaps of one runtime share.
pub struct Space {
    state: Mutex<State>,
    /// Bytes in pages that heaps own or have abandoned.
    committed: AtomicUsize,
    next_heap: AtomicU64,
}

struct State {
    segments: Vec<NonNull<Segment>>,
    /// Segments before this index have no free page.
    first_free: usize,
    /// Pages whose heap is gone, by kind and class (the last class: large blocks).
    abandoned: [[*const Page; CLASSES + 1]; 2],
    abandoned_count: usize,
}

// SAFETY: the pointers lead to memory that the space owns, and are followed only with the lock held.
unsafe impl Send for State {}

impl Default for Space {
    fn default() -> Self {
        Self::new()
    }
}

impl Space {
    /// A space without memory; it grows as heaps ask.
    pub fn new() -> Space {
        Space {
            state: Mutex::new(State {
                segments: Vec::new(),
                first_free: 0,
                abandoned: [[ptr::null(); CLASSES + 1]; 2],
                abandoned_count: 0,
            }),
            committed: AtomicUsize::new(0),
            next_heap: AtomicU64::new(NOBODY + 1),
        }
    }

    /// Bytes in pages that hold objects, of all heaps together.
    pub fn committed_bytes(&self) -> usize {
        self.committed.load(Ordering::Relaxed)
    }

    /// How many pages wait for a heap to adopt them.
    pub fn abandoned_pages(&self) -> usize {
        sync::lock(&self.state).abandoned_count
    }

    /// Calls `f` for every live block of that kind, whoever owns it.
    ///
    /// # Safety
    /// The world is stopped, and `f` neither allocates nor frees.
    pub unsafe fn for_each_block(&self, kind: Kind, mut f: impl FnMut(NonNull<u8>)) {
        // SAFETY: rule 2 of pages, with the world stopped.
        unsafe { self.for_each_page(kind, |page| page.for_each_live(&mut f)) }
    }

    /// # Safety
    /// The world is stopped.
    unsafe fn for_each_page(&self, kind: Kind, mut f: impl FnMut(&Page)) {
        let state = sync::lock(&self.state);
        for segment in &state.segments {
            // SAFETY: segments of the list are mapped.
            for page in unsafe { segment.as_ref() }.pages() {
                let shape = page.shape();
                if shape.capacity != 0 && shape.kind == kind {
                    f(page);
                }
            }
        }
    }

    pub(super) fn new_heap_id(&self) -> u64 {
        self.next_heap.fetch_add(1, Ordering::Relaxed)
    }

    /// A page (or a run of pages) of that shape, owned by `owner` from now on. None: no memory.
    pub(super) fn take(&self, shape: Shape, owner: u64) -> Option<&Page> {
        let mut state = sync::lock(&self.state);
        let page = state.find(shape.span)?;
        // SAFETY: the lock is held, and nobody owns a page that was free.
        unsafe { page.reshape(shape) };
        page.set_owner(owner);
        self.committed.fetch_add(shape.span * PAGE_SIZE, Ordering::Relaxed);
        // SAFETY: the page lives as long as it is in use, and the heap that uses it holds the space.
        Some(unsafe { &*ptr::from_ref(page) })
    }

    /// Takes back a page that holds no block.
    ///
    /// # Safety
    /// The caller owns the page, refers to it no more, and none of its blocks is in use.
    pub(super) unsafe fn give_back(&self, page: &Page) {
        let mut state = sync::lock(&self.state);
        // SAFETY: the caller's contract and the lock.
        unsafe { self.give_back_locked(&mut state, page) };
    }

    /// Keeps a page with blocks until a heap adopts it.
    ///
    /// # Safety
    /// The caller owns the page and refers to it no more.
    pub(super) unsafe fn abandon(&self, page: &Page) {
        let mut state = sync::lock(&self.state);
        let shape = page.shape();
        page.set_owner(NOBODY);
        let head = &mut state.abandoned[shape.kind as usize][shape.class];
        // SAFETY: rule 2 of pages: nobody owns the page and the lock is held.
        unsafe { page.local(|local| local.next = *head) };
        *head = page;
        state.abandoned_count += 1;
    }

    /// Takes over an abandoned page of that kind and class.
    pub(super) fn adopt(&self, kind: Kind, class: usize, owner: u64) -> Option<&Page> {
        let mut state = sync::lock(&self.state);
        if state.abandoned_count == 0 {
            return None;
        }
        let head = &mut state.abandoned[kind as usize][class];
        // SAFETY: pages of the list are mapped, and live while a heap owns them, which holds the space.
        let page = unsafe { head.as_ref() }?;
        // SAFETY: rule 2 of pages: nobody owns the page and the lock is held.
        *head = unsafe { page.local(|local| std::mem::replace(&mut local.next, ptr::null())) };
        state.abandoned_count -= 1;
        page.set_owner(owner);
        Some(page)
    }

    /// # Safety
    /// As for `give_back`, with the lock held.
    unsafe fn give_back_locked(&self, state: &mut State, page: &Page) {
        let span = page.shape().span;
        self.committed.fetch_sub(span * PAGE_SIZE, Ordering::Relaxed);
        page.set_owner(NOBODY);
        // SAFETY: nobody owns the page and the lock is held.
        unsafe { page.reshape(Shape::NONE) };
        let Some(segment) = NonNull::new(Segment::of_page(page)) else { return };
        // SAFETY: the page's segment is mapped.
        unsafe { segment.as_ref() }.give_back(page, span);
        state.segment_has_room(segment);
    }
}

impl State {
    fn find(&mut self, span: usize) -> Option<&Page> {
        if span > MAX_SPAN {
            let segment = self.add_segment(span.checked_add(1)?)?;
            // SAFETY: just mapped.
            return Some(unsafe { segment.as_ref() }.take_all());
        }
        let mut full_so_far = true;
        for index in self.first_free..self.segments.len() {
            // SAFETY: segments of the list are mapped.
            let segment = unsafe { self.segments[index].as_ref() };
            if let Some(page) = segment.take(span) {
                return Some(page);
            }
            full_so_far &= segment.is_full();
            if full_so_far {
                self.first_free = index + 1;
            }
        }
        let segment = self.add_segment(PAGES)?;
        // SAFETY: just mapped.
        unsafe { segment.as_ref() }.take(span)
    }

    fn add_segment(&mut self, length: usize) -> Option<NonNull<Segment>> {
        self.segments.try_reserve(1).ok()?;
        let segment = Segment::allocate(length)?;
        self.segments.push(segment);
        Some(segment)
    }

    /// Notes that a page of the segment has become free; unmaps the segment if it is not needed.
    fn segment_has_room(&mut self, segment: NonNull<Segment>) {
        // SAFETY: a segment that a page was just given back to is mapped.
        let unused = unsafe { segment.as_ref() }.is_unused();
        let ordinary = |segment: &NonNull<Segment>| {
            // SAFETY: segments of the list are mapped.
            let segment = unsafe { segment.as_ref() };
            segment.length() == PAGES && segment.is_unused()
        };
        let keep = ordinary(&segment)
            && self.segments.iter().filter(|other| **other != segment).all(|other| !ordinary(other));
        let Some(index) = self.segments.iter().position(|other| *other == segment) else { return };
        if !unused || keep {
            self.first_free = self.first_free.min(index);
            return;
        }
        self.segments.swap_remove(index);
        self.first_free = self.first_free.min(index);
        // SAFETY: all its pages are free, so nobody refers to them.
        unsafe { Segment::release(segment) };
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        for segment in state.segments.drain(..) {
            // SAFETY: heaps hold the space, so none is left; objects that were never freed are gone with their memory.
            unsafe { Segment::release(segment) };
        }
    }
}
