//! Exceptions on their way: `PyErr`, and a constructor for each built-in class that native code raises.
//!
//! A constructor needs no thread: the exception object is made when somebody looks (`into_value`).

use crate::class::StaticType;
use crate::types::exception::{self, PyBaseException};
use crate::types::tuple;
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::{Obj, Owned, Ref, Thread, Value};
use std::borrow::Cow;

/// The result of whatever can raise.
pub type PyResult<T = Value> = Result<T, PyErr>;

/// A raised exception.
#[derive(Debug)]
pub struct PyErr(Box<Raised>);

#[derive(Debug)]
enum Raised {
    /// The exception object.
    Instance(Value),
    /// A class and what it will be called with.
    Lazy { class: &'static StaticType, args: LazyArgs },
}

#[derive(Debug)]
enum LazyArgs {
    None,
    Message(Cow<'static, str>),
    One(Value),
    Values(Vec<Value>),
    /// Message and attributes to set on the instance.
    Attributes(Cow<'static, str>, Vec<(&'static str, Value)>),
}

impl PyErr {
    /// The exception `class(*args)` of a built-in class.
    pub fn new(class: &'static StaticType, args: Vec<Value>) -> PyErr {
        PyErr(Box::new(Raised::Lazy { class, args: LazyArgs::Values(args) }))
    }

    /// The exception `class(value)` of a built-in class.
    pub fn with_one(class: &'static StaticType, value: Value) -> PyErr {
        PyErr(Box::new(Raised::Lazy { class, args: LazyArgs::One(value) }))
    }

    /// The exception `class(message)` of a built-in class.
    pub fn with_message(class: &'static StaticType, message: impl Into<Cow<'static, str>>) -> PyErr {
        PyErr(Box::new(Raised::Lazy { class, args: LazyArgs::Message(message.into()) }))
    }

    /// The exception `class()` of a built-in class.
    pub fn bare(class: &'static StaticType) -> PyErr {
        PyErr(Box::new(Raised::Lazy { class, args: LazyArgs::None }))
    }

