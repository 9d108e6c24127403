//! Unix: the names of hosts, services, protocols and interfaces.
//!
//! The C functions answer in memory that they share between threads, so one lock stands around each call and the reading
//! of its answer.

use super::net::{Address, Raw};
use super::unix::check;
use libc::{c_char, c_int, c_void};
use std::ffi::CStr;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Mutex;

unsafe extern "C" {
    fn gethostbyname(name: *const c_char) -> *mut libc::hostent;
    fn gethostbyaddr(address: *const c_void, len: libc::socklen_t, family: c_int) -> *mut libc::hostent;
    fn hstrerror(code: c_int) -> *const c_char;
    #[cfg_attr(target_os = "linux", link_name = "__h_errno_location")]
    fn h_errno_location() -> *mut c_int;
}

static ANSWERS: Mutex<()> = Mutex::new(());

/// What is known of a host.
pub(crate) struct Host {
    /// Its proper name.
    pub(crate) name: Vec<u8>,
    /// Its other names.
    pub(crate) aliases: Vec<Vec<u8>>,
    /// Its addresses.
    pub(crate) addresses: Vec<Address>,
}

/// # Safety
/// Null, or a string that ends in NUL.
unsafe fn text(from: *const c_char) -> Vec<u8> {
    if from.is_null() {
        return Vec::new();
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(from) }.to_bytes().to_vec()
}

/// The pointers of an array that ends in a null one.
///
/// # Safety
/// Null, or such an array.
unsafe fn pointers(from: *mut *mut c_char) -> Vec<*mut c_char> {
    let mut all = Vec::new();
    if from.is_null() {
        return all;
    }
    let mut at = from;
    // SAFETY: within the array, whose last entry is null.
    unsafe {
        while !(*at).is_null() {
            all.push(*at);
            at = at.add(1);
        }
    }
    all
}

/// # Safety
/// Null, or what `gethostby…` gave, the answers' lock being held.
unsafe fn host(found: *mut libc::hostent) -> Result<Host, (c_int, String)> {
    // SAFETY: as the caller promises; the addresses have the length that their family says.
    unsafe {
        let Some(found) = found.as_ref() else {
            let code = *h_errno_location();
            return Err((code, String::from_utf8_lossy(&text(hstrerror(code))).into_owned()));
        };
        let address = |from: *mut c_char| match found.h_addrtype {
            libc::AF_INET => Address::V4(Ipv4Addr::from(from.cast::<[u8; 4]>().read_unaligned()), 0),
            libc::AF_INET6 => Address::V6(Ipv6Addr::from(from.cast::<[u8; 16]>().read_unaligned()), 0, 0, 0),
            _ => Address::Other,
        };
        Ok(Host {
            name: text(found.h_name),
            aliases: pointers(found.h_aliases).into_iter().map(|alias| text(alias)).collect(),
            addresses: pointers(found.h_addr_list).into_iter().map(address).collect(),
        })
    }
}

/// The host of a name; the error is the resolver's code and text.
pub(crate) fn host_by_name(name: &CStr) -> Result<Host, (c_int, String)> {
    let _answers = orochi_core::sync::lock(&ANSWERS);
    // SAFETY: a string that ends in NUL; the lock is held.
    unsafe { host(gethostbyname(name.as_ptr())) }
}

/// The host of an address; the error is the resolver's code and text.
pub(crate) fn host_by_address(address: &Address) -> Result<Host, (c_int, String)> {
    let (octets, family) = match address {
        Address::V4(host, _) => (host.octets().to_vec(), libc::AF_INET),
        Address::V6(host, ..) => (host.octets().to_vec(), libc::AF_INET6),
        Address::Unix(_) | Address::Other => (Vec::new(), libc::AF_UNSPEC),
    };
    let _answers = orochi_core::sync::lock(&ANSWERS);
    // SAFETY: an address of this length; the lock is held.
    unsafe { host(gethostbyaddr(octets.as_ptr().cast(), octets.len() as libc::socklen_t, family)) }
}

