//! The numbers of `mmap`: kinds of access, of mappings, and of advice.

use super::{ACCESS_COPY, ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE};

/// Those of every system.
pub(super) const ALL: &[(&str, i32)] = &[
    ("ACCESS_DEFAULT", ACCESS_DEFAULT),
    ("ACCESS_READ", ACCESS_READ),
    ("ACCESS_WRITE", ACCESS_WRITE),
    ("ACCESS_COPY", ACCESS_COPY),
    ("PROT_EXEC", libc::PROT_EXEC),
    ("PROT_READ", libc::PROT_READ),
    ("PROT_WRITE", libc::PROT_WRITE),
    ("MAP_SHARED", libc::MAP_SHARED),
    ("MAP_PRIVATE", libc::MAP_PRIVATE),
    ("MAP_ANON", libc::MAP_ANON),
    ("MAP_ANONYMOUS", libc::MAP_ANON),
    ("MAP_NORESERVE", libc::MAP_NORESERVE),
    ("MADV_NORMAL", libc::MADV_NORMAL),
    ("MADV_RANDOM", libc::MADV_RANDOM),
    ("MADV_SEQUENTIAL", libc::MADV_SEQUENTIAL),
    ("MADV_WILLNEED", libc::MADV_WILLNEED),
    ("MADV_DONTNEED", libc::MADV_DONTNEED),
    ("MADV_FREE", libc::MADV_FREE),
    #[cfg(target_os = "linux")]
    ("MAP_DENYWRITE", libc::MAP_DENYWRITE),
    #[cfg(target_os = "linux")]
    ("MAP_EXECUTABLE", libc::MAP_EXECUTABLE),
    #[cfg(target_os = "linux")]
    ("MAP_POPULATE", libc::MAP_POPULATE),
    #[cfg(target_os = "linux")]
    ("MAP_STACK", libc::MAP_STACK),
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    ("MAP_32BIT", libc::MAP_32BIT),
    #[cfg(target_os = "linux")]
    ("MADV_REMOVE", libc::MADV_REMOVE),
    #[cfg(target_os = "linux")]
    ("MADV_DONTFORK", libc::MADV_DONTFORK),
    #[cfg(target_os = "linux")]
    ("MADV_DOFORK", libc::MADV_DOFORK),
    #[cfg(target_os = "linux")]
    ("MADV_HWPOISON", libc::MADV_HWPOISON),
    #[cfg(target_os = "linux")]
    ("MADV_MERGEABLE", libc::MADV_MERGEABLE),
    #[cfg(target_os = "linux")]
    ("MADV_UNMERGEABLE", libc::MADV_UNMERGEABLE),
    #[cfg(target_os = "linux")]
    ("MADV_HUGEPAGE", libc::MADV_HUGEPAGE),
    #[cfg(target_os = "linux")]
    ("MADV_NOHUGEPAGE", libc::MADV_NOHUGEPAGE),
    #[cfg(target_os = "linux")]
    ("MADV_DONTDUMP", libc::MADV_DONTDUMP),
    #[cfg(target_os = "linux")]
    ("MADV_DODUMP", libc::MADV_DODUMP),
];
