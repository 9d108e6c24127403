//! Attributes and methods of frame objects.

use super::{PyFrame, locals};
use crate::error::{PyResult, runtime_error, type_error};
use crate::types::generator;
use orochi_compiler::code::WORD_BYTES;
use orochi_core::sync::{AtomicBool, Ordering};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

fn set_flag(flag: &AtomicBool, value: Option<Ref<'_>>) -> PyResult<()> {
    match value.and_then(Ref::as_bool) {
        Some(value) => {
            flag.store(value, Ordering::Relaxed);
            Ok(())
        }
        None => Err(type_error("attribute value type must be bool")),
    }
}

#[pymethods]
impl PyFrame {
    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let code = &this.code().code;
        let text = format!(
            "<frame at {:#x}, file '{}', line {}, code {}>",
            this.get().word(),
            code.filename,
            this.line(thread),
            code.name
        );
        crate::str::new(thread, &text)
    }

    #[getter]
    fn f_code(this: &Obj<Self>) -> Value {
        this.code().to_value()
    }

    #[getter]
    fn f_globals(this: &Obj<Self>) -> Value {
        this.function().globals().to_value()
    }

    #[getter]
    fn f_builtins(this: &Obj<Self>) -> Value {
        this.function().builtins().to_owned()
    }

    #[getter]
    fn f_locals(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        locals::of_frame(thread, this)
    }

    #[getter]
    fn f_back(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Ok(PyFrame::back(this, thread)?.unwrap_or(Value::NONE))
    }

    #[getter]
    fn f_lasti(thread: &mut Thread, this: &Obj<Self>) -> u32 {
        this.instruction(thread).saturating_mul(WORD_BYTES)
    }

    #[getter]
    fn f_lineno(thread: &mut Thread, this: &Obj<Self>) -> u32 {
        this.line(thread)
    }

    #[getter]
    fn f_trace(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.trace.get(thread).unwrap_or(Value::NONE)
    }

    #[setter]
    fn set_f_trace(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) {
        let value = value.filter(|value| !value.is_none()).map(Ref::to_owned);
        // The line that runs isn't told of again.
        let line = this.line(thread);
        this.traced_line.store(line, Ordering::Relaxed);
        PyFrame::set_trace(this, thread, value);
    }

    #[getter]
    fn f_trace_lines(this: &Obj<Self>) -> bool {
        this.trace_lines.load(Ordering::Relaxed)
    }

    #[setter]
    fn set_f_trace_lines(_thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        set_flag(&this.trace_lines, value)
    }

    #[getter]
    fn f_trace_opcodes(this: &Obj<Self>) -> bool {
        this.trace_opcodes.load(Ordering::Relaxed)
    }

    #[setter]
    fn set_f_trace_opcodes(_thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        set_flag(&this.trace_opcodes, value)
    }

    #[getter]
    fn f_generator(thread: &mut Thread, this: &Obj<Self>) -> Value {
        let active = this.active(thread).and_then(|frame| frame.generator());
        match active.or(this.suspended_generator()) {
            Some(generator) => generator.to_value(),
            None => Value::NONE,
        }
    }

    /// Clear all references held by the frame.
    fn clear(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        if this.active(thread).is_some() {
            return Err(runtime_error("cannot clear an executing frame"));
        }
        if let Some(generator) = this.suspended_generator() {
            if generator.state() == generator::RUNNING {
                return Err(runtime_error("cannot clear an executing frame"));
            }
            if generator.state() == generator::SUSPENDED {
                return Err(runtime_error("cannot clear a suspended frame"));
            }
            let generator = generator.to_owned();
            generator.set_state(generator::FINISHED);
            generator.clear();
            this.forget_generator();
            return Ok(());
        }
        PyFrame::clear_finished(this, thread);
        Ok(())
    }
}
