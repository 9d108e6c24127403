//! Source positions of instructions, compactly.
//!
//! A table is a sequence of runs. A run covers one or more instruction words and is encoded as varints:
//! `words << 1 | has_position`, and if it has one: `zigzag(line - previous line)`, `end_line - line`, `column`,
//! `end_column`, where a column is 0 for "not known" and otherwise one more than the column in UTF-8 bytes. Decoding
//! walks the table from its start; it is needed only for tracebacks and tracing. Garbage decodes to "not known".

/// Where in the source an instruction comes from. Lines count from 1; columns are UTF-8 bytes from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Position {
    pub line: u32,
    pub end_line: u32,
    /// -1 if it is not known.
    pub column: i32,
    /// -1 if it is not known.
    pub end_column: i32,
}

/// The table of positions of a code object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions(pub Box<[u8]>);

/// A run of words with one position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub start: u32,
    pub end: u32,
    /// None for instructions that belong to no line.
    pub position: Option<Position>,
}

fn push_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

fn unzigzag(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

impl Positions {
    /// The table for one position per word.
    pub fn encode(words: &[Option<Position>]) -> Positions {
        let mut out = Vec::with_capacity(words.len());
        let mut line = 0u32;
        let mut i = 0;
        while i < words.len() {
            let position = words[i];
            let run = words[i..].iter().take_while(|other| **other == position).count();
            push_varint(&mut out, (run as u32) << 1 | u32::from(position.is_some()));
            if let Some(p) = position {
                push_varint(&mut out, zigzag(p.line.wrapping_sub(line) as i32));
                push_varint(&mut out, p.end_line.saturating_sub(p.line));
                push_varint(&mut out, p.column.wrapping_add(1) as u32);
                push_varint(&mut out, p.end_column.wrapping_add(1) as u32);
                line = p.line;
            }
            i += run;
        }
        Positions(out.into())
    }

    /// The same lines without columns and ends.
    pub fn lines_only(&self) -> Positions {
        let mut words = Vec::new();
        for run in self.runs() {
            let line = |p: Position| Position { line: p.line, end_line: p.line, column: -1, end_column: -1 };
            words.extend((run.start..run.end).map(|_| run.position.map(line)));
        }
        Positions::encode(&words)
    }

    /// The runs in order of their words.
    pub fn runs(&self) -> Runs<'_> {
        Runs { bytes: &self.0, at: 0, line: 0, word: 0 }
    }

    /// The position of the word at this index, if it has one.
    pub fn at(&self, word: u32) -> Option<Position> {
        self.runs().find(|run| word < run.end)?.position
    }
}

/// Iterator over the runs of a table.
#[derive(Clone, Debug)]
pub struct Runs<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u32,
    word: u32,
}

impl Runs<'_> {
    fn varint(&mut self) -> Option<u32> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            value |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

impl Iterator for Runs<'_> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        let head = self.varint()?;
        let start = self.word;
        let end = start.saturating_add(head >> 1);
        self.word = end;
        if head & 1 == 0 {
            return Some(Run { start, end, position: None });
        }
        let line = self.line.wrapping_add_signed(unzigzag(self.varint()?));
        let end_line = line.saturating_add(self.varint()?);
        let column = self.varint()? as i32 - 1;
        let end_column = self.varint()? as i32 - 1;
        self.line = line;
        Some(Run { start, end, position: Some(Position { line, end_line, column, end_column }) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_round_trip() {
        let p = |line, column| Some(Position { line, end_line: line + 1, column, end_column: 300 });
        let words = [p(1, 0), p(1, 0), None, p(7, -1), p(3, 12)];
        let table = Positions::encode(&words);
        for (i, word) in words.iter().enumerate() {
            assert_eq!(table.at(i as u32), *word);
        }
        assert_eq!(table.at(5), None);
        assert_eq!(Positions(Box::new([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])).at(0), None);
    }
}
