//! `_tokenize`: the iterator of tokens behind the `tokenize` module.

mod lexer;

use crate::thread::{Ownership, RawLock};
use lexer::{Lexer, Problem, Token, kind};
use orochi_macros::{Trace, pyclass, pymethods, pymodule};
use orochi_objects::error::{type_error, unicode_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{bytes, exception};
use orochi_objects::{
    Field, Guarded, Obj, PyErr, PyModule, PyResult, PyType, Ref, Thread, Value, alloc, int, protocol, str,
    tuple,
};

/// Tokens of the lines that a function gives.
#[pyclass(name = "TokenizerIter", module = "_tokenize")]
#[derive(Trace)]
struct TokenizerIter {
    readline: Field,
    encoding: Option<Box<str>>,
    extra_tokens: bool,
    #[trace(unsafe_skip)]
    state: Guarded<State>,
    /// Held while a token is read: threads that share the iterator wait for each other.
    reading: RawLock,
    reader: Ownership,
}

enum State {
    /// Nothing has been read.
    Fresh,
    Reading(Box<Lexer>),
    Finished,
}

/// All text that the function gives.
fn read_all(thread: &mut Thread, readline: Ref<'_>, encoding: Option<&str>) -> PyResult<String> {
    let mut text = String::new();
    loop {
        let line = match protocol::call(thread, readline, &[]) {
            Ok(line) => line,
            Err(error) if error.matches(&exception::StopIteration) => return Ok(text),
            Err(error) => return Err(error),
        };
        let Some(encoding) = encoding else {
            let Some(line) = line.get().downcast::<PyStr>() else {
                return Err(type_error("readline() returned a non-string object"));
            };
            if line.is_empty() {
                return Ok(text);
            }
            text.push_str(&line.as_wtf8().to_string_lossy());
            continue;
        };
        let Some(content) = bytes::value(line.get()) else {
            return Err(type_error("readline() returned a non-bytes object"));
        };
        if content.is_empty() {
            return Ok(text);
        }
        match (encoding, std::str::from_utf8(content)) {
            ("utf-8" | "utf-8-sig", Ok(line)) => text.push_str(line),
            _ => {
                let name = str::new(thread, encoding)?;
                let decoded = protocol::call_method(thread, line.get(), "decode", &[name.get()])?;
                match decoded.get().downcast::<PyStr>() {
                    Some(line) => text.push_str(&line.as_wtf8().to_string_lossy()),
                    None => return Err(unicode_error("the codec gave no str")),
                }
            }
        }
    }
}

fn syntax_error(thread: &mut Thread, lexer: &Lexer, problem: &Problem) -> PyErr {
    let made = (|| {
        let at = problem.at;
        let known = at.line_start != usize::MAX;
        let column = match known {
            true if problem.ends => lexer.column(at) as i64 + 1,
            // Without an end, the whole line is meant.
            true => lexer.line_at(at).chars().count() as i64 + 1,
            false => 0,
        };
        let text = if known { str::new(thread, lexer.line_at(at))? } else { Value::NONE };
        let line = int::new(thread, at.line as i64)?;
        let end_line = if problem.ends || !known { line.clone() } else { Value::NONE };
        let place = vec![
            str::new(thread, "<string>")?,
            line,
            int::new(thread, column)?,
            text,
            end_line,
            if known && problem.ends { int::new(thread, column)? } else { Value::NONE },
        ];
        let place = tuple::new(thread, place)?.into_value();
        let class = if problem.indentation { &exception::IndentationError } else { &exception::SyntaxError };
        Ok(PyErr::new(class, vec![str::new(thread, &problem.message)?, place]))
    })();
    made.unwrap_or_else(|error| error)
}

impl TokenizerIter {
    /// Where a token begins and ends, and its text, for the `tokenize` module.
    fn whole_place<'a>(lexer: &'a Lexer, token: &Token) -> ((usize, i64), (usize, i64), &'a str) {
        let (start, end) = (token.start, token.end);
        let ends = matches!(token.kind, kind::DEDENT | kind::ENDMARKER);
        let text = if ends { "" } else { lexer.slice(start, end) };
        let is_newline = matches!(token.kind, kind::NEWLINE | kind::NL);
        let column = lexer.column(start) as i64;
        let end_column = if is_newline && text.is_empty() { column + 1 } else { lexer.column(end) as i64 };
        ((start.line, column), (end.line, end_column), text)
    }

    /// The same as the parser has it: the ends of lines are without the newline, and indentation and the end have no
    /// column.
    fn bare_place<'a>(
        lexer: &'a Lexer,
        token: &Token,
        at_end: bool,
    ) -> ((usize, i64), (usize, i64), &'a str) {
        let (start, end) = (token.start, token.end);
        let column = lexer.column(start) as i64;
        match token.kind {
            kind::NEWLINE => {
                let text = lexer.slice(start, end).trim_end_matches('\n');
                let length = text.chars().count() as i64;
                ((start.line, column), (start.line, column + length), text)
            }
            kind::INDENT | kind::DEDENT | kind::ENDMARKER => {
                let line = start.line - usize::from(at_end && start.line > 1);
                ((line, -1), (line, -1), "")
            }
            _ => ((start.line, column), (end.line, lexer.column(end) as i64), lexer.slice(start, end)),
        }
    }

    fn describe(thread: &mut Thread, lexer: &Lexer, token: &Token, extra_tokens: bool) -> PyResult {
        let (start, end) = (token.start, token.end);
        let ends = matches!(token.kind, kind::DEDENT | kind::ENDMARKER);
        let at_end = lexer.slice(start, start).is_empty() && lexer.line_at(start).is_empty() && ends;
        let number = if extra_tokens { token.kind } else { token.exact };
        let (first, last, text) = if extra_tokens {
            Self::whole_place(lexer, token)
        } else {
            Self::bare_place(lexer, token, at_end)
        };
        let line = if at_end {
            // The parser still has the line before.
            if extra_tokens { "" } else { lexer.last_line() }
        } else if matches!(token.kind, kind::NEWLINE | kind::NL) {
            lexer.lines(start, start)
        } else {
            lexer.lines(start, end)
        };
        let place = |(line, column): (usize, i64)| -> PyResult {
            let values = vec![int::new(thread, line as i64)?, int::new(thread, column)?];
            Ok(tuple::new(thread, values)?.into_value())
        };
        let (first, last) = (place(first)?, place(last)?);
        let values = vec![
            int::new(thread, number.into())?,
            str::new(thread, text)?,
            first,
            last,
            str::new(thread, line)?,
        ];
        Ok(tuple::new(thread, values)?.into_value())
    }

    fn advance(thread: &mut Thread, lexer: &mut Lexer, extra_tokens: bool) -> PyResult<Option<Value>> {
        // To the parser a comment is a part of the line's end.
        let mut comment = None;
        if lexer.is_empty() && !extra_tokens {
            return Ok(None);
        }
        loop {
            let mut token = match lexer.next() {
                Ok(Some(token)) => token,
                Ok(None) => return Ok(None),
                Err(problem) => return Err(syntax_error(thread, lexer, &problem)),
            };
            match token.kind {
                kind::COMMENT if !extra_tokens => comment = Some(token.start),
                kind::NL if !extra_tokens => comment = None,
                _ => {
                    if let (kind::NEWLINE, Some(start)) = (token.kind, comment) {
                        token.start = start;
                    }
                    return Self::describe(thread, lexer, &token, extra_tokens).map(Some);
                }
            }
        }
    }
}

