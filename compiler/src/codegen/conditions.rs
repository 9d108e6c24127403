//! Comparisons, `and`/`or`, conditional expressions, and jumps on conditions.

use super::Generator;
use super::assembler::{Label, Reg};
use super::expressions::immediate;
use crate::ast::*;
use crate::code::Constant;
use crate::error::Result;
use crate::opcode::Op;

/// What a constant expression is as a condition.
pub(super) fn constant_truth(expr: &Expr) -> Option<bool> {
    let ExprKind::Constant { value, .. } = &expr.kind else { return None };
    Some(match value {
        Constant::None | Constant::False => false,
        Constant::Int(value) => *value != 0,
        Constant::Float(value) => *value != 0.0,
        Constant::Complex { real, imag } => *real != 0.0 || *imag != 0.0,
        Constant::Str(text) | Constant::Bytes(text) => !text.is_empty(),
        Constant::Tuple(items) | Constant::FrozenSet(items) => !items.is_empty(),
        _ => true,
    })
}

fn compare_op(op: CmpOp) -> (Op, Option<Op>) {
    match op {
        CmpOp::Eq => (Op::Eq, Some(Op::EqI)),
        CmpOp::NotEq => (Op::Ne, Some(Op::NeI)),
        CmpOp::Lt => (Op::Lt, Some(Op::LtI)),
        CmpOp::LtE => (Op::Le, Some(Op::LeI)),
        CmpOp::Gt => (Op::Gt, Some(Op::GtI)),
        CmpOp::GtE => (Op::Ge, Some(Op::GeI)),
        CmpOp::Is => (Op::Is, None),
        CmpOp::IsNot => (Op::IsNot, None),
        CmpOp::In => (Op::In, None),
        CmpOp::NotIn => (Op::NotIn, None),
    }
}

/// The fused instruction, the one with an immediate, and whether the sense is inverted.
fn jump_op(op: CmpOp) -> (Op, Option<Op>, bool) {
    match op {
        CmpOp::Eq => (Op::JumpEq, Some(Op::JumpEqI), false),
        CmpOp::NotEq => (Op::JumpNe, Some(Op::JumpNeI), false),
        CmpOp::Lt => (Op::JumpLt, Some(Op::JumpLtI), false),
        CmpOp::LtE => (Op::JumpLe, Some(Op::JumpLeI), false),
        CmpOp::Gt => (Op::JumpGt, Some(Op::JumpGtI), false),
        CmpOp::GtE => (Op::JumpGe, Some(Op::JumpGeI), false),
        CmpOp::Is => (Op::JumpIs, None, false),
        CmpOp::IsNot => (Op::JumpIs, None, true),
        CmpOp::In => (Op::JumpIn, None, false),
        CmpOp::NotIn => (Op::JumpIn, None, true),
    }
}

/// The temporaries of a chain of comparisons.
#[derive(Default)]
struct ChainOperands {
    registers: [Option<Reg>; 2],
    turn: usize,
}

impl<'t> Generator<'t> {
    // ---- values ----

    pub(super) fn compare(
        &mut self,
        left: &'t Expr,
        ops: &[CmpOp],
        comparators: &'t [Expr],
        dst: Reg,
    ) -> Result<()> {
        self.check_compare(left, ops, comparators)?;
        if let ([op], [right]) = (ops, comparators) {
            return self.compare_once(left, *op, right, dst);
        }
        let result = self.scratch(dst);
        let end = self.asm().label();
        let mark = self.asm().mark();
        let mut operands = ChainOperands::default();
        let mut left = self.chain_operand(left, &mut operands)?;
        // Where a comparison of the chain failed, its right operand is still held.
        let mut failures: Vec<(Label, Reg)> = Vec::new();
        for (i, (op, right)) in ops.iter().zip(comparators).enumerate() {
            let right = self.chain_operand(right, &mut operands)?;
            let last = i + 1 == ops.len();
            let mark = self.asm().mark();
            let kept = if last || !self.asm().is_temp(right) { right } else { self.duplicate(right) };
            self.asm().emit(compare_op(*op).0, result, left, kept);
            self.asm().release(mark);
            if last {
                break;
            }
            if self.asm().is_temp(right) {
                let label = self.asm().label();
                self.asm().jump_op(Op::JumpIfFalseOrDrop, result, 0, 0, label);
                failures.push((label, right));
            } else {
                self.asm().jump_op(Op::JumpIfFalseOrDrop, result, 0, 0, end);
            }
            left = right;
        }
        self.asm().release(mark);
        self.drop_failures(failures, end);
        self.finish(result, dst);
        Ok(())
    }

