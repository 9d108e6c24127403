//! The parts of `type`: inheritance of slots, population of native classes, the metaclass's own declaration.

pub(crate) mod inherit;
pub(crate) mod populate;

use crate::class::{TypeFlags, TypeSpec};
use crate::types::r#type::PyType;
use orochi_core::Payload;

/// The declaration of `type`.
pub(crate) static SPEC: TypeSpec = TypeSpec {
    name: "type",
    module: "builtins",
    doc: "type(object) -> the object's type\ntype(name, bases, dict, **kwds) -> a new type",
    base: None,
    layout: PyType::LAYOUT,
    flags: TypeFlags::SUBCLASSABLE.union(TypeFlags::TYPE_SUBCLASS),
    parts: &[],
};
