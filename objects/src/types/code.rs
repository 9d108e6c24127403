//! `code`: compiled code with its constants as objects.
//!
//! A code object is shared from birth: its constants and names are published, so the interpreter loads them borrowed. What
//! the interpreter needs for every call lies in fields beside the compiler's code.
//!
//! Most functions are never called, so objects are made of constants and names when code is first run (or looked at), by
//! whichever thread comes first.
//!
//! What must hold: the code came from the compiler or was checked by its `verify`, so every register, constant, name, cache and jump
//! target that an instruction names exists, and the last instruction doesn't run on.

mod build;
mod constants;
mod methods;

pub use constants::constant_of;

use crate::error::{PyResult, value_error};
use crate::storage::code_start::Start;
use crate::storage::once_box::OnceBox;
use crate::types::str::PyStr;
use orochi_compiler::code::{Code, LocalKind, flags};
use orochi_compiler::lazy::LazyCode;
use orochi_compiler::opcode::{CACHE_WORDS_LIMIT, NO_CACHE};
use orochi_core::sync::{AtomicBool, AtomicU64, Ordering};
use orochi_core::word::{self, Word};
use orochi_core::{Field, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass};
use std::sync::Arc;

/// Create a code object.  Not for mere mortals.
#[pyclass(name = "code", weakref)]
#[derive(Trace)]
pub struct PyCode {
    /// What the compiler made; it may be read only when it is looked at.
    pub code: Arc<LazyCode>,
    /// What is made when the code is first run, or its constants are looked at ([`PyCode::ready`]).
    body: OnceBox<Body>,
    /// Where parts of the body lie, for the interpreter; [`Start`] orders them.
    #[trace(unsafe_skip)]
    start: Start,
    first_temp: usize,
    n_registers: usize,
    flags: u32,
    name: Field,
    qualname: Field,
    filename: Field,
}

/// The objects of a code's constants and names, and its caches.
#[derive(Trace)]
struct Body {
    constants: Box<[Field]>,
    constant_words: Box<[Word]>,
    names: Box<[Field]>,
    local_names: Box<[Field]>,
    /// Names of the parameters that are spilled.
    spilled_parameters: Box<[Field]>,
    /// Inline caches, of as many words as indices lead to ([`PyCode::cache`]).
    caches: Box<[AtomicU64]>,
}

/// Frames of more registers than this are never pushed the simple way, which makes room for this many.
const MAX_SIMPLE_REGISTERS: u16 = 256;
/// Whether code objects know nothing of columns. Set once, before there is code, so that no order is needed.
static LINES_ONLY: AtomicBool = AtomicBool::new(false);

/// Code objects that are made from now on know lines only, no columns (`-X no_debug_ranges`).
pub fn forget_columns() {
    LINES_ONLY.store(true, Ordering::Relaxed);
}

/// The code object of compiled code. Those of the code within it, and all other objects, are made when it is run.
pub fn new(thread: &mut Thread, code: impl Into<Arc<LazyCode>>) -> PyResult<Owned<PyCode>> {
    let mut code: Arc<LazyCode> = code.into();
    if LINES_ONLY.load(Ordering::Relaxed)
        && let Ok(read) = code.read()
    {
        code = Code { positions: read.positions.lines_only(), ..read.clone() }.into();
    }
    let name = interned(thread, code.name())?;
    let qualname = interned(thread, code.qualname())?;
    let filename = interned(thread, code.filename())?;
    let facts = *code.facts();
    let payload = PyCode {
        code,
        body: OnceBox::empty(),
        start: Start::cold(),
        first_temp: usize::from(facts.first_temp),
        n_registers: usize::from(facts.n_registers),
        flags: facts.flags,
        name,
        qualname,
        filename,
    };
    let object = crate::make(thread, payload)?;
    orochi_core::publish::publish(object.get());
    Ok(object)
}

