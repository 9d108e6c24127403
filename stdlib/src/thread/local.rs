//! `_thread._local`: data of which each thread has its own.
//!
//! Each thread keeps its dicts in its `ThreadState`, by the number of the local object. They are reachable from that thread
//! alone, so they stay local: nothing about thread-local data is ever counted atomically or locked.

use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::{Field, Owned};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{PyResult, attribute_error, attribute_error_message, type_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{object, tuple};
use orochi_objects::{Args, DictExt, Obj, PyType, Ref, Thread, TypeExt};

static NEXT: AtomicU64 = AtomicU64::new(1);

/// _local()
/// --
///
/// Thread-local data
#[pyclass(name = "_local", module = "_thread", subclassable, weakref)]
#[derive(Trace)]
pub(super) struct PyLocal {
    number: u64,
    /// The arguments for `__init__` in each thread: positional, names and values of keyword ones.
    args: Field,
    names: Option<Field>,
}

/// This thread's dict; made, and `__init__` called, when the thread asks first.
fn dict_of(thread: &mut Thread, this: &Obj<PyLocal>) -> PyResult<Owned<PyDict>> {
    if let Some(found) = ThreadState::of(thread).locals.get(&this.number)
        && let Ok(found) = found.clone().downcast::<PyDict>()
    {
        return Ok(found);
    }
    let made = dict::new(thread)?;
    ThreadState::of(thread).locals.insert(this.number, made.clone().into_value());
    let class = orochi_objects::class_of(this.get());
    let values: Vec<Ref<'_>> = match this.args.fixed().downcast::<tuple::PyTuple>() {
        Some(args) => args.items().collect(),
        None => Vec::new(),
    };
    let names = this.names.as_ref().and_then(|names| names.fixed().downcast());
    if let Some(init) = class.slots.tp_init()
        && let Err(error) = init(thread, this.get(), Args::with_names(&values, names))
    {
        ThreadState::of(thread).locals.remove(&this.number);
        return Err(error);
    }
    Ok(made)
}

fn is_dict(name: &Obj<PyStr>) -> bool {
    name.as_bytes() == b"__dict__"
}

#[pymethods]
impl PyLocal {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        let plain = std::ptr::eq(cls, <Self as orochi_objects::PyClass>::static_type().get());
        if plain && (!args.is_empty() || args.keyword_count() != 0) {
            return Err(type_error("Initialization arguments are not supported"));
        }
        let values = tuple::new(thread, args.all_values())?;
        let local = PyLocal {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            args: Field::new_local(values.into_value()),
            names: args.names().map(|names| Field::new_local(names.to_value())),
        };
        let made = orochi_objects::alloc(thread, cls, local)?;
        // `type.__call__` calls `__init__` for this thread.
        let dict = dict::new(thread)?.into_value();
        ThreadState::of(thread).locals.insert(made.number, dict);
        Ok(made.into_value())
    }

    #[slot]
    fn tp_getattro(thread: &mut Thread, this: &Obj<Self>, name: Ref<'_>) -> PyResult {
        let name = orochi_objects::str::expect(name, "attribute name")?;
        let dict = dict_of(thread, this)?;
        if is_dict(name) {
            return Ok(dict.into_value());
        }
        let found = orochi_objects::class_of(this.get()).lookup(thread, name).map(Ref::to_owned);
        if let Some(found) = &found
            && orochi_objects::class_of(found.get()).slots.tp_descr_set().is_some()
        {
            return object::bind(thread, found.get(), this.get());
        }
        if let Some(value) = dict.get_str(thread, name) {
            return Ok(value.to_owned());
        }
        match found {
            Some(found) => object::bind(thread, found.get(), this.get()),
            None => Err(attribute_error(this.get(), name.get())),
        }
    }

    #[slot]
    fn tp_setattro(
        thread: &mut Thread,
        this: &Obj<Self>,
        name: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let name = orochi_objects::str::expect(name, "attribute name")?;
        let dict = dict_of(thread, this)?;
        if is_dict(name) {
            let class = orochi_objects::class_of(this.get()).name();
            return Err(attribute_error_message(format!(
                "'{class}' object attribute '__dict__' is read-only"
            )));
        }
        let found = orochi_objects::class_of(this.get()).lookup(thread, name).map(Ref::to_owned);
        if let Some(found) = &found
            && let Some(set) = orochi_objects::class_of(found.get()).slots.tp_descr_set()
        {
            return set(thread, found.get(), this.get(), value);
        }
        match value {
            Some(value) => dict::set_item(thread, &dict, name.get(), value.to_owned()),
            None => {
                let key = orochi_objects::types::key::Key::for_dict(thread, name.get())?;
                match dict::remove(thread, &dict, &key)? {
                    Some(_) => Ok(()),
                    None => Err(attribute_error(this.get(), name.get())),
                }
            }
        }
    }
}
