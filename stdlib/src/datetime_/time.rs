//! `time`: a time of day with or without a zone.

use super::arguments::{Binding, check_zone, int_or, state, text, zone_or};
use super::clock::{Clock, clock_attributes};
use super::date::{formatted, strptime};
use super::delta::{self, Delta};
use super::format::{self, Subject};
use super::iso;
use super::tzinfo::{offset, zone_name};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::type_error;
use orochi_objects::types::{bytes, str, tuple};
use orochi_objects::{
    Args, CompareOp, Field, Obj, PyClass, PyResult, PyType, Ref, Thread, Value, alloc, class_of, hash, int,
    protocol,
};

/// time([hour[, minute[, second[, microsecond[, tzinfo]]]]]) --> a time object
///
/// All arguments are optional. tzinfo may be None, or an instance of
/// a tzinfo subclass. The remaining arguments may be ints.
///
#[pyclass(name = "time", module = "datetime", subclassable)]
#[derive(Trace)]
pub(super) struct Time {
    clock: Clock,
    /// None or a tzinfo.
    zone: Field,
}

static BINDING: Binding<6> = Binding {
    function: "function",
    names: ["hour", "minute", "second", "microsecond", "tzinfo", "fold"],
    required: 0,
    positional: 5,
};

/// Keywords with which the second of two times is asked for.
pub(super) fn call_with_fold(
    thread: &mut Thread,
    class: &Obj<PyType>,
    mut args: Vec<Value>,
    fold: u8,
) -> PyResult {
    if fold == 0 {
        return protocol::call_args(thread, class.get(), Args::of_values(&args));
    }
    let name = str::intern(thread, "fold")?.to_value();
    let names = tuple::new(thread, vec![name])?;
    args.push(int::new(thread, fold.into())?);
    let args: Vec<Ref<'_>> = args.iter().map(Value::get).collect();
    protocol::call_args(thread, class.get(), Args::with_names(&args, Some(&names)))
}

/// The arguments `(state[, tzinfo])` of a pickle.
pub(super) fn pickled<'a, const N: usize>(
    args: &Args<'a>,
    class: &str,
) -> PyResult<Option<([u8; N], Ref<'a>)>> {
    let (Some(first), 1..=2, 0) = (args.get(0), args.len(), args.keyword_count()) else { return Ok(None) };
    Ok(state::<N>(first, class)?.map(|state| (state, args.get(1).unwrap_or(Ref::NONE))))
}

/// The zone of a pickle.
pub(super) fn pickled_zone(zone: Ref<'_>) -> PyResult<Value> {
    check_zone(zone).map_err(|_| type_error("bad tzinfo state arg"))?;
    Ok(zone.to_owned())
}

impl Time {
    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    pub(super) fn zone(&self) -> Ref<'_> {
        self.zone.fixed()
    }

    fn make(thread: &Thread, class: &Obj<PyType>, clock: Clock, zone: Value) -> PyResult {
        Ok(alloc(thread, class, Time { clock, zone: Field::new_local(zone) })?.into_value())
    }

    pub(super) fn object(thread: &Thread, clock: Clock, zone: Value) -> PyResult {
        Time::make(thread, Time::static_type().get(), clock, zone)
    }

    /// A time of this class; of a subclass, what calling it gives.
    fn of_class(thread: &mut Thread, class: &Obj<PyType>, clock: Clock, zone: Value) -> PyResult {
        if std::ptr::eq(class, Time::static_type().get()) {
            return Time::make(thread, class, clock, zone);
        }
        let mut args = Vec::new();
        for number in clock.numbers().into_iter().take(4) {
            args.push(int::new(thread, number.into())?);
        }
        args.push(zone);
        call_with_fold(thread, class, args, clock.fold)
    }

    fn offset(&self, thread: &mut Thread) -> PyResult<Option<i128>> {
        offset(thread, self.zone(), "utcoffset", Ref::NONE)
    }

    fn replaced(thread: &mut Thread, this: &Obj<Self>, parts: [Option<Ref<'_>>; 6]) -> PyResult {
        let [hour, minute, second, microsecond, zone, fold] = parts;
        let old = this.clock.numbers();
        let mut numbers = [0; 5];
        for ((number, new), old) in numbers.iter_mut().zip([hour, minute, second, microsecond, fold]).zip(old)
        {
            *number = int_or(thread, new, old)?;
        }
        let zone = zone_or(zone, this.zone())?.to_owned();
        Time::of_class(thread, class_of(this.get()), Clock::new(numbers)?, zone)
    }

    fn reduced(thread: &mut Thread, this: &Obj<Self>, protocol: i64) -> PyResult {
        let mut state = this.clock.state();
        if protocol > 3 && this.clock.fold == 1 {
            state[0] |= 0x80;
        }
        let mut args = vec![bytes::new(thread, &state)?];
        if !this.zone().is_none() {
            args.push(this.zone().to_owned());
        }
        let args = tuple::new(thread, args)?.into_value();
        tuple::of(thread, [class_of(this.get()).to_value(), args])
    }
}

