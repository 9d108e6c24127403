//! What a thread tells of its running code: the functions of `sys.settrace` and `sys.setprofile`, and the events of
//! `sys.monitoring`.
//!
//! While there is anyone to tell, the thread's poll word has [`TRACE`] set, so that every fast path of the interpreter
//! gives way, and the loop that tells of events takes over (see `interp/tracing.rs` of the package above). While such a
//! function runs, the bit is off: it is not traced itself.
//!
//! Another thread may set the bit at any time, to make this one look at what is asked for now ([`sync`]); only the thread
//! itself clears it.

use crate::monitoring::{self, Monitoring, Sets, TOOLS};
use crate::thread::{PyInterpreter, ThreadState};
use crate::types::code::PyCode;
use orochi_compiler::code::Code;
use orochi_compiler::opcode::Op;
use orochi_core::runtime::poll;
use orochi_core::{Obj, Thread, Value};
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

/// The bit of the poll word.
pub const TRACE: u32 = poll::FIRST_FREE;

/// A frame's flag: its `call` event has been told, or it was there before tracing began.
pub const STARTED: u8 = 1;

/// What is known of a code object whose events are told.
pub struct Watched {
    _code: Value,
    /// The line of each instruction word; 0 for those that are on no line, or on one that they can't begin.
    pub lines: Box<[u32]>,
    /// Whether a line begins with the instruction.
    pub begins: Box<[bool]>,
    /// What tools ask for here besides what they ask for everywhere.
    own: Cell<Sets>,
    /// The number of the state that `own` is of.
    version: Cell<u64>,
}

/// A native call that goes on in frames of the loop.
pub struct OpenCall {
    /// The address of the caller's frame.
    pub frame: usize,
    /// The index of the call's instruction.
    pub at: u32,
    /// What is called.
    pub callee: Value,
    /// Its first argument.
    pub argument: Value,
}

/// A thread's part in tracing.
#[derive(Default)]
pub struct Tracing {
    /// `sys.gettrace()`.
    pub trace: Option<Value>,
    /// `sys.getprofile()`.
    pub profile: Option<Value>,
    /// A function that is told of events runs.
    pub inside: bool,
    /// The frames that were there when tracing began are marked.
    pub entered: bool,
    /// The last instruction's frame, where it goes on, and the index of the instruction.
    pub jumped: Option<(usize, u32, u32)>,
    /// Native calls that have been told of, the innermost last, whose return hasn't.
    pub open: Vec<OpenCall>,
    /// The number of the state of monitoring that is known.
    version: u64,
    monitored: bool,
    everywhere: Sets,
    /// How often all threads were given a function when this thread looked.
    given: [u64; 2],
    last: Option<(usize, Rc<Watched>)>,
    watched: HashMap<usize, Rc<Watched>>,
}

impl Tracing {
    /// That of a new thread, which gets nothing that all threads were given before.
    pub fn new(interpreter: &Obj<PyInterpreter>) -> Tracing {
        Tracing { given: monitoring::given(&interpreter.monitoring), ..Tracing::default() }
    }

    /// Whether events are told.
    pub fn wanted(&self) -> bool {
        !self.inside && (self.trace.is_some() || self.profile.is_some() || self.monitored)
    }

    /// Whether tools have asked for events.
    #[inline]
    pub fn is_monitored(&self) -> bool {
        self.monitored
    }

    /// Whether this is what tools have asked for.
    #[inline]
    pub fn is_current(&self, monitoring: &Monitoring) -> bool {
        self.version == monitoring.version()
    }

    /// The lines of a code object, and what tools ask for there.
    pub fn watch(&mut self, code: &Obj<PyCode>) -> Rc<Watched> {
        let key = std::ptr::from_ref(code) as usize;
        if let Some((last, watched)) = &self.last
            && *last == key
        {
            return Rc::clone(watched);
        }
        let made = || {
            let (lines, begins) = lines(&code.code);
            let own = Cell::new([0; TOOLS]);
            Rc::new(Watched { _code: code.to_value(), lines, begins, own, version: Cell::new(u64::MAX) })
        };
        let watched = Rc::clone(self.watched.entry(key).or_insert_with(made));
        self.last = Some((key, Rc::clone(&watched)));
        watched
    }

