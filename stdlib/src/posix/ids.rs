//! Who the process is: users, groups, sessions, priorities, scheduling, terminals.

use crate::host::system;
use crate::os_support::{self, FsText, Id};
use orochi_macros::pyfunction;
use orochi_objects::error::{type_error, value_error};
use orochi_objects::types::list;
use orochi_objects::types::set;
use orochi_objects::{IntoPy, PyResult, Ref, Thread, Value, int, protocol, structseq, tuple};

structseq! {
    /// A scheduling parameter.
    pub(super) static SCHED_PARAM: "posix" "sched_param" = "Currently has only one field: sched_priority\n\n  sched_priority\n    A scheduling parameter.",
    visible 1, flags(EMPTY), fallbacks &[], {
        "sched_priority" = "the scheduling priority",
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident: $ty:ty;)*) => { $(
        $(#[$doc])*
        #[pyfunction]
        pub(super) fn $name() -> $ty {
            system::$name()
        }
    )* };
}
numbers! {
    /// Return the current process id.
    getpid: i32;
    /// Return the parent's process id.
    getppid: i32;
    /// Return the current process group id.
    getpgrp: i32;
    /// Return the current process's user id.
    getuid: u32;
    /// Return the current process's effective user id.
    geteuid: u32;
    /// Return the current process's group id.
    getgid: u32;
    /// Return the current process's effective group id.
    getegid: u32;
}

macro_rules! actions {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty = $c:expr),*);)*) => { $(
        $(#[$doc])*
        #[pyfunction]
        pub(super) fn $name(thread: &mut Thread, $($arg: $ty),*) -> PyResult<()> {
            os_support::plain(thread, system::$name($($c),*)).map(drop)
        }
    )* };
}
actions! {
    /// Set the current process's user id.
    fn setuid(uid: Id<false> = uid.0);
    /// Set the current process's effective user id.
    fn seteuid(euid: Id<false> = euid.0);
    /// Set the current process's real and effective user ids.
    fn setreuid(ruid: Id<false> = ruid.0, euid: Id<false> = euid.0);
    /// Set the current process's real, effective, and saved user ids.
    fn setresuid(ruid: Id<false> = ruid.0, euid: Id<false> = euid.0, suid: Id<false> = suid.0);
    /// Set the current process's group id.
    fn setgid(gid: Id<true> = gid.0);
    /// Set the current process's effective group id.
    fn setegid(egid: Id<true> = egid.0);
    /// Set the current process's real and effective group ids.
    fn setregid(rgid: Id<true> = rgid.0, egid: Id<true> = egid.0);
    /// Set the current process's real, effective, and saved group ids.
    fn setresgid(rgid: Id<true> = rgid.0, egid: Id<true> = egid.0, sgid: Id<true> = sgid.0);
    /// Call the system call setpgid(pid, pgrp).
    fn setpgid(pid: i32 = pid, pgrp: i32 = pgrp);
    /// Kill a process with a signal.
    fn kill(pid: i32 = pid, signal: i32 = signal);
    /// Kill a process group with a signal.
    fn killpg(pgid: i32 = pgid, signal: i32 = signal);
    /// Voluntarily relinquish the CPU.
    fn sched_yield();
    /// Set the process group associated with the terminal given by fd.
    fn tcsetpgrp(fd: i32 = fd, pgid: i32 = pgid);
    /// Grant access to the slave pseudo-terminal device.
    fn grantpt(fd: i32 = fd);
    /// Unlock a pseudo-terminal master/slave pair.
    fn unlockpt(fd: i32 = fd);
    /// Call the system call setsid().
    fn setsid();
}

/// Call the system call getpgid(), and return the result.
#[pyfunction]
#[signature(pid)]
pub(super) fn getpgid(thread: &mut Thread, pid: i32) -> PyResult<i32> {
    os_support::plain(thread, system::getpgid(pid))
}

/// Call the system call getsid(pid) and return the result.
#[pyfunction]
#[signature(pid, /)]
pub(super) fn getsid(thread: &mut Thread, pid: i32) -> PyResult<i32> {
    os_support::plain(thread, system::getsid(pid))
}

/// Make the current process the leader of its process group.
#[pyfunction]
pub(super) fn setpgrp(thread: &mut Thread) -> PyResult<()> {
    os_support::plain(thread, system::setpgid(0, 0)).map(drop)
}

fn ids(thread: &mut Thread, ids: &[u32]) -> PyResult<Vec<Value>> {
    let mut values = Vec::new();
    for id in ids {
        values.push((*id).into_py(thread)?);
    }
    Ok(values)
}

/// Return a tuple of the current process's real, effective, and saved user ids.
#[pyfunction]
pub(super) fn getresuid(thread: &mut Thread) -> PyResult {
    let found = os_support::plain(thread, system::getresuid())?;
    let values = ids(thread, &found)?;
    Ok(tuple::new(thread, values)?.into_value())
}

/// Return a tuple of the current process's real, effective, and saved group ids.
#[pyfunction]
pub(super) fn getresgid(thread: &mut Thread) -> PyResult {
    let found = os_support::plain(thread, system::getresgid())?;
    let values = ids(thread, &found)?;
    Ok(tuple::new(thread, values)?.into_value())
}

