//! Small helpers that several built-in types share: other objects that they make or name.

use crate::error::{PyResult, attribute_error_message};
use crate::protocol;
use crate::thread::ThreadState;
use crate::types::dict::{self, DictExt, PyDict};
use crate::types::exception::KeyError;
use crate::types::r#type::PyType;
use orochi_core::{Ref, Thread, Value};

/// A built-in function or class by name, as a program sees it: for `__reduce__`.
pub(crate) fn builtin(thread: &mut Thread, name: &str) -> PyResult {
    let name = crate::str::intern(thread, name)?;
    let builtins = crate::thread::running_builtins(thread)?;
    let found = match builtins.get().downcast::<PyDict>() {
        Some(builtins) => dict::get_item(thread, builtins, name.get())?,
        None => match protocol::get_item(thread, builtins.get(), name.get()) {
            Err(error) if error.matches(&KeyError) => None,
            found => Some(found?),
        },
    };
    found.ok_or_else(|| attribute_error_message((**name).to_string()))
}

/// What `__reduce__` of a descriptor gives: `(getattr, (owner, name))`.
pub(crate) fn reduce_as_attribute(thread: &mut Thread, owner: Ref<'_>, name: &str) -> PyResult {
    let getattr = builtin(thread, "getattr")?;
    let name = crate::str::new(thread, name)?;
    let args = crate::tuple::new(thread, vec![owner.to_owned(), name])?.into_value();
    Ok(crate::tuple::new(thread, vec![getattr, args])?.into_value())
}

/// `Class.__qualname__ + "." + name`.
pub(crate) fn member_qualname(thread: &mut Thread, class: Ref<'_>, name: &str) -> PyResult<String> {
    let qualname = match class.downcast::<PyType>() {
        Some(class) => crate::types::type_::members::qualname(thread, class)?,
        None => Value::NONE,
    };
    Ok(format!("{}.{name}", crate::str::display(qualname.get())))
}

/// The signature line that a native class's documentation may begin with: `name(...)\n--\n\n`.
pub(crate) fn signature_of(doc: &str) -> Option<&str> {
    let (first, _) = doc.split_once("\n--\n\n")?;
    first.find('(').and_then(|at| first.get(at..))
}

/// The documentation without that line.
pub(crate) fn without_signature(doc: &str) -> &str {
    doc.split_once("\n--\n\n").map_or(doc, |(_, rest)| rest)
}

/// `importlib.import_module(name)`: from `sys.modules`, or by `builtins.__import__`.
pub(crate) fn import_module(thread: &mut Thread, name: &str) -> PyResult {
    let key = crate::str::intern(thread, name)?;
    let modules = ThreadState::modules(thread)?;
    if let Some(modules) = modules.get().downcast::<PyDict>()
        && let Some(module) = modules.get_str(thread, key)
    {
        return Ok(module.to_owned());
    }
    let import = builtin(thread, "__import__")?;
    crate::protocol::call(thread, import.get(), &[key.get()])
}

/// A list of these values.
pub(crate) fn list_object(thread: &mut Thread, values: Vec<Value>) -> PyResult {
    Ok(crate::types::list::new(thread, values)?.into_value())
}

/// A read-only view of a mapping.
pub(crate) fn mapping_proxy_object(thread: &mut Thread, mapping: Value) -> PyResult {
    crate::types::mapping_proxy::new(thread, mapping)
}
