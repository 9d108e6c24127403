//! Registers, constants, cells, spilled locals.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

use super::cursor::{At, Cursor, Fast, Flow, Operands, register_word};
use super::iter::exact;
use super::poll::after_release;
use orochi_compiler::opcode::{CommonConstant, Word as Instruction};
use orochi_core::value::copy_register;
use orochi_core::word;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_objects::error::{PyErr, PyResult, system_error};
use orochi_objects::types::cell::{self, PyCell};
use orochi_objects::types::exception;
use orochi_objects::types::tuple::{self, PyTuple};

macro_rules! always {
    ($($op:ident)*) => { $(
        #[inline(always)]
        pub(super) fn $op(c: &mut Cursor, thread: &mut Thread, _w: Instruction) -> Flow {
            let operands = c.operands();
            hot::$op(c, thread, operands).always()
        }
    )* };
}

always! { Nop Move Copy Swap LoadConst LoadInt LoadNone LoadTrue LoadFalse }

#[inline(always)]
pub(super) fn Drop(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.set(w.a(), word::UNBOUND);
    after_release(c, thread)
}

#[inline(always)]
pub(super) fn LoadConstX(c: &mut Cursor, _thread: &mut Thread, w: Instruction) -> Flow {
    let index = c.ext() as usize;
    c.set(w.a(), c.constant(index));
    Flow::Next
}

#[inline(always)]
pub(super) fn LoadCommon(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |_thread, at, w| {
        match CommonConstant::from_byte(w.b()) {
            Some(CommonConstant::AssertionError) => at.set_ref(w.a(), exception::AssertionError.get().get()),
            Some(CommonConstant::NotImplementedError) => {
                at.set_ref(w.a(), exception::NotImplementedError.get().get());
            }
            Some(CommonConstant::Ellipsis) => at.set(w.a(), Value::ELLIPSIS),
            Some(CommonConstant::NotImplemented) => at.set(w.a(), Value::NOT_IMPLEMENTED),
            None => return Err(system_error("unknown common constant")),
        }
        Ok(())
    })
}

/// UnboundLocalError for a local variable.
#[cold]
fn unbound_local(at: At, name: usize) -> PyErr {
    unbound(&at.frame().code().local_name(name).to_string())
}

#[cold]
fn unbound(name: &str) -> PyErr {
    PyErr::with_message(
        &exception::UnboundLocalError,
        format!("cannot access local variable '{name}' where it is not associated with a value"),
    )
}

/// NameError for a free variable.
#[cold]
pub(super) fn unbound_free(at: At, index: usize) -> PyErr {
    let name = at.frame().code().code.freevars.get(index).map_or("?", |name| name);
    PyErr::with_message(
        &exception::NameError,
        format!(
            "cannot access free variable '{name}' where it is not associated with a value in enclosing scope"
        ),
    )
}

/// Loads that find what they look for.
pub(super) mod hot {
    use super::*;

    #[inline(always)]
    pub(in super::super) fn Nop(_c: &mut Cursor, _thread: &mut Thread, _w: Operands) -> Fast {
        Fast::Done
    }

    #[inline(always)]
    pub(in super::super) fn Move(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let word = c.take(thread, w.b());
        c.done(w.a(), word)
    }

    #[inline(always)]
    pub(in super::super) fn Copy(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        // SAFETY: from a register to a register of this thread.
        let word = unsafe { copy_register(c.word(w.b()), thread) };
        c.done(w.a(), word)
    }

    #[inline(always)]
    pub(in super::super) fn Swap(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        let (a, b) = (c.word(w.a()), c.word(w.b()));
        c.put(w.a(), b);
        c.put(w.b(), a);
        Fast::Done
    }

    #[inline(always)]
    pub(in super::super) fn LoadConst(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        c.done(w.a(), c.constant(w.bx() as usize))
    }

    #[inline(always)]
    pub(in super::super) fn LoadInt(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        c.done(w.a(), ((i64::from(w.sbx()) << 1) | 1) as u64)
    }

    #[inline(always)]
    pub(in super::super) fn LoadNone(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        c.done(w.a(), word::NONE)
    }

    #[inline(always)]
    pub(in super::super) fn LoadTrue(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        c.done(w.a(), word::TRUE)
    }

    #[inline(always)]
    pub(in super::super) fn LoadFalse(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        c.done(w.a(), word::FALSE)
    }

    #[inline(always)]
    pub(in super::super) fn CheckBound(c: &mut Cursor, _thread: &mut Thread, w: Operands) -> Fast {
        if c.word(w.a()) == word::UNBOUND { Fast::Slow } else { Fast::Done }
    }

