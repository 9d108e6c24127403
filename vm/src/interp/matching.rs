//! `match`.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

use super::cursor::{At, Cursor, Flow};
use super::iter::exactly;
use orochi_compiler::opcode::Word as Instruction;
use orochi_core::{Obj, Owned, Ref, Thread, Value};
use orochi_objects::class::{PyClass, TypeFlags};
use orochi_objects::error::{PyResult, type_error, value_error};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::key::Key;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::types::r#type::{PyType, TypeExt};
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

/// Whether two keys, or names, are strs of which is known without comparing them that they differ.
fn are_unlike(one: Ref<'_>, other: Ref<'_>) -> bool {
    let is_interned = |object| exactly::<PyStr>(object).is_some_and(|text| text.is_interned());
    !one.is(other) && is_interned(one) && is_interned(other)
}

fn check_duplicate_key(thread: &mut Thread, keys: &Obj<PyTuple>, at: usize, key: Ref<'_>) -> PyResult<()> {
    for other in keys.items().take(at) {
        if !are_unlike(other, key) && protocol::eq(thread, other, key)? {
            let text = protocol::repr(thread, key)?;
            let text = orochi_objects::str::display(text.get());
            return Err(value_error(format!("mapping pattern checks duplicate key ({text})")));
        }
    }
    Ok(())
}

/// The values of a dict under the keys; None if it lacks one.
fn match_dict_keys(thread: &mut Thread, subject: &Obj<PyDict>, keys: &Obj<PyTuple>) -> PyResult<Value> {
    let mut values = Vec::with_capacity(keys.len());
    for (i, key) in keys.items().enumerate() {
        check_duplicate_key(thread, keys, i, key)?;
        let sought = Key::for_set(thread, key)?;
        match dict::get(thread, subject, &sought)? {
            Some(value) => values.push(value),
            None => return Ok(Value::NONE),
        }
    }
    Ok(tuple::new(thread, values)?.into_value())
}

fn match_keys(thread: &mut Thread, subject: Ref<'_>, keys: &Obj<PyTuple>) -> PyResult<Value> {
    if let Some(subject) = exactly::<PyDict>(subject) {
        return match_dict_keys(thread, subject, keys);
    }
    let sentinel = orochi_objects::make(thread, orochi_objects::types::object::PyObject {})?;
    let get = protocol::get_attr(thread, subject, name!("get"))?;
    let mut values = Vec::with_capacity(keys.len());
    for (i, key) in keys.items().enumerate() {
        check_duplicate_key(thread, keys, i, key)?;
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

/// A class's `__match_args__`.
fn find_match_args(thread: &mut Thread, class: &Obj<PyType>) -> PyResult<Option<Value>> {
    // What `type` itself would find: it has no attribute of this name, and tuples aren't bound to anything.
    if std::ptr::eq(class_of(class.get()), PyType::static_type().get())
        && let Some(found) = class.lookup(thread, name!("__match_args__"))
        && exactly::<PyTuple>(found).is_some()
    {
        return Ok(Some(found.to_owned()));
    }
    protocol::find_attr(thread, class.get(), name!("__match_args__"))
}

/// The names of the attributes that positional sub-patterns match, at least `n`; `None` if the class matches itself.
fn match_args(thread: &mut Thread, class: &Obj<PyType>, n: usize) -> PyResult<Option<Owned<PyTuple>>> {
    let Some(args) = find_match_args(thread, class)? else {
        if class.has(TypeFlags::MATCH_SELF) {
            if n > 1 {
                return Err(too_many(class, 1, n));
            }
            return Ok(None);
        }
        return Err(too_many(class, 0, n));
    };
    let given = class_of(args.get()).name();
    let Ok(names) = args.downcast::<PyTuple>() else {
        return Err(type_error(format!("{}.__match_args__ must be a tuple (got {given})", class.name())));
    };
    if n > names.len() {
        return Err(too_many(class, names.len(), n));
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
    let keywords: &Obj<PyTuple> =
        at.get(w.b() + 2).downcast().ok_or_else(|| type_error("expected a tuple of names"))?;
    let positional = super::name::ext_of(at) as usize;
    let mut values = Vec::with_capacity(positional + keywords.len());
    let names = if positional == 0 { None } else { match_args(thread, class, positional)? };
    if positional != 0 && names.is_none() {
        values.push(subject.to_owned());
    }
    let positional = names.as_ref().map_or(0, |_| positional);
    let all = || names.iter().flat_map(|names| names.items()).take(positional).chain(keywords.items());
    for (i, name) in all().enumerate() {
        let Some(text) = name.downcast::<PyStr>() else {
            let given = class_of(name).name();
            return Err(type_error(format!("__match_args__ elements must be strings (got {given})")));
        };
        let is_same = |other: Ref<'_>| {
            !are_unlike(other, name)
                && other.downcast::<PyStr>().is_some_and(|other| other.as_bytes() == text.as_bytes())
        };
        if all().take(i).any(is_same) {
            let class = class.name();
            let text = format!("{class}() got multiple sub-patterns for attribute '{}'", **text);
            return Err(type_error(text));
        }
        match protocol::find_attr(thread, subject, text)? {
            Some(value) => values.push(value),
            None => return Ok(Value::NONE),
        }
    }
    Ok(tuple::new(thread, values)?.into_value())
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
