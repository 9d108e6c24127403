//! The names of hosts, services, protocols and interfaces.

use super::{GAI_ERROR, HOST_ERROR, Interface, host_text, resolve_host, resolver_error};
use crate::host::names::{self, Host};
use crate::host::net::{self, Address, Raw};
use crate::os_support::{self, FsText};
use orochi_macros::pyfunction;
use orochi_objects::error::{os_error_message, overflow_error, type_error};
use orochi_objects::types::list;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{IntoPy, PyResult, Ref, Thread, Value, int, str, tuple};
use std::ffi::CString;

/// The name alone of an address's host, as text.
fn host_number(address: &Address) -> String {
    match address {
        Address::V4(host, _) => host.to_string(),
        Address::V6(host, ..) => host.to_string(),
        Address::Unix(_) | Address::Other => String::new(),
    }
}

fn host_value(thread: &mut Thread, found: Result<Host, (i32, String)>) -> PyResult {
    let host = found.map_err(|(code, text)| resolver_error(thread, HOST_ERROR, code, &text))?;
    let mut aliases = Vec::new();
    for alias in &host.aliases {
        aliases.push(os_support::fs_decode(thread, alias)?);
    }
    let mut addresses = Vec::new();
    for address in &host.addresses {
        addresses.push(str::new(thread, &host_number(address))?);
    }
    let values = vec![
        os_support::fs_decode(thread, &host.name)?,
        list::new(thread, aliases)?.into_value(),
        list::new(thread, addresses)?.into_value(),
    ];
    Ok(tuple::new(thread, values)?.into_value())
}

/// Return the true host name, a list of aliases, and a list of IP addresses,
/// for a host.  The host argument is a string giving a host name or IP number.
#[pyfunction]
#[signature(host, /)]
pub(super) fn gethostbyname_ex(thread: &mut Thread, host: Ref<'_>) -> PyResult {
    let name = host_text(thread, host)?;
    resolve_host(thread, &name, libc::AF_INET)?;
    let found = thread.detached(|| names::host_by_name(&name));
    host_value(thread, found)
}

/// Return the true host name, a list of aliases, and a list of IP addresses,
/// for a host.  The host argument is a string giving a host name or IP number.
#[pyfunction]
#[signature(host, /)]
pub(super) fn gethostbyaddr(thread: &mut Thread, host: Ref<'_>) -> PyResult {
    let name = host_text(thread, host)?;
    let address = match name.to_str().ok().and_then(|text| text.parse().ok()) {
        Some(host) => Address::V4(host, 0),
        None => resolve_host(thread, &name, libc::AF_UNSPEC)?,
    };
    let found = thread.detached(|| names::host_by_address(&address));
    host_value(thread, found)
}

/// The address of `getnameinfo`: numbers only.
fn numeric_address(thread: &mut Thread, sockaddr: Ref<'_>) -> PyResult<Raw> {
    let Some(parts) = sockaddr.downcast::<PyTuple>() else {
        return Err(type_error("getnameinfo() argument 1 must be a tuple"));
    };
    let illegal = || type_error("getnameinfo(): illegal sockaddr argument");
    let items: Vec<Ref<'_>> = parts.items().collect();
    let (Some(host), Some(port), true) = (items.first(), items.get(1), items.len() <= 4) else {
        return Err(illegal());
    };
    let host = host.downcast::<str::PyStr>().ok_or_else(illegal)?;
    let host = host_text(thread, host.get())?;
    let port = int::index_clamped(thread, *port)?;
    let mut extra = [0_u32; 2];
    for (extra, item) in extra.iter_mut().zip(items.iter().skip(2)) {
        *extra = u32::try_from(int::index_clamped(thread, *item)?)
            .map_err(|_| overflow_error("Python int too large to convert to C unsigned int"))?;
    }
    if extra[0] > 0xF_FFFF {
        return Err(overflow_error("getnameinfo(): flowinfo must be 0-1048575."));
    }
    let service = CString::new(port.to_string()).unwrap_or_default();
    let wanted = [libc::AF_UNSPEC, libc::SOCK_DGRAM, 0, libc::AI_NUMERICHOST];
    let found = thread
        .detached(|| net::resolve(Some(&host), Some(&service), wanted))
        .map_err(|(code, text)| resolver_error(thread, GAI_ERROR, code, &text))?;
    let mut found = found.into_iter().map(|entry| entry.4);
    let address = match (found.next(), found.next()) {
        (Some(Address::V4(..)), None) if items.len() != 2 => {
            return Err(os_error_message("IPv4 sockaddr must be 2 tuple"));
        }
        (Some(Address::V6(host, port, _, scope)), None) => {
            Address::V6(host, port, extra[0], if extra[1] == 0 { scope } else { extra[1] })
        }
        (Some(address), None) => address,
        _ => return Err(os_error_message("sockaddr resolved to multiple addresses")),
    };
    Raw::of(&address).ok_or_else(illegal)
}

