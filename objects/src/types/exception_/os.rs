//! OSError and the classes derived from it: one for each common errno.

use super::simple::base;
use crate::args::Args;
use crate::class::StaticType;
use crate::error::{PyResult, attribute_error_message};
use crate::slots::SlotId;
use crate::types::exception::{
    self, BlockingIOError, BrokenPipeError, ChildProcessError, ConnectionAbortedError,
    ConnectionRefusedError, ConnectionResetError, FileExistsError, FileNotFoundError, InterruptedError,
    IsADirectoryError, NotADirectoryError, OSError, PermissionError, ProcessLookupError, TimeoutError,
    reduce,
};
use crate::types::int;
use crate::types::tuple;
use crate::types::r#type::PyType;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;
use orochi_text::wtf8::Wtf8Buf;
use std::io::ErrorKind;

payload! {
    /// OSError.
    PyOSError for OSError {
        errno "errno" "POSIX exception code",
        strerror "strerror" "exception strerror",
        filename "filename" "exception filename",
        filename2 "filename2" "second exception filename",
        written,
    }
}

/// The class of an error number.
pub fn class_of_errno(errno: i32) -> &'static StaticType {
    match std::io::Error::from_raw_os_error(errno).kind() {
        ErrorKind::WouldBlock => return &BlockingIOError,
        ErrorKind::BrokenPipe => return &BrokenPipeError,
        ErrorKind::ConnectionAborted => return &ConnectionAbortedError,
        ErrorKind::ConnectionRefused => return &ConnectionRefusedError,
        ErrorKind::ConnectionReset => return &ConnectionResetError,
        ErrorKind::AlreadyExists => return &FileExistsError,
        ErrorKind::NotFound => return &FileNotFoundError,
        ErrorKind::IsADirectory => return &IsADirectoryError,
        ErrorKind::NotADirectory => return &NotADirectoryError,
        ErrorKind::Interrupted => return &InterruptedError,
        ErrorKind::PermissionDenied => return &PermissionError,
        ErrorKind::TimedOut => return &TimeoutError,
        _ => {}
    }
    // Those that Rust's standard library has no name for.
    match errno {
        3 => &ProcessLookupError,
        10 => &ChildProcessError,
        #[cfg(target_os = "linux")]
        108 => &BrokenPipeError,
        #[cfg(target_os = "linux")]
        114 | 115 => &BlockingIOError,
        #[cfg(not(target_os = "linux"))]
        36 | 37 => &BlockingIOError,
        #[cfg(not(target_os = "linux"))]
        58 => &BrokenPipeError,
        _ => &OSError,
    }
}

/// Whether a subclass with its own `__init__`, but not its own `__new__`, wants the arguments to reach `__init__`.
fn uses_init(class: &Obj<PyType>) -> bool {
    let own = OSError.get();
    let same = |slot: SlotId| class.slots.raw(slot) == own.slots.raw(slot);
    !same(SlotId::tp_init) && same(SlotId::tp_new)
}

fn int_of(value: Ref<'_>) -> Option<i32> {
    int::value(value)?.to_i64()?.try_into().ok()
}

/// Fills the fields from the arguments.
fn fill(thread: &mut Thread, this: &Obj<PyOSError>, args: &Args<'_>) -> PyResult<()> {
    exception::init(thread, base(this)?, &args.skip(0))?;
    let count = args.len();
    if !(2..=5).contains(&count) {
        return Ok(());
    }
    let given = |i: usize| args.get(i).map(Ref::to_owned);
    let named = |i: usize| args.get(i).filter(|value| !value.is_none()).map(Ref::to_owned);
    set_fields!(this, thread, errno = given(0); strerror = given(1););
    let Some(filename) = named(2) else { return Ok(()) };
    let blocking = std::ptr::eq(crate::class_of(this.get()), BlockingIOError.get());
    if blocking && crate::class_of(filename.get()).slots.nb_index().is_some() {
        let written = int::index(thread, filename.get())?;
        set_fields!(this, thread, written = Some(written););
        return Ok(());
    }
    set_fields!(this, thread, filename = Some(filename); filename2 = named(4););
    // The file names aren't part of the arguments.
    let shown = tuple::new(thread, [given(0), given(1)].into_iter().flatten().collect())?.into_value();
    drop(this.base.args.swap(this, thread, Some(shown)));
    Ok(())
}

fn push(thread: &mut Thread, text: &mut Wtf8Buf, value: Option<Value>, repr: bool) -> PyResult<()> {
    let value = value.unwrap_or(Value::NONE);
    let shown = if repr {
        crate::protocol::repr(thread, value.get())?
    } else {
        crate::protocol::str(thread, value.get())?
    };
    text.push_wtf8(&crate::str::display_wtf8(shown.get()));
    Ok(())
}

#[pymethods(parts(PyOSError::MEMBERS))]
impl PyOSError {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        if uses_init(cls) {
            let none = Args::new(&[]);
            return Ok(crate::alloc(thread, cls, PyOSError::blank(thread, &none)?)?.into_value());
        }
        args.no_keywords(&cls.name())?;
        let errno = args.get(0).filter(|_| (2..=5).contains(&args.len())).and_then(int_of);
        let class = match errno {
            Some(errno) if std::ptr::eq(cls, OSError.get()) => class_of_errno(errno).get(),
            _ => cls,
        };
        let made = crate::alloc(thread, class, PyOSError::blank(thread, &args)?)?;
        fill(thread, &made, &args)?;
        Ok(made.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        let class = crate::class_of(this.get());
        if !uses_init(class) {
            return Ok(());
        }
        args.no_keywords(&class.name())?;
        fill(thread, this, &args)
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (errno, strerror) = (this.errno.get(thread), this.strerror.get(thread));
        let (filename, second) = (this.filename.get(thread), this.filename2.get(thread));
        if filename.is_none() && (errno.is_none() || strerror.is_none()) {
            return exception::show(thread, base(this)?);
        }
        let mut text = Wtf8Buf::new();
        text.push_str("[Errno ");
        push(thread, &mut text, errno, false)?;
        text.push_str("] ");
        push(thread, &mut text, strerror, false)?;
        if filename.is_some() {
            text.push_str(": ");
            push(thread, &mut text, filename, true)?;
            if second.is_some() {
                text.push_str(" -> ");
                push(thread, &mut text, second, true)?;
            }
        }
        crate::str::from_wtf8(thread, &text)
    }

    #[getter]
    fn characters_written(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        this.written.get(thread).ok_or_else(|| attribute_error_message("characters_written"))
    }

    #[setter]
    #[name = "characters_written"]
    fn set_characters_written(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let Some(value) = value else {
            return match this.written.swap(this, thread, None) {
                Some(_) => Ok(()),
                None => Err(attribute_error_message("characters_written")),
            };
        };
        let written = int::index(thread, value)?;
        set_fields!(this, thread, written = Some(written););
        Ok(())
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let own = exception::own_state(thread, this.get())?.map(Into::into);
        let mut args: Vec<Value> = base(this)?.args(thread).items().map(Ref::to_owned).collect();
        if let (2, Some(filename)) = (args.len(), this.filename.get(thread)) {
            args.push(filename);
            if let Some(second) = this.filename2.get(thread) {
                args.extend([Value::NONE, second]);
            }
            let args = tuple::new(thread, args)?.into_value();
            let mut parts = vec![crate::class_of(this.get()).to_value(), args];
            parts.extend(own);
            return Ok(tuple::new(thread, parts)?.into_value());
        }
        reduce(thread, base(this)?, own)
    }
}
