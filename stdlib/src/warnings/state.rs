//! What `_warnings` keeps for an interpreter: filters, the version of the filters, and the lock.

use crate::contextvars::{self, PyContextVar};
use crate::{os_support, support};
use orochi_core::sync::{AtomicI64, Ordering};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{PyResult, runtime_error};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::{exception, list};
use orochi_objects::{
    Field, Obj, Owned, Ref, StaticType, Thread, Value, int, make, name, protocol, str, tuple,
};
use std::sync::OnceLock;

/// Under this name the state is kept.
const KEPT: &str = "warnings.state";

pub(super) const DEFAULT_ACTION: &str = "default";

/// The variable that holds the filters of a context. Its values belong to interpreters and threads, so one is enough.
static CONTEXT: OnceLock<&'static Obj<PyContextVar>> = OnceLock::new();

/// `warnings._warnings_context`.
pub(super) fn context_variable(thread: &Thread) -> PyResult<&'static Obj<PyContextVar>> {
    if let Some(variable) = CONTEXT.get() {
        return Ok(variable);
    }
    let name = str::new(thread, "_warnings_context")?;
    let made = contextvars::make_variable(thread, name)?;
    Ok(CONTEXT.get_or_init(|| made))
}

/// The state of an interpreter.
#[pyclass(name = "_warnings_state", module = "_warnings", no_new)]
#[derive(Trace)]
pub(super) struct State {
    /// A list.
    filters: Field,
    /// A dict.
    once_registry: Field,
    /// An RLock.
    lock: Field,
    /// How often filters changed. Registries of an older version are void.
    #[trace(unsafe_skip)]
    version: AtomicI64,
}

#[pymethods]
impl State {}

/// The filters that there are at the start.
fn default_filters(thread: &mut Thread) -> PyResult {
    let ignored: [&'static StaticType; 4] = [
        &exception::DeprecationWarning,
        &exception::PendingDeprecationWarning,
        &exception::ImportWarning,
        &exception::ResourceWarning,
    ];
    let main = str::intern(thread, "__main__")?.to_value();
    let mut filters = vec![filter(thread, DEFAULT_ACTION, &exception::DeprecationWarning, main)?];
    for category in ignored {
        filters.push(filter(thread, "ignore", category, Value::NONE)?);
    }
    Ok(list::new(thread, filters)?.into_value())
}

fn filter(thread: &mut Thread, action: &str, category: &'static StaticType, module: Value) -> PyResult {
    let action = str::intern(thread, action)?.to_value();
    let line = int::new(thread, 0)?;
    tuple::of(thread, [action, Value::NONE, category.get().to_value(), module, line])
}

/// The state of the running interpreter.
pub(super) fn of(thread: &mut Thread) -> PyResult<Owned<State>> {
    if let Some(kept) = os_support::kept_value(thread, KEPT)? {
        return kept.downcast::<State>().map_err(|_| runtime_error("_warnings has no state"));
    }
    let filters = default_filters(thread)?;
    let once_registry = dict::new(thread)?.into_value();
    let lock = support::import_attr(thread, "_thread", "RLock")?;
    let lock = protocol::call(thread, lock.get(), &[])?;
    let state = State {
        filters: Field::new_local(filters),
        once_registry: Field::new_local(once_registry),
        lock: Field::new_local(lock),
        version: AtomicI64::new(0),
    };
    let state = make(thread, state)?;
    // Another thread may have been faster: all must have one lock.
    let kept = os_support::keep_first(thread, KEPT, state.get())?;
    kept.downcast::<State>().map_err(|_| runtime_error("_warnings has no state"))
}

impl State {
    pub(super) fn filters(&self) -> Ref<'_> {
        self.filters.fixed()
    }

    pub(super) fn once_registry(&self) -> Ref<'_> {
        self.once_registry.fixed()
    }

    pub(super) fn mutated(&self) {
        // Relaxed: a number that stands alone; whoever changes filters and whoever reads them holds the lock.
        self.version.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn lock(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        protocol::call_method(thread, this.lock.fixed(), "acquire", &[]).map(drop)
    }

    pub(super) fn unlock(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        protocol::call_method(thread, this.lock.fixed(), "release", &[]).map(drop)
    }

    /// Whether the running thread holds the lock.
    pub(super) fn is_locked(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        let owned = protocol::call_method(thread, this.lock.fixed(), "_is_owned", &[])?;
        protocol::is_true(thread, owned.get())
    }

    /// Whether a registry has a key. One of an older version is emptied.
    pub(super) fn is_known(
        thread: &mut Thread,
        this: &Obj<Self>,
        registry: &Obj<PyDict>,
        key: Ref<'_>,
    ) -> PyResult<bool> {
        let current = this.version.load(Ordering::Relaxed);
        let version = dict::get_item(thread, registry, name!("version").get())?;
        let version = version.as_ref().and_then(|version| int::value(version.get())?.to_i64());
        if version != Some(current) {
            protocol::call_method(thread, registry.get(), "clear", &[])?;
            let current = int::new(thread, current)?;
            dict::set_item(thread, registry, name!("version").get(), current)?;
            return Ok(false);
        }
        match dict::get_item(thread, registry, key)? {
            Some(known) => protocol::is_true(thread, known.get()),
            None => Ok(false),
        }
    }
}
