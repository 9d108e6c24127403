//! `_codecs`: the registry, and the codecs that CPython has in C, under the names that `encodings` uses.
//!
//! The algorithms are orochi-text's, the registry and the error handlers `orochi_objects::codecs`; here arguments are
//! converted and results put into tuples. Table codecs are in [`charmap`].

mod charmap;

use orochi_macros::{pyfunction, pymodule};
use orochi_objects::buffer::{self, ArgBytes};
use orochi_objects::codecs::errors::{CodecError, Errors};
use orochi_objects::codecs::{self, registry};
use orochi_objects::error::{PyResult, type_error, value_error};
use orochi_objects::types::module::PyModule;
use orochi_objects::types::str::{self, PyStr};
use orochi_objects::{Obj, Ref, Thread, Value, bytes, class_of, int, tuple, warn};
use orochi_text::codecs::escape::{self, InvalidEscape};
use orochi_text::codecs::{Decoded, Endian, single, utf7, utf8, utf16, utf32};

fn pair(thread: &Thread, object: Value, length: usize) -> PyResult {
    let length = int::new(thread, length as i64)?;
    Ok(tuple::new(thread, vec![object, length])?.into_value())
}

fn encoded(thread: &Thread, text: &Obj<PyStr>, made: Result<Vec<u8>, CodecError>) -> PyResult {
    let made = made.map_err(|error| error.for_encoding(thread, text))?;
    let made = bytes::new(thread, &made)?;
    pair(thread, made, text.len())
}

fn decoded(thread: &Thread, made: Decoded) -> PyResult {
    let text = str::from_wtf8(thread, &made.text)?;
    pair(thread, text, made.consumed)
}

/// The input of a decoder that takes text too.
fn text_or_bytes<'a>(thread: &mut Thread, data: Ref<'a>) -> PyResult<ArgBytes<'a>> {
    match data.downcast::<PyStr>() {
        Some(text) => codecs::encode(thread, text, None, None)
            .map(|encoded| ArgBytes::Copied(bytes::value(encoded.get()).unwrap_or_default().to_vec())),
        None => buffer::bytes_of(thread, data),
    }
}

fn warn_about(thread: &mut Thread, escape: Option<InvalidEscape>) -> PyResult<()> {
    escape.map_or(Ok(()), |escape| warn::deprecation(thread, &escape.to_string()))
}

/// Register a codec search function.
///
/// Search functions are expected to take one argument, the encoding name in
/// all lower case letters, and either return None, or a tuple of functions
/// (encoder, decoder, stream_reader, stream_writer) (or a CodecInfo object).
#[pyfunction]
fn register(thread: &mut Thread, search_function: Ref<'_>) -> PyResult<()> {
    registry::register(thread, search_function)
}

/// Unregister a codec search function and clear the registry's cache.
///
/// If the search function is not registered, do nothing.
#[pyfunction]
fn unregister(thread: &mut Thread, search_function: Ref<'_>) -> PyResult<()> {
    registry::unregister(thread, search_function)
}

/// Looks up a codec tuple in the Python codec registry and returns a CodecInfo object.
#[pyfunction]
fn lookup(thread: &mut Thread, encoding: &str) -> PyResult {
    registry::lookup(thread, encoding)
}

/// Encodes obj using the codec registered for encoding.
///
/// The default encoding is 'utf-8'.  errors may be given to set a
/// different error handling scheme.  Default is 'strict' meaning that encoding
/// errors raise a ValueError.  Other possible values are 'ignore', 'replace'
/// and 'backslashreplace' as well as any other name registered with
/// codecs.register_error that can handle ValueErrors.
#[pyfunction]
#[signature(obj, encoding="utf-8", errors=None)]
fn encode(thread: &mut Thread, obj: Ref<'_>, encoding: &str, errors: Option<&str>) -> PyResult {
    let codec = registry::lookup(thread, encoding)?;
    codecs::call_codec(thread, codec.get(), (0, encoding), obj, errors)
}

