//! Python's hashes.
//!
//! Numbers: the residue modulo the Mersenne prime P = 2^61 - 1, with the number's sign, so that equal numbers hash
//! equal whatever their type (a float or fraction m·2^e is m times the e-th power of two modulo P, and since 2^61 = 1
//! modulo P, that is a rotation of 61 bits). -1 is no hash, it becomes -2. Containers: the algorithms that CPython
//! documents in its sources (xxHash's rounds for tuples, a xor of scrambled hashes for sets), with the same results.
//!
//! Texts and bytes: SipHash-1-3 with the process's key, so that nobody outside can make many texts collide. As in CPython
//! a text is hashed in its narrowest fixed width, and a seed that is given makes the same key.

use crate::wtf8::Wtf8;
use num_bigint::{BigInt, Sign};

/// `sys.hash_info.modulus`.
pub const MODULUS: u64 = (1 << 61) - 1;
/// The hash of infinity: `sys.hash_info.inf`.
pub const INFINITY: i64 = 314_159;
/// The factor of the imaginary part: `sys.hash_info.imag`.
pub const IMAGINARY: u64 = 1_000_003;

/// -1 means "error" in CPython, so it is nobody's hash.
#[inline]
pub const fn avoid_minus_one(hash: i64) -> i64 {
    if hash == -1 { -2 } else { hash }
}

/// A residue with the number's sign.
#[inline]
const fn signed(residue: u64, negative: bool) -> i64 {
    let hash = residue as i64;
    avoid_minus_one(if negative { -hash } else { hash })
}

/// `value · 2^bits` modulo P, for `value` below P and `bits` below 61.
#[inline]
const fn rotate(value: u64, bits: u32) -> u64 {
    ((value << bits) & MODULUS) | (value >> (61 - bits))
}

/// The residue of any 64 bits.
#[inline]
const fn reduce(value: u64) -> u64 {
    let folded = (value & MODULUS) + (value >> 61);
    if folded >= MODULUS { folded - MODULUS } else { folded }
}

/// `hash(n)`.
#[inline]
pub const fn hash_int(value: i64) -> i64 {
    signed(reduce(value.unsigned_abs()), value < 0)
}

/// `hash(n)` of a big number.
pub fn hash_big_int(value: &BigInt) -> i64 {
    let mut residue = 0;
    for digit in value.magnitude().iter_u64_digits().rev() {
        // 2^64 is 2^3 modulo P.
        residue = reduce(rotate(residue, 3) + reduce(digit));
    }
    signed(residue, value.sign() == Sign::Minus)
}

/// `hash(x)`, or `None` for a NaN, which hashes by its identity ([`hash_pointer`]).
pub fn hash_float(x: f64) -> Option<i64> {
    if x.is_nan() {
        return None;
    }
    if x.is_infinite() {
        return Some(if x > 0.0 { INFINITY } else { -INFINITY });
    }
    let bits = x.to_bits();
    let biased = (bits >> 52 & 0x7FF) as i64;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) =
        if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
    let residue = rotate(mantissa, exponent.rem_euclid(61) as u32);
    Some(signed(if residue == MODULUS { 0 } else { residue }, x < 0.0))
}

/// `hash(z)` from the hashes of the parts (for a NaN, that of the object).
pub const fn hash_complex(real: i64, imaginary: i64) -> i64 {
    avoid_minus_one((real as u64).wrapping_add(IMAGINARY.wrapping_mul(imaginary as u64)) as i64)
}

/// The hash of an object by its address.
pub const fn hash_pointer(address: usize) -> i64 {
    // Addresses are multiples of 16, so the low bits say nothing.
    avoid_minus_one((address as u64).rotate_right(4) as i64)
}

/// Gathers the hash of a tuple from its items' hashes, in order.
#[derive(Clone, Copy, Debug)]
pub struct TupleHasher {
    accumulator: u64,
    length: u64,
}

impl TupleHasher {
    const PRIME_1: u64 = 11_400_714_785_074_694_791;
    const PRIME_2: u64 = 14_029_467_366_897_019_727;
    const PRIME_5: u64 = 2_870_177_450_012_600_261;

    #[inline]
    pub const fn new() -> Self {
        Self { accumulator: Self::PRIME_5, length: 0 }
    }

    #[inline]
    pub const fn add(&mut self, hash: i64) {
        let mixed = self.accumulator.wrapping_add((hash as u64).wrapping_mul(Self::PRIME_2));
        self.accumulator = mixed.rotate_left(31).wrapping_mul(Self::PRIME_1);
        self.length += 1;
    }

