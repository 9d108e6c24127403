//! Interned strings: one immortal object for each text that programs use as a name. Finding one writes nothing.

use crate::class::PyClass;
use crate::error::PyResult;
use crate::storage::intern_table::InternTable;
use crate::types::str::PyStr;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_text::wtf8::Wtf8;
use std::sync::OnceLock;

static TABLE: OnceLock<Table> = OnceLock::new();

struct Table(InternTable<Obj<PyStr>>);
// SAFETY: as for `Shared`.
unsafe impl Sync for Table {}
// SAFETY: as for `Shared`.
unsafe impl Send for Table {}

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
    let (table, hash, found) = look_up(bytes);
    if let Some(found) = found {
        return Ok(found);
    }
    let made = orochi_core::thread::current(|thread| {
        crate::str::subclass_object(thread, PyStr::static_type().get(), text)
    })
    .unwrap_or_else(|| Err(crate::error::runtime_error("no thread is attached")))?;
    made.set_interned();
    Ok(table.find_or_add(hash, |str| str.as_bytes() == bytes, made.immortalise()))
}

/// The table, the hash of a text in it, and the str that is there.
fn look_up(bytes: &[u8]) -> (&'static InternTable<Obj<PyStr>>, u64, Option<&'static Obj<PyStr>>) {
    let hash = crate::hash::of_bytes(bytes) as u64;
    let Table(table) = TABLE.get_or_init(|| Table(InternTable::new()));
    (table, hash, table.find(hash, |str| str.as_bytes() == bytes))
}

/// The interned str with a name's text: the name itself, as a rule.
#[inline]
pub fn intern_name(name: &Obj<PyStr>) -> PyResult<&'static Obj<PyStr>> {
    if name.is_interned() {
        // SAFETY: interned strs are immortal.
        return Ok(unsafe { &*std::ptr::from_ref(name) });
    }
    intern(name.as_wtf8())
}

/// `sys.intern(string)`: exact strs only. The str itself is entered if no other thread can see it meanwhile.
pub fn intern_object(_thread: &mut Thread, string: &Obj<PyStr>) -> PyResult<Value> {
    if string.is_interned() || string.header().is_shared() || string.has_room() {
        return Ok(intern_name(string)?.to_value());
    }
    let (table, hash, found) = look_up(string.as_bytes());
    if let Some(found) = found {
        return Ok(found.to_value());
    }
    // Before others find it; only this thread could tell if it turns out to be wrong.
    string.set_interned();
    let entered =
        table.find_or_add(hash, |str| str.as_bytes() == string.as_bytes(), string.to_owned().immortalise());
    if !std::ptr::eq(entered, string) {
        string.clear_interned();
    }
    Ok(entered.to_value())
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
