//! The awaitables of asynchronous generators: what `__anext__`, `asend`, `athrow` and `aclose` give.
//!
//! | state | meaning |
//! |---|---|
//! | INIT | not awaited yet |
//! | ITER | under way: the generator is passing on what it awaits |
//! | CLOSED | finished |

use super::methods::ASYNC_GENERATOR;
use super::{
    ASYNC_RUNNING, CLOSED as GENERATOR_CLOSED, FINISHED, PyAsyncGenerator, PyGenerator, SUSPENDED,
    as_generator, methods,
};
use crate::args::ArgSlice;
use crate::error::{PyErr, PyResult, runtime_error, stop_iteration, type_error};
use crate::interpreter;
use crate::protocol;
use crate::slots::Sent;
use crate::types::exception;
use orochi_core::header::FINALIZED;
use orochi_core::sync::{AtomicU8, Ordering};
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

const INIT: u8 = 0;
const ITER: u8 = 1;
const CLOSED: u8 = 2;

/// A value that an asynchronous generator yields, as its driver sees it: what it awaits is passed on as it is.
#[pyclass(name = "async_generator_wrapped_value", no_new, no_methods)]
#[derive(Trace)]
pub struct PyWrappedValue {
    value: Field,
}

/// Wraps a yielded value.
pub fn wrap(thread: &mut Thread, value: Value) -> PyResult {
    Ok(crate::make(thread, PyWrappedValue { value: Field::new_local(value) })?.into_value())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Send,
    Throw,
    Close,
}

// SAFETY: holds no fields.
unsafe impl orochi_core::Trace for Kind {
    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}

/// The awaitable of `asend`, `athrow` or `aclose`.
#[pyclass(name = "async_generator_asend", no_new)]
#[derive(Trace)]
pub struct PyAsyncStep {
    generator: Field,
    kind: Kind,
    /// The value to send, or a tuple of `athrow`'s arguments.
    payload: Field,
    state: AtomicU8,
}

fn step(thread: &mut Thread, generator: Ref<'_>, kind: Kind, payload: Value) -> PyResult {
    init_hooks(thread, generator)?;
    let step = PyAsyncStep {
        generator: Field::new_local(generator.to_owned()),
        kind,
        payload: Field::new_local(payload),
        state: AtomicU8::new(INIT),
    };
    Ok(crate::make(thread, step)?.into_value())
}

/// Calls the hooks of `sys.set_asyncgen_hooks` when a generator is used first.
fn init_hooks(thread: &mut Thread, generator: Ref<'_>) -> PyResult<()> {
    let Some(state) = as_generator(generator) else { return Ok(()) };
    if !state.set_flag(super::HOOKS_DONE) {
        return Ok(());
    }
    let hooks = crate::thread::ThreadState::of(thread);
    let (first, finalizer) = (hooks.asyncgen_firstiter.clone(), hooks.asyncgen_finalizer.clone());
    if let Some(finalizer) = finalizer {
        drop(state.extra.swap(state, thread, Some(finalizer)));
    }
    match first {
        Some(first) => protocol::call(thread, first.get(), &[generator]).map(drop),
        None => Ok(()),
    }
}

