//! Frames of running Python code: a contiguous array per thread, separate from the registers.
//!
//! A frame is pushed by a call and popped by a return; nothing is allocated. What must hold:
//! 1. `current` points to the running frame, or below the first one when the thread runs no Python code.
//! 2. The registers of frame `i + 1` begin inside the window of frame `i`'s call (which may lie above the registers of frame
//!    `i`), or at the register stack's top if native code stands between or a generator is resumed; above the running frame's registers every word of the register stack is zero.
//! 3. The function of a frame is kept alive by the caller's window register, by the generator, or by whoever entered the
//!    interpreter; its code by the function (replaced code of a function is never freed).
//! 4. `pc` is up to date whenever something that can raise or reach a safepoint runs.

use crate::types::code::PyCode;
use crate::types::function::PyFunction;
use crate::types::generator::PyGenerator;
use orochi_core::host::{release_zeroed, reserve_zeroed};
use orochi_core::word::{self, Word};
use orochi_core::{Obj, Ref};
use std::ptr::NonNull;

/// What becomes of a frame's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// Native code entered the interpreter with this frame; it gets the result.
    Entry,
    /// The result goes to register `dst` of the caller.
    Call,
    /// `__init__`: the result must be None; `owned` (the instance) goes to register `dst` of the caller.
    Init,
    /// A generator driven by the caller's `ForIter`.
    ForIter,
    /// A generator driven by the caller's `Delegate`.
    Delegate,
    /// A generator resumed by a call of its `send`: the yielded value goes to `dst`, its end raises.
    Send,
}

/// A frame. See the module.
#[repr(C)]
pub struct Frame {
    /// The word after the instruction that runs (or is suspended).
    pub pc: *const u32,
    /// Register 0.
    pub registers: *mut Word,
    /// The code that runs.
    pub code: NonNull<Obj<PyCode>>,
    /// The function it belongs to, which has the globals and the closure.
    pub function: NonNull<Obj<PyFunction>>,
    /// The generator whose frame this is, or null.
    pub generator: *const Obj<PyGenerator>,
    /// One owned word: the instance (`Mode::Init`), or in generators' frames the handled exception of the resumer.
    pub owned: Word,
    /// The mapping of a module's or class body's names, owned; UNBOUND in functions.
    pub namespace: Word,
    /// The frame object, owned, if someone asked for it; else UNBOUND.
    pub object: Word,
    /// What becomes of the result.
    pub mode: Mode,
    /// The caller's register for the result.
    pub dst: u8,
    /// The caller's window register that holds the function.
    pub base: u8,
    /// Bits for tracing and the like.
    pub flags: u8,
    /// The number of the first temporary register.
    pub temps: u16,
    /// The number of registers.
    pub size: u16,
}

impl Frame {
    /// The code.
    #[inline(always)]
    pub fn code<'a>(&self) -> &'a Obj<PyCode> {
        // SAFETY: kept alive while the frame exists (invariant 3).
        unsafe { self.code.as_ref() }
    }

    /// The function.
    #[inline(always)]
    pub fn function<'a>(&self) -> &'a Obj<PyFunction> {
        // SAFETY: as in `code`.
        unsafe { self.function.as_ref() }
    }

    /// The generator whose frame this is.
    #[inline(always)]
    pub fn generator<'a>(&self) -> Option<&'a Obj<PyGenerator>> {
        // SAFETY: whoever resumes a generator keeps it alive until it suspends or ends.
        unsafe { self.generator.as_ref() }
    }

    /// The index of the word before `pc`: it belongs to the instruction that runs.
    #[inline]
    pub fn instruction(&self) -> u32 {
        let start = self.code().entry();
        (self.pc as usize).saturating_sub(start as usize).saturating_sub(4) as u32 / 4
    }

    /// The namespace, if the frame has one.
    #[inline]
    pub fn namespace<'a>(&self) -> Option<Ref<'a>> {
        // SAFETY: owned by the frame.
        (self.namespace != word::UNBOUND).then(|| unsafe { Ref::from_word(self.namespace) })
    }

