//! Inline caches.
//!
//! A global's cache is two words: number of the globals' keys (upper half) and entry (lower half, [`ABSENT`] if the name
//! isn't among the globals), then the same for the builtins. Numbers of keys are never used twice, so an entry also
//! says which dict it is about; a reader sees a whole word or another whole one.
//!
//! An attribute's cache is one word: the id of the instance's shape (upper half), which also stands for its class as
//! it is now, and what is known of attributes of this name under that shape ([`KIND`]). Some kinds go by another number than
//! the shape's: a class's version, or that of a module's keys. The kind says which, so the numbers never mix.
//! A second word holds the method itself where the first says so ([`HELD`]); `held.rs` has the rules of that.

pub(super) mod descriptor;
pub(super) mod dictionary;

use super::cursor::{At, register_word};
use super::held;
use super::iter::{exact, exactly};
use orochi_compiler::opcode::NO_CACHE;
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::word::{self, Word};
use orochi_core::{Field, Header, Obj, Owner, Ref, Thread};
use orochi_objects::class::{PyClass, is_exact};
use orochi_objects::class_of;
use orochi_objects::slots::SlotId;
use orochi_objects::storage::dict::DictStorage;
use orochi_objects::storage::instance::{Attributes, cached, slot_field};
use orochi_objects::storage::known::{Entry, Use};
use orochi_objects::storage::shape::Shape;
use orochi_objects::thread::ThreadState;
use orochi_objects::types::dict::{DictExt, PyDict};
use orochi_objects::types::member::PyMember;
use orochi_objects::types::module::PyModule;
use orochi_objects::types::object::{self, PyObject};
use orochi_objects::types::property::PyProperty;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::r#type::{PyType, TypeExt};

/// The entry of a name that isn't there.
const ABSENT: u32 = u32::MAX;

#[inline(always)]
fn word_at<'a>(at: At, ext: u32, which: usize) -> &'a AtomicU64 {
    // SAFETY: an extension word's index; the frame keeps its code.
    unsafe { &*std::ptr::from_ref(at.frame().code().cache((ext >> 16) as usize + which)) }
}

/// The same for writing; None if the instruction has no cache.
fn own_word<'a>(at: At, ext: u32, which: usize) -> Option<&'a AtomicU64> {
    (ext >> 16 != u32::from(NO_CACHE)).then(|| word_at(at, ext, which))
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
    let (version, entry) = read(word_at(at, ext, 0));
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
    let (version, entry) = read(word_at(at, ext, 1));
    match function.plain_builtins() {
        Some(builtins) => builtins.storage().cached_register(thread, version, entry as usize),
        None => word::UNBOUND,
    }
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
    let (Some(cache), Some(second_cache)) = (own_word(at, ext, 0), own_word(at, ext, 1)) else { return };
    let function = at.frame().function();
    let Some(first) = locate(thread, function.globals(), name) else { return };
    if first as u32 == ABSENT {
        let Some(builtins) = function.plain_builtins() else { return };
        let Some(second) = locate(thread, builtins, name) else { return };
        if second as u32 == ABSENT {
            return;
        }
        second_cache.store(second, Ordering::Relaxed);
    }
    cache.store(first, Ordering::Relaxed);
}

/// What an attribute's cache says; the upper bits of its lower half. The rest is a [`VALUE`].
const KIND: u32 = 0xf << 28;
const VALUE: u32 = !KIND;
/// The instance's own attribute, so many bytes from its start. Zero, so that the commonest kind needs no decoding.
const FIELD: u32 = 0;
/// The instance's own attribute with this number.
const NUMBERED: u32 = 1 << 28;
/// The class has a method of the name and the instance no attribute.
const METHOD: u32 = 2 << 28;
/// The same for a class whose instances have no attributes of their own; the upper half is the class's version.
const TYPE_METHOD: u32 = 3 << 28;
/// With [`METHOD`], [`TYPE_METHOD`], [`CLASS`] and [`CLASS_VALUE`]: the second word is the method or value.
const HELD: u32 = 1;
/// Assigning makes an attribute that will lie so many bytes from the instance's start.
const NEW_FIELD: u32 = 4 << 28;
/// Nothing in the class minds an assignment.
const PLAIN_STORE: u32 = 5 << 28;
/// The entry of a module's namespace; the upper half is the version of its keys.
const MODULE: u32 = 6 << 28;
/// The object is a class, and what it has under the name isn't bound; the upper half is its own version.
const CLASS: u32 = 7 << 28;
/// The instance's class has a value that isn't bound, the instance no attribute.
const CLASS_VALUE: u32 = 8 << 28;
/// The instance's class has a property.
const PROPERTY: u32 = 9 << 28;
/// The place in `__slots__` with this number; the upper half is the class's version.
const SLOT: u32 = 10 << 28;
/// The place in `__slots__` that lies so many bytes from the object's start; the upper half is the class's version.
const SLOT_FIELD: u32 = 12 << 28;
/// As [`CLASS`], for a class of a metaclass: that must still leave attributes to `type`.
const META_CLASS: u32 = 11 << 28;
/// A descriptor is asked; see [`descriptor`].
const DESCRIPTOR: u32 = 13 << 28;
/// The instance has a dict, and nothing in the class comes before what is in it; see [`dictionary`].
const IN_DICT: u32 = 14 << 28;
/// The instance has a dict, and the class a method of the name.
const DICT_METHOD: u32 = 15 << 28;

