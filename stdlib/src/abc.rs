//! `_abc`: the work of `abc.ABCMeta`.
//!
//! Each abstract base class keeps what it was told (`register`) and what it has found out: which classes are subclasses and
//! which are not. Classes are kept by weak reference. The caches are dicts from a class's address to the weak reference, so
//! that a check of a known class looks one int up and writes nothing, whichever threads ask. An address that another class
//! has taken over is no match: its reference is dead.
//!
//! What isn't a subclass may become one when some class registers another: `REGISTRATIONS` counts those, and the negative
//! cache is thrown away when the count has moved on.

use orochi_core::sync::{AtomicU64, AtomicUsize, Ordering};
use orochi_core::{AtomicField, Owned};
use orochi_macros::{Trace, pyclass, pyfunction, pymodule};
use orochi_objects::error::{assertion_error, runtime_error, type_error};
use orochi_objects::types::dict::{self, DictExt};
use orochi_objects::types::key::Key;
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::set;
use orochi_objects::types::type_::set_patterns;
use orochi_objects::types::weakref::PyWeakRef;
use orochi_objects::{
    Obj, PyClass, PyDict, PyModule, PyResult, PyType, Ref, Thread, TypeExt, TypeFlags, Value, class_of, int,
    make, protocol, str, tuple,
};

static REGISTRATIONS: AtomicU64 = AtomicU64::new(0);

/// Classes behind weak references, by address.
#[derive(Trace)]
struct ClassSet {
    /// A dict, or nothing yet.
    classes: AtomicField,
    /// The dict is freed of dead classes when it is as large as this.
    limit: AtomicUsize,
}

impl ClassSet {
    fn new() -> ClassSet {
        ClassSet { classes: AtomicField::empty(), limit: AtomicUsize::new(64) }
    }

    fn contains(&self, thread: &Thread, class: Ref<'_>) -> bool {
        let Some(classes) = self.classes.load(thread).and_then(Ref::downcast::<PyDict>) else { return false };
        let Some(address) = Value::small_int(class.word() as i64) else { return false };
        let Some(key) = Key::without_python(address.get()) else { return false };
        let found = classes.storage().get(thread, key.hash, key.word(), &key).ok().flatten();
        found.and_then(Ref::downcast::<PyWeakRef>).is_some_and(|reference| reference.is_to(class))
    }

    fn add(&self, owner: &Obj<AbcData>, thread: &mut Thread, class: Ref<'_>) -> PyResult<()> {
        let mut classes = match self.classes.get(thread).map(Value::downcast::<PyDict>) {
            Some(Ok(classes)) => classes,
            _ => self.replace(owner, thread, Vec::new())?,
        };
        // Relaxed: when the dead are thrown out makes no difference to anybody.
        if dict::len(thread, &classes) >= self.limit.load(Ordering::Relaxed) {
            let live = self.references(thread)?;
            self.limit.store(live.len() * 2 + 64, Ordering::Relaxed);
            classes = self.replace(owner, thread, live)?;
        }
        let reference = reference_to(thread, class)?;
        let address = int::new(thread, class.word() as i64)?;
        dict::set_item(thread, &classes, address.get(), reference)
    }

    /// Puts another dict in place of the present one.
    fn replace(
        &self,
        owner: &Obj<AbcData>,
        thread: &mut Thread,
        references: Vec<Value>,
    ) -> PyResult<Owned<PyDict>> {
        let fresh = dict::new(thread)?;
        for reference in references {
            if let Some(class) = referent(thread, reference.get()) {
                let address = int::new(thread, class.get().word() as i64)?;
                dict::set_item(thread, &fresh, address.get(), reference)?;
            }
        }
        drop(self.classes.swap(owner, thread, Some(fresh.to_value())));
        Ok(fresh)
    }

    fn clear(&self, owner: &Obj<AbcData>, thread: &mut Thread) {
        drop(self.classes.swap(owner, thread, None));
    }

    /// The weak references to classes that are alive.
    fn references(&self, thread: &mut Thread) -> PyResult<Vec<Value>> {
        let Some(Ok(classes)) = self.classes.get(thread).map(Value::downcast::<PyDict>) else {
            return Ok(Vec::new());
        };
        let all = dict::entries(thread, &classes)?.into_iter().map(|entry| entry.value);
        Ok(all.filter(|reference| referent(thread, reference.get()).is_some()).collect())
    }

