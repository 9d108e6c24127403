//! `FileIO`: an open file of the operating system, without a buffer.

use super::base::{RawIoBase, closed_error};
use super::{size_argument, unsupported};
use crate::host::system;
use crate::os_support;
use orochi_core::sync::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::buffer::{ArgBuffer, ArgBytes};
use orochi_objects::error::{type_error, value_error};
use orochi_objects::types::{bytes, exception};
use orochi_objects::{
    ArgSlice, KwArgs, Obj, PyResult, PyType, Ref, Thread, Value, alloc, class_of, float, int, protocol, str,
};

const READABLE: u8 = 1;
const WRITABLE: u8 = 2;
const CREATED: u8 = 4;
const APPENDING: u8 = 8;

/// Open a file.
///
/// The mode can be 'r' (default), 'w', 'x' or 'a' for reading,
/// writing, exclusive creation or appending.  The file will be created if it
/// doesn't exist when opened for writing or appending; it will be truncated
/// when opened for writing.  A FileExistsError will be raised if it already
/// exists when opened for creating. Opening a file for creating implies
/// writing so this mode behaves in a similar way to 'w'.Add a '+' to the mode
/// to allow simultaneous reading and writing. A custom opener can be used by
/// passing a callable as *opener*. The underlying file descriptor for the file
/// object is then obtained by calling opener with (*name*, *flags*).
/// *opener* must return an open file descriptor (passing os.open as *opener*
/// results in functionality similar to passing None).
#[pyclass(name = "FileIO", module = "_io", base = RawIoBase, subclassable, dict, weakref)]
#[derive(Trace)]
pub(super) struct FileIo {
    /// The descriptor plus one; 0: closed.
    fd: AtomicU32,
    mode: AtomicU8,
    closefd: AtomicBool,
    /// 0: not known, 1: no, 2: yes.
    seekable: AtomicU8,
    block: AtomicU64,
    finalizing: AtomicBool,
}

/// Mode bits and flags of a mode text.
fn parse_mode(mode: &str) -> PyResult<(u8, i32)> {
    let (mut bits, mut flags, mut kinds, mut plus) = (0, 0, 0, 0);
    for letter in mode.chars() {
        match letter {
            'x' => (bits, flags, kinds) = (CREATED | WRITABLE, libc::O_EXCL | libc::O_CREAT, kinds + 1),
            'r' => (bits, kinds) = (READABLE, kinds + 1),
            'w' => (bits, flags, kinds) = (WRITABLE, libc::O_CREAT | libc::O_TRUNC, kinds + 1),
            'a' => (bits, flags, kinds) = (WRITABLE | APPENDING, libc::O_APPEND | libc::O_CREAT, kinds + 1),
            'b' => {}
            '+' => plus += 1,
            _ => return Err(value_error(format!("invalid mode: {mode}"))),
        }
    }
    if kinds != 1 || plus > 1 {
        return Err(value_error(
            "Must have exactly one of create/read/write/append mode and at most one plus",
        ));
    }
    if plus == 1 {
        bits |= READABLE | WRITABLE;
    }
    flags |= match bits & (READABLE | WRITABLE) {
        READABLE => libc::O_RDONLY,
        WRITABLE => libc::O_WRONLY,
        _ => libc::O_RDWR,
    };
    Ok((bits, flags | libc::O_CLOEXEC))
}

impl FileIo {
    pub(super) fn empty() -> FileIo {
        FileIo {
            fd: AtomicU32::new(0),
            mode: AtomicU8::new(0),
            closefd: AtomicBool::new(true),
            seekable: AtomicU8::new(0),
            block: AtomicU64::new(super::BUFFER_SIZE as u64),
            finalizing: AtomicBool::new(false),
        }
    }

    /// The descriptor, or ValueError.
    pub(super) fn open_fd(&self) -> PyResult<i32> {
        // Relaxed: a number is all there is.
        match self.fd.load(Ordering::Relaxed) {
            0 => Err(closed_error()),
            fd => Ok((fd - 1) as i32),
        }
    }

    fn has(&self, bit: u8) -> bool {
        self.mode.load(Ordering::Relaxed) & bit != 0
    }

    pub(super) fn check(&self, thread: &mut Thread, bit: u8) -> PyResult<i32> {
        let fd = self.open_fd()?;
        if self.has(bit) {
            return Ok(fd);
        }
        let what = if bit == READABLE { "reading" } else { "writing" };
        Err(unsupported(thread, &format!("File not open for {what}")))
    }

