//! The façade over atomics, locks, parking and threads.
//!
//! Everything concurrent in this crate (and the containers' storage above it) names its primitives through this
//! module, so that building with `--cfg orochi_loom` runs the same code under the loom model checker. Nothing else
//! names `std::sync` or `loom`.

#[cfg(not(orochi_loom))]
pub use std::sync::{
    Arc, Condvar, Mutex, MutexGuard,
    atomic::{
        AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    },
};

#[cfg(orochi_loom)]
pub use loom::sync::{
    Arc, Condvar, Mutex, MutexGuard,
    atomic::{
        AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    },
};

/// Takes a façade mutex; a poisoned one (its holder panicked) is taken all the same, since every structure behind such a
/// mutex is valid between any two of its statements.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
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
pub fn spin_hint() {
    #[cfg(not(orochi_loom))]
    std::hint::spin_loop();
    #[cfg(orochi_loom)]
    loom::thread::yield_now();
}
