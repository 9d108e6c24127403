//! Sorting: a stable, adaptive merge sort on positions, so that an error in a comparison loses nothing.
//!
//! Runs that are in order already are found and kept (short ones are made longer by insertion), and merged in the order
//! of Munro and Wild's powersort, which CPython uses too. Keys that are all small ints, floats or strs, or tuples of these,
//! are compared without calling anything.

use crate::class::exactly;
use crate::error::PyResult;
use crate::protocol::compare::{compare_bool, plain_order};
use crate::protocol::{self, CompareOp};
use crate::types::key::exact_str;
use crate::types::tuple::PyTuple;
use orochi_core::{Ref, Thread, Value};
use std::cmp::Ordering;

/// Sorts values as `list.sort` does. After an error they are all there still, in some order.
pub fn sort(
    thread: &mut Thread,
    values: &mut Vec<Value>,
    key: Option<Ref<'_>>,
    reverse: bool,
) -> PyResult<()> {
    if reverse {
        // Equal elements keep their order if it is reversed before and after.
        values.reverse();
    }
    if key.is_none() && sort_plain(values) {
        if reverse {
            values.reverse();
        }
        return Ok(());
    }
    let result = match key {
        None => order_of(thread, values),
        Some(key) => keys_of(thread, values, key).and_then(|keys| order_of(thread, &keys)),
    };
    let result = result.map(|order| {
        let mut taken: Vec<Option<Value>> = std::mem::take(values).into_iter().map(Some).collect();
        values.extend(order.into_iter().filter_map(|at| taken.get_mut(at).and_then(Option::take)));
    });
    if reverse {
        values.reverse();
    }
    result
}

/// Sorts values that are all of one simple kind, where they are; false if they aren't.
fn sort_plain(values: &mut [Value]) -> bool {
    let all = |is: fn(Ref<'_>) -> bool, values: &[Value]| values.iter().all(|value| is(value.get()));
    let Some(first) = values.first().map(Value::get) else { return true };
    if first.as_small_int().is_some() {
        let ints = all(|value| value.as_small_int().is_some(), values);
        // Equal ints are the same word, and so are equal floats: stability makes no difference.
        if ints {
            values.sort_unstable_by_key(|value| value.get().as_small_int());
        }
        return ints;
    }
    if exact_str(first).is_some() {
        let texts = all(|value| exact_str(value).is_some(), values);
        if texts {
            // The order of WTF-8 bytes is that of code points.
            values.sort_by(|a, b| text_of(a).cmp(text_of(b)));
        }
        return texts;
    }
    if are_plain_tuples(values) {
        values.sort_by(|a, b| tuple_order(a.get(), b.get()));
        return true;
    }
    let floats = all(|value| value.as_flonum().is_some(), values);
    if floats {
        // No flonum is a NaN.
        let number = |value: &Value| value.get().as_flonum().unwrap_or_default();
        values.sort_unstable_by(|a, b| number(a).partial_cmp(&number(b)).unwrap_or(Ordering::Equal));
    }
    floats
}

#[inline]
fn text_of(value: &Value) -> &[u8] {
    exact_str(value.get()).map_or(&[], |text| text.as_bytes())
}

fn keys_of(thread: &mut Thread, values: &[Value], key: Ref<'_>) -> PyResult<Vec<Value>> {
    values.iter().map(|value| protocol::call(thread, key, &[value.get()])).collect()
}

/// The positions of the keys in sorted order.
fn order_of(thread: &mut Thread, keys: &[Value]) -> PyResult<Vec<usize>> {
    if let Some(order) = order_of_plain(keys) {
        return Ok(order);
    }
    merge_sort(keys.len(), |a, b| match (keys.get(a), keys.get(b)) {
        (Some(a), Some(b)) => compare_bool(thread, a.get(), b.get(), CompareOp::Lt),
        _ => Ok(false),
    })
}

/// The order of keys that are all of one simple kind.
fn order_of_plain(keys: &[Value]) -> Option<Vec<usize>> {
    let first = keys.first()?.get();
    if first.as_small_int().is_some() {
        let numbers: Option<Vec<i64>> = keys.iter().map(|key| key.get().as_small_int()).collect();
        return Some(sorted_by(&numbers?, Ord::cmp));
    }
    if exact_str(first).is_some() {
        // The order of WTF-8 bytes is that of code points.
        let texts: Option<Vec<&[u8]>> =
            keys.iter().map(|key| exact_str(key.get()).map(|s| s.as_bytes())).collect();
        return Some(sorted_by(&texts?, Ord::cmp));
    }
    if first.as_flonum().is_some() {
        // No flonum is a NaN.
        let floats: Option<Vec<f64>> = keys.iter().map(|key| key.get().as_flonum()).collect();
        return Some(sorted_by(&floats?, |a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal)));
    }
    are_plain_tuples(keys).then(|| sorted_by(keys, |a, b| tuple_order(a.get(), b.get())))
}

