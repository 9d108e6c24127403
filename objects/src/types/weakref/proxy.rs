//! Weak proxies: every operation is done by the referent.

use super::PyWeakRef;
use crate::args::Signature;
use crate::class::{MethodDef, MethodKind, MethodPart, StaticType, TypeFlags, TypeSpec};
use crate::error::{PyErr, PyResult};
use crate::protocol::{self, number};
use crate::slots::Slots;
use crate::types::exception;
use orochi_core::{Payload, Ref, Thread, Value};

/// The referent of a proxy, or the operand itself if it is none. ReferenceError if the referent is gone.
fn real(thread: &Thread, object: Ref<'_>) -> PyResult<Value> {
    let is_proxy = object
        .header()
        .is_some_and(|header| [PROXY.address(), CALLABLE_PROXY.address()].contains(&header.class()));
    match object.downcast::<PyWeakRef>().filter(|_| is_proxy) {
        None => Ok(object.to_owned()),
        Some(reference) => reference.upgrade(thread).ok_or_else(|| {
            PyErr::with_message(&exception::ReferenceError, "weakly-referenced object no longer exists")
        }),
    }
}

/// Slots that hand their operands' referents to a function of the protocols.
macro_rules! forward {
    (binary: $($slot:ident $function:ident,)*; unary: $($unary:ident $one:ident,)*) => {
        Slots {
            $($slot: Some(|thread, left, right| {
                let (left, right) = (real(thread, left)?, real(thread, right)?);
                number::$function(thread, left.get(), right.get())
            }),)*
            $($unary: Some(|thread, this| {
                let this = real(thread, this)?;
                number::$one(thread, this.get())
            }),)*
            ..Slots::EMPTY
        }
    };
}

static NUMBERS: MethodPart = MethodPart {
    slots: forward! {
        binary:
        nb_add add,
        nb_subtract subtract,
        nb_multiply multiply,
        nb_matrix_multiply matrix_multiply,
        nb_true_divide true_divide,
        nb_floor_divide floor_divide,
        nb_remainder remainder,
        nb_lshift lshift,
        nb_rshift rshift,
        nb_and and,
        nb_xor xor,
        nb_or or,
        nb_inplace_add inplace_add,
        nb_inplace_subtract inplace_subtract,
        nb_inplace_multiply inplace_multiply,
        nb_inplace_matrix_multiply inplace_matrix_multiply,
        nb_inplace_true_divide inplace_true_divide,
        nb_inplace_floor_divide inplace_floor_divide,
        nb_inplace_remainder inplace_remainder,
        nb_inplace_lshift inplace_lshift,
        nb_inplace_rshift inplace_rshift,
        nb_inplace_and inplace_and,
        nb_inplace_xor inplace_xor,
        nb_inplace_or inplace_or,
        ;
        unary: nb_negative negative, nb_positive positive, nb_invert invert,
    },
    methods: &[],
    getset: &[],
    construction: "",
};

/// A method that the referent's method of the same name does.
macro_rules! forwarded_method {
    ($name:literal) => {{
        static SIGNATURE: Signature = Signature::new($name, None, &[], "($self, /)");
        MethodDef {
            name: $name,
            kind: MethodKind::Method,
            quick: None,
            function: |thread, args| {
                let this = args.get(0).ok_or_else(|| crate::error::type_error("a proxy is needed"))?;
                let this = real(thread, this)?;
                protocol::call_method(thread, this.get(), $name, &[])
            },
            signature: &SIGNATURE,
            doc: "",
        }
    }};
}

