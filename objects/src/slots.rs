//! The slots of a class: what the operators and protocols of the language call, with CPython's names.
//!
//! `Slots` is the constant table a native class is declared with. `SlotTable` is what a class object holds: the same
//! entries as atomics, since assigning `C.__len__` changes a slot while other threads call through it. A reader sees the
//! old function or the new one.

use crate::args::Args;
use crate::buffer::BufferView;
use crate::error::PyResult;
use crate::protocol::compare::CompareOp;
use crate::types::r#type::PyType;
use orochi_core::sync::{AtomicUsize, Ordering};
use orochi_core::{Obj, Ref, Thread, Value};

/// What `am_send` gives.
#[derive(Debug)]
pub enum Sent {
    /// The generator yielded.
    Yield(Value),
    /// It returned.
    Return(Value),
}

/// `(thread, self) -> value`.
pub type Unary = fn(&mut Thread, Ref<'_>) -> PyResult<Value>;
/// `(thread, left, right) -> value`: either operand may be of the slot's class, as in C.
pub type Binary = fn(&mut Thread, Ref<'_>, Ref<'_>) -> PyResult<Value>;
/// `(thread, left, right, modulus or None) -> value`.
pub type Ternary = fn(&mut Thread, Ref<'_>, Ref<'_>, Ref<'_>) -> PyResult<Value>;
/// `(thread, self) -> length`.
pub type Length = fn(&mut Thread, Ref<'_>) -> PyResult<usize>;
/// `(thread, self) -> bool`.
pub type Inquiry = fn(&mut Thread, Ref<'_>) -> PyResult<bool>;
/// `(thread, self, index) -> value`.
pub type SizeArg = fn(&mut Thread, Ref<'_>, i64) -> PyResult<Value>;

/// A type that functions in slots have.
trait SlotType: Copy {
    fn into_function(self) -> SlotFunction;
    fn from_function(function: SlotFunction) -> Option<Self>;
}

macro_rules! slot_types {
    ($($variant:ident($type:ty);)*) => {
        /// A function for a slot, with its type.
        #[derive(Clone, Copy)]
        pub enum SlotFunction { $(#[doc = stringify!($type)] $variant($type),)* }

        $(impl SlotType for $type {
            fn into_function(self) -> SlotFunction {
                SlotFunction::$variant(self)
            }

            fn from_function(function: SlotFunction) -> Option<Self> {
                match function {
                    SlotFunction::$variant(function) => Some(function),
                    _ => None,
                }
            }
        })*

        impl SlotFunction {
            /// The function's address: the same function has the same.
            pub fn address(self) -> usize {
                match self { $(SlotFunction::$variant(function) => function as usize,)* }
            }
        }
    };
}

slot_types! {
    Unary(Unary);
    Binary(Binary);
    Ternary(Ternary);
    Length(Length);
    Inquiry(Inquiry);
    SizeArg(SizeArg);
    Hash(fn(&mut Thread, Ref<'_>) -> PyResult<i64>);
    Call(fn(&mut Thread, Ref<'_>, Args<'_>) -> PyResult<Value>);
    KnownResult(for<'a> fn(&'a Thread, Ref<'a>, Args<'a>) -> Option<Ref<'a>>);
    SetAttr(fn(&mut Thread, Ref<'_>, Ref<'_>, Option<Ref<'_>>) -> PyResult<()>);
    RichCompare(fn(&mut Thread, Ref<'_>, Ref<'_>, CompareOp) -> PyResult<Value>);
    IterNext(fn(&mut Thread, Ref<'_>) -> PyResult<Option<Value>>);
    DescrGet(fn(&mut Thread, Ref<'_>, Option<Ref<'_>>, Option<Ref<'_>>) -> PyResult<Value>);
    Init(fn(&mut Thread, Ref<'_>, Args<'_>) -> PyResult<()>);
    New(fn(&mut Thread, &Obj<PyType>, Args<'_>) -> PyResult<Value>);
    Finalize(fn(&mut Thread, Ref<'_>) -> PyResult<()>);
    Send(fn(&mut Thread, Ref<'_>, Ref<'_>) -> PyResult<Sent>);
    SetItem(fn(&mut Thread, Ref<'_>, i64, Option<Ref<'_>>) -> PyResult<()>);
    Contains(fn(&mut Thread, Ref<'_>, Ref<'_>) -> PyResult<bool>);
    GetBuffer(fn(&mut Thread, Ref<'_>, u32) -> PyResult<BufferView>);
    ReleaseBuffer(fn(&mut Thread, Ref<'_>));
}

macro_rules! slots {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {
        /// The slots a native class declares. Absent ones are inherited.
        #[derive(Clone, Copy)]
        pub struct Slots { $($(#[$doc])* pub $name: Option<$type>,)* }

        impl Slots {
            /// No slot at all.
            pub const EMPTY: Slots = Slots { $($name: None,)* };

            /// The slot with this number.
            pub fn get(&self, slot: SlotId) -> Option<SlotFunction> {
                match slot { $(SlotId::$name => self.$name.map(SlotType::into_function),)* }
            }
        }

        /// The number of a slot.
        #[allow(non_camel_case_types, reason = "slots keep the names that CPython gives them")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum SlotId { $($name,)* }

        impl SlotId {
            /// All slots.
            pub const ALL: &'static [SlotId] = &[$(SlotId::$name,)*];
        }

        /// The slots of a class object.
        pub struct SlotTable([AtomicUsize; SlotId::ALL.len()]);

        impl SlotTable {
            /// The table of a declaration.
            pub fn new(slots: &Slots) -> SlotTable {
                let table = SlotTable([const { AtomicUsize::new(0) }; SlotId::ALL.len()]);
                table.merge(slots);
                table
            }

            /// Enters every slot that the declaration has.
            pub fn merge(&self, slots: &Slots) {
                $(if let Some(function) = slots.$name { self.set_raw(SlotId::$name, function as usize); })*
            }

            /// The slot with this number.
            pub fn get(&self, slot: SlotId) -> Option<SlotFunction> {
                match slot { $(SlotId::$name => self.$name().map(SlotType::into_function),)* }
            }

            /// Sets the slot with this number; a function of another slot's type empties it.
            pub fn set(&self, slot: SlotId, function: Option<SlotFunction>) {
                match slot {
                    $(SlotId::$name => {
                        let function: Option<$type> = function.and_then(SlotType::from_function);
                        self.set_raw(slot, function.map_or(0, |function| function as usize));
                    })*
                }
            }

            $(
                $(#[$doc])*
                #[inline(always)]
                pub fn $name(&self) -> Option<$type> {
                    let raw = self.raw(SlotId::$name);
                    // SAFETY: only functions of this slot's type are entered under its number.
                    (raw != 0).then(|| unsafe { std::mem::transmute::<usize, $type>(raw) })
                }
            )*
        }
    };
}

impl SlotTable {
    /// The function's address, or 0.
    #[inline(always)]
    pub fn raw(&self, slot: SlotId) -> usize {
        // Relaxed: a function pointer is all there is to see.
        self.0[slot as usize].load(Ordering::Relaxed)
    }

    /// Sets a slot to the address of a function of the slot's type, or 0.
    pub fn set_raw(&self, slot: SlotId, function: usize) {
        self.0[slot as usize].store(function, Ordering::Relaxed);
    }
}

slots! {
    /// repr(x)
    tp_repr: Unary;
    /// str(x)
    tp_str: Unary;
    /// hash(x)
    tp_hash: fn(&mut Thread, Ref<'_>) -> PyResult<i64>;
    /// x(...)
    tp_call: fn(&mut Thread, Ref<'_>, Args<'_>) -> PyResult<Value>;
    /// What x(...) would give, where that is known without running Python code, and lies in an object; so a call counts nothing.
    /// Classes that inherit it may call themselves otherwise: ask those only that have declared it.
    tp_known_result: for<'a> fn(&'a Thread, Ref<'a>, Args<'a>) -> Option<Ref<'a>>;
    /// x.name
    tp_getattro: Binary;
    /// x.name = value, or del x.name
    tp_setattro: fn(&mut Thread, Ref<'_>, Ref<'_>, Option<Ref<'_>>) -> PyResult<()>;
    /// x < y and so on; NotImplemented passes the question on
    tp_richcompare: fn(&mut Thread, Ref<'_>, Ref<'_>, CompareOp) -> PyResult<Value>;
    /// iter(x)
    tp_iter: Unary;
    /// next(x); None (of Rust) when exhausted
    tp_iternext: fn(&mut Thread, Ref<'_>) -> PyResult<Option<Value>>;
    /// descriptor: (self, instance, owner class)
    tp_descr_get: fn(&mut Thread, Ref<'_>, Option<Ref<'_>>, Option<Ref<'_>>) -> PyResult<Value>;
    /// descriptor: set or delete
    tp_descr_set: fn(&mut Thread, Ref<'_>, Ref<'_>, Option<Ref<'_>>) -> PyResult<()>;
    /// x.__init__(...)
    tp_init: fn(&mut Thread, Ref<'_>, Args<'_>) -> PyResult<()>;
    /// class.__new__(class, ...)
    tp_new: fn(&mut Thread, &Obj<PyType>, Args<'_>) -> PyResult<Value>;
    /// finalizer (`__del__`)
    tp_finalize: fn(&mut Thread, Ref<'_>) -> PyResult<()>;
    /// await x
    am_await: Unary;
    /// aiter(x)
    am_aiter: Unary;
    /// anext(x)
    am_anext: Unary;
    /// x.send(value) without an exception for the end
    am_send: fn(&mut Thread, Ref<'_>, Ref<'_>) -> PyResult<Sent>;
    nb_add: Binary;
    nb_subtract: Binary;
    nb_multiply: Binary;
    nb_remainder: Binary;
    nb_divmod: Binary;
    nb_power: Ternary;
    nb_negative: Unary;
    nb_positive: Unary;
    nb_absolute: Unary;
    nb_bool: Inquiry;
    nb_invert: Unary;
    nb_lshift: Binary;
    nb_rshift: Binary;
    nb_and: Binary;
    nb_xor: Binary;
    nb_or: Binary;
    nb_int: Unary;
    nb_float: Unary;
    nb_index: Unary;
    nb_floor_divide: Binary;
    nb_true_divide: Binary;
    nb_matrix_multiply: Binary;
    nb_inplace_add: Binary;
    nb_inplace_subtract: Binary;
    nb_inplace_multiply: Binary;
    nb_inplace_remainder: Binary;
    nb_inplace_power: Ternary;
    nb_inplace_lshift: Binary;
    nb_inplace_rshift: Binary;
    nb_inplace_and: Binary;
    nb_inplace_xor: Binary;
    nb_inplace_or: Binary;
    nb_inplace_floor_divide: Binary;
    nb_inplace_true_divide: Binary;
    nb_inplace_matrix_multiply: Binary;
    sq_length: Length;
    sq_concat: Binary;
    sq_repeat: SizeArg;
    sq_item: SizeArg;
    sq_ass_item: fn(&mut Thread, Ref<'_>, i64, Option<Ref<'_>>) -> PyResult<()>;
    sq_contains: fn(&mut Thread, Ref<'_>, Ref<'_>) -> PyResult<bool>;
    sq_inplace_concat: Binary;
    sq_inplace_repeat: SizeArg;
    mp_length: Length;
    mp_subscript: Binary;
    mp_ass_subscript: fn(&mut Thread, Ref<'_>, Ref<'_>, Option<Ref<'_>>) -> PyResult<()>;
    /// the buffer protocol; the flags are CPython's PyBUF_*
    bf_getbuffer: fn(&mut Thread, Ref<'_>, u32) -> PyResult<BufferView>;
    /// called when a view of the buffer is released
    bf_releasebuffer: fn(&mut Thread, Ref<'_>);
}
