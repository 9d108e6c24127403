//! The iterator of a generic alias: it gives `*alias` once, which is what `tuple[*alias]` asks for.

use crate::error::PyResult;
use crate::types::generic_alias::{self, PyGenericAlias};
use crate::types::iterators::reduced;
use crate::types::tuple;
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Gives `*alias` and nothing more.
#[pyclass(name = "generic_alias_iterator", no_new)]
#[derive(Trace)]
pub(crate) struct PyGenericAliasIterator {
    /// The alias until it has been given.
    alias: AtomicField,
}

/// `iter(alias)`.
pub(crate) fn new(thread: &Thread, alias: &Obj<PyGenericAlias>) -> PyResult {
    let alias = AtomicField::new_local(alias.to_value());
    Ok(crate::make(thread, PyGenericAliasIterator { alias })?.into_value())
}

#[pymethods]
impl PyGenericAliasIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        // Of several threads one gets it.
        let Some(alias) = this.alias.swap(this, thread, None) else { return Ok(None) };
        let alias = alias.get().downcast::<PyGenericAlias>();
        alias.map(|alias| generic_alias::starred(thread, alias)).transpose()
    }

    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        reduced(thread, "iter", |thread| match this.alias.get(thread) {
            Some(alias) => Ok((vec![alias], None)),
            None => Ok((vec![tuple::new(thread, Vec::new())?.into_value()], None)),
        })
    }
}
