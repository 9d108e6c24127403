//! A Python thread: its registers, what it has waiting, and its way through safepoints.
//!
//! `&mut Thread` is the right to reach a safepoint; `&Thread` promises that none is reached while it is borrowed.

use crate::epoch::{self, Limbo};
use crate::gc::LocalGc;
use crate::header::Header;
use crate::heap::{Heap, Kind};
use crate::lock::Holder;
use crate::runtime::{Runtime, ThreadShared, poll};
use crate::split::{self, OwnCounts};
use crate::stack::RegisterStack;
use crate::stress;
use crate::sync::{Arc, Ordering, check};
use crate::value::{Ref, Value, drop_register};
use crate::verify;
use crate::word::{self, Word};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::marker::PhantomPinned;
use std::ptr::NonNull;
#[cfg(not(orochi_loom))]
use std::sync::OnceLock;

/// Something that Python code must be run for.
pub enum Pending {
    /// Run the finalizer of this object, once; then drop it.
    Finalizer(Value),
    /// Call `callback(weakref)`.
    Callback { callback: Value, weakref: Value },
}

/// One Python thread. Made by [`Thread::spawn_here`]; belongs to one OS thread at a time.
///
/// Pinned and not `Unpin`: the current thread is also found through a thread-local, for drops.
pub struct Thread {
    runtime: &'static Runtime,
    shared: Arc<ThreadShared>,
    heap: Heap,
    /// The registers.
    pub stack: RegisterStack,
    /// Where the running frame's registers start; the interpreter keeps it when it reaches safepoints.
    pub frame_base: Cell<*mut Word>,
    limbo: Limbo,
    pub(crate) pending: RefCell<VecDeque<Pending>>,
    /// What is being destroyed; see `reclaim`.
    pub(crate) destroying: Cell<u32>,
    pub(crate) dying: RefCell<Vec<NonNull<Header>>>,
    leaf_locks: Cell<u32>,
    holder: Holder,
    pub(crate) gc: LocalGc,
    pub(crate) own_counts: OwnCounts,
    /// Safepoints since the heap was verified.
    pub(crate) unverified: Cell<u32>,
    /// The state of the random numbers for stress.
    pub(crate) random: Cell<u64>,
    native_limit: Cell<usize>,
    /// State of the layers above.
    pub extension: Cell<*mut ()>,
    _pinned: PhantomPinned,
}

#[cfg(orochi_loom)]
loom::thread_local! {
    static CURRENT: Cell<*const Thread> = Cell::new(std::ptr::null());
}

#[cfg(not(orochi_loom))]
thread_local! {
    static CURRENT: Cell<*const Thread> = const { Cell::new(std::ptr::null()) };
}

/// The runtime of a model: a new one in each execution.
#[cfg(orochi_loom)]
pub fn process_runtime() -> &'static Runtime {
    loom::lazy_static! {
        static ref RUNTIME: Runtime = Runtime::new();
    }
    &RUNTIME
}

/// The one runtime of this process.
#[cfg(not(orochi_loom))]
pub fn process_runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(Runtime::new)
}

/// Runs `f` with the thread attached on this OS thread, if there is one.
#[inline]
pub(crate) fn with_current<R>(f: impl FnOnce(Option<&Thread>) -> R) -> R {
    let current = CURRENT.try_with(Cell::get).unwrap_or(std::ptr::null());
    // SAFETY: set while the thread exists on this OS thread; all that is changed through it lies in cells, and `Thread`
    // is not `Unpin`, so an exclusive reference elsewhere doesn't promise uniqueness to the compiler.
    f(unsafe { current.as_ref() })
}

/// Runs `f` with the thread attached on this OS thread; `None` if there is none.
#[inline]
pub fn current<R>(f: impl FnOnce(&Thread) -> R) -> Option<R> {
    with_current(|thread| thread.map(f))
}

/// Reasons that are always there under the stress cfg: every safepoint announces and reclaims.
const STRESS: u32 = if cfg!(orochi_stress) { poll::EPOCH | poll::RECLAIM } else { 0 };

/// Bytes of native stack kept free for native code between two checks.
const NATIVE_RESERVE: usize = 192 * 1024;

