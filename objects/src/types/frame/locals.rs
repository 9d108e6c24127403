//! `f_locals`: a snapshot of a function's variables as a dict, or the namespace of a class body or module; and PEP 667's
//! proxy that writes through to the frame.

use super::PyFrame;
use crate::error::{PyResult, key_error, runtime_error, value_error};
use crate::protocol;
use crate::thread::ThreadState;
use crate::types::dict;
use crate::types::str::PyStr;
use orochi_compiler::code::flags;
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// A mapping that shows and changes the variables of a function's frame.
#[pyclass(name = "FrameLocalsProxy", no_new, mapping)]
#[derive(Trace)]
pub struct PyFrameLocals {
    frame: Field,
}

/// `frame.f_locals`.
pub fn of_frame(thread: &mut Thread, frame: &Obj<PyFrame>) -> PyResult {
    if let Some(namespace) = frame.namespace(thread) {
        return Ok(namespace);
    }
    if !frame.code().has_flags(flags::OPTIMIZED) {
        return Ok(frame.function().globals().to_value());
    }
    Ok(crate::make(thread, PyFrameLocals { frame: Field::new_local(frame.to_value()) })?.into_value())
}

/// `locals()` in the running frame: the namespace, or a fresh dict of a function's variables.
pub fn snapshot(thread: &mut Thread, frame: &Obj<PyFrame>) -> PyResult {
    if let Some(namespace) = frame.namespace(thread) {
        return Ok(namespace);
    }
    if !frame.code().has_flags(flags::OPTIMIZED) {
        return Ok(frame.function().globals().to_value());
    }
    let dict = dict::new(thread)?;
    for (name, value) in pairs(thread, frame)? {
        protocol::set_item(thread, dict.get(), name.get(), Some(value.get()))?;
    }
    Ok(dict.into_value())
}

/// The variables of a frame that are bound.
fn pairs(thread: &mut Thread, frame: &Obj<PyFrame>) -> PyResult<Vec<(Value, Value)>> {
    let code = frame.code();
    let mut found = Vec::new();
    for i in 0..code.code.local_kinds.len() {
        let name = code.local_name(i);
        if hidden(name) {
            continue;
        }
        if let Some(value) = PyFrame::local_of(frame, thread, i) {
            found.push((name.to_value(), value));
        }
    }
    for (i, name) in code.code.spilled.iter().enumerate() {
        let value = PyFrame::spilled_cell(frame, thread, i).and_then(|cell| cell.contents.get(thread));
        if let Some(value) = value {
            found.push((crate::str::intern(thread, name)?.to_value(), value));
        }
    }
    for (i, name) in code.code.freevars.iter().enumerate() {
        let value = frame.function().free_cell(thread, i).and_then(|cell| cell.contents.get(thread));
        if let Some(value) = value {
            found.push((crate::str::intern(thread, name)?.to_value(), value));
        }
    }
    Ok(found)
}

fn hidden(name: &PyStr) -> bool {
    name.as_bytes().first() == Some(&b'.')
}

/// Where a name of a frame is kept.
enum Place {
    Local(usize),
    Spilled(usize),
    Free(usize),
}

fn find(frame: &Obj<PyFrame>, name: &Obj<PyStr>) -> Option<Place> {
    let code = frame.code();
    let local = (0..code.code.local_kinds.len())
        .find(|i| code.local_name(*i).as_bytes() == name.as_bytes() && !hidden(name));
    if let Some(i) = local {
        return Some(Place::Local(i));
    }
    if let Some(i) = code.code.spilled.iter().position(|spilled| spilled.as_bytes() == name.as_bytes()) {
        return Some(Place::Spilled(i));
    }
    let free = code.code.freevars.iter().position(|free| free.as_bytes() == name.as_bytes());
    free.map(Place::Free)
}

impl PyFrameLocals {
    fn frame(&self) -> &Obj<PyFrame> {
        // SAFETY: only frames are stored here.
        unsafe { self.frame.fixed().cast() }
    }

    fn lookup(&self, thread: &mut Thread, key: Ref<'_>) -> PyResult<Option<Value>> {
        let frame = self.frame();
        if let Some(name) = key.downcast::<PyStr>()
            && let Some(place) = find(frame, name)
        {
            return Ok(match place {
                Place::Local(i) => PyFrame::local_of(frame, thread, i),
                Place::Spilled(i) => {
                    PyFrame::spilled_cell(frame, thread, i).and_then(|cell| cell.contents.get(thread))
                }
                Place::Free(i) => {
                    frame.function().free_cell(thread, i).and_then(|cell| cell.contents.get(thread))
                }
            });
        }
        let Some(extra) = frame.extra.get(thread) else { return Ok(None) };
        if !protocol::contains(thread, extra.get(), key)? {
            return Ok(None);
        }
        protocol::get_item(thread, extra.get(), key).map(Some)
    }

