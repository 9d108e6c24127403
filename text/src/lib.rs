//! The pure algorithms on text and numbers that Python's built-in types need, without an object model.
//!
//! Both the compiler and the objects crate build on this package, so nothing here knows of values, threads or
//! exceptions: what can fail returns a Rust error whose `Display` is CPython's message. Text is WTF-8
//! ([`wtf8`]): UTF-8 in which lone surrogates can be written too, since a Python `str` may hold them.
//!
//! Unsafe code stands in [`wtf8`] alone, at the border between bytes and text.

pub mod ascii;
#[cfg(test)]
mod checks;
pub mod codecs;
pub mod float;
pub mod format_spec;
pub mod hash;
pub mod int;
pub mod printf;
pub mod repr;
pub mod search;
pub mod str_format;
pub mod unicode;
pub mod wtf8;

pub use wtf8::{Breadcrumbs, CodePoint, Wtf8, Wtf8Buf};
