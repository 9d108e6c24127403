//! `re.Match`.

use super::pattern::{Pattern, part};
use super::substitute::expand_for;
use super::text::{AnyMatcher, Text};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::index_error;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::tuple;
use orochi_objects::{
    ArgSlice, Field, Obj, PyResult, Ref, Thread, Value, class_of, int, make, protocol, str,
};

const UNSET: usize = usize::MAX;

/// The result of re.match() and re.search().
/// Match objects always have a boolean value of True.
#[pyclass(name = "Match", module = "re", no_new, generic)]
#[derive(Trace)]
pub(super) struct Match {
    pattern: Field,
    string: Field,
    pos: usize,
    endpos: usize,
    /// Byte offsets of the starts and ends of all groups, the whole match first.
    marks: Box<[usize]>,
    /// The group that ended last; 0 if none did.
    last_index: usize,
}

/// The match that a matcher has found.
pub(super) fn new(
    thread: &Thread,
    pattern: &Obj<Pattern>,
    text: &Text<'_>,
    matcher: &AnyMatcher<'_>,
    span: (usize, usize),
    range: (usize, usize),
) -> PyResult {
    let mut marks = Vec::with_capacity(pattern.groups() * 2 + 2);
    marks.extend([span.0, span.1]);
    for group in 0..pattern.groups() {
        let (start, end) = matcher.span(group).unwrap_or((UNSET, UNSET));
        marks.extend([start, end]);
    }
    let made = make(
        thread,
        Match {
            pattern: Field::new_local(pattern.to_value()),
            string: Field::new_local(Ref::to_owned(text.object())),
            pos: range.0,
            endpos: range.1,
            marks: marks.into_boxed_slice(),
            last_index: matcher.last_index(),
        },
    )?;
    Ok(made.into_value())
}

impl Match {
    pub(super) fn string(&self) -> Ref<'_> {
        self.string.fixed()
    }

    fn groups_count(&self) -> usize {
        self.marks.len() / 2
    }

    /// The byte offsets of a group (0 is the whole match).
    pub(super) fn offsets(&self, group: usize) -> Option<(usize, usize)> {
        let (&start, &end) = (self.marks.get(group * 2)?, self.marks.get(group * 2 + 1)?);
        (start != UNSET).then_some((start, end))
    }

    fn pattern(&self) -> PyResult<&Obj<Pattern>> {
        super::pattern::expect(self.pattern.fixed())
    }

    /// The number of the group that an argument names.
    fn group_number(&self, thread: &mut Thread, index: Ref<'_>) -> PyResult<usize> {
        let number = if int::is_int(index) || class_of(index).slots.nb_index().is_some() {
            int::index_clamped(thread, index)?
        } else {
            let names = self.pattern()?.names().downcast::<PyDict>();
            let found = match names {
                // Whatever can't be a key is no group either.
                Some(names) => dict::get_item(thread, names, index).ok().flatten(),
                None => None,
            };
            found.and_then(|found| found.get().as_small_int()).unwrap_or(-1)
        };
        usize::try_from(number)
            .ok()
            .filter(|number| *number < self.groups_count())
            .ok_or_else(|| index_error("no such group"))
    }

    fn optional_group(&self, thread: &mut Thread, group: Option<Ref<'_>>) -> PyResult<usize> {
        group.map_or(Ok(0), |group| self.group_number(thread, group))
    }

    /// Start and end of a group in characters; -1 if it hasn't matched.
    fn span_of(&self, thread: &mut Thread, group: usize) -> PyResult<(i64, i64)> {
        let Some((start, end)) = self.offsets(group) else { return Ok((-1, -1)) };
        if let Some(text) = self.string().downcast::<str::PyStr>() {
            let text = Text::Str(text);
            return Ok((text.index(start) as i64, text.index(end) as i64));
        }
        let _ = thread;
        Ok((start as i64, end as i64))
    }

    fn index_of(&self, offset: usize) -> usize {
        match self.string().downcast::<str::PyStr>() {
            Some(text) => Text::Str(text).index(offset),
            None => offset,
        }
    }
}

fn pair(thread: &mut Thread, (a, b): (i64, i64)) -> PyResult {
    let values = vec![int::new(thread, a)?, int::new(thread, b)?];
    Ok(tuple::new(thread, values)?.into_value())
}

