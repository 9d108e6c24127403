//! `unicodedata`: the properties of characters, of now and of Unicode 3.2 (which IDNA needs).

use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use orochi_objects::error::{key_error_message, type_error, value_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::{
    ModuleExt, Obj, PyModule, PyResult, Ref, Thread, Value, class_of, float, int, make, str,
};
use orochi_text::unicode::names::{self, Found};
use orochi_text::unicode::normalize::{
    Form, decomposition as decomposition_of, is_normalized as is_normal, normalize as normalise,
};
use orochi_text::unicode::old::{self, OldProperties};
use orochi_text::unicode::{Properties, VERSION};
use orochi_text::wtf8::{CodePoint, Wtf8Buf};

/// The character that an argument has to be. `which` is " 1" for functions with several parameters.
fn character(object: Ref<'_>, function: &str, which: &str) -> PyResult<CodePoint> {
    let Some(text) = object.downcast::<PyStr>() else {
        let class = class_of(object).name();
        let text = format!("{function}() argument{which} must be a unicode character, not {class}");
        return Err(type_error(text));
    };
    let mut points = text.as_wtf8().code_points();
    match (points.next(), points.next()) {
        (Some(c), None) => Ok(c),
        _ => {
            let len = text.len();
            Err(type_error(format!(
                "{function}(): argument{which} must be a unicode character, not a string of length {len}"
            )))
        }
    }
}

fn or_default(default: Option<Ref<'_>>, message: &'static str) -> PyResult {
    default.map(Ref::to_owned).ok_or_else(|| value_error(message))
}

fn number(thread: &Thread, value: Option<u8>, default: Option<Ref<'_>>, message: &'static str) -> PyResult {
    match value {
        Some(value) => int::new(thread, value.into()),
        None => or_default(default, message),
    }
}

fn form_of(form: &str) -> PyResult<Form> {
    Form::from_name(form).ok_or_else(|| value_error("invalid normalization form"))
}

fn find(thread: &mut Thread, name: &str, sequences: bool) -> PyResult {
    let unknown = || key_error_message(format!("undefined character name '{name}'"));
    let mut text = Wtf8Buf::default();
    match names::lookup(name) {
        Some(Found::CodePoint(c)) => text.push(c),
        Some(Found::Sequence(sequence)) if sequences => {
            sequence.into_iter().flatten().for_each(|c| text.push(c));
        }
        _ => return Err(unknown()),
    }
    str::from_wtf8(thread, text.as_wtf8())
}

/// Returns the decimal value assigned to the character chr as integer.
///
/// If no such value is defined, default is returned, or, if not given,
/// ValueError is raised.
#[pyfunction]
#[signature(chr, default=<missing>, /)]
fn decimal(thread: &mut Thread, chr: Ref, default: Option<Ref>) -> PyResult {
    let c = character(chr, "decimal", " 1")?;
    number(thread, Properties::of(c).decimal(), default, "not a decimal")
}

/// Converts a Unicode character into its equivalent digit value.
///
/// Returns the digit value assigned to the character chr as integer.
/// If no such value is defined, default is returned, or, if not given,
/// ValueError is raised.
#[pyfunction]
#[signature(chr, default=<missing>, /)]
fn digit(thread: &mut Thread, chr: Ref, default: Option<Ref>) -> PyResult {
    let c = character(chr, "digit", " 1")?;
    number(thread, Properties::of(c).digit(), default, "not a digit")
}

/// Converts a Unicode character into its equivalent numeric value.
///
/// Returns the numeric value assigned to the character chr as float.
/// If no such value is defined, default is returned, or, if not given,
/// ValueError is raised.
#[pyfunction]
#[signature(chr, default=<missing>, /)]
fn numeric(thread: &mut Thread, chr: Ref, default: Option<Ref>) -> PyResult {
    let c = character(chr, "numeric", " 1")?;
    match Properties::of(c).numeric() {
        Some(value) => float::new(thread, value),
        None => or_default(default, "not a numeric character"),
    }
}

/// Returns the general category assigned to the character chr as string.
#[pyfunction]
#[signature(chr, /)]
fn category(chr: Ref) -> PyResult<&'static str> {
    Ok(Properties::of(character(chr, "category", "")?).category())
}

