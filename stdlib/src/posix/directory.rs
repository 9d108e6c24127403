//! Directories and names in them: listing, making, removing, renaming, links.

use crate::host::system;
use crate::os_support::{self, DirFd, Path, PathArg, PathOrFd};
use orochi_macros::pyfunction;

use orochi_objects::types::{bytes, list};
use orochi_objects::{PyResult, Thread};

/// Return a list containing the names of the files in the directory.
///
/// path can be specified as either str, bytes, or a path-like object.  If path is bytes,
///   the filenames returned will also be bytes; in all other circumstances
///   the filenames returned will be str.
/// If path is None, uses the path='.'.
/// On some platforms, path may also be specified as an open file descriptor;\
///   the file descriptor must refer to a directory.
///   If this functionality is unavailable, using it raises NotImplementedError.
///
/// The list is in arbitrary order.  It does not include the special
/// entries '.' and '..' even if they are present in the directory.
#[pyfunction]
#[signature(path=PathArg::missing("listdir") as "None")]
pub(super) fn listdir(thread: &mut Thread, path: PathArg<3>) -> PyResult {
    let names = os_support::call_path(thread, &path, || {
        let mut directory = system::Directory::open(path.target())?;
        let mut names = Vec::new();
        while let Some(entry) = directory.next()? {
            names.push(entry.name);
        }
        Ok(names)
    })?;
    let mut values = Vec::with_capacity(names.len());
    for name in names {
        values.push(path.result(thread, &name)?);
    }
    Ok(list::new(thread, values)?.into_value())
}

/// Create a directory.
///
/// If dir_fd is not None, it should be a file descriptor open to a directory,
///   and path should be relative; path will then be relative to that directory.
/// dir_fd may not be implemented on your platform.
///   If it is unavailable, using it will raise a NotImplementedError.
///
/// The mode argument is ignored on Windows. Where it is used, the current umask
/// value is first masked out.
#[pyfunction]
#[signature(path, mode=0o777 as "511", *, dir_fd=DirFd::CWD as "None")]
pub(super) fn mkdir(thread: &mut Thread, path: Path, mode: i32, dir_fd: DirFd) -> PyResult<()> {
    os_support::call_path(thread, &path, || system::mkdirat(dir_fd.0, &path.path, mode as u32)).map(drop)
}

/// Create a "fifo" (a POSIX named pipe).
#[pyfunction]
#[signature(path, mode=0o666 as "438", *, dir_fd=DirFd::CWD as "None")]
pub(super) fn mkfifo(thread: &mut Thread, path: Path, mode: i32, dir_fd: DirFd) -> PyResult<()> {
    os_support::call_path(thread, &path, || system::mkfifoat(dir_fd.0, &path.path, mode as u32)).map(drop)
}

/// Create a node in the file system.
#[pyfunction]
#[signature(path, mode=0o600 as "384", device=0, *, dir_fd=DirFd::CWD as "None")]
pub(super) fn mknod(thread: &mut Thread, path: Path, mode: i32, device: u64, dir_fd: DirFd) -> PyResult<()> {
    os_support::call_path(thread, &path, || system::mknodat(dir_fd.0, &path.path, mode as u32, device))
        .map(drop)
}

/// Remove a directory.
///
/// If dir_fd is not None, it should be a file descriptor open to a directory,
///   and path should be relative; path will then be relative to that directory.
/// dir_fd may not be implemented on your platform.
///   If it is unavailable, using it will raise a NotImplementedError.
#[pyfunction]
#[signature(path, *, dir_fd=DirFd::CWD as "None")]
pub(super) fn rmdir(thread: &mut Thread, path: Path, dir_fd: DirFd) -> PyResult<()> {
    os_support::call_path(thread, &path, || system::unlinkat(dir_fd.0, &path.path, libc::AT_REMOVEDIR))
        .map(drop)
}

/// Remove a file (same as remove()).
///
/// If dir_fd is not None, it should be a file descriptor open to a directory,
///   and path should be relative; path will then be relative to that directory.
/// dir_fd may not be implemented on your platform.
///   If it is unavailable, using it will raise a NotImplementedError.
#[pyfunction]
#[signature(path, *, dir_fd=DirFd::CWD as "None")]
pub(super) fn unlink(thread: &mut Thread, path: Path, dir_fd: DirFd) -> PyResult<()> {
    os_support::call_path(thread, &path, || system::unlinkat(dir_fd.0, &path.path, 0)).map(drop)
}

/// Remove a file (same as unlink()).
///
/// If dir_fd is not None, it should be a file descriptor open to a directory,
///   and path should be relative; path will then be relative to that directory.
/// dir_fd may not be implemented on your platform.
///   If it is unavailable, using it will raise a NotImplementedError.
#[pyfunction]
#[signature(path, *, dir_fd=DirFd::CWD as "None")]
pub(super) fn remove(thread: &mut Thread, path: Path, dir_fd: DirFd) -> PyResult<()> {
    os_support::call_path(thread, &path, || system::unlinkat(dir_fd.0, &path.path, 0)).map(drop)
}

