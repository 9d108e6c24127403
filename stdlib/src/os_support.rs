//! What every module that talks to the operating system needs: blocking calls, errors with file names, and arguments that
//! are paths, directories, descriptors, users.
//!
//! A call that may block runs detached, so that it holds up nobody. One that a signal interrupted is made again after the
//! signal's handlers have run (PEP 475), unless they raise.

use orochi_objects::args::{ArgContext, FromArg};
use orochi_objects::error::{PyErr, os_error, overflow_error, type_error, value_error};
use orochi_objects::thread::{ThreadState, run_signal_handlers};
use orochi_objects::types::exception;
use orochi_objects::types::key::Key;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{bytes, dict, list};
use orochi_objects::{DictExt, Owned, PyDict, PyResult, Ref, Thread, Value, class_of, int, protocol, str};
use orochi_text::wtf8::{CodePoint, Wtf8Buf};
use std::ffi::{CStr, CString};
use std::io;

/// Runs handlers of signals that have arrived.
pub fn check_signals(thread: &mut Thread) -> PyResult<()> {
    if ThreadState::exists(thread) { run_signal_handlers(thread) } else { Ok(()) }
}

/// Makes a call that may block, again after each interruption. The inner result is the call's.
pub fn blocking<R>(thread: &mut Thread, mut call: impl FnMut() -> io::Result<R>) -> PyResult<io::Result<R>> {
    loop {
        match thread.detached(&mut call) {
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => check_signals(thread)?,
            result => return Ok(result),
        }
    }
}

/// Makes a call that may block; OSError without a file name if it fails.
pub fn call<R>(thread: &mut Thread, call: impl FnMut() -> io::Result<R>) -> PyResult<R> {
    blocking(thread, call)?.map_err(|error| os_failure(thread, &error, None))
}

/// The result of a call that doesn't block; OSError without a file name if it failed.
pub fn plain<R>(thread: &mut Thread, result: io::Result<R>) -> PyResult<R> {
    result.map_err(|error| os_failure(thread, &error, None))
}

/// Makes a call about a path; the OSError names it.
pub fn call_path<R, const K: u8>(
    thread: &mut Thread,
    path: &PathArg<K>,
    call: impl FnMut() -> io::Result<R>,
) -> PyResult<R> {
    blocking(thread, call)?.map_err(|error| os_failure(thread, &error, path.name()))
}

/// Makes a call about two paths; the OSError names both.
pub fn call_paths<R, const K: u8, const L: u8>(
    thread: &mut Thread,
    path: &PathArg<K>,
    other: &PathArg<L>,
    call: impl FnMut() -> io::Result<R>,
) -> PyResult<R> {
    blocking(thread, call)?
        .map_err(|error| os_failure2(thread, &error, path.object.clone(), other.object.clone()))
}

/// The OSError for a failed call, with a file name if there is one.
#[cold]
pub fn os_failure(thread: &mut Thread, error: &io::Error, filename: Option<Value>) -> PyErr {
    os_error(thread, error.raw_os_error().unwrap_or(0), filename)
}

/// The OSError for a failed call about two files.
#[cold]
pub fn os_failure2(thread: &mut Thread, error: &io::Error, first: Value, second: Value) -> PyErr {
    let errno = error.raw_os_error().unwrap_or(0);
    match str::new(thread, &crate::host::system::strerror(errno)) {
        Ok(text) => {
            let number = Value::small_int(errno.into()).unwrap_or(Value::NONE);
            PyErr::new(&exception::OSError, vec![number, text, first, Value::NONE, second])
        }
        Err(error) => error,
    }
}

/// A vector of zeros. MemoryError if there is no room.
pub fn zeroed(len: usize) -> PyResult<Vec<u8>> {
    let mut probe = Vec::<u8>::new();
    probe.try_reserve_exact(len).map_err(|_| orochi_objects::error::memory_error())?;
    if len < 1 << 20 {
        probe.resize(len, 0);
        return Ok(probe);
    }
    drop(probe);
    // Fresh pages are zero already.
    Ok(vec![0; len])
}

/// The bytes that a file name stands for: UTF-8, with surrogates that `surrogateescape` made turned back.
pub fn fs_encode(thread: &mut Thread, text: &orochi_objects::Obj<PyStr>) -> PyResult<Vec<u8>> {
    if let Some(text) = PyStr::to_str(text) {
        return Ok(text.as_bytes().to_vec());
    }
    let mut encoded = Vec::with_capacity(text.as_bytes().len());
    for (i, point) in text.as_wtf8().code_points().enumerate() {
        match point.to_u32() {
            byte @ 0xDC80..=0xDCFF => encoded.push((byte - 0xDC00) as u8),
            0xD800..=0xDFFF => return Err(unencodable(thread, text, i)),
            _ => {
                let (bytes, len) = point.encode();
                encoded.extend_from_slice(bytes.get(..len).unwrap_or_default());
            }
        }
    }
    Ok(encoded)
}

