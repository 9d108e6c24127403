//! The compiled form of a scope: what the compiler makes, the interpreter runs and the embedded library stores.
//!
//! A [`Code`] is plain immutable data: instruction words, constants, names, the table of exception handlers and the
//! table of source positions. Registers of its frame, in this order:
//! `[co_varnames: positional and keyword-only parameters, *args, **kwargs, other locals]
//!  [cells that are no parameters] [hidden locals] [the array of spilled locals] | [temporaries]`,
//! with the bar at `first_temp` and the end at `n_registers`. What must hold:
//! 1. `local_names` has a name for each register below `first_temp`, and may have further names (of variables of
//!    inlined comprehensions), which only `CheckBound` uses.
//! 2. The entries of `exceptions` are sorted and do not overlap: an instruction has at most one handler.
//! 3. If there are more parameters than locals in registers, the prologue's `SpillParams` moves them all to the array.
//! 4. Strings are WTF-8 (UTF-8 in which lone surrogates may be encoded). Names are UTF-8.

use std::sync::Arc;

use crate::lazy::LazyCode;
use crate::opcode::{Ext, Op, Word};
use crate::positions::Positions;

/// Flags of a code object, numbered as `inspect.CO_*`.
pub mod flags {
    pub const OPTIMIZED: u32 = 0x1;
    pub const NEWLOCALS: u32 = 0x2;
    pub const VARARGS: u32 = 0x4;
    pub const VARKEYWORDS: u32 = 0x8;
    pub const NESTED: u32 = 0x10;
    pub const GENERATOR: u32 = 0x20;
    pub const COROUTINE: u32 = 0x80;
    pub const ITERABLE_COROUTINE: u32 = 0x100;
    pub const ASYNC_GENERATOR: u32 = 0x200;
    pub const FUTURE_DIVISION: u32 = 0x20000;
    pub const FUTURE_ABSOLUTE_IMPORT: u32 = 0x40000;
    pub const FUTURE_WITH_STATEMENT: u32 = 0x80000;
    pub const FUTURE_PRINT_FUNCTION: u32 = 0x100000;
    pub const FUTURE_UNICODE_LITERALS: u32 = 0x200000;
    pub const FUTURE_BARRY_AS_BDFL: u32 = 0x400000;
    pub const FUTURE_GENERATOR_STOP: u32 = 0x800000;
    pub const FUTURE_ANNOTATIONS: u32 = 0x1000000;
    pub const HAS_DOCSTRING: u32 = 0x4000000;
    pub const METHOD: u32 = 0x8000000;
    /// Every flag that a `from __future__ import` sets.
    pub const FUTURE_MASK: u32 = FUTURE_DIVISION
        | FUTURE_ABSOLUTE_IMPORT
        | FUTURE_WITH_STATEMENT
        | FUTURE_PRINT_FUNCTION
        | FUTURE_UNICODE_LITERALS
        | FUTURE_BARRY_AS_BDFL
        | FUTURE_GENERATOR_STOP
        | FUTURE_ANNOTATIONS;
}

/// A constant of a code object.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    None,
    True,
    False,
    Ellipsis,
    Int(i64),
    /// An int that does not fit in 64 bits.
    BigInt(BigInt),
    Float(f64),
    Complex {
        real: f64,
        imag: f64,
    },
    /// WTF-8.
    Str(Box<[u8]>),
    Bytes(Box<[u8]>),
    Tuple(Box<[Constant]>),
    FrozenSet(Box<[Constant]>),
    Slice(Box<[Constant; 3]>),
    /// The code of an inner function or class.
    Code(Arc<LazyCode>),
}

impl Constant {
    /// A str constant.
    pub fn str(text: &str) -> Constant {
        Constant::Str(text.as_bytes().into())
    }
}

/// An integer beyond 64 bits: sign and magnitude.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BigInt {
    pub negative: bool,
    /// Little-endian base 2**32 digits, the last one not zero.
    pub digits: Box<[u32]>,
}

/// How a register below `first_temp` is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LocalKind {
    /// A parameter or local variable.
    Plain,
    /// A parameter or local variable that inner functions use: the register holds a cell (from `MakeCell` on).
    Cell,
    /// Not visible to the program.
    Hidden,
}

/// Instructions `start..end` (word indices) jump to `target` when they raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceptionEntry {
    pub start: u32,
    pub end: u32,
    pub target: u32,
    /// The (temporary) register that receives the exception.
    pub exc_reg: u8,
    /// Unwinding drops every register from this one on (all are temporaries), before `exc_reg` is written.
    pub clear_from: u8,
}

/// How many bytes an instruction word is in `co_code`, `co_lines` and `f_lasti`: two of the units of which
/// `co_positions` and `co_linetable` tell the positions.
pub const WORD_BYTES: u32 = 4;

