//! Constant folding on the tree, before the symbol table is made.
//!
//! Folds what CPython folds where a program can see it (or where it saves work): operators on constants with small
//! results, tuples of constants, `__debug__`, displays that are only iterated or searched. Also gives the warnings
//! about control flow that leaves a `finally` body (PEP 765), which need a walk of every statement anyway.

mod operators;

use crate::ast::*;
use crate::error::Warning;

/// Folds a tree in place; gives its warnings. `text_annotations`: annotations are kept as text, as they were written.
pub(crate) fn fold(module: &mut Mod, optimize: u8, text_annotations: bool) -> Vec<Warning> {
    run(module, Folder { optimize, text_annotations, operators: true, warnings: Vec::new(), finally: None })
}

/// As [`fold`], but for programs that ask for the tree: as in CPython, it keeps operators outside of patterns.
pub(crate) fn fold_for_programs(module: &mut Mod, optimize: u8, text_annotations: bool) -> Vec<Warning> {
    run(module, Folder { optimize, text_annotations, operators: false, warnings: Vec::new(), finally: None })
}

fn run(module: &mut Mod, mut folder: Folder) -> Vec<Warning> {
    match module {
        Mod::Module { body } | Mod::Interactive { body } => folder.suite(body),
        Mod::Expression { body } => folder.expr(body),
        Mod::FunctionType { .. } => {}
    }
    folder.warnings
}

/// What in a `finally` body leaves it.
#[derive(Clone, Copy)]
struct Finally {
    /// Inside a loop of the body, where break and continue are fine.
    in_loop: bool,
}

struct Folder {
    optimize: u8,
    text_annotations: bool,
    /// Operators on constants, and tuples of constants, are folded.
    operators: bool,
    warnings: Vec<Warning>,
    finally: Option<Finally>,
}

impl Folder {
    fn suite(&mut self, body: &mut [Stmt]) {
        body.iter_mut().for_each(|stmt| self.stmt(stmt));
    }

    fn leaves_finally(&mut self, word: &str, at: Position) {
        self.warnings.push(Warning::syntax(format!("'{word}' in a 'finally' block"), at));
    }

    fn in_loop(&mut self, body: &mut [Stmt]) {
        let outer = self.finally;
        if self.finally.is_some() {
            self.finally = Some(Finally { in_loop: true });
        }
        self.suite(body);
        self.finally = outer;
    }

    fn in_definition(&mut self, f: impl FnOnce(&mut Self)) {
        let outer = self.finally.take();
        f(self);
        self.finally = outer;
    }

    fn stmt(&mut self, stmt: &mut Stmt) {
        let at = stmt.at;
        match &mut stmt.kind {
            StmtKind::Return(value) => {
                if self.finally.is_some() {
                    self.leaves_finally("return", at);
                }
                self.optional_boxed(value);
            }
            StmtKind::Break | StmtKind::Continue => {
                if self.finally.is_some_and(|finally| !finally.in_loop) {
                    let word = if matches!(stmt.kind, StmtKind::Break) { "break" } else { "continue" };
                    self.leaves_finally(word, at);
                }
            }
            StmtKind::Delete(targets) => self.exprs(targets),
            StmtKind::Assign { targets, value } => {
                self.exprs(targets);
                self.expr(value);
            }
            StmtKind::AugAssign { target, value, .. } => {
                self.expr(target);
                self.expr(value);
            }
            StmtKind::AnnAssign { target, annotation, value, .. } => {
                self.expr(target);
                self.annotation(annotation);
                self.optional_boxed(value);
            }
            StmtKind::Raise { exc, cause } => {
                self.optional_boxed(exc);
                self.optional_boxed(cause);
            }
            StmtKind::Assert { test, msg } => {
                self.expr(test);
                self.optional_boxed(msg);
            }
            StmtKind::Expr(value) => self.expr(value),
            StmtKind::Import(_)
            | StmtKind::ImportFrom { .. }
            | StmtKind::Global(_)
            | StmtKind::Nonlocal(_)
            | StmtKind::Pass => {}
            _ => self.compound(stmt),
        }
    }

