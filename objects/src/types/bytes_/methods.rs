//! The methods that `bytes` and `bytearray` share.

use super::construct::text_argument;
use super::shared::{Bounds, ByteString, affix, needle, separator};
use crate::args::Args;
use crate::buffer::{self, ArgBytes};
use crate::error::{PyResult, memory_error, runtime_error, type_error, value_error};
use crate::protocol;
use crate::types::bytearray::PyByteArray;
use crate::types::bytes::PyBytes;
use crate::types::format::size_error;
use crate::types::list::{self, PyList};
use crate::types::str::PyStr;
use crate::types::tuple;
use crate::types::r#type::PyType;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;
use orochi_text::ascii;
use orochi_text::search::{self, Ends, Justify, Text};

type Finder = fn(&[u8], &[u8]) -> Option<usize>;

fn find<T: ByteString>(
    thread: &mut Thread,
    this: &Obj<T>,
    sub: Ref<'_>,
    (start, end): (Option<Ref<'_>>, Option<Ref<'_>>),
    finder: Finder,
) -> PyResult<Option<usize>> {
    let bounds = Bounds::new(thread, start, end)?;
    let _held = T::hold(thread, this, sub);
    let sub = needle(thread, sub)?;
    Ok(T::look(thread, this, |bytes| {
        bounds.select(bytes).and_then(|(part, offset)| finder(part, &sub).map(|at| offset + at))
    }))
}

fn found_or_error(found: Option<usize>) -> PyResult<usize> {
    found.ok_or_else(|| value_error("subsection not found"))
}

fn list_of<'a, T: ByteString>(thread: &mut Thread, parts: impl Iterator<Item = &'a [u8]>) -> PyResult {
    let mut items = Vec::new();
    for part in parts {
        items.push(T::copied(thread, part)?);
    }
    Ok(list::new(thread, items)?.into_value())
}

fn split<T: ByteString>(
    thread: &mut Thread,
    this: &Obj<T>,
    sep: Option<Ref<'_>>,
    maxsplit: i64,
    from_right: bool,
) -> PyResult {
    let sep = sep.filter(|sep| !sep.is_none());
    let _held = sep.and_then(|sep| T::hold(thread, this, sep));
    let sep = sep.map(|sep| separator(thread, sep)).transpose()?;
    let bytes = T::snapshot(thread, this);
    let limit = usize::try_from(maxsplit).ok();
    match (sep, from_right) {
        (None, false) => list_of::<T>(thread, search::split_whitespace(&*bytes, limit)),
        (Some(sep), false) => list_of::<T>(thread, search::split(&*bytes, &*sep, limit)),
        (None, true) => list_of::<T>(thread, search::rsplit_whitespace(&*bytes, limit).into_iter()),
        (Some(sep), true) => list_of::<T>(thread, search::rsplit(&*bytes, &*sep, limit).into_iter()),
    }
}

fn strip<T: ByteString>(thread: &mut Thread, this: &Obj<T>, set: Option<Ref<'_>>, ends: Ends) -> PyResult {
    let set = set.filter(|set| !set.is_none()).map(|set| buffer::bytes_of(thread, set)).transpose()?;
    let bytes = T::snapshot(thread, this);
    let stripped = match set {
        None => search::strip(&*bytes, ends),
        Some(set) => bytes.strip_set(&set, ends),
    };
    if stripped.len() == bytes.len() {
        T::unchanged(thread, this, &bytes)
    } else {
        T::copied(thread, stripped)
    }
}

fn partition<T: ByteString>(thread: &mut Thread, this: &Obj<T>, sep: Ref<'_>, from_right: bool) -> PyResult {
    let separator_bytes = separator(thread, sep)?;
    let bytes = T::snapshot(thread, this);
    let found = if from_right {
        search::rpartition(&*bytes, &*separator_bytes)
    } else {
        search::partition(&*bytes, &*separator_bytes)
    };
    let parts = match found {
        Some((start, end)) => vec![
            T::copied(thread, bytes.cut(0, start))?,
            T::copied(thread, &separator_bytes)?,
            T::copied(thread, bytes.cut(end, bytes.len()))?,
        ],
        None => {
            let (first, second) = (T::make(thread, Vec::new())?, T::make(thread, Vec::new())?);
            let whole = T::unchanged(thread, this, &bytes)?;
            if from_right { vec![first, second, whole] } else { vec![whole, first, second] }
        }
    };
    Ok(tuple::new(thread, parts)?.into_value())
}