impl PyAsyncStep {
    fn generator(&self) -> PyResult<&Obj<PyGenerator>> {
        as_generator(self.generator.fixed()).ok_or_else(|| type_error("an asynchronous generator is needed"))
    }

    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Send => "anext(): asynchronous generator is already running",
            Kind::Throw => "athrow(): asynchronous generator is already running",
            Kind::Close => "aclose(): asynchronous generator is already running",
        }
    }

    fn state(&self) -> u8 {
        self.state.load(Ordering::Acquire)
    }

    fn set_state(&self, state: u8) {
        self.state.store(state, Ordering::Release);
    }

    fn reused(&self) -> PyErr {
        runtime_error(match self.kind {
            Kind::Send => "cannot reuse already awaited __anext__()/asend()",
            _ => "cannot reuse already awaited aclose()/athrow()",
        })
    }

    /// Begins: the generator may run one step at a time.
    fn begin(&self, generator: &Obj<PyGenerator>) -> PyResult<()> {
        if !generator.set_flag(ASYNC_RUNNING) {
            self.set_state(CLOSED);
            return Err(runtime_error(self.name()));
        }
        self.set_state(ITER);
        Ok(())
    }

    fn end(&self, generator: &Obj<PyGenerator>) {
        generator.clear_flag(ASYNC_RUNNING);
        self.set_state(CLOSED);
    }

    fn resume(&self, thread: &mut Thread, value: Ref<'_>) -> PyResult<Sent> {
        let generator = self.generator()?;
        match self.state() {
            CLOSED => Err(self.reused()),
            INIT => {
                if self.kind != Kind::Send && !value.is_none() {
                    return Err(runtime_error("can't send non-None value to a just-started coroutine"));
                }
                if generator.state() == FINISHED {
                    return self.finished(thread, generator);
                }
                self.begin(generator)?;
                let sent = match self.kind {
                    Kind::Send => {
                        let value = if value.is_none() { self.payload.fixed() } else { value };
                        interpreter::resume(thread, generator, Ok(value))
                    }
                    Kind::Throw => self.throw_payload(thread, generator),
                    Kind::Close => {
                        generator.set_flag(GENERATOR_CLOSED);
                        methods::throw(thread, generator, PyErr::bare(&exception::GeneratorExit))
                    }
                };
                self.unwrap(generator, sent)
            }
            _ => {
                let sent = interpreter::resume(thread, generator, Ok(value));
                self.unwrap(generator, sent)
            }
        }
    }

    fn throw_payload(&self, thread: &mut Thread, generator: &Obj<PyGenerator>) -> PyResult<Sent> {
        let Some(args) = self.payload.fixed().downcast::<crate::types::tuple::PyTuple>() else {
            return Err(type_error("athrow() needs an exception"));
        };
        let args: Vec<Ref<'_>> = args.items().collect();
        methods::throw_args(thread, generator, crate::args::Args::new(&args), None)
    }

    /// A step on a generator that has ended.
    fn finished(&self, thread: &mut Thread, generator: &Obj<PyGenerator>) -> PyResult<Sent> {
        self.set_state(CLOSED);
        match self.kind {
            Kind::Send => Err(PyErr::bare(&exception::StopAsyncIteration)),
            Kind::Close => Ok(Sent::Return(Value::NONE)),
            Kind::Throw if generator.has_flag(GENERATOR_CLOSED) => {
                Err(PyErr::bare(&exception::StopAsyncIteration))
            }
            Kind::Throw => match self.throw_payload(thread, generator) {
                Ok(_) => Ok(Sent::Return(Value::NONE)),
                Err(error) => Err(error),
            },
        }
    }

    /// Tells yielded values (the step's result) from what is passed on.
    fn unwrap(&self, generator: &Obj<PyGenerator>, sent: PyResult<Sent>) -> PyResult<Sent> {
        match sent {
            Ok(Sent::Yield(value)) => match value.get().downcast::<PyWrappedValue>() {
                Some(wrapped) => {
                    let inner = wrapped.value.fixed().to_owned();
                    self.end(generator);
                    if self.kind == Kind::Close {
                        return Err(runtime_error("async generator ignored GeneratorExit"));
                    }
                    Ok(Sent::Return(inner))
                }
                None => Ok(Sent::Yield(value)),
            },
            Ok(Sent::Return(_)) => {
                self.end(generator);
                if self.kind == Kind::Close {
                    return Ok(Sent::Return(Value::NONE));
                }
                Err(PyErr::bare(&exception::StopAsyncIteration))
            }
            Err(error) => {
                self.end(generator);
                let ends =
                    error.matches(&exception::StopAsyncIteration) || error.matches(&exception::GeneratorExit);
                if self.kind == Kind::Close && ends {
                    return Ok(Sent::Return(Value::NONE));
                }
                Err(error)
            }
        }
    }
}

/// Nothing is to be told of it when it goes away.
fn used(this: &Obj<PyAsyncStep>) {
    let _ = this.header().set_flag(FINALIZED);
}

fn finish(sent: Sent) -> PyResult {
    match sent {
        Sent::Yield(value) => Ok(value),
        Sent::Return(value) => Err(stop_iteration(value)),
    }
}

