//! `_lzma`: compression with LZMA, in the containers of xz and of the older `lzma`, or bare.
//!
//! Streams lie under their objects' locks: compressing calls no Python code.

mod filters;

use crate::compression::{Codec, Decompression, Step, whole};
use filters::{Filter, LZMA1};
use liblzma::stream::{Action, Check, Error, LzmaOptions, PRESET_DEFAULT, Status, Stream};
use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use orochi_objects::buffer::ArgBytes;
use orochi_objects::error::{PyErr, memory_error, value_error};
use orochi_objects::{Guarded, ModuleExt, Obj, PyModule, PyResult, PyType, Ref, Thread, alloc, bytes, int};

crate::exception!(FAILURE: "LZMAError" in "_lzma", Exception, "Call to liblzma failed.");

const AUTO: i32 = 0;
const XZ: i32 = 1;
const ALONE: i32 = 2;
const RAW: i32 = 3;
/// `check` of a stream whose header hasn't been read.
const UNKNOWN_CHECK: u8 = 16;
/// How a container of xz begins; its check is told two bytes behind.
const MAGIC: [u8; 6] = [0xFD, b'7', b'z', b'X', b'Z', 0];

#[cold]
fn failure(error: &Error) -> PyErr {
    let text = match error {
        Error::Mem => return memory_error(),
        Error::UnsupportedCheck | Error::NoCheck => "Unsupported integrity check",
        Error::MemLimit => "Memory usage limit exceeded",
        Error::Format => "Input format not supported by decoder",
        Error::Options => "Invalid or unsupported options",
        Error::Data => "Corrupt input data",
        Error::Program => "Internal error",
    };
    PyErr::with_message(&FAILURE, text)
}

fn step(stream: &mut Stream, input: &[u8], output: &mut [u8], action: Action) -> PyResult<Step> {
    let (read, written) = (stream.total_in(), stream.total_out());
    let status = stream.process(input, output, action).map_err(|error| failure(&error))?;
    Ok(Step {
        read: (stream.total_in() - read) as usize,
        written: (stream.total_out() - written) as usize,
        ended: status == Status::StreamEnd,
    })
}

/// A stream that compresses, and what it is told to do.
struct Encoder<'a>(&'a mut Stream, Action);

impl Codec for Encoder<'_> {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> PyResult<Step> {
        step(self.0, input, output, self.1)
    }
}

/// A stream that decompresses.
struct Decoder {
    stream: Stream,
    /// The first bytes of a container that may be of xz, until its check is known.
    header: Vec<u8>,
    check: u8,
}

impl Decoder {
    fn watch_header(&mut self, input: &[u8]) {
        if self.check != UNKNOWN_CHECK {
            return;
        }
        let wanted = (MAGIC.len() + 2).saturating_sub(self.header.len());
        self.header.extend_from_slice(input.get(..wanted).unwrap_or(input));
        if self.header.iter().zip(&MAGIC).any(|(one, other)| one != other) {
            self.check = 0;
        } else if let Some(flags) = self.header.get(MAGIC.len() + 1) {
            self.check = flags & 15;
        }
    }
}

impl Codec for Decoder {
    const AT_END: &'static str = "Already at end of stream";

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> PyResult<Step> {
        let step = step(&mut self.stream, input, output, Action::Run)?;
        self.watch_header(input.get(..step.read).unwrap_or_default());
        Ok(step)
    }
}

fn check_of(number: i32) -> PyResult<Check> {
    match number {
        -1 | 4 => Ok(Check::Crc64),
        0 => Ok(Check::None),
        1 => Ok(Check::Crc32),
        10 => Ok(Check::Sha256),
        2..=15 => Err(failure(&Error::UnsupportedCheck)),
        _ => Err(failure(&Error::Program)),
    }
}

