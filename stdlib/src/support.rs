//! What several modules need of the interpreter: importing, and types that live in Python modules.

use orochi_objects::error::import_error;
use orochi_objects::thread::ThreadState;
use orochi_objects::{PyResult, Thread, protocol, str};

/// The module with this dotted name, imported if need be.
///
/// # Errors
/// What importing raises.
pub fn import(thread: &mut Thread, name: &str) -> PyResult {
    let text = str::new(thread, name)?;
    let modules = ThreadState::modules(thread)?;
    if !protocol::contains(thread, modules.get(), text.get())? {
        let builtins = ThreadState::builtins(thread)?;
        let key = str::new(thread, "__import__")?;
        let import = protocol::get_item(thread, builtins.get(), key.get())
            .map_err(|_| import_error("__import__ not found"))?;
        protocol::call(thread, import.get(), &[text.get()])?;
    }
    protocol::get_item(thread, modules.get(), text.get())
}

/// An attribute of a module.
///
/// # Errors
/// What importing and looking up raise.
pub fn import_attr(thread: &mut Thread, module: &str, name: &str) -> PyResult {
    let module = import(thread, module)?;
    protocol::get_attr_str(thread, module.get(), name)
}

/// Declares the exception class of a module: `exception!(ERROR: "error" in "struct", Exception, "doc");`
#[macro_export]
macro_rules! exception {
    ($vis:vis $static:ident: $name:literal in $module:literal, $base:ident, $doc:literal) => {
        #[allow(clippy::empty_docs, reason = "a class may have no text")]
        #[doc = $doc]
        $vis static $static: orochi_objects::StaticType = {
            static SPEC: orochi_objects::TypeSpec = orochi_objects::TypeSpec {
                name: $name,
                module: $module,
                doc: $doc,
                base: Some(|| &orochi_objects::types::exception::$base),
                layout: <orochi_objects::types::exception::PyBaseException as orochi_objects::core::Payload>::LAYOUT,
                flags: orochi_objects::TypeFlags::SUBCLASSABLE,
                match_args: &[],
                quick: None,
                parts: &[],
            };
            orochi_objects::StaticType::new(&SPEC)
        };
    };
}
