//! Models of publication: whoever reaches an object through a shared one finds it whole and marked shared.
#![cfg(orochi_loom)]

mod common;

use common::objects::{Classes, Handle, attached};
use common::{fails, model};
use orochi_core::sync::thread;

fn a_reader_finds_the_object_whole() {
    let mut writer = attached();
    let classes = Classes::new();
    let shared = Handle::new(classes.node(&writer, None));
    let other = thread::spawn(move || {
        let reader = attached();
        let Some(found) = shared.get().next.load(&reader) else { return };
        let found = found.downcast::<common::objects::Node>().expect("a node");
        assert!(found.header().is_shared());
        assert_eq!(found.read(), 1);
        let inner = found.next.load(&reader).expect("stored before publication");
        assert!(inner.header().expect("a node").is_shared());
    });
    let inner = classes.node(&writer, None);
    let outer = classes.node(&writer, Some(inner.into_value()));
    assert!(!outer.header().is_shared());
    shared.get().next.swap(shared.get(), &mut writer, Some(outer.into_value()));
    drop(writer);
    other.join().expect("no panic");
}

#[test]
fn reader_against_publisher() {
    model(a_reader_finds_the_object_whole);
}

#[test]
fn without_release_fails() {
    fails("field: swap", a_reader_finds_the_object_whole);
}
