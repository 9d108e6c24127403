//! Unix: messages of sockets with ancillary data.

use super::net::{Address, Raw};
use super::unix::check;
use libc::c_int;
use std::io;

/// One item of ancillary data: level, type, content.
pub(crate) type Ancillary = (c_int, c_int, Vec<u8>);

/// The largest length that C's `socklen_t` holds for sure.
const LARGEST: u32 = i32::MAX as u32;

/// A message that came.
pub(crate) struct Received {
    /// How many bytes of data.
    pub(crate) len: usize,
    /// What came with it.
    pub(crate) ancillary: Vec<Ancillary>,
    /// `MSG_TRUNC` and the like.
    pub(crate) flags: c_int,
    /// Who sent it.
    pub(crate) from: Address,
}

/// `CMSG_LEN`; `None` if it is too large.
pub(crate) fn ancillary_len(len: usize) -> Option<usize> {
    let len = u32::try_from(len).ok().filter(|len| *len <= LARGEST)?;
    // SAFETY: arithmetic, which doesn't overflow.
    Some(unsafe { libc::CMSG_LEN(len) }).filter(|len| *len <= LARGEST).map(|len| len as usize)
}

/// `CMSG_SPACE`; `None` if it is too large.
pub(crate) fn ancillary_space(len: usize) -> Option<usize> {
    let len = u32::try_from(len).ok().filter(|len| *len <= LARGEST)?;
    // SAFETY: arithmetic, which doesn't overflow.
    Some(unsafe { libc::CMSG_SPACE(len) }).filter(|len| *len <= LARGEST).map(|len| len as usize)
}

/// Memory for ancillary data, aligned for its headers.
fn control(len: usize) -> Vec<u64> {
    vec![0; len.div_ceil(size_of::<u64>())]
}

/// `sendmsg`. The ancillary data's sizes have been checked.
pub(crate) fn send(
    fd: c_int,
    parts: &[&[u8]],
    ancillary: &[Ancillary],
    flags: c_int,
    to: Option<&Raw>,
) -> io::Result<usize> {
    let mut vectors: Vec<libc::iovec> = parts
        .iter()
        .map(|part| libc::iovec { iov_base: part.as_ptr().cast_mut().cast(), iov_len: part.len() })
        .collect();
    let room = ancillary.iter().map(|item| ancillary_space(item.2.len()).unwrap_or(0)).sum();
    let mut space = control(room);
    // SAFETY: the structure is plain data; every pointer in it is valid for the length beside it; the headers lie within
    // the memory for them, which has room for every item and is zero at the start, as `CMSG_NXTHDR` wants it.
    check(unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = vectors.as_mut_ptr();
        message.msg_iovlen = vectors.len() as _;
        if let Some(to) = to {
            let (address, len) = to.parts();
            message.msg_name = address.cast_mut().cast();
            message.msg_namelen = len;
        }
        if room > 0 {
            message.msg_control = space.as_mut_ptr().cast();
            message.msg_controllen = room as _;
            let mut at = libc::CMSG_FIRSTHDR(&message);
            for (level, kind, content) in ancillary {
                let Some(header) = at.as_mut() else { break };
                header.cmsg_level = *level;
                header.cmsg_type = *kind;
                header.cmsg_len = libc::CMSG_LEN(content.len() as u32) as _;
                std::ptr::copy_nonoverlapping(content.as_ptr(), libc::CMSG_DATA(at), content.len());
                at = libc::CMSG_NXTHDR(&message, at);
            }
        }
        libc::sendmsg(fd, &message, flags)
    })
    .map(|sent| sent as usize)
}

/// `recvmsg`, with room for some bytes of ancillary data.
pub(crate) fn receive(fd: c_int, into: &mut [u8], room: usize, flags: c_int) -> io::Result<Received> {
    let mut from = Raw::empty();
    let mut space = control(room);
    let mut vector = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    // SAFETY: as in `send`; the kernel wrote headers whose lengths lie within the memory, the last one perhaps cut off.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &mut vector;
        message.msg_iovlen = 1;
        let (address, len) = from.parts_mut();
        message.msg_name = address.cast();
        message.msg_namelen = *len;
        if room > 0 {
            message.msg_control = space.as_mut_ptr().cast();
            message.msg_controllen = room as _;
        }
        let received = check(libc::recvmsg(fd, &mut message, flags))? as usize;
        *from.parts_mut().1 = message.msg_namelen;
        let end = space.as_ptr() as usize + message.msg_controllen as usize;
        let mut ancillary = Vec::new();
        let mut at = if room > 0 { libc::CMSG_FIRSTHDR(&message) } else { std::ptr::null_mut() };
        while let Some(header) = at.as_ref() {
            let start = libc::CMSG_DATA(at);
            let claimed = (at as usize + header.cmsg_len).min(end);
            let len = claimed.saturating_sub(start as usize);
            let content = std::slice::from_raw_parts(start, len).to_vec();
            ancillary.push((header.cmsg_level, header.cmsg_type, content));
            at = libc::CMSG_NXTHDR(&message, at);
        }
        Ok(Received { len: received, ancillary, flags: message.msg_flags, from: from.address() })
    }
}
