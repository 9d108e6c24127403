//! `date`, and `IsoCalendarDate`, what `isocalendar` gives.

use super::arguments::{Binding, int_or, state, text, within};
use super::calendar::{self, Day, IsoFault, MAX_ORDINAL, MAX_YEAR, MIN_YEAR};
use super::clock::Clock;
use super::datetime::DateTime;
use super::delta::{self, DAY, Delta};
use super::format::{self, Subject};
use super::{iso, iso_calendar, moments};
use crate::support::import_attr;
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{overflow_error, value_error};
use orochi_objects::types::{bytes, str, tuple};
use orochi_objects::{
    Args, CompareOp, Obj, PyClass, PyErr, PyResult, PyType, Ref, Thread, Value, alloc, class_of, hash, int,
    protocol,
};

/// date(year, month, day) --> date object
#[pyclass(name = "date", module = "datetime", subclassable)]
#[derive(Trace)]
pub(super) struct Date {
    year: u16,
    month: u8,
    day: u8,
}

static BINDING: Binding<3> =
    Binding { function: "function", names: ["year", "month", "day"], required: 3, positional: 3 };

/// OverflowError for the result of an addition.
pub(super) fn out_of_range() -> PyErr {
    overflow_error("date value out of range")
}

/// The day with an ordinal, or OverflowError.
pub(super) fn day_of(ordinal: i128) -> PyResult<Day> {
    match i64::try_from(ordinal) {
        Ok(ordinal) if (1..=MAX_ORDINAL).contains(&ordinal) => Ok(calendar::from_ordinal(ordinal)),
        _ => Err(out_of_range()),
    }
}

/// A format argument, and what it is applied to.
pub(super) fn formatted(thread: &mut Thread, this: Ref<'_>, format: Ref<'_>) -> PyResult {
    let format = text(format, "__format__", 1)?;
    if format.is_empty() {
        return protocol::str(thread, this);
    }
    protocol::call_method(thread, this, "strftime", &[format.get()])
}

/// `_strptime`'s function for a class.
pub(super) fn strptime(
    thread: &mut Thread,
    class: &Obj<PyType>,
    function: &str,
    string: Ref<'_>,
    format: Ref<'_>,
) -> PyResult {
    text(string, "strptime", 1)?;
    text(format, "strptime", 2)?;
    let function = import_attr(thread, "_strptime", function)?;
    protocol::call(thread, function.get(), &[class.get(), string, format])
}

impl Date {
    pub(super) fn checked((year, month, day): Day) -> PyResult<Date> {
        within("year", year, MIN_YEAR, MAX_YEAR)?;
        within("month", month, 1, 12)?;
        let last = calendar::days_in_month(year, month);
        if !(1..=last).contains(&day) {
            return Err(value_error(format!(
                "day {day} must be in range 1..{last} for month {month} in year {year}"
            )));
        }
        Ok(Date { year: year as u16, month: month as u8, day: day as u8 })
    }

    pub(super) fn calendar_day(&self) -> Day {
        (self.year.into(), self.month.into(), self.day.into())
    }

    /// A pickled state. Pickles are trusted as far as CPython trusts them.
    pub(super) fn from_state([high, low, month, day]: [u8; 4]) -> Option<Date> {
        (1..=12).contains(&month).then(|| Date { year: u16::from_be_bytes([high, low]), month, day })
    }

    pub(super) fn state(&self) -> [u8; 4] {
        let [high, low] = self.year.to_be_bytes();
        [high, low, self.month, self.day]
    }

    /// A date of this class; of a subclass, what calling it gives.
    fn of_class(thread: &mut Thread, class: &Obj<PyType>, day: Day) -> PyResult {
        if std::ptr::eq(class, Date::static_type().get()) {
            return Ok(alloc(thread, class, Date::checked(day)?)?.into_value());
        }
        let mut args = Vec::new();
        for number in [day.0, day.1, day.2] {
            args.push(int::new(thread, number.into())?);
        }
        protocol::call_args(thread, class.get(), Args::of_values(&args))
    }

    pub(super) fn object(thread: &mut Thread, day: Day) -> PyResult {
        Date::of_class(thread, Date::static_type().get(), day)
    }

    fn moved(thread: &mut Thread, date: &Obj<Date>, days: i128) -> PyResult {
        let day = day_of(i128::from(calendar::ordinal(date.calendar_day())) + days)?;
        Date::of_class(thread, class_of(date.get()), day)
    }

