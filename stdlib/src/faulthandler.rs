//! `faulthandler`: says where the threads stand, on request, when a signal comes, when the process dies of one, or when
//! some time is over.
//!
//! In a signal's handler only the thread that got the signal can be told of: the others run on. Everywhere else the
//! others are stopped while they are told of.

use crate::host::fault::{self, FATAL};
use crate::host::signal;
use crate::os_support;
use crate::time::{Rounding, duration};
use orochi_core::sync::{AtomicU32, AtomicU64, Ordering, lock};
use orochi_core::thread::process_runtime;
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{runtime_error, value_error};
use orochi_objects::frames::FrameStack;
use orochi_objects::thread::{ThreadState, with_frames_of_all};
use orochi_objects::{Obj, PyModule, PyResult, Ref, Thread, int, protocol};
use std::fmt::{self, Write};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// More frames than this aren't shown.
const MOST_FRAMES: usize = 100;
/// Where reports of fatal signals go, plus one; 0: nowhere.
static FATAL_TO: AtomicU32 = AtomicU32::new(0);
/// Where the report of each other signal goes, plus one.
static USER_TO: [AtomicU32; signal::COUNT] = [const { AtomicU32::new(0) }; signal::COUNT];
/// Counts the calls of `dump_traceback_later`: a watchdog of an earlier one ends.
static WATCH: AtomicU64 = AtomicU64::new(0);
static WATCH_CHANGED: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());

/// Text for a descriptor, without allocation.
struct Out(i32);

impl Write for Out {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        fault::write_all(self.0, text.as_bytes());
        Ok(())
    }
}

impl Out {
    /// Text in ASCII, with everything else escaped.
    fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            let _ = match u32::from(c) {
                0x20..0x7F => self.write_char(c),
                code @ ..0x100 => write!(self, "\\x{code:02x}"),
                code @ ..0x1_0000 => write!(self, "\\u{code:04x}"),
                code => write!(self, "\\U{code:08x}"),
            };
        }
    }

    fn frames(&mut self, frames: &FrameStack) {
        if frames.depth() == 0 {
            let _ = self.write_str("  <no Python frame>\n");
        }
        for (i, frame) in frames.iter().enumerate() {
            if i == MOST_FRAMES {
                let _ = self.write_str("  ...\n");
                return;
            }
            let code = frame.code();
            let _ = self.write_str("  File \"");
            self.escaped(&code.code.filename);
            let _ = write!(self, "\", line {} in ", code.line_of(frame.instruction()));
            self.escaped(&code.code.name);
            let _ = self.write_str("\n");
        }
    }

    /// All threads; the one that asks comes last.
    fn all_threads(&mut self, thread: &mut Thread) {
        let me = thread.shared().id();
        with_frames_of_all(thread, |id, frames| {
            if id != me {
                let _ = writeln!(self, "Thread {id:#018x} (most recent call first):");
                self.frames(frames);
                let _ = self.write_str("\n");
            }
        });
    }

    fn current_thread(&mut self, title: &str, thread: &Thread) {
        let _ = write!(self, "{title}");
        if ThreadState::exists(thread) {
            self.frames(&ThreadState::of(thread).frames);
        }
    }
}

/// Reports from a signal's handler: the running thread.
fn report_here(out: &mut Out) {
    orochi_core::thread::current(|thread| {
        let id = thread.shared().id();
        let _ = writeln!(out, "Current thread {id:#018x} (most recent call first):");
        out.current_thread("", thread);
    });
}

fn on_fatal(signal: i32) {
    // Relaxed: the handler is installed after the descriptor is stored, by a system call.
    let Some(fd) = FATAL_TO.load(Ordering::Relaxed).checked_sub(1) else { return };
    let mut out = Out(fd as i32);
    let name = FATAL.iter().find(|(fatal, _)| *fatal == signal).map_or("Unknown signal", |found| found.1);
    let _ = write!(out, "Fatal Python error: {name}\n\n");
    report_here(&mut out);
}

fn on_user_signal(signal: i32) {
    let Some(fd) = USER_TO.get(signal as usize).map(|fd| fd.load(Ordering::Relaxed)) else { return };
    if let Some(fd) = fd.checked_sub(1) {
        report_here(&mut Out(fd as i32));
    }
}

