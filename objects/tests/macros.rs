//! Native code as an author writes it, called as Python would: binding, conversion, and the wording when it fails.
//!
//! The expected messages are CPython 3.14's for C functions with the same signatures.

use orochi_core::thread::process_runtime;
use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use orochi_objects::{
    ArgSlice, Args, DictExt, KwArgs, ModuleExt, Obj, PyClass, PyModule, PyResult, PyType, Ref, Thread,
    TypeExt, Value, alloc, int, protocol, str, tuple,
};

/// Counts.
#[pyclass(name = "counter", module = "toys", subclassable)]
#[derive(Trace)]
struct Counter {
    start: i64,
}

#[pymethods]
impl Counter {
    #[new]
    #[signature(start=0, /)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, start: i64) -> PyResult {
        Ok(alloc(thread, cls, Self { start })?.into_value())
    }

    fn append(this: &Obj<Self>, x: i64) -> i64 {
        this.start + x
    }

    fn clear(_this: &Obj<Self>) {}

    fn insert(this: &Obj<Self>, x: Ref, y: Ref) -> i64 {
        let _ = (x, y);
        this.start
    }

    #[signature(x=-1, /)]
    fn pop(this: &Obj<Self>, x: i64) -> i64 {
        this.start + x
    }

    #[signature(x, start=0, stop=9, /)]
    fn index(&self, x: i64, start: i64, stop: i64) -> i64 {
        self.start + x + start + stop
    }

    #[signature(sep=None, maxsplit=-1)]
    fn split(&self, sep: Option<&str>, maxsplit: i64) -> String {
        format!("{sep:?} {maxsplit}")
    }

    #[signature(iterable, /, start=<missing>)]
    fn sum(&self, iterable: Ref, start: Option<i64>) -> String {
        let _ = iterable;
        format!("{start:?}")
    }

    #[signature(a, b, *, rel=1.0, abs=False)]
    fn isclose(&self, a: f64, b: f64, rel: f64, abs: bool) -> String {
        format!("{a} {b} {rel} {abs}")
    }

    #[signature(*values, sep=" ", **options)]
    fn print(&self, values: ArgSlice<'_>, sep: &str, options: KwArgs<'_>) -> String {
        format!("{}{sep}{}", values.len(), options.iter().count())
    }

    #[signature(a, /, b, *, c)]
    fn kwonly(&self, a: Ref, b: Ref, c: i64) -> i64 {
        let _ = (a, b);
        c
    }

    #[getter]
    fn start(&self) -> i64 {
        self.start
    }

    #[slot]
    fn tp_repr(&self) -> String {
        format!("counter({})", self.start)
    }

    #[slot]
    fn sq_length(&self) -> usize {
        3
    }
}

#[pyfunction]
#[signature(x, /)]
fn sqrt(x: f64) -> f64 {
    x.sqrt()
}

#[pyfunction]
fn time() -> f64 {
    0.5
}

#[pyfunction]
fn gcd(args: ArgSlice<'_>) -> usize {
    args.len()
}

#[pyfunction]
fn raw(_thread: &mut Thread, args: Args<'_>) -> PyResult {
    Ok(args.get(0).unwrap_or(Ref::NONE).to_owned())
}

/// Toys.
#[pymodule(name = "toys", functions(sqrt, time, gcd, raw), classes(Counter))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "answer", 42_i64)
}

/// A name of a module or class, or an attribute of any other object.
fn find(thread: &mut Thread, object: Ref<'_>, name: &str) -> PyResult {
    if let Some(class) = object.downcast::<PyType>() {
        let name = str::intern(thread, name)?;
        return Ok(class.lookup(thread, name).map_or(Value::NONE, Ref::to_owned));
    }
    let Some(module) = object.downcast::<PyModule>() else {
        return protocol::get_attr_str(thread, object, name);
    };
    let name = str::intern(thread, name)?;
    let namespace = module.namespace(thread).to_owned();
    let found = namespace.get_str(thread, name).map(Ref::to_owned);
    Ok(found.unwrap_or(Value::NONE))
}

/// Calls an attribute of `object` and shows what comes out: str of the result, or the exception's text.
fn call(
    thread: &mut Thread,
    object: Ref<'_>,
    name: &str,
    positional: &[i64],
    keywords: &[(&str, i64)],
) -> String {
    let run = |thread: &mut Thread| -> PyResult<String> {
        let callable = find(thread, object, name)?;
        let mut values = Vec::new();
        for number in positional.iter().chain(keywords.iter().map(|(_, number)| number)) {
            values.push(int::new(thread, *number)?);
        }
        let mut names = Vec::new();
        for (name, _) in keywords {
            names.push(str::new(thread, name)?);
        }
        let names = tuple::new(thread, names)?;
        let values: Vec<Ref<'_>> = values.iter().map(Value::get).collect();
        let result = protocol::call_args(thread, callable.get(), Args::with_names(&values, Some(&names)))?;
        Ok(str::display(protocol::str(thread, result.get())?.get()))
    };
    run(thread).unwrap_or_else(|error| {
        let error = error.into_value(thread);
        let text = protocol::str(thread, error.get()).map(|text| str::display(text.get()));
        text.unwrap_or_else(|_| "?".to_owned())
    })
}

