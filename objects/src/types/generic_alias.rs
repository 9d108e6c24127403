//! `types.GenericAlias`: `list[int]`.

use crate::args::Args;
use crate::class::PyClass;
use crate::error::{PyResult, type_error};
use crate::name;
use crate::protocol::compare::CompareOp;
use crate::protocol::{self, find_attr};
use crate::types::generic_alias_::{iterator, parameters, repr, substitute};
use crate::types::str::PyStr;
use crate::types::tuple::{self, PyTuple};
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::{AtomicField, Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// GenericAlias(origin, args, /)
/// --
///
/// Represent a PEP 585 generic type
///
/// E.g. for t = list[int], t.__origin__ is list and t.__args__ is (int,).
#[pyclass(name = "GenericAlias", module = "types", subclassable, weakref)]
#[derive(Trace)]
pub struct PyGenericAlias {
    origin: Field,
    args: Field,
    parameters: AtomicField,
    starred: bool,
}

/// `origin[item]`.
pub fn new(thread: &mut Thread, origin: Ref<'_>, item: Ref<'_>) -> PyResult {
    make(thread, PyGenericAlias::static_type().get(), origin, item, false)
}

fn make(thread: &mut Thread, class: &Obj<PyType>, origin: Ref<'_>, item: Ref<'_>, starred: bool) -> PyResult {
    let args = match item.downcast::<PyTuple>() {
        Some(args) => args.to_value(),
        None => tuple::new(thread, vec![item.to_owned()])?.into_value(),
    };
    let alias = PyGenericAlias {
        origin: Field::new_local(origin.to_owned()),
        args: Field::new_local(args),
        parameters: AtomicField::empty(),
        starred,
    };
    Ok(crate::alloc(thread, class, alias)?.into_value())
}

/// `*alias`.
pub(crate) fn starred(thread: &mut Thread, alias: &Obj<PyGenericAlias>) -> PyResult {
    make(thread, PyGenericAlias::static_type().get(), alias.origin(), alias.args(), true)
}

impl PyGenericAlias {
    /// `__origin__`.
    pub fn origin(&self) -> Ref<'_> {
        self.origin.fixed()
    }

    /// `__args__`.
    pub fn args(&self) -> Ref<'_> {
        self.args.fixed()
    }

    /// Whether it is `*tuple[...]`.
    pub fn is_starred(&self) -> bool {
        self.starred
    }
}

fn parameters_of(thread: &mut Thread, this: &Obj<PyGenericAlias>) -> PyResult {
    if let Some(found) = this.parameters.get(thread) {
        return Ok(found);
    }
    let made = parameters(thread, this.args())?;
    this.parameters.initialise(this, made.clone());
    Ok(made)
}

/// Attributes that the alias has itself; all others are the origin's.
const OWN: &[&str] = &[
    "__class__",
    "__origin__",
    "__args__",
    "__unpacked__",
    "__parameters__",
    "__typing_unpacked_tuple_args__",
    "__mro_entries__",
    "__reduce_ex__",
    "__reduce__",
];

/// Attributes that are neither.
const BLOCKED: &[&str] = &["__bases__", "__copy__", "__deepcopy__"];