fn is_generic(class: &PyType, slot: SlotId) -> bool {
    class.slots.raw(slot) == PyObject::static_type().get().slots.raw(slot)
}

fn write(at: At, ext: u32, (id, what): (u32, u32)) {
    if id != 0
        && let Some(cache) = own_word(at, ext, 0)
    {
        cache.store(u64::from(id) << 32 | u64::from(what), Ordering::Relaxed);
    }
}

#[inline(always)]
fn attribute_entry(at: At, ext: u32) -> (u32, u32) {
    read(word_at(at, ext, 0))
}

fn numbered(kind: u32, number: usize) -> Option<u32> {
    u32::try_from(number).ok().filter(|number| number & KIND == 0).map(|number| kind | number)
}

/// An instance's own attribute as a register's word; UNBOUND if the cache doesn't know, or knows it to be elsewhere.
#[inline(always)]
pub(super) fn attribute(thread: &Thread, at: At, ext: u32, object: &Header) -> Word {
    let (id, what) = attribute_entry(at, ext);
    // SAFETY: caches of kind FIELD hold what `offset_of` gave, those of kind SLOT_FIELD what `slot_offset` gave.
    let field = unsafe {
        match what & KIND {
            FIELD => cached::field(object, id, what),
            SLOT_FIELD => cached::slot(object, id, what & VALUE),
            MODULE => return module_attribute(thread, object, id, what & VALUE),
            _ => None,
        }
    };
    field.map_or(word::UNBOUND, |field| field.load_register(thread))
}

/// As [`attribute`] and [`held_value`], from what the thread knows of objects like this one.
#[inline]
pub(super) fn known_attribute(thread: &Thread, at: At, ext: u32, object: &Header) -> Word {
    let Some(entry) = known(thread, at, ext, object, Use::Load) else { return word::UNBOUND };
    if entry.what == CLASS_VALUE_HELD {
        return entry.word;
    }
    if entry.what == IN_DICT {
        return dictionary::value(thread, object, name_of(at, ext));
    }
    // SAFETY: as in `attribute`: entries hold what caches hold.
    let field = unsafe {
        match entry.what & KIND {
            FIELD => cached::field(object, entry.number(), entry.what),
            SLOT_FIELD => cached::slot(object, entry.number(), entry.what & VALUE),
            _ => None,
        }
    };
    field.map_or(word::UNBOUND, |field| field.load_register(thread))
}

/// As [`held_method`], from what the thread knows of objects like this one.
#[inline]
pub(super) fn known_method(thread: &Thread, at: At, ext: u32, object: &Header) -> Word {
    match known(thread, at, ext, object, Use::Method) {
        Some(entry)
            if entry.what != DICT_METHOD_HELD || dictionary::lacks(thread, object, name_of(at, ext)) =>
        {
            entry.word
        }
        _ => word::UNBOUND,
    }
}

/// What the thread knows of a name of objects like this one: those of its shape, or of its class if they have none.
#[inline(always)]
fn known<'a>(thread: &'a Thread, at: At, ext: u32, object: &Header, how: Use) -> Option<&'a Entry> {
    let shape = cached::fixed_shape_id(object);
    let number = if shape == 0 { class_in(object).version() } else { shape };
    let by_class = |what: u32| matches!(what & KIND, SLOT_FIELD | TYPE_METHOD);
    let entry = ThreadState::of(thread).known.find(name_of(at, ext), how, number)?;
    if by_class(entry.what) != (shape == 0) {
        return None;
    }
    pass_on(thread, at, ext, entry);
    Some(entry)
}

