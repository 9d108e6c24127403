//! `type`: class objects.
//!
//! This file holds what a class is and how names are looked up in it. Making classes (`type.__new__`), the relation
//! between slots and special methods, and `type`'s own methods are in the files of `type_/`.

use crate::class::{MethodKind, StaticType, TypeFlags};
use crate::error::PyResult;
use crate::quick::{Quick, Registers};
use crate::slots::SlotTable;
use crate::storage::instance::InstanceLayout;
use crate::storage::shape::ShapeTree;
use crate::types::dict::{DictExt, PyDict};
use crate::types::str::PyStr;
use crate::types::tuple::PyTuple;
use crate::types::type_::cache::MethodCache;
use crate::types::type_::changing::Changing;
use crate::types::weakref::PyWeakRef;
use orochi_core::numbers::Numbers;
use orochi_core::sync::{AtomicU32, AtomicU64, Ordering};
use orochi_core::{AtomicField, Field, Guarded, Obj, Owned, Ref, Thread, Trace, TypeFields, TypeHead, Value};
use orochi_macros::pyclass;
use std::borrow::Cow;
use std::collections::HashSet;
use std::marker::PhantomData;

/// `type(object)`.
fn quick_call(_thread: &mut Thread, args: Registers<'_>) -> Quick {
    match args.exactly() {
        Some([object]) => Quick::reference(crate::class_of(object).get()),
        None => Quick::OTHER,
    }
}

/// type(object) -> the object's type
/// type(name, bases, dict, **kwds) -> a new type
#[pyclass(
    name = "type",
    subclassable,
    quick(quick_call),
    flags(TYPE_SUBCLASS, WEAKREF),
    unsafe_layout = orochi_core::Layout::of::<PyType>().of_classes()
)]
#[repr(C)]
pub struct PyType {
    /// What the runtime reads; first, as `TypeHead` demands.
    pub fields: TypeFields,
    /// The slots.
    pub slots: SlotTable,
    flags: AtomicU64,
    /// See `attributes_at`.
    attributes_at: u32,
    instance: InstanceLayout,
    shapes: ShapeTree,
    /// Number of the class's present state for caches; see `version`.
    version: AtomicU32,
    changing: Changing,
    pub(crate) cache: MethodCache,
    /// The declaration of a native class.
    native: Option<&'static StaticType>,
    /// Names of classes that were made by `class` statements: `__name__` and `__qualname__`.
    pub(crate) name: Lasting<PyStr>,
    pub(crate) qualname: Lasting<PyStr>,
    /// The best base: the one whose layout this class extends.
    pub(crate) base: Lasting<PyType>,
    pub(crate) bases: Lasting<PyTuple>,
    pub(crate) mro: Lasting<PyTuple>,
    /// `__dict__`.
    pub(crate) namespace: Lasting<PyDict>,
    /// Direct subclasses, in the order in which they were made.
    pub(crate) subclasses: Guarded<Vec<Subclass>>,
}

/// A place for an object that a class consists of. What has been replaced there is never destroyed, and nor is what is there
/// before the class: so whoever has a reference to the class may use it without counting.
pub(crate) struct Lasting<T>(AtomicField, PhantomData<fn(T) -> T>);

impl<T> Lasting<T> {
    /// A place in a class that is just being made.
    pub(crate) fn new(object: Option<Value>) -> Lasting<T> {
        Lasting(object.map_or_else(AtomicField::empty, AtomicField::new_local), PhantomData)
    }

    /// What is in the place; nothing once the collector has taken the class apart. Not to be kept longer than the class.
    #[inline(always)]
    pub(crate) fn get(&self) -> Option<&'static Obj<T>> {
        // SAFETY: only objects of this payload are put here, and they last as the type says.
        self.0.target().map(|object| unsafe { object.cast::<Obj<T>>().as_ref() })
    }

    /// Puts another object there.
    pub(crate) fn set(&self, class: &Obj<PyType>, object: &Obj<T>) {
        self.0.replace_for_good(class, object.to_value());
    }
}

// SAFETY: the place is all there is.
unsafe impl<T> Trace for Lasting<T> {
    fn trace(&self, visit: &mut dyn FnMut(&orochi_core::Field)) {
        self.0.trace(visit);
    }
}

