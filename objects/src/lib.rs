//! The built-in types and the protocols between them.

pub mod storage;
