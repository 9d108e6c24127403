//! `Context`: precision, limits, rounding, and the signals that were raised or are trapped. Its operations are in
//! `context_methods`.

use super::number::{Env, MAX_EMAX, MAX_PREC, MIN_EMIN, Rounding};
use super::signal_dict::{self, SignalDict};
use super::{context_methods, signals};
use crate::os_support;
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{
    PyErr, PyResult, attribute_error_message, overflow_error, runtime_error, type_error, value_error,
};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{list, object};
use orochi_objects::{
    Guarded, Obj, Owned, PyClass, PyType, Ref, Thread, Value, alloc, class_of, int, protocol, str, tuple,
};

/// The context affects almost all operations and controls rounding,
/// Over/Underflow, raising of exceptions and much more.  A new context
/// can be initialized as follows:
///
///     >>> c = Context(prec=28, Emin=-425000000, Emax=425000000,
///     ...             rounding=ROUND_HALF_EVEN, capitals=1, clamp=1,
///     ...             traps=[InvalidOperation, DivisionByZero, Overflow],
///     ...             flags=[])
///     >>>
#[pyclass(name = "Context", module = "decimal", subclassable)]
#[derive(Trace)]
pub(super) struct Context {
    #[trace(unsafe_skip)]
    state: Guarded<State>,
}

/// What a context holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) env: Env,
    pub(super) traps: u32,
    pub(super) capitals: bool,
}

/// The context variable and the three contexts of the module.
const KEPT: &str = "decimal.contexts";

impl State {
    /// What a new context is like.
    pub(super) const fn initial() -> State {
        let env = Env {
            prec: 28,
            emax: 999_999,
            emin: -999_999,
            rounding: Rounding::HalfEven,
            clamp: false,
            status: 0,
        };
        State { env, traps: 0, capitals: true }
    }
}

#[cold]
fn bad_rounding() -> PyErr {
    type_error(
        "valid values for rounding are:\n  [ROUND_CEILING, ROUND_FLOOR, ROUND_UP, ROUND_DOWN,\n   ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN,\n   ROUND_05UP]",
    )
}

/// The way of rounding with this name.
pub(super) fn rounding_of(name: Ref<'_>) -> PyResult<Rounding> {
    let name = name.downcast::<PyStr>().ok_or_else(bad_rounding)?;
    let found = Rounding::ALL.iter().find(|(_, known)| known.as_bytes() == name.as_bytes());
    found.map(|(rounding, _)| *rounding).ok_or_else(bad_rounding)
}

fn number(thread: &mut Thread, value: Ref<'_>) -> PyResult<i64> {
    let _ = thread;
    let Some(number) = int::value(value) else { return Err(type_error("an integer is required")) };
    number.to_i64().ok_or_else(|| overflow_error("Python int too large to convert to C ssize_t"))
}

/// Makes what `getcontext` needs, unless that was done before.
pub(super) fn prepare(thread: &mut Thread) -> PyResult<()> {
    if os_support::kept_value(thread, KEPT)?.is_some() {
        return Ok(());
    }
    let variable = crate::support::import_attr(thread, "_contextvars", "ContextVar")?;
    let name = str::new(thread, "decimal_context")?;
    let variable = protocol::call(thread, variable.get(), &[name.get()])?;
    let invalid = super::number::status::INVALID;
    let usual = invalid | super::number::status::DIVISION_BY_ZERO | super::number::status::OVERFLOW;
    let default = State { traps: usual, ..State::initial() };
    let mut basic = State { traps: usual, ..State::initial() };
    basic.traps |= super::number::status::CLAMPED | super::number::status::UNDERFLOW;
    basic.env.prec = 9;
    basic.env.rounding = Rounding::HalfUp;
    let mut extended = State::initial();
    extended.env.prec = 9;
    let mut kept = vec![variable];
    for state in [default, basic, extended] {
        kept.push(Context::make(thread, state)?.into_value());
    }
    let kept = tuple::new(thread, kept)?.into_value();
    os_support::keep_value(thread, KEPT, kept)
}

/// The context variable, then DefaultContext, BasicContext, ExtendedContext.
pub(super) fn kept(thread: &mut Thread) -> PyResult<Owned<tuple::PyTuple>> {
    let kept = os_support::kept_value(thread, KEPT)?.and_then(|kept| kept.downcast::<tuple::PyTuple>().ok());
    kept.ok_or_else(|| runtime_error("_decimal isn't initialised"))
}

/// The context of the running code.
pub(super) fn current(thread: &mut Thread) -> PyResult<Owned<Context>> {
    let kept = kept(thread)?;
    let (Some(variable), Some(default)) = (kept.item(0), kept.item(1)) else {
        return Err(runtime_error("_decimal isn't initialised"));
    };
    let found = protocol::call_method(thread, variable, "get", &[Ref::NONE])?;
    if let Ok(context) = found.downcast::<Context>() {
        return Ok(context);
    }
    let mut state =
        Context::state(thread, default.downcast::<Context>().ok_or_else(|| runtime_error("no context"))?);
    state.env.status = 0;
    let made = Context::make(thread, state)?;
    protocol::call_method(thread, variable, "set", &[made.get()])?;
    Ok(made)
}

