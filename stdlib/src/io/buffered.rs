//! `BufferedReader`, `BufferedWriter`, `BufferedRandom`, `BufferedRWPair`.
//!
//! One mechanism serves the first three: bytes read ahead, bytes not yet written (never both), and a lock that is held
//! during the raw stream's I/O (see `lock`). The buffers lie in the object and are reached under its leaf lock only; the
//! raw stream is called with neither in hand. With bytes read ahead the raw stream's position is behind them; with bytes to
//! write it is before them.

use super::base::{BufferedIoBase, is_closed};
use super::file_io::FileIo;
use super::lock::{Held, IoLock};
use super::{BUFFER_SIZE, size_argument, unsupported};
use crate::os_support;
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::buffer::{ArgBuffer, ArgBytes};
use orochi_objects::error::{PyErr, os_error_message, runtime_error, type_error, value_error};
use orochi_objects::types::{bytearray, bytes, exception};
use orochi_objects::{
    ArgSlice, AtomicField, Guarded, KwArgs, Obj, PyClass, PyResult, PyType, Ref, Thread, Value, alloc,
    class_of, int, protocol, str,
};

/// What the three classes have in common.
#[derive(Trace)]
pub(super) struct Buffered {
    raw: AtomicField,
    lock: IoLock,
    state: Guarded<State>,
}

#[derive(Trace)]
struct State {
    /// Bytes read ahead, and how many of them were taken.
    ahead: Vec<u8>,
    taken: usize,
    /// Bytes to write.
    waiting: Vec<u8>,
    size: usize,
    detached: bool,
    finalizing: bool,
}

impl Buffered {
    fn new() -> Buffered {
        let state = State {
            ahead: Vec::new(),
            taken: 0,
            waiting: Vec::new(),
            size: BUFFER_SIZE,
            detached: false,
            finalizing: false,
        };
        Buffered { raw: AtomicField::empty(), lock: IoLock::new(), state: Guarded::new(state) }
    }
}

/// A class that is buffered.
trait HasBuffered: PyClass {
    fn buffered(&self) -> &Buffered;
}

/// The raw stream; ValueError if it was detached or never set.
fn raw<T: HasBuffered>(thread: &Thread, this: &Obj<T>) -> PyResult<Value> {
    let buffered = this.buffered();
    buffered.raw.get(thread).ok_or_else(|| {
        let detached = buffered.state.with(this, thread, |state, _| state.detached);
        value_error(if detached {
            "raw stream has been detached"
        } else {
            "I/O operation on uninitialized object"
        })
    })
}

fn with<T: HasBuffered, R>(thread: &Thread, this: &Obj<T>, f: impl FnOnce(&mut State) -> R) -> R {
    this.buffered().state.with(this, thread, |state, _| f(state))
}

/// Takes the stream's lock; RuntimeError if this thread is in an operation of the stream already.
fn enter<'a, T: HasBuffered>(thread: &mut Thread, this: &'a Obj<T>) -> PyResult<Held<'a>> {
    let lock = &this.buffered().lock;
    if lock.is_mine(thread) {
        let shown = protocol::repr(thread, this.get())?;
        return Err(runtime_error(format!("reentrant call inside {}", str::display(shown.get()))));
    }
    lock.enter(thread)
}

/// The raw stream of one that is open; ValueError with this message if it is closed.
fn open_raw<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>, what: &str) -> PyResult<Value> {
    let raw = raw(thread, this)?;
    let closed = match exact_file(raw.get()) {
        Some(file) => file.open_fd().is_err(),
        None => is_closed(thread, raw.get())?,
    };
    if closed { Err(value_error(format!("{what} closed file"))) } else { Ok(raw) }
}

fn exact_file(raw: Ref<'_>) -> Option<&Obj<FileIo>> {
    if orochi_objects::class::is_exact(raw, FileIo::static_type()) { raw.downcast() } else { None }
}

/// Reads once from the raw stream. `None`: it would block.
fn raw_read(thread: &mut Thread, raw: Ref<'_>, into: &mut [u8]) -> PyResult<Option<usize>> {
    if let Some(file) = exact_file(raw) {
        return FileIo::read_once(thread, file, into);
    }
    let buffer = bytearray::new(thread, os_support::zeroed(into.len())?)?;
    let n = protocol::call_method(thread, raw, "readinto", &[buffer.get()])?;
    if n.get().is_none() {
        return Ok(None);
    }
    let n = int::index_i64(thread, n.get())?;
    let len = into.len();
    let Some(count) = usize::try_from(n).ok().filter(|n| *n <= len) else {
        let text =
            format!("raw readinto() returned invalid length {n} (should have been between 0 and {len})");
        return Err(os_error_message(text));
    };
    bytearray::read(&buffer, thread, |read| {
        for (to, from) in into.iter_mut().zip(read).take(count) {
            *to = *from;
        }
    });
    Ok(Some(count))
}

