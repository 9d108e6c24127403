//! `_socket`: sockets.
//!
//! A socket with a timeout is non-blocking for the system; waiting is `poll`, detached, until the time is over.

mod messages;
mod names;

use crate::host::net::{self, Address, Raw};
use crate::host::{poll, system};
use crate::os_support;
use crate::time::{Rounding, duration};
use orochi_core::sync::{AtomicU32, AtomicU64, Ordering};
use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use orochi_objects::args::{ArgContext, FromArg};
use orochi_objects::buffer::{ArgBuffer, ArgBytes};
use orochi_objects::error::{
    PyErr, os_error_message, overflow_error, timeout_error, type_error, value_error,
};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::{bytes, dict, exception, list};
use orochi_objects::{
    ArgSlice, IntoPy, KwArgs, ModuleExt, Obj, PyClass, PyModule, PyResult, PyType, Ref, Thread, Value, alloc,
    class_of, float, int, protocol, str, tuple,
};
use std::ffi::CString;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

const GAI_ERROR: &str = "socket.gaierror";
const HOST_ERROR: &str = "socket.herror";
const DEFAULT_TIMEOUT: &str = "socket.default_timeout";

macro_rules! signed {
    ($name:ident, $number:ty, $atomic:ty, $bits:ty) => {
        /// A signed number in the façade's unsigned atomic.
        #[derive(Trace)]
        struct $name($atomic);

        impl $name {
            fn new(number: $number) -> $name {
                $name(<$atomic>::new(number as $bits))
            }

            fn load(&self, ordering: Ordering) -> $number {
                self.0.load(ordering) as $number
            }

            fn store(&self, number: $number, ordering: Ordering) {
                self.0.store(number as $bits, ordering);
            }

            #[allow(dead_code, reason = "of one of the two sizes only")]
            fn swap(&self, number: $number, ordering: Ordering) -> $number {
                self.0.swap(number as $bits, ordering) as $number
            }
        }
    };
}

macro_rules! unsigned {
    ($($name:ident($number:ty) = $c:literal;)*) => { $(
        /// An argument that is an unsigned C number.
        struct $name($number);

        impl<'a> FromArg<'a> for $name {
            fn from_arg(thread: &mut Thread, value: Ref<'a>, _context: ArgContext) -> PyResult<$name> {
                let number = int::index_clamped(thread, value)?;
                if number < 0 {
                    return Err(value_error("Cannot convert negative int"));
                }
                let fits = <$number>::try_from(number).map($name);
                fits.map_err(|_| overflow_error(concat!("Python int too large for C ", $c)))
            }
        }
    )* };
}
unsigned! {
    Short(u16) = "uint16_t";
    Long(u32) = "uint32_t";
    Interface(u32) = "unsigned int";
}

signed!(AtomicI32, i32, AtomicU32, u32);
signed!(AtomicI64, i64, AtomicU64, u64);

/// A socket.
#[pyclass(name = "socket", module = "_socket", subclassable)]
#[derive(Trace)]
struct Socket {
    fd: AtomicI32,
    family: AtomicI32,
    kind: AtomicI32,
    protocol: AtomicI32,
    /// Nanoseconds; -1: blocks; 0: doesn't.
    timeout: AtomicI64,
}

impl Socket {
    fn number(&self) -> i32 {
        self.fd.load(Ordering::Relaxed)
    }

    fn adopt(&self, fd: i32, [family, kind, protocol]: [i32; 3]) {
        self.family.store(family, Ordering::Relaxed);
        self.kind.store(kind, Ordering::Relaxed);
        self.protocol.store(protocol, Ordering::Relaxed);
        self.fd.store(fd, Ordering::Relaxed);
    }

    /// Makes a call when the socket is ready for it.
    fn when_ready<R>(
        &self,
        thread: &mut Thread,
        writing: bool,
        mut call: impl FnMut(i32) -> io::Result<R>,
    ) -> PyResult<R> {
        let fd = self.number();
        let timeout = self.timeout.load(Ordering::Relaxed);
        if timeout <= 0 {
            return os_support::call(thread, || call(fd));
        }
        let until = Instant::now() + Duration::from_nanos(timeout as u64);
        loop {
            wait(thread, fd, writing, until)?;
            match os_support::blocking(thread, || call(fd))? {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return os_support::plain(thread, result),
            }
        }
    }

