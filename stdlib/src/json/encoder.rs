//! Encoding: objects to text.

use super::text::push_string;
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{recursion_error, type_error, value_error};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::int_::text::decimal;
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::native_function::PyNativeFunction;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::{
    Field, Obj, PyErr, PyResult, PyType, Ref, Thread, Value, alloc, class_of, float, int, protocol, str,
};
use orochi_text::wtf8::Wtf8Buf;

/// How strings are encoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strings {
    Ascii,
    Plain,
    /// By calling a function.
    Call,
}

/// Encoder(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)
#[pyclass(name = "Encoder", module = "_json")]
#[derive(Trace)]
pub(super) struct Encoder {
    markers: Field,
    default: Field,
    encoder: Field,
    indent: Field,
    key_separator: Field,
    item_separator: Field,
    sort_keys: bool,
    skipkeys: bool,
    allow_nan: bool,
    #[trace(unsafe_skip)]
    strings: Strings,
}

/// One encoding.
struct Writer<'a> {
    encoder: &'a Encoder,
    out: Wtf8Buf,
    /// The containers that are being written; `None` if circles aren't looked for.
    open: Option<Vec<u64>>,
    indent: Option<&'a Obj<PyStr>>,
}

fn note(thread: &mut Thread, error: PyErr, text: Wtf8Buf) -> PyErr {
    let text = str::from_wtf8(thread, text.as_wtf8());
    error.with_note(thread, text)
}

