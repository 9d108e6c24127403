//! `_functools`: partial application, reduction, comparison keys, and the cache of `lru_cache`.

mod cache;
mod comparison;
mod partial;

use orochi_core::{Obj, Thread};
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::type_error;
use orochi_objects::types::exception::TypeError;
use orochi_objects::types::module::PyModule;
use orochi_objects::{ModuleExt, PyClass, PyResult, PyType, Ref, protocol};

/// The class `functools.partial`.
pub(crate) fn partial_class() -> &'static Obj<PyType> {
    partial::Partial::static_type().get()
}

/// Tools that operate on functions.
#[pymodule(
    name = "_functools",
    functions(reduce, comparison::cmp_to_key),
    classes(partial::Partial, partial::PlaceholderType, cache::LruCacheWrapper)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    let placeholder = partial::placeholder(thread)?;
    module.add(thread, "Placeholder", placeholder)
}

/// Apply a function of two arguments cumulatively to the items of an iterable, from left to right.
///
/// This effectively reduces the iterable to a single value.  If initial is present,
/// it is placed before the items of the iterable in the calculation, and serves as
/// a default when the iterable is empty.
///
/// For example, reduce(lambda x, y: x+y, [1, 2, 3, 4, 5])
/// calculates ((((1 + 2) + 3) + 4) + 5).
#[pyfunction]
#[signature(function, iterable, /, initial=<missing>)]
fn reduce(thread: &mut Thread, function: Ref<'_>, iterable: Ref<'_>, initial: Option<Ref<'_>>) -> PyResult {
    let iterator = protocol::iter(thread, iterable).map_err(|error| {
        if error.matches(&TypeError) { type_error("reduce() arg 2 must support iteration") } else { error }
    })?;
    let mut total = initial.map(Ref::to_owned);
    while let Some(item) = protocol::next(thread, iterator.get())? {
        total = Some(match total {
            None => item,
            Some(total) => protocol::call(thread, function, &[total.get(), item.get()])?,
        });
    }
    total.ok_or_else(|| type_error("reduce() of empty iterable with no initial value"))
}
