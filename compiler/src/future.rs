//! `from __future__ import …`: which features a source asks for.

use crate::ast::{Mod, Position, Stmt, StmtKind};
use crate::code::flags;
use crate::error::{CompileError, Result};

/// The features found at the start of a module.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Futures {
    pub(crate) flags: u32,
    /// Line and column of the last `from __future__` import that stands where it may.
    pub(crate) last: (u32, i32),
}

/// The flag of a feature.
pub(crate) fn feature(name: &str, at: Position) -> Result<u32> {
    Ok(match name {
        "nested_scopes" | "generators" => 0,
        "division" => flags::FUTURE_DIVISION,
        "absolute_import" => flags::FUTURE_ABSOLUTE_IMPORT,
        "with_statement" => flags::FUTURE_WITH_STATEMENT,
        "print_function" => flags::FUTURE_PRINT_FUNCTION,
        "unicode_literals" => flags::FUTURE_UNICODE_LITERALS,
        "barry_as_FLUFL" => flags::FUTURE_BARRY_AS_BDFL,
        "generator_stop" => flags::FUTURE_GENERATOR_STOP,
        "annotations" => flags::FUTURE_ANNOTATIONS,
        "braces" => return Err(CompileError::syntax("not a chance", at)),
        _ => return Err(CompileError::syntax(format!("future feature {name} is not defined"), at)),
    })
}

fn is_docstring(stmt: &Stmt) -> bool {
    use crate::ast::{Constant, ExprKind};
    matches!(&stmt.kind, StmtKind::Expr(value)
        if matches!(value.kind, ExprKind::Constant { value: Constant::Str(_), .. }))
}

/// The features of a tree.
///
/// # Errors
/// SyntaxError for a feature that does not exist.
pub(crate) fn scan(module: &Mod) -> Result<Futures> {
    let (Mod::Module { body } | Mod::Interactive { body }) = module else { return Ok(Futures::default()) };
    let mut futures = Futures::default();
    for (i, stmt) in body.iter().enumerate() {
        match &stmt.kind {
            StmtKind::ImportFrom { module: Some(module), names, level: 0 } if &**module == "__future__" => {
                for alias in names {
                    futures.flags |= feature(&alias.name, alias.at)?;
                }
                futures.last = (stmt.at.line, stmt.at.column);
            }
            _ if i == 0 && is_docstring(stmt) => {}
            _ => break,
        }
    }
    Ok(futures)
}
