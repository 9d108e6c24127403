//! Expansions compiled and run against a toy runtime (`runtime.rs`) that has the names the real one has.
//!
//! The crate calls itself `orochi_objects`, so the paths in expansions resolve to the toy. The classes below use every
//! marker and every way to take an argument; the tests call the table entries as an interpreter would.

#![allow(unreachable_pub, dead_code, reason = "the toy runtime stands for a crate of its own")]

extern crate self as orochi_objects;

mod runtime;
pub use runtime::*;

use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use runtime::core::{Field, Trace as _};

/// A counter.
///
/// Second paragraph.
#[pyclass(name = "counter", module = "toys", subclassable, weakref)]
#[derive(Trace)]
pub struct Counter {
    start: i64,
    held: Option<Field>,
}

#[pymethods(parts(MORE))]
impl Counter {
    /// Not a function: passed through.
    const LIMIT: i64 = 100;

    #[new]
    #[signature(start=0, /, *, limit=Counter::LIMIT as "100")]
    fn new(_thread: &mut Thread, cls: &Obj<PyType>, start: i64, limit: i64) -> PyResult {
        assert_eq!(cls.0.0.spec.name, "counter");
        Ok(object(Self { start: start.min(limit), held: None }))
    }

    #[init]
    #[signature(*args)]
    fn init(this: &Obj<Self>, args: ArgSlice) {
        assert!(args.len() < 3 && this.start >= 0);
    }

    #[call]
    fn call(&self, x: i64) -> i64 {
        self.start + x
    }

    /// Add.
    fn add(this: &Obj<Self>, x: i64, y: Ref) -> PyResult<i64> {
        let Value::Int(y) = *y.0 else { return Err(PyErr("y".to_owned())) };
        Ok(this.start + x + y)
    }

    #[signature(x, /, start=2, *rest, key=None, deep=False, scale=1, sep=", ", **options)]
    #[rustfmt::skip]
    fn index(
        thread: &mut Thread, this: &Obj<Self>, x: &str, start: i64, rest: ArgSlice, key: Option<Ref<'_>>, deep: bool,
        scale: f64, sep: &str, options: KwArgs<'_>,
    ) -> String {
        let key = key.map(Ref::to_owned);
        format!("{} {} {x} {start} {} {key:?} {deep} {scale} {sep} {}", thread.calls, this.start, rest.len(), options.len())
    }

    #[signature(key, default=<missing>)]
    fn pop(this: Ref, key: i64, default: Option<i64>) -> Option<i64> {
        let _ = this;
        default.map(|default| default + key)
    }

    #[name = "None_"]
    #[signature(x=None, y=5, z=None)]
    fn defaults(&self, x: Ref, y: Option<i64>, z: Value) -> Option<i64> {
        assert_eq!((x.to_owned(), z), (Value::None, Value::None));
        y
    }

    #[text_signature = "(whatever)"]
    fn raw(thread: &mut Thread, this: &Obj<Self>, args: Args) -> usize {
        thread.calls += this.start as usize;
        args.positional.len() + 10 * args.keywords.len()
    }

    #[classmethod]
    fn from_x(cls: &Obj<PyType>, x: i64) -> PyResult {
        assert_eq!(cls.0.0.spec.name, "counter");
        Ok(object(Self { start: x, held: None }))
    }

    #[staticmethod]
    #[cfg(any(unix, windows))]
    fn helper(x: &str) -> bool {
        x.is_empty()
    }

    #[staticmethod]
    #[cfg(all(unix, windows))]
    fn nowhere(x: Nothing) {}

    /// The start.
    #[getter]
    fn start(this: &Obj<Self>) -> i64 {
        this.start
    }

    #[setter]
    fn set_start(_thread: &mut Thread, this: &Obj<Self>, value: Option<Ref>) -> PyResult<()> {
        let _ = this;
        value.map(|_| ()).ok_or_else(|| PyErr("deletion".to_owned()))
    }

    #[slot]
    fn tp_repr(this: &Obj<Self>) -> String {
        format!("counter({})", this.start)
    }

    #[slot]
    fn tp_hash(&self) -> i64 {
        self.start
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        thread.calls += 1;
        (thread.calls < 2).then_some(Value::Int(this.start))
    }

    #[slot(tp_richcompare)]
    fn compare(_this: &Obj<Self>, _other: Ref, _operation: CompareOp) -> bool {
        true
    }

    #[slot]
    fn sq_length(this: &Obj<Self>) -> PyResult<usize> {
        Ok(this.start as usize)
    }

