//! `typing.Union` (also `types.UnionType`): `int | str`.

use crate::class::PyClass;
use crate::error::{PyResult, type_error};
use crate::name;
use crate::protocol;
use crate::protocol::compare::CompareOp;
use crate::types::generic_alias_::{is_alias, parameters, repr, substitute};
use crate::types::singletons::PyNone;
use crate::types::tuple::{self, PyTuple};
use crate::types::r#type::PyType;
use orochi_core::{AtomicField, Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Represent a union type
///
/// E.g. for int | str
#[pyclass(name = "Union", module = "typing", no_new, weakref)]
#[derive(Trace)]
pub struct PyUnion {
    args: Field,
    parameters: AtomicField,
}

impl PyUnion {
    /// `__args__`.
    pub fn args(&self) -> &Obj<PyTuple> {
        // SAFETY: only tuples are stored here.
        unsafe { self.args.fixed().cast() }
    }
}

/// Whether an object may stand on a side of `|` between types.
fn is_unionable(object: Ref<'_>) -> bool {
    object.is_none()
        || object.downcast::<PyType>().is_some()
        || is_alias(object)
        || object.downcast::<PyUnion>().is_some()
        || &*crate::class_of(object).name() == "TypeAliasType" && crate::class_of(object).native().is_some()
}

/// `left | right` of types; NotImplemented for other objects.
pub fn or(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
    if !is_unionable(left) || !is_unionable(right) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    from_items(thread, &[left, right])
}

fn add(thread: &mut Thread, all: &mut Vec<Value>, item: Ref<'_>) -> PyResult<()> {
    if let Some(union) = item.downcast::<PyUnion>() {
        for item in union.args().items() {
            add(thread, all, item)?;
        }
        return Ok(());
    }
    let item = if item.is_none() { PyNone::static_type().get().to_value() } else { item.to_owned() };
    for other in all.iter() {
        if protocol::eq(thread, other.get(), item.get())? {
            return Ok(());
        }
    }
    all.push(item);
    Ok(())
}

/// The union of these types; the type itself if there is only one.
pub fn from_items(thread: &mut Thread, items: &[Ref<'_>]) -> PyResult {
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        add(thread, &mut all, *item)?;
    }
    match all.len() {
        0 => Err(type_error("Cannot take a Union of no types.")),
        1 => Ok(all.pop().unwrap_or(Value::NONE)),
        _ => {
            let args = tuple::new(thread, all)?.into_value();
            let union = PyUnion { args: Field::new_local(args), parameters: AtomicField::empty() };
            Ok(crate::make(thread, union)?.into_value())
        }
    }
}

/// `typing.Union[item]`: every argument is checked as `typing` does.
fn from_subscript(thread: &mut Thread, item: Ref<'_>) -> PyResult {
    let items: Vec<Value> = match item.downcast::<PyTuple>() {
        Some(items) => items.items().map(Ref::to_owned).collect(),
        None => vec![item.to_owned()],
    };
    if items.is_empty() {
        return Err(type_error("Cannot take a Union of no types."));
    }
    let mut checked = Vec::with_capacity(items.len());
    for item in items {
        if is_unionable(item.get()) {
            checked.push(item);
            continue;
        }
        let typing = crate::types::build::import_module(thread, "typing")?;
        let check = protocol::get_attr_str(thread, typing.get(), "_type_check")?;
        let message = crate::str::new(thread, "Union[arg, ...]: each arg must be a type.")?;
        checked.push(protocol::call(thread, check.get(), &[item.get(), message.get()])?);
    }
    let refs: Vec<Ref<'_>> = checked.iter().map(Value::get).collect();
    from_items(thread, &refs)
}

/// Whether both unions have the same types, in any order.
fn same(thread: &mut Thread, a: &Obj<PyUnion>, b: &Obj<PyUnion>) -> PyResult<bool> {
    if a.args().len() != b.args().len() {
        return Ok(false);
    }
    for item in a.args().items() {
        let mut found = false;
        for other in b.args().items() {
            found = found || protocol::eq(thread, item, other)?;
        }
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}

fn parameters_of(thread: &mut Thread, this: &Obj<PyUnion>) -> PyResult {
    if let Some(found) = this.parameters.get(thread) {
        return Ok(found);
    }
    let made = parameters(thread, this.args().get())?;
    this.parameters.initialise(this, made.clone());
    Ok(made)
}

#[pymethods]
impl PyUnion {
    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut text = String::new();
        let none = PyNone::static_type().get();
        for (i, arg) in this.args().items().enumerate() {
            text.push_str(if i == 0 { "" } else { " | " });
            if arg.is(none.get()) {
                text.push_str("None");
            } else {
                repr(thread, &mut text, arg)?;
            }
        }
        crate::str::new(thread, &text)
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        // Independent of the order, as equality is.
        let mut hash = 0x5bd1_e995_u64;
        for arg in this.args().items() {
            let item = protocol::hash(thread, arg)? as u64;
            hash = hash.wrapping_add((item ^ (item >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9));
        }
        Ok(crate::hash::fold(hash))
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(a), Some(b)) = (left.downcast::<Self>(), right.downcast::<Self>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        match op {
            CompareOp::Eq => Ok(Value::bool(same(thread, a, b)?)),
            CompareOp::Ne => Ok(Value::bool(!same(thread, a, b)?)),
            _ => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn tp_getattro(thread: &mut Thread, this: Ref<'_>, name: Ref<'_>) -> PyResult {
        crate::types::object::generic_get_attr(thread, this, crate::str::expect_attribute_name(name)?)
    }

    #[slot]
    fn nb_or(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        or(thread, left, right)
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, item: Ref<'_>) -> PyResult {
        let params = parameters_of(thread, this)?;
        let args = substitute(thread, this.get(), this.args().get(), params.get(), item)?;
        let args = protocol::collect(thread, args.get())?;
        // Joined by `|`, so that arguments with their own operator have their say.
        let mut args = args.into_iter();
        let mut joined = args.next().unwrap_or(Value::NONE);
        for arg in args {
            joined = protocol::number::or(thread, joined.get(), arg.get())?;
        }
        Ok(joined)
    }

    #[classmethod]
    #[signature(item, /)]
    fn __class_getitem__(thread: &mut Thread, _cls: &Obj<PyType>, item: Ref<'_>) -> PyResult {
        from_subscript(thread, item)
    }

    #[signature(bases, /)]
    fn __mro_entries__(thread: &mut Thread, this: &Obj<Self>, bases: Ref<'_>) -> PyResult {
        let _ = bases;
        let shown = protocol::repr(thread, this.get())?;
        Err(type_error(format!("Cannot subclass {}", crate::str::display(shown.get()))))
    }

    fn __instancecheck__(thread: &mut Thread, this: &Obj<Self>, instance: Ref<'_>) -> PyResult<bool> {
        protocol::class_check::is_instance(thread, instance, this.args().get())
    }

    fn __subclasscheck__(thread: &mut Thread, this: &Obj<Self>, class: Ref<'_>) -> PyResult<bool> {
        protocol::class_check::is_subclass(thread, class, this.args().get())
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let operator = crate::types::build::import_module(thread, "operator")?;
        let getitem = protocol::get_attr_str(thread, operator.get(), "getitem")?;
        let class = crate::class_of(this.get()).to_value();
        let args = tuple::new(thread, vec![class, this.args().to_value()])?.into_value();
        Ok(tuple::new(thread, vec![getitem, args])?.into_value())
    }

    #[member]
    fn __args__(this: &Obj<Self>) -> Value {
        this.args().to_value()
    }

    #[getter]
    fn __parameters__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        parameters_of(thread, this)
    }

    #[getter]
    fn __origin__(this: &Obj<Self>) -> Value {
        crate::class_of(this.get()).to_value()
    }

    #[getter]
    fn __name__(_this: &Obj<Self>) -> Value {
        name!("Union").to_value()
    }

    #[getter]
    fn __qualname__(_this: &Obj<Self>) -> Value {
        name!("Union").to_value()
    }

    #[getter]
    fn __module__(_this: &Obj<Self>) -> Value {
        name!("typing").to_value()
    }
}