/// A compiled module, class body, function, comprehension, lambda or annotation scope.
#[derive(Clone, Debug, Default)]
pub struct Code {
    pub name: Box<str>,
    pub qualname: Box<str>,
    pub filename: Arc<str>,
    /// co_argcount: positional parameters, including the positional-only ones.
    pub argcount: u32,
    pub posonlyargcount: u32,
    pub kwonlyargcount: u32,
    pub flags: u32,
    pub firstlineno: u32,
    /// The number of the first temporary.
    pub first_temp: u16,
    /// The size of the frame: at most 256, unless the function has more parameters than that.
    pub n_registers: u16,
    /// The number of 64-bit inline cache words.
    pub n_caches: u32,
    /// The register that holds the array of spilled locals, if `spilled` is not empty.
    pub spill_register: Option<u8>,
    pub words: Box<[u32]>,
    pub constants: Box<[Constant]>,
    pub names: Box<[Box<str>]>,
    /// Names of the registers below `first_temp`; hidden ones are named `.0`, `.1`, …
    pub local_names: Box<[Box<str>]>,
    /// Kinds of the registers below `first_temp`.
    pub local_kinds: Box<[LocalKind]>,
    /// How many of `local_names` are co_varnames (`spilled` are the rest of them).
    pub n_varnames: u16,
    /// Names of locals that live in the spill array: if the parameters do, they come first.
    pub spilled: Box<[Box<str>]>,
    /// Whether these locals are captured by inner functions.
    pub spilled_kinds: Box<[LocalKind]>,
    pub freevars: Box<[Box<str>]>,
    pub exceptions: Box<[ExceptionEntry]>,
    pub positions: Positions,
}

/// Code is equal wherever it came from: file names don't count.
impl PartialEq for Code {
    fn eq(&self, other: &Code) -> bool {
        fn numbers(code: &Code) -> [u32; 9] {
            [
                code.argcount,
                code.posonlyargcount,
                code.kwonlyargcount,
                code.flags,
                code.firstlineno,
                u32::from(code.first_temp),
                u32::from(code.n_registers),
                u32::from(code.n_varnames),
                code.n_caches,
            ]
        }
        self.name == other.name
            && self.qualname == other.qualname
            && numbers(self) == numbers(other)
            && self.spill_register == other.spill_register
            && self.words == other.words
            && self.constants == other.constants
            && self.names == other.names
            && (&self.local_names, &self.local_kinds) == (&other.local_names, &other.local_kinds)
            && (&self.spilled, &self.spilled_kinds) == (&other.spilled, &other.spilled_kinds)
            && self.freevars == other.freevars
            && self.exceptions == other.exceptions
            && self.positions == other.positions
    }
}

impl Code {
    /// Whether an instruction holds the constant None, so that `constants` needn't.
    pub fn holds_none(&self) -> bool {
        let mut at = 0;
        while let Some(op) = self.words.get(at).and_then(|word| Op::from_byte(*word as u8)) {
            if matches!(op, Op::ReturnNone | Op::LoadNone) {
                return true;
            }
            at += 1 + usize::from(op.has_ext());
        }
        false
    }

    /// co_varnames.
    pub fn varnames(&self) -> impl Iterator<Item = &str> {
        let n = usize::from(self.n_varnames).min(self.local_names.len());
        let n_parameters = if self.spills_parameters() { self.parameter_count() as usize } else { 0 };
        let spilled = (self.spilled.iter().zip(&self.spilled_kinds).enumerate())
            .filter(move |(i, (_, kind))| *i < n_parameters || **kind == LocalKind::Plain)
            .map(|(_, (name, _))| name);
        self.local_names[..n].iter().chain(spilled).map(|name| &**name)
    }

    /// Whether the parameters are moved to the spill array first, because they are so many.
    pub fn spills_parameters(&self) -> bool {
        self.parameter_count() as usize > self.local_kinds.len()
    }

    /// co_cellvars: the parameters first, then the others.
    pub fn cellvars(&self) -> impl Iterator<Item = &str> {
        let in_registers = self.local_kinds.iter().zip(&self.local_names);
        let spilled = self.spilled_kinds.iter().zip(&self.spilled);
        in_registers.chain(spilled).filter(|(kind, _)| **kind == LocalKind::Cell).map(|(_, name)| &**name)
    }

    /// The handler of the instruction at this word index.
    #[inline]
    pub fn handler(&self, word: u32) -> Option<&ExceptionEntry> {
        let after = self.exceptions.partition_point(|entry| entry.start <= word);
        let entry = self.exceptions.get(after.checked_sub(1)?)?;
        (word < entry.end).then_some(entry)
    }

    /// The word index to which the instruction at this word index may jump.
    pub fn jump_target(&self, word: u32) -> Option<u32> {
        let instruction = Word(*self.words.get(word as usize)?);
        let op = Op::from_byte(instruction.op_byte())?;
        let offset = match op {
            Op::Jump | Op::JumpBack => instruction.a24s(),
            _ if op.info().ext == Ext::Jump => self.words.get(word as usize + 1)?.cast_signed(),
            _ => return None,
        };
        (word + 1 + u32::from(op.has_ext())).checked_add_signed(offset)
    }

    /// How many parameters there are, `*args` and `**kwargs` included; they are the first registers.
    pub fn parameter_count(&self) -> u32 {
        self.argcount
            + self.kwonlyargcount
            + u32::from(self.flags & flags::VARARGS != 0)
            + u32::from(self.flags & flags::VARKEYWORDS != 0)
    }
}
