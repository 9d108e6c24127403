//! The attributes that instances keep for themselves: in places that their shape tells, or in a dict.

use crate::class::{PyClass, exactly};
use crate::error::{PyResult, attribute_error, attribute_error_message, memory_error, type_error};
use crate::slots::SlotId;
use crate::storage::instance::{Attributes, Own, Stored};
use crate::storage::shape::Name;
use crate::types::dict::{self, DictExt, PyDict};
use crate::types::function::PyFunction;
use crate::types::key::{Key, exact_str};
use crate::types::module::PyModule;
use crate::types::object::PyObject;
use crate::types::str::PyStr;
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::{Obj, Owned, Ref, Thread, Value};

/// The interned str with a name's text.
fn interned(name: &Obj<PyStr>) -> PyResult<Name> {
    crate::interned::intern_name(name)
}

/// The instance's own attribute.
pub fn get(thread: &mut Thread, object: Ref<'_>, name: &Obj<PyStr>) -> PyResult<Option<Value>> {
    if let Some(module) = object.downcast::<PyModule>() {
        return Ok(module.namespace(thread).get_str(thread, name).map(Ref::to_owned));
    }
    let Some(attributes) = Attributes::of(object) else { return Ok(None) };
    let own = if name.is_interned() {
        attributes.get(thread, name)
    } else {
        attributes.get(thread, interned(name)?)
    };
    let dict = match own {
        Own::Value(value) => return Ok(Some(value.to_owned())),
        Own::Missing | Own::Dict(None) => return Ok(None),
        Own::Dict(Some(dict)) => dict.to_owned(),
    };
    let Some(dict) = dict.get().downcast::<PyDict>() else { return Ok(None) };
    match exact_str(name.get()) {
        Some(name) => dict::get(thread, dict, &Key::of_str(name)),
        None => dict::get_item(thread, dict, name.get()),
    }
}

/// What an attribute is, as far as it can be said without running Python code or making anything.
pub enum Plain<'a> {
    /// It is there.
    Value(Ref<'a>),
    /// A Python function of the class, which is to be bound to the object.
    Method(Ref<'a>),
    /// There is none.
    Missing,
    /// Somebody has to be asked.
    Unknown,
}

/// Looks an attribute up where the interpreter's own rules say all there is to say.
pub fn plain<'a>(thread: &'a Thread, object: Ref<'a>, name: &Obj<PyStr>) -> Plain<'a> {
    let class = crate::class_of(object);
    if std::ptr::eq(class, PyType::static_type().get()) {
        return plain_of_class(thread, object, name);
    }
    if !crate::types::object::has_generic_getattr(class) {
        return Plain::Unknown;
    }
    let attributes = Attributes::of(object);
    // Interned names last for ever: others stay as they are where nothing is named by them.
    let name = if attributes.is_some() { interned(name) } else { Ok(name) };
    let Ok(name) = name else { return Plain::Unknown };
    let in_class = class.lookup(thread, name);
    if in_class.is_some_and(|found| crate::class_of(found).slots.tp_descr_set().is_some()) {
        return Plain::Unknown;
    }
    match (plain_own(thread, attributes, name), in_class) {
        (Some(Some(own)), _) => Plain::Value(own),
        (Some(None), None) => Plain::Missing,
        (Some(None), Some(found)) if exactly::<PyFunction>(found).is_some() => Plain::Method(found),
        (Some(None), Some(found)) if crate::class_of(found).slots.tp_descr_get().is_none() => {
            Plain::Value(found)
        }
        _ => Plain::Unknown,
    }
}

/// The same for a class whose metaclass is `type`.
fn plain_of_class<'a>(thread: &'a Thread, class: Ref<'a>, name: &Obj<PyStr>) -> Plain<'a> {
    let Some(class) = class.downcast::<PyType>() else { return Plain::Unknown };
    if PyType::static_type().get().lookup(thread, name).is_some() {
        return Plain::Unknown;
    }
    match class.lookup(thread, name) {
        None => Plain::Missing,
        Some(found)
            if exactly::<PyFunction>(found).is_some()
                || crate::class_of(found).slots.tp_descr_get().is_none() =>
        {
            Plain::Value(found)
        }
        Some(_) => Plain::Unknown,
    }
}

/// The instance's own attribute; the outer `None` if Python code would have to be asked.
fn plain_own<'a>(
    thread: &'a Thread,
    attributes: Option<Attributes<'a>>,
    name: &Obj<PyStr>,
) -> Option<Option<Ref<'a>>> {
    let Some(attributes) = attributes else { return Some(None) };
    match attributes.get(thread, name) {
        Own::Value(value) => Some(Some(value)),
        Own::Missing | Own::Dict(None) => Some(None),
        Own::Dict(Some(dict)) => {
            let key = Key::of_str(name);
            exactly::<PyDict>(dict)?.storage().get(thread, key.hash, key.word(), &key).ok()
        }
    }
}

