//! A toy runtime with the names and types that expansions use, just large enough to run them: values are an enum,
//! objects are leaked, there are no threads.

#![allow(clippy::type_complexity, reason = "a slot's type is written where the slot is")]

use std::any::Any;
use std::marker::PhantomData;
use std::ops::Deref;

pub mod core {
    use super::Value;
    pub struct Field(pub Value);
    pub struct Layout {
        pub size: usize,
        pub base: Option<&'static Layout>,
    }
    impl Layout {
        pub const fn of<T>() -> Self {
            Self { size: size_of::<T>(), base: None }
        }
        pub const fn with_base(self, base: &'static Layout) -> Self {
            Self { base: Some(base), ..self }
        }
    }
    /// # Safety
    /// The layout is the type's.
    pub unsafe trait Payload: 'static {
        const LAYOUT: &'static Layout;
    }
    /// # Safety
    /// Every field is visited.
    pub unsafe trait Trace {
        const HAS_FIELDS: bool = true;
        fn trace(&self, visit: &mut dyn FnMut(&Field));
    }
    // SAFETY: the reference itself.
    unsafe impl Trace for Field {
        fn trace(&self, visit: &mut dyn FnMut(&Field)) {
            visit(self);
        }
    }
    // SAFETY: holds no field.
    unsafe impl Trace for i64 {
        const HAS_FIELDS: bool = false;
        fn trace(&self, _: &mut dyn FnMut(&Field)) {}
    }
    // SAFETY: what is in the box is visited.
    unsafe impl<T: Trace> Trace for Box<T> {
        const HAS_FIELDS: bool = T::HAS_FIELDS;
        fn trace(&self, visit: &mut dyn FnMut(&Field)) {
            (**self).trace(visit);
        }
    }
    // SAFETY: every element is visited.
    unsafe impl<T: Trace> Trace for Option<T> {
        const HAS_FIELDS: bool = T::HAS_FIELDS;
        fn trace(&self, visit: &mut dyn FnMut(&Field)) {
            self.iter().for_each(|item| item.trace(visit));
        }
    }
}

#[derive(Clone, Debug)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Type(&'static StaticType),
    Object(&'static (dyn Any + Send + Sync)),
}
impl Value {
    pub const NONE: Self = Self::None;
    pub fn get(&self) -> Ref<'_> {
        Ref(self)
    }
}
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

#[derive(Clone, Copy)]
pub struct Ref<'a>(pub &'a Value);
impl Ref<'_> {
    pub const NONE: Ref<'static> = Ref(&Value::None);
    pub fn to_owned(self) -> Value {
        self.0.clone()
    }
}

#[derive(Debug, PartialEq)]
pub struct PyErr(pub String);
pub type PyResult<T = Value> = Result<T, PyErr>;
fn error<T>(text: impl Into<String>) -> PyResult<T> {
    Err(PyErr(text.into()))
}

#[derive(Default)]
pub struct Thread {
    pub calls: usize,
}

pub struct Obj<T>(pub T);
impl<T> Deref for Obj<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}
pub fn object<T: Send + Sync + 'static>(payload: T) -> Value {
    Value::Object(Box::leak(Box::new(Obj(payload))))
}

