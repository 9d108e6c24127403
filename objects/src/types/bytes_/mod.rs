//! `bytes`: construction, methods, and what `bytearray` shares with it.

pub mod construct;
