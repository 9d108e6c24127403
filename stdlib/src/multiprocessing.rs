//! `_multiprocessing`: semaphores and locks that processes share.

use crate::host::semaphore::{self, Semaphore};
use crate::host::time::clock_gettime;
use crate::os_support;
use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use orochi_objects::error::{assertion_error, value_error};
use orochi_objects::types::dict;
use orochi_objects::types::r#type::{TypeExt, change};
use orochi_objects::{
    ArgSlice, DictExt, Guarded, ModuleExt, Obj, PyClass, PyModule, PyResult, PyType, Ref, Thread, Value,
    alloc, int, str,
};
use std::ffi::CString;

const RECURSIVE_MUTEX: i32 = 0;
const SEMAPHORE: i32 = 1;

/// Semaphore/Mutex type
#[pyclass(name = "SemLock", module = "_multiprocessing", subclassable)]
#[derive(Trace)]
struct SemLock {
    #[trace(unsafe_skip)]
    semaphore: Semaphore,
    kind: i32,
    maximum: i32,
    name: Option<String>,
    state: Guarded<Held>,
}

/// What this process holds of it.
#[derive(Clone, Copy, Default, Trace)]
struct Held {
    count: i64,
    /// The thread that took it last.
    owner: u64,
}

fn c_name(name: &str) -> PyResult<CString> {
    CString::new(name).map_err(|_| value_error("embedded null character"))
}

impl SemLock {
    fn held(this: &Obj<Self>, thread: &Thread) -> Held {
        this.state.with(this, thread, |state, _| *state)
    }

    /// Whether this thread holds it.
    fn mine(this: &Obj<Self>, thread: &mut Thread) -> bool {
        let held = SemLock::held(this, thread);
        held.count > 0 && held.owner == thread.shared().id()
    }

    fn change(this: &Obj<Self>, thread: &mut Thread, by: i64) {
        let owner = thread.shared().id();
        this.state.with(this, thread, |state, _| {
            state.count = state.count.saturating_add(by);
            if by > 0 {
                state.owner = owner;
            }
        });
    }

    fn make(
        thread: &mut Thread,
        class: &Obj<PyType>,
        semaphore: Semaphore,
        kind: i32,
        maximum: i32,
        name: Option<String>,
    ) -> PyResult {
        let state = Guarded::new(Held::default());
        Ok(alloc(thread, class, SemLock { semaphore, kind, maximum, name, state })?.into_value())
    }

    fn take(thread: &mut Thread, this: &Obj<Self>, block: bool, timeout: Option<f64>) -> PyResult<bool> {
        if this.kind == RECURSIVE_MUTEX && SemLock::mine(this, thread) {
            SemLock::change(this, thread, 1);
            return Ok(true);
        }
        let mut taken = os_support::plain(thread, this.semaphore.try_wait())?;
        if !taken && block && timeout.is_none_or(|timeout| timeout > 0.0) {
            let until = timeout.map(|timeout| deadline(thread, timeout)).transpose()?;
            taken = os_support::call(thread, || this.semaphore.wait(until))?;
        }
        if taken {
            SemLock::change(this, thread, 1);
        }
        Ok(taken)
    }

    fn give(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        if this.kind == RECURSIVE_MUTEX {
            if !SemLock::mine(this, thread) {
                return Err(assertion_error("attempt to release recursive lock not owned by thread"));
            }
            if SemLock::held(this, thread).count > 1 {
                SemLock::change(this, thread, -1);
                return Ok(());
            }
        } else if os_support::plain(thread, this.semaphore.value())? >= this.maximum {
            return Err(value_error("semaphore or lock released too many times"));
        }
        os_support::plain(thread, this.semaphore.post())?;
        SemLock::change(this, thread, -1);
        Ok(())
    }
}

/// When the system's clock will show a time so many seconds from now.
fn deadline(thread: &mut Thread, seconds: f64) -> PyResult<(i64, i64)> {
    let (now, nanoseconds) = os_support::plain(thread, clock_gettime(libc::CLOCK_REALTIME))?;
    // Longer than anybody waits; the conversion below saturates.
    let seconds = seconds.clamp(0.0, 1e12);
    let total = nanoseconds + (seconds.fract() * 1e9) as i64;
    Ok((now + seconds.trunc() as i64 + total / 1_000_000_000, total % 1_000_000_000))
}

