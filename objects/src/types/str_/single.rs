//! The empty str and the strs of one Latin-1 character, of which there is one each, immortal.

use crate::error::PyResult;
use crate::types::str::{self, PyStr};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_text::wtf8::{CodePoint, Wtf8, Wtf8Buf};
use std::sync::OnceLock;

struct Table {
    empty: &'static Obj<PyStr>,
    characters: Vec<&'static Obj<PyStr>>,
}
// SAFETY: the objects are immortal and immutable but for caches that are atomic.
unsafe impl Sync for Table {}
// SAFETY: as above.
unsafe impl Send for Table {}

static TABLE: OnceLock<Table> = OnceLock::new();

#[inline]
fn table() -> PyResult<&'static Table> {
    if let Some(table) = TABLE.get() {
        return Ok(table);
    }
    let mut characters = Vec::with_capacity(256);
    for byte in 0..=u8::MAX {
        characters.push(crate::interned::intern(&Wtf8Buf::from(CodePoint::from_u8(byte)))?);
    }
    let table = Table { empty: crate::interned::intern(Wtf8::empty())?, characters };
    Ok(TABLE.get_or_init(|| table))
}

/// The empty str.
#[inline]
pub fn empty(_thread: &Thread) -> PyResult<Value> {
    Ok(table()?.empty.to_value())
}

/// The str of one code point.
#[inline]
pub fn character(thread: &Thread, c: CodePoint) -> PyResult<Value> {
    match u8::try_from(c.to_u32()) {
        Ok(byte) => latin1(thread, byte),
        Err(_) => str::of_character(thread, c),
    }
}

/// The str of one Latin-1 character, if those have been made.
#[inline(always)]
pub fn known(byte: u8) -> Option<Ref<'static>> {
    TABLE.get()?.characters.get(usize::from(byte)).map(|character| character.get())
}

/// The str of one Latin-1 character.
#[inline]
pub fn latin1(thread: &Thread, byte: u8) -> PyResult<Value> {
    match table()?.characters.get(usize::from(byte)) {
        Some(character) => Ok(character.to_value()),
        None => empty(thread),
    }
}

/// The shared object for this text, if it is so short that there is one.
#[inline]
pub fn shared(thread: &Thread, text: &Wtf8) -> Option<PyResult<Value>> {
    match text.as_bytes() {
        [] => Some(empty(thread)),
        [byte] => Some(latin1(thread, *byte)),
        _ => None,
    }
}