/// Writes once to the raw stream. `None`: it would block.
fn raw_write(thread: &mut Thread, raw: Ref<'_>, data: &[u8]) -> PyResult<Option<usize>> {
    if let Some(file) = exact_file(raw) {
        return FileIo::write_once(thread, file, data);
    }
    let object = bytes::new(thread, data)?;
    let n = protocol::call_method(thread, raw, "write", &[object.get()])?;
    if n.get().is_none() {
        return Ok(None);
    }
    let n = int::index_i64(thread, n.get())?;
    let len = data.len();
    match usize::try_from(n).ok().filter(|n| *n <= len) {
        Some(n) => Ok(Some(n)),
        None => Err(os_error_message(format!(
            "raw write() returned invalid length {n} (should have been between 0 and {len})"
        ))),
    }
}

fn raw_seek(thread: &mut Thread, raw: Ref<'_>, offset: i64, whence: i32) -> PyResult<i64> {
    let position = if let Some(file) = exact_file(raw) {
        FileIo::seek_to(thread, file, offset, whence)?
    } else {
        let (offset, whence) = (int::new(thread, offset)?, int::new(thread, whence.into())?);
        let position = protocol::call_method(thread, raw, "seek", &[offset.get(), whence.get()])?;
        int::index_i64(thread, position.get())?
    };
    if position < 0 {
        return Err(os_error_message(format!("Raw stream returned invalid position {position}")));
    }
    Ok(position)
}

/// BlockingIOError: so many bytes of an argument were taken.
fn would_block(thread: &mut Thread, written: usize) -> PyErr {
    let made = (|| {
        Ok(vec![
            int::new(thread, libc::EAGAIN.into())?,
            str::new(thread, "write could not complete without blocking")?,
            int::new(thread, written as i64)?,
        ])
    })();
    match made {
        Ok(args) => PyErr::new(&exception::BlockingIOError, args),
        Err(error) => error,
    }
}

/// Writes everything that waits. The lock is held.
fn flush_locked<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>, raw: Ref<'_>) -> PyResult<()> {
    loop {
        let data = with(thread, this, |state| std::mem::take(&mut state.waiting));
        if data.is_empty() {
            return Ok(());
        }
        let result = raw_write(thread, raw, &data);
        let done = match &result {
            Ok(Some(n)) => *n,
            _ => 0,
        };
        with(thread, this, |state| {
            let mut rest = data.get(done..).unwrap_or_default().to_vec();
            if rest.is_empty() {
                // Keeps the memory.
                rest = data;
                rest.clear();
            }
            rest.append(&mut state.waiting);
            state.waiting = rest;
        });
        match result {
            Err(error) => return Err(error),
            Ok(None) => return Err(would_block(thread, 0)),
            Ok(Some(_)) => os_support::check_signals(thread)?,
        }
    }
}

/// Moves the raw stream back to where the reader of the buffered one is, and forgets what was read ahead.
fn rewind_locked<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>, raw: Ref<'_>) -> PyResult<()> {
    let unread = with(thread, this, |state| state.ahead.len() - state.taken);
    if unread > 0 {
        raw_seek(thread, raw, -(unread as i64), libc::SEEK_CUR)?;
    }
    with(thread, this, |state| {
        state.ahead.clear();
        state.taken = 0;
    });
    Ok(())
}

fn buffer_size<T: HasBuffered>(thread: &Thread, this: &Obj<T>) -> usize {
    with(thread, this, |state| state.size)
}

/// Reads ahead once; there is nothing ahead before. `None`: it would block.
fn fill<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>, raw: Ref<'_>) -> PyResult<Option<usize>> {
    let size = buffer_size(thread, this);
    let mut buffer = with(thread, this, |state| std::mem::take(&mut state.ahead));
    buffer.clear();
    buffer.resize(size, 0);
    let n = raw_read(thread, raw, &mut buffer);
    buffer.truncate(match &n {
        Ok(Some(n)) => *n,
        _ => 0,
    });
    with(thread, this, |state| {
        state.ahead = buffer;
        state.taken = 0;
    });
    n
}

/// Takes at most `limit` bytes of what was read ahead.
fn take<T: HasBuffered>(thread: &Thread, this: &Obj<T>, limit: usize) -> Vec<u8> {
    with(thread, this, |state| {
        let rest = state.ahead.get(state.taken..).unwrap_or_default();
        let part = rest.get(..limit).unwrap_or(rest).to_vec();
        state.taken += part.len();
        part
    })
}

