//! The interpreter: the loop, calls, exceptions, generators, and what a program needs around them.
//!
//! Start reading at [`interp`] (the loop) and [`interpreter`] (an isolated set of modules).

pub mod builtins;
pub mod errors;
mod interp;
pub mod interpreter;

pub mod tracing {
    //! `sys.settrace` and `sys.setprofile`.
    pub use crate::interp::tracing::{Kind, events_changed, function, set_function, set_function_everywhere};
}

pub use interpreter::{Interpreter, optimize, set_optimize};