#[pymethods]
impl PyGenericAlias {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        args.no_keywords("GenericAlias")?;
        let (Some(origin), Some(item), 2) = (args.get(0), args.get(1), args.len()) else {
            return Err(type_error(format!("GenericAlias expected 2 arguments, got {}", args.len())));
        };
        make(thread, cls, origin, item, false)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut text = String::new();
        if this.starred {
            text.push('*');
        }
        repr(thread, &mut text, this.origin())?;
        text.push('[');
        if let Some(args) = this.args().downcast::<PyTuple>() {
            for (i, arg) in args.items().enumerate() {
                text.push_str(if i == 0 { "" } else { ", " });
                repr(thread, &mut text, arg)?;
            }
            if args.is_empty() {
                text.push_str("()");
            }
        }
        text.push(']');
        crate::str::new(thread, &text)
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        let origin = protocol::hash(thread, this.origin())?;
        let args = protocol::hash(thread, this.args())?;
        Ok(crate::hash::fold((origin ^ args) as u64))
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(a), Some(b)) = (left.downcast::<Self>(), right.downcast::<Self>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        let equal = a.starred == b.starred
            && protocol::eq(thread, a.origin(), b.origin())?
            && protocol::eq(thread, a.args(), b.args())?;
        Ok(Value::bool(equal == (op == CompareOp::Eq)))
    }

    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        let made = protocol::call_args(thread, this.origin(), args)?;
        let name = name!("__orig_class__");
        match protocol::set_attr(thread, made.get(), name, Some(this.get())) {
            Err(error)
                if !error.matches(&crate::types::exception::AttributeError)
                    && !error.matches(&crate::types::exception::TypeError) =>
            {
                Err(error)
            }
            _ => Ok(made),
        }
    }

    #[slot]
    fn tp_getattro(thread: &mut Thread, this: Ref<'_>, name: Ref<'_>) -> PyResult {
        let alias = crate::slot_receiver::<Self>(this)?;
        let name = crate::str::expect_attribute_name(name)?;
        let text = name.to_str().unwrap_or("");
        if !OWN.contains(&text) && !BLOCKED.contains(&text) {
            return protocol::get_attr(thread, alias.origin(), name);
        }
        crate::types::object::generic_get_attr(thread, this, name)
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        iterator::new(thread, this)
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, item: Ref<'_>) -> PyResult {
        let params = parameters_of(thread, this)?;
        let args = substitute(thread, this.get(), this.args(), params.get(), item)?;
        make(thread, crate::class_of(this.get()), this.origin(), args.get(), this.starred)
    }

    #[slot]
    fn nb_or(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        crate::types::union::or(thread, left, right)
    }

    #[signature(bases, /)]
    fn __mro_entries__(thread: &mut Thread, this: &Obj<Self>, bases: Ref<'_>) -> PyResult {
        let _ = bases;
        Ok(tuple::new(thread, vec![this.origin().to_owned()])?.into_value())
    }

    #[signature(instance, /)]
    fn __instancecheck__(this: &Obj<Self>, instance: Ref<'_>) -> PyResult<bool> {
        let _ = (this, instance);
        Err(type_error("isinstance() argument 2 cannot be a parameterized generic"))
    }

    #[signature(class, /)]
    fn __subclasscheck__(this: &Obj<Self>, class: Ref<'_>) -> PyResult<bool> {
        let _ = (this, class);
        Err(type_error("issubclass() argument 2 cannot be a parameterized generic"))
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        if this.starred {
            let plain = new(thread, this.origin(), this.args())?;
            let next = crate::types::builtin(thread, "next")?;
            let iterator = protocol::iter(thread, plain.get())?;
            let args = tuple::new(thread, vec![iterator])?.into_value();
            return Ok(tuple::new(thread, vec![next, args])?.into_value());
        }
        let class = crate::class_of(this.get()).to_value();
        let args = tuple::new(thread, vec![this.origin().to_owned(), this.args().to_owned()])?.into_value();
        Ok(tuple::new(thread, vec![class, args])?.into_value())
    }

    fn __dir__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let names = protocol::dir(thread, this.origin())?;
        let mut names = protocol::collect(thread, names.get())?;
        for own in OWN {
            let own = crate::str::intern(thread, own)?;
            if !names
                .iter()
                .any(|name| name.get().downcast::<PyStr>().is_some_and(|n| n.as_bytes() == own.as_bytes()))
            {
                names.push(own.to_value());
            }
        }
        crate::types::list_object(thread, names)
    }

    #[member]
    fn __origin__(this: &Obj<Self>) -> Value {
        this.origin().to_owned()
    }

    #[member]
    fn __args__(this: &Obj<Self>) -> Value {
        this.args().to_owned()
    }

    #[getter]
    fn __parameters__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        parameters_of(thread, this)
    }

    #[member]
    fn __unpacked__(this: &Obj<Self>) -> bool {
        this.starred
    }

    #[getter]
    fn __typing_unpacked_tuple_args__(this: &Obj<Self>) -> Option<Value> {
        let is_tuple = this.origin().is(tuple::PyTuple::static_type().get().get());
        (this.starred && is_tuple).then(|| this.args().to_owned())
    }
}

/// The method of classes that say `generic`. Its receiver is the class that is asked.
#[pymethods(part = GENERIC)]
impl PyGenericAlias {
    /// See PEP 585
    #[classmethod]
    fn __class_getitem__(thread: &mut Thread, cls: &Obj<PyType>, object: Ref<'_>) -> PyResult {
        new(thread, cls.get(), object)
    }
}

/// `origin[item]` through the class's `__class_getitem__`; TypeError if it has none.
pub fn subscript_class(thread: &mut Thread, class: &Obj<PyType>, item: Ref<'_>) -> PyResult {
    if std::ptr::eq(class, crate::types::type_::type_class()) {
        return new(thread, class.get(), item);
    }
    if class.lookup(thread, name!("__class_getitem__")).is_some()
        && let Some(method) = find_attr(thread, class.get(), name!("__class_getitem__"))?
        && !method.get().is_none()
    {
        return protocol::call(thread, method.get(), &[item]);
    }
    Err(type_error(format!("type '{}' is not subscriptable", class.name())))
}
