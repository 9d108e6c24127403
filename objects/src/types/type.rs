//! `type`: class objects.
//!
//! This file holds what a class is and how names are looked up in it. Making classes (`type.__new__`), the relation
//! between slots and special methods, and `type`'s own methods are in the files of `type_/`.

use crate::class::{MethodKind, StaticType, TypeFlags};
use crate::error::PyResult;
use crate::slots::SlotTable;
use crate::storage::instance::InstanceLayout;
use crate::storage::shape::ShapeTree;
use crate::types::dict::{DictExt, PyDict};
use crate::types::str::PyStr;
use crate::types::tuple::PyTuple;
use orochi_core::sync::{AtomicU32, AtomicU64, Ordering};
use orochi_core::{AtomicField, Guarded, Obj, Owned, Ref, Thread, Trace, TypeFields, TypeHead, Value};
use orochi_macros::pyclass;
use std::borrow::Cow;

/// type(object) -> the object's type
/// type(name, bases, dict, **kwds) -> a new type
#[pyclass(name = "type", subclassable, flags(TYPE_SUBCLASS))]
#[repr(C)]
pub struct PyType {
    /// What the runtime reads; first, as `TypeHead` demands.
    pub fields: TypeFields,
    /// The slots.
    pub slots: SlotTable,
    flags: AtomicU64,
    instance: InstanceLayout,
    shapes: ShapeTree,
    /// Number of the class's present state for caches; see `version`.
    version: AtomicU32,
    /// The declaration of a native class.
    native: Option<&'static StaticType>,
    /// Names of classes that were made by `class` statements: `__name__` and `__qualname__`.
    pub(crate) name: AtomicField,
    pub(crate) qualname: AtomicField,
    /// The best base: the one whose layout this class extends.
    pub(crate) base: AtomicField,
    pub(crate) bases: AtomicField,
    pub(crate) mro: AtomicField,
    /// `__dict__`.
    pub(crate) namespace: AtomicField,
    /// Direct subclasses, weakly.
    pub(crate) subclasses: Guarded<Vec<Value>>,
}

static NEXT_VERSION: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);

impl PyType {
    /// A native class without namespace.
    pub(crate) fn shell(
        native: &'static StaticType,
        fields: TypeFields,
        instance: InstanceLayout,
        flags: TypeFlags,
        base: Option<&'static Obj<PyType>>,
    ) -> PyType {
        let slots = SlotTable::new(&crate::slots::Slots::EMPTY);
        for part in native.spec().parts {
            slots.merge(&part.slots);
        }
        if let Some(base) = base {
            crate::types::type_::inherit::inherit_slots(&slots, &base.slots);
        }
        let immutable = if flags.0 & TypeFlags::HEAP.0 == 0 { TypeFlags::IMMUTABLE.0 } else { 0 };
        PyType {
            fields,
            slots,
            flags: AtomicU64::new(flags.0 | immutable),
            instance,
            shapes: ShapeTree::new(),
            version: AtomicU32::new(0),
            native: Some(native),
            name: AtomicField::empty(),
            qualname: AtomicField::empty(),
            base: AtomicField::new_local(base.map_or(Value::NONE, |base| base.to_value())),
            bases: AtomicField::empty(),
            mro: AtomicField::empty(),
            namespace: AtomicField::empty(),
            subclasses: Guarded::new(Vec::new()),
        }
    }

    /// The class's flags.
    pub fn flags(&self) -> TypeFlags {
        TypeFlags(self.flags.load(Ordering::Relaxed))
    }

    /// Whether all of these flags are set.
    #[inline(always)]
    pub fn has(&self, flags: TypeFlags) -> bool {
        self.flags.load(Ordering::Relaxed) & flags.0 == flags.0
    }

    /// Sets or clears flags.
    pub(crate) fn set_flags(&self, flags: TypeFlags, on: bool) {
        if on {
            self.flags.fetch_or(flags.0, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!flags.0, Ordering::Relaxed);
        }
    }

