//! `str.format`, `str.format_map`, `str.__format__`, and `format(object, spec)`.

use crate::args::{Args, KwArgs};
use crate::class::{PyClass, exactly, is_exact};
use crate::error::{PyResult, index_error, key_error, type_error, value_error};
use crate::protocol;
use crate::types::format::{format_error, parse_spec};
use crate::types::str::{self, PyStr};
use crate::types::{float, int};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;
use orochi_text::format_spec::{Kind, quick};
use orochi_text::str_format::{
    Accessor, AutoNumber, Field, MAX_DEPTH, Template, TemplateError, split_field_name,
};
use orochi_text::wtf8::{CodePoint, Wtf8, Wtf8Buf};

/// Where a template's fields find their values.
pub enum Source<'a> {
    /// The arguments of `str.format`.
    Arguments(Args<'a>, KwArgs<'a>),
    /// The mapping of `str.format_map`.
    Mapping(Ref<'a>),
}

impl Source<'_> {
    fn positional(&self, index: usize) -> PyResult {
        match self {
            Source::Arguments(args, _) => args.get(index).map(Ref::to_owned).ok_or_else(|| {
                index_error(format!("Replacement index {index} out of range for positional args tuple"))
            }),
            Source::Mapping(_) => Err(value_error("Format string contains positional fields")),
        }
    }

    fn named(&self, thread: &mut Thread, name: &Wtf8) -> PyResult {
        match self {
            Source::Arguments(_, keywords) => {
                let found = keywords.iter().find(|(key, _)| key.as_bytes() == name.as_bytes());
                match found {
                    Some((_, value)) => Ok(value.to_owned()),
                    None => Err(key_error(str::from_wtf8(thread, name)?)),
                }
            }
            Source::Mapping(mapping) => {
                let key = str::from_wtf8(thread, name)?;
                protocol::get_item(thread, *mapping, key.get())
            }
        }
    }
}

#[cold]
fn template_error(error: TemplateError) -> crate::PyErr {
    value_error(error.to_string())
}

fn field_value(thread: &mut Thread, name: &Wtf8, source: &Source<'_>, numbers: &mut AutoNumber) -> PyResult {
    let (first, accessors) = split_field_name(name).map_err(template_error)?;
    let mut value = match numbers.resolve(first).map_err(template_error)? {
        Ok(index) => source.positional(index)?,
        Err(name) => source.named(thread, name)?,
    };
    for accessor in accessors {
        value = match accessor.map_err(template_error)? {
            Accessor::Attribute(name) => {
                let name = crate::interned::intern(name)?;
                protocol::get_attr(thread, value.get(), name)?
            }
            Accessor::Index(index) => {
                let index = int::new(thread, index as i64)?;
                protocol::get_item(thread, value.get(), index.get())?
            }
            Accessor::Key(key) => {
                let key = str::from_wtf8(thread, key)?;
                protocol::get_item(thread, value.get(), key.get())?
            }
        };
    }
    Ok(value)
}

/// What `!r`, `!s` and `!a` make of a value.
pub fn converted(thread: &mut Thread, value: Value, conversion: Option<CodePoint>) -> PyResult {
    let Some(conversion) = conversion else { return Ok(value) };
    match conversion.to_char_lossy() {
        's' => protocol::str(thread, value.get()),
        'r' => protocol::repr(thread, value.get()),
        'a' => {
            let repr = protocol::repr(thread, value.get())?;
            match repr.get().downcast::<PyStr>() {
                Some(text) => super::sequence::ascii_of_repr(thread, text),
                None => Ok(repr),
            }
        }
        _ => Err(template_error(TemplateError::UnknownConversion(conversion))),
    }
}

fn expand_field(
    thread: &mut Thread,
    field: &Field<'_>,
    source: &Source<'_>,
    numbers: &mut AutoNumber,
    depth: usize,
    out: &mut Wtf8Buf,
) -> PyResult<()> {
    let value = field_value(thread, field.name, source, numbers)?;
    let value = converted(thread, value, field.conversion)?;
    let mut expanded = Wtf8Buf::new();
    let spec: &Wtf8 = if field.spec_has_fields {
        expand(thread, field.spec, source, numbers, depth - 1, &mut expanded)?;
        &expanded
    } else {
        field.spec
    };
    let text = format_with(thread, value.get(), spec)?;
    if let Some(text) = text.get().downcast::<PyStr>() {
        out.push_wtf8(text.as_wtf8());
    }
    Ok(())
}