/// Return list of supplemental group IDs for the process.
#[pyfunction]
pub(super) fn getgroups(thread: &mut Thread) -> PyResult {
    let found = os_support::plain(thread, system::getgroups())?;
    let values = ids(thread, &found)?;
    Ok(list::new(thread, values)?.into_value())
}

/// Set the groups of the current process to list.
#[pyfunction]
#[signature(groups, /)]
pub(super) fn setgroups(thread: &mut Thread, groups: Ref<'_>) -> PyResult<()> {
    let mut found = Vec::new();
    for group in super::files::numbers(thread, groups)? {
        found.push(u32::try_from(group).map_err(|_| value_error("group ids must be in range"))?);
    }
    os_support::plain(thread, system::setgroups(&found))
}

/// Returns a list of groups to which a user belongs.
#[pyfunction]
#[signature(user, group, /)]
pub(super) fn getgrouplist(thread: &mut Thread, user: FsText, group: Id<true>) -> PyResult {
    let found = os_support::plain(thread, system::getgrouplist(&user.0, group.0))?;
    let values = ids(thread, &found)?;
    Ok(list::new(thread, values)?.into_value())
}

/// Initialize the group access list.
#[pyfunction]
#[signature(username, gid, /)]
pub(super) fn initgroups(thread: &mut Thread, username: FsText, gid: Id<true>) -> PyResult<()> {
    os_support::plain(thread, system::initgroups(&username.0, gid.0)).map(drop)
}

/// Return the actual login name.
#[pyfunction]
pub(super) fn getlogin(thread: &mut Thread) -> PyResult {
    let name = os_support::plain(thread, system::getlogin())?;
    os_support::fs_decode(thread, &name)
}

/// Add increment to the priority of process and return the new priority.
#[pyfunction]
#[signature(increment, /)]
pub(super) fn nice(thread: &mut Thread, increment: i32) -> PyResult<i32> {
    os_support::plain(thread, system::nice(increment))
}

/// Return program scheduling priority.
#[pyfunction]
#[signature(which, who)]
pub(super) fn getpriority(thread: &mut Thread, which: i32, who: i32) -> PyResult<i32> {
    os_support::plain(thread, system::getpriority(which, who as u32))
}

/// Set program scheduling priority.
#[pyfunction]
#[signature(which, who, priority)]
pub(super) fn setpriority(thread: &mut Thread, which: i32, who: i32, priority: i32) -> PyResult<()> {
    os_support::plain(thread, system::setpriority(which as u32, who as u32, priority)).map(drop)
}

/// Get the maximum scheduling priority for policy.
#[pyfunction]
#[signature(policy)]
pub(super) fn sched_get_priority_max(thread: &mut Thread, policy: i32) -> PyResult<i32> {
    os_support::plain(thread, system::sched_get_priority_max(policy))
}

/// Get the minimum scheduling priority for policy.
#[pyfunction]
#[signature(policy)]
pub(super) fn sched_get_priority_min(thread: &mut Thread, policy: i32) -> PyResult<i32> {
    os_support::plain(thread, system::sched_get_priority_min(policy))
}

/// Get the scheduling policy for the process identified by pid.
#[pyfunction]
#[signature(pid, /)]
pub(super) fn sched_getscheduler(thread: &mut Thread, pid: i32) -> PyResult<i32> {
    os_support::plain(thread, system::sched_getscheduler(pid))
}

pub(super) fn priority_of(thread: &mut Thread, param: Ref<'_>) -> PyResult<i32> {
    if !SCHED_PARAM.is_instance(param) {
        return Err(type_error("must have a sched_param object"));
    }
    let priority = protocol::get_attr_str(thread, param, "sched_priority")?;
    os_support::small_number(thread, priority.get(), "sched_priority")
}

/// Returns scheduling parameters for the process identified by pid.
#[pyfunction]
#[signature(pid, /)]
pub(super) fn sched_getparam(thread: &mut Thread, pid: i32) -> PyResult {
    let priority = os_support::plain(thread, system::sched_getparam(pid))?;
    let priority = int::new(thread, priority.into())?;
    SCHED_PARAM.make(thread, vec![priority])
}

/// Set scheduling parameters for the process identified by pid.
#[pyfunction]
#[signature(pid, param, /)]
pub(super) fn sched_setparam(thread: &mut Thread, pid: i32, param: Ref<'_>) -> PyResult<()> {
    let priority = priority_of(thread, param)?;
    os_support::plain(thread, system::sched_set(pid, None, priority))
}

/// Set the scheduling policy for the process identified by pid.
#[pyfunction]
#[signature(pid, policy, param, /)]
pub(super) fn sched_setscheduler(thread: &mut Thread, pid: i32, policy: i32, param: Ref<'_>) -> PyResult<()> {
    let priority = priority_of(thread, param)?;
    os_support::plain(thread, system::sched_set(pid, Some(policy), priority))
}

