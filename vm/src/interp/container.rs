//! Displays, subscripts, unpacking and strings.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

pub(super) mod unpack;

use super::collections::{self as many};
use super::cursor::{At, Cursor, Fast, Flow, Operands, raise, register_word};
use super::iter::{exact, exactly};
use super::name::ext_of;
use orochi_compiler::opcode::{Op, Word as Instruction};
use orochi_core::word::{self, Word};
use orochi_core::{Obj, Owner, Ref, Thread, Value};
use orochi_objects::class::{PyClass, is_exact};
use orochi_objects::error::{PyErr, PyResult, type_error};
use orochi_objects::types::bytearray::{self, PyByteArray};
use orochi_objects::types::bytes::PyBytes;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::key::Key;
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::set::{self, PySet};
use orochi_objects::types::slice;
use orochi_objects::types::str;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::str_::{sequence, template};
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::{class_of, protocol};
pub(super) use unpack::{UnpackEx, UnpackSequence};

/// The values of a window, which is emptied.
fn window(at: At, base: u8, n: usize) -> Vec<Value> {
    (0..n).map(|i| at.take_temp(base.wrapping_add(i as u8))).collect()
}

#[inline(always)]
pub(super) fn BuildTuple(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let made = tuple::build(thread, w.c() as usize, |i| at.take_temp(w.b().wrapping_add(i as u8)))?;
        at.set(w.a(), made.into_value());
        Ok(())
    })
}

#[inline(always)]
pub(super) fn BuildList(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let made = list::build(thread, w.c() as usize, |i| at.take_temp(w.b().wrapping_add(i as u8)))?;
        at.set(w.a(), made.into_value());
        Ok(())
    })
}

#[inline(always)]
pub(super) fn BuildSet(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let made = many::set_new(thread)?;
        for i in 0..w.c() {
            many::set_add(thread, made.get(), at.get(w.b() + i))?;
        }
        at.consume_window(w.b(), w.c() as usize);
        at.set(w.a(), made);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn BuildMap(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let made = dict::with_capacity(thread, w.c() as usize)?;
        for i in 0..w.c() {
            let value = at.take_temp(w.b() + 2 * i + 1);
            dict::set_item(thread, &made, at.get(w.b() + 2 * i), value)?;
        }
        at.consume_window(w.b(), 2 * w.c() as usize);
        at.set(w.a(), made.into());
        Ok(())
    })
}

#[inline(always)]
pub(super) fn BuildString(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let empty: &Obj<PyStr> = orochi_objects::name!("");
        let part = |i: u8| at.get(w.b().wrapping_add(i)).downcast::<PyStr>().unwrap_or(empty);
        let made = str::joined(thread, (0..w.c()).map(part))?;
        at.consume_window(w.b(), w.c() as usize);
        at.set(w.a(), made);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn BuildSlice(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    if let Some(part) = sliced(c, thread, w) {
        let get = c.fetch();
        c.sync();
        let at = At(c.frame);
        return match part {
            Ok(part) => {
                at.consume_window(w.b(), w.c() as usize);
                at.consume(get.b());
                at.set(get.a(), part);
                Flow::Next
            }
            Err(error) => raise(thread, error),
        };
    }
    if let Some(assigned) = assigned(c, thread, w) {
        let set = c.fetch();
        c.sync();
        let at = At(c.frame);
        return match assigned {
            Ok(()) => {
                at.consume_window(w.b(), w.c() as usize);
                at.consume(set.a());
                at.consume(set.c());
                Flow::Next
            }
            Err(error) => raise(thread, error),
        };
    }
    c.slow(thread, w, |thread, at, w| {
        let mut parts = window(at, w.b(), w.c() as usize).into_iter();
        let mut part = || parts.next().unwrap_or(Value::NONE);
        let (start, stop, step) = (part(), part(), part());
        at.set(w.a(), many::slice_new(thread, start, stop, step)?);
        Ok(())
    })
}

/// The part of a built-in sequence, if the slice is made for the subscript that comes next: no slice object is needed then.
#[inline(always)]
fn sliced(c: &Cursor, thread: &mut Thread, w: Instruction) -> Option<PyResult> {
    let next = Instruction(c.peek());
    if next.op_byte() != Op::GetItem as u8 || next.c() != w.a() || !c.is_temp(w.a()) {
        return None;
    }
    slice::plain_part(thread, At(c.frame).get(next.b()), bounds(c, w)?)
}

/// Assigns to a part of a list, if the slice is made for an assignment that comes next: as in [`sliced`].
#[inline(always)]
fn assigned(c: &Cursor, thread: &mut Thread, w: Instruction) -> Option<PyResult<()>> {
    let next = Instruction(c.peek());
    if next.op_byte() != Op::SetItem as u8 || next.b() != w.a() || !c.is_temp(w.a()) {
        return None;
    }
    let at = At(c.frame);
    c.sync();
    slice::assign_plain_part(thread, at.get(next.a()), bounds(c, w)?, at.get(next.c()))
}

/// The numbers of the slice that an instruction makes.
#[inline(always)]
fn bounds(c: &Cursor, w: Instruction) -> Option<slice::Bounds> {
    let at = At(c.frame);
    let step = if w.c() == 3 { at.get(w.b() + 2) } else { Ref::NONE };
    slice::plain_bounds(at.get(w.b()), at.get(w.b() + 1), step)
}

#[inline(always)]
pub(super) fn ListAppend(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let value = at.take(w.b());
        if let Some(list) = exactly::<PyList>(at.get(w.a())) {
            return list::push(thread, list, value);
        }
        many::list_push(thread, at.get(w.a()), value)
    })
}

