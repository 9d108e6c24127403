//! `match` statements.
//!
//! A pattern tests a subject that it leaves in its register. Values it takes out of the subject stay in temporaries,
//! which a [`Matching`] lists: when the pattern fails they are dropped in one place, when it succeeds those that are
//! captures are stored to their names and the others are dropped. Names are bound only when a whole pattern matched.
//! The captures of a pattern with very many parts are collected in a dict instead, so that no register outlives the part
//! that needs it.

use rustc_hash::FxHashSet;

use super::Generator;
use super::assembler::{Label, Reg};
use crate::ast::*;
use crate::code::Constant;
use crate::disassemble::show_constant;
use crate::error::{CompileError, Result};
use crate::opcode::Op;

/// The state of matching one case.
struct Matching {
    fail: Label,
    /// Registers that hold something that failing must drop.
    held: Vec<Reg>,
    captures: Vec<(Ident, Reg, Position)>,
    /// The dict of captures, in place of their registers.
    dict: Option<Reg>,
}

impl Matching {
    fn new(fail: Label, dict: Option<Reg>) -> Matching {
        Matching { fail, held: Vec::new(), captures: Vec::new(), dict }
    }

    fn hold(&mut self, register: Reg) {
        if !self.held.contains(&register) {
            self.held.push(register);
        }
    }
}

/// Patterns with more parts than this collect their captures in a dict.
const MANY_PARTS: usize = 40;

/// How many patterns a pattern is made of.
fn parts(pattern: &Pattern) -> usize {
    let sum = |patterns: &[Pattern]| patterns.iter().map(parts).sum::<usize>();
    1 + match &pattern.kind {
        PatternKind::Value(_) | PatternKind::Singleton(_) | PatternKind::Star(_) => 0,
        PatternKind::Sequence(patterns) => sum(patterns),
        // The alternatives are tried one after the other.
        PatternKind::Or(patterns) => patterns.iter().map(parts).max().unwrap_or(0),
        PatternKind::Mapping { patterns, .. } => sum(patterns),
        PatternKind::Class { patterns, kwd_patterns, .. } => sum(patterns) + sum(kwd_patterns),
        PatternKind::As { pattern, .. } => pattern.as_deref().map_or(0, parts),
    }
}

fn is_wildcard(pattern: &Pattern) -> bool {
    matches!(&pattern.kind, PatternKind::As { pattern: None, name: None })
}

fn is_star_wildcard(pattern: &Pattern) -> bool {
    matches!(&pattern.kind, PatternKind::Star(None))
}

/// Whether a pattern matches everything, and the name it captures then.
fn irrefutable(pattern: &Pattern) -> Option<Option<&Ident>> {
    match &pattern.kind {
        PatternKind::As { pattern: None, name } => Some(name.as_ref()),
        PatternKind::As { pattern: Some(inner), .. } => irrefutable(inner),
        PatternKind::Or(patterns) => patterns.last().and_then(irrefutable),
        _ => None,
    }
}

fn bound_names<'p>(pattern: &'p Pattern, names: &mut FxHashSet<&'p Ident>) {
    match &pattern.kind {
        PatternKind::Value(_) | PatternKind::Singleton(_) => {}
        PatternKind::Sequence(patterns) | PatternKind::Or(patterns) => {
            patterns.iter().for_each(|pattern| bound_names(pattern, names));
        }
        PatternKind::Mapping { patterns, rest, .. } => {
            patterns.iter().for_each(|pattern| bound_names(pattern, names));
            names.extend(rest);
        }
        PatternKind::Class { patterns, kwd_patterns, .. } => {
            patterns.iter().chain(kwd_patterns).for_each(|pattern| bound_names(pattern, names));
        }
        PatternKind::Star(name) => names.extend(name),
        PatternKind::As { pattern, name } => {
            if let Some(pattern) = pattern {
                bound_names(pattern, names);
            }
            names.extend(name);
        }
    }
}

