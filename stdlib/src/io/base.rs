//! The abstract classes: `_IOBase`, `_RawIOBase`, `_BufferedIOBase`, `_TextIOBase`.
//!
//! Their methods are written against Python's protocol, since programs derive from them. Whether such a stream is closed
//! is an attribute of the instance.

use super::{size_argument, unsupported};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::buffer::ArgBuffer;
use orochi_objects::error::{PyErr, type_error, value_error};
use orochi_objects::types::{bytearray, bytes, list};
use orochi_objects::{ArgSlice, Obj, PyResult, Ref, Thread, Value, class_of, protocol, str};

/// The abstract base class for all I/O classes.
///
/// This class provides dummy implementations for many methods that
/// derived classes can override selectively; the default implementations
/// represent a file that cannot be read, written or seeked.
#[pyclass(name = "_IOBase", module = "_io", subclassable, dict, weakref)]
#[derive(Trace)]
pub(super) struct IoBase {}

/// Base class for raw binary I/O.
#[pyclass(name = "_RawIOBase", module = "_io", base = IoBase, subclassable, dict, weakref)]
#[derive(Trace)]
pub(super) struct RawIoBase {}

/// Base class for buffered IO objects.
#[pyclass(name = "_BufferedIOBase", module = "_io", base = IoBase, subclassable, dict, weakref)]
#[derive(Trace)]
pub(super) struct BufferedIoBase {}

/// Base class for text I/O.
#[pyclass(name = "_TextIOBase", module = "_io", base = IoBase, subclassable, dict, weakref)]
#[derive(Trace)]
pub(super) struct TextIoBase {}

const CLOSED: &str = "__IOBase_closed";

/// ValueError for a closed stream.
#[cold]
pub(super) fn closed_error() -> PyErr {
    value_error("I/O operation on closed file.")
}

/// `stream.closed`.
pub(super) fn is_closed(thread: &mut Thread, stream: Ref<'_>) -> PyResult<bool> {
    let closed = protocol::get_attr_str(thread, stream, "closed")?;
    protocol::is_true(thread, closed.get())
}

/// ValueError if the stream is closed.
pub(super) fn check_open(thread: &mut Thread, stream: Ref<'_>) -> PyResult<()> {
    if is_closed(thread, stream)? { Err(closed_error()) } else { Ok(()) }
}

/// UnsupportedOperation unless `stream.method()` is true.
fn check_able(thread: &mut Thread, stream: Ref<'_>, method: &str, message: &str) -> PyResult<Value> {
    let able = protocol::call_method(thread, stream, method, &[])?;
    if able.get().as_bool() == Some(true) { Ok(Value::TRUE) } else { Err(unsupported(thread, message)) }
}

/// Closes a stream that is about to be destroyed.
pub(super) fn finalize(thread: &mut Thread, stream: Ref<'_>) -> PyResult<()> {
    if matches!(is_closed(thread, stream), Ok(false)) {
        let _ = protocol::set_attr_str(thread, stream, "_finalizing", Ref::TRUE);
        // Nobody could handle what it raises.
        let _ = protocol::call_method(thread, stream, "close", &[]);
    }
    Ok(())
}

