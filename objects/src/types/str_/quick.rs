//! `str`: quick ways of calling the class and the commonest methods.

use crate::class::exactly;
use crate::error::PyResult;
use crate::quick::{Quick, Registers};
use crate::types::int_;
use crate::types::str::{self, PyStr};
use orochi_core::{Obj, Thread};
use orochi_text::search::{self, Ends, Text};
use orochi_text::wtf8::Wtf8;

/// A result if it could be made.
fn made(result: PyResult) -> Quick {
    result.map_or(Quick::OTHER, Quick::value)
}

/// A part of a text, or the text itself.
fn part(thread: &Thread, whole: &Obj<PyStr>, text: &Wtf8) -> Quick {
    if text.len() == whole.byte_len() {
        return Quick::reference(whole.get());
    }
    made(str::part(thread, whole, text))
}

/// The receiver of a method.
fn receiver<'a>(args: &Registers<'a>) -> Option<&'a Obj<PyStr>> {
    args.get(0).and_then(exactly::<PyStr>)
}

/// The only argument of a method, if it is a str, and the receiver.
fn two<'a>(args: &Registers<'a>) -> Option<[&'a Obj<PyStr>; 2]> {
    let [this, other] = args.exactly()?;
    Some([exactly::<PyStr>(this)?, exactly::<PyStr>(other)?])
}

/// `str(object)` of strs and small ints.
pub(crate) fn call(thread: &mut Thread, args: Registers<'_>) -> Quick {
    let Some([object]) = args.exactly() else { return Quick::OTHER };
    if exactly::<PyStr>(object).is_some() {
        return Quick::reference(object);
    }
    object.as_small_int().map_or(Quick::OTHER, |small| made(int_::text::of_small(thread, small)))
}

fn strip(thread: &Thread, args: &Registers<'_>, ends: Ends) -> Quick {
    match (args.len(), receiver(args)) {
        (1, Some(this)) => part(thread, this, search::strip(this.as_wtf8(), ends)),
        _ => match two(args) {
            Some([this, set]) => part(thread, this, this.as_wtf8().strip_set(set.as_wtf8(), ends)),
            None => Quick::OTHER,
        },
    }
}

/// `str.strip`.
pub(super) fn strip_both(thread: &mut Thread, args: Registers<'_>) -> Quick {
    strip(thread, &args, Ends::Both)
}

/// `str.lstrip`.
pub(super) fn strip_left(thread: &mut Thread, args: Registers<'_>) -> Quick {
    strip(thread, &args, Ends::Left)
}

/// `str.rstrip`.
pub(super) fn strip_right(thread: &mut Thread, args: Registers<'_>) -> Quick {
    strip(thread, &args, Ends::Right)
}

/// `str.startswith` of one str.
pub(super) fn starts_with(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    match two(&args) {
        Some([this, prefix]) => Quick::bool(this.as_bytes().starts_with(prefix.as_bytes())),
        None => Quick::OTHER,
    }
}

/// `str.endswith` of one str.
pub(super) fn ends_with(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    match two(&args) {
        Some([this, suffix]) => Quick::bool(this.as_bytes().ends_with(suffix.as_bytes())),
        None => Quick::OTHER,
    }
}

/// `str.find` in the whole of an ASCII text.
pub(super) fn find(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    match two(&args) {
        Some([this, sub]) if this.is_ascii() => match search::find(this.as_wtf8(), sub.as_wtf8()) {
            Some(at) => Quick::len(at),
            None => Quick::int(-1),
        },
        _ => Quick::OTHER,
    }
}

/// `str.replace` of all occurrences.
pub(super) fn replace(thread: &mut Thread, args: Registers<'_>) -> Quick {
    let Some([this, old, new]) = args.exactly() else { return Quick::OTHER };
    let (Some(this), Some(old), Some(new)) =
        (exactly::<PyStr>(this), exactly::<PyStr>(old), exactly::<PyStr>(new))
    else {
        return Quick::OTHER;
    };
    match search::replace(this.as_wtf8(), old.as_wtf8(), new.as_wtf8(), None) {
        Ok(Some(text)) => made(str::from_wtf8(thread, &text)),
        Ok(None) => Quick::reference(this.get()),
        Err(_) => Quick::OTHER,
    }
}

/// A test of the characters of an ASCII text, of which there must be some.
#[inline(always)]
fn all(args: &Registers<'_>, test: impl Fn(&u8) -> bool) -> Quick {
    match (args.len(), receiver(args)) {
        (1, Some(this)) if this.is_ascii() => {
            let bytes = this.as_bytes();
            Quick::bool(!bytes.is_empty() && bytes.iter().all(test))
        }
        _ => Quick::OTHER,
    }
}

/// `str.isdigit`.
pub(super) fn is_digit(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    all(&args, u8::is_ascii_digit)
}

/// `str.isalpha`.
pub(super) fn is_alpha(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    all(&args, u8::is_ascii_alphabetic)
}

/// `str.isalnum`.
pub(super) fn is_alnum(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    all(&args, u8::is_ascii_alphanumeric)
}

/// `str.isspace`.
pub(super) fn is_space(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    all(&args, |byte| matches!(byte, b'\t'..=b'\r' | 0x1c..=b' '))
}
