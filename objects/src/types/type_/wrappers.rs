//! Special methods of native classes: `wrapper_descriptor` objects that call a slot, and `__new__`.

use super::slot_defs::SLOT_DEFS;
use super::wrap::class_argument;
use crate::args::Signature;
use crate::class::{MethodDef, MethodKind};
use crate::error::{PyResult, type_error};
use crate::slots::{SlotFunction, SlotId};
use crate::types::dict::{DictExt, PyDict};
use crate::types::r#type::PyType;
use crate::types::{native_function, wrapper_descriptor};
use orochi_core::{Obj, Thread, Value};

/// What the class itself puts into a slot.
fn own_slot(class: &Obj<PyType>, slot: SlotId) -> Option<SlotFunction> {
    class.native()?.spec().parts.iter().rev().find_map(|part| part.slots.get(slot))
}

/// Adds a wrapper for each slot that the class itself defines, and the slots' other traces in a namespace.
pub(crate) fn add_wrappers(
    thread: &Thread,
    class: &'static Obj<PyType>,
    namespace: &Obj<PyDict>,
) -> PyResult<()> {
    for def in SLOT_DEFS {
        if def.name == "__getattr__" {
            continue;
        }
        if let Some(function) = own_slot(class, def.slot) {
            let name = crate::str::intern(thread, def.name)?;
            if namespace.get_str(thread, name).is_none() {
                let wrapper = wrapper_descriptor::new(thread, class, def, function)?;
                namespace.initialise_str(thread, name, wrapper)?;
            }
        }
    }
    let unhashable = own_slot(class, SlotId::tp_richcompare).is_some() && class.slots.tp_hash().is_none();
    if unhashable {
        namespace.initialise_str(thread, crate::name!("__hash__"), Value::NONE)?;
    }
    if own_slot(class, SlotId::tp_new).is_some() {
        let new = native_function::new(thread, &NEW, Some(class.to_value()), None)?;
        namespace.initialise_str(thread, crate::name!("__new__"), new)?;
    }
    Ok(())
}

static NEW_SIGNATURE: Signature = Signature::new("__new__", None, &[], "($type, *args, **kwargs)");

/// `__new__` of classes that have a `tp_new` and no method of that name. Gets the class it belongs to as first argument.
static NEW: MethodDef = MethodDef {
    name: "__new__",
    kind: MethodKind::New,
    quick: None,
    function: |thread, args| {
        let Some(owner) = args.this().downcast::<PyType>() else {
            return Err(type_error("__new__() called with non-type 'self'"));
        };
        let args = args.rest();
        let class = class_argument(owner, &args)?;
        match owner.slots.tp_new() {
            Some(new) => new(thread, class, args.rest()),
            None => Err(type_error(format!("cannot create '{}' instances", owner.name()))),
        }
    },
    signature: &NEW_SIGNATURE,
    doc: "Create and return a new object.  See help(type) for accurate signature.",
};

/// Whether a method table's entry is the `__new__` above, which is passed its class.
pub(crate) fn is_general_new(method: &MethodDef) -> bool {
    std::ptr::eq(method, &NEW)
}
