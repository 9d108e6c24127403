//! Checks that a syntax tree is one that the grammar could have made.
//!
//! Trees come from programs as well as from the parser; the passes after this one rely on what is checked here (there
//! is a body, lists belong together, targets are targets). Messages are those of CPython's `ast.c`.

use crate::ast::*;
use crate::error::{CompileError, ErrorKind, Result};

/// Checks a tree.
///
/// # Errors
/// ValueError or TypeError.
pub fn validate(module: &Mod) -> Result<()> {
    match module {
        Mod::Module { body } | Mod::Interactive { body } => stmts(body),
        Mod::Expression { body } => load(body),
        Mod::FunctionType { argtypes, returns } => {
            loads(argtypes)?;
            load(returns)
        }
    }
}

fn fail<T>(message: impl Into<String>) -> Result<T> {
    Err(CompileError::new(ErrorKind::Value, message))
}

fn type_error<T>(message: impl Into<String>) -> Result<T> {
    Err(CompileError::new(ErrorKind::Type, message))
}

fn position(at: Position) -> Result<()> {
    let Position { line, end_line, column, end_column } = at;
    if line > end_line {
        return fail(format!("AST node line range ({line}, {end_line}) is not valid"));
    }
    if column < 0 && column != end_column {
        return fail(format!(
            "AST node column range ({column}, {end_column}) for line range ({line}, {end_line}) is not valid"
        ));
    }
    if line == end_line && column > end_column {
        return fail(format!("line {line}, column {column}-{end_column} is not a valid range"));
    }
    Ok(())
}

fn nonempty<T>(items: &[T], what: &str, owner: &str) -> Result<()> {
    if items.is_empty() { fail(format!("empty {what} on {owner}")) } else { Ok(()) }
}

fn body(stmts_: &[Stmt], owner: &str) -> Result<()> {
    nonempty(stmts_, "body", owner)?;
    stmts(stmts_)
}

fn name(id: &str) -> Result<()> {
    match id {
        "None" | "True" | "False" => fail(format!("identifier field can't represent '{id}' constant")),
        _ => Ok(()),
    }
}

// ---- statements ----

fn stmts(body: &[Stmt]) -> Result<()> {
    body.iter().try_for_each(stmt)
}

fn stmt(node: &Stmt) -> Result<()> {
    position(node.at)?;
    match &node.kind {
        StmtKind::FunctionDef(def) => {
            body(&def.body, if def.is_async { "AsyncFunctionDef" } else { "FunctionDef" })?;
            type_params(&def.type_params)?;
            arguments(&def.args)?;
            loads(&def.decorators)?;
            optional(def.returns.as_ref())
        }
        StmtKind::ClassDef(def) => {
            body(&def.body, "ClassDef")?;
            type_params(&def.type_params)?;
            loads(&def.bases)?;
            def.keywords.iter().try_for_each(|keyword| load(&keyword.value))?;
            loads(&def.decorators)
        }
        StmtKind::Return(value) => optional(value.as_deref()),
        StmtKind::Delete(targets) => {
            nonempty(targets, "targets", "Delete")?;
            targets.iter().try_for_each(|target| expr(target, Context::Del))
        }
        StmtKind::Assign { targets, value } => {
            nonempty(targets, "targets", "Assign")?;
            targets.iter().try_for_each(|target| expr(target, Context::Store))?;
            load(value)
        }
        StmtKind::AugAssign { target, value, .. } => {
            expr(target, Context::Store)?;
            load(value)
        }
        StmtKind::AnnAssign { target, annotation, value, simple } => {
            if *simple && !matches!(target.kind, ExprKind::Name { .. }) {
                return type_error("AnnAssign with simple non-Name target");
            }
            expr(target, Context::Store)?;
            optional(value.as_deref())?;
            load(annotation)
        }
        StmtKind::TypeAlias(alias) => {
            if !matches!(alias.name.kind, ExprKind::Name { .. }) {
                return type_error("TypeAlias with non-Name name");
            }
            expr(&alias.name, Context::Store)?;
            type_params(&alias.type_params)?;
            load(&alias.value)
        }
        StmtKind::Raise { exc, cause } => {
            if exc.is_none() && cause.is_some() {
                return fail("Raise with cause but no exception");
            }
            optional(exc.as_deref())?;
            optional(cause.as_deref())
        }
        StmtKind::Assert { test, msg } => {
            load(test)?;
            optional(msg.as_deref())
        }
        StmtKind::Import(names) => nonempty(names, "names", "Import"),
        StmtKind::ImportFrom { names, .. } => nonempty(names, "names", "ImportFrom"),
        StmtKind::Global(names) => nonempty(names, "names", "Global"),
        StmtKind::Nonlocal(names) => nonempty(names, "names", "Nonlocal"),
        StmtKind::Expr(value) => load(value),
        StmtKind::Pass | StmtKind::Break | StmtKind::Continue => Ok(()),
        _ => compound(node),
    }
}

