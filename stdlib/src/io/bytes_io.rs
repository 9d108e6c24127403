//! `BytesIO`: a binary stream in memory.

use super::base::{BufferedIoBase, closed_error};
use super::size_argument;
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::buffer::{ArgBuffer, ArgBytes, BufferView, Export};
use orochi_objects::error::{PyErr, buffer_error, type_error, value_error};
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::{bytes, dict, list, memoryview};
use orochi_objects::{
    ArgSlice, Guarded, KwArgs, Obj, PyDict, PyResult, PyType, Ref, Thread, Value, alloc, class_of, int,
    protocol, str, tuple,
};

/// Buffered I/O implementation using an in-memory bytes buffer.
#[pyclass(name = "BytesIO", module = "_io", base = BufferedIoBase, subclassable, dict, weakref)]
#[derive(Trace)]
pub(super) struct BytesIo {
    state: Guarded<State>,
}

#[derive(Trace)]
struct State {
    /// None: closed.
    bytes: Option<Vec<u8>>,
    at: usize,
    /// What views of the content hold (`getbuffer`): while there are any, it keeps its place and length.
    #[trace(unsafe_skip)]
    export: Option<Export>,
}

#[cold]
fn exported() -> PyErr {
    buffer_error("Existing exports of data: object cannot be re-sized")
}

impl State {
    fn is_exported(&self) -> bool {
        self.export.as_ref().is_some_and(|export| export.others() > 0)
    }
}

impl BytesIo {
    /// Runs `f` with the content and the position; ValueError if the stream is closed.
    fn with<R>(
        thread: &Thread,
        this: &Obj<Self>,
        f: impl FnOnce(&mut Vec<u8>, &mut usize) -> R,
    ) -> PyResult<R> {
        this.state
            .with(this, thread, |state, _| state.bytes.as_mut().map(|bytes| f(bytes, &mut state.at)))
            .ok_or_else(closed_error)
    }

    /// The same for `f` that may resize the content; BufferError while there are views of it.
    fn change<R>(
        thread: &Thread,
        this: &Obj<Self>,
        f: impl FnOnce(&mut Vec<u8>, &mut usize) -> R,
    ) -> PyResult<R> {
        this.state.with(this, thread, |state, _| {
            if state.is_exported() {
                return Err(exported());
            }
            state.bytes.as_mut().map(|bytes| f(bytes, &mut state.at)).ok_or_else(closed_error)
        })
    }

    /// Takes bytes from the position on.
    fn take(thread: &Thread, this: &Obj<Self>, end: impl FnOnce(&[u8]) -> usize) -> PyResult<Vec<u8>> {
        Self::with(thread, this, |bytes, at| {
            let rest = bytes.get(*at..).unwrap_or_default();
            let part = rest.get(..end(rest)).unwrap_or(rest).to_vec();
            *at += part.len();
            part
        })
    }

    fn line(thread: &Thread, this: &Obj<Self>, limit: Option<usize>) -> PyResult<Vec<u8>> {
        Self::take(thread, this, |rest| {
            let rest = rest.get(..limit.unwrap_or(usize::MAX)).unwrap_or(rest);
            memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1)
        })
    }

    fn put(thread: &Thread, this: &Obj<Self>, data: &[u8]) -> PyResult<usize> {
        let done = this.state.with(this, thread, |state, _| {
            let is_exported = state.is_exported();
            let State { bytes, at, .. } = state;
            let bytes = bytes.as_mut().ok_or_else(closed_error)?;
            let Some(end) = at.checked_add(data.len()).filter(|end| *end <= isize::MAX as usize) else {
                return Ok(None);
            };
            if data.is_empty() {
                return Ok(Some(()));
            }
            if end > bytes.len() {
                if is_exported {
                    return Err(exported());
                }
                if bytes.try_reserve(end - bytes.len()).is_err() {
                    return Ok(None);
                }
                bytes.resize(end, 0);
            }
            if let Some(place) = bytes.get_mut(*at..end) {
                place.copy_from_slice(data);
            }
            *at = end;
            Ok(Some(()))
        })?;
        done.map(|()| data.len()).ok_or_else(orochi_objects::error::memory_error)
    }
}

