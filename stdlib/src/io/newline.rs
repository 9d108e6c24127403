//! Line ends: what the `newline` argument of streams means, translation while reading, and the class
//! `IncrementalNewlineDecoder`.

use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{type_error, value_error};
use orochi_objects::types::bytes;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{
    ArgSlice, AtomicField, Guarded, IntoPy, KwArgs, Obj, PyResult, PyType, Ref, Thread, Value, alloc, int,
    protocol, str, tuple,
};
use orochi_text::wtf8::Wtf8Buf;

/// The `newline` argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Newline {
    /// None: all kinds are read as `\n`.
    Translate,
    /// `''`: all kinds end a line and stay as they are.
    Keep,
    /// `'\n'`.
    Lf,
    /// `'\r'`.
    Cr,
    /// `'\r\n'`.
    CrLf,
}

impl Newline {
    /// The meaning of an argument; `None` if it is none.
    pub(super) fn parse(text: Option<&str>) -> Option<Newline> {
        Some(match text {
            None => Newline::Translate,
            Some("") => Newline::Keep,
            Some("\n") => Newline::Lf,
            Some("\r") => Newline::Cr,
            Some("\r\n") => Newline::CrLf,
            Some(_) => return None,
        })
    }

    /// Whether reading looks for all kinds.
    pub(super) fn is_universal(self) -> bool {
        matches!(self, Newline::Translate | Newline::Keep)
    }

    /// What `\n` is written as, if as something else.
    pub(super) fn written(self) -> Option<&'static [u8]> {
        match self {
            Newline::Cr => Some(b"\r"),
            Newline::CrLf => Some(b"\r\n"),
            _ => None,
        }
    }

    /// The end of the first line of a text (behind its line end).
    pub(super) fn line_end(self, text: &[u8]) -> Option<usize> {
        match self {
            Newline::Translate | Newline::Lf => memchr::memchr(b'\n', text).map(|at| at + 1),
            Newline::Cr => memchr::memchr(b'\r', text).map(|at| at + 1),
            Newline::CrLf => memchr::memmem::find(text, b"\r\n").map(|at| at + 2),
            Newline::Keep => memchr::memchr2(b'\n', b'\r', text).map(|at| {
                let pair = text.get(at..at + 2) == Some(b"\r\n");
                at + 1 + usize::from(pair)
            }),
        }
    }

    /// The text as it is written.
    pub(super) fn translate_written(self, text: &[u8]) -> Option<Vec<u8>> {
        let with = self.written()?;
        memchr::memchr(b'\n', text)?;
        let mut out = Vec::with_capacity(text.len() + 16);
        for part in text.split_inclusive(|byte| *byte == b'\n') {
            match part.split_last() {
                Some((b'\n', rest)) => {
                    out.extend_from_slice(rest);
                    out.extend_from_slice(with);
                }
                _ => out.extend_from_slice(part),
            }
        }
        Some(out)
    }
}

const SEEN_LF: u8 = 1;
const SEEN_CR: u8 = 2;
const SEEN_CRLF: u8 = 4;

/// The state of reading texts with all kinds of line ends.
#[derive(Clone, Copy, Default, Debug, Trace)]
pub(super) struct Universal {
    /// A `\r` came last, of which nobody knows yet whether a `\n` follows.
    pub(super) pending: bool,
    /// The kinds that were seen.
    pub(super) seen: u8,
}

impl Universal {
    /// Takes the next part of a text.
    pub(super) fn feed(&mut self, text: &mut Vec<u8>, translate: bool, end: bool) {
        if self.pending && (!text.is_empty() || end) {
            text.insert(0, b'\r');
            self.pending = false;
        }
        if !end && text.last() == Some(&b'\r') {
            text.pop();
            self.pending = true;
        }
        if memchr::memchr(b'\r', text).is_none() {
            if self.seen & SEEN_LF == 0 && memchr::memchr(b'\n', text).is_some() {
                self.seen |= SEEN_LF;
            }
            return;
        }
        self.feed_mixed(text, translate);
    }

    fn feed_mixed(&mut self, text: &mut Vec<u8>, translate: bool) {
        let mut out = Vec::with_capacity(text.len());
        let mut rest: &[u8] = text;
        while let Some(at) = memchr::memchr2(b'\n', b'\r', rest) {
            let (before, tail) = rest.split_at(at);
            out.extend_from_slice(before);
            let len = match tail {
                [b'\r', b'\n', ..] => {
                    self.seen |= SEEN_CRLF;
                    2
                }
                [b'\r', ..] => {
                    self.seen |= SEEN_CR;
                    1
                }
                _ => {
                    self.seen |= SEEN_LF;
                    1
                }
            };
            let (ending, after) = tail.split_at(len);
            out.extend_from_slice(if translate { b"\n" } else { ending });
            rest = after;
        }
        out.extend_from_slice(rest);
        *text = out;
    }

    /// The `newlines` attribute.
    pub(super) fn newlines(self, thread: &mut Thread) -> PyResult {
        let kinds: Vec<&str> = [(SEEN_CR, "\r"), (SEEN_LF, "\n"), (SEEN_CRLF, "\r\n")]
            .into_iter()
            .filter(|(bit, _)| self.seen & bit != 0)
            .map(|(_, text)| text)
            .collect();
        match kinds.as_slice() {
            [] => Ok(Value::NONE),
            [one] => str::new(thread, one),
            several => {
                let mut values = Vec::new();
                for kind in several {
                    values.push(str::new(thread, kind)?);
                }
                Ok(tuple::new(thread, values)?.into_value())
            }
        }
    }
}

