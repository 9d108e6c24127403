//! BaseExceptionGroup and ExceptionGroup.

use crate::args::Args;
use crate::error::{PyResult, type_error, value_error};
use crate::name;
use crate::protocol;
use crate::types::exception::{self, Exception, ExceptionGroup, PyBaseException};
use crate::types::str::PyStr;
use crate::types::tuple::{self, PyTuple};
use crate::types::r#type::{PyType, TypeExt};
use crate::types::{exception_chain, list};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

payload! {
    /// BaseExceptionGroup.
    PyExceptionGroup for BaseExceptionGroup {
        message,
        exceptions,
        shown,
    }
}

impl PyExceptionGroup {
    /// The exceptions in the group.
    pub fn exceptions(&self, thread: &Thread) -> Vec<Value> {
        let exceptions = self.exceptions.get(thread);
        let exceptions = exceptions.as_ref().and_then(|exceptions| exceptions.get().downcast::<PyTuple>());
        exceptions.map(|exceptions| exceptions.items().map(Ref::to_owned).collect()).unwrap_or_default()
    }
}

/// The class that a call makes an instance of: plain groups of plain exceptions are ExceptionGroups.
fn settle_class<'a>(class: &'a Obj<PyType>, items: &[Value]) -> PyResult<&'a Obj<PyType>> {
    let plain = |item: &Value| crate::class_of(item.get()).is_subtype_of(Exception.get());
    if std::ptr::eq(class, exception::BaseExceptionGroup.get()) {
        return Ok(if items.iter().all(plain) { ExceptionGroup.get() } else { class });
    }
    if items.iter().all(plain) {
        return Ok(class);
    }
    if std::ptr::eq(class, ExceptionGroup.get()) {
        return Err(type_error("Cannot nest BaseExceptions in an ExceptionGroup"));
    }
    if class.is_subtype_of(Exception.get()) {
        return Err(type_error(format!("Cannot nest BaseExceptions in '{}'", class.name())));
    }
    Ok(class)
}

/// The exceptions in a constructor's second argument.
fn items_of(thread: &mut Thread, exceptions: Ref<'_>) -> PyResult<Vec<Value>> {
    let class = crate::class_of(exceptions);
    if class.slots.sq_item().is_none() || class.has(crate::class::TypeFlags::DICT_SUBCLASS) {
        return Err(type_error("second argument (exceptions) must be a sequence"));
    }
    let items = protocol::collect(thread, exceptions)?;
    if items.is_empty() {
        return Err(value_error("second argument (exceptions) must be a non-empty sequence"));
    }
    if let Some(at) = items.iter().position(|item| item.get().downcast::<PyBaseException>().is_none()) {
        return Err(value_error(format!("Item {at} of second argument (exceptions) is not an exception")));
    }
    Ok(items)
}