#[cold]
fn unencodable(thread: &mut Thread, text: &orochi_objects::Obj<PyStr>, at: usize) -> PyErr {
    let made = (|| {
        let number = |n: usize| int::new(thread, n as i64);
        Ok(vec![
            str::new(thread, "utf-8")?,
            text.to_value(),
            number(at)?,
            number(at + 1)?,
            str::new(thread, "surrogates not allowed")?,
        ])
    })();
    match made {
        Ok(args) => PyErr::new(&exception::UnicodeEncodeError, args),
        Err(error) => error,
    }
}

/// The str for the bytes of a file name (`os.fsdecode`).
pub fn fs_decode(thread: &Thread, name: &[u8]) -> PyResult {
    if let Ok(text) = std::str::from_utf8(name) {
        return str::new(thread, text);
    }
    str::from_wtf8(thread, &decode_escaped(name))
}

/// UTF-8 with bytes that are none escaped as surrogates.
pub fn decode_escaped(bytes: &[u8]) -> Wtf8Buf {
    let mut text = Wtf8Buf::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            if let Some(point) = CodePoint::from_u32(0xDC00 + u32::from(*byte)) {
                text.push(point);
            }
        }
    }
    text
}

/// `os.fspath(object)`: a str or bytes.
pub fn fspath(thread: &mut Thread, object: Ref<'_>) -> PyResult {
    if object.downcast::<PyStr>().is_some() || bytes::value(object).is_some() {
        return Ok(object.to_owned());
    }
    let class = class_of(object);
    let method = protocol::find_attr(thread, class.get(), str::intern(thread, "__fspath__")?)?;
    let Some(method) = method.filter(|method| !method.get().is_none()) else {
        let name = class.name();
        return Err(type_error(format!("expected str, bytes or os.PathLike object, not {name}")));
    };
    let path = protocol::call(thread, method.get(), &[object])?;
    if path.get().downcast::<PyStr>().is_some() || bytes::value(path.get()).is_some() {
        return Ok(path);
    }
    Err(type_error(format!(
        "expected {}.__fspath__() to return str or bytes, not {}",
        class.name(),
        class_of(path.get()).name()
    )))
}

/// A path must be given.
pub const PATH: u8 = 0;
/// An open file's number will do.
pub const FD: u8 = 1;
/// None is allowed.
pub const NULLABLE: u8 = 2;

/// An argument that names a file: str, bytes, PathLike; a descriptor or None if `KIND` says so.
pub struct PathArg<const KIND: u8> {
    /// The name; empty for a descriptor or None.
    pub path: CString,
    /// The descriptor.
    pub fd: Option<i32>,
    /// What was given.
    pub object: Value,
    /// Whether names that come of it should be bytes.
    pub is_bytes: bool,
    /// The function's name, for messages.
    pub function: &'static str,
}

/// A file's name.
pub type Path = PathArg<PATH>;
/// A file's name or an open file.
pub type PathOrFd = PathArg<FD>;

impl<const KIND: u8> PathArg<KIND> {
    /// The path, or the descriptor.
    pub fn target(&self) -> Result<&CStr, i32> {
        match self.fd {
            Some(fd) => Err(fd),
            None => Ok(&self.path),
        }
    }

    /// What an OSError calls it; nothing if no path was given.
    pub fn name(&self) -> Option<Value> {
        Some(self.object.clone()).filter(|object| !object.get().is_none())
    }

    /// The path when nothing was given.
    pub fn missing(function: &'static str) -> PathArg<KIND> {
        PathArg { path: c".".to_owned(), fd: None, object: Value::NONE, is_bytes: false, function }
    }

