//! `marshal`: objects as bytes, in the format of CPython's marshal but for code objects, whose content is Orochi's own.
//!
//! A value is a type byte and its content, little-endian. From version 3 on a value that may be met again is marked
//! (`FLAG_REF`), and is named by its number when it is (`TYPE_REF`). Reading checks everything it is told, so garbage raises
//! and nothing else.

mod read;
mod write;

use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{PyResult, type_error};
use orochi_objects::types::bytes;
use orochi_objects::{ModuleExt, Obj, PyModule, Ref, Thread, protocol};

/// The version of the format that is written.
const VERSION: i64 = 5;
/// How deeply values may nest.
const MAX_DEPTH: usize = 2000;

mod tag {
    pub(super) const NULL: u8 = b'0';
    pub(super) const NONE: u8 = b'N';
    pub(super) const FALSE: u8 = b'F';
    pub(super) const TRUE: u8 = b'T';
    pub(super) const STOP_ITERATION: u8 = b'S';
    pub(super) const ELLIPSIS: u8 = b'.';
    pub(super) const INT: u8 = b'i';
    pub(super) const INT64: u8 = b'I';
    pub(super) const LONG: u8 = b'l';
    pub(super) const FLOAT: u8 = b'f';
    pub(super) const COMPLEX: u8 = b'x';
    pub(super) const BINARY_FLOAT: u8 = b'g';
    pub(super) const BINARY_COMPLEX: u8 = b'y';
    pub(super) const BYTES: u8 = b's';
    pub(super) const UNICODE: u8 = b'u';
    pub(super) const INTERNED: u8 = b't';
    pub(super) const ASCII: u8 = b'a';
    pub(super) const ASCII_INTERNED: u8 = b'A';
    pub(super) const SHORT_ASCII: u8 = b'z';
    pub(super) const SHORT_ASCII_INTERNED: u8 = b'Z';
    pub(super) const TUPLE: u8 = b'(';
    pub(super) const SMALL_TUPLE: u8 = b')';
    pub(super) const LIST: u8 = b'[';
    pub(super) const DICT: u8 = b'{';
    pub(super) const SET: u8 = b'<';
    pub(super) const FROZENSET: u8 = b'>';
    pub(super) const SLICE: u8 = b':';
    pub(super) const REF: u8 = b'r';
    pub(super) const CODE: u8 = b'c';
    pub(super) const FLAG_REF: u8 = 0x80;
}

/// Return the bytes of a value.
#[pyfunction]
#[signature(value, version = 5, /, *, allow_code = true)]
fn dumps(thread: &mut Thread, value: Ref<'_>, version: i64, allow_code: bool) -> PyResult {
    let written = write::to_bytes(thread, value, version, allow_code)?;
    bytes::new(thread, &written)
}

/// Return the value of some bytes; what follows it is ignored.
#[pyfunction]
#[signature(bytes, /, *, allow_code = true)]
fn loads(thread: &mut Thread, bytes: Ref<'_>, allow_code: bool) -> PyResult {
    let content = orochi_objects::buffer::bytes_of(thread, bytes)?;
    read::read(thread, read::Source::Bytes(&content), allow_code)
}

/// Write the bytes of a value to a binary file.
#[pyfunction]
#[signature(value, file, version = 5, /, *, allow_code = true)]
fn dump(thread: &mut Thread, value: Ref<'_>, file: Ref<'_>, version: i64, allow_code: bool) -> PyResult {
    let written = dumps(thread, value, version, allow_code)?;
    protocol::call_method(thread, file, "write", &[written.get()])
}

/// Read one value from a binary file.
#[pyfunction]
#[signature(file, /, *, allow_code = true)]
fn load(thread: &mut Thread, file: Ref<'_>, allow_code: bool) -> PyResult {
    // Nothing is read yet: this is how text files are told from binary ones.
    let zero = orochi_objects::int::new(thread, 0)?;
    let content = protocol::call_method(thread, file, "read", &[zero.get()])?;
    if bytes::value(content.get()).is_none() {
        let class = orochi_objects::class_of(content.get()).full_name();
        return Err(type_error(format!("file.read() returned not bytes but {class}")));
    }
    let readinto = protocol::get_attr_str(thread, file, "readinto")?;
    read::read(thread, read::Source::File(readinto), allow_code)
}

/// Objects as bytes.
#[pymodule(name = "marshal", functions(dumps, loads, dump, load))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "version", VERSION)
}
