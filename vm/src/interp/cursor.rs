//! What the loop keeps in machine registers, and how instructions reach their operands.
//!
//! `Cursor` is the loop's state; it never leaves inlined code, so that it stays in machine registers. `At` is the same
//! frame seen from a function that isn't inlined: it reads everything from the frame.
//!
//! What must hold:
//! 1. `pc` is stored to the frame before anything that can raise or reach a safepoint (`Cursor::sync`).
//! 2. A temporary operand is emptied by the instruction that consumes it; a destination's old word is released.
//! 3. A local register of a frame changes only by that frame's own instructions, so a reference read from an operand is
//!    valid until the instruction itself consumes the operand, also while Python code runs meanwhile.

use orochi_compiler::opcode::Word as Instruction;
use orochi_core::value::{
    OnHeap, copy_register, drop_register, on_heap, own_quickly, own_register, take_register,
};
use orochi_core::word::{self, Word};
use orochi_core::{Ref, Thread, Value};
use orochi_objects::error::{PyErr, PyResult};
use orochi_objects::frames::Frame;
use orochi_objects::thread::ThreadState;

/// What the loop does after an instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Go on with the next instruction.
    Next,
    /// The running frame has changed.
    Reload,
    /// An exception waits in the thread's state.
    Raise,
    /// The frame that native code entered with has ended; its result waits in the thread's state.
    Exit,
}

/// What became of an instruction that the loop tried to do itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fast {
    /// It is done.
    Done,
    /// It is done but for giving up what a register's word, which was taken out of the register, owns.
    Drop(Word),
    /// As [`Fast::Drop`], for two words.
    DropBoth(Word, Word),
    /// Nothing has been done: the operation's handler is to be called.
    Slow,
    /// As [`Flow::Raise`].
    Raise,
    /// As [`Flow::Reload`].
    Reload,
    /// As [`Flow::Exit`].
    Exit,
}

impl Fast {
    /// What a handler makes of it that does its operation's common cases in the same way; `None` if it has to do the rest.
    #[inline(always)]
    pub(crate) fn flow(self) -> Option<Flow> {
        // SAFETY: the words were taken out of registers.
        unsafe {
            match self {
                Fast::Done => {}
                Fast::Drop(old) => drop_register(old),
                Fast::DropBoth(first, second) => {
                    drop_register(first);
                    drop_register(second);
                }
                Fast::Slow => return None,
                Fast::Raise => return Some(Flow::Raise),
                Fast::Reload => return Some(Flow::Reload),
                Fast::Exit => return Some(Flow::Exit),
            }
        }
        Some(Flow::Next)
    }

    /// The same for operations that have no other cases.
    #[inline(always)]
    pub(crate) fn always(self) -> Flow {
        self.flow().unwrap_or(Flow::Next)
    }
}

/// The loop's state.
#[derive(Clone, Copy)]
pub(crate) struct Cursor {
    pub(crate) pc: *const u32,
    pub(crate) regs: *mut Word,
    pub(crate) frame: *mut Frame,
}

/// The operands of an instruction, read where they lie: each is a load, which costs less than to take a word apart.
#[derive(Clone, Copy)]
pub(crate) struct Operands(*const u32);

impl Operands {
    #[inline(always)]
    fn byte(self, i: usize) -> u8 {
        let i = if cfg!(target_endian = "big") { 3 - i } else { i };
        // SAFETY: one of the four bytes of an instruction's word.
        unsafe { *self.0.cast::<u8>().add(i) }
    }

    /// The first operand.
    #[inline(always)]
    pub(crate) fn a(self) -> u8 {
        self.byte(1)
    }

    /// The second operand.
    #[inline(always)]
    pub(crate) fn b(self) -> u8 {
        self.byte(2)
    }

    /// The third operand.
    #[inline(always)]
    pub(crate) fn c(self) -> u8 {
        self.byte(3)
    }

    /// The unsigned 16-bit operand.
    #[inline(always)]
    pub(crate) fn bx(self) -> u16 {
        self.word().bx()
    }

    /// The signed 16-bit operand.
    #[inline(always)]
    pub(crate) fn sbx(self) -> i16 {
        self.word().sbx()
    }

    /// The signed 24-bit operand.
    #[inline(always)]
    pub(crate) fn a24s(self) -> i32 {
        self.word().a24s()
    }

