//! Expressions as source text, in the normal form that CPython gives annotations under
//! `from __future__ import annotations`.

use std::fmt::Write;

use crate::ast::*;
use crate::code::BigInt;

/// How tightly an expression binds; a looser one inside a tighter one needs parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Tuple,
    Test,
    Or,
    And,
    Not,
    Compare,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Arith,
    Term,
    Factor,
    Power,
    Await,
    Atom,
}

use Level as L;

/// The text of an expression.
pub(crate) fn expression(expr: &Expr) -> String {
    let mut out = String::new();
    write_expr(&mut out, expr, L::Test);
    out
}

fn operator(op: Operator) -> (&'static str, Level) {
    match op {
        Operator::Add => (" + ", L::Arith),
        Operator::Sub => (" - ", L::Arith),
        Operator::Mult => (" * ", L::Term),
        Operator::MatMult => (" @ ", L::Term),
        Operator::Div => (" / ", L::Term),
        Operator::Mod => (" % ", L::Term),
        Operator::FloorDiv => (" // ", L::Term),
        Operator::Pow => (" ** ", L::Power),
        Operator::LShift => (" << ", L::Shift),
        Operator::RShift => (" >> ", L::Shift),
        Operator::BitOr => (" | ", L::BitOr),
        Operator::BitXor => (" ^ ", L::BitXor),
        Operator::BitAnd => (" & ", L::BitAnd),
    }
}

fn compare_text(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => " == ",
        CmpOp::NotEq => " != ",
        CmpOp::Lt => " < ",
        CmpOp::LtE => " <= ",
        CmpOp::Gt => " > ",
        CmpOp::GtE => " >= ",
        CmpOp::Is => " is ",
        CmpOp::IsNot => " is not ",
        CmpOp::In => " in ",
        CmpOp::NotIn => " not in ",
    }
}

fn tighter(level: Level) -> Level {
    match level {
        L::Arith => L::Term,
        L::Term => L::Factor,
        L::Shift => L::Arith,
        L::BitAnd => L::Shift,
        L::BitXor => L::BitAnd,
        L::BitOr => L::BitXor,
        L::Compare => L::BitOr,
        L::And => L::Not,
        L::Or => L::And,
        L::Power => L::Await,
        other => other,
    }
}

fn parens(out: &mut String, needed: bool, f: impl FnOnce(&mut String)) {
    if needed {
        out.push('(');
    }
    f(out);
    if needed {
        out.push(')');
    }
}

fn separated(out: &mut String, exprs: &[Expr], level: Level) {
    for (i, expr) in exprs.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_expr(out, expr, level);
    }
}

fn write_expr(out: &mut String, expr: &Expr, level: Level) {
    match &expr.kind {
        ExprKind::Name { id, .. } => out.push_str(id),
        ExprKind::Constant { value, u_prefix } => {
            if *u_prefix && matches!(value, Constant::Str(_)) {
                out.push('u');
            }
            write_constant(out, value, level);
        }
        ExprKind::Attribute { value, attr, .. } => {
            let integer = matches!(value.kind, ExprKind::Constant { value: Constant::Int(_), .. });
            write_expr(out, value, L::Atom);
            out.push_str(if integer { " ." } else { "." });
            out.push_str(attr);
        }
        ExprKind::Subscript { value, slice, .. } => {
            write_expr(out, value, L::Atom);
            out.push('[');
            match &slice.kind {
                ExprKind::Tuple { elts, .. } if !elts.is_empty() => {
                    separated(out, elts, L::Test);
                    if elts.len() == 1 {
                        out.push(',');
                    }
                }
                _ => write_expr(out, slice, L::Tuple),
            }
            out.push(']');
        }
        ExprKind::Bin { left, op, right } => {
            let (text, own) = operator(*op);
            let right_assoc = *op == Operator::Pow;
            parens(out, level > own, |out| {
                write_expr(out, left, if right_assoc { tighter(own) } else { own });
                out.push_str(text);
                write_expr(out, right, if right_assoc { own } else { tighter(own) });
            });
        }
        ExprKind::Unary { op, operand } => {
            let (text, own) = match op {
                UnaryOp::Invert => ("~", L::Factor),
                UnaryOp::Not => ("not ", L::Not),
                UnaryOp::UAdd => ("+", L::Factor),
                UnaryOp::USub => ("-", L::Factor),
            };
            parens(out, level > own, |out| {
                out.push_str(text);
                write_expr(out, operand, own);
            });
        }
        ExprKind::BoolOp { op, values } => {
            let (text, own) = if *op == BoolOp::And { (" and ", L::And) } else { (" or ", L::Or) };
            parens(out, level > own, |out| {
                for (i, value) in values.iter().enumerate() {
                    if i > 0 {
                        out.push_str(text);
                    }
                    write_expr(out, value, tighter(own));
                }
            });
        }
        ExprKind::Compare { left, ops, comparators } => {
            parens(out, level > L::Compare, |out| {
                write_expr(out, left, tighter(L::Compare));
                for (op, right) in ops.iter().zip(comparators) {
                    out.push_str(compare_text(*op));
                    write_expr(out, right, tighter(L::Compare));
                }
            });
        }
        _ => write_more(out, expr, level),
    }
}

