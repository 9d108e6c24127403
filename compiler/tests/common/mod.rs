//! A checker of the register discipline: follows every path of a code object and reports what breaks the rules that
//! `opcode` states (reading an empty temporary, overwriting a live one, paths that meet with different temporaries).

use orochi_compiler::code::{Code, Constant};
use orochi_compiler::disassemble::instruction_text;
use orochi_compiler::opcode::{Ext, Op, Role, Word};

#[derive(Clone, Copy, PartialEq, Debug)]
enum Slot {
    Empty,
    Full,
    /// The self slot of a window.
    Maybe,
}

type State = Vec<Slot>;

struct Checker<'c> {
    code: &'c Code,
    states: Vec<Option<State>>,
    work: Vec<u32>,
    problems: Vec<String>,
}

/// What is wrong with a code object and those in it.
pub(crate) fn check(code: &Code) -> Vec<String> {
    let n = code.words.len();
    let mut checker = Checker { code, states: vec![None; n + 1], work: Vec::new(), problems: Vec::new() };
    checker.reach(0, vec![Slot::Empty; 256]);
    while let Some(at) = checker.work.pop() {
        checker.step(at);
    }
    let mut problems = checker.problems;
    for constant in &code.constants {
        if let Constant::Code(inner) = constant {
            problems.extend(check(inner));
        }
    }
    problems
}

