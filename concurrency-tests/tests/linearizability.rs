//! Random histories of operations that several threads do on one object, checked against a sequential model.
//!
//! A history is linearizable if its operations can be put in an order that keeps every operation that ended before another began before
//! it, and in which each gives what it gives when one thread does all of them in that order (Herlihy and Wing 1990). The search is that of
//! Wing and Gong (1993) with a memory of states that lead nowhere (Lowe 2017). The model is plain Rust, so unlike
//! `tests/programs/threads/linearizability.py`, whose model is the object itself, this also says that the answers are right.

#![cfg(not(orochi_loom))]

#[path = "common/shared.rs"]
mod shared;

use orochi_core::{Ref, Thread, Value};
use orochi_objects::error::PyResult;
use orochi_objects::thread::{PyInterpreter, ThreadState};
use orochi_objects::{protocol, str};
use orochi_vm::Interpreter;
use shared::{Shared, attached};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};

const THREADS: usize = 3;
/// Of each thread in a history.
const OPERATIONS: usize = 4;
const HISTORIES: usize = 2000;

/// What an operation gave.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    None,
    Int(i64),
    Bool(bool),
    Raises(&'static str),
    Other(String),
}

/// What the model's object holds: a sequence, or entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct State {
    items: VecDeque<i64>,
    entries: BTreeMap<i64, i64>,
}

/// A method, its arguments for a small number, and what it does to the model.
struct Operation {
    method: &'static str,
    arguments: fn(i64) -> Vec<Argument>,
    model: fn(&mut State, i64) -> Outcome,
}

enum Argument {
    Int(i64),
    Name(i64),
}

#[derive(Clone)]
struct Call {
    operation: &'static Operation,
    number: i64,
    begin: u64,
    end: u64,
    outcome: Outcome,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, number) = (self.operation.method, self.number);
        write!(f, "\n  {:>4}..{:<4} {name}({number}) -> {:?}", self.begin, self.end, self.outcome)
    }
}

/// Whether some order explains the history.
fn is_linearizable(calls: &[Call]) -> bool {
    fn search(calls: &[Call], state: &State, done: u32, hopeless: &mut HashSet<(State, u32)>) -> bool {
        let rest = || calls.iter().enumerate().filter(|(i, _)| done >> i & 1 == 0);
        let Some(first_end) = rest().map(|(_, call)| call.end).min() else { return true };
        if hopeless.contains(&(state.clone(), done)) {
            return false;
        }
        // Whatever began before the first end among the rest may be next.
        for (i, call) in rest().filter(|(_, call)| call.begin < first_end) {
            let mut after = state.clone();
            if (call.operation.model)(&mut after, call.number) == call.outcome
                && search(calls, &after, done | 1 << i, hopeless)
            {
                return true;
            }
        }
        hopeless.insert((state.clone(), done));
        false
    }
    search(calls, &State::default(), 0, &mut HashSet::new())
}

fn pop(found: Option<i64>, error: &'static str) -> Outcome {
    found.map_or(Outcome::Raises(error), Outcome::Int)
}

const fn operation(
    method: &'static str,
    arguments: fn(i64) -> Vec<Argument>,
    model: fn(&mut State, i64) -> Outcome,
) -> Operation {
    Operation { method, arguments, model }
}

fn nothing(_: i64) -> Vec<Argument> {
    Vec::new()
}

fn number(n: i64) -> Vec<Argument> {
    vec![Argument::Int(n)]
}

/// One of two keys, and a value.
fn entry(n: i64) -> Vec<Argument> {
    vec![Argument::Int(n % 2), Argument::Int(n)]
}

fn key(n: i64) -> Vec<Argument> {
    vec![Argument::Int(n % 2)]
}

