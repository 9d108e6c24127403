//! `function`: Python functions.
//!
//! Globals, builtins and closure never change; everything else may be assigned while other threads call the function.
//! Code that is replaced by an assignment of `__code__` becomes immortal: frames that run it don't count it.

use crate::args::Args;
use crate::class::exactly;
use crate::error::{PyResult, type_error, value_error};
use crate::types::cell::PyCell;
use crate::types::code::PyCode;
use crate::types::dict;
use crate::types::dict::{DictExt, PyDict};
use crate::types::str::PyStr;
use crate::types::tuple::PyTuple;
use crate::types::r#type::PyType;
use orochi_compiler::code::flags;
use orochi_core::{AtomicField, Field, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Create a function object.
///
///   code
///     a code object
///   globals
///     the globals dictionary
///   name
///     a string that overrides the name from the code object
///   argdefs
///     a tuple that specifies the default argument values
///   closure
///     a tuple that supplies the bindings for free variables
///   kwdefaults
///     a dictionary that specifies the default keyword argument values
#[pyclass(name = "function", dict, weakref, method_descriptor)]
#[derive(Trace)]
pub struct PyFunction {
    code: AtomicField,
    globals: Field,
    builtins: Field,
    /// The builtins, if they are exactly a dict; null otherwise.
    #[trace(unsafe_skip)]
    plain_builtins: *const Obj<PyDict>,
    closure: AtomicField,
    pub(crate) defaults: AtomicField,
    pub(crate) kwdefaults: AtomicField,
    name: AtomicField,
    qualname: AtomicField,
    module: AtomicField,
    /// Empty for the code's docstring.
    doc: AtomicField,
    annotations: AtomicField,
    annotate: AtomicField,
    type_params: AtomicField,
}

/// A function of a code object.
pub fn new(thread: &mut Thread, code: Value, globals: Value, builtins: Value) -> PyResult<Owned<PyFunction>> {
    let Some(payload) = code.get().downcast::<PyCode>() else {
        return Err(type_error("a function needs a code object"));
    };
    let name = payload.name().to_owned();
    let qualname = payload.qualname().to_owned();
    let module = match globals.get().downcast::<PyDict>() {
        Some(globals) => globals.get_str(thread, crate::name!("__name__")).map(Ref::to_owned),
        None => None,
    };
    let function = PyFunction {
        code: AtomicField::new_local(code),
        globals: Field::new_local(globals),
        plain_builtins: plain_dict(builtins.get()),
        builtins: Field::new_local(builtins),
        closure: AtomicField::empty(),
        defaults: AtomicField::empty(),
        kwdefaults: AtomicField::empty(),
        name: AtomicField::new_local(name),
        qualname: AtomicField::new_local(qualname),
        module: module.map_or_else(AtomicField::empty, AtomicField::new_local),
        doc: AtomicField::empty(),
        annotations: AtomicField::empty(),
        annotate: AtomicField::empty(),
        type_params: AtomicField::empty(),
    };
    crate::make(thread, function)
}

fn plain_dict(builtins: Ref<'_>) -> *const Obj<PyDict> {
    exactly::<PyDict>(builtins).map_or(std::ptr::null(), std::ptr::from_ref)
}

impl PyFunction {
    /// The builtins, if they are exactly a dict.
    #[inline(always)]
    pub fn plain_builtins(&self) -> Option<&Obj<PyDict>> {
        // SAFETY: null or what `builtins` holds, which never changes.
        unsafe { self.plain_builtins.as_ref() }
    }

    /// The code.
    #[inline(always)]
    pub fn code<'a>(&'a self, thread: &'a Thread) -> &'a Obj<PyCode> {
        let code = self.code.load(thread);
        // SAFETY: only code objects are stored here, and there always is one.
        unsafe { code.unwrap_unchecked().cast() }
    }

    /// The globals: a dict.
    #[inline(always)]
    pub fn globals(&self) -> &Obj<PyDict> {
        // SAFETY: set to a dict where functions are made.
        unsafe { self.globals.fixed_unchecked().cast() }
    }

    /// The builtins: a dict, or any mapping.
    #[inline(always)]
    pub fn builtins(&self) -> Ref<'_> {
        self.builtins.fixed()
    }

    /// A cell of the closure.
    #[inline(always)]
    pub fn free_cell<'a>(&'a self, thread: &'a Thread, i: usize) -> Option<&'a Obj<PyCell>> {
        self.closure(thread)?.item(i)?.downcast()
    }

    /// The same, for closures that are exactly tuples, as all are that programs make.
    #[inline(always)]
    pub fn closure_cell<'a>(&'a self, thread: &'a Thread, i: usize) -> Option<&'a Obj<PyCell>> {
        exactly(exactly::<PyTuple>(self.closure.load(thread)?)?.item(i)?)
    }

    /// The closure.
    #[inline(always)]
    pub fn closure<'a>(&'a self, thread: &'a Thread) -> Option<&'a Obj<PyTuple>> {
        self.closure.load(thread)?.downcast()
    }

    /// The defaults of the last positional parameters.
    #[inline]
    pub fn defaults<'a>(&'a self, thread: &'a Thread) -> Option<&'a Obj<PyTuple>> {
        self.defaults.load(thread)?.downcast()
    }

    /// The defaults of keyword-only parameters.
    #[inline]
    pub fn kwdefaults<'a>(&'a self, thread: &'a Thread) -> Option<&'a Obj<PyDict>> {
        self.kwdefaults.load(thread)?.downcast()
    }

    /// `__qualname__`.
    pub fn qualname(&self, thread: &Thread) -> Value {
        self.qualname.get(thread).unwrap_or(Value::NONE)
    }

    /// `__name__`.
    pub fn name(&self, thread: &Thread) -> Value {
        self.name.get(thread).unwrap_or(Value::NONE)
    }

    /// Sets the closure of a function that is just being made.
    pub fn set_closure(this: &Obj<Self>, thread: &mut Thread, closure: Value) {
        drop(this.closure.swap(this, thread, Some(closure)));
    }

    /// Sets the defaults of a function that is just being made.
    pub fn set_defaults_tuple(this: &Obj<Self>, thread: &mut Thread, defaults: Value) {
        drop(this.defaults.swap(this, thread, Some(defaults)));
    }

    /// Sets the keyword defaults of a function that is just being made.
    pub fn set_kwdefaults_dict(this: &Obj<Self>, thread: &mut Thread, defaults: Value) {
        drop(this.kwdefaults.swap(this, thread, Some(defaults)));
    }

    /// Sets the function that computes the annotations.
    pub fn set_annotate_function(this: &Obj<Self>, thread: &mut Thread, annotate: Value) {
        drop(this.annotate.swap(this, thread, Some(annotate)));
    }

    /// Sets the annotations of a function that is just being made.
    pub fn set_annotations_object(this: &Obj<Self>, thread: &mut Thread, annotations: Value) {
        drop(this.annotations.swap(this, thread, Some(annotations)));
    }

    /// Sets the type parameters.
    pub fn set_type_params_tuple(this: &Obj<Self>, thread: &mut Thread, params: Value) {
        drop(this.type_params.swap(this, thread, Some(params)));
    }
}

