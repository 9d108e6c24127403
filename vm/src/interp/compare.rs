//! Comparisons, truth and the jumps that depend on them.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

use super::arith::{both_flonums, immediate};
use super::cache::class_in;
use super::cursor::{At, Cursor, Fast, Flow, Operands, raise};
use super::iter::{exact, exactly};
use orochi_compiler::opcode::Word as Instruction;
use orochi_core::word::{self, Word};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_objects::error::PyResult;
use orochi_objects::protocol::compare::CompareOp;
use orochi_objects::protocol::{self, compare};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::key::Key;
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::set::{self, AnySet, PyFrozenSet, PySet};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;

/// Compares two immediates; `None` if they aren't two ints or two floats.
macro_rules! compare_words {
    ($a:expr, $b:expr, $cmp:tt) => {{
        let (a, b): (Word, Word) = ($a, $b);
        if a & b & 1 != 0 {
            Some((a as i64) $cmp (b as i64))
        } else if both_flonums(a, b) {
            Some(word::flonum_of(a) $cmp word::flonum_of(b))
        } else {
            None
        }
    }};
}

/// Truth of a word that needs no protocol.
#[inline(always)]
pub(super) fn fast_truth(word: Word) -> Option<bool> {
    match word {
        word::TRUE => Some(true),
        word::FALSE | word::NONE => Some(false),
        _ if word::is_int(word) => Some(word != 1),
        _ if word::is_flonum(word) => Some(word::flonum_of(word) != 0.0),
        _ => None,
    }
}

#[inline(never)]
fn compare_slow(thread: &mut Thread, at: At, w: Instruction, op: CompareOp) -> PyResult<()> {
    let (left, right) = (at.get(w.b()), at.get(w.c()));
    let result = match plain(left, right, op) {
        Some(truth) => Value::bool(truth),
        None => compare::rich_compare(thread, left, right, op)?,
    };
    at.consume(w.b());
    at.consume(w.c());
    at.set(w.a(), result);
    Ok(())
}

#[inline(never)]
fn compare_immediate_slow(thread: &mut Thread, at: At, w: Instruction, op: CompareOp) -> PyResult<()> {
    let right = Value::small_int(i64::from(w.c() as i8)).unwrap_or(Value::NONE);
    let result = compare::rich_compare(thread, at.get(w.b()), right.get(), op)?;
    at.consume(w.b());
    at.set(w.a(), result);
    Ok(())
}

/// The truth of a comparison's result.
#[inline(always)]
fn truth_of(thread: &mut Thread, result: Value) -> PyResult<bool> {
    match result.get().as_bool() {
        Some(truth) => Ok(truth),
        None => protocol::is_true(thread, result.get()),
    }
}

/// Compares an int with a float, both immediates, where the int is exact as a float.
fn mixed(left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> Option<bool> {
    let number = |value: Ref<'_>| match value.as_small_int() {
        Some(int) if int.unsigned_abs() <= 1 << 53 => Some(int as f64),
        Some(_) => None,
        None => value.as_flonum(),
    };
    // Flonums are never NaN.
    number(left)?.partial_cmp(&number(right)?).map(|ordering| op.holds(ordering))
}

