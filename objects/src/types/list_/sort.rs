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
use orochi_core::{Obj, Ref, Thread, Value};
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
fn sort_plain(values: &mut Vec<Value>) -> bool {
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
    if let Some(kind) = Kind::of_all(values, [Kind::Text, Kind::Tuple]) {
        let mut ranked: Vec<(u64, Value)> =
            values.drain(..).map(|value| (rank(value.get()), value)).collect();
        ranked.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| kind.compare(a.1.get(), b.1.get())));
        values.extend(ranked.into_iter().map(|(_, value)| value));
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
    let kind = Kind::of_all(keys, [Kind::Int, Kind::Float, Kind::Text, Kind::Tuple])?;
    let mut ranked: Vec<(u64, usize)> = keys.iter().map(|key| rank(key.get())).zip(0..).collect();
    let key = |at: usize| keys.get(at).map_or(Ref::NONE, Value::get);
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| kind.compare(key(a.1), key(b.1))));
    Some(ranked.into_iter().map(|(_, at)| at).collect())
}

/// A number that is not greater than another value's of the same kind if the value isn't: most comparisons need no more.
fn rank(value: Ref<'_>) -> u64 {
    const SIGN: u64 = 1 << 63;
    if let Some(int) = value.as_small_int() {
        return int.cast_unsigned() ^ SIGN;
    }
    if let Some(float) = value.as_flonum() {
        // Zeros are equal; the bits of negative numbers grow the other way.
        let bits = (float + 0.0).to_bits();
        return if bits & SIGN == 0 { bits | SIGN } else { !bits };
    }
    if let Some(text) = exact_str(value) {
        let mut first = [0; 8];
        for (to, byte) in first.iter_mut().zip(text.as_bytes()) {
            *to = *byte;
        }
        return u64::from_be_bytes(first);
    }
    exactly::<PyTuple>(value).map_or(0, rank_of_tuple)
}

/// The same for a tuple: by its first item, and by the second if both are ints. All tuples of a sort have items of the same kinds.
fn rank_of_tuple(tuple: &Obj<PyTuple>) -> u64 {
    const FIRST: i64 = 1 << 39;
    const SECOND: i64 = 1 << 23;
    let Some(first) = tuple.item(0) else { return 0 };
    let Some(int) = first.as_small_int() else { return rank(first) };
    // Ints at the ends of the range stand for all beyond, so nothing is said of what follows them.
    let high = int.clamp(-FIRST, FIRST - 1);
    let is_within = high > -FIRST && high < FIRST - 1;
    let second = tuple.item(1).filter(|_| is_within).and_then(Ref::as_small_int);
    let low = second.map_or(0, |second| second.clamp(-SECOND, SECOND - 1) + SECOND);
    ((high + FIRST) << 24 | low).cast_unsigned()
}

/// A kind of values that are compared without calling anything.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Int,
    /// No flonum is a NaN.
    Float,
    Text,
    /// Of such values, of one kind at each place.
    Tuple,
}

impl Kind {
    /// The kind, one of `kinds`, that all values are of.
    fn of_all<const N: usize>(values: &[Value], kinds: [Kind; N]) -> Option<Kind> {
        let first = values.first()?.get();
        let kind = Kind::of_item(first).or_else(|| exactly::<PyTuple>(first).map(|_| Kind::Tuple))?;
        let all = kinds.contains(&kind)
            && match kind {
                Kind::Tuple => are_plain_tuples(values),
                _ => values.iter().all(|value| Kind::of_item(value.get()) == Some(kind)),
            };
        all.then_some(kind)
    }

    /// The kind of a value that isn't a tuple.
    fn of_item(value: Ref<'_>) -> Option<Kind> {
        if value.as_small_int().is_some() {
            Some(Kind::Int)
        } else if exact_str(value).is_some() {
            Some(Kind::Text)
        } else {
            value.as_flonum().map(|_| Kind::Float)
        }
    }

    /// How two values of the kind compare that have the same [`rank`].
    fn compare(self, left: Ref<'_>, right: Ref<'_>) -> Ordering {
        match self {
            Kind::Int | Kind::Float => Ordering::Equal,
            // The order of WTF-8 bytes is that of code points.
            Kind::Text => {
                let bytes = |text| exact_str(text).map(|text| text.as_bytes());
                bytes(left).cmp(&bytes(right))
            }
            Kind::Tuple => tuple_order(left, right),
        }
    }
}

/// Whether all values are exact tuples whose items are plain, of one kind at each place.
fn are_plain_tuples(values: &[Value]) -> bool {
    let Some(first) = values.first().and_then(|value| exactly::<PyTuple>(value.get())) else { return false };
    let Some(kinds) = first.items().map(Kind::of_item).collect::<Option<Vec<_>>>() else { return false };
    values.iter().all(|value| {
        exactly::<PyTuple>(value.get()).is_some_and(|tuple| {
            tuple.len() <= kinds.len()
                && tuple.items().zip(&kinds).all(|(item, kind)| Kind::of_item(item) == Some(*kind))
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
