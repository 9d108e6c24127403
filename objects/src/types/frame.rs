//! `frame`: frames as Python sees them.
//!
//! A frame object is made when someone asks: `sys._getframe`, a traceback, `gi_frame`. It looks through to where the frame
//! is:
//!
//! | `active` | `generator` | where the variables are |
//! |---|---|---|
//! | set | any | in the registers of the frame's thread |
//! | null | set | in the suspended generator |
//! | null | null | here: the frame ended while somebody still had the object |
//!
//! What must hold:
//! 1. The frame that `active` points to has this object in its `object` word, and clears `active` when it is popped.
//! 2. `active` is followed by the thread that runs the frame only; other threads see the variables as unknown.
//! 3. A value that is overwritten through the object in an active frame is kept in `retired` until the frame ends: the
//!    running instruction may be using it.
//! 4. `locals` has a place for each register below the code's `first_temp`; they are empty while the variables are elsewhere.

pub mod locals;
mod methods;

use crate::class::PyClass;
use crate::error::PyResult;
use crate::frames::{Frame, FrameStack};
use crate::thread::ThreadState;
use crate::types::cell::{self, PyCell};
use crate::types::code::PyCode;
use crate::types::function::PyFunction;
use crate::types::generator::PyGenerator;
use crate::types::tuple::{self, PyTuple};
use orochi_core::object::Tail;
use orochi_core::sync::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use orochi_core::value::{drop_register, take_register};
use orochi_core::word;
use orochi_core::{AtomicField, Field, Header, Layout, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass};
use std::ptr::NonNull;

/// What [`PyFrame::show_line`] is given to show line 0: a module's before its first.
pub const LINE_ZERO: u32 = u32::MAX;

/// A frame.
#[pyclass(name = "frame", no_new, unsafe_layout = Layout::of::<PyFrame>().with_tail(size))]
#[derive(Trace)]
#[repr(C)]
pub struct PyFrame {
    function: Field,
    /// Kept by the function: code that is replaced becomes immortal.
    #[trace(unsafe_skip)]
    code: NonNull<Obj<PyCode>>,
    #[trace(unsafe_skip)]
    active: AtomicPtr<Frame>,
    /// The thread whose frame is active.
    thread: AtomicU64,
    #[trace(unsafe_skip)]
    generator: AtomicPtr<Obj<PyGenerator>>,
    pc: AtomicU32,
    /// A line to show in place of that of the instruction, or 0.
    pub(crate) line: AtomicU32,
    /// The line that the trace function was told of last, or 0.
    pub traced_line: AtomicU32,
    /// `clear()` was called: the variables are gone, those of enclosing functions too. Relaxed: it stands alone.
    cleared: AtomicBool,
    /// `f_trace_lines`
    pub trace_lines: AtomicBool,
    /// `f_trace_opcodes`
    pub trace_opcodes: AtomicBool,
    namespace: AtomicField,
    back: AtomicField,
    /// A pair of a value and the pair before it, or nothing. See invariant 3.
    retired: AtomicField,
    /// Names that were added through `f_locals`.
    extra: AtomicField,
    pub(crate) trace: AtomicField,
    /// See invariant 4.
    locals: Tail<AtomicField>,
}

unsafe fn size(object: NonNull<Header>) -> usize {
    // SAFETY: called for live frames.
    unsafe { object.cast::<Obj<PyFrame>>().as_ref() }.locals.size_with::<PyFrame>()
}

/// What a frame object is made of.
struct Parts {
    function: Value,
    code: NonNull<Obj<PyCode>>,
    namespace: Option<Value>,
    instruction: u32,
}

impl Parts {
    /// Those of an active frame.
    fn of(frame: &Frame) -> Parts {
        Parts {
            function: frame.function().to_value(),
            code: frame.code,
            namespace: frame.namespace().map(Ref::to_owned),
            instruction: frame.instruction(),
        }
    }

