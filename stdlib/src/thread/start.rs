//! Starting threads, and handles to wait for them.
//!
//! What a new thread is given is published, since both threads can reach it. A handle's state lies outside the heap: the
//! ending thread tells its end there after it has detached, and wakes whoever waits.

use orochi_core::host::{self, Wake};
use orochi_core::sync::{AtomicU32, AtomicU64, AtomicUsize, Ordering, lock};
use orochi_core::thread::process_runtime;
use orochi_core::{Owned, Shared};
use orochi_macros::{Trace, pyclass, pyfunction, pymethods};
use orochi_objects::error::{PyResult, finalization_error, runtime_error, type_error, value_error};
use orochi_objects::thread::{ThreadState, run_signal_handlers};
use orochi_objects::types::{dict, exception, tuple};
use orochi_objects::{Args, Obj, Ref, Thread, Value, protocol};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// Stack of new threads, in bytes, unless `stack_size` says otherwise; touched as it is used.
const DEFAULT_STACK: usize = 16 << 20;

const NOT_STARTED: u32 = 0;
const RUNNING: u32 = 1;
const DONE: u32 = 2;

static MAIN: AtomicU64 = AtomicU64::new(0);
static RUNNING_THREADS: AtomicUsize = AtomicUsize::new(0);
/// The first interpreter; see [`interpreter`]. Relaxed, as `MAIN`: written once, before there is a second thread.
static MAIN_INTERPRETER: AtomicUsize = AtomicUsize::new(0);
/// The threads that the end of an interpreter waits for, and which that is.
static TO_JOIN: Mutex<Vec<(usize, Arc<Handle>)>> = Mutex::new(Vec::new());
/// The threads that run, as far as anything is known of them: those that were started here, and those that others have asked for.
static ALIVE: Mutex<Vec<Weak<Handle>>> = Mutex::new(Vec::new());

/// The system's numbers for the threads that run, by identifier.
static NATIVE_IDS: Mutex<BTreeMap<u64, u64>> = Mutex::new(BTreeMap::new());

/// What is known of a thread from outside.
struct Handle {
    state: AtomicU32,
    ident: AtomicU64,
}

impl Handle {
    fn finish(&self) {
        // Release pairs with the Acquire in `wait`: what the thread did is visible to who joins it.
        self.state.store(DONE, Ordering::Release);
        host::wake_all(&self.state);
    }

    /// The same at the end of an OS thread.
    fn end(self: &Arc<Handle>) {
        lock(&ALIVE).retain(|alive| !std::ptr::eq(alive.as_ptr(), &raw const **self));
        self.finish();
    }

    /// A forked child needs to know of it, since the thread isn't there.
    fn remember(self: &Arc<Handle>) {
        let mut alive = lock(&ALIVE);
        alive.retain(|handle| handle.strong_count() > 0);
        alive.push(Arc::downgrade(self));
    }

    /// Waits for the end; false if the time ran out. Signal handlers run meanwhile.
    fn wait(&self, thread: &mut Thread, timeout: Option<Duration>) -> PyResult<bool> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let state = self.state.load(Ordering::Acquire);
            if state == DONE {
                return Ok(true);
            }
            let remaining = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if remaining == Some(Duration::ZERO) {
                return Ok(false);
            }
            if thread.detached(|| host::wait(&self.state, state, remaining)) == Wake::Interrupted {
                run_signal_handlers(thread)?;
            }
        }
    }
}

/// The system's number for the calling thread.
pub(super) fn native_id() -> u64 {
    host::native_thread_id()
}

/// The system's number for a thread that was started here, or for the main thread.
pub(super) fn known_native_id(ident: u64) -> Option<u64> {
    lock(&NATIVE_IDS).get(&ident).copied()
}

pub(super) fn remember_main_thread(thread: &Thread) {
    lock(&NATIVE_IDS).insert(thread.shared().id(), native_id());
    let _ = MAIN.compare_exchange(0, thread.shared().id(), Ordering::Relaxed, Ordering::Relaxed);
    let _ = MAIN_INTERPRETER.compare_exchange(0, interpreter(thread), Ordering::Relaxed, Ordering::Relaxed);
}

