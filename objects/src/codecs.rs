//! Codecs between `str` and `bytes`: the built-in ones directly, others through the registry.
//!
//! `str.encode`, `bytes.decode` and the like come here. Encodings that CPython has in C are recognised by name and never
//! touch the registry; error handlers neither, if they are built in. [`registry`] is `codecs.register` and
//! `codecs.lookup`, [`errors`] calls handlers that programs registered. The algorithms are orochi-text's.

pub mod errors;
pub mod registry;

use crate::buffer;
use crate::error::{PyErr, PyResult, lookup_error, type_error};
use crate::protocol;
use crate::types::str::{self, PyStr};
use crate::types::tuple::PyTuple;
use errors::{CodecError, Errors};
use orochi_core::sync::{AtomicBool, Ordering};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_text::codecs::{Decoded, Endian, single, utf8, utf16, utf32};

/// An encoding that needs no registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Builtin {
    Utf8,
    Latin1,
    Ascii,
    Utf16(Option<Endian>),
    Utf32(Option<Endian>),
}

/// The built-in encoding of this name, in the spellings that CPython takes a shortcut for.
fn builtin(encoding: &str) -> Option<Builtin> {
    match encoding {
        "utf-8" | "utf8" | "UTF-8" => return Some(Builtin::Utf8),
        "ascii" => return Some(Builtin::Ascii),
        "latin-1" | "latin1" => return Some(Builtin::Latin1),
        _ if encoding.len() > 20 => return None,
        _ => {}
    }
    let name: String =
        encoding.chars().map(|c| if c == '-' || c == ' ' { '_' } else { c.to_ascii_lowercase() }).collect();
    Some(match name.as_str() {
        "utf_8" | "utf8" | "cp65001" => Builtin::Utf8,
        "latin_1" | "latin1" | "iso_8859_1" | "iso8859_1" => Builtin::Latin1,
        "ascii" | "us_ascii" => Builtin::Ascii,
        "utf_16" | "utf16" => Builtin::Utf16(None),
        "utf_32" | "utf32" => Builtin::Utf32(None),
        _ => return None,
    })
}

fn encode_builtin(
    thread: &mut Thread,
    text: &Obj<PyStr>,
    codec: Builtin,
    errors: Option<&str>,
) -> PyResult<Vec<u8>> {
    let content = text.as_wtf8();
    match codec {
        Builtin::Utf8 if content.as_str().is_some() => return Ok(content.as_bytes().to_vec()),
        Builtin::Ascii | Builtin::Latin1 if text.is_ascii() => return Ok(content.as_bytes().to_vec()),
        _ => {}
    }
    let mut handler = Errors::new(errors);
    let result = {
        let on_error = |error| handler.encode(thread, text, error);
        match codec {
            Builtin::Utf8 => utf8::encode(content, on_error),
            Builtin::Latin1 => single::encode_latin1(content, on_error),
            Builtin::Ascii => single::encode_ascii(content, on_error),
            Builtin::Utf16(order) => utf16::encode(content, order, on_error),
            Builtin::Utf32(order) => utf32::encode(content, order, on_error),
        }
    };
    result.map_err(|error: CodecError| error.for_encoding(thread, text))
}

fn decode_builtin(
    thread: &mut Thread,
    bytes: &[u8],
    codec: Builtin,
    errors: Option<&str>,
) -> PyResult<Decoded> {
    let mut handler = Errors::new(errors);
    let on_error = |error| handler.decode(thread, bytes, error);
    match codec {
        Builtin::Utf8 => utf8::decode(bytes, true, on_error),
        Builtin::Latin1 => Ok(single::decode_latin1(bytes)),
        Builtin::Ascii => single::decode_ascii(bytes, on_error),
        Builtin::Utf16(order) => utf16::decode(bytes, order, true, on_error).map(|(decoded, _)| decoded),
        Builtin::Utf32(order) => utf32::decode(bytes, order, true, on_error).map(|(decoded, _)| decoded),
    }
}

static CHECKED: AtomicBool = AtomicBool::new(false);

/// From now on the names of codecs and error handlers have to exist even where no one needs them (`-X dev`).
pub fn check_all_names() {
    // Relaxed: a flag that stands alone, set before there is a second thread.
    CHECKED.store(true, Ordering::Relaxed);
}

fn check_names(thread: &mut Thread, encoding: Option<&str>, errors: Option<&str>) -> PyResult<()> {
    if !CHECKED.load(Ordering::Relaxed) {
        return Ok(());
    }
    if let Some(encoding) = encoding.filter(|encoding| builtin(encoding).is_none()) {
        registry::lookup(thread, encoding)?;
    }
    if let Some(errors) = errors {
        registry::lookup_error_handler(thread, errors)?;
    }
    Ok(())
}

