//! The parts of `type`: inheritance of slots, population of native classes, the metaclass's own declaration.

pub(crate) mod inherit;
pub(crate) mod populate;

pub(crate) mod wrappers;

use crate::args::Args;
use crate::error::{PyResult, type_error};
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::{Obj, Ref, Thread};
use orochi_macros::pymethods;

#[pymethods]
impl PyType {
    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        crate::str::new(thread, &format!("<class '{}'>", this.name()))
    }

    #[slot]
    fn tp_call(thread: &mut Thread, this: Ref<'_>, args: Args<'_>) -> PyResult {
        let class = crate::slot_receiver::<Self>(this)?;
        let Some(new) = class.slots.tp_new() else {
            return Err(type_error(format!("cannot create '{}' instances", class.name())));
        };
        let instance = new(thread, class, args)?;
        let made = crate::class_of(instance.get());
        if made.is_subtype_of(class)
            && let Some(init) = made.slots.tp_init()
        {
            init(thread, instance.get(), args)?;
        }
        Ok(instance)
    }
}
