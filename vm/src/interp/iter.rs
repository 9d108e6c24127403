//! Iteration.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

use super::cursor::{At, Cursor, Fast, Flow, Operands, raise, register_word};
use super::generator;
use orochi_compiler::opcode::{Op, Word as Instruction};
use orochi_core::word;
use orochi_core::{Header, Obj, Ref, Thread, Value};
use orochi_objects::class::PyClass;
pub(super) use orochi_objects::class::exactly;
use orochi_objects::class::is_exact;
use orochi_objects::error::{PyErr, PyResult, type_error};
use orochi_objects::types::exception;
use orochi_objects::types::generator as generators;
use orochi_objects::types::generator::PyGenerator;
use orochi_objects::types::iterators::next_pair;
use orochi_objects::types::list::PyList;
use orochi_objects::types::list_::iteration::ListIterator;
use orochi_objects::types::range_iterator::RangeIterator;
use orochi_objects::types::str_::iterator::{self, PyStrIterator};
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::tuple_::TupleIterator;
use orochi_objects::{class_of, protocol};

#[inline(always)]
pub(super) fn GetIter(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let iterator = protocol::iter(thread, at.get(w.b()))?;
        at.consume(w.b());
        at.set(w.a(), iterator);
        Ok(())
    })
}

/// Ends a loop's turn with the next element, or the loop.
#[inline(always)]
fn turn(c: &mut Cursor, w: Operands, next: Option<word::Word>) -> Fast {
    match next {
        Some(next) => {
            c.skip();
            c.done(w.a(), next)
        }
        None => {
            let iterator = c.replace(w.b(), word::UNBOUND);
            c.jump_if(true);
            Fast::Drop(iterator)
        }
    }
}

/// Loops over ranges, lists and strs.
pub(super) mod hot {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn ForIter(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let Some(iterator) = c.object(w.b()) else { return Fast::Slow };
        let iterator = iterator.get();
        if let Some(range) = exact::<RangeIterator>(iterator) {
            return match range.advance().map(word::from_int) {
                Some(None) => Fast::Slow,
                next => turn(c, w, next.flatten()),
            };
        }
        let next = if let Some(list) = exact::<ListIterator>(iterator) {
            ListIterator::next_register(list, thread)
        } else if let Some(text) = exact::<PyStrIterator>(iterator) {
            iterator::next_register(thread, text)
        } else {
            word::UNBOUND
        };
        match next {
            word::UNBOUND => Fast::Slow,
            next => turn(c, w, Some(next)),
        }
    }
}

/// Loops over lists and tuples begin; the ends of loops over lists, and loops over everything else.
pub(super) mod warm {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn GetIter(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let Some(object) = c.object(w.b()) else { return Fast::Slow };
        let object = object.get();
        let over = if exact::<PyList>(object).is_some() {
            ListIterator::over
        } else if exact::<PyTuple>(object).is_some() {
            TupleIterator::over
        } else {
            return Fast::Slow;
        };
        c.sync();
        match begin(thread, At(c.frame), w.b(), over) {
            word::UNBOUND => Fast::Raise,
            iterator => c.done(w.a(), iterator),
        }
    }

    /// Makes an iterator, which takes the operand; gives a word for a register. UNBOUND: an exception waits.
    #[inline(never)]
    fn begin(thread: &mut Thread, at: At, register: u8, over: fn(&Thread, Value) -> PyResult) -> word::Word {
        match over(thread, at.take(register)) {
            Ok(iterator) => iterator.into_word(),
            Err(error) => {
                raise(thread, error);
                word::UNBOUND
            }
        }
    }

    #[inline(always)]
    pub(in super::super) fn ForIter(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let Some(iterator) = c.object(w.b()) else { return Fast::Slow };
        let iterator = iterator.get();
        if let Some(list) = exact::<ListIterator>(iterator) {
            let next = ListIterator::advance(list, thread, register_word);
            return turn(c, w, next);
        }
        if let Some(tuple) = exact::<TupleIterator>(iterator) {
            let next = TupleIterator::advance(tuple, thread, register_word);
            return turn(c, w, next);
        }
        if let Some(generator) = exact::<PyGenerator>(iterator) {
            return generator::warm::turn(c, thread, generator, w.a());
        }
        c.sync();
        let step = step(thread, At(c.frame), w.word(), c.peek_second());
        if step == Step::Raised {
            return Fast::Raise;
        }
        pass(c, step);
        // The finalizers of what the registers held run before the loop goes on.
        if thread.poll() != 0 {
            c.sync();
            super::super::poll::finalizers(thread);
        }
        Fast::Done
    }
}