/// The names of an address's host and port; the error is its code and text.
pub(crate) fn name_info(address: &Raw, flags: c_int) -> Result<(Vec<u8>, Vec<u8>), (c_int, String)> {
    let mut host: [c_char; libc::NI_MAXHOST as usize] = [0; libc::NI_MAXHOST as usize];
    let mut service: [c_char; 32] = [0; 32];
    let (from, len) = address.parts();
    // SAFETY: a valid address of this length; the buffers are valid for their lengths and end in NUL afterwards.
    unsafe {
        let code = libc::getnameinfo(
            from,
            len,
            host.as_mut_ptr(),
            host.len() as libc::socklen_t,
            service.as_mut_ptr(),
            service.len() as libc::socklen_t,
            flags,
        );
        if code != 0 {
            return Err((code, String::from_utf8_lossy(&text(libc::gai_strerror(code))).into_owned()));
        }
        Ok((text(host.as_ptr()), text(service.as_ptr())))
    }
}

fn pointer(text: Option<&CStr>) -> *const c_char {
    text.map_or(std::ptr::null(), CStr::as_ptr)
}

/// The port of a service.
pub(crate) fn service_port(name: &CStr, protocol: Option<&CStr>) -> Option<u16> {
    let _answers = orochi_core::sync::lock(&ANSWERS);
    // SAFETY: strings that end in NUL; the lock is held while the answer is read.
    unsafe { libc::getservbyname(name.as_ptr(), pointer(protocol)).as_ref() }
        .map(|found| u16::from_be(found.s_port as u16))
}

/// The service at a port.
pub(crate) fn service_name(port: u16, protocol: Option<&CStr>) -> Option<Vec<u8>> {
    let _answers = orochi_core::sync::lock(&ANSWERS);
    // SAFETY: null or a string that ends in NUL; the lock is held while the answer is read.
    unsafe {
        libc::getservbyport(c_int::from(port.to_be()), pointer(protocol))
            .as_ref()
            .map(|found| text(found.s_name))
    }
}

/// The number of a protocol.
pub(crate) fn protocol_number(name: &CStr) -> Option<c_int> {
    let _answers = orochi_core::sync::lock(&ANSWERS);
    // SAFETY: a string that ends in NUL; the lock is held while the answer is read.
    unsafe { libc::getprotobyname(name.as_ptr()).as_ref() }.map(|found| found.p_proto)
}

/// The network interfaces: numbers and names.
pub(crate) fn interfaces() -> io::Result<Vec<(u32, Vec<u8>)>> {
    // SAFETY: the list ends in an entry of zeros; it is read and then freed, once.
    unsafe {
        let start = libc::if_nameindex();
        if start.is_null() {
            return Err(io::Error::last_os_error());
        }
        let (mut all, mut at) = (Vec::new(), start);
        while (*at).if_index != 0 && !(*at).if_name.is_null() {
            all.push(((*at).if_index, text((*at).if_name)));
            at = at.add(1);
        }
        libc::if_freenameindex(start);
        Ok(all)
    }
}

/// The number of a network interface.
pub(crate) fn interface_number(name: &CStr) -> io::Result<u32> {
    // SAFETY: a string that ends in NUL.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        number => Ok(number),
    }
}

/// The name of a network interface.
pub(crate) fn interface_name(number: u32) -> io::Result<Vec<u8>> {
    let mut name: [c_char; libc::IF_NAMESIZE] = [0; libc::IF_NAMESIZE];
    // SAFETY: room for the longest name.
    unsafe {
        if libc::if_indextoname(number, name.as_mut_ptr()).is_null() {
            return Err(io::Error::last_os_error());
        }
        Ok(text(name.as_ptr()))
    }
}

/// Sets the host's name.
pub(crate) fn set_hostname(name: &[u8]) -> io::Result<()> {
    // SAFETY: valid for its length.
    check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }).map(drop)
}
