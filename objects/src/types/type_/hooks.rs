//! What a new class calls: `__set_name__` of its attributes and `__init_subclass__` of its base.

use crate::args::Args;
use crate::error::{PyErr, PyResult};
use crate::name;
use crate::protocol::special;
use crate::types::dict;
use crate::types::super_;
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::{Obj, Ref, Thread, Value};

/// Tells the attributes of a new class their names.
pub(crate) fn set_names(thread: &mut Thread, class: &Obj<PyType>) -> PyResult<()> {
    for entry in dict::entries(thread, class.namespace(thread))? {
        let value = entry.value.get();
        let args = [class.get(), entry.key.get()];
        if let Err(error) = special::call(thread, value, name!("__set_name__"), &args) {
            return Err(annotate(thread, error, class, entry.key.get(), value));
        }
    }
    Ok(())
}

/// Adds a note that says in which attribute it happened.
fn annotate(
    thread: &mut Thread,
    mut error: PyErr,
    class: &Obj<PyType>,
    key: Ref<'_>,
    value: Ref<'_>,
) -> PyErr {
    let name = match crate::protocol::repr(thread, key) {
        Ok(text) => crate::str::display(text.get()),
        Err(error) => return error,
    };
    let note = format!(
        "Error calling __set_name__ on '{}' instance {name} in '{}'",
        crate::class_of(value).name(),
        class.name()
    );
    let exception = error.value(thread);
    let added = crate::str::new(thread, &note)
        .and_then(|note| crate::protocol::call_method(thread, exception.get(), "add_note", &[note.get()]));
    match added {
        Ok(_) => error,
        Err(error) => error,
    }
}

/// `super(class, class).__init_subclass__(**kwargs)`.
pub(crate) fn init_subclass(thread: &mut Thread, class: &Obj<PyType>, args: &Args<'_>) -> PyResult<()> {
    if !class.mro(thread).items().any(|entry| entry.is(class.get())) {
        // What `super()` says: a metaclass's `mro()` has left the class itself out.
        return Err(super_::not_an_instance(class, class.get()));
    }
    let method = super_::attribute_of(thread, class, class.get(), class, name!("__init_subclass__"))?;
    let Some(method) = method else { return Ok(()) };
    let keywords: Vec<Ref<'_>> = args.keywords().map(|(_, value)| value).collect();
    crate::protocol::call_args(thread, method.get(), Args::with_names(&keywords, args.names()))
        .map(drop::<Value>)
}