impl<'t> Generator<'t> {
    pub(super) fn match_statement(&mut self, subject: &'t Expr, cases: &'t [MatchCase]) -> Result<()> {
        let mut names = FxHashSet::default();
        cases.iter().for_each(|case| bound_names(&case.pattern, &mut names));
        let rebound = matches!(&subject.kind, ExprKind::Name { id, .. } if names.contains(id));
        let register = if rebound { self.expr_temp(subject)? } else { self.operand(subject)? };
        let owned = self.asm().is_temp(register);
        if !owned {
            // The line of the subject is run, though nothing is computed.
            self.asm().emit(Op::Nop, 0, 0, 0);
        }
        let end = self.asm().label();
        let outer = self.asm().at;
        for (i, case) in cases.iter().enumerate() {
            if i + 1 < cases.len()
                && case.guard.is_none()
                && let Some(name) = irrefutable(&case.pattern)
            {
                return Err(unreachable_patterns(name, case.pattern.at));
            }
            let next = self.asm().label();
            // What becomes of the subject is part of the case, for who watches the lines.
            self.asm().at = Some(case.pattern.at);
            self.case_pattern(&case.pattern, register, next)?;
            if let Some(guard) = &case.guard {
                self.jump_unless(guard, next)?;
            }
            if owned {
                self.asm().emit(Op::Drop, register, 0, 0);
            } else if is_wildcard(&case.pattern) {
                self.asm().emit(Op::Nop, 0, 0, 0);
            }
            self.suite(&case.body)?;
            self.asm().jump(end);
            self.asm().bind(next);
        }
        if owned {
            self.asm().at = cases.last().map(|case| case.pattern.at).or(outer);
            self.asm().emit(Op::Drop, register, 0, 0);
        }
        self.asm().bind(end);
        self.asm().at = outer;
        Ok(())
    }

    /// Tests a whole pattern and binds its names, or jumps to `next`.
    fn case_pattern(&mut self, pattern: &'t Pattern, subject: Reg, next: Label) -> Result<()> {
        let mark = self.asm().mark();
        let fail = self.asm().label();
        let mut matching = Matching::new(fail, None);
        if parts(pattern) > MANY_PARTS {
            let dict = self.hold(&mut matching, 1);
            self.asm().emit(Op::BuildMap, dict, dict, 0);
            matching.dict = Some(dict);
        }
        self.pattern(pattern, subject, &mut matching)?;
        if let Some(dict) = matching.dict {
            self.store_collected(dict, &matching)?;
        }
        let in_registers = if matching.dict.is_some() { &[][..] } else { &matching.captures[..] };
        let captured: Vec<Reg> = in_registers.iter().map(|(_, register, _)| *register).collect();
        for register in &matching.held {
            if !captured.contains(register) {
                self.asm().emit(Op::Drop, *register, 0, 0);
            }
        }
        for (name, register, at) in in_registers {
            self.located(*at, |this| this.store_name(name, *register))?;
        }
        if matching.held.is_empty() {
            self.asm().redirect(fail, next);
        } else if self.asm().is_used(fail) {
            let matched = self.asm().label();
            self.asm().jump(matched);
            self.asm().bind(fail);
            for register in &matching.held {
                self.asm().emit(Op::Drop, *register, 0, 0);
            }
            self.asm().jump(next);
            self.asm().bind(matched);
        }
        self.asm().release(mark);
        Ok(())
    }

    /// Binds the names whose values are in the dict.
    fn store_collected(&mut self, dict: Reg, matching: &Matching) -> Result<()> {
        for (name, _, at) in &matching.captures {
            let mark = self.asm().mark();
            let (value, key) = (self.asm().temp(), self.asm().temp());
            self.asm().emit(Op::Copy, value, dict, 0);
            self.asm().load_constant(key, &Constant::str(name));
            self.asm().emit(Op::GetItem, value, value, key);
            self.located(*at, |this| this.store_name(name, value))?;
            self.asm().release(mark);
        }
        Ok(())
    }

    fn pattern(&mut self, pattern: &'t Pattern, subject: Reg, matching: &mut Matching) -> Result<()> {
        let outer = self.asm().at.replace(pattern.at);
        let mark = self.asm().mark();
        let result = self.pattern_kind(pattern, subject, matching);
        if matching.dict.is_some() {
            for register in matching.held.iter().filter(|register| u16::from(**register) >= mark) {
                self.asm().emit(Op::Drop, *register, 0, 0);
            }
            self.asm().release(mark);
        }
        self.asm().at = outer;
        result
    }

