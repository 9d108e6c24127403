//! Attributes.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

mod described;

use super::cache;
use super::call::{Called, enter_getter};
use super::cursor::{At, Cursor, Fast, Flow, Operands, raise, register_word};
use super::iter::exactly;
use super::name::{ext_of, name_of};
use orochi_compiler::opcode::{SpecialMethod, Word as Instruction};
use orochi_core::word::{self, Word};
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_objects::class::TypeFlags;
use orochi_objects::error::{PyResult, memory_error, runtime_error, system_error, type_error};
use orochi_objects::storage::instance::{Attributes, Stored};
use orochi_objects::storage::shape::Name;
use orochi_objects::types::cell::PyCell;
use orochi_objects::types::dict::DictExt;
use orochi_objects::types::function::PyFunction;
use orochi_objects::types::object;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::super_;
use orochi_objects::types::r#type::{PyType, TypeExt};
use orochi_objects::{class_of, protocol};

/// Assigns an attribute of a local instance, which lies in `field`.
#[inline(always)]
fn assign(c: &mut Cursor, w: Operands, field: &Field) -> Fast {
    let Some(word) = c.take_owned(w.b()) else { return Fast::Slow };
    let old = field.take_for_register();
    // SAFETY: the instance is local; the place was emptied just now.
    unsafe { field.init_owned(word) };
    c.skip();
    Fast::DropBoth(c.consumed(w.a()), old)
}

/// Cached attributes that lie in the instance, and cached methods.
pub(super) mod hot {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn LoadAttr(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let Some(object) = c.object(w.b()) else { return Fast::Slow };
        let word = cache::attribute(thread, At(c.frame), c.peek(), object.get());
        if word == word::UNBOUND {
            return Fast::Slow;
        }
        c.skip();
        if !c.is_temp(w.b()) {
            return c.done(w.a(), word);
        }
        let object = c.replace(w.b(), word::UNBOUND);
        Fast::DropBoth(object, c.replace(w.a(), word))
    }

    #[inline(always)]
    pub(in super::super) fn StoreAttr(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        let Some(object) = c.object(w.a()) else { return Fast::Slow };
        let Some(field) = cache::local_field(At(c.frame), c.peek(), object.get()) else { return Fast::Slow };
        assign(c, w, field)
    }

    #[inline(always)]
    pub(in super::super) fn LoadMethod(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let Some(object) = c.object(w.b()) else { return Fast::Slow };
        let method = cache::held_method(At(c.frame), c.peek(), object.get());
        if method == word::UNBOUND {
            return Fast::Slow;
        }
        let receiver = c.take(thread, w.b());
        c.skip();
        Fast::DropBoth(c.replace(w.a(), method), c.replace(w.a() + 1, receiver))
    }
}

/// Attributes that lie elsewhere, and those that an instance doesn't have yet.
pub(super) mod warm {
    use super::*;

    #[inline(always)]
    fn attribute(c: &Cursor, thread: &Thread, register: u8) -> Word {
        let (at, ext) = (At(c.frame), c.peek());
        let Some(object) = c.object(register) else { return word::UNBOUND };
        match cache::held_value(at, ext, object.get()) {
            word::UNBOUND => {}
            word => return word,
        }
        match cache::dictionary::attribute(thread, at, ext, object.get(), cache::name_of(at, ext)) {
            word::UNBOUND => {}
            word => return word,
        }
        match cache::known_attribute(thread, at, ext, object.get()) {
            word::UNBOUND => cache::any_attribute(thread, at, ext, at.get(register), cache::name_of(at, ext)),
            word => word,
        }
    }

    #[inline(always)]
    pub(in super::super) fn LoadAttr(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let at = At(c.frame);
        if let Some(known) = cache::descriptor::described(at, c.peek(), at.get(w.b())) {
            return described::load(c, thread, w, known);
        }
        let word = attribute(c, thread, w.b());
        if word == word::UNBOUND {
            return Fast::Slow;
        }
        c.skip();
        let object = c.consumed(w.b());
        Fast::DropBoth(object, c.replace(w.a(), word))
    }