    /// Converts an argument; `function` and `argument` are for messages.
    ///
    /// # Errors
    /// TypeError, ValueError (a NUL inside), OverflowError (descriptor), or what `__fspath__` raises.
    pub fn convert(
        thread: &mut Thread,
        object: Ref<'_>,
        function: &'static str,
        argument: &str,
    ) -> PyResult<PathArg<KIND>> {
        let with = |path, fd, is_bytes| PathArg { path, fd, object: object.to_owned(), is_bytes, function };
        if object.is_none() && KIND & NULLABLE != 0 {
            return Ok(PathArg::missing(function));
        }
        let named = object.downcast::<PyStr>().is_some() || bytes::value(object).is_some();
        let path = if named {
            object.to_owned()
        } else if KIND & FD != 0 && class_of(object).slots.nb_index().is_some() {
            return Ok(with(CString::default(), Some(descriptor_number(thread, object)?), false));
        } else {
            match fspath(thread, object) {
                Ok(path) => path,
                Err(error) if has_fspath(thread, object)? => return Err(error),
                Err(_) => return Err(Self::wrong_type(object, function, argument)),
            }
        };
        let (encoded, is_bytes) = match path.get().downcast::<PyStr>() {
            Some(text) => (fs_encode(thread, text)?, false),
            None => (bytes::value(path.get()).unwrap_or_default().to_vec(), true),
        };
        let Ok(path) = CString::new(encoded) else {
            return Err(value_error(format!("{function}: embedded null character in {argument}")));
        };
        Ok(with(path, None, is_bytes))
    }

    #[cold]
    fn wrong_type(object: Ref<'_>, function: &str, argument: &str) -> PyErr {
        let expected = match KIND {
            PATH => "string, bytes or os.PathLike",
            FD => "string, bytes, os.PathLike or integer",
            NULLABLE => "string, bytes, os.PathLike or None",
            _ => "string, bytes, os.PathLike, integer or None",
        };
        let got = class_of(object).name();
        let got = if object.is_none() { "NoneType" } else { &got };
        type_error(format!("{function}: {argument} should be {expected}, not {got}"))
    }

    /// A str or bytes, as the argument was.
    pub fn result(&self, thread: &Thread, name: &[u8]) -> PyResult {
        if self.is_bytes { bytes::new(thread, name) } else { fs_decode(thread, name) }
    }
}

fn has_fspath(thread: &mut Thread, object: Ref<'_>) -> PyResult<bool> {
    let name = str::intern(thread, "__fspath__")?;
    let found = protocol::find_attr(thread, class_of(object).get(), name)?;
    Ok(found.is_some_and(|method| !method.get().is_none()))
}

impl<'a, const KIND: u8> FromArg<'a> for PathArg<KIND> {
    fn from_arg(thread: &mut Thread, value: Ref<'a>, context: ArgContext) -> PyResult<PathArg<KIND>> {
        let argument = context.signature.params.get(context.index).map_or("path", |param| param.name);
        Self::convert(thread, value, context.signature.function, argument)
    }
}

/// An int that fits a C int; the messages call it `what`.
pub fn small_number(thread: &mut Thread, object: Ref<'_>, what: &str) -> PyResult<i32> {
    let number = int::index_clamped(thread, object)?;
    i32::try_from(number).map_err(|_| {
        overflow_error(if number < 0 {
            format!("{what} is less than minimum")
        } else {
            format!("{what} is greater than maximum")
        })
    })
}

pub(crate) fn descriptor_number(thread: &mut Thread, object: Ref<'_>) -> PyResult<i32> {
    warn_of_bool(thread, object)?;
    small_number(thread, object, "fd")
}

/// The directory that a relative path starts from: a descriptor, or None for the current one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DirFd(pub i32);

impl DirFd {
    /// The current directory.
    pub const CWD: DirFd = DirFd(libc::AT_FDCWD);

    /// ValueError if it comes with a path that is a descriptor.
    pub fn check<const K: u8>(self, path: &PathArg<K>) -> PyResult<()> {
        if self != DirFd::CWD && path.fd.is_some() {
            let function = path.function;
            return Err(value_error(format!("{function}: can't specify dir_fd without matching path")));
        }
        Ok(())
    }
}

impl<'a> FromArg<'a> for DirFd {
    fn from_arg(thread: &mut Thread, value: Ref<'a>, _context: ArgContext) -> PyResult<DirFd> {
        if value.is_none() {
            return Ok(DirFd::CWD);
        }
        let class = class_of(value);
        if class.slots.nb_index().is_none() {
            let name = class.name();
            return Err(type_error(format!("argument should be integer or None, not {name}")));
        }
        Ok(DirFd(descriptor_number(thread, value)?))
    }
}

/// An open file: an int, or an object with `fileno()`.
#[derive(Clone, Copy)]
pub struct Fildes(pub i32);

/// Warns of a bool that is used as a descriptor.
fn warn_of_bool(thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
    match object.as_bool() {
        Some(_) => orochi_objects::warn::warn(
            thread,
            &exception::RuntimeWarning,
            "bool is used as a file descriptor",
        ),
        None => Ok(()),
    }
}

