//! `StringIO`: a text stream in memory.

use super::base::{TextIoBase, closed_error};
use super::newline::{Newline, Universal, text_value};
use super::size_argument;
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{os_error_message, type_error, value_error};
use orochi_objects::types::dict;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{
    ArgSlice, Guarded, KwArgs, Obj, PyDict, PyResult, PyType, Ref, Thread, Value, alloc, class_of, int,
    protocol, str, tuple,
};
use orochi_text::wtf8::Wtf8;

/// Text I/O implementation using an in-memory buffer.
///
/// The initial_value argument sets the value of object.  The newline
/// argument is like the one of TextIOWrapper's constructor.
#[pyclass(name = "StringIO", module = "_io", base = TextIoBase, subclassable, dict, weakref)]
#[derive(Trace)]
pub(super) struct StringIo {
    state: Guarded<State>,
}

#[derive(Trace)]
struct State {
    closed: bool,
    /// WTF-8.
    text: Vec<u8>,
    /// Code points of the text.
    len: usize,
    /// Where reading and writing happen, in code points; may lie behind the end.
    at: usize,
    /// The same in bytes (of the end if it lies behind).
    offset: usize,
    #[trace(unsafe_skip)]
    newline: Newline,
    universal: Universal,
}

fn count(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

/// The bytes of the first `n` code points.
fn prefix(text: &[u8], n: usize) -> usize {
    let mut starts = text.iter().enumerate().filter(|(_, byte)| **byte & 0xC0 != 0x80);
    starts.nth(n).map_or(text.len(), |(at, _)| at)
}

impl State {
    fn new(newline: Newline) -> State {
        State {
            closed: false,
            text: Vec::new(),
            len: 0,
            at: 0,
            offset: 0,
            newline,
            universal: Universal::default(),
        }
    }

    fn seek(&mut self, to: usize) {
        self.at = to;
        self.offset = if to >= self.len {
            self.text.len()
        } else if self.len == self.text.len() {
            to
        } else {
            prefix(&self.text, to)
        };
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.offset..).unwrap_or_default()
    }

    /// Takes bytes from the position on.
    fn take(&mut self, bytes: usize) -> Vec<u8> {
        let rest = self.rest();
        let part = rest.get(..bytes).unwrap_or(rest).to_vec();
        self.offset += part.len();
        self.at += count(&part);
        part
    }

    fn take_points(&mut self, limit: Option<usize>) -> Vec<u8> {
        let bytes = limit.map_or(usize::MAX, |limit| prefix(self.rest(), limit));
        self.take(bytes)
    }

    fn take_line(&mut self, limit: Option<usize>) -> Vec<u8> {
        let rest = self.rest();
        let rest = limit.map_or(rest, |limit| rest.get(..prefix(rest, limit)).unwrap_or_default());
        let end = self.newline.line_end(rest).unwrap_or(rest.len());
        self.take(end)
    }

    fn write(&mut self, part: &[u8]) {
        let mut owned;
        let mut part = part;
        if self.newline.is_universal() {
            owned = part.to_vec();
            self.universal.feed(&mut owned, self.newline == Newline::Translate, true);
            part = &owned;
        } else if let Some(translated) = self.newline.translate_written(part) {
            owned = translated;
            part = &owned;
        }
        if part.is_empty() {
            return;
        }
        if self.at > self.len {
            self.text.resize(self.text.len() + self.at - self.len, 0);
            self.len = self.at;
            self.offset = self.text.len();
        }
        let points = count(part);
        let replaced = prefix(self.rest(), points);
        self.len += points - count(self.rest().get(..replaced).unwrap_or_default());
        let range = self.offset..self.offset + replaced;
        self.text.splice(range, part.iter().copied());
        self.offset += part.len();
        self.at += points;
    }
}

impl StringIo {
    fn with<R>(thread: &Thread, this: &Obj<Self>, f: impl FnOnce(&mut State) -> R) -> PyResult<R> {
        this.state.with(this, thread, |state, _| (!state.closed).then(|| f(state))).ok_or_else(closed_error)
    }
}

