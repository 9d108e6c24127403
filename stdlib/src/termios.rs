//! `termios`: the settings of terminals, as POSIX has them.

use crate::host::terminal;
use crate::os_support::{Fildes, blocking};
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{PyErr, overflow_error, type_error};
use orochi_objects::types::{bytes, list};
use orochi_objects::{ModuleExt, Obj, PyModule, PyResult, Ref, Thread, Value, int, protocol, str, tuple};
use std::io;

crate::exception!(ERROR: "error" in "termios", Exception, "");

/// The `termios.error` of a failed call: its number and text.
#[cold]
fn failure(thread: &mut Thread, error: &io::Error) -> PyErr {
    let errno = error.raw_os_error().unwrap_or(0);
    match str::new(thread, &crate::host::system::strerror(errno)) {
        Ok(text) => PyErr::new(&ERROR, vec![Value::small_int(errno.into()).unwrap_or(Value::NONE), text]),
        Err(error) => error,
    }
}

fn finished<R>(thread: &mut Thread, result: io::Result<R>) -> PyResult<R> {
    result.map_err(|error| failure(thread, &error))
}

/// A call that may wait for the terminal.
fn call(thread: &mut Thread, call: impl FnMut() -> io::Result<i32>) -> PyResult<()> {
    let result = blocking(thread, call)?;
    finished(thread, result).map(drop)
}

/// Get the settings of the terminal that file descriptor fd is.
///
/// The result is the list [iflag, oflag, cflag, lflag, ispeed, ospeed, cc]. In it cc is a list of the
/// special characters, each a bytes object of length 1; where the terminal is not in canonical mode, those
/// at VMIN and VTIME are ints.
#[pyfunction]
#[signature(fd, /)]
fn tcgetattr(thread: &mut Thread, fd: Fildes) -> PyResult {
    let found = finished(thread, terminal::attributes(fd.0))?;
    let raw = found.c_lflag & libc::ICANON == 0;
    let mut characters = Vec::with_capacity(found.c_cc.len());
    for (i, character) in found.c_cc.iter().enumerate() {
        let number = raw && matches!(i, libc::VMIN | libc::VTIME);
        characters.push(match number {
            true => int::new(thread, (*character).into())?,
            false => bytes::new(thread, &[*character])?,
        });
    }
    let (input, output) = terminal::speeds(&found);
    let mut values = Vec::with_capacity(7);
    for number in [found.c_iflag, found.c_oflag, found.c_cflag, found.c_lflag, input, output] {
        values.push(int::new(thread, number.into())?);
    }
    values.push(list::new(thread, characters)?.into_value());
    Ok(list::new(thread, values)?.into_value())
}

fn must_be_seven() -> PyErr {
    type_error("tcsetattr, arg 3: must be 7 element list")
}

/// A number of the list of settings.
fn number(thread: &mut Thread, value: &Value) -> PyResult<u32> {
    let number = int::index_i64(thread, value.get())?;
    u32::try_from(number).map_err(|_| overflow_error("Python int too large to convert to C unsigned int"))
}

/// Set the terminal that file descriptor fd is.
///
/// The settings are a list like the one that tcgetattr() gives. They take effect at once if when is TCSANOW,
/// after queued output has been written if it is TCSADRAIN, and TCSAFLUSH also throws queued input away.
#[pyfunction]
#[signature(fd, when, attributes, /)]
fn tcsetattr(thread: &mut Thread, fd: Fildes, when: i32, attributes: Ref<'_>) -> PyResult<()> {
    if attributes.downcast::<orochi_objects::types::list::PyList>().is_none() {
        return Err(must_be_seven());
    }
    let values = protocol::collect(thread, attributes)?;
    let [iflag, oflag, cflag, lflag, input, output, characters] = values.as_slice() else {
        return Err(must_be_seven());
    };
    // What the list doesn't speak of stays as it is.
    let mut wanted = finished(thread, terminal::attributes(fd.0))?;
    wanted.c_iflag = number(thread, iflag)?;
    wanted.c_oflag = number(thread, oflag)?;
    wanted.c_cflag = number(thread, cflag)?;
    wanted.c_lflag = number(thread, lflag)?;
    let (input, output) = (number(thread, input)?, number(thread, output)?);
    let count = wanted.c_cc.len();
    let wrong_count = || type_error(format!("tcsetattr: attributes[6] must be {count} element list"));
    if characters.get().downcast::<orochi_objects::types::list::PyList>().is_none() {
        return Err(wrong_count());
    }
    let characters = protocol::collect(thread, characters.get())?;
    if characters.len() != count {
        return Err(wrong_count());
    }
    for (place, character) in wanted.c_cc.iter_mut().zip(&characters) {
        *place = match bytes::value(character.get()) {
            Some(&[byte]) => byte,
            None if int::is_int(character.get()) => int::index_i64(thread, character.get())? as u8,
            _ => {
                return Err(type_error("tcsetattr: elements of attributes must be characters or integers"));
            }
        };
    }
    let set = terminal::set_speeds(&mut wanted, input, output);
    finished(thread, set)?;
    call(thread, || terminal::set_attributes(fd.0, when, &wanted))
}

/// Send a break over file descriptor fd.
///
/// A duration of zero is a break of a quarter to half a second; what others mean depends on the system.
#[pyfunction]
#[signature(fd, duration, /)]
fn tcsendbreak(thread: &mut Thread, fd: Fildes, duration: i32) -> PyResult<()> {
    call(thread, || terminal::tcsendbreak(fd.0, duration))
}

