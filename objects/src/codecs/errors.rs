//! What happens when something can't be encoded or decoded: built-in handlers, and those that programs registered.

use crate::buffer;
use crate::class::MethodDef;
use crate::error::{PyErr, PyResult, index_error, type_error};
use crate::protocol;
use crate::types::exception::{
    PyBaseException, UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError,
};
use crate::types::int::{self, IntRef};
use crate::types::str::{self, PyStr};
use crate::types::tuple::{self, PyTuple};
use crate::types::r#type::TypeExt;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pyfunction;
use orochi_text::codecs::handlers::Handler;
use orochi_text::codecs::{DecodeError, EncodeError, Replacement};
use orochi_text::wtf8::Wtf8Buf;

/// The `errors` argument of one operation. A handler that has to be looked up is looked up once.
pub struct Errors<'a> {
    name: &'a str,
    builtin: Option<Handler>,
    found: Option<Value>,
}

/// Why an encoder stopped.
pub enum CodecError {
    /// A handler raised.
    Raised(PyErr),
    /// A handler's replacement can't be encoded either.
    Encode(EncodeError),
}

impl From<EncodeError> for CodecError {
    fn from(error: EncodeError) -> CodecError {
        CodecError::Encode(error)
    }
}

impl CodecError {
    /// The exception for a failure to encode this text.
    pub fn for_encoding(self, thread: &Thread, text: &Obj<PyStr>) -> PyErr {
        match self {
            CodecError::Raised(error) => error,
            CodecError::Encode(error) => encode_error(thread, text, &error),
        }
    }
}

/// The UnicodeEncodeError for a failure.
#[cold]
pub fn encode_error(thread: &Thread, text: &Obj<PyStr>, error: &EncodeError) -> PyErr {
    raise(
        thread,
        &UnicodeEncodeError,
        (error.encoding, error.reason),
        text.to_value(),
        (error.start, error.end),
    )
}

/// The UnicodeDecodeError for a failure.
#[cold]
pub fn decode_error(thread: &Thread, bytes: &[u8], error: &DecodeError) -> PyErr {
    match crate::bytes::new(thread, bytes) {
        Ok(object) => raise(
            thread,
            &UnicodeDecodeError,
            (error.encoding, error.reason),
            object,
            (error.start, error.end),
        ),
        Err(error) => error,
    }
}

fn raise(
    thread: &Thread,
    class: &'static crate::StaticType,
    (encoding, reason): (&str, &str),
    object: Value,
    (start, end): (usize, usize),
) -> PyErr {
    let made = || -> PyResult<Vec<Value>> {
        Ok(vec![
            str::new(thread, encoding)?,
            object,
            int::new(thread, start as i64)?,
            int::new(thread, end as i64)?,
            str::new(thread, reason)?,
        ])
    };
    match made() {
        Ok(args) => PyErr::new(class, args),
        Err(error) => error,
    }
}