impl Checker<'_> {
    fn problem(&mut self, at: u32, what: String) {
        let line = self.code.positions.at(at).map_or(0, |p| p.line);
        let text = instruction_text(self.code, at).0;
        let name = &self.code.qualname;
        self.problems.push(format!("{}:{line} {name} {at} `{text}`: {what}", self.code.filename));
    }

    fn reach(&mut self, at: u32, state: State) {
        match self.states.get_mut(at as usize) {
            None => self.problem(at, "falls off the end".into()),
            Some(empty @ None) => {
                *empty = Some(state);
                self.work.push(at);
            }
            Some(Some(known)) => {
                let first = usize::from(self.code.first_temp);
                let mut differing = None;
                for (i, (slot, new)) in known.iter_mut().zip(&state).enumerate().skip(first) {
                    if slot != new && *slot != Slot::Maybe {
                        let harmless = *new == Slot::Maybe;
                        differing = differing.or(Some((i - first, harmless)));
                        *slot = Slot::Maybe;
                    }
                }
                let Some((register, harmless)) = differing else { return };
                self.work.push(at);
                // Where a pattern fails, everything it may have held is dropped.
                let drops = self.code.words[at as usize] as u8 == Op::Drop as u8;
                if !harmless && !drops {
                    self.problem(at, format!("paths meet with different t{register}"));
                }
            }
        }
    }

    fn is_temp(&self, register: u8) -> bool {
        u16::from(register) >= self.code.first_temp
    }

    fn take(&mut self, at: u32, state: &mut State, register: u8, may_be_empty: bool) {
        if !self.is_temp(register) {
            return;
        }
        let slot = &mut state[usize::from(register)];
        if *slot == Slot::Empty && !may_be_empty {
            self.problem(at, format!("reads empty t{}", u16::from(register) - self.code.first_temp));
        }
        state[usize::from(register)] = Slot::Empty;
    }

    fn put(&mut self, at: u32, state: &mut State, register: u8, slot: Slot) {
        if u16::from(register) >= self.code.n_registers {
            self.problem(at, "register outside of the frame".into());
        }
        if self.is_temp(register) && state[usize::from(register)] == Slot::Full {
            let number = u16::from(register) - self.code.first_temp;
            self.problem(at, format!("overwrites live t{number}"));
        }
        state[usize::from(register)] = slot;
    }

    fn window_len(op: Op, word: Word) -> u32 {
        match op {
            Op::Call | Op::CallKw => 2 + u32::from(word.c()),
            Op::CallEx => 4,
            Op::BuildMap => 2 * u32::from(word.c()),
            Op::LoadSuperAttr | Op::LoadSuperMethod | Op::BuildInterpolation | Op::MatchClass => 3,
            _ => u32::from(word.c()),
        }
    }

    fn step(&mut self, at: u32) {
        let Some(Some(mut state)) = self.states.get(at as usize).cloned() else { return };
        let Some(word) = self.code.words.get(at as usize).map(|w| Word(*w)) else { return };
        let Some(op) = Op::from_byte(word.op_byte()) else { return self.problem(at, "bad op".into()) };
        let info = op.info();
        let ext = if op.has_ext() { self.code.words[at as usize + 1] } else { 0 };
        let next = at + 1 + u32::from(op.has_ext());
        self.reach_handler(at, &state);
        let bytes = [word.a(), word.b(), word.c()];
        for (i, role) in info.operands.iter().enumerate() {
            let register = bytes[i.min(2)];
            match role {
                Role::Src => self.take(at, &mut state, register, false),
                Role::Win => {
                    for k in 0..Self::window_len(op, word) {
                        let empty_ok = matches!(op, Op::SaveTemps)
                            || (k == 1 && matches!(op, Op::Call | Op::CallKw | Op::CallEx))
                            || (k == 3 && op == Op::CallEx);
                        self.take(at, &mut state, register + k as u8, empty_ok);
                    }
                }
                Role::Keep if self.is_temp(register) && state[usize::from(register)] == Slot::Empty => {
                    self.problem(at, "uses an empty register".into());
                }
                _ => {}
            }
        }
        let jump_state = (op == Op::ForIter).then(|| {
            let mut exhausted = state.clone();
            exhausted[usize::from(word.b())] = Slot::Empty;
            exhausted
        });
        self.write(at, op, word, ext, &mut state);
        self.follow(op, word, ext, next, state, jump_state);
    }

    fn write(&mut self, at: u32, op: Op, word: Word, ext: u32, state: &mut State) {
        let bytes = [word.a(), word.b(), word.c()];
        match op {
            Op::Drop => {
                state[usize::from(word.a())] = Slot::Empty;
                return;
            }
            Op::Delegate => state[usize::from(word.b())] = Slot::Empty,
            Op::EndAsyncFor => {
                state[usize::from(word.a())] = Slot::Empty;
                state[usize::from(word.b())] = Slot::Empty;
            }
            Op::LoadSpecialMethod if word.a() == word.b() => state[usize::from(word.b())] = Slot::Empty,
            _ => {}
        }
        for (i, role) in op.info().operands.iter().enumerate() {
            match role {
                Role::Dst => {
                    if op == Op::ImportFrom && word.a() == word.b() {
                        state[usize::from(word.a())] = Slot::Empty;
                    }
                    self.put(at, state, bytes[i.min(2)], Slot::Full);
                }
                Role::Out => {
                    let (count, last) = match op {
                        Op::UnpackSequence => (u32::from(word.c()), Slot::Full),
                        Op::UnpackEx => (u32::from(word.c()) + ext + 1, Slot::Full),
                        Op::RestoreTemps => (u32::from(word.c()), Slot::Maybe),
                        Op::MatchExceptStar => (2, Slot::Full),
                        _ => (2, Slot::Maybe),
                    };
                    for k in 0..count {
                        let slot = if op == Op::RestoreTemps || k + 1 == count { last } else { Slot::Full };
                        self.put(at, state, bytes[i] + k as u8, slot);
                    }
                }
                _ => {}
            }
        }
    }

    fn reach_handler(&mut self, at: u32, state: &State) {
        let Some(entry) = self.code.handler(at).copied() else { return };
        let mut state = state.clone();
        state[usize::from(entry.clear_from)..].fill(Slot::Empty);
        state[usize::from(entry.exc_reg)] = Slot::Full;
        self.reach(entry.target, state);
    }

    fn follow(&mut self, op: Op, word: Word, ext: u32, next: u32, state: State, jump: Option<State>) {
        let target = |offset: i64| u32::try_from(i64::from(next) + offset).unwrap_or(u32::MAX);
        match op {
            Op::Jump | Op::JumpBack => self.reach(target(i64::from(word.a24s())), state),
            Op::Return | Op::ReturnNone | Op::Raise | Op::RaiseFrom | Op::RaiseCurrent | Op::Reraise => {}
            Op::JumpIfTrueOrDrop | Op::JumpIfFalseOrDrop => {
                let mut dropped = state.clone();
                dropped[usize::from(word.a())] = Slot::Empty;
                self.reach(target(i64::from(ext as i32)), state);
                self.reach(next, dropped);
            }
            _ => {
                if op.info().ext == Ext::Jump {
                    let jumped = jump.unwrap_or_else(|| state.clone());
                    self.reach(target(i64::from(ext as i32)), jumped);
                }
                self.reach(next, state);
            }
        }
    }
}
