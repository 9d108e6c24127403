//! Operators on numbers and any objects.

use orochi_core::{Ref, Thread};
use orochi_macros::pyfunction;
use orochi_objects::error::type_error;
use orochi_objects::protocol::{self, CompareOp, number};
use orochi_objects::types::int;
use orochi_objects::{Args, PyResult};

/// Return True if a is true, False otherwise.
#[pyfunction]
#[signature(a, /)]
pub(crate) fn truth(thread: &mut Thread, a: Ref<'_>) -> PyResult<bool> {
    protocol::is_true(thread, a)
}

/// Same as not a.
#[pyfunction]
#[signature(a, /)]
pub(crate) fn not_(thread: &mut Thread, a: Ref<'_>) -> PyResult<bool> {
    Ok(!protocol::is_true(thread, a)?)
}

/// Same as a is b.
#[pyfunction]
#[signature(a, b, /)]
pub(crate) fn is_(a: Ref<'_>, b: Ref<'_>) -> bool {
    a.is(b)
}

/// Same as a is not b.
#[pyfunction]
#[signature(a, b, /)]
pub(crate) fn is_not(a: Ref<'_>, b: Ref<'_>) -> bool {
    !a.is(b)
}

/// Same as a is None.
#[pyfunction]
#[signature(a, /)]
pub(crate) fn is_none(a: Ref<'_>) -> bool {
    a.is_none()
}

/// Same as a is not None.
#[pyfunction]
#[signature(a, /)]
pub(crate) fn is_not_none(a: Ref<'_>) -> bool {
    !a.is_none()
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident $op:ident;)*) => { $(
        $(#[$doc])*
        #[pyfunction]
        #[signature(a, b, /)]
        pub(crate) fn $name(thread: &mut Thread, a: Ref<'_>, b: Ref<'_>) -> PyResult {
            protocol::rich_compare(thread, a, b, CompareOp::$op)
        }
    )* };
}
comparisons! {
    /// Same as a < b.
    lt Lt;
    /// Same as a <= b.
    le Le;
    /// Same as a == b.
    eq Eq;
    /// Same as a != b.
    ne Ne;
    /// Same as a > b.
    gt Gt;
    /// Same as a >= b.
    ge Ge;
}

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident $text:literal $function:ident;)*) => { $(
        $(#[$doc])*
        #[pyfunction]
        #[name = $text]
        #[signature(a, b, /)]
        pub(crate) fn $name(thread: &mut Thread, a: Ref<'_>, b: Ref<'_>) -> PyResult {
            number::$function(thread, a, b)
        }
    )* };
}
binary! {
    /// Same as a + b.
    add "add" add;
    /// Same as a - b.
    sub "sub" subtract;
    /// Same as a * b.
    mul "mul" multiply;
    /// Same as a @ b.
    matmul "matmul" matrix_multiply;
    /// Same as a / b.
    truediv "truediv" true_divide;
    /// Same as a // b.
    floordiv "floordiv" floor_divide;
    /// Same as a % b.
    mod_ "mod" remainder;
    /// Same as a << b.
    lshift "lshift" lshift;
    /// Same as a >> b.
    rshift "rshift" rshift;
    /// Same as a & b.
    and_ "and_" and;
    /// Same as a ^ b.
    xor "xor" xor;
    /// Same as a | b.
    or_ "or_" or;
    /// Same as a ** b.
    pow "pow" power;
    /// Same as a += b.
    iadd "iadd" inplace_add;
    /// Same as a -= b.
    isub "isub" inplace_subtract;
    /// Same as a *= b.
    imul "imul" inplace_multiply;
    /// Same as a @= b.
    imatmul "imatmul" inplace_matrix_multiply;
    /// Same as a /= b.
    itruediv "itruediv" inplace_true_divide;
    /// Same as a //= b.
    ifloordiv "ifloordiv" inplace_floor_divide;
    /// Same as a %= b.
    imod "imod" inplace_remainder;
    /// Same as a <<= b.
    ilshift "ilshift" inplace_lshift;
    /// Same as a >>= b.
    irshift "irshift" inplace_rshift;
    /// Same as a &= b.
    iand "iand" inplace_and;
    /// Same as a ^= b.
    ixor "ixor" inplace_xor;
    /// Same as a |= b.
    ior "ior" inplace_or;
    /// Same as a **= b.
    ipow "ipow" inplace_power;
}

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident $function:ident;)*) => { $(
        $(#[$doc])*
        #[pyfunction]
        #[signature(a, /)]
        pub(crate) fn $name(thread: &mut Thread, a: Ref<'_>) -> PyResult {
            number::$function(thread, a)
        }
    )* };
}
unary! {
    /// Same as -a.
    neg negative;
    /// Same as +a.
    pos positive;
    /// Same as ~a.
    inv invert;
    /// Same as ~a.
    invert invert;
}

/// Same as abs(a).
#[pyfunction]
#[signature(a, /)]
pub(crate) fn abs(thread: &mut Thread, a: Ref<'_>) -> PyResult {
    let class = orochi_objects::class_of(a);
    match class.slots.nb_absolute() {
        Some(absolute) => absolute(thread, a),
        None => Err(type_error(format!("bad operand type for abs(): '{}'", class.name()))),
    }
}

/// Same as a.__index__()
#[pyfunction]
#[signature(a, /)]
pub(crate) fn index(thread: &mut Thread, a: Ref<'_>) -> PyResult {
    int::index(thread, a)
}

/// Same as obj(*args, **kwargs).
#[pyfunction]
pub(crate) fn call(thread: &mut Thread, args: Args<'_>) -> PyResult {
    match args.get(0) {
        Some(callable) => protocol::call_args(thread, callable, args.rest()),
        None => Err(type_error("call expected at least 1 argument, got 0")),
    }
}
