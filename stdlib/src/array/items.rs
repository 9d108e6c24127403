//! The machine types of arrays: their sizes, and items between bytes and objects.

use orochi_objects::error::{PyErr, PyResult, overflow_error, type_error, value_error};
use orochi_objects::protocol::number;
use orochi_objects::types::int::IntRef;
use orochi_objects::types::int_::bytes as int_bytes;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::str_::single;
use orochi_objects::{Ref, Thread, Value, class_of, float, int};
use orochi_text::wtf8::{CodePoint, Wtf8};

/// A type code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Int {
        char: char,
        size: usize,
        signed: bool,
    },
    Float {
        char: char,
        size: usize,
    },
    /// `u` or `w`: code points in 32 bits.
    Text {
        char: char,
    },
}

const LITTLE: bool = cfg!(target_endian = "little");
const LONG: usize = size_of::<usize>();

impl Code {
    pub(super) fn from_char(char: char) -> Option<Code> {
        let int = |size, signed| Some(Code::Int { char, size, signed });
        match char {
            'b' => int(1, true),
            'B' => int(1, false),
            'h' => int(2, true),
            'H' => int(2, false),
            'i' => int(4, true),
            'I' => int(4, false),
            'l' => int(LONG, true),
            'L' => int(LONG, false),
            'q' => int(8, true),
            'Q' => int(8, false),
            'f' => Some(Code::Float { char, size: 4 }),
            'd' => Some(Code::Float { char, size: 8 }),
            'u' | 'w' => Some(Code::Text { char }),
            _ => None,
        }
    }

    pub(super) fn char(self) -> char {
        match self {
            Code::Int { char, .. } | Code::Float { char, .. } | Code::Text { char } => char,
        }
    }

    /// Bytes of an item.
    pub(super) fn size(self) -> usize {
        match self {
            Code::Int { size, .. } | Code::Float { size, .. } => size,
            Code::Text { .. } => 4,
        }
    }

    pub(super) fn is_text(self) -> bool {
        matches!(self, Code::Text { .. })
    }

    /// The format in the buffer protocol.
    pub(super) fn format(self) -> String {
        if self.is_text() { "w".to_owned() } else { self.char().to_string() }
    }

    /// The number that pickles name the machine type by.
    pub(super) fn machine_format(self) -> i64 {
        let big = i64::from(!LITTLE);
        match self {
            Code::Int { size: 1, signed, .. } => i64::from(signed),
            Code::Int { size, signed, .. } => {
                let base = match size {
                    2 => 2,
                    4 => 6,
                    _ => 10,
                };
                base + 2 * i64::from(signed) + big
            }
            Code::Float { size: 4, .. } => 14 + big,
            Code::Float { .. } => 16 + big,
            Code::Text { .. } => 20 + big,
        }
    }
}

/// The bytes of a text's code points.
pub(super) fn text_bytes(text: &Wtf8) -> Vec<u8> {
    text.code_points().flat_map(|c| c.to_u32().to_ne_bytes()).collect()
}

/// The object of an item, whose bytes come first.
pub(super) fn unpack(thread: &Thread, code: Code, bytes: &[u8]) -> PyResult {
    let bytes = bytes.get(..code.size()).unwrap_or_default();
    match code {
        Code::Int { signed, .. } => int_bytes::from_bytes(thread, bytes, LITTLE, signed),
        Code::Float { size: 4, .. } => {
            float::new(thread, f32::from_ne_bytes(bytes.try_into().unwrap_or_default()).into())
        }
        Code::Float { .. } => float::new(thread, f64::from_ne_bytes(bytes.try_into().unwrap_or_default())),
        Code::Text { .. } => single::character(thread, code_point(bytes)?),
    }
}

/// The code point of an item. ValueError for numbers that are none.
pub(super) fn code_point(bytes: &[u8]) -> PyResult<CodePoint> {
    let number = u32::from_ne_bytes(bytes.try_into().unwrap_or_default());
    CodePoint::from_u32(number)
        .ok_or_else(|| value_error(format!("character U+{number:x} is not in range [U+0000; U+10ffff]")))
}

