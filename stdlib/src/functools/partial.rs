//! `partial`: a callable with some arguments already given, and `Placeholder` for those to come.

use orochi_core::{AtomicField, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::class::is_exact;
use orochi_objects::error::type_error;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::types::{method, repr_guard};
use orochi_objects::{Args, PyClass, PyResult, PyType, attributes, class_of, protocol, str};
use std::sync::OnceLock;

/// The type of the Placeholder singleton.
///
/// Used as a placeholder for partial arguments.
#[pyclass(name = "_PlaceholderType", module = "functools")]
#[derive(Trace)]
pub(crate) struct PlaceholderType {}

/// The placeholder object, of which there is one.
pub(crate) fn placeholder(thread: &mut Thread) -> PyResult {
    static PLACEHOLDER: OnceLock<&'static Obj<PlaceholderType>> = OnceLock::new();
    if let Some(single) = PLACEHOLDER.get() {
        return Ok(single.to_value());
    }
    let made = orochi_objects::make(thread, PlaceholderType {})?;
    Ok(PLACEHOLDER.get_or_init(|| made.immortalise()).to_value())
}

fn is_placeholder(object: Ref<'_>) -> bool {
    object.downcast::<PlaceholderType>().is_some()
}

#[pymethods]
impl PlaceholderType {
    #[slot]
    fn tp_new(thread: &mut Thread, _cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        if !args.is_empty() || args.keyword_count() != 0 {
            return Err(type_error("_PlaceholderType takes no arguments"));
        }
        placeholder(thread)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, _this: Ref<'_>) -> PyResult {
        str::new(thread, "Placeholder")
    }

    #[name = "__reduce__"]
    fn reduce(_this: &Obj<Self>) -> &'static str {
        "Placeholder"
    }
}

/// partial(func, /, *args, **keywords)
/// --
///
/// Create a new function with partial application of the given arguments and keywords.
#[pyclass(name = "partial", module = "functools", subclassable, dict, weakref, generic)]
#[derive(Trace)]
pub(crate) struct Partial {
    function: AtomicField,
    args: AtomicField,
    keywords: AtomicField,
}

impl Partial {
    fn function(&self, thread: &Thread) -> Value {
        self.function.get(thread).unwrap_or(Value::NONE)
    }

    fn args(&self, thread: &Thread) -> Owned<PyTuple> {
        let args = self.args.load(thread).and_then(Ref::downcast::<PyTuple>);
        args.unwrap_or(tuple::empty(thread)).to_owned()
    }

    fn keywords(&self, thread: &Thread) -> PyResult<Owned<PyDict>> {
        match self.keywords.load(thread).and_then(Ref::downcast::<PyDict>) {
            Some(keywords) => Ok(keywords.to_owned()),
            None => dict::new(thread),
        }
    }
}

/// `given`, in which the arguments of a call take the places of placeholders, and the others follow.
fn filled(given: &Obj<PyTuple>, call: &[Ref<'_>]) -> Vec<Value> {
    let mut call = call.iter();
    let mut values: Vec<Value> = given
        .items()
        .map(|item| {
            let item = if is_placeholder(item) { *call.next().unwrap_or(&item) } else { item };
            item.to_owned()
        })
        .collect();
    values.extend(call.map(|&value| value.to_owned()));
    values
}

/// The arguments of a call that passes few of them, none by keyword, to a partial without placeholders; None for others.
fn all_positional<'a>(given: &'a Obj<PyTuple>, args: &Args<'a>) -> Option<[Ref<'a>; 8]> {
    let mut all = [Ref::NONE; 8];
    if given.len() + args.len() > all.len() || args.keyword_count() != 0 {
        return None;
    }
    for (place, item) in all.iter_mut().zip(given.items().chain(args.iter())) {
        *place = item;
    }
    let given = all.get(..given.len())?;
    given.iter().all(|&item| !is_placeholder(item)).then_some(all)
}

