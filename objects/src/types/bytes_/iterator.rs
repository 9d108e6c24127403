//! The iterators of `bytes` and `bytearray`. The position is atomic: threads that share an iterator get each byte once.

use crate::error::PyResult;
use crate::types::bytearray::{self, PyByteArray};
use crate::types::bytes::PyBytes;
use crate::types::int;
use crate::types::iterators::reduced;
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Where an iterator is that has come to an end.
const ENDED: u64 = u64::MAX;

macro_rules! iterator {
    ($iterator:ident, $name:literal, $class:ident, $part:ident, $byte:expr, $empty:expr) => {
        /// An iterator over bytes.
        #[pyclass(name = $name, no_new)]
        #[derive(Trace)]
        pub struct $iterator {
            bytes: Field,
            #[trace(unsafe_skip)]
            next: AtomicU64,
        }

        #[pymethods]
        impl $iterator {
            #[slot]
            fn tp_iter(this: Ref<'_>) -> Value {
                this.to_owned()
            }

            #[slot]
            fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
                let Some(bytes) = this.bytes.fixed().downcast::<$class>() else { return Ok(None) };
                // Relaxed: the position stands alone.
                let mut at = this.next.load(Ordering::Relaxed);
                loop {
                    if at == ENDED {
                        return Ok(None);
                    }
                    let byte: Option<u8> = $byte(thread, bytes, at as usize);
                    let after = if byte.is_some() { at + 1 } else { ENDED };
                    match this.next.compare_exchange(at, after, Ordering::Relaxed, Ordering::Relaxed) {
                        Ok(_) => return byte.map(|byte| int::new(thread, byte.into())).transpose(),
                        Err(now) => at = now,
                    }
                }
            }

            /// Private method returning an estimate of len(list(it)).
            fn __length_hint__(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
                let at = this.next.load(Ordering::Relaxed);
                let len = crate::protocol::len(thread, this.bytes.fixed())?;
                Ok(if at == ENDED { 0 } else { len.saturating_sub(at as usize) })
            }

            /// Return state information for pickling.
            fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let at = this.next.load(Ordering::Relaxed);
                if at == ENDED {
                    let empty: Value = $empty(thread)?;
                    return reduced(thread, "iter", vec![empty], None);
                }
                reduced(thread, "iter", vec![this.bytes.fixed().to_owned()], Some(at as i64))
            }

            /// Set state information for unpickling.
            fn __setstate__(thread: &mut Thread, this: &Obj<Self>, state: Ref<'_>) -> PyResult<()> {
                let index = int::index_i64(thread, state)?;
                let len = crate::protocol::len(thread, this.bytes.fixed())? as i64;
                if this.next.load(Ordering::Relaxed) != ENDED {
                    this.next.store(index.clamp(0, len) as u64, Ordering::Relaxed);
                }
                Ok(())
            }
        }

        #[pymethods(part = $part)]
        impl $class {
            #[slot]
            fn tp_iter(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let bytes = Field::new_local(this.to_value());
                Ok(crate::make(thread, $iterator { bytes, next: AtomicU64::new(0) })?.into_value())
            }
        }
    };
}
iterator!(
    PyBytesIterator,
    "bytes_iterator",
    PyBytes,
    BYTES_ITERATION,
    |_: &Thread, bytes: &Obj<PyBytes>, at: usize| bytes.as_bytes().get(at).copied(),
    |thread: &mut Thread| crate::tuple::new(thread, Vec::new()).map(|empty| empty.into_value())
);
iterator!(
    PyByteArrayIterator,
    "bytearray_iterator",
    PyByteArray,
    ARRAY_ITERATION,
    |thread: &Thread, array: &Obj<PyByteArray>, at: usize| bytearray::read(array, thread, |bytes| bytes
        .get(at)
        .copied()),
    |thread: &mut Thread| crate::tuple::new(thread, Vec::new()).map(|empty| empty.into_value())
);