    /// The events that each tool wants to be told of in some code.
    pub fn events(&self, monitoring: &Monitoring, code: &Obj<PyCode>, watched: &Watched) -> Sets {
        if watched.version.get() != self.version {
            watched.own.set(monitoring.events_of(code));
            watched.version.set(self.version);
        }
        let own = watched.own.get();
        std::array::from_fn(|tool| self.everywhere[tool] | own[tool])
    }

    /// Forgets what was only kept for speed.
    pub fn forget(&mut self) -> impl Sized + use<> {
        (self.last.take(), std::mem::take(&mut self.watched), std::mem::take(&mut self.open))
    }
}

/// The line of each word, and which words begin one, by CPython's rules: where the line differs from that of the
/// instruction before or of a jump to there, and at handlers of exceptions.
fn lines(code: &Code) -> (Box<[u32]>, Box<[bool]>) {
    let mut lines = vec![0; code.words.len()];
    for run in code.positions.runs() {
        let range = run.start as usize..(run.end as usize).min(lines.len());
        if let (Some(position), Some(words)) = (run.position, lines.get_mut(range)) {
            words.fill(position.line);
        }
    }
    forget_cleanup(code, &mut lines);
    let mut begins = vec![false; lines.len()];
    let mut jumps = Vec::new();
    let (mut at, mut line) = (0, 0);
    while let Some(op) = code.words.get(at).and_then(|word| Op::from_byte(*word as u8)) {
        // The end of a loop bears the line of the loop's last statement, which doesn't begin there.
        let ends_loop =
            op == Op::JumpBack && lines.get(..at).is_some_and(|before| before.contains(&lines[at]));
        if ends_loop || op == Op::Reraise {
            lines[at] = 0;
        }
        if lines[at] != 0 {
            begins[at] = lines[at] != line;
            line = lines[at];
        }
        let target = u32::try_from(at).ok().and_then(|at| code.jump_target(at));
        jumps.extend(target.map(|to| (line, to as usize)));
        at += 1 + usize::from(op.has_ext());
    }
    jumps.extend(code.exceptions.iter().map(|entry| (0, entry.target as usize)));
    for (line, to) in jumps {
        if let (Some(target), Some(begins)) = (lines.get(to), begins.get_mut(to)) {
            *begins |= *target != 0 && *target != line;
        }
    }
    (lines.into(), begins.into())
}

/// What only tidies up and raises again is on no line, though it bears one for tracebacks.
fn forget_cleanup(code: &Code, lines: &mut [u32]) {
    let op_at = |at: usize| code.words.get(at).and_then(|word| Op::from_byte(*word as u8));
    for entry in &code.exceptions {
        let mut at = entry.target as usize;
        while let (Some(op), Some(line)) = (op_at(at), lines.get_mut(at)) {
            if op == Op::PushHandled {
                break;
            }
            *line = 0;
            if op == Op::Reraise {
                break;
            }
            at += 1 + usize::from(op.has_ext());
        }
    }
}

/// A thread begins to run code of its interpreter.
pub fn begin(thread: &Thread) {
    if ThreadState::of(thread).interpreter.monitoring.is_active() {
        thread.shared().request(TRACE);
    }
}

/// Looks at what is asked for now, and sets or clears the poll word's bit accordingly.
pub fn sync(thread: &Thread) {
    // Who changes something sets the bit afterwards: what it is isn't seen now, the bit is set again.
    let _ = thread.take_poll(TRACE);
    let ThreadState { tracing, interpreter, frames, .. } = ThreadState::of(thread);
    let monitoring = &interpreter.monitoring;
    let mut old = [None, None];
    if !tracing.is_current(monitoring) {
        tracing.version = monitoring.version();
        tracing.everywhere = monitoring.all_events();
        tracing.monitored = monitoring.is_active();
        let given = monitoring::given(monitoring);
        for (kind, old) in old.iter_mut().enumerate() {
            if given[kind] != tracing.given[kind] {
                let function = monitoring::given_function(monitoring, kind);
                let slot = if kind == 0 { &mut tracing.trace } else { &mut tracing.profile };
                *old = std::mem::replace(slot, function);
                frames.mark_active(STARTED);
            }
        }
        tracing.given = given;
    }
    if tracing.wanted() {
        thread.shared().request(TRACE);
    }
    drop(old);
}
