//! Objects for models: nodes with one reference, and a cell that stands for the payload's memory. Dropping a node
//! writes the cell, so loom notices a reader that isn't ordered before.

use orochi_core::alloc::{allocate, allocate_immortal};
use orochi_core::object::{ExtensionOps, TypeFields};
use orochi_core::sync::UnsafeCell;
use orochi_core::thread::process_runtime;
use orochi_core::weak::{self, WeakSlot};
use orochi_core::{AtomicField, Field, Header, Layout, Obj, Owned, Payload, Thread, Trace, TypeHead, Value};
use std::ptr::NonNull;

pub(crate) struct Node {
    pub(crate) next: AtomicField,
    memory: UnsafeCell<u32>,
}

impl Node {
    /// Reads the payload, as a method of the object would.
    pub(crate) fn read(&self) -> u32 {
        // SAFETY: that nobody writes meanwhile is what the model checks.
        self.memory.with(|memory| unsafe { *memory })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // SAFETY: as in `read`.
        self.memory.with_mut(|memory| unsafe { *memory = 0xDEAD });
    }
}

// SAFETY: visits the one reference.
unsafe impl Trace for Node {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.next.trace(visit);
    }
}

// SAFETY: the layout is the node's own.
unsafe impl Payload for Node {
    const LAYOUT: &'static Layout = {
        static LAYOUT: Layout = Layout::of::<Node>();
        &LAYOUT
    };
}

pub(crate) struct Weak {
    pub(crate) slot: WeakSlot,
}

// SAFETY: the slot is all there is.
unsafe impl Trace for Weak {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.slot.trace(visit);
    }
}

// SAFETY: the layout is the weak reference's own.
unsafe impl Payload for Weak {
    const LAYOUT: &'static Layout = {
        static LAYOUT: Layout = Layout::of::<Weak>().with_weak_slot(slot_of);
        &LAYOUT
    };
}

unsafe fn slot_of(object: NonNull<Header>) -> NonNull<WeakSlot> {
    // SAFETY: called for weak references only.
    NonNull::from(&unsafe { object.cast::<Obj<Weak>>().as_ref() }.slot)
}

/// The classes of one execution.
#[derive(Clone, Copy)]
pub(crate) struct Classes {
    node: NonNull<TypeHead>,
    weak: NonNull<TypeHead>,
    metaclass: NonNull<TypeHead>,
}

// SAFETY: classes are only read.
unsafe impl Send for Classes {}

unsafe fn no_extension(_: NonNull<TypeHead>, _: NonNull<u8>) {}
unsafe fn no_fields(_: NonNull<TypeHead>, _: NonNull<u8>, _: &mut dyn FnMut(&Field)) {}

fn class(metaclass: *const TypeHead, layout: &'static Layout) -> NonNull<TypeHead> {
    static NO_EXTENSION: ExtensionOps = ExtensionOps { destroy: no_extension, trace: no_fields };
    let fields = TypeFields::new(layout, 0, 0, &NO_EXTENSION);
    NonNull::from(allocate_immortal(metaclass, fields)).cast()
}

impl Classes {
    pub(crate) fn new() -> Classes {
        static TYPE_LAYOUT: Layout = Layout::of::<()>();
        let metaclass = class(std::ptr::null(), &TYPE_LAYOUT);
        // SAFETY: made just now.
        unsafe { metaclass.as_ref() }.header.set_class(metaclass.as_ptr());
        Classes {
            node: class(metaclass.as_ptr(), Node::LAYOUT),
            weak: class(metaclass.as_ptr(), Weak::LAYOUT),
            metaclass,
        }
    }

    pub(crate) fn node(self, thread: &Thread, next: Option<Value>) -> Owned<Node> {
        let next = next.map_or_else(AtomicField::empty, AtomicField::new_local);
        // SAFETY: the class's layout is the node's.
        unsafe { allocate(thread, self.node, Node { next, memory: UnsafeCell::new(1) }) }.expect("memory")
    }

    /// An object of a class of its own.
    pub(crate) fn object<T: Payload>(self, thread: &Thread, payload: T) -> Owned<T> {
        let class = class(self.metaclass.as_ptr(), T::LAYOUT);
        // SAFETY: the class's layout is the payload's.
        unsafe { allocate(thread, class, payload) }.expect("memory")
    }

    pub(crate) fn weak(self, thread: &Thread, referent: &Owned<Node>) -> Owned<Weak> {
        // SAFETY: the class's layout is the weak reference's.
        let weakref =
            unsafe { allocate(thread, self.weak, Weak { slot: WeakSlot::new(None) }) }.expect("memory");
        assert!(weak::register(thread, weakref.get(), referent.get()));
        weakref
    }
}

/// An attached thread of the model.
pub(crate) fn attached() -> Box<Thread> {
    Thread::spawn_here(process_runtime(), 0).expect("memory")
}

/// A reference that a model hands to another thread; the object is shared and kept alive for the whole model.
pub(crate) struct Handle<T>(NonNull<Obj<T>>);

// SAFETY: leads to a shared object.
unsafe impl<T> Send for Handle<T> {}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Handle<T> {}

impl<T> Handle<T> {
    /// Keeps the object for good (a model ends with its execution).
    pub(crate) fn new(object: Owned<T>) -> Handle<T> {
        orochi_core::publish::publish(object.get());
        let handle = Handle(NonNull::from(&*object));
        std::mem::forget(object);
        handle
    }

    pub(crate) fn get<'a>(self) -> &'a Obj<T> {
        // SAFETY: kept alive.
        unsafe { self.0.as_ref() }
    }
}
