//! `a, b = x` and `a, *b, c = x`.

use super::super::collections as many;
use super::super::cursor::{At, Cursor, Fast, Flow, Operands};
use super::count_of;
use orochi_compiler::opcode::Word as Instruction;
use orochi_core::{Ref, Thread, Value};
use orochi_objects::class::{PyClass, exactly, is_exact};
use orochi_objects::error::{PyErr, PyResult, type_error, value_error};
use orochi_objects::types::items;
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::{class_of, protocol};

fn iterator(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    let slots = &class_of(object).slots;
    if slots.tp_iter().is_none() && slots.sq_item().is_none() {
        return Err(type_error(format!("cannot unpack non-iterable {} object", class_of(object).name())));
    }
    protocol::iter(thread, object)
}

/// Up to `n` items.
fn take(thread: &mut Thread, iterator: Ref<'_>, n: usize) -> PyResult<Vec<Value>> {
    let mut values = Vec::with_capacity(n);
    while values.len() < n {
        match protocol::next(thread, iterator)? {
            Some(value) => values.push(value),
            None => break,
        }
    }
    Ok(values)
}

fn too_few(at_least: &str, n: usize, got: usize) -> PyErr {
    value_error(format!("not enough values to unpack (expected {at_least}{n}, got {got})"))
}

#[cold]
fn too_many(thread: &mut Thread, object: Ref<'_>, n: usize) -> PyErr {
    // CPython says how many there are where that is known.
    let class = class_of(object);
    let known = is_exact(object, PyTuple::static_type())
        || many::is_list(object)
        || is_exact(object, orochi_objects::types::dict::PyDict::static_type());
    match class.slots.sq_length().or(class.slots.mp_length()).filter(|_| known) {
        Some(length) => match length(thread, object) {
            Ok(got) => value_error(format!("too many values to unpack (expected {n}, got {got})")),
            Err(error) => error,
        },
        None => value_error(format!("too many values to unpack (expected {n})")),
    }
}

/// Unpacks a tuple of the right length.
fn unpack_tuple(at: At, w: Instruction, object: Value) {
    at.consume(w.b());
    if let Some(tuple) = object.get().downcast::<PyTuple>() {
        for (i, item) in tuple.items().enumerate() {
            at.set_ref(w.a().wrapping_add(i as u8), item);
        }
    }
}

/// What the loop does itself.
pub(in super::super) mod hot {
    use super::*;
    use crate::interp::iter::exact;
    use orochi_core::value::drop_one_of_many;
    use orochi_core::word;

    /// Pairs.
    #[inline(always)]
    pub(in super::super::super) fn UnpackSequence(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let tuple = c.object(w.b()).and_then(|object| exact::<PyTuple>(object.get()));
        let (2, Some([first, second])) = (w.c(), tuple.map(|tuple| tuple.fields())) else {
            return Fast::Slow;
        };
        let last = w.a().wrapping_add(1);
        // SAFETY: the word is overwritten next.
        if last == w.b() || !unsafe { drop_one_of_many(c.word(last)) } {
            return Fast::Slow;
        }
        c.put(last, word::UNBOUND);
        // Counted before the tuple goes.
        let (first, second) = (first.load_register(thread), second.load_register(thread));
        let tuple = c.consumed(w.b());
        let old = c.replace(w.a(), first);
        c.put(last, second);
        Fast::DropBoth(tuple, old)
    }
}

/// Tuples of any length.
pub(in super::super) mod warm {
    use super::*;

    #[inline(always)]
    pub(in super::super::super) fn UnpackSequence(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let at = At(c.frame);
        let Some(tuple) = exactly::<PyTuple>(at.get(w.b())) else { return Fast::Slow };
        let is_among = w.b() >= w.a() && usize::from(w.b()) < usize::from(w.a()) + usize::from(w.c());
        if tuple.len() != w.c() as usize || is_among {
            return Fast::Slow;
        }
        let mut register = w.a();
        for field in tuple.fields() {
            at.set_word(register, field.load_register(thread));
            register = register.wrapping_add(1);
        }
        Fast::Drop(c.consumed(w.b()))
    }
}

