//! `zlib`: deflate, in the containers of zlib and gzip or bare; and checksums.
//!
//! Streams lie under their objects' locks: compressing calls no Python code. Output grows in a vector; how much is left to
//! read is what a stream says of its totals.

use crate::binascii::{checksum, masked};
use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use orochi_objects::buffer::{ArgBytes, bytes_of};
use orochi_objects::error::{eof_error, not_implemented_error, value_error};
use orochi_objects::types::bytes;
use orochi_objects::{
    Field, Guarded, ModuleExt, Obj, PyErr, PyModule, PyResult, PyType, Ref, Thread, alloc, make,
};
use zlib_rs::{
    Deflate, DeflateConfig, DeflateFlush, Inflate, InflateError, InflateFlush, Method, Status, Strategy,
};

crate::exception!(ERROR: "error" in "zlib", Exception, "");

const CHUNK: usize = 16 * 1024;

fn error(message: String) -> PyErr {
    PyErr::with_message(&ERROR, message)
}

fn stream_error(code: i32, what: &str, detail: Option<&str>) -> PyErr {
    let detail = detail.unwrap_or(match code {
        2 => "need dictionary",
        -2 => "inconsistent stream state",
        -3 => "invalid input data",
        -4 => "insufficient memory",
        _ => "incomplete or truncated stream",
    });
    error(format!("Error {code} while {what}: {detail}"))
}

/// A compressor for these settings; `None` if they make no sense.
fn new_deflate(level: i64, wbits: i64, mem_level: i64, strategy: i64) -> Option<Deflate> {
    let strategy = match strategy {
        0 => Strategy::Default,
        1 => Strategy::Filtered,
        2 => Strategy::HuffmanOnly,
        3 => Strategy::Rle,
        4 => Strategy::Fixed,
        _ => return None,
    };
    let sound = (-1..=9).contains(&level)
        && (1..=9).contains(&mem_level)
        && matches!(wbits, 8..=15 | -15..=-9 | 25..=31);
    sound.then(|| {
        Deflate::new_with_config(DeflateConfig {
            level: level as i32,
            method: Method::Deflated,
            // zlib takes 9 for 8.
            window_bits: if wbits == 8 { 9 } else { wbits as i32 },
            mem_level: mem_level as i32,
            strategy,
        })
    })
}

fn new_inflate(wbits: i64) -> Option<Inflate> {
    match wbits {
        0 | 8..=15 | 24..=31 | 32 | 40..=47 => Some(Inflate::new(true, wbits as u8)),
        -15..=-8 => Some(Inflate::new(false, wbits.unsigned_abs() as u8)),
        _ => None,
    }
}

/// Compresses all of `input`.
fn deflate(
    stream: &mut Deflate,
    mut input: &[u8],
    flush: DeflateFlush,
    out: &mut Vec<u8>,
) -> Result<(), i32> {
    loop {
        let mut chunk = [0_u8; CHUNK];
        let (read, written) = (stream.total_in(), stream.total_out());
        let status = stream.compress(input, &mut chunk, flush).map_err(|error| error as i32)?;
        let made = (stream.total_out() - written) as usize;
        out.extend_from_slice(chunk.get(..made).unwrap_or_default());
        input = input.get((stream.total_in() - read) as usize..).unwrap_or_default();
        let done = match status {
            Status::StreamEnd => true,
            Status::BufError => made < CHUNK && input.is_empty(),
            Status::Ok => made < CHUNK && input.is_empty() && flush != DeflateFlush::Finish,
        };
        if done {
            return Ok(());
        }
    }
}

/// What a decompressor came to.
struct Inflated {
    consumed: usize,
    ended: bool,
}

