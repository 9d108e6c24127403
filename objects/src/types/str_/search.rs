//! `str`: finding, counting, replacing, prefixes and suffixes.

use crate::error::{PyResult, type_error, value_error};
use crate::types::format::size_error;
use crate::types::str::{self, PyStr};
use crate::types::tuple::{self, PyTuple};
use orochi_core::{Obj, Ref, Thread};
use orochi_macros::pymethods;
use orochi_text::search;
use orochi_text::wtf8::Wtf8;

/// The part of a text that `start` and `end` select, and its offset in bytes; `None` if `start` lies beyond the end.
pub(crate) fn selected<'a>(
    thread: &mut Thread,
    this: &'a Obj<PyStr>,
    start: Option<Ref<'_>>,
    end: Option<Ref<'_>>,
) -> PyResult<Option<(&'a Wtf8, usize)>> {
    if start.is_none() && end.is_none() {
        return Ok(Some((this.as_wtf8(), 0)));
    }
    let start = range_bound(thread, start, 0)?;
    let end = range_bound(thread, end, i64::MAX)?;
    let len = this.len();
    let real = |index: i64| if index < 0 { index.saturating_add(len as i64).max(0) } else { index };
    let (start, end) = (real(start), real(end).min(len as i64));
    if start > end || start > len as i64 {
        return Ok(None);
    }
    let (from, to) = (this.byte_offset(start as usize), this.byte_offset(end as usize));
    Ok(Some((this.as_wtf8().slice(from, to), from)))
}

/// A bound of a range argument: an index, or None.
pub(crate) fn range_bound(thread: &mut Thread, bound: Option<Ref<'_>>, default: i64) -> PyResult<i64> {
    match bound {
        Some(bound) if !bound.is_none() => {
            if crate::int::is_int(bound) || crate::class_of(bound).slots.nb_index().is_some() {
                return crate::int::index_clamped(thread, bound);
            }
            Err(type_error("slice indices must be integers or None or have an __index__ method"))
        }
        _ => Ok(default),
    }
}

/// The index of the code point at an offset in bytes.
pub(crate) fn index_of(this: &Obj<PyStr>, offset: usize) -> i64 {
    if this.is_ascii() {
        return offset as i64;
    }
    this.breadcrumbs().index_of_offset(this.as_wtf8(), offset) as i64
}

type Finder = fn(&Wtf8, &Wtf8) -> Option<usize>;

fn find(
    thread: &mut Thread,
    this: &Obj<PyStr>,
    sub: &Obj<PyStr>,
    (start, end): (Option<Ref<'_>>, Option<Ref<'_>>),
    finder: Finder,
) -> PyResult<Option<i64>> {
    let Some((text, offset)) = selected(thread, this, start, end)? else { return Ok(None) };
    Ok(finder(text, sub.as_wtf8()).map(|at| index_of(this, offset + at)))
}

fn affix(
    thread: &mut Thread,
    this: &Obj<PyStr>,
    affix: Ref<'_>,
    (start, end): (Option<Ref<'_>>, Option<Ref<'_>>),
    (name, test): (&str, fn(&[u8], &[u8]) -> bool),
) -> PyResult<bool> {
    let part = selected(thread, this, start, end)?;
    let matches = |affix: &Obj<PyStr>| part.is_some_and(|(text, _)| test(text.as_bytes(), affix.as_bytes()));
    if let Some(affix) = affix.downcast::<PyStr>() {
        return Ok(matches(affix));
    }
    let Some(affixes) = affix.downcast::<PyTuple>() else {
        let class = crate::class_of(affix).name();
        return Err(type_error(format!("{name} first arg must be str or a tuple of str, not {class}")));
    };
    for affix in affixes.items() {
        let Some(affix) = affix.downcast::<PyStr>() else {
            let class = crate::class_of(affix).name();
            return Err(type_error(format!("tuple for {name} must only contain str, not {class}")));
        };
        if matches(affix) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A str or its exact equal for methods that change nothing.
pub(crate) fn unchanged(thread: &Thread, this: &Obj<PyStr>) -> PyResult {
    str::exact(thread, this)
}

/// The argument of `partition`.
fn separator<'a>(sep: Ref<'a>) -> PyResult<&'a Obj<PyStr>> {
    let Some(text) = sep.downcast::<PyStr>() else {
        return Err(type_error(format!("must be str, not {}", crate::class_of(sep).name())));
    };
    if text.is_empty() {
        return Err(value_error("empty separator"));
    }
    Ok(text)
}

fn three_parts(
    thread: &mut Thread,
    this: &Obj<PyStr>,
    sep: &Obj<PyStr>,
    (start, end): (usize, usize),
) -> PyResult {
    let text = this.as_wtf8();
    let before = str::part(thread, this, text.slice_to(start))?;
    let sep = str::exact(thread, sep)?;
    let after = str::part(thread, this, text.slice_from(end))?;
    tuple::of(thread, [before, sep, after])
}

