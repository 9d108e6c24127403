//! `re.Pattern`.

use super::matched::{self, Match};
use super::program::{Program, translate};
use super::scanner::{PatternIterator, Scanner};
use super::substitute::substitute;
use super::text::{AnyMatcher, Text};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{runtime_error, type_error};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::{list, mapping_proxy, tuple};
use orochi_objects::{CompareOp, Field, Obj, PyResult, Ref, Thread, Value, make, protocol, str};
use orochi_text::wtf8::Wtf8Buf;

/// Compiled regular expression object.
#[pyclass(name = "Pattern", module = "re", no_new, weakref, generic)]
#[derive(Trace)]
pub(super) struct Pattern {
    pattern: Field,
    groupindex: Field,
    indexgroup: Field,
    flags: i64,
    /// Whether it is for bytes, if that is known.
    bytes: Option<bool>,
    code: Vec<u32>,
    #[trace(unsafe_skip)]
    program: Program,
}

const FLAGS: &[(i64, &str)] = &[
    (2, "re.IGNORECASE"),
    (4, "re.LOCALE"),
    (8, "re.MULTILINE"),
    (16, "re.DOTALL"),
    (32, "re.UNICODE"),
    (64, "re.VERBOSE"),
    (128, "re.DEBUG"),
    (256, "re.ASCII"),
];

/// A new pattern from the code of `re._compiler`.
pub(super) fn new(
    thread: &mut Thread,
    pattern: Ref<'_>,
    flags: i64,
    code: Vec<u32>,
    groups: usize,
    groupindex: &Obj<PyDict>,
    indexgroup: &Obj<orochi_objects::types::tuple::PyTuple>,
) -> PyResult {
    let bytes = if pattern.is_none() { None } else { Some(!Text::new(thread, pattern)?.is_str()) };
    // The names are the pattern's own, whatever becomes of the dict that was given.
    let names = dict::copy(thread, groupindex)?;
    // Every group has two marks in the code, so more groups than words can't be.
    let program = if groups <= code.len() { translate(&code, groups, bytes) } else { None };
    let program = program.ok_or_else(|| runtime_error("invalid SRE code"))?;
    let made = make(
        thread,
        Pattern {
            pattern: Field::new_local(Ref::to_owned(pattern)),
            groupindex: Field::new_local(names.into_value()),
            indexgroup: Field::new_local(indexgroup.to_value()),
            flags,
            bytes,
            code,
            program,
        },
    )?;
    Ok(made.into_value())
}

impl Pattern {
    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    pub(super) fn groups(&self) -> usize {
        self.program.groups
    }

    pub(super) fn names(&self) -> Ref<'_> {
        self.groupindex.fixed()
    }

    /// The name of a group, or None.
    pub(super) fn name_of(&self, group: usize) -> Value {
        let names = self.indexgroup.fixed().downcast::<tuple::PyTuple>();
        match names {
            Some(names) => names.item(group).map_or(Value::NONE, Ref::to_owned),
            None => Value::NONE,
        }
    }

    /// The text to search in; TypeError if the pattern is for the other kind.
    pub(super) fn text<'a>(&self, thread: &mut Thread, object: Ref<'a>) -> PyResult<Text<'a>> {
        let text = Text::new(thread, object)?;
        match self.bytes {
            Some(true) if text.is_str() => {
                Err(type_error("cannot use a bytes pattern on a string-like object"))
            }
            Some(false) if !text.is_str() => {
                Err(type_error("cannot use a string pattern on a bytes-like object"))
            }
            _ => Ok(text),
        }
    }

    fn one(
        thread: &mut Thread,
        this: &Obj<Pattern>,
        string: Ref<'_>,
        range: (isize, isize),
        how: How,
    ) -> PyResult {
        let text = this.text(thread, string)?;
        let (start, end) = (text.offset(range.0), text.offset(range.1));
        if start > end {
            return Ok(Value::NONE);
        }
        let mut matcher = AnyMatcher::new(&this.program, &text, end);
        let found = match how {
            How::Search => matcher.search(thread, start, false)?,
            How::Match => matcher.match_at(thread, start, false, false)?.map(|end| (start, end)),
            How::Full => matcher.match_at(thread, start, true, false)?.map(|end| (start, end)),
        };
        match found {
            Some(span) => matched::new(thread, this, &text, &matcher, span, (start, end)),
            None => Ok(Value::NONE),
        }
    }

    /// Calls `each` with every match from the first to the last; `each` says whether to go on.
    pub(super) fn for_each(
        thread: &mut Thread,
        this: &Obj<Pattern>,
        text: &Text<'_>,
        (start, end): (usize, usize),
        mut each: impl FnMut(&mut Thread, &AnyMatcher<'_>, (usize, usize)) -> PyResult<bool>,
    ) -> PyResult<()> {
        let mut matcher = AnyMatcher::new(&this.program, text, end);
        let (mut from, mut must_advance) = (start, false);
        while from <= end
            && let Some(span) = matcher.search(thread, from, must_advance)?
        {
            if !each(thread, &matcher, span)? {
                break;
            }
            must_advance = span.0 == span.1;
            from = span.1;
        }
        Ok(())
    }
}