    #[inline]
    pub const fn finish(self) -> i64 {
        match self.accumulator.wrapping_add(self.length ^ (Self::PRIME_5 ^ 3_527_539)) as i64 {
            -1 => 1_546_275_796,
            hash => hash,
        }
    }
}

impl Default for TupleHasher {
    fn default() -> Self {
        Self::new()
    }
}

/// Gathers the hash of a frozenset from its items' hashes, in any order.
#[derive(Clone, Copy, Debug, Default)]
pub struct SetHasher {
    accumulator: u64,
    length: u64,
}

impl SetHasher {
    pub const fn new() -> Self {
        Self { accumulator: 0, length: 0 }
    }

    #[inline]
    pub const fn add(&mut self, hash: i64) {
        let hash = hash as u64;
        self.accumulator ^= ((hash ^ 89_869_747) ^ (hash << 16)).wrapping_mul(3_644_798_167);
        self.length += 1;
    }

    pub const fn finish(self) -> i64 {
        let mut hash = self.accumulator ^ (self.length + 1).wrapping_mul(1_927_868_237);
        hash ^= (hash >> 11) ^ (hash >> 25);
        match hash.wrapping_mul(69_069).wrapping_add(907_133_923) as i64 {
            -1 => 590_923_713,
            hash => hash,
        }
    }
}

/// The secret of a process, by which texts and bytes are hashed.
#[derive(Clone, Copy, Debug)]
pub struct HashKey {
    first: u64,
    second: u64,
}

impl HashKey {
    /// The key for a seed: the same seed gives the same hashes in every process (`PYTHONHASHSEED`), those of CPython. It
    /// fills the secret by a linear congruential generator; 0 means no secret at all.
    pub const fn from_seed(seed: u32) -> Self {
        let mut bytes = [0; 16];
        let (mut state, mut i) = (seed, 0);
        while seed != 0 && i < bytes.len() {
            state = state.wrapping_mul(214_013).wrapping_add(2_531_011);
            bytes[i] = (state >> 16) as u8;
            i += 1;
        }
        let both = u128::from_le_bytes(bytes);
        Self::new(both as u64, (both >> 64) as u64)
    }

    /// A key from 128 random bits.
    pub const fn new(first: u64, second: u64) -> Self {
        Self { first, second }
    }

    /// The hash of a bytes object's bytes, and of ASCII text. Empty ones hash to 0.
    #[inline]
    pub fn hash_bytes(&self, bytes: &[u8]) -> i64 {
        if bytes.is_empty() {
            return 0;
        }
        let mut state = SipHasher::new(self);
        let mut rest = bytes;
        while let Some((word, tail)) = rest.split_first_chunk() {
            state.word(u64::from_le_bytes(*word));
            rest = tail;
        }
        state.finish(last_word(rest), bytes.len())
    }

    /// The hash of a text: of its code points, each in 1, 2 or 4 bytes, as few as the largest of them needs.
    pub fn hash_text(&self, text: &Wtf8) -> i64 {
        // In WTF-8 what is above U+FF begins with 0xC4 or above, what is above U+FFFF with 0xF0 or above.
        let width = match text.as_bytes().iter().max() {
            Some(..0x80) | None => return self.hash_bytes(text.as_bytes()),
            Some(..0xC4) => 1,
            Some(..0xF0) => 2,
            Some(0xF0..) => 4,
        };
        let mut state = SipHasher::new(self);
        let (mut word, mut filled, mut length) = (0, 0, 0_usize);
        for c in text.code_points() {
            word |= u64::from(c.to_u32()) << filled;
            filled += 8 * width;
            length += width;
            if filled == 64 {
                state.word(word);
                (word, filled) = (0, 0);
            }
        }
        state.finish(word, length)
    }
}

/// SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012).
struct SipHasher {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl SipHasher {
    #[inline]
    const fn new(key: &HashKey) -> Self {
        Self {
            v0: key.first ^ 0x736f_6d65_7073_6575,
            v1: key.second ^ 0x646f_7261_6e64_6f6d,
            v2: key.first ^ 0x6c79_6765_6e65_7261,
            v3: key.second ^ 0x7465_6462_7974_6573,
        }
    }

    #[inline]
    const fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.rotate_left(32).wrapping_add(self.v3);
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.rotate_left(32);
    }

    /// Eight bytes more.
    #[inline]
    const fn word(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.v0 ^= word;
    }

