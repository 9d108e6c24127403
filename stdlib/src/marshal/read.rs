//! Reading values.
//!
//! What must hold for references: a slot is open while its value is read. Lists, dicts and sets fill theirs before their
//! items are read, so that they may contain themselves. A tuple is made when its items are there: a list or dict in it that
//! refers to it gets the tuple afterwards (`Fix`). Nothing else may refer to an open slot.

use super::{MAX_DEPTH, tag};
use num_bigint::{BigInt, BigUint, Sign};
use orochi_objects::error::{PyErr, PyResult, eof_error, type_error, value_error};
use orochi_objects::types::bytearray::PyByteArray;
use orochi_objects::types::dict::PyDict;
use orochi_objects::types::list::PyList;
use orochi_objects::types::{bytes, code, complex, dict, float, int, list, set, slice, tuple};
use orochi_objects::{Owned, PyClass, Ref, Thread, Value, buffer, protocol};
use orochi_text::wtf8::Wtf8;
use std::borrow::Cow;
use std::sync::Arc;

/// Where the bytes come from.
pub(super) enum Source<'a> {
    /// What is left of these.
    Bytes(&'a [u8]),
    /// The `readinto` of a file: exactly what is needed is read, so that the file stands behind the value afterwards.
    File(Value),
}

/// The value at the start of the source. EOFError, ValueError or TypeError for garbage.
pub(super) fn read(thread: &mut Thread, source: Source<'_>, allow_code: bool) -> PyResult {
    let mut reader = Reader { source, slots: Vec::new(), fixes: Vec::new(), allow_code };
    match reader.next(thread, 0)? {
        Next::Value(value) => Ok(value),
        Next::End => Err(type_error("NULL object in marshal data for object")),
        Next::Open(_) => Err(bad("invalid reference")),
    }
}

struct Reader<'a> {
    source: Source<'a>,
    slots: Vec<Slot>,
    fixes: Vec<(usize, Fix)>,
    allow_code: bool,
}

enum Slot {
    Open { is_tuple: bool },
    Done(Value),
}

/// Where a tuple goes that was referred to before it was there.
enum Fix {
    Item(Owned<PyList>, usize),
    Value(Owned<PyDict>, Value),
}

/// What comes next.
enum Next {
    Value(Value),
    /// The mark that ends a dict.
    End,
    /// A reference to a tuple that is being read.
    Open(usize),
}

fn too_short() -> PyErr {
    eof_error("marshal data too short")
}

fn bad(what: &str) -> PyErr {
    value_error(format!("bad marshal data ({what})"))
}

fn null(what: &str) -> PyErr {
    type_error(format!("NULL object in marshal data for {what}"))
}

