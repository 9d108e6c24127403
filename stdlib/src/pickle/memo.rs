//! The memos: what a pickler has seen, what an unpickler has made, and how programs look at them.

use super::pickler::Pickler;
use super::unpickler::Unpickler;
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{type_error, value_error};
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::int::{self, IntRef};
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{Field, Obj, PyClass, PyResult, Ref, Thread, Value, class_of, tuple};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The objects that a pickler has written, by identity. It keeps them, so that identities stay what they are.
#[derive(Default, Trace)]
pub(super) struct Seen {
    pub(super) objects: Vec<Field>,
    /// Positions in `objects` by the objects' words, with the numbers that the pickle has for them.
    #[trace(unsafe_skip)]
    pub(super) numbers: HashMap<u64, usize, BuildHasherDefault<WordHasher>>,
}

/// Spreads words, whose low bits are alike, over a table's places. Programs can't choose words.
#[derive(Default)]
pub(super) struct WordHasher(u64);

impl Hasher for WordHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn write_u64(&mut self, word: u64) {
        let spread = (self.0 ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // The table takes its places from the lower bits, and tags from the upper ones.
        self.0 = spread ^ (spread >> 32);
    }
}

/// How many numbers may lie unused between those of a memo before it isn't an array any more.
const SPARSE: usize = 1 << 16;

/// The objects that an unpickler has made, by number. Numbers that are far apart are kept in a table.
#[derive(Default, Trace)]
pub(super) struct Made {
    dense: Vec<Option<Field>>,
    sparse: Vec<(u64, Field)>,
    pub(super) count: usize,
}

impl Made {
    pub(super) fn get(&self, number: u64) -> Option<&Field> {
        match usize::try_from(number).ok().and_then(|i| self.dense.get(i)) {
            Some(found) => found.as_ref(),
            None => {
                let at = self.sparse.binary_search_by_key(&number, |(number, _)| *number).ok()?;
                self.sparse.get(at).map(|(_, field)| field)
            }
        }
    }

    /// Sets a number's object and gives back the old one.
    pub(super) fn put(&mut self, number: u64, field: Field) -> Option<Field> {
        let near = usize::try_from(number).ok().filter(|&i| i < self.dense.len() + SPARSE);
        let old = match near {
            Some(i) => {
                if i >= self.dense.len() {
                    self.dense.resize_with(i + 1, || None);
                    // What was far away may lie within the array now.
                    let end = self.dense.len() as u64;
                    let within = self.sparse.partition_point(|(number, _)| *number < end);
                    for (number, field) in self.sparse.drain(..within) {
                        if let Some(place) = self.dense.get_mut(number as usize) {
                            *place = Some(field);
                        }
                    }
                }
                self.dense.get_mut(i).and_then(|place| place.replace(field))
            }
            None => match self.sparse.binary_search_by_key(&number, |(number, _)| *number) {
                Ok(at) => self.sparse.get_mut(at).map(|(_, place)| std::mem::replace(place, field)),
                Err(at) => {
                    self.sparse.insert(at, (number, field));
                    None
                }
            },
        };
        self.count += usize::from(old.is_none());
        old
    }

    fn entries(&self) -> Vec<(u64, Value)> {
        let dense = self.dense.iter().enumerate().filter_map(|(i, field)| Some((i as u64, field.as_ref()?)));
        let sparse = self.sparse.iter().map(|(number, field)| (*number, field));
        dense.chain(sparse).map(|(number, field)| (number, field.fixed().to_owned())).collect()
    }
}

/// A copy of a pickler's memo: identities with numbers and objects.
fn copy_of_seen(thread: &mut Thread, pickler: &Obj<Pickler>) -> PyResult {
    let entries: Vec<(u64, usize, Value)> = Pickler::with(pickler, thread, |state, _| {
        let object = |(&word, &number): (&u64, &usize)| {
            Some((word, number, state.seen.objects.get(number)?.fixed().to_owned()))
        };
        state.seen.numbers.iter().filter_map(object).collect()
    });
    let copy = dict::new(thread)?;
    for (word, number, object) in entries {
        let key = int::from_big(thread, word.into())?;
        let number = int::new(thread, number as i64)?;
        let entry = tuple::of(thread, [number, object])?;
        dict::set_item(thread, &copy, key.get(), entry)?;
    }
    Ok(copy.into_value())
}

fn copy_of_made(thread: &mut Thread, unpickler: &Obj<Unpickler>) -> PyResult {
    let entries = Unpickler::with(unpickler, thread, |state, _| state.made.entries());
    let copy = dict::new(thread)?;
    for (number, object) in entries {
        let key = int::from_big(thread, number.into())?;
        dict::set_item(thread, &copy, key.get(), object)?;
    }
    Ok(copy.into_value())
}

/// `__reduce__` of a proxy: a plain dict.
fn reduced(thread: &mut Thread, copy: Value) -> PyResult {
    let args = tuple::of(thread, [copy])?;
    tuple::of(thread, [PyDict::static_type().get().to_value(), args])
}

