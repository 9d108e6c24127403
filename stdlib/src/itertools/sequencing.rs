//! Iterators that put others end to end, cut or join them: `chain`, `islice`, `pairwise`, `batched`, `zip_longest`.

use orochi_core::sync::{AtomicUsize, Ordering};
use orochi_core::{AtomicField, Field, Guarded, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{type_error, value_error};
use orochi_objects::protocol;
use orochi_objects::types::int::{self, IntRef};
use orochi_objects::types::iterators::next_item;
use orochi_objects::types::tuple;
use orochi_objects::{ArgSlice, Args, PyResult, PyType};

/// Return a chain object whose .__next__() method returns elements from the
/// first iterable until it is exhausted, then elements from the next
/// iterable, until all of the iterables are exhausted.
#[pyclass(name = "chain", module = "itertools", subclassable, generic)]
#[derive(Trace)]
pub(crate) struct Chain {
    /// The iterator over the iterables; nothing at the end.
    source: AtomicField,
    active: AtomicField,
}

impl Chain {
    fn over(thread: &mut Thread, cls: &Obj<PyType>, iterables: Ref<'_>) -> PyResult {
        let source = AtomicField::new_local(protocol::iter(thread, iterables)?);
        let chain = Chain { source, active: AtomicField::empty() };
        Ok(orochi_objects::alloc(thread, cls, chain)?.into_value())
    }
}

#[pymethods]
impl Chain {
    #[new]
    #[signature(*iterables)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, iterables: ArgSlice<'_>) -> PyResult {
        let iterables = tuple::new(thread, iterables.iter().map(Ref::to_owned).collect())?;
        Chain::over(thread, cls, iterables.get())
    }

    /// Alternative chain() constructor taking a single iterable argument that evaluates lazily.
    #[classmethod]
    fn from_iterable(thread: &mut Thread, cls: &Obj<PyType>, iterable: Ref<'_>) -> PyResult {
        Chain::over(thread, cls, iterable)
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        while let Some(source) = this.source.get(thread) {
            let active = match this.active.get(thread) {
                Some(active) => active,
                None => {
                    let next = match next_item(thread, source.get()) {
                        Ok(Some(iterable)) => protocol::iter(thread, iterable.get()),
                        Ok(None) => {
                            this.source.swap(this, thread, None);
                            return Ok(None);
                        }
                        Err(error) => Err(error),
                    };
                    match next {
                        Ok(active) => {
                            this.active.swap(this, thread, Some(active.clone()));
                            active
                        }
                        Err(error) => {
                            this.source.swap(this, thread, None);
                            return Err(error);
                        }
                    }
                }
            };
            if let Some(item) = next_item(thread, active.get())? {
                return Ok(Some(item));
            }
            this.active.swap(this, thread, None);
        }
        Ok(None)
    }
}

/// islice(iterable, stop) --> islice object
/// islice(iterable, start, stop[, step]) --> islice object
///
/// Return an iterator whose next() method returns selected values from an
/// iterable.  If start is specified, will skip all preceding elements;
/// otherwise, start defaults to zero.  Step defaults to one.  If
/// specified as another value, step determines how many values are
/// skipped between successive calls.  Works like a slice() on a list
/// but returns an iterator.
#[pyclass(name = "islice", module = "itertools", subclassable)]
#[derive(Trace)]
pub(crate) struct ISlice {
    /// Nothing once the end is reached.
    iterator: AtomicField,
    /// The position of the item to give out next, and that of the iterator.
    next: AtomicUsize,
    position: AtomicUsize,
    stop: Option<usize>,
    step: usize,
}

fn position(thread: &mut Thread, object: Ref<'_>, message: &'static str) -> PyResult<Option<usize>> {
    if object.is_none() {
        return Ok(None);
    }
    let index = int::index(thread, object).map_err(|_| value_error(message))?;
    let index =
        int::value(index.get()).and_then(IntRef::to_i64).and_then(|index| usize::try_from(index).ok());
    index.map(Some).ok_or_else(|| value_error(message))
}

#[pymethods]
impl ISlice {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        const STOP: &str = "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.";
        const BOTH: &str = "Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.";
        const STEP: &str = "Step for islice() must be a positive integer or None.";
        let args = orochi_objects::new_args::<ISlice>(cls, args);
        args.no_keywords("islice")?;
        let iterable = args.get(0).filter(|_| (2..=4).contains(&args.len())).ok_or_else(|| {
            let given = args.len();
            let bound = if given < 2 { "at least 2" } else { "at most 4" };
            type_error(format!("islice expected {bound} arguments, got {given}"))
        })?;
        let at = |i| args.get(i).unwrap_or(Ref::NONE);
        let (start, stop) = if args.len() == 2 {
            (0, position(thread, at(1), STOP)?)
        } else {
            let stop = position(thread, at(2), STOP)?;
            (position(thread, at(1), BOTH)?.unwrap_or(0), stop)
        };
        let step = position(thread, at(3), STEP)?.unwrap_or(1);
        if step == 0 {
            return Err(value_error(STEP));
        }
        let made = ISlice {
            iterator: AtomicField::new_local(protocol::iter(thread, iterable)?),
            next: AtomicUsize::new(start),
            position: AtomicUsize::new(0),
            stop,
            step,
        };
        Ok(orochi_objects::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let Some(iterator) = this.iterator.get(thread) else { return Ok(None) };
        let next = this.next.load(Ordering::Relaxed);
        let limit = this.stop.unwrap_or(usize::MAX);
        let mut position = this.position.load(Ordering::Relaxed);
        // Items up to the next one are skipped, also when that lies at the end.
        while position < next.min(limit) {
            if next_item(thread, iterator.get())?.is_none() {
                this.iterator.swap(this, thread, None);
                return Ok(None);
            }
            position += 1;
            this.position.store(position, Ordering::Relaxed);
        }
        if position >= limit {
            this.iterator.swap(this, thread, None);
            return Ok(None);
        }
        let item = next_item(thread, iterator.get())?;
        if item.is_none() {
            this.iterator.swap(this, thread, None);
        }
        this.position.store(position + 1, Ordering::Relaxed);
        this.next.store(next.saturating_add(this.step).min(limit), Ordering::Relaxed);
        Ok(item)
    }
}