impl Thread {
    /// Creates a thread for this OS thread, attached. `None` if there is no memory for its stack.
    ///
    /// `native_stack` is the lowest usable address of the OS thread's stack.
    pub fn spawn_here(runtime: &'static Runtime, native_stack: usize) -> Option<Box<Thread>> {
        let stack = RegisterStack::new()?;
        let base = stack.top();
        let shared = runtime.register();
        let holder = Holder::new(shared.id());
        let thread = Box::new(Thread {
            runtime,
            shared,
            heap: Heap::new(runtime.space.clone()),
            stack,
            frame_base: Cell::new(base),
            limbo: Limbo::default(),
            pending: RefCell::default(),
            destroying: Cell::new(0),
            dying: RefCell::default(),
            leaf_locks: Cell::new(0),
            holder,
            gc: LocalGc::default(),
            own_counts: OwnCounts::new(),
            unverified: Cell::new(0),
            random: Cell::new(0),
            native_limit: Cell::new(native_stack + NATIVE_RESERVE),
            extension: Cell::new(std::ptr::null_mut()),
            _pinned: PhantomPinned,
        });
        // Release pairs with the Acquire of whoever has stopped the world and looks at the registers.
        thread.shared.stack.store((&raw const thread.stack).cast_mut(), Ordering::Release);
        thread.shared.own_counts.store((&raw const thread.own_counts).cast_mut(), Ordering::Release);
        let alarm = thread.shared.clone();
        thread.heap.set_alarm(runtime.gc.minimum(), Box::new(move || alarm.request(poll::COLLECT)));
        runtime.attach(&thread.shared);
        CURRENT.with(|current| current.set(&raw const *thread));
        runtime.end_solitude(&thread.shared);
        stress::begin(&thread);
        Some(thread)
    }

