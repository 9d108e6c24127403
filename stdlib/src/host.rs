//! What the modules ask of the operating system: small safe functions, one sibling file per system.

#[cfg(unix)]
pub(crate) mod unix;
#[cfg(unix)]
pub(crate) use unix as system;

#[cfg(unix)]
pub(crate) mod accounts;
#[cfg(unix)]
pub(crate) mod debugger;
#[cfg(unix)]
pub(crate) mod fault;
#[cfg(unix)]
pub(crate) mod foreign;
#[cfg(unix)]
pub(crate) mod fork_exec;
#[cfg(unix)]
pub(crate) mod limits;
#[cfg(unix)]
pub(crate) mod locale;
#[cfg(unix)]
pub(crate) mod mapping;
#[cfg(unix)]
pub(crate) mod messages;
#[cfg(unix)]
pub(crate) mod names;
#[cfg(unix)]
pub(crate) mod net;
#[cfg(unix)]
pub(crate) mod poll;
#[cfg(unix)]
pub(crate) mod process;
#[cfg(unix)]
pub(crate) mod semaphore;
#[cfg(unix)]
pub(crate) mod signal;
#[cfg(unix)]
pub(crate) mod terminal;
#[cfg(unix)]
pub(crate) mod time;
