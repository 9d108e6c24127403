//! The storage of lists: a buffer of slots behind one atomic pointer.
//!
//! Invariants:
//! 1. Slots below a buffer's `len` were initialised before `len` was raised (Release) and hold a reference, or are empty
//!    because an element was taken out of a shared list since, after `len` was lowered. A reader that finds
//!    an empty slot takes the index as out of range, and sees the lower `len` afterwards.
//! 2. In a buffer of a shared list an element never moves to another slot: setting, appending and popping at the end happen in
//!    place, everything else builds a new buffer. So a reader that has loaded the buffer sees one order of elements.
//!    While there is no other thread a shared list is changed as a local one is ([`is_exclusive`]).
//! 3. A buffer that was replaced owns no references (they moved), only memory. It is retired if the owner is shared.
//! 4. The null pointer is the empty buffer; zeroed memory is an empty list.
//!
//! Who takes `&mut Thread` may release references; pushing releases none.

#[path = "list/arrange.rs"]
pub mod arrange;

use super::{NoMemory, memory};
use orochi_core::sync::{AtomicPtr, AtomicUsize, Ordering, check};
use orochi_core::word::{UNBOUND, Word};
use orochi_core::{Field, Owner, Ref, Thread, Trace, Value, epoch, lock};
use std::alloc::Layout;
use std::ptr::NonNull;

/// The elements of a list. See the module for who may do what.
#[derive(Default)]
pub struct ListStorage {
    buffer: AtomicPtr<Buffer>,
}

#[repr(C)]
struct Buffer {
    capacity: usize,
    len: AtomicUsize,
    slots: [Field; 0],
}

/// The elements of an extended slice, within a list of the length they were computed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stride {
    /// The lowest index.
    pub low: usize,
    /// The distance to the next higher one, at least 1.
    pub step: usize,
    /// How many elements.
    pub count: usize,
}

/// Why elements could not be assigned.
#[derive(Debug, PartialEq, Eq)]
pub enum AssignError {
    /// The extended slice has `expected` elements.
    Length {
        /// The number of elements that the slice has.
        expected: usize,
    },
    /// There is no memory.
    NoMemory,
}

impl Buffer {
    #[inline]
    fn layout(capacity: usize) -> Option<Layout> {
        let slots = Layout::array::<Field>(capacity).ok()?;
        Some(Layout::new::<Buffer>().extend(slots).ok()?.0)
    }

    /// A buffer of length 0 whose slots are uninitialised.
    #[inline]
    fn allocate(capacity: usize) -> Result<NonNull<Buffer>, NoMemory> {
        let layout = Self::layout(capacity).ok_or(NoMemory)?;
        // SAFETY: the layout has the size of the head at least.
        let buffer = NonNull::new(unsafe { memory::alloc(layout) }).ok_or(NoMemory)?.cast::<Buffer>();
        // SAFETY: allocated just now, large enough.
        unsafe { buffer.write(Buffer { capacity, len: AtomicUsize::new(0), slots: [] }) };
        #[cfg(orochi_loom)]
        for index in 0..capacity {
            // SAFETY: as above. The checker's atomics must be made before they are stored to.
            unsafe { Self::slot(buffer.as_ptr(), index).write(Field::empty()) };
        }
        Ok(buffer)
    }

    /// Moves everything to a larger buffer.
    ///
    /// # Safety
    /// Nobody else uses the buffer, and its capacity is less.
    unsafe fn enlarge(buffer: *mut Buffer, capacity: usize) -> Result<*mut Buffer, NoMemory> {
        // SAFETY: as the caller promises; the old layout is that of the allocation.
        unsafe {
            let old = Self::layout((*buffer).capacity).ok_or(NoMemory)?;
            let new = Self::layout(capacity).ok_or(NoMemory)?;
            let moved = memory::realloc(buffer.cast(), old, new.size()).cast::<Buffer>();
            if moved.is_null() {
                return Err(NoMemory);
            }
            (*moved).capacity = capacity;
            #[cfg(orochi_loom)]
            for index in (*moved).len.load(Ordering::Relaxed)..capacity {
                Self::slot(moved, index).write(Field::empty());
            }
            Ok(moved)
        }
    }

    /// # Safety
    /// Nobody uses the buffer, and it owns no references any more.
    unsafe fn free(buffer: NonNull<u8>) {
        let buffer = buffer.cast::<Buffer>();
        // SAFETY: as the caller promises; `allocate` used this layout.
        unsafe {
            if let Some(layout) = Self::layout(buffer.as_ref().capacity) {
                memory::dealloc(buffer.cast().as_ptr(), layout);
            }
        }
    }

    /// The place of a slot below the capacity.
    ///
    /// # Safety
    /// `buffer` is live and `index` is at most its capacity.
    #[inline(always)]
    unsafe fn slot(buffer: *mut Buffer, index: usize) -> *mut Field {
        // SAFETY: as the caller promises; slots follow the head.
        unsafe { (&raw mut (*buffer).slots).cast::<Field>().add(index) }
    }
}