    /// The whole word.
    #[inline(always)]
    pub(crate) fn word(self) -> Instruction {
        // SAFETY: an instruction's word.
        Instruction(unsafe { *self.0 })
    }
}

/// The running frame, for functions that aren't inlined.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct At(pub(crate) *mut Frame);

/// A function that does an instruction's whole work out of line.
pub(crate) type Slow<T = ()> = fn(&mut Thread, At, Instruction) -> PyResult<T>;

/// Leaves an exception for the loop.
#[cold]
#[inline(never)]
pub(crate) fn raise(thread: &mut Thread, error: PyErr) -> Flow {
    ThreadState::of(thread).raised = Some(error);
    Flow::Raise
}

/// The same address. The compiler isn't told, or it would compute later ones from the old one, and keep both in machine
/// registers, of which the loop has few.
#[inline(always)]
#[allow(clippy::pointers_in_nomem_asm_block, reason = "what it points to is indeed neither read nor written")]
fn opaque(mut pc: *const u32) -> *const u32 {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    // SAFETY: does nothing.
    unsafe {
        std::arch::asm!("/* {0} */", inlateout(reg) pc, options(pure, nomem, nostack, preserves_flags));
    }
    pc
}

/// Leaves an exception object for the loop.
#[inline]
pub(crate) fn raise_instance(thread: &mut Thread, exception: Value) -> Flow {
    ThreadState::of(thread).raised_instance = Some(exception);
    Flow::Raise
}

impl Cursor {
    /// The state for the thread's running frame.
    #[inline(always)]
    pub(crate) fn of(frame: *mut Frame) -> Cursor {
        // SAFETY: the running frame is initialised.
        unsafe { Cursor { pc: (*frame).pc, regs: (*frame).registers, frame } }
    }

    /// Whether a register is a temporary.
    #[inline(always)]
    pub(crate) fn is_temp(&self, register: u8) -> bool {
        // SAFETY: the running frame.
        u16::from(register) >= unsafe { (*self.frame).temps }
    }

    /// A constant's word.
    #[inline(always)]
    pub(crate) fn constant(&self, index: usize) -> Word {
        // SAFETY: the code was verified: the constant exists.
        unsafe { *(*self.frame).code().constant_words().add(index) }
    }

    /// The word that comes next, which is not passed.
    #[inline(always)]
    pub(crate) fn peek(&self) -> u32 {
        // SAFETY: as in `fetch`.
        unsafe { *self.pc }
    }

    /// The word after the one that comes next.
    #[inline(always)]
    pub(crate) fn peek_second(&self) -> u32 {
        // SAFETY: as in `fetch`; callers know that the next word doesn't end the code.
        unsafe { *self.pc.add(1) }
    }

    /// Passes a word.
    #[inline(always)]
    pub(crate) fn skip(&mut self) {
        self.pc = self.pc.wrapping_add(1);
    }

    /// The next word of the code.
    #[inline(always)]
    pub(crate) fn fetch(&mut self) -> Instruction {
        // SAFETY: code ends in an instruction that doesn't go on (checked when the code object is made).
        unsafe {
            let word = *self.pc;
            self.pc = opaque(self.pc.add(1));
            Instruction(word)
        }
    }

    /// The operands of the instruction whose word was fetched last.
    #[inline(always)]
    pub(crate) fn operands(&self) -> Operands {
        Operands(self.pc.wrapping_sub(1))
    }

    /// The extension word that follows, which is passed.
    #[inline(always)]
    pub(crate) fn ext(&mut self) -> u32 {
        self.fetch().0
    }

    /// Moves by words.
    #[inline(always)]
    pub(crate) fn jump(&mut self, offset: i32) {
        self.pc = self.pc.wrapping_offset(offset as isize);
    }

    /// Passes the jump's extension word, and jumps if `taken`.
    #[inline(always)]
    pub(crate) fn jump_if(&mut self, taken: bool) -> Flow {
        let offset = self.ext() as i32;
        if taken {
            // A branch, which can be predicted, and not an offset that is chosen, on which the next instruction would wait.
            std::hint::cold_path();
            self.jump(offset);
        }
        Flow::Next
    }

    /// A register's word.
    #[inline(always)]
    pub(crate) fn word(&self, register: u8) -> Word {
        // SAFETY: within the frame.
        unsafe { *self.regs.add(register as usize) }
    }

    /// The heap object in a register.
    #[inline(always)]
    pub(crate) fn object<'a>(&self, register: u8) -> Option<OnHeap<'a>> {
        // SAFETY: rooted in the register (module, invariant 3).
        unsafe { on_heap(self.word(register)) }
    }