/// A direct subclass. Classes keep their bases, not the other way round.
pub(crate) enum Subclass {
    /// A native class.
    Native(&'static Obj<PyType>),
    /// A weak reference to a class that may die.
    Mortal(Field),
    /// A weak reference to a class that is none, but has this one in its `__mro__`, because its `mro()` wants it.
    Follower(Field),
}

// SAFETY: visits the one field there may be.
unsafe impl Trace for Subclass {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        if let Subclass::Mortal(reference) | Subclass::Follower(reference) = self {
            visit(reference);
        }
    }
}

impl Subclass {
    /// The class, if it is alive.
    fn upgrade(&self, thread: &Thread) -> Option<Owned<PyType>> {
        match self {
            Subclass::Native(class) => Some(Obj::to_owned(class)),
            Subclass::Mortal(reference) | Subclass::Follower(reference) => {
                let reference = reference.load(thread)?.downcast::<PyWeakRef>()?;
                reference.upgrade(thread)?.downcast::<PyType>().ok()
            }
        }
    }

    /// Whether the class has died.
    fn is_dead(&self, thread: &Thread) -> bool {
        match self {
            Subclass::Native(_) => false,
            Subclass::Mortal(reference) | Subclass::Follower(reference) => {
                let reference = reference.load(thread).and_then(Ref::downcast::<PyWeakRef>);
                reference.is_none_or(|reference| reference.is_dead())
            }
        }
    }
}

/// Tells a base that a class which a program made, to which this is a weak reference, derives from it.
pub(crate) fn add_subclass(thread: &Thread, base: &Obj<PyType>, reference: Value) {
    forget_dependent(thread, base, reference.get());
    add_dependent(thread, base, reference, Subclass::Mortal);
}

/// As [`add_subclass`], for a class that is made just now, of which no base has been told.
pub(crate) fn add_new_subclass(thread: &Thread, base: &Obj<PyType>, reference: Value) {
    add_dependent(thread, base, reference, Subclass::Mortal);
}

/// Tells a class that another, to which this is a weak reference, has it in its `__mro__`.
pub(crate) fn add_follower(thread: &Thread, base: &Obj<PyType>, reference: Value) {
    forget_dependent(thread, base, reference.get());
    add_dependent(thread, base, reference, Subclass::Follower);
}

/// Takes a class away that a base may have been told of before.
fn forget_dependent(thread: &Thread, base: &Obj<PyType>, reference: Ref<'_>) {
    let is_same = |subclass: &mut Subclass| match subclass {
        Subclass::Native(_) => false,
        Subclass::Mortal(other) | Subclass::Follower(other) => other.word() == reference.word(),
    };
    let known: Vec<Subclass> =
        base.subclasses.with(base, thread, |subclasses, _| subclasses.extract_if(.., is_same).collect());
    drop(known);
}

fn add_dependent(thread: &Thread, base: &Obj<PyType>, reference: Value, kind: fn(Field) -> Subclass) {
    let dead: Vec<Subclass> = base.subclasses.with(base, thread, |subclasses, owner| {
        // The dead are looked for when they may save growing: a class that many derive from isn't gone through for each new one.
        let dead = if subclasses.len() == subclasses.capacity() {
            subclasses.extract_if(.., |subclass| subclass.is_dead(thread)).collect()
        } else {
            Vec::new()
        };
        subclasses.push(kind(owner.store(reference)));
        dead
    });
    drop(dead);
}

/// Tells a base that a class doesn't derive from it any more.
pub(crate) fn remove_subclass(thread: &Thread, base: &Obj<PyType>, reference: Ref<'_>) {
    let is_it = |subclass: &mut Subclass| match subclass {
        Subclass::Native(_) | Subclass::Follower(_) => false,
        Subclass::Mortal(other) => other.word() == reference.word(),
    };
    let removed: Vec<Subclass> =
        base.subclasses.with(base, thread, |subclasses, _| subclasses.extract_if(.., is_it).collect());
    drop(removed);
}

