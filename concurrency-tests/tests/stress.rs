//! Threads by the dozen on one small world of shared objects, with the verifier looking on. `OROCHI_STRESS_SECONDS` says for how
//! long; RUSTFLAGS="--cfg orochi_stress" reclaims at every safepoint and poisons freed memory.
#![cfg(not(orochi_loom))]

mod common;

use common::objects::{Classes, Handle, Node, Weak, attached};
use orochi_core::gc::{self, Options};
use orochi_core::sync::thread;
use orochi_core::verify::verify;
use orochi_core::{AtomicField, Field, Layout, Payload, Thread, Trace, Value};
use std::time::{Duration, Instant};

/// A shared object with many slots.
struct World {
    slots: [AtomicField; 16],
    /// What everybody wants.
    hot: AtomicField,
}

// SAFETY: visits all slots.
unsafe impl Trace for World {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.slots.trace(visit);
        self.hot.trace(visit);
    }
}

// SAFETY: the layout is the world's own.
unsafe impl Payload for World {
    const LAYOUT: &'static Layout = {
        static LAYOUT: Layout = Layout::of::<World>();
        &LAYOUT
    };
}

/// A small generator of numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

fn run_pending(thread: &mut Thread) {
    while let Some(pending) = thread.next_pending() {
        drop(pending);
    }
}

/// Makes a chain of nodes, or a cycle.
fn make(thread: &mut Thread, classes: Classes, random: &mut Random) -> Value {
    let first = classes.node(thread, None);
    let mut last = first.to_value();
    for _ in 0..random.below(4) {
        last = classes.node(thread, Some(last)).into_value();
    }
    if random.below(3) == 0 {
        first.next.swap(&*first, thread, Some(last.clone()));
    }
    last
}

fn step(thread: &mut Thread, classes: Classes, world: Handle<World>, random: &mut Random) {
    let slot = &world.get().slots[random.below(16)];
    match random.below(14) {
        0..=3 => {
            let value = make(thread, classes, random);
            drop(slot.swap(world.get(), thread, Some(value)));
        }
        4 => drop(slot.swap(world.get(), thread, None)),
        5..=7 => {
            let mut at = slot.load(thread);
            for _ in 0..4 {
                let Some(node) = at.and_then(|at| at.downcast::<Node>()) else { break };
                assert_eq!(node.read(), 1);
                at = node.next.load(thread);
            }
        }
        8 => {
            let Some(value) = slot.get(thread) else { return };
            let other = &world.get().slots[random.below(16)];
            drop(other.swap(world.get(), thread, Some(value)));
        }
        12 => {
            let hot = world.get().hot.get(thread);
            drop(slot.swap(world.get(), thread, hot));
        }
        13 => {
            for _ in 0..50 {
                drop(world.get().hot.get(thread));
            }
            if random.below(1000) == 0 {
                let value = make(thread, classes, random);
                drop(world.get().hot.swap(world.get(), thread, Some(value)));
            }
        }
        9 => {
            let Some(value) = slot.get(thread) else { return };
            if let Ok(node) = value.downcast::<Node>() {
                let weakref = classes.weak(thread, &node).into_value();
                drop(slot.swap(world.get(), thread, Some(weakref)));
            }
        }
        10 => {
            let Some(value) = slot.get(thread) else { return };
            if let Some(weakref) = value.get().downcast::<Weak>()
                && let Some(strong) = weakref.slot.upgrade(thread)
            {
                thread.safepoint();
                assert_eq!(strong.get().downcast::<Node>().expect("a node").read(), 1);
            }
        }
        _ => {
            // Local garbage.
            drop(make(thread, classes, random));
            if random.below(50) == 0 {
                thread.detached(std::thread::yield_now);
            }
        }
    }
}

fn live_through(classes: Classes, world: Handle<World>, seed: u64, until: Instant) {
    let mut thread = attached();
    let mut random = Random(seed);
    while Instant::now() < until {
        for _ in 0..200 {
            step(&mut thread, classes, world, &mut random);
            if thread.poll() != 0 {
                thread.safepoint();
                run_pending(&mut thread);
            }
        }
        if random.below(20) == 0 {
            gc::collect(&mut thread, Options::default(), &mut run_pending);
            let faults = verify(&mut thread, false);
            assert!(faults.is_empty(), "{faults:#?}");
        }
    }
}

#[test]
fn shared_objects_under_many_threads() {
    let seconds =
        std::env::var("OROCHI_STRESS_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(2);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut thread = attached();
    let classes = Classes::new();
    let world =
        Handle::new(classes.object(&thread, World { slots: Default::default(), hot: AtomicField::empty() }));
    // Generations of threads, so that pages are abandoned and adopted.
    while Instant::now() < until {
        let end = (Instant::now() + Duration::from_millis(300)).min(until);
        let seed = until.elapsed().as_nanos() as u64 ^ u64::from(std::process::id());
        let threads: Vec<_> = (0..8_u64)
            .map(|index| thread::spawn(move || live_through(classes, world, seed + index, end)))
            .collect();
        thread.detached(|| {
            for thread in threads {
                thread.join().expect("no panic");
            }
        });
    }
    for slot in world.get().slots.iter().chain([&world.get().hot]) {
        drop(slot.swap(world.get(), &mut thread, None));
    }
    gc::collect(&mut thread, Options::default(), &mut run_pending);
    let faults = verify(&mut thread, false);
    assert!(faults.is_empty(), "{faults:#?}");
    let left = gc::objects(&mut thread).len();
    assert!(left < 10, "{left} objects were never destroyed");
}
