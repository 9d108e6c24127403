//! Built-in functions on numbers: abs, bin, divmod, hex, max, min, oct, pow, round, sum.

use orochi_core::{Ref, Thread, Value};
use orochi_macros::pyfunction;
use orochi_objects::error::{PyResult, type_error, value_error};
use orochi_objects::protocol::{self, CompareOp, compare::compare_bool, number};
use orochi_objects::types::{complex, float, int};
use orochi_objects::{Args, class_of, name};

/// Return the absolute value of the argument.
#[pyfunction]
#[signature(number, /)]
#[quick(super::quick::abs)]
fn abs(thread: &mut Thread, number: Ref<'_>) -> PyResult {
    let class = class_of(number);
    match class.slots.nb_absolute() {
        Some(slot) => slot(thread, number),
        None => Err(type_error(format!("bad operand type for abs(): '{}'", class.name()))),
    }
}

fn in_base(thread: &mut Thread, object: Ref<'_>, base: u32) -> PyResult {
    let value = int::index(thread, object)?;
    let Some(value) = int::value(value.get()) else { return Err(type_error("an int is required")) };
    orochi_objects::str::new(thread, &orochi_objects::types::int_::text::prefixed(value, base))
}

/// Return the binary representation of an integer.
///
///    >>> bin(2796202)
///    '0b1010101010101010101010'
#[pyfunction]
#[signature(number, /)]
fn bin(thread: &mut Thread, number: Ref<'_>) -> PyResult {
    in_base(thread, number, 2)
}

/// Return the octal representation of an integer.
///
///    >>> oct(342391)
///    '0o1234567'
#[pyfunction]
#[signature(number, /)]
fn oct(thread: &mut Thread, number: Ref<'_>) -> PyResult {
    in_base(thread, number, 8)
}

/// Return the hexadecimal representation of an integer.
///
///    >>> hex(12648430)
///    '0xc0ffee'
#[pyfunction]
#[signature(number, /)]
fn hex(thread: &mut Thread, number: Ref<'_>) -> PyResult {
    in_base(thread, number, 16)
}

/// Return the tuple (x//y, x%y).  Invariant: div*y + mod == x.
#[pyfunction]
#[signature(x, y, /)]
fn divmod(thread: &mut Thread, x: Ref<'_>, y: Ref<'_>) -> PyResult {
    let result = number::binary_slots(thread, x, y, |slots| slots.nb_divmod())?;
    if result.get().is(Ref::NOT_IMPLEMENTED) {
        return Err(type_error(format!(
            "unsupported operand type(s) for divmod(): '{}' and '{}'",
            class_of(x).name(),
            class_of(y).name()
        )));
    }
    Ok(result)
}

/// Equivalent to base**exp with 2 arguments or base**exp % mod with 3 arguments.
///
/// Some types, such as ints, are able to use a more efficient algorithm when
/// invoked using the three argument form.
#[pyfunction]
#[signature(base, exp, r#mod = None)]
fn pow(thread: &mut Thread, base: Ref<'_>, exp: Ref<'_>, r#mod: Option<Ref<'_>>) -> PyResult {
    match r#mod {
        None => number::power(thread, base, exp),
        Some(modulus) => number::power_modulo(thread, base, exp, modulus),
    }
}

/// Round a number to a given precision in decimal digits.
///
/// The return value is an integer if ndigits is omitted or None.  Otherwise
/// the return value has the same type as the number.  ndigits may be negative.
#[pyfunction]
#[signature(number, ndigits = None)]
fn round(thread: &mut Thread, number: Ref<'_>, ndigits: Option<Ref<'_>>) -> PyResult {
    let Some(method) = protocol::special(thread, number, name!("__round__"))? else {
        let class = class_of(number).name();
        return Err(type_error(format!("type {class} doesn't define __round__ method")));
    };
    match ndigits {
        Some(ndigits) => protocol::call(thread, method.get(), &[ndigits]),
        None => protocol::call(thread, method.get(), &[]),
    }
}

/// A sum of floats whose lost low-order parts are kept and added at the end (Neumaier 1974).
#[derive(Clone, Copy)]
struct Compensated {
    high: f64,
    low: f64,
}

impl Compensated {
    fn of(high: f64) -> Compensated {
        Compensated { high, low: 0.0 }
    }

