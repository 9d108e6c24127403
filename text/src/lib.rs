//! orochi-text
