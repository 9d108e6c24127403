//! The operators of `list`: subscripts, slices, concatenation, repetition, comparison.

use super::methods::repeated;
use crate::class::{PyClass, exactly};
use crate::error::{PyResult, index_error, memory_error, type_error, value_error};
use crate::protocol::{self, CompareOp};
use crate::storage::list::{AssignError, Stride};
use crate::types::int;
use crate::types::list::{self, PyList};
use crate::types::repr_guard;
use crate::types::slice::{self, Bounds, PySlice};
use orochi_core::{Obj, Owner, Ref, Thread, Value};
use orochi_macros::pymethods;
use orochi_text::wtf8::Wtf8Buf;

#[pymethods(part = OPERATORS)]
impl PyList {
    #[slot]
    fn sq_length(thread: &mut Thread, this: &Obj<Self>) -> usize {
        list::len(thread, this)
    }

    #[slot]
    fn sq_item(thread: &mut Thread, this: &Obj<Self>, index: i64) -> PyResult {
        let found = usize::try_from(index).ok().and_then(|index| list::item(thread, this, index));
        found.ok_or_else(|| index_error("list index out of range"))
    }

    #[slot]
    fn sq_ass_item(
        thread: &mut Thread,
        this: &Obj<Self>,
        index: i64,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        set_at(thread, this, |_| usize::try_from(index).ok(), value)
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        if let Some(index) = key.as_small_int() {
            let found = this.storage().get_signed(thread, index).map(Ref::to_owned);
            return found.ok_or_else(|| index_error("list index out of range"));
        }
        if let Some(slice) = key.downcast::<PySlice>() {
            let bounds = slice.unpack(thread)?;
            return self::slice(thread, this, bounds);
        }
        let index = subscript_index(thread, key)?;
        let found = this.storage().get_signed(thread, index).map(Ref::to_owned);
        found.ok_or_else(|| index_error("list index out of range"))
    }

    #[slot]
    fn mp_ass_subscript(
        thread: &mut Thread,
        this: &Obj<Self>,
        key: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        if let Some(slice) = key.downcast::<PySlice>() {
            let bounds = slice.unpack(thread)?;
            return match value {
                Some(value) => assign_slice(thread, this, bounds, value),
                None => delete_slice(thread, this, bounds),
            };
        }
        let index = subscript_index(thread, key)?;
        set_at(thread, this, |len| slice::position(index, len), value)
    }

    #[slot]
    fn mp_length(thread: &mut Thread, this: &Obj<Self>) -> usize {
        list::len(thread, this)
    }