/// The descriptor of an object.
pub fn file_descriptor(thread: &mut Thread, object: Ref<'_>) -> PyResult<i32> {
    warn_of_bool(thread, object)?;
    let fd = if int::is_int(object) {
        small_number(thread, object, "fd")
            .map_err(|_| overflow_error("Python int too large to convert to C int"))?
    } else {
        let Some(method) = protocol::find_attr(thread, object, str::intern(thread, "fileno")?)? else {
            return Err(type_error("argument must be an int, or have a fileno() method."));
        };
        let number = protocol::call(thread, method.get(), &[])?;
        if !int::is_int(number.get()) {
            return Err(type_error("fileno() returned a non-integer"));
        }
        small_number(thread, number.get(), "fd")?
    };
    if fd < 0 {
        return Err(value_error(format!("file descriptor cannot be a negative integer ({fd})")));
    }
    Ok(fd)
}

impl<'a> FromArg<'a> for Fildes {
    fn from_arg(thread: &mut Thread, value: Ref<'a>, _context: ArgContext) -> PyResult<Fildes> {
        file_descriptor(thread, value).map(Fildes)
    }
}

/// A user's or group's number; -1 means "leave it as it is".
#[derive(Clone, Copy)]
pub struct Id<const GROUP: bool>(pub u32);

impl<'a, const GROUP: bool> FromArg<'a> for Id<GROUP> {
    fn from_arg(thread: &mut Thread, value: Ref<'a>, _context: ArgContext) -> PyResult<Id<GROUP>> {
        let what = if GROUP { "gid" } else { "uid" };
        let class = class_of(value);
        if class.slots.nb_index().is_none() {
            return Err(type_error(format!("{what} should be integer, not {}", class.name())));
        }
        match int::index_clamped(thread, value)? {
            -1 => Ok(Id(u32::MAX)),
            number if number < 0 => Err(overflow_error(format!("{what} is less than minimum"))),
            number => u32::try_from(number)
                .map(Id)
                .map_err(|_| overflow_error(format!("{what} is greater than maximum"))),
        }
    }
}

/// A str or bytes argument as a C string: `os.fsencode` of it.
pub struct FsText(pub CString);

/// Encodes a str, bytes or PathLike; ValueError if a NUL is inside.
pub fn fs_text(thread: &mut Thread, object: Ref<'_>) -> PyResult<CString> {
    let path = fspath(thread, object)?;
    let encoded = match path.get().downcast::<PyStr>() {
        Some(text) => fs_encode(thread, text)?,
        None => bytes::value(path.get()).unwrap_or_default().to_vec(),
    };
    CString::new(encoded).map_err(|_| value_error("embedded null byte"))
}

impl<'a> FromArg<'a> for FsText {
    fn from_arg(thread: &mut Thread, value: Ref<'a>, _context: ArgContext) -> PyResult<FsText> {
        fs_text(thread, value).map(FsText)
    }
}

/// A list that native code keeps for the interpreter under a name, made on first use.
pub fn kept_list(thread: &mut Thread, name: &str) -> PyResult<Owned<list::PyList>> {
    let key = str::intern(thread, name)?;
    let kept = kept(thread)?;
    if let Some(found) = kept.get_str(thread, key).and_then(Ref::downcast::<list::PyList>) {
        return Ok(found.to_owned());
    }
    let made = list::new(thread, Vec::new())?.into_value();
    let first = keep_first(thread, name, made.get())?;
    first.downcast::<list::PyList>().map_err(|_| orochi_objects::error::system_error("another value is kept"))
}

/// Keeps a value for the interpreter under a name, unless there is one: the value that is kept now. One for all threads.
pub fn keep_first(thread: &mut Thread, name: &str, value: Ref<'_>) -> PyResult {
    let key = str::intern(thread, name)?;
    let kept = kept(thread)?;
    let key = Key::of_str(key);
    dict::set_default(thread, &kept, &key, value).map(|(kept, _)| kept)
}

/// A value that native code keeps for the interpreter under a name.
pub fn kept_value(thread: &mut Thread, name: &str) -> PyResult<Option<Value>> {
    let key = str::intern(thread, name)?;
    let kept = kept(thread)?;
    Ok(kept.get_str(thread, key).map(Ref::to_owned))
}

/// Keeps a value for the interpreter under a name.
pub fn keep_value(thread: &mut Thread, name: &str, value: Value) -> PyResult<()> {
    let key = str::intern(thread, name)?;
    kept(thread)?.set_str(thread, key, value)
}

/// The interpreter's table of what native modules keep.
fn kept(thread: &mut Thread) -> PyResult<Owned<PyDict>> {
    ThreadState::of(thread)
        .interpreter
        .natives
        .get(thread)
        .and_then(|natives| natives.downcast::<PyDict>().ok())
        .ok_or_else(|| orochi_objects::error::system_error("the interpreter has no table of native modules"))
}
