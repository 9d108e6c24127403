//! `itertools`: iterators as building blocks, a file for each family.
//!
//! Threads that share such an iterator may be given the same item twice or miss one, as in CPython without its lock; each
//! piece of state is swapped atomically, so nothing worse happens.

mod combinatoric;
mod grouping;
mod infinite;
mod selecting;
mod sequencing;
mod teeing;

use orochi_core::{Obj, Thread};
use orochi_macros::pymodule;
use orochi_objects::PyResult;
use orochi_objects::types::module::PyModule;

/// Functional tools for creating and using iterators.
///
/// Infinite iterators:
/// count(start=0, step=1) --> start, start+step, start+2*step, ...
/// cycle(p) --> p0, p1, ... plast, p0, p1, ...
/// repeat(elem [,n]) --> elem, elem, elem, ... endlessly or up to n times
#[pymodule(
    name = "itertools",
    functions(teeing::tee),
    classes(
        combinatoric::Product,
        combinatoric::Permutations,
        combinatoric::Combinations,
        combinatoric::CombinationsWithReplacement,
        grouping::GroupBy,
        grouping::Grouper,
        infinite::Count,
        infinite::Cycle,
        infinite::Repeat,
        selecting::Accumulate,
        selecting::Compress,
        selecting::DropWhile,
        selecting::FilterFalse,
        selecting::StarMap,
        selecting::TakeWhile,
        sequencing::Batched,
        sequencing::Chain,
        sequencing::ISlice,
        sequencing::Pairwise,
        sequencing::ZipLongest,
        teeing::Tee,
        teeing::TeeData
    )
)]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
