//! Iterators that aren't tied to one container: `enumerate`, `zip`, `map`, `filter`, `reversed`; and what iterators have
//! in common.

pub mod enumerate;
pub mod filter;
pub mod map;
pub mod reversed;
pub mod zip;

use crate::class::exactly;
use crate::error::PyResult;
use crate::types::dict_::DictItemIterator;
use crate::types::exception::StopIteration;
use crate::types::generator::PyGenerator;
use crate::types::list_::ListIterator;
use crate::types::range_iterator::RangeIterator;
use crate::types::tuple_::TupleIterator;
use crate::types::{int, tuple};
use orochi_core::word::Word;
use orochi_core::{Ref, Thread, Value};

/// The next item, as [`crate::protocol::next`]; iterators over lists, tuples and ranges are asked directly.
#[inline]
pub fn next_item(thread: &mut Thread, iterator: Ref<'_>) -> PyResult<Option<Value>> {
    if let Some(list) = exactly::<ListIterator>(iterator) {
        return Ok(ListIterator::advance(list, thread, |element| element.to_owned()));
    }
    if let Some(tuple) = exactly::<TupleIterator>(iterator) {
        return Ok(TupleIterator::advance(tuple, thread, |element| element.to_owned()));
    }
    if let Some(range) = exactly::<RangeIterator>(iterator) {
        return range.advance().map(|number| int::new(thread, number)).transpose();
    }
    if let Some(generator) = exactly::<PyGenerator>(iterator) {
        return match crate::interpreter::next(thread, generator) {
            // What it returned is of no use here.
            Err(error) if error.matches(&StopIteration) => Ok(None),
            next => next,
        };
    }
    crate::protocol::next(thread, iterator)
}

/// The next two values of an iterator that gives pairs, as words for registers, without the tuple; `None` for other iterators.
#[inline]
pub fn next_pair(thread: &mut Thread, iterator: Ref<'_>) -> Option<PyResult<Option<[Word; 2]>>> {
    if let Some(items) = exactly::<DictItemIterator>(iterator) {
        return Some(DictItemIterator::advance(items, thread));
    }
    let pair = match exactly::<enumerate::PyEnumerate>(iterator) {
        Some(numbered) => enumerate::PyEnumerate::advance(numbered, thread),
        None => zip::PyZip::advance(exactly::<zip::PyZip>(iterator)?, thread)?,
    };
    Some(pair.map(|pair| pair.map(|pair| pair.map(Value::into_word))))
}

/// What `__reduce__` of an iterator gives: `(builtins.<function>, args)` or `(builtins.<function>, args, state)`.
///
/// Finding the function may run Python code that moves the iterator on, so `parts` is asked for afterwards.
pub fn reduced(
    thread: &mut Thread,
    function: &str,
    parts: impl FnOnce(&mut Thread) -> PyResult<(Vec<Value>, Option<i64>)>,
) -> PyResult {
    let function = crate::types::builtin(thread, function)?;
    let (args, state) = parts(thread)?;
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
