//! `_contextvars`: context variables.
//!
//! A context holds a dict from variables to values that is replaced, never changed, once more than one context may have
//! it: `copy_context` shares the dict, and `set` copies it first. The current context belongs to the thread.

use orochi_core::sync::{AtomicBool, Ordering};
use orochi_core::{AtomicField, Field, Owned};
use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use orochi_objects::error::{PyErr, PyResult, key_error, runtime_error, type_error, value_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::exception;
use orochi_objects::types::key::Key;
use orochi_objects::{
    ArgSlice, Args, CompareOp, KwArgs, Obj, PyClass, PyModule, PyType, Ref, Thread, Value, protocol,
};

/// A mapping of context variables to their values.
#[pyclass(name = "Context", module = "_contextvars", weakref)]
#[derive(Trace)]
pub struct PyContext {
    values: AtomicField,
    entered: AtomicBool,
}

/// A context variable.
#[pyclass(name = "ContextVar", module = "_contextvars", generic)]
#[derive(Trace)]
pub struct PyContextVar {
    name: Field,
    default: Option<Field>,
}

/// What `ContextVar.set` gives, to undo it with `reset`.
#[pyclass(name = "Token", module = "_contextvars", no_new, generic)]
#[derive(Trace)]
pub struct PyToken {
    context: Field,
    variable: Field,
    old: Option<Field>,
    used: AtomicBool,
}

fn new_context(thread: &Thread, values: Value) -> PyResult<Owned<PyContext>> {
    let context = PyContext { values: AtomicField::new_local(values), entered: AtomicBool::new(false) };
    orochi_objects::make(thread, context)
}

/// The thread's current context; made when it is first asked for.
fn current(thread: &mut Thread) -> PyResult<Owned<PyContext>> {
    if let Some(context) = ThreadState::of(thread).context.clone()
        && let Ok(context) = context.downcast::<PyContext>()
    {
        return Ok(context);
    }
    let values = dict::new(thread)?.into_value();
    let context = new_context(thread, values)?;
    ThreadState::of(thread).context = Some(context.to_value());
    Ok(context)
}

impl PyContext {
    fn dict(&self, thread: &Thread) -> PyResult<Owned<PyDict>> {
        match self.values.get(thread).map(Value::downcast::<PyDict>) {
            Some(Ok(values)) => Ok(values),
            _ => Err(runtime_error("the context has no values")),
        }
    }

    /// Replaces the dict by a copy in which a variable has another value, or none.
    fn replace(
        this: &Obj<Self>,
        thread: &mut Thread,
        variable: Ref<'_>,
        value: Option<Value>,
    ) -> PyResult<()> {
        let old = this.dict(thread)?;
        let fresh = dict::copy(thread, &old)?;
        match value {
            Some(value) => dict::set_item(thread, &fresh, variable, value)?,
            None => {
                let key = Key::for_dict(thread, variable)?;
                dict::remove(thread, &fresh, &key)?;
            }
        }
        drop(this.values.swap(this, thread, Some(fresh.into_value())));
        Ok(())
    }
}

/// Return a shallow copy of the current context.
#[pyfunction]
fn copy_context(thread: &mut Thread) -> PyResult {
    copy_of_current(thread)
}

/// `copy_context()`.
pub(crate) fn copy_of_current(thread: &mut Thread) -> PyResult {
    let context = current(thread)?;
    let values = context.dict(thread)?.into_value();
    Ok(new_context(thread, values)?.into_value())
}

#[pymethods]
impl PyContext {
    #[new]
    #[signature(*args, **kwargs)]
    #[no_text_signature]
    fn new(thread: &mut Thread, _cls: &Obj<PyType>, args: ArgSlice<'_>, kwargs: KwArgs<'_>) -> PyResult {
        if !args.is_empty() || !kwargs.is_empty() {
            return Err(type_error("Context() does not accept any arguments"));
        }
        let values = dict::new(thread)?.into_value();
        Ok(new_context(thread, values)?.into_value())
    }

    /// Contexts with the same variables and values are equal.
    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(left), Some(right)) = (left.downcast::<PyContext>(), right.downcast::<PyContext>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        let (left, right) = (left.dict(thread)?, right.dict(thread)?);
        protocol::rich_compare(thread, left.get(), right.get(), op)
    }

    /// Call a function in this context.
    #[text_signature = "($self, callable, /, *args, **kwargs)"]
    fn run(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        let Some(callable) = args.get(0) else {
            return Err(type_error("run() missing 1 required positional argument"));
        };
        run_in(thread, this, |thread| protocol::call_args(thread, callable, args.rest()))
    }

    /// Return a shallow copy of the context.
    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let values = this.dict(thread)?.into_value();
        Ok(new_context(thread, values)?.into_value())
    }

    /// Return the value of a variable, or the default.
    #[signature(key, default = None, /)]
    fn get(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
        check_variable(key)?;
        let values = this.dict(thread)?;
        let found = dict::get_item(thread, &values, key)?;
        Ok(found.unwrap_or_else(|| default.map_or(Value::NONE, Ref::to_owned)))
    }

    /// Return the variables.
    fn keys(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let values = this.dict(thread)?.into_value();
        protocol::call_method(thread, values.get(), "keys", &[])
    }

    /// Return the values.
    fn values(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let values = this.dict(thread)?.into_value();
        protocol::call_method(thread, values.get(), "values", &[])
    }

    /// Return pairs of variables and values.
    fn items(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let values = this.dict(thread)?.into_value();
        protocol::call_method(thread, values.get(), "items", &[])
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        check_variable(key)?;
        let values = this.dict(thread)?;
        dict::get_item(thread, &values, key)?.ok_or_else(|| key_error(key.to_owned()))
    }

    #[slot]
    fn sq_contains(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult<bool> {
        check_variable(key)?;
        let values = this.dict(thread)?;
        Ok(dict::get_item(thread, &values, key)?.is_some())
    }

    #[slot]
    fn mp_length(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        let values = this.dict(thread)?;
        Ok(dict::len(thread, &values))
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let values = this.dict(thread)?.into_value();
        protocol::iter(thread, values.get())
    }
}

