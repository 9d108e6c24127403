//! Hashes that need an object or the process's seed.

use orochi_core::Ref;
use orochi_text::hash::HashKey;
use orochi_text::wtf8::Wtf8;
use std::sync::OnceLock;

static KEY: OnceLock<HashKey> = OnceLock::new();

/// Fixes the seed of str and bytes hashes (PYTHONHASHSEED); false if something was hashed before.
pub fn set_seed(seed: u32) -> bool {
    KEY.set(HashKey::from_seed(seed)).is_ok()
}

fn key() -> &'static HashKey {
    KEY.get_or_init(|| {
        use std::hash::{BuildHasher, Hasher};
        let random = || std::hash::RandomState::new().build_hasher().finish();
        HashKey::new(random(), random())
    })
}

/// The hash of a text.
#[inline]
pub fn of_text(text: &Wtf8) -> i64 {
    key().hash_text(text)
}

/// The hash of the content of bytes, or of a str that is ASCII.
#[inline]
pub fn of_bytes(bytes: &[u8]) -> i64 {
    key().hash_bytes(bytes)
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
