//! Methods of a memoryview.

use super::format;
use super::items::{item_kind, load, to_list};
use crate::args::Args;
use crate::buffer;
use crate::error::{PyResult, memory_error, not_implemented_error, type_error, value_error};
use crate::protocol;
use crate::types::int;
use crate::types::memoryview::{Geometry, PyMemoryView, ViewExt, derived, from_view};
use crate::types::tuple::PyTuple;
use crate::types::r#type::PyType;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

/// Strides of items that lie in a row.
fn c_strides(shape: &[isize], itemsize: usize) -> Vec<isize> {
    let mut strides = vec![0; shape.len()];
    let mut step = itemsize as isize;
    for (stride, size) in strides.iter_mut().zip(shape).rev() {
        *stride = step;
        step = step.saturating_mul(*size);
    }
    strides
}

fn shape_argument(thread: &mut Thread, shape: Ref<'_>) -> PyResult<Vec<isize>> {
    let is_list = shape.downcast::<crate::types::list::PyList>().is_some();
    if !is_list && shape.downcast::<PyTuple>().is_none() {
        return Err(type_error("shape must be a list or a tuple"));
    }
    let mut sizes = Vec::new();
    for item in protocol::collect(thread, shape)? {
        if !int::is_int(item.get()) {
            return Err(type_error("memoryview.cast(): elements of shape must be integers"));
        }
        let size = int::index_clamped(thread, item.get())?;
        if size <= 0 {
            return Err(value_error("memoryview.cast(): elements of shape must be integers > 0"));
        }
        sizes.push(size as isize);
    }
    if sizes.len() > 64 {
        return Err(value_error("memoryview: number of dimensions must not exceed 64"));
    }
    Ok(sizes)
}

/// The geometry after `cast`.
fn cast(
    thread: &mut Thread,
    geometry: &Geometry,
    format: &str,
    shape: Option<Ref<'_>>,
) -> PyResult<Geometry> {
    if !geometry.is_c_contiguous() {
        return Err(type_error("memoryview: casts are restricted to C-contiguous views"));
    }
    let shape = shape.filter(|shape| !shape.is_none());
    if (shape.is_some() || geometry.shape.len() != 1) && geometry.shape.contains(&0) {
        return Err(type_error("memoryview: cannot cast view with zeros in shape or strides"));
    }
    if shape.is_some() && geometry.shape.len() > 1 {
        return Err(type_error("memoryview: cast must be 1D -> ND or ND -> 1D"));
    }
    let new = format::kind(format).ok_or_else(|| {
        value_error(
            "memoryview: destination format must be a native single character format prefixed with an optional '@'",
        )
    })?;
    let is_byte = |format: &str| matches!(format::character(format), Some('b' | 'B' | 'c'));
    // Bytes may be made of whatever it is.
    if !is_byte(&geometry.format) && !is_byte(format) {
        return Err(type_error("memoryview: cannot cast between two non-byte formats"));
    }
    let itemsize = format::size(new);
    let nbytes = geometry.nbytes();
    if !nbytes.is_multiple_of(itemsize) {
        return Err(type_error("memoryview: length is not a multiple of itemsize"));
    }
    let sizes = match shape {
        None => vec![(nbytes / itemsize) as isize],
        Some(shape) => shape_argument(thread, shape)?,
    };
    let total = sizes.iter().try_fold(itemsize, |total, &size| total.checked_mul(size as usize));
    if total != Some(nbytes) {
        return Err(type_error("memoryview: product(shape) * itemsize != buffer size"));
    }
    let strides = c_strides(&sizes, itemsize);
    Ok(Geometry {
        address: geometry.address,
        readonly: geometry.readonly,
        itemsize,
        format: format.into(),
        shape: sizes,
        strides,
    })
}

/// All bytes with the first dimension's items closest together.
fn fortran_order(geometry: &Geometry, c_order: &[u8]) -> PyResult<Vec<u8>> {
    let mut result = Vec::new();
    result.try_reserve_exact(c_order.len()).map_err(|_| memory_error())?;
    let mut shape = geometry.shape.clone();
    let mut strides = c_strides(&shape, geometry.itemsize);
    shape.reverse();
    strides.reverse();
    buffer::each_offset(&shape, &strides, &mut |offset| {
        let start = usize::try_from(offset).unwrap_or(0);
        result.extend_from_slice(c_order.get(start..start + geometry.itemsize).unwrap_or_default());
    });
    Ok(result)
}

#[pymethods(part = METHODS)]
impl PyMemoryView {
    /// Release the underlying buffer exposed by the memoryview object.
    fn release(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        ViewExt::release(this, thread)
    }

    /// Release the buffer object that exposes the underlying memory of the object.
    #[signature(buffer, /)]
    fn __release_buffer__(thread: &mut Thread, this: &Obj<Self>, buffer: Ref<'_>) -> PyResult<()> {
        crate::types::buffer_lender::give_back(thread, this.get(), buffer)
    }

