//! The views of dicts: `dict_keys`, `dict_values`, `dict_items`, and their set operations.

use super::iteration::{
    DictItemIterator, DictKeyIterator, DictReverseItemIterator, DictReverseKeyIterator,
    DictReverseValueIterator, DictValueIterator,
};
use crate::error::PyResult;
use crate::protocol::{self, CompareOp};
use crate::types::dict::{self, PyDict};
use crate::types::repr_guard;
use crate::types::set::{self, PyFrozenSet, PySet};
use crate::types::tuple::PyTuple;
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_text::wtf8::Wtf8Buf;

macro_rules! views {
    ($($(#[$doc:meta])* $type:ident $name:literal;)*) => { $(
        $(#[$doc])*
        #[pyclass(name = $name, no_new)]
        #[derive(Trace)]
        pub struct $type {
            dict: Field,
        }

        impl $type {
            /// The payload of a view of the dict.
            pub fn payload(dict: &Obj<PyDict>) -> $type {
                $type { dict: Field::new_local(dict.to_value()) }
            }

            /// A view of the dict.
            pub fn of(thread: &Thread, dict: &Obj<PyDict>) -> PyResult<Value> {
                Ok(crate::make(thread, $type::payload(dict))?.into_value())
            }

            /// The dict.
            pub fn dict(&self) -> PyResult<&Obj<PyDict>> {
                crate::slot_receiver::<PyDict>(self.dict.fixed())
            }
        }
    )* };
}

views! {
    /// The keys of a dict.
    DictKeys "dict_keys";
    /// The values of a dict.
    DictValues "dict_values";
    /// The items of a dict.
    DictItems "dict_items";
}

#[pymethods(part = VIEWS)]
impl PyDict {
    /// Return a set-like object providing a view on the dict's keys.
    fn keys(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        DictKeys::of(thread, this)
    }

    /// Return an object providing a view on the dict's values.
    fn values(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        DictValues::of(thread, this)
    }

    /// Return a set-like object providing a view on the dict's items.
    fn items(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        DictItems::of(thread, this)
    }
}

/// The repr of a view: its name around the list of what it shows.
fn view_repr(thread: &mut Thread, view: Ref<'_>, name: &str) -> PyResult {
    let shown = repr_guard::enter(thread, view, |thread| {
        let items = protocol::collect(thread, view)?;
        let list = crate::types::list::new(thread, items)?;
        let mut text = Wtf8Buf::from(name);
        text.push_str("(");
        repr_guard::push_repr(thread, &mut text, list.get())?;
        text.push_str(")");
        repr_guard::finish(thread, &text)
    })?;
    shown.map_or_else(|| crate::str::new(thread, "..."), Ok)
}

/// A mapping proxy of the dict.
fn mapping_of(thread: &mut Thread, dict: &Obj<PyDict>) -> PyResult {
    crate::types::mapping_proxy::new(thread, dict.to_value())
}

macro_rules! common_methods {
    ($type:ident, $name:literal, $iterator:ident, $reverse:ident { $($more:tt)* }) => {
        #[pymethods]
        impl $type {
            #[slot]
            fn sq_length(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
                Ok(dict::len(thread, this.dict()?))
            }

            #[slot]
            fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                $iterator::over(thread, this.dict()?)
            }

            #[slot]
            fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                view_repr(thread, this.get(), $name)
            }

            /// dictionary that this view refers to
            #[getter]
            fn mapping(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                mapping_of(thread, this.dict()?)
            }

            /// Return a reverse iterator over the view.
            #[name = "__reversed__"]
            fn reversed(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                $reverse::over(thread, this.dict()?)
            }

            $($more)*
        }
    };
}

common_methods!(DictValues, "dict_values", DictValueIterator, DictReverseValueIterator {});

