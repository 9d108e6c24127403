//! `int`: how ints are represented and made. Arithmetic and methods are in `int_/`.
//!
//! An int of up to 63 bits is an immediate. A heap int holds a `BigInt`; instances of subclasses of `int` are heap ints
//! whatever their size.

use crate::class::{PyClass, is_exact};
use crate::error::{PyResult, overflow_error, type_error};
use crate::types::r#type::PyType;
use num_bigint::BigInt;
use num_traits::ToPrimitive;
use orochi_core::{Field, Obj, Ref, Thread, Trace, Value, word};
use orochi_macros::{pyclass, pymethods};
use std::borrow::Cow;

/// int([x]) -> integer
/// int(x, base=10) -> integer
///
/// Convert a number or text to an integer, 0 if nothing is given.  What has a fractional part is cut
/// off towards zero.  With a base the argument has to be text: a literal in that base, with a sign and
/// space around it if need be.  The base is from 2 to 36; 0 takes it from the literal's prefix.
///
/// >>> int('-1100', 2)
/// -12
/// >>> int(' 0x1f ', base=0)
/// 31
#[pyclass(
    name = "int",
    subclassable,
    quick(crate::types::int_::construct::quick_call),
    flags(INT_SUBCLASS, MATCH_SELF)
)]
pub struct PyInt {
    value: BigInt,
}

// SAFETY: holds no fields.
unsafe impl Trace for PyInt {
    const HAS_FIELDS: bool = false;
    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}

/// The value of an int object, wherever it is kept.
#[derive(Clone, Copy)]
pub enum IntRef<'a> {
    /// Fits an `i64`.
    Small(i64),
    /// Any size.
    Big(&'a BigInt),
}

impl<'a> IntRef<'a> {
    /// The value as a `BigInt`.
    #[inline]
    pub fn to_big(self) -> Cow<'a, BigInt> {
        match self {
            IntRef::Small(value) => Cow::Owned(BigInt::from(value)),
            IntRef::Big(value) => Cow::Borrowed(value),
        }
    }

    /// The value, if it fits an `i64`.
    #[inline]
    pub fn to_i64(self) -> Option<i64> {
        match self {
            IntRef::Small(value) => Some(value),
            IntRef::Big(value) => value.to_i64(),
        }
    }
}

/// The value of an int (bools and instances of subclasses included).
#[inline]
pub fn value(object: Ref<'_>) -> Option<IntRef<'_>> {
    if let Some(small) = object.as_small_int() {
        return Some(IntRef::Small(small));
    }
    if let Some(boolean) = object.as_bool() {
        return Some(IntRef::Small(boolean.into()));
    }
    object.downcast::<PyInt>().map(|int| IntRef::Big(&int.value))
}

/// Whether the object is an int (bools and instances of subclasses included).
#[inline]
pub fn is_int(object: Ref<'_>) -> bool {
    value(object).is_some()
}

/// An int.
#[inline]
pub fn new(thread: &Thread, value: i64) -> PyResult {
    match Value::small_int(value) {
        Some(small) => Ok(small),
        None => heap(thread, PyInt::static_type().get(), BigInt::from(value)),
    }
}

/// An int of any size: an immediate if it fits.
pub fn from_big(thread: &Thread, value: BigInt) -> PyResult {
    match value.to_i64().and_then(Value::small_int) {
        Some(small) => Ok(small),
        None => heap(thread, PyInt::static_type().get(), value),
    }
}

/// A heap int of this class; for subclasses of `int`.
pub fn heap(thread: &Thread, class: &Obj<PyType>, value: BigInt) -> PyResult {
    Ok(crate::alloc(thread, class, PyInt { value })?.into_value())
}

/// The int that an object stands for as an index (`__index__`), owned. TypeError for others.
#[inline]
pub fn index(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    if object.as_small_int().is_some() || is_exact(object, PyInt::static_type()) {
        return Ok(object.to_owned());
    }
    if let Some(value) = value(object) {
        return match value {
            IntRef::Small(small) => new(thread, small),
            IntRef::Big(big) => from_big(thread, big.clone()),
        };
    }
    let class = crate::class_of(object);
    let Some(slot) = class.slots.nb_index() else {
        return Err(type_error(format!("'{}' object cannot be interpreted as an integer", class.name())));
    };
    let result = slot(thread, object)?;
    if is_exact(result.get(), PyInt::static_type()) {
        return Ok(result);
    }
    let got = crate::class_of(result.get()).name();
    let Some(value) = value(result.get()) else {
        return Err(type_error(format!("__index__ returned non-int (type {got})")));
    };
    crate::warn::deprecation(
        thread,
        &format!(
            "__index__ returned non-int (type {got}).  The ability to return an instance of a strict subclass of int is \
             deprecated, and may not be supported in a future version of Python."
        ),
    )?;
    crate::types::int_::arith::exact(thread, value)
}

/// `__index__` as an `i64`; OverflowError beyond.
#[inline]
pub fn index_i64(thread: &mut Thread, object: Ref<'_>) -> PyResult<i64> {
    if let Some(small) = object.as_small_int() {
        return Ok(small);
    }
    let value = index(thread, object)?;
    self::value(value.get())
        .and_then(IntRef::to_i64)
        .ok_or_else(|| overflow_error("Python int too large to convert to C ssize_t"))
}

/// `__index__` clamped to the range of `i64`, as slices do.
pub fn index_clamped(thread: &mut Thread, object: Ref<'_>) -> PyResult<i64> {
    if let Some(small) = object.as_small_int() {
        return Ok(small);
    }
    let value = index(thread, object)?;
    Ok(match self::value(value.get()) {
        Some(IntRef::Big(big)) => {
            big.to_i64().unwrap_or(if big.sign() == num_bigint::Sign::Minus { i64::MIN } else { i64::MAX })
        }
        Some(IntRef::Small(small)) => small,
        None => 0,
    })
}

/// Whether this int word fits the immediate range.
pub fn fits_word(value: i64) -> bool {
    word::from_int(value).is_some()
}

#[pymethods(parts(
    crate::types::int_::arith::ARITH,
    crate::types::int_::compare::COMPARE,
    crate::types::int_::text::TEXT,
    crate::types::int_::bytes::BYTES,
    crate::types::int_::construct::CONSTRUCT,
    crate::types::int_::methods::METHODS
))]
impl PyInt {}
