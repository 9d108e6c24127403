//! `_bytecode`: what the instructions of a code object are, for `dis`.

use orochi_compiler::code::WORD_BYTES;
use orochi_compiler::disassemble::instruction_text;
use orochi_compiler::opcode::{Ext, Op, Word as Instruction};
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::types::code::PyCode;
use orochi_objects::types::list;
use orochi_objects::{IntoPy, Obj, PyModule, PyResult, Thread, Value, str, tuple};

/// An operation's name in the style of `dis`.
fn capitals(name: &str) -> String {
    let mut capitals = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !capitals.is_empty() {
            capitals.push('_');
        }
        capitals.push(c.to_ascii_uppercase());
    }
    capitals
}

/// What the instruction at a word's index is about: the offset to which it jumps, its name or its constant.
fn argument(thread: &mut Thread, code: &Obj<PyCode>, at: u32) -> PyResult {
    let word = |at: u32| code.code.words.get(at as usize).copied().unwrap_or(0);
    let instruction = Instruction(word(at));
    let Some(op) = Op::from_byte(instruction.op_byte()) else { return Ok(Value::NONE) };
    let ext = word(at + 1) as usize;
    match op.info().ext {
        _ if op == Op::LoadConst => Ok(code.constant(instruction.bx().into()).to_owned()),
        Ext::Const => Ok(code.constant(ext).to_owned()),
        Ext::NameCache | Ext::NameFree => Ok(code.name_at(ext & 0xffff).to_value()),
        Ext::Name => Ok(code.name_at(ext).to_value()),
        _ => match code.code.jump_target(at) {
            Some(target) => target.saturating_mul(WORD_BYTES).into_py(thread),
            None => Ok(Value::NONE),
        },
    }
}

/// Return the instructions: offset, number, name, operands, their text, whether it jumps, and the offset to which it does, its
/// constant or its name, if there is any.
#[pyfunction]
#[signature(code, /)]
fn decode(thread: &mut Thread, code: &Obj<PyCode>) -> PyResult {
    let mut rows = Vec::new();
    let mut at = 0;
    while let Some(&word) = code.code.words.get(at as usize) {
        let (text, next) = instruction_text(&code.code, at);
        let (name, operands) = text.split_once(' ').unwrap_or((&text, ""));
        let row = vec![
            at.saturating_mul(WORD_BYTES).into_py(thread)?,
            Instruction(word).op_byte().into_py(thread)?,
            str::intern(thread, &capitals(name))?.to_value(),
            (word >> 8).into_py(thread)?,
            str::new(thread, operands)?,
            Value::bool(code.code.jump_target(at).is_some()),
            argument(thread, code, at)?,
        ];
        rows.push(tuple::new(thread, row)?.into_value());
        at = next;
    }
    Ok(list::new(thread, rows)?.into_value())
}

#[pymodule(name = "_bytecode", functions(decode))]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
