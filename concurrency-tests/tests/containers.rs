//! Models of the containers' storage: readers that take no lock, against a writer that holds it.
#![cfg(orochi_loom)]

mod common;

#[path = "common/storage.rs"]
mod storage;

use common::objects::{Classes, Handle, Node, attached};
use common::{fails, model};
use orochi_core::sync::thread;
use orochi_core::thread::process_runtime;
use orochi_core::{Layout, Obj, Owner, Payload, Ref, Thread, Value};
use storage::KeyMatch;
use storage::dict::{DictStorage, Lookup};
use storage::list::ListStorage;

// SAFETY: the static is this type's alone.
unsafe impl Payload for ListStorage {
    const LAYOUT: &'static Layout = {
        static LAYOUT: Layout = Layout::of::<ListStorage>();
        &LAYOUT
    };
}

// SAFETY: the static is this type's alone.
unsafe impl Payload for DictStorage {
    const LAYOUT: &'static Layout = {
        static LAYOUT: Layout = Layout::of::<DictStorage>();
        &LAYOUT
    };
}

fn read(found: Ref<'_>) {
    let node = found.downcast::<Node>().expect("a node");
    assert!(node.header().is_shared());
    assert_eq!(node.read(), 1);
}

/// A list with one element that another thread reads twice, while `change` changes it.
fn list_reader_against(change: impl FnOnce(&Obj<ListStorage>, &mut Thread, Classes)) {
    let mut writer = attached();
    let classes = Classes::new();
    let element = classes.node(&writer, None).into_value();
    let storage = ListStorage::from_values(vec![element]).expect("memory");
    let list = Handle::new(classes.object(&writer, storage));
    let other = thread::spawn(move || {
        let mut reader = attached();
        if let Some(found) = (**list.get()).get(&reader, 0) {
            read(found);
        }
        reader.safepoint();
    });
    change(list.get(), &mut writer, classes);
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
}

fn list_grows() {
    list_reader_against(|list, thread, classes| {
        let element = classes.node(thread, None).into_value();
        list.push(Owner::from(list), thread, element).expect("memory");
    });
}

#[test]
fn list_read_against_growth() {
    model(list_grows);
}

#[test]
fn list_read_against_pop() {
    model(|| list_reader_against(|list, thread, _| drop(list.pop(Owner::from(list), thread))));
}

#[test]
fn list_read_against_assignment() {
    model(|| {
        list_reader_against(|list, thread, classes| {
            let element = classes.node(thread, None).into_value();
            drop(list.set(Owner::from(list), thread, 0, element));
        });
    });
}

#[test]
fn list_read_against_insertion() {
    model(|| {
        list_reader_against(|list, thread, classes| {
            let element = classes.node(thread, None).into_value();
            list.insert(Owner::from(list), thread, |_| 0, element).expect("memory");
        });
    });
}

#[test]
fn list_read_against_clear() {
    model(|| list_reader_against(|list, thread, _| drop(list.take(Owner::from(list), thread))));
}

#[test]
fn list_read_without_release_of_the_element_fails() {
    fails("field: replace", || {
        list_reader_against(|list, thread, classes| {
            let element = classes.node(thread, None).into_value();
            drop(list.set(Owner::from(list), thread, 0, element));
        });
    });
}

/// A thread that is alone inserts into a shared list, in place and without its lock, when another one comes and looks at the list.
fn list_changed_alone() {
    let mut first = attached();
    let classes = Classes::new();
    let elements = [0, 1].map(|_| classes.node(&first, None).into_value());
    let storage = ListStorage::from_values(elements.into()).expect("memory");
    let list = Handle::new(classes.object(&first, storage));
    let last = (**list.get()).get(&first, 1).expect("an element").word();
    process_runtime().assume_alone();
    let other = thread::spawn(move || {
        let reader = attached();
        let seen = list.get().to_vec(Owner::from(list.get()), &reader).expect("memory");
        assert_eq!(seen.last().map(|last| last.get().word()), Some(last));
    });
    let element = classes.node(&first, None).into_value();
    list.get().insert(Owner::from(list.get()), &first, |_| 0, element).expect("memory");
    first.safepoint();
    drop(first);
    other.join().expect("no panic");
}

#[test]
fn list_changed_by_a_thread_that_is_alone() {
    model(list_changed_alone);
}

#[test]
fn list_changed_by_a_thread_that_only_seems_alone_fails() {
    fails("alone: nobody needs to be stopped", list_changed_alone);
}

/// The last element of a list of two is looked for, from the end and then by its index, while it is taken out (and another one
/// appended).
fn last_element_against_pop(append: bool) {
    let mut writer = attached();
    let classes = Classes::new();
    let values = (0..2).map(|_| classes.node(&writer, None).into_value()).collect();
    let list = Handle::new(classes.object(&writer, ListStorage::from_values(values).expect("memory")));
    let other = thread::spawn(move || {
        let mut reader = attached();
        let list = list.get();
        assert!((**list).get_signed(&reader, -1).is_some(), "the list is never empty");
        if (**list).get(&reader, 1).is_none() {
            assert!(append || (**list).len(&reader) == 1, "it was gone");
        }
        reader.safepoint();
    });
    drop(list.get().pop(Owner::from(list.get()), &mut writer));
    if append {
        let element = classes.node(&writer, None).into_value();
        list.get().push(Owner::from(list.get()), &writer, element).expect("memory");
    }
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
}

