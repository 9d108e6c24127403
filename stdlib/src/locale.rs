//! `_locale`: the C library's locale.
//!
//! Text of the locale is taken for UTF-8, which is what Orochi's own text files are unless their opener says otherwise.

use crate::host::locale as system;
use crate::os_support;
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{PyErr, value_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{dict, list};
use orochi_objects::{ModuleExt, Obj, PyModule, PyResult, Thread, Value, int, str};
use std::ffi::CString;

crate::exception!(ERROR: "Error" in "locale", Exception, "");

fn c_text(thread: &mut Thread, text: &Obj<PyStr>) -> PyResult<CString> {
    let bytes = os_support::fs_encode(thread, text)?;
    CString::new(bytes).map_err(|_| value_error("embedded null character"))
}

/// Activates/queries locale processing.
#[pyfunction]
#[signature(category, locale=None, /)]
fn setlocale(thread: &mut Thread, category: i32, locale: Option<&Obj<PyStr>>) -> PyResult {
    let locale = match locale {
        Some(locale) => Some(c_text(thread, locale)?),
        None => None,
    };
    match system::setlocale(category, locale.as_deref()) {
        Some(now) => os_support::fs_decode(thread, &now),
        None if locale.is_some() => Err(PyErr::with_message(&ERROR, "unsupported locale setting")),
        None => Err(PyErr::with_message(&ERROR, "locale query failed")),
    }
}

/// Returns numeric and monetary locale-specific parameters.
#[pyfunction]
fn localeconv(thread: &mut Thread) -> PyResult {
    let found = system::conventions();
    let made = dict::new(thread)?;
    for (name, text) in &found.texts {
        let (name, text) = (str::new(thread, name)?, os_support::fs_decode(thread, text)?);
        dict::set_item(thread, &made, name.get(), text)?;
    }
    for (name, sizes) in &found.groupings {
        let name = str::new(thread, name)?;
        let sizes: PyResult<Vec<Value>> = sizes.iter().map(|size| int::new(thread, (*size).into())).collect();
        let sizes = list::new(thread, sizes?)?.into_value();
        dict::set_item(thread, &made, name.get(), sizes)?;
    }
    for (name, number) in &found.numbers {
        let (name, number) = (str::new(thread, name)?, int::new(thread, (*number).into())?);
        dict::set_item(thread, &made, name.get(), number)?;
    }
    Ok(made.into_value())
}

/// Compares two strings according to the locale.
#[pyfunction]
#[signature(os1, os2, /)]
fn strcoll(thread: &mut Thread, os1: &Obj<PyStr>, os2: &Obj<PyStr>) -> PyResult<i32> {
    let (one, other) = (c_text(thread, os1)?, c_text(thread, os2)?);
    Ok(system::collate(&one, &other))
}

/// Return a string that can be used as a key for locale-aware comparisons.
#[pyfunction]
#[signature(string, /)]
fn strxfrm(thread: &mut Thread, string: &Obj<PyStr>) -> PyResult<String> {
    let made = system::transform(&c_text(thread, string)?);
    // The key of a text that stays as it is stays text; of others it is bytes, which compare as characters too.
    Ok(String::from_utf8(made)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect()))
}

/// Return the value for the locale information associated with key.
#[pyfunction]
#[signature(key, /)]
fn nl_langinfo(thread: &mut Thread, key: i32) -> PyResult {
    if !ITEMS.iter().any(|(_, known)| *known == key) {
        return Err(value_error("unsupported langinfo constant"));
    }
    let found = system::langinfo(key);
    os_support::fs_decode(thread, &found)
}

/// Get the current locale encoding.
#[pyfunction]
fn getencoding() -> &'static str {
    "UTF-8"
}

const CATEGORIES: &[(&str, i32)] = &[
    ("LC_CTYPE", libc::LC_CTYPE),
    ("LC_TIME", libc::LC_TIME),
    ("LC_COLLATE", libc::LC_COLLATE),
    ("LC_MONETARY", libc::LC_MONETARY),
    ("LC_MESSAGES", libc::LC_MESSAGES),
    ("LC_NUMERIC", libc::LC_NUMERIC),
    ("LC_ALL", libc::LC_ALL),
];

macro_rules! items {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name)),*] };
}
const ITEMS: &[(&str, libc::nl_item)] = items! {
    DAY_1 DAY_2 DAY_3 DAY_4 DAY_5 DAY_6 DAY_7 ABDAY_1 ABDAY_2 ABDAY_3 ABDAY_4 ABDAY_5 ABDAY_6 ABDAY_7
    MON_1 MON_2 MON_3 MON_4 MON_5 MON_6 MON_7 MON_8 MON_9 MON_10 MON_11 MON_12
    ABMON_1 ABMON_2 ABMON_3 ABMON_4 ABMON_5 ABMON_6 ABMON_7 ABMON_8 ABMON_9 ABMON_10 ABMON_11 ABMON_12
    RADIXCHAR THOUSEP CRNCYSTR D_FMT D_T_FMT T_FMT AM_STR PM_STR CODESET T_FMT_AMPM
    ERA ERA_D_FMT ERA_D_T_FMT ERA_T_FMT ALT_DIGITS YESEXPR NOEXPR
};

/// Support for POSIX locales.
#[pymodule(name = "_locale", functions(setlocale, localeconv, strcoll, strxfrm, nl_langinfo, getencoding))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for (name, number) in CATEGORIES {
        module.add(thread, name, *number)?;
    }
    for (name, number) in ITEMS {
        module.add(thread, name, *number)?;
    }
    module.add(thread, "CHAR_MAX", i32::from(libc::c_char::MAX))?;
    module.add(thread, "Error", ERROR.get().to_value())
}
