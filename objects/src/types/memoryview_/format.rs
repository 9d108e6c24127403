//! Items of a memoryview: native formats of one character, as in `struct`.

use crate::error::{PyErr, PyResult, not_implemented_error, type_error, value_error};
use crate::protocol::number;
use crate::types::int::{self, IntRef};
use crate::types::{float, int_};
use orochi_core::{Ref, Thread, Value};

/// How an item is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// An int of this size, signed or not.
    Int(usize, bool),
    /// A float of this size.
    Float(usize),
    Bool,
    /// A bytes object of one byte.
    Char,
}

/// The character of a native format, without the `@` that may precede it.
pub fn character(format: &str) -> Option<char> {
    let format = format.strip_prefix('@').unwrap_or(format);
    let mut characters = format.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) => Some(c),
        _ => None,
    }
}

/// The kind of a native format.
pub fn kind(format: &str) -> Option<ItemKind> {
    const WORD: usize = size_of::<usize>();
    Some(match character(format)? {
        'b' => ItemKind::Int(1, true),
        'B' => ItemKind::Int(1, false),
        'c' => ItemKind::Char,
        'h' => ItemKind::Int(2, true),
        'H' => ItemKind::Int(2, false),
        'i' => ItemKind::Int(4, true),
        'I' => ItemKind::Int(4, false),
        'l' => ItemKind::Int(WORD, true),
        'L' => ItemKind::Int(WORD, false),
        'q' => ItemKind::Int(8, true),
        'Q' => ItemKind::Int(8, false),
        'n' => ItemKind::Int(WORD, true),
        'N' | 'P' => ItemKind::Int(WORD, false),
        'e' => ItemKind::Float(2),
        'f' => ItemKind::Float(4),
        'd' => ItemKind::Float(8),
        '?' => ItemKind::Bool,
        _ => return None,
    })
}

/// The bytes of an item.
pub fn size(kind: ItemKind) -> usize {
    match kind {
        ItemKind::Int(size, _) | ItemKind::Float(size) => size,
        ItemKind::Bool | ItemKind::Char => 1,
    }
}

/// NotImplementedError for other formats.
#[cold]
pub fn unsupported(format: &str) -> PyErr {
    not_implemented_error(format!("memoryview: format {format} not supported"))
}

const LITTLE: bool = cfg!(target_endian = "little");

/// The value of an item.
pub fn unpack(thread: &Thread, kind: ItemKind, bytes: &[u8]) -> PyResult {
    match kind {
        ItemKind::Int(_, signed) => int_::bytes::from_bytes(thread, bytes, LITTLE, signed),
        ItemKind::Float(2) => float::new(thread, half_to_float(bytes)),
        ItemKind::Float(4) => {
            float::new(thread, f64::from(f32::from_ne_bytes(bytes.try_into().unwrap_or_default())))
        }
        ItemKind::Float(_) => float::new(thread, f64::from_ne_bytes(bytes.try_into().unwrap_or_default())),
        ItemKind::Bool => Ok(Value::bool(bytes.iter().any(|&byte| byte != 0))),
        ItemKind::Char => crate::bytes::new(thread, bytes),
    }
}

/// The value of a float of 16 bits.
fn half_to_float(bytes: &[u8]) -> f64 {
    let bits = u16::from_ne_bytes(bytes.try_into().unwrap_or_default());
    let sign = if bits & 0x8000 != 0 { -1.0 } else { 1.0 };
    let fraction = f64::from(bits & 0x3FF);
    sign * match bits >> 10 & 0x1F {
        0 => fraction * 2.0_f64.powi(-24),
        0x1F if fraction == 0.0 => f64::INFINITY,
        0x1F => f64::NAN,
        exponent => (1024.0 + fraction) * 2.0_f64.powi(i32::from(exponent) - 25),
    }
}

/// The float of 16 bits nearest to a value; `None` if it is too large.
fn float_to_half(value: f64) -> Option<[u8; 2]> {
    let sign = if value.is_sign_negative() { 0x8000_u16 } else { 0 };
    let size = value.abs();
    let bits = if value.is_nan() {
        0x7E00
    } else if size.is_infinite() {
        0x7C00
    } else if size < 2.0_f64.powi(-14) {
        (size * 2.0_f64.powi(24)).round_ties_even() as u16
    } else {
        let exponent = (size.to_bits() >> 52) as i32 - 1023;
        let fraction = (size * 2.0_f64.powi(10 - exponent)).round_ties_even() as u32;
        // A fraction that rounds up to the next power of two carries into the exponent by itself.
        let bits = ((exponent + 14) as u32 * 1024).checked_add(fraction)?;
        u16::try_from(bits).ok().filter(|&bits| bits < 0x7C00)?
    };
    Some((sign | bits).to_ne_bytes())
}

/// The bytes of a value. TypeError and ValueError as CPython words them.
pub fn pack(thread: &mut Thread, kind: ItemKind, format: &str, value: Ref<'_>) -> PyResult<Vec<u8>> {
    let shown = format.strip_prefix('@').unwrap_or(format);
    let wrong_type = || type_error(format!("memoryview: invalid type for format '{shown}'"));
    let wrong_value = || value_error(format!("memoryview: invalid value for format '{shown}'"));
    match kind {
        ItemKind::Int(size, signed) => {
            if !int::is_int(value) && crate::class_of(value).slots.nb_index().is_none() {
                return Err(wrong_type());
            }
            let value = int::index(thread, value)?;
            let value = int::value(value.get()).unwrap_or(IntRef::Small(0));
            int_::bytes::to_bytes(value, size, LITTLE, signed).map_err(|_| wrong_value())
        }
        ItemKind::Float(size) => {
            let value = match number::as_float(thread, value) {
                Ok(value) => value,
                Err(error) if error.matches(&crate::types::exception::TypeError) => return Err(wrong_type()),
                Err(error) => return Err(error),
            };
            match size {
                2 => float_to_half(value)
                    .map(Vec::from)
                    .ok_or_else(|| crate::error::overflow_error("float too large to pack with e format")),
                4 => Ok((value as f32).to_ne_bytes().to_vec()),
                _ => Ok(value.to_ne_bytes().to_vec()),
            }
        }
        ItemKind::Bool => Ok(vec![u8::from(crate::protocol::is_true(thread, value)?)]),
        ItemKind::Char => match crate::bytes::value(value) {
            Some([byte]) => Ok(vec![*byte]),
            Some(_) => Err(wrong_value()),
            None => Err(wrong_type()),
        },
    }
}