fn expand(
    thread: &mut Thread,
    template: &Wtf8,
    source: &Source<'_>,
    numbers: &mut AutoNumber,
    depth: usize,
    out: &mut Wtf8Buf,
) -> PyResult<()> {
    if depth == 0 {
        return Err(template_error(TemplateError::TooDeep));
    }
    for piece in Template::new(template) {
        let piece = piece.map_err(template_error)?;
        out.push_wtf8(piece.literal);
        if let Some(field) = piece.field {
            expand_field(thread, &field, source, numbers, depth, out)?;
        }
    }
    Ok(())
}

/// Expands a template.
pub fn format_template(thread: &mut Thread, template: &Obj<PyStr>, source: &Source<'_>) -> PyResult {
    let mut out = Wtf8Buf::new();
    expand(thread, template.as_wtf8(), source, &mut AutoNumber::default(), MAX_DEPTH, &mut out)?;
    str::from_wtf8(thread, &out)
}

/// `format(value, spec)` with the specification as text; strs and ints without one are quick.
pub fn format_with(thread: &mut Thread, value: Ref<'_>, spec: &Wtf8) -> PyResult {
    if spec.is_empty()
        && (is_exact(value, PyStr::static_type()) || is_exact(value, int::PyInt::static_type()))
    {
        return protocol::str(thread, value);
    }
    let spec = str::from_wtf8(thread, spec)?;
    format_object(thread, value, spec.get())
}

/// `format(value, spec)`: calls `__format__`.
pub fn format_object(thread: &mut Thread, value: Ref<'_>, spec: Ref<'_>) -> PyResult {
    if spec.downcast::<PyStr>().is_some_and(|spec| spec.is_empty())
        && (is_exact(value, PyStr::static_type()) || is_exact(value, int::PyInt::static_type()))
    {
        return protocol::str(thread, value);
    }
    // These classes can't be given another `__format__`.
    if let Some(text) = exactly::<PyStr>(value) {
        return formatted(thread, text, spec);
    }
    if is_exact(value, int::PyInt::static_type()) {
        return crate::types::int_::text::formatted(thread, value, spec);
    }
    if is_exact(value, float::PyFloat::static_type()) {
        return crate::types::float_::methods::formatted(thread, value, spec);
    }
    let Some(result) = protocol::call_special(thread, value, crate::name!("__format__"), &[spec])? else {
        let class = crate::class_of(value).name();
        return Err(type_error(format!("Type {class} doesn't define __format__")));
    };
    if result.get().downcast::<PyStr>().is_none() {
        let got = crate::class_of(result.get()).name();
        return Err(type_error(format!("__format__ must return a str, not {got}")));
    }
    Ok(result)
}

#[pymethods(part = FORMAT)]
impl PyStr {
    /// Return a formatted version of the string, using substitutions from args and kwargs.
    ///
    /// The substitutions are identified by braces ('{' and '}').
    #[signature(*args, **kwargs)]
    fn format(
        thread: &mut Thread,
        this: &Obj<Self>,
        args: crate::ArgSlice<'_>,
        kwargs: KwArgs<'_>,
    ) -> PyResult {
        format_template(thread, this, &Source::Arguments(args, kwargs))
    }

    /// Return a formatted version of the string, using substitutions from mapping.
    ///
    /// The substitutions are identified by braces ('{' and '}').
    fn format_map(thread: &mut Thread, this: &Obj<Self>, mapping: Ref<'_>) -> PyResult {
        format_template(thread, this, &Source::Mapping(mapping))
    }

    /// Return a formatted version of the string as described by format_spec.
    fn __format__(thread: &mut Thread, this: &Obj<Self>, format_spec: Ref<'_>) -> PyResult {
        formatted(thread, this, format_spec)
    }
}

/// `str.__format__`.
fn formatted(thread: &mut Thread, this: &Obj<PyStr>, format_spec: Ref<'_>) -> PyResult {
    if let Some(spec) = format_spec.downcast::<PyStr>()
        && !spec.is_empty()
        && this.is_ascii()
        && let Some(line) = quick::of_ascii(spec.as_bytes(), this.as_bytes())
    {
        return str::from_ascii(thread, line.as_bytes());
    }
    let Some(spec) = parse_spec(format_spec, Kind::Str, this.get())? else {
        return crate::types::format::plain(thread, this.get());
    };
    let name = crate::class_of(this.get()).name();
    let text = spec.format_str(this.as_wtf8(), &name).map_err(format_error)?;
    str::from_wtf8(thread, &text)
}
