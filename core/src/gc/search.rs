//! The search: which of some candidates are referred to from candidates alone.
//!
//! The state of a search lies in the collector's byte of each header, which shares a cache line with what has to be looked
//! at anyway:
//!
//! | byte | meaning |
//! |---|---|
//! | 0 | no candidate |
//! | 1 to 124 | candidate; references from outside that are not yet accounted for, plus 1 |
//! | 125 (`MANY`) | candidate; that number lies in `Search::many` |
//! | 126 (`WAITING`) | candidate that stays, whose references are still to be followed |
//! | 127 (`REACHED`) | candidate that stays |
//! | 128 (`FROZEN`) | left out of collections |
//!
//! The same three steps serve the first search, over all objects in scope, and the second, over the garbage of the first.
//! All candidates' bytes are 0 again after a search. Memory is needed in proportion to the garbage, not to what lives: the
//! first search finds its candidates by walking over the heap each time, and what is found to stay waits in the heap
//! once [`WORK`] objects wait in a list.

use crate::header::{Header, IMMORTAL};
use crate::heap::Kind;
use crate::object::trace_object;
use crate::sync::Ordering;
use crate::thread::Thread;
use crate::value::Value;
use crate::word;
use std::collections::HashMap;
use std::ptr::NonNull;

const MANY: u8 = 125;
const WAITING: u8 = 126;
const REACHED: u8 = 127;
/// Bit of the header's collector byte: the object is left out of collections (`gc.freeze`).
pub(super) const FROZEN: u8 = 128;

/// Which objects a collection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Local objects in the thread's pages.
    Local,
    /// Shared objects in all pages.
    Shared,
}

impl Scope {
    /// Calls `f` for each container object in scope that can be a candidate.
    ///
    /// # Safety
    /// The thread is the current one, and for `Shared` the world is stopped; `f` neither allocates nor frees objects.
    pub(super) unsafe fn for_each(self, thread: &Thread, mut f: impl FnMut(NonNull<Header>)) {
        // SAFETY: the caller's contract; the header of a live block can be read, even while another thread frees it.
        unsafe {
            self.for_each_block(thread, |object| {
                if self.holds(object.as_ref()) {
                    f(object);
                }
            });
        }
    }

    /// Calls `f` for everything in the pages that may hold objects of the scope.
    ///
    /// # Safety
    /// As for `for_each`.
    unsafe fn for_each_block(self, thread: &Thread, mut f: impl FnMut(NonNull<Header>)) {
        let mut visit = |block: NonNull<u8>| f(block.cast());
        // SAFETY: the caller's contract.
        unsafe {
            match self {
                Scope::Local => thread.heap().for_each_block(Kind::Container, &mut visit),
                Scope::Shared => thread.heap().space().for_each_block(Kind::Container, &mut visit),
            }
        }
    }

    /// Whether an object is in scope, alive, counted and not frozen.
    pub(super) fn holds(self, header: &Header) -> bool {
        let word = header.count_word();
        self.matches(header)
            && !header.is_dying()
            && word & IMMORTAL == 0
            && header.count() != 0
            && state(header) & FROZEN == 0
    }

    /// Whether the object is of the scope's sort.
    #[inline]
    fn matches(self, header: &Header) -> bool {
        match self {
            Scope::Local => !header.is_shared(),
            Scope::Shared => header.is_shared() && !header.is_immortal(),
        }
    }
}

/// The candidates of a search, once they are nominated.
#[derive(Clone, Copy)]
pub(super) enum Candidates<'a> {
    /// Whatever in the thread's heap or, for shared objects, in all of them has a candidate's state.
    InHeap(&'a Thread),
    /// These.
    Listed(&'a [Value]),
}

impl Candidates<'_> {
    /// Calls `f` for each.
    ///
    /// # Safety
    /// As for [`Scope::for_each`].
    pub(super) unsafe fn for_each(self, scope: Scope, mut f: impl FnMut(NonNull<Header>)) {
        match self {
            Candidates::Listed(objects) => {
                objects.iter().for_each(|object| f(word::header_of(object.word())))
            }
            // SAFETY: the caller's contract.
            Candidates::InHeap(thread) => unsafe {
                scope.for_each_block(thread, |object| {
                    let header = object.as_ref();
                    if scope.matches(header) && matches!(state(header), 1..=REACHED) {
                        f(object);
                    }
                });
            },
        }
    }
}

/// How many objects wait in a list for their references to be followed; more wait in the heap.
const WORK: usize = if cfg!(test) { 16 } else { 1 << 14 };

