//! Code objects as bytes, for the embedded library, `.pyc` files and `marshal`.
//!
//! A value is a tag byte and its content; numbers are LEB128 varints (signed ones zigzag), strings and tables have their
//! length before them. Reading checks everything it is told (lengths against what is left, nesting, UTF-8, the code
//! itself by `verify`), so garbage is an error and nothing else.

use crate::code::{BigInt, Code, Constant, ExceptionEntry, LocalKind};
use crate::positions::Positions;
use crate::verify::verify;
use std::sync::Arc;

/// Changes whenever the format or the instruction set does; `.pyc` files of other versions are compiled anew.
pub const VERSION: u16 = 3;

/// How deeply constants may nest.
const MAX_DEPTH: usize = 100;

/// Why bytes are not a serialised code object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// They end too early.
    Truncated,
    /// They hold something that serialising never writes.
    Invalid,
    /// They were written by another version.
    Version,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Malformed::Truncated => "bytecode is truncated",
            Malformed::Invalid => "bytecode is malformed",
            Malformed::Version => "bytecode of another version",
        })
    }
}

impl std::error::Error for Malformed {}

#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
enum Tag {
    None,
    True,
    False,
    Ellipsis,
    Int,
    BigInt,
    Float,
    Complex,
    Str,
    Bytes,
    Tuple,
    FrozenSet,
    Slice,
    Code,
}

const TAGS: [Tag; 14] = [
    Tag::None,
    Tag::True,
    Tag::False,
    Tag::Ellipsis,
    Tag::Int,
    Tag::BigInt,
    Tag::Float,
    Tag::Complex,
    Tag::Str,
    Tag::Bytes,
    Tag::Tuple,
    Tag::FrozenSet,
    Tag::Slice,
    Tag::Code,
];

/// Serialises a code object and all inside it. File names are left out: the reader supplies one.
pub fn to_bytes(code: &Code) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&VERSION.to_le_bytes());
    write_code(&mut out, code);
    out
}