    /// The same as a set.
    fn to_set(&self, thread: &mut Thread) -> PyResult {
        let references = self.references(thread)?;
        let references = list::new(thread, references)?;
        Ok(set::from_iterable(thread, references.get())?.into_value())
    }
}

/// Internal state held by ABC machinery.
#[pyclass(name = "_abc_data", module = "_abc", no_new, no_methods)]
#[derive(Trace)]
struct AbcData {
    registry: ClassSet,
    cache: ClassSet,
    negative: ClassSet,
    /// `REGISTRATIONS` when the negative cache was begun.
    negative_version: AtomicU64,
}

fn referent(thread: &Thread, reference: Ref<'_>) -> Option<Value> {
    reference.downcast::<PyWeakRef>().and_then(|reference| reference.upgrade(thread))
}

fn reference_to(thread: &mut Thread, class: Ref<'_>) -> PyResult {
    protocol::call(thread, PyWeakRef::static_type().get().get(), &[class])
}

/// The state of an abstract base class.
fn data_of(thread: &mut Thread, class: Ref<'_>) -> PyResult<Owned<AbcData>> {
    let found = protocol::get_attr_str(thread, class, "_abc_impl")?;
    found.downcast::<AbcData>().map_err(|_| type_error("_abc_impl is set to a wrong type"))
}

/// Returns the current ABC cache token.
///
/// The token is an opaque object (supporting equality testing) identifying the
/// current version of the ABC cache for virtual subclasses. The token changes
/// with every call to register() on any ABC.
#[pyfunction]
fn get_cache_token() -> u64 {
    REGISTRATIONS.load(Ordering::Relaxed)
}

fn is_abstract(thread: &mut Thread, value: Ref<'_>) -> PyResult<bool> {
    match protocol::find_attr(thread, value, str::intern(thread, "__isabstractmethod__")?)? {
        Some(answer) => protocol::is_true(thread, answer.get()),
        None => Ok(false),
    }
}

/// Sets `__abstractmethods__` to the names of what the class doesn't implement.
fn compute_abstract_methods(thread: &mut Thread, class: &Obj<PyType>) -> PyResult<()> {
    let namespace = class.namespace(thread).to_owned();
    let mut names = Vec::new();
    for entry in dict::entries(thread, &namespace)? {
        if is_abstract(thread, entry.value.get())? {
            names.push(entry.key);
        }
    }
    let bases = protocol::get_attr_str(thread, class.get(), "__bases__")?;
    for base in list::to_values(thread, bases.get())? {
        let inherited = str::intern(thread, "__abstractmethods__")?;
        let Some(inherited) = protocol::find_attr(thread, base.get(), inherited)? else { continue };
        for name in list::to_values(thread, inherited.get())? {
            let Some(text) = name.get().downcast::<str::PyStr>() else {
                return Err(type_error("attribute name must be string"));
            };
            let found = protocol::find_attr(thread, class.get(), text)?;
            if let Some(found) = found
                && is_abstract(thread, found.get())?
            {
                names.push(name);
            }
        }
    }
    let names: Vec<Ref<'_>> = names.iter().map(Value::get).collect();
    let names = set::frozen_from_values(thread, &names)?;
    protocol::set_attr_str(thread, class.get(), "__abstractmethods__", names.get())
}

/// Takes `__abc_tpflags__` out of the class: which patterns its instances match.
fn take_patterns(thread: &mut Thread, class: &Obj<PyType>) -> PyResult<()> {
    let name = str::intern(thread, "__abc_tpflags__")?;
    let Some(flags) = class.namespace(thread).get_str(thread, name).map(Ref::to_owned) else { return Ok(()) };
    let Some(bits) = flags.get().as_small_int() else { return Ok(()) };
    let both = TypeFlags::SEQUENCE.union(TypeFlags::MAPPING);
    if bits as u64 & both.0 == both.0 {
        return Err(type_error("__abc_tpflags__ cannot be both Py_TPFLAGS_SEQUENCE and Py_TPFLAGS_MAPPING"));
    }
    if bits as u64 & both.0 != 0 {
        set_patterns(thread, class, TypeFlags(bits as u64));
    }
    protocol::set_attr(thread, class.get(), name, None)
}