/// What tells the calling thread's interpreter from others.
fn interpreter(thread: &Thread) -> usize {
    std::ptr::from_ref(&*ThreadState::of(thread).interpreter).addr()
}

pub(super) fn in_main_interpreter(thread: &Thread) -> bool {
    MAIN_INTERPRETER.load(Ordering::Relaxed) == interpreter(thread)
}

pub(super) fn main_thread_id() -> u64 {
    MAIN.load(Ordering::Relaxed)
}

pub(crate) fn running() -> usize {
    RUNNING_THREADS.load(Ordering::Relaxed)
}

/// What a thread runs.
struct Job {
    function: Shared,
    args: Shared,
    kwargs: Shared,
    interpreter: Shared,
    context: Option<Shared>,
    handle: Arc<Handle>,
}

/// Starts an OS thread for a job. RuntimeError if the system refuses.
fn spawn(thread: &mut Thread, job: Job) -> PyResult<u64> {
    if crate::sys::is_shutting_down() {
        return Err(finalization_error("can't create new thread at interpreter shutdown"));
    }
    crate::signal::share_handlers(thread)?;
    let size = match super::STACK_SIZE.load(Ordering::Relaxed) {
        0 => DEFAULT_STACK,
        size => size.max(256 * 1024),
    };
    let handle = job.handle.clone();
    handle.state.store(RUNNING, Ordering::Relaxed);
    let (told, ident) = std::sync::mpsc::sync_channel(1);
    RUNNING_THREADS.fetch_add(1, Ordering::Relaxed);
    handle.remember();
    let started = std::thread::Builder::new().stack_size(size).spawn(move || run(job, &told));
    // Detached: the new thread can't begin while the world is stopped, and stopping it waits for us.
    let ident = started.ok().and_then(|_| thread.detached(|| ident.recv().ok()));
    match ident {
        Some(ident) => Ok(ident),
        None => {
            RUNNING_THREADS.fetch_sub(1, Ordering::Relaxed);
            handle.end();
            Err(runtime_error("can't start new thread"))
        }
    }
}

/// The life of a thread.
fn run(job: Job, told: &std::sync::mpsc::SyncSender<u64>) {
    let Job { function, args, kwargs, interpreter, context, handle } = job;
    let Some(mut thread) = Thread::spawn_here(process_runtime(), host::native_stack_limit()) else { return };
    let interpreter = match interpreter.into_value().downcast() {
        Ok(interpreter) => interpreter,
        Err(_) => return,
    };
    if ThreadState::attach(&thread, interpreter).is_err() {
        return;
    }
    ThreadState::of(&thread).context = context.map(Shared::into_value);
    let ident = thread.shared().id();
    handle.ident.store(ident, Ordering::Relaxed);
    lock(&NATIVE_IDS).insert(ident, native_id());
    if told.send(ident).is_err() {
        return;
    }
    let function = function.into_value();
    let result = call(&mut thread, function.get(), args.into_value(), kwargs.into_value());
    if let Err(error) = result
        && !error.matches(&exception::SystemExit)
    {
        let shown = protocol::repr(&mut thread, function.get());
        let shown = shown.map_or_else(
            |_| "<object repr() failed>".to_owned(),
            |text| orochi_objects::str::display(text.get()),
        );
        let message = format!("Exception ignored in thread started by {shown}");
        orochi_objects::finalize::unraisable(&mut thread, error, Some(&message), Ref::NONE);
    }
    drop(function);
    run_last_finalizers(&mut thread);
    lock(&NATIVE_IDS).remove(&ident);
    ThreadState::detach(&thread);
    drop(thread);
    RUNNING_THREADS.fetch_sub(1, Ordering::Relaxed);
    handle.end();
}

/// Drops what the thread kept for itself and runs the finalizers and callbacks of what dies with that.
fn run_last_finalizers(thread: &mut Thread) {
    // Finalizers may leave more behind; at some time it is enough.
    for _ in 0..10 {
        crate::asyncio_::thread_ends(thread);
        let state = ThreadState::of(thread);
        let (locals, context) = (std::mem::take(&mut state.locals), state.context.take());
        drop((locals, context));
        thread.reclaim_now();
        if !thread.has_pending() {
            return;
        }
        orochi_objects::finalize::run_pending(thread);
    }
}

