//! Static types: the classes that native code declares.
//!
//! A static type's class object lies in static memory, so its address is a constant: comparing an object's class with it
//! costs no load. It comes to life in two steps, each on first use, so that a type nobody touches costs nothing:
//! 1. the *shell* (`get`): header, layout, flags, slots inherited from the base's shell. Allocates no objects.
//! 2. *populating* (`populate`): namespace, `__mro__`, `__bases__`; done when something is looked up in the class.

use crate::args::{NativeFn, Signature};
use crate::error::PyResult;
use crate::quick::QuickFn;
use crate::slots::Slots;
use crate::storage::instance::InstanceLayout;
use crate::types::r#type::PyType;
use orochi_core::{Layout, Obj, Payload, Ref, Thread, TypeFields, TypeHead, Value};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

/// What a method table entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodKind {
    /// A module's function.
    Function,
    /// Takes the instance first.
    Method,
    /// Takes the class first.
    ClassMethod,
    /// Takes neither.
    StaticMethod,
    /// `__new__`.
    New,
}

/// A native function or method.
#[derive(Debug)]
pub struct MethodDef {
    /// Its Python name.
    pub name: &'static str,
    /// How it is bound.
    pub kind: MethodKind,
    /// The shim that the interpreter calls.
    pub function: NativeFn,
    /// What is tried before.
    pub quick: Option<QuickFn>,
    /// Its parameters.
    pub signature: &'static Signature,
    /// `__doc__`.
    pub doc: &'static str,
}

/// A computed attribute.
pub struct GetSetDef {
    /// Its Python name.
    pub name: &'static str,
    /// Reads it.
    pub get: Option<fn(&mut Thread, Ref<'_>) -> PyResult<Value>>,
    /// Sets it, or deletes it (`None`).
    pub set: Option<fn(&mut Thread, Ref<'_>, Option<Ref<'_>>) -> PyResult<()>>,
    /// `__doc__`.
    pub doc: &'static str,
    /// Its descriptor is a `member_descriptor`: CPython's structure has a field for it.
    pub member: bool,
}

/// A group of methods, attributes and slots of a class.
pub struct MethodPart {
    /// Slots.
    pub slots: Slots,
    /// Methods.
    pub methods: &'static [MethodDef],
    /// Computed attributes.
    pub getset: &'static [GetSetDef],
    /// `__text_signature__` of the class; empty if this part doesn't say how it is called.
    pub construction: &'static str,
}

/// Implemented by `#[pymethods]`.
pub trait PyMethods {
    /// The parts of the class.
    const PARTS: &'static [&'static MethodPart];
}

/// A native class; implemented by `#[pyclass]`.
pub trait PyClass: Payload {
    /// `__name__`.
    const NAME: &'static str;
    /// `__module__`.
    const MODULE: &'static str;
    /// The class object.
    fn static_type() -> &'static StaticType;
}

/// Properties of a class, CPython's `tp_flags` where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeFlags(pub u64);