    #[inline(always)]
    pub(in super::super) fn LoadMethod(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let (at, ext) = (At(c.frame), c.peek());
        // Functions of modules first: they are the most frequent here.
        if let Some(object) = c.object(w.b()) {
            let word = cache::attribute(thread, at, ext, object.get());
            if word != word::UNBOUND {
                return unbound(c, w, word);
            }
        }
        if let Some(known) = cache::descriptor::described(at, ext, at.get(w.b())) {
            return described::load_method(c, thread, w, known);
        }
        let Some(object) = c.object(w.b()) else { return Fast::Slow };
        let name = cache::name_of(at, ext);
        let method = match cache::dictionary::method(thread, at, ext, object.get(), name) {
            word::UNBOUND => cache::known_method(thread, at, ext, object.get()),
            method => method,
        };
        if method != word::UNBOUND {
            let receiver = c.take(thread, w.b());
            c.skip();
            return Fast::DropBoth(c.replace(w.a(), method), c.replace(w.a() + 1, receiver));
        }
        match attribute(c, thread, w.b()) {
            word::UNBOUND => Fast::Slow,
            word => unbound(c, w, word),
        }
    }

    /// Ends a `LoadMethod` that has found something that gets no receiver.
    #[inline(always)]
    fn unbound(c: &mut Cursor, w: Operands, word: Word) -> Fast {
        c.skip();
        let object = c.consumed(w.b());
        c.set(w.a() + 1, word::UNBOUND);
        Fast::DropBoth(object, c.replace(w.a(), word))
    }

    #[inline(always)]
    pub(in super::super) fn StoreAttr(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let Some(object) = c.object(w.a()) else { return Fast::Slow };
        let (at, ext) = (At(c.frame), c.peek());
        if cache::add(thread, at, ext, object.get(), || c.take(thread, w.b())) {
            c.skip();
            return Fast::Drop(c.consumed(w.a()));
        }
        let Some(field) = cache::known_field(thread, at, ext, object.get()) else { return Fast::Slow };
        assign(c, w, field)
    }
}

#[inline(always)]
pub(super) fn LoadAttr(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.sync();
    match load(thread, At(c.frame), w) {
        Ok(Called::Done) => Flow::Next,
        Ok(Called::Entered) => Flow::Reload,
        Err(error) => raise(thread, error),
    }
}

/// Loads an attribute. A property's getter gets a frame of the loop.
fn load(thread: &mut Thread, at: At, w: Instruction) -> PyResult<Called> {
    let (object, name, ext) = (at.get(w.b()), name_of(at), ext_of(at));
    let word = cache::any_attribute(thread, at, ext, object, name);
    if word != word::UNBOUND {
        at.consume(w.b());
        at.set_word(w.a(), word);
        return Ok(Called::Done);
    }
    let getter =
        cache::property(thread, at, ext, object, name).and_then(|property| property.getter_function(thread));
    // The register for the getter follows those of the frame: its number must be one.
    let has_room = at.frame().size <= u16::from(u8::MAX);
    if let Some(getter) = getter.and_then(exactly::<PyFunction>).map(|getter| register_word(getter.get()))
        && has_room
    {
        return enter_getter(thread, at, w, getter);
    }
    cache::remember_attribute(thread, at, ext, object, name);
    let value = protocol::get_attr(thread, object, name)?;
    at.consume(w.b());
    at.set(w.a(), value);
    Ok(Called::Done)
}

#[inline(always)]
pub(super) fn StoreAttr(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.slow(thread, w, |thread, at, w| {
        let (object, name) = (at.get(w.a()), name_of(at));
        if object.header().is_some_and(|header| cache::is_plain_store(at, ext_of(at), header))
            && let Some(attributes) = Attributes::of(object)
        {
            // SAFETY: the cache is filled for interned names only, which are immortal.
            let name: Name = unsafe { &*std::ptr::from_ref(name) };
            match attributes.set(thread, name, at.take(w.b())) {
                Stored::Done(old) => drop(old),
                Stored::NoMemory => return Err(memory_error()),
                Stored::InDict(value) => match orochi_objects::attributes::dict(thread, object)? {
                    Some(dict) => dict.set_str(thread, name, value)?,
                    None => protocol::set_attr(thread, object, name, Some(value.get()))?,
                },
            }
            at.consume(w.a());
            return Ok(());
        }
        let key = cache::store_key(thread, object, name);
        protocol::set_attr(thread, object, name, Some(at.get(w.b())))?;
        cache::remember_store(thread, at, ext_of(at), key);
        at.consume(w.a());
        at.consume(w.b());
        Ok(())
    })
}

