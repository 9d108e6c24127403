//! Unix: the databases of users and groups.

use libc::{c_char, c_int};
use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::sync::Mutex;

/// A user: name, password, number, group, description, home, shell.
pub(crate) struct User {
    /// The five texts.
    pub(crate) texts: [Vec<u8>; 5],
    /// User and group number.
    pub(crate) ids: (u32, u32),
}

/// A group: name, password, number, members.
pub(crate) struct Group {
    /// Name and password.
    pub(crate) texts: [Vec<u8>; 2],
    /// Its number.
    pub(crate) id: u32,
    /// Names of the members.
    pub(crate) members: Vec<Vec<u8>>,
}

/// By name or by number.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// The name.
    Name(&'a CStr),
    /// The number.
    Id(u32),
}

fn copied(text: *const c_char) -> Vec<u8> {
    if text.is_null() {
        return Vec::new();
    }
    // SAFETY: the database's texts end in NUL and live while the entry's buffer does.
    unsafe { CStr::from_ptr(text) }.to_bytes().to_vec()
}

/// Calls with larger and larger buffers until the entry fits.
fn growing<T>(f: impl Fn(*mut c_char, usize) -> (c_int, Option<T>)) -> io::Result<Option<T>> {
    let mut len = 4096;
    loop {
        let mut buffer = vec![0 as c_char; len];
        match f(buffer.as_mut_ptr(), len) {
            (0, found) => return Ok(found),
            (libc::ERANGE, _) if len < 1 << 24 => len *= 2,
            (libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM, _) => return Ok(None),
            (code, _) => return Err(io::Error::from_raw_os_error(code)),
        }
    }
}

fn user_of(entry: &libc::passwd) -> User {
    let texts = [entry.pw_name, entry.pw_passwd, entry.pw_gecos, entry.pw_dir, entry.pw_shell];
    User { texts: texts.map(|text| copied(text)), ids: (entry.pw_uid, entry.pw_gid) }
}

fn group_of(entry: &libc::group) -> Group {
    let mut members = Vec::new();
    let mut at = entry.gr_mem;
    // SAFETY: an array of texts that ends in null.
    unsafe {
        while !at.is_null() && !(*at).is_null() {
            members.push(copied(*at));
            at = at.add(1);
        }
    }
    Group { texts: [entry.gr_name, entry.gr_passwd].map(|text| copied(text)), id: entry.gr_gid, members }
}

/// Finds a user.
pub(crate) fn user(wanted: Wanted<'_>) -> io::Result<Option<User>> {
    growing(|buffer, len| {
        let mut entry = MaybeUninit::<libc::passwd>::zeroed();
        let mut found = std::ptr::null_mut();
        // SAFETY: places for the entry and its texts; the entry is read before the buffer goes.
        unsafe {
            let code = match wanted {
                Wanted::Name(name) => {
                    libc::getpwnam_r(name.as_ptr(), entry.as_mut_ptr(), buffer, len, &mut found)
                }
                Wanted::Id(id) => libc::getpwuid_r(id, entry.as_mut_ptr(), buffer, len, &mut found),
            };
            (code, found.as_ref().map(user_of))
        }
    })
}

/// Finds a group.
pub(crate) fn group(wanted: Wanted<'_>) -> io::Result<Option<Group>> {
    growing(|buffer, len| {
        let mut entry = MaybeUninit::<libc::group>::zeroed();
        let mut found = std::ptr::null_mut();
        // SAFETY: as in `user`.
        unsafe {
            let code = match wanted {
                Wanted::Name(name) => {
                    libc::getgrnam_r(name.as_ptr(), entry.as_mut_ptr(), buffer, len, &mut found)
                }
                Wanted::Id(id) => libc::getgrgid_r(id, entry.as_mut_ptr(), buffer, len, &mut found),
            };
            (code, found.as_ref().map(group_of))
        }
    })
}

/// C has one cursor for the whole process.
static CURSOR: Mutex<()> = Mutex::new(());

/// All users.
pub(crate) fn users() -> Vec<User> {
    let _cursor = CURSOR.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut all = Vec::new();
    // SAFETY: the cursor is this thread's while it holds the lock; an entry is copied before the next is read.
    unsafe {
        libc::setpwent();
        while let Some(entry) = libc::getpwent().as_ref() {
            all.push(user_of(entry));
        }
        libc::endpwent();
    }
    all
}

/// All groups.
pub(crate) fn groups() -> Vec<Group> {
    let _cursor = CURSOR.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut all = Vec::new();
    // SAFETY: as in `users`.
    unsafe {
        libc::setgrent();
        while let Some(entry) = libc::getgrent().as_ref() {
            all.push(group_of(entry));
        }
        libc::endgrent();
    }
    all
}
