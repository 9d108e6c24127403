//! `zip`.

use crate::args::Args;
use crate::error::{PyErr, PyResult, type_error, value_error};
use crate::protocol;
use crate::types::tuple;
use crate::types::r#type::PyType;
use orochi_core::sync::{AtomicBool, Ordering};
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// zip(*iterables, strict=False)
/// --
///
/// The zip object yields n-length tuples, where n is the number of iterables
/// passed as positional arguments to zip().  The i-th element in every tuple
/// comes from the i-th iterable argument to zip().  This continues until the
/// shortest argument is exhausted.
///
/// If strict is true and one of the arguments is exhausted before the others,
/// raise a ValueError.
///
///    >>> list(zip('abcdefg', range(3), range(4)))
///    [('a', 0, 0), ('b', 1, 1), ('c', 2, 2)]
#[pyclass(name = "zip", subclassable)]
#[derive(Trace)]
pub struct PyZip {
    iterators: Box<[Field]>,
    strict: AtomicBool,
}

/// The `strict` keyword, the only one that `zip` and `map` take.
pub(super) fn strict_keyword(thread: &mut Thread, args: &Args<'_>, function: &str) -> PyResult<bool> {
    let mut strict = false;
    for (name, value) in args.keywords() {
        if name.as_bytes() != b"strict" {
            return Err(type_error(format!(
                "{function}() got an unexpected keyword argument '{name}'",
                name = **name
            )));
        }
        strict = protocol::is_true(thread, value)?;
    }
    Ok(strict)
}

impl PyZip {
    /// The next two items, for loops that take them apart; `None` unless there are two iterators that may end unevenly.
    #[inline]
    pub fn advance(this: &Obj<Self>, thread: &mut Thread) -> Option<PyResult<Option<[Value; 2]>>> {
        match &*this.iterators {
            [first, second] if !this.strict.load(Ordering::Relaxed) => Some(next_two(thread, first, second)),
            _ => None,
        }
    }
}

fn next_two(thread: &mut Thread, first: &Field, second: &Field) -> PyResult<Option<[Value; 2]>> {
    let Some(first) = super::next_item(thread, first.fixed())? else { return Ok(None) };
    let second = super::next_item(thread, second.fixed())?;
    Ok(second.map(|second| [first, second]))
}

#[pymethods]
impl PyZip {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let strict = strict_keyword(thread, &args, "zip")?;
        let iterators: PyResult<Vec<Field>> =
            args.iter().map(|iterable| Ok(Field::new_local(protocol::iter(thread, iterable)?))).collect();
        let made = PyZip { iterators: iterators?.into(), strict: AtomicBool::new(strict) };
        Ok(crate::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        if let Some(next) = PyZip::advance(this, thread) {
            return match next? {
                Some(pair) => tuple::of(thread, pair).map(Some),
                None => Ok(None),
            };
        }
        if this.iterators.is_empty() {
            return Ok(None);
        }
        let mut items = Vec::with_capacity(this.iterators.len());
        for iterator in &this.iterators {
            match super::next_item(thread, iterator.fixed())? {
                Some(item) => items.push(item),
                None if this.strict.load(Ordering::Relaxed) => {
                    let error = uneven(thread, &this.iterators, items.len(), "zip")?;
                    return error.map_or(Ok(None), Err);
                }
                None => return Ok(None),
            }
        }
        Ok(Some(tuple::new(thread, items)?.into_value()))
    }

    /// Return state information for pickling.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let args = this.iterators.iter().map(|iterator| iterator.fixed().to_owned()).collect();
        let state = this.strict.load(Ordering::Relaxed).then_some(Value::TRUE);
        super::reduced_to_class(thread, this.get(), args, state)
    }

    /// Set state information for unpickling.
    #[name = "__setstate__"]
    fn set_state(this: &Obj<Self>, state: bool) {
        this.strict.store(state, Ordering::Relaxed);
    }
}

/// The error when the iterator number `ended` has ended and `strict` is set; `None` if all have ended at once.
pub(super) fn uneven(
    thread: &mut Thread,
    iterators: &[Field],
    ended: usize,
    function: &str,
) -> PyResult<Option<PyErr>> {
    let before =
        |count: usize| if count == 1 { "argument 1".to_owned() } else { format!("arguments 1-{count}") };
    if ended > 0 {
        let place = ended + 1;
        let text = format!("{function}() argument {place} is shorter than {}", before(ended));
        return Ok(Some(value_error(text)));
    }
    for (i, iterator) in iterators.iter().enumerate().skip(1) {
        if protocol::next(thread, iterator.fixed())?.is_some() {
            let place = i + 1;
            let text = format!("{function}() argument {place} is longer than {}", before(i));
            return Ok(Some(value_error(text)));
        }
    }
    Ok(None)
}
