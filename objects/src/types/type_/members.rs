//! The computed attributes of classes, and those that classes give their instances (`__dict__`, `__weakref__`).

use super::attributes::set_in_namespace;
use super::check_mutable;
use crate::class::{GetSetDef, TypeFlags};
use crate::error::{PyErr, PyResult, attribute_error_message, type_error, value_error};
use crate::name;
use crate::types::dict::DictExt;
use crate::types::str::PyStr;
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

/// `instance.__dict__`.
pub(crate) static INSTANCE_DICT: GetSetDef = GetSetDef {
    name: "__dict__",
    get: Some(|thread, object| {
        if let Some(descriptor) = native_dict(thread, object)
            && let Some(get) = crate::class_of(descriptor.get()).slots.tp_descr_get()
        {
            return get(thread, descriptor.get(), Some(object), Some(crate::class_of(object).get()));
        }
        match crate::attributes::dict(thread, object)? {
            Some(dict) => Ok(dict.into_value()),
            None => Err(crate::error::attribute_error(object, name!("__dict__").get())),
        }
    }),
    set: Some(|thread, object, value| {
        if let Some(descriptor) = native_dict(thread, object)
            && let Some(set) = crate::class_of(descriptor.get()).slots.tp_descr_set()
        {
            return set(thread, descriptor.get(), object, value);
        }
        if value.is_none()
            && native_base(crate::class_of(object)).is_some_and(|base| base.has(TypeFlags::DICT))
        {
            return Err(type_error("cannot delete __dict__"));
        }
        crate::attributes::set_dict(thread, object, value)
    }),
    doc: "dictionary for instance variables",
    member: false,
};

/// The native class that a class is made from.
fn native_base(mut class: &Obj<PyType>) -> Option<&Obj<PyType>> {
    while class.native().is_none() {
        class = class.base()?;
    }
    Some(class)
}

/// The descriptor of a native base (a class, a module) that has a `__dict__` of its own kind.
fn native_dict(thread: &Thread, object: Ref<'_>) -> Option<Value> {
    let class = native_base(crate::class_of(object))?;
    let found = class.lookup(thread, name!("__dict__"))?;
    (!is_instance_dict(Some(found))).then(|| found.to_owned())
}

/// Whether what a class has by the name of `__dict__` is the descriptor of instances' own dicts.
pub(crate) fn is_instance_dict(found: Option<Ref<'_>>) -> bool {
    found
        .and_then(Ref::downcast::<crate::types::getset::PyGetSet>)
        .is_some_and(|getset| std::ptr::eq(getset.definition(), &INSTANCE_DICT))
}

/// `instance.__weakref__`.
pub(crate) static INSTANCE_WEAKREF: GetSetDef = GetSetDef {
    name: "__weakref__",
    get: Some(|thread, object| {
        Ok(orochi_core::weak::references(thread, object).into_iter().next().unwrap_or(Value::NONE))
    }),
    set: None,
    doc: "list of weak references to the object",
    member: false,
};

/// A special attribute that can't be deleted, for a class that may be changed.
fn special<'a>(class: &Obj<PyType>, value: Option<Ref<'a>>, name: &str) -> PyResult<Ref<'a>> {
    check_mutable(class, name)?;
    value.ok_or_else(|| {
        type_error(format!("cannot delete '{name}' attribute of immutable type '{}'", class.name()))
    })
}

/// `__module__`.
pub(crate) fn module(thread: &mut Thread, class: &Obj<PyType>) -> PyResult {
    if let Some(native) = class.native() {
        return crate::str::new(thread, native.spec().module);
    }
    match class.namespace(thread).get_str(thread, name!("__module__")) {
        Some(module) => Ok(module.to_owned()),
        None => Err(attribute_error_message("__module__")),
    }
}

/// `__qualname__`.
pub(crate) fn qualname(thread: &mut Thread, class: &Obj<PyType>) -> PyResult {
    match class.qualname.get() {
        Some(qualname) => Ok(qualname.to_value()),
        None => crate::str::new(thread, &class.name()),
    }
}

