//! Every module of the standard library compiles.

use std::path::{Path, PathBuf};

mod common;

use orochi_compiler::serialize::{from_bytes, to_bytes};
use orochi_compiler::{CompileOptions, Mode, compile};

fn python_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            python_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            found.push(path);
        }
    }
}

#[test]
fn the_standard_library_compiles() {
    let folder = std::env::var("OROCHI_COMPILE_FOLDER").unwrap_or(rustpython_pylib::LIB_PATH.to_string());
    let mut files = Vec::new();
    python_files(Path::new(&folder), &mut files);
    assert!(files.len() > 100);
    let mut failures = Vec::new();
    let (mut bytes, mut words) = (0, 0);
    let start = std::time::Instant::now();
    for path in &files {
        let Ok(source) = std::fs::read_to_string(path) else { continue };
        bytes += source.len();
        if let Ok((module, _)) = orochi_compiler::parse::parse(&source, Mode::Exec)
            && let Err(error) = orochi_compiler::validate::validate(&module)
        {
            failures.push(format!("{}: {}", path.display(), error.message));
        }
        match compile(&source, &path.to_string_lossy(), Mode::Exec, &CompileOptions::default()) {
            Ok((code, _)) => {
                words += code.words.len();
                failures.extend(common::check(&code));
                let bytes = to_bytes(&code);
                match from_bytes(bytes.into(), &code.filename) {
                    Ok(again) if again == code => {}
                    other => failures.push(format!("{}: serialised: {:?}", path.display(), other.err())),
                }
            }
            Err(error) => failures.push(format!("{}:{}: {}", path.display(), error.line, error.message)),
        }
    }
    println!("{} files, {bytes} bytes, {words} words in modules, {:?}", files.len(), start.elapsed());
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