#[pymethods]
impl StringIo {
    #[new]
    #[signature(*args, **kwargs)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, args: ArgSlice<'_>, kwargs: KwArgs<'_>) -> PyResult {
        let _ = (args, kwargs);
        Ok(alloc(thread, cls, StringIo { state: Guarded::new(State::new(Newline::Lf)) })?.into_value())
    }

    #[init]
    #[signature(initial_value=None as "''", newline=<missing> as "'\\n'")]
    fn init(
        thread: &mut Thread,
        this: &Obj<Self>,
        initial_value: Option<Ref<'_>>,
        newline: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let newline = match newline {
            None => Newline::Lf,
            Some(newline) if newline.is_none() => Newline::Translate,
            Some(newline) => {
                let Some(text) = newline.downcast::<PyStr>() else {
                    let name = class_of(newline).name();
                    return Err(type_error(format!("newline must be str or None, not {name}")));
                };
                let Some(kind) = Newline::parse(text.to_str()) else {
                    let shown = protocol::repr(thread, newline)?;
                    return Err(value_error(format!("illegal newline value: {}", str::display(shown.get()))));
                };
                kind
            }
        };
        let initial = match initial_value.filter(|value| !value.is_none()) {
            None => Vec::new(),
            Some(value) => match value.downcast::<PyStr>() {
                Some(text) => text.as_bytes().to_vec(),
                None => {
                    let name = class_of(value).name();
                    return Err(type_error(format!("initial_value must be str or None, not {name}")));
                }
            },
        };
        this.state.with(this, thread, |state, _| {
            *state = State::new(newline);
            state.write(&initial);
            state.seek(0);
        });
        Ok(())
    }

    /// Close the IO object.
    ///
    /// Attempting any further operation after the object is closed
    /// will raise a ValueError.
    ///
    /// This method has no effect if the file is already closed.
    fn close(thread: &mut Thread, this: &Obj<Self>) {
        this.state.with(this, thread, |state, _| {
            state.closed = true;
            state.text = Vec::new();
        });
    }

    /// Retrieve the entire contents of the object.
    fn getvalue(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let text = Self::with(thread, this, |state| state.text.clone())?;
        text_value(thread, text)
    }

    /// Read at most size characters, returned as a string.
    ///
    /// If the argument is negative or omitted, read until EOF
    /// is reached. Return an empty string at EOF.
    #[signature(size=None as "-1", /)]
    fn read(thread: &mut Thread, this: &Obj<Self>, size: Option<Ref<'_>>) -> PyResult {
        let limit = size_argument(thread, size)?;
        let part = Self::with(thread, this, |state| state.take_points(limit))?;
        text_value(thread, part)
    }

    /// Read until newline or EOF.
    ///
    /// Returns an empty string if EOF is hit immediately.
    #[signature(size=None as "-1", /)]
    fn readline(thread: &mut Thread, this: &Obj<Self>, size: Option<Ref<'_>>) -> PyResult {
        let limit = size_argument(thread, size)?;
        let line = Self::with(thread, this, |state| state.take_line(limit))?;
        text_value(thread, line)
    }

    /// Tell the current file position.
    fn tell(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        Self::with(thread, this, |state| state.at)
    }

    /// Truncate size to pos.
    ///
    /// The pos argument defaults to the current file position, as
    /// returned by tell().  The current file position is unchanged.
    /// Returns the new absolute position.
    #[signature(pos=None, /)]
    fn truncate(thread: &mut Thread, this: &Obj<Self>, pos: Option<i64>) -> PyResult<usize> {
        let here = Self::with(thread, this, |state| state.at)?;
        let size = match pos {
            Some(pos) => {
                usize::try_from(pos).map_err(|_| value_error(format!("Negative size value {pos}")))?
            }
            None => here,
        };
        Self::with(thread, this, |state| {
            if size < state.len {
                let end = prefix(&state.text, size);
                state.text.truncate(end);
                state.len = size;
                state.seek(state.at);
            }
        })?;
        Ok(size)
    }

    /// Change stream position.
    ///
    /// Seek to character offset pos relative to position indicated by whence:
    ///     0  Start of stream (the default).  pos should be >= 0;
    ///     1  Current position - pos must be 0;
    ///     2  End of stream - pos must be 0.
    /// Returns the new absolute position.
    #[signature(pos, whence=0, /)]
    fn seek(thread: &mut Thread, this: &Obj<Self>, pos: i64, whence: i32) -> PyResult<usize> {
        Self::with(thread, this, |_| ())?;
        if !(0..=2).contains(&whence) {
            return Err(value_error(format!("Invalid whence ({whence}, should be 0, 1 or 2)")));
        }
        if pos < 0 && whence == 0 {
            return Err(value_error(format!("Negative seek position {pos}")));
        }
        if pos != 0 && whence != 0 {
            return Err(os_error_message("Can't do nonzero cur-relative seeks"));
        }
        Self::with(thread, this, |state| {
            let to = match whence {
                0 => pos as usize,
                1 => state.at,
                _ => state.len,
            };
            state.seek(to);
            to
        })
    }

    /// Write string to file.
    ///
    /// Returns the number of characters written, which is always equal to
    /// the length of the string.
    fn write(thread: &mut Thread, this: &Obj<Self>, s: Ref<'_>) -> PyResult<usize> {
        let Some(text) = s.downcast::<PyStr>() else {
            let name = class_of(s).name();
            return Err(type_error(format!("string argument expected, got '{name}'")));
        };
        Self::with(thread, this, |state| state.write(text.as_bytes()))?;
        Ok(Wtf8::count_code_points(text.as_wtf8()))
    }

    /// Returns True if the IO object can be seeked.
    fn seekable(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        Self::with(thread, this, |_| true)
    }

    /// Returns True if the IO object can be read.
    fn readable(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        Self::with(thread, this, |_| true)
    }

    /// Returns True if the IO object can be written.
    fn writable(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        Self::with(thread, this, |_| true)
    }

    fn __getstate__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (text, newline, at) =
            Self::with(thread, this, |state| (state.text.clone(), state.newline, state.at))?;
        let newline = match newline {
            Newline::Translate => Value::NONE,
            Newline::Keep => str::new(thread, "")?,
            Newline::Lf => str::new(thread, "\n")?,
            Newline::Cr => str::new(thread, "\r")?,
            Newline::CrLf => str::new(thread, "\r\n")?,
        };
        let names = protocol::find_attr(thread, this.get(), str::intern(thread, "__dict__")?)?;
        let names = match names.and_then(|names| names.downcast::<PyDict>().ok()) {
            Some(names) if dict::len(thread, &names) > 0 => dict::copy(thread, &names)?.into_value(),
            _ => Value::NONE,
        };
        let values = vec![text_value(thread, text)?, newline, int::new(thread, at as i64)?, names];
        Ok(tuple::new(thread, values)?.into_value())
    }

    fn __setstate__(thread: &mut Thread, this: &Obj<Self>, state: Ref<'_>) -> PyResult<()> {
        let Some(parts) = state.downcast::<PyTuple>().filter(|parts| parts.len() >= 4) else {
            let class = class_of(this.get()).name();
            let got = class_of(state).name();
            return Err(type_error(format!("{class}.__setstate__ argument should be 4-tuple, got {got}")));
        };
        let part = |i| parts.item(i).unwrap_or(Ref::NONE);
        let Some(text) = part(0).downcast::<PyStr>() else {
            let got = class_of(part(0)).full_name();
            return Err(type_error(format!("initial_value must be str or None, not {got}")));
        };
        if !part(3).is_none() && part(3).downcast::<PyDict>().is_none() {
            let got = class_of(part(3)).full_name();
            return Err(type_error(format!("fourth item of state should be a dict, got a {got}")));
        }
        Self::with(thread, this, |_| ())?;
        Self::init(thread, this, None, Some(part(1)))?;
        // The text was translated when it was written the first time.
        Self::with(thread, this, |state| {
            state.text = text.as_bytes().to_vec();
            state.len = text.len();
        })?;
        let at = int::index_i64(thread, part(2))?;
        let Ok(at) = usize::try_from(at) else {
            return Err(value_error("position value cannot be negative"));
        };
        Self::with(thread, this, |state| state.seek(at))?;
        if let Some(names) = part(3).downcast::<PyDict>() {
            for entry in dict::entries(thread, names)? {
                if let Some(name) = entry.key.get().downcast::<PyStr>() {
                    protocol::set_attr(thread, this.get(), name, Some(entry.value.get()))?;
                }
            }
        }
        Ok(())
    }

    #[getter]
    fn closed(thread: &mut Thread, this: &Obj<Self>) -> bool {
        this.state.with(this, thread, |state, _| state.closed)
    }

    #[getter]
    fn newlines(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let universal = Self::with(thread, this, |state| state.universal)?;
        universal.newlines(thread)
    }

    #[getter]
    fn line_buffering(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        Self::with(thread, this, |_| false)
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let line = Self::with(thread, this, |state| state.take_line(None))?;
        if line.is_empty() { Ok(None) } else { text_value(thread, line).map(Some) }
    }
}