#[test]
fn list_last_element_against_pop() {
    model(|| last_element_against_pop(false));
    model(|| last_element_against_pop(true));
}

#[test]
fn list_last_element_without_the_second_look_fails() {
    fails("list: same length", || last_element_against_pop(true));
}

/// A thread that is alone destroys what it has taken out of a list, without an epoch, when another one comes and reads.
fn destroyed_alone() {
    let mut first = attached();
    let classes = Classes::new();
    let element = classes.node(&first, None).into_value();
    let storage = ListStorage::from_values(vec![element]).expect("memory");
    let list = Handle::new(classes.object(&first, storage));
    process_runtime().assume_alone();
    let other = thread::spawn(move || {
        let reader = attached();
        read((**list.get()).get(&reader, 0).expect("an element"));
    });
    let element = classes.node(&first, None).into_value();
    drop(list.get().set(Owner::from(list.get()), &mut first, 0, element));
    first.safepoint();
    drop(first);
    other.join().expect("no panic");
}

#[test]
fn destruction_by_a_thread_that_is_alone() {
    model(destroyed_alone);
}

#[test]
fn destruction_by_a_thread_that_only_seems_alone_fails() {
    fails("alone: nobody needs to be stopped", destroyed_alone);
}

#[test]
fn lists_of_two_writers_keep_both_elements() {
    model(|| {
        let writer = attached();
        let classes = Classes::new();
        let list = Handle::new(classes.object(&writer, ListStorage::new()));
        let other = thread::spawn(move || {
            let second = attached();
            let element = classes.node(&second, None).into_value();
            list.get().push(Owner::from(list.get()), &second, element).expect("memory");
        });
        let element = classes.node(&writer, None).into_value();
        list.get().push(Owner::from(list.get()), &writer, element).expect("memory");
        drop(writer);
        other.join().expect("no panic");
        let reader = attached();
        assert_eq!(list.get().len(&reader), 2);
        for index in 0..2 {
            read((**list.get()).get(&reader, index).expect("an element"));
        }
    });
}

fn by_identity(_: Ref<'_>) -> KeyMatch {
    KeyMatch::No
}

fn insert(dict: &Obj<DictStorage>, thread: &Thread, key: Ref<'_>, value: Value) {
    let Lookup::Missing(missing) = dict.find(thread, 7, key.word(), &by_identity) else {
        panic!("a new key")
    };
    let inserted = dict.insert(Owner::from(dict), thread, missing, 7, key.to_owned(), value);
    assert!(inserted.is_ok());
}

/// A dict with one key that another thread looks up, while `change` changes it.
fn dict_reader_against(
    must_be_there: bool,
    change: impl FnOnce(&Obj<DictStorage>, &mut Thread, Classes, Ref<'_>),
) {
    let mut writer = attached();
    let classes = Classes::new();
    let dict = Handle::new(classes.object(&writer, DictStorage::new()));
    let key = Handle::new(classes.node(&writer, None));
    let value = classes.node(&writer, None).into_value();
    insert(dict.get(), &writer, key.get().get(), value);
    let other = thread::spawn(move || {
        let mut reader = attached();
        match (**dict.get()).get(&reader, 7, key.get().get().word(), &by_identity) {
            Ok(Some(found)) => read(found),
            Ok(None) => assert!(!must_be_there, "the key was there all the time"),
            Err(_) => panic!("identity needs no Python code"),
        }
        reader.safepoint();
    });
    change(dict.get(), &mut writer, classes, key.get().get());
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
}

#[test]
fn dict_read_against_replacement() {
    model(|| {
        dict_reader_against(true, |dict, thread, classes, key| {
            let Lookup::Found(found) = dict.find(thread, 7, key.word(), &by_identity) else {
                panic!("the key")
            };
            let value = classes.node(thread, None).into_value();
            assert!(dict.replace(Owner::from(dict), thread, found, value).is_ok());
        });
    });
}

#[test]
fn dict_read_against_deletion() {
    model(|| {
        dict_reader_against(false, |dict, thread, _, key| {
            let Lookup::Found(found) = dict.find(thread, 7, key.word(), &by_identity) else {
                panic!("the key")
            };
            drop(dict.remove(Owner::from(dict), thread, found));
        });
    });
}

#[test]
fn dict_read_against_insertion() {
    model(|| {
        dict_reader_against(true, |dict, thread, classes, _| {
            let key = classes.node(thread, None).into_value();
            insert(dict, thread, key.get(), Value::NONE);
        });
    });
}

/// As many keys as fit into the smallest table; one goes and another comes, for which the table is built anew. The reader looks
/// a key up in the old table or the new.
fn dict_is_built_anew() {
    dict_reader_against(true, |dict, thread, classes, _| {
        let keys: Vec<Value> = (0..5).map(|_| classes.node(thread, None).into_value()).collect();
        for key in &keys[..4] {
            insert(dict, thread, key.get(), Value::NONE);
        }
        let Lookup::Found(found) = dict.find(thread, 7, keys[0].word(), &by_identity) else {
            panic!("the key")
        };
        drop(dict.remove(Owner::from(dict), thread, found));
        insert(dict, thread, keys[4].get(), Value::NONE);
    });
}

#[test]
fn dict_read_against_a_new_table() {
    model(dict_is_built_anew);
}