#[inline(always)]
pub(super) fn ForIter(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    let iterator = At(c.frame).get(w.b());
    if is_exact(iterator, PyGenerator::static_type()) {
        c.ext();
        c.sync();
        return generator::for_iter(thread, At(c.frame), w);
    }
    c.sync();
    let step = step(thread, At(c.frame), w, c.peek_second());
    pass(c, step);
    match step {
        Step::Raised => Flow::Raise,
        _ if thread.poll() == 0 => Flow::Next,
        _ => super::poll::poll_now(c, thread),
    }
}

/// How a turn of a loop began.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The element is in its register.
    Item,
    /// The element is a pair, and its parts are in the registers that the next instruction would have unpacked it to.
    Pair,
    /// There are no more; the iterator is gone.
    End,
    /// An exception waits in the thread's state.
    Raised,
}

/// Passes what belongs to a step: the extension word, the instruction that would have unpacked the pair.
#[inline(always)]
fn pass(c: &mut Cursor, step: Step) {
    match step {
        Step::Item => c.skip(),
        Step::Pair => {
            c.skip();
            c.skip();
        }
        Step::End => {
            c.jump_if(true);
        }
        Step::Raised => {}
    }
}

/// Moves an iterator on that isn't a generator. `behind` is the instruction behind the extension word: if that takes pairs apart
/// (`for i, x in enumerate(y)`), the tuple isn't made.
#[inline(never)]
fn step(thread: &mut Thread, at: At, w: Instruction, behind: u32) -> Step {
    let (iterator, unpack) = (at.get(w.b()), Instruction(behind));
    let fits = unpack.op_byte() == Op::UnpackSequence as u8 && unpack.b() == w.a() && unpack.c() == 2;
    let pair = if fits && at.is_temp(w.a()) { next_pair(thread, iterator) } else { None };
    let step = match pair {
        Some(pair) => pair.map(|pair| {
            pair.map(|[first, second]| {
                at.set_word(unpack.a(), first);
                at.set_word(unpack.a().wrapping_add(1), second);
                Step::Pair
            })
        }),
        None => next(thread, iterator).map(|item| {
            item.map(|item| {
                at.set(w.a(), item);
                Step::Item
            })
        }),
    };
    match step {
        Ok(Some(step)) => step,
        Ok(None) => {
            at.clear(w.b());
            Step::End
        }
        Err(error) => {
            raise(thread, error);
            Step::Raised
        }
    }
}

/// A heap object as one of exactly this native class.
#[inline(always)]
pub(super) fn exact<T: PyClass>(object: &Header) -> Option<&Obj<T>> {
    let is_exact = std::ptr::eq(object.class(), T::static_type().address());
    // SAFETY: exactly this class, whose payload is `T`.
    is_exact.then(|| unsafe { &*std::ptr::from_ref(object).cast() })
}

#[inline(always)]
fn next(thread: &mut Thread, iterator: Ref<'_>) -> PyResult<Option<Value>> {
    match class_of(iterator).slots.tp_iternext() {
        Some(next) => match next(thread, iterator) {
            Err(error) if error.matches(&exception::StopIteration) => Ok(None),
            result => result,
        },
        None => Err(not_iterator(iterator)),
    }
}

#[cold]
fn not_iterator(iterator: Ref<'_>) -> PyErr {
    type_error(format!("'{}' object is not an iterator", class_of(iterator).name()))
}

