//! The adapter to the parser: source text to our syntax tree.
//!
//! Nothing outside this folder names the parser's crates. Its tree differs from Python's abstract grammar in
//! details (a chain of `elif` is a list, a definition starts at its decorators, strings are pieces of source); the
//! files here turn each node into ours and evaluate literals. Errors are put into CPython's words by
//! [`crate::explain`]. What must hold: trees deeper than [`MAX_DEPTH`] are refused here, so that the passes behind may
//! recurse; they run on a stack that is large enough (see `on_large_stack` and `on_stack_that_fits`).

mod expr;
mod stmt;
mod strings;
mod type_comments;
mod versions;

pub use type_comments::TypeComments;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ruff_python_ast::{self as r, PythonVersion};
use ruff_python_parser::{Mode as RuffMode, ParseError, ParseOptions};
use ruff_text_size::{Ranged, TextRange};
use rustc_hash::FxHashSet;

use crate::CompileOptions;
use crate::ast::{Expr, ExprKind, Ident, Mod, Position};
use crate::error::{CompileError, ErrorKind, Result, Warning};
use crate::explain;

/// How deep a tree may be nested. Trees that are not made here (from Python objects) must keep to it as well.
pub const MAX_DEPTH: u32 = 4000;
/// The most digits of a decimal int literal, unless the options say something else.
const MAX_DIGITS: usize = 4300;
/// Pages that are not touched cost nothing; frames of code that is not optimized are large.
const LARGE_STACK: usize = if cfg!(debug_assertions) { 256 << 20 } else { 64 << 20 };

/// What kind of input a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A module.
    Exec,
    /// One expression.
    Eval,
    /// One interactive statement.
    Single,
    /// A signature type comment, `(int, str) -> None`.
    FuncType,
}

/// Runs a function with enough native stack for trees of [`MAX_DEPTH`].
pub(crate) fn on_large_stack<T>(f: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(LARGE_STACK - (1 << 20), LARGE_STACK, f)
}

/// How many times as deep a tree that is compiled straight from its source may be.
const DEEPER: u32 = 5;

/// Runs a function that is given the greatest depth of trees; if that was too little, again with more and on a stack to match.
pub(crate) fn on_stack_that_fits<T>(f: impl Fn(u32) -> Result<T>) -> Result<T> {
    match on_large_stack(|| f(MAX_DEPTH)) {
        Err(error) if error.kind == ErrorKind::Recursion => {
            stacker::grow(LARGE_STACK * DEEPER as usize, || f(MAX_DEPTH * DEEPER))
        }
        result => result,
    }
}

/// Parses a source to a syntax tree, with the warnings that its literals deserve.
///
/// # Errors
/// The SyntaxError that CPython would raise, or MemoryError or RecursionError for what is too deep.
pub fn parse(source: &str, mode: Mode) -> Result<(Mod, Vec<Warning>)> {
    parse_with(source, mode, &CompileOptions::default())
}

/// As [`parse`], with the options that are about input.
///
/// # Errors
/// As [`parse`]; with `allow_incomplete_input` an error of kind `Incomplete` if more input could help.
pub fn parse_with(source: &str, mode: Mode, options: &CompileOptions) -> Result<(Mod, Vec<Warning>)> {
    on_large_stack(|| parse_within(source, mode, options, MAX_DEPTH))
}

/// As [`parse_with`], with the type comments, if the options ask for them.
///
/// # Errors
/// As [`parse_with`].
pub fn parse_with_comments(source: &str, mode: Mode, options: &CompileOptions) -> Result<Parsed> {
    on_large_stack(|| parse_all(source, mode, options, MAX_DEPTH))
}

/// What parsing gives.
#[derive(Debug)]
pub struct Parsed {
    pub module: Mod,
    pub warnings: Vec<Warning>,
    pub comments: TypeComments,
}

/// As [`parse_with`], for trees of another depth. There must be stack enough.
pub(crate) fn parse_within(
    source: &str,
    mode: Mode,
    options: &CompileOptions,
    max_depth: u32,
) -> Result<(Mod, Vec<Warning>)> {
    parse_all(source, mode, options, max_depth).map(|parsed| (parsed.module, parsed.warnings))
}

