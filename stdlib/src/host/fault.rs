//! Unix: handlers that say where the program stood, for signals that end the process and for any others.
//!
//! A handler runs in the middle of anything: it reads atomics, tries locks without waiting, writes to a descriptor.

use super::unix::check;
use libc::c_int;
use std::collections::BTreeMap;
use std::io;
use std::mem::MaybeUninit;
use std::sync::Mutex;

/// Says where the thread stands, in answer to a signal.
pub(crate) type Report = fn(signal: c_int);

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
            let _ = install_action(signal);
        }
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

fn install_action(signal: c_int) -> io::Result<libc::sigaction> {
    let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_signal;
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

/// Has a signal reported.
pub(crate) fn install(signal: c_int, report: Report, chain: bool) -> io::Result<()> {
    let mut installed = orochi_core::sync::lock(&INSTALLED);
    let before = match installed.remove(&signal) {
        Some(entry) => {
            install_action(signal)?;
            entry.before
        }
        None => install_action(signal)?,
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