#[cold]
fn out_of_range(code: char, value: IntRef<'_>) -> PyErr {
    let negative = value.is_negative();
    let word = value.to_i64();
    overflow_error(match code {
        'L' | 'I' if negative => "can't convert negative value to unsigned int",
        'L' => "Python int too large to convert to C unsigned long",
        'I' if word.is_none() => "Python int too large to convert to C unsigned long",
        'I' => "unsigned int is greater than maximum",
        'Q' if negative => "can't convert negative int to unsigned",
        'q' | 'Q' => "int too big to convert",
        _ if word.is_none() => "Python int too large to convert to C long",
        'b' if word.is_some_and(|n| i16::try_from(n).is_err()) && negative => {
            "signed short integer is less than minimum"
        }
        'b' if word.is_some_and(|n| i16::try_from(n).is_err()) => {
            "signed short integer is greater than maximum"
        }
        'b' if negative => "signed char is less than minimum",
        'b' => "signed char is greater than maximum",
        'B' if negative => "unsigned byte integer is less than minimum",
        'B' => "unsigned byte integer is greater than maximum",
        'h' if negative => "signed short integer is less than minimum",
        'h' => "signed short integer is greater than maximum",
        'H' if word.is_some_and(|n| n > i64::from(i32::MAX)) => "signed integer is greater than maximum",
        'H' if negative => "unsigned short is less than minimum",
        'H' => "unsigned short is greater than maximum",
        'i' if negative => "signed integer is less than minimum",
        'i' => "signed integer is greater than maximum",
        _ => "Python int too large to convert to C long",
    })
}

/// The bytes of an object as an item.
pub(super) fn pack(thread: &mut Thread, code: Code, value: Ref<'_>) -> PyResult<Vec<u8>> {
    match code {
        Code::Int { char, size, signed } => {
            let value = int::index(thread, value)?;
            let value = int::value(value.get()).unwrap_or(IntRef::Small(0));
            int_bytes::to_bytes(value, size, LITTLE, signed).map_err(|_| out_of_range(char, value))
        }
        Code::Float { size: 4, .. } => Ok((number::as_float(thread, value)? as f32).to_ne_bytes().to_vec()),
        Code::Float { .. } => Ok(number::as_float(thread, value)?.to_ne_bytes().to_vec()),
        Code::Text { .. } => {
            let Some(text) = value.downcast::<PyStr>() else {
                let class = class_of(value).name();
                return Err(type_error(format!("array item must be a unicode character, not {class}")));
            };
            if text.len() != 1 {
                return Err(type_error(format!(
                    "array item must be a unicode character, not a string of length {}",
                    text.len()
                )));
            }
            Ok(text_bytes(text.as_wtf8()))
        }
    }
}

/// What pickled bytes of a machine type become.
pub(super) enum Converted {
    /// Bytes of this machine's type.
    Bytes(Vec<u8>),
    /// Values, since the types differ.
    Values(Vec<Value>),
}

/// Reads items of a machine type that a pickle names.
pub(super) fn convert_machine_format(
    thread: &mut Thread,
    code: Code,
    format: i64,
    bytes: &[u8],
) -> PyResult<Converted> {
    if format == code.machine_format() {
        return Ok(Converted::Bytes(bytes.to_vec()));
    }
    let (size, little) = match format {
        0 | 1 => (1, true),
        2..=5 => (2, format % 2 == 0),
        6..=9 => (4, format % 2 == 0),
        10..=13 => (8, format % 2 == 0),
        14 | 15 => (4, format == 14),
        16 | 17 => (8, format == 16),
        18 | 19 => (2, format == 18),
        20 | 21 => (4, format == 20),
        _ => return Err(value_error("third argument must be a valid machine format code.")),
    };
    if !bytes.len().is_multiple_of(size) {
        return Err(value_error("string length not a multiple of item size"));
    }
    let signed = format == 1 || matches!(format, 4 | 5 | 8 | 9 | 12 | 13);
    let mut values = Vec::new();
    for item in bytes.chunks_exact(size) {
        let mut native = item.to_vec();
        if little != LITTLE {
            native.reverse();
        }
        values.push(match format {
            0..=13 => int_bytes::from_bytes(thread, &native, LITTLE, signed)?,
            14 | 15 => unpack(thread, Code::Float { char: 'f', size: 4 }, &native)?,
            16 | 17 => unpack(thread, Code::Float { char: 'd', size: 8 }, &native)?,
            18 | 19 => {
                let unit = u16::from_ne_bytes(native.as_slice().try_into().unwrap_or_default());
                single::character(thread, CodePoint::from_u16(unit))?
            }
            _ => single::character(thread, code_point(&native)?)?,
        });
    }
    Ok(Converted::Values(values))
}