#[inline(always)]
pub(super) fn GetYieldFromIter(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        use orochi_compiler::code::flags;
        let object = at.get(w.b());
        if generators::is_coroutine(object) {
            let code = at.frame().code();
            if !code.has_flags(flags::COROUTINE) && !code.has_flags(flags::ITERABLE_COROUTINE) {
                return Err(type_error(
                    "cannot 'yield from' a coroutine object in a non-coroutine generator",
                ));
            }
        }
        let iterator = if generators::is_coroutine(object) || generators::is_plain_generator(object) {
            object.to_owned()
        } else {
            protocol::iter(thread, object)?
        };
        at.consume(w.b());
        at.set(w.a(), iterator);
        Ok(())
    })
}

/// What can be awaited, for `await`, `async with` and `async for`.
pub(super) fn awaitable(thread: &mut Thread, object: Ref<'_>) -> PyResult<Option<Value>> {
    use orochi_compiler::code::flags;
    if generators::is_coroutine(object) {
        return Ok(Some(object.to_owned()));
    }
    if let Some(generator) = generators::as_generator(object)
        && generators::is_plain_generator(object)
        && generator.code().has_flags(flags::ITERABLE_COROUTINE)
    {
        return Ok(Some(object.to_owned()));
    }
    let Some(get) = class_of(object).slots.am_await() else { return Ok(None) };
    let iterator = get(thread, object)?;
    if generators::is_coroutine(iterator.get()) {
        return Err(type_error("__await__() returned a coroutine"));
    }
    if class_of(iterator.get()).slots.tp_iternext().is_none() {
        let class = class_of(iterator.get()).name();
        return Err(type_error(format!("__await__() returned non-iterator of type '{class}'")));
    }
    Ok(Some(iterator))
}

fn get_awaitable(thread: &mut Thread, at: At, w: Instruction) -> PyResult<()> {
    let object = at.get(w.b());
    let class = class_of(object).name();
    let iterator = awaitable(thread, object)?.ok_or_else(|| {
        let method = match w.c() {
            1 => "__aenter__",
            2 => "__aexit__",
            _ => return type_error(format!("'{class}' object can't be awaited")),
        };
        type_error(format!(
            "'async with' received an object from {method} that does not implement __await__: {class}"
        ))
    })?;
    if let Some(coroutine) = generators::as_generator(iterator.get())
        && generators::is_coroutine(iterator.get())
        && coroutine.delegate(thread).is_some()
    {
        return Err(orochi_objects::error::runtime_error("coroutine is being awaited already"));
    }
    at.consume(w.b());
    at.set(w.a(), iterator);
    Ok(())
}

#[inline(always)]
pub(super) fn GetAwaitable(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, get_awaitable)
}

#[inline(always)]
pub(super) fn GetAiter(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let object = at.get(w.b());
        let class = class_of(object);
        let Some(get) = class.slots.am_aiter() else {
            return Err(type_error(format!(
                "'async for' requires an object with __aiter__ method, got {}",
                class.name()
            )));
        };
        let iterator = get(thread, object)?;
        if class_of(iterator.get()).slots.am_anext().is_none() {
            return Err(type_error(format!(
                "'async for' received an object from __aiter__ that does not implement __anext__: {}",
                class_of(iterator.get()).name()
            )));
        }
        at.consume(w.b());
        at.set(w.a(), iterator);
        Ok(())
    })
}

fn get_anext(thread: &mut Thread, at: At, w: Instruction) -> PyResult<()> {
    let object = at.get(w.b());
    let class = class_of(object);
    let Some(next) = class.slots.am_anext() else {
        return Err(type_error(format!(
            "'async for' requires an iterator with __anext__ method, got {}",
            class.name()
        )));
    };
    let step = next(thread, object)?;
    let invalid = || {
        type_error(format!(
            "'async for' received an invalid object from __anext__: {}",
            class_of(step.get()).name()
        ))
    };
    match awaitable(thread, step.get()) {
        Ok(Some(iterator)) => at.set(w.a(), iterator),
        Ok(None) => return Err(invalid()),
        Err(mut cause) => {
            let mut error = invalid();
            let (error_value, cause) = (error.value(thread), cause.value(thread));
            super::exception::set_cause(thread, error_value.get(), Some(cause));
            return Err(error);
        }
    }
    Ok(())
}

#[inline(always)]
pub(super) fn GetAnext(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, get_anext)
}