#[inline(always)]
pub(super) fn ListExtend(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let iterable = at.get(w.b());
        let slots = &class_of(iterable).slots;
        if slots.tp_iter().is_none() && slots.sq_item().is_none() {
            let given = class_of(iterable).name();
            return Err(type_error(format!("Value after * must be an iterable, not {given}")));
        }
        many::list_extend(thread, at.get(w.a()), iterable)?;
        at.consume(w.b());
        Ok(())
    })
}

#[inline(always)]
pub(super) fn ListToTuple(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let values = many::list_values(thread, at.get(w.b()))?;
        at.consume(w.b());
        at.set(w.a(), tuple::new(thread, values)?.into_value());
        Ok(())
    })
}

#[inline(always)]
pub(super) fn SetAdd(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        many::set_add(thread, at.get(w.a()), at.get(w.b()))?;
        at.consume(w.b());
        Ok(())
    })
}

#[inline(always)]
pub(super) fn SetUpdate(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let set = at.get(w.a()).downcast::<PySet>().ok_or_else(|| type_error("expected a set"))?;
        set::update(thread, set, at.get(w.b()))?;
        at.consume(w.b());
        Ok(())
    })
}

fn dict_in<'a>(at: At, register: u8) -> PyResult<&'a Obj<PyDict>> {
    at.get(register).downcast::<PyDict>().ok_or_else(|| type_error("expected a dict"))
}

#[inline(always)]
pub(super) fn MapAdd(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let value = at.take(w.c());
        dict::set_item(thread, dict_in(at, w.a())?, at.get(w.b()), value)?;
        at.consume(w.b());
        Ok(())
    })
}

#[inline(always)]
pub(super) fn DictUpdate(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let source = at.get(w.b());
        if let (Some(target), Some(source)) = (exactly::<PyDict>(at.get(w.a())), exactly::<PyDict>(source)) {
            orochi_objects::types::dict_::update_from_dict(thread, target, source)?;
            at.consume(w.b());
            return Ok(());
        }
        if !is_mapping(thread, source)? {
            return Err(type_error(format!("'{}' object is not a mapping", class_of(source).name())));
        }
        protocol::call_method(thread, at.get(w.a()), "update", &[source])?;
        at.consume(w.b());
        Ok(())
    })
}

/// Whether it has `keys`.
fn is_mapping(thread: &mut Thread, object: Ref<'_>) -> PyResult<bool> {
    if is_exact(object, PyDict::static_type()) {
        return Ok(true);
    }
    Ok(protocol::find_attr(thread, object, orochi_objects::name!("keys"))?.is_some())
}

/// `target.update(source)` for the keyword arguments of a call of `callee`: a key that is there already is an error.
pub(super) fn merge(
    thread: &mut Thread,
    target: &Obj<PyDict>,
    source: Ref<'_>,
    callee: Ref<'_>,
) -> PyResult<()> {
    if let Some(source) = exactly::<PyDict>(source) {
        return merge_dict(thread, target, source, callee);
    }
    if !is_mapping(thread, source)? {
        let name = many::function_text(thread, callee)?;
        let given = class_of(source).name();
        return Err(type_error(format!("{name} argument after ** must be a mapping, not {given}")));
    }
    let keys = protocol::call_method(thread, source, "keys", &[])?;
    for key in protocol::collect(thread, keys.get())? {
        if protocol::contains(thread, target.get(), key.get())? {
            return Err(repeated(thread, callee, key.get())?);
        }
        let value = protocol::get_item(thread, source, key.get())?;
        dict::set_item(thread, target, key.get(), value)?;
    }
    Ok(())
}

