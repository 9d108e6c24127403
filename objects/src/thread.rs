//! What belongs to a Python thread and to an interpreter, beyond the runtime's core.
//!
//! `ThreadState` hangs on `Thread::extension`; only its own thread touches it. `PyInterpreter` is a heap object, so that
//! whatever it refers to is published when a second thread starts.

use crate::collection::Collections;
use crate::error::{PyErr, PyResult, system_error};
use crate::frames::{Frame, FrameStack};
use crate::monitoring::Monitoring;
use crate::slots::Sent;
use crate::storage::known::Known;
use crate::tracing::{self, Tracing};
use crate::types::dict::{DictExt, PyDict};
use orochi_core::sync::Ordering;
use orochi_core::word::{self, Word};
use orochi_core::{AtomicField, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass};
use std::collections::HashMap;
use std::ptr::NonNull;

/// CPython's default recursion limit.
pub const RECURSION_LIMIT: usize = 1000;

/// How the frame ended with which native code entered the interpreter.
#[derive(Debug)]
pub enum Outcome {
    /// It returned or yielded.
    Done(Sent),
    /// It raised.
    Raised(PyErr),
}

/// One isolated set of modules.
#[pyclass(name = "interpreter", no_new, no_methods)]
#[derive(Trace)]
pub struct PyInterpreter {
    /// The namespace of the `builtins` module.
    pub builtins: AtomicField,
    /// `sys.modules`.
    pub modules: AtomicField,
    /// The namespace of the `sys` module.
    pub sys: AtomicField,
    /// What native modules keep, by name.
    pub natives: AtomicField,
    /// The importlib that imports, also when the program has hidden it in `sys.modules`.
    pub importlib: AtomicField,
    /// The registry of codecs and error handlers.
    pub codecs: AtomicField,
    /// What programs have asked of collections.
    pub collections: Collections,
    /// What the tools of `sys.monitoring` have asked for.
    pub monitoring: Monitoring,
}

/// A generator whose values go to native code without its frame being left; see [`crate::interpreter::feed`].
#[derive(Clone, Copy)]
pub struct Feeding {
    /// The generator's frame.
    pub frame: *mut Frame,
    /// Who takes the values; lives as long as the frame.
    pub take: NonNull<dyn FnMut(&mut Thread, Value) -> Option<Value>>,
}

/// The state of a Python thread.
pub struct ThreadState {
    /// Its frames.
    pub frames: FrameStack,
    /// An exception on its way to the loop.
    pub raised: Option<PyErr>,
    /// The same for an exception object that was raised by an instruction.
    pub raised_instance: Option<Value>,
    /// What the frame that native code entered with came to.
    pub outcome: Option<Outcome>,
    /// The exception that is being handled by the innermost generator or by the code outside of generators; UNBOUND or
    /// None if there is none. Owned.
    pub handled: Word,
    /// What the thread has found out about attributes.
    pub known: Known,
    /// What was sent to a generator that delegates. Owned.
    pub sent: Word,
    /// Who is fed by the innermost generator that feeds somebody.
    pub feeding: Option<Feeding>,
    /// How many frames of generators are active.
    pub active_generators: u32,
    /// The exception in `raised` is raised again: it has its traceback entry for the running frame.
    pub reraised: bool,
    /// The interpreter.
    pub interpreter: Owned<PyInterpreter>,
    /// `sys.get_asyncgen_hooks()`.
    pub asyncgen_firstiter: Option<Value>,
    /// See `asyncgen_firstiter`.
    pub asyncgen_finalizer: Option<Value>,
    /// `sys.set_coroutine_origin_tracking_depth()`.
    pub coroutine_origin_depth: u32,
    /// The current `contextvars` context.
    pub context: Option<Value>,
    /// This thread's part of each `threading.local`, by the number of the local object.
    pub locals: HashMap<u64, Value>,
    /// What `_asyncio` keeps of the thread: the running loop and task, and the tasks that were made here.
    pub asyncio: Option<Value>,
    /// The handlers of signals, a list, as long as no thread but this one can ask for them; and the interpreter that they
    /// belong to.
    pub signals: Option<(Owned<PyInterpreter>, Value)>,
    /// What trace and profile functions are told.
    pub tracing: Tracing,
    /// A collection is under way, with its callbacks.
    pub is_collecting: bool,
    /// Runs signal handlers; set by the module that has them.
    pub signal_handlers: Option<fn(&mut Thread) -> PyResult<()>>,
}

