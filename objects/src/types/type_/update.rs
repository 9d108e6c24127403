//! Keeps the slots of classes in step with their special methods.
//!
//! A slot holds a native function when everything that feeds it is native and from one class (so `class L(list)` iterates as
//! fast as `list`), and the generic function of the table otherwise.

use super::generic;
use super::slot_defs::{SLOT_DEFS, SlotDef, of_name};
use crate::slots::{SlotFunction, SlotId};
use crate::types::dict::DictExt;
use crate::types::native_function::PyNativeFunction;
use crate::types::str::PyStr;
use crate::types::r#type::{PyType, TypeExt};
use crate::types::wrapper_descriptor::PyWrapperDescriptor;
use orochi_core::sync::{Mutex, MutexGuard, lock};
use orochi_core::{Obj, Ref, Thread};

/// What one special method says about a slot.
enum Verdict {
    /// The class hasn't got the method.
    Nothing,
    /// The native function (or none) of the class that defines it.
    Native(Option<SlotFunction>),
    /// The instances can't do it (`__hash__ = None`).
    Disabled,
    /// The generic function has to find it.
    Generic,
}

fn verdict(thread: &Thread, class: &Obj<PyType>, def: &SlotDef) -> Verdict {
    let Ok(name) = crate::str::intern(thread, def.name) else { return Verdict::Generic };
    let Some(found) = class.lookup(thread, name) else { return Verdict::Nothing };
    if let Some(wrapper) = found.downcast::<PyWrapperDescriptor>()
        && wrapper.def().name == def.name
        && let Some(owner) = wrapper.class()
        && class.is_subtype_of(owner)
    {
        return Verdict::Native(owner.slots.get(def.slot));
    }
    if found.is_none() && def.slot == SlotId::tp_hash {
        return Verdict::Disabled;
    }
    Verdict::Generic
}

/// What the class's special methods put into a slot.
fn compute(thread: &Thread, class: &Obj<PyType>, slot: SlotId) -> Option<SlotFunction> {
    let mut native: Option<SlotFunction> = None;
    let mut generic = None;
    let mut mixed = false;
    for def in SLOT_DEFS.iter().filter(|def| def.slot == slot) {
        match verdict(thread, class, def) {
            Verdict::Nothing | Verdict::Native(None) => {}
            Verdict::Native(Some(function)) => {
                mixed |= native.is_some_and(|native| native.address() != function.address());
                native = Some(function);
                generic = generic.or(def.generic);
            }
            Verdict::Disabled => return None,
            Verdict::Generic => {
                mixed = true;
                generic = generic.or(def.generic);
            }
        }
    }
    if mixed { generic } else { native }
}

/// `tp_new` follows `__new__`.
fn compute_new(thread: &Thread, class: &Obj<PyType>) -> Option<SlotFunction> {
    let found = class.lookup(thread, crate::name!("__new__"))?;
    let owner = found
        .downcast::<PyNativeFunction>()
        .filter(|function| function.is_new())
        .and_then(crate::types::native_function::receiver_of)
        .and_then(Ref::downcast::<PyType>);
    match owner {
        Some(owner) if class.is_subtype_of(owner) => owner.slots.get(SlotId::tp_new),
        _ => Some(SlotFunction::New(generic::new)),
    }
}

fn update_slot(thread: &Thread, class: &Obj<PyType>, slot: SlotId) {
    let function =
        if slot == SlotId::tp_new { compute_new(thread, class) } else { compute(thread, class, slot) };
    class.slots.set(slot, function);
    if slot == SlotId::tp_finalize {
        // An instance that dies at this very moment may miss a finalizer assigned by another thread.
        class.fields.set_has_finalizer(function.is_some());
    }
}

/// Fills the slots of a new class with several bases.
pub(crate) fn update_all(thread: &Thread, class: &Obj<PyType>) {
    let mut last = None;
    for def in SLOT_DEFS {
        if last != Some(def.slot) {
            update_slot(thread, class, def.slot);
        }
        last = Some(def.slot);
    }
    update_slot(thread, class, SlotId::tp_new);
}

/// Fills the slots of a class that has its base's slots already, for the special methods of its own namespace.
pub(crate) fn update_own(thread: &Thread, class: &Obj<PyType>) {
    let namespace = class.namespace(thread);
    let mut from = 0;
    while let Some((next, entry)) = namespace.storage().next_entry(thread, from) {
        if let Some(name) = entry.key.downcast::<PyStr>() {
            update_one(thread, class, name);
        }
        from = next + 1;
    }
}

fn is_special(name: &Obj<PyStr>) -> bool {
    let bytes = name.as_bytes();
    bytes.starts_with(b"__") && bytes.ends_with(b"__")
}

fn update_one(thread: &Thread, class: &Obj<PyType>, name: &Obj<PyStr>) {
    if !is_special(name) {
        return;
    }
    of_name(name.as_bytes()).for_each(|def| update_slot(thread, class, def.slot));
    if name.as_bytes() == b"__new__" {
        update_slot(thread, class, SlotId::tp_new);
    }
}

/// Held while slots are computed and stored, so that what is stored last was computed from all that has been changed. Nothing under
/// it reaches a safepoint.
pub(crate) fn updating() -> MutexGuard<'static, ()> {
    static UPDATING: Mutex<()> = Mutex::new(());
    lock(&UPDATING)
}

/// After `class.name` has been set or deleted: updates the class's slots and those of its subclasses that don't define the
/// name themselves.
pub(crate) fn update_name(thread: &Thread, class: &Obj<PyType>, name: &Obj<PyStr>) {
    fn update_tree(thread: &Thread, class: &Obj<PyType>, name: &Obj<PyStr>) {
        update_one(thread, class, name);
        for subclass in class.subclasses(thread) {
            if subclass.namespace(thread).get_str(thread, name).is_none() {
                update_tree(thread, &subclass, name);
            }
        }
    }
    if is_special(name) {
        let _updating = updating();
        update_tree(thread, class, name);
    }
}