    #[slot]
    fn mp_ass_subscript(
        thread: &mut Thread,
        this: &Obj<Self>,
        _key: Ref,
        value: Option<Ref>,
    ) -> PyResult<()> {
        thread.calls += usize::from(value.is_some()) + this.start as usize;
        Ok(())
    }

    #[slot]
    fn bf_releasebuffer(thread: &mut Thread, this: &Obj<Self>) {
        thread.calls += this.start as usize;
    }

    #[slot]
    fn nb_add(_thread: &mut Thread, left: Ref, _right: Ref) -> PyResult {
        Ok(left.to_owned())
    }
}

#[pymethods(part = MORE)]
impl Counter {
    fn clear(_thread: &mut Thread, _this: &Obj<Self>) {}

    #[slot]
    fn sq_item(this: &Obj<Self>, index: i64) -> i64 {
        this.start + index
    }
}

/// Has its base's payload first.
#[pyclass(base = Counter, no_methods, mutable)]
pub struct Derived(Counter, i64);

const ODD: runtime::core::Layout = runtime::core::Layout { size: 77, base: None };

/// Has a layout of its own.
#[pyclass(name = "odd", unsafe_layout = ODD, match_self, flags(LIST_SUBCLASS), no_methods)]
pub struct Odd;

mod angles {
    use super::*;

    /// Sine.
    #[pyfunction]
    #[signature(x, /)]
    pub(super) fn sin(x: f64) -> f64 {
        x.sin()
    }

    #[pyfunction]
    pub(super) fn count_all(thread: &mut Thread, args: Args<'_>) -> PyResult<Value> {
        thread.calls += 1;
        Ok(Value::Int(args.positional.len() as i64))
    }
}

#[pyfunction]
#[name = "type"]
fn r#type(thread: &mut Thread) -> usize {
    thread.calls
}

/// Toys.
#[pymodule(name = "toys", functions(angles::sin, angles::count_all, r#type, #[cfg(all(unix, windows))] nothing), classes(Counter, Derived))]
fn init(thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    thread.calls = 7;
    Ok(())
}

#[derive(Trace)]
enum Tree<T> {
    Leaf,
    Node {
        left: Field,
        label: i64,
        right: T,
    },
    Pair(
        Field,
        #[trace(unsafe_skip)]
        #[allow(dead_code, reason = "never read")]
        std::time::Duration,
        T,
    ),
}

fn method(name: &str) -> &'static MethodDef {
    let parts = <Counter as PyMethods>::PARTS;
    parts.iter().flat_map(|part| part.methods).find(|m| m.name == name).expect(name)
}

fn call(name: &str, positional: &[Value], keywords: &[(&str, Value)]) -> PyResult {
    (method(name).function)(&mut Thread::default(), Args { positional, keywords })
}

fn counter(start: i64) -> Value {
    object(Counter { start, held: Some(Field(Value::None)) })
}

fn slots() -> &'static Slots {
    &<Counter as PyMethods>::PARTS[0].slots
}

const NO_ARGS: Args<'static> = Args { positional: &[], keywords: &[] };

#[test]
fn class_is_described() {
    let spec = Counter::static_type().spec;
    assert_eq!((spec.name, spec.module), ("counter", "toys"));
    assert_eq!(spec.doc, "A counter.\n\nSecond paragraph.");
    assert_eq!(spec.flags, TypeFlags(1 | 2 | 4));
    assert!(spec.base.is_none());
    assert_eq!(spec.layout.size, size_of::<Counter>());
    assert_eq!(spec.parts.len(), 2);
    let derived = Derived::static_type().spec;
    assert_eq!((derived.name, derived.module, &derived.flags), ("Derived", "builtins", &TypeFlags(0)));
    assert_eq!(derived.base.map(|base| base().spec.name), Some("counter"));
    assert_eq!(std::mem::offset_of!(Derived, 0), 0);
    let base = derived.layout.base.expect("the base's layout");
    assert!(
        std::ptr::eq(base, spec.layout) && std::ptr::eq(base, <Counter as runtime::core::Payload>::LAYOUT)
    );
    let odd = Odd::static_type().spec;
    assert_eq!((odd.layout.size, &odd.flags), (77, &TypeFlags(4 | 8 | 16)));
}

