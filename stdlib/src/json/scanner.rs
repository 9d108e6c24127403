//! Decoding: text to objects.
//!
//! The text is walked by bytes, where it lies. Indices in characters are computed for errors and results only.

use super::text::Source;
use crate::support::import_attr;
use orochi_macros::{Trace, pyclass, pyfunction, pymethods};
use orochi_objects::error::{recursion_error, stop_iteration, type_error, value_error};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::float::PyFloat;
use orochi_objects::types::int::PyInt;
use orochi_objects::types::int_::construct::from_ascii;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{list, tuple};
use orochi_objects::{
    Field, Obj, Owned, PyClass, PyErr, PyResult, PyType, Ref, Thread, Value, alloc, class_of, float, int,
    protocol, str,
};
use orochi_text::wtf8::{CodePoint, Wtf8Buf};
use std::collections::HashMap;

/// JSON scanner object
#[pyclass(name = "Scanner", module = "_json")]
#[derive(Trace)]
pub(super) struct Scanner {
    strict: bool,
    object_hook: Field,
    object_pairs_hook: Field,
    parse_float: Field,
    parse_int: Field,
    parse_constant: Field,
}

/// `json.JSONDecodeError(message, text, position)`.
fn decode_error(thread: &mut Thread, message: &str, source: &Source<'_>, at: usize) -> PyErr {
    decode_error_at(thread, message, source, source.index(at) as i64)
}

fn decode_error_at(thread: &mut Thread, message: &str, source: &Source<'_>, index: i64) -> PyErr {
    let made = (|| {
        let class = import_attr(thread, "json.decoder", "JSONDecodeError")?;
        let (message, index) = (str::new(thread, message)?, int::new(thread, index)?);
        protocol::call(thread, class.get(), &[message.get(), source.object(), index.get()])
    })();
    made.map_or_else(|error| error, PyErr::from_instance)
}

/// Reads the string whose first character (behind the quote) is at `start`: the text, and the offset behind it.
fn scan_string(
    thread: &mut Thread,
    source: &Source<'_>,
    start: usize,
    begin: i64,
    strict: bool,
) -> PyResult<(Wtf8Buf, usize)> {
    let bytes = source.bytes();
    let mut out = Wtf8Buf::default();
    let mut at = start;
    loop {
        let chunk = at;
        while bytes.get(at).is_some_and(|&byte| byte != b'"' && byte != b'\\' && byte >= 0x20) {
            at += 1;
        }
        out.push_wtf8(source.slice(chunk, at));
        match bytes.get(at) {
            None => return Err(decode_error_at(thread, "Unterminated string starting at", source, begin)),
            Some(b'"') => return Ok((out, at + 1)),
            Some(b'\\') => at = escape(thread, source, at, begin, &mut out)?,
            Some(&control) => {
                if strict {
                    return Err(decode_error(thread, "Invalid control character at", source, at));
                }
                out.push_ascii(control);
                at += 1;
            }
        }
    }
}

/// Reads the escape at `at`; gives back the offset behind it.
fn escape(
    thread: &mut Thread,
    source: &Source<'_>,
    at: usize,
    begin: i64,
    out: &mut Wtf8Buf,
) -> PyResult<usize> {
    let simple = match source.bytes().get(at + 1) {
        None => return Err(decode_error_at(thread, "Unterminated string starting at", source, begin)),
        Some(&byte @ (b'"' | b'\\' | b'/')) => byte,
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(b'n') => 10,
        Some(b'r') => 13,
        Some(b't') => 9,
        Some(b'u') => {
            let Some(first) = source.hex4(at + 2) else {
                return Err(decode_error(thread, "Invalid \\uXXXX escape", source, at + 1));
            };
            let mut code = u32::from(first);
            let mut next = at + 6;
            if (0xD800..0xDC00).contains(&first)
                && source.bytes().get(next..next + 2) == Some(b"\\u")
                && let Some(second) = source.hex4(next + 2).filter(|second| (0xDC00..0xE000).contains(second))
            {
                code = 0x1_0000 + ((code - 0xD800) << 10) + (u32::from(second) - 0xDC00);
                next += 6;
            }
            if let Some(c) = CodePoint::from_u32(code) {
                out.push(c);
            }
            return Ok(next);
        }
        Some(_) => return Err(decode_error(thread, "Invalid \\escape", source, at)),
    };
    out.push_ascii(simple);
    Ok(at + 2)
}

