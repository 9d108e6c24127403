//! Processes: making, waiting for, replacing, ending them.

use crate::host::process::{self, FileAction, Spawn};
use crate::host::system;
use crate::os_support::{self, Path, PathOrFd};
use orochi_macros::pyfunction;
use orochi_objects::error::{finalization_error, type_error, value_error};
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::{exception, list};
use orochi_objects::{
    IntoPy, PyResult, Ref, Thread, Value, class_of, finalize, int, protocol, structseq, tuple, warn,
};
use std::ffi::CString;

structseq! {
    /// What waitid gives.
    pub(super) static WAITID_RESULT: "posix" "waitid_result" = "waitid_result: Result from waitid.\n\nThis object may be accessed either as a tuple of\n  (si_pid, si_uid, si_signo, si_status, si_code),\nor via the attributes si_pid, si_uid, and so on.\n\nSee os.waitid for more information.",
    visible 5, flags(EMPTY), fallbacks &[], {
        "si_pid" = "", "si_uid" = "", "si_signo" = "", "si_status" = "", "si_code" = "",
    }
}

const BEFORE: &str = "posix.at_fork.before";
const IN_CHILD: &str = "posix.at_fork.after_in_child";
const IN_PARENT: &str = "posix.at_fork.after_in_parent";

/// Register callables to be called when forking a new process.
///
///   before
///     A callable to be called in the parent before the fork() syscall.
///   after_in_child
///     A callable to be called in the child after fork().
///   after_in_parent
///     A callable to be called in the parent after fork().
///
/// 'before' callbacks are called in reverse order.
/// 'after_in_child' and 'after_in_parent' callbacks are called in order.
#[pyfunction]
#[signature(*, before=<missing>, after_in_child=<missing>, after_in_parent=<missing>)]
pub(super) fn register_at_fork(
    thread: &mut Thread,
    before: Option<Ref<'_>>,
    after_in_child: Option<Ref<'_>>,
    after_in_parent: Option<Ref<'_>>,
) -> PyResult<()> {
    let given = [
        ("before", before, BEFORE),
        ("after_in_child", after_in_child, IN_CHILD),
        ("after_in_parent", after_in_parent, IN_PARENT),
    ];
    if given.iter().all(|(_, callable, _)| callable.is_none()) {
        return Err(type_error("At least one argument is required."));
    }
    for (name, callable, _) in &given {
        if let Some(callable) = callable
            && class_of(*callable).slots.tp_call().is_none()
        {
            let class = class_of(*callable).name();
            return Err(type_error(format!("'{name}' must be callable, not {class}")));
        }
    }
    for (_, callable, key) in given {
        if let Some(callable) = callable {
            let hooks = os_support::kept_list(thread, key)?;
            list::push(thread, &hooks, callable.to_owned())?;
        }
    }
    Ok(())
}

/// Calls hooks; what they raise goes to `sys.unraisablehook`, as nobody can handle it.
pub(crate) fn run_fork_hooks(thread: &mut Thread, before: bool, child: bool) -> PyResult<()> {
    let key = if before {
        BEFORE
    } else if child {
        IN_CHILD
    } else {
        IN_PARENT
    };
    let hooks = os_support::kept_list(thread, key)?;
    let mut hooks = list::values(thread, &hooks)?;
    if before {
        hooks.reverse();
    }
    for hook in hooks {
        if let Err(error) = protocol::call(thread, hook.get(), &[]) {
            orochi_objects::finalize::unraisable(thread, error, None, hook.get());
        }
    }
    Ok(())
}

/// Forks: hooks run, other threads stand still meanwhile, and the child keeps the calling thread alone.
fn fork_now(thread: &mut Thread, name: &str, call: impl FnOnce() -> std::io::Result<i32>) -> PyResult<i32> {
    if crate::sys::is_shutting_down() {
        return Err(finalization_error("can't fork at interpreter shutdown"));
    }
    let result = fork_with_hooks(thread, name, call)?;
    os_support::plain(thread, result)
}

