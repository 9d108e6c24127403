//! `os.scandir` and `os.DirEntry`.

use crate::host::system;
use crate::os_support::{self, PathArg};
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_macros::{Trace, pyclass, pyfunction, pymethods};
use orochi_objects::error::type_error;
use orochi_objects::{
    AtomicField, Field, Guarded, Obj, PyResult, Ref, Thread, Value, class_of, make, protocol, str,
};
use std::ffi::CString;

/// The iterator that scandir gives.
#[pyclass(name = "ScandirIterator", module = "posix", no_new)]
#[derive(Trace)]
pub(super) struct ScandirIterator {
    /// None: exhausted or closed, or another thread reads it just now.
    directory: Guarded<Reading>,
    /// The path that was given; the current directory: None.
    path: Field,
    bytes: bool,
    /// The descriptor that was given, or -1.
    fd: i32,
}

struct Reading(Option<system::Directory>);

// SAFETY: holds no fields.
#[allow(unsafe_code, reason = "an operating system's handle reaches no Python objects")]
unsafe impl orochi_core::Trace for Reading {
    const HAS_FIELDS: bool = false;
    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}

/// An entry of a directory.
#[pyclass(name = "DirEntry", module = "posix", no_new, generic)]
#[derive(Trace)]
pub(super) struct DirEntry {
    name: Field,
    path: Field,
    /// `DT_*`, the directory's descriptor if it was given as one (else -1), the inode.
    kind: u8,
    fd: i32,
    inode: AtomicU64,
    stat: AtomicField,
    lstat: AtomicField,
}

/// Return an iterator of DirEntry objects for given path.
///
/// path can be specified as either str, bytes, or a path-like object.  If path
/// is bytes, the names of yielded DirEntry objects will also be bytes; in
/// all other circumstances they will be str.
///
/// If path is None, uses the path='.'.
#[pyfunction]
#[signature(path=PathArg::missing("scandir") as "None")]
pub(super) fn scandir(thread: &mut Thread, path: PathArg<3>) -> PyResult {
    let directory = os_support::call_path(thread, &path, || system::Directory::open(path.target()))?;
    let given = match path.fd {
        Some(_) => Value::NONE,
        None if path.object.get().is_none() => Value::NONE,
        None => os_support::fspath(thread, path.object.get())?,
    };
    let iterator = ScandirIterator {
        directory: Guarded::new(Reading(Some(directory))),
        path: Field::new_local(given),
        bytes: path.is_bytes,
        fd: path.fd.unwrap_or(-1),
    };
    Ok(make(thread, iterator)?.into_value())
}

impl ScandirIterator {
    fn read(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<system::Entry>> {
        let taken = this.directory.with(this, thread, |reading, _| reading.0.take());
        let Some(mut directory) = taken else { return Ok(None) };
        let entry = match os_support::blocking(thread, || directory.next()) {
            Ok(result) => result,
            Err(error) => {
                thread.detached(|| drop(directory));
                return Err(error);
            }
        };
        match entry {
            Ok(Some(entry)) => {
                this.directory.with(this, thread, |reading, _| reading.0 = Some(directory));
                Ok(Some(entry))
            }
            Ok(None) => {
                thread.detached(|| drop(directory));
                Ok(None)
            }
            Err(error) => Err(os_support::os_failure(thread, &error, Some(this.path.fixed().to_owned()))),
        }
    }

    fn entry(thread: &mut Thread, this: &Obj<Self>, entry: &system::Entry) -> PyResult<Value> {
        let shown = |thread: &Thread, name: &[u8]| {
            if this.bytes {
                orochi_objects::types::bytes::new(thread, name)
            } else {
                os_support::fs_decode(thread, name)
            }
        };
        let name = shown(thread, &entry.name)?;
        let path = if this.path.fixed().is_none() {
            if this.fd >= 0 {
                name.clone()
            } else {
                let joined = [b"./".as_slice(), &entry.name].concat();
                shown(thread, &joined)?
            }
        } else {
            let mut joined = os_support::fs_text(thread, this.path.fixed())?.into_bytes();
            if !joined.is_empty() && joined.last() != Some(&b'/') {
                joined.push(b'/');
            }
            joined.extend_from_slice(&entry.name);
            shown(thread, &joined)?
        };
        let made = DirEntry {
            name: Field::new_local(name),
            path: Field::new_local(path),
            kind: entry.kind,
            fd: this.fd,
            inode: AtomicU64::new(entry.inode),
            stat: AtomicField::empty(),
            lstat: AtomicField::empty(),
        };
        Ok(make(thread, made)?.into_value())
    }

    fn end(thread: &mut Thread, this: &Obj<Self>) {
        let directory = this.directory.with(this, thread, |reading, _| reading.0.take());
        if let Some(directory) = directory {
            thread.detached(|| drop(directory));
        }
    }
}

#[pymethods]
impl ScandirIterator {
    #[slot]
    fn tp_iter(this: Ref<'_>) -> Value {
        this.to_owned()
    }

