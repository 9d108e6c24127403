//! Operators on constants. Results that would be large, or that raise, are left to run time.

use crate::ast::*;
use crate::literal::big_constant;

const MAX_STRING: usize = 4096;
const MAX_TUPLE: usize = 256;

fn constant(expr: &Expr) -> Option<&Constant> {
    match &expr.kind {
        ExprKind::Constant { value, .. } => Some(value),
        _ => None,
    }
}

fn replace(expr: &mut Expr, value: Option<Constant>) {
    if let Some(value) = value {
        expr.kind = ExprKind::Constant { value, u_prefix: false };
    }
}

pub(super) fn fold_unary(expr: &mut Expr) {
    let ExprKind::Unary { op, operand } = &expr.kind else { return };
    let Some(value) = constant(operand) else { return };
    let folded = match (op, value) {
        (UnaryOp::Not, value) => truth(value).map(|truth| boolean(!truth)),
        (UnaryOp::USub, Constant::Int(value)) => match value.checked_neg() {
            Some(value) => Some(Constant::Int(value)),
            None => Some(big_constant(false, vec![0, 1 << 31])),
        },
        (UnaryOp::USub, Constant::BigInt(value)) => {
            Some(big_constant(!value.negative, value.digits.to_vec()))
        }
        (UnaryOp::USub, Constant::Float(value)) => Some(Constant::Float(-value)),
        (UnaryOp::USub, Constant::Complex { real, imag }) => {
            Some(Constant::Complex { real: -real, imag: -imag })
        }
        (
            UnaryOp::UAdd,
            Constant::Int(_) | Constant::BigInt(_) | Constant::Float(_) | Constant::Complex { .. },
        ) => Some(value.clone()),
        (UnaryOp::Invert, Constant::Int(value)) => Some(Constant::Int(!value)),
        _ => None,
    };
    replace(expr, folded);
}

fn boolean(value: bool) -> Constant {
    if value { Constant::True } else { Constant::False }
}

fn truth(value: &Constant) -> Option<bool> {
    Some(match value {
        Constant::None | Constant::False => false,
        Constant::Int(value) => *value != 0,
        Constant::Float(value) => *value != 0.0,
        Constant::Complex { real, imag } => *real != 0.0 || *imag != 0.0,
        Constant::Str(text) | Constant::Bytes(text) => !text.is_empty(),
        Constant::Tuple(items) => !items.is_empty(),
        Constant::True | Constant::BigInt(_) | Constant::Ellipsis => true,
        _ => return None,
    })
}

pub(super) fn fold_binary(expr: &mut Expr) {
    let ExprKind::Bin { left, op, right } = &expr.kind else { return };
    let (Some(left), Some(right)) = (constant(left), constant(right)) else { return };
    let folded = match (left, right) {
        (Constant::Int(a), Constant::Int(b)) => int_binary(*op, *a, *b),
        (Constant::Str(a), Constant::Str(b)) if *op == Operator::Add => {
            (a.len() + b.len() <= MAX_STRING).then(|| Constant::Str([&a[..], &b[..]].concat().into()))
        }
        (Constant::Bytes(a), Constant::Bytes(b)) if *op == Operator::Add => {
            (a.len() + b.len() <= MAX_STRING).then(|| Constant::Bytes([&a[..], &b[..]].concat().into()))
        }
        (Constant::Tuple(a), Constant::Tuple(b)) if *op == Operator::Add => {
            (a.len() + b.len() <= MAX_TUPLE).then(|| Constant::Tuple([&a[..], &b[..]].concat().into()))
        }
        (items, Constant::Int(n)) | (Constant::Int(n), items) if *op == Operator::Mult => {
            repeat(items, *n).or_else(|| number_binary(*op, left, right))
        }
        _ => number_binary(*op, left, right),
    };
    replace(expr, folded);
}