#[pymethods]
impl PyAsyncStep {
    #[slot]
    fn tp_finalize(thread: &mut Thread, this: Ref<'_>) -> PyResult<()> {
        let Some(step) = this.downcast::<Self>().filter(|step| step.state() == INIT) else { return Ok(()) };
        step.set_state(CLOSED);
        let generator = step.generator()?;
        let method = match step.kind {
            Kind::Send => "asend",
            Kind::Throw => "athrow",
            Kind::Close => "aclose",
        };
        let qualname = generator.qualname(thread);
        let qualname = crate::str::display(qualname.get());
        let message = format!("coroutine method '{method}' of '{qualname}' was never awaited");
        if let Err(error) = crate::warn::runtime_warning(thread, &message) {
            let message = Some("Exception ignored while finalizing async generator");
            crate::finalize::unraisable(thread, error, message, generator.get());
        }
        Ok(())
    }

    #[slot]
    fn tp_iter(_thread: &mut Thread, this: Ref<'_>) -> PyResult {
        Ok(this.to_owned())
    }

    #[slot]
    fn am_await(_thread: &mut Thread, this: Ref<'_>) -> PyResult {
        Ok(this.to_owned())
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        used(this);
        this.resume(thread, Ref::NONE).and_then(finish).map(Some)
    }

    #[slot]
    fn am_send(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<Sent> {
        used(this);
        this.resume(thread, value)
    }

    fn send(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult {
        used(this);
        this.resume(thread, value).and_then(finish)
    }

    #[signature(*args)]
    fn throw(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult {
        used(this);
        let generator = this.generator()?;
        match this.state() {
            CLOSED => return Err(this.reused()),
            INIT => this.begin(generator)?,
            _ => {}
        }
        let sent = methods::throw_args(thread, generator, args, Some("throw"));
        this.unwrap(generator, sent).and_then(finish)
    }

    fn close(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        if this.state() == CLOSED {
            return Ok(());
        }
        let generator = this.generator()?;
        if this.state() == INIT {
            this.set_state(CLOSED);
            return Ok(());
        }
        let sent = methods::throw(thread, generator, PyErr::bare(&exception::GeneratorExit));
        match this.unwrap(generator, sent) {
            Ok(Sent::Yield(_)) => Err(runtime_error("coroutine ignored GeneratorExit")),
            Ok(Sent::Return(_)) => Ok(()),
            Err(error)
                if error.matches(&exception::StopIteration)
                    || error.matches(&exception::StopAsyncIteration)
                    || error.matches(&exception::GeneratorExit) =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

#[pymethods(parts(ASYNC_GENERATOR))]
impl PyAsyncGenerator {
    #[slot]
    fn am_aiter(_thread: &mut Thread, this: Ref<'_>) -> PyResult {
        Ok(this.to_owned())
    }

    #[slot]
    fn am_anext(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        step(thread, this, Kind::Send, Value::NONE)
    }

    /// asend(v) -> send 'v' in generator.
    fn asend(thread: &mut Thread, this: Ref<'_>, value: Ref<'_>) -> PyResult {
        step(thread, this, Kind::Send, value.to_owned())
    }

    /// athrow(value)
    /// athrow(type[,value[,tb]])
    ///
    /// raise exception in generator.
    /// the (type, val, tb) signature is deprecated,
    /// and may be removed in a future version of Python.
    #[signature(*args)]
    fn athrow(thread: &mut Thread, this: Ref<'_>, args: ArgSlice<'_>) -> PyResult {
        methods::warn_of_three(thread, args, "athrow")?;
        let args = crate::tuple::new(thread, args.iter().map(Ref::to_owned).collect())?;
        step(thread, this, Kind::Throw, args.into_value())
    }

    /// aclose() -> raise GeneratorExit inside generator.
    fn aclose(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        step(thread, this, Kind::Close, Value::NONE)
    }
}

/// Whether a suspended generator would be closed by its finalizer hook.
pub fn waits(generator: &Obj<PyGenerator>) -> bool {
    generator.state() == SUSPENDED
}
