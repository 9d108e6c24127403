//! The storage as `objects/` has it, with the little that it needs from there.

use orochi_core::Ref;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoMemory;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AskPython;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "models ask for identity only")]
pub(crate) enum KeyMatch {
    Yes,
    No,
    Ask,
}

pub(crate) trait KeyMatcher {
    fn matches(&self, candidate: Ref<'_>) -> KeyMatch;
}

impl<F: Fn(Ref<'_>) -> KeyMatch> KeyMatcher for F {
    fn matches(&self, candidate: Ref<'_>) -> KeyMatch {
        self(candidate)
    }
}

#[path = "../../../objects/src/storage/dict.rs"]
#[allow(dead_code, unreachable_pub, private_interfaces, reason = "a module of another crate")]
pub(crate) mod dict;
#[path = "../../../objects/src/storage/dict_table.rs"]
#[allow(dead_code, unreachable_pub, private_interfaces, reason = "a module of another crate")]
mod dict_table;
#[path = "../../../objects/src/storage/list.rs"]
#[allow(dead_code, unreachable_pub, private_interfaces, reason = "a module of another crate")]
pub(crate) mod list;
#[path = "../../../objects/src/storage/memory.rs"]
#[allow(dead_code, unreachable_pub, private_interfaces, reason = "a module of another crate")]
mod memory;
#[path = "../../../objects/src/storage/set.rs"]
#[allow(dead_code, unreachable_pub, private_interfaces, reason = "a module of another crate")]
pub(crate) mod set;
