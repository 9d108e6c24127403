//! Models of stopping the world (also to copy the process): while it is stopped nobody else touches objects, and everybody goes on afterwards.
#![cfg(orochi_loom)]

mod common;

use common::objects::attached;
use common::{fails, model};
use orochi_core::Thread;
use orochi_core::sync::{Arc, AtomicBool, Ordering, UnsafeCell, thread};
use orochi_core::thread::process_runtime;

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

/// In the child of a fork there is the calling thread alone: the other, which ends meanwhile, is only memory.
fn child_of_a_fork() {
    let world = Arc::new(World(UnsafeCell::new(0)));
    let runs = Arc::new(AtomicBool::new(false));
    let (other, told) = (world.clone(), runs.clone());
    let runner = thread::spawn(move || {
        let runner = attached();
        told.store(true, Ordering::Release);
        other.change();
        drop(runner);
    });
    let mut caller = attached();
    while !runs.load(Ordering::Acquire) {
        caller.safepoint();
        thread::yield_now();
    }
    caller.fork(|| world.change(), |()| true);
    assert_eq!(process_runtime().thread_count(), 1, "a thread that is gone");
    // Nobody is waited for.
    caller.stop_the_world(|_, threads| assert_eq!(threads.len(), 1));
    world.change();
    drop(caller);
    runner.join().expect("no panic");
}

#[test]
fn fork_and_the_child_goes_on() {
    model(child_of_a_fork);
}

#[test]
fn child_of_a_fork_that_knows_other_threads_fails() {
    fails("fork: threads that are gone", child_of_a_fork);
}

#[test]
fn child_of_a_fork_without_release_of_the_detached_thread_fails() {
    fails("safepoint: detach", child_of_a_fork);
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