type Case<'a> = (&'a str, &'a [i64], &'a [(&'a str, i64)], &'a str);

const METHODS: &[Case<'_>] = &[
    ("append", &[2], &[], "7"),
    ("append", &[], &[], "counter.append() takes exactly one argument (0 given)"),
    ("append", &[1, 2], &[], "counter.append() takes exactly one argument (2 given)"),
    ("append", &[1], &[("x", 1)], "counter.append() takes no keyword arguments"),
    ("clear", &[], &[], "None"),
    ("clear", &[1], &[], "counter.clear() takes no arguments (1 given)"),
    ("insert", &[1, 2], &[], "5"),
    ("insert", &[1], &[], "insert expected 2 arguments, got 1"),
    ("insert", &[1, 2, 3], &[], "insert expected 2 arguments, got 3"),
    ("insert", &[1], &[("x", 2)], "counter.insert() takes no keyword arguments"),
    ("pop", &[], &[], "4"),
    ("pop", &[1, 2], &[], "pop expected at most 1 argument, got 2"),
    ("index", &[1], &[], "15"),
    ("index", &[], &[], "index expected at least 1 argument, got 0"),
    ("index", &[1, 2, 3, 4], &[], "index expected at most 3 arguments, got 4"),
    ("split", &[], &[("maxsplit", 4)], "None 4"),
    ("split", &[], &[], "None -1"),
    ("split", &[1, 2, 3], &[], "split() takes at most 2 arguments (3 given)"),
    ("split", &[], &[("foo", 3)], "split() got an unexpected keyword argument 'foo'"),
    ("split", &[1], &[("sep", 1)], "argument for split() given by name ('sep') and position (1)"),
    ("sum", &[1], &[], "None"),
    ("sum", &[1], &[("start", 2)], "Some(2)"),
    ("sum", &[], &[], "sum() takes at least 1 positional argument (0 given)"),
    ("sum", &[], &[("foo", 1)], "sum() takes at least 1 positional argument (0 given)"),
    ("sum", &[1, 2, 3], &[], "sum() takes at most 2 arguments (3 given)"),
    ("isclose", &[1], &[("b", 2)], "1 2 1 false"),
    ("isclose", &[1], &[], "isclose() missing required argument 'b' (pos 2)"),
    ("isclose", &[1, 2, 3], &[], "isclose() takes exactly 2 positional arguments (3 given)"),
    ("isclose", &[1, 2], &[("a", 3)], "argument for isclose() given by name ('a') and position (1)"),
    ("isclose", &[1, 2], &[("foo", 3)], "isclose() got an unexpected keyword argument 'foo'"),
    (
        "isclose",
        &[],
        &[("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1)],
        "isclose() takes at most 4 keyword arguments (5 given)",
    ),
    ("print", &[1, 2], &[("odd", 3)], "2 1"),
    ("kwonly", &[1, 2], &[("c", 3)], "3"),
    ("kwonly", &[1, 2], &[], "kwonly() missing required argument 'c' (pos 3)"),
    ("kwonly", &[1, 2, 3], &[], "kwonly() takes exactly 2 positional arguments (3 given)"),
    ("kwonly", &[], &[], "kwonly() takes at least 1 positional argument (0 given)"),
    ("kwonly", &[1, 2, 3], &[("c", 3), ("foo", 4)], "kwonly() takes at most 3 arguments (5 given)"),
];

const FUNCTIONS: &[Case<'_>] = &[
    ("sqrt", &[4], &[], "2.0"),
    ("sqrt", &[], &[], "toys.sqrt() takes exactly one argument (0 given)"),
    ("sqrt", &[1], &[("x", 1)], "toys.sqrt() takes no keyword arguments"),
    ("time", &[], &[], "0.5"),
    ("time", &[1], &[], "toys.time() takes no arguments (1 given)"),
    ("time", &[], &[("x", 1)], "toys.time() takes no keyword arguments"),
    ("gcd", &[1, 2, 3], &[], "3"),
    ("gcd", &[], &[("x", 1)], "toys.gcd() takes no keyword arguments"),
    ("raw", &[7], &[("x", 1)], "7"),
    ("counter", &[5], &[], "counter(5)"),
    ("counter", &[1, 2], &[], "counter expected at most 1 argument, got 2"),
    ("counter", &[], &[("x", 1)], "counter() takes no keyword arguments"),
];

#[test]
fn calls_bind_or_say_why_not() {
    let Some(mut thread) = Thread::spawn_here(process_runtime(), 0) else { panic!("no memory") };
    let thread = &mut *thread;
    let module = MODULE.create(thread).unwrap();
    let five = int::new(thread, 5).unwrap();
    let counter = protocol::call(thread, Counter::static_type().get().get(), &[five.get()]).unwrap();
    for (object, cases) in [(counter.get(), METHODS), (module.get(), FUNCTIONS)] {
        for (name, positional, keywords, expected) in cases {
            assert_eq!(call(thread, object, name, positional, keywords), *expected, "{name}");
        }
    }
    let class = Counter::static_type().get().get();
    assert_eq!(call(thread, class, "append", &[], &[]), "unbound method counter.append() needs an argument");
    let wrong = "descriptor 'append' for 'toys.counter' objects doesn't apply to a 'int' object";
    assert_eq!(call(thread, class, "append", &[1, 2], &[]), wrong);
    let wrong = "toys.counter.__new__(X): X is not a type object (int)";
    assert_eq!(call(thread, class, "__new__", &[1], &[]), wrong);
    assert_eq!(call(thread, class, "__new__", &[], &[]), "toys.counter.__new__(): not enough arguments");
    let start = protocol::get_attr_str(thread, counter.get(), "start").unwrap();
    assert_eq!(int::value(start.get()).and_then(|_| start.get().as_small_int()), Some(5));
    assert_eq!(protocol::len(thread, counter.get()).unwrap(), 3);
    let method = protocol::get_attr_str(thread, counter.get(), "isclose").unwrap();
    let text = protocol::get_attr_str(thread, method.get(), "__text_signature__").unwrap();
    assert_eq!(str::display(text.get()), "($self, /, a, b, *, rel=1.0, abs=False)");
}