/// The same; what the system says (0 in the child).
pub(crate) fn fork_with_hooks(
    thread: &mut Thread,
    name: &str,
    call: impl FnOnce() -> std::io::Result<i32>,
) -> PyResult<std::io::Result<i32>> {
    run_fork_hooks(thread, true, false)?;
    let result = thread.fork(call, |result| matches!(result, Ok(0)));
    let child = matches!(result, Ok(0));
    if !child && result.is_ok() {
        warn_of_threads(thread, name);
    }
    if child {
        crate::thread::start::after_fork(thread);
        crate::imp::import_lock::after_fork(thread);
        crate::asyncio_::after_fork(thread);
    }
    run_fork_hooks(thread, false, child)?;
    Ok(result)
}

/// In the parent: the child has none of its other threads. The warning comes late, so one that is an error is only reported.
fn warn_of_threads(thread: &mut Thread, name: &str) {
    if crate::thread::start::running() == 0 {
        return;
    }
    let process = std::process::id();
    let message = format!(
        "This process (pid={process}) is multi-threaded, use of {name}() may lead to deadlocks in the child."
    );
    if let Err(error) = warn::warn(thread, &exception::DeprecationWarning, &message) {
        finalize::unraisable(thread, error, None, Ref::NONE);
    }
}

/// Fork a child process.
///
/// Return 0 to child process and PID of child to parent process.
#[pyfunction]
pub(super) fn fork(thread: &mut Thread) -> PyResult<i32> {
    fork_now(thread, "fork", process::fork)
}

/// Fork a new process with a new pseudo-terminal as controlling tty.
///
/// Returns a tuple of (pid, master_fd).
/// Like fork(), return pid of 0 to the child process,
/// and pid of child to the parent process.
#[pyfunction]
pub(super) fn forkpty(thread: &mut Thread) -> PyResult {
    let mut master = -1;
    let pid = fork_now(thread, "forkpty", || process::forkpty(&mut master))?;
    let values = vec![pid.into_py(thread)?, master.into_py(thread)?];
    Ok(tuple::new(thread, values)?.into_value())
}

/// Exit to the system with specified status, without normal exit processing.
#[pyfunction]
#[signature(status)]
pub(super) fn _exit(status: i32) {
    process::exit_now(status);
}

/// Abort the interpreter immediately.
///
/// This function 'dumps core' or otherwise fails in the hardest way possible
/// on the hosting operating system.  This function never returns.
#[pyfunction]
pub(super) fn abort() {
    std::process::abort();
}

/// Execute the command in a subshell.
#[pyfunction]
#[name = "system"]
#[signature(command)]
pub(super) fn system_(thread: &mut Thread, command: os_support::FsText) -> i32 {
    thread.detached(|| system::system(&command.0))
}

fn pid_and_status(thread: &mut Thread, pid: i32, status: i32) -> PyResult<Vec<Value>> {
    Ok(vec![pid.into_py(thread)?, status.into_py(thread)?])
}

/// Wait for completion of a given child process.
///
/// Returns a tuple of information regarding the child process:
///     (pid, status)
///
/// The options argument is ignored on Windows.
#[pyfunction]
#[signature(pid, options, /)]
pub(super) fn waitpid(thread: &mut Thread, pid: i32, options: i32) -> PyResult {
    let (pid, status) = os_support::call(thread, || process::waitpid(pid, options))?;
    let values = pid_and_status(thread, pid, status)?;
    Ok(tuple::new(thread, values)?.into_value())
}

/// Wait for completion of a child process.
///
/// Returns a tuple of information about the child process:
///     (pid, status)
#[pyfunction]
pub(super) fn wait(thread: &mut Thread) -> PyResult {
    waitpid(thread, -1, 0)
}

/// Wait for completion of a specific child process.
///
/// Returns a tuple of information about the child process:
///   (pid, status, rusage)
#[pyfunction]
#[signature(pid, options)]
pub(super) fn wait4(thread: &mut Thread, pid: i32, options: i32) -> PyResult {
    let (pid, status, usage) = os_support::call(thread, || process::wait4(pid, options))?;
    let mut values = pid_and_status(thread, pid, status)?;
    values.push(crate::resource::usage_result(thread, &usage)?);
    Ok(tuple::new(thread, values)?.into_value())
}

