//! SyntaxWarnings about code that is valid and surely a mistake.

use super::Generator;
use crate::ast::*;
use crate::code::Constant;
use crate::error::{Result, Warning};

fn constant_type(value: &Constant) -> &'static str {
    match value {
        Constant::None => "NoneType",
        Constant::True | Constant::False => "bool",
        Constant::Ellipsis => "ellipsis",
        Constant::Int(_) | Constant::BigInt(_) => "int",
        Constant::Float(_) => "float",
        Constant::Complex { .. } => "complex",
        Constant::Str(_) => "str",
        Constant::Bytes(_) => "bytes",
        Constant::Tuple(_) => "tuple",
        Constant::FrozenSet(_) => "frozenset",
        Constant::Slice(_) => "slice",
        Constant::Code(_) => "code",
    }
}

/// The type that an expression surely has.
fn known_type(expr: &Expr) -> Option<&'static str> {
    Some(match &expr.kind {
        ExprKind::Tuple { .. } => "tuple",
        ExprKind::List { .. } | ExprKind::ListComp(_) => "list",
        ExprKind::Dict { .. } | ExprKind::DictComp(_) => "dict",
        ExprKind::Set(_) | ExprKind::SetComp(_) => "set",
        ExprKind::Generator(_) => "generator",
        ExprKind::Lambda(_) => "function",
        ExprKind::TemplateStr(_) | ExprKind::Interpolation(_) => "string.templatelib.Template",
        ExprKind::JoinedStr(_) | ExprKind::FormattedValue(_) => "str",
        ExprKind::Constant { value, .. } => constant_type(value),
        _ => return None,
    })
}

/// Whether comparing with `is` makes sense.
fn has_identity(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant { value, .. } => {
            matches!(value, Constant::None | Constant::True | Constant::False | Constant::Ellipsis)
        }
        ExprKind::Tuple { .. } => false,
        _ => true,
    }
}

impl<'t> Generator<'t> {
    fn warn(&mut self, message: String, at: Position) {
        // A finally body is compiled more than once; its warnings are given once.
        let warning = Warning::syntax(message, at);
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    pub(super) fn check_compare(&mut self, left: &Expr, ops: &[CmpOp], comparators: &[Expr]) -> Result<()> {
        let mut before = left;
        for (op, right) in ops.iter().zip(comparators) {
            if matches!(op, CmpOp::Is | CmpOp::IsNot) {
                let suspect = [before, right].into_iter().find(|expr| !has_identity(expr));
                if let Some(name) = suspect.and_then(known_type) {
                    let (word, instead) = if *op == CmpOp::Is { ("is", "==") } else { ("is not", "!=") };
                    let at = self.here();
                    let message = format!("\"{word}\" with '{name}' literal. Did you mean \"{instead}\"?");
                    self.warn(message, at);
                }
            }
            before = right;
        }
        Ok(())
    }

    pub(super) fn check_caller(&mut self, func: &Expr) -> Result<()> {
        if !matches!(func.kind, ExprKind::Lambda(_))
            && let Some(name) = known_type(func)
        {
            let message = format!("'{name}' object is not callable; perhaps you missed a comma?");
            self.warn(message, func.at);
        }
        Ok(())
    }

    pub(super) fn check_subscript(&mut self, value: &Expr, slice: &Expr) -> Result<()> {
        let Some(name) = known_type(value) else { return Ok(()) };
        match name {
            "dict" => {}
            "str" | "bytes" | "tuple" | "list" => match known_type(slice) {
                None | Some("int" | "bool" | "slice") => {}
                Some(_) if matches!(slice.kind, ExprKind::Slice { .. }) => {}
                Some(index) => {
                    let message = format!(
                        "{name} indices must be integers or slices, not {index}; perhaps you missed a comma?"
                    );
                    let at = self.here();
                    self.warn(message, at);
                }
            },
            _ => {
                let message = format!("'{name}' object is not subscriptable; perhaps you missed a comma?");
                self.warn(message, value.at);
            }
        }
        Ok(())
    }

    pub(super) fn check_assert(&mut self, test: &Expr) -> Result<()> {
        let always = match &test.kind {
            ExprKind::Tuple { elts, .. } => !elts.is_empty(),
            ExprKind::Constant { value: Constant::Tuple(items), .. } => !items.is_empty(),
            _ => false,
        };
        if always {
            let at = self.here();
            self.warn("assertion is always true, perhaps remove parentheses?".into(), at);
        }
        Ok(())
    }
}
