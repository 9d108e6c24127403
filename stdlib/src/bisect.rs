//! `_bisect`: searching and inserting in sorted lists.

use orochi_macros::{pyfunction, pymodule};
use orochi_objects::class::{PyClass, is_exact};
use orochi_objects::error::value_error;
use orochi_objects::types::list::{self, PyList};
use orochi_objects::{CompareOp, Obj, PyModule, PyResult, Ref, Thread, Value, int, protocol};

/// Where equal items go.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// The part of a list that is searched.
struct Bounds {
    low: i64,
    high: Option<i64>,
}

/// Where the item belongs.
fn search(
    thread: &mut Thread,
    sorted: Ref<'_>,
    item: Ref<'_>,
    Bounds { low, high }: Bounds,
    key: Option<Ref<'_>>,
    side: Side,
) -> PyResult<i64> {
    if low < 0 {
        return Err(value_error("lo must be non-negative"));
    }
    let mut low = low;
    let mut high = match high {
        Some(high) => high,
        None => i64::try_from(protocol::len(thread, sorted)?).unwrap_or(i64::MAX),
    };
    while low < high {
        // Neither is negative.
        let middle = low + (high - low) / 2;
        let mut at_middle = element(thread, sorted, middle)?;
        if let Some(key) = key {
            at_middle = protocol::call(thread, key, &[at_middle.get()])?;
        }
        let goes_right = match side {
            Side::Left => protocol::compare::compare_bool(thread, at_middle.get(), item, CompareOp::Lt)?,
            Side::Right => !protocol::compare::compare_bool(thread, item, at_middle.get(), CompareOp::Lt)?,
        };
        if goes_right {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn element(thread: &mut Thread, sorted: Ref<'_>, index: i64) -> PyResult {
    if is_exact(sorted, PyList::static_type())
        && let Some(list) = sorted.downcast::<PyList>()
        && let Ok(index) = usize::try_from(index)
        && let Some(item) = list::item(thread, list, index)
    {
        return Ok(item);
    }
    protocol::sequence_item(thread, sorted, index)
}

/// The bounds as arguments.
fn bounds(thread: &mut Thread, lo: i64, hi: Option<Ref<'_>>) -> PyResult<Bounds> {
    let high = match hi {
        Some(hi) => Some(int::index_i64(thread, hi)?),
        None => None,
    };
    Ok(Bounds { low: lo, high })
}

fn insert(
    thread: &mut Thread,
    sorted: Ref<'_>,
    item: Ref<'_>,
    bounds: Bounds,
    key: Option<Ref<'_>>,
    side: Side,
) -> PyResult<()> {
    let rank = match key {
        Some(key) => protocol::call(thread, key, &[item])?,
        None => item.to_owned(),
    };
    let index = search(thread, sorted, rank.get(), bounds, key, side)?;
    let index: Value = int::new(thread, index)?;
    protocol::call_method(thread, sorted, "insert", &[index.get(), item]).map(drop)
}

/// A function of the module, all of which take the same arguments.
macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident -> $result:ty = $run:ident($side:ident);)*) => { $(
        $(#[$doc])*
        #[pyfunction]
        #[signature(a, x, lo=0, hi=None, *, key=None)]
        fn $name(
            thread: &mut Thread,
            a: Ref<'_>,
            x: Ref<'_>,
            lo: i64,
            hi: Option<Ref<'_>>,
            key: Option<Ref<'_>>,
        ) -> PyResult<$result> {
            let bounds = bounds(thread, lo, hi)?;
            $run(thread, a, x, bounds, key, Side::$side)
        }
    )* };
}

functions! {
    /// Return the index where to insert item x in list a, assuming a is sorted.
    ///
    /// The return value i is such that all e in a[:i] have e < x, and all e in
    /// a[i:] have e >= x.  So if x already appears in the list, a.insert(i, x)
    /// will insert just before the leftmost x already there.
    ///
    /// Optional args lo (default 0) and hi (default len(a)) bound the
    /// slice of a to be searched.
    ///
    /// A custom key function can be supplied to customize the sort order.
    bisect_left -> i64 = search(Left);

    /// Return the index where to insert item x in list a, assuming a is sorted.
    ///
    /// The return value i is such that all e in a[:i] have e <= x, and all e in
    /// a[i:] have e > x.  So if x already appears in the list, a.insert(i, x)
    /// will insert just after the rightmost x already there.
    ///
    /// Optional args lo (default 0) and hi (default len(a)) bound the
    /// slice of a to be searched.
    ///
    /// A custom key function can be supplied to customize the sort order.
    bisect_right -> i64 = search(Right);

    /// Insert item x in list a, and keep it sorted assuming a is sorted.
    ///
    /// If x is already in a, insert it to the left of the leftmost x.
    ///
    /// Optional args lo (default 0) and hi (default len(a)) bound the
    /// slice of a to be searched.
    ///
    /// A custom key function can be supplied to customize the sort order.
    insort_left -> () = insert(Left);

    /// Insert item x in list a, and keep it sorted assuming a is sorted.
    ///
    /// If x is already in a, insert it to the right of the rightmost x.
    ///
    /// Optional args lo (default 0) and hi (default len(a)) bound the
    /// slice of a to be searched.
    ///
    /// A custom key function can be supplied to customize the sort order.
    insort_right -> () = insert(Right);
}

/// Bisection algorithms.
///
/// This module provides support for maintaining a list in sorted order without
/// having to sort the list after each insertion. For long lists of items with
/// expensive comparison operations, this can be an improvement over the more
/// common approach.
#[pymodule(name = "_bisect", functions(bisect_left, bisect_right, insort_left, insort_right))]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
