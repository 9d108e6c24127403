//! `Pattern.sub`, `Match.expand`, and the templates that they use.

use super::matched::{self, Match};
use super::pattern::{Pattern, part};
use super::text::Text;
use crate::support::import_attr;
use orochi_macros::{Trace, pyclass};
use orochi_objects::buffer::bytes_if_any;
use orochi_objects::class::is_exact;
use orochi_objects::error::{type_error, value_error};
use orochi_objects::types::bytes::{self, PyBytes};
use orochi_objects::types::exception;
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::str::PyStr;
use orochi_objects::{Field, Obj, PyClass, PyResult, Ref, Thread, Value, class_of, int, make, protocol, str};
use orochi_text::wtf8::Wtf8Buf;

/// A replacement with references to groups: a literal, then groups, each with the literal behind it.
#[pyclass(name = "SRE_Template", module = "_sre", no_new, no_methods)]
#[derive(Trace)]
pub(super) struct Template {
    first: Field,
    items: Vec<(usize, Field)>,
}

/// `_sre.template(pattern, template)`: what `re._parser.parse_template` gives, in a compact form.
pub(super) fn template(thread: &mut Thread, pattern: &Obj<Pattern>, parsed: &Obj<PyList>) -> PyResult {
    let values = list::values(thread, parsed)?;
    if values.len() % 2 == 0 {
        return Err(type_error("invalid template"));
    }
    let mut values = values.into_iter();
    let first = Field::new_local(values.next().unwrap_or(Value::NONE));
    let mut items = Vec::new();
    while let (Some(group), Some(literal)) = (values.next(), values.next()) {
        let group = int::index_i64(thread, group.get())?;
        let group = usize::try_from(group)
            .ok()
            .filter(|group| *group <= pattern.groups())
            .ok_or_else(|| value_error("invalid template"))?;
        items.push((group, Field::new_local(literal)));
    }
    Ok(make(thread, Template { first, items })?.into_value())
}

/// The template of a replacement: `re._compile_template(pattern, repl)`, which caches.
fn compile_template(thread: &mut Thread, pattern: &Obj<Pattern>, repl: Ref<'_>) -> PyResult {
    let compile = import_attr(thread, "re", "_compile_template")?;
    let error = match protocol::call(thread, compile.get(), &[pattern.get(), repl]) {
        Ok(template) => return Ok(template),
        Err(error) => error,
    };
    // The cache wants something hashable; a bytearray isn't.
    if !error.matches(&exception::TypeError)
        || is_exact(repl, PyStr::static_type())
        || is_exact(repl, PyBytes::static_type())
    {
        return Err(error);
    }
    let plain = match repl.downcast::<PyStr>() {
        Some(text) => str::from_wtf8(thread, text.as_wtf8())?,
        None => {
            let Some(content) = bytes_if_any(thread, repl)? else { return Err(error) };
            bytes::new(thread, &content)?
        }
    };
    protocol::call(thread, compile.get(), &[pattern.get(), plain.get()])
}

/// The pieces of the result.
enum Output {
    Str(Wtf8Buf),
    Bytes(Vec<u8>),
}

impl Output {
    fn push_slice(&mut self, text: &Text<'_>, start: usize, end: usize) {
        match (self, text) {
            (Output::Str(out), Text::Str(text)) => out.push_wtf8(text.as_wtf8().slice(start, end)),
            (Output::Bytes(out), text) => {
                out.extend_from_slice(text.bytes().get(start..end).unwrap_or_default());
            }
            (Output::Str(_), Text::Bytes(..)) => {}
        }
    }

    /// Adds a piece; `index` is its number, for the message.
    fn push(&mut self, thread: &mut Thread, piece: Ref<'_>, index: usize) -> PyResult<()> {
        let class = || class_of(piece).name();
        match self {
            Output::Str(out) => match piece.downcast::<PyStr>() {
                Some(text) => out.push_wtf8(text.as_wtf8()),
                None => {
                    let text = format!("sequence item {index}: expected str instance, {} found", class());
                    return Err(type_error(text));
                }
            },
            Output::Bytes(out) => match bytes_if_any(thread, piece)? {
                Some(content) => out.extend_from_slice(&content),
                None => {
                    let text =
                        format!("sequence item {index}: expected a bytes-like object, {} found", class());
                    return Err(type_error(text));
                }
            },
        }
        Ok(())
    }

    fn finish(self, thread: &Thread) -> PyResult {
        match self {
            Output::Str(text) => str::from_wtf8(thread, text.as_wtf8()),
            Output::Bytes(content) => bytes::new(thread, &content),
        }
    }
}

