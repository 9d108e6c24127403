//! `code`: compiled code with its constants as objects.
//!
//! A code object is shared from birth: its constants and names are published, so the interpreter loads them borrowed. What
//! the interpreter needs for every call lies in plain fields beside the compiler's `Code`.
//!
//! What must hold: the code came from the compiler or was checked by its `verify`, so every register, constant, name, cache and jump
//! target that an instruction names exists, and the last instruction doesn't run on.

mod build;
mod constants;
mod methods;

pub use constants::constant_of;

use crate::error::PyResult;
use crate::types::str::PyStr;
use orochi_compiler::code::{Code, LocalKind, flags};
use orochi_compiler::opcode::{CACHE_WORDS_LIMIT, NO_CACHE};
use orochi_core::sync::{AtomicBool, AtomicU64, Ordering};
use orochi_core::word::{self, Word};
use orochi_core::{Field, Obj, Owned, Ref, Thread};
use orochi_macros::{Trace, pyclass};
use std::sync::Arc;

/// Create a code object.  Not for mere mortals.
#[pyclass(name = "code", weakref)]
#[derive(Trace)]
pub struct PyCode {
    /// What the compiler made.
    pub code: Arc<Code>,
    #[trace(unsafe_skip)]
    entry: *const u32,
    constants: Box<[Field]>,
    constant_words: Box<[Word]>,
    names: Box<[Field]>,
    local_names: Box<[Field]>,
    /// Names of the parameters that are spilled.
    spilled_parameters: Box<[Field]>,
    /// Inline caches, of as many words as indices lead to ([`PyCode::cache`]).
    caches: Box<[AtomicU64]>,
    first_temp: usize,
    n_registers: usize,
    simple_args: u32,
    flags: u32,
    name: Field,
    qualname: Field,
    filename: Field,
}

/// Frames of more registers than this are never pushed the simple way, which makes room for this many.
const MAX_SIMPLE_REGISTERS: u16 = 256;
/// `simple_args` of code that can't be called the simple way.
const NOT_SIMPLE: u32 = u32::MAX;

/// Whether code objects know nothing of columns. Set once, before there is code, so that no order is needed.
static LINES_ONLY: AtomicBool = AtomicBool::new(false);

/// Code objects that are made from now on know lines only, no columns (`-X no_debug_ranges`).
pub fn forget_columns() {
    LINES_ONLY.store(true, Ordering::Relaxed);
}

/// The code object of compiled code, and those of the code within it.
pub fn new(thread: &mut Thread, mut code: Arc<Code>) -> PyResult<Owned<PyCode>> {
    if LINES_ONLY.load(Ordering::Relaxed) {
        let positions = code.positions.lines_only();
        Arc::make_mut(&mut code).positions = positions;
    }
    let constants = constants::make_all(thread, &code.constants)?;
    let names = code.names.iter().map(|name| interned(thread, name)).collect::<PyResult<Box<[_]>>>()?;
    let local_names =
        code.local_names.iter().map(|name| interned(thread, name)).collect::<PyResult<Box<[_]>>>()?;
    let spilled = if code.spills_parameters() { code.parameter_count() as usize } else { 0 };
    let spilled_parameters = code
        .spilled
        .iter()
        .take(spilled)
        .map(|name| interned(thread, name))
        .collect::<PyResult<Box<[_]>>>()?;
    let name = interned(thread, &code.name)?;
    let qualname = interned(thread, &code.qualname)?;
    let filename = interned(thread, &code.filename)?;
    for value in &constants {
        orochi_core::publish::publish(value.get());
    }
    let constant_words = constants.iter().map(|value| shared_word(value.get())).collect();
    let constants = constants.into_iter().map(Field::new_local).collect();
    // Instructions that share the index `NO_CACHE` find a word there that stays zero.
    let caches =
        if code.n_caches > CACHE_WORDS_LIMIT { usize::from(NO_CACHE) + 2 } else { code.n_caches as usize };
    let caches = std::iter::repeat_with(|| AtomicU64::new(0)).take(caches).collect();
    let complicated = flags::VARARGS | flags::VARKEYWORDS;
    let simple = code.n_registers <= MAX_SIMPLE_REGISTERS
        && code.flags & complicated == 0
        && code.kwonlyargcount == 0
        && code.flags & flags::NEWLOCALS != 0;
    let payload = PyCode {
        entry: code.words.as_ptr(),
        constants,
        constant_words,
        names,
        local_names,
        spilled_parameters,
        caches,
        first_temp: usize::from(code.first_temp),
        n_registers: usize::from(code.n_registers),
        flags: code.flags,
        simple_args: if simple { code.argcount } else { NOT_SIMPLE },
        name,
        qualname,
        filename,
        code,
    };
    let object = crate::make(thread, payload)?;
    orochi_core::publish::publish(object.get());
    Ok(object)
}

fn interned(thread: &mut Thread, text: &str) -> PyResult<Field> {
    Ok(Field::new_local(crate::str::intern(thread, text)?.to_value()))
}

/// The word with which a register borrows a shared object.
fn shared_word(value: Ref<'_>) -> Word {
    if word::is_pointer(value.word()) { value.word() | word::BORROWED } else { value.word() }
}

impl PyCode {
    /// The first instruction word.
    #[inline(always)]
    pub fn entry(&self) -> *const u32 {
        self.entry
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

    /// The constants as words for registers.
    #[inline(always)]
    pub fn constant_words(&self) -> *const Word {
        self.constant_words.as_ptr()
    }

    /// A cache word.
    ///
    /// # Safety
    /// The index is that of an instruction's extension word, or one more for instructions that have a second word.
    #[inline(always)]
    pub unsafe fn cache(&self, index: usize) -> &AtomicU64 {
        debug_assert!(index < self.caches.len());
        // SAFETY: the code was verified: an index that isn't `NO_CACHE` leads to both words, and `new` sees to `NO_CACHE`.
        unsafe { self.caches.get_unchecked(index) }
    }

    /// Whether a call with so many positional arguments needs nothing but a frame: no defaults, `*args` or keyword-only
    /// parameters.
    #[inline(always)]
    pub fn takes_exactly(&self, positional: usize) -> bool {
        self.simple_args as usize == positional
    }

    /// The i-th name (None if there is none).
    #[inline(always)]
    pub fn name_at(&self, i: usize) -> &Obj<PyStr> {
        let name = self.names.get(i).unwrap_or(&self.name).fixed();
        // SAFETY: names are str objects.
        unsafe { name.cast() }
    }

    /// The name of a register below `first_temp`, or a further name that only messages use.
    #[inline]
    pub fn local_name(&self, i: usize) -> &Obj<PyStr> {
        let name = self.local_names.get(i).unwrap_or(&self.name).fixed();
        // SAFETY: names are str objects.
        unsafe { name.cast() }
    }

    /// The name of the i-th parameter.
    pub fn parameter_name(&self, i: usize) -> &Obj<PyStr> {
        match self.spilled_parameters.get(i) {
            // SAFETY: names are str objects.
            Some(name) => unsafe { name.fixed().cast() },
            None => self.local_name(i),
        }
    }

    /// The i-th constant.
    #[inline]
    pub fn constant(&self, i: usize) -> Ref<'_> {
        self.constants.get(i).map_or(Ref::NONE, Field::fixed)
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