/// Sets or deletes the instance's own attribute. `in_class` tells whether the class has one of that name.
pub fn set(
    thread: &mut Thread,
    object: Ref<'_>,
    name: &Obj<PyStr>,
    value: Option<Ref<'_>>,
    in_class: bool,
) -> PyResult<()> {
    if let Some(module) = object.downcast::<PyModule>() {
        return set_in_module(thread, module, name, value);
    }
    let Some(attributes) = Attributes::of(object) else {
        return Err(no_attributes(object, name, in_class));
    };
    let name = interned(name)?;
    let Some(value) = value else { return delete(thread, object, name) };
    match attributes.set(thread, name, value.to_owned()) {
        Stored::Done(_) => Ok(()),
        Stored::NoMemory => Err(memory_error()),
        Stored::InDict(value) => match self::dict(thread, object)? {
            Some(dict) => dict.set_str(thread, name, value),
            None => Err(no_attributes(object, name, in_class)),
        },
    }
}

fn delete(thread: &mut Thread, object: Ref<'_>, name: Name) -> PyResult<()> {
    // An instance that loses an attribute goes over to a dict; one that hasn't it stays as it is.
    if get(thread, object, name)?.is_some()
        && let Some(dict) = dict(thread, object)?
        && dict.remove_str(thread, name)?.is_some()
    {
        return Ok(());
    }
    Err(attribute_error(object, name.get()))
}

#[cold]
fn no_attributes(object: Ref<'_>, name: &Obj<PyStr>, in_class: bool) -> crate::error::PyErr {
    let class = crate::class_of(object).full_name();
    if in_class {
        return attribute_error_message(format!(
            "'{class}' object attribute '{name}' is read-only",
            name = **name
        ));
    }
    // Where setting attributes is the class's own business, nothing is said of what would be needed for it.
    let setting = |class: &Obj<PyType>| class.slots.raw(SlotId::tp_setattro);
    let is_generic = setting(crate::class_of(object)) == setting(PyObject::static_type().get());
    let why = if is_generic { " and no __dict__ for setting new attributes" } else { "" };
    let text = format!("'{class}' object has no attribute '{name}'{why}", name = **name);
    crate::error::PyErr::with_attributes(
        &crate::types::exception::AttributeError,
        text,
        vec![("name", name.to_value()), ("obj", object.to_owned())],
    )
}

/// Whether the object's `__dict__` is what the interpreter gives instances, found in the common way.
pub fn has_plain_dict(thread: &Thread, object: Ref<'_>) -> bool {
    let class = crate::class_of(object);
    crate::types::object::has_generic_getattr(class)
        && Attributes::of(object).is_some()
        && crate::types::type_::members::is_instance_dict(class.lookup(thread, crate::name!("__dict__")))
}

/// The instance's `__dict__`, in which its attributes live from now on. `None` if its class gives it none.
pub fn dict(thread: &mut Thread, object: Ref<'_>) -> PyResult<Option<Owned<PyDict>>> {
    if let Some(module) = object.downcast::<PyModule>() {
        return Ok(Some(module.namespace(thread).to_owned()));
    }
    let Some(attributes) = Attributes::of(object) else { return Ok(None) };
    let dict = attributes.own_dict(
        thread,
        |thread, entries| Ok::<_, crate::PyErr>(dict::with_capacity(thread, entries)?.into_value()),
        |dict| dict.downcast::<PyDict>().map(|dict| dict.storage()),
    )?;
    Ok(dict.downcast::<PyDict>().ok())
}

/// `object.__dict__ = value`, or `del object.__dict__`.
pub fn set_dict(thread: &mut Thread, object: Ref<'_>, value: Option<Ref<'_>>) -> PyResult<()> {
    let Some(attributes) = Attributes::of(object) else {
        return Err(attribute_error(object, crate::name!("__dict__").get()));
    };
    if let Some(value) = value
        && value.downcast::<PyDict>().is_none()
    {
        let class = crate::class_of(value).name();
        return Err(type_error(format!("__dict__ must be set to a dictionary, not a '{class}'")));
    }
    attributes.replace_dict(thread, value.map(Ref::to_owned));
    Ok(())
}

/// The names and values of the instance's own attributes, without moving them to a dict.
pub fn snapshot(thread: &mut Thread, object: Ref<'_>) -> PyResult<Vec<(Value, Value)>> {
    let Some(attributes) = Attributes::of(object) else { return Ok(Vec::new()) };
    if let Some(dict) = attributes.dict(thread)
        && let Some(dict) = dict.downcast::<PyDict>()
    {
        return Ok(dict::entries(thread, dict)?.into_iter().map(|entry| (entry.key, entry.value)).collect());
    }
    let mut all = Vec::new();
    for &name in attributes.shape().names() {
        if let Own::Value(value) = attributes.get(thread, name) {
            all.push((name.to_value(), value.to_owned()));
        }
    }
    Ok(all)
}

fn set_in_module(
    thread: &mut Thread,
    module: &Obj<PyModule>,
    name: &Obj<PyStr>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    let namespace = module.namespace(thread).to_owned();
    match value {
        Some(value) => dict::set_item(thread, &namespace, name.get(), value.to_owned()),
        None => {
            let key = crate::types::key::Key::for_dict(thread, name.get())?;
            match dict::remove(thread, &namespace, &key)? {
                Some(_) => Ok(()),
                None => Err(attribute_error(module.get(), name.get())),
            }
        }
    }
}