/// Return an iterator of overlapping pairs taken from the input iterator.
///
///     s -> (s0,s1), (s1,s2), (s2, s3), ...
#[pyclass(name = "pairwise", module = "itertools", subclassable)]
#[derive(Trace)]
pub(crate) struct Pairwise {
    /// Nothing at the end.
    iterator: AtomicField,
    previous: AtomicField,
}

#[pymethods]
impl Pairwise {
    #[new]
    #[signature(iterable, /)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, iterable: Ref<'_>) -> PyResult {
        let iterator = AtomicField::new_local(protocol::iter(thread, iterable)?);
        let made = Pairwise { iterator, previous: AtomicField::empty() };
        Ok(orochi_objects::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let Some(iterator) = this.iterator.get(thread) else { return Ok(None) };
        let mut previous = this.previous.get(thread);
        if previous.is_none() {
            previous = next_item(thread, iterator.get())?;
            this.previous.swap(this, thread, previous.clone());
            if this.iterator.load(thread).is_none() {
                this.previous.swap(this, thread, None);
                return Ok(None);
            }
        }
        let (Some(old), Some(new)) = (previous, next_item(thread, iterator.get())?) else {
            this.iterator.swap(this, thread, None);
            this.previous.swap(this, thread, None);
            return Ok(None);
        };
        this.previous.swap(this, thread, Some(new.clone()));
        Ok(Some(tuple::new(thread, vec![old, new])?.into_value()))
    }
}

/// Batch data into tuples of length n. The last batch may be shorter than n.
///
/// Loops over the input iterable and accumulates data into tuples up to size n.
/// The input is consumed lazily, just enough to fill a batch.  The result is
/// yielded as soon as a batch is full or when the input iterable is exhausted.
#[pyclass(name = "batched", module = "itertools", subclassable)]
#[derive(Trace)]
pub(crate) struct Batched {
    /// Nothing at the end.
    iterator: AtomicField,
    size: usize,
    strict: bool,
}

#[pymethods]
impl Batched {
    #[new]
    #[signature(iterable, n, *, strict=false)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, iterable: Ref<'_>, n: isize, strict: bool) -> PyResult {
        let size = usize::try_from(n).ok().filter(|&n| n > 0);
        let size = size.ok_or_else(|| value_error("n must be at least one"))?;
        let iterator = AtomicField::new_local(protocol::iter(thread, iterable)?);
        Ok(orochi_objects::alloc(thread, cls, Batched { iterator, size, strict })?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let Some(iterator) = this.iterator.get(thread) else { return Ok(None) };
        let mut items = Vec::with_capacity(this.size.min(1024));
        while items.len() < this.size {
            match next_item(thread, iterator.get())? {
                Some(item) => items.push(item),
                None => {
                    this.iterator.swap(this, thread, None);
                    break;
                }
            }
        }
        if items.is_empty() {
            return Ok(None);
        }
        if this.strict && items.len() < this.size {
            return Err(value_error("batched(): incomplete batch"));
        }
        Ok(Some(tuple::new(thread, items)?.into_value()))
    }
}

/// zip_longest(*iterables, fillvalue=None)
/// --
///
/// Return a zip_longest object whose .__next__() method returns a tuple where
/// the i-th element comes from the i-th iterable argument.  The .__next__()
/// method continues until the longest iterable in the argument sequence
/// is exhausted and then it raises StopIteration.  When the shorter iterables
/// are exhausted, the fillvalue is substituted in their place.  The fillvalue
/// defaults to None or can be specified by a keyword argument.
#[pyclass(name = "zip_longest", module = "itertools", subclassable)]
#[derive(Trace)]
pub(crate) struct ZipLongest {
    /// An empty place is an exhausted iterator.
    iterators: Guarded<Vec<Field>>,
    count: usize,
    fill: Field,
}

#[pymethods]
impl ZipLongest {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let mut fill = Value::NONE;
        for (name, value) in args.keywords() {
            if name.as_bytes() != b"fillvalue" {
                return Err(type_error("zip_longest() got an unexpected keyword argument"));
            }
            fill = value.to_owned();
        }
        let iterators: PyResult<Vec<Field>> =
            args.iter().map(|iterable| Ok(Field::new_local(protocol::iter(thread, iterable)?))).collect();
        let iterators = iterators?;
        let made = ZipLongest {
            count: iterators.len(),
            iterators: Guarded::new(iterators),
            fill: Field::new_local(fill),
        };
        Ok(orochi_objects::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let mut items = Vec::with_capacity(this.count);
        let mut any = false;
        for i in 0..this.count {
            let iterator = this.iterators.with(this, thread, |iterators, _| {
                iterators.get(i).filter(|field| !field.is_empty()).map(|field| field.fixed().to_owned())
            });
            let item = match &iterator {
                Some(iterator) => next_item(thread, iterator.get())?,
                None => None,
            };
            any |= item.is_some();
            if item.is_none() && iterator.is_some() {
                let ended = this
                    .iterators
                    .with(this, thread, |iterators, _| iterators.get_mut(i).map(std::mem::take));
                drop(ended);
            }
            items.push(item.unwrap_or_else(|| this.fill.fixed().to_owned()));
        }
        if any { Ok(Some(tuple::new(thread, items)?.into_value())) } else { Ok(None) }
    }
}
