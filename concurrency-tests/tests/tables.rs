//! Models of tables: sets, iteration, and the cache entries that lead to a dict's values.
#![cfg(orochi_loom)]

mod common;

#[path = "common/storage.rs"]
mod storage;

use common::objects::{Classes, Handle, Node, attached};
use common::{fails, model};
use orochi_core::sync::thread;
use orochi_core::value::drop_register;
use orochi_core::word::{self, UNBOUND};
use orochi_core::{Layout, Obj, Owner, Payload, Ref, Thread, Value};
use storage::KeyMatch;
use storage::dict::{DictStorage, Lookup};
use storage::set::{self, SetStorage};

// SAFETY: the static is this type's alone.
unsafe impl Payload for DictStorage {
    const LAYOUT: &'static Layout = {
        static LAYOUT: Layout = Layout::of::<DictStorage>();
        &LAYOUT
    };
}

// SAFETY: the static is this type's alone.
unsafe impl Payload for SetStorage {
    const LAYOUT: &'static Layout = {
        static LAYOUT: Layout = Layout::of::<SetStorage>();
        &LAYOUT
    };
}

fn read(found: Ref<'_>) {
    let node = found.downcast::<Node>().expect("a node");
    assert!(node.header().is_shared());
    assert_eq!(node.read(), 1);
}

fn by_identity(_: Ref<'_>) -> KeyMatch {
    KeyMatch::No
}

fn add(set: &Obj<SetStorage>, thread: &Thread, hash: i64, key: Ref<'_>) {
    let set::Lookup::Missing(missing) = set.find(thread, hash, key.word(), &by_identity) else {
        panic!("a new key")
    };
    assert!(set.insert(Owner::from(set), thread, missing, hash, key.to_owned()).is_ok());
}

fn discard(set: &Obj<SetStorage>, thread: &mut Thread, hash: i64, key: Ref<'_>) -> bool {
    match set.find(thread, hash, key.word(), &by_identity) {
        set::Lookup::Found(found) => set.remove(Owner::from(set), thread, found).is_some(),
        _ => false,
    }
}

