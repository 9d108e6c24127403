//! How models are explored: bounds, and the check that a weakened protocol is caught.

use orochi_core::sync;
use std::process::Command;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// In the process that explores a weakened model: the operation whose ordering is Relaxed.
const WEAKENED: &str = "OROCHI_MODEL_WEAKENED";

/// Explores a model. Three preemptions find what there is to find in models this small.
pub(crate) fn model(f: impl Fn() + Sync + Send + 'static) {
    explore(None, f);
}

/// Explores a model with the named operation's ordering weakened to Relaxed; loom must find fault with it. That
/// happens in another process, since a model that fails in the middle may abort.
pub(crate) fn fails(operation: &'static str, f: impl Fn() + Sync + Send + 'static) {
    if std::env::var_os(WEAKENED).is_some() {
        return explore(Some(operation), f);
    }
    let current = std::thread::current();
    let name = current.name().expect("tests have names");
    let binary = std::env::current_exe().expect("a test binary");
    let output =
        Command::new(binary).args([name, "--exact"]).env(WEAKENED, operation).output().expect("a process");
    assert!(!output.status.success(), "loom found nothing wrong without the ordering of {operation:?}");
}

fn explore(weakened: Option<&'static str>, f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(builder.preemption_bound.unwrap_or(3));
    builder.max_branches = 100_000;
    let executions = Arc::new(AtomicUsize::new(0));
    let counted = executions.clone();
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        sync::weaken(weakened);
        f();
    });
    println!("{} executions", executions.load(Ordering::Relaxed));
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
