//! The string that a pattern is used on, as Python gives it: a str or anything bytes-like.

use super::engine::Matcher;
use super::program::Program;
use super::subject::{Narrow, Wide};
use orochi_objects::buffer::{ArgBytes, bytes_of, is_bytes_like};
use orochi_objects::class::is_exact;
use orochi_objects::error::type_error;
use orochi_objects::types::bytes::{self, PyBytes};
use orochi_objects::types::str::PyStr;
use orochi_objects::{Obj, PyClass, PyResult, Ref, Thread, class_of, str};

/// A str, or bytes.
pub(super) enum Text<'a> {
    Str(&'a Obj<PyStr>),
    Bytes(Ref<'a>, ArgBytes<'a>),
}

impl<'a> Text<'a> {
    /// TypeError for what is neither.
    pub(super) fn new(thread: &mut Thread, object: Ref<'a>) -> PyResult<Text<'a>> {
        if let Some(text) = object.downcast::<PyStr>() {
            return Ok(Text::Str(text));
        }
        if !is_bytes_like(object) {
            let class = class_of(object).name();
            return Err(type_error(format!("expected string or bytes-like object, got '{class}'")));
        }
        Ok(Text::Bytes(object, bytes_of(thread, object)?))
    }

    pub(super) fn object(&self) -> Ref<'a> {
        match self {
            Text::Str(text) => text.get(),
            Text::Bytes(object, _) => *object,
        }
    }

    pub(super) fn is_str(&self) -> bool {
        matches!(self, Text::Str(_))
    }

    /// The bytes that offsets count.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Text::Str(text) => text.as_bytes(),
            Text::Bytes(_, bytes) => bytes,
        }
    }

    /// The offset of an index, which may be beyond either end.
    pub(super) fn offset(&self, index: isize) -> usize {
        let index = usize::try_from(index).unwrap_or(0);
        match self {
            _ if index == 0 => 0,
            // Saves building the index of the text for the usual `endpos`.
            Text::Str(text) if index >= text.as_bytes().len() => text.as_bytes().len(),
            Text::Str(text) => text.byte_offset(index),
            Text::Bytes(_, bytes) => index.min(bytes.len()),
        }
    }

    /// The index of an offset.
    pub(super) fn index(&self, offset: usize) -> usize {
        match self {
            Text::Str(text) if !text.is_ascii() => text.breadcrumbs().index_of_offset(text.as_wtf8(), offset),
            _ => offset,
        }
    }

    /// The part between two offsets, as an object.
    pub(super) fn slice(&self, thread: &Thread, start: usize, end: usize) -> PyResult {
        match self {
            Text::Str(text) => {
                if end - start == text.as_bytes().len() && is_exact(text.get(), PyStr::static_type()) {
                    return Ok(text.to_value());
                }
                str::from_wtf8(thread, text.as_wtf8().slice(start, end))
            }
            Text::Bytes(object, all) => {
                if end - start == all.len() && is_exact(*object, PyBytes::static_type()) {
                    return Ok(Ref::to_owned(*object));
                }
                bytes::new(thread, all.get(start..end).unwrap_or_default())
            }
        }
    }
}

/// A matcher for whichever kind of text there is.
pub(super) enum AnyMatcher<'a> {
    Narrow(Matcher<'a, Narrow<'a>>),
    Wide(Matcher<'a, Wide<'a>>),
}

macro_rules! each {
    ($any:expr, $matcher:ident => $result:expr) => {
        match $any {
            AnyMatcher::Narrow($matcher) => $result,
            AnyMatcher::Wide($matcher) => $result,
        }
    };
}

impl<'a> AnyMatcher<'a> {
    /// A matcher for the text up to the offset `end`.
    pub(super) fn new(program: &'a Program, text: &'a Text<'_>, end: usize) -> AnyMatcher<'a> {
        let bytes = text.bytes().get(..end).unwrap_or_default();
        match text {
            Text::Str(text) if !text.is_ascii() => AnyMatcher::Wide(Matcher::new(program, Wide(bytes))),
            _ => AnyMatcher::Narrow(Matcher::new(program, Narrow(bytes))),
        }
    }

    pub(super) fn match_at(
        &mut self,
        thread: &mut Thread,
        at: usize,
        all: bool,
        must_advance: bool,
    ) -> PyResult<Option<usize>> {
        each!(self, matcher => matcher.match_at(thread, at, all, must_advance))
    }

    pub(super) fn search(
        &mut self,
        thread: &mut Thread,
        from: usize,
        must_advance: bool,
    ) -> PyResult<Option<(usize, usize)>> {
        each!(self, matcher => matcher.search(thread, from, must_advance))
    }

    /// Where a group (from 0, without the whole match) is.
    pub(super) fn span(&self, group: usize) -> Option<(usize, usize)> {
        each!(self, matcher => matcher.span(group))
    }

    pub(super) fn last_index(&self) -> usize {
        each!(self, matcher => matcher.last_index)
    }
}
