//! Rich comparison.

use crate::class::exactly;
use crate::error::{PyResult, recursion_error, type_error};
use crate::types::key::exact_str;
use crate::types::tuple::PyTuple;
use crate::types::r#type::TypeExt;
use orochi_core::{Obj, Ref, Thread, Value};
use std::cmp::Ordering;

/// The six comparisons, numbered as CPython's `Py_LT` … `Py_GE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CompareOp {
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl CompareOp {
    /// The comparison with the sides exchanged.
    #[inline]
    pub fn swapped(self) -> CompareOp {
        match self {
            CompareOp::Lt => CompareOp::Gt,
            CompareOp::Le => CompareOp::Ge,
            CompareOp::Gt => CompareOp::Lt,
            CompareOp::Ge => CompareOp::Le,
            same => same,
        }
    }

    /// Its symbol.
    pub fn symbol(self) -> &'static str {
        ["<", "<=", "==", "!=", ">", ">="].get(self as usize).copied().unwrap_or("?")
    }

    /// Its special method.
    pub fn method(self) -> &'static str {
        ["__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"]
            .get(self as usize)
            .copied()
            .unwrap_or("?")
    }

    /// The answer for operands that compare like this.
    #[inline]
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            CompareOp::Lt => ordering.is_lt(),
            CompareOp::Le => ordering.is_le(),
            CompareOp::Eq => ordering.is_eq(),
            CompareOp::Ne => ordering.is_ne(),
            CompareOp::Gt => ordering.is_gt(),
            CompareOp::Ge => ordering.is_ge(),
        }
    }
}

/// `left op right`, which may be any object.
pub fn rich_compare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
    let (left_class, right_class) = (crate::class_of(left), crate::class_of(right));
    let mut reflected_done = false;
    if !std::ptr::eq(left_class, right_class)
        && right_class.is_subtype_of(left_class)
        && let Some(compare) = right_class.slots.tp_richcompare()
    {
        reflected_done = true;
        let result = compare(thread, right, left, op.swapped())?;
        if !result.get().is(Ref::NOT_IMPLEMENTED) {
            return Ok(result);
        }
    }
    if let Some(compare) = left_class.slots.tp_richcompare() {
        let result = compare(thread, left, right, op)?;
        if !result.get().is(Ref::NOT_IMPLEMENTED) {
            return Ok(result);
        }
    }
    if !reflected_done && let Some(compare) = right_class.slots.tp_richcompare() {
        let result = compare(thread, right, left, op.swapped())?;
        if !result.get().is(Ref::NOT_IMPLEMENTED) {
            return Ok(result);
        }
    }
    match op {
        CompareOp::Eq => Ok(Value::bool(left.is(right))),
        CompareOp::Ne => Ok(Value::bool(!left.is(right))),
        _ => Err(type_error(format!(
            "'{}' not supported between instances of '{}' and '{}'",
            op.symbol(),
            left_class.full_name(),
            right_class.full_name()
        ))),
    }
}

/// How two ints or floats that lie in their words, or two exact strs compare. `None` for everything else.
#[inline]
pub fn plain_order(left: Ref<'_>, right: Ref<'_>) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (left.as_small_int(), right.as_small_int()) {
        return Some(left.cmp(&right));
    }
    if let (Some(left), Some(right)) = (left.as_flonum(), right.as_flonum()) {
        return left.partial_cmp(&right);
    }
    // The order of WTF-8 bytes is that of code points.
    exact_str(left).zip(exact_str(right)).map(|(left, right)| left.as_bytes().cmp(right.as_bytes()))
}

/// Whether two objects that are not the same are equal, where no Python code is needed to tell. `None`: ask.
#[inline]
pub fn plain_eq(left: Ref<'_>, right: Ref<'_>) -> Option<bool> {
    let number = |object: Ref<'_>| object.as_small_int().is_some();
    match (exact_str(left), exact_str(right)) {
        (Some(left), Some(right)) => Some(left.as_bytes() == right.as_bytes()),
        (Some(_), None) if number(right) => Some(false),
        (None, Some(_)) if number(left) => Some(false),
        // Another word is another number.
        (None, None) if number(left) && number(right) => Some(false),
        _ => None,
    }
}

/// How deeply tuples within tuples are compared without Python code.
const PLAIN_DEPTH: usize = 4;

/// Whether two exact tuples are equal, where no Python code is needed to tell. `None`: ask.
#[inline]
pub fn plain_tuple_eq(left: &Obj<PyTuple>, right: &Obj<PyTuple>) -> Option<bool> {
    nested_tuple_eq(left, right, PLAIN_DEPTH)
}

/// Compares two exact tuples of which the first items that differ, and those before, are compared without Python; `None` for others.
pub fn plain_tuple_order(left: &Obj<PyTuple>, right: &Obj<PyTuple>, op: CompareOp) -> Option<bool> {
    if matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return plain_tuple_eq(left, right).map(|equal| equal == (op == CompareOp::Eq));
    }
    for (a, b) in left.items().zip(right.items()) {
        if !a.is(b) {
            let order = plain_order(a, b)?;
            if order.is_ne() {
                return Some(op.holds(order));
            }
        }
    }
    Some(op.holds(left.len().cmp(&right.len())))
}

fn nested_tuple_eq(left: &Obj<PyTuple>, right: &Obj<PyTuple>, depth: usize) -> Option<bool> {
    for (a, b) in left.items().zip(right.items()) {
        let equal = a.is(b) || plain_eq(a, b).or_else(|| floats_or_tuples_eq(a, b, depth))?;
        if !equal {
            return Some(false);
        }
    }
    Some(left.len() == right.len())
}

fn floats_or_tuples_eq(left: Ref<'_>, right: Ref<'_>, depth: usize) -> Option<bool> {
    if let (Some(left), Some(right)) = (left.as_flonum(), right.as_flonum()) {
        // No flonum is a NaN.
        return Some(left == right);
    }
    nested_tuple_eq(exactly::<PyTuple>(left)?, exactly::<PyTuple>(right)?, depth.checked_sub(1)?)
}

/// The truth of a comparison of two tuples: the first items that differ decide, or else the lengths.
fn compare_tuples(
    thread: &mut Thread,
    left: &Obj<PyTuple>,
    right: &Obj<PyTuple>,
    op: CompareOp,
) -> PyResult<bool> {
    if thread.native_stack_low() {
        return Err(recursion_error("maximum recursion depth exceeded in comparison"));
    }
    for (a, b) in left.items().zip(right.items()) {
        if !eq(thread, a, b)? {
            return match op {
                CompareOp::Eq => Ok(false),
                CompareOp::Ne => Ok(true),
                _ => compare_bool(thread, a, b, op),
            };
        }
    }
    Ok(op.holds(left.len().cmp(&right.len())))
}

/// The truth of `left op right`.
pub fn compare_bool(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult<bool> {
    if let Some(order) = plain_order(left, right) {
        return Ok(op.holds(order));
    }
    if let (Some(left), Some(right)) = (exactly::<PyTuple>(left), exactly::<PyTuple>(right)) {
        return compare_tuples(thread, left, right, op);
    }
    let result = rich_compare(thread, left, right, op)?;
    super::is_true(thread, result.get())
}

/// `left is right or left == right`, as containers compare.
#[inline]
pub fn eq(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult<bool> {
    if left.is(right) {
        return Ok(true);
    }
    match plain_eq(left, right) {
        Some(equal) => Ok(equal),
        None => compare_bool(thread, left, right, CompareOp::Eq),
    }
}
