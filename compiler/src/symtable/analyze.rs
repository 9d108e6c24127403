//! Second pass of the symbol table: where each name lives.
//!
//! Scopes are visited parents first. What must hold afterwards: every symbol has a place; a scope on the way between a
//! use and the scope that owns the cell has the name as a free symbol (a class that binds it itself gets
//! `def::FREE_CLASS`).

use super::{Place, ScopeId, ScopeKind, Symbol, SymbolTable, def};
use crate::ast::Ident;
use crate::error::{CompileError, Result};

pub(super) fn analyze(table: &mut SymbolTable) -> Result<()> {
    for index in 0..table.scopes.len() {
        let id = ScopeId(index as u32);
        let names: Vec<Ident> = table.scope(id).symbols.keys().cloned().collect();
        for name in names {
            analyze_name(table, id, &name)?;
        }
    }
    Ok(())
}

fn symbol_of(table: &SymbolTable, id: ScopeId, name: &Ident) -> Symbol {
    table.scope(id).symbols.get(name).copied().unwrap_or_default()
}

fn set_place(table: &mut SymbolTable, id: ScopeId, name: &Ident, place: Place) {
    table.scope_mut(id).symbols.entry(name.clone()).or_default().place = place;
}

fn analyze_name(table: &mut SymbolTable, id: ScopeId, name: &Ident) -> Result<()> {
    let Symbol { flags, place } = symbol_of(table, id, name);
    if place != Place::Unknown {
        return Ok(());
    }
    if flags & def::GLOBAL != 0 {
        if flags & def::NONLOCAL != 0 {
            return Err(error(table, id, name, format!("name '{name}' is nonlocal and global")));
        }
        set_place(table, id, name, Place::GlobalExplicit);
        return Ok(());
    }
    if flags & def::NONLOCAL != 0 {
        return nonlocal(table, id, name);
    }
    if flags & def::BOUND != 0 {
        set_place(table, id, name, Place::Local);
        return Ok(());
    }
    let place = match class_place(table, id, name) {
        Some(place) => place,
        None => match owner(table, id, name) {
            Some(owner) => {
                reach(table, id, owner, name);
                return Ok(());
            }
            None => Place::GlobalImplicit,
        },
    };
    set_place(table, id, name, place);
    Ok(())
}

fn error(table: &SymbolTable, id: ScopeId, name: &Ident, message: String) -> CompileError {
    let declared = table.declared.iter().find(|place| place.0 == id && place.1 == *name);
    CompileError::syntax(message, declared.map_or(table.scope(id).at, |place| place.2))
}

fn nonlocal(table: &mut SymbolTable, id: ScopeId, name: &Ident) -> Result<()> {
    if table.scope(id).kind == ScopeKind::Module {
        return Err(error(table, id, name, "nonlocal declaration not allowed at module level".into()));
    }
    let Some(owner) = owner(table, id, name) else {
        return Err(error(table, id, name, format!("no binding for nonlocal '{name}' found")));
    };
    if symbol_of(table, owner, name).flags & def::TYPE_PARAM != 0 {
        let message = format!("nonlocal binding not allowed for type parameter '{name}'");
        return Err(error(table, id, name, message));
    }
    reach(table, id, owner, name);
    Ok(())
}

/// In a scope that sees the names of its class: what the class says about the name.
fn class_place(table: &SymbolTable, id: ScopeId, name: &Ident) -> Option<Place> {
    let mut scope = table.scope(id);
    while scope.can_see_class_scope {
        scope = table.scope(scope.parent?);
        if scope.kind == ScopeKind::Class {
            let flags = scope.symbols.get(name)?.flags;
            if flags & def::GLOBAL != 0 {
                return Some(Place::GlobalExplicit);
            }
            if flags & def::BOUND != 0 && flags & def::NONLOCAL == 0 {
                return Some(Place::GlobalImplicit);
            }
            return None;
        }
        if scope.symbols.get(name).is_some_and(|symbol| symbol.flags & def::BOUND != 0) {
            return None;
        }
    }
    None
}

/// Names that a class provides to the functions in it, besides no others.
fn is_implicit_class_cell(name: &str) -> bool {
    matches!(name, "__class__" | "__classdict__" | "__conditional_annotations__")
}

/// The enclosing scope that owns the cell for a name, if it is not global.
fn owner(table: &SymbolTable, id: ScopeId, name: &Ident) -> Option<ScopeId> {
    let in_class_frame = table.scope(id).inlined && table.scope(table.frame_of(id)).kind == ScopeKind::Class;
    let frame = table.frame_of(id);
    let mut at = table.scope(id).parent;
    while let Some(current) = at {
        let scope = table.scope(current);
        at = scope.parent;
        if scope.kind == ScopeKind::Module {
            return None;
        }
        let flags = scope.symbols.get(name).map_or(0, |symbol| symbol.flags);
        if flags & def::GLOBAL != 0 && scope.kind != ScopeKind::Class {
            return None;
        }
        if scope.kind == ScopeKind::Class {
            if is_implicit_class_cell(name) && !(in_class_frame && current == frame) {
                return Some(current);
            }
            continue;
        }
        if flags & def::BOUND != 0 && flags & def::NONLOCAL == 0 {
            return Some(current);
        }
    }
    None
}

/// Makes a name of `owner` reachable from `user`, which is inside of it.
fn reach(table: &mut SymbolTable, user: ScopeId, owner: ScopeId, name: &Ident) {
    set_place(table, user, name, Place::Free);
    if table.frame_of(user) != table.frame_of(owner) {
        if table.scope(owner).kind == ScopeKind::Class {
            match &**name {
                "__class__" => table.scope_mut(owner).needs_class_closure = true,
                "__classdict__" => table.scope_mut(owner).needs_classdict = true,
                _ => {}
            }
        }
        set_place(table, owner, name, Place::Cell);
    }
    let mut at = table.scope(user).parent;
    while let Some(current) = at.filter(|current| *current != owner) {
        let scope = table.scope_mut(current);
        at = scope.parent;
        let class = scope.kind == ScopeKind::Class;
        let symbol = scope.symbols.entry(name.clone()).or_default();
        if class && symbol.flags & def::BOUND != 0 {
            symbol.flags |= def::FREE_CLASS;
        } else {
            symbol.place = Place::Free;
        }
    }
}
