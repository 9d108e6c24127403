//! What lints can't see: every file says what it is for, `unsafe` and atomics stay where they may be, files keep a size that can
//! be read, and the paths that the documents name exist.
//!
//! Exceptions are listed here with their reasons, and only here; an exception that is no longer needed fails, too.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders with Rust code.
const CODE: &[&str] = &[
    "benches",
    "compiler",
    "concurrency-tests",
    "core",
    "fuzz",
    "Lib",
    "macros",
    "objects",
    "src",
    "stdlib",
    "tests",
    "text",
    "vm",
];

/// The longest file, in lines.
const LONGEST: usize = 1_200;

/// Where `unsafe` may be: folders, or single files with the reason.
const UNSAFE: &[(&str, &str)] = &[
    ("core/", "the memory model itself"),
    ("objects/", "storage and slots of the built-in types"),
    ("vm/", "registers and frames"),
    ("concurrency-tests/", "models of the protocols of core/"),
    ("macros/", "writes the shims that enter safe code"),
    ("src/allocator.rs", "chooses between allocators"),
    ("stdlib/src/ffi/", "memory and functions whose addresses Python programs name"),
    ("stdlib/src/host/", "calls the operating system"),
    ("stdlib/src/io/lock.rs", "says that a class of std's holds no references"),
    ("stdlib/src/posix/scandir.rs", "says that a class of std's holds no references"),
    ("text/src/wtf8.rs", "bytes and strings as views of each other"),
];

/// Files of core/ and objects/ that name std's atomics beside the façade.
const ATOMICS: &[(&str, &str)] = &[
    ("core/src/sync.rs", "the façade"),
    ("core/src/numbers.rs", "static counters of versions and shapes: loom's atomics cannot be static"),
    ("core/src/racy.rs", "memory of foreign code, which loom cannot know of"),
    ("core/src/heap.rs", "orderings of the mark bits of heap/segment.rs"),
    (
        "core/src/heap/segment.rs",
        "mark bits live in zeroed memory, which loom's types cannot; collectors alone touch them",
    ),
    ("core/src/gc/tests.rs", "counts of a test, not of a protocol"),
    ("core/src/host/model.rs", "stands in for futex words in models, with loom's own locks"),
    ("core/src/host/linux.rs", "futex words, which the operating system reads"),
    ("core/src/host/portable.rs", "stands in for futex words"),
    ("objects/src/class.rs", "static classes: loom's atomics cannot be static"),
    ("objects/src/storage/tests.rs", "counts of a test, not of a protocol"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder with this ending, relative to the root.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == ending) {
                found.push(path.strip_prefix(root()).expect("below the root").to_path_buf());
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(String, String)> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(root().join(&path)).expect("a readable source");
        (path.to_string_lossy().into_owned(), text)
    };
    CODE.iter().flat_map(|folder| files(folder, "rs")).map(read).collect()
}

/// The lines that are code: without comments and strings that span the line.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"))
}

fn is_unsafe(line: &str) -> bool {
    ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "unsafe("]
        .iter()
        .any(|form| line.contains(form))
}

fn allowed(list: &[(&str, &str)], path: &str) -> bool {
    list.iter().any(|(place, _)| path == *place || (place.ends_with('/') && path.starts_with(place)))
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn files_open_with_what_they_are_for() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|(path, text)| !text.starts_with("//!") && !path.ends_with("generated.rs"))
        .map(|(path, _)| path)
        .collect();
    assert_none("files that don't open with `//!`", &silent);
}

#[test]
fn files_can_be_read() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|(path, text)| (text.lines().count(), path))
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    assert_none("files that are too long", &long);
}

#[test]
fn unsafe_is_where_it_may_be() {
    let found: Vec<_> = sources()
        .into_iter()
        .filter(|(path, _)| path != "tests/tidy.rs" && !allowed(UNSAFE, path))
        .filter(|(_, text)| code_lines(text).any(is_unsafe))
        .map(|(path, _)| path)
        .collect();
    assert_none("files that may not have `unsafe`", &found);
}

#[test]
fn atomics_are_named_through_the_facade() {
    let names_them = |text: &str| {
        code_lines(text).any(|line| line.contains("std::sync::atomic") || line.contains("use loom"))
    };
    let mut found = Vec::new();
    for (path, text) in sources() {
        if !path.starts_with("core/") && !path.starts_with("objects/") {
            continue;
        }
        match (names_them(&text), allowed(ATOMICS, &path) || path == "core/src/sync.rs") {
            (true, false) => {
                found.push(format!("{path} names std's atomics; take them from orochi_core::sync"))
            }
            (false, true) if path != "core/src/sync.rs" => {
                found.push(format!("{path} is an exception that is not needed"));
            }
            _ => {}
        }
    }
    assert_none("atomics beside the façade", &found);
}

/// The paths in backquotes and links of a document.
fn named_paths(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let linked = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    quoted
        .chain(linked)
        .map(|word| word.split(['#', ':']).next().unwrap_or(word).to_owned())
        .filter(|word| {
            CODE.iter()
                .chain(&["docs", "examples", ".ci", "conformance"])
                .any(|folder| word.starts_with(&format!("{folder}/")))
        })
        .filter(|word| !word.contains(['{', '*', ' ', '<', '…', '$']))
        .collect()
}

#[test]
fn documents_name_paths_that_exist() {
    let mut documents = files("docs", "md");
    documents.push("README.md".into());
    let mut missing = Vec::new();
    for document in documents {
        let text = fs::read_to_string(root().join(&document)).expect("a readable document");
        for path in named_paths(&text) {
            // Packages that examples fetch are not in the repository.
            if !path.starts_with("examples/packages") && !root().join(&path).exists() {
                missing.push(format!("{}: {path}", document.display()));
            }
        }
    }
    assert_none("documents name what doesn't exist", &missing);
}
