//! Models of stopping the world: while it is stopped nobody else touches objects, and everybody goes on afterwards.
#![cfg(orochi_loom)]

mod common;

use common::objects::attached;
use common::{fails, model};
use orochi_core::sync::{Arc, UnsafeCell, thread};

struct World(UnsafeCell<u32>);

// SAFETY: that accesses are ordered is what the models check.
unsafe impl Sync for World {}
// SAFETY: as above.
unsafe impl Send for World {}

impl World {
    fn change(&self) {
        // SAFETY: as above.
        self.0.with_mut(|world| unsafe { *world += 1 });
    }
}

fn attach_and_detach() {
    let world = Arc::new(World(UnsafeCell::new(0)));
    let other = world.clone();
    let runner = thread::spawn(move || {
        let mut runner = attached();
        // The world is this thread's own as long as it is attached, between two safepoints.
        other.change();
        runner.detached(|| ());
        other.change();
    });
    let mut stopper = attached();
    stopper.stop_the_world(|_, _| world.change());
    drop(stopper);
    runner.join().expect("no panic");
}

#[test]
fn stop_against_attach_and_detach() {
    model(attach_and_detach);
}

#[test]
fn without_release_of_the_detached_thread_fails() {
    fails("safepoint: detach", attach_and_detach);
}

#[test]
fn without_release_of_the_stopper_fails() {
    fails("safepoint: resume", attach_and_detach);
}

#[test]
fn stop_against_stop() {
    model(|| {
        let world = Arc::new(World(UnsafeCell::new(0)));
        let other = world.clone();
        let second = thread::spawn(move || {
            let mut second = attached();
            second.stop_the_world(|_, _| other.change());
        });
        let mut first = attached();
        first.stop_the_world(|_, _| world.change());
        drop(first);
        second.join().expect("no panic");
    });
}