pub struct PyType(pub &'static StaticType);
pub struct PyModule;

#[derive(Clone, Copy)]
pub struct Args<'a> {
    pub positional: &'a [Value],
    pub keywords: &'a [(&'a str, Value)],
}
pub type ArgSlice<'a> = &'a [Value];
pub type KwArgs<'a> = Vec<(&'a str, Ref<'a>)>;
impl<'a> Args<'a> {
    pub fn this(&self) -> Ref<'a> {
        Ref(&self.positional[0])
    }
    pub fn rest(&self) -> Self {
        Self { positional: &self.positional[1..], ..*self }
    }
    pub fn split(&self) -> (Ref<'a>, Self) {
        (self.this(), self.rest())
    }
    pub fn var_args(&self, signature: &'static Signature) -> ArgSlice<'a> {
        let named = signature
            .params
            .iter()
            .filter(|p| matches!(p.kind, ParamKind::PositionalOnly | ParamKind::PositionalOrKeyword));
        self.positional.get(named.count()..).unwrap_or_default()
    }
    pub fn var_kwargs(&self, signature: &'static Signature) -> KwArgs<'a> {
        let named = |name: &str| signature.params.iter().any(|p| p.name == name);
        self.keywords
            .iter()
            .filter(|(name, _)| !named(name))
            .map(|(name, value)| (*name, Ref(value)))
            .collect()
    }
}

pub type NativeFn = fn(&mut Thread, Args<'_>) -> PyResult<Value>;
pub type QuickFn = fn(&Thread) -> bool;
pub struct MethodDef {
    pub name: &'static str,
    pub kind: MethodKind,
    pub function: NativeFn,
    pub quick: Option<QuickFn>,
    pub signature: &'static Signature,
    pub doc: &'static str,
}
#[derive(Debug, PartialEq)]
pub enum MethodKind {
    Function,
    Method,
    ClassMethod,
    StaticMethod,
    New,
}
pub type Getter = fn(&mut Thread, Ref<'_>) -> PyResult<Value>;
pub type Setter = fn(&mut Thread, Ref<'_>, Option<Ref<'_>>) -> PyResult<()>;
pub struct GetSetDef {
    pub name: &'static str,
    pub get: Option<Getter>,
    pub set: Option<Setter>,
    pub doc: &'static str,
    pub member: bool,
}
pub struct Signature {
    pub function: &'static str,
    pub owner: Option<&'static str>,
    pub params: &'static [Param],
    pub text: &'static str,
}
pub struct Param {
    pub name: &'static str,
    pub kind: ParamKind,
    pub required: bool,
}
#[derive(PartialEq)]
pub enum ParamKind {
    PositionalOnly,
    PositionalOrKeyword,
    VarArgs,
    KeywordOnly,
    VarKwargs,
}
impl Signature {
    pub const fn new(
        function: &'static str,
        owner: Option<&'static str>,
        params: &'static [Param],
        text: &'static str,
    ) -> Self {
        Self { function, owner, params, text }
    }

    /// Positional arguments fill the places in order, keywords the rest; no checks beyond what the tests need.
    pub fn bind<'a, const N: usize>(
        &'static self,
        thread: &mut Thread,
        args: &Args<'a>,
    ) -> PyResult<[Option<Ref<'a>>; N]> {
        thread.calls += 1;
        let mut places = [None; N];
        let params =
            self.params.iter().filter(|p| !matches!(p.kind, ParamKind::VarArgs | ParamKind::VarKwargs));
        for (index, param) in params.enumerate() {
            let keyword = args.keywords.iter().find(|(name, _)| *name == param.name).map(|(_, value)| value);
            let positional = args.positional.get(index).filter(|_| param.kind != ParamKind::KeywordOnly);
            places[index] = keyword.or(positional).map(Ref);
        }
        Ok(places)
    }
}
pub struct ArgContext {
    pub signature: &'static Signature,
    pub index: usize,
}
impl ArgContext {
    fn name(&self) -> &'static str {
        let variadic = |p: &&Param| matches!(p.kind, ParamKind::VarArgs | ParamKind::VarKwargs);
        self.signature.params.iter().filter(|p| !variadic(p)).nth(self.index).map_or("?", |p| p.name)
    }
}
pub trait FromArg<'a>: Sized {
    fn from_arg(thread: &mut Thread, value: Ref<'a>, context: ArgContext) -> PyResult<Self>;
}
fn wrong<T>(context: &ArgContext) -> PyResult<T> {
    error(format!("{}: {} is wrong", context.signature.function, context.name()))
}
impl<'a> FromArg<'a> for Ref<'a> {
    fn from_arg(_: &mut Thread, value: Ref<'a>, _: ArgContext) -> PyResult<Self> {
        Ok(value)
    }
}
impl FromArg<'_> for Value {
    fn from_arg(_: &mut Thread, value: Ref<'_>, _: ArgContext) -> PyResult<Self> {
        Ok(value.to_owned())
    }
}
impl FromArg<'_> for i64 {
    fn from_arg(_: &mut Thread, value: Ref<'_>, context: ArgContext) -> PyResult<Self> {
        if let Value::Int(number) = value.0 { Ok(*number) } else { wrong(&context) }
    }
}
impl FromArg<'_> for f64 {
    fn from_arg(_: &mut Thread, value: Ref<'_>, context: ArgContext) -> PyResult<Self> {
        if let Value::Float(number) = value.0 { Ok(*number) } else { wrong(&context) }
    }
}
impl FromArg<'_> for bool {
    fn from_arg(_: &mut Thread, value: Ref<'_>, context: ArgContext) -> PyResult<Self> {
        if let Value::Bool(truth) = value.0 { Ok(*truth) } else { wrong(&context) }
    }
}
impl<'a> FromArg<'a> for &'a str {
    fn from_arg(_: &mut Thread, value: Ref<'a>, context: ArgContext) -> PyResult<Self> {
        if let Value::Str(text) = value.0 { Ok(text) } else { wrong(&context) }
    }
}
impl<'a, T: FromArg<'a>> FromArg<'a> for Option<T> {
    fn from_arg(thread: &mut Thread, value: Ref<'a>, context: ArgContext) -> PyResult<Self> {
        if *value.0 == Value::None { Ok(None) } else { T::from_arg(thread, value, context).map(Some) }
    }
}
pub fn required<'a, T: FromArg<'a>>(
    thread: &mut Thread,
    slot: Option<Ref<'a>>,
    context: ArgContext,
) -> PyResult<T> {
    match slot {
        Some(value) => T::from_arg(thread, value, context),
        None => error(format!("{} is missing", context.name())),
    }
}
pub fn optional<'a, T: FromArg<'a>>(
    thread: &mut Thread,
    slot: Option<Ref<'a>>,
    context: ArgContext,
    default: fn() -> T,
) -> PyResult<T> {
    slot.map_or_else(|| Ok(default()), |value| T::from_arg(thread, value, context))
}
pub fn exact_args<'a, const N: usize>(
    _: &mut Thread,
    args: &Args<'a>,
    signature: &'static Signature,
) -> PyResult<[Ref<'a>; N]> {
    let found: Option<&[Value; N]> = args.positional.try_into().ok();
    match found.filter(|_| args.keywords.is_empty()) {
        Some(values) => Ok(values.each_ref().map(Ref)),
        None => error(format!("{} takes {N}, not {}", signature.function, args.positional.len())),
    }
}

