//! `TextIOWrapper`: text over a binary stream.
//!
//! UTF-8, ASCII and Latin-1 are decoded and encoded here; other encodings go through their incremental codecs. What was
//! decoded and not yet read lies in the object as WTF-8, beside the bytes it came from, so that `tell` can find out how
//! many of them were used. Operations hold the stream's lock, which lets a thread in again that holds it already; state
//! is reached under the object's leaf lock only, with no call in between.

use super::base::{TextIoBase, closed_error, is_closed};
use super::lock::{Held, IoLock};
use super::newline::{Newline, Universal, text_value};
use super::{size_argument, unsupported};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{PyErr, os_error_message, type_error, value_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::{bytes, exception};
use orochi_objects::{
    ArgSlice, AtomicField, Guarded, IntoPy, KwArgs, Obj, PyResult, PyType, Ref, Thread, Value, alloc,
    class_of, int, protocol, str, tuple,
};

const CHUNK: usize = 8192;

/// Encodings that are handled here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Codec {
    Utf8,
    Ascii,
    Latin1,
    /// The registry's incremental codecs.
    Other,
}

impl Codec {
    fn of(encoding: &str) -> Codec {
        let name: String = encoding.to_ascii_lowercase().replace(['_', ' '], "-");
        match name.as_str() {
            "utf-8" | "utf8" | "u8" | "utf" => Codec::Utf8,
            "ascii" | "us-ascii" | "646" => Codec::Ascii,
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "8859" | "l1" => Codec::Latin1,
            _ => Codec::Other,
        }
    }
}

/// Character and line based layer over a BufferedIOBase object, buffer.
///
/// encoding gives the name of the encoding that the stream will be
/// decoded or encoded with. It defaults to locale.getencoding().
///
/// errors determines the strictness of encoding and decoding (see
/// help(codecs.Codec) or the documentation for codecs.register) and
/// defaults to "strict".
///
/// newline controls how line endings are handled. It can be None, '',
/// '\n', '\r', and '\r\n'.  It works as follows:
///
/// * On input, if newline is None, universal newlines mode is
///   enabled. Lines in the input can end in '\n', '\r', or '\r\n', and
///   these are translated into '\n' before being returned to the
///   caller. If it is '', universal newline mode is enabled, but line
///   endings are returned to the caller untranslated. If it has any of
///   the other legal values, input lines are only terminated by the given
///   string, and the line ending is returned to the caller untranslated.
///
/// * On output, if newline is None, any '\n' characters written are
///   translated to the system default line separator, os.linesep. If
///   newline is '' or '\n', no translation takes place. If newline is any
///   of the other legal values, any '\n' characters written are translated
///   to the given string.
///
/// If line_buffering is True, a call to flush is implied when a call to
/// write contains a newline character.
#[pyclass(name = "TextIOWrapper", module = "_io", base = TextIoBase, subclassable, dict, weakref)]
#[derive(Trace)]
pub(super) struct TextIoWrapper {
    buffer: AtomicField,
    /// Of encodings that aren't handled here.
    decoder: AtomicField,
    encoder: AtomicField,
    /// The decoder's state before the last chunk.
    before: AtomicField,
    lock: IoLock,
    state: Guarded<State>,
}

#[derive(Trace)]
struct State {
    detached: bool,
    finalizing: bool,
    encoding: String,
    errors: String,
    #[trace(unsafe_skip)]
    codec: Codec,
    #[trace(unsafe_skip)]
    newline: Newline,
    line_buffering: bool,
    write_through: bool,
    seekable: bool,
    telling: bool,
    has_read1: bool,
    chunk_size: usize,
    /// Text to write, encoded.
    waiting: Vec<u8>,
    /// The text that the last chunk decoded to, and how much of it was read (bytes).
    decoded: Vec<u8>,
    at: usize,
    /// The last chunk's bytes, with those left over before it; the translation's state before it.
    chunk: Vec<u8>,
    universal_before: Universal,
    /// Bytes at the end of the last chunk that aren't a whole character.
    left: Vec<u8>,
    universal: Universal,
}

impl State {
    fn new() -> State {
        State {
            detached: false,
            finalizing: false,
            encoding: String::new(),
            errors: String::new(),
            codec: Codec::Utf8,
            newline: Newline::Translate,
            line_buffering: false,
            write_through: false,
            seekable: false,
            telling: false,
            has_read1: false,
            chunk_size: CHUNK,
            waiting: Vec::new(),
            decoded: Vec::new(),
            at: 0,
            chunk: Vec::new(),
            universal_before: Universal::default(),
            left: Vec::new(),
            universal: Universal::default(),
        }
    }

    fn forget_read(&mut self) {
        self.decoded.clear();
        self.at = 0;
        self.chunk.clear();
        self.left.clear();
        self.universal.pending = false;
    }

    fn rest(&self) -> &[u8] {
        self.decoded.get(self.at..).unwrap_or_default()
    }
}

