//! Python's hashes.
//!
//! Numbers: the residue modulo the Mersenne prime P = 2^61 - 1, with the number's sign, so that equal numbers hash
//! equal whatever their type (a float or fraction m·2^e is m times the e-th power of two modulo P, and since 2^61 = 1
//! modulo P, that is a rotation of 61 bits). -1 is no hash, it becomes -2. Containers: the algorithms that CPython
//! documents in its sources (xxHash's rounds for tuples, a xor of scrambled hashes for sets), with the same results.
//!
//! Texts and bytes: a keyed hash of 64 bits by folded multiplication (the idea of Wang Yi's wyhash), with the
//! process's key, so that nobody outside can make many texts collide. Unlike numbers, texts don't hash as in CPython.

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

    pub const fn new() -> Self {
        Self { accumulator: Self::PRIME_5, length: 0 }
    }

    #[inline]
    pub const fn add(&mut self, hash: i64) {
        let mixed = self.accumulator.wrapping_add((hash as u64).wrapping_mul(Self::PRIME_2));
        self.accumulator = mixed.rotate_left(31).wrapping_mul(Self::PRIME_1);
        self.length += 1;
    }

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
    const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
    const FILL: u64 = 0xBF58_476D_1CE4_E5B9;

    /// The key for a seed: the same seed gives the same hashes in every process (`PYTHONHASHSEED`).
    pub const fn from_seed(seed: u64) -> Self {
        let first = fold(seed ^ Self::MIX, Self::FILL);
        // Equal halves would make the order of two words irrelevant.
        Self::new(first, fold(first ^ Self::FILL, seed ^ Self::MIX.rotate_left(32)))
    }

    /// A key from 128 random bits.
    pub const fn new(first: u64, second: u64) -> Self {
        Self { first, second }
    }

    /// The hash of a text's or a bytes object's bytes. Empty ones hash to 0.
    #[inline]
    pub fn hash_bytes(&self, bytes: &[u8]) -> i64 {
        if bytes.is_empty() {
            return 0;
        }
        let length = bytes.len() as u64;
        let (low, high) = match bytes.len() {
            ..=16 => short_words(bytes),
            _ => self.long_words(bytes),
        };
        let mixed = fold(low ^ self.first, high ^ self.second);
        avoid_minus_one(fold(mixed ^ length, self.first ^ Self::MIX) as i64)
    }

    /// Folds all but the last 16 bytes, and mixes the outcome into these.
    fn long_words(&self, bytes: &[u8]) -> (u64, u64) {
        let mut state = self.second;
        let mut rest = bytes;
        while let Some((block, tail)) = rest.split_first_chunk::<16>()
            && !tail.is_empty()
        {
            let (low, high) = short_words(block);
            state = fold(low ^ state, high ^ self.first ^ Self::FILL);
            rest = tail;
        }
        let last = bytes.last_chunk::<16>().map_or((0, 0), |last| short_words(last));
        (last.0 ^ state, last.1)
    }
}

/// The full product of two words, its halves joined by xor.
#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

/// Up to 16 bytes as two words that overlap where there are fewer.
#[inline]
fn short_words(bytes: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into());
    }
    match bytes {
        [a] => (u64::from(*a), 0),
        [a, .., b] => (u64::from(*a) | u64::from(*b) << 8, bytes.get(1).map_or(0, |&middle| middle.into())),
        [] => (0, 0),
    }
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
        let key = HashKey::from_seed(0);
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
        assert_eq!(key.hash_bytes(b"spam"), HashKey::from_seed(0).hash_bytes(b"spam"));
        assert_ne!(key.hash_bytes(b"spam"), HashKey::from_seed(1).hash_bytes(b"spam"));
    }
}