    fn add(&mut self, x: f64) {
        let sum = self.high + x;
        self.low += if self.high.abs() >= x.abs() { (self.high - sum) + x } else { (x - sum) + self.high };
        self.high = sum;
    }

    fn total(self) -> f64 {
        if self.low != 0.0 && self.low.is_finite() { self.high + self.low } else { self.high }
    }
}

enum Sum {
    Int(i64),
    Float(Compensated),
    Complex { real: Compensated, imag: Compensated },
    Object(Value),
}

impl Sum {
    fn of(value: Value) -> Sum {
        if let Some(int) = value.get().as_small_int() {
            return Sum::Int(int);
        }
        if let Some(x) = exact_float(value.get()) {
            return Sum::Float(Compensated::of(x));
        }
        match exact_complex(value.get()) {
            Some((real, imag)) => Sum::Complex { real: Compensated::of(real), imag: Compensated::of(imag) },
            None => Sum::Object(value),
        }
    }

    fn into_value(self, thread: &mut Thread) -> PyResult {
        match self {
            Sum::Int(value) => int::new(thread, value),
            Sum::Float(sum) => float::new(thread, sum.total()),
            Sum::Complex { real, imag } => complex::new(thread, real.total(), imag.total()),
            Sum::Object(value) => Ok(value),
        }
    }

    /// Adds a number that needs no protocol; false if this is something else.
    #[inline]
    fn add_plain(&mut self, item: Ref<'_>) -> bool {
        match self {
            Sum::Int(total) => {
                let small = item.as_small_int().or_else(|| item.as_bool().map(i64::from));
                if let Some(sum) = small.and_then(|item| total.checked_add(item)) {
                    *total = sum;
                    return true;
                }
            }
            Sum::Float(total) => {
                let number = item.as_flonum().or_else(|| item.as_small_int().map(|int| int as f64));
                if let Some(number) = number.or_else(|| exact_float(item)) {
                    total.add(number);
                    return true;
                }
            }
            Sum::Complex { real, imag } => {
                if let Some((re, im)) = exact_complex(item) {
                    real.add(re);
                    imag.add(im);
                    return true;
                }
                // A real number says nothing about the sign of an imaginary zero.
                if let Some(x) = exact_float(item).or_else(|| item.as_small_int().map(|int| int as f64)) {
                    real.add(x);
                    return true;
                }
            }
            Sum::Object(_) => {}
        }
        false
    }

    fn add(self, thread: &mut Thread, item: Value) -> PyResult<Sum> {
        let total = self.into_value(thread)?;
        Ok(Sum::of(number::add(thread, total.get(), item.get())?))
    }
}

fn exact_float(object: Ref<'_>) -> Option<f64> {
    let class = <float::PyFloat as orochi_objects::PyClass>::static_type();
    orochi_objects::class::is_exact(object, class).then(|| float::value(object)).flatten()
}

fn exact_complex(object: Ref<'_>) -> Option<complex::Parts> {
    let class = <complex::PyComplex as orochi_objects::PyClass>::static_type();
    orochi_objects::class::is_exact(object, class).then(|| complex::value(object)).flatten()
}

/// Return the sum of a 'start' value (default: 0) plus an iterable of numbers
///
/// When the iterable is empty, return the start value.
/// This function is intended specifically for use with numeric values and may
/// reject non-numeric types.
#[pyfunction]
#[signature(iterable, /, start = 0)]
fn sum(thread: &mut Thread, iterable: Ref<'_>, start: Option<Ref<'_>>) -> PyResult {
    let start = match start {
        Some(start) => {
            let class = class_of(start).name();
            let advice = match class.as_ref() {
                "str" => Some("strings [use ''.join(seq) instead]"),
                "bytes" => Some("bytes [use b''.join(seq) instead]"),
                "bytearray" => Some("bytearray [use b''.join(seq) instead]"),
                _ => None,
            };
            if let Some(advice) = advice {
                return Err(type_error(format!("sum() can't sum {advice}")));
            }
            start.to_owned()
        }
        None => Value::small_int(0).unwrap_or(Value::NONE),
    };
    let mut total = Sum::of(start);
    let take = |total: &mut Sum, _: &mut Thread, item: Value| {
        if total.add_plain(item.get()) { None } else { Some(item) }
    };
    let add = |total: &mut Sum, thread: &mut Thread, item| {
        *total = std::mem::replace(total, Sum::Int(0)).add(thread, item)?;
        Ok(true)
    };
    protocol::iterate_taking(thread, iterable, &mut total, take, add)?;
    total.into_value(thread)
}

