//! Says how the interpreter gets from one instruction to the next: see `src/interp/threaded.rs`.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(orochi_threaded)");
    let optimised = var("OPT_LEVEL").is_ok_and(|level| !matches!(level.as_str(), "0" | "1"));
    let jumps = var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| matches!(arch.as_str(), "x86_64" | "aarch64"));
    // Sanitizers do something at the end of each function, so that a call there can't become a jump.
    let plain = var("CARGO_CFG_OROCHI_SANITIZE").is_err();
    if optimised && jumps && plain {
        println!("cargo::rustc-cfg=orochi_threaded");
    }
}
