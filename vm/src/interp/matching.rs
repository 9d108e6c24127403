//! `match`.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

use super::cursor::{At, Cursor, Flow};
use orochi_compiler::opcode::Word as Instruction;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_objects::class::TypeFlags;
use orochi_objects::error::{PyResult, type_error, value_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::types::r#type::PyType;
use orochi_objects::{class_of, name, protocol};

#[inline(always)]
pub(super) fn MatchSequence(c: &mut Cursor, _thread: &mut Thread, w: Instruction) -> Flow {
    let result = class_of(At(c.frame).get(w.b())).has(TypeFlags::SEQUENCE);
    c.set(w.a(), orochi_core::word::from_bool(result));
    Flow::Next
}

#[inline(always)]
pub(super) fn MatchMapping(c: &mut Cursor, _thread: &mut Thread, w: Instruction) -> Flow {
    let result = class_of(At(c.frame).get(w.b())).has(TypeFlags::MAPPING);
    c.set(w.a(), orochi_core::word::from_bool(result));
    Flow::Next
}

fn match_keys(thread: &mut Thread, subject: Ref<'_>, keys: &Obj<PyTuple>) -> PyResult<Value> {
    let sentinel = orochi_objects::make(thread, orochi_objects::types::object::PyObject {})?;
    let get = protocol::get_attr(thread, subject, name!("get"))?;
    let mut seen: Vec<Ref<'_>> = Vec::new();
    let mut values = Vec::with_capacity(keys.len());
    for key in keys.items() {
        for other in &seen {
            if protocol::eq(thread, *other, key)? {
                let text = protocol::repr(thread, key)?;
                let text = orochi_objects::str::display(text.get());
                return Err(value_error(format!("mapping pattern checks duplicate key ({text})")));
            }
        }
        seen.push(key);
        let value = protocol::call(thread, get.get(), &[key, sentinel.get()])?;
        if value.get().is(sentinel.get()) {
            return Ok(Value::NONE);
        }
        values.push(value);
    }
    Ok(tuple::new(thread, values)?.into_value())
}

#[inline(always)]
pub(super) fn MatchKeys(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let keys = at.get(w.c()).downcast().ok_or_else(|| type_error("expected a tuple of keys"))?;
        let values = match_keys(thread, at.get(w.b()), keys)?;
        at.set(w.a(), values);
        Ok(())
    })
}

/// The names of the attributes that positional sub-patterns match, or `None` if the class matches itself.
fn match_args(thread: &mut Thread, class: &Obj<PyType>, n: usize) -> PyResult<Option<Vec<Value>>> {
    let Some(args) = protocol::find_attr(thread, class.get(), name!("__match_args__"))? else {
        if class.has(TypeFlags::MATCH_SELF) {
            if n > 1 {
                return Err(too_many(class, 1, n));
            }
            return Ok(None);
        }
        return if n == 0 { Ok(Some(Vec::new())) } else { Err(too_many(class, 0, n)) };
    };
    let Some(names) = args.get().downcast::<PyTuple>() else {
        let given = class_of(args.get()).name();
        return Err(type_error(format!("{}.__match_args__ must be a tuple (got {given})", class.name())));
    };
    if n > names.len() {
        return Err(too_many(class, names.len(), n));
    }
    let names: Vec<Value> = names.items().take(n).map(Ref::to_owned).collect();
    for name in &names {
        if name.get().downcast::<PyStr>().is_none() {
            let given = class_of(name.get()).name();
            return Err(type_error(format!("__match_args__ elements must be strings (got {given})")));
        }
    }
    Ok(Some(names))
}

fn too_many(class: &Obj<PyType>, allowed: usize, given: usize) -> orochi_objects::PyErr {
    let plural = if allowed == 1 { "" } else { "s" };
    type_error(format!("{}() accepts {allowed} positional sub-pattern{plural} ({given} given)", class.name()))
}

fn match_class(thread: &mut Thread, at: At, w: Instruction) -> PyResult<Value> {
    let subject = at.get(w.b());
    let Some(class) = at.get(w.b() + 1).downcast::<PyType>() else {
        return Err(type_error("called match pattern must be a class"));
    };
    if !protocol::is_instance(thread, subject, class.get())? {
        return Ok(Value::NONE);
    }
    let mut seen: Vec<Value> = Vec::new();
    let mut values = Vec::new();
    let positional = super::name::ext_of(at) as usize;
    if positional > 0 {
        match match_args(thread, class, positional)? {
            None => values.push(subject.to_owned()),
            Some(names) => {
                for name in names {
                    match attribute(thread, class, subject, name.get(), &mut seen)? {
                        Some(value) => values.push(value),
                        None => return Ok(Value::NONE),
                    }
                }
            }
        }
    }
    let keywords: &Obj<PyTuple> =
        at.get(w.b() + 2).downcast().ok_or_else(|| type_error("expected a tuple of names"))?;
    for name in keywords.items() {
        match attribute(thread, class, subject, name, &mut seen)? {
            Some(value) => values.push(value),
            None => return Ok(Value::NONE),
        }
    }
    Ok(tuple::new(thread, values)?.into_value())
}

fn attribute(
    thread: &mut Thread,
    class: &Obj<PyType>,
    subject: Ref<'_>,
    name: Ref<'_>,
    seen: &mut Vec<Value>,
) -> PyResult<Option<Value>> {
    let Some(text) = name.downcast::<PyStr>() else { return Ok(None) };
    let repeated = seen
        .iter()
        .filter_map(|other| other.get().downcast::<PyStr>())
        .any(|other| other.as_bytes() == text.as_bytes());
    if repeated {
        return Err(type_error(format!(
            "{}() got multiple sub-patterns for attribute '{}'",
            class.name(),
            **text
        )));
    }
    seen.push(name.to_owned());
    protocol::find_attr(thread, subject, text)
}

#[inline(always)]
pub(super) fn MatchClass(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.slow(thread, w, |thread, at, w| {
        let values = match_class(thread, at, w)?;
        at.consume_window(w.b(), 3);
        at.set(w.a(), values);
        Ok(())
    })
}
