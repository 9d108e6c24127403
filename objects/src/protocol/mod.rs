//! What Python's operators and protocols mean, as functions on references.

pub mod class_check;
pub mod compare;
pub mod number;
pub mod special;

use crate::args::Args;
use crate::class::exactly;
use crate::error::{PyResult, memory_error, type_error};
use crate::interpreter;
use crate::types::function::PyFunction;
use crate::types::generator::PyGenerator;
use crate::types::list::{self, PyList};
use crate::types::str::PyStr;
use crate::types::tuple::PyTuple;
use orochi_core::{Obj, Ref, Thread, Value};

pub use class_check::{is_instance, is_subclass};
pub use compare::{CompareOp, eq, rich_compare};

/// `object.name`.
#[inline]
pub fn get_attr(thread: &mut Thread, object: Ref<'_>, name: &Obj<PyStr>) -> PyResult {
    match crate::class_of(object).slots.tp_getattro() {
        Some(get) => get(thread, object, name.get()),
        None => Err(crate::error::attribute_error(object, name.get())),
    }
}

/// `object.name`, or `None` (of Rust) if there is no such attribute.
pub fn find_attr(thread: &mut Thread, object: Ref<'_>, name: &Obj<PyStr>) -> PyResult<Option<Value>> {
    let found = if crate::types::object::has_generic_getattr(crate::class_of(object)) {
        // Without making the error.
        crate::types::object::find_attr(thread, object, name)
    } else if let Some(class) = crate::types::type_::attributes::with_plain_getattr(object) {
        crate::types::type_::attributes::find(thread, class, name)
    } else {
        get_attr(thread, object, name).map(Some)
    };
    match found {
        Ok(found) => Ok(found),
        Err(error) if error.matches(&crate::types::exception::AttributeError) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `object.name = value`, or `del object.name`.
pub fn set_attr(
    thread: &mut Thread,
    object: Ref<'_>,
    name: &Obj<PyStr>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    match crate::class_of(object).slots.tp_setattro() {
        Some(set) => set(thread, object, name.get(), value),
        None => Err(crate::error::attribute_error(object, name.get())),
    }
}

/// [`set_attr`] with the name as text.
pub fn set_attr_str(thread: &mut Thread, object: Ref<'_>, name: &str, value: Ref<'_>) -> PyResult<()> {
    set_attr(thread, object, crate::str::intern(thread, name)?, Some(value))
}

/// [`get_attr`] with the name as text.
pub fn get_attr_str(thread: &mut Thread, object: Ref<'_>, name: &str) -> PyResult {
    get_attr(thread, object, crate::str::intern(thread, name)?)
}

/// `callable(*args)`.
#[inline]
pub fn call(thread: &mut Thread, callable: Ref<'_>, args: &[Ref<'_>]) -> PyResult {
    call_args(thread, callable, Args::new(args))
}

/// Calls with arguments as they came.
#[inline]
pub fn call_args(thread: &mut Thread, callable: Ref<'_>, args: Args<'_>) -> PyResult {
    // Natively written callables call each other without the interpreter's count.
    if thread.native_stack_low() {
        return Err(crate::error::recursion_error(
            "maximum recursion depth exceeded while calling a Python object",
        ));
    }
    if let Some(function) = exactly::<PyFunction>(callable) {
        return crate::interpreter::call_function(thread, function, args);
    }
    let class = crate::class_of(callable);
    match class.slots.tp_call() {
        Some(call) => call(thread, callable, args),
        None => Err(type_error(format!("'{}' object is not callable", class.full_name()))),
    }
}

/// `object.name(*args)`.
pub fn call_method(thread: &mut Thread, object: Ref<'_>, name: &str, args: &[Ref<'_>]) -> PyResult {
    let name = crate::str::intern(thread, name)?;
    call_method_args(thread, object, name, Args::new(args))
}

/// [`call_method`] with the name as a str, and arguments as they came.
pub fn call_method_args(thread: &mut Thread, object: Ref<'_>, name: &Obj<PyStr>, args: Args<'_>) -> PyResult {
    match special::call_plain_method(thread, object, name, args)? {
        Some(result) => Ok(result),
        None => {
            let method = get_attr(thread, object, name)?;
            call_args(thread, method.get(), args)
        }
    }
}

/// `repr(object)`: a str.
#[inline]
pub fn repr(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    let class = crate::class_of(object);
    let Some(repr) = class.slots.tp_repr() else {
        return crate::str::new(thread, &format!("<{} object at {:#x}>", class.full_name(), object.word()));
    };
    // Native functions that show what they hold show each other without the interpreter's count.
    if thread.native_stack_low() {
        return Err(crate::error::recursion_error(
            "maximum recursion depth exceeded while getting the repr of an object",
        ));
    }
    let result = repr(thread, object)?;
    expect_str(result, "__repr__")
}

