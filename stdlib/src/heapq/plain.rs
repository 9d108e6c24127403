//! Heaps whose items compare without Python code: each function is done with the list locked, so that other threads see it as
//! one step. It finds the way that an item has to go before it changes anything; if a comparison on the way needs Python code it
//! gives up, and nothing has happened.

use super::Order;
use orochi_core::Field;
use orochi_objects::protocol::compare::plain_order;
use orochi_objects::storage::list::arrange::Arranging;
use orochi_objects::types::list::PyList;
use orochi_objects::{Obj, Owner, Ref, Thread, Value};
use std::cmp::Ordering;

/// The places on a way through a heap: as many as any heap is high.
struct Way {
    places: [usize; 64],
    len: usize,
}

impl Way {
    fn new(start: usize) -> Way {
        let mut way = Way { places: [0; 64], len: 0 };
        way.add(start);
        way
    }

    fn add(&mut self, place: usize) {
        if let Some(next) = self.places.get_mut(self.len) {
            *next = place;
            self.len += 1;
        }
    }

    fn places(&self) -> &[usize] {
        self.places.get(..self.len).unwrap_or_default()
    }

    /// Moves the first place's item to the last one, and each other by one towards the first.
    fn go(&self, heap: &Arranging<'_>) {
        for pair in self.places().windows(2) {
            if let [from, to] = *pair {
                heap.swap(from, to);
            }
        }
    }
}

/// Whether `a` goes nearer to the top than `b`; `None` if Python code must say.
fn before(a: Ref<'_>, b: Ref<'_>, order: Order) -> Option<bool> {
    let found = plain_order(a, b)?;
    Some(match order {
        Order::Least => found == Ordering::Less,
        Order::Greatest => found == Ordering::Greater,
    })
}

/// The way up of an item that is put at `at`.
fn way_up(heap: &Arranging<'_>, item: Ref<'_>, mut at: usize, order: Order) -> Option<Way> {
    let mut way = Way::new(at);
    while at > 0 {
        let parent = (at - 1) / 2;
        if !before(item, heap.get(parent)?, order)? {
            break;
        }
        way.add(parent);
        at = parent;
    }
    Some(way)
}

/// The way down of an item that is put at `top` of a heap of `len` items: along the better children to a leaf, and back up to
/// where it belongs.
fn way_down(heap: &Arranging<'_>, item: Ref<'_>, top: usize, len: usize, order: Order) -> Option<Way> {
    let mut way = Way::new(top);
    let mut at = top;
    while at < len / 2 {
        let (left, right) = (2 * at + 1, 2 * at + 2);
        at = if right < len && !before(heap.get(left)?, heap.get(right)?, order)? { right } else { left };
        way.add(at);
    }
    while let Some(&last) = way.places().last().filter(|&&last| last != top) {
        if !before(item, heap.get(last)?, order)? {
            break;
        }
        way.len -= 1;
    }
    Some(way)
}

/// Runs `f` on the locked list, with `value` as a field that may be put into it; fields that are left over are dropped
/// after that.
fn with_field<R>(
    thread: &Thread,
    heap: &Obj<PyList>,
    value: Ref<'_>,
    f: impl FnOnce(&Arranging<'_>, Field) -> (R, Option<Field>),
) -> (R, Option<Value>) {
    let owner = Owner::from(heap);
    let field = owner.store(value.to_owned());
    let (result, left) = heap.storage().arrange(owner, thread, |heap| f(heap, field));
    (result, left.and_then(Field::into_value))
}

/// Adds an item; false if it couldn't, and nothing has happened.
pub(super) fn push(thread: &mut Thread, heap: &Obj<PyList>, value: Ref<'_>, order: Order) -> bool {
    let (done, _) = with_field(thread, heap, value, |heap, field| {
        let Some(way) = way_up(heap, value, heap.len(), order) else { return (false, Some(field)) };
        if let Err(field) = heap.push(field) {
            return (false, Some(field));
        }
        way.go(heap);
        (true, None)
    });
    done
}

/// Takes the top out; `None` if it couldn't, and nothing has happened.
pub(super) fn pop(thread: &mut Thread, heap: &Obj<PyList>, order: Order) -> Option<Value> {
    let top = heap.storage().arrange(Owner::from(heap), thread, |heap| {
        let last = heap.len().checked_sub(1)?;
        if last == 0 {
            return heap.pop();
        }
        let way = way_down(heap, heap.get(last)?, 0, last, order)?;
        let item = heap.pop()?;
        let top = heap.replace(0, item);
        way.go(heap);
        Some(top)
    });
    top?.into_value()
}

/// Puts a value in the place of the top, and gives that; `None` if it couldn't, and nothing has happened.
pub(super) fn replace_top(
    thread: &mut Thread,
    heap: &Obj<PyList>,
    value: Ref<'_>,
    order: Order,
) -> Option<Value> {
    let (done, top) =
        with_field(thread, heap, value, |heap, field| match way_down(heap, value, 0, heap.len(), order) {
            Some(way) if !heap.is_empty() => {
                let top = heap.replace(0, field);
                way.go(heap);
                (true, Some(top))
            }
            _ => (false, Some(field)),
        });
    top.filter(|_| done)
}

/// Adds a value and takes the top out; `None` if it couldn't, and nothing has happened.
pub(super) fn push_pop(
    thread: &mut Thread,
    heap: &Obj<PyList>,
    value: Ref<'_>,
    order: Order,
) -> Option<Value> {
    let (done, top) = with_field(thread, heap, value, |heap, field| {
        let Some(top) = heap.get(0) else { return (true, Some(field)) };
        match before(top, value, order) {
            None => (false, Some(field)),
            Some(false) => (true, Some(field)),
            Some(true) => match way_down(heap, value, 0, heap.len(), order) {
                None => (false, Some(field)),
                Some(way) => {
                    let top = heap.replace(0, field);
                    way.go(heap);
                    (true, Some(top))
                }
            },
        }
    });
    top.filter(|_| done)
}

/// Makes a heap of the list; false if it couldn't, and then it may have begun.
pub(super) fn build(thread: &mut Thread, heap: &Obj<PyList>, order: Order) -> bool {
    heap.storage().arrange(Owner::from(heap), thread, |heap| {
        let len = heap.len();
        (0..len / 2).rev().all(|at| {
            let way = heap.get(at).and_then(|item| way_down(heap, item, at, len, order));
            way.is_some_and(|way| {
                way.go(heap);
                true
            })
        })
    })
}
