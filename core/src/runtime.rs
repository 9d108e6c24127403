//! The process-wide registry of threads: attaching, detaching, stopping the world, and the epoch.
//!
//! State of a thread (`ThreadShared::state`):
//!
//! | state | meaning | leaves it by |
//! |---|---|---|
//! | DETACHED | touches no object; counts as quiescent | its own thread: ATTACHED; a stopper: SUSPENDED |
//! | ATTACHED | runs; must poll | its own thread only: DETACHED, or SUSPENDED at a safepoint |
//! | SUSPENDED | stopped by a stopper | the stopper only: DETACHED |
//!
//! Stop the world: the stopper (one at a time, `Registry::stopping`) sets STOP on every other thread, moves detached ones
//! to SUSPENDED, and waits until none is ATTACHED. Resuming moves every SUSPENDED thread to DETACHED and wakes all.
//!
//! Epochs (quiescent-state based reclamation): see `epoch.rs`.

use crate::epoch::Orphans;
use crate::gc::GcState;
use crate::heap::Space;
use crate::split::{OwnCounts, SplitObjects};
use crate::stack::RegisterStack;
use crate::sync::{
    Arc, AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Condvar, Mutex, MutexGuard,
    Ordering, check, fence, lock, ordering, wait,
};
use crate::weak::WeakTable;

/// Bits of a thread's poll word.
pub mod poll {
    /// The world is being stopped.
    pub const STOP: u32 = 1;
    /// An epoch is asked for.
    pub const EPOCH: u32 = 2;
    /// Finalizers or weak-reference callbacks wait.
    pub const PENDING: u32 = 4;
    /// Shared objects or retired memory may be reclaimable.
    pub const RECLAIM: u32 = 8;
    /// A collection is due.
    pub const COLLECT: u32 = 16;
    /// A signal arrived (main thread) or an asynchronous exception was set.
    pub const SIGNAL: u32 = 32;
    /// Every safepoint is to be noticed (`stress.rs`). Never cleared.
    pub const STRESS: u32 = 64;
    /// A debugger in another process wants something of this one. It sets this bit by writing the whole byte, which
    /// therefore has no other.
    pub const DEBUGGER: u32 = 1 << 24;
    /// First bit that the layers above may use, up to `DEBUGGER`.
    pub const FIRST_FREE: u32 = 1 << 8;
}

const DETACHED: u8 = 0;
const ATTACHED: u8 = 1;
const SUSPENDED: u8 = 2;

/// The part of a thread that other threads may touch.
pub struct ThreadShared {
    /// Reasons to leave the fast path at the next safepoint (`poll::*`).
    pub poll: AtomicU32,
    pub(crate) state: AtomicU8,
    /// The epoch at this thread's last quiescent point.
    pub(crate) announced: AtomicU64,
    pub(crate) id: u64,
    /// Whether the thread waits for the present epoch to end.
    wants_epoch: AtomicBool,
    /// The thread's registers while it exists; read by who stopped it.
    pub(crate) stack: AtomicPtr<RegisterStack>,
    /// The thread's part of split counts, likewise.
    pub(crate) own_counts: AtomicPtr<OwnCounts>,
    /// State of the layers above (`Thread::extension`), likewise; null while there is none.
    pub extension: AtomicPtr<()>,
}

impl ThreadShared {
    /// Asks the thread to look at `bits` at its next safepoint.
    pub fn request(&self, bits: u32) {
        // Release pairs with the Acquire in `Thread::safepoint`: what the request is about is visible there.
        self.poll.fetch_or(bits, Ordering::Release);
    }

    fn is_behind(&self, epoch: u64) -> bool {
        // Acquire: as in `announce_and_look`.
        self.state.load(Ordering::SeqCst) == ATTACHED && self.announced.load(Ordering::Acquire) < epoch
    }

    /// A number that no other thread of the process has or had.
    pub fn id(&self) -> u64 {
        self.id
    }
}

/// Whether there is only one thread, which may therefore do without locks; see [`Runtime::assume_alone`]. It is asked often,
/// and lies apart from what changes.
#[derive(Default)]
#[repr(align(128))]
struct Solitude(AtomicBool);

