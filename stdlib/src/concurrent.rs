//! `_orochi_concurrent`: what `orochi.concurrent` needs of the virtual machine. The module in Python (`Lib/orochi/concurrent.py`)
//! gives these classes their names, and has fallbacks in Python for other implementations.

mod atomic_int;
mod atomic_reference;
mod bounded_queue;

use atomic_int::AtomicInt;
use atomic_reference::AtomicReference;
use bounded_queue::BoundedQueue;
use orochi_macros::pymodule;
use orochi_objects::{Obj, PyModule, PyResult, Thread};

/// Integers, references and queues for several threads.
#[pymodule(name = "_orochi_concurrent", classes(AtomicInt, AtomicReference, BoundedQueue))]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