    fn store(&self, thread: &mut Thread, key: Ref<'_>, value: Option<Ref<'_>>) -> PyResult<()> {
        let frame = self.frame();
        if let Some(name) = key.downcast::<PyStr>()
            && let Some(place) = find(frame, name)
        {
            let Some(value) = value else {
                return Err(value_error("cannot remove local variables from FrameLocalsProxy"));
            };
            match place {
                Place::Local(i) => PyFrame::set_local(frame, thread, i, Some(value.to_owned())),
                Place::Spilled(i) => PyFrame::set_spilled(frame, thread, i, value.to_owned())?,
                Place::Free(i) => {
                    if let Some(cell) = frame.function().free_cell(thread, i).map(Obj::to_owned) {
                        drop(cell.contents.swap(&*cell, thread, Some(value.to_owned())));
                    }
                }
            }
            return Ok(());
        }
        let extra = match frame.extra.get(thread) {
            Some(extra) => extra,
            None if value.is_none() => return Err(key_error(key.to_owned())),
            None => {
                let made = dict::new(thread)?.into_value();
                drop(frame.extra.swap(frame, thread, Some(made.clone())));
                made
            }
        };
        protocol::set_item(thread, extra.get(), key, value)
    }

    /// All names and values as a new dict.
    fn to_dict(&self, thread: &mut Thread) -> PyResult {
        let frame = self.frame();
        let dict = dict::new(thread)?;
        for (name, value) in pairs(thread, frame)? {
            protocol::set_item(thread, dict.get(), name.get(), Some(value.get()))?;
        }
        if let Some(extra) = frame.extra.get(thread) {
            protocol::call_method(thread, dict.get(), "update", &[extra.get()])?;
        }
        Ok(dict.into_value())
    }
}

#[pymethods]
impl PyFrameLocals {
    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        match this.lookup(thread, key)? {
            Some(value) => Ok(value),
            None => Err(crate::error::key_error_message(format!(
                "local variable '{}' is not defined",
                crate::str::display(key)
            ))),
        }
    }

    #[slot]
    fn mp_ass_subscript(
        thread: &mut Thread,
        this: &Obj<Self>,
        key: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        this.store(thread, key, value)
    }

    #[slot]
    fn mp_length(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        let dict = this.to_dict(thread)?;
        protocol::len(thread, dict.get())
    }

    #[slot]
    fn sq_contains(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult<bool> {
        Ok(this.lookup(thread, key)?.is_some())
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let dict = this.to_dict(thread)?;
        protocol::iter(thread, dict.get())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let dict = this.to_dict(thread)?;
        protocol::repr(thread, dict.get())
    }

    #[signature(key, default=None, /)]
    fn get(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
        Ok(this.lookup(thread, key)?.unwrap_or(default.map_or(Value::NONE, Ref::to_owned)))
    }

    fn keys(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let dict = this.to_dict(thread)?;
        protocol::call_method(thread, dict.get(), "keys", &[])
    }

    fn values(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let dict = this.to_dict(thread)?;
        protocol::call_method(thread, dict.get(), "values", &[])
    }

    fn items(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let dict = this.to_dict(thread)?;
        protocol::call_method(thread, dict.get(), "items", &[])
    }

    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        this.to_dict(thread)
    }

    #[signature(other, /)]
    fn update(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult<()> {
        let pairs = dict::new(thread)?;
        protocol::call_method(thread, pairs.get(), "update", &[other])?;
        let items = protocol::call_method(thread, pairs.get(), "items", &[])?;
        for pair in protocol::collect(thread, items.get())? {
            let Some(pair) = pair.get().downcast::<crate::types::tuple::PyTuple>() else {
                return Err(runtime_error("dict.items() gave no pair"));
            };
            if let (Some(key), Some(value)) = (pair.item(0), pair.item(1)) {
                this.store(thread, key, Some(value))?;
            }
        }
        Ok(())
    }

    #[signature(key, default=None, /)]
    fn setdefault(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
        if let Some(value) = this.lookup(thread, key)? {
            return Ok(value);
        }
        let default = default.map_or(Value::NONE, Ref::to_owned);
        this.store(thread, key, Some(default.get()))?;
        Ok(default)
    }
}

/// `locals()` for the native function that runs: those of the Python code that called it.
pub fn of_caller(thread: &mut Thread) -> PyResult {
    if ThreadState::of(thread).frames.depth() == 0 {
        return Err(crate::error::system_error("frame does not exist"));
    }
    let current = ThreadState::of(thread).frames.current;
    // SAFETY: the running frame of this thread.
    let frame = unsafe { super::of_active(thread, current) }?;
    snapshot(thread, &frame)
}
