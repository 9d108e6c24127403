//! The iterators of `bytes` and `bytearray`. The position is atomic: threads that share an iterator get each byte once.

use crate::error::PyResult;
use crate::types::bytearray::{self, PyByteArray};
use crate::types::bytes::PyBytes;
use crate::types::int;
use crate::types::iterators::reduced;
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::{AtomicField, Obj, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass, pymethods};

/// Where an iterator is that has come to an end.
const ENDED: u64 = u64::MAX;

macro_rules! iterator {
    ($iterator:ident, $name:literal, $class:ident, $part:ident, $byte:expr) => {
        /// An iterator over bytes.
        #[pyclass(name = $name, no_new)]
        #[derive(Trace)]
        pub struct $iterator {
            /// Nothing at the end.
            bytes: AtomicField,
            next: AtomicU64,
        }

        impl $iterator {
            /// The next byte. Relaxed orders suffice: the position stands alone.
            #[inline]
            fn next(this: &Obj<Self>, thread: &Thread) -> Option<u8> {
                let bytes = this.bytes.load(thread)?.downcast::<$class>()?;
                let mut at = this.next.load(Ordering::Relaxed);
                loop {
                    if at == ENDED {
                        return None;
                    }
                    let byte: Option<u8> = $byte(thread, bytes, at as usize);
                    let after = if byte.is_some() { at + 1 } else { ENDED };
                    if !this.header().is_shared() {
                        this.next.store(after, Ordering::Relaxed);
                        return byte;
                    }
                    match this.next.compare_exchange(at, after, Ordering::Relaxed, Ordering::Relaxed) {
                        Ok(_) => return byte,
                        Err(now) => at = now,
                    }
                }
            }
        }

        #[pymethods]
        impl $iterator {
            #[slot]
            fn tp_iter(this: Ref<'_>) -> Value {
                this.to_owned()
            }

            #[slot]
            fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
                match Self::next(this, thread) {
                    Some(byte) => int::new(thread, byte.into()).map(Some),
                    None => {
                        this.bytes.swap(this, thread, None);
                        Ok(None)
                    }
                }
            }

            /// Private method returning an estimate of len(list(it)).
            fn __length_hint__(thread: &mut Thread, this: &Obj<Self>) -> PyResult<usize> {
                let at = this.next.load(Ordering::Relaxed);
                let Some(bytes) = this.bytes.get(thread) else { return Ok(0) };
                let len = crate::protocol::len(thread, bytes.get())?;
                Ok(if at == ENDED { 0 } else { len.saturating_sub(at as usize) })
            }

            /// Return state information for pickling.
            fn __reduce__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                reduced(thread, "iter", |thread| {
                    let at = this.next.load(Ordering::Relaxed);
                    match this.bytes.get(thread).filter(|_| at != ENDED) {
                        Some(bytes) => Ok((vec![bytes], Some(at as i64))),
                        None => Ok((vec![crate::tuple::empty(thread).to_value()], None)),
                    }
                })
            }

            /// Set state information for unpickling.
            fn __setstate__(thread: &mut Thread, this: &Obj<Self>, state: Ref<'_>) -> PyResult<()> {
                let index = int::index_i64(thread, state)?;
                let Some(bytes) = this.bytes.get(thread) else { return Ok(()) };
                let len = crate::protocol::len(thread, bytes.get())? as i64;
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
                let bytes = AtomicField::new_local(this.to_value());
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
    |_: &Thread, bytes: &Obj<PyBytes>, at: usize| bytes.as_bytes().get(at).copied()
);
iterator!(
    PyByteArrayIterator,
    "bytearray_iterator",
    PyByteArray,
    ARRAY_ITERATION,
    |thread: &Thread, array: &Obj<PyByteArray>, at: usize| bytearray::read(array, thread, |bytes| bytes
        .get(at)
        .copied())
);