fn expect_class<'a>(class: Ref<'a>, message: &'static str) -> PyResult<&'a Obj<PyType>> {
    class.downcast::<PyType>().ok_or_else(|| type_error(message))
}

/// Internal ABC helper for class set-up. Should be never used outside abc module.
#[pyfunction]
#[signature(self_, /)]
fn _abc_init(thread: &mut Thread, self_: Ref<'_>) -> PyResult<()> {
    let class = expect_class(self_, "_abc_init() argument must be a class")?;
    compute_abstract_methods(thread, class)?;
    let data = AbcData {
        registry: ClassSet::new(),
        cache: ClassSet::new(),
        negative: ClassSet::new(),
        negative_version: AtomicU64::new(REGISTRATIONS.load(Ordering::Relaxed)),
    };
    let data = make(thread, data)?;
    protocol::set_attr_str(thread, self_, "_abc_impl", data.get())?;
    take_patterns(thread, class)
}

/// Internal ABC helper for subclasss registration. Should be never used outside abc module.
#[pyfunction]
#[signature(self_, subclass, /)]
fn _abc_register(thread: &mut Thread, self_: Ref<'_>, subclass: Ref<'_>) -> PyResult {
    let registered = expect_class(subclass, "Can only register classes")?;
    if protocol::is_subclass(thread, subclass, self_)? {
        return Ok(subclass.to_owned());
    }
    if protocol::is_subclass(thread, self_, subclass)? {
        return Err(runtime_error("Refusing to create an inheritance cycle"));
    }
    let data = data_of(thread, self_)?;
    data.registry.add(&data, thread, subclass)?;
    // Release pairs with the Acquire in `known`: who sees the new count sees the registration.
    REGISTRATIONS.fetch_add(1, Ordering::Release);
    if let Some(class) = self_.downcast::<PyType>() {
        let both = TypeFlags::SEQUENCE.union(TypeFlags::MAPPING);
        let patterns = TypeFlags(class.flags().0 & both.0);
        if patterns != TypeFlags::EMPTY {
            set_patterns(thread, registered, patterns);
        }
    }
    Ok(subclass.to_owned())
}

/// What the caches know of a class.
fn known(thread: &Thread, data: &AbcData, class: Ref<'_>) -> Option<bool> {
    if data.cache.contains(thread, class) {
        return Some(true);
    }
    // Acquire pairs with the Release in `_abc_register`.
    let is_current = data.negative_version.load(Ordering::Relaxed) == REGISTRATIONS.load(Ordering::Acquire);
    (is_current && data.negative.contains(thread, class)).then_some(false)
}

/// Internal ABC helper for instance checks. Should be never used outside abc module.
#[pyfunction]
#[signature(self_, instance, /)]
fn _abc_instancecheck(thread: &mut Thread, self_: Ref<'_>, instance: Ref<'_>) -> PyResult {
    let data = data_of(thread, self_)?;
    let subtype = class_of(instance);
    let subclass = match protocol::find_attr(thread, instance, str::intern(thread, "__class__")?)? {
        Some(class) => class,
        None => subtype.to_value(),
    };
    let same = subclass.get().is(subtype.get());
    match known(thread, &data, subclass.get()) {
        Some(true) => return Ok(Value::TRUE),
        Some(false) if same => return Ok(Value::FALSE),
        _ => {}
    }
    let result = protocol::call_method(thread, self_, "__subclasscheck__", &[subclass.get()])?;
    if same || protocol::is_true(thread, result.get())? {
        return Ok(result);
    }
    protocol::call_method(thread, self_, "__subclasscheck__", &[subtype.get()])
}

