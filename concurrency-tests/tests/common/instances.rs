//! The storage of instances as `objects/` has it. Who includes this has a module `types` too.

#[path = "storage.rs"]
mod plain;
#[allow(unused_imports, reason = "not every model uses all of it")]
pub(crate) use plain::{KeyMatch, NoMemory, dict};

#[path = "../../../objects/src/storage/instance.rs"]
#[allow(dead_code, unreachable_pub, private_interfaces, reason = "a module of another crate")]
pub(crate) mod instance;
#[path = "../../../objects/src/storage/shape.rs"]
#[allow(dead_code, unreachable_pub, private_interfaces, reason = "a module of another crate")]
pub(crate) mod shape;
