//! `bool`: two immediates.

use crate::error::PyResult;
use crate::types::int::{self, IntRef, PyInt};
use crate::types::int_::arith;
use crate::types::r#type::PyType;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Returns True when the argument is true, False otherwise.
#[pyclass(name = "bool", base = PyInt)]
#[derive(Trace)]
pub struct PyBool {
    /// Never used: True and False are immediates.
    int: PyInt,
}

const INVERSION: &str = "Bitwise inversion '~' on bool is deprecated and will be removed in Python 3.16. This returns the \
    bitwise inversion of the underlying int object and is usually not what you expect from negating a bool. Use the 'not' \
    operator for boolean negation or ~int(x) if you really want the bitwise inversion of the underlying int.";

/// Two bools give a bool, a bool and an int an int.
fn binary(
    thread: &mut Thread,
    left: Ref<'_>,
    right: Ref<'_>,
    of_bools: fn(bool, bool) -> bool,
    of_ints: fn(&Thread, IntRef<'_>, IntRef<'_>) -> PyResult,
) -> PyResult {
    if let (Some(a), Some(b)) = (left.as_bool(), right.as_bool()) {
        return Ok(Value::bool(of_bools(a, b)));
    }
    match (int::value(left), int::value(right)) {
        (Some(a), Some(b)) => of_ints(thread, a, b),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

#[pymethods]
impl PyBool {
    #[new]
    #[signature(object = false, /)]
    fn new(thread: &mut Thread, _cls: &Obj<PyType>, object: Option<Ref<'_>>) -> PyResult {
        Ok(Value::bool(object.map_or(Ok(false), |object| crate::protocol::is_true(thread, object))?))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        crate::str::new(thread, if this.is(Ref::TRUE) { "True" } else { "False" })
    }

    #[slot]
    fn nb_and(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, |a, b| a & b, arith::and)
    }

    #[slot]
    fn nb_or(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, |a, b| a | b, arith::or)
    }

    #[slot]
    fn nb_xor(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, |a, b| a ^ b, arith::xor)
    }

    #[slot]
    fn nb_invert(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        crate::warn::deprecation(thread, INVERSION)?;
        crate::int::new(thread, !i64::from(this.is(Ref::TRUE)))
    }
}