fn write_more(out: &mut String, expr: &Expr, level: Level) {
    match &expr.kind {
        ExprKind::Tuple { elts, .. } => parens(out, level > L::Tuple || elts.is_empty(), |out| {
            separated(out, elts, L::Test);
            if elts.len() == 1 {
                out.push(',');
            }
        }),
        ExprKind::List { elts, .. } => {
            out.push('[');
            separated(out, elts, L::Test);
            out.push(']');
        }
        ExprKind::Set(elts) => {
            out.push('{');
            separated(out, elts, L::Test);
            out.push('}');
        }
        ExprKind::Dict { keys, values } => {
            out.push('{');
            for (i, (key, value)) in keys.iter().zip(values).enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                match key {
                    Some(key) => {
                        write_expr(out, key, L::Test);
                        out.push_str(": ");
                        write_expr(out, value, L::Test);
                    }
                    None => {
                        out.push_str("**");
                        write_expr(out, value, L::BitOr);
                    }
                }
            }
            out.push('}');
        }
        ExprKind::Starred { value, .. } => {
            out.push('*');
            write_expr(out, value, L::BitOr);
        }
        ExprKind::Named { target, value } => parens(out, level > L::Tuple, |out| {
            write_expr(out, target, L::Atom);
            out.push_str(" := ");
            write_expr(out, value, L::Atom);
        }),
        ExprKind::If { test, body, orelse } => parens(out, level > L::Test, |out| {
            write_expr(out, body, L::Or);
            out.push_str(" if ");
            write_expr(out, test, L::Or);
            out.push_str(" else ");
            write_expr(out, orelse, L::Test);
        }),
        ExprKind::Lambda(lambda) => parens(out, level > L::Test, |out| write_lambda(out, lambda)),
        ExprKind::Await(value) => parens(out, level > L::Await, |out| {
            out.push_str("await ");
            write_expr(out, value, L::Atom);
        }),
        ExprKind::Yield(value) => {
            out.push_str("(yield");
            if let Some(value) = value {
                out.push(' ');
                write_expr(out, value, L::Test);
            }
            out.push(')');
        }
        ExprKind::YieldFrom(value) => {
            out.push_str("(yield from ");
            write_expr(out, value, L::Test);
            out.push(')');
        }
        ExprKind::Call(call) => write_call(out, call),
        ExprKind::Slice { lower, upper, step } => {
            if let Some(lower) = lower {
                write_expr(out, lower, L::Test);
            }
            out.push(':');
            if let Some(upper) = upper {
                write_expr(out, upper, L::Test);
            }
            if let Some(step) = step {
                out.push(':');
                write_expr(out, step, L::Test);
            }
        }
        ExprKind::ListComp(comp) => write_comprehension(out, comp, "[", "]"),
        ExprKind::SetComp(comp) | ExprKind::DictComp(comp) => write_comprehension(out, comp, "{", "}"),
        ExprKind::Generator(comp) => write_comprehension(out, comp, "(", ")"),
        ExprKind::JoinedStr(values) => write_joined(out, values, 'f'),
        ExprKind::TemplateStr(values) => write_joined(out, values, 't'),
        ExprKind::FormattedValue(_) | ExprKind::Interpolation(_) => {
            write_joined(out, std::slice::from_ref(expr), 'f');
        }
        _ => {}
    }
}

