//! `itemgetter`, `attrgetter`, `methodcaller`.

use orochi_core::{Field, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::type_error;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::{Args, PyResult, PyType, class_of, protocol, str};

/// `__text_signature__` of the instances.
const CALL_SIGNATURE: &str = "(obj, /)";

/// The one argument of a call.
fn one_argument<'a>(args: &Args<'a>, function: &str) -> PyResult<Ref<'a>> {
    args.no_keywords(function)?;
    match args.exact::<1>() {
        Some([object]) => Ok(object),
        None => Err(type_error(format!("{function} expected 1 argument, got {}", args.len()))),
    }
}

fn tuple_value(thread: &Thread, values: Vec<Value>) -> PyResult {
    Ok(tuple::new(thread, values)?.into_value())
}

/// `operator.name(repr, repr, …)`.
fn shown(thread: &mut Thread, object: Ref<'_>, values: &[Ref<'_>]) -> PyResult<String> {
    let mut parts = Vec::new();
    for &value in values {
        let part = protocol::repr(thread, value)?;
        parts.push(str::display(part.get()));
    }
    Ok(format!("operator.{}({}", class_of(object).name(), parts.join(", ")))
}

/// itemgetter(item, /, *items)
/// --
///
/// Return a callable object that fetches the given item(s) from its operand.
///
/// After f = itemgetter(2), the call f(r) returns r[2].
/// After g = itemgetter(2, 5, 3), the call g(r) returns (r[2], r[5], r[3])
#[pyclass(name = "itemgetter", module = "operator")]
#[derive(Trace)]
pub(crate) struct ItemGetter {
    items: Box<[Field]>,
}

#[pymethods]
impl ItemGetter {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        args.no_keywords("itemgetter")?;
        if args.is_empty() {
            return Err(type_error("itemgetter expected 1 argument, got 0"));
        }
        let items = args.iter().map(|item| Field::new_local(item.to_owned())).collect();
        Ok(orochi_objects::alloc(thread, cls, ItemGetter { items })?.into_value())
    }

    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        let object = one_argument(&args, "itemgetter")?;
        if let [item] = &*this.items {
            return protocol::get_item(thread, object, item.fixed());
        }
        let mut values = Vec::with_capacity(this.items.len());
        for item in &this.items {
            values.push(protocol::get_item(thread, object, item.fixed())?);
        }
        tuple_value(thread, values)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let items: Vec<Ref<'_>> = this.items.iter().map(Field::fixed).collect();
        let text = shown(thread, this.get(), &items)?;
        str::new(thread, &format!("{text})"))
    }

    /// How an instance is called.
    #[getter]
    fn __text_signature__(_this: &Obj<Self>) -> &'static str {
        CALL_SIGNATURE
    }

    /// Return state information for pickling
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let items = tuple_value(thread, this.items.iter().map(|item| item.fixed().to_owned()).collect())?;
        tuple_value(thread, vec![class_of(this.get()).to_value(), items])
    }
}

/// attrgetter(attr, /, *attrs)
/// --
///
/// Return a callable object that fetches the given attribute(s) from its operand.
///
/// After f = attrgetter('name'), the call f(r) returns r.name.
/// After g = attrgetter('name', 'date'), the call g(r) returns (r.name, r.date).
/// After h = attrgetter('name.first', 'name.last'), the call h(r) returns
/// (r.name.first, r.name.last).
#[pyclass(name = "attrgetter", module = "operator")]
#[derive(Trace)]
pub(crate) struct AttrGetter {
    names: Box<[Field]>,
    /// Each name's dotted parts, interned.
    paths: Box<[Box<[Field]>]>,
}

impl AttrGetter {
    fn follow(thread: &mut Thread, object: Ref<'_>, path: &[Field]) -> PyResult {
        let mut value = object.to_owned();
        for name in path {
            let name = str::expect(name.fixed(), "attribute name")?;
            value = protocol::get_attr(thread, value.get(), name)?;
        }
        Ok(value)
    }
}

#[pymethods]
impl AttrGetter {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        args.no_keywords("attrgetter")?;
        if args.is_empty() {
            return Err(type_error("attrgetter expected 1 argument, got 0"));
        }
        let (mut names, mut paths) = (Vec::new(), Vec::new());
        for name in args.iter() {
            let Some(text) = name.downcast::<PyStr>() else {
                return Err(type_error("attribute name must be a string"));
            };
            let mut path = Vec::new();
            for part in text.as_wtf8().to_string_lossy().split('.') {
                path.push(Field::new_local(str::intern(thread, part)?.to_value()));
            }
            names.push(Field::new_local(name.to_owned()));
            paths.push(path.into_boxed_slice());
        }
        let made = AttrGetter { names: names.into(), paths: paths.into() };
        Ok(orochi_objects::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        let object = one_argument(&args, "attrgetter")?;
        if let [path] = &*this.paths {
            return AttrGetter::follow(thread, object, path);
        }
        let mut values = Vec::with_capacity(this.paths.len());
        for path in &this.paths {
            values.push(AttrGetter::follow(thread, object, path)?);
        }
        tuple_value(thread, values)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let names: Vec<Ref<'_>> = this.names.iter().map(Field::fixed).collect();
        let text = shown(thread, this.get(), &names)?;
        str::new(thread, &format!("{text})"))
    }

