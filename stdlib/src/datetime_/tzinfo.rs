//! `tzinfo`, what the other classes ask of one, and `timezone`.

use super::arguments::text;
use super::datetime::DateTime;
use super::delta::{self, DAY, Delta};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{not_implemented_error, type_error, value_error};
use orochi_objects::types::{str, tuple};
use orochi_objects::{
    Args, CompareOp, Field, Obj, PyErr, PyResult, PyType, Ref, Thread, Value, alloc, class_of, make, name,
    protocol,
};
use std::sync::OnceLock;

/// Abstract base class for time zone info objects.
#[pyclass(name = "tzinfo", module = "datetime", subclassable)]
#[derive(Trace)]
pub(super) struct TzInfo {}

fn abstract_method(method: &str) -> PyErr {
    not_implemented_error(format!("a tzinfo subclass must implement {method}()"))
}

/// What a zone's `utcoffset` or `dst` says, in microseconds.
pub(super) fn offset(
    thread: &mut Thread,
    zone: Ref<'_>,
    method: &str,
    moment: Ref<'_>,
) -> PyResult<Option<i128>> {
    if zone.is_none() {
        return Ok(None);
    }
    let answer = protocol::call_method(thread, zone, method, &[moment])?;
    if answer.get().is_none() {
        return Ok(None);
    }
    let Some(offset) = answer.get().downcast::<Delta>() else {
        let class = class_of(answer.get()).name();
        return Err(type_error(format!("tzinfo.{method}() must return None or a timedelta, not '{class}'")));
    };
    check_offset(thread, offset)?;
    Ok(Some(offset.total()))
}

/// A zone's `tzname`: a str or None.
pub(super) fn zone_name(thread: &mut Thread, zone: Ref<'_>, moment: Ref<'_>) -> PyResult {
    if zone.is_none() {
        return Ok(Value::NONE);
    }
    let answer = protocol::call_method(thread, zone, "tzname", &[moment])?;
    if answer.get().is_none() || answer.get().downcast::<str::PyStr>().is_some() {
        return Ok(answer);
    }
    let class = class_of(answer.get()).name();
    Err(type_error(format!("tzinfo.tzname() must return None or a string, not '{class}'")))
}

fn check_offset(thread: &mut Thread, offset: &Obj<Delta>) -> PyResult<()> {
    if offset.total().abs() < DAY {
        return Ok(());
    }
    let shown = delta::repr(thread, offset.get())?;
    Err(value_error(format!(
        "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not {shown}"
    )))
}

/// The datetime argument of `fromutc`, which has to be in this zone.
fn utc_argument<'a>(zone: Ref<'_>, argument: Ref<'a>) -> PyResult<&'a Obj<DateTime>> {
    let moment =
        argument.downcast::<DateTime>().ok_or_else(|| type_error("fromutc: argument must be a datetime"))?;
    if !moment.zone().is(zone) {
        return Err(value_error("fromutc: dt.tzinfo is not self"));
    }
    Ok(moment)
}