    fn set_timeout_now(&self, thread: &mut Thread, timeout: i64) -> PyResult<()> {
        self.timeout.store(timeout, Ordering::Relaxed);
        os_support::plain(thread, system::set_blocking(self.number(), timeout < 0))
    }
}

/// Waits until a descriptor is ready; TimeoutError when the time is over.
fn wait(thread: &mut Thread, fd: i32, writing: bool, until: Instant) -> PyResult<()> {
    let events = if writing { libc::POLLOUT } else { libc::POLLIN };
    let ready = os_support::call(thread, || {
        let left = until.saturating_duration_since(Instant::now()).as_nanos().div_ceil(1_000_000);
        let mut polled = [poll::Polled { fd, events, revents: 0 }];
        poll::poll(&mut polled, i32::try_from(left).unwrap_or(i32::MAX))
    })?;
    if ready == 0 { Err(timeout_error("timed out")) } else { Ok(()) }
}

/// Nanoseconds of a timeout argument.
fn timeout_of(thread: &mut Thread, timeout: Ref<'_>) -> PyResult<i64> {
    if timeout.is_none() {
        return Ok(-1);
    }
    let nanoseconds = duration(thread, timeout, Rounding::Ceiling)?;
    if nanoseconds < 0 { Err(value_error("Timeout value out of range")) } else { Ok(nanoseconds) }
}

fn timeout_value(thread: &Thread, timeout: i64) -> PyResult {
    if timeout < 0 { Ok(Value::NONE) } else { float::new(thread, timeout as f64 / 1e9) }
}

/// The address as a Python object.
fn address_value(thread: &mut Thread, address: &Address) -> PyResult {
    let values = match address {
        Address::V4(host, port) => vec![str::new(thread, &host.to_string())?, port.into_py(thread)?],
        Address::V6(host, port, flow, scope) => vec![
            str::new(thread, &host.to_string())?,
            port.into_py(thread)?,
            flow.into_py(thread)?,
            scope.into_py(thread)?,
        ],
        Address::Unix(path) if path.first() == Some(&0) => return bytes::new(thread, path),
        Address::Unix(path) => return os_support::fs_decode(thread, path),
        Address::Other => return Ok(Value::NONE),
    };
    Ok(tuple::new(thread, values)?.into_value())
}

#[cold]
fn resolver_error(thread: &mut Thread, kind: &str, code: i32, text: &str) -> PyErr {
    let made = (|| {
        let args = [int::new(thread, code.into())?, str::new(thread, text)?];
        match os_support::kept_value(thread, kind)? {
            Some(class) => protocol::call(thread, class.get(), &[args[0].get(), args[1].get()]).map(Some),
            None => Ok(None),
        }
    })();
    match made {
        Ok(Some(error)) => PyErr::from_instance(error),
        Ok(None) => os_error_message(text.to_owned()),
        Err(error) => error,
    }
}

/// A host's name or number, as C wants it: empty is any, `<broadcast>` all.
fn host_text(thread: &mut Thread, host: Ref<'_>) -> PyResult<CString> {
    let text = match host.downcast::<PyStr>() {
        Some(text) if text.is_ascii() => text.as_bytes().to_vec(),
        Some(text) => {
            let name = str::new(thread, "idna")?;
            let encoded = protocol::call_method(thread, text.get(), "encode", &[name.get()])?;
            bytes::value(encoded.get()).unwrap_or_default().to_vec()
        }
        None => match orochi_objects::buffer::bytes_if_any(thread, host)? {
            Some(text) => text.to_vec(),
            None => {
                let name = class_of(host).name();
                return Err(type_error(format!("str, bytes or bytearray expected, not {name}")));
            }
        },
    };
    CString::new(text).map_err(|_| type_error("host name must not contain null character"))
}

/// Finds a host's address.
fn resolve_host(thread: &mut Thread, host: &CString, family: i32) -> PyResult<Address> {
    let text = host.to_str().unwrap_or_default();
    match (family, text) {
        (libc::AF_INET, "") => return Ok(Address::V4(Ipv4Addr::UNSPECIFIED, 0)),
        (libc::AF_INET6, "") => return Ok(Address::V6(Ipv6Addr::UNSPECIFIED, 0, 0, 0)),
        (libc::AF_INET, "<broadcast>") => return Ok(Address::V4(Ipv4Addr::BROADCAST, 0)),
        (libc::AF_INET, _) => {
            if let Ok(host) = text.parse() {
                return Ok(Address::V4(host, 0));
            }
        }
        _ => {}
    }
    let found = thread.detached(|| net::resolve(Some(host), None, [family, libc::SOCK_DGRAM, 0, 0]));
    match found {
        Ok(found) => Ok(found.into_iter().next().map_or(Address::Other, |entry| entry.4)),
        Err((code, text)) => Err(resolver_error(thread, GAI_ERROR, code, &text)),
    }
}

