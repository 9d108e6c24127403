//! Statements of the parser's tree, turned into ours.

use ruff_python_ast as r;
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::Adapter;
use super::expr::operator;
use crate::ast::*;
use crate::error::{CompileError, Result};

impl Adapter<'_> {
    pub(super) fn suite(&self, nodes: &[r::Stmt]) -> Result<Vec<Stmt>> {
        nodes.iter().map(|node| self.stmt(node)).collect()
    }

    fn stmt(&self, node: &r::Stmt) -> Result<Stmt> {
        self.deeper(node, || {
            let range = match node {
                r::Stmt::FunctionDef(n) => self.without_decorators(n.range, &n.decorator_list),
                r::Stmt::ClassDef(n) => self.without_decorators(n.range, &n.decorator_list),
                _ => node.range(),
            };
            let range = self.with_semicolon(node, range);
            Ok(Stmt { kind: self.stmt_kind(node)?, at: self.position(range) })
        })
    }

    /// A compound statement that ends in a semicolon includes it.
    fn with_semicolon(&self, node: &r::Stmt, range: TextRange) -> TextRange {
        let compound = matches!(
            node,
            r::Stmt::FunctionDef(_)
                | r::Stmt::ClassDef(_)
                | r::Stmt::If(_)
                | r::Stmt::For(_)
                | r::Stmt::While(_)
                | r::Stmt::With(_)
                | r::Stmt::Try(_)
                | r::Stmt::Match(_)
        );
        let rest = self.source.get(usize::from(range.end())..).unwrap_or_default();
        let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if compound && rest[spaces..].starts_with(';') {
            let end = range.end() + TextSize::from(spaces as u32 + 1);
            return TextRange::new(range.start(), end);
        }
        range
    }

    /// A definition's range from its keyword on.
    pub(super) fn without_decorators(&self, range: TextRange, decorators: &[r::Decorator]) -> TextRange {
        let Some(last) = decorators.last() else { return range };
        let mut at = usize::from(last.range().end());
        let bytes = self.source.as_bytes();
        loop {
            match bytes.get(at) {
                Some(b'#') => {
                    while bytes.get(at).is_some_and(|b| *b != b'\n' && *b != b'\r') {
                        at += 1;
                    }
                }
                Some(b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'\\') => at += 1,
                _ => break,
            }
        }
        TextRange::new(TextSize::from(at as u32).min(range.end()), range.end())
    }

    fn stmt_kind(&self, node: &r::Stmt) -> Result<StmtKind> {
        Ok(match node {
            r::Stmt::Expr(n) => StmtKind::Expr(self.boxed(&n.value)?),
            r::Stmt::Assign(n) => {
                StmtKind::Assign { targets: self.exprs(&n.targets)?, value: self.boxed(&n.value)? }
            }
            r::Stmt::AugAssign(n) => StmtKind::AugAssign {
                target: self.boxed(&n.target)?,
                op: operator(n.op),
                value: self.boxed(&n.value)?,
            },
            r::Stmt::AnnAssign(n) => StmtKind::AnnAssign {
                target: self.boxed(&n.target)?,
                annotation: self.boxed(&n.annotation)?,
                value: self.optional_boxed(n.value.as_deref())?,
                simple: n.simple,
            },
            r::Stmt::Return(n) => StmtKind::Return(self.optional_boxed(n.value.as_deref())?),
            r::Stmt::Delete(n) => StmtKind::Delete(self.exprs(&n.targets)?),
            r::Stmt::Raise(n) => StmtKind::Raise {
                exc: self.optional_boxed(n.exc.as_deref())?,
                cause: self.optional_boxed(n.cause.as_deref())?,
            },
            r::Stmt::Assert(n) => {
                StmtKind::Assert { test: self.boxed(&n.test)?, msg: self.optional_boxed(n.msg.as_deref())? }
            }
            r::Stmt::Import(n) => StmtKind::Import(self.aliases(&n.names)),
            r::Stmt::ImportFrom(n) => StmtKind::ImportFrom {
                module: n.module.as_ref().map(|module| self.ident(module)),
                names: self.aliases(&n.names),
                level: n.level,
            },
            r::Stmt::Global(n) => StmtKind::Global(n.names.iter().map(|n| self.ident(n)).collect()),
            r::Stmt::Nonlocal(n) => StmtKind::Nonlocal(n.names.iter().map(|n| self.ident(n)).collect()),
            r::Stmt::Pass(_) => StmtKind::Pass,
            r::Stmt::Break(_) => StmtKind::Break,
            r::Stmt::Continue(_) => StmtKind::Continue,
            _ => return self.compound(node),
        })
    }

    fn compound(&self, node: &r::Stmt) -> Result<StmtKind> {
        Ok(match node {
            r::Stmt::If(n) => self.if_chain(&n.test, &n.body, &n.elif_else_clauses)?,
            r::Stmt::For(n) => StmtKind::For(Box::new(For {
                target: self.expr(&n.target)?,
                iter: self.expr(&n.iter)?,
                body: self.suite(&n.body)?,
                orelse: self.suite(&n.orelse)?,
                is_async: n.is_async,
            })),
            r::Stmt::While(n) => StmtKind::While {
                test: self.boxed(&n.test)?,
                body: self.suite(&n.body)?,
                orelse: self.suite(&n.orelse)?,
            },
            r::Stmt::With(n) => StmtKind::With {
                items: (n.items.iter())
                    .map(|item| {
                        Ok(WithItem {
                            context: self.expr(&item.context_expr)?,
                            target: self.optional(item.optional_vars.as_deref())?,
                        })
                    })
                    .collect::<Result<_>>()?,
                body: self.suite(&n.body)?,
                is_async: n.is_async,
            },
            r::Stmt::Try(n) => StmtKind::Try(Box::new(Try {
                body: self.suite(&n.body)?,
                handlers: n.handlers.iter().map(|h| self.handler(h)).collect::<Result<_>>()?,
                orelse: self.suite(&n.orelse)?,
                finalbody: self.suite(&n.finalbody)?,
                is_star: n.is_star,
            })),
            r::Stmt::Match(n) => StmtKind::Match {
                subject: self.boxed(&n.subject)?,
                cases: (n.cases.iter())
                    .map(|case| {
                        Ok(MatchCase {
                            pattern: self.pattern(&case.pattern)?,
                            guard: self.optional(case.guard.as_deref())?,
                            body: self.suite(&case.body)?,
                        })
                    })
                    .collect::<Result<_>>()?,
            },
            _ => return self.definition(node),
        })
    }

    fn definition(&self, node: &r::Stmt) -> Result<StmtKind> {
        let decorators = |list: &[r::Decorator]| self.exprs(list.iter().map(|d| &d.expression));
        Ok(match node {
            r::Stmt::FunctionDef(n) => StmtKind::FunctionDef(Box::new(FunctionDef {
                name: self.ident(&n.name),
                type_params: self.type_params(n.type_params.as_deref())?,
                args: self.parameters(&n.parameters)?,
                body: self.suite(&n.body)?,
                decorators: decorators(&n.decorator_list)?,
                returns: self.optional(n.returns.as_deref())?,
                is_async: n.is_async,
            })),
            r::Stmt::ClassDef(n) => {
                let (bases, keywords) = match &n.arguments {
                    None => (Vec::new(), Vec::new()),
                    Some(a) => (self.exprs(&a.args)?, self.keywords(&a.keywords)?),
                };
                StmtKind::ClassDef(Box::new(ClassDef {
                    name: self.ident(&n.name),
                    type_params: self.type_params(n.type_params.as_deref())?,
                    bases,
                    keywords,
                    body: self.suite(&n.body)?,
                    decorators: decorators(&n.decorator_list)?,
                }))
            }
            r::Stmt::TypeAlias(n) => StmtKind::TypeAlias(Box::new(TypeAlias {
                name: self.expr(&n.name)?,
                type_params: self.type_params(n.type_params.as_deref())?,
                value: self.expr(&n.value)?,
            })),
            other => return Err(CompileError::syntax("invalid syntax", self.at(other))),
        })
    }

    fn if_chain(&self, test: &r::Expr, body: &[r::Stmt], clauses: &[r::ElifElseClause]) -> Result<StmtKind> {
        self.check_depth(clauses.len(), test)?;
        let (test, body) = (self.boxed(test)?, self.suite(body)?);
        let mut orelse = Vec::new();
        let end = clauses.last().map(|clause| clause.range.end());
        for clause in clauses.iter().rev() {
            let body = self.suite(&clause.body)?;
            match &clause.test {
                None => orelse = body,
                Some(test) => {
                    let test = self.boxed(test)?;
                    let range =
                        TextRange::new(clause.range.start(), end.unwrap_or_else(|| clause.range.end()));
                    let at = self.position(range);
                    let nested = std::mem::take(&mut orelse);
                    orelse = vec![Stmt { kind: StmtKind::If { test, body, orelse: nested }, at }];
                }
            }
        }
        Ok(StmtKind::If { test, body, orelse })
    }

    fn handler(&self, node: &r::ExceptHandler) -> Result<ExceptHandler> {
        let r::ExceptHandler::ExceptHandler(n) = node;
        Ok(ExceptHandler {
            typ: self.optional(n.type_.as_deref())?,
            name: n.name.as_ref().map(|name| self.ident(name)),
            body: self.suite(&n.body)?,
            at: self.position(n.range),
        })
    }

    fn aliases(&self, names: &[r::Alias]) -> Vec<Alias> {
        let alias = |alias: &r::Alias| Alias {
            name: self.ident(&alias.name),
            asname: alias.asname.as_ref().map(|name| self.ident(name)),
            at: self.at(alias),
        };
        names.iter().map(alias).collect()
    }
}
