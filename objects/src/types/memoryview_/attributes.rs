//! Attributes of a memoryview.

use crate::error::PyResult;
use crate::types::memoryview::{PyMemoryView, ViewExt};
use crate::types::{int, tuple};
use orochi_core::{Obj, Thread, Value};
use orochi_macros::pymethods;

fn tuple_of(thread: &Thread, numbers: &[isize]) -> PyResult {
    let numbers: PyResult<Vec<Value>> = numbers.iter().map(|&n| int::new(thread, n as i64)).collect();
    Ok(tuple::new(thread, numbers?)?.into_value())
}

#[pymethods(part = ATTRIBUTES)]
impl PyMemoryView {
    /// The underlying object of the memoryview.
    #[getter]
    fn obj(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Ok(this.pin(thread)?.owner.clone())
    }

    /// The amount of space in bytes that the array would use in
    /// a contiguous representation.
    #[getter]
    fn nbytes(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        this.pin(thread)?;
        Ok(this.geometry.nbytes())
    }

    /// A bool indicating whether the memory is read only.
    #[getter]
    fn readonly(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        this.pin(thread)?;
        Ok(this.geometry.readonly)
    }

    /// The size in bytes of each element of the memoryview.
    #[getter]
    fn itemsize(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        this.pin(thread)?;
        Ok(this.geometry.itemsize)
    }

    /// A string containing the format (in struct module style)
    /// for each element in the view.
    #[getter]
    fn format(thread: &mut Thread, this: &Obj<Self>) -> PyResult<String> {
        this.pin(thread)?;
        Ok(this.geometry.format.to_string())
    }

    /// An integer indicating how many dimensions of a multi-dimensional
    /// array the memory represents.
    #[getter]
    fn ndim(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
        this.pin(thread)?;
        Ok(this.geometry.shape.len())
    }

    /// A tuple of ndim integers giving the shape of the memory
    /// as an N-dimensional array.
    #[getter]
    fn shape(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        this.pin(thread)?;
        tuple_of(thread, &this.geometry.shape)
    }

    /// A tuple of ndim integers giving the size in bytes to access
    /// each element for each dimension of the array.
    #[getter]
    fn strides(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        this.pin(thread)?;
        tuple_of(thread, &this.geometry.strides)
    }

    /// A tuple of integers used internally for PIL-style arrays.
    #[getter]
    fn suboffsets(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        this.pin(thread)?;
        tuple_of(thread, &[])
    }

    /// A bool indicating whether the memory is C contiguous.
    #[getter]
    fn c_contiguous(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        this.pin(thread)?;
        Ok(this.geometry.is_c_contiguous())
    }

    /// A bool indicating whether the memory is Fortran contiguous.
    #[getter]
    fn f_contiguous(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        this.pin(thread)?;
        Ok(this.geometry.is_f_contiguous())
    }

    /// A bool indicating whether the memory is contiguous.
    #[getter]
    fn contiguous(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        this.pin(thread)?;
        Ok(this.geometry.is_c_contiguous() || this.geometry.is_f_contiguous())
    }
}
