//! What `__format__` of the built-in types shares: errors of the mini-language as exceptions, and the locale.

use crate::error::{PyErr, PyResult, memory_error, overflow_error, value_error};
use crate::types::str::PyStr;
use orochi_core::{Obj, Ref, Thread};
use orochi_text::format_spec::{FormatError, FormatSpec, Kind, Locale};
use orochi_text::search::SizeError;
use std::borrow::Cow;
use std::sync::{LazyLock, RwLock};

static LOCALE: RwLock<Option<Locale>> = RwLock::new(None);

/// Sets what the type `n` uses (`locale.setlocale`); `None` for the locale `C`.
pub fn set_locale(locale: Option<Locale>) {
    if let Ok(mut current) = LOCALE.write() {
        *current = locale;
    }
}

/// What a specification uses: the locale with the type `n`, else that of `C`, for which nothing is locked.
pub fn locale_for(spec: &FormatSpec) -> Cow<'static, Locale> {
    static PLAIN: LazyLock<Locale> = LazyLock::new(Locale::default);
    if spec.code.is_some_and(|code| code == 'n')
        && let Some(locale) = LOCALE.read().ok().and_then(|locale| locale.clone())
    {
        return Cow::Owned(locale);
    }
    Cow::Borrowed(&PLAIN)
}

/// The exception for an error of the mini-language.
#[cold]
pub fn format_error(error: FormatError) -> PyErr {
    match error {
        FormatError::Size(error) => size_error(error, "string is too long"),
        error if error.is_overflow() => overflow_error(error.to_string()),
        error => value_error(error.to_string()),
    }
}

/// The exception for a result that can't be built; `message` is the OverflowError's.
#[cold]
pub fn size_error(error: SizeError, message: &'static str) -> PyErr {
    match error {
        SizeError::Overflow => overflow_error(message),
        SizeError::Memory => memory_error(),
    }
}

/// The argument of `__format__`: a str.
pub fn spec_argument(spec: Ref<'_>) -> PyResult<&Obj<PyStr>> {
    spec.downcast::<PyStr>().ok_or_else(|| {
        let class = crate::class_of(spec).name();
        let given = if spec.is_none() { "None" } else { &class };
        crate::error::type_error(format!("__format__() argument must be str, not {given}"))
    })
}

/// `type(object).__format__`'s first half: the parsed specification, or `None` if it is empty.
pub fn parse_spec(spec: Ref<'_>, kind: Kind, object: Ref<'_>) -> PyResult<Option<FormatSpec>> {
    let spec = spec_argument(spec)?;
    if spec.is_empty() {
        return Ok(None);
    }
    FormatSpec::parse(spec.as_wtf8(), kind, &crate::class_of(object).name()).map(Some).map_err(format_error)
}

/// `format(object, spec)` for an object whose class isn't looked at: built-in numbers and strs.
pub fn plain(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    crate::protocol::str(thread, object)
}
