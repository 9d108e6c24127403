//! Inline caches of instances whose attributes are in a dict, because somebody has asked for it.
//!
//! They have the dictionary shape of their class. Its number says what holds for the class: that no data descriptor comes before the
//! instance's own attribute ([`IN_DICT`]), or which method there is if the instance has no attribute of the name ([`DICT_METHOD`]).
//! What is in the dict is asked each time.

use super::super::cursor::{At, register_word};
use super::super::held;
use super::super::iter::exactly;
use super::{DICT_METHOD, HELD, IN_DICT, attribute_entry, is_bound, word_at};
use orochi_core::word::{self, Word};
use orochi_core::{Header, Obj, Ref, Thread};
use orochi_objects::class_of;
use orochi_objects::storage::instance::{Attributes, cached};
use orochi_objects::types::dict::PyDict;
use orochi_objects::types::key::Key;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::r#type::TypeExt;

/// What is under the name in the instance's dict; `None` if that can't be found out here.
fn own<'a>(thread: &'a Thread, object: &'a Header, name: &Obj<PyStr>) -> Option<Option<Ref<'a>>> {
    let Some(dict) = Attributes::of(object.into())?.dict(thread) else { return Some(None) };
    let key = Key::of_str(name);
    exactly::<PyDict>(dict)?.storage().get(thread, key.hash, key.word(), &key).ok()
}

/// An attribute of an instance with a dict of whose class [`IN_DICT`] holds; UNBOUND if there is none.
#[inline(never)]
pub(super) fn value(thread: &Thread, object: &Header, name: &Obj<PyStr>) -> Word {
    let Some(own) = own(thread, object, name) else { return word::UNBOUND };
    let in_class = || class_of(object.into()).lookup(thread, name).filter(|found| !is_bound(*found));
    own.or_else(in_class).map_or(word::UNBOUND, register_word)
}

/// Whether an instance with a dict has no attribute of the name.
#[inline(never)]
pub(super) fn lacks(thread: &Thread, object: &Header, name: &Obj<PyStr>) -> bool {
    matches!(own(thread, object, name), Some(None))
}

/// The attribute of an instance with a dict as a register's word, if the cache is about that; UNBOUND otherwise.
#[inline(always)]
pub(in super::super) fn attribute(
    thread: &Thread,
    at: At,
    ext: u32,
    object: &Header,
    name: &Obj<PyStr>,
) -> Word {
    match attribute_entry(at, ext) {
        (id, IN_DICT) if cached::shape_id(object) == id => value(thread, object, name),
        _ => word::UNBOUND,
    }
}

/// The same for a method of the class.
#[inline(always)]
pub(in super::super) fn method(
    thread: &Thread,
    at: At,
    ext: u32,
    object: &Header,
    name: &Obj<PyStr>,
) -> Word {
    let is_current = |id, what| what == DICT_METHOD | HELD && cached::shape_id(object) == id;
    match held::load(word_at(at, ext, 0), is_current, || word_at(at, ext, 1)) {
        word::UNBOUND => word::UNBOUND,
        method if lacks(thread, object, name) => method,
        _ => word::UNBOUND,
    }
}
