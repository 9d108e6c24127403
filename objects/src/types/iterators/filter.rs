//! `filter`.

use crate::class::PyClass;
use crate::error::{PyResult, type_error};
use crate::protocol;
use crate::types::bool::PyBool;
use crate::types::r#type::PyType;
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// filter(function, iterable, /)
/// --
///
/// Return an iterator yielding those items of iterable for which function(item)
/// is true. If function is None, return the items that are true.
#[pyclass(name = "filter", subclassable)]
#[derive(Trace)]
pub struct PyFilter {
    /// The predicate; None keeps what is true itself.
    function: Field,
    iterator: Field,
}

#[pymethods]
impl PyFilter {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: crate::Args<'_>) -> PyResult {
        let args = crate::new_args::<PyFilter>(cls, args);
        args.no_keywords("filter")?;
        let Some([function, iterable]) = args.exact::<2>() else {
            return Err(type_error(format!("filter expected 2 arguments, got {}", args.len())));
        };
        let iterator = Field::new_local(protocol::iter(thread, iterable)?);
        let made = PyFilter { function: Field::new_local(function.to_owned()), iterator };
        Ok(crate::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let function = this.function.fixed();
        let by_truth = function.is_none() || function.is(PyBool::static_type().get().get());
        while let Some(item) = super::next_item(thread, this.iterator.fixed())? {
            let keep = if by_truth {
                protocol::is_true(thread, item.get())?
            } else {
                let verdict = protocol::call(thread, function, &[item.get()])?;
                protocol::is_true(thread, verdict.get())?
            };
            if keep {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// Return state information for pickling.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let args = vec![this.function.fixed().to_owned(), this.iterator.fixed().to_owned()];
        super::reduced_to_class(thread, this.get(), args, None)
    }
}