/// A variable for native code, which lives as long as the process.
pub(crate) fn make_variable(thread: &Thread, name: Value) -> PyResult<&'static Obj<PyContextVar>> {
    let variable = PyContextVar { name: Field::new_local(name), default: None };
    Ok(orochi_objects::make(thread, variable)?.immortalise())
}

/// A variable's value in the current context, if it has one there.
pub(crate) fn value_of(thread: &mut Thread, variable: &Obj<PyContextVar>) -> PyResult<Option<Value>> {
    let values = current(thread)?.dict(thread)?;
    dict::get_item(thread, &values, variable.get())
}

/// Sets a variable in the current context, for good.
pub(crate) fn set_value(thread: &mut Thread, variable: &Obj<PyContextVar>, value: Value) -> PyResult<()> {
    let context = current(thread)?;
    PyContext::replace(&context, thread, variable.get(), Some(value))
}

/// Runs `f` in a context, which no other code is in meanwhile.
fn run_in(
    thread: &mut Thread,
    context: &Obj<PyContext>,
    f: impl FnOnce(&mut Thread) -> PyResult,
) -> PyResult {
    // AcqRel: one thread at a time is in a context.
    if context.entered.swap(true, Ordering::AcqRel) {
        let text = protocol::repr(thread, context.get())?;
        let text = orochi_objects::str::display(text.get());
        return Err(runtime_error(format!("cannot enter context: {text} is already entered")));
    }
    let before = ThreadState::of(thread).context.replace(context.to_value());
    let result = f(thread);
    ThreadState::of(thread).context = before;
    context.entered.store(false, Ordering::Release);
    result
}

/// The same for any object, which has to be a context.
pub(crate) fn run_in_object(
    thread: &mut Thread,
    context: Ref<'_>,
    f: impl FnOnce(&mut Thread) -> PyResult,
) -> PyResult {
    match context.downcast::<PyContext>() {
        Some(context) => run_in(thread, context, f),
        None => Err(type_error("an instance of Context was expected")),
    }
}

fn check_variable(key: Ref<'_>) -> PyResult<()> {
    if key.downcast::<PyContextVar>().is_some() {
        return Ok(());
    }
    let class = orochi_objects::class_of(key).name();
    Err(type_error(format!("a ContextVar key was expected, got an instance of '{class}'")))
}

