//! What the tools of `sys.monitoring` (PEP 669) have asked an interpreter for: events, callbacks, places where one is off.
//!
//! Threads keep a copy of the events (`tracing.rs`) with the number of the state that it is of; a change counts the number
//! up and asks every thread to look. What must hold:
//! 1. Names and callbacks lie in fields of the interpreter and are read without a lock; the rest of the state is behind one.
//! 2. While the lock is held nothing is destroyed and no safepoint is reached.
//! 3. Code that has events or disabled places of its own is kept until those are gone.

use crate::thread::{PyInterpreter, ThreadState};
use crate::tracing;
use orochi_core::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering, lock};
use orochi_core::{AtomicField, Obj, Ref, Shared, Thread, Value};
use orochi_macros::Trace;
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use crate::types::code::PyCode;

/// How many tools there may be.
pub const TOOLS: usize = 6;

/// An event, with the number of its bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Event {
    Start,
    Resume,
    Return,
    Yield,
    Call,
    Line,
    Instruction,
    Jump,
    BranchLeft,
    BranchRight,
    StopIteration,
    Raise,
    Handled,
    Unwind,
    Throw,
    Reraise,
    CReturn,
    CRaise,
}

/// The events' names, by number. The last is another name for two.
pub const NAMES: [&str; 19] = [
    "PY_START",
    "PY_RESUME",
    "PY_RETURN",
    "PY_YIELD",
    "CALL",
    "LINE",
    "INSTRUCTION",
    "JUMP",
    "BRANCH_LEFT",
    "BRANCH_RIGHT",
    "STOP_ITERATION",
    "RAISE",
    "EXCEPTION_HANDLED",
    "PY_UNWIND",
    "PY_THROW",
    "RERAISE",
    "C_RETURN",
    "C_RAISE",
    "BRANCH",
];

/// How many events have callbacks.
pub const EVENTS: usize = NAMES.len() - 1;
/// The events that belong to an instruction: they can be on for some code only, and off for some places.
pub const LOCAL: u32 = Event::Raise.bit() - 1;