#[pymethods(part = SEARCH)]
impl PyStr {
    /// Return the lowest index in S where substring sub is found, such that sub is contained within S[start:end].
    ///
    /// Optional arguments start and end are interpreted as in slice notation.
    /// Return -1 on failure.
    #[quick(super::quick::find)]
    #[signature(sub, start=None, end=None, /)]
    fn find(
        thread: &mut Thread,
        this: &Obj<Self>,
        sub: &Obj<PyStr>,
        start: Option<Ref<'_>>,
        end: Option<Ref<'_>>,
    ) -> PyResult<i64> {
        Ok(find(thread, this, sub, (start, end), search::find)?.unwrap_or(-1))
    }

    /// Return the highest index in S where substring sub is found, such that sub is contained within S[start:end].
    ///
    /// Optional arguments start and end are interpreted as in slice notation.
    /// Return -1 on failure.
    #[signature(sub, start=None, end=None, /)]
    fn rfind(
        thread: &mut Thread,
        this: &Obj<Self>,
        sub: &Obj<PyStr>,
        start: Option<Ref<'_>>,
        end: Option<Ref<'_>>,
    ) -> PyResult<i64> {
        Ok(find(thread, this, sub, (start, end), search::rfind)?.unwrap_or(-1))
    }

    /// Return the lowest index in S where substring sub is found, such that sub is contained within S[start:end].
    ///
    /// Optional arguments start and end are interpreted as in slice notation.
    /// Raises ValueError when the substring is not found.
    #[signature(sub, start=None, end=None, /)]
    fn index(
        thread: &mut Thread,
        this: &Obj<Self>,
        sub: &Obj<PyStr>,
        start: Option<Ref<'_>>,
        end: Option<Ref<'_>>,
    ) -> PyResult<i64> {
        find(thread, this, sub, (start, end), search::find)?.ok_or_else(|| value_error("substring not found"))
    }

    /// Return the highest index in S where substring sub is found, such that sub is contained within S[start:end].
    ///
    /// Optional arguments start and end are interpreted as in slice notation.
    /// Raises ValueError when the substring is not found.
    #[signature(sub, start=None, end=None, /)]
    fn rindex(
        thread: &mut Thread,
        this: &Obj<Self>,
        sub: &Obj<PyStr>,
        start: Option<Ref<'_>>,
        end: Option<Ref<'_>>,
    ) -> PyResult<i64> {
        find(thread, this, sub, (start, end), search::rfind)?
            .ok_or_else(|| value_error("substring not found"))
    }

    /// Return the number of non-overlapping occurrences of substring sub in string S[start:end].
    ///
    /// Optional arguments start and end are interpreted as in slice notation.
    #[signature(sub, start=None, end=None, /)]
    fn count(
        thread: &mut Thread,
        this: &Obj<Self>,
        sub: &Obj<PyStr>,
        start: Option<Ref<'_>>,
        end: Option<Ref<'_>>,
    ) -> PyResult<usize> {
        let part = selected(thread, this, start, end)?;
        Ok(part.map_or(0, |(text, _)| search::count(text, sub.as_wtf8())))
    }

    /// Return True if the string starts with the specified prefix, False otherwise.
    ///
    ///   prefix
    ///     A string or a tuple of strings to try.
    ///   start
    ///     Optional start position. Default: start of the string.
    ///   end
    ///     Optional stop position. Default: end of the string.
    #[quick(super::quick::starts_with)]
    #[signature(prefix, start=None, end=None, /)]
    fn startswith(
        thread: &mut Thread,
        this: &Obj<Self>,
        prefix: Ref<'_>,
        start: Option<Ref<'_>>,
        end: Option<Ref<'_>>,
    ) -> PyResult<bool> {
        affix(thread, this, prefix, (start, end), ("startswith", <[u8]>::starts_with))
    }

    /// Return True if the string ends with the specified suffix, False otherwise.
    ///
    ///   suffix
    ///     A string or a tuple of strings to try.
    ///   start
    ///     Optional start position. Default: start of the string.
    ///   end
    ///     Optional stop position. Default: end of the string.
    #[quick(super::quick::ends_with)]
    #[signature(suffix, start=None, end=None, /)]
    fn endswith(
        thread: &mut Thread,
        this: &Obj<Self>,
        suffix: Ref<'_>,
        start: Option<Ref<'_>>,
        end: Option<Ref<'_>>,
    ) -> PyResult<bool> {
        affix(thread, this, suffix, (start, end), ("endswith", <[u8]>::ends_with))
    }

    /// Return a str with the given prefix string removed if present.
    ///
    /// If the string starts with the prefix string, return string[len(prefix):].
    /// Otherwise, return a copy of the original string.
    fn removeprefix(thread: &mut Thread, this: &Obj<Self>, prefix: &Obj<PyStr>) -> PyResult {
        match search::strip_prefix(this.as_wtf8(), prefix.as_wtf8()) {
            Some(rest) if !prefix.is_empty() => str::from_wtf8(thread, rest),
            _ => unchanged(thread, this),
        }
    }

