//! The native modules of the standard library, one file or folder each, written with the macros.

pub mod math;
pub mod sre;
pub mod support;

use orochi_objects::ModuleDef;

/// Every native module.
pub static MODULES: &[&ModuleDef] = &[&sre::MODULE];