fn new_encoder(format: i32, check: i32, preset: u32, chain: Option<&[Filter]>) -> PyResult<Stream> {
    let made = match (format, chain) {
        (XZ, None) => Stream::new_easy_encoder(preset, check_of(check)?),
        (XZ, Some(chain)) => {
            let check = check_of(check)?;
            filters::filters(chain).and_then(|filters| Stream::new_stream_encoder(&filters, check))
        }
        (ALONE, None) => {
            LzmaOptions::new_preset(preset).and_then(|options| Stream::new_lzma_encoder(&options))
        }
        (ALONE, Some([Filter::Lzma(LZMA1, lzma)])) => Stream::new_lzma_encoder(&lzma.options),
        (ALONE, Some(_)) => {
            let text = "Invalid filter chain for FORMAT_ALONE - must be a single LZMA1 filter";
            return Err(value_error(text));
        }
        (RAW, Some(chain)) => filters::filters(chain).and_then(|filters| Stream::new_raw_encoder(&filters)),
        (RAW, None) => return Err(value_error("Must specify filters for FORMAT_RAW")),
        _ => return Err(value_error(format!("Invalid container format: {format}"))),
    };
    made.map_err(|error| failure(&error))
}

fn new_decoder(format: i32, memlimit: u64, chain: Option<&[Filter]>) -> PyResult<Decoder> {
    let (made, check) = match (format, chain) {
        (AUTO, _) => (Stream::new_auto_decoder(memlimit, 0), UNKNOWN_CHECK),
        (XZ, _) => (Stream::new_stream_decoder(memlimit, 0), UNKNOWN_CHECK),
        (ALONE, _) => (Stream::new_lzma_decoder(memlimit), 0),
        (RAW, Some(chain)) => {
            (filters::filters(chain).and_then(|filters| Stream::new_raw_decoder(&filters)), 0)
        }
        _ => return Err(value_error(format!("Invalid container format: {format}"))),
    };
    let stream = made.map_err(|error| failure(&error))?;
    Ok(Decoder { stream, header: Vec::new(), check })
}

fn given<'a>(argument: Option<Ref<'a>>) -> Option<Ref<'a>> {
    argument.filter(|argument| !argument.is_none())
}

/// Create a compressor object for compressing data incrementally.
///
/// format specifies the container format to use for the output. This can
/// be FORMAT_XZ (default), FORMAT_ALONE, or FORMAT_RAW.
///
/// check specifies the integrity check to use. For FORMAT_XZ, the default
/// is CHECK_CRC64. FORMAT_ALONE and FORMAT_RAW do not support integrity
/// checks; for these formats, check must be omitted, or be CHECK_NONE.
///
/// The settings used by the compressor can be specified either as a
/// preset compression level (with the 'preset' argument), or in detail
/// as a custom filter chain (with the 'filters' argument).
#[pyclass(name = "LZMACompressor", module = "_lzma", subclassable)]
#[derive(Trace)]
struct LzmaCompressor {
    /// `None` when it has been flushed.
    #[trace(unsafe_skip)]
    stream: Guarded<Option<Stream>>,
}

