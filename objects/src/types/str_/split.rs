//! `str`: splitting, stripping and joining.

use crate::class::{PyClass, exactly, is_exact};
use crate::error::{PyResult, memory_error, type_error, value_error};
use crate::types::list::{self, PyList};
use crate::types::str::{self, PyStr};
use crate::types::tuple::PyTuple;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;
use orochi_text::search::{self, Ends};
use orochi_text::wtf8::Wtf8;

/// A list of parts of a text.
fn list_of<'a>(thread: &mut Thread, whole: &Obj<PyStr>, parts: impl Iterator<Item = &'a Wtf8>) -> PyResult {
    let made = list::with_capacity(thread, 4)?;
    for part in parts {
        list::push(thread, &made, str::part(thread, whole, part)?)?;
    }
    Ok(made.into_value())
}

/// The separator of a split: a str that isn't empty, or None.
fn separator(sep: Option<Ref<'_>>) -> PyResult<Option<&Obj<PyStr>>> {
    let Some(sep) = sep.filter(|sep| !sep.is_none()) else { return Ok(None) };
    let Some(text) = sep.downcast::<PyStr>() else {
        return Err(type_error(format!("must be str or None, not {}", crate::class_of(sep).name())));
    };
    if text.is_empty() {
        return Err(value_error("empty separator"));
    }
    Ok(Some(text))
}

fn strip(
    thread: &mut Thread,
    this: &Obj<PyStr>,
    chars: Option<Ref<'_>>,
    (name, ends): (&str, Ends),
) -> PyResult {
    use orochi_text::search::Text;
    let text = this.as_wtf8();
    let stripped = match chars.filter(|chars| !chars.is_none()) {
        None => search::strip(text, ends),
        Some(chars) => match chars.downcast::<PyStr>() {
            Some(chars) => text.strip_set(chars.as_wtf8(), ends),
            None => return Err(type_error(format!("{name} arg must be None or str"))),
        },
    };
    if stripped.len() == text.len() { str::exact(thread, this) } else { str::part(thread, this, stripped) }
}

/// `separator.join(iterable)`.
pub fn join(thread: &mut Thread, separator: &Obj<PyStr>, iterable: Ref<'_>) -> PyResult {
    let class = crate::class_of(iterable);
    if class.slots.tp_iter().is_none() && class.slots.sq_item().is_none() {
        return Err(type_error("can only join an iterable"));
    }
    if let Some(tuple) = exactly::<PyTuple>(iterable) {
        return join_parts(thread, separator, tuple.len(), |i| tuple.item(i));
    }
    if let Some(list) = exactly::<PyList>(iterable).filter(|list| !list.header().is_shared()) {
        let thread = &*thread;
        return join_parts(thread, separator, list::len(thread, list), |i| list::get(thread, list, i));
    }
    let items = list::to_values(thread, iterable)?;
    join_values(thread, separator, &items)
}

/// `separator.join(items)`.
pub fn join_values(thread: &mut Thread, separator: &Obj<PyStr>, items: &[Value]) -> PyResult {
    join_parts(thread, separator, items.len(), |i| items.get(i).map(Value::get))
}

/// `separator.join` of `count` items, which stay what they are meanwhile.
fn join_parts<'a>(
    thread: &Thread,
    separator: &Obj<PyStr>,
    count: usize,
    item: impl Fn(usize) -> Option<Ref<'a>>,
) -> PyResult {
    if count == 1
        && let Some(only) = item(0)
        && is_exact(only, PyStr::static_type())
    {
        return Ok(only.to_owned());
    }
    for i in 0..count {
        let item = item(i).unwrap_or(Ref::NONE);
        if item.downcast::<PyStr>().is_none() {
            let class = crate::class_of(item).name();
            return Err(type_error(format!("sequence item {i}: expected str instance, {class} found")));
        }
    }
    let part = |i: usize| item(i).and_then(Ref::downcast::<PyStr>).unwrap_or(separator);
    if separator.is_empty() || count < 2 {
        return str::joined(thread, (0..count).map(part));
    }
    let total = count.checked_mul(2).ok_or_else(memory_error)? - 1;
    str::joined(thread, (0..total).map(|i| if i % 2 == 0 { part(i / 2) } else { separator }))
}

