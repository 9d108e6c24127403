//! SHA-3 and SHAKE (FIPS 202): the sponge over Keccak-f[1600].

const ROUND_CONSTANTS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808A,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808B,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008A,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000A,
    0x0000_0000_8000_808B,
    0x8000_0000_0000_008B,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800A,
    0x8000_0000_8000_000A,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// Rotation and next lane of the combined rho and pi steps.
const RHO_PI: [(u32, usize); 24] = [
    (1, 10),
    (3, 7),
    (6, 11),
    (10, 17),
    (15, 18),
    (21, 3),
    (28, 5),
    (36, 16),
    (45, 8),
    (55, 21),
    (2, 24),
    (14, 4),
    (27, 15),
    (41, 23),
    (56, 19),
    (8, 13),
    (25, 12),
    (43, 2),
    (62, 20),
    (18, 14),
    (39, 22),
    (61, 9),
    (20, 6),
    (44, 1),
];

fn permute(lanes: &mut [u64; 25]) {
    for constant in ROUND_CONSTANTS {
        let mut parity = [0_u64; 5];
        for x in 0..5 {
            parity[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
        }
        for x in 0..5 {
            let mix = parity[(x + 4) % 5] ^ parity[(x + 1) % 5].rotate_left(1);
            for y in 0..5 {
                lanes[y * 5 + x] ^= mix;
            }
        }
        let mut moving = lanes[1];
        for (rotation, next) in RHO_PI {
            let there = lanes[next];
            lanes[next] = moving.rotate_left(rotation);
            moving = there;
        }
        for y in 0..5 {
            let row = [lanes[y * 5], lanes[y * 5 + 1], lanes[y * 5 + 2], lanes[y * 5 + 3], lanes[y * 5 + 4]];
            for x in 0..5 {
                lanes[y * 5 + x] = row[x] ^ (!row[(x + 1) % 5] & row[(x + 2) % 5]);
            }
        }
        lanes[0] ^= constant;
    }
}

/// A sponge that absorbs.
#[derive(Clone, Debug)]
pub(super) struct Sponge {
    lanes: [u64; 25],
    /// Bytes of a block.
    rate: usize,
    suffix: u8,
    filled: usize,
}

impl Sponge {
    /// `rate` is a multiple of 8 and at most 168; `suffix` tells SHA-3 (6) from SHAKE (31).
    pub(super) fn new(rate: usize, suffix: u8) -> Sponge {
        Sponge { lanes: [0; 25], rate, suffix, filled: 0 }
    }

    fn mix(&mut self, at: usize, byte: u8) {
        if let Some(lane) = self.lanes.get_mut(at / 8) {
            *lane ^= u64::from(byte) << (at % 8 * 8);
        }
    }

    /// Absorbs.
    pub(super) fn update(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            if self.filled.is_multiple_of(8) && data.len() >= 8 && self.filled + 8 <= self.rate {
                let (word, rest) = data.split_at(8);
                let word = <[u8; 8]>::try_from(word).map_or(0, u64::from_le_bytes);
                if let Some(lane) = self.lanes.get_mut(self.filled / 8) {
                    *lane ^= word;
                }
                self.filled += 8;
                data = rest;
            } else if let Some((&byte, rest)) = data.split_first() {
                self.mix(self.filled, byte);
                self.filled += 1;
                data = rest;
            }
            if self.filled == self.rate {
                permute(&mut self.lanes);
                self.filled = 0;
            }
        }
    }

    /// Squeezes this many bytes out of a copy.
    pub(super) fn squeeze(&self, len: usize) -> Vec<u8> {
        let mut sponge = self.clone();
        sponge.mix(sponge.filled, sponge.suffix);
        sponge.mix(sponge.rate - 1, 0x80);
        let mut out = Vec::with_capacity(len);
        while out.len() < len {
            permute(&mut sponge.lanes);
            let block = sponge.lanes.iter().flat_map(|lane| lane.to_le_bytes()).take(sponge.rate);
            out.extend(block.take(len - out.len()));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Sponge;

    #[test]
    fn known_digests() {
        let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut sponge = Sponge::new(136, 6);
        assert!(hex(sponge.squeeze(32)).starts_with("a7ffc6f8bf1ed766"));
        sponge.update(b"abc");
        assert!(hex(sponge.squeeze(32)).starts_with("3a985da74fe225b2"));
        assert_eq!(hex(Sponge::new(168, 31).squeeze(5)), "7f9c2ba4e8");
    }
}
