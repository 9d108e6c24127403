//! A code object in the making: its registers, blocks and finishing.

use std::collections::BTreeSet;

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::Generator;
use super::assembler::{Assembler, Label, Reg, ident};
use crate::ast::*;
use crate::code::{Code, Constant, LocalKind, flags};
use crate::error::{CompileError, ErrorKind, Result};
use crate::opcode::Op;
use crate::positions::Positions;
use crate::symtable::{Place, Private, ScopeId, ScopeKind, SymbolTable};

/// Locals and cells beyond these registers are spilled (all of them, if the parameters alone are more), so that the temporaries of 20 nested blocks always find room.
const MAX_LOCAL_REGISTERS: usize = 120;
/// More code objects than this may not be nested.
const MAX_UNITS: usize = 400;
/// More blocks than this may not be nested.
const MAX_BLOCKS: usize = 20;

/// A construct around the statement being compiled that jumps out of it must deal with.
#[derive(Clone, Debug)]
pub(super) enum Block<'t> {
    Loop {
        on_break: Label,
        on_continue: Label,
        iterator: Option<Reg>,
    },
    /// The body of `try … except`.
    Try {
        outer: u32,
    },
    /// The body (and handlers) of `try … finally`.
    Finally {
        outer: u32,
        body: &'t [Stmt],
    },
    /// The finally body on the way of an exception.
    FinallyEnd {
        outer: u32,
        saved: Reg,
        exc: Reg,
    },
    /// The body of an except clause.
    Handler {
        outer: u32,
        saved: Reg,
        exc: Reg,
        name: Option<Ident>,
    },
    /// The body of an `except*` clause, which may not be left.
    StarHandler,
    With {
        outer: u32,
        exit: Reg,
        is_async: bool,
        at: Position,
    },
}

/// An annotated name of a module or class, for its `__annotate__`.
#[derive(Clone, Debug)]
pub(super) struct Annotation<'t> {
    pub(super) name: Ident,
    pub(super) value: &'t Expr,
    /// Its number in `__conditional_annotations__`.
    pub(super) conditional: Option<u32>,
    pub(super) at: Position,
}

pub(super) struct Unit<'t> {
    pub(super) scope: ScopeId,
    pub(super) asm: Assembler,
    pub(super) name: Ident,
    pub(super) qualname: String,
    pub(super) firstlineno: u32,
    /// The line of `__annotate__`: the class, or the first statement of a module.
    pub(super) body_line: u32,
    pub(super) argcount: u32,
    pub(super) posonlyargcount: u32,
    pub(super) kwonlyargcount: u32,
    pub(super) flags: u32,
    /// The body of an `async def`.
    pub(super) is_async: bool,
    /// Registers of locals and cells, by mangled name.
    pub(super) registers: FxHashMap<Ident, Reg>,
    pub(super) spilled: IndexSet<Ident, FxBuildHasher>,
    spilled_kinds: Vec<LocalKind>,
    pub(super) free: FxHashMap<Ident, u16>,
    free_names: Vec<Ident>,
    pub(super) local_names: Vec<Ident>,
    pub(super) local_kinds: Vec<LocalKind>,
    n_varnames: u16,
    spill_register: Option<Reg>,
    pub(super) next_hidden: Reg,
    /// Inlined comprehensions around the expression being compiled, with the registers of their variables.
    pub(super) environment: Vec<(ScopeId, FxHashMap<Ident, Reg>)>,
    pub(super) blocks: Vec<Block<'t>>,
    pub(super) static_attributes: BTreeSet<Ident>,
    pub(super) annotations: Vec<Annotation<'t>>,
    pub(super) next_conditional: u32,
    /// How many statements that may not run are around.
    pub(super) conditional_depth: u32,
    /// The constant of a module's `__annotate__`, which is compiled last but made first.
    pub(super) annotate_constant: Option<u32>,
    /// What mangles private names.
    pub(super) private: Option<Private>,
}

