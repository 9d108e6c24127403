//! `str`: case, and what kinds of characters a text consists of.

use crate::error::PyResult;
use crate::types::str::{self, PyStr};
use orochi_core::{Obj, Thread};
use orochi_macros::pymethods;
use orochi_text::unicode::{self, case};
use orochi_text::wtf8::{Wtf8, Wtf8Buf};

fn changed(
    thread: &mut Thread,
    this: &Obj<PyStr>,
    ascii: fn(&[u8]) -> Vec<u8>,
    other: fn(&Wtf8) -> Wtf8Buf,
) -> PyResult {
    if this.is_ascii() {
        let bytes = ascii(this.as_bytes());
        // ASCII stays ASCII under these functions.
        return str::new(thread, std::str::from_utf8(&bytes).unwrap_or_default());
    }
    str::from_wtf8(thread, &other(this.as_wtf8()))
}

/// The text with the case of each letter changed by itself, as all ASCII letters can be.
fn changed_each(
    thread: &mut Thread,
    this: &Obj<PyStr>,
    ascii: impl Fn(u8) -> u8,
    other: fn(&Wtf8) -> Wtf8Buf,
) -> PyResult {
    if this.is_ascii() {
        return str::mapped_ascii(thread, this, ascii);
    }
    str::from_wtf8(thread, &other(this.as_wtf8()))
}

fn test(this: &Obj<PyStr>, ascii: fn(&[u8]) -> bool, other: fn(&Wtf8) -> bool) -> bool {
    if this.is_ascii() { ascii(this.as_bytes()) } else { other(this.as_wtf8()) }
}

#[pymethods(part = CASE)]
impl PyStr {
    /// Return a copy of the string converted to uppercase.
    fn upper(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        changed_each(thread, this, |byte| byte.to_ascii_uppercase(), case::upper)
    }

    /// Return a copy of the string converted to lowercase.
    fn lower(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        changed_each(thread, this, |byte| byte.to_ascii_lowercase(), case::lower)
    }

    /// Return a version of the string suitable for caseless comparisons.
    fn casefold(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        changed_each(thread, this, |byte| byte.to_ascii_lowercase(), case::casefold)
    }

    /// Convert uppercase characters to lowercase and lowercase characters to uppercase.
    fn swapcase(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let swapped = |byte: u8| if byte.is_ascii_alphabetic() { byte ^ 0x20 } else { byte };
        changed_each(thread, this, swapped, case::swap_case)
    }

    /// Return a capitalized version of the string.
    ///
    /// More specifically, make the first character have upper case and the rest lower
    /// case.
    fn capitalize(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        changed(thread, this, orochi_text::ascii::capitalize, case::capitalize)
    }

    /// Return a version of the string where each word is titlecased.
    ///
    /// More specifically, words start with uppercased characters and all remaining
    /// cased characters have lower case.
    fn title(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        changed(thread, this, orochi_text::ascii::title, case::title)
    }

    /// Return True if the string is an uppercase string, False otherwise.
    ///
    /// A string is uppercase if all cased characters in the string are uppercase and
    /// there is at least one cased character in the string.
    fn isupper(this: &Obj<Self>) -> bool {
        test(this, orochi_text::ascii::is_upper, case::is_upper)
    }

    /// Return True if the string is a lowercase string, False otherwise.
    ///
    /// A string is lowercase if all cased characters in the string are lowercase and
    /// there is at least one cased character in the string.
    fn islower(this: &Obj<Self>) -> bool {
        test(this, orochi_text::ascii::is_lower, case::is_lower)
    }

    /// Return True if the string is a title-cased string, False otherwise.
    ///
    /// In a title-cased string, upper- and title-case characters may only
    /// follow uncased characters and lowercase characters only cased ones.
    fn istitle(this: &Obj<Self>) -> bool {
        test(this, orochi_text::ascii::is_title, case::is_title)
    }

    /// Return True if the string is an alphabetic string, False otherwise.
    ///
    /// A string is alphabetic if all characters in the string are alphabetic and there
    /// is at least one character in the string.
    #[quick(super::quick::is_alpha)]
    fn isalpha(this: &Obj<Self>) -> bool {
        test(this, orochi_text::ascii::is_alpha, case::is_alpha)
    }

    /// Return True if the string is an alpha-numeric string, False otherwise.
    ///
    /// A string is alpha-numeric if all characters in the string are alpha-numeric and
    /// there is at least one character in the string.
    #[quick(super::quick::is_alnum)]
    fn isalnum(this: &Obj<Self>) -> bool {
        test(this, orochi_text::ascii::is_alnum, case::is_alnum)
    }

    /// Return True if the string is a decimal string, False otherwise.
    ///
    /// A string is a decimal string if all characters in the string are decimal and
    /// there is at least one character in the string.
    fn isdecimal(this: &Obj<Self>) -> bool {
        test(this, orochi_text::ascii::is_digit, case::is_decimal)
    }

    /// Return True if the string is a digit string, False otherwise.
    ///
    /// A string is a digit string if all characters in the string are digits and there
    /// is at least one character in the string.
    #[quick(super::quick::is_digit)]
    fn isdigit(this: &Obj<Self>) -> bool {
        test(this, orochi_text::ascii::is_digit, case::is_digit)
    }

    /// Return True if the string is a numeric string, False otherwise.
    ///
    /// A string is numeric if all characters in the string are numeric and there is at
    /// least one character in the string.
    fn isnumeric(this: &Obj<Self>) -> bool {
        test(this, orochi_text::ascii::is_digit, case::is_numeric)
    }

    /// Return True if the string is a whitespace string, False otherwise.
    ///
    /// A string is whitespace if all characters in the string are whitespace and there
    /// is at least one character in the string.
    #[quick(super::quick::is_space)]
    fn isspace(this: &Obj<Self>) -> bool {
        // Text has more white space among ASCII than bytes have (the separators 28 to 31).
        case::is_space_text(this.as_wtf8())
    }

    /// Return True if all characters in the string are printable, False otherwise.
    ///
    /// A character is printable if repr() may use it in its output.
    fn isprintable(this: &Obj<Self>) -> bool {
        case::is_printable_text(this.as_wtf8())
    }

    /// Return True if the string is a valid Python identifier, False otherwise.
    ///
    /// Call keyword.iskeyword(s) to test whether string s is a reserved identifier,
    /// such as "def" or "class".
    fn isidentifier(this: &Obj<Self>) -> bool {
        unicode::is_identifier(this.as_wtf8())
    }

    /// Return True if all characters in the string are ASCII, False otherwise.
    ///
    /// ASCII characters have code points in the range U+0000-U+007F.
    /// Empty string is ASCII too.
    fn isascii(this: &Obj<Self>) -> bool {
        this.is_ascii()
    }
}
