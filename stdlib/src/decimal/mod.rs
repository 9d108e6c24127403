//! `_decimal`: the General Decimal Arithmetic specification (speleotrove.com/decimal).
//!
//! Numbers and operations on them are plain Rust (`number`, `coefficient`, `arith`, `compare`, `transcendental`, `text`);
//! an operation gets an [`number::Env`] and leaves the conditions that it raises there. `Decimal` and `Context` are what
//! Python sees of them.

mod arith;
mod class;
mod class_methods;
mod coefficient;
mod compare;
mod context;
mod context_methods;
mod convert;
mod format;
mod manager;
mod number;
mod signal_dict;
mod signals;
mod text;
mod transcendental;

use crate::{os_support, support};
use context::Context;
use number::{MAX_EMAX, MAX_PREC, MIN_EMIN, MIN_ETINY, Rounding};
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{PyResult, type_error, value_error};
use orochi_objects::{
    Args, KwArgs, ModuleExt, Obj, PyClass, PyModule, Ref, Thread, Value, int, protocol, str, tuple,
};

/// Under this name `DecimalTuple` is kept.
const TUPLE: &str = "decimal.tuple";

/// The widest format of IEEE 754 that has a context.
const IEEE_MAX_BITS: i64 = 512;

/// Get the current default context.
#[pyfunction]
fn getcontext(thread: &mut Thread) -> PyResult {
    Ok(context::current(thread)?.into_value())
}

/// Set a new default context.
#[pyfunction]
#[signature(context, /)]
fn setcontext(thread: &mut Thread, context: Ref<'_>) -> PyResult<()> {
    context::set_current(thread, context)
}

/// Return a context manager that will set the default context to a copy of ctx
/// on entry to the with-statement and restore the previous default context when
/// exiting the with-statement. If no context is supplied, a copy of the current
/// default context is used.
#[pyfunction]
#[signature(ctx=None, **kwargs)]
fn localcontext(thread: &mut Thread, ctx: Option<Ref<'_>>, kwargs: KwArgs<'_>) -> PyResult {
    let global = context::current(thread)?;
    let source = context::given(thread, ctx)?;
    let local = Context::copy_of(thread, &source)?;
    for (name, value) in kwargs.iter() {
        let text = name.as_wtf8().to_string_lossy();
        if !context::NAMES.contains(&&*text) {
            return Err(type_error(format!("this function got an unexpected keyword argument '{text}'")));
        }
        if value.is_none() {
            continue;
        }
        Context::set(thread, &local, &text, value)?;
    }
    manager::ContextManager::create(thread, local, global)
}

/// Return a context object initialized to the proper values for one of the
/// IEEE interchange formats.  The argument must be a multiple of 32 and less
/// than IEEE_CONTEXT_MAX_BITS.
#[pyfunction]
#[name = "IEEEContext"]
#[signature(bits, /)]
fn ieee_context(thread: &mut Thread, bits: i64) -> PyResult {
    if bits <= 0 || bits > IEEE_MAX_BITS || bits % 32 != 0 {
        return Err(value_error(format!(
            "argument must be a multiple of 32, with a maximum of {IEEE_MAX_BITS}"
        )));
    }
    let mut state = context::State::initial();
    state.env.prec = 9 * (bits / 32) - 2;
    state.env.emax = 3 * (1 << (bits / 16 + 3));
    state.env.emin = 1 - state.env.emax;
    state.env.clamp = true;
    Ok(Context::make(thread, state, 0, 0)?.into_value())
}

/// Makes `DecimalTuple`.
fn make_tuple(thread: &mut Thread) -> PyResult {
    if let Some(kept) = os_support::kept_value(thread, TUPLE)? {
        return Ok(kept);
    }
    let namedtuple = support::import_attr(thread, "collections", "namedtuple")?;
    let names = str::intern(thread, "module")?.to_value();
    let names = tuple::new(thread, vec![names])?;
    let name = str::new(thread, "DecimalTuple")?;
    let fields = str::new(thread, "sign digits exponent")?;
    let module = str::new(thread, "decimal")?;
    let values = [name.get(), fields.get(), module.get()];
    let class = protocol::call_args(thread, namedtuple.get(), Args::with_names(&values, Some(&names)))?;
    os_support::keep_value(thread, TUPLE, class.clone())?;
    Ok(class)
}

/// Says of the classes what they are in the towers of `numbers` and `collections.abc`.
fn register(thread: &mut Thread) -> PyResult<()> {
    let number = support::import_attr(thread, "numbers", "Number")?;
    protocol::call_method(thread, number.get(), "register", &[class::Decimal::static_type().get().get()])?;
    let mapping = support::import_attr(thread, "collections.abc", "MutableMapping")?;
    let class = signal_dict::SignalDict::static_type().get().get();
    protocol::call_method(thread, mapping.get(), "register", &[class])?;
    Ok(())
}

/// C decimal arithmetic module
#[pymodule(
    name = "_decimal",
    functions(getcontext, setcontext, localcontext, ieee_context),
    classes(class::Decimal, context::Context)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    signals::prepare(thread)?;
    context::prepare(thread)?;
    let class = make_tuple(thread)?;
    module.add(thread, "DecimalTuple", class)?;
    register(thread)?;
    for (name, class) in signals::names().zip(signals::classes(thread)?) {
        module.add(thread, name, class)?;
    }
    let kept = context::kept(thread)?;
    for (name, context) in ["DefaultContext", "BasicContext", "ExtendedContext"].iter().zip(kept.items()) {
        module.add(thread, name, context.to_owned())?;
    }
    for (_, name) in Rounding::ALL {
        module.add(thread, name, str::intern(thread, name)?.to_value())?;
    }
    let numbers = [
        ("MAX_PREC", MAX_PREC),
        ("MAX_EMAX", MAX_EMAX),
        ("MIN_EMIN", MIN_EMIN),
        ("MIN_ETINY", MIN_ETINY),
        ("IEEE_CONTEXT_MAX_BITS", IEEE_MAX_BITS),
    ];
    for (name, value) in numbers {
        let value: Value = int::new(thread, value)?;
        module.add(thread, name, value)?;
    }
    module.add(thread, "HAVE_THREADS", true)?;
    module.add(thread, "HAVE_CONTEXTVAR", true)?;
    module.add(thread, "__version__", "1.70")?;
    module.add(thread, "__libmpdec_version__", "2.5.1")
}
