//! The two words of an inline cache that hold a method: what is known, and the method itself as a register's word, not counted.
//!
//! What must hold:
//! 1. The second word is filled once and never changes, before a first word that speaks of it (Release).
//! 2. While the number in the first word is current the class holds the method (its old number is given up before what a
//!    change took out of it is dropped). All that classes hold is shared, so a register may borrow it.

use orochi_core::Ref;
use orochi_core::sync::{AtomicU64, Ordering, check};
use orochi_core::word::{self, Word};

/// The held method, if the first word speaks of one and `is_current` says so of its number and kind; UNBOUND otherwise.
#[inline(always)]
pub(super) fn load<'a>(
    first: &AtomicU64,
    is_current: impl FnOnce(u32, u32) -> bool,
    second: impl FnOnce() -> &'a AtomicU64,
) -> Word {
    load_with_kind(first, is_current, second).1
}

/// The same with the kind.
#[inline(always)]
pub(super) fn load_with_kind<'a>(
    first: &AtomicU64,
    is_current: impl FnOnce(u32, u32) -> bool,
    second: impl FnOnce() -> &'a AtomicU64,
) -> (u32, Word) {
    // Acquire: invariant 1.
    let word = first.load(Ordering::Acquire);
    let is_current = check("held method: current", is_current((word >> 32) as u32, word as u32));
    // Acquire: the method as it was when it became a class's.
    (word as u32, if is_current { second().load(Ordering::Acquire) } else { word::UNBOUND })
}

/// Puts a method (or another value of a class) into the second word; whether it lies there now.
pub(super) fn hold(second: &AtomicU64, method: Ref<'_>) -> bool {
    let word = match method.header() {
        Some(header) if !header.is_shared() => return false,
        Some(_) => method.word() | word::BORROWED,
        None => method.word(),
    };
    hold_word(second, word)
}

/// The same for the word that a register has for it.
pub(super) fn hold_word(second: &AtomicU64, word: Word) -> bool {
    // Release pairs with the second Acquire in `load`.
    match second.compare_exchange(0, word, Ordering::Release, Ordering::Relaxed) {
        Ok(_) => true,
        Err(other) => other == word,
    }
}

/// Says what is known, after [`hold`] if that is about a held method.
pub(super) fn say(first: &AtomicU64, id: u32, what: u32) {
    // Release: invariant 1.
    first.store(u64::from(id) << 32 | u64::from(what), Ordering::Release);
}