/// Gives an instruction's own cache what the thread knew: if it is empty, and otherwise now and then.
fn pass_on(thread: &Thread, at: At, ext: u32, entry: &Entry) {
    let Some(cache) = own_word(at, ext, 0) else { return };
    // Relaxed: only whether there is something.
    if cache.load(Ordering::Relaxed) != 0 && !ThreadState::of(thread).known.is_turn() {
        return;
    }
    let is_held = matches!(entry.what, CLASS_VALUE_HELD | METHOD_HELD | TYPE_METHOD_HELD | DICT_METHOD_HELD);
    if !is_held {
        write(at, ext, (entry.number(), entry.what));
    } else if held::hold_word(word_at(at, ext, 1), entry.word) {
        say(at, ext, (entry.number(), entry.what));
    } else {
        say(at, ext, (entry.number(), entry.what & !HELD));
    }
}

pub(super) fn name_of(at: At, ext: u32) -> &'static Obj<PyStr> {
    let name = at.frame().code().name_at((ext & 0xffff) as usize);
    // SAFETY: names of code are interned, and so immortal.
    unsafe { &*std::ptr::from_ref(name) }
}

#[inline(always)]
fn module_attribute(thread: &Thread, object: &Header, version: u32, entry: u32) -> Word {
    match exact::<PyModule>(object).and_then(|module| module.plain_namespace(thread)) {
        Some(namespace) => namespace.storage().cached_register(thread, version, entry as usize),
        None => word::UNBOUND,
    }
}

/// What the cache says of a class's value, if that is [`HELD`]: a word for a register; UNBOUND otherwise. The object is the class, or
/// an instance that has no attribute of the name.
#[inline(always)]
pub(super) fn held_value(at: At, ext: u32, object: &Header) -> Word {
    let is_current = |id, what| match what {
        CLASS_VALUE_HELD => cached::fixed_shape_id(object) == id,
        CLASS_HELD => exact::<PyType>(object).is_some_and(|class| class.has_version(id)),
        _ => false,
    };
    held::load(word_at(at, ext, 0), is_current, || word_at(at, ext, 1))
}

/// The same for attributes wherever they are, but for properties.
#[inline(never)]
pub(super) fn any_attribute(thread: &Thread, at: At, ext: u32, object: Ref<'_>, name: &Obj<PyStr>) -> Word {
    let (id, what) = attribute_entry(at, ext);
    let value = (what & VALUE) as usize;
    let Some(header) = object.header() else { return word::UNBOUND };
    let found = match what & KIND {
        _ if id == 0 => None,
        FIELD | SLOT_FIELD | MODULE => return attribute(thread, at, ext, header),
        NUMBERED => match Attributes::of(object) {
            Some(attributes) => return attributes.cached_register(thread, id, value),
            None => None,
        },
        CLASS => object.downcast::<PyType>().filter(|class| class.version() == id),
        META_CLASS => object
            .downcast::<PyType>()
            .filter(|class| class.version() == id && is_left_to_type(thread, object, name)),
        CLASS_VALUE => (cached::shape_id(header) == id).then(|| class_of(object)),
        SLOT if class_of(object).version() == id => {
            let field = slot_field(object, value);
            return field.map_or(word::UNBOUND, |field| field.load_register(thread));
        }
        _ => None,
    };
    found.and_then(|class| class.lookup(thread, name)).map_or(word::UNBOUND, register_word)
}

/// The property that the cache knows the object's class to have.
#[inline]
pub(super) fn property<'a>(
    thread: &'a Thread,
    at: At,
    ext: u32,
    object: Ref<'a>,
    name: &Obj<PyStr>,
) -> Option<&'a Obj<PyProperty>> {
    let (id, what) = attribute_entry(at, ext);
    if what != PROPERTY || id == 0 || cached::shape_id(object.header()?) != id {
        return None;
    }
    class_of(object).lookup(thread, name).and_then(exactly)
}

