//! `_library`: the embedded standard library, for the importer of `_orochi_library.py`.

use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{PyResult, import_error, system_error};
use orochi_objects::types::{bytes, code, tuple};
use orochi_objects::{Obj, PyModule, Thread, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// The optimisation level that library code is compiled with (`-O`).
static OPTIMIZE: AtomicU8 = AtomicU8::new(0);

/// Sets the optimisation level. The embedded bytecode is of level 0; other levels compile the embedded sources.
pub fn set_optimize(level: u8) {
    OPTIMIZE.store(level, Ordering::Relaxed);
}

/// Says what the program's start put first on sys.path, for messages about modules that hide others.
#[pyfunction]
#[signature(path, /)]
fn set_first_path(path: &str) {
    orochi_objects::types::module_origin::set_first_path(path);
}

/// Return 0 if the library has no module of this name, 1 if it is a module, 2 if it is a package.
#[pyfunction]
#[signature(name, /)]
fn kind(name: &str) -> u8 {
    orochi_lib::find(name).map_or(0, |module| 1 + u8::from(module.is_package))
}

/// The code object of a module of the library; `filename` is what tracebacks show.
///
/// # Errors
/// ImportError if there is no such module.
pub fn load(thread: &mut Thread, name: &str, filename: &str) -> PyResult {
    let Some(module) = orochi_lib::find(name) else {
        return Err(import_error(format!("no module named '{name}' in the library")));
    };
    let filename: Arc<str> = filename.into();
    let optimize = OPTIMIZE.load(Ordering::Relaxed);
    let compiled = if optimize == 0 {
        orochi_compiler::serialize::from_bytes(module.code(), &filename).map_err(|error| error.to_string())
    } else {
        let options = orochi_compiler::CompileOptions { optimize, ..Default::default() };
        orochi_compiler::compile(&module.source(), &filename, orochi_compiler::Mode::Exec, &options)
            .map(|(code, _)| code)
            .map_err(|error| format!("{error:?}"))
    };
    match compiled {
        Ok(compiled) => Ok(code::new(thread, compiled)?.into_value()),
        Err(error) => Err(system_error(format!("the library's module {name} is unusable: {error}"))),
    }
}

/// Return the code object of a module.
#[pyfunction]
#[name = "code"]
#[signature(name, filename, /)]
fn module_code(thread: &mut Thread, name: &str, filename: &str) -> PyResult {
    load(thread, name, filename)
}

/// Return the source text of a module, or None.
#[pyfunction]
#[signature(name, /)]
fn source(name: &str) -> Option<String> {
    orochi_lib::find(name).map(orochi_lib::Module::source)
}

/// Return the content of a data file of the library, or None.
#[pyfunction]
#[signature(path, /)]
fn data(thread: &mut Thread, path: &str) -> PyResult {
    if let Some(file) = orochi_lib::find_data(path) {
        return bytes::new(thread, &file.content());
    }
    let name = path.strip_suffix("/__init__.py").or_else(|| path.strip_suffix(".py"));
    match name
        .and_then(|name| orochi_lib::find(&name.replace('/', ".")))
        .filter(|module| module.path() == path)
    {
        Some(module) => bytes::new(thread, module.source().as_bytes()),
        None => Ok(Value::NONE),
    }
}

/// Return the modules of a package ('' for the top level) as pairs of name and whether it is a package.
#[pyfunction]
#[signature(package, /)]
fn children(thread: &mut Thread, package: &str) -> PyResult {
    let prefix = if package.is_empty() { String::new() } else { format!("{package}.") };
    let mut found = Vec::new();
    for module in orochi_lib::modules() {
        let Some(name) = module.name.strip_prefix(&prefix) else { continue };
        if name.is_empty() || name.contains('.') {
            continue;
        }
        let name = orochi_objects::str::new(thread, name)?;
        found.push(tuple::new(thread, vec![name, Value::bool(module.is_package)])?.into_value());
    }
    Ok(tuple::new(thread, found)?.into_value())
}

/// The embedded standard library.
#[pymodule(name = "_library", functions(kind, module_code, source, data, children, set_first_path))]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