#[pymethods]
impl PyContextVar {
    #[new]
    #[no_text_signature]
    #[signature(name, /, *, default = <missing>)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, name: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
        if name.downcast::<orochi_objects::types::str::PyStr>().is_none() {
            return Err(type_error("context variable name must be a str"));
        }
        let variable = PyContextVar {
            name: Field::new_local(name.to_owned()),
            default: default.map(|default| Field::new_local(default.to_owned())),
        };
        Ok(orochi_objects::alloc(thread, cls, variable)?.into_value())
    }

    /// Return the variable's value in the current context.
    #[signature(default = <missing>, /)]
    fn get(thread: &mut Thread, this: &Obj<Self>, default: Option<Ref<'_>>) -> PyResult {
        let values = current(thread)?.dict(thread)?;
        if let Some(found) = dict::get_item(thread, &values, this.to_value().get())? {
            return Ok(found);
        }
        match default.or(this.default.as_ref().map(Field::fixed)) {
            Some(default) => Ok(default.to_owned()),
            None => Err(PyErr::new(&exception::LookupError, vec![this.to_value()])),
        }
    }

    /// Set the variable in the current context, and return a token to undo it.
    #[signature(value, /)]
    fn set(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult {
        let context = current(thread)?;
        let values = context.dict(thread)?;
        let variable = this.to_value();
        let old = dict::get_item(thread, &values, variable.get())?;
        PyContext::replace(&context, thread, variable.get(), Some(value.to_owned()))?;
        let token = PyToken {
            context: Field::new_local(context.into_value()),
            variable: Field::new_local(variable),
            old: old.map(Field::new_local),
            used: AtomicBool::new(false),
        };
        Ok(orochi_objects::make(thread, token)?.into_value())
    }

    /// Restore the value that the variable had before the call that gave the token.
    #[signature(token, /)]
    fn reset(thread: &mut Thread, this: &Obj<Self>, token: Ref<'_>) -> PyResult<()> {
        let Some(token) = token.downcast::<PyToken>() else {
            let class = orochi_objects::class_of(token).name();
            return Err(type_error(format!("expected an instance of Token, got {class}")));
        };
        let shown = |thread: &mut Thread| {
            protocol::repr(thread, token.to_value().get())
                .map(|text| orochi_objects::str::display(text.get()))
        };
        if token.used.load(Ordering::Relaxed) {
            let text = shown(thread)?;
            return Err(runtime_error(format!("{text} has already been used once")));
        }
        let variable = this.to_value();
        if !token.variable.fixed().is(variable.get()) {
            let text = shown(thread)?;
            return Err(value_error(format!("{text} was created by a different ContextVar")));
        }
        let context = current(thread)?;
        if !token.context.fixed().is(context.to_value().get()) {
            let text = shown(thread)?;
            return Err(value_error(format!("{text} was created in a different Context")));
        }
        token.used.store(true, Ordering::Relaxed);
        let old = token.old.as_ref().map(|old| old.fixed().to_owned());
        PyContext::replace(&context, thread, variable.get(), old)
    }

    #[getter]
    fn name(this: &Obj<Self>) -> Value {
        this.name.fixed().to_owned()
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let name = protocol::repr(thread, this.name.fixed())?;
        let name = orochi_objects::str::display(name.get());
        let default = match &this.default {
            Some(default) => {
                let text = protocol::repr(thread, default.fixed())?;
                format!(" default={}", orochi_objects::str::display(text.get()))
            }
            None => String::new(),
        };
        let at = this.to_value().word();
        orochi_objects::str::new(thread, &format!("<ContextVar name={name}{default} at {at:#x}>"))
    }
}

#[pymethods]
impl PyToken {
    #[getter]
    fn var(this: &Obj<Self>) -> Value {
        this.variable.fixed().to_owned()
    }

    #[getter]
    fn old_value(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match &this.old {
            Some(old) => Ok(old.fixed().to_owned()),
            None => {
                let class = Self::static_type().get().to_value();
                protocol::get_attr_str(thread, class.get(), "MISSING")
            }
        }
    }

    fn __enter__(this: &Obj<Self>) -> Value {
        this.to_value()
    }

    #[signature(*args)]
    fn __exit__(thread: &mut Thread, this: &Obj<Self>, args: orochi_objects::ArgSlice<'_>) -> PyResult<()> {
        let _ = args;
        let variable = this.variable.fixed().to_owned();
        protocol::call_method(thread, variable.get(), "reset", &[this.to_value().get()]).map(drop)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let variable = protocol::repr(thread, this.variable.fixed())?;
        let variable = orochi_objects::str::display(variable.get());
        let used = if this.used.load(Ordering::Relaxed) { " used" } else { "" };
        let at = this.to_value().word();
        orochi_objects::str::new(thread, &format!("<Token{used} var={variable} at {at:#x}>"))
    }
}

/// Stands for "no value" in `Token.old_value`.
#[pyclass(name = "Missing", module = "Token", no_new)]
#[derive(Trace)]
pub struct PyMissing {}

#[pymethods]
impl PyMissing {
    #[slot]
    fn tp_repr(thread: &mut Thread, _this: Ref<'_>) -> PyResult {
        orochi_objects::str::new(thread, "<Token.MISSING>")
    }
}

/// Context variables.
#[pymodule(name = "_contextvars", functions(copy_context), classes(PyContext, PyContextVar, PyToken))]
fn init(thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    let missing = orochi_objects::make(thread, PyMissing {})?.into_value();
    let name = orochi_objects::str::intern(thread, "MISSING")?;
    let namespace = orochi_objects::TypeExt::namespace(PyToken::static_type().get(), thread).to_owned();
    orochi_objects::DictExt::set_str(&*namespace, thread, name, missing)
}