    fn replaced(thread: &mut Thread, this: &Obj<Self>, parts: [Option<Ref<'_>>; 3]) -> PyResult {
        let [year, month, day] = parts;
        let (old_year, old_month, old_day) = this.calendar_day();
        let day = (
            int_or(thread, year, old_year)?,
            int_or(thread, month, old_month)?,
            int_or(thread, day, old_day)?,
        );
        Date::of_class(thread, class_of(this.get()), day)
    }

    /// An ISO year, week and weekday argument as C's int; none is out of range as a ValueError.
    fn iso_part(thread: &mut Thread, value: Ref<'_>) -> PyResult<i32> {
        let number = int::index_clamped(thread, value)?;
        i32::try_from(number).map_err(|_| value_error("ISO calendar component out of range"))
    }
}

/// A date that isn't a datetime.
fn plain(object: Ref<'_>) -> Option<&Obj<Date>> {
    object.downcast::<Date>().filter(|_| object.downcast::<DateTime>().is_none())
}

#[pymethods]
impl Date {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        if let (Some(first), 1, 0) = (args.get(0), args.len(), args.keyword_count())
            && let Some(state) = state::<4>(first, "date")?
            && let Some(date) = Date::from_state(state)
        {
            return Ok(alloc(thread, cls, date)?.into_value());
        }
        let [year, month, day] = BINDING.bind(&args)?;
        let day = (int_or(thread, year, 0)?, int_or(thread, month, 0)?, int_or(thread, day, 0)?);
        Ok(alloc(thread, cls, Date::checked(day)?)?.into_value())
    }

    #[getter]
    fn year(this: &Obj<Self>) -> i32 {
        this.year.into()
    }

    #[getter]
    fn month(this: &Obj<Self>) -> i32 {
        this.month.into()
    }

    #[getter]
    fn day(this: &Obj<Self>) -> i32 {
        this.day.into()
    }

    /// Create a date from a POSIX timestamp.
    ///
    /// The timestamp is a number, e.g. created via time.time(), that is
    /// interpreted as local time.
    #[classmethod]
    #[signature(timestamp, /)]
    fn fromtimestamp(thread: &mut Thread, cls: &Obj<PyType>, timestamp: Ref<'_>) -> PyResult {
        // The day doesn't need the fraction; rounding it could reach the next day.
        let seconds = match orochi_objects::float::value(timestamp) {
            Some(number) if number.is_finite() => {
                let whole = orochi_objects::float::new(thread, number.floor())?;
                moments::timestamp(thread, whole.get())?.0
            }
            _ => moments::timestamp(thread, timestamp)?.0,
        };
        let (day, _) = moments::broken_down(thread, seconds, true)?;
        Date::of_class(thread, cls, day)
    }

    /// int -> date corresponding to a proleptic Gregorian ordinal.
    #[classmethod]
    #[signature(ordinal, /)]
    #[no_text_signature]
    fn fromordinal(thread: &mut Thread, cls: &Obj<PyType>, ordinal: Ref<'_>) -> PyResult {
        let ordinal = int_or(thread, Some(ordinal), 0)?;
        if ordinal < 1 {
            return Err(value_error("ordinal must be >= 1"));
        }
        let day = calendar::from_ordinal(ordinal.into());
        within("year", day.0, MIN_YEAR, MAX_YEAR)?;
        Date::of_class(thread, cls, day)
    }

    /// str -> Construct a date from a string in ISO 8601 format.
    #[classmethod]
    #[signature(object, /)]
    fn fromisoformat(thread: &mut Thread, cls: &Obj<PyType>, object: Ref<'_>) -> PyResult {
        let text = iso::argument(object)?;
        match iso::date(&iso::characters(text)) {
            Some(day) => Date::of_class(thread, cls, day),
            None => Err(iso::invalid(thread, text)),
        }
    }

    /// int, int, int -> Construct a date from the ISO year, week number and weekday.
    ///
    /// This is the inverse of the date.isocalendar() function
    #[classmethod]
    #[signature(year, week, day)]
    #[no_text_signature]
    fn fromisocalendar(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        year: Ref<'_>,
        week: Ref<'_>,
        day: Ref<'_>,
    ) -> PyResult {
        let year = Date::iso_part(thread, year)?;
        let week = Date::iso_part(thread, week)?;
        let weekday = Date::iso_part(thread, day)?;
        match calendar::from_iso(year, week, weekday) {
            Ok(day) => Date::of_class(thread, cls, day),
            Err(IsoFault::Year) => {
                within("year", year, MIN_YEAR, MAX_YEAR)?;
                Ok(Value::NONE)
            }
            Err(IsoFault::Week) => Err(value_error(format!("Invalid week: {week}"))),
            Err(IsoFault::Weekday) => {
                Err(value_error(format!("Invalid weekday: {weekday} (range is [1, 7])")))
            }
        }
    }

    /// string, format -> new date parsed from a string (like time.strptime()).
    #[classmethod]
    #[signature(string, format, /)]
    #[no_text_signature]
    #[name = "strptime"]
    fn strptime_(thread: &mut Thread, cls: &Obj<PyType>, string: Ref<'_>, format: Ref<'_>) -> PyResult {
        strptime(thread, cls, "_strptime_datetime_date", string, format)
    }

