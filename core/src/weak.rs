//! Weak references: the side table.

use crate::header::Header;
use crate::thread::Thread;
use std::ptr::NonNull;

/// Clears the weak references to a dying object and queues their callbacks.
pub(crate) fn clear(_thread: &Thread, _object: NonNull<Header>) {}
