//! `Decimal.__format__`: the format mini-language for decimal numbers.

use super::class::Decimal;
use super::context::{self, Context};
use super::number::{Kind, MAX_DIGITS, MAX_PREC, Number, Rounding};
use super::text;
use orochi_objects::error::{PyErr, PyResult, memory_error, overflow_error, type_error, value_error};
use orochi_objects::types::exception;
use orochi_objects::types::format::{format_error, locale_for};
use orochi_objects::types::str::PyStr;
use orochi_objects::{DictExt, Obj, PyDict, Ref, Thread, str, warn};
use orochi_text::format_spec::{self, Align, FormatError, FormatSpec, Grouping, Locale};
use orochi_text::wtf8::{CodePoint, Wtf8};
use std::borrow::Cow;

#[cold]
fn invalid() -> PyErr {
    value_error("invalid format string")
}

#[cold]
fn too_large() -> PyErr {
    value_error("format specification exceeds internal limits of _decimal")
}

/// How digits are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    General,
    Exponent,
    Fixed,
    Percent,
}

/// A specification, and what it says of the digits.
struct Plan {
    spec: FormatSpec,
    style: Style,
    upper: bool,
    /// Zeros fill the field, so infinities and NaNs are filled with spaces.
    zero_padded: bool,
    /// The type `N`, which is deprecated.
    deprecated: bool,
}

/// Whether a fill or an alignment is given, and whether a zero before the width asks for zeros.
fn padding_of(spec: &Wtf8) -> (bool, bool) {
    let is_align = |c: Option<&CodePoint>| c.and_then(|c| c.to_char()).is_some_and(|c| "<>=^".contains(c));
    let mut rest: Vec<CodePoint> = spec.code_points().take(6).collect();
    let aligned = match (is_align(rest.get(1)), is_align(rest.first())) {
        (true, _) => 2,
        (false, true) => 1,
        _ => 0,
    };
    rest.drain(..aligned);
    for options in ["+- ", "z", "#"] {
        if rest.first().and_then(|c| c.to_char()).is_some_and(|c| options.contains(c)) {
            rest.remove(0);
        }
    }
    (aligned > 0, rest.first().is_some_and(|c| *c == '0'))
}

fn plan(spec: &Wtf8, capitals: bool) -> PyResult<Plan> {
    let mut parsed = match FormatSpec::parse(spec, format_spec::Kind::Float, "decimal.Decimal") {
        Ok(parsed) => parsed,
        Err(FormatError::TooManyDigits) => {
            return Err(overflow_error("cannot fit 'int' into an index-sized integer"));
        }
        Err(error @ FormatError::Size(_)) => return Err(format_error(error)),
        Err(_) => return Err(invalid()),
    };
    let (aligned, zero_padded) = padding_of(spec);
    if aligned && zero_padded {
        return Err(invalid());
    }
    let code = parsed.code.map(CodePoint::to_char_lossy);
    let (style, upper) = match code {
        None => (Style::General, capitals),
        Some(code @ ('g' | 'G' | 'n' | 'N')) => (Style::General, code.is_ascii_uppercase()),
        Some(code @ ('e' | 'E')) => (Style::Exponent, code == 'E'),
        Some('f' | 'F') => (Style::Fixed, false),
        Some('%') => (Style::Percent, false),
        Some(_) => return Err(invalid()),
    };
    if parsed.width.is_some_and(|width| width as u64 > MAX_PREC.unsigned_abs()) {
        return Err(too_large());
    }
    if code == Some('N') {
        let grouped = parsed.grouping != Grouping::None || parsed.fraction_grouping != Grouping::None;
        if grouped {
            return Err(invalid());
        }
        parsed.code = Some(CodePoint::from_u8(b'n'));
    }
    Ok(Plan { spec: parsed, style, upper, zero_padded, deprecated: code == Some('N') })
}

/// A finite number with so many digits: rounded to them, or with zeros behind.
fn with_digits(number: Number, count: i64, rounding: Rounding) -> PyResult<Number> {
    let shortened = with_exponent(&number, number.adjusted() + 1 - count, rounding)?;
    // Nines that were rounded up made one digit more.
    if shortened.len() > count && count > 0 {
        return with_exponent(&shortened, shortened.exponent + 1, rounding);
    }
    Ok(shortened)
}

/// A finite number with this exponent: rounded, or with zeros behind.
fn with_exponent(number: &Number, exponent: i64, rounding: Rounding) -> PyResult<Number> {
    if number.is_zero() {
        return Ok(Number::zero(number.negative, exponent));
    }
    let zeros = number.exponent.saturating_sub(exponent);
    if zeros <= 0 {
        let (digits, _) = number.rounded_to(exponent, rounding);
        return Ok(Number::new(number.negative, digits, exponent));
    }
    if zeros.unsigned_abs() > MAX_DIGITS {
        return Err(memory_error());
    }
    Ok(Number::new(number.negative, number.digits.shl(zeros.unsigned_abs()), exponent))
}

