//! `SignalDict`: the flags or the traps of a context as a mapping from signals to truth values.

use super::context::Context;
use super::signals::{self, BAD_SIGNAL, SIGNALS};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{PyErr, PyResult, key_error_message, type_error, value_error};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::{CompareOp, Field, Obj, Owned, PyType, Ref, Thread, Value, alloc, make, protocol, str};

/// Signals and whether they are set.
#[pyclass(name = "SignalDict", module = "decimal", subclassable)]
#[derive(Trace)]
pub(super) struct SignalDict {
    context: Option<Field>,
    traps: bool,
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
    pub(super) fn of(thread: &Thread, context: &Obj<Context>, traps: bool) -> PyResult {
        let context = Some(Field::new_local(context.to_value()));
        Ok(make(thread, SignalDict { context, traps })?.into_value())
    }

    fn context(&self) -> PyResult<&Obj<Context>> {
        let context = self.context.as_ref().and_then(|context| context.fixed().downcast::<Context>());
        context.ok_or_else(invalid)
    }

    fn bits(thread: &Thread, this: &Obj<Self>) -> PyResult<u32> {
        let state = Context::state(thread, this.context()?);
        Ok(if this.traps { state.traps } else { state.env.status })
    }

    /// The same as a dict.
    fn to_dict(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Owned<PyDict>> {
        let bits = SignalDict::bits(thread, this)?;
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
        return SignalDict::bits(thread, other);
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
        Ok(alloc(thread, cls, SignalDict { context: None, traps: false })?.into_value())
    }

    #[slot]
    fn sq_length(this: &Obj<Self>) -> PyResult<usize> {
        this.context()?;
        Ok(SIGNALS.len())
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let dict = SignalDict::to_dict(thread, this)?;
        protocol::iter(thread, dict.get())
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult<bool> {
        let bits = SignalDict::bits(thread, this)?;
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
        let context = this.context()?;
        let Some(value) = value else { return Err(value_error("signal keys cannot be deleted")) };
        let signal = signals::bits_of(thread, key)?.ok_or_else(bad_signal)?;
        let set = protocol::is_true(thread, value)?;
        let traps = this.traps;
        Context::change(thread, context, |state| {
            let bits = if traps { &mut state.traps } else { &mut state.env.status };
            *bits = if set { *bits | signal } else { *bits & !signal };
        });
        Ok(())
    }

    #[slot]
    fn sq_contains(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult<bool> {
        this.context()?;
        Ok(signals::bits_of(thread, key)?.is_some())
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let Some(own) = left.downcast::<SignalDict>() else { return Ok(Value::NOT_IMPLEMENTED) };
        let bits = SignalDict::bits(thread, own)?;
        let other = match right.downcast::<SignalDict>() {
            Some(other) => SignalDict::bits(thread, other)?,
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
        let bits = SignalDict::bits(thread, this)?;
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
        let bits = SignalDict::bits(thread, this)?;
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
