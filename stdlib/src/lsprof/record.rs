//! What a profiler has counted: functions with their times, and those that they call.
//!
//! Each thread has its own stack of open calls; the times of all go to the same functions. The time of a call that is open
//! further down on its thread's stack already counts once only, with the outermost.

use orochi_macros::Trace;
use orochi_objects::{Field, Owner, Value};
use std::collections::HashMap;

/// Counts and times, in the timer's units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) calls: u64,
    /// How many of them were made while another was open.
    pub(super) recursive: u64,
    pub(super) total: i64,
    /// Without the functions called.
    pub(super) inline: i64,
}

impl Totals {
    fn add(&mut self, outermost: bool, total: i64, inline: i64) {
        self.calls += 1;
        if outermost {
            self.total = self.total.wrapping_add(total);
        } else {
            self.recursive += 1;
        }
        self.inline = self.inline.wrapping_add(inline);
    }
}

/// A function.
#[derive(Trace)]
struct Function {
    /// Its code object, or its description.
    about: Field,
    #[trace(unsafe_skip)]
    totals: Totals,
    /// By number, in the order in which they were called first.
    #[trace(unsafe_skip)]
    callees: Vec<(usize, Totals)>,
}

struct Open {
    function: usize,
    /// Whether its caller's part is counted apart.
    apart: bool,
    start: i64,
    /// The time of the functions that it called.
    children: i64,
}

/// A thread's open calls.
#[derive(Default)]
struct Calls {
    open: Vec<Open>,
    /// The thread is in the timer that the program gave.
    in_timer: bool,
}

/// See the module.
#[derive(Default, Trace)]
pub(super) struct Record {
    functions: Vec<Function>,
    /// Numbers of functions, by what they are known by.
    #[trace(unsafe_skip)]
    numbers: HashMap<usize, usize>,
    #[trace(unsafe_skip)]
    threads: HashMap<u64, Calls>,
}

/// A function's part of the record: what it is, its totals and its callees'.
pub(super) type Row = (Value, Totals, Vec<(Value, Totals)>);

impl Record {
    /// Whether the function is known.
    pub(super) fn knows(&self, key: usize) -> bool {
        self.numbers.contains_key(&key)
    }

    /// Enters a function. Gives what is not needed back, if another thread was first.
    pub(super) fn add(&mut self, key: usize, about: Value, owner: Owner<'_>) -> Option<Value> {
        if self.knows(key) {
            return Some(about);
        }
        self.numbers.insert(key, self.functions.len());
        let about = owner.store(about);
        self.functions.push(Function { about, totals: Totals::default(), callees: Vec::new() });
        None
    }

    /// A call begins on a thread; the time follows with [`Record::starts`].
    pub(super) fn enter(&mut self, thread: u64, key: usize, apart: bool) {
        let Some(&function) = self.numbers.get(&key) else { return };
        let open = &mut self.threads.entry(thread).or_default().open;
        open.push(Open { function, apart, start: 0, children: 0 });
    }

    /// The time at which the call that was entered last begins.
    pub(super) fn starts(&mut self, thread: u64, now: i64) {
        if let Some(open) = self.threads.get_mut(&thread).and_then(|calls| calls.open.last_mut()) {
            open.start = now;
        }
    }

    /// Whether the thread has a call of this function open.
    pub(super) fn is_open(&self, thread: u64, key: usize) -> bool {
        let function = self.numbers.get(&key);
        let open = self.threads.get(&thread).map(|calls| &calls.open);
        open.is_some_and(|open| open.iter().any(|open| Some(&open.function) == function))
    }

    /// Whether the thread has any call open.
    pub(super) fn has_open(&self, thread: u64) -> bool {
        self.threads.get(&thread).is_some_and(|calls| !calls.open.is_empty())
    }

    /// The innermost call of this function on the thread ends, with those within it that nobody told the end of.
    pub(super) fn leave(&mut self, thread: u64, key: usize, now: i64) {
        let function = self.numbers.get(&key).copied();
        while self.is_open(thread, key) && self.close(thread, now) != function {}
    }

    /// The innermost call of the thread ends; gives its function.
    pub(super) fn close(&mut self, thread: u64, now: i64) -> Option<usize> {
        let open = &mut self.threads.get_mut(&thread)?.open;
        let ended = open.pop()?;
        let total = now.wrapping_sub(ended.start);
        let inline = total.wrapping_sub(ended.children);
        let outermost = !open.iter().any(|other| other.function == ended.function);
        if let Some(function) = self.functions.get_mut(ended.function) {
            function.totals.add(outermost, total, inline);
        }
        if let Some(caller) = open.last_mut() {
            caller.children = caller.children.wrapping_add(total);
        }
        let caller = open.last().filter(|_| ended.apart).map(|caller| caller.function);
        if let Some(caller) = caller {
            let mut pairs = open.windows(2).map(|pair| (pair[0].function, pair[1].function));
            let outermost = !pairs.any(|pair| pair == (caller, ended.function));
            self.callee(caller, ended.function).add(outermost, total, inline);
        }
        Some(ended.function)
    }

    fn callee(&mut self, caller: usize, callee: usize) -> &mut Totals {
        let callees = &mut self.functions[caller].callees;
        let at = callees.iter().position(|(number, _)| *number == callee).unwrap_or_else(|| {
            callees.push((callee, Totals::default()));
            callees.len() - 1
        });
        &mut callees[at].1
    }

    /// The threads that have calls open.
    pub(super) fn busy(&self) -> Vec<u64> {
        self.threads.iter().filter(|(_, calls)| !calls.open.is_empty()).map(|(id, _)| *id).collect()
    }

    /// Notes whether a thread is in the program's timer, and gives whether it was.
    pub(super) fn set_in_timer(&mut self, thread: u64, inside: bool) -> bool {
        std::mem::replace(&mut self.threads.entry(thread).or_default().in_timer, inside)
    }

    /// Whether a thread is in the program's timer.
    pub(super) fn is_in_timer(&self, thread: u64) -> bool {
        self.threads.get(&thread).is_some_and(|calls| calls.in_timer)
    }

    /// The functions that were called.
    pub(super) fn rows(&self) -> Vec<Row> {
        let about = |number: usize| self.functions[number].about.fixed().to_owned();
        let called = self.functions.iter().filter(|function| function.totals.calls != 0);
        called
            .map(|function| {
                let callees = function.callees.iter().map(|(number, totals)| (about(*number), *totals));
                (function.about.fixed().to_owned(), function.totals, callees.collect())
            })
            .collect()
    }
}
