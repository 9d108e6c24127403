//! `bytes` and `bytearray`: construction, methods, operators and iteration. What both share is written once over
//! [`shared::ByteString`]; the storage is in `bytes.rs` and `bytearray.rs`.

pub mod construct;
pub mod iterator;
pub mod methods;
pub mod mutable;
pub mod operators;
pub mod printf;
pub mod shared;
