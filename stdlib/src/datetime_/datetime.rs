//! `datetime`: a day and a time, with or without a zone.

use super::arguments::{Binding, int_or, text, zone_or};
use super::calendar::{self, Day};
use super::clock::{Clock, clock_attributes};
use super::date::{Date, day_of, strptime};
use super::delta::{self, DAY, Delta};
use super::time::{Time, call_with_fold, finish_repr, mixed, pickled, pickled_zone};
use super::tzinfo::{offset, utc, zone_name};
use super::{format, iso, moments};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::type_error;
use orochi_objects::types::{bytes, str, tuple};
use orochi_objects::{
    Args, CompareOp, Field, Obj, PyClass, PyResult, PyType, Ref, Thread, Value, alloc, class_of, float, hash,
    int, protocol, warn,
};

/// datetime(year, month, day[, hour[, minute[, second[, microsecond[,tzinfo]]]]])
///
/// The year, month and day arguments are required. tzinfo may be None, or an
/// instance of a tzinfo subclass. The remaining arguments may be ints.
///
#[pyclass(name = "datetime", module = "datetime", base = Date, subclassable)]
#[derive(Trace)]
pub(super) struct DateTime {
    date: Date,
    clock: Clock,
    /// None or a tzinfo.
    zone: Field,
}

static BINDING: Binding<9> = Binding {
    function: "function",
    names: ["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold"],
    required: 3,
    positional: 8,
};

/// A moment's numbers: a day and a time of it.
type Moment = (Day, Clock);

/// Microseconds since the day before the first, as the clock shows them.
fn microseconds((day, clock): Moment) -> i128 {
    i128::from(calendar::ordinal(day)) * DAY + clock.microseconds()
}

fn from_microseconds(microseconds: i128) -> PyResult<Moment> {
    // All datetimes lie within the range of a machine word, in which dividing is quick.
    if let Ok(small) = i64::try_from(microseconds) {
        let day = day_of(small.div_euclid(DAY as i64).into())?;
        return Ok((day, Clock::from_microseconds(small.rem_euclid(DAY as i64))));
    }
    let day = day_of(microseconds.div_euclid(DAY))?;
    Ok((day, Clock::from_microseconds(microseconds.rem_euclid(DAY) as i64)))
}

impl DateTime {
    pub(super) fn zone(&self) -> Ref<'_> {
        self.zone.fixed()
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    pub(super) fn moment(&self) -> Moment {
        (self.date.calendar_day(), self.clock)
    }

    fn microseconds(&self) -> i128 {
        microseconds(self.moment())
    }

    fn make(thread: &Thread, class: &Obj<PyType>, (day, clock): Moment, zone: Value) -> PyResult {
        let made = DateTime { date: Date::checked(day)?, clock, zone: Field::new_local(zone) };
        Ok(alloc(thread, class, made)?.into_value())
    }

    pub(super) fn object(thread: &Thread, moment: Moment, zone: Value) -> PyResult {
        DateTime::make(thread, DateTime::static_type().get(), moment, zone)
    }

    /// A datetime of this class; of a subclass, what calling it gives.
    fn of_class(thread: &mut Thread, class: &Obj<PyType>, (day, clock): Moment, zone: Value) -> PyResult {
        if std::ptr::eq(class, DateTime::static_type().get()) {
            return DateTime::make(thread, class, (day, clock), zone);
        }
        let mut args = Vec::new();
        for number in [day.0, day.1, day.2].into_iter().chain(clock.numbers().into_iter().take(4)) {
            args.push(int::new(thread, number.into())?);
        }
        args.push(zone);
        call_with_fold(thread, class, args, clock.fold)
    }

    /// A datetime of the same class and zone, so much later.
    pub(super) fn moved(thread: &mut Thread, this: &Obj<Self>, by: i128) -> PyResult {
        let moment = from_microseconds(this.microseconds() + by)?;
        DateTime::of_class(thread, class_of(this.get()), moment, this.zone().to_owned())
    }

    fn offset(this: &Obj<Self>, thread: &mut Thread) -> PyResult<Option<i128>> {
        offset(thread, this.zone(), "utcoffset", this.get())
    }

