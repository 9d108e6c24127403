//! Tests of the collectors, of weak references and of the verifier, with a class of nodes that have three references.

use super::*;
use crate::alloc::{allocate, allocate_immortal};
use crate::field::{AtomicField, Field};
use crate::header::Header;
use crate::object::{ExtensionOps, Layout, Obj, Payload, Trace, TypeFields, TypeHead};
use crate::publish::publish;
use crate::sync::Ordering;
use crate::thread::{Pending, process_runtime};
use crate::value::{Owned, Ref, Value};
use crate::verify::verify;
use crate::weak::{self, WeakSlot};
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;

struct Node {
    slots: [AtomicField; 3],
    dropped: Option<&'static AtomicUsize>,
}

// SAFETY: visits all slots.
unsafe impl Trace for Node {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.slots.trace(visit);
    }
}

// SAFETY: the layout is the node's own.
unsafe impl Payload for Node {
    const LAYOUT: &'static Layout = {
        static LAYOUT: Layout = Layout::of::<Node>();
        &LAYOUT
    };
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(counter) = self.dropped {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    }
}

struct Weak {
    slot: WeakSlot,
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

struct Classes {
    node: &'static Obj<TypeFields>,
    finalized: &'static Obj<TypeFields>,
    weak: &'static Obj<TypeFields>,
}

// SAFETY: static classes are never written to.
unsafe impl Send for Classes {}
// SAFETY: as above.
unsafe impl Sync for Classes {}

unsafe fn no_extension(_: NonNull<TypeHead>, _: NonNull<u8>) {}
unsafe fn no_fields(_: NonNull<TypeHead>, _: NonNull<u8>, _: &mut dyn FnMut(&Field)) {}

fn class(
    metaclass: *const TypeHead,
    layout: &'static Layout,
    has_finalizer: bool,
) -> &'static Obj<TypeFields> {
    static NO_EXTENSION: ExtensionOps = ExtensionOps { destroy: no_extension, trace: no_fields };
    let fields = TypeFields::new(layout, 0, 0, &NO_EXTENSION);
    fields.set_has_finalizer(has_finalizer);
    allocate_immortal(metaclass, fields)
}

fn head(class: &'static Obj<TypeFields>) -> NonNull<TypeHead> {
    NonNull::from(class).cast()
}

fn classes() -> &'static Classes {
    static CLASSES: OnceLock<Classes> = OnceLock::new();
    static TYPE_LAYOUT: Layout = Layout::of::<()>();
    CLASSES.get_or_init(|| {
        let metaclass = class(std::ptr::null(), &TYPE_LAYOUT, false);
        metaclass.header().set_class(head(metaclass).as_ptr());
        let metaclass = head(metaclass).as_ptr();
        Classes {
            node: class(metaclass, Node::LAYOUT, false),
            finalized: class(metaclass, Node::LAYOUT, true),
            weak: class(metaclass, Weak::LAYOUT, false),
        }
    })
}

/// Runs a test on a thread of its own, one at a time: what a thread leaves behind is another's to collect.
fn with_thread(f: impl FnOnce(&mut Thread)) {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut thread = Thread::spawn_here(process_runtime(), 0).expect("memory");
    thread.heap().set_threshold(usize::MAX);
    collect(&mut thread, Options::default(), &mut nothing_to_run);
    f(&mut thread);
}

fn node_of(
    thread: &Thread,
    class: &'static Obj<TypeFields>,
    dropped: Option<&'static AtomicUsize>,
) -> Owned<Node> {
    let payload = Node { slots: Default::default(), dropped };
    // SAFETY: the class's layout is the node's.
    unsafe { allocate(thread, head(class), payload) }.expect("memory")
}

fn node(thread: &Thread, dropped: &'static AtomicUsize) -> Owned<Node> {
    node_of(thread, classes().node, Some(dropped))
}

