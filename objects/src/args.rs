//! Arguments of native functions: how they arrive, how they are bound to a signature, how they turn into Rust types.
//!
//! Arguments are words in consecutive registers of the caller: the positional ones, then the values of keyword
//! arguments, whose names are a tuple (CPython's vectorcall layout). They stay rooted there for the whole call.

use crate::error::{PyResult, type_error};
use crate::types::str::PyStr;
use crate::types::tuple::PyTuple;
use orochi_core::word::Word;
use orochi_core::{Obj, Ref, Thread, Value};
use std::marker::PhantomData;
use std::sync::OnceLock;

mod mismatch;

/// A native function as the interpreter calls it.
pub type NativeFn = fn(&mut Thread, Args<'_>) -> PyResult<Value>;

/// The arguments of one call.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    start: *const Word,
    positional: usize,
    names: Option<&'a Obj<PyTuple>>,
    _rooted: PhantomData<&'a Word>,
}

/// Positional arguments that were collected by `*args`.
pub type ArgSlice<'a> = Args<'a>;

/// Keyword arguments that were collected by `**kwargs`: pairs of name and value.
pub struct KwArgs<'a>(Vec<(&'a Obj<PyStr>, Ref<'a>)>);

impl<'a> Args<'a> {
    /// Arguments that lie in an array of references.
    #[inline]
    pub fn new(values: &'a [Ref<'a>]) -> Args<'a> {
        Args { start: values.as_ptr().cast(), positional: values.len(), names: None, _rooted: PhantomData }
    }

    /// Arguments that lie in an array of values.
    pub fn of_values(values: &'a [Value]) -> Args<'a> {
        Args { start: values.as_ptr().cast(), positional: values.len(), names: None, _rooted: PhantomData }
    }

    /// The same, of which the last `names.len()` are keyword arguments.
    #[inline]
    pub fn with_names(values: &'a [Ref<'a>], names: Option<&'a Obj<PyTuple>>) -> Args<'a> {
        let keywords = names.map_or(0, |names| names.len());
        Args {
            start: values.as_ptr().cast(),
            positional: values.len().saturating_sub(keywords),
            names,
            _rooted: PhantomData,
        }
    }

    /// Arguments that lie in registers.
    ///
    /// # Safety
    /// `positional` plus as many words as there are names are valid, not UNBOUND, and stay rooted for `'a`. (A safepoint
    /// may turn a borrowed word into a counted one; that is why they are read one by one through a raw pointer.)
    #[inline]
    pub unsafe fn from_registers(
        start: *const Word,
        positional: usize,
        names: Option<&'a Obj<PyTuple>>,
    ) -> Args<'a> {
        Args { start, positional, names, _rooted: PhantomData }
    }

    /// The number of positional arguments.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.positional
    }

    /// Whether there are no positional arguments.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.positional == 0
    }

    /// The i-th positional argument.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<Ref<'a>> {
        // SAFETY: within the arguments, which are rooted for 'a.
        (i < self.positional).then(|| unsafe { Ref::from_word(self.start.add(i).read_volatile()) })
    }

    /// The positional arguments.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Ref<'a>> + use<'a> {
        let args = *self;
        // In range, so the fallback is never taken.
        (0..self.positional).map(move |i| args.get(i).unwrap_or(Ref::NONE))
    }

    /// The positional arguments as an array of references.
    pub fn to_vec(&self) -> Vec<Ref<'a>> {
        self.iter().collect()
    }

    /// The names of the keyword arguments.
    #[inline]
    pub fn names(&self) -> Option<&'a Obj<PyTuple>> {
        self.names.filter(|names| !names.is_empty())
    }

    /// The number of keyword arguments.
    #[inline]
    pub fn keyword_count(&self) -> usize {
        self.names.map_or(0, |names| names.len())
    }

    /// The keyword arguments: name and value.
    #[inline]
    pub fn keywords(&self) -> impl Iterator<Item = (&'a Obj<PyStr>, Ref<'a>)> + use<'a> {
        let (start, positional) = (self.start, self.positional);
        self.names.into_iter().flat_map(|names| names.items()).enumerate().filter_map(move |(i, name)| {
            // SAFETY: keyword values follow the positional ones; rooted for 'a.
            let value = unsafe { Ref::from_word(start.add(positional + i).read_volatile()) };
            Some((name.downcast::<PyStr>()?, value))
        })
    }

    /// The first positional argument (a method's receiver), `None` the object if there is none.
    #[inline(always)]
    pub fn this(&self) -> Ref<'a> {
        self.get(0).unwrap_or(Ref::NONE)
    }

    /// The first positional argument (`None` the object if there is none), and the arguments without it.
    #[inline(always)]
    pub fn split(&self) -> (Ref<'a>, Args<'a>) {
        match self.get(0) {
            Some(first) => {
                // SAFETY: at most to the end of the arguments.
                let start = unsafe { self.start.add(1) };
                (first, Args { start, positional: self.positional - 1, ..*self })
            }
            None => (Ref::NONE, *self),
        }
    }

    /// The arguments without the first positional one.
    #[inline(always)]
    pub fn rest(&self) -> Args<'a> {
        let skip = self.positional.min(1);
        // SAFETY: at most to the end of the arguments.
        Args { start: unsafe { self.start.add(skip) }, positional: self.positional - skip, ..*self }
    }

    /// The positional arguments from `n` on, without keyword arguments.
    #[inline]
    pub fn skip(&self, n: usize) -> ArgSlice<'a> {
        let skip = self.positional.min(n);
        Args {
            // SAFETY: as above.
            start: unsafe { self.start.add(skip) },
            positional: self.positional - skip,
            names: None,
            ..*self
        }
    }

    /// The arguments if there are exactly `N` positional and no keyword ones.
    #[inline(always)]
    pub fn exact<const N: usize>(&self) -> Option<[Ref<'a>; N]> {
        if self.positional == N && self.keyword_count() == 0 {
            // SAFETY: as in `get`.
            Some(std::array::from_fn(|i| unsafe { Ref::from_word(self.start.add(i).read_volatile()) }))
        } else {
            None
        }
    }

    /// Raises if there are keyword arguments.
    pub fn no_keywords(&self, function: &str) -> PyResult<()> {
        match self.keyword_count() {
            0 => Ok(()),
            _ => Err(type_error(format!("{function}() takes no keyword arguments"))),
        }
    }

    /// Owned copies of everything, positional then keyword values.
    pub fn all_values(&self) -> Vec<Value> {
        self.iter().map(Ref::to_owned).chain(self.keywords().map(|(_, value)| value.to_owned())).collect()
    }

    /// Everything, positional then keyword values, with `first` put before.
    pub fn prepend(&self, first: Ref<'a>) -> Vec<Ref<'a>> {
        std::iter::once(first).chain(self.iter()).chain(self.keywords().map(|(_, value)| value)).collect()
    }

    /// Runs `f` with the same arguments after `first`.
    #[inline]
    pub fn with_first<R>(&self, first: Ref<'a>, f: impl FnOnce(Args<'_>) -> R) -> R {
        const FEW: usize = 8;
        let total = self.positional + self.keyword_count();
        if total >= FEW {
            return f(Args::with_names(&self.prepend(first), self.names()));
        }
        let mut all = [first; FEW];
        for (i, place) in all.iter_mut().skip(1).take(total).enumerate() {
            // SAFETY: keyword values follow the positional arguments; rooted for 'a.
            *place = unsafe { Ref::from_word(self.start.add(i).read_volatile()) };
        }
        f(Args::with_names(all.get(..=total).unwrap_or(&all), self.names()))
    }

    /// The positional arguments beyond those that `signature` names.
    #[inline]
    pub fn var_args(&self, signature: &'static Signature) -> ArgSlice<'a> {
        self.skip(signature.positional_params())
    }

    /// The keyword arguments that `signature` doesn't name.
    pub fn var_kwargs(&self, signature: &'static Signature) -> KwArgs<'a> {
        if self.keyword_count() == 0 {
            return KwArgs(Vec::new());
        }
        KwArgs(self.keywords().filter(|(name, _)| signature.keyword_index(name).is_none()).collect())
    }
}

impl<'a> KwArgs<'a> {
    /// The pairs.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (&'a Obj<PyStr>, Ref<'a>)> + '_ {
        self.0.iter().copied()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How a parameter may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// By position only.
    PositionalOnly,
    /// By position or name.
    PositionalOrKeyword,
    /// `*args`.
    VarArgs,
    /// By name only.
    KeywordOnly,
    /// `**kwargs`.
    VarKwargs,
}

/// A parameter of a native function.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// How it may be given.
    pub kind: ParamKind,
    /// Whether it must be given.
    pub required: bool,
}