pub fn bind_args<'a, const N: usize>(
    thread: &mut Thread,
    args: &Args<'a>,
    signature: &'static Signature,
    required: usize,
    positional: usize,
) -> PyResult<[Option<Ref<'a>>; N]> {
    let given = args.positional.len();
    if args.keywords.is_empty() && (required..=positional).contains(&given) {
        return Ok(std::array::from_fn(|i| args.positional.get(i).map(Ref)));
    }
    signature.bind(thread, args)
}

/// The toy runtime has no subclasses with a `__new__` of their own.
pub fn init_args<'a, T: PyClass>(_this: Ref<'_>, args: Args<'a>) -> Args<'a> {
    args
}

pub trait IntoPy {
    fn into_py(self, thread: &mut Thread) -> PyResult<Value>;
}
macro_rules! into_py {
    ($($type:ty, $variant:expr);*) => {$(
        impl IntoPy for $type {
            fn into_py(self, _: &mut Thread) -> PyResult<Value> {
                Ok($variant(self))
            }
        }
    )*};
}
into_py!(bool, Value::Bool; i64, Value::Int; f64, Value::Float; String, Value::Str; (), |()| Value::None;
    Value, |value| value; usize, |number| Value::Int(number as i64); &str, |text: &str| Value::Str(text.to_owned()));
impl<T: IntoPy> IntoPy for Option<T> {
    fn into_py(self, thread: &mut Thread) -> PyResult<Value> {
        self.map_or(Ok(Value::None), |value| value.into_py(thread))
    }
}
impl<T: IntoPy> IntoPy for PyResult<T> {
    fn into_py(self, thread: &mut Thread) -> PyResult<Value> {
        self.and_then(|value| value.into_py(thread))
    }
}

