//! Executing the opcodes of a pickle.

use super::opcodes::*;
use super::reader::Reader;
use super::unpickler::{Settings, Unpickler};
use super::unpickling_error;
use crate::support::import_attr;
use num_bigint::BigInt;
use orochi_objects::attributes;
use orochi_objects::class::exactly;
use orochi_objects::error::{overflow_error, type_error, value_error};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::int::{self, PyInt};
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::set::{self, PySet};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::types::{bytearray, bytes, float};
use orochi_objects::{
    Args, Field, Obj, PyClass, PyErr, PyResult, PyType, Ref, Thread, Value, class_of, name, protocol, str,
};
use orochi_text::wtf8::{Wtf8, Wtf8Buf};
use std::vec::Drain;

/// One `load`.
pub(super) struct Loader<'a> {
    unpickler: &'a Obj<Unpickler>,
    reader: Reader,
    settings: Settings,
    buffers: Option<Value>,
    persistent_load: Option<Value>,
    stack: Vec<Value>,
    marks: Vec<usize>,
}

fn underflow() -> PyErr {
    unpickling_error("unpickling stack underflow")
}

/// A length, if so many bytes can be.
fn length(len: u64, what: &str) -> PyResult<usize> {
    usize::try_from(len).ok().filter(|len| isize::try_from(*len).is_ok()).ok_or_else(|| {
        overflow_error(format!("{what} exceeds system's maximum size of {} bytes", isize::MAX))
    })
}