/// Comparisons of exact strs, of unlike numbers, and of tuples of such; `None` for anything else.
#[inline(never)]
fn plain(left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> Option<bool> {
    if left.on_heap().is_none() {
        return mixed(left, right, op);
    }
    if let (Some(left), Some(right)) = (exactly::<PyTuple>(left), exactly::<PyTuple>(right)) {
        return compare::plain_tuple_order(left, right, op);
    }
    let (left, right) = exactly::<PyStr>(left).zip(exactly::<PyStr>(right))?;
    Some(match op {
        CompareOp::Eq => std::ptr::eq(left, right) || left.as_bytes() == right.as_bytes(),
        CompareOp::Ne => !std::ptr::eq(left, right) && left.as_bytes() != right.as_bytes(),
        // The order of WTF-8 bytes is that of code points.
        _ => op.holds(left.as_bytes().cmp(right.as_bytes())),
    })
}

#[inline(never)]
fn jump_slow(thread: &mut Thread, at: At, w: Instruction, op: CompareOp) -> PyResult<bool> {
    if let Some(truth) = plain(at.get(w.a()), at.get(w.b()), op) {
        at.consume(w.a());
        at.consume(w.b());
        return Ok(truth);
    }
    let result = compare::rich_compare(thread, at.get(w.a()), at.get(w.b()), op)?;
    let truth = truth_of(thread, result)?;
    at.consume(w.a());
    at.consume(w.b());
    Ok(truth)
}

#[inline(never)]
fn jump_immediate_slow(thread: &mut Thread, at: At, w: Instruction, op: CompareOp) -> PyResult<bool> {
    let right = Value::small_int(i64::from(w.b() as i8)).unwrap_or(Value::NONE);
    let result = compare::rich_compare(thread, at.get(w.a()), right.get(), op)?;
    let truth = truth_of(thread, result)?;
    at.consume(w.a());
    Ok(truth)
}

macro_rules! comparisons {
    ($($op:ident $with_i:ident $jump:ident $jump_i:ident $cmp:tt $code:ident;)*) => { $(
        #[inline(always)]
        pub(super) fn $op(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
            let operands = c.operands();
            if let Some(flow) = hot::$op(c, thread, operands).flow() {
                return flow;
            }
            c.sync();
            match compare_slow(thread, At(c.frame), w, CompareOp::$code) {
                Ok(()) => Flow::Next,
                Err(error) => raise(thread, error),
            }
        }

        #[inline(always)]
        pub(super) fn $with_i(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
            let operands = c.operands();
            if let Some(flow) = hot::$with_i(c, thread, operands).flow() {
                return flow;
            }
            c.sync();
            match compare_immediate_slow(thread, At(c.frame), w, CompareOp::$code) {
                Ok(()) => Flow::Next,
                Err(error) => raise(thread, error),
            }
        }

        #[inline(always)]
        pub(super) fn $jump(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
            let operands = c.operands();
            if let Some(flow) = hot::$jump(c, thread, operands).flow() {
                return flow;
            }
            let sense = w.c() != 0;
            c.sync();
            match jump_slow(thread, At(c.frame), w, CompareOp::$code) {
                Ok(truth) => c.jump_if(truth == sense),
                Err(error) => raise(thread, error),
            }
        }

        #[inline(always)]
        pub(super) fn $jump_i(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
            let operands = c.operands();
            if let Some(flow) = hot::$jump_i(c, thread, operands).flow() {
                return flow;
            }
            let sense = w.c() != 0;
            c.sync();
            match jump_immediate_slow(thread, At(c.frame), w, CompareOp::$code) {
                Ok(truth) => c.jump_if(truth == sense),
                Err(error) => raise(thread, error),
            }
        }
    )* };
}

/// Comparisons of immediates and identities.
pub(super) mod hot {
    use super::*;

    macro_rules! comparisons {
        ($($op:ident $with_i:ident $jump:ident $jump_i:ident $cmp:tt;)*) => { $(
            #[inline(always)]
            pub(in super::super) fn $with_i(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
                let a = c.word(w.b());
                if !word::is_int(a) {
                    return Fast::Slow;
                }
                c.consume_immediate(w.b());
                c.done(w.a(), word::from_bool((a as i64) $cmp (immediate(w.c()) as i64)))
            }

            #[inline(always)]
            pub(in super::super) fn $op(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
                let Some(result) = compare_words!(c.word(w.b()), c.word(w.c()), $cmp) else { return Fast::Slow };
                c.consume_immediate(w.b());
                c.consume_immediate(w.c());
                c.done(w.a(), word::from_bool(result))
            }

            #[inline(always)]
            pub(in super::super) fn $jump(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
                let Some(result) = compare_words!(c.word(w.a()), c.word(w.b()), $cmp) else { return Fast::Slow };
                c.consume_immediate(w.a());
                c.consume_immediate(w.b());
                c.jump_if(result == (w.c() != 0));
                Fast::Done
            }

            #[inline(always)]
            pub(in super::super) fn $jump_i(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
                let a = c.word(w.a());
                if !word::is_int(a) {
                    return Fast::Slow;
                }
                c.consume_immediate(w.a());
                c.jump_if(((a as i64) $cmp (immediate(w.b()) as i64)) == (w.c() != 0));
                Fast::Done
            }
        )* };
    }
    comparisons! {
        Lt LtI JumpLt JumpLtI <;
        Le LeI JumpLe JumpLeI <=;
        Gt GtI JumpGt JumpGtI >;
        Ge GeI JumpGe JumpGeI >=;
        Eq EqI JumpEq JumpEqI ==;
        Ne NeI JumpNe JumpNeI !=;
    }

    #[inline(always)]
    fn on_truth(c: &mut Cursor, w: Operands, sense: bool) -> Fast {
        let Some(truth) = fast_truth(c.word(w.a())) else { return Fast::Slow };
        c.consume_immediate(w.a());
        c.jump_if(truth == sense);
        Fast::Done
    }

    #[inline(always)]
    pub(in super::super) fn JumpIfTrue(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        on_truth(c, w, true)
    }

    #[inline(always)]
    pub(in super::super) fn JumpIfFalse(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        on_truth(c, w, false)
    }

    #[inline(always)]
    pub(in super::super) fn Not(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        let Some(truth) = fast_truth(c.word(w.b())) else { return Fast::Slow };
        c.consume_immediate(w.b());
        c.done(w.a(), word::from_bool(!truth))
    }

    #[inline(always)]
    fn or_drop(c: &mut Cursor, w: Operands, sense: bool) -> Fast {
        let Some(truth) = fast_truth(c.word(w.a())) else { return Fast::Slow };
        if truth != sense {
            c.put(w.a(), word::UNBOUND);
        }
        c.jump_if(truth == sense);
        Fast::Done
    }

    #[inline(always)]
    pub(in super::super) fn JumpIfTrueOrDrop(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        or_drop(c, w, true)
    }

    #[inline(always)]
    pub(in super::super) fn JumpIfFalseOrDrop(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        or_drop(c, w, false)
    }

    #[inline(always)]
    pub(in super::super) fn JumpIs(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        let result = same(c.word(w.a()), c.word(w.b()));
        let consumed = (c.consumed(w.a()), c.consumed(w.b()));
        c.jump_if(result == (w.c() != 0));
        Fast::DropBoth(consumed.0, consumed.1)
    }

    #[inline(always)]
    fn on_none(c: &mut Cursor, w: Operands, sense: bool) -> Fast {
        let is_none = c.word(w.a()) == word::NONE;
        let consumed = c.consumed(w.a());
        c.jump_if(is_none == sense);
        Fast::Drop(consumed)
    }

    #[inline(always)]
    pub(in super::super) fn JumpIfNone(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        on_none(c, w, true)
    }

    #[inline(always)]
    pub(in super::super) fn JumpIfNotNone(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        on_none(c, w, false)
    }
}

/// Comparisons of strs and tuples, membership of strs and small ints, and the truth of what has a length.
pub(super) mod warm {
    use super::*;

    /// Whether two exact strs, or other plain objects, are equal.
    #[inline(always)]
    fn equal(c: &Cursor, left: u8, right: u8) -> Option<bool> {
        let text = |register| exact::<PyStr>(c.object(register)?.get());
        match (text(left), text(right)) {
            (Some(left), Some(right)) => {
                Some(std::ptr::eq(left, right) || left.as_bytes() == right.as_bytes())
            }
            _ => equal_otherwise(At(c.frame).get(left), At(c.frame).get(right)),
        }
    }

    /// The same for tuples of plain objects, for bools and None, and for such and None.
    #[inline(never)]
    fn equal_otherwise(left: Ref<'_>, right: Ref<'_>) -> Option<bool> {
        if let (Some(left), Some(right)) = (exactly::<PyTuple>(left), exactly::<PyTuple>(right)) {
            return compare::plain_tuple_eq(left, right);
        }
        let is_constant = |object: Ref<'_>| object.is_none() || object.as_bool().is_some();
        if is_constant(left) && is_constant(right) {
            return Some(left.is(right));
        }
        let is_plain = exactly::<PyTuple>(left).is_some() || exactly::<PyStr>(left).is_some();
        (is_plain && right.is_none()).then_some(false)
    }

    /// Compares plain objects.
    #[inline(always)]
    fn comparison(c: &mut Cursor, w: Operands, op: CompareOp) -> Fast {
        let Some(result) = plain(At(c.frame).get(w.b()), At(c.frame).get(w.c()), op) else {
            return Fast::Slow;
        };
        let operands = (c.consumed(w.b()), c.consumed(w.c()));
        c.set(w.a(), word::from_bool(result));
        Fast::DropBoth(operands.0, operands.1)
    }

    #[inline(always)]
    fn jump_on_comparison(c: &mut Cursor, w: Operands, op: CompareOp) -> Fast {
        let Some(result) = plain(At(c.frame).get(w.a()), At(c.frame).get(w.b()), op) else {
            return Fast::Slow;
        };
        let operands = (c.consumed(w.a()), c.consumed(w.b()));
        c.jump_if(result == (w.c() != 0));
        Fast::DropBoth(operands.0, operands.1)
    }

    macro_rules! orders {
        ($($op:ident $jump:ident;)*) => { $(
            #[inline(always)]
            pub(in super::super) fn $op(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
                comparison(c, w, CompareOp::$op)
            }

            #[inline(always)]
            pub(in super::super) fn $jump(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
                jump_on_comparison(c, w, CompareOp::$op)
            }
        )* };
    }
    orders! {
        Lt JumpLt;
        Le JumpLe;
        Gt JumpGt;
        Ge JumpGe;
    }

    #[inline(always)]
    fn equality(c: &mut Cursor, w: Operands, sense: bool) -> Fast {
        let Some(equal) = equal(c, w.b(), w.c()) else { return Fast::Slow };
        let operands = (c.consumed(w.b()), c.consumed(w.c()));
        c.set(w.a(), word::from_bool(equal == sense));
        Fast::DropBoth(operands.0, operands.1)
    }

    #[inline(always)]
    fn jump_on_equality(c: &mut Cursor, w: Operands, sense: bool) -> Fast {
        let Some(equal) = equal(c, w.a(), w.b()) else { return Fast::Slow };
        let operands = (c.consumed(w.a()), c.consumed(w.b()));
        c.jump_if((equal == sense) == (w.c() != 0));
        Fast::DropBoth(operands.0, operands.1)
    }

    macro_rules! equalities {
        ($($op:ident $jump:ident $sense:literal;)*) => { $(
            #[inline(always)]
            pub(in super::super) fn $op(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
                equality(c, w, $sense)
            }

            #[inline(always)]
            pub(in super::super) fn $jump(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
                jump_on_equality(c, w, $sense)
            }
        )* };
    }
    equalities! {
        Eq JumpEq true;
        Ne JumpNe false;
    }

    #[inline(always)]
    pub(in super::super) fn JumpIn(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let at = At(c.frame);
        let Some(found) = contains_plain(thread, at.get(w.b()), at.get(w.a())) else { return Fast::Slow };
        let operands = (c.consumed(w.a()), c.consumed(w.b()));
        c.jump_if(found == (w.c() != 0));
        Fast::DropBoth(operands.0, operands.1)
    }

    #[inline(never)]
    fn has_keys(thread: &Thread, set: &Obj<PySet>) -> bool {
        !AnySet::from(set).is_empty(thread)
    }

    /// The truth of an object for which no Python code is needed.
    #[inline(always)]
    fn truth(c: &Cursor, thread: &Thread, register: u8) -> Option<bool> {
        let object = c.object(register)?.get();
        if let Some(list) = exact::<PyList>(object) {
            return Some(list::len(thread, list) != 0);
        }
        if let Some(text) = exact::<PyStr>(object) {
            return Some(!text.is_empty());
        }
        if let Some(tuple) = exact::<PyTuple>(object) {
            return Some(!tuple.is_empty());
        }
        if let Some(dict) = exact::<PyDict>(object) {
            return Some(dict::len(thread, dict) != 0);
        }
        if let Some(set) = exact::<PySet>(object) {
            return Some(has_keys(thread, set));
        }
        let slots = &class_in(object).slots;
        let plain = slots.nb_bool().is_none() && slots.mp_length().is_none() && slots.sq_length().is_none();
        plain.then_some(true)
    }

    #[inline(always)]
    fn on_truth(c: &mut Cursor, thread: &Thread, w: Operands, sense: bool) -> Fast {
        let Some(truth) = truth(c, thread, w.a()) else { return Fast::Slow };
        let operand = c.consumed(w.a());
        c.jump_if(truth == sense);
        Fast::Drop(operand)
    }

    #[inline(always)]
    pub(in super::super) fn JumpIfTrue(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        on_truth(c, thread, w, true)
    }

    #[inline(always)]
    pub(in super::super) fn JumpIfFalse(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        on_truth(c, thread, w, false)
    }

    #[inline(always)]
    pub(in super::super) fn Not(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let Some(truth) = truth(c, thread, w.b()) else { return Fast::Slow };
        let operand = c.consumed(w.b());
        Fast::DropBoth(operand, c.replace(w.a(), word::from_bool(!truth)))
    }

    #[inline(always)]
    fn or_drop(c: &mut Cursor, thread: &Thread, w: Operands, sense: bool) -> Fast {
        let Some(truth) = truth(c, thread, w.a()) else { return Fast::Slow };
        let operand = if truth == sense { word::UNBOUND } else { c.replace(w.a(), word::UNBOUND) };
        c.jump_if(truth == sense);
        Fast::Drop(operand)
    }

    #[inline(always)]
    pub(in super::super) fn JumpIfTrueOrDrop(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        or_drop(c, thread, w, true)
    }

    #[inline(always)]
    pub(in super::super) fn JumpIfFalseOrDrop(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        or_drop(c, thread, w, false)
    }
}

comparisons! {
    Lt LtI JumpLt JumpLtI < Lt;
    Le LeI JumpLe JumpLeI <= Le;
    Gt GtI JumpGt JumpGtI > Gt;
    Ge GeI JumpGe JumpGeI >= Ge;
    Eq EqI JumpEq JumpEqI == Eq;
    Ne NeI JumpNe JumpNeI != Ne;
}

#[inline(always)]
fn same(a: Word, b: Word) -> bool {
    word::canonical(a) == word::canonical(b)
}

#[inline(always)]
pub(super) fn Is(c: &mut Cursor, _thread: &mut Thread, w: Instruction) -> Flow {
    let result = same(c.word(w.b()), c.word(w.c()));
    c.consume(w.b());
    c.consume(w.c());
    c.set(w.a(), word::from_bool(result));
    Flow::Next
}

#[inline(always)]
pub(super) fn IsNot(c: &mut Cursor, _thread: &mut Thread, w: Instruction) -> Flow {
    let result = !same(c.word(w.b()), c.word(w.c()));
    c.consume(w.b());
    c.consume(w.c());
    c.set(w.a(), word::from_bool(result));
    Flow::Next
}

/// Whether a str or small int is in exactly a dict or set, where no Python code is needed to tell.
#[inline(never)]
fn contains_plain(thread: &Thread, container: Ref<'_>, item: Ref<'_>) -> Option<bool> {
    if let Some(dict) = exactly::<PyDict>(container) {
        let key = Key::without_python(item)?;
        return dict.storage().get(thread, key.hash, key.word(), &key).ok().map(|value| value.is_some());
    }
    if let Some(items) = exactly::<PyTuple>(container) {
        return tuple_contains(items, item);
    }
    if let (Some(text), Some(part)) = (exactly::<PyStr>(container), exactly::<PyStr>(item)) {
        return Some(orochi_text::search::contains(text.as_wtf8(), part.as_wtf8()));
    }
    let set = match exactly::<PySet>(container) {
        Some(set) => AnySet::from(set),
        None => AnySet::from(exactly::<PyFrozenSet>(container)?),
    };
    set::contains_plain(thread, set, &Key::without_python(item)?)
}

/// Whether a str or None is among the items of a tuple; `None` if Python code has to compare.
fn tuple_contains(items: &Obj<PyTuple>, item: Ref<'_>) -> Option<bool> {
    let text = exactly::<PyStr>(item);
    if text.is_none() && !item.is_none() {
        return None;
    }
    for other in items.items() {
        let equal = match (text, exactly::<PyStr>(other)) {
            _ if other.is(item) => true,
            (Some(text), Some(other)) => text.as_bytes() == other.as_bytes(),
            // Only instances of other classes in the heap may have an `__eq__` that says yes.
            (None, Some(_)) => false,
            _ if other.on_heap().is_none() => false,
            _ => return None,
        };
        if equal {
            return Some(true);
        }
    }
    Some(false)
}

fn contains(thread: &mut Thread, at: At, item: u8, container: u8) -> PyResult<bool> {
    let result = match contains_plain(thread, at.get(container), at.get(item)) {
        Some(result) => result,
        None => protocol::contains(thread, at.get(container), at.get(item))?,
    };
    at.consume(item);
    at.consume(container);
    Ok(result)
}

#[inline(always)]
pub(super) fn In(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let result = contains(thread, at, w.b(), w.c())?;
        at.set(w.a(), Value::bool(result));
        Ok(())
    })
}

