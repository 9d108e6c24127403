//! Signatures as Python tells them: a letter for a number or an address, a tuple of such for a structure.

use crate::host::foreign::{Fill, Kind, Signature};
use libffi::middle::Type;
use orochi_objects::error::{type_error, value_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{PyResult, Ref};

/// How deep structures may lie in each other.
const DEPTH: usize = 32;

/// The kind that a letter means: those of `struct` with sizes of their own, and `v` for nothing.
fn letter(code: &str) -> Option<Kind> {
    let (shape, size, fill) = match code {
        "v" => return Some(Kind { shape: Type::void(), size: 0, align: 1, fill: Fill::Whole }),
        "b" => (Type::i8(), 1, Fill::Signed),
        "B" => (Type::u8(), 1, Fill::Unsigned),
        "h" => (Type::i16(), 2, Fill::Signed),
        "H" => (Type::u16(), 2, Fill::Unsigned),
        "i" => (Type::i32(), 4, Fill::Signed),
        "I" => (Type::u32(), 4, Fill::Unsigned),
        "q" => (Type::i64(), 8, Fill::Whole),
        "Q" => (Type::u64(), 8, Fill::Whole),
        "f" => (Type::f32(), 4, Fill::Whole),
        "d" => (Type::f64(), 8, Fill::Whole),
        "g" => (Type::longdouble(), 16, Fill::Whole),
        "P" => (Type::pointer(), size_of::<usize>(), Fill::Whole),
        _ => return None,
    };
    Some(Kind { shape, size, align: size, fill })
}

/// A structure: its size, then the kinds of its members.
fn structure(parts: &PyTuple, depth: usize) -> PyResult<Kind> {
    let mut parts = parts.items();
    let size = parts.next().and_then(Ref::as_small_int).and_then(|size| usize::try_from(size).ok());
    let size = size.ok_or_else(|| type_error("a structure's kind begins with its size"))?;
    let members = parts.map(|part| kind(part, depth + 1)).collect::<PyResult<Vec<_>>>()?;
    // As libffi will lay it out; what is packed or aligned by hand it can't pass.
    let align = members.iter().map(|member| member.align).max().unwrap_or(1);
    let end = members.iter().try_fold(0_usize, |end, member| {
        end.checked_next_multiple_of(member.align)?.checked_add(member.size)
    });
    if end.and_then(|end| end.checked_next_multiple_of(align)) != Some(size) {
        return Err(value_error("a structure with a layout of its own can't be passed by value"));
    }
    let shape = Type::structure(members.into_iter().map(|member| member.shape));
    Ok(Kind { shape, size, align, fill: Fill::Whole })
}

fn kind(told: Ref<'_>, depth: usize) -> PyResult<Kind> {
    if depth > DEPTH {
        return Err(value_error("structures lie too deep in each other"));
    }
    if let Some(parts) = told.downcast::<PyTuple>() {
        return structure(parts, depth);
    }
    let code = told.downcast::<PyStr>().and_then(|code| code.to_str());
    code.and_then(letter).ok_or_else(|| value_error("no such kind of value"))
}

/// The signature of a result's kind and a tuple of arguments' kinds, of which those from `fixed` on stand behind the dots.
pub(super) fn parse(result: Ref<'_>, arguments: Ref<'_>, fixed: Option<usize>) -> PyResult<Signature> {
    let arguments = arguments
        .downcast::<PyTuple>()
        .ok_or_else(|| type_error("the kinds of arguments are a tuple"))?
        .items()
        .map(|argument| kind(argument, 0))
        .collect::<PyResult<Vec<_>>>()?;
    let fixed = fixed.filter(|&fixed| fixed < arguments.len());
    let result = kind(result, 0)?;
    Signature::new(&arguments, fixed, result)
        .ok_or_else(|| value_error("there are no calls with such a signature"))
}
