//! The table that relates special methods to slots, both ways:
//! - `generic` is what a slot holds when a class defines the special method in Python: it looks the method up and calls it;
//! - `wrap` is how `wrapper_descriptor` objects call a native slot.
//!
//! A method may feed several slots (`__len__`) and a slot several methods (`__add__`, `__radd__`). Where two slots implement one
//! method the first one that a native class defines gets the wrapper.

use super::generic::{self as g, number as n};
use super::wrap::{self as w, Wrap};
use crate::slots::SlotFunction as F;
use crate::slots::SlotId::{self, *};

/// One relation between a special method and a slot.
pub(crate) struct SlotDef {
    /// The special method.
    pub name: &'static str,
    /// The slot.
    pub slot: SlotId,
    /// What the slot becomes when the method isn't native; `None`: the slot stays empty then.
    pub generic: Option<F>,
    /// Calls a native slot.
    pub wrap: Wrap,
    /// `__doc__`.
    pub doc: &'static str,
    /// `__text_signature__`.
    pub signature: &'static str,
}

macro_rules! defs {
    ($($name:literal $slot:ident $generic:expr, $wrap:ident, $signature:literal $doc:literal;)*) => {
        /// The table, in CPython's order.
        pub(crate) static SLOT_DEFS: &[SlotDef] = &[$(SlotDef {
            name: $name,
            slot: $slot,
            generic: $generic,
            wrap: w::$wrap,
            doc: $doc,
            signature: $signature,
        }),*];
    };
}