    /// An operand of a chain of comparisons: a local in place, or one of two temporaries in turn, of which the one before
    /// the last is free again.
    fn chain_operand(&mut self, expr: &'t Expr, operands: &mut ChainOperands) -> Result<Reg> {
        if let Some(register) = self.in_place(expr)? {
            return Ok(register);
        }
        let turn = operands.turn;
        operands.turn ^= 1;
        if let Some(register) = operands.registers[turn] {
            self.expr_into(expr, register)?;
            return Ok(register);
        }
        let register = self.expr_temp(expr)?;
        operands.registers[turn] = Some(register);
        Ok(register)
    }

    fn duplicate(&mut self, register: Reg) -> Reg {
        let copy = self.asm().temp();
        self.asm().emit(Op::Copy, copy, register, 0);
        copy
    }

    fn drop_failures(&mut self, failures: Vec<(Label, Reg)>, end: Label) {
        for (label, register) in failures {
            self.asm().jump(end);
            self.asm().bind(label);
            self.asm().emit(Op::Drop, register, 0, 0);
        }
        self.asm().bind(end);
    }

    fn compare_once(&mut self, left: &'t Expr, op: CmpOp, right: &'t Expr, dst: Reg) -> Result<()> {
        let (plain, with_immediate) = compare_op(op);
        let a = self.operand_in(left, dst)?;
        if let (Some(op), Some(value)) = (with_immediate, immediate(right)) {
            self.asm().emit(op, dst, a, value);
            return Ok(());
        }
        let b = if a == dst { self.operand(right)? } else { self.operand_in(right, dst)? };
        self.asm().emit(plain, dst, a, b);
        Ok(())
    }

    pub(super) fn bool_op(&mut self, op: BoolOp, values: &'t [Expr], dst: Reg) -> Result<()> {
        let Some((last, rest)) = values.split_last() else { return self.error("invalid syntax") };
        let result = self.scratch(dst);
        let end = self.asm().label();
        for value in rest {
            self.decide(op, value, result, end)?;
        }
        self.expr_into(last, result)?;
        self.asm().bind(end);
        self.finish(result, dst);
        Ok(())
    }

    /// Evaluates an operand of `and` or `or` that isn't the last. If it decides, jumps to `end` with its value in `result`.
    /// The truth of each value is asked for once, also of those of an operator within.
    fn decide(&mut self, op: BoolOp, value: &'t Expr, result: Reg, end: Label) -> Result<()> {
        let jump = match op {
            BoolOp::And => Op::JumpIfFalseOrDrop,
            BoolOp::Or => Op::JumpIfTrueOrDrop,
        };
        match (constant_truth(value), &value.kind) {
            // A constant that does not decide has no effect.
            (Some(truth), _) if truth == (op == BoolOp::And) => {}
            (Some(_), _) => {
                self.expr_into(value, result)?;
                self.asm().jump(end);
            }
            (None, ExprKind::BoolOp { op: inner, values }) if *inner == op => {
                for value in values {
                    self.decide(op, value, result, end)?;
                }
            }
            (None, ExprKind::BoolOp { op: inner, values }) => {
                let Some((last, rest)) = values.split_last() else { return self.error("invalid syntax") };
                let next = self.asm().label();
                for value in rest {
                    self.jump_if(value, *inner == BoolOp::Or, next)?;
                }
                self.decide(op, last, result, end)?;
                self.asm().bind(next);
            }
            (None, _) => {
                self.expr_into(value, result)?;
                self.asm().jump_op(jump, result, 0, 0, end);
            }
        }
        Ok(())
    }

    pub(super) fn conditional(
        &mut self,
        test: &'t Expr,
        body: &'t Expr,
        orelse: &'t Expr,
        dst: Reg,
    ) -> Result<()> {
        let (no, end) = (self.asm().label(), self.asm().label());
        self.jump_unless(test, no)?;
        self.expr_into(body, dst)?;
        self.asm().jump(end);
        self.asm().bind(no);
        self.expr_into(orelse, dst)?;
        self.asm().bind(end);
        Ok(())
    }

    // ---- jumps ----

    /// Jumps to the label if the condition is false.
    pub(super) fn jump_unless(&mut self, test: &'t Expr, label: Label) -> Result<()> {
        self.jump_if(test, false, label)
    }

    /// Jumps to the label if the truth of the condition is `sense`.
    pub(super) fn jump_if(&mut self, test: &'t Expr, sense: bool, label: Label) -> Result<()> {
        if let Some(truth) = constant_truth(test) {
            if truth == sense {
                self.asm().jump(label);
            }
            return Ok(());
        }
        let mark = self.asm().mark();
        let outer = self.asm().at.replace(test.at);
        let result = self.jump_if_kind(test, sense, label);
        self.asm().at = outer;
        self.asm().release(mark);
        result
    }

