//! The proleptic Gregorian calendar: days, weekdays and ISO weeks as numbers. Day 1 is the first of January of year 1.

/// A year, a month and a day.
pub(super) type Day = (i32, i32, i32);

pub(super) const MIN_YEAR: i32 = 1;
pub(super) const MAX_YEAR: i32 = 9999;
/// The ordinal of 9999-12-31.
pub(super) const MAX_ORDINAL: i64 = 3_652_059;

pub(super) fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(super) fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The ordinal of a day.
pub(super) fn ordinal((year, month, day): Day) -> i64 {
    let before = i64::from(year) - 1;
    let years = before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    let months: i32 = (1..month).map(|month| days_in_month(year, month)).sum();
    years + i64::from(months) + i64::from(day)
}

/// The day with an ordinal. Years count from the first of March here, which puts the leap day at the end.
pub(super) fn from_ordinal(ordinal: i64) -> Day {
    let day = ordinal + 305;
    let era = day.div_euclid(146_097);
    let day_of_era = day.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096).div_euclid(365);
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as i32, (day_of_year - (153 * shifted + 2) / 5 + 1) as i32)
}

/// Monday is 0.
pub(super) fn weekday(day: Day) -> i32 {
    ((ordinal(day) + 6).rem_euclid(7)) as i32
}

pub(super) fn day_of_year(day: Day) -> i32 {
    (ordinal(day) - ordinal((day.0, 1, 1))) as i32 + 1
}

/// The ordinal of the Monday on which an ISO year begins: the week with the year's first Thursday.
fn first_monday(year: i32) -> i64 {
    let first = ordinal((year, 1, 1));
    let weekday = i64::from(weekday((year, 1, 1)));
    if weekday > 3 { first - weekday + 7 } else { first - weekday }
}

/// ISO year, week and weekday (Monday is 1).
pub(super) fn iso(day: Day) -> (i32, i32, i32) {
    let today = ordinal(day);
    let mut year = day.0;
    let mut start = first_monday(year);
    if today < start {
        year -= 1;
        start = first_monday(year);
    } else if today >= first_monday(year + 1) {
        year += 1;
        start = first_monday(year);
    }
    let days = today - start;
    (year, (days / 7) as i32 + 1, (days % 7) as i32 + 1)
}

/// What is wrong with an ISO year, week or weekday.
pub(super) enum IsoFault {
    Year,
    Week,
    Weekday,
}

/// The day of an ISO year, week and weekday. It may lie in year 10000.
pub(super) fn from_iso(year: i32, week: i32, weekday: i32) -> Result<Day, IsoFault> {
    if !(MIN_YEAR..=MAX_YEAR).contains(&year) {
        return Err(IsoFault::Year);
    }
    let weeks = (first_monday(year + 1) - first_monday(year)) / 7;
    if week < 1 || i64::from(week) > weeks {
        return Err(IsoFault::Week);
    }
    if !(1..=7).contains(&weekday) {
        return Err(IsoFault::Weekday);
    }
    Ok(from_ordinal(first_monday(year) + i64::from((week - 1) * 7 + weekday - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_go_round() {
        assert_eq!(ordinal((9999, 12, 31)), MAX_ORDINAL);
        for ordinal_ in (1..=MAX_ORDINAL).step_by(13) {
            assert_eq!(ordinal(from_ordinal(ordinal_)), ordinal_);
        }
    }

    #[test]
    fn iso_weeks_go_round() {
        for ordinal_ in (400..MAX_ORDINAL).step_by(97) {
            let day = from_ordinal(ordinal_);
            let (year, week, weekday) = iso(day);
            assert!(matches!(from_iso(year, week, weekday), Ok(same) if same == day));
        }
    }
}