/// One decoding.
struct Parser<'a> {
    scanner: &'a Scanner,
    source: &'a Source<'a>,
    /// Keys of objects, so that equal ones are one str.
    keys: HashMap<Box<[u8]>, Value>,
}

impl Parser<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.source.bytes().get(at).copied()
    }

    fn skip_space(&self, mut at: usize) -> usize {
        while matches!(self.byte(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            at += 1;
        }
        at
    }

    fn no_value(&self, thread: &mut Thread, at: usize) -> PyErr {
        match int::new(thread, self.source.index(at) as i64) {
            Ok(index) => stop_iteration(index),
            Err(error) => error,
        }
    }

    /// The value at `at`, and the offset behind it.
    fn value(&mut self, thread: &mut Thread, at: usize) -> PyResult<(Value, usize)> {
        let rest = self.source.bytes().get(at..).unwrap_or_default();
        match rest.first() {
            Some(b'"') => {
                let begin = self.source.index(at) as i64;
                let (text, next) = scan_string(thread, self.source, at + 1, begin, self.scanner.strict)?;
                Ok((str::from_wtf8(thread, text.as_wtf8())?, next))
            }
            Some(b'{') => self.object(thread, at + 1),
            Some(b'[') => self.array(thread, at + 1),
            Some(b'n') if rest.starts_with(b"null") => Ok((Value::NONE, at + 4)),
            Some(b't') if rest.starts_with(b"true") => Ok((Value::TRUE, at + 4)),
            Some(b'f') if rest.starts_with(b"false") => Ok((Value::FALSE, at + 5)),
            Some(b'N') if rest.starts_with(b"NaN") => self.constant(thread, "NaN", at),
            Some(b'I') if rest.starts_with(b"Infinity") => self.constant(thread, "Infinity", at),
            Some(b'-') if rest.starts_with(b"-Infinity") => self.constant(thread, "-Infinity", at),
            Some(b'-' | b'0'..=b'9') => self.number(thread, at),
            _ => Err(self.no_value(thread, at)),
        }
    }

    fn constant(&self, thread: &mut Thread, text: &str, at: usize) -> PyResult<(Value, usize)> {
        let argument = str::new(thread, text)?;
        let value = protocol::call(thread, self.scanner.parse_constant.fixed(), &[argument.get()])?;
        Ok((value, at + text.len()))
    }

    fn number(&self, thread: &mut Thread, start: usize) -> PyResult<(Value, usize)> {
        let digits = |mut at: usize| {
            while self.byte(at).is_some_and(|byte| byte.is_ascii_digit()) {
                at += 1;
            }
            at
        };
        let first = start + usize::from(self.byte(start) == Some(b'-'));
        let mut end = match self.byte(first) {
            Some(b'0') => first + 1,
            Some(b'1'..=b'9') => digits(first),
            _ => return Err(self.no_value(thread, start)),
        };
        let mut is_float = false;
        if self.byte(end) == Some(b'.') {
            let after = digits(end + 1);
            if after > end + 1 {
                (end, is_float) = (after, true);
            }
        }
        if matches!(self.byte(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.byte(end + 1), Some(b'+' | b'-')));
            let after = digits(end + 1 + sign);
            if after > end + 1 + sign {
                (end, is_float) = (after, true);
            }
        }
        let text = self.source.bytes().get(start..end).unwrap_or_default();
        let (hook, plain) = if is_float {
            (self.scanner.parse_float.fixed(), PyFloat::static_type().get().get())
        } else {
            (self.scanner.parse_int.fixed(), PyInt::static_type().get().get())
        };
        let value = if !hook.is(plain) {
            let argument = str::from_wtf8(thread, self.source.slice(start, end))?;
            protocol::call(thread, hook, &[argument.get()])?
        } else if is_float {
            float::new(thread, orochi_text::float::parse(text).unwrap_or(f64::NAN))?
        } else {
            match std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok()) {
                Some(small) => int::new(thread, small)?,
                None => from_ascii(thread, text, 10)?,
            }
        };
        Ok((value, end))
    }

    fn check_depth(thread: &Thread, what: &str) -> PyResult<()> {
        if thread.native_stack_low() {
            let text = format!(
                "maximum recursion depth exceeded while decoding a JSON {what} from a unicode string"
            );
            return Err(recursion_error(text));
        }
        Ok(())
    }

    fn array(&mut self, thread: &mut Thread, start: usize) -> PyResult<(Value, usize)> {
        Self::check_depth(thread, "array")?;
        let mut items = Vec::new();
        let mut at = self.skip_space(start);
        if self.byte(at) == Some(b']') {
            return Ok((list::new(thread, items)?.into_value(), at + 1));
        }
        loop {
            let (value, next) = self.value(thread, at)?;
            items.push(value);
            at = self.skip_space(next);
            match self.byte(at) {
                Some(b']') => return Ok((list::new(thread, items)?.into_value(), at + 1)),
                Some(b',') => {}
                _ => return Err(decode_error(thread, "Expecting ',' delimiter", self.source, at)),
            }
            let comma = at;
            at = self.skip_space(at + 1);
            if self.byte(at) == Some(b']') {
                let message = "Illegal trailing comma before end of array";
                return Err(decode_error(thread, message, self.source, comma));
            }
        }
    }

    fn key(&mut self, thread: &mut Thread, at: usize) -> PyResult<(Value, usize)> {
        if self.byte(at) != Some(b'"') {
            let message = "Expecting property name enclosed in double quotes";
            return Err(decode_error(thread, message, self.source, at));
        }
        let begin = self.source.index(at) as i64;
        let (text, next) = scan_string(thread, self.source, at + 1, begin, self.scanner.strict)?;
        let bytes: &[u8] = text.as_wtf8().as_ref();
        if let Some(key) = self.keys.get(bytes) {
            return Ok((key.clone(), next));
        }
        let key = str::from_wtf8(thread, text.as_wtf8())?;
        self.keys.insert(bytes.into(), key.clone());
        Ok((key, next))
    }

    fn object(&mut self, thread: &mut Thread, start: usize) -> PyResult<(Value, usize)> {
        Self::check_depth(thread, "object")?;
        let mut object = Members::new(thread, !self.scanner.object_pairs_hook.fixed().is_none())?;
        let mut at = self.skip_space(start);
        if self.byte(at) == Some(b'}') {
            return Ok((self.finish(thread, object)?, at + 1));
        }
        loop {
            let (key, next) = self.key(thread, at)?;
            at = self.skip_space(next);
            if self.byte(at) != Some(b':') {
                return Err(decode_error(thread, "Expecting ':' delimiter", self.source, at));
            }
            at = self.skip_space(at + 1);
            let (value, next) = self.value(thread, at)?;
            object.add(thread, key, value)?;
            at = self.skip_space(next);
            match self.byte(at) {
                Some(b'}') => return Ok((self.finish(thread, object)?, at + 1)),
                Some(b',') => {}
                _ => return Err(decode_error(thread, "Expecting ',' delimiter", self.source, at)),
            }
            let comma = at;
            at = self.skip_space(at + 1);
            if self.byte(at) == Some(b'}') {
                let message = "Illegal trailing comma before end of object";
                return Err(decode_error(thread, message, self.source, comma));
            }
        }
    }

    fn finish(&self, thread: &mut Thread, members: Members) -> PyResult {
        match members {
            Members::Pairs(pairs) => {
                let pairs = list::new(thread, pairs)?;
                protocol::call(thread, self.scanner.object_pairs_hook.fixed(), &[pairs.get()])
            }
            Members::Dict(dict) => {
                let hook = self.scanner.object_hook.fixed();
                if hook.is_none() {
                    return Ok(dict.into_value());
                }
                protocol::call(thread, hook, &[dict.get()])
            }
        }
    }
}

