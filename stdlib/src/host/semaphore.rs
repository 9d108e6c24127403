//! Named semaphores, which processes share.

use super::unix::check;
use libc::sem_t;
use std::ffi::CStr;
use std::io;
use std::ptr::NonNull;

/// An open semaphore; closed when dropped. Its name is another matter: see [`unlink`].
#[derive(Debug)]
pub(crate) struct Semaphore(NonNull<sem_t>);

// SAFETY: the pointer is to a semaphore, which is made to be used by many threads; only `drop` closes it.
unsafe impl Send for Semaphore {}
// SAFETY: as above.
unsafe impl Sync for Semaphore {}

impl Semaphore {
    fn opened(semaphore: *mut sem_t) -> io::Result<Semaphore> {
        match NonNull::new(semaphore) {
            Some(pointer) if semaphore != libc::SEM_FAILED => Ok(Semaphore(pointer)),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// A new semaphore, for this user alone. An error if there is one of this name.
    pub(crate) fn create(name: &CStr, value: u32) -> io::Result<Semaphore> {
        let mode: libc::mode_t = 0o600;
        // SAFETY: the name ends in NUL and outlives the call; the variable arguments are those that O_CREAT asks for.
        Self::opened(unsafe { libc::sem_open(name.as_ptr(), libc::O_CREAT | libc::O_EXCL, mode, value) })
    }

    /// The semaphore of this name.
    pub(crate) fn open(name: &CStr) -> io::Result<Semaphore> {
        // SAFETY: the name ends in NUL and outlives the call.
        Self::opened(unsafe { libc::sem_open(name.as_ptr(), 0) })
    }

    /// Takes one if there is one; false if not.
    pub(crate) fn try_wait(&self) -> io::Result<bool> {
        // SAFETY: an open semaphore.
        match check(unsafe { libc::sem_trywait(self.0.as_ptr()) }) {
            Ok(_) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes one, waiting for it until the system's clock shows a time; false if there was none till then.
    pub(crate) fn wait(&self, until: Option<(i64, i64)>) -> io::Result<bool> {
        let Some((tv_sec, tv_nsec)) = until else {
            // SAFETY: an open semaphore.
            return check(unsafe { libc::sem_wait(self.0.as_ptr()) }).map(|_| true);
        };
        let until = libc::timespec { tv_sec, tv_nsec };
        // SAFETY: an open semaphore; the structure is only read.
        match check(unsafe { libc::sem_timedwait(self.0.as_ptr(), &until) }) {
            Ok(_) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::ETIMEDOUT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives one back.
    pub(crate) fn post(&self) -> io::Result<()> {
        // SAFETY: an open semaphore.
        check(unsafe { libc::sem_post(self.0.as_ptr()) }).map(drop)
    }

    /// How many there are; none if somebody waits.
    pub(crate) fn value(&self) -> io::Result<i32> {
        let mut value = 0;
        // SAFETY: an open semaphore, and a place for the number.
        check(unsafe { libc::sem_getvalue(self.0.as_ptr(), &mut value) })?;
        Ok(value.max(0))
    }

    /// A number that tells open semaphores apart.
    pub(crate) fn address(&self) -> usize {
        self.0.as_ptr() as usize
    }
}

impl Drop for Semaphore {
    fn drop(&mut self) {
        // SAFETY: open until here, and not used afterwards.
        unsafe { libc::sem_close(self.0.as_ptr()) };
    }
}

/// Removes a semaphore's name. Who has it open keeps it.
pub(crate) fn unlink(name: &CStr) -> io::Result<()> {
    // SAFETY: the name ends in NUL and outlives the call.
    check(unsafe { libc::sem_unlink(name.as_ptr()) }).map(drop)
}
