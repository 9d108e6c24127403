//! The built-in types and protocols of Python. `docs/native-api.md` says how native code is written.
//!
//! Start reading at [`class`] and [`slots`] (what a native class is), [`types`] (one file or folder per type) and
//! [`protocol`] (what operators mean). This crate knows nothing of bytecode: the interpreter above fills in how Python
//! functions are called.

extern crate self as orochi_objects;

pub mod args;
pub mod attributes;
pub mod buffer;
pub mod class;
pub mod codecs;
pub mod collection;
pub mod convert;
pub mod error;
pub mod finalize;
pub mod frames;
pub mod hash;
pub mod interned;
pub mod interpreter;
pub mod monitoring;
pub mod protocol;
pub mod quick;
pub mod slots;
pub mod state;
pub mod storage;
pub mod thread;
pub mod tracing;
pub mod types;
pub mod warn;

pub use orochi_core as core;
pub use orochi_core::{AtomicField, Field, Guarded, Obj, Owned, Owner, Ref, Thread, Value};

pub use args::{
    ArgContext, ArgSlice, Args, FromArg, KwArgs, NativeFn, Param, ParamKind, Signature, optional, required,
};
pub use class::{
    GetSetDef, MethodDef, MethodKind, MethodPart, PyClass, PyMethods, StaticType, TypeFlags, TypeSpec,
};
pub use convert::IntoPy;
pub use error::{PyErr, PyResult};
pub use interned::Name;
pub use protocol::CompareOp;
pub use slots::Slots;
pub use types::dict::{DictExt, PyDict};
pub use types::module::{ModuleDef, ModuleExt, PyModule};
pub use types::r#type::{PyType, TypeExt};
pub use types::{bytes, float, int, str, tuple};

use orochi_core::{Payload, word};
use std::ptr::NonNull;

/// The class of any object.
#[inline(always)]
pub fn class_of(object: Ref<'_>) -> &Obj<PyType> {
    match object.on_heap() {
        // SAFETY: every class object is an `Obj<PyType>` and outlives its instances.
        Some(header) => unsafe { &*header.class().cast::<Obj<PyType>>() },
        None => immediate_class(object).get(),
    }
}

/// The class of an object that lies in its word.
#[inline]
pub(crate) fn immediate_class(object: Ref<'_>) -> &'static StaticType {
    let word = object.word();
    if word::is_int(word) {
        return types::int::PyInt::static_type();
    }
    if word::is_flonum(word) {
        return types::float::PyFloat::static_type();
    }
    match word {
        word::TRUE | word::FALSE => types::bool::PyBool::static_type(),
        word::ELLIPSIS => types::singletons::PyEllipsis::static_type(),
        word::NOT_IMPLEMENTED => types::singletons::PyNotImplemented::static_type(),
        _ => types::singletons::PyNone::static_type(),
    }
}

/// A new object of a class whose layout is `T`'s. MemoryError if there is no memory; TypeError if the layout is another.
#[inline]
pub fn alloc<T: Payload>(thread: &Thread, class: &Obj<PyType>, payload: T) -> PyResult<Owned<T>> {
    if !std::ptr::eq(class.fields.layout, T::LAYOUT) {
        return Err(other_layout(class));
    }
    // SAFETY: the layout is T's, which has no tail (payloads with one have their own constructors).
    let made = unsafe { orochi_core::alloc::allocate(thread, NonNull::from(class).cast(), payload) };
    made.ok_or_else(error::memory_error)
}

#[cold]
fn other_layout(class: &Obj<PyType>) -> PyErr {
    error::type_error(format!("{} is not a class of this layout", class.name()))
}

/// A new object of exactly the class `T`.
#[inline]
pub fn make<T: PyClass>(thread: &Thread, payload: T) -> PyResult<Owned<T>> {
    let class = NonNull::from(T::static_type().get()).cast();
    // SAFETY: the class of `T` has the layout of `T`, which has no tail.
    let made = unsafe { orochi_core::alloc::allocate(thread, class, payload) };
    made.ok_or_else(error::memory_error)
}

/// The receiver of a method: an instance of `T`, or TypeError.
#[inline(always)]
pub fn receiver<'a, T: PyClass>(
    _thread: &mut Thread,
    this: Ref<'a>,
    signature: &'static Signature,
) -> PyResult<&'a Obj<T>> {
    match this.downcast::<T>() {
        Some(receiver) => Ok(receiver),
        None => Err(wrong_receiver(this, T::NAME, signature)),
    }
}

