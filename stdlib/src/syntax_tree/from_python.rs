//! Objects of the `ast` module as the compiler's syntax tree.
//!
//! A node's kind is the first class among its bases that the module made, so that instances of subclasses pass. Fields are
//! read by name; what is missing or of another type is a TypeError in CPython's words.

use orochi_compiler::ast::*;
use orochi_objects::error::{PyErr, recursion_error, type_error, value_error};
use orochi_objects::int::IntRef;
use orochi_objects::types::code;
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::str::PyStr;
use orochi_objects::{Obj, PyDict, PyResult, Ref, Thread, Value, class_of, int, protocol, str};
use std::rc::Rc;

/// Reads nodes of the classes in a namespace.
pub(super) struct Reader<'a> {
    pub(super) namespace: &'a Obj<PyDict>,
}

fn shown(thread: &mut Thread, object: Ref<'_>) -> String {
    protocol::repr(thread, object).map_or_else(|_| "?".to_owned(), |text| str::display(text.get()))
}

fn unexpected(thread: &mut Thread, what: &str, object: Ref<'_>) -> PyErr {
    let shown = shown(thread, object);
    type_error(format!("expected some sort of {what}, but got {shown}"))
}

/// The constant that an object is.
fn constant(thread: &mut Thread, object: Ref<'_>) -> PyResult<Constant> {
    code::constant_of(thread, object, |object| {
        type_error(format!("got an invalid type in Constant: {}", class_of(object).name()))
    })
}

fn ident(object: Ref<'_>) -> PyResult<Ident> {
    let text = object.downcast::<PyStr>().and_then(|text| text.to_str().map(Rc::from));
    text.ok_or_else(|| type_error("AST identifier must be of type str"))
}

/// A node and its kind.
struct Node<'a> {
    object: Ref<'a>,
    kind: String,
}