#[pymethods(part = SPLIT)]
impl PyStr {
    /// Return a list of the substrings in the string, using sep as the separator string.
    ///
    ///   sep
    ///     The separator used to split the string.
    ///
    ///     When set to None (the default value), will split on any whitespace
    ///     character (including \n \r \t \f and spaces) and will discard
    ///     empty strings from the result.
    ///   maxsplit
    ///     Maximum number of splits.
    ///     -1 (the default value) means no limit.
    ///
    /// Splitting starts at the front of the string and works to the end.
    ///
    /// Note, str.split() is mainly useful for data that has been intentionally
    /// delimited.  With natural text that includes punctuation, consider using
    /// the regular expression module.
    #[signature(sep=None, maxsplit=-1)]
    fn split(thread: &mut Thread, this: &Obj<Self>, sep: Option<Ref<'_>>, maxsplit: i64) -> PyResult {
        let limit = usize::try_from(maxsplit).ok();
        match separator(sep)? {
            None => list_of(thread, this, search::split_whitespace(this.as_wtf8(), limit)),
            Some(sep) => list_of(thread, this, search::split(this.as_wtf8(), sep.as_wtf8(), limit)),
        }
    }

    /// Return a list of the substrings in the string, using sep as the separator string.
    ///
    ///   sep
    ///     The separator used to split the string.
    ///
    ///     When set to None (the default value), will split on any whitespace
    ///     character (including \n \r \t \f and spaces) and will discard
    ///     empty strings from the result.
    ///   maxsplit
    ///     Maximum number of splits.
    ///     -1 (the default value) means no limit.
    ///
    /// Splitting starts at the end of the string and works to the front.
    #[signature(sep=None, maxsplit=-1)]
    fn rsplit(thread: &mut Thread, this: &Obj<Self>, sep: Option<Ref<'_>>, maxsplit: i64) -> PyResult {
        let limit = usize::try_from(maxsplit).ok();
        let parts = match separator(sep)? {
            None => search::rsplit_whitespace(this.as_wtf8(), limit),
            Some(sep) => search::rsplit(this.as_wtf8(), sep.as_wtf8(), limit),
        };
        list_of(thread, this, parts.into_iter())
    }

    /// Return a list of the lines in the string, breaking at line boundaries.
    ///
    /// Line breaks are not included in the resulting list unless keepends is given and
    /// true.
    #[signature(keepends=False)]
    fn splitlines(thread: &mut Thread, this: &Obj<Self>, keepends: bool) -> PyResult {
        list_of(thread, this, search::split_lines(this.as_wtf8(), keepends))
    }

    /// Return a copy of the string with leading and trailing whitespace removed.
    ///
    /// If chars is given and not None, remove characters in chars instead.
    #[quick(super::quick::strip_both)]
    #[signature(chars=None, /)]
    fn strip(thread: &mut Thread, this: &Obj<Self>, chars: Option<Ref<'_>>) -> PyResult {
        strip(thread, this, chars, ("strip", Ends::Both))
    }

    /// Return a copy of the string with leading whitespace removed.
    ///
    /// If chars is given and not None, remove characters in chars instead.
    #[quick(super::quick::strip_left)]
    #[signature(chars=None, /)]
    fn lstrip(thread: &mut Thread, this: &Obj<Self>, chars: Option<Ref<'_>>) -> PyResult {
        strip(thread, this, chars, ("lstrip", Ends::Left))
    }

    /// Return a copy of the string with trailing whitespace removed.
    ///
    /// If chars is given and not None, remove characters in chars instead.
    #[quick(super::quick::strip_right)]
    #[signature(chars=None, /)]
    fn rstrip(thread: &mut Thread, this: &Obj<Self>, chars: Option<Ref<'_>>) -> PyResult {
        strip(thread, this, chars, ("rstrip", Ends::Right))
    }

    /// Concatenate any number of strings.
    ///
    /// The string whose method is called is inserted in between each given string.
    /// The result is returned as a new string.
    ///
    /// Example: '.'.join(['ab', 'pq', 'rs']) -> 'ab.pq.rs'
    fn join(thread: &mut Thread, this: &Obj<Self>, iterable: Ref<'_>) -> PyResult {
        join(thread, this, iterable)
    }
}
