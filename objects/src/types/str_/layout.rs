//! `str`: padding and tabs.

use crate::error::{PyResult, type_error};
use crate::types::format::size_error;
use crate::types::str::{self, PyStr};
use orochi_core::{Obj, Ref, Thread};
use orochi_macros::pymethods;
use orochi_text::search::{self, Justify};
use orochi_text::wtf8::Wtf8;

fn justify(
    thread: &mut Thread,
    this: &Obj<PyStr>,
    width: i64,
    fill: Option<Ref<'_>>,
    side: Justify,
) -> PyResult {
    let fill = match fill {
        None => Wtf8::new(" "),
        Some(fill) => match fill.downcast::<PyStr>() {
            Some(text) if text.len() == 1 => text.as_wtf8(),
            Some(_) => return Err(type_error("The fill character must be exactly one character long")),
            None => {
                let class = crate::class_of(fill).name();
                let message = format!("The fill character must be a unicode character, not {class}");
                return Err(type_error(message));
            }
        },
    };
    let width = usize::try_from(width).unwrap_or(0);
    match search::justify(this.as_wtf8(), width, fill, side) {
        Ok(Some(text)) => str::from_wtf8(thread, &text),
        Ok(None) => str::exact(thread, this),
        Err(error) => Err(size_error(error, "padded string is too long")),
    }
}

#[pymethods(part = LAYOUT)]
impl PyStr {
    /// Return a centered string of length width.
    ///
    /// Padding is done using the specified fill character (default is a space).
    #[signature(width, fillchar=<missing>, /)]
    fn center(thread: &mut Thread, this: &Obj<Self>, width: i64, fillchar: Option<Ref<'_>>) -> PyResult {
        justify(thread, this, width, fillchar, Justify::Center)
    }

    /// Return a left-justified string of length width.
    ///
    /// Padding is done using the specified fill character (default is a space).
    #[signature(width, fillchar=<missing>, /)]
    fn ljust(thread: &mut Thread, this: &Obj<Self>, width: i64, fillchar: Option<Ref<'_>>) -> PyResult {
        justify(thread, this, width, fillchar, Justify::Left)
    }

    /// Return a right-justified string of length width.
    ///
    /// Padding is done using the specified fill character (default is a space).
    #[signature(width, fillchar=<missing>, /)]
    fn rjust(thread: &mut Thread, this: &Obj<Self>, width: i64, fillchar: Option<Ref<'_>>) -> PyResult {
        justify(thread, this, width, fillchar, Justify::Right)
    }

    /// Pad a numeric string with zeros on the left, to fill a field of the given width.
    ///
    /// The string is never truncated.
    fn zfill(thread: &mut Thread, this: &Obj<Self>, width: i64) -> PyResult {
        match search::zfill(this.as_wtf8(), usize::try_from(width).unwrap_or(0)) {
            Ok(Some(text)) => str::from_wtf8(thread, &text),
            Ok(None) => str::exact(thread, this),
            Err(error) => Err(size_error(error, "padded string is too long")),
        }
    }

    /// Return a copy where all tab characters are expanded using spaces.
    ///
    /// If tabsize is not given, a tab size of 8 characters is assumed.
    #[signature(tabsize = 8)]
    fn expandtabs(thread: &mut Thread, this: &Obj<Self>, tabsize: i32) -> PyResult {
        match search::expand_tabs(this.as_wtf8(), usize::try_from(tabsize).unwrap_or(0)) {
            Ok(text) => str::from_wtf8(thread, &text),
            Err(error) => Err(size_error(error, "new string is too long")),
        }
    }
}