#[test]
fn methods_bind_and_convert() {
    let this = counter(1);
    assert_eq!(call("add", &[this.clone(), Value::Int(2), Value::Int(3)], &[]), Ok(Value::Int(6)));
    let wrong = call("add", &[this.clone(), Value::None, Value::Int(3)], &[]);
    assert_eq!(wrong, Err(PyErr("add: x is wrong".to_owned())));
    assert_eq!(call("add", std::slice::from_ref(&this), &[]), Err(PyErr("add takes 2, not 0".to_owned())));
    let text = Value::Str("s".to_owned());
    let short = call("index", &[this.clone(), text.clone()], &[]);
    assert_eq!(short, Ok(Value::Str("1 1 s 2 0 None false 1 ,  0".to_owned())));
    let keywords = [("key", Value::Int(4)), ("deep", Value::Bool(true)), ("odd", Value::None)];
    let long = call("index", &[this.clone(), text, Value::Int(9), Value::None], &keywords);
    assert_eq!(long, Ok(Value::Str("1 1 s 9 1 Some(Int(4)) true 1 ,  1".to_owned())));
    let text = Value::Str("s".to_owned());
    let wrong = call("index", &[this.clone(), text], &[("sep", Value::None)]);
    assert_eq!(wrong, Err(PyErr("index: sep is wrong".to_owned())));
    assert_eq!(call("pop", &[this.clone(), Value::Int(1)], &[]), Ok(Value::None));
    assert_eq!(call("pop", &[this.clone(), Value::Int(1), Value::Int(2)], &[]), Ok(Value::Int(3)));
    assert_eq!(call("None_", std::slice::from_ref(&this), &[]), Ok(Value::Int(5)));
    assert_eq!(call("None_", &[this.clone(), Value::None, Value::None], &[]), Ok(Value::None));
    assert_eq!(call("raw", &[this.clone(), this.clone()], &[("k", Value::None)]), Ok(Value::Int(11)));
    assert_eq!(call("clear", &[this], &[]), Ok(Value::None));
    assert_eq!(call("clear", &[Value::Int(1)], &[]), Err(PyErr("counter".to_owned())));
    assert_eq!(call("helper", &[Value::Str(String::new())], &[]), Ok(Value::Bool(true)));
    let class = Value::Type(Counter::static_type());
    assert!(matches!(call("from_x", &[class, Value::Int(1)], &[]), Ok(Value::Object(_))));
}

#[test]
fn tables_say_what_python_shows() {
    let texts = [
        ("__new__", MethodKind::New, "(start=0, /, *, limit=100)"),
        ("add", MethodKind::Method, "($self, x, y, /)"),
        (
            "index",
            MethodKind::Method,
            "($self, x, /, start=2, *rest, key=None, deep=False, scale=1, sep=', ', **options)",
        ),
        ("pop", MethodKind::Method, "($self, /, key, default=<unrepresentable>)"),
        ("None_", MethodKind::Method, "($self, /, x=None, y=5, z=None)"),
        ("raw", MethodKind::Method, "(whatever)"),
        ("from_x", MethodKind::ClassMethod, "($type, x, /)"),
        ("helper", MethodKind::StaticMethod, "(x, /)"),
        ("clear", MethodKind::Method, "($self, /)"),
    ];
    for (name, kind, text) in texts {
        let method = method(name);
        assert_eq!((&method.kind, method.signature.text), (&kind, text));
    }
    assert_eq!(method("add").doc, "Add.");
    assert_eq!(method("add").signature.owner, Some("counter"));
    assert_eq!(
        (method("__new__").signature.function, method("__new__").signature.owner),
        ("counter", Some("counter"))
    );
    let required: Vec<bool> = method("index").signature.params.iter().map(|p| p.required).collect();
    assert_eq!(required, [true, false, false, false, false, false, false, false]);
}

#[test]
fn construction() {
    let class = Value::Type(Counter::static_type());
    let made = call("__new__", &[class, Value::Int(500)], &[]).expect("a counter");
    let this: &Obj<Counter> = slot_receiver(made.get()).expect("a counter");
    assert_eq!(this.start, 100);
    let thread = &mut Thread::default();
    assert_eq!(slots().tp_init.expect("init")(thread, made.get(), NO_ARGS), Ok(()));
    let args = Args { positional: &[Value::Int(1)], keywords: &[] };
    assert_eq!(slots().tp_call.expect("call")(thread, made.get(), args), Ok(Value::Int(101)));
    let wrong = slots().tp_call.expect("call")(thread, made.get(), NO_ARGS);
    assert_eq!(wrong, Err(PyErr("__call__ takes 1, not 0".to_owned())));
}