fn repeat(items: &Constant, n: i64) -> Option<Constant> {
    let n = usize::try_from(n.max(0)).ok()?;
    let fits = |len: usize, limit: usize| len.checked_mul(n).is_some_and(|total| total <= limit);
    match items {
        Constant::Str(text) if fits(text.len(), MAX_STRING) => Some(Constant::Str(text.repeat(n).into())),
        Constant::Bytes(text) if fits(text.len(), MAX_STRING) => Some(Constant::Bytes(text.repeat(n).into())),
        Constant::Tuple(items) if fits(items.len(), MAX_TUPLE) => {
            Some(Constant::Tuple((0..n).flat_map(|_| items.iter().cloned()).collect()))
        }
        _ => None,
    }
}

fn int_binary(op: Operator, a: i64, b: i64) -> Option<Constant> {
    let value = match op {
        Operator::Add => a.checked_add(b)?,
        Operator::Sub => a.checked_sub(b)?,
        Operator::Mult => a.checked_mul(b)?,
        Operator::FloorDiv => {
            let quotient = a.checked_div(b)?;
            if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient }
        }
        Operator::Mod => {
            let rest = a.checked_rem(b)?;
            if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
        }
        Operator::Pow => a.checked_pow(u32::try_from(b).ok()?)?,
        Operator::LShift => {
            let shift = u32::try_from(b).ok().filter(|shift| *shift < 62)?;
            a.checked_mul(1i64 << shift)?
        }
        Operator::RShift => a >> u32::try_from(b).ok()?.min(63),
        Operator::BitOr => a | b,
        Operator::BitXor => a ^ b,
        Operator::BitAnd => a & b,
        Operator::Div => {
            let exact = |value: i64| value.unsigned_abs() <= 1 << 53;
            if b == 0 || !exact(a) || !exact(b) {
                return None;
            }
            return Some(Constant::Float(a as f64 / b as f64));
        }
        Operator::MatMult => return None,
    };
    Some(Constant::Int(value))
}

/// The value of an int or float constant as a float, if exact.
fn as_float(value: &Constant) -> Option<f64> {
    match value {
        Constant::Float(value) => Some(*value),
        Constant::Int(value) if value.unsigned_abs() <= 1 << 53 => Some(*value as f64),
        _ => None,
    }
}

fn number_binary(op: Operator, left: &Constant, right: &Constant) -> Option<Constant> {
    if let (Some(a), Some(b)) = (as_float(left), as_float(right)) {
        return Some(Constant::Float(match op {
            Operator::Add => a + b,
            Operator::Sub => a - b,
            Operator::Mult => a * b,
            Operator::Div if b != 0.0 => a / b,
            _ => return None,
        }));
    }
    // `1 + 2j` as patterns and displays write complex numbers. A real operand leaves the imaginary part alone.
    match (left, right, op) {
        (real, Constant::Complex { real: r, imag }, Operator::Add) => {
            Some(Constant::Complex { real: as_float(real)? + r, imag: *imag })
        }
        (real, Constant::Complex { real: r, imag }, Operator::Sub) => {
            Some(Constant::Complex { real: as_float(real)? - r, imag: -imag })
        }
        (Constant::Complex { real: r, imag }, real, Operator::Add) => {
            Some(Constant::Complex { real: r + as_float(real)?, imag: *imag })
        }
        (Constant::Complex { real: r, imag }, real, Operator::Sub) => {
            Some(Constant::Complex { real: r - as_float(real)?, imag: *imag })
        }
        _ => None,
    }
}

fn constants(elts: &[Expr]) -> Option<Box<[Constant]>> {
    elts.iter().map(|expr| constant(expr).cloned()).collect()
}

pub(super) fn fold_tuple(expr: &mut Expr) {
    let ExprKind::Tuple { elts, ctx: Context::Load } = &expr.kind else { return };
    let folded = constants(elts).map(Constant::Tuple);
    replace(expr, folded);
}

/// A display that is only iterated over or searched becomes a constant.
pub(super) fn fold_iterable(expr: &mut Expr) {
    let folded = match &expr.kind {
        ExprKind::List { elts, ctx: Context::Load } => constants(elts).map(Constant::Tuple),
        ExprKind::Set(elts) => constants(elts).map(Constant::FrozenSet),
        _ => None,
    };
    replace(expr, folded);
}
