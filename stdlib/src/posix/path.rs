//! Work on path texts that `posixpath` leaves to native code.

use crate::os_support;
use orochi_macros::pyfunction;
use orochi_objects::types::bytes;
use orochi_objects::types::str::PyStr;
use orochi_objects::{PyResult, Ref, Thread, str, tuple};
use orochi_text::wtf8::Wtf8Buf;

/// The bytes of a path and whether it is a bytes object.
fn text_of(thread: &mut Thread, path: Ref<'_>) -> PyResult<(Vec<u8>, bool)> {
    let path = os_support::fspath(thread, path)?;
    Ok(match path.get().downcast::<PyStr>() {
        Some(text) => (text.as_bytes().to_vec(), false),
        None => (bytes::value(path.get()).unwrap_or_default().to_vec(), true),
    })
}

fn back(thread: &Thread, text: Vec<u8>, is_bytes: bool) -> PyResult {
    if is_bytes {
        return bytes::new(thread, &text);
    }
    // A text that was cut at slashes only is still valid.
    match Wtf8Buf::from_bytes(text) {
        Ok(text) => str::from_wtf8(thread, &text),
        Err(bytes) => str::from_wtf8(thread, &os_support::decode_escaped(&bytes)),
    }
}

/// Return the path itself, or the path in which the process runs, of this native function.
#[pyfunction]
#[signature(path)]
pub(super) fn fspath(thread: &mut Thread, path: Ref<'_>) -> PyResult {
    os_support::fspath(thread, path)
}

/// Normalize path, eliminating double slashes, etc.
#[pyfunction]
#[signature(path)]
pub(super) fn _path_normpath(thread: &mut Thread, path: Ref<'_>) -> PyResult {
    let (text, is_bytes) = text_of(thread, path)?;
    back(thread, normalised(&text), is_bytes)
}

/// POSIX lets exactly two leading slashes mean something else than one.
fn root(text: &[u8]) -> &'static [u8] {
    match text.iter().take_while(|byte| **byte == b'/').count() {
        0 => b"",
        2 => b"//",
        _ => b"/",
    }
}

fn normalised(text: &[u8]) -> Vec<u8> {
    let start = root(text);
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in text.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if start.is_empty() && parts.last().is_none_or(|last| *last == b"..") => parts.push(part),
            b".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let joined = [start, &parts.join(&b'/')].concat();
    if joined.is_empty() { b".".to_vec() } else { joined }
}

/// Split a pathname into drive, root and tail.
///
/// The tail contains anything after the root.
#[pyfunction]
#[signature(p)]
pub(super) fn _path_splitroot_ex(thread: &mut Thread, p: Ref<'_>) -> PyResult {
    let (text, is_bytes) = text_of(thread, p)?;
    let start = root(&text);
    let tail = text.get(start.len()..).unwrap_or_default().to_vec();
    let values = vec![
        back(thread, Vec::new(), is_bytes)?,
        back(thread, start.to_vec(), is_bytes)?,
        back(thread, tail, is_bytes)?,
    ];
    Ok(tuple::new(thread, values)?.into_value())
}