clock_attributes!(Time, CLOCK);

#[pymethods(parts(CLOCK))]
impl Time {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        if let Some((mut state, zone)) = pickled::<6>(&args, "time")?
            && state[0] & 0x7F < 24
        {
            let fold = state[0] & 0x80 != 0;
            state[0] &= 0x7F;
            return Time::make(thread, cls, Clock::from_state(state, fold), pickled_zone(zone)?);
        }
        let [hour, minute, second, microsecond, zone, fold] = BINDING.bind(&args)?;
        let mut numbers = [0; 5];
        for (number, given) in numbers.iter_mut().zip([hour, minute, second, microsecond, fold]) {
            *number = int_or(thread, given, 0)?;
        }
        let zone = zone_or(zone, Ref::NONE)?.to_owned();
        Time::make(thread, cls, Clock::new(numbers)?, zone)
    }

    /// string, format -> new time parsed from a string (like time.strptime()).
    #[classmethod]
    #[signature(string, format, /)]
    #[no_text_signature]
    #[name = "strptime"]
    fn strptime_(thread: &mut Thread, cls: &Obj<PyType>, string: Ref<'_>, format: Ref<'_>) -> PyResult {
        strptime(thread, cls, "_strptime_datetime_time", string, format)
    }

    /// string -> time from a string in ISO 8601 format
    #[classmethod]
    #[signature(object, /)]
    fn fromisoformat(thread: &mut Thread, cls: &Obj<PyType>, object: Ref<'_>) -> PyResult {
        let text = iso::argument(object)?;
        let characters = iso::characters(text);
        // The letter that says that a time follows may be there.
        let read = iso::time(characters.strip_prefix(b"T").unwrap_or(&characters))?;
        let Some(read) = read else { return Err(iso::invalid(thread, text)) };
        let [hour, minute, second, microsecond] = read.parts;
        let zone = read.zone(thread)?;
        let clock = Clock::new([hour, minute, second, microsecond, 0])?;
        Time::of_class(thread, cls, clock, zone)
    }

    /// Return string in ISO 8601 format, [HH[:MM[:SS[.mmm[uuu]]]]][+HH:MM].
    ///
    /// The optional argument timespec specifies the number of additional terms
    /// of the time to include. Valid options are 'auto', 'hours', 'minutes',
    /// 'seconds', 'milliseconds' and 'microseconds'.
    ///
    #[signature(timespec=<missing>)]
    #[no_text_signature]
    fn isoformat(thread: &mut Thread, this: &Obj<Self>, timespec: Option<Ref<'_>>) -> PyResult<String> {
        let timespec = timespec.map(|timespec| text(timespec, "isoformat", 1)).transpose()?;
        let timespec = timespec.map(|timespec| str::display(timespec.get()));
        let shown = this.clock.iso(timespec.as_deref())?;
        Ok(match this.offset(thread)? {
            Some(offset) => shown + &super::tzinfo::shown_offset(offset, ":"),
            None => shown,
        })
    }

    /// format -> strftime() style string.
    #[signature(format)]
    #[no_text_signature]
    fn strftime(thread: &mut Thread, this: &Obj<Self>, format: Ref<'_>) -> PyResult {
        let format = text(format, "strftime", 1)?;
        let times = format::time_tuple(thread, &this.clock)?;
        let microsecond = this.clock.microsecond;
        let subject =
            Subject { zone: this.zone(), moment: Ref::NONE, microsecond, year: 1900, month: 1, day: 1 };
        format::strftime(thread, &subject, format, &times)
    }

    /// Formats self with strftime.
    #[name = "__format__"]
    #[no_text_signature]
    fn format(thread: &mut Thread, this: &Obj<Self>, format: Ref<'_>) -> PyResult {
        formatted(thread, this.get(), format)
    }

    /// Return self.tzinfo.utcoffset(self).
    fn utcoffset(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let offset = this.offset(thread)?;
        offset.map(|offset| Ok(delta::new(thread, offset)?.into_value())).transpose()
    }

    /// Return self.tzinfo.tzname(self).
    fn tzname(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        zone_name(thread, this.zone(), Ref::NONE)
    }

    /// Return self.tzinfo.dst(self).
    fn dst(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let saving = offset(thread, this.zone(), "dst", Ref::NONE)?;
        saving.map(|saving| Ok(delta::new(thread, saving)?.into_value())).transpose()
    }

    /// Return time with new specified fields.
    #[signature(hour=<missing>, minute=<missing>, second=<missing>, microsecond=<missing>, tzinfo=<missing>, *, fold=<missing>)]
    #[text_signature = "($self, /, hour=unchanged, minute=unchanged, second=unchanged,\n        microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)"]
    #[also(name = "__replace__", doc = "The same as replace().", text_signature = "($self, /, **changes)")]
    fn replace(
        thread: &mut Thread,
        this: &Obj<Self>,
        hour: Option<Ref<'_>>,
        minute: Option<Ref<'_>>,
        second: Option<Ref<'_>>,
        microsecond: Option<Ref<'_>>,
        tzinfo: Option<Ref<'_>>,
        fold: Option<Ref<'_>>,
    ) -> PyResult {
        Time::replaced(thread, this, [hour, minute, second, microsecond, tzinfo, fold])
    }

    /// __reduce_ex__(proto) -> (cls, state)
    #[name = "__reduce_ex__"]
    #[no_text_signature]
    fn reduce_ex(thread: &mut Thread, this: &Obj<Self>, proto: i64) -> PyResult {
        Time::reduced(thread, this, proto)
    }

    /// __reduce__() -> (cls, state)
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Time::reduced(thread, this, 2)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult<String> {
        let Clock { hour, minute, second, fold, microsecond } = this.clock;
        let mut text = format!("{}({hour}, {minute}", class_of(this.get()).full_name());
        if second != 0 || microsecond != 0 {
            text.push_str(&format!(", {second}"));
        }
        if microsecond != 0 {
            text.push_str(&format!(", {microsecond}"));
        }
        finish_repr(thread, text, this.zone(), fold)
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        protocol::call_method(thread, this.get(), "isoformat", &[])
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        // The zone is asked about the first of two times, so that times that are equal hash alike.
        let offset = if this.clock.fold == 1 {
            let first = Time::object(thread, this.clock.with_fold(0), this.zone().to_owned())?;
            let offset = first.get().downcast::<Time>().map(|first| first.offset(thread));
            offset.transpose()?.flatten()
        } else {
            this.offset(thread)?
        };
        match offset {
            Some(offset) => Delta::hash_of(thread, this.clock.microseconds() - offset),
            None => Ok(hash::of_bytes(&this.clock.state())),
        }
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(left), Some(right)) = (left.downcast::<Self>(), right.downcast::<Self>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let shown = (left.clock.microseconds(), right.clock.microseconds());
        if left.zone().is(right.zone()) {
            return Ok(Value::bool(op.holds(shown.0.cmp(&shown.1))));
        }
        let offsets = (left.offset(thread)?, right.offset(thread)?);
        match offsets {
            (None, None) => Ok(Value::bool(op.holds(shown.0.cmp(&shown.1)))),
            (Some(a), Some(b)) => Ok(Value::bool(op.holds((shown.0 - a).cmp(&(shown.1 - b))))),
            _ => mixed(op, "times"),
        }
    }
}

/// How an object with an offset compares with one without.
pub(super) fn mixed(op: CompareOp, what: &str) -> PyResult {
    match op {
        CompareOp::Eq => Ok(Value::FALSE),
        CompareOp::Ne => Ok(Value::TRUE),
        _ => Err(type_error(format!("can't compare offset-naive and offset-aware {what}"))),
    }
}

/// Adds the fold and the zone to a repr, and its parenthesis.
pub(super) fn finish_repr(
    thread: &mut Thread,
    mut text: String,
    zone: Ref<'_>,
    fold: u8,
) -> PyResult<String> {
    if !zone.is_none() {
        let shown = protocol::repr(thread, zone)?;
        text.push_str(&format!(", tzinfo={}", str::display(shown.get())));
    }
    if fold == 1 {
        text.push_str(", fold=1");
    }
    text.push(')');
    Ok(text)
}