/// The memo of a Pickler.
#[pyclass(name = "PicklerMemoProxy", module = "_pickle", no_new)]
#[derive(Trace)]
pub(super) struct PicklerMemoProxy {
    pub(super) pickler: Field,
}

#[pymethods]
impl PicklerMemoProxy {
    /// Remove all items from memo.
    fn clear(thread: &mut Thread, this: &Obj<Self>) {
        if let Some(pickler) = this.pickler.fixed().downcast::<Pickler>() {
            Pickler::forget(pickler, thread);
        }
    }

    /// Copy the memo to a new object.
    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match this.pickler.fixed().downcast::<Pickler>() {
            Some(pickler) => copy_of_seen(thread, pickler),
            None => Ok(Value::NONE),
        }
    }

    /// Implement pickle support.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let copy = PicklerMemoProxy::copy(thread, this)?;
        reduced(thread, copy)
    }
}

/// The memo of an Unpickler.
#[pyclass(name = "UnpicklerMemoProxy", module = "_pickle", no_new)]
#[derive(Trace)]
pub(super) struct UnpicklerMemoProxy {
    pub(super) unpickler: Field,
}

#[pymethods]
impl UnpicklerMemoProxy {
    /// Remove all items from memo.
    fn clear(thread: &mut Thread, this: &Obj<Self>) {
        if let Some(unpickler) = this.unpickler.fixed().downcast::<Unpickler>() {
            let old = Unpickler::with(unpickler, thread, |state, _| std::mem::take(&mut state.made));
            drop(old);
        }
    }

    /// Copy the memo to a new object.
    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match this.unpickler.fixed().downcast::<Unpickler>() {
            Some(unpickler) => copy_of_made(thread, unpickler),
            None => Ok(Value::NONE),
        }
    }

    /// Implement pickling support.
    #[name = "__reduce__"]
    fn reduce(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let copy = UnpicklerMemoProxy::copy(thread, this)?;
        reduced(thread, copy)
    }
}

/// A memo as programs assign it: a proxy of another one, or a dict.
fn assigned(thread: &mut Thread, value: Option<Ref<'_>>, proxy: &str) -> PyResult<Vec<(Value, Value)>> {
    let Some(value) = value else { return Err(type_error("attribute deletion is not supported")) };
    let copy = if let Some(other) = value.downcast::<PicklerMemoProxy>().filter(|_| proxy.starts_with("a P"))
    {
        PicklerMemoProxy::copy(thread, other)?
    } else if let Some(other) = value.downcast::<UnpicklerMemoProxy>().filter(|_| proxy.starts_with("an")) {
        UnpicklerMemoProxy::copy(thread, other)?
    } else {
        value.to_owned()
    };
    let Some(dict) = copy.get().downcast::<PyDict>() else {
        let class = class_of(value).name();
        return Err(type_error(format!("'memo' attribute must be {proxy} object or dict, not {class}")));
    };
    Ok(dict::entries(thread, dict)?.into_iter().map(|entry| (entry.key, entry.value)).collect())
}

/// Sets `pickler.memo`.
pub(super) fn assign_seen(
    thread: &mut Thread,
    pickler: &Obj<Pickler>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    let mut entries = Vec::new();
    for (_, entry) in assigned(thread, value, "a PicklerMemoProxy")? {
        let Some(pair) = entry.get().downcast::<PyTuple>().filter(|pair| pair.len() == 2) else {
            return Err(type_error("'memo' values must be 2-item tuples"));
        };
        let (Some(number), Some(object)) = (pair.item(0), pair.item(1)) else { continue };
        entries.push((int::index_i64(thread, number)?, object.to_owned()));
    }
    // Numbers follow each other in every memo that a pickler made.
    entries.sort_by_key(|(number, _)| *number);
    Pickler::forget(pickler, thread);
    for (_, object) in entries {
        Pickler::remember(pickler, thread, object.get());
    }
    Ok(())
}

/// Sets `unpickler.memo`.
pub(super) fn assign_made(
    thread: &mut Thread,
    unpickler: &Obj<Unpickler>,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    let mut entries = Vec::new();
    for (key, object) in assigned(thread, value, "an UnpicklerMemoProxy")? {
        let number = int::value(key.get()).ok_or_else(|| type_error("memo key must be integers"))?;
        let number = IntRef::to_i64(number).and_then(|number| u64::try_from(number).ok());
        entries.push((number.ok_or_else(|| value_error("memo key must be positive integers."))?, object));
    }
    let old = Unpickler::with(unpickler, thread, |state, _| std::mem::take(&mut state.made));
    drop(old);
    for (number, object) in entries {
        let old =
            Unpickler::with(unpickler, thread, |state, owner| state.made.put(number, owner.store(object)));
        drop(old.map(Field::into_value));
    }
    Ok(())
}