/// What a wrapper is made with.
pub(super) struct Options<'a> {
    /// None or "locale": the system's, which is UTF-8.
    pub(super) encoding: Option<&'a str>,
    /// None: strict.
    pub(super) errors: Option<&'a str>,
    /// See [`Newline`].
    pub(super) newline: Option<&'a str>,
    /// Flush at the end of lines.
    pub(super) line_buffering: bool,
    /// Never keep text back.
    pub(super) write_through: bool,
}

/// The end of the bytes that make whole characters: what follows may be completed later.
fn whole(bytes: &[u8]) -> usize {
    let len = bytes.len();
    for back in 1..=len.min(3) {
        let Some(tail) = bytes.get(len - back..) else { break };
        match tail.first() {
            Some(0x80..=0xBF) => {}
            Some(0xC2..=0xF4) => {
                let incomplete =
                    matches!(std::str::from_utf8(tail), Err(error) if error.error_len().is_none());
                return if incomplete { len - back } else { len };
            }
            _ => break,
        }
    }
    len
}

/// The number of bytes of a chunk that give the first `wanted` bytes of its text.
fn used(codec: Codec, universal: bool, keep: bool, mut pending: bool, chunk: &[u8], wanted: usize) -> usize {
    let (mut out, mut at) = (0, 0);
    while out < wanted {
        let Some(byte) = chunk.get(at) else { break };
        if pending {
            pending = false;
            if *byte == b'\n' {
                out += if keep { 2 } else { 1 };
                at += 1;
            } else {
                out += 1;
            }
            continue;
        }
        if universal && *byte == b'\r' {
            pending = true;
            at += 1;
            continue;
        }
        let (taken, given) = match (codec, byte) {
            (Codec::Latin1, 0x80..) => (1, 2),
            (Codec::Utf8, 0xC2..=0xDF) => (2, 2),
            (Codec::Utf8, 0xE0..=0xEF) => (3, 3),
            (Codec::Utf8, 0xF0..) => (4, 4),
            _ => (1, 1),
        };
        at += taken;
        out += given;
    }
    at.min(chunk.len())
}

impl TextIoWrapper {
    fn empty() -> TextIoWrapper {
        TextIoWrapper {
            buffer: AtomicField::empty(),
            decoder: AtomicField::empty(),
            encoder: AtomicField::empty(),
            before: AtomicField::empty(),
            lock: IoLock::new(),
            state: Guarded::new(State::new()),
        }
    }

    /// A wrapper over a stream.
    pub(super) fn over(thread: &mut Thread, buffer: Ref<'_>, options: &Options<'_>) -> PyResult {
        let made = orochi_objects::make(thread, TextIoWrapper::empty())?;
        Self::initialise(thread, &made, buffer, options)?;
        Ok(made.into_value())
    }

    fn with<R>(thread: &Thread, this: &Obj<Self>, f: impl FnOnce(&mut State) -> R) -> R {
        this.state.with(this, thread, |state, _| f(state))
    }

