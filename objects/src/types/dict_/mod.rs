//! The parts of `dict`: methods, views, iteration.

mod iteration;
mod methods;
pub(crate) mod views;

pub(crate) use iteration::ITERATION;
pub use iteration::{
    DictItemIterator, DictKeyIterator, DictReverseItemIterator, DictReverseKeyIterator,
    DictReverseValueIterator, DictValueIterator,
};
pub(crate) use methods::METHODS;
pub use methods::{update, update_from_dict};
pub(crate) use views::VIEWS;
pub use views::{DictItems, DictKeys, DictValues};