/// Decodes obj using the codec registered for encoding.
///
/// Default encoding is 'utf-8'.  errors may be given to set a
/// different error handling scheme.  Default is 'strict' meaning that encoding
/// errors raise a ValueError.  Other possible values are 'ignore', 'replace'
/// and 'backslashreplace' as well as any other name registered with
/// codecs.register_error that can handle ValueErrors.
#[pyfunction]
#[signature(obj, encoding="utf-8", errors=None)]
fn decode(thread: &mut Thread, obj: Ref<'_>, encoding: &str, errors: Option<&str>) -> PyResult {
    let codec = registry::lookup(thread, encoding)?;
    codecs::call_codec(thread, codec.get(), (1, encoding), obj, errors)
}

/// Register the specified error handler under the name errors.
///
/// handler must be a callable object, that
/// will be called with an exception instance containing
/// information about the location of the encoding/decoding
/// error and must return a (replacement, new position) tuple.
#[pyfunction]
fn register_error(thread: &mut Thread, errors: &str, handler: Ref<'_>) -> PyResult<()> {
    registry::register_error(thread, errors, handler)
}

/// Un-register the specified error handler for the error handling `errors'.
///
/// Only custom error handlers can be un-registered. An exception is raised
/// if the error handling is a built-in one (e.g., 'strict'), or if an error
/// occurs.
///
/// Otherwise, this returns True if a custom handler has been successfully
/// un-registered, and False if no custom handler for the specified error
/// handling exists.
#[pyfunction]
fn _unregister_error(thread: &mut Thread, errors: &str) -> PyResult<bool> {
    if orochi_text::codecs::handlers::Handler::from_name(errors).is_some() {
        return Err(value_error(format!("cannot un-register built-in error handler '{errors}'")));
    }
    registry::unregister_error(thread, errors)
}

/// lookup_error(errors) -> handler
///
/// Return the error handler for the specified error handling name or raise a
/// LookupError, if no handler exists under this name.
#[pyfunction]
fn lookup_error(thread: &mut Thread, name: &str) -> PyResult {
    registry::lookup_error_handler(thread, name)
}

#[pyfunction]
#[signature(data, errors=None, /)]
fn escape_encode(thread: &mut Thread, data: Ref<'_>, errors: Option<&str>) -> PyResult {
    let _ = errors;
    let Some(input) = bytes::value(data) else {
        let class = class_of(data).name();
        return Err(type_error(format!("escape_encode() argument 1 must be bytes, not {class}")));
    };
    let made = bytes::new(thread, &escape::encode_bytes_escape(input))?;
    pair(thread, made, input.len())
}

#[pyfunction]
#[signature(data, errors=None, /)]
fn escape_decode(thread: &mut Thread, data: Ref<'_>, errors: Option<&str>) -> PyResult {
    let input = text_or_bytes(thread, data)?;
    let on_bad_hex: Option<&[u8]> = match errors {
        None | Some("strict") => None,
        Some("replace") => Some(b"?"),
        Some("ignore") => Some(b""),
        Some(other) => {
            return Err(value_error(format!("decoding error; unknown error handling code: {other}")));
        }
    };
    let (made, invalid) =
        escape::decode_bytes_escape(&input, on_bad_hex).map_err(|error| value_error(error.to_string()))?;
    warn_about(thread, invalid)?;
    let made = bytes::new(thread, &made)?;
    pair(thread, made, input.len())
}

#[pyfunction]
#[signature(data, errors=None, /)]
fn readbuffer_encode(thread: &mut Thread, data: Ref<'_>, errors: Option<&str>) -> PyResult {
    let _ = errors;
    let input = text_or_bytes(thread, data)?;
    let made = bytes::new(thread, &input)?;
    pair(thread, made, input.len())
}