/// The process: its threads and its epoch.
pub struct Runtime {
    pub(crate) epoch: AtomicU64,
    registry: Mutex<Registry>,
    changed: Condvar,
    pub(crate) orphans: Mutex<Orphans>,
    /// How many orphans there are, roughly.
    pub(crate) orphaned: AtomicUsize,
    /// Whether somebody waits for the present epoch to end.
    pub(crate) wanted: AtomicBool,
    alone: Solitude,
    pub(crate) space: Arc<Space>,
    pub(crate) weak: WeakTable,
    pub(crate) split: SplitObjects,
    /// What the collectors keep between runs.
    pub gc: GcState,
}

struct Registry {
    threads: Vec<Arc<ThreadShared>>,
    stopping: bool,
    next_id: u64,
}

impl Default for Runtime {
    fn default() -> Runtime {
        Runtime::new()
    }
}

impl Runtime {
    /// A runtime without threads.
    pub fn new() -> Runtime {
        Runtime {
            epoch: AtomicU64::new(1),
            registry: Mutex::new(Registry { threads: Vec::new(), stopping: false, next_id: 1 }),
            changed: Condvar::new(),
            orphans: Mutex::new(Orphans::default()),
            orphaned: AtomicUsize::new(0),
            wanted: AtomicBool::new(false),
            alone: Solitude::default(),
            space: Arc::new(Space::new()),
            weak: WeakTable::new(),
            split: SplitObjects::new(),
            gc: GcState::new(),
        }
    }

    /// Registers a new, detached thread.
    pub(crate) fn register(&self) -> Arc<ThreadShared> {
        let mut registry = lock(&self.registry);
        let id = registry.next_id;
        registry.next_id += 1;
        // Who stops the world does not know of this thread.
        let free = check("safepoint: nobody stops", !registry.stopping);
        let state = if free { DETACHED } else { SUSPENDED };
        let shared = Arc::new(ThreadShared {
            poll: AtomicU32::new(0),
            state: AtomicU8::new(state),
            announced: AtomicU64::new(0),
            id,
            wants_epoch: AtomicBool::new(false),
            stack: AtomicPtr::new(std::ptr::null_mut()),
            own_counts: AtomicPtr::new(std::ptr::null_mut()),
            extension: AtomicPtr::new(std::ptr::null_mut()),
        });
        registry.threads.push(shared.clone());
        shared
    }

    /// Forgets a detached thread.
    pub(crate) fn unregister(&self, shared: &Arc<ThreadShared>) {
        lock(&self.registry).threads.retain(|thread| thread.id != shared.id);
        self.changed.notify_all();
    }

    /// Lets the only thread do without locks, change the blocks of shared containers in place, and destroy shared objects
    /// without an epoch, between its safepoints, until another thread comes. Nothing changes if there is another one.
    pub fn assume_alone(&self) {
        let registry = lock(&self.registry);
        if registry.threads.len() == 1 {
            // Relaxed: a thread that comes later registers under the same lock.
            self.alone.0.store(true, Ordering::Relaxed);
        }
    }

    /// Whether there is only one thread. The answer holds until that thread's next safepoint.
    #[inline(always)]
    pub(crate) fn is_alone(&self) -> bool {
        // Relaxed: `end_solitude` lets another thread begin only after this one has passed a safepoint, which orders this.
        self.alone.0.load(Ordering::Relaxed)
    }

    /// Before a thread that has just been attached looks at any object: the one that was alone is brought to a safepoint, and knows
    /// from then on that it isn't.
    pub(crate) fn end_solitude(&self, me: &ThreadShared) {
        if !self.is_alone() {
            return;
        }
        if check("alone: nobody needs to be stopped", false) {
            return self.alone.0.store(false, Ordering::Relaxed);
        }
        // What the other one did is visible here, and this to it: stopping and resuming are Acquire and Release.
        self.stop_the_world(me, |_| self.alone.0.store(false, Ordering::Relaxed));
    }

    /// How many threads are registered.
    pub fn thread_count(&self) -> usize {
        lock(&self.registry).threads.len()
    }

    /// The registered threads.
    pub fn threads(&self) -> Vec<Arc<ThreadShared>> {
        lock(&self.registry).threads.clone()
    }

