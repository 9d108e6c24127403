//! `_heapq`: heaps in lists, in the way of the module written in Python.
//!
//! Where no Python code is needed to compare, each function is one step for other threads: with the list locked, the way that an
//! item has to go is found first and then gone (`heapq/plain.rs`). Otherwise comparisons may run Python code, and that may
//! change the list: every step looks whether the list has the length it had, and moves owned references.

mod plain;

use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{index_error, runtime_error};
use orochi_objects::protocol::{CompareOp, compare::compare_bool};
use orochi_objects::types::list::{self, PyList};
use orochi_objects::{Obj, Owner, PyErr, PyModule, PyResult, Ref, Thread, Value};

/// Which of two items goes nearer to the top.
#[derive(Clone, Copy)]
enum Order {
    Least,
    Greatest,
}

impl Order {
    fn before(self, thread: &mut Thread, a: Ref<'_>, b: Ref<'_>) -> PyResult<bool> {
        match self {
            Order::Least => compare_bool(thread, a, b, CompareOp::Lt),
            Order::Greatest => compare_bool(thread, b, a, CompareOp::Lt),
        }
    }
}

#[cold]
fn changed() -> PyErr {
    runtime_error("list changed size during iteration")
}

/// The item at an index that is within a list that nobody has changed.
fn item(thread: &Thread, heap: &Obj<PyList>, index: usize) -> PyResult {
    list::item(thread, heap, index).ok_or_else(changed)
}

fn set(thread: &mut Thread, heap: &Obj<PyList>, index: usize, value: Value) -> PyResult<()> {
    heap.storage().set(Owner::from(heap), thread, index, value).map(drop).map_err(|_| changed())
}

fn swap(thread: &mut Thread, heap: &Obj<PyList>, a: usize, b: usize) -> PyResult<()> {
    let (first, second) = (item(thread, heap, a)?, item(thread, heap, b)?);
    set(thread, heap, a, second)?;
    set(thread, heap, b, first)
}

/// Moves the item at `at` up to where it belongs, but not above `top`.
fn rise(thread: &mut Thread, heap: &Obj<PyList>, top: usize, mut at: usize, order: Order) -> PyResult<()> {
    let len = list::len(thread, heap);
    let moving = item(thread, heap, at)?;
    while at > top {
        let parent = (at - 1) / 2;
        let above = item(thread, heap, parent)?;
        if !order.before(thread, moving.get(), above.get())? {
            break;
        }
        if list::len(thread, heap) != len {
            return Err(changed());
        }
        swap(thread, heap, at, parent)?;
        at = parent;
    }
    if list::len(thread, heap) == len { Ok(()) } else { Err(changed()) }
}

/// Moves the item at `top` down to a leaf along the better children, then up to where it belongs: most items that are put at
/// the top belong near the leaves.
fn sink(thread: &mut Thread, heap: &Obj<PyList>, top: usize, order: Order) -> PyResult<()> {
    let len = list::len(thread, heap);
    let mut at = top;
    while at < len / 2 {
        let (left, right) = (2 * at + 1, 2 * at + 2);
        let mut child = left;
        if right < len {
            let (a, b) = (item(thread, heap, left)?, item(thread, heap, right)?);
            if !order.before(thread, a.get(), b.get())? {
                child = right;
            }
            if list::len(thread, heap) != len {
                return Err(changed());
            }
        }
        swap(thread, heap, at, child)?;
        at = child;
    }
    rise(thread, heap, top, at, order)
}

fn push(thread: &mut Thread, heap: &Obj<PyList>, value: Ref<'_>, order: Order) -> PyResult<()> {
    if plain::push(thread, heap, value, order) {
        return Ok(());
    }
    list::push(thread, heap, value.to_owned())?;
    let last = list::len(thread, heap).saturating_sub(1);
    rise(thread, heap, 0, last, order)
}

fn pop(thread: &mut Thread, heap: &Obj<PyList>, order: Order) -> PyResult {
    if let Some(top) = plain::pop(thread, heap, order) {
        return Ok(top);
    }
    let Some(last) = heap.storage().pop(Owner::from(heap), thread) else {
        return Err(index_error("index out of range"));
    };
    if list::len(thread, heap) == 0 {
        return Ok(last);
    }
    replace_top(thread, heap, last, order)
}

