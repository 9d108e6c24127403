//! What only `bytearray` can: changing itself.

use super::construct::{byte, from_buffer_or_iterable, source};
use super::operators::{Key, key, place};
use super::shared::ByteString;
use crate::args::Args;
use crate::buffer;
use crate::error::{PyResult, index_error, memory_error, type_error, value_error};
use crate::protocol;
use crate::types::bytearray::{self, PyByteArray};
use crate::types::int;
use crate::types::slice::Bounds;
use crate::types::str::PyStr;
use crate::types::tuple;
use crate::types::r#type::PyType;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

/// The bytes that are put in: from a buffer, or from an iterable of ints.
fn new_bytes(thread: &mut Thread, object: Ref<'_>) -> PyResult<Vec<u8>> {
    if let Some(bytes) = buffer::bytes_if_any(thread, object)? {
        return Ok(bytes.into_vec());
    }
    let class = crate::class_of(object);
    let iterable = class.slots.tp_iter().is_some() || class.slots.sq_item().is_some();
    if object.downcast::<PyStr>().is_some() || int::is_int(object) || !iterable {
        return Err(type_error("can assign only bytes, buffers, or iterables of ints in range(0, 256)"));
    }
    from_buffer_or_iterable(thread, object, "bytearray", "byte")
}

/// What the bounds select is found out under the same lock under which it is changed, as other threads may change the array.
fn assign(this: &Obj<PyByteArray>, thread: &Thread, bounds: Bounds, bytes: &[u8]) -> PyResult<()> {
    bytearray::change(this, thread, |vector, exported| {
        let span = bounds.span(vector.len());
        if span.step == 1 {
            let end = (span.start + span.count).min(vector.len());
            let start = span.start.min(end);
            if bytes.len() != end - start && exported {
                return Err(bytearray::exported());
            }
            vector
                .try_reserve(bytes.len())
                .map_err(|_| memory_error())
                .or_else(|error| if exported { Ok(()) } else { Err(error) })?;
            vector.splice(start..end, bytes.iter().copied());
            return Ok(());
        }
        if bytes.len() != span.count {
            return Err(value_error(format!(
                "attempt to assign bytes of size {} to extended slice of size {}",
                bytes.len(),
                span.count
            )));
        }
        for (at, byte) in span.indices().zip(bytes) {
            if let Some(place) = vector.get_mut(at) {
                *place = *byte;
            }
        }
        Ok(())
    })
}

/// See [`assign`].
fn delete(this: &Obj<PyByteArray>, thread: &Thread, bounds: Bounds) -> PyResult<()> {
    bytearray::change(this, thread, |vector, exported| {
        let span = bounds.span(vector.len());
        if span.count == 0 {
            return Ok(());
        }
        if exported {
            return Err(bytearray::exported());
        }
        let mut doomed = span.indices().collect::<Vec<_>>();
        doomed.sort_unstable();
        let mut doomed = doomed.into_iter().peekable();
        let mut at = 0;
        vector.retain(|_| {
            let goes = doomed.next_if_eq(&at).is_some();
            at += 1;
            !goes
        });
        Ok(())
    })
}

fn set_item(
    thread: &mut Thread,
    this: &Obj<PyByteArray>,
    index: i64,
    value: Option<Ref<'_>>,
) -> PyResult<()> {
    let Some(value) = value else {
        return bytearray::resize(this, thread, |vector| {
            let at = place(index, vector.len(), PyByteArray::OUT_OF_RANGE)?;
            vector.remove(at);
            Ok(())
        })?;
    };
    let value = byte(thread, value, "byte")?;
    bytearray::write(this, thread, |bytes| {
        let at = place(index, bytes.len(), PyByteArray::OUT_OF_RANGE)?;
        if let Some(slot) = bytes.get_mut(at) {
            *slot = value;
        }
        Ok(())
    })
}

/// Whether `bytearray(object)` takes the items of an iterator, and nothing else it could mean.
fn is_plain_iterable(object: Ref<'_>) -> bool {
    let slots = &crate::class_of(object).slots;
    slots.tp_iternext().is_some() && !buffer::is_bytes_like(object) && slots.nb_index().is_none()
}

fn extend(thread: &mut Thread, this: &Obj<PyByteArray>, bytes: &[u8]) -> PyResult<()> {
    bytearray::resize(this, thread, |vector| {
        vector.try_reserve(bytes.len()).map_err(|_| memory_error())?;
        vector.extend_from_slice(bytes);
        Ok(())
    })?
}

