//! `string.templatelib`: `Template` and `Interpolation`, which t-strings make.

use crate::args::Args;
use crate::error::{PyResult, type_error};
use crate::protocol;
use crate::types::str::{self, PyStr};
use crate::types::tuple::{self, PyTuple};
use crate::types::r#type::PyType;
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Template object
#[pyclass(name = "Template", module = "string.templatelib", generic)]
#[derive(Trace)]
pub struct PyTemplate {
    strings: Field,
    interpolations: Field,
}

/// Interpolation object
#[pyclass(
    name = "Interpolation",
    module = "string.templatelib",
    generic,
    match_args("value", "expression", "conversion", "format_spec")
)]
#[derive(Trace)]
pub struct PyInterpolation {
    value: Field,
    expression: Field,
    conversion: Field,
    format_spec: Field,
}

/// Iterates over a template's strings and interpolations.
#[pyclass(name = "TemplateIter", module = "string.templatelib", no_new)]
#[derive(Trace)]
pub struct PyTemplateIter {
    template: Field,
    #[trace(unsafe_skip)]
    next: AtomicU64,
}

/// A template of a tuple of strs and a tuple of interpolations, one fewer.
pub fn new(thread: &Thread, strings: Value, interpolations: Value) -> PyResult {
    let (strings, interpolations) = (Field::new_local(strings), Field::new_local(interpolations));
    Ok(crate::make(thread, PyTemplate { strings, interpolations })?.into_value())
}

/// An interpolation; `conversion` is None or a str.
pub fn interpolation(
    thread: &Thread,
    value: Value,
    expression: Value,
    conversion: Value,
    format_spec: Value,
) -> PyResult {
    let [value, expression, conversion, format_spec] =
        [value, expression, conversion, format_spec].map(Field::new_local);
    let made = PyInterpolation { value, expression, conversion, format_spec };
    Ok(crate::make(thread, made)?.into_value())
}

impl PyInterpolation {
    fn fields(&self) -> [&Field; 4] {
        [&self.value, &self.expression, &self.conversion, &self.format_spec]
    }
}

fn items(tuple: &Field) -> Vec<Value> {
    tuple.fixed().downcast::<PyTuple>().map_or(Vec::new(), |tuple| tuple.items().map(Ref::to_owned).collect())
}

/// Strings and interpolations in turn, where strings that stand together are one.
fn from_parts(thread: &Thread, parts: &[Value]) -> PyResult {
    let (mut strings, mut interpolations) = (Vec::new(), Vec::new());
    let mut text = orochi_text::wtf8::Wtf8Buf::new();
    for part in parts {
        if let Some(found) = part.get().downcast::<PyStr>() {
            text.push_wtf8(found.as_wtf8());
        } else if part.get().downcast::<PyInterpolation>().is_some() {
            strings.push(str::from_wtf8(thread, &text)?);
            text.clear();
            interpolations.push(part.clone());
        } else {
            let class = crate::class_of(part.get()).name();
            return Err(type_error(format!(
                "Template.__new__ *args need to be of type 'str' or 'Interpolation', got {class}"
            )));
        }
    }
    strings.push(str::from_wtf8(thread, &text)?);
    new(thread, tuple::new(thread, strings)?.into_value(), tuple::new(thread, interpolations)?.into_value())
}

fn parts_of(template: &Obj<PyTemplate>) -> Vec<Value> {
    let (strings, interpolations) = (items(&template.strings), items(&template.interpolations));
    let mut parts = Vec::new();
    let mut interpolations = interpolations.into_iter();
    for text in strings {
        parts.push(text);
        parts.extend(interpolations.next());
    }
    parts
}

#[pymethods]
impl PyTemplate {
    #[new]
    #[no_text_signature]
    fn new(thread: &mut Thread, _cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        if args.keyword_count() > 0 {
            return Err(type_error("Template.__new__ only accepts *args arguments"));
        }
        let parts: Vec<Value> = args.iter().map(Ref::to_owned).collect();
        from_parts(thread, &parts)
    }

    /// Strings
    #[getter]
    fn strings(this: &Obj<Self>) -> Value {
        this.strings.fixed().to_owned()
    }

    /// Interpolations
    #[getter]
    fn interpolations(this: &Obj<Self>) -> Value {
        this.interpolations.fixed().to_owned()
    }

    /// Values of interpolations
    #[getter]
    fn values(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let values = items(&this.interpolations).into_iter().map(|part| {
            match part.get().downcast::<PyInterpolation>() {
                Some(part) => part.value.fixed().to_owned(),
                None => Value::NONE,
            }
        });
        Ok(tuple::new(thread, values.collect())?.into_value())
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let template = Field::new_local(this.to_value());
        Ok(crate::make(thread, PyTemplateIter { template, next: AtomicU64::new(0) })?.into_value())
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let unpickle = from_library(thread, "_template_unpickle")?;
        let strings = this.strings.fixed().to_owned();
        let interpolations = this.interpolations.fixed().to_owned();
        let arguments = tuple::new(thread, vec![strings, interpolations])?.into_value();
        Ok(tuple::new(thread, vec![unpickle, arguments])?.into_value())
    }