#[pymethods]
impl BytesIo {
    #[new]
    #[signature(*args, **kwargs)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, args: ArgSlice<'_>, kwargs: KwArgs<'_>) -> PyResult {
        let _ = (args, kwargs);
        let state = State { bytes: Some(Vec::new()), at: 0, export: None };
        let made = BytesIo { state: Guarded::new(state) };
        Ok(alloc(thread, cls, made)?.into_value())
    }

    #[init]
    #[signature(initial_bytes=None as "b''")]
    fn init(thread: &mut Thread, this: &Obj<Self>, initial_bytes: Option<ArgBytes<'_>>) -> PyResult<()> {
        let initial = initial_bytes.map(ArgBytes::into_vec).unwrap_or_default();
        this.state.with(this, thread, |state, _| {
            if state.is_exported() {
                return Err(exported());
            }
            *state = State { bytes: Some(initial), at: 0, export: None };
            Ok(())
        })
    }

    /// Returns True if the IO object can be read.
    fn readable(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        Self::with(thread, this, |_, _| true)
    }

    /// Returns True if the IO object can be seeked.
    fn seekable(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        Self::with(thread, this, |_, _| true)
    }

    /// Returns True if the IO object can be written.
    fn writable(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        Self::with(thread, this, |_, _| true)
    }

    /// Disable all I/O operations.
    fn close(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        let old = this.state.with(this, thread, |state, _| {
            if state.is_exported() {
                return Err(exported());
            }
            Ok(state.bytes.take())
        })?;
        drop(old);
        Ok(())
    }

    /// Does nothing.
    fn flush(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        Self::with(thread, this, |_, _| ())
    }

    /// Always returns False.
    ///
    /// BytesIO objects are not connected to a TTY-like device.
    fn isatty(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        Self::with(thread, this, |_, _| false)
    }

    /// Current file position, an integer.
    fn tell(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        Self::with(thread, this, |_, at| *at)
    }

    /// Write bytes to file.
    ///
    /// Return the number of bytes written.
    fn write(thread: &mut Thread, this: &Obj<Self>, b: ArgBytes<'_>) -> PyResult<usize> {
        Self::put(thread, this, &b)
    }

    /// Write lines to the file.
    ///
    /// Note that newlines are not added.  lines can be any iterable object
    /// producing bytes-like objects. This is equivalent to calling write() for
    /// each element.
    fn writelines(thread: &mut Thread, this: &Obj<Self>, lines: Ref<'_>) -> PyResult<()> {
        Self::with(thread, this, |_, _| ())?;
        protocol::iterate(thread, lines, |thread, line| {
            let line = orochi_objects::buffer::bytes_of(thread, line.get())?;
            Self::put(thread, this, &line).map(drop)
        })
    }

    /// Read at most size bytes, returned as a bytes object.
    ///
    /// If the size argument is negative, read until EOF is reached.
    /// Return an empty bytes object at EOF.
    #[signature(size=None as "-1", /)]
    fn read(thread: &mut Thread, this: &Obj<Self>, size: Option<Ref<'_>>) -> PyResult {
        let limit = size_argument(thread, size)?;
        let part = Self::take(thread, this, |rest| limit.unwrap_or(rest.len()).min(rest.len()))?;
        bytes::new(thread, &part)
    }

    /// Read at most size bytes, returned as a bytes object.
    ///
    /// If the size argument is negative or omitted, read until EOF is reached.
    /// Return an empty bytes object at EOF.
    #[signature(size=None as "-1", /)]
    fn read1(thread: &mut Thread, this: &Obj<Self>, size: Option<Ref<'_>>) -> PyResult {
        Self::read(thread, this, size)
    }

    /// Read bytes into buffer.
    ///
    /// Returns number of bytes read (0 for EOF), or None if the object
    /// is set not to block and has no data to read.
    fn readinto(thread: &mut Thread, this: &Obj<Self>, buffer: ArgBuffer) -> PyResult<usize> {
        let len = buffer.len();
        let part = Self::take(thread, this, |rest| len.min(rest.len()));
        if let Ok(part) = &part {
            buffer.write(thread, 0, part);
        }
        buffer.finish(thread);
        Ok(part?.len())
    }

    /// Next line from the file, as a bytes object.
    ///
    /// Retain newline.  A non-negative size argument limits the maximum
    /// number of bytes to return (an incomplete line may be returned then).
    /// Return an empty bytes object at EOF.
    #[signature(size=None as "-1", /)]
    fn readline(thread: &mut Thread, this: &Obj<Self>, size: Option<Ref<'_>>) -> PyResult {
        let limit = size_argument(thread, size)?;
        let line = Self::line(thread, this, limit)?;
        bytes::new(thread, &line)
    }

    /// List of bytes objects, each a line from the file.
    ///
    /// Call readline() repeatedly and return a list of the lines so read.
    /// The optional size argument, if given, is an approximate bound on the
    /// total number of bytes in the lines returned.
    #[signature(size=None, /)]
    fn readlines(thread: &mut Thread, this: &Obj<Self>, size: Option<Ref<'_>>) -> PyResult {
        let limit = size_argument(thread, size)?.filter(|limit| *limit > 0);
        let (mut lines, mut total) = (Vec::new(), 0);
        loop {
            let line = Self::line(thread, this, None)?;
            if line.is_empty() {
                break;
            }
            total += line.len();
            lines.push(bytes::new(thread, &line)?);
            if limit.is_some_and(|limit| total >= limit) {
                break;
            }
        }
        Ok(list::new(thread, lines)?.into_value())
    }

    /// Get a read-write view over the contents of the BytesIO object.
    fn getbuffer(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (address, len, export) = this.state.with(this, thread, |state, _| {
            let export = state.export.get_or_insert_with(|| Export::new(None)).clone();
            let bytes = state.bytes.as_mut().ok_or_else(closed_error)?;
            Ok::<_, PyErr>((bytes.as_mut_ptr(), bytes.len(), export))
        })?;
        let view = BufferView::of_bytes(this.to_value(), address, len, false);
        memoryview::from_view(thread, BufferView { export: Some(export), ..view })
    }

    /// Retrieve the entire contents of the BytesIO object.
    fn getvalue(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let all = Self::with(thread, this, |bytes, _| bytes.clone())?;
        bytes::new(thread, &all)
    }

    /// Change stream position.
    ///
    /// Seek to byte offset pos relative to position indicated by whence:
    ///      0  Start of stream (the default).  pos should be >= 0;
    ///      1  Current position - pos may be negative;
    ///      2  End of stream - pos usually negative.
    /// Returns the new absolute position.
    #[signature(pos, whence=0, /)]
    fn seek(thread: &mut Thread, this: &Obj<Self>, pos: i64, whence: i32) -> PyResult<usize> {
        Self::with(thread, this, |_, _| ())?;
        if pos < 0 && whence == 0 {
            return Err(value_error(format!("negative seek value {pos}")));
        }
        if !(0..=2).contains(&whence) {
            return Err(value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)")));
        }
        Self::with(thread, this, |bytes, at| {
            let start = match whence {
                0 => 0,
                1 => *at as i64,
                _ => bytes.len() as i64,
            };
            let to = start.checked_add(pos)?;
            *at = to.max(0) as usize;
            Some(*at)
        })?
        .ok_or_else(|| orochi_objects::error::overflow_error("new position too large"))
    }

    /// Truncate the file to at most size bytes.
    ///
    /// Size defaults to the current file position, as returned by tell().
    /// The current file position is unchanged.  Returns the new size.
    #[signature(size=None, /)]
    fn truncate(thread: &mut Thread, this: &Obj<Self>, size: Option<i64>) -> PyResult<usize> {
        let position = Self::with(thread, this, |_, at| *at)?;
        let size = match size {
            Some(size) => {
                usize::try_from(size).map_err(|_| value_error(format!("negative size value {size}")))?
            }
            None => position,
        };
        Self::change(thread, this, |bytes, _| bytes.truncate(size))?;
        Ok(size)
    }

    fn __getstate__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (all, at) = Self::with(thread, this, |bytes, at| (bytes.clone(), *at))?;
        let names = protocol::find_attr(thread, this.get(), str::intern(thread, "__dict__")?)?;
        let names = match names.and_then(|names| names.downcast::<PyDict>().ok()) {
            Some(names) if dict::len(thread, &names) > 0 => dict::copy(thread, &names)?.into_value(),
            _ => Value::NONE,
        };
        let values = vec![bytes::new(thread, &all)?, int::new(thread, at as i64)?, names];
        Ok(tuple::new(thread, values)?.into_value())
    }

    fn __setstate__(thread: &mut Thread, this: &Obj<Self>, state: Ref<'_>) -> PyResult<()> {
        let Some(parts) = state.downcast::<PyTuple>().filter(|parts| parts.len() >= 3) else {
            let class = class_of(this.get()).name();
            let got = class_of(state).name();
            return Err(type_error(format!(
                "_io.{class}.__setstate__ argument should be 3-tuple, got {got}"
            )));
        };
        let part = |i| parts.item(i).unwrap_or(Ref::NONE);
        let content = orochi_objects::buffer::bytes_of(thread, part(0))?.into_vec();
        let at = int::index_i64(thread, part(1))?;
        let Ok(at) = usize::try_from(at) else {
            return Err(value_error("position value cannot be negative"));
        };
        Self::change(thread, this, |bytes, position| (*bytes, *position) = (content, at))?;
        if !part(2).is_none() && part(2).downcast::<PyDict>().is_none() {
            let got = class_of(part(2)).full_name();
            return Err(type_error(format!("third item of state should be a dict, got a {got}")));
        }
        if let Some(names) = part(2).downcast::<PyDict>() {
            for entry in dict::entries(thread, names)? {
                if let Some(name) = entry.key.get().downcast::<str::PyStr>() {
                    protocol::set_attr(thread, this.get(), name, Some(entry.value.get()))?;
                }
            }
        }
        Ok(())
    }

    /// True if the file is closed.
    #[getter]
    fn closed(thread: &mut Thread, this: &Obj<Self>) -> bool {
        this.state.with(this, thread, |state, _| state.bytes.is_none())
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Self::with(thread, this, |_, _| ())?;
        Ok(this.to_value())
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let line = Self::line(thread, this, None)?;
        if line.is_empty() { Ok(None) } else { bytes::new(thread, &line).map(Some) }
    }
}