/// The signature of a native function (without the receiver).
#[derive(Debug)]
pub struct Signature {
    /// The function's name.
    pub function: &'static str,
    /// Its class's name, for methods.
    pub owner: Option<&'static str>,
    /// The parameters, in order.
    pub params: &'static [Param],
    /// `__text_signature__`.
    pub text: &'static str,
    /// The module that a function is in, for messages; known when the module is created.
    module: OnceLock<&'static str>,
}

impl Signature {
    /// A signature. A class's own has the class's name as `function` and as `owner`.
    #[inline]
    pub const fn new(
        function: &'static str,
        owner: Option<&'static str>,
        params: &'static [Param],
        text: &'static str,
    ) -> Signature {
        Signature { function, owner, params, text, module: OnceLock::new() }
    }

    /// Says which module the function is in; the first one counts.
    pub(crate) fn set_module(&self, name: &'static str) {
        let _ = self.module.set(name);
    }

    #[inline]
    fn positional_params(&self) -> usize {
        let positional =
            |param: &&Param| matches!(param.kind, ParamKind::PositionalOnly | ParamKind::PositionalOrKeyword);
        self.params.iter().filter(positional).count()
    }

    fn has(&self, kind: ParamKind) -> bool {
        self.params.iter().any(|param| param.kind == kind)
    }

