//! `select`: waiting for descriptors.

use crate::host::poll::{self, Polled};
use crate::os_support::{self, Fildes};
use crate::time::{Rounding, duration};
use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use orochi_objects::error::{key_error, type_error, value_error};
use orochi_objects::types::{exception, list};
use orochi_objects::{
    ArgSlice, Guarded, ModuleExt, Obj, PyModule, PyResult, PyType, Ref, Thread, Value, alloc, class_of, int,
    make, protocol, tuple,
};
use std::time::{Duration, Instant};

/// When a wait ends; nothing: never. `unit`: nanoseconds in one of the argument's.
fn deadline(thread: &mut Thread, timeout: Option<Ref<'_>>, unit: i64) -> PyResult<Option<Instant>> {
    let Some(timeout) = timeout.filter(|timeout| !timeout.is_none()) else { return Ok(None) };
    let class = class_of(timeout);
    if orochi_objects::float::value(timeout).is_none() && class.slots.nb_index().is_none() {
        return Err(type_error(if unit == 1_000_000_000 {
            "timeout must be a float or None"
        } else {
            "timeout must be an integer or None"
        }));
    }
    let seconds = duration(thread, timeout, Rounding::Ceiling)?;
    let nanoseconds = if unit == 1_000_000_000 { seconds } else { seconds / (1_000_000_000 / unit) };
    match u64::try_from(nanoseconds) {
        Ok(nanoseconds) => Ok(Instant::now().checked_add(Duration::from_nanos(nanoseconds))),
        Err(_) if unit == 1_000_000_000 => Err(value_error("timeout must be non-negative")),
        // Negative milliseconds: forever.
        Err(_) => Ok(None),
    }
}

/// Milliseconds that are left, for `poll`; -1: forever.
fn left(until: Option<Instant>) -> i32 {
    let Some(until) = until else { return -1 };
    let left = until.saturating_duration_since(Instant::now());
    i32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
}

fn wait(thread: &mut Thread, polled: &mut [Polled], until: Option<Instant>) -> PyResult<()> {
    os_support::call(thread, || poll::poll(polled, left(until))).map(drop)
}

/// Wait until one or more file descriptors are ready for some kind of I/O.
///
/// The first three arguments are iterables of file descriptors to be waited for:
/// rlist -- wait until ready for reading
/// wlist -- wait until ready for writing
/// xlist -- wait for an "exceptional condition"
/// If only one kind of condition is required, pass [] for the other lists.
///
/// A file descriptor is either a socket or file object, or a small integer
/// gotten from a fileno() method call on one of those.
///
/// The optional 4th argument specifies a timeout in seconds; it may be
/// a floating-point number to specify fractions of seconds.  If it is absent
/// or None, the call will never time out.
///
/// The return value is a tuple of three lists corresponding to the first three
/// arguments; each contains the subset of the corresponding file descriptors
/// that are ready.
#[pyfunction]
#[signature(rlist, wlist, xlist, timeout=None, /)]
fn select(
    thread: &mut Thread,
    rlist: Ref<'_>,
    wlist: Ref<'_>,
    xlist: Ref<'_>,
    timeout: Option<Ref<'_>>,
) -> PyResult {
    let until = deadline(thread, timeout, 1_000_000_000)?;
    let kinds = [
        (rlist, libc::POLLIN, libc::POLLIN | libc::POLLHUP | libc::POLLERR),
        (wlist, libc::POLLOUT, libc::POLLOUT | libc::POLLERR),
        (xlist, libc::POLLPRI, libc::POLLPRI),
    ];
    let (mut polled, mut objects) = (Vec::new(), Vec::new());
    for (kind, (iterable, wanted, _)) in kinds.iter().enumerate() {
        if class_of(*iterable).slots.tp_iter().is_none() && class_of(*iterable).slots.sq_item().is_none() {
            return Err(type_error("arguments 1-3 must be sequences"));
        }
        for object in protocol::collect(thread, *iterable)? {
            let fd = os_support::file_descriptor(thread, object.get())?;
            polled.push(Polled { fd, events: *wanted, revents: 0 });
            objects.push((kind, object));
        }
    }
    wait(thread, &mut polled, until)?;
    if polled.iter().any(|entry| entry.revents & libc::POLLNVAL != 0) {
        let error = std::io::Error::from_raw_os_error(libc::EBADF);
        return Err(os_support::os_failure(thread, &error, None));
    }
    let mut ready: [Vec<Value>; 3] = Default::default();
    for ((kind, object), entry) in objects.into_iter().zip(&polled) {
        let mask = kinds.get(kind).map_or(0, |(_, _, mask)| *mask);
        if entry.revents & mask != 0
            && let Some(ready) = ready.get_mut(kind)
        {
            ready.push(object);
        }
    }
    let mut lists = Vec::new();
    for ready in ready {
        lists.push(list::new(thread, ready)?.into_value());
    }
    Ok(tuple::new(thread, lists)?.into_value())
}

