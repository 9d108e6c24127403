//! Code as text: one line per instruction, for golden tests and `dis`.

use std::fmt::Write;

use crate::code::{Code, Constant};
use crate::opcode::{Ext, Op, Role, Word};

/// The text of a code object and of those among its constants.
pub fn disassemble(code: &Code) -> String {
    let mut out = String::new();
    write_code(&mut out, code);
    out
}

fn register(code: &Code, r: u8) -> String {
    if u16::from(r) >= code.first_temp {
        return format!("t{}", u16::from(r) - code.first_temp);
    }
    match code.local_names.get(usize::from(r)) {
        Some(name) => name.to_string(),
        None => format!("r{r}"),
    }
}

/// A constant as it is shown in disassembly.
pub fn show_constant(constant: &Constant) -> String {
    let list = |items: &[Constant]| items.iter().map(show_constant).collect::<Vec<_>>().join(", ");
    match constant {
        Constant::Int(value) => value.to_string(),
        Constant::Float(value) => format!("{value:?}"),
        Constant::Complex { real, imag } => format!("({real:?}, {imag:?}j)"),
        Constant::Str(text) => format!("{:?}", String::from_utf8_lossy(text)),
        Constant::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
        Constant::Tuple(items) => format!("({})", list(items)),
        Constant::FrozenSet(items) => format!("frozenset({})", list(items)),
        Constant::Slice(items) => format!("slice({})", list(&items[..])),
        Constant::Code(code) => format!("<code {}>", code.qualname()),
        Constant::BigInt(value) => format!("<int of {} digits>", value.digits.len()),
        other => format!("{other:?}"),
    }
}

fn write_operand(out: &mut String, code: &Code, role: Role, word: Word, index: usize, next: u32) {
    let byte = [word.a(), word.b(), word.c()][index.min(2)];
    let _ = match role {
        Role::Dst | Role::Src | Role::Keep | Role::Win | Role::Out => {
            write!(out, " {}", register(code, byte))
        }
        Role::U8 => write!(out, " {byte}"),
        Role::I8 => write!(out, " #{}", byte as i8),
        Role::U16 => write!(out, " {}", word.bx()),
        Role::I16 => write!(out, " #{}", word.sbx()),
        Role::Jump24 => write!(out, " -> {}", i64::from(next) + i64::from(word.a24s())),
    };
}

fn write_ext(out: &mut String, code: &Code, ext: Ext, value: u32, next: u32) {
    let name = |index: u32| code.names.get(index as usize).map_or("?", |name| name);
    let _ = match ext {
        Ext::None => Ok(()),
        Ext::Jump => write!(out, " -> {}", i64::from(next) + i64::from(value as i32)),
        Ext::NameCache => write!(out, " {} @{}", name(value & 0xffff), value >> 16),
        Ext::Name => write!(out, " {}", name(value)),
        Ext::NameFree => write!(out, " {} free {}", name(value & 0xffff), value >> 16),
        Ext::Const => match code.constants.get(value as usize) {
            Some(constant) => write!(out, " {}", show_constant(constant)),
            None => write!(out, " ?"),
        },
        Ext::U32 => write!(out, " +{value}"),
    };
}

/// The text of the instruction at word index `at`, and the index of the next one.
pub fn instruction_text(code: &Code, at: u32) -> (String, u32) {
    let Some(word) = code.words.get(at as usize).map(|w| Word(*w)) else {
        return (String::from("?"), at + 1);
    };
    let Some(op) = Op::from_byte(word.op_byte()) else {
        return (format!("? {:#x}", word.0), at + 1);
    };
    let info = op.info();
    let next = at + 1 + u32::from(op.has_ext());
    let mut out = info.name.to_string();
    for (index, role) in info.operands.iter().enumerate() {
        write_operand(&mut out, code, *role, word, index, next);
    }
    if let (Op::LoadConst | Op::MakeFunction, Some(constant)) =
        (op, code.constants.get(usize::from(word.bx())))
    {
        let _ = write!(out, " {}", show_constant(constant));
    }
    if op.has_ext() {
        write_ext(&mut out, code, info.ext, code.words.get(at as usize + 1).copied().unwrap_or(0), next);
    }
    (out, next)
}

fn write_code(out: &mut String, code: &Code) {
    let _ = writeln!(
        out,
        "code {} args={}+{} flags={:#x} temps={}..{} caches={}",
        code.qualname,
        code.argcount,
        code.kwonlyargcount,
        code.flags,
        code.first_temp,
        code.n_registers,
        code.n_caches
    );
    let mut at = 0;
    let mut line = 0;
    while (at as usize) < code.words.len() {
        let now = code.positions.at(at).map_or(0, |p| p.line);
        let shown = if now == line { String::new() } else { now.to_string() };
        line = now;
        let (text, next) = instruction_text(code, at);
        let _ = writeln!(out, "{shown:>5} {at:>5}  {text}");
        at = next;
    }
    for entry in &code.exceptions {
        let _ = writeln!(
            out,
            "  handler {}..{} -> {} {} clear {}",
            entry.start,
            entry.end,
            entry.target,
            register(code, entry.exc_reg),
            register(code, entry.clear_from)
        );
    }
    for constant in &code.constants {
        if let Constant::Code(inner) = constant {
            out.push('\n');
            write_code(out, inner);
        }
    }
}