/// [`merge`] of exactly a dict.
fn merge_dict(
    thread: &mut Thread,
    target: &Obj<PyDict>,
    source: &Obj<PyDict>,
    callee: Ref<'_>,
) -> PyResult<()> {
    if dict::len(thread, target) == 0 {
        return orochi_objects::types::dict_::update_from_dict(thread, target, source);
    }
    for entry in dict::entries(thread, source)? {
        let key = Key::with_hash(entry.key.get(), entry.hash);
        if dict::contains(thread, target, &key)? {
            return Err(repeated(thread, callee, entry.key.get())?);
        }
        dict::set(thread, target, &key, entry.value)?;
    }
    Ok(())
}

#[cold]
fn repeated(thread: &mut Thread, callee: Ref<'_>, key: Ref<'_>) -> PyResult<PyErr> {
    let name = many::function_text(thread, callee)?;
    let key = protocol::str(thread, key)?;
    let key = orochi_objects::str::display(key.get());
    Ok(type_error(format!("{name} got multiple values for keyword argument '{key}'")))
}

#[inline(always)]
pub(super) fn DictMerge(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        merge(thread, dict_in(at, w.a())?, at.get(w.b()), at.get(w.c()))?;
        at.consume(w.b());
        Ok(())
    })
}

/// `sequence[index]` of exactly a list or tuple; UNBOUND for anything else.
#[inline(always)]
fn indexed(c: &Cursor, thread: &Thread, sequence: u8, index: i64) -> Word {
    let Some(sequence) = c.object(sequence) else { return word::UNBOUND };
    if let Some(list) = exact::<PyList>(sequence.get()) {
        if index < 0 && list.header().is_shared() {
            // The length and the element are to be of one moment.
            return list.storage().get_signed(thread, index).map_or(word::UNBOUND, Ref::register_word);
        }
        let index = if index < 0 { index + list::len(thread, list) as i64 } else { index };
        return match usize::try_from(index) {
            Ok(index) => list::load_register(thread, list, index),
            Err(_) => word::UNBOUND,
        };
    }
    if let Some(tuple) = exact::<PyTuple>(sequence.get()) {
        let index = if index < 0 { index + tuple.len() as i64 } else { index };
        let field = usize::try_from(index).ok().and_then(|index| tuple.fields().get(index));
        return field.map_or(word::UNBOUND, |field| field.load_register(thread));
    }
    word::UNBOUND
}

/// Subscripts of lists and tuples, and stores into local lists.
pub(super) mod hot {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn BuildTuple(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        // SAFETY: the window lies within the frame.
        match unsafe { tuple::from_registers(thread, c.regs.add(w.b() as usize), w.c() as usize) } {
            Some(made) => c.done(w.a(), made.into_value().into_word()),
            None => Fast::Slow,
        }
    }

    #[inline(always)]
    pub(in super::super) fn ListAppend(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        let list = c.object(w.a()).and_then(|object| exact::<PyList>(object.get()));
        let room = list.and_then(|list| list.storage().local_room(Owner::from(list)));
        let Some(room) = room.filter(|_| c.word(w.b()) != word::UNBOUND) else { return Fast::Slow };
        let Some(word) = c.take_owned(w.b()) else { return Fast::Slow };
        // SAFETY: the list hasn't changed in between.
        unsafe { room.fill_owned(word) };
        Fast::Done
    }

    #[inline(always)]
    pub(in super::super) fn SetItem(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let list = c.object(w.a()).and_then(|object| exact::<PyList>(object.get()));
        let (Some(list), index) = (list, c.word(w.b())) else { return Fast::Slow };
        if !word::is_int(index) || c.word(w.c()) == word::UNBOUND {
            return Fast::Slow;
        }
        let index = word::int_of(index);
        let index = if index < 0 { index + list::len(thread, list) as i64 } else { index };
        let slot = usize::try_from(index).ok();
        let slot = slot.and_then(|index| list.storage().local_slot(Owner::from(list), thread, index));
        let Some(slot) = slot else { return Fast::Slow };
        let Some(word) = c.take_owned(w.c()) else { return Fast::Slow };
        let old = slot.take_for_register();
        // SAFETY: the list is local; the place was emptied just now.
        unsafe { slot.init_owned(word) };
        c.consume_immediate(w.b());
        Fast::DropBoth(c.consumed(w.a()), old)
    }

