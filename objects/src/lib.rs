//! orochi-objects