/// Decompresses until the input is used up, the stream ends, or `out` holds `limit` bytes.
fn inflate(
    stream: &mut Inflate,
    input: &[u8],
    zdict: Option<&[u8]>,
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<Inflated, PyErr> {
    let what = "decompressing data";
    let mut consumed = 0;
    loop {
        let mut chunk = [0_u8; CHUNK];
        let room = CHUNK.min(limit.saturating_sub(out.len()));
        let rest = input.get(consumed..).unwrap_or_default();
        let (read, written) = (stream.total_in(), stream.total_out());
        let status =
            stream.decompress(rest, chunk.get_mut(..room).unwrap_or_default(), InflateFlush::SyncFlush);
        let made = (stream.total_out() - written) as usize;
        consumed += (stream.total_in() - read) as usize;
        out.extend_from_slice(chunk.get(..made).unwrap_or_default());
        match status {
            Ok(Status::StreamEnd) => return Ok(Inflated { consumed, ended: true }),
            Ok(_) if made < room || out.len() >= limit => return Ok(Inflated { consumed, ended: false }),
            Ok(_) => {}
            Err(InflateError::NeedDict { .. }) => match zdict {
                Some(zdict) => {
                    if stream.set_dictionary(zdict).is_err() {
                        return Err(stream_error(-3, "setting zdict", None));
                    }
                }
                None => return Err(stream_error(2, what, None)),
            },
            Err(InflateError::DataError) => return Err(stream_error(-3, what, stream.error_message())),
            Err(InflateError::StreamError) => return Err(stream_error(-2, what, None)),
            Err(InflateError::MemError) => return Err(orochi_objects::error::memory_error()),
        }
    }
}

/// Returns a bytes object containing compressed data.
///
///   data
///     Binary data to be compressed.
///   level
///     Compression level, in 0-9 or -1.
///   wbits
///     The window buffer size and container format.
#[pyfunction]
#[signature(data, /, level=-1 as "Z_DEFAULT_COMPRESSION", wbits=15 as "MAX_WBITS")]
fn compress(thread: &mut Thread, data: ArgBytes<'_>, level: i64, wbits: i64) -> PyResult {
    let stream = new_deflate(level, wbits, 8, 0);
    let mut stream = stream.ok_or_else(|| error("Bad compression level".to_owned()))?;
    let mut out = Vec::new();
    // A bytes object is borrowed from the caller, everything else copied: nothing of the heap is touched meanwhile.
    let result = deflate(&mut stream, &data, DeflateFlush::Finish, &mut out);
    result.map_err(|code| stream_error(code, "compressing data", stream.error_message()))?;
    bytes::new(thread, &out)
}

/// Returns a bytes object containing the uncompressed data.
///
///   data
///     Compressed data.
///   wbits
///     The window buffer size and container format.
///   bufsize
///     The initial output buffer size.
#[pyfunction]
#[signature(data, /, wbits=15 as "MAX_WBITS", bufsize=16384 as "DEF_BUF_SIZE")]
fn decompress(thread: &mut Thread, data: ArgBytes<'_>, wbits: i64, bufsize: isize) -> PyResult {
    if bufsize < 0 {
        return Err(value_error("bufsize must be non-negative"));
    }
    let Some(mut stream) = new_inflate(wbits) else {
        return Err(stream_error(-2, "preparing to decompress data", Some("inconsistent stream state")));
    };
    let mut out = Vec::new();
    let result = inflate(&mut stream, &data, None, usize::MAX, &mut out)?;
    if !result.ended {
        return Err(stream_error(-5, "decompressing data", None));
    }
    bytes::new(thread, &out)
}

/// A compressor.
#[pyclass(name = "Compress", module = "zlib", no_new)]
#[derive(Trace)]
struct Compress {
    /// `None` when the stream has been finished.
    #[trace(unsafe_skip)]
    stream: Guarded<Option<Deflate>>,
}

/// Return a compressor object.
///
///   level
///     The compression level (an integer in the range 0-9 or -1; default is
///     currently equivalent to 6).  Higher compression levels are slower,
///     but produce smaller results.
#[pyfunction]
#[signature(
    level=-1 as "Z_DEFAULT_COMPRESSION", method=8 as "DEFLATED", wbits=15 as "MAX_WBITS", memLevel=8 as "DEF_MEM_LEVEL",
    strategy=0 as "Z_DEFAULT_STRATEGY", zdict=<missing>
)]
#[allow(non_snake_case, reason = "the parameter's name in Python")]
fn compressobj(
    thread: &mut Thread,
    level: i64,
    method: i64,
    wbits: i64,
    memLevel: i64,
    strategy: i64,
    zdict: Option<Ref>,
) -> PyResult {
    let zdict = match zdict {
        Some(zdict) => Some(bytes_of(thread, zdict)?),
        None => None,
    };
    let stream = if method == 8 { new_deflate(level, wbits, memLevel, strategy) } else { None };
    let mut stream = stream.ok_or_else(|| value_error("Invalid initialization option"))?;
    if let Some(zdict) = zdict
        && stream.set_dictionary(&zdict).is_err()
    {
        return Err(value_error("Invalid dictionary"));
    }
    Ok(make(thread, Compress { stream: Guarded::new(Some(stream)) })?.into_value())
}

