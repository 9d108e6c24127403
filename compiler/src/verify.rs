//! Checks code that didn't come from the compiler in this process: every operand must name something that exists, so that
//! the interpreter, which doesn't look, stays within its frame.

use crate::code::Code;
use crate::opcode::{CACHE_WORDS_LIMIT, Ext, MOST_CACHE_WORDS, NO_CACHE, Op, Role, Word};

/// Whether the interpreter may run this code. Code inside constants is verified on its own.
pub fn verify(code: &Code) -> bool {
    let registers = usize::from(code.n_registers);
    let first_temp = usize::from(code.first_temp);
    let parameters = code.parameter_count() as usize;
    let shape = first_temp <= registers
        && code.local_kinds.len() == first_temp
        && code.local_names.len() >= first_temp
        && usize::from(code.n_varnames) <= code.local_names.len()
        && (parameters <= first_temp || (parameters <= registers && parameters <= code.spilled.len()))
        && code.spilled_kinds.len() == code.spilled.len()
        && code.posonlyargcount <= code.argcount
        && code.spill_register.is_none_or(|register| usize::from(register) < first_temp);
    shape && instructions(code).is_some_and(|starts| jumps(code, &starts) && handlers(code, &starts))
}

/// Checks the operands of every instruction; which words begin one.
fn instructions(code: &Code) -> Option<Vec<bool>> {
    let mut starts = vec![false; code.words.len()];
    let mut at = 0;
    let mut last = None;
    while at < code.words.len() {
        let word = Word(*code.words.get(at)?);
        let op = Op::from_byte(word.op_byte())?;
        *starts.get_mut(at)? = true;
        let extension = if op.has_ext() { Some(*code.words.get(at + 1)?) } else { None };
        if !operands(code, op, word) || !extension.is_none_or(|ext| extension_fits(code, op, word, ext)) {
            return None;
        }
        last = Some(op);
        at += 1 + usize::from(op.has_ext());
    }
    // Control must not run off the end.
    let ends = matches!(
        last?,
        Op::Return
            | Op::ReturnNone
            | Op::Jump
            | Op::JumpBack
            | Op::Raise
            | Op::RaiseFrom
            | Op::RaiseCurrent
            | Op::Reraise
    );
    ends.then_some(starts)
}

fn operands(code: &Code, op: Op, word: Word) -> bool {
    let registers = usize::from(code.n_registers);
    let bytes = [word.a(), word.b(), word.c()];
    let plain = op.info().operands.iter().enumerate().all(|(i, role)| match role {
        Role::Dst | Role::Src | Role::Keep => bytes.get(i).is_some_and(|r| usize::from(*r) < registers),
        Role::Win | Role::Out => bytes.get(i).is_some_and(|r| usize::from(*r) <= registers),
        Role::U8 | Role::I8 | Role::U16 | Role::I16 | Role::Jump24 => true,
    });
    plain && window_fits(registers, op, word) && index_fits(code, op, word)
}

/// Whether the run of registers that an instruction reads or writes lies in the frame.
fn window_fits(registers: usize, op: Op, word: Word) -> bool {
    let (a, b, c) = (usize::from(word.a()), usize::from(word.b()), usize::from(word.c()));
    let end = match op {
        Op::Call | Op::CallKw => b + 2 + c,
        Op::CallEx => b + 4,
        Op::LoadSuperAttr => b + 3,
        Op::LoadSuperMethod => (b + 3).max(a + 2),
        Op::BuildTuple | Op::BuildList | Op::BuildSet | Op::BuildString | Op::BuildSlice => b + c,
        Op::BuildMap => b + 2 * c,
        Op::BuildInterpolation | Op::MatchClass => b + 3,
        Op::LoadMethod | Op::LoadSpecialMethod | Op::MatchExceptStar => a + 2,
        Op::UnpackSequence => a + c,
        Op::UnpackEx => a + c + 1,
        Op::WithExceptStart => b + 2,
        _ => 0,
    };
    end <= registers
}

/// Whether the table that an instruction indexes is long enough.
fn index_fits(code: &Code, op: Op, word: Word) -> bool {
    let index = usize::from(word.bx());
    match op {
        Op::LoadConst | Op::MakeFunction => index < code.constants.len(),
        Op::CheckBound | Op::DeleteFast => index < code.local_names.len(),
        Op::LoadSpill | Op::StoreSpill | Op::DeleteSpill | Op::LoadSpillCell => {
            index < code.spilled.len() && code.spill_register.is_some()
        }
        Op::SpillParams => {
            code.spill_register.is_some()
                && index <= code.spilled.len()
                && index <= usize::from(code.n_registers)
        }
        Op::LoadFree | Op::StoreFree | Op::DeleteFree | Op::LoadFreeCell => index < code.freevars.len(),
        _ => true,
    }
}

fn extension_fits(code: &Code, op: Op, word: Word, ext: u32) -> bool {
    let low = (ext & 0xFFFF) as usize;
    let high = ext >> 16;
    match op.info().ext {
        Ext::Name => (ext as usize) < code.names.len(),
        Ext::Const => (ext as usize) < code.constants.len(),
        Ext::NameFree => low < code.names.len() && (high as usize) < code.freevars.len(),
        Ext::NameCache => {
            low < code.names.len()
                && (high + MOST_CACHE_WORDS <= code.n_caches
                    || high == u32::from(NO_CACHE) && code.n_caches > CACHE_WORDS_LIMIT)
        }
        Ext::U32 if op == Op::UnpackEx => {
            u64::from(word.a()) + u64::from(word.c()) + 1 + u64::from(ext) <= u64::from(code.n_registers)
        }
        Ext::None | Ext::Jump | Ext::U32 => true,
    }
}

fn jumps(code: &Code, starts: &[bool]) -> bool {
    starts.iter().enumerate().filter(|(_, start)| **start).all(|(at, _)| {
        let Some(op) = code.words.get(at).and_then(|word| Op::from_byte(*word as u8)) else { return false };
        let target = match op {
            Op::Jump | Op::JumpBack => {
                code.words.get(at).map(|word| at as i64 + 1 + i64::from(Word(*word).a24s()))
            }
            _ if op.info().ext == Ext::Jump => {
                code.words.get(at + 1).map(|ext| at as i64 + 2 + i64::from(*ext as i32))
            }
            _ => return true,
        };
        target
            .and_then(|target| usize::try_from(target).ok())
            .is_some_and(|target| starts.get(target) == Some(&true))
    })
}

fn handlers(code: &Code, starts: &[bool]) -> bool {
    let registers = code.n_registers;
    let mut end = 0;
    code.exceptions.iter().all(|entry| {
        let sorted = entry.start >= end && entry.end >= entry.start && entry.end as usize <= starts.len();
        end = entry.end;
        sorted
            && starts.get(entry.target as usize) == Some(&true)
            && u16::from(entry.exc_reg) < registers
            && u16::from(entry.clear_from) <= registers
    })
}