#[pymethods(parts(crate::types::generic_alias::GENERIC))]
impl PyExceptionGroup {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let (Some(message), Some(exceptions), 2) = (args.get(0), args.get(1), args.len()) else {
            let given = args.len();
            return Err(type_error(format!(
                "BaseExceptionGroup.__new__() takes exactly 2 arguments ({given} given)"
            )));
        };
        if message.downcast::<PyStr>().is_none() {
            let given = if message.is_none() { "None".into() } else { crate::class_of(message).name() };
            return Err(type_error(format!(
                "BaseExceptionGroup.__new__() argument 1 must be str, not {given}"
            )));
        }
        let items = items_of(thread, exceptions)?;
        // Other sequences are shown as they are now, since they may change.
        let plain =
            exceptions.downcast::<list::PyList>().is_some() || exceptions.downcast::<PyTuple>().is_some();
        let shown = if plain { None } else { Some(protocol::repr(thread, exceptions)?) };
        let class = settle_class(cls, &items)?;
        let made = crate::alloc(thread, class, PyExceptionGroup::blank(thread, &args)?)?;
        let exceptions = tuple::new(thread, items)?.into_value();
        let this = &*made;
        set_fields!(this, thread, message = Some(message.to_owned()); exceptions = Some(exceptions); shown = shown;);
        Ok(made.into_value())
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let count = this.exceptions(thread).len();
        let plural = if count == 1 { "" } else { "s" };
        let message = this.message.get(thread).unwrap_or(Value::NONE);
        let mut text = orochi_text::wtf8::Wtf8Buf::new();
        text.push_wtf8(&crate::str::display_wtf8(message.get()));
        text.push_str(&format!(" ({count} sub-exception{plural})"));
        crate::str::from_wtf8(thread, &text)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let given = super::simple::base(this)?.args(thread).item(1).map(Ref::to_owned);
        let exceptions = match this.shown.get(thread) {
            Some(shown) => shown,
            None => {
                let items = this.exceptions(thread);
                let is_list = given.is_some_and(|given| given.get().downcast::<list::PyList>().is_some());
                let items = if is_list {
                    list::new(thread, items)?.into_value()
                } else {
                    tuple::new(thread, items)?.into_value()
                };
                protocol::repr(thread, items.get())?
            }
        };
        let message = protocol::repr(thread, this.message.get(thread).unwrap_or(Value::NONE).get())?;
        let mut text = orochi_text::wtf8::Wtf8Buf::new();
        text.push_str(&crate::class_of(this.get()).name());
        text.push_str("(");
        text.push_wtf8(&crate::str::display_wtf8(message.get()));
        text.push_str(", ");
        text.push_wtf8(&crate::str::display_wtf8(exceptions.get()));
        text.push_str(")");
        crate::str::from_wtf8(thread, &text)
    }

    #[getter]
    #[name = "message"]
    fn get_message(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.message.get(thread)
    }

    #[getter]
    #[name = "exceptions"]
    fn get_exceptions(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.exceptions.get(thread)
    }

    #[signature(excs, /)]
    fn derive(thread: &mut Thread, this: &Obj<Self>, excs: Ref<'_>) -> PyResult {
        let message = this.message.get(thread).unwrap_or(Value::NONE);
        protocol::call(thread, exception::BaseExceptionGroup.get().get(), &[message.get(), excs])
    }

    #[signature(matcher_value, /)]
    fn split(thread: &mut Thread, this: &Obj<Self>, matcher_value: Ref<'_>) -> PyResult {
        let matcher = Matcher::new(matcher_value)?;
        let (matched, rest) = split(thread, this.get(), &matcher, true)?;
        let pair = [matched, rest].map(|part| part.unwrap_or(Value::NONE));
        Ok(tuple::new(thread, pair.into())?.into_value())
    }

    #[signature(matcher_value, /)]
    fn subgroup(thread: &mut Thread, this: &Obj<Self>, matcher_value: Ref<'_>) -> PyResult {
        let matcher = Matcher::new(matcher_value)?;
        let (matched, _) = split(thread, this.get(), &matcher, false)?;
        Ok(matched.unwrap_or(Value::NONE))
    }
}