/// Fills the cache of an attribute that is about to be read.
#[cold]
pub(super) fn remember_attribute(thread: &Thread, at: At, ext: u32, object: Ref<'_>, name: &Obj<PyStr>) {
    if descriptor::remember(thread, at, ext, object, name) {
        return;
    }
    let found = if let Some(module) = object.downcast::<PyModule>() {
        locate_in_module(thread, module, name)
    } else if let Some(class) = object.downcast::<PyType>() {
        locate_in_class(thread, class, name)
    } else {
        locate_in_instance(thread, object, name)
    };
    let Some((id, what)) = found else { return };
    // Id and version were taken before: should the class change meanwhile, they are stale.
    let value = match what {
        CLASS => object.downcast::<PyType>().and_then(|class| class.lookup(thread, name)),
        CLASS_VALUE => class_of(object).lookup(thread, name),
        _ => None,
    };
    let place = own_word(at, ext, 1);
    match value {
        Some(value) => {
            // Classes themselves are found by their own version, not by that of their class.
            if what == CLASS_VALUE && is_kept(value) {
                ThreadState::of(thread).known.note(name, Use::Load, id, what | HELD, register_word(value));
            }
            match place {
                Some(place) if id != 0 && held::hold(place, value) => say(at, ext, (id, what | HELD)),
                _ => write(at, ext, (id, what)),
            }
        }
        None => {
            if matches!(what & KIND, FIELD | SLOT_FIELD | IN_DICT) {
                ThreadState::of(thread).known.note(name, Use::Load, id, what, word::UNBOUND);
            }
            write(at, ext, (id, what));
        }
    }
}

/// Whether a value that a class holds may be held without being counted.
fn is_kept(value: Ref<'_>) -> bool {
    value.header().is_none_or(Header::is_shared)
}

/// Fills a cache after what it speaks of is in its second word.
fn say(at: At, ext: u32, (id, what): (u32, u32)) {
    if let Some(cache) = own_word(at, ext, 0) {
        held::say(cache, id, what);
    }
}

/// Whether objects of this class are bound to what is found in the instance's class.
fn is_bound(object: Ref<'_>) -> bool {
    class_of(object).slots.tp_descr_get().is_some()
}

fn locate_in_module(thread: &Thread, module: &Obj<PyModule>, name: &Obj<PyStr>) -> Option<(u32, u32)> {
    let class = PyModule::static_type();
    if !is_exact(module.get(), class) || class.get().lookup(thread, name).is_some() {
        return None;
    }
    let word = locate(thread, module.namespace(thread), name)?;
    let entry = word as u32;
    if entry == ABSENT { None } else { Some(((word >> 32) as u32, numbered(MODULE, entry as usize)?)) }
}

fn locate_in_class(thread: &Thread, class: &Obj<PyType>, name: &Obj<PyStr>) -> Option<(u32, u32)> {
    // The version before the search: it is stale if the class changes meanwhile.
    let version = class.version();
    if !is_left_to_type(thread, class.get(), name) {
        return None;
    }
    let found = class.lookup(thread, name)?;
    let plain = !is_bound(found) || descriptor::is_function(found);
    let kind = if is_exact(class.get(), PyType::static_type()) { CLASS } else { META_CLASS };
    plain.then_some((version, kind))
}

/// Whether the class's metaclass looks attributes up as `type` does, and has none of this name.
fn is_left_to_type(thread: &Thread, class: Ref<'_>, name: &Obj<PyStr>) -> bool {
    let (meta, plain) = (class_of(class), PyType::static_type().get());
    let generic = meta.slots.raw(SlotId::tp_getattro) == plain.slots.raw(SlotId::tp_getattro);
    generic && meta.lookup(thread, name).is_none()
}

/// What the cache says of a member of the object's class that `__slots__` declares.
fn slot_place(object: Ref<'_>, member: &Obj<PyMember>) -> Option<u32> {
    if !class_of(object).is_subtype_of(member.class().downcast::<PyType>()?) {
        return None;
    }
    let index = member.index()?;
    match cached::slot_offset(object, index) {
        Some(offset) => numbered(SLOT_FIELD, offset as usize),
        None => numbered(SLOT, index),
    }
}

