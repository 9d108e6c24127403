//! How one process has another run a script (`sys.remote_exec`): a block at a place that the executable's file tells.
//!
//! The executable has a section of its own with one [`Block`] in it. A process that wants a script run finds the section in the
//! file that the target runs (`/proc/PID/exe`), adds where the file is mapped (`/proc/PID/maps`), reads the block there, and
//! checks that it is one. Then it writes the script's path into it, and one byte into the poll word of the target's main
//! thread, whose next safepoint takes the path. That byte belongs to this protocol alone, so that no bit which the target
//! sets at the same moment is lost.

use std::ffi::CStr;
use std::io;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering, fence};

/// The longest path with the NUL at its end, as Linux has it.
const ROOM: usize = 4096;

/// What a block begins with.
const MAGIC: [u8; 16] = *b"orochi debugger\0";

/// The layout that this file knows.
const VERSION: u32 = 1;

/// What lies in the executable, and is read and written by other processes.
#[repr(C)]
struct Block {
    magic: [u8; 16],
    version: u32,
    /// 1 while the process obeys.
    enabled: AtomicU32,
    /// The address of the byte that makes the main thread look; 0 before there is one.
    alarm: AtomicU64,
    /// 1 when a path waits.
    pending: AtomicU32,
    /// The path, up to a NUL.
    path: [AtomicU8; ROOM],
}

#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".orochi_debugger"))]
static BLOCK: Block = Block {
    magic: MAGIC,
    version: VERSION,
    enabled: AtomicU32::new(0),
    alarm: AtomicU64::new(0),
    pending: AtomicU32::new(0),
    path: [const { AtomicU8::new(0) }; ROOM],
};

/// Lets other processes hand over scripts. `poll` is the main thread's poll word, which lives as long as the process.
#[cfg(target_os = "linux")]
pub(crate) fn enable(poll: &'static AtomicU32) {
    // The byte of `runtime::poll::DEBUGGER`, the word's highest.
    let byte = if cfg!(target_endian = "little") { 3 } else { 0 };
    BLOCK.alarm.store(std::ptr::from_ref(poll).addr() as u64 + byte, Ordering::Relaxed);
    // Relaxed: read by other processes only, which look at it before they ask for anything.
    BLOCK.enabled.store(1, Ordering::Relaxed);
}

/// The path of a script that another process has handed over.
pub(crate) fn take() -> Option<Vec<u8>> {
    // Acquire: the path was written before, by a call to the operating system, which orders its writes.
    if BLOCK.pending.load(Ordering::Relaxed) == 0 || BLOCK.pending.swap(0, Ordering::Acquire) == 0 {
        return None;
    }
    let bytes = BLOCK.path.iter().map(|byte| byte.load(Ordering::Relaxed));
    Some(bytes.take_while(|byte| *byte != 0).collect())
}

/// Why a script wasn't handed over.
pub(crate) enum Refusal {
    /// The operating system said no.
    System(io::Error),
    /// The same about a file.
    File(io::Error, String),
    /// The process runs something else.
    Foreign,
    /// The process doesn't want to.
    Disabled,
    /// There is no room for the path.
    TooLong,
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn send(_pid: i32, _script: &CStr) -> Result<(), Refusal> {
    Err(Refusal::System(io::Error::from_raw_os_error(libc::ENOSYS)))
}

/// Hands a script over to a process.
#[cfg(target_os = "linux")]
pub(crate) fn send(pid: i32, script: &CStr) -> Result<(), Refusal> {
    let script = script.to_bytes_with_nul();
    if script.len() > ROOM {
        return Err(Refusal::TooLong);
    }
    let block = linux::find(pid)?;
    let at = |offset: usize| block + offset as u64;
    let mut head = [0; std::mem::offset_of!(Block, pending)];
    linux::read(pid, block, &mut head)?;
    let number = |offset: usize| u32::from_ne_bytes(linux::part(&head, offset));
    if !head.starts_with(&MAGIC) || number(std::mem::offset_of!(Block, version)) != VERSION {
        return Err(Refusal::Foreign);
    }
    let alarm = u64::from_ne_bytes(linux::part(&head, std::mem::offset_of!(Block, alarm)));
    if number(std::mem::offset_of!(Block, enabled)) != 1 || alarm == 0 {
        return Err(Refusal::Disabled);
    }
    linux::write(pid, at(std::mem::offset_of!(Block, path)), script)?;
    linux::write(pid, at(std::mem::offset_of!(Block, pending)), &1_u32.to_ne_bytes())?;
    // The target may be this process.
    fence(Ordering::SeqCst);
    linux::write(pid, alarm, &[1])
}

/// Another process's files and memory.
#[cfg(target_os = "linux")]
mod linux {
    use super::{Block, Refusal};
    use std::fs::{self, File};
    use std::io;
    use std::os::unix::fs::{FileExt, MetadataExt};

