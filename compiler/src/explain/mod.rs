//! Syntax errors in CPython's words.
//!
//! The parser's messages are its own, so a source that it rejects is read again: [`tokens`] finds what CPython's
//! tokenizer would object to, [`grammar`] what its parser would. If neither objects, the error is "invalid syntax" where
//! the parser stopped.

mod arguments;
mod blocks;
mod exprs;
mod grammar;
mod tokens;

use ruff_python_parser::ParseError;
use ruff_text_size::Ranged;

use crate::ast::{Mod, Stmt, StmtKind};
use crate::error::{CompileError, ErrorKind, LineEnd, Result, Warning};
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

fn is_compound(stmt: &Stmt) -> bool {
    matches!(
        stmt.kind,
        StmtKind::FunctionDef(_)
            | StmtKind::ClassDef(_)
            | StmtKind::If { .. }
            | StmtKind::For(_)
            | StmtKind::While { .. }
            | StmtKind::With { .. }
            | StmtKind::Try(_)
            | StmtKind::Match { .. }
    )
}

/// Checks that interactive input is one statement. A compound statement must be ended by a line of its own, but for the
/// end of its block, which the end of the input implies unless `dont_imply_dedent`.
///
/// # Errors
/// SyntaxError, most often one that more input could mend.
pub(crate) fn check_single(source: &str, module: &Mod, dont_imply_dedent: bool) -> Result<()> {
    let Mod::Interactive { body } = module else { return Ok(()) };
    let end = |line: u32| Position { line, end_line: line, column: -1, end_column: -1 };
    let lines = source.lines().count() as u32;
    let unfinished = || {
        let mut error = CompileError::syntax("invalid syntax", end(lines));
        error.incomplete = true;
        error
    };
    let Some(first) = body.first() else { return Err(unfinished()) };
    if is_compound(first) {
        if let Some(second) = body.get(1) {
            let mut error = CompileError::syntax("invalid syntax", second.at);
            error.incomplete = second.at.line == lines && !source.ends_with('\n');
            return Err(error);
        }
        let last_line = source.rsplit('\n').next().unwrap_or_default();
        // White space may begin another line of the block.
        let may_go_on = dont_imply_dedent && !last_line.is_empty();
        let ended = last_line.trim().is_empty() && source.contains('\n') && !may_go_on;
        let implied = last_line.starts_with([' ', '\t']) && !dont_imply_dedent;
        return if ended || implied { Ok(()) } else { Err(unfinished()) };
    }
    let mut line = first.at.end_line;
    for stmt in body {
        if stmt.at.line > line {
            let text = source.lines().nth(line as usize - 1).unwrap_or_default();
            let column = text.len() as i32;
            let at = Position { line, end_line: line, column, end_column: column + 1 };
            let message = "multiple statements found while compiling a single statement";
            return Err(CompileError::syntax(message, at));
        }
        line = stmt.at.end_line;
    }
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
    error.line_end = trouble.line_end;
    error
}

/// A script that ends behind a backslash is shown as it is, and without a place if nothing else is on the line.
fn end_of_script(source: &str, error: &mut CompileError) {
    error.line_end = LineEnd::AsInSource;
    let line = source.trim_end_matches(['\n', '\r']).rsplit(['\n', '\r']).next().unwrap_or_default();
    if let Some(at) = error.at.as_mut().filter(|_| line.trim_end_matches('\\').trim().is_empty()) {
        at.column = -1;
    }
}

/// The warnings of escapes that the grammar has come upon, each at most once.
fn warnings(source: &str, mut doubtful: Vec<(usize, String)>) -> Vec<Warning> {
    doubtful.sort();
    doubtful.dedup();
    let warning = |(offset, message): (usize, String)| {
        let at = locate(source, &Trouble::new("", offset, offset + 1)).at.unwrap_or_default();
        let mut warning = Warning::syntax(message.clone(), at);
        warning.error = Box::new(CompileError::syntax(message, at).locate(Some(source)));
        warning
    };
    doubtful.into_iter().map(warning).collect()
}

/// The error that CPython raises for a source that the parser rejects with `error`.
pub(crate) fn explain(source: &str, error: &ParseError, mode: Mode, is_script: bool) -> CompileError {
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
        last_statement: None,
        fatal: None,
        doubtful: Vec::new(),
    };
    let found = match mode {
        Mode::Eval => grammar.eval_input(),
        _ => grammar.module(),
    };
    let reached = grammar.furthest.max(grammar.at);
    let at_end = match tokens.get(reached) {
        Some(token) => {
            token.end > source.len()
                || token.kind == Kind::End
                || (token.end == source.len() && !source.ends_with('\n'))
                || (token.kind == Kind::Dedent && source[token.start..].trim().is_empty())
        }
        None => tokenizer.at_end(),
    };
    let last_read = tokens.get(reached).or(tokens.last()).map_or(0, |token| token.start);
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
        later_tokenizer_error(&tokenizer, last_read, trouble, &parser_trouble).unwrap_or(parser_trouble);
    let mut error = locate(source, &chosen);
    error.incomplete |= at_end;
    if is_script && chosen.line_end == LineEnd::Added {
        end_of_script(source, &mut error);
    }
    error.warnings = warnings(source, std::mem::take(&mut grammar.doubtful)).into();
    error.statement = match grammar.last_statement {
        Some(offset) => {
            let at = locate(source, &Trouble::new("", offset, offset)).at.unwrap_or_default();
            Some((at.line, at.column))
        }
        None => Some((0, 0)),
    };
    error
}

/// Errors of the tokenizer further on replace those of the parser; unclosed brackets only those on later lines.
fn later_tokenizer_error(
    tokenizer: &Tokenizer<'_>,
    last_read: usize,
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
        return (line(last_read.max(parser.start)) > line(*place)).then_some(trouble);
    }
    Some(trouble)
}
