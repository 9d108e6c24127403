//! Files and other memory mapped into the process.
//!
//! Other processes, and other mappings of the file, may change the memory at any time, so nobody gets a slice of it: bytes
//! are copied out and in. A file that is truncated under its mapping has no memory behind its end: who touches that gets
//! SIGBUS, as in every program.

use super::unix::{self as system, check};
use libc::c_int;
use orochi_core::racy;
use std::io;
use std::ops::Range;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::NonNull;

/// Mapped memory; unmapped when dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    address: NonNull<u8>,
    len: usize,
    /// The memory may be read. (Some processors allow writing only with reading.)
    readable: bool,
    writable: bool,
}

// SAFETY: memory of the process, which every thread may use; only `&mut` unmaps or moves it.
unsafe impl Send for Mapping {}
// SAFETY: as above; reading and writing copies bytes.
unsafe impl Sync for Mapping {}

/// How much is searched at a time.
const CHUNK: usize = 1 << 16;

fn out_of_range() -> io::Error {
    io::Error::from_raw_os_error(libc::EFAULT)
}

/// Another descriptor of an open file, which isn't inherited.
pub(crate) fn duplicate(fd: c_int) -> io::Result<OwnedFd> {
    let copy = system::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0)?;
    // SAFETY: the call made it; nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

impl Mapping {
    /// Maps `len` bytes of a file from `offset` on, or (with MAP_ANONYMOUS and the descriptor -1) new memory.
    pub(crate) fn new(len: usize, prot: c_int, flags: c_int, fd: c_int, offset: i64) -> io::Result<Mapping> {
        if flags & libc::MAP_FIXED != 0 {
            // It would take the place of other memory.
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        // SAFETY: the kernel finds a free place; nothing else is touched.
        let address = unsafe { libc::mmap(std::ptr::null_mut(), len, prot, flags, fd, offset) };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let address = NonNull::new(address.cast()).ok_or_else(out_of_range)?;
        let writable = prot & libc::PROT_WRITE != 0;
        let readable = prot & (libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC) != 0;
        Ok(Mapping { address, len, readable, writable })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where the memory begins, until it is moved or unmapped. `None` if it may not be read.
    pub(crate) fn address(&self) -> Option<*mut u8> {
        self.readable.then_some(self.address.as_ptr())
    }

    fn at(&self, range: &Range<usize>, allowed: bool) -> io::Result<*mut u8> {
        if range.start > range.end || range.end > self.len || !allowed {
            return Err(out_of_range());
        }
        // SAFETY: within the mapping.
        Ok(unsafe { self.address.as_ptr().add(range.start) })
    }

    /// Copies bytes out, from `at` on.
    pub(crate) fn read(&self, at: usize, into: &mut [u8]) -> io::Result<()> {
        let from = self.at(&(at..at.saturating_add(into.len())), self.readable)?;
        // SAFETY: `from` is so many bytes of the mapping, which may be read. Other processes, and foreign code, may write them meanwhile.
        unsafe { racy::read(from, into) };
        Ok(())
    }

    /// Copies bytes in, from `at` on.
    pub(crate) fn write(&mut self, at: usize, from: &[u8]) -> io::Result<()> {
        let into = self.at(&(at..at.saturating_add(from.len())), self.writable)?;
        // SAFETY: as above; the memory may be written.
        unsafe { racy::write(into, from) };
        Ok(())
    }

    /// Moves bytes from one place to another, which may overlap.
    pub(crate) fn shift(&mut self, to: usize, from: usize, count: usize) -> io::Result<()> {
        let into = self.at(&(to..to.saturating_add(count)), self.writable)?;
        let from = self.at(&(from..from.saturating_add(count)), self.readable)?;
        // SAFETY: both are so many bytes of the mapping.
        unsafe { std::ptr::copy(from, into, count) };
        Ok(())
    }

    /// Where the bytes are in a part of the memory, for the first time or (`backwards`) the last.
    pub(crate) fn find(
        &self,
        part: Range<usize>,
        bytes: &[u8],
        backwards: bool,
    ) -> io::Result<Option<usize>> {
        let Some(last) = part.end.checked_sub(bytes.len()).filter(|last| *last >= part.start) else {
            return Ok(None);
        };
        // Where a match may begin, in chunks.
        let starts = part.start..last + 1;
        let chunks = starts.len().div_ceil(CHUNK);
        let mut copy = vec![0; (CHUNK + bytes.len()).min(part.len())];
        for i in 0..chunks {
            let i = if backwards { chunks - 1 - i } else { i };
            let start = starts.start + i * CHUNK;
            let end = (start + CHUNK).min(starts.end) - 1 + bytes.len();
            let chunk = &mut copy[..end - start];
            self.read(start, chunk)?;
            let found = if backwards {
                memchr::memmem::rfind(chunk, bytes)
            } else {
                memchr::memmem::find(chunk, bytes)
            };
            if let Some(at) = found {
                return Ok(Some(start + at));
            }
        }
        Ok(None)
    }

    /// Writes changes back to the file. Whoever calls sees to it that the memory stays: by keeping it in place while the
    /// call lasts. Other threads may go on using it.
    pub(crate) fn flush(part: (usize, usize)) -> io::Result<()> {
        let (address, len) = part;
        // SAFETY: the kernel checks addresses; nothing is changed in memory.
        check(unsafe { libc::msync(std::ptr::without_provenance_mut(address), len, libc::MS_SYNC) }).map(drop)
    }

    /// The address of a part, for [`Mapping::flush`].
    pub(crate) fn part(&self, part: Range<usize>) -> io::Result<(usize, usize)> {
        Ok((self.at(&part, true)? as usize, part.len()))
    }

    /// Tells the system how a part will be used.
    pub(crate) fn advise(&mut self, part: Range<usize>, advice: c_int) -> io::Result<()> {
        let at = self.at(&part, true)?;
        // SAFETY: a part of the mapping, which nobody has a slice of; at worst its content becomes zero.
        check(unsafe { libc::madvise(at.cast(), part.len(), advice) }).map(drop)
    }

    /// Makes the mapping longer or shorter; it may move.
    #[cfg(target_os = "linux")]
    pub(crate) fn resize(&mut self, len: usize) -> io::Result<()> {
        // SAFETY: the mapping is this value's own, and nobody has an address in it (`&mut`).
        let address =
            unsafe { libc::mremap(self.address.as_ptr().cast(), self.len, len, libc::MREMAP_MAYMOVE) };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        self.address = NonNull::new(address.cast()).ok_or_else(out_of_range)?;
        self.len = len;
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped in `new`, and nobody else's.
        unsafe { libc::munmap(self.address.as_ptr().cast(), self.len) };
    }
}