/// Reads a line by reading bytes until there is a newline.
fn read_line(thread: &mut Thread, stream: Ref<'_>, limit: Option<usize>) -> PyResult {
    let peek = protocol::find_attr(thread, stream, str::intern(thread, "peek")?)?;
    let mut line: Vec<u8> = Vec::new();
    while limit.is_none_or(|limit| line.len() < limit) {
        let mut wanted = 1;
        if let Some(peek) = &peek {
            let one = Value::small_int(1).unwrap_or(Value::NONE);
            let ahead = protocol::call(thread, peek.get(), &[one.get()])?;
            let Some(ahead) = bytes::value(ahead.get()) else {
                let name = class_of(ahead.get()).name();
                return Err(orochi_objects::error::os_error_message(format!(
                    "peek() should have returned a bytes object, not '{name}'"
                )));
            };
            if !ahead.is_empty() {
                wanted = ahead.iter().position(|byte| *byte == b'\n').map_or(ahead.len(), |at| at + 1);
                if let Some(limit) = limit {
                    wanted = wanted.min(limit - line.len());
                }
            }
        }
        let count = orochi_objects::int::new(thread, wanted as i64)?;
        let part = protocol::call_method(thread, stream, "read", &[count.get()])?;
        let Some(part) = bytes::value(part.get()) else {
            let name = class_of(part.get()).name();
            return Err(orochi_objects::error::os_error_message(format!(
                "read() should have returned a bytes object, not '{name}'"
            )));
        };
        if part.is_empty() {
            break;
        }
        line.extend_from_slice(part);
        if line.last() == Some(&b'\n') {
            break;
        }
    }
    bytes::new(thread, &line)
}

/// The lines of a stream, until their lengths exceed `hint`.
pub(super) fn read_lines(thread: &mut Thread, stream: Ref<'_>, hint: Option<usize>) -> PyResult {
    let lines = list::new(thread, Vec::new())?;
    let iterator = protocol::iter(thread, stream)?;
    let mut total = 0;
    while let Some(line) = protocol::next(thread, iterator.get())? {
        total += protocol::len(thread, line.get())?;
        list::push(thread, &lines, line)?;
        if hint.is_some_and(|hint| total >= hint) {
            break;
        }
    }
    Ok(lines.into_value())
}

#[pymethods]
impl IoBase {
    #[new]
    #[signature(*args, **kwargs)]
    #[no_text_signature]
    fn new(
        thread: &mut Thread,
        cls: &Obj<orochi_objects::PyType>,
        args: ArgSlice<'_>,
        kwargs: orochi_objects::KwArgs<'_>,
    ) -> PyResult {
        let _ = (args, kwargs);
        Ok(orochi_objects::alloc(thread, cls, IoBase {})?.into_value())
    }

    /// Change the stream position to the given byte offset.
    #[signature(offset, whence=0 as "os.SEEK_SET", /)]
    fn seek(thread: &mut Thread, this: Ref<'_>, offset: Ref<'_>, whence: Option<Ref<'_>>) -> PyResult {
        let _ = (this, offset, whence);
        Err(unsupported(thread, "seek"))
    }

    /// Return current stream position.
    fn tell(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let (zero, one) = (Value::small_int(0), Value::small_int(1));
        let (zero, one) = (zero.unwrap_or(Value::NONE), one.unwrap_or(Value::NONE));
        protocol::call_method(thread, this, "seek", &[zero.get(), one.get()])
    }

    /// Truncate file to size bytes.
    ///
    /// File pointer is left unchanged. Size defaults to the current IO position
    /// as reported by tell(). Return the new size.
    #[signature(size=None, /)]
    fn truncate(thread: &mut Thread, this: Ref<'_>, size: Option<Ref<'_>>) -> PyResult {
        let _ = (this, size);
        Err(unsupported(thread, "truncate"))
    }

    /// Flush write buffers, if applicable.
    ///
    /// This is not implemented for read-only and non-blocking streams.
    fn flush(thread: &mut Thread, this: Ref<'_>) -> PyResult<()> {
        check_open(thread, this)
    }

    /// Flush and close the IO object.
    ///
    /// This method has no effect if the file is already closed.
    fn close(thread: &mut Thread, this: Ref<'_>) -> PyResult<()> {
        if is_closed(thread, this)? {
            return Ok(());
        }
        let flushed = protocol::call_method(thread, this, "flush", &[]);
        protocol::set_attr_str(thread, this, CLOSED, Ref::TRUE)?;
        flushed.map(drop)
    }

