//! Unix sockets: addresses, connections, names.

use super::unix::check;
use libc::{c_int, socklen_t};
use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address as Python sees it.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    /// Host and port.
    V4(Ipv4Addr, u16),
    /// Host, port, flow, scope.
    V6(Ipv6Addr, u16, u32, u32),
    /// A path, or an abstract name that starts with NUL.
    Unix(Vec<u8>),
    /// None, or of a family that isn't known here.
    Other,
}

/// An address as C sees it.
pub(crate) struct Raw {
    storage: libc::sockaddr_storage,
    len: socklen_t,
}

impl Raw {
    /// Room for any address.
    pub(super) fn empty() -> Raw {
        // SAFETY: plain data, of which zero is a valid value.
        let storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
        Raw { storage, len: size_of::<libc::sockaddr_storage>() as socklen_t }
    }

    fn pointer(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }

    /// Where it lies, and its length.
    pub(super) fn parts(&self) -> (*const libc::sockaddr, socklen_t) {
        (self.pointer(), self.len)
    }

    /// The same to be filled.
    pub(super) fn parts_mut(&mut self) -> (*mut libc::sockaddr, &mut socklen_t) {
        ((&raw mut self.storage).cast(), &mut self.len)
    }

    /// The same for C; `None` if a path is too long.
    pub(crate) fn of(address: &Address) -> Option<Raw> {
        let mut raw = Raw::empty();
        // SAFETY: the storage is large and aligned enough for every kind of address.
        unsafe {
            match address {
                Address::V4(host, port) => {
                    let to = &mut *(&raw mut raw.storage).cast::<libc::sockaddr_in>();
                    to.sin_family = libc::AF_INET as _;
                    to.sin_port = port.to_be();
                    to.sin_addr.s_addr = u32::from(*host).to_be();
                    raw.len = size_of::<libc::sockaddr_in>() as socklen_t;
                }
                Address::V6(host, port, flow, scope) => {
                    let to = &mut *(&raw mut raw.storage).cast::<libc::sockaddr_in6>();
                    to.sin6_family = libc::AF_INET6 as _;
                    to.sin6_port = port.to_be();
                    to.sin6_flowinfo = flow.to_be();
                    to.sin6_scope_id = *scope;
                    to.sin6_addr.s6_addr = host.octets();
                    raw.len = size_of::<libc::sockaddr_in6>() as socklen_t;
                }
                Address::Unix(path) => {
                    let to = &mut *(&raw mut raw.storage).cast::<libc::sockaddr_un>();
                    to.sun_family = libc::AF_UNIX as _;
                    let named = path.first().is_some_and(|byte| *byte != 0);
                    if path.len() + usize::from(named) > to.sun_path.len() {
                        return None;
                    }
                    for (to, from) in to.sun_path.iter_mut().zip(path) {
                        *to = *from as libc::c_char;
                    }
                    raw.len = (2 + path.len() + usize::from(named)) as socklen_t;
                }
                Address::Other => return None,
            }
        }
        Some(raw)
    }

    pub(super) fn address(&self) -> Address {
        // SAFETY: the family says which structure the storage holds; it is large enough for all.
        unsafe {
            match c_int::from(self.storage.ss_family) {
                libc::AF_INET if self.len > 0 => {
                    let from = &*(&raw const self.storage).cast::<libc::sockaddr_in>();
                    Address::V4(
                        Ipv4Addr::from(u32::from_be(from.sin_addr.s_addr)),
                        u16::from_be(from.sin_port),
                    )
                }
                libc::AF_INET6 if self.len > 0 => {
                    let from = &*(&raw const self.storage).cast::<libc::sockaddr_in6>();
                    let flow = u32::from_be(from.sin6_flowinfo);
                    let host = Ipv6Addr::from(from.sin6_addr.s6_addr);
                    Address::V6(host, u16::from_be(from.sin6_port), flow, from.sin6_scope_id)
                }
                libc::AF_UNIX => {
                    let from = &*(&raw const self.storage).cast::<libc::sockaddr_un>();
                    let len = (self.len as usize).saturating_sub(2).min(from.sun_path.len());
                    let path: Vec<u8> = from.sun_path.iter().take(len).map(|byte| *byte as u8).collect();
                    if path.first().is_some_and(|byte| *byte != 0) {
                        Address::Unix(path.into_iter().take_while(|byte| *byte != 0).collect())
                    } else {
                        Address::Unix(path)
                    }
                }
                _ => Address::Other,
            }
        }
    }
}

/// A new socket.
pub(crate) fn socket(family: c_int, kind: c_int, protocol: c_int) -> io::Result<c_int> {
    // SAFETY: numbers.
    check(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) })
}

/// Two connected sockets.
pub(crate) fn socketpair(family: c_int, kind: c_int, protocol: c_int) -> io::Result<(c_int, c_int)> {
    let mut ends = [0; 2];
    // SAFETY: room for two.
    check(unsafe { libc::socketpair(family, kind | libc::SOCK_CLOEXEC, protocol, ends.as_mut_ptr()) })?;
    Ok((ends[0], ends[1]))
}

/// `bind` and `connect`.
pub(crate) fn attach(fd: c_int, address: &Raw, connect: bool) -> io::Result<()> {
    // SAFETY: a valid address of this length.
    check(unsafe {
        if connect {
            libc::connect(fd, address.pointer(), address.len)
        } else {
            libc::bind(fd, address.pointer(), address.len)
        }
    })
    .map(drop)
}