/// A search under way.
pub(super) struct Search {
    scope: Scope,
    /// See the table.
    many: HashMap<NonNull<Header>, u32>,
    /// Objects known to stay, whose references are still to be followed; at most [`WORK`].
    work: Vec<NonNull<Header>>,
    /// Whether there may be candidates in the state `WAITING`.
    waiting: bool,
    /// Objects on their way into the processor's cache, that are to be looked at soon: the heap is larger than
    /// the cache, and references lead anywhere.
    ahead: [Option<NonNull<Header>>; AHEAD],
    /// Where the oldest of them is.
    oldest: usize,
    /// The class that was kept last.
    last_class: NonNull<Header>,
}

const AHEAD: usize = 16;

impl Search {
    pub(super) fn new(scope: Scope) -> Search {
        Search {
            scope,
            many: HashMap::new(),
            work: Vec::new(),
            waiting: false,
            ahead: [None; AHEAD],
            oldest: 0,
            last_class: NonNull::dangling(),
        }
    }

    /// Makes an object a candidate. `own` references to it are the collector's.
    ///
    /// # Safety
    /// The object is alive and in scope.
    pub(super) unsafe fn nominate(&mut self, object: NonNull<Header>, own: u32) {
        // SAFETY: the caller's contract.
        let header = unsafe { object.as_ref() };
        let outside = header.count() - own;
        match u8::try_from(outside) {
            Ok(small) if small < MANY - 1 => set_state(header, small + 1),
            _ => {
                set_state(header, MANY);
                self.many.insert(object, outside);
            }
        }
    }

    /// Finds out which candidates are garbage.
    ///
    /// # Safety
    /// The candidates are all those that are nominated, and the contract of [`Scope::for_each`] holds.
    pub(super) unsafe fn run(&mut self, candidates: Candidates<'_>) {
        // SAFETY: the caller's contract; candidates are alive.
        unsafe {
            candidates.for_each(self.scope, |object| self.subtract(object));
            self.subtract_rest();
            candidates.for_each(self.scope, |object| self.keep_if_referenced(object));
            self.keep_waiting(candidates);
        }
    }

    /// Subtracts the references that a candidate holds.
    ///
    /// # Safety
    /// The object is a candidate, and all are nominated.
    unsafe fn subtract(&mut self, object: NonNull<Header>) {
        // SAFETY: candidates and what they refer to are alive.
        unsafe {
            trace_object(object, &mut |field| {
                if let Some(target) = field.target()
                    && let Some(target) = self.look_ahead(target)
                {
                    self.subtract_one(target);
                }
            });
        }
    }

    /// Ends the subtraction.
    ///
    /// # Safety
    /// As for `subtract`.
    unsafe fn subtract_rest(&mut self) {
        for target in std::mem::take(&mut self.ahead).into_iter().flatten() {
            // SAFETY: the caller's contract.
            unsafe { self.subtract_one(target) };
        }
    }

    /// Puts an object into the queue and gives the oldest out.
    #[inline]
    fn look_ahead(&mut self, object: NonNull<Header>) -> Option<NonNull<Header>> {
        prefetch(object);
        self.oldest = (self.oldest + 1) % AHEAD;
        self.ahead[self.oldest].replace(object)
    }

    /// Keeps a candidate that has references from outside, and what it reaches; `keep_waiting` must follow.
    ///
    /// # Safety
    /// The object is a candidate, and all references among candidates are subtracted.
    unsafe fn keep_if_referenced(&mut self, object: NonNull<Header>) {
        // SAFETY: candidates and what they refer to are alive.
        unsafe {
            let referenced = match state(object.as_ref()) {
                WAITING | REACHED => return,
                MANY => self.many.get(&object).is_some_and(|outside| *outside != 0),
                state => state > 1,
            };
            if referenced {
                self.make_room();
                self.reach(object);
            }
        }
    }

    /// Keeps what is reached by objects that wait in the heap.
    ///
    /// # Safety
    /// The candidates are those of the search, and `keep_if_referenced` was called for all.
    unsafe fn keep_waiting(&mut self, candidates: Candidates<'_>) {
        // SAFETY: the caller's contract, and candidates are alive.
        unsafe {
            self.keep_reached();
            while std::mem::take(&mut self.waiting) {
                candidates.for_each(self.scope, |object| {
                    if state(object.as_ref()) == WAITING {
                        self.make_room();
                        set_state(object.as_ref(), REACHED);
                        self.work.push(object);
                    }
                });
                self.keep_reached();
            }
        }
    }

    /// Makes sure that the list is not full.
    ///
    /// # Safety
    /// As for `keep_reached`.
    unsafe fn make_room(&mut self) {
        if self.work.len() == WORK {
            // SAFETY: the caller's contract.
            unsafe { self.keep_reached() };
        }
    }

