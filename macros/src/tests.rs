//! Wrong uses of the macros and what they are told, and how large an expansion is.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{class, function, methods, module, trace};

fn message(result: syn::Result<TokenStream>) -> String {
    match result {
        Ok(tokens) => format!("no error: {tokens}"),
        Err(error) => error.to_string(),
    }
}

fn function_error(tokens: TokenStream) -> String {
    message(function::expand_pyfunction(TokenStream::new(), tokens))
}

fn methods_error(options: &str, item: TokenStream) -> String {
    message(methods::expand(tokens(options), item))
}

fn tokens(source: &str) -> TokenStream {
    source.parse().unwrap_or_else(|error| panic!("{source}: {error}"))
}

#[track_caller]
fn assert_says(message: &str, part: &str) {
    assert!(message.contains(part), "{message:?} should contain {part:?}");
}

#[test]
fn wrong_signatures() {
    let cases = [
        (quote!(x, /), quote!(y: Ref), "the function's parameter in this place is `y`"),
        (quote!(x, y), quote!(x: Ref), "has no parameter for this"),
        (quote!(x), quote!(x: Ref, y: Ref), "`y` is missing in #[signature]"),
        (quote!(/, x), quote!(x: Ref), "`/` stands once"),
        (quote!(x, *), quote!(x: Ref), "has to follow a bare `*`"),
        (quote!(*x, *y), quote!(x: ArgSlice, y: ArgSlice), "only one `*`"),
        (quote!(**x, y), quote!(x: KwArgs, y: Ref), "nothing may follow"),
        (quote!(x = 1, y), quote!(x: i64, y: i64), "without a default follows"),
        (quote!(x, x), quote!(x: i64, x: i64), "is there twice"),
        (quote!(x = ), quote!(x: i64), "a default is missing"),
        (quote!(x = <gone>), quote!(x: i64), "only <missing>"),
        (quote!(x = <missing>), quote!(x: i64), "is an `Option`"),
        (quote!(x = None), quote!(x: i64), "has to be an `Option`"),
        (quote!(x = 5), quote!(x: Ref), "has to be an `Option<Ref>`"),
        (quote!(*x), quote!(x: Ref), "is an `ArgSlice`"),
        (quote!(x), quote!(x: KwArgs), "is an `ArgSlice`"),
        (quote!(x: i64), quote!(x: i64), "expected `name`"),
        (quote!(x, , y), quote!(x: i64), "between two commas"),
    ];
    for (signature, parameters, expected) in cases {
        assert_says(&function_error(quote!(#[signature(#signature)] fn f(#parameters) {})), expected);
    }
}

#[test]
fn wrong_functions() {
    let cases = [
        ("async fn f() {}", "async"),
        ("fn f<T>(x: T) {}", "generic"),
        ("unsafe fn f() {}", "safe to call"),
        ("fn f((a, b): (i64, i64)) {}", "plain name"),
        ("fn f(this: Ref) {}", "no receiver"),
        ("fn f(args: Args, x: Ref) {}", "takes all arguments"),
        ("#[getter] fn f() {}", "belongs into #[pymethods]"),
        ("#[name(x)] fn f() {}", "expected"),
        ("fn f();", "needs a body"),
    ];
    for (source, expected) in cases {
        assert_says(&function_error(tokens(source)), expected);
    }
    assert_says(&message(function::expand_pyfunction(quote!(x), tokens("fn f() {}"))), "no options");
}

#[test]
fn wrong_methods() {
    let cases = [
        ("fn helper(x: Ref) {}", "an impl block of their own"),
        ("fn m(&mut self) {}", "objects are shared"),
        ("fn m(x: Ref, y: Ref, this: Ref) {}", "the receiver comes first"),
        ("#[classmethod] fn m(this: &Obj<Self>) {}", "`cls: &Obj<PyType>`"),
        ("#[staticmethod] fn m(this: &Obj<Self>) {}", "no receiver"),
        ("#[new] fn m(x: Ref) {}", "cls: &Obj<PyType>"),
        ("#[init] fn m(x: Ref) {}", "this: &Obj<Self>"),
        ("#[getter] fn m(this: &Obj<Self>, x: Ref) {}", "`thread` and `this` only"),
        ("#[setter] fn m(this: &Obj<Self>, x: Ref) {}", "an `Option<Ref>`"),
        ("#[getter] fn m() {}", "this needs `this"),
        ("#[getter] fn m(&self) {} #[getter] #[name = \"m\"] fn n(&self) {}", "has two of these"),
        ("#[getter] #[slot] fn m(&self) {}", "only one of these"),
        ("#[slot] #[also(name = \"m\")] fn tp_repr(&self) {}", "only methods have a second name"),
        ("#[also(doc = \"m\")] fn m(this: &Obj<Self>) {}", "`name = …` is missing"),
        ("#[also(other = \"m\")] fn m(this: &Obj<Self>) {}", "the options are `name`"),
        ("#[slot] #[signature(x)] fn tp_repr(&self, x: Ref) {}", "a slot has no #[signature]"),
    ];
    for (source, expected) in cases {
        let method = tokens(source);
        assert_says(&methods_error("", quote!(impl Deque { #method })), expected);
    }
    assert_says(&methods_error("some", tokens("impl X {}")), "the options are");
    assert_says(&methods_error("part = A, parts(B)", tokens("impl X {}")), "a part has no parts");
    assert_says(&methods_error("", tokens("impl<T> X<T> {}")), "generic");
    assert_says(&methods_error("", tokens("impl A for X {}")), "inherent impl");
}

#[test]
fn wrong_classes_modules_and_traces() {
    let class = |options, item| message(class::expand(tokens(options), tokens(item)));
    assert_says(&class("frozen", "struct X;"), "unknown option");
    assert_says(&class("", "struct X<T>(T);"), "generic");
    assert_says(&class("base = B", "#[repr(packed)] struct X(B);"), "is `repr(C)`");
    let module = |options| message(module::expand(tokens(options), tokens("fn init() {}")));
    assert_says(&module(""), "needs `name");
    assert_says(&module("constants(x)"), "the options are");
    assert_says(&message(trace::expand(tokens("union X { a: i64 }"))), "union");
    assert_says(&message(trace::expand(tokens("struct X(#[trace(skip)] i64);"))), "only `unsafe_skip`");
}

/// Three thousand methods are expanded in a build, so one has to stay small.
#[test]
fn an_expansion_is_small() {
    let count = |tokens: &TokenStream| tokens.to_string().split_whitespace().count();
    let empty = methods::expand(TokenStream::new(), quote!(impl Deque {})).map(|tokens| count(&tokens));
    let source = quote!(
        fn append(thread: &mut Thread, this: &Obj<Self>, x: Ref) {}
    );
    let one =
        methods::expand(TokenStream::new(), quote!(impl Deque { #source })).map(|tokens| count(&tokens));
    let (Ok(empty), Ok(one)) = (empty, one) else { panic!("an expansion failed") };
    let added = one - empty - count(&source);
    assert!(added < 240, "{added} tokens for one method");
}
