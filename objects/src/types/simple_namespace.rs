//! `types.SimpleNamespace`.

use crate::args::Args;
use crate::error::{PyResult, type_error};
use crate::protocol::{self, CompareOp};
use crate::types::dict::{self, PyDict};
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use crate::types::{repr_guard, tuple};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_text::wtf8::Wtf8Buf;

/// A simple attribute-based namespace.
#[pyclass(name = "SimpleNamespace", module = "types", subclassable, dict)]
#[derive(Trace)]
pub struct PySimpleNamespace {}

/// A namespace with these attributes.
///
/// # Errors
/// MemoryError.
pub fn new(thread: &mut Thread, attributes: &Obj<PyDict>) -> PyResult {
    let made = crate::make(thread, PySimpleNamespace {})?.into_value();
    update(thread, made.get(), attributes)?;
    Ok(made)
}

fn update(thread: &mut Thread, this: Ref<'_>, attributes: &Obj<PyDict>) -> PyResult<()> {
    for entry in dict::entries(thread, attributes)? {
        let Some(name) = entry.key.get().downcast::<PyStr>() else {
            return Err(type_error("keywords must be strings"));
        };
        crate::attributes::set(thread, this, name, Some(entry.value.get()), false)?;
    }
    Ok(())
}

fn own_dict(thread: &mut Thread, this: Ref<'_>) -> PyResult {
    match crate::attributes::dict(thread, this)? {
        Some(dict) => Ok(dict.into_value()),
        None => Ok(dict::new(thread)?.into_value()),
    }
}

/// `name(key=value, …)`.
fn items(thread: &mut Thread, this: Ref<'_>, name: &str) -> PyResult<Wtf8Buf> {
    let mut text = Wtf8Buf::default();
    text.push_str(&format!("{name}("));
    let mut first = true;
    for (key, value) in crate::attributes::snapshot(thread, this)? {
        let Some(key) = key.get().downcast::<PyStr>() else { continue };
        if !first {
            text.push_str(", ");
        }
        first = false;
        text.push_wtf8(key.as_wtf8());
        text.push_str("=");
        repr_guard::push_repr(thread, &mut text, value.get())?;
    }
    text.push_str(")");
    Ok(text)
}

#[pymethods]
impl PySimpleNamespace {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let _ = args;
        Ok(crate::alloc(thread, cls, PySimpleNamespace {})?.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: Ref<'_>, args: Args<'_>) -> PyResult<()> {
        if args.len() > 1 {
            return Err(type_error(format!(
                "SimpleNamespace expected at most 1 argument, got {}",
                args.len()
            )));
        }
        if let Some(mapping) = args.get(0) {
            let class = <PyDict as crate::PyClass>::static_type().get().get();
            let copy = protocol::call(thread, class, &[mapping])?;
            if let Some(copy) = copy.get().downcast::<PyDict>() {
                update(thread, this, copy)?;
            }
        }
        for (name, value) in args.keywords() {
            crate::attributes::set(thread, this, name, Some(value), false)?;
        }
        Ok(())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let class = crate::class_of(this);
        let plain = crate::class::is_exact(this, <Self as crate::PyClass>::static_type());
        let name = if plain { "namespace".into() } else { class.name() };
        let text = repr_guard::enter(thread, this, |thread| items(thread, this, &name))?;
        match text {
            Some(text) => repr_guard::finish(thread, &text),
            None => crate::str::new(thread, &format!("{name}(...)")),
        }
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let both = left.downcast::<Self>().is_some() && right.downcast::<Self>().is_some();
        if !both {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        let (left, right) = (own_dict(thread, left)?, own_dict(thread, right)?);
        protocol::rich_compare(thread, left.get(), right.get(), op)
    }

    fn __reduce__(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let class = crate::class_of(this).to_value();
        let dict = own_dict(thread, this)?;
        let none = tuple::empty(thread).to_value();
        Ok(tuple::new(thread, vec![class, none, dict])?.into_value())
    }

    #[signature(**changes)]
    fn __replace__(thread: &mut Thread, this: Ref<'_>, changes: crate::KwArgs<'_>) -> PyResult {
        let class = crate::class_of(this).to_value();
        let made = protocol::call(thread, class.get(), &[])?;
        for (name, value) in crate::attributes::snapshot(thread, this)? {
            if let Some(name) = name.get().downcast::<PyStr>() {
                protocol::set_attr(thread, made.get(), name, Some(value.get()))?;
            }
        }
        for (name, value) in changes.iter() {
            protocol::set_attr(thread, made.get(), name, Some(value))?;
        }
        Ok(made)
    }
}
