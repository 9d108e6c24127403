//! orochi-core
