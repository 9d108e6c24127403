//! Unix: the C library's locale.
//!
//! The C library keeps one locale for the process and answers in memory that the next call may change, so one lock stands
//! around each call and the reading of its answer.

use libc::{c_char, c_int};
use std::ffi::CStr;
use std::sync::Mutex;

static LOCALE: Mutex<()> = Mutex::new(());

/// # Safety
/// Null, or a string that ends in NUL.
unsafe fn text(from: *const c_char) -> Option<Vec<u8>> {
    // SAFETY: as the caller promises.
    (!from.is_null()).then(|| unsafe { CStr::from_ptr(from) }.to_bytes().to_vec())
}

/// `setlocale`: the locale that is set now; `None` if there is no such.
pub(crate) fn setlocale(category: c_int, locale: Option<&CStr>) -> Option<Vec<u8>> {
    let _locale = orochi_core::sync::lock(&LOCALE);
    // SAFETY: null or a string that ends in NUL; the answer is read under the lock.
    unsafe { text(libc::setlocale(category, locale.map_or(std::ptr::null(), CStr::as_ptr))) }
}

/// `nl_langinfo`.
pub(crate) fn langinfo(item: libc::nl_item) -> Vec<u8> {
    let _locale = orochi_core::sync::lock(&LOCALE);
    // SAFETY: the answer is read under the lock.
    unsafe { text(libc::nl_langinfo(item)) }.unwrap_or_default()
}

/// `strcoll`.
pub(crate) fn collate(one: &CStr, other: &CStr) -> c_int {
    let _locale = orochi_core::sync::lock(&LOCALE);
    // SAFETY: strings that end in NUL.
    unsafe { libc::strcoll(one.as_ptr(), other.as_ptr()) }
}

/// `strxfrm`: bytes that compare as the text collates.
pub(crate) fn transform(from: &CStr) -> Vec<u8> {
    let _locale = orochi_core::sync::lock(&LOCALE);
    // SAFETY: a string that ends in NUL; a call without room asks how much is needed.
    let needed = unsafe { libc::strxfrm(std::ptr::null_mut(), from.as_ptr(), 0) };
    let mut made = vec![0_u8; needed + 1];
    // SAFETY: room for the answer and its NUL.
    unsafe { libc::strxfrm(made.as_mut_ptr().cast(), from.as_ptr(), made.len()) };
    made.truncate(needed);
    made
}

/// How numbers and money are written.
pub(crate) struct Conventions {
    /// Under their names in C.
    pub(crate) texts: Vec<(&'static str, Vec<u8>)>,
    /// Sizes of groups of digits, likewise, with what ends them.
    pub(crate) groupings: Vec<(&'static str, Vec<u8>)>,
    /// Likewise.
    pub(crate) numbers: Vec<(&'static str, u8)>,
}

/// `localeconv`.
pub(crate) fn conventions() -> Conventions {
    let _locale = orochi_core::sync::lock(&LOCALE);
    // SAFETY: the answer is read under the lock; its strings end in NUL.
    unsafe {
        let found = &*libc::localeconv();
        let grouping = |from: *mut c_char| {
            let mut sizes = text(from.cast_const()).unwrap_or_default();
            match sizes.iter().position(|size| *size == c_char::MAX as u8) {
                Some(end) => sizes.truncate(end + 1),
                None if sizes.is_empty() => {}
                None => sizes.push(0),
            }
            sizes
        };
        macro_rules! fields {
            ($read:expr, $($name:ident),*) => { vec![$((stringify!($name), $read(found.$name))),*] };
        }
        Conventions {
            texts: fields!(
                |from: *mut c_char| text(from.cast_const()).unwrap_or_default(),
                decimal_point,
                thousands_sep,
                int_curr_symbol,
                currency_symbol,
                mon_decimal_point,
                mon_thousands_sep,
                positive_sign,
                negative_sign
            ),
            groupings: fields!(grouping, grouping, mon_grouping),
            numbers: fields!(
                |number: c_char| number as u8,
                int_frac_digits,
                frac_digits,
                p_cs_precedes,
                p_sep_by_space,
                n_cs_precedes,
                n_sep_by_space,
                p_sign_posn,
                n_sign_posn
            ),
        }
    }
}