/// Return the round-robin quantum for the process identified by pid, in seconds.
#[pyfunction]
#[signature(pid, /)]
pub(super) fn sched_rr_get_interval(thread: &mut Thread, pid: i32) -> PyResult<f64> {
    os_support::plain(thread, system::sched_rr_get_interval(pid))
}

/// Return the affinity of the process identified by pid (or the current process if zero).
///
/// The affinity is returned as a set of CPU identifiers.
#[pyfunction]
#[signature(pid, /)]
pub(super) fn sched_getaffinity(thread: &mut Thread, pid: i32) -> PyResult {
    let found = os_support::plain(thread, system::sched_getaffinity(pid))?;
    let mut values = Vec::new();
    for number in found {
        values.push(number.into_py(thread)?);
    }
    let values = list::new(thread, values)?;
    protocol::call(
        thread,
        <set::PySet as orochi_objects::PyClass>::static_type().get().get(),
        &[values.get()],
    )
}

/// Set the CPU affinity of the process identified by pid to mask.
#[pyfunction]
#[signature(pid, mask, /)]
pub(super) fn sched_setaffinity(thread: &mut Thread, pid: i32, mask: Ref<'_>) -> PyResult<()> {
    let mut processors = Vec::new();
    for number in super::files::numbers(thread, mask)? {
        match usize::try_from(number) {
            Ok(number) if number < 1 << 20 => processors.push(number),
            Ok(_) => return Err(orochi_objects::error::overflow_error("CPU number too large")),
            Err(_) => return Err(value_error("negative CPU number")),
        }
    }
    os_support::plain(thread, system::sched_setaffinity(pid, &processors))
}

/// Return the process group associated with the terminal specified by fd.
#[pyfunction]
#[signature(fd, /)]
pub(super) fn tcgetpgrp(thread: &mut Thread, fd: i32) -> PyResult<i32> {
    os_support::plain(thread, system::tcgetpgrp(fd))
}

/// Return the name of the terminal device connected to 'fd'.
#[pyfunction]
#[signature(fd, /)]
pub(super) fn ttyname(thread: &mut Thread, fd: i32) -> PyResult {
    let name = os_support::plain(thread, system::ttyname(fd))?;
    os_support::fs_decode(thread, &name)
}

/// Return the name of the slave pseudo-terminal device.
#[pyfunction]
#[signature(fd, /)]
pub(super) fn ptsname(thread: &mut Thread, fd: i32) -> PyResult {
    let name = os_support::plain(thread, system::ptsname(fd))?;
    os_support::fs_decode(thread, &name)
}

/// Return the name of the controlling terminal for this process.
#[pyfunction]
pub(super) fn ctermid() -> &'static str {
    "/dev/tty"
}

/// Open and return a file descriptor for a master pseudo-terminal device.
#[pyfunction]
#[signature(oflag, /)]
pub(super) fn posix_openpt(thread: &mut Thread, oflag: i32) -> PyResult<i32> {
    os_support::plain(thread, system::posix_openpt(oflag))
}

/// Open a pseudo-terminal.
///
/// Return a tuple of (master_fd, slave_fd) containing open file descriptors
/// for both the master and slave ends.
#[pyfunction]
pub(super) fn openpty(thread: &mut Thread) -> PyResult {
    let opened = open_terminal();
    let (master, slave) = os_support::plain(thread, opened)?;
    let values = vec![master.into_py(thread)?, slave.into_py(thread)?];
    Ok(tuple::new(thread, values)?.into_value())
}

fn open_terminal() -> std::io::Result<(i32, i32)> {
    let master = system::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC)?;
    let slave = (|| {
        system::grantpt(master)?;
        system::unlockpt(master)?;
        let name = system::c_string(system::ptsname(master)?).unwrap_or_default();
        system::openat(libc::AT_FDCWD, &name, libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC, 0)
    })();
    match slave {
        Ok(slave) => Ok((master, slave)),
        Err(error) => {
            let _ = system::close(master);
            Err(error)
        }
    }
}

/// Prepare the tty of which fd is a file descriptor for a new login session.
#[pyfunction]
#[signature(fd, /)]
pub(super) fn login_tty(thread: &mut Thread, fd: i32) -> PyResult<()> {
    let done = (|| {
        system::setsid()?;
        system::ioctl(fd, libc::TIOCSCTTY, 0)?;
        for to in 0..3 {
            system::dup2(fd, to)?;
        }
        if fd > 2 {
            system::close(fd)?;
        }
        Ok(())
    })();
    os_support::plain(thread, done)
}

/// Disassociate parts of a process (or thread) execution context.
#[pyfunction]
#[signature(flags)]
pub(super) fn unshare(thread: &mut Thread, flags: i32) -> PyResult<()> {
    os_support::plain(thread, system::unshare(flags)).map(drop)
}

/// Move the calling thread into different namespaces.
#[pyfunction]
#[signature(fd, nstype = 0)]
pub(super) fn setns(thread: &mut Thread, fd: os_support::Fildes, nstype: i32) -> PyResult<()> {
    os_support::plain(thread, system::setns(fd.0, nstype)).map(drop)
}