/// Puts a value in the place of the top, and gives that.
fn replace_top(thread: &mut Thread, heap: &Obj<PyList>, value: Value, order: Order) -> PyResult {
    if let Some(top) = plain::replace_top(thread, heap, value.get(), order) {
        return Ok(top);
    }
    let top = list::item(thread, heap, 0).ok_or_else(|| index_error("index out of range"))?;
    set(thread, heap, 0, value)?;
    sink(thread, heap, 0, order)?;
    Ok(top)
}

fn push_pop(thread: &mut Thread, heap: &Obj<PyList>, value: Ref<'_>, order: Order) -> PyResult {
    if let Some(top) = plain::push_pop(thread, heap, value, order) {
        return Ok(top);
    }
    let Some(top) = list::item(thread, heap, 0) else { return Ok(value.to_owned()) };
    if !order.before(thread, top.get(), value)? {
        return Ok(value.to_owned());
    }
    replace_top(thread, heap, value.to_owned(), order)
}

fn build(thread: &mut Thread, heap: &Obj<PyList>, order: Order) -> PyResult<()> {
    if plain::build(thread, heap, order) {
        return Ok(());
    }
    for at in (0..list::len(thread, heap) / 2).rev() {
        sink(thread, heap, at, order)?;
    }
    Ok(())
}

/// Push item onto heap, maintaining the heap invariant.
#[pyfunction]
#[signature(heap, item, /)]
fn heappush(thread: &mut Thread, heap: &Obj<PyList>, item: Ref<'_>) -> PyResult<()> {
    push(thread, heap, item, Order::Least)
}

/// Pop the smallest item off the heap, maintaining the heap invariant.
#[pyfunction]
#[signature(heap, /)]
fn heappop(thread: &mut Thread, heap: &Obj<PyList>) -> PyResult {
    pop(thread, heap, Order::Least)
}

/// Pop and return the smallest value, and add the new item.
///
/// The heap's size stays the same, and only one walk through it is needed.
#[pyfunction]
#[signature(heap, item, /)]
fn heapreplace(thread: &mut Thread, heap: &Obj<PyList>, item: Ref<'_>) -> PyResult {
    replace_top(thread, heap, item.to_owned(), Order::Least)
}

/// Push item on the heap, then pop and return the smallest item from the heap.
#[pyfunction]
#[signature(heap, item, /)]
fn heappushpop(thread: &mut Thread, heap: &Obj<PyList>, item: Ref<'_>) -> PyResult {
    push_pop(thread, heap, item, Order::Least)
}

/// Transform list into a heap, in-place, in O(len(heap)) time.
#[pyfunction]
#[signature(heap, /)]
fn heapify(thread: &mut Thread, heap: &Obj<PyList>) -> PyResult<()> {
    build(thread, heap, Order::Least)
}

/// Push item onto max heap, maintaining the heap invariant.
#[pyfunction]
#[signature(heap, item, /)]
fn heappush_max(thread: &mut Thread, heap: &Obj<PyList>, item: Ref<'_>) -> PyResult<()> {
    push(thread, heap, item, Order::Greatest)
}

/// Maxheap variant of heappop.
#[pyfunction]
#[signature(heap, /)]
fn heappop_max(thread: &mut Thread, heap: &Obj<PyList>) -> PyResult {
    pop(thread, heap, Order::Greatest)
}

/// Maxheap variant of heapreplace.
#[pyfunction]
#[signature(heap, item, /)]
fn heapreplace_max(thread: &mut Thread, heap: &Obj<PyList>, item: Ref<'_>) -> PyResult {
    replace_top(thread, heap, item.to_owned(), Order::Greatest)
}

/// Maxheap variant of heappushpop.
#[pyfunction]
#[signature(heap, item, /)]
fn heappushpop_max(thread: &mut Thread, heap: &Obj<PyList>, item: Ref<'_>) -> PyResult {
    push_pop(thread, heap, item, Order::Greatest)
}

/// Maxheap variant of heapify.
#[pyfunction]
#[signature(heap, /)]
fn heapify_max(thread: &mut Thread, heap: &Obj<PyList>) -> PyResult<()> {
    build(thread, heap, Order::Greatest)
}

/// Heaps (priority queues) in lists.
#[pymodule(
    name = "_heapq",
    functions(
        heapify,
        heapify_max,
        heappop,
        heappop_max,
        heappush,
        heappush_max,
        heappushpop,
        heappushpop_max,
        heapreplace,
        heapreplace_max
    )
)]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
