//! The embedding façade.

pub mod config;