#[pymethods]
impl TzInfo {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: Args<'_>) -> PyResult {
        Ok(alloc(thread, cls, TzInfo {})?.into_value())
    }

    /// datetime -> string name of time zone.
    #[signature(object, /)]
    fn tzname(_this: &Obj<Self>, _object: Ref<'_>) -> PyResult {
        Err(abstract_method("tzname"))
    }

    /// datetime -> timedelta showing offset from UTC, negative values indicating West of UTC
    #[signature(object, /)]
    fn utcoffset(_this: &Obj<Self>, _object: Ref<'_>) -> PyResult {
        Err(abstract_method("utcoffset"))
    }

    /// datetime -> DST offset as timedelta positive east of UTC.
    #[signature(object, /)]
    fn dst(_this: &Obj<Self>, _object: Ref<'_>) -> PyResult {
        Err(abstract_method("dst"))
    }

    /// datetime in UTC -> datetime in local time.
    #[signature(object, /)]
    fn fromutc(thread: &mut Thread, this: &Obj<Self>, object: Ref<'_>) -> PyResult {
        let zone = this.get();
        let moment = utc_argument(zone, object)?;
        let from_utc = offset(thread, zone, "utcoffset", object)?
            .ok_or_else(|| value_error("fromutc: non-None utcoffset() result required"))?;
        let saving = offset(thread, zone, "dst", object)?
            .ok_or_else(|| value_error("fromutc: non-None dst() result required"))?;
        // The zone's standard offset first: with it, the zone can say whether it saves daylight then.
        let standard = from_utc - saving;
        if standard == 0 {
            return DateTime::moved(thread, moment, saving);
        }
        let moved = DateTime::moved(thread, moment, standard)?;
        let saving = offset(thread, zone, "dst", moved.get())?
            .ok_or_else(|| value_error("fromutc: tz.dst() gave inconsistent results; cannot convert"))?;
        match moved.get().downcast::<DateTime>() {
            Some(moment) if saving != 0 => DateTime::moved(thread, moment, saving),
            _ => Ok(moved),
        }
    }

    /// -> (cls, state)
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let args = match protocol::find_attr(thread, this.get(), name!("__getinitargs__"))? {
            Some(method) => protocol::call(thread, method.get(), &[])?,
            None => tuple::empty(thread).to_value(),
        };
        let state = protocol::call_method(thread, this.get(), "__getstate__", &[])?;
        tuple::of(thread, [class_of(this.get()).to_value(), args, state])
    }
}

/// Fixed offset from UTC implementation of tzinfo.
#[pyclass(name = "timezone", module = "datetime", base = TzInfo)]
#[derive(Trace)]
pub(super) struct TimeZone {
    offset: Field,
    /// A str, or None.
    name: Field,
}

static UTC: OnceLock<&'static Obj<TimeZone>> = OnceLock::new();

/// `timezone.utc`.
pub(super) fn utc(thread: &Thread) -> PyResult {
    if let Some(utc) = UTC.get() {
        return Ok(utc.to_value());
    }
    let offset = Field::new_local(delta::new(thread, 0)?.into_value());
    let made = make(thread, TimeZone { offset, name: Field::new_local(Value::NONE) })?;
    Ok(UTC.get_or_init(|| made.immortalise()).to_value())
}

/// A zone with an offset that has been checked.
pub(super) fn fixed(thread: &Thread, microseconds: i128, name: Value) -> PyResult {
    if microseconds == 0 && name.get().is_none() {
        return utc(thread);
    }
    let offset = Field::new_local(delta::new(thread, microseconds)?.into_value());
    Ok(make(thread, TimeZone { offset, name: Field::new_local(name) })?.into_value())
}

/// A zone with an offset that may be too large.
pub(super) fn checked(thread: &mut Thread, offset: &Obj<Delta>, name: Value) -> PyResult {
    check_offset(thread, offset)?;
    if offset.total() == 0 && name.get().is_none() {
        return utc(thread);
    }
    let zone = TimeZone { offset: Field::new_local(offset.to_value()), name: Field::new_local(name) };
    Ok(make(thread, zone)?.into_value())
}

/// `+HH:MM[:SS[.ffffff]]` with a separator.
pub(super) fn shown_offset(microseconds: i128, separator: &str) -> String {
    let sign = if microseconds < 0 { '-' } else { '+' };
    let rest = microseconds.abs();
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = format!("{sign}{hours:02}{separator}{minutes:02}");
    if seconds != 0 || fraction != 0 {
        text.push_str(&format!("{separator}{seconds:02}"));
    }
    if fraction != 0 {
        text.push_str(&format!(".{fraction:06}"));
    }
    text
}

impl TimeZone {
    fn microseconds(&self) -> i128 {
        self.offset.fixed().downcast::<Delta>().map_or(0, |offset| offset.total())
    }