    fn enter<'a>(thread: &mut Thread, this: &'a Obj<Self>) -> PyResult<Held<'a>> {
        this.lock.enter(thread)
    }

    fn buffer(thread: &Thread, this: &Obj<Self>) -> PyResult<Value> {
        this.buffer.get(thread).ok_or_else(|| {
            let detached = Self::with(thread, this, |state| state.detached);
            value_error(if detached {
                "underlying buffer has been detached"
            } else {
                "I/O operation on uninitialized object"
            })
        })
    }

    /// The binary stream, if it is open.
    fn open_buffer(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Value> {
        let buffer = Self::buffer(thread, this)?;
        if is_closed(thread, buffer.get())? { Err(closed_error()) } else { Ok(buffer) }
    }

    fn initialise(
        thread: &mut Thread,
        this: &Obj<Self>,
        buffer: Ref<'_>,
        options: &Options<'_>,
    ) -> PyResult<()> {
        let Some(newline) = Newline::parse(options.newline) else {
            let newline = options.newline.unwrap_or_default();
            return Err(value_error(format!("illegal newline value: {newline}")));
        };
        let encoding = match options.encoding {
            None | Some("locale") => "UTF-8",
            Some(encoding) => encoding,
        };
        let codec = Codec::of(encoding);
        let errors = options.errors.unwrap_or("strict");
        let call = |thread: &mut Thread, name| -> PyResult<bool> {
            let result = protocol::call_method(thread, buffer, name, &[])?;
            protocol::is_true(thread, result.get())
        };
        let (readable, writable) = (call(thread, "readable")?, call(thread, "writable")?);
        Self::find_codecs(thread, this, codec, (encoding, errors), (readable, writable))?;
        let seekable = call(thread, "seekable")?;
        let has_read1 = protocol::find_attr(thread, buffer, str::intern(thread, "read1")?)?.is_some();
        Self::with(thread, this, |state| {
            let mut fresh = State::new();
            fresh.encoding = encoding.to_owned();
            fresh.errors = errors.to_owned();
            fresh.codec = codec;
            fresh.newline = newline;
            fresh.line_buffering = options.line_buffering;
            fresh.write_through = options.write_through;
            fresh.seekable = seekable;
            fresh.telling = seekable;
            fresh.has_read1 = has_read1;
            *state = fresh;
        });
        drop(this.buffer.swap(this, thread, Some(buffer.to_owned())));
        if seekable && writable && codec == Codec::Other {
            let position = protocol::call_method(thread, buffer, "tell", &[])?;
            if position.get().as_small_int() != Some(0) {
                Self::reset_encoder(thread, this, false)?;
            }
        }
        Ok(())
    }

    /// Makes the incremental codecs of an encoding that isn't handled here.
    fn find_codecs(
        thread: &mut Thread,
        this: &Obj<Self>,
        codec: Codec,
        (encoding, errors): (&str, &str),
        (readable, writable): (bool, bool),
    ) -> PyResult<()> {
        let (mut decoder, mut encoder) = (None, None);
        if codec == Codec::Other {
            let info = orochi_objects::codecs::registry::lookup(thread, encoding)?;
            if let Some(text) =
                protocol::find_attr(thread, info.get(), str::intern(thread, "_is_text_encoding")?)?
                && !protocol::is_true(thread, text.get())?
            {
                return Err(PyErr::with_message(
                    &exception::LookupError,
                    format!(
                        "'{encoding}' is not a text encoding; use codecs.open() to handle arbitrary codecs"
                    ),
                ));
            }
            let errors = str::new(thread, errors)?;
            if readable {
                decoder =
                    Some(protocol::call_method(thread, info.get(), "incrementaldecoder", &[errors.get()])?);
            }
            if writable {
                encoder =
                    Some(protocol::call_method(thread, info.get(), "incrementalencoder", &[errors.get()])?);
            }
        }
        drop(this.decoder.swap(this, thread, decoder));
        drop(this.encoder.swap(this, thread, encoder));
        Ok(())
    }

    fn reset_encoder(thread: &mut Thread, this: &Obj<Self>, start: bool) -> PyResult<()> {
        let Some(encoder) = this.encoder.get(thread) else { return Ok(()) };
        if start {
            protocol::call_method(thread, encoder.get(), "reset", &[])?;
        } else {
            let zero = int::new(thread, 0)?;
            protocol::call_method(thread, encoder.get(), "setstate", &[zero.get()])?;
        }
        Ok(())
    }

    /// The bytes of a text.
    fn encode(thread: &mut Thread, this: &Obj<Self>, text: &Obj<PyStr>) -> PyResult<Vec<u8>> {
        let (codec, newline) = Self::with(thread, this, |state| (state.codec, state.newline));
        let translated = match newline.translate_written(text.as_bytes()) {
            Some(translated) => Some(text_value(thread, translated)?),
            None => None,
        };
        let text = translated.as_ref().and_then(|text| text.get().downcast::<PyStr>()).unwrap_or(text);
        let direct = match codec {
            Codec::Utf8 => text.is_ascii() || text.to_str().is_some(),
            Codec::Ascii | Codec::Latin1 => text.is_ascii(),
            Codec::Other => false,
        };
        if direct {
            return Ok(text.as_bytes().to_vec());
        }
        let encoded = match this.encoder.get(thread) {
            Some(encoder) => protocol::call_method(thread, encoder.get(), "encode", &[text.get()])?,
            None if codec == Codec::Other => return Err(unsupported(thread, "not writable")),
            None => {
                let (encoding, errors) =
                    Self::with(thread, this, |state| (state.encoding.clone(), state.errors.clone()));
                orochi_objects::codecs::encode(thread, text, Some(&encoding), Some(&errors))?
            }
        };
        match bytes::value(encoded.get()) {
            Some(encoded) => Ok(encoded.to_vec()),
            None => {
                let name = class_of(encoded.get()).name();
                Err(type_error(format!("encoder should return a bytes object, not '{name}'")))
            }
        }
    }

    /// Hands what waits to the binary stream.
    fn write_out(thread: &mut Thread, this: &Obj<Self>, buffer: Ref<'_>) -> PyResult<()> {
        let waiting = Self::with(thread, this, |state| std::mem::take(&mut state.waiting));
        if waiting.is_empty() {
            return Ok(());
        }
        let object = bytes::new(thread, &waiting)?;
        protocol::call_method(thread, buffer, "write", &[object.get()]).map(drop)
    }

    fn do_write(thread: &mut Thread, this: &Obj<Self>, text: &Obj<PyStr>) -> PyResult<usize> {
        let buffer = Self::open_buffer(thread, this)?;
        let _held = Self::enter(thread, this)?;
        let encoded = Self::encode(thread, this, text)?;
        let (flush, full) = Self::with(thread, this, |state| {
            let line_end = state.line_buffering && memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_some();
            state.waiting.extend_from_slice(&encoded);
            (line_end, line_end || state.write_through || state.waiting.len() >= state.chunk_size)
        });
        if full {
            Self::write_out(thread, this, buffer.get())?;
        }
        if flush {
            protocol::call_method(thread, buffer.get(), "flush", &[])?;
        }
        Self::with(thread, this, |state| state.forget_read());
        if let Some(decoder) = this.decoder.get(thread) {
            protocol::call_method(thread, decoder.get(), "reset", &[])?;
        }
        Ok(text.len())
    }

    /// Decodes bytes that follow those before. `end`: nothing follows.
    fn decode(thread: &mut Thread, this: &Obj<Self>, input: Vec<u8>, end: bool) -> PyResult<Vec<u8>> {
        let codec = Self::with(thread, this, |state| state.codec);
        let mut text = match codec {
            Codec::Other => {
                let Some(decoder) = this.decoder.get(thread) else {
                    return Err(unsupported(thread, "not readable"));
                };
                let input = bytes::new(thread, &input)?;
                let end = Value::bool(end);
                let text = protocol::call_method(thread, decoder.get(), "decode", &[input.get(), end.get()])?;
                match text.get().downcast::<PyStr>() {
                    Some(text) => text.as_bytes().to_vec(),
                    None => {
                        let name = class_of(text.get()).name();
                        return Err(type_error(format!(
                            "decoder should return a string result, not '{name}'"
                        )));
                    }
                }
            }
            _ => Self::decode_here(thread, this, codec, input, end)?,
        };
        Self::with(thread, this, |state| {
            if state.newline.is_universal() {
                state.universal.feed(&mut text, state.newline == Newline::Translate, end);
            }
        });
        Ok(text)
    }

    fn decode_here(
        thread: &mut Thread,
        this: &Obj<Self>,
        codec: Codec,
        mut input: Vec<u8>,
        end: bool,
    ) -> PyResult<Vec<u8>> {
        if codec == Codec::Utf8 && !end {
            let tail = input.split_off(whole(&input));
            Self::with(thread, this, |state| state.left = tail);
        }
        let direct = input.is_ascii() || codec == Codec::Utf8 && std::str::from_utf8(&input).is_ok();
        if direct {
            return Ok(input);
        }
        let (encoding, errors) =
            Self::with(thread, this, |state| (state.encoding.clone(), state.errors.clone()));
        let text = orochi_objects::codecs::decode(thread, &input, Some(&encoding), Some(&errors))?;
        Ok(text.get().downcast::<PyStr>().map(|text| text.as_bytes().to_vec()).unwrap_or_default())
    }

    /// Reads and decodes the next chunk; false at the end. Nothing decoded is left before.
    fn read_chunk(thread: &mut Thread, this: &Obj<Self>, buffer: Ref<'_>, hint: usize) -> PyResult<bool> {
        let (read1, size, codec) =
            Self::with(thread, this, |state| (state.has_read1, state.chunk_size.max(hint), state.codec));
        if codec == Codec::Other && Self::with(thread, this, |state| state.telling) {
            let Some(decoder) = this.decoder.get(thread) else {
                return Err(unsupported(thread, "not readable"));
            };
            let before = protocol::call_method(thread, decoder.get(), "getstate", &[])?;
            drop(this.before.swap(this, thread, Some(before)));
        }
        let size = int::new(thread, size as i64)?;
        let method = if read1 { "read1" } else { "read" };
        let read = protocol::call_method(thread, buffer, method, &[size.get()])?;
        let Some(read) = orochi_objects::buffer::bytes_if_any(thread, read.get())? else {
            let name = class_of(read.get()).name();
            return Err(type_error(format!(
                "underlying {method}() should have returned a bytes-like object, not '{name}'"
            )));
        };
        let end = read.is_empty();
        let mut input = Self::with(thread, this, |state| std::mem::take(&mut state.left));
        input.extend_from_slice(&read);
        let before = Self::with(thread, this, |state| state.universal);
        let text = Self::decode(thread, this, input.clone(), end)?;
        let more = !end || !text.is_empty();
        Self::with(thread, this, |state| {
            state.chunk = input;
            state.universal_before = before;
            state.decoded = text;
            state.at = 0;
        });
        Ok(more)
    }

    fn prepare_read(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Value> {
        let buffer = Self::open_buffer(thread, this)?;
        Self::write_out(thread, this, buffer.get())?;
        Ok(buffer)
    }

    fn readable(thread: &mut Thread, buffer: Ref<'_>) -> PyResult<()> {
        let readable = protocol::call_method(thread, buffer, "readable", &[])?;
        if protocol::is_true(thread, readable.get())? {
            Ok(())
        } else {
            Err(unsupported(thread, "not readable"))
        }
    }

    fn read_all(thread: &mut Thread, this: &Obj<Self>, buffer: Ref<'_>) -> PyResult<Vec<u8>> {
        let read = protocol::call_method(thread, buffer, "read", &[])?;
        let mut input = Self::with(thread, this, |state| std::mem::take(&mut state.left));
        if !read.get().is_none() {
            input.extend_from_slice(&orochi_objects::buffer::bytes_of(thread, read.get())?);
        }
        let text = Self::decode(thread, this, input, true)?;
        Ok(Self::with(thread, this, |state| {
            let mut all = state.rest().to_vec();
            all.extend(text);
            state.forget_read();
            all
        }))
    }

    fn read_points(thread: &mut Thread, this: &Obj<Self>, buffer: Ref<'_>, size: usize) -> PyResult<Vec<u8>> {
        let mut all = Vec::new();
        let mut missing = size;
        while missing > 0 {
            missing -= Self::with(thread, this, |state| {
                let rest = state.rest();
                let mut starts = rest.iter().enumerate().filter(|(_, byte)| **byte & 0xC0 != 0x80);
                let end = starts.nth(missing).map_or(rest.len(), |(at, _)| at);
                let part = rest.get(..end).unwrap_or_default();
                let points = part.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
                all.extend_from_slice(part);
                state.at += end;
                points
            });
            if missing > 0 && !Self::read_chunk(thread, this, buffer, missing)? {
                break;
            }
        }
        Ok(all)
    }

    fn take_line(thread: &mut Thread, this: &Obj<Self>, limit: Option<usize>) -> PyResult<Vec<u8>> {
        let _held = Self::enter(thread, this)?;
        let buffer = Self::prepare_read(thread, this)?;
        let mut line: Vec<u8> = Vec::new();
        let mut room = limit;
        loop {
            let done = Self::with(thread, this, |state| {
                let rest = state.rest();
                let mut end = if state.newline == Newline::CrLf
                    && line.last() == Some(&b'\r')
                    && rest.first() == Some(&b'\n')
                {
                    Some(1)
                } else {
                    state.newline.line_end(rest)
                };
                let mut take = end.unwrap_or(rest.len());
                if let Some(room) = &mut room {
                    let part = rest.get(..take).unwrap_or_default();
                    let mut starts = part.iter().enumerate().filter(|(_, byte)| **byte & 0xC0 != 0x80);
                    let points = part.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
                    if points >= *room {
                        take = starts.nth(*room).map_or(take, |(at, _)| at);
                        end = Some(take);
                    }
                    *room = room.saturating_sub(points);
                }
                line.extend_from_slice(rest.get(..take).unwrap_or_default());
                state.at += take;
                end.is_some()
            });
            if done || !Self::read_chunk(thread, this, buffer.get(), 0)? {
                return Ok(line);
            }
        }
    }

    fn flush_now(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        let buffer = Self::open_buffer(thread, this)?;
        let _held = Self::enter(thread, this)?;
        let seekable = Self::with(thread, this, |state| state.seekable);
        Self::with(thread, this, |state| state.telling = seekable);
        Self::write_out(thread, this, buffer.get())?;
        protocol::call_method(thread, buffer.get(), "flush", &[]).map(drop)
    }

    fn tell_now(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let buffer = Self::open_buffer(thread, this)?;
        let (seekable, telling) = Self::with(thread, this, |state| (state.seekable, state.telling));
        if !seekable {
            return Err(unsupported(thread, "underlying stream is not seekable"));
        }
        if !telling {
            return Err(os_error_message("telling position disabled by next() call"));
        }
        Self::flush_now(thread, this)?;
        let _held = Self::enter(thread, this)?;
        let end = protocol::call_method(thread, buffer.get(), "tell", &[])?;
        let end = int::index_i64(thread, end.get())?;
        let (codec, chunk, at, whole_text) = Self::with(thread, this, |state| {
            (state.codec, state.chunk.clone(), state.at, state.decoded.is_empty() && state.left.is_empty())
        });
        if whole_text && chunk.is_empty() {
            return Self::cookie(thread, end, 0);
        }
        let start = end - chunk.len() as i64;
        if codec == Codec::Other {
            return Self::tell_by_codec(thread, this, start, &chunk, at);
        }
        let (universal, keep, pending) = Self::with(thread, this, |state| {
            (state.newline.is_universal(), state.newline == Newline::Keep, state.universal_before.pending)
        });
        let taken = used(codec, universal, keep, pending, &chunk, at);
        Self::cookie(thread, start + taken as i64, 0)
    }

    /// Feeds the decoder byte by byte until it has given what was read.
    fn tell_by_codec(thread: &mut Thread, this: &Obj<Self>, start: i64, chunk: &[u8], at: usize) -> PyResult {
        let (Some(decoder), Some(before)) = (this.decoder.get(thread), this.before.get(thread)) else {
            return Self::cookie(thread, start + chunk.len() as i64, 0);
        };
        let decoder = decoder.get();
        let after = protocol::call_method(thread, decoder, "getstate", &[])?;
        protocol::call_method(thread, decoder, "setstate", &[before.get()])?;
        let (mut universal, newline) =
            Self::with(thread, this, |state| (state.universal_before, state.newline));
        let (mut out, mut taken) = (0, 0);
        for byte in chunk {
            if out >= at {
                break;
            }
            let input = bytes::new(thread, &[*byte])?;
            let text = protocol::call_method(thread, decoder, "decode", &[input.get()])?;
            let mut text =
                text.get().downcast::<PyStr>().map(|text| text.as_bytes().to_vec()).unwrap_or_default();
            if newline.is_universal() {
                universal.feed(&mut text, newline == Newline::Translate, false);
            }
            out += text.len();
            taken += 1;
        }
        let state = protocol::call_method(thread, decoder, "getstate", &[])?;
        let flags = match state.get().downcast::<PyTuple>().and_then(|state| state.item(1)) {
            Some(flags) => int::index_i64(thread, flags)?,
            None => 0,
        };
        protocol::call_method(thread, decoder, "setstate", &[after.get()])?;
        Self::cookie(thread, start + taken, flags)
    }

    /// A position with the decoder's flags there: one int.
    fn cookie(thread: &mut Thread, position: i64, flags: i64) -> PyResult {
        if flags == 0 {
            return int::new(thread, position);
        }
        let cookie = num_bigint::BigInt::from(position) | (num_bigint::BigInt::from(flags) << 64_u32);
        int::from_big(thread, cookie)
    }

    fn seek_now(thread: &mut Thread, this: &Obj<Self>, cookie: Ref<'_>, whence: i64) -> PyResult {
        let buffer = Self::open_buffer(thread, this)?;
        if !Self::with(thread, this, |state| state.seekable) {
            return Err(unsupported(thread, "underlying stream is not seekable"));
        }
        let index = int::index(thread, cookie)?;
        let zero = index.get().as_small_int() == Some(0);
        match whence {
            1 if !zero => return Err(unsupported(thread, "can't do nonzero cur-relative seeks")),
            1 => {
                let here = Self::tell_now(thread, this)?;
                return Self::seek_now(thread, this, here.get(), 0);
            }
            2 if !zero => return Err(unsupported(thread, "can't do nonzero end-relative seeks")),
            0 | 2 => {}
            _ => return Err(value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
        }
        let negative =
            int::value(index.get()).is_some_and(|value| value.to_big().sign() == num_bigint::Sign::Minus);
        if negative {
            let shown = protocol::repr(thread, index.get())?;
            return Err(value_error(format!("negative seek position {}", str::display(shown.get()))));
        }
        protocol::call_method(thread, this.get(), "flush", &[])?;
        let _held = Self::enter(thread, this)?;
        let big = int::value(index.get()).map(|value| value.to_big().into_owned()).unwrap_or_default();
        let mask = (num_bigint::BigInt::from(1) << 64_u32) - 1;
        let position = i64::try_from(&big & mask).unwrap_or(i64::MAX);
        let flags = i64::try_from(big >> 64_u32).unwrap_or(0);
        let (position, how) = if whence == 2 { (0, 2) } else { (position, 0) };
        let (offset, how) = (int::new(thread, position)?, int::new(thread, how)?);
        let reached = protocol::call_method(thread, buffer.get(), "seek", &[offset.get(), how.get()])?;
        Self::with(thread, this, |state| state.forget_read());
        if let Some(decoder) = this.decoder.get(thread) {
            if flags == 0 {
                protocol::call_method(thread, decoder.get(), "reset", &[])?;
            } else {
                let state = vec![bytes::new(thread, b"")?, flags.into_py(thread)?];
                let state = tuple::new(thread, state)?;
                protocol::call_method(thread, decoder.get(), "setstate", &[state.get()])?;
            }
        }
        let start = reached.get().as_small_int() == Some(0);
        Self::reset_encoder(thread, this, start)?;
        if whence == 2 { Ok(reached) } else { Ok(index) }
    }
}

#[pymethods]
impl TextIoWrapper {
    #[new]
    #[signature(*args, **kwargs)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, args: ArgSlice<'_>, kwargs: KwArgs<'_>) -> PyResult {
        let _ = (args, kwargs);
        Ok(alloc(thread, cls, TextIoWrapper::empty())?.into_value())
    }

    #[init]
    #[signature(buffer, encoding=None, errors=None, newline=None, line_buffering=false as "False", write_through=false as "False")]
    #[allow(clippy::too_many_arguments, reason = "the parameters are Python's")]
    fn init(
        thread: &mut Thread,
        this: &Obj<Self>,
        buffer: Ref<'_>,
        encoding: Option<&str>,
        errors: Option<&str>,
        newline: Option<&str>,
        line_buffering: bool,
        write_through: bool,
    ) -> PyResult<()> {
        let options = Options { encoding, errors, newline, line_buffering, write_through };
        TextIoWrapper::initialise(thread, this, buffer, &options)
    }

    /// Reconfigure the text stream with new parameters.
    ///
    /// This also does an implicit stream flush.
    #[signature(*, encoding=None, errors=None, newline=<missing> as "None", line_buffering=None, write_through=None)]
    #[allow(clippy::too_many_arguments, reason = "the parameters are Python's")]
    fn reconfigure(
        thread: &mut Thread,
        this: &Obj<Self>,
        encoding: Option<&str>,
        errors: Option<&str>,
        newline: Option<Ref<'_>>,
        line_buffering: Option<bool>,
        write_through: Option<bool>,
    ) -> PyResult<()> {
        let buffer = Self::open_buffer(thread, this)?;
        let reading = Self::with(thread, this, |state| !state.decoded.is_empty() || !state.chunk.is_empty());
        if reading && (encoding.is_some() || errors.is_some() || newline.is_some()) {
            return Err(unsupported(
                thread,
                "It is not possible to set the encoding or newline of stream after the first read",
            ));
        }
        let newline = match newline {
            None => None,
            Some(newline) => {
                let text = newline.downcast::<PyStr>().and_then(|text| PyStr::to_str(text));
                let parsed = Newline::parse(if newline.is_none() { None } else { Some(text.unwrap_or("?")) });
                let shown = text.unwrap_or_default();
                Some(parsed.ok_or_else(|| value_error(format!("illegal newline value: {shown}")))?)
            }
        };
        Self::flush_now(thread, this)?;
        if encoding.is_some() || errors.is_some() {
            let (old, old_errors) =
                Self::with(thread, this, |state| (state.encoding.clone(), state.errors.clone()));
            let errors = errors.unwrap_or(if encoding.is_some() { "strict" } else { &old_errors }).to_owned();
            let encoding =
                encoding.map_or(old, |name| if name == "locale" { "UTF-8" } else { name }.to_owned());
            let codec = Codec::of(&encoding);
            let mut able = [false; 2];
            for (able, method) in able.iter_mut().zip(["readable", "writable"]) {
                let result = protocol::call_method(thread, buffer.get(), method, &[])?;
                *able = protocol::is_true(thread, result.get())?;
            }
            Self::find_codecs(thread, this, codec, (&encoding, &errors), (able[0], able[1]))?;
            Self::with(thread, this, |state| {
                (state.codec, state.encoding, state.errors) = (codec, encoding, errors);
            });
        }
        Self::with(thread, this, |state| {
            state.newline = newline.unwrap_or(state.newline);
            state.line_buffering = line_buffering.unwrap_or(state.line_buffering);
            state.write_through = write_through.unwrap_or(state.write_through);
        });
        Ok(())
    }

    fn detach(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let buffer = Self::buffer(thread, this)?;
        protocol::call_method(thread, this.get(), "flush", &[])?;
        Self::with(thread, this, |state| state.detached = true);
        drop(this.buffer.swap(this, thread, None));
        Ok(buffer)
    }

    fn write(thread: &mut Thread, this: &Obj<Self>, text: Ref<'_>) -> PyResult<usize> {
        Self::buffer(thread, this)?;
        let Some(text) = text.downcast::<PyStr>() else {
            let name = class_of(text).name();
            return Err(type_error(format!("write() argument must be str, not {name}")));
        };
        Self::do_write(thread, this, text)
    }

    #[signature(size=None as "-1", /)]
    fn read(thread: &mut Thread, this: &Obj<Self>, size: Option<Ref<'_>>) -> PyResult {
        let size = size_argument(thread, size)?;
        let _held = Self::enter(thread, this)?;
        let buffer = Self::prepare_read(thread, this)?;
        Self::readable(thread, buffer.get())?;
        let text = match size {
            None => Self::read_all(thread, this, buffer.get())?,
            Some(size) => Self::read_points(thread, this, buffer.get(), size)?,
        };
        text_value(thread, text)
    }

    #[signature(size=None as "-1", /)]
    fn readline(thread: &mut Thread, this: &Obj<Self>, size: Option<Ref<'_>>) -> PyResult {
        let limit = size_argument(thread, size)?;
        let buffer = Self::open_buffer(thread, this)?;
        Self::readable(thread, buffer.get())?;
        let line = Self::take_line(thread, this, limit)?;
        text_value(thread, line)
    }

    fn flush(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        Self::flush_now(thread, this)
    }

    fn close(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        let buffer = Self::buffer(thread, this)?;
        if is_closed(thread, buffer.get())? {
            return Ok(());
        }
        if Self::with(thread, this, |state| state.finalizing) {
            let _ = protocol::call_method(thread, buffer.get(), "_dealloc_warn", &[this.get()]);
        }
        let flushed = protocol::call_method(thread, this.get(), "flush", &[]);
        let closed = protocol::call_method(thread, buffer.get(), "close", &[]);
        flushed?;
        closed.map(drop)
    }

    fn fileno(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let buffer = Self::buffer(thread, this)?;
        protocol::call_method(thread, buffer.get(), "fileno", &[])
    }

    fn seekable(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let buffer = Self::buffer(thread, this)?;
        protocol::call_method(thread, buffer.get(), "seekable", &[])
    }

    #[name = "readable"]
    fn is_readable(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let buffer = Self::buffer(thread, this)?;
        protocol::call_method(thread, buffer.get(), "readable", &[])
    }

    fn writable(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let buffer = Self::buffer(thread, this)?;
        protocol::call_method(thread, buffer.get(), "writable", &[])
    }

    fn isatty(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let buffer = Self::buffer(thread, this)?;
        protocol::call_method(thread, buffer.get(), "isatty", &[])
    }

    #[signature(cookie, whence=0 as "os.SEEK_SET", /)]
    fn seek(thread: &mut Thread, this: &Obj<Self>, cookie: Ref<'_>, whence: i64) -> PyResult {
        Self::seek_now(thread, this, cookie, whence)
    }

    fn tell(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Self::tell_now(thread, this)
    }

    #[signature(pos=None, /)]
    fn truncate(thread: &mut Thread, this: &Obj<Self>, pos: Option<Ref<'_>>) -> PyResult {
        let buffer = Self::buffer(thread, this)?;
        protocol::call_method(thread, this.get(), "flush", &[])?;
        let pos = match pos.filter(|pos| !pos.is_none()) {
            Some(pos) => pos.to_owned(),
            None => Self::tell_now(thread, this)?,
        };
        protocol::call_method(thread, buffer.get(), "truncate", &[pos.get()])
    }

    fn __getstate__(this: &Obj<Self>) -> PyResult<()> {
        let name = class_of(this.get()).name();
        Err(type_error(format!("cannot pickle '{name}' instances")))
    }

    #[getter]
    #[name = "buffer"]
    fn get_buffer(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.buffer.get(thread).unwrap_or(Value::NONE)
    }

    #[getter]
    fn encoding(thread: &mut Thread, this: &Obj<Self>) -> String {
        Self::with(thread, this, |state| state.encoding.clone())
    }

    #[getter]
    fn errors(thread: &mut Thread, this: &Obj<Self>) -> PyResult<String> {
        Self::buffer(thread, this)?;
        Ok(Self::with(thread, this, |state| state.errors.clone()))
    }

    #[getter]
    fn line_buffering(thread: &mut Thread, this: &Obj<Self>) -> bool {
        Self::with(thread, this, |state| state.line_buffering)
    }

    #[getter]
    fn write_through(thread: &mut Thread, this: &Obj<Self>) -> bool {
        Self::with(thread, this, |state| state.write_through)
    }

    #[getter]
    fn newlines(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let universal = Self::with(thread, this, |state| state.universal);
        universal.newlines(thread)
    }

    #[getter]
    fn name(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let buffer = Self::buffer(thread, this)?;
        protocol::get_attr_str(thread, buffer.get(), "name")
    }

    #[getter]
    fn closed(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let buffer = Self::buffer(thread, this)?;
        protocol::get_attr_str(thread, buffer.get(), "closed")
    }

    #[getter]
    #[name = "_CHUNK_SIZE"]
    fn get_chunk_size(thread: &mut Thread, this: &Obj<Self>) -> usize {
        Self::with(thread, this, |state| state.chunk_size)
    }

    #[setter]
    #[name = "_CHUNK_SIZE"]
    fn set_chunk_size(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let size = int::index_clamped(thread, value.unwrap_or(Ref::NONE))?;
        let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
            return Err(value_error("a strictly positive integer is required"));
        };
        Self::with(thread, this, |state| state.chunk_size = size);
        Ok(())
    }

    #[getter]
    fn _finalizing(thread: &mut Thread, this: &Obj<Self>) -> bool {
        Self::with(thread, this, |state| state.finalizing)
    }

    // `set_` and the attribute's name, which has an underscore in front.
    #[allow(non_snake_case, reason = "the macro tells the attribute from the name")]
    #[setter]
    fn set__finalizing(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let value = protocol::is_true(thread, value.unwrap_or(Ref::FALSE))?;
        Self::with(thread, this, |state| state.finalizing = value);
        Ok(())
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        Self::with(thread, this, |state| state.telling = false);
        let line = Self::take_line(thread, this, None)?;
        if line.is_empty() {
            Self::with(thread, this, |state| state.telling = state.seekable);
            return Ok(None);
        }
        text_value(thread, line).map(Some)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut text = format!("<{}", super::class_name(this.get()));
        for attribute in ["name", "mode"] {
            let found = match protocol::find_attr(thread, this.get(), str::intern(thread, attribute)?) {
                Ok(found) => found,
                Err(error) if error.matches(&exception::ValueError) => None,
                Err(error) => return Err(error),
            };
            if let Some(found) = found {
                let shown = super::name_shown(thread, this.get(), found.get())?;
                text.push_str(&format!(" {attribute}={}", str::display(shown.get())));
            }
        }
        let encoding = Self::with(thread, this, |state| state.encoding.clone());
        str::new(thread, &format!("{text} encoding='{encoding}'>"))
    }

    #[slot]
    fn tp_finalize(thread: &mut Thread, this: Ref<'_>) -> PyResult<()> {
        if this.downcast::<Self>().is_some_and(|text| text.buffer.load(thread).is_none()) {
            return Ok(());
        }
        super::base::finalize(thread, this)
    }
}
