//! `groupby`: runs of items with the same key.

use orochi_core::{AtomicField, Field, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::types::iterators::next_item;
use orochi_objects::types::tuple;
use orochi_objects::{PyResult, PyType, protocol};

/// make an iterator that returns consecutive keys and groups from the iterable
///
/// iterable
///   Elements to divide into groups according to the key function.
/// key
///   A function for computing the group category for each element.
///   If the key function is not specified or is None, the element itself
///   is used for grouping.
#[pyclass(name = "groupby", module = "itertools", subclassable)]
#[derive(Trace)]
pub(crate) struct GroupBy {
    iterator: Field,
    function: Field,
    /// The key of the group that is being given out.
    target: AtomicField,
    /// The key and value of the item read last.
    key: AtomicField,
    value: AtomicField,
    /// The group given out last: others have ended.
    group: AtomicField,
}

/// The items of one group.
#[pyclass(name = "_grouper", module = "itertools")]
#[derive(Trace)]
pub(crate) struct Grouper {
    parent: Field,
    target: Field,
}

impl GroupBy {
    /// Reads an item and its key; whether there is one.
    fn step(this: &Obj<GroupBy>, thread: &mut Thread) -> PyResult<bool> {
        let Some(value) = next_item(thread, this.iterator.fixed())? else { return Ok(false) };
        let key = if this.function.fixed().is_none() {
            value.clone()
        } else {
            protocol::call(thread, this.function.fixed(), &[value.get()])?
        };
        this.value.swap(this, thread, Some(value));
        this.key.swap(this, thread, Some(key));
        Ok(true)
    }
}

impl Grouper {
    fn of(thread: &mut Thread, parent: &Obj<GroupBy>, target: Ref<'_>) -> PyResult<Owned<Grouper>> {
        let grouper = Grouper {
            parent: Field::new_local(parent.to_value()),
            target: Field::new_local(target.to_owned()),
        };
        let made = orochi_objects::make(thread, grouper)?;
        // A weak link: only its identity matters, and a dead group is never asked.
        let identity = made.get().word() >> 3;
        let identity = Value::small_int(identity.cast_signed()).unwrap_or(Value::NONE);
        parent.group.swap(parent, thread, Some(identity));
        Ok(made)
    }
}

#[pymethods]
impl GroupBy {
    #[new]
    #[signature(iterable, key=None)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, iterable: Ref<'_>, key: Option<Ref<'_>>) -> PyResult {
        let made = GroupBy {
            iterator: Field::new_local(protocol::iter(thread, iterable)?),
            function: Field::new_local(key.map_or(Value::NONE, Ref::to_owned)),
            target: AtomicField::empty(),
            key: AtomicField::empty(),
            value: AtomicField::empty(),
            group: AtomicField::empty(),
        };
        Ok(orochi_objects::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        this.group.swap(this, thread, None);
        // The rest of the present group is skipped.
        let key = loop {
            match (this.key.get(thread), this.target.get(thread)) {
                (Some(key), Some(target)) => {
                    if !protocol::eq(thread, target.get(), key.get())? {
                        break key;
                    }
                }
                (Some(key), None) => break key,
                (None, _) => {}
            }
            if !GroupBy::step(this, thread)? {
                return Ok(None);
            }
        };
        this.target.swap(this, thread, Some(key.clone()));
        let group = Grouper::of(thread, this, key.get())?.into_value();
        Ok(Some(tuple::new(thread, vec![key, group])?.into_value()))
    }
}

#[pymethods]
impl Grouper {
    #[new]
    #[no_text_signature]
    #[signature(parent, target, /)]
    fn new(thread: &mut Thread, _cls: &Obj<PyType>, parent: &Obj<GroupBy>, target: Ref<'_>) -> PyResult {
        Ok(Grouper::of(thread, parent, target)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let Some(parent) = this.parent.fixed().downcast::<GroupBy>() else { return Ok(None) };
        let identity = (this.get().word() >> 3).cast_signed();
        let current = parent.group.load(thread).and_then(Ref::as_small_int);
        if current != Some(identity) {
            return Ok(None);
        }
        if parent.value.load(thread).is_none() && !GroupBy::step(parent, thread)? {
            return Ok(None);
        }
        let Some(key) = parent.key.get(thread) else { return Ok(None) };
        if !protocol::eq(thread, this.target.fixed(), key.get())? {
            return Ok(None);
        }
        Ok(parent.value.swap(parent, thread, None))
    }
}
