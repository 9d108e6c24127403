//! The attributes and `__slots__` of an instance, in the extension behind its payload.
//!
//! A class whose instances have a `__dict__` gives them this extension (others have the slots alone):
//!
//! | word | holds |
//! |---|---|
//! | 0 | the shape; zero until the first attribute is set |
//! | 1 | zero; or the overflow block (address + 1): attributes that found no place inline; or the dict object |
//! | then | `__slots__`, those of the base first |
//! | then | the inline attributes: attribute number i of the shape |
//!
//! Invariants:
//! 1. Under an ordinary shape each of its attributes has a value, unless the instance is going over to a dict. A value is
//!    stored before the shape that says so (Release); values are replaced in place.
//! 2. Going over to a dict, under the lock: the dict is filled, then word 1 is set, then the dictionary shape, and only
//!    then the inline attributes are emptied (their references have moved). A reader that finds an empty place, or no overflow
//!    block, under an ordinary shape, looks at the shape again.
//! 3. An instance that has gone over never comes back, and its inline attributes are never looked at again: so it may be
//!    given another class whose instances have room for more of them.
//! 4. Overflow blocks are replaced like the buffers of lists.

#[path = "instance/cached.rs"]
pub mod cached;

use super::shape::{Name, Shape};
use super::{NoMemory, dict::DictStorage};
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use orochi_core::object::{ExtensionOps, extension_of};
use orochi_core::sync::{AtomicPtr, AtomicUsize, Ordering, check};
use orochi_core::word::{UNBOUND, Word};
use orochi_core::{
    Field, Header, Layout as NativeLayout, Obj, Owner, Ref, Thread, TypeHead, Value, epoch, lock,
};
use std::alloc::Layout;
use std::ptr::NonNull;

/// Bytes of the two words before slots and attributes.
const HEAD: usize = size_of::<Head>();
/// Inline attributes of a class that doesn't say how many it sets.
pub const DEFAULT_INLINE: u16 = 4;
/// The most inline attributes.
pub const MAX_INLINE: u16 = 48;

/// What a class's instances have in their extension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstanceLayout {
    /// Whether they have attributes.
    pub has_dict: bool,
    /// How many `__slots__` they have, those of the bases included.
    pub slots: u16,
    /// How many attributes lie inline.
    pub inline: u16,
}

impl InstanceLayout {
    /// Bytes of the extension.
    pub fn size(self) -> u32 {
        let fields = 8 * (u32::from(self.slots) + u32::from(self.inline));
        if self.has_dict { fields + 16 } else { 8 * u32::from(self.slots) }
    }

    /// Offset (see `TypeFields::extension`) of the extension behind a native layout; 0 if there is none.
    pub fn offset(self, native: &NativeLayout) -> u32 {
        if self.size() == 0 { 0 } else { u32::try_from(native.size.next_multiple_of(8)).unwrap_or(0) }
    }

    /// How the extension is traced and destroyed.
    pub fn ops(self) -> &'static ExtensionOps {
        if self.has_dict { &ATTRIBUTES } else { &SLOTS }
    }
}

#[repr(C)]
pub(crate) struct Head {
    shape: AtomicPtr<Shape>,
    second: AtomicUsize,
}

#[cfg(orochi_loom)]
impl Head {
    /// What zeroed memory is elsewhere: the checker's atomics have to be made.
    pub(crate) fn new() -> Head {
        Head { shape: AtomicPtr::new(std::ptr::null_mut()), second: AtomicUsize::new(0) }
    }
}

#[repr(C)]
struct Overflow {
    capacity: usize,
    fields: [Field; 0],
}

impl Overflow {
    fn layout(capacity: usize) -> Option<Layout> {
        Some(Layout::new::<Overflow>().extend(Layout::array::<Field>(capacity).ok()?).ok()?.0)
    }

    fn allocate(capacity: usize) -> Result<NonNull<Overflow>, NoMemory> {
        let layout = Self::layout(capacity).ok_or(NoMemory)?;
        // SAFETY: the layout is not empty. Zeroed fields are empty ones.
        let block =
            NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) }).ok_or(NoMemory)?.cast::<Overflow>();
        // SAFETY: allocated just now.
        unsafe { (*block.as_ptr()).capacity = capacity };
        #[cfg(orochi_loom)]
        for index in 0..capacity {
            // SAFETY: as above. The checker's atomics must be made before they are stored to.
            unsafe { std::ptr::from_ref(Self::field(block, index)).cast_mut().write(Field::empty()) };
        }
        Ok(block)
    }

    /// # Safety
    /// Nobody uses the block, and it owns no references any more.
    unsafe fn free(block: NonNull<u8>) {
        // SAFETY: as the caller promises; `allocate` used this layout.
        unsafe {
            if let Some(layout) = Self::layout(block.cast::<Overflow>().as_ref().capacity) {
                std::alloc::dealloc(block.as_ptr(), layout);
            }
        }
    }

    /// # Safety
    /// The block is live and `index` below its capacity.
    unsafe fn field<'a>(block: NonNull<Overflow>, index: usize) -> &'a Field {
        // SAFETY: as the caller promises.
        unsafe { &*(&raw const (*block.as_ptr()).fields).cast::<Field>().add(index) }
    }
}

