//! Arithmetic: ints and floats that lie in words are computed here, everything else by the number protocol.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

use super::cursor::{At, Cursor, Fast, Flow, Operands, raise};
use super::iter::exactly;
use orochi_compiler::opcode::{Op, Word as Instruction};
use orochi_core::word::{self, Word};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_objects::error::PyResult;
use orochi_objects::protocol::number;
use orochi_objects::types::float;
use orochi_objects::types::str::{self, PyStr};
use orochi_objects::types::str_::sequence::concat;

/// The protocol's function of a binary operator.
pub(super) type Binary = fn(&mut Thread, Ref<'_>, Ref<'_>) -> PyResult<Value>;

#[inline(always)]
fn both_ints(a: Word, b: Word) -> bool {
    a & b & 1 != 0
}

#[inline(always)]
pub(super) fn both_flonums(a: Word, b: Word) -> bool {
    word::is_flonum(a) && word::is_flonum(b)
}

// Tagged ints are 2x + 1.
#[inline(always)]
fn add_ints(a: Word, b: Word) -> Option<Word> {
    (a as i64 - 1).checked_add(b as i64).map(|sum| sum as Word)
}
#[inline(always)]
fn sub_ints(a: Word, b: Word) -> Option<Word> {
    (a as i64).checked_sub(b as i64).map(|difference| difference as Word | 1)
}
#[inline(always)]
fn mul_ints(a: Word, b: Word) -> Option<Word> {
    (a as i64 - 1).checked_mul(b as i64 >> 1).map(|product| product as Word | 1)
}
#[inline(always)]
fn floordiv_ints(a: Word, b: Word) -> Option<Word> {
    let (x, y) = (word::int_of(a), word::int_of(b));
    let quotient = x.checked_div(y)?;
    let floor = if x % y != 0 && (x < 0) != (y < 0) { quotient - 1 } else { quotient };
    word::from_int(floor)
}
#[inline(always)]
fn mod_ints(a: Word, b: Word) -> Option<Word> {
    let (x, y) = (word::int_of(a), word::int_of(b));
    let remainder = x.checked_rem(y)?;
    word::from_int(if remainder != 0 && (remainder < 0) != (y < 0) { remainder + y } else { remainder })
}
/// The quotient of a division by an instruction's operand: a shift if that is a power of two.
#[inline(always)]
fn floordiv_by(a: Word, b: Word) -> Option<Word> {
    let divisor = word::int_of(b);
    if divisor > 0 && divisor & (divisor - 1) == 0 {
        return Some((a as i64 >> divisor.trailing_zeros()) as Word | 1);
    }
    floordiv_ints(a, b)
}
/// The remainder of such a division: a mask if the divisor is a power of two (tagged, 2 (d - 1) + 1).
#[inline(always)]
fn mod_by(a: Word, b: Word) -> Option<Word> {
    let divisor = word::int_of(b);
    if divisor > 0 && divisor & (divisor - 1) == 0 {
        return Some(a & (b - 2));
    }
    mod_ints(a, b)
}
#[inline(always)]
fn truediv_ints(a: Word, b: Word) -> Option<Word> {
    const EXACT: i64 = 1 << 53;
    let (x, y) = (word::int_of(a), word::int_of(b));
    if y == 0 || x.abs() > EXACT || y.abs() > EXACT {
        return None;
    }
    word::from_float(x as f64 / y as f64)
}
#[inline(always)]
fn lshift_ints(a: Word, b: Word) -> Option<Word> {
    let (x, y) = (word::int_of(a), word::int_of(b));
    if !(0..62).contains(&y) {
        return None;
    }
    let shifted = x << y;
    if shifted >> y != x { None } else { word::from_int(shifted) }
}
#[inline(always)]
fn rshift_ints(a: Word, b: Word) -> Option<Word> {
    let y = word::int_of(b);
    if y < 0 { None } else { word::from_int(word::int_of(a) >> y.min(63)) }
}
#[inline(always)]
fn and_ints(a: Word, b: Word) -> Option<Word> {
    Some(a & b)
}
#[inline(always)]
fn or_ints(a: Word, b: Word) -> Option<Word> {
    Some(a | b)
}
#[inline(always)]
fn xor_ints(a: Word, b: Word) -> Option<Word> {
    Some((a ^ b) | 1)
}
#[inline(always)]
fn no_ints(_a: Word, _b: Word) -> Option<Word> {
    None
}
#[inline(always)]
fn add_floats(a: f64, b: f64) -> Option<f64> {
    Some(a + b)
}
#[inline(always)]
fn sub_floats(a: f64, b: f64) -> Option<f64> {
    Some(a - b)
}
#[inline(always)]
fn mul_floats(a: f64, b: f64) -> Option<f64> {
    Some(a * b)
}
#[inline(always)]
fn truediv_floats(a: f64, b: f64) -> Option<f64> {
    (b != 0.0).then(|| a / b)
}
#[inline(always)]
fn no_floats(_a: f64, _b: f64) -> Option<f64> {
    None
}

