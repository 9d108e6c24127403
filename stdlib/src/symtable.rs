//! `_symtable`: the compiler's symbol table of a source, for the module `symtable`.
//!
//! Entries show what CPython's show: an inlined comprehension has none of its own; its names are in the entry around it.

use orochi_compiler::Mode;
use orochi_compiler::symtable::{
    ComprehensionKind, Place, Scope, ScopeId, ScopeKind, Symbol, SymbolTable, TOP, def,
};
use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use orochi_objects::error::{type_error, value_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{bytes, dict, list};
use orochi_objects::{
    Field, ModuleExt, Obj, PyModule, PyResult, Ref, Thread, Value, class_of, make, protocol, str,
};
use orochi_vm::builtins::text_of;
use orochi_vm::errors::syntax_error_in;
use std::collections::HashSet;

/// Bits of an entry's symbols from here on say where the name's value is.
const SCOPE_OFFSET: u32 = 12;
const SCOPE_MASK: u32 = 15;

const TYPES: [(&str, ScopeKind); 7] = [
    ("TYPE_FUNCTION", ScopeKind::Function),
    ("TYPE_CLASS", ScopeKind::Class),
    ("TYPE_MODULE", ScopeKind::Module),
    ("TYPE_ANNOTATION", ScopeKind::Annotation),
    ("TYPE_TYPE_ALIAS", ScopeKind::TypeAlias),
    ("TYPE_TYPE_PARAMETERS", ScopeKind::TypeParams),
    ("TYPE_TYPE_VARIABLE", ScopeKind::TypeVariable),
];

const PLACES: [(&str, Place); 5] = [
    ("LOCAL", Place::Local),
    ("GLOBAL_EXPLICIT", Place::GlobalExplicit),
    ("GLOBAL_IMPLICIT", Place::GlobalImplicit),
    ("FREE", Place::Free),
    ("CELL", Place::Cell),
];

const FLAGS: [(&str, u32); 14] = [
    ("USE", def::USE),
    ("DEF_GLOBAL", def::GLOBAL),
    ("DEF_NONLOCAL", def::NONLOCAL),
    ("DEF_LOCAL", def::LOCAL),
    ("DEF_PARAM", def::PARAM),
    ("DEF_TYPE_PARAM", def::TYPE_PARAM),
    ("DEF_FREE_CLASS", def::FREE_CLASS),
    ("DEF_IMPORT", def::IMPORT),
    ("DEF_BOUND", def::LOCAL | def::PARAM | def::IMPORT),
    ("DEF_ANNOT", def::ANNOT),
    ("DEF_COMP_ITER", def::COMP_ITER),
    ("DEF_COMP_CELL", def::COMP_CELL),
    ("SCOPE_OFF", SCOPE_OFFSET),
    ("SCOPE_MASK", SCOPE_MASK),
];

/// The names of one scope.
#[pyclass(name = "symtable entry", no_new)]
#[derive(Trace)]
struct Entry {
    name: Field,
    symbols: Field,
    varnames: Field,
    children: Field,
    kind: i64,
    line: i64,
    nested: bool,
}

#[pymethods]
impl Entry {
    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (name, id) = (str::display(this.name.fixed()), Self::id(this));
        str::new(thread, &format!("<symtable entry {name}({id}), line {}>", this.line))
    }

    #[member]
    fn id(this: &Obj<Self>) -> i64 {
        i64::try_from(this.get().word()).unwrap_or(0)
    }

    #[member]
    fn name(this: &Obj<Self>) -> Value {
        this.name.fixed().to_owned()
    }

    #[member]
    fn symbols(this: &Obj<Self>) -> Value {
        this.symbols.fixed().to_owned()
    }

    #[member]
    fn varnames(this: &Obj<Self>) -> Value {
        this.varnames.fixed().to_owned()
    }

    #[member]
    fn children(this: &Obj<Self>) -> Value {
        this.children.fixed().to_owned()
    }

    #[member]
    fn nested(this: &Obj<Self>) -> i64 {
        i64::from(this.nested)
    }

    #[member]
    fn r#type(this: &Obj<Self>) -> i64 {
        this.kind
    }

    #[member]
    fn lineno(this: &Obj<Self>) -> i64 {
        this.line
    }
}

/// A name's bits as entries show them.
fn bits(symbol: &Symbol) -> i64 {
    let place = PLACES.iter().zip(1..).find(|((_, place), _)| *place == symbol.place);
    i64::from(symbol.flags) | place.map_or(0, |(_, number)| number << SCOPE_OFFSET)
}