fn copying() -> PyErr {
    not_implemented_error("copying of zlib streams")
}

#[pymethods]
impl Compress {
    /// Returns a bytes object containing compressed data.
    ///
    ///   data
    ///     Binary data to be compressed.
    ///
    /// After calling this function, some of the input data may still
    /// be stored in internal buffers for later processing.
    /// Call the flush() method to clear these buffers.
    #[signature(data, /)]
    fn compress(thread: &mut Thread, this: &Obj<Self>, data: ArgBytes<'_>) -> PyResult {
        let result = this.stream.with(this, thread, |stream, _| {
            let mut out = Vec::new();
            let stream = stream.as_mut().ok_or(-2)?;
            deflate(stream, &data, DeflateFlush::NoFlush, &mut out).map(|()| out)
        });
        bytes::new(thread, &result.map_err(|code| stream_error(code, "compressing data", None))?)
    }

    /// Return a bytes object containing any remaining compressed data.
    ///
    ///   mode
    ///     One of the constants Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_FINISH.
    ///     If mode == Z_FINISH, the compressor object can no longer be
    ///     used after calling the flush() method.  Otherwise, more data
    ///     can still be compressed.
    #[signature(mode=4 as "zlib.Z_FINISH", /)]
    fn flush(thread: &mut Thread, this: &Obj<Self>, mode: i32) -> PyResult {
        if mode == 0 {
            return bytes::new(thread, b"");
        }
        let (result, ended) = this.stream.with(this, thread, |state, _| {
            let mut out = Vec::new();
            let (Some(stream), Ok(flush)) = (state.as_mut(), DeflateFlush::try_from(mode)) else {
                return (Err(-2), None);
            };
            let result = deflate(stream, &[], flush, &mut out).map(|()| out);
            let ended = if result.is_ok() && flush == DeflateFlush::Finish { state.take() } else { None };
            (result, ended)
        });
        drop(ended);
        bytes::new(thread, &result.map_err(|code| stream_error(code, "flushing", None))?)
    }

    /// Return a copy of the compression object.
    fn copy(this: &Obj<Self>) -> PyResult {
        let _ = this;
        Err(copying())
    }

    fn __copy__(this: &Obj<Self>) -> PyResult {
        let _ = this;
        Err(copying())
    }

    fn __deepcopy__(this: &Obj<Self>, memo: Ref) -> PyResult {
        let _ = (this, memo);
        Err(copying())
    }
}

struct Reader {
    stream: Option<Inflate>,
    eof: bool,
    unused: Vec<u8>,
    /// Input that is still to be read.
    pending: Vec<u8>,
    needs_input: bool,
}

impl Reader {
    fn new(wbits: i64) -> PyResult<Reader> {
        let stream = new_inflate(wbits).ok_or_else(|| value_error("Invalid initialization option"))?;
        Ok(Reader {
            stream: Some(stream),
            eof: false,
            unused: Vec::new(),
            pending: Vec::new(),
            needs_input: true,
        })
    }

    /// Decompresses input; what is left over goes to `unused` or `pending`.
    fn read(&mut self, input: &[u8], zdict: Option<&[u8]>, limit: usize) -> PyResult<Vec<u8>> {
        let mut out = Vec::new();
        let Some(stream) = self.stream.as_mut() else {
            return Err(stream_error(-2, "decompressing data", None));
        };
        if self.eof {
            self.unused.extend_from_slice(input);
            self.pending.clear();
            return Ok(out);
        }
        let result = inflate(stream, input, zdict, limit, &mut out)?;
        let rest = input.get(result.consumed..).unwrap_or_default().to_vec();
        if result.ended {
            self.eof = true;
            self.unused = rest;
            self.pending = Vec::new();
        } else {
            self.pending = rest;
        }
        Ok(out)
    }
}

/// A decompressor.
#[pyclass(name = "Decompress", module = "zlib", no_new)]
#[derive(Trace)]
struct Decompress {
    zdict: Field,
    #[trace(unsafe_skip)]
    reader: Guarded<Reader>,
}

fn dictionary(field: &Field) -> Option<&[u8]> {
    bytes::value(field.fixed()).filter(|zdict| !zdict.is_empty())
}

