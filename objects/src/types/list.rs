//! `list`: the object, and the operations on it that other native code uses.
//!
//! The memory is in `storage/list.rs`; methods are in `list_/`.

use crate::class::{PyClass, exactly};
use crate::error::{PyResult, memory_error};
use crate::protocol;
use crate::storage::list::{ListStorage, Stride};
use crate::types::generator::is_plain_generator;
use crate::types::list_::{ITERATION, METHODS, OPERATORS};
use crate::types::range::PyRange;
use crate::types::tuple::PyTuple;
use crate::types::r#type::PyType;
use crate::types::{items, iterators};
use orochi_core::word::Word;
use orochi_core::{Obj, Owned, Owner, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Built-in mutable sequence.
///
/// If no argument is given, the constructor creates a new empty list.
/// The argument must be an iterable if specified.
#[pyclass(
    name = "list",
    subclassable,
    sequence,
    quick(crate::types::list_::methods::quick_call),
    flags(LIST_SUBCLASS, MATCH_SELF),
    generic
)]
#[derive(Trace)]
pub struct PyList {
    storage: ListStorage,
}

#[pymethods(parts(METHODS, OPERATORS, ITERATION))]
impl PyList {}

impl PyList {
    /// The memory.
    #[inline(always)]
    pub fn storage(&self) -> &ListStorage {
        &self.storage
    }
}

/// A new list of these values.
#[inline]
pub fn new(thread: &Thread, values: Vec<Value>) -> PyResult<Owned<PyList>> {
    subclass_object(thread, PyList::static_type().get(), ListStorage::from_values(values)?)
}

/// A new list of `len` values that are made one by one.
#[inline]
pub fn build(thread: &Thread, len: usize, make: impl FnMut(usize) -> Value) -> PyResult<Owned<PyList>> {
    subclass_object(thread, PyList::static_type().get(), ListStorage::build(len, make)?)
}

/// A new list with the elements of a slice of another.
#[inline]
pub fn part(
    thread: &Thread,
    list: &Obj<PyList>,
    range: impl FnOnce(usize) -> (Stride, bool),
) -> PyResult<Owned<PyList>> {
    let storage = list.storage.duplicate(Owner::from(list), thread, range)?;
    subclass_object(thread, PyList::static_type().get(), storage)
}

/// A new empty list with room for `capacity` elements.
#[inline]
pub fn with_capacity(thread: &Thread, capacity: usize) -> PyResult<Owned<PyList>> {
    subclass_object(thread, PyList::static_type().get(), ListStorage::with_capacity(capacity)?)
}

/// A new instance of `list` or a subclass.
#[inline]
pub fn subclass_object(
    thread: &Thread,
    class: &Obj<PyType>,
    storage: ListStorage,
) -> PyResult<Owned<PyList>> {
    crate::alloc(thread, class, PyList { storage })
}

/// Appends an element. MemoryError.
#[inline]
pub fn push(thread: &Thread, list: &Obj<PyList>, value: Value) -> PyResult<()> {
    list.storage.push(Owner::from(list), thread, value).map_err(|_| memory_error())
}

/// Takes the first element out that is this very object, if there is one. MemoryError.
pub fn remove_object(thread: &mut Thread, list: &Obj<PyList>, object: Ref<'_>) -> PyResult<()> {
    let removed = list.storage.remove_identical(Owner::from(list), thread, 0, object.word());
    removed.map(drop).map_err(|_| memory_error())
}

/// The number of elements.
#[inline(always)]
pub fn len(thread: &Thread, list: &Obj<PyList>) -> usize {
    list.storage.len(thread)
}

/// The element at an index.
#[inline(always)]
pub fn get<'a>(thread: &'a Thread, list: &'a Obj<PyList>, index: usize) -> Option<Ref<'a>> {
    list.storage.get(thread, index)
}

/// An owned copy of the element at an index.
#[inline]
pub fn item(thread: &Thread, list: &Obj<PyList>, index: usize) -> Option<Value> {
    list.storage.get(thread, index).map(Ref::to_owned)
}

/// The element at an index for a register; UNBOUND if there is none.
#[inline(always)]
pub fn load_register(thread: &Thread, list: &Obj<PyList>, index: usize) -> Word {
    list.storage.load_register(thread, index)
}

/// Owned copies of all elements, of one moment.
#[inline]
pub fn values(thread: &Thread, list: &Obj<PyList>) -> PyResult<Vec<Value>> {
    Ok(list.storage.to_vec(Owner::from(list), thread)?)
}

/// The items of any iterable; those of built-in containers without iterating.
pub fn to_values(thread: &mut Thread, iterable: Ref<'_>) -> PyResult<Vec<Value>> {
    protocol::collect(thread, iterable)
}

/// Appends the items of any iterable, one by one.
pub fn extend(thread: &mut Thread, list: &Obj<PyList>, iterable: Ref<'_>) -> PyResult<()> {
    let owner = Owner::from(list);
    if !owner.is_shared() {
        if let Some(other) = exactly::<PyList>(iterable) {
            return Ok(list.storage.append_copies(owner, thread, &other.storage, Owner::from(other))?);
        }
        if let Some(tuple) = exactly::<PyTuple>(iterable) {
            let item = |i| tuple.item(i).map_or(Value::NONE, Ref::to_owned);
            return Ok(list.storage.append_local(owner, thread, tuple.len(), item)?);
        }
    }
    if !owner.is_shared()
        && let Some((start, step, length)) = exactly::<PyRange>(iterable).and_then(|range| range.small())
    {
        let number = |i| Value::small_int(start + step * i as i64).unwrap_or(Value::NONE);
        return Ok(list.storage.append_local(owner, thread, length, number)?);
    }
    if let Some(values) = items::of(thread, iterable) {
        return Ok(list.storage.extend(owner, thread, values?)?);
    }
    let iterator = protocol::iter(thread, iterable)?;
    // A list grows fast enough without the hint, but programs see that they are asked, and what they raise.
    if crate::class_of(iterable).native().is_none() {
        protocol::length_hint(thread, iterable, 0)?;
    }
    if is_plain_generator(iterator.get()) {
        return extend_from_generator(thread, list, iterator.get());
    }
    while let Some(item) = iterators::next_item(thread, iterator.get())? {
        push(thread, list, item)?;
    }
    Ok(())
}

fn extend_from_generator(thread: &mut Thread, list: &Obj<PyList>, generator: Ref<'_>) -> PyResult<()> {
    let take = |_: &mut (), _: &mut Thread, item| match list.storage.local_room(Owner::from(list)) {
        Some(room) => {
            // SAFETY: the list hasn't changed since the room was found.
            unsafe { room.fill(item) };
            None
        }
        None => Some(item),
    };
    let push = |_: &mut (), thread: &mut Thread, item| push(thread, list, item).map(|()| true);
    protocol::iterate_taking(thread, generator, &mut (), take, push)
}
