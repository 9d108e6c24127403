//! Inline caches.
//!
//! A global's cache is two words: number of the globals' keys (upper half) and entry (lower half, [`ABSENT`] if the name
//! isn't among the globals), then the same for the builtins. Numbers of keys are never used twice, so an entry also
//! says which dict it is about; a reader sees a whole word or another whole one.

use super::cursor::At;
use orochi_compiler::opcode::NO_CACHE;
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::word::{self, Word};
use orochi_core::{Obj, Owner, Thread};
use orochi_objects::class::{PyClass, is_exact};
use orochi_objects::storage::dict::DictStorage;
use orochi_objects::types::dict::{DictExt, PyDict};
use orochi_objects::types::str::PyStr;

/// The entry of a name that isn't there.
const ABSENT: u32 = u32::MAX;

#[inline(always)]
fn word_at<'a>(at: At, index: usize) -> Option<&'a AtomicU64> {
    let cache = at.frame().code().caches.get(index)?;
    // SAFETY: the frame keeps its code.
    Some(unsafe { &*std::ptr::from_ref(cache) })
}

#[inline(always)]
fn read(cache: &AtomicU64) -> (u32, u32) {
    // Relaxed: the word is all there is to see; what it leads to is checked by its number.
    let word = cache.load(Ordering::Relaxed);
    ((word >> 32) as u32, word as u32)
}

/// A global or builtin as a register's word; UNBOUND if the cache doesn't know.
#[inline(always)]
pub(super) fn global(thread: &Thread, at: At, ext: u32) -> Word {
    let index = (ext >> 16) as usize;
    let Some(cache) = word_at(at, index) else { return word::UNBOUND };
    let (version, entry) = read(cache);
    if version == 0 {
        return word::UNBOUND;
    }
    let function = at.frame().function();
    let globals = function.globals().storage();
    if entry != ABSENT {
        return globals.cached_register(thread, version, entry as usize);
    }
    if !globals.has_version(version) {
        return word::UNBOUND;
    }
    let Some(cache) = word_at(at, index + 1) else { return word::UNBOUND };
    let (version, entry) = read(cache);
    let builtins = function.builtins();
    if version == 0 || !is_exact(builtins, PyDict::static_type()) {
        return word::UNBOUND;
    }
    // SAFETY: exactly a dict.
    unsafe { builtins.cast::<PyDict>() }.storage().cached_register(thread, version, entry as usize)
}

/// Where a name lies in a dict, as a cache word; `None` if it can't be cached.
fn locate(thread: &Thread, dict: &Obj<PyDict>, name: &Obj<PyStr>) -> Option<u64> {
    let storage: &DictStorage = dict.storage();
    let version = storage.keys_version(Owner::of(dict.header()), thread);
    if version == 0 {
        return None;
    }
    let entry = match dict.find_str(thread, name) {
        Some(found) => u32::try_from(DictStorage::index_of(found)).ok().filter(|entry| *entry != ABSENT)?,
        None => ABSENT,
    };
    storage.has_version(version).then_some(u64::from(version) << 32 | u64::from(entry))
}

/// Fills the cache of a name that was found among the globals or the builtins.
pub(super) fn remember_global(thread: &Thread, at: At, ext: u32, name: &Obj<PyStr>) {
    let index = (ext >> 16) as usize;
    if index == usize::from(NO_CACHE) {
        return;
    }
    let function = at.frame().function();
    let Some(first) = locate(thread, function.globals(), name) else { return };
    if first as u32 == ABSENT {
        let builtins = function.builtins();
        if !is_exact(builtins, PyDict::static_type()) {
            return;
        }
        // SAFETY: exactly a dict.
        let Some(second) = locate(thread, unsafe { builtins.cast() }, name) else { return };
        if second as u32 == ABSENT {
            return;
        }
        if let Some(cache) = word_at(at, index + 1) {
            cache.store(second, Ordering::Relaxed);
        }
    }
    if let Some(cache) = word_at(at, index) {
        cache.store(first, Ordering::Relaxed);
    }
}
