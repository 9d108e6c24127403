//! What the slots of a class hold when its special methods are written in Python: functions that look the method up on the class
//! and call it, and check what it returns.

pub(crate) mod number;

use crate::args::Args;
use crate::buffer::{self, BufferView};
use crate::error::{PyErr, PyResult, overflow_error, type_error, value_error};
use crate::name;
use crate::protocol;
use crate::protocol::compare::CompareOp;
use crate::protocol::special::{self, Found, call_or_raise};
use crate::types::buffer_lender;
use crate::types::int::{self, IntRef};
use crate::types::memoryview::PyMemoryView;
use crate::types::memoryview::ViewExt;
use crate::types::object;
use crate::types::r#type::{PyType, TypeExt};
use crate::types::wrapper_descriptor::PyWrapperDescriptor;
use orochi_core::{Obj, Ref, Thread, Value};

/// Whether attribute lookup of this class is `object`'s own.
fn has_plain_getattribute(thread: &Thread, class: &Obj<PyType>) -> bool {
    match class.lookup(thread, name!("__getattribute__")).and_then(Ref::downcast::<PyWrapperDescriptor>) {
        Some(wrapper) => object::is_own_getattr(wrapper.function().address()),
        None => false,
    }
}

/// Whether attributes that are there are found as `object` does it, and `__getattr__` is asked for others.
pub(crate) fn has_only_getattr_hook(thread: &Thread, class: &Obj<PyType>) -> bool {
    class.slots.tp_getattro().is_some_and(|getattr| getattr as usize == GETATTR_HOOK as usize)
        && has_plain_getattribute(thread, class)
}

const GETATTR_HOOK: fn(&mut Thread, Ref<'_>, Ref<'_>) -> PyResult = getattr_hook;

/// Asks the function `__getattr__` of an object's class.
pub(crate) fn ask(thread: &mut Thread, this: Ref<'_>, attribute: Ref<'_>, function: Ref<'_>) -> PyResult {
    match protocol::call(thread, function, &[this, attribute]) {
        Ok(value) => Ok(value),
        Err(error) => Err(say_what_was_asked(thread, error, this, attribute)),
    }
}

/// `__getattribute__`, then `__getattr__` if that raises AttributeError.
pub(crate) fn getattr_hook(thread: &mut Thread, this: Ref<'_>, attribute: Ref<'_>) -> PyResult {
    let class = crate::class_of(this);
    let error = if has_plain_getattribute(thread, class) {
        let attribute = crate::str::expect_attribute_name(attribute)?;
        match object::find_attr(thread, this, attribute) {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => crate::error::attribute_error(this, attribute.get()),
            Err(error) => error,
        }
    } else {
        match call_or_raise(thread, this, name!("__getattribute__"), &[attribute]) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        }
    };
    if !error.matches(&crate::types::exception::AttributeError) {
        return Err(error);
    }
    match special::call(thread, this, name!("__getattr__"), &[attribute]) {
        Ok(value) => value.ok_or(error),
        Err(error) => Err(say_what_was_asked(thread, error, this, attribute)),
    }
}

/// An AttributeError that doesn't know what was asked of what is told, for the sake of suggestions.
#[cold]
fn say_what_was_asked(thread: &mut Thread, error: PyErr, object: Ref<'_>, attribute: Ref<'_>) -> PyErr {
    if !error.is_instance() || !error.matches(&crate::types::exception::AttributeError) {
        return error;
    }
    let value = error.into_value(thread);
    let told = (|| {
        let told = [("name", attribute), ("obj", object)];
        for (name, _) in told {
            if !protocol::get_attr_str(thread, value.get(), name)?.get().is_none() {
                return Ok(());
            }
        }
        for (name, what) in told {
            let name = crate::str::intern(thread, name)?;
            protocol::set_attr(thread, value.get(), name, Some(what))?;
        }
        Ok(())
    })();
    // A subclass may have made something else of these names.
    drop::<PyResult<()>>(told);
    PyErr::from_instance(value)
}

pub(crate) fn setattr(
    thread: &mut Thread,
    this: Ref<'_>,
    attribute: Ref<'_>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    match value {
        Some(value) => call_or_raise(thread, this, name!("__setattr__"), &[attribute, value])?,
        None => call_or_raise(thread, this, name!("__delattr__"), &[attribute])?,
    };
    Ok(())
}