impl TypeFlags {
    /// None.
    pub const EMPTY: TypeFlags = TypeFlags(0);
    /// May be a base class (Py_TPFLAGS_BASETYPE).
    pub const SUBCLASSABLE: TypeFlags = TypeFlags(1 << 10);
    /// Attributes of the class can't be set (Py_TPFLAGS_IMMUTABLETYPE).
    pub const IMMUTABLE: TypeFlags = TypeFlags(1 << 8);
    /// Calling the class is a TypeError (Py_TPFLAGS_DISALLOW_INSTANTIATION).
    pub const DISALLOW_INSTANTIATION: TypeFlags = TypeFlags(1 << 7);
    /// Matches sequence patterns (Py_TPFLAGS_SEQUENCE).
    pub const SEQUENCE: TypeFlags = TypeFlags(1 << 5);
    /// Matches mapping patterns (Py_TPFLAGS_MAPPING).
    pub const MAPPING: TypeFlags = TypeFlags(1 << 6);
    /// A class statement made it (Py_TPFLAGS_HEAPTYPE).
    pub const HEAP: TypeFlags = TypeFlags(1 << 9);
    /// Its instances bind like methods when called through an instance (Py_TPFLAGS_METHOD_DESCRIPTOR).
    pub const METHOD_DESCRIPTOR: TypeFlags = TypeFlags(1 << 17);
    /// Has abstract methods (Py_TPFLAGS_IS_ABSTRACT).
    pub const ABSTRACT: TypeFlags = TypeFlags(1 << 20);
    /// Class patterns with one positional sub-pattern match the subject itself (_Py_TPFLAGS_MATCH_SELF).
    pub const MATCH_SELF: TypeFlags = TypeFlags(1 << 22);
    /// Instances have a `__dict__` (Py_TPFLAGS_MANAGED_DICT).
    pub const DICT: TypeFlags = TypeFlags(1 << 4);
    /// Instances can be referenced weakly (Py_TPFLAGS_MANAGED_WEAKREF).
    pub const WEAKREF: TypeFlags = TypeFlags(1 << 3);
    /// Has a `__class_getitem__` that makes generic aliases (nothing of CPython's; programs don't see it).
    pub const GENERIC: TypeFlags = TypeFlags(1 << 40);
    /// int or a subclass (Py_TPFLAGS_LONG_SUBCLASS; so the next ones).
    pub const INT_SUBCLASS: TypeFlags = TypeFlags(1 << 24);
    /// list or a subclass.
    pub const LIST_SUBCLASS: TypeFlags = TypeFlags(1 << 25);
    /// tuple or a subclass.
    pub const TUPLE_SUBCLASS: TypeFlags = TypeFlags(1 << 26);
    /// bytes or a subclass.
    pub const BYTES_SUBCLASS: TypeFlags = TypeFlags(1 << 27);
    /// str or a subclass.
    pub const STR_SUBCLASS: TypeFlags = TypeFlags(1 << 28);
    /// dict or a subclass.
    pub const DICT_SUBCLASS: TypeFlags = TypeFlags(1 << 29);
    /// BaseException or a subclass.
    pub const EXCEPTION_SUBCLASS: TypeFlags = TypeFlags(1 << 30);
    /// type or a subclass.
    pub const TYPE_SUBCLASS: TypeFlags = TypeFlags(1 << 31);

    /// Gives instances this many `__slots__` that nothing names: the fields of a structure behind its items.
    pub const fn with_slots(self, slots: u8) -> TypeFlags {
        TypeFlags(self.0 | (slots as u64) << 48)
    }

    /// See [`TypeFlags::with_slots`].
    pub const fn slots(self) -> u8 {
        (self.0 >> 48) as u8
    }

    /// Both.
    pub const fn union(self, other: TypeFlags) -> TypeFlags {
        TypeFlags(self.0 | other.0)
    }

    /// Flags that a class takes over from its base.
    pub const INHERITED: TypeFlags = TypeFlags(
        Self::INT_SUBCLASS.0
            | Self::LIST_SUBCLASS.0
            | Self::TUPLE_SUBCLASS.0
            | Self::BYTES_SUBCLASS.0
            | Self::STR_SUBCLASS.0
            | Self::DICT_SUBCLASS.0
            | Self::EXCEPTION_SUBCLASS.0
            | Self::TYPE_SUBCLASS.0
            | Self::SEQUENCE.0
            | Self::MAPPING.0
            | Self::MATCH_SELF.0
            | Self::DICT.0
            | Self::WEAKREF.0,
    );
}

/// The declaration of a native class.
pub struct TypeSpec {
    /// `__name__`.
    pub name: &'static str,
    /// `__module__`.
    pub module: &'static str,
    /// `__doc__`.
    pub doc: &'static str,
    /// The base class; `object` if absent.
    pub base: Option<fn() -> &'static StaticType>,
    /// The memory of instances.
    pub layout: &'static Layout,
    /// Properties.
    pub flags: TypeFlags,
    /// `__match_args__`, if there are any.
    pub match_args: &'static [&'static str],
    /// What is tried before an instance is made as usual.
    pub quick: Option<QuickFn>,
    /// Methods, attributes, slots.
    pub parts: &'static [&'static MethodPart],
}

const ABSENT: u8 = 0;
const SHELL: u8 = 1;
const READY: u8 = 2;

/// A class object in static memory. See the module.
pub struct StaticType {
    spec: &'static TypeSpec,
    state: AtomicU8,
    storage: UnsafeCell<MaybeUninit<Obj<PyType>>>,
}

// SAFETY: the storage is written once, under the lock below, before `state` says SHELL; from then on only its atomic and
// guarded parts change.
unsafe impl Sync for StaticType {}

impl std::fmt::Debug for StaticType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<class {}>", self.spec.name)
    }
}

static SHELLS: Mutex<()> = Mutex::new(());