/// Reads `size` bytes, or fewer at the end. `None`: it would block, and there is nothing.
fn read_exactly<T: HasBuffered>(
    thread: &mut Thread,
    this: &Obj<T>,
    raw: Ref<'_>,
    size: usize,
) -> PyResult<Option<Vec<u8>>> {
    let mut all = take(thread, this, size);
    if all.len() == size {
        return Ok(Some(all));
    }
    flush_locked(thread, this, raw)?;
    let chunk = buffer_size(thread, this).max(1);
    while all.len() < size {
        let missing = size - all.len();
        let n = if missing >= chunk {
            // Whole chunks go past the buffer.
            let start = all.len();
            let want = missing.min(16 << 20);
            all.try_reserve(want).map_err(|_| orochi_objects::error::memory_error())?;
            all.resize(start + want, 0);
            let n = raw_read(thread, raw, all.get_mut(start..).unwrap_or_default());
            all.truncate(start + n.as_ref().ok().and_then(|n| *n).unwrap_or(0));
            n?
        } else {
            let n = fill(thread, this, raw)?;
            all.extend(take(thread, this, missing));
            n
        };
        match n {
            Some(0) => break,
            None if all.is_empty() => return Ok(None),
            None => break,
            Some(_) => {}
        }
    }
    Ok(Some(all))
}

/// Reads up to the end. `None`: it would block, and there is nothing.
fn read_rest<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>, raw: Ref<'_>) -> PyResult {
    let mut all = take(thread, this, usize::MAX);
    flush_locked(thread, this, raw)?;
    if let Some(file) = exact_file(raw) {
        return match FileIo::read_rest(thread, file)? {
            None if all.is_empty() => Ok(Value::NONE),
            rest => {
                all.extend(rest.unwrap_or_default());
                bytes::new(thread, &all)
            }
        };
    }
    if let Some(readall) = protocol::find_attr(thread, raw, str::intern(thread, "readall")?)? {
        let rest = protocol::call(thread, readall.get(), &[])?;
        if rest.get().is_none() {
            return if all.is_empty() { Ok(Value::NONE) } else { bytes::new(thread, &all) };
        }
        let Some(rest) = bytes::value(rest.get()) else {
            return Err(type_error("readall() should return bytes"));
        };
        all.extend_from_slice(rest);
        return bytes::new(thread, &all);
    }
    loop {
        let part = protocol::call_method(thread, raw, "read", &[])?;
        if part.get().is_none() && all.is_empty() {
            return Ok(part);
        }
        match bytes::value(part.get()) {
            None if !part.get().is_none() => return Err(type_error("read() should return bytes")),
            Some(part) if !part.is_empty() => all.extend_from_slice(part),
            _ => return bytes::new(thread, &all),
        }
    }
}

fn do_read<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>, size: Option<Ref<'_>>) -> PyResult {
    let size = match size.filter(|size| !size.is_none()) {
        None => None,
        Some(size) => match int::index_clamped(thread, size)? {
            -1 => None,
            size if size < 0 => return Err(value_error("read length must be non-negative or -1")),
            size => Some(size as usize),
        },
    };
    let raw = open_raw(thread, this, "read of")?;
    let _held = enter(thread, this)?;
    match size {
        None => read_rest(thread, this, raw.get()),
        Some(size) => match read_exactly(thread, this, raw.get(), size)? {
            Some(read) => bytes::new(thread, &read),
            None => Ok(Value::NONE),
        },
    }
}

fn do_read1<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>, size: i64) -> PyResult {
    let raw = open_raw(thread, this, "read of")?;
    let _held = enter(thread, this)?;
    let size = usize::try_from(size).unwrap_or_else(|_| buffer_size(thread, this));
    if size == 0 {
        return bytes::new(thread, b"");
    }
    let ready = take(thread, this, size);
    if !ready.is_empty() {
        return bytes::new(thread, &ready);
    }
    flush_locked(thread, this, raw.get())?;
    let mut buffer = os_support::zeroed(size.min(16 << 20))?;
    let n = raw_read(thread, raw.get(), &mut buffer)?.unwrap_or(0);
    bytes::new(thread, buffer.get(..n).unwrap_or_default())
}

