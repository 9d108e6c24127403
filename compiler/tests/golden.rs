//! Disassembly of small programs against the expected one. `OROCHI_UPDATE_GOLDEN=1` writes the expected files anew.

mod common;

use std::path::Path;

use orochi_compiler::disassemble::disassemble;
use orochi_compiler::{CompileOptions, Mode, compile};

#[test]
fn disassembly_is_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let update = std::env::var_os("OROCHI_UPDATE_GOLDEN").is_some();
    let mut different = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("the folder of programs").flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "py") {
            continue;
        }
        count += 1;
        let source = std::fs::read_to_string(&path).expect("a program");
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_string();
        let (code, _) = compile(&source, &name, Mode::Exec, &CompileOptions::default())
            .unwrap_or_else(|error| panic!("{name}: {}", error.message));
        assert_eq!(common::check(&code), Vec::<String>::new());
        let text = disassemble(&code);
        let expected_path = path.with_extension("dis");
        if update {
            std::fs::write(&expected_path, &text).expect("writing");
        } else if std::fs::read_to_string(&expected_path).ok().as_deref() != Some(&text) {
            different.push(name);
        }
    }
    assert!(count >= 8);
    assert!(different.is_empty(), "the code of {different:?} is not as expected");
}
