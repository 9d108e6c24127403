//! Writing values.

use super::{MAX_DEPTH, tag};
use num_bigint::{BigInt, Sign};
use orochi_objects::error::{PyResult, value_error};
use orochi_objects::types::int::{self, IntRef};
use orochi_objects::types::{code, complex, dict, float, list, slice, str as string, tuple};
use orochi_objects::{PyClass, Ref, Thread, Value, class_of, protocol};

/// The bytes of a value. ValueError if it, or something in it, has none.
pub(super) fn to_bytes(thread: &mut Thread, value: Ref<'_>, allow_code: bool) -> PyResult<Vec<u8>> {
    let mut writer = Writer { out: Vec::new(), allow_code };
    writer.value(thread, value, 0)?;
    Ok(writer.out)
}

struct Writer {
    out: Vec<u8>,
    allow_code: bool,
}

fn unmarshallable() -> orochi_objects::PyErr {
    value_error("unmarshallable object")
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

    fn items(&mut self, thread: &mut Thread, tag: u8, items: &[Value], depth: usize) -> PyResult<()> {
        self.out.push(tag);
        self.length(items.len())?;
        items.iter().try_for_each(|item| self.value(thread, item.get(), depth + 1))
    }

    fn value(&mut self, thread: &mut Thread, value: Ref<'_>, depth: usize) -> PyResult<()> {
        if depth > MAX_DEPTH {
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
        let exact =
            |class: &'static orochi_objects::StaticType| orochi_objects::class::is_exact(value, class);
        if exact(int::PyInt::static_type()) {
            return self.int(value);
        }
        if exact(float::PyFloat::static_type()) {
            self.out.push(tag::BINARY_FLOAT);
            self.out.extend_from_slice(&float::value(value).unwrap_or(0.0).to_le_bytes());
            return Ok(());
        }
        if exact(string::PyStr::static_type()) {
            return self.text(value);
        }
        self.container(thread, value, depth)
    }

    fn container(&mut self, thread: &mut Thread, value: Ref<'_>, depth: usize) -> PyResult<()> {
        let name = class_of(value).name();
        if let Some(items) = value.downcast::<tuple::PyTuple>().filter(|_| name == "tuple") {
            let items: Vec<Value> = items.items().map(Ref::to_owned).collect();
            return self.items(thread, tag::TUPLE, &items, depth);
        }
        if let Some(items) = value.downcast::<list::PyList>().filter(|_| name == "list") {
            let items = list::values(thread, items)?;
            return self.items(thread, tag::LIST, &items, depth);
        }
        if let Some(items) = value.downcast::<dict::PyDict>().filter(|_| name == "dict") {
            self.out.push(tag::DICT);
            for entry in dict::entries(thread, items)? {
                self.value(thread, entry.key.get(), depth + 1)?;
                self.value(thread, entry.value.get(), depth + 1)?;
            }
            self.out.push(tag::NULL);
            return Ok(());
        }
        if name == "set" || name == "frozenset" {
            let items = protocol::collect(thread, value)?;
            let tag = if name == "set" { tag::SET } else { tag::FROZENSET };
            return self.items(thread, tag, &items, depth);
        }
        if let Some((real, imag)) = complex::value(value) {
            self.out.push(tag::BINARY_COMPLEX);
            self.out.extend_from_slice(&real.to_le_bytes());
            self.out.extend_from_slice(&imag.to_le_bytes());
            return Ok(());
        }
        if value.downcast::<slice::PySlice>().is_some() {
            self.out.push(tag::SLICE);
            for part in ["start", "stop", "step"] {
                let part = protocol::get_attr_str(thread, value, part)?;
                self.value(thread, part.get(), depth + 1)?;
            }
            return Ok(());
        }
        if let Some(code) = value.downcast::<code::PyCode>() {
            return self.code(code);
        }
        match orochi_objects::buffer::bytes_of(thread, value) {
            Ok(bytes) => self.blob(tag::BYTES, &bytes.into_vec()),
            Err(_) => Err(unmarshallable()),
        }
    }

    fn code(&mut self, code: &code::PyCode) -> PyResult<()> {
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
        let Some(text) = value.downcast::<string::PyStr>() else { return Err(unmarshallable()) };
        let bytes = text.as_bytes();
        match (u8::try_from(bytes.len()), text.is_ascii(), text.is_interned()) {
            (Ok(length), true, interned) => {
                self.out.push(if interned { tag::SHORT_ASCII_INTERNED } else { tag::SHORT_ASCII });
                self.out.push(length);
                self.out.extend_from_slice(bytes);
                Ok(())
            }
            (_, _, true) => self.blob(tag::INTERNED, bytes),
            _ => self.blob(tag::UNICODE, bytes),
        }
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
