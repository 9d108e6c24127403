//! Exceptions: the hierarchy of classes and what an exception object holds.

#![allow(non_upper_case_globals, reason = "class objects keep their Python names")]

use crate::args::Args;
use crate::class::{PyClass, PyMethods, StaticType, TypeFlags, TypeSpec};
use crate::error::PyResult;
use crate::protocol;
use crate::types::tuple::{self, PyTuple};
use crate::types::r#type::PyType;
use orochi_core::sync::{AtomicBool, Ordering};
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
    pub fn with_args(args: Value) -> PyBaseException {
        PyBaseException {
            args: AtomicField::new_local(args),
            traceback: AtomicField::empty(),
            context: AtomicField::empty(),
            cause: AtomicField::empty(),
            suppress_context: AtomicBool::new(false),
        }
    }

    /// `args`, which is a tuple.
    pub fn args<'a>(&'a self, thread: &'a Thread) -> &'a Obj<PyTuple> {
        self.args.load(thread).and_then(Ref::downcast).unwrap_or(tuple::empty(thread))
    }
}

#[pymethods(parts(crate::types::exception_links::LINKS))]
impl PyBaseException {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let values = tuple::new(thread, args.iter().map(Ref::to_owned).collect())?;
        Ok(crate::alloc(thread, cls, PyBaseException::with_args(values.into_value()))?.into_value())
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let args = this.args(thread).to_owned();
        match args.len() {
            0 => crate::str::new(thread, ""),
            1 => protocol::str(thread, args.item(0).unwrap_or(Ref::NONE)),
            _ => protocol::str(thread, this.args(thread).to_value().get()),
        }
    }

    #[getter]
    #[name = "args"]
    fn get_args(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.args(thread).to_value()
    }

    #[getter]
    fn __suppress_context__(this: &Obj<Self>) -> bool {
        this.suppress_context.load(Ordering::Relaxed)
    }
}

/// A new exception of a class whose instances have this payload or an extension of it: `class(*args)`.
pub fn new(thread: &mut Thread, class: &Obj<PyType>, args: Vec<Value>) -> PyResult {
    let args: Vec<Ref<'_>> = args.iter().map(Value::get).collect();
    protocol::call_args(thread, class.get(), Args::new(&args))
}

macro_rules! exceptions {
    ($($name:ident($base:ident) $doc:literal;)*) => { $(
        #[doc = $doc]
        pub static $name: StaticType = {
            static SPEC: TypeSpec = TypeSpec {
                name: stringify!($name),
                module: "builtins",
                doc: $doc,
                base: Some(|| exceptions!(@base $base)),
                layout: PyBaseException::LAYOUT,
                flags: TypeFlags::SUBCLASSABLE.union(TypeFlags::IMMUTABLE),
                parts: <PyBaseException as PyMethods>::PARTS,
            };
            StaticType::new(&SPEC)
        };
    )*

        /// Every exception class but BaseException.
        pub static ALL: &[&StaticType] = &[$(&$name),*];
    };
    (@base PyBaseException) => { PyBaseException::static_type() };
    (@base $base:ident) => { &$base };
}

exceptions! {
    Exception(PyBaseException) "Common base class for all non-exit exceptions.";
    SystemExit(PyBaseException) "Request to exit from the interpreter.";
    KeyboardInterrupt(PyBaseException) "Program interrupted by user.";
    GeneratorExit(PyBaseException) "Request that a generator exit.";
    BaseExceptionGroup(PyBaseException) "A combination of multiple unrelated exceptions.";
    StopIteration(Exception) "Signal the end from iterator.__next__().";
    StopAsyncIteration(Exception) "Signal the end from iterator.__anext__().";
    ArithmeticError(Exception) "Base class for arithmetic errors.";
    FloatingPointError(ArithmeticError) "Floating-point operation failed.";
    OverflowError(ArithmeticError) "Result too large to be represented.";
    ZeroDivisionError(ArithmeticError) "Second argument to a division or modulo operation was zero.";
    AssertionError(Exception) "Assertion failed.";
    AttributeError(Exception) "Attribute not found.";
    BufferError(Exception) "Buffer error.";
    EOFError(Exception) "Read beyond end of file.";
    ImportError(Exception) "Import can't find module, or can't find name in module.";
    ModuleNotFoundError(ImportError) "Module not found.";
    LookupError(Exception) "Base class for lookup errors.";
    IndexError(LookupError) "Sequence index out of range.";
    KeyError(LookupError) "Mapping key not found.";
    MemoryError(Exception) "Out of memory.";
    NameError(Exception) "Name not found globally.";
    UnboundLocalError(NameError) "Local name referenced but not bound to a value.";
    OSError(Exception) "Base class for I/O related errors.";
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
    SyntaxError(Exception) "Invalid syntax.";
    IndentationError(SyntaxError) "Improper indentation.";
    TabError(IndentationError) "Improper mixture of spaces and tabs.";
    _IncompleteInputError(SyntaxError) "incomplete input.";
    SystemError(Exception) "Internal error in the Python interpreter.";
    TypeError(Exception) "Inappropriate argument type.";
    ValueError(Exception) "Inappropriate argument value (of correct type).";
    UnicodeError(ValueError) "Unicode related error.";
    UnicodeDecodeError(UnicodeError) "Unicode decoding error.";
    UnicodeEncodeError(UnicodeError) "Unicode encoding error.";
    UnicodeTranslateError(UnicodeError) "Unicode translation error.";
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
