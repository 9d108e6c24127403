//! Comparison and hash of ints. Comparison with a float is exact.

use crate::error::PyResult;
use crate::protocol::CompareOp;
use crate::types::int::{self, IntRef, PyInt};
use num_bigint::{BigInt, Sign};
use num_traits::FromPrimitive;
use orochi_core::{Ref, Thread, Value};
use orochi_macros::pymethods;
use orochi_text::hash::{hash_big_int, hash_int};
use std::cmp::Ordering;

/// How two ints compare.
#[inline]
pub fn compare(left: IntRef<'_>, right: IntRef<'_>) -> Ordering {
    match (left, right) {
        (IntRef::Small(a), IntRef::Small(b)) => a.cmp(&b),
        (a, b) => a.to_big().cmp(&b.to_big()),
    }
}

/// How an int and a float compare; `None` for a NaN.
pub fn compare_float(left: IntRef<'_>, right: f64) -> Option<Ordering> {
    if right.is_nan() {
        return None;
    }
    if right.is_infinite() {
        return Some(if right > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    if let IntRef::Small(small) = left
        && small.unsigned_abs() <= 1 << 53
    {
        return (small as f64).partial_cmp(&right);
    }
    let whole = right.trunc();
    let order =
        match (left, whole) {
            (IntRef::Small(small), whole) if whole.abs() < 9e18 => small.cmp(&(whole as i64)),
            (IntRef::Big(big), whole) if whole.abs() < 9e18 && big.bits() > 64 => {
                if big.sign() == Sign::Minus { Ordering::Less } else { Ordering::Greater }
            }
            (left, whole) => left.to_big().as_ref().cmp(&BigInt::from_f64(whole)?),
        };
    Some(order.then_with(|| whole.partial_cmp(&right).unwrap_or(Ordering::Equal)))
}

/// `hash(value)`.
#[inline]
pub fn hash(value: IntRef<'_>) -> i64 {
    match value {
        IntRef::Small(small) => hash_int(small),
        IntRef::Big(big) => hash_big_int(big),
    }
}

#[pymethods(part = COMPARE)]
impl PyInt {
    #[slot]
    fn tp_richcompare(_thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        Ok(match (int::value(left), int::value(right)) {
            (Some(a), Some(b)) => Value::bool(op.holds(compare(a, b))),
            _ => Value::NOT_IMPLEMENTED,
        })
    }

    #[slot]
    fn tp_hash(_thread: &mut Thread, this: Ref<'_>) -> PyResult<i64> {
        Ok(int::value(this).map_or(0, hash))
    }
}