/// A kind of values that are compared without calling anything.
#[derive(Clone, Copy, PartialEq)]
enum Plain {
    Int,
    Float,
    Text,
}

fn plain_kind(value: Ref<'_>) -> Option<Plain> {
    if value.as_small_int().is_some() {
        Some(Plain::Int)
    } else if exact_str(value).is_some() {
        Some(Plain::Text)
    } else {
        value.as_flonum().map(|_| Plain::Float)
    }
}

/// Whether all values are exact tuples whose items are plain, of one kind at each place.
fn are_plain_tuples(values: &[Value]) -> bool {
    let Some(first) = values.first().and_then(|value| exactly::<PyTuple>(value.get())) else { return false };
    let Some(kinds) = first.items().map(plain_kind).collect::<Option<Vec<_>>>() else { return false };
    values.iter().all(|value| {
        exactly::<PyTuple>(value.get()).is_some_and(|tuple| {
            tuple.len() <= kinds.len()
                && tuple.items().zip(&kinds).all(|(item, kind)| plain_kind(item) == Some(*kind))
        })
    })
}

/// How two such tuples compare.
fn tuple_order(left: Ref<'_>, right: Ref<'_>) -> Ordering {
    let (Some(left), Some(right)) = (exactly::<PyTuple>(left), exactly::<PyTuple>(right)) else {
        return Ordering::Equal;
    };
    let mut differing = left
        .items()
        .zip(right.items())
        .map(|(a, b)| if a.is(b) { Ordering::Equal } else { plain_order(a, b).unwrap_or(Ordering::Equal) });
    differing.find(|order| order.is_ne()).unwrap_or_else(|| left.len().cmp(&right.len()))
}

fn sorted_by<T>(keys: &[T], compare: impl Fn(&T, &T) -> Ordering) -> Vec<usize> {
    let mut order: Vec<(usize, &T)> = keys.iter().enumerate().collect();
    order.sort_by(|a, b| compare(a.1, b.1));
    order.into_iter().map(|(at, _)| at).collect()
}

/// A run that lies in `order[start..start + len]`, and the power of its border with the run before it.
struct Run {
    start: usize,
    len: usize,
    power: u32,
}

/// Runs shorter than this are made longer by insertion.
fn min_run(mut n: usize) -> usize {
    let mut odd = 0;
    while n >= 64 {
        odd |= n & 1;
        n >>= 1;
    }
    n + odd
}

/// The positions `0..n` in stable sorted order.
fn merge_sort(n: usize, mut less: impl FnMut(usize, usize) -> PyResult<bool>) -> PyResult<Vec<usize>> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut scratch: Vec<usize> = Vec::new();
    let mut runs: Vec<Run> = Vec::new();
    let least = min_run(n);
    let mut start = 0;
    while start < n {
        let Some(rest) = order.get_mut(start..) else { break };
        let mut len = natural_run(rest, &mut less)?;
        let wanted = least.min(rest.len());
        if len < wanted
            && let Some(run) = rest.get_mut(..wanted)
        {
            insert_from(run, len, &mut less)?;
            len = wanted;
        }
        if let Some(last) = runs.last() {
            let power = border_power(last.start, last.len, len, n);
            while runs.len() > 1 && runs.last().is_some_and(|run| run.power > power) {
                merge_last(&mut order, &mut runs, &mut scratch, &mut less)?;
            }
            runs.push(Run { start, len, power });
        } else {
            runs.push(Run { start, len, power: 0 });
        }
        start += len;
    }
    while runs.len() > 1 {
        merge_last(&mut order, &mut runs, &mut scratch, &mut less)?;
    }
    Ok(order)
}

/// The depth of the border between two neighbouring runs in the ideal merge tree.
fn border_power(start: usize, left: usize, right: usize, n: usize) -> u32 {
    // Twice the midpoints, as fractions of 2n: the first binary digit in which they differ.
    let n = n as u128;
    let a = 2 * start as u128 + left as u128;
    let b = a + left as u128 + right as u128;
    let digits = |x: u128| (x << 62) / n;
    (digits(a) ^ digits(b)).leading_zeros()
}