/// The arguments `key` and `default` of min and max.
#[derive(Default)]
struct Options {
    key: Option<Value>,
    default: Option<Value>,
}

fn options(args: &Args<'_>, function: &str) -> PyResult<Options> {
    let mut options = Options::default();
    for (name, value) in args.keywords() {
        match name.as_bytes() {
            b"key" => options.key = (!value.is_none()).then(|| value.to_owned()),
            b"default" => options.default = Some(value.to_owned()),
            _ => {
                let text = format!("{function}() got an unexpected keyword argument '{name}'");
                return Err(type_error(text));
            }
        }
    }
    Ok(options)
}

/// The best item so far, and its key if there is a function for that.
struct Extreme {
    item: Option<Value>,
    rank: Option<Value>,
}

impl Extreme {
    /// [`Extreme::consider`] for small ints; anything else comes back.
    #[inline]
    fn consider_plain(&mut self, item: Value, op: CompareOp) -> Option<Value> {
        let so_far = self.item.as_ref().and_then(|item| item.get().as_small_int());
        let (Some(so_far), Some(number)) = (so_far, item.get().as_small_int()) else { return Some(item) };
        if op.holds(number.cmp(&so_far)) {
            self.item = Some(item);
        }
        None
    }

    #[inline]
    fn consider(
        &mut self,
        thread: &mut Thread,
        item: Value,
        key: &Option<Value>,
        op: CompareOp,
    ) -> PyResult<()> {
        let rank = match key {
            Some(key) => Some(protocol::call(thread, key.get(), &[item.get()])?),
            None => None,
        };
        let so_far = if key.is_some() { &self.rank } else { &self.item };
        let better = match so_far {
            Some(so_far) => compare_bool(thread, rank.as_ref().unwrap_or(&item).get(), so_far.get(), op)?,
            None => true,
        };
        if better {
            (self.item, self.rank) = (Some(item), rank);
        }
        Ok(())
    }
}

fn extreme(thread: &mut Thread, args: Args<'_>, function: &str, op: CompareOp) -> PyResult {
    let Options { key, default } = options(&args, function)?;
    match args.len() {
        0 => return Err(type_error(format!("{function} expected at least 1 argument, got 0"))),
        1 => {}
        _ if default.is_some() => {
            return Err(type_error(format!(
                "Cannot specify a default for {function}() with multiple positional arguments"
            )));
        }
        _ => {}
    }
    let mut best = Extreme { item: None, rank: None };
    if args.len() == 1 {
        let take = |best: &mut Extreme, _: &mut Thread, item| match key {
            Some(_) => Some(item),
            None => best.consider_plain(item, op),
        };
        let consider = |best: &mut Extreme, thread: &mut Thread, item| {
            best.consider(thread, item, &key, op).map(|()| true)
        };
        protocol::iterate_taking(thread, args.this(), &mut best, take, consider)?;
    } else {
        for item in args.iter() {
            best.consider(thread, item.to_owned(), &key, op)?;
        }
    }
    match (best.item, default) {
        (Some(item), _) => Ok(item),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(value_error(format!("{function}() iterable argument is empty"))),
    }
}

/// max(iterable, *[, default=obj, key=func]) -> value
/// max(arg1, arg2, *args, *[, key=func]) -> value
///
/// With a single iterable argument, return its biggest item. The
/// default keyword-only argument specifies an object to return if
/// the provided iterable is empty.
/// With two or more positional arguments, return the largest argument.
#[pyfunction]
#[quick(super::quick::max)]
fn max(thread: &mut Thread, args: Args<'_>) -> PyResult {
    extreme(thread, args, "max", CompareOp::Gt)
}

/// min(iterable, *[, default=obj, key=func]) -> value
/// min(arg1, arg2, *args, *[, key=func]) -> value
///
/// With a single iterable argument, return its smallest item. The
/// default keyword-only argument specifies an object to return if
/// the provided iterable is empty.
/// With two or more positional arguments, return the smallest argument.
#[pyfunction]
#[quick(super::quick::min)]
fn min(thread: &mut Thread, args: Args<'_>) -> PyResult {
    extreme(thread, args, "min", CompareOp::Lt)
}
