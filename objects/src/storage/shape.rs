//! Shapes: which attributes an instance has, and where each lies. Instances that got the same attributes in the same
//! order share a shape, so an inline cache remembers one number instead of searching a dict.
//!
//! Each class has a tree of shapes. The root has no attributes; a child has one more than its parent. The class owns the
//! tree and frees it when it is destroyed, after its last instance. One shape of the tree stands apart: the dictionary
//! shape of instances whose attributes live in a dict object.
//!
//! Invariants:
//! 1. Names are interned, so equal names are the same pointer; they are immortal.
//! 2. A shape never changes but for its `id` and its children. `id` is 0 or a number that no other shape has or had; it
//!    is set back to 0 after the class (or a base) has changed. So who cached what it found under an `id` that was still
//!    the shape's when the search had ended, may use it as long as the `id` is.
//! 3. Children are added under the tree's lock and never removed.

use crate::types::str::PyStr;
use orochi_core::Obj;
use orochi_core::numbers::Numbers;
use orochi_core::sync::{AtomicPtr, AtomicU32, Mutex, Ordering, lock, ordering};
use std::ptr::NonNull;

/// The most attributes of a shape; an instance that gets more goes over to a dict.
pub const MAX_ATTRIBUTES: usize = 128;
/// The most children of a shape: beyond, instances are being used as dictionaries, and become such.
const MAX_CHILDREN: usize = 96;

/// An interned name.
pub type Name = &'static Obj<PyStr>;

/// One shape. See the module.
pub struct Shape {
    id: AtomicU32,
    kind: Kind,
    names: Box<[Name]>,
    /// The child that was asked for last, and the others.
    recent: AtomicPtr<Shape>,
    #[allow(
        clippy::vec_box,
        reason = "shapes are found by their address, which must stay when the vector grows"
    )]
    children: Mutex<Vec<Box<Shape>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Attributes,
    Dictionary,
}

// SAFETY: names are immortal and immutable; everything else is atomic or locked.
unsafe impl Sync for Shape {}
// SAFETY: as above.
unsafe impl Send for Shape {}

/// The shapes of a class's instances.
#[derive(Default)]
pub struct ShapeTree {
    root: AtomicPtr<Shape>,
    dictionary: AtomicPtr<Shape>,
}

static IDS: Numbers = Numbers::new();

impl Shape {
    fn new(kind: Kind, names: Box<[Name]>) -> Box<Shape> {
        Box::new(Shape {
            id: AtomicU32::new(0),
            kind,
            names,
            recent: AtomicPtr::new(std::ptr::null_mut()),
            children: Mutex::new(Vec::new()),
        })
    }

    /// The number for caches; 0 if it has none at present.
    #[inline(always)]
    pub fn id(&self) -> u32 {
        // Acquire: who reads an id that was given out after a change of the class sees the change.
        self.id.load(ordering("shape: id", Ordering::Acquire))
    }

    /// The number for caches, given out now if need be; 0 when numbers have run out.
    pub fn make_id(&self) -> u32 {
        match self.id() {
            0 => {
                let fresh = IDS.next();
                // Invariant 2: two threads may race; one id stays.
                // Acquire as in `id`.
                let order = ordering("shape: id", Ordering::AcqRel);
                match self.id.compare_exchange(0, fresh, order, Ordering::Acquire) {
                    Ok(_) => fresh,
                    Err(other) => other,
                }
            }
            id => id,
        }
    }

    /// Whether the attributes are in a dict.
    #[inline(always)]
    pub fn is_dictionary(&self) -> bool {
        self.kind == Kind::Dictionary
    }

    /// The attributes' names, in order.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// The number of attributes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The number of the attribute.
    #[inline]
    pub fn find(&self, name: &Obj<PyStr>) -> Option<usize> {
        self.names.iter().position(|&own| std::ptr::eq(own, name))
    }