impl Writer<'_> {
    fn push_text(&mut self, text: Ref<'_>) {
        if let Some(text) = text.downcast::<PyStr>() {
            self.out.push_wtf8(text.as_wtf8());
        }
    }

    fn string(&mut self, thread: &mut Thread, text: &Obj<PyStr>) -> PyResult<()> {
        match self.encoder.strings {
            Strings::Call => {
                let encoded = protocol::call(thread, self.encoder.encoder.fixed(), &[text.get()])?;
                if encoded.get().downcast::<PyStr>().is_none() {
                    let class = class_of(encoded.get()).name();
                    return Err(type_error(format!("encoder() must return a string, not {class}")));
                }
                self.push_text(encoded.get());
            }
            strings => push_string(&mut self.out, text.as_wtf8(), strings == Strings::Ascii),
        }
        Ok(())
    }

    fn float_text(&self, thread: &mut Thread, value: f64, object: Ref<'_>) -> PyResult<String> {
        if value.is_finite() {
            return Ok(orochi_text::float::repr(value));
        }
        if !self.encoder.allow_nan {
            let shown = protocol::repr(thread, object)?;
            let shown = str::display(shown.get());
            return Err(value_error(format!("Out of range float values are not JSON compliant: {shown}")));
        }
        let text = if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        Ok(text.to_owned())
    }

    fn value(&mut self, thread: &mut Thread, object: Ref<'_>, level: usize) -> PyResult<()> {
        if object.is_none() {
            self.out.push_str("null");
        } else if let Some(boolean) = object.as_bool() {
            self.out.push_str(if boolean { "true" } else { "false" });
        } else if let Some(text) = object.downcast::<PyStr>() {
            self.string(thread, text)?;
        } else if let Some(number) = int::value(object) {
            self.out.push_str(&decimal(number)?);
        } else if let Some(number) = float::value(object) {
            let text = self.float_text(thread, number, object)?;
            self.out.push_str(&text);
        } else if object.downcast::<PyList>().is_some() || object.downcast::<PyTuple>().is_some() {
            self.within(thread, object, |writer, thread| writer.sequence(thread, object, level))?;
        } else if object.downcast::<PyDict>().is_some() {
            self.within(thread, object, |writer, thread| writer.mapping(thread, object, level))?;
        } else {
            self.within(thread, object, |writer, thread| writer.other(thread, object, level))?;
        }
        Ok(())
    }

    /// Writes a container, unless it is being written already.
    fn within(
        &mut self,
        thread: &mut Thread,
        object: Ref<'_>,
        write: impl FnOnce(&mut Self, &mut Thread) -> PyResult<()>,
    ) -> PyResult<()> {
        if thread.native_stack_low() {
            return Err(recursion_error("maximum recursion depth exceeded while encoding a JSON object"));
        }
        if let Some(open) = &mut self.open {
            let word = object.word();
            if open.contains(&word) {
                return Err(value_error("Circular reference detected"));
            }
            open.push(word);
        }
        write(self, thread)?;
        if let Some(open) = &mut self.open {
            open.pop();
        }
        Ok(())
    }

    fn other(&mut self, thread: &mut Thread, object: Ref<'_>, level: usize) -> PyResult<()> {
        let replaced = protocol::call(thread, self.encoder.default.fixed(), &[object])?;
        self.value(thread, replaced.get(), level).map_err(|error| {
            let mut text = Wtf8Buf::default();
            text.push_str(&format!("when serializing {} object", class_of(object).name()));
            note(thread, error, text)
        })
    }

    fn newline(&mut self, level: usize) {
        let Some(indent) = self.indent else { return };
        self.out.push_ascii(b'\n');
        for _ in 0..level {
            self.out.push_wtf8(indent.as_wtf8());
        }
    }

    fn sequence(&mut self, thread: &mut Thread, object: Ref<'_>, level: usize) -> PyResult<()> {
        // Item by item: a list may change while its items are written.
        let item =
            |thread: &Thread, i: usize| match (object.downcast::<PyList>(), object.downcast::<PyTuple>()) {
                (Some(list), _) => list::item(thread, list, i),
                (_, Some(tuple)) => tuple.item(i).map(Ref::to_owned),
                _ => None,
            };
        let Some(mut value) = item(thread, 0) else {
            self.out.push_str("[]");
            return Ok(());
        };
        self.out.push_ascii(b'[');
        let mut i = 0;
        loop {
            if i > 0 {
                self.push_text(self.encoder.item_separator.fixed());
            }
            self.newline(level + 1);
            self.value(thread, value.get(), level + 1).map_err(|error| {
                let mut text = Wtf8Buf::default();
                text.push_str(&format!("when serializing {} item {i}", class_of(object).name()));
                note(thread, error, text)
            })?;
            i += 1;
            match item(thread, i) {
                Some(next) => value = next,
                None => break,
            }
        }
        self.newline(level);
        self.out.push_ascii(b']');
        Ok(())
    }

    /// The members of a dict, in the order in which they are written.
    fn members(&self, thread: &mut Thread, object: Ref<'_>) -> PyResult<Vec<(Value, Value)>> {
        let Some(dict) = object.downcast::<PyDict>() else { return Ok(Vec::new()) };
        let exact =
            orochi_objects::class::is_exact(object, <PyDict as orochi_objects::PyClass>::static_type());
        if exact && !self.encoder.sort_keys {
            return Ok(dict::entries(thread, dict)?
                .into_iter()
                .map(|entry| (entry.key, entry.value))
                .collect());
        }
        let items = protocol::call_method(thread, object, "items", &[])?;
        let items = list::to_values(thread, items.get())?;
        let items = list::new(thread, items)?;
        if self.encoder.sort_keys {
            protocol::call_method(thread, items.get(), "sort", &[])?;
        }
        let mut members = Vec::new();
        for item in list::values(thread, &items)? {
            let pair = item.get().downcast::<PyTuple>().filter(|pair| pair.len() == 2);
            let Some(pair) = pair else { return Err(value_error("items must return 2-tuples")) };
            let part = |i| pair.item(i).map_or(Value::NONE, Ref::to_owned);
            members.push((part(0), part(1)));
        }
        Ok(members)
    }

    /// Writes a key; false if it is left out.
    fn key(&mut self, thread: &mut Thread, key: Ref<'_>, first: bool, level: usize) -> PyResult<bool> {
        let made;
        let text = if let Some(text) = key.downcast::<PyStr>() {
            text
        } else {
            let shown = if let Some(number) = float::value(key) {
                self.float_text(thread, number, key)?
            } else if let Some(boolean) = key.as_bool() {
                if boolean { "true" } else { "false" }.to_owned()
            } else if key.is_none() {
                "null".to_owned()
            } else if let Some(number) = int::value(key) {
                decimal(number)?
            } else if self.encoder.skipkeys {
                return Ok(false);
            } else {
                let class = class_of(key).name();
                let text = format!("keys must be str, int, float, bool or None, not {class}");
                return Err(type_error(text));
            };
            made = str::object(thread, shown.as_str().as_ref())?;
            &*made
        };
        if !first {
            self.push_text(self.encoder.item_separator.fixed());
        }
        self.newline(level);
        self.string(thread, text)?;
        self.push_text(self.encoder.key_separator.fixed());
        Ok(true)
    }

    fn mapping(&mut self, thread: &mut Thread, object: Ref<'_>, level: usize) -> PyResult<()> {
        let members = self.members(thread, object)?;
        if members.is_empty() {
            self.out.push_str("{}");
            return Ok(());
        }
        self.out.push_ascii(b'{');
        let mut first = true;
        for (key, value) in &members {
            if !self.key(thread, key.get(), first, level + 1)? {
                continue;
            }
            first = false;
            if let Err(error) = self.value(thread, value.get(), level + 1) {
                let mut text = Wtf8Buf::default();
                text.push_str(&format!("when serializing {} item ", class_of(object).name()));
                let shown = protocol::repr(thread, key.get())?;
                if let Some(shown) = shown.get().downcast::<PyStr>() {
                    text.push_wtf8(shown.as_wtf8());
                }
                return Err(note(thread, error, text));
            }
        }
        if !first {
            self.newline(level);
        }
        self.out.push_ascii(b'}');
        Ok(())
    }
}

