//! `complex`: pairs of floats.
//!
//! Operators with a float or an int leave the other operand real (so that signs of zeros and infinities survive), as
//! Python 3.14 does; multiplication and division of two complex numbers recover infinities as Annex G of C99 says.

use crate::class::{PyClass, is_exact};
use crate::error::{PyResult, overflow_error, type_error, value_error, zero_division_error};
use crate::protocol::CompareOp;
use crate::types::float_::arith::operand;
use crate::types::str::PyStr;
use crate::types::r#type::{PyType, TypeExt};
use crate::types::{float, format, int, tuple};
use orochi_core::{Field, Obj, Ref, Thread, Trace, Value};
use orochi_macros::{pyclass, pymethods};
use orochi_text::format_spec::Kind;

/// Create a complex number from a string or numbers.
///
/// If a string is given, parse it as a complex number.
/// If a single number is given, convert it to a complex number.
/// If the 'real' or 'imag' arguments are given, create a complex number
/// with the specified real and imaginary components.
#[pyclass(name = "complex", subclassable)]
pub struct PyComplex {
    real: f64,
    imag: f64,
}

// SAFETY: holds no fields.
unsafe impl Trace for PyComplex {
    const HAS_FIELDS: bool = false;
    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}

/// Real and imaginary part.
pub type Parts = (f64, f64);

/// A complex number.
pub fn new(thread: &Thread, real: f64, imag: f64) -> PyResult {
    heap(thread, PyComplex::static_type().get(), (real, imag))
}

fn heap(thread: &Thread, class: &Obj<PyType>, (real, imag): Parts) -> PyResult {
    Ok(crate::alloc(thread, class, PyComplex { real, imag })?.into_value())
}

/// The parts of a complex number (instances of subclasses included).
pub fn value(object: Ref<'_>) -> Option<Parts> {
    object.downcast::<PyComplex>().map(|complex| (complex.real, complex.imag))
}

/// An operand: a complex number, or a real one.
#[derive(Clone, Copy)]
enum Operand {
    Complex(Parts),
    Real(f64),
}

fn complex_operand(object: Ref<'_>) -> PyResult<Option<Operand>> {
    match value(object) {
        Some(parts) => Ok(Some(Operand::Complex(parts))),
        None => Ok(operand(object)?.map(Operand::Real)),
    }
}

impl Operand {
    fn parts(self) -> Parts {
        match self {
            Operand::Complex(parts) => parts,
            Operand::Real(real) => (real, 0.0),
        }
    }
}

/// Makes infinite parts 1 and the others 0, keeping signs.
fn boxed((a, b): Parts) -> Parts {
    let part = |x: f64| (if x.is_infinite() { 1.0_f64 } else { 0.0 }).copysign(x);
    (part(a), part(b))
}

fn zero_for_nan(x: f64) -> f64 {
    if x.is_nan() { 0.0_f64.copysign(x) } else { x }
}

/// `left * right`.
pub fn multiply(left: Parts, right: Parts) -> Parts {
    let ((mut a, mut b), (mut c, mut d)) = (left, right);
    let (ac, bd, ad, bc) = (a * c, b * d, a * d, b * c);
    let result = (ac - bd, ad + bc);
    if !(result.0.is_nan() && result.1.is_nan()) {
        return result;
    }
    let mut recalculate = false;
    if a.is_infinite() || b.is_infinite() {
        (a, b) = boxed((a, b));
        (c, d) = (zero_for_nan(c), zero_for_nan(d));
        recalculate = true;
    }
    if c.is_infinite() || d.is_infinite() {
        (c, d) = boxed((c, d));
        (a, b) = (zero_for_nan(a), zero_for_nan(b));
        recalculate = true;
    }
    if !recalculate && [ac, bd, ad, bc].iter().any(|x| x.is_infinite()) {
        (a, b, c, d) = (zero_for_nan(a), zero_for_nan(b), zero_for_nan(c), zero_for_nan(d));
        recalculate = true;
    }
    if recalculate {
        return (f64::INFINITY * (a * c - b * d), f64::INFINITY * (a * d + b * c));
    }
    result
}