fn write_lambda(out: &mut String, lambda: &Lambda) {
    out.push_str("lambda");
    let parameters = parameters(&lambda.args);
    if !parameters.is_empty() {
        out.push(' ');
        out.push_str(&parameters);
    }
    out.push_str(": ");
    write_expr(out, &lambda.body, L::Test);
}

fn write_call(out: &mut String, call: &Call) {
    write_expr(out, &call.func, L::Atom);
    if let ([Expr { kind: ExprKind::Generator(comp), .. }], []) = (&call.args[..], &call.keywords[..]) {
        write_comprehension(out, comp, "(", ")");
        return;
    }
    out.push('(');
    separated(out, &call.args, L::Test);
    for (i, keyword) in call.keywords.iter().enumerate() {
        if i > 0 || !call.args.is_empty() {
            out.push_str(", ");
        }
        match &keyword.arg {
            Some(name) => {
                let _ = write!(out, "{name}=");
            }
            None => out.push_str("**"),
        }
        write_expr(out, &keyword.value, L::Test);
    }
    out.push(')');
}

fn write_comprehension(out: &mut String, comp: &Comprehension, open: &str, close: &str) {
    out.push_str(open);
    write_expr(out, &comp.elt, L::Test);
    if let Some(value) = &comp.value {
        out.push_str(": ");
        write_expr(out, value, L::Test);
    }
    for generator in &comp.generators {
        out.push_str(if generator.is_async { " async for " } else { " for " });
        write_expr(out, &generator.target, L::Tuple);
        out.push_str(" in ");
        write_expr(out, &generator.iter, L::Or);
        for condition in &generator.ifs {
            out.push_str(" if ");
            write_expr(out, condition, L::Or);
        }
    }
    out.push_str(close);
}

fn parameters(args: &Arguments) -> String {
    let mut parts: Vec<String> = Vec::new();
    let positional: Vec<&Arg> = args.posonlyargs.iter().chain(&args.args).collect();
    let first_default = positional.len().saturating_sub(args.defaults.len());
    for (i, arg) in positional.iter().enumerate() {
        match i.checked_sub(first_default).and_then(|i| args.defaults.get(i)) {
            Some(default) => parts.push(format!("{}={}", arg.name, expression(default))),
            None => parts.push(arg.name.to_string()),
        }
        if i + 1 == args.posonlyargs.len() {
            parts.push("/".into());
        }
    }
    match &args.vararg {
        Some(vararg) => parts.push(format!("*{}", vararg.name)),
        None if !args.kwonlyargs.is_empty() => parts.push("*".into()),
        None => {}
    }
    for (arg, default) in args.kwonlyargs.iter().zip(&args.kw_defaults) {
        match default {
            Some(default) => parts.push(format!("{}={}", arg.name, expression(default))),
            None => parts.push(arg.name.to_string()),
        }
    }
    if let Some(kwarg) = &args.kwarg {
        parts.push(format!("**{}", kwarg.name));
    }
    parts.join(", ")
}

// ---- constants ----