/// Whether nobody else can look at the list before this thread's next safepoint.
#[inline(always)]
fn is_exclusive(owner: Owner<'_>, thread: &Thread) -> bool {
    !owner.is_shared() || thread.is_alone()
}

/// How far to grow for `len` elements: CPython's schedule, about an eighth more than needed.
fn grown(len: usize) -> Option<usize> {
    Some(len.checked_add(len >> 3)?.checked_add(6)? & !3)
}

/// Room for one more element in a local list.
pub struct LocalRoom {
    buffer: NonNull<Buffer>,
    len: usize,
}

impl LocalRoom {
    /// Appends an element.
    ///
    /// # Safety
    /// [`ListStorage::local_room`] gave this for a list that is still local and has not changed since.
    #[inline(always)]
    pub unsafe fn fill(self, value: Value) {
        // SAFETY: as the caller promises; the value's reference passes on.
        unsafe { self.fill_owned(value.into_word()) }
    }

    /// The same for a word with a reference of its own.
    ///
    /// # Safety
    /// As [`LocalRoom::fill`]; the caller owns what the word refers to.
    #[inline(always)]
    pub unsafe fn fill_owned(self, word: Word) {
        // SAFETY: as the caller promises: the place is within the buffer, and empty.
        unsafe {
            (*Buffer::slot(self.buffer.as_ptr(), self.len)).init_owned(word);
            self.buffer.as_ref().len.store(self.len + 1, Ordering::Relaxed);
        }
    }
}

impl ListStorage {
    /// No elements, no memory.
    #[inline]
    pub fn new() -> ListStorage {
        ListStorage::default()
    }

    /// The elements of a list that is being made, and is local.
    pub fn from_values(values: Vec<Value>) -> Result<ListStorage, NoMemory> {
        let len = values.len();
        let mut values = values.into_iter();
        ListStorage::build(len, |_| values.next().unwrap_or(Value::NONE))
    }

    /// A copy of the elements of a stride that `range` computes from the length, for a new local list; of one moment of a
    /// shared one.
    pub fn duplicate(
        &self,
        owner: Owner<'_>,
        thread: &Thread,
        range: impl FnOnce(usize) -> (Stride, bool),
    ) -> Result<ListStorage, NoMemory> {
        lock::with(owner, thread, || {
            let buffer = self.load();
            let (Stride { low, step, count }, backwards) = range(Self::len_of(buffer));
            if !owner.is_shared()
                && step == 1
                // SAFETY: nothing changes a local list meanwhile.
                && let Some(run) = unsafe { Self::elements(buffer) }.get(low..low.saturating_add(count))
            {
                return ListStorage::build(count, |i| {
                    let field = run.get(if backwards { count - 1 - i } else { i });
                    field.and_then(|field| field.load(thread)).map_or(Value::NONE, Ref::to_owned)
                });
            }
            ListStorage::build(count, |i| {
                let i = if backwards { count - 1 - i } else { i };
                self.get(thread, low + i * step).map_or(Value::NONE, Ref::to_owned)
            })
        })
    }

    /// The `len` elements of a list that is being made, and is local.
    #[inline]
    pub fn build(len: usize, mut make: impl FnMut(usize) -> Value) -> Result<ListStorage, NoMemory> {
        let storage = ListStorage::new();
        if len != 0 {
            let buffer = Buffer::allocate(len)?;
            storage.buffer.store(buffer.as_ptr(), Ordering::Relaxed);
            for i in 0..len {
                // SAFETY: the buffer was allocated for all of them. The length counts what is there: `make` may panic.
                unsafe {
                    Buffer::slot(buffer.as_ptr(), i).write(Field::new_local(make(i)));
                    buffer.as_ref().len.store(i + 1, Ordering::Relaxed);
                }
            }
        }
        Ok(storage)
    }

    /// The elements in a buffer.
    ///
    /// # Safety
    /// It belongs to a local list, which doesn't change meanwhile.
    #[inline(always)]
    unsafe fn elements<'a>(buffer: *mut Buffer) -> &'a [Field] {
        if buffer.is_null() {
            return &[];
        }
        // SAFETY: as the caller promises; slots below the length are initialised.
        unsafe { std::slice::from_raw_parts(Buffer::slot(buffer, 0), Self::len_of(buffer)) }
    }

