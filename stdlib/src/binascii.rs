//! `binascii`: bytes as text (hexadecimal, base64, uuencode, quoted-printable) and checksums.

use orochi_macros::{pyfunction, pymodule};
use orochi_objects::buffer::{ArgBytes, bytes_of, is_bytes_like};
use orochi_objects::error::{Message, type_error, value_error};
use orochi_objects::types::bytes;
use orochi_objects::types::str::PyStr;
use orochi_objects::{ModuleExt, Obj, PyErr, PyModule, PyResult, Ref, Thread, class_of, int, protocol};

crate::exception!(ERROR: "Error" in "binascii", ValueError, "");
crate::exception!(INCOMPLETE: "Incomplete" in "binascii", Exception, "");

fn error(message: impl Message) -> PyErr {
    PyErr::with_message(&ERROR, message)
}

/// Bytes, or a str that is ASCII.
fn ascii_or_bytes<'a>(thread: &mut Thread, data: Ref<'a>) -> PyResult<ArgBytes<'a>> {
    if let Some(text) = data.downcast::<PyStr>() {
        if !text.is_ascii() {
            return Err(value_error("string argument should contain only ASCII characters"));
        }
        let text: &'a Obj<PyStr> = text;
        return Ok(ArgBytes::Borrowed(PyStr::as_bytes(text)));
    }
    if !is_bytes_like(data) {
        let class = class_of(data).name();
        return Err(type_error(format!("argument should be bytes, buffer or ASCII string, not '{class}'")));
    }
    bytes_of(thread, data)
}

fn separator(thread: &mut Thread, sep: Ref<'_>) -> PyResult<u8> {
    if protocol::len(thread, sep)? != 1 {
        return Err(value_error("sep must be length 1."));
    }
    if let Some(text) = sep.downcast::<PyStr>() {
        let c = text.as_wtf8().code_points().next().map_or(0, |c| c.to_u32());
        return u8::try_from(c).map_err(|_| value_error("sep must be ASCII."));
    }
    match bytes::value(sep) {
        Some([byte]) => Ok(*byte),
        _ => Err(type_error("sep must be str or bytes.")),
    }
}

fn to_hex(thread: &mut Thread, data: &[u8], sep: Option<Ref<'_>>, group: i64) -> PyResult {
    let sep = match sep {
        Some(sep) => Some(separator(thread, sep)?),
        None => None,
    };
    let text = orochi_text::ascii::to_hex(data, sep, group);
    // A separator beyond ASCII is one byte here.
    let encoded: Vec<u8> = text.chars().map(|c| c as u8).collect();
    bytes::new(thread, &encoded)
}

/// Hexadecimal representation of binary data.
///
///   sep
///     An optional single character or byte to separate hex bytes.
///   bytes_per_sep
///     How many bytes between separators.  Positive values count from the
///     right, negative values count from the left.
///
/// The return value is a bytes object.  This function is also
/// available as "hexlify()".
#[pyfunction]
#[signature(data, sep=<missing>, bytes_per_sep=1)]
fn b2a_hex(thread: &mut Thread, data: ArgBytes<'_>, sep: Option<Ref>, bytes_per_sep: i64) -> PyResult {
    to_hex(thread, &data, sep, bytes_per_sep)
}

/// Hexadecimal representation of binary data.
///
/// This function is also available as "b2a_hex()".
#[pyfunction]
#[signature(data, sep=<missing>, bytes_per_sep=1)]
fn hexlify(thread: &mut Thread, data: ArgBytes<'_>, sep: Option<Ref>, bytes_per_sep: i64) -> PyResult {
    to_hex(thread, &data, sep, bytes_per_sep)
}

fn from_hex(thread: &mut Thread, text: Ref<'_>) -> PyResult {
    let text = ascii_or_bytes(thread, text)?;
    if text.len() % 2 == 1 {
        return Err(error("Odd-length string"));
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut out = Vec::with_capacity(text.len() / 2);
    for pair in text.chunks_exact(2) {
        if let [high, low] = pair {
            match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => out.push((high << 4 | low) as u8),
                _ => return Err(error("Non-hexadecimal digit found")),
            }
        }
    }
    bytes::new(thread, &out)
}