/// Asks `__subclasshook__`; nothing if it doesn't know.
fn ask_hook(thread: &mut Thread, class: Ref<'_>, subclass: Ref<'_>) -> PyResult<Option<bool>> {
    let answer = protocol::call_method(thread, class, "__subclasshook__", &[subclass])?;
    if answer.get().is(Ref::NOT_IMPLEMENTED) {
        return Ok(None);
    }
    match answer.get().as_bool() {
        Some(answer) => Ok(Some(answer)),
        None => Err(assertion_error("__subclasshook__ must return either False, True, or NotImplemented")),
    }
}

/// Whether the class is a subclass of one that was registered, or of a subclass of the abstract base class.
fn is_virtual_subclass(
    thread: &mut Thread,
    data: &AbcData,
    class: Ref<'_>,
    subclass: Ref<'_>,
) -> PyResult<bool> {
    for reference in data.registry.references(thread)? {
        if let Some(registered) = referent(thread, reference.get())
            && protocol::is_subclass(thread, subclass, registered.get())?
        {
            return Ok(true);
        }
    }
    let subclasses = protocol::call_method(thread, class, "__subclasses__", &[])?;
    let Some(subclasses) = subclasses.get().downcast::<PyList>() else {
        return Err(type_error("__subclasses__() must return a list"));
    };
    for other in list::values(thread, subclasses)? {
        if protocol::is_subclass(thread, subclass, other.get())? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Internal ABC helper for subclasss checks. Should be never used outside abc module.
#[pyfunction]
#[signature(self_, subclass, /)]
fn _abc_subclasscheck(thread: &mut Thread, self_: Ref<'_>, subclass: Ref<'_>) -> PyResult<bool> {
    let candidate = expect_class(subclass, "issubclass() arg 1 must be a class")?;
    let data = data_of(thread, self_)?;
    if let Some(answer) = known(thread, &data, subclass) {
        return Ok(answer);
    }
    let registrations = REGISTRATIONS.load(Ordering::Acquire);
    if data.negative_version.load(Ordering::Relaxed) < registrations {
        data.negative.clear(&data, thread);
        data.negative_version.store(registrations, Ordering::Relaxed);
    }
    let answer = match ask_hook(thread, self_, subclass)? {
        Some(answer) => answer,
        None => {
            self_.downcast::<PyType>().is_some_and(|class| candidate.is_subtype_of(class))
                || is_virtual_subclass(thread, &data, self_, subclass)?
        }
    };
    let cache = if answer { &data.cache } else { &data.negative };
    cache.add(&data, thread, subclass)?;
    Ok(answer)
}

/// Internal ABC helper for cache and registry debugging.
///
/// Return shallow copies of registry, of both caches, and
/// negative cache version. Don't call this function directly,
/// instead use ABC._dump_registry() for a nice repr.
#[pyfunction]
#[signature(self_, /)]
fn _get_dump(thread: &mut Thread, self_: Ref<'_>) -> PyResult {
    let data = data_of(thread, self_)?;
    let version = data.negative_version.load(Ordering::Relaxed);
    let values = vec![
        data.registry.to_set(thread)?,
        data.cache.to_set(thread)?,
        data.negative.to_set(thread)?,
        int::new(thread, version as i64)?,
    ];
    Ok(tuple::new(thread, values)?.into_value())
}

/// Internal ABC helper to reset registry of a given class.
///
/// Should be only used by refleak.py
#[pyfunction]
#[signature(self_, /)]
fn _reset_registry(thread: &mut Thread, self_: Ref<'_>) -> PyResult<()> {
    let data = data_of(thread, self_)?;
    data.registry.clear(&data, thread);
    Ok(())
}

/// Internal ABC helper to reset both caches of a given class.
///
/// Should be only used by refleak.py
#[pyfunction]
#[signature(self_, /)]
fn _reset_caches(thread: &mut Thread, self_: Ref<'_>) -> PyResult<()> {
    let data = data_of(thread, self_)?;
    data.cache.clear(&data, thread);
    data.negative.clear(&data, thread);
    Ok(())
}

/// Module contains faster C implementation of abc.ABCMeta
#[pymodule(
    name = "_abc",
    functions(
        get_cache_token,
        _abc_init,
        _abc_register,
        _abc_instancecheck,
        _abc_subclasscheck,
        _get_dump,
        _reset_registry,
        _reset_caches
    )
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    let _ = (thread, module);
    Ok(())
}
