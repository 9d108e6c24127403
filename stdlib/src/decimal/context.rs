//! `Context`: precision, limits, rounding, and the signals that were raised or are trapped. Its operations are in
//! `context_methods`.

use super::number::{Env, MAX_EMAX, MAX_PREC, MIN_EMIN, Rounding, status};
use super::signal_dict::{self, SignalDict};
use super::{context_methods, signals};
use crate::contextvars::{self, PyContextVar};
use crate::os_support;
use orochi_core::sync::{AtomicU32, Ordering};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{
    PyErr, PyResult, attribute_error_message, overflow_error, runtime_error, type_error, value_error,
};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{list, object};
use orochi_objects::{
    AtomicField, Guarded, Obj, Owned, PyClass, PyType, Ref, Thread, Value, alloc, class_of, int, str, tuple,
};
use std::sync::{Arc, OnceLock};

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
    #[trace(unsafe_skip)]
    signals: Arc<Signals>,
    /// The mappings `flags` and `traps`, once they were asked for.
    mappings: [AtomicField; 2],
}

/// The signals that were raised, and those that are trapped. The mappings of a context use them as long as it lives.
#[derive(Debug)]
pub(super) struct Signals {
    flags: AtomicU32,
    traps: AtomicU32,
}

// The bits stand alone: nothing else is read because of them. So all accesses are Relaxed.
impl Signals {
    fn new(flags: u32, traps: u32) -> Arc<Signals> {
        Arc::new(Signals { flags: AtomicU32::new(flags), traps: AtomicU32::new(traps) })
    }

    fn bits(&self, which: Mapping) -> &AtomicU32 {
        match which {
            Mapping::Flags => &self.flags,
            Mapping::Traps => &self.traps,
        }
    }

    pub(super) fn get(&self, which: Mapping) -> u32 {
        self.bits(which).load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, which: Mapping, bits: u32) {
        self.bits(which).store(bits, Ordering::Relaxed);
    }

    /// Sets or clears some bits.
    pub(super) fn switch(&self, which: Mapping, bits: u32, on: bool) {
        let word = self.bits(which);
        if on {
            word.fetch_or(bits, Ordering::Relaxed);
        } else {
            word.fetch_and(!bits, Ordering::Relaxed);
        }
    }
}

/// One of the two sets of signals of a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mapping {
    Flags,
    Traps,
}

/// What a context holds beside its signals.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) env: Env,
    pub(super) capitals: bool,
}

/// `DefaultContext`, `BasicContext` and `ExtendedContext`.
const KEPT: &str = "decimal.contexts";

/// The variable that holds the context of the running code. Its values belong to interpreters and threads, so one is enough.
static VARIABLE: OnceLock<&'static Obj<PyContextVar>> = OnceLock::new();

fn variable(thread: &Thread) -> PyResult<&'static Obj<PyContextVar>> {
    if let Some(variable) = VARIABLE.get() {
        return Ok(variable);
    }
    let name = str::new(thread, "decimal_context")?;
    let made = contextvars::make_variable(thread, name)?;
    Ok(VARIABLE.get_or_init(|| made))
}

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
        State { env, capitals: true }
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

fn number(value: Ref<'_>) -> PyResult<i64> {
    let Some(number) = int::value(value) else { return Err(type_error("an integer is required")) };
    number.to_i64().ok_or_else(|| overflow_error("Python int too large to convert to C ssize_t"))
}

/// Makes what `getcontext` needs, unless that was done before.
pub(super) fn prepare(thread: &mut Thread) -> PyResult<()> {
    if os_support::kept_value(thread, KEPT)?.is_some() {
        return Ok(());
    }
    let usual = status::INVALID | status::DIVISION_BY_ZERO | status::OVERFLOW;
    let short = |rounding| {
        let mut state = State::initial();
        (state.env.prec, state.env.rounding) = (9, rounding);
        state
    };
    let kept = [
        (State::initial(), usual),
        (short(Rounding::HalfUp), usual | status::CLAMPED | status::UNDERFLOW),
        (short(Rounding::HalfEven), 0),
    ];
    let kept = kept.map(|(state, traps)| Ok(Context::make(thread, state, 0, traps)?.into_value()));
    let kept = kept.into_iter().collect::<PyResult<Vec<Value>>>()?;
    let kept = tuple::new(thread, kept)?.into_value();
    os_support::keep_value(thread, KEPT, kept)
}

/// DefaultContext, BasicContext, ExtendedContext.
pub(super) fn kept(thread: &mut Thread) -> PyResult<Owned<tuple::PyTuple>> {
    let kept = os_support::kept_value(thread, KEPT)?.and_then(|kept| kept.downcast::<tuple::PyTuple>().ok());
    kept.ok_or_else(|| runtime_error("_decimal isn't initialised"))
}