fn do_readinto<T: HasBuffered>(
    thread: &mut Thread,
    this: &Obj<T>,
    buffer: ArgBuffer,
    once: bool,
) -> PyResult<Option<usize>> {
    let result = (|| {
        let raw = open_raw(thread, this, "readinto of")?;
        let _held = enter(thread, this)?;
        let len = buffer.len();
        let mut read =
            if once { Some(take(thread, this, len)) } else { read_exactly(thread, this, raw.get(), len)? };
        if once && len > 0 && read.as_ref().is_some_and(Vec::is_empty) {
            flush_locked(thread, this, raw.get())?;
            let mut direct = os_support::zeroed(len)?;
            let n = raw_read(thread, raw.get(), &mut direct)?;
            direct.truncate(n.unwrap_or(0));
            read = n.map(|_| direct);
        }
        Ok(read.map(|read| {
            buffer.write(thread, 0, &read);
            read.len()
        }))
    })();
    buffer.finish(thread);
    result
}

fn do_peek<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>) -> PyResult {
    let raw = open_raw(thread, this, "peek of")?;
    let _held = enter(thread, this)?;
    flush_locked(thread, this, raw.get())?;
    if with(thread, this, |state| state.taken == state.ahead.len()) {
        fill(thread, this, raw.get())?;
    }
    let rest = with(thread, this, |state| state.ahead.get(state.taken..).unwrap_or_default().to_vec());
    bytes::new(thread, &rest)
}

/// A line, without the end that is missing at the end of the file.
fn take_line<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>, limit: Option<usize>) -> PyResult<Vec<u8>> {
    let mut line = Vec::new();
    let one_step = |thread: &Thread, line: &mut Vec<u8>| {
        with(thread, this, |state| {
            let rest = state.ahead.get(state.taken..).unwrap_or_default();
            let room = limit.map_or(rest.len(), |limit| (limit - line.len()).min(rest.len()));
            let rest = rest.get(..room).unwrap_or_default();
            let end = memchr::memchr(b'\n', rest);
            let part = rest.get(..end.map_or(room, |at| at + 1)).unwrap_or_default();
            line.extend_from_slice(part);
            state.taken += part.len();
            end.is_some() || limit == Some(line.len())
        })
    };
    let raw = open_raw(thread, this, "readline of")?;
    let _held = enter(thread, this)?;
    if one_step(thread, &mut line) {
        return Ok(line);
    }
    flush_locked(thread, this, raw.get())?;
    while fill(thread, this, raw.get())?.unwrap_or(0) > 0 {
        if one_step(thread, &mut line) {
            break;
        }
    }
    Ok(line)
}

fn do_write<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>, data: &[u8]) -> PyResult<usize> {
    let raw = open_raw(thread, this, "write to")?;
    let _held = enter(thread, this)?;
    rewind_locked(thread, this, raw.get())?;
    let fits = |state: &mut State, data: &[u8]| {
        let fits = state.waiting.len() + data.len() <= state.size;
        if fits {
            state.waiting.extend_from_slice(data);
        }
        fits
    };
    if with(thread, this, |state| fits(state, data)) {
        return Ok(data.len());
    }
    if let Err(error) = flush_locked(thread, this, raw.get()) {
        if !error.matches(&exception::BlockingIOError) {
            return Err(error);
        }
        // What still fits is taken.
        let room = with(thread, this, |state| {
            let room = state.size.saturating_sub(state.waiting.len()).min(data.len());
            state.waiting.extend_from_slice(data.get(..room).unwrap_or_default());
            room
        });
        return if room == data.len() { Ok(room) } else { Err(would_block(thread, room)) };
    }
    let size = buffer_size(thread, this);
    let mut rest = data;
    while rest.len() > size {
        match raw_write(thread, raw.get(), rest)? {
            Some(n) => {
                rest = rest.get(n..).unwrap_or_default();
                os_support::check_signals(thread)?;
            }
            None => {
                let kept = rest.get(..size).unwrap_or(rest);
                with(thread, this, |state| state.waiting.extend_from_slice(kept));
                return Err(would_block(thread, data.len() - rest.len() + kept.len()));
            }
        }
    }
    with(thread, this, |state| state.waiting.extend_from_slice(rest));
    Ok(data.len())
}

fn do_flush<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>) -> PyResult<()> {
    let raw = open_raw(thread, this, "flush of")?;
    let _held = enter(thread, this)?;
    flush_locked(thread, this, raw.get())?;
    // A stream that is also read goes back to where its reader is.
    let both = with(thread, this, |state| state.ahead.len() > state.taken);
    if both && T::NAME == "BufferedRandom" { rewind_locked(thread, this, raw.get()) } else { Ok(()) }
}

