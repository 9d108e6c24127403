//! Tables of positions in the form of CPython's `co_linetable`.
//!
//! The format is that of CPython's `InternalDocs/code_objects.md` ("Location table"): entries of a byte
//! `0x80 | kind << 3 | units - 1` and what the kind needs. An instruction word is [`UNITS`] of its units. What
//! [`encode`] wrote, [`decode`] and `encode` give again.

use crate::code::WORD_BYTES;
use crate::positions::{Position, Positions, Run};

/// Units of two bytes in an instruction word.
const UNITS: u32 = WORD_BYTES / 2;
/// The most units of one entry.
const MOST_UNITS: u32 = 8;
/// Kinds of entries, of which those below `ONE_LINE` hold a part of the column.
const ONE_LINE: u8 = 10;
const NO_COLUMNS: u8 = 13;
const LONG: u8 = 14;
const NO_LOCATION: u8 = 15;

/// The table of a code object that begins at this line.
pub fn encode(positions: &Positions, first_line: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut line = first_line;
    for run in positions.runs() {
        let mut units = run.end.saturating_sub(run.start).saturating_mul(UNITS);
        while units > 0 {
            let now = units.min(MOST_UNITS);
            entry(&mut out, &run, now as u8, &mut line);
            units -= now;
        }
    }
    out
}

fn entry(out: &mut Vec<u8>, run: &Run, units: u8, line: &mut u32) {
    let head = |kind: u8| 0x80 | kind << 3 | (units - 1);
    let Some(p) = run.position else {
        out.push(head(NO_LOCATION));
        return;
    };
    let delta = i64::from(p.line) - i64::from(*line);
    *line = p.line;
    let (column, end_column) = (u8::try_from(p.column).ok(), u8::try_from(p.end_column).ok());
    match (column, end_column) {
        _ if p.end_line != p.line => long(out, head(LONG), delta, &p),
        (None, None) if p.column < 0 && p.end_column < 0 => {
            out.push(head(NO_COLUMNS));
            signed(out, delta);
        }
        (Some(column), Some(end)) if delta == 0 && column < 80 && (column..column + 16).contains(&end) => {
            out.extend([head(column >> 3), (column & 7) << 4 | (end - column)]);
        }
        (Some(column @ ..128), Some(end @ ..128)) if (0..3).contains(&delta) => {
            out.extend([head(ONE_LINE + delta as u8), column, end]);
        }
        _ => long(out, head(LONG), delta, &p),
    }
}

fn long(out: &mut Vec<u8>, head: u8, delta: i64, p: &Position) {
    out.push(head);
    signed(out, delta);
    varint(out, u64::from(p.end_line.saturating_sub(p.line)));
    varint(out, i64::from(p.column).saturating_add(1).max(0) as u64);
    varint(out, i64::from(p.end_column).saturating_add(1).max(0) as u64);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 64 {
        out.push(value as u8 & 63 | 64);
        value >>= 6;
    }
    out.push(value as u8);
}

fn signed(out: &mut Vec<u8>, value: i64) {
    varint(out, value.unsigned_abs() << 1 | u64::from(value < 0));
}

/// The positions that a table tells for code that begins at this line. What isn't a table ends it.
pub fn decode(table: &[u8], first_line: u32) -> Positions {
    let mut reader = Reader { rest: table.iter(), line: i64::from(first_line) };
    let mut units = Vec::new();
    while let Some((count, position)) = reader.entry() {
        units.extend(std::iter::repeat_n(position, count));
    }
    Positions::encode(&units.into_iter().step_by(UNITS as usize).collect::<Vec<_>>())
}

struct Reader<'a> {
    rest: std::slice::Iter<'a, u8>,
    line: i64,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        self.rest.next().copied()
    }

    fn varint(&mut self) -> Option<i64> {
        let mut value = 0;
        for shift in (0..36).step_by(6) {
            let byte = self.byte()?;
            value |= i64::from(byte & 63) << shift;
            if byte & 64 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some(if value & 1 == 0 { value >> 1 } else { -(value >> 1) })
    }

    /// How many units the next entry is for, and their position.
    fn entry(&mut self) -> Option<(usize, Option<Position>)> {
        let head = self.byte()?;
        let units = usize::from(head & 7) + 1;
        let kind = head >> 3 & 15;
        let (mut lines, mut column, mut end_column) = (0, -1, -1);
        match kind {
            NO_LOCATION => return Some((units, None)),
            LONG => {
                self.line = self.line.saturating_add(self.signed()?);
                lines = self.varint()?;
                column = self.varint()? - 1;
                end_column = self.varint()? - 1;
            }
            NO_COLUMNS => self.line = self.line.saturating_add(self.signed()?),
            ONE_LINE..NO_COLUMNS => {
                self.line = self.line.saturating_add(i64::from(kind - ONE_LINE));
                column = i64::from(self.byte()?);
                end_column = i64::from(self.byte()?);
            }
            _ => {
                let low = self.byte()?;
                column = i64::from(kind << 3 | low >> 4);
                end_column = column + i64::from(low & 15);
            }
        }
        let position = (u32::try_from(self.line).ok()).zip(u32::try_from(self.line + lines).ok()).map(
            |(line, end_line)| Position {
                line,
                end_line,
                column: i32::try_from(column).unwrap_or(-1),
                end_column: i32::try_from(end_column).unwrap_or(-1),
            },
        );
        Some((units, position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_round_trip() {
        let p = |line, end_line, column, end_column| Some(Position { line, end_line, column, end_column });
        let words = [
            p(5, 5, 4, 9),
            p(5, 5, 4, 9),
            None,
            p(6, 6, 100, 120),
            p(3, 3, -1, -1),
            p(3, 9, 0, 700),
            p(900, 900, 79, 94),
            p(900, 900, 9, 2),
        ];
        let positions = Positions::encode(&words);
        let table = encode(&positions, 4);
        assert_eq!(decode(&table, 4), positions);
        assert_eq!(encode(&decode(&table, 4), 4), table);
        assert_eq!(decode(&[0xff, 0x42], 1).at(0), None);
    }
}
