//! `map`.

use super::zip::{strict_keyword, uneven};
use crate::args::Args;
use crate::error::{PyResult, type_error};
use crate::protocol;
use crate::types::r#type::PyType;
use orochi_core::sync::{AtomicBool, Ordering};
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// map(function, iterable, /, *iterables, strict=False)
/// --
///
/// Make an iterator that computes the function using arguments from
/// each of the iterables.  Stops when the shortest iterable is exhausted.
///
/// If strict is true and one of the arguments is exhausted before the others,
/// raise a ValueError.
#[pyclass(name = "map", subclassable)]
#[derive(Trace)]
pub struct PyMap {
    function: Field,
    iterators: Box<[Field]>,
    strict: AtomicBool,
}

#[pymethods]
impl PyMap {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let strict = strict_keyword(thread, &args, "map")?;
        let Some(function) = args.get(0).filter(|_| args.len() >= 2) else {
            return Err(type_error("map() must have at least two arguments."));
        };
        let iterators: PyResult<Vec<Field>> = args
            .iter()
            .skip(1)
            .map(|iterable| Ok(Field::new_local(protocol::iter(thread, iterable)?)))
            .collect();
        let made = PyMap {
            function: Field::new_local(function.to_owned()),
            iterators: iterators?.into(),
            strict: AtomicBool::new(strict),
        };
        Ok(crate::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        if let [iterator] = &*this.iterators {
            let Some(item) = super::next_item(thread, iterator.fixed())? else { return Ok(None) };
            return protocol::call(thread, this.function.fixed(), &[item.get()]).map(Some);
        }
        let mut items = Vec::with_capacity(this.iterators.len());
        for iterator in &this.iterators {
            match protocol::next(thread, iterator.fixed())? {
                Some(item) => items.push(item),
                None if this.strict.load(Ordering::Relaxed) => {
                    let error = uneven(thread, &this.iterators, items.len(), "map")?;
                    return error.map_or(Ok(None), Err);
                }
                None => return Ok(None),
            }
        }
        let args: Vec<Ref<'_>> = items.iter().map(Value::get).collect();
        protocol::call(thread, this.function.fixed(), &args).map(Some)
    }

    /// Return state information for pickling.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut args = vec![this.function.fixed().to_owned()];
        args.extend(this.iterators.iter().map(|iterator| iterator.fixed().to_owned()));
        let state = this.strict.load(Ordering::Relaxed).then_some(Value::TRUE);
        super::reduced_to_class(thread, this.get(), args, state)
    }

    /// Set state information for unpickling.
    #[name = "__setstate__"]
    fn set_state(this: &Obj<Self>, state: bool) {
        this.strict.store(state, Ordering::Relaxed);
    }
}
