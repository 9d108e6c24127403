//! Items and parts of a memoryview: indexing, slicing, assignment, comparison, iteration.

use super::format::{self, ItemKind};
use crate::buffer;
use crate::error::{PyErr, PyResult, index_error, not_implemented_error, type_error, value_error};
use crate::protocol::{self, CompareOp};
use crate::types::int;
use crate::types::memoryview::{Geometry, Pin, PyMemoryView, ViewExt, derived};
use crate::types::slice::PySlice;
use crate::types::tuple::PyTuple;
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// The kind of a view's items; NotImplementedError for formats of several items or of foreign byte order.
pub fn item_kind(geometry: &Geometry) -> PyResult<ItemKind> {
    format::kind(&geometry.format).ok_or_else(|| format::unsupported(&geometry.format))
}

/// The item at an offset in bytes.
pub fn load(thread: &Thread, pin: &Pin, geometry: &Geometry, kind: ItemKind, offset: isize) -> PyResult {
    let mut bytes = [0_u8; 8];
    let Some(bytes) = bytes.get_mut(..geometry.itemsize.min(8)) else { return Ok(Value::NONE) };
    pin.read(thread, geometry, offset, bytes);
    format::unpack(thread, kind, bytes)
}

/// The distance of an item in one dimension.
fn step_into(geometry: &Geometry, dimension: usize, index: i64) -> PyResult<isize> {
    let size = geometry.shape.get(dimension).copied().unwrap_or(0) as i64;
    let real = if index < 0 { index.saturating_add(size) } else { index };
    if real < 0 || real >= size {
        return Err(index_error(format!("index out of bounds on dimension {}", dimension + 1)));
    }
    Ok(real as isize * geometry.strides.get(dimension).copied().unwrap_or(0))
}

fn index_of(thread: &mut Thread, object: Ref<'_>) -> PyResult<i64> {
    let class = crate::class_of(object);
    let index = int::index(thread, object)?;
    int::value(index.get())
        .and_then(int::IntRef::to_i64)
        .ok_or_else(|| index_error(format!("cannot fit '{}' into an index-sized integer", class.name())))
}

fn is_index(object: Ref<'_>) -> bool {
    int::is_int(object) || crate::class_of(object).slots.nb_index().is_some()
}

/// What a key selects.
enum Selected {
    Item(isize),
    Part(Geometry),
    /// `view[...]` of a view without dimensions.
    Whole,
}

#[cold]
fn bad_key() -> PyErr {
    type_error("memoryview: invalid slice key")
}

fn select(thread: &mut Thread, geometry: &Geometry, key: Ref<'_>) -> PyResult<Selected> {
    let dimensions = geometry.shape.len();
    if dimensions == 0 {
        return match key.downcast::<PyTuple>() {
            Some(tuple) if tuple.is_empty() => Ok(Selected::Item(0)),
            _ if key.is(Ref::ELLIPSIS) => Ok(Selected::Whole),
            _ => Err(type_error("invalid indexing of 0-dim memory")),
        };
    }
    if is_index(key) {
        let index = index_of(thread, key)?;
        if dimensions > 1 {
            return Err(not_implemented_error("multi-dimensional sub-views are not implemented"));
        }
        return Ok(Selected::Item(step_into(geometry, 0, index)?));
    }
    if let Some(slice) = key.downcast::<PySlice>() {
        let bounds = slice.unpack(thread)?;
        return Ok(Selected::Part(sliced(geometry, bounds)));
    }
    let Some(keys) = key.downcast::<PyTuple>() else { return Err(bad_key()) };
    if keys.items().all(is_index) {
        if keys.len() < dimensions {
            return Err(not_implemented_error("sub-views are not implemented"));
        }
        if keys.len() > dimensions {
            return Err(type_error(format!(
                "cannot index {dimensions}-dimension view with {}-element tuple",
                keys.len()
            )));
        }
        let mut offset = 0;
        for (dimension, key) in keys.items().enumerate() {
            let index = index_of(thread, key)?;
            offset += step_into(geometry, dimension, index)?;
        }
        return Ok(Selected::Item(offset));
    }
    if keys.items().all(|key| key.downcast::<PySlice>().is_some()) {
        return Err(not_implemented_error("multi-dimensional slicing is not implemented"));
    }
    Err(bad_key())
}

/// The part of the first dimension that a slice selects.
fn sliced(geometry: &Geometry, bounds: crate::types::slice::Bounds) -> Geometry {
    let mut part = geometry.clone();
    let len = geometry.shape.first().map_or(0, |&len| usize::try_from(len).unwrap_or(0));
    let span = bounds.span(len);
    let stride = geometry.strides.first().copied().unwrap_or(0);
    // Only the address of what is there moves: an empty part may stay where it is.
    if span.count > 0 {
        part.address = part.address.wrapping_offset(span.start as isize * stride);
    }
    if let (Some(size), Some(step)) = (part.shape.first_mut(), part.strides.first_mut()) {
        *size = span.count as isize;
        *step = stride.wrapping_mul(span.step as isize);
    }
    part
}

