//! The words of one code object while they are made: emission, labels, registers, handlers and definite assignment.
//!
//! The flow state says which locals are certainly bound at the point of emission; None says the point cannot be
//! reached, and then nothing is emitted. Labels carry the meet of the states at the jumps to them. What must hold:
//! 1. Names that the program can unbind again (`del`, `except … as`) are never marked bound, so states only grow
//!    along a path and a loop's head may take the state at its first entry.
//! 2. Temporaries are a stack; `mark` and `release` bracket their use.
//! 3. Each word belongs to the handler that was current when it was emitted.

use std::rc::Rc;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::ast::{Ident, Position};
use crate::code::{Constant, ExceptionEntry};
use crate::error::{CompileError, ErrorKind, Result};
use crate::opcode::{ATTR_CACHE_WORDS, CACHE_WORDS_LIMIT, GLOBAL_CACHE_WORDS, NO_CACHE, Op, Word};

/// A register of the frame.
pub(super) type Reg = u8;

/// A set of registers that are certainly bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Bound([u64; 4]);

impl Bound {
    fn slot(reg: Reg) -> (usize, u64) {
        (usize::from(reg) / 64, 1 << (reg % 64))
    }
    pub(super) fn has(&self, reg: Reg) -> bool {
        let (word, bit) = Self::slot(reg);
        self.0[word] & bit != 0
    }
    fn set(&mut self, reg: Reg, bound: bool) {
        let (word, bit) = Self::slot(reg);
        self.0[word] = if bound { self.0[word] | bit } else { self.0[word] & !bit };
    }
    fn meet(&mut self, other: &Bound) {
        for (word, theirs) in self.0.iter_mut().zip(other.0) {
            *word &= theirs;
        }
    }
}

/// A place in the code that jumps can name before it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(u32);

#[derive(Debug, Default)]
struct LabelState {
    at: Option<u32>,
    /// Words that hold an offset to fill in; true for the 24-bit kind.
    fixups: Vec<(u32, bool)>,
    flow: Option<Bound>,
}

/// An exception handler, current while its body is emitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handler {
    label: Label,
    exc_reg: Reg,
    clear_from: Reg,
}

const NO_HANDLER: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct Assembler {
    pub(super) words: Vec<u32>,
    pub(super) positions: Vec<Option<Position>>,
    handler_of: Vec<u32>,
    handlers: Vec<Handler>,
    pub(super) handler: u32,
    labels: Vec<LabelState>,
    pub(super) flow: Option<Bound>,
    pub(super) at: Option<Position>,
    pub(super) first_temp: Reg,
    next_temp: u16,
    max_temp: u16,
    /// No register from here on may be a temporary: too many are live.
    pub(super) exhausted: bool,
    pub(super) names: IndexMap<Ident, (), FxBuildHasher>,
    pub(super) constants: Vec<Constant>,
    known_constants: FxHashMap<Vec<u8>, u32>,
    global_caches: FxHashMap<u32, u16>,
    pub(super) n_caches: u32,
}

impl Assembler {
    /// `least` is the least number of registers that the frame must have.
    pub(super) fn new(first_temp: Reg, least: u16) -> Assembler {
        Assembler {
            words: Vec::new(),
            positions: Vec::new(),
            handler_of: Vec::new(),
            handlers: Vec::new(),
            handler: NO_HANDLER,
            labels: Vec::new(),
            flow: Some(Bound::default()),
            at: None,
            first_temp,
            next_temp: u16::from(first_temp),
            max_temp: u16::from(first_temp).max(least),
            exhausted: false,
            names: IndexMap::default(),
            constants: Vec::new(),
            known_constants: FxHashMap::default(),
            global_caches: FxHashMap::default(),
            n_caches: 0,
        }
    }

    // ---- flow ----

    pub(super) fn reachable(&self) -> bool {
        self.flow.is_some()
    }

