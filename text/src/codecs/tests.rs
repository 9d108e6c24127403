//! Random input for every codec and handler, compared with CPython.

use super::escape::*;
use super::handlers::Handler;
use super::*;
use crate::checks::{Check, Random};
use crate::repr::ascii;
use std::fmt::Write;

const HANDLERS: [&str; 6] =
    ["strict", "replace", "ignore", "backslashreplace", "surrogateescape", "surrogatepass"];
const BYTES: [(&str, &[u8]); 8] = [
    (
        "utf-8",
        &[0x61, 0x80, 0xA0, 0xBF, 0xC1, 0xC3, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0x8F, 0x90, 0xFF],
    ),
    ("utf-16", &[0x00, 0x61, 0xD8, 0xDC, 0xFF, 0xFE, 0x00]),
    ("utf-32", &[0x00, 0x00, 0x00, 0x61, 0xD8, 0x10, 0xFF, 0xFE]),
    ("utf-7", &[0x2B, 0x2D, 0x41, 0x42, 0x32, 0x2F, 0x61, 0x21, 0xFF, 0x64, 0x63, 0x41]),
    ("ascii", &[0x61, 0x62, 0x80, 0xFF]),
    (
        "unicode_escape",
        &[0x5C, 0x5C, 0x75, 0x55, 0x78, 0x30, 0x31, 0x64, 0x4E, 0x7B, 0x7D, 0x61, 0x0A, 0xE9, 0x37, 0x27],
    ),
    ("raw_unicode_escape", &[0x5C, 0x5C, 0x75, 0x55, 0x30, 0x30, 0x64, 0x38, 0x61, 0xE9]),
    ("charmap", &[0x00, 0x01, 0x02, 0x03, 0x80]),
];

fn hex(bytes: &[u8]) -> String {
    crate::ascii::to_hex(bytes, None, 1)
}

fn order_of(number: u64) -> Option<Endian> {
    match number {
        1 => Some(Endian::Little),
        2 => Some(Endian::Big),
        _ => None,
    }
}

fn decode(name: &str, data: &[u8], order: u64, handler: Handler, last: bool) -> Result<Decoded, DecodeError> {
    let handle = |error: DecodeError| handler.decode(data, &error).ok_or(error);
    match name {
        "utf-8" => utf8::decode(data, last, handle),
        "utf-16" => utf16::decode(data, order_of(order), last, handle).map(|(decoded, _)| decoded),
        "utf-32" => utf32::decode(data, order_of(order), last, handle).map(|(decoded, _)| decoded),
        "utf-7" => utf7::decode(data, last, handle),
        "ascii" => single::decode_ascii(data, handle),
        "unicode_escape" => decode_unicode_escape(data, last, handle).map(|(decoded, _)| decoded),
        "raw_unicode_escape" => decode_raw_unicode_escape(data, last, handle),
        _ => {
            let table = charmap::DecodeTable::new(Wtf8::new("ab\u{fffe}c"));
            charmap::decode(data, |byte| Ok(table.meaning(byte)), handle)
        }
    }
}

#[test]
fn decoding() {
    let mut check = Check::new("decoding");
    let mut random = Random(19);
    for _ in 0..40_000 {
        let (name, alphabet) = random.pick(&BYTES);
        let length = random.below(14);
        let data: Vec<u8> = (0..length).map(|_| random.pick(alphabet)).collect();
        let (order, handler, last) = (random.below(3), random.pick(&HANDLERS), random.below(2) == 0);
        let head = format!("{name} {} {order} {handler} {}", hex(&data), u8::from(last));
        match decode(name, &data, order, Handler::from_name(handler).unwrap(), last) {
            Ok(Decoded { text, consumed }) => {
                assert!(Wtf8::from_bytes(text.as_bytes()).is_some());
                check.line(format_args!("{head} {} {consumed}", ascii(&text)));
            }
            Err(error) => {
                check.line(format_args!(
                    "{head} {} UnicodeDecodeError: {}",
                    error.encoding,
                    error.message(&data)
                ));
            }
        }
    }
    check.finish();
}

const POINTS: [u32; 16] = [
    0x61, 0x2B, 0x5C, 0x7E, 0xE9, 0x100, 0x20AC, 0xD800, 0xDC80, 0xDCFF, 0xDFFF, 0x1F600, 0x0A, 0x2D, 0x100,
    0xD801,
];
const ENCODINGS: [&str; 11] = [
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "utf-32-be",
    "utf-7",
    "ascii",
    "latin-1",
    "charmap",
    "unicode_escape",
    "raw_unicode_escape",
];