/// `left / right`; `None` for a zero divisor. Smith's method: the larger part of the divisor is divided out first.
pub fn divide(left: Parts, right: Parts) -> Option<Parts> {
    let ((a, b), (c, d)) = (left, right);
    let result = if c.abs() >= d.abs() {
        if c == 0.0 {
            return None;
        }
        let ratio = d / c;
        let denominator = c + d * ratio;
        ((a + b * ratio) / denominator, (b - a * ratio) / denominator)
    } else if d.abs() >= c.abs() {
        let ratio = c / d;
        let denominator = c * ratio + d;
        ((a * ratio + b) / denominator, (b * ratio - a) / denominator)
    } else {
        (f64::NAN, f64::NAN)
    };
    if !(result.0.is_nan() && result.1.is_nan()) {
        return Some(result);
    }
    if (a.is_infinite() || b.is_infinite()) && c.is_finite() && d.is_finite() {
        let (x, y) = boxed((a, b));
        return Some((f64::INFINITY * (x * c + y * d), f64::INFINITY * (y * c - x * d)));
    }
    if (c.is_infinite() || d.is_infinite()) && a.is_finite() && b.is_finite() {
        let (x, y) = boxed((c, d));
        return Some((0.0 * (a * x + b * y), 0.0 * (b * x - a * y)));
    }
    Some(result)
}

/// A real number divided by a complex one.
fn divide_real(a: f64, (c, d): Parts) -> Option<Parts> {
    let result = if c.abs() >= d.abs() {
        if c == 0.0 {
            return None;
        }
        let ratio = d / c;
        let denominator = c + d * ratio;
        (a / denominator, (-a * ratio) / denominator)
    } else if d.abs() >= c.abs() {
        let ratio = c / d;
        let denominator = c * ratio + d;
        ((a * ratio) / denominator, -a / denominator)
    } else {
        (f64::NAN, f64::NAN)
    };
    if result.0.is_nan() && result.1.is_nan() && a.is_finite() && (c.is_infinite() || d.is_infinite()) {
        let (x, y) = boxed((c, d));
        return Some((0.0 * (a * x), 0.0 * (-a * y)));
    }
    Some(result)
}

fn whole_power(base: Parts, exponent: i64) -> Option<Parts> {
    let mut result = (1.0, 0.0);
    let mut square = base;
    let mut left = exponent.unsigned_abs();
    while left > 0 {
        if left & 1 == 1 {
            result = multiply(result, square);
        }
        left >>= 1;
        if left > 0 {
            square = multiply(square, square);
        }
    }
    if exponent > 0 { Some(result) } else { divide((1.0, 0.0), result) }
}

/// `base ** exponent`.
pub fn power(base: Parts, exponent: Parts) -> PyResult<Parts> {
    let zero = || zero_division_error("zero to a negative or complex power");
    let result = if exponent.1 == 0.0 && exponent.0 == exponent.0.floor() && exponent.0.abs() <= 100.0 {
        if exponent.0 == 0.0 { (1.0, 0.0) } else { whole_power(base, exponent.0 as i64).ok_or_else(zero)? }
    } else if base == (0.0, 0.0) {
        if exponent.1 != 0.0 || exponent.0 < 0.0 {
            return Err(zero());
        }
        (0.0, 0.0)
    } else {
        let size = base.0.hypot(base.1);
        let angle = base.1.atan2(base.0);
        let mut length = size.powf(exponent.0);
        let mut phase = angle * exponent.0;
        if exponent.1 != 0.0 {
            length *= (-angle * exponent.1).exp();
            phase += exponent.1 * size.ln();
        }
        (length * phase.cos(), length * phase.sin())
    };
    let finite = |(a, b): Parts| a.is_finite() && b.is_finite();
    if (result.0.is_infinite() || result.1.is_infinite()) && finite(base) && finite(exponent) {
        return Err(overflow_error("complex exponentiation"));
    }
    Ok(result)
}