    #[inline(always)]
    pub(in super::super) fn Drop(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        if thread.poll() != 0 {
            return Fast::Slow;
        }
        c.done(w.a(), word::UNBOUND)
    }

    #[inline(always)]
    fn contents(c: &mut Cursor, thread: &Thread, dst: u8, cell: Option<&Obj<PyCell>>) -> Fast {
        let word = cell.map_or(word::UNBOUND, |cell| cell.contents.load_register(thread));
        if word == word::UNBOUND {
            return Fast::Slow;
        }
        c.done(dst, word)
    }

    #[inline(always)]
    pub(in super::super) fn LoadCell(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let cell = c.object(w.b()).and_then(|object| exact::<PyCell>(object.get()));
        contents(c, thread, w.a(), cell)
    }

    #[inline(always)]
    pub(in super::super) fn LoadFree(c: &mut Cursor, thread: &mut Thread, w: Operands) -> Fast {
        let function = At(c.frame).frame().function();
        let cell = function.closure_cell(thread, w.bx() as usize);
        contents(c, thread, w.a(), cell)
    }
}

#[inline(always)]
pub(super) fn CheckBound(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    if c.word(w.a()) != word::UNBOUND {
        return Flow::Next;
    }
    c.slow(thread, w, |_thread, at, w| Err(unbound_local(at, w.bx() as usize)))
}

#[inline(always)]
pub(super) fn DeleteFast(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    if c.word(w.a()) == word::UNBOUND {
        return c.slow(thread, w, |_thread, at, w| Err(unbound_local(at, w.bx() as usize)));
    }
    c.set(w.a(), word::UNBOUND);
    after_release(c, thread)
}

// ---- spilled locals: a tuple of cells, each of which is empty while its variable is unbound ----

fn spill_cell<'a>(at: At, index: usize) -> PyResult<&'a Obj<PyCell>> {
    let register = at.frame().code().code.spill_register.unwrap_or(0);
    at.get_bound(register)
        .and_then(Ref::downcast::<PyTuple>)
        .and_then(|array| array.item(index))
        .and_then(Ref::downcast::<PyCell>)
        .ok_or_else(|| system_error("no array of spilled locals"))
}

/// Makes the array of spilled locals when a frame first stores to it.
fn ensure_spill(thread: &mut Thread, at: At) -> PyResult<()> {
    let code = at.frame().code();
    let register = code.code.spill_register.unwrap_or(0);
    if at.word(register) != word::UNBOUND {
        return Ok(());
    }
    let mut cells = Vec::with_capacity(code.code.spilled.len());
    for _ in 0..code.code.spilled.len() {
        cells.push(cell::new(thread, None)?.into_value());
    }
    let array = tuple::new(thread, cells)?;
    at.set(register, array.into_value());
    Ok(())
}

#[cold]
fn unbound_spill(at: At, index: usize) -> PyErr {
    unbound(at.frame().code().code.spilled.get(index).map_or("?", |name| name))
}

#[inline(always)]
pub(super) fn LoadSpill(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        ensure_spill(thread, at)?;
        match spill_cell(at, w.bx() as usize)?.contents.get(thread) {
            Some(value) => at.set(w.a(), value),
            None => return Err(unbound_spill(at, w.bx() as usize)),
        }
        Ok(())
    })
}

/// Sets or empties a spilled local; whether it held something.
fn replace_spilled(thread: &mut Thread, at: At, index: usize, value: Option<Value>) -> PyResult<bool> {
    ensure_spill(thread, at)?;
    let cell = spill_cell(at, index)?.to_owned();
    Ok(cell.contents.swap(&*cell, thread, value).is_some())
}

#[inline(always)]
pub(super) fn StoreSpill(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let value = at.take(w.a());
        replace_spilled(thread, at, w.bx() as usize, Some(value)).map(drop)
    })
}

#[inline(always)]
pub(super) fn DeleteSpill(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        if replace_spilled(thread, at, w.bx() as usize, None)? {
            Ok(())
        } else {
            Err(unbound_spill(at, w.bx() as usize))
        }
    })
}

#[inline(always)]
pub(super) fn LoadSpillCell(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        ensure_spill(thread, at)?;
        at.set(w.a(), spill_cell(at, w.bx() as usize)?.to_value());
        Ok(())
    })
}

