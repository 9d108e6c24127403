//! `product`, `permutations`, `combinations`, `combinations_with_replacement`: pools of items and counters over them.

use orochi_core::{Field, Guarded, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{memory_error, type_error, value_error};
use orochi_objects::types::int;
use orochi_objects::types::{list, tuple};
use orochi_objects::{Args, PyResult, PyType};

/// The counters of an iterator: which items of the pool it gives out next.
#[derive(Trace)]
struct Counters {
    indices: Vec<usize>,
    /// Permutations only: how often each place can still move on.
    cycles: Vec<usize>,
    started: bool,
    done: bool,
}

impl Counters {
    fn new(indices: Vec<usize>, done: bool) -> Guarded<Counters> {
        Guarded::new(Counters { indices, cycles: Vec::new(), started: false, done })
    }

    /// The first indices to give out, after `advance` has moved them on if they aren't the first ones; `None` at the end.
    fn next(&mut self, count: usize, advance: impl FnOnce(&mut Counters) -> bool) -> Option<Indices> {
        if self.done {
            return None;
        }
        if self.started && !advance(self) {
            self.done = true;
            return None;
        }
        self.started = true;
        Some(Indices::of(self.indices.get(..count).unwrap_or(&self.indices)))
    }
}

/// A copy of indices; a few need no memory of their own.
enum Indices {
    Few([usize; Indices::FEW], usize),
    Many(Vec<usize>),
}

impl Indices {
    const FEW: usize = 8;

    fn of(indices: &[usize]) -> Indices {
        let mut few = [0; Indices::FEW];
        match few.get_mut(..indices.len()) {
            Some(place) => {
                place.copy_from_slice(indices);
                Indices::Few(few, indices.len())
            }
            None => Indices::Many(indices.to_vec()),
        }
    }
}

impl std::ops::Deref for Indices {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        match self {
            Indices::Few(indices, count) => indices.get(..*count).unwrap_or_default(),
            Indices::Many(indices) => indices,
        }
    }
}

fn pool(thread: &mut Thread, iterable: Ref<'_>) -> PyResult<Box<[Field]>> {
    Ok(list::to_values(thread, iterable)?.into_iter().map(Field::new_local).collect())
}

fn zeros(count: usize) -> PyResult<Vec<usize>> {
    let mut indices = Vec::new();
    indices.try_reserve_exact(count).map_err(|_| memory_error())?;
    indices.resize(count, 0);
    Ok(indices)
}

/// The tuple of these items of pools, all of which there are.
fn chosen<'a>(thread: &Thread, mut items: impl ExactSizeIterator<Item = Option<&'a Field>>) -> PyResult {
    let count = items.len();
    let item = |_| items.next().flatten().map_or(Value::NONE, |item| item.fixed().to_owned());
    Ok(tuple::build(thread, count, item)?.into_value())
}

fn non_negative(r: isize) -> PyResult<usize> {
    usize::try_from(r).map_err(|_| value_error("r must be non-negative"))
}

/// product(*iterables, repeat=1)
/// --
///
/// Cartesian product of input iterables.  Equivalent to nested for-loops.
///
/// For example, product(A, B) returns the same as:  ((x,y) for x in A for y in B).
/// The leftmost iterators are in the outermost for-loop, so the output tuples
/// cycle in a manner similar to an odometer (with the rightmost element changing
/// on every iteration).
///
/// To compute the product of an iterable with itself, specify the number
/// of repetitions with the optional repeat keyword argument. For example,
/// product(A, repeat=4) means the same as product(A, A, A, A).
#[pyclass(name = "product", module = "itertools", subclassable)]
#[derive(Trace)]
pub(crate) struct Product {
    pools: Box<[Box<[Field]>]>,
    repeat: usize,
    counters: Guarded<Counters>,
}

#[pymethods]
impl Product {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let mut repeat = 1;
        for (name, value) in args.keywords() {
            if name.as_bytes() != b"repeat" {
                let name = &**name;
                return Err(type_error(format!("product() got an unexpected keyword argument '{name}'")));
            }
            repeat = usize::try_from(int::index_i64(thread, value)?)
                .map_err(|_| value_error("repeat argument cannot be negative"))?;
        }
        let pools: PyResult<Vec<_>> = if repeat == 0 {
            Ok(Vec::new())
        } else {
            args.iter().map(|iterable| pool(thread, iterable)).collect()
        };
        let pools = pools?;
        let places = pools.len().checked_mul(repeat).ok_or_else(memory_error)?;
        let done = pools.iter().any(|pool| pool.is_empty());
        let counters = Counters::new(zeros(places)?, done);
        let made = Product { pools: pools.into(), repeat, counters };
        Ok(orochi_objects::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let pools = &this.pools;
        let next = this.counters.with(this, thread, |counters, _| {
            counters.next(usize::MAX, |counters| {
                for (place, index) in counters.indices.iter_mut().enumerate().rev() {
                    *index += 1;
                    let pool = if place < pools.len() { place } else { place % pools.len().max(1) };
                    let size = pools.get(pool).map_or(0, |pool| pool.len());
                    if *index < size {
                        return true;
                    }
                    *index = 0;
                }
                false
            })
        });
        let Some(indices) = next else { return Ok(None) };
        debug_assert_eq!(indices.len(), pools.len() * this.repeat);
        let items = indices.iter().enumerate().map(|(place, &index)| {
            let pool = if place < pools.len() { place } else { place % pools.len().max(1) };
            pools.get(pool).and_then(|pool| pool.get(index))
        });
        chosen(thread, items).map(Some)
    }
}