    /// Return whether object supports random access.
    ///
    /// If False, seek(), tell() and truncate() will raise OSError.
    /// This method may need to do a test seek().
    fn seekable(_this: Ref<'_>) -> bool {
        false
    }

    /// Return whether object was opened for reading.
    ///
    /// If False, read() will raise OSError.
    fn readable(_this: Ref<'_>) -> bool {
        false
    }

    /// Return whether object was opened for writing.
    ///
    /// If False, write() will raise OSError.
    fn writable(_this: Ref<'_>) -> bool {
        false
    }

    #[signature()]
    #[name = "_checkClosed"]
    fn check_closed_(thread: &mut Thread, this: Ref<'_>) -> PyResult<()> {
        check_open(thread, this)
    }

    #[signature()]
    #[name = "_checkSeekable"]
    fn check_seekable(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        check_able(thread, this, "seekable", "File or stream is not seekable.")
    }

    #[signature()]
    #[name = "_checkReadable"]
    fn check_readable(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        check_able(thread, this, "readable", "File or stream is not readable.")
    }

    #[signature()]
    #[name = "_checkWritable"]
    fn check_writable(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        check_able(thread, this, "writable", "File or stream is not writable.")
    }

    /// Return underlying file descriptor if one exists.
    ///
    /// Raise OSError if the IO object does not use a file descriptor.
    fn fileno(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let _ = this;
        Err(unsupported(thread, "fileno"))
    }

    /// Return whether this is an 'interactive' stream.
    ///
    /// Return False if it can't be determined.
    fn isatty(thread: &mut Thread, this: Ref<'_>) -> PyResult<bool> {
        check_open(thread, this)?;
        Ok(false)
    }

    fn __enter__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        check_open(thread, this)?;
        Ok(this.to_owned())
    }

    #[signature(*args)]
    fn __exit__(thread: &mut Thread, this: Ref<'_>, args: ArgSlice<'_>) -> PyResult {
        let _ = args;
        protocol::call_method(thread, this, "close", &[])
    }

    /// Read and return a line from the stream.
    ///
    /// If size is specified, at most size bytes will be read.
    ///
    /// The line terminator is always b'\n' for binary files; for text
    /// files, the newlines argument to open can be used to select the line
    /// terminator(s) recognized.
    #[signature(size=None as "-1", /)]
    fn readline(thread: &mut Thread, this: Ref<'_>, size: Option<Ref<'_>>) -> PyResult {
        let limit = size_argument(thread, size)?;
        read_line(thread, this, limit)
    }

    /// Return a list of lines from the stream.
    ///
    /// hint can be specified to control the number of lines read: no more
    /// lines will be read if the total size (in bytes/characters) of all
    /// lines so far exceeds hint.
    #[signature(hint=None as "-1", /)]
    fn readlines(thread: &mut Thread, this: Ref<'_>, hint: Option<Ref<'_>>) -> PyResult {
        let hint = size_argument(thread, hint)?.filter(|hint| *hint > 0);
        read_lines(thread, this, hint)
    }

    /// Write a list of lines to stream.
    ///
    /// Line separators are not added, so it is usual for each of the
    /// lines provided to have a line separator at the end.
    fn writelines(thread: &mut Thread, this: Ref<'_>, lines: Ref<'_>) -> PyResult<()> {
        check_open(thread, this)?;
        protocol::iterate(thread, lines, |thread, line| {
            protocol::call_method(thread, this, "write", &[line.get()]).map(drop)
        })
    }

    #[getter]
    fn closed(thread: &mut Thread, this: Ref<'_>) -> PyResult<bool> {
        let name = str::intern(thread, CLOSED)?;
        Ok(protocol::find_attr(thread, this, name)?.is_some())
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        check_open(thread, this)?;
        Ok(this.to_owned())
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: Ref<'_>) -> PyResult<Option<Value>> {
        let line = protocol::call_method(thread, this, "readline", &[])?;
        Ok(if protocol::len(thread, line.get())? == 0 { None } else { Some(line) })
    }

    #[slot]
    fn tp_finalize(thread: &mut Thread, this: Ref<'_>) -> PyResult<()> {
        finalize(thread, this)
    }
}