static VERSIONS: Numbers = Numbers::new();

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
            crate::types::type_::inherit::inherit_native(&slots, base, flags);
        }
        let immutable = if flags.0 & TypeFlags::HEAP.0 == 0 { TypeFlags::IMMUTABLE.0 } else { 0 };
        fields.set_has_finalizer(slots.tp_finalize().is_some());
        PyType {
            native: Some(native),
            base: Lasting::new(base.map(Obj::to_value)),
            ..PyType::blank(fields, slots, instance, TypeFlags(flags.0 | immutable))
        }
    }

    /// A class without names and bases.
    pub(crate) fn blank(
        fields: TypeFields,
        slots: SlotTable,
        instance: InstanceLayout,
        flags: TypeFlags,
    ) -> PyType {
        let fixed = instance.has_dict && fields.layout.dynamic_size.is_none();
        PyType {
            attributes_at: if fixed { fields.extension } else { 0 },
            fields,
            slots,
            flags: AtomicU64::new(flags.0),
            instance,
            shapes: ShapeTree::new(),
            version: AtomicU32::new(0),
            changing: Changing::new(0),
            cache: MethodCache::new(),
            native: None,
            name: Lasting::new(None),
            qualname: Lasting::new(None),
            base: Lasting::new(None),
            bases: Lasting::new(None),
            mro: Lasting::new(None),
            namespace: Lasting::new(None),
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
        match (self.native, self.name.get()) {
            (Some(native), _) => Cow::Borrowed(native.spec().name),
            (None, Some(name)) => match name.to_str() {
                Some(name) => Cow::Borrowed(name),
                None => Cow::Owned(name.as_wtf8().to_string_lossy().into_owned()),
            },
            (None, None) => Cow::Borrowed("?"),
        }
    }

    /// The best base; `None` for `object`.
    #[inline]
    pub fn base(&self) -> Option<&'static Obj<PyType>> {
        self.base.get()
    }

    /// A number that identifies the class's present state: it changes whenever the class or one of its bases does, and no
    /// two classes ever share one. Zero while the class is being changed, or when numbers have run out: caches note nothing then.
    #[inline(always)]
    pub fn version(&self) -> u32 {
        let version = match self.version.load(Ordering::Acquire) {
            0 => self.assign_version(),
            version => version,
        };
        // Looked at after the number was taken: one that was given out during a change isn't used before the change is done.
        if self.is_changing() { 0 } else { version }
    }

    /// Whether the class's state is still the one with this number, which isn't zero.
    #[inline(always)]
    pub fn has_version(&self, version: u32) -> bool {
        self.version.load(Ordering::Acquire) == version
    }

    #[cold]
    fn assign_version(&self) -> u32 {
        let fresh = VERSIONS.next();
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

    /// Where attributes begin in every instance, in bytes; 0 if instances have none, or each elsewhere (behind a tail).
    #[inline(always)]
    pub fn attributes_at(&self) -> u32 {
        self.attributes_at
    }

    /// The shapes of the instances.
    #[inline(always)]
    pub fn shapes(&self) -> &ShapeTree {
        &self.shapes
    }

    /// Whether the class or one of its bases is just being changed, so that caches should note nothing of it.
    #[inline]
    pub fn is_changing(&self) -> bool {
        self.changing.is_under_way()
    }

    /// The same class, of which caches note nothing until [`finish`] says that it is whole.
    pub(crate) fn unfinished(self) -> PyType {
        PyType { changing: Changing::new(1), ..self }
    }

    /// Makes stale what caches know of this class; its subclasses see to themselves.
    fn forget_caches(&self, thread: &Thread) {
        self.version.store(0, Ordering::Release);
        self.shapes.renew();
        self.cache.clear(thread);
    }
}

/// Those whose lookups reach a class, but not through another.
fn dependents(thread: &Thread, class: &Obj<PyType>) -> Vec<Owned<PyType>> {
    class.subclasses.with(class, thread, |subclasses, _| {
        subclasses.iter().filter_map(|subclass| subclass.upgrade(thread)).collect()
    })
}

/// The class and all whose lookups reach it, each once.
fn with_dependents(thread: &Thread, class: &Obj<PyType>) -> Vec<Owned<PyType>> {
    let mut classes = vec![class.to_owned()];
    let mut found = dependents(thread, class);
    if found.is_empty() {
        return classes;
    }
    let mut seen = HashSet::from([std::ptr::from_ref(class)]);
    let mut next = 0;
    loop {
        found.retain(|dependent| seen.insert(std::ptr::from_ref(&**dependent)));
        classes.append(&mut found);
        next += 1;
        let Some(class) = classes.get(next) else { return classes };
        found = dependents(thread, class);
    }
}