fn check_seekable(thread: &mut Thread, raw: Ref<'_>) -> PyResult<()> {
    let seekable = protocol::call_method(thread, raw, "seekable", &[])?;
    if protocol::is_true(thread, seekable.get())? {
        Ok(())
    } else {
        Err(unsupported(thread, "File or stream is not seekable."))
    }
}

fn do_seek<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>, target: i64, whence: i32) -> PyResult<i64> {
    if !(0..=4).contains(&whence) {
        return Err(value_error(format!("whence value {whence} unsupported")));
    }
    let raw = open_raw(thread, this, "seek of")?;
    check_seekable(thread, raw.get())?;
    let _held = enter(thread, this)?;
    flush_locked(thread, this, raw.get())?;
    let unread = with(thread, this, |state| (state.ahead.len() - state.taken) as i64);
    let target = if whence == libc::SEEK_CUR { target.saturating_sub(unread) } else { target };
    let position = raw_seek(thread, raw.get(), target, whence)?;
    with(thread, this, |state| {
        state.ahead.clear();
        state.taken = 0;
    });
    Ok(position)
}

fn tell_locked<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>, raw: Ref<'_>) -> PyResult<i64> {
    let position = if let Some(file) = exact_file(raw) {
        FileIo::seek_to(thread, file, 0, libc::SEEK_CUR)?
    } else {
        let position = protocol::call_method(thread, raw, "tell", &[])?;
        int::index_i64(thread, position.get())?
    };
    if position < 0 {
        return Err(os_error_message(format!("Raw stream returned invalid position {position}")));
    }
    let (unread, waiting) =
        with(thread, this, |state| ((state.ahead.len() - state.taken) as i64, state.waiting.len() as i64));
    Ok((position - unread + waiting).max(0))
}

fn do_tell<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>) -> PyResult<i64> {
    let raw = raw(thread, this)?;
    let _held = enter(thread, this)?;
    tell_locked(thread, this, raw.get())
}

fn do_truncate<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>, pos: Option<Ref<'_>>) -> PyResult {
    let raw = open_raw(thread, this, "truncate of")?;
    if !call_bool(thread, raw.get(), "writable")? {
        return Err(unsupported(thread, "truncate"));
    }
    let _held = enter(thread, this)?;
    flush_locked(thread, this, raw.get())?;
    rewind_locked(thread, this, raw.get())?;
    let pos = match pos.filter(|pos| !pos.is_none()) {
        Some(pos) => pos.to_owned(),
        None => {
            let here = tell_locked(thread, this, raw.get())?;
            int::new(thread, here)?
        }
    };
    protocol::call_method(thread, raw.get(), "truncate", &[pos.get()])
}

fn do_close<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>) -> PyResult<()> {
    let raw = raw(thread, this)?;
    if is_closed(thread, raw.get())? {
        return Ok(());
    }
    if with(thread, this, |state| state.finalizing) {
        let _ = protocol::call_method(thread, raw.get(), "_dealloc_warn", &[this.get()]);
    }
    // Through the attribute: subclasses flush in their own way.
    let flushed = protocol::call_method(thread, this.get(), "flush", &[]);
    let closed = protocol::call_method(thread, raw.get(), "close", &[]);
    with(thread, this, |state| {
        state.ahead = Vec::new();
        state.taken = 0;
        state.waiting = Vec::new();
    });
    match (flushed, closed) {
        (Err(first), Err(mut second)) => {
            let first = first.into_value(thread);
            let second_value = second.value(thread);
            protocol::set_attr_str(thread, second_value.get(), "__context__", first.get())?;
            Err(second)
        }
        (flushed, closed) => {
            flushed?;
            closed.map(drop)
        }
    }
}

fn do_detach<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>) -> PyResult {
    let raw = raw(thread, this)?;
    protocol::call_method(thread, this.get(), "flush", &[])?;
    with(thread, this, |state| state.detached = true);
    drop(this.buffered().raw.swap(this, thread, None));
    Ok(raw)
}

fn call_bool(thread: &mut Thread, stream: Ref<'_>, method: &str) -> PyResult<bool> {
    let able = protocol::call_method(thread, stream, method, &[])?;
    protocol::is_true(thread, able.get())
}

fn do_init<T: HasBuffered>(
    thread: &mut Thread,
    this: &Obj<T>,
    raw: Ref<'_>,
    size: i64,
    needs: &[(&str, &str)],
) -> PyResult<()> {
    with(thread, this, |state| state.detached = false);
    for (method, message) in needs {
        if !call_bool(thread, raw, method)? {
            return Err(unsupported(thread, message));
        }
    }
    let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
        return Err(value_error("buffer size must be strictly positive"));
    };
    with(thread, this, |state| {
        state.size = size;
        state.ahead = Vec::new();
        state.taken = 0;
        state.waiting = Vec::new();
    });
    drop(this.buffered().raw.swap(this, thread, Some(raw.to_owned())));
    Ok(())
}