impl<'a> Reader<'a> {
    /// The kind of a node: the name of its class, or of the class's first base that the module made.
    fn node<'n>(&self, thread: &mut Thread, object: Ref<'n>) -> PyResult<Node<'n>> {
        let class = class_of(object);
        let mro = protocol::get_attr_str(thread, class.get(), "__mro__")?;
        let bases = list::to_values(thread, mro.get())?;
        for base in bases {
            let name = protocol::get_attr_str(thread, base.get(), "__name__")?;
            let known = orochi_objects::types::dict::get_item(thread, self.namespace, name.get())?;
            if known.is_some_and(|known| known.get().is(base.get())) {
                return Ok(Node { object, kind: str::display(name.get()) });
            }
        }
        Ok(Node { object, kind: String::new() })
    }

    fn find(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<Value> {
        let name = str::intern(thread, name)?;
        Ok(protocol::find_attr(thread, node.object, name)?.unwrap_or(Value::NONE))
    }

    fn get(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<Value> {
        let key = str::intern(thread, name)?;
        match protocol::find_attr(thread, node.object, key)? {
            Some(value) => Ok(value),
            None => Err(type_error(format!("required field \"{name}\" missing from {}", node.kind))),
        }
    }

    fn number(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<i64> {
        let value = self.get(thread, node, name)?;
        match int::value(value.get()).map(IntRef::to_i64) {
            Some(Some(number)) => Ok(number),
            Some(None) => Err(value_error("int is too large")),
            None => {
                let shown = shown(thread, value.get());
                Err(value_error(format!("invalid integer value: {shown}")))
            }
        }
    }

    fn place(&self, thread: &mut Thread, node: &Node<'_>, sort: &str) -> PyResult<Position> {
        for name in ["lineno", "col_offset"] {
            let key = str::intern(thread, name)?;
            if protocol::find_attr(thread, node.object, key)?.is_none() {
                return Err(type_error(format!("required field \"{name}\" missing from {sort}")));
            }
        }
        let line = self.number(thread, node, "lineno")?;
        let column = self.number(thread, node, "col_offset")?;
        let end = |reader: &Self, thread: &mut Thread, name: &str, default: i64| -> PyResult<i64> {
            let value = reader.find(thread, node, name)?;
            if value.get().is_none() { Ok(default) } else { reader.number(thread, node, name) }
        };
        let end_line = end(self, thread, "end_lineno", line)?;
        let end_column = end(self, thread, "end_col_offset", column)?;
        if line > end_line {
            return Err(value_error(format!("AST node line range ({line}, {end_line}) is not valid")));
        }
        if (line < 0 && end_line != line) || (column < 0 && column != end_column) {
            return Err(value_error(format!(
                "AST node column range ({column}, {end_column}) for line range ({line}, {end_line}) is not valid"
            )));
        }
        if line == end_line && column > end_column {
            return Err(value_error(format!(
                "line {line}, column {column}-{end_column} is not a valid range"
            )));
        }
        Ok(Position {
            line: u32::try_from(line).unwrap_or(0),
            end_line: u32::try_from(end_line).unwrap_or(0),
            column: i32::try_from(column).unwrap_or(-1),
            end_column: i32::try_from(end_column).unwrap_or(-1),
        })
    }

    fn list<T>(
        &self,
        thread: &mut Thread,
        node: &Node<'_>,
        name: &str,
        read: impl Fn(&Self, &mut Thread, Ref<'_>) -> PyResult<T>,
    ) -> PyResult<Vec<T>> {
        let value = self.find(thread, node, name)?;
        if value.get().is_none() {
            return Ok(Vec::new());
        }
        let Some(items) = value.get().downcast::<PyList>() else {
            let (kind, class) = (&node.kind, class_of(value.get()).name());
            return Err(type_error(format!("{kind} field \"{name}\" must be a list, not a {class}")));
        };
        let items = list::values(thread, items)?;
        items.iter().map(|item| read(self, thread, item.get())).collect()
    }

    fn exprs(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<Vec<Expr>> {
        self.list(thread, node, name, |reader, thread, item| {
            if item.is_none() {
                return Err(value_error("None disallowed in expression list"));
            }
            reader.expr(thread, item)
        })
    }

    fn body(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<Vec<Stmt>> {
        self.list(thread, node, name, |reader, thread, item| {
            if item.is_none() {
                return Err(value_error("None disallowed in statement list"));
            }
            reader.stmt(thread, item)
        })
    }

    fn idents(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<Vec<Ident>> {
        self.list(thread, node, name, |_, _, item| ident(item))
    }

    /// A field that must be there, and not None.
    fn required(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<Value> {
        let value = self.get(thread, node, name)?;
        if value.get().is_none() {
            return Err(value_error(format!("field '{name}' is required for {}", node.kind)));
        }
        Ok(value)
    }

    fn one(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<Expr> {
        let value = self.required(thread, node, name)?;
        self.expr(thread, value.get())
    }

    fn boxed(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<Box<Expr>> {
        self.one(thread, node, name).map(Box::new)
    }

    fn maybe(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<Option<Expr>> {
        let value = self.find(thread, node, name)?;
        if value.get().is_none() { Ok(None) } else { self.expr(thread, value.get()).map(Some) }
    }

    fn maybe_boxed(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<Option<Box<Expr>>> {
        Ok(self.maybe(thread, node, name)?.map(Box::new))
    }

    fn name(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<Ident> {
        let value = self.required(thread, node, name)?;
        ident(value.get())
    }

    fn maybe_name(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<Option<Ident>> {
        let value = self.find(thread, node, name)?;
        if value.get().is_none() { Ok(None) } else { ident(value.get()).map(Some) }
    }

    /// A field that is a constant.
    fn constant(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<Constant> {
        let value = self.find(thread, node, name)?;
        constant(thread, value.get())
    }

    /// The kind of a node without fields.
    fn tag(&self, thread: &mut Thread, node: &Node<'_>, name: &str) -> PyResult<String> {
        let value = self.get(thread, node, name)?;
        Ok(self.node(thread, value.get())?.kind)
    }

    fn context(&self, thread: &mut Thread, node: &Node<'_>) -> PyResult<Context> {
        let value = self.find(thread, node, "ctx")?;
        if value.get().is_none() {
            return Ok(Context::Load);
        }
        match self.node(thread, value.get())?.kind.as_str() {
            "Load" => Ok(Context::Load),
            "Store" => Ok(Context::Store),
            "Del" => Ok(Context::Del),
            _ => Err(unexpected(thread, "expr_context", value.get())),
        }
    }

    fn operator(&self, thread: &mut Thread, node: &Node<'_>) -> PyResult<Operator> {
        Ok(match self.tag(thread, node, "op")?.as_str() {
            "Add" => Operator::Add,
            "Sub" => Operator::Sub,
            "Mult" => Operator::Mult,
            "MatMult" => Operator::MatMult,
            "Div" => Operator::Div,
            "Mod" => Operator::Mod,
            "Pow" => Operator::Pow,
            "LShift" => Operator::LShift,
            "RShift" => Operator::RShift,
            "BitOr" => Operator::BitOr,
            "BitXor" => Operator::BitXor,
            "BitAnd" => Operator::BitAnd,
            "FloorDiv" => Operator::FloorDiv,
            _ => {
                let value = self.get(thread, node, "op")?;
                return Err(unexpected(thread, "operator", value.get()));
            }
        })
    }

    fn comparison(&self, thread: &mut Thread, object: Ref<'_>) -> PyResult<CmpOp> {
        Ok(match self.node(thread, object)?.kind.as_str() {
            "Eq" => CmpOp::Eq,
            "NotEq" => CmpOp::NotEq,
            "Lt" => CmpOp::Lt,
            "LtE" => CmpOp::LtE,
            "Gt" => CmpOp::Gt,
            "GtE" => CmpOp::GtE,
            "Is" => CmpOp::Is,
            "IsNot" => CmpOp::IsNot,
            "In" => CmpOp::In,
            "NotIn" => CmpOp::NotIn,
            _ => return Err(unexpected(thread, "cmpop", object)),
        })
    }

    pub(super) fn module(&self, thread: &mut Thread, object: Ref<'_>) -> PyResult<Mod> {
        let node = self.node(thread, object)?;
        Ok(match node.kind.as_str() {
            "Module" => Mod::Module { body: self.body(thread, &node, "body")? },
            "Interactive" => Mod::Interactive { body: self.body(thread, &node, "body")? },
            "Expression" => Mod::Expression { body: self.boxed(thread, &node, "body")? },
            "FunctionType" => Mod::FunctionType {
                argtypes: self.exprs(thread, &node, "argtypes")?,
                returns: self.boxed(thread, &node, "returns")?,
            },
            _ => return Err(unexpected(thread, "mod", object)),
        })
    }

    fn stmt(&self, thread: &mut Thread, object: Ref<'_>) -> PyResult<Stmt> {
        check_depth(thread)?;
        let node = self.node(thread, object)?;
        let at = self.place(thread, &node, "stmt")?;
        let kind = match self.simple(thread, &node)? {
            Some(kind) => kind,
            None => self.compound(thread, &node)?,
        };
        Ok(Stmt { kind, at })
    }

    fn simple(&self, thread: &mut Thread, node: &Node<'_>) -> PyResult<Option<StmtKind>> {
        Ok(Some(match node.kind.as_str() {
            "Return" => StmtKind::Return(self.maybe_boxed(thread, node, "value")?),
            "Delete" => StmtKind::Delete(self.exprs(thread, node, "targets")?),
            "Assign" => StmtKind::Assign {
                targets: self.exprs(thread, node, "targets")?,
                value: self.boxed(thread, node, "value")?,
            },
            "TypeAlias" => StmtKind::TypeAlias(Box::new(TypeAlias {
                name: self.one(thread, node, "name")?,
                type_params: self.list(thread, node, "type_params", Self::type_param)?,
                value: self.one(thread, node, "value")?,
            })),
            "AugAssign" => StmtKind::AugAssign {
                target: self.boxed(thread, node, "target")?,
                op: self.operator(thread, node)?,
                value: self.boxed(thread, node, "value")?,
            },
            "AnnAssign" => StmtKind::AnnAssign {
                target: self.boxed(thread, node, "target")?,
                annotation: self.boxed(thread, node, "annotation")?,
                value: self.maybe_boxed(thread, node, "value")?,
                simple: self.number(thread, node, "simple")? != 0,
            },
            "Raise" => StmtKind::Raise {
                exc: self.maybe_boxed(thread, node, "exc")?,
                cause: self.maybe_boxed(thread, node, "cause")?,
            },
            "Assert" => StmtKind::Assert {
                test: self.boxed(thread, node, "test")?,
                msg: self.maybe_boxed(thread, node, "msg")?,
            },
            "Import" => StmtKind::Import(self.list(thread, node, "names", Self::alias)?),
            "ImportFrom" => {
                let level = self.find(thread, node, "level")?;
                let level = if level.get().is_none() { 0 } else { self.number(thread, node, "level")? };
                StmtKind::ImportFrom {
                    module: self.maybe_name(thread, node, "module")?,
                    names: self.list(thread, node, "names", Self::alias)?,
                    level: u32::try_from(level).map_err(|_| value_error("Negative ImportFrom level"))?,
                }
            }
            "Global" => StmtKind::Global(self.idents(thread, node, "names")?),
            "Nonlocal" => StmtKind::Nonlocal(self.idents(thread, node, "names")?),
            "Expr" => StmtKind::Expr(self.boxed(thread, node, "value")?),
            "Pass" => StmtKind::Pass,
            "Break" => StmtKind::Break,
            "Continue" => StmtKind::Continue,
            _ => return Ok(None),
        }))
    }

    fn compound(&self, thread: &mut Thread, node: &Node<'_>) -> PyResult<StmtKind> {
        Ok(match node.kind.as_str() {
            kind @ ("FunctionDef" | "AsyncFunctionDef") => StmtKind::FunctionDef(Box::new(FunctionDef {
                name: self.name(thread, node, "name")?,
                type_params: self.list(thread, node, "type_params", Self::type_param)?,
                args: self.arguments(thread, node)?,
                body: self.body(thread, node, "body")?,
                decorators: self.exprs(thread, node, "decorator_list")?,
                returns: self.maybe(thread, node, "returns")?,
                is_async: kind == "AsyncFunctionDef",
            })),
            "ClassDef" => StmtKind::ClassDef(Box::new(ClassDef {
                name: self.name(thread, node, "name")?,
                type_params: self.list(thread, node, "type_params", Self::type_param)?,
                bases: self.exprs(thread, node, "bases")?,
                keywords: self.list(thread, node, "keywords", Self::keyword)?,
                body: self.body(thread, node, "body")?,
                decorators: self.exprs(thread, node, "decorator_list")?,
            })),
            kind @ ("For" | "AsyncFor") => StmtKind::For(Box::new(For {
                target: self.one(thread, node, "target")?,
                iter: self.one(thread, node, "iter")?,
                body: self.body(thread, node, "body")?,
                orelse: self.body(thread, node, "orelse")?,
                is_async: kind == "AsyncFor",
            })),
            "While" => StmtKind::While {
                test: self.boxed(thread, node, "test")?,
                body: self.body(thread, node, "body")?,
                orelse: self.body(thread, node, "orelse")?,
            },
            "If" => StmtKind::If {
                test: self.boxed(thread, node, "test")?,
                body: self.body(thread, node, "body")?,
                orelse: self.body(thread, node, "orelse")?,
            },
            kind @ ("With" | "AsyncWith") => StmtKind::With {
                items: self.list(thread, node, "items", Self::with_item)?,
                body: self.body(thread, node, "body")?,
                is_async: kind == "AsyncWith",
            },
            "Match" => StmtKind::Match {
                subject: self.boxed(thread, node, "subject")?,
                cases: self.list(thread, node, "cases", Self::match_case)?,
            },
            kind @ ("Try" | "TryStar") => StmtKind::Try(Box::new(Try {
                body: self.body(thread, node, "body")?,
                handlers: self.list(thread, node, "handlers", Self::handler)?,
                orelse: self.body(thread, node, "orelse")?,
                finalbody: self.body(thread, node, "finalbody")?,
                is_star: kind == "TryStar",
            })),
            _ => return Err(unexpected(thread, "stmt", node.object)),
        })
    }

    fn alias(&self, thread: &mut Thread, object: Ref<'_>) -> PyResult<Alias> {
        let node = self.node(thread, object)?;
        Ok(Alias {
            name: self.name(thread, &node, "name")?,
            asname: self.maybe_name(thread, &node, "asname")?,
            at: self.place(thread, &node, "alias")?,
        })
    }

    fn keyword(&self, thread: &mut Thread, object: Ref<'_>) -> PyResult<Keyword> {
        let node = self.node(thread, object)?;
        Ok(Keyword {
            arg: self.maybe_name(thread, &node, "arg")?,
            value: self.one(thread, &node, "value")?,
            at: self.place(thread, &node, "keyword")?,
        })
    }

    fn with_item(&self, thread: &mut Thread, object: Ref<'_>) -> PyResult<WithItem> {
        let node = self.node(thread, object)?;
        Ok(WithItem {
            context: self.one(thread, &node, "context_expr")?,
            target: self.maybe(thread, &node, "optional_vars")?,
        })
    }

    fn handler(&self, thread: &mut Thread, object: Ref<'_>) -> PyResult<ExceptHandler> {
        let node = self.node(thread, object)?;
        Ok(ExceptHandler {
            typ: self.maybe(thread, &node, "type")?,
            name: self.maybe_name(thread, &node, "name")?,
            body: self.body(thread, &node, "body")?,
            at: self.place(thread, &node, "excepthandler")?,
        })
    }

    fn arg(&self, thread: &mut Thread, object: Ref<'_>) -> PyResult<Arg> {
        let node = self.node(thread, object)?;
        Ok(Arg {
            name: self.name(thread, &node, "arg")?,
            annotation: self.maybe(thread, &node, "annotation")?,
            at: self.place(thread, &node, "arg")?,
        })
    }

    fn arguments(&self, thread: &mut Thread, owner: &Node<'_>) -> PyResult<Arguments> {
        let object = self.get(thread, owner, "args")?;
        let node = self.node(thread, object.get())?;
        if node.kind != "arguments" {
            return Err(unexpected(thread, "arguments", object.get()));
        }
        let star = |thread: &mut Thread, name: &str| -> PyResult<Option<Arg>> {
            let value = self.find(thread, &node, name)?;
            if value.get().is_none() { Ok(None) } else { self.arg(thread, value.get()).map(Some) }
        };
        let optional = |reader: &Self, thread: &mut Thread, item: Ref<'_>| {
            if item.is_none() { Ok(None) } else { reader.expr(thread, item).map(Some) }
        };
        Ok(Arguments {
            posonlyargs: self.list(thread, &node, "posonlyargs", Self::arg)?,
            args: self.list(thread, &node, "args", Self::arg)?,
            vararg: star(thread, "vararg")?,
            kwonlyargs: self.list(thread, &node, "kwonlyargs", Self::arg)?,
            kw_defaults: self.list(thread, &node, "kw_defaults", optional)?,
            kwarg: star(thread, "kwarg")?,
            defaults: self.exprs(thread, &node, "defaults")?,
        })
    }

    fn type_param(&self, thread: &mut Thread, object: Ref<'_>) -> PyResult<TypeParam> {
        let node = self.node(thread, object)?;
        let kind = match node.kind.as_str() {
            "TypeVar" => TypeParamKind::TypeVar { bound: self.maybe(thread, &node, "bound")? },
            "ParamSpec" => TypeParamKind::ParamSpec,
            "TypeVarTuple" => TypeParamKind::TypeVarTuple,
            _ => return Err(unexpected(thread, "type_param", object)),
        };
        Ok(TypeParam {
            kind,
            name: self.name(thread, &node, "name")?,
            default: self.maybe(thread, &node, "default_value")?,
            at: self.place(thread, &node, "type_param")?,
        })
    }

    fn match_case(&self, thread: &mut Thread, object: Ref<'_>) -> PyResult<MatchCase> {
        let node = self.node(thread, object)?;
        let pattern = self.required(thread, &node, "pattern")?;
        Ok(MatchCase {
            pattern: self.pattern(thread, pattern.get())?,
            guard: self.maybe(thread, &node, "guard")?,
            body: self.body(thread, &node, "body")?,
        })
    }

    fn pattern(&self, thread: &mut Thread, object: Ref<'_>) -> PyResult<Pattern> {
        check_depth(thread)?;
        let node = self.node(thread, object)?;
        let kind = match node.kind.as_str() {
            "MatchValue" => PatternKind::Value(self.one(thread, &node, "value")?),
            "MatchSingleton" => PatternKind::Singleton(self.constant(thread, &node, "value")?),
            "MatchSequence" => PatternKind::Sequence(self.list(thread, &node, "patterns", Self::pattern)?),
            "MatchMapping" => PatternKind::Mapping {
                keys: self.exprs(thread, &node, "keys")?,
                patterns: self.list(thread, &node, "patterns", Self::pattern)?,
                rest: self.maybe_name(thread, &node, "rest")?,
            },
            "MatchClass" => PatternKind::Class {
                cls: self.one(thread, &node, "cls")?,
                patterns: self.list(thread, &node, "patterns", Self::pattern)?,
                kwd_attrs: self.idents(thread, &node, "kwd_attrs")?,
                kwd_patterns: self.list(thread, &node, "kwd_patterns", Self::pattern)?,
            },
            "MatchStar" => PatternKind::Star(self.maybe_name(thread, &node, "name")?),
            "MatchAs" => {
                let pattern = self.find(thread, &node, "pattern")?;
                let pattern = if pattern.get().is_none() {
                    None
                } else {
                    Some(Box::new(self.pattern(thread, pattern.get())?))
                };
                PatternKind::As { pattern, name: self.maybe_name(thread, &node, "name")? }
            }
            "MatchOr" => PatternKind::Or(self.list(thread, &node, "patterns", Self::pattern)?),
            _ => return Err(unexpected(thread, "pattern", object)),
        };
        Ok(Pattern { kind, at: self.place(thread, &node, "pattern")? })
    }

    fn generator(&self, thread: &mut Thread, object: Ref<'_>) -> PyResult<Generator> {
        let node = self.node(thread, object)?;
        Ok(Generator {
            target: self.one(thread, &node, "target")?,
            iter: self.one(thread, &node, "iter")?,
            ifs: self.exprs(thread, &node, "ifs")?,
            is_async: self.number(thread, &node, "is_async")? != 0,
        })
    }

    fn comprehension(&self, thread: &mut Thread, node: &Node<'_>) -> PyResult<Box<Comprehension>> {
        let is_dict = node.kind == "DictComp";
        let value = if is_dict { Some(self.one(thread, node, "value")?) } else { None };
        let generators = self.list(thread, node, "generators", Self::generator)?;
        if generators.is_empty() {
            return Err(value_error("comprehension with no generators"));
        }
        let elt = self.one(thread, node, if is_dict { "key" } else { "elt" })?;
        Ok(Box::new(Comprehension { elt, value, generators }))
    }

    fn expr(&self, thread: &mut Thread, object: Ref<'_>) -> PyResult<Expr> {
        check_depth(thread)?;
        let node = self.node(thread, object)?;
        let at = self.place(thread, &node, "expr")?;
        let kind = match self.operation(thread, &node)? {
            Some(kind) => kind,
            None => self.atom(thread, &node)?,
        };
        Ok(Expr { kind, at })
    }

    fn operation(&self, thread: &mut Thread, node: &Node<'_>) -> PyResult<Option<ExprKind>> {
        Ok(Some(match node.kind.as_str() {
            "BoolOp" => {
                let values = self.exprs(thread, node, "values")?;
                if values.len() < 2 {
                    return Err(value_error("BoolOp with less than 2 values"));
                }
                let op = if self.tag(thread, node, "op")? == "And" { BoolOp::And } else { BoolOp::Or };
                ExprKind::BoolOp { op, values }
            }
            "NamedExpr" => ExprKind::Named {
                target: self.boxed(thread, node, "target")?,
                value: self.boxed(thread, node, "value")?,
            },
            "BinOp" => ExprKind::Bin {
                left: self.boxed(thread, node, "left")?,
                op: self.operator(thread, node)?,
                right: self.boxed(thread, node, "right")?,
            },
            "UnaryOp" => {
                let op = match self.tag(thread, node, "op")?.as_str() {
                    "Invert" => UnaryOp::Invert,
                    "Not" => UnaryOp::Not,
                    "UAdd" => UnaryOp::UAdd,
                    _ => UnaryOp::USub,
                };
                ExprKind::Unary { op, operand: self.boxed(thread, node, "operand")? }
            }
            "Lambda" => ExprKind::Lambda(Box::new(Lambda {
                args: self.arguments(thread, node)?,
                body: self.one(thread, node, "body")?,
            })),
            "IfExp" => ExprKind::If {
                test: self.boxed(thread, node, "test")?,
                body: self.boxed(thread, node, "body")?,
                orelse: self.boxed(thread, node, "orelse")?,
            },
            "Await" => ExprKind::Await(self.boxed(thread, node, "value")?),
            "Yield" => ExprKind::Yield(self.maybe_boxed(thread, node, "value")?),
            "YieldFrom" => ExprKind::YieldFrom(self.boxed(thread, node, "value")?),
            "Compare" => {
                let ops = self.list(thread, node, "ops", Self::comparison)?;
                let comparators = self.exprs(thread, node, "comparators")?;
                if comparators.is_empty() {
                    return Err(value_error("Compare with no comparators"));
                }
                if ops.len() != comparators.len() {
                    return Err(value_error("Compare has a different number of comparators and operands"));
                }
                ExprKind::Compare { left: self.boxed(thread, node, "left")?, ops, comparators }
            }
            "Call" => ExprKind::Call(Box::new(Call {
                func: self.one(thread, node, "func")?,
                args: self.exprs(thread, node, "args")?,
                keywords: self.list(thread, node, "keywords", Self::keyword)?,
            })),
            "ListComp" => ExprKind::ListComp(self.comprehension(thread, node)?),
            "SetComp" => ExprKind::SetComp(self.comprehension(thread, node)?),
            "DictComp" => ExprKind::DictComp(self.comprehension(thread, node)?),
            "GeneratorExp" => ExprKind::Generator(self.comprehension(thread, node)?),
            _ => return Ok(None),
        }))
    }

    fn conversion(&self, thread: &mut Thread, node: &Node<'_>) -> PyResult<i32> {
        Ok(i32::try_from(self.number(thread, node, "conversion")?).unwrap_or(-1))
    }

    fn atom(&self, thread: &mut Thread, node: &Node<'_>) -> PyResult<ExprKind> {
        Ok(match node.kind.as_str() {
            "Dict" => {
                let optional = |reader: &Self, thread: &mut Thread, item: Ref<'_>| {
                    if item.is_none() { Ok(None) } else { reader.expr(thread, item).map(Some) }
                };
                let keys = self.list(thread, node, "keys", optional)?;
                let values = self.exprs(thread, node, "values")?;
                if keys.len() != values.len() {
                    return Err(value_error("Dict doesn't have the same number of keys as values"));
                }
                ExprKind::Dict { keys, values }
            }
            "Set" => ExprKind::Set(self.exprs(thread, node, "elts")?),
            "FormattedValue" => ExprKind::FormattedValue(Box::new(FormattedValue {
                value: self.one(thread, node, "value")?,
                conversion: self.conversion(thread, node)?,
                format_spec: self.maybe(thread, node, "format_spec")?,
            })),
            "Interpolation" => ExprKind::Interpolation(Box::new(Interpolation {
                value: self.one(thread, node, "value")?,
                text: self.constant(thread, node, "str")?,
                conversion: self.conversion(thread, node)?,
                format_spec: self.maybe(thread, node, "format_spec")?,
            })),
            "JoinedStr" => ExprKind::JoinedStr(self.exprs(thread, node, "values")?),
            "TemplateStr" => ExprKind::TemplateStr(self.exprs(thread, node, "values")?),
            "Constant" => {
                let value = self.get(thread, node, "value")?;
                let kind = self.find(thread, node, "kind")?;
                ExprKind::Constant { value: constant(thread, value.get())?, u_prefix: !kind.get().is_none() }
            }
            "Attribute" => ExprKind::Attribute {
                value: self.boxed(thread, node, "value")?,
                attr: self.name(thread, node, "attr")?,
                ctx: self.context(thread, node)?,
            },
            "Subscript" => ExprKind::Subscript {
                value: self.boxed(thread, node, "value")?,
                slice: self.boxed(thread, node, "slice")?,
                ctx: self.context(thread, node)?,
            },
            "Starred" => ExprKind::Starred {
                value: self.boxed(thread, node, "value")?,
                ctx: self.context(thread, node)?,
            },
            "Name" => {
                let id = self.name(thread, node, "id")?;
                if matches!(&*id, "None" | "True" | "False") {
                    return Err(value_error(format!("identifier field can't represent '{id}' constant")));
                }
                ExprKind::Name { id, ctx: self.context(thread, node)? }
            }
            "List" => {
                ExprKind::List { elts: self.exprs(thread, node, "elts")?, ctx: self.context(thread, node)? }
            }
            "Tuple" => {
                ExprKind::Tuple { elts: self.exprs(thread, node, "elts")?, ctx: self.context(thread, node)? }
            }
            "Slice" => ExprKind::Slice {
                lower: self.maybe_boxed(thread, node, "lower")?,
                upper: self.maybe_boxed(thread, node, "upper")?,
                step: self.maybe_boxed(thread, node, "step")?,
            },
            _ => return Err(unexpected(thread, "expr", node.object)),
        })
    }
}

fn check_depth(thread: &Thread) -> PyResult<()> {
    if thread.native_stack_low() {
        return Err(recursion_error("maximum recursion depth exceeded during ast construction"));
    }
    Ok(())
}
