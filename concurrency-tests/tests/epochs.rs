//! Models of reclamation: a borrowed reference is good until its thread's next safepoint, whatever others do.
#![cfg(orochi_loom)]

mod common;

use common::objects::{Classes, Handle, Node, attached};
use common::{fails, model};
use orochi_core::sync::{Arc, Condvar, Mutex, lock, thread, wait};

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

/// A chain of two that another thread walks while its only owner lets it go: the second node dies with the first.
#[test]
fn walker_of_a_chain_against_its_death() {
    model(|| {
        let mut writer = attached();
        let classes = Classes::new();
        let second = classes.node(&writer, None).into_value();
        let first = classes.node(&writer, Some(second)).into_value();
        let shared = Handle::new(classes.node(&writer, Some(first)));
        let other = thread::spawn(move || {
            let mut reader = attached();
            let first = shared.get().next.load(&reader).and_then(|first| first.downcast::<Node>());
            if let Some(second) = first.and_then(|first| first.next.load(&reader)) {
                assert_eq!(second.downcast::<Node>().expect("a node").read(), 1);
            }
            reader.safepoint();
        });
        drop(shared.get().next.swap(shared.get(), &mut writer, None));
        writer.reclaim_now();
        drop(writer);
        other.join().expect("no panic");
    });
}

/// A node with two owners. One has been unlinked and passes its grace period while a reader gets the node from the other.
fn a_node_with_two_owners() {
    let mut writer = attached();
    let classes = Classes::new();
    let node = classes.node(&writer, None).into_value();
    let dying = classes.node(&writer, Some(node.clone())).into_value();
    let root = Handle::new(classes.node(&writer, Some(dying)));
    let second = Handle::new(classes.node(&writer, Some(node)));
    let begun = Arc::new((Mutex::new(false), Condvar::new()));
    let tell = begun.clone();
    let other = thread::spawn(move || {
        let mut reader = attached();
        *lock(&tell.0) = true;
        tell.1.notify_one();
        reader.safepoint();
        if let Some(node) = second.get().next.load(&reader) {
            assert_eq!(node.downcast::<Node>().expect("a node").read(), 1);
        }
        reader.safepoint();
    });
    // The reader is there before the first owner goes, so that the first grace period waits for it.
    let mut there = lock(&begun.0);
    while !*there {
        there = wait(&begun.1, there);
    }
    drop(there);
    drop(root.get().next.swap(root.get(), &mut writer, None));
    writer.reclaim_now();
    drop(second.get().next.swap(second.get(), &mut writer, None));
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
}

#[test]
fn reader_of_a_second_owner() {
    model(a_node_with_two_owners);
}

#[test]
fn death_with_one_of_two_owners_fails() {
    fails("header: sole", a_node_with_two_owners);
}
