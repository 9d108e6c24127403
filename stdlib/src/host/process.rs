//! Unix processes: making, waiting for, replacing and ending them.
//!
//! Between fork and exec of a process with several threads only async-signal-safe calls are allowed: memory for the
//! pointers that exec takes is made before.

use super::unix::check;
use libc::{c_char, c_int, c_uint, pid_t};
use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;

/// `fork`. The caller has stopped all other threads.
pub(crate) fn fork() -> io::Result<c_int> {
    // SAFETY: every other thread of the runtime stands at a safepoint or is detached, so no lock that the child needs is
    // held by a thread that it doesn't have.
    check(unsafe { libc::fork() })
}

/// `forkpty`; the parent gets the terminal's number.
pub(crate) fn forkpty(master: &mut c_int) -> io::Result<c_int> {
    let null = std::ptr::null_mut();
    // SAFETY: as in `fork`; a place for a number, and nothing else is asked for.
    check(unsafe { libc::forkpty(master, null, null.cast(), null.cast()) })
}

/// `_exit`.
pub(crate) fn exit_now(status: c_int) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(status) }
}

/// `waitpid`: process and status.
pub(crate) fn waitpid(pid: pid_t, options: c_int) -> io::Result<(pid_t, c_int)> {
    let mut status = 0;
    // SAFETY: a place for a number.
    let pid = check(unsafe { libc::waitpid(pid, &mut status, options) })?;
    Ok((pid, status))
}

/// `wait4`: process, status, resources.
pub(crate) fn wait4(pid: pid_t, options: c_int) -> io::Result<(pid_t, c_int, libc::rusage)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: places for a number and a structure.
    let pid = check(unsafe { libc::wait4(pid, &mut status, options, usage.as_mut_ptr()) })?;
    // SAFETY: numbers, zeroed before.
    Ok((pid, status, unsafe { usage.assume_init() }))
}

/// `waitid`: pid, uid, signal, status, code; nothing if no child has changed.
pub(crate) fn waitid(kind: c_uint, id: c_uint, options: c_int) -> io::Result<Option<[i64; 5]>> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: a place for the structure.
    check(unsafe { libc::waitid(kind, id, info.as_mut_ptr(), options) })?;
    // SAFETY: numbers, zeroed before; the call fills the fields of a child's signal.
    let (info, pid, uid, status) = unsafe {
        let info = info.assume_init();
        (info, info.si_pid(), info.si_uid(), info.si_status())
    };
    let numbers = [pid.into(), uid.into(), info.si_signo.into(), status.into(), info.si_code.into()];
    Ok((pid != 0).then_some(numbers))
}

/// `pidfd_open`.
pub(crate) fn pidfd_open(pid: pid_t, flags: c_uint) -> io::Result<c_int> {
    // SAFETY: numbers.
    check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) }).map(|fd| fd as c_int)
}

/// The pointers to strings that exec takes, with the null at the end.
pub(crate) fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
}

/// Replaces the process's program; returns only the error.
pub(crate) fn execute(path: Result<&CStr, c_int>, argv: &[CString], env: Option<&[CString]>) -> io::Error {
    let argv = pointers(argv);
    let env = env.map(pointers);
    // SAFETY: strings that end in NUL, and arrays of them that end in null.
    unsafe {
        match (path, &env) {
            (Ok(path), Some(env)) => libc::execve(path.as_ptr(), argv.as_ptr(), env.as_ptr()),
            (Ok(path), None) => libc::execv(path.as_ptr(), argv.as_ptr()),
            (Err(fd), Some(env)) => libc::fexecve(fd, argv.as_ptr(), env.as_ptr()),
            (Err(_), None) => -1,
        };
    }
    io::Error::last_os_error()
}

/// What `posix_spawn` does with files in the child.
pub(crate) enum FileAction {
    /// Descriptor, path, flags, mode.
    Open(c_int, CString, c_int, c_uint),
    /// Descriptor.
    Close(c_int),
    /// From, to.
    Dup2(c_int, c_int),
    /// The first to close.
    CloseFrom(c_int),
}

/// The options of `posix_spawn`.
pub(crate) struct Spawn {
    /// Search PATH.
    pub(crate) search: bool,
    /// What to do with files.
    pub(crate) actions: Vec<FileAction>,
    /// The process group.
    pub(crate) group: Option<pid_t>,
    /// Effective ids become the real ones.
    pub(crate) reset_ids: bool,
    /// A new session.
    pub(crate) session: bool,
    /// Signals to block.
    pub(crate) mask: Option<Vec<c_int>>,
    /// Signals to reset.
    pub(crate) defaults: Option<Vec<c_int>>,
    /// The scheduling policy, if it changes, and the priority.
    pub(crate) scheduler: Option<(Option<c_int>, c_int)>,
}

