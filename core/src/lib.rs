//! The runtime's core: words and references, headers and counts, publication, object locks, epochs, memory, threads and
//! safepoints, collectors. It knows no Python semantics.
//!
//! Start reading at [`word`] and [`value`] (what a register holds), then [`header`] (states of an object), [`field`] and
//! [`publish`] (the invariant that no edge leads from a shared object to a local one), [`epoch`] and [`runtime`] (reading
//! without writing).

pub mod alloc;
pub mod epoch;
pub mod field;
pub mod gc;
pub mod guarded;
pub mod header;
pub mod heap;
pub mod host;
pub mod lock;
pub mod numbers;
pub mod object;
pub mod publish;
pub mod racy;
mod recall;
mod reclaim;
pub mod runtime;
pub mod send;
mod split;
pub mod stack;
mod stress;
pub mod striped;
pub mod sync;
pub mod thread;
pub mod value;
pub mod verify;
pub mod weak;
pub mod word;

pub use field::{AtomicField, Field, Owner};
pub use guarded::Guarded;
pub use header::Header;
pub use object::{Layout, Obj, Payload, Tail, Trace, TypeFields, TypeHead};
pub use recall::Recall;
pub use runtime::Runtime;
pub use send::Shared;
pub use striped::StripedCounter;
pub use thread::{Pending, Thread};
pub use value::{Owned, Ref, Value};
