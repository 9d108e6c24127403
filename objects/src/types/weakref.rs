//! `weakref.ReferenceType`, `ProxyType` and `CallableProxyType`.
//!
//! The slot, its table and the race with the referent's death are the runtime's (`core::weak`). A proxy forwards every
//! operation to its referent by the ordinary protocols.

pub mod proxy;

use crate::args::Args;
use crate::error::{PyResult, type_error};
use crate::protocol::{self, CompareOp};
use crate::types::str::PyStr;
use crate::types::r#type::{PyType, TypeExt};
use crate::{class_of, name};
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::weak::{self, WeakSlot};
use orochi_core::{Header, Layout, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use std::ptr::NonNull;

const NO_HASH: u64 = u64::MAX;

unsafe fn slot_of(object: NonNull<Header>) -> NonNull<WeakSlot> {
    // SAFETY: called for live weak references.
    NonNull::from(&unsafe { object.cast::<Obj<PyWeakRef>>().as_ref() }.slot)
}

/// A weak reference to an object: calling it gives the object, or None once that is gone.
#[pyclass(
    name = "ReferenceType",
    generic,
    module = "weakref",
    subclassable,
    unsafe_layout = Layout::of::<PyWeakRef>().with_weak_slot(slot_of)
)]
#[derive(Trace)]
#[repr(C)]
pub struct PyWeakRef {
    slot: WeakSlot,
    /// The referent's hash once asked for (-1, which no hash is, before).
    hash: AtomicU64,
}

/// Whether instances of the object's class may be referenced weakly.
fn check_referent(object: Ref<'_>) -> PyResult<()> {
    let class = class_of(object);
    if object.header().is_some() && class.has(crate::TypeFlags::WEAKREF) {
        return Ok(());
    }
    Err(type_error(format!("cannot create weak reference to '{}' object", class.name())))
}

fn make(thread: &mut Thread, class: &Obj<PyType>, object: Ref<'_>, callback: Option<Value>) -> PyResult {
    check_referent(object)?;
    let payload = PyWeakRef { slot: WeakSlot::new(callback), hash: AtomicU64::new(NO_HASH) };
    let made = crate::alloc(thread, class, payload)?;
    weak::register(thread, made.get(), object);
    Ok(made.into_value())
}

/// The object's plain weak reference of this class: the one that is there, or a new one.
fn shared(thread: &mut Thread, class: &'static Obj<PyType>, object: Ref<'_>) -> PyResult {
    check_referent(object)?;
    let plain = |thread: &Thread, found: &Value| {
        let reference = found.get().downcast::<PyWeakRef>();
        std::ptr::eq(class_of(found.get()), class)
            && reference.is_some_and(|reference| reference.slot.callback.load(thread).is_none())
    };
    if let Some(found) = weak::references(thread, object).into_iter().find(|found| plain(thread, found)) {
        return Ok(found);
    }
    make(thread, class, object, None)
}

/// `weakref.proxy(object, callback=None)`.
pub fn new_proxy(thread: &mut Thread, object: Ref<'_>, callback: Option<Ref<'_>>) -> PyResult {
    let class = match class_of(object).slots.tp_call() {
        Some(_) => proxy::CALLABLE_PROXY.get(),
        None => proxy::PROXY.get(),
    };
    match callback {
        None => shared(thread, class, object),
        Some(callback) => make(thread, class, object, Some(callback.to_owned())),
    }
}

/// The object's plain weak reference.
///
/// # Errors
/// TypeError if there are none to such objects; MemoryError.
pub fn to(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    shared(thread, <PyWeakRef as crate::PyClass>::static_type().get(), object)
}

/// A class's plain weak reference, for its bases.
pub(crate) fn to_class(thread: &mut Thread, class: &Obj<PyType>) -> PyResult {
    shared(thread, <PyWeakRef as crate::PyClass>::static_type().get(), class.get())
}

impl PyWeakRef {
    /// Whether the referent is gone.
    pub(crate) fn is_dead(&self) -> bool {
        self.slot.is_dead()
    }

    /// The referent, if it is alive.
    pub fn upgrade(&self, thread: &Thread) -> Option<Value> {
        self.slot.upgrade(thread)
    }

