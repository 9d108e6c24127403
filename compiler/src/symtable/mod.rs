//! The symbol table: which scope each name of a program belongs to.
//!
//! Two passes. `build` walks the tree, makes a [`Scope`] for everything that CPython calls a block (modules, classes,
//! functions, lambdas, comprehensions, annotation scopes, type parameter scopes) and notes how each uses its names;
//! `analyze` then decides for each symbol whether it is local, a cell, free or global. Differences from CPython's
//! `symtable.c`, which defines what must come out: a name is looked up by walking the enclosing scopes instead of
//! carrying sets down, and an inlined comprehension keeps its own symbols (its scope has `inlined` set; it lives in the
//! frame of the first enclosing scope that is not an inlined comprehension, see [`SymbolTable::frame_of`]).

mod analyze;
mod build;

use std::rc::Rc;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::ast::{Ident, Mod, Position};
use crate::error::Result;

/// Index of a scope in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeId(pub u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    Module,
    Class,
    /// Also lambdas and comprehensions.
    Function,
    /// The function that computes annotations.
    Annotation,
    TypeAlias,
    /// The scope of type parameters around a generic class, function or alias.
    TypeParams,
    /// A bound, constraint or default of a type parameter.
    TypeVariable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComprehensionKind {
    List,
    Set,
    Dict,
    Generator,
}

/// How a scope uses a name; bits of [`Symbol::flags`], numbered as CPython's `DEF_*`.
pub mod def {
    pub const GLOBAL: u32 = 1;
    pub const LOCAL: u32 = 2;
    pub const PARAM: u32 = 2 << 1;
    pub const NONLOCAL: u32 = 2 << 2;
    pub const USE: u32 = 2 << 3;
    pub const FREE_CLASS: u32 = 2 << 5;
    pub const IMPORT: u32 = 2 << 6;
    pub const ANNOT: u32 = 2 << 7;
    pub const COMP_ITER: u32 = 2 << 8;
    pub const TYPE_PARAM: u32 = 2 << 9;
    pub const COMP_CELL: u32 = 2 << 10;
    /// Bound in the scope.
    pub const BOUND: u32 = LOCAL | PARAM | IMPORT | TYPE_PARAM;
}

/// Where the value of a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Place {
    /// Not decided yet.
    #[default]
    Unknown,
    Local,
    GlobalExplicit,
    GlobalImplicit,
    /// In a cell of an enclosing scope. In an inlined comprehension: in the enclosing frame, one way or another.
    Free,
    /// Local, and used by an inner function.
    Cell,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Symbol {
    pub flags: u32,
    pub place: Place,
}

/// The symbols of a scope in the order of their first appearance.
pub type Symbols = IndexMap<Ident, Symbol, FxBuildHasher>;

#[derive(Debug)]
pub struct Scope {
    pub kind: ScopeKind,
    pub name: Ident,
    pub at: Position,
    pub parent: Option<ScopeId>,
    pub children: Vec<ScopeId>,
    /// Keyed by mangled name.
    pub symbols: Symbols,
    /// Parameters in the order of co_varnames.
    pub params: Vec<Ident>,
    /// What mangles private names.
    pub private: Option<Private>,
    /// Inside of a function.
    pub nested: bool,
    pub generator: bool,
    pub coroutine: bool,
    pub is_lambda: bool,
    /// A function directly in a class.
    pub method: bool,
    /// What a scope of kind `TypeVariable` computes, for messages.
    pub lazy_part: &'static str,
    pub varargs: bool,
    pub varkeywords: bool,
    pub comprehension: Option<ComprehensionKind>,
    /// A comprehension that runs in the enclosing frame (PEP 709).
    pub inlined: bool,
    /// A class that needs a cell `__class__`.
    pub needs_class_closure: bool,
    /// A class that needs a cell `__classdict__`.
    pub needs_classdict: bool,
    /// A scope of annotations or type parameters that sees the names of the class around it.
    pub can_see_class_scope: bool,
    /// Some annotations are executed conditionally, so that `__conditional_annotations__` is needed.
    pub has_conditional_annotations: bool,
    /// The scope of `__annotate__` of a module or class.
    pub annotation_scope: Option<ScopeId>,
    /// Names that assignment expressions bind in this scope's frame.
    pub walrus: FxHashSet<Ident>,
    /// Names that are deleted, or unbound by `except … as`.
    pub unbound: FxHashSet<Ident>,
}

