//! The iterator of a `str`.
//!
//! Its position is an atomic offset: threads that share an iterator get each character once.

use crate::class::exactly;
use crate::error::PyResult;
use crate::types::int;
use crate::types::iterators::reduced;
use crate::types::str::{self, PyStr};
use crate::types::str_::single;
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::word::{UNBOUND, Word};
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// An iterator over the characters of a str.
#[pyclass(name = "str_iterator", no_new)]
#[derive(Trace)]
pub struct PyStrIterator {
    /// Nothing once a program has seen the end.
    text: AtomicField,
    /// The next character's offset in bytes.
    #[trace(unsafe_skip)]
    offset: AtomicU64,
}

/// `iter(text)`.
pub fn new(thread: &Thread, text: &Obj<PyStr>) -> PyResult {
    let text = AtomicField::new_local(text.to_value());
    Ok(crate::make(thread, PyStrIterator { text, offset: AtomicU64::new(0) })?.into_value())
}

impl PyStrIterator {
    #[inline]
    fn text<'a>(&'a self, thread: &'a Thread) -> Option<&'a Obj<PyStr>> {
        self.text.load(thread)?.downcast::<PyStr>()
    }
}

/// The next character. Relaxed orders suffice: the text never changes, and the position stands alone.
#[inline]
pub fn next(thread: &Thread, this: &Obj<PyStrIterator>) -> PyResult<Option<Value>> {
    let Some(text) = this.text(thread) else { return Ok(None) };
    loop {
        let at = this.offset.load(Ordering::Relaxed);
        if text.is_ascii() {
            let Some(&byte) = text.as_bytes().get(at as usize) else { return Ok(None) };
            if advance(this, at, at + 1) {
                return single::latin1(thread, byte).map(Some);
            }
        } else {
            let Some(c) = text.as_wtf8().code_point_at(at as usize) else { return Ok(None) };
            if advance(this, at, at + c.len_wtf8() as u64) {
                return single::character(thread, c).map(Some);
            }
        }
    }
}

/// The next character as a register's word, if the iterator is local, its text ASCII and exactly a str, and there is one; UNBOUND
/// otherwise: nothing has been done then.
#[inline(always)]
pub fn next_register(thread: &Thread, this: &Obj<PyStrIterator>) -> Word {
    let text = this.text.load(thread).and_then(exactly::<PyStr>);
    let Some(text) = text.filter(|text| text.is_ascii() && !this.header().is_shared()) else {
        return UNBOUND;
    };
    let at = this.offset.load(Ordering::Relaxed);
    let Some(character) = text.as_bytes().get(at as usize).and_then(|byte| single::known(*byte)) else {
        return UNBOUND;
    };
    this.offset.store(at + 1, Ordering::Relaxed);
    character.register_word()
}

/// Moves the position on; false if another thread has done so.
#[inline]
fn advance(this: &Obj<PyStrIterator>, from: u64, to: u64) -> bool {
    if this.header().is_shared() {
        return this.offset.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok();
    }
    this.offset.store(to, Ordering::Relaxed);
    true
}

#[pymethods]
impl PyStrIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let item = next(thread, this)?;
        if item.is_none() {
            this.text.swap(this, thread, None);
        }
        Ok(item)
    }

    /// Private method returning an estimate of len(list(it)).
    fn __length_hint__(thread: &mut Thread, this: &Obj<Self>) -> usize {
        let offset = this.offset.load(Ordering::Relaxed) as usize;
        this.text(thread).map_or(0, |text| text.as_wtf8().slice_from(offset).count_code_points())
    }

    /// Return state information for pickling.
    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        reduced(thread, "iter", |thread| {
            let offset = this.offset.load(Ordering::Relaxed) as usize;
            match this.text(thread).filter(|text| offset < text.as_bytes().len()) {
                Some(text) => Ok((vec![text.to_value()], Some(super::search::index_of(text, offset)))),
                None => Ok((vec![str::new(thread, "")?], None)),
            }
        })
    }

    /// Set state information for unpickling.
    fn __setstate__(thread: &mut Thread, this: &Obj<Self>, state: Ref<'_>) -> PyResult<()> {
        let index = int::index_i64(thread, state)?;
        if let Some(text) = this.text(thread) {
            let offset = text.byte_offset(usize::try_from(index).unwrap_or(0));
            this.offset.store(offset as u64, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[pymethods(part = ITERATION)]
impl PyStr {
    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        new(thread, this)
    }
}