/// `text.encode(encoding, errors)`: a bytes object.
pub fn encode(
    thread: &mut Thread,
    text: &Obj<PyStr>,
    encoding: Option<&str>,
    errors: Option<&str>,
) -> PyResult {
    check_names(thread, encoding, errors)?;
    let encoding = encoding.unwrap_or("utf-8");
    if let Some(codec) = builtin(encoding) {
        let ascii = text.is_ascii();
        if codec == Builtin::Utf8 && (ascii || text.to_str().is_some()) || codec == Builtin::Ascii && ascii {
            return crate::bytes::new(thread, text.as_bytes());
        }
        let bytes = encode_builtin(thread, text, codec, errors)?;
        return crate::bytes::new(thread, &bytes);
    }
    let codec = text_encoding(thread, encoding, "encode")?;
    let result = call_codec(thread, codec.get(), (0, encoding), text.get(), errors)?;
    if crate::bytes::value(result.get()).is_some() {
        return Ok(result);
    }
    if let Some(bytes) = buffer::own_bytes(thread, result.get()) {
        let message = format!(
            "encoder {encoding} returned bytearray instead of bytes; use codecs.encode() to encode to arbitrary types"
        );
        crate::warn::warn(thread, &crate::types::exception::RuntimeWarning, &message)?;
        return crate::bytes::new(thread, &bytes);
    }
    let class = crate::class_of(result.get()).name();
    Err(type_error(format!(
        "'{encoding}' encoder returned '{class}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types"
    )))
}

/// `bytes.decode(encoding, errors)` of bytes that nobody changes.
pub fn decode(thread: &mut Thread, bytes: &[u8], encoding: Option<&str>, errors: Option<&str>) -> PyResult {
    check_names(thread, encoding, errors)?;
    let encoding = encoding.unwrap_or("utf-8");
    match builtin(encoding) {
        Some(Builtin::Utf8 | Builtin::Ascii) if bytes.is_ascii() => {
            str::new(thread, std::str::from_utf8(bytes).unwrap_or_default())
        }
        Some(codec) => {
            let decoded = decode_builtin(thread, bytes, codec, errors)?;
            str::from_wtf8(thread, &decoded.text)
        }
        None => {
            let object = crate::bytes::new(thread, bytes)?;
            decode_by_registry(thread, object.get(), encoding, errors)
        }
    }
}

/// `str(object, encoding, errors)` of a bytes-like object.
pub fn decode_object(
    thread: &mut Thread,
    object: Ref<'_>,
    encoding: Option<&str>,
    errors: Option<&str>,
) -> PyResult {
    if let Some(name) = encoding
        && builtin(name).is_none()
    {
        return decode_by_registry(thread, object, name, errors);
    }
    let bytes = buffer::bytes_of(thread, object)?;
    decode(thread, &bytes, encoding, errors)
}

fn decode_by_registry(
    thread: &mut Thread,
    object: Ref<'_>,
    encoding: &str,
    errors: Option<&str>,
) -> PyResult {
    let codec = text_encoding(thread, encoding, "decode")?;
    let result = call_codec(thread, codec.get(), (1, encoding), object, errors)?;
    if result.get().downcast::<PyStr>().is_some() {
        return Ok(result);
    }
    let class = crate::class_of(result.get()).name();
    Err(type_error(format!(
        "'{encoding}' decoder returned '{class}' instead of 'str'; use codecs.decode() to decode to arbitrary types"
    )))
}

/// The codec of an encoding, which has to be one between str and bytes.
fn text_encoding(thread: &mut Thread, encoding: &str, operation: &str) -> PyResult {
    let codec = registry::lookup(thread, encoding)?;
    if let Some(flag) = protocol::find_attr(thread, codec.get(), crate::name!("_is_text_encoding"))?
        && !protocol::is_true(thread, flag.get())?
    {
        return Err(lookup_error(format!(
            "'{encoding}' is not a text encoding; use codecs.{operation}() to handle arbitrary codecs"
        )));
    }
    Ok(codec)
}

/// Calls a codec's encoder (0) or decoder (1) and gives the first item of its result. What it raises gets a note that names
/// the encoding.
pub fn call_codec(
    thread: &mut Thread,
    codec: Ref<'_>,
    (which, encoding): (usize, &str),
    object: Ref<'_>,
    errors: Option<&str>,
) -> PyResult {
    let function = codec
        .downcast::<PyTuple>()
        .and_then(|codec| codec.item(which))
        .map(Ref::to_owned)
        .ok_or_else(|| type_error("codec search functions must return 4-tuples"))?;
    let result = match errors {
        Some(errors) => {
            let errors = str::new(thread, errors)?;
            protocol::call(thread, function.get(), &[object, errors.get()])
        }
        None => protocol::call(thread, function.get(), &[object]),
    };
    let (what, doing) = if which == 0 { ("encoder", "encoding") } else { ("decoder", "decoding") };
    let result = result.map_err(|error| {
        let note = str::new(thread, &format!("{doing} with '{encoding}' codec failed"));
        error.with_note(thread, note)
    })?;
    match result.get().downcast::<PyTuple>() {
        Some(pair) if pair.len() == 2 => Ok(pair.item(0).map_or(Value::NONE, Ref::to_owned)),
        _ => Err(type_error(format!("{what} must return a tuple (object, integer)"))),
    }
}

/// LookupError for an encoding that nobody knows.
#[cold]
pub fn unknown(encoding: &str) -> PyErr {
    lookup_error(format!("unknown encoding: {encoding}"))
}