/// The number of an immediate int or float.
#[inline(always)]
fn as_number(word: Word) -> Option<f64> {
    if word::is_int(word) {
        Some(word::int_of(word) as f64)
    } else if word::is_flonum(word) {
        Some(word::flonum_of(word))
    } else {
        None
    }
}

/// The right one of two exact strs that are added.
#[inline(always)]
fn added_str<'a>(w: Instruction, left: Ref<'_>, right: Ref<'a>) -> Option<&'a Obj<PyStr>> {
    if w.op_byte() != Op::Add as u8 && w.op_byte() != Op::InplaceAdd as u8 {
        return None;
    }
    exactly::<PyStr>(left).and(exactly::<PyStr>(right))
}

/// `left + right` of exact strs. A str in the register that the sum goes to grows where it is, if nobody else sees it.
#[inline(never)]
fn add_strs(thread: &mut Thread, at: At, w: Instruction, right: &Obj<PyStr>) -> PyResult<()> {
    let grows = w.a() == w.b();
    // SAFETY: the left operand's register is the result's, and nothing was borrowed from it.
    if grows && unsafe { str::append_in_place(at.get(w.b()), right) } {
        at.consume(w.c());
        return Ok(());
    }
    let result = match exactly::<PyStr>(at.get(w.b())) {
        Some(left) if grows => str::appended(thread, left, right)?,
        Some(left) => concat(thread, left, right)?,
        None => Value::NONE,
    };
    at.consume(w.b());
    at.consume(w.c());
    at.set(w.a(), result);
    Ok(())
}

/// Out of line: strs, mixed immediates, then the protocol.
#[inline(never)]
fn binary_slow(
    thread: &mut Thread,
    at: At,
    w: Instruction,
    floats: fn(f64, f64) -> Option<f64>,
    protocol: Binary,
) -> PyResult<()> {
    if let Some(right) = added_str(w, at.get(w.b()), at.get(w.c())) {
        return add_strs(thread, at, w, right);
    }
    let (a, b) = (at.word(w.b()), at.word(w.c()));
    // Two ints don't mix: theirs is a result that doesn't fit or an error.
    let mixed = if both_ints(a, b) { None } else { as_number(a).zip(as_number(b)) };
    let result = match mixed.and_then(|(x, y)| floats(x, y)) {
        Some(result) => float::new(thread, result)?,
        None => protocol(thread, at.get(w.b()), at.get(w.c()))?,
    };
    at.consume(w.b());
    at.consume(w.c());
    at.set(w.a(), result);
    Ok(())
}

