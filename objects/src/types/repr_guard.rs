//! Showing containers that contain themselves: which objects this OS thread is showing right now.

use crate::error::{PyResult, recursion_error};
use orochi_core::word::Word;
use orochi_core::{Ref, Thread, Value};
use orochi_text::wtf8::Wtf8Buf;
use std::cell::RefCell;

thread_local! {
    static SHOWING: RefCell<Vec<Word>> = const { RefCell::new(Vec::new()) };
}

struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        SHOWING.with_borrow_mut(|showing| showing.pop());
    }
}

/// Runs `show`, unless the object is being shown already: then `None`. RecursionError if the native stack ends.
pub fn enter<T>(
    thread: &mut Thread,
    object: Ref<'_>,
    show: impl FnOnce(&mut Thread) -> PyResult<T>,
) -> PyResult<Option<T>> {
    if thread.native_stack_low() {
        return Err(recursion_error("maximum recursion depth exceeded while getting the repr of an object"));
    }
    let word = object.word();
    if SHOWING.with_borrow(|showing| showing.contains(&word)) {
        return Ok(None);
    }
    SHOWING.with_borrow_mut(|showing| showing.push(word));
    let _leave = Leave;
    show(thread).map(Some)
}

/// Appends `repr(object)`.
pub fn push_repr(thread: &mut Thread, text: &mut Wtf8Buf, object: Ref<'_>) -> PyResult<()> {
    let shown = crate::protocol::repr(thread, object)?;
    if let Some(shown) = shown.get().downcast::<crate::types::str::PyStr>() {
        text.push_wtf8(shown.as_wtf8());
    }
    Ok(())
}

/// The text as a str.
pub fn finish(thread: &Thread, text: &Wtf8Buf) -> PyResult<Value> {
    crate::str::from_wtf8(thread, text)
}
