//! Writing values.

use super::{MAX_DEPTH, tag};
use num_bigint::{BigInt, Sign};
use orochi_objects::error::{PyResult, runtime_error, value_error};
use orochi_objects::types::code::PyCode;
use orochi_objects::types::complex::PyComplex;
use orochi_objects::types::float::PyFloat;
use orochi_objects::types::int::{self, IntRef};
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::set::{PyFrozenSet, PySet};
use orochi_objects::types::slice::PySlice;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::{complex, dict, float};
use orochi_objects::{Obj, PyClass, PyDict, Ref, Thread, Value, protocol};
use std::collections::HashMap;

/// The bytes of a value in some version of the format. ValueError if it, or something in it, has none.
pub(super) fn to_bytes(
    thread: &mut Thread,
    value: Ref<'_>,
    version: i64,
    allow_code: bool,
) -> PyResult<Vec<u8>> {
    let mut writer = Writer { out: Vec::new(), kept: HashMap::new(), version, allow_code };
    writer.value(thread, value, 0)?;
    Ok(writer.out)
}

struct Writer {
    out: Vec<u8>,
    /// The objects that were written, by address, so that they are written once.
    kept: HashMap<u64, Kept>,
    version: i64,
    allow_code: bool,
}

/// An object that was written.
struct Kept {
    index: u32,
    /// It is being written, and is of a kind that can't contain itself.
    is_open: bool,
    /// Keeps the address from being taken by another object.
    _object: Value,
}

#[cold]
fn unmarshallable() -> orochi_objects::PyErr {
    value_error("unmarshallable object")
}

fn exact<T: PyClass>(value: Ref<'_>) -> bool {
    orochi_objects::class::is_exact(value, T::static_type())
}

fn exactly<T: PyClass>(value: Ref<'_>) -> Option<&Obj<T>> {
    value.downcast::<T>().filter(|_| exact::<T>(value))
}

impl Writer {
    fn length(&mut self, length: usize) -> PyResult<()> {
        let length = i32::try_from(length).map_err(|_| unmarshallable())?;
        self.out.extend_from_slice(&length.to_le_bytes());
        Ok(())
    }

