//! Constants of code as objects.

use crate::error::PyResult;
use crate::types::{bytes, code, complex, float, int, set, slice, str, tuple};
use orochi_compiler::code::Constant;
use orochi_core::{Thread, Value};

/// The objects of a code's constants.
pub(super) fn make_all(thread: &mut Thread, constants: &[Constant]) -> PyResult<Vec<Value>> {
    constants.iter().map(|constant| make(thread, constant)).collect()
}

/// The object of a constant.
pub(crate) fn make(thread: &mut Thread, constant: &Constant) -> PyResult {
    Ok(match constant {
        Constant::None => Value::NONE,
        Constant::True => Value::TRUE,
        Constant::False => Value::FALSE,
        Constant::Ellipsis => Value::ELLIPSIS,
        Constant::Int(value) => int::new(thread, *value)?,
        Constant::BigInt(big) => {
            let sign = if big.negative { num_bigint::Sign::Minus } else { num_bigint::Sign::Plus };
            int::from_big(thread, num_bigint::BigInt::from_slice(sign, &big.digits))?
        }
        Constant::Float(value) => float::new(thread, *value)?,
        Constant::Complex { real, imag } => complex::new(thread, *real, *imag)?,
        Constant::Str(text) => string(thread, text)?,
        Constant::Bytes(value) => bytes::new(thread, value)?,
        Constant::Tuple(items) => {
            let items = make_all(thread, items)?;
            tuple::new(thread, items)?.into_value()
        }
        Constant::FrozenSet(items) => {
            let items = make_all(thread, items)?;
            let refs: Vec<_> = items.iter().map(Value::get).collect();
            set::frozen_from_values(thread, &refs)?.into_value()
        }
        Constant::Slice(parts) => {
            let [start, stop, step] = &**parts;
            let (start, stop, step) = (make(thread, start)?, make(thread, stop)?, make(thread, step)?);
            slice::new(thread, start, stop, step)?.into_value()
        }
        Constant::Code(inner) => code::new(thread, inner.clone())?.into_value(),
    })
}

/// Strings that look like names are interned, as in CPython.
fn string(thread: &mut Thread, wtf8: &[u8]) -> PyResult {
    let is_name = wtf8.len() <= 64 && wtf8.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    match std::str::from_utf8(wtf8) {
        Ok(text) if is_name => Ok(str::intern(thread, text)?.to_value()),
        _ => str::from_wtf8(thread, wtf8_of(wtf8)?),
    }
}

/// Bytes that the compiler says are WTF-8.
fn wtf8_of(bytes: &[u8]) -> PyResult<&orochi_text::wtf8::Wtf8> {
    orochi_text::wtf8::Wtf8::from_bytes(bytes)
        .ok_or_else(|| crate::error::system_error("a str constant is not WTF-8"))
}
