//! `f_locals`: a snapshot of a function's variables as a dict, or the namespace of a class body or module; and PEP 667's
//! proxy that writes through to the frame.

use super::PyFrame;
use crate::args::Args;
use crate::error::{PyResult, key_error, key_error_message, type_error, value_error};
use crate::protocol::{self, CompareOp};
use crate::thread::ThreadState;
use crate::types::dict::{self, PyDict};
use crate::types::key::exact_str;
use crate::types::repr_guard;
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use orochi_compiler::code::{LocalKind, flags};
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// A mapping that shows and changes the variables of a function's frame.
#[pyclass(name = "FrameLocalsProxy", mapping)]
#[derive(Trace)]
pub struct PyFrameLocals {
    frame: Field,
}

/// Whether a comprehension is running in a frame that otherwise keeps its names in a namespace: then only its variables are
/// the locals.
fn runs_comprehension(thread: &Thread, frame: &Obj<PyFrame>) -> bool {
    let code = frame.code();
    !code.has_flags(flags::OPTIMIZED)
        && code.code.local_kinds.iter().enumerate().any(|(i, kind)| {
            let shown = *kind == LocalKind::Hidden && !hidden(code.local_name(i));
            shown && PyFrame::local_of(frame, thread, i).is_some()
        })
}

/// `frame.f_locals`.
pub fn of_frame(thread: &mut Thread, frame: &Obj<PyFrame>) -> PyResult {
    if runs_comprehension(thread, frame) {
        return proxy(thread, frame);
    }
    if let Some(namespace) = frame.namespace(thread) {
        return Ok(namespace);
    }
    if !frame.code().has_flags(flags::OPTIMIZED) {
        return Ok(frame.function().globals().to_value());
    }
    proxy(thread, frame)
}

fn proxy(thread: &Thread, frame: &Obj<PyFrame>) -> PyResult {
    Ok(crate::make(thread, PyFrameLocals { frame: Field::new_local(frame.to_value()) })?.into_value())
}

/// `locals()` in the running frame: the namespace, or a fresh dict of a function's variables.
pub fn snapshot(thread: &mut Thread, frame: &Obj<PyFrame>) -> PyResult {
    if runs_comprehension(thread, frame) {
        return to_dict(thread, frame);
    }
    if let Some(namespace) = frame.namespace(thread) {
        return Ok(namespace);
    }
    if !frame.code().has_flags(flags::OPTIMIZED) {
        return Ok(frame.function().globals().to_value());
    }
    to_dict(thread, frame)
}

/// A new dict of a function's variables, and of what programs have added to `f_locals`.
fn to_dict(thread: &mut Thread, frame: &Obj<PyFrame>) -> PyResult {
    let dict = dict::new(thread)?;
    for (name, value) in pairs(thread, frame)? {
        protocol::set_item(thread, dict.get(), name.get(), Some(value.get()))?;
    }
    if let Some(extra) = frame.extra.get(thread) {
        protocol::call_method(thread, dict.get(), "update", &[extra.get()])?;
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
        let value = PyFrame::free_cell(frame, thread, i).and_then(|cell| cell.contents.get(thread));
        if let Some(value) = value {
            found.push((crate::str::intern(thread, name)?.to_value(), value));
        }
    }
    Ok(found)
}

/// Whether a variable is the compiler's own. The iterator that a generator expression is given shows.
fn hidden(name: &PyStr) -> bool {
    name.as_bytes().first() == Some(&b'.') && name.as_bytes() != b".0"
}

/// Where a name of a frame is kept.
enum Place {
    Local(usize),
    Spilled(usize),
    Free(usize),
}