    /// Opens; see the class.
    pub(super) fn initialise(
        thread: &mut Thread,
        this: &Obj<FileIo>,
        file: Ref<'_>,
        mode: &str,
        closefd: bool,
        opener: Option<Ref<'_>>,
    ) -> PyResult<()> {
        if this.fd.load(Ordering::Relaxed) != 0 && this.closefd.load(Ordering::Relaxed) {
            close_now(thread, this)?;
        }
        this.fd.store(0, Ordering::Relaxed);
        if float::value(file).is_some() {
            let name = class_of(file).name();
            return Err(type_error(format!("expected str, bytes or os.PathLike object, not {name}")));
        }
        let (bits, flags) = if int::is_int(file) {
            let fd = os_support::small_number(thread, file, "fd")?;
            if fd < 0 {
                return Err(value_error("negative file descriptor"));
            }
            let parsed = parse_mode(mode)?;
            this.adopt(fd, parsed.0, closefd);
            parsed
        } else {
            Self::open_named(thread, this, file, mode, closefd, opener)?
        };
        let _ = flags;
        let looked = Self::look(thread, this, file)
            .and_then(|()| protocol::set_attr_str(thread, this.get(), "name", file));
        if let Err(error) = looked {
            if int::is_int(file) {
                this.fd.store(0, Ordering::Relaxed);
            } else {
                let _ = close_now(thread, this);
            }
            return Err(error);
        }
        if bits & APPENDING != 0 {
            let fd = this.open_fd()?;
            let _ = os_support::blocking(thread, || system::lseek(fd, 0, libc::SEEK_END))?;
        }
        Ok(())
    }

    fn adopt(&self, fd: i32, bits: u8, closefd: bool) {
        self.mode.store(bits, Ordering::Relaxed);
        self.closefd.store(closefd, Ordering::Relaxed);
        self.seekable.store(0, Ordering::Relaxed);
        self.fd.store(fd as u32 + 1, Ordering::Relaxed);
    }

    fn open_named(
        thread: &mut Thread,
        this: &Obj<FileIo>,
        file: Ref<'_>,
        mode: &str,
        closefd: bool,
        opener: Option<Ref<'_>>,
    ) -> PyResult<(u8, i32)> {
        let path = os_support::fs_text(thread, file)?;
        let (bits, flags) = parse_mode(mode)?;
        if !closefd {
            return Err(value_error("Cannot use closefd=False with file name"));
        }
        let fd = match opener.filter(|opener| !opener.is_none()) {
            None => {
                let opened =
                    os_support::blocking(thread, || system::openat(libc::AT_FDCWD, &path, flags, 0o666))?;
                opened.map_err(|error| os_support::os_failure(thread, &error, Some(file.to_owned())))?
            }
            Some(opener) => {
                let flags = int::new(thread, flags.into())?;
                let fd = protocol::call(thread, opener, &[file, flags.get()])?;
                if !int::is_int(fd.get()) {
                    return Err(type_error("expected integer from opener"));
                }
                let fd = os_support::small_number(thread, fd.get(), "fd")?;
                if fd < 0 {
                    return Err(value_error(format!("opener returned {fd}")));
                }
                os_support::plain(thread, system::set_inheritable(fd, false))?;
                fd
            }
        };
        this.adopt(fd, bits, true);
        Ok((bits, flags))
    }

    /// Directories can't be opened; other files say how large their blocks are.
    fn look(thread: &mut Thread, this: &Obj<FileIo>, file: Ref<'_>) -> PyResult<()> {
        let fd = this.open_fd()?;
        match os_support::blocking(thread, || system::fstat(fd))? {
            Ok(stat) if stat.st_mode & libc::S_IFMT == libc::S_IFDIR => {
                let error = std::io::Error::from_raw_os_error(libc::EISDIR);
                Err(os_support::os_failure(thread, &error, Some(file.to_owned())))
            }
            Ok(stat) => {
                if stat.st_blksize > 1 {
                    this.block.store(stat.st_blksize as u64, Ordering::Relaxed);
                }
                Ok(())
            }
            Err(error) if error.raw_os_error() == Some(libc::EBADF) => {
                Err(os_support::os_failure(thread, &error, None))
            }
            Err(_) => Ok(()),
        }
    }