    fn pattern_kind(&mut self, pattern: &'t Pattern, subject: Reg, matching: &mut Matching) -> Result<()> {
        match &pattern.kind {
            PatternKind::Value(value) => {
                if matches!(value.kind, ExprKind::JoinedStr(_) | ExprKind::TemplateStr(_)) {
                    return self.error("patterns may only match literals and attribute lookups");
                }
                let mark = self.asm().mark();
                let copy = self.kept_subject(subject);
                let value = self.operand(value)?;
                self.asm().jump_op(Op::JumpEq, copy, value, 0, matching.fail);
                self.asm().release(mark);
                Ok(())
            }
            PatternKind::Singleton(value) => {
                let mark = self.asm().mark();
                let copy = self.kept_subject(subject);
                let constant = self.asm().temp();
                self.asm().load_constant(constant, value);
                self.asm().jump_op(Op::JumpIs, copy, constant, 0, matching.fail);
                self.asm().release(mark);
                Ok(())
            }
            PatternKind::Sequence(patterns) => self.sequence_pattern(patterns, subject, matching),
            PatternKind::Mapping { keys, patterns, rest } => {
                self.mapping_pattern(keys, patterns, rest.as_ref(), subject, matching)
            }
            PatternKind::Class { cls, patterns, kwd_attrs, kwd_patterns } => {
                self.class_pattern(cls, patterns, (kwd_attrs, kwd_patterns), subject, matching)
            }
            PatternKind::Star(name) => self.capture(name.as_ref(), subject, matching),
            PatternKind::As { pattern, name } => {
                if let Some(inner) = pattern {
                    self.pattern(inner, subject, matching)?;
                }
                self.capture(name.as_ref(), subject, matching)
            }
            PatternKind::Or(patterns) => self.or_pattern(patterns, subject, matching),
        }
    }

    /// A register with the subject that an instruction may consume.
    fn kept_subject(&mut self, subject: Reg) -> Reg {
        if !self.asm().is_temp(subject) {
            return subject;
        }
        let copy = self.asm().temp();
        self.asm().emit(Op::Copy, copy, subject, 0);
        copy
    }

    fn capture(&mut self, name: Option<&Ident>, subject: Reg, matching: &mut Matching) -> Result<()> {
        let Some(name) = name else { return Ok(()) };
        if matching.captures.iter().any(|(known, ..)| known == name) {
            return self.error(format!("multiple assignments to name '{name}' in pattern"));
        }
        let at = self.here();
        if let Some(dict) = matching.dict {
            let (key, value) = (self.asm().temp(), self.asm().temp());
            self.asm().load_constant(key, &Constant::str(name));
            self.asm().emit(Op::Copy, value, subject, 0);
            self.asm().emit(Op::MapAdd, dict, key, value);
            self.asm().release(u16::from(key));
            matching.captures.push((name.clone(), dict, at));
            return Ok(());
        }
        let register = self.hold(matching, 1);
        self.asm().emit(Op::Copy, register, subject, 0);
        matching.captures.push((name.clone(), register, at));
        Ok(())
    }

    /// New temporaries that are dropped when the pattern fails.
    fn hold(&mut self, matching: &mut Matching, count: usize) -> Reg {
        let base = self.asm().temps(count);
        (0..count).for_each(|i| matching.hold(base.saturating_add(i as u8)));
        base
    }