#[inline(always)]
pub(super) fn NotIn(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let result = contains(thread, at, w.b(), w.c())?;
        at.set(w.a(), Value::bool(!result));
        Ok(())
    })
}

#[inline(always)]
pub(super) fn JumpIn(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow_jump(thread, w, w.c() != 0, |thread, at, w| contains(thread, at, w.a(), w.b()))
}

#[inline(always)]
pub(super) fn Not(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    let operands = c.operands();
    if let Some(flow) = hot::Not(c, thread, operands).flow() {
        return flow;
    }
    c.slow(thread, w, |thread, at, w| {
        let truth = protocol::is_true(thread, at.get(w.b()))?;
        at.consume(w.b());
        at.set(w.a(), Value::bool(!truth));
        Ok(())
    })
}

/// The truth of `R[a]`, which is consumed.
fn truth_slow(thread: &mut Thread, at: At, w: Instruction) -> PyResult<bool> {
    let truth = protocol::is_true(thread, at.get(w.a()))?;
    at.consume(w.a());
    Ok(truth)
}

#[inline(always)]
fn jump_on_truth(c: &mut Cursor, thread: &mut Thread, w: Instruction, sense: bool) -> Flow {
    if let Some(truth) = fast_truth(c.word(w.a())) {
        c.consume_immediate(w.a());
        return c.jump_if(truth == sense);
    }
    c.slow_jump(thread, w, sense, truth_slow)
}