    pub(super) fn block_size(&self) -> usize {
        self.block.load(Ordering::Relaxed) as usize
    }

    /// Reads once; `None` if it would block.
    pub(super) fn read_once(
        thread: &mut Thread,
        this: &Obj<FileIo>,
        into: &mut [u8],
    ) -> PyResult<Option<usize>> {
        let fd = this.check(thread, READABLE)?;
        match os_support::blocking(thread, || system::read(fd, into))? {
            Ok(n) => Ok(Some(n)),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(os_support::os_failure(thread, &error, None)),
        }
    }

    /// Writes once; `None` if it would block.
    pub(super) fn write_once(
        thread: &mut Thread,
        this: &Obj<FileIo>,
        bytes: &[u8],
    ) -> PyResult<Option<usize>> {
        let fd = this.check(thread, WRITABLE)?;
        match os_support::blocking(thread, || system::write(fd, bytes))? {
            Ok(n) => Ok(Some(n)),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(os_support::os_failure(thread, &error, None)),
        }
    }

    /// Moves the position.
    pub(super) fn seek_to(
        thread: &mut Thread,
        this: &Obj<FileIo>,
        offset: i64,
        whence: i32,
    ) -> PyResult<i64> {
        let fd = this.open_fd()?;
        let position = os_support::call(thread, || system::lseek(fd, offset, whence));
        this.seekable.store(if position.is_ok() { 2 } else { 1 }, Ordering::Relaxed);
        position
    }

    /// Everything up to the end.
    pub(super) fn read_rest(thread: &mut Thread, this: &Obj<FileIo>) -> PyResult<Option<Vec<u8>>> {
        let fd = this.check(thread, READABLE)?;
        let size = system::fstat(fd).map_or(0, |stat| stat.st_size);
        let here = system::lseek(fd, 0, libc::SEEK_CUR).unwrap_or(0);
        let expected = usize::try_from(size - here).unwrap_or(0);
        let mut all = os_support::zeroed(expected.saturating_add(1).max(4096))?;
        let mut len = 0;
        loop {
            if len == all.len() {
                let more = (len / 2).max(super::BUFFER_SIZE);
                all.try_reserve(more).map_err(|_| orochi_objects::error::memory_error())?;
                all.resize(len + more, 0);
            }
            let Some(rest) = all.get_mut(len..) else { break };
            match Self::read_once(thread, this, rest)? {
                Some(0) => break,
                Some(n) => len += n,
                None if len == 0 => return Ok(None),
                None => break,
            }
        }
        all.truncate(len);
        Ok(Some(all))
    }
}

/// Closes the descriptor, once.
fn close_now(thread: &mut Thread, this: &Obj<FileIo>) -> PyResult<()> {
    match this.fd.swap(0, Ordering::Relaxed) {
        0 => Ok(()),
        fd => match thread.detached(|| system::close((fd - 1) as i32)) {
            Err(error) if error.raw_os_error() != Some(libc::EINTR) => {
                Err(os_support::os_failure(thread, &error, None))
            }
            _ => Ok(()),
        },
    }
}

fn mode_text(this: &FileIo) -> &'static str {
    let plus = this.has(READABLE) && this.has(WRITABLE);
    match (this.has(CREATED), this.has(APPENDING), plus) {
        (true, _, true) => "xb+",
        (true, _, false) => "xb",
        (_, true, true) => "ab+",
        (_, true, false) => "ab",
        (_, _, true) => "rb+",
        _ if this.has(READABLE) => "rb",
        _ => "wb",
    }
}

/// Warns of a file that nobody has closed.
fn warn_unclosed(thread: &mut Thread, this: &Obj<FileIo>, source: Ref<'_>) {
    if this.fd.load(Ordering::Relaxed) == 0 || !this.closefd.load(Ordering::Relaxed) {
        return;
    }
    if let Ok(shown) = protocol::repr(thread, source) {
        let text = format!("unclosed file {}", str::display(shown.get()));
        let _ = orochi_objects::warn::warn(thread, &exception::ResourceWarning, &text);
    }
}

