//! Special methods: looked up on the class, never on the instance, and called without making a bound method.

use crate::args::Args;
use crate::class::TypeFlags;
use crate::error::PyResult;
use crate::types::exception::AttributeError;
use crate::types::str::PyStr;
use crate::types::r#type::TypeExt;
use orochi_core::{Obj, Ref, Thread, Value};

/// What came of a special method that may be None.
pub enum Found {
    /// The class hasn't got it.
    Nothing,
    /// It is None.
    IsNone,
    /// What it returned.
    Result(Value),
}

/// Runs `f` with a special method and whether that takes the instance as first argument; `None` if the class hasn't got it,
/// or, where the class may do without it (`OPTIONAL`), if binding it says so with AttributeError.
/// The method is held in a register: nothing is counted if it is shared.
#[inline]
fn with<const OPTIONAL: bool, R>(
    thread: &mut Thread,
    this: Ref<'_>,
    name: &Obj<PyStr>,
    f: impl FnOnce(&mut Thread, Ref<'_>, bool) -> PyResult<R>,
) -> PyResult<Option<R>> {
    let class = crate::class_of(this).get();
    let call = |thread: &mut Thread, found: Ref<'_>| {
        let found_class = crate::class_of(found);
        if found_class.has(TypeFlags::METHOD_DESCRIPTOR) {
            return f(thread, found, true).map(Some);
        }
        match found_class.slots.tp_descr_get() {
            Some(get) => match get(thread, found, Some(this), Some(class)) {
                Ok(bound) => f(thread, bound.get(), false).map(Some),
                Err(error) if OPTIONAL && error.matches(&AttributeError) => Ok(None),
                Err(error) => Err(error),
            },
            None => f(thread, found, false).map(Some),
        }
    };
    let called = thread.hold(crate::class_of(this), |class, thread| class.lookup(thread, name), call);
    called.unwrap_or(Ok(None))
}

/// Calls a special method; `None` if the class hasn't got it.
#[inline]
pub fn call(
    thread: &mut Thread,
    this: Ref<'_>,
    name: &Obj<PyStr>,
    args: &[Ref<'_>],
) -> PyResult<Option<Value>> {
    with::<false, _>(thread, this, name, |thread, method, takes_self| {
        call_found(thread, method, takes_self, this, args)
    })
}

/// [`call`] of a method that the class may do without: AttributeError when it is bound means that it isn't there.
#[inline]
pub fn call_optional(
    thread: &mut Thread,
    this: Ref<'_>,
    name: &Obj<PyStr>,
    args: &[Ref<'_>],
) -> PyResult<Option<Value>> {
    with::<true, _>(thread, this, name, |thread, method, takes_self| {
        call_found(thread, method, takes_self, this, args)
    })
}

/// Calls a method of the object's class that nothing of the object's own hides, without binding it. `None` if finding it, or
/// calling it, takes more.
pub fn call_plain_method(
    thread: &mut Thread,
    this: Ref<'_>,
    name: &Obj<PyStr>,
    args: Args<'_>,
) -> PyResult<Option<Value>> {
    let class = crate::class_of(this);
    if !crate::types::object::has_generic_getattr(class) {
        return Ok(None);
    }
    let call = |thread: &mut Thread, found: Ref<'_>| {
        let is_method = crate::class_of(found).has(TypeFlags::METHOD_DESCRIPTOR);
        if !is_method || crate::attributes::get(thread, this, name)?.is_some() {
            return Ok(None);
        }
        args.with_first(this, |args| super::call_args(thread, found, args)).map(Some)
    };
    thread.hold(class, |class, thread| class.lookup(thread, name), call).unwrap_or(Ok(None))
}

/// [`call`] with arguments as they came.
pub fn call_args(
    thread: &mut Thread,
    this: Ref<'_>,
    name: &Obj<PyStr>,
    args: Args<'_>,
) -> PyResult<Option<Value>> {
    with::<false, _>(thread, this, name, |thread, method, takes_self| {
        if !takes_self {
            return super::call_args(thread, method, args);
        }
        args.with_first(this, |args| super::call_args(thread, method, args))
    })
}

/// [`call`] of a method that may be set to None, which says that the class does without it.
pub fn call_unless_none(
    thread: &mut Thread,
    this: Ref<'_>,
    name: &Obj<PyStr>,
    args: &[Ref<'_>],
) -> PyResult<Found> {
    let found = with::<true, _>(thread, this, name, |thread, method, takes_self| {
        if method.is_none() {
            return Ok(Found::IsNone);
        }
        call_found(thread, method, takes_self, this, args).map(Found::Result)
    })?;
    Ok(found.unwrap_or(Found::Nothing))
}

fn call_found(
    thread: &mut Thread,
    method: Ref<'_>,
    takes_self: bool,
    this: Ref<'_>,
    args: &[Ref<'_>],
) -> PyResult {
    if !takes_self {
        return super::call(thread, method, args);
    }
    match *args {
        [] => super::call(thread, method, &[this]),
        [a] => super::call(thread, method, &[this, a]),
        [a, b] => super::call(thread, method, &[this, a, b]),
        _ => {
            let all: Vec<Ref<'_>> = std::iter::once(this).chain(args.iter().copied()).collect();
            super::call(thread, method, &all)
        }
    }
}

/// Calls a special method; AttributeError naming it if the class hasn't got it.
#[inline]
pub fn call_or_raise(thread: &mut Thread, this: Ref<'_>, name: &Obj<PyStr>, args: &[Ref<'_>]) -> PyResult {
    match call(thread, this, name, args)? {
        Some(result) => Ok(result),
        None => Err(crate::error::attribute_error_message(name.as_wtf8().to_string_lossy().into_owned())),
    }
}

/// Calls a special method; NotImplemented if the class hasn't got it.
#[inline]
pub fn call_or_not_implemented(
    thread: &mut Thread,
    this: Ref<'_>,
    name: &Obj<PyStr>,
    args: &[Ref<'_>],
) -> PyResult {
    Ok(call_optional(thread, this, name, args)?.unwrap_or(Value::NOT_IMPLEMENTED))
}