/// Reads a code object back; `filename` becomes the file name of it and of all code inside.
///
/// # Errors
/// `Malformed` for whatever `to_bytes` didn't write.
pub fn from_bytes(bytes: &[u8], filename: &Arc<str>) -> Result<Code, Malformed> {
    let (version, rest) = bytes.split_first_chunk::<2>().ok_or(Malformed::Truncated)?;
    if u16::from_le_bytes(*version) != VERSION {
        return Err(Malformed::Version);
    }
    let mut reader = Reader { rest, filename };
    let code = reader.code(0)?;
    if reader.rest.is_empty() { Ok(code) } else { Err(Malformed::Invalid) }
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn signed(out: &mut Vec<u8>, value: i64) {
    number(out, ((value << 1) ^ (value >> 63)) as u64);
}

fn blob(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn names(out: &mut Vec<u8>, names: &[Box<str>]) {
    number(out, names.len() as u64);
    for name in names {
        blob(out, name.as_bytes());
    }
}

fn constants(out: &mut Vec<u8>, values: &[Constant]) {
    number(out, values.len() as u64);
    for value in values {
        write_constant(out, value);
    }
}

fn write_constant(out: &mut Vec<u8>, constant: &Constant) {
    let mut tag = |tag: Tag| out.push(tag as u8);
    match constant {
        Constant::None => tag(Tag::None),
        Constant::True => tag(Tag::True),
        Constant::False => tag(Tag::False),
        Constant::Ellipsis => tag(Tag::Ellipsis),
        Constant::Int(value) => {
            tag(Tag::Int);
            signed(out, *value);
        }
        Constant::BigInt(value) => {
            tag(Tag::BigInt);
            number(out, (value.digits.len() as u64) << 1 | u64::from(value.negative));
            value.digits.iter().for_each(|digit| out.extend_from_slice(&digit.to_le_bytes()));
        }
        Constant::Float(value) => {
            tag(Tag::Float);
            out.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        Constant::Complex { real, imag } => {
            tag(Tag::Complex);
            out.extend_from_slice(&real.to_bits().to_le_bytes());
            out.extend_from_slice(&imag.to_bits().to_le_bytes());
        }
        Constant::Str(text) => {
            tag(Tag::Str);
            blob(out, text);
        }
        Constant::Bytes(bytes) => {
            tag(Tag::Bytes);
            blob(out, bytes);
        }
        Constant::Tuple(items) => {
            tag(Tag::Tuple);
            constants(out, items);
        }
        Constant::FrozenSet(items) => {
            tag(Tag::FrozenSet);
            constants(out, items);
        }
        Constant::Slice(parts) => {
            tag(Tag::Slice);
            parts.iter().for_each(|part| write_constant(out, part));
        }
        Constant::Code(code) => {
            tag(Tag::Code);
            write_code(out, code);
        }
    }
}

fn write_code(out: &mut Vec<u8>, code: &Code) {
    blob(out, code.name.as_bytes());
    blob(out, code.qualname.as_bytes());
    for value in [
        code.argcount,
        code.posonlyargcount,
        code.kwonlyargcount,
        code.flags,
        code.firstlineno,
        code.first_temp.into(),
        code.n_registers.into(),
        code.n_caches,
        code.n_varnames.into(),
        code.spill_register.map_or(0, |register| u32::from(register) + 1),
    ] {
        number(out, value.into());
    }
    number(out, code.words.len() as u64);
    code.words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
    constants(out, &code.constants);
    names(out, &code.names);
    names(out, &code.local_names);
    number(out, code.local_kinds.len() as u64);
    out.extend(code.local_kinds.iter().map(|kind| *kind as u8));
    names(out, &code.spilled);
    number(out, code.spilled_kinds.len() as u64);
    out.extend(code.spilled_kinds.iter().map(|kind| *kind as u8));
    names(out, &code.freevars);
    number(out, code.exceptions.len() as u64);
    for entry in &code.exceptions {
        number(out, entry.start.into());
        number(out, entry.end.into());
        number(out, entry.target.into());
        out.extend_from_slice(&[entry.exc_reg, entry.clear_from]);
    }
    blob(out, &code.positions.0);
}

struct Reader<'a> {
    rest: &'a [u8],
    filename: &'a Arc<str>,
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.rest.split_first().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed::Invalid)
    }

    fn int<T: TryFrom<u64>>(&mut self) -> Result<T, Malformed> {
        T::try_from(self.number()?).map_err(|_| Malformed::Invalid)
    }

    /// A number of items, each of which takes at least `size` bytes of what is left.
    fn count(&mut self, size: usize) -> Result<usize, Malformed> {
        let count: usize = self.int()?;
        match count.checked_mul(size) {
            Some(bytes) if bytes <= self.rest.len() => Ok(count),
            _ => Err(Malformed::Truncated),
        }
    }

    fn blob(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.count(1)?;
        self.bytes(len)
    }

    fn text(&mut self) -> Result<Box<str>, Malformed> {
        let text = std::str::from_utf8(self.blob()?).map_err(|_| Malformed::Invalid)?;
        Ok(text.into())
    }

    fn names(&mut self) -> Result<Box<[Box<str>]>, Malformed> {
        let count = self.count(1)?;
        (0..count).map(|_| self.text()).collect()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn float(&mut self) -> Result<f64, Malformed> {
        Ok(f64::from_bits(u64::from_le_bytes(self.array()?)))
    }

    fn constants(&mut self, depth: usize) -> Result<Box<[Constant]>, Malformed> {
        let count = self.count(1)?;
        (0..count).map(|_| self.constant(depth)).collect()
    }

    fn constant(&mut self, depth: usize) -> Result<Constant, Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed::Invalid);
        }
        let tag = TAGS.get(usize::from(self.byte()?)).ok_or(Malformed::Invalid)?;
        Ok(match tag {
            Tag::None => Constant::None,
            Tag::True => Constant::True,
            Tag::False => Constant::False,
            Tag::Ellipsis => Constant::Ellipsis,
            Tag::Int => {
                let value = self.number()?;
                Constant::Int((value >> 1) as i64 ^ -((value & 1) as i64))
            }
            Tag::BigInt => self.big_int()?,
            Tag::Float => Constant::Float(self.float()?),
            Tag::Complex => Constant::Complex { real: self.float()?, imag: self.float()? },
            Tag::Str => self.str_constant()?,
            Tag::Bytes => Constant::Bytes(self.blob()?.into()),
            Tag::Tuple => Constant::Tuple(self.constants(depth + 1)?),
            Tag::FrozenSet => Constant::FrozenSet(self.constants(depth + 1)?),
            Tag::Slice => {
                let mut part = || self.constant(depth + 1);
                Constant::Slice(Box::new([part()?, part()?, part()?]))
            }
            Tag::Code => Constant::Code(Arc::new(self.code(depth + 1)?)),
        })
    }

    fn big_int(&mut self) -> Result<Constant, Malformed> {
        let head = self.number()?;
        let count = usize::try_from(head >> 1).map_err(|_| Malformed::Invalid)?;
        let bytes = self.bytes(count.checked_mul(4).ok_or(Malformed::Truncated)?)?;
        let digits: Box<[u32]> =
            bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        match digits.last() {
            Some(last) if *last != 0 => Ok(Constant::BigInt(BigInt { negative: head & 1 == 1, digits })),
            _ => Err(Malformed::Invalid),
        }
    }

    fn str_constant(&mut self) -> Result<Constant, Malformed> {
        let bytes = self.blob()?;
        match orochi_text::wtf8::Wtf8::from_bytes(bytes) {
            Some(_) => Ok(Constant::Str(bytes.into())),
            None => Err(Malformed::Invalid),
        }
    }

    fn code(&mut self, depth: usize) -> Result<Code, Malformed> {
        let code = Code {
            name: self.text()?,
            qualname: self.text()?,
            filename: self.filename.clone(),
            argcount: self.int()?,
            posonlyargcount: self.int()?,
            kwonlyargcount: self.int()?,
            flags: self.int()?,
            firstlineno: self.int()?,
            first_temp: self.int()?,
            n_registers: self.int()?,
            n_caches: self.int()?,
            n_varnames: self.int()?,
            spill_register: self.int::<u8>()?.checked_sub(1),
            words: self.words()?,
            constants: self.constants(depth + 1)?,
            names: self.names()?,
            local_names: self.names()?,
            local_kinds: self.kinds()?,
            spilled: self.names()?,
            spilled_kinds: self.kinds()?,
            freevars: self.names()?,
            exceptions: self.exceptions()?,
            positions: Positions(self.blob()?.into()),
        };
        if verify(&code) { Ok(code) } else { Err(Malformed::Invalid) }
    }

    fn words(&mut self) -> Result<Box<[u32]>, Malformed> {
        let count = self.count(4)?;
        let bytes = self.bytes(count * 4)?;
        Ok(bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }

    fn kinds(&mut self) -> Result<Box<[LocalKind]>, Malformed> {
        let kind = |byte: &u8| match byte {
            0 => Ok(LocalKind::Plain),
            1 => Ok(LocalKind::Cell),
            2 => Ok(LocalKind::Hidden),
            _ => Err(Malformed::Invalid),
        };
        self.blob()?.iter().map(kind).collect()
    }

    fn exceptions(&mut self) -> Result<Box<[ExceptionEntry]>, Malformed> {
        let count = self.count(5)?;
        let entry = |_| {
            let (start, end, target) = (self.int()?, self.int()?, self.int()?);
            let [exc_reg, clear_from] = self.array()?;
            Ok(ExceptionEntry { start, end, target, exc_reg, clear_from })
        };
        (0..count).map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opcode::{Op, Word};

    fn sample() -> Code {
        let inner = Code {
            name: "f".into(),
            first_temp: 1,
            n_registers: 2,
            argcount: 1,
            n_varnames: 1,
            local_names: Box::new(["x".into()]),
            local_kinds: Box::new([LocalKind::Plain]),
            words: Box::new([Word::abc(Op::Add, 1, 0, 0).0, Word::abc(Op::Return, 1, 0, 0).0]),
            ..Code::default()
        };
        Code {
            name: "<module>".into(),
            n_registers: 1,
            words: Box::new([Word::abx(Op::LoadConst, 0, 1).0, Word::abc(Op::Return, 0, 0, 0).0]),
            constants: Box::new([
                Constant::Int(-7),
                Constant::Code(Arc::new(inner)),
                Constant::Tuple(Box::new([Constant::Float(-0.0), Constant::str("ü"), Constant::None])),
                Constant::BigInt(BigInt { negative: true, digits: Box::new([0, 1]) }),
            ]),
            ..Code::default()
        }
    }

    #[test]
    fn codes_round_trip() {
        let code = sample();
        let bytes = to_bytes(&code);
        assert_eq!(from_bytes(&bytes, &code.filename).as_ref(), Ok(&code));
    }

    #[test]
    fn garbage_is_an_error() {
        let bytes = to_bytes(&sample());
        let name: Arc<str> = "".into();
        for len in 0..bytes.len() {
            assert!(from_bytes(&bytes[..len], &name).is_err());
        }
        for at in 2..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut wrong = bytes.clone();
                wrong[at] ^= flip;
                // Anything but a panic will do: some changes give another valid code object.
                let _ = from_bytes(&wrong, &name);
            }
        }
    }
}
