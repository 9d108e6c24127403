//! Inline caches of attributes for which a descriptor is asked: class and static methods, properties, computed attributes of native
//! classes, bound methods, what `__getattr__` answers for; and of what a class of a metaclass holds.
//!
//! The first word is of kind [`DESCRIPTOR`], the second one is what was found in the class ([`held`] has the rules). What the descriptor
//! wraps is read from it each time, since that may be replaced. The lower half of the first word says by which number the cache
//! goes ([`GUARD`]), what is to be done ([`What`]), and for classes the version of the metaclass.

use super::super::cursor::At;
use super::super::iter::exactly;
use super::{DESCRIPTOR, KIND, class_in, held, is_bound, is_generic, number, own_word, word_at};
use orochi_core::word::{self, Word};
use orochi_core::{Obj, Ref, Thread};
use orochi_objects::class::{GetSetDef, PyClass, is_exact};
use orochi_objects::class_of;
use orochi_objects::slots::SlotId;
use orochi_objects::storage::instance::{Attributes, cached};
use orochi_objects::types::class_method::PyClassMethod;
use orochi_objects::types::function::PyFunction;
use orochi_objects::types::getset::PyGetSet;
use orochi_objects::types::member::PyMember;
use orochi_objects::types::method_descriptor::{PyClassMethodDescriptor, PyMethodDescriptor};
use orochi_objects::types::module::PyModule;
use orochi_objects::types::object;
use orochi_objects::types::property::PyProperty;
use orochi_objects::types::static_method::PyStaticMethod;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::r#type::{PyType, TypeExt};
use orochi_objects::types::wrapper_descriptor::PyWrapperDescriptor;

/// By which number the cache goes.
const GUARD: u32 = 3;
/// The instance's shape: it has no attribute of the name itself.
const BY_SHAPE: u32 = 0;
/// The version of the object's class.
const BY_CLASS: u32 = 1;
/// The object is a class: its own version. The version of its class lies above the other bits.
const BY_OWN: u32 = 2;

/// Where what is to be done begins.
const WHAT_AT: u32 = 2;
const WHAT: u32 = 0xf << WHAT_AT;
/// Where the version of the metaclass begins.
const META_AT: u32 = 6;

/// What is to be done with what the class holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum What {
    /// It is the value.
    Value,
    /// A function or native method that is bound to the object.
    Function,
    /// A static method: the value is what it wraps.
    Static,
    /// A class method: what it wraps is bound to the class.
    ClassMethod,
    /// The same for native ones.
    NativeClassMethod,
    /// A property.
    Property,
    /// A computed attribute of a native class.
    Computed,
    /// `__class__` of an object that doesn't compute it otherwise.
    Class,
    /// The function `__getattr__`, which is asked since there is no such attribute.
    GetAttr,
}

const ALL: [What; 9] = [
    What::Value,
    What::Function,
    What::Static,
    What::ClassMethod,
    What::NativeClassMethod,
    What::Property,
    What::Computed,
    What::Class,
    What::GetAttr,
];

/// What the cache knows of an object's attribute: what is to be done, and with what. (Small enough for two machine registers: the
/// interpreter's operations have no memory of their own to pass it in.)
#[derive(Clone, Copy)]
pub(in super::super) struct Described {
    /// The lower half of the cache's first word.
    kind: u32,
    /// What the class holds, as a register's word.
    pub(in super::super) word: Word,
}

impl Described {
    /// What is to be done.
    #[inline(always)]
    pub(in super::super) fn what(self) -> What {
        // `remember` writes no other number.
        ALL.get(((self.kind & WHAT) >> WHAT_AT) as usize).copied().unwrap_or(What::Value)
    }

    /// Whether the object is a class whose own attribute this is.
    #[inline(always)]
    pub(in super::super) fn of_class(self) -> bool {
        self.kind & GUARD == BY_OWN
    }
}

#[inline(always)]
fn is_current(object: Ref<'_>, id: u32, what: u32) -> bool {
    if what & KIND != DESCRIPTOR {
        return false;
    }
    match what & GUARD {
        BY_SHAPE => object.header().is_some_and(|object| cached::fixed_shape_id(object) == id),
        BY_CLASS => class_of(object).has_version(id),
        _ => match object.header() {
            // SAFETY: no two classes share a version; this one was that of a class of classes.
            Some(header) if class_in(header).has_version((what & !KIND) >> META_AT) => unsafe {
                object.cast::<PyType>().has_version(id)
            },
            _ => false,
        },
    }
}

/// What the cache says of the object, if it is about a descriptor.
#[inline(always)]
pub(in super::super) fn described(at: At, ext: u32, object: Ref<'_>) -> Option<Described> {
    let is_current = move |id, kind| is_current(object, id, kind);
    let (kind, word) = held::load_with_kind(word_at(at, ext, 0), is_current, || word_at(at, ext, 1));
    (word != word::UNBOUND).then_some(Described { kind, word })
}