#[pymethods]
impl SemLock {
    #[new]
    #[no_text_signature]
    #[signature(kind, value, maxvalue, name, unlink)]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        kind: i32,
        value: i32,
        maxvalue: i32,
        name: &str,
        unlink: bool,
    ) -> PyResult {
        if kind != RECURSIVE_MUTEX && kind != SEMAPHORE {
            return Err(value_error("unrecognized kind"));
        }
        let path = c_name(name)?;
        let made = Semaphore::create(&path, u32::try_from(value).unwrap_or(u32::MAX));
        let made = os_support::plain(thread, made)?;
        if unlink {
            os_support::plain(thread, semaphore::unlink(&path))?;
        }
        let name = (!unlink).then(|| name.to_owned());
        SemLock::make(thread, cls, made, kind, maxvalue, name)
    }

    #[classmethod]
    #[name = "_rebuild"]
    #[signature(handle, kind, maxvalue, name, /)]
    fn rebuild(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        handle: Ref<'_>,
        kind: i32,
        maxvalue: i32,
        name: Option<&str>,
    ) -> PyResult {
        let _ = handle;
        let Some(name) = name else {
            return Err(value_error("a semaphore without a name can't be opened again"));
        };
        let opened = os_support::plain(thread, Semaphore::open(&c_name(name)?))?;
        SemLock::make(thread, cls, opened, kind, maxvalue, Some(name.to_owned()))
    }

    /// Acquire the semaphore/lock.
    #[signature(block=true, timeout=None)]
    fn acquire(thread: &mut Thread, this: &Obj<Self>, block: bool, timeout: Option<f64>) -> PyResult<bool> {
        SemLock::take(thread, this, block, timeout)
    }

    /// Release the semaphore/lock.
    fn release(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        SemLock::give(thread, this)
    }

    /// Enter the semaphore/lock.
    #[name = "__enter__"]
    fn enter(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        SemLock::take(thread, this, true, None)
    }

    /// Exit the semaphore/lock.
    #[name = "__exit__"]
    #[signature(*args)]
    #[text_signature = "($self, exc_type=None, exc_value=None, exc_tb=None, /)"]
    fn exit(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult<()> {
        let _ = args;
        SemLock::give(thread, this)
    }

    /// Num of `acquire()`s minus num of `release()`s for this process.
    #[name = "_count"]
    fn count(thread: &mut Thread, this: &Obj<Self>) -> i64 {
        SemLock::held(this, thread).count
    }

    /// Whether the lock is owned by this thread.
    #[name = "_is_mine"]
    fn is_mine(thread: &mut Thread, this: &Obj<Self>) -> bool {
        SemLock::mine(this, thread)
    }

    /// Get the value of the semaphore.
    #[name = "_get_value"]
    fn value(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i32> {
        os_support::plain(thread, this.semaphore.value())
    }

    /// Return whether semaphore has value zero.
    #[name = "_is_zero"]
    fn is_zero(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        Ok(os_support::plain(thread, this.semaphore.value())? == 0)
    }

    /// Rezero the net acquisition count after fork().
    #[name = "_after_fork"]
    fn after_fork(thread: &mut Thread, this: &Obj<Self>) {
        this.state.with(this, thread, |state, _| state.count = 0);
    }

    #[member]
    fn handle(this: &Obj<Self>) -> usize {
        this.semaphore.address()
    }

    #[member]
    fn kind(this: &Obj<Self>) -> i32 {
        this.kind
    }

    #[member]
    fn maxvalue(this: &Obj<Self>) -> i32 {
        this.maximum
    }

    #[member]
    fn name(this: &Obj<Self>) -> Option<String> {
        this.name.clone()
    }
}

#[pyfunction]
#[signature(name, /)]
fn sem_unlink(thread: &mut Thread, name: &str) -> PyResult<()> {
    let unlinked = semaphore::unlink(&c_name(name)?);
    os_support::plain(thread, unlinked)
}

#[pymodule(name = "_multiprocessing", functions(sem_unlink), classes(SemLock))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    let class = SemLock::static_type().get();
    let most = int::new(thread, i32::MAX.into())?;
    let name = str::intern(thread, "SEM_VALUE_MAX")?;
    let namespace = class.namespace(thread).to_owned();
    change(thread, class, |thread| namespace.set_str(thread, name, most))?;
    let flags = dict::new(thread)?;
    for name in ["HAVE_SEM_OPEN", "HAVE_SEM_TIMEDWAIT"] {
        let name = str::intern(thread, name)?;
        flags.set_str(thread, name, Value::small_int(1).unwrap_or(Value::NONE))?;
    }
    module.add(thread, "flags", flags)
}
