//! Orochi's compiler: Python 3.14 source text to register bytecode.
//!
//! The way of a source: [`parse`] (a parser behind an adapter) gives a tree of [`ast`]; constants are folded;
//! [`symtable`] says where each name lives; code generation makes a [`code::Code`] of each scope, whose
//! instructions are listed in [`opcode`]. Knows nothing of objects, so that the build can precompile the
//! standard library.

#![forbid(unsafe_code)]

pub mod ast;
pub mod code;
mod codegen;
mod compile;
pub mod disassemble;
pub mod error;
mod explain;
mod fold;
mod future;
pub mod lazy;
mod literal;
pub mod location_table;
pub mod opcode;
pub mod parse;
pub mod positions;
pub mod serialize;
pub mod source;
pub mod symtable;
mod unparse;
pub mod validate;
pub mod verify;

pub use compile::{CompileOptions, compile, compile_tree, optimize_tree, symbol_table};
pub use error::{CompileError, ErrorKind, Warning, WarningCategory};
pub use parse::Mode;
