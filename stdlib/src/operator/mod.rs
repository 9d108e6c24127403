//! `_operator`: the operators as functions, and the callables that fetch items, attributes or call methods.

mod functions;
mod getters;
mod sequences;

use orochi_core::{Obj, Thread};
use orochi_macros::pymodule;
use orochi_objects::PyResult;
use orochi_objects::types::module::PyModule;

/// Operator interface.
///
/// This module exports a set of functions implemented in C corresponding
/// to the intrinsic operators of Python.  For example, operator.add(x, y)
/// is equivalent to the expression x+y.
#[pymodule(
    name = "_operator",
    functions(
        functions::truth,
        functions::not_,
        functions::is_,
        functions::is_not,
        functions::is_none,
        functions::is_not_none,
        functions::lt,
        functions::le,
        functions::eq,
        functions::ne,
        functions::gt,
        functions::ge,
        functions::add,
        functions::sub,
        functions::mul,
        functions::matmul,
        functions::truediv,
        functions::floordiv,
        functions::mod_,
        functions::lshift,
        functions::rshift,
        functions::and_,
        functions::xor,
        functions::or_,
        functions::pow,
        functions::iadd,
        functions::isub,
        functions::imul,
        functions::imatmul,
        functions::itruediv,
        functions::ifloordiv,
        functions::imod,
        functions::ilshift,
        functions::irshift,
        functions::iand,
        functions::ixor,
        functions::ior,
        functions::ipow,
        functions::neg,
        functions::pos,
        functions::inv,
        functions::invert,
        functions::abs,
        functions::index,
        functions::call,
        sequences::contains,
        sequences::index_of,
        sequences::count_of,
        sequences::getitem,
        sequences::setitem,
        sequences::delitem,
        sequences::concat,
        sequences::iconcat,
        sequences::length_hint,
        sequences::compare_digest
    ),
    classes(getters::ItemGetter, getters::AttrGetter, getters::MethodCaller)
)]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