enum How {
    Search,
    Match,
    Full,
}

#[pymethods]
impl Pattern {
    /// Matches zero or more characters at the beginning of the string.
    #[signature(string, pos=0, endpos=isize::MAX as "sys.maxsize")]
    #[name = "match"]
    fn match_(thread: &mut Thread, this: &Obj<Self>, string: Ref, pos: isize, endpos: isize) -> PyResult {
        Pattern::one(thread, this, string, (pos, endpos), How::Match)
    }

    /// Matches against all of the string.
    #[signature(string, pos=0, endpos=isize::MAX as "sys.maxsize")]
    fn fullmatch(thread: &mut Thread, this: &Obj<Self>, string: Ref, pos: isize, endpos: isize) -> PyResult {
        Pattern::one(thread, this, string, (pos, endpos), How::Full)
    }

    /// Scan through string looking for a match, and return a corresponding match object instance.
    ///
    /// Return None if no position in the string matches.
    #[signature(string, pos=0, endpos=isize::MAX as "sys.maxsize")]
    fn search(thread: &mut Thread, this: &Obj<Self>, string: Ref, pos: isize, endpos: isize) -> PyResult {
        Pattern::one(thread, this, string, (pos, endpos), How::Search)
    }

    /// Return a list of all non-overlapping matches of pattern in string.
    #[signature(string, pos=0, endpos=isize::MAX as "sys.maxsize")]
    fn findall(thread: &mut Thread, this: &Obj<Self>, string: Ref, pos: isize, endpos: isize) -> PyResult {
        let text = this.text(thread, string)?;
        let range = (text.offset(pos), text.offset(endpos));
        let groups = this.groups();
        let mut found = Vec::new();
        Pattern::for_each(thread, this, &text, range, |thread, matcher, (start, end)| {
            let group = |thread: &mut Thread, index: usize| {
                let (start, end) = matcher.span(index).unwrap_or((0, 0));
                text.slice(thread, start, end)
            };
            found.push(match groups {
                0 => text.slice(thread, start, end)?,
                1 => group(thread, 0)?,
                _ => {
                    let parts =
                        (0..groups).map(|index| group(thread, index)).collect::<PyResult<Vec<_>>>()?;
                    tuple::new(thread, parts)?.into_value()
                }
            });
            Ok(true)
        })?;
        Ok(list::new(thread, found)?.into_value())
    }

    /// Return an iterator over all non-overlapping matches for the RE pattern in string.
    ///
    /// For each match, the iterator returns a match object.
    #[signature(string, pos=0, endpos=isize::MAX as "sys.maxsize")]
    fn finditer(thread: &mut Thread, this: &Obj<Self>, string: Ref, pos: isize, endpos: isize) -> PyResult {
        let scanner = Scanner::create(thread, this, string, pos, endpos)?;
        PatternIterator::create(thread, scanner)
    }

    #[signature(string, pos=0, endpos=isize::MAX as "sys.maxsize")]
    fn scanner(thread: &mut Thread, this: &Obj<Self>, string: Ref, pos: isize, endpos: isize) -> PyResult {
        Scanner::create(thread, this, string, pos, endpos)
    }

    /// Split string by the occurrences of pattern.
    #[signature(string, maxsplit = 0)]
    fn split(thread: &mut Thread, this: &Obj<Self>, string: Ref, maxsplit: isize) -> PyResult {
        let text = this.text(thread, string)?;
        let all = text.bytes().len();
        let (mut parts, mut last, mut count) = (Vec::new(), 0, 0);
        Pattern::for_each(thread, this, &text, (0, all), |thread, matcher, (start, end)| {
            parts.push(text.slice(thread, last, start)?);
            for group in 0..this.groups() {
                parts.push(match matcher.span(group) {
                    Some((start, end)) => text.slice(thread, start, end)?,
                    None => Value::NONE,
                });
            }
            last = end;
            count += 1;
            Ok(maxsplit == 0 || count < maxsplit)
        })?;
        parts.push(text.slice(thread, last, all)?);
        Ok(list::new(thread, parts)?.into_value())
    }