/// `repr`.
pub fn repr((real, imag): Parts) -> String {
    use orochi_text::float::repr_part;
    if real == 0.0 && real.is_sign_positive() {
        return format!("{}j", repr_part(imag, false));
    }
    format!("({}{}j)", repr_part(real, false), repr_part(imag, true))
}

/// What `complex(x)` makes of a number: by `__complex__`, `__float__` or `__index__`.
pub fn from_number(thread: &mut Thread, object: Ref<'_>) -> PyResult<Option<Parts>> {
    if let Some(parts) = value(object)
        && is_exact(object, PyComplex::static_type())
    {
        return Ok(Some(parts));
    }
    if let Some(result) = crate::protocol::call_special(thread, object, crate::name!("__complex__"), &[])? {
        let class = crate::class_of(object).name();
        let got = crate::class_of(result.get()).name();
        let Some(parts) = value(result.get()) else {
            return Err(type_error(format!("{class}.__complex__() must return a complex, not {got}")));
        };
        if !is_exact(result.get(), PyComplex::static_type()) {
            crate::warn::deprecation(
                thread,
                &format!(
                    "{class}.__complex__() must return a complex, not {got}.  The ability to return an instance of a strict \
                     subclass of complex is deprecated, and may not be supported in a future version of Python."
                ),
            )?;
        }
        return Ok(Some(parts));
    }
    if let Some(parts) = value(object) {
        return Ok(Some(parts));
    }
    Ok(crate::types::float_::construct::from_slots(thread, object)?.map(|real| (real, 0.0)))
}

fn from_str(text: &Obj<PyStr>) -> PyResult<Parts> {
    let ascii = orochi_text::unicode::to_ascii_number(text.as_wtf8());
    orochi_text::float::parse_complex(&ascii)
        .ok_or_else(|| value_error("complex() arg is a malformed string"))
}

fn part(thread: &mut Thread, object: Ref<'_>, name: &str) -> PyResult<Parts> {
    let class = crate::class_of(object).name();
    let parts = if name == "imag" && value(object).is_none() {
        crate::types::float_::construct::from_slots(thread, object)?.map(|real| (real, 0.0))
    } else {
        from_number(thread, object)?
    };
    let Some(parts) = parts else {
        return Err(type_error(format!("complex() argument '{name}' must be a real number, not {class}")));
    };
    let is_complex = value(object).is_some()
        || name == "real" && crate::class_of(object).lookup(thread, crate::name!("__complex__")).is_some();
    if is_complex {
        let message = format!("complex() argument '{name}' must be a real number, not {class}");
        crate::warn::deprecation(thread, &message)?;
    }
    Ok(parts)
}

/// The arguments of `complex`: by position or by name.
fn arguments<'a>(args: &crate::Args<'a>) -> PyResult<[Option<Ref<'a>>; 2]> {
    let given = args.len() + args.keyword_count();
    if given > 2 {
        return Err(type_error(format!("complex() takes at most 2 arguments ({given} given)")));
    }
    let mut bound = [args.get(0), args.get(1)];
    for (name, value) in args.keywords() {
        match (name.as_bytes(), &mut bound) {
            (b"real", [slot @ None, _]) | (b"imag", [_, slot @ None]) => *slot = Some(value),
            (b"real", _) => {
                return Err(type_error("argument for complex() given by name ('real') and position (1)"));
            }
            (b"imag", _) => {
                return Err(type_error("argument for complex() given by name ('imag') and position (2)"));
            }
            _ => return Err(type_error(format!("complex() got an unexpected keyword argument '{name}'"))),
        }
    }
    Ok(bound)
}

fn binary(
    thread: &mut Thread,
    left: Ref<'_>,
    right: Ref<'_>,
    operation: fn(Operand, Operand) -> Option<Parts>,
) -> PyResult {
    let (Some(a), Some(b)) = (complex_operand(left)?, complex_operand(right)?) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    match operation(a, b) {
        Some((real, imag)) => new(thread, real, imag),
        None => Err(zero_division_error("division by zero")),
    }
}

