//! The storages against simple models, local and shared, and races of readers with writers.

use super::dict::{self, DictStorage};
use super::list::{ListStorage, Stride};
use super::set::{self, SetStorage};
use super::{KeyMatch, NoMemory};
use orochi_core::object::{ExtensionOps, Layout};
use orochi_core::publish::publish;
use orochi_core::thread::process_runtime;
use orochi_core::{Header, Obj, Owned, Owner, Payload, Ref, Thread, Trace, TypeFields, TypeHead, Value};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static EXTENSION: ExtensionOps = ExtensionOps { destroy: |_, _| {}, trace: |_, _, _| {} };
static ALIVE: AtomicUsize = AtomicUsize::new(0);

struct Token(i64);
// SAFETY: holds no fields.
unsafe impl Trace for Token {
    fn trace(&self, _visit: &mut dyn FnMut(&orochi_core::Field)) {}
}
impl Drop for Token {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

macro_rules! payload {
    ($($name:ident: $layout:ident),*) => { $(
        static $layout: Layout = Layout::of::<$name>();
        // SAFETY: the static is this type's alone.
        unsafe impl Payload for $name { const LAYOUT: &'static Layout = &$layout; }
    )* };
}
payload!(ListStorage: LIST, DictStorage: DICT, SetStorage: SET, Token: TOKEN);

fn make<T: Payload>(thread: &Thread, payload: T) -> Owned<T> {
    let class = Box::leak(Box::new(TypeHead {
        header: Header::immortal(std::ptr::null()),
        fields: TypeFields::new(T::LAYOUT, 0, 0, &EXTENSION),
    }));
    // SAFETY: the class has the payload's layout.
    unsafe { orochi_core::alloc::allocate(thread, NonNull::from(class), payload) }.unwrap()
}

fn token(thread: &Thread, n: i64) -> Value {
    ALIVE.fetch_add(1, Ordering::Relaxed);
    make(thread, Token(n)).into_value()
}

fn number(value: Ref<'_>) -> i64 {
    value.downcast::<Token>().unwrap().0
}

fn owner<T>(object: &Obj<T>) -> Owner<'_> {
    Owner::from(object)
}

fn with_thread(f: impl FnOnce(&mut Thread)) {
    let here = 0u8;
    let mut thread = Thread::spawn_here(process_runtime(), &raw const here as usize - (1 << 19)).unwrap();
    f(&mut thread);
}

/// A small generator of numbers that are the same in every run.
struct Random(u64);
impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % n.max(1)
    }
}

fn list_against_model(shared: bool) {
    with_thread(|t| {
        let list = make(t, ListStorage::new());
        if shared {
            publish(list.get());
        }
        let mut model: Vec<i64> = Vec::new();
        let mut r = Random(7);
        for n in 0..6000 {
            let len = model.len();
            match r.below(9) {
                0..=2 => {
                    list.push(owner(&list), t, token(t, n)).unwrap();
                    model.push(n);
                }
                3 => {
                    let at = r.below(len + 1);
                    list.insert(owner(&list), t, |_| at, token(t, n)).unwrap();
                    model.insert(at, n);
                }
                4 => {
                    let got = list.pop(owner(&list), t).map(|v| number(v.get()));
                    assert_eq!(got, model.pop());
                }
                5 if len > 0 => {
                    let at = r.below(len);
                    let got = list.remove(owner(&list), t, |_| Some(at)).unwrap();
                    assert_eq!(number(got.unwrap().get()), model.remove(at));
                }
                6 if len > 0 => {
                    let at = r.below(len);
                    let value = token(t, n);
                    let old = list.set(owner(&list), t, at, value).unwrap();
                    assert_eq!(number(old.get()), std::mem::replace(&mut model[at], n));
                }
                7 => {
                    let low = r.below(len + 1);
                    let count = r.below((len - low).min(5) + 1);
                    let new: Vec<i64> = (0..r.below(6) as i64).map(|i| n * 10 + i).collect();
                    let values = new.iter().map(|&i| token(t, i)).collect();
                    let old =
                        list.splice(owner(&list), t, |_| Stride { low, step: 1, count }, values).unwrap();
                    let old: Vec<i64> = old.iter().map(|v| number(v.get())).collect();
                    assert_eq!(old, model.splice(low..low + count, new).collect::<Vec<_>>());
                }
                8 if len > 10 && n % 7 == 0 => {
                    let stride = Stride { low: 1, step: 3, count: 3 };
                    list.remove_stride(owner(&list), t, |_| stride).unwrap();
                    for at in [7, 4, 1] {
                        model.remove(at);
                    }
                    list.reverse(owner(&list), t).unwrap();
                    model.reverse();
                }
                _ => {}
            }
            assert_eq!(list.len(t), model.len());
            t.safepoint();
        }
        let seen: Vec<i64> =
            (0..list.len(t)).map(|i| number(ListStorage::get(&list, t, i).unwrap())).collect();
        assert_eq!(seen, model);
        assert_eq!(list.get_signed(t, -1).map(number), model.last().copied());
        assert!(ListStorage::get(&list, t, model.len()).is_none());
    });
}

