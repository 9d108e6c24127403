//! Models of the table of interned objects: one object for each text, whole when it is found.
#![cfg(orochi_loom)]

mod common;

use common::{fails, model};
use orochi_core::sync::{Arc, UnsafeCell, thread};

#[path = "../../objects/src/storage/intern_table.rs"]
#[allow(dead_code, unreachable_pub, reason = "a module of another crate")]
mod intern_table;
use intern_table::InternTable;

struct Text {
    number: u64,
    /// Stands for the object's memory: loom notices a reader that isn't ordered after its making.
    memory: UnsafeCell<u64>,
}

// SAFETY: the memory is written before the text is added, and loom checks that readers come after.
unsafe impl Sync for Text {}
// SAFETY: as above.
unsafe impl Send for Text {}

fn intern(table: &InternTable<Text>, number: u64) -> &'static Text {
    let is_it = |text: &Text| {
        // SAFETY: as above.
        text.memory.with(|memory| unsafe { *memory }) == number
    };
    if let Some(found) = table.find(number, is_it) {
        return found;
    }
    let text = Box::leak(Box::new(Text { number, memory: UnsafeCell::new(0) }));
    // SAFETY: nobody else sees it yet.
    text.memory.with_mut(|memory| unsafe { *memory = number });
    table.find_or_add(number, is_it, text)
}

/// Two threads intern texts, one of them in common; the table grows meanwhile.
fn two_threads_intern() {
    let table = Arc::new(InternTable::new());
    let second = table.clone();
    let other = thread::spawn(move || {
        let first = std::ptr::from_ref(intern(&second, 4)) as usize;
        intern(&second, 2);
        first
    });
    let mine = std::ptr::from_ref(intern(&table, 4));
    let theirs = other.join().expect("no panic");
    assert_eq!(mine as usize, theirs, "one object for one text");
    assert_eq!(intern(&table, 2).number, 2);
}

#[test]
fn one_object_for_one_text() {
    model(two_threads_intern);
}

#[test]
fn without_release_of_the_entry_fails() {
    fails("intern: add", two_threads_intern);
}

#[test]
fn without_acquire_of_the_entry_fails() {
    fails("intern: find", two_threads_intern);
}