fn locate_in_instance(thread: &Thread, object: Ref<'_>, name: &Obj<PyStr>) -> Option<(u32, u32)> {
    let class = class_of(object);
    let is_plain = is_generic(class, SlotId::tp_getattro);
    if !is_plain && !object::has_getattr_hook(thread, class) {
        return None;
    }
    // Version and id before the search, as above.
    let version = class.version();
    let attributes = Attributes::of(object);
    let shape = attributes.map(|attributes| attributes.shape());
    let id = shape.map_or(0, |shape| number(class, shape));
    let in_class = class.lookup(thread, name);
    if let Some(member) = in_class.and_then(exactly::<PyMember>) {
        return Some((version, slot_place(object, member)?));
    }
    let shape = shape?;
    if in_class.is_some_and(|found| class_of(found).slots.tp_descr_set().is_some()) {
        let property = in_class.is_some_and(|found| is_exact(found, PyProperty::static_type()));
        // What raises AttributeError is asked of `__getattr__`.
        return (property && is_plain).then_some((id, PROPERTY));
    }
    if shape.is_dictionary() {
        return Some((id, IN_DICT));
    }
    if let Some(index) = shape.find(name) {
        let what = match cached::offset_of(object, index) {
            Some(offset) => numbered(FIELD, offset as usize),
            None => numbered(NUMBERED, index),
        };
        return Some((id, what?));
    }
    (!is_bound(in_class?)).then_some((id, CLASS_VALUE))
}

/// The method of this name that the cache knows the object's class to have, as a register's word; UNBOUND if it doesn't. It
/// may be called unbound.
#[inline(always)]
pub(super) fn held_method(at: At, ext: u32, object: &Header) -> Word {
    let is_current = |id, what| match what {
        METHOD_HELD => cached::fixed_shape_id(object) == id,
        TYPE_METHOD_HELD => class_in(object).has_version(id),
        _ => false,
    };
    held::load(word_at(at, ext, 0), is_current, || word_at(at, ext, 1))
}

const CLASS_HELD: u32 = CLASS | HELD;
const CLASS_VALUE_HELD: u32 = CLASS_VALUE | HELD;
const METHOD_HELD: u32 = METHOD | HELD;
const TYPE_METHOD_HELD: u32 = TYPE_METHOD | HELD;
const DICT_METHOD_HELD: u32 = DICT_METHOD | HELD;

/// Whether the cache says that the object's class has a method of this name that may be called unbound.
pub(super) fn is_method(at: At, ext: u32, object: Ref<'_>) -> bool {
    let (id, what) = attribute_entry(at, ext);
    match (what & KIND, object.header()) {
        (METHOD, Some(header)) => id != 0 && cached::shape_id(header) == id,
        (TYPE_METHOD, _) => class_of(object).version() == id,
        _ => false,
    }
}

/// The class of a heap object.
#[inline(always)]
pub(super) fn class_in(object: &Header) -> &Obj<PyType> {
    // SAFETY: classes are PyType objects and outlive their instances.
    unsafe { &*object.class().cast() }
}

/// The shape's number for caches; 0 while the class is being changed.
fn number(class: &Obj<PyType>, shape: &Shape) -> u32 {
    let id = shape.make_id();
    // Afterwards: a number that was given out during the change isn't used before the change is done.
    if class.is_changing() { 0 } else { id }
}

/// What a method's cache will say of this object; to be taken before the method is looked up.
pub(super) fn method_key(object: Ref<'_>) -> (u32, u32) {
    match Attributes::of(object) {
        Some(attributes) => {
            let shape = attributes.shape();
            let kind = if shape.is_dictionary() { DICT_METHOD } else { METHOD };
            (number(class_of(object), shape), kind)
        }
        // A module's own attributes are in its namespace.
        None if object.downcast::<PyModule>().is_some() => (0, METHOD),
        None => (class_of(object).version(), TYPE_METHOD),
    }
}

/// Fills the cache of a method that was found.
pub(super) fn remember_method(
    thread: &Thread,
    at: At,
    ext: u32,
    (id, kind): (u32, u32),
    name: &Obj<PyStr>,
    method: Ref<'_>,
) {
    if is_kept(method) {
        ThreadState::of(thread).known.note(name, Use::Method, id, kind | HELD, register_word(method));
    }
    let is_held = own_word(at, ext, 1).is_some_and(|place| held::hold(place, method));
    if id != 0 {
        say(at, ext, (id, if is_held { kind | HELD } else { kind }));
    }
}

