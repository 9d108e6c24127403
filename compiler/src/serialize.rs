//! Code objects as bytes, for the embedded library, `.pyc` files and `marshal`.
//!
//! After the version comes a table of the names that occur: their number, where each ends, and their texts; code refers to
//! them by number. Then comes the code: what [`Facts`] holds, the length of the rest, the rest.
//! A value is a tag byte and its content; numbers are LEB128 varints (signed ones zigzag), strings and tables have their
//! length before them. Reading checks everything it is told (lengths against what is left, nesting, UTF-8, the code
//! itself by `verify`), so garbage is an error and nothing else. The code of inner functions is skipped, and checked
//! when it is read ([`LazyCode`]).

use crate::code::{BigInt, Code, Constant, ExceptionEntry, LocalKind};
use crate::lazy::{Facts, LazyCode};
use crate::positions::Positions;
use crate::verify::verify;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// Changes whenever the format or the instruction set does; `.pyc` files of other versions are compiled anew.
pub const VERSION: u16 = 4;

/// How deeply constants and code may nest.
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
    let mut writer = Writer::default();
    writer.code(code);
    let mut out = VERSION.to_le_bytes().to_vec();
    let mut end = 0u32;
    out.extend_from_slice(&(writer.texts.len() as u32).to_le_bytes());
    for text in &writer.texts {
        end = end.saturating_add(text.len() as u32);
        out.extend_from_slice(&end.to_le_bytes());
    }
    writer.texts.iter().for_each(|text| out.extend_from_slice(text.as_bytes()));
    out.extend_from_slice(&writer.out);
    out
}

/// Reads a code object back; `filename` becomes the file name of it and of all code inside. Inner code is read when it is
/// looked at, from the same bytes.
///
/// # Errors
/// `Malformed` for whatever `to_bytes` didn't write.
pub fn from_bytes(bytes: Cow<'static, [u8]>, filename: &Arc<str>) -> Result<Code, Malformed> {
    let module = Arc::new(Module::new(bytes, filename)?);
    let end = module.bytes.len();
    let mut reader = Reader { module: &module, at: module.code, end };
    let (facts, packed) = reader.facts(0)?;
    if packed.end == end { read_body(&facts, &packed) } else { Err(Malformed::Invalid) }
}

/// Reads what [`Reader::facts`] has skipped.
pub(crate) fn read_body(facts: &Facts, packed: &Packed) -> Result<Code, Malformed> {
    let mut reader = Reader { module: &packed.module, at: packed.start, end: packed.end };
    let code = reader.body(facts, packed)?;
    if reader.at == reader.end && verify(&code) { Ok(code) } else { Err(Malformed::Invalid) }
}

/// The first constant of a body.
pub(crate) fn read_first_constant(packed: &Packed) -> Result<Constant, Malformed> {
    let mut reader = Reader { module: &packed.module, at: packed.start, end: packed.end };
    for _ in 0..NUMBERS {
        reader.number()?;
    }
    match reader.count(1)? {
        0 => Err(Malformed::Invalid),
        _ => reader.constant(packed.depth + 1),
    }
}

/// How many numbers a body begins with.
const NUMBERS: usize = 4;

/// The bytes of a module, which its code objects share.
#[derive(Debug)]
struct Module {
    bytes: Cow<'static, [u8]>,
    /// How many names there are; where they end follows in the bytes, then their texts, from `texts` on.
    n_texts: usize,
    texts: usize,
    code: usize,
    filename: Arc<str>,
}

/// Where the numbers of the ends of names begin.
const ENDS: usize = 6;

impl Module {
    fn new(bytes: Cow<'static, [u8]>, filename: &Arc<str>) -> Result<Module, Malformed> {
        let (version, rest) = bytes.split_first_chunk::<2>().ok_or(Malformed::Truncated)?;
        if u16::from_le_bytes(*version) != VERSION {
            return Err(Malformed::Version);
        }
        let (n_texts, _) = rest.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
        let n_texts = u32::from_le_bytes(*n_texts) as usize;
        let texts =
            n_texts.checked_mul(4).and_then(|size| size.checked_add(ENDS)).ok_or(Malformed::Truncated)?;
        let mut module = Module { bytes, n_texts, texts, code: texts, filename: filename.clone() };
        let size = match n_texts.checked_sub(1) {
            Some(last) => module.text_end(last).ok_or(Malformed::Truncated)?,
            None => 0,
        };
        module.code = texts.checked_add(size).ok_or(Malformed::Truncated)?;
        if module.code <= module.bytes.len() { Ok(module) } else { Err(Malformed::Truncated) }
    }