fn placeholders(args: &Obj<PyTuple>) -> usize {
    args.items().filter(|&item| is_placeholder(item)).count()
}

#[pymethods]
impl Partial {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let Some(function) = args.get(0) else {
            return Err(type_error("type 'partial' takes at least one argument"));
        };
        if class_of(function).slots.tp_call().is_none() {
            return Err(type_error("the first argument must be callable"));
        }
        let given: Vec<Ref<'_>> = args.iter().skip(1).collect();
        if given.last().is_some_and(|&last| is_placeholder(last)) {
            return Err(type_error("trailing Placeholders are not allowed"));
        }
        if args.keywords().any(|(_, value)| is_placeholder(value)) {
            return Err(type_error("Placeholder cannot be passed as a keyword argument"));
        }
        // A partial of one that calls as partials do is one partial.
        let call = Partial::static_type().get().slots.tp_call().map(|call| call as usize);
        let inner = function
            .downcast::<Partial>()
            .filter(|_| class_of(function).slots.tp_call().map(|own| own as usize) == call);
        let inner = match inner {
            Some(inner) if attributes::snapshot(thread, function)?.is_empty() => Some(inner),
            _ => None,
        };
        let (function, values, keywords) = match inner {
            Some(inner) => {
                let values = filled(&inner.args(thread), &given);
                (inner.function(thread), values, dict::copy(thread, &*inner.keywords(thread)?)?)
            }
            None => (
                function.to_owned(),
                given.iter().map(|&value| value.to_owned()).collect(),
                dict::new(thread)?,
            ),
        };
        for (name, value) in args.keywords() {
            dict::set_item(thread, &keywords, name.get(), value.to_owned())?;
        }
        let values = tuple::new(thread, values)?.into_value();
        let made = Partial {
            function: AtomicField::new_local(function),
            args: AtomicField::new_local(values),
            keywords: AtomicField::new_local(keywords.into_value()),
        };
        Ok(orochi_objects::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        let (function, given, keywords) = (this.function(thread), this.args(thread), this.keywords(thread)?);
        if let Some(all) = all_positional(&given, &args)
            && dict::len(thread, &keywords) == 0
        {
            let all = all.get(..given.len() + args.len()).unwrap_or(&all);
            return protocol::call(thread, function.get(), all);
        }
        let expected = placeholders(&given);
        if args.len() < expected {
            let got = args.len();
            return Err(type_error(format!(
                "missing positional arguments in 'partial' call; expected at least {expected}, got {got}"
            )));
        }
        let positional = filled(&given, &args.to_vec());
        let mut values: Vec<Ref<'_>> = positional.iter().map(Value::get).collect();
        if dict::len(thread, &keywords) == 0 {
            values.extend(args.keywords().map(|(_, value)| value));
            return protocol::call_args(thread, function.get(), Args::with_names(&values, args.names()));
        }
        let merged = dict::copy(thread, &keywords)?;
        for (name, value) in args.keywords() {
            dict::set_item(thread, &merged, name.get(), value.to_owned())?;
        }
        let entries = dict::entries(thread, &merged)?;
        if entries.iter().any(|entry| entry.key.get().downcast::<PyStr>().is_none()) {
            return Err(type_error("keywords must be strings"));
        }
        values.extend(entries.iter().map(|entry| entry.value.get()));
        let names = tuple::new(thread, entries.iter().map(|entry| entry.key.clone()).collect())?;
        protocol::call_args(thread, function.get(), Args::with_names(&values, Some(&names)))
    }

    #[slot]
    fn tp_descr_get(
        thread: &mut Thread,
        this: Ref<'_>,
        instance: Option<Ref<'_>>,
        _owner: Option<Ref<'_>>,
    ) -> PyResult {
        match instance {
            Some(instance) if !instance.is_none() => {
                method::new(thread, this.to_owned(), instance.to_owned())
            }
            _ => Ok(this.to_owned()),
        }
    }