    #[no_text_signature]
    fn __enter__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        this.pin(thread)?;
        Ok(this.to_value())
    }

    /// Release the underlying buffer exposed by the memoryview object.
    #[no_text_signature]
    fn __exit__(thread: &mut Thread, this: &Obj<Self>, _args: Args<'_>) -> PyResult<()> {
        ViewExt::release(this, thread)
    }

    /// Cast a memoryview to a new format or shape.
    #[signature(format, shape=<missing>)]
    fn cast(thread: &mut Thread, this: &Obj<Self>, format: &str, shape: Option<Ref<'_>>) -> PyResult {
        let pin = this.pin(thread)?;
        let geometry = cast(thread, &this.geometry, format, shape)?;
        derived(thread, pin, geometry)
    }

    /// Return a readonly version of the memoryview.
    fn toreadonly(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let pin = this.pin(thread)?;
        derived(thread, pin, Geometry { readonly: true, ..this.geometry.clone() })
    }

    /// Return the data in the buffer as a byte string.
    ///
    /// Order can be {'C', 'F', 'A'}. When order is 'C' or 'F', the data of the
    /// original array is converted to C or Fortran order. For contiguous views,
    /// 'A' returns an exact copy of the physical memory. In particular, in-memory
    /// Fortran order is preserved. For non-contiguous views, the data is converted
    /// to C first. order=None is the same as order='C'.
    #[signature(order = "C")]
    fn tobytes(thread: &mut Thread, this: &Obj<Self>, order: Option<Ref<'_>>) -> PyResult {
        let pin = this.pin(thread)?;
        let order = match order.filter(|order| !order.is_none()) {
            None => "C".to_owned(),
            Some(order) => crate::str::expect(order, "tobytes() argument 'order'")?.to_string(),
        };
        let bytes = pin.to_vec(thread, &this.geometry)?;
        let fortran = match order.as_str() {
            "C" => false,
            "F" => true,
            "A" => this.geometry.is_f_contiguous() && !this.geometry.is_c_contiguous(),
            _ => return Err(value_error("order must be 'C', 'F' or 'A'")),
        };
        let bytes = if fortran { fortran_order(&this.geometry, &bytes)? } else { bytes };
        crate::bytes::new(thread, &bytes)
    }

    /// Return the data in the buffer as a list of elements.
    fn tolist(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let pin = this.pin(thread)?;
        to_list(thread, &pin, &this.geometry)
    }

    /// Return the data in the buffer as a str of hexadecimal numbers.
    ///
    ///   sep
    ///     An optional single character or byte to separate hex bytes.
    ///   bytes_per_sep
    ///     How many bytes between separators.  Positive values count from the
    ///     right, negative values count from the left.
    ///
    /// >>> view = memoryview(b'\x00\xff\x10\x20\x7f')
    /// >>> view.hex()
    /// '00ff10207f'
    /// >>> view[::2].hex(':')
    /// '00:10:7f'
    /// >>> view.hex(' ', -2)
    /// '00ff 1020 7f'
    #[signature(sep=<missing>, bytes_per_sep=1)]
    fn hex(
        thread: &mut Thread,
        this: &Obj<Self>,
        sep: Option<Ref<'_>>,
        bytes_per_sep: i64,
    ) -> PyResult<String> {
        let bytes = this.pin(thread)?.to_vec(thread, &this.geometry)?;
        let _held = this.hold(thread);
        crate::types::bytes_::methods::hex(thread, &bytes, sep, bytes_per_sep)
    }

    /// Count the number of occurrences of a value.
    fn count(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>) -> PyResult<usize> {
        let mut count = 0;
        protocol::iterate(thread, this.get(), |thread, item| {
            count += usize::from(protocol::eq(thread, item.get(), value)?);
            Ok(())
        })?;
        Ok(count)
    }

    /// Return the index of the first occurrence of a value.
    ///
    /// Raises ValueError if the value is not present.
    #[signature(value, start=0, stop=i64::MAX as "sys.maxsize", /)]
    fn index(thread: &mut Thread, this: &Obj<Self>, value: Ref<'_>, start: i64, stop: i64) -> PyResult<i64> {
        let pin = this.pin(thread)?;
        let [size] = *this.geometry.shape.as_slice() else {
            return Err(not_implemented_error("multi-dimensional sub-views are not implemented"));
        };
        let size = size as i64;
        let real = |index: i64| if index < 0 { index.saturating_add(size).max(0) } else { index };
        let kind = item_kind(&this.geometry)?;
        let stride = this.geometry.strides.first().copied().unwrap_or(0);
        for i in real(start)..real(stop).min(size) {
            let item: Value = load(thread, &pin, &this.geometry, kind, i as isize * stride)?;
            if protocol::eq(thread, item.get(), value)? {
                return Ok(i);
            }
        }
        Err(value_error("memoryview.index(x): x not found"))
    }

    #[classmethod]
    #[signature(object, flags)]
    fn _from_flags(thread: &mut Thread, _cls: &Obj<PyType>, object: Ref<'_>, flags: i32) -> PyResult {
        let view = buffer::view(thread, object, flags.unsigned_abs())?;
        from_view(thread, view)
    }
}