/// The parameters of a function with very many. Their registers have no operands that could name them all.
#[inline(always)]
pub(super) fn SpillParams(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let spilled = at.frame().code().code.spilled.len();
        let mut cells = Vec::with_capacity(spilled);
        for i in 0..spilled {
            let value = if i < w.bx() as usize { at.take_parameter(i) } else { None };
            cells.push(cell::new(thread, value)?.into_value());
        }
        let register = at.frame().code().code.spill_register.unwrap_or(0);
        at.set(register, tuple::new(thread, cells)?.into_value());
        Ok(())
    })
}

/// A window whose registers may be unbound, as an array.
#[inline(always)]
pub(super) fn SaveTemps(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let mut cells = Vec::with_capacity(w.c() as usize);
        for i in 0..w.c() {
            let register = w.b().wrapping_add(i);
            let value = (at.word(register) != word::UNBOUND).then(|| at.take_temp(register));
            cells.push(cell::new(thread, value)?.into_value());
        }
        at.set(w.a(), tuple::new(thread, cells)?.into_value());
        Ok(())
    })
}

#[inline(always)]
pub(super) fn RestoreTemps(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let saved = at.take(w.b());
        let saved = saved.get().downcast::<PyTuple>().ok_or_else(|| system_error("no saved temporaries"))?;
        for (i, cell) in saved.items().enumerate() {
            let value = cell.downcast::<PyCell>().and_then(|cell| cell.contents.get(thread));
            at.set_word(w.a().wrapping_add(i as u8), value.map_or(word::UNBOUND, Value::into_word));
        }
        Ok(())
    })
}

// ---- cells ----

#[inline(always)]
fn cell_in<'a>(at: At, register: u8) -> Option<&'a Obj<PyCell>> {
    at.get_bound(register).and_then(Ref::downcast::<PyCell>)
}

#[inline(always)]
pub(super) fn MakeCell(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let contents = (at.word(w.a()) != word::UNBOUND).then(|| at.take_temp(w.a()));
        let cell = cell::new(thread, contents)?;
        at.set(w.a(), cell.into_value());
        Ok(())
    })
}

#[inline(always)]
pub(super) fn LoadCell(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    if let Some(cell) = cell_in(At(c.frame), w.b()) {
        let word = cell.contents.load_register(thread);
        if word != word::UNBOUND {
            c.set(w.a(), word);
            return Flow::Next;
        }
    }
    c.slow(thread, w, |_thread, at, w| Err(unbound_local(at, w.b() as usize)))
}

#[inline(always)]
pub(super) fn StoreCell(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let value = at.take(w.b());
        let cell = cell_in(at, w.a()).ok_or_else(|| system_error("no cell"))?;
        drop(cell.contents.swap(cell, thread, Some(value)));
        Ok(())
    })
}

#[inline(always)]
pub(super) fn DeleteCell(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let cell = cell_in(at, w.a()).ok_or_else(|| system_error("no cell"))?;
        match cell.contents.swap(cell, thread, None) {
            Some(old) => drop(old),
            None => return Err(unbound_local(at, w.a() as usize)),
        }
        Ok(())
    })
}

// ---- free variables ----

#[inline(always)]
pub(super) fn LoadFree(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    let at = At(c.frame);
    if let Some(cell) = at.frame().function().free_cell(thread, w.bx() as usize) {
        let word = cell.contents.load_register(thread);
        if word != word::UNBOUND {
            c.set(w.a(), word);
            return Flow::Next;
        }
    }
    c.slow(thread, w, |_thread, at, w| Err(unbound_free(at, w.bx() as usize)))
}

#[inline(always)]
pub(super) fn StoreFree(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let value = at.take(w.a());
        replace_free(thread, at, w.bx() as usize, Some(value)).map(drop)
    })
}

fn replace_free(thread: &mut Thread, at: At, index: usize, value: Option<Value>) -> PyResult<bool> {
    let cell = at.frame().function().free_cell(thread, index).map(Obj::to_owned);
    let cell = cell.ok_or_else(|| system_error("no such free variable"))?;
    Ok(cell.contents.swap(&*cell, thread, value).is_some())
}

#[inline(always)]
pub(super) fn DeleteFree(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        if replace_free(thread, at, w.bx() as usize, None)? {
            Ok(())
        } else {
            Err(unbound_free(at, w.bx() as usize))
        }
    })
}

#[inline(always)]
pub(super) fn LoadFreeCell(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let cell = at.frame().function().free_cell(thread, w.bx() as usize);
        let word = register_word(cell.ok_or_else(|| system_error("no such free variable"))?.get());
        at.set_word(w.a(), word);
        Ok(())
    })
}
