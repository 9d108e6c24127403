//! Source text in its various forms, and compiling it.

use crate::errors::syntax_error;
use orochi_compiler::code::flags;
use orochi_compiler::{CompileOptions, Mode, Warning};
use orochi_core::{Ref, Thread};
use orochi_objects::error::{PyResult, syntax_error_message, type_error, value_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{code, exception, str};
use orochi_objects::{name, protocol};
use std::sync::Arc;

/// How `compile()` compiles.
pub struct SourceOptions<'a> {
    /// `co_filename`.
    pub filename: &'a str,
    /// What kind of input it is.
    pub mode: Mode,
    /// Further options.
    pub options: CompileOptions,
}

/// The text of source: a str, or bytes in UTF-8 or what their first lines declare.
pub fn text_of(thread: &mut Thread, source: Ref<'_>, function: &str, what: &str) -> PyResult<String> {
    let text = if let Some(text) = source.downcast::<PyStr>() {
        match text.to_str() {
            Some(text) => text.to_owned(),
            // The codec has the exact message.
            None => {
                protocol::call_method(thread, source, "encode", &[])?;
                return Err(value_error("source code has surrogates"));
            }
        }
    } else if let Some(bytes) = bytes_of(thread, source)? {
        decode(thread, &bytes)?
    } else {
        return Err(type_error(format!("{function}() arg 1 must be a {what}")));
    };
    if text.contains('\0') {
        return Err(syntax_error_message("source code string cannot contain null bytes"));
    }
    Ok(text)
}

fn bytes_of(thread: &mut Thread, source: Ref<'_>) -> PyResult<Option<Vec<u8>>> {
    if let Some(bytes) = orochi_objects::types::bytes::value(source) {
        return Ok(Some(bytes.to_vec()));
    }
    if orochi_objects::class_of(source).slots.bf_getbuffer().is_none() {
        return Ok(None);
    }
    let builtins = ThreadState::builtins(thread)?;
    let class = protocol::get_item(thread, builtins.get(), name!("bytes").get())?;
    let bytes = protocol::call(thread, class.get(), &[source])?;
    Ok(orochi_objects::types::bytes::value(bytes.get()).map(<[u8]>::to_vec))
}

/// The encoding that one of the first two lines declares (PEP 263).
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|byte| *byte == b'\n').take(2) {
        let text = line.trim_ascii_start();
        if !text.starts_with(b"#") {
            if text.is_empty() {
                continue;
            }
            return None;
        }
        let Some(at) = text.windows(6).position(|window| window == b"coding") else { continue };
        let rest = text.get(at + 6..)?;
        if !matches!(rest.first(), Some(b':' | b'=')) {
            continue;
        }
        let name: String = rest
            .get(1..)?
            .trim_ascii_start()
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
            .map(|byte| char::from(*byte))
            .collect();
        return (!name.is_empty()).then_some(name);
    }
    None
}

fn decode(thread: &mut Thread, bytes: &[u8]) -> PyResult<String> {
    let (bytes, marked) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    let declared = declared_encoding(bytes).map(|name| name.to_ascii_lowercase().replace('_', "-"));
    match declared.as_deref() {
        None | Some("utf-8" | "utf8" | "utf-8-sig" | "ascii" | "us-ascii") => utf8(bytes),
        Some(other) if marked => Err(syntax_error_message(format!("encoding problem: {other} with BOM"))),
        Some("latin-1" | "iso-8859-1" | "latin1" | "iso-latin-1") => {
            Ok(bytes.iter().map(|byte| char::from(*byte)).collect())
        }
        Some(other) => {
            let object = orochi_objects::types::bytes::new(thread, bytes)?;
            let encoding = str::new(thread, other)?;
            match protocol::call_method(thread, object.get(), "decode", &[encoding.get()]) {
                Ok(text) => match text.get().downcast::<PyStr>().and_then(|text| text.to_str()) {
                    Some(text) => Ok(text.to_owned()),
                    None => Err(syntax_error_message(format!("encoding problem: {other}"))),
                },
                Err(error) if error.matches(&exception::LookupError) => {
                    Err(syntax_error_message(format!("unknown encoding: {other}")))
                }
                Err(error) => Err(error),
            }
        }
    }
}

fn utf8(bytes: &[u8]) -> PyResult<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let at = error.valid_up_to();
            let byte = bytes.get(at).copied().unwrap_or(0);
            let reason = match error.error_len() {
                None => "unexpected end of data",
                Some(_) if (0x80..0xc2).contains(&byte) || byte > 0xf4 => "invalid start byte",
                Some(_) => "invalid continuation byte",
            };
            Err(syntax_error_message(format!(
                "(unicode error) 'utf-8' codec can't decode byte {byte:#04x} in position {at}: {reason}"
            )))
        }
    }
}

/// Compiles source to a code object; the compiler's warnings are issued.
pub fn compile_object(thread: &mut Thread, source: &str, how: &SourceOptions<'_>) -> PyResult {
    match orochi_compiler::compile(source, how.filename, how.mode, &how.options) {
        Ok((compiled, warnings)) => {
            for warning in &warnings {
                issue(thread, warning, how.filename)?;
            }
            Ok(code::new(thread, Arc::new(compiled))?.into_value())
        }
        Err(error) => Err(syntax_error(thread, &error, how.filename)),
    }
}

fn issue(thread: &mut Thread, warning: &Warning, filename: &str) -> PyResult<()> {
    let class = match warning.category {
        orochi_compiler::WarningCategory::Syntax => &exception::SyntaxWarning,
        orochi_compiler::WarningCategory::Deprecation => &exception::DeprecationWarning,
    };
    orochi_objects::warn::warn_explicit(thread, class, &warning.message, filename, warning.line)
}

/// The options that PyCF_* flags stand for.
pub(super) fn options(flag_bits: u32, inherited: u32, optimize: u8) -> CompileOptions {
    CompileOptions {
        optimize,
        future_flags: (flag_bits | inherited) & flags::FUTURE_MASK,
        allow_top_level_await: flag_bits & 0x2000 != 0,
        allow_incomplete_input: flag_bits & 0x4000 != 0,
        dont_imply_dedent: flag_bits & 0x200 != 0,
    }
}