/// The address that an argument stands for.
fn address_of(thread: &mut Thread, value: Ref<'_>, family: i32, method: &str) -> PyResult<Raw> {
    let address = match family {
        libc::AF_UNIX => {
            let path = match value.downcast::<PyStr>() {
                Some(text) => os_support::fs_encode(thread, text)?,
                None => orochi_objects::buffer::bytes_of(thread, value)?.into_vec(),
            };
            Address::Unix(path)
        }
        libc::AF_INET | libc::AF_INET6 => {
            let name = if family == libc::AF_INET { "AF_INET" } else { "AF_INET6" };
            let Some(parts) = value.downcast::<PyTuple>() else {
                let got = class_of(value).name();
                return Err(type_error(format!("{method}(): {name} address must be tuple, not {got}")));
            };
            let most = if family == libc::AF_INET { 2 } else { 4 };
            if parts.len() < 2 || parts.len() > most {
                return Err(type_error(format!("{method}(): wrong format for {name} address")));
            }
            let host = host_text(thread, parts.item(0).unwrap_or(Ref::NONE))?;
            let port = int::index_clamped(thread, parts.item(1).unwrap_or(Ref::NONE))?;
            let Ok(port) = u16::try_from(port) else {
                return Err(overflow_error(format!("{method}(): port must be 0-65535.")));
            };
            let mut extra = [0_u32; 2];
            for (extra, item) in extra.iter_mut().zip(parts.items().skip(2)) {
                *extra = u32::try_from(int::index_clamped(thread, item)?)
                    .map_err(|_| overflow_error("address number out of range"))?;
            }
            match resolve_host(thread, &host, family)? {
                Address::V4(host, _) => Address::V4(host, port),
                Address::V6(host, _, _, scope) => {
                    Address::V6(host, port, extra[0], if extra[1] == 0 { scope } else { extra[1] })
                }
                other => other,
            }
        }
        _ => return Err(os_error_message(format!("{method}(): unsupported address family"))),
    };
    Raw::of(&address).ok_or_else(|| os_error_message("AF_UNIX path too long"))
}

fn connect_now(thread: &mut Thread, this: &Obj<Socket>, address: &Raw) -> PyResult<io::Result<()>> {
    let fd = this.number();
    let timeout = this.timeout.load(Ordering::Relaxed);
    let first = thread.detached(|| net::attach(fd, address, true));
    let Err(error) = first else { return Ok(Ok(())) };
    let interrupted = error.raw_os_error() == Some(libc::EINTR);
    if interrupted {
        os_support::check_signals(thread)?;
    }
    let going_on =
        timeout > 0 && error.raw_os_error() == Some(libc::EINPROGRESS) || interrupted && timeout != 0;
    if !going_on {
        return Ok(Err(error));
    }
    let until = if timeout > 0 {
        Instant::now() + Duration::from_nanos(timeout as u64)
    } else {
        Instant::now() + Duration::from_secs(86_400)
    };
    wait(thread, fd, true, until)?;
    let mut code = [0; 4];
    let found = net::get_option(fd, libc::SOL_SOCKET, libc::SO_ERROR, &mut code);
    Ok(found.and_then(|_| match i32::from_ne_bytes(code) {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }))
}

fn buffer_of(size: isize) -> PyResult<Vec<u8>> {
    match usize::try_from(size) {
        Ok(size) => os_support::zeroed(size),
        Err(_) => Err(value_error("negative buffersize in recv")),
    }
}