    /// Return a str with the given suffix string removed if present.
    ///
    /// If the string ends with the suffix string and that suffix is not empty,
    /// return string[:-len(suffix)]. Otherwise, return a copy of the original
    /// string.
    fn removesuffix(thread: &mut Thread, this: &Obj<Self>, suffix: &Obj<PyStr>) -> PyResult {
        match search::strip_suffix(this.as_wtf8(), suffix.as_wtf8()) {
            Some(rest) if !suffix.is_empty() => str::from_wtf8(thread, rest),
            _ => unchanged(thread, this),
        }
    }

    /// Return a copy with all occurrences of substring old replaced by new.
    ///
    ///   count
    ///     Maximum number of occurrences to replace.
    ///     -1 (the default value) means replace all occurrences.
    ///
    /// If the optional argument count is given, only the first count occurrences are
    /// replaced.
    #[quick(super::quick::replace)]
    #[text_signature = "($self, old, new, /, count=-1)"]
    fn replace(thread: &mut Thread, this: &Obj<Self>, args: crate::Args<'_>) -> PyResult {
        let (old, new, count) = replace_arguments(thread, args)?;
        let limit = usize::try_from(count).ok();
        match search::replace(this.as_wtf8(), old.as_wtf8(), new.as_wtf8(), limit) {
            Ok(Some(text)) => str::from_wtf8(thread, &text),
            Ok(None) => unchanged(thread, this),
            Err(error) => Err(size_error(error, "replace string is too long")),
        }
    }

    /// Partition the string into three parts using the given separator.
    ///
    /// This will search for the separator in the string.  If the separator is found,
    /// returns a 3-tuple containing the part before the separator, the separator
    /// itself, and the part after it.
    ///
    /// If the separator is not found, returns a 3-tuple containing the original string
    /// and two empty strings.
    fn partition(thread: &mut Thread, this: &Obj<Self>, sep: Ref<'_>) -> PyResult {
        let sep = separator(sep)?;
        match search::partition(this.as_wtf8(), sep.as_wtf8()) {
            Some(found) => three_parts(thread, this, sep, found),
            None => {
                let empty = str::new(thread, "")?;
                let parts = vec![unchanged(thread, this)?, empty.clone(), empty];
                Ok(tuple::new(thread, parts)?.into_value())
            }
        }
    }

    /// Partition the string into three parts using the given separator.
    ///
    /// This will search for the separator in the string, starting at the end. If
    /// the separator is found, returns a 3-tuple containing the part before the
    /// separator, the separator itself, and the part after it.
    ///
    /// If the separator is not found, returns a 3-tuple containing two empty strings
    /// and the original string.
    fn rpartition(thread: &mut Thread, this: &Obj<Self>, sep: Ref<'_>) -> PyResult {
        let sep = separator(sep)?;
        match search::rpartition(this.as_wtf8(), sep.as_wtf8()) {
            Some(found) => three_parts(thread, this, sep, found),
            None => {
                let empty = str::new(thread, "")?;
                let parts = vec![empty.clone(), empty, unchanged(thread, this)?];
                Ok(tuple::new(thread, parts)?.into_value())
            }
        }
    }

    #[slot]
    fn sq_contains(_thread: &mut Thread, this: &Obj<Self>, item: Ref<'_>) -> PyResult<bool> {
        match item.downcast::<PyStr>() {
            Some(needle) => Ok(search::contains(this.as_wtf8(), needle.as_wtf8())),
            None => Err(type_error(format!(
                "'in <string>' requires string as left operand, not {}",
                crate::class_of(item).name()
            ))),
        }
    }
}

/// The arguments of `replace`: two positional-only ones and a count.
fn replace_arguments<'a>(
    thread: &mut Thread,
    args: crate::Args<'a>,
) -> PyResult<(&'a Obj<PyStr>, &'a Obj<PyStr>, i64)> {
    if let Some([old, new]) = args.exact::<2>()
        && let (Some(old), Some(new)) = (old.downcast::<PyStr>(), new.downcast::<PyStr>())
    {
        return Ok((old, new, -1));
    }
    let given = args.len() + args.keyword_count();
    let mut count = args.get(2);
    for (name, value) in args.keywords() {
        if name.as_bytes() != b"count" {
            return Err(type_error(format!("replace() got an unexpected keyword argument '{name}'")));
        }
        if count.is_some() {
            return Err(type_error("argument for replace() given by name ('count') and position (3)"));
        }
        count = Some(value);
    }
    if given > 3 {
        return Err(type_error(format!("replace() takes at most 3 arguments ({given} given)")));
    }
    let (Some(old), Some(new)) = (args.get(0), args.get(1)) else {
        let given = args.len();
        return Err(type_error(format!("replace() takes at least 2 positional arguments ({given} given)")));
    };
    let text = |value: Ref<'a>, place: usize| {
        value.downcast::<PyStr>().ok_or_else(|| {
            let class = crate::class_of(value).name();
            let class = if value.is_none() { "None" } else { &class };
            type_error(format!("replace() argument {place} must be str, not {class}"))
        })
    };
    let (old, new) = (text(old, 1)?, text(new, 2)?);
    let count = count.map_or(Ok(-1), |count| crate::int::index_i64(thread, count))?;
    Ok((old, new, count))
}