/// Returns a polling object.
#[pyclass(name = "poll", module = "select", no_new)]
#[derive(Trace)]
struct Poll {
    /// Descriptors and the events asked for, in order of registration.
    registered: Guarded<Vec<(i32, i32)>>,
}

/// Returns a polling object.
///
/// This object supports registering and unregistering file descriptors, and then
/// polling them for I/O events.
#[pyfunction]
#[name = "poll"]
#[signature()]
fn new_poll(thread: &mut Thread) -> PyResult {
    Ok(make(thread, Poll { registered: Guarded::new(Vec::new()) })?.into_value())
}

const DEFAULT_EVENTS: i32 = (libc::POLLIN | libc::POLLPRI | libc::POLLOUT) as i32;

/// (descriptor, events) pairs as a list.
fn pairs(thread: &mut Thread, found: &[(i32, i64)]) -> PyResult {
    let mut values = Vec::new();
    for (fd, events) in found {
        let pair = vec![int::new(thread, (*fd).into())?, int::new(thread, *events)?];
        values.push(tuple::new(thread, pair)?.into_value());
    }
    Ok(list::new(thread, values)?.into_value())
}

#[pymethods]
impl Poll {
    /// Register a file descriptor with the polling object.
    #[signature(fd, eventmask=DEFAULT_EVENTS as "select.POLLIN | select.POLLPRI | select.POLLOUT", /)]
    fn register(thread: &mut Thread, this: &Obj<Self>, fd: Fildes, eventmask: i32) {
        this.registered.with(this, thread, |registered, _| {
            registered.retain(|(known, _)| *known != fd.0);
            registered.push((fd.0, eventmask));
        });
    }

    /// Modify an already registered file descriptor.
    #[signature(fd, eventmask, /)]
    fn modify(thread: &mut Thread, this: &Obj<Self>, fd: Fildes, eventmask: i32) -> PyResult<()> {
        let found = this.registered.with(this, thread, |registered, _| {
            registered.iter_mut().find(|(known, _)| *known == fd.0).map(|entry| entry.1 = eventmask).is_some()
        });
        if found {
            return Ok(());
        }
        let error = std::io::Error::from_raw_os_error(libc::ENOENT);
        Err(os_support::os_failure(thread, &error, None))
    }

    /// Remove a file descriptor being tracked by the polling object.
    #[signature(fd, /)]
    fn unregister(thread: &mut Thread, this: &Obj<Self>, fd: Fildes) -> PyResult<()> {
        let found = this.registered.with(this, thread, |registered, _| {
            let before = registered.len();
            registered.retain(|(known, _)| *known != fd.0);
            before != registered.len()
        });
        if found { Ok(()) } else { Err(key_error(int::new(thread, fd.0.into())?)) }
    }

    /// Polls the set of registered file descriptors.
    ///
    /// Returns a list containing any descriptors that have events or errors to
    /// report, as a list of (fd, event) 2-tuples.
    #[signature(timeout=None, /)]
    fn poll(thread: &mut Thread, this: &Obj<Self>, timeout: Option<Ref<'_>>) -> PyResult {
        let until = deadline(thread, timeout, 1_000_000)?;
        let mut polled: Vec<Polled> = this.registered.with(this, thread, |registered, _| {
            registered
                .iter()
                .map(|(fd, events)| Polled { fd: *fd, events: *events as i16, revents: 0 })
                .collect()
        });
        wait(thread, &mut polled, until)?;
        let ready = polled.iter().filter(|entry| entry.revents != 0);
        let ready: Vec<(i32, i64)> = ready.map(|entry| (entry.fd, i64::from(entry.revents as u16))).collect();
        pairs(thread, &ready)
    }
}

