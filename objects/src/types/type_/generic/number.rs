//! Number slots of classes whose special methods are written in Python, with the rules about reflected operands.
//!
//! A binary slot is called with the operands in their order in the program, whichever of them has the slot. So each
//! function finds out for which side it speaks: a side counts if its class has this very function in the slot.

use crate::error::{PyResult, type_error};
use crate::name;
use crate::protocol::special::{self, call_or_not_implemented, call_or_raise};
use crate::slots::SlotTable;
use crate::types::str::PyStr;
use crate::types::r#type::TypeExt;
use orochi_core::{Obj, Ref, Thread, Value};

/// Whether the right operand's class has another reflected method than the left one's.
fn is_overloaded(thread: &Thread, left: Ref<'_>, right: Ref<'_>, reflected: &Obj<PyStr>) -> bool {
    let theirs = crate::class_of(right).lookup(thread, reflected);
    let ours = crate::class_of(left).lookup(thread, reflected);
    match (ours, theirs) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(ours), Some(theirs)) => !ours.is(theirs),
    }
}

/// One binary operation.
struct Operation {
    forward: &'static Obj<PyStr>,
    reflected: &'static Obj<PyStr>,
    /// Whether a class's slot holds the generic function of this operation.
    is_generic: fn(&SlotTable) -> bool,
}

impl Operation {
    /// The dance. `modulus` is `pow`'s third argument.
    fn run(&self, thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, modulus: Option<Ref<'_>>) -> PyResult {
        let (left_class, right_class) = (crate::class_of(left), crate::class_of(right));
        let same = std::ptr::eq(left_class, right_class);
        let mut ask_right = !same && (self.is_generic)(&right_class.slots);
        if (self.is_generic)(&left_class.slots) {
            if ask_right
                && right_class.is_subtype_of(left_class)
                && is_overloaded(thread, left, right, self.reflected)
            {
                let result = call(thread, right, self.reflected, left, modulus)?;
                if !result.get().is(Ref::NOT_IMPLEMENTED) {
                    return Ok(result);
                }
                ask_right = false;
            }
            let result = call(thread, left, self.forward, right, modulus)?;
            if same || !result.get().is(Ref::NOT_IMPLEMENTED) {
                return Ok(result);
            }
        }
        if ask_right {
            call(thread, right, self.reflected, left, modulus)
        } else {
            Ok(Value::NOT_IMPLEMENTED)
        }
    }
}

fn call(
    thread: &mut Thread,
    this: Ref<'_>,
    method: &Obj<PyStr>,
    other: Ref<'_>,
    modulus: Option<Ref<'_>>,
) -> PyResult {
    match modulus {
        Some(modulus) => call_or_not_implemented(thread, this, method, &[other, modulus]),
        None => call_or_not_implemented(thread, this, method, &[other]),
    }
}

macro_rules! binary {
    ($($function:ident $slot:ident $forward:literal $reflected:literal;)*) => { $(
        pub(crate) fn $function(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
            let operation = Operation {
                forward: name!($forward),
                reflected: name!($reflected),
                is_generic: |slots| slots.$slot().is_some_and(|slot| slot as usize == $function as *const () as usize),
            };
            operation.run(thread, left, right, None)
        }
    )* };
}

binary! {
    add nb_add "__add__" "__radd__";
    subtract nb_subtract "__sub__" "__rsub__";
    multiply nb_multiply "__mul__" "__rmul__";
    remainder nb_remainder "__mod__" "__rmod__";
    divmod nb_divmod "__divmod__" "__rdivmod__";
    lshift nb_lshift "__lshift__" "__rlshift__";
    rshift nb_rshift "__rshift__" "__rrshift__";
    and nb_and "__and__" "__rand__";
    xor nb_xor "__xor__" "__rxor__";
    or nb_or "__or__" "__ror__";
    floor_divide nb_floor_divide "__floordiv__" "__rfloordiv__";
    true_divide nb_true_divide "__truediv__" "__rtruediv__";
    matrix_multiply nb_matrix_multiply "__matmul__" "__rmatmul__";
}

/// `pow`, with or without a modulus (None).
pub(crate) fn power(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, modulus: Ref<'_>) -> PyResult {
    let operation = Operation {
        forward: name!("__pow__"),
        reflected: name!("__rpow__"),
        is_generic: |slots| slots.nb_power().is_some_and(|slot| slot as usize == power as *const () as usize),
    };
    operation.run(thread, left, right, Some(modulus).filter(|modulus| !modulus.is_none()))
}

macro_rules! inplace {
    ($($function:ident $name:literal;)*) => { $(
        pub(crate) fn $function(thread: &mut Thread, this: Ref<'_>, other: Ref<'_>) -> PyResult {
            call_or_raise(thread, this, name!($name), &[other])
        }
    )* };
}

inplace! {
    inplace_add "__iadd__";
    inplace_subtract "__isub__";
    inplace_multiply "__imul__";
    inplace_remainder "__imod__";
    inplace_lshift "__ilshift__";
    inplace_rshift "__irshift__";
    inplace_and "__iand__";
    inplace_xor "__ixor__";
    inplace_or "__ior__";
    inplace_floor_divide "__ifloordiv__";
    inplace_true_divide "__itruediv__";
    inplace_matrix_multiply "__imatmul__";
}

/// `**=`; there is no syntax for a modulus.
pub(crate) fn inplace_power(
    thread: &mut Thread,
    this: Ref<'_>,
    other: Ref<'_>,
    _modulus: Ref<'_>,
) -> PyResult {
    call_or_raise(thread, this, name!("__ipow__"), &[other])
}

macro_rules! unary {
    ($($function:ident $name:literal;)*) => { $(
        pub(crate) fn $function(thread: &mut Thread, this: Ref<'_>) -> PyResult {
            call_or_raise(thread, this, name!($name), &[])
        }
    )* };
}

unary! {
    negative "__neg__";
    positive "__pos__";
    absolute "__abs__";
    invert "__invert__";
    int "__int__";
    float "__float__";
    index "__index__";
}

/// `__bool__`, whose result must be a bool.
pub(crate) fn bool(thread: &mut Thread, this: Ref<'_>) -> PyResult<bool> {
    let Some(result) = special::call_optional(thread, this, name!("__bool__"), &[])? else { return Ok(true) };
    result.get().as_bool().ok_or_else(|| {
        let class = crate::class_of(result.get()).name();
        type_error(format!("__bool__ should return bool, returned {class}"))
    })
}