    pub(super) fn is_bound(&self, reg: Reg) -> bool {
        self.flow.is_none_or(|flow| flow.has(reg))
    }

    pub(super) fn set_bound(&mut self, reg: Reg, bound: bool) {
        if let Some(flow) = &mut self.flow {
            flow.set(reg, bound);
        }
    }

    // ---- emission ----

    fn push(&mut self, word: u32) {
        self.words.push(word);
        self.positions.push(self.at);
        self.handler_of.push(self.handler);
    }

    pub(super) fn emit(&mut self, op: Op, a: Reg, b: u8, c: u8) {
        if self.reachable() {
            self.push(Word::abc(op, a, b, c).0);
        }
    }

    pub(super) fn emit_x(&mut self, op: Op, a: Reg, bx: u16) {
        if self.reachable() {
            self.push(Word::abx(op, a, bx).0);
        }
    }

    pub(super) fn emit_ext(&mut self, op: Op, a: Reg, b: u8, c: u8, ext: u32) {
        if self.reachable() {
            self.push(Word::abc(op, a, b, c).0);
            self.push(ext);
        }
    }

    /// Emits what does not continue with the next instruction.
    pub(super) fn emit_final(&mut self, op: Op, a: Reg, b: u8) {
        self.emit(op, a, b, 0);
        self.flow = None;
    }

    // ---- names, constants, caches ----

    /// The index of a name.
    ///
    /// # Errors
    /// If there are more than 65535 names.
    pub(super) fn name(&mut self, name: &Ident) -> Result<u16> {
        let index = self.names.insert_full(name.clone(), ()).0;
        u16::try_from(index)
            .map_err(|_| CompileError::new(ErrorKind::Overflow, "too many names in a code object"))
    }

    fn allocate_caches(&mut self, count: u32) -> u16 {
        match u16::try_from(self.n_caches) {
            Ok(index) if self.n_caches <= CACHE_WORDS_LIMIT => {
                self.n_caches += count;
                index
            }
            _ => NO_CACHE,
        }
    }

    /// The extension word of a global's instruction: those of one name share their cache.
    pub(super) fn global_ext(&mut self, name: &Ident) -> Result<u32> {
        let index = u32::from(self.name(name)?);
        if !self.reachable() {
            return Ok(0);
        }
        let cache = match self.global_caches.get(&index) {
            Some(cache) => *cache,
            None => {
                let cache = self.allocate_caches(GLOBAL_CACHE_WORDS);
                self.global_caches.insert(index, cache);
                cache
            }
        };
        Ok(index | u32::from(cache) << 16)
    }

    /// The extension word of an attribute's instruction.
    pub(super) fn attr_ext(&mut self, name: &Ident) -> Result<u32> {
        let index = u32::from(self.name(name)?);
        if !self.reachable() {
            return Ok(0);
        }
        Ok(index | u32::from(self.allocate_caches(ATTR_CACHE_WORDS)) << 16)
    }

    pub(super) fn constant(&mut self, value: Constant) -> u32 {
        if matches!(value, Constant::Code(_)) {
            self.constants.push(value);
            return self.constants.len() as u32 - 1;
        }
        let mut key = Vec::new();
        constant_key(&mut key, &value);
        if let Some(index) = self.known_constants.get(&key) {
            return *index;
        }
        let index = self.constants.len() as u32;
        self.constants.push(value);
        self.known_constants.insert(key, index);
        index
    }

    pub(super) fn load_constant(&mut self, dst: Reg, value: &Constant) {
        match value {
            Constant::None => self.emit(Op::LoadNone, dst, 0, 0),
            Constant::True => self.emit(Op::LoadTrue, dst, 0, 0),
            Constant::False => self.emit(Op::LoadFalse, dst, 0, 0),
            Constant::Int(value) if i16::try_from(*value).is_ok() => {
                self.emit_x(Op::LoadInt, dst, *value as i16 as u16);
            }
            _ if !self.reachable() => {}
            _ => {
                let index = self.constant(value.clone());
                self.load_constant_at(dst, index);
            }
        }
    }