#[pymethods]
impl LzmaCompressor {
    #[new]
    #[no_text_signature]
    #[signature(format=1 as "FORMAT_XZ", check=-1, preset=None, filters=None)]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        format: i32,
        check: i32,
        preset: Option<Ref<'_>>,
        filters: Option<Ref<'_>>,
    ) -> PyResult {
        let (preset, filters) = (given(preset), given(filters));
        if preset.is_some() && filters.is_some() {
            return Err(value_error("Cannot specify both preset and filter chain"));
        }
        let preset = match preset {
            Some(preset) => filters::unsigned(thread, preset)?,
            None => PRESET_DEFAULT,
        };
        if format != XZ && check != -1 && check != 0 {
            return Err(value_error("Integrity checks are only supported by FORMAT_XZ"));
        }
        let chain = match filters {
            Some(filters) => Some(filters::chain(thread, filters)?),
            None => None,
        };
        let stream = new_encoder(format, check, preset, chain.as_deref())?;
        Ok(alloc(thread, cls, LzmaCompressor { stream: Guarded::new(Some(stream)) })?.into_value())
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
///   format
///     Specifies the container format of the input stream.  If this is
///     FORMAT_AUTO (the default), the decompressor will automatically detect
///     whether the input is FORMAT_XZ or FORMAT_ALONE.  Streams created with
///     FORMAT_RAW cannot be autodetected.
///   memlimit
///     Limit the amount of memory used by the decompressor.  This will cause
///     decompression to fail if the input cannot be decompressed within this
///     limit.
///   filters
///     A custom filter chain.  This argument is required for FORMAT_RAW, and
///     not accepted with any other format.
#[pyclass(name = "LZMADecompressor", module = "_lzma", subclassable)]
#[derive(Trace)]
struct LzmaDecompressor {
    #[trace(unsafe_skip)]
    state: Guarded<Decompression<Decoder>>,
}

#[pymethods]
impl LzmaDecompressor {
    #[new]
    #[signature(format=0 as "FORMAT_AUTO", memlimit=None, filters=None)]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        format: i32,
        memlimit: Option<Ref<'_>>,
        filters: Option<Ref<'_>>,
    ) -> PyResult {
        let (memlimit, filters) = (given(memlimit), given(filters));
        if format == RAW && memlimit.is_some() {
            return Err(value_error("Cannot specify memory limit with FORMAT_RAW"));
        }
        if format == RAW && filters.is_none() {
            return Err(value_error("Must specify filters for FORMAT_RAW"));
        }
        if format != RAW && filters.is_some() {
            return Err(value_error("Cannot specify filters except with FORMAT_RAW"));
        }
        let memlimit = match memlimit {
            Some(memlimit) => u64::try_from(int::index_clamped(thread, memlimit)?)
                .map_err(|_| value_error("Cannot convert negative int"))?,
            None => u64::MAX,
        };
        let chain = match filters {
            Some(filters) => Some(filters::chain(thread, filters)?),
            None => None,
        };
        let decoder = new_decoder(format, memlimit, chain.as_deref())?;
        let state = Guarded::new(Decompression::new(decoder));
        Ok(alloc(thread, cls, LzmaDecompressor { state })?.into_value())
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

    /// ID of the integrity check used by the input stream.
    #[getter]
    fn check(thread: &mut Thread, this: &Obj<Self>) -> u8 {
        this.state.with(this, thread, |state, _| state.codec().check)
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

/// Test whether the given integrity check is supported.
///
/// Always returns True for CHECK_NONE and CHECK_CRC32.
#[pyfunction]
#[signature(check_id, /)]
fn is_check_supported(check_id: i32) -> bool {
    check_id >= 0 && check_of(check_id).is_ok_and(|check| check.is_supported())
}

/// Return a bytes object encoding the options (properties) of the filter specified by *filter* (a dict).
///
/// The result does not include the filter ID itself, only the options.
#[pyfunction]
#[signature(filter, /)]
fn _encode_filter_properties(thread: &mut Thread, filter: Ref<'_>) -> PyResult {
    filters::encoded(thread, filter)
}

/// Return a dict describing a filter with ID *filter_id*, and options (properties) encoded in *encoded_props*.
#[pyfunction]
#[signature(filter_id, encoded_props, /)]
fn _decode_filter_properties(thread: &mut Thread, filter_id: u64, encoded_props: ArgBytes<'_>) -> PyResult {
    filters::decode(thread, filter_id, &encoded_props)
}

/// Compression with LZMA; see the module lzma.
#[pymodule(
    name = "_lzma",
    functions(is_check_supported, _encode_filter_properties, _decode_filter_properties),
    classes(LzmaCompressor, LzmaDecompressor)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for (name, number) in [
        ("FORMAT_AUTO", AUTO),
        ("FORMAT_XZ", XZ),
        ("FORMAT_ALONE", ALONE),
        ("FORMAT_RAW", RAW),
        ("CHECK_NONE", 0),
        ("CHECK_CRC32", 1),
        ("CHECK_CRC64", 4),
        ("CHECK_SHA256", 10),
        ("CHECK_ID_MAX", 15),
        ("CHECK_UNKNOWN", i32::from(UNKNOWN_CHECK)),
        ("MF_HC3", 3),
        ("MF_HC4", 4),
        ("MF_BT2", 18),
        ("MF_BT3", 19),
        ("MF_BT4", 20),
        ("MODE_FAST", 1),
        ("MODE_NORMAL", 2),
    ] {
        module.add(thread, name, number)?;
    }
    for (name, number) in filters::MACHINES {
        module.add(thread, name, number)?;
    }
    module.add(thread, "FILTER_LZMA1", LZMA1)?;
    module.add(thread, "FILTER_LZMA2", filters::LZMA2)?;
    module.add(thread, "FILTER_DELTA", filters::DELTA)?;
    module.add(thread, "PRESET_DEFAULT", PRESET_DEFAULT)?;
    module.add(thread, "PRESET_EXTREME", liblzma::stream::PRESET_EXTREME)?;
    module.add(thread, "LZMAError", FAILURE.get().to_value())
}