/// A set with one key that another thread looks at, while `change` changes it.
fn set_against(
    look: impl FnOnce(&Obj<SetStorage>, &Thread, Ref<'_>) + Send + 'static,
    change: impl FnOnce(&Obj<SetStorage>, &mut Thread, Classes, Ref<'_>),
) {
    let mut writer = attached();
    let classes = Classes::new();
    let set = Handle::new(classes.object(&writer, SetStorage::new()));
    let key = Handle::new(classes.node(&writer, None));
    add(set.get(), &writer, 7, key.get().get());
    let other = thread::spawn(move || {
        let mut reader = attached();
        look(set.get(), &reader, key.get().get());
        reader.safepoint();
    });
    change(set.get(), &mut writer, classes, key.get().get());
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
}

/// The other thread iterates.
fn set_iteration_against(change: impl FnOnce(&Obj<SetStorage>, &mut Thread, Classes, Ref<'_>)) {
    let iterate = |set: &Obj<SetStorage>, reader: &Thread, _: Ref<'_>| {
        let mut at = 0;
        while let Some((slot, _, found)) = (**set).next_key(reader, at) {
            read(found);
            at = slot + 1;
        }
    };
    set_against(iterate, change);
}

fn set_grows() {
    set_iteration_against(|set, thread, classes, _| {
        let key = classes.node(thread, None).into_value();
        add(set, thread, 9, key.get());
    });
}

#[test]
fn set_iteration_against_insertion() {
    model(set_grows);
}

#[test]
fn set_iteration_without_release_of_the_key_fails() {
    fails("field: init", set_grows);
}

#[test]
fn set_iteration_against_removal() {
    model(|| {
        set_iteration_against(|set, thread, _, key| {
            assert!(discard(set, thread, 7, key));
        });
    });
}

#[test]
fn set_iteration_against_clear() {
    model(|| set_iteration_against(|set, thread, _, _| set.clear(Owner::from(set), thread)));
}

/// The other thread looks the key up. `stays`: it is there all the time.
fn set_lookup_against(stays: bool, change: impl FnOnce(&Obj<SetStorage>, &mut Thread, Classes, Ref<'_>)) {
    let look_up = move |set: &Obj<SetStorage>, reader: &Thread, key: Ref<'_>| {
        let found = matches!(set.find(reader, 7, key.word(), &by_identity), set::Lookup::Found(_));
        assert!(found || !stays, "the key was there all the time");
    };
    set_against(look_up, change);
}

#[test]
fn set_lookup_against_growth() {
    model(|| {
        set_lookup_against(true, |set, thread, classes, _| {
            for hash in 8..13 {
                let key = classes.node(thread, None).into_value();
                add(set, thread, hash, key.get());
            }
        });
    });
}

#[test]
fn set_lookup_against_removal() {
    model(|| {
        set_lookup_against(false, |set, thread, _, key| {
            assert!(discard(set, thread, 7, key));
        });
    });
}

/// One thread clears the set between another's search for a key and its removal.
fn removal_against_clear() {
    let mut writer = attached();
    let classes = Classes::new();
    let set = Handle::new(classes.object(&writer, SetStorage::new()));
    let key = Handle::new(classes.node(&writer, None));
    add(set.get(), &writer, 7, key.get().get());
    let before = key.get().header().count();
    let other = thread::spawn(move || {
        let mut second = attached();
        discard(set.get(), &mut second, 7, key.get().get());
    });
    set.get().clear(Owner::from(set.get()), &mut writer);
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
    let mut last = attached();
    last.reclaim_now();
    assert_eq!(key.get().header().count(), before - 1, "the set's reference was given up once");
}

#[test]
fn set_removal_against_clear() {
    model(removal_against_clear);
}

#[test]
fn set_removal_that_does_not_look_again_fails() {
    fails("set: found slot", removal_against_clear);
}

/// Adds a key as `set.add` does; whether it is new.
fn add_unless_there(set: &Obj<SetStorage>, thread: &Thread, hash: i64, key: Ref<'_>) -> bool {
    loop {
        let set::Lookup::Missing(missing) = set.find(thread, hash, key.word(), &by_identity) else {
            return false;
        };
        if set.insert(Owner::from(set), thread, missing, hash, key.to_owned()).is_ok() {
            return true;
        }
    }
}

/// Two threads add the same key to a set with the slot of a deleted one, which one of them uses again.
fn additions_of_one_key() {
    let mut writer = attached();
    let classes = Classes::new();
    let set = Handle::new(classes.object(&writer, SetStorage::new()));
    let key = Handle::new(classes.node(&writer, None));
    add(set.get(), &writer, 7, key.get().get());
    assert!(discard(set.get(), &mut writer, 7, key.get().get()));
    let other = thread::spawn(move || {
        let mut second = attached();
        let added = add_unless_there(set.get(), &second, 7, key.get().get());
        second.safepoint();
        added
    });
    let added = add_unless_there(set.get(), &writer, 7, key.get().get());
    writer.safepoint();
    let by_other = other.join().expect("no panic");
    assert!(added != by_other, "it was new to one of them");
    assert_eq!(set.get().len(&writer), 1);
}

#[test]
fn set_additions_of_one_key() {
    model(additions_of_one_key);
}

#[test]
fn set_addition_that_does_not_look_again_fails() {
    fails("set: search still true", additions_of_one_key);
}

fn insert(dict: &Obj<DictStorage>, thread: &Thread, hash: i64, key: Ref<'_>, value: Value) {
    let Lookup::Missing(missing) = dict.find(thread, hash, key.word(), &by_identity) else {
        panic!("a new key")
    };
    assert!(dict.insert(Owner::from(dict), thread, missing, hash, key.to_owned(), value).is_ok());
}

fn delete(dict: &Obj<DictStorage>, thread: &mut Thread, hash: i64, key: Ref<'_>) {
    let Lookup::Found(found) = dict.find(thread, hash, key.word(), &by_identity) else { panic!("the key") };
    drop(dict.remove(Owner::from(dict), thread, found));
}

/// Sets a key's value as `d[key] = value` does; whether it is new.
fn set_item(dict: &Obj<DictStorage>, thread: &mut Thread, hash: i64, key: Ref<'_>, value: Value) -> bool {
    let mut value = value;
    loop {
        match dict.find(thread, hash, key.word(), &by_identity) {
            Lookup::Found(found) => match dict.replace(Owner::from(dict), thread, found, value) {
                Ok(_) => return false,
                Err(back) => value = back,
            },
            Lookup::Missing(missing) => {
                match dict.insert(Owner::from(dict), thread, missing, hash, key.to_owned(), value) {
                    Ok(()) => return true,
                    Err((_, _, back)) => value = back,
                }
            }
            Lookup::Ask { .. } => panic!("identity needs no Python code"),
        }
    }
}

/// Two threads set the same key of a dict with room for so many.
fn assignments_of_one_key(room: usize) {
    let mut writer = attached();
    let classes = Classes::new();
    let storage = DictStorage::with_capacity(room).unwrap_or_else(|_| panic!("memory"));
    let dict = Handle::new(classes.object(&writer, storage));
    let key = Handle::new(classes.node(&writer, None));
    let other = thread::spawn(move || {
        let mut second = attached();
        let is_new = set_item(dict.get(), &mut second, 7, key.get().get(), Value::TRUE);
        second.safepoint();
        is_new
    });
    let is_new = set_item(dict.get(), &mut writer, 7, key.get().get(), Value::FALSE);
    writer.safepoint();
    let to_other = other.join().expect("no panic");
    assert!(is_new != to_other, "it was new to one of them");
    assert_eq!(dict.get().len(&writer), 1);
}

#[test]
fn dict_assignments_of_one_key() {
    model(|| assignments_of_one_key(1));
}

#[test]
fn dict_assignments_of_one_key_with_indices() {
    model(|| assignments_of_one_key(6));
}

#[test]
fn dict_assignment_that_does_not_look_again_fails() {
    fails("dict: search still true", || assignments_of_one_key(6));
}

/// Looks a key up and counts the keys, while `change` adds it to an empty dict or takes it out: the two never contradict each
/// other, whichever comes first.
fn lookup_and_length(room: usize, there_before: bool, count_first: bool) {
    let mut writer = attached();
    let classes = Classes::new();
    let storage = DictStorage::with_capacity(room).unwrap_or_else(|_| panic!("memory"));
    let dict = Handle::new(classes.object(&writer, storage));
    let key = Handle::new(classes.node(&writer, None));
    if there_before {
        insert(dict.get(), &writer, 7, key.get().get(), Value::NONE);
    }
    let other = thread::spawn(move || {
        let mut reader = attached();
        let (dict, key) = (dict.get(), key.get().get());
        let count = |reader: &Thread| dict.settled_len(Owner::from(dict), reader);
        let find = |reader: &Thread| {
            let found = (**dict).get(reader, 7, key.word(), &by_identity);
            usize::from(found.unwrap_or_else(|_| panic!("identity needs no Python code")).is_some())
        };
        let (first, second) = match count_first {
            true => (count(&reader), find(&reader)),
            false => (find(&reader), count(&reader)),
        };
        // What changes once may do so in between.
        assert!(first == second || first == usize::from(there_before), "{first} then {second}");
        reader.safepoint();
    });
    if there_before {
        delete(dict.get(), &mut writer, 7, key.get().get());
    } else {
        insert(dict.get(), &writer, 7, key.get().get(), Value::NONE);
    }
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
}

#[test]
fn dict_length_against_insertion() {
    model(|| lookup_and_length(1, false, true));
    model(|| lookup_and_length(6, false, true));
    model(|| lookup_and_length(6, false, false));
}

#[test]
fn dict_length_against_deletion() {
    model(|| lookup_and_length(1, true, true));
    model(|| lookup_and_length(1, true, false));
}

#[test]
fn dict_length_in_the_middle_of_an_insertion_fails() {
    fails("lock: nobody is in the middle", || lookup_and_length(6, false, true));
}

#[test]
fn dict_length_after_the_middle_of_a_deletion_fails() {
    fails("lock: nobody was in the middle", || lookup_and_length(1, true, false));
}

/// A key is moved behind another one, or before it, while it is looked up.
fn lookup_against_moving(room: usize, last: bool) {
    let mut writer = attached();
    let classes = Classes::new();
    let storage = DictStorage::with_capacity(room).unwrap_or_else(|_| panic!("memory"));
    let dict = Handle::new(classes.object(&writer, storage));
    let keys: [Handle<Node>; 2] = std::array::from_fn(|_| Handle::new(classes.node(&writer, None)));
    for key in &keys {
        let value = classes.node(&writer, None).into_value();
        insert(dict.get(), &writer, 7, key.get().get(), value);
    }
    let moved = keys[usize::from(!last)];
    let other = thread::spawn(move || {
        let mut reader = attached();
        let found = (**dict.get()).get(&reader, 7, moved.get().get().word(), &by_identity);
        read(
            found
                .unwrap_or_else(|_| panic!("identity needs no Python code"))
                .expect("it was there all the time"),
        );
        reader.safepoint();
    });
    let Lookup::Found(found) = dict.get().find(&writer, 7, moved.get().get().word(), &by_identity) else {
        panic!("the key")
    };
    assert!(matches!(dict.get().move_to_end(Owner::from(dict.get()), &writer, found, last), Ok(true)));
    let (_, first) = (**dict.get()).next_entry(&writer, 0).expect("an entry");
    assert_eq!(first.key.word() == moved.get().get().word(), !last);
    assert_eq!(dict.get().len(&writer), 2);
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
}

#[test]
fn dict_lookup_against_moving() {
    // With room for another entry and without; with indices.
    model(|| lookup_against_moving(3, true));
    model(|| lookup_against_moving(2, true));
    model(|| lookup_against_moving(6, true));
    model(|| lookup_against_moving(2, false));
}

#[test]
fn dict_lookup_that_does_not_search_again_fails() {
    fails("dict: another search", || lookup_against_moving(3, true));
}

fn iteration_against_insertion() {
    let mut writer = attached();
    let classes = Classes::new();
    let dict = Handle::new(classes.object(&writer, DictStorage::new()));
    let key = Handle::new(classes.node(&writer, None));
    let value = classes.node(&writer, None).into_value();
    insert(dict.get(), &writer, 7, key.get().get(), value);
    let other = thread::spawn(move || {
        let mut reader = attached();
        let (mut at, mut seen) = (0, 0);
        while let Some((index, entry)) = (**dict.get()).next_entry(&reader, at) {
            read(entry.key);
            read(entry.value);
            (at, seen) = (index + 1, seen + 1);
        }
        assert!(seen >= 1, "the first entry was there all the time");
        reader.safepoint();
    });
    let (second, value) =
        (classes.node(&writer, None).into_value(), classes.node(&writer, None).into_value());
    insert(dict.get(), &writer, 9, second.get(), value);
    drop(second);
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
}

#[test]
fn dict_iteration_against_insertion() {
    model(iteration_against_insertion);
}

#[test]
fn dict_iteration_without_release_of_the_entry_fails() {
    fails("dict: filled", iteration_against_insertion);
}

/// A global that a cache remembers, against its deletion and that of others with which the table is packed anew.
fn cached_global(delete_it: bool) {
    let mut writer = attached();
    let classes = Classes::new();
    let dict = Handle::new(classes.object(&writer, DictStorage::new()));
    let names: [Handle<Node>; 6] = std::array::from_fn(|_| Handle::new(classes.node(&writer, None)));
    let value = Handle::new(classes.node(&writer, None));
    let other_value = Handle::new(classes.node(&writer, None));
    // As many as fit into the smallest table.
    for (number, name) in names.iter().enumerate().take(5) {
        let value = if number == 1 { value } else { other_value };
        insert(dict.get(), &writer, number as i64, name.get().get(), value.get().get().to_owned());
    }
    let storage: &DictStorage = dict.get();
    let version = storage.keys_version(Owner::from(dict.get()), &writer);
    let Lookup::Found(found) = storage.find(&writer, 1, names[1].get().get().word(), &by_identity) else {
        panic!("the key")
    };
    let index = DictStorage::index_of(found);
    let other = thread::spawn(move || {
        let mut reader = attached();
        let found = (**dict.get()).cached_register(&reader, version, index);
        if found != UNBOUND {
            assert_eq!(word::canonical(found), value.get().get().word(), "another name's value");
            read(value.get().get());
        }
        // SAFETY: the register's word is given up here.
        unsafe { drop_register(found) };
        reader.safepoint();
    });
    delete(dict.get(), &mut writer, 0, names[0].get().get());
    if delete_it {
        delete(dict.get(), &mut writer, 1, names[1].get().get());
    }
    insert(dict.get(), &writer, 5, names[5].get().get(), other_value.get().get().to_owned());
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
}

#[test]
fn global_against_deletion() {
    model(|| cached_global(true));
}

#[test]
fn global_against_packing() {
    model(|| cached_global(false));
}

/// A global that a cache remembers gets another value.
fn cached_global_is_bound_anew() {
    let mut writer = attached();
    let classes = Classes::new();
    let dict = Handle::new(classes.object(&writer, DictStorage::new()));
    let name = Handle::new(classes.node(&writer, None));
    let value = classes.node(&writer, None).into_value();
    insert(dict.get(), &writer, 1, name.get().get(), value);
    let version = dict.get().keys_version(Owner::from(dict.get()), &writer);
    let other = thread::spawn(move || {
        let mut reader = attached();
        let found = (**dict.get()).cached_register(&reader, version, 0);
        assert_ne!(found, UNBOUND, "the name was there all the time");
        // SAFETY: a register's word, before the next safepoint.
        read(unsafe { Ref::from_word(found) });
        reader.safepoint();
    });
    let Lookup::Found(found) = dict.get().find(&writer, 1, name.get().get().word(), &by_identity) else {
        panic!("the key")
    };
    let value = classes.node(&writer, None).into_value();
    assert!(dict.get().replace(Owner::from(dict.get()), &mut writer, found, value).is_ok());
    writer.reclaim_now();
    drop(writer);
    other.join().expect("no panic");
}

#[test]
fn global_against_another_value() {
    model(cached_global_is_bound_anew);
}

#[test]
fn global_without_release_of_the_value_fails() {
    fails("field: replace", cached_global_is_bound_anew);
}

#[test]
fn global_without_version_fails() {
    fails("dict: version", || cached_global(false));
}
