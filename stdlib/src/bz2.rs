//! `_bz2`: compression with bzip2.
//!
//! Streams lie under their objects' locks: compressing calls no Python code.

use crate::compression::{Codec, Decompression, Step, whole};
use bzip2::{Action, Compress, Compression, Decompress, Error, Status};
use orochi_macros::{Trace, pyclass, pymethods, pymodule};
use orochi_objects::buffer::ArgBytes;
use orochi_objects::error::{PyErr, os_error_message, runtime_error, value_error};
use orochi_objects::{Guarded, Obj, PyModule, PyResult, PyType, Thread, alloc, bytes};

#[cold]
fn failure(error: &Error) -> PyErr {
    match error {
        Error::Sequence => runtime_error("Internal error - Invalid sequence of commands sent to libbzip2"),
        Error::Data | Error::DataMagic => os_error_message("Invalid data stream"),
        Error::Param => value_error("Internal error - invalid parameters passed to libbzip2"),
    }
}

/// A stream that compresses, and what it is told to do.
struct Encoder<'a>(&'a mut Compress, Action);

impl Codec for Encoder<'_> {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> PyResult<Step> {
        let (read, written) = (self.0.total_in(), self.0.total_out());
        // There is nothing to run without input: libbzip2 takes that for a mistake.
        if input.is_empty() && self.1 == Action::Run {
            return Ok(Step { read: 0, written: 0, ended: false });
        }
        let status = self.0.compress(input, output, self.1).map_err(|error| failure(&error))?;
        Ok(Step {
            read: (self.0.total_in() - read) as usize,
            written: (self.0.total_out() - written) as usize,
            ended: status == Status::StreamEnd,
        })
    }
}

/// A stream that decompresses.
struct Decoder(Decompress);

impl Codec for Decoder {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> PyResult<Step> {
        let (read, written) = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, output).map_err(|error| failure(&error))?;
        Ok(Step {
            read: (self.0.total_in() - read) as usize,
            written: (self.0.total_out() - written) as usize,
            ended: status == Status::StreamEnd,
        })
    }
}

/// Create a compressor object for compressing data incrementally.
///
///   compresslevel
///     Compression level, as a number between 1 and 9.
///
/// For one-shot compression, use the compress() function instead.
#[pyclass(name = "BZ2Compressor", module = "_bz2", subclassable)]
#[derive(Trace)]
struct Bz2Compressor {
    /// `None` when it has been flushed.
    #[trace(unsafe_skip)]
    stream: Guarded<Option<Compress>>,
}

#[pymethods]
impl Bz2Compressor {
    #[new]
    #[signature(compresslevel=9, /)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, compresslevel: i32) -> PyResult {
        if !(1..=9).contains(&compresslevel) {
            return Err(value_error("compresslevel must be between 1 and 9"));
        }
        let stream = Compress::new(Compression::new(compresslevel as u32), 0);
        Ok(alloc(thread, cls, Bz2Compressor { stream: Guarded::new(Some(stream)) })?.into_value())
    }

    /// Provide data to the compressor object.
    ///
    /// Returns a chunk of compressed data if possible, or b'' otherwise.
    ///
    /// When you have finished providing data to the compressor, call the
    /// flush() method to finish the compression process.
    #[signature(data, /)]
    fn compress(thread: &mut Thread, this: &Obj<Self>, data: ArgBytes<'_>) -> PyResult {
        let out = this.stream.with(this, thread, |stream, _| match stream {
            Some(stream) => whole(&mut Encoder(stream, Action::Run), &data),
            None => Err(value_error("Compressor has been flushed")),
        })?;
        bytes::new(thread, &out)
    }

    /// Finish the compression process.
    ///
    /// Returns the compressed data left in internal buffers.
    ///
    /// The compressor object may not be used after this method is called.
    fn flush(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let stream = this.stream.with(this, thread, |stream, _| stream.take());
        let mut stream = stream.ok_or_else(|| value_error("Repeated call to flush()"))?;
        let out = whole(&mut Encoder(&mut stream, Action::Finish), &[])?;
        bytes::new(thread, &out)
    }
}

/// Create a decompressor object for decompressing data incrementally.
///
/// For one-shot decompression, use the decompress() function instead.
#[pyclass(name = "BZ2Decompressor", module = "_bz2", subclassable)]
#[derive(Trace)]
struct Bz2Decompressor {
    #[trace(unsafe_skip)]
    state: Guarded<Decompression<Decoder>>,
}

#[pymethods]
impl Bz2Decompressor {
    #[new]
    fn new(thread: &mut Thread, cls: &Obj<PyType>) -> PyResult {
        let state = Guarded::new(Decompression::new(Decoder(Decompress::new(false))));
        Ok(alloc(thread, cls, Bz2Decompressor { state })?.into_value())
    }

    /// Decompress *data*, returning uncompressed data as bytes.
    ///
    /// If *max_length* is nonnegative, returns at most *max_length* bytes of
    /// decompressed data. If this limit is reached and further output can be
    /// produced, *self.needs_input* will be set to ``False``. In this case, the next
    /// call to *decompress()* may provide *data* as b'' to obtain more of the output.
    ///
    /// If all of the input data was decompressed and returned (either because this
    /// was less than *max_length* bytes, or because *max_length* was negative),
    /// *self.needs_input* will be set to True.
    ///
    /// Attempting to decompress data after the end of stream is reached raises an
    /// EOFError.  Any data found after the end of the stream is ignored and saved in
    /// the unused_data attribute.
    #[signature(data, max_length=-1)]
    fn decompress(thread: &mut Thread, this: &Obj<Self>, data: ArgBytes<'_>, max_length: isize) -> PyResult {
        let out = this.state.with(this, thread, |state, _| state.decompress(&data, max_length))?;
        bytes::new(thread, &out)
    }

    /// True if the end-of-stream marker has been reached.
    #[getter]
    fn eof(thread: &mut Thread, this: &Obj<Self>) -> bool {
        this.state.with(this, thread, |state, _| state.eof)
    }

    /// True if more input is needed before more decompressed data can be produced.
    #[getter]
    fn needs_input(thread: &mut Thread, this: &Obj<Self>) -> bool {
        this.state.with(this, thread, |state, _| state.needs_input)
    }

    /// Data found after the end of the compressed stream.
    #[getter]
    fn unused_data(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let unused = this.state.with(this, thread, |state, _| state.unused.clone());
        bytes::new(thread, &unused)
    }
}

/// Compression with bzip2; see the module bz2.
#[pymodule(name = "_bz2", classes(Bz2Compressor, Bz2Decompressor))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    let _ = (thread, module);
    Ok(())
}
