//! `super`: attribute lookup that starts after a class in the MRO of another.

use crate::args::Args;
use crate::error::{PyErr, PyResult, runtime_error, type_error};
use crate::name;
use crate::types::dict::DictExt;
use crate::types::str::PyStr;
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::{AtomicField, Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// super() -> same as super(__class__, <first argument>)
/// super(type) -> unbound super object
/// super(type, obj) -> bound super object; requires isinstance(obj, type)
/// super(type, type2) -> bound super object; requires issubclass(type2, type)
/// Typical use to call a cooperative superclass method:
/// class C(B):
///     def meth(self, arg):
///         super().meth(arg)
/// This works for class methods too:
/// class C(B):
///     @classmethod
///     def cmeth(cls, arg):
///         super().cmeth(arg)
#[pyclass(name = "super", subclassable)]
#[derive(Trace)]
pub struct PySuper {
    class: AtomicField,
    object: AtomicField,
    object_class: AtomicField,
}

/// The class in whose MRO `super(class, object)` looks. TypeError unless `object` is an instance or subclass of `class`.
pub fn check(thread: &mut Thread, class: &Obj<PyType>, object: Ref<'_>) -> PyResult<Value> {
    if let Some(subclass) = object.downcast::<PyType>()
        && subclass.is_subtype_of(class)
    {
        return Ok(subclass.to_value());
    }
    let own = crate::class_of(object);
    if own.is_subtype_of(class) {
        return Ok(own.to_value());
    }
    // A proxy may say that it is of another class.
    if let Some(claimed) = crate::protocol::find_attr(thread, object, name!("__class__"))?
        && let Some(claimed_class) = claimed.get().downcast::<PyType>()
        && !std::ptr::eq(claimed_class, own)
        && claimed_class.is_subtype_of(class)
    {
        return Ok(claimed);
    }
    Err(not_an_instance(class, object))
}

/// The TypeError of `super(class, object)`.
pub(crate) fn not_an_instance(class: &Obj<PyType>, object: Ref<'_>) -> PyErr {
    let (what, shown) = match object.downcast::<PyType>() {
        Some(given) => ("type", given.name()),
        None => ("instance of", crate::class_of(object).name()),
    };
    type_error(format!(
        "super(type, obj): obj ({what} {shown}) is not an instance or subtype of type ({}).",
        class.name()
    ))
}

/// The attribute that `super(class, object)` finds in the MRO of `object_class`, bound; `None` if there is none.
pub fn attribute_of(
    thread: &mut Thread,
    class: &Obj<PyType>,
    object: Ref<'_>,
    object_class: &Obj<PyType>,
    name: &Obj<PyStr>,
) -> PyResult<Option<Value>> {
    let Some(found) = find(thread, class, object_class, name).map(Ref::to_owned) else { return Ok(None) };
    let Some(get) = crate::class_of(found.get()).slots.tp_descr_get() else { return Ok(Some(found)) };
    // An attribute of a class found through the class itself is bound to no instance.
    let instance = Some(object).filter(|object| !object.is(object_class.get()));
    get(thread, found.get(), instance, Some(object_class.get())).map(Some)
}

/// The same without binding, for calls that pass the receiver themselves.
pub fn find<'a>(
    thread: &'a Thread,
    class: &Obj<PyType>,
    object_class: &'a Obj<PyType>,
    name: &Obj<PyStr>,
) -> Option<Ref<'a>> {
    let order = object_class.mro(thread);
    let at = order.items().position(|entry| entry.is(class.get()))?;
    let rest = order.fields().get(at + 1..)?;
    // With single inheritance the rest is the MRO of the next class, which has a cache.
    if let Some(next) = order.item(at + 1).and_then(Ref::downcast::<PyType>) {
        let own = next.mro(thread).fields();
        if own.len() == rest.len() && own.iter().zip(rest).all(|(own, entry)| own.word() == entry.word()) {
            return next.lookup(thread, name);
        }
    }
    rest.iter()
        .map(Field::fixed)
        .filter_map(Ref::downcast::<PyType>)
        .find_map(|entry| entry.namespace(thread).get_str(thread, name))
}

impl PySuper {
    fn class(&self, thread: &Thread) -> Option<&'static Obj<PyType>> {
        let class = self.class.load(thread)?.downcast::<PyType>()?;
        Some(crate::types::type_::layout::lasting(class))
    }

    fn object_class(&self, thread: &Thread) -> Option<&'static Obj<PyType>> {
        let class = self.object_class.load(thread)?.downcast::<PyType>()?;
        Some(crate::types::type_::layout::lasting(class))
    }

    fn name_of_class(&self, thread: &Thread) -> String {
        self.class(thread).map_or_else(|| "NULL".to_owned(), |class| class.name().into_owned())
    }
}

