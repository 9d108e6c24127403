//! The entry: source or syntax tree to code.

use std::sync::Arc;

use crate::ast::Mod;
use crate::code::{Code, flags};
use crate::codegen::{self, Settings};
use crate::error::{CompileError, Result, Warning};
use crate::fold;
use crate::future;
use crate::parse::{self, Mode, on_large_stack, on_stack_that_fits};
use crate::symtable::{SymbolTable, TableOptions};
use crate::validate;

/// How to compile.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompileOptions {
    /// 0, 1 (`-O`: no asserts, `__debug__` is False) or 2 (`-OO`: no docstrings either).
    pub optimize: u8,
    /// Flags of futures inherited from the caller (`flags::FUTURE_*`).
    pub future_flags: u32,
    /// `await` and its kin may stand at the top level (PyCF_ALLOW_TOP_LEVEL_AWAIT).
    pub allow_top_level_await: bool,
    /// Errors that more input could mend have the kind `Incomplete` (PyCF_ALLOW_INCOMPLETE_INPUT).
    pub allow_incomplete_input: bool,
    /// The end of the input does not end a block (PyCF_DONT_IMPLY_DEDENT).
    pub dont_imply_dedent: bool,
    /// The source is a script. CPython reads those line by line, which shows where one ends within a line.
    pub is_script: bool,
    /// Syntax that Python 3.x has not is refused.
    pub feature_version: Option<u8>,
    /// Type comments are read, and refused where they don't belong (PyCF_TYPE_COMMENTS).
    pub type_comments: bool,
    /// The most digits of a decimal int literal (`sys.set_int_max_str_digits`); 0: any number.
    pub max_digits: Option<usize>,
}

/// Compiles source text.
///
/// # Errors
/// What Python's `compile` raises, with the place in the source.
pub fn compile(
    source: &str,
    filename: &str,
    mode: Mode,
    options: &CompileOptions,
) -> Result<(Code, Vec<Warning>)> {
    on_stack_that_fits(|max_depth| {
        let (module, mut warnings) = parse::parse_within(source, mode, options, max_depth)?;
        let (code, more) = compile_located(module, filename, options, Some(source))?;
        // Those of the parser come first, as one of them may be made an error.
        let by_place = |warning: &Warning| (warning.line, warning.offset);
        warnings.sort_by_key(by_place);
        let n_parser = warnings.len();
        warnings.extend(more);
        warnings[n_parser..].sort_by_key(by_place);
        Ok((code, warnings))
    })
}

/// Compiles a syntax tree, which is checked first. It must not be nested deeper than [`parse::MAX_DEPTH`].
///
/// # Errors
/// What Python's `compile` raises.
pub fn compile_tree(module: Mod, filename: &str, options: &CompileOptions) -> Result<(Code, Vec<Warning>)> {
    on_large_stack(|| {
        validate::validate(&module)?;
        compile_located(module, filename, options, None)
    })
}

/// Does to a syntax tree, in place, what CPython does to one that a program wants optimised; gives the warnings of that.
///
/// # Errors
/// The tree is no valid one.
pub fn optimize_tree(module: &mut Mod, options: &CompileOptions) -> Result<Vec<Warning>> {
    on_large_stack(|| {
        validate::validate(module)?;
        let flags = (options.future_flags & flags::FUTURE_MASK) | future::scan(module)?.flags;
        Ok(fold::fold_for_programs(module, options.optimize, flags & flags::FUTURE_ANNOTATIONS != 0))
    })
}

fn compile_located(
    module: Mod,
    filename: &str,
    options: &CompileOptions,
    source: Option<&str>,
) -> Result<(Code, Vec<Warning>)> {
    compile_unlocated(module, filename, options).map_err(|error| error.locate_in_bytes(source))
}

fn compile_unlocated(
    mut module: Mod,
    filename: &str,
    options: &CompileOptions,
) -> Result<(Code, Vec<Warning>)> {
    let futures = future::scan(&module)?;
    let future_flags = (options.future_flags & flags::FUTURE_MASK) | futures.flags;
    let text_annotations = future_flags & flags::FUTURE_ANNOTATIONS != 0;
    let mut warnings = fold::fold(&mut module, options.optimize, text_annotations);
    let table = SymbolTable::new(
        &module,
        TableOptions {
            future_annotations: text_annotations,
            allow_top_level_await: options.allow_top_level_await,
        },
    )?;
    let settings = Settings {
        filename: Arc::from(filename),
        future_flags,
        last_future: futures.last,
        optimize: options.optimize,
        interactive: matches!(module, Mod::Interactive { .. }),
        allow_top_level_await: options.allow_top_level_await,
    };
    let (code, more) = codegen::generate(&module, &table, settings)?;
    warnings.extend(more);
    Ok((code, warnings))
}

/// The symbol table of a source, for the `symtable` module.
///
/// # Errors
/// SyntaxErrors of the parser and about names.
pub fn symbol_table(source: &str, mode: Mode) -> Result<SymbolTable> {
    on_large_stack(|| {
        let (module, _) = parse::parse(source, mode)?;
        let located = |error: CompileError| error.locate_in_bytes(Some(source));
        let futures = future::scan(&module).map_err(located)?;
        let future_annotations = futures.flags & flags::FUTURE_ANNOTATIONS != 0;
        SymbolTable::new(&module, TableOptions { future_annotations, allow_top_level_await: false })
            .map_err(located)
    })
}
