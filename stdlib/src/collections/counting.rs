//! `_count_elements`, the loop of `Counter.update`.

use orochi_core::{Ref, Thread};
use orochi_macros::pyfunction;
use orochi_objects::protocol::{self, number};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::int;
use orochi_objects::types::key::Key;
use orochi_objects::{PyClass, PyResult, TypeExt, class_of};

/// Count elements in the iterable, updating the mapping
#[pyfunction]
#[name = "_count_elements"]
#[signature(mapping, iterable, /)]
pub(crate) fn count_elements(thread: &mut Thread, mapping: Ref<'_>, iterable: Ref<'_>) -> PyResult<()> {
    let one = int::new(thread, 1)?;
    // Subclasses that leave item assignment and `get` as they are count like plain dicts.
    let plain = PyDict::static_type().get();
    let is_plain =
        [orochi_objects::name!("get"), orochi_objects::name!("__setitem__")].into_iter().all(|name| {
            let own = class_of(mapping).lookup(thread, name).map(Ref::word);
            own.is_some() && own == plain.lookup(thread, name).map(Ref::word)
        });
    if let Some(counts) = mapping.downcast::<PyDict>().filter(|_| is_plain) {
        return protocol::iterate(thread, iterable, |thread, item| {
            let key = Key::for_dict(thread, item.get())?;
            let count = match dict::get(thread, counts, &key)? {
                Some(count) => match count.get().as_small_int().and_then(|count| count.checked_add(1)) {
                    Some(count) => int::new(thread, count)?,
                    None => number::add(thread, count.get(), one.get())?,
                },
                None => one.clone(),
            };
            dict::set(thread, counts, &key, count)
        });
    }
    let zero = int::new(thread, 0)?;
    let get = protocol::get_attr(thread, mapping, orochi_objects::name!("get"))?;
    protocol::iterate(thread, iterable, |thread, item| {
        let count = protocol::call(thread, get.get(), &[item.get(), zero.get()])?;
        let count = number::add(thread, count.get(), one.get())?;
        protocol::set_item(thread, mapping, item.get(), Some(count.get()))
    })
}
