//! `isinstance` and `issubclass`.

use crate::class::exactly;
use crate::error::{PyResult, recursion_error, type_error};
use crate::name;
use crate::protocol::{find_attr, is_true, special};
use crate::types::tuple::PyTuple;
use crate::types::r#type::{PyType, TypeExt};
use crate::types::type_::is_plain_class;
use crate::types::union::PyUnion;
use orochi_core::{Ref, Thread, Value};

/// `isinstance(object, class)`: `class` may be a class, a union or a (nested) tuple of such.
pub fn is_instance(thread: &mut Thread, object: Ref<'_>, class: Ref<'_>) -> PyResult<bool> {
    if crate::class_of(object).get().is(class) {
        return Ok(true);
    }
    if is_plain_class(class) {
        return is_real_instance(thread, object, class);
    }
    check(thread, object, class, name!("__instancecheck__"), "isinstance", &is_real_instance)
}

/// [`is_instance`] if no Python code is needed to tell.
pub fn is_known_instance(thread: &Thread, object: Ref<'_>, class: Ref<'_>) -> Option<bool> {
    let own = crate::class_of(object);
    if own.get().is(class) {
        return Some(true);
    }
    if is_plain_class(class) {
        let class = class.downcast::<PyType>()?;
        let is_all = || {
            crate::types::object::has_generic_getattr(own) && !crate::types::object::claims_class(thread, own)
        };
        return if own.is_subtype_of(class) { Some(true) } else { is_all().then_some(false) };
    }
    let classes = exactly::<PyTuple>(class)?;
    for class in classes.items() {
        // Not of tuples in tuples: how deep they go must be watched.
        if exactly::<PyTuple>(class).is_some() {
            return None;
        }
        if is_known_instance(thread, object, class)? {
            return Some(true);
        }
    }
    Some(false)
}

/// `issubclass(class, base)`.
pub fn is_subclass(thread: &mut Thread, class: Ref<'_>, base: Ref<'_>) -> PyResult<bool> {
    if is_plain_class(base) {
        return class.is(base).then_some(true).map_or_else(|| is_real_subclass(thread, class, base), Ok);
    }
    check(thread, class, base, name!("__subclasscheck__"), "issubclass", &is_real_subclass)
}

type Real = dyn Fn(&mut Thread, Ref<'_>, Ref<'_>) -> PyResult<bool>;

fn check(
    thread: &mut Thread,
    object: Ref<'_>,
    class: Ref<'_>,
    method: &'static orochi_core::Obj<crate::types::str::PyStr>,
    function: &str,
    real: &Real,
) -> PyResult<bool> {
    if thread.native_stack_low() {
        let what = method.as_wtf8().to_string_lossy();
        return Err(recursion_error(format!("maximum recursion depth exceeded in {what}")));
    }
    let items = match class.downcast::<PyUnion>() {
        Some(union) => Some(union.args()),
        None => class.downcast::<PyTuple>(),
    };
    if let Some(items) = items {
        for item in items.items() {
            let found = match function {
                "isinstance" => is_instance(thread, object, item)?,
                _ => is_subclass(thread, object, item)?,
            };
            if found {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    match special::call(thread, class, method, &[object])? {
        Some(result) => is_true(thread, result.get()),
        None => real(thread, object, class),
    }
}

/// What `type.__instancecheck__` answers: the object's class, or what it claims as `__class__`, derives from `class`.
pub fn is_real_instance(thread: &mut Thread, object: Ref<'_>, class: Ref<'_>) -> PyResult<bool> {
    let own = crate::class_of(object);
    if let Some(class) = class.downcast::<PyType>() {
        if own.is_subtype_of(class) {
            return Ok(true);
        }
        if crate::types::object::has_generic_getattr(own) && !crate::types::object::claims_class(thread, own)
        {
            return Ok(false);
        }
        let claimed = find_attr(thread, object, name!("__class__"))?;
        return Ok(claimed.is_some_and(|claimed| {
            !claimed.get().is(own.get())
                && claimed.get().downcast::<PyType>().is_some_and(|claimed| claimed.is_subtype_of(class))
        }));
    }
    check_class(thread, class, "isinstance() arg 2 must be a type, a tuple of types, or a union")?;
    match find_attr(thread, object, name!("__class__"))? {
        Some(claimed) => abstract_is_subclass(thread, claimed, class),
        None => Ok(false),
    }
}

/// What `type.__subclasscheck__` answers.
pub fn is_real_subclass(thread: &mut Thread, class: Ref<'_>, base: Ref<'_>) -> PyResult<bool> {
    if let (Some(class), Some(base)) = (class.downcast::<PyType>(), base.downcast::<PyType>()) {
        return Ok(class.is_subtype_of(base));
    }
    check_class(thread, class, "issubclass() arg 1 must be a class")?;
    check_class(thread, base, "issubclass() arg 2 must be a class, a tuple of classes, or a union")?;
    abstract_is_subclass(thread, class.to_owned(), base)
}

/// `__bases__`, if it is a tuple.
fn abstract_bases(thread: &mut Thread, class: Ref<'_>) -> PyResult<Option<Value>> {
    let bases = find_attr(thread, class, name!("__bases__"))?;
    Ok(bases.filter(|bases| bases.get().downcast::<PyTuple>().is_some()))
}

fn check_class(thread: &mut Thread, class: Ref<'_>, message: &'static str) -> PyResult<()> {
    match abstract_bases(thread, class)? {
        Some(_) => Ok(()),
        None => Err(type_error(message)),
    }
}

fn abstract_is_subclass(thread: &mut Thread, class: Value, base: Ref<'_>) -> PyResult<bool> {
    let mut class = class;
    loop {
        if class.get().is(base) {
            return Ok(true);
        }
        if thread.native_stack_low() {
            return Err(recursion_error("maximum recursion depth exceeded in __issubclass__"));
        }
        let Some(bases) = abstract_bases(thread, class.get())? else { return Ok(false) };
        let Some(bases) = bases.get().downcast::<PyTuple>() else { return Ok(false) };
        // One base: go on without recursion.
        if let (1, Some(only)) = (bases.len(), bases.item(0)) {
            class = only.to_owned();
            continue;
        }
        for item in bases.items() {
            if abstract_is_subclass(thread, item.to_owned(), base)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
}
