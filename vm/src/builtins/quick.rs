//! Quick ways of built-in functions; what they leave is done by the functions themselves.

use orochi_core::Thread;
use orochi_core::word;
use orochi_objects::attributes::{self, Plain};
use orochi_objects::class::exactly;
use orochi_objects::quick::{Quick, Registers};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::method;
use orochi_objects::types::set::{self, PySet};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{class_of, protocol};

/// `len` of the commonest classes.
pub(super) fn len(thread: &mut Thread, args: Registers<'_>) -> Quick {
    let Some([object]) = args.exactly() else { return Quick::OTHER };
    let len = if let Some(list) = exactly::<PyList>(object) {
        list::len(thread, list)
    } else if let Some(text) = exactly::<PyStr>(object) {
        text.len()
    } else if let Some(tuple) = exactly::<PyTuple>(object) {
        tuple.len()
    } else if let Some(dict) = exactly::<PyDict>(object) {
        dict::len(thread, dict)
    } else if let Some(set) = exactly::<PySet>(object) {
        set::AnySet::from(set).len(thread)
    } else {
        return Quick::OTHER;
    };
    Quick::len(len)
}

/// `isinstance` with classes, and tuples of such, whose metaclass has no say in it.
pub(super) fn isinstance(thread: &mut Thread, args: Registers<'_>) -> Quick {
    let Some([object, class]) = args.exactly() else { return Quick::OTHER };
    match protocol::class_check::is_known_instance(thread, object, class) {
        Some(answer) => Quick::bool(answer),
        None => Quick::OTHER,
    }
}

/// `callable`.
pub(super) fn callable(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    match args.exactly() {
        Some([object]) => Quick::bool(class_of(object).slots.tp_call().is_some()),
        None => Quick::OTHER,
    }
}

/// `ord` of an ASCII character.
pub(super) fn ord(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    let Some([object]) = args.exactly() else { return Quick::OTHER };
    match exactly::<PyStr>(object).map(|text| text.as_bytes()) {
        Some([byte]) => Quick::int(i64::from(*byte)),
        _ => Quick::OTHER,
    }
}

/// `abs` of small ints, and of floats that need no memory.
pub(super) fn abs(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    let Some([number]) = args.exactly() else { return Quick::OTHER };
    if let Some(small) = number.as_small_int() {
        return Quick::int(small.abs());
    }
    match number.as_flonum().and_then(|float| word::from_float(float.abs())) {
        // SAFETY: not a reference.
        Some(word) => unsafe { Quick::from_word(word) },
        None => Quick::OTHER,
    }
}

/// `max` of small ints, or of floats.
pub(super) fn max(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    extreme(args, |new, old| new > old, |new, old| new > old)
}

/// `min` of small ints, or of floats.
pub(super) fn min(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    extreme(args, |new, old| new < old, |new, old| new < old)
}

#[inline(always)]
fn extreme(
    args: Registers<'_>,
    better_int: impl Fn(i64, i64) -> bool,
    better_float: impl Fn(f64, f64) -> bool,
) -> Quick {
    let (Some(mut best), 2..) = (args.get(0), args.len()) else { return Quick::OTHER };
    for i in 1..args.len() {
        let Some(next) = args.get(i) else { return Quick::OTHER };
        let is_better = match (next.as_small_int(), best.as_small_int()) {
            (Some(new), Some(old)) => better_int(new, old),
            (None, None) => match (next.as_flonum(), best.as_flonum()) {
                (Some(new), Some(old)) => better_float(new, old),
                _ => return Quick::OTHER,
            },
            _ => return Quick::OTHER,
        };
        if is_better {
            best = next;
        }
    }
    Quick::reference(best)
}

/// The object and the name of a call.
fn attribute<'a>(thread: &'a Thread, args: &Registers<'a>) -> Plain<'a> {
    match (args.get(0), args.get(1).and_then(exactly::<PyStr>)) {
        (Some(object), Some(name)) => attributes::plain(thread, object, name),
        _ => Plain::Unknown,
    }
}

/// `getattr` of what is found without asking anybody.
pub(super) fn getattr(thread: &mut Thread, args: Registers<'_>) -> Quick {
    if !(2..=3).contains(&args.len()) {
        return Quick::OTHER;
    }
    match (attribute(thread, &args), args.get(0)) {
        (Plain::Value(value), _) => Quick::reference(value),
        (Plain::Missing, _) => args.get(2).map_or(Quick::OTHER, Quick::reference),
        (Plain::Method(function), Some(object)) => {
            let bound = method::new(thread, function.to_owned(), object.to_owned());
            bound.map_or(Quick::OTHER, Quick::value)
        }
        _ => Quick::OTHER,
    }
}

/// `hasattr` of what is found, or missing, without asking anybody.
pub(super) fn hasattr(thread: &mut Thread, args: Registers<'_>) -> Quick {
    match attribute(thread, &args) {
        _ if args.len() != 2 => Quick::OTHER,
        Plain::Value(_) | Plain::Method(_) => Quick::bool(true),
        Plain::Missing => Quick::bool(false),
        Plain::Unknown => Quick::OTHER,
    }
}