impl<'a> Errors<'a> {
    /// For the argument `errors`; absent means `strict`.
    pub fn new(errors: Option<&'a str>) -> Errors<'a> {
        let name = errors.unwrap_or("strict");
        Errors { name, builtin: Handler::from_name(name), found: None }
    }

    /// Calls the handler; what it returned, and the exception that it was given.
    fn call(&mut self, thread: &mut Thread, error: PyErr) -> PyResult<(Value, Value)> {
        let handler = match &self.found {
            Some(handler) => handler.clone(),
            None => {
                let handler = super::registry::lookup_error_handler(thread, self.name)?;
                self.found.insert(handler).clone()
            }
        };
        let exception = error.into_value(thread);
        Ok((protocol::call(thread, handler.get(), &[exception.get()])?, exception))
    }

    /// Answers a decoding error.
    pub fn decode(
        &mut self,
        thread: &mut Thread,
        bytes: &[u8],
        error: DecodeError,
    ) -> PyResult<(Wtf8Buf, usize)> {
        if let Some(handler) = self.builtin {
            if !handler.decodes() {
                return Err(unable("UnicodeDecodeError"));
            }
            return handler.decode(bytes, &error).ok_or_else(|| decode_error(thread, bytes, &error));
        }
        let exception = decode_error(thread, bytes, &error);
        let (result, exception) = self.call(thread, exception)?;
        let message = "decoding error handler must return (str, int) tuple";
        let (replacement, position) = pair(result.get(), message)?;
        let Some(text) = replacement.downcast::<PyStr>() else { return Err(type_error(message)) };
        let object = protocol::get_attr_str(thread, exception.get(), "object")?;
        let Some(now) = crate::bytes::value(object.get()) else {
            return Err(type_error("object attribute must be bytes"));
        };
        if now != bytes {
            // CPython goes on with the new bytes. Going on with the old ones might never end.
            let text = "an error handler that replaces the object to decode is not supported yet";
            return Err(crate::error::not_implemented_error(text));
        }
        let mut copy = Wtf8Buf::new();
        copy.push_wtf8(text.as_wtf8());
        Ok((copy, resume_at(thread, position, bytes.len(), message)?))
    }

    /// Answers an encoding error.
    pub fn encode(
        &mut self,
        thread: &mut Thread,
        text: &Obj<PyStr>,
        error: EncodeError,
    ) -> Result<(Replacement, usize), CodecError> {
        if let Some(handler) = self.builtin {
            return handler.encode(text.as_wtf8(), &error).ok_or(CodecError::Encode(error));
        }
        self.encode_by_program(thread, text, &error).map_err(CodecError::Raised)
    }

    fn encode_by_program(
        &mut self,
        thread: &mut Thread,
        text: &Obj<PyStr>,
        error: &EncodeError,
    ) -> PyResult<(Replacement, usize)> {
        let exception = encode_error(thread, text, error);
        let (result, _) = self.call(thread, exception)?;
        let message = "encoding error handler must return (str/bytes, int) tuple";
        let (replacement, position) = pair(result.get(), message)?;
        let replacement = match (replacement.downcast::<PyStr>(), crate::bytes::value(replacement)) {
            (Some(text), _) => {
                let mut copy = Wtf8Buf::new();
                copy.push_wtf8(text.as_wtf8());
                Replacement::Text(copy)
            }
            (None, Some(bytes)) => Replacement::Bytes(bytes.to_vec()),
            _ => return Err(type_error(message)),
        };
        Ok((replacement, resume_at(thread, position, text.len(), message)?))
    }
}

fn pair<'a>(result: Ref<'a>, message: &'static str) -> PyResult<(Ref<'a>, Ref<'a>)> {
    let Some(pair) = result.downcast::<PyTuple>() else { return Err(type_error(message)) };
    let pair: &'a Obj<PyTuple> = pair;
    match (pair.len(), PyTuple::item(pair, 0), PyTuple::item(pair, 1)) {
        (2, Some(replacement), Some(position)) => Ok((replacement, position)),
        _ => Err(type_error(message)),
    }
}

/// Where a handler wants to go on: negative positions count from the end.
fn resume_at(thread: &mut Thread, position: Ref<'_>, len: usize, message: &'static str) -> PyResult<usize> {
    if !int::is_int(position) {
        return Err(type_error(message));
    }
    let position = int::index_clamped(thread, position)?;
    let real = if position < 0 { position.saturating_add(len as i64) } else { position };
    match usize::try_from(real) {
        Ok(real) if real <= len => Ok(real),
        _ => Err(index_error(format!("position {position} from error handler out of bounds"))),
    }
}

#[cold]
fn unable(class: &str) -> PyErr {
    type_error(format!("don't know how to handle {class} in error callback"))
}

/// An attribute of a UnicodeError as an index.
fn index_attribute(thread: &mut Thread, exception: Ref<'_>, name: &str) -> PyResult<usize> {
    let value = protocol::get_attr_str(thread, exception, name)?;
    let value = int::value(value.get()).and_then(IntRef::to_i64).unwrap_or(0);
    Ok(usize::try_from(value).unwrap_or(0))
}

