//! The method resolution order: the C3 linearisation of a class and its bases (Barrett et al., "A Monotonic Superclass
//! Linearization for Dylan", 1996).

use crate::error::{PyErr, PyResult, type_error};
use crate::types::tuple::{self, PyTuple};
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::{Obj, Owned, Ref, Thread, Value};

/// The linearisation of `class` with these bases. TypeError if there is none.
pub(crate) fn linearise(thread: &Thread, class: Ref<'_>, bases: &Obj<PyTuple>) -> PyResult<Vec<Value>> {
    for base in bases.items().filter_map(Ref::downcast::<PyType>) {
        if base.mro(thread).is_empty() {
            return Err(type_error(format!("Cannot extend an incomplete type '{}'", base.name())));
        }
    }
    let mut order = vec![class.to_owned()];
    if bases.len() == 1 {
        if let Some(base) = bases.item(0).and_then(Ref::downcast::<PyType>) {
            order.extend(base.mro(thread).items().map(Ref::to_owned));
        }
        return Ok(order);
    }
    check_duplicates(bases)?;
    let mut lists: Vec<Vec<Ref<'_>>> = Vec::with_capacity(bases.len() + 1);
    for base in bases.items() {
        if let Some(base) = base.downcast::<PyType>() {
            lists.push(base.mro(thread).items().collect());
        }
    }
    lists.push(bases.items().collect());
    // How much of each list has been used.
    let mut heads = vec![0; lists.len()];
    let rest =
        |heads: &[usize], i: usize| lists.get(i).and_then(|list| list.get(*heads.get(i)?..)).unwrap_or(&[]);
    loop {
        let candidates = (0..lists.len()).filter_map(|i| rest(&heads, i).first().copied());
        let candidates: Vec<Ref<'_>> = candidates.collect();
        if candidates.is_empty() {
            return Ok(order);
        }
        let in_tail = |candidate: Ref<'_>| {
            (0..lists.len()).any(|i| rest(&heads, i).iter().skip(1).any(|other| other.is(candidate)))
        };
        let Some(next) = candidates.iter().copied().find(|&candidate| !in_tail(candidate)) else {
            return Err(inconsistent(&candidates));
        };
        order.push(next.to_owned());
        for (i, head) in heads.iter_mut().enumerate() {
            if lists.get(i).and_then(|list| list.get(*head)).is_some_and(|first| first.is(next)) {
                *head += 1;
            }
        }
    }
}

fn check_duplicates(bases: &Obj<PyTuple>) -> PyResult<()> {
    for (i, base) in bases.items().enumerate() {
        if bases.items().skip(i + 1).any(|other| other.is(base)) {
            let name = base.downcast::<PyType>().map(|class| class.name()).unwrap_or_default();
            return Err(type_error(format!("duplicate base class {name}")));
        }
    }
    Ok(())
}

#[cold]
fn inconsistent(candidates: &[Ref<'_>]) -> PyErr {
    let mut names: Vec<(Ref<'_>, String)> = Vec::new();
    for &candidate in candidates {
        if !names.iter().any(|(other, _)| other.is(candidate)) {
            let name = candidate.downcast::<PyType>().map(|class| class.name()).unwrap_or_default();
            names.push((candidate, name.into_owned()));
        }
    }
    let names: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
    type_error(format!(
        "Cannot create a consistent method resolution order (MRO) for bases {}",
        names.join(", ")
    ))
}

/// What the class's metaclass says its MRO is: its own `mro()` if it has one.
pub(crate) fn of_class(thread: &mut Thread, class: &Obj<PyType>) -> PyResult<Owned<PyTuple>> {
    let metaclass = crate::class_of(class.get());
    let custom = !crate::class::is_exact(class.get(), <PyType as crate::class::PyClass>::static_type())
        && !metaclass.lookup(thread, crate::name!("mro")).is_some_and(|found| {
            found.downcast::<crate::types::method_descriptor::PyMethodDescriptor>().is_some()
        });
    if !custom {
        let order = linearise(thread, class.get(), class.bases(thread))?;
        return tuple::new(thread, order);
    }
    let result = crate::protocol::special::call_or_raise(thread, class.get(), crate::name!("mro"), &[])?;
    let order = crate::protocol::collect(thread, result.get())?;
    let solid = super::layout::solid_base(class);
    for entry in &order {
        let Some(entry_class) = entry.get().downcast::<PyType>() else {
            let given = crate::class_of(entry.get()).name();
            return Err(type_error(format!("mro() returned a non-class ('{given}')")));
        };
        if !solid.is_subtype_of(super::layout::solid_base(entry_class)) {
            let name = entry_class.name();
            return Err(type_error(format!("mro() returned base with unsuitable layout ('{name}')")));
        }
    }
    tuple::new(thread, order)
}
