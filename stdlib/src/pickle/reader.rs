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
        let missing = || type_error("file must have 'read' and 'readline' attributes");
        let read = protocol::find_attr(thread, file, name!("read"))?.ok_or_else(missing)?;
        let readline = protocol::find_attr(thread, file, name!("readline"))?.ok_or_else(missing)?;
        Ok(File { read, readline })
    }
}

/// A pickle being read. What is in memory is the whole pickle, or the current frame of a file.
pub(super) struct Reader {
    data: Vec<u8>,
    at: usize,
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
        Reader { data, at: 0, file: None }
    }

    pub(super) fn file(file: File) -> Reader {
        Reader { data: Vec::new(), at: 0, file: Some(file) }
    }

    fn rest(&self) -> &[u8] {
        self.data.get(self.at..).unwrap_or_default()
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
        if let Some(&opcode) = self.data.get(self.at) {
            self.at += 1;
            return Ok(opcode);
        }
        if self.file.is_none() {
            return Err(if self.data.is_empty() { eof_error("Ran out of input") } else { truncated() });
        }
        self.fetch(thread, 1)?.first().copied().ok_or_else(truncated)
    }

    /// The next bytes.
    pub(super) fn take(&mut self, thread: &mut Thread, len: usize) -> PyResult<Vec<u8>> {
        let rest = self.rest();
        if let Some(part) = rest.get(..len) {
            let part = part.to_vec();
            self.at += len;
            return Ok(part);
        }
        if !rest.is_empty() {
            return Err(match self.file {
                Some(_) => unpickling_error("pickle exhausted before end of frame"),
                None => truncated(),
            });
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

    /// The rest of the line, without its end.
    pub(super) fn line(&mut self, thread: &mut Thread) -> PyResult<Vec<u8>> {
        let rest = self.rest();
        if !rest.is_empty() || self.file.is_none() {
            let end = memchr::memchr(b'\n', rest).ok_or_else(|| match self.file {
                Some(_) => unpickling_error("pickle exhausted before end of frame"),
                None => truncated(),
            })?;
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
        let rest = self.rest().len();
        if self.file.is_none() {
            return if rest < len { Err(truncated()) } else { Ok(()) };
        }
        if rest > 0 {
            return Err(unpickling_error("beginning of a new frame before end of current frame"));
        }
        self.data = self.take(thread, len)?;
        self.at = 0;
        Ok(())
    }
}