    fn sequence_pattern(
        &mut self,
        patterns: &'t [Pattern],
        subject: Reg,
        matching: &mut Matching,
    ) -> Result<()> {
        let stars = |pattern: &Pattern| matches!(pattern.kind, PatternKind::Star(_));
        let star = patterns.iter().position(stars);
        if patterns.iter().filter(|pattern| stars(pattern)).count() > 1 {
            return self.error("multiple starred names in sequence pattern");
        }
        let size = patterns.len() - usize::from(star.is_some());
        let mark = self.asm().mark();
        let test = self.asm().temp();
        self.asm().emit(Op::MatchSequence, test, subject, 0);
        self.asm().jump_op(Op::JumpIfFalse, test, 0, 0, matching.fail);
        if star.is_none() || size > 0 {
            self.asm().emit(Op::GetLen, test, subject, 0);
            let wide = self.asm().temp();
            let (exact, at_least) = ((Op::JumpEqI, Op::JumpEq), (Op::JumpGeI, Op::JumpGe));
            let (narrow_op, wide_op) = if star.is_none() { exact } else { at_least };
            match i8::try_from(size) {
                Ok(size) => self.asm().jump_op(narrow_op, test, size as u8, 0, matching.fail),
                Err(_) => {
                    self.asm().load_constant(wide, &Constant::Int(size as i64));
                    self.asm().jump_op(wide_op, test, wide, 0, matching.fail);
                }
            }
        }
        self.asm().release(mark);
        if patterns.iter().all(|pattern| is_wildcard(pattern) || is_star_wildcard(pattern)) {
            return Ok(());
        }
        match star {
            Some(star) if is_star_wildcard(&patterns[star]) => {
                self.sequence_items(patterns, star, subject, matching)
            }
            _ => self.unpacked_items(patterns, star, subject, matching),
        }
    }

    fn unpacked_items(
        &mut self,
        patterns: &'t [Pattern],
        star: Option<usize>,
        subject: Reg,
        matching: &mut Matching,
    ) -> Result<()> {
        if matching.dict.is_some() {
            let copy = self.asm().temp();
            self.asm().emit(Op::Copy, copy, subject, 0);
            let values = self.unpack_to_tuple(patterns.len(), star, copy)?;
            matching.hold(values);
            return self.tuple_items(patterns, values, matching);
        }
        let base = self.hold(matching, patterns.len());
        let mark = self.asm().mark();
        let copy = self.kept_subject(subject);
        self.emit_unpack(patterns.len(), star, base, copy)?;
        self.asm().release(mark);
        for (i, pattern) in patterns.iter().enumerate() {
            self.pattern(pattern, base.saturating_add(i as u8), matching)?;
        }
        Ok(())
    }

    /// Tests the items of a tuple one after the other.
    fn tuple_items(
        &mut self,
        patterns: impl IntoIterator<Item = &'t Pattern>,
        values: Reg,
        matching: &mut Matching,
    ) -> Result<()> {
        for (i, pattern) in patterns.into_iter().enumerate() {
            if is_wildcard(pattern) {
                continue;
            }
            let mark = self.asm().mark();
            let item = self.item_of(values, i);
            matching.hold(item);
            self.pattern(pattern, item, matching)?;
            self.asm().emit(Op::Drop, item, 0, 0);
            self.asm().release(mark);
        }
        Ok(())
    }

    /// With `*_` in a sequence only the items that matter are taken, by index.
    fn sequence_items(
        &mut self,
        patterns: &'t [Pattern],
        star: usize,
        subject: Reg,
        matching: &mut Matching,
    ) -> Result<()> {
        for (i, pattern) in patterns.iter().enumerate() {
            if i == star || is_wildcard(pattern) {
                continue;
            }
            let before = self.asm().mark();
            let item = self.hold(matching, 1);
            let mark = self.asm().mark();
            let index = self.asm().temp();
            if i < star {
                self.asm().load_constant(index, &Constant::Int(i as i64));
            } else {
                let from_end = self.asm().temp();
                self.asm().emit(Op::GetLen, index, subject, 0);
                self.asm().load_constant(from_end, &Constant::Int((patterns.len() - i) as i64));
                self.asm().emit(Op::Sub, index, index, from_end);
            }
            let copy = self.kept_subject(subject);
            self.asm().emit(Op::GetItem, item, copy, index);
            self.asm().release(mark);
            self.pattern(pattern, item, matching)?;
            if matching.dict.is_some() {
                self.asm().emit(Op::Drop, item, 0, 0);
                self.asm().release(before);
            }
        }
        Ok(())
    }

