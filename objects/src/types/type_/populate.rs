//! Populating native classes: namespace, bases and `__mro__`, made when something is first looked up.

use crate::class::{StaticType, TypeFlags};
use crate::error::PyResult;
use crate::types::dict::{DictExt, PyDict};
use crate::types::exception::{Exception, ExceptionGroup};
use crate::types::r#type::{PyType, Subclass, method_object};
use crate::types::type_::members;
use crate::types::{dict, generic_alias, getset, tuple};
use orochi_core::{Obj, Thread};
use std::cell::Cell;
use std::sync::Mutex;

static POPULATING: Mutex<()> = Mutex::new(());
thread_local! {
    /// Populating one class looks at others; this thread then holds the lock already.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Gives a native class its namespace. Several threads may ask at once: one does it, the others wait (it takes a few
/// microseconds and runs no Python code).
#[cold]
pub(crate) fn populate(thread: &Thread, native: &'static StaticType) {
    let _guard =
        (DEPTH.get() == 0).then(|| POPULATING.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    if native.is_ready() || native.get().namespace.get().is_some() {
        return;
    }
    DEPTH.set(DEPTH.get() + 1);
    // Without memory for a namespace there's no going on; the class stays empty and the lookup that asked fails.
    let _ = fill(thread, native);
    DEPTH.set(DEPTH.get() - 1);
    native.set_ready();
}

/// The other base of the one native class that has two: an ExceptionGroup is an Exception.
pub(crate) fn second_base(native: &'static StaticType) -> Option<&'static Obj<PyType>> {
    std::ptr::eq(native, &ExceptionGroup).then(|| Exception.get())
}

fn fill(thread: &Thread, native: &'static StaticType) -> PyResult<()> {
    let class = native.get();
    let namespace = dict::new(thread)?.immortalise();
    class.namespace.set(class, namespace);
    let base = native.base().map(StaticType::get);
    let bases: Vec<_> = base.into_iter().chain(second_base(native)).map(|base| base.to_value()).collect();
    let bases = tuple::new(thread, bases)?.immortalise();
    class.bases.set(class, bases);
    let mro = crate::types::type_::mro::linearise(thread, class.get(), bases)?;
    for base in base.into_iter().chain(second_base(native)) {
        base.subclasses.with(base, thread, |subclasses, _| subclasses.push(Subclass::Native(class)));
    }
    class.mro.set(class, tuple::new(thread, mro)?.immortalise());
    let spec = native.spec();
    let is_generic = spec.flags.0 & TypeFlags::GENERIC.0 != 0;
    for part in spec.parts.iter().copied().chain(is_generic.then_some(&generic_alias::GENERIC)) {
        for method in part.methods {
            let object = method_object(thread, class, method)?;
            namespace.initialise_str(thread, crate::str::intern(thread, method.name)?, object)?;
        }
        for definition in part.getset {
            let object = getset::new(thread, class, definition)?;
            namespace.initialise_str(thread, crate::str::intern(thread, definition.name)?, object)?;
        }
    }
    let inherited = |flag| base.is_some_and(|base| base.has(flag));
    for (flag, definition) in
        [(TypeFlags::DICT, &members::INSTANCE_DICT), (TypeFlags::WEAKREF, &members::INSTANCE_WEAKREF)]
    {
        if class.has(flag) && !inherited(flag) {
            let object = getset::new(thread, class, definition)?;
            namespace.initialise_str(thread, crate::str::intern(thread, definition.name)?, object)?;
        }
    }
    if !spec.match_args.is_empty() {
        let names = spec.match_args.iter().map(|name| Ok(crate::str::intern(thread, name)?.to_value()));
        let names = tuple::new(thread, names.collect::<PyResult<_>>()?)?.into_value();
        namespace.initialise_str(thread, crate::str::intern(thread, "__match_args__")?, names)?;
    }
    let doc = spec.doc;
    let doc = if doc.is_empty() { orochi_core::Value::NONE } else { crate::str::new(thread, doc)? };
    namespace.initialise_str(thread, crate::str::intern(thread, "__doc__")?, doc)?;
    crate::types::type_::wrappers::add_wrappers(thread, class, namespace)
}

/// What a class whose population failed shows.
pub(crate) fn empty_namespace(thread: &Thread) -> &Obj<PyDict> {
    dict::empty_shared(thread)
}
