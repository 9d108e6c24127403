//! `property`: an attribute computed by functions.

use crate::args::Args;
use crate::error::{PyErr, PyResult, attribute_error_message};
use crate::name;
use crate::types::str::PyStr;
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Property attribute.
///
///   fget
///     function to be used for getting an attribute value
///   fset
///     function to be used for setting an attribute value
///   fdel
///     function to be used for del'ing an attribute
///   doc
///     docstring
///
/// Typical use is to define a managed attribute x:
///
/// class C(object):
///     def getx(self): return self._x
///     def setx(self, value): self._x = value
///     def delx(self): del self._x
///     x = property(getx, setx, delx, "I'm the 'x' property.")
///
/// Decorators make defining new properties or modifying existing ones easy:
///
/// class C(object):
///     @property
///     def x(self):
///         "I am the 'x' property."
///         return self._x
///     @x.setter
///     def x(self, value):
///         self._x = value
///     @x.deleter
///     def x(self):
///         del self._x
#[pyclass(name = "property", subclassable)]
#[derive(Trace)]
pub struct PyProperty {
    get: AtomicField,
    set: AtomicField,
    delete: AtomicField,
    doc: AtomicField,
    name: AtomicField,
    getter_doc: orochi_core::sync::AtomicBool,
}

/// One of a property's functions.
#[derive(Clone, Copy)]
enum Part {
    Get,
    Set,
    Delete,
}

impl PyProperty {
    fn blank() -> PyProperty {
        PyProperty {
            get: AtomicField::empty(),
            set: AtomicField::empty(),
            delete: AtomicField::empty(),
            doc: AtomicField::empty(),
            name: AtomicField::empty(),
            getter_doc: orochi_core::sync::AtomicBool::new(false),
        }
    }

    /// The getter, for the interpreter's fast path.
    #[inline]
    pub fn getter_function<'a>(&'a self, thread: &'a Thread) -> Option<Ref<'a>> {
        self.get.load(thread)
    }

    fn has_getter_doc(&self) -> bool {
        self.getter_doc.load(orochi_core::sync::Ordering::Relaxed)
    }
}

/// The property's name: given by `__set_name__`, or the getter's.
fn property_name(thread: &mut Thread, this: &Obj<PyProperty>) -> PyResult<Option<Value>> {
    if let Some(name) = this.name.get(thread) {
        return Ok(Some(name));
    }
    match this.get.get(thread) {
        Some(get) => crate::protocol::find_attr(thread, get.get(), name!("__name__")),
        None => Ok(None),
    }
}

#[cold]
fn missing(thread: &mut Thread, this: &Obj<PyProperty>, object: Ref<'_>, what: &str) -> PyErr {
    let name = match property_name(thread, this) {
        Ok(name) => name,
        Err(error) => return error,
    };
    let class = crate::class_of(object);
    let qualname = match crate::types::type_::members::qualname(thread, class) {
        Ok(qualname) => crate::str::display(qualname.get()),
        Err(error) => return error,
    };
    match name {
        Some(name) => match crate::protocol::repr(thread, name.get()) {
            Ok(name) => attribute_error_message(format!(
                "property {} of '{qualname}' object has no {what}",
                crate::str::display(name.get())
            )),
            Err(error) => error,
        },
        None => attribute_error_message(format!("property of '{qualname}' object has no {what}")),
    }
}

/// A copy with one function replaced, of the same class.
fn copy(thread: &mut Thread, this: &Obj<PyProperty>, part: Part, function: Ref<'_>) -> PyResult {
    let own = |field: &AtomicField, thread: &Thread| field.get(thread).unwrap_or(Value::NONE);
    let (mut get, mut set, mut delete) =
        (own(&this.get, thread), own(&this.set, thread), own(&this.delete, thread));
    if !function.is_none() {
        match part {
            Part::Get => get = function.to_owned(),
            Part::Set => set = function.to_owned(),
            Part::Delete => delete = function.to_owned(),
        }
    }
    // A documentation that came from the getter comes from the new getter.
    let doc =
        if this.has_getter_doc() && !get.get().is_none() { Value::NONE } else { own(&this.doc, thread) };
    let class = crate::class_of(this.get()).to_value();
    let made = crate::protocol::call(thread, class.get(), &[get.get(), set.get(), delete.get(), doc.get()])?;
    if let Some(copy) = made.get().downcast::<PyProperty>() {
        let name = this.name.get(thread);
        drop(copy.name.swap(copy, thread, name));
    }
    Ok(made)
}

/// Settles the documentation: the one given, or the getter's. Subclasses keep it in their `__dict__`.
fn settle_doc(thread: &mut Thread, this: &Obj<PyProperty>, given: Option<Value>) -> PyResult<()> {
    let mut doc = given.filter(|doc| !doc.get().is_none());
    let mut from_getter = false;
    if doc.is_none()
        && let Some(get) = this.get.get(thread)
        && let Some(found) = crate::protocol::find_attr(thread, get.get(), name!("__doc__"))?
        && !found.get().is_none()
    {
        doc = Some(found);
        from_getter = true;
    }
    this.getter_doc.store(from_getter, orochi_core::sync::Ordering::Relaxed);
    if crate::class::is_exact(this.get(), <PyProperty as crate::class::PyClass>::static_type()) {
        drop(this.doc.swap(this, thread, doc));
        return Ok(());
    }
    // The descriptor of `property` would hide an attribute of the instance, so the subclass's own dict takes it.
    let value = doc.unwrap_or(Value::NONE);
    match crate::protocol::set_attr(thread, this.get(), name!("__doc__"), Some(value.get())) {
        // A subclass with slots has no place for it; a documentation that was given is dropped silently, as ever.
        Err(error) if !from_getter && error.matches(&crate::types::exception::AttributeError) => Ok(()),
        result => result,
    }
}

