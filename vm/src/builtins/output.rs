//! Built-in functions that talk to the terminal: breakpoint, input, print; and open.

use orochi_core::{Ref, Thread, Value};
use orochi_macros::pyfunction;
use orochi_objects::error::{PyResult, eof_error, runtime_error, type_error};
use orochi_objects::thread::ThreadState;
use orochi_objects::types::str::PyStr;
use orochi_objects::{ArgSlice, Args, DictExt, PyDict, class_of, protocol};

/// A name of the `sys` module, as it is now.
pub(crate) fn sys_attribute(thread: &mut Thread, name: &str) -> PyResult<Option<Value>> {
    let Some(sys) = ThreadState::of(thread).interpreter.sys.get(thread) else { return Ok(None) };
    let name = orochi_objects::str::intern(thread, name)?;
    let Some(sys) = sys.get().downcast::<PyDict>() else { return Ok(None) };
    Ok(sys.get_str(thread, name).map(Ref::to_owned))
}

fn separator(thread: &mut Thread, given: Option<Ref<'_>>, default: &str, name: &str) -> PyResult {
    match given {
        None => orochi_objects::str::new(thread, default),
        Some(text) if text.downcast::<PyStr>().is_some() => Ok(text.to_owned()),
        Some(other) => {
            Err(type_error(format!("{name} must be None or a string, not {}", class_of(other).name())))
        }
    }
}

/// Prints the values to a stream, or to sys.stdout by default.
///
/// sep
///   string inserted between values, default a space.
/// end
///   string appended after the last value, default a newline.
/// file
///   a file-like object (stream); defaults to the current sys.stdout.
/// flush
///   whether to forcibly flush the stream.
#[pyfunction]
#[signature(*args, sep = " ", end = "\n", file = None, flush = false)]
fn print(
    thread: &mut Thread,
    args: ArgSlice<'_>,
    sep: Option<Ref<'_>>,
    end: Option<Ref<'_>>,
    file: Option<Ref<'_>>,
    flush: bool,
) -> PyResult<()> {
    let (sep, end) = (sep.filter(|sep| !sep.is_none()), end.filter(|end| !end.is_none()));
    let sep = separator(thread, sep, " ", "sep")?;
    let end = separator(thread, end, "\n", "end")?;
    let file = match file {
        Some(file) => file.to_owned(),
        None => match sys_attribute(thread, "stdout")? {
            Some(stdout) if stdout.get().is_none() => return Ok(()),
            Some(stdout) => stdout,
            None => return Err(runtime_error("lost sys.stdout")),
        },
    };
    let write = protocol::get_attr_str(thread, file.get(), "write")?;
    for (i, value) in args.iter().enumerate() {
        if i > 0 {
            protocol::call(thread, write.get(), &[sep.get()])?;
        }
        let text = protocol::str(thread, value)?;
        protocol::call(thread, write.get(), &[text.get()])?;
    }
    protocol::call(thread, write.get(), &[end.get()])?;
    if flush {
        protocol::call_method(thread, file.get(), "flush", &[])?;
    }
    Ok(())
}

/// Read a string from standard input.  The trailing newline is stripped.
///
/// The prompt string, if given, is printed to standard output without a
/// trailing newline before reading input.
///
/// If the user hits EOF (*nix: Ctrl-D, Windows: Ctrl-Z+Return), raise EOFError.
/// On *nix systems, readline is used if available.
#[pyfunction]
#[signature(prompt = "", /)]
fn input(thread: &mut Thread, prompt: Option<Ref<'_>>) -> PyResult {
    let lost = |name: &str| runtime_error(format!("lost sys.{name}"));
    let usable = |stream: Option<Value>| stream.filter(|stream| !stream.get().is_none());
    let stdin = usable(sys_attribute(thread, "stdin")?).ok_or_else(|| lost("stdin"))?;
    let stdout = usable(sys_attribute(thread, "stdout")?).ok_or_else(|| lost("stdout"))?;
    if let Some(stderr) = usable(sys_attribute(thread, "stderr")?) {
        let _ = protocol::call_method(thread, stderr.get(), "flush", &[]);
    }
    if let Some(prompt) = prompt {
        let text = protocol::str(thread, prompt)?;
        protocol::call_method(thread, stdout.get(), "write", &[text.get()])?;
    }
    let _ = protocol::call_method(thread, stdout.get(), "flush", &[]);
    let line = protocol::call_method(thread, stdin.get(), "readline", &[])?;
    let Some(text) = line.get().downcast::<PyStr>() else {
        return Err(type_error("object.readline() returned non-string"));
    };
    let bytes = text.as_bytes();
    match bytes.split_last() {
        None => Err(eof_error("EOF when reading a line")),
        Some((b'\n', _)) => orochi_objects::str::from_wtf8(thread, text.as_wtf8().slice_to(bytes.len() - 1)),
        Some(_) => Ok(line),
    }
}

/// Call sys.breakpointhook(*args, **kws).  sys.breakpointhook() must accept
/// whatever arguments are passed.
#[pyfunction]
fn breakpoint(thread: &mut Thread, args: Args<'_>) -> PyResult {
    match sys_attribute(thread, "breakpointhook")? {
        Some(hook) => protocol::call_args(thread, hook.get(), args),
        None => Err(runtime_error("lost sys.breakpointhook")),
    }
}
