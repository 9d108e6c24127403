//! Orochi's compiler: Python 3.14 source text to register bytecode.
//!
//! Knows nothing of objects, so that the build can precompile the standard library. The instruction set is
//! [`opcode`]; what the compiler makes of a scope is [`code::Code`].

#![forbid(unsafe_code)]

pub mod ast;
pub mod code;
pub mod disassemble;
pub mod error;
mod explain;
mod literal;
pub mod opcode;
pub mod parse;
pub mod positions;
pub mod serialize;
pub mod verify;
