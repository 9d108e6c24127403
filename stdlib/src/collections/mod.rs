//! `_collections`: `deque`, `defaultdict`, `OrderedDict`, and what `namedtuple` and `Counter` lean on.

mod counting;
mod default_dict;
mod deque;
mod deque_iterator;
mod ordered_dict;
mod ordered_views;
mod tuple_getter;

use orochi_core::{Obj, Thread};
use orochi_macros::pymodule;
use orochi_objects::PyResult;
use orochi_objects::types::module::PyModule;

/// High performance data structures.
/// - deque:        ordered collection accessible from endpoints only
/// - defaultdict:  dict subclass with a default value factory
#[pymodule(
    name = "_collections",
    functions(counting::count_elements),
    classes(
        deque::Deque,
        deque_iterator::DequeIterator,
        deque_iterator::DequeReverseIterator,
        default_dict::DefaultDict,
        ordered_dict::OrderedDict,
        tuple_getter::TupleGetter
    )
)]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
