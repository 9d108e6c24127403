//! Hashes that need an object or the process's seed.

use orochi_core::Ref;
use std::sync::OnceLock;

static SEED: OnceLock<u64> = OnceLock::new();

/// Fixes the seed of str and bytes hashes (PYTHONHASHSEED); false if something was hashed before.
pub fn set_seed(seed: u64) -> bool {
    SEED.set(seed).is_ok()
}

fn seed() -> u64 {
    *SEED.get_or_init(|| {
        use std::hash::{BuildHasher, Hasher};
        std::hash::RandomState::new().build_hasher().finish()
    })
}

/// The hash of a str's or bytes' content.
pub fn of_bytes(bytes: &[u8]) -> i64 {
    // FNV-1a over words, folded; replaced by the keyed hash of orochi-text.
    let mut hash = seed() ^ 0xcbf2_9ce4_8422_2325;
    for &byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    fold(hash)
}

/// The hash of an object by identity.
pub fn of_address(object: Ref<'_>) -> i64 {
    fold(object.word().rotate_right(4))
}

/// -1 tells an error in CPython, so no hash is -1.
pub fn fold(hash: u64) -> i64 {
    let hash = hash as i64;
    if hash == -1 { -2 } else { hash }
}
