//! Bytes of a source file to text: byte order mark, coding declaration (PEP 263), encodings.
//!
//! UTF-8 and Latin-1 are decoded here; for other encodings the caller supplies a decoder (Python's codecs).

use crate::error::{CompileError, ErrorKind, Result};

/// Decodes bytes of an encoding that is not built in. None: there is no such encoding. An error is its message.
pub type Decoder<'d> = &'d mut dyn FnMut(&str, &[u8]) -> Option<Result<String, String>>;

/// The encoding that a coding declaration in this line names.
fn declared_in(line: &[u8]) -> Option<String> {
    let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\x0c'))?;
    if line.get(start) != Some(&b'#') {
        return None;
    }
    let mut rest = line;
    while let Some(at) = rest.windows(6).position(|window| window == b"coding") {
        rest = &rest[at + 6..];
        let Some((b':' | b'=', after)) = rest.split_first() else { continue };
        let name: String = after
            .iter()
            .skip_while(|byte| matches!(byte, b' ' | b'\t'))
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
            .map(|byte| *byte as char)
            .collect();
        if !name.is_empty() {
            return Some(name);
        }
    }
    None
}

/// The normal name of the encodings known here.
fn normalize(name: &str) -> String {
    let lower = name.to_ascii_lowercase().replace('_', "-");
    let starts = |prefix: &str| lower == prefix || lower.starts_with(&format!("{prefix}-"));
    if starts("utf-8") || lower == "utf8" {
        return "utf-8".into();
    }
    if starts("latin-1") || starts("iso-8859-1") || starts("iso-latin-1") || lower == "latin1" {
        return "iso-8859-1".into();
    }
    name.to_string()
}

/// The first two lines, where a coding declaration may stand; the second only if the first has no code.
fn declaration(bytes: &[u8]) -> Option<String> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = lines.next()?;
    if let Some(name) = declared_in(first) {
        return Some(name);
    }
    let blank = |line: &[u8]| {
        let start = line.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\x0c' | b'\r'));
        start.is_none_or(|byte| *byte == b'#')
    };
    if !blank(first) {
        return None;
    }
    declared_in(lines.next()?)
}

/// Text of source that is bytes. `file` is the name of a program that is read from a file, which errors mention.
///
/// # Errors
/// The SyntaxErrors CPython raises for encodings that are unknown, contradict the byte order mark, or do not fit, and for null
/// bytes.
pub fn decode_source(bytes: &[u8], file: Option<&str>, decoder: Decoder<'_>) -> Result<String> {
    let (bytes, mark) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    let encoding = declaration(bytes).map_or("utf-8".to_string(), |name| normalize(&name));
    if mark && encoding != "utf-8" {
        let text = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        return Err(at_line(format!("encoding problem: {encoding} with BOM"), 1, 0, text));
    }
    let text = match encoding.as_str() {
        "utf-8" => utf8(bytes, file).map_err(|error| first_of(error, bytes, file))?,
        "iso-8859-1" => bytes.iter().map(|byte| *byte as char).collect(),
        other => match decoder(other, bytes) {
            None => return Err(whole_file(format!("unknown encoding: {other}"))),
            Some(Ok(text)) => text,
            Some(Err(message)) => return Err(whole_file(message)),
        },
    };
    match text.find('\0') {
        None => Ok(text),
        Some(at) => Err(null_byte(text.as_bytes(), at, file)),
    }
}

/// A file is read line by line: a null byte on a line before that of an error is found first.
fn first_of(error: CompileError, bytes: &[u8], file: Option<&str>) -> CompileError {
    let null = file.and_then(|_| bytes.iter().position(|byte| *byte == 0));
    let null = null.map(|at| null_byte(bytes, at, file));
    null.filter(|null| null.line < error.line).unwrap_or(error)
}

/// The error of a null byte: in a file it has a place, but the line isn't shown.
fn null_byte(text: &[u8], at: usize, file: Option<&str>) -> CompileError {
    if file.is_none() {
        return CompileError::new(ErrorKind::Syntax, "source code string cannot contain null bytes");
    }
    let line = text[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    at_line("source code cannot contain null bytes".into(), line, 0, b"")
}

/// An error that concerns a file as a whole: its line is 0.
fn whole_file(message: String) -> CompileError {
    CompileError { whole_file: true, ..CompileError::new(ErrorKind::Syntax, message) }
}

/// An error in a line that is perhaps no text.
fn at_line(message: String, line: usize, offset: usize, text: &[u8]) -> CompileError {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    CompileError {
        line: line as u32,
        end_line: line as u32,
        offset: offset as u32,
        end_offset: offset as i32,
        text: Some(String::from_utf8_lossy(text).into_owned()),
        ..CompileError::new(ErrorKind::Syntax, message)
    }
}

fn utf8(bytes: &[u8], file: Option<&str>) -> Result<String> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.to_string()),
        Err(error) => error,
    };
    let at = error.valid_up_to();
    let byte = bytes.get(at).copied().unwrap_or(0);
    let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let end = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end);
    let place = file.map(|file| format!(" in file {file}")).unwrap_or_default();
    let message = format!(
        "Non-UTF-8 code starting with '\\x{byte:02x}'{place} on line {line}, but no encoding declared; \
         see https://peps.python.org/pep-0263/ for details"
    );
    let offset = String::from_utf8_lossy(&bytes[start..at]).chars().count() + 1;
    Err(at_line(message, line, offset, &bytes[start..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Result<String, String> {
        let mut decoder = |name: &str, _: &[u8]| (name == "cp437").then(|| Ok("437".to_string()));
        decode_source(bytes, None, &mut decoder).map_err(|error| error.message.into())
    }

    #[test]
    fn declarations_are_found() {
        assert_eq!(decode(b"# -*- coding: latin-1 -*-\n'\xe9'"), Ok("# -*- coding: latin-1 -*-\n'é'".into()));
        assert_eq!(decode(b"#!/x\n# vim: set fileencoding=cp437 :\n"), Ok("437".into()));
        assert_eq!(decode(b"x = 1\n# coding: cp437\n"), Ok("x = 1\n# coding: cp437\n".into()));
        assert_eq!(decode(b"# coding: nope\n"), Err("unknown encoding: nope".into()));
        assert_eq!(
            decode(b"\xEF\xBB\xBF# coding: latin1\n"),
            Err("encoding problem: iso-8859-1 with BOM".into())
        );
        assert_eq!(decode(b"\xEF\xBB\xBFx"), Ok("x".into()));
    }

    #[test]
    fn what_is_no_text_has_a_place() {
        let mut decoder = |_: &str, _: &[u8]| None;
        let error = decode_source(b"x\ny = '\xff'\n", Some("f.py"), &mut decoder).unwrap_err();
        assert!(
            error.message.starts_with("Non-UTF-8 code starting with '\\xff' in file f.py on line 2, but")
        );
        assert_eq!((error.line, error.offset, error.text.as_deref()), (2, 6, Some("y = '\u{fffd}'")));
        let error = decode_source(b"#\0\n#\xfd\n", Some("f.py"), &mut decoder).unwrap_err();
        assert_eq!((&*error.message, error.line), ("source code cannot contain null bytes", 1));
        let error = decode_source(b"x\n\0", Some("f.py"), &mut decoder).unwrap_err();
        assert_eq!((&*error.message, error.line), ("source code cannot contain null bytes", 2));
        assert_eq!(decode(b"\0"), Err("source code string cannot contain null bytes".into()));
    }
}
