//! The parts of `type`: making classes, inheritance and updating of slots, population of native classes, the metaclass's own
//! declaration.

pub(crate) mod attributes;
pub(crate) mod cache;
pub(crate) mod changing;
pub(crate) mod generic;
pub(crate) mod hooks;
pub(crate) mod inherit;
pub(crate) mod layout;
pub(crate) mod members;
pub(crate) mod mro;
pub(crate) mod new;
pub(crate) mod populate;
pub(crate) mod slot_defs;
pub(crate) mod slots;
pub(crate) mod update;
pub(crate) mod wrap;
pub(crate) mod wrappers;

use crate::args::{Args, KwArgs};
use crate::class::{PyClass, TypeFlags, is_exact};
use crate::error::{PyResult, type_error};
use crate::quick::Quick;
use crate::types::dict;
use crate::types::r#type::{PyType, TypeExt};
use members::MEMBERS;
use orochi_core::{Obj, Owned, Ref, Thread, Value};
use orochi_macros::pymethods;
use std::borrow::Cow;

/// `type`.
pub(crate) fn type_class() -> &'static Obj<PyType> {
    PyType::static_type().get()
}

/// `object`.
pub(crate) fn object_class() -> &'static Obj<PyType> {
    crate::types::object::PyObject::static_type().get()
}

impl PyType {
    /// The name as messages of CPython show native classes: with the module, if that isn't `builtins`.
    pub fn full_name(&self) -> Cow<'static, str> {
        match self.native().map(|native| native.spec()) {
            Some(spec) if spec.module != "builtins" && !spec.module.is_empty() => {
                Cow::Owned(format!("{}.{}", spec.module, spec.name))
            }
            _ => self.name(),
        }
    }
}

/// Raises if attributes of the class can't be set.
pub(crate) fn check_mutable(class: &Obj<PyType>, name: &str) -> PyResult<()> {
    if class.has(TypeFlags::IMMUTABLE) {
        let class = class.full_name();
        return Err(type_error(format!("cannot set '{name}' attribute of immutable type '{class}'")));
    }
    Ok(())
}

/// Says whether instances match sequence or mapping patterns, for the class and its subclasses.
pub fn set_patterns(thread: &Thread, class: &Obj<PyType>, patterns: TypeFlags) {
    let both = TypeFlags::SEQUENCE.union(TypeFlags::MAPPING);
    let patterns = TypeFlags(patterns.0 & both.0);
    if class.has(TypeFlags::IMMUTABLE) || class.flags().0 & both.0 == patterns.0 {
        return;
    }
    class.set_flags(both, false);
    class.set_flags(patterns, true);
    for subclass in class.subclasses(thread) {
        set_patterns(thread, &subclass, patterns);
    }
}

/// Calls a class: makes an instance and initialises it.
pub fn construct(thread: &mut Thread, class: &Obj<PyType>, args: Args<'_>) -> PyResult {
    let Some(new) = class.slots.tp_new() else {
        return Err(type_error(format!("cannot create '{}' instances", class.full_name())));
    };
    if class.has(TypeFlags::EXCEPTION_SUBCLASS)
        && let Some(made) = crate::types::exception::call_plain(thread, class, &args)
    {
        return made;
    }
    let instance = new(thread, class, args)?;
    initialise(thread, class, instance.get(), args)?;
    Ok(instance)
}

/// Initialises what `class.__new__` gave, if that is an instance of the class.
pub fn initialise(
    thread: &mut Thread,
    class: &Obj<PyType>,
    instance: Ref<'_>,
    args: Args<'_>,
) -> PyResult<()> {
    let made = crate::class_of(instance);
    if crate::types::object::init_does_nothing(made) {
        return Ok(());
    }
    if (std::ptr::eq(made, class) || made.is_subtype_of(class))
        && let Some(init) = made.slots.tp_init()
    {
        init(thread, instance, args)?;
    }
    Ok(())
}