    fn mapping_pattern(
        &mut self,
        keys: &'t [Expr],
        patterns: &'t [Pattern],
        rest: Option<&Ident>,
        subject: Reg,
        matching: &mut Matching,
    ) -> Result<()> {
        let mark = self.asm().mark();
        let test = self.asm().temp();
        self.asm().emit(Op::MatchMapping, test, subject, 0);
        self.asm().jump_op(Op::JumpIfFalse, test, 0, 0, matching.fail);
        if keys.is_empty() && rest.is_none() {
            self.asm().release(mark);
            return Ok(());
        }
        if let (Ok(size @ 1..), true) = (i8::try_from(keys.len()), !keys.is_empty()) {
            self.asm().emit(Op::GetLen, test, subject, 0);
            self.asm().jump_op(Op::JumpGeI, test, size as u8, 0, matching.fail);
        }
        self.asm().release(mark);
        self.check_mapping_keys(keys)?;
        let keys_register = self.tuple_of(keys.len(), |this, i, reg| this.expr_into(&keys[i], reg))?;
        matching.hold(keys_register);
        let values = self.hold(matching, 1);
        self.asm().emit(Op::MatchKeys, values, subject, keys_register);
        self.fail_if_none(values, matching);
        self.extracted(patterns.iter(), patterns.len(), values, matching)?;
        match rest {
            Some(rest) => self.mapping_rest(rest, keys.len(), keys_register, subject, matching),
            None => Ok(()),
        }
    }

    /// Tests what an instruction took out of the subject: the items of the tuple R[values].
    fn extracted(
        &mut self,
        patterns: impl Iterator<Item = &'t Pattern>,
        count: usize,
        values: Reg,
        matching: &mut Matching,
    ) -> Result<()> {
        if matching.dict.is_some() {
            return self.tuple_items(patterns, values, matching);
        }
        let base = if count == 0 { values } else { self.hold(matching, count) };
        self.asm().emit(Op::UnpackSequence, base, values, count as u8);
        for (i, pattern) in patterns.enumerate() {
            self.pattern(pattern, base.saturating_add(i as u8), matching)?;
        }
        Ok(())
    }

    fn check_mapping_keys(&mut self, keys: &'t [Expr]) -> Result<()> {
        let mut seen: Vec<&Constant> = Vec::new();
        for key in keys {
            let value = match &key.kind {
                ExprKind::Constant { value, .. } => value,
                ExprKind::Attribute { .. } => continue,
                _ => {
                    let message = "mapping pattern keys may only match literals and attribute lookups";
                    return Err(CompileError::syntax(message, key.at));
                }
            };
            if seen.contains(&value) {
                let shown = match value {
                    Constant::Str(text) => {
                        let text = String::from_utf8_lossy(text);
                        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
                    }
                    other => show_constant(other),
                };
                return self.error(format!("mapping pattern checks duplicate key ({shown})"));
            }
            seen.push(value);
        }
        Ok(())
    }

    fn fail_if_none(&mut self, register: Reg, matching: &Matching) {
        let copy = self.asm().temp();
        self.asm().emit(Op::Copy, copy, register, 0);
        self.asm().jump_op(Op::JumpIfNone, copy, 0, 0, matching.fail);
        self.asm().release(u16::from(copy));
    }

    /// `**rest`: a dict of the subject without the keys.
    fn mapping_rest(
        &mut self,
        rest: &Ident,
        n_keys: usize,
        keys: Reg,
        subject: Reg,
        matching: &mut Matching,
    ) -> Result<()> {
        if matching.captures.iter().any(|(known, ..)| known == rest) {
            return self.error(format!("multiple assignments to name '{rest}' in pattern"));
        }
        let dict = self.hold(matching, 1);
        let mark = self.asm().mark();
        self.asm().emit(Op::BuildMap, dict, dict, 0);
        let copy = self.kept_subject(subject);
        self.asm().emit(Op::DictUpdate, dict, copy, 0);
        for i in 0..n_keys {
            let (key, target) = (self.asm().temp(), self.asm().temp());
            self.asm().load_constant(key, &Constant::Int(i as i64));
            self.asm().emit(Op::Copy, target, keys, 0);
            self.asm().emit(Op::GetItem, key, target, key);
            self.asm().emit(Op::Copy, target, dict, 0);
            self.asm().emit(Op::DelItem, target, key, 0);
            self.asm().release(u16::from(key));
        }
        self.asm().release(mark);
        let at = self.here();
        if let Some(collected) = matching.dict {
            let key = self.asm().temp();
            self.asm().load_constant(key, &Constant::str(rest));
            self.asm().emit(Op::MapAdd, collected, key, dict);
            self.asm().release(u16::from(key));
        }
        matching.captures.push((rest.clone(), dict, at));
        Ok(())
    }

