//! `bytes % arguments`.

use crate::buffer;
use crate::error::{PyResult, overflow_error, type_error};
use crate::protocol;
use crate::types::format::size_error;
use crate::types::int;
use crate::types::str::PyStr;
use crate::types::str_::printf::{Arguments, float_text, int_text, printf_error};
use orochi_core::{Ref, Thread};
use orochi_text::printf::{Conversion, Layout, Piece, Pieces};

/// An argument of type `b` or `s`.
fn bytes_text(thread: &mut Thread, argument: Ref<'_>) -> PyResult<Vec<u8>> {
    if let Some(bytes) = crate::bytes::value(argument) {
        return Ok(bytes.to_vec());
    }
    if let Some(result) = protocol::call_special(thread, argument, crate::name!("__bytes__"), &[])? {
        return match crate::bytes::value(result.get()) {
            Some(bytes) => Ok(bytes.to_vec()),
            None => {
                let class = crate::class_of(result.get()).name();
                Err(type_error(format!("__bytes__ returned non-bytes (type {class})")))
            }
        };
    }
    match buffer::bytes_if_any(thread, argument)? {
        Some(bytes) => Ok(bytes.into_vec()),
        None => {
            let class = crate::class_of(argument).name();
            Err(type_error(format!(
                "%b requires a bytes-like object, or an object that implements __bytes__, not '{class}'"
            )))
        }
    }
}

/// An argument of type `c`.
fn byte(thread: &mut Thread, argument: Ref<'_>) -> PyResult<u8> {
    if let Some(bytes) = buffer::own_bytes(thread, argument) {
        return match *bytes {
            [byte] => Ok(byte),
            _ => {
                let class = crate::class_of(argument).name();
                Err(type_error(format!(
                    "%c requires an integer in range(256) or a single byte, not a {class} object of length {}",
                    bytes.len()
                )))
            }
        };
    }
    let class = crate::class_of(argument);
    if !int::is_int(argument) && class.slots.nb_index().is_none() {
        let class = crate::types::type_::members::qualified_name(thread, class)?;
        return Err(type_error(format!(
            "%c requires an integer in range(256) or a single byte, not {class}"
        )));
    }
    let value = int::index(thread, argument)?;
    let byte = int::value(value.get()).and_then(int::IntRef::to_i64).and_then(|n| u8::try_from(n).ok());
    byte.ok_or_else(|| overflow_error("%c arg not in range(256)"))
}

fn convert(
    thread: &mut Thread,
    conversion: &Conversion<'_, [u8]>,
    argument: Ref<'_>,
    layout: &Layout,
    out: &mut Vec<u8>,
) -> PyResult<()> {
    let text = match char::from(layout.code) {
        'b' | 's' => bytes_text(thread, argument)?,
        'r' | 'a' => {
            let repr = protocol::repr(thread, argument)?;
            let ascii = repr.get().downcast::<PyStr>();
            ascii.map_or(Vec::new(), |text| orochi_text::repr::escape_non_ascii(text.as_wtf8()).into_bytes())
        }
        'c' => {
            let byte = byte(thread, argument)?;
            let text = layout.character::<[u8]>(&[byte], b" ");
            out.extend_from_slice(&text.map_err(|error| size_error(error, "width too big"))?);
            return Ok(());
        }
        'd' | 'i' | 'u' | 'o' | 'x' | 'X' => {
            out.extend_from_slice(int_text(thread, argument, layout)?.as_bytes());
            return Ok(());
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            out.extend_from_slice(float_text(thread, argument, layout)?.as_bytes());
            return Ok(());
        }
        _ => return Err(printf_error(conversion.unsupported())),
    };
    let text = layout.text::<[u8]>(&text, b" ").map_err(|error| size_error(error, "width too big"))?;
    out.extend_from_slice(&text);
    Ok(())
}

/// `format % arguments`.
pub fn format(thread: &mut Thread, format: &[u8], arguments: Ref<'_>) -> PyResult<Vec<u8>> {
    let mut arguments = Arguments::new(arguments, false);
    let mut out = Vec::new();
    for piece in Pieces::of_bytes(format, arguments.is_mapping()) {
        let conversion = match piece.map_err(printf_error)? {
            Piece::Literal(text) => {
                out.extend_from_slice(text);
                continue;
            }
            Piece::Conversion(conversion) => conversion,
        };
        let mut found = None;
        if let Some(key) = conversion.key {
            let key = crate::bytes::new(thread, key)?;
            found = Some(arguments.lookup(thread, key.get())?);
        }
        let width = arguments.star(thread, conversion.width, false)?;
        let precision = arguments.star(thread, conversion.precision, true)?;
        let layout = conversion.layout(width, precision);
        let argument = match &found {
            Some(found) => found.get(),
            None => arguments.take()?,
        };
        convert(thread, &conversion, argument, &layout, &mut out)?;
    }
    arguments.finish("bytes")?;
    Ok(out)
}