/// The same check for methods that take the receiver as a `Ref`.
#[inline]
pub fn receiver_ref<'a, T: PyClass>(
    _thread: &mut Thread,
    this: Ref<'a>,
    signature: &'static Signature,
) -> PyResult<Ref<'a>> {
    let class = T::static_type();
    if class::is_exact(this, class) || class_of(this).is_subtype_of(class.get()) {
        return Ok(this);
    }
    Err(wrong_receiver(this, T::NAME, signature))
}

#[cold]
fn wrong_receiver(this: Ref<'_>, class: &str, signature: &'static Signature) -> PyErr {
    error::type_error(format!(
        "descriptor '{}' for '{class}' objects doesn't apply to a '{}' object",
        signature.function,
        class_of(this).name()
    ))
}

/// The receiver of a slot, getter or setter.
#[inline(always)]
pub fn slot_receiver<'a, T: PyClass>(this: Ref<'a>) -> PyResult<&'a Obj<T>> {
    match this.downcast::<T>() {
        Some(receiver) => Ok(receiver),
        None => Err(wrong_slot_receiver(this, T::NAME)),
    }
}

#[cold]
fn wrong_slot_receiver(this: Ref<'_>, class: &str) -> PyErr {
    error::type_error(format!("expected a {class} object, not {}", class_of(this).name()))
}

/// The class that a class method was called on.
#[inline]
pub fn type_receiver<'a>(this: Ref<'a>) -> PyResult<&'a Obj<PyType>> {
    slot_receiver::<PyType>(this)
}

/// All parameters of a method with required, positional-only parameters.
#[inline]
pub fn exact_args<'a, const N: usize>(
    thread: &mut Thread,
    args: &Args<'a>,
    signature: &'static Signature,
) -> PyResult<[Ref<'a>; N]> {
    match args.exact::<N>() {
        Some(values) => Ok(values),
        None => bind_exactly(thread, args, signature),
    }
}

#[cold]
fn bind_exactly<'a, const N: usize>(
    thread: &mut Thread,
    args: &Args<'a>,
    signature: &'static Signature,
) -> PyResult<[Ref<'a>; N]> {
    Ok(signature.bind::<N>(thread, args)?.map(|value| value.unwrap_or(Ref::NONE)))
}

/// The arguments of a function without `*` and `**`, of which `positional` may be given by position and the first
/// `required` must be given.
#[inline]
pub fn bind_args<'a, const N: usize>(
    thread: &mut Thread,
    args: &Args<'a>,
    signature: &'static Signature,
    required: usize,
    positional: usize,
) -> PyResult<[Option<Ref<'a>>; N]> {
    let given = args.len();
    if args.keyword_count() == 0 && given >= required && given <= positional {
        return Ok(std::array::from_fn(|i| args.get(i)));
    }
    signature.bind::<N>(thread, args)
}

/// The arguments for the `tp_new` of a class that takes no keywords. A subclass with an `__init__` of its own may be called
/// with keywords: they are meant for that.
pub fn new_args<'a, T: PyClass>(class: &Obj<PyType>, args: Args<'a>) -> Args<'a> {
    let own = T::static_type().get();
    let init = slots::SlotId::tp_init;
    let has_own_init = !std::ptr::eq(class, own) && class.slots.raw(init) != own.slots.raw(init);
    if has_own_init && args.keyword_count() != 0 { args.skip(0) } else { args }
}

/// The same for `tp_init`: keywords may be meant for the `__new__` of a subclass.
pub fn init_args<'a, T: PyClass>(this: Ref<'_>, args: Args<'a>) -> Args<'a> {
    let (class, own) = (class_of(this), T::static_type().get());
    let new = slots::SlotId::tp_new;
    let has_own_new = !std::ptr::eq(class, own) && class.slots.raw(new) != own.slots.raw(new);
    if has_own_new && args.keyword_count() != 0 { args.skip(0) } else { args }
}

/// `T.__new__(cls, …)` called as a function.
pub fn call_new<T: PyClass>(
    thread: &mut Thread,
    args: Args<'_>,
    new: fn(&mut Thread, &Obj<PyType>, Args<'_>) -> PyResult<Value>,
) -> PyResult<Value> {
    let class = types::type_::wrap::class_argument(T::static_type().get(), &args)?;
    new(thread, class, args.rest())
}