    #[slot]
    fn sq_contains(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<bool> {
        let mut index = 0;
        while let Some(item) = list::item(thread, this, index) {
            if protocol::eq(thread, item.get(), value)? {
                return Ok(true);
            }
            index += 1;
        }
        Ok(false)
    }

    #[slot]
    fn sq_concat(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult {
        let Some(other) = other.downcast::<PyList>() else {
            let class = crate::class_of(other).name();
            return Err(type_error(format!("can only concatenate list (not \"{class}\") to list")));
        };
        let sum = list::len(thread, this).saturating_add(list::len(thread, other));
        let made = list::with_capacity(thread, sum)?;
        let owner = Owner::from(&*made);
        made.storage().append_copies(owner, thread, this.storage(), Owner::from(this))?;
        made.storage().append_copies(owner, thread, other.storage(), Owner::from(other))?;
        Ok(made.into_value())
    }

    #[slot]
    fn sq_inplace_concat(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult {
        list::extend(thread, this, other)?;
        Ok(this.to_value())
    }

    #[slot]
    fn sq_repeat(thread: &mut Thread, this: &Obj<Self>, count: i64) -> PyResult {
        let count = usize::try_from(count).unwrap_or(0);
        let storage = this.storage().repeated(Owner::from(this), thread, count)?;
        Ok(list::subclass_object(thread, PyList::static_type().get(), storage)?.into_value())
    }

    #[slot]
    fn sq_inplace_repeat(thread: &mut Thread, this: &Obj<Self>, count: i64) -> PyResult {
        let values = list::values(thread, this)?;
        let all = repeated(&values, count).ok_or_else(memory_error)?;
        this.storage().replace_all(Owner::from(this), thread, all)?;
        Ok(this.to_value())
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(left), Some(right)) = (left.downcast::<PyList>(), right.downcast::<PyList>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        if thread.native_stack_low() {
            return Err(crate::error::recursion_error("maximum recursion depth exceeded in comparison"));
        }
        if list::len(thread, left) != list::len(thread, right) {
            match op {
                CompareOp::Eq => return Ok(Value::FALSE),
                CompareOp::Ne => return Ok(Value::TRUE),
                _ => {}
            }
        }
        let mut index = 0;
        while let (Some(a), Some(b)) = (list::item(thread, left, index), list::item(thread, right, index)) {
            if !protocol::eq(thread, a.get(), b.get())? {
                if index >= list::len(thread, left).min(list::len(thread, right)) {
                    // The comparison has shortened a list: lengths decide.
                    break;
                }
                return match op {
                    CompareOp::Eq => Ok(Value::FALSE),
                    CompareOp::Ne => Ok(Value::TRUE),
                    _ => protocol::rich_compare(thread, a.get(), b.get(), op),
                };
            }
            index += 1;
        }
        let order = list::len(thread, left).cmp(&list::len(thread, right));
        Ok(Value::bool(op.holds(order)))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let shown = repr_guard::enter(thread, this.get(), |thread| {
            let mut text = Wtf8Buf::from("[");
            let mut index = 0;
            while let Some(item) = list::item(thread, this, index) {
                if index > 0 {
                    text.push_str(", ");
                }
                repr_guard::push_repr(thread, &mut text, item.get())?;
                index += 1;
            }
            text.push_str("]");
            repr_guard::finish(thread, &text)
        })?;
        shown.map_or_else(|| crate::str::new(thread, "[...]"), Ok)
    }
}

/// The index that a subscript stands for; IndexError if it is too large for one.
fn subscript_index(thread: &mut Thread, key: Ref<'_>) -> PyResult<i64> {
    if let Some(index) = key.as_small_int() {
        return Ok(index);
    }
    if !int::is_int(key) && crate::class_of(key).slots.nb_index().is_none() {
        let class = crate::class_of(key).name();
        return Err(type_error(format!("list indices must be integers or slices, not {class}")));
    }
    let index = int::index(thread, key)?;
    int::value(index.get()).and_then(int::IntRef::to_i64).ok_or_else(|| {
        index_error(format!("cannot fit '{}' into an index-sized integer", crate::class_of(key).name()))
    })
}

/// Replaces or deletes the element at the index that `at` computes from the length the list has then.
fn set_at(
    thread: &mut Thread,
    list: &Obj<PyList>,
    at: impl FnOnce(usize) -> Option<usize>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    let storage = list.storage();
    let is_done = match value {
        Some(value) => storage.set_where(Owner::from(list), thread, at, value.to_owned()).is_ok(),
        None => storage.remove(Owner::from(list), thread, at)?.is_some(),
    };
    if is_done { Ok(()) } else { Err(index_error("list assignment index out of range")) }
}

/// `list[start:stop:step]`.
pub(crate) fn slice(thread: &Thread, list: &Obj<PyList>, bounds: Bounds) -> PyResult {
    Ok(list::part(thread, list, |len| bounds.span(len).stride())?.into_value())
}

/// `list[start:stop:step] = value`.
pub(crate) fn assign_slice(
    thread: &mut Thread,
    list: &Obj<PyList>,
    bounds: Bounds,
    value: Ref<'_>,
) -> PyResult<()> {
    if bounds.span(0).step == 1
        && let Some(other) = exactly::<PyList>(value)
    {
        let run = |len| contiguous(bounds, len);
        if list.storage().overwrite(Owner::from(list), thread, run, other.storage(), Owner::from(other)) {
            return Ok(());
        }
    }
    // Also right if the value is the list itself: this is a copy.
    let mut values = match list::to_values(thread, value) {
        Ok(values) => values,
        Err(error)
            if error.matches(&crate::types::exception::TypeError)
                && crate::class_of(value).slots.tp_iter().is_none() =>
        {
            return Err(type_error("must assign iterable to extended slice"));
        }
        Err(error) => return Err(error),
    };
    let owner = Owner::from(list);
    if bounds.span(usize::MAX >> 1).step == 1 {
        let old = list.storage().splice(owner, thread, |len| contiguous(bounds, len), values)?;
        drop(old);
        return Ok(());
    }
    if bounds.span(0).step < 0 {
        values.reverse();
    }
    let given = values.len();
    match list.storage().assign_stride(owner, thread, |len| bounds.span(len).stride().0, values) {
        Ok(_) => Ok(()),
        Err(AssignError::NoMemory) => Err(memory_error()),
        Err(AssignError::Length { expected }) => Err(value_error(format!(
            "attempt to assign sequence of size {given} to extended slice of size {expected}"
        ))),
    }
}

/// The run of elements of a slice with step 1.
fn contiguous(bounds: Bounds, len: usize) -> Stride {
    let span = bounds.span(len);
    Stride { low: span.start.min(len), step: 1, count: span.count }
}

fn delete_slice(thread: &mut Thread, list: &Obj<PyList>, bounds: Bounds) -> PyResult<()> {
    let old = list.storage().remove_stride(Owner::from(list), thread, |len| bounds.span(len).stride().0)?;
    drop(old);
    Ok(())
}