fn compound(node: &Stmt) -> Result<()> {
    match &node.kind {
        StmtKind::For(node) => {
            expr(&node.target, Context::Store)?;
            load(&node.iter)?;
            body(&node.body, if node.is_async { "AsyncFor" } else { "For" })?;
            stmts(&node.orelse)
        }
        StmtKind::While { test, body: inner, orelse } => {
            load(test)?;
            body(inner, "While")?;
            stmts(orelse)
        }
        StmtKind::If { test, body: inner, orelse } => {
            load(test)?;
            body(inner, "If")?;
            stmts(orelse)
        }
        StmtKind::With { items, body: inner, is_async } => {
            let owner = if *is_async { "AsyncWith" } else { "With" };
            nonempty(items, "items", owner)?;
            for item in items {
                load(&item.context)?;
                item.target.as_ref().map_or(Ok(()), |target| expr(target, Context::Store))?;
            }
            body(inner, owner)
        }
        StmtKind::Match { subject, cases } => {
            load(subject)?;
            nonempty(cases, "cases", "Match")?;
            for case in cases {
                pattern(&case.pattern, false)?;
                optional(case.guard.as_ref())?;
                body(&case.body, "match_case")?;
            }
            Ok(())
        }
        StmtKind::Try(node) => {
            let owner = if node.is_star { "TryStar" } else { "Try" };
            body(&node.body, owner)?;
            if node.handlers.is_empty() && node.finalbody.is_empty() {
                return fail(format!("{owner} has neither except handlers nor finalbody"));
            }
            if node.handlers.is_empty() && !node.orelse.is_empty() {
                return fail(format!("{owner} has orelse but no except handlers"));
            }
            for handler in &node.handlers {
                position(handler.at)?;
                optional(handler.typ.as_ref())?;
                body(&handler.body, "ExceptHandler")?;
            }
            stmts(&node.orelse)?;
            stmts(&node.finalbody)
        }
        _ => Ok(()),
    }
}

fn arguments(args: &Arguments) -> Result<()> {
    for arg in args.all() {
        position(arg.at)?;
        optional(arg.annotation.as_ref())?;
    }
    if args.defaults.len() > args.posonlyargs.len() + args.args.len() {
        return fail("more positional defaults than args on arguments");
    }
    if args.kw_defaults.len() != args.kwonlyargs.len() {
        return fail("length of kwonlyargs is not the same as kw_defaults on arguments");
    }
    loads(&args.defaults)?;
    args.kw_defaults.iter().flatten().try_for_each(load)
}

fn type_params(params: &[TypeParam]) -> Result<()> {
    for param in params {
        position(param.at)?;
        name(&param.name)?;
        if let TypeParamKind::TypeVar { bound } = &param.kind {
            optional(bound.as_ref())?;
        }
        optional(param.default.as_ref())?;
    }
    Ok(())
}

// ---- expressions ----

fn load(node: &Expr) -> Result<()> {
    expr(node, Context::Load)
}

fn loads(nodes: &[Expr]) -> Result<()> {
    nodes.iter().try_for_each(load)
}

fn optional(node: Option<&Expr>) -> Result<()> {
    node.map_or(Ok(()), load)
}

fn context_name(ctx: Context) -> &'static str {
    match ctx {
        Context::Load => "Load",
        Context::Store => "Store",
        Context::Del => "Del",
    }
}

