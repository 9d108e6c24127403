//! `dict`: the object around the storage.

use crate::class::PyClass;
use crate::error::PyResult;
use crate::types::str::PyStr;
use orochi_core::{Field, Guarded, Obj, Owned, Ref, Thread, Trace, Value};
use orochi_macros::pyclass;
use std::collections::HashMap;
use std::sync::OnceLock;

/// dict() -> a new empty dictionary
#[pyclass(name = "dict", subclassable, mapping, flags(DICT_SUBCLASS, MATCH_SELF), no_methods)]
pub struct PyDict {
    state: Guarded<State>,
}

#[derive(Default)]
struct State {
    index: HashMap<Box<[u8]>, usize>,
    entries: Vec<(Field, Field)>,
}

// SAFETY: visits every entry.
unsafe impl Trace for State {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.entries.trace(visit);
    }
}
// SAFETY: visits the state.
unsafe impl Trace for PyDict {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.state.trace(visit);
    }
}

/// A new empty dict.
pub fn new(thread: &Thread) -> PyResult<Owned<PyDict>> {
    crate::alloc(thread, PyDict::static_type().get(), PyDict { state: Guarded::new(State::default()) })
}

/// An empty dict that stands in for one that can't be made.
pub(crate) fn empty_shared(thread: &Thread) -> &'static Obj<PyDict> {
    struct Empty(&'static Obj<PyDict>);
    // SAFETY: immortal, and dicts may be read by any thread once shared.
    unsafe impl Sync for Empty {}
    // SAFETY: as above.
    unsafe impl Send for Empty {}
    static EMPTY: OnceLock<Empty> = OnceLock::new();
    EMPTY
        .get_or_init(|| match new(thread) {
            Ok(made) => Empty(made.immortalise()),
            Err(_) => std::process::abort(),
        })
        .0
}

/// What code with names (namespaces, attributes) needs of a dict.
pub trait DictExt {
    /// The dict.
    fn dict(&self) -> &Obj<PyDict>;

    /// The value under a str key.
    fn get_str<'a>(&'a self, thread: &'a Thread, key: &Obj<PyStr>) -> Option<Ref<'a>> {
        let dict = self.dict();
        let word = dict.state.with(dict, thread, |state, _| {
            let at = state.index.get(key.as_bytes())?;
            Some(state.entries.get(*at)?.1.load(thread)?.word())
        })?;
        // SAFETY: nothing can remove the entry while `thread` is borrowed.
        Some(unsafe { Ref::from_word(word) })
    }

    /// Sets a new str key in a dict that is being set up.
    fn initialise_str(&self, thread: &Thread, key: &Obj<PyStr>, value: Value) -> PyResult<()> {
        let dict = self.dict();
        dict.state.with(dict, thread, |state, owner| {
            let at = state.entries.len();
            state.index.insert(key.as_bytes().into(), at);
            state.entries.push((owner.store(key.to_value()), owner.store(value)));
        });
        Ok(())
    }
}

impl DictExt for Obj<PyDict> {
    fn dict(&self) -> &Obj<PyDict> {
        self
    }
}