fn encode(name: &str, text: &Wtf8, handler: Handler) -> Result<Vec<u8>, EncodeError> {
    let handle = |error: EncodeError| handler.encode(text, &error).ok_or(error);
    match name {
        "utf-8" => utf8::encode(text, handle),
        "utf-16" => utf16::encode(text, None, handle),
        "utf-16-le" => utf16::encode(text, Some(Endian::Little), handle),
        "utf-32" => utf32::encode(text, None, handle),
        "utf-32-be" => utf32::encode(text, Some(Endian::Big), handle),
        "utf-7" => Ok(utf7::encode(text)),
        "ascii" => single::encode_ascii(text, handle),
        "latin-1" => single::encode_latin1(text, handle),
        "unicode_escape" => Ok(encode_unicode_escape(text)),
        "raw_unicode_escape" => Ok(encode_raw_unicode_escape(text)),
        _ => {
            let table = charmap::EncodeTable::new(Wtf8::new("ab\u{fffe}é\\?&#;0123456789x"));
            charmap::encode(text, |c| Ok(table.code(c)), handle)
        }
    }
}

#[test]
fn encoding() {
    let mut check = Check::new("encoding");
    let mut random = Random(23);
    for _ in 0..40_000 {
        let name = random.pick(&ENCODINGS);
        let length = random.below(10);
        let text: Wtf8Buf = (0..length).filter_map(|_| CodePoint::from_u32(random.pick(&POINTS))).collect();
        let handlers = [&HANDLERS[..], &["xmlcharrefreplace", "namereplace"]].concat();
        let handler = random.pick(&handlers);
        let mut line = format!("{name} {handler} {} ", ascii(&text));
        match encode(name, &text, Handler::from_name(handler).unwrap()) {
            Ok(bytes) => line += &hex(&bytes),
            Err(error) => write!(line, "UnicodeEncodeError: {}", error.message(&text)).unwrap(),
        }
        check.line(line);
    }
    check.finish();
}

#[test]
fn bytes_escapes() {
    let mut check = Check::new("bytes_escapes");
    let mut random = Random(29);
    for _ in 0..10_000 {
        let length = random.below(12);
        let alphabet = [0x5C, 0x5C, 0x78, 0x30, 0x37, 0x61, 0x6E, 0x27, 0x22, 0x0A, 0xE9, 0x64, 0x34];
        let data: Vec<u8> = (0..length).map(|_| random.pick(&alphabet)).collect();
        let on_bad_hex = random.pick(&[None, Some(&b"?"[..]), Some(b"")]);
        let decoded = match decode_bytes_escape(&data, on_bad_hex) {
            Ok((bytes, _)) => hex(&bytes),
            Err(error) => format!("ValueError: {error}"),
        };
        check.line(format_args!("{} {decoded} {}", hex(&data), hex(&encode_bytes_escape(&data))));
    }
    check.finish();
}

#[test]
fn invalid_escapes_are_reported() {
    let strict = Err::<(Wtf8Buf, usize), DecodeError>;
    let (_, invalid) = decode_unicode_escape(br"ab\\\d\400", true, strict).unwrap();
    let warning = r#""\d" is an invalid escape sequence. Such sequences will not work in the future. "#;
    assert_eq!(invalid.map(|invalid| (invalid.offset, invalid.to_string())), Some((4, warning.into())));
    let (_, invalid) = decode_bytes_escape(br"\400\d", None).unwrap();
    let warning =
        r#"b"\400" is an invalid octal escape sequence. Such sequences will not work in the future. "#;
    assert_eq!(invalid.map(|invalid| invalid.to_string()).as_deref(), Some(warning));
}

#[test]
fn handlers_may_resume_anywhere() {
    // A handler that goes back once.
    let mut times = 0;
    let decoded = utf8::decode(b"a\xFFb", true, |error: DecodeError| {
        times += 1;
        Ok::<_, ()>(("?".into(), if times == 1 { 0 } else { error.end }))
    });
    assert_eq!(decoded.map(|decoded| decoded.text.to_string()), Ok("a?a?b".into()));
    let mut times = 0;
    let encoded = single::encode_ascii(Wtf8::new("aéb"), |error: EncodeError| {
        times += 1;
        Ok::<_, EncodeError>((Replacement::Bytes(vec![0xFF]), if times == 1 { 0 } else { error.end }))
    });
    assert_eq!(encoded, Ok(b"a\xFFa\xFFb".to_vec()));
}