/// Changes what a class holds: its namespace, its bases, its slots. What caches know of it, of its subclasses and of their instances'
/// shapes becomes stale before, and they note nothing until it is done: who has seen the new state doesn't get the old one from a cache.
/// What was taken out of the class is to be dropped afterwards, since caches don't count what they hold.
pub fn change<R>(thread: &mut Thread, class: &Obj<PyType>, f: impl FnOnce(&mut Thread) -> R) -> R {
    let classes = with_dependents(thread, class);
    for class in &classes {
        class.changing.begin(|| class.forget_caches(thread));
    }
    let result = f(thread);
    // Subclasses that were made meanwhile know nothing of the change.
    for class in with_dependents(thread, class) {
        class.forget_caches(thread);
    }
    for class in &classes {
        class.changing.end(|| class.forget_caches(thread));
    }
    result
}

/// Lets caches note what they find in a new class, which is whole now.
pub(crate) fn finish(thread: &Thread, class: &Obj<PyType>) {
    class.changing.end(|| class.forget_caches(thread));
}

// SAFETY: visits every place of references.
unsafe impl Trace for PyType {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.name.trace(visit);
        self.qualname.trace(visit);
        self.base.trace(visit);
        self.bases.trace(visit);
        self.mro.trace(visit);
        self.namespace.trace(visit);
        self.subclasses.trace(visit);
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
        match class.namespace.get() {
            Some(namespace) => namespace,
            None => crate::types::type_::populate::empty_namespace(thread),
        }
    }

    /// `__mro__`.
    fn mro<'a>(&'a self, thread: &'a Thread) -> &'a Obj<PyTuple> {
        self.namespace(thread);
        match self.class().mro.get() {
            Some(mro) => mro,
            None => crate::types::tuple::empty(thread),
        }
    }

    /// `__bases__`.
    fn bases<'a>(&'a self, thread: &'a Thread) -> &'a Obj<PyTuple> {
        self.namespace(thread);
        self.class().bases.get().unwrap_or(crate::types::tuple::empty(thread))
    }

    /// The direct subclasses.
    fn subclasses(&self, thread: &Thread) -> Vec<Owned<PyType>> {
        let class = self.class();
        class.subclasses.with(class, thread, |subclasses, _| {
            let proper = subclasses.iter().filter(|subclass| !matches!(subclass, Subclass::Follower(_)));
            proper.filter_map(|subclass| subclass.upgrade(thread)).collect()
        })
    }

    /// Finds a name in the class and its bases.
    #[inline]
    fn lookup<'a>(&'a self, thread: &'a Thread, name: &Obj<PyStr>) -> Option<Ref<'a>> {
        if !name.is_interned() {
            return self.lookup_uncached(thread, name);
        }
        self.lookup_interned(thread, name)
    }

    /// [`TypeExt::lookup`] of an interned name.
    #[inline(always)]
    fn lookup_interned<'a>(&'a self, thread: &'a Thread, name: &Obj<PyStr>) -> Option<Ref<'a>> {
        let class = self.class();
        match class.cache.get(thread, name) {
            Some(found) => found,
            None => class.cache.fill(thread, class, name),
        }
    }

    /// [`TypeExt::lookup`] without the class's cache.
    fn lookup_uncached<'a>(&'a self, thread: &'a Thread, name: &Obj<PyStr>) -> Option<Ref<'a>> {
        self.mro(thread).items().find_map(|class| {
            let class = class.downcast::<PyType>()?;
            class.namespace(thread).get_str(thread, name)
        })
    }

    /// Whether this class is `other` or derives from it.
    #[inline]
    fn is_subtype_of(&self, other: &Obj<PyType>) -> bool {
        let class = self.class();
        if std::ptr::eq(class, other) {
            return true;
        }
        match class.mro.get() {
            Some(mro) => mro.items().any(|base| base.is(other.get())),
            // Not populated yet: native classes have one base each.
            None => {
                let second = class.native().and_then(crate::types::type_::populate::second_base);
                class.base().into_iter().chain(second).any(|base| base.is_subtype_of(other))
            }
        }
    }
}

impl TypeExt for Obj<PyType> {
    #[inline(always)]
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
            let function = native_function::new(thread, method, Some(class.to_value()), None)?;
            static_method::new(thread, function)
        }
        MethodKind::New | MethodKind::Function => {
            native_function::new(thread, method, Some(class.to_value()), None)
        }
    }
}

/// An owned class, for places that keep one.
pub type OwnedType = Owned<PyType>;
