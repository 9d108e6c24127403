//! The façade over atomics, locks, parking and threads.
//!
//! Everything concurrent in this crate (and the containers' storage above it) names its primitives through this
//! module, so that building with `--cfg orochi_loom` runs the same code under the loom model checker. Nothing else
//! names `std::sync` or `loom`.

#[cfg(not(orochi_loom))]
pub use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, RwLock,
        atomic::{
            AtomicBool, AtomicI64, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
            Ordering, fence,
        },
    },
    thread,
};

#[cfg(orochi_loom)]
pub use loom::{
    cell::UnsafeCell,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, RwLock,
        atomic::{
            AtomicBool, AtomicI64, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
            Ordering, fence,
        },
    },
    thread,
};

/// `std::cell::UnsafeCell` with loom's interface, for memory that threads hand to each other.
#[cfg(not(orochi_loom))]
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

#[cfg(not(orochi_loom))]
impl<T> UnsafeCell<T> {
    /// A cell that holds `data`.
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
#[cfg(not(orochi_loom))]
#[inline(always)]
pub const fn ordering(_operation: &'static str, ordering: Ordering) -> Ordering {
    ordering
}

/// The result of a named check. A loom test can drop the check by name (it then always says yes).
#[cfg(not(orochi_loom))]
#[inline(always)]
pub const fn check(_name: &'static str, holds: bool) -> bool {
    holds
}

/// What a compare-exchange loop expects to find at first: `load()`. Under loom the constant instead, because its
/// partial-order reduction forgets the accesses of others before a thread's own load, and so would not explore the
/// exchange before them.
#[cfg(not(orochi_loom))]
#[inline(always)]
pub fn first_guess<T>(load: impl FnOnce() -> T, _constant: T) -> T {
    load()
}

#[cfg(orochi_loom)]
mod weakening {
    use super::Ordering;

    static WEAKENED: std::sync::Mutex<Option<&'static str>> = std::sync::Mutex::new(None);

    /// Names the operation whose ordering is Relaxed, or the check that is dropped, from now on (None: neither).
    pub fn weaken(operation: Option<&'static str>) {
        *WEAKENED.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = operation;
    }

    /// The ordering of a named operation; see the other variant.
    pub fn ordering(operation: &'static str, ordering: Ordering) -> Ordering {
        let weakened = *WEAKENED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if weakened == Some(operation) { Ordering::Relaxed } else { ordering }
    }

    /// The result of a named check; see the other variant.
    pub fn check(name: &'static str, holds: bool) -> bool {
        let weakened = *WEAKENED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        holds || weakened == Some(name)
    }

    /// What a compare-exchange loop expects to find at first; see the other variant.
    pub fn first_guess<T>(_load: impl FnOnce() -> T, constant: T) -> T {
        constant
    }
}
#[cfg(orochi_loom)]
pub use weakening::{check, first_guess, ordering, weaken};

/// Reads a word of raw memory that another thread may be writing, and gets the old or the new word.
///
/// # Safety
/// `word` is valid for reads and aligned, and every concurrent access to it is atomic.
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

/// Takes a façade mutex; a poisoned one (its holder panicked) is taken all the same, since every structure behind such a
/// mutex is valid between any two of its statements.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A lock of the process for short steps that are rare.
#[cfg(not(orochi_loom))]
pub fn rarely() -> MutexGuard<'static, ()> {
    static RARE: Mutex<()> = Mutex::new(());
    lock(&RARE)
}

/// The lock of an execution; see the other variant.
#[cfg(orochi_loom)]
pub fn rarely() -> MutexGuard<'static, ()> {
    loom::lazy_static! {
        static ref RARE: Mutex<()> = Mutex::new(());
    }
    lock(&RARE)
}

/// Waits on a façade condition variable.
pub fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Blocks the thread until `unpark_all(key)`, unless `validate` says no under the queue's lock.
#[cfg(not(orochi_loom))]
pub(crate) fn park(key: usize, validate: impl FnOnce() -> bool) {
    // SAFETY: the closures neither panic nor call back into parking_lot_core; the key is the address of memory that
    // the caller keeps alive while it waits.
    unsafe {
        parking_lot_core::park(key, validate, || {}, |_, _| {}, parking_lot_core::DEFAULT_PARK_TOKEN, None);
    }
}

/// Wakes every thread parked on `key`.
#[cfg(not(orochi_loom))]
pub(crate) fn unpark_all(key: usize) {
    // SAFETY: the key names memory that the caller owns; waking no one is allowed.
    unsafe {
        parking_lot_core::unpark_all(key, parking_lot_core::DEFAULT_UNPARK_TOKEN);
    }
}

#[cfg(orochi_loom)]
mod model_parking {
    use loom::sync::{Condvar, Mutex};
    loom::lazy_static! {
        static ref LOT: (Mutex<u64>, Condvar) = (Mutex::new(0), Condvar::new());
    }
    /// One queue for all keys: spurious wake-ups are allowed, lost ones are what the models look for.
    pub(crate) fn park(_key: usize, validate: impl FnOnce() -> bool) {
        let guard = LOT.0.lock().unwrap();
        if validate() {
            drop(LOT.1.wait(guard).unwrap());
        }
    }
    pub(crate) fn unpark_all(_key: usize) {
        let _guard = LOT.0.lock().unwrap();
        LOT.1.notify_all();
    }
}
#[cfg(orochi_loom)]
pub(crate) use model_parking::{park, unpark_all};

/// A spin-wait hint; under loom a yield, so that the model makes progress.
#[inline]
pub fn spin_hint() {
    #[cfg(not(orochi_loom))]
    std::hint::spin_loop();
    #[cfg(orochi_loom)]
    loom::thread::yield_now();
}

/// Busy for about so long, politely to the other half of the core. Spin hints take between a few and a hundred nanoseconds,
/// so they are no measure of time. Under loom a yield.
pub fn pause(time: std::time::Duration) {
    if cfg!(orochi_loom) {
        return spin_hint();
    }
    let start = std::time::Instant::now();
    while start.elapsed() < time {
        spin_hint();
        spin_hint();
    }
}