macro_rules! set_like_methods {
    ($type:ident, $name:literal, $iterator:ident, $reverse:ident, $contains:ident) => {
        common_methods!($type, $name, $iterator, $reverse {
            #[slot]
            fn sq_contains(thread: &mut Thread, this: &Obj<Self>, item: Ref<'_>) -> PyResult<bool> {
                $contains(thread, this.dict()?, item)
            }

            #[slot]
            fn tp_richcompare(thread: &mut Thread, this: Ref<'_>, other: Ref<'_>, op: CompareOp) -> PyResult {
                compare(thread, this, other, op)
            }

            #[slot]
            fn nb_and(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
                let left = set::from_iterable(thread, left)?;
                set::intersection(thread, &left, right)
            }

            #[slot]
            fn nb_or(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
                let left = set::from_iterable(thread, left)?;
                set::update(thread, &left, right)?;
                Ok(left.into_value())
            }

            #[slot]
            fn nb_subtract(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
                let left = set::from_iterable(thread, left)?;
                set::difference_update(thread, &left, right)?;
                Ok(left.into_value())
            }

            #[slot]
            fn nb_xor(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
                let left = set::from_iterable(thread, left)?;
                set::symmetric_difference_update(thread, &left, right)?;
                Ok(left.into_value())
            }

            /// Return True if the view and the given iterable have a null intersection.
            fn isdisjoint(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult<bool> {
                let mut disjoint = true;
                let iterator = protocol::iter(thread, other)?;
                while disjoint && let Some(item) = protocol::next(thread, iterator.get())? {
                    disjoint = !$contains(thread, this.dict()?, item.get())?;
                }
                Ok(disjoint)
            }
        });
    };
}

set_like_methods!(DictKeys, "dict_keys", DictKeyIterator, DictReverseKeyIterator, has_key);
set_like_methods!(DictItems, "dict_items", DictItemIterator, DictReverseItemIterator, has_item);

fn has_key(thread: &mut Thread, dict: &Obj<PyDict>, key: Ref<'_>) -> PyResult<bool> {
    let key = crate::types::key::Key::for_dict(thread, key)?;
    dict::contains(thread, dict, &key)
}

fn has_item(thread: &mut Thread, dict: &Obj<PyDict>, item: Ref<'_>) -> PyResult<bool> {
    let Some(pair) = item.downcast::<PyTuple>().filter(|pair| pair.len() == 2) else { return Ok(false) };
    let (Some(key), Some(value)) = (pair.item(0), pair.item(1)) else { return Ok(false) };
    match dict::get_item(thread, dict, key)? {
        Some(found) => protocol::eq(thread, found.get(), value),
        None => Ok(false),
    }
}

fn is_set_like(object: Ref<'_>) -> bool {
    object.downcast::<PySet>().is_some()
        || object.downcast::<PyFrozenSet>().is_some()
        || object.downcast::<DictKeys>().is_some()
        || object.downcast::<DictItems>().is_some()
}

fn compare(thread: &mut Thread, this: Ref<'_>, other: Ref<'_>, op: CompareOp) -> PyResult {
    if !is_set_like(other) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (own, others) = (protocol::len(thread, this)?, protocol::len(thread, other)?);
    let result = match op {
        CompareOp::Eq => own == others && all_in(thread, this, other)?,
        CompareOp::Ne => own != others || !all_in(thread, this, other)?,
        CompareOp::Lt => own < others && all_in(thread, this, other)?,
        CompareOp::Le => own <= others && all_in(thread, this, other)?,
        CompareOp::Gt => own > others && all_in(thread, other, this)?,
        CompareOp::Ge => own >= others && all_in(thread, other, this)?,
    };
    Ok(Value::bool(result))
}

/// Whether every item of `these` is in `container`.
fn all_in(thread: &mut Thread, these: Ref<'_>, container: Ref<'_>) -> PyResult<bool> {
    let iterator = protocol::iter(thread, these)?;
    while let Some(item) = protocol::next(thread, iterator.get())? {
        if !protocol::contains(thread, container, item.get())? {
            return Ok(false);
        }
    }
    Ok(true)
}
