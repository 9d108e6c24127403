//! Wrappers: how a special method of a native class calls the slot that implements it.
//!
//! Each takes the slot's function, the receiver and the arguments, checks their number and converts arguments and result.
//! A function of another slot's type can't be passed by anything in this crate; it is answered with SystemError.

use crate::args::Args;
use crate::error::{PyErr, PyResult, stop_iteration, system_error, type_error};
use crate::protocol::compare::CompareOp;
use crate::slots::SlotFunction;
use crate::types::int;
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::{Obj, Ref, Thread, Value};

/// A wrapper.
pub(crate) type Wrap = fn(&mut Thread, SlotFunction, Ref<'_>, Args<'_>) -> PyResult;

#[cold]
fn mismatch() -> PyErr {
    system_error("a slot's wrapper was given a function of another type")
}

/// A wrapper for slots whose functions are of one type.
macro_rules! wrapper {
    ($name:ident: $type:ident = |$thread:ident, $function:ident, $this:ident, $args:ident| $body:block) => {
        pub(crate) fn $name(
            $thread: &mut Thread,
            function: SlotFunction,
            $this: Ref<'_>,
            $args: Args<'_>,
        ) -> PyResult {
            let SlotFunction::$type($function) = function else { return Err(mismatch()) };
            $body
        }
    };
}

/// Exactly `N` arguments.
fn exact<'a, const N: usize>(args: &Args<'a>) -> PyResult<[Ref<'a>; N]> {
    args.exact::<N>().ok_or_else(|| {
        let plural = if N == 1 { "" } else { "s" };
        type_error(format!("expected {N} argument{plural}, got {}", args.len()))
    })
}

/// One or two arguments.
fn one_or_two<'a>(args: &Args<'a>) -> PyResult<(Ref<'a>, Option<Ref<'a>>)> {
    match (args.get(0), args.len()) {
        (Some(first), 1 | 2) => Ok((first, args.get(1))),
        (_, 0) => Err(type_error("expected at least 1 argument, got 0")),
        (_, count) => Err(type_error(format!("expected at most 2 arguments, got {count}"))),
    }
}

/// The arguments of `__pow__` and its like.
fn operand_and_modulus<'a>(args: &Args<'a>) -> PyResult<(Ref<'a>, Ref<'a>)> {
    match (args.get(0), args.len()) {
        (Some(operand), 1 | 2) => Ok((operand, args.get(1).unwrap_or(Ref::NONE))),
        (_, given) => Err(type_error(format!("expected 1 or 2 arguments, got {given}"))),
    }
}

wrapper!(unary: Unary = |thread, function, this, args| {
    exact::<0>(&args)?;
    function(thread, this)
});

wrapper!(binary: Binary = |thread, function, this, args| {
    let [other] = exact(&args)?;
    function(thread, this, other)
});

wrapper!(reflected: Binary = |thread, function, this, args| {
    let [other] = exact(&args)?;
    function(thread, other, this)
});

wrapper!(ternary: Ternary = |thread, function, this, args| {
    let (other, modulus) = operand_and_modulus(&args)?;
    function(thread, this, other, modulus)
});

wrapper!(ternary_reflected: Ternary = |thread, function, this, args| {
    let (other, modulus) = operand_and_modulus(&args)?;
    function(thread, other, this, modulus)
});

wrapper!(length: Length = |thread, function, this, args| {
    exact::<0>(&args)?;
    let length = function(thread, this)?;
    int::new(thread, i64::try_from(length).unwrap_or(i64::MAX))
});

wrapper!(inquiry: Inquiry = |thread, function, this, args| {
    exact::<0>(&args)?;
    Ok(Value::bool(function(thread, this)?))
});

wrapper!(hash: Hash = |thread, function, this, args| {
    exact::<0>(&args)?;
    let hash = function(thread, this)?;
    int::new(thread, hash)
});

wrapper!(call: Call = |thread, function, this, args| {
    function(thread, this, args)
});

wrapper!(init: Init = |thread, function, this, args| {
    function(thread, this, args)?;
    Ok(Value::NONE)
});

wrapper!(finalize: Finalize = |thread, function, this, args| {
    exact::<0>(&args)?;
    function(thread, this)?;
    Ok(Value::NONE)
});

wrapper!(next: IterNext = |thread, function, this, args| {
    exact::<0>(&args)?;
    function(thread, this)?.ok_or_else(|| stop_iteration(Value::NONE))
});

wrapper!(descr_get: DescrGet = |thread, function, this, args| {
    let (object, owner) = one_or_two(&args)?;
    let object = Some(object).filter(|object| !object.is_none());
    let owner = owner.filter(|owner| !owner.is_none());
    if object.is_none() && owner.is_none() {
        return Err(type_error("__get__(None, None) is invalid"));
    }
    function(thread, this, object, owner)
});

wrapper!(descr_set: SetAttr = |thread, function, this, args| {
    let [object, value] = exact(&args)?;
    function(thread, this, object, Some(value))?;
    Ok(Value::NONE)
});

wrapper!(descr_delete: SetAttr = |thread, function, this, args| {
    let [object] = exact(&args)?;
    function(thread, this, object, None)?;
    Ok(Value::NONE)
});