#[pymethods]
impl RawIoBase {
    #[new]
    #[signature(*args, **kwargs)]
    #[no_text_signature]
    fn new(
        thread: &mut Thread,
        cls: &Obj<orochi_objects::PyType>,
        args: ArgSlice<'_>,
        kwargs: orochi_objects::KwArgs<'_>,
    ) -> PyResult {
        let _ = (args, kwargs);
        Ok(orochi_objects::alloc(thread, cls, RawIoBase {})?.into_value())
    }

    #[signature(size=None as "-1", /)]
    fn read(thread: &mut Thread, this: Ref<'_>, size: Option<Ref<'_>>) -> PyResult {
        let Some(size) = size_argument(thread, size)? else {
            return protocol::call_method(thread, this, "readall", &[]);
        };
        let buffer = bytearray::new(thread, crate::os_support::zeroed(size)?)?;
        let n = protocol::call_method(thread, this, "readinto", &[buffer.get()])?;
        if n.get().is_none() {
            return Ok(n);
        }
        let n = orochi_objects::int::index_i64(thread, n.get())?;
        let Some(n) = usize::try_from(n).ok().filter(|n| *n <= size) else {
            return Err(value_error(format!("readinto() returned {n} outside buffer size {size}")));
        };
        let read = bytearray::read(&buffer, thread, |read| read.get(..n).unwrap_or_default().to_vec());
        bytes::new(thread, &read)
    }

    /// Read until EOF, using multiple read() call.
    fn readall(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let mut all: Vec<u8> = Vec::new();
        let size = orochi_objects::int::new(thread, super::BUFFER_SIZE as i64)?;
        loop {
            let part = protocol::call_method(thread, this, "read", &[size.get()])?;
            if part.get().is_none() {
                return if all.is_empty() { Ok(Value::NONE) } else { bytes::new(thread, &all) };
            }
            let Some(part) = bytes::value(part.get()) else {
                return Err(type_error("read() should return bytes"));
            };
            if part.is_empty() {
                return bytes::new(thread, &all);
            }
            all.extend_from_slice(part);
        }
    }

    fn readinto(_this: Ref<'_>, buffer: Ref<'_>) -> PyResult<()> {
        let _ = buffer;
        Err(PyErr::bare(&orochi_objects::types::exception::NotImplementedError))
    }

    fn write(_this: Ref<'_>, b: Ref<'_>) -> PyResult<()> {
        let _ = b;
        Err(PyErr::bare(&orochi_objects::types::exception::NotImplementedError))
    }
}

/// `readinto` by way of `read`.
fn read_into(thread: &mut Thread, stream: Ref<'_>, buffer: ArgBuffer, method: &str) -> PyResult<usize> {
    let result = (|| {
        let size = orochi_objects::int::new(thread, buffer.len() as i64)?;
        let part = protocol::call_method(thread, stream, method, &[size.get()])?;
        let Some(part) = bytes::value(part.get()) else {
            return Err(type_error("read() should return bytes"));
        };
        if part.len() > buffer.len() {
            return Err(value_error(format!(
                "read() returned too much data: {} bytes requested, {} returned",
                buffer.len(),
                part.len()
            )));
        }
        buffer.write(thread, 0, part);
        Ok(part.len())
    })();
    buffer.finish(thread);
    result
}

#[pymethods]
impl BufferedIoBase {
    #[new]
    #[signature(*args, **kwargs)]
    #[no_text_signature]
    fn new(
        thread: &mut Thread,
        cls: &Obj<orochi_objects::PyType>,
        args: ArgSlice<'_>,
        kwargs: orochi_objects::KwArgs<'_>,
    ) -> PyResult {
        let _ = (args, kwargs);
        Ok(orochi_objects::alloc(thread, cls, BufferedIoBase {})?.into_value())
    }