fn expr(node: &Expr, ctx: Context) -> Result<()> {
    position(node.at)?;
    let actual = match &node.kind {
        ExprKind::Attribute { ctx, .. }
        | ExprKind::Subscript { ctx, .. }
        | ExprKind::Starred { ctx, .. }
        | ExprKind::Name { ctx, .. }
        | ExprKind::List { ctx, .. }
        | ExprKind::Tuple { ctx, .. } => Some(*ctx),
        _ => None,
    };
    match actual {
        Some(actual) if actual != ctx => {
            let (expected, actual) = (context_name(ctx), context_name(actual));
            return fail(format!("expression must have {expected} context but has {actual} instead"));
        }
        None if ctx != Context::Load => {
            return fail(format!("expression which can't be assigned to in {} context", context_name(ctx)));
        }
        _ => {}
    }
    match &node.kind {
        ExprKind::Name { id, .. } => name(id),
        ExprKind::Constant { .. } => Ok(()),
        ExprKind::Attribute { value, .. } => load(value),
        ExprKind::Subscript { value, slice, .. } => {
            load(value)?;
            load(slice)
        }
        ExprKind::Starred { value, .. } => expr(value, ctx),
        ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => {
            elts.iter().try_for_each(|elt| expr(elt, ctx))
        }
        ExprKind::BoolOp { values, .. } => {
            if values.len() < 2 {
                return fail("BoolOp with less than 2 values");
            }
            loads(values)
        }
        ExprKind::Bin { left, right, .. } => {
            load(left)?;
            load(right)
        }
        ExprKind::Unary { operand, .. } => load(operand),
        ExprKind::Compare { left, ops, comparators } => {
            if comparators.is_empty() {
                return fail("Compare has no comparators");
            }
            if comparators.len() != ops.len() {
                return fail("Compare has a different number of comparators and operands");
            }
            load(left)?;
            loads(comparators)
        }
        ExprKind::Call(call) => {
            load(&call.func)?;
            loads(&call.args)?;
            call.keywords.iter().try_for_each(|keyword| load(&keyword.value))
        }
        _ => rare_expr(node),
    }
}

fn rare_expr(node: &Expr) -> Result<()> {
    match &node.kind {
        ExprKind::Named { target, value } => {
            if !matches!(target.kind, ExprKind::Name { .. }) {
                return type_error("NamedExpr target must be a Name");
            }
            expr(target, Context::Store)?;
            load(value)
        }
        ExprKind::Lambda(lambda) => {
            arguments(&lambda.args)?;
            load(&lambda.body)
        }
        ExprKind::If { test, body, orelse } => {
            load(test)?;
            load(body)?;
            load(orelse)
        }
        ExprKind::Dict { keys, values } => {
            if keys.len() != values.len() {
                return fail("Dict doesn't have the same number of keys as values");
            }
            keys.iter().flatten().try_for_each(load)?;
            loads(values)
        }
        ExprKind::Set(elts) | ExprKind::JoinedStr(elts) | ExprKind::TemplateStr(elts) => loads(elts),
        ExprKind::ListComp(comp)
        | ExprKind::SetComp(comp)
        | ExprKind::DictComp(comp)
        | ExprKind::Generator(comp) => comprehension(comp),
        ExprKind::Await(value) | ExprKind::YieldFrom(value) => load(value),
        ExprKind::Yield(value) => optional(value.as_deref()),
        ExprKind::FormattedValue(field) => {
            load(&field.value)?;
            optional(field.format_spec.as_ref())
        }
        ExprKind::Interpolation(field) => {
            load(&field.value)?;
            optional(field.format_spec.as_ref())
        }
        ExprKind::Slice { lower, upper, step } => {
            optional(lower.as_deref())?;
            optional(upper.as_deref())?;
            optional(step.as_deref())
        }
        _ => Ok(()),
    }
}

fn comprehension(comp: &Comprehension) -> Result<()> {
    if comp.generators.is_empty() {
        return fail("comprehension with no generators");
    }
    for generator in &comp.generators {
        expr(&generator.target, Context::Store)?;
        load(&generator.iter)?;
        loads(&generator.ifs)?;
    }
    load(&comp.elt)?;
    optional(comp.value.as_ref())
}