    /// Current date or datetime:  same as self.__class__.fromtimestamp(time.time()).
    #[classmethod]
    fn today(thread: &mut Thread, cls: &Obj<PyType>) -> PyResult {
        if std::ptr::eq(cls, Date::static_type().get()) {
            let (seconds, _) = moments::now(thread)?;
            let (day, _) = moments::broken_down(thread, seconds, true)?;
            return Date::object(thread, day);
        }
        let clock = import_attr(thread, "time", "time")?;
        let now = protocol::call(thread, clock.get(), &[])?;
        protocol::call_method(thread, cls.get(), "fromtimestamp", &[now.get()])
    }

    /// Return ctime() style string.
    fn ctime(this: &Obj<Self>) -> String {
        format::ctime(this.calendar_day(), &Clock::default())
    }

    /// format -> strftime() style string.
    #[signature(format)]
    #[no_text_signature]
    fn strftime(thread: &mut Thread, this: &Obj<Self>, format: Ref<'_>) -> PyResult {
        let format = text(format, "strftime", 1)?;
        let times = protocol::call_method(thread, this.get(), "timetuple", &[])?;
        let moment = this.get().downcast::<DateTime>();
        let (zone, microsecond) =
            moment.map_or((Ref::NONE, 0), |moment| (moment.zone(), moment.clock().microsecond));
        let (year, month, day) = this.calendar_day();
        let subject = Subject { zone, moment: this.get(), microsecond, year, month, day };
        format::strftime(thread, &subject, format, &times)
    }

    /// Formats self with strftime.
    #[name = "__format__"]
    #[no_text_signature]
    fn format(thread: &mut Thread, this: &Obj<Self>, format: Ref<'_>) -> PyResult {
        formatted(thread, this.get(), format)
    }

    /// Return string in ISO 8601 format, YYYY-MM-DD.
    fn isoformat(this: &Obj<Self>) -> String {
        let (year, month, day) = this.calendar_day();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// Return the day of the week represented by the date.
    /// Monday == 1 ... Sunday == 7
    fn isoweekday(this: &Obj<Self>) -> i32 {
        calendar::weekday(this.calendar_day()) + 1
    }

    /// Return a named tuple containing ISO year, week number, and weekday.
    fn isocalendar(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        iso_calendar::new(thread, calendar::iso(this.calendar_day()))
    }

    /// Return the day of the week represented by the date.
    /// Monday == 0 ... Sunday == 6
    fn weekday(this: &Obj<Self>) -> i32 {
        calendar::weekday(this.calendar_day())
    }

    /// Return proleptic Gregorian ordinal.  January 1 of year 1 is day 1.
    fn toordinal(this: &Obj<Self>) -> i64 {
        calendar::ordinal(this.calendar_day())
    }

    /// Return time tuple, compatible with time.localtime().
    fn timetuple(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        format::struct_time(thread, this.calendar_day(), &Clock::default(), -1)
    }

    /// Return date with new specified fields.
    #[signature(year=<missing>, month=<missing>, day=<missing>)]
    #[text_signature = "($self, /, year=unchanged, month=unchanged, day=unchanged)"]
    #[also(name = "__replace__", doc = "The same as replace().", text_signature = "($self, /, **changes)")]
    fn replace(
        thread: &mut Thread,
        this: &Obj<Self>,
        year: Option<Ref<'_>>,
        month: Option<Ref<'_>>,
        day: Option<Ref<'_>>,
    ) -> PyResult {
        Date::replaced(thread, this, [year, month, day])
    }

    /// __reduce__() -> (cls, state)
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let state = bytes::new(thread, &this.state())?;
        let args = tuple::of(thread, [state])?;
        tuple::of(thread, [class_of(this.get()).to_value(), args])
    }

    #[slot]
    fn tp_repr(this: &Obj<Self>) -> String {
        let (year, month, day) = this.calendar_day();
        format!("{}({year}, {month}, {day})", class_of(this.get()).full_name())
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        protocol::call_method(thread, this.get(), "isoformat", &[])
    }

    #[slot]
    fn tp_hash(this: &Obj<Self>) -> PyResult<i64> {
        Ok(hash::of_bytes(&this.state()))
    }

    #[slot]
    fn tp_richcompare(_thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        Ok(match (left.downcast::<Self>(), plain(right)) {
            (Some(left), Some(right)) => {
                Value::bool(op.holds(left.calendar_day().cmp(&right.calendar_day())))
            }
            _ => Value::NOT_IMPLEMENTED,
        })
    }

    #[slot]
    fn nb_add(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        match (plain(left), right.downcast::<Delta>(), left.downcast::<Delta>(), plain(right)) {
            (Some(date), Some(delta), ..) | (.., Some(delta), Some(date)) => {
                Date::moved(thread, date, delta.total().div_euclid(DAY))
            }
            _ => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn nb_subtract(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let Some(date) = plain(left) else { return Ok(Value::NOT_IMPLEMENTED) };
        if let Some(other) = plain(right) {
            let days = calendar::ordinal(date.calendar_day()) - calendar::ordinal(other.calendar_day());
            return Ok(delta::new(thread, i128::from(days) * DAY)?.into_value());
        }
        match right.downcast::<Delta>() {
            Some(delta) => Date::moved(thread, date, -delta.total().div_euclid(DAY)),
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }
}