pub(crate) fn repr(thread: &mut Thread, this: Ref<'_>) -> PyResult {
    match special::call_optional(thread, this, name!("__repr__"), &[])? {
        Some(text) => Ok(text),
        None => {
            let class = crate::class_of(this).name();
            crate::str::new(thread, &format!("<{class} object at {:#x}>", this.word()))
        }
    }
}

pub(crate) fn str(thread: &mut Thread, this: Ref<'_>) -> PyResult {
    match special::call_optional(thread, this, name!("__str__"), &[])? {
        Some(text) => Ok(text),
        None => repr(thread, this),
    }
}

pub(crate) fn hash(thread: &mut Thread, this: Ref<'_>) -> PyResult<i64> {
    let Found::Result(result) = special::call_unless_none(thread, this, name!("__hash__"), &[])? else {
        return Err(crate::protocol::unhashable(this));
    };
    let hash = match int::value(result.get()) {
        Some(value) => match value.to_i64() {
            Some(hash) => hash,
            // Too large for a hash: the hash of the int.
            None => {
                let exact = int::index(thread, result.get())?;
                crate::protocol::hash(thread, exact.get())?
            }
        },
        None => return Err(type_error("__hash__ method should return an integer")),
    };
    Ok(crate::hash::fold(hash as u64))
}

pub(crate) fn call(thread: &mut Thread, this: Ref<'_>, args: Args<'_>) -> PyResult {
    special::call_args(thread, this, name!("__call__"), args)?
        .ok_or_else(|| crate::error::attribute_error_message("__call__"))
}

pub(crate) fn richcompare(thread: &mut Thread, this: Ref<'_>, other: Ref<'_>, op: CompareOp) -> PyResult {
    let method = match op {
        CompareOp::Lt => name!("__lt__"),
        CompareOp::Le => name!("__le__"),
        CompareOp::Eq => name!("__eq__"),
        CompareOp::Ne => name!("__ne__"),
        CompareOp::Gt => name!("__gt__"),
        CompareOp::Ge => name!("__ge__"),
    };
    special::call_or_not_implemented(thread, this, method, &[other])
}

pub(crate) fn iter(thread: &mut Thread, this: Ref<'_>) -> PyResult {
    let not_iterable = || type_error(format!("'{}' object is not iterable", crate::class_of(this).name()));
    match special::call_unless_none(thread, this, name!("__iter__"), &[])? {
        Found::Result(iterator) => Ok(iterator),
        Found::Nothing if crate::class_of(this).lookup(thread, name!("__getitem__")).is_some() => {
            crate::types::sequence_iterator::new(thread, this.to_owned())
        }
        Found::Nothing | Found::IsNone => Err(not_iterable()),
    }
}

pub(crate) fn iternext(thread: &mut Thread, this: Ref<'_>) -> PyResult<Option<Value>> {
    call_or_raise(thread, this, name!("__next__"), &[]).map(Some)
}

pub(crate) fn descr_get(
    thread: &mut Thread,
    this: Ref<'_>,
    object: Option<Ref<'_>>,
    owner: Option<Ref<'_>>,
) -> PyResult {
    match crate::class_of(this).lookup(thread, name!("__get__")).map(Ref::to_owned) {
        Some(_) => {
            let args = [object.unwrap_or(Ref::NONE), owner.unwrap_or(Ref::NONE)];
            call_or_raise(thread, this, name!("__get__"), &args)
        }
        None => Ok(this.to_owned()),
    }
}

pub(crate) fn descr_set(
    thread: &mut Thread,
    this: Ref<'_>,
    object: Ref<'_>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    match value {
        Some(value) => call_or_raise(thread, this, name!("__set__"), &[object, value])?,
        None => call_or_raise(thread, this, name!("__delete__"), &[object])?,
    };
    Ok(())
}

pub(crate) fn init(thread: &mut Thread, this: Ref<'_>, args: Args<'_>) -> PyResult<()> {
    let Some(result) = special::call_args(thread, this, name!("__init__"), args)? else {
        return Err(crate::error::attribute_error_message("__init__"));
    };
    if result.get().is_none() {
        return Ok(());
    }
    let class = crate::class_of(result.get()).name();
    Err(type_error(format!("__init__() should return None, not '{class}'")))
}