/// Binary data of hexadecimal representation.
///
/// hexstr must contain an even number of hex digits (upper or lower case).
/// This function is also available as "unhexlify()".
#[pyfunction]
#[signature(hexstr, /)]
fn a2b_hex(thread: &mut Thread, hexstr: Ref) -> PyResult {
    from_hex(thread, hexstr)
}

/// Binary data of hexadecimal representation.
///
/// hexstr must contain an even number of hex digits (upper or lower case).
#[pyfunction]
#[signature(hexstr, /)]
fn unhexlify(thread: &mut Thread, hexstr: Ref) -> PyResult {
    from_hex(thread, hexstr)
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of each base64 digit; 64 for what is none.
const BASE64_VALUES: [u8; 256] = {
    let mut values = [64; 256];
    let mut i = 0;
    while i < 64 {
        values[BASE64[i] as usize] = i as u8;
        i += 1;
    }
    values
};

fn decode_base64(text: &[u8], strict: bool) -> PyResult<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut digits, mut bits, mut padding, mut padded) = (0_u32, 0_u32, 0_u32, false);
    for (i, &byte) in text.iter().enumerate() {
        if byte == b'=' {
            if strict && digits == 0 {
                let what = if i == 0 { "Leading padding not allowed" } else { "Excess padding not allowed" };
                return Err(error(what));
            }
            padded = true;
            if digits >= 2 {
                if strict && digits + padding >= 4 {
                    return Err(error("Excess padding not allowed"));
                }
                padding += 1;
            } else if strict {
                break;
            }
            continue;
        }
        let value = BASE64_VALUES.get(usize::from(byte)).copied().unwrap_or(64);
        if value >= 64 {
            if strict {
                return Err(error("Only base64 data is allowed"));
            }
            continue;
        }
        if strict && padded {
            let complete = digits + padding >= 4;
            return Err(error(if complete {
                "Excess data after padding"
            } else {
                "Discontinuous padding not allowed"
            }));
        }
        padding = 0;
        bits = bits << 6 | u32::from(value);
        digits = (digits + 1) % 4;
        match digits {
            0 => out.push(bits as u8),
            1 => {}
            2 => out.push((bits >> 4) as u8),
            _ => out.push((bits >> 2) as u8),
        }
    }
    match digits {
        0 => Ok(out),
        1 => Err(error(format!(
            "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
            out.len() / 3 * 4 + 1
        ))),
        _ if digits + padding < 4 => Err(error("Incorrect padding")),
        _ => Ok(out),
    }
}

/// Decode a line of base64 data.
///
///   strict_mode
///     When set to True, bytes that are not in the base64 standard are not allowed.
///     The same applies to excess data after padding (= / ==).
#[pyfunction]
#[signature(data, /, *, strict_mode=False)]
fn a2b_base64(thread: &mut Thread, data: Ref, strict_mode: bool) -> PyResult {
    let text = ascii_or_bytes(thread, data)?;
    let decoded = decode_base64(&text, strict_mode)?;
    bytes::new(thread, &decoded)
}

fn digit64(value: u32) -> u8 {
    BASE64.get((value & 63) as usize).copied().unwrap_or(b'=')
}

/// Base64-code line of data.
#[pyfunction]
#[signature(data, /, *, newline=True)]
fn b2a_base64(thread: &mut Thread, data: ArgBytes<'_>, newline: bool) -> PyResult {
    let mut out = Vec::with_capacity(data.len() / 3 * 4 + 5);
    for chunk in data.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        out.push(digit64(bits >> 18));
        out.push(digit64(bits >> 12));
        out.push(if chunk.len() > 1 { digit64(bits >> 6) } else { b'=' });
        out.push(if chunk.len() > 2 { digit64(bits) } else { b'=' });
    }
    if newline {
        out.push(b'\n');
    }
    bytes::new(thread, &out)
}