impl Scope {
    /// Whether it runs as a function: its locals are registers.
    pub fn is_function_like(&self) -> bool {
        !matches!(self.kind, ScopeKind::Module | ScopeKind::Class)
    }

    /// The names that a code object of this scope gets from enclosing functions, sorted.
    pub fn free_names(&self) -> Vec<Ident> {
        let mut names: Vec<Ident> = (self.symbols.iter())
            .filter(|(_, symbol)| symbol.place == Place::Free || symbol.flags & def::FREE_CLASS != 0)
            .map(|(name, _)| name.clone())
            .collect();
        names.sort();
        names
    }
}

/// Which of the scopes of a node is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Body,
    TypeParams,
    Annotations,
    Bound,
    Default,
}

#[derive(Debug)]
pub struct SymbolTable {
    pub scopes: Vec<Scope>,
    /// Scopes by the address of their node.
    by_node: FxHashMap<(usize, Part), ScopeId>,
    /// Where names are declared global or nonlocal, for errors that are found later.
    declared: Vec<(ScopeId, Ident, Position)>,
}

/// The scope of a whole module or expression.
pub const TOP: ScopeId = ScopeId(0);

/// The key of a node in a tree that does not move.
pub(crate) fn node_key<T>(node: &T) -> usize {
    std::ptr::from_ref(node).addr()
}

impl SymbolTable {
    /// The symbol table of a tree.
    ///
    /// # Errors
    /// SyntaxErrors about names.
    pub fn new(module: &Mod, options: TableOptions) -> Result<SymbolTable> {
        let mut table = build::build(module, options)?;
        analyze::analyze(&mut table)?;
        Ok(table)
    }

    pub fn scope(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.0 as usize]
    }

    pub(crate) fn scope_mut(&mut self, id: ScopeId) -> &mut Scope {
        &mut self.scopes[id.0 as usize]
    }

    pub(crate) fn of_node<T>(&self, node: &T, part: Part) -> Option<ScopeId> {
        self.by_node.get(&(node_key(node), part)).copied()
    }

    /// The scope in whose frame a scope runs: itself, or around an inlined comprehension.
    pub fn frame_of(&self, mut id: ScopeId) -> ScopeId {
        while self.scope(id).inlined {
            match self.scope(id).parent {
                Some(parent) => id = parent,
                None => break,
            }
        }
        id
    }
}

/// What the symbol table needs to know besides the tree.
#[derive(Clone, Copy, Debug, Default)]
pub struct TableOptions {
    /// `from __future__ import annotations` is in effect.
    pub future_annotations: bool,
    pub allow_top_level_await: bool,
}

/// The class whose name mangles private names.
#[derive(Clone, Debug)]
pub struct Private {
    class: Ident,
    /// Only these names are mangled: around a generic class, where its bases stand, they are its type parameters.
    only: Option<Rc<[Ident]>>,
}

impl Private {
    /// In the body of a class.
    pub fn in_class(class: &Ident) -> Private {
        Private { class: class.clone(), only: None }
    }

    /// Around a class with these type parameters.
    pub fn around_class(class: &Ident, type_params: impl Iterator<Item = Ident>) -> Private {
        Private { class: class.clone(), only: Some(type_params.collect()) }
    }
}

/// A name as it is known inside of a class (`__x` becomes `_Class__x`).
pub fn mangle(private: Option<&Private>, name: &Ident) -> Ident {
    let Some(private) = private else { return name.clone() };
    if !name.starts_with("__") || name.ends_with("__") || name.contains('.') {
        return name.clone();
    }
    if private.only.as_ref().is_some_and(|only| !only.contains(name)) {
        return name.clone();
    }
    let class = private.class.trim_start_matches('_');
    if class.is_empty() {
        return name.clone();
    }
    Rc::from(format!("_{class}{name}"))
}