#[inline(always)]
pub(super) fn DeleteAttr(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.slow(thread, w, |thread, at, w| {
        protocol::set_attr(thread, at.get(w.a()), name_of(at), None)?;
        at.consume(w.a());
        Ok(())
    })
}

/// A method found on the object's class, which need not be bound to be called.
pub(super) fn find_method(
    thread: &mut Thread,
    object: Ref<'_>,
    name: &Obj<PyStr>,
) -> PyResult<Option<Value>> {
    let class = class_of(object);
    if !super::collections::has_generic_getattr(class) && !object::has_getattr_hook(thread, class) {
        return Ok(None);
    }
    let Some(found) = class.lookup(thread, name).map(Ref::to_owned) else { return Ok(None) };
    if !class_of(found.get()).has(TypeFlags::METHOD_DESCRIPTOR) {
        return Ok(None);
    }
    // An attribute of the instance itself comes first.
    if orochi_objects::attributes::get(thread, object, name)?.is_some() {
        return Ok(None);
    }
    Ok(Some(found))
}

#[inline(always)]
pub(super) fn LoadMethod(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.slow(thread, w, |thread, at, w| {
        let name = name_of(at);
        let object = at.get(w.b());
        if cache::is_method(at, ext_of(at), object)
            && let Some(method) = class_of(object).lookup(thread, name).map(register_word)
        {
            let receiver = at.take_word(thread, w.b());
            at.set_word(w.a(), method);
            at.set_word(w.a() + 1, receiver);
            return Ok(());
        }
        let value = cache::any_attribute(thread, at, ext_of(at), object, name);
        if value != word::UNBOUND {
            at.consume(w.b());
            at.set_word(w.a(), value);
            at.clear(w.a() + 1);
            return Ok(());
        }
        let key = cache::method_key(object);
        if let Some(method) = find_method(thread, object, name)? {
            cache::remember_method(thread, at, ext_of(at), key, name, method.get());
            let receiver = at.take(w.b());
            at.set(w.a(), method);
            at.set(w.a() + 1, receiver);
            return Ok(());
        }
        cache::remember_attribute(thread, at, ext_of(at), object, name);
        let value = protocol::get_attr(thread, at.get(w.b()), name)?;
        at.consume(w.b());
        at.set(w.a(), value);
        at.clear(w.a() + 1);
        Ok(())
    })
}

/// The object `super(R[b+1], R[b+2])`, or what a replaced `super` gives.
fn super_object(thread: &mut Thread, at: At, w: Instruction) -> PyResult {
    let callee = at.get(w.b());
    if w.c() != 0 || super::collections::is_super(callee) {
        let Some(class) = at.get_bound(w.b() + 1) else {
            return Err(runtime_error("super(): empty __class__ cell"));
        };
        let class = match class.downcast::<PyCell>() {
            Some(cell) => {
                cell.contents.get(thread).ok_or_else(|| runtime_error("super(): empty __class__ cell"))?
            }
            None => class.to_owned(),
        };
        let receiver = at.get_bound(w.b() + 2).ok_or_else(|| runtime_error("super(): arg[0] deleted"))?;
        return protocol::call(thread, callee, &[class.get(), receiver]);
    }
    protocol::call(thread, callee, &[])
}

fn super_attr(thread: &mut Thread, at: At, w: Instruction) -> PyResult {
    let object = super_object(thread, at, w)?;
    protocol::get_attr(thread, object.get(), name_of(at))
}

