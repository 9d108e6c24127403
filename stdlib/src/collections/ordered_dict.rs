//! `OrderedDict`: a dict whose order can be changed. Dicts keep the order of insertion anyway, so moving a key to the end
//! gives it a new entry; moving it to the front builds the table anew.

use super::ordered_views::{OrderedItems, OrderedIterator, OrderedKeys, OrderedValues};
use orochi_core::{Obj, Owner, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{key_error, key_error_message, runtime_error};
use orochi_objects::protocol::{self, CompareOp};
use orochi_objects::storage::dict::Lookup;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::dict_;
use orochi_objects::types::key::Key;
use orochi_objects::types::{repr_guard, tuple};
use orochi_objects::{Args, KwArgs, PyClass, PyResult, PyType, class_of, str};

/// Dictionary that remembers insertion order
#[pyclass(name = "OrderedDict", module = "collections", base = PyDict, subclassable, dict, weakref)]
#[derive(Trace)]
pub(crate) struct OrderedDict {
    dict: PyDict,
}

impl OrderedDict {
    /// The dict that it is.
    pub(super) fn dict(this: &Obj<OrderedDict>) -> PyResult<&Obj<PyDict>> {
        orochi_objects::slot_receiver::<PyDict>(this.get())
    }

    /// The version of the keys, for [`OrderedDict::check_version`].
    fn version(thread: &Thread, this: &Obj<OrderedDict>) -> PyResult<u32> {
        let dict = OrderedDict::dict(this)?;
        Ok(dict.storage().keys_version(Owner::from(dict), thread))
    }

    /// RuntimeError if a key has come or gone since the version was taken.
    fn check_version(this: &Obj<OrderedDict>, version: u32) -> PyResult<()> {
        if OrderedDict::dict(this)?.storage().has_version(version) {
            return Ok(());
        }
        Err(runtime_error("OrderedDict mutated during iteration"))
    }

    fn is_exact(this: &Obj<OrderedDict>) -> bool {
        std::ptr::eq(class_of(this.get()), OrderedDict::static_type().get())
    }
}

/// `self.update(iterable, **kwargs)` through item assignment.
fn fill(thread: &mut Thread, this: Ref<'_>, iterable: Option<Ref<'_>>, kwargs: &KwArgs<'_>) -> PyResult<()> {
    let assign = |thread: &mut Thread, key: Ref<'_>, value: Ref<'_>| {
        protocol::set_item(thread, this, key, Some(value))
    };
    if let Some(source) = iterable {
        let plain = source.downcast::<PyDict>().filter(|_| {
            std::ptr::eq(class_of(source), PyDict::static_type().get())
                || std::ptr::eq(class_of(source), OrderedDict::static_type().get())
        });
        if let Some(source) = plain {
            for entry in dict::entries(thread, source)? {
                assign(thread, entry.key.get(), entry.value.get())?;
            }
        } else {
            // A plain dict takes the mapping or the pairs apart, with the same errors.
            let pairs = dict::new(thread)?;
            if protocol::find_attr(thread, source, orochi_objects::name!("keys"))?.is_some() {
                let keys = protocol::call_method(thread, source, "keys", &[])?;
                protocol::iterate(thread, keys.get(), |thread, key| {
                    let value = protocol::get_item(thread, source, key.get())?;
                    assign(thread, key.get(), value.get())
                })?;
            } else {
                dict_::update(thread, &pairs, source)?;
                for entry in dict::entries(thread, &pairs)? {
                    assign(thread, entry.key.get(), entry.value.get())?;
                }
            }
        }
    }
    for (name, value) in kwargs.iter() {
        assign(thread, name.get(), value)?;
    }
    Ok(())
}

#[pymethods]
impl OrderedDict {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: Args<'_>) -> PyResult {
        Ok(orochi_objects::alloc(thread, cls, OrderedDict { dict: PyDict::empty() })?.into_value())
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
        fill(thread, this.get(), iterable, &kwargs)
    }

    /// D.update([E, ]**F) -> None.  Update D from mapping/iterable E and F.
    #[signature(iterable=<missing>, /, **kwargs)]
    #[no_text_signature]
    fn update(
        thread: &mut Thread,
        this: &Obj<Self>,
        iterable: Option<Ref<'_>>,
        kwargs: KwArgs<'_>,
    ) -> PyResult<()> {
        fill(thread, this.get(), iterable, &kwargs)
    }

    /// Create a new ordered dictionary with keys from iterable and values set to value.
    #[classmethod]
    #[signature(iterable, value=None)]
    fn fromkeys(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        iterable: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult {
        let made = protocol::call(thread, cls.get(), &[])?;
        let value = value.unwrap_or(Ref::NONE);
        protocol::iterate(thread, iterable, |thread, key| {
            protocol::set_item(thread, made.get(), key.get(), Some(value))
        })?;
        Ok(made)
    }

    /// Move an existing element to the end (or beginning if last is false).
    ///
    /// Raise KeyError if the element does not exist.
    #[signature(key, last = true)]
    fn move_to_end(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>, last: bool) -> PyResult<()> {
        let dict = OrderedDict::dict(this)?;
        let key = Key::for_dict(thread, key)?;
        // Another thread may move it in between: then it is searched anew.
        while let Lookup::Found(found) = dict::find(thread, dict, &key)? {
            if dict.storage().move_to_end(Owner::from(dict), thread, found, last)? {
                return Ok(());
            }
        }
        Err(key_error(key.object.to_owned()))
    }

    /// Remove and return a (key, value) pair from the dictionary.
    ///
    /// Pairs are returned in LIFO order if last is true or FIFO order if false.
    #[signature(last = true)]
    fn popitem(thread: &mut Thread, this: &Obj<Self>, last: bool) -> PyResult {
        let dict = OrderedDict::dict(this)?;
        let owner = Owner::from(dict);
        let popped = if last {
            dict.storage().pop_last(owner, thread)
        } else {
            dict.storage().pop_first(owner, thread)
        };
        match popped {
            Some((key, value)) => Ok(tuple::new(thread, vec![key, value])?.into_value()),
            None => Err(key_error_message("dictionary is empty")),
        }
    }

    /// od.pop(key[,default]) -> v, remove specified key and return the corresponding value.
    ///
    /// If the key is not found, return the default if given; otherwise,
    /// raise a KeyError.
    #[signature(key, default=<missing>)]
    fn pop(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
        let found = Key::for_dict(thread, key)?;
        if let Some((_, value)) = dict::remove(thread, OrderedDict::dict(this)?, &found)? {
            return Ok(value);
        }
        default.map(Ref::to_owned).ok_or_else(|| key_error(key.to_owned()))
    }

    /// Insert key with a value of default if key is not in the dictionary.
    ///
    /// Return the value for key if key is in the dictionary, else default.
    #[signature(key, default=None)]
    fn setdefault(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>, default: Option<Ref<'_>>) -> PyResult {
        let default = default.unwrap_or(Ref::NONE);
        if OrderedDict::is_exact(this) {
            let key = Key::for_dict(thread, key)?;
            return Ok(dict::set_default(thread, OrderedDict::dict(this)?, &key, default)?.0);
        }
        if protocol::contains(thread, this.get(), key)? {
            return protocol::get_item(thread, this.get(), key);
        }
        protocol::set_item(thread, this.get(), key, Some(default))?;
        Ok(default.to_owned())
    }

    /// od.copy() -> a shallow copy of od
    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let made = protocol::call(thread, class_of(this.get()).get(), &[])?;
        let version = OrderedDict::version(thread, this)?;
        for entry in dict::entries(thread, OrderedDict::dict(this)?)? {
            OrderedDict::check_version(this, version)?;
            let value = if OrderedDict::is_exact(this) {
                entry.value
            } else {
                protocol::get_item(thread, this.get(), entry.key.get())?
            };
            protocol::set_item(thread, made.get(), entry.key.get(), Some(value.get()))?;
            OrderedDict::check_version(this, version)?;
        }
        Ok(made)
    }

    fn keys(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        OrderedKeys::of(thread, this)
    }

    fn values(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        OrderedValues::of(thread, this)
    }

    fn items(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        OrderedItems::of(thread, this)
    }

    #[name = "__reversed__"]
    fn reversed(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        OrderedIterator::keys(thread, this, true)
    }

    /// Return state information for pickling
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let state = protocol::call_method(thread, this.get(), "__getstate__", &[])?;
        let items = protocol::call_method(thread, this.get(), "items", &[])?;
        let items = protocol::iter(thread, items.get())?;
        let class = class_of(this.get()).to_value();
        let args = tuple::empty(thread).to_value();
        Ok(tuple::new(thread, vec![class, args, state, Value::NONE, items])?.into_value())
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        OrderedIterator::keys(thread, this, false)
    }

    #[slot]
    fn nb_or(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let (own, other) = match left.downcast::<OrderedDict>() {
            Some(own) => (own, right),
            None => match right.downcast::<OrderedDict>() {
                Some(own) => (own, left),
                None => return Ok(Value::NOT_IMPLEMENTED),
            },
        };
        if other.downcast::<PyDict>().is_none() {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        let union = protocol::call(thread, class_of(own.get()).get(), &[left])?;
        protocol::call_method(thread, union.get(), "update", &[right])?;
        Ok(union)
    }

    #[slot]
    fn nb_inplace_or(thread: &mut Thread, this: &Obj<Self>, other: Ref<'_>) -> PyResult {
        protocol::call_method(thread, this.get(), "update", &[other])?;
        Ok(this.to_value())
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let Some(compare) = PyDict::static_type().get().slots.tp_richcompare() else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let result = compare(thread, left, right, op)?;
        // Two ordered dicts are equal only if their keys come in the same order.
        let equal = match op {
            CompareOp::Eq => result.get().is(Ref::TRUE),
            CompareOp::Ne => result.get().is(Ref::FALSE),
            _ => return Ok(result),
        };
        let (Some(a), Some(b)) = (left.downcast::<OrderedDict>(), right.downcast::<OrderedDict>()) else {
            return Ok(result);
        };
        if !equal {
            return Ok(result);
        }
        let versions = (OrderedDict::version(thread, a)?, OrderedDict::version(thread, b)?);
        let own = dict::entries(thread, OrderedDict::dict(a)?)?;
        let others = dict::entries(thread, OrderedDict::dict(b)?)?;
        let mut same = own.len() == others.len();
        for (own, other) in own.iter().zip(&others) {
            same = same && protocol::eq(thread, own.key.get(), other.key.get())?;
            OrderedDict::check_version(a, versions.0)?;
            OrderedDict::check_version(b, versions.1)?;
        }
        Ok(Value::bool(same == (op == CompareOp::Eq)))
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let name = class_of(this.get()).name().into_owned();
        if dict::len(thread, OrderedDict::dict(this)?) == 0 {
            return str::new(thread, &format!("{name}()"));
        }
        let shown = repr_guard::enter(thread, this.get(), |thread| {
            let plain = dict::new(thread)?;
            let items = protocol::call_method(thread, this.get(), "items", &[])?;
            dict_::update(thread, &plain, items.get())?;
            let shown = protocol::repr(thread, plain.get())?;
            str::new(thread, &format!("{name}({})", str::display(shown.get())))
        })?;
        shown.map_or_else(|| str::new(thread, "..."), Ok)
    }
}
