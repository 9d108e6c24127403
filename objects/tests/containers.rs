//! Containers as native code uses them: what they hold, what they say of themselves, what they refuse.

use orochi_core::thread::process_runtime;
use orochi_core::{Ref, Thread, Value};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{dict, list, range, set, slice};
use orochi_objects::{PyErr, int, protocol, str, tuple};

fn shown(thread: &mut Thread, value: &Value) -> String {
    let repr = protocol::repr(thread, value.get()).unwrap();
    str::display(repr.get())
}

fn ints(thread: &Thread, numbers: &[i64]) -> Vec<Value> {
    numbers.iter().map(|&n| int::new(thread, n).unwrap()).collect()
}

fn part(thread: &Thread, a: Option<i64>, b: Option<i64>, c: Option<i64>) -> Value {
    let [a, b, c] = [a, b, c].map(|n| n.map_or(Value::NONE, |n| int::new(thread, n).unwrap()));
    slice::new(thread, a, b, c).unwrap().into_value()
}

fn call(thread: &mut Thread, object: &Value, name: &str, args: &[Ref<'_>]) -> String {
    match protocol::call_method(thread, object.get(), name, args) {
        Ok(value) => shown(thread, &value),
        Err(error) => failure(thread, error),
    }
}

fn failure(thread: &mut Thread, error: PyErr) -> String {
    let class = error.class().name().into_owned();
    let error = error.into_value(thread);
    let args = protocol::get_attr_str(thread, error.get(), "args").unwrap();
    let first = protocol::collect(thread, args.get()).unwrap().remove(0);
    let first = match first.get().downcast::<PyStr>() {
        Some(text) => text.to_string(),
        None => shown(thread, &first),
    };
    format!("{class}({first})")
}

#[test]
fn containers() {
    let Some(mut thread) = Thread::spawn_here(process_runtime(), 0) else { panic!("no memory") };
    let t = &mut *thread;
    lists(t);
    dicts(t);
    sets(t);
    ranges(t);
}

fn lists(t: &mut Thread) {
    let list = list::new(t, ints(t, &[3, 1, 2])).unwrap().into_value();
    assert_eq!(call(t, &list, "sort", &[]), "None");
    assert_eq!(shown(t, &list), "[1, 2, 3]");
    let more = tuple::new(t, ints(t, &[7, 8])).unwrap().into_value();
    let (whole, back) = (part(t, Some(1), Some(2), None), part(t, None, None, Some(-1)));
    protocol::set_item(t, list.get(), whole.get(), Some(more.get())).unwrap();
    assert_eq!(shown(t, &list), "[1, 7, 8, 3]");
    let reversed = protocol::get_item(t, list.get(), back.get()).unwrap();
    assert_eq!(shown(t, &reversed), "[3, 8, 7, 1]");
    let strided = part(t, None, None, Some(2));
    protocol::set_item(t, list.get(), strided.get(), Some(more.get())).unwrap();
    assert_eq!(shown(t, &list), "[7, 7, 8, 3]");
    let error = protocol::set_item(t, list.get(), back.get(), Some(more.get())).unwrap_err();
    assert_eq!(
        failure(t, error),
        "ValueError(attempt to assign sequence of size 2 to extended slice of size 4)"
    );
    protocol::set_item(t, list.get(), strided.get(), None).unwrap();
    assert_eq!(shown(t, &list), "[7, 3]");
    assert_eq!(call(t, &list, "pop", &[]), "3");
    assert_eq!(call(t, &list, "pop", &[int::new(t, 5).unwrap().get()]), "IndexError(pop index out of range)");
    list::push(t, list.get().downcast().unwrap(), list.clone()).unwrap();
    assert_eq!(shown(t, &list), "[7, [...]]");
    protocol::call_method(t, list.get(), "clear", &[]).unwrap();
    let words = ["b", "aa", "a", "ü", "", "Z"].map(|word| str::new(t, word).unwrap());
    let mixed = list::new(t, words.into()).unwrap().into_value();
    call(t, &mixed, "sort", &[]);
    let sorted = protocol::collect(t, mixed.get()).unwrap();
    let sorted: Vec<String> = sorted.iter().map(|word| str::display(word.get())).collect();
    assert_eq!(sorted, ["", "Z", "a", "aa", "b", "ü"]);
    let pairs: Vec<Value> = (0..200i64)
        .map(|n| {
            let items = ints(t, &[n * 7919 % 13, n]);
            tuple::new(t, items).unwrap().into_value()
        })
        .collect();
    let list = list::new(t, pairs).unwrap();
    let value = list.to_value();
    call(t, &value, "sort", &[]);
    let all = list::values(t, &list).unwrap();
    for pair in all.windows(2) {
        assert!(
            protocol::compare::compare_bool(t, pair[0].get(), pair[1].get(), protocol::CompareOp::Lt)
                .unwrap()
        );
    }
}

fn dicts(t: &mut Thread) {
    let made = dict::new(t).unwrap();
    for n in 0..20 {
        let (key, value) = (int::new(t, n % 15).unwrap(), int::new(t, n).unwrap());
        dict::set_item(t, &made, key.get(), value).unwrap();
    }
    let value = made.to_value();
    let one = int::new(t, 1).unwrap();
    assert_eq!(call(t, &value, "pop", &[one.get()]), "16");
    assert_eq!(call(t, &value, "pop", &[one.get()]), "KeyError(1)");
    assert_eq!(call(t, &value, "get", &[Ref::TRUE, Ref::NONE]), "None");
    assert_eq!(call(t, &value, "setdefault", &[Ref::TRUE, one.get()]), "1");
    assert_eq!(call(t, &value, "get", &[one.get()]), "1");
    assert_eq!(call(t, &value, "popitem", &[]), "(True, 1)");
    let copy = protocol::call_method(t, value.get(), "copy", &[]).unwrap();
    assert!(protocol::eq(t, value.get(), copy.get()).unwrap());
    assert_eq!(call(t, &value, "__reversed__", &[]).split(' ').next(), Some("<dict_reversekeyiterator"));
    let keys = protocol::call_method(t, value.get(), "keys", &[]).unwrap();
    assert_eq!(shown(t, &keys), "dict_keys([0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])");
    let list = list::new(t, Vec::new()).unwrap().into_value();
    assert_eq!(
        call(t, &value, "get", &[list.get()]),
        "TypeError(cannot use 'list' as a dict key (unhashable type: 'list'))"
    );
    protocol::call_method(t, value.get(), "clear", &[]).unwrap();
    assert_eq!(call(t, &value, "popitem", &[]), "KeyError(popitem(): dictionary is empty)");
}

fn sets(t: &mut Thread) {
    let list = list::new(t, ints(t, &[33, 5, 1, 5, 100, 64])).unwrap();
    let made = set::from_iterable(t, list.get()).unwrap().into_value();
    // The order of CPython's table of 32 slots.
    assert_eq!(shown(t, &made), "{64, 33, 1, 100, 5}");
    let other = list::new(t, ints(t, &[5, 6])).unwrap();
    assert_eq!(call(t, &made, "intersection", &[other.get()]), "{5}");
    assert_eq!(call(t, &made, "symmetric_difference", &[other.get()]), "{64, 33, 1, 100, 6}");
    assert_eq!(call(t, &made, "difference", &[other.get()]), "{64, 33, 1, 100}");
    let frozen = set::frozen_from_iterable(t, other.get()).unwrap().into_value();
    let again = set::frozen_from_iterable(t, other.get()).unwrap().into_value();
    assert_eq!(protocol::hash(t, frozen.get()).unwrap(), protocol::hash(t, again.get()).unwrap());
    assert_eq!(call(t, &made, "add", &[frozen.get()]), "None");
    let plain = set::from_iterable(t, other.get()).unwrap();
    assert!(protocol::contains(t, made.get(), plain.get()).unwrap());
}

fn ranges(t: &mut Thread) {
    let numbers = ints(t, &[10, 0, -3]);
    let [start, stop, step]: [Value; 3] = numbers.try_into().unwrap();
    let range = range::new(t, start, stop, step).unwrap();
    assert_eq!(shown(t, &range), "range(10, 0, -3)");
    let list = protocol::collect(t, range.get()).unwrap();
    let list = list::new(t, list).unwrap().into_value();
    assert_eq!(shown(t, &list), "[10, 7, 4, 1]");
    let back = part(t, None, None, Some(-1));
    let reversed = protocol::get_item(t, range.get(), back.get()).unwrap();
    assert_eq!(shown(t, &reversed), "range(1, 13, 3)");
}
