//! `raise` and `raise from`.

use super::super::cursor::{At, Cursor, Flow, raise, raise_instance};
use super::super::iter::exactly;
use super::{chain, is_exception_class, set_cause};
use orochi_compiler::opcode::Word as Instruction;
use orochi_core::{Ref, Thread, Value};
use orochi_objects::args::Args;
use orochi_objects::error::{PyResult, type_error};
use orochi_objects::types::exception::{self, PyBaseException};
use orochi_objects::types::r#type::PyType;
use orochi_objects::{class_of, protocol};

/// The exception that an operand of `raise` stands for: an instance, or a class that is called.
fn instance(thread: &mut Thread, object: Ref<'_>, otherwise: &'static str) -> PyResult {
    if is_exception_class(object) {
        if let Some(class) = exactly::<PyType>(object)
            && let Some(made) = exception::call_plain(thread, class, &Args::new(&[]))
        {
            return made;
        }
        let made = protocol::call(thread, object, &[])?;
        if made.get().downcast::<PyBaseException>().is_none() {
            let class = object.downcast::<PyType>().map(|class| class.name()).unwrap_or_default();
            let given = class_of(made.get()).name();
            return Err(type_error(format!(
                "calling <class '{class}'> should have returned an instance of BaseException, not <class '{given}'>"
            )));
        }
        return Ok(made);
    }
    if object.downcast::<PyBaseException>().is_some() {
        return Ok(object.to_owned());
    }
    Err(type_error(otherwise))
}

fn made(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    let exception = instance(thread, object, "exceptions must derive from BaseException")?;
    chain(thread, exception.get());
    Ok(exception)
}

#[allow(non_snake_case, reason = "handlers carry the names of their operations")]
#[inline(always)]
pub(in super::super) fn Raise(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.sync();
    let at = At(c.frame);
    match made(thread, at.get(w.a())) {
        Ok(value) => raise_instance(thread, value),
        Err(error) => raise(thread, error),
    }
}

fn raise_from(thread: &mut Thread, at: At, w: Instruction) -> PyResult<Value> {
    let raised = made(thread, at.get(w.a()))?;
    let cause = at.get(w.b());
    let cause = if cause.is_none() {
        None
    } else {
        Some(instance(thread, cause, "exception causes must derive from BaseException")?)
    };
    set_cause(thread, raised.get(), cause);
    Ok(raised)
}

#[allow(non_snake_case, reason = "handlers carry the names of their operations")]
#[inline(always)]
pub(in super::super) fn RaiseFrom(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.sync();
    match raise_from(thread, At(c.frame), w) {
        Ok(value) => raise_instance(thread, value),
        Err(error) => raise(thread, error),
    }
}