macro_rules! encoders {
    ($($function:ident($text:ident, $handler:ident) $encode:expr;)*) => { $(
        #[pyfunction]
        #[signature(str, errors=None, /)]
        fn $function(thread: &mut Thread, str: &Obj<PyStr>, errors: Option<&str>) -> PyResult {
            let $text = str.as_wtf8();
            let mut errors = Errors::new(errors);
            let made = {
                let $handler = |error| errors.encode(thread, str, error);
                $encode
            };
            encoded(thread, str, made)
        }
    )* };
}
encoders! {
    utf_8_encode(text, handler) utf8::encode(text, handler);
    utf_7_encode(text, _handler) Ok(utf7::encode(text));
    utf_16_le_encode(text, handler) utf16::encode(text, Some(Endian::Little), handler);
    utf_16_be_encode(text, handler) utf16::encode(text, Some(Endian::Big), handler);
    utf_32_le_encode(text, handler) utf32::encode(text, Some(Endian::Little), handler);
    utf_32_be_encode(text, handler) utf32::encode(text, Some(Endian::Big), handler);
    latin_1_encode(text, handler) single::encode_latin1(text, handler);
    ascii_encode(text, handler) single::encode_ascii(text, handler);
    unicode_escape_encode(text, _handler) Ok(escape::encode_unicode_escape(text));
    raw_unicode_escape_encode(text, _handler) Ok(escape::encode_raw_unicode_escape(text));
}

/// The byte order that an argument asks for: 0 for native with a mark.
fn order_of(byteorder: i32) -> Option<Endian> {
    match byteorder {
        0 => None,
        1.. => Some(Endian::Big),
        _ => Some(Endian::Little),
    }
}

fn number_of(order: Option<Endian>) -> i64 {
    match order {
        None => 0,
        Some(Endian::Little) => -1,
        Some(Endian::Big) => 1,
    }
}

#[pyfunction]
#[signature(str, errors=None, byteorder=0, /)]
fn utf_16_encode(thread: &mut Thread, str: &Obj<PyStr>, errors: Option<&str>, byteorder: i32) -> PyResult {
    let mut errors = Errors::new(errors);
    let made = utf16::encode(str.as_wtf8(), order_of(byteorder), |error| errors.encode(thread, str, error));
    encoded(thread, str, made)
}

#[pyfunction]
#[signature(str, errors=None, byteorder=0, /)]
fn utf_32_encode(thread: &mut Thread, str: &Obj<PyStr>, errors: Option<&str>, byteorder: i32) -> PyResult {
    let mut errors = Errors::new(errors);
    let made = utf32::encode(str.as_wtf8(), order_of(byteorder), |error| errors.encode(thread, str, error));
    encoded(thread, str, made)
}

