//! What models and stress tests share.
#![allow(dead_code, reason = "not every model uses all of it")]

pub(crate) mod objects;

#[cfg(orochi_loom)]
mod models;

#[cfg(orochi_loom)]
pub(crate) use models::{Shared, fails, model};
