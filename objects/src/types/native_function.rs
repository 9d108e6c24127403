//! `builtin_function_or_method`: a native function, possibly bound to its receiver.

use crate::args::Args;
use crate::class::{MethodDef, MethodKind, PyClass};
use crate::error::PyResult;
use crate::protocol::CompareOp;
use crate::types::r#type::PyType;
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// A native function; `__self__` is its receiver (a class for class methods, a module for functions).
#[pyclass(name = "builtin_function_or_method", no_new, weakref)]
#[derive(Trace)]
pub struct PyNativeFunction {
    pub(crate) method: Definition,
    /// The receiver or module.
    pub(crate) this: Option<Field>,
    /// `__module__`.
    pub(crate) module: Option<Field>,
}

/// A reference to a method table's entry.
#[derive(Clone, Copy)]
pub struct Definition(pub &'static MethodDef);

// SAFETY: holds no fields.
unsafe impl orochi_core::Trace for Definition {
    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}

impl PyNativeFunction {
    /// The method table's entry.
    #[inline]
    pub fn definition(&self) -> &'static MethodDef {
        self.method.0
    }

    /// Whether the receiver is passed as first argument.
    fn passes_receiver(&self) -> bool {
        matches!(self.method.0.kind, MethodKind::Method | MethodKind::ClassMethod)
            || crate::types::type_::wrappers::is_general_new(self.method.0)
    }

    /// Whether this is the `__new__` of a native class.
    pub fn is_new(&self) -> bool {
        self.method.0.kind == MethodKind::New
    }
}

/// A native function object.
pub fn new(
    thread: &Thread,
    method: &'static MethodDef,
    this: Option<Value>,
    module: Option<Value>,
) -> PyResult<Value> {
    let function = PyNativeFunction {
        method: Definition(method),
        this: this.map(Field::new_local),
        module: module.map(Field::new_local),
    };
    Ok(crate::alloc(thread, PyNativeFunction::static_type().get(), function)?.into_value())
}

impl PyNativeFunction {
    /// The receiver that the function wants to be given before its arguments.
    #[inline(always)]
    pub fn bound_to(&self) -> Option<Ref<'_>> {
        if self.method.0.kind == MethodKind::Function {
            return None;
        }
        self.this.as_ref().filter(|_| self.passes_receiver()).map(Field::fixed)
    }
}

/// Calls a native function object.
pub fn call(thread: &mut Thread, this: &Obj<PyNativeFunction>, args: Args<'_>) -> PyResult {
    let function = this.method.0.function;
    match this.bound_to() {
        Some(receiver) => args.with_first(receiver, |args| function(thread, args)),
        None => function(thread, args),
    }
}

#[pymethods]
impl PyNativeFunction {
    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        call(thread, this, args)
    }

    #[slot]
    fn tp_richcompare(_thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(left), Some(right)) = (left.downcast::<Self>(), right.downcast::<Self>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let equal = std::ptr::eq(left.method.0, right.method.0)
            && match (receiver_of(left), receiver_of(right)) {
                (Some(a), Some(b)) => a.is(b),
                (None, None) => true,
                _ => false,
            };
        Ok(match op {
            CompareOp::Eq => Value::bool(equal),
            CompareOp::Ne => Value::bool(!equal),
            _ => Value::NOT_IMPLEMENTED,
        })
    }

    #[slot]
    fn tp_hash(this: &Obj<Self>) -> i64 {
        let receiver = receiver_of(this).map_or(0, Ref::word);
        let function = std::ptr::from_ref(this.method.0).addr() as u64;
        crate::hash::fold(receiver.rotate_right(4) ^ function.rotate_right(4))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let name = this.method.0.name;
        let text = match this.this.as_ref().map(Field::fixed) {
            Some(receiver) if this.method.0.kind != MethodKind::Function => {
                let address = receiver.word();
                format!(
                    "<built-in method {name} of {} object at {address:#x}>",
                    crate::class_of(receiver).name()
                )
            }
            _ => format!("<built-in function {name}>"),
        };
        crate::str::new(thread, &text)
    }

    #[getter]
    #[name = "__name__"]
    fn name(this: &Obj<Self>) -> &'static str {
        this.method.0.name
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let name = crate::str::new(thread, this.method.0.name)?;
        let receiver = this.this.as_ref().map(Field::fixed);
        let Some(receiver) = receiver.filter(|_| this.method.0.kind != MethodKind::Function) else {
            // Found again by its name in its module.
            return Ok(name);
        };
        let receiver = receiver.to_owned();
        let builtins = crate::thread::ThreadState::builtins(thread)?;
        let getattr = crate::protocol::get_item(thread, builtins.get(), crate::name!("getattr").get())?;
        let args = crate::tuple::new(thread, vec![receiver, name])?;
        Ok(crate::tuple::new(thread, vec![getattr, args.into_value()])?.into_value())
    }

    #[getter]
    #[name = "__qualname__"]
    fn qualname(this: &Obj<Self>) -> String {
        let name = this.method.0.name;
        match this.this.as_ref().map(Field::fixed) {
            Some(receiver) if this.method.0.kind != MethodKind::Function => {
                let class = receiver.downcast::<PyType>().unwrap_or(crate::class_of(receiver));
                format!("{}.{name}", class.name())
            }
            _ => name.to_owned(),
        }
    }

    #[getter]
    #[name = "__self__"]
    fn receiver(this: &Obj<Self>) -> Option<Value> {
        this.this.as_ref().map(|field| field.fixed().to_owned())
    }

    #[member]
    #[name = "__module__"]
    fn module(this: &Obj<Self>) -> Option<Value> {
        this.module.as_ref().map(|field| field.fixed().to_owned())
    }

    #[getter]
    #[name = "__doc__"]
    fn doc(this: &Obj<Self>) -> Option<&'static str> {
        Some(this.method.0.doc).filter(|doc| !doc.is_empty())
    }

    #[getter]
    #[name = "__text_signature__"]
    fn text_signature(this: &Obj<Self>) -> Option<&'static str> {
        Some(this.method.0.signature.text).filter(|text| !text.is_empty())
    }
}

/// A reference to the receiver, for comparison of bound methods.
pub fn receiver_of(this: &Obj<PyNativeFunction>) -> Option<Ref<'_>> {
    this.this.as_ref().map(Field::fixed)
}
