//! The macros with which native classes, functions and modules are written: `#[pyclass]`, `#[pymethods]`,
//! `#[pyfunction]`, `#[pymodule]` and `#[derive(Trace)]`. `docs/native-api.md` shows them in use.
//!
//! Problem: three thousand native methods need argument parsing, receiver checks and result conversion, and their
//! authors should write plain Rust functions. Code that is generated three thousand times decides how long the
//! workspace takes to build.
//!
//! Shape: a macro expands to a table entry and a thin shim of a few lines; all work happens in generic functions of
//! `orochi_objects`. The items under a macro come out as they went in, without the marker attributes; their bodies
//! are never parsed. Every generated path starts with `::orochi_objects`.
//!
//! What generated code uses, beside the definitions in `docs/native-api.md` (`MethodDef`, `Signature`, `Slots`, …):
//!
//! | item of `orochi_objects` | what it does |
//! |---|---|
//! | `exact_args::<N>(thread, &args, &signature) -> PyResult<[Ref; N]>` | all parameters required and positional-only: take exactly N, or raise what `bind` would |
//! | `bind_args::<N>(thread, &args, &signature, required, positional)` | no `*`, no `**`, no required keyword: by counting if there are no keywords, else what `bind` does |
//! | `Signature::bind::<N>(thread, &args) -> PyResult<[Option<Ref>; N]>` | everything else; one place per parameter that isn't `*` or `**` |
//! | `required`, `optional`, `FromArg::from_arg` | convert one argument; `ArgContext::index` counts the places of `bind` |
//! | `receiver::<T>(thread, this, &signature)` | `this: &Obj<Self>` of a method |
//! | `receiver_ref::<T>(thread, this, &signature) -> PyResult<Ref>` | `this: Ref` of a method: the same check by class, for types whose instances may be immediates |
//! | `slot_receiver::<T>(this)` | `this: &Obj<Self>` of a slot, getter or setter; the attribute descriptor has checked before |
//! | `type_receiver(this)` | `cls: &Obj<PyType>` of a class method |
//! | `call_new::<T>(thread, args, tp_new)` | `T.__new__(cls, …)`: checks that `cls` is a type below `T`, calls `tp_new` with the rest |
//!
//! Invariants:
//! - A method's or class method's shim gets at least one positional argument: the descriptor has checked that.
//! - `TypeSpec::base` is `None` for a class without `base = …`: the runtime takes `object`.
//! - A payload starts with its base's payload (checked at compile time), so an `Obj<Derived>` may be read as `Obj<Base>`.
//! - The signature of `#[new]` has the class's name as `function` and as `owner`; its text has no `$type`
//!   and is the class's `__text_signature__`. An empty `text` means that `__text_signature__` is None.

mod attributes;
mod class;
mod function;
mod methods;
mod module;
mod shim;
mod signature;
mod slot;
#[cfg(test)]
mod tests;
mod trace;

use proc_macro::TokenStream;

fn finish(result: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    result.unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Like [`finish`], but keeps the annotated item beside the error, so that one mistake isn't followed by
/// complaints about everything that used the item.
fn finish_item(result: syn::Result<proc_macro2::TokenStream>, item: TokenStream) -> TokenStream {
    match result {
        Ok(tokens) => tokens.into(),
        Err(error) => {
            let mut tokens = TokenStream::from(error.to_compile_error());
            tokens.extend(item);
            tokens
        }
    }
}

/// Makes a struct the payload of a native class.
///
/// Options: `name = "…"` (default: the struct's name), `module = "…"` (default: builtins), `base = Type`,
/// `subclassable`, `dict`, `weakref`, `sequence`, `mapping`, `no_new` (calling the class is an error),
/// `method_descriptor`, `match_self`, `flags(NAME, …)` (other constants of `TypeFlags`), `mutable` (the class's
/// attributes may be set), `no_methods` (there is no `#[pymethods]` block), `unsafe_layout = …` (a `Layout` that isn't
/// `Layout::of::<Self>()`, for payloads with a tail, say; the author answers for it).
/// The doc comment becomes `__doc__`.
///
/// With `base = B`, where `B` has fields, the first field has to be of type `B`; the struct is laid out as in C then.
#[proc_macro_attribute]
pub fn pyclass(options: TokenStream, item: TokenStream) -> TokenStream {
    finish_item(class::expand(options.into(), item.clone().into()), item)
}

/// Makes the functions of an `impl` block methods, slots and attributes of a native class.
///
/// Options: `part = NAME` defines a part of a class whose main block says `parts(NAME, …)`.
///
/// Markers on a function: `#[new]`, `#[init]` and `#[call]` (slots tp_new, tp_init and tp_call with bound arguments),
/// `#[classmethod]`, `#[staticmethod]`, `#[getter]`, `#[member]` (a getter that shows as a `member_descriptor`), `#[setter]` (`get_` and `set_` are dropped from the name),
/// `#[slot]` or `#[slot(tp_name)]`, none of them: a method. Beside them: `#[signature(…)]`, `#[name = "…"]`,
/// `#[text_signature = "…"]`, `#[no_text_signature]`, and for methods `#[also(name = "…", doc = "…", text_signature = "…")]`
/// (a second name, under which the last two are the same unless they are given).
///
/// In `#[signature]` a default is a Python literal, or a Rust expression with its Python text: `size = i64::MAX as "sys.maxsize"`.
/// `default=<missing>` on an `Option<T>` tells an argument that isn't there (`None`) from one that is None (`Some`);
/// `<missing> as "0"` shows another default.
/// An `Option<Ref>` that has any other default is `None` when the argument is missing, and the default is only shown.
#[proc_macro_attribute]
pub fn pymethods(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(methods::expand(options.into(), item.into()))
}

/// Makes a function callable from Python; `#[pymodule(functions(…))]` names it.
///
/// Markers: `#[signature(…)]`, `#[name = "…"]`, `#[text_signature = "…"]`, `#[no_text_signature]`, below this attribute.
#[proc_macro_attribute]
pub fn pyfunction(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(function::expand_pyfunction(options.into(), item.into()))
}

/// Defines `MODULE`, a native module: `#[pymodule(name = "math", functions(sqrt, angles::sin), classes(Foo))]` on its
/// initialisation function, whose doc comment becomes the module's `__doc__`.
#[proc_macro_attribute]
pub fn pymodule(options: TokenStream, item: TokenStream) -> TokenStream {
    finish_item(module::expand(options.into(), item.clone().into()), item)
}

/// Implements `Trace` by visiting every field. A field of a foreign type that reaches no Python object, and doesn't
/// implement `Trace`, may be marked `#[trace(unsafe_skip)]`; the author answers for it.
/// Types that hold each other in a circle need `#[trace(has_fields)]` on one of them.
#[proc_macro_derive(Trace, attributes(trace))]
pub fn derive_trace(item: TokenStream) -> TokenStream {
    finish(trace::expand(item.into()))
}
