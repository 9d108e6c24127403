//! The parts of `dict`: methods, views, iteration.

mod methods;

pub(crate) use methods::METHODS;
pub use methods::{update, update_from_dict};
