//! The iterators over ranges: one for words, one for numbers of any size.

use crate::error::PyResult;
use crate::types::int;
use crate::types::range;
use crate::types::tuple;
use num_bigint::BigInt;
use orochi_core::sync::{AtomicI64, Ordering};
use orochi_core::{AtomicField, Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// An iterator over a range of numbers that fit 64 bits.
///
/// Threads that share an iterator may be given the same number; nothing worse happens.
#[pyclass(name = "range_iterator", no_new)]
#[derive(Trace)]
pub struct RangeIterator {
    state: State,
    step: i64,
}

struct State {
    next: AtomicI64,
    remaining: AtomicI64,
}

// SAFETY: holds no fields.
unsafe impl orochi_core::Trace for State {
    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}

/// An iterator over a range of numbers of any size.
#[pyclass(name = "longrange_iterator", no_new)]
#[derive(Trace)]
pub struct LongRangeIterator {
    next: AtomicField,
    step: Field,
    remaining: AtomicField,
}

/// An iterator over `length` numbers from `start` on.
pub fn short(thread: &Thread, start: i64, step: i64, length: i64) -> PyResult {
    let state = State { next: AtomicI64::new(start), remaining: AtomicI64::new(length) };
    Ok(crate::make(thread, RangeIterator { state, step })?.into_value())
}

/// The same for numbers of any size.
pub fn long(thread: &Thread, start: BigInt, step: BigInt, length: BigInt) -> PyResult {
    let iterator = LongRangeIterator {
        next: AtomicField::new_local(int::from_big(thread, start)?),
        step: Field::new_local(int::from_big(thread, step)?),
        remaining: AtomicField::new_local(int::from_big(thread, length)?),
    };
    Ok(crate::make(thread, iterator)?.into_value())
}

impl RangeIterator {
    /// The next number, for the interpreter's loop too.
    #[inline(always)]
    pub fn advance(&self) -> Option<i64> {
        let remaining = self.state.remaining.load(Ordering::Relaxed);
        if remaining <= 0 {
            return None;
        }
        let next = self.state.next.load(Ordering::Relaxed);
        self.state.next.store(next.wrapping_add(self.step), Ordering::Relaxed);
        self.state.remaining.store(remaining - 1, Ordering::Relaxed);
        Some(next)
    }
}

/// `(iter, (range(next, stop, step),), None)`.
fn reduce(thread: &mut Thread, next: BigInt, step: BigInt, remaining: &BigInt) -> PyResult {
    let stop = &next + &step * remaining;
    let (next, stop, step) =
        (int::from_big(thread, next)?, int::from_big(thread, stop)?, int::from_big(thread, step)?);
    let range = range::new(thread, next, stop, step)?;
    let pair = super::iterators::reduced(thread, "iter", |_| Ok((vec![range], None)))?;
    let mut parts = crate::types::list::to_values(thread, pair.get())?;
    parts.push(Value::NONE);
    Ok(tuple::new(thread, parts)?.into_value())
}

#[pymethods]
impl RangeIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        this.advance().map(|number| int::new(thread, number)).transpose()
    }

    /// Private method returning an estimate of len(list(it)).
    #[name = "__length_hint__"]
    fn length_hint(this: &Obj<Self>) -> i64 {
        this.state.remaining.load(Ordering::Relaxed).max(0)
    }

    /// Return state information for pickling.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let next = this.state.next.load(Ordering::Relaxed);
        let remaining = this.state.remaining.load(Ordering::Relaxed);
        reduce(thread, next.into(), this.step.into(), &remaining.into())
    }

    /// Set state information for unpickling.
    #[name = "__setstate__"]
    fn set_state(this: &Obj<Self>, state: i64) {
        let remaining = this.state.remaining.load(Ordering::Relaxed);
        let skipped = state.clamp(0, remaining.max(0));
        let next = this.state.next.load(Ordering::Relaxed);
        this.state.next.store(next.wrapping_add(skipped.wrapping_mul(this.step)), Ordering::Relaxed);
        this.state.remaining.store(remaining - skipped, Ordering::Relaxed);
    }
}

fn number(value: Option<Value>) -> BigInt {
    let value = value.unwrap_or(Value::NONE);
    int::value(value.get()).map_or_else(BigInt::default, |value| value.to_big().into_owned())
}

#[pymethods]
impl LongRangeIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let remaining = number(this.remaining.get(thread));
        if remaining <= BigInt::ZERO {
            return Ok(None);
        }
        let current = this.next.get(thread);
        let next = number(current.clone()) + number(Some(this.step.fixed().to_owned()));
        let (next, remaining) = (int::from_big(thread, next)?, int::from_big(thread, remaining - 1u8)?);
        this.next.swap(this, thread, Some(next));
        this.remaining.swap(this, thread, Some(remaining));
        Ok(current)
    }

    /// Private method returning an estimate of len(list(it)).
    #[name = "__length_hint__"]
    fn length_hint(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.remaining.get(thread)
    }

    /// Return state information for pickling.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let step = number(Some(this.step.fixed().to_owned()));
        let (next, remaining) = (number(this.next.get(thread)), number(this.remaining.get(thread)));
        reduce(thread, next, step, &remaining)
    }

    /// Set state information for unpickling.
    #[name = "__setstate__"]
    fn set_state(thread: &mut Thread, this: &Obj<Self>, state: Ref<'_>) -> PyResult<()> {
        let state = int::index(thread, state)?;
        let remaining = number(this.remaining.get(thread));
        let skipped = number(Some(state)).clamp(BigInt::ZERO, remaining.clone());
        let step = number(Some(this.step.fixed().to_owned()));
        let next = number(this.next.get(thread)) + &skipped * step;
        let (next, remaining) = (int::from_big(thread, next)?, int::from_big(thread, remaining - skipped)?);
        this.next.swap(this, thread, Some(next));
        this.remaining.swap(this, thread, Some(remaining));
        Ok(())
    }
}