    /// The process's runtime.
    #[inline(always)]
    pub fn runtime(&self) -> &'static Runtime {
        self.runtime
    }

    /// Whether there is no other thread, so that shared objects may be changed as if they were local, until the next safepoint.
    #[inline(always)]
    pub fn is_alone(&self) -> bool {
        self.runtime.is_alone()
    }

    /// The part other threads may touch.
    #[inline(always)]
    pub fn shared(&self) -> &Arc<ThreadShared> {
        &self.shared
    }

    /// Where this thread's objects lie.
    #[inline(always)]
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    pub(crate) fn limbo(&self) -> &Limbo {
        &self.limbo
    }

    /// Reasons to leave the fast path. One relaxed load: each reason is handled with its own ordering in `safepoint`.
    #[inline(always)]
    pub fn poll(&self) -> u32 {
        self.shared.poll.load(Ordering::Relaxed) | STRESS
    }

    /// Clears bits of the poll word and returns those that were set.
    pub fn take_poll(&self, bits: u32) -> u32 {
        // Acquire pairs with the Release of `request`.
        (self.shared.poll.fetch_and(!bits, Ordering::Acquire) | STRESS) & bits
    }

    /// Handles the runtime's own reasons: stops, epochs, reclamation. Signals, pending finalizers and collections are left
    /// to the caller, who looks at `poll` afterwards.
    #[cold]
    pub fn safepoint(&mut self) {
        stress::at_safepoint(self);
        let reasons = self.take_poll(poll::EPOCH | poll::RECLAIM);
        let stop = self.poll() & poll::STOP != 0;
        if reasons == 0 && !stop {
            return;
        }
        self.own_registers();
        if stop {
            self.runtime.park_for_stop(&self.shared);
        }
        if reasons & poll::EPOCH != 0 {
            self.own_counts.cool_down();
            self.runtime.announce(&self.shared);
            self.runtime.wake_reclaimers(&self.shared);
        }
        if reasons & poll::RECLAIM != 0 {
            epoch::reclaim(self, false);
        }
        verify::at_safepoint(self);
    }

    /// Destroys what waits for a grace period, as far as other threads have let it pass. A safepoint.
    pub fn reclaim_now(&mut self) {
        self.own_registers();
        epoch::reclaim(self, true);
    }

    /// Counts every borrowed register.
    pub(crate) fn own_registers(&self) {
        self.stack.own_borrowed(self.frame_base.get());
    }

    /// Runs `f` with what `find` finds in `place`, in a register of its own that keeps it alive across safepoints: a shared
    /// object is borrowed, not counted. `None` if there is nothing to be found.
    #[inline]
    pub fn hold<P, R>(
        &mut self,
        place: &P,
        find: impl for<'a> FnOnce(&'a P, &'a Thread) -> Option<Ref<'a>>,
        f: impl FnOnce(&mut Thread, Ref<'_>) -> R,
    ) -> Option<R> {
        let slot = self.stack.top();
        if !self.stack.has_room(slot, 1) {
            let owned = find(place, self)?.to_owned();
            return Some(f(self, owned.get()));
        }
        let word = find(place, self)?.register_word();
        // SAFETY: there is room, and words from the top on hold nothing.
        unsafe {
            *slot = word;
            self.stack.set_top(slot.add(1));
        }
        // The register may lie below the watermark of a call that has ended.
        if !check("hold: below the watermark", false) {
            self.stack.returned_to(slot);
        }
        let held = Held { thread: self, slot };
        // SAFETY: the register keeps the object until `held` is dropped. Its word may lose the mark of a borrowed one
        // meanwhile.
        let object = unsafe { Ref::from_word(word) };
        Some(f(held.thread, object))
    }

    /// Runs `f` detached: the thread counts as quiescent and doesn't hold up others. `f` touches no objects.
    pub fn detached<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.leave();
        let result = f();
        self.come_back();
        result
    }

    /// Detaches the thread.
    pub(crate) fn leave(&mut self) {
        self.own_registers();
        if !self.limbo.is_empty() || self.runtime.orphaned.load(Ordering::Relaxed) != 0 {
            epoch::reclaim(self, true);
            self.limbo.abandon(self);
        }
        self.runtime.detach(&self.shared);
    }

    /// Attaches it again.
    pub(crate) fn come_back(&mut self) {
        self.runtime.attach(&self.shared);
    }

    /// Runs `f` with every other thread stopped.
    pub fn stop_the_world<R>(&mut self, f: impl FnOnce(&mut Thread, &[Arc<ThreadShared>]) -> R) -> R {
        self.own_registers();
        let shared = self.shared.clone();
        self.runtime.stop_the_world(&shared, |threads| f(self, threads))
    }

    /// Copies the process with every other thread stopped. In the child (`is_child` of what `fork` gives) there is this thread
    /// alone; what others had in registers or waiting for a grace period stays for good.
    pub fn fork<R>(&mut self, fork: impl FnOnce() -> R, is_child: impl FnOnce(&R) -> bool) -> R {
        self.stop_the_world(|thread, threads| {
            // The child has none of the others' parts of counts. SAFETY: the world is stopped.
            unsafe { split::fold(thread, thread.runtime, threads) };
            thread.runtime.fork(&thread.shared, fork, is_child)
        })
    }

    /// Whether so little native stack is left that native recursion must end in RecursionError.
    #[inline(always)]
    pub fn native_stack_low(&self) -> bool {
        crate::host::stack_pointer() < self.native_limit.get()
    }

    /// The thread as a holder of object locks.
    #[inline(always)]
    pub(crate) fn holder(&self) -> &Holder {
        &self.holder
    }

    #[inline(always)]
    pub(crate) fn enter_leaf(&self) {
        if cfg!(debug_assertions) {
            self.leaf_locks.set(self.leaf_locks.get() + 1);
        }
    }

    #[inline(always)]
    pub(crate) fn leave_leaf(&self) {
        if cfg!(debug_assertions) {
            self.leaf_locks.set(self.leaf_locks.get() - 1);
        }
    }

    /// Debug builds: no object lock may be held where objects are destroyed or Python code runs.
    #[inline(always)]
    pub fn assert_no_leaf(&self) {
        debug_assert_eq!(self.leaf_locks.get(), 0, "an object lock is held where it must not be");
    }

    /// Makes shared what is left of this thread's local objects: cycles that no collection has found. Its pages will go to
    /// different threads, so nobody else could tell what is local to whom.
    fn share_leftovers(&self) {
        for kind in [Kind::Leaf, Kind::Container] {
            // SAFETY: nothing is allocated or freed.
            unsafe {
                self.heap.for_each_block(kind, |block| {
                    let header = block.cast::<Header>().as_ref();
                    if !header.is_shared() && !header.is_dying() {
                        header.mark_shared();
                    }
                });
            }
        }
    }

    /// Ends the thread: reclaims or hands on what waits, detaches and unregisters. Dropping the box does the same.
    fn end(&mut self) {
        self.own_registers();
        self.discard_pending();
        // What dies now may have finalizers, which another thread must run.
        self.limbo.abandon(self);
        self.share_leftovers();
        split::leave(self);
        self.runtime.detach(&self.shared);
        self.runtime.unregister(&self.shared);
        self.shared.stack.store(std::ptr::null_mut(), Ordering::Release);
        self.shared.own_counts.store(std::ptr::null_mut(), Ordering::Release);
        CURRENT.with(|current| current.set(std::ptr::null()));
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.end();
    }
}

/// The register of [`Thread::hold`]; empty and given back at the end, also by a panic.
struct Held<'a> {
    thread: &'a mut Thread,
    slot: *mut Word,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // SAFETY: the register is the thread's topmost: whatever `f` put above it is gone.
        unsafe {
            let word = std::mem::replace(&mut *self.slot, word::UNBOUND);
            self.thread.stack.set_top(self.slot);
            drop_register(word);
        }
    }
}