    /// Disconnect this buffer from its underlying raw stream and return it.
    ///
    /// After the raw stream has been detached, the buffer is in an unusable
    /// state.
    fn detach(thread: &mut Thread, _this: Ref<'_>) -> PyResult {
        Err(unsupported(thread, "detach"))
    }

    /// Read and return up to n bytes.
    #[signature(size=None as "-1", /)]
    fn read(thread: &mut Thread, _this: Ref<'_>, size: Option<Ref<'_>>) -> PyResult {
        let _ = size;
        Err(unsupported(thread, "read"))
    }

    /// Read and return up to size bytes, with at most one read() call to the underlying raw stream.
    #[signature(size=None as "-1", /)]
    fn read1(thread: &mut Thread, _this: Ref<'_>, size: Option<Ref<'_>>) -> PyResult {
        let _ = size;
        Err(unsupported(thread, "read1"))
    }

    fn readinto(thread: &mut Thread, this: Ref<'_>, buffer: ArgBuffer) -> PyResult<usize> {
        read_into(thread, this, buffer, "read")
    }

    fn readinto1(thread: &mut Thread, this: Ref<'_>, buffer: ArgBuffer) -> PyResult<usize> {
        read_into(thread, this, buffer, "read1")
    }

    /// Write buffer b to the IO stream.
    fn write(thread: &mut Thread, _this: Ref<'_>, b: Ref<'_>) -> PyResult {
        let _ = b;
        Err(unsupported(thread, "write"))
    }
}

#[pymethods]
impl TextIoBase {
    #[new]
    #[signature(*args, **kwargs)]
    #[no_text_signature]
    fn new(
        thread: &mut Thread,
        cls: &Obj<orochi_objects::PyType>,
        args: ArgSlice<'_>,
        kwargs: orochi_objects::KwArgs<'_>,
    ) -> PyResult {
        let _ = (args, kwargs);
        Ok(orochi_objects::alloc(thread, cls, TextIoBase {})?.into_value())
    }

    /// Separate the underlying buffer from the TextIOBase and return it.
    ///
    /// After the underlying buffer has been detached, the TextIO is in an unusable state.
    fn detach(thread: &mut Thread, _this: Ref<'_>) -> PyResult {
        Err(unsupported(thread, "detach"))
    }

    /// Read at most size characters from stream.
    ///
    /// Read from underlying buffer until we have size characters or we hit EOF.
    /// If size is negative or omitted, read until EOF.
    #[signature(size=None as "-1", /)]
    fn read(thread: &mut Thread, _this: Ref<'_>, size: Option<Ref<'_>>) -> PyResult {
        let _ = size;
        Err(unsupported(thread, "read"))
    }

    /// Read until newline or EOF.
    ///
    /// Return an empty string if EOF is hit immediately.
    /// If size is specified, at most size characters will be read.
    #[signature(size=None as "-1", /)]
    fn readline(thread: &mut Thread, _this: Ref<'_>, size: Option<Ref<'_>>) -> PyResult {
        let _ = size;
        Err(unsupported(thread, "readline"))
    }

    /// Write string s to stream.
    ///
    /// Return the number of characters written
    /// (which is always equal to the length of the string).
    fn write(thread: &mut Thread, _this: Ref<'_>, s: &str) -> PyResult {
        let _ = s;
        Err(unsupported(thread, "write"))
    }

    /// Encoding of the text stream.
    #[getter]
    fn encoding(_this: Ref<'_>) -> Value {
        Value::NONE
    }

    /// Line endings translated so far.
    #[getter]
    fn newlines(_this: Ref<'_>) -> Value {
        Value::NONE
    }

    /// The error setting of the decoder or encoder.
    #[getter]
    fn errors(_this: Ref<'_>) -> Value {
        Value::NONE
    }
}
