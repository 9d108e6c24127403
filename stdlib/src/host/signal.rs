//! Unix signals: sets of them, masks, waiting, and the handler that notes that one has arrived.
//!
//! The handler touches atomics and, if there is one, writes a byte to the wake-up descriptor; everything else happens
//! when the main thread reaches a safepoint.

use super::unix::check;
use libc::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};

/// One more than the largest signal number.
pub(crate) const COUNT: usize = 65;

static ARRIVED: [AtomicBool; COUNT] = [const { AtomicBool::new(false) }; COUNT];
static ANY: AtomicBool = AtomicBool::new(false);
static WAKEUP: AtomicI32 = AtomicI32::new(-1);
/// Told of every signal: a function that sets a bit of the main thread's poll word.
static NOTIFY: AtomicUsize = AtomicUsize::new(0);

/// A set of signals.
pub(crate) fn set_of(signals: &[c_int]) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the set is made empty before signals are added; numbers out of range are refused.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), *signal);
        }
        set.assume_init()
    }
}

/// The signals of a set.
pub(crate) fn members(set: &libc::sigset_t) -> Vec<c_int> {
    // SAFETY: an initialised set.
    (1..COUNT as c_int).filter(|signal| unsafe { libc::sigismember(set, *signal) } == 1).collect()
}

/// `pthread_sigmask`: gives the mask that was.
pub(crate) fn sigmask(how: c_int, signals: &[c_int]) -> io::Result<Vec<c_int>> {
    let new = set_of(signals);
    let mut old = set_of(&[]);
    // SAFETY: initialised sets.
    match unsafe { libc::pthread_sigmask(how, &new, &mut old) } {
        0 => Ok(members(&old)),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// Signals that are blocked and have arrived.
pub(crate) fn sigpending() -> io::Result<Vec<c_int>> {
    let mut set = set_of(&[]);
    // SAFETY: an initialised set.
    check(unsafe { libc::sigpending(&mut set) })?;
    Ok(members(&set))
}

/// Waits for one of the signals. `timeout` in seconds and nanoseconds. Gives signo, code, errno, pid, uid, status, band.
pub(crate) fn sigwaitinfo(signals: &[c_int], timeout: Option<(i64, i64)>) -> io::Result<[i64; 7]> {
    let set = set_of(signals);
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let time = timeout.map(|(tv_sec, tv_nsec)| libc::timespec { tv_sec, tv_nsec });
    let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: an initialised set, places for the results.
    check(unsafe { libc::sigtimedwait(&set, info.as_mut_ptr(), time) })?;
    // SAFETY: numbers, zeroed and then filled; fields that the signal doesn't have read as other numbers.
    unsafe {
        let info = info.assume_init();
        Ok([
            info.si_signo.into(),
            info.si_code.into(),
            info.si_errno.into(),
            info.si_pid().into(),
            info.si_uid().into(),
            info.si_status().into(),
            0,
        ])
    }
}

/// Waits for any signal that has a handler.
pub(crate) fn pause() {
    // SAFETY: no arguments.
    unsafe { libc::pause() };
}

extern "C" fn note(signal: c_int) {
    // SAFETY: errno is this thread's; what the handler does must not change it.
    let errno = unsafe { *libc::__errno_location() };
    if let Some(arrived) = ARRIVED.get(signal as usize) {
        arrived.store(true, Ordering::Relaxed);
    }
    // Release pairs with the Acquire in `take`: the signal's own flag is seen.
    ANY.store(true, Ordering::Release);
    let notify = NOTIFY.load(Ordering::Acquire);
    if notify != 0 {
        // SAFETY: only functions of this type are stored.
        unsafe { std::mem::transmute::<usize, fn()>(notify)() };
    }
    let fd = WAKEUP.load(Ordering::Relaxed);
    if fd >= 0 {
        let byte = signal as u8;
        // SAFETY: one byte; `write` may be called in a handler.
        unsafe { libc::write(fd, (&raw const byte).cast(), 1) };
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// Says whom the handler tells. The function must be safe to call in a signal handler: touch atomics only.
pub(crate) fn set_notify(notify: fn()) {
    NOTIFY.store(notify as usize, Ordering::Release);
}

/// Sets the descriptor that gets a byte for each signal (-1: none); gives the one that was.
pub(crate) fn set_wakeup(fd: c_int) -> c_int {
    WAKEUP.swap(fd, Ordering::SeqCst)
}

/// Whether signals have arrived since this was asked last.
pub(crate) fn take_any() -> bool {
    // Acquire pairs with the Release in `note`.
    ANY.load(Ordering::Relaxed) && ANY.swap(false, Ordering::Acquire)
}

/// Whether this signal has arrived since this was asked last.
pub(crate) fn take(signal: usize) -> bool {
    ARRIVED.get(signal).is_some_and(|arrived| arrived.swap(false, Ordering::Relaxed))
}

/// What is done with a signal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// The system's default.
    Default,
    /// Nothing.
    Ignore,
    /// The handler of this module.
    Note,
    /// Something that another part of the process has set.
    Foreign,
}

/// Sets what is done with a signal.
pub(crate) fn set(signal: c_int, disposition: Disposition) -> io::Result<()> {
    let handler = match disposition {
        Disposition::Default => libc::SIG_DFL,
        Disposition::Ignore => libc::SIG_IGN,
        Disposition::Note => note as extern "C" fn(c_int) as usize,
        Disposition::Foreign => return Ok(()),
    };
    // SAFETY: plain data, of which zero is a valid value; the handler is async-signal-safe.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        libc::sigemptyset(&mut action.sa_mask);
        // No SA_RESTART: an interrupted call lets its caller run Python handlers (PEP 475).
        action.sa_flags = libc::SA_ONSTACK;
        check(libc::sigaction(signal, &action, std::ptr::null_mut()))?;
    }
    Ok(())
}

/// What is done with a signal now.
pub(crate) fn get(signal: c_int) -> io::Result<Disposition> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a place for the structure.
    let handler = unsafe {
        check(libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()))?;
        action.assume_init().sa_sigaction
    };
    Ok(match handler {
        libc::SIG_DFL => Disposition::Default,
        libc::SIG_IGN => Disposition::Ignore,
        other if other == note as extern "C" fn(c_int) as usize => Disposition::Note,
        // The process ends as it does by default.
        other if super::fault::is_runtimes(other) => Disposition::Default,
        _ => Disposition::Foreign,
    })
}