/// Decode a line of uuencoded data.
#[pyfunction]
#[signature(data, /)]
fn a2b_uu(thread: &mut Thread, data: Ref) -> PyResult {
    let text = ascii_or_bytes(thread, data)?;
    let Some((&first, rest)) = text.split_first() else { return Err(error("Missing length byte")) };
    let len = usize::from(first.wrapping_sub(b' ') & 63);
    let mut out = Vec::with_capacity(len);
    let mut input = rest.iter().copied().peekable();
    let (mut bits, mut held) = (0_u32, 0);
    while out.len() < len {
        // A line may be shorter than it says: white space at its end was lost.
        let value = match input.next() {
            None | Some(b'\n' | b'\r') => 0,
            Some(byte @ b' '..=b'`') => u32::from(byte - b' ') & 63,
            Some(_) => return Err(error("Illegal char")),
        };
        bits = bits << 6 | value;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    if input.any(|byte| !matches!(byte, b' ' | b'`' | b'\n' | b'\r')) {
        return Err(error("Trailing garbage"));
    }
    bytes::new(thread, &out)
}

/// Uuencode line of data.
#[pyfunction]
#[signature(data, /, *, backtick=False)]
fn b2a_uu(thread: &mut Thread, data: ArgBytes<'_>, backtick: bool) -> PyResult {
    if data.len() > 45 {
        return Err(error("At most 45 bytes at once"));
    }
    let digit = |value: u32| if backtick && value == 0 { b'`' } else { b' ' + value as u8 };
    let mut out = vec![digit(data.len() as u32)];
    for chunk in data.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        out.extend([18, 12, 6, 0].map(|shift| digit(bits >> shift & 63)));
    }
    out.push(b'\n');
    bytes::new(thread, &out)
}

/// Decode a string of qp-encoded data.
#[pyfunction]
#[signature(data, header=False)]
fn a2b_qp(thread: &mut Thread, data: Ref, header: bool) -> PyResult {
    let text = ascii_or_bytes(thread, data)?;
    let hex = |at: usize| text.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'=' => match text.get(at) {
                None => break,
                Some(b'\n' | b'\r') => {
                    // A soft line break: everything up to the end of the line goes.
                    while text.get(at).is_some_and(|&byte| byte != b'\n') {
                        at += 1;
                    }
                    at += 1;
                }
                Some(b'=') => {
                    out.push(b'=');
                    at += 1;
                }
                Some(_) => match (hex(at), hex(at + 1)) {
                    (Some(high), Some(low)) => {
                        out.push((high << 4 | low) as u8);
                        at += 2;
                    }
                    _ => out.push(b'='),
                },
            },
            b'_' if header => out.push(b' '),
            _ => out.push(byte),
        }
    }
    bytes::new(thread, &out)
}

/// Whether a byte has to be written as `=XX`. `alone` says that it stands at the start of a line that ends behind it.
fn must_quote(text: &[u8], at: usize, line: usize, quote_tabs: bool, is_text: bool, header: bool) -> bool {
    let byte = text.get(at).copied().unwrap_or(0);
    let next = text.get(at + 1).copied();
    let last = at + 1 == text.len();
    byte > 126
        || byte == b'='
        || (header && byte == b'_')
        || (byte == b'.' && line == 0 && (last || matches!(next, Some(b'\n' | b'\r' | 0))))
        || (!is_text && matches!(byte, b'\r' | b'\n'))
        || (matches!(byte, b'\t' | b' ') && last)
        || (byte < 33 && !matches!(byte, b'\r' | b'\n' | b'\t' | b' ')
            || byte < 33 && !matches!(byte, b'\r' | b'\n') && quote_tabs)
}