/// Wait until everything written to file descriptor fd has been sent.
#[pyfunction]
#[signature(fd, /)]
fn tcdrain(thread: &mut Thread, fd: Fildes) -> PyResult<()> {
    call(thread, || terminal::tcdrain(fd.0))
}

/// Throw away what is queued at file descriptor fd.
///
/// The queue is that of input (TCIFLUSH), of output (TCOFLUSH), or both (TCIOFLUSH).
#[pyfunction]
#[signature(fd, queue, /)]
fn tcflush(thread: &mut Thread, fd: Fildes, queue: i32) -> PyResult<()> {
    call(thread, || terminal::tcflush(fd.0, queue))
}

/// Stop output (TCOOFF) or input (TCIOFF) at file descriptor fd, or let it go on (TCOON, TCION).
#[pyfunction]
#[signature(fd, action, /)]
fn tcflow(thread: &mut Thread, fd: Fildes, action: i32) -> PyResult<()> {
    call(thread, || terminal::tcflow(fd.0, action))
}

/// Get the size of the terminal that file descriptor fd is: rows, columns.
#[pyfunction]
#[signature(fd, /)]
fn tcgetwinsize(thread: &mut Thread, fd: Fildes) -> PyResult {
    let (rows, columns) = finished(thread, terminal::window(fd.0))?;
    let values = vec![int::new(thread, rows.into())?, int::new(thread, columns.into())?];
    Ok(tuple::new(thread, values)?.into_value())
}

/// Set the size of the terminal that file descriptor fd is to a pair of rows and columns.
#[pyfunction]
#[signature(fd, winsize, /)]
fn tcsetwinsize(thread: &mut Thread, fd: Fildes, winsize: Ref<'_>) -> PyResult<()> {
    let values = match protocol::collect(thread, winsize) {
        Ok(values) if values.len() == 2 => values,
        _ => return Err(type_error("tcsetwinsize, arg 2: must be a two-item sequence")),
    };
    let mut sizes = [0_u16; 2];
    for (size, value) in sizes.iter_mut().zip(&values) {
        *size = u16::try_from(int::index_i64(thread, value.get())?)
            .map_err(|_| overflow_error("winsize value(s) out of range."))?;
    }
    call(thread, || terminal::set_window(fd.0, sizes[0], sizes[1]))
}

macro_rules! constants {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}

/// What the system's headers define.
#[rustfmt::skip]
const CONSTANTS: &[(&str, i64)] = constants! {
    B0 B1000000 B110 B115200 B1152000 B1200 B134 B150 B1500000 B1800 B19200 B200 B2000000 B230400 B2400
    B2500000 B300 B3000000 B3500000 B38400 B4000000 B460800 B4800 B50 B500000 B57600 B576000 B600 B75
    B921600 B9600 BRKINT BS0 BS1 BSDLY CBAUD CBAUDEX CIBAUD CLOCAL CR0 CR1 CR2 CR3 CRDLY CREAD CRTSCTS
    CS5 CS6 CS7 CS8 CSIZE CSTOPB ECHO ECHOCTL ECHOE ECHOK ECHOKE ECHONL ECHOPRT EXTA EXTB EXTPROC FF0 FF1
    FFDLY FIOASYNC FIOCLEX FIONBIO FIONCLEX FIONREAD FLUSHO HUPCL ICANON ICRNL IEXTEN IGNBRK IGNCR IGNPAR
    IMAXBEL INLCR INPCK ISIG ISTRIP IUCLC IUTF8 IXANY IXOFF IXON NCCS NL0 NL1 NLDLY NOFLSH OCRNL OFDEL
    OFILL OLCUC ONLCR ONLRET ONOCR OPOST PARENB PARMRK PARODD PENDIN TAB0 TAB1 TAB2 TAB3 TABDLY TCGETS
    TCIFLUSH TCIOFF TCIOFLUSH TCION TCOFLUSH TCOOFF TCOON TCSADRAIN TCSAFLUSH TCSANOW TCSBRK TCSBRKP
    TCSETS TCSETSF TCSETSW TCXONC TIOCCONS TIOCEXCL TIOCGPGRP TIOCGSERIAL TIOCGSOFTCAR TIOCGWINSZ TIOCINQ
    TIOCLINUX TIOCMBIC TIOCMBIS TIOCMGET TIOCMSET TIOCM_CAR TIOCM_CD TIOCM_CTS TIOCM_DSR TIOCM_DTR
    TIOCM_LE TIOCM_RI TIOCM_RNG TIOCM_RTS TIOCM_SR TIOCM_ST TIOCNXCL TIOCOUTQ TIOCSCTTY TIOCSPGRP
    TIOCSSOFTCAR TIOCSTI TIOCSWINSZ TIOCNOTTY TOSTOP VDISCARD VEOF VEOL VEOL2 VERASE VINTR VKILL VLNEXT
    VMIN VQUIT VREPRINT VSTART VSTOP VSUSP VSWTC VT0 VT1 VTDLY VTIME VWERASE XCASE XTABS
};

#[pymodule(
    name = "termios",
    functions(tcgetattr, tcsetattr, tcsendbreak, tcdrain, tcflush, tcflow, tcgetwinsize, tcsetwinsize)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for (name, number) in CONSTANTS {
        module.add(thread, name, *number)?;
    }
    module.add(thread, "error", ERROR.get())
}