/// The place of an attribute that a local instance has, if the cache knows it.
#[inline(always)]
pub(super) fn local_field(at: At, ext: u32, object: &Header) -> Option<&Field> {
    let (id, what) = attribute_entry(at, ext);
    // SAFETY: as in `attribute`.
    unsafe {
        match what & KIND {
            FIELD => cached::local_field(object, id, what),
            SLOT_FIELD => cached::local_slot(object, id, what & VALUE),
            _ => None,
        }
    }
}

/// The same, from what the thread knows of objects like this one.
#[inline(always)]
pub(super) fn known_field<'a>(thread: &Thread, at: At, ext: u32, object: &'a Header) -> Option<&'a Field> {
    let entry = known(thread, at, ext, object, Use::Store)?;
    // SAFETY: as in `known_attribute`.
    unsafe {
        match entry.what & KIND {
            FIELD => cached::local_field(object, entry.number(), entry.what),
            SLOT_FIELD => cached::local_slot(object, entry.number(), entry.what & VALUE),
            _ => None,
        }
    }
}

/// Gives a local instance an attribute whose place the cache or the thread knows; `false` if they don't: nothing has been done
/// then. `take` gives the register's word.
#[inline(always)]
pub(super) fn add(thread: &Thread, at: At, ext: u32, object: &Header, take: impl FnOnce() -> Word) -> bool {
    let (id, what) = attribute_entry(at, ext);
    let growing = match what & KIND {
        NEW_FIELD => cached::growing(object, id, name_of(at, ext)).map(|growing| (growing, what)),
        _ => None,
    };
    let Some((growing, what)) = growing.or_else(|| known_growing(thread, at, ext, object)) else {
        return false;
    };
    // SAFETY: caches of kind NEW_FIELD hold what `offset_of` gave for the next attribute.
    unsafe { growing.add(what & VALUE, take()) };
    true
}

/// An instance that may get an attribute, from what the thread knows of objects like this one; and the cache's lower half.
#[inline(always)]
fn known_growing<'a>(
    thread: &Thread,
    at: At,
    ext: u32,
    object: &'a Header,
) -> Option<(cached::Growing<'a>, u32)> {
    let entry = known(thread, at, ext, object, Use::Store).filter(|entry| entry.what & KIND == NEW_FIELD)?;
    Some((cached::growing(object, entry.number(), name_of(at, ext))?, entry.what))
}

/// Whether the cache says that nothing in the object's class minds an assignment of this attribute.
#[inline]
pub(super) fn is_plain_store(at: At, ext: u32, object: &Header) -> bool {
    let (id, what) = attribute_entry(at, ext);
    id != 0 && matches!(what & KIND, FIELD | NEW_FIELD | PLAIN_STORE) && cached::shape_id(object) == id
}

/// What an assignment's cache will say; to be taken before the assignment.
pub(super) fn store_key(thread: &Thread, object: Ref<'_>, name: &Obj<PyStr>) -> (u32, u32) {
    let class = class_of(object);
    // Version and id before the search, as above.
    let version = class.version();
    if let Some(member) = class.lookup(thread, name).and_then(exactly::<PyMember>) {
        let place = if is_generic(class, SlotId::tp_setattro) { slot_place(object, member) } else { None };
        return place.map_or((0, PLAIN_STORE), |place| (version, place));
    }
    let Some(attributes) = Attributes::of(object) else { return (0, PLAIN_STORE) };
    let shape = attributes.shape();
    let id = number(class, shape);
    if !is_generic(class, SlotId::tp_setattro) || !name.is_interned() {
        return (0, PLAIN_STORE);
    }
    let minds =
        class.lookup(thread, name).is_some_and(|found| class_of(found).slots.tp_descr_set().is_some());
    if minds {
        return (0, PLAIN_STORE);
    }
    if shape.is_dictionary() {
        return (id, PLAIN_STORE);
    }
    let (index, kind) = shape.find(name).map_or((shape.len(), NEW_FIELD), |index| (index, FIELD));
    let offset = cached::offset_of(object, index);
    let what = offset.and_then(|offset| numbered(kind, offset as usize)).unwrap_or(PLAIN_STORE);
    (id, what)
}

/// Fills the cache of an assignment.
pub(super) fn remember_store(thread: &Thread, at: At, ext: u32, (id, what): (u32, u32)) {
    if matches!(what & KIND, FIELD | NEW_FIELD | SLOT_FIELD) {
        ThreadState::of(thread).known.note(name_of(at, ext), Use::Store, id, what, word::UNBOUND);
    }
    write(at, ext, (id, what));
}
