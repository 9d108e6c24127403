//! What the models share: bounds, and the check that a weakened protocol is caught.
#![allow(dead_code, reason = "not every model uses all of it")]

use orochi_core::sync;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

/// Explores a model. Two preemptions find what there is to find in models this small.
pub(crate) fn model(f: impl Fn() + Sync + Send + 'static) {
    explore(None, f);
}

/// Explores a model with the named operation's ordering weakened to Relaxed; loom must find fault with it.
pub(crate) fn fails(operation: &'static str, f: impl Fn() + Sync + Send + 'static) {
    let outcome = catch_unwind(AssertUnwindSafe(|| explore(Some(operation), f)));
    assert!(outcome.is_err(), "loom found nothing wrong without the ordering of {operation:?}");
}

fn explore(weakened: Option<&'static str>, f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(builder.preemption_bound.unwrap_or(3));
    builder.check(move || {
        sync::weaken(weakened);
        f();
    });
}

/// A pointer that a model hands to another thread.
#[derive(Clone, Copy)]
pub(crate) struct Shared(pub(crate) NonNull<u8>);

// SAFETY: the model under test orders the accesses, and loom checks that it does.
unsafe impl Send for Shared {}

impl Shared {
    pub(crate) fn get(self) -> NonNull<u8> {
        self.0
    }
}