fn do_repr<T: HasBuffered>(thread: &mut Thread, this: &Obj<T>) -> PyResult {
    let class = super::class_name(this.get());
    let name = match protocol::find_attr(thread, this.get(), str::intern(thread, "name")?) {
        Ok(name) => name,
        Err(error) if error.matches(&exception::ValueError) => None,
        Err(error) => return Err(error),
    };
    let Some(name) = name else { return str::new(thread, &format!("<{class}>")) };
    let shown = super::name_shown(thread, this.get(), name.get())?;
    str::new(thread, &format!("<{class} name={}>", str::display(shown.get())))
}

const READABLE: (&str, &str) = ("readable", "File or stream is not readable.");
const WRITABLE: (&str, &str) = ("writable", "File or stream is not writable.");
const SEEKABLE: (&str, &str) = ("seekable", "File or stream is not seekable.");

/// Create a new buffered reader using the given readable raw IO object.
#[pyclass(name = "BufferedReader", module = "_io", base = BufferedIoBase, subclassable, dict, weakref)]
#[derive(Trace)]
pub(super) struct BufferedReader {
    buffered: Buffered,
}

/// A buffer for a writeable sequential RawIO object.
///
/// The constructor creates a BufferedWriter for the given writeable raw
/// stream. If the buffer_size is not given, it defaults to
/// DEFAULT_BUFFER_SIZE.
#[pyclass(name = "BufferedWriter", module = "_io", base = BufferedIoBase, subclassable, dict, weakref)]
#[derive(Trace)]
pub(super) struct BufferedWriter {
    buffered: Buffered,
}

/// A buffered interface to random access streams.
///
/// The constructor creates a reader and writer for a seekable stream,
/// raw, given in the first argument. If the buffer_size is omitted it
/// defaults to DEFAULT_BUFFER_SIZE.
#[pyclass(name = "BufferedRandom", module = "_io", base = BufferedIoBase, subclassable, dict, weakref)]
#[derive(Trace)]
pub(super) struct BufferedRandom {
    buffered: Buffered,
}

macro_rules! common {
    ($class:ident, [$($need:expr),*], parts($($part:ident),*)) => {
        impl HasBuffered for $class {
            fn buffered(&self) -> &Buffered {
                &self.buffered
            }
        }

        impl $class {
            /// A stream over a raw one, which the caller has checked.
            pub(super) fn over(thread: &mut Thread, raw: Ref<'_>, size: usize) -> PyResult {
                let made = orochi_objects::make(thread, $class { buffered: Buffered::new() })?;
                do_init(thread, &made, raw, size as i64, &[])?;
                Ok(made.into_value())
            }
        }

        #[pymethods(parts($($part),*))]
        impl $class {
            #[new]
            #[signature(*args, **kwargs)]
            fn new(thread: &mut Thread, cls: &Obj<PyType>, args: ArgSlice<'_>, kwargs: KwArgs<'_>) -> PyResult {
                let _ = (args, kwargs);
                Ok(alloc(thread, cls, $class { buffered: Buffered::new() })?.into_value())
            }

            #[init]
            #[signature(raw, buffer_size=BUFFER_SIZE as i64 as "DEFAULT_BUFFER_SIZE")]
            fn init(thread: &mut Thread, this: &Obj<Self>, raw: Ref<'_>, buffer_size: i64) -> PyResult<()> {
                do_init(thread, this, raw, buffer_size, &[$($need),*])
            }

            #[signature()]
            fn detach(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                do_detach(thread, this)
            }

            fn flush(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
                do_flush(thread, this)
            }

            fn close(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
                do_close(thread, this)
            }

            fn seekable(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let raw = raw(thread, this)?;
                protocol::call_method(thread, raw.get(), "seekable", &[])
            }

            fn fileno(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let raw = raw(thread, this)?;
                protocol::call_method(thread, raw.get(), "fileno", &[])
            }

            fn isatty(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let raw = raw(thread, this)?;
                protocol::call_method(thread, raw.get(), "isatty", &[])
            }

            fn _dealloc_warn(thread: &mut Thread, this: &Obj<Self>, source: Ref<'_>) -> PyResult<()> {
                let raw = raw(thread, this)?;
                let _ = protocol::call_method(thread, raw.get(), "_dealloc_warn", &[source]);
                Ok(())
            }

            #[signature(target, whence=0, /)]
            fn seek(thread: &mut Thread, this: &Obj<Self>, target: i64, whence: i32) -> PyResult<i64> {
                do_seek(thread, this, target, whence)
            }

            fn tell(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
                do_tell(thread, this)
            }

            #[signature(pos=None, /)]
            fn truncate(thread: &mut Thread, this: &Obj<Self>, pos: Option<Ref<'_>>) -> PyResult {
                do_truncate(thread, this, pos)
            }

            fn __getstate__(this: &Obj<Self>) -> PyResult<()> {
                let name = class_of(this.get()).name();
                Err(type_error(format!("cannot pickle '{name}' instances")))
            }

            #[getter]
            fn raw(thread: &mut Thread, this: &Obj<Self>) -> Value {
                this.buffered.raw.get(thread).unwrap_or(Value::NONE)
            }

            #[getter]
            fn closed(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let raw = raw(thread, this)?;
                protocol::get_attr_str(thread, raw.get(), "closed")
            }

            #[getter]
            fn name(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let raw = raw(thread, this)?;
                protocol::get_attr_str(thread, raw.get(), "name")
            }

            #[getter]
            fn mode(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let raw = raw(thread, this)?;
                protocol::get_attr_str(thread, raw.get(), "mode")
            }

            #[getter]
            fn _finalizing(thread: &mut Thread, this: &Obj<Self>) -> bool {
                with(thread, this, |state| state.finalizing)
            }

            // `set_` and the attribute's name, which has an underscore in front.
            #[allow(non_snake_case, reason = "the macro tells the attribute from the name")]
            #[setter]
            fn set__finalizing(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
                let value = protocol::is_true(thread, value.unwrap_or(Ref::FALSE))?;
                with(thread, this, |state| state.finalizing = value);
                Ok(())
            }

            #[slot]
            fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                do_repr(thread, this)
            }

            #[slot]
            fn tp_finalize(thread: &mut Thread, this: Ref<'_>) -> PyResult<()> {
                super::base::finalize(thread, this)
            }
        }
    };
}