/// In the child after a fork: the calling thread is the only one, and the main thread.
pub(crate) fn after_fork(thread: &Thread) {
    let me = thread.shared().id();
    MAIN.store(me, Ordering::Relaxed);
    RUNNING_THREADS.store(0, Ordering::Relaxed);
    lock(&TO_JOIN).clear();
    lock(&ALIVE).retain(|handle| {
        let Some(handle) = handle.upgrade() else { return false };
        let is_mine = handle.ident.load(Ordering::Relaxed) == me;
        if !is_mine {
            handle.finish();
        }
        is_mine
    });
}

fn call(thread: &mut Thread, function: Ref<'_>, args: Value, kwargs: Value) -> PyResult {
    let positional = args.get().downcast::<tuple::PyTuple>();
    let mut values: Vec<Ref<'_>> = positional.map(|args| args.items().collect()).unwrap_or_default();
    let Some(kwargs) = kwargs.get().downcast::<dict::PyDict>() else {
        return protocol::call(thread, function, &values);
    };
    let entries = dict::entries(thread, kwargs)?;
    let names = tuple::new(thread, entries.iter().map(|entry| entry.key.clone()).collect())?;
    values.extend(entries.iter().map(|entry| entry.value.get()));
    protocol::call_args(thread, function, Args::with_names(&values, Some(&names)))
}

fn job(thread: &Thread, function: Ref<'_>, args: Value, kwargs: Value, handle: Arc<Handle>) -> Job {
    let interpreter = Owned::clone(&ThreadState::of(thread).interpreter).into_value();
    Job {
        function: Shared::new(function.to_owned()),
        args: Shared::new(args),
        kwargs: Shared::new(kwargs),
        interpreter: Shared::new(interpreter),
        context: None,
        handle,
    }
}

fn check_callable(function: Ref<'_>, message: &'static str) -> PyResult<()> {
    match orochi_objects::class_of(function).slots.tp_call() {
        Some(_) => Ok(()),
        None => Err(type_error(message)),
    }
}

/// Start a new thread that calls the function with these arguments, and return its identifier.
#[pyfunction]
#[signature(function, args, kwargs = None, /)]
pub(super) fn start_new_thread(
    thread: &mut Thread,
    function: Ref<'_>,
    args: Ref<'_>,
    kwargs: Option<Ref<'_>>,
) -> PyResult<u64> {
    check_callable(function, "first arg must be callable")?;
    if args.downcast::<tuple::PyTuple>().is_none() {
        return Err(type_error("2nd arg must be a tuple"));
    }
    if kwargs.is_some_and(|kwargs| kwargs.downcast::<dict::PyDict>().is_none()) {
        return Err(type_error("optional 3rd arg must be a dictionary"));
    }
    let handle = Arc::new(Handle { state: AtomicU32::new(NOT_STARTED), ident: AtomicU64::new(0) });
    let kwargs = kwargs.map_or(Value::NONE, Ref::to_owned);
    let job = job(thread, function, args.to_owned(), kwargs, handle);
    spawn(thread, job)
}

/// Start a new thread that calls the function without arguments, and return a handle to wait for it.
#[pyfunction]
#[signature(function, handle = None, daemon = true)]
pub(super) fn start_joinable_thread(
    thread: &mut Thread,
    function: Ref<'_>,
    handle: Option<&Obj<PyThreadHandle>>,
    daemon: bool,
) -> PyResult {
    check_callable(function, "thread function must be callable")?;
    let handle = match handle {
        Some(handle) => handle.to_owned(),
        None => orochi_objects::make(thread, PyThreadHandle::not_started())?,
    };
    let state = &handle.handle;
    // Two threads may try to start one handle: one wins.
    if state.state.compare_exchange(NOT_STARTED, RUNNING, Ordering::Relaxed, Ordering::Relaxed).is_err() {
        return Err(runtime_error("thread already started"));
    }
    let job = job(thread, function, Value::NONE, Value::NONE, state.clone());
    if !daemon {
        lock(&TO_JOIN).push((interpreter(thread), state.clone()));
    }
    if let Err(error) = spawn(thread, job) {
        state.state.store(NOT_STARTED, Ordering::Relaxed);
        return Err(error);
    }
    Ok(handle.into_value())
}

