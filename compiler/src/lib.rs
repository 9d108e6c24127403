//! orochi-compiler
