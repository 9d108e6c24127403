//! Binding the arguments of the constructors, whose messages don't name a function as other messages do, and checks
//! that they share.

use orochi_objects::error::{overflow_error, type_error, value_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::{Args, PyErr, PyResult, Ref, Thread, class_of, int, str};

use super::tzinfo::TzInfo;

/// How a constructor's arguments go to its parameters.
pub(super) struct Binding<const N: usize> {
    /// How messages call it.
    pub(super) function: &'static str,
    pub(super) names: [&'static str; N],
    pub(super) required: usize,
    /// How many may be given by position.
    pub(super) positional: usize,
}

impl<const N: usize> Binding<N> {
    fn name(&self, i: usize) -> &'static str {
        self.names.get(i).copied().unwrap_or_default()
    }

    fn too_many(&self, args: &Args<'_>) -> Option<PyErr> {
        let function = self.function;
        let given = args.len() + args.keyword_count();
        let (most, kind, given) = if given > N {
            (N, "", given)
        } else if args.len() > self.positional {
            (self.positional, "positional ", args.len())
        } else {
            return None;
        };
        Some(type_error(format!("{function} takes at most {most} {kind}arguments ({given} given)")))
    }

    fn unexpected(&self, name: &str) -> PyErr {
        // CPython says "this function" where it has no name for it.
        let function = if self.function == "function" { "this function" } else { self.function };
        type_error(format!("{function} got an unexpected keyword argument '{name}'"))
    }

    /// The arguments by parameter.
    pub(super) fn bind<'a>(&self, args: &Args<'a>) -> PyResult<[Option<Ref<'a>>; N]> {
        if let Some(error) = self.too_many(args) {
            return Err(error);
        }
        let mut values: [Option<Ref<'a>>; N] = [None; N];
        for (place, value) in values.iter_mut().zip(args.iter()) {
            *place = Some(value);
        }
        let mut unknown = None;
        for (name, value) in args.keywords() {
            let at = self.names.iter().position(|known| known.as_bytes() == name.as_bytes());
            match at.and_then(|i| Some((i, values.get_mut(i)?))) {
                Some((i, Some(_))) => {
                    return Err(type_error(format!(
                        "argument for {} given by name ('{}') and position ({})",
                        self.function,
                        self.name(i),
                        i + 1
                    )));
                }
                Some((_, place)) => *place = Some(value),
                None => unknown = unknown.or(Some(name)),
            }
        }
        if let Some(missing) = values.iter().take(self.required).position(Option::is_none) {
            let (function, name) = (self.function, self.name(missing));
            return Err(type_error(format!(
                "{function} missing required argument '{name}' (pos {})",
                missing + 1
            )));
        }
        match unknown {
            Some(name) => Err(self.unexpected(&str::display(name.get()))),
            None => Ok(values),
        }
    }
}

/// An argument as C's int, or `default` if it isn't there.
pub(super) fn int_or(thread: &mut Thread, value: Option<Ref<'_>>, default: i32) -> PyResult<i32> {
    let Some(value) = value else { return Ok(default) };
    let number = int::index(thread, value)?;
    let Some(number) = int::value(number.get()).and_then(int::IntRef::to_i64) else {
        return Err(overflow_error("Python int too large to convert to C long"));
    };
    i32::try_from(number).map_err(|_| {
        let what = if number < 0 { "less than minimum" } else { "greater than maximum" };
        overflow_error(format!("signed integer is {what}"))
    })
}

/// A zone argument: None or a tzinfo.
pub(super) fn check_zone(value: Ref<'_>) -> PyResult<()> {
    if value.is_none() || value.downcast::<TzInfo>().is_some() {
        return Ok(());
    }
    let class = class_of(value).name();
    Err(type_error(format!("tzinfo argument must be None or of a tzinfo subclass, not type '{class}'")))
}

/// A zone argument that may be missing.
pub(super) fn zone_or<'a>(value: Option<Ref<'a>>, default: Ref<'a>) -> PyResult<Ref<'a>> {
    let zone = value.unwrap_or(default);
    check_zone(zone)?;
    Ok(zone)
}

/// A number within bounds, or ValueError that names it.
pub(super) fn within(what: &str, value: i32, least: i32, most: i32) -> PyResult<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(value_error(format!("{what} must be in {least}..{most}, not {value}")))
}

/// A str argument of a method.
pub(super) fn text<'a>(
    value: Ref<'a>,
    method: &str,
    position: usize,
) -> PyResult<&'a orochi_core::Obj<PyStr>> {
    value.downcast::<PyStr>().ok_or_else(|| {
        let class = if value.is_none() { "None".into() } else { class_of(value).name() };
        type_error(format!("{method}() argument {position} must be str, not {class}"))
    })
}

/// The bytes of a pickled state: bytes, or a str from a pickle of Python 2 that was read as Latin-1.
pub(super) fn state<const N: usize>(value: Ref<'_>, class: &str) -> PyResult<Option<[u8; N]>> {
    if let Some(bytes) = orochi_objects::bytes::value(value) {
        return Ok(bytes.try_into().ok());
    }
    let Some(text) = value.downcast::<PyStr>().filter(|text| text.len() == N) else { return Ok(None) };
    let mut bytes = [0; N];
    for (byte, point) in bytes.iter_mut().zip(text.as_wtf8().code_points()) {
        *byte = u8::try_from(point.to_u32()).map_err(|_| {
            value_error(format!(
                "Failed to encode latin1 string when unpickling a {class} object. \
                 pickle.load(data, encoding='latin1') is assumed."
            ))
        })?;
    }
    Ok(Some(bytes))
}
