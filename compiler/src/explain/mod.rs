//! Syntax errors in CPython's words.
//!
//! The parser's messages are its own, so a source that it rejects is read again: [`tokens`] finds what CPython's
//! tokenizer would object to, [`grammar`] what its parser would. If neither objects, the error is "invalid syntax" where
//! the parser stopped.

mod arguments;
mod exprs;
mod grammar;
mod tokens;

use ruff_python_parser::ParseError;
use ruff_text_size::Ranged;

use crate::ast::Mod;
use crate::error::{CompileError, ErrorKind, Result};
use crate::parse::{Mode, line_starts};
use crate::positions::Position;

use grammar::Grammar;
use tokens::{Kind, Tokenizer, Trouble};

/// Refuses sources whose brackets are nested deeper than CPython's tokenizer allows.
///
/// # Errors
/// SyntaxError "too many nested parentheses".
pub(crate) fn check_nesting(source: &str) -> Result<()> {
    let mut depth = 0u32;
    let mut deepest = 0u32;
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    if deepest <= 200 {
        return Ok(());
    }
    match tokens::tokenize(source).1 {
        Some(trouble) => Err(locate(source, &trouble)),
        None => Ok(()),
    }
}

/// Checks that interactive input is one statement.
///
/// # Errors
/// SyntaxError "multiple statements found while compiling a single statement".
pub(crate) fn check_single(source: &str, module: &Mod) -> Result<()> {
    let Mod::Interactive { body } = module else { return Ok(()) };
    let Some(first) = body.first() else {
        return Ok(());
    };
    let on_first_line = |line: u32| line <= first.at.end_line;
    if let Some(extra) = body.iter().find(|stmt| !on_first_line(stmt.at.line)) {
        let _ = extra;
        let message = "multiple statements found while compiling a single statement";
        return Err(CompileError::syntax(message, first.at));
    }
    let _ = source;
    Ok(())
}

fn locate(source: &str, trouble: &Trouble) -> CompileError {
    let lines = line_starts(source);
    let place = |offset: usize| {
        let line = lines.partition_point(|start| *start as usize <= offset).max(1);
        (line as u32, offset as i32 - lines[line - 1] as i32)
    };
    let (line, column) = place(trouble.start);
    // The end of a newline token is on the line that it ends.
    let (end_line, end_column) = match trouble.end.checked_sub(1) {
        Some(last) if trouble.end > trouble.start => {
            let (line, column) = place(last);
            (line, column + 1)
        }
        _ => place(trouble.start),
    };
    let at = Position { line, end_line, column: column - trouble.offset_shift, end_column };
    let mut error = CompileError::at(trouble.kind, trouble.message.clone(), at);
    error.incomplete = trouble.incomplete;
    error.fixed_end_offset = trouble.end_offset;
    error
}

/// The error that CPython raises for a source that the parser rejects with `error`.
pub(crate) fn explain(source: &str, error: &ParseError, mode: Mode) -> CompileError {
    let (mut tokenizer, trouble) = tokens::tokenize(source);
    let tokens = std::mem::take(&mut tokenizer.tokens);
    let mut grammar = Grammar {
        source,
        tokens: &tokens,
        trouble: trouble.clone(),
        at: 0,
        furthest: 0,
        depth: 0,
        in_class_arguments: false,
        fatal: None,
    };
    let found = match mode {
        Mode::Eval => grammar.eval_input(),
        _ => grammar.module(),
    };
    let parser_trouble = match found {
        Err(trouble) => trouble,
        Ok(()) => {
            let range = error.range();
            let mut start = usize::from(range.start());
            let mut end = usize::from(range.end());
            if let Some(token) = tokens.iter().find(|token| token.end > start && token.kind != Kind::Dedent) {
                (start, end) = (token.start, token.end);
            }
            let mut generic = Trouble::new("invalid syntax", start, end);
            generic.generic = true;
            generic
        }
    };
    let chosen =
        later_tokenizer_error(&tokenizer, &tokens, trouble, &parser_trouble).unwrap_or(parser_trouble);
    locate(source, &chosen)
}

/// Errors of the tokenizer further on replace those of the parser; unclosed brackets only those on later lines.
fn later_tokenizer_error(
    tokenizer: &Tokenizer<'_>,
    _tokens: &[tokens::Token],
    trouble: Option<Box<Trouble>>,
    parser: &Trouble,
) -> Option<Box<Trouble>> {
    let trouble = trouble?;
    if trouble.lazy {
        return None;
    }
    if parser.kind != ErrorKind::Syntax {
        return None;
    }
    let unclosed = trouble.message.ends_with("was never closed");
    if unclosed && !parser.message.ends_with("was never closed") {
        let (_, place) = tokenizer.brackets.last()?;
        let line = |offset: usize| tokenizer.line_of(offset);
        return (line(parser.start) > line(*place)).then_some(trouble);
    }
    Some(trouble)
}
