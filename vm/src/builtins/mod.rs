//! The built-in functions.

mod anext_awaitable;
mod class;
mod code;
mod import;
mod import_frames;
mod iteration;
mod numbers;
mod objects;
pub(crate) mod output;
mod quick;
mod source;

use crate::Interpreter;
use orochi_core::{Owned, Thread, Value};
use orochi_objects::error::PyResult;
use orochi_objects::types::{self, exception, module, native_function};
use orochi_objects::{DictExt, MethodDef, ModuleExt, PyClass, PyModule, StaticType};

pub use code::current_flags;
pub use source::{SourceOptions, compile_object, decode, issue_all, text_of};

/// The functions, for the `builtins` module.
pub static FUNCTIONS: &[&MethodDef] = &[
    &class::__def___build_class__,
    &code::__def_compile,
    &code::__def_eval,
    &code::__def_exec,
    &code::__def_globals,
    &code::__def_locals,
    &import::__def___import__,
    &iteration::__def_aiter,
    &iteration::__def_all,
    &iteration::__def_anext,
    &iteration::__def_any,
    &iteration::__def_iter,
    &iteration::__def_len,
    &iteration::__def_next,
    &iteration::__def_sorted,
    &numbers::__def_abs,
    &numbers::__def_bin,
    &numbers::__def_divmod,
    &numbers::__def_hex,
    &numbers::__def_max,
    &numbers::__def_min,
    &numbers::__def_oct,
    &numbers::__def_pow,
    &numbers::__def_round,
    &numbers::__def_sum,
    &objects::__def_ascii,
    &objects::__def_callable,
    &objects::__def_chr,
    &objects::__def_delattr,
    &objects::__def_dir,
    &objects::__def_format,
    &objects::__def_getattr,
    &objects::__def_hasattr,
    &objects::__def_hash,
    &objects::__def_id,
    &objects::__def_isinstance,
    &objects::__def_issubclass,
    &objects::__def_ord,
    &objects::__def_repr,
    &objects::__def_setattr,
    &objects::__def_vars,
    &output::__def_breakpoint,
    &output::__def_input,
    &output::__def_print,
];

/// The classes, for the `builtins` module; exceptions are added from their own list.
static CLASSES: &[fn() -> &'static StaticType] = &[
    types::bool::PyBool::static_type,
    types::bytearray::PyByteArray::static_type,
    types::bytes::PyBytes::static_type,
    types::class_method::PyClassMethod::static_type,
    types::complex::PyComplex::static_type,
    types::dict::PyDict::static_type,
    types::exception::PyBaseException::static_type,
    types::float::PyFloat::static_type,
    types::int::PyInt::static_type,
    types::iterators::enumerate::PyEnumerate::static_type,
    types::iterators::filter::PyFilter::static_type,
    types::iterators::map::PyMap::static_type,
    types::iterators::reversed::PyReversed::static_type,
    types::iterators::zip::PyZip::static_type,
    types::list::PyList::static_type,
    types::memoryview::PyMemoryView::static_type,
    types::object::PyObject::static_type,
    types::property::PyProperty::static_type,
    types::range::PyRange::static_type,
    types::set::PyFrozenSet::static_type,
    types::set::PySet::static_type,
    types::slice::PySlice::static_type,
    types::static_method::PyStaticMethod::static_type,
    types::str::PyStr::static_type,
    types::super_::PySuper::static_type,
    types::tuple::PyTuple::static_type,
    types::r#type::PyType::static_type,
];

/// Fills the interpreter's `builtins` module.
///
/// # Errors
/// MemoryError.
pub fn create(thread: &mut Thread, interpreter: &Interpreter) -> PyResult<Owned<PyModule>> {
    let namespace = interpreter.builtins(thread)?;
    let class = PyModule::static_type().get();
    let builtins = module::subclass_object(thread, class, namespace)?;
    let name = orochi_objects::str::new(thread, "builtins")?;
    for function in FUNCTIONS {
        let object = native_function::new(thread, function, Some(builtins.to_value()), Some(name.clone()))?;
        builtins.add(thread, function.name, object)?;
    }
    let exceptions = exception::ALL.iter().copied();
    for class in CLASSES.iter().map(|class| class()).chain(exceptions) {
        builtins.add(thread, class.spec().name, class.get().to_value())?;
    }
    for alias in ["EnvironmentError", "IOError"] {
        builtins.add(thread, alias, exception::OSError.get().to_value())?;
    }
    builtins.add(thread, "None", Value::NONE)?;
    builtins.add(thread, "True", true)?;
    builtins.add(thread, "False", false)?;
    builtins.add(thread, "Ellipsis", Value::ELLIPSIS)?;
    builtins.add(thread, "NotImplemented", Value::NOT_IMPLEMENTED)?;
    let modules = orochi_objects::thread::ThreadState::modules(thread)?;
    if let Some(modules) = modules.get().downcast::<types::dict::PyDict>() {
        modules.set_str(thread, orochi_objects::name!("builtins"), builtins.to_value())?;
    }
    Ok(builtins)
}
