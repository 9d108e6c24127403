//! orochi-macros
