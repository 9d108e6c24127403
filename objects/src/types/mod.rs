//! The built-in types, one file or folder each.

pub mod bool;
pub(crate) mod build;
pub mod bytearray;
pub mod bytes;
pub mod bytes_;
pub mod cell;
pub mod class_method;
pub mod code;
pub mod complex;
pub mod dict;
pub mod dict_;
pub mod exception;
pub mod exception_chain;
pub mod float;
pub mod float_;
pub mod format;
pub mod frame;
pub mod function;
pub mod generator;
pub mod generic_alias;
pub(crate) mod generic_alias_;
pub mod getset;
pub mod int;
pub mod int_;
pub mod iterators;
pub mod key;
pub mod list;
pub mod list_;
pub mod mapping_proxy;
pub mod member;
pub mod memoryview;
pub mod memoryview_;
pub mod method;
pub mod method_descriptor;
pub mod module;
mod module_methods;
pub mod native_function;
pub mod object;
pub mod object_;
pub mod property;
pub mod range;
pub mod range_iterator;
pub mod repr_guard;
pub mod sequence_iterator;
pub mod set;
pub mod set_;
pub mod simple_namespace;
pub mod singletons;
pub mod slice;
pub mod static_method;
pub mod str;
pub mod str_;
pub mod structseq;
pub mod super_;
pub mod traceback;
pub mod tuple;
pub mod tuple_;
pub mod r#type;
pub mod type_;
pub mod union;
pub mod wrapper_descriptor;

pub(crate) use build::{
    builtin, list_object, mapping_proxy_object, member_qualname, reduce_as_attribute, signature_of,
    without_signature,
};
pub mod weakref;