fn exact_values(thread: &mut Thread, object: Ref<'_>, n: usize) -> PyResult<Vec<Value>> {
    if let Some(list) = exactly::<PyList>(object)
        && list::len(thread, list) == n
    {
        let values = list::values(thread, list)?;
        // Another thread may have changed it in between; then the iterator says what is wrong.
        if values.len() == n {
            return Ok(values);
        }
    }
    let iterator = iterator(thread, object)?;
    let values = take(thread, iterator.get(), n)?;
    if values.len() == n && protocol::next(thread, iterator.get())?.is_some() {
        return Err(too_many(thread, object, n));
    }
    if values.len() < n {
        return Err(too_few("", n, values.len()));
    }
    Ok(values)
}

fn unpack(thread: &mut Thread, at: At, w: Instruction) -> PyResult<()> {
    let object = at.get(w.b());
    let n = w.c() as usize;
    if is_exact(object, PyTuple::static_type()) {
        // SAFETY: exactly a tuple.
        let tuple = unsafe { object.cast::<PyTuple>() };
        if tuple.len() == n {
            unpack_tuple(at, w, object.to_owned());
            return Ok(());
        }
    }
    let values = exact_values(thread, object, n)?;
    at.consume(w.b());
    for (i, value) in values.into_iter().enumerate() {
        at.set(w.a() + i as u8, value);
    }
    Ok(())
}

#[allow(non_snake_case, reason = "handlers carry the names of their operations")]
#[inline(always)]
pub(in super::super) fn UnpackSequence(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, unpack)
}

/// `before` items, a list of the middle ones, `after` items.
fn star_values(thread: &mut Thread, object: Ref<'_>, before: usize, after: usize) -> PyResult<Vec<Value>> {
    if let Some(values) = items::of(thread, object) {
        return spread(thread, values?, before, after);
    }
    let iterator = iterator(thread, object)?;
    let mut values = take(thread, iterator.get(), before)?;
    if values.len() < before {
        return Err(too_few("at least ", before + after, values.len()));
    }
    let mut rest = Vec::new();
    while let Some(value) = protocol::next(thread, iterator.get())? {
        rest.push(value);
    }
    if rest.len() < after {
        return Err(too_few("at least ", before + after, before + rest.len()));
    }
    let last = rest.split_off(rest.len() - after);
    values.push(many::list_new(thread, rest)?);
    values.extend(last);
    Ok(values)
}

fn unpack_star(thread: &mut Thread, at: At, w: Instruction) -> PyResult<()> {
    let values = star_values(thread, at.get(w.b()), w.c() as usize, count_of(at))?;
    at.consume(w.b());
    for (i, value) in values.into_iter().enumerate() {
        at.set(w.a() + i as u8, value);
    }
    Ok(())
}

/// A tuple of exactly `n` items: unpacking to more targets than there are registers.
pub(in super::super) fn exact(thread: &mut Thread, object: Ref<'_>, n: usize) -> PyResult<Value> {
    let values = exact_values(thread, object, n)?;
    Ok(tuple::new(thread, values)?.into_value())
}

/// As [`exact`], with a list of those between the first `before` and the last `after` items.
pub(in super::super) fn star(
    thread: &mut Thread,
    object: Ref<'_>,
    before: usize,
    after: usize,
) -> PyResult<Value> {
    let values = star_values(thread, object, before, after)?;
    Ok(tuple::new(thread, values)?.into_value())
}

/// The items of a container that are known all at once, those in the middle as a list.
fn spread(thread: &mut Thread, mut values: Vec<Value>, before: usize, after: usize) -> PyResult<Vec<Value>> {
    if values.len() < before + after {
        return Err(too_few("at least ", before + after, values.len()));
    }
    let last = values.split_off(values.len() - after);
    let mut middle = values.drain(before..);
    let rest = list::build(thread, middle.len(), |_| middle.next().unwrap_or(Value::NONE))?.into_value();
    drop(middle);
    values.push(rest);
    values.extend(last);
    Ok(values)
}

#[allow(non_snake_case, reason = "handlers carry the names of their operations")]
#[inline(always)]
pub(in super::super) fn UnpackEx(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.slow(thread, w, unpack_star)
}
