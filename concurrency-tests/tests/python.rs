//! Python code on many threads at once, over shared containers, with the heap verifier looking on.

#![cfg(not(orochi_loom))]

#[path = "common/shared.rs"]
mod shared;

use orochi_core::verify::verify;
use orochi_core::{Owned, Ref, Thread, Value, gc};
use orochi_objects::error::PyResult;
use orochi_objects::thread::{PyInterpreter, ThreadState};
use orochi_objects::types::dict::{DictExt, PyDict};
use orochi_objects::types::{dict, exception};
use orochi_objects::{finalize, protocol, str};
use orochi_vm::Interpreter;
use shared::{Shared, attached};

fn describe(thread: &mut Thread, exception: &Value) -> String {
    let text = protocol::str(thread, exception.get()).map(|text| str::display(text.get()));
    format!("{}: {}", orochi_objects::class_of(exception.get()).name(), text.unwrap_or_default())
}

fn must<T>(thread: &mut Thread, result: PyResult<T>) -> T {
    result.unwrap_or_else(|error| {
        let exception = error.into_value(thread);
        panic!("{}", describe(thread, &exception))
    })
}

fn prepare(thread: &mut Thread, source: &str) -> PyResult<(Interpreter, Owned<PyDict>)> {
    let interpreter = Interpreter::new(thread)?;
    let builtins = interpreter.builtins(thread)?;
    for class in exception::ALL {
        builtins.set_str(thread, str::intern(thread, class.spec().name)?, class.get().to_value())?;
    }
    let globals = dict::new(thread)?;
    let name = str::new(thread, "__main__")?;
    globals.set_str(thread, str::intern(thread, "__name__")?, name)?;
    interpreter.run_source(thread, source, "<test>", &globals)?;
    Ok((interpreter, globals))
}

fn global(thread: &mut Thread, globals: &Owned<PyDict>, name: &str) -> Value {
    let key = str::intern(thread, name);
    let key = must(thread, key);
    let found = protocol::get_item(thread, globals.get(), key.get());
    must(thread, found)
}

/// Runs `work(*shared, seed)` of the program on that many threads, verifying the heap now and then.
fn run_on_threads(source: &str, shared: &[&str], threads: i64) {
    let mut thread = attached();
    let prepared = prepare(&mut thread, source);
    let (interpreter, globals) = must(&mut thread, prepared);
    let work = Shared::new(&global(&mut thread, &globals, "work"));
    let arguments: Vec<Shared> =
        shared.iter().map(|name| Shared::new(&global(&mut thread, &globals, name))).collect();
    let state = Shared::new(&interpreter.state().to_value());
    let running: Vec<_> = (0..threads)
        .map(|seed| {
            let arguments = arguments.clone();
            std::thread::spawn(move || run_one(state, work, &arguments, seed))
        })
        .collect();
    thread.detached(|| running.into_iter().for_each(|thread| thread.join().expect("no panic")));
    gc::collect(&mut thread, gc::Options::default(), &mut finalize::run_pending);
    let faults = verify(&mut thread, false);
    assert!(faults.is_empty(), "{faults:#?}");
    ThreadState::detach(&thread);
}

fn run_one(state: Shared, work: Shared, arguments: &[Shared], seed: i64) {
    let mut thread = attached();
    let state: Owned<PyInterpreter> =
        state.get().to_owned().downcast().unwrap_or_else(|_| panic!("an interpreter's state"));
    let attaching = ThreadState::attach(&thread, state);
    must(&mut thread, attaching);
    for round in 0..5 {
        let seed = Value::small_int(seed * 7919 + round).unwrap_or(Value::NONE);
        let mut all: Vec<Ref<'_>> = arguments.iter().map(|argument| argument.get()).collect();
        all.push(seed.get());
        let result = protocol::call(&mut thread, work.get(), &all);
        must(&mut thread, result);
        let faults = verify(&mut thread, false);
        assert!(faults.is_empty(), "{faults:#?}");
    }
    gc::collect(&mut thread, gc::Options::default(), &mut finalize::run_pending);
    ThreadState::detach(&thread);
}

#[test]
fn lists_and_dicts_under_many_writers() {
    run_on_threads(
        "
items = [[0], [1], [2], [3]]
table = {}

def work(items, table, seed):
    n = 0
    while n < 3000:
        n += 1
        seed = (seed * 1103515245 + 12345) % 2147483648
        key = (seed // 65536) % 16
        what = (seed // 1048576) % 8
        try:
            if what == 0:
                table[key] = [key, [n]]
            elif what == 1:
                found = table[key]
                if found[0] != key:
                    raise RuntimeError('another value')
                for part in found[1]:
                    part + 1
            elif what == 2:
                del table[key]
            elif what == 3:
                cycle = [key]
                cycle.append(cycle)
                items.append(cycle)
            elif what == 4:
                items.pop()
            elif what == 5:
                items[0] = lambda: key
            elif what == 6:
                for item in items:
                    item
            else:
                local = []
                local.append((local, key))
        except KeyError:
            pass
        except IndexError:
            pass
        except RuntimeError as error:
            if str_of(error) == 'another value':
                raise

def str_of(error):
    return error.args[0]
",
        &["items", "table"],
        8,
    );
}

#[test]
fn generators_and_closures_of_many_threads() {
    run_on_threads(
        "
items = []

def numbers(n):
    i = 0
    while i < n:
        yield i, [i]
        i += 1

def adder(start):
    total = [start]
    def add(n):
        total[0] += n
        return total
    return add

def work(items, seed):
    n = 0
    while n < 300:
        n += 1
        generator = numbers(5)
        items.append(generator)
        add = adder(seed)
        items.append(add)
        # Another thread may be running it: it is in the list.
        try:
            for i, boxed in generator:
                add(boxed[0])
        except ValueError:
            pass
        try:
            for i, boxed in items.pop(0):
                i
        except TypeError:
            pass
        except ValueError:
            pass
        except IndexError:
            pass
",
        &["items"],
        8,
    );
}

#[test]
fn cycles_are_collected_while_the_program_runs() {
    let mut thread = attached();
    let prepared = prepare(
        &mut thread,
        "
i = 0
while i < 200000:
    boxed = [i]
    boxed.append(boxed)
    def own():
        return own
    def make():
        def inner():
            return inner
        return inner
    make()
    i += 1
",
    );
    must(&mut thread, prepared);
    let before = thread.runtime().gc.stats();
    assert!(before.collected > 100_000, "{before:?}");
    assert!(thread.heap().committed_bytes() < 64 << 20, "{} bytes", thread.heap().committed_bytes());
    let faults = verify(&mut thread, false);
    assert!(faults.is_empty(), "{faults:#?}");
    ThreadState::detach(&thread);
}
