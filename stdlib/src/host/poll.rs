//! Unix: waiting for descriptors, and locks of files.

use super::unix::check;
use libc::c_int;
use std::io;

/// A descriptor, the events asked for, the events that are there.
pub(crate) type Polled = libc::pollfd;

/// `poll`.
pub(crate) fn poll(polled: &mut [Polled], milliseconds: c_int) -> io::Result<c_int> {
    // SAFETY: valid for its length.
    check(unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, milliseconds) })
}

/// A new epoll descriptor.
pub(crate) fn epoll_create() -> io::Result<c_int> {
    // SAFETY: a number.
    check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })
}

/// `epoll_ctl`.
pub(crate) fn epoll_ctl(epoll: c_int, how: c_int, fd: c_int, events: u32) -> io::Result<()> {
    let mut event = libc::epoll_event { events, u64: fd as u64 };
    // SAFETY: the structure is only read.
    check(unsafe { libc::epoll_ctl(epoll, how, fd, &mut event) }).map(drop)
}

/// `epoll_wait`: descriptors and their events.
pub(crate) fn epoll_wait(epoll: c_int, most: c_int, milliseconds: c_int) -> io::Result<Vec<(c_int, i64)>> {
    let most = most.clamp(1, 1 << 16);
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; most as usize];
    // SAFETY: room for so many.
    let n = check(unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), most, milliseconds) })?;
    Ok(events.iter().take(n as usize).map(|event| (event.u64 as c_int, i64::from(event.events))).collect())
}

/// `flock`.
pub(crate) fn flock(fd: c_int, operation: c_int) -> io::Result<()> {
    // SAFETY: numbers.
    check(unsafe { libc::flock(fd, operation) }).map(drop)
}

/// A lock of a part of a file (start, length, whence).
pub(crate) fn record_lock(
    fd: c_int,
    kind: i16,
    (start, len, whence): (i64, i64, i16),
    wait: bool,
) -> io::Result<()> {
    // SAFETY: plain data, of which zero is a valid value.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind;
    lock.l_start = start;
    lock.l_len = len;
    lock.l_whence = whence;
    let command = if wait { libc::F_SETLKW } else { libc::F_SETLK };
    // SAFETY: the structure is only read.
    check(unsafe { libc::fcntl(fd, command, &lock) }).map(drop)
}