enum Replacement<'a> {
    Literal(Ref<'a>),
    Template(&'a Obj<Template>),
    Function(Ref<'a>),
}

/// Whether a replacement has nothing to expand.
fn is_plain(thread: &mut Thread, repl: Ref<'_>) -> PyResult<bool> {
    if let Some(text) = repl.downcast::<PyStr>() {
        return Ok(!text.as_bytes().contains(&b'\\'));
    }
    Ok(bytes_if_any(thread, repl)?.is_some_and(|content| !content.contains(&b'\\')))
}

/// `pattern.sub(repl, string, count)`, and how many were replaced.
pub(super) fn substitute(
    thread: &mut Thread,
    pattern: &Obj<Pattern>,
    repl: Ref<'_>,
    string: Ref<'_>,
    count: isize,
) -> PyResult<(Value, usize)> {
    let compiled;
    let replacement = if class_of(repl).slots.tp_call().is_some() {
        Replacement::Function(repl)
    } else if is_plain(thread, repl)? {
        Replacement::Literal(repl)
    } else {
        compiled = compile_template(thread, pattern, repl)?;
        match compiled.get().downcast::<Template>() {
            Some(template) if template.items.is_empty() => Replacement::Literal(template.first.fixed()),
            Some(template) => Replacement::Template(template),
            None => Replacement::Literal(compiled.get()),
        }
    };
    let text = pattern.text(thread, string)?;
    let all = text.bytes().len();
    let mut out = if text.is_str() {
        Output::Str(Wtf8Buf::with_capacity(all))
    } else {
        Output::Bytes(Vec::with_capacity(all))
    };
    let (mut done, mut last, mut pieces) = (0_usize, 0, 0);
    Pattern::for_each(thread, pattern, &text, (0, all), |thread, matcher, (start, end)| {
        if last < start {
            out.push_slice(&text, last, start);
            pieces += 1;
        }
        match &replacement {
            Replacement::Literal(literal) => out.push(thread, *literal, pieces)?,
            Replacement::Template(template) => {
                out.push(thread, template.first.fixed(), pieces)?;
                for (group, literal) in &template.items {
                    let span = match group.checked_sub(1) {
                        None => Some((start, end)),
                        Some(group) => matcher.span(group),
                    };
                    if let Some((start, end)) = span {
                        out.push_slice(&text, start, end);
                    }
                    out.push(thread, literal.fixed(), pieces)?;
                }
            }
            Replacement::Function(function) => {
                let found = matched::new(thread, pattern, &text, matcher, (start, end), (0, all))?;
                let piece = protocol::call(thread, *function, &[found.get()])?;
                if !piece.get().is_none() {
                    out.push(thread, piece.get(), pieces)?;
                }
            }
        }
        pieces += 1;
        last = end;
        done += 1;
        Ok(usize::try_from(count).is_ok_and(|count| count == 0 || done < count))
    })?;
    if done == 0 && (text.is_str() || is_exact(string, PyBytes::static_type())) {
        return Ok((text.slice(thread, 0, all)?, 0));
    }
    out.push_slice(&text, last, all);
    Ok((out.finish(thread)?, done))
}

/// `match.expand(template)`.
pub(super) fn expand_for(
    thread: &mut Thread,
    found: &Obj<Match>,
    pattern: &Obj<Pattern>,
    template: Ref<'_>,
) -> PyResult {
    let compiled = compile_template(thread, pattern, template)?;
    let Some(template) = compiled.get().downcast::<Template>() else { return Ok(compiled) };
    let first = template.first.fixed();
    let mut out = match first.downcast::<PyStr>() {
        Some(_) => Output::Str(Wtf8Buf::default()),
        None => Output::Bytes(Vec::new()),
    };
    out.push(thread, first, 0)?;
    for (i, (group, literal)) in template.items.iter().enumerate() {
        let value = part(thread, found, *group, Ref::NONE)?;
        if !value.get().is_none() {
            out.push(thread, value.get(), 2 * i + 1)?;
        }
        out.push(thread, literal.fixed(), 2 * i + 2)?;
    }
    out.finish(thread)
}

/// The words of a compiled pattern.
pub(super) fn code_words(thread: &mut Thread, code: &Obj<PyList>) -> PyResult<Vec<u32>> {
    let values = list::values(thread, code)?;
    let mut words = Vec::with_capacity(values.len());
    for value in values {
        let word = int::index(thread, value.get())?;
        let word =
            int::value(word.get()).and_then(int::IntRef::to_i64).and_then(|word| u32::try_from(word).ok());
        words.push(word.ok_or_else(|| {
            orochi_objects::error::overflow_error("regular expression code size limit exceeded")
        })?);
    }
    Ok(words)
}