    /// Replaces the elements from `low` on by copies of all those of another list, if both lists are local and there are as
    /// many elements in the run as in that list; `false` if not, nothing has been done then.
    pub fn overwrite(
        &self,
        owner: Owner<'_>,
        thread: &Thread,
        run: impl FnOnce(usize) -> Stride,
        other: &ListStorage,
        other_owner: Owner<'_>,
    ) -> bool {
        let (buffer, from) = (self.load(), other.load());
        if owner.is_shared() || other_owner.is_shared() || buffer == from {
            return false;
        }
        // SAFETY: what dies here may own anything, but runs no code that could change the lists.
        let (elements, from) = unsafe { (Self::elements(buffer), Self::elements(from)) };
        let Stride { low, step, count } = run(elements.len());
        let Some(places) = elements.get(low..low.saturating_add(count)) else { return false };
        if step != 1 || count != from.len() {
            return false;
        }
        for (place, new) in places.iter().zip(from) {
            let new = new.load(thread).map_or(Value::NONE, Ref::to_owned);
            drop(place.replace(owner.store(new)).into_value());
        }
        true
    }

    /// The elements `count` times in a row, for a new local list; of one moment of a shared one.
    pub fn repeated(&self, owner: Owner<'_>, thread: &Thread, count: usize) -> Result<ListStorage, NoMemory> {
        lock::with(owner, thread, || {
            let len = Self::len_of(self.load());
            let mut from = 0;
            ListStorage::build(len.checked_mul(count).ok_or(NoMemory)?, |_| {
                let value = self.get(thread, from).map_or(Value::NONE, Ref::to_owned);
                from = if from + 1 == len { 0 } else { from + 1 };
                value
            })
        })
    }

    /// Appends the elements of another list (or of this one) to a local list; of one moment of a shared one.
    pub fn append_copies(
        &self,
        owner: Owner<'_>,
        thread: &Thread,
        other: &ListStorage,
        other_owner: Owner<'_>,
    ) -> Result<(), NoMemory> {
        lock::with(other_owner, thread, || {
            let more = Self::len_of(other.load());
            self.append_local(owner, thread, more, |i| {
                other.get(thread, i).map_or(Value::NONE, Ref::to_owned)
            })
        })
    }

