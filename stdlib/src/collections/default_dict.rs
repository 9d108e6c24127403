//! `defaultdict`: a dict that makes missing values.

use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{key_error, type_error};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::dict_;
use orochi_objects::types::key::Key;
use orochi_objects::types::{repr_guard, tuple};
use orochi_objects::{Args, PyClass, PyResult, PyType, class_of, protocol, str};

/// defaultdict(default_factory=None, /, [...]) --> dict with default factory
///
/// The default factory is called without arguments to produce
/// a new value when a key is not present, in __getitem__ only.
/// A defaultdict compares equal to a dict with the same items.
/// All remaining arguments are treated the same as if they were
/// passed to the dict constructor, including keyword arguments.
#[pyclass(name = "defaultdict", module = "collections", base = PyDict, subclassable, generic)]
#[derive(Trace)]
pub(crate) struct DefaultDict {
    dict: PyDict,
    factory: AtomicField,
}

impl DefaultDict {
    fn dict(this: &Obj<DefaultDict>) -> PyResult<&Obj<PyDict>> {
        orochi_objects::slot_receiver::<PyDict>(this.get())
    }

    fn factory(&self, thread: &Thread) -> Value {
        self.factory.get(thread).unwrap_or(Value::NONE)
    }

    /// `type(self)(factory, source)`.
    fn like(thread: &mut Thread, this: &Obj<DefaultDict>, source: Ref<'_>) -> PyResult {
        let factory = this.factory(thread);
        protocol::call(thread, class_of(this.get()).get(), &[factory.get(), source])
    }
}

#[pymethods]
impl DefaultDict {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: Args<'_>) -> PyResult {
        let made = DefaultDict { dict: PyDict::empty(), factory: AtomicField::empty() };
        Ok(orochi_objects::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: Ref<'_>, args: Args<'_>) -> PyResult<()> {
        let receiver = orochi_objects::slot_receiver::<DefaultDict>(this)?;
        let factory = args.get(0).filter(|factory| !factory.is_none());
        if let Some(factory) = factory
            && class_of(factory).slots.tp_call().is_none()
        {
            return Err(type_error("first argument must be callable or None"));
        }
        receiver.factory.swap(receiver, thread, factory.map(Ref::to_owned));
        match PyDict::static_type().get().slots.tp_init() {
            Some(init) => init(thread, this, args.rest()),
            None => Ok(()),
        }
    }

    /// __missing__(key) # Called by __getitem__ for missing key; pseudo-code:
    ///   if self.default_factory is None: raise KeyError((key,))
    ///   self[key] = value = self.default_factory()
    ///   return value
    #[name = "__missing__"]
    fn missing(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        let factory = this.factory(thread);
        if factory.get().is_none() {
            return Err(key_error(key.to_owned()));
        }
        let value = protocol::call(thread, factory.get(), &[])?;
        protocol::set_item(thread, this.get(), key, Some(value.get()))?;
        Ok(value)
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        if let Some(value) = dict::get_item(thread, DefaultDict::dict(this)?, key)? {
            return Ok(value);
        }
        if std::ptr::eq(class_of(this.get()), DefaultDict::static_type().get()) {
            let factory = this.factory(thread);
            if factory.get().is_none() {
                return Err(key_error(key.to_owned()));
            }
            let value = protocol::call(thread, factory.get(), &[])?;
            let key = Key::for_dict(thread, key)?;
            // Another thread may have made one meanwhile: all get the same.
            return Ok(dict::set_default(thread, DefaultDict::dict(this)?, &key, value.get())?.0);
        }
        protocol::call_method(thread, this.get(), "__missing__", &[key])
    }

    /// Factory for default value called by __missing__().
    #[getter]
    fn default_factory(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.factory(thread)
    }

    #[setter]
    fn set_default_factory(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) {
        let value = value.filter(|value| !value.is_none()).map(Ref::to_owned);
        this.factory.swap(this, thread, value);
    }

    /// D.copy() -> a shallow copy of D.
    #[also(name = "__copy__")]
    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        DefaultDict::like(thread, this, this.get())
    }

    /// Return state information for pickling.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let factory = this.factory(thread);
        let args = if factory.get().is_none() { Vec::new() } else { vec![factory] };
        let args = tuple::new(thread, args)?.into_value();
        let items = protocol::call_method(thread, this.get(), "items", &[])?;
        let items = protocol::iter(thread, items.get())?;
        let class = class_of(this.get()).to_value();
        Ok(tuple::new(thread, vec![class, args, Value::NONE, Value::NONE, items])?.into_value())
    }

    #[slot]
    fn nb_or(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let (own, other) = match left.downcast::<DefaultDict>() {
            Some(own) => (own, right),
            None => match right.downcast::<DefaultDict>() {
                Some(own) => (own, left),
                None => return Ok(Value::NOT_IMPLEMENTED),
            },
        };
        if other.downcast::<PyDict>().is_none() {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        let union = DefaultDict::like(thread, own, left)?;
        match union.get().downcast::<PyDict>() {
            Some(made) => dict_::update(thread, made, right)?,
            None => return Ok(Value::NOT_IMPLEMENTED),
        }
        Ok(union)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let name = class_of(this.get()).name().into_owned();
        let items = match PyDict::static_type().get().slots.tp_repr() {
            Some(repr) => repr(thread, this.get())?,
            None => str::new(thread, "{}")?,
        };
        let items = str::display(items.get());
        let factory = this.factory(thread);
        // A factory may be a method of this very dict.
        let shown = repr_guard::enter(thread, this.get(), |thread| {
            let shown = protocol::repr(thread, factory.get())?;
            Ok(str::display(shown.get()))
        })?;
        str::new(thread, &format!("{name}({}, {items})", shown.unwrap_or_else(|| "...".to_owned())))
    }
}