    /// Moves the thread from DETACHED to ATTACHED, waiting while the world is stopped.
    pub(crate) fn attach(&self, shared: &ThreadShared) {
        // Acquire pairs with the Release of `resume`: what the stopper did is visible.
        while shared.state.compare_exchange(DETACHED, ATTACHED, Ordering::Acquire, Ordering::Relaxed).is_err()
        {
            let mut registry = lock(&self.registry);
            while shared.state.load(Ordering::Relaxed) == SUSPENDED {
                registry = wait(&self.changed, registry);
            }
        }
        self.announce(shared);
        // Relaxed: a hint; what is missed is there the next time.
        if self.orphaned.load(Ordering::Relaxed) != 0 {
            shared.request(poll::RECLAIM);
        }
    }

    /// Moves the thread from ATTACHED to DETACHED. Its registers hold no borrowed references any more.
    pub(crate) fn detach(&self, shared: &ThreadShared) {
        // Release pairs with the Acquire of a stopper that suspends the thread.
        shared.state.store(DETACHED, ordering("safepoint: detach", Ordering::Release));
        // The fence orders the store before the look at STOP: either the stopper sees DETACHED, or this thread sees STOP.
        fence(Ordering::SeqCst);
        if shared.poll.load(Ordering::Relaxed) & poll::STOP != 0 {
            drop(lock(&self.registry));
            self.changed.notify_all();
        }
        self.wake_reclaimers(shared);
    }

    /// Records that the thread holds no borrowed reference loaded before now.
    pub(crate) fn announce(&self, shared: &ThreadShared) {
        let epoch = self.epoch.load(Ordering::SeqCst);
        // Release: the counts of formerly borrowed registers are visible to whoever sees the announcement.
        shared.announced.store(epoch, ordering("epoch: announce", Ordering::Release));
        // Pairs with the fence in `epoch::stamp`: later loads of this thread see every unlinking that happened before
        // an epoch no later than the one announced.
        fence(Ordering::SeqCst);
    }

    /// Announces, and finds the least epoch that every attached thread has announced (what was stamped before it can be
    /// reclaimed) and whether other threads are attached.
    pub(crate) fn announce_and_look(&self, me: &ThreadShared) -> (u64, bool) {
        self.announce(me);
        let registry = lock(&self.registry);
        let mut safe = self.epoch.load(Ordering::SeqCst);
        let mut company = false;
        for thread in &registry.threads {
            if thread.state.load(Ordering::SeqCst) == ATTACHED {
                company |= thread.id != me.id;
                // Acquire pairs with the Release in `announce`.
                safe = safe.min(thread.announced.load(ordering("epoch: safe", Ordering::Acquire)));
            }
        }
        (safe, company)
    }

    /// Starts a new epoch, if every attached thread has announced the present one, and asks the others to announce it. If
    /// not, asks those that are behind, and the last of them will wake `me`.
    pub(crate) fn advance(&self, me: &ThreadShared) -> bool {
        let registry = lock(&self.registry);
        let epoch = self.epoch.load(Ordering::SeqCst);
        me.wants_epoch.store(true, Ordering::SeqCst);
        self.wanted.store(true, Ordering::SeqCst);
        // Pairs with the fences in `announce` and `detach`: either the thread is seen here to have announced (or gone),
        // or it sees that it is waited for.
        fence(Ordering::SeqCst);
        let mut behind = false;
        for thread in registry.threads.iter().filter(|thread| thread.is_behind(epoch)) {
            behind = true;
            thread.request(poll::EPOCH);
        }
        if behind {
            return false;
        }
        me.wants_epoch.store(false, Ordering::Relaxed);
        self.epoch.store(epoch + 1, Ordering::SeqCst);
        for thread in registry.threads.iter().filter(|thread| thread.id != me.id) {
            if thread.state.load(Ordering::SeqCst) == ATTACHED {
                thread.request(poll::EPOCH);
            }
        }
        true
    }

    /// After an announcement or a detachment: wakes those who wait for the epoch if nobody is behind any more.
    pub(crate) fn wake_reclaimers(&self, me: &ThreadShared) {
        // After a fence: see `advance`.
        if self.wanted.load(Ordering::Relaxed) {
            self.wake_reclaimers_slow(me);
        }
    }

