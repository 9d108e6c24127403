//! The methods of `module`.

use crate::error::{PyErr, PyResult, type_error};
use crate::types::dict::{self, DictExt, PyDict};
use crate::types::exception;
use crate::types::module::{self, PyModule};
use crate::types::module_origin::{Origin, renaming_advice, shadowing_advice};
use crate::types::object::find_attr;
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use crate::{name, protocol};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

/// The message for a name that a module hasn't, with advice where the reason is known.
fn why_missing(thread: &mut Thread, this: &Obj<PyModule>, name: &Obj<PyStr>) -> PyResult<String> {
    let name_ = &**name;
    let own = this.namespace(thread).get_str(thread, name!("__name__")).map(Ref::to_owned);
    let own = own.filter(|own| own.get().downcast::<PyStr>().is_some());
    let Some(own) = own else { return Ok(format!("module has no attribute '{name_}'")) };
    let module = crate::str::display(own.get());
    let spec = this.namespace(thread).get_str(thread, name!("__spec__")).map(Ref::to_owned);
    let origin = Origin::of_spec(thread, spec);
    let plain = format!("module '{module}' has no attribute '{name_}'");
    if let Some(path) = &origin.path {
        if origin.shadows_library(thread, own.get())? {
            return Ok(format!("{plain} {}", shadowing_advice(path, &module)));
        }
        if origin.initializing && origin.may_shadow() {
            return Ok(format!("{plain} {}", renaming_advice(path)));
        }
    }
    if origin.initializing {
        let from = origin.path.map_or_else(String::new, |path| format!(" from '{path}'"));
        return Ok(format!(
            "partially initialized module '{module}'{from} has no attribute '{name_}' (most likely due to a circular import)"
        ));
    }
    if origin.is_submodule_to_be(thread, name) {
        return Ok(format!(
            "cannot access submodule '{name_}' of module '{module}' (most likely due to a circular import)"
        ));
    }
    Ok(plain)
}

#[cold]
fn no_attribute(thread: &mut Thread, this: &Obj<PyModule>, name: &Obj<PyStr>) -> PyErr {
    match why_missing(thread, this, name) {
        Ok(message) => PyErr::with_attributes(
            &exception::AttributeError,
            message,
            vec![("name", name.to_value()), ("obj", this.to_value())],
        ),
        Err(error) => error,
    }
}

/// Whether the module is still being imported.
fn initializing(thread: &mut Thread, this: &Obj<PyModule>) -> bool {
    let spec = this.namespace(thread).get_str(thread, name!("__spec__")).map(Ref::to_owned);
    Origin::of_spec(thread, spec).initializing
}

#[pymethods]
impl PyModule {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: crate::Args<'_>) -> PyResult {
        let _ = args;
        let namespace = dict::new(thread)?;
        Ok(module::subclass_object(thread, cls, namespace)?.into_value())
    }

    #[init]
    #[signature(name, doc = None)]
    fn tp_init(
        thread: &mut Thread,
        this: &Obj<Self>,
        name: &Obj<PyStr>,
        doc: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let namespace = this.namespace(thread).to_owned();
        namespace.set_str(thread, name!("__name__"), name.to_value())?;
        namespace.set_str(thread, name!("__doc__"), doc.map_or(Value::NONE, Ref::to_owned))?;
        for empty in [name!("__package__"), name!("__loader__"), name!("__spec__")] {
            namespace.set_str(thread, empty, Value::NONE)?;
        }
        Ok(())
    }

    #[slot]
    fn tp_getattro(thread: &mut Thread, this: Ref<'_>, name: Ref<'_>) -> PyResult {
        let name = crate::str::expect_attribute_name(name)?;
        if let Some(value) = find_attr(thread, this, name)? {
            return Ok(value);
        }
        let this = crate::slot_receiver::<Self>(this)?;
        let hook = this.namespace(thread).get_str(thread, name!("__getattr__")).map(Ref::to_owned);
        match hook {
            Some(hook) => protocol::call(thread, hook.get(), &[name.get()]),
            None => Err(no_attribute(thread, this, name)),
        }
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let modules = crate::thread::ThreadState::modules(thread)?;
        let importlib = crate::str::new(thread, "_frozen_importlib")?;
        let importlib = protocol::get_item(thread, modules.get(), importlib.get())?;
        protocol::call_method(thread, importlib.get(), "_module_repr", &[this.get()])
    }

    fn __dir__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        // A subclass may have another `__dict__`.
        let namespace = protocol::get_attr(thread, this.get(), name!("__dict__"))?;
        let Some(names) = namespace.get().downcast::<PyDict>() else {
            return Err(type_error("<module>.__dict__ is not a dictionary"));
        };
        let hook = names.get_str(thread, name!("__dir__")).map(Ref::to_owned);
        match hook {
            Some(hook) => protocol::call(thread, hook.get(), &[]),
            None => protocol::call_method(thread, namespace.get(), "__iter__", &[]).and_then(|keys| {
                let keys = protocol::collect(thread, keys.get())?;
                Ok(crate::types::list::new(thread, keys)?.into_value())
            }),
        }
    }

    #[getter]
    fn __dict__(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.namespace(thread).to_value()
    }

    #[getter]
    fn __annotations__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let namespace = this.namespace(thread).to_owned();
        if let Some(found) = namespace.get_str(thread, name!("__annotations__")) {
            return Ok(found.to_owned());
        }
        let annotate = namespace.get_str(thread, name!("__annotate__")).map(Ref::to_owned);
        let made = match annotate.filter(|annotate| !annotate.get().is_none()) {
            Some(annotate) => {
                let one = crate::int::new(thread, 1)?;
                let made = protocol::call(thread, annotate.get(), &[one.get()])?;
                if made.get().downcast::<PyDict>().is_none() {
                    let class = crate::class_of(made.get()).name();
                    return Err(type_error(format!("__annotate__ returned non-dict of type '{class}'")));
                }
                made
            }
            None => dict::new(thread)?.into_value(),
        };
        // Those of a module that is still being executed aren't complete.
        if !initializing(thread, this) {
            namespace.set_str(thread, name!("__annotations__"), made.clone())?;
        }
        Ok(made)
    }

    #[setter]
    #[name = "__annotations__"]
    fn set_annotations(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        crate::attributes::set(thread, this.get(), name!("__annotations__"), value, false)?;
        if this.namespace(thread).get_str(thread, name!("__annotate__")).is_some() {
            crate::attributes::set(thread, this.get(), name!("__annotate__"), Some(Ref::NONE), false)?;
        }
        Ok(())
    }

    #[getter]
    fn __annotate__(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.namespace(thread).get_str(thread, name!("__annotate__")).map_or(Value::NONE, Ref::to_owned)
    }

    #[setter]
    #[name = "__annotate__"]
    fn set_annotate(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let Some(value) = value else { return Err(type_error("cannot delete __annotate__ attribute")) };
        if !value.is_none() && crate::class_of(value).slots.tp_call().is_none() {
            return Err(type_error("__annotate__ must be callable or None"));
        }
        crate::attributes::set(thread, this.get(), name!("__annotate__"), Some(value), false)?;
        let namespace = this.namespace(thread).to_owned();
        if !value.is_none() && namespace.get_str(thread, name!("__annotations__")).is_some() {
            crate::attributes::set(thread, this.get(), name!("__annotations__"), None, false)?;
        }
        Ok(())
    }
}
