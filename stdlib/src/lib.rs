//! orochi-stdlib
