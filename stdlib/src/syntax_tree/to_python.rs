//! The compiler's syntax tree as objects of the `ast` module.
//!
//! Nodes are made without calling their classes' `__init__`, field by field in the grammar's order.

use orochi_compiler::ast::*;
use orochi_compiler::parse::TypeComments;
use orochi_objects::error::{runtime_error, system_error};
use orochi_objects::types::{bytes, complex, float, int, list, set, slice, tuple};
use orochi_objects::{Obj, PyDict, PyResult, Ref, Thread, Value, protocol, str};
use orochi_text::wtf8::Wtf8;
use std::collections::HashMap;

type Fields = Vec<(&'static str, Value)>;

/// Makes nodes of the classes in a namespace.
pub(super) struct Maker<'a> {
    namespace: &'a Obj<PyDict>,
    comments: &'a TypeComments,
    classes: HashMap<&'static str, Value>,
    /// Nodes without fields, of which one serves everywhere.
    plain: HashMap<&'static str, Value>,
}

macro_rules! fields {
    ($($name:literal: $value:expr),* $(,)?) => { vec![$(($name, $value)),*] };
}

/// The object of a constant.
pub(super) fn constant(thread: &mut Thread, value: &Constant) -> PyResult {
    let all = |thread: &mut Thread, items: &[Constant]| {
        items.iter().map(|item| constant(thread, item)).collect::<PyResult<Vec<_>>>()
    };
    Ok(match value {
        Constant::None => Value::NONE,
        Constant::True => Value::TRUE,
        Constant::False => Value::FALSE,
        Constant::Ellipsis => Value::ELLIPSIS,
        Constant::Int(value) => int::new(thread, *value)?,
        Constant::BigInt(big) => {
            let sign = if big.negative { num_bigint::Sign::Minus } else { num_bigint::Sign::Plus };
            int::from_big(thread, num_bigint::BigInt::from_slice(sign, &big.digits))?
        }
        Constant::Float(value) => float::new(thread, *value)?,
        Constant::Complex { real, imag } => complex::new(thread, *real, *imag)?,
        Constant::Str(text) => {
            let text = Wtf8::from_bytes(text).ok_or_else(|| system_error("a constant is no text"))?;
            str::from_wtf8(thread, text)?
        }
        Constant::Bytes(value) => bytes::new(thread, value)?,
        Constant::Tuple(items) => {
            let items = all(thread, items)?;
            tuple::new(thread, items)?.into_value()
        }
        Constant::FrozenSet(items) => {
            let items = all(thread, items)?;
            let refs: Vec<Ref<'_>> = items.iter().map(Value::get).collect();
            set::frozen_from_values(thread, &refs)?.into_value()
        }
        Constant::Slice(parts) => {
            let [start, stop, step] = &**parts;
            let (start, stop, step) =
                (constant(thread, start)?, constant(thread, stop)?, constant(thread, step)?);
            slice::new(thread, start, stop, step)?.into_value()
        }
        Constant::Code(_) => return Err(system_error("code in a syntax tree")),
    })
}

fn text(thread: &Thread, name: &Ident) -> PyResult {
    str::new(thread, name)
}

fn comment(thread: &Thread, comment: Option<&str>) -> PyResult {
    comment.map_or(Ok(Value::NONE), |comment| str::new(thread, comment))
}

fn optional_text(thread: &Thread, name: Option<&Ident>) -> PyResult {
    name.map_or(Ok(Value::NONE), |name| text(thread, name))
}

fn idents(thread: &Thread, names: &[Ident]) -> PyResult {
    let names = names.iter().map(|name| text(thread, name)).collect::<PyResult<Vec<_>>>()?;
    Ok(list::new(thread, names)?.into_value())
}

fn operator(op: Operator) -> &'static str {
    match op {
        Operator::Add => "Add",
        Operator::Sub => "Sub",
        Operator::Mult => "Mult",
        Operator::MatMult => "MatMult",
        Operator::Div => "Div",
        Operator::Mod => "Mod",
        Operator::Pow => "Pow",
        Operator::LShift => "LShift",
        Operator::RShift => "RShift",
        Operator::BitOr => "BitOr",
        Operator::BitXor => "BitXor",
        Operator::BitAnd => "BitAnd",
        Operator::FloorDiv => "FloorDiv",
    }
}

