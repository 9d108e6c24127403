//! `str`: methods, operators, formatting and iteration. The storage is in `str.rs`.

pub mod case;
pub mod construct;
pub mod format;
pub mod iterator;
pub mod layout;
pub mod printf;
pub(crate) mod quick;
pub mod search;
pub mod sequence;
pub mod single;
pub mod split;
pub mod template;
pub mod translate;