/// Decides which exceptions go into the first part.
pub(crate) enum Matcher<'a> {
    /// Instances of a class or of one in a tuple.
    Class(Ref<'a>),
    /// Those that a function says yes to.
    Function(Ref<'a>),
    /// These very objects.
    Identity(&'a [Value]),
}

impl<'a> Matcher<'a> {
    fn new(value: Ref<'a>) -> PyResult<Matcher<'a>> {
        let is_class = |value: Ref<'_>| {
            value
                .downcast::<PyType>()
                .is_some_and(|class| class.has(crate::class::TypeFlags::EXCEPTION_SUBCLASS))
        };
        if is_class(value) {
            return Ok(Matcher::Class(value));
        }
        if let Some(classes) = value.downcast::<PyTuple>()
            && classes.items().all(is_class)
        {
            return Ok(Matcher::Class(value));
        }
        if value.downcast::<PyType>().is_none() && crate::class_of(value).slots.tp_call().is_some() {
            return Ok(Matcher::Function(value));
        }
        Err(type_error(
            "expected an exception type, a tuple of exception types, or a callable (other than a class)",
        ))
    }

    fn matches(&self, thread: &mut Thread, exception: Ref<'_>) -> PyResult<bool> {
        match *self {
            Matcher::Class(class) => Ok(match class.downcast::<PyTuple>() {
                Some(classes) => classes
                    .items()
                    .filter_map(Ref::downcast::<PyType>)
                    .any(|class| crate::class_of(exception).is_subtype_of(class)),
                None => class
                    .downcast::<PyType>()
                    .is_some_and(|class| crate::class_of(exception).is_subtype_of(class)),
            }),
            Matcher::Function(function) => {
                let answer = protocol::call(thread, function, &[exception])?;
                protocol::is_true(thread, answer.get())
            }
            Matcher::Identity(these) => Ok(these.iter().any(|this| this.get().is(exception))),
        }
    }
}

/// What matches, and what doesn't (if `want_rest`).
type Parts = (Option<Value>, Option<Value>);

/// Splits an exception, which may be a group, and the groups in it.
pub(crate) fn split(
    thread: &mut Thread,
    exception: Ref<'_>,
    matcher: &Matcher<'_>,
    want_rest: bool,
) -> PyResult<Parts> {
    if thread.native_stack_low() {
        return Err(crate::error::recursion_error(
            "maximum recursion depth exceeded in exceptiongroup_split_recursive",
        ));
    }
    let group = exception.downcast::<PyExceptionGroup>();
    // Identity is asked of the leaves alone.
    let asks = group.is_none() || !matches!(matcher, Matcher::Identity(_));
    if asks && matcher.matches(thread, exception)? {
        return Ok((Some(exception.to_owned()), None));
    }
    let Some(group) = group else { return Ok((None, want_rest.then(|| exception.to_owned()))) };
    let (mut matched, mut rest) = (Vec::new(), Vec::new());
    for item in group.exceptions(thread) {
        let (yes, no) = split(thread, item.get(), matcher, want_rest)?;
        matched.extend(yes);
        rest.extend(no);
    }
    let matched = subset(thread, group, matched)?;
    let rest = if want_rest { subset(thread, group, rest)? } else { None };
    Ok((matched, rest))
}

/// A group of some of a group's exceptions, with its traceback, context, cause and notes.
pub(crate) fn subset(
    thread: &mut Thread,
    original: &Obj<PyExceptionGroup>,
    exceptions: Vec<Value>,
) -> PyResult<Option<Value>> {
    if exceptions.is_empty() {
        return Ok(None);
    }
    let exceptions = list::new(thread, exceptions)?.into_value();
    let derived = protocol::call_method(thread, original.get(), "derive", &[exceptions.get()])?;
    let Some(group) = derived.get().downcast::<PyExceptionGroup>() else {
        return Err(type_error("derive must return an instance of BaseExceptionGroup"));
    };
    let (from, to) = (super::simple::base(original)?, super::simple::base(group)?);
    let traceback = from.traceback.get(thread);
    exception_chain::set_traceback(to, thread, traceback);
    let context = from.context.get(thread);
    exception_chain::set_context(to, thread, context);
    let cause = from.cause.get(thread);
    exception_chain::set_cause(to, thread, cause);
    if let Some(notes) = protocol::find_attr(thread, original.get(), name!("__notes__"))?
        && notes.get().downcast::<list::PyList>().is_some()
    {
        let copy = protocol::collect(thread, notes.get())?;
        let copy = list::new(thread, copy)?.into_value();
        protocol::set_attr(thread, derived.get(), name!("__notes__"), Some(copy.get()))?;
    }
    Ok(Some(derived))
}

/// A group with this message.
pub fn new(thread: &mut Thread, message: &str, exceptions: Vec<Value>) -> PyResult {
    let message = crate::str::new(thread, message)?;
    let exceptions = list::new(thread, exceptions)?.into_value();
    protocol::call(thread, exception::BaseExceptionGroup.get().get(), &[message.get(), exceptions.get()])
}