    fn is_utc(this: &Obj<Self>) -> bool {
        UTC.get().is_some_and(|utc| std::ptr::eq(*utc, this))
    }

    fn shown(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let name = this.name.fixed();
        if !name.is_none() {
            return Ok(name.to_owned());
        }
        let microseconds = this.microseconds();
        if microseconds == 0 {
            return str::new(thread, "UTC");
        }
        str::new(thread, &format!("UTC{}", shown_offset(microseconds, ":")))
    }

    fn check_argument(argument: Ref<'_>, method: &str) -> PyResult<()> {
        if argument.is_none() || argument.downcast::<DateTime>().is_some() {
            return Ok(());
        }
        let class = class_of(argument).name();
        Err(type_error(format!("{method}(dt) argument must be a datetime instance or None, not {class}")))
    }
}

#[pymethods]
impl TimeZone {
    #[new]
    #[no_text_signature]
    #[signature(offset, name=<missing>)]
    fn new(thread: &mut Thread, _cls: &Obj<PyType>, offset: Ref<'_>, name: Option<Ref<'_>>) -> PyResult {
        let Some(offset) = offset.downcast::<Delta>() else {
            let class = class_of(offset).name();
            return Err(type_error(format!("timezone() argument 1 must be datetime.timedelta, not {class}")));
        };
        let name = match name {
            Some(name) => text(name, "timezone", 2)?.to_value(),
            None => Value::NONE,
        };
        checked(thread, offset, name)
    }

    /// If name is specified when timezone is created, returns the name.  Otherwise returns offset as 'UTC(+|-)HH:MM'.
    #[signature(object, /)]
    fn tzname(thread: &mut Thread, this: &Obj<Self>, object: Ref<'_>) -> PyResult {
        TimeZone::check_argument(object, "tzname")?;
        TimeZone::shown(thread, this)
    }

    /// Return fixed offset.
    #[signature(object, /)]
    fn utcoffset(this: &Obj<Self>, object: Ref<'_>) -> PyResult {
        TimeZone::check_argument(object, "utcoffset")?;
        Ok(this.offset.fixed().to_owned())
    }

    /// Return None.
    #[signature(object, /)]
    fn dst(_this: &Obj<Self>, object: Ref<'_>) -> PyResult<()> {
        TimeZone::check_argument(object, "dst")
    }

    /// datetime in UTC -> datetime in local time.
    #[signature(object, /)]
    fn fromutc(thread: &mut Thread, this: &Obj<Self>, object: Ref<'_>) -> PyResult {
        let moment = utc_argument(this.get(), object)?;
        DateTime::moved(thread, moment, this.microseconds())
    }

    /// pickle support
    #[name = "__getinitargs__"]
    fn getinitargs(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut args = vec![this.offset.fixed().to_owned()];
        if !this.name.fixed().is_none() {
            args.push(this.name.fixed().to_owned());
        }
        Ok(tuple::new(thread, args)?.into_value())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult<String> {
        let class = class_of(this.get()).full_name();
        if TimeZone::is_utc(this) {
            return Ok(format!("{class}.utc"));
        }
        let offset = delta::repr(thread, this.offset.fixed())?;
        if this.name.fixed().is_none() {
            return Ok(format!("{class}({offset})"));
        }
        let name = protocol::repr(thread, this.name.fixed())?;
        Ok(format!("{class}({offset}, {})", str::display(name.get())))
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        TimeZone::shown(thread, this)
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        Delta::hash_of(thread, this.microseconds())
    }

    #[slot]
    fn tp_richcompare(_thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(left), Some(right)) = (left.downcast::<Self>(), right.downcast::<Self>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let equal = left.microseconds() == right.microseconds();
        Ok(match op {
            CompareOp::Eq => Value::bool(equal),
            CompareOp::Ne => Value::bool(!equal),
            _ => Value::NOT_IMPLEMENTED,
        })
    }
}