    /// Bytes of a number in a structure; zeros past its end.
    pub(super) fn part<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
        bytes.get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    /// The address of the block in a process.
    pub(super) fn find(pid: i32) -> Result<u64, Refusal> {
        let maps = format!("/proc/{pid}/maps");
        let maps = fs::read_to_string(&maps).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Refusal::Foreign,
            _ => Refusal::File(error, maps),
        })?;
        let executable = format!("/proc/{pid}/exe");
        let refused = |error| Refusal::File(error, executable.clone());
        let file = File::open(&executable).map_err(refused)?;
        let inode = file.metadata().map_err(refused)?.ino().to_string();
        let (first, section) = section(&file).map_err(refused)?.ok_or(Refusal::Foreign)?;
        let start = maps.lines().find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let start = words.next()?.split('-').next()?;
            let (offset, its_inode) = (words.nth(1)?, words.nth(1)?);
            let is_first = its_inode == inode && u64::from_str_radix(offset, 16) == Ok(0);
            is_first.then(|| u64::from_str_radix(start, 16).ok()).flatten()
        });
        let start = start.ok_or(Refusal::Foreign)?;
        start.checked_sub(first).and_then(|bias| bias.checked_add(section)).ok_or(Refusal::Foreign)
    }

    /// From an ELF file of this machine's kind: the address that its beginning asks for, and that of the block's section.
    fn section(file: &File) -> io::Result<Option<(u64, u64)>> {
        let mut head = [0; 64];
        if file.read_at(&mut head, 0)? < head.len() || !head.starts_with(b"\x7fELF\x02") {
            return Ok(None);
        }
        let long = |bytes: &[u8], offset| u64::from_ne_bytes(part(bytes, offset));
        let int = |bytes: &[u8], offset| u32::from_ne_bytes(part(bytes, offset));
        let short = |bytes: &[u8], offset| usize::from(u16::from_ne_bytes(part(bytes, offset)));
        // Numbers of a file that isn't ours may be anything: entries of another size are none.
        let table = |start, count: usize, size: usize| {
            let mut bytes = vec![0; if size <= 0x40 { count * size } else { 0 }];
            file.read_exact_at(&mut bytes, start).map(|()| bytes)
        };
        // Field offsets of Elf64_Ehdr, Elf64_Phdr and Elf64_Shdr (System V ABI).
        let (segment_size, section_size) = (short(&head, 0x36).max(1), short(&head, 0x3a).max(1));
        let segments = table(long(&head, 0x20), short(&head, 0x38), segment_size)?;
        let sections = table(long(&head, 0x28), short(&head, 0x3c), section_size)?;
        let is_first = |segment: &&[u8]| int(segment, 0) == 1 && long(segment, 8) == 0;
        let Some(first) = segments.chunks_exact(segment_size).find(is_first) else { return Ok(None) };
        let Some(names) = sections.chunks_exact(section_size).nth(short(&head, 0x3e)) else {
            return Ok(None);
        };
        // Names of a file that isn't ours may be of any length: read no more than one reads as.
        let wanted = b".orochi_debugger\0";
        let is_ours = |section: &&[u8]| {
            let mut name = [0; 17];
            let at = long(names, 0x18).saturating_add(int(section, 0).into());
            long(section, 0x20) >= size_of::<Block>() as u64
                && file.read_exact_at(&mut name, at).is_ok()
                && name == *wanted
        };
        let found = sections.chunks_exact(section_size).find(is_ours);
        Ok(found.map(|section| (long(first, 0x10), long(section, 0x10))))
    }

    /// Whether all of a transfer was done.
    fn complete(done: isize, wanted: usize) -> Result<(), Refusal> {
        match usize::try_from(done) {
            Ok(done) if done == wanted => Ok(()),
            Ok(_) => Err(Refusal::Foreign),
            Err(_) => Err(Refusal::System(io::Error::last_os_error())),
        }
    }

    /// Reads another process's memory.
    pub(super) fn read(pid: i32, address: u64, into: &mut [u8]) -> Result<(), Refusal> {
        let own = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
        let other =
            libc::iovec { iov_base: std::ptr::without_provenance_mut(address as usize), iov_len: into.len() };
        // SAFETY: a place for the bytes; the other address is the other process's, and the system checks it.
        let done = unsafe { libc::process_vm_readv(pid, &raw const own, 1, &raw const other, 1, 0) };
        complete(done, into.len())
    }

    /// Writes another process's memory.
    pub(super) fn write(pid: i32, address: u64, bytes: &[u8]) -> Result<(), Refusal> {
        let own = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let other = libc::iovec {
            iov_base: std::ptr::without_provenance_mut(address as usize),
            iov_len: bytes.len(),
        };
        // SAFETY: bytes that are only read; the other address lies in a block that says it is for this, all of atomics,
        // or is the byte of a poll word that the block names.
        let done = unsafe { libc::process_vm_writev(pid, &raw const own, 1, &raw const other, 1, 0) };
        complete(done, bytes.len())
    }
}
