//! `sys.remote_exec` (PEP 768): scripts that another process hands over are run by the main thread at a safepoint.

use super::hooks::{audit, import, print_exception};
use crate::host::debugger::{self, Refusal};
use crate::os_support::{fs_decode, fs_encode, fspath, os_failure};
use orochi_core::runtime::ThreadShared;
use orochi_macros::pyfunction;
use orochi_objects::error::{PyErr, os_error, runtime_error, value_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{bytes, dict, exception};
use orochi_objects::{Args, PyResult, Ref, Thread, Value, protocol};
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether this process hands scripts over, and takes them. Relaxed: set before a program runs.
static ENABLED: AtomicBool = AtomicBool::new(false);

/// Lets this process hand scripts over to others and take theirs; `main` is the thread that runs them.
#[cfg(target_os = "linux")]
pub fn enable_remote_debugging(thread: &Thread) {
    // Of the main thread there is one in a process, and it may be written to until the process ends.
    let main: &'static Arc<ThreadShared> = Box::leak(Box::new(thread.shared().clone()));
    debugger::enable(&main.poll);
    ENABLED.store(true, Ordering::Relaxed);
}

/// Other systems have no way for this yet.
#[cfg(not(target_os = "linux"))]
pub fn enable_remote_debugging(_thread: &Thread) {}

/// Return True if remote debugging is enabled, False otherwise.
#[pyfunction]
pub(super) fn is_remote_debug_enabled() -> bool {
    ENABLED.load(Ordering::Relaxed)
}

/// Executes a file containing Python code in a given remote Python process.
///
/// This function returns immediately, and the code will be executed by the
/// target process's main thread at the next available opportunity, as
/// handlers of signals are.  Nothing tells when the code has been executed.
/// The caller sees to it that the file still exists when the target reads it.
///
/// The target must be an Orochi process of the same version.
///
/// Args:
///      pid (int): The process ID of the target process.
///      script (str|bytes): The path to a file containing
///          the Python code to be executed.
#[pyfunction]
#[signature(pid, script)]
pub(super) fn remote_exec(thread: &mut Thread, pid: i32, script: Ref<'_>) -> PyResult<()> {
    let path = fspath(thread, script)?;
    let encoded = match path.get().downcast::<PyStr>() {
        Some(text) => fs_encode(thread, text)?,
        None => bytes::value(path.get()).unwrap_or_default().to_vec(),
    };
    let Ok(encoded) = CString::new(encoded) else { return Err(value_error("embedded null byte")) };
    if !is_remote_debug_enabled() {
        return Err(runtime_error("Remote debugging is not enabled"));
    }
    let event = orochi_objects::str::new(thread, "sys.remote_exec")?;
    let number = orochi_objects::int::new(thread, pid.into())?;
    audit(thread, event.get(), Args::new(&[number.get(), script]))?;
    if let Err(error) = std::fs::metadata(OsStr::from_bytes(encoded.as_bytes())) {
        return Err(match error.kind() {
            std::io::ErrorKind::NotFound => {
                PyErr::with_message(&exception::FileNotFoundError, "Script file does not exist")
            }
            _ => os_failure(thread, &error, None),
        });
    }
    debugger::send(pid, &encoded).map_err(|refusal| refused(thread, refusal))
}

#[cold]
fn refused(thread: &mut Thread, refusal: Refusal) -> PyErr {
    match refusal {
        Refusal::System(error) => os_failure(thread, &error, None),
        Refusal::File(error, name) => {
            let name = orochi_objects::str::new(thread, &name).ok();
            os_error(thread, error.raw_os_error().unwrap_or(0), name)
        }
        Refusal::Foreign => runtime_error("the process is no Orochi of this version"),
        Refusal::Disabled => runtime_error("Remote debugging is not enabled in the remote process"),
        Refusal::TooLong => value_error("Debugger script path is too long"),
    }
}

/// On the main thread: runs a script that was handed over, if there is one. What it raises is printed.
pub(crate) fn run_script(thread: &mut Thread) {
    if !is_remote_debug_enabled() {
        return;
    }
    let Some(path) = debugger::take() else { return };
    let shown = String::from_utf8_lossy(&path).into_owned();
    let source = announce(thread, &path).and_then(|()| {
        let read = std::fs::read(OsStr::from_bytes(&path));
        let name = fs_decode(thread, &path)?;
        read.map_err(|error| os_failure(thread, &error, Some(name)))
    });
    let (heading, result) = match source {
        Err(error) => ("Can't open debugger script", Err(error)),
        Ok(source) => ("Error executing debugger script", execute(thread, &source)),
    };
    if let Err(error) = result {
        let error = error.into_value(thread);
        print_exception(thread, &format!("{heading} {shown}:\n"), error.get());
    }
}

fn announce(thread: &mut Thread, path: &[u8]) -> PyResult<()> {
    let event = orochi_objects::str::new(thread, "cpython.remote_debugger_script")?;
    let path = fs_decode(thread, path)?;
    audit(thread, event.get(), Args::new(&[path.get()]))
}

/// Runs source text in a namespace of its own.
fn execute(thread: &mut Thread, source: &[u8]) -> PyResult<()> {
    let builtins = import(thread, "builtins")?;
    let source = bytes::new(thread, source)?;
    let namespace: Value = dict::new(thread)?.into_value();
    protocol::call_method(thread, builtins.get(), "exec", &[source.get(), namespace.get()]).map(drop)
}
