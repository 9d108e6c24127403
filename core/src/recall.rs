//! The way back for callbacks: foreign code that a thread runs detached may call functions that need the thread.

use crate::thread::Thread;
use std::ptr::NonNull;

/// A thread that is detached for the time of a foreign call. It stays on its OS thread.
#[derive(Debug)]
pub struct Recall(NonNull<Thread>);

impl Recall {
    /// Runs `f` detached, as [`Thread::detached`] does; `f` may come back with [`Recall::run`].
    pub fn detached<R>(thread: &mut Thread, f: impl FnOnce(&Recall) -> R) -> R {
        let mut recall = Recall(NonNull::from(thread));
        // SAFETY: the borrow of `thread` lasts, and until the end it is used through this pointer only, each time briefly.
        unsafe { recall.0.as_mut() }.leave();
        let result = f(&recall);
        // SAFETY: as above. Whoever came back has left again.
        unsafe { recall.0.as_mut() }.come_back();
        result
    }

    /// Runs `f` with the thread attached, and detaches it again.
    ///
    /// # Safety
    /// It is called on the OS thread of the call, while its `f` runs, and not while another `run` of the same one does.
    pub unsafe fn run<R>(&self, f: impl FnOnce(&mut Thread) -> R) -> R {
        let mut thread = self.0;
        // SAFETY: the caller keeps to one user at a time; `detached` doesn't look at the thread while its `f` runs.
        let thread = unsafe { thread.as_mut() };
        thread.come_back();
        let result = f(thread);
        thread.leave();
        result
    }
}