#[pymethods]
impl TokenizerIter {
    #[new]
    #[no_text_signature]
    #[signature(readline, /, *, encoding=None, extra_tokens=False)]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        readline: Ref,
        encoding: Option<&str>,
        extra_tokens: bool,
    ) -> PyResult {
        let made = TokenizerIter {
            readline: Field::new_local(Ref::to_owned(readline)),
            encoding: encoding.map(Into::into),
            extra_tokens,
            state: Guarded::new(State::Fresh),
            reading: RawLock::new(),
            reader: Ownership::new(),
        };
        Ok(alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> PyResult {
        Ok(Ref::to_owned(this))
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let me = thread.shared().id();
        if this.reader.is(me) {
            return Self::next_token(thread, this);
        }
        this.reading.acquire(thread, None)?;
        this.reader.take(me, 1);
        let token = Self::next_token(thread, this);
        this.reader.let_go();
        this.reading.release();
        token
    }
}

impl TokenizerIter {
    fn next_token(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        // A function that reads lines and asks for tokens itself finds none.
        let state = this.state.with(this, thread, |state, _| std::mem::replace(state, State::Finished));
        let mut lexer = match state {
            State::Finished => return Ok(None),
            State::Reading(lexer) => lexer,
            State::Fresh => {
                let text = read_all(thread, this.readline.fixed(), this.encoding.as_deref())?;
                Box::new(Lexer::new(text, this.extra_tokens))
            }
        };
        let token = Self::advance(thread, &mut lexer, this.extra_tokens)?;
        if token.is_some() {
            this.state.with(this, thread, |state, _| *state = State::Reading(lexer));
        }
        Ok(token)
    }
}

#[pymodule(name = "_tokenize", classes(TokenizerIter))]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
