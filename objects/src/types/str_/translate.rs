//! `str.translate` and `str.maketrans`.

use crate::class::exactly;
use crate::error::{PyErr, PyResult, type_error, value_error};
use crate::protocol;
use crate::types::dict::{self, PyDict};
use crate::types::exception::LookupError;
use crate::types::int;
use crate::types::str::{self, PyStr};
use orochi_core::{Obj, Ref, Thread};
use orochi_macros::pymethods;
use orochi_text::wtf8::{CodePoint, Wtf8Buf};

/// What a translation table says about a character.
enum Meaning {
    Same,
    Deleted,
    Becomes(Wtf8Buf),
}

fn look_up(thread: &mut Thread, table: Ref<'_>, c: CodePoint) -> PyResult<Meaning> {
    let key = int::new(thread, c.to_u32().into())?;
    let found = match exactly::<PyDict>(table) {
        Some(table) => dict::get_item(thread, table, key.get())?,
        None => match protocol::get_item(thread, table, key.get()) {
            Ok(found) => Some(found),
            Err(error) if error.matches(&LookupError) => None,
            Err(error) => return Err(error),
        },
    };
    let Some(found) = found else { return Ok(Meaning::Same) };
    if found.get().is_none() {
        return Ok(Meaning::Deleted);
    }
    if let Some(text) = found.get().downcast::<PyStr>() {
        let mut copy = Wtf8Buf::new();
        copy.push_wtf8(text.as_wtf8());
        return Ok(Meaning::Becomes(copy));
    }
    let Some(value) = int::value(found.get()) else {
        return Err(type_error("character mapping must return integer, None or str"));
    };
    let c = value.to_i64().and_then(|n| u32::try_from(n).ok()).and_then(CodePoint::from_u32);
    match c {
        Some(c) => Ok(Meaning::Becomes(Wtf8Buf::from(c))),
        None => Err(value_error("character mapping must be in range(0x110000)")),
    }
}

/// What is known of an ASCII character.
#[derive(Clone, Copy)]
enum Known {
    /// It wasn't looked up yet, or becomes something else than one ASCII character.
    Nothing,
    Deleted,
    Becomes(u8),
}

impl Known {
    fn of(meaning: &Meaning, c: CodePoint) -> Known {
        match meaning {
            Meaning::Same => Known::Becomes(c.to_u32() as u8),
            Meaning::Deleted => Known::Deleted,
            Meaning::Becomes(text) => match text.as_bytes() {
                [byte @ 0..128] => Known::Becomes(*byte),
                _ => Known::Nothing,
            },
        }
    }
}

fn translate(thread: &mut Thread, this: &Obj<PyStr>, table: Ref<'_>) -> PyResult {
    let mut out = Wtf8Buf::with_capacity(this.as_bytes().len());
    // ASCII characters that become others, or nothing, are looked up once each.
    let mut known = [Known::Nothing; 128];
    for c in this.as_wtf8().code_points() {
        match known.get(c.to_u32() as usize) {
            Some(Known::Deleted) => continue,
            Some(Known::Becomes(byte)) => {
                out.push_ascii(*byte);
                continue;
            }
            _ => {}
        }
        let meaning = look_up(thread, table, c)?;
        if let Some(place) = known.get_mut(c.to_u32() as usize) {
            *place = Known::of(&meaning, c);
        }
        match meaning {
            Meaning::Same => out.push(c),
            Meaning::Deleted => {}
            Meaning::Becomes(text) => out.push_wtf8(&text),
        }
    }
    str::from_wtf8(thread, &out)
}

fn code_of(thread: &Thread, c: CodePoint) -> PyResult {
    int::new(thread, c.to_u32().into())
}

/// `maketrans(dict)`: one-character keys become code points.
fn from_mapping(thread: &mut Thread, table: &Obj<PyDict>, x: Ref<'_>) -> PyResult<()> {
    let Some(given) = x.downcast::<PyDict>() else {
        return Err(type_error("if you give only one argument to maketrans it must be a dict"));
    };
    // Of one moment: another thread may change the dict.
    for entry in dict::entries(thread, given)? {
        let key = match entry.key.get().downcast::<PyStr>() {
            Some(text) => {
                let mut points = text.as_wtf8().code_points();
                match (points.next(), points.next()) {
                    (Some(c), None) => code_of(thread, c)?,
                    _ => return Err(value_error("string keys in translatetable must be of length 1")),
                }
            }
            None if int::is_int(entry.key.get()) => entry.key,
            None => return Err(keys_error()),
        };
        protocol::set_item(thread, table.get(), key.get(), Some(entry.value.get()))?;
    }
    Ok(())
}

#[cold]
fn keys_error() -> PyErr {
    type_error("keys in translate table mustbe strings or integers")
}

fn argument<'a>(value: Ref<'a>, place: usize) -> PyResult<&'a Obj<PyStr>> {
    value.downcast::<PyStr>().ok_or_else(|| {
        let class = crate::class_of(value).name();
        type_error(format!("maketrans() argument {place} must be str, not {class}"))
    })
}

#[pymethods(part = TRANSLATE)]
impl PyStr {
    /// Replace each character in the string using the given translation table.
    ///
    ///   table
    ///     Translation table, which must be a mapping of Unicode ordinals to
    ///     Unicode ordinals, strings, or None.
    ///
    /// The table must implement lookup/indexing via __getitem__, for instance a
    /// dictionary or list.  If this operation raises LookupError, the character is
    /// left untouched.  Characters mapped to None are deleted.
    fn translate(thread: &mut Thread, this: &Obj<Self>, table: Ref<'_>) -> PyResult {
        translate(thread, this, table)
    }

    /// Return a translation table usable for str.translate().
    ///
    /// If there is only one argument, it must be a dictionary mapping Unicode
    /// ordinals (integers) or characters to Unicode ordinals, strings or None.
    /// Character keys will be then converted to ordinals.
    /// If there are two arguments, they must be strings of equal length, and
    /// in the resulting dictionary, each character in x will be mapped to the
    /// character at the same position in y. If there is a third argument, it
    /// must be a string, whose characters will be mapped to None in the result.
    #[staticmethod]
    #[signature(x, y=<missing>, z=<missing>, /)]
    fn maketrans(thread: &mut Thread, x: Ref<'_>, y: Option<Ref<'_>>, z: Option<Ref<'_>>) -> PyResult {
        let table = dict::new(thread)?;
        let Some(y) = y else {
            from_mapping(thread, &table, x)?;
            return Ok(table.into_value());
        };
        let y = argument(y, 2)?;
        let z = z.map(|z| argument(z, 3)).transpose()?;
        let Some(x) = x.downcast::<PyStr>() else {
            return Err(type_error(
                "first maketrans argument must be a string if there is a second argument",
            ));
        };
        if x.len() != y.len() {
            return Err(value_error("the first two maketrans arguments must have equal length"));
        }
        for (from, to) in x.as_wtf8().code_points().zip(y.as_wtf8().code_points()) {
            let (from, to) = (code_of(thread, from)?, code_of(thread, to)?);
            protocol::set_item(thread, table.get(), from.get(), Some(to.get()))?;
        }
        for c in z.iter().flat_map(|z| z.as_wtf8().code_points()) {
            let c = code_of(thread, c)?;
            protocol::set_item(thread, table.get(), c.get(), Some(Ref::NONE))?;
        }
        Ok(table.into_value())
    }
}