/// Returns the bidirectional class assigned to the character chr as string.
///
/// If no such value is defined, an empty string is returned.
#[pyfunction]
#[signature(chr, /)]
fn bidirectional(chr: Ref) -> PyResult<&'static str> {
    Ok(Properties::of(character(chr, "bidirectional", "")?).bidirectional())
}

/// Returns the canonical combining class assigned to the character chr as integer.
///
/// Returns 0 if no combining class is defined.
#[pyfunction]
#[signature(chr, /)]
fn combining(chr: Ref) -> PyResult<u8> {
    Ok(Properties::of(character(chr, "combining", "")?).combining())
}

/// Returns the mirrored property assigned to the character chr as integer.
///
/// Returns 1 if the character has been identified as a "mirrored"
/// character in bidirectional text, 0 otherwise.
#[pyfunction]
#[signature(chr, /)]
fn mirrored(chr: Ref) -> PyResult<u8> {
    Ok(Properties::of(character(chr, "mirrored", "")?).mirrored().into())
}

/// Returns the east asian width assigned to the character chr as string.
#[pyfunction]
#[signature(chr, /)]
fn east_asian_width(chr: Ref) -> PyResult<&'static str> {
    Ok(Properties::of(character(chr, "east_asian_width", "")?).east_asian_width())
}

/// Returns the character decomposition mapping assigned to the character chr as string.
///
/// An empty string is returned in case no such mapping is defined.
#[pyfunction]
#[signature(chr, /)]
fn decomposition(chr: Ref) -> PyResult<String> {
    Ok(decomposition_of(character(chr, "decomposition", "")?))
}

/// Return whether the Unicode string unistr is in the normal form 'form'.
///
/// Valid values for form are 'NFC', 'NFKC', 'NFD', and 'NFKD'.
#[pyfunction]
#[signature(form, unistr, /)]
fn is_normalized(form: &str, unistr: &Obj<PyStr>) -> PyResult<bool> {
    let form = form_of(form)?;
    Ok(unistr.is_ascii() || is_normal(unistr.as_wtf8(), form))
}

/// Return the normal form 'form' for the Unicode string unistr.
///
/// Valid values for form are 'NFC', 'NFKC', 'NFD', and 'NFKD'.
#[pyfunction]
#[signature(form, unistr, /)]
fn normalize(thread: &mut Thread, form: &str, unistr: &Obj<PyStr>) -> PyResult {
    let form = form_of(form)?;
    let normal = if unistr.is_ascii() { None } else { normalise(unistr.as_wtf8(), form) };
    match normal {
        Some(normal) => str::from_wtf8(thread, normal.as_wtf8()),
        None => str::exact(thread, unistr),
    }
}

/// Returns the name assigned to the character chr as a string.
///
/// If no name is defined, default is returned, or, if not given,
/// ValueError is raised.
#[pyfunction]
#[signature(chr, default=<missing>, /)]
fn name(thread: &mut Thread, chr: Ref, default: Option<Ref>) -> PyResult {
    let c = character(chr, "name", " 1")?;
    match names::name(c) {
        Some(name) => str::new(thread, &name),
        None => or_default(default, "no such name"),
    }
}

/// Look up character by name.
///
/// If a character with the given name is found, return the
/// corresponding character.  If not found, KeyError is raised.
#[pyfunction]
#[signature(name, /)]
fn lookup(thread: &mut Thread, name: &str) -> PyResult {
    find(thread, name, true)
}

/// The database of Unicode 3.2.
#[pyclass(name = "UCD", module = "unicodedata", no_new)]
#[derive(Trace)]
struct OldDatabase {}

#[pymethods]
impl OldDatabase {
    #[signature(chr, default=<missing>, /)]
    fn decimal(thread: &mut Thread, _this: &Obj<Self>, chr: Ref, default: Option<Ref>) -> PyResult {
        let c = character(chr, "decimal", " 1")?;
        number(thread, OldProperties::of(c).decimal, default, "not a decimal")
    }

    #[signature(chr, default=<missing>, /)]
    fn digit(thread: &mut Thread, _this: &Obj<Self>, chr: Ref, default: Option<Ref>) -> PyResult {
        let c = character(chr, "digit", " 1")?;
        number(thread, OldProperties::of(c).digit, default, "not a digit")
    }