/// The descriptor of a `file` argument, which is kept open under a name.
fn descriptor(thread: &mut Thread, file: Option<Ref<'_>>, keep: &str) -> PyResult<i32> {
    let file = match file.filter(|file| !file.is_none()) {
        Some(file) => file.to_owned(),
        None => {
            let found = crate::support::import_attr(thread, "sys", "stderr");
            let found = found.map_err(|_| runtime_error("unable to get sys.stderr"))?;
            if found.get().is_none() {
                return Err(runtime_error("sys.stderr is None"));
            }
            found
        }
    };
    if int::is_int(file.get()) {
        return match int::index_clamped(thread, file.get()).map(i32::try_from)? {
            Ok(fd) if fd >= 0 => Ok(fd),
            _ => Err(value_error("file is not a valid file descriptor")),
        };
    }
    let fd = protocol::call_method(thread, file.get(), "fileno", &[])?;
    let fd = match int::index_clamped(thread, fd.get()).map(i32::try_from) {
        Ok(Ok(fd)) if fd >= 0 => fd,
        _ => return Err(runtime_error("file.fileno() is not a valid file descriptor")),
    };
    // A file that can't be flushed can be written to all the same.
    let _ = protocol::call_method(thread, file.get(), "flush", &[]);
    if !keep.is_empty() {
        os_support::keep_value(thread, keep, file)?;
    }
    Ok(fd)
}

/// Dump the traceback of the current thread into file.
///
///   file
///     The file that the traceback is written to.
///   all_threads
///     If true, dump the traceback of all threads.
#[pyfunction]
#[signature(file=None as "sys.stderr", all_threads=true)]
fn dump_traceback(thread: &mut Thread, file: Option<Ref<'_>>, all_threads: bool) -> PyResult<()> {
    let mut out = Out(descriptor(thread, file, "")?);
    if all_threads {
        out.all_threads(thread);
        let id = thread.shared().id();
        let _ = writeln!(out, "Current thread {id:#018x} (most recent call first):");
        out.current_thread("", thread);
    } else {
        out.current_thread("Stack (most recent call first):\n", thread);
    }
    Ok(())
}

/// Dump the C stack of the current thread.
#[pyfunction]
#[signature(file=None as "sys.stderr")]
fn dump_c_stack(thread: &mut Thread, file: Option<Ref<'_>>) -> PyResult<()> {
    let mut out = Out(descriptor(thread, file, "")?);
    let _ = out.write_str("Current thread's C stack trace (most recent call first):\n");
    let _ = out.write_str("  <cannot get C stack on this system>\n");
    Ok(())
}

/// Enable the fault handler.
#[pyfunction]
#[signature(file=None as "sys.stderr", all_threads=true, c_stack=true)]
fn enable(thread: &mut Thread, file: Option<Ref<'_>>, all_threads: bool, c_stack: bool) -> PyResult<()> {
    let _ = (all_threads, c_stack);
    let fd = descriptor(thread, file, "faulthandler.fatal")?;
    FATAL_TO.store(fd as u32 + 1, Ordering::Relaxed);
    for (signal, _) in FATAL {
        os_support::plain(thread, fault::install(signal, on_fatal, true))?;
    }
    Ok(())
}

/// Disable the fault handler.
#[pyfunction]
fn disable() -> bool {
    let was_enabled = FATAL_TO.swap(0, Ordering::Relaxed) != 0;
    for (signal, _) in FATAL {
        // What was there before is back or the signal was not ours: nothing to tell.
        let _ = fault::remove(signal);
    }
    was_enabled
}

/// Check if the handler is enabled.
#[pyfunction]
fn is_enabled() -> bool {
    FATAL_TO.load(Ordering::Relaxed) != 0
}

fn user_signal(signum: i32) -> PyResult<usize> {
    if FATAL.iter().any(|(fatal, _)| *fatal == signum) {
        return Err(runtime_error(format!("signal {signum} cannot be registered, use enable() instead")));
    }
    match usize::try_from(signum) {
        Ok(signal) if (1..signal::COUNT).contains(&signal) => Ok(signal),
        _ => Err(value_error("signal number out of range")),
    }
}

/// Register a handler for the signal 'signum'.
///
/// Dump the traceback of the current thread into file.
#[pyfunction]
#[signature(signum, file=None as "sys.stderr", all_threads=true, chain=false)]
fn register(
    thread: &mut Thread,
    signum: i32,
    file: Option<Ref<'_>>,
    all_threads: bool,
    chain: bool,
) -> PyResult<()> {
    let _ = all_threads;
    let index = user_signal(signum)?;
    let fd = descriptor(thread, file, &format!("faulthandler.signal.{signum}"))?;
    if let Some(to) = USER_TO.get(index) {
        to.store(fd as u32 + 1, Ordering::Relaxed);
    }
    os_support::plain(thread, fault::install(signum, on_user_signal, chain))
}