/// The dictionary of a decompressor as it is kept; a bare stream gets it at once.
fn prepared(thread: &mut Thread, wbits: i64, zdict: Option<Ref<'_>>) -> PyResult<(Field, Reader)> {
    let content = match zdict {
        Some(zdict) => bytes_of(thread, zdict)?.to_vec(),
        None => Vec::new(),
    };
    let mut reader = Reader::new(wbits)?;
    if wbits < 0
        && !content.is_empty()
        && let Some(stream) = reader.stream.as_mut()
        && stream.set_dictionary(&content).is_err()
    {
        return Err(stream_error(-3, "setting zdict", None));
    }
    Ok((Field::new_local(bytes::new(thread, &content)?), reader))
}

/// Return a decompressor object.
///
///   wbits
///     The window buffer size and container format.
///   zdict
///     The predefined compression dictionary.  This must be the same
///     dictionary as used by the compressor that produced the input data.
#[pyfunction]
#[signature(wbits=15 as "MAX_WBITS", zdict=<missing>)]
#[text_signature = "($module, /, wbits=MAX_WBITS, zdict=b'')"]
fn decompressobj(thread: &mut Thread, wbits: i64, zdict: Option<Ref>) -> PyResult {
    let (zdict, reader) = prepared(thread, wbits, zdict)?;
    Ok(make(thread, Decompress { zdict, reader: Guarded::new(reader) })?.into_value())
}

#[pymethods]
impl Decompress {
    /// Return a bytes object containing the decompressed version of the data.
    ///
    ///   data
    ///     The binary data to decompress.
    ///   max_length
    ///     The maximum allowable length of the decompressed data.
    ///     Unconsumed input data will be stored in
    ///     the unconsumed_tail attribute.
    ///
    /// After calling this function, some of the input data may still be stored in
    /// internal buffers for later processing.
    /// Call the flush() method to clear these buffers.
    #[signature(data, /, max_length=0)]
    fn decompress(thread: &mut Thread, this: &Obj<Self>, data: ArgBytes<'_>, max_length: isize) -> PyResult {
        let limit =
            usize::try_from(max_length).map_err(|_| value_error("max_length must be non-negative"))?;
        let limit = if limit == 0 { usize::MAX } else { limit };
        let zdict = dictionary(&this.zdict);
        let out = this.reader.with(this, thread, |reader, _| reader.read(&data, zdict, limit))?;
        bytes::new(thread, &out)
    }

    /// Return a bytes object containing any remaining decompressed data.
    ///
    ///   length
    ///     the initial size of the output buffer.
    #[signature(length=16384 as "zlib.DEF_BUF_SIZE", /)]
    fn flush(thread: &mut Thread, this: &Obj<Self>, length: isize) -> PyResult {
        if length <= 0 {
            return Err(value_error("length must be greater than zero"));
        }
        let zdict = dictionary(&this.zdict);
        let (out, ended) = this.reader.with(this, thread, |reader, _| {
            if reader.stream.is_none() {
                return (Ok(Vec::new()), None);
            }
            let pending = std::mem::take(&mut reader.pending);
            let out = if reader.eof { Ok(Vec::new()) } else { reader.read(&pending, zdict, usize::MAX) };
            (out, if reader.eof { reader.stream.take() } else { None })
        });
        drop(ended);
        bytes::new(thread, &out?)
    }

    /// Return a copy of the decompression object.
    fn copy(this: &Obj<Self>) -> PyResult {
        let _ = this;
        Err(copying())
    }

    fn __copy__(this: &Obj<Self>) -> PyResult {
        let _ = this;
        Err(copying())
    }

    fn __deepcopy__(this: &Obj<Self>, memo: Ref) -> PyResult {
        let _ = (this, memo);
        Err(copying())
    }

    #[getter]
    fn unused_data(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let unused = this.reader.with(this, thread, |reader, _| reader.unused.clone());
        bytes::new(thread, &unused)
    }

    #[getter]
    fn unconsumed_tail(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let pending = this.reader.with(this, thread, |reader, _| reader.pending.clone());
        bytes::new(thread, &pending)
    }

    #[getter]
    fn eof(thread: &mut Thread, this: &Obj<Self>) -> bool {
        this.reader.with(this, thread, |reader, _| reader.eof)
    }
}