/// Wait for completion of a child process.
///
/// Returns a tuple of information about the child process:
///   (pid, status, rusage)
#[pyfunction]
#[signature(options)]
pub(super) fn wait3(thread: &mut Thread, options: i32) -> PyResult {
    wait4(thread, -1, options)
}

/// Returns the result of waiting for a process or processes.
///
///   idtype
///     Must be one of be P_PID, P_PGID or P_ALL.
///   id
///     The id to wait on.
///   options
///     Constructed from the ORing of one or more of WEXITED, WSTOPPED
///     or WCONTINUED and additionally may be ORed with WNOHANG or WNOWAIT.
///
/// Returns either waitid_result or None if WNOHANG is specified and there are
/// no children in a waitable state.
#[pyfunction]
#[signature(idtype, id, options, /)]
pub(super) fn waitid(thread: &mut Thread, idtype: u32, id: u32, options: i32) -> PyResult {
    let Some(numbers) = os_support::call(thread, || process::waitid(idtype, id, options))? else {
        return Ok(Value::NONE);
    };
    let values = super::stat::ints(thread, &numbers)?;
    WAITID_RESULT.make(thread, values)
}

/// Return a file descriptor referring to the process *pid*.
///
/// The descriptor can be used to perform process management without races and
/// signals.
#[pyfunction]
#[signature(pid, flags = 0)]
pub(super) fn pidfd_open(thread: &mut Thread, pid: i32, flags: u32) -> PyResult<i32> {
    os_support::plain(thread, process::pidfd_open(pid, flags))
}

/// Convert a wait status to an exit code.
#[pyfunction]
#[signature(status)]
pub(super) fn waitstatus_to_exitcode(status: i32) -> PyResult<i32> {
    if libc::WIFEXITED(status) {
        Ok(libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        Ok(-libc::WTERMSIG(status))
    } else if libc::WIFSTOPPED(status) {
        let signal = libc::WSTOPSIG(status);
        Err(value_error(format!("process stopped by delivery of signal {signal}")))
    } else {
        Err(value_error(format!("invalid wait status: {status}")))
    }
}

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident -> $ty:ty;)*) => { $(
        $(#[$doc])*
        #[allow(non_snake_case, reason = "C's name")]
        #[pyfunction]
        #[signature(status)]
        pub(super) fn $name(status: i32) -> $ty {
            libc::$name(status)
        }
    )* };
}
statuses! {
    /// Return True if the process returning status was dumped to a core file.
    WCOREDUMP -> bool;
    /// Return the process return code from status.
    WEXITSTATUS -> i32;
    /// Return True if a particular process was continued from a job control stop.
    WIFCONTINUED -> bool;
    /// Return True if the process returning status exited via the exit() system call.
    WIFEXITED -> bool;
    /// Return True if the process returning status was terminated by a signal.
    WIFSIGNALED -> bool;
    /// Return True if the process returning status was stopped.
    WIFSTOPPED -> bool;
    /// Return the signal that stopped the process that provided the status value.
    WSTOPSIG -> i32;
    /// Return the signal that terminated the process that provided the status value.
    WTERMSIG -> i32;
}

/// The texts of a program's arguments.
fn arguments(thread: &mut Thread, argv: Ref<'_>, function: &str, number: &str) -> PyResult<Vec<CString>> {
    if argv.downcast::<PyTuple>().is_none() && argv.downcast::<list::PyList>().is_none() {
        return Err(type_error(format!("{function}{number} must be a tuple or list")));
    }
    let mut texts = Vec::new();
    for value in protocol::collect(thread, argv)? {
        texts.push(os_support::fs_text(thread, value.get())?);
    }
    Ok(texts)
}

/// `NAME=value` texts of a mapping.
pub(crate) fn environment(thread: &mut Thread, mapping: Ref<'_>) -> PyResult<Vec<CString>> {
    let items = protocol::call_method(thread, mapping, "items", &[])?;
    let mut texts = Vec::new();
    for item in protocol::collect(thread, items.get())? {
        let pair = protocol::collect(thread, item.get())?;
        let [name, value] = pair.as_slice() else {
            return Err(type_error("env.items() must give pairs"));
        };
        let name = os_support::fs_text(thread, name.get())?.into_bytes();
        let value = os_support::fs_text(thread, value.get())?.into_bytes();
        if name.is_empty() || name.get(1..).unwrap_or_default().contains(&b'=') {
            return Err(value_error("illegal environment variable name"));
        }
        texts.push(CString::new([name, value].join(&b'=')).unwrap_or_default());
    }
    Ok(texts)
}