impl ThreadState {
    /// Gives a thread its state; the thread keeps it until [`ThreadState::detach`].
    ///
    /// # Errors
    /// MemoryError.
    pub fn attach(thread: &Thread, interpreter: Owned<PyInterpreter>) -> PyResult<()> {
        let frames = FrameStack::new(RECURSION_LIMIT).ok_or_else(crate::error::memory_error)?;
        let tracing = Tracing::new(&interpreter);
        let state = Box::new(ThreadState {
            frames,
            raised: None,
            raised_instance: None,
            outcome: None,
            handled: word::UNBOUND,
            known: Known::default(),
            sent: word::UNBOUND,
            feeding: None,
            active_generators: 0,
            reraised: false,
            interpreter,
            asyncgen_firstiter: None,
            asyncgen_finalizer: None,
            coroutine_origin_depth: 0,
            context: None,
            locals: HashMap::new(),
            asyncio: None,
            signals: None,
            tracing,
            is_collecting: false,
            signal_handlers: None,
        });
        let state = Box::into_raw(state);
        thread.extension.set(state.cast());
        // Release pairs with the Acquire in `with_frames_of_all`.
        thread.shared().extension.store(state.cast(), Ordering::Release);
        tracing::begin(thread);
        Ok(())
    }

    /// Takes the state away from a thread that ends.
    pub fn detach(thread: &Thread) {
        thread.shared().extension.store(std::ptr::null_mut(), Ordering::Release);
        let state = thread.extension.replace(std::ptr::null_mut()).cast::<ThreadState>();
        if !state.is_null() {
            // SAFETY: came from `attach`; nobody refers to it between two instructions of no frame.
            drop(unsafe { Box::from_raw(state) });
        }
    }

    /// The thread's state. Every thread that runs Python code has one.
    #[inline(always)]
    #[allow(
        clippy::mut_from_ref,
        reason = "the state belongs to the thread; callers keep no reference across calls"
    )]
    pub fn of(thread: &Thread) -> &mut ThreadState {
        // SAFETY: set by `attach` before any Python code runs on the thread. References are not kept while other code
        // of this thread may take one.
        unsafe { &mut *thread.extension.get().cast::<ThreadState>() }
    }

    /// Whether the thread has a state.
    pub fn exists(thread: &Thread) -> bool {
        !thread.extension.get().is_null()
    }

    /// The exception being handled (`sys.exception()`): the innermost one, also that of the code that resumed a
    /// generator.
    #[inline]
    pub fn handled_exception(thread: &Thread) -> Option<Value> {
        let word = ThreadState::of(thread).handled_word()?;
        // SAFETY: an owned word.
        Some(unsafe { Ref::from_word(word) }.to_owned())
    }

    #[inline]
    fn handled_word(&self) -> Option<Word> {
        if self.active_generators == 0 && (self.handled == word::UNBOUND || self.handled == word::NONE) {
            return None;
        }
        let inner = std::iter::once(self.handled);
        let outer = self.frames.iter().filter(|frame| !frame.generator.is_null()).map(|frame| frame.owned);
        inner.chain(outer).find(|word| *word != word::UNBOUND && *word != word::NONE)
    }

    /// Exchanges the handled exception.
    #[inline]
    pub fn replace_handled(thread: &Thread, word: Word) -> Word {
        std::mem::replace(&mut ThreadState::of(thread).handled, word)
    }

    /// Makes this thread one of another interpreter, and gives the one before.
    pub fn enter(thread: &Thread, interpreter: Owned<PyInterpreter>) -> Owned<PyInterpreter> {
        std::mem::replace(&mut ThreadState::of(thread).interpreter, interpreter)
    }

    /// The namespace of the `builtins` module.
    pub fn builtins(thread: &Thread) -> PyResult<Value> {
        ThreadState::of(thread)
            .interpreter
            .builtins
            .get(thread)
            .ok_or_else(|| system_error("there is no builtins module"))
    }

    /// `sys.modules`.
    pub fn modules(thread: &Thread) -> PyResult<Value> {
        ThreadState::of(thread)
            .interpreter
            .modules
            .get(thread)
            .ok_or_else(|| system_error("lost sys.modules"))
    }

    /// The globals of the running Python code.
    pub fn globals(thread: &Thread) -> Option<Value> {
        ThreadState::of(thread).frames.top().map(|frame| frame.function().globals().to_value())
    }
}