/// How many registers the variables of inlined comprehensions need at once.
fn hidden_need(table: &SymbolTable, id: ScopeId) -> usize {
    let need = |child: &ScopeId| {
        let scope = table.scope(*child);
        if !scope.inlined {
            return 0;
        }
        let own = scope.symbols.values().filter(|s| matches!(s.place, Place::Local | Place::Cell)).count();
        own + hidden_need(table, *child)
    };
    table.scope(id).children.iter().map(need).max().unwrap_or(0)
}

/// The registers of a scope's frame.
#[derive(Default)]
struct Layout {
    names: Vec<Ident>,
    kinds: Vec<LocalKind>,
    n_varnames: usize,
    spilled: IndexSet<Ident, FxBuildHasher>,
    spilled_kinds: Vec<LocalKind>,
}

impl Layout {
    fn spill(&mut self, name: Ident, kind: LocalKind) {
        self.spilled.insert(name);
        self.spilled_kinds.push(kind);
    }
}

fn layout(table: &SymbolTable, id: ScopeId) -> Layout {
    let scope = table.scope(id);
    let mut layout = Layout::default();
    let kind_of = |place| if place == Place::Cell { LocalKind::Cell } else { LocalKind::Plain };
    let room = if scope.params.len() > MAX_LOCAL_REGISTERS { 0 } else { MAX_LOCAL_REGISTERS };
    for name in &scope.params {
        let kind = kind_of(scope.symbols.get(name).map_or(Place::Local, |s| s.place));
        if room == 0 {
            layout.spill(name.clone(), kind);
        } else {
            layout.names.push(name.clone());
            layout.kinds.push(kind);
        }
    }
    let others = |wanted: Place| {
        let is_param = |name: &Ident| scope.symbols[name].flags & crate::symtable::def::PARAM != 0;
        scope
            .symbols
            .iter()
            .filter(move |(name, s)| s.place == wanted && !is_param(name))
            .map(|(n, _)| n.clone())
    };
    let cells: Vec<Ident> = others(Place::Cell).collect();
    if scope.is_function_like() {
        for name in others(Place::Local) {
            if layout.names.len() + cells.len() < room {
                layout.names.push(name);
                layout.kinds.push(LocalKind::Plain);
            } else {
                layout.spill(name, LocalKind::Plain);
            }
        }
    }
    layout.n_varnames = layout.names.len();
    for name in cells {
        if layout.names.len() < room {
            layout.names.push(name);
            layout.kinds.push(LocalKind::Cell);
        } else {
            layout.spill(name, LocalKind::Cell);
        }
    }
    layout
}

