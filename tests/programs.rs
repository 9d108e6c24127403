//! Programs of `tests/programs/` that print what CPython prints: beside each lies what that is (`NAME.expected`).

use std::fs;
use std::process::Command;

fn prints_as_expected(name: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/");
    let output = Command::new(env!("CARGO_BIN_EXE_orochi"))
        .args(["-W", "ignore", &format!("{folder}{name}.py")])
        .output()
        .expect("a process");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}: {}\n{out}\n{err}", output.status);
    let expected = fs::read_to_string(format!("{folder}{name}.expected")).expect("a file in UTF-8");
    for (i, (got, wanted)) in out.lines().zip(expected.lines()).enumerate() {
        assert_eq!(got, wanted, "{name}: line {} of the output", i + 1);
    }
    assert_eq!(out.lines().count(), expected.lines().count(), "{name}: lines of the output");
}

#[test]
fn attributes() {
    prints_as_expected("attributes");
}

#[test]
fn containers() {
    prints_as_expected("containers");
}

#[test]
fn quick_comparisons() {
    prints_as_expected("quick_comparisons");
}

#[test]
#[cfg(target_os = "linux")] // it loads C's library of functions by the name it has there
fn foreign() {
    prints_as_expected("foreign");
}

#[test]
fn natives() {
    prints_as_expected("natives");
}

#[test]
#[cfg(target_os = "linux")] // OpenSSL is found by the name it has there
fn tls() {
    let orochi = env!("CARGO_BIN_EXE_orochi");
    let found = Command::new(orochi).args(["-c", "import _ssl"]).output().expect("a process");
    let message = String::from_utf8_lossy(&found.stderr);
    if message.contains("of OpenSSL 3") {
        eprintln!("left out: {message}");
        return;
    }
    prints_as_expected("tls");
}

#[test]
fn text() {
    prints_as_expected("text");
}

#[test]
fn system() {
    prints_as_expected("system");
}

#[test]
fn generators() {
    prints_as_expected("generators");
}

#[test]
fn trees() {
    prints_as_expected("trees");
}

#[test]
fn decimals() {
    prints_as_expected("decimals");
}

#[test]
fn monitoring() {
    prints_as_expected("monitoring");
}

#[test]
fn late_code() {
    prints_as_expected("late_code");
}

#[test]
fn profiling() {
    prints_as_expected("profiling");
}

#[test]
fn at_exit() {
    prints_as_expected("at_exit");
}
