//! Ints from bytes and to bytes.

use crate::class::is_exact;
use crate::error::{PyResult, overflow_error, type_error, value_error};
use crate::protocol;
use crate::types::int::{self, IntRef, PyInt};
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

/// Whether a byteorder argument means little-endian.
fn is_little(byteorder: Option<&Obj<PyStr>>) -> PyResult<bool> {
    match byteorder.map(|text| PyStr::as_bytes(text)) {
        None | Some(b"big") => Ok(false),
        Some(b"little") => Ok(true),
        Some(_) => Err(value_error("byteorder must be either 'little' or 'big'")),
    }
}

/// The int whose bytes these are.
pub fn from_bytes(thread: &Thread, bytes: &[u8], little: bool, signed: bool) -> PyResult {
    if bytes.len() <= 8 {
        let mut word = 0_u64;
        for i in 0..bytes.len() {
            let at = if little { bytes.len() - 1 - i } else { i };
            word = word << 8 | u64::from(bytes.get(at).copied().unwrap_or(0));
        }
        if !signed {
            return match i64::try_from(word) {
                Ok(small) => int::new(thread, small),
                Err(_) => int::from_big(thread, BigInt::from(word)),
            };
        }
        let unused = 64 - 8 * bytes.len() as u32;
        return int::new(thread, if unused == 64 { 0 } else { (word << unused) as i64 >> unused });
    }
    int::from_big(
        thread,
        match (little, signed) {
            (true, true) => BigInt::from_signed_bytes_le(bytes),
            (false, true) => BigInt::from_signed_bytes_be(bytes),
            (true, false) => BigInt::from_bytes_le(Sign::Plus, bytes),
            (false, false) => BigInt::from_bytes_be(Sign::Plus, bytes),
        },
    )
}

/// The bytes of an int. OverflowError if it doesn't fit.
pub fn to_bytes(value: IntRef<'_>, length: usize, little: bool, signed: bool) -> PyResult<Vec<u8>> {
    if value.is_negative() && !signed {
        return Err(overflow_error("can't convert negative int to unsigned"));
    }
    let fill = if value.is_negative() { 0xFF } else { 0 };
    let mut bytes = match value.to_i64() {
        Some(small) => small.to_le_bytes().to_vec(),
        None => value.to_big().to_signed_bytes_le(),
    };
    let room = bytes.get(length..).unwrap_or_default().iter().all(|&byte| byte == fill);
    let sign_fits = !signed
        || match length.checked_sub(1).and_then(|last| bytes.get(last)) {
            Some(top) => (top & 0x80 != 0) == value.is_negative(),
            None => length > 0 || value.is_zero(),
        };
    if !room || !sign_fits {
        return Err(overflow_error("int too big to convert"));
    }
    if length > bytes.len() {
        bytes.try_reserve_exact(length - bytes.len()).map_err(|_| crate::error::memory_error())?;
    }
    bytes.resize(length, fill);
    if !little {
        bytes.reverse();
    }
    Ok(bytes)
}

#[pymethods(part = BYTES)]
impl PyInt {
    /// Return an array of bytes representing an integer.
    #[signature(length=1, byteorder=<missing>, *, signed=False)]
    fn to_bytes(
        thread: &mut Thread,
        this: Ref<'_>,
        length: i64,
        byteorder: Option<Ref<'_>>,
        signed: bool,
    ) -> PyResult {
        let little = is_little(byteorder_argument(byteorder, "to_bytes")?)?;
        let length =
            usize::try_from(length).map_err(|_| value_error("length argument must be non-negative"))?;
        let Some(value) = int::value(this) else { return Err(type_error("an int is required")) };
        crate::types::bytes::new(thread, &to_bytes(value, length, little, signed)?)
    }

    /// Return the integer represented by the given array of bytes.
    #[classmethod]
    #[signature(bytes, byteorder=<missing>, *, signed=False)]
    fn from_bytes(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        bytes: Ref<'_>,
        byteorder: Option<Ref<'_>>,
        signed: bool,
    ) -> PyResult {
        let little = is_little(byteorder_argument(byteorder, "from_bytes")?)?;
        let bytes = crate::types::bytes_::construct::from_object(thread, bytes)?;
        let value = from_bytes(thread, &bytes, little, signed)?;
        if std::ptr::eq(cls, <PyInt as crate::PyClass>::static_type().get()) {
            return Ok(value);
        }
        protocol::call(thread, cls.get(), &[value.get()])
    }

    /// Number of bits necessary to represent self in binary.
    ///
    /// >>> bin(20)
    /// '0b10100'
    /// >>> (20).bit_length()
    /// 5
    fn bit_length(_thread: &mut Thread, this: Ref<'_>) -> u64 {
        int::value(this).map_or(0, IntRef::bits)
    }

    /// Number of ones in the binary representation of the absolute value of self.
    ///
    /// >>> bin(20)
    /// '0b10100'
    /// >>> (20).bit_count(), (-20).bit_count()
    /// (2, 2)
    fn bit_count(_thread: &mut Thread, this: Ref<'_>) -> u64 {
        match int::value(this) {
            Some(IntRef::Small(small)) => small.unsigned_abs().count_ones().into(),
            Some(IntRef::Big(big)) => big.magnitude().count_ones(),
            None => 0,
        }
    }

    #[no_text_signature]
    /// Returns size in memory, in bytes.
    fn __sizeof__(_thread: &mut Thread, this: Ref<'_>) -> u64 {
        // What CPython says: a head of 24 bytes, and digits of 30 bits each.
        let digits = int::value(this).map_or(1, |value| value.bits().div_ceil(30).max(1));
        24 + 4 * digits + u64::from(crate::class_of(this).fields.extension_size)
    }
}

fn byteorder_argument<'a>(argument: Option<Ref<'a>>, function: &str) -> PyResult<Option<&'a Obj<PyStr>>> {
    argument
        .map(|value| {
            value.downcast::<PyStr>().ok_or_else(|| {
                let class = crate::class_of(value).name();
                type_error(format!("{function}() argument 'byteorder' must be str, not {class}"))
            })
        })
        .transpose()
}

/// An int argument as `i64`, if it is an exact small one.
pub fn as_word(object: Ref<'_>) -> Option<i64> {
    if !is_exact(object, <PyInt as crate::PyClass>::static_type()) {
        return None;
    }
    int::value(object).and_then(|value| match value {
        IntRef::Small(small) => Some(small),
        IntRef::Big(big) => big.to_i64(),
    })
}

/// For tests: a value from its object.
pub fn value_of(value: &Value) -> Option<i64> {
    as_word(value.get())
}
