//! Classes that are garbage, and wait for the memory of their last instance to be freed: destroying an object needs its
//! class.

use super::search::{class_of, for_each_object};
use crate::header::{CONDEMNED, Header};
use crate::sync::{Mutex, lock};
use crate::thread::Thread;
use crate::value::Value;
use crate::word;
use std::collections::HashSet;
use std::ptr::NonNull;

/// The waiting classes, each owned once. The fields of those that a collection has found are empty.
pub(crate) struct Condemned(Mutex<Classes>);

struct Classes(Vec<Value>);

// SAFETY: classes are shared objects.
unsafe impl Send for Classes {}

impl Condemned {
    pub(super) fn new() -> Condemned {
        Condemned(Mutex::new(Classes(Vec::new())))
    }

    pub(crate) fn add(&self, classes: Vec<Value>) {
        if !classes.is_empty() {
            for header in classes.iter().filter_map(|class| class.get().header()) {
                header.set_flag(CONDEMNED);
            }
            lock(&self.0).0.extend(classes);
        }
    }

    fn is_empty(&self) -> bool {
        lock(&self.0).0.is_empty()
    }

    /// Takes out those that have no instance.
    fn take_unused(&self, used: &HashSet<NonNull<Header>>) -> Vec<Value> {
        let is_unused = |class: &mut Value| !used.contains(&word::header_of(class.word()));
        lock(&self.0).0.extract_if(.., is_unused).collect()
    }
}

/// Lets go of the condemned classes that have no instance any more.
pub(super) fn release(thread: &mut Thread) {
    let condemned = &thread.runtime().gc.condemned;
    if condemned.is_empty() {
        return;
    }
    let released = thread.stop_the_world(|thread, _| {
        let mut used = HashSet::new();
        let mut last = None;
        // SAFETY: the world is stopped.
        unsafe {
            for_each_object(thread, |object| {
                let class = class_of(object);
                if last != Some(class) {
                    used.insert(class);
                    last = Some(class);
                }
            });
        }
        condemned.take_unused(&used)
    });
    drop(released);
}
