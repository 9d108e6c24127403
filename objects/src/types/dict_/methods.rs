//! The methods of `dict`.

use crate::args::KwArgs;
use crate::class::{PyClass, is_exact};
use crate::error::{PyErr, PyResult, key_error, key_error_message, runtime_error, type_error, value_error};
use crate::protocol::{self, CompareOp};
use crate::quick::{Quick, Registers};
use crate::storage::dict::DictStorage;
use crate::types::dict::{self, DictExt, PyDict, Walk};
use crate::types::key::Key;
use crate::types::repr_guard;
use crate::types::set::{self, AnySet};
use crate::types::tuple;
use crate::types::r#type::PyType;
use orochi_core::word;
use orochi_core::{Obj, Owner, Ref, Thread, Value};
use orochi_macros::pymethods;
use orochi_text::wtf8::Wtf8Buf;

/// `dict.get` of a key for which no Python code is needed.
fn quick_get(thread: &mut Thread, args: Registers<'_>) -> Quick {
    let (Some(dict), Some(key), 2..=3) = (args.get(0), args.get(1), args.len()) else { return Quick::OTHER };
    // SAFETY: methods get an instance of exactly their class.
    let dict = unsafe { dict.cast::<PyDict>() };
    match dict::find_register(thread, dict, key) {
        None => Quick::OTHER,
        Some(word::UNBOUND) => args.get(2).map_or(Quick::NONE, Quick::reference),
        // SAFETY: made for a register.
        Some(found) => unsafe { Quick::from_word(found) },
    }
}

