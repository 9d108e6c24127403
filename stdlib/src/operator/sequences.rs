//! Operators on containers.

use orochi_core::{Ref, Thread};
use orochi_macros::pyfunction;
use orochi_objects::error::{overflow_error, type_error, value_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::{PyResult, class_of, protocol};

/// Same as b in a (note reversed operands).
#[pyfunction]
#[signature(a, b, /)]
pub(crate) fn contains(thread: &mut Thread, a: Ref<'_>, b: Ref<'_>) -> PyResult<bool> {
    protocol::contains(thread, a, b)
}

/// Calls `each` with the items until it says stop; TypeError as CPython's sequence functions word it.
fn search(
    thread: &mut Thread,
    a: Ref<'_>,
    mut each: impl FnMut(&mut Thread, Ref<'_>) -> PyResult<bool>,
) -> PyResult<()> {
    if class_of(a).slots.tp_iter().is_none() && class_of(a).slots.sq_item().is_none() {
        return Err(type_error(format!("argument of type '{}' is not iterable", class_of(a).name())));
    }
    let iterator = protocol::iter(thread, a)?;
    while let Some(item) = protocol::next(thread, iterator.get())? {
        if !each(thread, item.get())? {
            break;
        }
    }
    Ok(())
}

/// Return the first index of b in a.
#[pyfunction]
#[name = "indexOf"]
#[signature(a, b, /)]
pub(crate) fn index_of(thread: &mut Thread, a: Ref<'_>, b: Ref<'_>) -> PyResult<usize> {
    let (mut index, mut found) = (0usize, false);
    search(thread, a, |thread, item| {
        found = protocol::eq(thread, item, b)?;
        if !found {
            index = index.checked_add(1).ok_or_else(|| overflow_error("index exceeds C integer size"))?;
        }
        Ok(!found)
    })?;
    if found { Ok(index) } else { Err(value_error("sequence.index(x): x not in sequence")) }
}

/// Return the number of items in a which are, or which equal, b.
#[pyfunction]
#[name = "countOf"]
#[signature(a, b, /)]
pub(crate) fn count_of(thread: &mut Thread, a: Ref<'_>, b: Ref<'_>) -> PyResult<usize> {
    let mut count = 0usize;
    search(thread, a, |thread, item| {
        count += usize::from(protocol::eq(thread, item, b)?);
        Ok(true)
    })?;
    Ok(count)
}

/// Same as a[b].
#[pyfunction]
#[signature(a, b, /)]
pub(crate) fn getitem(thread: &mut Thread, a: Ref<'_>, b: Ref<'_>) -> PyResult {
    protocol::get_item(thread, a, b)
}

/// Same as a[b] = c.
#[pyfunction]
#[signature(a, b, c, /)]
pub(crate) fn setitem(thread: &mut Thread, a: Ref<'_>, b: Ref<'_>, c: Ref<'_>) -> PyResult<()> {
    protocol::set_item(thread, a, b, Some(c))
}

/// Same as del a[b].
#[pyfunction]
#[signature(a, b, /)]
pub(crate) fn delitem(thread: &mut Thread, a: Ref<'_>, b: Ref<'_>) -> PyResult<()> {
    protocol::set_item(thread, a, b, None)
}

/// Whether an object counts as a sequence for concatenation.
fn is_sequence(object: Ref<'_>) -> bool {
    let slots = &class_of(object).slots;
    slots.sq_concat().is_some() || slots.sq_item().is_some()
}

fn not_concatenable(object: Ref<'_>) -> orochi_objects::PyErr {
    type_error(format!("'{}' object can't be concatenated", class_of(object).name()))
}

/// Same as a + b, for a and b sequences.
#[pyfunction]
#[signature(a, b, /)]
pub(crate) fn concat(thread: &mut Thread, a: Ref<'_>, b: Ref<'_>) -> PyResult {
    if let Some(concat) = class_of(a).slots.sq_concat() {
        return concat(thread, a, b);
    }
    if is_sequence(a) && is_sequence(b) {
        return protocol::number::add(thread, a, b);
    }
    Err(not_concatenable(a))
}

/// Same as a += b, for a and b sequences.
#[pyfunction]
#[signature(a, b, /)]
pub(crate) fn iconcat(thread: &mut Thread, a: Ref<'_>, b: Ref<'_>) -> PyResult {
    let slots = &class_of(a).slots;
    if let Some(concat) = slots.sq_inplace_concat().or(slots.sq_concat()) {
        return concat(thread, a, b);
    }
    if is_sequence(a) && is_sequence(b) {
        return protocol::number::inplace_add(thread, a, b);
    }
    Err(not_concatenable(a))
}

/// Return an estimate of the number of items in obj.
///
/// This is useful for presizing containers when building from an iterable.
///
/// If the object supports len(), the result will be exact.
/// Otherwise, it may over- or under-estimate by an arbitrary amount.
/// The result will be an integer >= 0.
#[pyfunction]
#[signature(obj, default=0, /)]
pub(crate) fn length_hint(thread: &mut Thread, obj: Ref<'_>, default: isize) -> PyResult<isize> {
    protocol::length_hint(thread, obj, default)
}

/// Return 'a == b'.
///
/// This function uses an approach designed to prevent
/// timing analysis, making it appropriate for cryptography.
///
/// a and b must both be of the same type: either str (ASCII only),
/// or any bytes-like object.
#[pyfunction]
#[name = "_compare_digest"]
#[signature(a, b, /)]
pub(crate) fn compare_digest(thread: &mut Thread, a: Ref<'_>, b: Ref<'_>) -> PyResult<bool> {
    if let (Some(a), Some(b)) = (a.downcast::<PyStr>(), b.downcast::<PyStr>()) {
        if !a.is_ascii() || !b.is_ascii() {
            return Err(type_error("comparing strings with non-ASCII characters is not supported"));
        }
        return Ok(same_bytes(a.as_bytes(), b.as_bytes()));
    }
    let Some(left) = bytes_of(thread, a)? else { return Err(wrong_types(a, b)) };
    let Some(right) = bytes_of(thread, b)? else { return Err(wrong_types(a, b)) };
    Ok(same_bytes(&left, &right))
}

fn wrong_types(a: Ref<'_>, b: Ref<'_>) -> orochi_objects::PyErr {
    type_error(format!(
        "unsupported operand types(s) or combination of types: '{}' and '{}'",
        class_of(a).name(),
        class_of(b).name()
    ))
}

/// The bytes of an object with a buffer; they come through `bytes(object)`.
fn bytes_of(thread: &mut Thread, object: Ref<'_>) -> PyResult<Option<Vec<u8>>> {
    if class_of(object).slots.bf_getbuffer().is_none() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    protocol::iterate(thread, object, |_, item| {
        bytes.push(item.get().as_small_int().and_then(|byte| u8::try_from(byte).ok()).unwrap_or(0));
        Ok(())
    })?;
    Ok(Some(bytes))
}

/// Compares in a time that depends on the lengths alone.
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    let difference =
        a.iter().zip(b).fold(0u8, |difference, (a, b)| std::hint::black_box(difference | (a ^ b)));
    a.len() == b.len() && difference == 0
}