#[pymethods]
impl FileIo {
    #[new]
    #[signature(*args, **kwargs)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, args: ArgSlice<'_>, kwargs: KwArgs<'_>) -> PyResult {
        let _ = (args, kwargs);
        Ok(alloc(thread, cls, FileIo::empty())?.into_value())
    }

    #[init]
    #[signature(file, mode="r", closefd=true as "True", opener=None)]
    fn init(
        thread: &mut Thread,
        this: &Obj<Self>,
        file: Ref<'_>,
        mode: &str,
        closefd: bool,
        opener: Option<Ref<'_>>,
    ) -> PyResult<()> {
        FileIo::initialise(thread, this, file, mode, closefd, opener)
    }

    /// Read at most size bytes, returned as bytes.
    ///
    /// If size is less than 0, read all bytes in the file making multiple read calls.
    /// See ``FileIO.readall``.
    ///
    /// Attempts to make only one system call, retrying only per PEP 475 (EINTR). This
    /// means less data may be returned than requested.
    ///
    /// In non-blocking mode, returns None if no data is available. Return an empty
    /// bytes object at EOF.
    #[signature(size=None as "-1", /)]
    fn read(thread: &mut Thread, this: &Obj<Self>, size: Option<Ref<'_>>) -> PyResult {
        this.check(thread, READABLE)?;
        let Some(size) = size_argument(thread, size)? else {
            return Self::readall(thread, this);
        };
        let mut buffer = os_support::zeroed(size)?;
        match FileIo::read_once(thread, this, &mut buffer)? {
            Some(n) => bytes::new(thread, buffer.get(..n).unwrap_or_default()),
            None => Ok(Value::NONE),
        }
    }

    /// Read all data from the file, returned as bytes.
    ///
    /// Reads until either there is an error or read() returns size 0 (indicates EOF).
    /// If the file is already at EOF, returns an empty bytes object.
    ///
    /// In non-blocking mode, returns as much data as could be read before EAGAIN. If no
    /// data is available (EAGAIN is returned before bytes are read) returns None.
    fn readall(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match FileIo::read_rest(thread, this)? {
            Some(all) => bytes::new(thread, &all),
            None => Ok(Value::NONE),
        }
    }

    /// Same as RawIOBase.readinto().
    fn readinto(thread: &mut Thread, this: &Obj<Self>, buffer: ArgBuffer) -> PyResult<Option<usize>> {
        let result = os_support::zeroed(buffer.len()).and_then(|mut bytes| {
            let n = FileIo::read_once(thread, this, &mut bytes)?;
            buffer.write(thread, 0, bytes.get(..n.unwrap_or(0)).unwrap_or_default());
            Ok(n)
        });
        buffer.finish(thread);
        result
    }

    /// Write buffer b to file, return number of bytes written.
    ///
    /// Only makes one system call, so not all of the data may be written.
    /// The number of bytes actually written is returned.  In non-blocking mode,
    /// returns None if the write would block.
    fn write(thread: &mut Thread, this: &Obj<Self>, b: ArgBytes<'_>) -> PyResult<Option<usize>> {
        FileIo::write_once(thread, this, &b)
    }

    /// Move to new file position and return the file position.
    ///
    /// Argument offset is a byte count.  Optional argument whence defaults to
    /// SEEK_SET or 0 (offset from start of file, offset should be >= 0); other values
    /// are SEEK_CUR or 1 (move relative to current position, positive or negative),
    /// and SEEK_END or 2 (move relative to end of file, usually negative, although
    /// many platforms allow seeking beyond the end of a file).
    ///
    /// Note that not all file objects are seekable.
    #[signature(pos, whence=0, /)]
    fn seek(thread: &mut Thread, this: &Obj<Self>, pos: i64, whence: i32) -> PyResult<i64> {
        FileIo::seek_to(thread, this, pos, whence)
    }

    /// Current file position.
    ///
    /// Can raise OSError for non seekable files.
    fn tell(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        FileIo::seek_to(thread, this, 0, libc::SEEK_CUR)
    }

    /// Truncate the file to at most size bytes and return the truncated size.
    ///
    /// Size defaults to the current file position, as returned by tell().
    /// The current file position is changed to the value of size.
    #[signature(size=None, /)]
    fn truncate(thread: &mut Thread, this: &Obj<Self>, size: Option<i64>) -> PyResult<i64> {
        let fd = this.check(thread, WRITABLE)?;
        let size = match size {
            Some(size) => size,
            None => FileIo::seek_to(thread, this, 0, libc::SEEK_CUR)?,
        };
        os_support::call(thread, || system::ftruncate(fd, size))?;
        Ok(size)
    }

    /// Close the file.
    ///
    /// A closed file cannot be used for further I/O operations.  close() may be
    /// called more than once without error.
    fn close(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        let flushed = if this.fd.load(Ordering::Relaxed) == 0 {
            Ok(Value::NONE)
        } else {
            protocol::call_method(thread, this.get(), "flush", &[])
        };
        if this.finalizing.load(Ordering::Relaxed) {
            warn_unclosed(thread, this, this.get());
        }
        let closed = if this.closefd.load(Ordering::Relaxed) {
            close_now(thread, this)
        } else {
            this.fd.store(0, Ordering::Relaxed);
            Ok(())
        };
        flushed?;
        closed
    }

    /// True if file supports random-access.
    fn seekable(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        let fd = this.open_fd()?;
        match this.seekable.load(Ordering::Relaxed) {
            0 => {
                let able = thread.detached(|| system::lseek(fd, 0, libc::SEEK_CUR)).is_ok();
                this.seekable.store(1 + u8::from(able), Ordering::Relaxed);
                Ok(able)
            }
            known => Ok(known == 2),
        }
    }

    /// True if file was opened in a read mode.
    fn readable(this: &Obj<Self>) -> PyResult<bool> {
        this.open_fd()?;
        Ok(this.has(READABLE))
    }

    /// True if file was opened in a write mode.
    fn writable(this: &Obj<Self>) -> PyResult<bool> {
        this.open_fd()?;
        Ok(this.has(WRITABLE))
    }

    /// Return the underlying file descriptor (an integer).
    fn fileno(this: &Obj<Self>) -> PyResult<i32> {
        this.open_fd()
    }

    /// True if the file is connected to a TTY device.
    fn isatty(this: &Obj<Self>) -> PyResult<bool> {
        Ok(system::isatty(this.open_fd()?) != 0)
    }

    fn _isatty_open_only(this: &Obj<Self>) -> PyResult<bool> {
        Ok(system::isatty(this.open_fd()?) != 0)
    }

    fn _dealloc_warn(thread: &mut Thread, this: &Obj<Self>, source: Ref<'_>) {
        warn_unclosed(thread, this, source);
    }

    fn __getstate__(this: &Obj<Self>) -> PyResult<()> {
        let name = class_of(this.get()).name();
        Err(type_error(format!("cannot pickle '{name}' instances")))
    }

    /// True if the file is closed
    #[getter]
    fn closed(this: &Obj<Self>) -> bool {
        this.fd.load(Ordering::Relaxed) == 0
    }

    /// True if the file descriptor will be closed by close().
    #[getter]
    fn closefd(this: &Obj<Self>) -> bool {
        this.closefd.load(Ordering::Relaxed)
    }

    /// String giving the file mode
    #[getter]
    fn mode(this: &Obj<Self>) -> &'static str {
        mode_text(this)
    }

    #[getter]
    fn _blksize(this: &Obj<Self>) -> u64 {
        this.block.load(Ordering::Relaxed)
    }

    #[getter]
    fn _finalizing(this: &Obj<Self>) -> bool {
        this.finalizing.load(Ordering::Relaxed)
    }

    // `set_` and the attribute's name, which has an underscore in front.
    #[allow(non_snake_case, reason = "the macro tells the attribute from the name")]
    #[setter]
    fn set__finalizing(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let value = protocol::is_true(thread, value.unwrap_or(Ref::FALSE))?;
        this.finalizing.store(value, Ordering::Relaxed);
        Ok(())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let class = class_of(this.get());
        let class = format!("{}.{}", if class.native().is_some() { "_io" } else { "" }, class.name());
        let class = class.trim_start_matches('.');
        let Ok(fd) = this.open_fd() else { return str::new(thread, &format!("<{class} [closed]>")) };
        let closefd = if this.closefd.load(Ordering::Relaxed) { "True" } else { "False" };
        let mode = mode_text(this);
        let name = protocol::find_attr(thread, this.get(), str::intern(thread, "name")?)?;
        let text = match name {
            Some(name) => {
                let name = super::name_shown(thread, this.get(), name.get())?;
                format!("<{class} name={} mode='{mode}' closefd={closefd}>", str::display(name.get()))
            }
            None => format!("<{class} fd={fd} mode='{mode}' closefd={closefd}>"),
        };
        str::new(thread, &text)
    }

    #[slot]
    fn tp_finalize(thread: &mut Thread, this: Ref<'_>) -> PyResult<()> {
        super::base::finalize(thread, this)
    }
}
