//! Where the bytes of a pickle come from: memory, or a file's methods.

use super::unpickling_error;
use orochi_objects::buffer::bytes_of;
use orochi_objects::error::{eof_error, type_error};
use orochi_objects::types::bytes::PyBytes;
use orochi_objects::{PyErr, PyResult, Ref, Thread, Value, class_of, int, name, protocol};

/// The `read` and `readline` of a file.
pub(super) struct File {
    pub(super) read: Value,
    pub(super) readline: Value,
}

impl File {
    pub(super) fn new(thread: &mut Thread, file: Ref<'_>) -> PyResult<File> {
        let read = protocol::find_attr(thread, file, name!("read"))?;
        let readline = protocol::find_attr(thread, file, name!("readline"))?;
        match (read, readline) {
            (Some(read), Some(readline)) => Ok(File { read, readline }),
            _ => Err(type_error("file must have 'read' and 'readline' attributes")),
        }
    }
}

/// A pickle being read. What is in memory is the whole pickle, or the current frame of a file.
pub(super) struct Reader {
    data: Vec<u8>,
    at: usize,
    /// Where the current frame ends in `data`, if all of the pickle is in it.
    frame_end: Option<usize>,
    file: Option<File>,
}

fn truncated() -> PyErr {
    unpickling_error("pickle data was truncated")
}

fn taken(thread: &mut Thread, what: &Value, method: &str) -> PyResult<Vec<u8>> {
    if what.get().downcast::<PyBytes>().is_none() {
        let class = class_of(what.get()).name();
        return Err(type_error(format!("{method}() returned non-bytes object ({class})")));
    }
    Ok(bytes_of(thread, what.get())?.into_vec())
}

impl Reader {
    pub(super) fn memory(data: Vec<u8>) -> Reader {
        Reader { data, at: 0, frame_end: None, file: None }
    }

    pub(super) fn file(file: File) -> Reader {
        Reader { data: Vec::new(), at: 0, frame_end: None, file: Some(file) }
    }

    /// What there is of the current frame, or of all if no frame has begun.
    fn rest(&self) -> &[u8] {
        let end = self.frame_end.unwrap_or(self.data.len());
        self.data.get(self.at..end).unwrap_or_default()
    }

    /// Leaves a frame that is used up.
    fn leave_frame(&mut self) {
        if self.frame_end.is_some_and(|end| self.at >= end) {
            self.frame_end = None;
        }
    }

    fn exhausted(&self) -> PyErr {
        if self.file.is_some() || self.frame_end.is_some() {
            unpickling_error("pickle exhausted before end of frame")
        } else {
            truncated()
        }
    }

    /// Reads so many bytes from the file.
    fn fetch(&mut self, thread: &mut Thread, len: usize) -> PyResult<Vec<u8>> {
        let Some(file) = &self.file else { return Err(truncated()) };
        let size = int::new(thread, i64::try_from(len).map_err(|_| truncated())?)?;
        let read = protocol::call(thread, file.read.get(), &[size.get()])?;
        let read = taken(thread, &read, "read")?;
        if read.len() < len {
            return Err(if read.is_empty() { eof_error("Ran out of input") } else { truncated() });
        }
        Ok(read)
    }

    /// The next opcode.
    pub(super) fn opcode(&mut self, thread: &mut Thread) -> PyResult<u8> {
        self.leave_frame();
        if let Some(&opcode) = self.data.get(self.at) {
            self.at += 1;
            return Ok(opcode);
        }
        if self.file.is_none() {
            return Err(eof_error("Ran out of input"));
        }
        self.fetch(thread, 1)?.first().copied().ok_or_else(truncated)
    }

    /// The next bytes where they lie, if they are in memory.
    pub(super) fn part(&mut self, len: usize) -> Option<&[u8]> {
        let end = self.frame_end.unwrap_or(self.data.len());
        let part = self.data.get(self.at..end)?.get(..len)?;
        self.at += len;
        Some(part)
    }

    /// The next bytes.
    pub(super) fn take(&mut self, thread: &mut Thread, len: usize) -> PyResult<Vec<u8>> {
        let rest = self.rest();
        if let Some(part) = rest.get(..len) {
            let part = part.to_vec();
            self.at += len;
            return Ok(part);
        }
        if !rest.is_empty() || self.frame_end.is_some() {
            return Err(self.exhausted());
        }
        self.fetch(thread, len).map_err(|error| {
            if error.matches(&orochi_objects::types::exception::EOFError) { truncated() } else { error }
        })
    }

    /// The next bytes, as many as the array has.
    pub(super) fn array<const N: usize>(&mut self, thread: &mut Thread) -> PyResult<[u8; N]> {
        if let Some(part) = self.rest().first_chunk::<N>() {
            let part = *part;
            self.at += N;
            return Ok(part);
        }
        self.take(thread, N)?.try_into().map_err(|_| truncated())
    }

    /// The rest of the line, which isn't empty.
    pub(super) fn full_line(&mut self, thread: &mut Thread) -> PyResult<Vec<u8>> {
        let line = self.line(thread)?;
        if line.is_empty() { Err(truncated()) } else { Ok(line) }
    }

    /// The rest of the line, without its end.
    pub(super) fn line(&mut self, thread: &mut Thread) -> PyResult<Vec<u8>> {
        let rest = self.rest();
        if !rest.is_empty() || self.file.is_none() {
            let end = memchr::memchr(b'\n', rest).ok_or_else(|| self.exhausted())?;
            let line = rest.get(..end).unwrap_or_default().to_vec();
            self.at += end + 1;
            return Ok(line);
        }
        let Some(file) = &self.file else { return Err(truncated()) };
        let line = protocol::call(thread, file.readline.get(), &[])?;
        let mut line = taken(thread, &line, "readline")?;
        match line.pop() {
            Some(b'\n') => Ok(line),
            _ => Err(truncated()),
        }
    }

    /// Reads a frame of this size.
    pub(super) fn frame(&mut self, thread: &mut Thread, len: usize) -> PyResult<()> {
        self.leave_frame();
        let rest = self.rest().len();
        if self.frame_end.is_some() || self.file.is_some() && rest > 0 {
            return Err(unpickling_error("beginning of a new frame before end of current frame"));
        }
        if self.file.is_none() {
            if rest < len {
                return Err(truncated());
            }
            self.frame_end = Some(self.at + len);
            return Ok(());
        }
        self.data = self.take(thread, len)?;
        self.at = 0;
        Ok(())
    }
}
