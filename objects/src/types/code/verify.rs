//! Checks compiled code before it may run: code may come from a damaged file.

use orochi_compiler::code::Code;
use orochi_compiler::opcode::{Ext, Op, OpInfo, Role, Word};

/// Checks that everything the instructions name exists.
///
/// # Errors
/// What is wrong.
pub fn verify(code: &Code) -> Result<(), &'static str> {
    frame(code)?;
    let mut starts = vec![false; code.words.len() + 1];
    let mut at = 0;
    let mut ends = false;
    while let Some(word) = code.words.get(at) {
        if let Some(start) = starts.get_mut(at) {
            *start = true;
        }
        let word = Word(*word);
        let op = Op::from_byte(word.op_byte()).ok_or("unknown operation")?;
        let next = at + 1 + usize::from(op.has_ext());
        let ext = if op.has_ext() { *code.words.get(at + 1).ok_or("cut short")? } else { 0 };
        operands(code, op, op.info(), word, ext)?;
        if let Some(offset) = jump_offset(op.info(), word, ext) {
            let target = next as i64 + i64::from(offset);
            if target < 0 || target >= code.words.len() as i64 {
                return Err("jump out of the code");
            }
        }
        ends = is_end(op);
        at = next;
    }
    if !ends {
        return Err("no end");
    }
    targets(code, &starts)
}

fn frame(code: &Code) -> Result<(), &'static str> {
    let parameters = code.parameter_count();
    let cells = code.local_kinds.len();
    if code.n_registers > 256 || code.first_temp > code.n_registers {
        return Err("bad number of registers");
    }
    if parameters > u32::from(code.first_temp) || cells > usize::from(code.first_temp) {
        return Err("more parameters than registers");
    }
    if code.local_names.len() < cells || usize::from(code.n_varnames) > code.local_names.len() {
        return Err("locals without names");
    }
    if code.posonlyargcount > code.argcount {
        return Err("bad number of positional-only parameters");
    }
    match code.spill_register {
        Some(register) if u16::from(register) >= code.first_temp => Err("bad spill register"),
        None if !code.spilled.is_empty() => Err("no spill register"),
        _ => Ok(()),
    }
}

fn is_end(op: Op) -> bool {
    matches!(
        op,
        Op::Return
            | Op::ReturnNone
            | Op::Jump
            | Op::JumpBack
            | Op::Raise
            | Op::RaiseFrom
            | Op::RaiseCurrent
            | Op::Reraise
            | Op::EndAsyncFor
    )
}

fn jump_offset(info: &OpInfo, word: Word, ext: u32) -> Option<i32> {
    if info.operands.contains(&Role::Jump24) {
        Some(word.a24s())
    } else {
        (info.ext == Ext::Jump).then_some(ext as i32)
    }
}

/// How many registers an instruction touches from the base that an operand names.
fn extent(op: Op, role: Role, word: Word, ext: u32) -> usize {
    let c = usize::from(word.c());
    match (op, role) {
        (Op::Call | Op::CallKw, Role::Win) => c + 2,
        (Op::CallEx, Role::Win) => 4,
        (Op::LoadSuperAttr | Op::LoadSuperMethod | Op::BuildInterpolation | Op::MatchClass, Role::Win) => 3,
        (Op::BuildMap, Role::Win) => 2 * c,
        (_, Role::Win) => c,
        (Op::UnpackSequence, Role::Out) => c,
        (Op::UnpackEx, Role::Out) => c + 1 + ext.min(1 << 16) as usize,
        (_, Role::Out) => 2,
        (Op::WithExceptStart, Role::Keep) => 1,
        _ => 1,
    }
}

fn operands(code: &Code, op: Op, info: &OpInfo, word: Word, ext: u32) -> Result<(), &'static str> {
    let bytes = [word.a(), word.b(), word.c()];
    for (role, byte) in info.operands.iter().zip(bytes) {
        if matches!(role, Role::Dst | Role::Src | Role::Keep | Role::Win | Role::Out) {
            let end = usize::from(byte) + extent(op, *role, word, ext);
            if end > usize::from(code.n_registers).max(1) {
                return Err("no such register");
            }
        }
    }
    if op == Op::WithExceptStart && usize::from(word.b()) + 2 > usize::from(code.n_registers) {
        return Err("no such register");
    }
    let bx = usize::from(word.bx());
    let exists = match op {
        Op::LoadConst | Op::MakeFunction => bx < code.constants.len(),
        Op::CheckBound | Op::DeleteFast => bx < code.local_names.len(),
        Op::LoadSpill | Op::StoreSpill | Op::DeleteSpill => bx < code.spilled.len(),
        Op::LoadFree | Op::StoreFree | Op::DeleteFree | Op::LoadFreeCell => bx < code.freevars.len(),
        _ => true,
    };
    if !exists {
        return Err("operand out of range");
    }
    let low = (ext & 0xffff) as usize;
    let exists = match info.ext {
        Ext::NameCache => {
            let cache = ext >> 16;
            low < code.names.len() && (cache == 0xffff || cache + 2 <= code.n_caches + 1)
        }
        Ext::Name => (ext as usize) < code.names.len(),
        Ext::NameFree => low < code.names.len() && (ext >> 16) < code.freevars.len() as u32,
        Ext::Const => (ext as usize) < code.constants.len(),
        Ext::None | Ext::Jump | Ext::U32 => true,
    };
    if exists { Ok(()) } else { Err("extension word out of range") }
}

fn targets(code: &Code, starts: &[bool]) -> Result<(), &'static str> {
    for entry in &code.exceptions {
        let registers =
            u16::from(entry.exc_reg) < code.n_registers && u16::from(entry.clear_from) <= code.n_registers;
        if !registers || starts.get(entry.target as usize) != Some(&true) {
            return Err("bad exception table");
        }
    }
    Ok(())
}
