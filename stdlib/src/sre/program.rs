//! From the code that `re._compiler` makes to a program that can be run without checks.
//!
//! The code comes from Python and may be anything, so it is translated once, when the pattern is made: every jump target,
//! group number and set is checked here. Loops lead backwards only through `Until`, which sees to it that they end.

use super::charset::{Case, Category, CharSet};
use memchr::memmem::Finder;
use orochi_text::wtf8::{CodePoint, Wtf8Buf};

/// A test of a single character.
#[derive(Clone, Copy, Debug)]
pub(super) enum Single {
    Never,
    /// Anything but a line break.
    Any,
    AnyAll,
    Literal(u32, Case),
    NotLiteral(u32, Case),
    /// The set with this number.
    Set(usize, Case),
    Category(Category),
}

/// A condition on a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Beginning,
    BeginningLine,
    End,
    EndLine,
    EndString,
    Boundary { unicode: bool, negated: bool },
}

/// How often something is repeated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) min: usize,
    /// `usize::MAX` for as often as possible.
    pub(super) max: usize,
}

/// How a repetition chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greed {
    Greedy,
    Lazy,
    Possessive,
}

/// An instruction. Positions in the program are indices of instructions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Success,
    /// A literal that has to be there as it is.
    Literal(u32),
    Single(Single),
    At(At),
    /// Remembers the position as the start (even) or end (odd) of a group.
    Mark(usize),
    Jump(usize),
    /// Goes on here, and at `other` if that fails. Not tried if the text doesn't go on with `literal`.
    Branch {
        other: usize,
        literal: Option<u32>,
    },
    GroupRef(usize, Case),
    /// Goes on here if the group has matched, else at `no`.
    GroupExists {
        group: usize,
        no: usize,
    },
    /// The body is behind this, up to its `Success`.
    Assert {
        negative: bool,
        back: usize,
        tail: usize,
    },
    Atomic {
        tail: usize,
    },
    RepeatOne {
        single: Single,
        times: Times,
        greed: Greed,
        /// The literal with which the rest begins.
        literal: Option<u32>,
    },
    /// Starts a loop: goes to its `Until`.
    Repeat {
        until: usize,
    },
    /// The end of a loop's body.
    Until {
        body: usize,
        times: Times,
        lazy: bool,
    },
    /// The body is behind this, up to its `Success`.
    Possessive {
        times: Times,
        tail: usize,
    },
}

/// How a search finds places where a match may start.
#[derive(Debug)]
pub(super) enum Start {
    Anywhere,
    /// Only at the beginning of the text.
    Beginning,
    /// Where these bytes are; `whole` if they are all there is to match.
    Prefix {
        finder: Box<Finder<'static>>,
        whole: bool,
    },
    Set(CharSet),
}

/// A translated pattern.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) ops: Vec<Op>,
    pub(super) sets: Vec<CharSet>,
    pub(super) start: Start,
    /// The fewest characters that a match has.
    pub(super) min_width: usize,
    pub(super) groups: usize,
}

const MAXREPEAT: u32 = u32::MAX;
const MAX_DEPTH: usize = 1000;

/// Translates. `bytes` says which strings the pattern is for, if it is known. `None` if the code is malformed.
pub(super) fn translate(code: &[u32], groups: usize, bytes: Option<bool>) -> Option<Program> {
    let mut program =
        Program { ops: Vec::new(), sets: Vec::new(), start: Start::Anywhere, min_width: 0, groups };
    let mut from = 0;
    if code.first() == Some(&14) {
        let skip = usize::try_from(*code.get(1)?).ok()?;
        let info = code.get(..1 + skip)?;
        program.min_width = usize::try_from(*info.get(3)?).ok()?;
        program.start = start_of(info, bytes)?;
        from = 1 + skip;
    }
    let mut translator =
        Translator { code, program, place: vec![usize::MAX; code.len() + 1], fixups: Vec::new() };
    let end = translator.block(from, code.len(), 0)?;
    if end != code.len() || code.last() != Some(&1) {
        return None;
    }
    translator.finish()
}

fn start_of(info: &[u32], bytes: Option<bool>) -> Option<Start> {
    let (flags, Some(bytes)) = (*info.get(2)?, bytes) else { return Some(Start::Anywhere) };
    if flags & 1 != 0 {
        let len = usize::try_from(*info.get(5)?).ok()?;
        let prefix = info.get(7..7usize.checked_add(len)?)?;
        let mut needle = Vec::new();
        if bytes {
            for &c in prefix {
                needle.push(u8::try_from(c).ok()?);
            }
        } else {
            let mut text = Wtf8Buf::default();
            for &c in prefix {
                text.push(CodePoint::from_u32(c)?);
            }
            needle = text.into_bytes();
        }
        let finder = Box::new(Finder::new(&needle).into_owned());
        return Some(Start::Prefix { finder, whole: flags & 2 != 0 });
    }
    if flags & 4 != 0 {
        return Some(Start::Set(CharSet::parse(info.get(5..)?)?.0));
    }
    Some(Start::Anywhere)
}