fn none_if_empty(field: &AtomicField, thread: &Thread) -> Value {
    field.get(thread).unwrap_or(Value::NONE)
}

/// Makes the docstring unless there is one: most are never asked for.
fn settle_doc(thread: &mut Thread, function: &Obj<PyFunction>) -> PyResult<()> {
    if function.doc.is_empty() {
        let code = function.code(thread).to_value();
        let doc = code.get().downcast::<PyCode>().map_or(Ok(Value::NONE), |code| code.docstring(thread))?;
        function.doc.initialise(function, doc);
    }
    Ok(())
}

fn must_be_str(value: Option<Ref<'_>>, what: &str) -> PyResult<Value> {
    match value {
        Some(value) if value.downcast::<PyStr>().is_some() => Ok(value.to_owned()),
        _ => Err(type_error(format!("{what} must be set to a string object"))),
    }
}

fn new_closure(thread: &mut Thread, code: &Obj<PyCode>, closure: Option<Ref<'_>>) -> PyResult<Option<Value>> {
    let needed = code.code.freevars.len();
    let name = crate::str::display(code.name());
    match closure {
        None if needed == 0 => Ok(None),
        Some(closure) if closure.is_none() && needed == 0 => Ok(None),
        None => Err(type_error("arg 5 (closure) must be tuple")),
        Some(closure) => {
            let Some(cells) = closure.downcast::<PyTuple>() else {
                let what = if closure.is_none() { "tuple" } else { "None or tuple" };
                return Err(type_error(format!("arg 5 (closure) must be {what}")));
            };
            if cells.len() != needed {
                return Err(value_error(format!(
                    "{name} requires closure of length {needed}, not {}",
                    cells.len()
                )));
            }
            if let Some(wrong) = cells.items().find(|cell| cell.downcast::<PyCell>().is_none()) {
                let given = crate::class_of(wrong).name();
                return Err(type_error(format!("arg 5 (closure) expected cell, found {given}")));
            }
            let _ = thread;
            Ok(Some(closure.to_owned()))
        }
    }
}