fn int_match(sought: i64) -> impl Fn(Ref<'_>) -> KeyMatch {
    move |key| if number(key) == sought { KeyMatch::Yes } else { KeyMatch::No }
}

fn dict_against_model(shared: bool) {
    with_thread(|t| {
        let dict = make(t, DictStorage::new());
        if shared {
            publish(dict.get());
        }
        let mut model: Vec<(i64, i64)> = Vec::new();
        let mut r = Random(3);
        for n in 0..8000 {
            let k = r.below(if n < 4000 { 400 } else { 12 }) as i64;
            let hash = k % 97;
            let at = model.iter().position(|e| e.0 == k);
            let found = dict.find(t, hash, 0, &int_match(k));
            match (found, r.below(3)) {
                (dict::Lookup::Found(found), 0) => {
                    let (key, _) = dict.remove(owner(&dict), t, found).unwrap();
                    assert_eq!(number(key.get()), k);
                    model.remove(at.unwrap());
                }
                (dict::Lookup::Found(found), 1) => {
                    let value = token(t, n);
                    dict.replace(owner(&dict), t, found, value).unwrap();
                    model[at.unwrap()].1 = n;
                }
                (dict::Lookup::Missing(missing), 0 | 1) => {
                    assert!(at.is_none());
                    let (key, value) = (token(t, k), token(t, n));
                    assert!(dict.insert(owner(&dict), t, missing, hash, key, value).is_ok());
                    model.push((k, n));
                }
                (_, 2) if n % 5 == 0 => {
                    let popped =
                        dict.pop_last(owner(&dict), t).map(|(k, v)| (number(k.get()), number(v.get())));
                    assert_eq!(popped, model.pop());
                }
                (_, 2) if n % 1999 == 1 => {
                    dict.clear(owner(&dict), t);
                    model.clear();
                }
                _ => {}
            }
            assert_eq!(dict.len(t), model.len());
            t.safepoint();
        }
        let entries = |t: &Thread, d: &DictStorage| -> Vec<(i64, i64)> {
            (0..d.entry_count(t))
                .filter_map(|i| d.entry(t, i))
                .map(|e| (number(e.key), number(e.value)))
                .collect()
        };
        assert_eq!(entries(t, &dict), model);
        let copy = dict.duplicate(owner(&dict), t).unwrap();
        assert_eq!(entries(t, &copy), model);
    });
}

