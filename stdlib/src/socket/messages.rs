//! Messages with ancillary data: `sendmsg` and `recvmsg`.

use super::{Socket, address_of, address_value, buffer_of};
use crate::host::messages::{self, Ancillary, Received, ancillary_len, ancillary_space};
use crate::os_support;
use orochi_core::sync::Ordering;
use orochi_macros::{pyfunction, pymethods};
use orochi_objects::buffer::{self, ArgBuffer, ArgBytes};
use orochi_objects::error::{os_error_message, overflow_error, type_error, value_error};
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::{bytes, exception, list};
use orochi_objects::{IntoPy, Obj, PyResult, Ref, Thread, Value, class_of, tuple};

/// Return the total length, without trailing padding, of an ancillary data
/// item with associated data of the given length.
#[pyfunction]
#[name = "CMSG_LEN"]
#[signature(length, /)]
pub(super) fn cmsg_len(length: i64) -> PyResult<usize> {
    let len = usize::try_from(length).ok().and_then(ancillary_len);
    len.ok_or_else(|| overflow_error("CMSG_LEN() argument out of range"))
}

/// Return the buffer size needed for recvmsg() to receive an ancillary data
/// item with associated data of the given length, along with any trailing padding.
#[pyfunction]
#[name = "CMSG_SPACE"]
#[signature(length, /)]
pub(super) fn cmsg_space(length: i64) -> PyResult<usize> {
    let len = usize::try_from(length).ok().and_then(ancillary_space);
    len.ok_or_else(|| overflow_error("CMSG_SPACE() argument out of range"))
}

/// The items of an iterable argument; TypeError with this text if it is none.
fn items(thread: &mut Thread, iterable: Ref<'_>, message: &'static str) -> PyResult<Vec<Value>> {
    list::to_values(thread, iterable).map_err(|error| {
        let class = class_of(iterable);
        let is_iterable = class.slots.tp_iter().is_some() || class.slots.sq_item().is_some();
        if error.matches(&exception::TypeError) && !is_iterable { type_error(message) } else { error }
    })
}

fn ancillary_item(thread: &mut Thread, item: Ref<'_>) -> PyResult<Ancillary> {
    let what = "[sendmsg() ancillary data items]() argument must be";
    let Some(parts) = item.downcast::<PyTuple>() else {
        let class = class_of(item).full_name();
        return Err(type_error(format!("{what} 3-item tuple, not {class}")));
    };
    let (Some(level), Some(kind), Some(content), 3) =
        (parts.item(0), parts.item(1), parts.item(2), parts.len())
    else {
        return Err(type_error(format!("{what} tuple of length 3, not {}", parts.len())));
    };
    let level = os_support::small_number(thread, level, "level")?;
    let kind = os_support::small_number(thread, kind, "type")?;
    let content = buffer::bytes_of(thread, content)?.into_vec();
    if ancillary_space(content.len()).is_none() {
        return Err(os_error_message("ancillary data item too large"));
    }
    Ok((level, kind, content))
}

fn ancillary_value(thread: &mut Thread, item: &Ancillary) -> PyResult {
    let values = vec![item.0.into_py(thread)?, item.1.into_py(thread)?, bytes::new(thread, &item.2)?];
    Ok(tuple::new(thread, values)?.into_value())
}

/// The result of `recvmsg`, whose first part is the data or its length.
fn received_value(thread: &mut Thread, data: Value, received: &Received) -> PyResult {
    let mut ancillary = Vec::new();
    for item in &received.ancillary {
        ancillary.push(ancillary_value(thread, item)?);
    }
    let values = vec![
        data,
        list::new(thread, ancillary)?.into_value(),
        received.flags.into_py(thread)?,
        address_value(thread, &received.from)?,
    ];
    Ok(tuple::new(thread, values)?.into_value())
}

fn receive(
    thread: &mut Thread,
    this: &Obj<Socket>,
    into: &mut [u8],
    room: isize,
    flags: i32,
) -> PyResult<Received> {
    let room = usize::try_from(room).ok().filter(|room| *room <= i32::MAX as usize);
    let room = room.ok_or_else(|| value_error("invalid ancillary data buffer length"))?;
    this.when_ready(thread, false, |fd| messages::receive(fd, into, room, flags))
}

/// Receives one message into several buffers.
fn receive_into(
    thread: &mut Thread,
    this: &Obj<Socket>,
    buffers: &[ArgBuffer],
    room: isize,
    flags: i32,
) -> PyResult {
    let total = buffers.iter().map(ArgBuffer::len).sum();
    let mut data = os_support::zeroed(total)?;
    let received = receive(thread, this, &mut data, room, flags)?;
    let mut rest = data.get(..received.len).unwrap_or(&data);
    for buffer in buffers {
        let (now, later) = rest.split_at(buffer.len().min(rest.len()));
        buffer.write(thread, 0, now);
        rest = later;
    }
    let len = received.len.into_py(thread)?;
    received_value(thread, len, &received)
}