#[pymethods]
impl PyFunction {
    #[new]
    #[signature(code, globals, name=None, argdefs=None, closure=None, kwdefaults=None)]
    fn new(
        thread: &mut Thread,
        _cls: &Obj<PyType>,
        code: &Obj<PyCode>,
        globals: &Obj<PyDict>,
        name: Option<Ref>,
        argdefs: Option<Ref>,
        closure: Option<Ref>,
        kwdefaults: Option<Ref>,
    ) -> PyResult {
        let cells = new_closure(thread, code, closure)?;
        let builtins = crate::thread::builtins_for(thread, globals)?;
        let function = new(thread, code.to_value(), globals.to_value(), builtins)?;
        if let Some(name) = name.filter(|name| !name.is_none()) {
            drop(function.name.swap(&*function, thread, Some(must_be_str(Some(name), "arg 3 (name)")?)));
        }
        if let Some(defaults) = argdefs.filter(|defaults| !defaults.is_none()) {
            if defaults.downcast::<PyTuple>().is_none() {
                return Err(type_error("arg 4 (defaults) must be None or tuple"));
            }
            PyFunction::set_defaults_tuple(&function, thread, defaults.to_owned());
        }
        if let Some(cells) = cells {
            PyFunction::set_closure(&function, thread, cells);
        }
        if let Some(defaults) = kwdefaults.filter(|defaults| !defaults.is_none()) {
            PyFunction::set_kwdefaults_dict(&function, thread, defaults.to_owned());
        }
        Ok(function.into_value())
    }

    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args) -> PyResult {
        crate::interpreter::call_function(thread, this, args)
    }

    #[slot]
    fn tp_descr_get(
        thread: &mut Thread,
        this: &Obj<Self>,
        instance: Option<Ref>,
        _owner: Option<Ref>,
    ) -> PyResult {
        match instance {
            Some(instance) if !instance.is_none() => {
                crate::types::method::new(thread, this.to_value(), instance.to_owned())
            }
            _ => Ok(this.to_value()),
        }
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let name = crate::str::display(this.qualname(thread).get());
        crate::str::new(thread, &format!("<function {name} at {:#x}>", this.get().word()))
    }

    #[getter]
    #[name = "__code__"]
    fn get_code(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.code(thread).to_value()
    }

    #[setter]
    #[name = "__code__"]
    fn set_code(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref>) -> PyResult<()> {
        let Some(code) = value.and_then(Ref::downcast::<PyCode>) else {
            return Err(type_error("__code__ must be set to a code object"));
        };
        let (needed, have) = (code.code.freevars.len(), this.closure(thread).map_or(0, |cells| cells.len()));
        if needed != have {
            let name = crate::str::display(this.name(thread).get());
            return Err(value_error(format!(
                "{name}() requires a code object with {have} free vars, not {needed}"
            )));
        }
        let kinds = flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR;
        if this.code(thread).code.flags & kinds != code.code.flags & kinds {
            let message = "Assigning a code object of non-matching type is deprecated (e.g., from a generator to a plain function)";
            crate::warn::warn(thread, &crate::types::exception::DeprecationWarning, message)?;
        }
        settle_doc(thread, this)?;
        if let Some(old) = this.code.swap(this, thread, Some(code.to_value()))
            && let Some(header) = old.get().header()
        {
            header.make_immortal();
        }
        Ok(())
    }

    #[member]
    fn __globals__(this: &Obj<Self>) -> Value {
        this.globals().to_value()
    }

    #[member]
    fn __builtins__(this: &Obj<Self>) -> Value {
        this.builtins().to_owned()
    }

    #[member]
    fn __closure__(thread: &mut Thread, this: &Obj<Self>) -> Value {
        none_if_empty(&this.closure, thread)
    }

    #[getter]
    fn __defaults__(thread: &mut Thread, this: &Obj<Self>) -> Value {
        none_if_empty(&this.defaults, thread)
    }

    #[setter]
    #[name = "__defaults__"]
    fn set_defaults(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref>) -> PyResult<()> {
        let value = value.filter(|value| !value.is_none());
        if value.is_some_and(|value| value.downcast::<PyTuple>().is_none()) {
            return Err(type_error("__defaults__ must be set to a tuple object"));
        }
        drop(this.defaults.swap(this, thread, value.map(Ref::to_owned)));
        Ok(())
    }

    #[getter]
    fn __kwdefaults__(thread: &mut Thread, this: &Obj<Self>) -> Value {
        none_if_empty(&this.kwdefaults, thread)
    }

    #[setter]
    #[name = "__kwdefaults__"]
    fn set_kwdefaults(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref>) -> PyResult<()> {
        let value = value.filter(|value| !value.is_none());
        if value.is_some_and(|value| value.downcast::<PyDict>().is_none()) {
            return Err(type_error("__kwdefaults__ must be set to a dict object"));
        }
        drop(this.kwdefaults.swap(this, thread, value.map(Ref::to_owned)));
        Ok(())
    }

    #[getter]
    fn __name__(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.name(thread)
    }

    #[setter]
    #[name = "__name__"]
    fn set_name(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref>) -> PyResult<()> {
        drop(this.name.swap(this, thread, Some(must_be_str(value, "__name__")?)));
        Ok(())
    }

    #[getter]
    fn __qualname__(thread: &mut Thread, this: &Obj<Self>) -> Value {
        PyFunction::qualname(this, thread)
    }

    #[setter]
    #[name = "__qualname__"]
    fn set_qualname(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref>) -> PyResult<()> {
        drop(this.qualname.swap(this, thread, Some(must_be_str(value, "__qualname__")?)));
        Ok(())
    }

    #[getter]
    fn __module__(thread: &mut Thread, this: &Obj<Self>) -> Value {
        none_if_empty(&this.module, thread)
    }

    #[setter]
    #[name = "__module__"]
    fn set_module(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref>) {
        drop(this.module.swap(this, thread, value.map(Ref::to_owned)));
    }

    #[getter]
    fn __doc__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        settle_doc(thread, this)?;
        Ok(none_if_empty(&this.doc, thread))
    }

    #[setter]
    #[name = "__doc__"]
    fn set_doc(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref>) {
        let value = value.map_or(Value::NONE, Ref::to_owned);
        drop(this.doc.swap(this, thread, Some(value)));
    }

    #[getter]
    fn __annotations__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        annotations(thread, this)
    }

    #[setter]
    #[name = "__annotations__"]
    fn set_annotations(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref>) -> PyResult<()> {
        let value = value.filter(|value| !value.is_none());
        if value.is_some_and(|value| value.downcast::<PyDict>().is_none()) {
            return Err(type_error("__annotations__ must be set to a dict object"));
        }
        drop(this.annotations.swap(this, thread, value.map(Ref::to_owned)));
        drop(this.annotate.swap(this, thread, None));
        Ok(())
    }

    #[getter]
    fn __annotate__(thread: &mut Thread, this: &Obj<Self>) -> Value {
        none_if_empty(&this.annotate, thread)
    }

    #[setter]
    #[name = "__annotate__"]
    fn set_annotate(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref>) -> PyResult<()> {
        let Some(value) = value else {
            return Err(type_error("__annotate__ cannot be deleted"));
        };
        if value.is_none() {
            drop(this.annotate.swap(this, thread, None));
            return Ok(());
        }
        if crate::class_of(value).slots.tp_call().is_none() {
            return Err(type_error("__annotate__ must be callable or None"));
        }
        drop(this.annotate.swap(this, thread, Some(value.to_owned())));
        drop(this.annotations.swap(this, thread, None));
        Ok(())
    }

    #[getter]
    fn __type_params__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match this.type_params.get(thread) {
            Some(params) => Ok(params),
            None => Ok(crate::tuple::new(thread, Vec::new())?.into_value()),
        }
    }

    #[setter]
    #[name = "__type_params__"]
    fn set_type_params(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref>) -> PyResult<()> {
        match value {
            Some(value) if value.downcast::<PyTuple>().is_some() => {
                drop(this.type_params.swap(this, thread, Some(value.to_owned())));
                Ok(())
            }
            _ => Err(type_error("__type_params__ must be set to a tuple")),
        }
    }
}