    /// The exception `class(message)` with attributes set (`name`, `obj`, …).
    pub fn with_attributes(
        class: &'static StaticType,
        message: impl Into<Cow<'static, str>>,
        attributes: Vec<(&'static str, Value)>,
    ) -> PyErr {
        PyErr(Box::new(Raised::Lazy { class, args: LazyArgs::Attributes(message.into(), attributes) }))
    }

    /// An exception object that is raised (again).
    #[inline]
    pub fn from_instance(instance: Value) -> PyErr {
        PyErr(Box::new(Raised::Instance(instance)))
    }

    /// Whether an `except class` clause would take it.
    pub fn matches(&self, class: &'static StaticType) -> bool {
        self.class().is_subtype_of(class.get())
    }

    /// Whether this is an exception object already, not one that will be made when somebody looks.
    #[inline]
    pub fn is_instance(&self) -> bool {
        matches!(*self.0, Raised::Instance(_))
    }

    /// The exception's class.
    pub fn class(&self) -> &Obj<PyType> {
        match &*self.0 {
            Raised::Instance(instance) => crate::class_of(instance.get()),
            Raised::Lazy { class, .. } => class.get(),
        }
    }

    /// The exception object; made now if need be. Errors while making it take its place.
    #[inline]
    pub fn into_value(self, thread: &mut Thread) -> Value {
        match *self.0 {
            Raised::Instance(instance) => instance,
            Raised::Lazy { class, args } => match instantiate(thread, class, args) {
                Ok(instance) => instance,
                Err(error) => error.into_value(thread),
            },
        }
    }

    /// The exception object, which the error keeps.
    pub fn value(&mut self, thread: &mut Thread) -> Value {
        if let Raised::Lazy { .. } = *self.0 {
            let taken = std::mem::replace(&mut *self.0, Raised::Instance(Value::NONE));
            let instance = PyErr(Box::new(taken)).into_value(thread);
            *self.0 = Raised::Instance(instance);
        }
        match &*self.0 {
            Raised::Instance(instance) => instance.clone(),
            Raised::Lazy { .. } => Value::NONE,
        }
    }

    /// The same error with a note (`add_note`); what adding it raised, if that fails.
    #[cold]
    pub fn with_note(self, thread: &mut Thread, note: PyResult) -> PyErr {
        let raised = self.into_value(thread);
        let added = note
            .and_then(|note| crate::protocol::call_method(thread, raised.get(), "add_note", &[note.get()]));
        match added {
            Ok(_) => PyErr::from_instance(raised),
            Err(error) => error,
        }
    }

    /// The exception object as its native payload.
    pub fn exception(&mut self, thread: &mut Thread) -> Option<Owned<PyBaseException>> {
        self.value(thread).downcast().ok()
    }
}

fn instantiate(thread: &mut Thread, class: &'static StaticType, args: LazyArgs) -> PyResult {
    let (args, attributes) = match args {
        LazyArgs::None => (tuple::empty(thread).to_value(), Vec::new()),
        LazyArgs::Message(message) => (tuple::of(thread, [crate::str::new(thread, &message)?])?, Vec::new()),
        LazyArgs::One(value) => (tuple::of(thread, [value])?, Vec::new()),
        LazyArgs::Values(values) => (tuple::new(thread, values)?.into_value(), Vec::new()),
        LazyArgs::Attributes(message, attributes) => {
            (tuple::of(thread, [crate::str::new(thread, &message)?])?, attributes)
        }
    };
    let instance = exception::of_args(thread, class.get(), args)?;
    for (name, value) in attributes {
        crate::protocol::set_attr_str(thread, instance.get(), name, value.get())?;
    }
    Ok(instance)
}

/// Text for a message.
pub trait Message: Into<Cow<'static, str>> {}
impl<T: Into<Cow<'static, str>>> Message for T {}

macro_rules! constructors {
    ($($function:ident => $class:ident),* $(,)?) => { $(
        #[doc = concat!("A `", stringify!($class), "` with this message.")]
        #[cold]
        pub fn $function(message: impl Message) -> PyErr {
            PyErr::with_message(&exception::$class, message)
        }
    )* };
}
constructors! {
    type_error => TypeError,
    value_error => ValueError,
    index_error => IndexError,
    attribute_error_message => AttributeError,
    overflow_error => OverflowError,
    runtime_error => RuntimeError,
    recursion_error => RecursionError,
    not_implemented_error => NotImplementedError,
    zero_division_error => ZeroDivisionError,
    name_error_message => NameError,
    unbound_local_error => UnboundLocalError,
    import_error => ImportError,
    module_not_found_error => ModuleNotFoundError,
    system_error => SystemError,
    lookup_error => LookupError,
    buffer_error => BufferError,
    eof_error => EOFError,
    assertion_error => AssertionError,
    unicode_error => UnicodeError,
    os_error_message => OSError,
    syntax_error_message => SyntaxError,
    reference_error => ReferenceError,
    key_error_message => KeyError,
    timeout_error => TimeoutError,
    finalization_error => PythonFinalizationError,
}

/// MemoryError.
#[cold]
pub fn memory_error() -> PyErr {
    PyErr::bare(&exception::MemoryError)
}

/// `KeyError(key)`.
#[cold]
pub fn key_error(key: Value) -> PyErr {
    PyErr::with_one(&exception::KeyError, key)
}

/// `StopIteration(value)`, or without a value for `None`.
#[cold]
pub fn stop_iteration(value: Value) -> PyErr {
    if value.get().is_none() {
        return PyErr::bare(&exception::StopIteration);
    }
    PyErr::with_one(&exception::StopIteration, value)
}

/// KeyboardInterrupt.
#[cold]
pub fn keyboard_interrupt() -> PyErr {
    PyErr::bare(&exception::KeyboardInterrupt)
}

/// AttributeError for a missing attribute, with `name` and `obj` set so that suggestions can be made.
#[cold]
pub fn attribute_error(object: Ref<'_>, name: Ref<'_>) -> PyErr {
    let text = match object.downcast::<PyType>() {
        Some(class) => {
            format!("type object '{}' has no attribute '{}'", class.full_name(), crate::str::display(name))
        }
        None => {
            format!(
                "'{}' object has no attribute '{}'",
                crate::class_of(object).full_name(),
                crate::str::display(name)
            )
        }
    };
    attribute_error_text(object, name, text)
}

/// The same with a text of its own.
#[cold]
pub fn attribute_error_text(object: Ref<'_>, name: Ref<'_>, text: String) -> PyErr {
    PyErr::with_attributes(
        &exception::AttributeError,
        text,
        vec![("name", name.to_owned()), ("obj", object.to_owned())],
    )
}

/// The `OSError` subclass for an errno, with its message and optionally a file name.
#[cold]
pub fn os_error(thread: &mut Thread, errno: i32, filename: Option<Value>) -> PyErr {
    let message = std::io::Error::from_raw_os_error(errno).to_string();
    // Rust appends " (os error N)".
    let message = message.split(" (os error").next().unwrap_or("").to_owned();
    let text = match crate::str::new(thread, &message) {
        Ok(text) => text,
        Err(error) => return error,
    };
    let mut args = vec![Value::small_int(errno.into()).unwrap_or(Value::NONE), text];
    args.extend(filename);
    PyErr::new(crate::types::exception_::os::class_of_errno(errno), args)
}

/// The `OSError` for a failed operation of Rust's standard library.
#[cold]
pub fn io_error(thread: &mut Thread, error: &std::io::Error, filename: Option<Value>) -> PyErr {
    match error.raw_os_error() {
        Some(errno) => os_error(thread, errno, filename),
        None => os_error_message(error.to_string()),
    }
}