fn set_against_model(shared: bool) {
    with_thread(|t| {
        let set = make(t, SetStorage::new());
        if shared {
            publish(set.get());
        }
        let mut model = std::collections::HashSet::new();
        let mut r = Random(5);
        for n in 0..8000 {
            let k = r.below(if n < 4000 { 400 } else { 12 }) as i64;
            match (set.find(t, k % 97, 0, &int_match(k)), r.below(3)) {
                (set::Lookup::Found(found), 0) => {
                    assert_eq!(number(set.remove(owner(&set), t, found).unwrap().get()), k);
                    assert!(model.remove(&k));
                }
                (set::Lookup::Missing(missing), 0 | 1) => {
                    let key = token(t, k);
                    assert!(set.insert(owner(&set), t, missing, k % 97, key).is_ok());
                    assert!(model.insert(k));
                }
                (_, 2) if n % 6 == 0 => {
                    let popped = set.pop(owner(&set), t).map(|k| number(k.get()));
                    assert!(popped.is_none_or(|k| model.remove(&k)));
                }
                _ => {}
            }
            assert_eq!(set.len(t), model.len());
            t.safepoint();
        }
        let copy = set.duplicate(owner(&set), t).unwrap();
        for storage in [&*set as &SetStorage, &copy] {
            let mut seen = std::collections::HashSet::new();
            let mut from = 0;
            while let Some((slot, _, key)) = storage.next_key(t, from) {
                assert!(seen.insert(number(key)));
                from = slot + 1;
            }
            assert_eq!(seen, model);
        }
    });
}

/// An object that the test hands to other threads after publishing it.
struct Sent<T>(*const Obj<T>);
impl<T> Clone for Sent<T> {
    fn clone(&self) -> Sent<T> {
        Sent(self.0)
    }
}
// SAFETY: the object is published and outlives the threads.
unsafe impl<T> Send for Sent<T> {}
impl<T> Sent<T> {
    fn get(&self) -> &T {
        // SAFETY: as above.
        unsafe { &*self.0 }
    }
}

fn races() -> Result<(), NoMemory> {
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    with_thread(|t| {
        let (list, dict) = (make(t, ListStorage::new()), make(t, DictStorage::new()));
        publish(list.get());
        publish(dict.get());
        let (sent_list, sent_dict) = (Sent(&raw const *list), Sent(&raw const *dict));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (list, dict, stop) = (sent_list.clone(), sent_dict.clone(), stop.clone());
                std::thread::spawn(move || {
                    with_thread(|t| {
                        while !stop.load(Ordering::Relaxed) {
                            for i in 0..20 {
                                if let Some(found) = list.get().get(t, i) {
                                    assert!(number(found) >= 0);
                                }
                                if let Ok(Some(value)) =
                                    dict.get().get(t, i as i64 % 5, 0, &int_match(i as i64))
                                {
                                    assert_eq!(number(value) % 20, i as i64);
                                }
                            }
                            t.safepoint();
                        }
                    });
                })
            })
            .collect();
        let mut r = Random(1);
        for n in 0..30_000 {
            match r.below(4) {
                0 | 1 => list.push(owner(&list), t, token(t, n)).unwrap(),
                2 => drop(list.pop(owner(&list), t)),
                _ => list.insert(owner(&list), t, |len| len / 2, token(t, n)).unwrap(),
            }
            if list.len(t) > 40 {
                list.take(owner(&list), t).unwrap();
            }
            let k = r.below(20) as i64;
            match dict.find(t, k % 5, 0, &int_match(k)) {
                dict::Lookup::Found(found) => drop(dict.remove(owner(&dict), t, found)),
                dict::Lookup::Missing(missing) => {
                    let (key, value) = (token(t, k), token(t, n * 20 + k));
                    dict.insert(owner(&dict), t, missing, k % 5, key, value).map_err(|e| e.0).unwrap();
                }
                dict::Lookup::Ask { .. } => unreachable!(),
            }
            t.safepoint();
        }
        stop.store(true, Ordering::Relaxed);
        t.detached(|| readers.into_iter().for_each(|reader| reader.join().unwrap()));
    });
    Ok(())
}

