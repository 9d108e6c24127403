//! Numbers that belong to the tables in `data/`. Written by `generate.py`; do not edit.

pub(super) const VERSION: &str = "16.0.0";
pub(super) const SHIFT: u32 = 6;
pub(super) const OLD_SHIFT: u32 = 6;
pub(super) const PLAIN_NAMES: usize = 34137;
pub(super) const WORDS: usize = 14012;
pub(super) const ESCAPE: usize = 201;
/// Names that end with the code point's number: prefix, first code point, the one after the last.
pub(super) const NUMBERED: [(&str, u32, u32); 17] = [
    ("CJK UNIFIED IDEOGRAPH-", 0x3400, 0x4dc0),
    ("CJK UNIFIED IDEOGRAPH-", 0x4e00, 0xa000),
    ("CJK COMPATIBILITY IDEOGRAPH-", 0xf900, 0xfa6e),
    ("CJK COMPATIBILITY IDEOGRAPH-", 0xfa70, 0xfada),
    ("EGYPTIAN HIEROGLYPH-", 0x13460, 0x143fb),
    ("KHITAN SMALL SCRIPT CHARACTER-", 0x18b00, 0x18cd6),
    ("KHITAN SMALL SCRIPT CHARACTER-", 0x18cff, 0x18d00),
    ("NUSHU CHARACTER-", 0x1b170, 0x1b2fc),
    ("CJK UNIFIED IDEOGRAPH-", 0x20000, 0x2a6e0),
    ("CJK UNIFIED IDEOGRAPH-", 0x2a700, 0x2b73a),
    ("CJK UNIFIED IDEOGRAPH-", 0x2b740, 0x2b81e),
    ("CJK UNIFIED IDEOGRAPH-", 0x2b820, 0x2cea2),
    ("CJK UNIFIED IDEOGRAPH-", 0x2ceb0, 0x2ebe1),
    ("CJK UNIFIED IDEOGRAPH-", 0x2ebf0, 0x2ee5e),
    ("CJK COMPATIBILITY IDEOGRAPH-", 0x2f800, 0x2fa1e),
    ("CJK UNIFIED IDEOGRAPH-", 0x30000, 0x3134b),
    ("CJK UNIFIED IDEOGRAPH-", 0x31350, 0x323b0),
];
/// As above, for names that are found but not given.
pub(super) const FOUND_ONLY: [(&str, u32, u32); 2] =
    [("TANGUT IDEOGRAPH-", 0x17000, 0x187f8), ("TANGUT IDEOGRAPH-", 0x18d00, 0x18d09)];
/// Canonical decompositions that Unicode 3.2.0 had otherwise.
pub(super) const OLD_DECOMPOSITIONS: [(u32, u32); 5] =
    [(0x2f868, 0x2136a), (0x2f874, 0x5f33), (0x2f91f, 0x43ab), (0x2f95f, 0x7aae), (0x2f9bf, 0x4d57)];
