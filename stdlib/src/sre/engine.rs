//! Matching: backtracking with an explicit stack.
//!
//! What a later failure has to come back to is on one stack: alternatives, and the old values of marks, so that going back
//! restores them without ever copying all of them. Loops count in nodes that never change and refer to the enclosing
//! loop's, so a saved alternative needs only its node's number. Assertions, atomic groups and possessive loops run nested
//! (as deep as the pattern is, which its translation bounds); when one of them has matched, only its old marks stay on
//! the stack.
//!
//! Every so many steps the thread passes a safepoint and signals are looked at, so a search that takes forever can be
//! interrupted.

use super::charset::{Case, ascii_word, unicode_word};
use super::program::{At, Greed, Op, Program, Single, Start, Times};
use super::subject::Subject;
use orochi_objects::thread::{ThreadState, run_signal_handlers};
use orochi_objects::{PyResult, Thread};

/// The mark of a group that hasn't matched.
pub(super) const UNSET: usize = usize::MAX;
const NO_LOOP: u32 = u32::MAX;
const POLL_EVERY: u32 = 1 << 15;

/// Where the matcher is.
#[derive(Clone, Copy)]
struct Place {
    pc: usize,
    at: usize,
    /// The node of the innermost loop.
    node: u32,
}

/// The state of a loop.
#[derive(Clone, Copy)]
struct Node {
    count: usize,
    /// Where the iteration began; [`UNSET`] before one that may be the last began.
    last: usize,
    outer: u32,
}

enum Saved {
    Resume { place: Place, nodes: u32 },
    Mark { index: usize, old: usize, last_index: usize },
    Greedy { place: Place, low: usize, literal: Option<u32>, nodes: u32 },
    Lazy { place: Place, count: usize, nodes: u32 },
}

enum Step {
    Go,
    Back,
    Done,
}

/// A match of one pattern in one text, and the search for it.
pub(super) struct Matcher<'a, S> {
    program: &'a Program,
    subject: S,
    /// Starts and ends of groups, [`UNSET`] if they have none.
    pub(super) marks: Vec<usize>,
    /// The group that ended last; 0 if none did.
    pub(super) last_index: usize,
    saved: Vec<Saved>,
    nodes: Vec<Node>,
    steps: u32,
    match_all: bool,
    /// A match must not be empty here.
    must_advance: Option<usize>,
}

