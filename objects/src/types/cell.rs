//! `cell`: a variable that inner functions share.

use crate::error::{PyResult, value_error};
use crate::protocol::compare::{CompareOp, rich_compare};
use crate::types::r#type::PyType;
use orochi_core::{AtomicField, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Create a new cell object.
#[pyclass(name = "cell")]
#[derive(Trace)]
pub struct PyCell {
    /// The variable; empty while it is unbound.
    pub contents: AtomicField,
}

/// A cell.
pub fn new(thread: &mut Thread, contents: Option<Value>) -> PyResult<Owned<PyCell>> {
    let contents = contents.map_or_else(AtomicField::empty, AtomicField::new_local);
    crate::make(thread, PyCell { contents })
}

#[pymethods]
impl PyCell {
    #[new]
    #[text_signature = "([contents])"]
    #[signature(contents=<missing>, /)]
    fn new(thread: &mut Thread, _cls: &Obj<PyType>, contents: Option<Ref>) -> PyResult {
        Ok(new(thread, contents.map(Ref::to_owned))?.into_value())
    }

    #[getter]
    fn cell_contents(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        this.contents.get(thread).ok_or_else(|| value_error("cell is empty"))
    }

    #[setter]
    fn set_cell_contents(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref>) -> PyResult<()> {
        drop(this.contents.swap(this, thread, value.map(Ref::to_owned)));
        Ok(())
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref, right: Ref, op: CompareOp) -> PyResult {
        let (Some(a), Some(b)) = (left.downcast::<PyCell>(), right.downcast::<PyCell>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        match (a.contents.get(thread), b.contents.get(thread)) {
            (Some(a), Some(b)) => rich_compare(thread, a.get(), b.get(), op),
            // An empty cell is less than any other.
            (a, b) => Ok(Value::bool(op.holds(a.is_some().cmp(&b.is_some())))),
        }
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let address = this.get().word();
        let text = match this.contents.load(thread) {
            None => format!("<cell at {address:#x}: empty>"),
            Some(value) => {
                format!(
                    "<cell at {address:#x}: {} object at {:#x}>",
                    crate::class_of(value).name(),
                    value.word()
                )
            }
        };
        crate::str::new(thread, &text)
    }
}
