//! What the clauses of `except*` come to.

use super::group::{self, Matcher, PyExceptionGroup, split};
use crate::error::PyResult;
use crate::types::exception::{BaseExceptionGroup, PyBaseException};
use crate::types::exception_chain;
use crate::types::r#type::TypeExt;
use orochi_core::{Ref, Thread, Value};

/// The group that an `except*` clause sees for an exception that isn't one.
pub fn wrap(thread: &mut Thread, exception: Ref<'_>) -> PyResult {
    let message = crate::str::new(thread, "")?;
    let only = crate::tuple::from_refs(thread, &[exception])?;
    let wrapped =
        crate::protocol::call(thread, BaseExceptionGroup.get().get(), &[message.get(), only.get()])?;
    if let (Some(inner), Some(outer)) =
        (exception.downcast::<PyBaseException>(), wrapped.get().downcast::<PyBaseException>())
    {
        let traceback = inner.traceback.get(thread);
        exception_chain::set_traceback(outer, thread, traceback);
    }
    Ok(wrapped)
}

/// Whether an exception raised in a clause is (a part of) the original one, raised again.
fn is_reraised(thread: &Thread, exception: &Value, original: &PyBaseException) -> bool {
    let Some(exception) = exception.get().downcast::<PyBaseException>() else { return false };
    let same = |a: Option<Value>, b: Option<Value>| match (a, b) {
        (Some(a), Some(b)) => a.get().is(b.get()),
        (None, None) => true,
        _ => false,
    };
    same(exception.traceback.get(thread), original.traceback.get(thread))
        && same(exception.cause.get(thread), original.cause.get(thread))
        && same(exception.context.get(thread), original.context.get(thread))
}

fn leaves(thread: &Thread, exception: &Value, all: &mut Vec<Value>) {
    match exception.get().downcast::<PyExceptionGroup>() {
        Some(group) => group.exceptions(thread).iter().for_each(|item| leaves(thread, item, all)),
        None => all.push(exception.clone()),
    }
}

/// What a `try` with `except*` clauses raises in the end: from the original exception and what the clauses raised and left
/// (None for nothing). None if there is nothing to raise.
pub fn prepare_reraise(thread: &mut Thread, original: Ref<'_>, raised: Vec<Value>) -> PyResult {
    let mut raised: Vec<Value> = raised.into_iter().filter(|item| !item.get().is_none()).collect();
    if raised.is_empty() {
        return Ok(Value::NONE);
    }
    if !crate::class_of(original).is_subtype_of(BaseExceptionGroup.get()) {
        // A lone exception was matched by one clause or by none: what is left is the only one.
        return Ok(raised.swap_remove(0));
    }
    let (Some(group), Some(plain)) =
        (original.downcast::<PyExceptionGroup>(), original.downcast::<PyBaseException>())
    else {
        return Ok(Value::NONE);
    };
    let (again, mut fresh): (Vec<Value>, Vec<Value>) =
        raised.into_iter().partition(|item| is_reraised(thread, item, plain));
    let reraised = match again.len() {
        0 => None,
        _ => {
            let mut kept = Vec::new();
            again.iter().for_each(|item| leaves(thread, item, &mut kept));
            split(thread, group.get(), &Matcher::Identity(&kept), false)?.0
        }
    };
    if fresh.is_empty() {
        return Ok(reraised.unwrap_or(Value::NONE));
    }
    fresh.extend(reraised);
    if let (1, Some(only)) = (fresh.len(), fresh.first()) {
        return Ok(only.clone());
    }
    group::new(thread, "", fresh)
}
