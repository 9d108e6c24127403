//! `pwd` and `grp`: users and groups.

use crate::host::accounts::{self, Group, User, Wanted};
use crate::os_support;
use orochi_objects::error::key_error_message;
use orochi_objects::types::list;
use orochi_objects::types::str::PyStr;
use orochi_objects::{IntoPy, PyErr, PyResult, Ref, Thread, int, protocol, str, structseq};
use std::ffi::CString;

structseq! {
    /// A user.
    static STRUCT_PASSWD: "pwd" "struct_passwd" = "pwd.struct_passwd: Results from getpw*() routines.\n\nThis object may be accessed either as a tuple of\n  (pw_name,pw_passwd,pw_uid,pw_gid,pw_gecos,pw_dir,pw_shell)\nor via the object attributes as named in the above tuple.",
    visible 7, flags(EMPTY), fallbacks &[], {
        "pw_name" = "user name",
        "pw_passwd" = "password",
        "pw_uid" = "user id",
        "pw_gid" = "group id",
        "pw_gecos" = "real name",
        "pw_dir" = "home directory",
        "pw_shell" = "shell program",
    }
}

structseq! {
    /// A group.
    static STRUCT_GROUP: "grp" "struct_group" = "grp.struct_group: Results from getgr*() routines.\n\nThis object may be accessed either as a tuple of\n  (gr_name,gr_passwd,gr_gid,gr_mem)\nor via the object attributes as named in the above tuple.",
    visible 4, flags(EMPTY), fallbacks &[], {
        "gr_name" = "group name",
        "gr_passwd" = "password",
        "gr_gid" = "group id",
        "gr_mem" = "group members",
    }
}

fn user_value(thread: &mut Thread, user: &User) -> PyResult {
    let [name, password, gecos, home, shell] = &user.texts;
    let values = vec![
        os_support::fs_decode(thread, name)?,
        os_support::fs_decode(thread, password)?,
        user.ids.0.into_py(thread)?,
        user.ids.1.into_py(thread)?,
        os_support::fs_decode(thread, gecos)?,
        os_support::fs_decode(thread, home)?,
        os_support::fs_decode(thread, shell)?,
    ];
    STRUCT_PASSWD.make(thread, values)
}

fn group_value(thread: &mut Thread, group: &Group) -> PyResult {
    let mut members = Vec::new();
    for member in &group.members {
        members.push(os_support::fs_decode(thread, member)?);
    }
    let values = vec![
        os_support::fs_decode(thread, &group.texts[0])?,
        os_support::fs_decode(thread, &group.texts[1])?,
        group.id.into_py(thread)?,
        list::new(thread, members)?.into_value(),
    ];
    STRUCT_GROUP.make(thread, values)
}

/// A user's or group's number; `None`: nobody can have it.
fn number(thread: &mut Thread, id: Ref<'_>) -> PyResult<Option<u32>> {
    let id = int::index_clamped(thread, id)?;
    Ok(if id == -1 { Some(u32::MAX) } else { u32::try_from(id).ok() })
}

fn missing(thread: &mut Thread, what: &str, wanted: Ref<'_>) -> PyErr {
    let shown = if wanted.downcast::<PyStr>().is_some() {
        protocol::repr(thread, wanted)
    } else {
        protocol::str(thread, wanted)
    };
    match shown {
        Ok(shown) => key_error_message(format!("{what}: {}", str::display(shown.get()))),
        Err(error) => error,
    }
}

fn name_of(thread: &mut Thread, name: &orochi_objects::Obj<PyStr>) -> PyResult<CString> {
    let encoded = os_support::fs_encode(thread, name)?;
    CString::new(encoded).map_err(|_| orochi_objects::error::value_error("embedded null byte"))
}

/// `pwd`.
pub mod pwd {
    use super::*;
    use orochi_macros::{pyfunction, pymodule};
    use orochi_objects::{ModuleExt, Obj, PyModule};

    /// Return the password database entry for the given numeric user ID.
    ///
    /// See `help(pwd)` for more on password database entries.
    #[pyfunction]
    #[signature(uidobj, /)]
    fn getpwuid(thread: &mut Thread, uidobj: Ref<'_>) -> PyResult {
        let found = match number(thread, uidobj)? {
            Some(id) => os_support::call(thread, || accounts::user(Wanted::Id(id)))?,
            None => None,
        };
        match found {
            Some(user) => user_value(thread, &user),
            None => Err(missing(thread, "getpwuid(): uid not found", uidobj)),
        }
    }

    /// Return the password database entry for the given user name.
    ///
    /// See `help(pwd)` for more on password database entries.
    #[pyfunction]
    #[signature(name, /)]
    fn getpwnam(thread: &mut Thread, name: &Obj<PyStr>) -> PyResult {
        let text = name_of(thread, name)?;
        match os_support::call(thread, || accounts::user(Wanted::Name(&text)))? {
            Some(user) => user_value(thread, &user),
            None => Err(missing(thread, "getpwnam(): name not found", name.get())),
        }
    }

    /// Return a list of all available password database entries, in arbitrary order.
    ///
    /// See help(pwd) for more on password database entries.
    #[pyfunction]
    fn getpwall(thread: &mut Thread) -> PyResult {
        let mut values = Vec::new();
        for user in thread.detached(accounts::users) {
            values.push(user_value(thread, &user)?);
        }
        Ok(list::new(thread, values)?.into_value())
    }

    /// This module provides access to the Unix password database.
    #[pymodule(name = "pwd", functions(getpwuid, getpwnam, getpwall))]
    fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
        let class = STRUCT_PASSWD.class(thread)?;
        module.add(thread, "struct_passwd", class)
    }
}

/// `grp`.
pub mod grp {
    use super::*;
    use orochi_macros::{pyfunction, pymodule};
    use orochi_objects::{ModuleExt, Obj, PyModule};

    /// Return the group database entry for the given numeric group ID.
    ///
    /// If id is not valid, raise KeyError.
    #[pyfunction]
    #[signature(id)]
    fn getgrgid(thread: &mut Thread, id: Ref<'_>) -> PyResult {
        let found = match number(thread, id)? {
            Some(id) => os_support::call(thread, || accounts::group(Wanted::Id(id)))?,
            None => None,
        };
        match found {
            Some(group) => group_value(thread, &group),
            None => Err(missing(thread, "getgrgid(): gid not found", id)),
        }
    }

    /// Return the group database entry for the given group name.
    ///
    /// If name is not valid, raise KeyError.
    #[pyfunction]
    #[signature(name)]
    fn getgrnam(thread: &mut Thread, name: &Obj<PyStr>) -> PyResult {
        let text = name_of(thread, name)?;
        match os_support::call(thread, || accounts::group(Wanted::Name(&text)))? {
            Some(group) => group_value(thread, &group),
            None => Err(missing(thread, "getgrnam(): name not found", name.get())),
        }
    }

    /// Return a list of all available group entries, in arbitrary order.
    ///
    /// An entry whose name starts with '+' or '-' represents an instruction
    /// to use YP/NIS and may not be accessible via getgrnam or getgrgid.
    #[pyfunction]
    fn getgrall(thread: &mut Thread) -> PyResult {
        let mut values = Vec::new();
        for group in thread.detached(accounts::groups) {
            values.push(group_value(thread, &group)?);
        }
        Ok(list::new(thread, values)?.into_value())
    }

    /// Access to the Unix group database.
    #[pymodule(name = "grp", functions(getgrgid, getgrnam, getgrall))]
    fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
        let class = STRUCT_GROUP.class(thread)?;
        module.add(thread, "struct_group", class)
    }
}