fn link(thread: &mut Thread, from: &Owned<Node>, slot: usize, to: &Owned<Node>) {
    from.slots[slot].swap(&**from, thread, Some(to.to_value()));
}

fn cycle(thread: &mut Thread, dropped: &'static AtomicUsize) -> Owned<Node> {
    let (a, b) = (node(thread, dropped), node(thread, dropped));
    link(thread, &a, 0, &b);
    link(thread, &b, 0, &a);
    a
}

fn weak_to(thread: &Thread, referent: Ref<'_>, callback: Option<Value>) -> Owned<Weak> {
    let payload = Weak { slot: WeakSlot::new(callback) };
    // SAFETY: the class's layout is the weak reference's.
    let weakref = unsafe { allocate(thread, head(classes().weak), payload) }.expect("memory");
    assert!(weak::register(thread, weakref.get(), referent));
    weakref
}

fn nothing_to_run(thread: &mut Thread) {
    assert!(!thread.has_pending());
}

fn counter() -> &'static AtomicUsize {
    Box::leak(Box::default())
}

fn count(counter: &AtomicUsize) -> usize {
    counter.load(Ordering::SeqCst)
}

#[test]
fn local_cycles_die_and_the_rest_stays() {
    with_thread(|thread| {
        let dropped = counter();
        let kept = cycle(thread, dropped);
        let held_by_kept = cycle(thread, dropped);
        link(thread, &kept, 1, &held_by_kept);
        drop(held_by_kept);
        let garbage = cycle(thread, dropped);
        let tail = node(thread, dropped);
        link(thread, &garbage, 1, &tail);
        link(thread, &garbage, 2, &kept);
        drop((garbage, tail));
        let collected = collect_local(thread, Options::default(), &mut nothing_to_run);
        assert_eq!((collected.found, count(dropped)), (3, 3));
        assert_eq!(kept.header().count(), 2);
        assert!(verify(thread, false).is_empty());
        drop(kept);
        assert_eq!(collect_local(thread, Options::default(), &mut nothing_to_run).found, 4);
        assert_eq!(count(dropped), 7);
    });
}

/// A tree in which every node has three, `height` levels of them below this one.
fn tree(thread: &mut Thread, dropped: &'static AtomicUsize, height: usize) -> Owned<Node> {
    let root = node(thread, dropped);
    for slot in 0..if height == 0 { 0 } else { 3 } {
        let branch = tree(thread, dropped, height - 1);
        link(thread, &root, slot, &branch);
    }
    root
}

#[test]
fn more_can_be_kept_than_the_work_list_holds() {
    with_thread(|thread| {
        let (kept_dropped, dropped) = (counter(), counter());
        let kept = tree(thread, kept_dropped, 9);
        let garbage = cycle(thread, dropped);
        let lost = tree(thread, dropped, 9);
        link(thread, &garbage, 1, &lost);
        drop((garbage, lost));
        let nodes = (3_usize.pow(10) - 1) / 2;
        assert_eq!(collect_local(thread, Options::default(), &mut nothing_to_run).found, nodes + 2);
        assert_eq!((count(kept_dropped), count(dropped)), (0, nodes + 2));
        assert!(verify(thread, false).is_empty());
        drop(kept);
        assert_eq!(count(kept_dropped), nodes);
    });
}

#[test]
fn shared_cycles_die_and_the_rest_stays() {
    with_thread(|thread| {
        let dropped = counter();
        let kept = cycle(thread, dropped);
        publish(kept.get());
        let garbage = cycle(thread, dropped);
        publish(garbage.get());
        link(thread, &garbage, 1, &kept);
        let local = node(thread, dropped);
        let held_by_local = cycle(thread, dropped);
        publish(held_by_local.get());
        link(thread, &local, 0, &held_by_local);
        drop((garbage, held_by_local));
        assert_eq!(collect_local(thread, Options::default(), &mut nothing_to_run).found, 0);
        assert_eq!(collect(thread, Options::default(), &mut nothing_to_run).found, 2);
        assert_eq!(count(dropped), 2);
        assert!(verify(thread, false).is_empty());
        drop((kept, local));
        assert_eq!(collect(thread, Options::default(), &mut nothing_to_run).found, 4);
        assert_eq!(count(dropped), 7);
    });
}