    fn jump_if_kind(&mut self, test: &'t Expr, sense: bool, label: Label) -> Result<()> {
        match &test.kind {
            ExprKind::Unary { op: UnaryOp::Not, operand } => self.jump_if(operand, !sense, label),
            ExprKind::BoolOp { op, values } => self.jump_if_bool_op(*op, values, sense, label),
            ExprKind::Compare { left, ops, comparators } => {
                self.check_compare(left, ops, comparators)?;
                match (&ops[..], &comparators[..]) {
                    ([op], [right]) => self.jump_if_compare(left, *op, right, sense, label),
                    _ => self.jump_if_chain(left, ops, comparators, sense, label),
                }
            }
            ExprKind::If { test, body, orelse } => {
                let (no, end) = (self.asm().label(), self.asm().label());
                self.jump_if(test, false, no)?;
                self.jump_if(body, sense, label)?;
                self.asm().jump(end);
                self.asm().bind(no);
                self.jump_if(orelse, sense, label)?;
                self.asm().bind(end);
                Ok(())
            }
            _ => {
                let value = self.operand(test)?;
                let op = if sense { Op::JumpIfTrue } else { Op::JumpIfFalse };
                self.asm().jump_op(op, value, 0, 0, label);
                Ok(())
            }
        }
    }

    fn jump_if_bool_op(&mut self, op: BoolOp, values: &'t [Expr], sense: bool, label: Label) -> Result<()> {
        let Some((last, rest)) = values.split_last() else { return self.error("invalid syntax") };
        // `a or b` is decided by the first true value, `a and b` by the first false one.
        let decides = op == BoolOp::Or;
        let skip = self.asm().label();
        let early = if decides == sense { label } else { skip };
        for value in rest {
            self.jump_if(value, decides, early)?;
        }
        self.jump_if(last, sense, label)?;
        if self.asm().is_used(skip) {
            self.asm().bind(skip);
        }
        Ok(())
    }

    fn jump_if_compare(
        &mut self,
        left: &'t Expr,
        op: CmpOp,
        right: &'t Expr,
        sense: bool,
        label: Label,
    ) -> Result<()> {
        let (plain, with_immediate, inverted) = jump_op(op);
        let c = u8::from(sense != inverted);
        let a = self.operand(left)?;
        if let ExprKind::Constant { value: Constant::None, .. } = right.kind
            && plain == Op::JumpIs
        {
            let op = if c == 1 { Op::JumpIfNone } else { Op::JumpIfNotNone };
            self.asm().jump_op(op, a, 0, 0, label);
            return Ok(());
        }
        if let (Some(op), Some(value)) = (with_immediate, immediate(right)) {
            self.asm().jump_op(op, a, value, c, label);
            return Ok(());
        }
        let b = self.operand(right)?;
        self.asm().jump_op(plain, a, b, c, label);
        Ok(())
    }

    fn jump_if_chain(
        &mut self,
        left: &'t Expr,
        ops: &[CmpOp],
        comparators: &'t [Expr],
        sense: bool,
        label: Label,
    ) -> Result<()> {
        let end = self.asm().label();
        let failed = if sense { end } else { label };
        let mut operands = ChainOperands::default();
        let mut left = self.chain_operand(left, &mut operands)?;
        let mut failures: Vec<(Label, Reg)> = Vec::new();
        for (i, (op, right)) in ops.iter().zip(comparators).enumerate() {
            let right = self.chain_operand(right, &mut operands)?;
            let (plain, _, inverted) = jump_op(*op);
            if i + 1 == ops.len() {
                self.asm().jump_op(plain, left, right, u8::from(sense != inverted), label);
                break;
            }
            if self.asm().is_temp(right) {
                let mark = self.asm().mark();
                let kept = self.duplicate(right);
                let cleanup = self.asm().label();
                self.asm().jump_op(plain, left, kept, u8::from(inverted), cleanup);
                self.asm().release(mark);
                failures.push((cleanup, right));
            } else {
                self.asm().jump_op(plain, left, right, u8::from(inverted), failed);
            }
            left = right;
        }
        for (cleanup, register) in failures {
            self.asm().jump(end);
            self.asm().bind(cleanup);
            self.asm().emit(Op::Drop, register, 0, 0);
            self.asm().jump(failed);
        }
        self.asm().bind(end);
        Ok(())
    }
}