/// The builtins of the running function, or of the interpreter if there is none.
pub fn running_builtins(thread: &Thread) -> PyResult<Value> {
    match ThreadState::of(thread).frames.top() {
        Some(frame) => Ok(frame.function().builtins().to_owned()),
        None => ThreadState::builtins(thread),
    }
}

/// The builtins for functions with these globals: `globals['__builtins__']` (a module or its namespace), else those of
/// the running function, or of the interpreter if there is none.
pub fn builtins_for(thread: &Thread, globals: &Obj<PyDict>) -> PyResult<Value> {
    let Some(builtins) = globals.get_str(thread, crate::name!("__builtins__")) else {
        return running_builtins(thread);
    };
    match builtins.downcast::<crate::types::module::PyModule>() {
        Some(module) => Ok(module.namespace(thread).to_value()),
        None => Ok(builtins.to_owned()),
    }
}

/// Runs `f` with the number and the frames of each thread that has any, while all of them are stopped.
pub fn with_frames_of_all(thread: &mut Thread, mut f: impl FnMut(u64, &FrameStack)) {
    with_states(thread, |id, state| f(id, &state.frames));
}

/// Runs `f` with the number of each thread of this interpreter and the exception that it handles, while all of them are
/// stopped.
///
/// The exception may be local to its thread: whoever keeps it publishes it first (`core::publish`).
pub fn with_handled_of_all(thread: &mut Thread, mut f: impl FnMut(u64, Option<Ref<'_>>)) {
    let interpreter = ThreadState::of(thread).interpreter.clone();
    with_states(thread, |id, state| {
        if std::ptr::eq(&*state.interpreter, &*interpreter) {
            // SAFETY: an owned word, of a thread that is stopped.
            f(id, state.handled_word().map(|word| unsafe { Ref::from_word(word) }));
        }
    });
}

/// Runs `f` with the number and the state of each thread that has one, while all of them are stopped.
fn with_states(thread: &mut Thread, mut f: impl FnMut(u64, &ThreadState)) {
    thread.stop_the_world(|_, threads| {
        for shared in threads {
            let state = shared.extension.load(Ordering::Acquire).cast::<ThreadState>();
            // SAFETY: the state exists until its thread detaches it, which it can't do while it is stopped; nobody
            // changes its frames meanwhile.
            if let Some(state) = unsafe { state.cast_const().as_ref() } {
                f(shared.id(), state);
            }
        }
    });
}

/// Runs `f` with what `_asyncio` keeps of each other thread, while all of them are stopped.
///
/// What lies there may be local to its thread: what `f` takes out it publishes first (`core::publish`).
pub fn with_asyncio_of_others(thread: &mut Thread, mut f: impl FnMut(&Thread, Ref<'_>)) {
    let me = thread.shared().id();
    thread.stop_the_world(|thread, threads| {
        for shared in threads.iter().filter(|shared| shared.id() != me) {
            let state = shared.extension.load(Ordering::Acquire).cast::<ThreadState>();
            // SAFETY: as in `with_frames_of_all`.
            let state = unsafe { state.cast_const().as_ref() };
            if let Some(kept) = state.and_then(|state| state.asyncio.as_ref()) {
                f(thread, kept.get());
            }
        }
    });
}

/// Runs the handlers of signals that have arrived.
pub fn run_signal_handlers(thread: &mut Thread) -> PyResult<()> {
    match ThreadState::of(thread).signal_handlers {
        Some(run) => run(thread),
        None => Ok(()),
    }
}