fn parse_all(source: &str, mode: Mode, options: &CompileOptions, max_depth: u32) -> Result<Parsed> {
    if source.contains('\0') {
        return Err(CompileError::new(ErrorKind::Syntax, "source code string cannot contain null bytes"));
    }
    parse_checked(source, mode, options, max_depth).map_err(|error| {
        let mut error = error.locate(Some(source));
        if options.allow_incomplete_input && error.incomplete {
            error.kind = ErrorKind::Incomplete;
            error.message = "incomplete input".into();
        }
        error
    })
}

fn run_parser(source: &str, mode: RuffMode) -> Result<Syntax, ParseError> {
    let options = ParseOptions::from(mode).with_target_version(PythonVersion::PY314);
    let parsed = ruff_python_parser::parse_unchecked(source, options);
    if let Some(error) = parsed.errors().first() {
        return Err(error.clone());
    }
    if let Some(error) = parsed.unsupported_syntax_errors().first() {
        let error = ruff_python_parser::ParseErrorType::OtherError(error.to_string());
        let location = parsed.unsupported_syntax_errors()[0].range;
        return Err(ParseError { error, location });
    }
    Ok(parsed)
}

/// The parser's tree and tokens.
type Syntax = ruff_python_parser::Parsed<r::Mod>;

fn parse_checked(source: &str, mode: Mode, options: &CompileOptions, max_depth: u32) -> Result<Parsed> {
    explain::check_nesting(source)?;
    let adapter = Adapter::new(source, max_depth, options.max_digits.unwrap_or(MAX_DIGITS));
    let ruff_mode = match mode {
        Mode::Eval | Mode::FuncType => RuffMode::Expression,
        Mode::Exec | Mode::Single => RuffMode::Module,
    };
    if mode == Mode::FuncType {
        return adapter.function_type();
    }
    let syntax = match run_parser(source, ruff_mode) {
        Ok(syntax) => syntax,
        Err(error) => return Err(explain::explain(source, &error, mode, options.is_script)),
    };
    let result = match syntax.syntax() {
        r::Mod::Module(module) => adapter.suite(&module.body).map(|body| match mode {
            Mode::Single => Mod::Interactive { body },
            _ => Mod::Module { body },
        }),
        r::Mod::Expression(expression) => {
            adapter.expr(&expression.body).map(|body| Mod::Expression { body: Box::new(body) })
        }
    };
    let module = match result {
        Ok(module) => module,
        Err(error) => {
            if error.kind == ErrorKind::Recursion {
                // Dropping a tree that is too deep would overflow the stack; it happens once per such error.
                std::mem::forget(syntax);
            }
            return Err(error);
        }
    };
    if mode == Mode::Single {
        explain::check_single(source, &module, options.dont_imply_dedent)?;
    }
    let mut comments = TypeComments::default();
    if options.type_comments {
        comments = type_comments::collect(&adapter, syntax.syntax(), syntax.tokens())?;
    }
    if let Some(minor) = options.feature_version {
        versions::check(&adapter, syntax.syntax(), minor)?;
    }
    Ok(Parsed { module, warnings: adapter.warnings.into_inner(), comments })
}

/// Turns nodes of the parser's tree into ours.
pub(crate) struct Adapter<'s> {
    source: &'s str,
    /// Byte offsets of the starts of lines.
    lines: Vec<u32>,
    /// The line found last, where the next search begins.
    recent: Cell<usize>,
    idents: RefCell<FxHashSet<Ident>>,
    warnings: RefCell<Vec<Warning>>,
    depth: Cell<u32>,
    max_depth: u32,
    /// The most digits of a decimal int.
    max_digits: usize,
}

/// The byte offsets at which the lines of a source begin.
pub(crate) fn line_starts(source: &str) -> Vec<u32> {
    let bytes = source.as_bytes();
    let mut lines = vec![0];
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
            lines.push(at as u32 + 1);
        }
    }
    lines
}

