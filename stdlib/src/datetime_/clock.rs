//! A time of day, as `time` and `datetime` have it.

use super::arguments::within;
use orochi_macros::Trace;
use orochi_objects::PyResult;
use orochi_objects::error::value_error;

/// A time of day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Trace)]
pub(super) struct Clock {
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    /// 1 for the second of two times that the clock shows alike.
    pub(super) fold: u8,
    pub(super) microsecond: u32,
}

impl Clock {
    /// A time of day from numbers that are checked.
    pub(super) fn new([hour, minute, second, microsecond, fold]: [i32; 5]) -> PyResult<Clock> {
        within("hour", hour, 0, 23)?;
        within("minute", minute, 0, 59)?;
        within("second", second, 0, 59)?;
        within("microsecond", microsecond, 0, 999_999)?;
        if !(0..=1).contains(&fold) {
            return Err(value_error(format!("fold must be either 0 or 1, not {fold}")));
        }
        Ok(Clock {
            hour: hour as u8,
            minute: minute as u8,
            second: second as u8,
            fold: fold as u8,
            microsecond: microsecond as u32,
        })
    }

    /// From microseconds since midnight, less than a day of them.
    pub(super) fn from_microseconds(microseconds: i64) -> Clock {
        let seconds = microseconds / 1_000_000;
        Clock {
            hour: (seconds / 3600) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
            fold: 0,
            microsecond: (microseconds % 1_000_000) as u32,
        }
    }

    pub(super) fn seconds(&self) -> i64 {
        i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)
    }

    pub(super) fn microseconds(&self) -> i128 {
        i128::from(self.seconds()) * 1_000_000 + i128::from(self.microsecond)
    }

    pub(super) fn with_fold(self, fold: u8) -> Clock {
        Clock { fold, ..self }
    }

    /// The numbers as the constructor takes them.
    pub(super) fn numbers(&self) -> [i32; 5] {
        let Clock { hour, minute, second, fold, microsecond } = *self;
        [hour.into(), minute.into(), second.into(), microsecond as i32, fold.into()]
    }

    /// The state for pickling, without the fold.
    pub(super) fn state(&self) -> [u8; 6] {
        let [_, high, middle, low] = self.microsecond.to_be_bytes();
        [self.hour, self.minute, self.second, high, middle, low]
    }

    /// From a pickled state. Pickles are trusted as far as CPython trusts them.
    pub(super) fn from_state([hour, minute, second, high, middle, low]: [u8; 6], fold: bool) -> Clock {
        let microsecond = u32::from_be_bytes([0, high, middle, low]);
        Clock { hour, minute, second, fold: fold.into(), microsecond }
    }

    /// `[HH[:MM[:SS[.mmm[uuu]]]]]`, as much of it as `timespec` says.
    pub(super) fn iso(&self, timespec: Option<&str>) -> PyResult<String> {
        let Clock { hour, minute, second, microsecond, .. } = *self;
        Ok(match timespec.unwrap_or("auto") {
            "auto" if microsecond == 0 => format!("{hour:02}:{minute:02}:{second:02}"),
            "auto" | "microseconds" => format!("{hour:02}:{minute:02}:{second:02}.{microsecond:06}"),
            "hours" => format!("{hour:02}"),
            "minutes" => format!("{hour:02}:{minute:02}"),
            "seconds" => format!("{hour:02}:{minute:02}:{second:02}"),
            "milliseconds" => format!("{hour:02}:{minute:02}:{second:02}.{:03}", microsecond / 1000),
            _ => return Err(value_error("Unknown timespec value")),
        })
    }
}

/// The attributes of a class with a field `clock` and a method `zone`.
macro_rules! clock_attributes {
    ($class:ident, $part:ident) => {
        #[pymethods(part = $part)]
        impl $class {
            #[getter]
            fn hour(this: &Obj<Self>) -> u8 {
                this.clock.hour
            }

            #[getter]
            fn minute(this: &Obj<Self>) -> u8 {
                this.clock.minute
            }

            #[getter]
            fn second(this: &Obj<Self>) -> u8 {
                this.clock.second
            }

            #[getter]
            fn microsecond(this: &Obj<Self>) -> u32 {
                this.clock.microsecond
            }

            #[getter]
            fn tzinfo(this: &Obj<Self>) -> Value {
                this.zone().to_owned()
            }

            #[getter]
            fn fold(this: &Obj<Self>) -> u8 {
                this.clock.fold
            }
        }
    };
}
pub(super) use clock_attributes;