    /// Ends a subscript.
    #[inline(always)]
    fn found(c: &mut Cursor, w: Operands, word: Word) -> Fast {
        if word == word::UNBOUND {
            return Fast::Slow;
        }
        if !c.is_temp(w.b()) {
            return c.done(w.a(), word);
        }
        let container = c.replace(w.b(), word::UNBOUND);
        Fast::DropBoth(container, c.replace(w.a(), word))
    }

    #[inline(always)]
    pub(in super::super) fn GetItem(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let index = c.word(w.c());
        if !word::is_int(index) {
            return Fast::Slow;
        }
        let word = indexed(c, thread, w.b(), word::int_of(index));
        if word != word::UNBOUND {
            c.consume_immediate(w.c());
        }
        found(c, w, word)
    }

    #[inline(always)]
    pub(in super::super) fn GetItemI(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let word = indexed(c, thread, w.b(), i64::from(w.c() as i8));
        found(c, w, word)
    }
}

/// Subscripts of dicts and strs that need no Python code, and what makes containers.
pub(super) mod warm {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn BuildTuple(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let (at, base) = (At(c.frame), w.b());
        match tuple::build(thread, w.c() as usize, |i| at.take_temp(base.wrapping_add(i as u8))) {
            Ok(made) => c.done(w.a(), made.into_value().into_word()),
            Err(error) => {
                c.sync();
                raise(thread, error);
                Fast::Raise
            }
        }
    }

    #[inline(always)]
    pub(in super::super) fn BuildList(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let (at, base) = (At(c.frame), w.b());
        match list::build(thread, w.c() as usize, |i| at.take_temp(base.wrapping_add(i as u8))) {
            Ok(made) => c.done(w.a(), made.into_value().into_word()),
            Err(error) => {
                c.sync();
                raise(thread, error);
                Fast::Raise
            }
        }
    }

    /// Adds to a set; false if more is to be done.
    #[inline(never)]
    fn add(thread: &Thread, set: &Obj<PySet>, item: Ref<'_>) -> bool {
        set::add_plain(thread, set, item)
    }

    #[inline(always)]
    pub(in super::super) fn SetAdd(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let at = At(c.frame);
        match exactly::<PySet>(at.get(w.a())) {
            Some(set) if add(thread, set, at.get(w.b())) => Fast::Drop(c.consumed(w.b())),
            _ => Fast::Slow,
        }
    }

    /// The value in a dict, or UNBOUND.
    #[inline(never)]
    fn value(thread: &Thread, dict: &Obj<PyDict>, key: Ref<'_>) -> Word {
        dict::get_register(thread, dict, key)
    }

    /// The character of an exact str, or the number in an exact bytes or bytearray; UNBOUND otherwise.
    #[inline(never)]
    fn element(thread: &mut Thread, container: Ref<'_>, index: i64) -> Word {
        if let Some(text) = exactly::<PyStr>(container) {
            return sequence::item(thread, text, index).map_or(word::UNBOUND, Value::into_word);
        }
        let byte = |bytes: &[u8]| {
            let index = if index < 0 { index.checked_add(bytes.len() as i64)? } else { index };
            bytes.get(usize::try_from(index).ok()?).copied()
        };
        let found = match exactly::<PyByteArray>(container) {
            Some(array) => bytearray::read(array, thread, byte),
            None => exactly::<PyBytes>(container).and_then(|bytes| byte(bytes.as_bytes())),
        };
        found.and_then(|byte| word::from_int(byte.into())).unwrap_or(word::UNBOUND)
    }

    #[inline(always)]
    pub(in super::super) fn GetItemI(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let found = element(thread, At(c.frame).get(w.b()), i64::from(w.c() as i8));
        if found == word::UNBOUND {
            return Fast::Slow;
        }
        let container = c.consumed(w.b());
        Fast::DropBoth(container, c.replace(w.a(), found))
    }

    #[inline(always)]
    pub(in super::super) fn GetItem(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let at = At(c.frame);
        let (container, key) = (at.get(w.b()), at.get(w.c()));
        let word = match exactly::<PyDict>(container) {
            Some(dict) => value(thread, dict, key),
            None => key.as_small_int().map_or(word::UNBOUND, |index| element(thread, container, index)),
        };
        if word == word::UNBOUND {
            return Fast::Slow;
        }
        c.consume(w.b());
        let key = c.consumed(w.c());
        Fast::DropBoth(key, c.replace(w.a(), word))
    }

    /// Stores an item; `false` if that raised.
    #[inline(never)]
    fn stored(thread: &mut Thread, at: At, w: Instruction) -> bool {
        match set_item(thread, at, w) {
            Ok(()) => true,
            Err(error) => {
                raise(thread, error);
                false
            }
        }
    }

