//! Stress: with `OROCHI_STRESS=SEED` in the environment threads give way, sleep, reclaim and collect at random safepoints, so that
//! a program's threads meet in more ways than by chance. Every safepoint takes the slow path then.

use crate::runtime::poll;
use crate::thread::Thread;
use std::sync::OnceLock;
use std::time::Duration;

/// The seed, if the environment gives one. Looked up once.
fn seed() -> Option<u64> {
    static SEED: OnceLock<Option<u64>> = OnceLock::new();
    *SEED.get_or_init(|| {
        let seed = std::env::var("OROCHI_STRESS").ok()?;
        seed.parse().ok().filter(|_| !cfg!(orochi_loom))
    })
}

/// Prepares a new thread.
pub(crate) fn begin(thread: &Thread) {
    if let Some(seed) = seed() {
        thread.random.set(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ thread.shared().id() << 32 | 1);
        thread.shared().request(poll::STRESS);
    }
}

/// Whether stress is on.
pub(crate) fn is_on(thread: &Thread) -> bool {
    thread.random.get() != 0
}

/// Does something random, if stress is on.
pub(crate) fn at_safepoint(thread: &mut Thread) {
    if !is_on(thread) {
        return;
    }
    // Marsaglia's xorshift: never 0.
    let mut random = thread.random.get();
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    thread.random.set(random);
    let chance = |shift: u32, bits: u32| random >> shift & ((1 << bits) - 1) == 0;
    if chance(8, 6) {
        thread.shared().request(poll::EPOCH | poll::RECLAIM);
    }
    if chance(20, 12) {
        thread.shared().request(poll::COLLECT);
    }
    if chance(36, 10) {
        thread.detached(|| std::thread::sleep(Duration::from_micros(random >> 50 & 127)));
    } else if chance(36, 6) {
        std::thread::yield_now();
    }
}