/// `listen`.
pub(crate) fn listen(fd: c_int, backlog: c_int) -> io::Result<()> {
    // SAFETY: numbers.
    check(unsafe { libc::listen(fd, backlog) }).map(drop)
}

/// `shutdown`.
pub(crate) fn shutdown(fd: c_int, how: c_int) -> io::Result<()> {
    // SAFETY: numbers.
    check(unsafe { libc::shutdown(fd, how) }).map(drop)
}

/// `accept`: the new socket and who is at the other end.
pub(crate) fn accept(fd: c_int) -> io::Result<(c_int, Address)> {
    let mut from = Raw::empty();
    // SAFETY: room for an address of the length given.
    let fd = check(unsafe {
        libc::accept4(fd, (&raw mut from.storage).cast(), &mut from.len, libc::SOCK_CLOEXEC)
    })?;
    Ok((fd, from.address()))
}

/// `getsockname` (`peer`: `getpeername`).
pub(crate) fn name(fd: c_int, peer: bool) -> io::Result<Address> {
    let mut name = Raw::empty();
    let into = (&raw mut name.storage).cast();
    // SAFETY: room for an address of the length given.
    check(unsafe {
        if peer {
            libc::getpeername(fd, into, &mut name.len)
        } else {
            libc::getsockname(fd, into, &mut name.len)
        }
    })?;
    Ok(name.address())
}

/// `recvfrom`: the number of bytes and who sent them.
pub(crate) fn receive(fd: c_int, into: &mut [u8], flags: c_int) -> io::Result<(usize, Address)> {
    let mut from = Raw::empty();
    // SAFETY: the buffer is valid for its length; room for an address of the length given.
    let n = check(unsafe {
        let address = (&raw mut from.storage).cast();
        libc::recvfrom(fd, into.as_mut_ptr().cast(), into.len(), flags, address, &mut from.len)
    })?;
    Ok((n as usize, from.address()))
}

/// `sendto`.
pub(crate) fn send(fd: c_int, bytes: &[u8], flags: c_int, to: Option<&Raw>) -> io::Result<usize> {
    let (address, len) = to.map_or((std::ptr::null(), 0), |to| (to.pointer(), to.len));
    // SAFETY: the buffer is valid for its length; null or a valid address.
    check(unsafe { libc::sendto(fd, bytes.as_ptr().cast(), bytes.len(), flags, address, len) })
        .map(|n| n as usize)
}

/// `getsockopt`.
pub(crate) fn get_option(fd: c_int, level: c_int, option: c_int, into: &mut [u8]) -> io::Result<usize> {
    let mut len = into.len() as socklen_t;
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::getsockopt(fd, level, option, into.as_mut_ptr().cast(), &mut len) })?;
    Ok(len as usize)
}

/// `setsockopt`.
pub(crate) fn set_option(fd: c_int, level: c_int, option: c_int, value: &[u8]) -> io::Result<()> {
    let len = value.len() as socklen_t;
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::setsockopt(fd, level, option, value.as_ptr().cast(), len) }).map(drop)
}

/// What a name was resolved to: family, type, protocol, canonical name, address.
pub(crate) type Resolved = (c_int, c_int, c_int, Vec<u8>, Address);

/// `getaddrinfo`; the error is its code and text.
pub(crate) fn resolve(
    host: Option<&CStr>,
    service: Option<&CStr>,
    [family, kind, protocol, flags]: [c_int; 4],
) -> Result<Vec<Resolved>, (c_int, String)> {
    // SAFETY: plain data, of which zero is a valid value.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    (hints.ai_family, hints.ai_socktype, hints.ai_protocol, hints.ai_flags) = (family, kind, protocol, flags);
    let mut found = MaybeUninit::<*mut libc::addrinfo>::zeroed();
    let text = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: null or strings that end in NUL; the list is read and then freed, once.
    unsafe {
        let code = libc::getaddrinfo(text(host), text(service), &hints, found.as_mut_ptr());
        if code != 0 {
            return Err((code, CStr::from_ptr(libc::gai_strerror(code)).to_string_lossy().into_owned()));
        }
        let start = found.assume_init();
        let (mut all, mut at) = (Vec::new(), start);
        while let Some(entry) = at.as_ref() {
            let mut raw = Raw::empty();
            let len = (entry.ai_addrlen as usize).min(size_of::<libc::sockaddr_storage>());
            std::ptr::copy_nonoverlapping(
                entry.ai_addr.cast::<u8>(),
                (&raw mut raw.storage).cast::<u8>(),
                len,
            );
            raw.len = len as socklen_t;
            let name = if entry.ai_canonname.is_null() {
                Vec::new()
            } else {
                CStr::from_ptr(entry.ai_canonname).to_bytes().to_vec()
            };
            all.push((entry.ai_family, entry.ai_socktype, entry.ai_protocol, name, raw.address()));
            at = entry.ai_next;
        }
        libc::freeaddrinfo(start);
        Ok(all)
    }
}

/// The host's name.
pub(crate) fn hostname() -> io::Result<Vec<u8>> {
    let mut buffer = vec![0_u8; 1024];
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) })?;
    let end = buffer.iter().position(|byte| *byte == 0).unwrap_or(0);
    buffer.truncate(end);
    Ok(buffer)
}
