//! Messages and places of syntax errors against what CPython says (tests/data/errors.txt).

use orochi_compiler::{CompileOptions, Mode, compile};

#[test]
fn errors_are_cpythons() {
    let table = include_str!("data/errors.txt");
    let mut source = String::new();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in table.lines().skip(1) {
        let Some(expected) = line.strip_prefix("=> ") else {
            source.push_str(line);
            source.push('\n');
            continue;
        };
        count += 1;
        let found = match compile(&source, "<string>", Mode::Exec, &CompileOptions::default()) {
            Ok(_) => String::from("accepted"),
            Err(e) => {
                format!("{:?} {}:{}-{}:{} {}", e.kind, e.line, e.offset, e.end_line, e.end_offset, e.message)
            }
        };
        if found != expected {
            wrong.push(format!("{source}expected {expected}\nfound    {found}"));
        }
        source.clear();
    }
    assert!(count > 200);
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn incomplete_input_is_told() {
    let options =
        CompileOptions { allow_incomplete_input: true, dont_imply_dedent: true, ..Default::default() };
    let kind = |source: &str| match compile(source, "<stdin>", Mode::Single, &options) {
        Ok(_) => "ok".to_string(),
        Err(error) => format!("{:?}", error.kind),
    };
    for source in
        ["", "if 1:", "if 1:\n", "if 1:\n  x", "(", "'''", "x \\\n", "@d\n", "class A: pass", "f(1,\n"]
    {
        assert_eq!(kind(source), "Incomplete", "{source:?}");
    }
    for source in ["x", "x\n", "x; y", "if 1:\n  x\n", "class A: pass\n", "raise"] {
        assert_eq!(kind(source), "ok", "{source:?}");
    }
    for source in ["x\ny", "x = \n", "x y\n"] {
        assert_eq!(kind(source), "Syntax", "{source:?}");
    }
}

#[test]
fn lines_are_shown_as_cpython_shows_them() {
    let error = |source: &str, is_script: bool| {
        let options = CompileOptions { is_script, ..Default::default() };
        compile(source, "<string>", Mode::Exec, &options).expect_err(source)
    };
    let shown = |source: &str, is_script: bool| {
        let error = error(source, is_script);
        (error.text.unwrap_or_default(), error.offset)
    };
    // The tokenizer's errors come without a newline, the parser's with one if there is one.
    assert_eq!(shown("a = 'x\nb\n", false), ("a = 'x".into(), 5));
    assert_eq!(shown("a = 1__0\n", false), ("a = 1__0".into(), 6));
    assert_eq!(shown("(a\n", false), ("(a\n".into(), 1));
    assert_eq!(shown("def f(:\n", false), ("def f(:\n".into(), 7));
    // The end behind a backslash.
    assert_eq!(shown("a = 5\\", false), ("a = 5\\\n".into(), 7));
    assert_eq!(shown("a = 5\\", true), ("a = 5\\".into(), 7));
    assert_eq!(shown("\\", false), ("\\\n".into(), 2));
    assert_eq!(shown("\\", true), ("\\".into(), 0));
    // Doubtful escapes before an error are warned of, once.
    let warnings = error("'\\e' + (\n'\\d'", false).warnings;
    assert_eq!(warnings.iter().map(|warning| warning.line).collect::<Vec<_>>(), [1, 2]);
}