/// `tp_new` of classes with a `__new__` written in Python.
pub(crate) fn new(thread: &mut Thread, class: &Obj<PyType>, args: Args<'_>) -> PyResult {
    let function = crate::protocol::get_attr(thread, class.get(), name!("__new__"))?;
    args.with_first(class.get(), |args| crate::protocol::call_args(thread, function.get(), args))
}

pub(crate) fn finalize(thread: &mut Thread, this: Ref<'_>) -> PyResult<()> {
    special::call(thread, this, name!("__del__"), &[])?;
    Ok(())
}

fn asynchronous(
    thread: &mut Thread,
    this: Ref<'_>,
    method: &'static Obj<crate::types::str::PyStr>,
) -> PyResult {
    match special::call(thread, this, method, &[])? {
        Some(result) => Ok(result),
        None => {
            let class = crate::class_of(this).name();
            Err(type_error(format!("object {class} does not have {method} method")))
        }
    }
}

pub(crate) fn await_(thread: &mut Thread, this: Ref<'_>) -> PyResult {
    asynchronous(thread, this, name!("__await__"))
}

pub(crate) fn aiter(thread: &mut Thread, this: Ref<'_>) -> PyResult {
    asynchronous(thread, this, name!("__aiter__"))
}

pub(crate) fn anext(thread: &mut Thread, this: Ref<'_>) -> PyResult {
    asynchronous(thread, this, name!("__anext__"))
}

pub(crate) fn length(thread: &mut Thread, this: Ref<'_>) -> PyResult<usize> {
    let result = call_or_raise(thread, this, name!("__len__"), &[])?;
    let index = int::index(thread, result.get())?;
    match int::value(index.get()) {
        Some(IntRef::Small(length)) if length >= 0 => Ok(usize::try_from(length).unwrap_or(usize::MAX)),
        Some(IntRef::Big(big)) if big.sign() != num_bigint::Sign::Minus => {
            let class = crate::class_of(result.get()).name();
            match IntRef::Big(big).to_i64() {
                Some(length) => Ok(usize::try_from(length).unwrap_or(usize::MAX)),
                None => Err(overflow_error(format!("cannot fit '{class}' into an index-sized integer"))),
            }
        }
        _ => Err(value_error("__len__() should return >= 0")),
    }
}

pub(crate) fn subscript(thread: &mut Thread, this: Ref<'_>, key: Ref<'_>) -> PyResult {
    call_or_raise(thread, this, name!("__getitem__"), &[key])
}

pub(crate) fn item(thread: &mut Thread, this: Ref<'_>, index: i64) -> PyResult {
    let index = int::new(thread, index)?;
    call_or_raise(thread, this, name!("__getitem__"), &[index.get()])
}

pub(crate) fn ass_subscript(
    thread: &mut Thread,
    this: Ref<'_>,
    key: Ref<'_>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    match value {
        Some(value) => call_or_raise(thread, this, name!("__setitem__"), &[key, value])?,
        None => call_or_raise(thread, this, name!("__delitem__"), &[key])?,
    };
    Ok(())
}

pub(crate) fn ass_item(
    thread: &mut Thread,
    this: Ref<'_>,
    index: i64,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    let index = int::new(thread, index)?;
    ass_subscript(thread, this, index.get(), value)
}

pub(crate) fn contains(thread: &mut Thread, this: Ref<'_>, item: Ref<'_>) -> PyResult<bool> {
    match special::call_unless_none(thread, this, name!("__contains__"), &[item])? {
        Found::Result(result) => crate::protocol::is_true(thread, result.get()),
        Found::Nothing => crate::protocol::contains_by_iteration(thread, this, item),
        Found::IsNone => {
            Err(type_error(format!("'{}' object is not a container", crate::class_of(this).name())))
        }
    }
}

/// A view on what `__buffer__` gives.
pub(crate) fn getbuffer(thread: &mut Thread, this: Ref<'_>, flags: u32) -> PyResult<BufferView> {
    let asked = int::new(thread, flags.into())?;
    let view = special::call_or_raise(thread, this, name!("__buffer__"), &[asked.get()])?;
    let Some(returned) = view.get().downcast::<PyMemoryView>() else {
        return Err(type_error("__buffer__ returned non-memoryview object"));
    };
    let of_itself = returned.memory_owner(thread).is_some_and(|owner| owner.get().is(this));
    let mut lent = buffer::view(thread, view.get(), flags)?;
    if !of_itself {
        buffer_lender::attach(thread, this, Some(view.get()), &mut lent)?;
    }
    Ok(lent)
}
