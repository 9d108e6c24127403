//! Models of a code object that is made ready by its first callers: what they run is whole, and there is one of it.
#![cfg(orochi_loom)]

mod common;

use common::{fails, model};
use orochi_core::sync::{Arc, UnsafeCell, thread};
use std::ptr;

#[path = "../../objects/src/storage/once_box.rs"]
#[allow(dead_code, reason = "a module of another crate")]
mod once_box;
use once_box::OnceBox;
#[path = "../../objects/src/storage/code_start.rs"]
#[allow(dead_code, reason = "a module of another crate")]
mod code_start;
use code_start::Start;

/// Stands for the constants: loom notices a reader that isn't ordered after their making.
struct Body(UnsafeCell<u64>);

struct Code {
    body: OnceBox<Body>,
    start: Start,
}

// SAFETY: a body is written before it is put into the box, and loom checks that readers come after.
unsafe impl Sync for Code {}
// SAFETY: as above.
unsafe impl Send for Code {}

impl Code {
    fn make_ready(&self) {
        let body = self.body.get_or_init(|| {
            let body = Body(UnsafeCell::new(0));
            // SAFETY: nobody else sees it yet.
            body.0.with_mut(|memory| unsafe { *memory = 7 });
            body
        });
        self.start.warm(ptr::from_ref(body).cast(), ptr::null(), ptr::null(), Some(1));
    }

    /// Calls the function; gives what its constants are.
    fn call(&self) -> *const Body {
        if !self.start.takes_exactly(1) && self.start.is_cold() {
            self.make_ready();
        }
        let body: *const Body = self.start.entry().cast();
        // SAFETY: what was called is ready.
        assert_eq!(unsafe { &*body }.0.with(|memory| unsafe { *memory }), 7);
        body
    }
}

fn three_calls() {
    let code = Arc::new(Code { body: OnceBox::empty(), start: Start::cold() });
    let second = code.clone();
    let other = thread::spawn(move || second.call() as usize);
    let mine = code.call() as usize;
    assert_eq!(mine, code.call() as usize);
    assert_eq!(mine, other.join().expect("no panic"), "both run the same");
}

#[test]
fn first_callers_find_it_whole() {
    model(three_calls);
}

#[test]
fn without_release_of_the_start_fails() {
    fails("code: ready", three_calls);
}

#[test]
fn without_acquire_of_the_start_fails() {
    fails("code: look", three_calls);
}

#[test]
fn without_release_of_the_body_fails() {
    fails("once: fill", three_calls);
}

#[test]
fn without_acquire_of_the_body_fails() {
    fails("once: get", three_calls);
}