    /// Return the string obtained by replacing the leftmost non-overlapping occurrences of pattern in string by the replacement repl.
    #[signature(repl, string, count = 0)]
    fn sub(thread: &mut Thread, this: &Obj<Self>, repl: Ref, string: Ref, count: isize) -> PyResult {
        Ok(substitute(thread, this, repl, string, count)?.0)
    }

    /// Return the tuple (new_string, number_of_subs_made) found by replacing the leftmost non-overlapping occurrences of pattern with the replacement repl.
    #[signature(repl, string, count = 0)]
    fn subn(thread: &mut Thread, this: &Obj<Self>, repl: Ref, string: Ref, count: isize) -> PyResult {
        let (text, done) = substitute(thread, this, repl, string, count)?;
        let done = orochi_objects::int::new(thread, done as i64)?;
        Ok(tuple::new(thread, vec![text, done])?.into_value())
    }

    fn __copy__(this: &Obj<Self>) -> Value {
        this.to_value()
    }

    fn __deepcopy__(this: &Obj<Self>, memo: Ref) -> Value {
        let _ = memo;
        this.to_value()
    }

    /// The pattern string from which the RE object was compiled.
    #[getter]
    fn pattern(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.pattern.fixed())
    }

    /// The regex matching flags.
    #[getter]
    fn flags(this: &Obj<Self>) -> i64 {
        this.flags
    }

    /// The number of capturing groups in the pattern.
    #[getter]
    #[name = "groups"]
    fn get_groups(this: &Obj<Self>) -> usize {
        this.program.groups
    }

    /// A dictionary mapping group names to group numbers.
    #[getter]
    fn groupindex(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        mapping_proxy::new(thread, Ref::to_owned(this.names()))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let shown = protocol::repr(thread, this.pattern.fixed())?;
        let mut text = Wtf8Buf::default();
        text.push_str("re.compile(");
        if let Some(shown) = shown.get().downcast::<str::PyStr>() {
            text.push_wtf8(shown.as_wtf8().slice_to(shown.byte_offset(200)));
        }
        let mut flags = this.flags;
        // A str pattern is Unicode unless it says otherwise.
        if this.bytes == Some(false) && flags & (4 | 32 | 256) == 32 {
            flags &= !32;
        }
        let mut names = Vec::new();
        for (bit, name) in FLAGS {
            if flags & bit != 0 {
                names.push((*name).to_owned());
                flags &= !bit;
            }
        }
        if flags != 0 {
            names.push(format!("0x{flags:x}"));
        }
        if !names.is_empty() {
            text.push_str(", ");
            text.push_str(&names.join("|"));
        }
        text.push_str(")");
        str::from_wtf8(thread, text.as_wtf8())
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        let mut hash = protocol::hash(thread, this.pattern.fixed())? as u64;
        for &word in &this.code {
            hash = (hash ^ u64::from(word)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        hash ^= this.flags as u64 ^ this.program.groups as u64;
        Ok(orochi_objects::hash::fold(hash))
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref, right: Ref, op: CompareOp) -> PyResult {
        let (Some(a), Some(b)) = (left.downcast::<Pattern>(), right.downcast::<Pattern>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        let same = left.is(right)
            || a.flags == b.flags
                && a.bytes == b.bytes
                && a.code == b.code
                && protocol::eq(thread, a.pattern.fixed(), b.pattern.fixed())?;
        Ok(Value::bool(same == (op == CompareOp::Eq)))
    }
}

/// The pattern that an argument has to be.
pub(super) fn expect<'a>(object: Ref<'a>) -> PyResult<&'a Obj<Pattern>> {
    object.downcast::<Pattern>().ok_or_else(|| type_error("a pattern is required"))
}

/// The match of a group as a value: the part of the text, or `default`.
pub(super) fn part(thread: &mut Thread, this: &Obj<Match>, group: usize, default: Ref<'_>) -> PyResult {
    match this.offsets(group) {
        Some((start, end)) => {
            let text = Text::new(thread, this.string())?;
            // A buffer may be shorter by now.
            let all = text.bytes().len();
            text.slice(thread, start.min(all), end.min(all).max(start.min(all)))
        }
        None => Ok(Ref::to_owned(default)),
    }
}