fn receive_into(
    thread: &mut Thread,
    this: &Obj<Socket>,
    buffer: ArgBuffer,
    size: isize,
    flags: i32,
) -> PyResult<(usize, Address)> {
    let result = (|| {
        let size = match usize::try_from(size) {
            Ok(0) => buffer.len(),
            Ok(size) if size <= buffer.len() => size,
            Ok(_) => return Err(value_error("buffer too small for requested bytes")),
            Err(_) => return Err(value_error("negative buffersize in recv_into")),
        };
        let mut read = os_support::zeroed(size)?;
        let (n, from) = this.when_ready(thread, false, |fd| net::receive(fd, &mut read, flags))?;
        buffer.write(thread, 0, read.get(..n).unwrap_or_default());
        Ok((n, from))
    })();
    buffer.finish(thread);
    result
}

#[pymethods(parts(messages::METHODS))]
impl Socket {
    #[new]
    #[signature(*args, **kwargs)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, args: ArgSlice<'_>, kwargs: KwArgs<'_>) -> PyResult {
        let _ = (args, kwargs);
        let number = || AtomicI32::new(-1);
        let made = Socket {
            fd: number(),
            family: number(),
            kind: number(),
            protocol: number(),
            timeout: AtomicI64::new(-1),
        };
        Ok(alloc(thread, cls, made)?.into_value())
    }

    #[init]
    #[no_text_signature]
    #[signature(family=-1, r#type=-1, proto=-1, fileno=None)]
    fn init(
        thread: &mut Thread,
        this: &Obj<Self>,
        family: i32,
        r#type: i32,
        proto: i32,
        fileno: Option<Ref<'_>>,
    ) -> PyResult<()> {
        if let Some(fileno) = fileno.filter(|fileno| !fileno.is_none()) {
            let fd = os_support::small_number(thread, fileno, "fd")?;
            if fd < 0 {
                return Err(value_error("negative file descriptor"));
            }
            let name = os_support::plain(thread, net::name(fd, false))?;
            let option = |option: i32| {
                let mut value = [0; 4];
                net::get_option(fd, libc::SOL_SOCKET, option, &mut value)
                    .map_or(0, |_| i32::from_ne_bytes(value))
            };
            let found = match name {
                Address::V4(..) => libc::AF_INET,
                Address::V6(..) => libc::AF_INET6,
                Address::Unix(_) => libc::AF_UNIX,
                Address::Other => option(libc::SO_DOMAIN),
            };
            let family = if family == -1 { found } else { family };
            let kind = if r#type == -1 { option(libc::SO_TYPE) } else { r#type };
            let proto = if proto == -1 { option(libc::SO_PROTOCOL) } else { proto };
            this.adopt(fd, [family, kind, proto]);
        } else {
            let family = if family == -1 { libc::AF_INET } else { family };
            let kind = if r#type == -1 { libc::SOCK_STREAM } else { r#type };
            let proto = proto.max(0);
            let fd = os_support::plain(thread, net::socket(family, kind, proto))?;
            this.adopt(fd, [family, kind & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC), proto]);
        }
        if r#type != -1 && r#type & libc::SOCK_NONBLOCK != 0 {
            this.timeout.store(0, Ordering::Relaxed);
            return Ok(());
        }
        match os_support::kept_value(thread, DEFAULT_TIMEOUT)?.filter(|timeout| !timeout.get().is_none()) {
            Some(timeout) => {
                let timeout = timeout_of(thread, timeout.get())?;
                this.set_timeout_now(thread, timeout)
            }
            None => Ok(()),
        }
    }

    fn _accept(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let (fd, from) = this.when_ready(thread, false, net::accept)?;
        let values = vec![fd.into_py(thread)?, address_value(thread, &from)?];
        Ok(tuple::new(thread, values)?.into_value())
    }

    fn bind(thread: &mut Thread, this: &Obj<Self>, address: Ref<'_>) -> PyResult<()> {
        let address = address_of(thread, address, this.family.load(Ordering::Relaxed), "bind")?;
        os_support::call(thread, || net::attach(this.number(), &address, false))
    }

    fn connect(thread: &mut Thread, this: &Obj<Self>, address: Ref<'_>) -> PyResult<()> {
        let address = address_of(thread, address, this.family.load(Ordering::Relaxed), "connect")?;
        let result = connect_now(thread, this, &address)?;
        os_support::plain(thread, result)
    }

    fn connect_ex(thread: &mut Thread, this: &Obj<Self>, address: Ref<'_>) -> PyResult<i32> {
        let address = address_of(thread, address, this.family.load(Ordering::Relaxed), "connect_ex")?;
        let result = connect_now(thread, this, &address)?;
        Ok(result.err().and_then(|error| error.raw_os_error()).unwrap_or(0))
    }

    #[signature(backlog=128, /)]
    fn listen(thread: &mut Thread, this: &Obj<Self>, backlog: i32) -> PyResult<()> {
        os_support::plain(thread, net::listen(this.number(), backlog.max(0)))
    }

    fn shutdown(thread: &mut Thread, this: &Obj<Self>, how: i32) -> PyResult<()> {
        os_support::plain(thread, net::shutdown(this.number(), how))
    }

    fn close(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        match this.fd.swap(-1, Ordering::Relaxed) {
            -1 => Ok(()),
            fd => match thread.detached(|| system::close(fd)) {
                Err(error) if error.raw_os_error() != Some(libc::ECONNRESET) => {
                    Err(os_support::os_failure(thread, &error, None))
                }
                _ => Ok(()),
            },
        }
    }

    fn detach(this: &Obj<Self>) -> i32 {
        this.fd.swap(-1, Ordering::Relaxed)
    }

    fn fileno(this: &Obj<Self>) -> i32 {
        this.number()
    }

    fn getsockname(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let name = os_support::plain(thread, net::name(this.number(), false))?;
        address_value(thread, &name)
    }

    fn getpeername(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let name = os_support::plain(thread, net::name(this.number(), true))?;
        address_value(thread, &name)
    }

    #[signature(bufsize, flags=0, /)]
    fn recv(thread: &mut Thread, this: &Obj<Self>, bufsize: isize, flags: i32) -> PyResult {
        let mut buffer = buffer_of(bufsize)?;
        let (n, _) = this.when_ready(thread, false, |fd| net::receive(fd, &mut buffer, flags))?;
        bytes::new(thread, buffer.get(..n).unwrap_or_default())
    }

    #[signature(bufsize, flags=0, /)]
    fn recvfrom(thread: &mut Thread, this: &Obj<Self>, bufsize: isize, flags: i32) -> PyResult {
        let mut buffer = buffer_of(bufsize)?;
        let (n, from) = this.when_ready(thread, false, |fd| net::receive(fd, &mut buffer, flags))?;
        let values =
            vec![bytes::new(thread, buffer.get(..n).unwrap_or_default())?, address_value(thread, &from)?];
        Ok(tuple::new(thread, values)?.into_value())
    }

    #[signature(buffer, nbytes = 0, flags = 0)]
    fn recv_into(
        thread: &mut Thread,
        this: &Obj<Self>,
        buffer: ArgBuffer,
        nbytes: isize,
        flags: i32,
    ) -> PyResult<usize> {
        receive_into(thread, this, buffer, nbytes, flags).map(|(n, _)| n)
    }

    #[signature(buffer, nbytes = 0, flags = 0)]
    fn recvfrom_into(
        thread: &mut Thread,
        this: &Obj<Self>,
        buffer: ArgBuffer,
        nbytes: isize,
        flags: i32,
    ) -> PyResult {
        let (n, from) = receive_into(thread, this, buffer, nbytes, flags)?;
        let values = vec![n.into_py(thread)?, address_value(thread, &from)?];
        Ok(tuple::new(thread, values)?.into_value())
    }

    #[signature(data, flags=0, /)]
    fn send(thread: &mut Thread, this: &Obj<Self>, data: ArgBytes<'_>, flags: i32) -> PyResult<usize> {
        this.when_ready(thread, true, |fd| net::send(fd, &data, flags, None))
    }

    #[signature(data, flags=0, /)]
    fn sendall(thread: &mut Thread, this: &Obj<Self>, data: ArgBytes<'_>, flags: i32) -> PyResult<()> {
        let mut rest: &[u8] = &data;
        while !rest.is_empty() {
            let n = this.when_ready(thread, true, |fd| net::send(fd, rest, flags, None))?;
            rest = rest.get(n..).unwrap_or_default();
            os_support::check_signals(thread)?;
        }
        Ok(())
    }

    #[signature(*args)]
    #[text_signature = "($self, data, flags=0, address, /)"]
    fn sendto(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult<usize> {
        let (data, flags, address) = match (args.get(0), args.get(1), args.get(2), args.len()) {
            (Some(data), Some(address), _, 2) => (data, None, address),
            (Some(data), Some(flags), Some(address), 3) => (data, Some(flags), address),
            (.., given) => {
                return Err(type_error(format!("sendto() takes 2 or 3 arguments ({given} given)")));
            }
        };
        let data = orochi_objects::buffer::bytes_of(thread, data)?;
        let flags = flags.map_or(Ok(0), |flags| os_support::small_number(thread, flags, "flags"))?;
        let address = address_of(thread, address, this.family.load(Ordering::Relaxed), "sendto")?;
        this.when_ready(thread, true, |fd| net::send(fd, &data, flags, Some(&address)))
    }

    #[signature(level, option, buflen=0, /)]
    fn getsockopt(thread: &mut Thread, this: &Obj<Self>, level: i32, option: i32, buflen: i32) -> PyResult {
        if !(0..=1024).contains(&buflen) {
            return Err(os_error_message("getsockopt buflen out of range"));
        }
        let mut value = vec![0; if buflen == 0 { 4 } else { buflen as usize }];
        let n = os_support::plain(thread, net::get_option(this.number(), level, option, &mut value))?;
        if buflen > 0 {
            return bytes::new(thread, value.get(..n).unwrap_or_default());
        }
        let number = value.first_chunk::<4>().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
        int::new(thread, number.into())
    }

    #[signature(level, option, value, optlen=<missing>, /)]
    fn setsockopt(
        thread: &mut Thread,
        this: &Obj<Self>,
        level: i32,
        option: i32,
        value: Ref<'_>,
        optlen: Option<usize>,
    ) -> PyResult<()> {
        let value = if value.is_none() {
            vec![0; optlen.unwrap_or(0).min(1024)]
        } else if class_of(value).slots.nb_index().is_some() {
            os_support::small_number(thread, value, "value")?.to_ne_bytes().to_vec()
        } else {
            orochi_objects::buffer::bytes_of(thread, value)?.into_vec()
        };
        os_support::plain(thread, net::set_option(this.number(), level, option, &value))
    }

    fn settimeout(thread: &mut Thread, this: &Obj<Self>, timeout: Ref<'_>) -> PyResult<()> {
        let timeout = timeout_of(thread, timeout)?;
        this.set_timeout_now(thread, timeout)
    }

    fn gettimeout(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        timeout_value(thread, this.timeout.load(Ordering::Relaxed))
    }

    fn setblocking(thread: &mut Thread, this: &Obj<Self>, flag: bool) -> PyResult<()> {
        this.set_timeout_now(thread, if flag { -1 } else { 0 })
    }

    fn getblocking(this: &Obj<Self>) -> bool {
        this.timeout.load(Ordering::Relaxed) != 0
    }

    #[getter]
    fn family(this: &Obj<Self>) -> i32 {
        this.family.load(Ordering::Relaxed)
    }

    #[getter]
    fn r#type(this: &Obj<Self>) -> i32 {
        this.kind.load(Ordering::Relaxed)
    }

    #[getter]
    fn proto(this: &Obj<Self>) -> i32 {
        this.protocol.load(Ordering::Relaxed)
    }

    #[getter]
    fn timeout(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        timeout_value(thread, this.timeout.load(Ordering::Relaxed))
    }

    #[slot]
    fn tp_finalize(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        if this.number() != -1 {
            let shown = protocol::repr(thread, this.get())?;
            let text = format!("unclosed {}", str::display(shown.get()));
            let _ = orochi_objects::warn::warn(thread, &exception::ResourceWarning, &text);
            let fd = this.fd.swap(-1, Ordering::Relaxed);
            let _ = thread.detached(|| system::close(fd));
        }
        Ok(())
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let [fd, family, kind, protocol] =
            [&this.fd, &this.family, &this.kind, &this.protocol].map(|number| number.load(Ordering::Relaxed));
        str::new(thread, &format!("<socket object, fd={fd}, family={family}, type={kind}, proto={protocol}>"))
    }
}