/// `str(object)`: a str.
#[inline]
pub fn str(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    if exactly::<PyStr>(object).is_some() {
        return Ok(object.to_owned());
    }
    if let Some(small) = object.as_small_int() {
        return crate::types::int_::text::of_small(thread, small);
    }
    match crate::class_of(object).slots.tp_str() {
        Some(slot) => {
            let result = slot(thread, object)?;
            expect_str(result, "__str__")
        }
        None => repr(thread, object),
    }
}

#[inline]
fn expect_str(result: Value, method: &str) -> PyResult {
    if result.get().downcast::<PyStr>().is_some() {
        return Ok(result);
    }
    let class = crate::class_of(result.get()).full_name();
    Err(type_error(format!("{method} returned non-string (type {class})")))
}

/// `hash(object)`.
#[inline]
pub fn hash(thread: &mut Thread, object: Ref<'_>) -> PyResult<i64> {
    let class = crate::class_of(object);
    match class.slots.tp_hash() {
        Some(hash) => hash(thread, object),
        None => Err(unhashable(object)),
    }
}

#[cold]
pub(crate) fn unhashable(object: Ref<'_>) -> crate::error::PyErr {
    type_error(format!("unhashable type: '{}'", crate::class_of(object).full_name()))
}

/// `bool(object)`.
#[inline]
pub fn is_true(thread: &mut Thread, object: Ref<'_>) -> PyResult<bool> {
    if let Some(boolean) = object.as_bool() {
        return Ok(boolean);
    }
    if object.is_none() {
        return Ok(false);
    }
    if let Some(list) = exactly::<PyList>(object) {
        return Ok(list::len(thread, list) != 0);
    }
    if let Some(text) = exactly::<PyStr>(object) {
        return Ok(!text.is_empty());
    }
    let slots = &crate::class_of(object).slots;
    if let Some(is_true) = slots.nb_bool() {
        return is_true(thread, object);
    }
    match slots.mp_length().or(slots.sq_length()) {
        Some(length) => Ok(length(thread, object)? != 0),
        None => Ok(true),
    }
}

/// `len(object)`.
#[inline]
pub fn len(thread: &mut Thread, object: Ref<'_>) -> PyResult<usize> {
    let class = crate::class_of(object);
    match class.slots.sq_length().or(class.slots.mp_length()) {
        Some(length) => length(thread, object),
        None => Err(type_error(format!("object of type '{}' has no len()", class.full_name()))),
    }
}

/// `iter(object)`.
#[inline]
pub fn iter(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    let class = crate::class_of(object);
    let Some(iter) = class.slots.tp_iter() else {
        if is_sequence(class) {
            return crate::types::sequence_iterator::new(thread, object.to_owned());
        }
        return Err(type_error(format!("'{}' object is not iterable", class.full_name())));
    };
    let iterator = iter(thread, object)?;
    let class = crate::class_of(iterator.get());
    if class.slots.tp_iternext().is_none() {
        return Err(type_error(format!("iter() returned non-iterator of type '{}'", class.full_name())));
    }
    Ok(iterator)
}

/// `next(iterator)`; `None` (of Rust) when it is exhausted.
#[inline]
pub fn next(thread: &mut Thread, iterator: Ref<'_>) -> PyResult<Option<Value>> {
    let class = crate::class_of(iterator);
    match class.slots.tp_iternext() {
        Some(next) => match next(thread, iterator) {
            // A `__next__` in Python says so.
            Err(error) if error.matches(&crate::types::exception::StopIteration) => Ok(None),
            result => result,
        },
        None => Err(type_error(format!("'{}' object is not an iterator", class.full_name()))),
    }
}

/// Calls `each` with every item of an iterable.
#[inline]
pub fn iterate(
    thread: &mut Thread,
    iterable: Ref<'_>,
    mut each: impl FnMut(&mut Thread, Value) -> PyResult<()>,
) -> PyResult<()> {
    iterate_while(thread, iterable, |thread, item| each(thread, item).map(|()| true))
}