/// The name of a scope as entries show it.
fn shown_name(scope: &Scope) -> &str {
    match (scope.kind, scope.comprehension) {
        (ScopeKind::Module, _) => "top",
        (_, Some(ComprehensionKind::Generator)) => "genexpr",
        (_, Some(ComprehensionKind::List)) => "listcomp",
        (_, Some(ComprehensionKind::Set)) => "setcomp",
        (_, Some(ComprehensionKind::Dict)) => "dictcomp",
        _ if scope.is_lambda => "lambda",
        _ => &scope.name,
    }
}

/// The names of a scope, and those of comprehensions that run in its frame; the scopes below it.
fn gather<'a>(
    table: &'a SymbolTable,
    scope: &'a Scope,
    names: &mut Vec<(&'a str, i64)>,
    below: &mut Vec<ScopeId>,
) {
    let known: HashSet<&str> = names.iter().map(|(name, _)| *name).collect();
    for (name, symbol) in &scope.symbols {
        // The iterator of a comprehension isn't a parameter of the scope around it.
        let parameter = scope.inlined && symbol.flags & def::PARAM != 0;
        if !parameter && !known.contains(&**name) {
            names.push((&**name, bits(symbol)));
        }
    }
    for child in &scope.children {
        let inner = table.scope(*child);
        if inner.inlined {
            gather(table, inner, names, below);
        } else {
            below.push(*child);
        }
    }
}

fn number(n: i64) -> Value {
    Value::small_int(n).unwrap_or(Value::NONE)
}

/// The entry of a scope, with those of the scopes below it.
fn entry(thread: &mut Thread, table: &SymbolTable, id: ScopeId) -> PyResult {
    let scope = table.scope(id);
    let (mut names, mut below) = (Vec::new(), Vec::new());
    gather(table, scope, &mut names, &mut below);
    let symbols = dict::new(thread)?;
    for (name, bits) in names {
        let name = str::intern(thread, name)?.to_value();
        dict::set_item(thread, &symbols, name.get(), number(bits))?;
    }
    let mut varnames = Vec::new();
    for name in &scope.params {
        varnames.push(str::intern(thread, name)?.to_value());
    }
    let mut children = Vec::new();
    for child in below {
        children.push(entry(thread, table, child)?);
    }
    let kind = TYPES.iter().zip(0..).find(|((_, kind), _)| *kind == scope.kind);
    let made = Entry {
        name: Field::new_local(str::intern(thread, shown_name(scope))?.to_value()),
        symbols: Field::new_local(symbols.into_value()),
        varnames: Field::new_local(list::new(thread, varnames)?.into_value()),
        children: Field::new_local(list::new(thread, children)?.into_value()),
        kind: kind.map_or(0, |(_, number)| number),
        line: if id == TOP { 0 } else { i64::from(scope.at.line) },
        nested: scope.nested,
    };
    Ok(make(thread, made)?.into_value())
}

/// The text of a file's name.
fn file_name(thread: &mut Thread, name: Ref<'_>) -> PyResult<String> {
    if let Some(name) = bytes::value(name) {
        return Ok(String::from_utf8_lossy(name).into_owned());
    }
    if name.downcast::<PyStr>().is_some() {
        return Ok(str::display(name).to_string());
    }
    match protocol::find_attr(thread, name, orochi_objects::name!("__fspath__"))? {
        Some(method) => {
            let path = protocol::call(thread, method.get(), &[])?;
            Ok(str::display(path.get()).to_string())
        }
        None => {
            let given = class_of(name).name();
            Err(type_error(format!("expected str, bytes or os.PathLike object, not {given}")))
        }
    }
}

/// Return symbol and scope dictionaries used internally by compiler.
#[pyfunction]
#[signature(source, filename, startstr, /)]
fn symtable(thread: &mut Thread, source: Ref, filename: Ref, startstr: &str) -> PyResult {
    let mode = match startstr {
        "exec" => Mode::Exec,
        "eval" => Mode::Eval,
        "single" => Mode::Single,
        _ => return Err(value_error("symtable() arg 3 must be 'exec' or 'eval' or 'single'")),
    };
    let filename = file_name(thread, filename)?;
    let text = text_of(thread, source, &filename, "symtable", "string or bytes")?;
    match orochi_compiler::symbol_table(&text, mode) {
        Ok(table) => entry(thread, &table, TOP),
        Err(error) => Err(syntax_error_in(thread, &error, &filename, &text)),
    }
}

/// The compiler's symbol tables.
#[pymodule(name = "_symtable", functions(symtable))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for (name, bits) in FLAGS {
        module.add(thread, name, i64::from(bits))?;
    }
    for ((name, _), number) in TYPES.iter().zip(0i64..) {
        module.add(thread, name, number)?;
    }
    for ((name, _), number) in PLACES.iter().zip(1i64..) {
        module.add(thread, name, number)?;
    }
    Ok(())
}