macro_rules! reading {
    ($class:ident, $part:ident) => {
        #[pymethods(part = $part)]
        impl $class {
            fn readable(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let raw = raw(thread, this)?;
                protocol::call_method(thread, raw.get(), "readable", &[])
            }

            #[signature(size=None as "-1", /)]
            fn read(thread: &mut Thread, this: &Obj<Self>, size: Option<Ref<'_>>) -> PyResult {
                do_read(thread, this, size)
            }

            #[signature(size=-1, /)]
            fn read1(thread: &mut Thread, this: &Obj<Self>, size: i64) -> PyResult {
                do_read1(thread, this, size)
            }

            fn readinto(thread: &mut Thread, this: &Obj<Self>, buffer: ArgBuffer) -> PyResult<Option<usize>> {
                do_readinto(thread, this, buffer, false)
            }

            fn readinto1(
                thread: &mut Thread,
                this: &Obj<Self>,
                buffer: ArgBuffer,
            ) -> PyResult<Option<usize>> {
                do_readinto(thread, this, buffer, true)
            }

            #[signature(size=0, /)]
            fn peek(thread: &mut Thread, this: &Obj<Self>, size: i64) -> PyResult {
                let _ = size;
                do_peek(thread, this)
            }

            #[signature(size=None as "-1", /)]
            fn readline(thread: &mut Thread, this: &Obj<Self>, size: Option<Ref<'_>>) -> PyResult {
                let limit = size_argument(thread, size)?;
                let line = take_line(thread, this, limit)?;
                bytes::new(thread, &line)
            }

            #[slot]
            fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
                let line = take_line(thread, this, None)?;
                if line.is_empty() { Ok(None) } else { bytes::new(thread, &line).map(Some) }
            }
        }
    };
}

macro_rules! writing {
    ($class:ident, $part:ident) => {
        #[pymethods(part = $part)]
        impl $class {
            fn writable(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let raw = raw(thread, this)?;
                protocol::call_method(thread, raw.get(), "writable", &[])
            }

            fn write(thread: &mut Thread, this: &Obj<Self>, buffer: ArgBytes<'_>) -> PyResult<usize> {
                do_write(thread, this, &buffer)
            }
        }
    };
}

common!(BufferedReader, [READABLE], parts(READER));
reading!(BufferedReader, READER);
common!(BufferedWriter, [WRITABLE], parts(WRITER));
writing!(BufferedWriter, WRITER);
common!(BufferedRandom, [SEEKABLE, READABLE, WRITABLE], parts(RANDOM_READER, RANDOM_WRITER));
reading!(BufferedRandom, RANDOM_READER);
writing!(BufferedRandom, RANDOM_WRITER);

