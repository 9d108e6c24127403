//! orochi-concurrency-tests