fn write_constant(out: &mut String, value: &Constant, level: Level) {
    match value {
        Constant::None => out.push_str("None"),
        Constant::True => out.push_str("True"),
        Constant::False => out.push_str("False"),
        Constant::Ellipsis => out.push_str("..."),
        // A folded negative number is an operator and its operand again.
        Constant::Int(value) => parens(out, *value < 0 && level > L::Factor, |out| {
            let _ = write!(out, "{value}");
        }),
        Constant::BigInt(value) => out.push_str(&decimal(value)),
        Constant::Float(value) => out.push_str(&float_text(*value)),
        Constant::Complex { real, imag } => {
            if *real == 0.0 && !real.is_sign_negative() {
                let _ = write!(out, "{}j", trim_float(&float_text(*imag)));
            } else {
                let sign = if imag.is_sign_negative() { "" } else { "+" };
                let (real, imag) = (float_text(*real), float_text(*imag));
                let _ = write!(out, "({}{sign}{}j)", trim_float(&real), trim_float(&imag));
            }
        }
        Constant::Str(text) => write_str(out, text),
        Constant::Bytes(bytes) => {
            let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
            let escaped = bytes.escape_ascii().to_string();
            let escaped = match quote {
                '"' => escaped.replace("\\'", "'"),
                _ => escaped.replace("\\\"", "\""),
            };
            let _ = write!(out, "b{quote}{escaped}{quote}");
        }
        Constant::Tuple(items) => {
            parens(out, level > L::Tuple || items.is_empty(), |out| {
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    write_constant(out, item, L::Test);
                }
                if items.len() == 1 {
                    out.push(',');
                }
            });
        }
        Constant::FrozenSet(_) | Constant::Slice(_) | Constant::Code(_) => out.push_str("..."),
    }
}

fn trim_float(text: &str) -> &str {
    text.strip_suffix(".0").unwrap_or(text)
}

/// The shortest text of a float in Python's form.
fn float_text(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "1e309".into() } else { "-1e309".into() };
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{value:e}");
        let Some((digits, exponent)) = text.split_once('e') else { return text };
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{value:?}")
}

fn decimal(value: &BigInt) -> String {
    let mut digits = value.digits.to_vec();
    let mut groups = Vec::new();
    while digits.iter().any(|digit| *digit != 0) {
        let mut rest = 0u64;
        for digit in digits.iter_mut().rev() {
            let part = rest << 32 | u64::from(*digit);
            *digit = (part / 1_000_000_000) as u32;
            rest = part % 1_000_000_000;
        }
        groups.push(rest);
    }
    let mut text = String::from(if value.negative { "-" } else { "" });
    for (i, group) in groups.iter().rev().enumerate() {
        let _ = if i == 0 { write!(text, "{group}") } else { write!(text, "{group:09}") };
    }
    text
}

fn escape_str(out: &mut String, text: &[u8], quote: Option<char>) {
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if Some(c) == quote => {
                    out.push('\\');
                    out.push(c);
                }
                c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                    let _ = write!(out, "\\x{:02x}", c as u32);
                }
                c => out.push(c),
            }
        }
        // A lone surrogate comes in three invalid pieces; the first has its lead byte.
        if let [0xED, ..] = chunk.invalid() {
            out.push_str("\\ud800");
        }
    }
}

fn write_str(out: &mut String, text: &[u8]) {
    let quote = if text.contains(&b'\'') && !text.contains(&b'"') { '"' } else { '\'' };
    out.push(quote);
    escape_str(out, text, Some(quote));
    out.push(quote);
}

fn write_joined(out: &mut String, values: &[Expr], prefix: char) {
    let mut body = String::new();
    for value in values {
        write_piece(&mut body, value);
    }
    let quote = if body.contains('\'') && !body.contains('"') { '"' } else { '\'' };
    let _ = write!(out, "{prefix}{quote}{body}{quote}");
}

fn write_piece(body: &mut String, value: &Expr) {
    let (value, conversion, spec) = match &value.kind {
        ExprKind::Constant { value: Constant::Str(text), .. } => {
            let mut piece = String::new();
            escape_str(&mut piece, text, None);
            body.push_str(&piece.replace('{', "{{").replace('}', "}}"));
            return;
        }
        ExprKind::FormattedValue(field) => (&field.value, field.conversion, &field.format_spec),
        ExprKind::Interpolation(field) => (&field.value, field.conversion, &field.format_spec),
        _ => return,
    };
    let text = expression(value);
    body.push_str(if text.starts_with('{') { "{ " } else { "{" });
    body.push_str(&text);
    if let Ok(conversion) = u8::try_from(conversion) {
        body.push('!');
        body.push(conversion as char);
    }
    if let Some(Expr { kind: ExprKind::JoinedStr(values), .. }) = spec {
        body.push(':');
        values.iter().for_each(|value| write_piece(body, value));
    }
    body.push('}');
}
