//! What a pattern is matched against: bytes, of which one or several make a character.
//!
//! Positions are byte offsets. A str whose text is ASCII is walked as bytes; other text as WTF-8, decoded in place, so that
//! nothing is copied or counted before a search. Offsets become indices only when Python asks for a span.

/// Text to match against.
pub(super) trait Subject: Copy {
    /// The bytes.
    fn bytes(&self) -> &[u8];

    /// The character at an offset, and the offset behind it; `None` at the end.
    fn next(&self, at: usize) -> Option<(u32, usize)>;

    /// The character before an offset, and its own offset; `None` at the start.
    fn previous(&self, at: usize) -> Option<(u32, usize)>;

    /// The end of the text.
    fn end(&self) -> usize {
        self.bytes().len()
    }

    /// The offset `count` characters before `at`, if there are as many.
    fn back(&self, at: usize, count: usize) -> Option<usize>;

    /// The offset up to `count` characters behind `at`, and how many they are.
    fn forward(&self, at: usize, count: usize) -> (usize, usize);
}

/// Bytes that are characters.
#[derive(Clone, Copy)]
pub(super) struct Narrow<'a>(pub(super) &'a [u8]);

impl Subject for Narrow<'_> {
    fn bytes(&self) -> &[u8] {
        self.0
    }

    #[inline(always)]
    fn next(&self, at: usize) -> Option<(u32, usize)> {
        self.0.get(at).map(|&byte| (byte.into(), at + 1))
    }

    #[inline(always)]
    fn previous(&self, at: usize) -> Option<(u32, usize)> {
        let before = at.checked_sub(1)?;
        self.0.get(before).map(|&byte| (byte.into(), before))
    }

    fn back(&self, at: usize, count: usize) -> Option<usize> {
        at.checked_sub(count)
    }

    fn forward(&self, at: usize, count: usize) -> (usize, usize) {
        let count = count.min(self.0.len().saturating_sub(at));
        (at + count, count)
    }
}

/// WTF-8.
#[derive(Clone, Copy)]
pub(super) struct Wide<'a>(pub(super) &'a [u8]);

impl Wide<'_> {
    #[inline(always)]
    fn tail(&self, at: usize) -> u32 {
        u32::from(self.0.get(at).copied().unwrap_or(0x80)) & 0x3F
    }

    #[inline]
    fn decode(&self, lead: u8, at: usize) -> (u32, usize) {
        let (lead, tail) = (u32::from(lead), |n| self.tail(at + n));
        match lead {
            0xF0.. => (((lead & 7) << 18) | (tail(1) << 12) | (tail(2) << 6) | tail(3), at + 4),
            0xE0.. => (((lead & 15) << 12) | (tail(1) << 6) | tail(2), at + 3),
            _ => (((lead & 31) << 6) | tail(1), at + 2),
        }
    }
}

impl Subject for Wide<'_> {
    fn bytes(&self) -> &[u8] {
        self.0
    }

    #[inline(always)]
    fn next(&self, at: usize) -> Option<(u32, usize)> {
        let &lead = self.0.get(at)?;
        if lead < 0x80 {
            return Some((lead.into(), at + 1));
        }
        Some(self.decode(lead, at))
    }

    #[inline(always)]
    fn previous(&self, at: usize) -> Option<(u32, usize)> {
        let mut before = at.checked_sub(1)?;
        let mut byte = *self.0.get(before)?;
        if byte < 0x80 {
            return Some((byte.into(), before));
        }
        while byte & 0xC0 == 0x80 && before > 0 {
            before -= 1;
            byte = *self.0.get(before)?;
        }
        Some((self.decode(byte, before).0, before))
    }

    fn back(&self, mut at: usize, count: usize) -> Option<usize> {
        for _ in 0..count {
            at = self.previous(at)?.1;
        }
        Some(at)
    }

    fn forward(&self, mut at: usize, count: usize) -> (usize, usize) {
        for done in 0..count {
            match self.next(at) {
                Some((_, next)) => at = next,
                None => return (at, done),
            }
        }
        (at, count)
    }
}