impl<'a> Loader<'a> {
    pub(super) fn new(
        unpickler: &'a Obj<Unpickler>,
        reader: Reader,
        settings: Settings,
        buffers: Option<Value>,
        persistent_load: Option<Value>,
    ) -> Loader<'a> {
        Loader { unpickler, reader, settings, buffers, persistent_load, stack: Vec::new(), marks: Vec::new() }
    }

    /// Executes opcodes until the one that ends the pickle.
    pub(super) fn run(mut self, thread: &mut Thread) -> PyResult {
        Unpickler::with(self.unpickler, thread, |state, _| state.protocol = 0);
        loop {
            let opcode = self.reader.opcode(thread)?;
            if opcode == STOP {
                return self.pop();
            }
            self.execute(thread, opcode)?;
        }
    }

    fn fence(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    fn pop(&mut self) -> PyResult {
        if self.stack.len() <= self.fence() {
            return Err(if self.marks.is_empty() {
                underflow()
            } else {
                unpickling_error("unexpected MARK found")
            });
        }
        self.stack.pop().ok_or_else(underflow)
    }

    fn top(&self) -> PyResult {
        if self.stack.len() <= self.fence() {
            return Err(if self.marks.is_empty() {
                underflow()
            } else {
                unpickling_error("unexpected MARK found")
            });
        }
        self.stack.last().cloned().ok_or_else(underflow)
    }

    /// What was pushed since the last mark, which goes.
    fn pop_mark(&mut self) -> PyResult<Vec<Value>> {
        let mark = self.marks.pop().ok_or_else(|| unpickling_error("could not find MARK"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    /// [`Self::pop_mark`] without a list of its own.
    fn since_mark(&mut self) -> PyResult<Drain<'_, Value>> {
        let mark = self.marks.pop().ok_or_else(|| unpickling_error("could not find MARK"))?;
        Ok(self.stack.drain(mark.min(self.stack.len())..))
    }

    fn byte(&mut self, thread: &mut Thread) -> PyResult<u8> {
        let [byte] = self.reader.array::<1>(thread)?;
        Ok(byte)
    }

    fn u16(&mut self, thread: &mut Thread) -> PyResult<u16> {
        Ok(u16::from_le_bytes(self.reader.array(thread)?))
    }

    fn u32(&mut self, thread: &mut Thread) -> PyResult<u32> {
        Ok(u32::from_le_bytes(self.reader.array(thread)?))
    }

    fn i32(&mut self, thread: &mut Thread) -> PyResult<i32> {
        Ok(i32::from_le_bytes(self.reader.array(thread)?))
    }

    fn u64(&mut self, thread: &mut Thread) -> PyResult<u64> {
        Ok(u64::from_le_bytes(self.reader.array(thread)?))
    }

    fn execute(&mut self, thread: &mut Thread, opcode: u8) -> PyResult<()> {
        match opcode {
            PROTO => self.protocol(thread),
            FRAME => {
                let len = length(self.u64(thread)?, "FRAME")?;
                self.reader.frame(thread, len)
            }
            MARK => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            POP => self.discard(),
            POP_MARK => self.pop_mark().map(drop),
            DUP => {
                let top = self.top()?;
                self.push(top);
                Ok(())
            }
            GET | BINGET | LONG_BINGET => self.get(thread, opcode),
            PUT | BINPUT | LONG_BINPUT | MEMOIZE => self.put(thread, opcode),
            APPEND | APPENDS | SETITEM | SETITEMS | ADDITEMS => self.fill(thread, opcode),
            BUILD => self.build(thread),
            READONLY_BUFFER => self.make_readonly(thread),
            _ => {
                let made = match self.make_plain(thread, opcode)? {
                    Some(made) => made,
                    None => match self.make_container(thread, opcode)? {
                        Some(made) => made,
                        None => self.make_other(thread, opcode)?,
                    },
                };
                self.push(made);
                Ok(())
            }
        }
    }

    fn protocol(&mut self, thread: &mut Thread) -> PyResult<()> {
        let protocol = self.byte(thread)?;
        if i64::from(protocol) > HIGHEST_PROTOCOL {
            return Err(value_error(format!("unsupported pickle protocol: {protocol}")));
        }
        Unpickler::with(self.unpickler, thread, |state, _| state.protocol = protocol);
        Ok(())
    }

    /// POP takes an object, or a mark if there is none above it.
    fn discard(&mut self) -> PyResult<()> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn line_text(&mut self, thread: &mut Thread) -> PyResult<String> {
        let line = self.reader.full_line(thread)?;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    fn number_line(&mut self, thread: &mut Thread) -> PyResult {
        let line = self.reader.line(thread)?;
        let text = bytes::new(thread, &line)?;
        protocol::call(thread, PyInt::static_type().get().get(), &[text.get()])
    }

    fn get(&mut self, thread: &mut Thread, opcode: u8) -> PyResult<()> {
        let (number, shown) = match opcode {
            BINGET => (Some(u64::from(self.byte(thread)?)), None),
            LONG_BINGET => (Some(u64::from(self.u32(thread)?)), None),
            _ => {
                let number = self.number_line(thread)?;
                let value = int::value(number.get()).and_then(int::IntRef::to_i64);
                (value.and_then(|value| u64::try_from(value).ok()), Some(number))
            }
        };
        let found = number.and_then(|number| {
            Unpickler::with(self.unpickler, thread, |state, _| {
                state.made.get(number).map(|field| field.fixed().to_owned())
            })
        });
        let Some(found) = found else {
            let number = match (shown, number) {
                (Some(shown), _) => str::display(protocol::repr(thread, shown.get())?.get()),
                (None, number) => number.unwrap_or(0).to_string(),
            };
            return Err(unpickling_error(format!("Memo value not found at index {number}")));
        };
        self.push(found);
        Ok(())
    }

    fn put(&mut self, thread: &mut Thread, opcode: u8) -> PyResult<()> {
        let number = match opcode {
            BINPUT => u64::from(self.byte(thread)?),
            LONG_BINPUT => u64::from(self.u32(thread)?),
            MEMOIZE => Unpickler::with(self.unpickler, thread, |state, _| state.made.count as u64),
            _ => {
                let number = self.number_line(thread)?;
                let number = int::index_i64(thread, number.get())?;
                u64::try_from(number).map_err(|_| value_error("negative PUT argument"))?
            }
        };
        let top = self.top()?;
        let old =
            Unpickler::with(self.unpickler, thread, |state, owner| state.made.put(number, owner.store(top)));
        drop(old.map(Field::into_value));
        Ok(())
    }

    /// Ints, floats, texts and bytes.
    fn make_plain(&mut self, thread: &mut Thread, opcode: u8) -> PyResult<Option<Value>> {
        let made = match opcode {
            NONE => Value::NONE,
            NEWTRUE => Value::TRUE,
            NEWFALSE => Value::FALSE,
            BININT => {
                let value = self.i32(thread)?.into();
                int::new(thread, value)?
            }
            BININT1 => {
                let value = self.byte(thread)?.into();
                int::new(thread, value)?
            }
            BININT2 => {
                let value = self.u16(thread)?.into();
                int::new(thread, value)?
            }
            INT | LONG => self.text_int(thread, opcode)?,
            LONG1 => {
                let len = self.byte(thread)?.into();
                self.long(thread, len)?
            }
            LONG4 => {
                let len = self.i32(thread)?;
                let len = usize::try_from(len)
                    .map_err(|_| unpickling_error("LONG pickle has negative byte count"))?;
                self.long(thread, len)?
            }
            FLOAT => {
                let line = self.reader.line(thread)?;
                let text = bytes::new(thread, &line)?;
                protocol::call(thread, float::PyFloat::static_type().get().get(), &[text.get()])?
            }
            BINFLOAT => {
                let value = f64::from_be_bytes(self.reader.array(thread)?);
                float::new(thread, value)?
            }
            SHORT_BINUNICODE => {
                let len = self.byte(thread)?.into();
                self.text(thread, len)?
            }
            BINUNICODE => {
                let len = self.u32(thread)? as usize;
                self.text(thread, len)?
            }
            BINUNICODE8 => {
                let len = length(self.u64(thread)?, "BINUNICODE8")?;
                self.text(thread, len)?
            }
            SHORT_BINBYTES => {
                let len = self.byte(thread)?.into();
                self.bytes(thread, len)?
            }
            BINBYTES => {
                let len = self.u32(thread)? as usize;
                self.bytes(thread, len)?
            }
            BINBYTES8 => {
                let len = length(self.u64(thread)?, "BINBYTES8")?;
                self.bytes(thread, len)?
            }
            BYTEARRAY8 => {
                let len = length(self.u64(thread)?, "BYTEARRAY8")?;
                let content = self.reader.take(thread, len)?;
                bytearray::new(thread, content)?.into_value()
            }
            STRING | BINSTRING | SHORT_BINSTRING => self.old_string(thread, opcode)?,
            UNICODE => {
                let line = self.reader.line(thread)?;
                self.decoded(thread, &line, "raw-unicode-escape", "strict")?
            }
            _ => return Ok(None),
        };
        Ok(Some(made))
    }

    fn text_int(&mut self, thread: &mut Thread, opcode: u8) -> PyResult {
        let mut line = self.reader.line(thread)?;
        match (opcode, line.as_slice()) {
            (INT, b"00") => return Ok(Value::FALSE),
            (INT, b"01") => return Ok(Value::TRUE),
            (LONG, [.., b'L']) => drop(line.pop()),
            _ => {}
        }
        let text = bytes::new(thread, &line)?;
        protocol::call(thread, PyInt::static_type().get().get(), &[text.get()])
    }

    fn long(&mut self, thread: &mut Thread, len: usize) -> PyResult {
        let content = self.reader.take(thread, len)?;
        int::from_big(thread, BigInt::from_signed_bytes_le(&content))
    }

    fn bytes(&mut self, thread: &mut Thread, len: usize) -> PyResult {
        if let Some(content) = self.reader.part(len) {
            return bytes::new(thread, content);
        }
        let content = self.reader.take(thread, len)?;
        bytes::new(thread, &content)
    }

    fn text(&mut self, thread: &mut Thread, len: usize) -> PyResult {
        let content = match self.reader.part(len) {
            Some(content) => match Wtf8::from_bytes(content) {
                Some(text) => return str::from_wtf8(thread, text),
                None => content.to_vec(),
            },
            None => self.reader.take(thread, len)?,
        };
        match Wtf8Buf::from_bytes(content) {
            Ok(text) => str::from_wtf8(thread, &text),
            Err(content) => self.decoded(thread, &content, "utf-8", "surrogatepass"),
        }
    }

    fn decoded(&mut self, thread: &mut Thread, content: &[u8], encoding: &str, errors: &str) -> PyResult {
        let content = bytes::new(thread, content)?;
        let (encoding, errors) = (str::new(thread, encoding)?, str::new(thread, errors)?);
        protocol::call_method(thread, content.get(), "decode", &[encoding.get(), errors.get()])
    }

    /// A `str` of Python 2.
    fn old_string(&mut self, thread: &mut Thread, opcode: u8) -> PyResult {
        let content = match opcode {
            SHORT_BINSTRING => {
                let len = self.byte(thread)?.into();
                self.reader.take(thread, len)?
            }
            BINSTRING => {
                let len = self.i32(thread)?;
                let len = usize::try_from(len)
                    .map_err(|_| unpickling_error("BINSTRING pickle has negative byte count"))?;
                self.reader.take(thread, len)?
            }
            _ => {
                let line = self.reader.line(thread)?;
                let [first @ (b'"' | b'\''), inner @ .., last] = line.as_slice() else {
                    return Err(unpickling_error("the STRING opcode argument must be quoted"));
                };
                if first != last {
                    return Err(unpickling_error("the STRING opcode argument must be quoted"));
                }
                let unescape = import_attr(thread, "_codecs", "escape_decode")?;
                let inner = bytes::new(thread, inner)?;
                let pair = protocol::call(thread, unescape.get(), &[inner.get()])?;
                let content = pair.get().downcast::<PyTuple>().and_then(|pair| pair.item(0));
                content.and_then(bytes::value).unwrap_or_default().to_vec()
            }
        };
        if self.settings.encoding == "bytes" {
            return bytes::new(thread, &content);
        }
        let (encoding, errors) = (self.settings.encoding.clone(), self.settings.errors.clone());
        self.decoded(thread, &content, &encoding, &errors)
    }

    /// Containers.
    fn make_container(&mut self, thread: &mut Thread, opcode: u8) -> PyResult<Option<Value>> {
        let made = match opcode {
            EMPTY_TUPLE => tuple::empty(thread).to_value(),
            EMPTY_LIST => list::new(thread, Vec::new())?.into_value(),
            EMPTY_DICT => dict::new(thread)?.into_value(),
            EMPTY_SET => set::new(thread)?.into_value(),
            TUPLE => {
                let mut items = self.since_mark()?;
                tuple::build(thread, items.len(), |_| items.next().unwrap_or(Value::NONE))?.into_value()
            }
            TUPLE1 | TUPLE2 | TUPLE3 => {
                let count = usize::from(opcode - TUPLE1) + 1;
                if self.stack.len() < self.fence() + count {
                    return Err(if self.marks.is_empty() {
                        underflow()
                    } else {
                        unpickling_error("unexpected MARK found")
                    });
                }
                let mut items = self.stack.drain(self.stack.len() - count..);
                tuple::build(thread, count, |_| items.next().unwrap_or(Value::NONE))?.into_value()
            }
            LIST => {
                let items = self.pop_mark()?;
                list::new(thread, items)?.into_value()
            }
            DICT => {
                let made = dict::new(thread)?;
                let mut items = even(self.since_mark()?, "DICT")?;
                while let (Some(key), Some(value)) = (items.next(), items.next()) {
                    dict::set_item(thread, &made, key.get(), value)?;
                }
                drop(items);
                made.into_value()
            }
            FROZENSET => {
                let items = self.pop_mark()?;
                let items: Vec<Ref<'_>> = items.iter().map(Value::get).collect();
                set::frozen_from_values(thread, &items)?.into_value()
            }
            _ => return Ok(None),
        };
        Ok(Some(made))
    }

    /// Names, instances, and what comes from outside.
    fn make_other(&mut self, thread: &mut Thread, opcode: u8) -> PyResult {
        match opcode {
            GLOBAL => {
                let (module, name) = (self.utf8_line(thread)?, self.utf8_line(thread)?);
                Unpickler::find_class_of(thread, self.unpickler, module.get(), name.get())
            }
            STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                let is_str =
                    |value: &Value| orochi_objects::class::is_exact(value.get(), PyStr::static_type());
                if !is_str(&name) || !is_str(&module) {
                    return Err(unpickling_error("STACK_GLOBAL requires str"));
                }
                Unpickler::find_class_of(thread, self.unpickler, module.get(), name.get())
            }
            EXT1 => {
                let code = self.byte(thread)?.into();
                self.extension(thread, code)
            }
            EXT2 => {
                let code = self.u16(thread)?.into();
                self.extension(thread, code)
            }
            EXT4 => {
                let code = self.i32(thread)?;
                self.extension(thread, code)
            }
            REDUCE => {
                let (args, function) = (self.pop()?, self.pop()?);
                let Some(args) = args.get().downcast::<PyTuple>() else {
                    return Err(type_error("argument list must be a tuple"));
                };
                let args: Vec<Ref<'_>> = args.items().collect();
                protocol::call(thread, function.get(), &args)
            }
            NEWOBJ | NEWOBJ_EX => self.new_object(thread, opcode == NEWOBJ_EX),
            INST | OBJ => self.instance(thread, opcode),
            PERSID | BINPERSID => self.persistent(thread, opcode),
            NEXT_BUFFER => {
                let Some(buffers) = self.buffers.clone() else {
                    return Err(unpickling_error(
                        "pickle stream refers to out-of-band data but no *buffers* argument was given",
                    ));
                };
                let next = protocol::next(thread, buffers.get())?;
                next.ok_or_else(|| unpickling_error("not enough out-of-band buffers"))
            }
            b' '..=b'~' if opcode != b'\'' && opcode != b'\\' => {
                Err(unpickling_error(format!("invalid load key, '{}'.", char::from(opcode))))
            }
            _ => Err(unpickling_error(format!("invalid load key, '\\x{opcode:02x}'."))),
        }
    }

    fn utf8_line(&mut self, thread: &mut Thread) -> PyResult {
        let line = self.reader.full_line(thread)?;
        match std::str::from_utf8(&line) {
            Ok(text) => Ok(str::intern(thread, text)?.to_value()),
            Err(_) => self.decoded(thread, &line, "utf-8", "strict"),
        }
    }

    fn extension(&mut self, thread: &mut Thread, code: i32) -> PyResult {
        let cache = import_attr(thread, "copyreg", "_extension_cache")?;
        let number = int::new(thread, code.into())?;
        if protocol::contains(thread, cache.get(), number.get())? {
            return protocol::get_item(thread, cache.get(), number.get());
        }
        let registry = import_attr(thread, "copyreg", "_inverted_registry")?;
        if !protocol::contains(thread, registry.get(), number.get())? {
            return Err(if code <= 0 {
                unpickling_error("EXT specifies code <= 0")
            } else {
                value_error(format!("unregistered extension code {code}"))
            });
        }
        let key = protocol::get_item(thread, registry.get(), number.get())?;
        let pair = key.get().downcast::<PyTuple>().filter(|pair| pair.len() == 2);
        let Some((Some(module), Some(name))) = pair.map(|pair| (pair.item(0), pair.item(1))) else {
            return Err(value_error("_inverted_registry[code] isn't a 2-tuple"));
        };
        let found = Unpickler::find_class_of(thread, self.unpickler, module, name)?;
        protocol::set_item(thread, cache.get(), number.get(), Some(found.get()))?;
        Ok(found)
    }

    /// `cls.__new__(cls, *args, **kwargs)`.
    fn new_object(&mut self, thread: &mut Thread, keywords: bool) -> PyResult {
        let kwargs = if keywords { Some(self.pop()?) } else { None };
        let (args, class) = (self.pop()?, self.pop()?);
        let opcode = if keywords { "NEWOBJ_EX" } else { "NEWOBJ" };
        let wrong = |what: &str, must: &str, got: &Value| {
            let got = class_of(got.get()).name();
            unpickling_error(format!("{opcode} {what} must be a {must}, not {got}"))
        };
        if class.get().downcast::<PyType>().is_none() {
            return Err(wrong("class argument", "type", &class));
        }
        let Some(positional) = args.get().downcast::<PyTuple>() else {
            return Err(wrong("args argument", "tuple", &args));
        };
        let new = protocol::get_attr(thread, class.get(), name!("__new__"))?;
        let mut values = vec![class.clone()];
        values.extend(positional.items().map(Ref::to_owned));
        let mut names = Vec::new();
        if let Some(kwargs) = &kwargs {
            let Some(given) = kwargs.get().downcast::<PyDict>() else {
                return Err(wrong("kwargs argument", "dict", kwargs));
            };
            for entry in dict::entries(thread, given)? {
                names.push(entry.key);
                values.push(entry.value);
            }
        }
        let values: Vec<Ref<'_>> = values.iter().map(Value::get).collect();
        if names.is_empty() {
            return protocol::call(thread, new.get(), &values);
        }
        let names = tuple::new(thread, names)?;
        protocol::call_args(thread, new.get(), Args::with_names(&values, Some(&names)))
    }

    /// An instance as Python 2 had them: a class is called unless there is nothing to call it with.
    fn instance(&mut self, thread: &mut Thread, opcode: u8) -> PyResult {
        let (class, args) = if opcode == INST {
            let (module, name) = (self.line_text(thread)?, self.line_text(thread)?);
            let (module, name) = (str::new(thread, &module)?, str::new(thread, &name)?);
            let class = Unpickler::find_class_of(thread, self.unpickler, module.get(), name.get())?;
            (class, self.pop_mark()?)
        } else {
            let mut items = self.pop_mark()?.into_iter();
            let class = items.next().ok_or_else(underflow)?;
            (class, items.collect())
        };
        let plain = args.is_empty()
            && class.get().downcast::<PyType>().is_some()
            && protocol::find_attr(thread, class.get(), name!("__getinitargs__"))?.is_none();
        if plain {
            return protocol::call_method(thread, class.get(), "__new__", &[class.get()]);
        }
        protocol::call_args(thread, class.get(), Args::of_values(&args))
    }

    fn persistent(&mut self, thread: &mut Thread, opcode: u8) -> PyResult {
        let id = if opcode == BINPERSID {
            self.pop()?
        } else {
            let line = self.reader.line(thread)?;
            if !line.is_ascii() {
                return Err(unpickling_error("persistent IDs in protocol 0 must be ASCII strings"));
            }
            str::new(thread, &String::from_utf8_lossy(&line))?
        };
        match self.persistent_load.clone() {
            Some(method) => protocol::call(thread, method.get(), &[id.get()]),
            None => Err(unpickling_error(
                "A load persistent id instruction was encountered, but no persistent_load function was specified.",
            )),
        }
    }

    /// Puts items into the container below them.
    fn fill(&mut self, thread: &mut Thread, opcode: u8) -> PyResult<()> {
        let count = match opcode {
            APPEND => 1,
            SETITEM => 2,
            _ => {
                let mark = self.marks.pop().ok_or_else(|| unpickling_error("could not find MARK"))?;
                self.stack.len().saturating_sub(mark)
            }
        };
        let start = self.stack.len().saturating_sub(count);
        if start <= self.fence() {
            return Err(if self.marks.is_empty() {
                underflow()
            } else {
                unpickling_error("unexpected MARK found")
            });
        }
        let target = start.checked_sub(1).and_then(|at| self.stack.get(at)).cloned().ok_or_else(underflow)?;
        let mut items = self.stack.drain(start..);
        match opcode {
            APPEND | APPENDS => append_all(thread, &target, items),
            ADDITEMS => add_all(thread, &target, items.collect()),
            _ => {
                items = even(items, "SETITEMS")?;
                let plain = exactly::<PyDict>(target.get());
                while let (Some(key), Some(value)) = (items.next(), items.next()) {
                    match plain {
                        Some(plain) => dict::set_item(thread, plain, key.get(), value)?,
                        None => protocol::set_item(thread, target.get(), key.get(), Some(value.get()))?,
                    }
                }
                Ok(())
            }
        }
    }

    fn build(&mut self, thread: &mut Thread) -> PyResult<()> {
        let state = self.pop()?;
        let object = self.top()?;
        if let Some(method) = protocol::find_attr(thread, object.get(), name!("__setstate__"))? {
            return protocol::call(thread, method.get(), &[state.get()]).map(drop);
        }
        let pair = state.get().downcast::<PyTuple>().filter(|pair| pair.len() == 2);
        let (attributes, slots) = match pair.map(|pair| (pair.item(0), pair.item(1))) {
            Some((Some(attributes), Some(slots))) => (attributes.to_owned(), slots.to_owned()),
            _ => (state.clone(), Value::NONE),
        };
        if !attributes.get().is_none() {
            let Some(attributes) = attributes.get().downcast::<PyDict>() else {
                return Err(unpickling_error("state is not a dictionary"));
            };
            set_state(thread, object.get(), attributes)?;
        }
        if !slots.get().is_none() {
            let Some(slots) = slots.get().downcast::<PyDict>() else {
                return Err(unpickling_error("slot state is not a dictionary"));
            };
            for entry in dict::entries(thread, slots)? {
                let name = str::expect_attribute_name(entry.key.get())?;
                protocol::set_attr(thread, object.get(), name, Some(entry.value.get()))?;
            }
        }
        Ok(())
    }

    fn make_readonly(&mut self, thread: &mut Thread) -> PyResult<()> {
        let buffer = self.pop()?;
        let memory = orochi_objects::types::memoryview::of_object(thread, buffer.get())?;
        let readonly = protocol::get_attr_str(thread, memory.get(), "readonly")?;
        let result = if protocol::is_true(thread, readonly.get())? {
            buffer
        } else {
            protocol::call_method(thread, memory.get(), "toreadonly", &[])?
        };
        self.push(result);
        Ok(())
    }
}

/// Keys and values that follow each other.
fn even<'a>(items: Drain<'a, Value>, opcode: &str) -> PyResult<Drain<'a, Value>> {
    if items.len().is_multiple_of(2) {
        return Ok(items);
    }
    Err(unpickling_error(format!("odd number of items for {opcode}")))
}