fn own(this: Ref<'_>) -> Parts {
    value(this).unwrap_or((f64::NAN, f64::NAN))
}

#[pymethods(parts(ARITH))]
impl PyComplex {
    #[new]
    #[text_signature = "(real=0, imag=0)"]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, args: crate::Args<'_>) -> PyResult {
        let [real, imag] = arguments(&args)?;
        let exact = std::ptr::eq(cls, PyComplex::static_type().get());
        let parts = match (real, imag) {
            (Some(real), None) if args.len() == 1 => {
                if exact && is_exact(real, PyComplex::static_type()) {
                    return Ok(real.to_owned());
                }
                if let Some(text) = real.downcast::<PyStr>() {
                    from_str(text)?
                } else {
                    let class = crate::class_of(real).name();
                    from_number(thread, real)?.ok_or_else(|| {
                        type_error(format!("complex() argument must be a string or a number, not {class}"))
                    })?
                }
            }
            (real, imag) => {
                let real = real.map_or(Ok((0.0, 0.0)), |real| part(thread, real, "real"))?;
                let Some(imag) = imag else { return heap(thread, cls, real) };
                let imag_parts = part(thread, imag, "imag")?;
                // The imaginary part of `imag` is real: i·i = -1.
                let sum_real = if value(imag).is_some() { real.0 - imag_parts.1 } else { real.0 };
                let sum_imag = if real.1 != 0.0 { imag_parts.0 + real.1 } else { imag_parts.0 };
                (sum_real, sum_imag)
            }
        };
        heap(thread, cls, parts)
    }

    /// Convert number to a complex floating-point number.
    #[classmethod]
    fn from_number(thread: &mut Thread, cls: &Obj<PyType>, number: Ref<'_>) -> PyResult {
        let exact = std::ptr::eq(cls, PyComplex::static_type().get());
        if exact && is_exact(number, PyComplex::static_type()) {
            return Ok(number.to_owned());
        }
        let class = crate::class_of(number).name();
        let Some((real, imag)) = from_number(thread, number)? else {
            return Err(type_error(format!("must be real number, not {class}")));
        };
        let result = new(thread, real, imag)?;
        if exact { Ok(result) } else { crate::protocol::call(thread, cls.get(), &[result.get()]) }
    }

    /// Return the complex conjugate of its argument. (3-4j).conjugate() == 3+4j.
    fn conjugate(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        new(thread, this.real, -this.imag)
    }

    /// Convert this value to exact type complex.
    fn __complex__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        if is_exact(this.get(), PyComplex::static_type()) {
            return Ok(this.to_value());
        }
        new(thread, this.real, this.imag)
    }

    fn __getnewargs__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let pair = vec![float::new(thread, this.real)?, float::new(thread, this.imag)?];
        Ok(tuple::new(thread, pair)?.into_value())
    }

    /// Convert to a string according to format_spec.
    fn __format__(thread: &mut Thread, this: &Obj<Self>, format_spec: Ref<'_>) -> PyResult {
        let Some(spec) = format::parse_spec(format_spec, Kind::Complex, this.get())? else {
            return format::plain(thread, this.get());
        };
        let name = crate::class_of(this.get()).name();
        let text = spec.format_complex((this.real, this.imag), &format::locale_for(&spec), &name);
        crate::str::from_wtf8(thread, &text.map_err(format::format_error)?)
    }

    /// the real part of a complex number
    #[member]
    fn real(this: &Obj<Self>) -> f64 {
        this.real
    }

    /// the imaginary part of a complex number
    #[member]
    fn imag(this: &Obj<Self>) -> f64 {
        this.imag
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        crate::str::new(thread, &repr((this.real, this.imag)))
    }

    #[slot]
    fn tp_hash(_thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        let hash =
            |x| orochi_text::hash::hash_float(x).unwrap_or_else(|| crate::hash::of_address(this.get()));
        Ok(orochi_text::hash::hash_complex(hash(this.real), hash(this.imag)))
    }

    #[slot]
    fn tp_richcompare(_thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some((real, imag)), CompareOp::Eq | CompareOp::Ne) = (value(left), op) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let equal = if let Some(other) = value(right) {
            (real, imag) == other
        } else if let Some(other) = float::value(right) {
            imag == 0.0 && real == other
        } else if let Some(other) = int::value(right) {
            imag == 0.0 && crate::types::int_::compare::compare_float(other, real).is_some_and(|o| o.is_eq())
        } else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        Ok(Value::bool(equal == (op == CompareOp::Eq)))
    }
}

