//! orochi-lib
