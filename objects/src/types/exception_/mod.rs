//! Exceptions with more than arguments: a payload for each family, which begins with `PyBaseException`.
//!
//! A payload's class is the static of that name in `exception`; classes derived from it have the same payload.

#[macro_use]
mod payload;

pub mod attributes;
pub mod group;
pub mod os;
pub mod simple;
pub mod star;
pub mod syntax;
pub mod unicode;
