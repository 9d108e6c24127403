//! The built-in functions that need the interpreter itself.

mod class;
mod code;
mod source;

use orochi_objects::MethodDef;

pub use code::current_flags;
pub use source::{SourceOptions, compile_object, text_of};

/// The functions, for the `builtins` module.
pub static FUNCTIONS: &[&MethodDef] = &[
    &class::__def___build_class__,
    &code::__def_compile,
    &code::__def_eval,
    &code::__def_exec,
    &code::__def_globals,
    &code::__def_locals,
];