struct Translator<'a> {
    code: &'a [u32],
    program: Program,
    /// Which instruction a word of the code became.
    place: Vec<usize>,
    /// Instructions whose targets are still positions in the code.
    fixups: Vec<usize>,
}

fn times(min: u32, max: u32) -> Option<Times> {
    if min > max {
        return None;
    }
    let max = if max == MAXREPEAT { usize::MAX } else { max as usize };
    Some(Times { min: min as usize, max })
}

impl Translator<'_> {
    fn word(&self, at: usize) -> Option<u32> {
        self.code.get(at).copied()
    }

    /// The place that a relative distance at `at` leads to.
    fn target(&self, at: usize) -> Option<usize> {
        let distance = usize::try_from(self.word(at)?).ok()?;
        at.checked_add(distance).filter(|target| *target <= self.code.len())
    }

    fn emit(&mut self, op: Op) {
        self.program.ops.push(op);
    }

    fn emit_to_fix(&mut self, op: Op) {
        self.fixups.push(self.program.ops.len());
        self.emit(op);
    }

    /// Translates from `at` up to `end`; gives back `end`.
    fn block(&mut self, mut at: usize, end: usize, depth: usize) -> Option<usize> {
        if depth > MAX_DEPTH {
            return None;
        }
        while at < end {
            *self.place.get_mut(at)? = self.program.ops.len();
            at = self.instruction(at, end, depth)?;
        }
        (at == end).then_some(at)
    }

    fn instruction(&mut self, at: usize, end: usize, depth: usize) -> Option<usize> {
        if let Some((single, next)) = self.single(at)? {
            self.emit(match single {
                Single::Literal(c, Case::Exact) => Op::Literal(c),
                other => Op::Single(other),
            });
            return Some(next);
        }
        match self.word(at)? {
            1 => {
                self.emit(Op::Success);
                Some(at + 1)
            }
            4 | 5 => {
                let (tail, back) = (self.target(at + 1)?, self.word(at + 2)? as usize);
                self.emit_to_fix(Op::Assert { negative: self.word(at)? == 5, back, tail });
                self.body(at + 3, tail, end, depth)
            }
            6 => {
                self.emit(Op::At(at_code(self.word(at + 1)?)?));
                Some(at + 2)
            }
            7 => self.branches(at + 1, end, depth),
            11 | 30 | 34 | 38 => {
                let case = match self.word(at)? {
                    11 => Case::Exact,
                    30 => Case::Ascii,
                    34 => Case::Locale,
                    _ => Case::Unicode,
                };
                let group = self.group(at + 1)?;
                self.emit(Op::GroupRef(group, case));
                Some(at + 2)
            }
            12 => {
                let group = self.group(at + 1)?;
                // The distance counts from the group's word.
                let no = self.target(at + 2)?.checked_sub(1).filter(|no| *no > at + 2 && *no <= end)?;
                self.emit_to_fix(Op::GroupExists { group, no });
                Some(at + 3)
            }
            15 => {
                let target = self.target(at + 1).filter(|target| *target > at + 1)?;
                self.emit_to_fix(Op::Jump(target));
                Some(at + 2)
            }
            17 => {
                let mark = self.word(at + 1)? as usize;
                if mark / 2 >= self.program.groups {
                    return None;
                }
                self.emit(Op::Mark(mark));
                Some(at + 2)
            }
            23 | 24 | 26 | 28 | 29 => self.repeat(at, end, depth),
            27 => {
                let tail = self.target(at + 1)?;
                self.emit_to_fix(Op::Atomic { tail });
                self.body(at + 2, tail, end, depth)
            }
            _ => None,
        }
    }

    /// A body that ends with SUCCESS right before `tail`.
    fn body(&mut self, at: usize, tail: usize, end: usize, depth: usize) -> Option<usize> {
        if tail > end || tail <= at || self.word(tail - 1)? != 1 {
            return None;
        }
        self.block(at, tail, depth + 1)
    }

    fn group(&self, at: usize) -> Option<usize> {
        let group = self.word(at)? as usize;
        (group < self.program.groups).then_some(group)
    }

    fn branches(&mut self, mut at: usize, end: usize, depth: usize) -> Option<usize> {
        loop {
            let other = self.target(at)?;
            if other == at {
                // The 0 behind the last alternative; nothing is left to try.
                *self.place.get_mut(at)? = self.program.ops.len();
                self.emit(Op::Single(Single::Never));
                return Some(at + 1);
            }
            if other > end {
                return None;
            }
            *self.place.get_mut(at)? = self.program.ops.len();
            let literal = match self.word(at + 1)? {
                16 => Some(self.word(at + 2)?),
                _ => None,
            };
            // Nothing has to be come back for when the last alternative is tried.
            if self.word(other)? != 0 {
                self.emit_to_fix(Op::Branch { other, literal });
            }
            at = self.block(at + 1, other, depth + 1)?;
        }
    }

    fn repeat(&mut self, at: usize, end: usize, depth: usize) -> Option<usize> {
        let (tail, times) = (self.target(at + 1)?, times(self.word(at + 2)?, self.word(at + 3)?)?);
        if tail > end {
            return None;
        }
        let greed = match self.word(at)? {
            24 => Greed::Greedy,
            26 => Greed::Lazy,
            29 => Greed::Possessive,
            28 => {
                // `tail` is the SUCCESS that ends the body.
                self.emit_to_fix(Op::Possessive { times, tail: tail + 1 });
                return self.body(at + 4, tail + 1, end, depth);
            }
            _ => {
                self.emit_to_fix(Op::Repeat { until: tail });
                let body = self.program.ops.len();
                self.block(at + 4, tail, depth + 1)?;
                let lazy = match self.word(tail)? {
                    18 => false,
                    19 => true,
                    _ => return None,
                };
                *self.place.get_mut(tail)? = self.program.ops.len();
                self.emit(Op::Until { body, times, lazy });
                return Some(tail + 1);
            }
        };
        let (single, next) = self.single(at + 4)??;
        if next + 1 != tail || self.word(next)? != 1 {
            return None;
        }
        self.emit(Op::RepeatOne { single, times, greed, literal: None });
        Some(tail)
    }

    /// The test of a single character at `at` and what follows it, if it is one.
    fn single(&mut self, at: usize) -> Option<Option<(Single, usize)>> {
        let case = match self.word(at)? {
            31..=33 => Case::Ascii,
            35..=37 => Case::Locale,
            39..=41 => Case::Unicode,
            _ => Case::Exact,
        };
        let single = match self.word(at)? {
            0 => (Single::Never, at + 1),
            2 => (Single::Any, at + 1),
            3 => (Single::AnyAll, at + 1),
            8 => (Single::Category(Category::from_code(self.word(at + 1)?)?), at + 2),
            13 | 31 | 35 | 39 => {
                let next = self.target(at + 1)?;
                let (set, used) = CharSet::parse(self.code.get(at + 2..next)?)?;
                if at + 2 + used != next {
                    return None;
                }
                self.program.sets.push(set);
                (Single::Set(self.program.sets.len() - 1, case), next)
            }
            16 | 32 | 36 | 40 => (Single::Literal(self.word(at + 1)?, case), at + 2),
            20 | 33 | 37 | 41 => (Single::NotLiteral(self.word(at + 1)?, case), at + 2),
            _ => return Some(None),
        };
        Some(Some(single))
    }

    /// Turns targets into indices of instructions, and looks where literals follow.
    fn finish(mut self) -> Option<Program> {
        for &fixup in &self.fixups {
            let place = |at: usize| self.place.get(at).copied().filter(|index| *index != usize::MAX);
            match self.program.ops.get_mut(fixup)? {
                Op::Jump(target)
                | Op::Branch { other: target, .. }
                | Op::GroupExists { no: target, .. }
                | Op::Assert { tail: target, .. }
                | Op::Atomic { tail: target }
                | Op::Repeat { until: target }
                | Op::Possessive { tail: target, .. } => *target = place(*target)?,
                _ => return None,
            }
        }
        let ops = &mut self.program.ops;
        for i in 0..ops.len() {
            let follows = match ops.get(i + 1) {
                Some(Op::Literal(c)) => Some(*c),
                _ => None,
            };
            if let Some(Op::RepeatOne { literal, .. }) = ops.get_mut(i) {
                *literal = follows;
            }
        }
        if matches!(ops.first(), Some(Op::At(At::Beginning))) {
            self.program.start = Start::Beginning;
        }
        Some(self.program)
    }
}

fn at_code(code: u32) -> Option<At> {
    Some(match code {
        0 | 2 => At::Beginning,
        1 => At::BeginningLine,
        3 | 8 => At::Boundary { unicode: false, negated: false },
        4 | 9 => At::Boundary { unicode: false, negated: true },
        5 => At::End,
        6 => At::EndLine,
        7 => At::EndString,
        10 => At::Boundary { unicode: true, negated: false },
        11 => At::Boundary { unicode: true, negated: true },
        _ => return None,
    })
}
