//! `cmp_to_key`: a comparison function as a sort key.

use orochi_core::{Field, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pyfunction, pymethods};
use orochi_objects::error::type_error;
use orochi_objects::protocol::{self, CompareOp};
use orochi_objects::{PyResult, int};

/// An object that compares as a comparison function says; without an object, what makes such objects.
#[pyclass(name = "KeyWrapper", module = "functools", no_new)]
#[derive(Trace)]
pub(crate) struct KeyWrapper {
    function: Field,
    object: Option<Field>,
}

fn wrapper(thread: &Thread, function: Value, object: Option<Value>) -> PyResult<Owned<KeyWrapper>> {
    let (function, object) = (Field::new_local(function), object.map(Field::new_local));
    orochi_objects::make(thread, KeyWrapper { function, object })
}

/// Convert a cmp= function into a key= function.
///
///   mycmp
///     Function that compares two objects.
#[pyfunction]
#[signature(mycmp)]
pub(crate) fn cmp_to_key(thread: &mut Thread, mycmp: Ref<'_>) -> PyResult {
    Ok(wrapper(thread, mycmp.to_owned(), None)?.into_value())
}

#[pymethods]
impl KeyWrapper {
    #[call]
    #[signature(obj)]
    fn call(thread: &mut Thread, this: &Obj<Self>, obj: Ref<'_>) -> PyResult {
        Ok(wrapper(thread, this.function.fixed().to_owned(), Some(obj.to_owned()))?.into_value())
    }

    /// Value wrapped by a key function.
    #[getter]
    fn obj(this: &Obj<Self>) -> PyResult {
        match &this.object {
            Some(object) => Ok(object.fixed().to_owned()),
            None => Err(orochi_objects::error::attribute_error_message("object")),
        }
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(left), Some(right)) = (left.downcast::<KeyWrapper>(), right.downcast::<KeyWrapper>())
        else {
            return Err(type_error("other argument must be K instance"));
        };
        let (Some(a), Some(b)) = (&left.object, &right.object) else {
            return Err(orochi_objects::error::attribute_error_message("object"));
        };
        let order = protocol::call(thread, left.function.fixed(), &[a.fixed(), b.fixed()])?;
        let zero = int::new(thread, 0)?;
        protocol::rich_compare(thread, order.get(), zero.get(), op)
    }
}