/// Calls `each` with the items of an iterable until it answers false. Lists, tuples and strs need no iterator.
#[inline]
pub fn iterate_while(
    thread: &mut Thread,
    iterable: Ref<'_>,
    mut each: impl FnMut(&mut Thread, Value) -> PyResult<bool>,
) -> PyResult<()> {
    if let Some(list) = exactly::<PyList>(iterable) {
        let mut index = 0;
        while let Some(item) = list::item(thread, list, index) {
            if !each(thread, item)? {
                break;
            }
            index += 1;
        }
        return Ok(());
    }
    if let Some(tuple) = exactly::<PyTuple>(iterable) {
        for item in tuple.items() {
            if !each(thread, item.to_owned())? {
                break;
            }
        }
        return Ok(());
    }
    if let Some(text) = exactly::<PyStr>(iterable) {
        for point in text.as_wtf8().code_points() {
            let character = crate::types::str_::single::character(thread, point)?;
            if !each(thread, character)? {
                break;
            }
        }
        return Ok(());
    }
    let iterator = iter(thread, iterable)?;
    while let Some(item) = crate::types::iterators::next_item(thread, iterator.get())? {
        if !each(thread, item)? {
            break;
        }
    }
    Ok(())
}

/// [`iterate_while`] for a consumer that can take most items without running Python code: `take` takes one, or gives it back,
/// and then it is `each` that deals with it. Both get `state`.
#[inline]
pub fn iterate_taking<S>(
    thread: &mut Thread,
    iterable: Ref<'_>,
    state: &mut S,
    take: impl Fn(&mut S, &mut Thread, Value) -> Option<Value>,
    each: impl Fn(&mut S, &mut Thread, Value) -> PyResult<bool>,
) -> PyResult<()> {
    if let Some(generator) = exactly::<PyGenerator>(iterable) {
        loop {
            let left = interpreter::feed(thread, generator, &mut |thread, item| take(state, thread, item))?;
            let Some(item) = left else { return Ok(()) };
            if !each(state, thread, item)? {
                return Ok(());
            }
        }
    }
    iterate_while(thread, iterable, |thread, item| match take(state, thread, item) {
        Some(item) => each(state, thread, item),
        None => Ok(true),
    })
}

/// How many items an iterable says it has: `operator.length_hint`.
pub fn length_hint(thread: &mut Thread, object: Ref<'_>, default: isize) -> PyResult<isize> {
    use crate::types::exception::TypeError;
    let slots = &crate::class_of(object).slots;
    if slots.sq_length().or(slots.mp_length()).is_some() {
        match len(thread, object) {
            Ok(len) => return Ok(isize::try_from(len).unwrap_or(isize::MAX)),
            Err(error) if error.matches(&TypeError) => {}
            Err(error) => return Err(error),
        }
    }
    let hint = match call_special(thread, object, crate::name!("__length_hint__"), &[]) {
        Ok(Some(hint)) => hint,
        Ok(None) => return Ok(default),
        Err(error) if error.matches(&TypeError) => return Ok(default),
        Err(error) => return Err(error),
    };
    if hint.get().is(Ref::NOT_IMPLEMENTED) {
        return Ok(default);
    }
    if !crate::types::int::is_int(hint.get()) {
        let class = crate::class_of(hint.get()).name();
        return Err(type_error(format!("__length_hint__ must be an integer, not {class}")));
    }
    let hint = crate::types::int::index_i64(thread, hint.get())?;
    isize::try_from(hint)
        .ok()
        .filter(|&hint| hint >= 0)
        .ok_or_else(|| crate::error::value_error("__length_hint__() should return >= 0"))
}

/// The items of an iterable.
pub fn collect(thread: &mut Thread, iterable: Ref<'_>) -> PyResult<Vec<Value>> {
    if let Some(items) = crate::types::items::of(thread, iterable) {
        return items;
    }
    let mut items = Vec::new();
    let take = |items: &mut Vec<Value>, _: &mut Thread, item| {
        if items.len() == items.capacity() {
            return Some(item);
        }
        items.push(item);
        None
    };
    let make_room = |items: &mut Vec<Value>, _: &mut Thread, item| {
        items.try_reserve(1).map_err(|_| memory_error())?;
        items.push(item);
        Ok(true)
    };
    iterate_taking(thread, iterable, &mut items, take, make_room)?;
    Ok(items)
}

/// `container[key]`.
#[inline]
pub fn get_item(thread: &mut Thread, container: Ref<'_>, key: Ref<'_>) -> PyResult {
    let class = crate::class_of(container);
    if let Some(subscript) = class.slots.mp_subscript() {
        return subscript(thread, container, key);
    }
    if let Some(item) = class.slots.sq_item() {
        let index = sequence_index(thread, container, key)?;
        return item(thread, container, index);
    }
    if let Some(class) = container.downcast::<crate::types::r#type::PyType>() {
        return crate::types::generic_alias::subscript_class(thread, class, key);
    }
    Err(type_error(format!("'{}' object is not subscriptable", class.full_name())))
}