#[pymethods(part = METHODS)]
impl PyDict {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: crate::Args<'_>) -> PyResult {
        Ok(dict::subclass_object(thread, cls, DictStorage::new())?.into_value())
    }

    #[init]
    #[no_text_signature]
    #[signature(iterable=<missing>, /, **kwargs)]
    fn init(
        thread: &mut Thread,
        this: &Obj<Self>,
        iterable: Option<Ref<'_>>,
        kwargs: KwArgs<'_>,
    ) -> PyResult<()> {
        update_common(thread, this, iterable, &kwargs)
    }

    /// Create a new dictionary with keys from iterable and values set to value.
    #[classmethod]
    #[signature(iterable, value=None, /)]
    fn fromkeys(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        iterable: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult {
        let value = value.unwrap_or(Ref::NONE);
        let made = protocol::call(thread, cls.get(), &[])?;
        let plain =
            made.get().downcast::<PyDict>().filter(|dict| is_exact(dict.get(), PyDict::static_type()));
        let hashed = AnySet::of(iterable).is_some() || is_exact(iterable, PyDict::static_type());
        if let (Some(dict), true) = (plain, hashed) {
            // Sets and dicts know the hashes of their keys.
            set::for_each_key(thread, iterable, |thread, key| {
                dict::set(thread, dict, key, value.to_owned())?;
                Ok(true)
            })?;
            return Ok(made);
        }
        protocol::iterate(thread, iterable, |thread, key| match plain {
            Some(dict) => dict::set_item(thread, dict, key.get(), value.to_owned()),
            None => protocol::set_item(thread, made.get(), key.get(), Some(value)),
        })?;
        Ok(made)
    }

    /// Return the value for key if key is in the dictionary, else default.
    #[signature(key, default=None, /)]
    #[quick(quick_get)]
    fn get(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
        match dict::get_item(thread, this, key)? {
            Some(value) => Ok(value),
            None => Ok(default.map_or(Value::NONE, Ref::to_owned)),
        }
    }

    /// Insert key with a value of default if key is not in the dictionary.
    ///
    /// Return the value for key if key is in the dictionary, else default.
    #[signature(key, default=None, /)]
    fn setdefault(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
        let key = Key::for_dict(thread, key)?;
        Ok(dict::set_default(thread, this, &key, default.unwrap_or(Ref::NONE))?.0)
    }

    /// D.pop(k[,d]) -> v, remove specified key and return the corresponding value.
    ///
    /// If the key is not found, return the default if given; otherwise,
    /// raise a KeyError.
    #[signature(key, default=<missing>, /)]
    fn pop(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
        if dict::len(thread, this) == 0 {
            return default.map(Ref::to_owned).ok_or_else(|| key_error(key.to_owned()));
        }
        let key = Key::for_dict(thread, key)?;
        match dict::remove(thread, this, &key)? {
            Some((_, value)) => Ok(value),
            None => default.map(Ref::to_owned).ok_or_else(|| key_error(key.object.to_owned())),
        }
    }

    /// Remove and return a (key, value) pair as a 2-tuple.
    ///
    /// Pairs are returned in LIFO (last-in, first-out) order.
    /// Raises KeyError if the dict is empty.
    fn popitem(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match this.storage().pop_last(Owner::from(this), thread) {
            Some((key, value)) => Ok(tuple::new(thread, vec![key, value])?.into_value()),
            None => Err(key_error_message("popitem(): dictionary is empty")),
        }
    }

    /// D.update([E, ]**F) -> None.  Update D from mapping/iterable E and F.
    ///
    /// If E is present and has a .keys() method, then does:  for k in E.keys(): D[k] = E[k]
    /// If E is present and lacks a .keys() method, then does:  for k, v in E: D[k] = v
    /// In either case, this is followed by: for k in F:  D[k] = F[k]
    #[signature(iterable=<missing>, /, **kwargs)]
    #[no_text_signature]
    fn update(
        thread: &mut Thread,
        this: &Obj<Self>,
        iterable: Option<Ref<'_>>,
        kwargs: KwArgs<'_>,
    ) -> PyResult<()> {
        update_common(thread, this, iterable, &kwargs)
    }

    /// Remove all items from the dict.
    fn clear(thread: &mut Thread, this: &Obj<Self>) {
        this.storage().clear(Owner::from(this), thread);
    }

    /// Return a shallow copy of the dict.
    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Ok(dict::copy(thread, this)?.into_value())
    }

    /// Return the size of the dict in memory.
    #[name = "__sizeof__"]
    fn sizeof(thread: &mut Thread, this: &Obj<Self>) -> usize {
        16 + std::mem::size_of::<PyDict>() + this.storage().byte_size(thread)
    }

    /// Return self[key].
    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        if let Some(value) = dict::get_item(thread, this, key)? {
            return Ok(value);
        }
        if !is_exact(this.get(), PyDict::static_type()) {
            use crate::types::r#type::TypeExt;
            let class = crate::class_of(this.get());
            if let Some(missing) = class.lookup(thread, crate::name!("__missing__")).map(Ref::to_owned) {
                let bound = crate::types::object::bind(thread, missing.get(), this.get())?;
                return protocol::call(thread, bound.get(), &[key]);
            }
        }
        Err(key_error(key.to_owned()))
    }

    #[slot]
    fn mp_ass_subscript(
        thread: &mut Thread,
        this: &Obj<Self>,
        key: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let key = Key::for_dict(thread, key)?;
        match value {
            Some(value) => dict::set(thread, this, &key, value.to_owned()),
            None => dict::delete(thread, this, &key),
        }
    }

    #[slot]
    fn mp_length(thread: &mut Thread, this: &Obj<Self>) -> usize {
        dict::len(thread, this)
    }

    #[slot]
    fn sq_contains(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult<bool> {
        let key = Key::for_dict(thread, key)?;
        dict::contains(thread, this, &key)
    }

    #[slot]
    fn nb_or(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let (Some(left), Some(right)) = (left.downcast::<PyDict>(), right.downcast::<PyDict>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let union = dict::copy(thread, left)?;
        update(thread, &union, right.get())?;
        Ok(union.into_value())
    }

    #[slot]
    fn nb_inplace_or(thread: &mut Thread, this: Ref<'_>, other: Ref<'_>) -> PyResult {
        update(thread, crate::slot_receiver::<PyDict>(this)?, other)?;
        Ok(this.to_owned())
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(left), Some(right)) = (left.downcast::<PyDict>(), right.downcast::<PyDict>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        match op {
            CompareOp::Eq => Ok(Value::bool(equal(thread, left, right)?)),
            CompareOp::Ne => Ok(Value::bool(!equal(thread, left, right)?)),
            _ => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let shown = repr_guard::enter(thread, this.get(), |thread| {
            let mut text = Wtf8Buf::with_capacity(16);
            text.push_str("{");
            let mut walk = Walk::begin(thread, this)?;
            let mut first = true;
            while let Some(entry) = walk.next(thread, this) {
                if !std::mem::take(&mut first) {
                    text.push_str(", ");
                }
                repr_guard::push_repr(thread, &mut text, entry.key.get())?;
                text.push_str(": ");
                repr_guard::push_repr(thread, &mut text, entry.value.get())?;
            }
            text.push_str("}");
            repr_guard::finish(thread, &text)
        })?;
        shown.map_or_else(|| crate::str::new(thread, "{...}"), Ok)
    }
}

fn equal(thread: &mut Thread, left: &Obj<PyDict>, right: &Obj<PyDict>) -> PyResult<bool> {
    if thread.native_stack_low() {
        return Err(crate::error::recursion_error("maximum recursion depth exceeded in comparison"));
    }
    if dict::len(thread, left) != dict::len(thread, right) {
        return Ok(false);
    }
    let mut walk = Walk::begin(thread, left)?;
    while let Some(entry) = walk.next(thread, left) {
        let key = Key::with_hash(entry.key.get(), entry.hash);
        match dict::get(thread, right, &key)? {
            Some(other) if protocol::eq(thread, entry.value.get(), other.get())? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn update_common(
    thread: &mut Thread,
    this: &Obj<PyDict>,
    iterable: Option<Ref<'_>>,
    kwargs: &KwArgs<'_>,
) -> PyResult<()> {
    if let Some(iterable) = iterable {
        update(thread, this, iterable)?;
    }
    for (name, value) in kwargs.iter() {
        dict::set_item(thread, this, name.get(), value.to_owned())?;
    }
    Ok(())
}

/// `this.update(source)`: a mapping or an iterable of pairs.
pub fn update(thread: &mut Thread, this: &Obj<PyDict>, source: Ref<'_>) -> PyResult<()> {
    if let Some(other) = source.downcast::<PyDict>()
        && iterates_plainly(source)
    {
        return update_from_dict(thread, this, other);
    }
    match protocol::find_attr(thread, source, crate::name!("keys"))? {
        Some(keys) => {
            let keys = protocol::call(thread, keys.get(), &[])?;
            protocol::iterate(thread, keys.get(), |thread, key| {
                let value = protocol::get_item(thread, source, key.get())?;
                dict::set_item(thread, this, key.get(), value)
            })
        }
        None => update_from_pairs(thread, this, source),
    }
}

/// Whether a dict's class leaves `__iter__` as it is: then its entries are what it maps.
fn iterates_plainly(source: Ref<'_>) -> bool {
    let own = crate::class_of(source).slots.tp_iter().map(|slot| slot as usize);
    own == PyDict::static_type().get().slots.tp_iter().map(|slot| slot as usize)
}

/// Adds the entries of another dict. RuntimeError if comparing keys changes it meanwhile.
pub fn update_from_dict(thread: &mut Thread, this: &Obj<PyDict>, other: &Obj<PyDict>) -> PyResult<()> {
    if std::ptr::eq(this, other) {
        return Ok(());
    }
    let size = dict::len(thread, other);
    if dict::len(thread, this) == 0 && !this.header().is_shared() {
        let copy = other.storage().duplicate(Owner::from(other), thread)?;
        if this.storage().adopt(Owner::from(this), copy).is_ok() {
            return Ok(());
        }
    }
    let mut walk = Walk::begin(thread, other)?;
    if dict::len(thread, this) == 0 && size != 0 {
        this.storage().reserve(Owner::from(this), thread, size)?;
    }
    while let Some(entry) = walk.next(thread, other) {
        let key = Key::with_hash(entry.key.get(), entry.hash);
        dict::set(thread, this, &key, entry.value)?;
        if walk.is_disturbed(thread, other) {
            return Err(runtime_error("dict mutated during update"));
        }
    }
    Ok(())
}

fn update_from_pairs(thread: &mut Thread, this: &Obj<PyDict>, source: Ref<'_>) -> PyResult<()> {
    let mut number = 0usize;
    protocol::iterate(thread, source, |thread, pair| {
        let items = match crate::types::list::to_values(thread, pair.get()) {
            Ok(items) => items,
            Err(error) => return Err(not_a_sequence(thread, error, pair.get(), number)),
        };
        let [key, value]: [Value; 2] = items.try_into().map_err(|items: Vec<Value>| {
            let length = items.len();
            value_error(format!(
                "dictionary update sequence element #{number} has length {length}; 2 is required"
            ))
        })?;
        number += 1;
        dict::set_item(thread, this, key.get(), value)
    })
}

/// What CPython says of an element that can't be iterated over: the error itself, or another if there is no iterator, with
/// a note of the element's place.
fn not_a_sequence(thread: &mut Thread, error: PyErr, pair: Ref<'_>, number: usize) -> PyErr {
    if !error.matches(&crate::types::exception::TypeError) {
        return error;
    }
    let iterable = crate::class_of(pair).slots.tp_iter().is_some();
    let error = if iterable { error } else { type_error("object is not iterable") };
    let exception = error.into_value(thread);
    let note = format!("Cannot convert dictionary update sequence element #{number} to a sequence");
    let noted = crate::str::new(thread, &note)
        .and_then(|note| protocol::call_method(thread, exception.get(), "add_note", &[note.get()]));
    match noted {
        Ok(_) => PyErr::from_instance(exception),
        Err(error) => error,
    }
}

impl PyDict {
    /// `dict[name]` for code that has the name as text.
    pub fn find_text(thread: &mut Thread, dict: &Obj<PyDict>, name: &str) -> PyResult<Option<Value>> {
        let name = crate::str::intern(thread, name)?;
        Ok(dict.get_str(thread, name).map(Ref::to_owned))
    }
}