/// Rename a file or directory.
///
/// If either src_dir_fd or dst_dir_fd is not None, it should be a file
///   descriptor open to a directory, and the respective path string (src or dst)
///   should be relative; the path will then be relative to that directory.
/// src_dir_fd and dst_dir_fd, may not be implemented on your platform.
///   If they are unavailable, using them will raise a NotImplementedError.
#[pyfunction]
#[signature(src, dst, *, src_dir_fd=DirFd::CWD as "None", dst_dir_fd=DirFd::CWD as "None")]
pub(super) fn rename(
    thread: &mut Thread,
    src: Path,
    dst: Path,
    src_dir_fd: DirFd,
    dst_dir_fd: DirFd,
) -> PyResult<()> {
    os_support::call_paths(thread, &src, &dst, || {
        system::renameat(src_dir_fd.0, &src.path, dst_dir_fd.0, &dst.path)
    })
    .map(drop)
}

/// Rename a file or directory, overwriting the destination.
///
/// If either src_dir_fd or dst_dir_fd is not None, it should be a file
///   descriptor open to a directory, and the respective path string (src or dst)
///   should be relative; the path will then be relative to that directory.
/// src_dir_fd and dst_dir_fd, may not be implemented on your platform.
///   If they are unavailable, using them will raise a NotImplementedError.
#[pyfunction]
#[signature(src, dst, *, src_dir_fd=DirFd::CWD as "None", dst_dir_fd=DirFd::CWD as "None")]
pub(super) fn replace(
    thread: &mut Thread,
    src: Path,
    dst: Path,
    src_dir_fd: DirFd,
    dst_dir_fd: DirFd,
) -> PyResult<()> {
    rename(thread, src, dst, src_dir_fd, dst_dir_fd)
}

/// Create a hard link to a file.
#[pyfunction]
#[signature(src, dst, *, src_dir_fd=DirFd::CWD as "None", dst_dir_fd=DirFd::CWD as "None", follow_symlinks=<missing>)]
pub(super) fn link(
    thread: &mut Thread,
    src: Path,
    dst: Path,
    src_dir_fd: DirFd,
    dst_dir_fd: DirFd,
    follow_symlinks: Option<bool>,
) -> PyResult<()> {
    let flags = if follow_symlinks == Some(false) { 0 } else { libc::AT_SYMLINK_FOLLOW };
    os_support::call_paths(thread, &src, &dst, || {
        system::linkat(src_dir_fd.0, &src.path, dst_dir_fd.0, &dst.path, flags)
    })
    .map(drop)
}

/// Create a symbolic link pointing to src named dst.
///
/// target_is_directory is required on Windows if the target is to be
///   interpreted as a directory.  (On Windows, symlink requires
///   Windows 6.0 or greater, and raises a NotImplementedError otherwise.)
///   target_is_directory is ignored on non-Windows platforms.
#[pyfunction]
#[signature(src, dst, target_is_directory=false as "False", *, dir_fd=DirFd::CWD as "None")]
pub(super) fn symlink(
    thread: &mut Thread,
    src: Path,
    dst: Path,
    target_is_directory: bool,
    dir_fd: DirFd,
) -> PyResult<()> {
    let _ = target_is_directory;
    os_support::call_paths(thread, &src, &dst, || system::symlinkat(&src.path, dir_fd.0, &dst.path)).map(drop)
}

/// Return a string representing the path to which the symbolic link points.
///
/// If dir_fd is not None, it should be a file descriptor open to a directory,
/// and path should be relative; path will then be relative to that directory.
///
/// dir_fd may not be implemented on your platform.  If it is unavailable,
/// using it will raise a NotImplementedError.
#[pyfunction]
#[signature(path, *, dir_fd=DirFd::CWD as "None")]
pub(super) fn readlink(thread: &mut Thread, path: Path, dir_fd: DirFd) -> PyResult {
    let target = os_support::call_path(thread, &path, || system::readlinkat(dir_fd.0, &path.path))?;
    path.result(thread, &target)
}

/// Change the current working directory to the specified path.
///
/// path may always be specified as a string.
/// On some platforms, path may also be specified as an open file descriptor.
/// If this functionality is unavailable, using it raises an exception.
#[pyfunction]
#[signature(path)]
pub(super) fn chdir(thread: &mut Thread, path: PathOrFd) -> PyResult<()> {
    os_support::call_path(thread, &path, || match path.target() {
        Ok(path) => system::chdir(path),
        Err(fd) => system::fchdir(fd),
    })
    .map(drop)
}

/// Change to the directory of the given file descriptor.
///
/// fd must be opened on a directory, not a file.
/// Equivalent to os.chdir(fd).
#[pyfunction]
#[signature(fd)]
pub(super) fn fchdir(thread: &mut Thread, fd: os_support::Fildes) -> PyResult<()> {
    os_support::call(thread, || system::fchdir(fd.0)).map(drop)
}

/// Change root directory to path.
#[pyfunction]
#[signature(path)]
pub(super) fn chroot(thread: &mut Thread, path: Path) -> PyResult<()> {
    os_support::call_path(thread, &path, || system::chroot(&path.path)).map(drop)
}

/// Return a unicode string representing the current working directory.
#[pyfunction]
pub(super) fn getcwd(thread: &mut Thread) -> PyResult {
    let path = os_support::call(thread, system::getcwd)?;
    os_support::fs_decode(thread, &path)
}

/// Return a bytes string representing the current working directory.
#[pyfunction]
pub(super) fn getcwdb(thread: &mut Thread) -> PyResult {
    let path = os_support::call(thread, system::getcwd)?;
    bytes::new(thread, &path)
}