    /// What the offset is with another fold.
    fn offset_of_fold(this: &Obj<Self>, thread: &mut Thread, fold: u8) -> PyResult<Option<i128>> {
        if this.clock.fold == fold {
            return DateTime::offset(this, thread);
        }
        let moment = (this.date.calendar_day(), this.clock.with_fold(fold));
        let other = DateTime::object(thread, moment, this.zone().to_owned())?;
        match other.get().downcast::<DateTime>() {
            Some(other) => DateTime::offset(other, thread),
            None => Ok(None),
        }
    }

    /// Whether the fold says which offset it has: such a moment equals none in another zone (PEP 495).
    fn depends_on_fold(this: &Obj<Self>, thread: &mut Thread, offset: Option<i128>) -> PyResult<bool> {
        Ok(DateTime::offset_of_fold(this, thread, 1 - this.clock.fold)? != offset)
    }

    /// The moment that a class's `fromtimestamp` and `now` give.
    fn at(
        thread: &mut Thread,
        class: &Obj<PyType>,
        (seconds, microsecond): (i64, u32),
        zone: Ref<'_>,
        universal: bool,
    ) -> PyResult {
        let local = zone.is_none() && !universal;
        let (day, clock) = moments::broken_down(thread, seconds, local)?;
        let fold = local && moments::is_second(thread, seconds, day, &clock)?;
        let clock = Clock { microsecond, fold: fold.into(), ..clock };
        let made = DateTime::of_class(thread, class, (day, clock), zone.to_owned())?;
        if zone.is_none() {
            return Ok(made);
        }
        protocol::call_method(thread, zone, "fromutc", &[made.get()])
    }

    /// The zone of the system's clock when it shows this.
    fn local_zone(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (day, clock) = this.moment();
        let mut seconds = moments::from_local(thread, day, &clock)?;
        let other = moments::from_local(thread, day, &clock.with_fold(1 - clock.fold))?;
        // Different answers: the clock shows it twice, or never. In a gap the other answer is meant.
        if other != seconds && (other > seconds) == (clock.fold == 1) {
            seconds = other;
        }
        moments::local_zone(thread, seconds)
    }