    fn make(self, thread: &Thread, local: impl FnMut(usize) -> AtomicField) -> PyResult<Owned<PyFrame>> {
        // SAFETY: the code is kept by the function.
        let n = unsafe { self.code.as_ref() }.first_temp();
        let payload = |locals| PyFrame {
            function: Field::new_local(self.function),
            code: self.code,
            active: AtomicPtr::new(std::ptr::null_mut()),
            thread: AtomicU64::new(0),
            generator: AtomicPtr::new(std::ptr::null_mut()),
            pc: AtomicU32::new(self.instruction),
            line: AtomicU32::new(0),
            traced_line: AtomicU32::new(0),
            cleared: AtomicBool::new(false),
            trace_lines: AtomicBool::new(true),
            trace_opcodes: AtomicBool::new(false),
            namespace: self.namespace.map_or_else(AtomicField::empty, AtomicField::new_local),
            back: AtomicField::empty(),
            retired: AtomicField::empty(),
            extra: AtomicField::empty(),
            trace: AtomicField::empty(),
            locals,
        };
        let class = NonNull::from(PyFrame::static_type().get()).cast();
        // SAFETY: the class's layout is the payload's; the tail goes last; a new object is local.
        let made = unsafe { orochi_core::alloc::allocate_with_tail(thread, class, n, payload, local) };
        made.ok_or_else(crate::error::memory_error)
    }

    fn without_locals(self, thread: &Thread) -> PyResult<Owned<PyFrame>> {
        self.make(thread, |_| AtomicField::empty())
    }
}

/// The frame object of an active frame of this thread.
///
/// # Safety
/// `frame` is an active frame of this thread.
pub unsafe fn of_active(thread: &mut Thread, frame: *mut Frame) -> PyResult<Owned<PyFrame>> {
    // SAFETY: as the caller promises; the words of a frame are valid.
    unsafe {
        if (*frame).object != word::UNBOUND
            && let Some(object) = Ref::from_word((*frame).object).downcast::<PyFrame>()
        {
            return Ok(object.to_owned());
        }
        if let Some(generator) = (*frame).generator()
            && let Some(object) = generator.frame_object(thread)
        {
            object.activate(thread, frame);
            (*frame).object = object.to_value().into_word();
            return Ok(object);
        }
        let object = Parts::of(&*frame).without_locals(thread)?;
        object.activate(thread, frame);
        (*frame).object = object.to_value().into_word();
        if let Some(generator) = (*frame).generator() {
            object.generator.store(std::ptr::from_ref(generator).cast_mut(), Ordering::Relaxed);
            PyGenerator::set_frame_object(generator, thread, Some(object.to_value()));
        }
        Ok(object)
    }
}

/// The frame object of the n-th frame below the running one (`sys._getframe`).
pub fn nth(thread: &mut Thread, n: usize) -> PyResult<Owned<PyFrame>> {
    let found = ThreadState::of(thread).frames.nth(n).map(|frame| std::ptr::from_ref(frame).cast_mut());
    match found {
        // SAFETY: an active frame of this thread.
        Some(frame) => unsafe { of_active(thread, frame) },
        None => Err(crate::error::value_error("call stack is not deep enough")),
    }
}

/// A frame object that says where a frame of another thread stood, but not what its variables were. The code is or was the
/// function's.
pub fn snapshot(
    thread: &mut Thread,
    function: Value,
    code: NonNull<Obj<PyCode>>,
    instruction: u32,
    back: Option<Value>,
) -> PyResult<Owned<PyFrame>> {
    let object = Parts { function, code, namespace: None, instruction }.without_locals(thread)?;
    drop(object.back.swap(&*object, thread, back));
    Ok(object)
}

/// The frame object of a suspended generator.
pub fn of_suspended(thread: &mut Thread, generator: &Obj<PyGenerator>) -> PyResult<Owned<PyFrame>> {
    if let Some(object) = generator.frame_object(thread) {
        return Ok(object);
    }
    let function = generator.function().to_value();
    let code = NonNull::from(generator.code());
    let parts = Parts { function, code, namespace: None, instruction: 0 };
    let object = parts.without_locals(thread)?;
    object.generator.store(std::ptr::from_ref(generator).cast_mut(), Ordering::Relaxed);
    PyGenerator::set_frame_object(generator, thread, Some(object.to_value()));
    Ok(object)
}