#[pymethods(part = ARRAY_MUTATION)]
impl PyByteArray {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: Args<'_>) -> PyResult {
        Ok(bytearray::subclass_object(thread, cls, Vec::new())?.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        bytearray::resize(this, thread, Vec::clear)?;
        if let Some([object]) = args.exact::<1>()
            && is_plain_iterable(object)
        {
            // A program may look on while its iterator fills the array. One that fails leaves it empty.
            return protocol::iterate(thread, object, |thread, item| {
                let item = byte(thread, item.get(), "byte")?;
                extend(thread, this, &[item])
            })
            .or_else(|error| bytearray::resize(this, thread, Vec::clear).and(Err(error)));
        }
        let bytes = source(thread, &args, "bytearray")?;
        bytearray::resize(this, thread, |vector| *vector = bytes)
    }

    #[slot]
    fn mp_ass_subscript(
        thread: &mut Thread,
        this: &Obj<Self>,
        subscript: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        match (key(thread, subscript, Self::INDICES)?, value) {
            (Key::Index(index), value) => set_item(thread, this, index, value),
            (Key::Slice(slice), Some(value)) => {
                let bounds = slice.unpack(thread)?;
                let bytes = new_bytes(thread, value)?;
                if bytes.is_empty() {
                    delete(this, thread, bounds)
                } else {
                    assign(this, thread, bounds, &bytes)
                }
            }
            (Key::Slice(slice), None) => {
                let bounds = slice.unpack(thread)?;
                delete(this, thread, bounds)
            }
        }
    }

    #[slot]
    fn sq_ass_item(thread: &mut Thread, this: Ref<'_>, index: i64, value: Option<Ref<'_>>) -> PyResult<()> {
        set_item(thread, crate::slot_receiver::<PyByteArray>(this)?, index, value)
    }

    #[slot]
    fn sq_inplace_concat(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>) -> PyResult {
        let this = crate::slot_receiver::<PyByteArray>(left)?;
        let Some(bytes) = buffer::bytes_if_any(thread, right)? else {
            let (class, own) = (crate::class_of(right).name(), crate::class_of(left).name());
            return Err(type_error(format!("can't concat {class} to {own}")));
        };
        extend(thread, this, &bytes)?;
        Ok(left.to_owned())
    }

    #[slot]
    fn sq_inplace_repeat(thread: &mut Thread, left: Ref<'_>, count: i64) -> PyResult {
        let this = crate::slot_receiver::<PyByteArray>(left)?;
        let count = usize::try_from(count).unwrap_or(0);
        if count != 1 {
            bytearray::resize(this, thread, |vector| -> PyResult<()> {
                *vector =
                    orochi_text::search::repeat(vector.as_slice(), count).map_err(|_| memory_error())?;
                Ok(())
            })??;
        }
        Ok(left.to_owned())
    }

    /// Append a single item to the end of the bytearray.
    ///
    ///   item
    ///     The item to be appended.
    fn append(thread: &mut Thread, this: &Obj<Self>, item: Ref<'_>) -> PyResult<()> {
        let item = byte(thread, item, "byte")?;
        extend(thread, this, &[item])
    }

    /// Append all the items from the iterator or sequence to the end of the bytearray.
    ///
    ///   iterable_of_ints
    ///     The iterable of items to append.
    fn extend(thread: &mut Thread, this: &Obj<Self>, iterable_of_ints: Ref<'_>) -> PyResult<()> {
        let class = crate::class_of(iterable_of_ints);
        // The bytes go where the end is now, if a `__buffer__` in Python makes the array longer.
        let end = class.native().is_none().then(|| bytearray::read(this, thread, <[u8]>::len));
        if let Some(bytes) = buffer::bytes_if_any(thread, iterable_of_ints)? {
            return bytearray::resize(this, thread, |vector| {
                vector.try_reserve(bytes.len()).map_err(|_| memory_error())?;
                let end = end.unwrap_or(usize::MAX).min(vector.len());
                vector.splice(end..end, bytes.iter().copied());
                Ok(())
            })?;
        }
        if iterable_of_ints.downcast::<PyStr>().is_some() {
            return Err(type_error(format!("expected iterable of integers; got: '{}'", class.name())));
        }
        if class.slots.tp_iter().is_none() && class.slots.sq_item().is_none() {
            return Err(type_error(format!("can't extend bytearray with {}", class.name())));
        }
        let iterator = protocol::iter(thread, iterable_of_ints)?;
        if class.native().is_none() {
            protocol::length_hint(thread, iterable_of_ints, 0)?;
        }
        let mut bytes = Vec::new();
        while let Some(item) = protocol::next(thread, iterator.get())? {
            bytes.push(byte(thread, item.get(), "byte")?);
        }
        extend(thread, this, &bytes)
    }

