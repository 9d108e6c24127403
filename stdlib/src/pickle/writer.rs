//! The bytes of a pickle being written: opcodes in frames, and large contents between the frames.

use super::opcodes::FRAME;
use orochi_objects::types::bytes;
use orochi_objects::{PyResult, Ref, Thread, Value, protocol};

/// How large a frame gets before it ends; contents of this size aren't put into frames.
pub(super) const FRAME_SIZE: usize = 64 * 1024;
/// A frame smaller than this isn't worth its opcode.
const FRAME_MIN: usize = 4;
/// An opcode and a length.
const HEADER: usize = 9;

/// A pickle being written.
pub(super) struct Writer {
    out: Vec<u8>,
    /// Where the frame begins that is being filled.
    frame: Option<usize>,
    framing: bool,
    /// The `write` method of a file; without it all stays in `out`.
    file: Option<Value>,
}

impl Writer {
    pub(super) fn new(file: Option<Value>) -> Writer {
        Writer { out: Vec::new(), frame: None, framing: false, file }
    }

    pub(super) fn start_framing(&mut self) {
        self.framing = true;
    }

    /// Writes opcodes and their arguments.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.framing && self.frame.is_none() {
            self.frame = Some(self.out.len());
            self.out.extend_from_slice(&[0; HEADER]);
        }
        self.out.extend_from_slice(bytes);
    }

    /// Writes an opcode.
    pub(super) fn op(&mut self, opcode: u8) {
        self.write(&[opcode]);
    }

    /// Ends the frame.
    fn close(&mut self) {
        let Some(start) = self.frame.take() else { return };
        let len = self.out.len().saturating_sub(start + HEADER);
        if len < FRAME_MIN {
            self.out.drain(start..start + HEADER);
        } else if let Some([opcode, size @ ..]) = self.out.get_mut(start..start + HEADER) {
            *opcode = FRAME;
            size.copy_from_slice(&(len as u64).to_le_bytes());
        }
    }

    /// Gives what there is to the file, if there is one.
    fn flush(&mut self, thread: &mut Thread) -> PyResult<()> {
        let Some(file) = &self.file else { return Ok(()) };
        if !self.out.is_empty() {
            let bytes = bytes::new(thread, &self.out)?;
            self.out.clear();
            protocol::call(thread, file.get(), &[bytes.get()])?;
        }
        Ok(())
    }

    /// Between two objects: ends a frame that has become large.
    pub(super) fn boundary(&mut self, thread: &mut Thread) -> PyResult<()> {
        match self.frame {
            Some(start) if self.out.len() - start >= FRAME_SIZE + HEADER => {
                self.close();
                self.flush(thread)
            }
            _ => Ok(()),
        }
    }

    /// Writes contents after an opcode and a length; large ones go past the frames. `object`: the bytes, if there is one.
    pub(super) fn contents(
        &mut self,
        thread: &mut Thread,
        header: &[u8],
        contents: &[u8],
        object: Option<Ref<'_>>,
    ) -> PyResult<()> {
        if contents.len() < FRAME_SIZE {
            self.write(header);
            self.write(contents);
            return Ok(());
        }
        self.close();
        self.out.extend_from_slice(header);
        match &self.file {
            Some(file) => {
                let file = file.clone();
                self.flush(thread)?;
                let whole = match object {
                    Some(object) => object.to_owned(),
                    None => bytes::new(thread, contents)?,
                };
                protocol::call(thread, file.get(), &[whole.get()])?;
            }
            None => self.out.extend_from_slice(contents),
        }
        Ok(())
    }

    /// Ends the pickle: gives the bytes if there is no file.
    pub(super) fn finish(mut self, thread: &mut Thread) -> PyResult<Vec<u8>> {
        self.close();
        self.framing = false;
        self.flush(thread)?;
        Ok(self.out)
    }
}