static LIST: [Operation; 7] = [
    operation("append", number, |s, n| {
        s.items.push_back(n);
        Outcome::None
    }),
    operation("pop", nothing, |s, _| pop(s.items.pop_back(), "IndexError")),
    operation(
        "insert",
        |n| vec![Argument::Int(0), Argument::Int(n)],
        |s, n| {
            s.items.push_front(n);
            Outcome::None
        },
    ),
    operation("__getitem__", key, |s, n| pop(s.items.get(n as usize % 2).copied(), "IndexError")),
    operation("__len__", nothing, |s, _| Outcome::Int(s.items.len() as i64)),
    operation("reverse", nothing, |s, _| {
        s.items.make_contiguous().reverse();
        Outcome::None
    }),
    operation("clear", nothing, |s, _| {
        s.items.clear();
        Outcome::None
    }),
];

static DEQUE: [Operation; 6] = [
    operation("append", number, |s, n| {
        s.items.push_back(n);
        Outcome::None
    }),
    operation("appendleft", number, |s, n| {
        s.items.push_front(n);
        Outcome::None
    }),
    operation("pop", nothing, |s, _| pop(s.items.pop_back(), "IndexError")),
    operation("popleft", nothing, |s, _| pop(s.items.pop_front(), "IndexError")),
    operation("rotate", nothing, |s, _| {
        if let Some(last) = s.items.pop_back() {
            s.items.push_front(last);
        }
        Outcome::None
    }),
    operation("__len__", nothing, |s, _| Outcome::Int(s.items.len() as i64)),
];

static QUEUE: [Operation; 4] = [
    operation("put", number, |s, n| {
        s.items.push_back(n);
        Outcome::None
    }),
    operation("get_nowait", nothing, |s, _| pop(s.items.pop_front(), "Empty")),
    operation("qsize", nothing, |s, _| Outcome::Int(s.items.len() as i64)),
    operation("empty", nothing, |s, _| Outcome::Bool(s.items.is_empty())),
];

static SET: [Operation; 6] = [
    operation("add", key, |s, n| {
        s.entries.insert(n % 2, 0);
        Outcome::None
    }),
    operation("discard", key, |s, n| {
        s.entries.remove(&(n % 2));
        Outcome::None
    }),
    operation("remove", key, |s, n| {
        s.entries.remove(&(n % 2)).map_or(Outcome::Raises("KeyError"), |_| Outcome::None)
    }),
    operation("__contains__", key, |s, n| Outcome::Bool(s.entries.contains_key(&(n % 2)))),
    operation("__len__", nothing, |s, _| Outcome::Int(s.entries.len() as i64)),
    operation("clear", nothing, |s, _| {
        s.entries.clear();
        Outcome::None
    }),
];

static DICT: [Operation; 7] = [
    operation("__setitem__", entry, |s, n| {
        s.entries.insert(n % 2, n);
        Outcome::None
    }),
    operation("get", key, |s, n| s.entries.get(&(n % 2)).map_or(Outcome::None, |v| Outcome::Int(*v))),
    operation("pop", key, |s, n| pop(s.entries.remove(&(n % 2)), "KeyError")),
    operation("setdefault", entry, |s, n| Outcome::Int(*s.entries.entry(n % 2).or_insert(n))),
    operation("__contains__", key, |s, n| Outcome::Bool(s.entries.contains_key(&(n % 2)))),
    operation("__len__", nothing, |s, _| Outcome::Int(s.entries.len() as i64)),
    operation("clear", nothing, |s, _| {
        s.entries.clear();
        Outcome::None
    }),
];

static INSTANCE: [Operation; 3] = [
    operation(
        "__setattr__",
        |n| vec![Argument::Name(n % 2), Argument::Int(n)],
        |s, n| {
            s.entries.insert(n % 2, n);
            Outcome::None
        },
    ),
    operation(
        "__getattribute__",
        |n| vec![Argument::Name(n % 2)],
        |s, n| pop(s.entries.get(&(n % 2)).copied(), "AttributeError"),
    ),
    operation(
        "__delattr__",
        |n| vec![Argument::Name(n % 2)],
        |s, n| s.entries.remove(&(n % 2)).map_or(Outcome::Raises("AttributeError"), |_| Outcome::None),
    ),
];