    fn compound(&mut self, stmt: &mut Stmt) {
        match &mut stmt.kind {
            StmtKind::FunctionDef(def) => {
                self.arguments(&mut def.args);
                self.exprs(&mut def.decorators);
                self.type_params(&mut def.type_params);
                def.returns.iter_mut().for_each(|expr| self.annotation(expr));
                self.in_definition(|this| this.suite(&mut def.body));
            }
            StmtKind::ClassDef(def) => {
                self.exprs(&mut def.decorators);
                self.type_params(&mut def.type_params);
                self.exprs(&mut def.bases);
                def.keywords.iter_mut().for_each(|keyword| self.expr(&mut keyword.value));
                self.in_definition(|this| this.suite(&mut def.body));
            }
            StmtKind::TypeAlias(alias) => {
                self.type_params(&mut alias.type_params);
                self.expr(&mut alias.value);
            }
            StmtKind::For(node) => {
                self.expr(&mut node.target);
                self.expr(&mut node.iter);
                if self.operators {
                    operators::fold_iterable(&mut node.iter);
                }
                self.in_loop(&mut node.body);
                self.suite(&mut node.orelse);
            }
            StmtKind::While { test, body, orelse } => {
                self.expr(test);
                self.in_loop(body);
                self.suite(orelse);
            }
            StmtKind::If { test, body, orelse } => {
                self.expr(test);
                self.suite(body);
                self.suite(orelse);
            }
            StmtKind::With { items, body, .. } => {
                for item in items {
                    self.expr(&mut item.context);
                    item.target.iter_mut().for_each(|expr| self.expr(expr));
                }
                self.suite(body);
            }
            StmtKind::Try(node) => {
                self.suite(&mut node.body);
                for handler in &mut node.handlers {
                    handler.typ.iter_mut().for_each(|expr| self.expr(expr));
                    self.suite(&mut handler.body);
                }
                self.suite(&mut node.orelse);
                let outer = self.finally.replace(Finally { in_loop: false });
                self.suite(&mut node.finalbody);
                self.finally = outer;
            }
            StmtKind::Match { subject, cases } => {
                self.expr(subject);
                for case in cases {
                    let outside = std::mem::replace(&mut self.operators, true);
                    self.pattern(&mut case.pattern);
                    self.operators = outside;
                    case.guard.iter_mut().for_each(|expr| self.expr(expr));
                    self.suite(&mut case.body);
                }
            }
            _ => {}
        }
    }

    fn pattern(&mut self, pattern: &mut Pattern) {
        match &mut pattern.kind {
            PatternKind::Value(value) => self.expr(value),
            PatternKind::Singleton(_) | PatternKind::Star(_) => {}
            PatternKind::Sequence(patterns) | PatternKind::Or(patterns) => {
                patterns.iter_mut().for_each(|pattern| self.pattern(pattern));
            }
            PatternKind::Mapping { keys, patterns, .. } => {
                self.exprs(keys);
                patterns.iter_mut().for_each(|pattern| self.pattern(pattern));
            }
            PatternKind::Class { cls, patterns, kwd_patterns, .. } => {
                self.expr(cls);
                patterns.iter_mut().chain(kwd_patterns).for_each(|pattern| self.pattern(pattern));
            }
            PatternKind::As { pattern, .. } => {
                if let Some(pattern) = pattern {
                    self.pattern(pattern);
                }
            }
        }
    }

    fn arguments(&mut self, args: &mut Arguments) {
        self.exprs(&mut args.defaults);
        args.kw_defaults.iter_mut().flatten().for_each(|expr| self.expr(expr));
        let Arguments { posonlyargs, args, vararg, kwonlyargs, kwarg, .. } = args;
        for arg in posonlyargs.iter_mut().chain(args).chain(vararg).chain(kwonlyargs).chain(kwarg) {
            arg.annotation.iter_mut().for_each(|expr| self.annotation(expr));
        }
    }

    fn annotation(&mut self, annotation: &mut Expr) {
        if !self.text_annotations {
            self.expr(annotation);
        }
    }

    fn type_params(&mut self, params: &mut [TypeParam]) {
        for param in params {
            if let TypeParamKind::TypeVar { bound: Some(bound) } = &mut param.kind {
                self.expr(bound);
            }
            param.default.iter_mut().for_each(|expr| self.expr(expr));
        }
    }