    #[signature(chr, default=<missing>, /)]
    fn numeric(thread: &mut Thread, _this: &Obj<Self>, chr: Ref, default: Option<Ref>) -> PyResult {
        let c = character(chr, "numeric", " 1")?;
        match OldProperties::of(c).numeric {
            Some(value) => float::new(thread, value),
            None => or_default(default, "not a numeric character"),
        }
    }

    #[signature(chr, /)]
    fn category(_this: &Obj<Self>, chr: Ref) -> PyResult<&'static str> {
        Ok(OldProperties::of(character(chr, "category", "")?).category)
    }

    #[signature(chr, /)]
    fn bidirectional(_this: &Obj<Self>, chr: Ref) -> PyResult<&'static str> {
        Ok(OldProperties::of(character(chr, "bidirectional", "")?).bidirectional)
    }

    #[signature(chr, /)]
    fn combining(_this: &Obj<Self>, chr: Ref) -> PyResult<u8> {
        Ok(OldProperties::of(character(chr, "combining", "")?).combining)
    }

    #[signature(chr, /)]
    fn mirrored(_this: &Obj<Self>, chr: Ref) -> PyResult<u8> {
        Ok(OldProperties::of(character(chr, "mirrored", "")?).mirrored.into())
    }

    #[signature(chr, /)]
    fn east_asian_width(_this: &Obj<Self>, chr: Ref) -> PyResult<&'static str> {
        Ok(OldProperties::of(character(chr, "east_asian_width", "")?).east_asian_width)
    }

    #[signature(chr, /)]
    fn decomposition(_this: &Obj<Self>, chr: Ref) -> PyResult<String> {
        Ok(old::decomposition(character(chr, "decomposition", "")?))
    }

    #[signature(form, unistr, /)]
    fn is_normalized(_this: &Obj<Self>, form: &str, unistr: &Obj<PyStr>) -> PyResult<bool> {
        let form = form_of(form)?;
        Ok(unistr.is_ascii() || old::normalize(unistr.as_wtf8(), form).as_wtf8() == unistr.as_wtf8())
    }

    #[signature(form, unistr, /)]
    fn normalize(thread: &mut Thread, _this: &Obj<Self>, form: &str, unistr: &Obj<PyStr>) -> PyResult {
        let form = form_of(form)?;
        if unistr.is_ascii() {
            return str::exact(thread, unistr);
        }
        str::from_wtf8(thread, old::normalize(unistr.as_wtf8(), form).as_wtf8())
    }

    #[signature(chr, default=<missing>, /)]
    fn name(thread: &mut Thread, _this: &Obj<Self>, chr: Ref, default: Option<Ref>) -> PyResult {
        let c = character(chr, "name", " 1")?;
        match old::name(c) {
            Some(name) => str::new(thread, &name),
            None => or_default(default, "no such name"),
        }
    }

    #[signature(name, /)]
    fn lookup(thread: &mut Thread, _this: &Obj<Self>, name: &str) -> PyResult {
        let found: Value = find(thread, name, false)?;
        let assigned = found
            .get()
            .downcast::<PyStr>()
            .and_then(|text| text.as_wtf8().code_points().next())
            .is_some_and(|c| OldProperties::of(c).category != "Cn");
        if assigned {
            Ok(found)
        } else {
            Err(key_error_message(format!("undefined character name '{name}'")))
        }
    }

    #[getter]
    fn unidata_version(_this: &Obj<Self>) -> &'static str {
        "3.2.0"
    }
}

/// This module provides access to the Unicode Character Database which
/// defines character properties for all Unicode characters. The data in
/// this database is based on the UnicodeData.txt file version
/// 16.0.0 which is publicly available from the Unicode Consortium
/// at https://www.unicode.org/Public/16.0.0/ucd/.
///
/// The module uses the same names and symbols as defined by the
/// UnicodeData File Format 16.0.0.
#[pymodule(
    name = "unicodedata",
    functions(
        decimal,
        digit,
        numeric,
        category,
        bidirectional,
        combining,
        mirrored,
        east_asian_width,
        decomposition,
        is_normalized,
        normalize,
        name,
        lookup
    ),
    classes(OldDatabase)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "unidata_version", VERSION)?;
    let old = make(thread, OldDatabase {})?;
    module.add(thread, "ucd_3_2_0", old)
}