/// Out of line, with an immediate right operand.
#[inline(never)]
fn immediate_slow(
    thread: &mut Thread,
    at: At,
    w: Instruction,
    floats: fn(f64, f64) -> Option<f64>,
    protocol: Binary,
) -> PyResult<()> {
    let right = i64::from(w.c() as i8);
    let a = at.word(w.b());
    let mixed = if word::is_int(a) { None } else { as_number(a) };
    let result = match mixed.and_then(|x| floats(x, right as f64)) {
        Some(result) => float::new(thread, result)?,
        None => {
            let right = Value::small_int(right).unwrap_or(Value::NONE);
            protocol(thread, at.get(w.b()), right.get())?
        }
    };
    at.consume(w.b());
    at.set(w.a(), result);
    Ok(())
}

/// The operations on two small ints or two floats.
pub(super) mod hot {
    use super::*;

    macro_rules! binary {
        ($($op:ident $ints:ident $floats:ident;)*) => { $(
            #[inline(always)]
            pub(in super::super) fn $op(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
                let (a, b) = (c.word(w.b()), c.word(w.c()));
                let result = if both_ints(a, b) {
                    $ints(a, b)
                } else if both_flonums(a, b) {
                    $floats(word::flonum_of(a), word::flonum_of(b)).and_then(word::from_float)
                } else {
                    None
                };
                let Some(result) = result else { return Fast::Slow };
                c.consume_immediate(w.b());
                c.consume_immediate(w.c());
                c.done(w.a(), result)
            }
        )* };
    }
    binary! {
        Add add_ints add_floats;
        Sub sub_ints sub_floats;
        Mul mul_ints mul_floats;
        MatMul no_ints no_floats;
        TrueDiv truediv_ints truediv_floats;
        FloorDiv floordiv_ints no_floats;
        Mod mod_ints no_floats;
        Pow no_ints no_floats;
        LShift lshift_ints no_floats;
        RShift rshift_ints no_floats;
        And and_ints no_floats;
        Or or_ints no_floats;
        Xor xor_ints no_floats;
        InplaceAdd add_ints add_floats;
        InplaceSub sub_ints sub_floats;
        InplaceMul mul_ints mul_floats;
        InplaceMatMul no_ints no_floats;
        InplaceTrueDiv truediv_ints truediv_floats;
        InplaceFloorDiv floordiv_ints no_floats;
        InplaceMod mod_ints no_floats;
        InplacePow no_ints no_floats;
        InplaceLShift lshift_ints no_floats;
        InplaceRShift rshift_ints no_floats;
        InplaceAnd and_ints no_floats;
        InplaceOr or_ints no_floats;
        InplaceXor xor_ints no_floats;
    }

    macro_rules! with_immediate {
        ($($op:ident $ints:ident $floats:ident;)*) => { $(
            #[inline(always)]
            pub(in super::super) fn $op(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
                let a = c.word(w.b());
                let result = if word::is_int(a) {
                    $ints(a, immediate(w.c()))
                } else if word::is_flonum(a) {
                    $floats(word::flonum_of(a), f64::from(w.c() as i8)).and_then(word::from_float)
                } else {
                    None
                };
                let Some(result) = result else { return Fast::Slow };
                c.consume_immediate(w.b());
                c.done(w.a(), result)
            }
        )* };
    }
    with_immediate! {
        AddI add_ints add_floats;
        SubI sub_ints sub_floats;
        MulI mul_ints mul_floats;
        FloorDivI floordiv_by no_floats;
        ModI mod_by no_floats;
        AndI and_ints no_floats;
        InplaceAddI add_ints add_floats;
        InplaceSubI sub_ints sub_floats;
    }
}

macro_rules! binary {
    ($($op:ident $ints:ident $floats:ident $protocol:ident;)*) => { $(
        #[inline(always)]
        pub(super) fn $op(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
            let operands = c.operands();
            if let Some(flow) = hot::$op(c, thread, operands).flow() {
                return flow;
            }
            c.sync();
            match binary_slow(thread, At(c.frame), w, $floats, number::$protocol) {
                Ok(()) => Flow::Next,
                Err(error) => raise(thread, error),
            }
        }
    )* };
}

