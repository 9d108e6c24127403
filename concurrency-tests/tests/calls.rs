//! Models of what calls rest on: a cache that holds a method against a change of the class, and a register that keeps what native code
//! calls.
#![cfg(orochi_loom)]

mod common;
#[path = "common/instances.rs"]
mod storage;
#[path = "common/types.rs"]
mod types;

#[path = "../../vm/src/interp/held.rs"]
mod held;

use common::objects::{Classes, Handle, Node, attached};
use common::{fails, model};
use orochi_core::runtime::poll;
use orochi_core::sync::{Arc, AtomicU64, check, thread};
use orochi_core::word::{self, UNBOUND};
use orochi_core::{Obj, Ref, Thread};
use storage::shape::ShapeTree;

fn read(found: Ref<'_>) {
    let node = found.downcast::<Node>().expect("a node");
    assert!(node.header().is_shared());
    assert_eq!(node.read(), 1);
}

/// What the first word says with its number: that the second word is the method.
const HELD: u32 = 1;

/// The cache of one call in the code, and the shapes of the class that it is about.
struct Site {
    first: AtomicU64,
    second: AtomicU64,
    shapes: ShapeTree,
}

impl Site {
    fn new() -> Arc<Site> {
        Arc::new(Site { first: AtomicU64::new(0), second: AtomicU64::new(0), shapes: ShapeTree::default() })
    }

    fn held(&self) -> u64 {
        let is_current = |id, what| what == HELD && self.shapes.root().id() == id;
        held::load(&self.first, is_current, || &self.second)
    }

    /// Calls the method: the only thing that the class has.
    fn call(&self, thread: &Thread, class: &Obj<Node>) {
        let word = self.held();
        if word != UNBOUND {
            // SAFETY: as a register's word, before the next safepoint.
            return read(unsafe { Ref::from_word(word) });
        }
        let late = check("held method: number after the search", false);
        let before = self.shapes.root().make_id();
        let Some(method) = class.next.load(thread) else { return };
        let id = if late { self.shapes.root().make_id() } else { before };
        let is_held = held::hold(&self.second, method);
        held::say(&self.first, id, u32::from(is_held));
        read(method);
    }
}

/// One thread calls a method twice; another replaces the method meanwhile.
fn method_is_replaced() {
    let mut writer = attached();
    let classes = Classes::new();
    let method = classes.node(&writer, None);
    let class = Handle::new(classes.node(&writer, Some(method.into_value())));
    let site = Site::new();
    let calls = site.clone();
    let other = thread::spawn(move || {
        let mut caller = attached();
        calls.call(&caller, class.get());
        caller.safepoint();
        calls.call(&caller, class.get());
        caller.safepoint();
    });
    let new = classes.node(&writer, None).into_value();
    let old = class.get().next.swap(class.get(), &mut writer, Some(new));
    site.shapes.renew();
    drop(old);
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
    let last = attached();
    let present = class.get().next.load(&last).map(Ref::word);
    let held = site.held();
    if held != UNBOUND {
        assert_eq!(Some(word::canonical(held)), present, "the cache gives what the class had before");
    }
}

#[test]
fn held_method_against_change() {
    model(method_is_replaced);
}

#[test]
fn held_method_without_look_at_the_number_fails() {
    fails("held method: current", method_is_replaced);
}

#[test]
fn held_method_with_a_number_taken_late_fails() {
    fails("held method: number after the search", method_is_replaced);
}

#[test]
fn held_method_without_acquire_of_the_number_fails() {
    fails("shape: id", method_is_replaced);
}

#[test]
fn held_method_without_release_where_no_shape_is_yet_fails() {
    fails("shape: renewed", method_is_replaced);
}

/// Native code calls a method twice, the first time for long: Python code runs in frames above the register. Then the method is taken
/// out of its class.
fn register_keeps_the_method() {
    let mut writer = attached();
    let classes = Classes::new();
    let method = classes.node(&writer, None);
    let class = Handle::new(classes.node(&writer, Some(method.into_value())));
    let other = thread::spawn(move || {
        let mut caller = attached();
        for _ in 0..2 {
            caller.hold(
                class.get(),
                |class, thread| class.next.load(thread),
                |thread, method| {
                    let own = thread.frame_base.get();
                    thread.frame_base.set(own.wrapping_add(1));
                    thread.shared().request(poll::EPOCH);
                    thread.safepoint();
                    thread.safepoint();
                    thread.frame_base.set(own);
                    read(method);
                },
            );
        }
    });
    drop(class.get().next.swap(class.get(), &mut writer, None));
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
}

#[test]
fn register_of_a_native_call() {
    model(register_keeps_the_method);
}

#[test]
fn register_below_the_watermark_fails() {
    fails("hold: below the watermark", register_keeps_the_method);
}