/// The frame object of the running frame, which an exception ends: its variables move to the object.
///
/// # Safety
/// `frame` is the running frame of this thread, and no instruction of it will run any more.
pub unsafe fn of_ending(thread: &mut Thread, frame: *mut Frame) -> PyResult<Owned<PyFrame>> {
    // SAFETY: as the caller promises.
    unsafe {
        let known = (*frame).generator().is_some_and(|generator| generator.frame_object(thread).is_some());
        if known || (*frame).object != word::UNBOUND {
            return of_active(thread, frame);
        }
        let parts = Parts::of(&*frame);
        let registers = (*frame).registers;
        parts.make(thread, |i| {
            let word = std::mem::replace(&mut *registers.add(i), word::UNBOUND);
            if word == word::UNBOUND {
                AtomicField::empty()
            } else {
                AtomicField::new_local(take_register(word))
            }
        })
    }
}

/// An active frame with an object is about to be popped: the object parts from it. `ended`: the frame will not go on.
///
/// # Safety
/// `frame` is the running frame of this thread.
pub unsafe fn part(thread: &mut Thread, frame: *mut Frame, ended: bool) {
    // SAFETY: as the caller promises.
    unsafe {
        if !ended {
            drop(suspend(thread, frame));
        } else if let Some(object) = end(thread, frame)
            && (*frame).generator.is_null()
        {
            // The frame of a generator that has ended has no caller.
            link_to_caller(thread, &object, frame);
        }
    }
}

/// The object, which is no longer that of an active frame.
///
/// # Safety
/// As [`part`].
unsafe fn suspend(thread: &mut Thread, frame: *mut Frame) -> Option<Owned<PyFrame>> {
    // SAFETY: as the caller promises; the word was owned by the frame.
    unsafe {
        let word = std::mem::replace(&mut (*frame).object, word::UNBOUND);
        if word == word::UNBOUND {
            return None;
        }
        let object = take_register(word).downcast::<PyFrame>().ok()?;
        object.pc.store((*frame).instruction(), Ordering::Relaxed);
        object.active.store(std::ptr::null_mut(), Ordering::Relaxed);
        if !object.retired.is_empty() {
            drop(object.retired.swap(&*object, thread, None));
        }
        Some(object)
    }
}

/// The running frame ends. Its object, if somebody else has it, takes over the variables; the link to its caller is left to
/// whoever calls this.
///
/// # Safety
/// As [`part`].
pub unsafe fn end(thread: &mut Thread, frame: *mut Frame) -> Option<Owned<PyFrame>> {
    // SAFETY: as the caller promises: the frame's registers are valid, and emptied as they are taken.
    unsafe {
        let object = suspend(thread, frame)?;
        object.generator.store(std::ptr::null_mut(), Ordering::Relaxed);
        if let Some(generator) = (*frame).generator() {
            PyGenerator::set_frame_object(generator, thread, None);
        }
        if object.header().is_unique_local() {
            return None;
        }
        for (i, local) in object.locals.as_slice().iter().enumerate() {
            let word = std::mem::replace(&mut *(*frame).registers.add(i), word::UNBOUND);
            if word != word::UNBOUND {
                drop(local.swap(&*object, thread, Some(take_register(word))));
            }
        }
        Some(object)
    }
}

/// Gives the object of a frame that ends its `f_back`: the object of the frame below.
///
/// # Safety
/// `frame` is or was the frame above the running one, or the running one.
pub unsafe fn link_to_caller(thread: &mut Thread, object: &Obj<PyFrame>, frame: *mut Frame) {
    let frames = &raw mut ThreadState::of(thread).frames;
    // SAFETY: the frames below the running one are active frames of this thread.
    unsafe {
        let Some(caller) = (*frames).below(frame).map(|caller| std::ptr::from_ref(caller).cast_mut()) else {
            return;
        };
        if let Ok(caller) = of_active(thread, caller) {
            PyFrame::set_back(object, thread, &caller);
        }
    }
}

impl PyFrame {
    fn activate(&self, thread: &Thread, frame: *mut Frame) {
        self.thread.store(thread.shared().id(), Ordering::Relaxed);
        self.active.store(frame, Ordering::Relaxed);
    }