    /// Insert a single item into the bytearray before the given index.
    ///
    ///   index
    ///     The index where the value is to be inserted.
    ///   item
    ///     The item to be inserted.
    fn insert(thread: &mut Thread, this: &Obj<Self>, index: i64, item: Ref<'_>) -> PyResult<()> {
        let item = byte(thread, item, "byte")?;
        bytearray::resize(this, thread, |vector| {
            vector.try_reserve(1).map_err(|_| memory_error())?;
            vector.insert(crate::types::slice::clamp(index, vector.len()), item);
            Ok(())
        })?
    }

    /// Remove and return a single item from B.
    ///
    ///   index
    ///     The index from where to remove the item.
    ///     -1 (the default value) means remove the last item.
    ///
    /// If no index argument is given, will pop the last item.
    #[signature(index=-1, /)]
    fn pop(thread: &mut Thread, this: &Obj<Self>, index: i64) -> PyResult<u8> {
        bytearray::change(this, thread, |vector, exported| {
            if vector.is_empty() {
                return Err(index_error("pop from empty bytearray"));
            }
            let at = place(index, vector.len(), "pop index out of range")?;
            if exported {
                return Err(bytearray::exported());
            }
            Ok(vector.remove(at))
        })
    }

    /// Remove the first occurrence of a value in the bytearray.
    ///
    ///   value
    ///     The value to remove.
    fn remove(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<()> {
        let value = byte(thread, value, "byte")?;
        bytearray::change(this, thread, |vector, exported| {
            let Some(at) = vector.iter().position(|byte| *byte == value) else {
                return Err(value_error("value not found in bytearray"));
            };
            if exported {
                return Err(bytearray::exported());
            }
            vector.remove(at);
            Ok(())
        })
    }

    /// Reverse the order of the values in B in place.
    fn reverse(thread: &mut Thread, this: &Obj<Self>) {
        bytearray::write(this, thread, <[u8]>::reverse);
    }

    /// Remove all items from the bytearray.
    fn clear(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        bytearray::resize(this, thread, Vec::clear)
    }

    /// Return a copy of B.
    fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Self::same(thread, this)
    }

    /// Resize the internal buffer of bytearray to len.
    ///
    ///   size
    ///     New size to resize to..
    fn resize(thread: &mut Thread, this: &Obj<Self>, size: i64) -> PyResult<()> {
        let Ok(size) = usize::try_from(size) else {
            return Err(value_error(format!("Can only resize to positive sizes, got {size}")));
        };
        bytearray::change(this, thread, |vector, exported| {
            if size == vector.len() {
                return Ok(());
            }
            if exported {
                return Err(bytearray::exported());
            }
            vector.try_reserve(size.saturating_sub(vector.len())).map_err(|_| memory_error())?;
            vector.resize(size, 0);
            Ok(())
        })
    }

    /// B.__alloc__() -> int
    ///
    /// Return the number of bytes actually allocated.
    #[no_text_signature]
    fn __alloc__(thread: &mut Thread, this: &Obj<Self>) -> usize {
        let len = bytearray::read(this, thread, <[u8]>::len);
        if len == 0 { 0 } else { len + 1 }
    }

    /// Returns the size of the bytearray object in memory, in bytes.
    fn __sizeof__(thread: &mut Thread, this: &Obj<Self>) -> usize {
        let len = bytearray::read(this, thread, <[u8]>::len);
        56 + if len == 0 { 0 } else { len + 1 }
    }

    /// Return state information for pickling.
    fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        reduce(thread, this, false)
    }

    /// Return state information for pickling.
    #[signature(proto=0, /)]
    fn __reduce_ex__(thread: &mut Thread, this: &Obj<Self>, proto: i32) -> PyResult {
        reduce(thread, this, proto >= 3)
    }
}

fn reduce(thread: &mut Thread, this: &Obj<PyByteArray>, as_bytes: bool) -> PyResult {
    let bytes = PyByteArray::snapshot(thread, this);
    let args = if as_bytes {
        vec![crate::bytes::new(thread, &bytes)?]
    } else {
        let text = orochi_text::wtf8::Wtf8Buf::from_latin1(&bytes);
        vec![crate::str::from_wtf8(thread, &text)?, crate::str::new(thread, "latin-1")?]
    };
    let args = tuple::new(thread, args)?.into_value();
    let class: Value = crate::class_of(this.get()).to_value();
    let state = crate::types::object_::reduce::state(thread, this.get(), false)?;
    Ok(tuple::new(thread, vec![class, args, state])?.into_value())
}