    pub(super) fn load_constant_at(&mut self, dst: Reg, index: u32) {
        match u16::try_from(index) {
            Ok(index) => self.emit_x(Op::LoadConst, dst, index),
            Err(_) => self.emit_ext(Op::LoadConstX, dst, 0, 0, index),
        }
    }

    // ---- temporaries ----

    /// How many registers are in use.
    pub(super) fn mark(&self) -> u16 {
        self.next_temp
    }

    pub(super) fn release(&mut self, mark: u16) {
        self.next_temp = mark;
    }

    /// Allocates the next temporary. When there is none left it notes that and reuses the last one.
    pub(super) fn temp(&mut self) -> Reg {
        if self.next_temp > 255 {
            self.exhausted = true;
            return 255;
        }
        let reg = self.next_temp as u8;
        self.next_temp += 1;
        self.max_temp = self.max_temp.max(self.next_temp);
        reg
    }

    pub(super) fn temps(&mut self, count: usize) -> Reg {
        let first = self.temp();
        for _ in 1..count {
            self.temp();
        }
        first
    }

    pub(super) fn is_temp(&self, reg: Reg) -> bool {
        reg >= self.first_temp
    }

    pub(super) fn n_registers(&self) -> u16 {
        self.max_temp
    }

    // ---- labels and jumps ----

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(LabelState::default());
        Label(self.labels.len() as u32 - 1)
    }

    fn meet_label(&mut self, label: Label) {
        let Some(flow) = self.flow else { return };
        match &mut self.labels[label.0 as usize].flow {
            Some(known) => known.meet(&flow),
            empty => *empty = Some(flow),
        }
    }

    /// Puts the label here. Jumps to it and falling through meet.
    pub(super) fn bind(&mut self, label: Label) {
        self.meet_label(label);
        let here = self.words.len() as u32;
        let state = &mut self.labels[label.0 as usize];
        state.at = Some(here);
        self.flow = state.flow;
    }

    /// Makes the jumps to one label (which is not bound) jumps to another that is not bound yet.
    pub(super) fn redirect(&mut self, from: Label, to: Label) {
        let LabelState { fixups, flow, .. } = std::mem::take(&mut self.labels[from.0 as usize]);
        let target = &mut self.labels[to.0 as usize];
        target.fixups.extend(fixups);
        match (&mut target.flow, flow) {
            (Some(known), Some(flow)) => known.meet(&flow),
            (known @ None, flow) => *known = flow,
            (Some(_), None) => {}
        }
    }

    /// Whether anything jumps to the label, or it has been bound.
    pub(super) fn is_used(&self, label: Label) -> bool {
        self.labels[label.0 as usize].flow.is_some()
    }

    pub(super) fn jump(&mut self, label: Label) {
        if !self.reachable() {
            return;
        }
        self.meet_label(label);
        let at = self.words.len() as u32;
        match self.labels[label.0 as usize].at {
            Some(target) => {
                let offset = target as i32 - (at as i32 + 1);
                self.push(Word::a24(Op::JumpBack, offset).0);
            }
            None => {
                self.labels[label.0 as usize].fixups.push((at, true));
                self.push(Word::a24(Op::Jump, 0).0);
            }
        }
        self.flow = None;
    }

    /// Emits a conditional jump forward; the offset is its extension word.
    pub(super) fn jump_op(&mut self, op: Op, a: u8, b: u8, c: u8, label: Label) {
        if !self.reachable() {
            return;
        }
        self.meet_label(label);
        self.push(Word::abc(op, a, b, c).0);
        let at = self.words.len() as u32;
        self.labels[label.0 as usize].fixups.push((at, false));
        self.push(0);
    }

    /// Fills in the offsets of jumps.
    pub(super) fn resolve_jumps(&mut self) -> Result<()> {
        for label in &self.labels {
            let Some(target) = label.at else { continue };
            for (at, narrow) in &label.fixups {
                let offset = target as i32 - (*at as i32 + 1);
                let word = &mut self.words[*at as usize];
                if *narrow {
                    if offset >= 1 << 23 {
                        return Err(CompileError::new(ErrorKind::Overflow, "code object too large"));
                    }
                    *word |= (offset as u32) << 8;
                } else {
                    *word = offset as u32;
                }
            }
        }
        Ok(())
    }

    // ---- handlers ----

    /// Begins the body of a handler: its label is where exceptions go, `exc_reg` is also where unwinding clears from.
    pub(super) fn push_handler(&mut self, label: Label, exc_reg: Reg) -> u32 {
        self.meet_label(label);
        let outer = self.handler;
        self.handlers.push(Handler { label, exc_reg, clear_from: exc_reg });
        self.handler = self.handlers.len() as u32 - 1;
        outer
    }

    /// The lowest temporary that unwinding here keeps nothing above of.
    pub(super) fn clear_from(&self) -> Reg {
        self.handlers.get(self.handler as usize).map_or(self.first_temp, |handler| handler.clear_from)
    }

    pub(super) fn exception_table(&self) -> Vec<ExceptionEntry> {
        let mut entries: Vec<ExceptionEntry> = Vec::new();
        let mut at = 0usize;
        while at < self.handler_of.len() {
            let id = self.handler_of[at];
            let run = self.handler_of[at..].iter().take_while(|other| **other == id).count();
            let handler = self.handlers.get(id as usize);
            let target = handler.and_then(|handler| self.labels[handler.label.0 as usize].at);
            if let (Some(handler), Some(target)) = (handler, target) {
                entries.push(ExceptionEntry {
                    start: at as u32,
                    end: (at + run) as u32,
                    target,
                    exc_reg: handler.exc_reg,
                    clear_from: handler.clear_from,
                });
            }
            at += run;
        }
        entries
    }
}

