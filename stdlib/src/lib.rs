//! The native modules of the standard library, one file or folder each, written with the macros.

mod host;
pub mod errno;
pub mod os_support;
pub mod posix;
pub mod resource;
pub mod time;
pub mod codecs;
pub mod binascii;
pub mod collections;
pub mod functools;
pub mod hashes;
pub mod imp;
pub mod itertools;
pub mod library;
pub mod marshal;
pub mod math;
pub mod operator;
pub mod sre;
pub mod string;
pub mod random;
pub mod sre;
pub mod struct_;
pub mod support;
pub mod sys;
pub mod thread;
pub mod warnings;
pub mod weakref;
pub mod tokenize;
pub mod zlib;

use orochi_objects::ModuleDef;

/// Every native module but `builtins` and `sys`, which exist from the start.
#[rustfmt::skip]
pub static MODULES: &[&ModuleDef] = &[
    &errno::MODULE,
    &posix::MODULE,
    &resource::MODULE,
    &time::MODULE,
    &collections::MODULE,
    &functools::MODULE,
    &codecs::MODULE,
    hashes::MD5,
    hashes::SHA1,
    hashes::SHA2,
    hashes::SHA3,
    &hashes::BLAKE2,
    &imp::MODULE,
    &itertools::MODULE,
    &library::MODULE,
    &binascii::MODULE,
    &marshal::MODULE,
    &operator::MODULE,
    &math::MODULE,
    &random::MODULE,
    &sre::MODULE,
    &string::MODULE,
    &struct_::MODULE,
    &thread::MODULE,
    &warnings::MODULE,
    &weakref::MODULE,
    &tokenize::MODULE,
    &zlib::MODULE,
];
