//! Codecs that are given by a table: `charmap_encode`, `charmap_decode`, `charmap_build`.

use super::{decoded, encoded};
use orochi_macros::{Trace, pyclass, pyfunction, pymethods};
use orochi_objects::buffer::ArgBytes;
use orochi_objects::codecs::errors::{CodecError, Errors};
use orochi_objects::error::{PyResult, type_error};
use orochi_objects::types::exception::LookupError;
use orochi_objects::types::int::IntRef;
use orochi_objects::types::str::PyStr;
use orochi_objects::{Obj, Ref, Thread, Value, bytes, int, make, protocol};
use orochi_text::codecs::charmap::{self, Code, DecodeTable, EncodeTable, Meaning};
use orochi_text::codecs::single;
use orochi_text::wtf8::{CodePoint, Wtf8Buf};

/// What `charmap_build` makes.
#[pyclass(name = "EncodingMap", module = "builtins", no_new)]
#[derive(Trace)]
pub(super) struct PyEncodingMap {
    #[trace(unsafe_skip)]
    table: EncodeTable,
}

#[pymethods]
impl PyEncodingMap {
    /// Return the size (in bytes) of this object.
    fn size(_this: &Obj<Self>) -> usize {
        size_of::<EncodeTable>()
    }
}

/// Makes the inverse of a decoding table.
#[pyfunction]
pub(super) fn charmap_build(thread: &mut Thread, map: &Obj<PyStr>) -> PyResult {
    let table = EncodeTable::new(map.as_wtf8());
    Ok(make(thread, PyEncodingMap { table })?.into_value())
}

/// What a mapping says about a byte.
fn meaning(thread: &mut Thread, mapping: Ref<'_>, byte: u8) -> PyResult<Meaning> {
    let key = int::new(thread, byte.into())?;
    let found = match protocol::get_item(thread, mapping, key.get()) {
        Ok(found) => found,
        Err(error) if error.matches(&LookupError) => return Ok(Meaning::Undefined),
        Err(error) => return Err(error),
    };
    if found.get().is_none() {
        return Ok(Meaning::Undefined);
    }
    if let Some(text) = found.get().downcast::<PyStr>() {
        let mut copy = Wtf8Buf::new();
        copy.push_wtf8(text.as_wtf8());
        let mut points = copy.code_points();
        return Ok(match (points.next(), points.next()) {
            (Some(c), None) if c.to_u32() == 0xFFFE => Meaning::Undefined,
            (Some(c), None) => Meaning::CodePoint(c),
            _ => Meaning::Text(copy),
        });
    }
    let Some(value) = int::value(found.get()) else {
        return Err(type_error("character mapping must return integer, None or str"));
    };
    match value.to_i64().and_then(|value| u32::try_from(value).ok()).and_then(CodePoint::from_u32) {
        Some(c) if c.to_u32() == 0xFFFE => Ok(Meaning::Undefined),
        Some(c) => Ok(Meaning::CodePoint(c)),
        None => Err(type_error("character mapping must be in range(0x110000)")),
    }
}

/// What a mapping says about a character.
fn code(thread: &mut Thread, mapping: Ref<'_>, c: CodePoint) -> PyResult<Code> {
    let key = int::new(thread, c.to_u32().into())?;
    let found: Value = match protocol::get_item(thread, mapping, key.get()) {
        Ok(found) => found,
        Err(error) if error.matches(&LookupError) => return Ok(Code::Undefined),
        Err(error) => return Err(error),
    };
    if found.get().is_none() {
        return Ok(Code::Undefined);
    }
    if let Some(bytes) = bytes::value(found.get()) {
        return Ok(Code::Bytes(bytes.to_vec()));
    }
    match int::value(found.get()).and_then(IntRef::to_i64) {
        Some(value) => match u8::try_from(value) {
            Ok(byte) => Ok(Code::Byte(byte)),
            Err(_) => Err(type_error("character mapping must be in range(256)")),
        },
        None => {
            let class = orochi_objects::class_of(found.get()).name();
            Err(type_error(format!("character mapping must return integer, bytes or None, not {class}")))
        }
    }
}

#[pyfunction]
#[signature(data, errors=None, mapping=None, /)]
pub(super) fn charmap_decode(
    thread: &mut Thread,
    data: ArgBytes<'_>,
    errors: Option<&str>,
    mapping: Option<Ref<'_>>,
) -> PyResult {
    let Some(mapping) = mapping.filter(|mapping| !mapping.is_none()) else {
        return decoded(thread, single::decode_latin1(&data));
    };
    let mut errors = Errors::new(errors);
    if let Some(table) = mapping.downcast::<PyStr>() {
        let table = DecodeTable::new(table.as_wtf8());
        let made = charmap::decode(
            &data,
            |byte| Ok(table.meaning(byte)),
            |error| errors.decode(thread, &data, error),
        )?;
        return decoded(thread, made);
    }
    // The mapping is asked before the handlers, which may run the program too.
    let mut meanings = Vec::with_capacity(256);
    let used = {
        let mut used = [false; 256];
        data.iter().for_each(|byte| {
            if let Some(place) = used.get_mut(usize::from(*byte)) {
                *place = true;
            }
        });
        used
    };
    for (byte, used) in (0..=u8::MAX).zip(used) {
        meanings.push(if used { meaning(thread, mapping, byte)? } else { Meaning::Undefined });
    }
    let made = charmap::decode(
        &data,
        |byte| Ok(meanings.get(usize::from(byte)).cloned().unwrap_or(Meaning::Undefined)),
        |error| errors.decode(thread, &data, error),
    )?;
    decoded(thread, made)
}

#[pyfunction]
#[signature(str, errors=None, mapping=None, /)]
pub(super) fn charmap_encode(
    thread: &mut Thread,
    str: &Obj<PyStr>,
    errors: Option<&str>,
    mapping: Option<Ref<'_>>,
) -> PyResult {
    let text = str.as_wtf8();
    let mut errors = Errors::new(errors);
    let Some(mapping) = mapping.filter(|mapping| !mapping.is_none()) else {
        let made = single::encode_latin1(text, |error| errors.encode(thread, str, error));
        return encoded(thread, str, made);
    };
    if let Some(map) = mapping.downcast::<PyEncodingMap>() {
        let made =
            charmap::encode(text, |c| Ok(map.table.code(c)), |error| errors.encode(thread, str, error));
        return encoded(thread, str, made);
    }
    let mut known = std::collections::HashMap::new();
    for c in text.code_points() {
        if let std::collections::hash_map::Entry::Vacant(entry) = known.entry(c) {
            entry.insert(code(thread, mapping, c)?);
        }
    }
    // A handler's replacement may hold other characters: '?' and what escapes consist of.
    for byte in b' '..=b'~' {
        let c = CodePoint::from_u8(byte);
        if known.values().any(|code| *code == Code::Undefined) && !known.contains_key(&c) {
            let meaning = code(thread, mapping, c)?;
            known.insert(c, meaning);
        }
    }
    let made = charmap::encode(
        text,
        |c| Ok::<Code, CodecError>(known.get(&c).cloned().unwrap_or(Code::Undefined)),
        |error| errors.encode(thread, str, error),
    );
    encoded(thread, str, made)
}
