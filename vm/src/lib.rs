//! orochi-vm
