//! `_stat`: what the bits of a file's mode say.

use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{overflow_error, type_error};
use orochi_objects::types::int::{self, IntRef};
use orochi_objects::{ModuleExt, Obj, PyModule, PyResult, Ref, Thread};

const TYPE: u32 = 0o170_000;

/// Every constant that has one value on all systems.
const CONSTANTS: &[(&str, u32)] = &[
    ("S_IFDIR", 0o040_000),
    ("S_IFCHR", 0o020_000),
    ("S_IFBLK", 0o060_000),
    ("S_IFREG", 0o100_000),
    ("S_IFIFO", 0o010_000),
    ("S_IFLNK", 0o120_000),
    ("S_IFSOCK", 0o140_000),
    ("S_IFDOOR", 0),
    ("S_IFPORT", 0),
    ("S_IFWHT", 0),
    ("S_ISUID", 0o4000),
    ("S_ISGID", 0o2000),
    ("S_ISVTX", 0o1000),
    ("S_ENFMT", 0o2000),
    ("S_IREAD", 0o400),
    ("S_IWRITE", 0o200),
    ("S_IEXEC", 0o100),
    ("S_IRWXU", 0o700),
    ("S_IRUSR", 0o400),
    ("S_IWUSR", 0o200),
    ("S_IXUSR", 0o100),
    ("S_IRWXG", 0o070),
    ("S_IRGRP", 0o040),
    ("S_IWGRP", 0o020),
    ("S_IXGRP", 0o010),
    ("S_IRWXO", 0o007),
    ("S_IROTH", 0o004),
    ("S_IWOTH", 0o002),
    ("S_IXOTH", 0o001),
    ("UF_SETTABLE", 0xFFFF),
    ("UF_NODUMP", 0x1),
    ("UF_IMMUTABLE", 0x2),
    ("UF_APPEND", 0x4),
    ("UF_OPAQUE", 0x8),
    ("UF_NOUNLINK", 0x10),
    ("UF_COMPRESSED", 0x20),
    ("UF_TRACKED", 0x40),
    ("UF_DATAVAULT", 0x80),
    ("UF_HIDDEN", 0x8000),
    ("SF_SETTABLE", 0xFFFF_0000),
    ("SF_ARCHIVED", 0x1_0000),
    ("SF_IMMUTABLE", 0x2_0000),
    ("SF_APPEND", 0x4_0000),
    ("SF_NOUNLINK", 0x10_0000),
    ("SF_SNAPSHOT", 0x20_0000),
    ("SF_FIRMLINK", 0x80_0000),
    ("SF_DATALESS", 0x4000_0000),
    ("ST_MODE", 0),
    ("ST_INO", 1),
    ("ST_DEV", 2),
    ("ST_NLINK", 3),
    ("ST_UID", 4),
    ("ST_GID", 5),
    ("ST_SIZE", 6),
    ("ST_ATIME", 7),
    ("ST_MTIME", 8),
    ("ST_CTIME", 9),
];

/// A mode argument.
fn mode(object: Ref<'_>) -> PyResult<u32> {
    let number = int::value(object).ok_or_else(|| type_error("an integer is required"))?;
    match number.to_i64().map(u32::try_from) {
        Some(Ok(mode)) => Ok(mode),
        _ if matches!(number, IntRef::Small(i64::MIN..0)) => {
            Err(overflow_error("can't convert negative value to unsigned int"))
        }
        _ => Err(overflow_error("mode out of range")),
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $function:ident, $name:literal = $kind:expr;)*) => { $(
        $(#[doc = $doc])+
        #[pyfunction]
        #[name = $name]
        #[signature(object, /)]
        #[text_signature = "($self, object, /)"]
        fn $function(object: Ref<'_>) -> PyResult<bool> {
            let kind: Option<u32> = $kind;
            let mode = mode(object)?;
            Ok(kind.is_some_and(|kind| mode & TYPE == kind))
        }
    )* };
}

kinds! {
    /// S_ISDIR(mode) -> bool
    ///
    /// Return True if mode is from a directory.
    is_dir, "S_ISDIR" = Some(0o040_000);
    /// S_ISCHR(mode) -> bool
    ///
    /// Return True if mode is from a character special device file.
    is_chr, "S_ISCHR" = Some(0o020_000);
    /// S_ISBLK(mode) -> bool
    ///
    /// Return True if mode is from a block special device file.
    is_blk, "S_ISBLK" = Some(0o060_000);
    /// S_ISREG(mode) -> bool
    ///
    /// Return True if mode is from a regular file.
    is_reg, "S_ISREG" = Some(0o100_000);
    /// S_ISFIFO(mode) -> bool
    ///
    /// Return True if mode is from a FIFO (named pipe).
    is_fifo, "S_ISFIFO" = Some(0o010_000);
    /// S_ISLNK(mode) -> bool
    ///
    /// Return True if mode is from a symbolic link.
    is_lnk, "S_ISLNK" = Some(0o120_000);
    /// S_ISSOCK(mode) -> bool
    ///
    /// Return True if mode is from a socket.
    is_sock, "S_ISSOCK" = Some(0o140_000);
    /// S_ISDOOR(mode) -> bool
    ///
    /// Return True if mode is from a door.
    is_door, "S_ISDOOR" = None;
    /// S_ISPORT(mode) -> bool
    ///
    /// Return True if mode is from an event port.
    is_port, "S_ISPORT" = None;
    /// S_ISWHT(mode) -> bool
    ///
    /// Return True if mode is from a whiteout.
    is_wht, "S_ISWHT" = None;
}

/// Return the portion of the file's mode that can be set by os.chmod().
#[pyfunction]
#[name = "S_IMODE"]
#[signature(object, /)]
#[text_signature = "($self, object, /)"]
fn settable(object: Ref<'_>) -> PyResult<u32> {
    Ok(mode(object)? & 0o7777)
}

/// Return the portion of the file's mode that describes the file type.
#[pyfunction]
#[name = "S_IFMT"]
#[signature(object, /)]
#[text_signature = "($self, object, /)"]
fn kind(object: Ref<'_>) -> PyResult<u32> {
    Ok(mode(object)? & TYPE)
}

/// Convert a file's mode to a string of the form '-rwxrwxrwx'
#[pyfunction]
#[signature(object, /)]
#[text_signature = "($self, object, /)"]
fn filemode(object: Ref<'_>) -> PyResult<String> {
    let mode = mode(object)?;
    let mut text = String::from(match mode & TYPE {
        0o040_000 => 'd',
        0o020_000 => 'c',
        0o060_000 => 'b',
        0o100_000 => '-',
        0o010_000 => 'p',
        0o120_000 => 'l',
        0o140_000 => 's',
        _ => '?',
    });
    // For owner, group and others: the bits, and the special bit that shows in place of "execute".
    for (shift, special, letters) in
        [(6, 0o4000, ('s', 'S')), (3, 0o2000, ('s', 'S')), (0, 0o1000, ('t', 'T'))]
    {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => letters.0,
            (true, false) => letters.1,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    Ok(text)
}

/// S_IFMT_: file type bits, and functions that ask for them.
#[pymodule(
    name = "_stat",
    functions(
        is_dir, is_chr, is_blk, is_reg, is_fifo, is_lnk, is_sock, is_door, is_port, is_wht, settable, kind,
        filemode
    )
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    CONSTANTS.iter().try_for_each(|(name, value)| module.add(thread, name, *value))
}
