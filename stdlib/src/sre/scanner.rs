//! `Pattern.scanner` and the iterator of `Pattern.finditer`.

use super::matched;
use super::pattern::{Pattern, expect};
use super::text::AnyMatcher;
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::value_error;
use orochi_objects::{Field, Guarded, Obj, PyResult, Ref, Thread, Value, make};

#[derive(Trace, Clone, Copy)]
struct Progress {
    /// Where the next match may start; `None` when there can be none.
    from: Option<usize>,
    must_advance: bool,
    /// A thread is searching.
    busy: bool,
}

/// Finds one match after the other.
#[pyclass(name = "SRE_Scanner", module = "_sre", no_new)]
#[derive(Trace)]
pub(super) struct Scanner {
    pattern: Field,
    string: Field,
    start: usize,
    end: usize,
    progress: Guarded<Progress>,
}

impl Scanner {
    pub(super) fn create(
        thread: &mut Thread,
        pattern: &Obj<Pattern>,
        string: Ref<'_>,
        pos: isize,
        endpos: isize,
    ) -> PyResult {
        let text = pattern.text(thread, string)?;
        let (start, end) = (text.offset(pos), text.offset(endpos));
        let from = (start <= end).then_some(start);
        let made = make(
            thread,
            Scanner {
                pattern: Field::new_local(pattern.to_value()),
                string: Field::new_local(Ref::to_owned(string)),
                start,
                end,
                progress: Guarded::new(Progress { from, must_advance: false, busy: false }),
            },
        )?;
        Ok(made.into_value())
    }

    fn go_on(thread: &mut Thread, this: &Obj<Scanner>, search: bool) -> PyResult {
        let progress = this.progress.with(this, thread, |progress, _| {
            let before = *progress;
            progress.busy = true;
            before
        });
        if progress.busy {
            return Err(value_error("regular expression scanner already executing"));
        }
        let found = Scanner::find(thread, this, progress, search);
        let (from, must_advance) = match &found {
            Ok(Some((_, start, end))) => (Some(*end), start == end),
            Ok(None) => (None, false),
            Err(_) => (progress.from, progress.must_advance),
        };
        this.progress.with(this, thread, |progress, _| {
            *progress = Progress { from, must_advance, busy: false };
        });
        Ok(found?.map_or(Value::NONE, |(found, ..)| found))
    }

    fn find(
        thread: &mut Thread,
        this: &Obj<Scanner>,
        progress: Progress,
        search: bool,
    ) -> PyResult<Option<(Value, usize, usize)>> {
        let pattern = expect(this.pattern.fixed())?;
        let Some(from) = progress.from else { return Ok(None) };
        let text = pattern.text(thread, this.string.fixed())?;
        let end = this.end.min(text.bytes().len());
        if from > end {
            return Ok(None);
        }
        let mut matcher = AnyMatcher::new(pattern.program(), &text, end);
        let found = if search {
            matcher.search(thread, from, progress.must_advance)?
        } else {
            matcher.match_at(thread, from, false, progress.must_advance)?.map(|end| (from, end))
        };
        let Some(span) = found else { return Ok(None) };
        let range = (this.start, this.end);
        let made = matched::new(thread, pattern, &text, &matcher, span, range)?;
        Ok(Some((made, span.0, span.1)))
    }
}

#[pymethods]
impl Scanner {
    #[name = "match"]
    fn match_(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Scanner::go_on(thread, this, false)
    }

    fn search(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Scanner::go_on(thread, this, true)
    }

    #[getter]
    #[name = "pattern"]
    fn get_pattern(this: &Obj<Self>) -> Value {
        Ref::to_owned(this.pattern.fixed())
    }
}

/// What `finditer` gives.
#[pyclass(name = "callable_iterator", no_new)]
#[derive(Trace)]
pub(super) struct PatternIterator {
    scanner: Field,
}

impl PatternIterator {
    pub(super) fn create(thread: &Thread, scanner: Value) -> PyResult {
        Ok(make(thread, PatternIterator { scanner: Field::new_local(scanner) })?.into_value())
    }
}

#[pymethods]
impl PatternIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> PyResult {
        Ok(Ref::to_owned(this))
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let Some(scanner) = this.scanner.fixed().downcast::<Scanner>() else { return Ok(None) };
        let found = Scanner::go_on(thread, scanner, true)?;
        Ok(if found.get().is_none() { None } else { Some(found) })
    }
}