/// The context that was given, or that of the running code.
pub(super) fn given(thread: &mut Thread, context: Option<Ref<'_>>) -> PyResult<Owned<Context>> {
    match context.filter(|context| !context.is_none()) {
        None => current(thread),
        Some(context) => match context.downcast::<Context>() {
            Some(context) => Ok(context.to_owned()),
            None => Err(type_error("optional argument must be a context")),
        },
    }
}

/// Makes a context that of the running code.
pub(super) fn set_current(thread: &mut Thread, context: Ref<'_>) -> PyResult<()> {
    let Some(context) = context.downcast::<Context>() else {
        return Err(type_error("argument must be a context"));
    };
    let kept = kept(thread)?;
    // The module's own contexts are templates: a copy is set.
    let is_template = kept.items().skip(1).any(|template| template.is(context.get()));
    let context = if is_template { Context::copy_of(thread, context)? } else { context.to_owned() };
    let Some(variable) = kept.item(0) else { return Ok(()) };
    protocol::call_method(thread, variable, "set", &[context.get()])?;
    Ok(())
}

impl Context {
    pub(super) fn make(thread: &Thread, state: State) -> PyResult<Owned<Context>> {
        alloc(thread, Context::static_type().get(), Context { state: Guarded::new(state) })
    }

    pub(super) fn state(thread: &Thread, this: &Obj<Context>) -> State {
        this.state.with(this, thread, |state, _| *state)
    }

    /// What operations need, with no conditions yet.
    pub(super) fn env(thread: &Thread, this: &Obj<Context>) -> Env {
        Env { status: 0, ..Context::state(thread, this).env }
    }

    pub(super) fn change(thread: &Thread, this: &Obj<Context>, change: impl FnOnce(&mut State)) {
        this.state.with(this, thread, |state, _| change(state));
    }

    /// Adds conditions. Returns what is trapped.
    pub(super) fn raise_flags(thread: &Thread, this: &Obj<Context>, status: u32) -> u32 {
        this.state.with(this, thread, |state, _| {
            state.env.status |= status;
            state.traps
        })
    }

    /// A new context of the same content, without flags that were raised if `fresh`.
    pub(super) fn copy_of(thread: &Thread, this: &Obj<Context>) -> PyResult<Owned<Context>> {
        let mut state = Context::state(thread, this);
        state.env.status = 0;
        Context::make(thread, state)
    }

    /// Sets an attribute by name.
    pub(super) fn set(thread: &mut Thread, this: &Obj<Context>, name: &str, value: Ref<'_>) -> PyResult<()> {
        if name == "rounding" {
            let rounding = rounding_of(value)?;
            Context::change(thread, this, |state| state.env.rounding = rounding);
            return Ok(());
        }
        if name == "flags" || name == "traps" {
            let bits = signal_dict::bits_from(thread, value)?;
            Context::change(thread, this, |state| {
                *(if name == "flags" { &mut state.env.status } else { &mut state.traps }) = bits;
            });
            return Ok(());
        }
        let value = number(thread, value)?;
        let (range, text) = match name {
            "prec" => (1..=MAX_PREC, "valid range for prec is [1, MAX_PREC]"),
            "Emax" => (0..=MAX_EMAX, "valid range for Emax is [0, MAX_EMAX]"),
            "Emin" => (MIN_EMIN..=0, "valid range for Emin is [MIN_EMIN, 0]"),
            "capitals" => (0..=1, "valid values for capitals are 0 or 1"),
            _ => (0..=1, "valid values for clamp are 0 or 1"),
        };
        if !range.contains(&value) {
            return Err(value_error(text));
        }
        Context::change(thread, this, |state| match name {
            "prec" => state.env.prec = value,
            "Emax" => state.env.emax = value,
            "Emin" => state.env.emin = value,
            "capitals" => state.capitals = value == 1,
            _ => state.env.clamp = value == 1,
        });
        Ok(())
    }
}

/// The arguments of a context by name, in their order.
pub(super) const NAMES: [&str; 8] =
    ["prec", "rounding", "Emin", "Emax", "capitals", "clamp", "flags", "traps"];