/// What running the code needs.
fn make_body(thread: &mut Thread, code: &Code) -> PyResult<Body> {
    let constants = constants::make_all(thread, &code.constants)?;
    let mut all =
        |names: &[Box<str>]| names.iter().map(|name| interned(thread, name)).collect::<PyResult<Box<[_]>>>();
    let names = all(&code.names)?;
    let local_names = all(&code.local_names)?;
    let spilled = if code.spills_parameters() { code.parameter_count() as usize } else { 0 };
    let spilled_parameters = all(code.spilled.get(..spilled).unwrap_or(&code.spilled))?;
    for value in &constants {
        orochi_core::publish::publish(value.get());
    }
    let constant_words = constants.iter().map(|value| shared_word(value.get())).collect();
    let constants = constants.into_iter().map(Field::new_local).collect();
    // Instructions that share the index `NO_CACHE` find a word there that stays zero.
    let caches =
        if code.n_caches > CACHE_WORDS_LIMIT { usize::from(NO_CACHE) + 2 } else { code.n_caches as usize };
    let caches = std::iter::repeat_with(|| AtomicU64::new(0)).take(caches).collect();
    Ok(Body { constants, constant_words, names, local_names, spilled_parameters, caches })
}

/// How many arguments a call passes that needs nothing but a frame, if there are such calls.
fn simple_args(code: &Code) -> Option<u32> {
    let simple = has_simple_frame(code.n_registers, code.flags) && code.kwonlyargcount == 0;
    simple.then_some(code.argcount)
}

/// Whether a frame needs nothing but its registers, one for each parameter and argument.
fn has_simple_frame(n_registers: u16, flags: u32) -> bool {
    let complicated = flags::VARARGS | flags::VARKEYWORDS;
    n_registers <= MAX_SIMPLE_REGISTERS && flags & complicated == 0 && flags & flags::NEWLOCALS != 0
}

fn interned(thread: &mut Thread, text: &str) -> PyResult<Field> {
    Ok(Field::new_local(crate::str::intern(thread, text)?.to_value()))
}

/// The word with which a register borrows a shared object.
fn shared_word(value: Ref<'_>) -> Word {
    if word::is_pointer(value.word()) { value.word() | word::BORROWED } else { value.word() }
}

impl PyCode {
    /// Makes what running the code needs, once.
    ///
    /// # Errors
    /// ValueError if the code was read from bytes and is malformed; MemoryError.
    #[inline]
    pub fn ready(&self, thread: &mut Thread) -> PyResult<()> {
        if self.start.is_cold() { self.make_ready(thread) } else { Ok(()) }
    }

    #[cold]
    fn make_ready(&self, thread: &mut Thread) -> PyResult<()> {
        let code = self.code.read().map_err(|error| value_error(format!("bad marshal data ({error})")))?;
        let body = match self.body.get() {
            Some(body) => body,
            None => {
                let body = make_body(thread, code)?;
                self.body.get_or_init(|| body)
            }
        };
        let simple = simple_args(code);
        self.start.warm(code.words.as_ptr(), body.constant_words.as_ptr(), body.caches.as_ptr(), simple);
        Ok(())
    }

    /// The first instruction word. The code is ready.
    #[inline(always)]
    pub fn entry(&self) -> *const u32 {
        self.start.entry()
    }

    /// The number of the first temporary register.
    #[inline(always)]
    pub fn first_temp(&self) -> usize {
        self.first_temp
    }

    /// The size of a frame in words.
    #[inline(always)]
    pub fn n_registers(&self) -> usize {
        self.n_registers
    }

    /// The constants as words for registers. The code is ready.
    #[inline(always)]
    pub fn constant_words(&self) -> *const Word {
        self.start.constants()
    }

    /// A cache word.
    ///
    /// # Safety
    /// The code is running. The index is that of an instruction's extension word, or one more for instructions that have a second word.
    #[inline(always)]
    pub unsafe fn cache(&self, index: usize) -> &AtomicU64 {
        debug_assert!(self.body.get().is_some_and(|body| index < body.caches.len()));
        // SAFETY: the code was verified: an index that isn't `NO_CACHE` leads to both words, and `make_body` sees to
        // `NO_CACHE`. What runs is ready.
        unsafe { &*self.start.caches().add(index) }
    }

