//! The language against CPython: each program of `language/` prints what it finds. The outputs beside them were made by
//! CPython 3.14 (`python language/NAME.py > language/NAME.out`).

use orochi_core::Thread;
use orochi_core::thread::process_runtime;
use orochi_macros::pyfunction;
use orochi_objects::args::ArgSlice;
use orochi_objects::error::PyResult;
use orochi_objects::types::dict::DictExt;
use orochi_objects::types::{dict, native_function};
use orochi_objects::{protocol, str};
use orochi_vm::Interpreter;
use std::cell::RefCell;

thread_local! {
    static OUTPUT: RefCell<String> = const { RefCell::new(String::new()) };
}

#[pyfunction]
#[signature(*args)]
fn print(thread: &mut Thread, args: ArgSlice<'_>) -> PyResult<()> {
    let mut line = Vec::new();
    for arg in args.iter() {
        let text = protocol::str(thread, arg)?;
        line.push(str::display(text.get()));
    }
    OUTPUT.with_borrow_mut(|output| {
        output.push_str(&line.join(" "));
        output.push('\n');
    });
    Ok(())
}

fn run_on(thread: &mut Thread, source: &str) -> PyResult<()> {
    let interpreter = Interpreter::new(thread)?;
    orochi_vm::builtins::create(thread, &interpreter)?;
    let builtins = interpreter.builtins(thread)?;
    let function = native_function::new(thread, &__def_print, None, None)?;
    builtins.set_str(thread, str::intern(thread, "print")?, function)?;
    let globals = dict::new(thread)?;
    let name = str::new(thread, "__main__")?;
    globals.set_str(thread, str::intern(thread, "__name__")?, name)?;
    interpreter.run_source(thread, source, "<test>", &globals)?;
    Ok(())
}

/// What the program prints, and how it ended if it raised. On a stack of its own, as large as a program's main thread's.
fn run(source: &'static str) -> String {
    const STACK: usize = 8 << 20;
    let body = move || {
        let here = 0u8;
        let lowest = (&raw const here as usize).saturating_sub(STACK - (1 << 19));
        let mut thread = Thread::spawn_here(process_runtime(), lowest).expect("memory");
        if let Err(error) = run_on(&mut thread, source) {
            let exception = error.into_value(&mut thread);
            let text = protocol::str(&mut thread, exception.get()).map(|text| str::display(text.get()));
            let name = orochi_objects::class_of(exception.get()).name();
            OUTPUT.with_borrow_mut(|output| {
                output.push_str(&format!("program: {name}: {}\n", text.unwrap_or_default()));
            });
        }
        orochi_objects::thread::ThreadState::detach(&thread);
        OUTPUT.with_borrow(String::clone)
    };
    let started = std::thread::Builder::new().stack_size(STACK).spawn(body).expect("a thread");
    started.join().expect("no panic")
}

fn compare(name: &str, source: &'static str, expected: &str) {
    let output = run(source);
    let (mut ours, mut theirs) = (output.lines(), expected.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (ours.next(), theirs.next()) {
            (None, None) => return,
            (a, b) => assert_eq!(a, b, "{name}: line {number} of the output"),
        }
    }
}

macro_rules! programs {
    ($($name:ident)*) => { $(
        #[test]
        fn $name() {
            let source = include_str!(concat!("language/", stringify!($name), ".py"));
            compare(stringify!($name), source, include_str!(concat!("language/", stringify!($name), ".out")));
        }
    )* };
}

programs! {
    caches
    calls
    driven
    exceptions
    generators
    scopes
    shortcuts
}
