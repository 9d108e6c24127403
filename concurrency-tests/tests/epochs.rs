//! Models of reclamation: a borrowed reference is good until its thread's next safepoint, whatever others do.
#![cfg(orochi_loom)]

mod common;

use common::objects::{Classes, Handle, Node, attached};
use common::{fails, model};
use orochi_core::sync::thread;

fn a_borrowed_reference_lasts_until_the_safepoint() {
    let mut writer = attached();
    let classes = Classes::new();
    let first = classes.node(&writer, None);
    let shared = Handle::new(classes.node(&writer, Some(first.into_value())));
    let other = thread::spawn(move || {
        let mut reader = attached();
        if let Some(found) = shared.get().next.load(&reader) {
            assert_eq!(found.downcast::<Node>().expect("a node").read(), 1);
        }
        reader.safepoint();
    });
    drop(shared.get().next.swap(shared.get(), &mut writer, None));
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
}

#[test]
fn borrowed_reader_against_destruction() {
    model(a_borrowed_reference_lasts_until_the_safepoint);
}

#[test]
fn without_release_of_the_announcement_fails() {
    fails("epoch: announce", a_borrowed_reference_lasts_until_the_safepoint);
}

#[test]
fn without_acquire_of_the_announcement_fails() {
    fails("epoch: safe", a_borrowed_reference_lasts_until_the_safepoint);
}

#[test]
fn counted_reader_against_destruction() {
    model(|| {
        let mut writer = attached();
        let classes = Classes::new();
        let first = classes.node(&writer, None);
        let shared = Handle::new(classes.node(&writer, Some(first.into_value())));
        let other = thread::spawn(move || {
            let mut reader = attached();
            if let Some(found) = shared.get().next.get(&reader) {
                reader.safepoint();
                assert_eq!(found.get().downcast::<Node>().expect("a node").read(), 1);
            }
        });
        drop(shared.get().next.swap(shared.get(), &mut writer, None));
        writer.reclaim_now();
        drop(writer);
        other.join().expect("no panic");
    });
}