macro_rules! decoders {
    ($($function:ident($input:ident, $last:ident, $handler:ident) $decode:expr;)*) => { $(
        #[pyfunction]
        #[signature(data, errors=None, r#final=False, /)]
        fn $function(
            thread: &mut Thread,
            data: ArgBytes<'_>,
            errors: Option<&str>,
            r#final: bool,
        ) -> PyResult {
            let mut errors = Errors::new(errors);
            let ($input, $last) = (&*data, r#final);
            let made = {
                let $handler = |error| errors.decode(thread, $input, error);
                $decode?
            };
            decoded(thread, made)
        }
    )* };
}
decoders! {
    utf_8_decode(input, last, handler) utf8::decode(input, last, handler);
    utf_7_decode(input, last, handler) utf7::decode(input, last, handler);
    utf_16_decode(input, last, handler) utf16::decode(input, None, last, handler).map(|made| made.0);
    utf_16_le_decode(input, last, handler) utf16::decode(input, Some(Endian::Little), last, handler).map(|made| made.0);
    utf_16_be_decode(input, last, handler) utf16::decode(input, Some(Endian::Big), last, handler).map(|made| made.0);
    utf_32_decode(input, last, handler) utf32::decode(input, None, last, handler).map(|made| made.0);
    utf_32_le_decode(input, last, handler) utf32::decode(input, Some(Endian::Little), last, handler).map(|made| made.0);
    utf_32_be_decode(input, last, handler) utf32::decode(input, Some(Endian::Big), last, handler).map(|made| made.0);
}

#[pyfunction]
#[signature(data, errors=None, /)]
fn latin_1_decode(thread: &mut Thread, data: ArgBytes<'_>, errors: Option<&str>) -> PyResult {
    let _ = errors;
    decoded(thread, single::decode_latin1(&data))
}

#[pyfunction]
#[signature(data, errors=None, /)]
fn ascii_decode(thread: &mut Thread, data: ArgBytes<'_>, errors: Option<&str>) -> PyResult {
    let mut errors = Errors::new(errors);
    let made = single::decode_ascii(&data, |error| errors.decode(thread, &data, error))?;
    decoded(thread, made)
}

#[pyfunction]
#[signature(data, errors=None, byteorder=0, r#final=False, /)]
fn utf_16_ex_decode(
    thread: &mut Thread,
    data: ArgBytes<'_>,
    errors: Option<&str>,
    byteorder: i32,
    r#final: bool,
) -> PyResult {
    let mut errors = Errors::new(errors);
    let (made, order) =
        utf16::decode(&data, order_of(byteorder), r#final, |error| errors.decode(thread, &data, error))?;
    extended(thread, made, order)
}

#[pyfunction]
#[signature(data, errors=None, byteorder=0, r#final=False, /)]
fn utf_32_ex_decode(
    thread: &mut Thread,
    data: ArgBytes<'_>,
    errors: Option<&str>,
    byteorder: i32,
    r#final: bool,
) -> PyResult {
    let mut errors = Errors::new(errors);
    let (made, order) =
        utf32::decode(&data, order_of(byteorder), r#final, |error| errors.decode(thread, &data, error))?;
    extended(thread, made, order)
}

fn extended(thread: &Thread, made: Decoded, order: Option<Endian>) -> PyResult {
    let text = str::from_wtf8(thread, &made.text)?;
    let consumed = int::new(thread, made.consumed as i64)?;
    let order = int::new(thread, number_of(order))?;
    Ok(tuple::new(thread, vec![text, consumed, order])?.into_value())
}

#[pyfunction]
#[signature(data, errors=None, r#final=True, /)]
fn unicode_escape_decode(
    thread: &mut Thread,
    data: Ref<'_>,
    errors: Option<&str>,
    r#final: bool,
) -> PyResult {
    let data = text_or_bytes(thread, data)?;
    let mut errors = Errors::new(errors);
    let (made, invalid) =
        escape::decode_unicode_escape(&data, r#final, |error| errors.decode(thread, &data, error))?;
    warn_about(thread, invalid)?;
    decoded(thread, made)
}

#[pyfunction]
#[signature(data, errors=None, r#final=True, /)]
fn raw_unicode_escape_decode(
    thread: &mut Thread,
    data: Ref<'_>,
    errors: Option<&str>,
    r#final: bool,
) -> PyResult {
    let data = text_or_bytes(thread, data)?;
    let mut errors = Errors::new(errors);
    let made =
        escape::decode_raw_unicode_escape(&data, r#final, |error| errors.decode(thread, &data, error))?;
    decoded(thread, made)
}

#[pymodule(
    name = "_codecs",
    functions(
        register,
        unregister,
        lookup,
        encode,
        decode,
        register_error,
        _unregister_error,
        lookup_error,
        escape_encode,
        escape_decode,
        readbuffer_encode,
        utf_8_encode,
        utf_8_decode,
        utf_7_encode,
        utf_7_decode,
        utf_16_encode,
        utf_16_le_encode,
        utf_16_be_encode,
        utf_16_decode,
        utf_16_le_decode,
        utf_16_be_decode,
        utf_16_ex_decode,
        utf_32_encode,
        utf_32_le_encode,
        utf_32_be_encode,
        utf_32_decode,
        utf_32_le_decode,
        utf_32_be_decode,
        utf_32_ex_decode,
        unicode_escape_encode,
        unicode_escape_decode,
        raw_unicode_escape_encode,
        raw_unicode_escape_decode,
        latin_1_encode,
        latin_1_decode,
        ascii_encode,
        ascii_decode,
        charmap::charmap_encode,
        charmap::charmap_decode,
        charmap::charmap_build,
    )
)]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