/// Returns an epolling object.
#[pyclass(name = "epoll", module = "select")]
#[derive(Trace)]
struct Epoll {
    /// The descriptor, -1 once closed.
    fd: Guarded<i32>,
}

impl Epoll {
    fn open_fd(thread: &Thread, this: &Obj<Self>) -> PyResult<i32> {
        match this.fd.with(this, thread, |fd, _| *fd) {
            -1 => Err(value_error("I/O operation on closed epoll object")),
            fd => Ok(fd),
        }
    }

    fn end(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        match this.fd.with(this, thread, |fd, _| std::mem::replace(fd, -1)) {
            -1 => Ok(()),
            fd => os_support::plain(thread, crate::host::system::close(fd)).map(drop),
        }
    }

    fn control(thread: &mut Thread, this: &Obj<Self>, how: i32, fd: i32, events: u32) -> PyResult<()> {
        let epoll = Self::open_fd(thread, this)?;
        os_support::plain(thread, poll::epoll_ctl(epoll, how, fd, events))
    }
}

const EPOLL_DEFAULT: u32 = (libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLOUT) as u32;

#[pymethods]
impl Epoll {
    #[new]
    #[no_text_signature]
    #[signature(sizehint=-1, flags=0)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, sizehint: i32, flags: i32) -> PyResult {
        if sizehint != -1 && sizehint <= 0 {
            return Err(value_error("negative sizehint"));
        }
        let _ = flags;
        let fd = os_support::plain(thread, poll::epoll_create())?;
        Ok(alloc(thread, cls, Epoll { fd: Guarded::new(fd) })?.into_value())
    }

    /// Create an epoll object from a given control fd.
    #[classmethod]
    #[signature(fd, /)]
    fn fromfd(thread: &mut Thread, cls: &Obj<PyType>, fd: i32) -> PyResult {
        Ok(alloc(thread, cls, Epoll { fd: Guarded::new(fd) })?.into_value())
    }

    /// Close the epoll control file descriptor.
    ///
    /// Further operations on the epoll object will raise an exception.
    fn close(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        Self::end(thread, this)
    }

    /// Return the epoll control file descriptor.
    fn fileno(thread: &mut Thread, this: &Obj<Self>) -> PyResult<i32> {
        Self::open_fd(thread, this)
    }

    /// True if the epoll handler is closed
    #[getter]
    fn closed(thread: &mut Thread, this: &Obj<Self>) -> bool {
        this.fd.with(this, thread, |fd, _| *fd == -1)
    }

    /// Registers a new fd or raises an OSError if the fd is already registered.
    #[signature(fd, eventmask=EPOLL_DEFAULT as "select.EPOLLIN | select.EPOLLPRI | select.EPOLLOUT")]
    fn register(thread: &mut Thread, this: &Obj<Self>, fd: Fildes, eventmask: u32) -> PyResult<()> {
        Self::control(thread, this, libc::EPOLL_CTL_ADD, fd.0, eventmask)
    }

    /// Modify event mask for a registered file descriptor.
    #[signature(fd, eventmask)]
    fn modify(thread: &mut Thread, this: &Obj<Self>, fd: Fildes, eventmask: u32) -> PyResult<()> {
        Self::control(thread, this, libc::EPOLL_CTL_MOD, fd.0, eventmask)
    }

    /// Remove a registered file descriptor from the epoll object.
    #[signature(fd)]
    fn unregister(thread: &mut Thread, this: &Obj<Self>, fd: Fildes) -> PyResult<()> {
        Self::control(thread, this, libc::EPOLL_CTL_DEL, fd.0, 0)
    }

    /// Wait for events on the epoll file descriptor.
    ///
    /// Returns a list containing any descriptors that have events to report,
    /// as a list of (fd, events) 2-tuples.
    #[signature(timeout=None, maxevents=-1)]
    fn poll(thread: &mut Thread, this: &Obj<Self>, timeout: Option<Ref<'_>>, maxevents: i32) -> PyResult {
        let epoll = Self::open_fd(thread, this)?;
        let until = match timeout.filter(|timeout| !timeout.is_none()) {
            None => None,
            Some(timeout) => {
                let nanoseconds = duration(thread, timeout, Rounding::Ceiling)?;
                // Negative: forever.
                u64::try_from(nanoseconds)
                    .ok()
                    .and_then(|nanoseconds| Instant::now().checked_add(Duration::from_nanos(nanoseconds)))
            }
        };
        let most = match maxevents {
            -1 => 1023,
            most if most > 0 => most,
            most => return Err(value_error(format!("maxevents must be greater than 0, got {most}"))),
        };
        let found = os_support::call(thread, || poll::epoll_wait(epoll, most, left(until)))?;
        pairs(thread, &found)
    }

    fn __enter__(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Self::open_fd(thread, this)?;
        Ok(this.to_value())
    }

    #[signature(*args)]
    fn __exit__(thread: &mut Thread, this: &Obj<Self>, args: ArgSlice<'_>) -> PyResult<()> {
        let _ = args;
        Self::end(thread, this)
    }

    #[slot]
    fn tp_finalize(thread: &mut Thread, this: Ref<'_>) -> PyResult<()> {
        match this.downcast::<Self>() {
            Some(this) => Self::end(thread, this),
            None => Ok(()),
        }
    }
}

