//! Conversions between Python objects and Rust types, for arguments and results of native functions.

use crate::args::{ArgContext, FromArg};
use crate::class::PyClass;
use crate::error::{PyResult, overflow_error, type_error};
use crate::types::int::{self, IntRef};
use crate::types::str::PyStr;
use crate::types::{float, str};
use num_bigint::BigInt;
use orochi_core::{Obj, Owned, Ref, Thread, Value};

/// What can become a Python object.
pub trait IntoPy {
    /// The object.
    fn into_py(self, thread: &mut Thread) -> PyResult<Value>;
}

impl IntoPy for Value {
    #[inline(always)]
    fn into_py(self, _thread: &mut Thread) -> PyResult<Value> {
        Ok(self)
    }
}

impl<T: IntoPy> IntoPy for PyResult<T> {
    #[inline(always)]
    fn into_py(self, thread: &mut Thread) -> PyResult<Value> {
        self?.into_py(thread)
    }
}

impl<T: IntoPy> IntoPy for Option<T> {
    #[inline]
    fn into_py(self, thread: &mut Thread) -> PyResult<Value> {
        self.map_or(Ok(Value::NONE), |value| value.into_py(thread))
    }
}

impl<T> IntoPy for Owned<T> {
    #[inline]
    fn into_py(self, _thread: &mut Thread) -> PyResult<Value> {
        Ok(self.into_value())
    }
}

impl<T> IntoPy for &Obj<T> {
    #[inline]
    fn into_py(self, _thread: &mut Thread) -> PyResult<Value> {
        Ok(self.to_value())
    }
}

impl IntoPy for Ref<'_> {
    #[inline]
    fn into_py(self, _thread: &mut Thread) -> PyResult<Value> {
        Ok(self.to_owned())
    }
}

impl IntoPy for () {
    #[inline]
    fn into_py(self, _thread: &mut Thread) -> PyResult<Value> {
        Ok(Value::NONE)
    }
}

impl IntoPy for bool {
    #[inline]
    fn into_py(self, _thread: &mut Thread) -> PyResult<Value> {
        Ok(Value::bool(self))
    }
}

impl IntoPy for f64 {
    #[inline]
    fn into_py(self, thread: &mut Thread) -> PyResult<Value> {
        float::new(thread, self)
    }
}

impl IntoPy for &str {
    #[inline]
    fn into_py(self, thread: &mut Thread) -> PyResult<Value> {
        str::new(thread, self)
    }
}

impl IntoPy for String {
    #[inline]
    fn into_py(self, thread: &mut Thread) -> PyResult<Value> {
        str::new(thread, &self)
    }
}

impl IntoPy for std::borrow::Cow<'_, str> {
    #[inline]
    fn into_py(self, thread: &mut Thread) -> PyResult<Value> {
        str::new(thread, &self)
    }
}

impl IntoPy for BigInt {
    #[inline]
    fn into_py(self, thread: &mut Thread) -> PyResult<Value> {
        int::from_big(thread, self)
    }
}

macro_rules! ints {
    ($($int:ty),*) => { $(
        impl IntoPy for $int {
            #[inline]
            fn into_py(self, thread: &mut Thread) -> PyResult<Value> {
                match i64::try_from(self) {
                    Ok(value) => int::new(thread, value),
                    Err(_) => int::from_big(thread, BigInt::from(self)),
                }
            }
        }

        impl<'a> FromArg<'a> for $int {
            #[inline]
            fn from_arg(thread: &mut Thread, value: Ref<'a>, _context: ArgContext) -> PyResult<$int> {
                if let Some(small) = value.as_small_int()
                    && let Ok(number) = <$int>::try_from(small)
                {
                    return Ok(number);
                }
                let object = int::index(thread, value)?;
                let fits = match int::value(object.get()) {
                    Some(IntRef::Small(small)) => <$int>::try_from(small).ok(),
                    Some(IntRef::Big(big)) => <$int>::try_from(big).ok(),
                    None => None,
                };
                fits.ok_or_else(|| out_of_range(object.get(), stringify!($int)))
            }
        }
    )* };
}
ints!(i8, u8, i16, u16, i32, u32, i64, u64, isize, usize);