defs! {
    "__getattribute__" tp_getattro Some(F::Binary(g::getattr_hook)), binary, "($self, name, /)" "Return getattr(self, name).";
    "__getattr__" tp_getattro Some(F::Binary(g::getattr_hook)), binary, "" "";
    "__setattr__" tp_setattro Some(F::SetAttr(g::setattr)), setattr, "($self, name, value, /)" "Implement setattr(self, name, value).";
    "__delattr__" tp_setattro Some(F::SetAttr(g::setattr)), delattr, "($self, name, /)" "Implement delattr(self, name).";
    "__repr__" tp_repr Some(F::Unary(g::repr)), unary, "($self, /)" "Return repr(self).";
    "__hash__" tp_hash Some(F::Hash(g::hash)), hash, "($self, /)" "Return hash(self).";
    "__call__" tp_call Some(F::Call(g::call)), call, "($self, /, *args, **kwargs)" "Call self as a function.";
    "__str__" tp_str Some(F::Unary(g::str)), unary, "($self, /)" "Return str(self).";
    "__lt__" tp_richcompare Some(F::RichCompare(g::richcompare)), lt, "($self, value, /)" "Return self<value.";
    "__le__" tp_richcompare Some(F::RichCompare(g::richcompare)), le, "($self, value, /)" "Return self<=value.";
    "__eq__" tp_richcompare Some(F::RichCompare(g::richcompare)), eq, "($self, value, /)" "Return self==value.";
    "__ne__" tp_richcompare Some(F::RichCompare(g::richcompare)), ne, "($self, value, /)" "Return self!=value.";
    "__gt__" tp_richcompare Some(F::RichCompare(g::richcompare)), gt, "($self, value, /)" "Return self>value.";
    "__ge__" tp_richcompare Some(F::RichCompare(g::richcompare)), ge, "($self, value, /)" "Return self>=value.";
    "__iter__" tp_iter Some(F::Unary(g::iter)), unary, "($self, /)" "Implement iter(self).";
    "__next__" tp_iternext Some(F::IterNext(g::iternext)), next, "($self, /)" "Implement next(self).";
    "__buffer__" bf_getbuffer Some(F::GetBuffer(g::getbuffer)), buffer, "($self, flags, /)" "Return a buffer object that exposes the underlying memory of the object.";
    "__get__" tp_descr_get Some(F::DescrGet(g::descr_get)), descr_get, "($self, instance, owner=None, /)" "Return an attribute of instance, which is of type owner.";
    "__set__" tp_descr_set Some(F::SetAttr(g::descr_set)), descr_set, "($self, instance, value, /)" "Set an attribute of instance to value.";
    "__delete__" tp_descr_set Some(F::SetAttr(g::descr_set)), descr_delete, "($self, instance, /)" "Delete an attribute of instance.";
    "__init__" tp_init Some(F::Init(g::init)), init, "($self, /, *args, **kwargs)" "Initialize self.  See help(type(self)) for accurate signature.";
    "__del__" tp_finalize Some(F::Finalize(g::finalize)), finalize, "($self, /)" "Called when the instance is about to be destroyed.";
    "__await__" am_await Some(F::Unary(g::await_)), unary, "($self, /)" "Return an iterator to be used in await expression.";
    "__aiter__" am_aiter Some(F::Unary(g::aiter)), unary, "($self, /)" "Return an awaitable, that resolves in asynchronous iterator.";
    "__anext__" am_anext Some(F::Unary(g::anext)), unary, "($self, /)" "Return a value or raise StopAsyncIteration.";
    "__add__" nb_add Some(F::Binary(n::add)), binary, "($self, value, /)" "Return self+value.";
    "__radd__" nb_add Some(F::Binary(n::add)), reflected, "($self, value, /)" "Return value+self.";
    "__sub__" nb_subtract Some(F::Binary(n::subtract)), binary, "($self, value, /)" "Return self-value.";
    "__rsub__" nb_subtract Some(F::Binary(n::subtract)), reflected, "($self, value, /)" "Return value-self.";
    "__mul__" nb_multiply Some(F::Binary(n::multiply)), binary, "($self, value, /)" "Return self*value.";
    "__rmul__" nb_multiply Some(F::Binary(n::multiply)), reflected, "($self, value, /)" "Return value*self.";
    "__mod__" nb_remainder Some(F::Binary(n::remainder)), binary, "($self, value, /)" "Return self%value.";
    "__rmod__" nb_remainder Some(F::Binary(n::remainder)), reflected, "($self, value, /)" "Return value%self.";
    "__divmod__" nb_divmod Some(F::Binary(n::divmod)), binary, "($self, value, /)" "Return divmod(self, value).";
    "__rdivmod__" nb_divmod Some(F::Binary(n::divmod)), reflected, "($self, value, /)" "Return divmod(value, self).";
    "__pow__" nb_power Some(F::Ternary(n::power)), ternary, "($self, value, mod=None, /)" "Return pow(self, value, mod).";
    "__rpow__" nb_power Some(F::Ternary(n::power)), ternary_reflected, "($self, value, mod=None, /)" "Return pow(value, self, mod).";
    "__neg__" nb_negative Some(F::Unary(n::negative)), unary, "($self, /)" "-self";
    "__pos__" nb_positive Some(F::Unary(n::positive)), unary, "($self, /)" "+self";
    "__abs__" nb_absolute Some(F::Unary(n::absolute)), unary, "($self, /)" "abs(self)";
    "__bool__" nb_bool Some(F::Inquiry(n::bool)), inquiry, "($self, /)" "True if self else False";
    "__invert__" nb_invert Some(F::Unary(n::invert)), unary, "($self, /)" "~self";
    "__lshift__" nb_lshift Some(F::Binary(n::lshift)), binary, "($self, value, /)" "Return self<<value.";
    "__rlshift__" nb_lshift Some(F::Binary(n::lshift)), reflected, "($self, value, /)" "Return value<<self.";
    "__rshift__" nb_rshift Some(F::Binary(n::rshift)), binary, "($self, value, /)" "Return self>>value.";
    "__rrshift__" nb_rshift Some(F::Binary(n::rshift)), reflected, "($self, value, /)" "Return value>>self.";
    "__and__" nb_and Some(F::Binary(n::and)), binary, "($self, value, /)" "Return self&value.";
    "__rand__" nb_and Some(F::Binary(n::and)), reflected, "($self, value, /)" "Return value&self.";
    "__xor__" nb_xor Some(F::Binary(n::xor)), binary, "($self, value, /)" "Return self^value.";
    "__rxor__" nb_xor Some(F::Binary(n::xor)), reflected, "($self, value, /)" "Return value^self.";
    "__or__" nb_or Some(F::Binary(n::or)), binary, "($self, value, /)" "Return self|value.";
    "__ror__" nb_or Some(F::Binary(n::or)), reflected, "($self, value, /)" "Return value|self.";
    "__int__" nb_int Some(F::Unary(n::int)), unary, "($self, /)" "int(self)";
    "__float__" nb_float Some(F::Unary(n::float)), unary, "($self, /)" "float(self)";
    "__iadd__" nb_inplace_add Some(F::Binary(n::inplace_add)), binary, "($self, value, /)" "Return self+=value.";
    "__isub__" nb_inplace_subtract Some(F::Binary(n::inplace_subtract)), binary, "($self, value, /)" "Return self-=value.";
    "__imul__" nb_inplace_multiply Some(F::Binary(n::inplace_multiply)), binary, "($self, value, /)" "Return self*=value.";
    "__imod__" nb_inplace_remainder Some(F::Binary(n::inplace_remainder)), binary, "($self, value, /)" "Return self%=value.";
    "__ipow__" nb_inplace_power Some(F::Ternary(n::inplace_power)), ternary, "($self, value, /)" "Return self**=value.";
    "__ilshift__" nb_inplace_lshift Some(F::Binary(n::inplace_lshift)), binary, "($self, value, /)" "Return self<<=value.";
    "__irshift__" nb_inplace_rshift Some(F::Binary(n::inplace_rshift)), binary, "($self, value, /)" "Return self>>=value.";
    "__iand__" nb_inplace_and Some(F::Binary(n::inplace_and)), binary, "($self, value, /)" "Return self&=value.";
    "__ixor__" nb_inplace_xor Some(F::Binary(n::inplace_xor)), binary, "($self, value, /)" "Return self^=value.";
    "__ior__" nb_inplace_or Some(F::Binary(n::inplace_or)), binary, "($self, value, /)" "Return self|=value.";
    "__floordiv__" nb_floor_divide Some(F::Binary(n::floor_divide)), binary, "($self, value, /)" "Return self//value.";
    "__rfloordiv__" nb_floor_divide Some(F::Binary(n::floor_divide)), reflected, "($self, value, /)" "Return value//self.";
    "__truediv__" nb_true_divide Some(F::Binary(n::true_divide)), binary, "($self, value, /)" "Return self/value.";
    "__rtruediv__" nb_true_divide Some(F::Binary(n::true_divide)), reflected, "($self, value, /)" "Return value/self.";
    "__ifloordiv__" nb_inplace_floor_divide Some(F::Binary(n::inplace_floor_divide)), binary, "($self, value, /)" "Return self//=value.";
    "__itruediv__" nb_inplace_true_divide Some(F::Binary(n::inplace_true_divide)), binary, "($self, value, /)" "Return self/=value.";
    "__index__" nb_index Some(F::Unary(n::index)), unary, "($self, /)" "Return self converted to an integer, if self is suitable for use as an index into a list.";
    "__matmul__" nb_matrix_multiply Some(F::Binary(n::matrix_multiply)), binary, "($self, value, /)" "Return self@value.";
    "__rmatmul__" nb_matrix_multiply Some(F::Binary(n::matrix_multiply)), reflected, "($self, value, /)" "Return value@self.";
    "__imatmul__" nb_inplace_matrix_multiply Some(F::Binary(n::inplace_matrix_multiply)), binary, "($self, value, /)" "Return self@=value.";
    "__len__" mp_length Some(F::Length(g::length)), length, "($self, /)" "Return len(self).";
    "__getitem__" mp_subscript Some(F::Binary(g::subscript)), binary, "($self, key, /)" "Return self[key].";
    "__setitem__" mp_ass_subscript Some(F::SetAttr(g::ass_subscript)), setitem, "($self, key, value, /)" "Set self[key] to value.";
    "__delitem__" mp_ass_subscript Some(F::SetAttr(g::ass_subscript)), delitem, "($self, key, /)" "Delete self[key].";
    "__len__" sq_length Some(F::Length(g::length)), length, "($self, /)" "Return len(self).";
    "__add__" sq_concat None, binary, "($self, value, /)" "Return self+value.";
    "__mul__" sq_repeat None, repeat, "($self, value, /)" "Return self*value.";
    "__rmul__" sq_repeat None, repeat, "($self, value, /)" "Return value*self.";
    "__getitem__" sq_item Some(F::SizeArg(g::item)), sequence_item, "($self, key, /)" "Return self[key].";
    "__setitem__" sq_ass_item Some(F::SetItem(g::ass_item)), sequence_setitem, "($self, key, value, /)" "Set self[key] to value.";
    "__delitem__" sq_ass_item Some(F::SetItem(g::ass_item)), sequence_delitem, "($self, key, /)" "Delete self[key].";
    "__contains__" sq_contains Some(F::Contains(g::contains)), contains, "($self, key, /)" "Return bool(key in self).";
    "__iadd__" sq_inplace_concat None, binary, "($self, value, /)" "Implement self+=value.";
    "__imul__" sq_inplace_repeat None, repeat, "($self, value, /)" "Implement self*=value.";
}

/// The relations of a special method.
pub(crate) fn of_name(name: &[u8]) -> impl Iterator<Item = &'static SlotDef> + use<'_> {
    SLOT_DEFS.iter().filter(move |def| def.name.as_bytes() == name)
}
