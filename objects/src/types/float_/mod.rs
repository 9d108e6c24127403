//! `float`: arithmetic, comparison, construction and methods. The representation is in `float.rs`.

pub mod arith;
pub mod construct;
pub mod methods;
