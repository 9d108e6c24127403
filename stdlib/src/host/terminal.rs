//! Unix: the settings of terminals.

use super::unix::check;
use libc::{c_int, termios, winsize};
use std::io;
use std::mem::MaybeUninit;

/// `tcgetattr`.
pub(crate) fn attributes(fd: c_int) -> io::Result<termios> {
    let mut found = MaybeUninit::<termios>::zeroed();
    // SAFETY: a place for the structure, which is made of numbers.
    unsafe {
        check(libc::tcgetattr(fd, found.as_mut_ptr()))?;
        Ok(found.assume_init())
    }
}

/// `tcsetattr`.
pub(crate) fn set_attributes(fd: c_int, when: c_int, wanted: &termios) -> io::Result<c_int> {
    // SAFETY: a structure that is read.
    check(unsafe { libc::tcsetattr(fd, when, wanted) })
}

/// The speeds of a terminal: in, out.
pub(crate) fn speeds(of: &termios) -> (u32, u32) {
    // SAFETY: a structure that is read.
    unsafe { (libc::cfgetispeed(of) as u32, libc::cfgetospeed(of) as u32) }
}

/// Puts speeds into the structure.
pub(crate) fn set_speeds(of: &mut termios, input: u32, output: u32) -> io::Result<c_int> {
    // SAFETY: a structure that is changed.
    unsafe {
        check(libc::cfsetispeed(of, input as _))?;
        check(libc::cfsetospeed(of, output as _))
    }
}

/// Rows and columns.
pub(crate) fn window(fd: c_int) -> io::Result<(u16, u16)> {
    super::unix::window_size(fd).map(|(columns, rows)| (rows, columns))
}

/// Sets rows and columns, and leaves the size in pixels as it is.
pub(crate) fn set_window(fd: c_int, rows: u16, columns: u16) -> io::Result<c_int> {
    let mut size = MaybeUninit::<winsize>::zeroed();
    // SAFETY: a structure of numbers that the first call fills and the second reads.
    unsafe {
        check(libc::ioctl(fd, libc::TIOCGWINSZ, size.as_mut_ptr()))?;
        let mut size = size.assume_init();
        size.ws_row = rows;
        size.ws_col = columns;
        check(libc::ioctl(fd, libc::TIOCSWINSZ, &raw const size))
    }
}

macro_rules! on_terminal {
    ($($name:ident($($arg:ident),*);)*) => { $(
        /// The call of this name.
        pub(crate) fn $name(fd: c_int $(, $arg: c_int)*) -> io::Result<c_int> {
            // SAFETY: numbers.
            check(unsafe { libc::$name(fd $(, $arg)*) })
        }
    )* };
}

on_terminal! {
    tcdrain();
    tcflow(action);
    tcflush(queue);
    tcsendbreak(duration);
}