    fn replaced(thread: &mut Thread, this: &Obj<Self>, parts: [Option<Ref<'_>>; 9]) -> PyResult {
        let [year, month, day, hour, minute, second, microsecond, zone, fold] = parts;
        let (old_day, clock) = this.moment();
        let day = (
            int_or(thread, year, old_day.0)?,
            int_or(thread, month, old_day.1)?,
            int_or(thread, day, old_day.2)?,
        );
        let mut numbers = [0; 5];
        let new = [hour, minute, second, microsecond, fold];
        for ((number, new), old) in numbers.iter_mut().zip(new).zip(clock.numbers()) {
            *number = int_or(thread, new, old)?;
        }
        let zone = zone_or(zone, this.zone())?.to_owned();
        Date::checked(day)?;
        DateTime::of_class(thread, class_of(this.get()), (day, Clock::new(numbers)?), zone)
    }

    fn state(&self, fold: bool) -> Vec<u8> {
        let [high, low, month, day] = self.date.state();
        let month = if fold { month | 0x80 } else { month };
        [[high, low, month, day].as_slice(), &self.clock.state()].concat()
    }

    fn reduced(thread: &mut Thread, this: &Obj<Self>, protocol: i64) -> PyResult {
        let state = this.state(protocol > 3 && this.clock.fold == 1);
        let mut args = vec![bytes::new(thread, &state)?];
        if !this.zone().is_none() {
            args.push(this.zone().to_owned());
        }
        let args = tuple::new(thread, args)?.into_value();
        tuple::of(thread, [class_of(this.get()).to_value(), args])
    }

    fn from_state(thread: &Thread, class: &Obj<PyType>, state: [u8; 10], zone: Ref<'_>) -> Option<PyResult> {
        let [high, low, month, day, clock @ ..] = state;
        let date = Date::from_state([high, low, month & 0x7F, day])?;
        let clock = Clock::from_state(clock, month & 0x80 != 0);
        Some(pickled_zone(zone).and_then(|zone| {
            Ok(alloc(thread, class, DateTime { date, clock, zone: Field::new_local(zone) })?.into_value())
        }))
    }

    /// The time between two datetimes.
    fn difference(thread: &mut Thread, left: &Obj<Self>, right: &Obj<Self>) -> PyResult<i128> {
        let shown = left.microseconds() - right.microseconds();
        if left.zone().is(right.zone()) {
            return Ok(shown);
        }
        match (DateTime::offset(left, thread)?, DateTime::offset(right, thread)?) {
            (None, None) => Ok(shown),
            (Some(left), Some(right)) => Ok(shown - (left - right)),
            _ => Err(type_error("can't subtract offset-naive and offset-aware datetimes")),
        }
    }
}

/// The character that `isoformat` puts between the date and the time.
fn separator(argument: Option<Ref<'_>>) -> PyResult<orochi_text::wtf8::Wtf8Buf> {
    let mut separator = orochi_text::wtf8::Wtf8Buf::with_capacity(4);
    let Some(argument) = argument else {
        separator.push_char('T');
        return Ok(separator);
    };
    let wrong = |got: String| {
        Err(type_error(format!("isoformat() argument 1 must be a unicode character, not {got}")))
    };
    match argument.downcast::<str::PyStr>() {
        Some(text) if text.len() == 1 => {
            separator.push_wtf8(text.as_wtf8());
            Ok(separator)
        }
        Some(text) => wrong(format!("a string of length {}", text.len())),
        None if argument.is_none() => wrong("None".to_owned()),
        None => wrong(class_of(argument).name().into_owned()),
    }
}

const UTCNOW: &str = "datetime.datetime.utcnow() is deprecated and scheduled for removal in a future version. Use \
                      timezone-aware objects to represent datetimes in UTC: datetime.datetime.now(datetime.UTC).";
const UTCFROMTIMESTAMP: &str = "datetime.datetime.utcfromtimestamp() is deprecated and scheduled for removal in a \
                                future version. Use timezone-aware objects to represent datetimes in UTC: \
                                datetime.datetime.fromtimestamp(timestamp, datetime.UTC).";

#[pymethods(parts(CLOCK, REPLACE))]
impl DateTime {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        if let Some((state, zone)) = pickled::<10>(&args, "datetime")?
            && let Some(made) = DateTime::from_state(thread, cls, state, zone)
        {
            return made;
        }
        let [year, month, day, hour, minute, second, microsecond, zone, fold] = BINDING.bind(&args)?;
        let day = (int_or(thread, year, 0)?, int_or(thread, month, 0)?, int_or(thread, day, 0)?);
        let mut numbers = [0; 5];
        for (number, given) in numbers.iter_mut().zip([hour, minute, second, microsecond, fold]) {
            *number = int_or(thread, given, 0)?;
        }
        let zone = zone_or(zone, Ref::NONE)?.to_owned();
        Date::checked(day)?;
        DateTime::make(thread, cls, (day, Clock::new(numbers)?), zone)
    }

    /// Returns new datetime object representing current time local to tz.
    ///
    ///   tz
    ///     Timezone object.
    ///
    /// If no tz is specified, uses local timezone.
    #[classmethod]
    #[signature(tz=None)]
    fn now(thread: &mut Thread, cls: &Obj<PyType>, tz: Option<Ref<'_>>) -> PyResult {
        let zone = zone_or(tz, Ref::NONE)?;
        let now = moments::now(thread)?;
        DateTime::at(thread, cls, now, zone, false)
    }

    /// Return a new datetime representing UTC day and time.
    #[classmethod]
    fn utcnow(thread: &mut Thread, cls: &Obj<PyType>) -> PyResult {
        warn::deprecation(thread, UTCNOW)?;
        let now = moments::now(thread)?;
        DateTime::at(thread, cls, now, Ref::NONE, true)
    }

    /// timestamp[, tz] -> tz's local time from POSIX timestamp.
    #[classmethod]
    #[signature(timestamp, tz=None)]
    #[no_text_signature]
    fn fromtimestamp(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        timestamp: Ref<'_>,
        tz: Option<Ref<'_>>,
    ) -> PyResult {
        let zone = zone_or(tz, Ref::NONE)?;
        let moment = moments::timestamp(thread, timestamp)?;
        DateTime::at(thread, cls, moment, zone, false)
    }

