//! Models of classes and instances: reading an attribute against others that are added, caches that remember a shape's number against
//! a change of the class, and the method cache of a class against its change.
#![cfg(orochi_loom)]

mod common;
#[path = "common/instances.rs"]
mod storage;
#[path = "common/types.rs"]
mod types;

#[path = "../../objects/src/types/type_/cache.rs"]
#[allow(dead_code, unreachable_pub, reason = "a module of another crate")]
mod cache;

use cache::MethodCache;
use common::objects::{Classes, Handle, Node, attached};
use common::{fails, model};
use orochi_core::alloc::{allocate, allocate_immortal};
use orochi_core::object::TypeFields;
use orochi_core::sync::{Arc, AtomicU64, Ordering, thread};
use orochi_core::{AtomicField, Field, Layout, Obj, Owner, Payload, Ref, Thread, Trace, TypeHead, Value};
use std::ptr::NonNull;
use storage::dict::{DictStorage, Lookup};
use storage::instance::{Attributes, Head, InstanceLayout, Own, Stored};
use storage::shape::{Name, ShapeTree};
use storage::{KeyMatch, NoMemory};
use types::changing::Changing;
use types::str::PyStr;
use types::r#type::PyType;

/// An instance with room for one attribute; what would be its extension is its payload, since the checker's atomics have
/// to be made.
#[repr(C)]
struct Instance {
    head: Head,
    place: Field,
}

// SAFETY: the models keep their instances, and what these refer to, for good.
unsafe impl Trace for Instance {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        visit(&self.place);
    }
}

// SAFETY: the layout is the instance's own.
unsafe impl Payload for Instance {
    const LAYOUT: &'static Layout = {
        static LAYOUT: Layout = Layout::of::<Instance>();
        &LAYOUT
    };
}

fn class() -> &'static Obj<PyType> {
    static NOTHING: orochi_core::object::ExtensionOps =
        orochi_core::object::ExtensionOps { destroy: |_, _| {}, trace: |_, _, _| {} };
    let fields = TypeFields::new(
        Instance::LAYOUT,
        (size_of::<Obj<Instance>>() - size_of::<Instance>()) as u32,
        0,
        &NOTHING,
    );
    let layout = InstanceLayout { has_dict: true, slots: 0, inline: 1 };
    let (shapes, entry) = (ShapeTree::default(), AtomicField::empty());
    let changing = Changing::new(0);
    let class = allocate_immortal(std::ptr::null(), PyType { fields, layout, shapes, changing, entry });
    class.header().set_class(std::ptr::from_ref(class).cast());
    class
}

fn name(class: &'static Obj<PyType>) -> Name {
    allocate_immortal(std::ptr::from_ref(class).cast::<TypeHead>(), PyStr)
}

fn instance(thread: &Thread, class: &'static Obj<PyType>) -> Handle<Instance> {
    let payload = Instance { head: Head::new(), place: Field::empty() };
    // SAFETY: the class's layout is the instance's.
    let made = unsafe { allocate(thread, NonNull::from(class).cast(), payload) }.expect("memory");
    Handle::new(made)
}

fn attributes<'a>(object: &'a Obj<Instance>) -> Attributes<'a> {
    Attributes::of(object.get()).expect("instances have attributes")
}

fn set(thread: &mut Thread, object: &Obj<Instance>, classes: Classes, name: Name) {
    let value = classes.node(thread, None).into_value();
    assert!(matches!(attributes(object).set(thread, name, value), Stored::Done(_)));
}

fn read(found: Ref<'_>) {
    let node = found.downcast::<Node>().expect("a node");
    assert!(node.header().is_shared());
    assert_eq!(node.read(), 1);
}

/// One thread gives an instance attributes (the second goes to an overflow block, the fourth to a larger one) while another
/// looks for them.
fn attribute_read_against(before: usize, after: usize, sought: usize) {
    let mut writer = attached();
    let classes = Classes::new();
    let class = class();
    let names: [Name; 4] = std::array::from_fn(|_| name(class));
    let object = instance(&writer, class);
    for &name in names.iter().take(before) {
        set(&mut writer, object.get(), classes, name);
    }
    let other = thread::spawn(move || {
        let mut reader = attached();
        match attributes(object.get()).get(&reader, names[sought]) {
            Own::Value(found) => read(found),
            Own::Missing => assert!(sought >= before, "the attribute was there all the time"),
            Own::Dict(_) => panic!("there is no dict"),
        }
        reader.safepoint();
    });
    for &name in &names[before..after] {
        set(&mut writer, object.get(), classes, name);
    }
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
}