    /// Whether this object, which is alive, is the referent.
    pub fn is_to(&self, object: Ref<'_>) -> bool {
        self.slot.is_to(object)
    }
}

fn new_reference(
    thread: &mut Thread,
    cls: &Obj<PyType>,
    object: Ref<'_>,
    callback: Option<Ref<'_>>,
) -> PyResult {
    let plain = <PyWeakRef as crate::PyClass>::static_type().get();
    if callback.is_none() && std::ptr::eq(cls, plain) {
        return shared(thread, plain, object);
    }
    make(thread, cls, object, callback.map(Ref::to_owned))
}

/// 0 for the plain weak reference that everybody shares, 1 for the plain proxy, 2 for others.
pub fn sharing_rank(thread: &Thread, reference: Ref<'_>) -> u8 {
    let class = class_of(reference);
    let has_callback =
        reference.downcast::<PyWeakRef>().is_none_or(|found| found.slot.callback.load(thread).is_some());
    let is_of = |shared: &'static Obj<PyType>| !has_callback && std::ptr::eq(class, shared);
    if is_of(<PyWeakRef as crate::PyClass>::static_type().get()) {
        0
    } else if is_of(proxy::PROXY.get()) || is_of(proxy::CALLABLE_PROXY.get()) {
        1
    } else {
        2
    }
}

/// An attribute that the object's class gives it.
fn class_attribute(thread: &mut Thread, object: Ref<'_>, name: &Obj<PyStr>) -> PyResult<Option<Value>> {
    let class = class_of(object);
    let Some(found) = class.lookup(thread, name).map(Ref::to_owned) else { return Ok(None) };
    match class_of(found.get()).slots.tp_descr_get() {
        Some(get) => get(thread, found.get(), Some(object), Some(class.get())).map(Some),
        None => Ok(Some(found)),
    }
}

#[pymethods]
impl PyWeakRef {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        // Subclasses may take more arguments in their `__init__`.
        let Some(object) = args.get(0) else {
            return Err(type_error("__new__ expected at least 1 argument, got 0"));
        };
        let callback = args.get(1).filter(|callback| !callback.is_none());
        new_reference(thread, cls, object, callback)
    }

    #[slot]
    fn tp_init(_thread: &mut Thread, _this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        args.no_keywords("ref")?;
        if args.is_empty() || args.len() > 2 {
            return Err(type_error(format!("__init__ expected at most 2 arguments, got {}", args.len())));
        }
        Ok(())
    }

    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        if !args.is_empty() || args.keyword_count() != 0 {
            return Err(type_error("weakref.__call__() takes no arguments"));
        }
        Ok(this.upgrade(thread).unwrap_or(Value::NONE))
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        let known = this.hash.load(Ordering::Relaxed);
        if known != NO_HASH {
            return Ok(known as i64);
        }
        let Some(referent) = this.upgrade(thread) else {
            return Err(type_error("weak object has gone away"));
        };
        let hash = protocol::hash(thread, referent.get())?;
        this.hash.store(hash as u64, Ordering::Relaxed);
        Ok(hash)
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(a), Some(b)) = (left.downcast::<Self>(), right.downcast::<Self>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        match (a.upgrade(thread), b.upgrade(thread)) {
            (Some(a), Some(b)) => protocol::rich_compare(thread, a.get(), b.get(), op),
            _ => Ok(Value::bool(left.is(right) == (op == CompareOp::Eq))),
        }
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let address = this.get().word();
        let Some(referent) = this.upgrade(thread) else {
            return crate::str::new(thread, &format!("<weakref at {address:#x}; dead>"));
        };
        let name = class_attribute(thread, referent.get(), name!("__name__"))?;
        let class = class_of(referent.get()).name();
        let name = match name.filter(|name| name.get().downcast::<crate::types::str::PyStr>().is_some()) {
            Some(name) => format!(" ({})", crate::str::display(name.get())),
            None => String::new(),
        };
        let to = referent.get().word();
        crate::str::new(thread, &format!("<weakref at {address:#x}; to '{class}' at {to:#x}{name}>"))
    }

    #[member]
    fn __callback__(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        if this.slot.is_dead() { None } else { this.slot.callback.get(thread) }
    }
}
