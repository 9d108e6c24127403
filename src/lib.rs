//! Orochi: a Python 3.14 virtual machine without a global interpreter lock.
//!
//! `config` reads the command line, `startup` makes an interpreter ready, `program` runs what was named.

pub mod config;
mod program;
pub mod startup;

/// What `orochi -V` prints; `-VV` says more.
pub fn version(long: bool) -> String {
    let (major, minor, micro) = orochi_stdlib::sys::VERSION;
    let orochi = env!("CARGO_PKG_VERSION");
    if long {
        format!("Python {major}.{minor}.{micro} free-threading build (Orochi {orochi}) [Rust]")
    } else {
        format!("Python {major}.{minor}.{micro} (Orochi {orochi})")
    }
}
