//! Inheritance of slots from the base.

use crate::class::TypeFlags;
use crate::slots::{SlotId, SlotTable};
use crate::types::r#type::PyType;
use orochi_core::Obj;

/// Fills the slots that a class doesn't define with its base's. Comparison and hash go together: a class that defines one
/// of them doesn't inherit the other.
pub(crate) fn inherit_slots(slots: &SlotTable, base: &SlotTable) {
    let own_comparison = slots.raw(SlotId::tp_richcompare) != 0 || slots.raw(SlotId::tp_hash) != 0;
    for &slot in SlotId::ALL {
        let comparison = matches!(slot, SlotId::tp_richcompare | SlotId::tp_hash);
        if slots.raw(slot) == 0 && !(comparison && own_comparison) {
            slots.set_raw(slot, base.raw(slot));
        }
    }
}

/// The same for native classes: one that says nothing of `__new__` and derives from `object` directly can't be instantiated.
pub(crate) fn inherit_native(slots: &SlotTable, base: &Obj<PyType>, flags: TypeFlags) {
    let own_new = slots.raw(SlotId::tp_new);
    inherit_slots(slots, &base.slots);
    if flags.0 & TypeFlags::DISALLOW_INSTANTIATION.0 != 0 || own_new == 0 && base.base().is_none() {
        slots.set_raw(SlotId::tp_new, own_new);
    }
}
