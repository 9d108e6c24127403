//! Code generation: syntax tree and symbol table to register bytecode.
//!
//! One [`Unit`] is a code object in the making; they form a stack. Expressions are compiled either *into* a given
//! register or to an *operand*: a local that is bound and not about to change is its own operand, everything else
//! goes to a temporary. What must hold (with the register discipline of [`crate::opcode`]):
//! 1. Code that computes into a local writes it by its last instruction only, so an exception leaves it as it was.
//! 2. A temporary that `expr_into` is given is empty, and may be used as scratch.
//! 3. Every path out of a construct leaves the temporaries above its mark empty.

mod assembler;
mod calls;
mod classes;
mod comprehensions;
mod conditions;
mod control;
mod displays;
mod expressions;
mod functions;
mod generics;
mod names;
mod patterns;
mod statements;
mod targets;
mod tries;
mod unit;
mod warn;

use std::sync::Arc;

use crate::ast::*;
use crate::code::{Code, Constant};
use crate::error::{CompileError, Result, Warning};
use crate::opcode::Op;
use crate::symtable::{ScopeId, SymbolTable, TOP};

use assembler::{Assembler, Label};
use unit::Unit;

/// What code generation needs to know besides the tree.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) filename: Arc<str>,
    /// Flags of futures that are in effect.
    pub(crate) future_flags: u32,
    /// Line and column of the last future import that stands where it may.
    pub(crate) last_future: (u32, i32),
    /// 0, 1 (no asserts) or 2 (no docstrings either).
    pub(crate) optimize: u8,
    pub(crate) interactive: bool,
    pub(crate) allow_top_level_await: bool,
}

/// Compiles a tree.
///
/// # Errors
/// The SyntaxErrors that CPython's compiler raises.
pub(crate) fn generate(
    module: &Mod,
    table: &SymbolTable,
    settings: Settings,
) -> Result<(Code, Vec<Warning>)> {
    let mut generator = Generator { table, settings, units: Vec::new(), warnings: Vec::new() };
    let code = generator.module(module)?;
    Ok((code, generator.warnings))
}

struct Generator<'t> {
    table: &'t SymbolTable,
    settings: Settings,
    units: Vec<Unit<'t>>,
    warnings: Vec<Warning>,
}

impl<'t> Generator<'t> {
    fn unit(&mut self) -> &mut Unit<'t> {
        let last = self.units.len() - 1;
        &mut self.units[last]
    }

    fn asm(&mut self) -> &mut Assembler {
        &mut self.unit().asm
    }

    /// Compiles with instructions attributed to a place, then goes back to the place before.
    fn located<T>(&mut self, at: Position, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let outer = self.asm().at.replace(at);
        let result = f(self);
        self.asm().at = outer;
        result
    }

    fn here(&mut self) -> Position {
        self.asm().at.unwrap_or_default()
    }

    fn error<T>(&mut self, message: impl Into<String>) -> Result<T> {
        let at = self.here();
        Err(CompileError::syntax(message, at))
    }

    fn scope_id(&mut self) -> ScopeId {
        self.unit().scope
    }

    fn module(&mut self, module: &'t Mod) -> Result<Code> {
        let at = Position { line: 1, end_line: 1, column: 0, end_column: 0 };
        self.enter("<module>", TOP, at)?;
        self.asm().at = Some(Position { line: 0, ..at });
        match module {
            Mod::Module { body } => self.module_body(body)?,
            Mod::Interactive { body } => {
                self.begin_annotations(body)?;
                self.suite(body)?;
            }
            Mod::Expression { body } => {
                let value = self.operand(body)?;
                self.asm().emit_final(Op::Return, value, 0);
            }
            Mod::FunctionType { .. } => {
                return Err(CompileError::new(
                    crate::error::ErrorKind::Type,
                    "compile() can't compile a function type",
                ));
            }
        }
        self.end_annotations()?;
        self.asm().emit_final(Op::ReturnNone, 0, 0);
        self.leave()
    }

    fn module_body(&mut self, body: &'t [Stmt]) -> Result<()> {
        self.unit().body_line = body.first().map_or(1, |first| first.at.line);
        self.asm().at = Some(Position { line: 1, end_line: 1, column: -1, end_column: -1 });
        self.begin_annotations(body)?;
        let (docstring, body) = self.split_docstring(body);
        if let Some((text, at)) = docstring {
            self.located(at, |this| {
                let reg = this.asm().temp();
                this.asm().load_constant(reg, &text);
                this.store_plain_name("__doc__", reg)?;
                this.asm().release(u16::from(reg));
                Ok(())
            })?;
        }
        self.suite(body)
    }

    /// The docstring of a body, cleaned, and the statements after it.
    fn split_docstring(&self, body: &'t [Stmt]) -> (Option<(Constant, Position)>, &'t [Stmt]) {
        if let Some((first, rest)) = body.split_first()
            && let StmtKind::Expr(value) = &first.kind
            && let ExprKind::Constant { value: Constant::Str(text), .. } = &value.kind
        {
            if self.settings.optimize >= 2 {
                return (None, rest);
            }
            return (Some((Constant::Str(clean_docstring(text)), first.at)), rest);
        }
        (None, body)
    }
}

/// A docstring without the indentation that its lines have in common (the first line on its own).
fn clean_docstring(text: &[u8]) -> Box<[u8]> {
    let expanded = expand_tabs(text);
    let lines: Vec<&[u8]> = expanded.split(|byte| *byte == b'\n').collect();
    let indent = |line: &[u8]| line.iter().take_while(|byte| **byte == b' ').count();
    let margin = (lines.iter().skip(1))
        .filter(|line| indent(line) < line.len())
        .map(|line| indent(line))
        .min()
        .unwrap_or(0);
    let first = lines.first().map_or(&[][..], |line| &line[indent(line)..]);
    if margin == 0 && first.len() == lines.first().map_or(0, |line| line.len()) && expanded == text {
        return text.into();
    }
    let mut out = first.to_vec();
    for line in lines.iter().skip(1) {
        out.push(b'\n');
        out.extend_from_slice(&line[margin.min(indent(line))..]);
    }
    out.into()
}

fn expand_tabs(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut column = 0;
    for byte in text {
        match byte {
            b'\t' => {
                let width = 8 - column % 8;
                out.extend(std::iter::repeat_n(b' ', width));
                column += width;
            }
            b'\n' => {
                out.push(b'\n');
                column = 0;
            }
            _ => {
                out.push(*byte);
                column += usize::from(byte & 0xC0 != 0x80);
            }
        }
    }
    out
}
