//! `tee`: several iterators over one, which share a chain of blocks of items.

use orochi_core::sync::{AtomicBool, AtomicUsize, Ordering};
use orochi_core::{AtomicField, Field, Guarded, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pyfunction, pymethods};
use orochi_objects::error::{runtime_error, type_error, value_error};
use orochi_objects::types::tuple;
use orochi_objects::{PyResult, PyType, protocol};

/// Items in a block.
const BLOCK: usize = 57;

/// A block of items, and the way to those behind.
#[pyclass(name = "_tee_dataobject", module = "itertools", no_new, no_methods)]
#[derive(Trace)]
pub(crate) struct TeeData {
    iterator: Field,
    items: Guarded<Vec<Field>>,
    next: AtomicField,
    running: AtomicBool,
}

/// Iterator wrapped to make it copyable.
#[pyclass(name = "_tee", module = "itertools", weakref)]
#[derive(Trace)]
pub(crate) struct Tee {
    block: AtomicField,
    index: AtomicUsize,
}

fn new_block(thread: &Thread, iterator: Value) -> PyResult {
    let data = TeeData {
        iterator: Field::new_local(iterator),
        items: Guarded::new(Vec::new()),
        next: AtomicField::empty(),
        running: AtomicBool::new(false),
    };
    Ok(orochi_objects::make(thread, data)?.into_value())
}

impl TeeData {
    /// The item with this index, which is read now if nobody has yet.
    fn item(this: &Obj<TeeData>, thread: &mut Thread, index: usize) -> PyResult<Option<Value>> {
        let known = |thread: &Thread| {
            this.items.with(this, thread, |items, _| items.get(index).map(|item| item.fixed().to_owned()))
        };
        if let Some(item) = known(thread) {
            return Ok(Some(item));
        }
        if this.running.swap(true, Ordering::AcqRel) {
            return Err(runtime_error("cannot re-enter the tee iterator"));
        }
        let read = match known(thread) {
            Some(item) => Ok(Some(item)),
            None => protocol::next(thread, this.iterator.fixed()),
        };
        if let Ok(Some(item)) = &read {
            let copy = item.clone();
            this.items.with(this, thread, |items, owner| {
                if items.len() == index {
                    items.push(owner.store(copy));
                }
            });
        }
        this.running.store(false, Ordering::Release);
        read
    }

    fn next_block(this: &Obj<TeeData>, thread: &mut Thread) -> PyResult {
        if let Some(next) = this.next.get(thread) {
            return Ok(next);
        }
        let fresh = new_block(thread, this.iterator.fixed().to_owned())?;
        match this.next.set_if_empty(this, thread, fresh) {
            Ok(next) | Err((_, next)) => Ok(next.to_owned()),
        }
    }
}

impl Tee {
    fn over(thread: &mut Thread, iterable: Ref<'_>) -> PyResult {
        let iterator = protocol::iter(thread, iterable)?;
        if let Some(tee) = iterator.get().downcast::<Tee>() {
            return Tee::copy_of(thread, tee);
        }
        let block = AtomicField::new_local(new_block(thread, iterator)?);
        Ok(orochi_objects::make(thread, Tee { block, index: AtomicUsize::new(0) })?.into_value())
    }

    fn copy_of(thread: &mut Thread, tee: &Obj<Tee>) -> PyResult {
        let block = AtomicField::new_local(tee.block.get(thread).unwrap_or(Value::NONE));
        let index = AtomicUsize::new(tee.index.load(Ordering::Relaxed));
        Ok(orochi_objects::make(thread, Tee { block, index })?.into_value())
    }
}

#[pymethods]
impl Tee {
    #[new]
    #[signature(iterable, /)]
    fn new(thread: &mut Thread, _cls: &Obj<PyType>, iterable: Ref<'_>) -> PyResult {
        Tee::over(thread, iterable)
    }

    /// Returns an independent iterator.
    #[name = "__copy__"]
    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Tee::copy_of(thread, this)
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let mut block = this.block.get(thread).unwrap_or(Value::NONE);
        let mut index = this.index.load(Ordering::Relaxed);
        let wrong = || type_error("a tee iterator without data");
        if index >= BLOCK {
            let data = block.get().downcast::<TeeData>().ok_or_else(wrong)?;
            block = TeeData::next_block(data, thread)?;
            index = 0;
            this.block.swap(this, thread, Some(block.clone()));
            this.index.store(0, Ordering::Relaxed);
        }
        let data = block.get().downcast::<TeeData>().ok_or_else(wrong)?;
        let item = TeeData::item(data, thread, index)?;
        if item.is_some() {
            this.index.store(index + 1, Ordering::Relaxed);
        }
        Ok(item)
    }
}

/// Returns a tuple of n independent iterators.
#[pyfunction]
#[signature(iterable, n=2, /)]
pub(crate) fn tee(thread: &mut Thread, iterable: Ref<'_>, n: isize) -> PyResult {
    let n = usize::try_from(n).map_err(|_| value_error("n must be >= 0"))?;
    let mut iterators = Vec::new();
    if n > 0 {
        let first = Tee::over(thread, iterable)?;
        let copied =
            first.get().downcast::<Tee>().ok_or_else(|| type_error("a tee iterator without data"))?;
        for _ in 1..n {
            iterators.push(Tee::copy_of(thread, copied)?);
        }
        iterators.insert(0, first.clone());
    }
    Ok(tuple::new(thread, iterators)?.into_value())
}