impl StaticType {
    /// A type that comes to life when it is first used.
    pub const fn new(spec: &'static TypeSpec) -> StaticType {
        StaticType { spec, state: AtomicU8::new(ABSENT), storage: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// The class object's address, whether or not it has come to life.
    #[inline(always)]
    pub const fn address(&'static self) -> *const TypeHead {
        self.storage.get().cast()
    }

    /// The class object.
    #[inline(always)]
    pub fn get(&'static self) -> &'static Obj<PyType> {
        // Acquire pairs with the Releases in `make_shell`.
        if self.state.load(Ordering::Acquire) == ABSENT {
            self.make_shell();
        }
        // SAFETY: initialised, and never moved or freed.
        unsafe { (*self.storage.get()).assume_init_ref() }
    }

    /// Whether the class object has come to life.
    #[inline(always)]
    pub(crate) fn is_alive(&self) -> bool {
        // Acquire pairs with the Releases in `make_shell`.
        self.state.load(Ordering::Acquire) != ABSENT
    }

    /// The declaration.
    pub fn spec(&self) -> &'static TypeSpec {
        self.spec
    }

    /// Whether the namespace is there.
    #[inline(always)]
    pub fn is_ready(&self) -> bool {
        // Acquire pairs with the Release in `set_ready`.
        self.state.load(Ordering::Acquire) == READY
    }

    /// Says that the namespace is there.
    pub(crate) fn set_ready(&self) {
        self.state.store(READY, Ordering::Release);
    }

    #[cold]
    fn make_shell(&'static self) {
        let (object, metaclass) = (crate::types::object::PyObject::static_type(), PyType::static_type());
        if std::ptr::eq(self, metaclass) {
            object.get();
            return;
        }
        let base = self.base().map(StaticType::get);
        let _guard = SHELLS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if self.state.load(Ordering::Acquire) != ABSENT {
            return;
        }
        self.write_shell(base);
        // `type` comes to life together with `object`, so the class of a class that is alive is alive too.
        if std::ptr::eq(self, object) {
            // SAFETY: written just now.
            metaclass.write_shell(Some(unsafe { (*self.storage.get()).assume_init_ref() }));
            metaclass.state.store(SHELL, Ordering::Release);
        }
        self.state.store(SHELL, Ordering::Release);
    }

    /// Writes the class object. The caller holds the lock and has found it absent.
    fn write_shell(&'static self, base: Option<&'static Obj<PyType>>) {
        let inherited = base.map_or(0, |base| base.flags().0 & TypeFlags::INHERITED.0);
        let flags = TypeFlags(self.spec.flags.0 | inherited);
        let instance = InstanceLayout {
            has_dict: flags.0 & TypeFlags::DICT.0 != 0,
            slots: flags.slots().into(),
            inline: 0,
        };
        let fields = TypeFields::new(
            self.spec.layout,
            instance.offset(self.spec.layout),
            instance.size(),
            instance.ops(),
        );
        let class = PyType::shell(self, fields, instance, flags, base);
        let metaclass = PyType::static_type();
        // SAFETY: the lock makes this the only write, before anybody reads.
        unsafe {
            let object = orochi_core::alloc::immortal(metaclass.address(), class);
            (*self.storage.get()).write(object);
        }
    }

    /// The base's declaration.
    pub fn base(&'static self) -> Option<&'static StaticType> {
        let object = crate::types::object::PyObject::static_type();
        match self.spec.base {
            Some(base) => Some(base()),
            None if std::ptr::eq(self, object) => None,
            None => Some(object),
        }
    }
}

/// The object as an instance of exactly this native class, whose instances are never immediates.
#[inline(always)]
pub fn exactly<'a, T: PyClass>(object: Ref<'a>) -> Option<&'a Obj<T>> {
    let class = object.on_heap()?.class();
    // SAFETY: exactly this class, whose payload is `T`.
    std::ptr::eq(class, T::static_type().address()).then(|| unsafe { object.cast() })
}

#[inline(never)]
fn is_class_of_immediate(object: Ref<'_>, class: &'static StaticType) -> bool {
    std::ptr::eq(crate::immediate_class(object), class)
}

/// Whether an object is exactly an instance of a static class.
#[inline(always)]
pub fn is_exact(object: Ref<'_>, class: &'static StaticType) -> bool {
    match object.on_heap() {
        Some(header) => std::ptr::eq(header.class(), class.address()),
        None => is_class_of_immediate(object, class),
    }
}
