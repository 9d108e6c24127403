//! The exception classes of conditions, and which of them is raised.

use super::context::Context;
use super::number::status;
use crate::os_support;
use orochi_objects::error::{PyErr, PyResult, memory_error, runtime_error};
use orochi_objects::types::{dict, exception, list};
use orochi_objects::{Obj, PyClass, PyType, Ref, Thread, Value, protocol, str, tuple};

/// Where the classes are kept: a tuple in the order of `SIGNALS` and then `CONDITIONS`, behind `DecimalException`.
const CLASSES: &str = "decimal.classes";

/// What a program can trap, in the order in which one is chosen.
pub(super) const SIGNALS: [(&str, u32); 9] = [
    ("InvalidOperation", status::INVALID),
    ("FloatOperation", status::FLOAT_OPERATION),
    ("DivisionByZero", status::DIVISION_BY_ZERO),
    ("Overflow", status::OVERFLOW),
    ("Underflow", status::UNDERFLOW),
    ("Subnormal", status::SUBNORMAL),
    ("Inexact", status::INEXACT),
    ("Rounded", status::ROUNDED),
    ("Clamped", status::CLAMPED),
];

/// What may lie behind the signal InvalidOperation.
const CONDITIONS: [(&str, u32); 4] = [
    ("ConversionSyntax", status::CONVERSION_SYNTAX),
    ("DivisionImpossible", status::DIVISION_IMPOSSIBLE),
    ("DivisionUndefined", status::DIVISION_UNDEFINED),
    ("InvalidContext", status::INVALID_CONTEXT),
];

pub(super) const BAD_SIGNAL: &str = "valid values for signals are:\n  [InvalidOperation, FloatOperation, DivisionByZero,\n   Overflow, Underflow, Subnormal, Inexact, Rounded,\n   Clamped]";

fn make_class(thread: &mut Thread, name: &str, bases: Vec<Value>) -> PyResult {
    let namespace = dict::new(thread)?;
    let (key, module) = (str::new(thread, "__module__")?, str::new(thread, "decimal")?);
    dict::set_item(thread, &namespace, key.get(), module)?;
    let name = str::new(thread, name)?;
    let bases = tuple::new(thread, bases)?;
    let class = PyType::static_type().get().get();
    protocol::call(thread, class, &[name.get(), bases.get(), namespace.get()])
}

/// Makes the classes, unless that was done before.
pub(super) fn prepare(thread: &mut Thread) -> PyResult<()> {
    if os_support::kept_value(thread, CLASSES)?.is_some() {
        return Ok(());
    }
    let base = make_class(thread, "DecimalException", vec![exception::ArithmeticError.get().to_value()])?;
    let mut classes = vec![base.clone()];
    for (name, _) in SIGNALS {
        let other = |class: &'static orochi_objects::StaticType| vec![base.clone(), class.get().to_value()];
        let bases = match name {
            "FloatOperation" => other(&exception::TypeError),
            "DivisionByZero" => other(&exception::ZeroDivisionError),
            _ => vec![base.clone()],
        };
        classes.push(make_class(thread, name, bases)?);
    }
    // These two are made of others, which come later in the list.
    for (name, place, parts) in [("Overflow", 4, &[7, 8][..]), ("Underflow", 5, &[7, 8, 6])] {
        let bases = parts.iter().filter_map(|part| classes.get(*part).cloned()).collect();
        let class = make_class(thread, name, bases)?;
        if let Some(slot) = classes.get_mut(place) {
            *slot = class;
        }
    }
    let invalid = classes.get(1).cloned().unwrap_or(base);
    for (name, condition) in CONDITIONS {
        let bases = if condition == status::DIVISION_UNDEFINED {
            vec![invalid.clone(), exception::ZeroDivisionError.get().to_value()]
        } else {
            vec![invalid.clone()]
        };
        classes.push(make_class(thread, name, bases)?);
    }
    let classes = tuple::new(thread, classes)?.into_value();
    os_support::keep_value(thread, CLASSES, classes)
}

/// All classes: `DecimalException`, the signals, the conditions.
pub(super) fn classes(thread: &mut Thread) -> PyResult<Vec<Value>> {
    match os_support::kept_value(thread, CLASSES)? {
        Some(classes) => protocol::collect(thread, classes.get()),
        None => Err(runtime_error("_decimal isn't initialised")),
    }
}

/// The names of all classes, in the same order.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let signals = SIGNALS.iter().map(|(name, _)| *name);
    ["DecimalException"].into_iter().chain(signals).chain(CONDITIONS.iter().map(|(name, _)| *name))
}

/// The bits of a signal's class; `None` for anything else.
pub(super) fn bits_of(thread: &mut Thread, class: Ref<'_>) -> PyResult<Option<u32>> {
    let classes = classes(thread)?;
    let place = classes.iter().skip(1).take(SIGNALS.len()).position(|known| known.get().is(class));
    Ok(place.and_then(|place| SIGNALS.get(place)).map(|(_, bits)| *bits))
}

/// A list of the classes of the signals that are set.
pub(super) fn signal_list(thread: &mut Thread, set: u32) -> PyResult {
    let classes = classes(thread)?;
    let set = SIGNALS.iter().zip(classes.into_iter().skip(1)).filter(|((_, bits), _)| set & bits != 0);
    let set = set.map(|(_, class)| class).collect();
    Ok(list::new(thread, set)?.into_value())
}

/// Sets conditions in a context, and raises the exception of one that is trapped.
pub(super) fn settle(thread: &mut Thread, context: &Obj<Context>, status: u32) -> PyResult<()> {
    if status == 0 {
        return Ok(());
    }
    let traps = Context::raise_flags(context, status);
    if status & status::NO_MEMORY != 0 {
        return Err(memory_error());
    }
    match status & traps {
        0 => Ok(()),
        trapped => Err(error_of(thread, trapped)),
    }
}

#[cold]
fn error_of(thread: &mut Thread, trapped: u32) -> PyErr {
    match exception_of(thread, trapped) {
        Ok(raised) => PyErr::from_instance(raised),
        Err(error) => error,
    }
}

fn exception_of(thread: &mut Thread, trapped: u32) -> PyResult {
    let classes = classes(thread)?;
    let mut chosen = None;
    let mut behind = Vec::new();
    // Of an invalid operation the condition is named.
    if trapped & status::INVALID_OPERATION != 0 {
        behind.extend(classes.get(1).cloned());
    }
    for ((_, bits), class) in CONDITIONS.iter().zip(classes.iter().skip(1 + SIGNALS.len())) {
        if trapped & bits != 0 {
            behind.push(class.clone());
        }
    }
    for ((name, bits), class) in SIGNALS.iter().zip(classes.iter().skip(1)) {
        if trapped & bits != 0 {
            chosen.get_or_insert(class.clone());
            if *name != "InvalidOperation" {
                behind.push(class.clone());
            }
        }
    }
    let Some(chosen) = chosen else { return Err(runtime_error("internal error in signal selection")) };
    let behind = list::new(thread, behind)?;
    protocol::call(thread, chosen.get(), &[behind.get()])
}
