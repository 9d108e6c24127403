//! Interned strings: one immortal object for each text that programs use as a name.

use crate::class::PyClass;
use crate::error::PyResult;
use crate::types::str::PyStr;
use dashmap::DashMap;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_text::wtf8::Wtf8;
use std::sync::OnceLock;

static TABLE: OnceLock<DashMap<&'static [u8], Shared>> = OnceLock::new();

/// An immortal str, which all threads may read.
#[derive(Clone, Copy)]
struct Shared(&'static Obj<PyStr>);
// SAFETY: the object is immortal and immutable but for caches that are atomic.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

/// The one immortal str with this text.
pub fn intern(text: &Wtf8) -> PyResult<&'static Obj<PyStr>> {
    let bytes: &[u8] = text.as_ref();
    let table = TABLE.get_or_init(DashMap::default);
    if let Some(found) = table.get(bytes) {
        return Ok(found.0);
    }
    let made = orochi_core::thread::current(|thread| {
        crate::str::subclass_object(thread, PyStr::static_type().get(), text)
    })
    .unwrap_or_else(|| Err(crate::error::runtime_error("no thread is attached")))?;
    made.set_interned();
    let object = made.immortalise();
    Ok(table.entry(object.as_bytes()).or_insert(Shared(object)).0)
}

/// `sys.intern(string)`: exact strs only.
pub fn intern_object(_thread: &mut Thread, string: &Obj<PyStr>) -> PyResult<Value> {
    if string.is_interned() {
        return Ok(string.to_value());
    }
    Ok(intern(string.as_wtf8())?.to_value())
}

/// Whether a name is interned: then equal names are the same object.
pub fn is_interned(name: Ref<'_>) -> bool {
    name.downcast::<PyStr>().is_some_and(|name| name.is_interned())
}

/// An interned name, looked up once a use: `name!("__init__")` is a `&'static Obj<PyStr>`.
#[macro_export]
macro_rules! name {
    ($text:literal) => {{
        static NAME: $crate::interned::Name = $crate::interned::Name::new($text);
        NAME.get()
    }};
}

/// A name that is interned when it is first used.
pub struct Name {
    text: &'static str,
    object: OnceLock<Shared>,
}

impl Name {
    /// For `name!`.
    pub const fn new(text: &'static str) -> Name {
        Name { text, object: OnceLock::new() }
    }

    /// The str. Without memory even for this the process can't go on; like CPython at start, it ends.
    #[inline]
    pub fn get(&self) -> &'static Obj<PyStr> {
        if let Some(object) = self.object.get() {
            return object.0;
        }
        match intern(self.text.as_ref()) {
            Ok(object) => self.object.get_or_init(|| Shared(object)).0,
            Err(_) => std::process::abort(),
        }
    }
}
