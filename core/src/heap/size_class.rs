//! Which block sizes exist, and which of them serves a request.
//!
//! Steps of 16 bytes up to 512, then four steps in every doubling up to 8 KiB, so that no block wastes more than a
//! fifth beyond 512 bytes. One table of 513 bytes maps a size in units of 16 bytes to its class.

/// All blocks are aligned to this many bytes and are multiples of it.
pub const GRANULE: usize = 16;

/// The largest block that shares its page with others, in bytes.
pub const MAX_SMALL: usize = 8192;

/// How many size classes small blocks have.
pub(super) const CLASSES: usize = FINE + 16;

/// The class of a block that has its pages to itself.
pub(super) const LARGE: usize = CLASSES;

const FINE: usize = 512 / GRANULE;

static SIZES: [u16; CLASSES] = sizes();
static CLASS_OF: [u8; MAX_SMALL / GRANULE + 1] = classes();

/// The class that serves `size` bytes; `size` is at most [`MAX_SMALL`].
#[inline(always)]
pub(super) fn of(size: usize) -> usize {
    usize::from(CLASS_OF[size.div_ceil(GRANULE)])
}

/// The same, `None` for sizes of more than [`MAX_SMALL`] bytes.
#[inline(always)]
pub(super) fn of_small(size: usize) -> Option<usize> {
    // All that the table holds is below `CLASSES`: the bound tells the compiler so.
    CLASS_OF.get(size.div_ceil(GRANULE)).map(|class| usize::from(*class).min(CLASSES - 1))
}

/// The bytes in a block of a class of small blocks.
pub(super) fn block_size(class: usize) -> usize {
    usize::from(SIZES[class])
}

const fn sizes() -> [u16; CLASSES] {
    let mut sizes = [0; CLASSES];
    let mut class = 0;
    while class < FINE {
        sizes[class] = ((class + 1) * GRANULE) as u16;
        class += 1;
    }
    let mut base = 512;
    while class < CLASSES {
        let mut quarter = 1;
        while quarter <= 4 {
            sizes[class] = (base + base / 4 * quarter) as u16;
            class += 1;
            quarter += 1;
        }
        base *= 2;
    }
    sizes
}

const fn classes() -> [u8; MAX_SMALL / GRANULE + 1] {
    let sizes = sizes();
    let mut table = [0; MAX_SMALL / GRANULE + 1];
    let mut units = 0;
    let mut class = 0;
    while units < table.len() {
        if units * GRANULE > sizes[class] as usize {
            class += 1;
        }
        table[units] = class as u8;
        units += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_gets_the_smallest_block_that_holds_it() {
        assert_eq!(block_size(CLASSES - 1), MAX_SMALL);
        for size in 0..=MAX_SMALL {
            let class = of(size);
            assert!(block_size(class) >= size);
            assert!(class == 0 || block_size(class - 1) < size);
        }
    }
}
