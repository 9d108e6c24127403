//! Which bases go together: every class's instances begin as those of its best base do, so the native payloads and
//! `__slots__` of all bases must be prefixes of one another.

use crate::class::TypeFlags;
use crate::error::{PyResult, type_error};
use crate::types::tuple::PyTuple;
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::{Obj, Thread};

/// The nearest class (itself included) that adds something to the memory of instances.
pub(crate) fn solid_base(class: &Obj<PyType>) -> &Obj<PyType> {
    let mut class = class;
    while let Some(base) = class.base() {
        let differs = !std::ptr::eq(class.fields.layout, base.fields.layout)
            || class.instance_layout().slots != base.instance_layout().slots;
        if differs {
            break;
        }
        class = base;
    }
    class
}

/// Whether `class` is `other` or has it among its best bases, whatever its `mro()` says.
pub(crate) fn has_in_chain(class: &Obj<PyType>, other: &Obj<PyType>) -> bool {
    let mut class = Some(class);
    while let Some(this) = class {
        if std::ptr::eq(this, other) {
            return true;
        }
        class = this.base();
    }
    false
}

/// The base whose layout the new class extends. TypeError for bases that can't be, or can't be together.
pub(crate) fn best_base(bases: &Obj<PyTuple>) -> PyResult<&'static Obj<PyType>> {
    let mut best: Option<(&Obj<PyType>, &Obj<PyType>)> = None;
    for base in bases.items() {
        let Some(class) = base.downcast::<PyType>() else { return Err(type_error("bases must be types")) };
        if !class.has(TypeFlags::SUBCLASSABLE) {
            let name = class.full_name();
            return Err(type_error(format!("type '{name}' is not an acceptable base type")));
        }
        let candidate = solid_base(class);
        best = match best {
            None => Some((class, candidate)),
            Some((chosen, winner)) if winner.is_subtype_of(candidate) => Some((chosen, winner)),
            Some((_, winner)) if candidate.is_subtype_of(winner) => Some((class, candidate)),
            Some(_) => return Err(type_error("multiple bases have instance lay-out conflict")),
        };
    }
    best.map(|(class, _)| lasting(class))
        .ok_or_else(|| type_error("a new-style class can't have only classic bases"))
}

/// A class that is kept by something that lasts longer than its use.
pub(crate) fn lasting(class: &Obj<PyType>) -> &'static Obj<PyType> {
    // SAFETY: classes die in a collection only, when neither a reference nor an instance is left. Callers use a base of a
    // class that lives, a class that an argument or a local value refers to, or the class of such an object.
    unsafe { &*std::ptr::from_ref(class) }
}

/// The most derived metaclass of `metaclass` and the classes of the bases.
pub(crate) fn most_derived<'a>(
    metaclass: &'a Obj<PyType>,
    bases: &'a Obj<PyTuple>,
) -> PyResult<&'a Obj<PyType>> {
    let mut winner = metaclass;
    for base in bases.items() {
        let class = crate::class_of(base);
        if winner.is_subtype_of(class) {
            continue;
        }
        if class.is_subtype_of(winner) {
            winner = class;
            continue;
        }
        return Err(type_error(
            "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of all its bases",
        ));
    }
    Ok(winner)
}

/// Whether the instances' classes have the same memory, so that `__class__` may be assigned.
pub(crate) fn same_layout(old: &Obj<PyType>, new: &Obj<PyType>) -> bool {
    let (a, b) = (old.instance_layout(), new.instance_layout());
    std::ptr::eq(old.fields.layout, new.fields.layout)
        && a.has_dict == b.has_dict
        && a.slots == b.slots
        && old.has(TypeFlags::WEAKREF) == new.has(TypeFlags::WEAKREF)
        && (a.slots == 0 || slots_agree(old, new))
}

/// Whether the slots of two classes come from the same base, or have the same names.
fn slots_agree(old: &Obj<PyType>, new: &Obj<PyType>) -> bool {
    let (a, b) = (solid_base(old), solid_base(new));
    if std::ptr::eq(a, b) {
        return true;
    }
    let same_base = match (a.base(), b.base()) {
        (Some(a), Some(b)) => std::ptr::eq(solid_base(a), solid_base(b)),
        _ => false,
    };
    same_base && crate::state::with_thread(|thread| slot_names(thread, a) == slot_names(thread, b))
}

/// The names in `__slots__` that take memory, sorted.
fn slot_names(thread: &Thread, class: &Obj<PyType>) -> Vec<String> {
    let mut names: Vec<String> = crate::types::dict::entries(thread, class.namespace(thread))
        .unwrap_or_default()
        .iter()
        .filter(|entry| {
            let member = entry.value.get().downcast::<crate::types::member::PyMember>();
            member.is_some_and(|member| member.index().is_some() && member.class().is(class.get()))
        })
        .map(|entry| crate::str::display(entry.key.get()))
        .collect();
    names.sort();
    names
}

/// Whether instances of the class have a `__dict__` of some kind: attributes in the extension, or a native one.
pub(crate) fn has_dict(class: &Obj<PyType>) -> bool {
    class.has(TypeFlags::DICT) || class.has(TypeFlags::TYPE_SUBCLASS) || is_module(class)
}

fn is_module(class: &Obj<PyType>) -> bool {
    crate::types::module::PyModule::is_subclass(class)
}

/// Whether CPython's instances of this class vary in size, which forbids `__slots__` and weak references.
pub(crate) fn is_variable_size(class: &Obj<PyType>) -> bool {
    [TypeFlags::INT_SUBCLASS, TypeFlags::TUPLE_SUBCLASS, TypeFlags::BYTES_SUBCLASS, TypeFlags::TYPE_SUBCLASS]
        .iter()
        .any(|&flag| class.has(flag))
}