#[pyfunction]
#[signature(family=libc::AF_UNIX as "AF_UNIX", r#type=libc::SOCK_STREAM as "SOCK_STREAM", proto=0, /)]
fn socketpair(thread: &mut Thread, family: i32, r#type: i32, proto: i32) -> PyResult {
    let (one, other) = os_support::plain(thread, net::socketpair(family, r#type, proto))?;
    let mut values = Vec::new();
    for fd in [one, other] {
        let number = AtomicI32::new;
        let made = Socket {
            fd: number(fd),
            family: number(family),
            kind: number(r#type),
            protocol: number(proto),
            timeout: AtomicI64::new(-1),
        };
        values.push(orochi_objects::make(thread, made)?.into_value());
    }
    Ok(tuple::new(thread, values)?.into_value())
}

/// Resolve host and port into addrinfo struct.
#[pyfunction]
#[signature(host, port, family = 0, r#type = 0, proto = 0, flags = 0)]
fn getaddrinfo(
    thread: &mut Thread,
    host: Ref<'_>,
    port: Ref<'_>,
    family: i32,
    r#type: i32,
    proto: i32,
    flags: i32,
) -> PyResult {
    let host = if host.is_none() { None } else { Some(host_text(thread, host)?) };
    let service = if port.is_none() {
        None
    } else if int::is_int(port) {
        let number = int::index_i64(thread, port)?;
        CString::new(number.to_string()).ok()
    } else {
        Some(host_text(thread, port)?)
    };
    let found =
        thread.detached(|| net::resolve(host.as_deref(), service.as_deref(), [family, r#type, proto, flags]));
    let found = found.map_err(|(code, text)| resolver_error(thread, GAI_ERROR, code, &text))?;
    let mut entries = Vec::new();
    for (family, kind, protocol, name, address) in found {
        let values = vec![
            family.into_py(thread)?,
            kind.into_py(thread)?,
            protocol.into_py(thread)?,
            os_support::fs_decode(thread, &name)?,
            address_value(thread, &address)?,
        ];
        entries.push(tuple::new(thread, values)?.into_value());
    }
    Ok(list::new(thread, entries)?.into_value())
}

/// Return the IP address (a string of the form '255.255.255.255') for a host.
#[pyfunction]
#[signature(host, /)]
fn gethostbyname(thread: &mut Thread, host: Ref<'_>) -> PyResult {
    let host = host_text(thread, host)?;
    match resolve_host(thread, &host, libc::AF_INET)? {
        Address::V4(host, _) => str::new(thread, &host.to_string()),
        _ => Err(os_error_message("no address found")),
    }
}

/// Return the current host name.
#[pyfunction]
fn gethostname(thread: &mut Thread) -> PyResult {
    let name = os_support::plain(thread, net::hostname())?;
    os_support::fs_decode(thread, &name)
}

/// Close an integer socket file descriptor.
#[pyfunction]
#[signature(fd, /)]
fn close(thread: &mut Thread, fd: i32) -> PyResult<()> {
    os_support::plain(thread, system::close(fd)).map(drop)
}

/// Duplicate an integer socket file descriptor.
#[pyfunction]
#[signature(fd, /)]
fn dup(thread: &mut Thread, fd: i32) -> PyResult<i32> {
    os_support::plain(thread, system::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0))
}

#[pyfunction]
fn getdefaulttimeout(thread: &mut Thread) -> PyResult {
    Ok(os_support::kept_value(thread, DEFAULT_TIMEOUT)?.unwrap_or(Value::NONE))
}

#[pyfunction]
fn setdefaulttimeout(thread: &mut Thread, timeout: Ref<'_>) -> PyResult<()> {
    let timeout = timeout_of(thread, timeout)?;
    let timeout = timeout_value(thread, timeout)?;
    os_support::keep_value(thread, DEFAULT_TIMEOUT, timeout)
}

/// Convert a 16-bit unsigned integer from host to network byte order.
#[pyfunction]
#[signature(x, /)]
fn htons(x: Short) -> u16 {
    x.0.to_be()
}

/// Convert a 16-bit unsigned integer from network to host byte order.
#[pyfunction]
#[signature(x, /)]
fn ntohs(x: Short) -> u16 {
    u16::from_be(x.0)
}

/// Convert a 32-bit unsigned integer from host to network byte order.
#[pyfunction]
#[signature(x, /)]
fn htonl(x: Long) -> u32 {
    x.0.to_be()
}

/// Convert a 32-bit unsigned integer from network to host byte order.
#[pyfunction]
#[signature(x, /)]
fn ntohl(x: Long) -> u32 {
    u32::from_be(x.0)
}

/// Convert an IP address from string format to a packed string.
#[pyfunction]
#[signature(address_family, ip_string, /)]
fn inet_pton(thread: &mut Thread, address_family: i32, ip_string: &str) -> PyResult {
    let wrong = || os_error_message("illegal IP address string passed to inet_pton");
    match address_family {
        libc::AF_INET => {
            let host: Ipv4Addr = ip_string.parse().map_err(|_| wrong())?;
            bytes::new(thread, &host.octets())
        }
        libc::AF_INET6 => {
            let host: Ipv6Addr = ip_string.parse().map_err(|_| wrong())?;
            bytes::new(thread, &host.octets())
        }
        _ => Err(os_error_message("unknown address family")),
    }
}

/// Convert a packed IP address of the given family to string format.
#[pyfunction]
#[signature(address_family, packed_ip, /)]
fn inet_ntop(address_family: i32, packed_ip: ArgBytes<'_>) -> PyResult<String> {
    let wrong = || value_error("invalid length of packed IP address string");
    match address_family {
        libc::AF_INET => {
            let octets: [u8; 4] = (&*packed_ip).try_into().map_err(|_| wrong())?;
            Ok(Ipv4Addr::from(octets).to_string())
        }
        libc::AF_INET6 => {
            let octets: [u8; 16] = (&*packed_ip).try_into().map_err(|_| wrong())?;
            Ok(Ipv6Addr::from(octets).to_string())
        }
        family => Err(value_error(format!("unknown address family {family}"))),
    }
}

/// Convert an IP address in string format to the 32-bit packed binary format.
#[pyfunction]
#[signature(ip_addr, /)]
fn inet_aton(thread: &mut Thread, ip_addr: &str) -> PyResult {
    match ip_addr.parse::<Ipv4Addr>() {
        Ok(host) => bytes::new(thread, &host.octets()),
        Err(_) => Err(os_error_message("illegal IP address string passed to inet_aton")),
    }
}

/// Convert an IP address from 32-bit packed binary format to string format.
#[pyfunction]
#[signature(packed_ip, /)]
fn inet_ntoa(packed_ip: ArgBytes<'_>) -> PyResult<String> {
    match <[u8; 4]>::try_from(&*packed_ip) {
        Ok(octets) => Ok(Ipv4Addr::from(octets).to_string()),
        Err(_) => Err(os_error_message("packed IP wrong length")),
    }
}

/// Makes a class of OSError's.
fn error_class(thread: &mut Thread, name: &str) -> PyResult {
    let bases = tuple::new(thread, vec![exception::OSError.get().to_value()])?;
    let namespace = dict::new(thread)?;
    let (key, module) = (str::new(thread, "__module__")?, str::new(thread, "socket")?);
    dict::set_item(thread, &namespace, key.get(), module)?;
    let name = str::new(thread, name)?;
    protocol::call(thread, PyType::static_type().get().get(), &[name.get(), bases.get(), namespace.get()])
}

/// Implementation module for socket operations.
///
/// See the socket module for documentation.
#[pymodule(
    name = "_socket",
    functions(
        socketpair,
        getaddrinfo,
        gethostbyname,
        gethostname,
        close,
        dup,
        getdefaulttimeout,
        setdefaulttimeout,
        htons,
        ntohs,
        htonl,
        ntohl,
        inet_pton,
        inet_ntop,
        inet_aton,
        inet_ntoa,
        messages::cmsg_len,
        messages::cmsg_space,
        names::gethostbyaddr,
        names::gethostbyname_ex,
        names::getnameinfo,
        names::getprotobyname,
        names::getservbyname,
        names::getservbyport,
        names::if_indextoname,
        names::if_nameindex,
        names::if_nametoindex,
        names::sethostname
    ),
    classes(Socket)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for (name, number) in crate::socket_constants::CONSTANTS {
        module.add(thread, name, *number)?;
    }
    let gai = error_class(thread, "gaierror")?;
    os_support::keep_value(thread, GAI_ERROR, gai.clone())?;
    module.add(thread, "gaierror", gai)?;
    let host = error_class(thread, "herror")?;
    os_support::keep_value(thread, HOST_ERROR, host.clone())?;
    module.add(thread, "herror", host)?;
    module.add(thread, "error", exception::OSError.get())?;
    module.add(thread, "timeout", exception::TimeoutError.get())?;
    module.add(thread, "has_ipv6", true)?;
    module.add(thread, "BDADDR_ANY", "00:00:00:00:00:00")?;
    module.add(thread, "BDADDR_LOCAL", "00:00:00:FF:FF:FF")?;
    module.add(thread, "SocketType", Socket::static_type().get())
}