    /// Keeps the classes of all objects that are no candidates. Called before `run` if classes are candidates.
    ///
    /// # Safety
    /// The world is stopped, and all candidates are nominated.
    pub(super) unsafe fn keep_classes_of_others(&mut self, thread: &Thread) {
        // SAFETY: the caller's contract; the class of an object outlives it.
        unsafe {
            for_each_object(thread, |object| {
                if matches!(state(object.as_ref()), 0 | FROZEN) {
                    self.keep_class(object);
                }
            });
        }
    }

    /// # Safety
    /// The object's memory is still in use.
    #[inline]
    unsafe fn keep_class(&mut self, object: NonNull<Header>) {
        if self.scope == Scope::Shared {
            // SAFETY: the class of an object outlives it.
            unsafe {
                let class = class_of(object);
                if class != self.last_class {
                    self.last_class = class;
                    self.reach(class);
                }
            }
        }
    }

    /// Whether an object has turned out to be garbage.
    ///
    /// # Safety
    /// The object is alive, and `run` was called.
    pub(super) unsafe fn is_garbage(&self, object: NonNull<Header>) -> bool {
        // SAFETY: the caller's contract.
        let header = unsafe { object.as_ref() };
        self.scope.matches(header) && matches!(state(header), 1 | MANY)
    }

    /// Ends the search for an object.
    ///
    /// # Safety
    /// The object is a candidate.
    pub(super) unsafe fn forget(&self, object: NonNull<Header>) {
        // SAFETY: the caller's contract.
        set_state(unsafe { object.as_ref() }, 0);
    }

    /// # Safety
    /// The target is alive.
    #[inline]
    unsafe fn subtract_one(&mut self, target: NonNull<Header>) {
        // SAFETY: the caller's contract.
        let header = unsafe { target.as_ref() };
        if !self.scope.matches(header) {
            return;
        }
        match state(header) {
            MANY => {
                if let Some(outside) = self.many.get_mut(&target) {
                    *outside = outside.saturating_sub(1);
                }
            }
            state @ 2..MANY => set_state(header, state - 1),
            _ => {}
        }
    }

    /// Keeps all that the objects in the list reach.
    ///
    /// # Safety
    /// All references among candidates are subtracted.
    unsafe fn keep_reached(&mut self) {
        // SAFETY: the caller's contract, and what an object refers to is alive.
        unsafe {
            loop {
                while let Some(object) = self.work.pop() {
                    self.keep_class(object);
                    trace_object(object, &mut |field| {
                        if let Some(target) = field.target()
                            && let Some(target) = self.look_ahead(target)
                        {
                            self.reach(target);
                        }
                    });
                }
                for target in std::mem::take(&mut self.ahead).into_iter().flatten() {
                    self.reach(target);
                }
                if self.work.is_empty() {
                    return;
                }
            }
        }
    }

    /// # Safety
    /// The object is alive.
    #[inline]
    unsafe fn reach(&mut self, object: NonNull<Header>) {
        // SAFETY: the caller's contract.
        let header = unsafe { object.as_ref() };
        if self.scope.matches(header) && matches!(state(header), 1..=MANY) {
            if self.work.len() < WORK {
                set_state(header, REACHED);
                self.work.push(object);
            } else {
                set_state(header, WAITING);
                self.waiting = true;
            }
        }
    }
}

/// Calls `f` for everything in memory that has not been freed and whose class can die, whoever owns it and however dead it is.
///
/// # Safety
/// The world is stopped, and `f` neither allocates nor frees objects.
pub(super) unsafe fn for_each_object(thread: &Thread, mut f: impl FnMut(NonNull<Header>)) {
    // SAFETY: the caller's contract.
    unsafe { thread.heap().space().for_each_block(Kind::Container, |block| f(block.cast())) };
}

/// The class of an object.
///
/// # Safety
/// The object's memory is still in use.
#[inline]
pub(super) unsafe fn class_of(object: NonNull<Header>) -> NonNull<Header> {
    // SAFETY: the caller's contract; a class object begins with its header, and no object is without a class.
    unsafe { NonNull::new_unchecked(object.as_ref().class().cast_mut()).cast() }
}

/// Asks the processor for an object's header.
#[inline]
fn prefetch(object: NonNull<Header>) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch has no effect but on the cache.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(object.as_ptr().cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = object;
}

/// Relaxed, here and below: only one search at a time looks at an object, with everything else that it reads.
#[inline]
fn state(header: &Header) -> u8 {
    header.gc_byte().load(Ordering::Relaxed)
}

#[inline]
fn set_state(header: &Header, state: u8) {
    header.gc_byte().store(state, Ordering::Relaxed);
}

/// Whether the object is a class.
///
/// # Safety
/// The object is alive.
pub(super) unsafe fn is_class(object: NonNull<Header>) -> bool {
    // SAFETY: classes outlive their instances.
    unsafe { (*object.as_ref().class()).fields.layout.classes }
}
