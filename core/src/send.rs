//! Values on their way from one thread to another.

use crate::publish::publish;
use crate::value::Value;

/// A value that may be sent to another thread: it and all that it reaches is shared.
pub struct Shared(Value);

// SAFETY: published, so every count is atomic and every change inside is locked.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// Publishes the value.
    pub fn new(value: Value) -> Shared {
        publish(value.get());
        Shared(value)
    }

    /// The value, for the thread that is attached now.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// A copy of the value.
    pub fn value(&self) -> Value {
        self.0.clone()
    }
}