#[inline(always)]
pub(super) fn LoadSuperAttr(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.slow(thread, w, |thread, at, w| {
        let value = super_attr(thread, at, w)?;
        at.consume_window(w.b(), 3);
        at.set(w.a(), value);
        Ok(())
    })
}

/// A method that `super()` of the built-in kind finds and that need not be bound to be called.
fn super_method(thread: &mut Thread, at: At, w: Instruction) -> PyResult<Option<Word>> {
    let name = name_of(at);
    if !super::collections::is_super(at.get(w.b())) || name.as_bytes() == b"__class__" {
        return Ok(None);
    }
    let (Some(class), Some(receiver)) = (at.get_bound(w.b() + 1), at.get_bound(w.b() + 2)) else {
        return Ok(None);
    };
    let Some(class) = class.downcast::<PyType>() else { return Ok(None) };
    let start = super_::check(thread, class, receiver)?;
    let Some(start) = start.get().downcast::<PyType>() else { return Ok(None) };
    if receiver.is(start.get()) {
        return Ok(None);
    }
    let found = super_::find(thread, class, start, name);
    Ok(found.filter(|found| class_of(*found).has(TypeFlags::METHOD_DESCRIPTOR)).map(register_word))
}

#[inline(always)]
pub(super) fn LoadSuperMethod(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.slow(thread, w, |thread, at, w| {
        if let Some(method) = super_method(thread, at, w)? {
            let receiver = at.move_temp(w.b() + 2);
            at.consume_window(w.b(), 3);
            at.set_word(w.a(), method);
            at.set_word(w.a() + 1, receiver);
            return Ok(());
        }
        let value = super_attr(thread, at, w)?;
        at.consume_window(w.b(), 3);
        at.set(w.a(), value);
        at.clear(w.a() + 1);
        Ok(())
    })
}

#[inline(always)]
pub(super) fn LoadSpecialMethod(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        use orochi_objects::name;
        let kind = SpecialMethod::from_byte(w.c()).ok_or_else(|| system_error("unknown special method"))?;
        let name = match kind {
            SpecialMethod::Enter => name!("__enter__"),
            SpecialMethod::Exit => name!("__exit__"),
            SpecialMethod::AsyncEnter => name!("__aenter__"),
            SpecialMethod::AsyncExit => name!("__aexit__"),
        };
        let object = at.get(w.b());
        let Some(found) = class_of(object).lookup(thread, name) else {
            return Err(no_context_manager(thread, object, kind));
        };
        if class_of(found).has(TypeFlags::METHOD_DESCRIPTOR) {
            at.set_ref(w.a(), found);
            at.set_ref(w.a() + 1, object);
            return Ok(());
        }
        let found = found.to_owned();
        let bound = object::bind(thread, found.get(), object)?;
        at.set(w.a(), bound);
        at.clear(w.a() + 1);
        Ok(())
    })
}

#[cold]
fn no_context_manager(thread: &Thread, object: Ref<'_>, kind: SpecialMethod) -> orochi_objects::PyErr {
    use orochi_objects::name;
    let class = class_of(object);
    let (which, missing) = match kind {
        SpecialMethod::Enter => ("the context manager", "__enter__"),
        SpecialMethod::Exit => ("the context manager", "__exit__"),
        SpecialMethod::AsyncEnter => ("the asynchronous context manager", "__aenter__"),
        SpecialMethod::AsyncExit => ("the asynchronous context manager", "__aexit__"),
    };
    let asynchronous = matches!(kind, SpecialMethod::AsyncEnter | SpecialMethod::AsyncExit);
    let (other, names) = if asynchronous {
        ("with", [name!("__enter__"), name!("__exit__")])
    } else {
        ("async with", [name!("__aenter__"), name!("__aexit__")])
    };
    let has_other = names.iter().all(|name| class.lookup(thread, name).is_some());
    let hint = if has_other {
        let protocol = if asynchronous { "" } else { "asynchronous " };
        format!(" but it supports the {protocol}context manager protocol. Did you mean to use '{other}'?")
    } else {
        String::new()
    };
    type_error(format!(
        "'{}' object does not support {which} protocol (missed {missing} method){hint}",
        class.name()
    ))
}
