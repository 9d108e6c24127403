//! Refuses syntax that is newer than a version of Python (`ast.parse(…, feature_version=…)`).
//!
//! The features and the words are those of CPython's grammar (`CHECK_VERSION`); the parser itself always takes all of Python.

use super::Adapter;
use crate::error::{CompileError, Result};
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as r};
use ruff_text_size::{Ranged, TextRange};

/// Refuses the first node of a tree that Python 3.`minor` hasn't.
pub(super) fn check(adapter: &Adapter<'_>, syntax: &r::Mod, minor: u8) -> Result<()> {
    let mut checker = Checker { adapter, minor, error: None };
    match syntax {
        r::Mod::Module(module) => checker.visit_body(&module.body),
        r::Mod::Expression(expression) => checker.visit_expr(&expression.body),
    }
    checker.error.map_or(Ok(()), Err)
}

struct Checker<'a, 's> {
    adapter: &'a Adapter<'s>,
    minor: u8,
    error: Option<CompileError>,
}

impl Checker<'_, '_> {
    fn needs(&mut self, minor: u8, what: &str, range: TextRange) {
        if self.minor < minor && self.error.is_none() {
            let message = format!("{what} only supported in Python 3.{minor} and greater");
            self.error = Some(CompileError::syntax(message, self.adapter.position(range)));
        }
    }

    fn handler(&mut self, handler: &r::ExceptHandler) {
        let r::ExceptHandler::ExceptHandler(handler) = handler;
        if let Some(r::Expr::Tuple(types)) = handler.type_.as_deref()
            && !types.parenthesized
        {
            self.needs(14, "except expressions without parentheses are", types.range);
        }
    }
}

impl<'a> Visitor<'a> for Checker<'_, '_> {
    fn visit_stmt(&mut self, stmt: &'a r::Stmt) {
        let range = stmt.range();
        match stmt {
            r::Stmt::FunctionDef(def) if def.is_async => self.needs(5, "Async functions are", range),
            r::Stmt::For(node) if node.is_async => self.needs(5, "Async for loops are", range),
            r::Stmt::With(node) if node.is_async => self.needs(5, "Async with statements are", range),
            r::Stmt::AugAssign(node) if node.op == r::Operator::MatMult => {
                self.needs(5, "The '@' operator is", range);
            }
            r::Stmt::AnnAssign(_) => self.needs(6, "Variable annotation syntax is", range),
            r::Stmt::Match(_) => self.needs(10, "Pattern matching is", range),
            r::Stmt::TypeAlias(_) => self.needs(12, "Type statement is", range),
            r::Stmt::Try(node) => {
                if node.is_star {
                    self.needs(11, "Exception groups are", range);
                }
                node.handlers.iter().for_each(|handler| self.handler(handler));
            }
            _ => {}
        }
        visitor::walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a r::Expr) {
        let range = expr.range();
        match expr {
            r::Expr::Await(_) => self.needs(5, "Await expressions are", range),
            r::Expr::BinOp(node) if node.op == r::Operator::MatMult => {
                self.needs(5, "The '@' operator is", range);
            }
            r::Expr::NumberLiteral(_) if self.adapter.slice(range).contains('_') => {
                self.needs(6, "Underscores in numeric literals are", range);
            }
            r::Expr::Named(_) => self.needs(8, "Assignment expressions are", range),
            r::Expr::TString(_) => self.needs(14, "t-strings are", range),
            _ => {}
        }
        visitor::walk_expr(self, expr);
    }

    fn visit_comprehension(&mut self, comprehension: &'a r::Comprehension) {
        if comprehension.is_async {
            self.needs(6, "Async comprehensions are", comprehension.range);
        }
        visitor::walk_comprehension(self, comprehension);
    }

    fn visit_parameters(&mut self, parameters: &'a r::Parameters) {
        if !parameters.posonlyargs.is_empty() {
            self.needs(8, "Positional-only parameters are", parameters.range);
        }
        visitor::walk_parameters(self, parameters);
    }

    fn visit_type_params(&mut self, params: &'a r::TypeParams) {
        self.needs(12, "Type parameter lists are", params.range);
        if params.type_params.iter().any(|param| param.default().is_some()) {
            self.needs(13, "Type parameter defaults are", params.range);
        }
        visitor::walk_type_params(self, params);
    }
}