const CONSTANTS: &[(&str, i64)] = &[
    ("EPOLLERR", libc::EPOLLERR as i64),
    ("EPOLLET", libc::EPOLLET as i64),
    ("EPOLLEXCLUSIVE", libc::EPOLLEXCLUSIVE as i64),
    ("EPOLLHUP", libc::EPOLLHUP as i64),
    ("EPOLLIN", libc::EPOLLIN as i64),
    ("EPOLLMSG", libc::EPOLLMSG as i64),
    ("EPOLLONESHOT", libc::EPOLLONESHOT as i64),
    ("EPOLLOUT", libc::EPOLLOUT as i64),
    ("EPOLLPRI", libc::EPOLLPRI as i64),
    ("EPOLLRDBAND", libc::EPOLLRDBAND as i64),
    ("EPOLLRDHUP", libc::EPOLLRDHUP as i64),
    ("EPOLLRDNORM", libc::EPOLLRDNORM as i64),
    ("EPOLLWAKEUP", libc::EPOLLWAKEUP as i64),
    ("EPOLLWRBAND", libc::EPOLLWRBAND as i64),
    ("EPOLLWRNORM", libc::EPOLLWRNORM as i64),
    ("EPOLL_CLOEXEC", libc::EPOLL_CLOEXEC as i64),
    ("PIPE_BUF", libc::PIPE_BUF as i64),
    ("POLLERR", libc::POLLERR as i64),
    ("POLLHUP", libc::POLLHUP as i64),
    ("POLLIN", libc::POLLIN as i64),
    ("POLLMSG", 1024),
    ("POLLNVAL", libc::POLLNVAL as i64),
    ("POLLOUT", libc::POLLOUT as i64),
    ("POLLPRI", libc::POLLPRI as i64),
    ("POLLRDBAND", libc::POLLRDBAND as i64),
    ("POLLRDHUP", libc::POLLRDHUP as i64),
    ("POLLRDNORM", libc::POLLRDNORM as i64),
    ("POLLWRBAND", libc::POLLWRBAND as i64),
    ("POLLWRNORM", libc::POLLWRNORM as i64),
];

/// This module supports asynchronous I/O on multiple file descriptors.
///
/// *** IMPORTANT NOTICE ***
/// On Windows, only sockets are supported; on Unix, all file descriptors.
#[pymodule(name = "select", functions(select, new_poll), classes(Epoll))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for (name, number) in CONSTANTS {
        module.add(thread, name, *number)?;
    }
    module.add(thread, "error", exception::OSError.get())
}