/// Return successive r-length permutations of elements in the iterable.
///
/// permutations(range(3), 2) --> (0,1), (0,2), (1,0), (1,2), (2,0), (2,1)
#[pyclass(name = "permutations", module = "itertools", subclassable)]
#[derive(Trace)]
pub(crate) struct Permutations {
    pool: Box<[Field]>,
    length: usize,
    counters: Guarded<Counters>,
}

#[pymethods]
impl Permutations {
    #[new]
    #[signature(iterable, r=None)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, iterable: Ref<'_>, r: Option<Ref<'_>>) -> PyResult {
        let pool = pool(thread, iterable)?;
        let length = match r {
            None => pool.len(),
            Some(r) if int::is_int(r) => {
                let r = int::index_i64(thread, r)?;
                usize::try_from(r).map_err(|_| value_error("r must be non-negative"))?
            }
            Some(_) => return Err(type_error("Expected int as r")),
        };
        let done = length > pool.len();
        let cycles = if done { Vec::new() } else { (0..length).map(|i| pool.len() - i).collect() };
        let indices = (0..pool.len()).collect();
        let counters = Guarded::new(Counters { indices, cycles, started: false, done });
        let made = Permutations { pool, length, counters };
        Ok(orochi_objects::alloc(thread, cls, made)?.into_value())
    }

    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let next =
            this.counters.with(this, thread, |counters, _| counters.next(this.length, next_permutation));
        let Some(indices) = next else { return Ok(None) };
        let items = indices.iter().map(|&index| this.pool.get(index));
        chosen(thread, items).map(Some)
    }
}

/// The next permutation in the order of positions: `cycles[i]` counts down the items that place `i` still goes through.
fn next_permutation(counters: &mut Counters) -> bool {
    let n = counters.indices.len();
    for place in (0..counters.cycles.len()).rev() {
        let Some(cycle) = counters.cycles.get_mut(place) else { return false };
        *cycle -= 1;
        if *cycle == 0 {
            *cycle = n - place;
            if let Some(rest) = counters.indices.get_mut(place..) {
                rest.rotate_left(1);
            }
        } else {
            let other = n - *cycle;
            counters.indices.swap(place, other);
            return true;
        }
    }
    false
}

macro_rules! combinations {
    ($($(#[$doc:meta])* $type:ident $name:literal $first:ident $advance:ident;)*) => { $(
        $(#[$doc])*
        #[pyclass(name = $name, module = "itertools", subclassable)]
        #[derive(Trace)]
        pub(crate) struct $type {
            pool: Box<[Field]>,
            counters: Guarded<Counters>,
        }

        #[pymethods]
        impl $type {
            #[new]
            #[signature(iterable, r)]
            fn new(thread: &mut Thread, cls: &Obj<PyType>, iterable: Ref<'_>, r: isize) -> PyResult {
                let pool = pool(thread, iterable)?;
                let counters = $first(pool.len(), non_negative(r)?)?;
                Ok(orochi_objects::alloc(thread, cls, $type { pool, counters })?.into_value())
            }

            #[slot]
            fn tp_iter(this: Ref<'_>) -> Value {
                this.to_owned()
            }

            #[slot]
            fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
                let n = this.pool.len();
                let next = this.counters.with(this, thread, |counters, _| {
                    counters.next(usize::MAX, |counters| $advance(&mut counters.indices, n))
                });
                let Some(indices) = next else { return Ok(None) };
                let items = indices.iter().map(|&index| this.pool.get(index));
                chosen(thread, items).map(Some)
            }
        }
    )* };
}

combinations! {
    /// Return successive r-length combinations of elements in the iterable.
    ///
    /// combinations(range(4), 3) --> (0,1,2), (0,1,3), (0,2,3), (1,2,3)
    Combinations "combinations" first_combination next_combination;
    /// Return successive r-length combinations of elements in the iterable allowing individual elements to have successive repeats.
    ///
    /// combinations_with_replacement('ABC', 2) --> ('A','A'), ('A','B'), ('A','C'), ('B','B'), ('B','C'), ('C','C')
    CombinationsWithReplacement "combinations_with_replacement" first_with_replacement next_with_replacement;
}

fn first_combination(n: usize, r: usize) -> PyResult<Guarded<Counters>> {
    Ok(Counters::new((0..r.min(n)).collect(), r > n))
}

fn next_combination(indices: &mut [usize], n: usize) -> bool {
    let r = indices.len();
    // The last place that isn't at its greatest index moves on; those behind follow closely.
    let Some(place) = (0..r).rev().find(|&i| indices.get(i).is_some_and(|&index| index != i + n - r)) else {
        return false;
    };
    let Some(mut index) = indices.get(place).copied() else { return false };
    for place in indices.iter_mut().skip(place) {
        index += 1;
        *place = index;
    }
    true
}

fn first_with_replacement(n: usize, r: usize) -> PyResult<Guarded<Counters>> {
    Ok(Counters::new(zeros(r)?, n == 0 && r > 0))
}

fn next_with_replacement(indices: &mut [usize], n: usize) -> bool {
    let Some(place) = indices.iter().rposition(|&index| index + 1 != n) else { return false };
    let Some(index) = indices.get(place).map(|&index| index + 1) else { return false };
    indices.iter_mut().skip(place).for_each(|place| *place = index);
    true
}