/// Fills the cache of an attribute that is about to be read, if a descriptor is to be asked for it. `false` if not, or if the cache can't
/// hold it.
#[cold]
pub(super) fn remember(thread: &Thread, at: At, ext: u32, object: Ref<'_>, name: &Obj<PyStr>) -> bool {
    let found = match object.downcast::<PyType>() {
        Some(class) => find_for_class(thread, class, name),
        None => find_for_instance(thread, object, name),
    };
    let (Some((id, guard, what, found)), Some(place)) = (found, own_word(at, ext, 1)) else { return false };
    if id == 0 || !held::hold(place, found) {
        return false;
    }
    super::say(at, ext, (id, DESCRIPTOR | guard | (what as u32) << WHAT_AT));
    true
}

/// Number, guard, what is to be done, and with what.
type Found<'a> = (u32, u32, What, Ref<'a>);

fn find_for_class<'a>(thread: &'a Thread, class: &'a Obj<PyType>, name: &Obj<PyStr>) -> Option<Found<'a>> {
    // Versions before the search: they are stale if a class changes meanwhile.
    let (meta, own) = (class_of(class.get()), class.version());
    let meta_version = meta.version();
    if meta.slots.raw(SlotId::tp_getattro) != PyType::static_type().get().slots.raw(SlotId::tp_getattro) {
        return None;
    }
    // Without a version there is nothing to go by: classes that nobody has asked for theirs have none either.
    let is_told = (1..!KIND >> META_AT).contains(&meta_version);
    let guard = is_told.then_some(BY_OWN | meta_version << META_AT)?;
    let in_meta = meta.lookup(thread, name);
    if let Some(found) = in_meta {
        if let Some(what) = data_descriptor(thread, found) {
            return Some((meta_version, BY_CLASS, what, found));
        }
        if class_of(found).slots.tp_descr_set().is_some() {
            return None;
        }
    }
    let Some(found) = class.lookup(thread, name) else {
        let found = in_meta.filter(|found| is_function(*found))?;
        return Some((own, guard, What::Function, found));
    };
    let what = match wrapper(found) {
        Some(what) => what,
        None if !is_bound(found) || is_function(found) => What::Value,
        None if is_exact(found, PyWrapperDescriptor::static_type()) => What::Value,
        None => return None,
    };
    // Plain classes have a shorter way for plain values, if `type` has nothing of the name itself (as it has a `__new__`).
    let is_plain =
        what == What::Value && in_meta.is_none() && std::ptr::eq(meta, PyType::static_type().get());
    (!is_plain).then_some((own, guard, what, found))
}

fn find_for_instance<'a>(thread: &'a Thread, object: Ref<'a>, name: &Obj<PyStr>) -> Option<Found<'a>> {
    let class = class_of(object);
    // Modules have a way of their own.
    if object.downcast::<PyModule>().is_some() {
        return None;
    }
    let (version, is_plain) = (class.version(), is_generic(class, SlotId::tp_getattro));
    if !is_plain && !object::has_getattr_hook(thread, class) {
        return None;
    }
    let attributes = Attributes::of(object);
    let shape = attributes.map(|attributes| attributes.shape());
    let id = match shape {
        Some(shape) if shape.is_dictionary() => 0,
        Some(shape) => number(class, shape),
        None => version,
    };
    let guard = if shape.is_some() { BY_SHAPE } else { BY_CLASS };
    let Some(found) = class.lookup(thread, name) else {
        let is_missing = shape.is_none_or(|shape| shape.find(name).is_none());
        let getattr = class.lookup(thread, orochi_objects::name!("__getattr__"))?;
        let is_asked = !is_plain && is_missing && is_exact(getattr, PyFunction::static_type());
        return is_asked.then_some((id, guard, What::GetAttr, getattr));
    };
    if let Some(what) = data_descriptor(thread, found) {
        // What raises AttributeError is asked of `__getattr__`.
        return is_plain.then_some((version, BY_CLASS, what, found));
    }
    if class_of(found).slots.tp_descr_set().is_some() || shape.is_some_and(|shape| shape.find(name).is_some())
    {
        return None;
    }
    let what = if is_function(found) { What::Function } else { wrapper(found)? };
    Some((id, guard, what, found))
}

/// What is to be done with a data descriptor that was found in an object's class, if it is of a known kind.
fn data_descriptor(thread: &Thread, found: Ref<'_>) -> Option<What> {
    if is_exact(found, PyProperty::static_type()) {
        return Some(What::Property);
    }
    let definition = computed(found)?;
    definition.get?;
    Some(if object::is_class_attribute(thread, found) { What::Class } else { What::Computed })
}

/// The computed attribute that a native descriptor stands for.
#[inline(always)]
pub(in super::super) fn computed(found: Ref<'_>) -> Option<&'static GetSetDef> {
    match exactly::<PyGetSet>(found) {
        Some(descriptor) => Some(descriptor.definition()),
        None => exactly::<PyMember>(found)?.native_definition(),
    }
}

/// Whether it is bound to an object as Python functions are (so that a class gives it as it is).
pub(super) fn is_function(found: Ref<'_>) -> bool {
    is_exact(found, PyFunction::static_type()) || is_exact(found, PyMethodDescriptor::static_type())
}

/// What is to be done with a class or static method.
fn wrapper(found: Ref<'_>) -> Option<What> {
    if is_exact(found, PyStaticMethod::static_type()) {
        Some(What::Static)
    } else if is_exact(found, PyClassMethod::static_type()) {
        Some(What::ClassMethod)
    } else if is_exact(found, PyClassMethodDescriptor::static_type()) {
        Some(What::NativeClassMethod)
    } else {
        None
    }
}