#[cold]
fn out_of_range(value: Ref<'_>, rust_type: &str) -> crate::error::PyErr {
    let negative = match int::value(value) {
        Some(IntRef::Small(small)) => small < 0,
        Some(IntRef::Big(big)) => big.sign() == num_bigint::Sign::Minus,
        None => false,
    };
    overflow_error(match rust_type {
        "u8" if negative => "unsigned byte integer is less than minimum",
        "u8" => "unsigned byte integer is greater than maximum",
        "u16" | "u32" | "u64" | "usize" if negative => "can't convert negative value to unsigned int",
        "i32" => "Python int too large to convert to C int",
        "u32" => "Python int too large to convert to C unsigned int",
        "isize" => "Python int too large to convert to C ssize_t",
        "usize" | "u64" => "Python int too large to convert to C unsigned long",
        _ => "Python int too large to convert to C long",
    })
}

impl<'a> FromArg<'a> for Ref<'a> {
    #[inline(always)]
    fn from_arg(_thread: &mut Thread, value: Ref<'a>, _context: ArgContext) -> PyResult<Ref<'a>> {
        Ok(value)
    }
}

impl<'a> FromArg<'a> for Value {
    #[inline]
    fn from_arg(_thread: &mut Thread, value: Ref<'a>, _context: ArgContext) -> PyResult<Value> {
        Ok(value.to_owned())
    }
}

impl<'a, T: PyClass> FromArg<'a> for &'a Obj<T> {
    #[inline]
    fn from_arg(_thread: &mut Thread, value: Ref<'a>, context: ArgContext) -> PyResult<&'a Obj<T>> {
        value.downcast::<T>().ok_or_else(|| context.wrong_type(T::NAME, value))
    }
}

impl<'a, T: FromArg<'a>> FromArg<'a> for Option<T> {
    #[inline]
    fn from_arg(thread: &mut Thread, value: Ref<'a>, context: ArgContext) -> PyResult<Option<T>> {
        if value.is_none() { Ok(None) } else { T::from_arg(thread, value, context).map(Some) }
    }
}

impl<'a> FromArg<'a> for bool {
    #[inline]
    fn from_arg(thread: &mut Thread, value: Ref<'a>, _context: ArgContext) -> PyResult<bool> {
        crate::protocol::is_true(thread, value)
    }
}

impl<'a> FromArg<'a> for f64 {
    #[inline]
    fn from_arg(thread: &mut Thread, value: Ref<'a>, _context: ArgContext) -> PyResult<f64> {
        crate::protocol::number::as_float(thread, value)
    }
}

impl<'a> FromArg<'a> for &'a str {
    #[inline]
    fn from_arg(_thread: &mut Thread, value: Ref<'a>, context: ArgContext) -> PyResult<&'a str> {
        let Some(text) = value.downcast::<PyStr>() else { return Err(context.wrong_type("str", value)) };
        // The object outlives the call, and so do its bytes.
        let text: &'a Obj<PyStr> = text;
        PyStr::to_str(text).ok_or_else(|| surrogates(text))
    }
}

impl<'a> FromArg<'a> for String {
    #[inline]
    fn from_arg(thread: &mut Thread, value: Ref<'a>, context: ArgContext) -> PyResult<String> {
        <&str>::from_arg(thread, value, context).map(String::from)
    }
}

/// UnicodeEncodeError for a str with lone surrogates where UTF-8 is needed.
#[cold]
pub fn surrogates(text: &Obj<PyStr>) -> crate::error::PyErr {
    let at = text
        .as_wtf8()
        .code_points()
        .position(|point| (0xD800..0xE000).contains(&point.to_u32()))
        .unwrap_or(0);
    let int = |value: usize| Value::small_int(value as i64).unwrap_or(Value::NONE);
    let made = crate::state::with_thread(|thread| {
        let encoding = crate::str::new(thread, "utf-8").ok()?;
        let reason = crate::str::new(thread, "surrogates not allowed").ok()?;
        Some((encoding, reason))
    });
    match made {
        Some((encoding, reason)) => crate::error::PyErr::new(
            &crate::types::exception::UnicodeEncodeError,
            vec![encoding, text.to_value(), int(at), int(at + 1), reason],
        ),
        None => type_error("surrogates not allowed"),
    }
}
