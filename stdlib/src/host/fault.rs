//! Unix: handlers that say where the program stood, for signals that end the process and for any others.
//!
//! A handler runs in the middle of anything: it reads atomics, tries locks without waiting, writes to a descriptor.

use super::unix::check;
use libc::c_int;
use std::collections::BTreeMap;
use std::io;
use std::mem::MaybeUninit;
use std::sync::{Mutex, OnceLock};

/// Says where the thread stands, in answer to a signal.
pub(crate) type Report = fn(signal: c_int);

type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void);

/// The signals that end the process, and what they are called.
pub(crate) const FATAL: [(c_int, &str); 5] = [
    (libc::SIGBUS, "Bus error"),
    (libc::SIGILL, "Illegal instruction"),
    (libc::SIGFPE, "Floating-point exception"),
    (libc::SIGABRT, "Aborted"),
    (libc::SIGSEGV, "Segmentation fault"),
];

/// A handler of ours and what it took the place of.
struct Installed {
    report: Report,
    /// The signal goes on to what was there before.
    chain: bool,
    before: libc::sigaction,
}

static INSTALLED: Mutex<BTreeMap<c_int, Installed>> = Mutex::new(BTreeMap::new());

extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: errno is this thread's; what the handler does must not change it.
    let errno = unsafe { *libc::__errno_location() };
    let found = INSTALLED
        .try_lock()
        .ok()
        .and_then(|installed| installed.get(&signal).map(|entry| (entry.report, entry.chain, entry.before)));
    if let Some((report, chain, before)) = found {
        if chain {
            // SAFETY: what the system gave when ours was installed.
            unsafe { libc::sigaction(signal, &before, std::ptr::null_mut()) };
        }
        report(signal);
        // SAFETY: the system fills the structure in. A fault happens again when the handler returns; a signal that was
        // sent has to be sent again.
        let was_sent = unsafe { info.as_ref() }.is_none_or(|info| info.si_code <= 0);
        if chain && was_sent {
            // SAFETY: a number; the signal isn't blocked in this handler.
            unsafe { libc::raise(signal) };
        }
        if chain && !FATAL.iter().any(|(fatal, _)| *fatal == signal) {
            let _ = install_action(signal, on_signal);
        }
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

fn install_action(signal: c_int, handler: Handler) -> io::Result<libc::sigaction> {
    let mut before = MaybeUninit::uninit();
    // SAFETY: plain data, of which zero is a valid value; a handler of the type that SA_SIGINFO calls for; a place for
    // what was there.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as libc::sighandler_t;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER | libc::SA_RESTART;
        libc::sigemptyset(&mut action.sa_mask);
        check(libc::sigaction(signal, &action, before.as_mut_ptr()))?;
        Ok(before.assume_init())
    }
}

/// The signals that Rust's runtime handles, to tell an overflow of the stack, and what it does with them.
static RUNTIMES: [(c_int, OnceLock<libc::sigaction>); 2] =
    [(libc::SIGSEGV, OnceLock::new()), (libc::SIGBUS, OnceLock::new())];

/// Stands before the handler of Rust's runtime, which takes every such signal for a fault that happens again once it has
/// put back the default action: one that was sent would be lost.
extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the system fills the structure in.
    let was_sent = unsafe { info.as_ref() }.is_none_or(|info| info.si_code <= 0);
    if was_sent {
        // SAFETY: a number; the signal isn't blocked in this handler.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
    } else if let Some(before) =
        RUNTIMES.iter().find(|found| found.0 == signal).and_then(|found| found.1.get())
    {
        // SAFETY: what the system gave when ours was installed. The fault happens again.
        unsafe { libc::sigaction(signal, before, std::ptr::null_mut()) };
    }
}

/// Has signals that Rust's runtime handles end the process also when they don't come of a fault.
pub(crate) fn end_by_sent_faults() -> io::Result<()> {
    for (signal, before) in &RUNTIMES {
        if before.get().is_none() && super::signal::get(*signal)? == super::signal::Disposition::Foreign {
            let _ = before.set(install_action(*signal, on_fault)?);
        }
    }
    Ok(())
}

/// Whether this is the address of the handler that stands before that of Rust's runtime.
pub(crate) fn is_runtimes(handler: libc::sighandler_t) -> bool {
    handler == on_fault as Handler as libc::sighandler_t
}

/// Has a signal reported.
pub(crate) fn install(signal: c_int, report: Report, chain: bool) -> io::Result<()> {
    let mut installed = orochi_core::sync::lock(&INSTALLED);
    let before = match installed.remove(&signal) {
        Some(entry) => {
            install_action(signal, on_signal)?;
            entry.before
        }
        None => install_action(signal, on_signal)?,
    };
    installed.insert(signal, Installed { report, chain, before });
    Ok(())
}

/// Puts back what was there before; whether there was a handler of ours.
pub(crate) fn remove(signal: c_int) -> bool {
    let Some(entry) = orochi_core::sync::lock(&INSTALLED).remove(&signal) else { return false };
    // SAFETY: what the system gave when ours was installed.
    unsafe { libc::sigaction(signal, &entry.before, std::ptr::null_mut()) };
    true
}

/// Writes all of it, as far as that goes; may be called in a handler.
pub(crate) fn write_all(fd: c_int, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: valid for its length.
        let written = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(written) if written > 0 => bytes = bytes.get(written..).unwrap_or_default(),
            _ => return,
        }
    }
}

/// Ends the process at once.
pub(crate) fn exit_now(status: c_int) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(status) }
}
