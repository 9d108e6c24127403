//! `mmap`: memory-mapped files. This file has the class's state and how it is made; [`methods`] what it does.
//!
//! The mapping lies under the object's lock: each operation looks whether it is still there, and at its length, under the
//! same lock as it copies bytes, so that another thread may close or resize it at any time. While others look at the memory
//! (the buffer protocol, `flush`), it can be neither closed nor resized.

mod constants;
mod methods;

use crate::host::mapping::{self, Mapping};
use crate::host::system;
use crate::os_support;
use orochi_macros::{Trace, pyclass, pymodule};
use orochi_objects::buffer::Export;
use orochi_objects::error::{overflow_error, type_error, value_error};
use orochi_objects::types::exception;
use orochi_objects::{Guarded, ModuleExt, Obj, PyErr, PyModule, PyResult, PyType, Thread, alloc};
use std::io;
use std::os::fd::OwnedFd;

pub(crate) const ACCESS_DEFAULT: i32 = 0;
pub(crate) const ACCESS_READ: i32 = 1;
pub(crate) const ACCESS_WRITE: i32 = 2;
pub(crate) const ACCESS_COPY: i32 = 3;

/// Memory-mapped file objects.
///
/// mmap(fileno, length[, flags[, prot[, access[, offset[, trackfd]]]]])
///
/// Maps length bytes from the file specified by the file descriptor fileno,
/// and returns a mmap object. If length is 0, the maximum length of the map
/// will be the current size of the file when mmap is called.
/// flags specifies the nature of the mapping. MAP_PRIVATE creates a
/// private copy-on-write mapping, so changes to the contents of the mmap
/// object will be private to this process, and MAP_SHARED creates a mapping
/// that's shared with all other processes mapping the same areas of the file.
/// The default value is MAP_SHARED.
///
/// To map anonymous memory, pass -1 as the fileno (both version).
#[pyclass(name = "mmap", module = "mmap", subclassable, weakref)]
#[derive(Trace)]
pub(crate) struct PyMmap {
    #[trace(unsafe_skip)]
    options: Options,
    #[trace(unsafe_skip)]
    state: Guarded<State>,
}

/// What a mapping was made with.
#[derive(Clone, Copy)]
struct Options {
    access: i32,
    prot: i32,
    flags: i32,
    offset: i64,
    /// Keep the file open.
    tracks: bool,
}

/// What changes.
struct State {
    /// `None` when it was closed.
    mapping: Option<Mapping>,
    file: Option<OwnedFd>,
    pos: usize,
    export: Option<Export>,
}

impl State {
    fn is_exported(&self) -> bool {
        self.export.as_ref().is_some_and(|export| export.others() > 0)
    }

    fn export(&mut self) -> Export {
        self.export.get_or_insert_with(|| Export::new(None)).clone()
    }
}

fn closed() -> PyErr {
    value_error("mmap closed or invalid")
}

/// Runs `f` with the state; ValueError if the mapping was closed.
fn with<R>(
    thread: &Thread,
    this: &Obj<PyMmap>,
    f: impl FnOnce(&mut Mapping, &mut usize) -> PyResult<R>,
) -> PyResult<R> {
    this.state.with(this, thread, |state, _| match &mut state.mapping {
        Some(mapping) => f(mapping, &mut state.pos),
        None => Err(closed()),
    })
}

/// The same with what the system may refuse.
fn ask<R>(
    thread: &mut Thread,
    this: &Obj<PyMmap>,
    f: impl FnOnce(&mut Mapping, &mut usize) -> PyResult<io::Result<R>>,
) -> PyResult<R> {
    let result = with(thread, this, f)?;
    os_support::plain(thread, result)
}

impl PyMmap {
    fn is_writable(&self) -> bool {
        self.options.access != ACCESS_READ
    }

    fn check_writable(&self) -> PyResult<()> {
        match self.is_writable() {
            true => Ok(()),
            false => Err(type_error("mmap can't modify a readonly memory map.")),
        }
    }
}

/// What the arguments come to.
fn options(flags: i32, prot: i32, access: i32, offset: i64, tracks: bool) -> PyResult<Options> {
    let both = libc::PROT_READ | libc::PROT_WRITE;
    if access != ACCESS_DEFAULT && (flags != libc::MAP_SHARED || prot != both) {
        return Err(value_error("mmap can't specify both access and flags, prot."));
    }
    let made = |access, prot, flags| Options { access, prot, flags, offset, tracks };
    match access {
        ACCESS_READ => Ok(made(access, libc::PROT_READ, libc::MAP_SHARED)),
        ACCESS_WRITE => Ok(made(access, both, libc::MAP_SHARED)),
        ACCESS_COPY => Ok(made(access, both, libc::MAP_PRIVATE)),
        ACCESS_DEFAULT if prot & both == both => Ok(made(access, prot, flags)),
        ACCESS_DEFAULT if prot & libc::PROT_WRITE != 0 => Ok(made(ACCESS_WRITE, prot, flags)),
        ACCESS_DEFAULT => Ok(made(ACCESS_READ, prot, flags)),
        _ => Err(value_error("mmap invalid access parameter.")),
    }
}

/// The length of a mapping of a file: what is given, or all that follows the offset.
fn length(fd: i32, given: usize, offset: i64) -> PyResult<usize> {
    // Without an answer the mapping itself will fail.
    let Some(status) = system::fstat(fd).ok().filter(|status| status.st_mode & libc::S_IFMT == libc::S_IFREG)
    else {
        return Ok(given);
    };
    let rest = usize::try_from(status.st_size - offset);
    if given != 0 {
        return match rest {
            Ok(rest) if rest >= given => Ok(given),
            _ => Err(value_error("mmap length is greater than file size")),
        };
    }
    if status.st_size == 0 {
        return Err(value_error("cannot mmap an empty file"));
    }
    match rest {
        Ok(rest) if rest > 0 => Ok(rest),
        _ => Err(value_error("mmap offset is greater than file size")),
    }
}

/// A new object.
fn make(
    thread: &mut Thread,
    cls: &Obj<PyType>,
    fd: i32,
    given: isize,
    options: &Options,
) -> PyResult<orochi_objects::Value> {
    let given =
        usize::try_from(given).map_err(|_| overflow_error("memory mapped length must be positive"))?;
    let (len, mut flags, mut file) =
        (if fd == -1 { given } else { length(fd, given, options.offset)? }, options.flags, None);
    if fd == -1 {
        flags |= libc::MAP_ANONYMOUS;
    } else if options.tracks {
        file = Some(os_support::plain(thread, mapping::duplicate(fd))?);
    }
    let mapping = Mapping::new(len, options.prot, flags, fd, options.offset);
    let mapping = Some(os_support::plain(thread, mapping)?);
    let state = Guarded::new(State { mapping, file, pos: 0, export: None });
    Ok(alloc(thread, cls, PyMmap { options: Options { flags, ..*options }, state })?.into_value())
}

#[pymodule(name = "mmap", classes(PyMmap))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for (name, number) in constants::ALL {
        module.add(thread, name, i64::from(*number))?;
    }
    let page = system::sysconf(libc::_SC_PAGESIZE).unwrap_or(4096);
    module.add(thread, "PAGESIZE", page)?;
    module.add(thread, "ALLOCATIONGRANULARITY", page)?;
    module.add(thread, "error", exception::OSError.get())
}