    /// A register, if it is bound.
    ///
    /// # Safety
    /// `i` is below the code's number of registers; the result is not used after the register changes.
    #[inline(always)]
    pub unsafe fn register<'a>(&self, i: usize) -> Option<Ref<'a>> {
        // SAFETY: as the caller promises.
        unsafe {
            let word = *self.registers.add(i);
            (word != word::UNBOUND).then(|| Ref::from_word(word))
        }
    }

    /// Whether a local variable is one of these objects.
    pub fn holds(&self, objects: &[Ref<'_>]) -> bool {
        (0..usize::from(self.temps)).any(|i| {
            // SAFETY: temporaries come after the locals; nothing happens while the local is looked at.
            let local = unsafe { self.register(i) };
            local.is_some_and(|local| objects.iter().any(|object| object.is(local)))
        })
    }
}

/// Frames in a thread's array: 16 MiB of address space, touched as it is used.
const FRAMES: usize = 220_000;

/// The frames of a thread.
pub struct FrameStack {
    base: NonNull<Frame>,
    /// The running frame (invariant 1).
    pub current: *mut Frame,
    /// Frames from here on would exceed the recursion limit or the array.
    pub limit: *mut Frame,
    recursion_limit: usize,
}

impl FrameStack {
    /// An empty stack of frames; `None` if there is no memory.
    pub fn new(recursion_limit: usize) -> Option<FrameStack> {
        let base = reserve_zeroed(FRAMES * size_of::<Frame>())?.cast::<Frame>();
        let mut stack = FrameStack {
            base,
            current: base.as_ptr().wrapping_sub(1),
            limit: base.as_ptr(),
            recursion_limit,
        };
        stack.set_recursion_limit(recursion_limit);
        Some(stack)
    }

    /// How many frames may be active.
    pub fn recursion_limit(&self) -> usize {
        self.recursion_limit
    }

    /// Sets how many frames may be active.
    pub fn set_recursion_limit(&mut self, frames: usize) {
        self.recursion_limit = frames;
        // A few frames stay in reserve, so that the error can be handled where it arises.
        self.limit = self.base.as_ptr().wrapping_add(frames.min(FRAMES - 64));
    }

    /// Sets flags of all active frames.
    pub fn mark_active(&mut self, flags: u8) {
        for i in 0..self.depth() {
            // SAFETY: frames from `base` to `current` are initialised; only this thread touches them.
            unsafe { (*self.base.as_ptr().add(i)).flags |= flags };
        }
    }

    /// How many frames are active.
    #[inline]
    pub fn depth(&self) -> usize {
        (self.current as usize).wrapping_add(size_of::<Frame>()).wrapping_sub(self.base.as_ptr() as usize)
            / size_of::<Frame>()
    }

    /// The running frame.
    #[inline]
    pub fn top(&self) -> Option<&Frame> {
        // `current` lies one below `base` when there is no frame.
        // SAFETY: frames from `base` to `current` are initialised.
        (self.current >= self.base.as_ptr()).then(|| unsafe { &*self.current })
    }

    /// The frame `n` below the running one.
    pub fn nth(&self, n: usize) -> Option<&Frame> {
        let at = self.depth().checked_sub(n + 1)?;
        // SAFETY: below `depth`.
        Some(unsafe { &*self.base.as_ptr().add(at) })
    }

    /// The active frames, the running one first.
    pub fn iter(&self) -> impl Iterator<Item = &Frame> {
        (0..self.depth()).filter_map(|n| self.nth(n))
    }

    /// The caller of an active frame of this stack; no frame for a pointer that isn't to one.
    pub fn below(&self, frame: *const Frame) -> Option<&Frame> {
        let offset = (frame as usize).checked_sub(self.base.as_ptr() as usize)?;
        self.frame_below(offset / size_of::<Frame>())
    }

    fn frame_below(&self, index: usize) -> Option<&Frame> {
        let index = index.checked_sub(1)?;
        if index >= self.depth() {
            return None;
        }
        // SAFETY: below `depth`.
        Some(unsafe { &*self.base.as_ptr().add(index) })
    }
}

impl Drop for FrameStack {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { release_zeroed(self.base.cast(), FRAMES * size_of::<Frame>()) }
    }
}
