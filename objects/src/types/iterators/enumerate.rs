//! `enumerate`.

use crate::error::PyResult;
use crate::protocol;
use crate::types::r#type::PyType;
use crate::types::{int, tuple};
use orochi_core::{AtomicField, Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Return an enumerate object.
///
///   iterable
///     an object supporting iteration
///
/// The enumerate object yields pairs containing a count (from start, which
/// defaults to zero) and a value yielded by the iterable argument.
///
/// enumerate is useful for obtaining an indexed list:
///     (0, seq[0]), (1, seq[1]), (2, seq[2]), ...
#[pyclass(name = "enumerate", subclassable, generic)]
#[derive(Trace)]
pub struct PyEnumerate {
    iterator: Field,
    count: AtomicField,
}

impl PyEnumerate {
    /// The next number and item, for loops that take them apart.
    #[inline]
    pub fn advance(this: &Obj<Self>, thread: &mut Thread) -> PyResult<Option<[Value; 2]>> {
        let Some(item) = super::next_item(thread, this.iterator.fixed())? else { return Ok(None) };
        let count = this.count.get(thread).unwrap_or(Value::NONE);
        let next = match count.get().as_small_int() {
            Some(small) => int::new(thread, small.wrapping_add(1))?,
            None => {
                let big = int::value(count.get()).map_or_else(Default::default, |n| n.to_big().into_owned());
                int::from_big(thread, big + 1)?
            }
        };
        this.count.swap(this, thread, Some(next));
        Ok(Some([count, item]))
    }
}

#[pymethods]
impl PyEnumerate {
    #[new]
    #[signature(iterable, start = 0)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, iterable: Ref<'_>, start: Option<Ref<'_>>) -> PyResult {
        let count = match start {
            Some(start) => int::index(thread, start)?,
            None => Value::small_int(0).unwrap_or(Value::NONE),
        };
        let iterator = Field::new_local(protocol::iter(thread, iterable)?);
        let made = PyEnumerate { iterator, count: AtomicField::new_local(count) };
        Ok(crate::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        match PyEnumerate::advance(this, thread)? {
            Some(pair) => tuple::of(thread, pair).map(Some),
            None => Ok(None),
        }
    }

    /// Return state information for pickling.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let args = vec![this.iterator.fixed().to_owned(), this.count.get(thread).unwrap_or(Value::NONE)];
        super::reduced_to_class(thread, this.get(), args, None)
    }
}
