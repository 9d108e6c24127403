//! An index into one text: which byte offset the i-th code point has, and the other way round.
//!
//! The code points are in blocks of 64. A block knows where it begins, and how many bytes later every fourth code point does:
//! 63 code points take at most 252 bytes, so that fits into a byte. That is 20 bytes for each block (24 beyond 4 GiB), a
//! sixth to a tenth of the text, and leaves at most three code points to walk.

use super::{Wtf8, count_code_points, width};

/// The byte offsets of the code points of one text, so that indexing it is O(1).
///
/// Only meaningful together with the text it was built from; with another one it yields wrong offsets or `None`.
#[derive(Clone, Debug)]
pub struct Breadcrumbs {
    blocks: Blocks,
    code_points: usize,
}

#[derive(Clone, Debug)]
enum Blocks {
    /// Texts below 4 GiB.
    Narrow(Box<[Block<u32>]>),
    Wide(Box<[Block<u64>]>),
}

#[derive(Clone, Copy, Debug)]
struct Block<Offset> {
    /// Where the first code point begins.
    start: Offset,
    /// Where the 0th, 4th, 8th, … begin, from `start` on.
    fine: [u8; FINE],
}

/// Code points between two bytes of `fine`.
const STRIDE: usize = 4;
/// How many bytes `fine` has.
const FINE: usize = Breadcrumbs::STEP / STRIDE;

/// Walks a text once.
fn blocks<Offset>(bytes: &[u8], offset: impl Fn(usize) -> Offset) -> (Box<[Block<Offset>]>, usize) {
    let (mut at, mut code_points) = (0, 0);
    let mut blocks = Vec::with_capacity(bytes.len() / Breadcrumbs::STEP / 2 + 1);
    while at < bytes.len() {
        let start = at;
        let mut fine = [0; FINE];
        for crumb in &mut fine {
            *crumb = (at - start) as u8;
            for _ in 0..STRIDE {
                let Some(&lead) = bytes.get(at) else { break };
                at += width(lead);
                code_points += 1;
            }
        }
        blocks.push(Block { start: offset(start), fine });
    }
    (blocks.into_boxed_slice(), code_points)
}

impl Breadcrumbs {
    /// How many code points a block has.
    pub const STEP: usize = 64;

    /// Walks the text once.
    pub fn new(text: &Wtf8) -> Self {
        if u32::try_from(text.len()).is_ok() {
            let (blocks, code_points) = blocks(&text.bytes, |offset| offset as u32);
            return Self { blocks: Blocks::Narrow(blocks), code_points };
        }
        let (blocks, code_points) = blocks(&text.bytes, |offset| offset as u64);
        Self { blocks: Blocks::Wide(blocks), code_points }
    }

    /// How many code points the text has.
    #[inline]
    pub fn code_points(&self) -> usize {
        self.code_points
    }

    /// The byte offset of the code point with this index; the text's length for the index one past the end.
    #[inline]
    pub fn offset_of_index(&self, text: &Wtf8, index: usize) -> Option<usize> {
        if index >= self.code_points {
            return (index == self.code_points).then_some(text.len());
        }
        let (start, fine) = match &self.blocks {
            Blocks::Narrow(blocks) => {
                let block = blocks.get(index / Self::STEP)?;
                (block.start as usize, &block.fine)
            }
            Blocks::Wide(blocks) => {
                let block = blocks.get(index / Self::STEP)?;
                (block.start as usize, &block.fine)
            }
        };
        let mut at = start + usize::from(*fine.get(index % Self::STEP / STRIDE)?);
        for _ in 0..index % STRIDE {
            at += width(*text.bytes.get(at)?);
        }
        Some(at)
    }

    /// The index of the code point that begins at this byte offset: the inverse of [`Breadcrumbs::offset_of_index`].
    pub fn index_of_offset(&self, text: &Wtf8, offset: usize) -> usize {
        let start_of = |at: usize| match &self.blocks {
            Blocks::Narrow(blocks) => blocks.get(at).map(|block| block.start as usize),
            Blocks::Wide(blocks) => blocks.get(at).map(|block| block.start as usize),
        };
        let after = match &self.blocks {
            Blocks::Narrow(blocks) => blocks.partition_point(|block| block.start as usize <= offset),
            Blocks::Wide(blocks) => blocks.partition_point(|block| block.start as usize <= offset),
        };
        let nearest = after.saturating_sub(1);
        let from = start_of(nearest).unwrap_or(0);
        nearest * Self::STEP + text.bytes.get(from..offset).map_or(0, count_code_points)
    }

    /// How many bytes the table takes on the heap.
    pub fn heap_size(&self) -> usize {
        match &self.blocks {
            Blocks::Narrow(blocks) => size_of_val(&**blocks),
            Blocks::Wide(blocks) => size_of_val(&**blocks),
        }
    }
}