fn append_all(thread: &mut Thread, target: &Value, mut items: Drain<'_, Value>) -> PyResult<()> {
    if let Some(plain) = exactly::<PyList>(target.get()) {
        return items.try_for_each(|item| list::push(thread, plain, item));
    }
    if let Some(extend) = protocol::find_attr(thread, target.get(), name!("extend"))? {
        let items = list::new(thread, items.collect())?;
        return protocol::call(thread, extend.get(), &[items.get()]).map(drop);
    }
    let append = protocol::get_attr(thread, target.get(), name!("append"))?;
    for item in items {
        protocol::call(thread, append.get(), &[item.get()])?;
    }
    Ok(())
}

/// Puts a state's entries among an object's own attributes.
fn set_state(thread: &mut Thread, object: Ref<'_>, state: &Obj<PyDict>) -> PyResult<()> {
    let entries = dict::entries(thread, state)?;
    // Without making its dict, if that is the common one.
    if attributes::has_plain_dict(thread, object)
        && entries.iter().all(|entry| exactly::<PyStr>(entry.key.get()).is_some())
    {
        for entry in entries {
            let name = str::expect_attribute_name(entry.key.get())?;
            attributes::set(thread, object, name, Some(entry.value.get()), false)?;
        }
        return Ok(());
    }
    let own = protocol::get_attr(thread, object, name!("__dict__"))?;
    for entry in entries {
        let key = match entry.key.get().downcast::<PyStr>().and_then(|key| key.to_str()) {
            Some(text) => str::intern(thread, text)?.to_value(),
            None => entry.key,
        };
        protocol::set_item(thread, own.get(), key.get(), Some(entry.value.get()))?;
    }
    Ok(())
}

fn add_all(thread: &mut Thread, target: &Value, items: Vec<Value>) -> PyResult<()> {
    if let Some(set) = target.get().downcast::<PySet>() {
        return items.iter().try_for_each(|item| set::add(thread, set, item.get()).map(drop));
    }
    let add = protocol::get_attr(thread, target.get(), name!("add"))?;
    for item in items {
        protocol::call(thread, add.get(), &[item.get()])?;
    }
    Ok(())
}
