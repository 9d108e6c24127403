//! Source text in its various forms, and compiling it.

use crate::errors::{syntax_error, syntax_error_in};
use orochi_compiler::code::flags;
use orochi_compiler::source::decode_source;
use orochi_compiler::{CompileOptions, Mode, Warning};
use orochi_core::{Ref, Thread};
use orochi_objects::error::{PyResult, syntax_error_message, type_error, value_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{code, exception, str};
use orochi_objects::{name, protocol};

/// How `compile()` compiles.
pub struct SourceOptions<'a> {
    /// `co_filename`.
    pub filename: &'a str,
    /// What kind of input it is.
    pub mode: Mode,
    /// Further options.
    pub options: CompileOptions,
}

/// The text of source: a str, or bytes in UTF-8 or what their first lines declare. Errors are those of a file of this name.
pub fn text_of(
    thread: &mut Thread,
    source: Ref<'_>,
    filename: &str,
    function: &str,
    what: &str,
) -> PyResult<String> {
    if let Some(text) = source.downcast::<PyStr>() {
        return match text.to_str() {
            Some(text) if text.contains('\0') => {
                Err(syntax_error_message("source code string cannot contain null bytes"))
            }
            Some(text) => Ok(text.to_owned()),
            // The codec has the exact message.
            None => {
                protocol::call_method(thread, source, "encode", &[])?;
                Err(value_error("source code has surrogates"))
            }
        };
    }
    match bytes_of(thread, source)? {
        Some(bytes) => decode(thread, &bytes, filename, false),
        None => Err(type_error(format!("{function}() arg 1 must be a {what}"))),
    }
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

/// The text of source that is bytes. `is_program`: they are a program's file, which errors then mention.
pub fn decode(thread: &mut Thread, bytes: &[u8], filename: &str, is_program: bool) -> PyResult<String> {
    let mut failure = None;
    let mut decoder = |encoding: &str, bytes: &[u8]| match by_codec(thread, encoding, bytes) {
        Ok(text) => Some(Ok(text)),
        Err(error) if error.matches(&exception::LookupError) || error.matches(&exception::UnicodeError) => {
            let error = error.into_value(thread);
            let message = protocol::str(thread, error.get()).map(|text| str::display(text.get()));
            Some(Err(message.unwrap_or_else(|_| format!("unknown encoding: {encoding}"))))
        }
        Err(error) => {
            failure = Some(error);
            None
        }
    };
    let decoded = decode_source(bytes, is_program.then_some(filename), &mut decoder);
    match failure {
        Some(failure) => Err(failure),
        None => decoded.map_err(|error| syntax_error(thread, &error, filename)),
    }
}

/// Decodes with one of Python's codecs.
fn by_codec(thread: &mut Thread, encoding: &str, bytes: &[u8]) -> PyResult<String> {
    let object = orochi_objects::types::bytes::new(thread, bytes)?;
    let name = str::new(thread, encoding)?;
    let text = protocol::call_method(thread, object.get(), "decode", &[name.get()])?;
    match text.get().downcast::<PyStr>().and_then(|text| text.to_str()) {
        Some(text) => Ok(text.to_owned()),
        None => Err(syntax_error_message(format!("encoding problem: {encoding}"))),
    }
}

/// Compiles source to a code object; the compiler's warnings are issued.
pub fn compile_object(thread: &mut Thread, source: &str, how: &SourceOptions<'_>) -> PyResult {
    match orochi_compiler::compile(source, how.filename, how.mode, &how.options) {
        Ok((compiled, warnings)) => {
            issue_all(thread, &warnings, how.filename)?;
            Ok(code::new(thread, compiled)?.into_value())
        }
        Err(error) => {
            issue_all(thread, &error.warnings, how.filename)?;
            Err(syntax_error_in(thread, &error, how.filename, source))
        }
    }
}

/// Issues the compiler's warnings. An error if a filter makes one of them an error.
pub fn issue_all(thread: &mut Thread, warnings: &[Warning], filename: &str) -> PyResult<()> {
    warnings.iter().try_for_each(|warning| issue(thread, warning, filename))
}

fn issue(thread: &mut Thread, warning: &Warning, filename: &str) -> PyResult<()> {
    let class = match warning.category {
        orochi_compiler::WarningCategory::Syntax => &exception::SyntaxWarning,
        orochi_compiler::WarningCategory::Deprecation => &exception::DeprecationWarning,
    };
    let issued = orochi_objects::warn::warn_explicit(thread, class, &warning.message, filename, warning.line);
    match issued {
        // A filter made an error of it: that is shown as an error in the source.
        Err(error) if error.matches(class) => Err(syntax_error(thread, &warning.error, filename)),
        issued => issued,
    }
}

/// The options that PyCF_* flags stand for.
pub(super) fn options(flag_bits: u32, inherited: u32, optimize: u8) -> CompileOptions {
    CompileOptions {
        optimize,
        future_flags: (flag_bits | inherited) & flags::FUTURE_MASK,
        allow_top_level_await: flag_bits & 0x2000 != 0,
        allow_incomplete_input: flag_bits & 0x4000 != 0,
        dont_imply_dedent: flag_bits & 0x200 != 0,
        is_script: false,
        max_digits: Some(orochi_objects::types::int_::text::max_str_digits()),
        ..CompileOptions::default()
    }
}
