//! Inheritance of slots from the base.

use crate::slots::{SlotId, SlotTable};

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
