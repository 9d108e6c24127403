//! The native modules of the standard library, one file or folder each, written with the macros.

pub mod math;
pub mod sre;
pub mod support;
pub mod imp;
pub mod library;
pub mod marshal;
pub mod sys;
pub mod thread;

use orochi_objects::ModuleDef;

/// Every native module but `builtins` and `sys`, which exist from the start.
#[rustfmt::skip]
pub static MODULES: &[&ModuleDef] = &[
    &imp::MODULE,
    &library::MODULE,
    &marshal::MODULE,
    &sre::MODULE,
    &thread::MODULE,
];
