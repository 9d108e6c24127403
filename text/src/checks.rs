//! Comparison with CPython without files of answers: both sides walk through the same inputs, most of them
//! pseudo-random, write a line for each, and compare the CRC-32 of all lines.
//!
//! `checks/generate.py` holds CPython's side and writes `checks/sums.rs`. To see where the two differ, run it with the
//! name of a check, which prints its lines, and run the test with `OROCHI_TEXT_LINES` set to a
//! file that takes the lines of this side.

mod sums;

/// Gathers the lines of one check.
pub(crate) struct Check {
    name: &'static str,
    lines: String,
}

impl Check {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, lines: String::new() }
    }

    pub(crate) fn line(&mut self, line: impl std::fmt::Display) {
        self.lines.push_str(&line.to_string());
        self.lines.push('\n');
    }

    /// Compares with CPython's sum.
    pub(crate) fn finish(self) {
        let expected = sums::SUMS.iter().find(|(name, _)| *name == self.name).map(|&(_, sum)| sum);
        let found = crc32(&crc_table(), 0, &self.lines);
        if Some(found) != expected
            && let Ok(path) = std::env::var("OROCHI_TEXT_LINES")
        {
            std::fs::write(path, &self.lines).unwrap();
        }
        assert_eq!(Some(found), expected, "{} is not as in CPython", self.name);
    }
}

pub(crate) fn crc32(table: &[u32; 256], sum: u32, text: &str) -> u32 {
    !text.bytes().fold(!sum, |sum, b| table[((sum ^ u32::from(b)) & 255) as usize] ^ (sum >> 8))
}

pub(crate) fn crc_table() -> [u32; 256] {
    std::array::from_fn(|n| {
        (0..8).fold(n as u32, |c, _| if c & 1 == 1 { 0xEDB8_8320 ^ (c >> 1) } else { c >> 1 })
    })
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers as in `generate.py`.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }

    /// A double: any bits, a short decimal, a half, or a small whole number.
    pub(crate) fn float(&mut self) -> f64 {
        match self.below(4) {
            0 => f64::from_bits(self.next()),
            1 => {
                let digits = self.below(10_000_000);
                let exponent = self.below(40) as i64 - 20;
                format!("{digits}e{exponent}").parse().unwrap()
            }
            2 => self.below(20_000) as f64 / 8.0 - 1000.0,
            _ => {
                let digits = self.next();
                let exponent = self.below(600) as i64 - 320;
                format!("-{digits}e{exponent}").parse().unwrap()
            }
        }
    }
}