#[test]
fn attribute_against_the_first() {
    model(|| attribute_read_against(0, 1, 0));
}

#[test]
fn attribute_against_an_overflow_block() {
    model(|| attribute_read_against(1, 2, 1));
}

#[test]
fn attribute_against_a_larger_block() {
    model(|| attribute_read_against(3, 4, 1));
}

#[test]
fn attribute_against_replacement() {
    model(|| {
        let mut writer = attached();
        let classes = Classes::new();
        let class = class();
        let name = name(class);
        let object = instance(&writer, class);
        set(&mut writer, object.get(), classes, name);
        let other = thread::spawn(move || {
            let mut reader = attached();
            match attributes(object.get()).get(&reader, name) {
                Own::Value(found) => read(found),
                _ => panic!("the attribute was there all the time"),
            }
            reader.safepoint();
        });
        set(&mut writer, object.get(), classes, name);
        writer.reclaim_now();
        drop(writer);
        other.join().expect("no panic");
    });
}

/// Two threads give one instance an attribute each.
fn two_writers() {
    let mut writer = attached();
    let classes = Classes::new();
    let class = class();
    let names: [Name; 2] = std::array::from_fn(|_| name(class));
    let object = instance(&writer, class);
    let other = thread::spawn(move || {
        let mut second = attached();
        set(&mut second, object.get(), classes, names[1]);
    });
    set(&mut writer, object.get(), classes, names[0]);
    drop(writer);
    other.join().expect("no panic");
    let last = attached();
    for name in names {
        match attributes(object.get()).get(&last, name) {
            Own::Value(found) => read(found),
            _ => panic!("an attribute is lost"),
        }
    }
}

#[test]
fn attributes_of_two_writers() {
    model(two_writers);
}

#[test]
fn writer_that_does_not_look_at_the_shape_again_fails() {
    fails("instance: same shape", two_writers);
}

// SAFETY: the static is this type's alone.
unsafe impl Payload for DictStorage {
    const LAYOUT: &'static Layout = {
        static LAYOUT: Layout = Layout::of::<DictStorage>();
        &LAYOUT
    };
}

fn storage_of(dict: Ref<'_>) -> Option<&DictStorage> {
    dict.downcast::<DictStorage>().map(|dict| &**dict)
}

/// `__dict__`.
fn own_dict(thread: &mut Thread, object: &Obj<Instance>, classes: Classes) -> Value {
    let made: Result<Value, NoMemory> = attributes(object).own_dict(
        thread,
        |thread, entries| Ok(classes.object(thread, DictStorage::with_capacity(entries)?).into_value()),
        storage_of,
    );
    made.expect("memory")
}

/// One thread moves an instance's attributes to a dict; another asks for the dict meanwhile and deletes the attribute there. Then
/// it is gone.
fn deletion_from_a_new_dict() {
    let mut first = attached();
    let classes = Classes::new();
    let class = class();
    let name = name(class);
    let object = instance(&first, class);
    set(&mut first, object.get(), classes, name);
    let other = thread::spawn(move || {
        let mut second = attached();
        let dict = own_dict(&mut second, object.get(), classes);
        let dict = dict.get().downcast::<DictStorage>().expect("a dict");
        let Lookup::Found(found) = dict.find(&second, 0, name.get().word(), &|_: Ref<'_>| KeyMatch::No)
        else {
            panic!("the attribute is in the dict")
        };
        drop(dict.remove(Owner::from(dict), &mut second, found));
        let found = attributes(object.get()).get(&second, name);
        assert!(matches!(found, Own::Dict(_)), "the attribute was deleted");
        second.safepoint();
    });
    let dict = classes.object(&first, DictStorage::with_capacity(1).expect("memory")).into_value();
    let unused = attributes(object.get()).move_to_dict(&mut first, dict, storage_of);
    drop(unused.ok().expect("memory"));
    drop(first);
    other.join().expect("no panic");
}

#[test]
fn deletion_from_a_dict_that_readers_are_led_to() {
    model(deletion_from_a_new_dict);
}

#[test]
fn dict_that_readers_are_not_led_to_yet_fails() {
    fails("instance: dictionary shape", deletion_from_a_new_dict);
}

/// What an inline cache does: takes the shape's number, looks the class's attribute up, and remembers both. Another thread changes
/// the class meanwhile. Afterwards nobody may get the old attribute from the cache.
fn cache_fill_against_change() {
    let shapes = Arc::new(ShapeTree::default());
    let attribute = Arc::new(AtomicU64::new(1));
    let cached = Arc::new(AtomicU64::new(0));
    shapes.root().make_id();
    let (fill_shapes, fill_attribute, fill_cached) = (shapes.clone(), attribute.clone(), cached.clone());
    let fill = thread::spawn(move || {
        for _ in 0..2 {
            let id = fill_shapes.root().make_id();
            let found = fill_attribute.load(Ordering::Relaxed);
            fill_cached.store(u64::from(id) << 32 | found, Ordering::Relaxed);
        }
    });
    attribute.store(2, Ordering::Relaxed);
    shapes.renew();
    fill.join().expect("no panic");
    let entry = cached.load(Ordering::Relaxed);
    if entry >> 32 == u64::from(shapes.root().id()) {
        assert_eq!(entry as u32, 2, "the cache gives what the class had before");
    }
}

#[test]
fn inline_cache_fill_against_change() {
    model(cache_fill_against_change);
}

#[test]
fn inline_cache_without_acquire_of_the_number_fails() {
    fails("shape: id", cache_fill_against_change);
}

/// A class whose one entry is replaced while others look it up through the method cache.
struct Shared(&'static Obj<PyType>, &'static MethodCache, Name);

fn lookup<'a>(thread: &'a Thread, class: &Shared) -> Option<Ref<'a>> {
    let (class, cache, name): (&'static Obj<PyType>, &'static MethodCache, Name) =
        (class.0, class.1, class.2);
    match cache.get(thread, name) {
        Some(found) => found,
        None => cache.fill(thread, class, name),
    }
}