impl<'a, S: Subject> Matcher<'a, S> {
    pub(super) fn new(program: &'a Program, subject: S) -> Matcher<'a, S> {
        Matcher {
            program,
            subject,
            marks: vec![UNSET; program.groups * 2],
            last_index: 0,
            saved: Vec::new(),
            nodes: Vec::new(),
            steps: 0,
            match_all: false,
            must_advance: None,
        }
    }

    /// A match that starts at `at`: where it ends. With `all` it has to end with the text.
    pub(super) fn match_at(
        &mut self,
        thread: &mut Thread,
        at: usize,
        all: bool,
        must_advance: bool,
    ) -> PyResult<Option<usize>> {
        self.match_all = all;
        self.must_advance = must_advance.then_some(at);
        self.attempt(thread, at)
    }

    /// The first match that starts at `from` or behind it: its start and end.
    pub(super) fn search(
        &mut self,
        thread: &mut Thread,
        from: usize,
        must_advance: bool,
    ) -> PyResult<Option<(usize, usize)>> {
        let (program, subject) = (self.program, self.subject);
        self.match_all = false;
        self.must_advance = must_advance.then_some(from);
        // A character has at least one byte.
        if subject.end().saturating_sub(from) < program.min_width {
            return Ok(None);
        }
        match &program.start {
            Start::Beginning if from > 0 => return Ok(None),
            Start::Beginning => return Ok(self.attempt(thread, from)?.map(|end| (from, end))),
            Start::Prefix { finder, whole } => {
                let mut at = from;
                while let Some(found) =
                    subject.bytes().get(at..).and_then(|rest| finder.find(rest)).map(|found| at + found)
                {
                    if *whole {
                        self.clear();
                        return Ok(Some((found, found + finder.needle().len())));
                    }
                    if let Some(end) = self.attempt(thread, found)? {
                        return Ok(Some((found, end)));
                    }
                    at = subject.next(found).map_or(found + 1, |(_, next)| next);
                }
                return Ok(None);
            }
            Start::Set(set) => {
                let mut at = from;
                while let Some((c, next)) = subject.next(at) {
                    if set.contains(c)
                        && let Some(end) = self.attempt(thread, at)?
                    {
                        return Ok(Some((at, end)));
                    }
                    at = next;
                }
                return Ok(None);
            }
            Start::Anywhere => {}
        }
        let mut at = from;
        loop {
            if let Some(end) = self.attempt(thread, at)? {
                return Ok(Some((at, end)));
            }
            self.must_advance = None;
            match subject.next(at) {
                Some((_, next)) => at = next,
                None => return Ok(None),
            }
        }
    }

    fn clear(&mut self) {
        // The C library's `memset` of no bytes can cost hundreds of cycles: a masked store at an empty `Vec`'s dangling
        // address takes the processor's slow path for stores that would fault.
        if !self.marks.is_empty() {
            self.marks.fill(UNSET);
        }
        self.last_index = 0;
        self.saved.clear();
        self.nodes.clear();
    }

    fn attempt(&mut self, thread: &mut Thread, at: usize) -> PyResult<Option<usize>> {
        self.clear();
        self.run(thread, Place { pc: 0, at, node: NO_LOOP }, true)
    }

    /// Runs from a place to the `Success` of the same level: where that is in the text.
    fn run(&mut self, thread: &mut Thread, mut place: Place, top: bool) -> PyResult<Option<usize>> {
        let base = self.saved.len();
        loop {
            match self.step(thread, &mut place, top)? {
                Step::Go => {}
                Step::Done => return Ok(Some(place.at)),
                Step::Back => {
                    self.steps += 1;
                    if self.steps >= POLL_EVERY {
                        self.poll(thread)?;
                    }
                    match self.back(base) {
                        Some(earlier) => place = earlier,
                        None => return Ok(None),
                    }
                }
            }
        }
    }

    #[cold]
    fn poll(&mut self, thread: &mut Thread) -> PyResult<()> {
        self.steps = 0;
        thread.safepoint();
        if ThreadState::exists(thread) { run_signal_handlers(thread) } else { Ok(()) }
    }

    /// Goes back to the latest alternative above `base`.
    fn back(&mut self, base: usize) -> Option<Place> {
        while self.saved.len() > base {
            match self.saved.pop()? {
                Saved::Resume { place, nodes } => {
                    self.nodes.truncate(nodes as usize);
                    return Some(place);
                }
                Saved::Mark { index, old, last_index } => {
                    if let Some(mark) = self.marks.get_mut(index) {
                        *mark = old;
                    }
                    self.last_index = last_index;
                }
                Saved::Greedy { place, low, literal, nodes } => {
                    self.nodes.truncate(nodes as usize);
                    let Some((_, at)) = self.subject.previous(place.at) else { continue };
                    if let Some(place) = self.give_back(Place { at, ..place }, low, literal) {
                        return Some(place);
                    }
                }
                Saved::Lazy { mut place, count, nodes } => {
                    self.nodes.truncate(nodes as usize);
                    let Some(Op::RepeatOne { single, times, .. }) = self.program.ops.get(place.pc) else {
                        continue;
                    };
                    if count >= times.max {
                        continue;
                    }
                    let Some((c, next)) = self.subject.next(place.at) else { continue };
                    if !self.test(*single, c) {
                        continue;
                    }
                    place.at = next;
                    self.saved.push(Saved::Lazy { place, count: count + 1, nodes });
                    place.pc += 1;
                    return Some(place);
                }
            }
        }
        None
    }

    /// The place at or before `place.at`, but not before `low`, where the rest of the pattern may match.
    fn give_back(&mut self, mut place: Place, low: usize, literal: Option<u32>) -> Option<Place> {
        if let Some(literal) = literal {
            place.at = self.last_place_of(literal, low, place.at)?;
        }
        if place.at > low {
            self.saved.push(Saved::Greedy { place, low, literal, nodes: self.nodes.len() as u32 });
        }
        Some(place)
    }

    /// The last position from `low` to `high` where the text has this character.
    fn last_place_of(&self, literal: u32, low: usize, high: usize) -> Option<usize> {
        if let Ok(byte) = u8::try_from(literal)
            && byte < 128
        {
            let part = self.subject.bytes().get(low..self.subject.end().min(high + 1))?;
            return memchr::memrchr(byte, part).map(|found| low + found);
        }
        let mut at = high;
        loop {
            if self.subject.next(at).is_some_and(|(c, _)| c == literal) {
                return Some(at);
            }
            if at <= low {
                return None;
            }
            at = self.subject.previous(at)?.1;
        }
    }

    #[inline]
    fn save(&mut self, place: Place) {
        let nodes = self.nodes.len() as u32;
        self.saved.push(Saved::Resume { place, nodes });
    }

    #[inline]
    fn test(&self, single: Single, c: u32) -> bool {
        match single {
            Single::Never => false,
            Single::Any => c != 10,
            Single::AnyAll => true,
            Single::Literal(code, case) => case.same(code, c),
            Single::NotLiteral(code, case) => !case.same(code, c),
            Single::Set(set, Case::Exact) => self.program.sets.get(set).is_some_and(|set| set.contains(c)),
            Single::Set(set, case) => {
                self.program.sets.get(set).is_some_and(|set| set.contains_ignoring(case, c))
            }
            Single::Category(category) => category.contains(c),
        }
    }

    /// Runs instructions until something has to be decided.
    #[inline]
    fn step(&mut self, thread: &mut Thread, place: &mut Place, top: bool) -> PyResult<Step> {
        let program = self.program;
        let Some(op) = program.ops.get(place.pc) else { return Ok(Step::Back) };
        match *op {
            Op::Literal(literal) => match self.subject.next(place.at) {
                Some((c, next)) if c == literal => (place.at, place.pc) = (next, place.pc + 1),
                _ => return Ok(Step::Back),
            },
            Op::Single(single) => match self.subject.next(place.at) {
                Some((c, next)) if self.test(single, c) => (place.at, place.pc) = (next, place.pc + 1),
                _ => return Ok(Step::Back),
            },
            Op::At(at) if self.holds(at, place.at) => place.pc += 1,
            Op::At(_) => return Ok(Step::Back),
            Op::Mark(index) => {
                self.mark(index, place.at);
                place.pc += 1;
            }
            Op::Jump(target) => place.pc = target,
            Op::Branch { other, literal } => {
                let wanted = literal
                    .is_none_or(|literal| self.subject.next(place.at).is_some_and(|(c, _)| c == literal));
                if wanted {
                    self.save(Place { pc: other, ..*place });
                    place.pc += 1;
                } else {
                    place.pc = other;
                }
            }
            Op::RepeatOne { single, times, greed, literal } => {
                return Ok(self.repeat_one(place, single, times, greed, literal));
            }
            Op::Repeat { until } => {
                let node = Node { count: 0, last: UNSET, outer: place.node };
                // The first visit of `until` isn't the end of an iteration.
                place.node = self.push_node(node);
                return Ok(self.until(place, until, 0));
            }
            Op::Until { .. } => {
                self.steps += 1;
                if self.steps >= POLL_EVERY {
                    self.poll(thread)?;
                }
                return Ok(self.until(place, place.pc, 1));
            }
            Op::Success => {
                let refused = top
                    && (self.match_all && place.at != self.subject.end()
                        || self.must_advance == Some(place.at));
                return Ok(if refused { Step::Back } else { Step::Done });
            }
            _ => return self.rare(thread, place, *op),
        }
        Ok(Step::Go)
    }

    fn push_node(&mut self, node: Node) -> u32 {
        self.nodes.push(node);
        (self.nodes.len() - 1) as u32
    }

    fn mark(&mut self, index: usize, at: usize) {
        let Some(mark) = self.marks.get_mut(index) else { return };
        self.saved.push(Saved::Mark { index, old: *mark, last_index: self.last_index });
        *mark = at;
        if index % 2 == 1 {
            self.last_index = index / 2 + 1;
        }
    }

    /// The end of an iteration (`done` is 1), or the start of the loop (0).
    fn until(&mut self, place: &mut Place, pc: usize, done: usize) -> Step {
        let Some(Op::Until { body, times, lazy }) = self.program.ops.get(pc) else { return Step::Back };
        let Some(node) = self.nodes.get(place.node as usize).copied() else { return Step::Back };
        let count = node.count + done;
        let tail = Place { pc: pc + 1, at: place.at, node: node.outer };
        if count < times.min {
            place.node = self.push_node(Node { count, ..node });
            place.pc = *body;
            return Step::Go;
        }
        // An iteration that matched nothing isn't repeated.
        let again = count < times.max && place.at != node.last;
        if !again {
            *place = tail;
            return Step::Go;
        }
        if *lazy {
            let next = self.push_node(Node { count, last: place.at, outer: node.outer });
            self.save(Place { pc: *body, at: place.at, node: next });
            *place = tail;
        } else {
            self.save(tail);
            place.node = self.push_node(Node { count, last: place.at, outer: node.outer });
            place.pc = *body;
        }
        Step::Go
    }

    fn repeat_one(
        &mut self,
        place: &mut Place,
        single: Single,
        times: Times,
        greed: Greed,
        literal: Option<u32>,
    ) -> Step {
        let wanted = if greed == Greed::Lazy { times.min } else { times.max };
        let (end, count) = self.count(place.at, single, times.min, wanted);
        if count < times.min {
            return Step::Back;
        }
        match greed {
            Greed::Possessive => {
                place.at = end;
                place.pc += 1;
            }
            Greed::Lazy => {
                place.at = end;
                let nodes = self.nodes.len() as u32;
                self.saved.push(Saved::Lazy { place: *place, count, nodes });
                place.pc += 1;
            }
            Greed::Greedy => {
                let low = self.subject.forward(place.at, times.min).0;
                let rest = Place { pc: place.pc + 1, at: end, node: place.node };
                match self.give_back(rest, low, literal) {
                    Some(rest) => *place = rest,
                    None => return Step::Back,
                }
            }
        }
        Step::Go
    }

    /// How far the text goes on with such characters, up to `max`, and with how many (or at least `min`).
    fn count(&self, from: usize, single: Single, min: usize, max: usize) -> (usize, usize) {
        if let Single::AnyAll = single {
            return self.subject.forward(from, max);
        }
        if let (Single::Any, usize::MAX) = (single, max) {
            let rest = self.subject.bytes().get(from..).unwrap_or_default();
            let len = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let count = if min <= 1 || len == 0 { len } else { self.count_up_to(from, from + len) };
            return (from + len, count);
        }
        let (mut at, mut count) = (from, 0);
        while count < max
            && let Some((c, next)) = self.subject.next(at)
            && self.test(single, c)
        {
            at = next;
            count += 1;
        }
        (at, count)
    }

    fn count_up_to(&self, from: usize, to: usize) -> usize {
        let (mut at, mut count) = (from, 0);
        while at < to
            && let Some((_, next)) = self.subject.next(at)
        {
            at = next;
            count += 1;
        }
        count
    }

    fn holds(&self, condition: At, at: usize) -> bool {
        let subject = self.subject;
        match condition {
            At::Beginning => at == 0,
            At::BeginningLine => subject.previous(at).is_none_or(|(c, _)| c == 10),
            At::End => match subject.next(at) {
                None => true,
                Some((c, next)) => c == 10 && next == subject.end(),
            },
            At::EndLine => subject.next(at).is_none_or(|(c, _)| c == 10),
            At::EndString => at == subject.end(),
            At::Boundary { unicode, negated } => {
                let word = |c| if unicode { unicode_word(c) } else { ascii_word(c) };
                let before = subject.previous(at).is_some_and(|(c, _)| word(c));
                let after = subject.next(at).is_some_and(|(c, _)| word(c));
                (before != after) != negated
            }
        }
    }

    fn rare(&mut self, thread: &mut Thread, place: &mut Place, op: Op) -> PyResult<Step> {
        let arrived = match op {
            Op::GroupRef(group, case) => self.group_ref(group, case, place.at).map(|at| (place.pc + 1, at)),
            Op::GroupExists { group, no } => {
                let there = self.span(group).is_some();
                Some((if there { place.pc + 1 } else { no }, place.at))
            }
            Op::Assert { negative, back, tail } => {
                let held = match self.subject.back(place.at, back) {
                    Some(at) => self.nested(thread, Place { pc: place.pc + 1, at, ..*place }, negative)?,
                    None => None,
                };
                (held.is_some() != negative).then_some((tail, place.at))
            }
            Op::Atomic { tail } => {
                let body = Place { pc: place.pc + 1, ..*place };
                self.nested(thread, body, false)?.map(|end| (tail, end))
            }
            Op::Possessive { times, tail } => self.possessive(thread, *place, times)?.map(|end| (tail, end)),
            _ => None,
        };
        let Some((pc, at)) = arrived else { return Ok(Step::Back) };
        (place.pc, place.at) = (pc, at);
        Ok(Step::Go)
    }

    /// Where a group is, if it has matched.
    pub(super) fn span(&self, group: usize) -> Option<(usize, usize)> {
        let (&start, &end) = (self.marks.get(group * 2)?, self.marks.get(group * 2 + 1)?);
        (start != UNSET && end != UNSET && start <= end).then_some((start, end))
    }

    fn group_ref(&self, group: usize, case: Case, at: usize) -> Option<usize> {
        let (mut from, to) = self.span(group)?;
        let subject = self.subject;
        if case == Case::Exact {
            let text = subject.bytes().get(from..to)?;
            return subject.bytes().get(at..)?.starts_with(text).then(|| at + (to - from));
        }
        let mut at = at;
        while from < to {
            let ((a, next_from), (b, next_at)) = (subject.next(from)?, subject.next(at)?);
            if !case.same_text(a, b) {
                return None;
            }
            (from, at) = (next_from, next_at);
        }
        Some(at)
    }

    /// Runs a body that isn't come back to. With `forget` its marks are taken back too.
    fn nested(&mut self, thread: &mut Thread, place: Place, forget: bool) -> PyResult<Option<usize>> {
        let base = self.saved.len();
        let end = self.run(thread, place, false)?;
        if end.is_some() {
            if forget {
                self.undo_marks(base);
            } else {
                let mut kept = self.saved.split_off(base);
                kept.retain(|saved| matches!(saved, Saved::Mark { .. }));
                self.saved.append(&mut kept);
            }
        }
        Ok(end)
    }

    fn undo_marks(&mut self, base: usize) {
        while self.saved.len() > base {
            if let Some(Saved::Mark { index, old, last_index }) = self.saved.pop() {
                if let Some(mark) = self.marks.get_mut(index) {
                    *mark = old;
                }
                self.last_index = last_index;
            }
        }
    }

    fn possessive(&mut self, thread: &mut Thread, place: Place, times: Times) -> PyResult<Option<usize>> {
        let (mut at, mut count) = (place.at, 0);
        let mut last = UNSET;
        loop {
            if count >= times.min && (count >= times.max || at == last) {
                return Ok(Some(at));
            }
            if count >= times.min {
                last = at;
            }
            self.steps += 1;
            if self.steps >= POLL_EVERY {
                self.poll(thread)?;
            }
            match self.nested(thread, Place { pc: place.pc + 1, at, ..place }, false)? {
                Some(end) => at = end,
                None if count < times.min => return Ok(None),
                None => return Ok(Some(at)),
            }
            count += 1;
        }
    }
}
