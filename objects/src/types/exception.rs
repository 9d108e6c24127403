//! Exceptions: the hierarchy of classes and what an exception object holds.

#![allow(non_upper_case_globals, reason = "class objects keep their Python names")]

use crate::args::Args;
use crate::class::{PyClass, PyMethods, StaticType, TypeFlags, TypeSpec};
use crate::error::PyResult;
use crate::protocol;
use crate::slots::SlotId;
use crate::types::dict::{self, PyDict};
use crate::types::exception_::attributes::ATTRIBUTES;
use crate::types::exception_::group::PyExceptionGroup;
use crate::types::exception_::os::PyOSError;
use crate::types::exception_::simple::{
    PyAttributeError, PyImportError, PyKeyError, PyNameError, PyStopIteration, PySystemExit,
};
use crate::types::exception_::syntax::PySyntaxError;
use crate::types::exception_::unicode::{
    PyUnicodeDecodeError, PyUnicodeEncodeError, PyUnicodeTranslateError,
};
use crate::types::tuple::{self, PyTuple};
use crate::types::r#type::PyType;
use crate::types::type_::construct;
use orochi_core::sync::AtomicBool;
use orochi_core::{AtomicField, Obj, Payload, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Common base class for all exceptions
#[pyclass(name = "BaseException", subclassable, dict, flags(EXCEPTION_SUBCLASS), mutable)]
#[derive(Trace)]
#[repr(C)]
pub struct PyBaseException {
    /// `args`.
    pub(crate) args: AtomicField,
    /// `__traceback__`.
    pub(crate) traceback: AtomicField,
    /// `__context__`.
    pub(crate) context: AtomicField,
    /// `__cause__`.
    pub(crate) cause: AtomicField,
    /// `__suppress_context__`.
    pub(crate) suppress_context: AtomicBool,
}

impl PyBaseException {
    /// An exception with these arguments.
    #[inline]
    pub fn with_args(args: Value) -> PyBaseException {
        PyBaseException {
            args: AtomicField::new_local(args),
            traceback: AtomicField::empty(),
            context: AtomicField::empty(),
            cause: AtomicField::empty(),
            suppress_context: AtomicBool::new(false),
        }
    }

    /// An exception with the positional arguments of a call.
    #[inline]
    pub(crate) fn from_args(thread: &Thread, args: &Args<'_>) -> PyResult<PyBaseException> {
        Ok(PyBaseException::with_args(args_tuple(thread, args)?))
    }

    /// `args`, which is a tuple.
    pub fn args<'a>(&'a self, thread: &'a Thread) -> &'a Obj<PyTuple> {
        self.args.load(thread).and_then(Ref::downcast).unwrap_or(tuple::empty(thread))
    }
}

#[pymethods(parts(ATTRIBUTES))]
impl PyBaseException {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let base = PyBaseException::from_args(thread, &args)?;
        Ok(crate::alloc(thread, cls, base)?.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        init(thread, this, &args)
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        show(thread, this)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let args = this.args(thread).to_owned();
        let shown = match args.item(0) {
            Some(only) if args.len() == 1 => protocol::repr(thread, only)?,
            _ => protocol::repr(thread, args.get())?,
        };
        let (class, shown) = (crate::class_of(this.get()).name(), crate::str::display_wtf8(shown.get()));
        let mut text = orochi_text::wtf8::Wtf8Buf::new();
        text.push_str(&class);
        if args.len() == 1 {
            text.push_str("(");
            text.push_wtf8(&shown);
            text.push_str(")");
        } else {
            text.push_wtf8(&shown);
        }
        crate::str::from_wtf8(thread, &text)
    }
}

/// `BaseException.__str__`.
pub(crate) fn show(thread: &mut Thread, this: &Obj<PyBaseException>) -> PyResult {
    let args = this.args(thread).to_owned();
    match (args.len(), args.item(0)) {
        (0, _) => crate::str::new(thread, ""),
        (1, Some(only)) => protocol::str(thread, only),
        _ => protocol::str(thread, args.get()),
    }
}

/// `BaseException.__init__`.
pub(crate) fn init(thread: &mut Thread, this: &Obj<PyBaseException>, args: &Args<'_>) -> PyResult<()> {
    if args.keyword_count() != 0 {
        args.no_keywords(&crate::class_of(this.get()).name())?;
    }
    let present = this.args(thread);
    // As a rule `__new__` has got the same arguments.
    if present.len() == args.len() && present.items().zip(args.iter()).all(|(own, given)| own.is(given)) {
        return Ok(());
    }
    let values = args_tuple(thread, args)?;
    drop(this.args.swap(this, thread, Some(values)));
    Ok(())
}

fn args_tuple(thread: &Thread, args: &Args<'_>) -> PyResult {
    let made = tuple::build(thread, args.len(), |i| args.get(i).map_or(Value::NONE, Ref::to_owned))?;
    Ok(made.into_value())
}

/// `BaseException.__reduce__`: the class, the arguments, and the attributes if there are any.
pub(crate) fn reduce(thread: &mut Thread, this: &Obj<PyBaseException>, state: Option<Value>) -> PyResult {
    let mut parts = vec![crate::class_of(this.get()).to_value(), this.args(thread).to_value()];
    parts.extend(state);
    Ok(tuple::new(thread, parts)?.into_value())
}

/// The exception's own attributes as a dict, if there are any.
pub(crate) fn own_state(thread: &mut Thread, this: Ref<'_>) -> PyResult<Option<orochi_core::Owned<PyDict>>> {
    let own = crate::attributes::snapshot(thread, this)?;
    if own.is_empty() {
        return Ok(None);
    }
    let state = dict::new(thread)?;
    for (name, value) in own {
        dict::set_item(thread, &state, name.get(), value)?;
    }
    Ok(Some(state))
}

/// Which payload instances of a class have that are nothing but their arguments.
#[derive(Clone, Copy)]
enum Plain {
    Base,
    Key,
}

/// Says so if `__new__` and `__init__` of the class only keep the positional arguments.
#[inline]
fn plain_payload(class: &Obj<PyType>) -> Option<Plain> {
    let slots = &class.slots;
    let base = &PyBaseException::static_type().get().slots;
    let key = &KeyError.get().slots;
    if slots.raw(SlotId::tp_init) != base.raw(SlotId::tp_init) {
        return None;
    }
    let new = slots.raw(SlotId::tp_new);
    if new == base.raw(SlotId::tp_new) {
        return Some(Plain::Base);
    }
    (new == key.raw(SlotId::tp_new)).then_some(Plain::Key)
}

fn make_plain(thread: &Thread, class: &Obj<PyType>, payload: Plain, args: Value) -> PyResult {
    let base = PyBaseException::with_args(args);
    Ok(match payload {
        Plain::Base => crate::alloc(thread, class, base)?.into_value(),
        Plain::Key => crate::alloc(thread, class, PyKeyError { base })?.into_value(),
    })
}

/// What calling the class with these arguments makes, if that runs no code of the class's own.
#[inline]
pub fn call_plain(thread: &Thread, class: &Obj<PyType>, args: &Args<'_>) -> Option<PyResult> {
    if args.keyword_count() != 0 {
        return None;
    }
    let payload = plain_payload(class)?;
    Some(args_tuple(thread, args).and_then(|args| make_plain(thread, class, payload, args)))
}

/// A new exception: `class(*args)`.
pub fn new(thread: &mut Thread, class: &Obj<PyType>, args: Vec<Value>) -> PyResult {
    let args = tuple::new(thread, args)?;
    of_args(thread, class, args.into_value())
}

/// A new exception: `class(*args)`, of a tuple.
pub(crate) fn of_args(thread: &mut Thread, class: &Obj<PyType>, args: Value) -> PyResult {
    if let Some(payload) = plain_payload(class) {
        return make_plain(thread, class, payload, args);
    }
    let values = args.get().downcast::<PyTuple>().map(|args| args.items().collect::<Vec<_>>());
    // Past the check of the native stack: the error that says how low it is must be made with what is left.
    construct(thread, class, Args::new(&values.unwrap_or_default()))
}

macro_rules! exceptions {
    ($($name:ident($base:ident) $([$payload:ident])? $doc:literal;)*) => { $(
        #[allow(clippy::empty_docs, reason = "a class may have no text")]
        #[doc = $doc]
        pub static $name: StaticType = {
            static SPEC: TypeSpec = TypeSpec {
                name: stringify!($name),
                module: "builtins",
                doc: $doc,
                base: Some(|| exceptions!(@base $base)),
                layout: exceptions!(@layout $name $base $($payload)?),
                flags: TypeFlags::SUBCLASSABLE.union(TypeFlags::IMMUTABLE),
                match_args: &[],
                quick: None,
                parts: exceptions!(@parts $($payload)?),
            };
            StaticType::new(&SPEC)
        };
    )*

        /// Every exception class but BaseException.
        pub static ALL: &[&StaticType] = &[$(&$name),*];
    };
    (@base PyBaseException) => { PyBaseException::static_type() };
    (@base $base:ident) => { &$base };
    (@layout $name:ident $base:ident $payload:ident) => { $payload::LAYOUT };
    (@layout $name:ident ImportError) => { PyImportError::LAYOUT };
    (@layout $name:ident NameError) => { PyNameError::LAYOUT };
    (@layout $name:ident OSError) => { PyOSError::LAYOUT };
    (@layout $name:ident ConnectionError) => { PyOSError::LAYOUT };
    (@layout $name:ident SyntaxError) => { PySyntaxError::LAYOUT };
    (@layout $name:ident IndentationError) => { PySyntaxError::LAYOUT };
    (@layout $name:ident BaseExceptionGroup) => { PyExceptionGroup::LAYOUT };
    (@layout $name:ident $base:ident) => { PyBaseException::LAYOUT };
    (@parts) => { &[] };
    (@parts $payload:ident) => { <$payload as PyMethods>::PARTS };
}

exceptions! {
    Exception(PyBaseException) "Common base class for all non-exit exceptions.";
    SystemExit(PyBaseException) [PySystemExit] "Request to exit from the interpreter.";
    KeyboardInterrupt(PyBaseException) "Program interrupted by user.";
    GeneratorExit(PyBaseException) "Request that a generator exit.";
    BaseExceptionGroup(PyBaseException) [PyExceptionGroup] "A combination of multiple unrelated exceptions.";
    ExceptionGroup(BaseExceptionGroup) "";
    StopIteration(Exception) [PyStopIteration] "Signal the end from iterator.__next__().";
    StopAsyncIteration(Exception) "Signal the end from iterator.__anext__().";
    ArithmeticError(Exception) "Base class for arithmetic errors.";
    FloatingPointError(ArithmeticError) "Floating-point operation failed.";
    OverflowError(ArithmeticError) "Result too large to be represented.";
    ZeroDivisionError(ArithmeticError) "Second argument to a division or modulo operation was zero.";
    AssertionError(Exception) "Assertion failed.";
    AttributeError(Exception) [PyAttributeError] "Attribute not found.";
    BufferError(Exception) "Buffer error.";
    EOFError(Exception) "Read beyond end of file.";
    ImportError(Exception) [PyImportError] "Import can't find module, or can't find name in module.";
    ModuleNotFoundError(ImportError) "Module not found.";
    LookupError(Exception) "Base class for lookup errors.";
    IndexError(LookupError) "Sequence index out of range.";
    KeyError(LookupError) [PyKeyError] "Mapping key not found.";
    MemoryError(Exception) "Out of memory.";
    NameError(Exception) [PyNameError] "Name not found globally.";
    UnboundLocalError(NameError) "Local name referenced but not bound to a value.";
    OSError(Exception) [PyOSError] "Base class for I/O related errors.";
    BlockingIOError(OSError) "I/O operation would block.";
    ChildProcessError(OSError) "Child process error.";
    ConnectionError(OSError) "Connection error.";
    BrokenPipeError(ConnectionError) "Broken pipe.";
    ConnectionAbortedError(ConnectionError) "Connection aborted.";
    ConnectionRefusedError(ConnectionError) "Connection refused.";
    ConnectionResetError(ConnectionError) "Connection reset.";
    FileExistsError(OSError) "File already exists.";
    FileNotFoundError(OSError) "File not found.";
    InterruptedError(OSError) "Interrupted by signal.";
    IsADirectoryError(OSError) "Operation doesn't work on directories.";
    NotADirectoryError(OSError) "Operation only works on directories.";
    PermissionError(OSError) "Not enough permissions.";
    ProcessLookupError(OSError) "Process not found.";
    TimeoutError(OSError) "Timeout expired.";
    ReferenceError(Exception) "Weak ref proxy used after referent went away.";
    RuntimeError(Exception) "Unspecified run-time error.";
    NotImplementedError(RuntimeError) "Method or function hasn't been implemented yet.";
    PythonFinalizationError(RuntimeError) "Operation blocked during Python finalization.";
    RecursionError(RuntimeError) "Recursion limit exceeded.";
    SyntaxError(Exception) [PySyntaxError] "Invalid syntax.";
    IndentationError(SyntaxError) "Improper indentation.";
    TabError(IndentationError) "Improper mixture of spaces and tabs.";
    _IncompleteInputError(SyntaxError) "incomplete input.";
    SystemError(Exception) "Internal error in the Python interpreter.";
    TypeError(Exception) "Inappropriate argument type.";
    ValueError(Exception) "Inappropriate argument value (of correct type).";
    UnicodeError(ValueError) "Unicode related error.";
    UnicodeDecodeError(UnicodeError) [PyUnicodeDecodeError] "Unicode decoding error.";
    UnicodeEncodeError(UnicodeError) [PyUnicodeEncodeError] "Unicode encoding error.";
    UnicodeTranslateError(UnicodeError) [PyUnicodeTranslateError] "Unicode translation error.";
    Warning(Exception) "Base class for warning categories.";
    BytesWarning(Warning) "Base class for warnings about bytes and buffer related problems.";
    DeprecationWarning(Warning) "Base class for warnings about deprecated features.";
    EncodingWarning(Warning) "Base class for warnings about encodings.";
    FutureWarning(Warning) "Base class for warnings about constructs that will change semantically in the future.";
    ImportWarning(Warning) "Base class for warnings about probable mistakes in module imports";
    PendingDeprecationWarning(Warning) "Base class for warnings about features which will be deprecated in the future.";
    ResourceWarning(Warning) "Base class for warnings about resource usage.";
    RuntimeWarning(Warning) "Base class for warnings about dubious runtime behavior.";
    SyntaxWarning(Warning) "Base class for warnings about dubious syntax.";
    UnicodeWarning(Warning) "Base class for warnings about Unicode related problems, mostly related to conversion problems.";
    UserWarning(Warning) "Base class for warnings generated by user code.";
}