fn make(thread: &mut Thread, cls: &Obj<PyType>) -> PyResult {
    let (class, object, object_class) = (AtomicField::empty(), AtomicField::empty(), AtomicField::empty());
    Ok(crate::alloc(thread, cls, PySuper { class, object, object_class })?.into_value())
}

/// Fills a super object; `None` leaves it unbound.
fn set(
    thread: &mut Thread,
    this: &Obj<PySuper>,
    class: &Obj<PyType>,
    object: Option<Ref<'_>>,
) -> PyResult<()> {
    let object_class = match object {
        Some(object) => Some(check(thread, class, object)?),
        None => None,
    };
    let old = [
        this.class.swap(this, thread, Some(class.to_value())),
        this.object.swap(this, thread, object.map(Ref::to_owned)),
        this.object_class.swap(this, thread, object_class),
    ];
    drop(old);
    Ok(())
}

/// `super(class, object)`.
pub fn new(thread: &mut Thread, class: &Obj<PyType>, object: Ref<'_>) -> PyResult {
    let made = make(thread, <PySuper as crate::class::PyClass>::static_type().get())?;
    if let Some(this) = made.get().downcast::<PySuper>() {
        set(thread, this, class, Some(object))?;
    }
    Ok(made)
}

#[pymethods]
impl PySuper {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: Args<'_>) -> PyResult {
        make(thread, cls)
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        args.no_keywords("super")?;
        if args.len() > 2 {
            return Err(type_error(format!("super() expected at most 2 arguments, got {}", args.len())));
        }
        let Some(class) = args.get(0) else {
            let (class, object) = crate::state::super_arguments(thread)?;
            let Some(class) = class.get().downcast::<PyType>() else {
                let given = crate::class_of(class.get()).name();
                return Err(runtime_error(format!("super(): __class__ is not a type ({given})")));
            };
            return set(thread, this, class, Some(object.get()));
        };
        let Some(class) = class.downcast::<PyType>() else {
            let given = crate::class_of(class).name();
            return Err(type_error(format!("super() argument 1 must be a type, not {given}")));
        };
        set(thread, this, class, args.get(1).filter(|object| !object.is_none()))
    }

    #[slot]
    fn tp_getattro(thread: &mut Thread, this: Ref<'_>, name: Ref<'_>) -> PyResult {
        let own = crate::slot_receiver::<Self>(this)?;
        let name = crate::str::expect_attribute_name(name)?;
        if name.as_bytes() != b"__class__"
            && let (Some(class), Some(object_class)) = (own.class(thread), own.object_class(thread))
            && let Some(object) = own.object.get(thread)
            && let Some(found) = attribute_of(thread, class, object.get(), object_class, name)?
        {
            return Ok(found);
        }
        match crate::types::object::find_attr(thread, this, name)? {
            Some(value) => Ok(value),
            None => Err(crate::error::attribute_error(this, name.get())),
        }
    }

    #[slot]
    fn tp_descr_get(
        thread: &mut Thread,
        this: Ref<'_>,
        object: Option<Ref<'_>>,
        _owner: Option<Ref<'_>>,
    ) -> PyResult {
        let own = crate::slot_receiver::<Self>(this)?;
        let Some(object) = object.filter(|object| !object.is_none()) else { return Ok(this.to_owned()) };
        if own.object.load(thread).is_some() {
            return Ok(this.to_owned());
        }
        let Some(class) = own.class(thread) else { return Ok(this.to_owned()) };
        let static_type = <Self as crate::class::PyClass>::static_type();
        if crate::class::is_exact(this, static_type) {
            return new(thread, class, object);
        }
        let factory = crate::class_of(this).to_value();
        crate::protocol::call(thread, factory.get(), &[class.get(), object])
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let class = this.name_of_class(thread);
        let text = match this.object_class(thread) {
            Some(object_class) => format!("<super: <class '{class}'>, <{} object>>", object_class.name()),
            None => format!("<super: <class '{class}'>, NULL>"),
        };
        crate::str::new(thread, &text)
    }

    /// the class invoking super()
    #[member]
    fn __thisclass__(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.class.get(thread)
    }

    /// the instance invoking super(); may be None
    #[member]
    fn __self__(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.object.get(thread)
    }

    /// the type of the instance invoking super(); may be None
    #[member]
    fn __self_class__(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        this.object_class.get(thread)
    }
}
