//! `_pickle`: objects as bytes, and back.
//!
//! Shape: [`pickler`] and [`unpickler`] are the classes with what they remember ([`memo`]). One `dump` is a
//! [`save::Saver`], which writes opcodes ([`opcodes`]) through a [`writer::Writer`]; `reduce.rs` writes what classes say of
//! their instances. One `load` is a [`load::Loader`], which executes opcodes that a [`reader::Reader`] gives.
//!
//! Invariant: a pickle is data from anywhere. Whatever it says, loading raises an exception at worst: lengths are checked
//! before memory is taken, and the stack of objects is never read below a mark.

mod buffer;
mod load;
mod memo;
mod opcodes;
mod pickler;
mod reader;
mod reduce;
mod save;
mod shared;
mod unpickler;
mod writer;

use orochi_macros::{Trace, pyfunction, pymodule};
use orochi_objects::error::{Message, runtime_error};
use orochi_objects::types::bytes;
use orochi_objects::{ModuleExt, Obj, PyErr, PyModule, PyResult, Ref, Thread, class_of, name, protocol, str};
use pickler::{Options, Pickler, write_method};
use std::sync::atomic::{AtomicBool, Ordering};
use unpickler::{Settings, Unpickler};

crate::exception!(PICKLE_ERROR: "PickleError" in "_pickle", Exception, "");

macro_rules! errors {
    ($($static:ident: $name:literal;)*) => { $(
        static $static: orochi_objects::StaticType = {
            static SPEC: orochi_objects::TypeSpec = orochi_objects::TypeSpec {
                name: $name,
                module: "_pickle",
                doc: "",
                base: Some(|| &PICKLE_ERROR),
                layout: <orochi_objects::types::exception::PyBaseException as orochi_objects::core::Payload>::LAYOUT,
                flags: orochi_objects::TypeFlags::SUBCLASSABLE,
                match_args: &[],
                quick: None,
                parts: &[],
            };
            orochi_objects::StaticType::new(&SPEC)
        };
    )* };
}
errors! {
    PICKLING_ERROR: "PicklingError";
    UNPICKLING_ERROR: "UnpicklingError";
}

/// PicklingError.
fn error(message: impl Message) -> PyErr {
    PyErr::with_message(&PICKLING_ERROR, message)
}

/// UnpicklingError.
fn unpickling_error(message: impl Message) -> PyErr {
    PyErr::with_message(&UNPICKLING_ERROR, message)
}

/// The name of an object's class as messages show it.
fn qualified(thread: &mut Thread, object: Ref<'_>) -> PyResult<String> {
    let class = class_of(object);
    let name = protocol::get_attr(thread, class.get(), name!("__qualname__"))?;
    let name = str::display(name.get());
    let module = protocol::get_attr(thread, class.get(), name!("__module__"))?;
    if module.get().downcast::<str::PyStr>().is_none() {
        return Ok(name);
    }
    let module = str::display(module.get());
    Ok(if matches!(&*module, "builtins" | "__main__") { name } else { format!("{module}.{name}") })
}

/// Adds a note to an error.
fn noted<T>(
    thread: &mut Thread,
    result: PyResult<T>,
    note: impl FnOnce(&mut Thread) -> PyResult<String>,
) -> PyResult<T> {
    result.map_err(|error| {
        let note = note(thread).and_then(|note| str::new(thread, &note));
        error.with_note(thread, note)
    })
}

/// Whether a pickler or unpickler is at work. It can't be used by what it calls, or by another thread, meanwhile.
#[derive(Trace)]
struct Busy(#[trace(unsafe_skip)] AtomicBool);

/// Ends when dropped.
struct Work<'a>(&'a Busy);

impl Busy {
    fn new() -> Busy {
        Busy(AtomicBool::new(false))
    }

    fn error(what: &str) -> PyErr {
        runtime_error(format!("{what} object is already being used"))
    }

    fn check(&self, what: &str) -> PyResult<()> {
        // Acquire pairs with the Release of `Work::drop`: what the work did is seen by who comes after.
        if self.0.load(Ordering::Acquire) { Err(Busy::error(what)) } else { Ok(()) }
    }

    fn enter(&self, what: &str) -> PyResult<Work<'_>> {
        // Acquire as in `check`.
        if self.0.swap(true, Ordering::Acquire) { Err(Busy::error(what)) } else { Ok(Work(self)) }
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        // Release pairs with the Acquire in `Busy::enter`.
        self.0.0.store(false, Ordering::Release);
    }
}

/// Write a pickled representation of obj to the open file object file.
///
/// This is equivalent to ``Pickler(file, protocol).dump(obj)``, but may
/// be more efficient.
#[pyfunction]
#[signature(obj, file, protocol=None, *, fix_imports=true, buffer_callback=None)]
fn dump(
    thread: &mut Thread,
    obj: Ref<'_>,
    file: Ref<'_>,
    protocol: Option<Ref<'_>>,
    fix_imports: bool,
    buffer_callback: Option<Ref<'_>>,
) -> PyResult<()> {
    let options = Options::new(thread, protocol, fix_imports, buffer_callback)?;
    let write = write_method(thread, file)?;
    Pickler::pickle(thread, obj, &options, Some(write), buffer_callback).map(drop)
}

/// Return the pickled representation of the object as a bytes object.
#[pyfunction]
#[signature(obj, protocol=None, *, fix_imports=true, buffer_callback=None)]
fn dumps(
    thread: &mut Thread,
    obj: Ref<'_>,
    protocol: Option<Ref<'_>>,
    fix_imports: bool,
    buffer_callback: Option<Ref<'_>>,
) -> PyResult {
    let options = Options::new(thread, protocol, fix_imports, buffer_callback)?;
    let pickled = Pickler::pickle(thread, obj, &options, None, buffer_callback)?;
    bytes::new(thread, &pickled)
}

/// Read and return an object from the pickle data stored in a file.
///
/// This is equivalent to ``Unpickler(file).load()``, but may be more
/// efficient.
#[pyfunction]
#[signature(file, *, fix_imports=true, encoding="ASCII", errors="strict", buffers=None as "()")]
fn load(
    thread: &mut Thread,
    file: Ref<'_>,
    fix_imports: bool,
    encoding: &str,
    errors: &str,
    buffers: Option<Ref<'_>>,
) -> PyResult {
    let settings = Settings::new(fix_imports, encoding, errors);
    Unpickler::from_file(thread, file, settings, buffers)
}

/// Read and return an object from the given pickle data.
#[pyfunction]
#[signature(data, /, *, fix_imports=true, encoding="ASCII", errors="strict", buffers=None as "()")]
fn loads(
    thread: &mut Thread,
    data: Ref<'_>,
    fix_imports: bool,
    encoding: &str,
    errors: &str,
    buffers: Option<Ref<'_>>,
) -> PyResult {
    let settings = Settings::new(fix_imports, encoding, errors);
    Unpickler::from_bytes(thread, data, settings, buffers)
}

/// Optimized C implementation for the Python pickle module.
#[pymodule(
    name = "_pickle",
    functions(dump, dumps, load, loads),
    classes(buffer::PickleBuffer, pickler::Pickler, unpickler::Unpickler)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "PickleError", PICKLE_ERROR.get())?;
    module.add(thread, "PicklingError", PICKLING_ERROR.get())?;
    module.add(thread, "UnpicklingError", UNPICKLING_ERROR.get())
}