/// The name with module and enclosing classes and functions, as newer messages of CPython (`%T`) show it.
pub(crate) fn qualified_name(thread: &mut Thread, class: &Obj<PyType>) -> PyResult<String> {
    let name = crate::str::display(qualname(thread, class)?.get());
    let module = match module(thread, class) {
        Ok(module) if module.get().downcast::<PyStr>().is_some() => crate::str::display(module.get()),
        _ => return Ok(name),
    };
    Ok(if matches!(&*module, "builtins" | "__main__") { name } else { format!("{module}.{name}") })
}

/// Binds what was found in the class's own namespace.
fn bound(thread: &mut Thread, class: &Obj<PyType>, found: Value) -> PyResult {
    match crate::class_of(found.get()).slots.tp_descr_get() {
        Some(get) => get(thread, found.get(), None, Some(class.get())),
        None => Ok(found),
    }
}

fn own(thread: &Thread, class: &Obj<PyType>, name: &Obj<PyStr>) -> Option<Value> {
    class.namespace(thread).get_str(thread, name).map(Ref::to_owned)
}

#[cold]
fn no_attribute(class: &Obj<PyType>, name: &str) -> PyErr {
    attribute_error_message(format!("type object '{}' has no attribute '{name}'", class.name()))
}

#[pymethods(part = MEMBERS)]
impl PyType {
    #[getter]
    fn __name__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match this.name.get() {
            Some(name) => Ok(name.to_value()),
            None => crate::str::new(thread, &this.name()),
        }
    }

    #[setter]
    #[name = "__name__"]
    fn set_name(this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let value = special(this, value, "__name__")?;
        let Some(name) = value.downcast::<PyStr>() else {
            let (class, given) = (this.name(), crate::class_of(value).name());
            return Err(type_error(format!("can only assign string to {class}.__name__, not '{given}'")));
        };
        this.name.set(this, super::new::checked_name(name)?);
        Ok(())
    }

    #[getter]
    fn __qualname__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        qualname(thread, this)
    }

    #[setter]
    #[name = "__qualname__"]
    fn set_qualname(this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let value = special(this, value, "__qualname__")?;
        let Some(name) = value.downcast::<PyStr>() else {
            let (class, given) = (this.name(), crate::class_of(value).name());
            return Err(type_error(format!("can only assign string to {class}.__qualname__, not '{given}'")));
        };
        this.qualname.set(this, crate::interned::intern(name.as_wtf8())?);
        Ok(())
    }

    #[getter]
    fn __module__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        module(thread, this)
    }

    #[setter]
    #[name = "__module__"]
    fn set_module(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let value = special(this, value, "__module__")?;
        set_in_namespace(thread, this, name!("__module__"), Some(value))?;
        if own(thread, this, name!("__firstlineno__")).is_some() {
            set_in_namespace(thread, this, name!("__firstlineno__"), None)?;
        }
        Ok(())
    }

    #[member]
    fn __base__(this: &Obj<Self>) -> Option<Value> {
        this.base().map(|base| base.to_value())
    }

    #[getter]
    fn __bases__(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.bases(thread).to_value()
    }

    #[setter]
    #[name = "__bases__"]
    fn set_bases(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        super::new::set_bases(thread, this, value)
    }

    #[getter]
    fn __mro__(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.namespace(thread);
        // None while the class is being made.
        this.mro.get().map_or(Value::NONE, |order| order.to_value())
    }

    #[getter]
    fn __dict__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let namespace = this.namespace(thread).to_value();
        crate::types::mapping_proxy_object(thread, namespace)
    }

    #[getter]
    fn __doc__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        if let Some(native) = this.native() {
            let doc = crate::types::without_signature(native.spec().doc);
            return if doc.is_empty() { Ok(Value::NONE) } else { crate::str::new(thread, doc) };
        }
        match own(thread, this, name!("__doc__")) {
            Some(doc) => bound(thread, this, doc),
            None => Ok(Value::NONE),
        }
    }

    #[setter]
    #[name = "__doc__"]
    fn set_doc(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let value = special(this, value, "__doc__")?;
        set_in_namespace(thread, this, name!("__doc__"), Some(value))
    }

    #[getter]
    fn __text_signature__(this: &Obj<Self>) -> Option<String> {
        let native = this.native()?;
        let spec = native.spec();
        let of_parts = || spec.parts.iter().map(|part| part.construction).find(|text| !text.is_empty());
        crate::types::signature_of(spec.doc).or_else(of_parts).map(str::to_owned)
    }

    #[member]
    fn __flags__(this: &Obj<Self>) -> u64 {
        this.flags().0 & u64::from(u32::MAX)
    }

    #[member]
    fn __basicsize__(this: &Obj<Self>) -> usize {
        // An int's is CPython's, as its `__sizeof__` is.
        let own = if this.has(TypeFlags::INT_SUBCLASS) { 24 } else { this.fields.layout.size };
        own + this.fields.extension_size as usize
    }

    #[member]
    fn __itemsize__(this: &Obj<Self>) -> usize {
        // What CPython's instances have, as `__sizeof__` says too.
        let sizes = [
            (TypeFlags::INT_SUBCLASS, 4),
            (TypeFlags::TUPLE_SUBCLASS, 8),
            (TypeFlags::BYTES_SUBCLASS, 1),
            (TypeFlags::TYPE_SUBCLASS, 40),
        ];
        sizes.into_iter().find(|&(flag, _)| this.has(flag)).map_or(0, |(_, size)| size)
    }

    #[member]
    fn __dictoffset__(this: &Obj<Self>) -> i64 {
        if super::layout::has_dict(this) { -1 } else { 0 }
    }

    #[member]
    fn __weakrefoffset__(this: &Obj<Self>) -> i64 {
        if this.has(TypeFlags::WEAKREF) { -2 } else { 0 }
    }

    #[getter]
    fn __abstractmethods__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        // `type` itself has this descriptor in its namespace, which doesn't count.
        let found = own(thread, this, name!("__abstractmethods__"));
        match found.filter(|_| !std::ptr::eq(this, super::type_class())) {
            Some(methods) => Ok(methods),
            None => Err(no_attribute(this, "__abstractmethods__")),
        }
    }

    #[setter]
    #[name = "__abstractmethods__"]
    fn set_abstractmethods(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let abstract_ = match value {
            Some(value) => crate::protocol::is_true(thread, value)?,
            None => {
                if own(thread, this, name!("__abstractmethods__")).is_none() {
                    return Err(no_attribute(this, "__abstractmethods__"));
                }
                false
            }
        };
        set_in_namespace(thread, this, name!("__abstractmethods__"), value)?;
        this.set_flags(TypeFlags::ABSTRACT, abstract_);
        Ok(())
    }

    #[getter]
    fn __type_params__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        if let Some(found) = own(thread, this, name!("__type_params__"))
            && !std::ptr::eq(this, super::type_class())
        {
            return Ok(found);
        }
        Ok(crate::tuple::empty(thread).to_value())
    }

    #[setter]
    #[name = "__type_params__"]
    fn set_type_params(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let value = special(this, value, "__type_params__")?;
        set_in_namespace(thread, this, name!("__type_params__"), Some(value))
    }

    #[getter]
    fn __annotate__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        if this.native().is_some() {
            return Err(no_attribute(this, "__annotate__"));
        }
        // What the program defined under the plain name comes first.
        let found = own(thread, this, name!("__annotate__"))
            .or_else(|| own(thread, this, name!("__annotate_func__")));
        match found {
            Some(annotate) => bound(thread, this, annotate),
            None => {
                set_in_namespace(thread, this, name!("__annotate_func__"), Some(Ref::NONE))?;
                Ok(Value::NONE)
            }
        }
    }

    #[setter]
    #[name = "__annotate__"]
    fn set_annotate(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let Some(value) = value else { return Err(type_error("cannot delete __annotate__ attribute")) };
        check_mutable(this, "__annotate__")?;
        if !value.is_none() && crate::class_of(value).slots.tp_call().is_none() {
            return Err(type_error("__annotate__ must be callable or None"));
        }
        set_in_namespace(thread, this, name!("__annotate_func__"), Some(value))?;
        if !value.is_none() {
            forget_annotations(thread, this)?;
        }
        Ok(())
    }

    #[getter]
    fn __annotations__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        if this.native().is_some() {
            return Err(no_attribute(this, "__annotations__"));
        }
        let found = own(thread, this, name!("__annotations__"))
            .or_else(|| own(thread, this, name!("__annotations_cache__")));
        if let Some(found) = found {
            return bound(thread, this, found);
        }
        let annotate = PyType::__annotate__(thread, this)?;
        let annotations = if crate::class_of(annotate.get()).slots.tp_call().is_some() {
            let one = crate::int::new(thread, 1)?;
            let made = crate::protocol::call(thread, annotate.get(), &[one.get()])?;
            if made.get().downcast::<crate::types::dict::PyDict>().is_none() {
                let given = crate::class_of(made.get()).name();
                return Err(type_error(format!("__annotate__ returned non-dict of type '{given}'")));
            }
            made
        } else {
            crate::types::dict::new(thread)?.into_value()
        };
        set_in_namespace(thread, this, name!("__annotations_cache__"), Some(annotations.get()))?;
        Ok(annotations)
    }

    #[setter]
    #[name = "__annotations__"]
    fn set_annotations(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        check_mutable(this, "__annotations__")?;
        let plain = own(thread, this, name!("__annotations__")).is_some();
        let cached = own(thread, this, name!("__annotations_cache__")).is_some();
        match value {
            Some(value) => {
                let name = if plain { name!("__annotations__") } else { name!("__annotations_cache__") };
                set_in_namespace(thread, this, name, Some(value))?;
            }
            None if plain || cached => forget_annotations(thread, this)?,
            None => return Err(attribute_error_message("__annotations__")),
        }
        for name in [name!("__annotate_func__"), name!("__annotate__")] {
            if own(thread, this, name).is_some() {
                set_in_namespace(thread, this, name, None)?;
            }
        }
        if value.is_some() {
            set_in_namespace(thread, this, name!("__annotate_func__"), Some(Ref::NONE))?;
        }
        Ok(())
    }
}

