//! Imports: `builtins.__import__` does the work.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

use super::cursor::{At, Cursor, Flow};
use super::name::{builtin, name_of};
use orochi_compiler::code::flags;
use orochi_compiler::opcode::Word as Instruction;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_objects::error::{PyErr, PyResult, import_error, type_error};
use orochi_objects::protocol;
use orochi_objects::thread::ThreadState;
use orochi_objects::types::exception;
use orochi_objects::types::module_origin::{Origin, renaming_advice, shadowing_advice};
use orochi_objects::types::str::PyStr;
use orochi_objects::{class_of, name};

/// `importlib.import_module(name)` for what the interpreter itself needs.
pub(crate) fn import_module(thread: &mut Thread, module: &str) -> PyResult {
    let modules = ThreadState::modules(thread)?;
    let key = orochi_objects::str::new(thread, module)?;
    if protocol::contains(thread, modules.get(), key.get())? {
        return protocol::get_item(thread, modules.get(), key.get());
    }
    let builtins = ThreadState::builtins(thread)?;
    let import = protocol::get_item(thread, builtins.get(), name!("__import__").get())?;
    protocol::call(thread, import.get(), &[key.get()])?;
    protocol::get_item(thread, modules.get(), key.get())
}

fn import_name(thread: &mut Thread, at: At, w: Instruction) -> PyResult<()> {
    let import =
        builtin(thread, at, name!("__import__")).map_err(|_| import_error("__import__ not found"))?;
    let globals = at.frame().function().globals().to_value();
    // A function has no namespace; elsewhere names are in one of their own, or in the globals.
    let is_function = at.frame().code().has_flags(flags::OPTIMIZED);
    let globals_or_none = if is_function { Ref::NONE } else { globals.get() };
    let locals = at.frame().namespace().unwrap_or(globals_or_none);
    let args = [name_of(at).get(), globals.get(), locals, at.get(w.c()), at.get(w.b())];
    let module = protocol::call(thread, import.get(), &args)?;
    at.consume(w.b());
    at.consume(w.c());
    at.set(w.a(), module);
    Ok(())
}

#[inline(always)]
pub(super) fn ImportName(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.slow(thread, w, import_name)
}

fn import_from(thread: &mut Thread, module: Ref<'_>, name: &Obj<PyStr>) -> PyResult {
    if let Some(value) = protocol::find_attr(thread, module, name)? {
        return Ok(value);
    }
    // The submodule may be in sys.modules while the package is still being imported.
    let package = protocol::find_attr(thread, module, name!("__name__"))?;
    if let Some(package) = package.as_ref().and_then(|package| package.get().downcast::<PyStr>()) {
        let full = orochi_objects::str::new(thread, &format!("{}.{}", **package, **name))?;
        let modules = ThreadState::modules(thread)?;
        if protocol::contains(thread, modules.get(), full.get())? {
            return protocol::get_item(thread, modules.get(), full.get());
        }
    }
    Err(cannot_import(thread, module, name, package)?)
}

#[cold]
fn cannot_import(
    thread: &mut Thread,
    module: Ref<'_>,
    name: &Obj<PyStr>,
    package: Option<Value>,
) -> PyResult<PyErr> {
    let package_name = package
        .as_ref()
        .map_or("<unknown module name>".to_owned(), |package| orochi_objects::str::display(package.get()));
    let spec = protocol::find_attr(thread, module, name!("__spec__"))?;
    let origin = Origin::of_spec(thread, spec);
    let file = protocol::find_attr(thread, module, name!("__file__"))?;
    let path = match file.as_ref().and_then(|file| file.get().downcast::<PyStr>()) {
        Some(file) => format!("{}", **file),
        None => "unknown location".to_owned(),
    };
    let shown = format!("cannot import name '{}' from '{package_name}'", **name);
    let shadows = match &package {
        Some(package) => origin.shadows_library(thread, package.get())?,
        None => false,
    };
    let text = if let Some(path) = origin.path.as_ref().filter(|_| shadows) {
        format!("{shown} {}", shadowing_advice(path, &package_name))
    } else if let Some(path) = origin.path.as_ref().filter(|_| origin.initializing && origin.may_shadow()) {
        format!("{shown} {}", renaming_advice(path))
    } else if origin.initializing {
        format!(
            "cannot import name '{}' from partially initialized module '{package_name}' (most likely due to a circular import) ({path})",
            **name
        )
    } else {
        format!("{shown} ({path})")
    };
    let mut attributes = vec![("name_from", name.to_value())];
    attributes.extend(package.map(|package| ("name", package)));
    attributes.extend(file.map(|file| ("path", file)));
    Ok(PyErr::with_attributes(&exception::ImportError, text, attributes))
}

#[inline(always)]
pub(super) fn ImportFrom(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.slow(thread, w, |thread, at, w| {
        let value = import_from(thread, at.get(w.b()), name_of(at))?;
        at.set(w.a(), value);
        Ok(())
    })
}

fn import_star(thread: &mut Thread, at: At, w: Instruction) -> PyResult<()> {
    let module = at.get(w.a());
    let (names, listed) = match protocol::find_attr(thread, module, name!("__all__"))? {
        Some(all) => (protocol::collect(thread, all.get())?, true),
        None => {
            let Some(dict) = protocol::find_attr(thread, module, name!("__dict__"))? else {
                return Err(import_error("from-import-* object has no __dict__ and no __all__"));
            };
            let keys = protocol::call_method(thread, dict.get(), "keys", &[])?;
            (protocol::collect(thread, keys.get())?, false)
        }
    };
    let namespace = at.frame().namespace().unwrap_or(at.frame().function().globals().get());
    for name in names {
        let Some(text) = name.get().downcast::<PyStr>() else {
            let module_name = protocol::find_attr(thread, module, name!("__name__"))?;
            let module_name =
                module_name.map_or_else(|| "?".to_owned(), |name| orochi_objects::str::display(name.get()));
            let (what, place) = if listed { ("Item", "__all__") } else { ("Key", "__dict__") };
            let given = class_of(name.get()).name();
            return Err(type_error(format!("{what} in {module_name}.{place} must be str, not {given}")));
        };
        if !listed && text.as_bytes().first() == Some(&b'_') {
            continue;
        }
        let value = protocol::get_attr(thread, module, text)?;
        protocol::set_item(thread, namespace, name.get(), Some(value.get()))?;
    }
    at.consume(w.a());
    Ok(())
}

#[inline(always)]
pub(super) fn ImportStar(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, import_star)
}
