//! `float`: how floats are represented and made. Arithmetic and methods are in `float_/`.

use crate::class::PyClass;
use crate::error::PyResult;
use crate::quick::{Quick, Registers};
use crate::types::r#type::PyType;
use orochi_core::word;
use orochi_core::{Field, Obj, Ref, Thread, Trace, Value};
use orochi_macros::{pyclass, pymethods};

/// `float(number)` of floats and ints that need no memory.
fn quick_call(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    let Some([number]) = args.exactly() else { return Quick::OTHER };
    let value = number.as_flonum().or_else(|| number.as_small_int().map(|small| small as f64));
    match value.and_then(word::from_float) {
        // SAFETY: not a reference.
        Some(word) => unsafe { Quick::from_word(word) },
        None => Quick::OTHER,
    }
}

/// Convert a string or number to a floating-point number, if possible.
#[pyclass(name = "float", subclassable, quick(quick_call), flags(MATCH_SELF))]
pub struct PyFloat {
    value: f64,
}

// SAFETY: holds no fields.
unsafe impl Trace for PyFloat {
    const HAS_FIELDS: bool = false;
    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}

/// A float.
#[inline]
pub fn new(thread: &Thread, value: f64) -> PyResult {
    match Value::flonum(value) {
        Some(word) => Ok(word),
        None => heap(thread, PyFloat::static_type().get(), value),
    }
}

/// A heap float of this class; for subclasses of `float`.
pub fn heap(thread: &Thread, class: &Obj<PyType>, value: f64) -> PyResult {
    Ok(crate::alloc(thread, class, PyFloat { value })?.into_value())
}

/// The value of a float (instances of subclasses included).
#[inline]
pub fn value(object: Ref<'_>) -> Option<f64> {
    match object.as_flonum() {
        Some(value) => Some(value),
        None => object.downcast::<PyFloat>().map(|float| float.value),
    }
}

#[pymethods(parts(
    crate::types::float_::arith::ARITH,
    crate::types::float_::construct::CONSTRUCT,
    crate::types::float_::methods::METHODS
))]
impl PyFloat {
    #[slot]
    fn tp_repr(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        crate::str::new(thread, &orochi_text::float::repr(value(this).unwrap_or(f64::NAN)))
    }
}