/// A buffered reader and writer object together.
///
/// A buffered reader object and buffered writer object put together to
/// form a sequential IO object that can read and write. This is typically
/// used with a socket or two-way pipe.
///
/// reader and writer are RawIOBase objects that are readable and
/// writeable respectively. If the buffer_size is omitted it defaults to
/// DEFAULT_BUFFER_SIZE.
#[pyclass(name = "BufferedRWPair", module = "_io", base = BufferedIoBase, subclassable, dict, weakref)]
#[derive(Trace)]
pub(super) struct BufferedRwPair {
    reader: AtomicField,
    writer: AtomicField,
}

impl BufferedRwPair {
    fn half(thread: &Thread, half: &AtomicField) -> PyResult<Value> {
        half.get(thread).ok_or_else(|| value_error("I/O operation on uninitialized object"))
    }

    fn forward(thread: &mut Thread, half: &AtomicField, method: &str, args: ArgSlice<'_>) -> PyResult {
        let half = Self::half(thread, half)?;
        protocol::call_method(thread, half.get(), method, &args.to_vec())
    }
}

#[pymethods]
impl BufferedRwPair {
    #[new]
    #[signature(*args, **kwargs)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, args: ArgSlice<'_>, kwargs: KwArgs<'_>) -> PyResult {
        let _ = (args, kwargs);
        let made = BufferedRwPair { reader: AtomicField::empty(), writer: AtomicField::empty() };
        Ok(alloc(thread, cls, made)?.into_value())
    }

    #[init]
    #[signature(reader, writer, buffer_size=BUFFER_SIZE as "DEFAULT_BUFFER_SIZE", /)]
    fn init(
        thread: &mut Thread,
        this: &Obj<Self>,
        reader: Ref<'_>,
        writer: Ref<'_>,
        buffer_size: usize,
    ) -> PyResult<()> {
        for (stream, (method, message)) in [(reader, READABLE), (writer, WRITABLE)] {
            if !call_bool(thread, stream, method)? {
                return Err(unsupported(thread, message));
            }
        }
        let reader = BufferedReader::over(thread, reader, buffer_size)?;
        let writer = BufferedWriter::over(thread, writer, buffer_size)?;
        drop(this.reader.swap(this, thread, Some(reader)));
        drop(this.writer.swap(this, thread, Some(writer)));
        Ok(())
    }

    #[signature(*args)]
    fn read(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult {
        Self::forward(thread, &this.reader, "read", args)
    }

    #[signature(*args)]
    fn peek(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult {
        Self::forward(thread, &this.reader, "peek", args)
    }

    #[signature(*args)]
    fn read1(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult {
        Self::forward(thread, &this.reader, "read1", args)
    }

    #[signature(*args)]
    fn readinto(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult {
        Self::forward(thread, &this.reader, "readinto", args)
    }

    #[signature(*args)]
    fn readinto1(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult {
        Self::forward(thread, &this.reader, "readinto1", args)
    }

    #[signature(*args)]
    fn write(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult {
        Self::forward(thread, &this.writer, "write", args)
    }

    #[signature(*args)]
    fn flush(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult {
        Self::forward(thread, &this.writer, "flush", args)
    }

    #[signature(*args)]
    fn readable(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult {
        Self::forward(thread, &this.reader, "readable", args)
    }

    #[signature(*args)]
    fn writable(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult {
        Self::forward(thread, &this.writer, "writable", args)
    }

    fn close(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        let writer = Self::half(thread, &this.writer)?;
        let written = protocol::call_method(thread, writer.get(), "close", &[]);
        let reader = Self::half(thread, &this.reader)?;
        let read = protocol::call_method(thread, reader.get(), "close", &[]);
        written?;
        read.map(drop)
    }

    fn isatty(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        let writer = Self::half(thread, &this.writer)?;
        if call_bool(thread, writer.get(), "isatty")? {
            return Ok(true);
        }
        let reader = Self::half(thread, &this.reader)?;
        call_bool(thread, reader.get(), "isatty")
    }

    #[getter]
    fn closed(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        let writer = Self::half(thread, &this.writer)?;
        is_closed(thread, writer.get())
    }

    #[slot]
    fn tp_finalize(thread: &mut Thread, this: Ref<'_>) -> PyResult<()> {
        if this.downcast::<Self>().is_some_and(|pair| pair.writer.load(thread).is_none()) {
            return Ok(());
        }
        super::base::finalize(thread, this)
    }
}