    /// Overwrites a register that owns nothing.
    #[inline(always)]
    pub(crate) fn put(&mut self, register: u8, word: Word) {
        // SAFETY: within the frame.
        unsafe { *self.regs.add(register as usize) = word }
    }

    /// Writes a destination.
    #[inline(always)]
    pub(crate) fn set(&mut self, register: u8, word: Word) {
        let old = self.word(register);
        self.put(register, word);
        // SAFETY: taken out of the register just now.
        unsafe { drop_register(old) }
    }

    /// Writes a destination at the end of an instruction.
    #[inline(always)]
    pub(crate) fn done(&mut self, register: u8, word: Word) -> Fast {
        Fast::Drop(self.replace(register, word))
    }

    /// Writes a register and gives out what it held.
    #[inline(always)]
    pub(crate) fn replace(&mut self, register: u8, word: Word) -> Word {
        let old = self.word(register);
        self.put(register, word);
        old
    }

    /// Empties a consumed operand and gives out what it held: nothing if the operand is a local.
    #[inline(always)]
    pub(crate) fn consumed(&mut self, register: u8) -> Word {
        if self.is_temp(register) { self.replace(register, word::UNBOUND) } else { word::UNBOUND }
    }

    /// An operand's word with a reference of its own, for a place in a local object. A temporary is moved, a local copied. `None` if more
    /// than a plain store is needed to count it; nothing has changed then.
    #[inline(always)]
    pub(crate) fn take_owned(&mut self, register: u8) -> Option<Word> {
        let word = self.word(register);
        let is_temp = self.is_temp(register);
        // SAFETY: valid in a register.
        let owned = if is_temp && !word::is_borrowed(word) { word } else { unsafe { own_quickly(word)? } };
        if is_temp {
            self.put(register, word::UNBOUND);
        }
        Some(owned)
    }

    /// Empties a consumed operand that holds an immediate.
    #[inline(always)]
    pub(crate) fn consume_immediate(&mut self, register: u8) {
        if self.is_temp(register) {
            self.put(register, word::UNBOUND);
        }
    }

    /// Empties a consumed operand.
    #[inline(always)]
    pub(crate) fn consume(&mut self, register: u8) {
        if self.is_temp(register) {
            self.set(register, word::UNBOUND);
        }
    }

    /// A word for another register: a temporary is moved, a local copied.
    #[inline(always)]
    pub(crate) fn take(&mut self, thread: &Thread, register: u8) -> Word {
        let word = self.word(register);
        if self.is_temp(register) {
            self.put(register, word::UNBOUND);
            word
        } else {
            // SAFETY: from a register to a register of this thread.
            unsafe { copy_register(word, thread) }
        }
    }

    /// Invariant 1.
    #[inline(always)]
    pub(crate) fn sync(&self) {
        // SAFETY: the running frame.
        unsafe { (*self.frame).pc = self.pc }
    }

    /// Does the work out of line.
    #[inline(always)]
    pub(crate) fn slow(&mut self, thread: &mut Thread, w: Instruction, f: Slow) -> Flow {
        self.sync();
        match f(thread, At(self.frame), w) {
            Ok(()) => Flow::Next,
            Err(error) => raise(thread, error),
        }
    }

    /// Decides a jump out of line.
    #[inline(always)]
    pub(crate) fn slow_jump(
        &mut self,
        thread: &mut Thread,
        w: Instruction,
        sense: bool,
        f: Slow<bool>,
    ) -> Flow {
        self.sync();
        match f(thread, At(self.frame), w) {
            Ok(truth) => self.jump_if(truth == sense),
            Err(error) => raise(thread, error),
        }
    }
}

impl At {
    /// The frame.
    #[inline(always)]
    pub(crate) fn frame<'a>(self) -> &'a mut Frame {
        // SAFETY: the running frame lives while its instruction runs; references are not kept across frame changes.
        unsafe { &mut *self.0 }
    }

    #[inline(always)]
    fn at(self, register: u8) -> *mut Word {
        // SAFETY: within the frame.
        unsafe { (*self.0).registers.add(register as usize) }
    }

    /// A register's address.
    #[inline(always)]
    pub(crate) fn address(self, register: u8) -> *mut Word {
        self.at(register)
    }

