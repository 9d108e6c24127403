//! `_signal`: handlers in Python, masks, waiting, timers.
//!
//! The system's handler only notes that a signal has arrived and asks the main thread to look (`host/signal.rs`); the main
//! thread runs Python's handlers at its next safepoint, or when a blocking call was interrupted.

use crate::host::fault;
use crate::host::signal::{self, Disposition};
use crate::os_support;
use orochi_core::runtime::{ThreadShared, poll};
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{keyboard_interrupt, type_error, value_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::dict::{DictExt, PyDict};
use orochi_objects::types::{exception, list, set};
use orochi_objects::{
    ArgSlice, ModuleExt, Obj, PyClass, PyModule, PyResult, Ref, Thread, Value, class_of, float, int,
    protocol, str, structseq, tuple,
};
use std::sync::{Arc, OnceLock};

structseq! {
    /// What sigwaitinfo gives.
    static STRUCT_SIGINFO: "signal" "struct_siginfo" = "struct_siginfo: Result from sigwaitinfo or sigtimedwait.\n\nThis object may be accessed either as a tuple of\n(si_signo, si_code, si_errno, si_pid, si_uid, si_status, si_band),\nor via the attributes si_signo, si_code, and so on.",
    visible 7, flags(EMPTY), fallbacks &[], {
        "si_signo" = "signal number",
        "si_code" = "signal code",
        "si_errno" = "errno associated with this signal",
        "si_pid" = "sending process ID",
        "si_uid" = "real user ID of sending process",
        "si_status" = "exit value or signal",
        "si_band" = "band event for SIGPOLL",
    }
}

/// The thread that runs handlers.
static MAIN: OnceLock<Arc<ThreadShared>> = OnceLock::new();

const HANDLERS: &str = "signal.handlers";

/// Called in the system's handler: touches an atomic only.
fn notify() {
    if let Some(main) = MAIN.get() {
        main.request(poll::SIGNAL);
    }
}

fn is_main(thread: &Thread) -> bool {
    MAIN.get().is_some_and(|main| main.id() == thread.shared().id())
}

/// Runs what debuggers have handed over, and the handlers of signals that have arrived; the first exception ends it, and the rest is looked at next time.
fn run_handlers(thread: &mut Thread) -> PyResult<()> {
    if !is_main(thread) {
        return Ok(());
    }
    crate::sys::run_script(thread);
    if !signal::take_any() {
        return Ok(());
    }
    for number in 1..signal::COUNT {
        if !signal::take(number) {
            continue;
        }
        let Some(handler) = handler_of(thread, number)? else { continue };
        if class_of(handler.get()).slots.tp_call().is_none() {
            continue;
        }
        let number = int::new(thread, number as i64)?;
        let frame = current_frame(thread);
        let result = protocol::call(thread, handler.get(), &[number.get(), frame.get()]);
        if let Err(error) = result {
            // Others may have arrived: look again at the next safepoint.
            notify();
            return Err(error);
        }
    }
    Ok(())
}

fn current_frame(thread: &mut Thread) -> Value {
    let made = (|| {
        let function = crate::support::import_attr(thread, "sys", "_getframe")?;
        protocol::call(thread, function.get(), &[])
    })();
    made.unwrap_or(Value::NONE)
}

/// The handlers. Until the main thread starts another one it keeps them to itself, since what they refer to (an event loop, say)
/// would be shared otherwise.
fn handlers(thread: &mut Thread) -> PyResult<orochi_objects::Owned<list::PyList>> {
    let state = ThreadState::of(thread);
    if let Some((interpreter, list)) = &state.signals {
        if std::ptr::eq(&**interpreter, &*state.interpreter)
            && let Some(list) = list.get().downcast::<list::PyList>()
        {
            return Ok(list.to_owned());
        }
    } else if is_main(thread) {
        let list = list::new(thread, Vec::new())?;
        state.signals = Some((state.interpreter.clone(), list.to_value()));
        return Ok(list);
    }
    os_support::kept_list(thread, HANDLERS)
}

/// Lets other threads see the handlers; called before one is started.
pub(crate) fn share_handlers(thread: &mut Thread) -> PyResult<()> {
    let Some((interpreter, list)) = &ThreadState::of(thread).signals else { return Ok(()) };
    let natives = interpreter.natives.get(thread).and_then(|natives| natives.downcast::<PyDict>().ok());
    let (Some(natives), list) = (natives, list.clone()) else { return Ok(()) };
    let key = str::intern(thread, HANDLERS)?;
    natives.set_str(thread, key, list)
}

fn handler_of(thread: &mut Thread, number: usize) -> PyResult<Option<Value>> {
    let all = handlers(thread)?;
    Ok(list::item(thread, &all, number))
}

fn checked(number: i32) -> PyResult<usize> {
    match usize::try_from(number) {
        Ok(number) if (1..signal::COUNT).contains(&number) => Ok(number),
        _ => Err(value_error("signal number out of range")),
    }
}

/// Has the main thread run a signal's handler, as if the signal had come; does nothing if no Python function handles it.
pub(crate) fn simulate(thread: &mut Thread, number: i32) -> PyResult<()> {
    let number = checked(number)?;
    let handler = handler_of(thread, number)?;
    if handler.is_some_and(|handler| class_of(handler.get()).slots.tp_call().is_some()) {
        signal::simulate(number as i32);
    }
    Ok(())
}

/// Set the action for the given signal.
///
/// The action can be SIG_DFL, SIG_IGN, or a callable Python object.
/// The previous action is returned.  See getsignal() for possible return values.
///
/// *** IMPORTANT NOTICE ***
/// A signal handler function is called with two arguments:
/// the first is the signal number, the second is the interrupted stack frame.
#[pyfunction]
#[name = "signal"]
#[signature(signalnum, handler, /)]
fn set_signal(thread: &mut Thread, signalnum: i32, handler: Ref<'_>) -> PyResult {
    if !is_main(thread) {
        return Err(value_error("signal only works in main thread of the main interpreter"));
    }
    let number = checked(signalnum)?;
    let callable = class_of(handler).slots.tp_call().is_some();
    let disposition = if callable {
        Disposition::Note
    } else {
        let constant =
            class_of(handler).slots.nb_index().map(|_| int::index_i64(thread, handler)).transpose()?;
        match constant {
            Some(0) => Disposition::Default,
            Some(1) => Disposition::Ignore,
            _ => {
                return Err(type_error(
                    "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object",
                ));
            }
        }
    };
    os_support::check_signals(thread)?;
    os_support::plain(thread, signal::set(signalnum, disposition))?;
    let handler = if callable {
        handler.to_owned()
    } else {
        int::new(thread, i64::from(disposition == Disposition::Ignore))?
    };
    let all = handlers(thread)?;
    let index = int::new(thread, number as i64)?;
    let old = list::item(thread, &all, number).unwrap_or(Value::NONE);
    protocol::set_item(thread, all.get(), index.get(), Some(handler.get()))?;
    Ok(old)
}

/// Return the current action for the given signal.
///
/// The return value can be:
///   SIG_IGN -- if the signal is being ignored
///   SIG_DFL -- if the default action for the signal is in effect
///   None    -- if an unknown handler is in effect
///   anything else -- the callable Python object used as a handler
#[pyfunction]
#[signature(signalnum, /)]
fn getsignal(thread: &mut Thread, signalnum: i32) -> PyResult {
    let number = checked(signalnum)?;
    Ok(handler_of(thread, number)?.unwrap_or(Value::NONE))
}

/// The default handler for SIGINT installed by Python.
///
/// It raises KeyboardInterrupt.
#[pyfunction]
fn default_int_handler(args: ArgSlice<'_>) -> PyResult<()> {
    let _ = args;
    Err(keyboard_interrupt())
}

/// Sets the fd to be written to (with the signal number) when a signal comes in.
///
/// A library can use this to wakeup select or poll.
/// The previous fd or -1 is returned.
///
/// The fd must be non-blocking.
#[pyfunction]
#[signature(fd, /, *, warn_on_full_buffer=true as "True")]
fn set_wakeup_fd(thread: &mut Thread, fd: i32, warn_on_full_buffer: bool) -> PyResult<i32> {
    let _ = warn_on_full_buffer;
    if !is_main(thread) {
        return Err(value_error("set_wakeup_fd only works in main thread of the main interpreter"));
    }
    if fd != -1 {
        os_support::plain(thread, crate::host::system::fstat(fd))?;
        let flags = os_support::plain(thread, crate::host::system::fcntl(fd, libc::F_GETFL, 0))?;
        if flags & libc::O_NONBLOCK == 0 {
            return Err(value_error(format!("the fd {fd} must be in non-blocking mode")));
        }
    }
    Ok(signal::set_wakeup(fd))
}

/// Send a signal to the executing process.
#[pyfunction]
#[signature(signalnum, /)]
fn raise_signal(thread: &mut Thread, signalnum: i32) -> PyResult<()> {
    os_support::plain(thread, signal::raise(signalnum))?;
    os_support::check_signals(thread)
}

/// Send a signal to a thread.
#[pyfunction]
#[signature(thread_id, signalnum, /)]
fn pthread_kill(thread: &mut Thread, thread_id: u64, signalnum: i32) -> PyResult<()> {
    let sent =
        crate::thread::system_id(thread, thread_id).and_then(|native| signal::thread_kill(native, signalnum));
    os_support::plain(thread, sent)?;
    os_support::check_signals(thread)
}

fn signals(thread: &mut Thread, iterable: Ref<'_>) -> PyResult<Vec<i32>> {
    let mut found = Vec::new();
    for value in protocol::collect(thread, iterable)? {
        let number = int::index_clamped(thread, value.get())?;
        match i32::try_from(number) {
            Ok(number) if (1..signal::COUNT as i32).contains(&number) => found.push(number),
            _ => return Err(value_error(format!("signal number {number} out of range [1; 64]"))),
        }
    }
    Ok(found)
}

fn signal_set(thread: &mut Thread, members: &[i32]) -> PyResult {
    let mut values = Vec::new();
    for member in members {
        values.push(int::new(thread, (*member).into())?);
    }
    let values = list::new(thread, values)?;
    protocol::call(thread, set::PySet::static_type().get().get(), &[values.get()])
}

/// Fetch and/or change the signal mask of the calling thread.
#[pyfunction]
#[signature(how, mask, /)]
fn pthread_sigmask(thread: &mut Thread, how: i32, mask: Ref<'_>) -> PyResult {
    let mask = signals(thread, mask)?;
    let old = os_support::plain(thread, signal::sigmask(how, &mask))?;
    os_support::check_signals(thread)?;
    signal_set(thread, &old)
}

/// Examine pending signals.
#[pyfunction]
fn sigpending(thread: &mut Thread) -> PyResult {
    let pending = os_support::plain(thread, signal::sigpending())?;
    signal_set(thread, &pending)
}

/// Wait for a signal.
#[pyfunction]
#[signature(sigset, /)]
fn sigwait(thread: &mut Thread, sigset: Ref<'_>) -> PyResult<i64> {
    let wanted = signals(thread, sigset)?;
    let info = os_support::call(thread, || signal::sigwaitinfo(&wanted, None))?;
    Ok(info[0])
}

fn siginfo(thread: &mut Thread, info: &[i64]) -> PyResult {
    let mut values = Vec::new();
    for number in info {
        values.push(int::new(thread, *number)?);
    }
    STRUCT_SIGINFO.make(thread, values)
}

/// Wait synchronously until one of the signals in *sigset* is delivered.
#[pyfunction]
#[signature(sigset, /)]
fn sigwaitinfo(thread: &mut Thread, sigset: Ref<'_>) -> PyResult {
    let wanted = signals(thread, sigset)?;
    let info = os_support::call(thread, || signal::sigwaitinfo(&wanted, None))?;
    siginfo(thread, &info)
}

/// Like sigwaitinfo(), but with a timeout.
#[pyfunction]
#[signature(sigset, timeout, /)]
fn sigtimedwait(thread: &mut Thread, sigset: Ref<'_>, timeout: Ref<'_>) -> PyResult {
    let wanted = signals(thread, sigset)?;
    let time = crate::time::duration(thread, timeout, crate::time::Rounding::Ceiling)?;
    if time < 0 {
        return Err(value_error("timeout must be non-negative"));
    }
    let time = (time / 1_000_000_000, time % 1_000_000_000);
    match os_support::blocking(thread, || signal::sigwaitinfo(&wanted, Some(time)))? {
        Ok(info) => siginfo(thread, &info),
        Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Ok(Value::NONE),
        Err(error) => Err(os_support::os_failure(thread, &error, None)),
    }
}

/// Wait until a signal arrives.
#[pyfunction]
fn pause(thread: &mut Thread) -> PyResult<()> {
    thread.detached(signal::pause);
    os_support::check_signals(thread)
}

/// Arrange for SIGALRM to arrive after the given number of seconds.
#[pyfunction]
#[signature(seconds, /)]
fn alarm(seconds: i32) -> u32 {
    signal::alarm(seconds.max(0) as u32)
}

fn timer(thread: &mut Thread, which: i32, new: Option<(f64, f64)>) -> PyResult {
    let (delay, interval) = os_support::plain(thread, signal::itimer(which, new))?;
    let values = vec![float::new(thread, delay)?, float::new(thread, interval)?];
    Ok(tuple::new(thread, values)?.into_value())
}

/// Sets given itimer (one of ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF).
///
/// The timer will fire after value seconds and after that every interval seconds.
/// The itimer can be cleared by setting seconds to zero.
///
/// Returns old values as a tuple: (delay, interval).
#[pyfunction]
#[signature(which, seconds, interval=0.0, /)]
fn setitimer(thread: &mut Thread, which: i32, seconds: f64, interval: f64) -> PyResult {
    timer(thread, which, Some((seconds, interval)))
}

/// Returns current value of given itimer.
#[pyfunction]
#[signature(which, /)]
fn getitimer(thread: &mut Thread, which: i32) -> PyResult {
    timer(thread, which, None)
}

/// Change system call restart behaviour.
///
/// If flag is False, system calls will be restarted when interrupted by
/// signal sig, else system calls will be interrupted.
#[pyfunction]
#[signature(signalnum, flag, /)]
fn siginterrupt(thread: &mut Thread, signalnum: i32, flag: bool) -> PyResult<()> {
    checked(signalnum)?;
    os_support::plain(thread, signal::siginterrupt(signalnum, flag))
}

/// Return the system description of the given signal.
///
/// Returns the description of signal *signalnum*, such as "Interrupt"
/// for :const:`SIGINT`. Returns :const:`None` if *signalnum` has no
/// description. Raises :exc:`ValueError` if *signalnum* is invalid.
#[pyfunction]
#[signature(signalnum, /)]
fn strsignal(signalnum: i32) -> PyResult<Option<String>> {
    checked(signalnum)?;
    Ok(signal::describe(signalnum))
}

/// Return a set of valid signal numbers on this platform.
///
/// The signal numbers returned by this function can be safely passed to
/// functions like `pthread_kill`.
#[pyfunction]
fn valid_signals(thread: &mut Thread) -> PyResult {
    let all: Vec<i32> = (1..signal::COUNT as i32).filter(|number| !(32..34).contains(number)).collect();
    signal_set(thread, &all)
}

const CONSTANTS: &[(&str, i64)] = &[
    ("ITIMER_PROF", libc::ITIMER_PROF as i64),
    ("ITIMER_REAL", libc::ITIMER_REAL as i64),
    ("ITIMER_VIRTUAL", libc::ITIMER_VIRTUAL as i64),
    ("NSIG", 65),
    ("SIGABRT", libc::SIGABRT as i64),
    ("SIGALRM", libc::SIGALRM as i64),
    ("SIGBUS", libc::SIGBUS as i64),
    ("SIGCHLD", libc::SIGCHLD as i64),
    ("SIGCLD", 17),
    ("SIGCONT", libc::SIGCONT as i64),
    ("SIGFPE", libc::SIGFPE as i64),
    ("SIGHUP", libc::SIGHUP as i64),
    ("SIGILL", libc::SIGILL as i64),
    ("SIGINT", libc::SIGINT as i64),
    ("SIGIO", libc::SIGIO as i64),
    ("SIGIOT", libc::SIGIOT as i64),
    ("SIGKILL", libc::SIGKILL as i64),
    ("SIGPIPE", libc::SIGPIPE as i64),
    ("SIGPOLL", libc::SIGPOLL as i64),
    ("SIGPROF", libc::SIGPROF as i64),
    ("SIGPWR", libc::SIGPWR as i64),
    ("SIGQUIT", libc::SIGQUIT as i64),
    ("SIGRTMAX", 64),
    ("SIGRTMIN", 34),
    ("SIGSEGV", libc::SIGSEGV as i64),
    ("SIGSTKFLT", libc::SIGSTKFLT as i64),
    ("SIGSTOP", libc::SIGSTOP as i64),
    ("SIGSYS", libc::SIGSYS as i64),
    ("SIGTERM", libc::SIGTERM as i64),
    ("SIGTRAP", libc::SIGTRAP as i64),
    ("SIGTSTP", libc::SIGTSTP as i64),
    ("SIGTTIN", libc::SIGTTIN as i64),
    ("SIGTTOU", libc::SIGTTOU as i64),
    ("SIGURG", libc::SIGURG as i64),
    ("SIGUSR1", libc::SIGUSR1 as i64),
    ("SIGUSR2", libc::SIGUSR2 as i64),
    ("SIGVTALRM", libc::SIGVTALRM as i64),
    ("SIGWINCH", libc::SIGWINCH as i64),
    ("SIGXCPU", libc::SIGXCPU as i64),
    ("SIGXFSZ", libc::SIGXFSZ as i64),
    ("SIG_BLOCK", libc::SIG_BLOCK as i64),
    ("SIG_SETMASK", libc::SIG_SETMASK as i64),
    ("SIG_UNBLOCK", libc::SIG_UNBLOCK as i64),
];

/// This module provides mechanisms to use signal handlers in Python.
#[pymodule(
    name = "_signal",
    functions(
        set_signal,
        getsignal,
        default_int_handler,
        set_wakeup_fd,
        raise_signal,
        pthread_kill,
        pthread_sigmask,
        sigpending,
        sigwait,
        sigwaitinfo,
        sigtimedwait,
        pause,
        alarm,
        setitimer,
        getitimer,
        siginterrupt,
        strsignal,
        valid_signals
    )
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for (name, number) in CONSTANTS {
        module.add(thread, name, *number)?;
    }
    module.add(thread, "SIG_DFL", 0_i64)?;
    module.add(thread, "SIG_IGN", 1_i64)?;
    module.add(thread, "ItimerError", exception::OSError.get())?;
    let class = STRUCT_SIGINFO.class(thread)?;
    module.add(thread, "struct_siginfo", class)?;
    // The first interpreter's thread is the main one.
    MAIN.get_or_init(|| thread.shared().clone());
    signal::set_notify(notify);
    ThreadState::of(thread).signal_handlers = Some(run_handlers);
    if is_main(thread) {
        os_support::plain(thread, fault::end_by_sent_faults())?;
    }
    let all = handlers(thread)?;
    if list::len(thread, &all) > 0 {
        // The module is made again: what it keeps is the interpreter's.
        return Ok(());
    }
    for number in 0..signal::COUNT {
        let now = signal::get(number as i32).unwrap_or(Disposition::Foreign);
        let value = match now {
            Disposition::Default => int::new(thread, 0)?,
            Disposition::Ignore => int::new(thread, 1)?,
            _ => Value::NONE,
        };
        list::push(thread, &all, value)?;
    }
    if is_main(thread) {
        let handler = protocol::get_attr(thread, module.get(), str::intern(thread, "default_int_handler")?)?;
        set_signal(thread, libc::SIGINT, handler.get())?;
        // Writing to a closed pipe is an error, not death.
        let ignore = int::new(thread, 1)?;
        set_signal(thread, libc::SIGPIPE, ignore.get())?;
        set_signal(thread, libc::SIGXFSZ, ignore.get())?;
    }
    Ok(())
}
