//! `AtomicInt`: an int that threads change without a lock.
//!
//! The slot always holds an exact int. Changes are exchanges of the reference against the one that was read: most ints lie in
//! their word, so that no memory is allocated; others of the same value may be other objects, so comparisons look at values.

use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::protocol::{self, CompareOp, compare::compare_bool, number::binary_slots};
use orochi_objects::types::int;
use orochi_objects::{AtomicField, Obj, PyResult, PyType, Ref, Thread, Value, alloc};

/// An integer that threads change without a lock: each method is one atomic operation.
#[pyclass(name = "AtomicInt", module = "orochi.concurrent", subclassable, weakref)]
#[derive(Trace)]
pub(super) struct AtomicInt {
    value: AtomicField,
}

impl AtomicInt {
    fn get(thread: &Thread, this: &Obj<Self>) -> Value {
        this.value.get(thread).unwrap_or(Value::NONE)
    }

    /// Replaces the number by what `next` makes of it; the number before and the one after. `None` from `next`: leave it.
    fn change(
        thread: &mut Thread,
        this: &Obj<Self>,
        mut next: impl FnMut(&mut Thread, Ref<'_>) -> PyResult<Option<Value>>,
    ) -> PyResult<Option<(Value, Value)>> {
        loop {
            let before = Self::get(thread, this);
            let Some(after) = next(thread, before.get())? else { return Ok(None) };
            if this.value.replace_if(this, thread, &before, after.clone()).is_ok() {
                return Ok(Some((before, after)));
            }
        }
    }

    /// Adds `sign` times `by`, which is 1 if it isn't given; the number before and the one after.
    fn add_to(
        thread: &mut Thread,
        this: &Obj<Self>,
        by: Option<Ref<'_>>,
        sign: i64,
    ) -> PyResult<(Value, Value)> {
        let by = match by {
            Some(by) => int::index(thread, by)?,
            None => int::new(thread, 1)?,
        };
        let changed = Self::change(thread, this, |thread, before| {
            if let (Some(a), Some(b)) = (before.as_small_int(), by.get().as_small_int())
                && let Some(sum) = b.checked_mul(sign).and_then(|b| a.checked_add(b))
            {
                return int::new(thread, sum).map(Some);
            }
            let sum = if sign < 0 {
                binary_slots(thread, before, by.get(), |slots| slots.nb_subtract())?
            } else {
                binary_slots(thread, before, by.get(), |slots| slots.nb_add())?
            };
            Ok(Some(sum))
        })?;
        Ok(changed.unwrap_or((Value::NONE, Value::NONE)))
    }
}

#[pymethods]
impl AtomicInt {
    #[new]
    #[signature(value = None, /)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, value: Option<Ref<'_>>) -> PyResult {
        let value = match value {
            Some(value) => int::index(thread, value)?,
            None => int::new(thread, 0)?,
        };
        Ok(alloc(thread, cls, AtomicInt { value: AtomicField::new_local(value) })?.into_value())
    }

    /// Return the number.
    fn load(thread: &mut Thread, this: &Obj<Self>) -> Value {
        Self::get(thread, this)
    }

    /// Set the number.
    #[signature(value, /)]
    fn store(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<()> {
        let value = int::index(thread, value)?;
        this.value.swap(this, thread, Some(value));
        Ok(())
    }

    /// Set the number; return the one before.
    #[signature(value, /)]
    fn swap(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult {
        let value = int::index(thread, value)?;
        Ok(this.value.swap(this, thread, Some(value)).unwrap_or(Value::NONE))
    }

    /// Set the number to new if it equals expected; return whether it did.
    #[signature(expected, new, /)]
    fn compare_exchange(
        thread: &mut Thread,
        this: &Obj<Self>,
        expected: Ref<'_>,
        new: Ref<'_>,
    ) -> PyResult<bool> {
        let (expected, new) = (int::index(thread, expected)?, int::index(thread, new)?);
        let changed = Self::change(thread, this, |thread, before| {
            Ok(protocol::compare::eq(thread, before, expected.get())?.then(|| new.clone()))
        })?;
        Ok(changed.is_some())
    }

    /// Add to the number; return the one before.
    #[signature(by = None, /)]
    fn fetch_add(thread: &mut Thread, this: &Obj<Self>, by: Option<Ref<'_>>) -> PyResult {
        Self::add_to(thread, this, by, 1).map(|(before, _)| before)
    }

    /// Add to the number; return the sum.
    #[signature(by = None, /)]
    fn add(thread: &mut Thread, this: &Obj<Self>, by: Option<Ref<'_>>) -> PyResult {
        Self::add_to(thread, this, by, 1).map(|(_, after)| after)
    }

    /// Subtract from the number; return the difference.
    #[signature(by = None, /)]
    fn sub(thread: &mut Thread, this: &Obj<Self>, by: Option<Ref<'_>>) -> PyResult {
        Self::add_to(thread, this, by, -1).map(|(_, after)| after)
    }

    /// Replace the number by function(number), called again if another thread was faster; return the new number.
    #[signature(function, /)]
    fn update(thread: &mut Thread, this: &Obj<Self>, function: Ref<'_>) -> PyResult {
        let changed = Self::change(thread, this, |thread, before| {
            let after = protocol::call(thread, function, &[before])?;
            int::index(thread, after.get()).map(Some)
        })?;
        Ok(changed.map_or(Value::NONE, |(_, after)| after))
    }

    /// Make the number at least value; return the one before.
    #[signature(value, /)]
    fn fetch_max(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult {
        Self::towards(thread, this, value, CompareOp::Lt)
    }

    /// Make the number at most value; return the one before.
    #[signature(value, /)]
    fn fetch_min(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult {
        Self::towards(thread, this, value, CompareOp::Gt)
    }

    #[slot]
    fn nb_int(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Ok(Self::get(thread, this))
    }

    #[slot]
    fn nb_index(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Ok(Self::get(thread, this))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let value = Self::get(thread, this);
        let text = protocol::repr(thread, value.get())?;
        let text = orochi_objects::str::display(text.get());
        orochi_objects::str::new(thread, &format!("AtomicInt({text})"))
    }
}

impl AtomicInt {
    /// Replaces the number by `value` if it is on the wrong side of it.
    fn towards(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>, op: CompareOp) -> PyResult {
        let value = int::index(thread, value)?;
        let mut before = Value::NONE;
        Self::change(thread, this, |thread, now| {
            before = now.to_owned();
            Ok(compare_bool(thread, now, value.get(), op)?.then(|| value.clone()))
        })?;
        Ok(before)
    }
}
