//! The native modules of the standard library, one file or folder each, written with the macros.

pub mod abc;
pub mod accounts;
pub mod array;
pub mod asyncio_;
pub mod atexit;
pub mod binascii;
pub mod bisect;
pub mod bytecode;
pub mod bz2;
pub mod cmath;
pub mod codecs;
pub mod collections;
mod compression;
pub mod concurrent;
pub mod contextvars;
pub mod csv;
pub mod datetime_;
pub mod decimal;
pub mod errno;
pub mod faulthandler;
pub mod fcntl;
#[cfg(unix)]
pub mod ffi;
pub mod functools;
pub mod gc;
pub mod hashes;
pub mod heapq;
mod host;
pub mod imp;
pub mod interpreters;
pub mod io;
pub mod itertools;
pub mod json;
pub mod library;
pub mod locale;
pub mod lsprof;
pub mod lzma;
pub mod marshal;
pub mod math;
#[cfg(unix)]
pub mod mmap;
pub mod multiprocessing;
pub mod operator;
pub mod os_support;
pub mod pickle;
pub mod posix;
pub mod posixshmem;
pub mod posixsubprocess;
pub mod queue;
pub mod random;
pub mod remote_debugging;
pub mod resource;
pub mod select;
pub mod signal;
pub mod socket;
mod socket_constants;
pub mod sre;
pub mod stat;
pub mod statistics;
pub mod string;
pub mod struct_;
pub mod support;
pub mod symtable;
pub mod syntax_tree;
pub mod sys;
pub mod termios;
pub mod thread;
pub mod time;
pub mod tokenize;
pub mod unicodedata;
pub mod warnings;
pub mod weakref;
pub mod zlib;

use orochi_objects::ModuleDef;

/// Every native module but `builtins` and `sys`, which exist from the start.
#[rustfmt::skip]
pub static MODULES: &[&ModuleDef] = &[
    &abc::MODULE,
    &array::MODULE,
    &asyncio_::MODULE,
    &atexit::MODULE,
    &binascii::MODULE,
    &bz2::MODULE,
    &bisect::MODULE,
    &cmath::MODULE,
    &codecs::MODULE,
    &collections::MODULE,
    &concurrent::MODULE,
    &contextvars::MODULE,
    &csv::MODULE,
    &datetime_::MODULE,
    &decimal::MODULE,
    &errno::MODULE,
    &functools::MODULE,
    &gc::MODULE,
    &hashes::BLAKE2,
    hashes::MD5,
    hashes::SHA1,
    hashes::SHA2,
    hashes::SHA3,
    &heapq::MODULE,
    &imp::MODULE,
    &interpreters::MODULE,
    &io::MODULE,
    &itertools::MODULE,
    &json::MODULE,
    &library::MODULE,
    &locale::MODULE,
    &lsprof::MODULE,
    &lzma::MODULE,
    &marshal::MODULE,
    &math::MODULE,
    &multiprocessing::MODULE,
    &operator::MODULE,
    &pickle::MODULE,
    &posix::MODULE,
    &queue::MODULE,
    &random::MODULE,
    &remote_debugging::MODULE,
    &resource::MODULE,
    &bytecode::MODULE,
    &accounts::grp::MODULE,
    &accounts::pwd::MODULE,
    &faulthandler::MODULE,
    &fcntl::MODULE,
    #[cfg(unix)]
    &ffi::MODULE,
    &posixshmem::MODULE,
    #[cfg(unix)]
    &mmap::MODULE,
    &posixsubprocess::MODULE,
    &select::MODULE,
    &signal::MODULE,
    &socket::MODULE,
    &sre::MODULE,
    &stat::MODULE,
    &statistics::MODULE,
    &string::MODULE,
    &struct_::MODULE,
    &symtable::MODULE,
    &syntax_tree::MODULE,
    &termios::MODULE,
    &thread::MODULE,
    &time::MODULE,
    &tokenize::MODULE,
    &unicodedata::MODULE,
    &warnings::MODULE,
    &weakref::MODULE,
    &zlib::MODULE,
];

/// Ends the process by SIGINT, as a program ends that KeyboardInterrupt stopped. Returns where there are no signals.
pub fn end_by_interrupt() {
    #[cfg(unix)]
    host::signal::end_by(libc::SIGINT);
}
