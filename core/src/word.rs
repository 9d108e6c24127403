//! The 64-bit word that a register holds: its bit layout and nothing else.
//!
//! | low bits | meaning |
//! |---|---|
//! | `..1` | small int, 63 bits |
//! | `.10` | float stored in the word (Ruby's "flonum" rotation) |
//! | `000` | pointer to a heap object, counted (or a constant below the first page) |
//! | `100` | pointer to a heap object, borrowed: only in registers |
//!
//! Constants are multiples of eight below [`FIRST_POINTER`]; zero is "unbound" (an empty register or field).

use crate::header::Header;
use std::ptr::NonNull;

/// A raw register word.
pub type Word = u64;

/// An empty register or field.
pub const UNBOUND: Word = 0;
/// `None`.
pub const NONE: Word = 8;
/// `False`.
pub const FALSE: Word = 16;
/// `True`.
pub const TRUE: Word = 24;
/// `Ellipsis`.
pub const ELLIPSIS: Word = 32;
/// `NotImplemented`.
pub const NOT_IMPLEMENTED: Word = 40;
/// Marks a place in a hash table whose key was taken out; only ever in fields of tables.
pub const DELETED: Word = 48;
/// Words from here on with clear low bits are pointers.
pub const FIRST_POINTER: Word = 4096;
/// Set in a register's pointer when the register owns no reference.
pub const BORROWED: Word = 4;

/// The least and greatest int that fits in a word.
pub const SMALL_INT_MIN: i64 = i64::MIN >> 1;
/// See [`SMALL_INT_MIN`].
pub const SMALL_INT_MAX: i64 = i64::MAX >> 1;

const ZERO_FLONUM: Word = 0x8000_0000_0000_0002;

/// The three tag bits, moved up by one, above a bit that is set for constants: no address has its top bit set, and
/// constants have it after the subtraction. So each of the questions below is one test.
#[inline(always)]
const fn tags_below_pointers(word: Word) -> Word {
    word.wrapping_sub(FIRST_POINTER).rotate_left(1)
}

/// Whether the word is a pointer to a heap object, counted or borrowed.
#[inline(always)]
pub const fn is_pointer(word: Word) -> bool {
    tags_below_pointers(word) & 7 == 0
}

/// Whether the word is a pointer that owns a reference.
#[inline(always)]
pub const fn is_counted(word: Word) -> bool {
    tags_below_pointers(word) & 15 == 0
}

/// Whether the word has the mark of borrowed pointers.
#[inline(always)]
pub const fn is_borrowed(word: Word) -> bool {
    word & 7 == BORROWED
}

/// The word without its borrowed bit.
#[inline(always)]
pub const fn canonical(word: Word) -> Word {
    if is_borrowed(word) { word & !BORROWED } else { word }
}

/// The object a pointer word points to; the caller has checked [`is_pointer`].
#[inline(always)]
pub(crate) const fn header_of(word: Word) -> NonNull<Header> {
    debug_assert!(is_pointer(word));
    let address = word & !7;
    // SAFETY: a pointer word is at least FIRST_POINTER, so not null. (Said twice, so that an `Option` of the pointer is not
    // tested again.)
    unsafe {
        std::hint::assert_unchecked(address != 0);
        NonNull::new_unchecked(address as *mut Header)
    }
}

/// Whether the word is a small int.
#[inline(always)]
pub const fn is_int(word: Word) -> bool {
    word & 1 == 1
}

/// The int of a small-int word.
#[inline(always)]
pub const fn int_of(word: Word) -> i64 {
    (word as i64) >> 1
}

/// The word of an int, if it fits 63 bits.
#[inline(always)]
pub const fn from_int(value: i64) -> Option<Word> {
    let shifted = value << 1;
    if shifted >> 1 == value { Some(shifted as Word | 1) } else { None }
}

/// Whether the word is a float stored in place.
#[inline(always)]
pub const fn is_flonum(word: Word) -> bool {
    word & 3 == 2
}

/// The float of a flonum word.
#[inline(always)]
pub const fn flonum_of(word: Word) -> f64 {
    if word == ZERO_FLONUM {
        return 0.0;
    }
    // The low bits, `10`, become `01` if the top bit is set.
    f64::from_bits(word.wrapping_sub(word >> 63).rotate_right(3))
}

/// The word of a float, if its exponent is in the range that fits (about 1e-77 to 1e77, and positive zero).
#[inline(always)]
pub const fn from_float(value: f64) -> Option<Word> {
    let bits = value.to_bits();
    // Of the exponent's top three bits 011 and 100 are wanted; the third is the top bit now, the others the low ones. Both become `10`.
    let turned = bits.rotate_left(3);
    let word = turned.wrapping_add(turned >> 63);
    if is_flonum(word) && word != ZERO_FLONUM {
        Some(word)
    } else if bits == 0 {
        Some(ZERO_FLONUM)
    } else {
        None
    }
}

/// The word of a bool.
#[inline(always)]
pub const fn from_bool(value: bool) -> Word {
    if value { TRUE } else { FALSE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_round_trip() {
        for f in [0.0, 1.0, -1.0, 0.5, 1e-70, -1e70, std::f64::consts::PI, 123456.789] {
            let word = from_float(f).unwrap();
            assert!(is_flonum(word) && !is_int(word) && !is_pointer(word));
            assert_eq!(flonum_of(word).to_bits(), f64::to_bits(f));
        }
        for f in [-0.0, 1e300, f64::INFINITY, f64::NAN, 5e-324] {
            assert!(from_float(f).is_none());
        }
    }

    #[test]
    fn ints_and_tags() {
        for i in [0, 1, -1, SMALL_INT_MAX, SMALL_INT_MIN] {
            assert_eq!(int_of(from_int(i).unwrap()), i);
        }
        assert!(from_int(SMALL_INT_MAX + 1).is_none() && from_int(SMALL_INT_MIN - 1).is_none());
        assert!(
            is_counted(4096) && !is_counted(4100) && !is_counted(8) && !is_counted(0) && !is_counted(4097)
        );
        assert!(is_pointer(4100) && !is_pointer(24));
    }
}