/// Lets a built-in handler answer an exception object; the pair that handlers return.
fn answer(thread: &mut Thread, handler: Handler, exception: Ref<'_>) -> PyResult {
    if exception.downcast::<PyBaseException>().is_none() {
        return Err(type_error("codec must pass exception instance"));
    }
    let class = crate::class_of(exception);
    if handler == Handler::Strict {
        return Err(PyErr::from_instance(exception.to_owned()));
    }
    let kinds = [&UnicodeEncodeError, &UnicodeDecodeError, &UnicodeTranslateError];
    let Some(kind) = kinds.iter().position(|kind| class.is_subtype_of(kind.get())) else {
        return Err(unable(&class.name()));
    };
    let object = protocol::get_attr_str(thread, exception, "object")?;
    let (start, end) =
        (index_attribute(thread, exception, "start")?, index_attribute(thread, exception, "end")?);
    let encoding = protocol::find_attr(thread, exception, crate::name!("encoding"))?;
    let encoding = encoding.map_or(String::new(), |encoding| crate::str::display(encoding.get()));
    let answered = match (kind, object.get().downcast::<PyStr>()) {
        (0, Some(text)) => {
            handler.encode_range(text.as_wtf8(), &encoding, start.min(text.len()), end.min(text.len()))
        }
        (2, Some(text)) => handler
            .translate(text.as_wtf8(), start.min(text.len()), end.min(text.len()))
            .map(|(text, at)| (Replacement::Text(text), at)),
        (1, _) if handler.decodes() => {
            let bytes = buffer::bytes_of(thread, object.get())?;
            let (start, end) = (start.min(bytes.len()), end.min(bytes.len()));
            handler
                .decode_range(&bytes, &encoding, start, end)
                .map(|(text, at)| (Replacement::Text(text), at))
        }
        (1, _) => return Err(unable(&class.name())),
        _ => return Err(type_error("object attribute must be str")),
    };
    let (replacement, position) = match answered {
        Some(answer) => answer,
        None if kind == 2 => return Err(unable(&class.name())),
        None => return Err(PyErr::from_instance(exception.to_owned())),
    };
    let replacement = match replacement {
        Replacement::Text(text) => str::from_wtf8(thread, &text)?,
        Replacement::Bytes(bytes) => crate::bytes::new(thread, &bytes)?,
    };
    let position = int::new(thread, position as i64)?;
    Ok(tuple::new(thread, vec![replacement, position])?.into_value())
}

macro_rules! handlers {
    ($($function:ident, $definition:ident, $key:literal, $name:literal, $handler:ident, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            #[pyfunction]
            #[name = $name]
            fn $function(thread: &mut Thread, exc: Ref<'_>) -> PyResult {
                answer(thread, Handler::$handler, exc)
            }
        )*

        /// The function object of a built-in handler.
        pub fn builtin_handler(thread: &Thread, name: &str) -> PyResult<Option<Value>> {
            let definition: &'static MethodDef = match name {
                $($key => &$definition,)*
                _ => return Ok(None),
            };
            crate::types::native_function::new(thread, definition, None, None).map(Some)
        }
    };
}
handlers! {
    strict, __def_strict, "strict", "strict_errors", Strict, "Implements the 'strict' error handling, which raises a UnicodeError on coding errors.";
    ignore, __def_ignore, "ignore", "ignore_errors", Ignore, "Implements the 'ignore' error handling, which ignores malformed data and continues.";
    replace, __def_replace, "replace", "replace_errors", Replace, "Implements the 'replace' error handling, which replaces malformed data with a replacement marker.";
    xmlcharrefreplace, __def_xmlcharrefreplace, "xmlcharrefreplace", "xmlcharrefreplace_errors", XmlCharRefReplace, "Implements the 'xmlcharrefreplace' error handling, which replaces an unencodable character with the appropriate XML character reference.";
    backslashreplace, __def_backslashreplace, "backslashreplace", "backslashreplace_errors", BackslashReplace, "Implements the 'backslashreplace' error handling, which replaces malformed data with a backslashed escape sequence.";
    namereplace, __def_namereplace, "namereplace", "namereplace_errors", NameReplace, "Implements the 'namereplace' error handling, which replaces an unencodable character with a \\N{...} escape sequence.";
    surrogatepass, __def_surrogatepass, "surrogatepass", "surrogatepass_errors", SurrogatePass, "Implements the 'surrogatepass' error handling.";
    surrogateescape, __def_surrogateescape, "surrogateescape", "surrogateescape_errors", SurrogateEscape, "Implements the 'surrogateescape' error handling.";
}
