//! Writing the built-in types. What classes say of their own instances is written in `reduce.rs`.

use super::buffer::PickleBuffer;
use super::opcodes::*;
use super::pickler::Pickler;
use super::writer::Writer;
use super::{error, noted, qualified};
use crate::support::import_attr;
use num_bigint::BigInt;
use orochi_objects::class::{exactly, is_exact};
use orochi_objects::error::{PyErr, recursion_error, runtime_error, value_error};
use orochi_objects::types::bytearray::{self, PyByteArray};
use orochi_objects::types::bytes::{self, PyBytes};
use orochi_objects::types::dict::{self, PyDict, Walk};
use orochi_objects::types::function::PyFunction;
use orochi_objects::types::int::{self, IntRef, PyInt};
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::set::{PyFrozenSet, PySet};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::{
    Obj, PyClass, PyResult, PyType, Ref, Thread, Value, class_of, float, name, protocol, str,
};

/// How many items are put into a container at once.
const BATCH: usize = 1000;
/// How deeply containers may nest when nothing is remembered.
const FAST_NESTING: usize = 50;

/// What one `dump` needs.
pub(super) struct Saver<'a> {
    pub(super) pickler: &'a Obj<Pickler>,
    pub(super) out: Writer,
    pub(super) protocol: u8,
    pub(super) bin: bool,
    fast: bool,
    /// The containers that are being written, if nothing is remembered.
    open: Vec<u64>,
    pub(super) fix_imports: bool,
    callback: Option<Value>,
    pub(super) table: Option<Value>,
    persistent_id: Option<Value>,
    pub(super) reducer: Option<Value>,
    /// `copyreg.dispatch_table`, once it was needed.
    reducers: Option<Value>,
    /// `copyreg._extension_registry`, likewise.
    extensions: Option<Value>,
}

