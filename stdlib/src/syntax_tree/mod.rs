//! `_ast_tree`: what the `_ast` module needs of the compiler: trees from source, and code from trees.

mod from_python;
mod to_python;

use from_python::Reader;
use orochi_compiler::code::flags::FUTURE_MASK;
use orochi_compiler::parse::{TypeComments, parse_with_comments};
use orochi_compiler::{CompileOptions, Mode};
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::value_error;
use orochi_objects::types::code;
use orochi_objects::{Obj, PyDict, PyModule, PyResult, Ref, Thread};
use orochi_vm::builtins::{issue_all, text_of};
use orochi_vm::errors::{syntax_error, syntax_error_in};
use to_python::Maker;

const OPTIMIZED: i64 = 0x8000;
const TYPE_COMMENTS: i64 = 0x1000;

fn mode_of(mode: &str) -> PyResult<Mode> {
    match mode {
        "exec" => Ok(Mode::Exec),
        "eval" => Ok(Mode::Eval),
        "single" => Ok(Mode::Single),
        "func_type" => Ok(Mode::FuncType),
        _ => Err(value_error("compile() mode must be 'exec', 'eval', 'single' or 'func_type'")),
    }
}

fn options(flags: i64, optimize: i64) -> CompileOptions {
    CompileOptions {
        optimize: u8::try_from(optimize).unwrap_or(0),
        future_flags: flags as u32 & FUTURE_MASK,
        allow_top_level_await: flags & 0x2000 != 0,
        allow_incomplete_input: flags & 0x4000 != 0,
        dont_imply_dedent: flags & 0x200 != 0,
        type_comments: flags & TYPE_COMMENTS != 0,
        max_digits: Some(orochi_objects::types::int_::text::max_str_digits()),
        ..CompileOptions::default()
    }
}

/// The syntax tree of a source, in nodes of the classes in a namespace.
#[pyfunction]
fn parse(
    thread: &mut Thread,
    source: Ref,
    filename: &str,
    mode: &str,
    flags: i64,
    optimize: i64,
    feature_version: i64,
    classes: &Obj<PyDict>,
) -> PyResult {
    let mode = mode_of(mode)?;
    let text = text_of(thread, source, filename, "compile", "string, bytes or AST object")?;
    let options =
        CompileOptions { feature_version: u8::try_from(feature_version).ok(), ..options(flags, optimize) };
    let mut parsed = match parse_with_comments(&text, mode, &options) {
        Ok(parsed) => parsed,
        Err(error) => return Err(syntax_error_in(thread, &error, filename, &text)),
    };
    issue_all(thread, &parsed.warnings, filename)?;
    if flags & OPTIMIZED != 0
        && let Err(error) = orochi_compiler::optimize_tree(&mut parsed.module, &options)
    {
        return Err(syntax_error_in(thread, &error, filename, &text));
    }
    Maker::new(classes, &parsed.comments).module(thread, &parsed.module)
}

/// The code of a syntax tree.
#[pyfunction]
fn compile_tree(
    thread: &mut Thread,
    tree: Ref,
    filename: &str,
    flags: i64,
    optimize: i64,
    only_tree: bool,
    classes: &Obj<PyDict>,
) -> PyResult {
    let mut module = Reader { namespace: classes }.module(thread, tree)?;
    if only_tree {
        return match orochi_compiler::optimize_tree(&mut module, &options(flags, optimize)) {
            Ok(_) => Maker::new(classes, &TypeComments::default()).module(thread, &module),
            Err(error) => Err(syntax_error(thread, &error, filename)),
        };
    }
    match orochi_compiler::compile_tree(module, filename, &options(flags, optimize)) {
        Ok((compiled, warnings)) => {
            issue_all(thread, &warnings, filename)?;
            Ok(code::new(thread, compiled)?.into_value())
        }
        Err(error) => Err(syntax_error(thread, &error, filename)),
    }
}

#[pymodule(name = "_ast_tree", functions(parse, compile_tree))]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
