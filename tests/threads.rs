//! Programs whose threads quarrel, with the heap verifier on and threads that give way at random safepoints.
//! `OROCHI_STRESS_SECONDS` says how long each scenario takes.

use std::process::Command;

/// Runs a program with this seed for the stress; its standard output must end like this.
fn run(program: &str, seconds: &str, seed: &str) -> String {
    let seconds = std::env::var("OROCHI_STRESS_SECONDS").unwrap_or_else(|_| seconds.to_owned());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/threads/");
    let output = Command::new(env!("CARGO_BIN_EXE_orochi"))
        .args([&format!("{path}{program}"), &seconds])
        .env("OROCHI_VERIFY", "1")
        .env("OROCHI_STRESS", seed)
        .output()
        .expect("a process");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} with seed {seed}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

#[test]
fn stress() {
    let out = run("stress.py", "0.3", "1");
    assert!(out.lines().count() > 10, "{out}");
}

#[test]
fn guarantees() {
    run("guarantees.py", "0.05", "2");
}

#[test]
fn linearizability() {
    run("linearizability.py", "0.2", "3");
}

#[test]
fn concurrent_module() {
    run("concurrent_module.py", "0", "4");
}

#[test]
fn asyncio_loops() {
    let out = run("asyncio_loops.py", "0.3", "5");
    assert_eq!(out, "ok\n");
}