fn failed(code: c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}

/// `posix_spawn` and `posix_spawnp`.
pub(crate) fn spawn(
    path: &CStr,
    argv: &[CString],
    env: Option<&[CString]>,
    options: &Spawn,
) -> io::Result<pid_t> {
    unsafe extern "C" {
        static environ: *const *const c_char;
    }
    let argv = pointers(argv);
    let env = env.map(pointers);
    let mut actions = MaybeUninit::uninit();
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: both structures are initialised first and destroyed last; strings and arrays live during the call.
    unsafe {
        failed(libc::posix_spawn_file_actions_init(actions.as_mut_ptr()))?;
        failed(libc::posix_spawnattr_init(attributes.as_mut_ptr()))?;
        let (mut actions, mut attributes) = (actions.assume_init(), attributes.assume_init());
        let prepared = add_actions(&mut actions, &options.actions)
            .and_then(|()| set_attributes(&mut attributes, options));
        let env = env.as_ref().map_or(environ, |env| env.as_ptr());
        let mut pid = 0;
        let result = prepared.and_then(|()| {
            let call = if options.search { libc::posix_spawnp } else { libc::posix_spawn };
            failed(call(&mut pid, path.as_ptr(), &actions, &attributes, argv.as_ptr().cast(), env.cast()))
        });
        libc::posix_spawn_file_actions_destroy(&mut actions);
        libc::posix_spawnattr_destroy(&mut attributes);
        result.map(|()| pid)
    }
}

/// # Safety
/// The structure is initialised; the actions outlive it.
unsafe fn add_actions(to: &mut libc::posix_spawn_file_actions_t, actions: &[FileAction]) -> io::Result<()> {
    unsafe extern "C" {
        fn posix_spawn_file_actions_addclosefrom_np(
            actions: *mut libc::posix_spawn_file_actions_t,
            from: c_int,
        ) -> c_int;
    }
    for action in actions {
        // SAFETY: as the caller promises.
        failed(unsafe {
            match action {
                FileAction::Open(fd, path, flags, mode) => {
                    libc::posix_spawn_file_actions_addopen(to, *fd, path.as_ptr(), *flags, *mode)
                }
                FileAction::Close(fd) => libc::posix_spawn_file_actions_addclose(to, *fd),
                FileAction::Dup2(fd, other) => libc::posix_spawn_file_actions_adddup2(to, *fd, *other),
                FileAction::CloseFrom(fd) => posix_spawn_file_actions_addclosefrom_np(to, *fd),
            }
        })?;
    }
    Ok(())
}

/// # Safety
/// The structure is initialised.
unsafe fn set_attributes(to: &mut libc::posix_spawnattr_t, options: &Spawn) -> io::Result<()> {
    let mut flags = 0;
    // SAFETY: as the caller promises; the sets are only read.
    unsafe {
        if let Some(group) = options.group {
            failed(libc::posix_spawnattr_setpgroup(to, group))?;
            flags |= libc::POSIX_SPAWN_SETPGROUP;
        }
        if options.reset_ids {
            flags |= libc::POSIX_SPAWN_RESETIDS;
        }
        if options.session {
            // POSIX_SPAWN_SETSID, the same number on every Linux.
            flags |= 0x80;
        }
        if let Some(mask) = &options.mask {
            failed(libc::posix_spawnattr_setsigmask(to, &super::signal::set_of(mask)))?;
            flags |= libc::POSIX_SPAWN_SETSIGMASK;
        }
        if let Some(defaults) = &options.defaults {
            failed(libc::posix_spawnattr_setsigdefault(to, &super::signal::set_of(defaults)))?;
            flags |= libc::POSIX_SPAWN_SETSIGDEF;
        }
        if let Some((policy, priority)) = options.scheduler {
            if let Some(policy) = policy {
                failed(libc::posix_spawnattr_setschedpolicy(to, policy))?;
                flags |= libc::POSIX_SPAWN_SETSCHEDULER;
            }
            let mut param: libc::sched_param = std::mem::zeroed();
            param.sched_priority = priority;
            failed(libc::posix_spawnattr_setschedparam(to, &param))?;
            flags |= libc::POSIX_SPAWN_SETSCHEDPARAM;
        }
        failed(libc::posix_spawnattr_setflags(to, flags as libc::c_short))
    }
}