#[test]
fn slots_adapt() {
    let (this, thread) = (counter(4), &mut Thread::default());
    let this = this.get();
    let slots = slots();
    assert_eq!(slots.tp_repr.expect("slot")(thread, this), Ok(Value::Str("counter(4)".to_owned())));
    assert_eq!(slots.tp_hash.expect("slot")(thread, this), Ok(4));
    assert_eq!(slots.tp_iternext.expect("slot")(thread, this), Ok(Some(Value::Int(4))));
    assert_eq!(slots.tp_iternext.expect("slot")(thread, this), Ok(None));
    let compare = slots.tp_richcompare.expect("slot");
    assert_eq!(compare(thread, this, this, CompareOp::Lt), Ok(Value::Bool(true)));
    assert_eq!(slots.sq_length.expect("slot")(thread, this), Ok(4));
    assert_eq!(slots.sq_length.expect("slot")(thread, Ref::NONE), Err(PyErr("counter".to_owned())));
    assert_eq!(slots.mp_ass_subscript.expect("slot")(thread, this, this, None), Ok(()));
    assert_eq!(slots.nb_add.expect("slot")(thread, Ref::NONE, this), Ok(Value::None));
    slots.bf_releasebuffer.expect("slot")(thread, this);
    slots.bf_releasebuffer.expect("slot")(thread, Ref::NONE);
    assert_eq!(thread.calls, 10);
    assert!(slots.tp_str.is_none());
    let more = &<Counter as PyMethods>::PARTS[1].slots;
    assert_eq!(more.sq_item.expect("slot")(thread, this, 3), Ok(Value::Int(7)));
}

#[test]
fn attributes_pair_up() {
    let (this, thread) = (counter(4), &mut Thread::default());
    let [start] = <Counter as PyMethods>::PARTS[0].getset else { panic!("one attribute") };
    assert_eq!((start.name, start.doc), ("start", "The start."));
    assert_eq!(start.get.expect("getter")(thread, this.get()), Ok(Value::Int(4)));
    assert_eq!(start.set.expect("setter")(thread, this.get(), Some(Ref::NONE)), Ok(()));
    let deletion = start.set.expect("setter")(thread, this.get(), None);
    assert_eq!(deletion, Err(PyErr("deletion".to_owned())));
}

#[test]
fn module_lists_its_contents() {
    assert_eq!((MODULE.name, MODULE.doc), ("toys", "Toys."));
    let names: Vec<&str> = MODULE.functions.iter().map(|f| f.name).collect();
    assert_eq!(names, ["sin", "count_all", "type"]);
    let classes: Vec<&str> = MODULE.classes.iter().map(|class| class().spec.name).collect();
    assert_eq!(classes, ["counter", "Derived"]);
    let thread = &mut Thread::default();
    assert_eq!((MODULE.init)(thread, &Obj(PyModule)), Ok(()));
    assert_eq!((MODULE.functions[2].function)(thread, NO_ARGS), Ok(Value::Int(7)));
    let args = Args { positional: &[Value::Float(0.0)], keywords: &[] };
    assert_eq!((MODULE.functions[0].function)(thread, args), Ok(Value::Float(0.0)));
    assert_eq!((MODULE.functions[1].function)(thread, args), Ok(Value::Int(1)));
    let texts: Vec<&str> = MODULE.functions.iter().map(|f| f.signature.text).collect();
    assert_eq!(texts, ["($module, x, /)", "($module, /, *args, **kwargs)", "($module, /)"]);
}

#[derive(Trace)]
struct Plain {
    numbers: Option<i64>,
}

#[derive(Trace)]
enum Nothing {}

#[derive(Trace)]
struct Node {
    next: Option<Box<Node>>,
}

#[derive(Trace)]
#[trace(has_fields)]
struct Ping(Option<Box<Pong>>);

#[derive(Trace)]
struct Pong(Option<Box<Ping>>);

#[test]
fn every_field_is_traced() {
    const { assert!(!Plain::HAS_FIELDS && !Nothing::HAS_FIELDS) };
    const { assert!(Node::HAS_FIELDS && Ping::HAS_FIELDS && Pong::HAS_FIELDS) };
    const { assert!(Counter::HAS_FIELDS && Tree::<i64>::HAS_FIELDS) };
    let field = || Field(Value::None);
    let count = |tree: &Tree<Option<Field>>| {
        let mut count = 0;
        tree.trace(&mut |_| count += 1);
        count
    };
    assert_eq!(count(&Tree::Leaf), 0);
    assert_eq!(count(&Tree::Node { left: field(), label: 1, right: Some(field()) }), 2);
    assert_eq!(count(&Tree::Pair(field(), std::time::Duration::ZERO, None)), 1);
}