/// Word 1, taken apart.
enum Second {
    Nothing,
    Overflow(NonNull<Overflow>),
    Dict,
}

/// The attributes of one instance.
#[derive(Clone, Copy)]
pub struct Attributes<'a> {
    object: &'a Header,
    class: &'a Obj<PyType>,
    head: &'a Head,
    layout: InstanceLayout,
}

/// What a search among an instance's own attributes found.
pub enum Own<'a> {
    /// The attribute.
    Value(Ref<'a>),
    /// There is none of this name.
    Missing,
    /// Attributes are in this dict; there is no dict yet if it is `None`.
    Dict(Option<Ref<'a>>),
}

/// The outcome of setting an attribute.
pub enum Stored {
    /// Done; the old value, to be dropped by the caller.
    Done(Option<Value>),
    /// The attributes are in a dict (or must go there): the value comes back.
    InDict(Value),
    /// There is no memory.
    NoMemory,
}

impl<'a> Attributes<'a> {
    /// The attributes of an instance; `None` if its class gives it none.
    #[inline]
    pub fn of(object: Ref<'a>) -> Option<Attributes<'a>> {
        let header = object.on_heap()?.get();
        // SAFETY: classes are PyType objects and outlive their instances.
        let class: &'a Obj<PyType> = unsafe { &*header.class().cast::<Obj<PyType>>() };
        let layout = class.instance_layout();
        if !layout.has_dict {
            return None;
        }
        // SAFETY: a live object whose class says that the extension starts with a head.
        let head = unsafe { extension_of(NonNull::from(header))?.cast::<Head>().as_ref() };
        Some(Attributes { object: header, class, head, layout })
    }

    fn owner(&self) -> Owner<'a> {
        Owner::of(self.object)
    }

    /// The instance's shape.
    #[inline]
    pub fn shape(&self) -> &'a Shape {
        // Acquire pairs with the Release that set it: the values are there (invariant 1).
        // SAFETY: shapes live as long as their class, which outlives the instance.
        match unsafe { self.head.shape.load(Ordering::Acquire).as_ref() } {
            Some(shape) => shape,
            None => self.class.shapes().root(),
        }
    }

    #[inline]
    fn second(&self) -> Second {
        // Acquire: the block behind it is initialised.
        let word = self.head.second.load(Ordering::Acquire);
        if word == 0 {
            return Second::Nothing;
        }
        match NonNull::new((word & !1) as *mut Overflow) {
            Some(block) if word & 1 == 1 => Second::Overflow(block),
            _ => Second::Dict,
        }
    }

    fn dict_field(&self) -> &'a Field {
        // SAFETY: the same size and bits; only read as a field if it holds a dict (or nothing).
        unsafe { &*(&raw const self.head.second).cast::<Field>() }
    }

    /// The dict, if the attributes have gone over to one.
    #[inline]
    pub fn dict(&self, thread: &'a Thread) -> Option<Ref<'a>> {
        match self.second() {
            Second::Dict => self.dict_field().load(thread),
            _ => None,
        }
    }

    #[inline(always)]
    fn inline_field(&self, index: usize) -> &'a Field {
        // SAFETY: `index` is below the layout's number of inline attributes; slots come before.
        unsafe {
            let fields = std::ptr::from_ref(self.head).cast::<u8>().add(HEAD).cast::<Field>();
            &*fields.add(self.layout.slots as usize + index)
        }
    }

    /// The place of an attribute; `None` while the instance goes over to a dict.
    #[inline]
    fn place(&self, index: usize) -> Option<&'a Field> {
        let inline = self.layout.inline as usize;
        if index < inline {
            return Some(self.inline_field(index));
        }
        match self.second() {
            // SAFETY: the shape says that there are more than `index` attributes, so the block has room for them.
            Second::Overflow(block) => unsafe {
                (index - inline < block.as_ref().capacity).then(|| Overflow::field(block, index - inline))
            },
            _ => None,
        }
    }

    /// Searches an attribute. `name` is interned.
    pub fn get(&self, thread: &'a Thread, name: &Obj<PyStr>) -> Own<'a> {
        loop {
            let shape = self.shape();
            if shape.is_dictionary() {
                return Own::Dict(self.dict(thread));
            }
            let Some(index) = shape.find(name) else { return Own::Missing };
            if let Some(value) = self.place(index).and_then(|place| place.load(thread)) {
                return Own::Value(value);
            }
            // Another thread is moving the attributes to a dict: the shape will say so in a moment (invariant 2).
            orochi_core::sync::spin_hint();
        }
    }

    /// The attribute's value for a register if the shape still has this `id`; UNBOUND if not. `index` is the attribute's
    /// number under that shape.
    #[inline(always)]
    pub fn cached_register(&self, thread: &Thread, id: u32, index: usize) -> Word {
        let shape = self.head.shape.load(Ordering::Acquire);
        // SAFETY: as in `shape`.
        match unsafe { shape.as_ref() } {
            Some(shape) if shape.id() == id => {
                self.place(index).map_or(UNBOUND, |place| place.load_register(thread))
            }
            _ => UNBOUND,
        }
    }

    /// Sets an attribute. Gives the value back if the attributes are, or have to go, in a dict.
    pub fn set(&self, thread: &mut Thread, name: Name, value: Value) -> Stored {
        let owner = self.owner();
        let mut field = owner.store(value);
        loop {
            let shape = self.shape();
            if shape.is_dictionary() {
                return Stored::InDict(field.into_value().unwrap_or(Value::NONE));
            }
            // The next shape is made outside the lock.
            let step = match shape.find(name) {
                Some(index) => (index, shape),
                None => match shape.with_attribute(name) {
                    Some(next) => (shape.len(), next),
                    None => return Stored::InDict(field.into_value().unwrap_or(Value::NONE)),
                },
            };
            let thread: &Thread = thread;
            match lock::with(owner, thread, || self.set_locked(thread, shape, step, field)) {
                Ok(old) => return Stored::Done(old.into_value()),
                Err((true, _)) => return Stored::NoMemory,
                Err((false, back)) => field = back,
            }
        }
    }

    /// Stores under the lock; `Err(true)` without memory, `Err(false)` if the shape changed meanwhile.
    fn set_locked(
        &self,
        thread: &Thread,
        seen: &Shape,
        (index, next): (usize, &Shape),
        field: Field,
    ) -> Result<Field, (bool, Field)> {
        if !check("instance: same shape", std::ptr::eq(self.shape(), seen)) {
            return Err((false, field));
        }
        if std::ptr::eq(seen, next) {
            return match self.place(index) {
                Some(place) => Ok(place.replace(field)),
                None => Err((false, field)),
            };
        }
        if self.make_room(thread, index).is_err() {
            return Err((true, field));
        }
        let Some(place) = self.place(index) else { return Err((true, field)) };
        let old = place.replace(field);
        // Release: value first, then the shape (invariant 1).
        self.head.shape.store(std::ptr::from_ref(next).cast_mut(), Ordering::Release);
        Ok(old)
    }

    /// Makes an overflow block with room for the attribute. Callers hold the lock.
    fn make_room(&self, thread: &Thread, index: usize) -> Result<(), NoMemory> {
        let Some(at) = index.checked_sub(self.layout.inline as usize) else { return Ok(()) };
        let old = match self.second() {
            // SAFETY: the present block.
            Second::Overflow(block) if at < unsafe { block.as_ref() }.capacity => return Ok(()),
            Second::Overflow(block) => Some(block),
            _ => None,
        };
        let new = Overflow::allocate((at + 1).max(2).next_power_of_two())?;
        if let Some(old) = old {
            // SAFETY: the references move to the new, larger block.
            unsafe {
                let to = std::ptr::from_ref(Overflow::field(new, 0)).cast_mut();
                Field::move_all(Overflow::field(old, 0), to, old.as_ref().capacity);
            }
        }
        // Release pairs with `second`.
        self.head.second.store(new.as_ptr() as usize | 1, Ordering::Release);
        if let Some(old) = old {
            self.dispose(thread, old);
        }
        Ok(())
    }

    fn dispose(&self, thread: &Thread, block: NonNull<Overflow>) {
        // SAFETY: unlinked, and its references have moved.
        unsafe {
            if self.object.is_shared() {
                let bytes = 8 * block.as_ref().capacity;
                epoch::retire(thread, block.cast(), bytes, Overflow::free);
            } else {
                Overflow::free(block.cast());
            }
        }
    }

    /// Moves the attributes to a dict. `make` gives an empty dict object and `storage_of` its storage; the dict has room for
    /// `MAX_ATTRIBUTES` or as many as the shape has. Does nothing if they have moved already and there is a dict.
    ///
    /// Gives back the dict object that wasn't needed.
    pub fn move_to_dict(
        &self,
        thread: &mut Thread,
        dict: Value,
        storage_of: impl Fn(Ref<'_>) -> Option<&DictStorage>,
    ) -> Result<Option<Value>, NoMemory> {
        let owner = self.owner();
        // Published while it is empty and unseen; its contents are shared already if the owner is.
        let field = owner.store(dict);
        let thread: &Thread = thread;
        let moved = lock::with(owner, thread, || {
            let shape = self.shape();
            if matches!(self.second(), Second::Dict) {
                return Ok(Some(field));
            }
            let word = field.word();
            // SAFETY: the field keeps the dict.
            let Some(storage) = storage_of(unsafe { Ref::from_word(word) }) else { return Ok(Some(field)) };
            for (index, name) in shape.names().iter().enumerate() {
                let Some(place) = self.place(index) else { continue };
                // SAFETY: moved; the place is emptied below without being released.
                let value = unsafe { place.moved() };
                if let Err((NoMemory, value)) =
                    storage.append_unseen(name.hash(), Field::new_local(name.to_value()), value)
                {
                    // Nothing has been taken away yet, and what was copied must not be released twice.
                    std::mem::forget(value);
                    storage.forget_all();
                    return Err(field);
                }
            }
            self.become_dictionary(thread, shape, field);
            Ok(None)
        });
        match moved {
            Ok(unused) => Ok(unused.and_then(Field::into_value)),
            Err(_) => Err(NoMemory),
        }
    }

    /// The dict in which the attributes live from now on; `fresh` makes an empty one for so many.
    pub fn own_dict<E: From<NoMemory>>(
        &self,
        thread: &mut Thread,
        fresh: impl Fn(&mut Thread, usize) -> Result<Value, E>,
        storage_of: impl Fn(Ref<'_>) -> Option<&DictStorage>,
    ) -> Result<Value, E> {
        loop {
            // While another thread moves the attributes, readers still find them where they were: nothing may change in the
            // dict before the shape says that they are there. `move_to_dict` waits for that thread.
            if check("instance: dictionary shape", self.shape().is_dictionary())
                && let Some(dict) = self.dict(thread)
            {
                return Ok(dict.to_owned());
            }
            let dict = fresh(thread, self.shape().len())?;
            drop(self.move_to_dict(thread, dict, &storage_of)?);
        }
    }

    /// Sets word 1 and the shape, and forgets the attributes' places, whose references have moved.
    fn become_dictionary(&self, thread: &Thread, shape: &Shape, dict: Field) {
        let block = match self.second() {
            Second::Overflow(block) => Some(block),
            _ => None,
        };
        // The order is invariant 2's. Both stores are Release ones.
        self.dict_field().init(dict);
        let dictionary = std::ptr::from_ref(self.class.shapes().dictionary()).cast_mut();
        self.head.shape.store(dictionary, Ordering::Release);
        for index in 0..shape.len().min(self.layout.inline as usize) {
            self.inline_field(index).init(Field::empty());
        }
        if let Some(block) = block {
            self.dispose(thread, block);
        }
    }

    /// Makes `dict` the attributes (`__dict__` was assigned). Gives back everything that was there.
    pub fn replace_dict(&self, thread: &mut Thread, dict: Option<Value>) -> Vec<Value> {
        let owner = self.owner();
        let field = owner.store_option(dict);
        let thread: &Thread = thread;
        let mut old = Vec::new();
        lock::with(owner, thread, || {
            if matches!(self.second(), Second::Dict) || self.shape().is_dictionary() {
                old.push(self.dict_field().replace(field));
                return;
            }
            let shape = self.shape();
            for index in 0..shape.len() {
                if let Some(place) = self.place(index) {
                    // SAFETY: moved; the place is emptied by `become_dictionary`.
                    old.push(unsafe { place.moved() });
                }
            }
            self.become_dictionary(thread, shape, field);
        });
        old.into_iter().filter_map(Field::into_value).collect()
    }

    /// Gives the instance the dictionary shape of another class. Its attributes are in a dict already (or there are
    /// none), and the caller changes the object's class.
    pub fn adopt_class(&self, thread: &Thread, class: &Obj<PyType>) {
        lock::with(self.owner(), thread, || {
            let dictionary = std::ptr::from_ref(class.shapes().dictionary()).cast_mut();
            self.head.shape.store(dictionary, Ordering::Release);
        });
    }
}

/// The place of a `__slots__` member. The caller has checked that the instance is one of the member's class.
pub fn slot_field(object: Ref<'_>, index: usize) -> Option<&orochi_core::AtomicField> {
    let header = object.header()?;
    // SAFETY: classes are PyType objects and outlive their instances.
    let layout = unsafe { &*header.class().cast::<Obj<PyType>>() }.instance_layout();
    if index >= layout.slots as usize {
        return None;
    }
    // SAFETY: the extension begins with the head, if there is one, and then has the slots.
    unsafe {
        let extension = extension_of(NonNull::from(header))?;
        let slots = extension.add(if layout.has_dict { HEAD } else { 0 });
        Some(slots.cast::<orochi_core::AtomicField>().add(index).as_ref())
    }
}

static ATTRIBUTES: ExtensionOps = ExtensionOps { destroy: destroy_attributes, trace: trace_attributes };
static SLOTS: ExtensionOps = ExtensionOps { destroy: destroy_slots, trace: trace_slots };

/// # Safety
/// `class` is a live class with this layout of extensions, `extension` that of a live instance.
unsafe fn slot_fields<'a>(class: NonNull<TypeHead>, extension: NonNull<u8>) -> &'a [Field] {
    // SAFETY: as the caller promises.
    unsafe {
        let layout = class.cast::<Obj<PyType>>().as_ref().instance_layout();
        let slots = extension.add(if layout.has_dict { HEAD } else { 0 });
        std::slice::from_raw_parts(slots.cast::<Field>().as_ptr(), layout.slots as usize)
    }
}

unsafe fn destroy_slots(class: NonNull<TypeHead>, extension: NonNull<u8>) {
    // SAFETY: the instance is being destroyed: each reference is released once.
    unsafe {
        for field in slot_fields(class, extension) {
            drop(std::ptr::from_ref(field).read());
        }
    }
}

unsafe fn trace_slots(class: NonNull<TypeHead>, extension: NonNull<u8>, visit: &mut dyn FnMut(&Field)) {
    // SAFETY: as the caller promises.
    for field in unsafe { slot_fields(class, extension) } {
        if !field.is_empty() {
            visit(field);
        }
    }
}

/// Calls `each` with every place of an attribute or the dict.
///
/// # Safety
/// As [`slot_fields`].
#[inline(always)]
unsafe fn attribute_fields(class: NonNull<TypeHead>, extension: NonNull<u8>, mut each: impl FnMut(&Field)) {
    // SAFETY: as the caller promises.
    let (object_class, head) =
        unsafe { (class.cast::<Obj<PyType>>().as_ref(), extension.cast::<Head>().as_ref()) };
    let attributes = Attributes {
        // Any header will do: nothing is stored.
        object: object_class.header(),
        class: object_class,
        head,
        layout: object_class.instance_layout(),
    };
    match attributes.second() {
        Second::Dict => each(attributes.dict_field()),
        // SAFETY: the block is live.
        Second::Overflow(block) => unsafe {
            (0..block.as_ref().capacity).for_each(|i| each(Overflow::field(block, i)));
        },
        Second::Nothing => {}
    }
    let shape = attributes.shape();
    if !shape.is_dictionary() {
        (0..shape.len().min(attributes.layout.inline as usize))
            .for_each(|i| each(attributes.inline_field(i)));
    }
}

unsafe fn destroy_attributes(class: NonNull<TypeHead>, extension: NonNull<u8>) {
    // SAFETY: the instance is being destroyed: each reference is released once, and the block freed.
    unsafe {
        destroy_slots(class, extension);
        attribute_fields(class, extension, |field| drop(std::ptr::from_ref(field).read()));
        let word = extension.cast::<Head>().as_ref().second.load(Ordering::Acquire);
        if word & 1 == 1
            && let Some(block) = NonNull::new((word & !1) as *mut u8)
        {
            Overflow::free(block);
        }
    }
}

unsafe fn trace_attributes(class: NonNull<TypeHead>, extension: NonNull<u8>, visit: &mut dyn FnMut(&Field)) {
    // SAFETY: as the caller promises.
    unsafe {
        trace_slots(class, extension, visit);
        attribute_fields(class, extension, |field| {
            if !field.is_empty() {
                visit(field);
            }
        });
    }
}
