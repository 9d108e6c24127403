//! An index into one text: which byte offset the i-th code point has, and the other way round.

use super::{Wtf8, advance, count_code_points, is_lead};

/// The byte offsets of every 64th code point of one text, so that indexing it is O(1).
///
/// Only meaningful together with the text it was built from; with another one it yields wrong offsets or `None`.
#[derive(Clone, Debug)]
pub struct Breadcrumbs {
    offsets: Offsets,
    code_points: usize,
}

#[derive(Clone, Debug)]
enum Offsets {
    /// Texts below 4 GiB.
    Narrow(Box<[u32]>),
    Wide(Box<[u64]>),
}

impl Breadcrumbs {
    /// How many code points lie between two crumbs.
    pub const STEP: usize = 64;

    /// Walks the text once.
    pub fn new(text: &Wtf8) -> Self {
        let mut code_points = 0;
        let mut crumbs = Vec::with_capacity(text.len() / Self::STEP / 2 + 1);
        for (offset, &byte) in text.bytes.iter().enumerate() {
            if is_lead(byte) {
                if code_points % Self::STEP == 0 {
                    crumbs.push(offset as u64);
                }
                code_points += 1;
            }
        }
        let offsets = if u32::try_from(text.len()).is_ok() {
            Offsets::Narrow(crumbs.into_iter().map(|offset| offset as u32).collect())
        } else {
            Offsets::Wide(crumbs.into_boxed_slice())
        };
        Self { offsets, code_points }
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
        advance(&text.bytes, self.crumb(index / Self::STEP)?, index % Self::STEP)
    }

    /// The index of the code point that begins at this byte offset: the inverse of [`Breadcrumbs::offset_of_index`].
    pub fn index_of_offset(&self, text: &Wtf8, offset: usize) -> usize {
        let after = match &self.offsets {
            Offsets::Narrow(crumbs) => crumbs.partition_point(|&crumb| crumb as usize <= offset),
            Offsets::Wide(crumbs) => crumbs.partition_point(|&crumb| crumb as usize <= offset),
        };
        let nearest = after.saturating_sub(1);
        let from = self.crumb(nearest).unwrap_or(0);
        nearest * Self::STEP + text.bytes.get(from..offset).map_or(0, count_code_points)
    }

    /// How many bytes the table takes on the heap.
    pub fn heap_size(&self) -> usize {
        match &self.offsets {
            Offsets::Narrow(crumbs) => size_of_val(&**crumbs),
            Offsets::Wide(crumbs) => size_of_val(&**crumbs),
        }
    }

    #[inline]
    fn crumb(&self, at: usize) -> Option<usize> {
        match &self.offsets {
            Offsets::Narrow(crumbs) => crumbs.get(at).map(|&offset| offset as usize),
            Offsets::Wide(crumbs) => crumbs.get(at).map(|&offset| offset as usize),
        }
    }
}