    /// The active frame, if it runs on this thread.
    pub fn active<'a>(&self, thread: &'a Thread) -> Option<&'a Frame> {
        let active = self.active.load(Ordering::Relaxed);
        if active.is_null() || self.thread.load(Ordering::Relaxed) != thread.shared().id() {
            return None;
        }
        // SAFETY: invariants 1 and 2.
        Some(unsafe { &*active })
    }

    /// The suspended generator whose frame this is.
    pub fn suspended_generator(&self) -> Option<&Obj<PyGenerator>> {
        // SAFETY: the generator clears the pointer before it goes (`forget_generator`).
        unsafe { self.generator.load(Ordering::Relaxed).as_ref() }
    }

    /// The generator whose frame this is goes away.
    pub fn forget_generator(&self) {
        self.generator.store(std::ptr::null_mut(), Ordering::Relaxed);
    }

    /// The code.
    pub fn code(&self) -> &Obj<PyCode> {
        // SAFETY: kept by the function.
        unsafe { self.code.as_ref() }
    }

    /// The function.
    pub fn function(&self) -> &Obj<PyFunction> {
        // SAFETY: only functions are stored here.
        unsafe { self.function.fixed().cast() }
    }

    /// The index of the instruction that runs, waits or ran last.
    pub fn instruction(&self, thread: &Thread) -> u32 {
        match (self.active(thread), self.suspended_generator()) {
            (Some(frame), _) => frame.instruction(),
            (None, Some(generator)) => generator.pc().saturating_sub(1),
            (None, None) => self.pc.load(Ordering::Relaxed),
        }
    }

    /// The line now.
    pub fn line(&self, thread: &Thread) -> u32 {
        match self.line.load(Ordering::Relaxed) {
            0 => self.code().line_of(self.instruction(thread)),
            LINE_ZERO => 0,
            line => line,
        }
    }

    /// Shows another line than that of the instruction, or (0) that again.
    pub fn show_line(&self, line: u32) {
        self.line.store(line, Ordering::Relaxed);
    }

    /// `f_trace`
    pub fn trace_function(&self, thread: &Thread) -> Option<Value> {
        self.trace.get(thread)
    }

    /// Whether there is an `f_trace`.
    pub fn has_trace(&self, thread: &Thread) -> bool {
        self.trace.load(thread).is_some()
    }

    /// Sets `f_trace`.
    pub fn set_trace(this: &Obj<Self>, thread: &mut Thread, function: Option<Value>) {
        drop(this.trace.swap(this, thread, function));
    }

    /// Sets `f_back` of a frame that has ended.
    pub fn set_back(this: &Obj<Self>, thread: &mut Thread, back: &Obj<PyFrame>) {
        drop(this.back.swap(this, thread, Some(back.to_value())));
    }

    /// The caller's frame object.
    pub fn back(this: &Obj<Self>, thread: &mut Thread) -> PyResult<Option<Value>> {
        let Some(frame) = this.active(thread).map(std::ptr::from_ref) else {
            return Ok(this.back.get(thread));
        };
        let frames: *const FrameStack = &raw const ThreadState::of(thread).frames;
        // SAFETY: frames below an active one are active.
        unsafe {
            match (*frames).below(frame).map(|caller| std::ptr::from_ref(caller).cast_mut()) {
                Some(caller) => Ok(Some(of_active(thread, caller)?.into_value())),
                None => Ok(None),
            }
        }
    }

    /// The namespace mapping of a module's or class body's frame.
    pub fn namespace(&self, thread: &Thread) -> Option<Value> {
        self.namespace.get(thread)
    }

    /// What a local register holds: the value itself, or that of its cell.
    pub fn local(&self, thread: &Thread, i: usize) -> Option<Value> {
        let raw = self.raw_local(thread, i)?;
        if !self.code().may_hold_cell(i) {
            return Some(raw);
        }
        match raw.get().downcast::<PyCell>() {
            Some(cell) => cell.contents.get(thread),
            // A parameter whose cell isn't made yet.
            None => Some(raw),
        }
    }

    fn raw_local(&self, thread: &Thread, i: usize) -> Option<Value> {
        if let Some(frame) = self.active(thread) {
            // SAFETY: callers ask for registers that the code has.
            return unsafe { frame.register(i) }.map(Ref::to_owned);
        }
        if let Some(generator) = self.suspended_generator() {
            return generator.register(thread, i).map(Ref::to_owned);
        }
        None
    }

    /// As [`PyFrame::local`], also for frames that have ended.
    pub fn local_of(this: &Obj<Self>, thread: &Thread, i: usize) -> Option<Value> {
        if this.active(thread).is_some() || this.suspended_generator().is_some() {
            return this.local(thread, i);
        }
        let raw = this.locals.as_slice().get(i)?.get(thread)?;
        match raw.get().downcast::<PyCell>() {
            Some(cell) if this.code().may_hold_cell(i) => cell.contents.get(thread),
            _ => Some(raw),
        }
    }

    /// The cell of a local that lives in the spill array (None while the frame has no array).
    pub fn spilled_cell(this: &Obj<Self>, thread: &Thread, i: usize) -> Option<Owned<PyCell>> {
        let register = this.code().code.spill_register?;
        let array = Self::raw_of(this, thread, usize::from(register))?;
        let cell = array.get().downcast::<PyTuple>()?.item(i)?.downcast::<PyCell>()?;
        Some(cell.to_owned())
    }

    /// Assigns a local that lives in the spill array.
    pub fn set_spilled(this: &Obj<Self>, thread: &mut Thread, i: usize, value: Value) -> PyResult<()> {
        if Self::spilled_cell(this, thread, i).is_none()
            && let Some(register) = this.code().code.spill_register
        {
            let mut cells = Vec::new();
            for _ in 0..this.code().code.spilled.len() {
                cells.push(cell::new(thread, None)?.into_value());
            }
            let array = tuple::new(thread, cells)?.into_value();
            Self::set_local(this, thread, usize::from(register), Some(array));
        }
        if let Some(cell) = Self::spilled_cell(this, thread, i) {
            drop(cell.contents.swap(&*cell, thread, Some(value)));
        }
        Ok(())
    }

    /// The cell of an enclosing function's variable.
    pub(crate) fn free_cell<'a>(
        this: &'a Obj<Self>,
        thread: &'a Thread,
        i: usize,
    ) -> Option<&'a Obj<PyCell>> {
        if this.cleared.load(Ordering::Relaxed) { None } else { this.function().free_cell(thread, i) }
    }

    /// Assigns a local variable.
    pub fn set_local(this: &Obj<Self>, thread: &mut Thread, i: usize, value: Option<Value>) {
        if this.code().is_cell(i)
            && let Some(raw) = Self::raw_of(this, thread, i)
            && let Some(cell) = raw.get().downcast::<PyCell>()
        {
            drop(cell.contents.swap(cell, thread, value));
            return;
        }
        if let Some(frame) = this.active(thread) {
            let word = value.map_or(word::UNBOUND, Value::into_word);
            // SAFETY: a register of an active frame of this thread; the old word goes to `retired` (invariant 3).
            unsafe {
                let old = std::mem::replace(&mut *frame.registers.add(i), word);
                if word::is_counted(old) {
                    Self::retire(this, thread, take_register(old));
                } else {
                    drop_register(old);
                }
            }
        } else if let Some(generator) = this.suspended_generator() {
            drop(PyGenerator::set_register(generator, i, value));
        } else {
            let local = this.locals.as_slice().get(i);
            drop(local.and_then(|local| local.swap(this, thread, value)));
        }
    }

    /// Keeps a value until the frame ends; for good, should there be no memory for that.
    fn retire(this: &Obj<Self>, thread: &mut Thread, value: Value) {
        let before = this.retired.get(thread).unwrap_or(Value::NONE);
        match tuple::of(thread, [value.clone(), before]) {
            Ok(pair) => drop(this.retired.swap(this, thread, Some(pair))),
            Err(_) => std::mem::forget(value),
        }
    }

    fn raw_of(this: &Obj<Self>, thread: &Thread, i: usize) -> Option<Value> {
        if this.active(thread).is_some() || this.suspended_generator().is_some() {
            return this.raw_local(thread, i);
        }
        this.locals.as_slice().get(i)?.get(thread)
    }

    /// `frame.clear()` of a frame that has ended.
    pub fn clear_finished(this: &Obj<Self>, thread: &mut Thread) {
        for local in this.locals.as_slice() {
            drop(local.swap(this, thread, None));
        }
        this.cleared.store(true, Ordering::Relaxed);
        drop(this.extra.swap(this, thread, None));
    }
}
