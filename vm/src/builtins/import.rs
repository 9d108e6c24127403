//! `__import__`: modules that are there already without Python code, everything else through importlib.

use super::import_frames;
use orochi_core::{Ref, Thread, Value};
use orochi_macros::pyfunction;
use orochi_objects::error::{PyErr, PyResult, import_error, key_error, type_error, value_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::str::PyStr;
use orochi_objects::{class_of, name, protocol};

/// The module under a name in `sys.modules`.
fn from_table(thread: &mut Thread, name: Ref<'_>) -> PyResult<Option<Value>> {
    let modules = ThreadState::modules(thread)?;
    match modules.get().downcast::<PyDict>() {
        Some(modules) => dict::get_item(thread, modules, name),
        None if protocol::contains(thread, modules.get(), name)? => {
            protocol::get_item(thread, modules.get(), name).map(Some)
        }
        None => Ok(None),
    }
}

fn importlib(thread: &mut Thread) -> PyResult {
    let interpreter = ThreadState::of(thread).interpreter.clone();
    if let Some(importlib) = interpreter.importlib.get(thread) {
        return Ok(importlib);
    }
    match from_table(thread, name!("_frozen_importlib").get())?.filter(|module| !module.get().is_none()) {
        Some(importlib) => {
            drop(interpreter.importlib.swap(&*interpreter, thread, Some(importlib.clone())));
            Ok(importlib)
        }
        None => Err(import_error("importlib is not there")),
    }
}

/// The absolute name of a relative import.
fn resolve(thread: &mut Thread, name: &str, globals: Option<Ref<'_>>, level: i64) -> PyResult<String> {
    let globals = globals.ok_or_else(|| key_error_name("'__name__' not in globals"))?;
    let importlib = importlib(thread)?;
    let package = protocol::call_method(thread, importlib.get(), "_calc___package__", &[globals])?;
    let Some(text) = package.get().downcast::<PyStr>() else {
        return Err(type_error("package must be a string"));
    };
    let text = text.as_wtf8().to_string_lossy().into_owned();
    if text.is_empty() {
        return Err(import_error("attempted relative import with no known parent package"));
    }
    let mut base = text.as_str();
    for _ in 1..level {
        base = match base.rsplit_once('.') {
            Some((base, _)) => base,
            None => return Err(import_error("attempted relative import beyond top-level package")),
        };
    }
    Ok(if name.is_empty() { base.to_owned() } else { format!("{base}.{name}") })
}

fn key_error_name(message: &str) -> PyErr {
    let text = orochi_core::thread::current(|thread| orochi_objects::str::new(thread, message));
    match text {
        Some(Ok(text)) => key_error(text),
        _ => import_error(message.to_owned()),
    }
}

/// The module of this absolute name, imported if need be.
fn find_or_load(thread: &mut Thread, absolute: Ref<'_>) -> PyResult {
    if let Some(module) = from_table(thread, absolute)?.filter(|module| !module.get().is_none()) {
        // Another thread may still be importing it.
        if let Some(spec) = protocol::find_attr(thread, module.get(), name!("__spec__"))?
            && let Some(busy) = protocol::find_attr(thread, spec.get(), name!("_initializing"))?
            && protocol::is_true(thread, busy.get())?
        {
            let importlib = importlib(thread)?;
            protocol::call_method(thread, importlib.get(), "_lock_unlock_module", &[absolute])?;
        }
        // If that import has failed meanwhile, the module is gone: it is imported anew, so that the failure is seen here too.
        let again = from_table(thread, absolute)?;
        if again.is_some_and(|again| again.get().is(module.get())) {
            return Ok(module);
        }
    }
    let importlib = importlib(thread)?;
    let import = ThreadState::builtins(thread)?;
    let import = protocol::get_item(thread, import.get(), name!("__import__").get())?;
    protocol::call_method(thread, importlib.get(), "_find_and_load", &[absolute, import.get()])
}

/// Import a module.
///
/// The globals are only used to determine the context; they are not modified.
/// The locals are unused.  The fromlist should be a list of names to emulate
/// ``from name import ...``, or an empty list to emulate ``import name``.
/// When importing a module from a package, note that __import__('A.B', ...)
/// returns package A when fromlist is empty, but its submodule B when
/// fromlist is not empty.  The level argument is used to determine whether to
/// perform absolute or relative imports: 0 is absolute, while a positive number
/// is the number of parent directories to search relative to the current module.
#[pyfunction]
#[signature(name, globals = None, locals = None, fromlist = (), level = 0)]
fn __import__(
    thread: &mut Thread,
    name: Ref<'_>,
    globals: Option<Ref<'_>>,
    locals: Option<Ref<'_>>,
    fromlist: Option<Ref<'_>>,
    level: i64,
) -> PyResult {
    let _ = locals;
    let Some(text) = name.downcast::<PyStr>() else {
        return Err(type_error(format!(
            "__import__() argument 1 must be str, not {}",
            class_of(name).name()
        )));
    };
    if level < 0 {
        return Err(value_error("level must be >= 0"));
    }
    let text = text.as_wtf8().to_string_lossy().into_owned();
    let absolute = if level > 0 {
        let resolved = resolve(thread, &text, globals, level)?;
        orochi_objects::str::new(thread, &resolved)?
    } else if text.is_empty() {
        return Err(value_error("Empty module name"));
    } else {
        name.to_owned()
    };
    let found = find_or_load(thread, absolute.get());
    let module = found.map_err(|error| import_frames::trimmed(thread, error))?;
    let has_fromlist = match fromlist {
        Some(list) => protocol::is_true(thread, list)?,
        None => false,
    };
    if has_fromlist {
        let handled = handle_fromlist(thread, module, fromlist.unwrap_or(Ref::NONE));
        return handled.map_err(|error| import_frames::trimmed(thread, error));
    }
    top_level(thread, module, &text, absolute.get(), level)
}

/// What `import a.b.c` binds: the first package.
fn top_level(thread: &mut Thread, module: Value, name: &str, absolute: Ref<'_>, level: i64) -> PyResult {
    let Some((front, _)) = name.split_once('.') else { return Ok(module) };
    if level == 0 {
        let front = orochi_objects::str::new(thread, front)?;
        return find_or_load(thread, front.get());
    }
    if name.is_empty() {
        return Ok(module);
    }
    let absolute = orochi_objects::str::display(absolute);
    let cut = absolute.len().saturating_sub(name.len() - front.len());
    let front = orochi_objects::str::new(thread, absolute.get(..cut).unwrap_or(&absolute))?;
    match from_table(thread, front.get())? {
        Some(module) => Ok(module),
        None => Err(key_error(front)),
    }
}

/// `from package import name`: submodules among the names are imported.
fn handle_fromlist(thread: &mut Thread, module: Value, fromlist: Ref<'_>) -> PyResult {
    if protocol::find_attr(thread, module.get(), name!("__path__"))?.is_none() {
        return Ok(module);
    }
    let importlib = importlib(thread)?;
    let import = protocol::get_attr(thread, importlib.get(), name!("_gcd_import"))?;
    protocol::call_method(
        thread,
        importlib.get(),
        "_handle_fromlist",
        &[module.get(), fromlist, import.get()],
    )
}
