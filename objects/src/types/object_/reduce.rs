//! How objects are taken apart for `pickle` and `copy`: the defaults of `__reduce_ex__` and `__getstate__`.

use crate::error::{PyErr, PyResult, type_error};
use crate::name;
use crate::protocol::{self, find_attr, get_attr};
use crate::thread::ThreadState;
use crate::types::dict::{self, DictExt, PyDict};
use crate::types::list::{self, PyList};
use crate::types::module::PyModule;
use crate::types::native_function::PyNativeFunction;
use crate::types::object::{PyObject, has_generic_getattr};
use crate::types::str::PyStr;
use crate::types::tuple::{self, PyTuple};
use crate::types::r#type::{PyType, TypeExt};
use crate::types::{build, type_};
use orochi_core::{Obj, Payload, Ref, Thread, Value};

/// `object.__reduce_ex__(protocol)`: an overridden `__reduce__`, or the common way.
pub(crate) fn reduce_ex(thread: &mut Thread, this: Ref<'_>, protocol: i64) -> PyResult {
    let name = name!("__reduce__");
    if !is_default(thread, this, name)
        && let Some(reduce) = find_attr(thread, this, name)?
    {
        return protocol::call(thread, reduce.get(), &[]);
    }
    common(thread, this, protocol)
}

/// The way of `copyreg`.
pub(crate) fn common(thread: &mut Thread, this: Ref<'_>, protocol: i64) -> PyResult {
    if protocol >= 2 {
        return reduce_new(thread, this);
    }
    let copyreg = build::import_module(thread, "copyreg")?;
    let function = protocol::get_attr_str(thread, copyreg.get(), "_reduce_ex")?;
    let protocol = crate::int::new(thread, protocol)?;
    protocol::call(thread, function.get(), &[this, protocol.get()])
}

#[cold]
fn cannot_pickle(this: Ref<'_>) -> PyErr {
    type_error(format!("cannot pickle '{}' object", crate::class_of(this).full_name()))
}

/// What `__new__` wants: positional and keyword arguments, if the object says.
fn new_arguments(thread: &mut Thread, this: Ref<'_>) -> PyResult<(Option<Value>, Option<Value>)> {
    if let Some(method) = protocol::special(thread, this, name!("__getnewargs_ex__"))? {
        let given = protocol::call(thread, method.get(), &[])?;
        let Some(pair) = given.get().downcast::<PyTuple>() else {
            let class = crate::class_of(given.get()).name();
            return Err(type_error(format!("__getnewargs_ex__ should return a tuple, not '{class}'")));
        };
        let (Some(args), Some(kwargs), 2) = (pair.item(0), pair.item(1), pair.len()) else {
            return Err(crate::error::value_error(format!(
                "__getnewargs_ex__ should return a tuple of length 2, not {}",
                pair.len()
            )));
        };
        if args.downcast::<PyTuple>().is_none() {
            let class = crate::class_of(args).name();
            return Err(type_error(format!(
                "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not '{class}'"
            )));
        }
        if kwargs.downcast::<PyDict>().is_none() {
            let class = crate::class_of(kwargs).name();
            return Err(type_error(format!(
                "second item of the tuple returned by __getnewargs_ex__ must be a dict, not '{class}'"
            )));
        }
        return Ok((Some(args.to_owned()), Some(kwargs.to_owned())));
    }
    let Some(method) = protocol::special(thread, this, name!("__getnewargs__"))? else {
        return Ok((None, None));
    };
    let args = protocol::call(thread, method.get(), &[])?;
    if args.get().downcast::<PyTuple>().is_none() {
        let class = crate::class_of(args.get()).name();
        return Err(type_error(format!("__getnewargs__ should return a tuple, not '{class}'")));
    }
    Ok((Some(args), None))
}

fn reduce_new(thread: &mut Thread, this: Ref<'_>) -> PyResult {
    let class = crate::class_of(this);
    if class.slots.tp_new().is_none() {
        return Err(cannot_pickle(this));
    }
    let (args, kwargs) = new_arguments(thread, this)?;
    let has_args = args.is_some();
    let keywords = kwargs.as_ref().and_then(|kwargs| kwargs.get().downcast::<PyDict>());
    let (factory, factory_args) = match keywords {
        Some(keywords) if dict::len(thread, keywords) != 0 => {
            let factory = of_copyreg(thread, name!("__newobj_ex__"))?;
            let args = args.unwrap_or_else(|| tuple::empty(thread).to_value());
            (factory, tuple::of(thread, [class.to_value(), args, keywords.to_value()])?)
        }
        _ => {
            let factory = of_copyreg(thread, name!("__newobj__"))?;
            let given = args.as_ref().and_then(|args| args.get().downcast::<PyTuple>());
            let count = given.map_or(0, |given| given.len());
            let all = tuple::build(thread, count + 1, |i| match i.checked_sub(1) {
                None => class.to_value(),
                Some(i) => given.and_then(|given| given.item(i)).map_or(Value::NONE, Ref::to_owned),
            })?;
            (factory, all.into_value())
        }
    };
    let is_list = class.has(crate::class::TypeFlags::LIST_SUBCLASS);
    let is_dict = class.has(crate::class::TypeFlags::DICT_SUBCLASS);
    let state = state(thread, this, !(has_args || is_list || is_dict))?;
    let list_items = if is_list { protocol::iter(thread, this)? } else { Value::NONE };
    let dict_items = if is_dict {
        let items = protocol::call_method(thread, this, "items", &[])?;
        protocol::iter(thread, items.get())?
    } else {
        Value::NONE
    };
    tuple::of(thread, [factory, factory_args, state, list_items, dict_items])
}