    fn exprs(&mut self, exprs: &mut [Expr]) {
        exprs.iter_mut().for_each(|expr| self.expr(expr));
    }

    fn optional_boxed(&mut self, expr: &mut Option<Box<Expr>>) {
        if let Some(expr) = expr {
            self.expr(expr);
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Name { id, ctx: Context::Load } if &**id == "__debug__" => {
                let value = if self.optimize == 0 { Constant::True } else { Constant::False };
                expr.kind = ExprKind::Constant { value, u_prefix: false };
            }
            ExprKind::Name { .. } | ExprKind::Constant { .. } => {}
            ExprKind::Bin { left, right, .. } => {
                self.expr(left);
                self.expr(right);
                if self.operators {
                    operators::fold_binary(expr);
                }
            }
            ExprKind::Unary { operand, .. } => {
                self.expr(operand);
                if self.operators {
                    operators::fold_unary(expr);
                }
            }
            ExprKind::Tuple { elts, .. } => {
                self.exprs(elts);
                if self.operators {
                    operators::fold_tuple(expr);
                }
            }
            ExprKind::Compare { left, ops, comparators } => {
                // The warning about `is` with literals is about what the source says.
                let identity = ops.iter().any(|op| matches!(op, CmpOp::Is | CmpOp::IsNot));
                for operand in std::iter::once(&mut **left).chain(comparators.iter_mut()) {
                    let operator = matches!(operand.kind, ExprKind::Bin { .. } | ExprKind::Unary { .. });
                    if !(identity && operator) {
                        self.expr(operand);
                    }
                }
                for (op, right) in ops.iter().zip(comparators) {
                    if self.operators && matches!(op, CmpOp::In | CmpOp::NotIn) {
                        operators::fold_iterable(right);
                    }
                }
            }
            ExprKind::BoolOp { values, .. } | ExprKind::JoinedStr(values) | ExprKind::TemplateStr(values) => {
                self.exprs(values);
            }
            ExprKind::List { elts, .. } | ExprKind::Set(elts) => self.exprs(elts),
            ExprKind::Call(call) => {
                self.expr(&mut call.func);
                self.exprs(&mut call.args);
                call.keywords.iter_mut().for_each(|keyword| self.expr(&mut keyword.value));
            }
            ExprKind::Attribute { value, .. } | ExprKind::Starred { value, .. } => self.expr(value),
            ExprKind::Subscript { value, slice, .. } => {
                self.expr(value);
                self.expr(slice);
            }
            ExprKind::If { test, body, orelse } => {
                self.expr(test);
                self.expr(body);
                self.expr(orelse);
            }
            _ => self.rare_expr(expr),
        }
    }

    fn rare_expr(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Named { value, .. } | ExprKind::Await(value) | ExprKind::YieldFrom(value) => {
                self.expr(value);
            }
            ExprKind::Yield(value) => self.optional_boxed(value),
            ExprKind::Lambda(lambda) => {
                self.arguments(&mut lambda.args);
                self.expr(&mut lambda.body);
            }
            ExprKind::Dict { keys, values } => {
                keys.iter_mut().flatten().for_each(|key| self.expr(key));
                self.exprs(values);
            }
            ExprKind::ListComp(comp)
            | ExprKind::SetComp(comp)
            | ExprKind::DictComp(comp)
            | ExprKind::Generator(comp) => {
                self.expr(&mut comp.elt);
                comp.value.iter_mut().for_each(|value| self.expr(value));
                for generator in &mut comp.generators {
                    self.expr(&mut generator.target);
                    self.expr(&mut generator.iter);
                    self.exprs(&mut generator.ifs);
                }
            }
            ExprKind::FormattedValue(field) => {
                self.expr(&mut field.value);
                field.format_spec.iter_mut().for_each(|spec| self.expr(spec));
            }
            ExprKind::Interpolation(field) => {
                self.expr(&mut field.value);
                field.format_spec.iter_mut().for_each(|spec| self.expr(spec));
            }
            ExprKind::Slice { lower, upper, step } => {
                self.optional_boxed(lower);
                self.optional_boxed(upper);
                self.optional_boxed(step);
            }
            _ => {}
        }
    }
}
