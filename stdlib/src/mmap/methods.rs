//! What `mmap` objects do.

use super::{ACCESS_COPY, ACCESS_READ, PyMmap, ask, closed, make, options, with};
use crate::host::mapping::Mapping;
use crate::host::system;
use crate::os_support;
use orochi_macros::pymethods;
use orochi_objects::buffer::{self, ArgBytes, BufferView};
use orochi_objects::class::is_exact;
use orochi_objects::error::{
    buffer_error, index_error, memory_error, overflow_error, type_error, value_error,
};
use orochi_objects::types::bytes;
use orochi_objects::types::bytes_::operators::place;
use orochi_objects::types::slice::{PySlice, clamp};
use orochi_objects::{Obj, PyClass, PyErr, PyResult, PyType, Ref, Thread, class_of, int, str};
use std::io;
use std::os::fd::AsRawFd;

const OUT_OF_RANGE: &str = "mmap index out of range";

/// Bytes of the mapping.
fn copy(mapping: &Mapping, at: usize, len: usize) -> PyResult<io::Result<Vec<u8>>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(len).map_err(|_| memory_error())?;
    copy.resize(len, 0);
    Ok(mapping.read(at, &mut copy).map(|()| copy))
}

/// An index, or `None` for what isn't one.
fn index(thread: &mut Thread, key: Ref<'_>) -> PyResult<i64> {
    if !int::is_int(key) && class_of(key).slots.nb_index().is_none() {
        return Err(type_error("mmap indices must be integers"));
    }
    int::index_clamped(thread, key)
}

/// The number of bytes to read.
fn optional_count(thread: &mut Thread, count: Option<Ref<'_>>) -> PyResult<i64> {
    let Some(count) = count.filter(|count| !count.is_none()) else { return Ok(-1) };
    if !int::is_int(count) && class_of(count).slots.nb_index().is_none() {
        let name = class_of(count).name();
        return Err(type_error(format!("argument should be integer or None, not '{name}'")));
    }
    int::index_clamped(thread, count)
}

/// One byte's number, with the messages of CPython's converter.
fn byte(thread: &mut Thread, value: Ref<'_>) -> PyResult<u8> {
    match int::index_clamped(thread, value)? {
        number if number < 0 => Err(overflow_error("unsigned byte integer is less than minimum")),
        number => {
            u8::try_from(number).map_err(|_| overflow_error("unsigned byte integer is greater than maximum"))
        }
    }
}

fn search(
    thread: &mut Thread,
    this: &Obj<PyMmap>,
    view: &[u8],
    (start, end): (Option<Ref<'_>>, Option<Ref<'_>>),
    backwards: bool,
) -> PyResult<i64> {
    let mut number = |given: Option<Ref<'_>>| match given.filter(|given| !given.is_none()) {
        Some(given) => int::index_clamped(thread, given).map(Some),
        None => Ok(None),
    };
    let (start, end) = (number(start)?, number(end)?);
    let found = ask(thread, this, |mapping, pos| {
        let start = start.map_or(*pos, |start| clamp(start, mapping.len()));
        let end = end.map_or(mapping.len(), |end| clamp(end, mapping.len()));
        if start > end {
            return Ok(Ok(None));
        }
        Ok(mapping.find(start..end, view, backwards))
    })?;
    Ok(found.map_or(-1, |at| i64::try_from(at).unwrap_or(-1)))
}