impl<'a> Saver<'a> {
    pub(super) fn new(
        thread: &Thread,
        pickler: &'a Obj<Pickler>,
        write: Option<Value>,
        callback: Option<Value>,
        table: Option<Value>,
        persistent_id: Option<Value>,
        reducer: Option<Value>,
    ) -> Saver<'a> {
        let (protocol, bin, fast, fix_imports) = Pickler::with(pickler, thread, |state, _| {
            (state.protocol, state.bin != 0, state.fast != 0, state.fix_imports)
        });
        let (out, open) = (Writer::new(write), Vec::new());
        Saver {
            pickler,
            out,
            protocol,
            bin,
            fast,
            open,
            fix_imports,
            callback,
            table,
            persistent_id,
            reducer,
            reducers: None,
            extensions: None,
        }
    }

    /// The codes of `copyreg.add_extension`.
    pub(super) fn extensions(&mut self, thread: &mut Thread) -> PyResult {
        if let Some(registry) = &self.extensions {
            return Ok(registry.clone());
        }
        let registry = import_attr(thread, "copyreg", "_extension_registry")?;
        self.extensions = Some(registry.clone());
        Ok(registry)
    }

    /// The table of reducers: the pickler's own, or that of `copyreg`.
    fn reducers(&mut self, thread: &mut Thread) -> PyResult {
        if let Some(table) = self.table.as_ref().or(self.reducers.as_ref()) {
            return Ok(table.clone());
        }
        let table = import_attr(thread, "copyreg", "dispatch_table")?;
        self.reducers = Some(table.clone());
        Ok(table)
    }

    /// Writes a whole pickle.
    pub(super) fn run(mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<Vec<u8>> {
        if self.protocol >= 2 {
            self.out.write(&[PROTO, self.protocol]);
        }
        if self.protocol >= 4 {
            self.out.start_framing();
        }
        self.save(thread, object)?;
        self.out.op(STOP);
        self.out.finish(thread)
    }

    /// Writes an object.
    pub(super) fn save(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        self.out.boundary(thread)?;
        if let Some(method) = self.persistent_id.clone() {
            let id = protocol::call(thread, method.get(), &[object])?;
            if !id.get().is_none() {
                return self.save_persistent(thread, id.get());
            }
        }
        self.save_value(thread, object)
    }

    fn save_persistent(&mut self, thread: &mut Thread, id: Ref<'_>) -> PyResult<()> {
        if self.bin {
            self.save_value(thread, id)?;
            self.out.op(BINPERSID);
            return Ok(());
        }
        let text = protocol::str(thread, id)?;
        let Some(ascii) = text.get().downcast::<PyStr>().filter(|text| text.is_ascii()) else {
            return Err(error("persistent IDs in protocol 0 must be ASCII strings"));
        };
        self.out.op(PERSID);
        self.out.write(ascii.as_bytes());
        self.out.op(b'\n');
        Ok(())
    }

    /// Writes an object that has no persistent id.
    fn save_value(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        if self.save_atom(thread, object)? {
            return Ok(());
        }
        if let Some(number) = Pickler::number_of(self.pickler, thread, object) {
            self.get(number);
            return Ok(());
        }
        if thread.native_stack_low() {
            return Err(recursion_error("maximum recursion depth exceeded while pickling an object"));
        }
        if is_exact(object, PyStr::static_type()) {
            return self.save_str(thread, object);
        }
        if is_exact(object, PyBytes::static_type()) {
            return self.save_bytes(thread, object);
        }
        if let Some(reducer) = self.reducer.clone() {
            let reduced = protocol::call(thread, reducer.get(), &[object])?;
            if !reduced.get().is(Ref::NOT_IMPLEMENTED) {
                return self.save_reduced(thread, object, &reduced);
            }
        }
        if self.save_container(thread, object)? {
            return Ok(());
        }
        self.save_other(thread, object)
    }

    /// Writes what is small and never remembered; false if the object is of another type.
    fn save_atom(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<bool> {
        if object.is_none() {
            self.out.op(NONE);
        } else if let Some(value) = object.as_bool() {
            match (self.protocol >= 2, value) {
                (true, true) => self.out.op(NEWTRUE),
                (true, false) => self.out.op(NEWFALSE),
                (false, true) => self.out.write(b"I01\n"),
                (false, false) => self.out.write(b"I00\n"),
            }
        } else if is_exact(object, PyInt::static_type()) {
            self.save_int(thread, object)?;
        } else if is_exact(object, float::PyFloat::static_type()) {
            let value = float::value(object).unwrap_or_default();
            if self.bin {
                self.out.op(BINFLOAT);
                self.out.write(&value.to_be_bytes());
            } else {
                self.write_line(thread, FLOAT, object, "")?;
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// An opcode and an object's repr on the rest of the line.
    fn write_line(&mut self, thread: &mut Thread, opcode: u8, object: Ref<'_>, end: &str) -> PyResult<()> {
        let text = protocol::repr(thread, object)?;
        self.out.op(opcode);
        self.out.write(str::display(text.get()).as_bytes());
        self.out.write(end.as_bytes());
        self.out.op(b'\n');
        Ok(())
    }

    fn save_int(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        let small = int::value(object).and_then(IntRef::to_i64).and_then(|value| i32::try_from(value).ok());
        match small {
            Some(value) if self.bin => {
                let bytes = value.to_le_bytes();
                match value {
                    0..=0xFF => self.out.write(&[BININT1, bytes[0]]),
                    0x100..=0xFFFF => self.out.write(&[BININT2, bytes[0], bytes[1]]),
                    _ => {
                        self.out.op(BININT);
                        self.out.write(&bytes);
                    }
                }
                Ok(())
            }
            Some(_) => self.write_line(thread, INT, object, ""),
            None if self.protocol >= 2 => {
                let bytes =
                    int::value(object).map_or_else(BigInt::default, |value| value.to_big().into_owned());
                let bytes = bytes.to_signed_bytes_le();
                match u8::try_from(bytes.len()) {
                    Ok(len) => self.out.write(&[LONG1, len]),
                    Err(_) => {
                        let len = i32::try_from(bytes.len())
                            .map_err(|_| orochi_objects::error::overflow_error("int too large to pickle"))?;
                        self.out.op(LONG4);
                        self.out.write(&len.to_le_bytes());
                    }
                }
                self.out.write(&bytes);
                Ok(())
            }
            None => self.write_line(thread, LONG, object, "L"),
        }
    }

    /// Fetches what has this number in the memo.
    pub(super) fn get(&mut self, number: usize) {
        self.numbered(number, GET, BINGET, LONG_BINGET);
    }

    fn numbered(&mut self, number: usize, text: u8, short: u8, long: u8) {
        match u8::try_from(number) {
            _ if !self.bin => {
                self.out.op(text);
                self.out.write(format!("{number}\n").as_bytes());
            }
            Ok(byte) => self.out.write(&[short, byte]),
            Err(_) => {
                self.out.op(long);
                self.out.write(&(number as u32).to_le_bytes());
            }
        }
    }

    /// Remembers an object, which is on top of the stack now.
    pub(super) fn memoize(&mut self, thread: &Thread, object: Ref<'_>) {
        if self.fast {
            return;
        }
        let number = Pickler::remember(self.pickler, thread, object);
        if self.protocol >= 4 {
            self.out.op(MEMOIZE);
        } else {
            self.numbered(number, PUT, BINPUT, LONG_BINPUT);
        }
    }

    /// An object's number if it was written while its parts were: then it contains itself.
    pub(super) fn number_of(&self, thread: &Thread, object: Ref<'_>) -> Option<usize> {
        Pickler::number_of(self.pickler, thread, object)
    }

    fn save_str(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        let Some(text) = object.downcast::<PyStr>() else { return Ok(()) };
        if !self.bin {
            self.out.op(UNICODE);
            self.out.write(&escaped(text));
            self.out.op(b'\n');
            self.memoize(thread, object);
            return Ok(());
        }
        let content = text.as_bytes();
        let short = (self.protocol >= 4).then_some(SHORT_BINUNICODE);
        let header = header(content.len(), short, BINUNICODE, (self.protocol >= 4).then_some(BINUNICODE8))?;
        self.out.contents(thread, header.bytes(), content, None)?;
        self.memoize(thread, object);
        Ok(())
    }

    /// Bytes in the pickle, not remembered.
    fn write_bytes(&mut self, thread: &mut Thread, content: &[u8], object: Option<Ref<'_>>) -> PyResult<()> {
        let long = (self.protocol >= 4).then_some(BINBYTES8);
        let header = header(content.len(), Some(SHORT_BINBYTES), BINBYTES, long)?;
        self.out.contents(thread, header.bytes(), content, object)
    }

    fn save_bytes(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        let content = bytes::value(object).unwrap_or_default();
        if self.protocol >= 3 {
            self.write_bytes(thread, content, Some(object))?;
            self.memoize(thread, object);
            return Ok(());
        }
        if content.is_empty() {
            let class = PyBytes::static_type().get().to_value();
            let args = tuple::empty(thread).to_value();
            return self.reduce_call(thread, object, class, args);
        }
        let encode = import_attr(thread, "_codecs", "encode")?;
        let text = str::from_wtf8(thread, &orochi_text::wtf8::Wtf8Buf::from_latin1(content))?;
        let latin = str::intern(thread, "latin1")?.to_value();
        let args = tuple::of(thread, [text, latin])?;
        self.reduce_call(thread, object, encode, args)
    }

    fn write_bytearray(&mut self, thread: &mut Thread, content: &[u8]) -> PyResult<()> {
        let mut header = vec![BYTEARRAY8];
        header.extend_from_slice(&(content.len() as u64).to_le_bytes());
        self.out.contents(thread, &header, content, None)
    }

    fn save_bytearray(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        let content = bytearray::copy_of(thread, object).unwrap_or_default();
        if self.protocol >= 5 {
            self.write_bytearray(thread, &content)?;
            self.memoize(thread, object);
            return Ok(());
        }
        let class = PyByteArray::static_type().get().to_value();
        let args = if content.is_empty() {
            tuple::empty(thread).to_value()
        } else {
            let content = bytes::new(thread, &content)?;
            tuple::of(thread, [content])?
        };
        self.reduce_call(thread, object, class, args)
    }

    fn save_buffer(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        if self.protocol < 5 {
            return Err(error("PickleBuffer can only be pickled with protocol >= 5"));
        }
        let memory = orochi_objects::types::memoryview::of_object(thread, object)?;
        let is = |thread: &mut Thread, what: &str| {
            let value = protocol::get_attr_str(thread, memory.get(), what)?;
            protocol::is_true(thread, value.get())
        };
        if !is(thread, "contiguous")? {
            return Err(error("PickleBuffer can not be pickled when pointing to a non-contiguous buffer"));
        }
        let readonly = is(thread, "readonly")?;
        if let Some(callback) = self.callback.clone() {
            let answer = protocol::call(thread, callback.get(), &[object])?;
            if !protocol::is_true(thread, answer.get())? {
                self.out.op(NEXT_BUFFER);
                if readonly {
                    self.out.op(READONLY_BUFFER);
                }
                return Ok(());
            }
        }
        let any_order = str::new(thread, "A")?;
        let content = protocol::call_method(thread, memory.get(), "tobytes", &[any_order.get()])?;
        let plain = bytes::value(content.get()).unwrap_or_default();
        if readonly {
            self.write_bytes(thread, plain, Some(content.get()))?;
        } else {
            self.write_bytearray(thread, plain)?;
        }
        self.memoize(thread, object);
        Ok(())
    }

    /// Writes the containers and what else has opcodes of its own; false if the object is of another type.
    fn save_container(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<bool> {
        let class = class_of(object);
        let is = |native: &'static orochi_objects::StaticType| std::ptr::eq(class, native.get());
        if is(PyTuple::static_type()) {
            self.nested(thread, object, Self::save_tuple)?;
        } else if is(PyDict::static_type()) {
            self.nested(thread, object, Self::save_dict)?;
        } else if is(PyList::static_type()) {
            self.nested(thread, object, Self::save_list)?;
        } else if is(PySet::static_type()) {
            self.nested(thread, object, Self::save_set)?;
        } else if is(PyFrozenSet::static_type()) {
            self.nested(thread, object, Self::save_frozenset)?;
        } else if is(PyByteArray::static_type()) {
            self.save_bytearray(thread, object)?;
        } else if is(PickleBuffer::static_type()) {
            self.save_buffer(thread, object)?;
        } else if is(PyType::static_type()) {
            self.save_type(thread, object)?;
        } else if is(PyFunction::static_type()) {
            self.save_global(thread, object, None)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Writes a container. If nothing is remembered, one that contains itself would never end.
    fn nested(
        &mut self,
        thread: &mut Thread,
        object: Ref<'_>,
        save: fn(&mut Self, &mut Thread, Ref<'_>) -> PyResult<()>,
    ) -> PyResult<()> {
        if !self.fast {
            return save(self, thread, object);
        }
        if self.open.len() >= FAST_NESTING && self.open.contains(&object.word()) {
            let class = class_of(object).full_name();
            return Err(value_error(format!(
                "fast mode: can't pickle cyclic objects including object type {class} at {:#x}",
                object.word()
            )));
        }
        self.open.push(object.word());
        let result = save(self, thread, object);
        self.open.pop();
        result
    }

    fn save_tuple(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        let Some(items) = object.downcast::<PyTuple>() else { return Ok(()) };
        let len = items.len();
        if len == 0 {
            self.out.write(if self.bin { &[EMPTY_TUPLE] } else { &[MARK, TUPLE] });
            return Ok(());
        }
        let short = match len {
            1 => TUPLE1,
            2 => TUPLE2,
            3 => TUPLE3,
            _ => TUPLE,
        };
        let short = Some(short).filter(|&opcode| opcode != TUPLE && self.protocol >= 2);
        if short.is_none() {
            self.out.op(MARK);
        }
        for (i, item) in items.items().enumerate() {
            let saved = self.save(thread, item);
            noted(thread, saved, |thread| {
                Ok(format!("when serializing {} item {i}", qualified(thread, object)?))
            })?;
        }
        if let Some(number) = self.number_of(thread, object) {
            // It contains itself, and exists already: what was put on the stack goes.
            match (short, self.bin) {
                (None, true) => self.out.op(POP_MARK),
                (None, false) => self.out.write(&vec![POP; len + 1]),
                (Some(_), _) => self.out.write(&vec![POP; len]),
            }
            self.get(number);
            return Ok(());
        }
        self.out.op(short.unwrap_or(TUPLE));
        self.memoize(thread, object);
        Ok(())
    }

    fn save_list(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        self.out.write(if self.bin { &[EMPTY_LIST] } else { &[MARK, LIST] });
        self.memoize(thread, object);
        if self.bin
            && let Some(list) = exactly::<PyList>(object)
        {
            return self.append_list(thread, list);
        }
        let items = protocol::iter(thread, object)?;
        self.appends(thread, items.get(), object)
    }

    /// Puts a list's items into the list that is on top of the stack. What is written meanwhile may change the list.
    fn append_list(&mut self, thread: &mut Thread, list: &Obj<PyList>) -> PyResult<()> {
        let len = list::len(thread, list);
        let mut at = 0;
        loop {
            let end = at + BATCH;
            let Some(first) = list::item(thread, list, at) else {
                return Ok(());
            };
            let many = len != 1;
            if many {
                self.out.op(MARK);
            }
            let mut next = Some(first);
            while let Some(item) = next {
                let saved = self.save(thread, item.get());
                noted(thread, saved, |thread| {
                    Ok(format!("when serializing {} item {at}", qualified(thread, list.get())?))
                })?;
                at += 1;
                next = if at < end && many { list::item(thread, list, at) } else { None };
            }
            self.out.op(if many { APPENDS } else { APPEND });
            if !many {
                return Ok(());
            }
        }
    }

    /// Puts an iterator's items into the list that is on top of the stack.
    pub(super) fn appends(&mut self, thread: &mut Thread, items: Ref<'_>, owner: Ref<'_>) -> PyResult<()> {
        let mut at = 0;
        loop {
            let batch = batch(thread, items, if self.bin { BATCH } else { 1 })?;
            if batch.is_empty() {
                return Ok(());
            }
            let many = batch.len() > 1;
            if many {
                self.out.op(MARK);
            }
            for item in &batch {
                let saved = self.save(thread, item.get());
                noted(thread, saved, |thread| {
                    Ok(format!("when serializing {} item {at}", qualified(thread, owner)?))
                })?;
                at += 1;
            }
            self.out.op(if many { APPENDS } else { APPEND });
        }
    }

    fn save_dict(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        self.out.write(if self.bin { &[EMPTY_DICT] } else { &[MARK, DICT] });
        self.memoize(thread, object);
        if self.bin
            && let Some(dict) = exactly::<PyDict>(object)
        {
            return self.set_entries(thread, dict);
        }
        let items = protocol::call_method(thread, object, "items", &[])?;
        let items = protocol::iter(thread, items.get())?;
        self.set_items(thread, items.get(), object)
    }

    /// Puts a dict's entries into the dict that is on top of the stack.
    fn set_entries(&mut self, thread: &mut Thread, dict: &Obj<PyDict>) -> PyResult<()> {
        let many = dict::len(thread, dict) != 1;
        let mut walk = Walk::begin(thread, dict)?;
        let mut next = walk.next(thread, dict);
        while next.is_some() {
            if many {
                self.out.op(MARK);
            }
            let mut count = 0;
            while let Some(entry) = next.take() {
                self.save_pair(thread, entry.key.get(), entry.value.get(), dict.get())?;
                if many && walk.is_disturbed(thread, dict) {
                    return Err(runtime_error("dictionary changed size during iteration"));
                }
                count += 1;
                next = if many { walk.next(thread, dict) } else { None };
                if count == BATCH {
                    break;
                }
            }
            self.out.op(if many { SETITEMS } else { SETITEM });
        }
        Ok(())
    }

    fn save_pair(
        &mut self,
        thread: &mut Thread,
        key: Ref<'_>,
        value: Ref<'_>,
        owner: Ref<'_>,
    ) -> PyResult<()> {
        self.save(thread, key)?;
        let saved = self.save(thread, value);
        noted(thread, saved, |thread| {
            let key = protocol::repr(thread, key)?;
            Ok(format!("when serializing {} item {}", qualified(thread, owner)?, str::display(key.get())))
        })
    }

    /// Puts an iterator's pairs into the dict that is on top of the stack.
    pub(super) fn set_items(&mut self, thread: &mut Thread, items: Ref<'_>, owner: Ref<'_>) -> PyResult<()> {
        loop {
            let batch = batch(thread, items, if self.bin { BATCH } else { 1 })?;
            if batch.is_empty() {
                return Ok(());
            }
            let many = batch.len() > 1;
            if many {
                self.out.op(MARK);
            }
            for pair in &batch {
                let pair = pair.get().downcast::<PyTuple>().filter(|pair| pair.len() == 2);
                let Some((key, value)) = pair.and_then(|pair| Some((pair.item(0)?, pair.item(1)?))) else {
                    return Err(orochi_objects::error::type_error(
                        "dict items iterator must return 2-tuples",
                    ));
                };
                self.save_pair(thread, key, value, owner)?;
            }
            self.out.op(if many { SETITEMS } else { SETITEM });
        }
    }

    /// The elements of a set as an argument for its class, for protocols that have no opcodes for it.
    fn reduce_set(&mut self, thread: &mut Thread, object: Ref<'_>, class: Value) -> PyResult<()> {
        let items = protocol::collect(thread, object)?;
        let items = list::new(thread, items)?.into_value();
        let args = tuple::of(thread, [items])?;
        self.reduce_call(thread, object, class, args)
    }

    fn save_elements(&mut self, thread: &mut Thread, items: &[Value], object: Ref<'_>) -> PyResult<()> {
        for item in items {
            let saved = self.save(thread, item.get());
            noted(thread, saved, |thread| {
                Ok(format!("when serializing {} element", qualified(thread, object)?))
            })?;
        }
        Ok(())
    }

    fn save_set(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        if self.protocol < 4 {
            return self.reduce_set(thread, object, PySet::static_type().get().to_value());
        }
        self.out.op(EMPTY_SET);
        self.memoize(thread, object);
        let items = protocol::iter(thread, object)?;
        loop {
            let batch = batch(thread, items.get(), BATCH)?;
            if batch.is_empty() {
                return Ok(());
            }
            self.out.op(MARK);
            self.save_elements(thread, &batch, object)?;
            self.out.op(ADDITEMS);
        }
    }

    fn save_frozenset(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        if self.protocol < 4 {
            return self.reduce_set(thread, object, PyFrozenSet::static_type().get().to_value());
        }
        self.out.op(MARK);
        let items = protocol::collect(thread, object)?;
        self.save_elements(thread, &items, object)?;
        if let Some(number) = self.number_of(thread, object) {
            self.out.op(POP_MARK);
            self.get(number);
            return Ok(());
        }
        self.out.op(FROZENSET);
        self.memoize(thread, object);
        Ok(())
    }

    /// A class: the classes of None, NotImplemented and `...` have no names in a module.
    fn save_type(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        for single in [Ref::NONE, Ref::NOT_IMPLEMENTED, Ref::ELLIPSIS] {
            if object.is(class_of(single).get()) {
                let args = tuple::of(thread, [single.to_owned()])?;
                return self.reduce_call(thread, object, PyType::static_type().get().to_value(), args);
            }
        }
        self.save_global(thread, object, None)
    }

    /// Anything else: by the table of reducers, or by its own methods.
    fn save_other(&mut self, thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
        let class = class_of(object);
        let table = self.reducers(thread)?;
        let reducer = match table.get().downcast::<PyDict>() {
            Some(table) => orochi_objects::types::dict::get_item(thread, table, class.get())?,
            None => match protocol::get_item(thread, table.get(), class.get()) {
                Ok(reducer) => Some(reducer),
                Err(error) if error.matches(&orochi_objects::types::exception::KeyError) => None,
                Err(error) => return Err(error),
            },
        };
        let reduced = if let Some(reducer) = reducer {
            protocol::call(thread, reducer.get(), &[object])?
        } else if object.downcast::<PyType>().is_some() {
            return self.save_global(thread, object, None);
        } else if let Some(method) = protocol::find_attr(thread, object, name!("__reduce_ex__"))? {
            let number = Value::small_int(self.protocol.into()).unwrap_or(Value::NONE);
            protocol::call(thread, method.get(), &[number.get()])?
        } else if let Some(method) = protocol::find_attr(thread, object, name!("__reduce__"))? {
            protocol::call(thread, method.get(), &[])?
        } else {
            return Err(error(format!("Can't pickle {} object", qualified(thread, object)?)));
        };
        if self.fast {
            return self.nested_reduced(thread, object, &reduced);
        }
        self.save_reduced(thread, object, &reduced)
    }

    fn nested_reduced(&mut self, thread: &mut Thread, object: Ref<'_>, reduced: &Value) -> PyResult<()> {
        if self.open.len() >= FAST_NESTING && self.open.contains(&object.word()) {
            let class = class_of(object).full_name();
            return Err(value_error(format!(
                "fast mode: can't pickle cyclic objects including object type {class} at {:#x}",
                object.word()
            )));
        }
        self.open.push(object.word());
        let result = self.save_reduced(thread, object, reduced);
        self.open.pop();
        result
    }
}

/// An opcode and a length.
#[derive(Default)]
struct Header {
    bytes: [u8; 9],
    len: usize,
}

impl Header {
    fn push(&mut self, opcode: u8) {
        self.extend_from_slice(&[opcode]);
    }

    fn extend_from_slice(&mut self, bytes: &[u8]) {
        if let Some(place) = self.bytes.get_mut(self.len..self.len + bytes.len()) {
            place.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// The opcode and length before contents.
fn header(len: usize, short: Option<u8>, normal: u8, long: Option<u8>) -> PyResult<Header> {
    let mut header = Header::default();
    if let (Some(opcode), Ok(len)) = (short, u8::try_from(len)) {
        header.extend_from_slice(&[opcode, len]);
    } else if let Ok(len) = u32::try_from(len) {
        header.push(normal);
        header.extend_from_slice(&len.to_le_bytes());
    } else if let Some(opcode) = long {
        header.push(opcode);
        header.extend_from_slice(&(len as u64).to_le_bytes());
    } else {
        let text = "serializing a string larger than 4 GiB requires pickle protocol 4 or higher";
        return Err(orochi_objects::error::overflow_error(text));
    }
    Ok(header)
}

/// Text on one line of ASCII and Latin-1: what ends lines or begins escapes is escaped.
fn escaped(text: &Obj<PyStr>) -> Vec<u8> {
    let mut line = Vec::with_capacity(text.byte_len());
    for point in text.as_wtf8().code_points() {
        match point.to_u32() {
            special @ (0 | 0x0A | 0x0D | 0x1A | 0x5C) => {
                line.extend_from_slice(format!("\\u{special:04x}").as_bytes())
            }
            point @ 0..0x100 => line.push(point as u8),
            point @ 0..0x1_0000 => line.extend_from_slice(format!("\\u{point:04x}").as_bytes()),
            point => line.extend_from_slice(format!("\\U{point:08x}").as_bytes()),
        }
    }
    line
}

/// The next items of an iterator, at most so many.
fn batch(thread: &mut Thread, items: Ref<'_>, most: usize) -> PyResult<Vec<Value>> {
    let mut batch = Vec::new();
    while batch.len() < most {
        match protocol::next(thread, items)? {
            Some(item) => batch.push(item),
            None => break,
        }
    }
    Ok(batch)
}

/// The error for a name that isn't in an encoding, with the encoder's error as its context.
pub(super) fn with_context(thread: &mut Thread, new: PyErr, context: PyErr) -> PyErr {
    let context = context.into_value(thread);
    let mut new = new;
    if let Some(exception) = new.exception(thread) {
        orochi_objects::types::exception_chain::set_context(&exception, thread, Some(context));
    }
    new
}