    /// The index (among the bound parameters) of the one that a keyword names.
    fn keyword_index(&self, name: &Obj<PyStr>) -> Option<usize> {
        self.bound_params().position(|param| {
            matches!(param.kind, ParamKind::PositionalOrKeyword | ParamKind::KeywordOnly)
                && name.as_bytes() == param.name.as_bytes()
        })
    }

    fn bound_params(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(|param| !matches!(param.kind, ParamKind::VarArgs | ParamKind::VarKwargs))
    }

    /// Binds arguments to the parameters that are neither `*` nor `**`. `N` is their number.
    ///
    /// TypeError with CPython's wording when they don't fit.
    pub fn bind<'a, const N: usize>(
        &'static self,
        _thread: &mut Thread,
        args: &Args<'a>,
    ) -> PyResult<[Option<Ref<'a>>; N]> {
        let mut bound = [None; N];
        let positional = self.positional_params();
        if args.len() > positional && !self.has(ParamKind::VarArgs) {
            return Err(self.mismatch(args));
        }
        for (slot, value) in bound.iter_mut().zip(args.iter()).take(positional) {
            *slot = Some(value);
        }
        for (name, value) in args.keywords() {
            match self.keyword_index(name).and_then(|i| bound.get_mut(i)) {
                Some(slot @ None) => *slot = Some(value),
                None if self.has(ParamKind::VarKwargs) => {}
                _ => return Err(self.mismatch(args)),
            }
        }
        if self.bound_params().zip(&bound).any(|(param, slot)| param.required && slot.is_none()) {
            return Err(self.mismatch(args));
        }
        Ok(bound)
    }
}

/// Where an argument came from, for messages.
#[derive(Clone, Copy)]
pub struct ArgContext {
    /// The function's signature.
    pub signature: &'static Signature,
    /// The parameter's index in the signature.
    pub index: usize,
}

impl ArgContext {
    /// TypeError "f() argument 'x' must be str, not int".
    #[cold]
    pub fn wrong_type(&self, expected: &str, value: Ref<'_>) -> crate::error::PyErr {
        let param = self.signature.params.get(self.index);
        let which = match param {
            Some(param) if param.kind != ParamKind::PositionalOnly => format!(" '{}'", param.name),
            _ if self.signature.bound_params().count() == 1 => String::new(),
            _ => format!(" {}", self.index + 1),
        };
        let given = if value.is_none() { "None" } else { &crate::class_of(value).name() };
        type_error(format!("{}() argument{which} must be {expected}, not {given}", self.signature.function))
    }
}

/// A Rust type that an argument can turn into.
pub trait FromArg<'a>: Sized {
    /// Converts; raises TypeError, OverflowError, … with CPython's wording.
    fn from_arg(thread: &mut Thread, value: Ref<'a>, context: ArgContext) -> PyResult<Self>;
}

/// Converts a bound parameter that must have been given.
#[inline]
pub fn required<'a, T: FromArg<'a>>(
    thread: &mut Thread,
    slot: Option<Ref<'a>>,
    context: ArgContext,
) -> PyResult<T> {
    match slot {
        Some(value) => T::from_arg(thread, value, context),
        None => Err(type_error(format!("{}() missing a required argument", context.signature.function))),
    }
}

/// Converts a bound parameter that may be missing.
#[inline]
pub fn optional<'a, T: FromArg<'a>>(
    thread: &mut Thread,
    slot: Option<Ref<'a>>,
    context: ArgContext,
    default: fn() -> T,
) -> PyResult<T> {
    match slot {
        Some(value) => T::from_arg(thread, value, context),
        None => Ok(default()),
    }
}
