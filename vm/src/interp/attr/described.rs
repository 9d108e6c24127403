//! Attributes for which a descriptor is asked, when the inline cache knows which.

use super::super::cache::descriptor::{Described, What, computed};
use super::super::call::enter_computed;
use super::super::cursor::{At, Cursor, Fast, Operands, raise, register_word};
use super::super::iter::exactly;
use super::super::name::name_of;
use orochi_core::value::drop_register;
use orochi_core::word::{self, Word};
use orochi_core::{Ref, Thread};
use orochi_objects::class_of;
use orochi_objects::error::PyResult;
use orochi_objects::types::class_method::PyClassMethod;
use orochi_objects::types::function::PyFunction;
use orochi_objects::types::method_descriptor::{PyClassMethodDescriptor, PyMethodDescriptor};
use orochi_objects::types::property::PyProperty;
use orochi_objects::types::static_method::PyStaticMethod;
use orochi_objects::types::{method, native_function, object};

/// What the class holds, which a register may borrow until the next safepoint.
#[inline(always)]
fn held<'a>(_thread: &'a Thread, known: Described) -> Ref<'a> {
    // SAFETY: the cache was found to be current, so the class holds it, and this thread has passed no safepoint since.
    unsafe { Ref::from_word(known.word) }
}

/// The class that a class method gets.
#[inline(always)]
fn owner(known: Described, object: Ref<'_>) -> Ref<'_> {
    if known.of_class() { object } else { class_of(object).get() }
}

/// A value that is there without calling anything, as a register's word; UNBOUND if it isn't.
#[inline(always)]
fn plain(thread: &Thread, known: Described, object: Ref<'_>) -> Word {
    match known.what() {
        What::Value => known.word,
        What::Class => class_of(object).get().register_word(),
        What::Static => match exactly::<PyStaticMethod>(held(thread, known)) {
            Some(wrapper) => wrapper.inner(thread).map_or(word::UNBOUND, register_word),
            None => word::UNBOUND,
        },
        _ => word::UNBOUND,
    }
}

/// Loads the attribute of the operand `b` to the operand `a`.
#[inline(always)]
pub(in super::super) fn load(c: &mut Cursor, thread: &mut Thread, w: Operands, known: Described) -> Fast {
    let word = plain(thread, known, At(c.frame).get(w.b()));
    if word != word::UNBOUND {
        c.skip();
        let object = c.consumed(w.b());
        return Fast::DropBoth(object, c.replace(w.a(), word));
    }
    if known.what() == What::Property {
        return property(c, thread, w, known);
    }
    c.skip();
    c.sync();
    match compute(thread, At(c.frame), w.b(), known) {
        word::UNBOUND => Fast::Raise,
        word => {
            let object = c.consumed(w.b());
            Fast::DropBoth(object, c.replace(w.a(), word))
        }
    }
}

/// The same for an attribute that is called.
#[inline(always)]
pub(in super::super) fn load_method(
    c: &mut Cursor,
    thread: &mut Thread,
    w: Operands,
    known: Described,
) -> Fast {
    let (object, found) = (At(c.frame).get(w.b()), held(thread, known));
    let function = match known.what() {
        What::Function | What::NativeClassMethod => known.word,
        What::ClassMethod => {
            match exactly::<PyClassMethod>(found).and_then(|wrapper| wrapper.inner(thread)) {
                Some(function) => register_word(function),
                None => return Fast::Slow,
            }
        }
        What::Property => return Fast::Slow,
        _ => {
            let loaded = load(c, thread, w, known);
            if matches!(loaded, Fast::DropBoth(..)) {
                c.set(w.a() + 1, word::UNBOUND);
            }
            return loaded;
        }
    };
    c.skip();
    if known.what() == What::Function || known.of_class() {
        let receiver = c.take(thread, w.b());
        return Fast::DropBoth(c.replace(w.a(), function), c.replace(w.a() + 1, receiver));
    }
    let receiver = register_word(owner(known, object));
    let object = c.consumed(w.b());
    let old = c.replace(w.a() + 1, receiver);
    // SAFETY: taken out of a register just now.
    unsafe { drop_register(old) };
    Fast::DropBoth(object, c.replace(w.a(), function))
}

/// Gives a property's getter a frame.
#[inline(always)]
fn property(c: &mut Cursor, thread: &mut Thread, w: Operands, known: Described) -> Fast {
    match getter(thread, known.word) {
        word::UNBOUND => Fast::Slow,
        getter => enter_computed(c, thread, w, getter),
    }
}

/// The getter of a property that the current cache holds, as a register's word; UNBOUND if it isn't a Python function.
#[inline(never)]
fn getter(thread: &Thread, property: Word) -> Word {
    // SAFETY: as in `held`.
    exactly::<PyProperty>(unsafe { Ref::from_word(property) })
        .and_then(|property| property.getter_function(thread))
        .and_then(exactly::<PyFunction>)
        .map_or(word::UNBOUND, |getter| register_word(getter.get()))
}

/// Asks a descriptor; gives a word for a register. UNBOUND: an exception waits.
#[inline(never)]
fn compute(thread: &mut Thread, at: At, register: u8, known: Described) -> Word {
    let (object, name) = (at.get(register), name_of(at));
    // SAFETY: as in `held`; the register of its own keeps it.
    let find = |word: &Word, _: &Thread| Some(unsafe { Ref::from_word(*word) });
    let asked = thread.hold(
        &known.word,
        |word, thread| find(word, thread),
        |thread, found| ask(thread, known, object, found, name.get()),
    );
    match asked {
        Some(Ok(value)) => value.into_word(),
        Some(Err(error)) => {
            raise(thread, error);
            word::UNBOUND
        }
        None => word::UNBOUND,
    }
}

fn ask(thread: &mut Thread, known: Described, object: Ref<'_>, found: Ref<'_>, name: Ref<'_>) -> PyResult {
    let class = owner(known, object);
    match known.what() {
        What::Computed => {
            if let Some(get) = computed(found).and_then(|definition| definition.get) {
                return get(thread, object);
            }
        }
        What::GetAttr => return object::ask_getattr(thread, object, name, found),
        What::Function => match exactly::<PyMethodDescriptor>(found) {
            Some(method) => {
                return native_function::new(thread, method.definition(), Some(object.to_owned()), None);
            }
            None => return method::new(thread, found.to_owned(), object.to_owned()),
        },
        What::ClassMethod => {
            if let Some(function) = exactly::<PyClassMethod>(found).and_then(|wrapper| wrapper.inner(thread))
            {
                return method::new(thread, function.to_owned(), class.to_owned());
            }
        }
        What::NativeClassMethod => {
            if let Some(method) = exactly::<PyClassMethodDescriptor>(found) {
                return native_function::new(thread, method.definition(), Some(class.to_owned()), None);
            }
        }
        What::Value | What::Static | What::Property | What::Class => {}
    }
    // A wrapper that has been emptied.
    orochi_objects::types::object::bind(thread, found, object)
}
