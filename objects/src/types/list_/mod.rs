//! The parts of `list`: methods, operators, sorting, iteration.

pub mod iteration;
pub(crate) mod methods;
mod operators;
pub mod sort;

pub(crate) use iteration::ITERATION;
pub use iteration::{ListIterator, ListReverseIterator};
pub(crate) use methods::METHODS;
pub(crate) use operators::{OPERATORS, assign_slice, slice};