    /// Whether a call with so many positional arguments needs nothing but a frame: no defaults, `*args` or keyword-only
    /// parameters. If so, the code is ready.
    #[inline(always)]
    pub fn takes_exactly(&self, positional: usize) -> bool {
        self.start.takes_exactly(positional)
    }

    /// How many positional arguments such a call passes, if there are such calls. If so, the code is ready.
    #[inline(always)]
    pub fn simple_argcount(&self) -> Option<usize> {
        self.start.simple_argcount()
    }

    /// How many positional and keyword-only parameters there are, if a call needs nothing but a frame and an argument for each. If so,
    /// the code is ready.
    #[inline]
    pub fn simple_parameters(&self) -> Option<(usize, usize)> {
        let facts = self.code.facts();
        let is_simple = !self.start.is_cold() && has_simple_frame(facts.n_registers, facts.flags);
        is_simple.then_some((facts.argcount as usize, facts.kwonlyargcount as usize))
    }

    /// The i-th name of running code.
    #[inline(always)]
    pub fn name_at(&self, i: usize) -> &Obj<PyStr> {
        let name = self.body.get().and_then(|body| body.names.get(i)).unwrap_or(&self.name).fixed();
        // SAFETY: names are str objects.
        unsafe { name.cast() }
    }

    /// The name of a register below `first_temp`, or a further name that only messages use. The code is ready.
    #[inline]
    pub fn local_name(&self, i: usize) -> &Obj<PyStr> {
        let name = self.body.get().and_then(|body| body.local_names.get(i)).unwrap_or(&self.name).fixed();
        // SAFETY: names are str objects.
        unsafe { name.cast() }
    }

    /// The name of the i-th parameter. The code is ready.
    pub fn parameter_name(&self, i: usize) -> &Obj<PyStr> {
        match self.body.get().and_then(|body| body.spilled_parameters.get(i)) {
            // SAFETY: names are str objects.
            Some(name) => unsafe { name.fixed().cast() },
            None => self.local_name(i),
        }
    }

    /// The names of the parameters and further ones behind them; empty if operands can't name all parameters. The code is ready.
    #[inline]
    pub fn usual_parameter_names(&self) -> &[Field] {
        match self.body.get() {
            Some(body) if body.spilled_parameters.is_empty() => &body.local_names,
            _ => &[],
        }
    }

    /// The constants. The code is ready.
    #[inline]
    fn constants(&self) -> &[Field] {
        self.body.get().map_or(&[], |body| &body.constants)
    }

    /// The i-th constant. The code is ready.
    #[inline]
    pub fn constant(&self, i: usize) -> Ref<'_> {
        self.constants().get(i).map_or(Ref::NONE, Field::fixed)
    }

    /// co_name.
    pub fn name(&self) -> Ref<'_> {
        self.name.fixed()
    }

    /// co_qualname.
    pub fn qualname(&self) -> Ref<'_> {
        self.qualname.fixed()
    }

    /// co_filename.
    pub fn filename(&self) -> Ref<'_> {
        self.filename.fixed()
    }

    /// The docstring; None if there is none.
    pub fn docstring(&self, thread: &mut Thread) -> PyResult {
        match self.code.docstring() {
            Some(docstring) => constants::make(thread, &docstring),
            None => Ok(Value::NONE),
        }
    }

    /// Whether a local register holds a cell.
    #[inline]
    pub fn is_cell(&self, register: usize) -> bool {
        self.code.local_kinds.get(register) == Some(&LocalKind::Cell)
    }

    /// Whether a cell in the register is the compiler's, not a value of the program: one that is hidden holds a captured
    /// variable of a comprehension, or one that isn't captured.
    pub fn may_hold_cell(&self, register: usize) -> bool {
        matches!(self.code.local_kinds.get(register), Some(LocalKind::Cell | LocalKind::Hidden))
    }

    /// Whether all flags are set.
    #[inline]
    pub fn has_flags(&self, flags: u32) -> bool {
        self.flags & flags == flags
    }

    /// The line of an instruction, or of the definition.
    pub fn line_of(&self, instruction: u32) -> u32 {
        self.code.positions.at(instruction).map_or(self.code.firstlineno, |position| position.line)
    }
}
