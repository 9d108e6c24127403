//! Expressions and patterns of the parser's tree, turned into ours.

use ruff_python_ast as r;
use ruff_text_size::{Ranged, TextRange};

use super::Adapter;
use crate::ast::*;
use crate::code::Constant;
use crate::error::{CompileError, Result};
use crate::literal;

fn context(ctx: r::ExprContext) -> Context {
    match ctx {
        r::ExprContext::Store => Context::Store,
        r::ExprContext::Del => Context::Del,
        r::ExprContext::Load | r::ExprContext::Invalid => Context::Load,
    }
}

/// The operator of ours that corresponds.
pub(super) fn operator(op: r::Operator) -> Operator {
    match op {
        r::Operator::Add => Operator::Add,
        r::Operator::Sub => Operator::Sub,
        r::Operator::Mult => Operator::Mult,
        r::Operator::MatMult => Operator::MatMult,
        r::Operator::Div => Operator::Div,
        r::Operator::Mod => Operator::Mod,
        r::Operator::Pow => Operator::Pow,
        r::Operator::LShift => Operator::LShift,
        r::Operator::RShift => Operator::RShift,
        r::Operator::BitOr => Operator::BitOr,
        r::Operator::BitXor => Operator::BitXor,
        r::Operator::BitAnd => Operator::BitAnd,
        r::Operator::FloorDiv => Operator::FloorDiv,
    }
}

fn compare_op(op: r::CmpOp) -> CmpOp {
    match op {
        r::CmpOp::Eq => CmpOp::Eq,
        r::CmpOp::NotEq => CmpOp::NotEq,
        r::CmpOp::Lt => CmpOp::Lt,
        r::CmpOp::LtE => CmpOp::LtE,
        r::CmpOp::Gt => CmpOp::Gt,
        r::CmpOp::GtE => CmpOp::GtE,
        r::CmpOp::Is => CmpOp::Is,
        r::CmpOp::IsNot => CmpOp::IsNot,
        r::CmpOp::In => CmpOp::In,
        r::CmpOp::NotIn => CmpOp::NotIn,
    }
}

