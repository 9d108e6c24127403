//! Iterators that aren't tied to one container: `enumerate`, `zip`, `map`, `filter`, `reversed`; and what iterators have
//! in common.

pub mod enumerate;
pub mod filter;
pub mod map;
pub mod reversed;
pub mod zip;

use crate::error::{PyResult, system_error};
use crate::thread::ThreadState;
use crate::types::dict::{DictExt, PyDict};
use crate::types::{int, tuple};
use orochi_core::{Ref, Thread, Value};

/// What `__reduce__` of an iterator gives: `(builtins.<function>, args)` or `(builtins.<function>, args, state)`.
pub fn reduced(thread: &mut Thread, function: &str, args: Vec<Value>, state: Option<i64>) -> PyResult {
    let builtins = ThreadState::builtins(thread)?;
    let name = crate::str::intern(thread, function)?;
    let function = builtins
        .get()
        .downcast::<PyDict>()
        .and_then(|builtins| builtins.get_str(thread, name))
        .map(Ref::to_owned)
        .ok_or_else(|| system_error("a builtin function is missing"))?;
    let mut parts = vec![function, tuple::new(thread, args)?.into_value()];
    if let Some(state) = state {
        parts.push(int::new(thread, state)?);
    }
    Ok(tuple::new(thread, parts)?.into_value())
}

/// `(type(self), args)` or `(type(self), args, state)`.
pub(crate) fn reduced_to_class(
    thread: &mut Thread,
    object: Ref<'_>,
    args: Vec<Value>,
    state: Option<Value>,
) -> PyResult {
    let mut parts = vec![crate::class_of(object).to_value(), tuple::new(thread, args)?.into_value()];
    parts.extend(state);
    Ok(tuple::new(thread, parts)?.into_value())
}
