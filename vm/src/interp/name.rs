//! Globals and namespaces.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

use super::cursor::{At, Cursor, Fast, Flow, Operands};
use super::load::unbound_free;
use orochi_compiler::code::flags;
use orochi_compiler::opcode::Word as Instruction;
use orochi_core::word;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_objects::error::{PyErr, PyResult};
use orochi_objects::protocol;
use orochi_objects::types::cell::PyCell;
use orochi_objects::types::dict::{self, DictExt, PyDict};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{exception, frame};

/// The extension word of the instruction that runs out of line.
pub(super) fn ext_of(at: At) -> u32 {
    // SAFETY: `pc` is behind the extension word.
    unsafe { *at.frame().pc.sub(1) }
}

/// The name in the extension word.
pub(super) fn name_of<'a>(at: At) -> &'a Obj<PyStr> {
    let name = at.frame().code().name_at((ext_of(at) & 0xffff) as usize);
    // SAFETY: the frame keeps its code.
    unsafe { &*std::ptr::from_ref(name) }
}

#[cold]
fn not_defined(name: &Obj<PyStr>) -> PyErr {
    PyErr::with_attributes(
        &exception::NameError,
        format!("name '{}' is not defined", **name),
        vec![("name", name.to_value())],
    )
}

/// `mapping[name]`, if the mapping has it.
pub(super) fn lookup_in(thread: &mut Thread, mapping: Ref<'_>, name: &Obj<PyStr>) -> PyResult<Option<Value>> {
    if let Some(dict) = exact_dict(mapping) {
        if let Some(value) = dict.get_str(thread, name) {
            return Ok(Some(value.to_owned()));
        }
        // A key may be no str and equal the name all the same.
        return orochi_objects::types::dict::get_item(thread, dict, name.get());
    }
    match protocol::get_item(thread, mapping, name.get()) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.matches(&exception::KeyError) => Ok(None),
        Err(error) => Err(error),
    }
}

fn exact_dict(object: Ref<'_>) -> Option<&Obj<PyDict>> {
    use orochi_objects::class::PyClass;
    // SAFETY: exactly a dict.
    orochi_objects::class::is_exact(object, PyDict::static_type()).then(|| unsafe { object.cast() })
}

/// Globals, then builtins.
fn global(thread: &mut Thread, at: At, name: &Obj<PyStr>) -> PyResult<Value> {
    let function = at.frame().function();
    // Globals of a subclass of dict may have a `__missing__`.
    if let Some(value) = lookup_in(thread, function.globals().get(), name)? {
        return Ok(value);
    }
    match lookup_in(thread, function.builtins(), name)? {
        Some(value) => Ok(value),
        None => Err(not_defined(name)),
    }
}

/// Cached globals.
pub(super) mod hot {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn LoadGlobal(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let word = super::super::cache::global(thread, At(c.frame), c.peek());
        if word == word::UNBOUND {
            return Fast::Slow;
        }
        c.skip();
        c.done(w.a(), word)
    }
}

#[inline(always)]
pub(super) fn LoadGlobal(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.slow(thread, w, |thread, at, w| {
        let name = name_of(at);
        let value = global(thread, at, name)?;
        if exact_dict(at.frame().function().globals().get()).is_some() {
            super::cache::remember_global(thread, at, ext_of(at), name);
        }
        at.set(w.a(), value);
        Ok(())
    })
}

fn store(thread: &mut Thread, mapping: Ref<'_>, name: &Obj<PyStr>, value: Value) -> PyResult<()> {
    match exact_dict(mapping) {
        Some(dict) => dict.set_str(thread, name, value),
        None => protocol::set_item(thread, mapping, name.get(), Some(value.get())),
    }
}

fn delete(thread: &mut Thread, mapping: Ref<'_>, name: &Obj<PyStr>) -> PyResult<()> {
    match protocol::set_item(thread, mapping, name.get(), None) {
        Err(error) if error.matches(&exception::KeyError) => Err(not_defined(name)),
        other => other,
    }
}

/// After an instruction that took a value out of a namespace: if that was the last reference to a shared object, its
/// finalizer runs now, as in CPython.
#[inline(always)]
fn released(flow: Flow, c: &mut Cursor, thread: &mut Thread) -> Flow {
    if flow == Flow::Next { super::poll::after_release(c, thread) } else { flow }
}

#[inline(always)]
pub(super) fn StoreGlobal(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    let flow = c.slow(thread, w, |thread, at, w| {
        let value = at.take(w.a());
        store(thread, at.frame().function().globals().get(), name_of(at), value)
    });
    released(flow, c, thread)
}