/// `view[key] = value` where the key selects a part.
fn assign_part(thread: &mut Thread, pin: &Pin, part: &Geometry, value: Ref<'_>) -> PyResult<()> {
    let view = buffer::view(thread, value, buffer::flags::FULL_RO)?;
    let plain = |format: &str| format.strip_prefix('@').unwrap_or(format).to_owned();
    let same = plain(&view.format) == plain(&part.format)
        && view.itemsize == part.itemsize
        && view.shape == part.shape;
    let bytes = view.to_vec(thread);
    view.release(thread);
    let bytes = bytes?;
    if !same {
        return Err(value_error("memoryview assignment: lvalue and rvalue have different structures"));
    }
    if part.is_c_contiguous() {
        pin.write(thread, part, 0, &bytes);
        return Ok(());
    }
    let mut items = bytes.chunks_exact(part.itemsize.max(1));
    buffer::each_offset(&part.shape, &part.strides, &mut |offset| {
        if let Some(item) = items.next() {
            pin.write(thread, part, offset, item);
        }
    });
    Ok(())
}

/// All items as nested lists.
pub fn to_list(thread: &mut Thread, pin: &Pin, geometry: &Geometry) -> PyResult {
    let kind = item_kind(geometry)?;
    nested(thread, pin, geometry, kind, 0, 0)
}

fn nested(
    thread: &mut Thread,
    pin: &Pin,
    geometry: &Geometry,
    kind: ItemKind,
    dimension: usize,
    offset: isize,
) -> PyResult {
    let (Some(&size), Some(&stride)) = (geometry.shape.get(dimension), geometry.strides.get(dimension))
    else {
        return load(thread, pin, geometry, kind, offset);
    };
    let mut items = Vec::new();
    for i in 0..size {
        items.push(nested(thread, pin, geometry, kind, dimension + 1, offset + i * stride)?);
    }
    Ok(crate::types::list::new(thread, items)?.into_value())
}

/// Whether two views have equal shapes and items.
fn equal(thread: &mut Thread, this: &Obj<PyMemoryView>, other: Ref<'_>) -> PyResult<Option<bool>> {
    let Ok(pin) = this.pin(thread) else { return Ok(Some(this.get().is(other))) };
    if let Some(other) = other.downcast::<PyMemoryView>()
        && other.is_released(thread)
    {
        return Ok(Some(false));
    }
    if !buffer::is_bytes_like(other) {
        return Ok(None);
    }
    let view = match buffer::view(thread, other, buffer::flags::FULL_RO) {
        Ok(view) => view,
        Err(error) if error.matches(&crate::types::exception::BufferError) => return Ok(None),
        Err(error) => return Err(error),
    };
    let geometry = &this.geometry;
    let (left, right) = (pin.to_vec(thread, geometry), view.to_vec(thread));
    let (right_shape, right_format, right_size) = (view.shape.clone(), view.format.clone(), view.itemsize);
    view.release(thread);
    let (left, right) = (left?, right?);
    if geometry.shape != right_shape {
        return Ok(Some(false));
    }
    let (Some(left_kind), Some(right_kind)) = (format::kind(&geometry.format), format::kind(&right_format))
    else {
        return Ok(Some(geometry.format == right_format && left == right));
    };
    if left_kind == right_kind && !matches!(left_kind, ItemKind::Float(_) | ItemKind::Bool) {
        return Ok(Some(left == right));
    }
    let items = left.chunks_exact(geometry.itemsize.max(1)).zip(right.chunks_exact(right_size.max(1)));
    for (left, right) in items {
        let (left, right) =
            (format::unpack(thread, left_kind, left)?, format::unpack(thread, right_kind, right)?);
        if !protocol::compare::compare_bool(thread, left.get(), right.get(), CompareOp::Eq)? {
            return Ok(Some(false));
        }
    }
    Ok(Some(true))
}

/// An iterator over a memoryview.
#[pyclass(name = "memory_iterator", no_new)]
#[derive(Trace)]
pub struct PyMemoryIterator {
    view: Field,
    #[trace(unsafe_skip)]
    next: AtomicU64,
}

