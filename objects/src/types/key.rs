//! Keys of dicts and sets: their hash, and how they compare with keys in a table without calling Python code.

use crate::class::exactly;
use crate::error::{PyErr, PyResult, type_error};
use crate::protocol;
use crate::protocol::compare::plain_tuple_eq;
use crate::slots::SlotId;
use crate::storage::{KeyMatch, KeyMatcher};
use crate::types::exception;
use crate::types::object::is_objects;
use crate::types::str::PyStr;
use crate::types::tuple::PyTuple;
use crate::types::r#type::PyType;
use orochi_core::word::Word;
use orochi_core::{Obj, Ref, Thread};
use orochi_text::hash::TupleHasher;

/// A key that is sought.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    /// The object.
    pub object: Ref<'a>,
    /// Its hash.
    pub hash: i64,
    kind: Kind<'a>,
}

#[derive(Clone, Copy)]
enum Kind<'a> {
    /// An exact str.
    Str(&'a [u8]),
    /// A small int or a bool.
    Int(i64),
    /// An exact tuple.
    Tuple(&'a Obj<PyTuple>),
    /// What only is equal to itself.
    Identity,
    Other,
}

impl<'a> Kind<'a> {
    /// The kind of what is neither a str nor a small int.
    #[inline]
    fn of_other(object: Ref<'a>) -> Kind<'a> {
        exactly::<PyTuple>(object).map_or(Kind::Other, Kind::Tuple)
    }
}

impl<'a> Key<'a> {
    /// The key of an exact str.
    #[inline]
    pub fn of_str(string: &'a Obj<PyStr>) -> Key<'a> {
        Key { object: string.get(), hash: string.hash(), kind: Kind::Str(string.as_bytes()) }
    }

    /// The key of any object. Raises what its `__hash__` raises.
    #[inline]
    pub fn new(thread: &mut Thread, object: Ref<'a>) -> PyResult<Key<'a>> {
        if let Some(key) = Key::without_python(object) {
            return Ok(key);
        }
        let hash = protocol::hash(thread, object)?;
        Ok(Key { object, hash, kind: Kind::of_other(object) })
    }

    /// The key of an object whose hash is known.
    pub fn with_hash(object: Ref<'a>, hash: i64) -> Key<'a> {
        let kind = if let Some(string) = exact_str(object) {
            Kind::Str(string.as_bytes())
        } else if let Some(small) = object.as_small_int() {
            Kind::Int(small)
        } else if object.on_heap().is_some() && is_compared_by_identity(object) {
            Kind::Identity
        } else {
            Kind::of_other(object)
        };
        Key { object, hash, kind }
    }

    /// The key of an exact str or small int, of what is hashed by its address, or of a tuple of such: they can be hashed without
    /// calling anything.
    #[inline]
    pub fn without_python(object: Ref<'a>) -> Option<Key<'a>> {
        if let Some(string) = exact_str(object) {
            return Some(Key::of_str(string));
        }
        if let Some(small) = object.as_small_int() {
            return Some(Key { object, hash: hash_small(small), kind: Kind::Int(small) });
        }
        match exactly::<PyTuple>(object) {
            Some(tuple) => Key::of_tuple(tuple),
            None => Key::of_identity(object),
        }
    }

    /// The key of an object that is hashed by its address, and equal to nothing but itself: a class or a function, say.
    fn of_identity(object: Ref<'a>) -> Option<Key<'a>> {
        // Classes of `type` itself are the commonest; nothing can change how they compare.
        let is_class = exactly::<PyType>(object).is_some();
        let plain = is_class || object.on_heap().is_some() && is_compared_by_identity(object);
        plain.then(|| Key { object, hash: crate::hash::of_address(object), kind: Kind::Identity })
    }

    fn of_tuple(tuple: &'a Obj<PyTuple>) -> Option<Key<'a>> {
        let mut hasher = TupleHasher::new();
        for item in tuple.items() {
            hasher.add(if let Some(small) = item.as_small_int() {
                hash_small(small)
            } else if let Some(text) = exact_str(item) {
                text.hash()
            } else if let Some(boolean) = item.as_bool() {
                i64::from(boolean)
            } else if item.on_heap().is_some() && is_compared_by_identity(item) {
                crate::hash::of_address(item)
            } else {
                return None;
            });
        }
        Some(Key { object: tuple.get(), hash: hasher.finish(), kind: Kind::Tuple(tuple) })
    }

    /// The key for a dict: TypeErrors say what the object was meant for.
    #[inline]
    pub fn for_dict(thread: &mut Thread, object: Ref<'a>) -> PyResult<Key<'a>> {
        if let Some(key) = Key::without_python(object) {
            return Ok(key);
        }
        Key::new(thread, object).map_err(|error| unhashable(thread, error, object, "dict key"))
    }

    /// The key for a set.
    #[inline]
    pub fn for_set(thread: &mut Thread, object: Ref<'a>) -> PyResult<Key<'a>> {
        if let Some(key) = Key::without_python(object) {
            return Ok(key);
        }
        Key::new(thread, object).map_err(|error| unhashable(thread, error, object, "set element"))
    }

    /// The object's word.
    #[inline(always)]
    pub fn word(&self) -> Word {
        self.object.word()
    }
}

#[cold]
fn unhashable(thread: &mut Thread, error: PyErr, object: Ref<'_>, what: &str) -> PyErr {
    if !std::ptr::eq(error.class(), exception::TypeError.get()) {
        return error;
    }
    let raised = error.into_value(thread);
    match protocol::str(thread, raised.get()) {
        Ok(text) => {
            let class = crate::class_of(object).name();
            type_error(format!("cannot use '{class}' as a {what} ({})", crate::str::display(text.get())))
        }
        Err(error) => error,
    }
}

/// Whether the object's class leaves `__hash__` and `__eq__` as `object` has them.
#[inline]
fn is_compared_by_identity(object: Ref<'_>) -> bool {
    let class = crate::class_of(object);
    is_objects(class, SlotId::tp_hash) && is_objects(class, SlotId::tp_richcompare)
}

/// `hash(object)`.
#[inline]
pub fn hash_of(thread: &mut Thread, object: Ref<'_>) -> PyResult<i64> {
    match Key::without_python(object) {
        Some(key) => Ok(key.hash),
        None => protocol::hash(thread, object),
    }
}

/// The hash of a small int: its value modulo 2⁶¹ − 1, with the sign, and -2 for -1.
#[inline]
pub fn hash_small(value: i64) -> i64 {
    const MODULUS: u64 = (1 << 61) - 1;
    let magnitude = value.unsigned_abs();
    let reduced = if magnitude < MODULUS { magnitude } else { magnitude % MODULUS };
    let hash = if value < 0 { -reduced.cast_signed() } else { reduced.cast_signed() };
    if hash == -1 { -2 } else { hash }
}

/// The str, if it is one exactly.
#[inline(always)]
pub fn exact_str(object: Ref<'_>) -> Option<&Obj<PyStr>> {
    exactly::<PyStr>(object)
}

impl KeyMatcher for Key<'_> {
    #[inline]
    fn matches(&self, candidate: Ref<'_>) -> KeyMatch {
        let answer = |equal| if equal { KeyMatch::Yes } else { KeyMatch::No };
        match self.kind {
            Kind::Str(bytes) => match exact_str(candidate) {
                Some(string) => answer(string.as_bytes() == bytes),
                // Numbers and the other immediates are equal to no str.
                None if candidate.header().is_none() => KeyMatch::No,
                None => KeyMatch::Ask,
            },
            Kind::Int(value) => {
                if candidate.as_small_int().is_some() {
                    // Another word, another number.
                    return KeyMatch::No;
                }
                if let Some(boolean) = candidate.as_bool() {
                    return answer(value == i64::from(boolean));
                }
                if candidate.is_none() || exact_str(candidate).is_some() {
                    KeyMatch::No
                } else {
                    KeyMatch::Ask
                }
            }
            Kind::Tuple(tuple) => match exactly::<PyTuple>(candidate) {
                Some(other) => plain_tuple_eq(tuple, other).map_or(KeyMatch::Ask, answer),
                None if candidate.header().is_none() => KeyMatch::No,
                None => KeyMatch::Ask,
            },
            // It is the candidate whose class may know better.
            Kind::Identity if candidate.on_heap().is_none() || exact_str(candidate).is_some() => KeyMatch::No,
            Kind::Identity if is_compared_by_identity(candidate) => KeyMatch::No,
            Kind::Identity | Kind::Other => KeyMatch::Ask,
        }
    }
}
