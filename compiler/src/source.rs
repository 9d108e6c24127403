//! Bytes of a source file to text: byte order mark, coding declaration (PEP 263), encodings.
//!
//! UTF-8, ASCII and Latin-1 are decoded here; for other encodings the caller supplies a decoder (Python's codecs).

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
    if lower == "us-ascii" || lower == "ascii" {
        return "ascii".into();
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

/// Text of a source file.
///
/// # Errors
/// The SyntaxErrors CPython raises for encodings that are unknown, contradict the byte order mark, or do not fit.
pub fn decode_source(bytes: &[u8], filename: &str, decoder: Decoder<'_>) -> Result<String> {
    let (bytes, mark) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    let declared = declaration(bytes);
    let encoding = declared.as_deref().map_or("utf-8".to_string(), normalize);
    if mark && encoding != "utf-8" {
        let message = format!("encoding problem: {encoding} with BOM");
        return Err(CompileError::new(ErrorKind::Syntax, message));
    }
    match encoding.as_str() {
        "utf-8" => utf8(bytes, filename, declared.is_some()),
        "iso-8859-1" => Ok(bytes.iter().map(|byte| *byte as char).collect()),
        "ascii" => match bytes.iter().position(|byte| !byte.is_ascii()) {
            None => utf8(bytes, filename, true),
            Some(at) => Err(CompileError::new(
                ErrorKind::Syntax,
                format!(
                    "(unicode error) 'ascii' codec can't decode byte 0x{:02x} in position {at}: ordinal not in range(128)",
                    bytes[at]
                ),
            )),
        },
        other => match decoder(other, bytes) {
            None => Err(CompileError::new(ErrorKind::Syntax, format!("unknown encoding: {other}"))),
            Some(Ok(text)) => Ok(text),
            Some(Err(message)) => {
                Err(CompileError::new(ErrorKind::Syntax, format!("(unicode error) {message}")))
            }
        },
    }
}

fn utf8(bytes: &[u8], filename: &str, declared: bool) -> Result<String> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.to_string()),
        Err(error) => error,
    };
    let at = error.valid_up_to();
    let byte = bytes.get(at).copied().unwrap_or(0);
    let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    if !declared && !filename.starts_with('<') {
        let message = format!(
            "Non-UTF-8 code starting with '\\x{byte:02x}' in file {filename} on line {line}, but no encoding \
             declared; see https://peps.python.org/pep-0263/ for details"
        );
        return Err(CompileError { line: line as u32, ..CompileError::new(ErrorKind::Syntax, message) });
    }
    let line_start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let reason = match byte {
        0x80..=0xC1 | 0xF5..=0xFF => "invalid start byte",
        _ if error.error_len().is_none() => "unexpected end of data",
        _ => "invalid continuation byte",
    };
    let position = at - line_start;
    let message = format!(
        "(unicode error) 'utf-8' codec can't decode byte 0x{byte:02x} in position {position}: {reason}"
    );
    Err(CompileError { line: line as u32, ..CompileError::new(ErrorKind::Syntax, message) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Result<String, String> {
        let mut decoder = |name: &str, _: &[u8]| (name == "cp437").then(|| Ok("437".to_string()));
        decode_source(bytes, "<string>", &mut decoder).map_err(|error| error.message)
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
        let message =
            "(unicode error) 'utf-8' codec can't decode byte 0xff in position 1: invalid start byte";
        assert_eq!(decode(b"'\xff'"), Err(message.into()));
    }
}