#[pymethods(parts(MEMBERS))]
impl PyType {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        new::new(thread, cls, args)
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        let _ = (thread, this);
        if args.len() == 1 && args.keyword_count() != 0 {
            return Err(type_error("type.__init__() takes no keyword arguments"));
        }
        if args.len() != 1 && args.len() != 3 {
            return Err(type_error("type.__init__() takes 1 or 3 arguments"));
        }
        Ok(())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let module = members::module(thread, this).unwrap_or(Value::NONE);
        let qualname = members::qualname(thread, this)?;
        let qualname = crate::str::display(qualname.get());
        match module.get().downcast::<crate::types::str::PyStr>() {
            Some(module) if module.as_bytes() != b"builtins" => {
                crate::str::new(thread, &format!("<class '{}.{qualname}'>", **module))
            }
            _ => crate::str::new(thread, &format!("<class '{qualname}'>")),
        }
    }

    #[slot]
    fn tp_call(thread: &mut Thread, this: Ref<'_>, args: Args<'_>) -> PyResult {
        let class = crate::slot_receiver::<Self>(this)?;
        if std::ptr::eq(class, type_class()) {
            match (args.len(), args.keyword_count()) {
                (1, 0) => return Ok(crate::class_of(args.this()).to_value()),
                (3, _) => {}
                _ => return Err(type_error("type() takes 1 or 3 arguments")),
            }
        }
        if let (Some(quick), Some([object])) =
            (class.native().and_then(|class| class.spec().quick), args.exact::<1>())
            && let Some(made) = Quick::of_one(thread, quick, object)
        {
            return Ok(made);
        }
        construct(thread, class, args)
    }

    #[slot]
    fn tp_getattro(thread: &mut Thread, this: Ref<'_>, name: Ref<'_>) -> PyResult {
        let class = crate::slot_receiver::<Self>(this)?;
        attributes::get(thread, class, crate::str::expect_attribute_name(name)?)
    }

    #[slot]
    fn tp_setattro(
        thread: &mut Thread,
        this: Ref<'_>,
        name: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let class = crate::slot_receiver::<Self>(this)?;
        attributes::set(thread, class, crate::str::expect_attribute_name(name)?, value)
    }

    #[slot]
    fn nb_or(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        crate::types::union::or(thread, left, right)
    }

    /// Return a type's method resolution order.
    fn mro(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let order = mro::linearise(thread, this.get(), this.bases(thread))?;
        crate::types::list_object(thread, order)
    }

    /// Return a list of immediate subclasses.
    fn __subclasses__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        this.namespace(thread);
        let classes = this.subclasses(thread).into_iter().map(Owned::into_value).collect();
        crate::types::list_object(thread, classes)
    }

    /// Used to create the namespace of the class statement.
    #[classmethod]
    #[signature(*args, **kwds)]
    fn __prepare__(
        thread: &mut Thread,
        _cls: &Obj<PyType>,
        args: crate::args::ArgSlice<'_>,
        kwds: KwArgs<'_>,
    ) -> PyResult {
        let _ = (args, kwds);
        Ok(dict::new(thread)?.into_value())
    }

    /// Check if an object is an instance.
    #[signature(instance, /)]
    fn __instancecheck__(thread: &mut Thread, this: &Obj<Self>, instance: Ref<'_>) -> PyResult<bool> {
        crate::protocol::class_check::is_real_instance(thread, instance, this.get())
    }

    /// Check if a class is a subclass.
    #[signature(subclass, /)]
    fn __subclasscheck__(thread: &mut Thread, this: &Obj<Self>, subclass: Ref<'_>) -> PyResult<bool> {
        crate::protocol::class_check::is_real_subclass(thread, subclass, this.get())
    }

    /// Specialized __dir__ implementation for types.
    fn __dir__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        attributes::directory(thread, this)
    }

    /// Return memory consumption of the type object.
    fn __sizeof__(this: &Obj<Self>) -> usize {
        let _ = this;
        std::mem::size_of::<Obj<PyType>>()
    }
}

/// Whether the object is a class whose metaclass is exactly `type`.
pub fn is_plain_class(object: Ref<'_>) -> bool {
    is_exact(object, PyType::static_type())
}
