//! `_remote_debugging`: what tools ask of another process's interpreter.
//!
//! Scripts can be handed over to another process (`sys.remote_exec`). Its frames can't be read yet.

use orochi_macros::{pyclass, pymethods, pymodule};
use orochi_objects::error::not_implemented_error;
use orochi_objects::{Args, ModuleExt, Obj, PyModule, PyResult, PyType, Thread, structseq};

structseq! {
    static FRAME_INFO: "_remote_debugging" "FrameInfo" = "Information about a frame",
    visible 3, flags(EMPTY), fallbacks &[], {
        "filename" = "Source code filename", "lineno" = "Line number", "funcname" = "Function name",
    }
}

structseq! {
    static CORO_INFO: "_remote_debugging" "CoroInfo" = "Information about a coroutine",
    visible 2, flags(EMPTY), fallbacks &[], {
        "call_stack" = "Coroutine call stack", "task_name" = "Task name",
    }
}

structseq! {
    static TASK_INFO: "_remote_debugging" "TaskInfo" = "Information about an asyncio task",
    visible 4, flags(EMPTY), fallbacks &[], {
        "task_id" = "Task ID", "task_name" = "Task name", "coroutine_stack" = "Coroutine call stack",
        "awaited_by" = "Tasks awaiting this task",
    }
}

structseq! {
    static THREAD_INFO: "_remote_debugging" "ThreadInfo" = "Information about a thread",
    visible 2, flags(EMPTY), fallbacks &[], {
        "thread_id" = "Thread ID", "frame_info" = "Frame information",
    }
}

structseq! {
    static AWAITED_INFO: "_remote_debugging" "AwaitedInfo" = "Information about what a thread is awaiting",
    visible 2, flags(EMPTY), fallbacks &[], {
        "thread_id" = "Thread ID", "awaited_by" = "List of tasks awaited by this thread",
    }
}

/// RemoteUnwinder(pid): Inspect stack of a remote Python process.
#[pyclass(name = "RemoteUnwinder", module = "_remote_debugging")]
#[derive(orochi_macros::Trace)]
struct RemoteUnwinder {}

#[pymethods]
impl RemoteUnwinder {
    #[new]
    #[signature(*args, **kwargs)]
    fn new(_thread: &mut Thread, _cls: &Obj<PyType>, _args: Args<'_>) -> PyResult {
        Err(not_implemented_error("reading another process's frames (_remote_debugging.RemoteUnwinder)"))
    }
}

/// What tools ask of another process's interpreter.
#[pymodule(name = "_remote_debugging", classes(RemoteUnwinder))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for (name, sequence) in [
        ("FrameInfo", &FRAME_INFO),
        ("CoroInfo", &CORO_INFO),
        ("TaskInfo", &TASK_INFO),
        ("ThreadInfo", &THREAD_INFO),
        ("AwaitedInfo", &AWAITED_INFO),
    ] {
        let class = sequence.class(thread)?;
        module.add(thread, name, class)?;
    }
    module.add(thread, "PROCESS_VM_READV_SUPPORTED", cfg!(target_os = "linux"))
}