    fn class_pattern(
        &mut self,
        cls: &'t Expr,
        patterns: &'t [Pattern],
        (kwd_attrs, kwd_patterns): (&'t [Ident], &'t [Pattern]),
        subject: Reg,
        matching: &mut Matching,
    ) -> Result<()> {
        for (i, name) in kwd_attrs.iter().enumerate() {
            if &**name == "__debug__" {
                let at = kwd_patterns.get(i).map_or(cls.at, |pattern| pattern.at);
                return Err(CompileError::syntax("cannot assign to __debug__", at));
            }
            if kwd_attrs[..i].contains(name) {
                let at = kwd_patterns.get(i).map_or(cls.at, |pattern| pattern.at);
                let message = format!("attribute name repeated in class pattern: {name}");
                return Err(CompileError::syntax(message, at));
            }
        }
        let values = self.hold(matching, 1);
        let class = self.asm().temp();
        self.asm().emit(Op::Copy, values, subject, 0);
        self.expr_into(cls, class)?;
        let names = self.asm().temp();
        let attributes = kwd_attrs.iter().map(|name| Constant::str(name)).collect();
        self.asm().load_constant(names, &Constant::Tuple(attributes));
        self.asm().emit_ext(Op::MatchClass, values, values, 0, patterns.len() as u32);
        self.asm().release(u16::from(class));
        self.fail_if_none(values, matching);
        let count = patterns.len() + kwd_patterns.len();
        self.extracted(patterns.iter().chain(kwd_patterns), count, values, matching)
    }

    /// Every alternative leaves its captures in the registers of the first one's names.
    fn or_pattern(&mut self, patterns: &'t [Pattern], subject: Reg, matching: &mut Matching) -> Result<()> {
        let Some((last, rest)) = patterns.split_last() else { return self.error("invalid syntax") };
        for pattern in rest {
            if let Some(name) = irrefutable(pattern) {
                return Err(unreachable_patterns(name, pattern.at));
            }
        }
        let mut first_names = FxHashSet::default();
        bound_names(patterns.first().unwrap_or(last), &mut first_names);
        let mut shared: Vec<(Ident, Reg)> = Vec::new();
        let mut names: Vec<&Ident> = first_names.into_iter().collect();
        names.sort();
        for name in names {
            let register = matching.dict.unwrap_or_else(|| self.hold(matching, 1));
            shared.push((name.clone(), register));
        }
        let matched = self.asm().label();
        for pattern in patterns {
            let mark = self.asm().mark();
            let fail = self.asm().label();
            let mut inner = Matching::new(fail, matching.dict);
            self.pattern(pattern, subject, &mut inner)?;
            let same = inner.captures.len() == shared.len()
                && shared.iter().all(|(name, _)| inner.captures.iter().any(|(known, ..)| known == name));
            if !same {
                return self.error("alternative patterns bind different names");
            }
            let in_registers = if matching.dict.is_some() { &[][..] } else { &inner.captures[..] };
            for (name, register, _) in in_registers {
                if let Some((_, target)) = shared.iter().find(|(known, _)| known == name) {
                    self.asm().emit(Op::Move, *target, *register, 0);
                }
            }
            for register in &inner.held {
                self.asm().emit(Op::Drop, *register, 0, 0);
            }
            self.asm().jump(matched);
            self.asm().bind(fail);
            for register in &inner.held {
                self.asm().emit(Op::Drop, *register, 0, 0);
            }
            self.asm().release(mark);
        }
        self.asm().jump(matching.fail);
        self.asm().bind(matched);
        for (name, register) in shared {
            if matching.captures.iter().any(|(known, ..)| *known == name) {
                return self.error(format!("multiple assignments to name '{name}' in pattern"));
            }
            let at = self.here();
            matching.captures.push((name, register, at));
        }
        Ok(())
    }
}

fn unreachable_patterns(name: Option<&Ident>, at: Position) -> CompileError {
    let message = match name {
        Some(name) => format!("name capture '{name}' makes remaining patterns unreachable"),
        None => String::from("wildcard makes remaining patterns unreachable"),
    };
    CompileError::syntax(message, at)
}