fn read_slice(thread: &mut Thread, this: &Obj<PyMmap>, slice: &Obj<PySlice>) -> PyResult {
    let bounds = slice.unpack(thread)?;
    let bytes = ask(thread, this, |mapping, _| {
        let span = bounds.span(mapping.len());
        if span.step == 1 {
            return copy(mapping, span.start.min(mapping.len()), span.count);
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(span.count).map_err(|_| memory_error())?;
        for at in span.indices() {
            let mut byte = [0];
            if let Err(error) = mapping.read(at, &mut byte) {
                return Ok(Err(error));
            }
            bytes.extend(byte);
        }
        Ok(Ok(bytes))
    })?;
    bytes::new(thread, &bytes)
}

fn write_slice(
    thread: &mut Thread,
    this: &Obj<PyMmap>,
    slice: &Obj<PySlice>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    let bounds = slice.unpack(thread)?;
    let Some(value) = value else {
        with(thread, this, |_, _| Ok(()))?;
        return Err(type_error("mmap object doesn't support slice deletion"));
    };
    let bytes = buffer::bytes_of(thread, value)?;
    ask(thread, this, |mapping, _| {
        let span = bounds.span(mapping.len());
        if span.count != bytes.len() {
            return Err(index_error("mmap slice assignment is wrong size"));
        }
        if span.step == 1 {
            return Ok(mapping.write(span.start.min(mapping.len()), &bytes));
        }
        let mut pairs = span.indices().zip(bytes.chunks(1));
        Ok(pairs.try_for_each(|(at, byte)| mapping.write(at, byte)))
    })
}

fn write_item(thread: &mut Thread, this: &Obj<PyMmap>, key: Ref<'_>, value: Option<Ref<'_>>) -> PyResult<()> {
    let index = index(thread, key)?;
    with(thread, this, |mapping, _| place(index, mapping.len(), OUT_OF_RANGE).map(drop))?;
    let Some(value) = value else {
        return Err(type_error("mmap doesn't support item deletion"));
    };
    if !int::is_int(value) && class_of(value).slots.nb_index().is_none() {
        return Err(type_error("mmap item value must be an int"));
    }
    let value = int::index_clamped(thread, value)?;
    let value = u8::try_from(value).map_err(|_| value_error("mmap item value must be in range(0, 256)"))?;
    // The value's `__index__` may have changed the length.
    ask(thread, this, |mapping, _| {
        let at = place(index, mapping.len(), OUT_OF_RANGE)?;
        Ok(mapping.write(at, &[value]))
    })
}

/// The size of the file; OSError if there is none.
fn size(thread: &mut Thread, this: &Obj<PyMmap>) -> PyResult<i64> {
    let size = this.state.with(this, thread, |state, _| {
        if state.mapping.is_none() {
            return Err(closed());
        }
        Ok(match &state.file {
            Some(file) => system::fstat(file.as_raw_fd()).map(|status| status.st_size),
            None => Err(io::Error::from_raw_os_error(libc::EBADF)),
        })
    })?;
    os_support::plain(thread, size)
}

/// Makes the mapping, and the file, longer or shorter.
#[cfg(target_os = "linux")]
fn resize(thread: &mut Thread, this: &Obj<PyMmap>, new: i64) -> PyResult<()> {
    let options = this.options;
    let result = this.state.with(this, thread, |state, _| {
        if state.mapping.is_none() {
            return Err(closed());
        }
        if state.is_exported() {
            return Err(buffer_error("mmap can't resize with extant buffers exported."));
        }
        if !options.tracks {
            return Err(value_error("mmap can't resize with trackfd=False."));
        }
        if matches!(options.access, ACCESS_READ | ACCESS_COPY) {
            return Err(type_error("mmap can't resize a readonly or copy-on-write memory map."));
        }
        let range_error = || value_error("new size out of range");
        let len = usize::try_from(new).map_err(|_| range_error())?;
        let file_len = new.checked_add(options.offset).ok_or_else(range_error)?;
        let mapping = state.mapping.as_mut().ok_or_else(closed)?;
        if state.file.is_none() && options.flags & libc::MAP_PRIVATE == 0 && len > mapping.len() {
            return Err(value_error("mmap: can't expand a shared anonymous mapping"));
        }
        if len == 0 {
            // Refused before the file loses what is mapped.
            return Ok(Err(io::Error::from_raw_os_error(libc::EINVAL)));
        }
        let truncated = match &state.file {
            Some(file) => system::ftruncate(file.as_raw_fd(), file_len).map(drop),
            None => Ok(()),
        };
        Ok(truncated.and_then(|()| mapping.resize(len)))
    })?;
    os_support::plain(thread, result)
}

/// Other systems can't.
#[cfg(not(target_os = "linux"))]
fn resize(_thread: &mut Thread, _this: &Obj<PyMmap>, _new: i64) -> PyResult<()> {
    Err(orochi_objects::error::system_error("mmap: resizing not available--no mremap()"))
}

fn close(thread: &Thread, this: &Obj<PyMmap>) -> PyResult<()> {
    let taken = this.state.with(this, thread, |state, _| {
        if state.is_exported() {
            return Err(buffer_error("cannot close exported pointers exist"));
        }
        Ok((state.mapping.take(), state.file.take()))
    })?;
    // Unmapped and closed outside the lock.
    drop(taken);
    Ok(())
}

#[pymethods]
impl PyMmap {
    #[new]
    #[no_text_signature]
    #[signature(fileno, length, flags=libc::MAP_SHARED as "MAP_SHARED", prot=libc::PROT_READ | libc::PROT_WRITE as "PROT_WRITE|PROT_READ", access=0, offset=0, *, trackfd=True)]
    #[expect(clippy::too_many_arguments, reason = "they are Python's")]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        fileno: i32,
        length: isize,
        flags: i32,
        prot: i32,
        access: i32,
        offset: i64,
        trackfd: bool,
    ) -> PyResult {
        if length < 0 {
            return Err(overflow_error("memory mapped length must be positive"));
        }
        if offset < 0 {
            return Err(overflow_error("memory mapped offset must be positive"));
        }
        let options = options(flags, prot, access, offset, trackfd)?;
        make(thread, cls, fileno, length, &options)
    }

    fn close(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        close(thread, this)
    }

    #[getter]
    fn closed(thread: &mut Thread, this: &Obj<Self>) -> bool {
        this.state.with(this, thread, |state, _| state.mapping.is_none())
    }

    fn __enter__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        with(thread, this, |_, _| Ok(()))?;
        Ok(this.to_value())
    }

    #[signature(exc_type, exc_value, traceback, /)]
    fn __exit__(
        thread: &mut Thread,
        this: &Obj<Self>,
        exc_type: Ref<'_>,
        exc_value: Ref<'_>,
        traceback: Ref<'_>,
    ) -> PyResult<()> {
        let _ = (exc_type, exc_value, traceback);
        close(thread, this)
    }

    #[signature(view, start=None, end=None, /)]
    fn find(
        thread: &mut Thread,
        this: &Obj<Self>,
        view: ArgBytes<'_>,
        start: Option<Ref<'_>>,
        end: Option<Ref<'_>>,
    ) -> PyResult<i64> {
        search(thread, this, &view, (start, end), false)
    }

    #[signature(view, start=None, end=None, /)]
    fn rfind(
        thread: &mut Thread,
        this: &Obj<Self>,
        view: ArgBytes<'_>,
        start: Option<Ref<'_>>,
        end: Option<Ref<'_>>,
    ) -> PyResult<i64> {
        search(thread, this, &view, (start, end), true)
    }

    #[signature(n=None, /)]
    fn read(thread: &mut Thread, this: &Obj<Self>, n: Option<Ref<'_>>) -> PyResult {
        let count = optional_count(thread, n)?;
        let bytes = ask(thread, this, |mapping, pos| {
            let rest = mapping.len().saturating_sub(*pos);
            let count = usize::try_from(count).unwrap_or(rest).min(rest);
            let at = (*pos).min(mapping.len());
            let bytes = copy(mapping, at, count)?;
            *pos += count;
            Ok(bytes)
        })?;
        bytes::new(thread, &bytes)
    }

    fn read_byte(thread: &mut Thread, this: &Obj<Self>) -> PyResult<u8> {
        ask(thread, this, |mapping, pos| {
            if *pos >= mapping.len() {
                return Err(value_error("read byte out of range"));
            }
            let mut byte = [0];
            Ok(mapping.read(*pos, &mut byte).map(|()| {
                *pos += 1;
                byte[0]
            }))
        })
    }

    fn readline(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let bytes = ask(thread, this, |mapping, pos| {
            let start = (*pos).min(mapping.len());
            let end = match mapping.find(start..mapping.len(), b"\n", false) {
                Ok(found) => found.map_or(mapping.len(), |at| at + 1),
                Err(error) => return Ok(Err(error)),
            };
            let line = copy(mapping, start, end - start)?;
            *pos += end - start;
            Ok(line)
        })?;
        bytes::new(thread, &bytes)
    }

    #[signature(bytes, /)]
    fn write(thread: &mut Thread, this: &Obj<Self>, bytes: ArgBytes<'_>) -> PyResult<usize> {
        with(thread, this, |_, _| this.check_writable())?;
        ask(thread, this, |mapping, pos| {
            if mapping.len().saturating_sub(*pos) < bytes.len() || *pos > mapping.len() {
                return Err(value_error("data out of range"));
            }
            Ok(mapping.write(*pos, &bytes).map(|()| *pos += bytes.len()))
        })?;
        Ok(bytes.len())
    }

    #[signature(byte, /)]
    fn write_byte(thread: &mut Thread, this: &Obj<Self>, byte: Ref<'_>) -> PyResult<()> {
        let value = self::byte(thread, byte)?;
        with(thread, this, |_, _| this.check_writable())?;
        ask(thread, this, |mapping, pos| {
            if *pos >= mapping.len() {
                return Err(value_error("write byte out of range"));
            }
            Ok(mapping.write(*pos, &[value]).map(|()| *pos += 1))
        })
    }

    fn tell(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        with(thread, this, |_, pos| Ok(*pos))
    }

    #[signature(pos, whence=0, /)]
    fn seek(thread: &mut Thread, this: &Obj<Self>, pos: isize, whence: i32) -> PyResult<usize> {
        with(thread, this, |mapping, at| {
            let base = match whence {
                0 => 0,
                1 => *at,
                2 => mapping.len(),
                _ => return Err(value_error("unknown seek type")),
            };
            let to = base.checked_add_signed(pos).filter(|to| *to <= mapping.len());
            *at = to.ok_or_else(|| value_error("seek out of range"))?;
            Ok(*at)
        })
    }

    fn seekable(this: &Obj<Self>) -> bool {
        let _ = this;
        true
    }

    fn size(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        size(thread, this)
    }

    #[signature(newsize, /)]
    fn resize(thread: &mut Thread, this: &Obj<Self>, newsize: i64) -> PyResult<()> {
        resize(thread, this, newsize)
    }

    #[signature(dest, src, count, /)]
    fn r#move(thread: &mut Thread, this: &Obj<Self>, dest: isize, src: isize, count: isize) -> PyResult<()> {
        with(thread, this, |_, _| this.check_writable())?;
        ask(thread, this, |mapping, _| {
            let number = |given: isize| usize::try_from(given).ok();
            let numbers = number(dest).zip(number(src)).zip(number(count));
            let fits =
                |at: usize, count: usize| at.checked_add(count).is_some_and(|end| end <= mapping.len());
            match numbers {
                Some(((dest, src), count)) if fits(dest, count) && fits(src, count) => {
                    Ok(mapping.shift(dest, src, count))
                }
                _ => Err(value_error("source, destination, or count out of range")),
            }
        })
    }

    #[signature(offset=0, size=None, /)]
    fn flush(thread: &mut Thread, this: &Obj<Self>, offset: isize, size: Option<isize>) -> PyResult<()> {
        let keeps = matches!(this.options.access, ACCESS_READ | ACCESS_COPY);
        let (part, export) = this.state.with(this, thread, |state, _| {
            let mapping = state.mapping.as_ref().ok_or_else(closed)?;
            let start = usize::try_from(offset).ok();
            let len = size.map_or_else(
                || start.and_then(|start| mapping.len().checked_sub(start)),
                |size| usize::try_from(size).ok(),
            );
            let end = start.zip(len).and_then(|(start, len)| start.checked_add(len));
            match start.zip(end) {
                Some((start, end)) if end <= mapping.len() => Ok((mapping.part(start..end), state.export())),
                _ => Err(value_error("flush values out of range")),
            }
        })?;
        if keeps {
            return Ok(());
        }
        // The memory stays where it is until then.
        let flushed = part.and_then(|part| thread.detached(|| Mapping::flush(part)));
        drop(export);
        os_support::plain(thread, flushed)
    }

    #[signature(option, start=0, length=None, /)]
    fn madvise(
        thread: &mut Thread,
        this: &Obj<Self>,
        option: i32,
        start: isize,
        length: Option<isize>,
    ) -> PyResult<()> {
        ask(thread, this, |mapping, _| {
            let len = mapping.len();
            let start = usize::try_from(start).ok().filter(|start| *start < len);
            let start = start.ok_or_else(|| value_error("madvise start out of bounds"))?;
            let length = length.map_or(Ok(len), usize::try_from);
            let length = length.map_err(|_| value_error("madvise length invalid"))?;
            let end = start.checked_add(length).filter(|end| isize::try_from(*end).is_ok());
            let end = end.ok_or_else(|| overflow_error("madvise length too large"))?;
            Ok(mapping.advise(start..end.min(len), option))
        })
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let exact = is_exact(this.get(), PyMmap::static_type());
        let name = if exact { "mmap.mmap".into() } else { class_of(this.get()).name() };
        let text = with(thread, this, |mapping, pos| {
            let access = match this.options.access {
                super::ACCESS_DEFAULT => "ACCESS_DEFAULT",
                ACCESS_READ => "ACCESS_READ",
                ACCESS_COPY => "ACCESS_COPY",
                _ => "ACCESS_WRITE",
            };
            let (len, offset) = (mapping.len(), this.options.offset);
            Ok(format!("<{name} closed=False, access={access}, length={len}, pos={pos}, offset={offset}>"))
        });
        let text = text.unwrap_or_else(|_| format!("<{name} closed=True>"));
        str::new(thread, &text)
    }

    #[slot]
    fn sq_length(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        with(thread, this, |mapping, _| Ok(mapping.len()))
    }

    #[slot]
    fn mp_length(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        with(thread, this, |mapping, _| Ok(mapping.len()))
    }

    #[slot]
    fn sq_item(thread: &mut Thread, this: &Obj<Self>, index: i64) -> PyResult {
        let bytes = ask(thread, this, |mapping, _| {
            let at = usize::try_from(index).ok().filter(|at| *at < mapping.len());
            let at = at.ok_or_else(|| index_error(OUT_OF_RANGE))?;
            copy(mapping, at, 1)
        })?;
        bytes::new(thread, &bytes)
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        with(thread, this, |_, _| Ok(()))?;
        if let Some(slice) = key.downcast::<PySlice>() {
            return read_slice(thread, this, slice);
        }
        let index = index(thread, key)?;
        let byte = ask(thread, this, |mapping, _| {
            let mut byte = [0];
            let at = place(index, mapping.len(), OUT_OF_RANGE)?;
            Ok(mapping.read(at, &mut byte).map(|()| byte[0]))
        })?;
        int::new(thread, byte.into())
    }

    #[slot]
    fn mp_ass_subscript(
        thread: &mut Thread,
        this: &Obj<Self>,
        key: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        with(thread, this, |_, _| this.check_writable())?;
        match key.downcast::<PySlice>() {
            Some(slice) => write_slice(thread, this, slice, value),
            None => write_item(thread, this, key, value),
        }
    }

    /// Release the buffer object that exposes the underlying memory of the object.
    #[signature(buffer, /)]
    fn __release_buffer__(thread: &mut Thread, this: &Obj<Self>, buffer: Ref<'_>) -> PyResult<()> {
        orochi_objects::types::buffer_lender::give_back(thread, this.get(), buffer)
    }

    #[slot]
    fn bf_getbuffer(thread: &mut Thread, this: &Obj<Self>, flags: u32) -> PyResult<BufferView> {
        let readonly = !this.is_writable();
        if readonly && flags & buffer::flags::WRITABLE != 0 {
            return Err(buffer_error("Object is not writable."));
        }
        let (address, len, export) = this.state.with(this, thread, |state, _| {
            let mapping = state.mapping.as_ref().ok_or_else(closed)?;
            let address = mapping.address().ok_or_else(|| buffer_error("mmap can't be read"))?;
            Ok::<_, PyErr>((address, mapping.len(), state.export()))
        })?;
        let export = Some(export);
        Ok(BufferView { export, ..BufferView::of_bytes(this.to_value(), address, len, readonly) })
    }
}
