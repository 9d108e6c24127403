//! The operators of `set` and `frozenset`. Both operands have to be sets.

use super::methods::{hash, symmetric_difference, union};
use crate::args::Args;
use crate::error::PyResult;
use crate::protocol::CompareOp;
use crate::types::set::{self, AnySet, PyFrozenSet, PySet};
use orochi_core::sync::Ordering;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

macro_rules! operators {
    ($type:ident, $part:ident { $($more:tt)* }) => {
        #[pymethods(part = $part)]
        impl $type {
            $($more)*

            #[slot]
            fn nb_or(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
                match (AnySet::of(left), AnySet::of(right)) {
                    (Some(left), Some(right)) => union(thread, left, Args::new(&[right.object])),
                    _ => Ok(Value::NOT_IMPLEMENTED),
                }
            }

            #[slot]
            fn nb_and(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
                let (Some(left), Some(_)) = (AnySet::of(left), AnySet::of(right)) else {
                    return Ok(Value::NOT_IMPLEMENTED);
                };
                let storage = set::intersection_storage(thread, left, right)?;
                left.like(thread, storage)
            }

            #[slot]
            fn nb_subtract(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
                let (Some(left), Some(_)) = (AnySet::of(left), AnySet::of(right)) else {
                    return Ok(Value::NOT_IMPLEMENTED);
                };
                let storage = set::difference_storage(thread, left, right)?;
                left.like(thread, storage)
            }

            #[slot]
            fn nb_xor(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
                match (AnySet::of(left), AnySet::of(right)) {
                    (Some(left), Some(_)) => symmetric_difference(thread, left, right),
                    _ => Ok(Value::NOT_IMPLEMENTED),
                }
            }

            #[slot]
            fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
                match (AnySet::of(left), AnySet::of(right)) {
                    (Some(left), Some(right)) => compare(thread, left, right, op).map(Value::bool),
                    _ => Ok(Value::NOT_IMPLEMENTED),
                }
            }
        }
    };
}

operators!(PySet, MUTABLE_OPERATORS {
    #[slot]
    fn nb_inplace_or(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult {
        in_place(thread, this, other, set::update)
    }

    #[slot]
    fn nb_inplace_and(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult {
        in_place(thread, this, other, |thread, this, other| {
            let storage = set::intersection_storage(thread, this.into(), other)?;
            AnySet::from(this).take_from(thread, storage);
            Ok(())
        })
    }

    #[slot]
    fn nb_inplace_subtract(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult {
        in_place(thread, this, other, set::difference_update)
    }

    #[slot]
    fn nb_inplace_xor(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult {
        in_place(thread, this, other, set::symmetric_difference_update)
    }
});

operators!(PyFrozenSet, FROZEN_OPERATORS {
    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        Ok(hash(thread, this))
    }
});

fn in_place(
    thread: &mut Thread,
    this: &Obj<PySet>,
    other: Ref<'_>,
    change: fn(&mut Thread, &Obj<PySet>, Ref<'_>) -> PyResult<()>,
) -> PyResult {
    if AnySet::of(other).is_none() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    change(thread, this, other)?;
    Ok(this.to_value())
}

fn compare(thread: &mut Thread, left: AnySet<'_>, right: AnySet<'_>, op: CompareOp) -> PyResult<bool> {
    let (own, other) = (left.len(thread), right.len(thread));
    match op {
        CompareOp::Eq => equal(thread, left, right),
        CompareOp::Ne => Ok(!equal(thread, left, right)?),
        CompareOp::Le => set::is_subset(thread, left, right),
        CompareOp::Ge => set::is_subset(thread, right, left),
        CompareOp::Lt => Ok(own < other && set::is_subset(thread, left, right)?),
        CompareOp::Gt => Ok(own > other && set::is_subset(thread, right, left)?),
    }
}

fn equal(thread: &mut Thread, left: AnySet<'_>, right: AnySet<'_>) -> PyResult<bool> {
    if left.len(thread) != right.len(thread) {
        return Ok(false);
    }
    let hash_of = |set: AnySet<'_>| {
        set.object.downcast::<PyFrozenSet>().map_or(0, |frozen| frozen.hash.load(Ordering::Relaxed))
    };
    let (a, b) = (hash_of(left), hash_of(right));
    if a != 0 && b != 0 && a != b {
        return Ok(false);
    }
    set::is_subset(thread, left, right)
}
