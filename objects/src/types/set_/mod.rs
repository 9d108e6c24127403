//! The parts of `set` and `frozenset`: what both have, what only sets have, iteration.

mod iteration;
mod methods;
mod mutation;
mod operators;

pub use iteration::SetIterator;
pub(crate) use methods::{FROZEN, MUTABLE};
pub(crate) use mutation::MUTATION;
pub(crate) use operators::{FROZEN_OPERATORS, MUTABLE_OPERATORS};
