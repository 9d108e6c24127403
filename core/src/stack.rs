//! The register stack of a thread: one contiguous run of words.
//!
//! Every word below `top` is valid (an immediate, a counted or a borrowed pointer, or zero); every word from `top` on is
//! zero or an immediate, so a frame needs no initialising. Words below `clean` hold no borrowed references: they were
//! counted at an earlier announcement and belong to frames that have not run since (the watermark of the design).

use crate::header::Header;
use crate::host;
use crate::word::{self, Word};
use std::cell::Cell;
use std::ptr::NonNull;

/// Words in a thread's stack: 16 MiB of address space, touched as it is used.
#[cfg(not(orochi_loom))]
const STACK_WORDS: usize = 2 << 20;
#[cfg(orochi_loom)]
const STACK_WORDS: usize = 64;

/// A thread's registers.
pub struct RegisterStack {
    base: NonNull<Word>,
    top: Cell<*mut Word>,
    clean: Cell<*mut Word>,
}

impl RegisterStack {
    /// An empty stack; `None` if there is no memory for it.
    pub fn new() -> Option<RegisterStack> {
        let base = host::reserve_zeroed(STACK_WORDS * size_of::<Word>())?.cast::<Word>();
        Some(RegisterStack { base, top: Cell::new(base.as_ptr()), clean: Cell::new(base.as_ptr()) })
    }

    /// The end of the words in use.
    #[inline(always)]
    pub fn top(&self) -> *mut Word {
        self.top.get()
    }

    /// Sets the end of the words in use.
    ///
    /// # Safety
    /// Within the stack; words below are valid, words from there on are zero or immediates.
    #[inline(always)]
    pub unsafe fn set_top(&self, top: *mut Word) {
        self.top.set(top);
    }

    /// Whether `words` more words fit above `from`.
    #[inline(always)]
    pub fn has_room(&self, from: *mut Word, words: usize) -> bool {
        let end = self.base.as_ptr() as usize + STACK_WORDS * 8;
        from as usize + words * 8 <= end
    }

    /// Control went back to the frame whose registers start here: it may borrow again, so it is no longer clean.
    #[inline(always)]
    pub fn returned_to(&self, frame: *mut Word) {
        if frame < self.clean.get() {
            self.clean.set(frame);
        }
    }

    /// Turns every borrowed register into a counted one. `frame` is where the running frame's registers start: the
    /// frames below it stay clean until control returns to them.
    ///
    /// Only the stack's thread calls this, at a safepoint.
    pub(crate) fn own_borrowed(&self, frame: *mut Word) {
        let mut at = self.clean.get();
        while at < self.top.get() {
            // SAFETY: between base and top all words are valid.
            unsafe {
                let word = *at;
                if word::is_borrowed(word) && word::is_pointer(word) {
                    let header = word::header_of(word).as_ref();
                    if !header.is_immortal() {
                        header.retain();
                        *at = word & !word::BORROWED;
                    }
                }
                at = at.add(1);
            }
        }
        self.clean.set(frame.min(self.top.get()));
    }

    /// Visits the objects that counted registers own; for the collectors and the verifier, with the thread stopped.
    pub fn for_each_counted(&self, visit: &mut dyn FnMut(NonNull<Header>)) {
        let mut at = self.base.as_ptr();
        while at < self.top.get() {
            // SAFETY: between base and top all words are valid.
            unsafe {
                if word::is_counted(*at) {
                    visit(word::header_of(*at));
                }
                at = at.add(1);
            }
        }
    }
}

impl Drop for RegisterStack {
    fn drop(&mut self) {
        // SAFETY: reserved with this size.
        unsafe { host::release_zeroed(self.base.cast(), STACK_WORDS * size_of::<Word>()) }
    }
}
