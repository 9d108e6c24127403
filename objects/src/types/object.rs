//! `object`: the root class, and the generic attribute protocol.

use crate::args::Args;
use crate::class::TypeFlags;
use crate::error::{PyErr, PyResult, attribute_error, type_error};
use crate::protocol::compare::CompareOp;
use crate::slots::SlotId;
use crate::types::object_::METHODS;
use crate::types::str::PyStr;
use crate::types::r#type::{PyType, TypeExt};
use crate::types::type_;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// object()
/// --
///
/// An instance without native payload.
#[pyclass(name = "object", subclassable)]
#[derive(Trace)]
pub struct PyObject {}

/// Whether this is the address of the attribute lookup of classes that don't change it.
pub(crate) fn is_own_getattr(address: usize) -> bool {
    address == type_::object_class().slots.raw(SlotId::tp_getattro)
}

/// Whether classes derived from this one have another `__class__` than `object`'s.
pub(crate) fn claims_class(thread: &Thread, class: &Obj<PyType>) -> bool {
    // Native classes with the attribute lookup of `object` don't.
    if class.native().is_some() && has_generic_getattr(class) {
        return false;
    }
    let name = crate::name!("__class__");
    let own = type_::object_class().lookup(thread, name);
    match (class.lookup(thread, name), own) {
        (Some(found), Some(own)) => !found.is(own),
        _ => true,
    }
}

/// The slot of `object`, for telling whether a class has its own.
#[inline]
pub(crate) fn is_objects(class: &Obj<PyType>, slot: SlotId) -> bool {
    class.slots.raw(slot) == type_::object_class().slots.raw(slot)
}

#[cold]
fn abstract_error(thread: &mut Thread, class: &Obj<PyType>) -> PyErr {
    let methods = match crate::protocol::get_attr(thread, class.get(), crate::name!("__abstractmethods__"))
        .and_then(|methods| crate::protocol::collect(thread, methods.get()))
    {
        Ok(methods) => methods,
        Err(error) => return error,
    };
    let mut names: Vec<String> = methods.iter().map(|method| crate::str::display(method.get())).collect();
    names.sort();
    let plural = if names.len() > 1 { "s" } else { "" };
    type_error(format!(
        "Can't instantiate abstract class {} without an implementation for abstract method{plural} '{}'",
        class.name(),
        names.join("', '")
    ))
}

/// A new instance of a class without native payload: no arguments are looked at.
#[inline]
pub fn allocate(thread: &mut Thread, class: &Obj<PyType>) -> PyResult {
    if class.has(TypeFlags::ABSTRACT) {
        return Err(abstract_error(thread, class));
    }
    Ok(crate::alloc(thread, class, PyObject {})?.into_value())
}

/// Whether calling the class is no more than [`allocate`] and the class's `__init__`.
#[inline]
pub fn is_plain(class: &Obj<PyType>) -> bool {
    is_objects(class, SlotId::tp_new) && !class.has(TypeFlags::ABSTRACT)
}

/// Whether `__init__` is `object`'s.
#[inline]
pub fn has_no_init(class: &Obj<PyType>) -> bool {
    is_objects(class, SlotId::tp_init)
}

/// Whether `__init__` is `object`'s and leaves all arguments to a `__new__` that isn't.
#[inline]
pub fn init_does_nothing(class: &Obj<PyType>) -> bool {
    is_objects(class, SlotId::tp_init) && !is_objects(class, SlotId::tp_new)
}