    #[inline(always)]
    pub(in super::super) fn SetItem(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        c.sync();
        if stored(thread, At(c.frame), w.word()) { Fast::Done } else { Fast::Raise }
    }
}

#[inline(always)]
pub(super) fn GetItem(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let (container, key) = (at.get(w.b()), at.get(w.c()));
        let value = match (exactly::<PyStr>(container), key.as_small_int()) {
            (Some(text), Some(index)) => sequence::item(thread, text, index)?,
            _ => protocol::get_item(thread, container, key)?,
        };
        at.consume(w.b());
        at.consume(w.c());
        at.set(w.a(), value);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn GetItemI(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let index = i64::from(w.c() as i8);
        let value = match exactly::<PyStr>(at.get(w.b())) {
            Some(text) => sequence::item(thread, text, index)?,
            None => {
                let index = Value::small_int(index).unwrap_or(Value::NONE);
                protocol::get_item(thread, at.get(w.b()), index.get())?
            }
        };
        at.consume(w.b());
        at.set(w.a(), value);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn SetItem(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, set_item)
}

/// `R[a][R[b]] = R[c]`.
fn set_item(thread: &mut Thread, at: At, w: Instruction) -> PyResult<()> {
    let container = at.get(w.a());
    if let Some(dict) = exactly::<PyDict>(container) {
        let value = at.take(w.c());
        dict::set_item(thread, dict, at.get(w.b()), value)?;
    } else if let (Some(list), Some(index)) = (exactly::<PyList>(container), at.get(w.b()).as_small_int())
        && let Ok(index) = usize::try_from(index)
        && index < list::len(thread, list)
    {
        let value = at.take(w.c());
        match list.storage().set(Owner::of(list.header()), thread, index, value) {
            Ok(old) => drop(old),
            // Another thread made it shorter meanwhile.
            Err(Some(value)) => protocol::set_item(thread, container, at.get(w.b()), Some(value.get()))?,
            Err(None) => {}
        }
    } else {
        protocol::set_item(thread, container, at.get(w.b()), Some(at.get(w.c())))?;
    }
    at.consume(w.a());
    at.consume(w.b());
    at.consume(w.c());
    Ok(())
}

#[inline(always)]
pub(super) fn DelItem(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        protocol::set_item(thread, at.get(w.a()), at.get(w.b()), None)?;
        at.consume(w.a());
        at.consume(w.b());
        Ok(())
    })
}

#[inline(always)]
pub(super) fn GetLen(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let len = protocol::len(thread, at.get(w.b()))?;
        at.set(w.a(), Value::small_int(len as i64).unwrap_or(Value::NONE));
        Ok(())
    })
}

#[inline(always)]
pub(super) fn ConvertValue(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let object = at.get(w.b());
        let text = match w.c() {
            b'r' => protocol::repr(thread, object)?,
            b'a' => many::ascii(thread, object)?,
            _ => protocol::str(thread, object)?,
        };
        at.consume(w.b());
        at.set(w.a(), text);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn FormatSimple(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let object = at.get(w.b());
        if exactly::<PyStr>(object).is_some() {
            let text = register_word(object);
            at.consume(w.b());
            at.set_word(w.a(), text);
            return Ok(());
        }
        let text = if let Some(small) = object.as_small_int() {
            orochi_objects::types::int_::text::of_small(thread, small)?
        } else {
            many::format(thread, object, orochi_objects::name!("").get())?
        };
        at.consume(w.b());
        at.set(w.a(), text);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn FormatWithSpec(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let text = many::format(thread, at.get(w.b()), at.get(w.c()))?;
        at.consume(w.b());
        at.consume(w.c());
        at.set(w.a(), text);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn BuildInterpolation(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let conversion = match w.c() {
            0 => Value::NONE,
            letter => orochi_objects::str::new(thread, &char::from(letter).to_string())?,
        };
        let empty = orochi_objects::name!("").get();
        let spec = at.get_bound(w.b() + 2).unwrap_or(empty);
        let (value, expression) = (at.get(w.b()).to_owned(), at.get(w.b() + 1).to_owned());
        let spec = spec.to_owned();
        let made = template::interpolation(thread, value, expression, conversion, spec)?;
        at.consume_window(w.b(), 3);
        at.set(w.a(), made);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn BuildTemplate(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let (strings, interpolations) = (at.get(w.b()).to_owned(), at.get(w.c()).to_owned());
        let made = template::new(thread, strings, interpolations)?;
        at.consume(w.b());
        at.consume(w.c());
        at.set(w.a(), made);
        Ok(())
    })
}

/// The number in the extension word.
pub(super) fn count_of(at: At) -> usize {
    ext_of(at) as usize
}
