//! `__build_class__`: what a `class` statement calls.

use crate::interp;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pyfunction;
use orochi_objects::args::{ArgSlice, Args, KwArgs};
use orochi_objects::error::{PyResult, runtime_error, type_error};
use orochi_objects::types::cell::PyCell;
use orochi_objects::types::dict;
use orochi_objects::types::function::PyFunction;
use orochi_objects::types::str::{self, PyStr};
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::types::r#type::{PyType, TypeExt};
use orochi_objects::{PyClass, class_of, name, protocol};

/// The bases with those replaced that have `__mro_entries__`; whether any was.
fn resolve_bases(thread: &mut Thread, bases: &[Ref<'_>]) -> PyResult<(Vec<Value>, bool)> {
    let mut resolved = Vec::with_capacity(bases.len());
    let mut changed = false;
    for base in bases.iter().copied() {
        if base.downcast::<PyType>().is_none()
            && let Some(entries) = protocol::find_attr(thread, base, name!("__mro_entries__"))?
        {
            let original = tuple::from_refs(thread, bases)?;
            let replacement = protocol::call(thread, entries.get(), &[original.get()])?;
            let Some(replacement) = replacement.get().downcast::<PyTuple>() else {
                return Err(type_error("__mro_entries__ must return a tuple"));
            };
            resolved.extend(replacement.items().map(Ref::to_owned));
            changed = true;
            continue;
        }
        resolved.push(base.to_owned());
    }
    Ok((resolved, changed))
}

/// The most derived of a metaclass and those of the bases.
fn most_derived(metaclass: &Obj<PyType>, bases: &[Value]) -> PyResult<Value> {
    let mut winner = metaclass.to_owned();
    for base in bases {
        let class = class_of(base.get());
        if winner.is_subtype_of(class) {
            continue;
        }
        if class.is_subtype_of(&winner) {
            winner = class.to_owned();
            continue;
        }
        return Err(type_error(
            "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of all its bases",
        ));
    }
    Ok(winner.into_value())
}

fn metaclass_name(metaclass: Ref<'_>) -> String {
    match metaclass.downcast::<PyType>() {
        Some(class) => class.name().into_owned(),
        None => "<metaclass>".to_owned(),
    }
}

/// What `__prepare__` gives, or an empty dict.
fn prepare(
    thread: &mut Thread,
    metaclass: Ref<'_>,
    name: Ref<'_>,
    bases: Ref<'_>,
    keywords: &Keywords,
) -> PyResult<Value> {
    let Some(prepare) = protocol::find_attr(thread, metaclass, name!("__prepare__"))? else {
        return Ok(dict::new(thread)?.into_value());
    };
    let namespace = keywords.call(thread, prepare.get(), &[name, bases])?;
    let slots = &class_of(namespace.get()).slots;
    if slots.mp_subscript().is_none() {
        return Err(type_error(format!(
            "{}.__prepare__() must return a mapping, not {}",
            metaclass_name(metaclass),
            class_of(namespace.get()).name()
        )));
    }
    Ok(namespace)
}

/// The keyword arguments of a class statement but `metaclass`.
struct Keywords {
    names: Vec<Value>,
    values: Vec<Value>,
}

impl Keywords {
    fn call(&self, thread: &mut Thread, callable: Ref<'_>, positional: &[Ref<'_>]) -> PyResult {
        let mut args = positional.to_vec();
        args.extend(self.values.iter().map(Value::get));
        let names = tuple::new(thread, self.names.clone())?;
        protocol::call_args(thread, callable, Args::with_names(&args, Some(&names)))
    }
}

fn split_keywords(keywords: &KwArgs<'_>) -> (Option<Value>, Keywords) {
    let mut metaclass = None;
    let mut rest = Keywords { names: Vec::new(), values: Vec::new() };
    for (name, value) in keywords.iter() {
        if name.as_bytes() == b"metaclass" {
            metaclass = Some(value.to_owned());
        } else {
            rest.names.push(name.to_value());
            rest.values.push(value.to_owned());
        }
    }
    (metaclass, rest)
}

/// The class cell must refer to the new class by now.
fn check_cell(thread: &mut Thread, cell: &Value, class: &Value) -> PyResult<()> {
    let Some(cell) = cell.get().downcast::<PyCell>() else { return Ok(()) };
    let Some(made) = class.get().downcast::<PyType>() else { return Ok(()) };
    let contents = cell.contents.get(thread);
    if contents.as_ref().is_some_and(|contents| contents.get().is(class.get())) {
        return Ok(());
    }
    let shown = protocol::repr(thread, class.get())?;
    let shown = str::display(shown.get());
    match contents {
        None => Err(runtime_error(format!(
            "__class__ not set defining '{}' as {shown}. Was __classcell__ propagated to type.__new__?",
            made.name()
        ))),
        Some(other) => {
            let other = protocol::repr(thread, other.get())?;
            Err(type_error(format!(
                "__class__ set to {} defining '{}' as {shown}",
                str::display(other.get()),
                made.name()
            )))
        }
    }
}

/// __build_class__(func, name, /, *bases, [metaclass], **kwds) -> class
///
/// Internal helper function used by the class statement.
#[pyfunction]
#[signature(*args, **kwds)]
fn __build_class__(thread: &mut Thread, args: ArgSlice<'_>, kwds: KwArgs<'_>) -> PyResult {
    let (Some(function), Some(name)) = (args.get(0), args.get(1)) else {
        return Err(type_error("__build_class__: not enough arguments"));
    };
    let Some(function) = function.downcast::<PyFunction>() else {
        return Err(type_error("__build_class__: func must be a function"));
    };
    if name.downcast::<PyStr>().is_none() {
        return Err(type_error("__build_class__: name is not a string"));
    }
    let original = args.skip(2).to_vec();
    let (bases, replaced) = resolve_bases(thread, &original)?;
    let (metaclass, keywords) = split_keywords(&kwds);
    let metaclass = match metaclass {
        Some(metaclass) => metaclass,
        None => match bases.first() {
            Some(base) => class_of(base.get()).to_value(),
            None => PyType::static_type().get().to_value(),
        },
    };
    let metaclass = match metaclass.get().downcast::<PyType>() {
        Some(class) => most_derived(class, &bases)?,
        None => metaclass,
    };
    let bases = tuple::new(thread, bases)?;
    let namespace = prepare(thread, metaclass.get(), name, bases.get(), &keywords)?;
    let cell = interp::run_code(thread, function, Some(namespace.get()))?;
    if replaced {
        let original = tuple::from_refs(thread, &original)?;
        protocol::set_item(thread, namespace.get(), name!("__orig_bases__").get(), Some(original.get()))?;
    }
    let class = keywords.call(thread, metaclass.get(), &[name, bases.get(), namespace.get()])?;
    check_cell(thread, &cell, &class)?;
    Ok(class)
}
