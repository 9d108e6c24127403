//! The built-in types, one file or folder each.

pub mod bool;
pub mod cell;
pub mod code;
pub mod dict;
pub mod dict_;
pub mod exception;
pub mod float;
pub mod frame;
pub mod function;
pub mod generator;
pub mod getset;
pub mod int;
pub mod key;
pub mod method;
pub mod method_descriptor;
pub mod module;
pub mod native_function;
pub mod object;
pub mod repr_guard;
pub mod singletons;
pub mod static_method;
pub mod str;
pub mod traceback;
pub mod tuple;
pub mod r#type;
pub mod type_;
