//! `_io`: streams. `base` has the abstract classes, `file_io` open files, `buffered` the buffers over raw streams, `text`
//! texts over binary streams, `bytes_io` and `string_io` streams in memory.

mod base;
mod buffered;
mod bytes_io;
mod file_io;
mod lock;
mod newline;
mod string_io;
mod text;

use crate::os_support;
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{PyErr, type_error, value_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{dict, exception};
use orochi_objects::{
    ModuleExt, Obj, PyClass, PyModule, PyResult, PyType, Ref, Thread, Value, class_of, int, protocol, str,
    tuple,
};

/// Bytes of a buffer when nobody says how many.
const BUFFER_SIZE: usize = 128 * 1024;

const UNSUPPORTED: &str = "io.UnsupportedOperation";

/// The error of a stream that can't do something: both an OSError and a ValueError.
#[cold]
fn unsupported(thread: &mut Thread, message: &str) -> PyErr {
    let made = (|| {
        let Some(class) = os_support::kept_value(thread, UNSUPPORTED)? else { return Ok(None) };
        let text = str::new(thread, message)?;
        protocol::call(thread, class.get(), &[text.get()]).map(Some)
    })();
    match made {
        Ok(Some(error)) => PyErr::from_instance(error),
        Ok(None) => orochi_objects::error::os_error_message(message.to_owned()),
        Err(error) => error,
    }
}

/// A `size` argument: None and negative numbers mean "no limit".
fn size_argument(thread: &mut Thread, size: Option<Ref<'_>>) -> PyResult<Option<usize>> {
    let Some(size) = size.filter(|size| !size.is_none()) else { return Ok(None) };
    let class = class_of(size);
    if size.as_small_int().is_none() && class.slots.nb_index().is_none() {
        return Err(type_error(format!("argument should be integer or None, not '{}'", class.name())));
    }
    Ok(usize::try_from(int::index_clamped(thread, size)?).ok())
}

/// `repr(name)` for the repr of a stream; RuntimeError if that is being made already.
fn name_shown(thread: &mut Thread, stream: Ref<'_>, name: Ref<'_>) -> PyResult {
    let shown =
        orochi_objects::types::repr_guard::enter(thread, stream, |thread| protocol::repr(thread, name))?;
    shown.ok_or_else(|| {
        let class = class_name(stream);
        orochi_objects::error::runtime_error(format!("reentrant call inside {class}.__repr__"))
    })
}

/// The name of a stream's class with its module, if it is native.
fn class_name(stream: Ref<'_>) -> String {
    let class: &Obj<PyType> = class_of(stream);
    match class.native() {
        Some(native) => format!("{}.{}", native.spec().module, native.spec().name),
        None => class.name().into_owned(),
    }
}

/// The parts of `open`'s mode.
struct Mode {
    raw: String,
    reading: bool,
    updating: bool,
    binary: bool,
}

fn parse_mode(mode: &str) -> PyResult<Mode> {
    let invalid = || value_error(format!("invalid mode: '{mode}'"));
    let mut seen = Vec::new();
    for letter in mode.chars() {
        if !"axrwb+t".contains(letter) || seen.contains(&letter) {
            return Err(invalid());
        }
        seen.push(letter);
    }
    let has = |letter| seen.contains(&letter);
    if has('t') && has('b') {
        return Err(value_error("can't have text and binary mode at once"));
    }
    let kinds: Vec<char> = "xrwa".chars().filter(|kind| has(*kind)).collect();
    if kinds.len() > 1 {
        return Err(value_error("must have exactly one of create/read/write/append mode"));
    }
    let mut raw: String = kinds.iter().collect();
    if has('+') {
        raw.push('+');
    }
    Ok(Mode { raw, reading: has('r'), updating: has('+'), binary: has('b') })
}

/// Open file and return a stream.  Raise OSError upon failure.
///
/// file is either a text or byte string giving the name (and the path
/// if the file isn't in the current working directory) of the file to
/// be opened or an integer file descriptor of the file to be
/// wrapped. (If a file descriptor is given, it is closed when the
/// returned I/O object is closed, unless closefd is set to False.)
///
/// mode is an optional string that specifies the mode in which the file
/// is opened. It defaults to 'r' which means open for reading in text
/// mode.  Other common values are 'w' for writing (truncating the file if
/// it already exists), 'x' for creating and writing to a new file, and
/// 'a' for appending (which on some Unix systems, means that all writes
/// append to the end of the file regardless of the current seek position).
/// In text mode, if encoding is not specified the encoding used is platform
/// dependent: locale.getencoding() is called to get the current locale encoding.
/// (For reading and writing raw bytes use binary mode and leave encoding
/// unspecified.)
#[pyfunction]
#[signature(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=true as "True", opener=None)]
#[allow(clippy::too_many_arguments, reason = "the parameters are Python's")]
fn open(
    thread: &mut Thread,
    file: Ref<'_>,
    mode: &str,
    buffering: i32,
    encoding: Option<&str>,
    errors: Option<&str>,
    newline: Option<&str>,
    closefd: bool,
    opener: Option<Ref<'_>>,
) -> PyResult {
    let parsed = parse_mode(mode)?;
    if parsed.binary {
        let given = [("encoding", encoding), ("errors", errors), ("newline", newline)];
        if let Some((name, _)) = given.iter().find(|(_, value)| value.is_some()) {
            let article = if *name == "newline" { "a" } else { "an" };
            return Err(value_error(format!("binary mode doesn't take {article} {name} argument")));
        }
    }
    let path = if int::is_int(file) { file.to_owned() } else { os_support::fspath(thread, file)? };
    let raw = orochi_objects::make(thread, file_io::FileIo::empty())?;
    file_io::FileIo::initialise(thread, &raw, path.get(), &parsed.raw, closefd, opener)?;
    let result = wrap(thread, &raw, &parsed, (mode, buffering), (encoding, errors, newline));
    if result.is_err() {
        // The first error is the one to show.
        let _ = protocol::call_method(thread, raw.get(), "close", &[]);
    }
    result
}

/// Puts buffer and text layer over a raw stream.
fn wrap(
    thread: &mut Thread,
    raw: &Obj<file_io::FileIo>,
    parsed: &Mode,
    (mode, buffering): (&str, i32),
    (encoding, errors, newline): (Option<&str>, Option<&str>, Option<&str>),
) -> PyResult {
    let terminal = buffering < 0 && crate::host::system::isatty(raw.open_fd()?) != 0;
    let line_buffering = buffering == 1 || terminal;
    if buffering == 1 && parsed.binary {
        orochi_objects::warn::warn(
            thread,
            &exception::RuntimeWarning,
            "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used",
        )?;
    }
    let size = match usize::try_from(buffering) {
        Ok(0) if parsed.binary => return Ok(raw.to_value()),
        Ok(0) => return Err(value_error("can't have unbuffered text I/O")),
        Ok(size) if size > 1 => size,
        _ => raw.block_size().clamp(BUFFER_SIZE, 8 << 20),
    };
    let buffer = if parsed.updating {
        if protocol::call_method(thread, raw.get(), "seekable", &[])?.get().as_bool() != Some(true) {
            return Err(unsupported(thread, "File or stream is not seekable."));
        }
        buffered::BufferedRandom::over(thread, raw.get(), size)?
    } else if parsed.reading {
        buffered::BufferedReader::over(thread, raw.get(), size)?
    } else {
        buffered::BufferedWriter::over(thread, raw.get(), size)?
    };
    if parsed.binary {
        return Ok(buffer);
    }
    let options = text::Options { encoding, errors, newline, line_buffering, write_through: false };
    let text = text::TextIoWrapper::over(thread, buffer.get(), &options)?;
    let mode = str::new(thread, mode)?;
    protocol::set_attr_str(thread, text.get(), "mode", mode.get())?;
    Ok(text)
}

/// Opens the provided file with the intent to import the contents.
///
/// This may perform extra validation beyond open(), but is otherwise interchangeable
/// with calling open(path, 'rb').
#[pyfunction]
#[signature(path)]
fn open_code(thread: &mut Thread, path: Ref<'_>) -> PyResult {
    if path.downcast::<PyStr>().is_none() {
        let name = class_of(path).name();
        return Err(type_error(format!("open_code() argument 'path' must be str, not {name}")));
    }
    open(thread, path, "rb", -1, None, None, None, true, None)
}

/// A helper function to choose the text encoding.
///
/// When encoding is not None, this function returns it.
/// Otherwise, this function returns the default text encoding
/// (i.e. "locale" or "utf-8" depends on UTF-8 mode).
///
/// This function emits an EncodingWarning if encoding is None and
/// sys.flags.warn_default_encoding is true.
///
/// This can be used in APIs with an encoding=None parameter.
/// However, please consider using encoding="utf-8" for new APIs.
#[pyfunction]
#[signature(encoding, stacklevel=2, /)]
fn text_encoding(thread: &mut Thread, encoding: Ref<'_>, stacklevel: i32) -> PyResult {
    let _ = stacklevel;
    if encoding.is_none() { str::new(thread, "locale") } else { Ok(encoding.to_owned()) }
}

/// Makes `UnsupportedOperation`.
fn unsupported_class(thread: &mut Thread) -> PyResult {
    let bases = vec![exception::OSError.get().to_value(), exception::ValueError.get().to_value()];
    let bases = tuple::new(thread, bases)?;
    let namespace = dict::new(thread)?;
    let (key, module) = (str::new(thread, "__module__")?, str::new(thread, "io")?);
    dict::set_item(thread, &namespace, key.get(), module)?;
    let name = str::new(thread, "UnsupportedOperation")?;
    let class = protocol::call(
        thread,
        PyType::static_type().get().get(),
        &[name.get(), bases.get(), namespace.get()],
    )?;
    os_support::keep_value(thread, UNSUPPORTED, class.clone())?;
    Ok(class)
}

/// The io module provides the Python interfaces to stream handling. The
/// builtin open function is defined in this module.
#[pymodule(
    name = "_io",
    functions(open, open_code, text_encoding),
    classes(
        base::IoBase,
        base::RawIoBase,
        base::BufferedIoBase,
        base::TextIoBase,
        file_io::FileIo,
        bytes_io::BytesIo,
        string_io::StringIo,
        buffered::BufferedReader,
        buffered::BufferedWriter,
        buffered::BufferedRandom,
        buffered::BufferedRwPair,
        text::TextIoWrapper,
        newline::NewlineDecoder
    )
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "DEFAULT_BUFFER_SIZE", BUFFER_SIZE as i64)?;
    module.add(thread, "BlockingIOError", exception::BlockingIOError.get())?;
    let class: Value = unsupported_class(thread)?;
    module.add(thread, "UnsupportedOperation", class)
}