/// Create a decompressor object for decompressing data incrementally.
#[pyclass(name = "_ZlibDecompressor", module = "zlib")]
#[derive(Trace)]
struct ZlibDecompressor {
    zdict: Field,
    #[trace(unsafe_skip)]
    reader: Guarded<Reader>,
}

#[pymethods]
impl ZlibDecompressor {
    #[new]
    #[signature(wbits=15, zdict=<missing>)]
    #[text_signature = "(wbits=15, zdict=b'')"]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, wbits: i64, zdict: Option<Ref>) -> PyResult {
        let (zdict, reader) = prepared(thread, wbits, zdict)?;
        Ok(alloc(thread, cls, ZlibDecompressor { zdict, reader: Guarded::new(reader) })?.into_value())
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
        let limit = usize::try_from(max_length).unwrap_or(usize::MAX);
        let zdict = dictionary(&this.zdict);
        let out = this.reader.with(this, thread, |reader, _| {
            if reader.eof {
                return Err(eof_error("End of stream already reached"));
            }
            let mut input = std::mem::take(&mut reader.pending);
            let out = if input.is_empty() {
                reader.read(&data, zdict, limit)
            } else {
                input.extend_from_slice(&data);
                reader.read(&input, zdict, limit)
            }?;
            reader.needs_input = !reader.eof && reader.pending.is_empty() && out.len() < limit;
            Ok(out)
        })?;
        bytes::new(thread, &out)
    }

    /// True if the end-of-stream marker has been reached.
    #[getter]
    fn eof(thread: &mut Thread, this: &Obj<Self>) -> bool {
        this.reader.with(this, thread, |reader, _| reader.eof)
    }

    /// True if more input is needed before more decompressed data can be produced.
    #[getter]
    fn needs_input(thread: &mut Thread, this: &Obj<Self>) -> bool {
        this.reader.with(this, thread, |reader, _| reader.needs_input)
    }

    /// Data found after the end of the compressed stream.
    #[getter]
    fn unused_data(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let unused = this.reader.with(this, thread, |reader, _| reader.unused.clone());
        bytes::new(thread, &unused)
    }
}

/// Compute an Adler-32 checksum of data.
///
///   value
///     Starting value of the checksum.
///
/// The returned checksum is an integer.
#[pyfunction]
#[signature(data, value=1, /)]
fn adler32(thread: &mut Thread, data: ArgBytes<'_>, value: Option<Ref>) -> PyResult<u32> {
    let start = if value.is_some() { masked(thread, value)? } else { 1 };
    Ok(zlib_rs::adler32::adler32(start, &data))
}

/// Compute a CRC-32 checksum of data.
///
///   value
///     Starting value of the checksum.
///
/// The returned checksum is an integer.
#[pyfunction]
#[signature(data, value=0, /)]
fn crc32(thread: &mut Thread, data: ArgBytes<'_>, value: Option<Ref>) -> PyResult<u32> {
    let start = masked(thread, value)?;
    Ok(checksum(&data, start))
}

/// The functions in this module allow compression and decompression using the
/// zlib library, which is based on GNU zip.
#[pymodule(
    name = "zlib",
    functions(compress, decompress, compressobj, decompressobj, adler32, crc32),
    classes(ZlibDecompressor)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "error", ERROR.get().to_value())?;
    for (name, value) in [
        ("MAX_WBITS", 15),
        ("DEFLATED", 8),
        ("DEF_MEM_LEVEL", 8),
        ("DEF_BUF_SIZE", 16384),
        ("Z_NO_COMPRESSION", 0),
        ("Z_BEST_SPEED", 1),
        ("Z_BEST_COMPRESSION", 9),
        ("Z_DEFAULT_COMPRESSION", -1),
        ("Z_DEFAULT_STRATEGY", 0),
        ("Z_FILTERED", 1),
        ("Z_HUFFMAN_ONLY", 2),
        ("Z_RLE", 3),
        ("Z_FIXED", 4),
        ("Z_NO_FLUSH", 0),
        ("Z_PARTIAL_FLUSH", 1),
        ("Z_SYNC_FLUSH", 2),
        ("Z_FULL_FLUSH", 3),
        ("Z_FINISH", 4),
        ("Z_BLOCK", 5),
        ("Z_TREES", 6),
    ] {
        module.add(thread, name, value)?;
    }
    module.add(thread, "ZLIB_VERSION", "1.3.1")?;
    module.add(thread, "ZLIB_RUNTIME_VERSION", "1.3.1")
}