#[inline(always)]
pub(super) fn DeleteGlobal(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    let flow = c
        .slow(thread, w, |thread, at, _w| delete(thread, at.frame().function().globals().get(), name_of(at)));
    released(flow, c, thread)
}

/// The mapping in which names are stored: the namespace, or the globals.
fn namespace<'a>(at: At) -> Ref<'a> {
    at.frame().namespace().unwrap_or(at.frame().function().globals().get())
}

#[inline(always)]
pub(super) fn LoadName(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    let ext = c.ext();
    if At(c.frame).frame().namespace == word::UNBOUND {
        let word = super::cache::global(thread, At(c.frame), ext);
        if word != word::UNBOUND {
            c.set(w.a(), word);
            return Flow::Next;
        }
    }
    c.slow(thread, w, |thread, at, w| {
        let name = name_of(at);
        let local = match at.frame().namespace() {
            Some(namespace) => lookup_in(thread, namespace, name)?,
            None => None,
        };
        let value = match local {
            Some(value) => value,
            None => global(thread, at, name)?,
        };
        if at.frame().namespace == word::UNBOUND {
            super::cache::remember_global(thread, at, ext_of(at), name);
        }
        at.set(w.a(), value);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn StoreName(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    let flow = c.slow(thread, w, |thread, at, w| {
        let value = at.take(w.a());
        store(thread, namespace(at), name_of(at), value)
    });
    released(flow, c, thread)
}

#[inline(always)]
pub(super) fn DeleteName(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    let flow = c.slow(thread, w, |thread, at, _w| delete(thread, namespace(at), name_of(at)));
    released(flow, c, thread)
}

#[inline(always)]
pub(super) fn LoadLocals(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let locals = running_locals(thread, at)?;
        at.set(w.a(), locals);
        Ok(())
    })
}

/// The running frame's namespace, globals, or a snapshot of its locals.
pub(crate) fn running_locals(thread: &mut Thread, at: At) -> PyResult {
    if let Some(namespace) = at.frame().namespace() {
        return Ok(namespace.to_owned());
    }
    if !at.frame().code().has_flags(flags::OPTIMIZED) {
        return Ok(at.frame().function().globals().to_value());
    }
    // SAFETY: the running frame of this thread.
    let object = unsafe { frame::of_active(thread, at.0) }?;
    frame::locals::snapshot(thread, &object)
}

#[inline(always)]
pub(super) fn LoadFromDictOrFree(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.slow(thread, w, |thread, at, w| {
        let found = lookup_in(thread, at.get(w.b()), name_of(at))?;
        let free = (ext_of(at) >> 16) as usize;
        let value = match found {
            Some(value) => Some(value),
            None => at.frame().function().free_cell(thread, free).and_then(|cell| cell.contents.get(thread)),
        };
        let value = value.ok_or_else(|| unbound_free(at, free))?;
        at.consume(w.b());
        at.set(w.a(), value);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn LoadFromDictOrCell(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.slow(thread, w, |thread, at, w| {
        let name = name_of(at);
        let value = match lookup_in(thread, at.get(w.b()), name)? {
            Some(value) => Some(value),
            None => at.get(w.c()).downcast::<PyCell>().and_then(|cell| cell.contents.get(thread)),
        };
        let value = value.ok_or_else(|| {
            let text = format!(
                "cannot access free variable '{}' where it is not associated with a value in enclosing scope",
                **name
            );
            PyErr::with_message(&exception::NameError, text)
        })?;
        at.consume(w.b());
        at.set(w.a(), value);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn LoadFromDictOrGlobal(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.slow(thread, w, |thread, at, w| {
        let name = name_of(at);
        let value = match lookup_in(thread, at.get(w.b()), name)? {
            Some(value) => value,
            None => global(thread, at, name)?,
        };
        at.consume(w.b());
        at.set(w.a(), value);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn SetupAnnotations(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, _w| {
        let name = orochi_objects::name!("__annotations__");
        let mapping = namespace(at);
        if lookup_in(thread, mapping, name)?.is_none() {
            let made = dict::new(thread)?.into_value();
            store(thread, mapping, name, made)?;
        }
        Ok(())
    })
}

/// `builtins.name` of the running function.
pub(super) fn builtin(thread: &mut Thread, at: At, name: &Obj<PyStr>) -> PyResult {
    match lookup_in(thread, at.frame().function().builtins(), name)? {
        Some(value) => Ok(value),
        None => Err(PyErr::with_message(&exception::NameError, format!("{} not found", **name))),
    }
}