/// `container[key] = value`, or `del container[key]`.
pub fn set_item(
    thread: &mut Thread,
    container: Ref<'_>,
    key: Ref<'_>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    let class = crate::class_of(container);
    if let Some(assign) = class.slots.mp_ass_subscript() {
        return assign(thread, container, key, value);
    }
    if let Some(assign) = class.slots.sq_ass_item() {
        let index = sequence_index(thread, container, key)?;
        return assign(thread, container, index, value);
    }
    let what = if value.is_some() { "assignment" } else { "deletion" };
    Err(type_error(format!("'{}' object does not support item {what}", class.full_name())))
}

/// The index that a key stands for; negative ones count from the end.
fn sequence_index(thread: &mut Thread, sequence: Ref<'_>, key: Ref<'_>) -> PyResult<i64> {
    let class = crate::class_of(key);
    if key.as_small_int().is_none() && class.slots.nb_index().is_none() {
        return Err(type_error(format!("sequence index must be integer, not '{}'", class.full_name())));
    }
    let index = crate::types::int::index_i64(thread, key)?;
    match crate::class_of(sequence).slots.sq_length() {
        Some(length) if index < 0 => Ok(index + length(thread, sequence)? as i64),
        _ => Ok(index),
    }
}

/// `item in container`.
#[inline]
pub fn contains(thread: &mut Thread, container: Ref<'_>, item: Ref<'_>) -> PyResult<bool> {
    let class = crate::class_of(container);
    if let Some(contains) = class.slots.sq_contains() {
        return contains(thread, container, item);
    }
    contains_by_iteration(thread, container, item)
}

/// `item in container` for a container that can only be iterated over.
pub(crate) fn contains_by_iteration(
    thread: &mut Thread,
    container: Ref<'_>,
    item: Ref<'_>,
) -> PyResult<bool> {
    let class = crate::class_of(container);
    if class.slots.tp_iter().is_none() && !is_sequence(class) {
        return Err(type_error(format!(
            "argument of type '{}' is not a container or iterable",
            class.full_name()
        )));
    }
    let iterator = iter(thread, container)?;
    while let Some(candidate) = next(thread, iterator.get())? {
        if candidate.get().is(item) || eq(thread, candidate.get(), item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A special method as the interpreter finds it: in the class, bound to the object. `None` (of Rust) if there is none.
pub fn special(thread: &mut Thread, object: Ref<'_>, name: &Obj<PyStr>) -> PyResult<Option<Value>> {
    use crate::types::r#type::TypeExt;
    let Some(found) = crate::class_of(object).lookup(thread, name).map(Ref::to_owned) else {
        return Ok(None);
    };
    crate::types::object::bind(thread, found.get(), object).map(Some)
}

/// Calls a special method, if the object's class has it.
pub fn call_special(
    thread: &mut Thread,
    object: Ref<'_>,
    name: &Obj<PyStr>,
    args: &[Ref<'_>],
) -> PyResult<Option<Value>> {
    special::call(thread, object, name, args)
}
/// Whether instances are sequences for the C API: they can be indexed, and aren't dicts.
fn is_sequence(class: &Obj<crate::types::r#type::PyType>) -> bool {
    class.slots.sq_item().is_some() && !class.has(crate::class::TypeFlags::DICT_SUBCLASS)
}

/// `sequence[index]` through the sequence's slot.
pub fn sequence_item(thread: &mut Thread, sequence: Ref<'_>, index: i64) -> PyResult {
    let class = crate::class_of(sequence);
    match class.slots.sq_item() {
        Some(item) => item(thread, sequence, index),
        None => {
            let index = crate::int::new(thread, index)?;
            get_item(thread, sequence, index.get())
        }
    }
}

/// `dir(object)`: a sorted list of names.
pub fn dir(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    let names = match special::call(thread, object, crate::name!("__dir__"), &[])? {
        Some(names) => collect(thread, names.get())?,
        None => return Err(type_error("object does not provide __dir__")),
    };
    sorted(thread, names)
}

/// A sorted list of values.
pub fn sorted(thread: &mut Thread, mut values: Vec<Value>) -> PyResult {
    let text = |value: &Value| crate::types::key::exact_str(value.get()).map(|text| text.as_bytes().to_vec());
    if values.iter().all(|value| crate::types::key::exact_str(value.get()).is_some()) {
        // The order of code points is that of the bytes.
        values.sort_by_cached_key(text);
        return crate::types::list_object(thread, values);
    }
    let list = crate::types::list_object(thread, values)?;
    call_method(thread, list.get(), "sort", &[])?;
    Ok(list)
}
