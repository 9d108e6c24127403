//! Where the interpreter finds the parts of a code object that it uses all the time, from when the code is ready to run.
//!
//! Invariants:
//! 1. `simple_args` goes from `COLD` to another value once, after (Release) the pointers were stored.
//! 2. Every thread that stores them stores the same, so that it doesn't matter who is last.

use orochi_core::sync::{self, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use orochi_core::word::Word;
use std::ptr;

/// `simple_args` of code that isn't ready.
const COLD: u32 = u32::MAX;
/// `simple_args` of code that can't be called the simple way.
const NOT_SIMPLE: u32 = u32::MAX - 1;

/// See the module. The pointers are used by whoever has seen that the code isn't cold.
pub(crate) struct Start {
    entry: AtomicPtr<u32>,
    constants: AtomicPtr<Word>,
    caches: AtomicPtr<AtomicU64>,
    simple_args: AtomicU32,
}

impl Start {
    /// The code is not ready.
    pub(crate) fn cold() -> Start {
        Start {
            entry: AtomicPtr::new(ptr::null_mut()),
            constants: AtomicPtr::new(ptr::null_mut()),
            caches: AtomicPtr::new(ptr::null_mut()),
            simple_args: AtomicU32::new(COLD),
        }
    }

    /// Whether the code is not ready.
    #[inline(always)]
    pub(crate) fn is_cold(&self) -> bool {
        // Acquire pairs with the Release in `warm`.
        self.simple_args.load(sync::ordering("code: look", Ordering::Acquire)) == COLD
    }

    /// Whether a call with so many positional arguments is of the simple kind, and the code ready.
    #[inline(always)]
    pub(crate) fn takes_exactly(&self, positional: usize) -> bool {
        // Acquire pairs with the Release in `warm`.
        self.simple_args.load(sync::ordering("code: look", Ordering::Acquire)) as usize == positional
    }

    /// How many positional arguments the simple kind of call passes, if there is that kind, and the code is ready.
    #[inline(always)]
    pub(crate) fn simple_argcount(&self) -> Option<usize> {
        // Acquire: as in `takes_exactly`.
        let count = self.simple_args.load(sync::ordering("code: look", Ordering::Acquire));
        (count < NOT_SIMPLE).then_some(count as usize)
    }

    /// The code is ready from now on.
    pub(crate) fn warm(
        &self,
        entry: *const u32,
        constants: *const Word,
        caches: *const AtomicU64,
        simple_args: Option<u32>,
    ) {
        self.entry.store(entry.cast_mut(), Ordering::Relaxed);
        self.constants.store(constants.cast_mut(), Ordering::Relaxed);
        self.caches.store(caches.cast_mut(), Ordering::Relaxed);
        // Release pairs with the Acquire of whoever goes on to use the pointers and what they lead to.
        let args = simple_args.filter(|args| *args < NOT_SIMPLE).unwrap_or(NOT_SIMPLE);
        self.simple_args.store(args, sync::ordering("code: ready", Ordering::Release));
    }

    /// The first instruction.
    #[inline(always)]
    pub(crate) fn entry(&self) -> *const u32 {
        self.entry.load(Ordering::Relaxed)
    }

    /// The constants.
    #[inline(always)]
    pub(crate) fn constants(&self) -> *const Word {
        self.constants.load(Ordering::Relaxed)
    }

    /// The caches.
    #[inline(always)]
    pub(crate) fn caches(&self) -> *const AtomicU64 {
        self.caches.load(Ordering::Relaxed)
    }
}
