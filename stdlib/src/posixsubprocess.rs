//! `_posixsubprocess`: fork and exec in one step, for `subprocess`.
//!
//! Everything that needs memory is prepared before the fork; between fork and exec the child makes system calls only
//! (unless there is a `preexec_fn`, which is Python code that runs in the child).

use crate::host::fork_exec::{self, Plan};
use crate::os_support;
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{finalization_error, type_error, value_error};
use orochi_objects::types::bytes;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{ArgSlice, Obj, PyModule, PyResult, Ref, Thread, int, protocol};
use std::ffi::CString;

/// The bytes of each item.
fn texts(thread: &mut Thread, sequence: Ref<'_>) -> PyResult<Vec<CString>> {
    let mut texts = Vec::new();
    for value in protocol::collect(thread, sequence)? {
        let text = match bytes::value(value.get()) {
            Some(text) => CString::new(text).map_err(|_| value_error("embedded null byte"))?,
            None => os_support::fs_text(thread, value.get())?,
        };
        texts.push(text);
    }
    Ok(texts)
}

fn optional_id(thread: &mut Thread, value: Ref<'_>) -> PyResult<Option<u32>> {
    if value.is_none() {
        return Ok(None);
    }
    let id = int::index_i64(thread, value)?;
    u32::try_from(id).map(Some).map_err(|_| value_error("invalid user or group id"))
}

/// Spawn a fresh new child process.
///
/// Fork a child process, close parent file descriptors as appropriate in the
/// child and duplicate the few that are needed before calling exec() in the
/// child process.
///
/// If close_fds is True, close file descriptors 3 and higher, except those listed
/// in the sorted tuple pass_fds.
///
/// The preexec_fn, if supplied, will be called immediately before closing file
/// descriptors and exec.
///
/// WARNING: preexec_fn is NOT SAFE if your application uses threads.
///          It may trigger infrequent, difficult to debug deadlocks.
///
/// If an error occurs in the child process before the exec, it is
/// serialized and written to the errpipe_write fd per subprocess.py.
///
/// Returns: the child process's PID.
///
/// Raises: Only on an error in the parent process.
#[pyfunction]
#[signature(*args)]
fn fork_exec(thread: &mut Thread, args: ArgSlice<'_>) -> PyResult<i32> {
    if args.len() != 22 {
        return Err(type_error(format!("fork_exec expected 22 arguments, got {}", args.len())));
    }
    let arg = |i: usize| args.get(i).unwrap_or(Ref::NONE);
    let number = |thread: &mut Thread, i: usize| os_support::small_number(thread, arg(i), "fd");
    let argv = texts(thread, arg(0))?;
    let programs = texts(thread, arg(1))?;
    let close_fds = protocol::is_true(thread, arg(2))?;
    let Some(kept) = arg(3).downcast::<PyTuple>() else { return Err(type_error("pass_fds must be a tuple")) };
    let mut keep = Vec::new();
    for fd in kept.items() {
        keep.push(os_support::small_number(thread, fd, "fd")?);
    }
    if keep.windows(2).any(|pair| pair[0] >= pair[1]) || keep.first().is_some_and(|fd| *fd < 0) {
        return Err(value_error("bad value(s) in fds_to_keep"));
    }
    let directory = if arg(4).is_none() { None } else { Some(os_support::fs_text(thread, arg(4))?) };
    let env = if arg(5).is_none() { None } else { Some(texts(thread, arg(5))?) };
    let mut pipes = [-1; 8];
    for (i, pipe) in pipes.iter_mut().enumerate() {
        *pipe = number(thread, 6 + i)?;
    }
    if close_fds && pipes[7] < 3 {
        return Err(value_error("errpipe_write must be >= 3"));
    }
    let restore_signals = protocol::is_true(thread, arg(14))?;
    let session = protocol::is_true(thread, arg(15))?;
    let group = number(thread, 16)?;
    let gid = optional_id(thread, arg(17))?;
    let groups = if arg(18).is_none() {
        None
    } else {
        let mut groups = Vec::new();
        for value in protocol::collect(thread, arg(18))? {
            groups.push(optional_id(thread, value.get())?.unwrap_or(u32::MAX));
        }
        Some(groups)
    };
    let uid = optional_id(thread, arg(19))?;
    let umask = number(thread, 20)?;
    let plan = Plan {
        programs,
        argv,
        env,
        directory,
        pipes,
        close_fds,
        keep,
        restore_signals,
        session,
        group,
        ids: (gid, groups, uid),
        umask,
    };
    run(thread, &plan, arg(21))
}

fn run(thread: &mut Thread, plan: &Plan, preexec: Ref<'_>) -> PyResult<i32> {
    if preexec.is_none() {
        let prepared = fork_exec::prepare(plan);
        let result = thread.stop_the_world(|_, _| fork_exec::fork_and_run(plan, &prepared));
        return os_support::plain(thread, result);
    }
    if crate::sys::is_shutting_down() {
        return Err(finalization_error("preexec_fn not supported at interpreter shutdown"));
    }
    let result = crate::posix::process::fork_with_hooks(thread, "fork", crate::host::process::fork)?;
    if matches!(result, Ok(0)) {
        let prepared = fork_exec::prepare(plan);
        fork_exec::run_child(plan, &prepared, &mut || protocol::call(thread, preexec, &[]).is_ok());
    }
    os_support::plain(thread, result)
}

/// A POSIX helper for the subprocess module.
#[pymodule(name = "_posixsubprocess", functions(fork_exec))]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