fn must<T>(thread: &mut Thread, result: PyResult<T>) -> T {
    result.unwrap_or_else(|error| {
        let exception = error.into_value(thread);
        panic!("{}", orochi_objects::class_of(exception.get()).name())
    })
}

const ERRORS: [&str; 4] = ["IndexError", "KeyError", "AttributeError", "Empty"];

fn outcome(thread: &mut Thread, result: PyResult) -> Outcome {
    let value = match result {
        Ok(value) => value,
        Err(error) => {
            let exception = error.into_value(thread);
            let name = orochi_objects::class_of(exception.get()).name().to_string();
            let known = ERRORS.iter().find(|known| **known == name);
            return known.map_or(Outcome::Other(name), |known| Outcome::Raises(known));
        }
    };
    let value = value.get();
    if let Some(number) = value.as_small_int() {
        Outcome::Int(number)
    } else if value.is(Ref::TRUE) || value.is(Ref::FALSE) {
        Outcome::Bool(value.is(Ref::TRUE))
    } else if value.is_none() {
        Outcome::None
    } else {
        Outcome::Other(orochi_objects::class_of(value).name().to_string())
    }
}

fn perform(thread: &mut Thread, object: Ref<'_>, call: &Call) -> Outcome {
    let arguments: Vec<Value> = (call.operation.arguments)(call.number)
        .into_iter()
        .map(|argument| match argument {
            Argument::Int(number) => Value::small_int(number).unwrap_or(Value::NONE),
            Argument::Name(number) => {
                let name = str::intern(thread, &format!("name{number}"));
                must(thread, name).to_value()
            }
        })
        .collect();
    let arguments: Vec<Ref<'_>> = arguments.iter().map(Value::get).collect();
    let result = protocol::call_method(thread, object, call.operation.method, &arguments);
    outcome(thread, result)
}

/// A small generator of numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// What the threads of a test have between them.
struct World {
    clock: AtomicU64,
    barrier: Barrier,
    /// The object of the present history; `None` at the end.
    object: Mutex<Option<Shared>>,
    calls: [Mutex<Vec<Call>>; THREADS],
}

/// The life of one thread: its part of one history after another.
fn take_part(world: &World, state: Shared, me: usize) {
    let mut thread = attached();
    let interpreter = state.get().to_owned().downcast::<PyInterpreter>();
    let interpreter = interpreter.unwrap_or_else(|_| panic!("an interpreter's state"));
    let attaching = ThreadState::attach(&thread, interpreter);
    must(&mut thread, attaching);
    loop {
        thread.detached(|| world.barrier.wait());
        let Some(object) = *world.object.lock().expect("no panic") else { break };
        for call in world.calls[me].lock().expect("no panic").iter_mut() {
            // SeqCst: the clock orders what the threads do.
            call.begin = world.clock.fetch_add(1, Ordering::SeqCst);
            call.outcome = perform(&mut thread, object.get(), call);
            call.end = world.clock.fetch_add(1, Ordering::SeqCst);
        }
        thread.detached(|| world.barrier.wait());
    }
    ThreadState::detach(&thread);
}

