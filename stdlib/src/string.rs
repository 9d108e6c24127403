//! `_string`: what `string.Formatter` takes templates apart with.

use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use orochi_objects::core::sync::{AtomicU64, Ordering};
use orochi_objects::error::{PyResult, type_error, value_error};
use orochi_objects::types::module::PyModule;
use orochi_objects::types::str::{self, PyStr};
use orochi_objects::{Field, Obj, Ref, Thread, Value, class_of, int, make, tuple};
use orochi_text::str_format::{Accessor, First, Piece, Template, TemplateError, split_field_name};

fn wrong(error: TemplateError) -> orochi_objects::PyErr {
    value_error(error.to_string())
}

/// Iterates over the pieces of a template.
#[pyclass(name = "formatteriterator", module = "builtins", no_new)]
#[derive(Trace)]
struct FormatterIterator {
    template: Field,
    /// How many pieces have been given out.
    #[trace(unsafe_skip)]
    done: AtomicU64,
}

#[pymethods]
impl FormatterIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let Some(template) = this.template.fixed().downcast::<PyStr>() else { return Ok(None) };
        // Relaxed: the count stands alone.
        let at = this.done.fetch_add(1, Ordering::Relaxed) as usize;
        match Template::new(template.as_wtf8()).nth(at) {
            None => Ok(None),
            Some(piece) => piece_tuple(thread, &piece.map_err(wrong)?).map(Some),
        }
    }
}

/// `(literal, field name, specification, conversion)`; the last three are None without a field.
fn piece_tuple(thread: &Thread, piece: &Piece<'_>) -> PyResult {
    let mut parts = vec![str::from_wtf8(thread, piece.literal)?];
    match &piece.field {
        None => parts.extend([Value::NONE, Value::NONE, Value::NONE]),
        Some(field) => {
            parts.push(str::from_wtf8(thread, field.name)?);
            parts.push(str::from_wtf8(thread, field.spec)?);
            parts.push(match field.conversion {
                Some(c) => orochi_objects::types::str_::single::character(thread, c)?,
                None => Value::NONE,
            });
        }
    }
    Ok(tuple::new(thread, parts)?.into_value())
}

fn text<'a>(object: Ref<'a>) -> PyResult<&'a Obj<PyStr>> {
    object
        .downcast::<PyStr>()
        .ok_or_else(|| type_error(format!("expected str, got {}", class_of(object).name())))
}

/// parse the argument as a format string
#[pyfunction]
fn formatter_parser(thread: &mut Thread, format: Ref<'_>) -> PyResult {
    let template = Field::new_local(text(format)?.to_value());
    Ok(make(thread, FormatterIterator { template, done: AtomicU64::new(0) })?.into_value())
}

/// split the argument as a field name
#[pyfunction]
fn formatter_field_name_split(thread: &mut Thread, name: Ref<'_>) -> PyResult {
    let (first, accessors) = split_field_name(text(name)?.as_wtf8()).map_err(wrong)?;
    let first = match first {
        First::Automatic => str::new(thread, "")?,
        First::Index(index) => int::new(thread, index as i64)?,
        First::Name(name) => str::from_wtf8(thread, name)?,
    };
    let mut rest = Vec::new();
    for accessor in accessors {
        let (is_attribute, key) = match accessor.map_err(wrong)? {
            Accessor::Attribute(name) => (true, str::from_wtf8(thread, name)?),
            Accessor::Index(index) => (false, int::new(thread, index as i64)?),
            Accessor::Key(key) => (false, str::from_wtf8(thread, key)?),
        };
        rest.push(tuple::new(thread, vec![Value::bool(is_attribute), key])?.into_value());
    }
    let rest = tuple::new(thread, rest)?.to_value();
    let rest = orochi_objects::protocol::iter(thread, rest.get())?;
    Ok(tuple::new(thread, vec![first, rest])?.into_value())
}

/// string helper module
#[pymodule(name = "_string", functions(formatter_parser, formatter_field_name_split))]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
