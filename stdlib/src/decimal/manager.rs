//! What `localcontext` returns: sets a context for the body of a `with` statement.

use super::context::{self, Context};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::PyResult;
use orochi_objects::{ArgSlice, Field, Obj, Owned, Thread, make, slot_receiver};

/// Sets a context, and the one before it afterwards.
#[pyclass(name = "ContextManager", module = "decimal", no_new)]
#[derive(Trace)]
pub(super) struct ContextManager {
    local: Field,
    global: Field,
}

impl ContextManager {
    pub(super) fn create(thread: &Thread, local: Owned<Context>, global: Owned<Context>) -> PyResult {
        let (local, global) = (Field::new_local(local.into_value()), Field::new_local(global.into_value()));
        Ok(make(thread, ContextManager { local, global })?.into_value())
    }
}

#[pymethods]
impl ContextManager {
    #[name = "__enter__"]
    fn enter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let local = slot_receiver::<Context>(this.local.fixed())?;
        context::set_current(thread, local.get())?;
        Ok(local.to_value())
    }

    #[name = "__exit__"]
    #[signature(*args)]
    fn exit(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult<bool> {
        let _ = args;
        context::set_current(thread, this.global.fixed())?;
        Ok(false)
    }
}