fn check(operations: &'static [Operation], make: impl Fn(&mut Thread, &Interpreter) -> PyResult) {
    let mut thread = attached();
    let interpreter = Interpreter::new(&mut thread);
    let interpreter = must(&mut thread, interpreter);
    let state = Shared::new(&interpreter.state().to_value());
    let world = World {
        clock: AtomicU64::new(0),
        barrier: Barrier::new(THREADS + 1),
        object: Mutex::new(None),
        calls: std::array::from_fn(|_| Mutex::new(Vec::new())),
    };
    let mut random = Random(42);
    std::thread::scope(|scope| {
        for me in 0..THREADS {
            let world = &world;
            scope.spawn(move || take_part(world, state, me));
        }
        for _ in 0..HISTORIES {
            let object = make(&mut thread, &interpreter);
            let object = must(&mut thread, object);
            *world.object.lock().expect("no panic") = Some(Shared::new(&object));
            for calls in &world.calls {
                let call = |random: &mut Random| Call {
                    operation: &operations[random.below(operations.len())],
                    number: random.below(4) as i64,
                    begin: 0,
                    end: 0,
                    outcome: Outcome::None,
                };
                *calls.lock().expect("no panic") = (0..OPERATIONS).map(|_| call(&mut random)).collect();
            }
            thread.detached(|| world.barrier.wait());
            thread.detached(|| world.barrier.wait());
            let mut calls: Vec<Call> =
                world.calls.iter().flat_map(|calls| calls.lock().expect("no panic").clone()).collect();
            calls.sort_by_key(|call| call.begin);
            if !is_linearizable(&calls) {
                // The other threads wait at the barrier for good.
                eprintln!("no order explains this history: {calls:?}");
                std::process::abort();
            }
        }
        *world.object.lock().expect("no panic") = None;
        thread.detached(|| world.barrier.wait());
    });
    ThreadState::detach(&thread);
}

/// An object that an expression gives.
fn made_by(source: &'static str) -> impl Fn(&mut Thread, &Interpreter) -> PyResult {
    move |thread, interpreter| {
        let globals = orochi_objects::types::dict::new(thread)?;
        interpreter.run_source(thread, source, "<test>", &globals)?;
        let key = str::intern(thread, "made")?;
        protocol::get_item(thread, globals.get(), key.get())
    }
}

#[test]
fn lists() {
    check(&LIST, made_by("made = []"));
}

#[test]
fn dicts() {
    check(&DICT, made_by("made = {}"));
}

#[test]
fn sets() {
    check(&SET, made_by("made = {0}\nmade.clear()"));
}

#[test]
fn instances() {
    check(&INSTANCE, made_by("class Thing: pass\nmade = Thing()"));
}

#[test]
fn deques() {
    check(&DEQUE, |thread, _| {
        let module = orochi_stdlib::collections::MODULE.create(thread)?;
        protocol::call_method(thread, module.get(), "deque", &[])
    });
}

#[test]
fn simple_queues() {
    check(&QUEUE, |thread, _| {
        let module = orochi_stdlib::queue::MODULE.create(thread)?;
        protocol::call_method(thread, module.get(), "SimpleQueue", &[])
    });
}

fn call(operation: &'static Operation, (begin, end): (u64, u64), number: i64, outcome: Outcome) -> Call {
    Call { operation, number, begin, end, outcome }
}

#[test]
fn the_checker_accepts_what_an_order_explains() {
    // The pop began before the append, and took what it appended.
    let history = [call(&LIST[1], (0, 3), 0, Outcome::Int(5)), call(&LIST[0], (1, 2), 5, Outcome::None)];
    assert!(is_linearizable(&history));
}

#[test]
fn the_checker_rejects_what_no_order_explains() {
    // The pop had ended before the append began.
    let early = [call(&LIST[1], (0, 1), 0, Outcome::Int(5)), call(&LIST[0], (2, 3), 5, Outcome::None)];
    assert!(!is_linearizable(&early));
    // One item is taken twice.
    let twice = [
        call(&DEQUE[0], (0, 1), 7, Outcome::None),
        call(&DEQUE[2], (2, 5), 0, Outcome::Int(7)),
        call(&DEQUE[3], (3, 4), 0, Outcome::Int(7)),
    ];
    assert!(!is_linearizable(&twice));
    // An entry that was set is lost.
    let lost = [
        call(&DICT[0], (0, 1), 1, Outcome::None),
        call(&DICT[0], (2, 3), 2, Outcome::None),
        call(&DICT[5], (4, 5), 0, Outcome::Int(1)),
    ];
    assert!(!is_linearizable(&lost));
}
