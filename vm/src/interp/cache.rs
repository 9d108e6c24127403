//! Inline caches.
//!
//! A global's cache is two words: number of the globals' keys (upper half) and entry (lower half, [`ABSENT`] if the name
//! isn't among the globals), then the same for the builtins. Numbers of keys are never used twice, so an entry also
//! says which dict it is about; a reader sees a whole word or another whole one.
//!
//! An attribute's cache is one word: the id of the instance's shape (upper half), which also stands for its class as
//! it is now, and the number of the attribute under that shape, [`METHOD`] or [`PLAIN_STORE`]. Instances without shapes are
//! known by their class's version instead, with [`TYPE_METHOD`].

use super::cursor::At;
use orochi_compiler::opcode::NO_CACHE;
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::word::{self, Word};
use orochi_core::{Obj, Owner, Ref, Thread};
use orochi_objects::class::{PyClass, is_exact};
use orochi_objects::class_of;
use orochi_objects::slots::SlotId;
use orochi_objects::storage::dict::DictStorage;
use orochi_objects::storage::instance::Attributes;
use orochi_objects::types::dict::{DictExt, PyDict};
use orochi_objects::types::object::PyObject;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::r#type::{PyType, TypeExt};

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

/// The class has a method of the name and the instance no attribute.
const METHOD: u32 = u32::MAX;
/// The same for a class whose instances have no attributes of their own; the upper half is the class's version.
const TYPE_METHOD: u32 = u32::MAX - 1;
/// Nothing in the class minds an assignment.
const PLAIN_STORE: u32 = u32::MAX - 2;

fn is_generic(class: &PyType, slot: SlotId) -> bool {
    class.slots.raw(slot) == PyObject::static_type().get().slots.raw(slot)
}

fn write(at: At, ext: u32, id: u32, what: u32) {
    if id != 0
        && let Some(cache) = word_at(at, (ext >> 16) as usize)
    {
        cache.store(u64::from(id) << 32 | u64::from(what), Ordering::Relaxed);
    }
}

/// An instance's own attribute as a register's word; UNBOUND if the cache doesn't know.
#[inline(always)]
pub(super) fn attribute(thread: &Thread, at: At, ext: u32, object: Ref<'_>) -> Word {
    let Some(cache) = word_at(at, (ext >> 16) as usize) else { return word::UNBOUND };
    let (id, index) = read(cache);
    if id == 0 || index >= PLAIN_STORE {
        return word::UNBOUND;
    }
    match Attributes::of(object) {
        Some(attributes) => attributes.cached_register(thread, id, index as usize),
        None => word::UNBOUND,
    }
}

/// Fills the cache of an attribute that was read, if the instance itself has it.
#[cold]
pub(super) fn remember_attribute(thread: &Thread, at: At, ext: u32, object: Ref<'_>, name: &Obj<PyStr>) {
    let class = class_of(object);
    let Some(attributes) = Attributes::of(object) else { return };
    let shape = attributes.shape();
    let id = shape.make_id();
    if shape.is_dictionary() || !is_generic(class, SlotId::tp_getattro) {
        return;
    }
    let Some(index) = shape.find(name) else { return };
    // A data descriptor would come first.
    let hidden =
        class.lookup(thread, name).is_some_and(|found| class_of(found).slots.tp_descr_set().is_some());
    if !hidden && let Ok(index) = u32::try_from(index) {
        write(at, ext, id, index);
    }
}

/// Whether the cache says that the object's class has a method of this name that may be called unbound.
#[inline(always)]
pub(super) fn is_method(at: At, ext: u32, object: Ref<'_>) -> bool {
    let Some(cache) = word_at(at, (ext >> 16) as usize) else { return false };
    let (id, what) = read(cache);
    match what {
        METHOD => Attributes::of(object).is_some_and(|attributes| attributes.shape().id() == id) && id != 0,
        TYPE_METHOD => class_of(object).version() == id,
        _ => false,
    }
}

/// What a method's cache will say of this object; to be taken before the method is looked up.
pub(super) fn method_key(object: Ref<'_>) -> (u32, u32) {
    match Attributes::of(object) {
        Some(attributes) if attributes.shape().is_dictionary() => (0, METHOD),
        Some(attributes) => (attributes.shape().make_id(), METHOD),
        None => (class_of(object).version(), TYPE_METHOD),
    }
}

/// Fills the cache of a method that was found.
pub(super) fn remember_method(at: At, ext: u32, key: (u32, u32)) {
    write(at, ext, key.0, key.1);
}

/// Whether the cache says that nothing in the object's class minds an assignment of this attribute.
#[inline(always)]
pub(super) fn is_plain_store(at: At, ext: u32, attributes: &Attributes<'_>) -> bool {
    let Some(cache) = word_at(at, (ext >> 16) as usize) else { return false };
    let (id, what) = read(cache);
    what == PLAIN_STORE && id != 0 && attributes.shape().id() == id
}

/// The key for [`remember_store`]; to be taken before the assignment.
pub(super) fn store_key(thread: &Thread, object: Ref<'_>, name: &Obj<PyStr>) -> u32 {
    let class = class_of(object);
    let Some(attributes) = Attributes::of(object) else { return 0 };
    let shape = attributes.shape();
    let id = shape.make_id();
    if shape.is_dictionary() || !is_generic(class, SlotId::tp_setattro) || !name.is_interned() {
        return 0;
    }
    let minds =
        class.lookup(thread, name).is_some_and(|found| class_of(found).slots.tp_descr_set().is_some());
    if minds { 0 } else { id }
}

/// Fills the cache of an assignment.
pub(super) fn remember_store(at: At, ext: u32, key: u32) {
    write(at, ext, key, PLAIN_STORE);
}