#[pymethods(parts(METHODS))]
impl PyObject {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        if !args.is_empty() || args.keyword_count() != 0 {
            if !is_objects(cls, SlotId::tp_new) {
                return Err(type_error(
                    "object.__new__() takes exactly one argument (the type to instantiate)",
                ));
            }
            if is_objects(cls, SlotId::tp_init) {
                return Err(type_error(format!("{}() takes no arguments", cls.name())));
            }
        }
        allocate(thread, cls)
    }

    #[slot]
    fn tp_init(_thread: &mut Thread, this: Ref<'_>, args: Args<'_>) -> PyResult<()> {
        if args.is_empty() && args.keyword_count() == 0 {
            return Ok(());
        }
        let class = crate::class_of(this);
        if !is_objects(class, SlotId::tp_init) {
            return Err(type_error(
                "object.__init__() takes exactly one argument (the instance to initialize)",
            ));
        }
        if is_objects(class, SlotId::tp_new) {
            return Err(type_error(format!(
                "{}.__init__() takes exactly one argument (the instance to initialize)",
                class.name()
            )));
        }
        Ok(())
    }

    #[slot]
    fn tp_getattro(thread: &mut Thread, this: Ref<'_>, name: Ref<'_>) -> PyResult {
        generic_get_attr(thread, this, crate::str::expect_attribute_name(name)?)
    }

    #[slot]
    fn tp_setattro(
        thread: &mut Thread,
        this: Ref<'_>,
        name: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        generic_set_attr(thread, this, crate::str::expect_attribute_name(name)?, value)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let class = crate::class_of(this);
        let module = type_::members::module(thread, class).unwrap_or(Value::NONE);
        let qualname = type_::members::qualname(thread, class)?;
        let qualname = crate::str::display(qualname.get());
        let text = match module.get().downcast::<PyStr>() {
            Some(module) if module.as_bytes() != b"builtins" => {
                format!("<{}.{qualname} object at {:#x}>", **module, this.word())
            }
            _ => format!("<{qualname} object at {:#x}>", this.word()),
        };
        crate::str::new(thread, &text)
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        crate::protocol::repr(thread, this)
    }

    #[slot]
    fn tp_hash(_thread: &mut Thread, this: Ref<'_>) -> PyResult<i64> {
        Ok(crate::hash::of_address(this))
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        match op {
            CompareOp::Eq if left.is(right) => Ok(Value::TRUE),
            CompareOp::Ne => {
                // By default `!=` is the opposite of what the class says about `==`.
                let Some(compare) = crate::class_of(left).slots.tp_richcompare() else {
                    return Ok(Value::NOT_IMPLEMENTED);
                };
                let equal = compare(thread, left, right, CompareOp::Eq)?;
                if equal.get().is(Ref::NOT_IMPLEMENTED) {
                    return Ok(equal);
                }
                Ok(Value::bool(!crate::protocol::is_true(thread, equal.get())?))
            }
            _ => Ok(Value::NOT_IMPLEMENTED),
        }
    }
}

/// Calls a descriptor's `__get__` for an instance.
pub fn bind(thread: &mut Thread, found: Ref<'_>, object: Ref<'_>) -> PyResult {
    match crate::class_of(found).slots.tp_descr_get() {
        Some(get) => get(thread, found, Some(object), Some(crate::class_of(object).get())),
        None => Ok(found.to_owned()),
    }
}

/// Whether instances' attributes are found as `object.__getattribute__` does it, and no other way.
#[inline]
pub fn has_generic_getattr(class: &Obj<PyType>) -> bool {
    is_objects(class, SlotId::tp_getattro)
}

/// Whether instances' attributes are found as `object.__getattribute__` does it, and `__getattr__` is asked for those that aren't there.
pub fn has_getattr_hook(thread: &Thread, class: &Obj<PyType>) -> bool {
    type_::generic::has_only_getattr_hook(thread, class)
}

/// Asks `function`, the `__getattr__` of the object's class, for an attribute that isn't there.
pub fn ask_getattr(thread: &mut Thread, object: Ref<'_>, name: Ref<'_>, function: Ref<'_>) -> PyResult {
    type_::generic::ask(thread, object, name, function)
}

/// Whether a class's attribute is `object`'s `__class__`, which gives the class of an object.
pub fn is_class_attribute(thread: &Thread, found: Ref<'_>) -> bool {
    type_::object_class().lookup(thread, crate::name!("__class__")).is_some_and(|own| own.is(found))
}

/// Attribute lookup as `object.__getattribute__` does it: data descriptors of the class, the instance's own attributes,
/// other attributes of the class. `None` if there is no such attribute.
pub fn find_attr(thread: &mut Thread, object: Ref<'_>, name: &Obj<PyStr>) -> PyResult<Option<Value>> {
    let in_class = |thread: &mut Thread, found: Ref<'_>| {
        let slots = &crate::class_of(found).slots;
        let comes_first = slots.tp_descr_set().is_some() && slots.tp_descr_get().is_some();
        if !comes_first && let Some(value) = crate::attributes::get(thread, object, name)? {
            return Ok(Some(value));
        }
        bind(thread, found, object).map(Some)
    };
    match thread.hold(crate::class_of(object), |class, thread| class.lookup(thread, name), in_class) {
        Some(result) => result,
        None => crate::attributes::get(thread, object, name),
    }
}

/// [`find_attr`], or AttributeError.
pub fn generic_get_attr(thread: &mut Thread, object: Ref<'_>, name: &Obj<PyStr>) -> PyResult {
    match find_attr(thread, object, name)? {
        Some(value) => Ok(value),
        None => Err(attribute_error(object, name.get())),
    }
}

/// Attribute assignment (or deletion) as `object.__setattr__` does it.
pub fn generic_set_attr(
    thread: &mut Thread,
    object: Ref<'_>,
    name: &Obj<PyStr>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    let found = crate::class_of(object).lookup(thread, name).map(Ref::to_owned);
    if let Some(found) = &found
        && let Some(set) = crate::class_of(found.get()).slots.tp_descr_set()
    {
        return set(thread, found.get(), object, value);
    }
    crate::attributes::set(thread, object, name, value, found.is_some())
}