    /// How an instance is called.
    #[getter]
    fn __text_signature__(_this: &Obj<Self>) -> &'static str {
        CALL_SIGNATURE
    }

    /// Return state information for pickling
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let names = tuple_value(thread, this.names.iter().map(|name| name.fixed().to_owned()).collect())?;
        tuple_value(thread, vec![class_of(this.get()).to_value(), names])
    }
}

/// methodcaller(name, /, *args, **kwargs)
/// --
///
/// Return a callable object that calls the given method on its operand.
///
/// After f = methodcaller('name'), the call f(r) returns r.name().
/// After g = methodcaller('name', 'date', foo=1), the call g(r) returns
/// r.name('date', foo=1).
#[pyclass(name = "methodcaller", module = "operator")]
#[derive(Trace)]
pub(crate) struct MethodCaller {
    name: Field,
    /// Positional arguments, then the values of the keyword arguments.
    values: Box<[Field]>,
    /// The names of the keyword arguments.
    keywords: Field,
}

impl MethodCaller {
    fn keywords(&self, thread: &Thread) -> Owned<PyTuple> {
        let empty = tuple::empty(thread);
        self.keywords.fixed().downcast::<PyTuple>().unwrap_or(empty).to_owned()
    }
}

#[pymethods]
impl MethodCaller {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let Some(name) = args.get(0) else {
            return Err(type_error("methodcaller needs at least one argument, the method name"));
        };
        let Some(name) = name.downcast::<PyStr>() else {
            return Err(type_error("method name must be a string"));
        };
        let name = orochi_objects::interned::intern(name.as_wtf8())?.to_value();
        let keywords = args.keywords().map(|(name, _)| name.to_value()).collect();
        let keywords = tuple_value(thread, keywords)?;
        let values = args.rest().all_values().into_iter().map(Field::new_local).collect();
        let made =
            MethodCaller { name: Field::new_local(name), values, keywords: Field::new_local(keywords) };
        Ok(orochi_objects::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        let object = one_argument(&args, "methodcaller")?;
        let name = str::expect(this.name.fixed(), "method name")?;
        let method = protocol::get_attr(thread, object, name)?;
        let values: Vec<Ref<'_>> = this.values.iter().map(Field::fixed).collect();
        let keywords = this.keywords(thread);
        protocol::call_args(thread, method.get(), Args::with_names(&values, Some(&keywords)))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let keywords = this.keywords(thread);
        let positional = this.values.len().saturating_sub(keywords.len());
        let mut values = vec![this.name.fixed()];
        values.extend(this.values.iter().take(positional).map(Field::fixed));
        let mut text = shown(thread, this.get(), &values)?;
        for (name, value) in keywords.items().zip(this.values.iter().skip(positional)) {
            let value = protocol::repr(thread, value.fixed())?;
            text += &format!(", {}={}", str::display(name), str::display(value.get()));
        }
        str::new(thread, &format!("{text})"))
    }

    /// How an instance is called.
    #[getter]
    fn __text_signature__(_this: &Obj<Self>) -> &'static str {
        CALL_SIGNATURE
    }

    /// Return state information for pickling
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let keywords = this.keywords(thread);
        let positional = this.values.len().saturating_sub(keywords.len());
        let class = class_of(this.get()).to_value();
        let plain: Vec<Value> =
            this.values.iter().take(positional).map(|value| value.fixed().to_owned()).collect();
        if keywords.is_empty() {
            let mut args = vec![this.name.fixed().to_owned()];
            args.extend(plain);
            let args = tuple_value(thread, args)?;
            return tuple_value(thread, vec![class, args]);
        }
        // partial(methodcaller, name, **keywords) called with the positional arguments.
        let mut values = vec![class.get(), this.name.fixed()];
        values.extend(this.values.iter().skip(positional).map(Field::fixed));
        let partial = crate::functools::partial_class().get();
        let made = protocol::call_args(thread, partial, Args::with_names(&values, Some(&keywords)))?;
        let args = tuple_value(thread, plain)?;
        tuple_value(thread, vec![made, args])
    }
}
