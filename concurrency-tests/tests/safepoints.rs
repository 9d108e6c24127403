//! Models of stopping the world (also to copy the process): while it is stopped nobody else touches objects, and everybody goes on afterwards.
#![cfg(orochi_loom)]

mod common;

use common::objects::attached;
use common::{fails, model};
use orochi_core::Thread;
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

/// One thread starts, detaches, attaches and ends while `f` runs on another.
fn another_comes_and_goes(f: impl FnOnce(&mut Thread, &World)) {
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
    f(&mut stopper, &world);
    drop(stopper);
    runner.join().expect("no panic");
}

fn attach_and_detach() {
    another_comes_and_goes(|thread, world| thread.stop_the_world(|_, _| world.change()));
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
fn thread_that_starts_under_way_fails() {
    fails("safepoint: nobody stops", attach_and_detach);
}

/// While the process is copied nobody else may be at work, and all go on after it.
fn fork() {
    another_comes_and_goes(|thread, world| thread.fork(|| world.change(), |()| false));
}

#[test]
fn fork_against_start_attach_and_end() {
    model(fork);
}

#[test]
fn fork_beside_a_thread_that_starts_fails() {
    fails("safepoint: nobody stops", fork);
}

#[test]
fn fork_without_release_of_the_detached_thread_fails() {
    fails("safepoint: detach", fork);
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