/// `object.__setattr__` of one native class must not bypass that of a more derived one (the "Carlo Verre hack").
fn check_setattr(function: usize, this: Ref<'_>, what: &str) -> PyResult<()> {
    let mut class = crate::class_of(this);
    loop {
        if class.native().is_some() {
            break;
        }
        let Some(base) = class.base() else { break };
        class = base;
    }
    let own = class.slots.tp_setattro().map_or(0, |own| own as usize);
    if own == function || crate::class_of(this).has(crate::class::TypeFlags::HEAP) && class.base().is_none() {
        return Ok(());
    }
    Err(type_error(format!("can't apply this {what} to {} object", crate::class_of(this).name())))
}

wrapper!(setattr: SetAttr = |thread, function, this, args| {
    let [name, value] = exact(&args)?;
    check_setattr(function as usize, this, "__setattr__")?;
    function(thread, this, name, Some(value))?;
    Ok(Value::NONE)
});

wrapper!(delattr: SetAttr = |thread, function, this, args| {
    let [name] = exact(&args)?;
    check_setattr(function as usize, this, "__delattr__")?;
    function(thread, this, name, None)?;
    Ok(Value::NONE)
});

wrapper!(setitem: SetAttr = |thread, function, this, args| {
    let [key, value] = exact(&args)?;
    function(thread, this, key, Some(value))?;
    Ok(Value::NONE)
});

wrapper!(delitem: SetAttr = |thread, function, this, args| {
    let [key] = exact(&args)?;
    function(thread, this, key, None)?;
    Ok(Value::NONE)
});

/// The index for a sequence's slot; negative ones count from the end.
fn index(thread: &mut Thread, this: Ref<'_>, key: Ref<'_>) -> PyResult<i64> {
    let index = int::index_i64(thread, key)?;
    match crate::class_of(this).slots.sq_length() {
        Some(length) if index < 0 => {
            Ok(index.saturating_add(i64::try_from(length(thread, this)?).unwrap_or(i64::MAX)))
        }
        _ => Ok(index),
    }
}

wrapper!(sequence_item: SizeArg = |thread, function, this, args| {
    let [key] = exact(&args)?;
    let index = index(thread, this, key)?;
    function(thread, this, index)
});

wrapper!(sequence_setitem: SetItem = |thread, function, this, args| {
    let [key, value] = exact(&args)?;
    let index = index(thread, this, key)?;
    function(thread, this, index, Some(value))?;
    Ok(Value::NONE)
});

wrapper!(sequence_delitem: SetItem = |thread, function, this, args| {
    let [key] = exact(&args)?;
    let index = index(thread, this, key)?;
    function(thread, this, index, None)?;
    Ok(Value::NONE)
});

wrapper!(repeat: SizeArg = |thread, function, this, args| {
    let [count] = exact(&args)?;
    let count = int::index_i64(thread, count)?;
    function(thread, this, count)
});

wrapper!(contains: Contains = |thread, function, this, args| {
    let [item] = exact(&args)?;
    Ok(Value::bool(function(thread, this, item)?))
});

macro_rules! comparisons {
    ($($name:ident => $op:ident;)*) => { $(
        wrapper!($name: RichCompare = |thread, function, this, args| {
            let [other] = exact(&args)?;
            function(thread, this, other, CompareOp::$op)
        });
    )* };
}
comparisons! {
    lt => Lt;
    le => Le;
    eq => Eq;
    ne => Ne;
    gt => Gt;
    ge => Ge;
}

/// The class whose tp_new a `__new__` call means.
pub(crate) fn class_argument<'a>(owner: &Obj<PyType>, args: &Args<'a>) -> PyResult<&'a Obj<PyType>> {
    let new = |class: &PyType| class.slots.raw(crate::slots::SlotId::tp_new);
    match args.get(0).and_then(Ref::downcast::<PyType>) {
        Some(class)
            if class.is_subtype_of(owner) && new(owner) != 0 && new(native_base(class)) == new(owner) =>
        {
            Ok(class)
        }
        _ => Err(no_class_argument(owner, args)),
    }
}

/// A native class in between knows better than the owner of `__new__` how its instances begin.
fn native_base(class: &Obj<PyType>) -> &Obj<PyType> {
    let mut native = class;
    while native.has(crate::class::TypeFlags::HEAP) {
        let Some(base) = native.base() else { break };
        native = base;
    }
    native
}

#[cold]
fn no_class_argument(owner: &Obj<PyType>, args: &Args<'_>) -> PyErr {
    let owner_name = owner.full_name();
    let Some(class) = args.get(0) else {
        return type_error(format!("{owner_name}.__new__(): not enough arguments"));
    };
    let Some(class) = class.downcast::<PyType>() else {
        let given = crate::class_of(class).name();
        return type_error(format!("{owner_name}.__new__(X): X is not a type object ({given})"));
    };
    let name = class.name();
    if !class.is_subtype_of(owner) {
        return type_error(format!("{owner_name}.__new__({name}): {name} is not a subtype of {owner_name}"));
    }
    let native = native_base(class);
    if native.slots.raw(crate::slots::SlotId::tp_new) == 0 {
        return type_error(format!("cannot create '{}' instances", native.full_name()));
    }
    let safe = native.name();
    type_error(format!("{owner_name}.__new__({name}) is not safe, use {safe}.__new__()"))
}

wrapper!(buffer: GetBuffer = |thread, function, this, args| {
    let [flags] = exact(&args)?;
    let flags = int::index_i64(thread, flags)?;
    let Ok(flags) = u32::try_from(flags) else {
        return Err(crate::error::overflow_error("buffer flags out of range"));
    };
    let mut view = function(thread, this, flags)?;
    crate::types::buffer_lender::attach(thread, this, None, &mut view)?;
    crate::types::memoryview::from_view(thread, view)
});