    /// function object to use in future partial calls
    #[getter]
    fn func(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.function(thread)
    }

    /// tuple of arguments to future partial calls
    #[getter]
    #[name = "args"]
    fn get_args(thread: &mut Thread, this: &Obj<Self>) -> Value {
        this.args(thread).into_value()
    }

    /// dictionary of keyword arguments to future partial calls
    #[getter]
    #[name = "keywords"]
    fn get_keywords(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Ok(this.keywords(thread)?.into_value())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let class = class_of(this.get());
        let name = if std::ptr::eq(class, Partial::static_type().get()) {
            "functools.partial".to_owned()
        } else {
            let module = protocol::get_attr_str(thread, class.get(), "__module__")?;
            let name = protocol::get_attr_str(thread, class.get(), "__qualname__")?;
            format!("{}.{}", str::display(module.get()), str::display(name.get()))
        };
        let shown = repr_guard::enter(thread, this.get(), |thread| {
            // All of it is owned first: a repr may change the state.
            let (function, args, keywords) =
                (this.function(thread), this.args(thread), this.keywords(thread)?);
            let mut parts = Vec::new();
            let shown = protocol::repr(thread, function.get())?;
            parts.push(str::display(shown.get()));
            for item in args.items() {
                let shown = protocol::repr(thread, item)?;
                parts.push(str::display(shown.get()));
            }
            for entry in dict::entries(thread, &keywords)? {
                let key = protocol::str(thread, entry.key.get())?;
                let value = protocol::repr(thread, entry.value.get())?;
                parts.push(format!("{}={}", str::display(key.get()), str::display(value.get())));
            }
            str::new(thread, &format!("{name}({})", parts.join(", ")))
        })?;
        shown.map_or_else(|| str::new(thread, "..."), Ok)
    }

    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let function = this.function(thread);
        let own = attributes::dict(thread, this.get())?.map_or(Value::NONE, Owned::into_value);
        let keywords = this.keywords(thread)?.into_value();
        let args = this.args(thread).into_value();
        let state = tuple::new(thread, vec![function.clone(), args, keywords, own])?.into_value();
        let args = tuple::new(thread, vec![function])?.into_value();
        Ok(tuple::new(thread, vec![class_of(this.get()).to_value(), args, state])?.into_value())
    }

    #[name = "__setstate__"]
    fn set_state(thread: &mut Thread, this: &Obj<Self>, state: Ref<'_>) -> PyResult<()> {
        let invalid = || type_error("invalid partial state");
        let state = state.downcast::<PyTuple>().filter(|state| state.len() == 4).ok_or_else(invalid)?;
        let at = |i| state.item(i).unwrap_or(Ref::NONE);
        let (function, args, keywords, own) = (at(0), at(1), at(2), at(3));
        let args = args.downcast::<PyTuple>().ok_or_else(invalid)?;
        if class_of(function).slots.tp_call().is_none()
            || !(keywords.is_none() || keywords.downcast::<PyDict>().is_some())
        {
            return Err(invalid());
        }
        if !args.is_empty() && args.item(args.len() - 1).is_some_and(is_placeholder) {
            return Err(type_error("trailing Placeholders are not allowed"));
        }
        let args = if is_exact(args.get(), PyTuple::static_type()) {
            args.to_value()
        } else {
            tuple::new(thread, args.items().map(Ref::to_owned).collect())?.into_value()
        };
        let keywords = match keywords.downcast::<PyDict>() {
            Some(keywords) if is_exact(keywords.get(), PyDict::static_type()) => keywords.to_owned(),
            Some(keywords) => dict::copy(thread, keywords)?,
            None => dict::new(thread)?,
        };
        this.function.swap(this, thread, Some(function.to_owned()));
        this.args.swap(this, thread, Some(args));
        this.keywords.swap(this, thread, Some(keywords.into_value()));
        attributes::set_dict(thread, this.get(), Some(own).filter(|own| !own.is_none()))
    }
}