/// The text of a finite number, without padding and groups.
fn finite_text(number: &Number, plan: &Plan, rounding: Rounding) -> PyResult<String> {
    let mut number = number.clone();
    if plan.style == Style::Percent {
        number.exponent += 2;
    }
    let fixed = matches!(plan.style, Style::Fixed | Style::Percent);
    let precision = match plan.spec.precision.map(i64::try_from) {
        Some(Ok(precision)) if precision <= MAX_PREC => Some(precision),
        Some(_) => return Err(too_large()),
        None => None,
    };
    if let Some(precision) = precision {
        number = match plan.style {
            Style::General if number.len() > precision.max(1) => {
                with_digits(number, precision.max(1), rounding)?
            }
            Style::Exponent if !number.is_zero() => with_digits(number, precision + 1, rounding)?,
            Style::Fixed | Style::Percent => with_exponent(&number, -precision, rounding)?,
            _ => number,
        };
    }
    if fixed && number.exponent > 0 {
        number = with_exponent(&number, 0, rounding)?;
    }
    if plan.spec.no_negative_zero && number.is_zero() {
        number.negative = false;
    }
    let digits = number.digits.to_text();
    let left = number.exponent + digits.len() as i64;
    let point = match plan.style {
        Style::Exponent => precision.filter(|_| number.is_zero()).map_or(1, |precision| 1 - precision),
        Style::General if number.exponent > 0 || left <= -6 => 1,
        _ => left,
    };
    if point.unsigned_abs() > MAX_DIGITS {
        return Err(memory_error());
    }
    let mut out = if number.negative { "-".to_owned() } else { String::new() };
    text::push_digits(&mut out, &digits, point);
    if plan.spec.alternate && point >= digits.len() as i64 {
        out.push('.');
    }
    if left != point || plan.style == Style::Exponent {
        text::push_exponent(&mut out, left - point, plan.upper);
    }
    Ok(out)
}

/// A text of the dict that stands for a locale.
fn override_text<'a>(
    thread: &'a Thread,
    given: &'a Obj<PyDict>,
    name: &str,
) -> PyResult<Option<&'a Obj<PyStr>>> {
    let Some(value) = given.get_str(thread, str::intern(thread, name)?) else { return Ok(None) };
    match value.downcast::<PyStr>() {
        Some(text) => Ok(Some(text)),
        None => Err(type_error("bad argument type for built-in operation")),
    }
}

/// Point, separator and sizes of groups, which the caller may give in a dict.
fn overridden(thread: &Thread, spec: &mut FormatSpec, given: &Obj<PyDict>) -> PyResult<Locale> {
    let mut locale = locale_for(spec).into_owned();
    if spec.grouping != Grouping::None {
        locale.thousands_separator = if spec.grouping == Grouping::Comma { "," } else { "_" }.into();
        locale.grouping = vec![3];
    }
    let bad = || value_error("invalid override dict");
    if let Some(point) = override_text(thread, given, "decimal_point")? {
        if !(1..=4).contains(&point.as_bytes().len()) {
            return Err(bad());
        }
        locale.decimal_point = point.as_wtf8().to_owned();
    }
    if let Some(separator) = override_text(thread, given, "thousands_sep")? {
        if separator.as_bytes().len() > 4 {
            return Err(bad());
        }
        locale.thousands_separator = separator.as_wtf8().to_owned();
    }
    if let Some(grouping) = override_text(thread, given, "grouping")? {
        let sizes =
            grouping.as_wtf8().code_points().map(|c| u8::try_from(c.to_u32()).ok().filter(|c| *c < 128));
        locale.grouping = sizes.collect::<Option<Vec<u8>>>().ok_or_else(bad)?;
    }
    // The type that takes all three from a locale.
    spec.code = Some(CodePoint::from_u8(b'n'));
    Ok(locale)
}

/// `Decimal.__format__(spec, override)`.
pub(super) fn format(
    thread: &mut Thread,
    this: &Obj<Decimal>,
    spec: Ref<'_>,
    overriding: Option<Ref<'_>>,
) -> PyResult {
    let Some(spec) = spec.downcast::<PyStr>() else { return Err(type_error("format arg must be str")) };
    let overriding = match overriding.map(|given| given.downcast::<PyDict>()) {
        Some(None) => return Err(type_error("optional argument must be a dict")),
        Some(given) => given,
        None => None,
    };
    let context = context::current(thread)?;
    let state = Context::state(thread, &context);
    let mut plan = plan(spec.as_wtf8(), state.capitals)?;
    if plan.deprecated {
        let message = "Format specifier 'N' is deprecated and slated for removal in Python 3.18";
        warn::warn(thread, &exception::DeprecationWarning, message)?;
    }
    let number = &this.number;
    let mut text = if number.kind == Kind::Finite {
        finite_text(number, &plan, state.env.rounding)?
    } else {
        if plan.zero_padded {
            plan.spec.align = Align::Right;
            plan.spec.fill = CodePoint::from_u8(b' ');
        }
        text::to_text(number, false, true)
    };
    if plan.style == Style::Percent {
        text.push('%');
    }
    let locale = match overriding {
        Some(given) => Cow::Owned(overridden(thread, &mut plan.spec, given)?),
        None => locale_for(&plan.spec),
    };
    let shown = plan.spec.lay_out(&text, &locale).map_err(format_error)?;
    str::from_wtf8(thread, &shown)
}
