//! `_sre`: the engine of `re`.
//!
//! `re._compiler` makes code from a pattern. [`program`] translates and checks it, [`engine`] runs it over text in place
//! ([`subject`]); the rest is what Python sees: patterns, matches, scanners, templates.

mod charset;
mod engine;
mod matched;
mod pattern;
mod program;
mod scanner;
mod subject;
mod substitute;
mod text;

use orochi_macros::{pyfunction, pymodule};
use orochi_objects::types::dict::PyDict;
use orochi_objects::types::list::PyList;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{ModuleExt, Obj, PyModule, PyResult, Ref, Thread};

const MAGIC: i64 = 20_230_612;

#[pyfunction]
#[signature(pattern, flags, code, groups, groupindex, indexgroup)]
fn compile(
    thread: &mut Thread,
    pattern: Ref,
    flags: i32,
    code: &Obj<PyList>,
    groups: usize,
    groupindex: &Obj<PyDict>,
    indexgroup: &Obj<PyTuple>,
) -> PyResult {
    let words = substitute::code_words(thread, code)?;
    pattern::new(thread, pattern, flags.into(), words, groups, groupindex, indexgroup)
}

#[pyfunction]
fn template(thread: &mut Thread, pattern: Ref, template: &Obj<PyList>) -> PyResult {
    substitute::template(thread, pattern::expect(pattern)?, template)
}

#[pyfunction]
fn getcodesize() -> i64 {
    4
}

fn letter(c: i32) -> u32 {
    u32::try_from(c).unwrap_or(0)
}

#[pyfunction]
#[signature(character, /)]
fn unicode_iscased(character: i32) -> bool {
    let c = letter(character);
    charset::unicode_lower(c) != c || charset::unicode_upper(c) != c
}

#[pyfunction]
#[signature(character, /)]
fn ascii_iscased(character: i32) -> bool {
    u8::try_from(character).is_ok_and(|byte| byte.is_ascii_alphabetic())
}

#[pyfunction]
#[signature(character, /)]
fn unicode_tolower(character: i32) -> i64 {
    charset::unicode_lower(letter(character)).into()
}

#[pyfunction]
#[signature(character, /)]
fn ascii_tolower(character: i32) -> i64 {
    charset::ascii_lower(letter(character)).into()
}

#[pymodule(
    name = "_sre",
    functions(
        compile,
        template,
        getcodesize,
        unicode_iscased,
        ascii_iscased,
        unicode_tolower,
        ascii_tolower
    )
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "MAGIC", MAGIC)?;
    module.add(thread, "CODESIZE", 4)?;
    module.add(thread, "MAXREPEAT", i64::from(u32::MAX))?;
    module.add(thread, "MAXGROUPS", 1_073_741_823_i64)?;
    module.add(thread, "copyright", " SRE 2.2.2 Copyright (c) 1997-2002 by Secret Labs AB ")
}