#[pymethods(parts(
    context_methods::UNARY,
    context_methods::BINARY,
    context_methods::PLAIN,
    context_methods::OTHER
))]
impl Context {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: orochi_objects::Args<'_>) -> PyResult {
        let kept = os_support::kept_value(thread, KEPT)?;
        let default = kept.and_then(|kept| kept.downcast::<tuple::PyTuple>().ok());
        let default = default.as_ref().and_then(|kept| kept.item(1)?.downcast::<Context>());
        let mut state = default.map_or_else(State::initial, |default| Context::state(thread, default));
        state.env.status = 0;
        Ok(alloc(thread, cls, Context { state: Guarded::new(state) })?.into_value())
    }

    #[init]
    #[signature(prec=None, rounding=None, Emin=None, Emax=None, capitals=None, clamp=None, flags=None, traps=None)]
    #[allow(clippy::too_many_arguments, non_snake_case, reason = "the arguments of the class")]
    fn init(
        thread: &mut Thread,
        this: &Obj<Self>,
        prec: Option<Ref<'_>>,
        rounding: Option<Ref<'_>>,
        Emin: Option<Ref<'_>>,
        Emax: Option<Ref<'_>>,
        capitals: Option<Ref<'_>>,
        clamp: Option<Ref<'_>>,
        flags: Option<Ref<'_>>,
        traps: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let values = [prec, rounding, Emin, Emax, capitals, clamp];
        for (name, value) in NAMES.iter().zip(values) {
            if let Some(value) = value.filter(|value| !value.is_none()) {
                Context::set(thread, this, name, value)?;
            }
        }
        for (name, value) in [("flags", flags), ("traps", traps)] {
            let Some(value) = value.filter(|value| !value.is_none()) else { continue };
            if value.downcast::<list::PyList>().is_none() {
                Context::set(thread, this, name, value)?;
                continue;
            }
            let bits = signal_dict::bits_from_list(thread, value)?;
            Context::change(thread, this, |state| {
                *(if name == "flags" { &mut state.env.status } else { &mut state.traps }) = bits;
            });
        }
        Ok(())
    }

    #[getter]
    fn prec(thread: &mut Thread, this: &Obj<Self>) -> i64 {
        Context::state(thread, this).env.prec
    }

    #[getter]
    #[name = "Emax"]
    fn emax(thread: &mut Thread, this: &Obj<Self>) -> i64 {
        Context::state(thread, this).env.emax
    }

    #[getter]
    #[name = "Emin"]
    fn emin(thread: &mut Thread, this: &Obj<Self>) -> i64 {
        Context::state(thread, this).env.emin
    }

    #[getter]
    fn rounding(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let rounding = Context::state(thread, this).env.rounding;
        Ok(str::intern(thread, rounding.name())?.to_value())
    }

    #[getter]
    fn capitals(thread: &mut Thread, this: &Obj<Self>) -> i64 {
        i64::from(Context::state(thread, this).capitals)
    }

    #[getter]
    fn clamp(thread: &mut Thread, this: &Obj<Self>) -> i64 {
        i64::from(Context::state(thread, this).env.clamp)
    }

    #[getter]
    fn flags(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        SignalDict::of(thread, this, false)
    }

    #[getter]
    fn traps(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        SignalDict::of(thread, this, true)
    }

    #[slot]
    fn tp_setattro(
        thread: &mut Thread,
        this: &Obj<Self>,
        name: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let name = str::expect_attribute_name(name)?;
        let known = NAMES.iter().find(|known| known.as_bytes() == name.as_bytes());
        match (known, value) {
            (Some(_), None) => Err(attribute_error_message("context attributes cannot be deleted")),
            (Some(known), Some(value)) => Context::set(thread, this, known, value),
            (None, value) => object::generic_set_attr(thread, this.get(), name, value),
        }
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let state = Context::state(thread, this);
        let env = state.env;
        let text = format!(
            "Context(prec={}, rounding={}, Emin={}, Emax={}, capitals={}, clamp={}, flags=[{}], traps=[{}])",
            env.prec,
            env.rounding.name(),
            env.emin,
            env.emax,
            i64::from(state.capitals),
            i64::from(env.clamp),
            flag_names(env.status),
            flag_names(state.traps)
        );
        str::new(thread, &text)
    }

    /// Return a copy of the context with all flags set to False.
    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        context_methods::duplicate(thread, this)
    }

    #[name = "__copy__"]
    fn dunder_copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        context_methods::duplicate(thread, this)
    }

    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let state = Context::state(thread, this);
        let flags = signals::signal_list(thread, state.env.status)?;
        let traps = signals::signal_list(thread, state.traps)?;
        let values = [state.env.prec, state.env.emin, state.env.emax].map(|value| int::new(thread, value));
        let [prec, emin, emax] = values;
        let rounding = str::intern(thread, state.env.rounding.name())?.to_value();
        let capitals = int::new(thread, i64::from(state.capitals))?;
        let clamp = int::new(thread, i64::from(state.env.clamp))?;
        let args = tuple::new(thread, vec![prec?, rounding, emin?, emax?, capitals, clamp, flags, traps])?
            .into_value();
        tuple::of(thread, [class_of(this.get()).to_value(), args])
    }
}

/// The names of signals in the order of their bits.
fn flag_names(set: u32) -> String {
    let mut found: Vec<(u32, &str)> = Vec::new();
    for (name, bits) in signals::SIGNALS {
        if set & bits != 0 {
            let place = if name == "InvalidOperation" { 2 } else { bits };
            found.push((place, name));
        }
    }
    found.sort_unstable();
    found.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

/// A context that was given as a value, for use by the module's functions.
pub(super) fn as_value(context: Owned<Context>) -> Value {
    context.into_value()
}
