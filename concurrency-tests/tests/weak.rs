//! Models of weak references: a strong reference taken from a weak one is good, while others destroy the referent.
#![cfg(orochi_loom)]

mod common;

use common::objects::{Classes, Handle, Node, attached};
use common::{fails, model};
use orochi_core::sync::thread;

fn upgrade() {
    let mut owner = attached();
    let classes = Classes::new();
    let referent = classes.node(&owner, None);
    orochi_core::publish::publish(referent.get());
    let weak = Handle::new(classes.weak(&owner, &referent));
    let other = thread::spawn(move || {
        let mut reader = attached();
        if let Some(strong) = weak.get().slot.upgrade(&reader) {
            reader.safepoint();
            assert_eq!(strong.get().downcast::<Node>().expect("a node").read(), 1);
        }
    });
    drop(referent);
    owner.reclaim_now();
    drop(owner);
    other.join().expect("no panic");
}

#[test]
fn upgrade_against_destruction() {
    model(upgrade);
}

#[test]
fn upgrade_that_does_not_look_fails() {
    fails("header: alive", upgrade);
}
