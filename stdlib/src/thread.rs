//! `_thread`: locks, thread-local data, starting threads.
//!
//! Locks park in the kernel and notice signals (`lock.rs`); a thread's start publishes what it is given (`start.rs`); each
//! thread's part of a `threading.local` belongs to that thread alone and is never shared (`local.rs`).

mod local;
mod lock;
mod lock_word;
mod ownership;
mod rlock;
pub(crate) mod start;

use crate::thread::lock::PyLock;
pub(crate) use crate::thread::lock::RawLock;
pub(crate) use crate::thread::ownership::Ownership;
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{PyErr, PyResult, overflow_error, value_error};
use orochi_objects::types::exception;
use orochi_objects::{ModuleExt, Obj, PyClass, PyModule, Thread, Value, protocol};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The longest time a lock may be waited for, in seconds.
const TIMEOUT_MAX: f64 = 9_223_372_036.0;

/// Bytes of stack for new threads; 0 is the default.
static STACK_SIZE: AtomicUsize = AtomicUsize::new(0);

/// Return an integer that uniquely identifies this thread among those alive.
#[pyfunction]
fn get_ident(thread: &mut Thread) -> u64 {
    thread.shared().id()
}

/// Return the system's integer for this thread.
#[pyfunction]
fn get_native_id() -> u64 {
    start::native_id()
}

/// Return the identifier of the main thread.
#[pyfunction]
fn _get_main_thread_ident() -> u64 {
    start::main_thread_id()
}

/// Return whether this is the main interpreter.
#[pyfunction]
fn _is_main_interpreter(thread: &mut Thread) -> bool {
    start::in_main_interpreter(thread)
}

/// Return whether daemon threads may be made.
#[pyfunction]
fn daemon_threads_allowed() -> bool {
    true
}

/// Return the number of threads that were started and still run.
#[pyfunction]
fn _count() -> usize {
    start::running()
}

/// Create a new lock.
#[pyfunction]
fn allocate_lock(thread: &mut Thread) -> PyResult {
    Ok(orochi_objects::make(thread, PyLock::new_unlocked())?.into_value())
}

/// Return the stack size used for new threads, and set it if an argument is given.
#[pyfunction]
#[signature(size = 0, /)]
fn stack_size(size: i64) -> PyResult<usize> {
    let old = STACK_SIZE.load(Ordering::Relaxed);
    match usize::try_from(size) {
        Err(_) => Err(value_error("size must be 0 or a positive value")),
        Ok(0) => {
            STACK_SIZE.store(0, Ordering::Relaxed);
            Ok(old)
        }
        Ok(size) if size < 32 * 1024 => Err(value_error(format!("size not valid: {size} bytes"))),
        Ok(size) => {
            STACK_SIZE.store(size, Ordering::Relaxed);
            Ok(old)
        }
    }
}

/// Raise SystemExit, which ends the thread silently.
#[pyfunction]
fn exit() -> PyResult {
    Err(PyErr::bare(&exception::SystemExit))
}

/// Simulate the arrival of a signal in the main thread.
#[pyfunction]
#[signature(signum = 2, /)]
fn interrupt_main(thread: &mut Thread, signum: i32) -> PyResult<()> {
    crate::signal::simulate(thread, signum)
}

/// The system's number for the thread with an identifier; ESRCH if there is none.
pub(crate) fn system_id(thread: &Thread, ident: u64) -> std::io::Result<u64> {
    if ident == thread.shared().id() {
        // Asked anew: after a fork the thread has another number.
        return Ok(start::native_id());
    }
    start::known_native_id(ident).ok_or_else(|| std::io::Error::from_raw_os_error(libc::ESRCH))
}

/// Seconds to wait, from the arguments of `acquire` and `join`: `None` is forever.
pub(crate) fn timeout_of(blocking: bool, seconds: f64) -> PyResult<Option<Duration>> {
    if !blocking {
        if seconds != -1.0 {
            return Err(value_error("can't specify a timeout for a non-blocking call"));
        }
        return Ok(Some(Duration::ZERO));
    }
    if seconds == -1.0 {
        return Ok(None);
    }
    if seconds < 0.0 {
        return Err(value_error("timeout value must be a non-negative number"));
    }
    if seconds > TIMEOUT_MAX {
        return Err(overflow_error("timeout value is too large"));
    }
    Duration::try_from_secs_f64(seconds)
        .map(Some)
        .map_err(|_| value_error("Invalid value NaN (not a number)"))
}

/// Primitives of threads: locks, thread-local data, starting threads.
#[pymodule(
    name = "_thread",
    functions(
        get_ident,
        get_native_id,
        _get_main_thread_ident,
        _is_main_interpreter,
        daemon_threads_allowed,
        _count,
        allocate_lock,
        stack_size,
        exit,
        interrupt_main,
        start::start_new_thread,
        start::start_joinable_thread,
        start::_shutdown,
        start::_make_thread_handle,
        start::set_name,
    ),
    classes(PyLock, rlock::PyRLock, local::PyLocal, start::PyThreadHandle)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    start::remember_main_thread(thread);
    module.add(thread, "LockType", PyLock::static_type().get().to_value())?;
    module.add(thread, "error", exception::RuntimeError.get().to_value())?;
    module.add(thread, "TIMEOUT_MAX", TIMEOUT_MAX)?;
    let start = module.namespace(thread).to_value();
    for (old, new) in
        [("start_new_thread", "start_new"), ("exit", "exit_thread"), ("allocate_lock", "allocate")]
    {
        let name = orochi_objects::str::intern(thread, old)?;
        let function: Value = protocol::get_item(thread, start.get(), name.get())?;
        module.add(thread, new, function)?;
    }
    Ok(())
}