#[test]
fn finalizers_run_once_and_may_resurrect() {
    for shared in [false, true] {
        with_thread(|thread| {
            let dropped = counter();
            let first = node_of(thread, classes().finalized, Some(dropped));
            let second = node(thread, dropped);
            link(thread, &first, 0, &second);
            link(thread, &second, 0, &first);
            if shared {
                publish(first.get());
            }
            drop((first, second));
            let mut saved = None;
            let mut run = |thread: &mut Thread| {
                while let Some(pending) = thread.next_pending() {
                    let Pending::Finalizer(object) = pending else { panic!("no callback was asked for") };
                    assert!(saved.is_none());
                    saved = Some(object);
                }
            };
            assert_eq!(collect(thread, Options::default(), &mut run).found, 0);
            assert_eq!(count(dropped), 0);
            assert!(saved.is_some());
            drop(saved);
            assert_eq!(collect(thread, Options::default(), &mut nothing_to_run).found, 2);
            assert_eq!(count(dropped), 2);
        });
    }
}

#[test]
fn garbage_can_be_kept() {
    with_thread(|thread| {
        let dropped = counter();
        drop(cycle(thread, dropped));
        let collected =
            collect_local(thread, Options { save_all: true, ..Options::default() }, &mut nothing_to_run);
        assert_eq!((collected.found, collected.kept.len(), count(dropped)), (2, 2, 0));
    });
}

#[test]
fn weak_references_are_cleared_and_call_back() {
    for shared in [false, true] {
        with_thread(|thread| {
            let dropped = counter();
            let object = node(thread, dropped);
            let callback = node(thread, dropped);
            if shared {
                publish(object.get());
            }
            let weakref = weak_to(thread, object.get(), Some(callback.to_value()));
            let silent = weak_to(thread, object.get(), None);
            let gone = weak_to(thread, object.get(), Some(callback.to_value()));
            assert_eq!(weakref.header().is_shared(), shared);
            publish_later_stays_consistent(thread);
            assert_eq!(weak::references(thread, object.get()).len(), 3);
            drop(gone);
            thread.reclaim_now();
            assert!(weakref.slot.upgrade(thread).is_some_and(|value| value.get().is(object.get())));
            drop(object);
            thread.reclaim_now();
            assert_eq!(count(dropped), 1);
            assert!(weakref.slot.upgrade(thread).is_none() && silent.slot.is_dead());
            let Some(Pending::Callback { callback: called, weakref: with }) = thread.next_pending() else {
                panic!("no callback")
            };
            assert!(called.get().is(callback.get()) && with.get().is(weakref.get()));
            assert!(!thread.has_pending());
        });
    }
}

fn publish_later_stays_consistent(thread: &mut Thread) {
    let object = node(thread, counter());
    let weakref = weak_to(thread, object.get(), None);
    publish(object.get());
    assert!(weakref.header().is_shared());
    let other = node(thread, counter());
    let weakref = weak_to(thread, other.get(), None);
    publish(weakref.get());
    assert!(other.header().is_shared());
    assert!(verify(thread, false).is_empty());
}

#[test]
fn weak_references_to_garbage_are_cleared_before_finalizers() {
    for shared in [false, true] {
        with_thread(|thread| {
            let dropped = counter();
            let first = node_of(thread, classes().finalized, Some(dropped));
            link(thread, &first, 0, &first);
            let callback = node(thread, dropped);
            let weakref = weak_to(thread, first.get(), Some(callback.to_value()));
            if shared {
                publish(first.get());
            }
            drop(first);
            let mut ran = Vec::new();
            let mut run = |thread: &mut Thread| {
                while let Some(pending) = thread.next_pending() {
                    ran.push(matches!(pending, Pending::Callback { .. }));
                    assert!(weakref.slot.upgrade(thread).is_none());
                }
            };
            assert_eq!(collect(thread, Options::default(), &mut run).found, 1);
            assert_eq!(ran, [true, false]);
            assert_eq!(count(dropped), 1);
        });
    }
}