// ---- patterns ----

fn is_number(node: &Expr, imaginary: bool) -> bool {
    let ExprKind::Constant { value, .. } = &node.kind else { return false };
    match value {
        Constant::Int(_) | Constant::BigInt(_) | Constant::Float(_) => !imaginary,
        Constant::Complex { .. } => imaginary,
        _ => false,
    }
}

fn pattern_value(node: &Expr) -> Result<()> {
    load(node)?;
    let valid = match &node.kind {
        ExprKind::Constant { value, .. } => matches!(
            value,
            Constant::Int(_)
                | Constant::BigInt(_)
                | Constant::Float(_)
                | Constant::Complex { .. }
                | Constant::Str(_)
                | Constant::Bytes(_)
        ),
        ExprKind::Attribute { .. } => true,
        ExprKind::Unary { op: UnaryOp::USub, operand } => {
            is_number(operand, false) || is_number(operand, true)
        }
        ExprKind::Bin { left, op: Operator::Add | Operator::Sub, right } => {
            let real = match &left.kind {
                ExprKind::Unary { op: UnaryOp::USub, operand } => is_number(operand, false),
                _ => is_number(left, false),
            };
            real && is_number(right, true)
        }
        ExprKind::JoinedStr(_) | ExprKind::TemplateStr(_) => false,
        _ => false,
    };
    if valid { Ok(()) } else { fail("patterns may only match literals and attribute lookups") }
}

fn capture(name_: Option<&Ident>) -> Result<()> {
    match name_.map(|name| &**name) {
        Some("_") => fail("can't capture name '_' in patterns"),
        Some(id) => name(id),
        None => Ok(()),
    }
}

fn patterns(nodes: &[Pattern], star_ok: bool) -> Result<()> {
    nodes.iter().try_for_each(|node| pattern(node, star_ok))
}

fn pattern(node: &Pattern, star_ok: bool) -> Result<()> {
    position(node.at)?;
    match &node.kind {
        PatternKind::Value(value) => pattern_value(value),
        PatternKind::Singleton(value) => match value {
            Constant::None | Constant::True | Constant::False => Ok(()),
            _ => fail("MatchSingleton can only contain True, False and None"),
        },
        PatternKind::Sequence(items) => patterns(items, true),
        PatternKind::Mapping { keys, patterns: values, rest } => {
            if keys.len() != values.len() {
                return fail("MatchMapping doesn't have the same number of keys as patterns");
            }
            capture(rest.as_ref())?;
            for key in keys {
                let singleton = matches!(
                    &key.kind,
                    ExprKind::Constant { value: Constant::None | Constant::True | Constant::False, .. }
                );
                if !singleton {
                    pattern_value(key)?;
                }
            }
            patterns(values, false)
        }
        PatternKind::Class { cls, patterns: positional, kwd_attrs, kwd_patterns } => {
            if kwd_attrs.len() != kwd_patterns.len() {
                return fail("MatchClass doesn't have the same number of keyword attributes as patterns");
            }
            load(cls)?;
            let mut class = cls;
            loop {
                match &class.kind {
                    ExprKind::Name { .. } => break,
                    ExprKind::Attribute { value, .. } => class = value,
                    _ => return fail("MatchClass cls field can only contain Name or Attribute nodes."),
                }
            }
            kwd_attrs.iter().try_for_each(|attr| name(attr))?;
            patterns(positional, false)?;
            patterns(kwd_patterns, false)
        }
        PatternKind::Star(name) => {
            if !star_ok {
                return fail("can't use MatchStar here");
            }
            capture(name.as_ref())
        }
        PatternKind::As { pattern: inner, name } => {
            capture(name.as_ref())?;
            match inner {
                None => Ok(()),
                Some(_) if name.is_none() => fail("MatchAs must specify a target name if a pattern is given"),
                Some(inner) => pattern(inner, false),
            }
        }
        PatternKind::Or(alternatives) => {
            if alternatives.len() < 2 {
                return fail("MatchOr requires at least 2 patterns");
            }
            patterns(alternatives, false)
        }
    }
}
