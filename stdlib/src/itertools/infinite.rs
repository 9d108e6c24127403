//! `count`, `cycle`, `repeat`.

use orochi_core::{AtomicField, Field, Guarded, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::type_error;
use orochi_objects::protocol::{self, number};
use orochi_objects::types::int;
use orochi_objects::{PyResult, PyType, str};

/// Return a count object whose .__next__() method returns consecutive values.
///
/// Equivalent to:
///     def count(firstval=0, step=1):
///         x = firstval
///         while 1:
///             yield x
///             x += step
#[pyclass(name = "count", module = "itertools", subclassable)]
#[derive(Trace)]
pub(crate) struct Count {
    current: AtomicField,
    step: Field,
}

fn check_number(object: Ref<'_>) -> PyResult<()> {
    let slots = &orochi_objects::class_of(object).slots;
    let number = int::is_int(object)
        || slots.nb_index().is_some()
        || slots.nb_int().is_some()
        || slots.nb_float().is_some()
        || slots.nb_add().is_some();
    if number { Ok(()) } else { Err(type_error("a number is required")) }
}

#[pymethods]
impl Count {
    #[new]
    #[signature(start = 0, step = 1)]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        start: Option<Ref<'_>>,
        step: Option<Ref<'_>>,
    ) -> PyResult {
        for given in start.iter().chain(step.iter()) {
            check_number(*given)?;
        }
        let current = start.map_or_else(|| int::new(thread, 0), |start| Ok(start.to_owned()))?;
        let step = step.map_or_else(|| int::new(thread, 1), |step| Ok(step.to_owned()))?;
        let count = Count { current: AtomicField::new_local(current), step: Field::new_local(step) };
        Ok(orochi_objects::alloc(thread, cls, count)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        loop {
            let Some(current) = this.current.get(thread) else { return Ok(None) };
            let next = match (current.get().as_small_int(), this.step.fixed().as_small_int()) {
                // Neither is above 62 bits: no overflow.
                (Some(a), Some(b)) => int::new(thread, a + b)?,
                _ => number::add(thread, current.get(), this.step.fixed())?,
            };
            // Whoever else counted meanwhile got this number: each is given out once.
            if let Ok(counted) = this.current.replace_if(this, thread, &current, next) {
                return Ok(Some(counted));
            }
        }
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let current = this.current.get(thread).unwrap_or(Value::NONE);
        let shown = protocol::repr(thread, current.get())?;
        let shown = str::display(shown.get());
        if this.step.fixed().as_small_int() == Some(1) {
            return str::new(thread, &format!("count({shown})"));
        }
        let step = protocol::repr(thread, this.step.fixed())?;
        str::new(thread, &format!("count({shown}, {})", str::display(step.get())))
    }
}

/// Return elements from the iterable until it is exhausted. Then repeat the sequence indefinitely.
#[pyclass(name = "cycle", module = "itertools", subclassable)]
#[derive(Trace)]
pub(crate) struct Cycle {
    /// The iterator; nothing once it is exhausted.
    iterator: AtomicField,
    saved: Guarded<Saved>,
}

#[derive(Trace)]
struct Saved {
    items: Vec<Field>,
    next: usize,
}

#[pymethods]
impl Cycle {
    #[new]
    #[signature(iterable, /)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, iterable: Ref<'_>) -> PyResult {
        let iterator = protocol::iter(thread, iterable)?;
        let saved = Guarded::new(Saved { items: Vec::new(), next: 0 });
        let cycle = Cycle { iterator: AtomicField::new_local(iterator), saved };
        Ok(orochi_objects::alloc(thread, cls, cycle)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        if let Some(iterator) = this.iterator.get(thread) {
            if let Some(item) = protocol::next(thread, iterator.get())? {
                let copy = item.clone();
                this.saved.with(this, thread, |saved, owner| saved.items.push(owner.store(copy)));
                return Ok(Some(item));
            }
            this.iterator.swap(this, thread, None);
        }
        Ok(this.saved.with(this, thread, |saved, _| {
            let item = saved.items.get(saved.next)?.fixed().to_owned();
            saved.next = if saved.next + 1 == saved.items.len() { 0 } else { saved.next + 1 };
            Some(item)
        }))
    }
}

/// repeat(object [,times]) -> create an iterator which returns the object
/// for the specified number of times.  If not specified, returns the object
/// endlessly.
#[pyclass(name = "repeat", module = "itertools", subclassable)]
#[derive(Trace)]
pub(crate) struct Repeat {
    object: Field,
    /// How often still; `None`: for ever.
    remaining: Guarded<Option<usize>>,
}

#[pymethods]
impl Repeat {
    #[new]
    #[signature(object, times=<missing>)]
    #[no_text_signature]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, object: Ref<'_>, times: Option<Ref<'_>>) -> PyResult {
        let remaining = match times {
            Some(times) => Some(usize::try_from(int::index_i64(thread, times)?).unwrap_or(0)),
            None => None,
        };
        let repeat =
            Repeat { object: Field::new_local(object.to_owned()), remaining: Guarded::new(remaining) };
        Ok(orochi_objects::alloc(thread, cls, repeat)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let go_on = this.remaining.with(this, thread, |remaining, _| match remaining {
            None => true,
            Some(0) => false,
            Some(count) => {
                *count -= 1;
                true
            }
        });
        Ok(go_on.then(|| this.object.fixed().to_owned()))
    }

    /// Private method returning an estimate of len(list(it)).
    #[name = "__length_hint__"]
    fn length_hint(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        let remaining = this.remaining.with(this, thread, |remaining, _| *remaining);
        remaining.ok_or_else(|| type_error("len() of unsized object"))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let shown = protocol::repr(thread, this.object.fixed())?;
        let shown = str::display(shown.get());
        match this.remaining.with(this, thread, |remaining, _| *remaining) {
            None => str::new(thread, &format!("repeat({shown})")),
            Some(count) => str::new(thread, &format!("repeat({shown}, {count})")),
        }
    }
}
