//! Iterators that walk over one other: `accumulate`, `compress`, `dropwhile`, `filterfalse`, `starmap`, `takewhile`.

use orochi_core::sync::{AtomicBool, Ordering};
use orochi_core::{AtomicField, Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::protocol::{self, number};
use orochi_objects::types::iterators::next_item;
use orochi_objects::types::list;
use orochi_objects::{PyResult, PyType};

/// Return series of accumulated sums.
#[pyclass(name = "accumulate", module = "itertools", subclassable)]
#[derive(Trace)]
pub(crate) struct Accumulate {
    iterator: Field,
    /// None adds.
    function: Field,
    total: AtomicField,
    /// The start value, until it has been given out.
    initial: AtomicField,
}

#[pymethods]
impl Accumulate {
    #[new]
    #[signature(iterable, func=None, *, initial=None)]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        iterable: Ref<'_>,
        func: Option<Ref<'_>>,
        initial: Option<Ref<'_>>,
    ) -> PyResult {
        let made = Accumulate {
            iterator: Field::new_local(protocol::iter(thread, iterable)?),
            function: Field::new_local(func.map_or(Value::NONE, Ref::to_owned)),
            total: AtomicField::empty(),
            initial: initial
                .map_or_else(AtomicField::empty, |initial| AtomicField::new_local(initial.to_owned())),
        };
        Ok(orochi_objects::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        if let Some(initial) = this.initial.swap(this, thread, None) {
            this.total.swap(this, thread, Some(initial.clone()));
            return Ok(Some(initial));
        }
        let Some(item) = next_item(thread, this.iterator.fixed())? else { return Ok(None) };
        let total = match this.total.get(thread) {
            None => item,
            Some(total) if this.function.fixed().is_none() => number::add(thread, total.get(), item.get())?,
            Some(total) => protocol::call(thread, this.function.fixed(), &[total.get(), item.get()])?,
        };
        this.total.swap(this, thread, Some(total.clone()));
        Ok(Some(total))
    }
}

/// Return data elements corresponding to true selector elements.
///
/// Forms a shorter iterator from selected data elements using the selectors to
/// choose the data elements.
#[pyclass(name = "compress", module = "itertools", subclassable)]
#[derive(Trace)]
pub(crate) struct Compress {
    data: Field,
    selectors: Field,
}

#[pymethods]
impl Compress {
    #[new]
    #[signature(data, selectors)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, data: Ref<'_>, selectors: Ref<'_>) -> PyResult {
        let data = Field::new_local(protocol::iter(thread, data)?);
        let selectors = Field::new_local(protocol::iter(thread, selectors)?);
        Ok(orochi_objects::alloc(thread, cls, Compress { data, selectors })?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        while let Some(item) = next_item(thread, this.data.fixed())? {
            let Some(selector) = next_item(thread, this.selectors.fixed())? else { return Ok(None) };
            if protocol::is_true(thread, selector.get())? {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
}

/// What a predicate says of an item; `None` the object asks for its truth.
fn holds(thread: &mut Thread, predicate: Ref<'_>, item: &Value) -> PyResult<bool> {
    if predicate.is_none() {
        return protocol::is_true(thread, item.get());
    }
    let verdict = protocol::call(thread, predicate, &[item.get()])?;
    protocol::is_true(thread, verdict.get())
}

macro_rules! with_function {
    ($($(#[$doc:meta])* $type:ident $name:literal $parameter:ident $next:ident;)*) => { $(
        $(#[$doc])*
        #[pyclass(name = $name, module = "itertools", subclassable)]
        #[derive(Trace)]
        pub(crate) struct $type {
            function: Field,
            iterator: Field,
            /// Whether the predicate has decided for good.
            decided: AtomicBool,
        }

        #[pymethods]
        impl $type {
            #[new]
            #[signature($parameter, iterable, /)]
            fn new(thread: &mut Thread, cls: &Obj<PyType>, $parameter: Ref<'_>, iterable: Ref<'_>) -> PyResult {
                let iterator = Field::new_local(protocol::iter(thread, iterable)?);
                let function = Field::new_local($parameter.to_owned());
                let made = $type { function, iterator, decided: AtomicBool::new(false) };
                Ok(orochi_objects::alloc(thread, cls, made)?.into_value())
            }

            #[slot]
            fn tp_iter(this: Ref<'_>) -> Value {
                this.to_owned()
            }

            #[slot]
            fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
                $next(thread, this.function.fixed(), this.iterator.fixed(), &this.decided)
            }
        }
    )* };
}

with_function! {
    /// Drop items from the iterable while predicate(item) is true.
    ///
    /// Afterwards, return every element until the iterable is exhausted.
    DropWhile "dropwhile" predicate drop_while;
    /// Return those items of iterable for which function(item) is false.
    ///
    /// If function is None, return the items that are false.
    FilterFalse "filterfalse" function filter_false;
    /// Return an iterator whose values are returned from the function evaluated with an argument tuple taken from the given sequence.
    StarMap "starmap" function star_map;
    /// Return successive entries from an iterable as long as the predicate evaluates to true for each entry.
    TakeWhile "takewhile" predicate take_while;
}

fn drop_while(
    thread: &mut Thread,
    function: Ref<'_>,
    iterator: Ref<'_>,
    decided: &AtomicBool,
) -> PyResult<Option<Value>> {
    while let Some(item) = next_item(thread, iterator)? {
        if decided.load(Ordering::Relaxed) {
            return Ok(Some(item));
        }
        let verdict = protocol::call(thread, function, &[item.get()])?;
        if !protocol::is_true(thread, verdict.get())? {
            decided.store(true, Ordering::Relaxed);
            return Ok(Some(item));
        }
    }
    Ok(None)
}

fn filter_false(
    thread: &mut Thread,
    function: Ref<'_>,
    iterator: Ref<'_>,
    _decided: &AtomicBool,
) -> PyResult<Option<Value>> {
    while let Some(item) = next_item(thread, iterator)? {
        if !holds(thread, function, &item)? {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

fn star_map(
    thread: &mut Thread,
    function: Ref<'_>,
    iterator: Ref<'_>,
    _decided: &AtomicBool,
) -> PyResult<Option<Value>> {
    let Some(args) = next_item(thread, iterator)? else { return Ok(None) };
    let args = list::to_values(thread, args.get())?;
    let args: Vec<Ref<'_>> = args.iter().map(Value::get).collect();
    protocol::call(thread, function, &args).map(Some)
}

fn take_while(
    thread: &mut Thread,
    function: Ref<'_>,
    iterator: Ref<'_>,
    decided: &AtomicBool,
) -> PyResult<Option<Value>> {
    if decided.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let Some(item) = next_item(thread, iterator)? else { return Ok(None) };
    let verdict = protocol::call(thread, function, &[item.get()])?;
    if protocol::is_true(thread, verdict.get())? {
        return Ok(Some(item));
    }
    decided.store(true, Ordering::Relaxed);
    Ok(None)
}