#[pymethods(part = METHODS)]
impl Socket {
    /// Receive normal data (up to bufsize bytes) and ancillary data from the socket.
    ///
    /// The ancbufsize argument sets the size in bytes of
    /// the internal buffer used to receive the ancillary data; it defaults
    /// to 0, meaning that no ancillary data will be received.  Appropriate
    /// buffer sizes for ancillary data can be calculated using CMSG_SPACE()
    /// or CMSG_LEN(), and items which do not fit into the buffer might be
    /// truncated or discarded.
    ///
    /// The return value is a 4-tuple: (data, ancdata, msg_flags, address).
    #[signature(bufsize, ancbufsize=0, flags=0, /)]
    fn recvmsg(
        thread: &mut Thread,
        this: &Obj<Self>,
        bufsize: isize,
        ancbufsize: isize,
        flags: i32,
    ) -> PyResult {
        if bufsize < 0 {
            return Err(value_error("negative buffer size in recvmsg()"));
        }
        let mut data = buffer_of(bufsize)?;
        let received = receive(thread, this, &mut data, ancbufsize, flags)?;
        let data = bytes::new(thread, data.get(..received.len).unwrap_or_default())?;
        received_value(thread, data, &received)
    }

    /// Receive normal data and ancillary data from the socket, scattering the
    /// non-ancillary data into a series of buffers.
    ///
    /// The buffers argument must be an iterable of objects that export
    /// writable buffers (e.g. bytearray objects); these will be filled with
    /// successive chunks of the non-ancillary data until it has all been
    /// written or there are no more buffers.
    ///
    /// The return value is a 4-tuple: (nbytes, ancdata, msg_flags, address).
    #[signature(buffers, ancbufsize=0, flags=0, /)]
    fn recvmsg_into(
        thread: &mut Thread,
        this: &Obj<Self>,
        buffers: Ref<'_>,
        ancbufsize: isize,
        flags: i32,
    ) -> PyResult {
        let values = items(thread, buffers, "recvmsg_into() argument 1 must be an iterable")?;
        let mut buffers = Vec::new();
        let mut failure = None;
        for value in &values {
            match buffer::writable(thread, value.get()) {
                Some(Ok(buffer)) => buffers.push(buffer),
                Some(Err(error)) => failure = Some(error),
                None => {
                    let text =
                        "recvmsg_into() argument 1 must be an iterable of single-segment read-write buffers";
                    failure = Some(type_error(text));
                }
            }
            if failure.is_some() {
                break;
            }
        }
        let result = match failure {
            Some(error) => Err(error),
            None => receive_into(thread, this, &buffers, ancbufsize, flags),
        };
        buffers.into_iter().for_each(|buffer| buffer.finish(thread));
        result
    }

    /// Send normal and ancillary data to the socket, gathering the
    /// non-ancillary data from a series of buffers and concatenating it into
    /// a single message.
    ///
    /// The ancdata argument specifies the ancillary data (control messages)
    /// as an iterable of zero or more tuples (cmsg_level, cmsg_type,
    /// cmsg_data), where cmsg_level and cmsg_type are integers specifying the
    /// protocol level and protocol-specific type respectively, and cmsg_data
    /// is a bytes-like object holding the associated data.
    #[signature(buffers, ancdata=<missing>, flags=0, address=None, /)]
    fn sendmsg(
        thread: &mut Thread,
        this: &Obj<Self>,
        buffers: Ref<'_>,
        ancdata: Option<Ref<'_>>,
        flags: i32,
        address: Option<Ref<'_>>,
    ) -> PyResult<usize> {
        let values = items(thread, buffers, "sendmsg() argument 1 must be an iterable")?;
        let mut contents: Vec<ArgBytes<'_>> = Vec::new();
        for value in &values {
            contents.push(buffer::bytes_of(thread, value.get())?);
        }
        let given = match ancdata {
            Some(ancdata) => items(thread, ancdata, "sendmsg() argument 2 must be an iterable")?,
            None => Vec::new(),
        };
        let mut ancillary = Vec::new();
        for item in &given {
            ancillary.push(ancillary_item(thread, item.get())?);
        }
        let to = match address.filter(|address| !address.is_none()) {
            Some(address) => {
                Some(address_of(thread, address, this.family.load(Ordering::Relaxed), "sendmsg")?)
            }
            None => None,
        };
        let parts: Vec<&[u8]> = contents.iter().map(|content| &**content).collect();
        this.when_ready(thread, true, |fd| messages::send(fd, &parts, &ancillary, flags, to.as_ref()))
    }
}