fn justify<T: ByteString>(
    thread: &mut Thread,
    this: &Obj<T>,
    width: i64,
    (fill, name): (Option<Ref<'_>>, &str),
    side: Justify,
) -> PyResult {
    let fill = match fill {
        None => ArgBytes::Borrowed(b" "),
        Some(fill) => match buffer::own_bytes(thread, fill) {
            Some(bytes) if bytes.len() == 1 => bytes,
            Some(bytes) => {
                let class = crate::class_of(fill).name();
                return Err(type_error(format!(
                    "{name}(): argument 2 must be a byte string of length 1, not a {class} object of length {}",
                    bytes.len()
                )));
            }
            None => {
                let class = crate::class_of(fill).name();
                return Err(type_error(format!(
                    "{name}() argument 2 must be a byte string of length 1, not {class}"
                )));
            }
        },
    };
    let bytes = T::snapshot(thread, this);
    match search::justify(&*bytes, usize::try_from(width).unwrap_or(0), &*fill, side) {
        Ok(Some(padded)) => T::make(thread, padded),
        Ok(None) => T::unchanged(thread, this, &bytes),
        Err(error) => Err(size_error(error, "padded string is too long")),
    }
}

fn join<T: ByteString>(thread: &mut Thread, this: &Obj<T>, iterable: Ref<'_>) -> PyResult {
    let class = crate::class_of(iterable);
    if class.slots.tp_iter().is_none() && class.slots.sq_item().is_none() {
        return Err(type_error("can only join an iterable"));
    }
    let _held = T::hold(thread, this, iterable);
    let items = protocol::collect(thread, iterable)?;
    let list = iterable.downcast::<PyList>();
    let glue = T::snapshot(thread, this);
    let mut parts = Vec::new();
    parts.try_reserve_exact(items.len()).map_err(|_| memory_error())?;
    for (i, item) in items.iter().enumerate() {
        let Some(bytes) = buffer::bytes_if_any(thread, item.get())? else {
            let class = crate::class_of(item.get()).name();
            return Err(type_error(format!(
                "sequence item {i}: expected a bytes-like object, {class} found"
            )));
        };
        if list.is_some_and(|list| list::len(thread, list) != items.len()) {
            return Err(runtime_error("sequence changed size during iteration"));
        }
        parts.push(bytes);
    }
    let parts = parts.iter().enumerate();
    let parts = parts.flat_map(|(i, part)| if i == 0 { [&[][..], part] } else { [&*glue, part] });
    T::joined(thread, &parts.collect::<Vec<&[u8]>>())
}

/// The arguments of `hex`: a separator and the size of groups.
pub fn hex(thread: &mut Thread, bytes: &[u8], sep: Option<Ref<'_>>, group: i64) -> PyResult<String> {
    let Some(sep) = sep else { return Ok(ascii::to_hex(bytes, None, 0)) };
    if protocol::len(thread, sep)? != 1 {
        return Err(value_error("sep must be length 1."));
    }
    let text = sep.downcast::<PyStr>().map(|text| PyStr::as_bytes(text)).or_else(|| crate::bytes::value(sep));
    match text {
        Some([byte]) if byte.is_ascii() => Ok(ascii::to_hex(bytes, Some(*byte), group)),
        Some(_) => Err(value_error("sep must be ASCII.")),
        None => Err(type_error("sep must be str or bytes.")),
    }
}

fn from_hex(
    thread: &mut Thread,
    cls: &Obj<PyType>,
    string: Ref<'_>,
    make: fn(&Thread, Vec<u8>) -> PyResult,
    exact: bool,
) -> PyResult {
    let parsed = if let Some(text) = string.downcast::<PyStr>() {
        ascii::from_hex(text.as_bytes())
    } else if let Some(bytes) = buffer::bytes_if_any(thread, string)? {
        ascii::from_hex(&bytes)
    } else {
        let class = crate::class_of(string).name();
        return Err(type_error(format!("fromhex() argument must be str or bytes-like, not {class}")));
    };
    let bytes = make(thread, parsed.map_err(|error| value_error(error.to_string()))?)?;
    if exact { Ok(bytes) } else { protocol::call(thread, cls.get(), &[bytes.get()]) }
}

fn translate<T: ByteString>(
    thread: &mut Thread,
    this: &Obj<T>,
    table: Ref<'_>,
    delete: Option<Ref<'_>>,
) -> PyResult {
    let table = if table.is_none() { None } else { Some(buffer::bytes_of(thread, table)?) };
    let table: Option<&[u8; 256]> = match &table {
        None => None,
        Some(table) => match table.as_array() {
            Some(table) => Some(table),
            None => return Err(value_error("translation table must be 256 characters long")),
        },
    };
    let delete = delete.map(|delete| buffer::bytes_of(thread, delete)).transpose()?;
    let bytes = T::snapshot(thread, this);
    T::make(thread, ascii::translate(&bytes, table, delete.as_deref().unwrap_or_default()))
}

/// `bytes.maketrans(frm, to)`.
fn make_table(thread: &mut Thread, from: Ref<'_>, to: Ref<'_>) -> PyResult {
    let from = buffer::bytes_of(thread, from)?;
    let to = buffer::bytes_of(thread, to)?;
    if from.len() != to.len() {
        return Err(value_error("maketrans arguments must have same length"));
    }
    let mut table: Vec<u8> = (0..=u8::MAX).collect();
    for (from, to) in from.iter().zip(to.iter()) {
        if let Some(place) = table.get_mut(usize::from(*from)) {
            *place = *to;
        }
    }
    crate::bytes::new(thread, &table)
}

fn replace<T: ByteString>(
    thread: &mut Thread,
    this: &Obj<T>,
    old: Ref<'_>,
    new: Ref<'_>,
    count: i64,
) -> PyResult {
    let old = buffer::bytes_of(thread, old)?;
    let new = buffer::bytes_of(thread, new)?;
    let bytes = T::snapshot(thread, this);
    match search::replace(&*bytes, &*old, &*new, usize::try_from(count).ok()) {
        Ok(Some(bytes)) => T::make(thread, bytes),
        Ok(None) => T::unchanged(thread, this, &bytes),
        Err(error) => Err(size_error(error, "replace bytes is too long")),
    }
}

fn changed<T: ByteString>(thread: &Thread, this: &Obj<T>, change: fn(&[u8]) -> Vec<u8>) -> PyResult {
    T::make(thread, change(&T::snapshot(thread, this)))
}

fn test<T: ByteString>(thread: &Thread, this: &Obj<T>, test: fn(&[u8]) -> bool) -> bool {
    T::look(thread, this, test)
}

fn decode<T: ByteString>(thread: &mut Thread, this: &Obj<T>, args: Args<'_>) -> PyResult {
    let mut bound = [args.get(0), args.get(1)];
    if args.len() > 2 {
        return Err(type_error(format!("decode() takes at most 2 arguments ({} given)", args.len())));
    }
    for (name, value) in args.keywords() {
        match (name.as_bytes(), &mut bound) {
            (b"encoding", [slot @ None, _]) | (b"errors", [_, slot @ None]) => *slot = Some(value),
            _ => return Err(type_error(format!("decode() got an unexpected keyword argument '{name}'"))),
        }
    }
    let [encoding, errors] = bound;
    let encoding = encoding.map(|value| text_argument(value, "decode", "encoding")).transpose()?;
    let errors = errors.map(|value| text_argument(value, "decode", "errors")).transpose()?;
    let bytes = T::snapshot(thread, this);
    crate::codecs::decode(thread, &bytes, encoding, errors)
}

macro_rules! shared_methods {
    ($class:ident, $search:ident, $change:ident) => {
        #[pymethods(part = $search)]
        impl $class {
            /// Return the lowest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].
            ///
            ///   start
            ///     Optional start position. Default: start of the bytes.
            ///   end
            ///     Optional stop position. Default: end of the bytes.
            ///
            /// Return -1 on failure.
            #[signature(sub, start=None, end=None, /)]
            fn find(
                thread: &mut Thread,
                this: &Obj<Self>,
                sub: Ref<'_>,
                start: Option<Ref<'_>>,
                end: Option<Ref<'_>>,
            ) -> PyResult<i64> {
                Ok(find(thread, this, sub, (start, end), search::find)?.map_or(-1, |at| at as i64))
            }

            /// Return the highest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].
            ///
            ///   start
            ///     Optional start position. Default: start of the bytes.
            ///   end
            ///     Optional stop position. Default: end of the bytes.
            ///
            /// Return -1 on failure.
            #[signature(sub, start=None, end=None, /)]
            fn rfind(
                thread: &mut Thread,
                this: &Obj<Self>,
                sub: Ref<'_>,
                start: Option<Ref<'_>>,
                end: Option<Ref<'_>>,
            ) -> PyResult<i64> {
                Ok(find(thread, this, sub, (start, end), search::rfind)?.map_or(-1, |at| at as i64))
            }

            /// Return the lowest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].
            ///
            /// Raise ValueError if the subsection is not found.
            #[signature(sub, start=None, end=None, /)]
            fn index(
                thread: &mut Thread,
                this: &Obj<Self>,
                sub: Ref<'_>,
                start: Option<Ref<'_>>,
                end: Option<Ref<'_>>,
            ) -> PyResult<usize> {
                found_or_error(find(thread, this, sub, (start, end), search::find)?)
            }

            /// Return the highest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].
            ///
            /// Raise ValueError if the subsection is not found.
            #[signature(sub, start=None, end=None, /)]
            fn rindex(
                thread: &mut Thread,
                this: &Obj<Self>,
                sub: Ref<'_>,
                start: Option<Ref<'_>>,
                end: Option<Ref<'_>>,
            ) -> PyResult<usize> {
                found_or_error(find(thread, this, sub, (start, end), search::rfind)?)
            }

            /// Return the number of non-overlapping occurrences of subsection 'sub' in bytes B[start:end].
            #[signature(sub, start=None, end=None, /)]
            fn count(
                thread: &mut Thread,
                this: &Obj<Self>,
                sub: Ref<'_>,
                start: Option<Ref<'_>>,
                end: Option<Ref<'_>>,
            ) -> PyResult<usize> {
                let bounds = Bounds::new(thread, start, end)?;
                let _held = Self::hold(thread, this, sub);
                let sub = needle(thread, sub)?;
                Ok(Self::look(thread, this, |bytes| {
                    bounds.select(bytes).map_or(0, |(part, _)| search::count(part, &*sub))
                }))
            }

            /// Return True if the bytes starts with the specified prefix, False otherwise.
            #[signature(prefix, start=None, end=None, /)]
            fn startswith(
                thread: &mut Thread,
                this: &Obj<Self>,
                prefix: Ref<'_>,
                start: Option<Ref<'_>>,
                end: Option<Ref<'_>>,
            ) -> PyResult<bool> {
                let bounds = Bounds::new(thread, start, end)?;
                affix(thread, prefix, "startswith", |thread, prefix| {
                    Self::look(thread, this, |bytes| {
                        bounds.select(bytes).is_some_and(|(part, _)| part.starts_with(prefix))
                    })
                })
            }

            /// Return True if the bytes ends with the specified suffix, False otherwise.
            #[signature(suffix, start=None, end=None, /)]
            fn endswith(
                thread: &mut Thread,
                this: &Obj<Self>,
                suffix: Ref<'_>,
                start: Option<Ref<'_>>,
                end: Option<Ref<'_>>,
            ) -> PyResult<bool> {
                let bounds = Bounds::new(thread, start, end)?;
                affix(thread, suffix, "endswith", |thread, suffix| {
                    Self::look(thread, this, |bytes| {
                        bounds.select(bytes).is_some_and(|(part, _)| part.ends_with(suffix))
                    })
                })
            }

            /// Return a list of the sections in the bytes, using sep as the delimiter.
            ///
            ///   sep
            ///     The delimiter according which to split the bytes.
            ///     None (the default value) means split on ASCII whitespace characters
            ///     (space, tab, return, newline, formfeed, vertical tab).
            ///   maxsplit
            ///     Maximum number of splits to do.
            ///     -1 (the default value) means no limit.
            #[signature(sep=None, maxsplit=-1)]
            fn split(thread: &mut Thread, this: &Obj<Self>, sep: Option<Ref<'_>>, maxsplit: i64) -> PyResult {
                split(thread, this, sep, maxsplit, false)
            }

            /// Return a list of the sections in the bytes, using sep as the delimiter.
            ///
            /// Splitting is done starting at the end of the bytes and working to the front.
            #[signature(sep=None, maxsplit=-1)]
            fn rsplit(
                thread: &mut Thread,
                this: &Obj<Self>,
                sep: Option<Ref<'_>>,
                maxsplit: i64,
            ) -> PyResult {
                split(thread, this, sep, maxsplit, true)
            }

            /// Return a list of the lines in the bytes, breaking at line boundaries.
            ///
            /// Line breaks are not included in the resulting list unless keepends is given and
            /// true.
            #[signature(keepends=False)]
            fn splitlines(thread: &mut Thread, this: &Obj<Self>, keepends: bool) -> PyResult {
                let bytes = Self::snapshot(thread, this);
                list_of::<Self>(thread, search::split_lines(&*bytes, keepends))
            }

            /// Partition the bytes into three parts using the given separator.
            fn partition(thread: &mut Thread, this: &Obj<Self>, sep: Ref<'_>) -> PyResult {
                partition(thread, this, sep, false)
            }

            /// Partition the bytes into three parts using the given separator, searching from the end.
            fn rpartition(thread: &mut Thread, this: &Obj<Self>, sep: Ref<'_>) -> PyResult {
                partition(thread, this, sep, true)
            }

            /// Concatenate any number of bytes objects.
            ///
            /// The bytes whose method is called is inserted in between each pair.
            fn join(thread: &mut Thread, this: &Obj<Self>, iterable_of_bytes: Ref<'_>) -> PyResult {
                join(thread, this, iterable_of_bytes)
            }

            /// Return True if all characters in B are alphabetic and there is at least one character in B, False otherwise.
            fn isalpha(thread: &mut Thread, this: &Obj<Self>) -> bool {
                test(thread, this, ascii::is_alpha)
            }

            /// Return True if all characters in B are alphanumeric and there is at least one character in B, False otherwise.
            fn isalnum(thread: &mut Thread, this: &Obj<Self>) -> bool {
                test(thread, this, ascii::is_alnum)
            }

            /// Return True if B is empty or all characters in B are ASCII, False otherwise.
            fn isascii(thread: &mut Thread, this: &Obj<Self>) -> bool {
                test(thread, this, <[u8]>::is_ascii)
            }

            /// Return True if all characters in B are digits and there is at least one character in B, False otherwise.
            fn isdigit(thread: &mut Thread, this: &Obj<Self>) -> bool {
                test(thread, this, ascii::is_digit)
            }

            /// Return True if all cased characters in B are lowercase and there is at least one cased character in B.
            fn islower(thread: &mut Thread, this: &Obj<Self>) -> bool {
                test(thread, this, ascii::is_lower)
            }

            /// Return True if all characters in B are whitespace and there is at least one character in B, False otherwise.
            fn isspace(thread: &mut Thread, this: &Obj<Self>) -> bool {
                test(thread, this, ascii::is_space)
            }

            /// Return True if B is a titlecased string and there is at least one character in B.
            fn istitle(thread: &mut Thread, this: &Obj<Self>) -> bool {
                test(thread, this, ascii::is_title)
            }

            /// Return True if all cased characters in B are uppercase and there is at least one cased character in B.
            fn isupper(thread: &mut Thread, this: &Obj<Self>) -> bool {
                test(thread, this, ascii::is_upper)
            }
        }

        #[pymethods(part = $change)]
        impl $class {
            /// Strip leading and trailing bytes contained in the argument.
            ///
            /// If the argument is omitted or None, strip leading and trailing ASCII whitespace.
            #[signature(bytes=None, /)]
            fn strip(thread: &mut Thread, this: &Obj<Self>, bytes: Option<Ref<'_>>) -> PyResult {
                strip(thread, this, bytes, Ends::Both)
            }

            /// Strip leading bytes contained in the argument.
            ///
            /// If the argument is omitted or None, strip leading ASCII whitespace.
            #[signature(bytes=None, /)]
            fn lstrip(thread: &mut Thread, this: &Obj<Self>, bytes: Option<Ref<'_>>) -> PyResult {
                strip(thread, this, bytes, Ends::Left)
            }

            /// Strip trailing bytes contained in the argument.
            ///
            /// If the argument is omitted or None, strip trailing ASCII whitespace.
            #[signature(bytes=None, /)]
            fn rstrip(thread: &mut Thread, this: &Obj<Self>, bytes: Option<Ref<'_>>) -> PyResult {
                strip(thread, this, bytes, Ends::Right)
            }

            /// Return a copy with all occurrences of substring old replaced by new.
            ///
            ///   count
            ///     Maximum number of occurrences to replace.
            ///     -1 (the default value) means replace all occurrences.
            #[signature(old, new, count=-1, /)]
            fn replace(
                thread: &mut Thread,
                this: &Obj<Self>,
                old: Ref<'_>,
                new: Ref<'_>,
                count: i64,
            ) -> PyResult {
                replace(thread, this, old, new, count)
            }

            /// Return a copy with each character mapped by the given translation table.
            ///
            ///   table
            ///     Translation table, which must be a bytes object of length 256.
            ///
            /// All characters occurring in the optional argument delete are removed.
            /// The remaining characters are mapped through the given translation table.
            #[signature(table, /, delete=<missing>)]
            fn translate(
                thread: &mut Thread,
                this: &Obj<Self>,
                table: Ref<'_>,
                delete: Option<Ref<'_>>,
            ) -> PyResult {
                translate(thread, this, table, delete)
            }

            /// Return a translation table usable for the bytes or bytearray translate method.
            ///
            /// The returned table will be one where each byte in frm is mapped to the byte at
            /// the same position in to.
            ///
            /// The bytes objects frm and to must be of the same length.
            #[staticmethod]
            fn maketrans(thread: &mut Thread, frm: Ref<'_>, to: Ref<'_>) -> PyResult {
                make_table(thread, frm, to)
            }

            /// Return a bytes object with the given prefix string removed if present.
            fn removeprefix(thread: &mut Thread, this: &Obj<Self>, prefix: Ref<'_>) -> PyResult {
                let prefix = buffer::bytes_of(thread, prefix)?;
                let bytes = Self::snapshot(thread, this);
                match search::strip_prefix(&*bytes, &*prefix) {
                    Some(rest) if !prefix.is_empty() => Self::copied(thread, rest),
                    _ => Self::unchanged(thread, this, &bytes),
                }
            }

            /// Return a bytes object with the given suffix string removed if present.
            fn removesuffix(thread: &mut Thread, this: &Obj<Self>, suffix: Ref<'_>) -> PyResult {
                let suffix = buffer::bytes_of(thread, suffix)?;
                let bytes = Self::snapshot(thread, this);
                match search::strip_suffix(&*bytes, &*suffix) {
                    Some(rest) if !suffix.is_empty() => Self::copied(thread, rest),
                    _ => Self::unchanged(thread, this, &bytes),
                }
            }

            /// Return a copy of B converted to lower case.
            fn lower(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                changed(thread, this, ascii::lower)
            }

            /// Return a copy of B converted to upper case.
            fn upper(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                changed(thread, this, ascii::upper)
            }

            /// Return a titlecased version of B.
            fn title(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                changed(thread, this, ascii::title)
            }

            /// Return a copy of B with only its first character capitalized (ASCII) and the rest lower-cased.
            fn capitalize(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                changed(thread, this, ascii::capitalize)
            }

            /// Return a copy of B with upper case ASCII characters converted to lowercase ASCII and vice versa.
            fn swapcase(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                changed(thread, this, ascii::swap_case)
            }

            /// Return a centered string of length width.
            ///
            /// Padding is done using the specified fill character.
            #[signature(width, fillchar=<missing>, /)]
            fn center(
                thread: &mut Thread,
                this: &Obj<Self>,
                width: i64,
                fillchar: Option<Ref<'_>>,
            ) -> PyResult {
                justify(thread, this, width, (fillchar, "center"), Justify::Center)
            }

            /// Return a left-justified string of length width.
            ///
            /// Padding is done using the specified fill character.
            #[signature(width, fillchar=<missing>, /)]
            fn ljust(
                thread: &mut Thread,
                this: &Obj<Self>,
                width: i64,
                fillchar: Option<Ref<'_>>,
            ) -> PyResult {
                justify(thread, this, width, (fillchar, "ljust"), Justify::Left)
            }

            /// Return a right-justified string of length width.
            ///
            /// Padding is done using the specified fill character.
            #[signature(width, fillchar=<missing>, /)]
            fn rjust(
                thread: &mut Thread,
                this: &Obj<Self>,
                width: i64,
                fillchar: Option<Ref<'_>>,
            ) -> PyResult {
                justify(thread, this, width, (fillchar, "rjust"), Justify::Right)
            }

            /// Pad a numeric string with zeros on the left, to fill a field of the given width.
            ///
            /// The original string is never truncated.
            fn zfill(thread: &mut Thread, this: &Obj<Self>, width: i64) -> PyResult {
                let bytes = Self::snapshot(thread, this);
                match search::zfill(&*bytes, usize::try_from(width).unwrap_or(0)) {
                    Ok(Some(padded)) => Self::make(thread, padded),
                    Ok(None) => Self::unchanged(thread, this, &bytes),
                    Err(error) => Err(size_error(error, "padded string is too long")),
                }
            }

            /// Return a copy where all tab characters are expanded using spaces.
            ///
            /// If tabsize is not given, a tab size of 8 characters is assumed.
            #[signature(tabsize = 8)]
            fn expandtabs(thread: &mut Thread, this: &Obj<Self>, tabsize: i32) -> PyResult {
                let bytes = Self::snapshot(thread, this);
                match search::expand_tabs(&*bytes, usize::try_from(tabsize).unwrap_or(0)) {
                    Ok(bytes) => Self::make(thread, bytes),
                    Err(error) => Err(size_error(error, "result too long")),
                }
            }

            /// Create a string of hexadecimal numbers from a bytes object.
            ///
            ///   sep
            ///     An optional single character or byte to separate hex bytes.
            ///   bytes_per_sep
            ///     How many bytes between separators.  Positive values count from the
            ///     right, negative values count from the left.
            ///
            /// Example:
            /// >>> value = b'\x00\xff\x10\x20\x7f'
            /// >>> value.hex()
            /// '00ff10207f'
            /// >>> value.hex('-')
            /// '00-ff-10-20-7f'
            /// >>> value.hex(' ', 2)
            /// '00 ff10 207f'
            /// >>> value.hex(' ', -2)
            /// '00ff 1020 7f'
            #[signature(sep=<missing>, bytes_per_sep=1)]
            fn hex(
                thread: &mut Thread,
                this: &Obj<Self>,
                sep: Option<Ref<'_>>,
                bytes_per_sep: i64,
            ) -> PyResult<String> {
                let _held = sep.and_then(|sep| Self::hold(thread, this, sep));
                let bytes = Self::snapshot(thread, this);
                hex(thread, &bytes, sep, bytes_per_sep)
            }

            /// Create a bytes object from a string of hexadecimal numbers.
            ///
            /// Spaces between two numbers are accepted.
            #[classmethod]
            fn fromhex(thread: &mut Thread, cls: &Obj<PyType>, string: Ref<'_>) -> PyResult {
                let exact = std::ptr::eq(cls, <$class as crate::PyClass>::static_type().get());
                from_hex(thread, cls, string, <$class as ByteString>::make, exact)
            }

            /// Decode the bytes using the codec registered for encoding.
            ///
            ///   encoding
            ///     The encoding with which to decode the bytes.
            ///   errors
            ///     The error handling scheme to use for the handling of decoding errors.
            ///     The default is 'strict' meaning that decoding errors raise a
            ///     UnicodeDecodeError. Other possible values are 'ignore' and 'replace'
            ///     as well as any other name registered with codecs.register_error that
            ///     can handle UnicodeDecodeErrors.
            #[text_signature = "($self, /, encoding='utf-8', errors='strict')"]
            fn decode(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<Value> {
                decode(thread, this, args)
            }
        }
    };
}
shared_methods!(PyBytes, BYTES_SEARCH, BYTES_CHANGE);
shared_methods!(PyByteArray, ARRAY_SEARCH, ARRAY_CHANGE);
