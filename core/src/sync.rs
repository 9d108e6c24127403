//! The façade through which the whole runtime reaches atomics, cells, locks and threads.
//!
//! The problem: the protocols of this crate are checked by loom, which must see every atomic operation and every
//! access to memory that threads hand to each other. So nothing else names `std::sync` or loom; under
//! `cfg(orochi_loom)` the same names are loom's.
//!
//! What must hold: cells are reached only through `with` and `with_mut`, because that is where loom looks.

#[cfg(not(orochi_loom))]
mod real {
    pub use std::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
    pub use std::sync::{Arc, Condvar, Mutex, MutexGuard, RwLock};
    pub use std::thread;

    /// `std::cell::UnsafeCell` with loom's interface.
    #[derive(Debug, Default)]
    #[repr(transparent)]
    pub struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub const fn new(data: T) -> Self {
            Self(std::cell::UnsafeCell::new(data))
        }

        /// Calls `f` with a pointer to read through.
        #[inline(always)]
        pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        /// Calls `f` with a pointer to write through.
        #[inline(always)]
        pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }

    /// The ordering of a named operation. A loom test can weaken it by name, to show that the model notices.
    #[inline(always)]
    pub const fn ordering(_operation: &'static str, ordering: Ordering) -> Ordering {
        ordering
    }

    /// What a compare-exchange loop expects to find at first: `load()`. Under loom the constant instead, because
    /// its partial-order reduction forgets the accesses of others before a thread's own load, and so would not
    /// explore the exchange before them.
    #[inline(always)]
    pub fn first_guess<T>(load: impl FnOnce() -> T, _constant: T) -> T {
        load()
    }
}

#[cfg(orochi_loom)]
mod real {
    pub use loom::cell::UnsafeCell;
    pub use loom::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
    pub use loom::sync::{Arc, Condvar, Mutex, MutexGuard, RwLock};
    pub use loom::thread;

    static WEAKENED: std::sync::Mutex<Option<&'static str>> = std::sync::Mutex::new(None);

    /// Names the operation whose ordering is Relaxed from now on (None: no operation).
    pub fn weaken(operation: Option<&'static str>) {
        *WEAKENED.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = operation;
    }

    /// The ordering of a named operation. A loom test can weaken it by name, to show that the model notices.
    pub fn ordering(operation: &'static str, ordering: Ordering) -> Ordering {
        let weakened = *WEAKENED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if weakened == Some(operation) { Ordering::Relaxed } else { ordering }
    }

    /// What a compare-exchange loop expects to find at first; see the other variant.
    pub fn first_guess<T>(_load: impl FnOnce() -> T, constant: T) -> T {
        constant
    }
}

pub use real::*;

/// Locks a mutex. Nothing in this crate panics with a lock held, so poison carries no information.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Reads a word of raw memory that another thread may be writing, and gets the old or the new word.
///
/// # Safety
/// `word` is valid for reads and aligned, and every concurrent access to it goes through this function or
/// [`store_word`].
#[inline(always)]
pub unsafe fn load_word(word: *mut *mut u8) -> *mut u8 {
    // SAFETY: the caller's contract. Relaxed: the word itself is all that the reader uses.
    unsafe { std::sync::atomic::AtomicPtr::from_ptr(word) }.load(std::sync::atomic::Ordering::Relaxed)
}

/// Writes a word of raw memory that another thread may be reading.
///
/// # Safety
/// As for [`load_word`], and `word` is valid for writes.
#[inline(always)]
pub unsafe fn store_word(word: *mut *mut u8, value: *mut u8) {
    // SAFETY: the caller's contract. Relaxed: what the word points to is handed over by other means.
    unsafe { std::sync::atomic::AtomicPtr::from_ptr(word) }
        .store(value, std::sync::atomic::Ordering::Relaxed);
}