    #[cold]
    fn wake_reclaimers_slow(&self, me: &ThreadShared) {
        let registry = lock(&self.registry);
        let epoch = self.epoch.load(Ordering::SeqCst);
        if registry.threads.iter().any(|thread| thread.is_behind(epoch)) {
            return;
        }
        self.wanted.store(false, Ordering::Relaxed);
        for thread in &registry.threads {
            if thread.wants_epoch.swap(false, Ordering::Relaxed) {
                thread.request(poll::RECLAIM);
            }
        }
        if self.orphaned.load(Ordering::Relaxed) != 0 {
            me.request(poll::RECLAIM);
        }
    }

    /// Stops every other thread, runs `f`, and lets them go on. `me` is attached and has no borrowed registers.
    pub(crate) fn stop_the_world<R>(
        &self,
        me: &ThreadShared,
        f: impl FnOnce(&[Arc<ThreadShared>]) -> R,
    ) -> R {
        let mut registry = lock(&self.registry);
        while registry.stopping {
            registry = self.suspended(registry, me);
        }
        registry.stopping = true;
        for thread in registry.threads.iter().filter(|thread| thread.id != me.id) {
            thread.request(poll::STOP);
        }
        // Pairs with the fence in `detach`.
        fence(Ordering::SeqCst);
        while !Self::suspend_others(&registry, me) {
            registry = wait(&self.changed, registry);
        }
        let threads = registry.threads.clone();
        drop(registry);
        let result = f(&threads);
        self.resume(me);
        result
    }

    /// Calls `fork` with the registry in order; in the child (if `is_child` says so) `me` is the only thread from then on. The
    /// world is stopped.
    pub(crate) fn fork<R>(
        &self,
        me: &ThreadShared,
        fork: impl FnOnce() -> R,
        is_child: impl FnOnce(&R) -> bool,
    ) -> R {
        // Nobody else can be at work on the registry, and half through, when the process is copied.
        let mut registry = lock(&self.registry);
        let result = fork();
        if is_child(&result) {
            registry.threads.retain(|thread| check("fork: threads that are gone", thread.id == me.id));
        }
        result
    }

    fn suspend_others(registry: &Registry, me: &ThreadShared) -> bool {
        let mut all = true;
        for thread in registry.threads.iter().filter(|thread| thread.id != me.id) {
            // Acquire pairs with the Release of `detach` and `suspended`: the thread's last writes are visible.
            match thread.state.compare_exchange(DETACHED, SUSPENDED, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) | Err(SUSPENDED) => {}
                Err(_) => all = false,
            }
        }
        all
    }

    fn resume(&self, me: &ThreadShared) {
        let mut registry = lock(&self.registry);
        for thread in registry.threads.iter().filter(|thread| thread.id != me.id) {
            thread.poll.fetch_and(!poll::STOP, Ordering::Relaxed);
            // Release pairs with the Acquire of `attach`.
            thread.state.store(DETACHED, ordering("safepoint: resume", Ordering::Release));
        }
        registry.stopping = false;
        drop(registry);
        self.changed.notify_all();
    }

    /// Waits out a stop: the thread is SUSPENDED until the stopper resumes it, then ATTACHED again.
    pub(crate) fn park_for_stop(&self, me: &ThreadShared) {
        let mut registry = lock(&self.registry);
        while registry.stopping {
            registry = self.suspended(registry, me);
        }
    }

    fn suspended<'a>(
        &'a self,
        mut registry: MutexGuard<'a, Registry>,
        me: &ThreadShared,
    ) -> MutexGuard<'a, Registry> {
        // Release pairs with the Acquire in `suspend_others`.
        me.state.store(SUSPENDED, Ordering::Release);
        self.changed.notify_all();
        while me.state.load(Ordering::Acquire) == SUSPENDED {
            registry = wait(&self.changed, registry);
        }
        // The stopper left DETACHED; no other stopper can have begun, for this thread holds the registry.
        me.state.store(ATTACHED, Ordering::Relaxed);
        self.announce(me);
        registry
    }
}