/// An encoding of constants in which two are equal only if they may be shared (0.0 is not -0.0 nor 0).
fn constant_key(out: &mut Vec<u8>, value: &Constant) {
    let bytes = |out: &mut Vec<u8>, tag: u8, bytes: &[u8]| {
        out.push(tag);
        out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        out.extend_from_slice(bytes);
    };
    let list = |out: &mut Vec<u8>, tag: u8, items: &[Constant]| {
        out.push(tag);
        out.extend_from_slice(&(items.len() as u32).to_le_bytes());
        items.iter().for_each(|item| constant_key(out, item));
    };
    match value {
        Constant::None => out.push(0),
        Constant::True => out.push(1),
        Constant::False => out.push(2),
        Constant::Ellipsis => out.push(3),
        Constant::Int(value) => bytes(out, 4, &value.to_le_bytes()),
        Constant::BigInt(value) => {
            out.push(u8::from(value.negative));
            let digits: Vec<u8> = value.digits.iter().flat_map(|digit| digit.to_le_bytes()).collect();
            bytes(out, 5, &digits);
        }
        Constant::Float(value) => bytes(out, 6, &value.to_bits().to_le_bytes()),
        Constant::Complex { real, imag } => {
            bytes(out, 7, &real.to_bits().to_le_bytes());
            bytes(out, 7, &imag.to_bits().to_le_bytes());
        }
        Constant::Str(text) => bytes(out, 8, text),
        Constant::Bytes(text) => bytes(out, 9, text),
        Constant::Tuple(items) => list(out, 10, items),
        Constant::FrozenSet(items) => list(out, 11, items),
        Constant::Slice(items) => list(out, 12, &items[..]),
        Constant::Code(code) => bytes(out, 13, &(std::sync::Arc::as_ptr(code).addr() as u64).to_le_bytes()),
    }
}

/// An identifier from text.
pub(super) fn ident(text: &str) -> Ident {
    Rc::from(text)
}
