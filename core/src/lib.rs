//! The part of Orochi that knows memory and threads and no Python.

pub mod heap;
pub mod sync;