fn method_cache(change: bool) {
    let mut writer = attached();
    let classes = Classes::new();
    let class = class();
    let cache: &'static MethodCache = Box::leak(Box::new(MethodCache::default()));
    let name = name(class);
    let old = classes.node(&writer, None).into_value();
    drop(class.entry.swap(class, &mut writer, Some(old)));
    let other = thread::spawn(move || {
        let mut reader = attached();
        for _ in 0..2 {
            read(lookup(&reader, &Shared(class, cache, name)).expect("there is an entry all the time"));
        }
        reader.safepoint();
    });
    if change {
        let new = classes.node(&writer, None).into_value();
        let old = class.entry.swap(class, &mut writer, Some(new));
        cache.clear(&writer);
        drop(old);
        writer.reclaim_now();
    } else {
        read(lookup(&writer, &Shared(class, cache, name)).expect("an entry"));
    }
    drop(writer);
    other.join().expect("no panic");
    let last = attached();
    let present = class.entry.load(&last).map(Ref::word);
    if let Some(found) = cache.get(&last, name) {
        assert_eq!(found.map(Ref::word), present, "the cache gives what the class had before");
    }
}

#[test]
fn method_cache_fill_against_change() {
    model(|| method_cache(true));
}

#[test]
fn method_cache_fill_against_fill() {
    model(|| method_cache(false));
}

#[test]
fn method_cache_without_release_of_the_name_fails() {
    fails("method cache: name", || method_cache(false));
}

/// A change of a class as programs make it: who has seen the new entry in the class's namespace doesn't get the old one from the cache
/// afterwards, be the change still under way.
fn method_cache_during_change() {
    let mut writer = attached();
    let classes = Classes::new();
    let class = class();
    let cache: &'static MethodCache = Box::leak(Box::new(MethodCache::default()));
    let name = name(class);
    let old = classes.node(&writer, None).into_value();
    drop(class.entry.swap(class, &mut writer, Some(old)));
    let new = classes.node(&writer, None).into_value();
    let word = new.get().word();
    let other = thread::spawn(move || {
        let mut reader = attached();
        let class = Shared(class, cache, name);
        lookup(&reader, &class);
        if class.0.entry.load(&reader).map(Ref::word) == Some(word) {
            let found = lookup(&reader, &class).map(Ref::word);
            assert_eq!(found, Some(word), "the cache gives what the class had before");
        }
        reader.safepoint();
    });
    class.changing.begin(|| cache.clear(&writer));
    let old = class.entry.swap(class, &mut writer, Some(new));
    class.changing.end(|| cache.clear(&writer));
    drop(old);
    drop(writer);
    other.join().expect("no panic");
}

#[test]
fn method_cache_of_a_class_that_is_changing() {
    model(method_cache_during_change);
}

#[test]
fn method_cache_that_is_filled_during_a_change_fails() {
    fails("type change: over", method_cache_during_change);
}

#[test]
fn method_cache_that_takes_the_table_late_fails() {
    fails("method cache: still linked", || method_cache(true));
}