    /// Appends `more` values, which are made one by one, to a local list.
    #[inline]
    pub fn append_local(
        &self,
        owner: Owner<'_>,
        thread: &Thread,
        more: usize,
        mut make: impl FnMut(usize) -> Value,
    ) -> Result<(), NoMemory> {
        debug_assert!(!owner.is_shared());
        if more == 0 {
            return Ok(());
        }
        let len = Self::len_of(self.load());
        let buffer = if self.load().is_null() {
            let fresh = Buffer::allocate(more)?.as_ptr();
            self.buffer.store(fresh, Ordering::Release);
            fresh
        } else {
            self.reserve_locked(owner, thread, len.checked_add(more).ok_or(NoMemory)?)?
        };
        for i in 0..more {
            // SAFETY: there is room for all, and the list is local: nobody else uses the buffer.
            unsafe {
                Buffer::slot(buffer, len + i).write(Field::new_local(make(i)));
                (*buffer).len.store(len + i + 1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Whether there is room for another element.
    #[inline(always)]
    pub fn has_room(&self, _thread: &Thread) -> bool {
        let buffer = self.load();
        // SAFETY: as in `len_of`.
        !buffer.is_null() && Self::len_of(buffer) < unsafe { (*buffer).capacity }
    }

    /// The place of an element of a local list, for the interpreter; `None` for a shared one, or out of range.
    #[inline(always)]
    pub fn local_slot<'a>(&'a self, owner: Owner<'_>, thread: &'a Thread, index: usize) -> Option<&'a Field> {
        if owner.is_shared() { None } else { self.slot_at(thread, index) }
    }

    /// Room for an element, if [`ListStorage::push`] would just store the value.
    #[inline(always)]
    pub fn local_room(&self, owner: Owner<'_>) -> Option<LocalRoom> {
        let buffer = NonNull::new(self.buffer.load(Ordering::Relaxed)).filter(|_| !owner.is_shared())?;
        // SAFETY: a local list's buffer, which this thread alone uses.
        let (len, capacity) =
            unsafe { (buffer.as_ref().len.load(Ordering::Relaxed), buffer.as_ref().capacity) };
        (len < capacity).then_some(LocalRoom { buffer, len })
    }

    /// Takes out the last element of a list that nobody else looks at, as [`ListStorage::pop`] does; `None` if there is none, or others
    /// may look.
    #[inline(always)]
    pub fn pop_exclusive(&self, owner: Owner<'_>, thread: &mut Thread) -> Option<Value> {
        let buffer =
            NonNull::new(self.buffer.load(Ordering::Relaxed)).filter(|_| is_exclusive(owner, thread))?;
        // SAFETY: a buffer that this thread alone uses; slots below the length are initialised.
        unsafe {
            let last = buffer.as_ref().len.load(Ordering::Relaxed).checked_sub(1)?;
            buffer.as_ref().len.store(last, Ordering::Relaxed);
            (*Buffer::slot(buffer.as_ptr(), last)).replace(Field::empty()).into_value()
        }
    }

    /// Memory for a list that is being made, and is local.
    #[inline]
    pub fn with_capacity(capacity: usize) -> Result<ListStorage, NoMemory> {
        let storage = ListStorage::new();
        if capacity != 0 {
            storage.buffer.store(Buffer::allocate(capacity)?.as_ptr(), Ordering::Relaxed);
        }
        Ok(storage)
    }

    #[inline(always)]
    fn load(&self) -> *mut Buffer {
        // Acquire pairs with the Release in `publish`: head and slots are initialised.
        self.buffer.load(Ordering::Acquire)
    }

    #[inline(always)]
    fn len_of(buffer: *mut Buffer) -> usize {
        if buffer.is_null() {
            return 0;
        }
        // SAFETY: a buffer that was loaded stays until the thread's next safepoint. Acquire pairs with the Release that
        // raised `len`: slots below are initialised.
        unsafe { (*buffer).len.load(Ordering::Acquire) }
    }

    /// The number of elements.
    #[inline(always)]
    pub fn len(&self, _thread: &Thread) -> usize {
        Self::len_of(self.load())
    }

    /// Whether there are none.
    #[inline(always)]
    pub fn is_empty(&self, thread: &Thread) -> bool {
        self.len(thread) == 0
    }

    /// The number of elements that fit without growing, for `__sizeof__`.
    pub fn capacity(&self, _thread: &Thread) -> usize {
        let buffer = self.load();
        // SAFETY: as in `len_of`.
        if buffer.is_null() { 0 } else { unsafe { (*buffer).capacity } }
    }

    #[inline(always)]
    fn slot_at<'a>(&'a self, _thread: &'a Thread, index: usize) -> Option<&'a Field> {
        let buffer = self.load();
        if index < Self::len_of(buffer) {
            // SAFETY: initialised (invariant 1); memory stays until a safepoint, or until this thread changes a local list,
            // and the callers below load the word at once.
            Some(unsafe { &*Buffer::slot(buffer, index) })
        } else {
            None
        }
    }

    /// The element, if there is one at this index.
    #[inline(always)]
    pub fn get<'a>(&'a self, thread: &'a Thread, index: usize) -> Option<Ref<'a>> {
        self.slot_at(thread, index)?.load(thread)
    }

    /// The element for a register; UNBOUND if the index is out of range.
    #[inline(always)]
    pub fn load_register(&self, thread: &Thread, index: usize) -> Word {
        match self.slot_at(thread, index) {
            Some(slot) => slot.load_register(thread),
            None => UNBOUND,
        }
    }

    /// The element at a Python index, which counts from the end if it is negative.
    #[inline]
    pub fn get_signed<'a>(&'a self, thread: &'a Thread, index: i64) -> Option<Ref<'a>> {
        if index >= 0 {
            return self.get(thread, usize::try_from(index).ok()?);
        }
        loop {
            let buffer = self.load();
            let len = Self::len_of(buffer);
            let position = len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?;
            let found = self.get(thread, position);
            // The list may have grown or shrunk between the loads, and the position be another one; or have done both, and the place
            // have been empty in between.
            if check(
                "list: same length",
                self.load() == buffer && Self::len_of(buffer) == len && found.is_some(),
            ) {
                return found;
            }
        }
    }

    /// Owned copies of the elements of a range that `range` computes from the length; of one moment of a shared list.
    pub fn snapshot(
        &self,
        owner: Owner<'_>,
        thread: &Thread,
        range: impl FnOnce(usize) -> Stride,
    ) -> Result<Vec<Value>, NoMemory> {
        lock::with(owner, thread, || {
            let buffer = self.load();
            let stride = range(Self::len_of(buffer));
            let mut values = Vec::new();
            values.try_reserve_exact(stride.count).map_err(|_| NoMemory)?;
            let run = stride.low..stride.low.saturating_add(stride.count);
            let run = if owner.is_shared() || stride.step != 1 {
                None
            } else {
                // SAFETY: nothing changes a local list meanwhile.
                unsafe { Self::elements(buffer) }.get(run)
            };
            if let Some(run) = run {
                values.extend(run.iter().map(|field| field.load(thread).map_or(Value::NONE, Ref::to_owned)));
                return Ok(values);
            }
            for i in 0..stride.count {
                if let Some(value) = self.get(thread, stride.low + i * stride.step) {
                    values.push(value.to_owned());
                }
            }
            Ok(values)
        })
    }

    /// Owned copies of all elements.
    pub fn to_vec(&self, owner: Owner<'_>, thread: &Thread) -> Result<Vec<Value>, NoMemory> {
        self.snapshot(owner, thread, Stride::all)
    }

    /// Makes `new` the buffer and disposes of the old one, whose references have moved.
    fn publish(&self, owner: Owner<'_>, thread: &Thread, new: *mut Buffer) {
        let old = self.buffer.load(Ordering::Relaxed);
        // Release pairs with `load`.
        self.buffer.store(new, Ordering::Release);
        if let Some(old) = NonNull::new(old) {
            // SAFETY: unlinked, and only its memory is left (invariant 3). A local list has no other readers.
            unsafe {
                if is_exclusive(owner, thread) {
                    Buffer::free(old.cast());
                } else {
                    epoch::retire(
                        thread,
                        old.cast(),
                        old.as_ref().capacity * size_of::<Field>(),
                        Buffer::free,
                    );
                }
            }
        }
    }

    /// Makes room for `needed` elements. Callers hold the lock.
    fn reserve_locked(
        &self,
        owner: Owner<'_>,
        thread: &Thread,
        needed: usize,
    ) -> Result<*mut Buffer, NoMemory> {
        let old = self.load();
        // SAFETY: the present buffer is live.
        if !old.is_null() && unsafe { (*old).capacity } >= needed {
            return Ok(old);
        }
        let len = Self::len_of(old);
        let mut capacity = grown(needed.max(len)).ok_or(NoMemory)?;
        if !is_exclusive(owner, thread) {
            // Never where it is, so less often: other threads wait while it is copied, and the old memory lasts for a grace period.
            capacity = capacity.max(len.saturating_add(len / 2));
        } else if !old.is_null() {
            // SAFETY: nobody else uses the buffer.
            let new = unsafe { Buffer::enlarge(old, capacity) }?;
            self.buffer.store(new, Ordering::Release);
            return Ok(new);
        }
        let new = Buffer::allocate(capacity)?.as_ptr();
        // SAFETY: both have room for `len` elements; the references move to the new buffer.
        unsafe {
            if len != 0 {
                Field::move_all(Buffer::slot(old, 0), Buffer::slot(new, 0), len);
            }
            (*new).len.store(len, Ordering::Relaxed);
        }
        self.publish(owner, thread, new);
        Ok(new)
    }

    /// Appends an element.
    #[inline]
    pub fn push(&self, owner: Owner<'_>, thread: &Thread, value: Value) -> Result<(), NoMemory> {
        let field = owner.store(value);
        if is_exclusive(owner, thread) {
            let buffer = self.buffer.load(Ordering::Relaxed);
            if !buffer.is_null() {
                // SAFETY: a buffer that this thread alone uses.
                unsafe {
                    let len = (*buffer).len.load(Ordering::Relaxed);
                    if len < (*buffer).capacity {
                        (*Buffer::slot(buffer, len)).init(field);
                        (*buffer).len.store(len + 1, Ordering::Relaxed);
                        return Ok(());
                    }
                }
            }
        }
        self.push_slow(owner, thread, field)
    }

    #[cold]
    #[inline(never)]
    fn push_slow(&self, owner: Owner<'_>, thread: &Thread, field: Field) -> Result<(), NoMemory> {
        // The field comes back out if it can't be stored, so that it isn't dropped under the lock.
        let rejected = lock::with(owner, thread, || self.append_locked(owner, thread, field));
        if rejected.is_some() { Err(NoMemory) } else { Ok(()) }
    }

    #[inline]
    fn append_locked(&self, owner: Owner<'_>, thread: &Thread, field: Field) -> Option<Field> {
        let len = Self::len_of(self.load());
        let Ok(buffer) = self.reserve_locked(owner, thread, len + 1) else { return Some(field) };
        // SAFETY: there is room. `init` stores atomically: a lagging reader may look at a slot that was popped.
        unsafe {
            (*Buffer::slot(buffer, len)).init(field);
            // Release pairs with `len_of`.
            (*buffer).len.store(len + 1, Ordering::Release);
        }
        None
    }

    /// Appends elements, all at once.
    pub fn extend(&self, owner: Owner<'_>, thread: &Thread, values: Vec<Value>) -> Result<(), NoMemory> {
        let mut fields: Vec<Field> = values.into_iter().map(|value| owner.store(value)).collect();
        let result = lock::with(owner, thread, || {
            let len = Self::len_of(self.load());
            let needed = len.checked_add(fields.len()).ok_or(NoMemory)?;
            if fields.is_empty() {
                return Ok(());
            }
            let buffer = self.reserve_locked(owner, thread, needed)?;
            for (i, field) in fields.drain(..).enumerate() {
                // SAFETY: there is room for all.
                unsafe { (*Buffer::slot(buffer, len + i)).init(field) };
            }
            // SAFETY: live. One store: readers see all of them or none. Release pairs with `len_of`.
            unsafe { (*buffer).len.store(needed, Ordering::Release) };
            Ok(())
        });
        drop(fields);
        result
    }

    /// Replaces an element and gives the old one back; gives `value` back if there is no such index.
    #[inline]
    pub fn set(
        &self,
        owner: Owner<'_>,
        thread: &mut Thread,
        index: usize,
        value: Value,
    ) -> Result<Value, Option<Value>> {
        self.set_where(owner, thread, |_| Some(index), value)
    }

    /// Replaces the element at the index that `index` computes from the length, in the same way.
    #[inline]
    pub fn set_where(
        &self,
        owner: Owner<'_>,
        thread: &mut Thread,
        index: impl FnOnce(usize) -> Option<usize>,
        value: Value,
    ) -> Result<Value, Option<Value>> {
        let field = owner.store(value);
        let thread = &*thread;
        let set = lock::with(owner, thread, || {
            match index(self.len(thread)).and_then(|index| self.slot_at(thread, index)) {
                Some(slot) => Ok(slot.replace(field)),
                None => Err(field),
            }
        });
        match set {
            Ok(old) => Ok(old.into_value().unwrap_or(Value::NONE)),
            Err(field) => Err(field.into_value()),
        }
    }

    /// Takes out the element at the index that `index` computes from the length.
    #[inline]
    pub fn remove(
        &self,
        owner: Owner<'_>,
        thread: &mut Thread,
        index: impl FnOnce(usize) -> Option<usize>,
    ) -> Result<Option<Value>, NoMemory> {
        let thread = &*thread;
        let field = lock::with(owner, thread, || {
            let buffer = self.load();
            let len = Self::len_of(buffer);
            let Some(at) = index(len).filter(|&at| at < len) else { return Ok(None) };
            // SAFETY: `at` is below `len`; elements move in place only if nobody else looks (invariant 2).
            unsafe {
                if at + 1 == len {
                    // Before the slot is emptied (invariant 1).
                    (*buffer).len.store(at, Ordering::Release);
                    let field = (*Buffer::slot(buffer, at)).replace(Field::empty());
                    return Ok(Some(field));
                }
                let stride = Stride { low: at, step: 1, count: 1 };
                if !is_exclusive(owner, thread) {
                    return self.rebuild_locked(owner, thread, stride, Vec::new()).map(|mut old| old.pop());
                }
                let field = Buffer::slot(buffer, at).read();
                std::ptr::copy(Buffer::slot(buffer, at + 1), Buffer::slot(buffer, at), len - at - 1);
                (*buffer).len.store(len - 1, Ordering::Relaxed);
                Ok(Some(field))
            }
        })?;
        Ok(field.and_then(Field::into_value))
    }

    /// Takes out the last element.
    #[inline]
    pub fn pop(&self, owner: Owner<'_>, thread: &mut Thread) -> Option<Value> {
        self.remove(owner, thread, |len| len.checked_sub(1)).ok().flatten()
    }

    /// Takes out the first element that is this very object, wherever it is by now; used after Python code has compared.
    pub fn remove_identical(
        &self,
        owner: Owner<'_>,
        thread: &mut Thread,
        index: usize,
        word: Word,
    ) -> Result<Option<Value>, NoMemory> {
        self.remove(owner, thread, |_| {
            let buffer = self.load();
            // SAFETY: slots below `len` are initialised.
            (0..Self::len_of(buffer))
                .skip(index)
                .find(|&i| unsafe { (*Buffer::slot(buffer, i)).word() } == word)
        })
    }

    /// Takes the first element out of which `is_it` says so, in one step. The outer `None`: it couldn't say of an element before; nothing
    /// has changed then. `is_it` runs under the lock: no Python code.
    pub fn remove_first(
        &self,
        owner: Owner<'_>,
        thread: &mut Thread,
        mut is_it: impl FnMut(Ref<'_>) -> Option<bool>,
    ) -> Result<Option<Option<Value>>, NoMemory> {
        let mut knows = true;
        let removed = self.remove(owner, thread, |len| {
            let buffer = self.load();
            (0..len)
                .find(|&i| {
                    // SAFETY: slots below `len` are initialised, and keep their elements while the list is locked.
                    let element = unsafe { Ref::from_canonical((*Buffer::slot(buffer, i)).word()) };
                    let found = is_it(element);
                    knows = found.is_some();
                    found != Some(false)
                })
                .filter(|_| knows)
        })?;
        Ok(knows.then_some(removed))
    }

    /// Inserts before the index that `index` computes from the length (at the end if it is greater).
    pub fn insert(
        &self,
        owner: Owner<'_>,
        thread: &Thread,
        index: impl FnOnce(usize) -> usize,
        value: Value,
    ) -> Result<(), NoMemory> {
        let field = owner.store(value);
        let rejected = lock::with(owner, thread, || {
            let len = Self::len_of(self.load());
            let at = index(len).min(len);
            if at == len {
                return self.append_locked(owner, thread, field);
            }
            if !is_exclusive(owner, thread) {
                let stride = Stride { low: at, step: 1, count: 0 };
                let mut fields = Vec::new();
                if fields.try_reserve_exact(1).is_err() {
                    return Some(field);
                }
                fields.push(field);
                // Without memory the field is dropped with the error's path below, never under the lock: `rebuild_locked`
                // leaks nothing and drops nothing, it returns the fields it could not place.
                return self
                    .rebuild_or_return(owner, thread, stride, fields)
                    .err()
                    .and_then(|mut back| back.pop());
            }
            let Ok(buffer) = self.reserve_locked(owner, thread, len + 1) else { return Some(field) };
            // SAFETY: there is room for one more; nobody else looks.
            unsafe {
                std::ptr::copy(Buffer::slot(buffer, at), Buffer::slot(buffer, at + 1), len - at);
                Buffer::slot(buffer, at).write(field);
                (*buffer).len.store(len + 1, Ordering::Relaxed);
            }
            None
        });
        if rejected.is_some() { Err(NoMemory) } else { Ok(()) }
    }

    /// Replaces the run of elements that `range` computes from the length (step 1) by `values`; gives the old ones back.
    pub fn splice(
        &self,
        owner: Owner<'_>,
        thread: &mut Thread,
        range: impl FnOnce(usize) -> Stride,
        values: Vec<Value>,
    ) -> Result<Vec<Value>, NoMemory> {
        let fields: Vec<Field> = values.into_iter().map(|value| owner.store(value)).collect();
        let thread = &*thread;
        let result = lock::with(owner, thread, || {
            let stride = range(Self::len_of(self.load()));
            self.rebuild_or_return(owner, thread, Stride { step: 1, ..stride }, fields)
        });
        into_values(result.map_err(|_| NoMemory)?)
    }

    /// Takes out the elements of an extended slice, in order of rising index.
    pub fn remove_stride(
        &self,
        owner: Owner<'_>,
        thread: &mut Thread,
        range: impl FnOnce(usize) -> Stride,
    ) -> Result<Vec<Value>, NoMemory> {
        let thread = &*thread;
        let old = lock::with(owner, thread, || {
            let stride = range(Self::len_of(self.load()));
            self.rebuild_locked(owner, thread, stride, Vec::new())
        });
        into_values(old?)
    }

    /// Assigns to the elements of an extended slice, the first value to the lowest index; gives the old ones back.
    pub fn assign_stride(
        &self,
        owner: Owner<'_>,
        thread: &mut Thread,
        range: impl FnOnce(usize) -> Stride,
        values: Vec<Value>,
    ) -> Result<Vec<Value>, AssignError> {
        let mut fields: Vec<Field> = values.into_iter().map(|value| owner.store(value)).collect();
        let thread = &*thread;
        let result = lock::with(owner, thread, || {
            let buffer = self.load();
            let stride = range(Self::len_of(buffer));
            if stride.count != fields.len() {
                return Err(AssignError::Length { expected: stride.count });
            }
            for (i, field) in fields.iter_mut().enumerate() {
                // SAFETY: the stride lies within the list.
                let slot = unsafe { &*Buffer::slot(buffer, stride.low + i * stride.step) };
                // What is dropped by the assignment is the empty field left behind.
                *field = slot.replace(std::mem::take(field));
            }
            Ok(())
        });
        result?;
        into_values(fields).map_err(|NoMemory| AssignError::NoMemory)
    }

    /// Reverses the order.
    pub fn reverse(&self, owner: Owner<'_>, thread: &Thread) -> Result<(), NoMemory> {
        lock::with(owner, thread, || {
            let buffer = self.load();
            let len = Self::len_of(buffer);
            if len < 2 {
                return Ok(());
            }
            // SAFETY: `len` slots are initialised; a shared list's elements move to a new buffer (invariant 2).
            unsafe {
                if is_exclusive(owner, thread) {
                    std::slice::from_raw_parts_mut(Buffer::slot(buffer, 0), len).reverse();
                    return Ok(());
                }
                let new = Buffer::allocate(len)?.as_ptr();
                for i in 0..len {
                    Field::move_all(Buffer::slot(buffer, i), Buffer::slot(new, len - 1 - i), 1);
                }
                (*new).len.store(len, Ordering::Relaxed);
                self.publish(owner, thread, new);
            }
            Ok(())
        })
    }

    /// Takes all elements out: the list is empty afterwards and owns no memory.
    pub fn take(&self, owner: Owner<'_>, thread: &mut Thread) -> Result<Vec<Value>, NoMemory> {
        let thread = &*thread;
        let fields = lock::with(owner, thread, || {
            let buffer = self.load();
            let len = Self::len_of(buffer);
            let mut fields: Vec<Field> = Vec::new();
            fields.try_reserve_exact(len).map_err(|_| NoMemory)?;
            if len != 0 {
                // SAFETY: `len` slots are initialised and move to the vector.
                unsafe {
                    Field::move_all(Buffer::slot(buffer, 0), fields.as_mut_ptr(), len);
                    fields.set_len(len);
                }
            }
            self.publish(owner, thread, std::ptr::null_mut());
            Ok(fields)
        });
        into_values(fields?)
    }

    /// Whether nothing has been stored since [`ListStorage::take`].
    pub fn is_untouched(&self) -> bool {
        self.load().is_null()
    }

    /// Replaces everything; gives the old elements back.
    pub fn replace_all(
        &self,
        owner: Owner<'_>,
        thread: &mut Thread,
        values: Vec<Value>,
    ) -> Result<Vec<Value>, NoMemory> {
        self.splice(owner, thread, Stride::all, values)
    }

    fn rebuild_locked(
        &self,
        owner: Owner<'_>,
        thread: &Thread,
        remove: Stride,
        insert: Vec<Field>,
    ) -> Result<Vec<Field>, NoMemory> {
        debug_assert!(insert.is_empty(), "inserted fields would be dropped under the lock");
        self.rebuild_or_return(owner, thread, remove, insert).map_err(|_| NoMemory)
    }

    /// Takes `remove` out and puts `insert` where it began. Returns the removed fields, or without memory `insert`.
    /// Callers hold the lock; nothing is dropped here.
    fn rebuild_or_return(
        &self,
        owner: Owner<'_>,
        thread: &Thread,
        remove: Stride,
        mut insert: Vec<Field>,
    ) -> Result<Vec<Field>, Vec<Field>> {
        let old = self.load();
        let len = Self::len_of(old);
        let mut removed: Vec<Field> = Vec::new();
        if removed.try_reserve_exact(remove.count).is_err() {
            return Err(insert);
        }
        if remove.count == 0 && insert.is_empty() {
            return Ok(removed);
        }
        let (kept, added) = (len - remove.count, insert.len());
        let Some(total) = kept.checked_add(added) else { return Err(insert) };
        // A list that nobody else looks at keeps its buffer if the elements fit in it without wasting more than half.
        // SAFETY: the present buffer is live.
        let capacity = if old.is_null() { 0 } else { unsafe { (*old).capacity } };
        let in_place =
            is_exclusive(owner, thread) && total <= capacity && (total >= capacity / 2 || capacity <= 16);
        let new = if in_place {
            old
        } else if total == 0 {
            std::ptr::null_mut()
        } else {
            let wanted = if total > len { grown(total).unwrap_or(total) } else { total };
            match Buffer::allocate(wanted) {
                Ok(new) => new.as_ptr(),
                Err(NoMemory) => return Err(insert),
            }
        };
        // SAFETY: the stride lies within the `len` initialised slots; each field is moved exactly once, and the new places
        // fit. In place, the tail moves before the insertion is written and after the removed ones were read.
        unsafe {
            let tail_from = remove.end();
            let head = remove.low;
            if !in_place && head != 0 {
                Field::move_all(Buffer::slot(old, 0), Buffer::slot(new, 0), head);
            }
            let mut to = head + added;
            if remove.step > 1 {
                // Extended slices insert nothing: kept elements close up between the removed ones.
                for i in 0..remove.count {
                    let at = remove.low + i * remove.step;
                    removed.push(Buffer::slot(old, at).read());
                    let next = if i + 1 == remove.count { at + 1 } else { at + remove.step };
                    Field::move_all(Buffer::slot(old, at + 1), Buffer::slot(new, to), next - at - 1);
                    to += next - at - 1;
                }
            } else {
                for at in head..tail_from {
                    removed.push(Buffer::slot(old, at).read());
                }
            }
            if tail_from < len {
                Field::move_all(Buffer::slot(old, tail_from), Buffer::slot(new, to), len - tail_from);
            }
            for (i, field) in insert.drain(..).enumerate() {
                Buffer::slot(new, head + i).write(field);
            }
            if !new.is_null() {
                (*new).len.store(total, Ordering::Relaxed);
            }
        }
        if !in_place {
            self.publish(owner, thread, new);
        }
        Ok(removed)
    }
}

impl Stride {
    /// All elements of a list of this length.
    pub fn all(len: usize) -> Stride {
        Stride { low: 0, step: 1, count: len }
    }

    /// The index behind the highest element.
    fn end(self) -> usize {
        if self.count == 0 { self.low } else { self.low + (self.count - 1) * self.step + 1 }
    }
}

fn into_values(fields: Vec<Field>) -> Result<Vec<Value>, NoMemory> {
    // The same size and alignment: the vector's memory is reused.
    Ok(fields.into_iter().filter_map(Field::into_value).collect())
}

impl Drop for ListStorage {
    fn drop(&mut self) {
        let Some(buffer) = NonNull::new(self.buffer.load(Ordering::Acquire)) else { return };
        // SAFETY: the owner is being destroyed: nobody else reads, and the references are dropped once.
        unsafe {
            let len = Self::len_of(buffer.as_ptr());
            std::ptr::drop_in_place(std::ptr::slice_from_raw_parts_mut(
                Buffer::slot(buffer.as_ptr(), 0),
                len,
            ));
            Buffer::free(buffer.cast());
        }
    }
}

// SAFETY: visits each slot below `len`; with the owner local or the world stopped that is each field once.
unsafe impl Trace for ListStorage {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        let buffer = self.load();
        for i in 0..Self::len_of(buffer) {
            // SAFETY: initialised (invariant 1).
            visit(unsafe { &*Buffer::slot(buffer, i) });
        }
    }
}