impl<'t> Generator<'t> {
    /// Begins a code object for a scope.
    pub(super) fn enter(&mut self, name: &str, id: ScopeId, at: Position) -> Result<()> {
        if self.units.len() > MAX_UNITS {
            let message = "maximum recursion depth exceeded during compilation";
            return Err(CompileError::at(ErrorKind::Recursion, message, at));
        }
        let table = self.table;
        let scope = table.scope(id);
        let mut layout = layout(table, id);
        let hidden = hidden_need(table, id);
        let next_hidden = layout.names.len();
        for number in 0..hidden {
            layout.names.push(ident(&format!(".{number}")));
            layout.kinds.push(LocalKind::Hidden);
        }
        let spill_register = (!layout.spilled.is_empty()).then_some(layout.names.len());
        if spill_register.is_some() {
            layout.names.push(ident(".spill"));
            layout.kinds.push(LocalKind::Hidden);
        }
        let first_temp = u8::try_from(layout.names.len()).ok().filter(|first| *first <= 170);
        let Some(first_temp) = first_temp else {
            let message = "comprehensions with more variables than the compiler supports";
            return Err(CompileError::at(ErrorKind::Syntax, message, at));
        };
        if scope.params.len() >= usize::from(u16::MAX) {
            return Err(CompileError::at(
                ErrorKind::Syntax,
                "more parameters than the compiler supports",
                at,
            ));
        }
        let spilled_params = if next_hidden < scope.params.len() { scope.params.len() as u16 } else { 0 };
        let mut asm = Assembler::new(first_temp, spilled_params);
        let mut registers = FxHashMap::default();
        for (register, name) in layout.names.iter().enumerate().take(next_hidden) {
            registers.insert(name.clone(), register as Reg);
            if spilled_params == 0
                && register < scope.params.len()
                && layout.kinds[register] == LocalKind::Plain
            {
                asm.set_bound(register as Reg, !scope.unbound.contains(name));
            }
        }
        let free_names = if scope.kind == ScopeKind::Module { Vec::new() } else { scope.free_names() };
        let free = free_names.iter().enumerate().map(|(i, name)| (name.clone(), i as u16)).collect();
        let qualname = self.qualname(name, id);
        asm.at = Some(Position { line: at.line, end_line: at.line, column: 0, end_column: 0 });
        self.units.push(Unit {
            scope: id,
            asm,
            name: ident(name),
            qualname,
            firstlineno: at.line,
            body_line: at.line,
            argcount: 0,
            posonlyargcount: 0,
            kwonlyargcount: 0,
            flags: self.scope_flags(id),
            is_async: false,
            registers,
            spilled: layout.spilled,
            spilled_kinds: layout.spilled_kinds,
            free,
            free_names,
            local_names: layout.names,
            local_kinds: layout.kinds,
            n_varnames: layout.n_varnames as u16,
            spill_register: spill_register.map(|register| register as Reg),
            next_hidden: next_hidden as Reg,
            environment: Vec::new(),
            blocks: Vec::new(),
            static_attributes: BTreeSet::new(),
            annotations: Vec::new(),
            next_conditional: 0,
            conditional_depth: 0,
            annotate_constant: None,
            private: scope.private.clone(),
        });
        self.prologue(spilled_params);
        Ok(())
    }

    fn prologue(&mut self, spilled_params: u16) {
        let unit = self.unit();
        if spilled_params > 0 {
            unit.asm.emit_x(Op::SpillParams, 0, spilled_params);
        }
        let is_generator = unit.flags & (flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR) != 0;
        for (register, kind) in unit.local_kinds.iter().enumerate() {
            if *kind == LocalKind::Cell {
                unit.asm.emit(Op::MakeCell, register as Reg, 0, 0);
            }
        }
        if is_generator {
            unit.asm.emit(Op::ReturnGenerator, 0, 0, 0);
        }
    }

    fn scope_flags(&self, id: ScopeId) -> u32 {
        let scope = self.table.scope(id);
        let mut bits = self.settings.future_flags;
        let top_level_await = self.settings.allow_top_level_await && scope.kind == ScopeKind::Module;
        if scope.is_function_like() {
            bits |= flags::OPTIMIZED | flags::NEWLOCALS;
            if scope.nested {
                bits |= flags::NESTED;
            }
            if scope.method {
                bits |= flags::METHOD;
            }
        }
        if scope.is_function_like() || top_level_await {
            bits |= match (scope.generator, scope.coroutine) {
                (true, true) => flags::ASYNC_GENERATOR,
                (true, false) => flags::GENERATOR,
                (false, true) => flags::COROUTINE,
                (false, false) => 0,
            };
        }
        if scope.varargs {
            bits |= flags::VARARGS;
        }
        if scope.varkeywords {
            bits |= flags::VARKEYWORDS;
        }
        bits
    }