/// Which of this module's functions encodes strings, if it is one of them.
fn strings_of(encoder: Ref<'_>) -> Strings {
    let native = encoder.downcast::<PyNativeFunction>().map(|function| function.definition());
    match native {
        Some(definition) if std::ptr::eq(definition, &super::__def_encode_basestring_ascii) => Strings::Ascii,
        Some(definition) if std::ptr::eq(definition, &super::__def_encode_basestring) => Strings::Plain,
        _ => Strings::Call,
    }
}

#[pymethods]
impl Encoder {
    #[new]
    #[no_text_signature]
    #[signature(
        markers,
        default,
        encoder,
        indent,
        key_separator,
        item_separator,
        sort_keys,
        skipkeys,
        allow_nan
    )]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        markers: Ref,
        default: Ref,
        encoder: Ref,
        indent: Ref,
        key_separator: &Obj<PyStr>,
        item_separator: &Obj<PyStr>,
        sort_keys: bool,
        skipkeys: bool,
        allow_nan: bool,
    ) -> PyResult {
        if !markers.is_none() && markers.downcast::<PyDict>().is_none() {
            let class = class_of(markers).name();
            return Err(type_error(format!("make_encoder() argument 1 must be dict or None, not {class}")));
        }
        let field = |object: Ref<'_>| Field::new_local(Ref::to_owned(object));
        let made = Encoder {
            markers: field(markers),
            default: field(default),
            encoder: field(encoder),
            indent: field(indent),
            key_separator: field(key_separator.get()),
            item_separator: field(item_separator.get()),
            sort_keys,
            skipkeys,
            allow_nan,
            strings: strings_of(encoder),
        };
        Ok(alloc(thread, cls, made)?.into_value())
    }

    #[call]
    #[signature(obj, _current_indent_level)]
    fn call(thread: &mut Thread, this: &Obj<Self>, obj: Ref, _current_indent_level: isize) -> PyResult {
        let open = if this.markers.fixed().is_none() { None } else { Some(Vec::new()) };
        let indent = this.indent.fixed().downcast::<PyStr>();
        let mut writer = Writer { encoder: this, out: Wtf8Buf::default(), open, indent };
        writer.value(thread, obj, usize::try_from(_current_indent_level).unwrap_or(0))?;
        let text = str::from_wtf8(thread, writer.out.as_wtf8())?;
        Ok(tuple::new(thread, vec![text])?.into_value())
    }

    #[getter]
    fn markers(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.markers.fixed())
    }

    #[getter]
    fn default(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.default.fixed())
    }

    #[getter]
    fn encoder(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.encoder.fixed())
    }

    #[getter]
    fn indent(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.indent.fixed())
    }

    #[getter]
    fn key_separator(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.key_separator.fixed())
    }

    #[getter]
    fn item_separator(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.item_separator.fixed())
    }

    #[getter]
    fn sort_keys(this: &Obj<Self>) -> bool {
        this.sort_keys
    }

    #[getter]
    fn skipkeys(this: &Obj<Self>) -> bool {
        this.skipkeys
    }
}
