//! Where modules come from, for the messages of failing imports and look-ups: a module may still be importing, or hide
//! the library's module of the same name.

use crate::protocol;
use crate::types::dict::DictExt;
use crate::types::set::AnySet;
use crate::types::str::PyStr;
use crate::{PyResult, name};
use orochi_core::{Obj, Ref, Thread, Value};
use std::sync::OnceLock;

/// What the program's start put first on `sys.path`: the folder of the script; empty for the working folder.
static FIRST_PATH: OnceLock<String> = OnceLock::new();

/// Says what the program's start put first on `sys.path`; once.
pub fn set_first_path(path: &str) {
    let _ = FIRST_PATH.set(path.to_owned());
}

/// What a module's `__spec__` says of it.
#[derive(Default)]
pub struct Origin {
    /// The file that it comes from.
    pub path: Option<String>,
    /// Whether it is still being imported.
    pub initializing: bool,
    spec: Option<Value>,
}

fn attribute(thread: &mut Thread, object: Ref<'_>, name: &Obj<PyStr>) -> Option<Value> {
    protocol::find_attr(thread, object, name).ok().flatten()
}

fn flag(thread: &mut Thread, object: Ref<'_>, name: &Obj<PyStr>) -> bool {
    let value = attribute(thread, object, name);
    value.is_some_and(|value| protocol::is_true(thread, value.get()).unwrap_or(false))
}

impl Origin {
    /// What a spec says. One that can't be asked says nothing.
    pub fn of_spec(thread: &mut Thread, spec: Option<Value>) -> Origin {
        let Some(spec) = spec.filter(|spec| !spec.get().is_none()) else { return Origin::default() };
        let path = if flag(thread, spec.get(), name!("has_location")) {
            attribute(thread, spec.get(), name!("origin"))
        } else {
            None
        };
        let path =
            path.as_ref().and_then(|path| path.get().downcast::<PyStr>()).map(|path| format!("{}", **path));
        let initializing = flag(thread, spec.get(), name!("_initializing"));
        Origin { path, initializing, spec: Some(spec) }
    }

    /// Whether the module lies where the program does, so that it may hide another one.
    pub fn may_shadow(&self) -> bool {
        let (Some(path), Some(first)) = (&self.path, FIRST_PATH.get()) else { return false };
        let Some((root, _)) = path.strip_suffix("/__init__.py").unwrap_or(path).rsplit_once('/') else {
            return false;
        };
        if first.is_empty() {
            return std::env::current_dir().is_ok_and(|folder| folder.as_os_str() == root);
        }
        first == root
    }

    /// Whether it hides the library's module of this name.
    ///
    /// # Errors
    /// What hashing the name raises.
    pub fn shadows_library(&self, thread: &mut Thread, module: Ref<'_>) -> PyResult<bool> {
        if !self.may_shadow() {
            return Ok(false);
        }
        let modules = crate::thread::ThreadState::modules(thread)?;
        let sys = modules
            .get()
            .downcast::<crate::PyDict>()
            .and_then(|modules| modules.get_str(thread, name!("sys")).map(Ref::to_owned));
        let Some(sys) = sys else { return Ok(false) };
        match attribute(thread, sys.get(), name!("stdlib_module_names")) {
            Some(names) if AnySet::of(names.get()).is_some() => {
                protocol::contains(thread, names.get(), module)
            }
            _ => Ok(false),
        }
    }

    /// Whether a name is a submodule that is still being imported.
    pub fn is_submodule_to_be(&self, thread: &mut Thread, name: &Obj<PyStr>) -> bool {
        let Some(spec) = &self.spec else { return false };
        let Some(names) = attribute(thread, spec.get(), name!("_uninitialized_submodules")) else {
            return false;
        };
        protocol::contains(thread, names.get(), name.get()).unwrap_or(false)
    }
}

/// The end of a message about a module that hides the library's.
pub fn shadowing_advice(path: &str, module: &str) -> String {
    format!(
        "(consider renaming '{path}' since it has the same name as the standard library module named '{module}' and \
         prevents importing that standard library module)"
    )
}

/// The end of a message about a module that may hide another one.
pub fn renaming_advice(path: &str) -> String {
    format!("(consider renaming '{path}' if it has the same name as a library you intended to import)")
}
