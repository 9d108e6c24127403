//! Models of the count word: one thread gets to destroy a shared object, and only when nobody can use it.
#![cfg(orochi_loom)]

mod common;

use common::{fails, model};
use orochi_core::Header;
use orochi_core::header::{Claimed, Released};
use orochi_core::sync::{Arc, UnsafeCell, thread};

struct Object {
    header: Header,
    memory: UnsafeCell<u32>,
}

// SAFETY: the memory is used as the count allows, and loom checks it.
unsafe impl Sync for Object {}
// SAFETY: as above.
unsafe impl Send for Object {}

fn object() -> Arc<Object> {
    Arc::new(Object { header: Header::shared(std::ptr::null()), memory: UnsafeCell::new(1) })
}

impl Object {
    fn read(&self) {
        // SAFETY: that nobody writes meanwhile is what the model checks.
        self.memory.with(|memory| assert_eq!(unsafe { *memory }, 1));
    }

    /// Claims the object as its zero queue would after a grace period; destroys it if that succeeds.
    fn try_destroy(&self) -> bool {
        match self.header.claim() {
            Claimed::Dead => {
                // SAFETY: as above.
                self.memory.with_mut(|memory| unsafe { *memory = 0xDEAD });
                true
            }
            Claimed::Revived => false,
            Claimed::Again => self.try_destroy(),
        }
    }
}

fn last_release_destroys() {
    let object = object();
    object.header.retain();
    let other = object.clone();
    let thread = thread::spawn(move || {
        other.read();
        other.header.release() == Released::ZeroShared && other.try_destroy()
    });
    object.read();
    let here = object.header.release() == Released::ZeroShared && object.try_destroy();
    let there = thread.join().expect("no panic");
    assert!(here != there, "destroyed {} times", u32::from(here) + u32::from(there));
}

#[test]
fn release_against_release() {
    model(last_release_destroys);
}

#[test]
fn without_release_fails() {
    fails("header: release", last_release_destroys);
}

#[test]
fn without_acquire_fails() {
    fails("header: claim", last_release_destroys);
}

#[test]
fn revival_against_claim() {
    model(|| {
        let object = object();
        let other = object.clone();
        // The other thread has the address from a weak reference.
        let thread = thread::spawn(move || {
            if !other.header.try_retain() {
                return false;
            }
            other.read();
            other.header.release() == Released::ZeroShared && other.try_destroy()
        });
        let here = object.header.release() == Released::ZeroShared && object.try_destroy();
        let there = thread.join().expect("no panic");
        assert!(!(here && there), "destroyed twice");
        // If it was revived in time and let go after the claim, that thread has queued it anew.
        assert!(here || there, "never destroyed");
    });
}
