//! Numbers, text and bytes against CPython: each program of `values/` evaluates expressions and prints what they give or
//! raise. The outputs beside them were made by CPython 3.14 (`python values/NAME.py > values/NAME.out`).

use orochi_core::Thread;
use orochi_core::thread::process_runtime;
use orochi_macros::pyfunction;
use orochi_objects::args::ArgSlice;
use orochi_objects::error::PyResult;
use orochi_objects::types::dict::DictExt;
use orochi_objects::types::{dict, native_function};
use orochi_objects::{PyClass, StaticType, protocol, str};
use orochi_objects::{Ref, types};
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

#[pyfunction]
fn repr(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    protocol::repr(thread, object)
}

#[pyfunction]
fn hash(thread: &mut Thread, object: Ref<'_>) -> PyResult<i64> {
    protocol::hash(thread, object)
}

#[pyfunction]
fn len(thread: &mut Thread, object: Ref<'_>) -> PyResult<usize> {
    protocol::len(thread, object)
}

#[pyfunction]
fn name_of(_thread: &mut Thread, object: Ref<'_>) -> String {
    orochi_objects::class_of(object).name().into_owned()
}

#[pyfunction]
#[signature(object, spec="", /)]
fn format(thread: &mut Thread, object: Ref<'_>, spec: &str) -> PyResult {
    types::str_::format::format_with(thread, object, spec.as_ref())
}

/// Test threads have 2 MiB of stack.
fn lowest_address() -> usize {
    let here = 0u8;
    (&raw const here as usize).saturating_sub(1 << 20)
}

fn classes() -> Vec<&'static StaticType> {
    vec![
        types::int::PyInt::static_type(),
        types::bool::PyBool::static_type(),
        types::float::PyFloat::static_type(),
        types::complex::PyComplex::static_type(),
        types::str::PyStr::static_type(),
        types::bytes::PyBytes::static_type(),
        types::bytearray::PyByteArray::static_type(),
        types::memoryview::PyMemoryView::static_type(),
        types::list::PyList::static_type(),
        types::tuple::PyTuple::static_type(),
        types::dict::PyDict::static_type(),
        types::slice::PySlice::static_type(),
        types::r#type::PyType::static_type(),
        types::exception::PyBaseException::static_type(),
    ]
}

fn run(source: &str) -> String {
    OUTPUT.with_borrow_mut(String::clear);
    let mut thread = Thread::spawn_here(process_runtime(), lowest_address()).expect("memory");
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
}

fn run_on(thread: &mut Thread, source: &str) -> PyResult<()> {
    let interpreter = Interpreter::new(thread)?;
    let builtins = interpreter.builtins(thread)?;
    for function in [&__def_print, &__def_repr, &__def_hash, &__def_len, &__def_name_of, &__def_format] {
        let object = native_function::new(thread, function, None, None)?;
        builtins.set_str(thread, str::intern(thread, function.name)?, object)?;
    }
    for class in types::exception::ALL.iter().copied().chain(classes()) {
        builtins.set_str(thread, str::intern(thread, class.spec().name)?, class.get().to_value())?;
    }
    let globals = dict::new(thread)?;
    let name = str::new(thread, "__main__")?;
    globals.set_str(thread, str::intern(thread, "__name__")?, name)?;
    interpreter.run_source(thread, source, "<test>", &globals)?;
    Ok(())
}

/// Compares line by line, so that all differences are told at once.
fn compare(source: &str, expected: &str) {
    let output = run(source);
    let mut differences = Vec::new();
    let (mut got, mut wanted) = (output.lines(), expected.lines());
    loop {
        match (got.next(), wanted.next()) {
            (None, None) => break,
            (a, b) if a == b => {}
            (a, b) => differences.push(format!("got    {}\nwanted {}", a.unwrap_or("-"), b.unwrap_or("-"))),
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

macro_rules! programs {
    ($($name:ident),* $(,)?) => { $(
        #[test]
        fn $name() {
            compare(
                include_str!(concat!("values/", stringify!($name), ".py")),
                include_str!(concat!("values/", stringify!($name), ".out")),
            );
        }
    )* };
}
programs!(numbers, text, bytes, growth);