#[inline(always)]
pub(super) fn JumpIfTrue(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    jump_on_truth(c, thread, w, true)
}

#[inline(always)]
pub(super) fn JumpIfFalse(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    jump_on_truth(c, thread, w, false)
}

#[inline(always)]
fn jump_or_drop(c: &mut Cursor, thread: &mut Thread, w: Instruction, sense: bool) -> Flow {
    let truth = match fast_truth(c.word(w.a())) {
        Some(truth) => truth,
        None => {
            c.sync();
            match protocol::is_true(thread, At(c.frame).get(w.a())) {
                Ok(truth) => truth,
                Err(error) => return raise(thread, error),
            }
        }
    };
    if truth != sense {
        c.set(w.a(), word::UNBOUND);
    }
    c.jump_if(truth == sense)
}

#[inline(always)]
pub(super) fn JumpIfTrueOrDrop(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    jump_or_drop(c, thread, w, true)
}

#[inline(always)]
pub(super) fn JumpIfFalseOrDrop(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    jump_or_drop(c, thread, w, false)
}

macro_rules! always {
    ($($op:ident)*) => { $(
        #[inline(always)]
        pub(super) fn $op(c: &mut Cursor, thread: &mut Thread, _w: Instruction) -> Flow {
            let operands = c.operands();
            hot::$op(c, thread, operands).always()
        }
    )* };
}

always! { JumpIs JumpIfNone JumpIfNotNone }