    /// The shape with one more attribute; `None` if there are so many that a dict is better.
    pub fn with_attribute(&self, name: Name) -> Option<&Shape> {
        if let Some(recent) = self.recent_with(name) {
            return Some(recent);
        }
        if self.len() >= MAX_ATTRIBUTES {
            return None;
        }
        let mut children = lock(&self.children);
        let found = children.iter().position(|child| child.adds(name));
        let at = match found {
            Some(at) => at,
            None if children.len() >= MAX_CHILDREN => return None,
            None => {
                let names = self.names.iter().copied().chain(std::iter::once(name)).collect();
                children.push(Shape::new(Kind::Attributes, names));
                children.len() - 1
            }
        };
        let child: *const Shape = &**children.get(at)?;
        self.recent.store(child.cast_mut(), Ordering::Release);
        // SAFETY: boxed, never removed, so it lives as long as `self`.
        Some(unsafe { &*child })
    }

    #[inline(always)]
    fn adds(&self, name: &Obj<PyStr>) -> bool {
        self.names.last().is_some_and(|&last| std::ptr::eq(last, name))
    }

    /// The shape with one more attribute, if it was the last one that was asked for.
    #[inline(always)]
    pub fn recent_with(&self, name: &Obj<PyStr>) -> Option<&Shape> {
        // Acquire pairs with the Release in `with_attribute`: the child is whole.
        // SAFETY: children live as long as their parent.
        unsafe { self.recent.load(Ordering::Acquire).as_ref() }.filter(|recent| recent.adds(name))
    }

    fn renew(&self) {
        // Release: after the change of the class that made this necessary (invariant 2). An exchange, so that a number which is
        // given out at the same moment is either taken back here or given out after the change.
        self.id.swap(0, Ordering::AcqRel);
        lock(&self.children).iter().for_each(|child| child.renew());
    }
}

impl ShapeTree {
    /// A tree whose shapes are made when they are needed. (The checker's atomics can't be made in constants.)
    #[cfg(not(orochi_loom))]
    pub const fn new() -> ShapeTree {
        ShapeTree {
            root: AtomicPtr::new(std::ptr::null_mut()),
            dictionary: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    fn get_or_make(slot: &AtomicPtr<Shape>, kind: Kind) -> &Shape {
        // Acquire pairs with the Release below.
        let mut shape = slot.load(Ordering::Acquire);
        if shape.is_null() {
            let fresh = Box::into_raw(Shape::new(kind, Box::new([])));
            match slot.compare_exchange(std::ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => shape = fresh,
                Err(other) => {
                    // SAFETY: it never became visible.
                    drop(unsafe { Box::from_raw(fresh) });
                    shape = other;
                }
            }
        }
        // SAFETY: lives as long as the tree.
        unsafe { &*shape }
    }

    /// The shape without attributes.
    #[inline]
    pub fn root(&self) -> &Shape {
        match self.known_root() {
            Some(root) => root,
            None => Self::get_or_make(&self.root, Kind::Attributes),
        }
    }

    /// The same, if there is one yet.
    #[inline(always)]
    pub fn known_root(&self) -> Option<&Shape> {
        // Acquire pairs with the Release in `get_or_make`.
        // SAFETY: lives as long as the tree.
        unsafe { self.root.load(Ordering::Acquire).as_ref() }
    }

    /// The shape of instances whose attributes are in a dict.
    pub fn dictionary(&self) -> &Shape {
        Self::get_or_make(&self.dictionary, Kind::Dictionary)
    }

    /// Makes every cached number stale. Called after the class or one of its bases has changed.
    pub fn renew(&self) {
        for slot in [&self.root, &self.dictionary] {
            // Release also where there is no shape yet: who makes one later, and gives it a number, has seen the change.
            let release = ordering("shape: renewed", Ordering::AcqRel);
            let null = std::ptr::null_mut();
            if let Err(shape) = slot.compare_exchange(null, null, release, Ordering::Acquire) {
                // SAFETY: shapes live as long as the tree.
                unsafe { &*shape }.renew();
            }
        }
    }
}

impl Drop for ShapeTree {
    fn drop(&mut self) {
        for slot in [&self.root, &self.dictionary] {
            if let Some(shape) = NonNull::new(slot.load(Ordering::Acquire)) {
                // SAFETY: made by `Box::into_raw`; the class is gone, so no instance refers to it.
                drop(unsafe { Box::from_raw(shape.as_ptr()) });
            }
        }
    }
}
