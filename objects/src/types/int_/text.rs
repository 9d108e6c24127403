//! Ints as text: `repr`, `__format__`, and the bound on the length of decimal texts.

use crate::error::{PyErr, PyResult, type_error, value_error};
use crate::types::format;
use crate::types::int::{self, IntRef, PyInt};
use crate::types::str::PyStr;
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::{Ref, Thread, Value};
use orochi_macros::pymethods;
use orochi_text::format_spec::{IntValue, Kind, quick};
use orochi_text::int::{DEFAULT_MAX_STR_DIGITS, MAX_STR_DIGITS_THRESHOLD};

/// The bound, and 1; 0 as long as nobody has set one.
static MAX_STR_DIGITS: AtomicU64 = AtomicU64::new(0);

/// `sys.get_int_max_str_digits()`.
pub fn max_str_digits() -> usize {
    // Relaxed: a number that stands alone.
    match MAX_STR_DIGITS.load(Ordering::Relaxed) {
        0 => DEFAULT_MAX_STR_DIGITS,
        limit => limit as usize - 1,
    }
}

/// `sys.set_int_max_str_digits(limit)`. ValueError for what is neither 0 nor at least 640.
pub fn set_max_str_digits(limit: i64) -> PyResult<()> {
    if limit != 0 && limit < MAX_STR_DIGITS_THRESHOLD as i64 {
        return Err(value_error(format!(
            "maxdigits must be >= {MAX_STR_DIGITS_THRESHOLD} or 0 for unlimited"
        )));
    }
    MAX_STR_DIGITS.store(limit.unsigned_abs() + 1, Ordering::Relaxed);
    Ok(())
}

/// The exception for a text that is no int, or one too long.
#[cold]
pub fn int_error(error: orochi_text::int::IntError) -> PyErr {
    value_error(error.to_string())
}

/// A machine word's decimal digits, written into a buffer.
#[inline]
pub fn small_decimal(value: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut rest = value.unsigned_abs();
    let mut at = buffer.len();
    for (i, place) in buffer.iter_mut().enumerate().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
        at = i;
        if rest == 0 {
            break;
        }
    }
    if value < 0
        && let Some(place) = at.checked_sub(1).and_then(|i| buffer.get_mut(i))
    {
        *place = b'-';
        at -= 1;
    }
    buffer.get(at..).unwrap_or_default()
}

/// `str(value)`.
pub fn of_small(thread: &Thread, value: i64) -> PyResult {
    let mut buffer = [0; 20];
    let digits = small_decimal(value, &mut buffer);
    crate::str::build_ascii(thread, digits.len(), |i| digits.get(i).copied().unwrap_or(b'0'))
}

/// `str(value)` as a Rust string. ValueError beyond the bound.
pub fn decimal(value: IntRef<'_>) -> PyResult<String> {
    match value {
        IntRef::Small(small) => Ok(small.to_string()),
        IntRef::Big(big) => orochi_text::int::to_decimal(big, max_str_digits()).map_err(int_error),
    }
}

/// `bin`, `oct` and `hex`: base 2, 8 or 16.
pub fn prefixed(value: IntRef<'_>, base: u32) -> String {
    match value {
        IntRef::Small(small) => orochi_text::int::prefixed_small(small, base),
        IntRef::Big(big) => orochi_text::int::prefixed_big(big, base),
    }
}

impl<'a> From<IntRef<'a>> for IntValue<'a> {
    fn from(value: IntRef<'a>) -> IntValue<'a> {
        match value {
            IntRef::Small(small) => IntValue::Small(small),
            IntRef::Big(big) => IntValue::Big(big),
        }
    }
}

#[pymethods(part = TEXT)]
impl PyInt {
    #[slot]
    fn tp_repr(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        match int::value(this) {
            Some(IntRef::Small(small)) => of_small(thread, small),
            Some(value) => crate::str::new(thread, &decimal(value)?),
            None => Err(type_error("an int is required")),
        }
    }

    /// Convert to a string according to format_spec.
    fn __format__(thread: &mut Thread, this: Ref<'_>, format_spec: Ref<'_>) -> PyResult<Value> {
        formatted(thread, this, format_spec)
    }
}

/// `int.__format__`.
pub(crate) fn formatted(thread: &mut Thread, this: Ref<'_>, format_spec: Ref<'_>) -> PyResult<Value> {
    if let (Some(spec), Some(value)) = (format_spec.downcast::<PyStr>(), this.as_small_int())
        && !spec.is_empty()
        && let Some(line) = quick::of_int(spec.as_bytes(), value)
    {
        return crate::types::str::from_ascii(thread, line.as_bytes());
    }
    let Some(spec) = format::parse_spec(format_spec, Kind::Int, this)? else {
        return format::plain(thread, this);
    };
    let Some(value) = int::value(this) else { return Err(type_error("an int is required")) };
    let name = crate::class_of(this).name();
    let text = spec.format_int(value.into(), &format::locale_for(&spec), max_str_digits(), &name);
    crate::str::from_wtf8(thread, &text.map_err(format::format_error)?)
}