fn forget_annotations(thread: &mut Thread, class: &Obj<PyType>) -> PyResult<()> {
    for name in [name!("__annotations__"), name!("__annotations_cache__")] {
        if own(thread, class, name).is_some() {
            set_in_namespace(thread, class, name, None)?;
        }
    }
    Ok(())
}

/// `object.__class__ = class`.
pub(crate) fn set_class(thread: &mut Thread, object: Ref<'_>, value: Option<Ref<'_>>) -> PyResult<()> {
    let Some(value) = value else { return Err(type_error("can't delete __class__ attribute")) };
    let Some(new) = value.downcast::<PyType>() else {
        let given = crate::class_of(value).name();
        return Err(type_error(format!("__class__ must be set to a class, not '{given}' object")));
    };
    let old = crate::class_of(object);
    let module =
        crate::types::module::PyModule::is_subclass(old) && crate::types::module::PyModule::is_subclass(new);
    if !module && (old.has(TypeFlags::IMMUTABLE) || new.has(TypeFlags::IMMUTABLE)) {
        return Err(type_error(
            "__class__ assignment only supported for mutable types or ModuleType subclasses",
        ));
    }
    if !super::layout::same_layout(old, new) {
        return Err(type_error(format!(
            "__class__ assignment: '{}' object layout differs from '{}'",
            new.name(),
            old.name()
        )));
    }
    let Some(header) = object.header() else {
        return Err(value_error("immediates have no class of their own"));
    };
    if new.has(TypeFlags::DICT) {
        // Attributes move to a dict, which any class of the layout can keep.
        crate::attributes::dict(thread, object)?;
        if let Some(attributes) = crate::storage::instance::Attributes::of(object) {
            attributes.adopt_class(thread, new);
        }
    }
    if let Some(old) = old.get().header() {
        // Native code may be at work on the object with the class that it had. So this one never dies.
        old.make_immortal();
    }
    header.set_class(new.head().as_ptr().cast_const());
    Ok(())
}