/// Execute an executable path with arguments, replacing current process.
///
///   path
///     Path of executable file.
///   argv
///     Tuple or list of strings.
#[pyfunction]
#[signature(path, argv, /)]
pub(super) fn execv(thread: &mut Thread, path: Path, argv: Ref<'_>) -> PyResult<()> {
    let argv = arguments(thread, argv, "execv() arg 2", "")?;
    match argv.first() {
        None => return Err(value_error("execv() arg 2 must not be empty")),
        Some(first) if first.is_empty() => {
            return Err(value_error("execv() arg 2 first element cannot be empty"));
        }
        Some(_) => {}
    }
    let error = process::execute(path.target(), &argv, None);
    Err(os_support::os_failure(thread, &error, None))
}

/// Execute an executable path with arguments, replacing current process.
///
///   path
///     Path of executable file.
///   argv
///     Tuple or list of strings.
///   env
///     Dictionary of strings mapping to strings.
#[pyfunction]
#[signature(path, argv, env)]
pub(super) fn execve(thread: &mut Thread, path: PathOrFd, argv: Ref<'_>, env: Ref<'_>) -> PyResult<()> {
    let argv = arguments(thread, argv, "execve: argv", "")?;
    match argv.first() {
        None => return Err(value_error("execve: argv must not be empty")),
        Some(first) if first.is_empty() => {
            return Err(value_error("execve: argv first element cannot be empty"));
        }
        Some(_) => {}
    }
    let env = environment(thread, env)?;
    let error = process::execute(path.target(), &argv, Some(&env));
    Err(os_support::os_failure(thread, &error, path.name()))
}

fn file_action(thread: &mut Thread, action: Ref<'_>) -> PyResult<FileAction> {
    let wrong = || type_error("Each file_actions element must be a non-empty tuple");
    let parts = action.downcast::<PyTuple>().ok_or_else(wrong)?;
    let kind = int::index_i64(thread, parts.item(0).ok_or_else(wrong)?)?;
    let expected = match kind {
        0 => 5,
        2 => 3,
        _ => 2,
    };
    if (0..=3).contains(&kind) && parts.len() != expected {
        let text =
            format!("A file_actions element of this kind must have {expected} items, not {}", parts.len());
        return Err(type_error(text));
    }
    let number = |thread: &mut Thread, i: usize| {
        let part = parts.item(i).ok_or_else(|| type_error("A file_actions element has too few items"))?;
        os_support::small_number(thread, part, "fd")
    };
    Ok(match kind {
        0 => {
            let path = parts.item(2).ok_or_else(wrong)?;
            let path = os_support::fs_text(thread, path)?;
            FileAction::Open(number(thread, 1)?, path, number(thread, 3)?, number(thread, 4)? as u32)
        }
        1 => FileAction::Close(number(thread, 1)?),
        2 => FileAction::Dup2(number(thread, 1)?, number(thread, 2)?),
        3 => FileAction::CloseFrom(number(thread, 1)?),
        _ => return Err(type_error("Unknown file_actions identifier")),
    })
}

/// The policy, if one is given, and the priority of a `scheduler` argument.
fn scheduling(thread: &mut Thread, scheduler: Ref<'_>, name: &str) -> PyResult<(Option<i32>, i32)> {
    let parts = scheduler.downcast::<PyTuple>().filter(|parts| parts.len() == 2);
    let parts = parts.ok_or_else(|| {
        type_error(format!("{name}: scheduler must be a tuple of two elements (or None for the first)"))
    })?;
    let [policy, param] = [0, 1].map(|i| parts.item(i).unwrap_or(Ref::NONE));
    let policy =
        if policy.is_none() { None } else { Some(os_support::small_number(thread, policy, "policy")?) };
    Ok((policy, super::ids::priority_of(thread, param)?))
}