    #[slot]
    fn sq_concat(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        match (left.downcast::<PyTemplate>(), right.downcast::<PyTemplate>()) {
            (Some(left), Some(right)) => {
                let mut parts = parts_of(left);
                parts.extend(parts_of(right));
                from_parts(thread, &parts)
            }
            _ => {
                let class = crate::class_of(right).name();
                Err(type_error(format!(
                    "can only concatenate string.templatelib.Template (not \"{class}\") to string.templatelib.Template"
                )))
            }
        }
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let strings = protocol::repr(thread, this.strings.fixed())?;
        let interpolations = protocol::repr(thread, this.interpolations.fixed())?;
        let (strings, interpolations) = (str::display(strings.get()), str::display(interpolations.get()));
        str::new(thread, &format!("Template(strings={strings}, interpolations={interpolations})"))
    }
}

/// An attribute of `string.templatelib`.
fn from_library(thread: &mut Thread, name: &str) -> PyResult {
    let module = str::new(thread, "string.templatelib")?;
    let import = crate::types::builtin(thread, "__import__")?;
    let names = tuple::new(thread, vec![str::new(thread, name)?])?;
    let module = protocol::call(thread, import.get(), &[module.get(), Ref::NONE, Ref::NONE, names.get()])?;
    protocol::get_attr_str(thread, module.get(), name)
}

#[pymethods]
impl PyInterpolation {
    #[new]
    #[signature(value, expression="", conversion=None, format_spec="")]
    fn new(
        thread: &mut Thread,
        _cls: &Obj<PyType>,
        value: Ref<'_>,
        expression: Option<Ref<'_>>,
        conversion: Option<Ref<'_>>,
        format_spec: Option<Ref<'_>>,
    ) -> PyResult {
        let text = |thread: &mut Thread, argument: Option<Ref<'_>>, name: &str| match argument {
            None => str::new(thread, ""),
            Some(text) if text.downcast::<PyStr>().is_some() => Ok(text.to_owned()),
            Some(other) => {
                let class = crate::class_of(other).name();
                Err(type_error(format!("Interpolation() argument '{name}' must be str, not {class}")))
            }
        };
        let expression = text(thread, expression, "expression")?;
        let format_spec = text(thread, format_spec, "format_spec")?;
        let conversion = conversion.filter(|conversion| !conversion.is_none());
        if let Some(conversion) = conversion {
            match conversion.downcast::<PyStr>().map(|text| PyStr::as_bytes(text)) {
                Some(b"s" | b"r" | b"a") => {}
                Some(_) => {
                    return Err(crate::error::value_error(
                        "Interpolation() argument 'conversion' must be one of 's', 'a' or 'r'",
                    ));
                }
                None => {
                    let class = crate::class_of(conversion).name();
                    return Err(type_error(format!(
                        "Interpolation() argument 'conversion' must be str, not {class}"
                    )));
                }
            }
        }
        let conversion = conversion.map_or(Value::NONE, Ref::to_owned);
        interpolation(thread, value.to_owned(), expression, conversion, format_spec)
    }

    /// Value
    #[getter]
    fn value(this: &Obj<Self>) -> Value {
        this.value.fixed().to_owned()
    }

    /// Expression
    #[getter]
    fn expression(this: &Obj<Self>) -> Value {
        this.expression.fixed().to_owned()
    }

    /// Conversion
    #[getter]
    fn conversion(this: &Obj<Self>) -> Value {
        this.conversion.fixed().to_owned()
    }

    /// Format specification
    #[getter]
    fn format_spec(this: &Obj<Self>) -> Value {
        this.format_spec.fixed().to_owned()
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let class = crate::class_of(this.get()).to_value();
        let fields = this.fields().map(|field| field.fixed().to_owned()).to_vec();
        let fields = tuple::new(thread, fields)?.into_value();
        Ok(tuple::new(thread, vec![class, fields])?.into_value())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut parts = Vec::new();
        for field in this.fields() {
            let repr = protocol::repr(thread, field.fixed())?;
            parts.push(str::display(repr.get()));
        }
        str::new(thread, &format!("Interpolation({})", parts.join(", ")))
    }
}

#[pymethods]
impl PyTemplateIter {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(_thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let Some(template) = this.template.fixed().downcast::<PyTemplate>() else { return Ok(None) };
        // Empty strings are left out.
        let parts = parts_of(template);
        loop {
            let at = this.next.fetch_add(1, Ordering::Relaxed);
            match parts.get(at as usize) {
                None => return Ok(None),
                Some(part) if part.get().downcast::<PyStr>().is_some_and(|text| text.is_empty()) => {}
                Some(part) => return Ok(Some(part.clone())),
            }
        }
    }
}