#[pymethods(part = ARITH)]
impl PyComplex {
    #[slot]
    fn nb_add(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, |a, b| {
            Some(match (a, b) {
                (Operand::Complex(a), Operand::Complex(b)) => (a.0 + b.0, a.1 + b.1),
                (Operand::Complex(a), Operand::Real(b)) | (Operand::Real(b), Operand::Complex(a)) => {
                    (a.0 + b, a.1)
                }
                (Operand::Real(a), Operand::Real(b)) => (a + b, 0.0),
            })
        })
    }

    #[slot]
    fn nb_subtract(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, |a, b| {
            Some(match (a, b) {
                (Operand::Complex(a), Operand::Complex(b)) => (a.0 - b.0, a.1 - b.1),
                (Operand::Complex(a), Operand::Real(b)) => (a.0 - b, a.1),
                (Operand::Real(a), Operand::Complex(b)) => (a - b.0, -b.1),
                (Operand::Real(a), Operand::Real(b)) => (a - b, 0.0),
            })
        })
    }

    #[slot]
    fn nb_multiply(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, |a, b| {
            Some(match (a, b) {
                (Operand::Complex(a), Operand::Complex(b)) => multiply(a, b),
                (Operand::Complex(a), Operand::Real(b)) | (Operand::Real(b), Operand::Complex(a)) => {
                    (a.0 * b, a.1 * b)
                }
                (Operand::Real(a), Operand::Real(b)) => (a * b, 0.0),
            })
        })
    }

    #[slot]
    fn nb_true_divide(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        binary(thread, left, right, |a, b| match (a, b) {
            (_, Operand::Real(0.0)) => None,
            (Operand::Complex(a), Operand::Complex(b)) => divide(a, b),
            (Operand::Complex(a), Operand::Real(b)) => Some((a.0 / b, a.1 / b)),
            (Operand::Real(a), Operand::Complex(b)) => divide_real(a, b),
            (Operand::Real(a), Operand::Real(b)) => Some((a / b, 0.0)),
        })
    }

    #[slot]
    fn nb_power(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, modulus: Ref<'_>) -> PyResult {
        let (Some(a), Some(b)) = (complex_operand(left)?, complex_operand(right)?) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        if !modulus.is_none() {
            return Err(value_error("complex modulo"));
        }
        let (real, imag) = power(a.parts(), b.parts())?;
        new(thread, real, imag)
    }

    #[slot]
    fn nb_negative(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let (real, imag) = own(this);
        new(thread, -real, -imag)
    }

    #[slot]
    fn nb_positive(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        if is_exact(this, PyComplex::static_type()) {
            return Ok(this.to_owned());
        }
        let (real, imag) = own(this);
        new(thread, real, imag)
    }

    #[slot]
    fn nb_absolute(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let (real, imag) = own(this);
        let size = real.hypot(imag);
        if size.is_infinite() && real.is_finite() && imag.is_finite() {
            return Err(overflow_error("absolute value too large"));
        }
        float::new(thread, size)
    }

    #[slot]
    fn nb_bool(_thread: &mut Thread, this: Ref<'_>) -> PyResult<bool> {
        Ok(own(this) != (0.0, 0.0))
    }
}