/// The length of the run at the start; a strictly falling one is turned round.
fn natural_run(
    order: &mut [usize],
    less: &mut impl FnMut(usize, usize) -> PyResult<bool>,
) -> PyResult<usize> {
    let &[first, second, ..] = &*order else { return Ok(order.len()) };
    let falling = less(second, first)?;
    let mut len = 2;
    while let (Some(&a), Some(&b)) = (order.get(len - 1), order.get(len)) {
        if less(b, a)? != falling {
            break;
        }
        len += 1;
    }
    if falling && let Some(run) = order.get_mut(..len) {
        run.reverse();
    }
    Ok(len)
}

/// Sorts a slice whose first `sorted` positions are in order, by binary insertion.
fn insert_from(
    run: &mut [usize],
    sorted: usize,
    less: &mut impl FnMut(usize, usize) -> PyResult<bool>,
) -> PyResult<()> {
    for at in sorted..run.len() {
        let Some(&item) = run.get(at) else { break };
        let place = upper_bound(run.get(..at).unwrap_or(&[]), item, less)?;
        if let Some(part) = run.get_mut(place..=at) {
            part.rotate_right(1);
        }
    }
    Ok(())
}

/// Where an item goes behind all that are not greater.
fn upper_bound(
    run: &[usize],
    item: usize,
    less: &mut impl FnMut(usize, usize) -> PyResult<bool>,
) -> PyResult<usize> {
    let (mut low, mut high) = (0, run.len());
    while low < high {
        let middle = low.midpoint(high);
        let Some(&other) = run.get(middle) else { break };
        if less(item, other)? { high = middle } else { low = middle + 1 }
    }
    Ok(low)
}

/// Where an item goes before all that are not less.
fn lower_bound(
    run: &[usize],
    item: usize,
    less: &mut impl FnMut(usize, usize) -> PyResult<bool>,
) -> PyResult<usize> {
    let (mut low, mut high) = (0, run.len());
    while low < high {
        let middle = low.midpoint(high);
        let Some(&other) = run.get(middle) else { break };
        if less(other, item)? { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

/// Merges the last two runs.
fn merge_last(
    order: &mut [usize],
    runs: &mut Vec<Run>,
    scratch: &mut Vec<usize>,
    less: &mut impl FnMut(usize, usize) -> PyResult<bool>,
) -> PyResult<()> {
    let (Some(right), Some(left)) = (runs.pop(), runs.last_mut()) else { return Ok(()) };
    let middle = left.len;
    left.len += right.len;
    match order.get_mut(left.start..left.start + left.len) {
        Some(part) => merge(part, middle, scratch, less),
        None => Ok(()),
    }
}

/// Merges `part[..middle]` and `part[middle..]`.
fn merge(
    part: &mut [usize],
    middle: usize,
    scratch: &mut Vec<usize>,
    less: &mut impl FnMut(usize, usize) -> PyResult<bool>,
) -> PyResult<()> {
    let (Some(&last), Some(&first)) = (part.get(middle.wrapping_sub(1)), part.get(middle)) else {
        return Ok(());
    };
    // What is in its place already is left alone.
    let skip = upper_bound(part.get(..middle).unwrap_or(&[]), first, less)?;
    if skip == middle {
        return Ok(());
    }
    let end = middle + lower_bound(part.get(middle..).unwrap_or(&[]), last, less)?;
    let (Some(part), middle) = (part.get_mut(skip..end), middle - skip) else { return Ok(()) };
    scratch.clear();
    scratch.extend_from_slice(part.get(..middle).unwrap_or(&[]));
    let (mut from_left, mut from_right, mut to) = (0, middle, 0);
    let result = loop {
        let (Some(&a), Some(&b)) = (scratch.get(from_left), part.get(from_right)) else { break Ok(()) };
        let right_first = match less(b, a) {
            Ok(right_first) => right_first,
            Err(error) => break Err(error),
        };
        let item = if right_first { b } else { a };
        if right_first {
            from_right += 1
        } else {
            from_left += 1
        }
        if let Some(place) = part.get_mut(to) {
            *place = item;
        }
        to += 1;
    };
    // The rest of the left run fits exactly before the rest of the right one, after an error too.
    let rest = scratch.get(from_left..).unwrap_or(&[]);
    if let Some(places) = part.get_mut(to..to + rest.len()) {
        places.copy_from_slice(rest);
    }
    result
}