fn comparison(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => "Eq",
        CmpOp::NotEq => "NotEq",
        CmpOp::Lt => "Lt",
        CmpOp::LtE => "LtE",
        CmpOp::Gt => "Gt",
        CmpOp::GtE => "GtE",
        CmpOp::Is => "Is",
        CmpOp::IsNot => "IsNot",
        CmpOp::In => "In",
        CmpOp::NotIn => "NotIn",
    }
}

impl<'a> Maker<'a> {
    pub(super) fn new(namespace: &'a Obj<PyDict>, comments: &'a TypeComments) -> Maker<'a> {
        Maker { namespace, comments, classes: HashMap::new(), plain: HashMap::new() }
    }

    fn class(&mut self, thread: &mut Thread, name: &'static str) -> PyResult {
        if let Some(class) = self.classes.get(name) {
            return Ok(class.clone());
        }
        let key = str::new(thread, name)?;
        let class = protocol::get_item(thread, self.namespace.get(), key.get())?;
        self.classes.insert(name, class.clone());
        Ok(class)
    }

    fn node(
        &mut self,
        thread: &mut Thread,
        name: &'static str,
        fields: Fields,
        at: Option<Position>,
    ) -> PyResult {
        let class = self.class(thread, name)?;
        let node = protocol::call_method(thread, class.get(), "__new__", &[class.get()])?;
        for (field, value) in fields {
            protocol::set_attr_str(thread, node.get(), field, value.get())?;
        }
        if let Some(at) = at {
            let places = [
                ("lineno", i64::from(at.line)),
                ("col_offset", at.column.into()),
                ("end_lineno", at.end_line.into()),
                ("end_col_offset", at.end_column.into()),
            ];
            for (name, value) in places {
                let value = int::new(thread, value)?;
                protocol::set_attr_str(thread, node.get(), name, value.get())?;
            }
        }
        Ok(node)
    }

    fn plain(&mut self, thread: &mut Thread, name: &'static str) -> PyResult {
        if let Some(node) = self.plain.get(name) {
            return Ok(node.clone());
        }
        let node = self.node(thread, name, Vec::new(), None)?;
        self.plain.insert(name, node.clone());
        Ok(node)
    }

    fn context(&mut self, thread: &mut Thread, context: Context) -> PyResult {
        self.plain(
            thread,
            match context {
                Context::Load => "Load",
                Context::Store => "Store",
                Context::Del => "Del",
            },
        )
    }

    fn many<T>(
        &mut self,
        thread: &mut Thread,
        items: &[T],
        mut make: impl FnMut(&mut Self, &mut Thread, &T) -> PyResult,
    ) -> PyResult {
        let mut made = Vec::with_capacity(items.len());
        for item in items {
            made.push(make(self, thread, item)?);
        }
        Ok(list::new(thread, made)?.into_value())
    }

    fn exprs(&mut self, thread: &mut Thread, items: &[Expr]) -> PyResult {
        self.many(thread, items, Self::expr)
    }

    fn optional_exprs(&mut self, thread: &mut Thread, items: &[Option<Expr>]) -> PyResult {
        self.many(thread, items, |maker, thread, item| maker.optional(thread, item.as_ref()))
    }

    fn optional(&mut self, thread: &mut Thread, item: Option<&Expr>) -> PyResult {
        item.map_or(Ok(Value::NONE), |item| self.expr(thread, item))
    }

    fn body(&mut self, thread: &mut Thread, items: &[Stmt]) -> PyResult {
        self.many(thread, items, Self::stmt)
    }

    pub(super) fn module(&mut self, thread: &mut Thread, module: &Mod) -> PyResult {
        match module {
            Mod::Module { body } => {
                let body = self.body(thread, body)?;
                let ignores = self.ignores(thread)?;
                self.node(thread, "Module", fields! { "body": body, "type_ignores": ignores }, None)
            }
            Mod::Interactive { body } => {
                let body = self.body(thread, body)?;
                self.node(thread, "Interactive", fields! { "body": body }, None)
            }
            Mod::Expression { body } => {
                let body = self.expr(thread, body)?;
                self.node(thread, "Expression", fields! { "body": body }, None)
            }
            Mod::FunctionType { argtypes, returns } => {
                let argtypes = self.exprs(thread, argtypes)?;
                let returns = self.expr(thread, returns)?;
                self.node(thread, "FunctionType", fields! { "argtypes": argtypes, "returns": returns }, None)
            }
        }
    }

    fn ignores(&mut self, thread: &mut Thread) -> PyResult {
        let mut ignores = Vec::new();
        for (line, tag) in &self.comments.ignores {
            let line = int::new(thread, i64::from(*line))?;
            let fields = fields! { "lineno": line, "tag": str::new(thread, tag)? };
            ignores.push(self.node(thread, "TypeIgnore", fields, None)?);
        }
        Ok(list::new(thread, ignores)?.into_value())
    }

    fn stmt(&mut self, thread: &mut Thread, stmt: &Stmt) -> PyResult {
        if thread.native_stack_low() {
            return Err(orochi_objects::error::recursion_error(
                "maximum recursion depth exceeded during ast construction",
            ));
        }
        let (name, fields) = self.stmt_parts(thread, &stmt.kind, stmt.at)?;
        self.node(thread, name, fields, Some(stmt.at))
    }

    fn stmt_parts(
        &mut self,
        thread: &mut Thread,
        kind: &StmtKind,
        at: Position,
    ) -> PyResult<(&'static str, Fields)> {
        Ok(match kind {
            StmtKind::Return(value) => {
                ("Return", fields! { "value": self.optional(thread, value.as_deref())? })
            }
            StmtKind::Delete(targets) => ("Delete", fields! { "targets": self.exprs(thread, targets)? }),
            StmtKind::Assign { targets, value } => (
                "Assign",
                fields! {
                    "targets": self.exprs(thread, targets)?,
                    "value": self.expr(thread, value)?,
                    "type_comment": comment(thread, self.comments.of_statement(at))?,
                },
            ),
            StmtKind::AugAssign { target, op, value } => (
                "AugAssign",
                fields! {
                    "target": self.expr(thread, target)?,
                    "op": self.plain(thread, operator(*op))?,
                    "value": self.expr(thread, value)?,
                },
            ),
            StmtKind::AnnAssign { target, annotation, value, simple } => (
                "AnnAssign",
                fields! {
                    "target": self.expr(thread, target)?,
                    "annotation": self.expr(thread, annotation)?,
                    "value": self.optional(thread, value.as_deref())?,
                    "simple": int::new(thread, i64::from(*simple))?,
                },
            ),
            StmtKind::Raise { exc, cause } => (
                "Raise",
                fields! {
                    "exc": self.optional(thread, exc.as_deref())?,
                    "cause": self.optional(thread, cause.as_deref())?,
                },
            ),
            StmtKind::Assert { test, msg } => (
                "Assert",
                fields! { "test": self.expr(thread, test)?, "msg": self.optional(thread, msg.as_deref())? },
            ),
            StmtKind::Import(names) => {
                ("Import", fields! { "names": self.many(thread, names, Self::alias)? })
            }
            StmtKind::ImportFrom { module, names, level } => (
                "ImportFrom",
                fields! {
                    "module": optional_text(thread, module.as_ref())?,
                    "names": self.many(thread, names, Self::alias)?,
                    "level": int::new(thread, i64::from(*level))?,
                },
            ),
            StmtKind::Global(names) => ("Global", fields! { "names": idents(thread, names)? }),
            StmtKind::Nonlocal(names) => ("Nonlocal", fields! { "names": idents(thread, names)? }),
            StmtKind::Expr(value) => ("Expr", fields! { "value": self.expr(thread, value)? }),
            StmtKind::Pass => ("Pass", Vec::new()),
            StmtKind::Break => ("Break", Vec::new()),
            StmtKind::Continue => ("Continue", Vec::new()),
            _ => return self.compound(thread, kind, at),
        })
    }

    fn compound(
        &mut self,
        thread: &mut Thread,
        kind: &StmtKind,
        at: Position,
    ) -> PyResult<(&'static str, Fields)> {
        Ok(match kind {
            StmtKind::FunctionDef(def) => (
                if def.is_async { "AsyncFunctionDef" } else { "FunctionDef" },
                fields! {
                    "name": text(thread, &def.name)?,
                    "args": self.arguments(thread, &def.args)?,
                    "body": self.body(thread, &def.body)?,
                    "decorator_list": self.exprs(thread, &def.decorators)?,
                    "returns": self.optional(thread, def.returns.as_ref())?,
                    "type_comment": comment(thread, self.comments.of_statement(at))?,
                    "type_params": self.many(thread, &def.type_params, Self::type_param)?,
                },
            ),
            StmtKind::ClassDef(def) => (
                "ClassDef",
                fields! {
                    "name": text(thread, &def.name)?,
                    "bases": self.exprs(thread, &def.bases)?,
                    "keywords": self.many(thread, &def.keywords, Self::keyword)?,
                    "body": self.body(thread, &def.body)?,
                    "decorator_list": self.exprs(thread, &def.decorators)?,
                    "type_params": self.many(thread, &def.type_params, Self::type_param)?,
                },
            ),
            StmtKind::TypeAlias(alias) => (
                "TypeAlias",
                fields! {
                    "name": self.expr(thread, &alias.name)?,
                    "type_params": self.many(thread, &alias.type_params, Self::type_param)?,
                    "value": self.expr(thread, &alias.value)?,
                },
            ),
            StmtKind::For(node) => (
                if node.is_async { "AsyncFor" } else { "For" },
                fields! {
                    "target": self.expr(thread, &node.target)?,
                    "iter": self.expr(thread, &node.iter)?,
                    "body": self.body(thread, &node.body)?,
                    "orelse": self.body(thread, &node.orelse)?,
                    "type_comment": comment(thread, self.comments.of_statement(at))?,
                },
            ),
            StmtKind::While { test, body, orelse } => (
                "While",
                fields! {
                    "test": self.expr(thread, test)?,
                    "body": self.body(thread, body)?,
                    "orelse": self.body(thread, orelse)?,
                },
            ),
            StmtKind::If { test, body, orelse } => (
                "If",
                fields! {
                    "test": self.expr(thread, test)?,
                    "body": self.body(thread, body)?,
                    "orelse": self.body(thread, orelse)?,
                },
            ),
            StmtKind::With { items, body, is_async } => (
                if *is_async { "AsyncWith" } else { "With" },
                fields! {
                    "items": self.many(thread, items, Self::with_item)?,
                    "body": self.body(thread, body)?,
                    "type_comment": comment(thread, self.comments.of_statement(at))?,
                },
            ),
            StmtKind::Match { subject, cases } => (
                "Match",
                fields! {
                    "subject": self.expr(thread, subject)?,
                    "cases": self.many(thread, cases, Self::match_case)?,
                },
            ),
            StmtKind::Try(node) => (
                if node.is_star { "TryStar" } else { "Try" },
                fields! {
                    "body": self.body(thread, &node.body)?,
                    "handlers": self.many(thread, &node.handlers, Self::handler)?,
                    "orelse": self.body(thread, &node.orelse)?,
                    "finalbody": self.body(thread, &node.finalbody)?,
                },
            ),
            _ => return Err(runtime_error("an unknown kind of statement")),
        })
    }

    fn alias(&mut self, thread: &mut Thread, alias: &Alias) -> PyResult {
        let fields = fields! {
            "name": text(thread, &alias.name)?,
            "asname": optional_text(thread, alias.asname.as_ref())?,
        };
        self.node(thread, "alias", fields, Some(alias.at))
    }

    fn keyword(&mut self, thread: &mut Thread, keyword: &Keyword) -> PyResult {
        let fields = fields! {
            "arg": optional_text(thread, keyword.arg.as_ref())?,
            "value": self.expr(thread, &keyword.value)?,
        };
        self.node(thread, "keyword", fields, Some(keyword.at))
    }

    fn with_item(&mut self, thread: &mut Thread, item: &WithItem) -> PyResult {
        let fields = fields! {
            "context_expr": self.expr(thread, &item.context)?,
            "optional_vars": self.optional(thread, item.target.as_ref())?,
        };
        self.node(thread, "withitem", fields, None)
    }

    fn handler(&mut self, thread: &mut Thread, handler: &ExceptHandler) -> PyResult {
        let fields = fields! {
            "type": self.optional(thread, handler.typ.as_ref())?,
            "name": optional_text(thread, handler.name.as_ref())?,
            "body": self.body(thread, &handler.body)?,
        };
        self.node(thread, "ExceptHandler", fields, Some(handler.at))
    }

    fn arg(&mut self, thread: &mut Thread, arg: &Arg) -> PyResult {
        let fields = fields! {
            "arg": text(thread, &arg.name)?,
            "annotation": self.optional(thread, arg.annotation.as_ref())?,
            "type_comment": comment(thread, self.comments.of_parameter(arg.at))?,
        };
        self.node(thread, "arg", fields, Some(arg.at))
    }

    fn arguments(&mut self, thread: &mut Thread, args: &Arguments) -> PyResult {
        let optional = |maker: &mut Self, thread: &mut Thread, arg: Option<&Arg>| {
            arg.map_or(Ok(Value::NONE), |arg| maker.arg(thread, arg))
        };
        let fields = fields! {
            "posonlyargs": self.many(thread, &args.posonlyargs, Self::arg)?,
            "args": self.many(thread, &args.args, Self::arg)?,
            "vararg": optional(self, thread, args.vararg.as_ref())?,
            "kwonlyargs": self.many(thread, &args.kwonlyargs, Self::arg)?,
            "kw_defaults": self.optional_exprs(thread, &args.kw_defaults)?,
            "kwarg": optional(self, thread, args.kwarg.as_ref())?,
            "defaults": self.exprs(thread, &args.defaults)?,
        };
        self.node(thread, "arguments", fields, None)
    }

    fn type_param(&mut self, thread: &mut Thread, param: &TypeParam) -> PyResult {
        let mut fields = fields! { "name": text(thread, &param.name)? };
        let name = match &param.kind {
            TypeParamKind::TypeVar { bound } => {
                fields.push(("bound", self.optional(thread, bound.as_ref())?));
                "TypeVar"
            }
            TypeParamKind::ParamSpec => "ParamSpec",
            TypeParamKind::TypeVarTuple => "TypeVarTuple",
        };
        fields.push(("default_value", self.optional(thread, param.default.as_ref())?));
        self.node(thread, name, fields, Some(param.at))
    }

    fn match_case(&mut self, thread: &mut Thread, case: &MatchCase) -> PyResult {
        let fields = fields! {
            "pattern": self.pattern(thread, &case.pattern)?,
            "guard": self.optional(thread, case.guard.as_ref())?,
            "body": self.body(thread, &case.body)?,
        };
        self.node(thread, "match_case", fields, None)
    }

    fn patterns(&mut self, thread: &mut Thread, patterns: &[Pattern]) -> PyResult {
        self.many(thread, patterns, Self::pattern)
    }

    fn pattern(&mut self, thread: &mut Thread, pattern: &Pattern) -> PyResult {
        let (name, fields) = match &pattern.kind {
            PatternKind::Value(value) => ("MatchValue", fields! { "value": self.expr(thread, value)? }),
            PatternKind::Singleton(value) => {
                ("MatchSingleton", fields! { "value": constant(thread, value)? })
            }
            PatternKind::Sequence(patterns) => {
                ("MatchSequence", fields! { "patterns": self.patterns(thread, patterns)? })
            }
            PatternKind::Mapping { keys, patterns, rest } => (
                "MatchMapping",
                fields! {
                    "keys": self.exprs(thread, keys)?,
                    "patterns": self.patterns(thread, patterns)?,
                    "rest": optional_text(thread, rest.as_ref())?,
                },
            ),
            PatternKind::Class { cls, patterns, kwd_attrs, kwd_patterns } => (
                "MatchClass",
                fields! {
                    "cls": self.expr(thread, cls)?,
                    "patterns": self.patterns(thread, patterns)?,
                    "kwd_attrs": idents(thread, kwd_attrs)?,
                    "kwd_patterns": self.patterns(thread, kwd_patterns)?,
                },
            ),
            PatternKind::Star(name) => {
                ("MatchStar", fields! { "name": optional_text(thread, name.as_ref())? })
            }
            PatternKind::As { pattern, name } => (
                "MatchAs",
                fields! {
                    "pattern": match pattern {
                        Some(pattern) => self.pattern(thread, pattern)?,
                        None => Value::NONE,
                    },
                    "name": optional_text(thread, name.as_ref())?,
                },
            ),
            PatternKind::Or(patterns) => {
                ("MatchOr", fields! { "patterns": self.patterns(thread, patterns)? })
            }
        };
        self.node(thread, name, fields, Some(pattern.at))
    }

    fn generator(&mut self, thread: &mut Thread, generator: &Generator) -> PyResult {
        let fields = fields! {
            "target": self.expr(thread, &generator.target)?,
            "iter": self.expr(thread, &generator.iter)?,
            "ifs": self.exprs(thread, &generator.ifs)?,
            "is_async": int::new(thread, i64::from(generator.is_async))?,
        };
        self.node(thread, "comprehension", fields, None)
    }

    fn comprehension(&mut self, thread: &mut Thread, node: &Comprehension) -> PyResult<Fields> {
        let mut fields = Vec::new();
        match &node.value {
            Some(value) => {
                fields.push(("key", self.expr(thread, &node.elt)?));
                fields.push(("value", self.expr(thread, value)?));
            }
            None => fields.push(("elt", self.expr(thread, &node.elt)?)),
        }
        fields.push(("generators", self.many(thread, &node.generators, Self::generator)?));
        Ok(fields)
    }

    pub(super) fn expr(&mut self, thread: &mut Thread, expr: &Expr) -> PyResult {
        if thread.native_stack_low() {
            return Err(orochi_objects::error::recursion_error(
                "maximum recursion depth exceeded during ast construction",
            ));
        }
        let (name, fields) = self.expr_parts(thread, &expr.kind)?;
        self.node(thread, name, fields, Some(expr.at))
    }

    fn expr_parts(&mut self, thread: &mut Thread, kind: &ExprKind) -> PyResult<(&'static str, Fields)> {
        Ok(match kind {
            ExprKind::BoolOp { op, values } => {
                let op = if *op == BoolOp::And { "And" } else { "Or" };
                let op = self.plain(thread, op)?;
                ("BoolOp", fields! { "op": op, "values": self.exprs(thread, values)? })
            }
            ExprKind::Named { target, value } => (
                "NamedExpr",
                fields! { "target": self.expr(thread, target)?, "value": self.expr(thread, value)? },
            ),
            ExprKind::Bin { left, op, right } => (
                "BinOp",
                fields! {
                    "left": self.expr(thread, left)?,
                    "op": self.plain(thread, operator(*op))?,
                    "right": self.expr(thread, right)?,
                },
            ),
            ExprKind::Unary { op, operand } => {
                let op = match op {
                    UnaryOp::Invert => "Invert",
                    UnaryOp::Not => "Not",
                    UnaryOp::UAdd => "UAdd",
                    UnaryOp::USub => "USub",
                };
                let op = self.plain(thread, op)?;
                ("UnaryOp", fields! { "op": op, "operand": self.expr(thread, operand)? })
            }
            ExprKind::Lambda(lambda) => (
                "Lambda",
                fields! {
                    "args": self.arguments(thread, &lambda.args)?,
                    "body": self.expr(thread, &lambda.body)?,
                },
            ),
            ExprKind::If { test, body, orelse } => (
                "IfExp",
                fields! {
                    "test": self.expr(thread, test)?,
                    "body": self.expr(thread, body)?,
                    "orelse": self.expr(thread, orelse)?,
                },
            ),
            ExprKind::Dict { keys, values } => (
                "Dict",
                fields! {
                    "keys": self.optional_exprs(thread, keys)?,
                    "values": self.exprs(thread, values)?,
                },
            ),
            ExprKind::Set(elts) => ("Set", fields! { "elts": self.exprs(thread, elts)? }),
            ExprKind::ListComp(node) => ("ListComp", self.comprehension(thread, node)?),
            ExprKind::SetComp(node) => ("SetComp", self.comprehension(thread, node)?),
            ExprKind::DictComp(node) => ("DictComp", self.comprehension(thread, node)?),
            ExprKind::Generator(node) => ("GeneratorExp", self.comprehension(thread, node)?),
            ExprKind::Await(value) => ("Await", fields! { "value": self.expr(thread, value)? }),
            ExprKind::Yield(value) => {
                ("Yield", fields! { "value": self.optional(thread, value.as_deref())? })
            }
            ExprKind::YieldFrom(value) => ("YieldFrom", fields! { "value": self.expr(thread, value)? }),
            ExprKind::Compare { left, ops, comparators } => (
                "Compare",
                fields! {
                    "left": self.expr(thread, left)?,
                    "ops": self.many(thread, ops, |maker, thread, op| maker.plain(thread, comparison(*op)))?,
                    "comparators": self.exprs(thread, comparators)?,
                },
            ),
            ExprKind::Call(call) => (
                "Call",
                fields! {
                    "func": self.expr(thread, &call.func)?,
                    "args": self.exprs(thread, &call.args)?,
                    "keywords": self.many(thread, &call.keywords, Self::keyword)?,
                },
            ),
            _ => return self.atom(thread, kind),
        })
    }

    fn atom(&mut self, thread: &mut Thread, kind: &ExprKind) -> PyResult<(&'static str, Fields)> {
        Ok(match kind {
            ExprKind::FormattedValue(node) => (
                "FormattedValue",
                fields! {
                    "value": self.expr(thread, &node.value)?,
                    "conversion": int::new(thread, node.conversion.into())?,
                    "format_spec": self.optional(thread, node.format_spec.as_ref())?,
                },
            ),
            ExprKind::Interpolation(node) => (
                "Interpolation",
                fields! {
                    "value": self.expr(thread, &node.value)?,
                    "str": constant(thread, &node.text)?,
                    "conversion": int::new(thread, node.conversion.into())?,
                    "format_spec": self.optional(thread, node.format_spec.as_ref())?,
                },
            ),
            ExprKind::JoinedStr(values) => ("JoinedStr", fields! { "values": self.exprs(thread, values)? }),
            ExprKind::TemplateStr(values) => {
                ("TemplateStr", fields! { "values": self.exprs(thread, values)? })
            }
            ExprKind::Constant { value, u_prefix } => (
                "Constant",
                fields! {
                    "value": constant(thread, value)?,
                    "kind": if *u_prefix { str::new(thread, "u")? } else { Value::NONE },
                },
            ),
            ExprKind::Attribute { value, attr, ctx } => (
                "Attribute",
                fields! {
                    "value": self.expr(thread, value)?,
                    "attr": text(thread, attr)?,
                    "ctx": self.context(thread, *ctx)?,
                },
            ),
            ExprKind::Subscript { value, slice, ctx } => (
                "Subscript",
                fields! {
                    "value": self.expr(thread, value)?,
                    "slice": self.expr(thread, slice)?,
                    "ctx": self.context(thread, *ctx)?,
                },
            ),
            ExprKind::Starred { value, ctx } => (
                "Starred",
                fields! { "value": self.expr(thread, value)?, "ctx": self.context(thread, *ctx)? },
            ),
            ExprKind::Name { id, ctx } => {
                ("Name", fields! { "id": text(thread, id)?, "ctx": self.context(thread, *ctx)? })
            }
            ExprKind::List { elts, ctx } => {
                ("List", fields! { "elts": self.exprs(thread, elts)?, "ctx": self.context(thread, *ctx)? })
            }
            ExprKind::Tuple { elts, ctx } => {
                ("Tuple", fields! { "elts": self.exprs(thread, elts)?, "ctx": self.context(thread, *ctx)? })
            }
            ExprKind::Slice { lower, upper, step } => (
                "Slice",
                fields! {
                    "lower": self.optional(thread, lower.as_deref())?,
                    "upper": self.optional(thread, upper.as_deref())?,
                    "step": self.optional(thread, step.as_deref())?,
                },
            ),
            _ => return Err(runtime_error("an unknown kind of expression")),
        })
    }
}
