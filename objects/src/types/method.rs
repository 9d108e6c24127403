//! `method`: a function bound to the object it was looked up on.

use crate::args::Args;
use crate::error::{PyResult, type_error};
use crate::hash;
use crate::protocol::{self, compare::CompareOp};
use crate::types::r#type::PyType;
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Create a bound instance method object.
#[pyclass(name = "method", weakref)]
#[derive(Trace)]
pub struct PyMethod {
    function: Field,
    receiver: Field,
}

/// A bound method.
pub fn new(thread: &Thread, function: Value, receiver: Value) -> PyResult {
    let method = PyMethod { function: Field::new_local(function), receiver: Field::new_local(receiver) };
    Ok(crate::make(thread, method)?.into_value())
}

impl PyMethod {
    /// The function.
    #[inline(always)]
    pub fn function(&self) -> Ref<'_> {
        self.function.fixed()
    }

    /// The object it is bound to.
    #[inline(always)]
    pub fn receiver(&self) -> Ref<'_> {
        self.receiver.fixed()
    }
}

#[pymethods]
impl PyMethod {
    #[new]
    #[signature(function, instance, /)]
    fn new(thread: &mut Thread, _cls: &Obj<PyType>, function: Ref<'_>, instance: Ref<'_>) -> PyResult {
        if crate::class_of(function).slots.tp_call().is_none() {
            return Err(type_error("first argument must be callable"));
        }
        if instance.is_none() {
            return Err(type_error("instance must not be None"));
        }
        new(thread, function.to_owned(), instance.to_owned())
    }

    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        args.with_first(this.receiver(), |args| protocol::call_args(thread, this.function(), args))
    }

    #[slot]
    fn tp_getattro(thread: &mut Thread, this: Ref<'_>, name: Ref<'_>) -> PyResult {
        let name = crate::str::expect(name, "attribute name")?;
        if let Some(found) = crate::types::object::find_attr(thread, this, name)? {
            return Ok(found);
        }
        let method = crate::slot_receiver::<Self>(this)?;
        protocol::get_attr(thread, method.function(), name)
    }

    #[slot]
    fn tp_richcompare(_thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(a), Some(b)) = (left.downcast::<Self>(), right.downcast::<Self>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let equal = a.function().is(b.function()) && a.receiver().is(b.receiver());
        match op {
            CompareOp::Eq => Ok(Value::bool(equal)),
            CompareOp::Ne => Ok(Value::bool(!equal)),
            _ => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        let function = protocol::hash(thread, this.function())?;
        let combined = hash::of_address(this.receiver()) ^ function;
        Ok(if combined == -1 { -2 } else { combined })
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let name = match protocol::find_attr(thread, this.function(), crate::name!("__qualname__"))? {
            Some(name) => Some(name),
            None => protocol::find_attr(thread, this.function(), crate::name!("__name__"))?,
        };
        let name = name.map_or_else(|| "?".to_owned(), |name| crate::str::display(name.get()));
        let receiver = protocol::repr(thread, this.receiver())?;
        crate::str::new(thread, &format!("<bound method {name} of {}>", crate::str::display(receiver.get())))
    }

    #[slot]
    fn tp_descr_get(
        _thread: &mut Thread,
        this: &Obj<Self>,
        _instance: Option<Ref<'_>>,
        _owner: Option<Ref<'_>>,
    ) -> PyResult {
        Ok(this.to_value())
    }

    #[member]
    fn __func__(this: &Obj<Self>) -> Value {
        this.function().to_owned()
    }

    #[member]
    fn __self__(this: &Obj<Self>) -> Value {
        this.receiver().to_owned()
    }

    #[getter]
    fn __doc__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        protocol::get_attr(thread, this.function(), crate::name!("__doc__"))
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let getattr = crate::thread::ThreadState::builtins(thread)?;
        let name = crate::str::new(thread, "getattr")?;
        let getattr = protocol::get_item(thread, getattr.get(), name.get())?;
        let method = protocol::get_attr(thread, this.function(), crate::name!("__name__"))?;
        let args = crate::tuple::new(thread, vec![this.receiver().to_owned(), method])?;
        Ok(crate::tuple::new(thread, vec![getattr, args.into_value()])?.into_value())
    }
}