/// Reads exactly so many bytes of a file.
fn read_file(thread: &mut Thread, readinto: Ref<'_>, length: usize) -> PyResult<Vec<u8>> {
    let size = int::new(thread, length as i64)?;
    let buffer = protocol::call(thread, PyByteArray::static_type().get().get(), &[size.get()])?;
    let got = protocol::call(thread, readinto, &[buffer.get()])?;
    match usize::try_from(int::index_clamped(thread, got.get())?) {
        Ok(got) if got > length => Err(value_error(format!(
            "read() returned too much data: {length} bytes requested, {got} returned"
        ))),
        Ok(got) if got == length => buffer::bytes_of(thread, buffer.get()).map(buffer::ArgBytes::into_vec),
        _ => Err(eof_error("EOF read where not expected")),
    }
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, thread: &mut Thread, length: usize) -> PyResult<Cow<'a, [u8]>> {
        match &mut self.source {
            Source::Bytes(rest) => {
                let (taken, left) = rest.split_at_checked(length).ok_or_else(too_short)?;
                *rest = left;
                Ok(Cow::Borrowed(taken))
            }
            Source::File(readinto) => read_file(thread, readinto.get(), length).map(Cow::Owned),
        }
    }

    fn array<const N: usize>(&mut self, thread: &mut Thread) -> PyResult<[u8; N]> {
        let taken = self.bytes(thread, N)?;
        taken.first_chunk::<N>().copied().ok_or_else(too_short)
    }

    fn number(&mut self, thread: &mut Thread) -> PyResult<i32> {
        Ok(i32::from_le_bytes(self.array(thread)?))
    }

    fn length(&mut self, thread: &mut Thread, what: &str) -> PyResult<usize> {
        usize::try_from(self.number(thread)?).map_err(|_| bad(&format!("{what} size out of range")))
    }

    fn blob(&mut self, thread: &mut Thread, what: &str) -> PyResult<Cow<'a, [u8]>> {
        let length = self.length(thread, what)?;
        self.bytes(thread, length)
    }

    fn float(&mut self, thread: &mut Thread) -> PyResult<f64> {
        Ok(f64::from_le_bytes(self.array(thread)?))
    }

    /// A float as old versions wrote it: text.
    fn text_float(&mut self, thread: &mut Thread) -> PyResult<f64> {
        let [length] = self.array(thread)?;
        let text = self.bytes(thread, length.into())?;
        orochi_text::float::parse(&text).ok_or_else(|| bad("float"))
    }

    fn items(&mut self, thread: &mut Thread, count: usize, depth: usize, what: &str) -> PyResult<Vec<Value>> {
        // The count may be a lie: room for more comes as they come.
        let mut items = Vec::with_capacity(count.min(1024));
        for _ in 0..count {
            items.push(self.item(thread, depth, what)?);
        }
        Ok(items)
    }

    fn item(&mut self, thread: &mut Thread, depth: usize, what: &str) -> PyResult {
        match self.next(thread, depth + 1)? {
            Next::Value(value) => Ok(value),
            Next::End => Err(null(what)),
            Next::Open(_) => Err(bad("invalid reference")),
        }
    }

    /// The value of a slot is there, before its content if that may refer to it.
    fn fill(&mut self, slot: Option<usize>, value: &Value) {
        if let Some(slot) = slot.and_then(|slot| self.slots.get_mut(slot)) {
            *slot = Slot::Done(value.clone());
        }
    }

    fn next(&mut self, thread: &mut Thread, depth: usize) -> PyResult<Next> {
        if depth >= MAX_DEPTH || thread.native_stack_low() {
            return Err(value_error("recursion limit exceeded"));
        }
        let [byte] = self.array(thread)?;
        let tag = byte & !tag::FLAG_REF;
        let slot = (byte & tag::FLAG_REF != 0).then_some(self.slots.len());
        if slot.is_some() {
            self.slots.push(Slot::Open { is_tuple: matches!(tag, tag::TUPLE | tag::SMALL_TUPLE) });
        }
        let value = match tag {
            tag::NULL => return Ok(Next::End),
            tag::REF => return self.reference(thread),
            tag::NONE => Value::NONE,
            tag::FALSE => Value::FALSE,
            tag::TRUE => Value::TRUE,
            tag::ELLIPSIS => Value::ELLIPSIS,
            tag::STOP_ITERATION => orochi_objects::types::exception::StopIteration.get().to_value(),
            tag::INT => {
                let number = self.number(thread)?;
                int::new(thread, number.into())?
            }
            tag::INT64 => {
                let number = self.array(thread)?;
                int::new(thread, i64::from_le_bytes(number))?
            }
            tag::LONG => self.long(thread)?,
            tag::FLOAT => {
                let number = self.text_float(thread)?;
                float::new(thread, number)?
            }
            tag::BINARY_FLOAT => {
                let number = self.float(thread)?;
                float::new(thread, number)?
            }
            tag::COMPLEX => {
                let (real, imag) = (self.text_float(thread)?, self.text_float(thread)?);
                complex::new(thread, real, imag)?
            }
            tag::BINARY_COMPLEX => {
                let (real, imag) = (self.float(thread)?, self.float(thread)?);
                complex::new(thread, real, imag)?
            }
            other => self.compound(thread, other, slot, depth)?,
        };
        self.fill(slot, &value);
        Ok(Next::Value(value))
    }

    fn reference(&mut self, thread: &mut Thread) -> PyResult<Next> {
        let index = usize::try_from(self.number(thread)?).unwrap_or(usize::MAX);
        match self.slots.get(index) {
            Some(Slot::Done(value)) => Ok(Next::Value(value.clone())),
            Some(Slot::Open { is_tuple: true }) => Ok(Next::Open(index)),
            _ => Err(bad("invalid reference")),
        }
    }

    fn compound(&mut self, thread: &mut Thread, byte: u8, slot: Option<usize>, depth: usize) -> PyResult {
        match byte {
            tag::BYTES => {
                let content = self.blob(thread, "bytes object")?;
                bytes::new(thread, &content)
            }
            tag::UNICODE | tag::ASCII | tag::INTERNED | tag::ASCII_INTERNED => {
                let text = self.blob(thread, "string")?;
                text_object(thread, &text, matches!(byte, tag::INTERNED | tag::ASCII_INTERNED))
            }
            tag::SHORT_ASCII | tag::SHORT_ASCII_INTERNED => {
                let [length] = self.array(thread)?;
                let text = self.bytes(thread, length.into())?;
                text_object(thread, &text, byte == tag::SHORT_ASCII_INTERNED)
            }
            tag::TUPLE | tag::SMALL_TUPLE => {
                let count = match byte {
                    tag::TUPLE => self.length(thread, "tuple")?,
                    _ => self.array::<1>(thread)?[0].into(),
                };
                self.tuple(thread, count, slot, depth)
            }
            tag::LIST => self.list(thread, slot, depth),
            tag::SET => self.set(thread, slot, depth),
            tag::FROZENSET => {
                let count = self.length(thread, "set")?;
                let items = self.items(thread, count, depth, "set")?;
                let items: Vec<Ref<'_>> = items.iter().map(Value::get).collect();
                Ok(set::frozen_from_values(thread, &items)?.into_value())
            }
            tag::DICT => self.dict(thread, slot, depth),
            tag::SLICE => {
                let parts = self.items(thread, 3, depth, "slice")?;
                let parts: Vec<Ref<'_>> = parts.iter().map(Value::get).collect();
                protocol::call(thread, slice::PySlice::static_type().get().get(), &parts)
            }
            tag::CODE => self.code(thread),
            _ => Err(bad("unknown type code")),
        }
    }

    fn tuple(&mut self, thread: &mut Thread, count: usize, slot: Option<usize>, depth: usize) -> PyResult {
        let items = self.items(thread, count, depth, "tuple")?;
        let made = tuple::new(thread, items)?.into_value();
        let Some(slot) = slot else { return Ok(made) };
        let mut others = Vec::new();
        for (wanted, fix) in std::mem::take(&mut self.fixes) {
            match fix {
                fix if wanted != slot => others.push((wanted, fix)),
                Fix::Item(list, index) => {
                    let index = int::new(thread, index as i64)?;
                    protocol::set_item(thread, list.get(), index.get(), Some(made.get()))?;
                }
                Fix::Value(dict, key) => dict::set_item(thread, &dict, key.get(), made.clone())?,
            }
        }
        self.fixes = others;
        Ok(made)
    }

    fn list(&mut self, thread: &mut Thread, slot: Option<usize>, depth: usize) -> PyResult {
        let count = self.length(thread, "list")?;
        let made = list::new(thread, Vec::new())?;
        self.fill(slot, &made.to_value());
        for i in 0..count {
            let value = match self.next(thread, depth + 1)? {
                Next::Value(value) => value,
                Next::End => return Err(null("list")),
                Next::Open(slot) => {
                    self.fixes.push((slot, Fix::Item(Owned::clone(&made), i)));
                    Value::NONE
                }
            };
            list::push(thread, &made, value)?;
        }
        Ok(made.into_value())
    }

    fn set(&mut self, thread: &mut Thread, slot: Option<usize>, depth: usize) -> PyResult {
        let count = self.length(thread, "set")?;
        let made = set::new(thread)?;
        self.fill(slot, &made.to_value());
        for _ in 0..count {
            let item = self.item(thread, depth, "set")?;
            set::add(thread, &made, item.get())?;
        }
        Ok(made.into_value())
    }

    fn dict(&mut self, thread: &mut Thread, slot: Option<usize>, depth: usize) -> PyResult {
        let made = dict::new(thread)?;
        self.fill(slot, &made.to_value());
        loop {
            let key = match self.next(thread, depth + 1)? {
                Next::Value(key) => key,
                Next::End => return Ok(made.into_value()),
                Next::Open(_) => return Err(bad("invalid reference")),
            };
            let value = match self.next(thread, depth + 1)? {
                Next::Value(value) => value,
                Next::End => return Ok(made.into_value()),
                Next::Open(slot) => {
                    self.fixes.push((slot, Fix::Value(Owned::clone(&made), key.clone())));
                    Value::NONE
                }
            };
            dict::set_item(thread, &made, key.get(), value)?;
        }
    }

    fn long(&mut self, thread: &mut Thread) -> PyResult {
        let count = self.number(thread)?;
        let digits = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        let raw = self.bytes(thread, digits.checked_mul(2).ok_or_else(too_short)?)?;
        let mut numbers = raw.chunks_exact(2).map(|pair| match pair {
            [low, high] => u16::from_le_bytes([*low, *high]),
            _ => 0,
        });
        if numbers.clone().any(|digit| digit > 0x7FFF) {
            return Err(bad("digit out of range in long"));
        }
        if numbers.clone().next_back() == Some(0) {
            return Err(bad("unnormalized long data"));
        }
        let magnitude = numbers.try_rfold(BigUint::ZERO, |sum, digit| Some((sum << 15) + digit));
        let sign = if count < 0 { Sign::Minus } else { Sign::Plus };
        int::from_big(thread, BigInt::from_biguint(sign, magnitude.unwrap_or_default()))
    }

    fn code(&mut self, thread: &mut Thread) -> PyResult {
        if !self.allow_code {
            return Err(value_error("unmarshalling code objects is disallowed"));
        }
        let content = self.blob(thread, "code")?;
        let filename = self.blob(thread, "string")?;
        let filename: Arc<str> = std::str::from_utf8(&filename).map_err(|_| bad("file name"))?.into();
        let compiled = orochi_compiler::serialize::from_bytes(content.into_owned().into(), &filename)
            .map_err(|error| value_error(format!("bad marshal data ({error})")))?;
        Ok(code::new(thread, compiled)?.into_value())
    }
}

fn text_object(thread: &mut Thread, bytes: &[u8], interned: bool) -> PyResult {
    let Some(text) = Wtf8::from_bytes(bytes) else { return Err(bad("invalid text")) };
    if interned {
        return Ok(orochi_objects::interned::intern(text)?.to_value());
    }
    orochi_objects::str::from_wtf8(thread, text)
}