/// Unregister the handler of the signal 'signum' registered by register().
#[pyfunction]
#[signature(signum, /)]
fn unregister(signum: i32) -> PyResult<bool> {
    let index = user_signal(signum)?;
    if let Some(to) = USER_TO.get(index) {
        to.store(0, Ordering::Relaxed);
    }
    Ok(fault::remove(signum))
}

/// What the watchdog does.
struct Watchdog {
    number: u64,
    timeout: Duration,
    repeat: bool,
    exit: bool,
    fd: i32,
}

impl Watchdog {
    /// Waits; whether the time is over and the report still wanted.
    fn wait(&self) -> bool {
        let guard = lock(&WATCH_CHANGED.0);
        let is_wanted = |_: &mut ()| WATCH.load(Ordering::Relaxed) == self.number;
        match WATCH_CHANGED.1.wait_timeout_while(guard, self.timeout, is_wanted) {
            Ok((_, result)) => result.timed_out(),
            Err(_) => false,
        }
    }

    fn run(self) {
        while self.wait() {
            let mut out = Out(self.fd);
            let seconds = self.timeout.as_secs();
            let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            let micros = self.timeout.subsec_micros();
            let _ = match micros {
                0 => writeln!(out, "Timeout ({hours}:{minutes:02}:{seconds:02})!"),
                _ => writeln!(out, "Timeout ({hours}:{minutes:02}:{seconds:02}.{micros:06})!"),
            };
            if let Some(mut thread) =
                Thread::spawn_here(process_runtime(), orochi_core::host::native_stack_limit())
            {
                out.all_threads(&mut thread);
            }
            if self.exit {
                fault::exit_now(1);
            }
            if !self.repeat {
                return;
            }
        }
    }
}

/// Dump the traceback of all threads in timeout seconds.
///
/// If repeat is true, the tracebacks of all threads are dumped every timeout
/// seconds. If exit is true, call _exit(1) which is not safe.
#[pyfunction]
#[signature(timeout, repeat=false, file=None as "sys.stderr", exit=false)]
fn dump_traceback_later(
    thread: &mut Thread,
    timeout: Ref<'_>,
    repeat: bool,
    file: Option<Ref<'_>>,
    exit: bool,
) -> PyResult<()> {
    let nanoseconds = duration(thread, timeout, Rounding::Ceiling)?;
    let nanoseconds = u64::try_from(nanoseconds).ok().filter(|nanoseconds| *nanoseconds > 0);
    let nanoseconds = nanoseconds.ok_or_else(|| value_error("timeout must be greater than 0"))?;
    let fd = descriptor(thread, file, "faulthandler.later")?;
    cancel_dump_traceback_later();
    let watchdog = Watchdog {
        number: WATCH.load(Ordering::Relaxed),
        timeout: Duration::from_nanos(nanoseconds),
        repeat,
        exit,
        fd,
    };
    let started = std::thread::Builder::new().name("faulthandler".to_owned()).spawn(|| watchdog.run());
    started.map(drop).map_err(|_| runtime_error("unable to start watchdog thread"))
}

/// Cancel the previous call to dump_traceback_later().
#[pyfunction]
fn cancel_dump_traceback_later() {
    // Under the lock: a watchdog that is about to sleep either sees the new number or is woken.
    let _guard = lock(&WATCH_CHANGED.0);
    WATCH.fetch_add(1, Ordering::Relaxed);
    WATCH_CHANGED.1.notify_all();
}

macro_rules! raising {
    ($($name:ident = $signal:expr;)*) => { $(
        /// Raise a signal that ends the process, for tests.
        #[pyfunction]
        #[signature(release_gil=false, /)]
        fn $name(thread: &mut Thread, release_gil: bool) -> PyResult<()> {
            let _ = release_gil;
            os_support::plain(thread, signal::raise($signal))
        }
    )* };
}
raising! {
    _sigsegv = libc::SIGSEGV;
    _sigabrt = libc::SIGABRT;
    _sigfpe = libc::SIGFPE;
}

/// faulthandler module.
#[pymodule(
    name = "faulthandler",
    functions(
        dump_traceback,
        dump_c_stack,
        enable,
        disable,
        is_enabled,
        register,
        unregister,
        dump_traceback_later,
        cancel_dump_traceback_later,
        _sigsegv,
        _sigabrt,
        _sigfpe
    )
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    let _ = (thread, module);
    Ok(())
}
