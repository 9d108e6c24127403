//! Copies between memory of one's own and memory that others may read and write at the same time without a lock: that of foreign
//! code, and of the objects which programs describe it with.
//!
//! Two such copies are no data race, for every access is a relaxed atomic one: of a whole aligned word of 8 bytes where both the place
//! and the length allow it, else of the largest aligned part. So a number of a C type that lies where it should is never
//! torn. Of longer runs each word is of some moment. Accesses of different sizes to one place meet here as they do in C; the
//! language has no rules for that yet, the machines have.
//!
//! The atomics are the machine's own also under the model checker, which can't know of such memory.

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

const WORD: usize = size_of::<u64>();

/// The size of the access at an address with so many bytes to go, if it isn't a whole word.
#[inline(always)]
fn part_size(address: usize, left: usize) -> usize {
    // The lowest bit that is set says how the address is aligned.
    let aligned = 1 << address.trailing_zeros().min(2);
    let fits = 1 << left.ilog2().min(2);
    if aligned < fits { aligned } else { fits }
}

/// Whether a whole word lies at an address.
#[inline(always)]
fn is_word(address: usize, left: usize) -> bool {
    left >= WORD && address.is_multiple_of(WORD)
}

/// Copies `into.len()` bytes from an address.
///
/// # Safety
/// There are as many to be read. Who writes them meanwhile is foreign code or [`write`], or keeps out through a lock that is held.
pub unsafe fn read(from: *const u8, into: &mut [u8]) {
    let (mut from, mut left) = (from.cast_mut(), into);
    while !left.is_empty() {
        if is_word(from.addr(), left.len()) {
            let (words, rest) = left.as_chunks_mut::<WORD>();
            for word in words {
                // SAFETY: as the caller promises, and aligned.
                unsafe {
                    *word = AtomicU64::from_ptr(from.cast()).load(Ordering::Relaxed).to_ne_bytes();
                    from = from.add(WORD);
                }
            }
            left = rest;
            continue;
        }
        let (part, rest) = left.split_at_mut(part_size(from.addr(), left.len()));
        // SAFETY: as the caller promises; `part_size` sees to the alignment.
        unsafe {
            match part.len() {
                4 => part
                    .copy_from_slice(&AtomicU32::from_ptr(from.cast()).load(Ordering::Relaxed).to_ne_bytes()),
                2 => part
                    .copy_from_slice(&AtomicU16::from_ptr(from.cast()).load(Ordering::Relaxed).to_ne_bytes()),
                _ => part.fill(AtomicU8::from_ptr(from).load(Ordering::Relaxed)),
            }
            from = from.add(part.len());
        }
        left = rest;
    }
}

/// Copies bytes to an address.
///
/// # Safety
/// There is room for them. Who reads or writes it meanwhile is foreign code, [`read`] or this, or keeps out through a lock that is held.
pub unsafe fn write(to: *mut u8, from: &[u8]) {
    let (mut to, mut left) = (to, from);
    while !left.is_empty() {
        if is_word(to.addr(), left.len()) {
            let (words, rest) = left.as_chunks::<WORD>();
            for word in words {
                // SAFETY: as the caller promises, and aligned.
                unsafe {
                    AtomicU64::from_ptr(to.cast()).store(u64::from_ne_bytes(*word), Ordering::Relaxed);
                    to = to.add(WORD);
                }
            }
            left = rest;
            continue;
        }
        let (part, rest) = left.split_at(part_size(to.addr(), left.len()));
        // SAFETY: as the caller promises; `part_size` sees to the alignment.
        unsafe {
            match *part {
                [a, b, c, d] => {
                    AtomicU32::from_ptr(to.cast()).store(u32::from_ne_bytes([a, b, c, d]), Ordering::Relaxed);
                }
                [a, b] => AtomicU16::from_ptr(to.cast()).store(u16::from_ne_bytes([a, b]), Ordering::Relaxed),
                _ => part.iter().for_each(|byte| AtomicU8::from_ptr(to).store(*byte, Ordering::Relaxed)),
            }
            to = to.add(part.len());
        }
        left = rest;
    }
}

/// The number of bytes before the first zero.
///
/// # Safety
/// As [`read`], up to that zero.
pub unsafe fn length(from: *const u8) -> usize {
    let from = from.cast_mut();
    // SAFETY: as the caller promises.
    (0..).find(|at| unsafe { AtomicU8::from_ptr(from.add(*at)) }.load(Ordering::Relaxed) == 0).unwrap_or(0)
}

#[cfg(all(test, not(orochi_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_place_and_length() {
        let words: Vec<u64> = (0..8_u64).map(|i| i * 0x0101_0101_0101_0101 + 0x0706_0504_0302_0100).collect();
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        for start in 0..16 {
            for len in 0..40 {
                let mut copy = vec![0; len];
                // SAFETY: within the words, which nobody writes.
                unsafe { read(words.as_ptr().cast::<u8>().add(start), &mut copy) };
                assert_eq!(copy, bytes[start..start + len]);
                let mut target = [0_u64; 8];
                // SAFETY: within the array.
                unsafe { write(target.as_mut_ptr().cast::<u8>().add(start), &copy) };
                let written: Vec<u8> = target.iter().flat_map(|word| word.to_ne_bytes()).collect();
                assert_eq!(written[start..start + len], copy);
                assert!(written[..start].iter().chain(&written[start + len..]).all(|byte| *byte == 0));
            }
        }
    }

    #[test]
    fn up_to_zero() {
        // SAFETY: there is a zero.
        assert_eq!(unsafe { length(c"four".as_ptr().cast()) }, 4);
    }
}
