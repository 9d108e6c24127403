//! Unix: the child of `subprocess` between fork and exec. Only async-signal-safe calls; memory was got before.

use super::process::{exit_now, pointers};
use super::unix as system;
use libc::{c_char, c_int};
use std::ffi::CString;
use std::io;

/// What the child does.
pub(crate) struct Plan {
    /// Programs to try, in order.
    pub(crate) programs: Vec<CString>,
    /// Arguments.
    pub(crate) argv: Vec<CString>,
    /// `NAME=value`; the parent's environment if absent.
    pub(crate) env: Option<Vec<CString>>,
    /// The directory to go to.
    pub(crate) directory: Option<CString>,
    /// p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, errpipe_read, errpipe_write.
    pub(crate) pipes: [c_int; 8],
    /// Close all other descriptors.
    pub(crate) close_fds: bool,
    /// But for these, which are in order.
    pub(crate) keep: Vec<c_int>,
    /// Give ignored signals their defaults back.
    pub(crate) restore_signals: bool,
    /// Start a session.
    pub(crate) session: bool,
    /// The process group; -1: the parent's.
    pub(crate) group: c_int,
    /// Group, groups, user.
    pub(crate) ids: (Option<u32>, Option<Vec<u32>>, Option<u32>),
    /// The file mode mask; negative: the parent's.
    pub(crate) umask: c_int,
}

/// The pointers that exec takes.
pub(crate) struct Prepared {
    argv: Vec<*const c_char>,
    env: Option<Vec<*const c_char>>,
}

/// Gets the memory.
pub(crate) fn prepare(plan: &Plan) -> Prepared {
    Prepared { argv: pointers(&plan.argv), env: plan.env.as_deref().map(pointers) }
}

/// Forks and runs the plan in the child; gives the child's number.
pub(crate) fn fork_and_run(plan: &Plan, prepared: &Prepared) -> io::Result<c_int> {
    let pid = super::process::fork()?;
    if pid == 0 {
        run_child(plan, prepared, &mut || true);
    }
    Ok(pid)
}

/// The step that failed, as `subprocess` words it.
type Failure = (&'static str, io::Error);

/// Does everything in the child, and doesn't return. `before_exec` runs last; false: it raised.
pub(crate) fn run_child(plan: &Plan, prepared: &Prepared, before_exec: &mut dyn FnMut() -> bool) -> ! {
    let report = plan.pipes[7];
    let failure = child(plan, prepared, before_exec);
    let mut text = [0_u8; 64];
    let mut len = 0;
    let mut put = |part: &[u8]| {
        for byte in part {
            if let Some(place) = text.get_mut(len) {
                *place = *byte;
                len += 1;
            }
        }
    };
    match failure {
        ("preexec", _) => put(b"SubprocessError:0:Exception occurred in preexec_fn."),
        (step, error) => {
            put(b"OSError:");
            let mut digits = [0_u8; 8];
            let mut at = digits.len();
            let mut number = error.raw_os_error().unwrap_or(0);
            while number > 0 && at > 0 {
                at -= 1;
                let digit = b"0123456789abcdef".get((number & 15) as usize).copied().unwrap_or(b'0');
                if let Some(place) = digits.get_mut(at) {
                    *place = digit;
                }
                number >>= 4;
            }
            put(digits.get(at..).unwrap_or_default());
            put(b":");
            put(step.as_bytes());
        }
    }
    let _ = system::write(report, text.get(..len).unwrap_or_default());
    exit_now(255)
}

/// Returns only if something failed.
fn child(plan: &Plan, prepared: &Prepared, before_exec: &mut dyn FnMut() -> bool) -> Failure {
    if let Err(error) = descriptors(plan) {
        return ("", error);
    }
    if let Some(directory) = &plan.directory
        && let Err(error) = system::chdir(directory)
    {
        return ("noexec:chdir", error);
    }
    if let Err(error) = identity(plan) {
        return ("noexec", error);
    }
    if !before_exec() {
        return ("preexec", io::Error::from_raw_os_error(0));
    }
    if plan.close_fds {
        close_others(plan);
    }
    let mut worst = libc::ENOENT;
    for program in &plan.programs {
        // SAFETY: strings that end in NUL, arrays of them that end in null.
        unsafe {
            match &prepared.env {
                Some(env) => libc::execve(program.as_ptr(), prepared.argv.as_ptr(), env.as_ptr()),
                None => libc::execv(program.as_ptr(), prepared.argv.as_ptr()),
            }
        };
        let error = io::Error::last_os_error().raw_os_error().unwrap_or(0);
        if error != libc::ENOENT && error != libc::ENOTDIR && worst == libc::ENOENT {
            worst = error;
        }
    }
    ("", io::Error::from_raw_os_error(worst))
}

/// Puts the pipes in the places of the standard streams.
fn descriptors(plan: &Plan) -> io::Result<()> {
    let [mut input, p2cwrite, c2pread, mut output, errread, mut errors, errpipe_read, _] = plan.pipes;
    for fd in &plan.keep {
        if *fd != plan.pipes[7] {
            system::set_inheritable(*fd, true)?;
        }
    }
    for fd in [p2cwrite, c2pread, errread, errpipe_read] {
        if fd != -1 {
            system::close(fd)?;
        }
    }
    // What lies in the way of another moves up first.
    if output == 0 {
        output = system::dup(output)?;
    }
    while errors == 0 || errors == 1 {
        errors = system::dup(errors)?;
    }
    for (from, to) in [(&mut input, 0), (&mut output, 1), (&mut errors, 2)] {
        if *from == to {
            system::set_inheritable(to, true)?;
        } else if *from != -1 {
            system::dup2(*from, to)?;
        }
    }
    Ok(())
}

fn identity(plan: &Plan) -> io::Result<()> {
    if plan.umask >= 0 {
        system::umask(plan.umask as u32);
    }
    if plan.restore_signals {
        for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
            super::signal::set(signal, super::signal::Disposition::Default)?;
        }
    }
    if plan.session {
        system::setsid()?;
    }
    if plan.group >= 0 {
        system::setpgid(0, plan.group)?;
    }
    let (gid, groups, uid) = &plan.ids;
    if let Some(groups) = groups {
        system::setgroups(groups)?;
    }
    if let Some(gid) = gid {
        system::setregid(*gid, *gid)?;
    }
    if let Some(uid) = uid {
        system::setreuid(*uid, *uid)?;
    }
    Ok(())
}

/// Closes every descriptor from 3 on but those to keep. (The report's closes itself at exec.)
fn close_others(plan: &Plan) {
    let mut from = 3;
    let report = plan.pipes[7];
    let mut close_to = |fd: c_int| {
        system::close_range(from, fd);
        from = fd + 1;
    };
    let mut reported = false;
    for fd in &plan.keep {
        if !reported && report < *fd {
            close_to(report);
            reported = true;
        }
        reported |= report == *fd;
        if *fd >= 3 {
            close_to(*fd);
        }
    }
    if !reported && report >= 3 {
        close_to(report);
    }
    let limit = system::sysconf(libc::_SC_OPEN_MAX).unwrap_or(1024);
    let limit = c_int::try_from(limit).unwrap_or(c_int::MAX).min(1 << 20);
    // SAFETY: numbers.
    if unsafe { libc::syscall(libc::SYS_close_range, from, c_int::MAX, 0) } != 0 {
        system::close_range(from, limit);
    }
}
