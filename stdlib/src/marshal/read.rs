//! Reading values.

use super::{MAX_DEPTH, tag};
use num_bigint::{BigInt, BigUint, Sign};
use orochi_objects::error::{PyErr, PyResult, eof_error, type_error, value_error};
use orochi_objects::types::{bytes, code, complex, dict, float, int, list, set, slice, tuple};
use orochi_objects::{PyClass, Ref, Thread, Value, protocol};
use orochi_text::wtf8::Wtf8;
use std::sync::Arc;

/// The value at the start of the bytes, and how many bytes it took. EOFError, ValueError or TypeError for garbage.
pub(super) fn from_bytes(thread: &mut Thread, bytes: &[u8], allow_code: bool) -> PyResult<(Value, usize)> {
    let mut reader = Reader { rest: bytes, refs: Vec::new(), allow_code };
    match reader.value(thread, 0)? {
        Some(value) => Ok((value, bytes.len() - reader.rest.len())),
        None => Err(type_error("NULL object in marshal data for object")),
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    refs: Vec<Option<Value>>,
    allow_code: bool,
}

fn too_short() -> PyErr {
    eof_error("marshal data too short")
}

fn bad(what: &str) -> PyErr {
    value_error(format!("bad marshal data ({what})"))
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> PyResult<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(too_short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> PyResult<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or_else(too_short)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> PyResult<i32> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    fn length(&mut self, what: &str) -> PyResult<usize> {
        usize::try_from(self.number()?).map_err(|_| bad(&format!("{what} size out of range")))
    }

    fn blob(&mut self, what: &str) -> PyResult<&'a [u8]> {
        let length = self.length(what)?;
        self.bytes(length)
    }

    fn float(&mut self) -> PyResult<f64> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    fn items(&mut self, thread: &mut Thread, count: usize, depth: usize, what: &str) -> PyResult<Vec<Value>> {
        let mut items = Vec::with_capacity(count.min(self.rest.len()));
        for _ in 0..count {
            items.push(self.item(thread, depth, what)?);
        }
        Ok(items)
    }

    fn item(&mut self, thread: &mut Thread, depth: usize, what: &str) -> PyResult {
        self.value(thread, depth + 1)?
            .ok_or_else(|| type_error(format!("NULL object in marshal data for {what}")))
    }

    /// The next value; `None` for the mark that ends a dict.
    fn value(&mut self, thread: &mut Thread, depth: usize) -> PyResult<Option<Value>> {
        if depth > MAX_DEPTH {
            return Err(value_error("recursion limit exceeded"));
        }
        let [byte] = self.array()?;
        let keep = byte & tag::FLAG_REF != 0;
        let slot = self.refs.len();
        if keep {
            self.refs.push(None);
        }
        let value = match byte & !tag::FLAG_REF {
            tag::NULL => return Ok(None),
            tag::NONE => Value::NONE,
            tag::FALSE => Value::FALSE,
            tag::TRUE => Value::TRUE,
            tag::ELLIPSIS => Value::ELLIPSIS,
            tag::STOP_ITERATION => orochi_objects::types::exception::StopIteration.get().to_value(),
            tag::INT => int::new(thread, self.number()?.into())?,
            tag::LONG => self.long(thread)?,
            tag::BINARY_FLOAT => float::new(thread, self.float()?)?,
            tag::BINARY_COMPLEX => complex::new(thread, self.float()?, self.float()?)?,
            tag::REF => return self.reference().map(Some),
            other => self.compound(thread, other, depth)?,
        };
        if keep && let Some(kept) = self.refs.get_mut(slot) {
            *kept = Some(value.clone());
        }
        Ok(Some(value))
    }

    fn reference(&mut self) -> PyResult {
        let index = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        self.refs.get(index).cloned().flatten().ok_or_else(|| bad("invalid reference"))
    }

    fn compound(&mut self, thread: &mut Thread, byte: u8, depth: usize) -> PyResult {
        match byte {
            tag::BYTES => bytes::new(thread, self.blob("bytes object")?),
            tag::UNICODE | tag::ASCII => {
                let text = self.blob("string")?;
                text_object(thread, text, false)
            }
            tag::INTERNED | tag::ASCII_INTERNED => {
                let text = self.blob("string")?;
                text_object(thread, text, true)
            }
            tag::SHORT_ASCII | tag::SHORT_ASCII_INTERNED => {
                let [length] = self.array()?;
                let text = self.bytes(length.into())?;
                text_object(thread, text, byte == tag::SHORT_ASCII_INTERNED)
            }
            tag::TUPLE | tag::SMALL_TUPLE => {
                let count =
                    if byte == tag::TUPLE { self.length("tuple")? } else { self.array::<1>()?[0].into() };
                let items = self.items(thread, count, depth, "tuple")?;
                Ok(tuple::new(thread, items)?.into_value())
            }
            tag::LIST => {
                let count = self.length("list")?;
                let items = self.items(thread, count, depth, "list")?;
                Ok(list::new(thread, items)?.into_value())
            }
            tag::SET | tag::FROZENSET => {
                let count = self.length("set")?;
                let items = self.items(thread, count, depth, "set")?;
                let items = list::new(thread, items)?;
                let class = match byte {
                    tag::SET => set::PySet::static_type(),
                    _ => set::PyFrozenSet::static_type(),
                };
                protocol::call(thread, class.get().get(), &[items.get()])
            }
            tag::DICT => self.dict(thread, depth),
            tag::SLICE => {
                let parts = self.items(thread, 3, depth, "slice")?;
                let parts: Vec<Ref<'_>> = parts.iter().map(Value::get).collect();
                protocol::call(thread, slice::PySlice::static_type().get().get(), &parts)
            }
            tag::CODE => self.code(thread),
            _ => Err(bad("unknown type code")),
        }
    }

    fn dict(&mut self, thread: &mut Thread, depth: usize) -> PyResult {
        let made = dict::new(thread)?;
        while let Some(key) = self.value(thread, depth + 1)? {
            let value = self.item(thread, depth, "dict")?;
            dict::set_item(thread, &made, key.get(), value)?;
        }
        Ok(made.into_value())
    }

    fn long(&mut self, thread: &mut Thread) -> PyResult {
        let count = self.number()?;
        let digits = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        let raw = self.bytes(digits.checked_mul(2).ok_or_else(too_short)?)?;
        let mut magnitude = BigUint::ZERO;
        for pair in raw.chunks_exact(2).rev() {
            let digit = u16::from_le_bytes([pair[0], pair[1]]);
            if digit > 0x7FFF {
                return Err(bad("digit out of range in long"));
            }
            magnitude = (magnitude << 15) + digit;
        }
        let sign = if count < 0 { Sign::Minus } else { Sign::Plus };
        int::from_big(thread, BigInt::from_biguint(sign, magnitude))
    }

    fn code(&mut self, thread: &mut Thread) -> PyResult {
        if !self.allow_code {
            return Err(value_error("unmarshalling code objects is disallowed"));
        }
        let content = self.blob("code")?;
        let filename = self.blob("string")?;
        let filename: Arc<str> = std::str::from_utf8(filename).map_err(|_| bad("file name"))?.into();
        let compiled = orochi_compiler::serialize::from_bytes(content, &filename)
            .map_err(|error| value_error(format!("bad marshal data ({error})")))?;
        Ok(code::new(thread, Arc::new(compiled))?.into_value())
    }
}

fn text_object(thread: &mut Thread, bytes: &[u8], interned: bool) -> PyResult {
    let Some(text) = Wtf8::from_bytes(bytes) else { return Err(bad("invalid text")) };
    if interned {
        return Ok(orochi_objects::interned::intern(text)?.to_value());
    }
    orochi_objects::str::from_wtf8(thread, text)
}