#[test]
fn the_verifier_sees_a_forbidden_edge() {
    with_thread(|thread| {
        let dropped = counter();
        let (a, b) = (node(thread, dropped), node(thread, dropped));
        link(thread, &a, 0, &b);
        a.header().mark_shared();
        assert!(verify(thread, false).iter().any(|fault| fault.contains("refers to local")));
        b.header().mark_shared();
        assert!(verify(thread, false).is_empty());
    });
}

#[test]
fn the_heap_can_be_inspected() {
    with_thread(|thread| {
        let dropped = counter();
        let (a, b) = (node(thread, dropped), node(thread, dropped));
        link(thread, &a, 0, &b);
        let referrers = referrers(thread, &[b.get()]);
        assert!(referrers.len() == 1 && referrers[0].get().is(a.get()));
        assert!(referents(thread, &a.to_value())[0].get().is(b.get()));
        assert!(objects(thread).iter().any(|object| object.get().is(b.get())));
    });
}

#[test]
fn classes_die_after_their_instances() {
    // Payloads of classes hold the layout's fields and, as the object layer's do, references.
    #[repr(C)]
    struct Class {
        fields: TypeFields,
        own: AtomicField,
        dropped: &'static AtomicUsize,
    }
    // SAFETY: visits the one reference.
    unsafe impl Trace for Class {
        fn trace(&self, visit: &mut dyn FnMut(&Field)) {
            self.own.trace(visit);
        }
    }
    impl Drop for Class {
        fn drop(&mut self) {
            self.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
    // SAFETY: the layout is the class's own.
    unsafe impl Payload for Class {
        const LAYOUT: &'static Layout = {
            static LAYOUT: Layout = Layout::of::<Class>().of_classes();
            &LAYOUT
        };
    }
    with_thread(|thread| {
        let metaclass = class(std::ptr::null(), Class::LAYOUT, false);
        metaclass.header().set_class(head(metaclass).as_ptr());
        let (classes_dropped, nodes_dropped) = (counter(), counter());
        let fields = TypeFields::new(Node::LAYOUT, 0, 0, classes().node.extension_ops);
        let payload = Class { fields, own: AtomicField::empty(), dropped: classes_dropped };
        // SAFETY: the metaclass's layout is the class's.
        let made = unsafe { allocate(thread, head(metaclass), payload) }.expect("memory");
        publish(made.get());
        made.own.swap(&*made, thread, Some(made.to_value()));
        let instance = |thread: &Thread| {
            let payload = Node { slots: Default::default(), dropped: Some(nodes_dropped) };
            // SAFETY: the class's layout is the node's.
            unsafe { allocate::<Node>(thread, NonNull::from(&*made).cast(), payload) }.expect("memory")
        };
        let (local, shared) = (instance(thread), instance(thread));
        publish(shared.get());
        shared.slots[0].swap(&*shared, thread, Some(shared.to_value()));
        shared.slots[1].swap(&*shared, thread, Some(made.to_value()));
        drop((made, shared));
        assert_eq!(collect(thread, Options::default(), &mut nothing_to_run).found, 1);
        assert_eq!((count(classes_dropped), count(nodes_dropped)), (0, 1));
        let second = node_of(thread, classes().node, None);
        link(thread, &second, 0, &local);
        drop((local, second));
        assert_eq!(collect(thread, Options::default(), &mut nothing_to_run).found, 1);
        assert_eq!((count(classes_dropped), count(nodes_dropped)), (1, 2));
    });
}
