//! The cache of `lru_cache`.
//!
//! A hit reads the dict of results without a lock and notes the time in the entry, unless that is the entry used last; nothing is
//! moved. So threads that hit one entry write to nothing that they share. Only when the cache
//! is full does a miss look for the entry that was used least recently: a heap holds the entries by a time at which they
//! were used; one that has been used since is put back with its later time. So the order is exact, as in CPython.

use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::{Field, Guarded, Obj, Owned, Ref, StripedCounter, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::class::is_exact;
use orochi_objects::error::type_error;
use orochi_objects::storage::AskPython;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::int::PyInt;
use orochi_objects::types::key::Key;
use orochi_objects::types::object::PyObject;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{int, method, tuple};
use orochi_objects::{Args, PyClass, PyResult, PyType, class_of, protocol};
use std::sync::OnceLock;

/// Create a cached callable that wraps another function.
///
/// user_function:      the function being cached
///
/// maxsize:  0         for no caching
///           None      for unlimited cache size
///           n         for a bounded cache
///
/// typed:    False     cache f(3) and f(3.0) as identical calls
///           True      cache f(3) and f(3.0) as distinct calls
///
/// cache_info_type:    namedtuple class with the fields:
///                         hits misses currsize maxsize
#[pyclass(name = "_lru_cache_wrapper", module = "functools", dict, weakref, method_descriptor)]
#[derive(Trace)]
pub(crate) struct LruCacheWrapper {
    function: Field,
    info: Field,
    typed: bool,
    /// `None`: unlimited.
    limit: Option<usize>,
    /// Key → `Entry`, or the result itself if there is no limit.
    results: Field,
    hits: StripedCounter,
    misses: AtomicU64,
    clock: AtomicU64,
    ages: Guarded<Ages>,
}

/// A result of a limited cache.
#[pyclass(name = "_lru_list_elem", module = "functools", no_new, no_methods)]
#[derive(Trace)]
pub(crate) struct Entry {
    key: Field,
    hash: i64,
    result: Field,
    used: AtomicU64,
}

/// A heap: the smallest time first.
#[derive(Default, Trace)]
struct Ages {
    heap: Vec<Age>,
}

#[derive(Trace)]
struct Age {
    time: u64,
    entry: Field,
}

impl Ages {
    fn push(&mut self, age: Age) {
        self.heap.push(age);
        let mut at = self.heap.len() - 1;
        while at > 0 && self.time(at) < self.time((at - 1) / 2) {
            self.heap.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    fn pop(&mut self) -> Option<Age> {
        if self.heap.is_empty() {
            return None;
        }
        let first = self.heap.swap_remove(0);
        let mut at = 0;
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            let child = if self.time(right) < self.time(left) { right } else { left };
            if self.time(child) >= self.time(at) || child >= self.heap.len() {
                return Some(first);
            }
            self.heap.swap(at, child);
            at = child;
        }
    }

    fn time(&self, at: usize) -> u64 {
        self.heap.get(at).map_or(u64::MAX, |age| age.time)
    }
}

/// Stands between positional and keyword arguments in a key.
fn keyword_mark(thread: &Thread) -> PyResult {
    static MARK: OnceLock<&'static Obj<PyObject>> = OnceLock::new();
    if let Some(mark) = MARK.get() {
        return Ok(mark.to_value());
    }
    let made = orochi_objects::make(thread, PyObject {})?;
    Ok(MARK.get_or_init(|| made.immortalise()).to_value())
}

/// Whether a single argument is the key itself: no other key is equal to it. (A tuple would be that of several arguments.)
fn is_own_key(single: Ref<'_>) -> bool {
    is_exact(single, PyStr::static_type()) || is_exact(single, PyInt::static_type())
}

impl LruCacheWrapper {
    fn results(&self) -> PyResult<&Obj<PyDict>> {
        orochi_objects::slot_receiver::<PyDict>(self.results.fixed())
    }

    fn key(&self, thread: &Thread, args: &Args<'_>) -> PyResult {
        if !self.typed
            && let Some([single]) = args.exact::<1>()
            && is_own_key(single)
        {
            return Ok(single.to_owned());
        }
        let mut parts: Vec<Value> = args.iter().map(Ref::to_owned).collect();
        if args.keyword_count() != 0 {
            parts.push(keyword_mark(thread)?);
            for (name, value) in args.keywords() {
                parts.extend([name.to_value(), value.to_owned()]);
            }
        }
        if self.typed {
            parts.extend(args.iter().map(|value| class_of(value).to_value()));
            parts.extend(args.keywords().map(|(_, value)| class_of(value).to_value()));
        }
        Ok(tuple::new(thread, parts)?.into_value())
    }

    fn count_miss(&self) {
        // Relaxed: statistics.
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    /// The next time: later than that of every use before.
    fn now(&self) -> u64 {
        // Relaxed: each use gets a time of its own, whatever the order of uses at the same moment.
        self.clock.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The result that was found under a key.
    fn hit<'a>(&self, thread: &Thread, found: Ref<'a>) -> Ref<'a> {
        self.hits.increment(thread);
        let Some(entry) = found.downcast::<Entry>().filter(|_| self.limit.is_some()) else {
            return found;
        };
        self.touch(entry);
        entry.result.fixed()
    }

    /// Notes a use of the entry.
    fn touch(&self, entry: &Entry) {
        // Relaxed: see `now`.
        if entry.used.load(Ordering::Relaxed) != self.clock.load(Ordering::Relaxed) {
            entry.used.store(self.now(), Ordering::Relaxed);
        }
    }

    /// Keeps a result, and drops those used least recently if there are too many.
    fn keep(
        this: &Obj<Self>,
        thread: &mut Thread,
        limit: usize,
        key: &Key<'_>,
        result: &Value,
    ) -> PyResult<()> {
        let results = this.results()?;
        let time = this.now();
        let entry = Entry {
            key: Field::new_local(key.object.to_owned()),
            hash: key.hash,
            result: Field::new_local(result.clone()),
            used: AtomicU64::new(time),
        };
        let entry = orochi_objects::make(thread, entry)?.into_value();
        if !dict::set_default(thread, results, key, entry.get())?.1 {
            // Computing the result has put it there.
            return Ok(());
        }
        this.ages.with(this, thread, |ages, owner| ages.push(Age { time, entry: owner.store(entry) }));
        while dict::len(thread, results) > limit {
            let Some(oldest) = LruCacheWrapper::take_oldest(this, thread) else { break };
            let old = Key::with_hash(oldest.key.fixed(), oldest.hash);
            dict::remove(thread, results, &old)?;
        }
        Ok(())
    }

    fn take_oldest(this: &Obj<Self>, thread: &mut Thread) -> Option<Owned<Entry>> {
        let oldest = this.ages.with(this, thread, |ages, _| {
            loop {
                let mut age = ages.pop()?;
                let used = age.entry.fixed().downcast::<Entry>()?.used.load(Ordering::Relaxed);
                if used <= age.time {
                    return Some(age.entry);
                }
                age.time = used;
                ages.push(age);
            }
        });
        oldest?.into_value()?.downcast::<Entry>().ok()
    }
}

#[pymethods]
impl LruCacheWrapper {
    #[new]
    #[no_text_signature]
    #[signature(user_function, maxsize, typed, cache_info_type)]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        user_function: Ref<'_>,
        maxsize: Ref<'_>,
        typed: bool,
        cache_info_type: Ref<'_>,
    ) -> PyResult {
        if class_of(user_function).slots.tp_call().is_none() {
            return Err(type_error("the first argument must be callable"));
        }
        let limit = if maxsize.is_none() {
            None
        } else if int::is_int(maxsize) || class_of(maxsize).slots.nb_index().is_some() {
            Some(usize::try_from(int::index_i64(thread, maxsize)?).unwrap_or(0))
        } else {
            return Err(type_error("maxsize should be integer or None"));
        };
        let wrapper = LruCacheWrapper {
            function: Field::new_local(user_function.to_owned()),
            info: Field::new_local(cache_info_type.to_owned()),
            typed,
            limit,
            results: Field::new_local(dict::new(thread)?.into_value()),
            hits: StripedCounter::default(),
            misses: AtomicU64::new(0),
            clock: AtomicU64::new(0),
            ages: Guarded::new(Ages::default()),
        };
        Ok(orochi_objects::alloc(thread, cls, wrapper)?.into_value())
    }

    /// A hit under a key that is the argument itself.
    #[slot]
    fn tp_known_result<'a>(thread: &'a Thread, this: Ref<'a>, args: Args<'a>) -> Option<Ref<'a>> {
        let this = this.downcast::<Self>()?;
        let [single] = args.exact::<1>()?;
        if this.typed || this.limit == Some(0) || !is_own_key(single) {
            return None;
        }
        let key = Key::without_python(single)?;
        let found = dict::peek(thread, this.results().ok()?, &key)?;
        Some(this.hit(thread, found))
    }

    #[slot]
    fn tp_call(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult {
        let function = this.function.fixed();
        if this.limit == Some(0) {
            this.count_miss();
            return protocol::call_args(thread, function, args);
        }
        let key = this.key(thread, &args)?;
        let key = Key::new(thread, key.get())?;
        let results = this.results()?;
        match results.storage().get(thread, key.hash, key.word(), &key) {
            Ok(Some(found)) => return Ok(this.hit(thread, found).to_owned()),
            Ok(None) => {}
            Err(AskPython) => {
                if let Some(found) = dict::get(thread, results, &key)? {
                    return Ok(this.hit(thread, found.get()).to_owned());
                }
            }
        }
        this.count_miss();
        let result = protocol::call_args(thread, function, args)?;
        match this.limit {
            None => dict::set(thread, results, &key, result.clone())?,
            Some(limit) => LruCacheWrapper::keep(this, thread, limit, &key, &result)?,
        }
        Ok(result)
    }

    /// Report cache statistics
    fn cache_info(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let results = this.results()?;
        let number = |thread: &Thread, n: u64| int::new(thread, i64::try_from(n).unwrap_or(i64::MAX));
        let hits = number(thread, this.hits.sum())?;
        let misses = number(thread, this.misses.load(Ordering::Relaxed))?;
        let limit = this.limit.map_or(Ok(Value::NONE), |limit| number(thread, limit as u64))?;
        let size = number(thread, dict::len(thread, results) as u64)?;
        protocol::call(thread, this.info.fixed(), &[hits.get(), misses.get(), limit.get(), size.get()])
    }

    /// Clear the cache and cache statistics
    fn cache_clear(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        let old = this.ages.with(this, thread, |ages, _| std::mem::take(ages));
        drop(old);
        let results = this.results()?;
        results.storage().clear(orochi_core::Owner::from(results), thread);
        this.hits.clear();
        this.misses.store(0, Ordering::Relaxed);
        Ok(())
    }

    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        protocol::get_attr_str(thread, this.get(), "__qualname__")
    }

    #[name = "__copy__"]
    fn copy(this: &Obj<Self>) -> Value {
        this.to_value()
    }

    #[name = "__deepcopy__"]
    fn deep_copy(this: &Obj<Self>, _memo: Ref<'_>) -> Value {
        this.to_value()
    }

    #[slot]
    fn tp_descr_get(
        thread: &mut Thread,
        this: Ref<'_>,
        instance: Option<Ref<'_>>,
        _owner: Option<Ref<'_>>,
    ) -> PyResult {
        match instance {
            Some(instance) if !instance.is_none() => {
                method::new(thread, this.to_owned(), instance.to_owned())
            }
            _ => Ok(this.to_owned()),
        }
    }
}
