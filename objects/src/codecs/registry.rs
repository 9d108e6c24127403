//! The registry of codecs and error handlers of an interpreter: `codecs.register`, `lookup`, `register_error`.
//!
//! Its parts are ordinary containers (a list of search functions, a dict of codecs found, a dict of error handlers), so
//! that threads may use it at once; a codec may be looked up twice, which does no harm.

use crate::error::{PyErr, PyResult, lookup_error, system_error, type_error};
use crate::protocol;
use crate::thread::ThreadState;
use crate::types::dict::{self, DictExt, PyDict};
use crate::types::list::{self, PyList};
use crate::types::str;
use crate::types::tuple::PyTuple;
use orochi_core::{Field, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass};

/// The registry of one interpreter.
#[pyclass(name = "codec_registry", no_new, no_methods)]
#[derive(Trace)]
pub struct PyCodecRegistry {
    search: Field,
    cache: Field,
    handlers: Field,
}

/// An empty registry.
pub fn new(thread: &Thread) -> PyResult {
    let registry = PyCodecRegistry {
        search: Field::new_local(list::new(thread, Vec::new())?.into_value()),
        cache: Field::new_local(dict::new(thread)?.into_value()),
        handlers: Field::new_local(dict::new(thread)?.into_value()),
    };
    Ok(crate::make(thread, registry)?.into_value())
}

fn current(thread: &Thread) -> PyResult<Owned<PyCodecRegistry>> {
    let registry = ThreadState::of(thread).interpreter.codecs.get(thread);
    registry
        .and_then(|registry| registry.downcast().ok())
        .ok_or_else(|| system_error("there is no codec registry"))
}

impl PyCodecRegistry {
    fn search(&self) -> PyResult<&Obj<PyList>> {
        self.search.fixed().downcast().ok_or_else(lost)
    }

    fn cache(&self) -> PyResult<&Obj<PyDict>> {
        self.cache.fixed().downcast().ok_or_else(lost)
    }

    fn handlers(&self) -> PyResult<&Obj<PyDict>> {
        self.handlers.fixed().downcast().ok_or_else(lost)
    }
}

#[cold]
fn lost() -> PyErr {
    system_error("the codec registry is damaged")
}

/// `codecs.register(function)`.
pub fn register(thread: &mut Thread, function: Ref<'_>) -> PyResult<()> {
    if crate::class_of(function).slots.tp_call().is_none() {
        return Err(type_error("argument must be callable"));
    }
    let registry = current(thread)?;
    list::push(thread, registry.search()?, function.to_owned())
}

/// `codecs.unregister(function)`.
pub fn unregister(thread: &mut Thread, function: Ref<'_>) -> PyResult<()> {
    let registry = current(thread)?;
    let search = registry.search()?;
    if protocol::contains(thread, search.get(), function)? {
        protocol::call_method(thread, search.get(), "remove", &[function])?;
        protocol::call_method(thread, registry.cache()?.get(), "clear", &[])?;
    }
    Ok(())
}

/// An encoding's name as search functions get it: runs of other characters than letters, digits and dots become `_`.
fn normalized(encoding: &str) -> String {
    let mut name = String::with_capacity(encoding.len());
    let mut gap = false;
    for c in encoding.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            if gap && !name.is_empty() {
                name.push('_');
            }
            gap = false;
            name.push(c.to_ascii_lowercase());
        } else {
            gap = true;
        }
    }
    name
}

/// `codecs.lookup(encoding)`: a tuple with encoder, decoder, stream reader and stream writer.
pub fn lookup(thread: &mut Thread, encoding: &str) -> PyResult {
    let registry = current(thread)?;
    let name = str::object(thread, normalized(encoding).as_str().as_ref())?;
    if let Some(found) = registry.cache()?.get_str(thread, &name) {
        return Ok(found.to_owned());
    }
    if list::len(thread, registry.search()?) == 0 {
        import_encodings(thread)?;
    }
    let mut next = 0;
    while let Some(function) = list::item(thread, registry.search()?, next) {
        next += 1;
        let codec = protocol::call(thread, function.get(), &[name.get()])?;
        if codec.get().is_none() {
            continue;
        }
        if codec.get().downcast::<PyTuple>().is_none_or(|codec| codec.len() != 4) {
            return Err(type_error("codec search functions must return 4-tuples"));
        }
        protocol::set_item(thread, registry.cache()?.get(), name.get(), Some(codec.get()))?;
        return Ok(codec);
    }
    Err(super::unknown(encoding))
}

/// The standard library's codecs register themselves when their package is imported.
fn import_encodings(thread: &mut Thread) -> PyResult<()> {
    let builtins = ThreadState::builtins(thread)?;
    let name = str::new(thread, "__import__")?;
    let import = protocol::get_item(thread, builtins.get(), name.get())?;
    let package = str::new(thread, "encodings")?;
    protocol::call(thread, import.get(), &[package.get()])?;
    Ok(())
}

/// `codecs.register_error(name, handler)`.
pub fn register_error(thread: &mut Thread, name: &str, handler: Ref<'_>) -> PyResult<()> {
    if crate::class_of(handler).slots.tp_call().is_none() {
        return Err(type_error("handler must be callable"));
    }
    let registry = current(thread)?;
    let name: Value = str::new(thread, name)?;
    protocol::set_item(thread, registry.handlers()?.get(), name.get(), Some(handler))
}

/// `codecs._unregister_error(name)`: whether there was such a handler.
pub fn unregister_error(thread: &mut Thread, name: &str) -> PyResult<bool> {
    let registry = current(thread)?;
    let key: Value = str::new(thread, name)?;
    let handlers = registry.handlers()?;
    if !protocol::contains(thread, handlers.get(), key.get())? {
        return Ok(false);
    }
    protocol::set_item(thread, handlers.get(), key.get(), None)?;
    Ok(true)
}

/// `codecs.lookup_error(name)`.
pub fn lookup_error_handler(thread: &mut Thread, name: &str) -> PyResult {
    let registry = current(thread)?;
    let key = str::object(thread, name.as_ref())?;
    if let Some(found) = registry.handlers()?.get_str(thread, &key) {
        return Ok(found.to_owned());
    }
    match super::errors::builtin_handler(thread, name)? {
        Some(handler) => {
            protocol::set_item(thread, registry.handlers()?.get(), key.get(), Some(handler.get()))?;
            Ok(handler)
        }
        None => Err(lookup_error(format!("unknown error handler name '{name}'"))),
    }
}
