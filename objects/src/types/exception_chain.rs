//! The links of an exception: traceback, context and cause.

use crate::types::exception::PyBaseException;
use orochi_core::sync::Ordering;
use orochi_core::{Obj, Ref, Thread, Value};

/// `__context__`.
#[inline]
pub fn context_of(exception: Ref<'_>, thread: &Thread) -> Option<Value> {
    exception.downcast::<PyBaseException>()?.context.get(thread)
}

/// `__traceback__`.
#[inline]
pub fn traceback_of(exception: Ref<'_>, thread: &Thread) -> Option<Value> {
    exception.downcast::<PyBaseException>()?.traceback.get(thread)
}

/// Sets `__context__`.
#[inline]
pub fn set_context(exception: &Obj<PyBaseException>, thread: &mut Thread, context: Option<Value>) {
    drop(exception.context.swap(exception, thread, context));
}

/// Sets `__cause__`, which suppresses the context.
pub fn set_cause(exception: &Obj<PyBaseException>, thread: &mut Thread, cause: Option<Value>) {
    drop(exception.cause.swap(exception, thread, cause));
    exception.suppress_context.store(true, Ordering::Relaxed);
}

/// Sets `__traceback__`.
#[inline]
pub fn set_traceback(exception: &Obj<PyBaseException>, thread: &mut Thread, traceback: Option<Value>) {
    drop(exception.traceback.swap(exception, thread, traceback));
}