/// `__annotations__`: what was stored, or what `__annotate__` computes, once.
fn annotations(thread: &mut Thread, this: &Obj<PyFunction>) -> PyResult {
    if let Some(stored) = this.annotations.get(thread) {
        if let Some(pairs) = stored.get().downcast::<PyTuple>() {
            let dict = from_pairs(thread, pairs)?;
            drop(this.annotations.swap(this, thread, Some(dict.clone())));
            return Ok(dict);
        }
        return Ok(stored);
    }
    let computed = match this.annotate.get(thread) {
        Some(annotate) => {
            let format = Value::small_int(1).unwrap_or(Value::NONE);
            let result = crate::protocol::call(thread, annotate.get(), &[format.get()])?;
            if result.get().downcast::<PyDict>().is_none() {
                let given = crate::class_of(result.get()).name();
                return Err(type_error(format!("__annotate__ returned non-dict of type '{given}'")));
            }
            result
        }
        None => dict::new(thread)?.into_value(),
    };
    drop(this.annotations.swap(this, thread, Some(computed.clone())));
    Ok(computed)
}

/// The dict of a tuple name, value, name, value, …
fn from_pairs(thread: &mut Thread, pairs: &Obj<PyTuple>) -> PyResult {
    let dict = dict::new(thread)?;
    let mut items = pairs.items();
    while let (Some(name), Some(value)) = (items.next(), items.next()) {
        crate::protocol::set_item(thread, dict.get(), name, Some(value))?;
    }
    Ok(dict.into_value())
}
