//! Threads of a test that work on the same objects.

use orochi_core::publish::publish;
use orochi_core::thread::process_runtime;
use orochi_core::{Ref, Thread, Value};

/// A word that leads to a shared object, for another thread of the test; the object outlives its use.
#[derive(Clone, Copy)]
pub(crate) struct Shared(u64);

impl Shared {
    pub(crate) fn new(value: &Value) -> Shared {
        publish(value.get());
        Shared(value.word())
    }

    pub(crate) fn get<'a>(self) -> Ref<'a> {
        // SAFETY: the test keeps the object until its threads have let go of it.
        unsafe { Ref::from_word(self.0) }
    }
}

/// The calling thread as one of the process's runtime.
pub(crate) fn attached() -> Box<Thread> {
    let here = 0u8;
    let lowest = (&raw const here as usize).saturating_sub(1 << 20);
    Thread::spawn_here(process_runtime(), lowest).expect("memory")
}