/// A str of bytes that are WTF-8.
pub(super) fn text_value(thread: &Thread, text: Vec<u8>) -> PyResult {
    match Wtf8Buf::from_bytes(text) {
        Ok(text) => str::from_wtf8(thread, &text),
        Err(bytes) => str::from_wtf8(thread, &crate::os_support::decode_escaped(&bytes)),
    }
}

/// Codec used when reading a file in universal newlines mode.
///
/// It wraps another incremental decoder, translating \r\n and \r into \n.
/// It also records the types of newlines encountered.  When used with
/// translate=False, it ensures that the newline sequence is returned in
/// one piece. When used with decoder=None, it expects unicode strings as
/// decode input and translates newlines without first invoking an external
/// decoder.
#[pyclass(name = "IncrementalNewlineDecoder", module = "_io", subclassable)]
#[derive(Trace)]
pub(super) struct NewlineDecoder {
    decoder: AtomicField,
    state: Guarded<DecoderState>,
}

#[derive(Trace)]
struct DecoderState {
    universal: Universal,
    translate: bool,
}

impl NewlineDecoder {
    fn inner(thread: &Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        match this.decoder.get(thread) {
            None => Err(value_error("IncrementalNewlineDecoder.__init__() not called")),
            Some(decoder) => Ok(Some(decoder).filter(|decoder| !decoder.get().is_none())),
        }
    }
}

#[pymethods]
impl NewlineDecoder {
    #[new]
    #[signature(*args, **kwargs)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, args: ArgSlice<'_>, kwargs: KwArgs<'_>) -> PyResult {
        let _ = (args, kwargs);
        let state = DecoderState { universal: Universal::default(), translate: false };
        let made = NewlineDecoder { decoder: AtomicField::empty(), state: Guarded::new(state) };
        Ok(alloc(thread, cls, made)?.into_value())
    }

    #[init]
    #[signature(decoder, translate, errors = "strict")]
    fn init(
        thread: &mut Thread,
        this: &Obj<Self>,
        decoder: Ref<'_>,
        translate: bool,
        errors: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let _ = errors;
        drop(this.decoder.swap(this, thread, Some(decoder.to_owned())));
        this.state.with(this, thread, |state, _| {
            *state = DecoderState { universal: Universal::default(), translate };
        });
        Ok(())
    }

    #[signature(input, final=false as "False")]
    fn decode(thread: &mut Thread, this: &Obj<Self>, input: Ref<'_>, r#final: bool) -> PyResult {
        let text = match Self::inner(thread, this)? {
            Some(decoder) => {
                protocol::call_method(thread, decoder.get(), "decode", &[input, Value::bool(r#final).get()])?
            }
            None => input.to_owned(),
        };
        let Some(text) = text.get().downcast::<PyStr>() else {
            let name = orochi_objects::class_of(text.get()).name();
            return Err(type_error(format!("decoder should return a string result, not '{name}'")));
        };
        let mut text = text.as_bytes().to_vec();
        this.state.with(this, thread, |state, _| {
            state.universal.feed(&mut text, state.translate, r#final);
        });
        text_value(thread, text)
    }

    fn getstate(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (buffer, mut flag) = match Self::inner(thread, this)? {
            Some(decoder) => {
                let state = protocol::call_method(thread, decoder.get(), "getstate", &[])?;
                let Some(state) = state.get().downcast::<PyTuple>().filter(|state| state.len() == 2) else {
                    return Err(type_error("illegal decoder state"));
                };
                let flag = int::index_i64(thread, state.item(1).unwrap_or(Ref::NONE))?;
                (state.item(0).unwrap_or(Ref::NONE).to_owned(), flag)
            }
            None => (bytes::new(thread, b"")?, 0),
        };
        flag <<= 1;
        flag |= i64::from(this.state.with(this, thread, |state, _| state.universal.pending));
        let flag = flag.into_py(thread)?;
        Ok(tuple::new(thread, vec![buffer, flag])?.into_value())
    }

    fn setstate(thread: &mut Thread, this: &Obj<Self>, state: Ref<'_>) -> PyResult<()> {
        let Some(parts) = state.downcast::<PyTuple>() else {
            return Err(type_error("state argument must be a tuple"));
        };
        let (Some(buffer), Some(flag), 2) = (parts.item(0), parts.item(1), parts.len()) else {
            return Err(type_error("illegal decoder state"));
        };
        let flag = int::index_i64(thread, flag)?;
        this.state.with(this, thread, |state, _| state.universal.pending = flag & 1 != 0);
        if let Some(decoder) = Self::inner(thread, this)? {
            let flag = (flag >> 1).into_py(thread)?;
            let inner = tuple::new(thread, vec![buffer.to_owned(), flag])?;
            protocol::call_method(thread, decoder.get(), "setstate", &[inner.get()])?;
        }
        Ok(())
    }

    fn reset(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        this.state.with(this, thread, |state, _| state.universal = Universal::default());
        if let Some(decoder) = Self::inner(thread, this)? {
            protocol::call_method(thread, decoder.get(), "reset", &[])?;
        }
        Ok(())
    }

    #[getter]
    fn newlines(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Self::inner(thread, this)?;
        let universal = this.state.with(this, thread, |state, _| state.universal);
        universal.newlines(thread)
    }
}