#[pymethods]
impl Match {
    /// group([group1, ...]) -> str or tuple.
    ///     Return subgroup(s) of the match by indices or names.
    ///     For 0 returns the entire match.
    #[signature(*args)]
    #[no_text_signature]
    fn group(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult {
        match args.len() {
            0 => part(thread, this, 0, Ref::NONE),
            1 => {
                let number = this.group_number(thread, args.get(0).unwrap_or(Ref::NONE))?;
                part(thread, this, number, Ref::NONE)
            }
            _ => {
                let mut parts = Vec::with_capacity(args.len());
                for index in args.iter() {
                    let number = this.group_number(thread, index)?;
                    parts.push(part(thread, this, number, Ref::NONE)?);
                }
                Ok(tuple::new(thread, parts)?.into_value())
            }
        }
    }

    /// Return a tuple containing all the subgroups of the match, from 1.
    ///
    ///   default
    ///     Is used for groups that did not participate in the match.
    #[signature(default=None)]
    fn groups(thread: &mut Thread, this: &Obj<Self>, default: Option<Ref>) -> PyResult {
        let default = default.unwrap_or(Ref::NONE);
        let mut parts = Vec::with_capacity(this.groups_count());
        for group in 1..this.groups_count() {
            parts.push(part(thread, this, group, default)?);
        }
        Ok(tuple::new(thread, parts)?.into_value())
    }

    /// Return a dictionary containing all the named subgroups of the match, keyed by the subgroup name.
    ///
    ///   default
    ///     Is used for groups that did not participate in the match.
    #[signature(default=None)]
    fn groupdict(thread: &mut Thread, this: &Obj<Self>, default: Option<Ref>) -> PyResult {
        let default = default.unwrap_or(Ref::NONE);
        let made = dict::new(thread)?;
        if let Some(names) = this.pattern()?.names().downcast::<PyDict>() {
            for entry in dict::entries(thread, names)? {
                let group = this.group_number(thread, entry.key.get())?;
                let value = part(thread, this, group, default)?;
                dict::set_item(thread, &made, entry.key.get(), value)?;
            }
        }
        Ok(made.into_value())
    }

    /// Return index of the start of the substring matched by group.
    #[signature(group=0, /)]
    fn start(thread: &mut Thread, this: &Obj<Self>, group: Option<Ref>) -> PyResult<i64> {
        let group = this.optional_group(thread, group)?;
        Ok(this.span_of(thread, group)?.0)
    }

    /// Return index of the end of the substring matched by group.
    #[signature(group=0, /)]
    fn end(thread: &mut Thread, this: &Obj<Self>, group: Option<Ref>) -> PyResult<i64> {
        let group = this.optional_group(thread, group)?;
        Ok(this.span_of(thread, group)?.1)
    }

    /// For match object m, return the 2-tuple (m.start(group), m.end(group)).
    #[signature(group=0, /)]
    fn span(thread: &mut Thread, this: &Obj<Self>, group: Option<Ref>) -> PyResult {
        let group = this.optional_group(thread, group)?;
        let span = this.span_of(thread, group)?;
        pair(thread, span)
    }

    /// Return the string obtained by doing backslash substitution on the string template, as done by the sub() method.
    #[signature(template)]
    fn expand(thread: &mut Thread, this: &Obj<Self>, template: Ref) -> PyResult {
        expand_for(thread, this, this.pattern()?, template)
    }

    fn __copy__(this: &Obj<Self>) -> Value {
        this.to_value()
    }

    fn __deepcopy__(this: &Obj<Self>, memo: Ref) -> Value {
        let _ = memo;
        this.to_value()
    }

    /// The index into the string at which the RE engine started looking for a match.
    #[getter]
    fn pos(this: &Obj<Self>) -> usize {
        this.index_of(this.pos)
    }

    /// The index into the string beyond which the RE engine will not go.
    #[getter]
    fn endpos(this: &Obj<Self>) -> usize {
        this.index_of(this.endpos)
    }

    /// The regular expression object.
    #[getter]
    fn re(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.pattern.fixed())
    }

    /// The string passed to match() or search().
    #[getter]
    #[name = "string"]
    fn get_string(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.string.fixed())
    }

    #[getter]
    fn regs(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut spans = Vec::with_capacity(this.groups_count());
        for group in 0..this.groups_count() {
            let span = this.span_of(thread, group)?;
            spans.push(pair(thread, span)?);
        }
        Ok(tuple::new(thread, spans)?.into_value())
    }

    /// The integer index of the last matched capturing group.
    #[getter]
    fn lastindex(this: &Obj<Self>) -> Option<usize> {
        (this.last_index != 0).then_some(this.last_index)
    }

    /// The name of the last matched capturing group.
    #[getter]
    fn lastgroup(this: &Obj<Self>) -> PyResult {
        match this.last_index {
            0 => Ok(Value::NONE),
            group => Ok(this.pattern()?.name_of(group)),
        }
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref) -> PyResult {
        let group = this.group_number(thread, key)?;
        part(thread, this, group, Ref::NONE)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (start, end) = this.span_of(thread, 0)?;
        let whole = part(thread, this, 0, Ref::NONE)?;
        let shown = protocol::repr(thread, whole.get())?;
        let mut text = orochi_text::wtf8::Wtf8Buf::default();
        text.push_str(&format!("<re.Match object; span=({start}, {end}), match="));
        if let Some(shown) = shown.get().downcast::<str::PyStr>() {
            text.push_wtf8(shown.as_wtf8().slice_to(shown.byte_offset(50)));
        }
        text.push_str(">");
        str::from_wtf8(thread, text.as_wtf8())
    }
}