/// Encode a string using quoted-printable encoding.
///
/// On encoding, when istext is set, newlines are not encoded, and white
/// space at end of lines is.  When istext is not set, \r and \n (CR/LF)
/// are both encoded.  When quotetabs is set, space and tabs are encoded.
#[pyfunction]
#[signature(data, quotetabs=False, istext=True, header=False)]
fn b2a_qp(thread: &mut Thread, data: ArgBytes<'_>, quotetabs: bool, istext: bool, header: bool) -> PyResult {
    const MAX_LINE: usize = 76;
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let hex = |value: u8| HEX.get(usize::from(value & 15)).copied().unwrap_or(b'0');
    let text: &[u8] = &data;
    // The first line's end tells which kind of line ends soft breaks get.
    let crlf = memchr::memchr(b'\n', text).is_some_and(|at| at > 0 && text.get(at - 1) == Some(&b'\r'));
    let mut out: Vec<u8> = Vec::with_capacity(text.len() + text.len() / 8);
    let (mut at, mut line) = (0, 0);
    let soft_break = |out: &mut Vec<u8>| {
        out.push(b'=');
        if crlf {
            out.push(b'\r');
        }
        out.push(b'\n');
    };
    while let Some(&byte) = text.get(at) {
        if must_quote(text, at, line, quotetabs, istext, header) {
            if line + 3 >= MAX_LINE {
                soft_break(&mut out);
                line = 0;
            }
            out.extend([b'=', hex(byte >> 4), hex(byte)]);
            at += 1;
            line += 3;
            continue;
        }
        let ends_line = byte == b'\n' || byte == b'\r' && text.get(at + 1) == Some(&b'\n');
        if istext && ends_line {
            line = 0;
            // White space before the end of a line is protected.
            if let Some(&space @ (b' ' | b'\t')) = out.last() {
                out.pop();
                out.extend([b'=', hex(space >> 4), hex(space)]);
            }
            if crlf {
                out.push(b'\r');
            }
            out.push(b'\n');
            at += if byte == b'\r' { 2 } else { 1 };
            continue;
        }
        if at + 1 != text.len() && text.get(at + 1) != Some(&b'\n') && line + 1 >= MAX_LINE {
            soft_break(&mut out);
            line = 0;
        }
        line += 1;
        out.push(if header && byte == b' ' { b'_' } else { byte });
        at += 1;
    }
    bytes::new(thread, &out)
}

/// Compute CRC-32 incrementally.
#[pyfunction]
#[signature(data, crc=0, /)]
fn crc32(thread: &mut Thread, data: ArgBytes<'_>, crc: Option<Ref>) -> PyResult<u32> {
    let start = masked(thread, crc)?;
    Ok(checksum(&data, start))
}

/// The low 32 bits of an int.
pub(crate) fn masked(thread: &mut Thread, value: Option<Ref<'_>>) -> PyResult<u32> {
    let Some(value) = value else { return Ok(0) };
    let object = int::index(thread, value)?;
    Ok(match int::value(object.get()) {
        Some(int::IntRef::Small(small)) => small as u32,
        Some(int::IntRef::Big(big)) => {
            let low = big & num_bigint::BigInt::from(u32::MAX);
            u32::try_from(low).unwrap_or(0)
        }
        None => 0,
    })
}

/// CRC-32 continued from `start`.
pub(crate) fn checksum(data: &[u8], start: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(start);
    hasher.update(data);
    hasher.finalize()
}

/// Compute CRC-CCITT incrementally.
#[pyfunction]
#[signature(data, crc, /)]
fn crc_hqx(thread: &mut Thread, data: ArgBytes<'_>, crc: Ref) -> PyResult<u32> {
    let mut crc = masked(thread, Some(crc))? & 0xFFFF;
    for &byte in data.iter() {
        crc ^= u32::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 };
        }
        crc &= 0xFFFF;
    }
    Ok(crc)
}

/// Conversion between binary data and ASCII
#[pymodule(
    name = "binascii",
    functions(
        b2a_hex, hexlify, a2b_hex, unhexlify, a2b_base64, b2a_base64, a2b_uu, b2a_uu, a2b_qp, b2a_qp, crc32,
        crc_hqx
    )
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "Error", ERROR.get().to_value())?;
    module.add(thread, "Incomplete", INCOMPLETE.get().to_value())
}
