//! Pushing and popping frames.

use super::call::Entry;
use super::cursor::Cursor;
use super::poll;
use orochi_core::value::{drop_one_of_many, drop_register};
use orochi_core::word::{self, Word};
use orochi_core::{Obj, Thread, Value};
use orochi_objects::error::{PyResult, recursion_error};
use orochi_objects::frames::{Frame, Mode};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::code::PyCode;
use orochi_objects::types::frame;
use orochi_objects::types::function::PyFunction;
use orochi_objects::types::generator::PyGenerator;
use std::ptr::NonNull;

/// Registers that must be free above a frame, so that native code can pass arguments.
const HEADROOM: usize = 1024;

/// Frames of more registers than this need more room than [`can_push`] sees to.
pub(super) const USUAL_SIZE: usize = HEADROOM / 2;

/// Whether a frame can be pushed without further ado.
#[inline(always)]
pub(super) fn can_push(thread: &Thread, frame: *mut Frame, registers: *mut Word) -> bool {
    frame < ThreadState::of(thread).frames.limit
        && thread.stack.has_room(registers, HEADROOM)
        && thread.poll() == 0
}

/// Polls, and raises RecursionError if there is no room for another frame.
#[cold]
#[inline(never)]
pub(super) fn make_room(thread: &mut Thread, frame: *mut Frame, registers: *mut Word) -> PyResult<()> {
    if thread.poll() != 0 {
        poll::handle(thread)?;
    }
    if frame < ThreadState::of(thread).frames.limit && thread.stack.has_room(registers, HEADROOM) {
        Ok(())
    } else {
        Err(recursion_error("maximum recursion depth exceeded"))
    }
}

/// Raises RecursionError if there is no room for a frame with so many registers and what it calls. [`can_push`] and
/// [`make_room`] see to frames of usual size.
pub(super) fn make_large_room(thread: &Thread, registers: *mut Word, size: usize) -> PyResult<()> {
    if size <= USUAL_SIZE || thread.stack.has_room(registers, size + HEADROOM) {
        Ok(())
    } else {
        Err(recursion_error("maximum recursion depth exceeded"))
    }
}

/// What a new frame is made of.
#[derive(Clone, Copy)]
pub(super) struct NewFrame<'a> {
    pub(super) pc: *const u32,
    pub(super) registers: *mut Word,
    pub(super) code: &'a Obj<PyCode>,
    pub(super) function: &'a Obj<PyFunction>,
    pub(super) generator: *const Obj<PyGenerator>,
    pub(super) owned: Word,
    pub(super) namespace: Word,
    pub(super) mode: Mode,
    pub(super) dst: u8,
    pub(super) base: u8,
}

impl<'a> NewFrame<'a> {
    /// The frame of a function that begins; `registers` hold its arguments.
    #[inline(always)]
    pub(super) fn of(
        function: &'a Obj<PyFunction>,
        code: &'a Obj<PyCode>,
        registers: *mut Word,
        how: Entry,
    ) -> NewFrame<'a> {
        NewFrame {
            pc: code.entry(),
            registers,
            code,
            function,
            generator: std::ptr::null(),
            owned: how.owned,
            namespace: how.namespace,
            mode: how.mode,
            dst: how.dst,
            base: how.base,
        }
    }
}

/// Pushes a frame above the running one.
///
/// # Safety
/// There is room (`can_push`); the registers hold the arguments and nothing else.
#[inline(always)]
pub(super) unsafe fn push(thread: &mut Thread, frame: *mut Frame, new: NewFrame<'_>) {
    // SAFETY: as the caller promises.
    unsafe {
        frame.write(Frame {
            pc: new.pc,
            registers: new.registers,
            code: NonNull::from(new.code),
            function: NonNull::from(new.function),
            generator: new.generator,
            owned: new.owned,
            namespace: new.namespace,
            object: word::UNBOUND,
            mode: new.mode,
            dst: new.dst,
            base: new.base,
            flags: 0,
            temps: new.code.first_temp() as u16,
            size: new.code.n_registers() as u16,
        });
        ThreadState::of(thread).frames.current = frame;
        thread.stack.set_top(new.registers.add(new.code.n_registers()));
        thread.frame_base.set(new.registers);
    }
}

/// Releases what the registers of the running frame hold; they are empty then.
#[inline(always)]
pub(super) fn clear_registers(registers: *mut Word, n: usize) {
    let mut at = registers;
    // SAFETY: the frame's registers.
    unsafe {
        let end = registers.add(n);
        while at < end {
            let old = *at;
            *at = word::UNBOUND;
            drop_register(old);
            at = at.add(1);
        }
    }
}

/// The same, unless an object dies with it: `false` then, and some of them hold what they held.
#[inline(always)]
pub(super) fn clear_registers_quickly(registers: *mut Word, n: usize) -> bool {
    let mut at = registers;
    // SAFETY: the frame's registers.
    unsafe {
        let end = registers.add(n);
        while at < end {
            if !drop_one_of_many(*at) {
                return false;
            }
            *at = word::UNBOUND;
            at = at.add(1);
        }
    }
    true
}

/// Makes the frame below the running one the running one. The running one's registers are empty.
///
/// # Safety
/// There is a frame below, and it is the caller.
#[inline(always)]
pub(super) unsafe fn pop_to_caller(thread: &mut Thread, frame: *mut Frame) -> Cursor {
    // SAFETY: as the caller promises.
    unsafe {
        let caller = frame.sub(1);
        ThreadState::of(thread).frames.current = caller;
        let cursor = Cursor::of(caller);
        thread.stack.set_top(cursor.regs.add((*caller).size as usize));
        thread.frame_base.set(cursor.regs);
        thread.stack.returned_to(cursor.regs);
        cursor
    }
}

/// Gives up whatever a frame holds besides its registers.
///
/// # Safety
/// `frame` is the running frame.
#[inline]
pub(super) unsafe fn release_extras(thread: &mut Thread, frame: *mut Frame, ended: bool) {
    // SAFETY: as the caller promises.
    unsafe {
        if (*frame).object != word::UNBOUND {
            frame::part(thread, frame, ended);
        }
        let namespace = std::mem::replace(&mut (*frame).namespace, word::UNBOUND);
        drop_register(namespace);
    }
}

/// Pops a frame that native code entered: the thread is back where it was.
///
/// # Safety
/// `frame` is the running frame, its registers are empty.
pub(super) unsafe fn pop_entry(thread: &mut Thread, frame: *mut Frame) {
    // SAFETY: as the caller promises.
    unsafe {
        let state = ThreadState::of(thread);
        let registers = (*frame).registers;
        state.frames.current = frame.sub(1);
        thread.stack.set_top(registers);
        let base = ThreadState::of(thread).frames.top().map(|caller| caller.registers);
        if let Some(base) = base {
            thread.frame_base.set(base);
            thread.stack.returned_to(base);
        } else {
            thread.frame_base.set(registers);
            thread.stack.returned_to(registers);
        }
    }
}

/// An owned word of a frame as a value.
pub(super) fn owned_value(word: Word) -> Option<Value> {
    // SAFETY: owned words are counted or immediates.
    (word != word::UNBOUND).then(|| unsafe { Value::from_word(word) })
}