/// Two threads insert and delete keys of one dict and one set, and push to and pop from one list: nothing is lost, nothing
/// doubled.
fn writers_compete() {
    with_thread(|t| {
        let (list, dict, set) =
            (make(t, ListStorage::new()), make(t, DictStorage::new()), make(t, SetStorage::new()));
        publish(list.get());
        publish(dict.get());
        publish(set.get());
        let sent = (Sent(&raw const *list), Sent(&raw const *dict), Sent(&raw const *set));
        let writers: Vec<_> = (0..2)
            .map(|number| {
                let (list, dict, set) = (sent.0.clone(), sent.1.clone(), sent.2.clone());
                std::thread::spawn(move || {
                    let mut counts = (0i64, 0i64, 0i64);
                    // Whole clones, so that the closures take them and not the pointers inside.
                    let (list, dict, set) = (list, dict, set);
                    with_thread(|t| write(t, number, &list, &dict, &set, &mut counts));
                    counts
                })
            })
            .collect();
        let counts: Vec<_> =
            t.detached(|| writers.into_iter().map(|writer| writer.join().unwrap()).collect());
        let total = counts.iter().fold((0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
        assert_eq!(list.len(t) as i64, total.0);
        assert_eq!(dict.len(t) as i64, total.1);
        assert_eq!(set.len(t) as i64, total.2);
        let mut keys = std::collections::HashSet::new();
        for i in 0..dict.entry_count(t) {
            assert!(dict.entry(t, i).is_none_or(|entry| keys.insert(number(entry.key))));
        }
    });
}

fn write(
    t: &mut Thread,
    seed: u64,
    list: &Sent<ListStorage>,
    dict: &Sent<DictStorage>,
    set: &Sent<SetStorage>,
    counts: &mut (i64, i64, i64),
) {
    let mut r = Random(seed + 11);
    // SAFETY: as in `Sent`.
    let owners = unsafe { (owner(&*list.0), owner(&*dict.0), owner(&*set.0)) };
    let (list, dict, set) = (list.get(), dict.get(), set.get());
    for n in 0..20_000i64 {
        if r.below(2) == 0 {
            list.push(owners.0, t, token(t, n)).unwrap();
            counts.0 += 1;
        } else if list.pop(owners.0, t).is_some() {
            counts.0 -= 1;
        }
        let k = r.below(30) as i64;
        let matcher = int_match(k);
        match dict.find(t, k % 7, 0, &matcher) {
            dict::Lookup::Found(found) => counts.1 -= i64::from(dict.remove(owners.1, t, found).is_some()),
            dict::Lookup::Missing(missing) => {
                let (key, value) = (token(t, k), token(t, n));
                counts.1 += i64::from(dict.insert(owners.1, t, missing, k % 7, key, value).is_ok());
            }
            dict::Lookup::Ask { .. } => unreachable!(),
        }
        match set.find(t, k % 7, 0, &matcher) {
            set::Lookup::Found(found) => counts.2 -= i64::from(set.remove(owners.2, t, found).is_some()),
            set::Lookup::Missing(missing) => {
                let key = token(t, k);
                counts.2 += i64::from(set.insert(owners.2, t, missing, k % 7, key).is_ok());
            }
            set::Lookup::Ask { .. } => unreachable!(),
        }
        t.safepoint();
    }
}

/// How many tokens live once what the threads of the models left behind is reclaimed. Threads of tests that run beside this
/// one can hold that up for as long as they reach no safepoint.
fn alive_after_reclaiming() -> usize {
    for _ in 0..5000 {
        with_thread(|t| t.reclaim_now());
        if ALIVE.load(Ordering::Relaxed) == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    ALIVE.load(Ordering::Relaxed)
}

/// One test, since all count the living tokens.
#[test]
fn storages_keep_what_they_hold_and_no_more() {
    for shared in [false, true] {
        list_against_model(shared);
        dict_against_model(shared);
        set_against_model(shared);
        assert_eq!(alive_after_reclaiming(), 0, "shared: {shared}");
    }
    races().unwrap();
    writers_compete();
    assert_eq!(alive_after_reclaiming(), 0);
}
