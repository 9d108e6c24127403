//! `posix`: the system calls behind `os`. One file per field; arguments that are paths and the way blocking calls are made
//! are in `os_support`.

mod config_names;
mod constants;
mod directory;
mod environ;
mod files;
mod ids;
mod path;
pub(crate) mod process;
mod scandir;
pub(crate) mod stat;

use orochi_macros::pymodule;
use orochi_objects::types::{exception, list};
use orochi_objects::{ModuleExt, Obj, PyModule, PyResult, Thread, str};

/// This module provides access to operating system functionality that is
/// standardized by the C Standard and the POSIX standard (a thinly
/// disguised Unix interface).  Refer to the library manual and
/// corresponding Unix manual entries for more information on calls.
#[pymodule(
    name = "posix",
    functions(
        files::open,
        files::close,
        files::closerange,
        files::dup,
        files::dup2,
        files::lseek,
        files::read,
        files::readinto,
        files::write,
        files::pread,
        files::pwrite,
        files::writev,
        files::pwritev,
        files::readv,
        files::preadv,
        files::fsync,
        files::fdatasync,
        files::sync,
        files::truncate,
        files::ftruncate,
        files::lockf,
        files::posix_fadvise,
        files::posix_fallocate,
        files::pipe,
        files::pipe2,
        files::get_inheritable,
        files::set_inheritable,
        files::get_blocking,
        files::set_blocking,
        files::isatty,
        files::sendfile,
        files::copy_file_range,
        files::splice,
        files::eventfd,
        files::eventfd_read,
        files::eventfd_write,
        files::memfd_create,
        files::timerfd_create,
        files::timerfd_gettime,
        files::timerfd_gettime_ns,
        files::timerfd_settime,
        files::timerfd_settime_ns,
        files::getxattr,
        files::setxattr,
        files::removexattr,
        files::listxattr,
        stat::stat,
        stat::lstat,
        stat::fstat,
        stat::statvfs,
        stat::fstatvfs,
        stat::access,
        stat::chmod,
        stat::fchmod,
        stat::chown,
        stat::lchown,
        stat::fchown,
        stat::utime,
        stat::umask,
        stat::major,
        stat::minor,
        stat::makedev,
        directory::listdir,
        directory::mkdir,
        directory::mkfifo,
        directory::mknod,
        directory::rmdir,
        directory::unlink,
        directory::remove,
        directory::rename,
        directory::replace,
        directory::link,
        directory::symlink,
        directory::readlink,
        directory::chdir,
        directory::fchdir,
        directory::chroot,
        directory::getcwd,
        directory::getcwdb,
        scandir::scandir,
        path::fspath,
        path::_path_normpath,
        path::_path_splitroot_ex,
        environ::_create_environ,
        environ::putenv,
        environ::unsetenv,
        environ::strerror,
        environ::uname,
        environ::times,
        environ::get_terminal_size,
        environ::cpu_count,
        environ::_is_inputhook_installed,
        environ::getloadavg,
        environ::urandom,
        environ::getrandom,
        environ::device_encoding,
        environ::sysconf,
        environ::pathconf,
        environ::fpathconf,
        environ::confstr,
        ids::getpid,
        ids::getppid,
        ids::getpgrp,
        ids::getuid,
        ids::geteuid,
        ids::getgid,
        ids::getegid,
        ids::setuid,
        ids::seteuid,
        ids::setreuid,
        ids::setresuid,
        ids::setgid,
        ids::setegid,
        ids::setregid,
        ids::setresgid,
        ids::setpgid,
        ids::kill,
        ids::killpg,
        ids::sched_yield,
        ids::tcsetpgrp,
        ids::grantpt,
        ids::unlockpt,
        ids::setsid,
        ids::getpgid,
        ids::getsid,
        ids::setpgrp,
        ids::getresuid,
        ids::getresgid,
        ids::getgroups,
        ids::setgroups,
        ids::getgrouplist,
        ids::initgroups,
        ids::getlogin,
        ids::nice,
        ids::getpriority,
        ids::setpriority,
        ids::sched_get_priority_max,
        ids::sched_get_priority_min,
        ids::sched_getscheduler,
        ids::sched_getparam,
        ids::sched_setparam,
        ids::sched_setscheduler,
        ids::sched_rr_get_interval,
        ids::sched_getaffinity,
        ids::sched_setaffinity,
        ids::tcgetpgrp,
        ids::ttyname,
        ids::ptsname,
        ids::ctermid,
        ids::posix_openpt,
        ids::openpty,
        ids::login_tty,
        ids::unshare,
        ids::setns,
        process::register_at_fork,
        process::fork,
        process::forkpty,
        process::_exit,
        process::abort,
        process::system_,
        process::waitpid,
        process::wait,
        process::wait3,
        process::wait4,
        process::waitid,
        process::pidfd_open,
        process::waitstatus_to_exitcode,
        process::WCOREDUMP,
        process::WEXITSTATUS,
        process::WIFCONTINUED,
        process::WIFEXITED,
        process::WIFSIGNALED,
        process::WIFSTOPPED,
        process::WSTOPSIG,
        process::WTERMSIG,
        process::execv,
        process::execve,
        process::posix_spawn,
        process::posix_spawnp
    ),
    classes(scandir::DirEntry)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for (name, number) in constants::CONSTANTS {
        module.add(thread, name, *number)?;
    }
    let mut functions = Vec::new();
    for name in constants::FUNCTIONS {
        functions.push(str::new(thread, name)?);
    }
    let functions = list::new(thread, functions)?;
    module.add(thread, "_have_functions", functions)?;
    let tables = [
        ("pathconf_names", config_names::PATHCONF),
        ("confstr_names", config_names::CONFSTR),
        ("sysconf_names", config_names::SYSCONF),
    ];
    for (name, table) in tables {
        let table = environ::table(thread, table)?;
        module.add(thread, name, table)?;
    }
    let structures = [
        &stat::STAT_RESULT,
        &stat::STATVFS_RESULT,
        &environ::UNAME_RESULT,
        &environ::TIMES_RESULT,
        &environ::TERMINAL_SIZE,
        &ids::SCHED_PARAM,
        &process::WAITID_RESULT,
    ];
    for structure in structures {
        let class = structure.class(thread)?;
        module.add(thread, structure.class.spec().name, class)?;
    }
    module.add(thread, "error", exception::OSError.get())?;
    let environment = environ::_create_environ(thread)?;
    module.add(thread, "environ", environment)
}