    fn text_end(&self, i: usize) -> Option<usize> {
        let (end, _) = self.bytes.get(ENDS + i * 4..)?.split_first_chunk::<4>()?;
        Some(u32::from_le_bytes(*end) as usize)
    }

    /// The i-th name.
    fn text(&self, i: usize) -> Option<&str> {
        if i >= self.n_texts {
            return None;
        }
        let start = if i == 0 { 0 } else { self.text_end(i - 1)? };
        let text = self.bytes.get(self.texts + start..self.texts.checked_add(self.text_end(i)?)?)?;
        std::str::from_utf8(text).ok()
    }
}

/// Where the bytes of a code object lie.
#[derive(Debug)]
pub(crate) struct Packed {
    module: Arc<Module>,
    name: u32,
    qualname: u32,
    start: usize,
    end: usize,
    depth: usize,
}

impl Packed {
    pub(crate) fn name(&self) -> &str {
        // `Reader::facts` has seen that both are there.
        self.module.text(self.name as usize).unwrap_or_default()
    }

    pub(crate) fn qualname(&self) -> &str {
        self.module.text(self.qualname as usize).unwrap_or_default()
    }

    pub(crate) fn filename(&self) -> &Arc<str> {
        &self.module.filename
    }
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

#[derive(Default)]
struct Writer<'a> {
    out: Vec<u8>,
    texts: Vec<&'a str>,
    numbers: HashMap<&'a str, u64>,
}

impl<'a> Writer<'a> {
    fn text(&mut self, text: &'a str) {
        let next = self.texts.len() as u64;
        let i = *self.numbers.entry(text).or_insert(next);
        if i == next {
            self.texts.push(text);
        }
        number(&mut self.out, i);
    }

    fn names(&mut self, names: &'a [Box<str>]) {
        number(&mut self.out, names.len() as u64);
        for name in names {
            self.text(name);
        }
    }

    fn constants(&mut self, values: &'a [Constant]) {
        number(&mut self.out, values.len() as u64);
        for value in values {
            self.constant(value);
        }
    }

    fn constant(&mut self, constant: &'a Constant) {
        let out = &mut self.out;
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
                self.constants(items);
            }
            Constant::FrozenSet(items) => {
                tag(Tag::FrozenSet);
                self.constants(items);
            }
            Constant::Slice(parts) => {
                tag(Tag::Slice);
                parts.iter().for_each(|part| self.constant(part));
            }
            Constant::Code(code) => {
                tag(Tag::Code);
                self.code(code);
            }
        }
    }

    fn code(&mut self, code: &'a Code) {
        self.text(&code.name);
        self.text(&code.qualname);
        for value in [
            code.argcount,
            code.posonlyargcount,
            code.kwonlyargcount,
            code.flags,
            code.first_temp.into(),
            code.n_registers.into(),
        ] {
            number(&mut self.out, value.into());
        }
        let outer = std::mem::take(&mut self.out);
        self.body(code);
        let body = std::mem::replace(&mut self.out, outer);
        blob(&mut self.out, &body);
    }

    fn body(&mut self, code: &'a Code) {
        for value in [
            code.firstlineno,
            code.n_caches,
            code.n_varnames.into(),
            code.spill_register.map_or(0, |register| u32::from(register) + 1),
        ] {
            number(&mut self.out, value.into());
        }
        // The first may be the docstring, which is read alone.
        self.constants(&code.constants);
        number(&mut self.out, code.words.len() as u64);
        code.words.iter().for_each(|word| self.out.extend_from_slice(&word.to_le_bytes()));
        self.names(&code.names);
        self.names(&code.local_names);
        self.kinds(&code.local_kinds);
        self.names(&code.spilled);
        self.kinds(&code.spilled_kinds);
        self.names(&code.freevars);
        let out = &mut self.out;
        number(out, code.exceptions.len() as u64);
        for entry in &code.exceptions {
            number(out, entry.start.into());
            number(out, entry.end.into());
            number(out, entry.target.into());
            out.extend_from_slice(&[entry.exc_reg, entry.clear_from]);
        }
        blob(out, &code.positions.0);
    }

    fn kinds(&mut self, kinds: &[LocalKind]) {
        number(&mut self.out, kinds.len() as u64);
        self.out.extend(kinds.iter().map(|kind| *kind as u8));
    }
}

