//! What can go wrong when source is compiled, in the terms of Python's exceptions.

use crate::positions::Position;

/// The exception class that a [`CompileError`] becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    Syntax,
    Indentation,
    Tab,
    /// SyntaxError whose cause is that the input ends too early (`_IncompleteInputError`).
    Incomplete,
    Recursion,
    Memory,
    Overflow,
    Value,
    Type,
    System,
}

/// Whether the line of an error is shown with its newline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// If it has one.
    AsInSource,
    /// Without: so CPython's tokenizer does it.
    Cut,
    /// With one, even at the end of the source.
    Added,
}

/// An error found in source, or in a syntax tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    pub kind: ErrorKind,
    pub message: Box<str>,
    /// `SyntaxError.lineno`, from 1; 0 if there is no place.
    pub line: u32,
    /// `SyntaxError.offset` in characters from 1; 0 if it is not known.
    pub offset: u32,
    pub end_line: u32,
    pub end_offset: i32,
    /// `SyntaxError.text`: the line of source.
    pub text: Option<String>,
    /// Whether the error concerns the file as a whole, so that its line is 0.
    pub whole_file: bool,
    /// Line and column of the last complete statement before an error of the parser: what a search for misspelt keywords
    /// begins with.
    pub statement: Option<(u32, i32)>,
    /// Whether more input could make the source valid (what `codeop` and the REPL ask).
    pub incomplete: bool,
    /// Warnings of what was read before the error.
    pub warnings: Box<[Warning]>,
    /// How `text` ends.
    pub(crate) line_end: LineEnd,
    /// The place in bytes, until [`CompileError::locate`] has made offsets of it.
    pub(crate) at: Option<Position>,
    /// `end_offset`, if it does not come from the place.
    pub(crate) fixed_end_offset: Option<i32>,
}

impl CompileError {
    /// An error without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> CompileError {
        CompileError {
            kind,
            message: message.into().into_boxed_str(),
            line: 0,
            offset: 0,
            end_line: 0,
            end_offset: 0,
            text: None,
            whole_file: false,
            statement: None,
            incomplete: false,
            warnings: Box::default(),
            line_end: LineEnd::AsInSource,
            at: None,
            fixed_end_offset: None,
        }
    }

    /// A SyntaxError at a place.
    pub fn syntax(message: impl Into<String>, at: Position) -> CompileError {
        CompileError { at: Some(at), ..CompileError::new(ErrorKind::Syntax, message) }
    }

    /// Another kind of error at a place.
    pub(crate) fn at(kind: ErrorKind, message: impl Into<String>, at: Position) -> CompileError {
        CompileError { at: Some(at), ..CompileError::new(kind, message) }
    }

    /// As `locate`, with offsets in bytes, as CPython has them for errors that its parser does not find.
    pub(crate) fn locate_in_bytes(self, source: Option<&str>) -> CompileError {
        let Some(at) = self.at else { return self };
        let mut error = self.locate(source);
        error.offset = (at.column + 1).max(0) as u32;
        error.end_offset = at.end_column + 1;
        error
    }

    /// Fills in offsets in characters and the text of the line.
    pub(crate) fn locate(mut self, source: Option<&str>) -> CompileError {
        let Some(at) = self.at.take() else { return self };
        let line_text =
            |line: u32| source.and_then(|source| split_lines(source).nth((line as usize).checked_sub(1)?));
        let offset = |text: Option<&str>, column: i32| -> u32 {
            let Ok(column) = usize::try_from(column) else { return 0 };
            let characters = match text {
                Some(text) => {
                    let upto = column.min(text.len());
                    let in_text = text.as_bytes()[..upto].iter().filter(|b| **b & 0xC0 != 0x80).count();
                    in_text + (column - upto)
                }
                None => column,
            };
            characters as u32 + 1
        };
        let text = line_text(at.line);
        self.line = at.line;
        self.end_line = at.end_line;
        self.offset = offset(text, at.column);
        let end_offset = offset(line_text(at.end_line), at.end_column) as i32;
        self.end_offset = self.fixed_end_offset.unwrap_or(end_offset);
        if let Some(source) = source {
            let mut shown = text.unwrap_or_default().to_string();
            let ends = match self.line_end {
                LineEnd::AsInSource => ends_with_newline(source, at.line),
                LineEnd::Cut => false,
                LineEnd::Added => true,
            };
            if text.is_some() && ends {
                shown.push('\n');
            }
            self.text = Some(shown);
        }
        self
    }
}

/// The lines of a source without their ends (LF, CR or CRLF).
pub(crate) fn split_lines(source: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(source);
    std::iter::from_fn(move || {
        let text = rest?;
        match text.find(['\n', '\r']) {
            None => {
                rest = None;
                Some(text)
            }
            Some(at) => {
                let width = if text[at..].starts_with("\r\n") { 2 } else { 1 };
                rest = Some(&text[at + width..]);
                Some(&text[..at])
            }
        }
    })
}

fn ends_with_newline(source: &str, line: u32) -> bool {
    split_lines(source).count() > line as usize
}

/// A warning that the caller issues (through Python's `warnings`, which may turn it into an error).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub category: WarningCategory,
    pub message: String,
    pub line: u32,
    /// In characters from 1, as SyntaxError's.
    pub offset: u32,
    pub end_line: u32,
    pub end_offset: u32,
    /// The SyntaxError that takes its place when a filter makes an error of it.
    pub error: Box<CompileError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningCategory {
    Syntax,
    Deprecation,
}

impl Warning {
    pub(crate) fn syntax(message: impl Into<String>, at: Position) -> Warning {
        let message = message.into();
        let error = CompileError::syntax(message.clone(), at).locate_in_bytes(None);
        Warning {
            category: WarningCategory::Syntax,
            message,
            error: Box::new(error),
            line: at.line,
            offset: (at.column + 1).max(0) as u32,
            end_line: at.end_line,
            end_offset: (at.end_column + 1).max(0) as u32,
        }
    }
}

/// The result of every pass.
pub type Result<T, E = CompileError> = std::result::Result<T, E>;