    /// A register's word.
    #[inline(always)]
    pub(crate) fn word(self, register: u8) -> Word {
        // SAFETY: within the frame.
        unsafe { *self.at(register) }
    }

    /// A register that is known to be bound.
    #[inline(always)]
    pub(crate) fn get<'a>(self, register: u8) -> Ref<'a> {
        let word = self.word(register);
        // SAFETY: rooted in the register (module, invariant 3). The compiler's checks keep it bound; an unbound one reads
        // as None rather than as nonsense.
        unsafe { Ref::from_word(if word == word::UNBOUND { word::NONE } else { word }) }
    }

    /// A register that may be unbound.
    #[inline(always)]
    pub(crate) fn get_bound<'a>(self, register: u8) -> Option<Ref<'a>> {
        let word = self.word(register);
        // SAFETY: as in `get`.
        (word != word::UNBOUND).then(|| unsafe { Ref::from_word(word) })
    }

    /// Whether a register is a temporary.
    #[inline(always)]
    pub(crate) fn is_temp(self, register: u8) -> bool {
        u16::from(register) >= self.frame().temps
    }

    /// Empties a register.
    #[inline(always)]
    pub(crate) fn clear(self, register: u8) {
        self.set_word(register, word::UNBOUND);
    }

    /// Empties a consumed operand.
    #[inline(always)]
    pub(crate) fn consume(self, register: u8) {
        if self.is_temp(register) {
            self.clear(register);
        }
    }

    /// Empties a consumed window.
    #[inline]
    pub(crate) fn consume_window(self, base: u8, n: usize) {
        for i in 0..n {
            self.clear(base.wrapping_add(i as u8));
        }
    }

    /// The owned value of a `Src` operand, which is consumed.
    #[inline]
    pub(crate) fn take(self, register: u8) -> Value {
        let word = self.word(register);
        if word == word::UNBOUND {
            return Value::NONE;
        }
        if self.is_temp(register) {
            self.take_temp(register)
        } else {
            // SAFETY: valid in a register.
            unsafe { own_register(word) }
        }
    }

    /// The owned value of a temporary, which is emptied.
    #[inline]
    pub(crate) fn take_temp(self, register: u8) -> Value {
        let word = self.word(register);
        if word == word::UNBOUND {
            return Value::NONE;
        }
        // SAFETY: overwritten in the next statement.
        let value = unsafe { take_register(word) };
        // SAFETY: within the frame.
        unsafe { *self.at(register) = word::UNBOUND };
        value
    }

    /// Takes a parameter out of its register, also of one that no operand can name.
    pub(crate) fn take_parameter(self, i: usize) -> Option<Value> {
        debug_assert!(i < self.frame().code().n_registers());
        // SAFETY: the code was verified: it has a register for each parameter; the word is taken out.
        unsafe {
            let register = (*self.0).registers.add(i);
            let word = std::mem::replace(&mut *register, word::UNBOUND);
            (word != word::UNBOUND).then(|| take_register(word))
        }
    }

    /// The word of a temporary, which is emptied.
    #[inline]
    pub(crate) fn move_temp(self, register: u8) -> Word {
        // SAFETY: within the frame.
        unsafe { std::mem::replace(&mut *self.at(register), word::UNBOUND) }
    }

    /// A word for another register: a temporary is moved, a local copied.
    #[inline]
    pub(crate) fn take_word(self, thread: &Thread, register: u8) -> Word {
        if self.is_temp(register) {
            self.move_temp(register)
        } else {
            // SAFETY: from a register to a register of this thread.
            unsafe { copy_register(self.word(register), thread) }
        }
    }

    /// Writes a register's word.
    #[inline(always)]
    pub(crate) fn set_word(self, register: u8, word: Word) {
        // SAFETY: within the frame; the old word was taken out of the register.
        unsafe {
            let old = std::mem::replace(&mut *self.at(register), word);
            drop_register(old);
        }
    }

    /// Writes a register.
    #[inline(always)]
    pub(crate) fn set(self, register: u8, value: Value) {
        self.set_word(register, value.into_word());
    }

    /// Writes a register with a borrowed reference if it may be one.
    #[inline(always)]
    pub(crate) fn set_ref(self, register: u8, value: Ref<'_>) {
        self.set_word(register, register_word(value));
    }
}

/// A reference as a word for a register: counted if local, borrowed if shared.
#[inline(always)]
pub(crate) fn register_word(value: Ref<'_>) -> Word {
    value.register_word()
}