    /// The declaration, if the class is native.
    pub fn native(&self) -> Option<&'static StaticType> {
        self.native
    }

    /// `__name__`.
    pub fn name(&self) -> Cow<'static, str> {
        match self.native {
            Some(native) => Cow::Borrowed(native.spec().name),
            None => crate::state::with_thread(|thread| match self.name.load(thread) {
                Some(name) => Cow::Owned(crate::str::display(name)),
                None => Cow::Borrowed("?"),
            }),
        }
    }

    /// A number that identifies the class's present state: it changes whenever the class or one of its bases does, and no
    /// two classes ever share one. Zero is never returned.
    #[inline(always)]
    pub fn version(&self) -> u32 {
        match self.version.load(Ordering::Acquire) {
            0 => self.assign_version(),
            version => version,
        }
    }

    #[cold]
    fn assign_version(&self) -> u32 {
        let fresh = NEXT_VERSION.fetch_add(1, Ordering::Relaxed);
        // Acquire/Release: whoever sees a version sees the namespace it stands for.
        match self.version.compare_exchange(0, fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => fresh,
            Err(other) => other,
        }
    }

    /// What instances have beside their native payload.
    #[inline(always)]
    pub fn instance_layout(&self) -> InstanceLayout {
        self.instance
    }

    /// The shapes of the instances.
    #[inline(always)]
    pub fn shapes(&self) -> &ShapeTree {
        &self.shapes
    }

    /// Says that the class has changed: caches that know its version or its instances' shapes become stale.
    pub(crate) fn modified(&self) {
        self.version.store(0, Ordering::Release);
        self.shapes.renew();
    }
}

// SAFETY: visits every field.
unsafe impl Trace for PyType {
    fn trace(&self, visit: &mut dyn FnMut(&orochi_core::Field)) {
        for field in [&self.name, &self.qualname, &self.base, &self.bases, &self.mro, &self.namespace] {
            field.trace(visit);
        }
    }
}

/// Lookup in classes.
pub trait TypeExt {
    /// The class object.
    fn class(&self) -> &Obj<PyType>;

    /// The class as the runtime sees it.
    fn head(&self) -> std::ptr::NonNull<TypeHead> {
        std::ptr::NonNull::from(self.class()).cast()
    }

    /// The namespace; made now if the class is native and nobody has looked yet.
    fn namespace<'a>(&'a self, thread: &'a Thread) -> &'a Obj<PyDict> {
        let class = self.class();
        if let Some(native) = class.native()
            && !native.is_ready()
        {
            crate::types::type_::populate::populate(thread, native);
        }
        match class.namespace.load(thread).and_then(Ref::downcast::<PyDict>) {
            Some(namespace) => namespace,
            None => crate::types::type_::populate::empty_namespace(thread),
        }
    }

    /// `__mro__`.
    fn mro<'a>(&'a self, thread: &'a Thread) -> &'a Obj<PyTuple> {
        self.namespace(thread);
        match self.class().mro.load(thread).and_then(Ref::downcast::<PyTuple>) {
            Some(mro) => mro,
            None => crate::types::tuple::empty(thread),
        }
    }

    /// Finds a name in the class and its bases.
    fn lookup<'a>(&'a self, thread: &'a Thread, name: &Obj<PyStr>) -> Option<Ref<'a>> {
        self.mro(thread).items().find_map(|class| {
            let class = class.downcast::<PyType>()?;
            class.namespace(thread).get_str(thread, name)
        })
    }

    /// Whether this class is `other` or derives from it.
    fn is_subtype_of(&self, other: &Obj<PyType>) -> bool {
        let class = self.class();
        if std::ptr::eq(class, other) {
            return true;
        }
        crate::state::with_thread(|thread| match class.mro.load(thread).and_then(Ref::downcast::<PyTuple>) {
            Some(mro) => mro.items().any(|base| base.is(other.get())),
            // Not populated yet: native classes have one base each.
            None => class
                .base
                .load(thread)
                .and_then(Ref::downcast::<PyType>)
                .is_some_and(|base| base.is_subtype_of(other)),
        })
    }
}

impl TypeExt for Obj<PyType> {
    fn class(&self) -> &Obj<PyType> {
        self
    }
}

/// Makes the descriptor or function object for an entry of a class's method table.
pub(crate) fn method_object(
    thread: &Thread,
    class: &'static Obj<PyType>,
    method: &'static crate::class::MethodDef,
) -> PyResult<Value> {
    use crate::types::{method_descriptor, native_function, static_method};
    match method.kind {
        MethodKind::Method => method_descriptor::new(thread, class, method, false),
        MethodKind::ClassMethod => method_descriptor::new(thread, class, method, true),
        MethodKind::StaticMethod => {
            let function = native_function::new(thread, method, None, None)?;
            static_method::new(thread, function)
        }
        MethodKind::New | MethodKind::Function => {
            native_function::new(thread, method, Some(class.to_value()), None)
        }
    }
}

/// An owned class, for places that keep one.
pub type OwnedType = Owned<PyType>;