/// The members of an object as they are collected.
enum Members {
    Pairs(Vec<Value>),
    Dict(Owned<PyDict>),
}

impl Members {
    fn new(thread: &Thread, pairs: bool) -> PyResult<Members> {
        Ok(if pairs { Members::Pairs(Vec::new()) } else { Members::Dict(dict::new(thread)?) })
    }

    fn add(&mut self, thread: &mut Thread, key: Value, value: Value) -> PyResult<()> {
        match self {
            Members::Pairs(pairs) => pairs.push(tuple::new(thread, vec![key, value])?.into_value()),
            Members::Dict(dict) => dict::set_item(thread, dict, key.get(), value)?,
        }
        Ok(())
    }
}

#[pymethods]
impl Scanner {
    #[new]
    #[no_text_signature]
    #[signature(context)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, context: Ref) -> PyResult {
        let mut attribute = |name: &str| protocol::get_attr_str(thread, context, name);
        let strict = attribute("strict")?;
        let fields = [
            attribute("object_hook")?,
            attribute("object_pairs_hook")?,
            attribute("parse_float")?,
            attribute("parse_int")?,
            attribute("parse_constant")?,
        ];
        let [object_hook, object_pairs_hook, parse_float, parse_int, parse_constant] =
            fields.map(Field::new_local);
        let strict = protocol::is_true(thread, strict.get())?;
        let scanner =
            Scanner { strict, object_hook, object_pairs_hook, parse_float, parse_int, parse_constant };
        Ok(alloc(thread, cls, scanner)?.into_value())
    }

    #[call]
    #[signature(string, idx)]
    fn call(thread: &mut Thread, this: &Obj<Self>, string: Ref, idx: isize) -> PyResult {
        let Some(text) = string.downcast::<PyStr>() else {
            let class = class_of(string).name();
            return Err(type_error(format!("first argument must be a string, not {class}")));
        };
        let index = usize::try_from(idx).map_err(|_| value_error("idx cannot be negative"))?;
        let source = Source::new(text);
        let mut parser = Parser { scanner: this, source: &source, keys: HashMap::new() };
        let Some(start) = source.offset(index) else {
            let index = int::new(thread, idx as i64)?;
            return Err(stop_iteration(index));
        };
        let (value, end) = parser.value(thread, start)?;
        let end = int::new(thread, source.index(end) as i64)?;
        Ok(tuple::new(thread, vec![value, end])?.into_value())
    }

    /// strict
    #[getter]
    fn strict(this: &Obj<Self>) -> bool {
        this.strict
    }

    #[getter]
    fn object_hook(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.object_hook.fixed())
    }

    #[getter]
    fn object_pairs_hook(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.object_pairs_hook.fixed())
    }

    #[getter]
    fn parse_float(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.parse_float.fixed())
    }

    #[getter]
    fn parse_int(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.parse_int.fixed())
    }

    #[getter]
    fn parse_constant(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.parse_constant.fixed())
    }
}

/// scanstring(string, end, strict=True) -> (string, end)
///
/// Scan the string s for a JSON string. End is the index of the
/// character in s after the quote that started the JSON string.
/// Unescapes all valid JSON string escape sequences and raises ValueError
/// on attempt to decode an invalid string. If strict is False then literal
/// control characters are allowed in the string.
///
/// Returns a tuple of the decoded string and the index of the character in s
/// after the end quote.
#[pyfunction]
#[signature(string, end, strict=True, /)]
#[no_text_signature]
pub(super) fn scanstring(thread: &mut Thread, string: Ref, end: isize, strict: bool) -> PyResult {
    let Some(text) = string.downcast::<PyStr>() else {
        let class = class_of(string).name();
        return Err(type_error(format!("first argument must be a string, not {class}")));
    };
    let source = Source::new(text);
    let start = usize::try_from(end).ok().and_then(|end| source.offset(end));
    let start = start.ok_or_else(|| value_error("end is out of bounds"))?;
    let (found, next) = scan_string(thread, &source, start, end as i64 - 1, strict)?;
    let found = str::from_wtf8(thread, found.as_wtf8())?;
    let next = int::new(thread, source.index(next) as i64)?;
    Ok(tuple::new(thread, vec![found, next])?.into_value())
}
