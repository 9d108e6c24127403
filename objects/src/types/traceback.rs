//! `traceback`: where an exception passed.

use crate::error::{PyResult, type_error, value_error};
use crate::types::frame::PyFrame;
use crate::types::r#type::PyType;
use orochi_compiler::code::WORD_BYTES;
use orochi_core::{AtomicField, Field, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Create a new traceback object.
#[pyclass(name = "traceback")]
#[derive(Trace)]
pub struct PyTraceback {
    next: AtomicField,
    frame: Field,
    /// `tb_lasti`: where the instruction word is, in bytes.
    lasti: u32,
    /// A line that was given; 0: that of the instruction.
    line: u32,
}

/// A traceback entry before `next`.
pub fn new(
    thread: &mut Thread,
    next: Option<Value>,
    frame: Owned<PyFrame>,
    instruction: u32,
) -> PyResult<Owned<PyTraceback>> {
    let payload = PyTraceback {
        next: next.map_or_else(AtomicField::empty, AtomicField::new_local),
        frame: Field::new_local(frame.into_value()),
        lasti: instruction.saturating_mul(WORD_BYTES),
        line: 0,
    };
    crate::make(thread, payload)
}

impl PyTraceback {
    /// The next (inner) entry.
    pub fn next(&self, thread: &Thread) -> Option<Owned<PyTraceback>> {
        self.next.get(thread)?.downcast().ok()
    }

    /// The frame.
    pub fn frame(&self) -> Option<&Obj<PyFrame>> {
        self.frame.fixed().downcast()
    }

    /// The line.
    pub fn line(&self) -> u32 {
        match (self.line, self.frame()) {
            (0, Some(frame)) => frame.code().line_of(self.instruction()),
            (line, _) => line,
        }
    }

    /// The index of the instruction word.
    pub fn instruction(&self) -> u32 {
        self.lasti / WORD_BYTES
    }
}

#[pymethods]
impl PyTraceback {
    fn __dir__(thread: &mut Thread, _this: &Obj<Self>) -> PyResult {
        let names = ["tb_frame", "tb_next", "tb_lasti", "tb_lineno"];
        let names = names.map(|name| crate::str::new(thread, name)).into_iter().collect::<PyResult<_>>()?;
        crate::types::list_object(thread, names)
    }

    #[new]
    #[signature(tb_next, tb_frame, tb_lasti, tb_lineno)]
    fn new(
        thread: &mut Thread,
        _cls: &Obj<PyType>,
        tb_next: Ref,
        tb_frame: &Obj<PyFrame>,
        tb_lasti: i32,
        tb_lineno: i32,
    ) -> PyResult {
        if !tb_next.is_none() && tb_next.downcast::<PyTraceback>().is_none() {
            let given = crate::class_of(tb_next).name();
            return Err(type_error(format!("expected traceback object or None, got '{given}'")));
        }
        let next =
            if tb_next.is_none() { AtomicField::empty() } else { AtomicField::new_local(tb_next.to_owned()) };
        let payload = PyTraceback {
            next,
            frame: Field::new_local(tb_frame.to_value()),
            lasti: tb_lasti.max(0) as u32,
            line: tb_lineno.max(0) as u32,
        };
        Ok(crate::make(thread, payload)?.into_value())
    }

    #[getter]
    fn tb_next(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Ok(this.next.get(thread).unwrap_or(Value::NONE))
    }

    #[setter]
    fn set_tb_next(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref>) -> PyResult<()> {
        let Some(value) = value else {
            return Err(type_error("can't delete tb_next attribute"));
        };
        let mut next = None;
        if !value.is_none() {
            let Some(traceback) = value.downcast::<PyTraceback>() else {
                let given = crate::class_of(value).name();
                return Err(type_error(format!("expected traceback object or None, got '{given}'")));
            };
            let mut cursor = Some(traceback.to_owned());
            while let Some(entry) = cursor {
                if std::ptr::eq(&*entry, this) {
                    return Err(value_error("traceback loop detected"));
                }
                cursor = entry.next(thread);
            }
            next = Some(value.to_owned());
        }
        drop(this.next.swap(this, thread, next));
        Ok(())
    }

    #[member]
    fn tb_frame(this: &Obj<Self>) -> Value {
        this.frame.fixed().to_owned()
    }

    #[member]
    fn tb_lasti(this: &Obj<Self>) -> u32 {
        this.lasti
    }

    #[getter]
    fn tb_lineno(this: &Obj<Self>) -> u32 {
        this.line()
    }
}
