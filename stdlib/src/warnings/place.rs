//! Where a warning comes from.

use crate::support;
use orochi_objects::error::{PyResult, type_error};
use orochi_objects::frames::Frame;
use orochi_objects::thread::ThreadState;
use orochi_objects::types::dict::{self, DictExt};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::{exception, frame, list};
use orochi_objects::{Obj, Owned, PyDict, Ref, Thread, Value, class_of, name, protocol, str};

/// A place in a program.
pub(super) struct Place {
    pub(super) filename: Value,
    pub(super) line: i64,
    pub(super) module: Value,
    pub(super) registry: Value,
}

/// The argument `skip_file_prefixes`: texts that names of files may begin with.
pub(super) fn prefixes(given: Option<Ref<'_>>) -> PyResult<Vec<Vec<u8>>> {
    let Some(given) = given else { return Ok(Vec::new()) };
    let Some(given) = given.downcast::<PyTuple>() else {
        let class = class_of(given).name();
        return Err(type_error(format!("warn() argument 'skip_file_prefixes' must be tuple, not {class}")));
    };
    let text = |prefix: Ref<'_>| match prefix.downcast::<PyStr>() {
        Some(prefix) => Ok(prefix.as_bytes().to_vec()),
        None => {
            let class = class_of(prefix).name();
            Err(type_error(format!("Found non-str '{class}' in skip_file_prefixes.")))
        }
    };
    given.items().map(text).collect()
}

/// Whether a frame is the import system's.
fn is_internal(frame: &Frame) -> bool {
    let Some(filename) = frame.code().filename().downcast::<PyStr>() else { return false };
    let filename = filename.as_wtf8().to_string_lossy();
    filename.contains("importlib") && filename.contains("_bootstrap")
        || filename == "<frozen _orochi_library>"
}

fn is_skipped(frame: &Frame, prefixes: &[Vec<u8>]) -> bool {
    let Some(filename) = frame.code().filename().downcast::<PyStr>() else { return false };
    prefixes.iter().any(|prefix| filename.as_bytes().starts_with(prefix))
}

/// The number of the frame, from the running one, that a warning is for.
fn frame_number(thread: &Thread, stacklevel: isize, prefixes: &[Vec<u8>]) -> Option<usize> {
    let frames = &ThreadState::of(thread).frames;
    let running = frames.nth(0)?;
    let mut at = 0;
    let skips_nothing = stacklevel <= 0 || is_internal(running);
    for _ in 1..stacklevel {
        loop {
            at += 1;
            let frame = frames.nth(at)?;
            if skips_nothing || !is_internal(frame) && !is_skipped(frame, prefixes) {
                break;
            }
        }
    }
    Some(at)
}

/// The place of a frame on the stack.
pub(super) fn of_frame(thread: &mut Thread, stacklevel: isize, prefixes: &[Vec<u8>]) -> PyResult<Place> {
    let (globals, filename, line) = match frame_number(thread, stacklevel, prefixes) {
        Some(number) => {
            let frame = frame::nth(thread, number)?;
            let line = i64::from(frame.line(thread));
            (frame.function().globals().to_owned(), frame.code().filename().to_owned(), line)
        }
        None => (sys_dict(thread)?, str::new(thread, "<sys>")?, 0),
    };
    let key = str::intern(thread, "__warningregistry__")?;
    let registry = match globals.get_str(thread, key).map(Ref::to_owned) {
        Some(registry) => registry,
        None => {
            let registry = dict::new(thread)?.into_value();
            globals.set_str(thread, key, registry.clone())?;
            registry
        }
    };
    if registry.get().downcast::<PyDict>().is_none() {
        return Err(type_error("'registry' must be a dict or None"));
    }
    let module = match globals.get_str(thread, name!("__name__")).map(Ref::to_owned) {
        Some(module) if module.get().is_none() || module.get().downcast::<PyStr>().is_some() => module,
        _ => str::new(thread, "<string>")?,
    };
    Ok(Place { filename, line, module, registry })
}

fn sys_dict(thread: &mut Thread) -> PyResult<Owned<PyDict>> {
    let namespace = support::import_attr(thread, "sys", "__dict__")?;
    namespace.downcast::<PyDict>().map_err(|_| type_error("sys.__dict__ must be a dict"))
}

/// The name of the module that a file is taken for.
pub(super) fn module_of_file(thread: &mut Thread, filename: &Obj<PyStr>) -> PyResult {
    let text = filename.as_wtf8();
    if text.is_empty() {
        return str::new(thread, "<unknown>");
    }
    match filename.as_bytes() {
        [.., b'.', b'p' | b'P', b'y' | b'Y'] => str::from_wtf8(thread, text.slice_to(text.len() - 3)),
        _ => Ok(filename.to_value()),
    }
}

/// A line of a module's source, as its loader has it; `None` if the loader has no source.
pub(super) fn source_line(thread: &mut Thread, globals: Ref<'_>, line: i64) -> PyResult<Option<Value>> {
    let entry = |thread: &Thread, name: &Obj<PyStr>| {
        globals.downcast::<PyDict>().and_then(|globals| globals.get_str(thread, name)).map(Ref::to_owned)
    };
    let module = entry(thread, name!("__name__"));
    // The main module has a specification only if it was started by `-m`, and then one of another name.
    let is_main = module.as_ref().and_then(|name| name.get().downcast::<PyStr>());
    let is_main = is_main.is_some_and(|name| name.as_bytes() == b"__main__");
    let loader = if is_main {
        entry(thread, name!("__loader__")).unwrap_or(Value::NONE)
    } else {
        let bless = support::import_attr(thread, "importlib._bootstrap_external", "_bless_my_loader")?;
        protocol::call(thread, bless.get(), &[globals])?
    };
    let get_source = str::intern(thread, "get_source")?;
    let (Some(module), Some(get_source)) = (module, protocol::find_attr(thread, loader.get(), get_source)?)
    else {
        return Ok(None);
    };
    let source = match protocol::call(thread, get_source.get(), &[module.get()]) {
        Ok(source) => source,
        Err(error) if is_main && error.matches(&exception::ImportError) => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(source) = source.get().downcast::<PyStr>() else { return Ok(None) };
    // The text's own lines, whatever a subclass thinks of them.
    let plain = str::from_wtf8(thread, source.as_wtf8())?;
    let lines = protocol::call_method(thread, plain.get(), "splitlines", &[])?;
    let at = usize::try_from(line - 1).ok();
    let lines = lines.get().downcast::<list::PyList>();
    Ok(at.zip(lines).and_then(|(at, lines)| list::item(thread, lines, at)))
}
