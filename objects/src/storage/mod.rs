//! The memory of the built-in containers and of instances, apart from Python's semantics.
//!
//! All of it follows one plan: a container's storage is one atomic pointer to a block (buffer, table, shape). Readers load
//! the pointer and then words of the block, and write nothing; a block once seen stays valid until the reader's thread
//! passes a safepoint. Writers hold the owner's lock if the owner is shared. What a reader could see half-done (moved
//! elements, another table size) is built in a new block that replaces the old one with a Release store; the old block is
//! retired. A local owner is changed in place and its old blocks are freed at once.

pub(crate) mod code_start;
pub mod dict;
mod dict_table;
pub mod instance;
pub mod intern_table;
pub mod known;
pub mod list;
mod memory;
pub(crate) mod once_box;
pub mod set;
pub mod shape;
#[cfg(test)]
mod tests;

/// There is no memory for a container to grow; becomes `MemoryError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMemory;

/// A search can't go on without Python code that compares keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskPython;

/// What can be said of a key in a table and the key that is sought without running Python code.
///
/// Identity is looked at before anybody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMatch {
    /// The keys are equal.
    Yes,
    /// They are not.
    No,
    /// Only Python code can tell.
    Ask,
}

/// Compares the sought key with one in a table whose hash is the same.
pub trait KeyMatcher {
    /// Neither key is the other. Runs under a lock, perhaps: plain data is compared, nothing is released or called.
    fn matches(&self, candidate: orochi_core::Ref<'_>) -> KeyMatch;
}

impl<F: Fn(orochi_core::Ref<'_>) -> KeyMatch> KeyMatcher for F {
    #[inline(always)]
    fn matches(&self, candidate: orochi_core::Ref<'_>) -> KeyMatch {
        self(candidate)
    }
}
