//! A model of importing a module once. The steps are those of importlib, which is written in Python, over the locks and objects that it
//! uses: a thread finds the module's lock under the lock of the table of locks, and looks at `sys.modules` again once it has it. Who finds
//! the module without a lock looks whether it is still being initialised.
#![cfg(orochi_loom)]

mod common;

use common::objects::{Classes, Handle, Node, attached};
use common::{fails, model};
use orochi_core::sync::{Arc, AtomicUsize, Ordering, UnsafeCell, check, thread};
use orochi_core::{Obj, Thread};

#[path = "../../stdlib/src/thread/lock_word.rs"]
#[allow(dead_code, reason = "a module of another crate")]
mod lock_word;
use lock_word::LockWord;
#[path = "../../stdlib/src/thread/ownership.rs"]
#[allow(dead_code, reason = "a module of another crate")]
mod ownership;
use ownership::Ownership;

/// As `_thread.RLock`.
struct Reentrant {
    word: LockWord,
    holder: Ownership,
}

impl Reentrant {
    fn new() -> Reentrant {
        Reentrant { word: LockWord::new(), holder: Ownership::new() }
    }

    fn acquire(&self, me: u64) {
        if self.holder.is(me) {
            assert!(self.holder.again());
            return;
        }
        if !self.word.try_acquire() {
            while self.word.wait(None, false).is_some() {}
        }
        self.holder.take(me, 1);
    }

    fn release(&self) {
        if self.holder.let_go_once() {
            assert!(self.word.release());
        }
    }
}

struct Importer {
    /// Its `next` is the module's entry in `sys.modules`. The module's `next` is there while it is being initialised.
    modules: Handle<Node>,
    /// What executing the module gives it.
    namespace: UnsafeCell<u32>,
    table: Reentrant,
    /// The number of the module's lock, plus one; 0: there is none.
    lock: AtomicUsize,
    locks: [Reentrant; 2],
}

// SAFETY: the namespace is reached as importlib's protocol allows, and loom checks it.
unsafe impl Sync for Importer {}
// SAFETY: as above.
unsafe impl Send for Importer {}

impl Importer {
    /// The module's lock; if there is none, one that this thread makes.
    fn find_lock(&self, me: usize) -> &Reentrant {
        let guarded = !check("import: table without its lock", false);
        if guarded {
            self.table.acquire(me as u64 + 1);
        }
        // Relaxed: the table's lock orders it.
        let found = match self.lock.load(Ordering::Relaxed) {
            0 => {
                self.lock.store(me + 1, Ordering::Relaxed);
                me
            }
            found => found - 1,
        };
        if guarded {
            self.table.release();
        }
        &self.locks[found]
    }

    /// `import module`, and a look at what is in it.
    fn import(&self, thread: &mut Thread, classes: Classes, me: usize) {
        let modules = self.modules.get();
        let found = modules.next.load(thread).and_then(|module| module.downcast::<Node>());
        let is_ready = found.is_some_and(|module| check("import: ready", module.next.load(thread).is_none()));
        if !is_ready {
            let lock = self.find_lock(me);
            lock.acquire(me as u64 + 1);
            let is_there = !check("import: not looking again", false) && modules.next.load(thread).is_some();
            if !is_there {
                self.execute(thread, classes);
            }
            lock.release();
        }
        // SAFETY: the module was executed before; loom checks it.
        assert_eq!(self.namespace.with(|namespace| unsafe { *namespace }), 1, "the module is executed once");
    }

    fn execute(&self, thread: &mut Thread, classes: Classes) {
        let initializing = classes.node(thread, None).into_value();
        let module = classes.node(thread, Some(initializing));
        let modules = self.modules.get();
        drop(modules.next.swap(modules, thread, Some(module.to_value())));
        // SAFETY: nobody else executes it, nor looks at it before it is ready; loom checks it.
        self.namespace.with_mut(|namespace| unsafe { *namespace += 1 });
        drop(module.next.swap(&*module, thread, None));
    }
}

fn two_threads_import() {
    let first = attached();
    let classes = Classes::new();
    let importer = Arc::new(Importer {
        modules: Handle::new(classes.node(&first, None)),
        namespace: UnsafeCell::new(0),
        table: Reentrant::new(),
        lock: AtomicUsize::new(0),
        locks: [Reentrant::new(), Reentrant::new()],
    });
    let second = importer.clone();
    let other = thread::spawn(move || second.import(&mut attached(), classes, 1));
    let mut first = first;
    importer.import(&mut first, classes, 0);
    drop(first);
    other.join().expect("no panic");
}

#[test]
fn module_is_executed_once() {
    model(two_threads_import);
}

#[test]
fn import_without_the_lock_of_the_table_fails() {
    fails("import: table without its lock", two_threads_import);
}

#[test]
fn import_that_does_not_look_again_fails() {
    fails("import: not looking again", two_threads_import);
}

#[test]
fn import_that_does_not_ask_whether_the_module_is_ready_fails() {
    fails("import: ready", two_threads_import);
}

#[test]
fn import_without_release_of_a_lock_fails() {
    fails("thread lock: release", two_threads_import);
}