struct Reader<'a> {
    module: &'a Arc<Module>,
    at: usize,
    /// At most as many as there are bytes.
    end: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a [u8] {
        self.module.bytes.get(self.at..self.end).unwrap_or_default()
    }

    fn bytes(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let taken = self.rest().get(..len).ok_or(Malformed::Truncated)?;
        self.at += len;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let first = *self.rest().first().ok_or(Malformed::Truncated)?;
        self.at += 1;
        Ok(first)
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
            Some(bytes) if bytes <= self.end - self.at => Ok(count),
            _ => Err(Malformed::Truncated),
        }
    }

    fn blob(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.count(1)?;
        self.bytes(len)
    }

    fn text(&mut self) -> Result<Box<str>, Malformed> {
        let i = self.int()?;
        Ok(self.module.text(i).ok_or(Malformed::Invalid)?.into())
    }

    fn names(&mut self) -> Result<Box<[Box<str>]>, Malformed> {
        let count = self.count(1)?;
        (0..count).map(|_| self.text()).collect()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, _) = self.rest().split_first_chunk::<N>().ok_or(Malformed::Truncated)?;
        self.at += N;
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
            Tag::Code => {
                let (facts, packed) = self.facts(depth + 1)?;
                Constant::Code(Arc::new(LazyCode::packed(facts, packed)))
            }
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

    /// What is known of a code object before its body is read, which is skipped.
    fn facts(&mut self, depth: usize) -> Result<(Facts, Packed), Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed::Invalid);
        }
        let (name, qualname) = (self.int()?, self.int()?);
        for text in [name, qualname] {
            self.module.text(text as usize).ok_or(Malformed::Invalid)?;
        }
        let facts = Facts {
            argcount: self.int()?,
            posonlyargcount: self.int()?,
            kwonlyargcount: self.int()?,
            flags: self.int()?,
            first_temp: self.int()?,
            n_registers: self.int()?,
        };
        let len = self.count(1)?;
        let start = self.at;
        self.at += len;
        let module = self.module.clone();
        Ok((facts, Packed { module, name, qualname, start, end: self.at, depth }))
    }

    fn body(&mut self, facts: &Facts, packed: &Packed) -> Result<Code, Malformed> {
        let (firstlineno, n_caches) = (self.int()?, self.int()?);
        let n_varnames = self.int()?;
        let spill_register = self.int::<u8>()?.checked_sub(1);
        let constants = self.constants(packed.depth + 1)?;
        Ok(Code {
            name: packed.name().into(),
            qualname: packed.qualname().into(),
            filename: packed.filename().clone(),
            argcount: facts.argcount,
            kwonlyargcount: facts.kwonlyargcount,
            flags: facts.flags,
            first_temp: facts.first_temp,
            n_registers: facts.n_registers,
            posonlyargcount: facts.posonlyargcount,
            firstlineno,
            n_caches,
            n_varnames,
            spill_register,
            constants,
            words: self.words()?,
            names: self.names()?,
            local_names: self.names()?,
            local_kinds: self.kinds()?,
            spilled: self.names()?,
            spilled_kinds: self.kinds()?,
            freevars: self.names()?,
            exceptions: self.exceptions()?,
            positions: Positions(self.blob()?.into()),
        })
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
                Constant::Code(inner.into()),
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
        assert_eq!(from_bytes(bytes.into(), &code.filename).as_ref(), Ok(&code));
    }

    #[test]
    fn inner_code_is_checked_when_it_is_read() {
        let code = sample();
        let mut bytes = to_bytes(&code);
        let add = Word::abc(Op::Add, 1, 0, 0).0.to_le_bytes();
        let at =
            bytes.windows(4).position(|word| *word == add).expect("the inner function's first instruction");
        // A register that the frame doesn't have.
        bytes[at + 1] = 200;
        let outer = from_bytes(bytes.into(), &code.filename).expect("the module itself is well");
        let Some(Constant::Code(inner)) = outer.constants.get(1) else { panic!("{outer:?}") };
        assert_eq!((inner.name(), inner.facts().argcount), ("f", 1));
        assert_eq!(inner.read(), Err(Malformed::Invalid));
        assert!(inner.words.is_empty());
    }

    #[test]
    fn garbage_is_an_error() {
        let bytes = to_bytes(&sample());
        let name: Arc<str> = "".into();
        for len in 0..bytes.len() {
            assert!(from_bytes(bytes[..len].to_vec().into(), &name).is_err());
        }
        for at in 2..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut wrong = bytes.clone();
                wrong[at] ^= flip;
                // Anything but a panic will do: some changes give another valid code object.
                if let Ok(code) = from_bytes(wrong.into(), &name) {
                    to_bytes(&code);
                }
            }
        }
    }
}
