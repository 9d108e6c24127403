//! Special methods: looked up on the class, never on the instance, and called without making a bound method.

use crate::args::Args;
use crate::class::TypeFlags;
use crate::error::PyResult;
use crate::types::str::PyStr;
use crate::types::r#type::TypeExt;
use orochi_core::{Obj, Ref, Thread, Value};

/// A special method that was found.
pub struct Special {
    /// What is called.
    pub function: Value,
    /// Whether it takes the instance as first argument.
    pub takes_self: bool,
}

/// Finds a special method on the class of `this`; `None` if there is none. Errors are those of a descriptor's `__get__`.
#[inline]
pub fn lookup(thread: &mut Thread, this: Ref<'_>, name: &Obj<PyStr>) -> PyResult<Option<Special>> {
    let class = crate::class_of(this);
    let Some(found) = class.lookup(thread, name).map(Ref::to_owned) else { return Ok(None) };
    let found_class = crate::class_of(found.get());
    if found_class.has(TypeFlags::METHOD_DESCRIPTOR) {
        return Ok(Some(Special { function: found, takes_self: true }));
    }
    let function = match found_class.slots.tp_descr_get() {
        Some(get) => get(thread, found.get(), Some(this), Some(class.get()))?,
        None => found,
    };
    Ok(Some(Special { function, takes_self: false }))
}

impl Special {
    /// Calls the method with up to three arguments.
    #[inline]
    pub fn call(&self, thread: &mut Thread, this: Ref<'_>, args: &[Ref<'_>]) -> PyResult {
        if !self.takes_self {
            return super::call(thread, self.function.get(), args);
        }
        match *args {
            [] => super::call(thread, self.function.get(), &[this]),
            [a] => super::call(thread, self.function.get(), &[this, a]),
            [a, b] => super::call(thread, self.function.get(), &[this, a, b]),
            _ => {
                let all: Vec<Ref<'_>> = std::iter::once(this).chain(args.iter().copied()).collect();
                super::call(thread, self.function.get(), &all)
            }
        }
    }

    /// Calls the method with arguments as they came.
    pub fn call_args(&self, thread: &mut Thread, this: Ref<'_>, args: Args<'_>) -> PyResult {
        if !self.takes_self {
            return super::call_args(thread, self.function.get(), args);
        }
        let all = args.prepend(this);
        super::call_args(thread, self.function.get(), Args::with_names(&all, args.names()))
    }
}

/// Calls a special method; `None` if the class hasn't got it.
#[inline]
pub fn call(
    thread: &mut Thread,
    this: Ref<'_>,
    name: &Obj<PyStr>,
    args: &[Ref<'_>],
) -> PyResult<Option<Value>> {
    match lookup(thread, this, name)? {
        Some(method) => method.call(thread, this, args).map(Some),
        None => Ok(None),
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
    Ok(call(thread, this, name, args)?.unwrap_or(Value::NOT_IMPLEMENTED))
}