/// Wait for all threads that aren't daemons.
#[pyfunction]
pub(super) fn _shutdown(thread: &mut Thread) -> PyResult<()> {
    let (me, here) = (thread.shared().id(), interpreter(thread));
    loop {
        let next = {
            let mut waiting = lock(&TO_JOIN);
            let last = waiting.iter().rposition(|(interpreter, _)| *interpreter == here);
            last.map(|last| waiting.remove(last))
        };
        let Some((_, handle)) = next else { return Ok(()) };
        if handle.ident.load(Ordering::Relaxed) != me {
            handle.wait(thread, None)?;
        }
    }
}

/// Return a handle for a thread that wasn't started here.
#[pyfunction]
#[signature(ident, /)]
pub(super) fn _make_thread_handle(thread: &mut Thread, ident: u64) -> PyResult {
    let handle = Arc::new(Handle { state: AtomicU32::new(RUNNING), ident: AtomicU64::new(ident) });
    handle.remember();
    Ok(orochi_objects::make(thread, PyThreadHandle { handle })?.into_value())
}

/// Set the name under which the system knows this thread.
#[pyfunction]
#[signature(name)]
pub(super) fn set_name(name: &str) {
    host::set_thread_name(name);
}

/// A thread, to wait for.
#[pyclass(name = "_ThreadHandle", module = "_thread")]
#[derive(Trace)]
pub(super) struct PyThreadHandle {
    handle: Arc<Handle>,
}

impl PyThreadHandle {
    fn not_started() -> PyThreadHandle {
        PyThreadHandle {
            handle: Arc::new(Handle { state: AtomicU32::new(NOT_STARTED), ident: AtomicU64::new(0) }),
        }
    }
}

#[pymethods]
impl PyThreadHandle {
    #[new]
    #[no_text_signature]
    fn new(thread: &mut Thread, cls: &Obj<orochi_objects::PyType>) -> PyResult {
        Ok(orochi_objects::alloc(thread, cls, PyThreadHandle::not_started())?.into_value())
    }

    #[getter]
    fn ident(this: &Obj<Self>) -> u64 {
        this.handle.ident.load(Ordering::Relaxed)
    }

    /// Wait for the thread's end, at most for some seconds.
    #[signature(timeout = None, /)]
    fn join(thread: &mut Thread, this: &Obj<Self>, timeout: Option<f64>) -> PyResult<()> {
        match this.handle.state.load(Ordering::Acquire) {
            NOT_STARTED => return Err(runtime_error("thread not started")),
            RUNNING if this.handle.ident.load(Ordering::Relaxed) == thread.shared().id() => {
                return Err(runtime_error("Cannot join current thread"));
            }
            _ => {}
        }
        // A negative time waits for ever.
        let timeout = match timeout.filter(|seconds| *seconds >= 0.0) {
            Some(seconds) => Some(
                Duration::try_from_secs_f64(seconds)
                    .map_err(|_| value_error("timeout value is too large"))?,
            ),
            None => None,
        };
        // Threads that run on when the program ends do nothing that could be waited for.
        if crate::sys::is_shutting_down() && this.handle.state.load(Ordering::Acquire) != DONE {
            return Err(finalization_error("cannot join thread at interpreter shutdown"));
        }
        this.handle.wait(thread, timeout).map(drop)
    }

    /// Return whether the thread has ended.
    fn is_done(this: &Obj<Self>) -> bool {
        this.handle.state.load(Ordering::Acquire) == DONE
    }

    fn _set_done(this: &Obj<Self>) -> PyResult<()> {
        if this.handle.state.load(Ordering::Relaxed) == NOT_STARTED {
            return Err(runtime_error("thread not started"));
        }
        this.handle.finish();
        Ok(())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let ident = this.handle.ident.load(Ordering::Relaxed);
        orochi_objects::str::new(thread, &format!("<_ThreadHandle object: ident={ident}>"))
    }
}