    pub(super) fn qualname(&self, name: &str, id: ScopeId) -> String {
        let lazy = |unit: &Unit<'_>| {
            let kind = self.table.scope(unit.scope).kind;
            !matches!(kind, ScopeKind::Module | ScopeKind::Class | ScopeKind::Function)
        };
        let mut parents = self.units.iter().rev();
        let parent = match parents.next() {
            Some(parent) if lazy(parent) => parents.next(),
            parent => parent,
        };
        let Some(parent) = parent else { return name.to_string() };
        let parent_scope = self.table.scope(parent.scope);
        let scope = self.table.scope(id);
        if matches!(scope.kind, ScopeKind::Function | ScopeKind::Class) && scope.comprehension.is_none() {
            let mangled = crate::symtable::mangle(parent.private.as_ref(), &ident(name));
            let symbol = parent_scope.symbols.get(&mangled);
            if symbol.is_some_and(|symbol| symbol.place == Place::GlobalExplicit) {
                return name.to_string();
            }
        }
        match parent_scope.kind {
            ScopeKind::Module => name.to_string(),
            ScopeKind::Function if parent_scope.comprehension.is_none() => {
                format!("{}.<locals>.{name}", parent.qualname)
            }
            _ => format!("{}.{name}", parent.qualname),
        }
    }

    /// Finishes the innermost code object.
    pub(super) fn leave(&mut self) -> Result<Code> {
        let Some(mut unit) = self.units.pop() else {
            return Err(CompileError::new(ErrorKind::System, "no code object to finish"));
        };
        if unit.asm.exhausted {
            let at =
                Position { line: unit.firstlineno, end_line: unit.firstlineno, column: 0, end_column: 0 };
            let message = "expression too complex: the compiler ran out of registers";
            return Err(CompileError::at(ErrorKind::Memory, message, at));
        }
        unit.asm.resolve_jumps()?;
        let boxed =
            |names: &[Ident]| names.iter().map(|name| Box::from(&**name)).collect::<Box<[Box<str>]>>();
        Ok(Code {
            name: Box::from(&*unit.name),
            qualname: unit.qualname.into(),
            filename: self.settings.filename.clone(),
            argcount: unit.argcount,
            posonlyargcount: unit.posonlyargcount,
            kwonlyargcount: unit.kwonlyargcount,
            flags: unit.flags,
            firstlineno: unit.firstlineno,
            first_temp: u16::from(unit.asm.first_temp),
            n_registers: unit.asm.n_registers(),
            n_caches: unit.asm.n_caches,
            spill_register: unit.spill_register,
            exceptions: unit.asm.exception_table().into(),
            positions: Positions::encode(&unit.asm.positions),
            words: unit.asm.words.into(),
            constants: unit.asm.constants.into(),
            names: unit.asm.names.keys().map(|name| Box::from(&**name)).collect(),
            local_names: boxed(&unit.local_names),
            local_kinds: unit.local_kinds.into(),
            n_varnames: unit.n_varnames,
            spilled: unit.spilled.iter().map(|name| Box::from(&**name)).collect(),
            spilled_kinds: unit.spilled_kinds.into(),
            freevars: boxed(&unit.free_names),
        })
    }

    /// Finishes the innermost code object and makes a function of it in `dst`, with its closure.
    pub(super) fn leave_to_function(&mut self, dst: Reg) -> Result<()> {
        let free_names = self.unit().free_names.clone();
        let code = self.leave()?;
        if !self.asm().reachable() {
            return Ok(());
        }
        let index = self.asm().constant(Constant::Code(code.into()));
        self.function_of_constant(dst, index, &free_names)
    }

    /// Makes a function of the code that is (or will be) a constant.
    pub(super) fn function_of_constant(&mut self, dst: Reg, index: u32, free: &[Ident]) -> Result<()> {
        let index = u16::try_from(index)
            .map_err(|_| CompileError::new(ErrorKind::Overflow, "too many constants in a code object"))?;
        self.asm().emit_x(Op::MakeFunction, dst, index);
        if free.is_empty() {
            return Ok(());
        }
        let mark = self.asm().mark();
        let closure = self.tuple_of(free.len(), |this, i, reg| this.load_cell_itself(&free[i], reg))?;
        self.asm().emit(Op::SetFunctionAttr, dst, closure, crate::opcode::FunctionAttr::Closure as u8);
        self.asm().release(mark);
        Ok(())
    }

    pub(super) fn push_block(&mut self, block: Block<'t>) -> Result<()> {
        if self.unit().blocks.len() >= MAX_BLOCKS {
            return self.error("too many statically nested blocks");
        }
        self.unit().blocks.push(block);
        Ok(())
    }
}