/// Whether system calls are interrupted by the signal, or made again.
pub(crate) fn siginterrupt(signal: c_int, interrupt: bool) -> io::Result<()> {
    // SAFETY: plain data, read and written back with one flag changed.
    unsafe {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        check(libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()))?;
        let mut action = action.assume_init();
        if interrupt {
            action.sa_flags &= !libc::SA_RESTART;
        } else {
            action.sa_flags |= libc::SA_RESTART;
        }
        check(libc::sigaction(signal, &action, std::ptr::null_mut()))?;
    }
    Ok(())
}

/// The name of a signal for people.
pub(crate) fn describe(signal: c_int) -> Option<String> {
    // SAFETY: gives null or a string that stays until the next call on this thread; it is copied at once.
    let text = unsafe { libc::strsignal(signal) };
    if text.is_null() {
        return None;
    }
    // SAFETY: as above.
    let text = unsafe { std::ffi::CStr::from_ptr(text) }.to_string_lossy().into_owned();
    (!text.starts_with("Unknown signal")).then_some(text)
}

/// Sends a signal to this thread.
pub(crate) fn raise(signal: c_int) -> io::Result<()> {
    // SAFETY: a number.
    if unsafe { libc::raise(signal) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Notes a signal as if it had come.
pub(crate) fn simulate(signal: c_int) {
    note(signal);
}

/// Ends the process as a signal ends one that doesn't handle it.
pub(crate) fn end_by(signal: c_int) {
    if set(signal, Disposition::Default).is_ok() {
        let _ = raise(signal);
    }
}

/// Sends a signal to a thread of this process, by the system's number for it. One that has ended is an error, not a danger.
#[cfg(target_os = "linux")]
pub(crate) fn thread_kill(native: u64, signal: c_int) -> io::Result<()> {
    // SAFETY: numbers.
    let sent = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), native as libc::pid_t, signal) };
    if sent == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sends a signal to a thread: not here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn thread_kill(_native: u64, _signal: c_int) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}

/// `alarm`: the seconds that were left.
pub(crate) fn alarm(seconds: u32) -> u32 {
    // SAFETY: a number.
    unsafe { libc::alarm(seconds) }
}

fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 * 1e-6
}

/// Sets or reads an interval timer: delay and interval in seconds.
pub(crate) fn itimer(which: c_int, new: Option<(f64, f64)>) -> io::Result<(f64, f64)> {
    let time = |seconds: f64| {
        let whole = seconds.floor();
        libc::timeval { tv_sec: whole as i64, tv_usec: ((seconds - whole) * 1e6) as i64 }
    };
    let mut old = MaybeUninit::<libc::itimerval>::zeroed();
    // SAFETY: structures of numbers.
    let old = unsafe {
        check(match new {
            Some((delay, interval)) => {
                let new = libc::itimerval { it_value: time(delay), it_interval: time(interval) };
                libc::setitimer(which as _, &new, old.as_mut_ptr())
            }
            None => libc::getitimer(which as _, old.as_mut_ptr()),
        })?;
        old.assume_init()
    };
    Ok((seconds(old.it_value), seconds(old.it_interval)))
}