/// The variable that a key stands for: a name, or anything that hashes and compares as one.
fn find(thread: &mut Thread, frame: &Obj<PyFrame>, key: Ref<'_>) -> PyResult<Option<Place>> {
    let code = frame.code();
    let locals = (0..code.code.local_kinds.len()).filter(|i| !hidden(code.local_name(*i)));
    if let Some(name) = exact_str(key) {
        let at = |names: &[Box<str>]| names.iter().position(|each| each.as_bytes() == name.as_bytes());
        let mut locals = locals.filter(|i| code.local_name(*i).as_bytes() == name.as_bytes());
        let place = locals.next().map(Place::Local);
        let place = place.or_else(|| at(&code.code.spilled).map(Place::Spilled));
        return Ok(place.or_else(|| at(&code.code.freevars).map(Place::Free)));
    }
    let hash = protocol::hash(thread, key)?;
    for i in locals {
        let name = code.local_name(i);
        if name.hash() == hash && protocol::eq(thread, name.get(), key)? {
            return Ok(Some(Place::Local(i)));
        }
    }
    let spilled = code.code.spilled.iter().enumerate().map(|(i, name)| (name, Place::Spilled(i)));
    let free = code.code.freevars.iter().enumerate().map(|(i, name)| (name, Place::Free(i)));
    for (name, place) in spilled.chain(free) {
        let name = crate::str::intern(thread, name)?;
        if name.hash() == hash && protocol::eq(thread, name.get(), key)? {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// Whether the object can be merged into a frame's variables.
fn is_source(object: Ref<'_>) -> bool {
    object.downcast::<PyDict>().is_some() || object.downcast::<PyFrameLocals>().is_some()
}

impl PyFrameLocals {
    fn frame(&self) -> &Obj<PyFrame> {
        // SAFETY: only frames are stored here.
        unsafe { self.frame.fixed().cast() }
    }

    fn lookup(&self, thread: &mut Thread, key: Ref<'_>) -> PyResult<Option<Value>> {
        let frame = self.frame();
        if let Some(place) = find(thread, frame, key)? {
            return Ok(match place {
                Place::Local(i) => PyFrame::local_of(frame, thread, i),
                Place::Spilled(i) => {
                    PyFrame::spilled_cell(frame, thread, i).and_then(|cell| cell.contents.get(thread))
                }
                Place::Free(i) => {
                    PyFrame::free_cell(frame, thread, i).and_then(|cell| cell.contents.get(thread))
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
        if let Some(place) = find(thread, frame, key)? {
            let Some(value) = value else {
                return Err(value_error("cannot remove local variables from FrameLocalsProxy"));
            };
            match place {
                Place::Local(i) => PyFrame::set_local(frame, thread, i, Some(value.to_owned())),
                Place::Spilled(i) => PyFrame::set_spilled(frame, thread, i, value.to_owned())?,
                Place::Free(i) => {
                    if let Some(cell) = PyFrame::free_cell(frame, thread, i).map(Obj::to_owned) {
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
        to_dict(thread, self.frame())
    }

    /// A list of what a dict's method gives.
    fn listed(&self, thread: &mut Thread, method: &str) -> PyResult {
        let dict = self.to_dict(thread)?;
        let view = protocol::call_method(thread, dict.get(), method, &[])?;
        let items = protocol::collect(thread, view.get())?;
        crate::types::list_object(thread, items)
    }

    fn merge(&self, thread: &mut Thread, other: Ref<'_>) -> PyResult<()> {
        let copied = match other.downcast::<PyFrameLocals>() {
            Some(other) => other.to_dict(thread)?,
            None => other.to_owned(),
        };
        let Some(copied) = copied.get().downcast::<PyDict>() else { return Ok(()) };
        for entry in dict::entries(thread, copied)? {
            self.store(thread, entry.key.get(), Some(entry.value.get()))?;
        }
        Ok(())
    }
}

#[pymethods]
impl PyFrameLocals {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let Some([frame]) = args.exact::<1>() else {
            let given = args.len();
            return Err(type_error(format!("FrameLocalsProxy expected 1 argument, got {given}")));
        };
        if frame.downcast::<PyFrame>().is_none() {
            return Err(type_error(format!("expect frame, not {}", crate::class_of(frame).name())));
        }
        args.no_keywords("FrameLocalsProxy")?;
        Ok(crate::alloc(thread, cls, PyFrameLocals { frame: Field::new_local(frame.to_owned()) })?
            .into_value())
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        match this.lookup(thread, key)? {
            Some(value) => Ok(value),
            None => {
                let shown = protocol::repr(thread, key)?;
                let shown = crate::str::display(shown.get());
                Err(key_error_message(format!("local variable '{shown}' is not defined")))
            }
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
        let keys = this.listed(thread, "keys")?;
        protocol::iter(thread, keys.get())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let shown = repr_guard::enter(thread, this.get(), |thread| {
            let dict = this.to_dict(thread)?;
            protocol::repr(thread, dict.get())
        })?;
        match shown {
            Some(shown) => Ok(shown),
            None => crate::str::new(thread, "{...}"),
        }
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let Some(this) = left.downcast::<Self>() else { return Ok(Value::NOT_IMPLEMENTED) };
        if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        if let Some(other) = right.downcast::<Self>() {
            let same = this.frame.fixed().is(other.frame.fixed());
            return Ok(Value::bool(same == (op == CompareOp::Eq)));
        }
        if right.downcast::<PyDict>().is_none() {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        let dict = this.to_dict(thread)?;
        protocol::rich_compare(thread, dict.get(), right, op)
    }

    #[slot]
    fn nb_or(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        if !is_source(left) || !is_source(right) {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        let union = dict::new(thread)?.into_value();
        for source in [left, right] {
            let source = match source.downcast::<Self>() {
                Some(proxy) => proxy.to_dict(thread)?,
                None => source.to_owned(),
            };
            protocol::call_method(thread, union.get(), "update", &[source.get()])?;
        }
        Ok(union)
    }

    #[slot]
    fn nb_inplace_or(thread: &mut Thread, this: Ref<'_>, other: Ref<'_>) -> PyResult {
        if !is_source(other) {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        crate::slot_receiver::<Self>(this)?.merge(thread, other)?;
        Ok(this.to_owned())
    }

    #[signature(key, default=None, /)]
    fn get(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
        Ok(this.lookup(thread, key)?.unwrap_or(default.map_or(Value::NONE, Ref::to_owned)))
    }

    fn keys(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        this.listed(thread, "keys")
    }

    fn values(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        this.listed(thread, "values")
    }

    fn items(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        this.listed(thread, "items")
    }

    fn __reversed__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let keys = this.listed(thread, "keys")?;
        protocol::call_method(thread, keys.get(), "reverse", &[])?;
        Ok(keys)
    }

    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        this.to_dict(thread)
    }

    #[signature(other, /)]
    fn update(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult<()> {
        if !is_source(other) {
            return Err(type_error("update() argument must be dict or another FrameLocalsProxy"));
        }
        this.merge(thread, other)
    }

    #[signature(key, default=<missing>, /)]
    fn pop(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
        let frame = this.frame();
        if find(thread, frame, key)?.is_some() {
            return Err(value_error("cannot remove local variables from FrameLocalsProxy"));
        }
        let found = match frame.extra.get(thread) {
            Some(extra) if protocol::contains(thread, extra.get(), key)? => {
                Some(protocol::call_method(thread, extra.get(), "pop", &[key])?)
            }
            _ => None,
        };
        match (found, default) {
            (Some(value), _) => Ok(value),
            (None, Some(default)) => Ok(default.to_owned()),
            (None, None) => Err(key_error(key.to_owned())),
        }
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