    /// Construct a naive UTC datetime from a POSIX timestamp.
    #[classmethod]
    #[signature(timestamp, /)]
    #[no_text_signature]
    fn utcfromtimestamp(thread: &mut Thread, cls: &Obj<PyType>, timestamp: Ref<'_>) -> PyResult {
        warn::deprecation(thread, UTCFROMTIMESTAMP)?;
        let moment = moments::timestamp(thread, timestamp)?;
        DateTime::at(thread, cls, moment, Ref::NONE, true)
    }

    /// string, format -> new datetime parsed from a string (like time.strptime()).
    #[classmethod]
    #[signature(string, format, /)]
    #[no_text_signature]
    #[name = "strptime"]
    fn strptime_(thread: &mut Thread, cls: &Obj<PyType>, string: Ref<'_>, format: Ref<'_>) -> PyResult {
        strptime(thread, cls, "_strptime_datetime_datetime", string, format)
    }

    /// date, time -> datetime with same date and time fields
    #[classmethod]
    #[signature(date, time, tzinfo=<missing>)]
    #[no_text_signature]
    fn combine(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        date: Ref<'_>,
        time: Ref<'_>,
        tzinfo: Option<Ref<'_>>,
    ) -> PyResult {
        let wrong = |i: usize, class: &str, got: Ref<'_>| {
            let got = class_of(got).name();
            type_error(format!("combine() argument {i} must be datetime.{class}, not {got}"))
        };
        let day = date.downcast::<Date>().ok_or_else(|| wrong(1, "date", date))?.calendar_day();
        let time = time.downcast::<Time>().ok_or_else(|| wrong(2, "time", time))?;
        let zone = zone_or(tzinfo, time.zone())?.to_owned();
        DateTime::of_class(thread, cls, (day, time.clock()), zone)
    }

    /// string -> datetime from a string in most ISO 8601 formats
    #[classmethod]
    #[signature(object, /)]
    fn fromisoformat(thread: &mut Thread, cls: &Obj<PyType>, object: Ref<'_>) -> PyResult {
        let text = iso::argument(object)?;
        let Some((day, read)) = iso::datetime(&iso::characters(text))? else {
            return Err(iso::invalid(thread, text));
        };
        let Some(read) = read else {
            return DateTime::of_class(thread, cls, (day, Clock::default()), Value::NONE);
        };
        let zone = read.zone(thread)?;
        let [hour, minute, second, microsecond] = read.parts;
        Date::checked(day)?;
        let clock = Clock::new([hour, minute, second, microsecond, 0])?;
        DateTime::of_class(thread, cls, (day, clock), zone)
    }

    /// Return date object with same year, month and day.
    fn date(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Date::object(thread, this.date.calendar_day())
    }

    /// Return time object with same time but with tzinfo=None.
    fn time(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Time::object(thread, this.clock, Value::NONE)
    }

    /// Return time object with same time and tzinfo.
    fn timetz(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Time::object(thread, this.clock, this.zone().to_owned())
    }

    /// Return ctime() style string.
    fn ctime(this: &Obj<Self>) -> String {
        format::ctime(this.date.calendar_day(), &this.clock)
    }

    /// Return time tuple, compatible with time.localtime().
    fn timetuple(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let saving = offset(thread, this.zone(), "dst", this.get())?;
        let flag = saving.map_or(-1, |saving| i32::from(saving != 0));
        format::struct_time(thread, this.date.calendar_day(), &this.clock, flag)
    }

    /// Return UTC time tuple, compatible with time.localtime().
    fn utctimetuple(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let offset = DateTime::offset(this, thread)?.unwrap_or(0);
        let (day, clock) = from_microseconds(this.microseconds() - offset)?;
        format::struct_time(thread, day, &clock, 0)
    }

    /// Return POSIX timestamp as float.
    fn timestamp(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (day, clock) = this.moment();
        if this.zone().is_none() {
            let seconds = moments::from_local(thread, day, &clock)?;
            return float::new(thread, seconds as f64 + f64::from(clock.microsecond) / 1e6);
        }
        let epoch = DateTime::object(thread, ((1970, 1, 1), Clock::default()), utc(thread)?)?;
        let Some(epoch) = epoch.get().downcast::<DateTime>() else { return Ok(Value::NONE) };
        let since = DateTime::difference(thread, this, epoch)?;
        let since = delta::new(thread, since)?;
        protocol::call_method(thread, since.get(), "total_seconds", &[])
    }

    /// [sep] -> string in ISO 8601 format, YYYY-MM-DDT[HH[:MM[:SS[.mmm[uuu]]]]][+HH:MM].
    /// sep is used to separate the year from the time, and defaults to 'T'.
    /// The optional argument timespec specifies the number of additional terms
    /// of the time to include. Valid options are 'auto', 'hours', 'minutes',
    /// 'seconds', 'milliseconds' and 'microseconds'.
    ///
    #[signature(sep=<missing>, timespec=<missing>)]
    #[no_text_signature]
    fn isoformat(
        thread: &mut Thread,
        this: &Obj<Self>,
        sep: Option<Ref<'_>>,
        timespec: Option<Ref<'_>>,
    ) -> PyResult {
        let separator = separator(sep)?;
        let timespec = timespec.map(|timespec| text(timespec, "isoformat", 2)).transpose()?;
        let timespec = timespec.map(|timespec| str::display(timespec.get()));
        let clock = this.clock.iso(timespec.as_deref())?;
        let (year, month, day) = this.date.calendar_day();
        let mut out = orochi_text::wtf8::Wtf8Buf::with_capacity(32);
        out.push_str(&format!("{year:04}-{month:02}-{day:02}"));
        out.push_wtf8(separator.as_wtf8());
        out.push_str(&clock);
        if let Some(offset) = DateTime::offset(this, thread)? {
            out.push_str(&super::tzinfo::shown_offset(offset, ":"));
        }
        str::from_wtf8(thread, out.as_wtf8())
    }

    /// Return self.tzinfo.utcoffset(self).
    fn utcoffset(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let offset = DateTime::offset(this, thread)?;
        offset.map(|offset| Ok(delta::new(thread, offset)?.into_value())).transpose()
    }

    /// Return self.tzinfo.tzname(self).
    fn tzname(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        zone_name(thread, this.zone(), this.get())
    }

    /// Return self.tzinfo.dst(self).
    fn dst(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let saving = offset(thread, this.zone(), "dst", this.get())?;
        saving.map(|saving| Ok(delta::new(thread, saving)?.into_value())).transpose()
    }

    /// tz -> convert to local time in new timezone tz
    ///
    #[signature(tz=None)]
    #[no_text_signature]
    fn astimezone(thread: &mut Thread, this: &Obj<Self>, tz: Option<Ref<'_>>) -> PyResult {
        let wanted = zone_or(tz, Ref::NONE)?;
        let mut own = this.zone().to_owned();
        let mut own_offset = None;
        if !own.get().is_none() {
            if own.get().is(wanted) {
                return Ok(this.to_value());
            }
            own_offset = DateTime::offset(this, thread)?;
        }
        let own_offset = match own_offset {
            Some(offset) => offset,
            None => {
                own = DateTime::local_zone(thread, this)?;
                offset(thread, own.get(), "utcoffset", this.get())?.unwrap_or(0)
            }
        };
        if own.get().is(wanted) {
            return Ok(this.to_value());
        }
        let moment = from_microseconds(this.microseconds() - own_offset)?;
        let zone = match wanted {
            none if none.is_none() => moments::local_zone(thread, moments::seconds(moment.0, &moment.1))?,
            wanted => wanted.to_owned(),
        };
        let universal = DateTime::of_class(thread, class_of(this.get()), moment, zone.clone())?;
        protocol::call_method(thread, zone.get(), "fromutc", &[universal.get()])
    }

    /// __reduce_ex__(proto) -> (cls, state)
    #[name = "__reduce_ex__"]
    #[no_text_signature]
    fn reduce_ex(thread: &mut Thread, this: &Obj<Self>, proto: i64) -> PyResult {
        DateTime::reduced(thread, this, proto)
    }

    /// __reduce__() -> (cls, state)
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        DateTime::reduced(thread, this, 2)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult<String> {
        let ((year, month, day), clock) = this.moment();
        let Clock { hour, minute, second, fold, microsecond } = clock;
        let class = class_of(this.get()).full_name();
        let mut text = format!("{class}({year}, {month}, {day}, {hour}, {minute}");
        if second != 0 || microsecond != 0 {
            text.push_str(&format!(", {second}"));
        }
        if microsecond != 0 {
            text.push_str(&format!(", {microsecond}"));
        }
        // Unlike `time`, it shows the fold first.
        if fold == 1 {
            text.push_str(", fold=1");
        }
        finish_repr(thread, text, this.zone(), 0)
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let space = str::new(thread, " ")?;
        protocol::call_method(thread, this.get(), "isoformat", &[space.get()])
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        // The zone is asked about the first of two moments, so that moments that are equal hash alike.
        match DateTime::offset_of_fold(this, thread, 0)? {
            Some(offset) => Delta::hash_of(thread, this.microseconds() - offset),
            None => Ok(hash::of_bytes(&this.state(false))),
        }
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(left), Some(right)) = (left.downcast::<Self>(), right.downcast::<Self>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let shown = left.microseconds().cmp(&right.microseconds());
        if left.zone().is(right.zone()) {
            return Ok(Value::bool(op.holds(shown)));
        }
        let offsets = (DateTime::offset(left, thread)?, DateTime::offset(right, thread)?);
        let order = match offsets {
            (None, None) => shown,
            (Some(a), Some(b)) => (left.microseconds() - a).cmp(&(right.microseconds() - b)),
            _ => return mixed(op, "datetimes"),
        };
        if order.is_eq() && matches!(op, CompareOp::Eq | CompareOp::Ne) {
            let differ = DateTime::depends_on_fold(left, thread, offsets.0)?
                || DateTime::depends_on_fold(right, thread, offsets.1)?;
            return Ok(Value::bool(differ == (op == CompareOp::Ne)));
        }
        Ok(Value::bool(op.holds(order)))
    }

    #[slot]
    fn nb_add(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let pair = match left.downcast::<Self>() {
            Some(moment) => right.downcast::<Delta>().map(|delta| (moment, delta)),
            None => right.downcast::<Self>().zip(left.downcast::<Delta>()),
        };
        match pair {
            Some((moment, delta)) => DateTime::moved(thread, moment, delta.total()),
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn nb_subtract(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let Some(moment) = left.downcast::<Self>() else { return Ok(Value::NOT_IMPLEMENTED) };
        if let Some(other) = right.downcast::<Self>() {
            let difference = DateTime::difference(thread, moment, other)?;
            return Ok(delta::new(thread, difference)?.into_value());
        }
        match right.downcast::<Delta>() {
            Some(delta) => DateTime::moved(thread, moment, -delta.total()),
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }
}

clock_attributes!(DateTime, CLOCK);

#[pymethods(part = REPLACE)]
impl DateTime {
    /// Return datetime with new specified fields.
    #[signature(year=<missing>, month=<missing>, day=<missing>, hour=<missing>, minute=<missing>, second=<missing>, microsecond=<missing>, tzinfo=<missing>, *, fold=<missing>)]
    #[text_signature = "($self, /, year=unchanged, month=unchanged, day=unchanged,\n        hour=unchanged, minute=unchanged, second=unchanged,\n        microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)"]
    #[also(name = "__replace__", doc = "The same as replace().", text_signature = "($self, /, **changes)")]
    #[allow(clippy::too_many_arguments, reason = "as many as the method has")]
    fn replace(
        thread: &mut Thread,
        this: &Obj<Self>,
        year: Option<Ref<'_>>,
        month: Option<Ref<'_>>,
        day: Option<Ref<'_>>,
        hour: Option<Ref<'_>>,
        minute: Option<Ref<'_>>,
        second: Option<Ref<'_>>,
        microsecond: Option<Ref<'_>>,
        tzinfo: Option<Ref<'_>>,
        fold: Option<Ref<'_>>,
    ) -> PyResult {
        let parts = [year, month, day, hour, minute, second, microsecond, tzinfo, fold];
        DateTime::replaced(thread, this, parts)
    }
}