/// A new context like DefaultContext.
fn like_default(thread: &mut Thread, class: &Obj<PyType>) -> PyResult<Owned<Context>> {
    let kept = kept(thread)?;
    let default = kept.item(0).and_then(|default| default.downcast::<Context>());
    let default = default.ok_or_else(|| runtime_error("_decimal isn't initialised"))?;
    let context = Context::with(Context::state(thread, default), 0, default.signals.get(Mapping::Traps));
    alloc(thread, class, context)
}

/// The context of the running code.
pub(super) fn current(thread: &mut Thread) -> PyResult<Owned<Context>> {
    let variable = variable(thread)?;
    if let Some(found) = contextvars::value_of(thread, variable)?
        && let Ok(context) = found.downcast::<Context>()
    {
        return Ok(context);
    }
    let made = like_default(thread, Context::static_type().get())?;
    contextvars::set_value(thread, variable, made.to_value())?;
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
    // The module's own contexts are templates: a copy is set.
    let is_template = kept(thread)?.items().any(|template| template.is(context.get()));
    let context = if is_template {
        let copy = Context::copy_of(thread, context)?;
        copy.signals.set(Mapping::Flags, 0);
        copy
    } else {
        context.to_owned()
    };
    let variable = variable(thread)?;
    contextvars::set_value(thread, variable, context.into_value())
}

impl Context {
    fn with(state: State, flags: u32, traps: u32) -> Context {
        let mappings = [AtomicField::empty(), AtomicField::empty()];
        Context { state: Guarded::new(state), signals: Signals::new(flags, traps), mappings }
    }

    pub(super) fn make(thread: &Thread, state: State, flags: u32, traps: u32) -> PyResult<Owned<Context>> {
        alloc(thread, Context::static_type().get(), Context::with(state, flags, traps))
    }

    pub(super) fn state(thread: &Thread, this: &Obj<Context>) -> State {
        this.state.with(this, thread, |state, _| *state)
    }

    /// What operations need, with no conditions yet.
    pub(super) fn env(thread: &Thread, this: &Obj<Context>) -> Env {
        this.state.with(this, thread, |state, _| state.env)
    }

    fn change(thread: &Thread, this: &Obj<Context>, change: impl FnOnce(&mut State)) {
        this.state.with(this, thread, |state, _| change(state));
    }

    /// The signals that were raised and those that are trapped.
    pub(super) fn signals(&self) -> &Arc<Signals> {
        &self.signals
    }

    /// Adds conditions. Returns what is trapped.
    pub(super) fn raise_flags(this: &Obj<Context>, status: u32) -> u32 {
        // Most conditions were raised before.
        if this.signals.get(Mapping::Flags) & status != status {
            this.signals.switch(Mapping::Flags, status, true);
        }
        this.signals.get(Mapping::Traps)
    }

    /// A new context of the same content.
    pub(super) fn copy_of(thread: &Thread, this: &Obj<Context>) -> PyResult<Owned<Context>> {
        let (flags, traps) = (this.signals.get(Mapping::Flags), this.signals.get(Mapping::Traps));
        Context::make(thread, Context::state(thread, this), flags, traps)
    }

    /// One of the mappings of signals: always the same object.
    fn mapping(thread: &Thread, this: &Obj<Context>, which: Mapping) -> PyResult {
        let [flags, traps] = &this.mappings;
        let slot = if which == Mapping::Flags { flags } else { traps };
        if let Some(known) = slot.get(thread) {
            return Ok(known);
        }
        slot.initialise(this, SignalDict::of(thread, &this.signals, which)?);
        slot.get(thread).ok_or_else(|| runtime_error("the context has no signals"))
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
            this.signals.set(if name == "flags" { Mapping::Flags } else { Mapping::Traps }, bits);
            return Ok(());
        }
        let value = number(value)?;
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
        Ok(like_default(thread, cls)?.into_value())
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
            this.signals.set(if name == "flags" { Mapping::Flags } else { Mapping::Traps }, bits);
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
        Context::mapping(thread, this, Mapping::Flags)
    }

    #[getter]
    fn traps(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Context::mapping(thread, this, Mapping::Traps)
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
            flag_names(this.signals.get(Mapping::Flags)),
            flag_names(this.signals.get(Mapping::Traps))
        );
        str::new(thread, &text)
    }

    /// Return a copy of the context with all flags set to False.
    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Ok(Context::copy_of(thread, this)?.into_value())
    }

    #[name = "__copy__"]
    fn dunder_copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Ok(Context::copy_of(thread, this)?.into_value())
    }

    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let state = Context::state(thread, this);
        let flags = signals::signal_list(thread, this.signals.get(Mapping::Flags))?;
        let traps = signals::signal_list(thread, this.signals.get(Mapping::Traps))?;
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
