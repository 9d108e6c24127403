//! What inline caches ask of instances: the way to an attribute with as few loads as can be.
//!
//! A cache remembers the id of a shape and how far from an object's start an attribute lies (`offset_of`). Whatever has a
//! shape with that id is an instance of the same class, so the attribute lies in the same place. Instances whose
//! attributes follow a tail have no fixed places and are left to the general way.

use super::{Attributes, HEAD, Head};
use crate::storage::shape::Shape;
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use orochi_core::sync::Ordering;
use orochi_core::word::Word;
use orochi_core::{Field, Header, Obj, Ref};

/// The attributes' head and the class of an instance that has a fixed place for it.
#[inline(always)]
fn head_of(header: &Header) -> Option<(&Head, &Obj<PyType>)> {
    // SAFETY: classes are PyType objects and outlive their instances.
    let class = unsafe { &*header.class().cast::<Obj<PyType>>() };
    let at = class.attributes_at() as usize;
    if at == 0 {
        return None;
    }
    // SAFETY: the class says that every instance has its attributes there.
    Some((unsafe { &*std::ptr::from_ref(header).cast::<u8>().add(at).cast::<Head>() }, class))
}

#[inline(always)]
fn shape_of<'a>(head: &'a Head, class: &'a Obj<PyType>) -> &'a Shape {
    // Acquire and SAFETY: as in `Attributes::shape`.
    match unsafe { head.shape.load(Ordering::Acquire).as_ref() } {
        Some(shape) => shape,
        None => class.shapes().root(),
    }
}

/// The id of an instance's shape; 0 if it has none at present.
#[inline(always)]
pub fn shape_id(object: &Header) -> u32 {
    match head_of(object) {
        Some((head, class)) => shape_of(head, class).id(),
        None => tailed_shape_id(object),
    }
}

/// The same for instances that have a fixed place for it and a shape; 0 for others too.
#[inline(always)]
pub fn fixed_shape_id(object: &Header) -> u32 {
    let Some((head, class)) = head_of(object) else { return 0 };
    // Acquire and SAFETY: as in `Attributes::shape`.
    let shape = unsafe { head.shape.load(Ordering::Acquire).as_ref() };
    shape.or_else(|| class.shapes().known_root()).map_or(0, Shape::id)
}

#[inline(never)]
fn tailed_shape_id(object: &Header) -> u32 {
    Attributes::of(object.into()).map_or(0, |attributes| attributes.shape().id())
}

/// How far from the object's start attribute number `index` of its shape lies, if it lies inline in a fixed place.
pub fn offset_of(object: Ref<'_>, index: usize) -> Option<u32> {
    let (_, class) = head_of(object.header()?)?;
    let layout = class.instance_layout();
    if index >= usize::from(layout.inline) {
        return None;
    }
    let fields = class.attributes_at() as usize + HEAD + 8 * usize::from(layout.slots);
    u32::try_from(fields + 8 * index).ok()
}

/// How far from the object's start place number `index` of `__slots__` lies, if it lies so far in all instances of its class.
pub fn slot_offset(object: Ref<'_>, index: usize) -> Option<u32> {
    let header = object.header()?;
    // SAFETY: classes are PyType objects and outlive their instances.
    let class = unsafe { &*header.class().cast::<Obj<PyType>>() };
    if class.fields.layout.dynamic_size.is_some() {
        return None;
    }
    let place = std::ptr::from_ref(super::slot_field(object, index)?) as usize;
    u32::try_from(place - std::ptr::from_ref(header) as usize).ok()
}

/// The place in `__slots__` of an object whose class's version is this.
///
/// # Safety
/// `offset` is what [`slot_offset`] gave for an instance of a class that had this version (or the version is 0).
#[inline(always)]
pub unsafe fn slot(object: &Header, version: u32, offset: u32) -> Option<&Field> {
    // SAFETY: classes are PyType objects and outlive their instances.
    let class = unsafe { &*object.class().cast::<Obj<PyType>>() };
    // SAFETY: as the caller promises.
    class.has_version(version).then(|| unsafe { at_offset(object, offset) })
}

/// # Safety
/// As [`field`] or [`slot`].
#[inline(always)]
unsafe fn at_offset(header: &Header, offset: u32) -> &Field {
    // SAFETY: as the caller promises.
    unsafe { &*std::ptr::from_ref(header).cast::<u8>().add(offset as usize).cast::<Field>() }
}

/// The place of an attribute, if the object's shape has this id.
///
/// # Safety
/// `offset` is what [`offset_of`] gave for an instance whose shape had this id (or the id is 0).
#[inline(always)]
pub unsafe fn field(object: &Header, id: u32, offset: u32) -> Option<&Field> {
    let (head, _) = head_of(object)?;
    // Acquire and SAFETY: as in `Attributes::shape`. Without a shape there are no attributes.
    let shape = unsafe { head.shape.load(Ordering::Acquire).as_ref() }?;
    if id == 0 || shape.id() != id {
        return None;
    }
    // SAFETY: as the caller promises.
    Some(unsafe { at_offset(object, offset) })
}

/// The same for a local instance, whose attribute may be replaced without a lock.
///
/// # Safety
/// As [`field`].
#[inline(always)]
pub unsafe fn local_field(object: &Header, id: u32, offset: u32) -> Option<&Field> {
    if object.is_shared() {
        return None;
    }
    // SAFETY: as the caller promises.
    unsafe { field(object, id, offset) }
}

/// As [`slot`], for a local instance.
///
/// # Safety
/// As [`slot`].
#[inline(always)]
pub unsafe fn local_slot(object: &Header, version: u32, offset: u32) -> Option<&Field> {
    if object.is_shared() {
        return None;
    }
    // SAFETY: as the caller promises.
    unsafe { slot(object, version, offset) }
}

/// An instance that is about to get one more attribute.
#[derive(Clone, Copy)]
pub struct Growing<'a> {
    object: &'a Header,
    head: &'a Head,
    next: &'a Shape,
}

/// A local instance that may get one more attribute, if its shape has this id and the next one is known.
#[inline(always)]
pub fn growing<'a>(object: &'a Header, id: u32, name: &Obj<PyStr>) -> Option<Growing<'a>> {
    let (head, class) = head_of(object)?;
    // Acquire and SAFETY: as in `Attributes::shape`.
    let shape = unsafe { head.shape.load(Ordering::Acquire).as_ref() };
    let shape = shape.or_else(|| class.shapes().known_root())?;
    if object.is_shared() || id == 0 || shape.id() != id {
        return None;
    }
    Some(Growing { object, head, next: shape.recent_with(name)? })
}

impl Growing<'_> {
    /// Gives the instance the attribute. The register's word moves to its place.
    ///
    /// # Safety
    /// `offset` is that of the next attribute of the shape that the instance has; the word was taken out of a register.
    #[inline(always)]
    pub unsafe fn add(self, offset: u32, word: Word) {
        // SAFETY: as the caller promises; the instance is local, and the place is empty.
        unsafe { at_offset(self.object, offset).init_from_register(word) };
        // Release: value first, then the shape (invariant 1 of the module above).
        self.head.shape.store(std::ptr::from_ref(self.next).cast_mut(), Ordering::Release);
    }
}