impl Event {
    /// The event's bit in a set.
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// The event that decides whether this one is told.
    pub const fn deciding(self) -> Event {
        match self {
            Event::CReturn | Event::CRaise => Event::Call,
            event => event,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

/// A set of events for each tool.
pub type Sets = [u32; TOOLS];

/// A function that `threading.settrace_all_threads` and its like give to all threads.
#[derive(Default)]
struct ForAll {
    /// How often one was given.
    number: u64,
    function: Option<Shared>,
}

/// What is asked for one code object.
struct OfCode {
    _code: Shared,
    events: Sets,
    /// Instruction, event and tool.
    disabled: HashSet<(u32, u8, u8)>,
}

impl OfCode {
    fn new(code: &Obj<PyCode>) -> OfCode {
        // Code is shared from birth: nothing is published here.
        OfCode { _code: Shared::new(code.to_value()), events: [0; TOOLS], disabled: HashSet::new() }
    }
}

#[derive(Default)]
struct State {
    events: Sets,
    /// By the address of the code.
    codes: HashMap<usize, OfCode>,
    for_all: [ForAll; 2],
}

impl State {
    fn is_active(&self) -> bool {
        self.events != [0; TOOLS] || self.codes.values().any(|code| code.events != [0; TOOLS])
    }

    /// Takes out the codes of which nothing is asked any more.
    fn unneeded(&mut self) -> Vec<OfCode> {
        let idle = |code: &OfCode| code.disabled.is_empty() && code.events == [0; TOOLS];
        self.codes.extract_if(|_, code| idle(code)).map(|(_, code)| code).collect()
    }
}

/// What an interpreter's tools have asked for.
#[derive(Trace)]
pub struct Monitoring {
    names: Box<[AtomicField]>,
    callbacks: Box<[AtomicField]>,
    /// `sys.monitoring.DISABLE`, what a callback returns to switch its event off at a place.
    pub disable: AtomicField,
    /// `sys.monitoring.MISSING`, for a call without arguments.
    pub missing: AtomicField,
    /// The number of the state.
    version: AtomicU64,
    /// There are events.
    active: AtomicBool,
    /// How many places are disabled.
    disabled: AtomicU32,
    /// The tools that have one callback for both branches, which switches off both. Relaxed: it goes with the callbacks.
    one_for_branches: AtomicU32,
    #[trace(unsafe_skip)]
    state: Mutex<State>,
}

impl Default for Monitoring {
    fn default() -> Monitoring {
        let fields = |n: usize| (0..n).map(|_| AtomicField::empty()).collect();
        Monitoring {
            names: fields(TOOLS),
            callbacks: fields(TOOLS * EVENTS),
            disable: AtomicField::empty(),
            missing: AtomicField::empty(),
            version: AtomicU64::new(0),
            active: AtomicBool::new(false),
            disabled: AtomicU32::new(0),
            one_for_branches: AtomicU32::new(0),
            state: Mutex::default(),
        }
    }
}

fn address(code: &Obj<PyCode>) -> usize {
    std::ptr::from_ref(code) as usize
}

impl Monitoring {
    /// The number of the present state.
    #[inline]
    pub fn version(&self) -> u64 {
        // Acquire pairs with the Release in `change`: the state of that number is visible.
        self.version.load(Ordering::Acquire)
    }

    /// Whether any event is on.
    pub fn is_active(&self) -> bool {
        // Acquire pairs with the Release in `change`.
        self.active.load(Ordering::Acquire)
    }

    /// Whether any place is disabled.
    pub fn has_disabled(&self) -> bool {
        // Relaxed: whoever disabled a place on another thread is seen sooner or later.
        self.disabled.load(Ordering::Relaxed) != 0
    }

    /// Changes the state, and asks all threads to look.
    fn change<R>(&self, thread: &Thread, f: impl FnOnce(&mut State) -> R) -> R {
        let (result, unneeded) = {
            let mut state = lock(&self.state);
            let result = f(&mut state);
            let unneeded = state.unneeded();
            let places: usize = state.codes.values().map(|code| code.disabled.len()).sum();
            self.disabled.store(u32::try_from(places).unwrap_or(u32::MAX), Ordering::Relaxed);
            // Release pairs with the Acquire in `is_active` and `version`.
            self.active.store(state.is_active(), Ordering::Release);
            self.version.fetch_add(1, Ordering::Release);
            (result, unneeded)
        };
        drop(unneeded);
        // A thread that isn't among these yet looks itself, after it is (`tracing::begin`).
        for other in thread.runtime().threads() {
            other.request(tracing::TRACE);
        }
        result
    }

    /// The events that a tool has everywhere.
    pub fn events(&self, tool: usize) -> u32 {
        self.all_events().get(tool).copied().unwrap_or(0)
    }

    /// The same of all tools.
    pub fn all_events(&self) -> Sets {
        lock(&self.state).events
    }

    /// Sets the events that a tool has everywhere.
    pub fn set_events(&self, thread: &Thread, tool: usize, events: u32) {
        if self.events(tool) != events {
            self.change(thread, |state| {
                if let Some(set) = state.events.get_mut(tool) {
                    *set = events;
                }
            });
        }
    }

    /// The events that tools have for one code object.
    pub fn events_of(&self, code: &Obj<PyCode>) -> Sets {
        lock(&self.state).codes.get(&address(code)).map_or([0; TOOLS], |code| code.events)
    }

    /// Sets the events that a tool has for one code object.
    pub fn set_events_of(&self, thread: &Thread, tool: usize, code: &Obj<PyCode>, events: u32) {
        if self.events_of(code).get(tool) == Some(&events) {
            return;
        }
        self.change(thread, |state| {
            let code = state.codes.entry(address(code)).or_insert_with(|| OfCode::new(code));
            if let Some(set) = code.events.get_mut(tool) {
                *set = events;
            }
        });
    }

    /// Whether a tool's event is off at an instruction.
    pub fn is_disabled(&self, code: &Obj<PyCode>, at: u32, event: Event, tool: usize) -> bool {
        let state = lock(&self.state);
        let place = (at, event as u8, tool as u8);
        state.codes.get(&address(code)).is_some_and(|code| code.disabled.contains(&place))
    }

    /// Switches a tool's event off at an instruction.
    pub fn disable(&self, code: &Obj<PyCode>, at: u32, event: Event, tool: usize) {
        let mut state = lock(&self.state);
        let of_code = state.codes.entry(address(code)).or_insert_with(|| OfCode::new(code));
        if of_code.disabled.insert((at, event as u8, tool as u8)) {
            self.disabled.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether a tool has given one callback for both branches.
    pub fn has_one_for_branches(&self, tool: usize) -> bool {
        self.one_for_branches.load(Ordering::Relaxed) >> tool & 1 != 0
    }

    /// Notes whether a tool's callback is for both branches.
    pub fn set_one_for_branches(&self, tool: usize, one: bool) {
        if one {
            self.one_for_branches.fetch_or(1 << tool, Ordering::Relaxed);
        } else {
            self.one_for_branches.fetch_and(!(1 << tool), Ordering::Relaxed);
        }
    }

    /// Switches on again what was switched off at places.
    pub fn restart(&self, thread: &Thread) {
        self.change(thread, |state| {
            for code in state.codes.values_mut() {
                code.disabled.clear();
            }
        });
    }

    /// The name of a tool that is in use.
    pub fn name(&self, thread: &Thread, tool: usize) -> Option<Value> {
        self.names.get(tool)?.get(thread)
    }

    /// A tool's callback for an event.
    pub fn callback(&self, thread: &Thread, tool: usize, event: usize) -> Option<Value> {
        self.callbacks.get(tool * EVENTS + event)?.get(thread)
    }
}

/// The monitoring of a thread's interpreter.
pub fn of(thread: &Thread) -> &Monitoring {
    &ThreadState::of(thread).interpreter.monitoring
}

/// Gives a tool a name; false if it has one.
pub fn use_tool(interpreter: &Obj<PyInterpreter>, thread: &mut Thread, tool: usize, name: Ref<'_>) -> bool {
    match interpreter.monitoring.names.get(tool) {
        Some(slot) => slot.set_if_empty(interpreter, thread, name.to_owned()).is_ok(),
        None => false,
    }
}

/// Sets a tool's callback for an event, and gives the old one.
pub fn set_callback(
    interpreter: &Obj<PyInterpreter>,
    thread: &mut Thread,
    tool: usize,
    event: usize,
    callback: Option<Value>,
) -> Option<Value> {
    interpreter.monitoring.callbacks.get(tool * EVENTS + event)?.swap(interpreter, thread, callback)
}

/// Takes all events and callbacks from a tool.
pub fn clear_tool(interpreter: &Obj<PyInterpreter>, thread: &mut Thread, tool: usize) {
    interpreter.monitoring.change(thread, |state| {
        if let Some(events) = state.events.get_mut(tool) {
            *events = 0;
        }
        for code in state.codes.values_mut() {
            if let Some(events) = code.events.get_mut(tool) {
                *events = 0;
            }
            code.disabled.retain(|(_, _, of)| usize::from(*of) != tool);
        }
    });
    for event in 0..EVENTS {
        drop(set_callback(interpreter, thread, tool, event, None));
    }
}

/// Takes everything from a tool, its name too.
pub fn free_tool(interpreter: &Obj<PyInterpreter>, thread: &mut Thread, tool: usize) {
    clear_tool(interpreter, thread, tool);
    if let Some(slot) = interpreter.monitoring.names.get(tool) {
        drop(slot.swap(interpreter, thread, None));
    }
}

/// Gives all threads a trace (0) or profile (1) function, or takes it away.
pub fn give_all_threads(thread: &Thread, kind: usize, function: Option<Value>) {
    let function = function.map(Shared::new);
    let old = of(thread).change(thread, |state| {
        let slot = state.for_all.get_mut(kind)?;
        slot.number += 1;
        std::mem::replace(&mut slot.function, function)
    });
    drop(old);
}

/// How often functions were given to all threads.
pub fn given(monitoring: &Monitoring) -> [u64; 2] {
    let state = lock(&monitoring.state);
    [state.for_all[0].number, state.for_all[1].number]
}

/// The function that all threads were given last.
pub fn given_function(monitoring: &Monitoring, kind: usize) -> Option<Value> {
    lock(&monitoring.state).for_all.get(kind)?.function.as_ref().map(Shared::value)
}