impl<'s> Adapter<'s> {
    fn new(source: &'s str, max_depth: u32, max_digits: usize) -> Adapter<'s> {
        Adapter {
            source,
            lines: line_starts(source),
            recent: Cell::new(0),
            idents: RefCell::default(),
            warnings: RefCell::default(),
            depth: Cell::new(0),
            max_depth,
            max_digits,
        }
    }

    fn line_of(&self, offset: u32) -> (u32, i32) {
        let mut line = self.recent.get();
        let inside = |line: usize| {
            self.lines.get(line).is_some_and(|start| *start <= offset)
                && self.lines.get(line + 1).is_none_or(|next| offset < *next)
        };
        if !inside(line) {
            line = if inside(line + 1) {
                line + 1
            } else {
                self.lines.partition_point(|start| *start <= offset).saturating_sub(1)
            };
            self.recent.set(line);
        }
        (line as u32 + 1, (offset - self.lines[line]) as i32)
    }

    /// The position of a range of bytes.
    pub(crate) fn position(&self, range: TextRange) -> Position {
        let (line, column) = self.line_of(range.start().into());
        let (end_line, end_column) = self.line_of(range.end().into());
        Position { line, end_line, column, end_column }
    }

    fn at(&self, node: &impl Ranged) -> Position {
        self.position(node.range())
    }

    fn slice(&self, range: TextRange) -> &'s str {
        self.source.get(usize::from(range.start())..usize::from(range.end())).unwrap_or_default()
    }

    fn ident(&self, name: &str) -> Ident {
        let mut idents = self.idents.borrow_mut();
        if let Some(known) = idents.get(name) {
            return known.clone();
        }
        let new: Ident = Rc::from(name);
        idents.insert(new.clone());
        new
    }

    fn warn(&self, message: String, start: usize, end: usize, how: impl FnOnce(&mut CompileError)) {
        let range = TextRange::new((start as u32).into(), (end.max(start) as u32).into());
        let at = self.position(range);
        let mut warning = Warning::syntax(message.clone(), at);
        let mut error = CompileError::syntax(message, at).locate(Some(self.source));
        how(&mut error);
        *warning.error = error;
        self.warnings.borrow_mut().push(warning);
    }

    /// Refuses what would be nested `more` levels deeper.
    fn check_depth(&self, more: usize, at: &impl Ranged) -> Result<()> {
        if self.depth.get() as usize + more <= self.max_depth as usize {
            return Ok(());
        }
        let message = "maximum recursion depth exceeded during compilation";
        Err(CompileError::at(ErrorKind::Recursion, message, self.at(at)))
    }

    /// Runs `f` one level deeper.
    fn deeper<T>(&self, at: &impl Ranged, f: impl FnOnce() -> Result<T>) -> Result<T> {
        let depth = self.depth.get() + 1;
        if depth > self.max_depth {
            let message = "maximum recursion depth exceeded during compilation";
            return Err(CompileError::at(ErrorKind::Recursion, message, self.at(at)));
        }
        self.depth.set(depth);
        let result = f();
        self.depth.set(depth - 1);
        result
    }

    /// Parses `(types) -> type`: the left side as the arguments of a call, the right as an expression.
    fn function_type(&self) -> Result<Parsed> {
        let whole = TextRange::up_to((self.source.len() as u32).into());
        let invalid = || CompileError::syntax("invalid syntax", self.position(whole));
        let (arguments, returns) = self.source.split_once("->").ok_or_else(invalid)?;
        let inside =
            arguments.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).ok_or_else(invalid)?;
        let parse_side = |text: &str| -> Result<Expr> {
            match parse(text, Mode::Eval)?.0 {
                Mod::Expression { body } => Ok(*body),
                _ => Err(invalid()),
            }
        };
        let ExprKind::Call(call) = parse_side(&format!("f{}", arguments.trim()))?.kind else {
            return Err(invalid());
        };
        // The order is that of parameters: types, then one with a star, then one with two.
        let first_star = call.args.iter().position(|arg| matches!(arg.kind, ExprKind::Starred { .. }));
        let ordered = first_star.is_none_or(|at| at + 1 == call.args.len())
            && call.keywords.len() <= 1
            && call.keywords.iter().all(|keyword| keyword.arg.is_none());
        if !ordered || inside.trim_end().ends_with(',') {
            return Err(invalid());
        }
        let plain = |arg: Expr| match arg.kind {
            ExprKind::Starred { value, .. } => *value,
            _ => arg,
        };
        let mut argtypes: Vec<_> = call.args.into_iter().map(plain).collect();
        argtypes.extend(call.keywords.into_iter().map(|keyword| keyword.value));
        let returns = Box::new(parse_side(returns.trim())?);
        let module = Mod::FunctionType { argtypes, returns };
        Ok(Parsed { module, warnings: Vec::new(), comments: TypeComments::default() })
    }
}
