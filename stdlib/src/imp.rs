//! `_imp`: what importlib needs of the interpreter: native modules, and the few that importing itself consists of.

pub(crate) mod import_lock;

use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{PyErr, PyResult, import_error, runtime_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::module::ModuleDef;
use orochi_objects::types::{bytes, exception, list, tuple};
use orochi_objects::{ModuleExt, Obj, PyModule, Ref, Thread, Value, protocol};

/// Modules that importing needs before it works: their names, and where the library has them.
pub const FROZEN: &[(&str, &str)] = &[
    ("_frozen_importlib", "importlib._bootstrap"),
    ("_frozen_importlib_external", "importlib._bootstrap_external"),
    ("zipimport", "zipimport"),
    ("_orochi_library", "_orochi_library"),
];

fn native(name: &str) -> Option<&'static ModuleDef> {
    crate::MODULES.iter().copied().find(|module| module.name == name)
}

fn frozen(name: &str) -> Option<&'static str> {
    FROZEN.iter().find(|(frozen, _)| *frozen == name).map(|(_, library)| *library)
}

/// Return 1 if the name is that of a native module, -1 if it can't be made again, else 0.
#[pyfunction]
#[signature(name, /)]
fn is_builtin(name: &str) -> i8 {
    match name {
        "sys" | "builtins" => -1,
        _ => i8::from(native(name).is_some()),
    }
}

/// Return the native module that a spec names, or None.
#[pyfunction]
#[signature(spec, /)]
fn create_builtin(thread: &mut Thread, spec: Ref<'_>) -> PyResult {
    let name = protocol::get_attr_str(thread, spec, "name")?;
    let text = orochi_objects::str::display(name.get());
    let modules = ThreadState::modules(thread)?;
    if matches!(text.as_str(), "sys" | "builtins") {
        return protocol::get_item(thread, modules.get(), name.get());
    }
    match native(&text) {
        Some(definition) => Ok(definition.create(thread)?.into_value()),
        None => Ok(Value::NONE),
    }
}

/// Initialise a native module; they are whole when they are made.
#[pyfunction]
#[signature(module, /)]
fn exec_builtin(module: Ref<'_>) -> i32 {
    let _ = module;
    0
}

/// Return whether the name is that of a frozen module.
#[pyfunction]
#[signature(name, /)]
fn is_frozen(name: &str) -> bool {
    frozen(name).is_some()
}

/// Return whether a frozen module is a package: none is.
#[pyfunction]
#[signature(name, /)]
fn is_frozen_package(name: &str) -> PyResult<bool> {
    if frozen(name).is_some() { Ok(false) } else { Err(no_frozen(name)) }
}

fn no_frozen(name: &str) -> PyErr {
    import_error(format!("No such frozen object named {name}"))
}

/// Return what is known of a frozen module: data, whether it is a package, its original name.
#[pyfunction]
#[signature(name, /, *, withdata = false)]
fn find_frozen(thread: &mut Thread, name: &str, withdata: bool) -> PyResult {
    let _ = withdata;
    match frozen(name) {
        Some(original) => {
            let original = orochi_objects::str::new(thread, original)?;
            Ok(tuple::new(thread, vec![Value::NONE, Value::FALSE, original])?.into_value())
        }
        None => Ok(Value::NONE),
    }
}

/// Return the code object of a frozen module.
#[pyfunction]
#[signature(name, data = None, /)]
fn get_frozen_object(thread: &mut Thread, name: &str, data: Option<Ref<'_>>) -> PyResult {
    let _ = data;
    match frozen(name) {
        Some(library) => crate::library::load(thread, library, &format!("<frozen {library}>")),
        None => Err(no_frozen(name)),
    }
}

/// Return the names of the frozen modules.
#[pyfunction]
fn _frozen_module_names(thread: &mut Thread) -> PyResult {
    let names = FROZEN.iter().map(|(name, _)| orochi_objects::str::new(thread, name));
    let names = names.collect::<PyResult<Vec<_>>>()?;
    Ok(list::new(thread, names)?.into_value())
}

/// Return the endings of extension modules: there are none.
#[pyfunction]
fn extension_suffixes(thread: &mut Thread) -> PyResult {
    Ok(list::new(thread, Vec::new())?.into_value())
}

/// Raise ImportError: there are no extension modules.
#[pyfunction]
#[signature(spec, file = None, /)]
fn create_dynamic(spec: Ref<'_>, file: Option<Ref<'_>>) -> PyResult {
    let _ = (spec, file);
    Err(PyErr::with_message(&exception::ImportError, "extension modules can't be loaded"))
}

/// Acquire the lock of importlib's table of the modules' locks. Its holder gets it again.
#[pyfunction]
fn acquire_lock(thread: &mut Thread) -> PyResult<()> {
    import_lock::acquire(thread)
}

/// Release the lock of importlib's table.
#[pyfunction]
fn release_lock(thread: &mut Thread) -> PyResult<()> {
    if import_lock::release(thread) { Ok(()) } else { Err(runtime_error("not holding the import lock")) }
}

/// Return whether some thread holds the lock of importlib's table.
#[pyfunction]
fn lock_held() -> bool {
    import_lock::is_held()
}

/// Accepted for compatibility: code objects are made with their file name.
#[pyfunction]
#[signature(code, path, /)]
fn _fix_co_filename(code: Ref<'_>, path: Ref<'_>) {
    let _ = (code, path);
}

/// Return a hash of a source's bytes, eight bytes long.
#[pyfunction]
#[signature(key, source)]
fn source_hash(thread: &mut Thread, key: i64, source: Ref<'_>) -> PyResult {
    let source = orochi_objects::buffer::bytes_of(thread, source)?.into_vec();
    // FNV-1a over the bytes and the key.
    let hash = source.iter().fold(0xcbf2_9ce4_8422_2325u64 ^ key as u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    bytes::new(thread, &hash.to_le_bytes())
}

/// Accepted for compatibility.
#[pyfunction]
#[signature(override_, /)]
fn _override_frozen_modules_for_tests(override_: i64) {
    let _ = override_;
}

/// Accepted for compatibility.
#[pyfunction]
#[signature(override_, /)]
fn _override_multi_interp_extensions_check(override_: i64) -> i64 {
    override_
}

/// What importing needs of the interpreter.
#[pymodule(
    name = "_imp",
    functions(
        is_builtin,
        create_builtin,
        exec_builtin,
        is_frozen,
        is_frozen_package,
        find_frozen,
        get_frozen_object,
        _frozen_module_names,
        extension_suffixes,
        create_dynamic,
        acquire_lock,
        release_lock,
        lock_held,
        _fix_co_filename,
        source_hash,
        _override_frozen_modules_for_tests,
        _override_multi_interp_extensions_check,
    )
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "check_hash_based_pycs", "default")?;
    module.add(thread, "pyc_magic_number_token", u32::from_le_bytes(magic_number()))
}

/// What files of compiled code begin with.
pub fn magic_number() -> [u8; 4] {
    // The first two bytes tell versions of the bytecode apart, the last two that the file wasn't opened as text.
    (u32::from(orochi_compiler::serialize::VERSION) | 0xA0D_0000).to_le_bytes()
}
