//! `int`: arithmetic, comparison, construction, text and methods. The representation is in `int.rs`.

pub mod arith;
pub mod bytes;
pub mod compare;
pub mod construct;
pub mod methods;
pub mod power;
pub mod text;