/// What `copyreg` has by this name.
fn of_copyreg(thread: &mut Thread, name: &'static Obj<PyStr>) -> PyResult {
    let modules = ThreadState::modules(thread)?;
    if let Some(modules) = modules.get().downcast::<PyDict>()
        && let Some(module) = modules.get_str(thread, name!("copyreg"))
        && let Some(module) = module.downcast::<PyModule>()
        && let Some(found) = module.namespace(thread).get_str(thread, name)
    {
        return Ok(found.to_owned());
    }
    let copyreg = build::import_module(thread, "copyreg")?;
    get_attr(thread, copyreg.get(), name)
}

/// What `__getstate__` gives, the default one being told whether the object must be restorable from it alone.
pub(crate) fn state(thread: &mut Thread, this: Ref<'_>, required: bool) -> PyResult {
    let name = name!("__getstate__");
    if has_generic_getattr(crate::class_of(this))
        && is_default(thread, this, name)
        && crate::attributes::get(thread, this, name)?.is_none()
    {
        return default_state(thread, this, required);
    }
    let getstate = get_attr(thread, this, name)?;
    if let Some(function) = getstate.get().downcast::<PyNativeFunction>()
        && std::ptr::eq(function.definition(), default_definition(thread))
    {
        return default_state(thread, this, required);
    }
    protocol::call(thread, getstate.get(), &[])
}

/// The definition of `object.__getstate__`.
fn default_definition(thread: &Thread) -> *const crate::class::MethodDef {
    type_::object_class()
        .lookup(thread, name!("__getstate__"))
        .and_then(Ref::downcast::<crate::types::method_descriptor::PyMethodDescriptor>)
        .map_or(std::ptr::null(), |descriptor| descriptor.definition())
}

/// The instance's attributes, with those in slots as a second dict.
pub(crate) fn default_state(thread: &mut Thread, this: Ref<'_>, required: bool) -> PyResult {
    let class = crate::class_of(this);
    if required && !std::ptr::eq(class.fields.layout, PyObject::LAYOUT) {
        return Err(cannot_pickle(this));
    }
    let own = crate::attributes::snapshot(thread, this)?;
    let state = if own.is_empty() {
        match find_attr(thread, this, name!("__dict__"))? {
            Some(dict)
                if !class.has(crate::class::TypeFlags::DICT) && dict.get().downcast::<PyDict>().is_some() =>
            {
                dict
            }
            _ => Value::NONE,
        }
    } else {
        let copy = dict::new(thread)?;
        for (name, value) in own {
            dict::set_item(thread, &copy, name.get(), value)?;
        }
        copy.into_value()
    };
    let names = slot_names(thread, class)?;
    let is_empty = names.get().downcast::<PyList>().is_some_and(|names| list::len(thread, names) == 0);
    if is_empty || names.get().is_none() {
        return Ok(state);
    }
    let slots = dict::new(thread)?;
    for name in protocol::collect(thread, names.get())? {
        let Some(name) = name.get().downcast::<PyStr>() else { continue };
        if let Some(value) = find_attr(thread, this, name)? {
            dict::set_item(thread, &slots, name.get(), value)?;
        }
    }
    if dict::len(thread, &slots) == 0 {
        return Ok(state);
    }
    Ok(tuple::new(thread, vec![state, slots.into_value()])?.into_value())
}

/// The names of a class's slots: what the class has noted, or `copyreg` finds out (and notes).
fn slot_names(thread: &mut Thread, class: &Obj<PyType>) -> PyResult {
    let noted = class.namespace(thread).get_str(thread, name!("__slotnames__"));
    if let Some(names) = noted
        && names.downcast::<PyList>().is_some()
    {
        return Ok(names.to_owned());
    }
    let copyreg = build::import_module(thread, "copyreg")?;
    let find = protocol::get_attr_str(thread, copyreg.get(), "_slotnames")?;
    protocol::call(thread, find.get(), &[class.get()])
}

/// Whether a name is that of a method of `object`'s own; for tests of overriding.
pub fn is_default(thread: &Thread, this: Ref<'_>, name: &Obj<PyStr>) -> bool {
    match (crate::class_of(this).lookup(thread, name), type_::object_class().lookup(thread, name)) {
        (Some(own), Some(default)) => own.is(default),
        _ => false,
    }
}