impl Adapter<'_> {
    pub(super) fn expr(&self, node: &r::Expr) -> Result<Expr> {
        self.deeper(node, || {
            let kind = self.expr_kind(node)?;
            Ok(Expr { kind, at: self.at(node) })
        })
    }

    pub(super) fn boxed(&self, node: &r::Expr) -> Result<Box<Expr>> {
        self.expr(node).map(Box::new)
    }

    pub(super) fn optional(&self, node: Option<&r::Expr>) -> Result<Option<Expr>> {
        node.map(|node| self.expr(node)).transpose()
    }

    pub(super) fn optional_boxed(&self, node: Option<&r::Expr>) -> Result<Option<Box<Expr>>> {
        node.map(|node| self.boxed(node)).transpose()
    }

    pub(super) fn exprs<'n>(&self, nodes: impl IntoIterator<Item = &'n r::Expr>) -> Result<Vec<Expr>> {
        nodes.into_iter().map(|node| self.expr(node)).collect()
    }

    fn expr_kind(&self, node: &r::Expr) -> Result<ExprKind> {
        Ok(match node {
            r::Expr::Name(n) => ExprKind::Name { id: self.ident(&n.id), ctx: context(n.ctx) },
            r::Expr::Attribute(n) => ExprKind::Attribute {
                value: self.boxed(&n.value)?,
                attr: self.ident(&n.attr),
                ctx: context(n.ctx),
            },
            r::Expr::Call(n) => self.call(n)?,
            r::Expr::Subscript(n) => ExprKind::Subscript {
                value: self.boxed(&n.value)?,
                slice: self.boxed(&n.slice)?,
                ctx: context(n.ctx),
            },
            r::Expr::BinOp(n) => {
                ExprKind::Bin { left: self.boxed(&n.left)?, op: operator(n.op), right: self.boxed(&n.right)? }
            }
            r::Expr::BoolOp(n) => ExprKind::BoolOp {
                op: match n.op {
                    r::BoolOp::And => BoolOp::And,
                    r::BoolOp::Or => BoolOp::Or,
                },
                values: self.exprs(&n.values)?,
            },
            r::Expr::UnaryOp(n) => ExprKind::Unary {
                op: match n.op {
                    r::UnaryOp::Invert => UnaryOp::Invert,
                    r::UnaryOp::Not => UnaryOp::Not,
                    r::UnaryOp::UAdd => UnaryOp::UAdd,
                    r::UnaryOp::USub => UnaryOp::USub,
                },
                operand: self.boxed(&n.operand)?,
            },
            r::Expr::Compare(n) => ExprKind::Compare {
                left: self.boxed(&n.left)?,
                ops: n.ops.iter().map(|op| compare_op(*op)).collect(),
                comparators: self.exprs(&n.comparators)?,
            },
            r::Expr::Named(n) => {
                ExprKind::Named { target: self.boxed(&n.target)?, value: self.boxed(&n.value)? }
            }
            r::Expr::If(n) => ExprKind::If {
                test: self.boxed(&n.test)?,
                body: self.boxed(&n.body)?,
                orelse: self.boxed(&n.orelse)?,
            },
            _ => return self.literal_or_container(node),
        })
    }

    fn literal_or_container(&self, node: &r::Expr) -> Result<ExprKind> {
        let constant = |value| ExprKind::Constant { value, u_prefix: false };
        Ok(match node {
            r::Expr::StringLiteral(n) => self.string(n)?,
            r::Expr::BytesLiteral(n) => constant(self.bytes(n)?),
            r::Expr::FString(n) => self.f_string(n)?,
            r::Expr::TString(n) => self.t_string(n)?,
            r::Expr::NumberLiteral(n) => constant(self.number(n)?),
            r::Expr::BooleanLiteral(n) => constant(if n.value { Constant::True } else { Constant::False }),
            r::Expr::NoneLiteral(_) => constant(Constant::None),
            r::Expr::EllipsisLiteral(_) => constant(Constant::Ellipsis),
            r::Expr::List(n) => ExprKind::List { elts: self.exprs(&n.elts)?, ctx: context(n.ctx) },
            r::Expr::Tuple(n) => ExprKind::Tuple { elts: self.exprs(&n.elts)?, ctx: context(n.ctx) },
            r::Expr::Set(n) => ExprKind::Set(self.exprs(&n.elts)?),
            r::Expr::Dict(n) => {
                let mut keys = Vec::with_capacity(n.items.len());
                let mut values = Vec::with_capacity(n.items.len());
                for item in &n.items {
                    keys.push(self.optional(item.key.as_ref())?);
                    values.push(self.expr(&item.value)?);
                }
                ExprKind::Dict { keys, values }
            }
            r::Expr::Slice(n) => ExprKind::Slice {
                lower: self.optional_boxed(n.lower.as_deref())?,
                upper: self.optional_boxed(n.upper.as_deref())?,
                step: self.optional_boxed(n.step.as_deref())?,
            },
            r::Expr::Starred(n) => ExprKind::Starred { value: self.boxed(&n.value)?, ctx: context(n.ctx) },
            _ => return self.scoped(node),
        })
    }

    fn scoped(&self, node: &r::Expr) -> Result<ExprKind> {
        Ok(match node {
            r::Expr::Lambda(n) => ExprKind::Lambda(Box::new(Lambda {
                args: n.parameters.as_ref().map_or(Ok(Arguments::default()), |p| self.parameters(p))?,
                body: self.expr(&n.body)?,
            })),
            r::Expr::ListComp(n) => ExprKind::ListComp(self.comprehension(&n.elt, None, &n.generators)?),
            r::Expr::SetComp(n) => ExprKind::SetComp(self.comprehension(&n.elt, None, &n.generators)?),
            r::Expr::DictComp(n) => {
                let key = n.key.as_deref().ok_or_else(|| {
                    CompileError::syntax("dict unpacking cannot be used in dict comprehension", self.at(n))
                })?;
                ExprKind::DictComp(self.comprehension(key, Some(&n.value), &n.generators)?)
            }
            r::Expr::Generator(n) => ExprKind::Generator(self.comprehension(&n.elt, None, &n.generators)?),
            r::Expr::Await(n) => ExprKind::Await(self.boxed(&n.value)?),
            r::Expr::Yield(n) => ExprKind::Yield(self.optional_boxed(n.value.as_deref())?),
            r::Expr::YieldFrom(n) => ExprKind::YieldFrom(self.boxed(&n.value)?),
            other => return Err(CompileError::syntax("invalid syntax", self.at(other))),
        })
    }

    fn comprehension(
        &self,
        elt: &r::Expr,
        value: Option<&r::Expr>,
        generators: &[r::Comprehension],
    ) -> Result<Box<Comprehension>> {
        if let r::Expr::Starred(_) = elt {
            let message = "iterable unpacking cannot be used in comprehension";
            return Err(CompileError::syntax(message, self.at(elt)));
        }
        let generators = generators
            .iter()
            .map(|generator| {
                Ok(Generator {
                    target: self.expr(&generator.target)?,
                    iter: self.expr(&generator.iter)?,
                    ifs: self.exprs(&generator.ifs)?,
                    is_async: generator.is_async,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Box::new(Comprehension { elt: self.expr(elt)?, value: self.optional(value)?, generators }))
    }

    fn call(&self, node: &r::ExprCall) -> Result<ExprKind> {
        let func = self.expr(&node.func)?;
        let mut args = self.exprs(&node.arguments.args)?;
        let keywords = self.keywords(&node.arguments.keywords)?;
        if let ([r::Expr::Generator(generator)], [arg]) = (&*node.arguments.args, &mut *args)
            && !generator.parenthesized
        {
            // The parentheses of the call are the generator's.
            arg.at = self.position(node.arguments.range);
        }
        Ok(ExprKind::Call(Box::new(Call { func, args, keywords })))
    }

    pub(super) fn keywords(&self, keywords: &[r::Keyword]) -> Result<Vec<Keyword>> {
        let keyword = |keyword: &r::Keyword| {
            Ok(Keyword {
                arg: keyword.arg.as_ref().map(|arg| self.ident(arg)),
                value: self.expr(&keyword.value)?,
                at: self.at(keyword),
            })
        };
        keywords.iter().map(keyword).collect()
    }

    fn number(&self, node: &r::ExprNumberLiteral) -> Result<Constant> {
        self.check_number_end(node);
        Ok(match &node.value {
            r::Number::Int(value) => match value.as_i64() {
                Some(value) => Constant::Int(value),
                None => literal::int_constant(self.slice(node.range), self.max_digits)
                    .map_err(|message| CompileError::syntax(message, self.at(node)))?,
            },
            r::Number::Float(value) => Constant::Float(*value),
            r::Number::Complex { real, imag } => Constant::Complex { real: *real, imag: *imag },
        })
    }

    /// Warns about a number that runs into a keyword (`1if x else y`).
    fn check_number_end(&self, node: &r::ExprNumberLiteral) {
        let end = usize::from(node.range.end());
        let rest = self.source.get(end..).unwrap_or_default();
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return;
        }
        let text = self.slice(node.range).to_ascii_lowercase();
        let kind = match text.get(..2) {
            Some("0x") => "hexadecimal",
            Some("0o") => "octal",
            Some("0b") => "binary",
            _ if text.ends_with('j') => "imaginary",
            _ => "decimal",
        };
        self.warn(format!("invalid {kind} literal"), end.saturating_sub(1), end, |error| {
            error.end_offset = error.offset as i32;
        });
    }

    pub(super) fn parameters(&self, node: &r::Parameters) -> Result<Arguments> {
        let mut defaults = Vec::new();
        let mut plain = |params: &[r::ParameterWithDefault]| -> Result<Vec<Arg>> {
            let mut args = Vec::with_capacity(params.len());
            for param in params {
                args.push(self.arg(&param.parameter)?);
                defaults.extend(self.optional(param.default.as_deref())?);
            }
            Ok(args)
        };
        let posonlyargs = plain(&node.posonlyargs)?;
        let args = plain(&node.args)?;
        let kwonly = |f: &r::ParameterWithDefault| self.arg(&f.parameter);
        let kwonlyargs = node.kwonlyargs.iter().map(kwonly).collect::<Result<_>>()?;
        let kw_defaults = (node.kwonlyargs.iter())
            .map(|param| self.optional(param.default.as_deref()))
            .collect::<Result<_>>()?;
        let variadic = |param: Option<&r::Parameter>| param.map(|p| self.arg(p)).transpose();
        Ok(Arguments {
            posonlyargs,
            args,
            vararg: variadic(node.vararg.as_deref())?,
            kwonlyargs,
            kw_defaults,
            kwarg: variadic(node.kwarg.as_deref())?,
            defaults,
        })
    }

    fn arg(&self, param: &r::Parameter) -> Result<Arg> {
        // The parser's range of a variadic parameter includes its stars.
        let range = TextRange::new(param.name.range.start(), param.range.end());
        Ok(Arg {
            name: self.ident(&param.name),
            annotation: self.optional(param.annotation.as_deref())?,
            at: self.position(range),
        })
    }

    pub(super) fn pattern(&self, node: &r::Pattern) -> Result<Pattern> {
        self.deeper(node, || Ok(Pattern { kind: self.pattern_kind(node)?, at: self.at(node) }))
    }

    fn patterns(&self, nodes: &[r::Pattern]) -> Result<Vec<Pattern>> {
        nodes.iter().map(|node| self.pattern(node)).collect()
    }

    fn pattern_kind(&self, node: &r::Pattern) -> Result<PatternKind> {
        let name = |name: &Option<r::Identifier>| name.as_ref().map(|name| self.ident(name));
        Ok(match node {
            r::Pattern::MatchValue(n) => PatternKind::Value(self.expr(&n.value)?),
            r::Pattern::MatchSingleton(n) => PatternKind::Singleton(match n.value {
                r::Singleton::None => Constant::None,
                r::Singleton::True => Constant::True,
                r::Singleton::False => Constant::False,
            }),
            r::Pattern::MatchSequence(n) => PatternKind::Sequence(self.patterns(&n.patterns)?),
            r::Pattern::MatchMapping(n) => PatternKind::Mapping {
                keys: self.exprs(&n.keys)?,
                patterns: self.patterns(&n.patterns)?,
                rest: name(&n.rest),
            },
            r::Pattern::MatchClass(n) => {
                let keywords = &n.arguments.keywords;
                PatternKind::Class {
                    cls: self.expr(&n.cls)?,
                    patterns: self.patterns(&n.arguments.patterns)?,
                    kwd_attrs: keywords.iter().map(|keyword| self.ident(&keyword.attr)).collect(),
                    kwd_patterns: (keywords.iter())
                        .map(|keyword| self.pattern(&keyword.pattern))
                        .collect::<Result<_>>()?,
                }
            }
            r::Pattern::MatchStar(n) => PatternKind::Star(name(&n.name)),
            r::Pattern::MatchAs(n) => PatternKind::As {
                pattern: n.pattern.as_ref().map(|p| self.pattern(p).map(Box::new)).transpose()?,
                name: name(&n.name),
            },
            r::Pattern::MatchOr(n) => PatternKind::Or(self.patterns(&n.patterns)?),
        })
    }

    pub(super) fn type_params(&self, node: Option<&r::TypeParams>) -> Result<Vec<TypeParam>> {
        let convert = |param: &r::TypeParam| {
            let (kind, default) = match param {
                r::TypeParam::TypeVar(n) => (
                    TypeParamKind::TypeVar { bound: self.optional(n.bound.as_deref())? },
                    n.default.as_deref(),
                ),
                r::TypeParam::ParamSpec(n) => (TypeParamKind::ParamSpec, n.default.as_deref()),
                r::TypeParam::TypeVarTuple(n) => (TypeParamKind::TypeVarTuple, n.default.as_deref()),
            };
            Ok(TypeParam {
                kind,
                name: self.ident(param.name()),
                default: self.optional(default)?,
                at: self.position(param.range()),
            })
        };
        node.map_or(Ok(Vec::new()), |node| node.type_params.iter().map(convert).collect())
    }
}
