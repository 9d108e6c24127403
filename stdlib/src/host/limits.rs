//! Unix: what processes use and may use.

use super::unix::check;
use libc::c_int;
use std::io;
use std::mem::MaybeUninit;

/// `getrusage`.
pub(crate) fn getrusage(who: c_int) -> io::Result<libc::rusage> {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: a place for the structure, which is made of numbers.
    unsafe {
        check(libc::getrusage(who as _, usage.as_mut_ptr()))?;
        Ok(usage.assume_init())
    }
}

/// Sets (if limits are given) and gives the limits that were: soft, hard.
pub(crate) fn prlimit(pid: c_int, resource: u32, new: Option<(u64, u64)>) -> io::Result<(u64, u64)> {
    let new = new.map(|(rlim_cur, rlim_max)| libc::rlimit { rlim_cur, rlim_max });
    let new = new.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let mut old = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: null or a structure that is read, and a place for the other.
    check(unsafe { libc::prlimit(pid, resource as _, new, &mut old) })?;
    Ok((old.rlim_cur, old.rlim_max))
}