#[pymethods]
impl PyProperty {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: Args<'_>) -> PyResult {
        Ok(crate::alloc(thread, cls, PyProperty::blank())?.into_value())
    }

    #[init]
    #[signature(fget=None, fset=None, fdel=None, doc=None)]
    fn init(
        thread: &mut Thread,
        this: &Obj<Self>,
        fget: Option<Ref<'_>>,
        fset: Option<Ref<'_>>,
        fdel: Option<Ref<'_>>,
        doc: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let own = |value: Option<Ref<'_>>| value.filter(|value| !value.is_none()).map(Ref::to_owned);
        let old = [
            this.get.swap(this, thread, own(fget)),
            this.set.swap(this, thread, own(fset)),
            this.delete.swap(this, thread, own(fdel)),
            this.doc.swap(this, thread, None),
            this.name.swap(this, thread, None),
        ];
        drop(old);
        settle_doc(thread, this, own(doc))
    }

    #[slot]
    fn tp_descr_get(
        thread: &mut Thread,
        this: Ref<'_>,
        object: Option<Ref<'_>>,
        _owner: Option<Ref<'_>>,
    ) -> PyResult {
        let Some(object) = object.filter(|object| !object.is_none()) else { return Ok(this.to_owned()) };
        let property = crate::slot_receiver::<Self>(this)?;
        match property.get.get(thread) {
            Some(get) => crate::protocol::call(thread, get.get(), &[object]),
            None => Err(missing(thread, property, object, "getter")),
        }
    }

    #[slot]
    fn tp_descr_set(
        thread: &mut Thread,
        this: &Obj<Self>,
        object: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        match value {
            Some(value) => match this.set.get(thread) {
                Some(set) => crate::protocol::call(thread, set.get(), &[object, value])?,
                None => return Err(missing(thread, this, object, "setter")),
            },
            None => match this.delete.get(thread) {
                Some(delete) => crate::protocol::call(thread, delete.get(), &[object])?,
                None => return Err(missing(thread, this, object, "deleter")),
            },
        };
        Ok(())
    }

    /// Descriptor to obtain a copy of the property with a different getter.
    #[signature(fget, /)]
    fn getter(thread: &mut Thread, this: &Obj<Self>, fget: Ref<'_>) -> PyResult {
        copy(thread, this, Part::Get, fget)
    }

    /// Descriptor to obtain a copy of the property with a different setter.
    #[signature(fset, /)]
    fn setter(thread: &mut Thread, this: &Obj<Self>, fset: Ref<'_>) -> PyResult {
        copy(thread, this, Part::Set, fset)
    }

    /// Descriptor to obtain a copy of the property with a different deleter.
    #[signature(fdel, /)]
    fn deleter(thread: &mut Thread, this: &Obj<Self>, fdel: Ref<'_>) -> PyResult {
        copy(thread, this, Part::Delete, fdel)
    }

    /// Method to set name of a property.
    fn __set_name__(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        if args.len() != 2 {
            let given = args.len();
            return Err(crate::error::type_error(format!(
                "__set_name__() takes 2 positional arguments but {given} were given"
            )));
        }
        let name = args.get(1).map(Ref::to_owned);
        drop(this.name.swap(this, thread, name));
        Ok(())
    }

    #[member]
    fn fget(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.get.get(thread)
    }

    #[member]
    fn fset(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.set.get(thread)
    }

    #[member]
    fn fdel(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.delete.get(thread)
    }

    #[getter]
    fn __doc__(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.doc.get(thread)
    }

    #[setter]
    #[name = "__doc__"]
    fn set_doc(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) {
        drop(this.doc.swap(this, thread, value.map(Ref::to_owned)));
    }

    #[getter]
    fn __name__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match property_name(thread, this)? {
            Some(name) => Ok(name),
            None => Err(crate::error::attribute_error(this.get(), name!("__name__").get())),
        }
    }

    #[setter]
    #[name = "__name__"]
    fn set_name(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) {
        drop(this.name.swap(this, thread, value.map(Ref::to_owned)));
    }

    #[getter]
    fn __isabstractmethod__(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        for field in [&this.get, &this.set, &this.delete] {
            let function = field.get(thread);
            if crate::types::function_wrapper::is_abstract(thread, function)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether an attribute of a class is a property (of exactly this class): for the interpreter's caches.
pub fn in_class<'a>(
    thread: &'a Thread,
    class: &'a Obj<PyType>,
    name: &Obj<PyStr>,
) -> Option<&'a Obj<PyProperty>> {
    class.lookup(thread, name)?.downcast()
}