#[pymethods]
impl PyMemoryIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        let Some(view) = this.view.fixed().downcast::<PyMemoryView>() else { return Ok(None) };
        let size = view.geometry.shape.first().copied().unwrap_or(0) as u64;
        // Relaxed: the position stands alone. It is not moved beyond the end.
        let at = match this
            .next
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |at| (at < size).then_some(at + 1))
        {
            Ok(at) => at,
            Err(_) => return Ok(None),
        };
        let pin = view.pin(thread)?;
        let offset = step_into(&view.geometry, 0, at as i64)?;
        let kind = item_kind(&view.geometry)?;
        load(thread, &pin, &view.geometry, kind, offset).map(Some)
    }
}

#[pymethods(part = ITEMS)]
impl PyMemoryView {
    #[slot]
    fn sq_length(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        length(thread, this)
    }

    #[slot]
    fn mp_length(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        length(thread, this)
    }

    #[slot]
    fn sq_item(thread: &mut Thread, this: Ref<'_>, index: i64) -> PyResult {
        let this = crate::slot_receiver::<PyMemoryView>(this)?;
        let index = int::new(thread, index)?;
        subscript(thread, this, index.get())
    }

    #[slot]
    fn mp_subscript(thread: &mut Thread, this: &Obj<Self>, key: Ref<'_>) -> PyResult {
        subscript(thread, this, key)
    }

    #[slot]
    fn mp_ass_subscript(
        thread: &mut Thread,
        this: &Obj<Self>,
        key: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let pin = this.pin(thread)?;
        let kind = item_kind(&this.geometry)?;
        if this.geometry.readonly {
            return Err(type_error("cannot modify read-only memory"));
        }
        let Some(value) = value else { return Err(type_error("cannot delete memory")) };
        let offset = match select(thread, &this.geometry, key)? {
            Selected::Item(offset) => offset,
            Selected::Whole => 0,
            Selected::Part(part) => {
                if this.geometry.shape.len() > 1 {
                    return Err(not_implemented_error(
                        "memoryview slice assignments are currently restricted to ndim = 1",
                    ));
                }
                this.pin(thread)?;
                return assign_part(thread, &pin, &part, value);
            }
        };
        let bytes = format::pack(thread, kind, &this.geometry.format, value)?;
        // Converting the index or the value may have released the view.
        this.pin(thread)?;
        pin.write(thread, &this.geometry, offset, &bytes);
        Ok(())
    }

    #[slot]
    fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        this.pin(thread)?;
        match this.geometry.shape.len() {
            0 => return Err(type_error("invalid indexing of 0-dim memory")),
            1 => item_kind(&this.geometry)?,
            _ => return Err(not_implemented_error("multi-dimensional sub-views are not implemented")),
        };
        let view = Field::new_local(this.to_value());
        Ok(crate::make(thread, PyMemoryIterator { view, next: AtomicU64::new(0) })?.into_value())
    }

    #[slot]
    fn tp_richcompare(thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(this), CompareOp::Eq | CompareOp::Ne) = (left.downcast::<PyMemoryView>(), op) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        Ok(match equal(thread, this, right)? {
            Some(equal) => Value::bool(equal == (op == CompareOp::Eq)),
            None => Value::NOT_IMPLEMENTED,
        })
    }

    #[slot]
    fn tp_hash(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        if let Some(hash) = this.known_hash(thread) {
            return Ok(hash);
        }
        let pin = this.pin(thread)?;
        if !this.geometry.readonly {
            return Err(value_error("cannot hash writable memoryview object"));
        }
        if !matches!(format::character(&this.geometry.format), Some('B' | 'b' | 'c')) {
            return Err(value_error("memoryview: hashing is restricted to formats 'B', 'b' or 'c'"));
        }
        let held = this.hold(thread);
        protocol::hash(thread, pin.owner.get())?;
        drop(held);
        let hash = crate::hash::of_bytes(&pin.to_vec(thread, &this.geometry)?);
        this.keep_hash(thread, hash);
        Ok(hash)
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let released = if this.is_released(thread) { "released " } else { "" };
        crate::str::new(thread, &format!("<{released}memory at {:#x}>", this.get().word()))
    }
}

fn length(thread: &Thread, this: &Obj<PyMemoryView>) -> PyResult<usize> {
    this.pin(thread)?;
    match this.geometry.shape.first() {
        Some(&size) => Ok(usize::try_from(size).unwrap_or(0)),
        None => Err(type_error("0-dim memory has no length")),
    }
}

fn subscript(thread: &mut Thread, this: &Obj<PyMemoryView>, key: Ref<'_>) -> PyResult {
    let pin = this.pin(thread)?;
    let selected = select(thread, &this.geometry, key)?;
    match selected {
        Selected::Item(offset) => {
            // Converting the index may have released the view.
            this.pin(thread)?;
            let kind = item_kind(&this.geometry)?;
            load(thread, &pin, &this.geometry, kind, offset)
        }
        Selected::Part(part) => derived(thread, pin, part),
        Selected::Whole => Ok(this.to_value()),
    }
}
