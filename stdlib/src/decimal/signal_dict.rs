//! `SignalDict`: the flags or the traps of a context as a mapping from signals to truth values.

use super::context::{Mapping, Signals};
use super::signals::{self, BAD_SIGNAL, SIGNALS};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{PyErr, PyResult, key_error_message, type_error, value_error};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::{CompareOp, Obj, Owned, PyType, Ref, Thread, Value, alloc, make, protocol, str};
use std::sync::{Arc, Weak};

/// Signals and whether they are set.
#[pyclass(name = "SignalDict", module = "decimal", subclassable)]
#[derive(Trace)]
pub(super) struct SignalDict {
    /// Of a context, which may be gone.
    #[trace(unsafe_skip)]
    signals: Weak<Signals>,
    #[trace(unsafe_skip)]
    which: Mapping,
}

#[cold]
fn invalid() -> PyErr {
    value_error("invalid signal dict")
}

#[cold]
fn bad_signal() -> PyErr {
    key_error_message(BAD_SIGNAL)
}

impl SignalDict {
    pub(super) fn of(thread: &Thread, signals: &Arc<Signals>, which: Mapping) -> PyResult {
        Ok(make(thread, SignalDict { signals: Arc::downgrade(signals), which })?.into_value())
    }

    fn signals(&self) -> PyResult<Arc<Signals>> {
        self.signals.upgrade().ok_or_else(invalid)
    }

    fn bits(&self) -> PyResult<u32> {
        Ok(self.signals()?.get(self.which))
    }

    /// The same as a dict.
    fn to_dict(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Owned<PyDict>> {
        let bits = this.bits()?;
        let made = dict::new(thread)?;
        let classes = signals::classes(thread)?;
        for ((_, signal), class) in SIGNALS.iter().zip(classes.iter().skip(1)) {
            dict::set_item(thread, &made, class.get(), Value::bool(bits & signal != 0))?;
        }
        Ok(made)
    }

    fn view(thread: &mut Thread, this: &Obj<Self>, name: &str) -> PyResult {
        let dict = SignalDict::to_dict(thread, this)?;
        protocol::call_method(thread, dict.get(), name, &[])
    }
}

/// The bits of a mapping that names all signals.
pub(super) fn bits_from(thread: &mut Thread, value: Ref<'_>) -> PyResult<u32> {
    if let Some(other) = value.downcast::<SignalDict>() {
        return other.bits();
    }
    let Some(given) = value.downcast::<PyDict>() else {
        return Err(type_error("argument must be a signal dict"));
    };
    let entries = dict::entries(thread, given)?;
    if entries.len() != SIGNALS.len() {
        return Err(key_error_message("invalid signal dict"));
    }
    let mut bits = 0;
    for entry in entries {
        let Some(signal) = signals::bits_of(thread, entry.key.get())? else {
            return Err(key_error_message("invalid signal dict"));
        };
        if protocol::is_true(thread, entry.value.get())? {
            bits |= signal;
        }
    }
    Ok(bits)
}

/// The bits of a list of signals.
pub(super) fn bits_from_list(thread: &mut Thread, value: Ref<'_>) -> PyResult<u32> {
    let mut bits = 0;
    for class in protocol::collect(thread, value)? {
        bits |= signals::bits_of(thread, class.get())?.ok_or_else(bad_signal)?;
    }
    Ok(bits)
}

#[pymethods]
impl SignalDict {
    #[new]
    #[signature()]
    fn new(thread: &mut Thread, cls: &Obj<PyType>) -> PyResult {
        Ok(alloc(thread, cls, SignalDict { signals: Weak::new(), which: Mapping::Flags })?.into_value())
    }

    #[slot]
    fn sq_length(this: &Obj<Self>) -> PyResult<usize> {
        this.signals()?;
        Ok(SIGNALS.len())
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let dict = SignalDict::to_dict(thread, this)?;
        protocol::iter(thread, dict.get())
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult<bool> {
        let bits = this.bits()?;
        let signal = signals::bits_of(thread, key)?.ok_or_else(bad_signal)?;
        Ok(bits & signal != 0)
    }

    #[slot]
    fn mp_ass_subscript(
        thread: &mut Thread,
        this: &Obj<Self>,
        key: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let signals = this.signals()?;
        let Some(value) = value else { return Err(value_error("signal keys cannot be deleted")) };
        let signal = signals::bits_of(thread, key)?.ok_or_else(bad_signal)?;
        let set = protocol::is_true(thread, value)?;
        signals.switch(this.which, signal, set);
        Ok(())
    }

    #[slot]
    fn sq_contains(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult<bool> {
        this.signals()?;
        Ok(signals::bits_of(thread, key)?.is_some())
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let Some(own) = left.downcast::<SignalDict>() else { return Ok(Value::NOT_IMPLEMENTED) };
        let bits = own.bits()?;
        let other = match right.downcast::<SignalDict>() {
            Some(other) => other.bits()?,
            None if right.downcast::<PyDict>().is_some() => match bits_from(thread, right) {
                Ok(bits) => bits,
                Err(_) => return Ok(Value::NOT_IMPLEMENTED),
            },
            None => return Ok(Value::NOT_IMPLEMENTED),
        };
        let mask = |bits: u32| SIGNALS.map(|(_, signal)| bits & signal != 0);
        match op {
            CompareOp::Eq => Ok(Value::bool(mask(bits) == mask(other))),
            CompareOp::Ne => Ok(Value::bool(mask(bits) != mask(other))),
            _ => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let bits = this.bits()?;
        let entries: Vec<String> = SIGNALS
            .iter()
            .map(|(name, signal)| {
                let shown = if bits & signal != 0 { "True" } else { "False" };
                format!("<class 'decimal.{name}'>:{shown}")
            })
            .collect();
        str::new(thread, &format!("{{{}}}", entries.join(", ")))
    }

    /// The signals.
    fn keys(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        SignalDict::view(thread, this, "keys")
    }

    /// Whether they are set.
    fn values(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        SignalDict::view(thread, this, "values")
    }

    /// The signals and whether they are set.
    fn items(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        SignalDict::view(thread, this, "items")
    }

    /// Whether a signal is set, or the default if the key is none.
    #[signature(key, default = None)]
    fn get(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
        let bits = this.bits()?;
        Ok(match signals::bits_of(thread, key)? {
            Some(signal) => Value::bool(bits & signal != 0),
            None => default.map_or(Value::NONE, Ref::to_owned),
        })
    }

    /// The same as a dict.
    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Ok(SignalDict::to_dict(thread, this)?.into_value())
    }

    /// Set signals from another mapping.
    #[signature(other, /)]
    fn update(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult<()> {
        let source = dict::new(thread)?;
        protocol::call_method(thread, source.get(), "update", &[other])?;
        for entry in dict::entries(thread, &source)? {
            protocol::set_item(thread, this.get(), entry.key.get(), Some(entry.value.get()))?;
        }
        Ok(())
    }
}