    #[slot]
    fn tp_iternext(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Option<Value>> {
        match Self::read(thread, this)? {
            Some(entry) => Self::entry(thread, this, &entry).map(Some),
            None => Ok(None),
        }
    }

    /// Close the iterator.
    fn close(thread: &mut Thread, this: &Obj<Self>) {
        Self::end(thread, this);
    }

    fn __enter__(this: &Obj<Self>) -> Value {
        this.to_value()
    }

    #[signature(*args)]
    fn __exit__(thread: &mut Thread, this: &Obj<Self>, args: orochi_objects::ArgSlice<'_>) {
        let _ = args;
        Self::end(thread, this);
    }
}

impl DirEntry {
    fn c_path(&self, thread: &mut Thread) -> PyResult<CString> {
        os_support::fs_text(thread, self.path.fixed())
    }

    fn look(thread: &mut Thread, this: &Obj<Self>, follow: bool) -> PyResult<std::io::Result<libc::stat>> {
        let path = this.c_path(thread)?;
        let directory = if this.fd >= 0 { this.fd } else { libc::AT_FDCWD };
        let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
        os_support::blocking(thread, || system::fstatat(directory, &path, flags))
    }

    /// The stat result, made once.
    fn stat_value(
        thread: &mut Thread,
        this: &Obj<Self>,
        follow: bool,
    ) -> PyResult<Result<Value, std::io::Error>> {
        let follow = follow && matches!(this.kind, libc::DT_LNK | libc::DT_UNKNOWN);
        let slot = if follow { &this.stat } else { &this.lstat };
        if let Some(known) = slot.get(thread) {
            return Ok(Ok(known));
        }
        match Self::look(thread, this, follow)? {
            Ok(stat) => {
                let made = super::stat::stat_result(thread, &stat)?;
                slot.initialise(this, made.clone());
                Ok(Ok(made))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    fn failure(thread: &mut Thread, this: &Obj<Self>, error: &std::io::Error) -> orochi_objects::PyErr {
        os_support::os_failure(thread, error, Some(this.path.fixed().to_owned()))
    }

    /// Whether the entry is of a type (S_IFDIR, S_IFREG); one that isn't there any more is of none.
    fn is_type(thread: &mut Thread, this: &Obj<Self>, follow: bool, wanted: u32) -> PyResult<bool> {
        let link = this.kind == libc::DT_LNK;
        if this.kind != libc::DT_UNKNOWN && !(follow && link) {
            return Ok(u32::from(this.kind) << 12 == wanted);
        }
        match Self::stat_value(thread, this, follow)? {
            Ok(stat) => {
                let mode = protocol::get_attr_str(thread, stat.get(), "st_mode")?;
                let mode = mode.get().as_small_int().unwrap_or(0) as u32;
                Ok(mode & libc::S_IFMT == wanted)
            }
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
            Err(error) => Err(Self::failure(thread, this, &error)),
        }
    }
}

#[pymethods]
impl DirEntry {
    /// the entry's base filename, relative to scandir() "path" argument
    #[getter]
    fn name(this: &Obj<Self>) -> Value {
        this.name.fixed().to_owned()
    }

    /// the entry's full path name; equivalent to os.path.join(scandir_path, entry.name)
    #[getter]
    fn path(this: &Obj<Self>) -> Value {
        this.path.fixed().to_owned()
    }

    /// Return True if the entry is a directory; cached per entry.
    #[signature(*, follow_symlinks=true as "True")]
    fn is_dir(thread: &mut Thread, this: &Obj<Self>, follow_symlinks: bool) -> PyResult<bool> {
        Self::is_type(thread, this, follow_symlinks, libc::S_IFDIR)
    }

    /// Return True if the entry is a file; cached per entry.
    #[signature(*, follow_symlinks=true as "True")]
    fn is_file(thread: &mut Thread, this: &Obj<Self>, follow_symlinks: bool) -> PyResult<bool> {
        Self::is_type(thread, this, follow_symlinks, libc::S_IFREG)
    }

    /// Return True if the entry is a symbolic link; cached per entry.
    fn is_symlink(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        Self::is_type(thread, this, false, libc::S_IFLNK)
    }

    /// Return True if the entry is a junction; cached per entry.
    fn is_junction(_this: &Obj<Self>) -> bool {
        false
    }

    /// Return stat_result object for the entry; cached per entry.
    #[signature(*, follow_symlinks=true as "True")]
    fn stat(thread: &mut Thread, this: &Obj<Self>, follow_symlinks: bool) -> PyResult {
        match Self::stat_value(thread, this, follow_symlinks)? {
            Ok(stat) => Ok(stat),
            Err(error) => Err(Self::failure(thread, this, &error)),
        }
    }

    /// Return inode of the entry; cached per entry.
    fn inode(this: &Obj<Self>) -> u64 {
        this.inode.load(Ordering::Relaxed)
    }

    /// Returns the path for the entry.
    fn __fspath__(this: &Obj<Self>) -> Value {
        this.path.fixed().to_owned()
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let name = protocol::repr(thread, this.name.fixed())?;
        let name = str::display(name.get());
        str::new(thread, &format!("<{} {name}>", class_of(this.get()).name()))
    }

    fn __reduce__(_this: &Obj<Self>) -> PyResult {
        Err(type_error("cannot pickle 'posix.DirEntry' object"))
    }
}