pub fn slot_receiver<'a, T: PyClass>(this: Ref<'a>) -> PyResult<&'a Obj<T>> {
    match this.0 {
        Value::Object(object) => object.downcast_ref().map_or_else(|| error(T::NAME), Ok),
        _ => error(T::NAME),
    }
}
pub fn receiver<'a, T: PyClass>(
    _: &mut Thread,
    this: Ref<'a>,
    signature: &Signature,
) -> PyResult<&'a Obj<T>> {
    assert_eq!(signature.owner, Some(T::NAME));
    slot_receiver(this)
}
pub fn receiver_ref<'a, T: PyClass>(
    _: &mut Thread,
    this: Ref<'a>,
    _: &'static Signature,
) -> PyResult<Ref<'a>> {
    slot_receiver::<T>(this).map(|_| this)
}
pub fn type_receiver(this: Ref<'_>) -> PyResult<&Obj<PyType>> {
    let Value::Type(class) = this.0 else { return error("not a type") };
    Ok(Box::leak(Box::new(Obj(PyType(class)))))
}
pub type New = fn(&mut Thread, &Obj<PyType>, Args<'_>) -> PyResult<Value>;
pub fn call_new<T: PyClass>(thread: &mut Thread, args: Args<'_>, new: New) -> PyResult<Value> {
    new(thread, type_receiver(args.this())?, args.rest())
}

#[derive(Clone, Copy)]
pub enum CompareOp {
    Lt,
}
type Unary = fn(&mut Thread, Ref<'_>) -> PyResult<Value>;
type Binary = fn(&mut Thread, Ref<'_>, Ref<'_>) -> PyResult<Value>;
pub struct Slots {
    pub tp_new: Option<New>,
    pub tp_init: Option<fn(&mut Thread, Ref<'_>, Args<'_>) -> PyResult<()>>,
    pub tp_call: Option<fn(&mut Thread, Ref<'_>, Args<'_>) -> PyResult<Value>>,
    pub tp_repr: Option<Unary>,
    pub tp_str: Option<Unary>,
    pub tp_hash: Option<fn(&mut Thread, Ref<'_>) -> PyResult<i64>>,
    pub tp_iternext: Option<fn(&mut Thread, Ref<'_>) -> PyResult<Option<Value>>>,
    pub tp_richcompare: Option<fn(&mut Thread, Ref<'_>, Ref<'_>, CompareOp) -> PyResult<Value>>,
    pub sq_length: Option<fn(&mut Thread, Ref<'_>) -> PyResult<usize>>,
    pub sq_item: Option<fn(&mut Thread, Ref<'_>, i64) -> PyResult<Value>>,
    pub mp_ass_subscript: Option<fn(&mut Thread, Ref<'_>, Ref<'_>, Option<Ref<'_>>) -> PyResult<()>>,
    pub nb_add: Option<Binary>,
    pub bf_releasebuffer: Option<fn(&mut Thread, Ref<'_>)>,
}
impl Slots {
    pub const EMPTY: Self = Self {
        tp_new: None,
        tp_init: None,
        tp_call: None,
        tp_repr: None,
        tp_str: None,
        tp_hash: None,
        tp_iternext: None,
        tp_richcompare: None,
        sq_length: None,
        sq_item: None,
        mp_ass_subscript: None,
        nb_add: None,
        bf_releasebuffer: None,
    };
}
pub struct MethodPart {
    pub slots: Slots,
    pub methods: &'static [MethodDef],
    pub getset: &'static [GetSetDef],
    pub construction: &'static str,
}
pub trait PyMethods {
    const PARTS: &'static [&'static MethodPart];
}
pub trait PyClass: core::Payload {
    const NAME: &'static str;
    const MODULE: &'static str;
    fn static_type() -> &'static StaticType;
}
#[derive(PartialEq, Debug)]
pub struct TypeFlags(pub u32);
impl TypeFlags {
    pub const EMPTY: Self = Self(0);
    pub const SUBCLASSABLE: Self = Self(1);
    pub const WEAKREF: Self = Self(2);
    pub const IMMUTABLE: Self = Self(4);
    pub const MATCH_SELF: Self = Self(8);
    pub const LIST_SUBCLASS: Self = Self(16);
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
pub struct TypeSpec {
    pub name: &'static str,
    pub module: &'static str,
    pub doc: &'static str,
    pub base: Option<fn() -> &'static StaticType>,
    pub layout: &'static core::Layout,
    pub flags: TypeFlags,
    pub match_args: &'static [&'static str],
    pub quick: Option<QuickFn>,
    pub parts: &'static [&'static MethodPart],
}
pub struct StaticType {
    pub spec: &'static TypeSpec,
    not_built: PhantomData<()>,
}
impl std::fmt::Debug for StaticType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.spec.name)
    }
}
impl StaticType {
    pub const fn new(spec: &'static TypeSpec) -> Self {
        Self { spec, not_built: PhantomData }
    }
}
pub struct ModuleDef {
    pub name: &'static str,
    pub doc: &'static str,
    pub functions: &'static [&'static MethodDef],
    pub classes: &'static [fn() -> &'static StaticType],
    pub init: fn(&mut Thread, &Obj<PyModule>) -> PyResult<()>,
}
