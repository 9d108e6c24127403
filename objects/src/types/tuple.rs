//! `tuple`: the storage. Its methods are in `tuple_/`.

use crate::class::{PyClass, exactly};
use crate::error::{PyResult, memory_error};
use crate::quick::{Quick, Registers};
use crate::types::list::{self, PyList};
use crate::types::tuple_::METHODS;
use crate::types::r#type::PyType;
use orochi_core::object::Tail;
use orochi_core::word::Word;
use orochi_core::{Field, Header, Layout, Obj, Owned, Ref, Thread, Trace, Value};
use orochi_macros::{pyclass, pymethods};
use std::ptr::NonNull;
use std::sync::OnceLock;

/// `tuple(iterable)` of a tuple, or of a list that nobody else can change.
fn quick_call(thread: &mut Thread, args: Registers<'_>) -> Quick {
    let Some([items]) = args.exactly() else { return Quick::OTHER };
    if exactly::<PyTuple>(items).is_some() {
        return Quick::reference(items);
    }
    let Some(list) = exactly::<PyList>(items).filter(|list| !list.header().is_shared()) else {
        return Quick::OTHER;
    };
    let item = |i| list::item(thread, list, i).unwrap_or(Value::NONE);
    build(thread, list::len(thread, list), item).map_or(Quick::OTHER, |made| Quick::value(made.into_value()))
}

/// Built-in immutable sequence.
///
/// Without an argument, an empty tuple; with an iterable, a tuple of its items.
#[pyclass(
    name = "tuple",
    generic,
    subclassable,
    sequence,
    quick(quick_call),
    flags(TUPLE_SUBCLASS, MATCH_SELF),
    unsafe_layout = Layout::of::<PyTuple>().with_tail(size)
)]
#[repr(C)]
pub struct PyTuple {
    items: Tail<Field>,
}

// SAFETY: visits every item.
unsafe impl Trace for PyTuple {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.items.trace(visit);
    }
}

unsafe fn size(object: NonNull<Header>) -> usize {
    // SAFETY: called for live tuples.
    unsafe { object.cast::<Obj<PyTuple>>().as_ref() }.items.size_with::<PyTuple>()
}

impl PyTuple {
    /// The number of items.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The i-th item.
    #[inline(always)]
    pub fn item(&self, i: usize) -> Option<Ref<'_>> {
        self.items.as_slice().get(i).map(Field::fixed)
    }

    /// The items. They live as long as the tuple is borrowed: a tuple never changes.
    #[inline]
    pub fn items(&self) -> impl DoubleEndedIterator<Item = Ref<'_>> + ExactSizeIterator + Clone {
        self.items.as_slice().iter().map(Field::fixed)
    }

    /// The fields, for the interpreter.
    #[inline(always)]
    pub fn fields(&self) -> &[Field] {
        self.items.as_slice()
    }
}

/// A new tuple of these values.
#[inline]
pub fn new(thread: &Thread, values: Vec<Value>) -> PyResult<Owned<PyTuple>> {
    if values.is_empty() {
        return Ok(empty(thread).to_owned());
    }
    subclass_object(thread, PyTuple::static_type().get(), values)
}

/// A new tuple of a few values.
#[inline]
pub fn of<const N: usize>(thread: &Thread, values: [Value; N]) -> PyResult<Value> {
    let mut values = values.into_iter();
    Ok(build(thread, N, |_| values.next().unwrap_or(Value::NONE))?.into_value())
}

/// A new tuple of these references.
#[inline]
pub fn from_refs(thread: &Thread, values: &[Ref<'_>]) -> PyResult<Owned<PyTuple>> {
    new(thread, values.iter().map(|value| Ref::to_owned(*value)).collect())
}

/// A new instance of `tuple` or a subclass.
#[inline]
pub fn subclass_object(thread: &Thread, class: &Obj<PyType>, values: Vec<Value>) -> PyResult<Owned<PyTuple>> {
    let mut values = values.into_iter();
    // SAFETY: the class's layout is PyTuple's; the tail goes last; a new object is local.
    let made = unsafe {
        orochi_core::alloc::allocate_with_tail::<PyTuple, Field>(
            thread,
            NonNull::from(class).cast(),
            values.len(),
            |items| PyTuple { items },
            |_| values.next().map_or_else(Field::empty, Field::new_local),
        )
    };
    made.ok_or_else(memory_error)
}

/// A new tuple of `len` values that are made one by one.
#[inline]
pub fn build(thread: &Thread, len: usize, mut make: impl FnMut(usize) -> Value) -> PyResult<Owned<PyTuple>> {
    if len == 0 {
        return Ok(empty(thread).to_owned());
    }
    // SAFETY: the class's layout is PyTuple's; the tail goes last; a new object is local.
    let made = unsafe {
        orochi_core::alloc::allocate_with_tail::<PyTuple, Field>(
            thread,
            NonNull::from(PyTuple::static_type().get()).cast(),
            len,
            |items| PyTuple { items },
            |i| Field::new_local(make(i)),
        )
    };
    made.ok_or_else(memory_error)
}

/// A new tuple of what `len` registers hold, which are empty then. `None` if that takes more than a few loads and stores: nothing has
/// been done then, but that some of the registers may own what they borrowed.
///
/// # Safety
/// The registers are the current thread's.
#[inline(always)]
pub unsafe fn from_registers(thread: &Thread, registers: *mut Word, len: usize) -> Option<Owned<PyTuple>> {
    let class = PyTuple::static_type();
    // The empty tuple is there already.
    if len == 0 || !class.is_alive() {
        return None;
    }
    // SAFETY: as in `build`; an instance of exactly this class has no extension.
    unsafe {
        let class = NonNull::new_unchecked(class.address().cast_mut());
        orochi_core::alloc::allocate_from_registers(thread, class, registers, len, |items| PyTuple { items })
    }
}

/// The empty tuple, of which there is one.
pub fn empty(thread: &Thread) -> &'static Obj<PyTuple> {
    struct Empty(&'static Obj<PyTuple>);
    // SAFETY: immortal and immutable.
    unsafe impl Sync for Empty {}
    // SAFETY: as above.
    unsafe impl Send for Empty {}
    static EMPTY: OnceLock<Empty> = OnceLock::new();
    EMPTY
        .get_or_init(|| match subclass_object(thread, PyTuple::static_type().get(), Vec::new()) {
            Ok(made) => Empty(made.immortalise()),
            // Not even 24 bytes: nothing can run.
            Err(_) => std::process::abort(),
        })
        .0
}

#[pymethods(parts(METHODS))]
impl PyTuple {}