    /// The hash, after the last, incomplete word; `length` is that of everything, in bytes.
    #[inline]
    const fn finish(mut self, last: u64, length: usize) -> i64 {
        self.word((length as u64) << 56 | last);
        self.v2 ^= 0xff;
        self.round();
        self.round();
        self.round();
        avoid_minus_one((self.v0 ^ self.v1 ^ self.v2 ^ self.v3) as i64)
    }
}

/// Fewer than eight bytes as the low ones of a word.
#[inline]
fn last_word(bytes: &[u8]) -> u64 {
    // Two loads that overlap; the bytes that both have come out the same.
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(first) | u64::from(last) << (8 * (bytes.len() - 4));
    }
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{Check, Random};
    use std::collections::HashSet;

    #[test]
    fn hash_numbers() {
        let mut check = Check::new("hash_numbers");
        let mut random = Random(7);
        for _ in 0..5000 {
            let (n, x) = (random.next() as i64 >> random.below(64), random.float());
            let big = (BigInt::from(n) << (random.below(300) as usize)) + BigInt::from(random.next());
            let mut tuple = TupleHasher::new();
            let mut set = SetHasher::new();
            let parts = [hash_int(n), hash_big_int(&big), hash_float(x).unwrap_or(0)];
            parts.iter().for_each(|&hash| tuple.add(hash));
            [hash_int(n), hash_int(n ^ 1)].iter().for_each(|&hash| set.add(hash));
            let complex = hash_complex(parts[2], hash_float(x / 2.0).unwrap_or(0));
            check.line(format_args!("{parts:?} {} {} {complex}", tuple.finish(), set.finish()));
        }
        for n in [0, 1, -1, -2, (1 << 61) - 1, 1 - (1 << 61), 1 << 61, i64::MAX, i64::MIN] {
            assert_eq!(hash_big_int(&BigInt::from(n)), hash_int(n));
            check.line(hash_int(n));
        }
        check.line(TupleHasher::new().finish());
        check.line(SetHasher::new().finish());
        check.finish();
    }

    #[test]
    fn texts_hash_apart() {
        let key = HashKey::from_seed(42);
        let mut seen = HashSet::new();
        for length in 0..200 {
            for byte in [0, 1, b'a'] {
                let mut bytes = vec![byte; length];
                assert!(seen.insert(key.hash_bytes(&bytes)) || length == 0);
                for at in 0..if length > 1 { length } else { 0 } {
                    bytes[at] = 77;
                    assert!(seen.insert(key.hash_bytes(&bytes)), "{length} {at}");
                    bytes[at] = byte;
                }
            }
        }
        assert_eq!(key.hash_bytes(b"spam"), HashKey::from_seed(42).hash_bytes(b"spam"));
        assert_ne!(key.hash_bytes(b"spam"), HashKey::from_seed(1).hash_bytes(b"spam"));
    }

    /// What CPython 3.14 prints under PYTHONHASHSEED=0 and 42.
    #[test]
    fn texts_hash_as_in_cpython() {
        let (plain, seeded) = (HashKey::from_seed(0), HashKey::from_seed(42));
        let both = |text: &str| (plain.hash_text(text.as_ref()), seeded.hash_text(text.as_ref()));
        assert_eq!(both("spam"), (-7_643_603_308_804_133_256, 2_077_617_499_127_640_566));
        assert_eq!(both("a"), (4_644_417_185_603_328_019, -123_207_753_977_932_514));
        assert_eq!(both("abcdefgh"), (4_574_395_652_268_504_554, -5_457_871_895_989_710_762));
        assert_eq!(both("abcdefghi"), (-532_774_252_720_507_163, -5_970_266_004_662_334_337));
        assert_eq!(both("twelve bytes"), (-5_645_546_290_371_890_710, 4_556_696_432_445_717_046));
        assert_eq!(both("na\u{ef}ve"), (7_682_306_841_811_832_039, -8_095_583_506_289_061_895));
        assert_eq!(
            both("\u{ff}\u{e9}\u{e8}\u{f6}\u{fc}\u{df}\u{e4}\u{c4}\u{d6}"),
            (-5_786_940_607_245_701_458, 3_291_566_080_393_437_266)
        );
        assert_eq!(both("\u{20ac}uro sign"), (-8_776_218_950_367_324_126, 5_828_712_004_708_473_148));
        assert_eq!(both("\u{1f40d} snake"), (107_743_113_452_915_973, -8_066_682_571_755_242_872));
        assert_eq!(both(""), (0, 0));
        assert_eq!(plain.hash_text("spam".as_ref()), plain.hash_bytes(b"spam"));
    }
}
