//! What a thread tells of its running code: the functions of `sys.settrace` and `sys.setprofile`.
//!
//! While there is one, the thread's poll word has [`TRACE`] set, so that every fast path of the interpreter gives way, and
//! the loop that tells of events takes over (see `interp/tracing.rs` of the package above). While such a function runs,
//! the bit is off: it is not traced itself.

use crate::types::code::PyCode;
use orochi_core::runtime::poll;
use orochi_core::{Obj, Thread, Value};
use std::collections::HashMap;
use std::rc::Rc;

/// The bit of the poll word.
pub const TRACE: u32 = poll::FIRST_FREE;

/// A frame's flag: its `call` event has been told, or it was there before tracing began.
pub const STARTED: u8 = 1;

/// The line of each instruction word of a code object; 0 for those of no line.
pub type Lines = Rc<[u32]>;

/// A thread's part in tracing.
#[derive(Default)]
pub struct Tracing {
    /// `sys.gettrace()`.
    pub trace: Option<Value>,
    /// `sys.getprofile()`.
    pub profile: Option<Value>,
    /// A trace or profile function runs.
    pub inside: bool,
    /// The lines of code that was traced, by the address of the code, which is kept.
    lines: HashMap<usize, (Value, Lines)>,
}

impl Tracing {
    /// Whether events are told.
    pub fn wanted(&self) -> bool {
        !self.inside && (self.trace.is_some() || self.profile.is_some())
    }

    /// The lines of a code object.
    pub fn lines(&mut self, code: &Obj<PyCode>) -> Lines {
        let key = std::ptr::from_ref(code) as usize;
        let (_, lines) = self.lines.entry(key).or_insert_with(|| {
            let mut lines = vec![0; code.code.words.len()];
            for run in code.code.positions.runs() {
                let range = run.start as usize..(run.end as usize).min(lines.len());
                if let (Some(position), Some(words)) = (run.position, lines.get_mut(range)) {
                    words.fill(position.line);
                }
            }
            (code.to_value(), lines.into())
        });
        Rc::clone(lines)
    }

    /// Forgets what was only kept for speed.
    pub fn forget_lines(&mut self) -> HashMap<usize, (Value, Lines)> {
        std::mem::take(&mut self.lines)
    }
}

/// Sets the poll word's bit as the thread's functions require.
pub fn update(thread: &Thread, wanted: bool) {
    if wanted {
        thread.shared().request(TRACE);
    } else {
        let _ = thread.take_poll(TRACE);
    }
}