    fn blob(&mut self, tag: u8, bytes: &[u8]) -> PyResult<()> {
        self.out.push(tag);
        self.length(bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn items(&mut self, thread: &mut Thread, items: &[Value], depth: usize) -> PyResult<()> {
        items.iter().try_for_each(|item| self.value(thread, item.get(), depth + 1))
    }

    fn value(&mut self, thread: &mut Thread, value: Ref<'_>, depth: usize) -> PyResult<()> {
        if depth >= MAX_DEPTH || thread.native_stack_low() {
            return Err(value_error("object too deeply nested to marshal"));
        }
        let constant = [
            (Ref::NONE, tag::NONE),
            (Ref::TRUE, tag::TRUE),
            (Ref::FALSE, tag::FALSE),
            (Ref::ELLIPSIS, tag::ELLIPSIS),
            (orochi_objects::types::exception::StopIteration.get().get(), tag::STOP_ITERATION),
        ];
        if let Some((_, tag)) = constant.iter().find(|(constant, _)| constant.is(value)) {
            self.out.push(*tag);
            return Ok(());
        }
        if self.version < 3 || value.header().is_none() {
            return self.content(thread, value, depth);
        }
        if let Some(kept) = self.kept.get(&value.word()) {
            if kept.is_open {
                return Err(value_error("object refers to itself while it is being marshalled"));
            }
            self.out.push(tag::REF);
            self.out.extend_from_slice(&kept.index.to_le_bytes());
            return Ok(());
        }
        self.keep(thread, value, depth)
    }

    /// Writes an object that may be met again.
    fn keep(&mut self, thread: &mut Thread, value: Ref<'_>, depth: usize) -> PyResult<()> {
        let index = u32::try_from(self.kept.len()).map_err(|_| unmarshallable())?;
        let is_open = exact::<PyFrozenSet>(value) || exact::<PySlice>(value) || exact::<PyCode>(value);
        self.kept.insert(value.word(), Kept { index, is_open, _object: value.to_owned() });
        let start = self.out.len();
        self.content(thread, value, depth)?;
        if let Some(kept) = self.kept.get_mut(&value.word()) {
            kept.is_open = false;
        }
        if let Some(tag) = self.out.get_mut(start) {
            *tag |= tag::FLAG_REF;
        }
        Ok(())
    }

    fn content(&mut self, thread: &mut Thread, value: Ref<'_>, depth: usize) -> PyResult<()> {
        if exact::<int::PyInt>(value) {
            return self.int(value);
        }
        if exact::<PyFloat>(value) {
            return self.floats(&[float::value(value).unwrap_or(0.0)], [tag::FLOAT, tag::BINARY_FLOAT]);
        }
        if exact::<PyStr>(value) {
            return self.text(value);
        }
        if exact::<PyComplex>(value) {
            let (real, imag) = complex::value(value).unwrap_or_default();
            return self.floats(&[real, imag], [tag::COMPLEX, tag::BINARY_COMPLEX]);
        }
        self.container(thread, value, depth)
    }

    /// Floats, as text (the first tag) in old versions.
    fn floats(&mut self, values: &[f64], [text, binary]: [u8; 2]) -> PyResult<()> {
        self.out.push(if self.version > 1 { binary } else { text });
        for value in values {
            if self.version > 1 {
                self.out.extend_from_slice(&value.to_le_bytes());
                continue;
            }
            let text = orochi_text::float::repr(*value);
            self.out.push(u8::try_from(text.len()).map_err(|_| unmarshallable())?);
            self.out.extend_from_slice(text.as_bytes());
        }
        Ok(())
    }

    fn container(&mut self, thread: &mut Thread, value: Ref<'_>, depth: usize) -> PyResult<()> {
        if let Some(items) = exactly::<PyTuple>(value) {
            let items: Vec<Value> = items.items().map(Ref::to_owned).collect();
            match u8::try_from(items.len()) {
                Ok(count) if self.version >= 4 => self.out.extend_from_slice(&[tag::SMALL_TUPLE, count]),
                _ => {
                    self.out.push(tag::TUPLE);
                    self.length(items.len())?;
                }
            }
            return self.items(thread, &items, depth);
        }
        if let Some(items) = exactly::<PyList>(value) {
            let items = list::values(thread, items)?;
            self.out.push(tag::LIST);
            self.length(items.len())?;
            return self.items(thread, &items, depth);
        }
        if let Some(items) = exactly::<PyDict>(value) {
            self.out.push(tag::DICT);
            for entry in dict::entries(thread, items)? {
                self.value(thread, entry.key.get(), depth + 1)?;
                self.value(thread, entry.value.get(), depth + 1)?;
            }
            self.out.push(tag::NULL);
            return Ok(());
        }
        if exact::<PySet>(value) {
            return self.set(thread, tag::SET, value, depth);
        }
        if exact::<PyFrozenSet>(value) {
            return self.set(thread, tag::FROZENSET, value, depth);
        }
        if exact::<PySlice>(value) && self.version >= 5 {
            self.out.push(tag::SLICE);
            for part in ["start", "stop", "step"] {
                let part = protocol::get_attr_str(thread, value, part)?;
                self.value(thread, part.get(), depth + 1)?;
            }
            return Ok(());
        }
        if let Some(code) = exactly::<PyCode>(value) {
            return self.code(code);
        }
        match orochi_objects::buffer::bytes_if_any(thread, value)? {
            Some(bytes) => self.blob(tag::BYTES, &bytes),
            None => Err(unmarshallable()),
        }
    }

    /// The items of a set, sorted by their bytes: their order must not depend on hashes.
    fn set(&mut self, thread: &mut Thread, tag: u8, value: Ref<'_>, depth: usize) -> PyResult<()> {
        self.out.push(tag);
        let items = protocol::collect(thread, value)?;
        self.length(items.len())?;
        let mut sorted = Vec::with_capacity(items.len());
        for item in items {
            let bytes = to_bytes(thread, item.get(), self.version, self.allow_code)?;
            sorted.push((bytes, item));
        }
        if protocol::len(thread, value)? != sorted.len() {
            return Err(runtime_error("set changed size during iteration"));
        }
        sorted.sort_by(|one, other| one.0.cmp(&other.0));
        sorted.iter().try_for_each(|(_, item)| self.value(thread, item.get(), depth + 1))
    }

    fn code(&mut self, code: &PyCode) -> PyResult<()> {
        if !self.allow_code {
            return Err(value_error("marshalling code objects is disallowed"));
        }
        let filename = code.code.filename.clone();
        self.blob(tag::CODE, &orochi_compiler::serialize::to_bytes(&code.code))?;
        self.length(filename.len())?;
        self.out.extend_from_slice(filename.as_bytes());
        Ok(())
    }

    fn text(&mut self, value: Ref<'_>) -> PyResult<()> {
        let Some(text) = value.downcast::<PyStr>() else { return Err(unmarshallable()) };
        let bytes = text.as_bytes();
        let is_interned = text.is_interned() && self.version >= 3;
        if self.version < 4 || !text.is_ascii() {
            return self.blob(if is_interned { tag::INTERNED } else { tag::UNICODE }, bytes);
        }
        let Ok(length) = u8::try_from(bytes.len()) else {
            return self.blob(if is_interned { tag::ASCII_INTERNED } else { tag::ASCII }, bytes);
        };
        self.out.push(if is_interned { tag::SHORT_ASCII_INTERNED } else { tag::SHORT_ASCII });
        self.out.push(length);
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn int(&mut self, value: Ref<'_>) -> PyResult<()> {
        let value = int::value(value).unwrap_or(IntRef::Small(0));
        if let Some(small) = value.to_i64().and_then(|value| i32::try_from(value).ok()) {
            self.out.push(tag::INT);
            self.out.extend_from_slice(&small.to_le_bytes());
            return Ok(());
        }
        let big: BigInt = value.to_big().into_owned();
        // Digits of 15 bits, their number negative for negative ints.
        let digits = big.magnitude().to_radix_le(1 << 8);
        let digits = fifteen_bits(&digits);
        let count = i32::try_from(digits.len()).map_err(|_| unmarshallable())?;
        let count = if big.sign() == Sign::Minus { -count } else { count };
        self.out.push(tag::LONG);
        self.out.extend_from_slice(&count.to_le_bytes());
        digits.iter().for_each(|digit| self.out.extend_from_slice(&digit.to_le_bytes()));
        Ok(())
    }
}

/// Bytes, little-endian, as digits of 15 bits.
fn fifteen_bits(bytes: &[u8]) -> Vec<u16> {
    let mut digits = Vec::with_capacity(bytes.len() * 8 / 15 + 1);
    let (mut pending, mut bits) = (0u32, 0);
    for &byte in bytes {
        pending |= u32::from(byte) << bits;
        bits += 8;
        if bits >= 15 {
            digits.push((pending & 0x7FFF) as u16);
            pending >>= 15;
            bits -= 15;
        }
    }
    if pending != 0 {
        digits.push(pending as u16);
    }
    digits
}