static OBJECT: MethodPart = MethodPart {
    slots: Slots {
        tp_getattro: Some(|thread, this, name| {
            let this = real(thread, this)?;
            protocol::get_attr(thread, this.get(), crate::str::expect_attribute_name(name)?)
        }),
        tp_setattro: Some(|thread, this, name, value| {
            let this = real(thread, this)?;
            protocol::set_attr(thread, this.get(), crate::str::expect_attribute_name(name)?, value)
        }),
        tp_str: Some(|thread, this| {
            let this = real(thread, this)?;
            protocol::str(thread, this.get())
        }),
        tp_repr: Some(|thread, this| {
            let referent = real(thread, this)?;
            let class = crate::class_of(referent.get()).full_name();
            let (at, to) = (this.word(), referent.get().word());
            crate::str::new(thread, &format!("<weakproxy at {at:#x}; to '{class}' at {to:#x}>"))
        }),
        tp_hash: Some(|_, this| {
            let class = crate::class_of(this).full_name();
            Err(crate::error::type_error(format!("unhashable type: '{class}'")))
        }),
        tp_richcompare: Some(|thread, left, right, op| {
            let (left, right) = (real(thread, left)?, real(thread, right)?);
            protocol::rich_compare(thread, left.get(), right.get(), op)
        }),
        tp_iter: Some(|thread, this| {
            let this = real(thread, this)?;
            protocol::iter(thread, this.get())
        }),
        tp_iternext: Some(|thread, this| {
            let referent = real(thread, this)?;
            if crate::class_of(referent.get()).slots.tp_iternext().is_none() {
                let class = crate::class_of(referent.get()).full_name();
                let text = format!("Weakref proxy referenced a non-iterator '{class}' object");
                return Err(crate::error::type_error(text));
            }
            protocol::next(thread, referent.get())
        }),
        nb_power: Some(|thread, base, exponent, modulus| {
            let (base, exponent) = (real(thread, base)?, real(thread, exponent)?);
            let modulus = real(thread, modulus)?;
            match modulus.get().is_none() {
                true => number::power(thread, base.get(), exponent.get()),
                false => number::power_modulo(thread, base.get(), exponent.get(), modulus.get()),
            }
        }),
        nb_inplace_power: Some(|thread, base, exponent, _| {
            let (base, exponent) = (real(thread, base)?, real(thread, exponent)?);
            number::inplace_power(thread, base.get(), exponent.get())
        }),
        nb_bool: Some(|thread, this| {
            let this = real(thread, this)?;
            protocol::is_true(thread, this.get())
        }),
        nb_index: Some(|thread, this| {
            let this = real(thread, this)?;
            crate::types::int::index(thread, this.get())
        }),
        nb_float: Some(|thread, this| {
            let this = real(thread, this)?;
            let value = number::as_float(thread, this.get())?;
            crate::types::float::new(thread, value)
        }),
        sq_contains: Some(|thread, this, item| {
            let this = real(thread, this)?;
            protocol::contains(thread, this.get(), item)
        }),
        mp_length: Some(|thread, this| {
            let this = real(thread, this)?;
            protocol::len(thread, this.get())
        }),
        mp_subscript: Some(|thread, this, key| {
            let this = real(thread, this)?;
            protocol::get_item(thread, this.get(), key)
        }),
        mp_ass_subscript: Some(|thread, this, key, value| {
            let this = real(thread, this)?;
            protocol::set_item(thread, this.get(), key, value)
        }),
        ..Slots::EMPTY
    },
    methods: &[forwarded_method!("__bytes__"), forwarded_method!("__reversed__")],
    getset: &[],
    construction: "",
};

static CALL: MethodPart = MethodPart {
    slots: Slots {
        tp_call: Some(|thread, this, args| {
            let this = real(thread, this)?;
            protocol::call_args(thread, this.get(), args)
        }),
        ..Slots::EMPTY
    },
    methods: &[],
    getset: &[],
    construction: "",
};

macro_rules! proxy_class {
    ($(#[$doc:meta])* $name:ident, $class:literal, $parts:expr) => {
        $(#[$doc])*
        pub static $name: StaticType = {
            static SPEC: TypeSpec = TypeSpec {
                name: $class,
                module: "weakref",
                doc: "",
                base: None,
                layout: PyWeakRef::LAYOUT,
                flags: TypeFlags::DISALLOW_INSTANTIATION.union(TypeFlags::IMMUTABLE),
                match_args: &[],
                quick: None,
                parts: $parts,
            };
            StaticType::new(&SPEC)
        };
    };
}

proxy_class! {
    /// `weakref.ProxyType`.
    PROXY, "ProxyType", &[&NUMBERS, &OBJECT]
}
proxy_class! {
    /// `weakref.CallableProxyType`.
    CALLABLE_PROXY, "CallableProxyType", &[&NUMBERS, &OBJECT, &CALL]
}