/// Get host and port for a sockaddr.
#[pyfunction]
#[signature(sockaddr, flags, /)]
pub(super) fn getnameinfo(thread: &mut Thread, sockaddr: Ref<'_>, flags: i32) -> PyResult {
    let address = numeric_address(thread, sockaddr)?;
    let (host, service) = thread
        .detached(|| names::name_info(&address, flags))
        .map_err(|(code, text)| resolver_error(thread, GAI_ERROR, code, &text))?;
    let values = vec![os_support::fs_decode(thread, &host)?, os_support::fs_decode(thread, &service)?];
    Ok(tuple::new(thread, values)?.into_value())
}

/// Return a port number from a service name and protocol name.
///
/// The optional protocol name, if given, should be 'tcp' or 'udp',
/// otherwise any protocol will match.
#[pyfunction]
#[signature(servicename, protocolname=None, /)]
pub(super) fn getservbyname(
    thread: &mut Thread,
    servicename: FsText,
    protocolname: Option<FsText>,
) -> PyResult<u16> {
    let protocol = protocolname.as_ref().map(|name| name.0.as_c_str());
    thread
        .detached(|| names::service_port(&servicename.0, protocol))
        .ok_or_else(|| os_error_message("service/proto not found"))
}

/// Return the service name from a port number and protocol name.
///
/// The optional protocol name, if given, should be 'tcp' or 'udp',
/// otherwise any protocol will match.
#[pyfunction]
#[signature(port, protocolname=None, /)]
pub(super) fn getservbyport(thread: &mut Thread, port: i32, protocolname: Option<FsText>) -> PyResult {
    let port = u16::try_from(port).map_err(|_| overflow_error("getservbyport: port must be 0-65535."))?;
    let protocol = protocolname.as_ref().map(|name| name.0.as_c_str());
    match thread.detached(|| names::service_name(port, protocol)) {
        Some(name) => os_support::fs_decode(thread, &name),
        None => Err(os_error_message("port/proto not found")),
    }
}

/// Return the protocol number for the named protocol.  (Rarely used.)
#[pyfunction]
#[signature(name, /)]
pub(super) fn getprotobyname(thread: &mut Thread, name: FsText) -> PyResult<i32> {
    thread.detached(|| names::protocol_number(&name.0)).ok_or_else(|| os_error_message("protocol not found"))
}

/// Return a list of network interface information (index, name) tuples.
#[pyfunction]
pub(super) fn if_nameindex(thread: &mut Thread) -> PyResult {
    let found = os_support::plain(thread, names::interfaces())?;
    let mut entries = Vec::new();
    for (number, name) in found {
        let values: Vec<Value> = vec![number.into_py(thread)?, os_support::fs_decode(thread, &name)?];
        entries.push(tuple::new(thread, values)?.into_value());
    }
    Ok(list::new(thread, entries)?.into_value())
}

/// Returns the interface index corresponding to the interface name if_name.
#[pyfunction]
#[signature(oname, /)]
pub(super) fn if_nametoindex(thread: &mut Thread, oname: FsText) -> PyResult<u32> {
    os_support::plain(thread, names::interface_number(&oname.0))
}

/// Returns the interface name corresponding to the interface index if_index.
#[pyfunction]
#[signature(if_index, /)]
pub(super) fn if_indextoname(thread: &mut Thread, if_index: Interface) -> PyResult {
    let name = os_support::plain(thread, names::interface_name(if_index.0))?;
    os_support::fs_decode(thread, &name)
}

/// Sets the hostname to name.
#[pyfunction]
#[signature(name, /)]
pub(super) fn sethostname(thread: &mut Thread, name: FsText) -> PyResult<()> {
    os_support::plain(thread, names::set_hostname(name.0.as_bytes()))
}