#[allow(clippy::too_many_arguments, reason = "the parameters are Python's")]
fn spawn(
    thread: &mut Thread,
    search: bool,
    (path, argv, env): (Path, Ref<'_>, Ref<'_>),
    file_actions: Option<Ref<'_>>,
    setpgroup: Option<i32>,
    (resetids, setsid): (bool, bool),
    (setsigmask, setsigdef): (Option<Ref<'_>>, Option<Ref<'_>>),
    scheduler: Option<Ref<'_>>,
) -> PyResult<i32> {
    let name = if search { "posix_spawnp" } else { "posix_spawn" };
    let argv = arguments(thread, argv, name, ": argv")?;
    match argv.first() {
        None => return Err(value_error(format!("{name}: argv must not be empty"))),
        Some(first) if first.is_empty() => {
            return Err(value_error(format!("{name}: argv first element cannot be empty")));
        }
        Some(_) => {}
    }
    let env = if env.is_none() { None } else { Some(environment(thread, env)?) };
    let mut actions = Vec::new();
    if let Some(given) = file_actions.filter(|given| !given.is_none()) {
        for action in protocol::collect(thread, given)? {
            actions.push(file_action(thread, action.get())?);
        }
    }
    let mut signals = |given: Option<Ref<'_>>| -> PyResult<Option<Vec<i32>>> {
        let Some(given) = given else { return Ok(None) };
        let numbers = super::files::numbers(thread, given)?;
        numbers
            .into_iter()
            .map(|number| match i32::try_from(number) {
                Ok(number) if (1..65).contains(&number) => Ok(number),
                _ => Err(value_error(format!("signal number {number} out of range [1; 64]"))),
            })
            .collect::<PyResult<Vec<i32>>>()
            .map(Some)
    };
    let options = Spawn {
        search,
        actions,
        group: setpgroup,
        reset_ids: resetids,
        session: setsid,
        mask: signals(setsigmask)?,
        defaults: signals(setsigdef)?,
        scheduler: match scheduler.filter(|scheduler| !scheduler.is_none()) {
            Some(scheduler) => Some(scheduling(thread, scheduler, name)?),
            None => None,
        },
    };
    let result = process::spawn(&path.path, &argv, env.as_deref(), &options);
    result.map_err(|error| os_support::os_failure(thread, &error, path.name()))
}

/// Execute the program specified by path in a new process.
#[pyfunction]
#[signature(path, argv, env, /, *, file_actions=None as "()", setpgroup=None, resetids=false as "False", setsid=false as "False", setsigmask=<missing>, setsigdef=<missing>, scheduler=None)]
#[allow(clippy::too_many_arguments, reason = "the parameters are Python's")]
pub(super) fn posix_spawn(
    thread: &mut Thread,
    path: Path,
    argv: Ref<'_>,
    env: Ref<'_>,
    file_actions: Option<Ref<'_>>,
    setpgroup: Option<i32>,
    resetids: bool,
    setsid: bool,
    setsigmask: Option<Ref<'_>>,
    setsigdef: Option<Ref<'_>>,
    scheduler: Option<Ref<'_>>,
) -> PyResult<i32> {
    let flags = (resetids, setsid);
    spawn(
        thread,
        false,
        (path, argv, env),
        file_actions,
        setpgroup,
        flags,
        (setsigmask, setsigdef),
        scheduler,
    )
}

/// Execute the program specified by path in a new process.
#[pyfunction]
#[signature(path, argv, env, /, *, file_actions=None as "()", setpgroup=None, resetids=false as "False", setsid=false as "False", setsigmask=<missing>, setsigdef=<missing>, scheduler=None)]
#[allow(clippy::too_many_arguments, reason = "the parameters are Python's")]
pub(super) fn posix_spawnp(
    thread: &mut Thread,
    path: Path,
    argv: Ref<'_>,
    env: Ref<'_>,
    file_actions: Option<Ref<'_>>,
    setpgroup: Option<i32>,
    resetids: bool,
    setsid: bool,
    setsigmask: Option<Ref<'_>>,
    setsigdef: Option<Ref<'_>>,
    scheduler: Option<Ref<'_>>,
) -> PyResult<i32> {
    let flags = (resetids, setsid);
    spawn(thread, true, (path, argv, env), file_actions, setpgroup, flags, (setsigmask, setsigdef), scheduler)
}
