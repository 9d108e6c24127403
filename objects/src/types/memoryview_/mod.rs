//! `memoryview`: items, attributes and methods. The object is in `memoryview.rs`.

pub mod attributes;
pub mod format;
pub mod items;
pub mod methods;