binary! {
    Add add_ints add_floats add;
    Sub sub_ints sub_floats subtract;
    Mul mul_ints mul_floats multiply;
    MatMul no_ints no_floats matrix_multiply;
    TrueDiv truediv_ints truediv_floats true_divide;
    FloorDiv floordiv_ints no_floats floor_divide;
    Mod mod_ints no_floats remainder;
    Pow no_ints no_floats power;
    LShift lshift_ints no_floats lshift;
    RShift rshift_ints no_floats rshift;
    And and_ints no_floats and;
    Or or_ints no_floats or;
    Xor xor_ints no_floats xor;
    InplaceAdd add_ints add_floats inplace_add;
    InplaceSub sub_ints sub_floats inplace_subtract;
    InplaceMul mul_ints mul_floats inplace_multiply;
    InplaceMatMul no_ints no_floats inplace_matrix_multiply;
    InplaceTrueDiv truediv_ints truediv_floats inplace_true_divide;
    InplaceFloorDiv floordiv_ints no_floats inplace_floor_divide;
    InplaceMod mod_ints no_floats inplace_remainder;
    InplacePow no_ints no_floats inplace_power;
    InplaceLShift lshift_ints no_floats inplace_lshift;
    InplaceRShift rshift_ints no_floats inplace_rshift;
    InplaceAnd and_ints no_floats inplace_and;
    InplaceOr or_ints no_floats inplace_or;
    InplaceXor xor_ints no_floats inplace_xor;
}

/// The tagged word of an instruction's signed byte.
#[inline(always)]
pub(super) fn immediate(byte: u8) -> Word {
    ((i64::from(byte as i8) << 1) | 1) as Word
}

macro_rules! with_immediate {
    ($($op:ident $ints:ident $floats:ident $protocol:ident;)*) => { $(
        #[inline(always)]
        pub(super) fn $op(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
            let operands = c.operands();
            if let Some(flow) = hot::$op(c, thread, operands).flow() {
                return flow;
            }
            c.sync();
            match immediate_slow(thread, At(c.frame), w, $floats, number::$protocol) {
                Ok(()) => Flow::Next,
                Err(error) => raise(thread, error),
            }
        }
    )* };
}

with_immediate! {
    AddI add_ints add_floats add;
    SubI sub_ints sub_floats subtract;
    MulI mul_ints mul_floats multiply;
    FloorDivI floordiv_by no_floats floor_divide;
    ModI mod_by no_floats remainder;
    AndI and_ints no_floats and;
    InplaceAddI add_ints add_floats inplace_add;
    InplaceSubI sub_ints sub_floats inplace_subtract;
}

#[inline(never)]
fn unary_slow(
    thread: &mut Thread,
    at: At,
    w: Instruction,
    protocol: fn(&mut Thread, Ref<'_>) -> PyResult<Value>,
) -> PyResult<()> {
    let result = protocol(thread, at.get(w.b()))?;
    at.consume(w.b());
    at.set(w.a(), result);
    Ok(())
}

macro_rules! unary {
    ($($op:ident $int:expr, $float:expr, $protocol:ident;)*) => { $(
        #[inline(always)]
        pub(super) fn $op(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
            let a = c.word(w.b());
            let result = if word::is_int(a) {
                let int: fn(i64) -> i64 = $int;
                word::from_int(int(word::int_of(a)))
            } else if word::is_flonum(a) {
                let float: fn(f64) -> Option<f64> = $float;
                float(word::flonum_of(a)).and_then(word::from_float)
            } else {
                None
            };
            if let Some(result) = result {
                c.consume_immediate(w.b());
                c.set(w.a(), result);
                return Flow::Next;
            }
            c.sync();
            match unary_slow(thread, At(c.frame), w, number::$protocol) {
                Ok(()) => Flow::Next,
                Err(error) => raise(thread, error),
            }
        }
    )* };
}

unary! {
    Neg |x| -x, |x| Some(-x), negative;
    Pos |x| x, Some, positive;
    Invert |x| !x, |_| None, invert;
}
