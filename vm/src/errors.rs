//! Errors of the compiler as Python's exceptions.

use orochi_compiler::{CompileError, ErrorKind};
use orochi_core::{Thread, Value};
use orochi_objects::error::{PyErr, PyResult};
use orochi_objects::types::exception;
use orochi_objects::types::{str, tuple};
use orochi_objects::{name, protocol};

fn number(value: impl Into<i64>) -> Value {
    Value::small_int(value.into()).unwrap_or(Value::NONE)
}

/// The exception of a compile error in this file.
pub fn syntax_error(thread: &mut Thread, error: &CompileError, filename: &str) -> PyErr {
    build(thread, error, filename).unwrap_or_else(|failure| failure)
}

/// As [`syntax_error`], for source text that the error can keep for suggestions.
pub fn syntax_error_in(thread: &mut Thread, error: &CompileError, filename: &str, source: &str) -> PyErr {
    let result = syntax_error(thread, error, filename);
    match error.statement {
        Some(place) => keep_source(thread, result, place, source).unwrap_or_else(|failure| failure),
        None => result,
    }
}

fn keep_source(
    thread: &mut Thread,
    error: PyErr,
    (line, column): (u32, i32),
    source: &str,
) -> PyResult<PyErr> {
    let instance = error.into_value(thread);
    let metadata = vec![number(line), number(column), str::new(thread, source)?];
    let metadata = tuple::new(thread, metadata)?.into_value();
    protocol::set_attr(thread, instance.get(), name!("_metadata"), Some(metadata.get()))?;
    Ok(PyErr::from_instance(instance))
}

fn build(thread: &mut Thread, error: &CompileError, filename: &str) -> PyResult<PyErr> {
    let class = match error.kind {
        ErrorKind::Syntax => &exception::SyntaxError,
        ErrorKind::Indentation => &exception::IndentationError,
        ErrorKind::Tab => &exception::TabError,
        ErrorKind::Incomplete => &exception::_IncompleteInputError,
        ErrorKind::Recursion => return Ok(plain(&exception::RecursionError, error)),
        ErrorKind::Memory => return Ok(plain(&exception::MemoryError, error)),
        ErrorKind::Overflow => return Ok(plain(&exception::OverflowError, error)),
        ErrorKind::Value => return Ok(plain(&exception::ValueError, error)),
        ErrorKind::Type => return Ok(plain(&exception::TypeError, error)),
        ErrorKind::System => return Ok(plain(&exception::SystemError, error)),
    };
    let message = str::new(thread, &error.message)?;
    if error.whole_file {
        let place = vec![str::new(thread, filename)?, number(0), number(-1), Value::NONE];
        let place = tuple::new(thread, place)?.into_value();
        return Ok(PyErr::new(class, vec![message, place]));
    }
    if error.line == 0 {
        return Ok(PyErr::new(class, vec![message]));
    }
    let text = match &error.text {
        Some(text) => str::new(thread, text)?,
        None => Value::NONE,
    };
    let place = vec![
        str::new(thread, filename)?,
        number(error.line),
        number(error.offset),
        text,
        number(error.end_line),
        number(error.end_offset),
    ];
    let place = tuple::new(thread, place)?.into_value();
    Ok(PyErr::new(class, vec![message, place]))
}

fn plain(class: &'static orochi_objects::StaticType, error: &CompileError) -> PyErr {
    PyErr::with_message(class, error.message.clone().into_string())
}
