//! `_json`: what makes `json` fast.

mod encoder;
mod scanner;
mod text;

use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::type_error;
use orochi_objects::types::str::PyStr;
use orochi_objects::{ModuleExt, Obj, PyClass, PyModule, PyResult, Ref, Thread, class_of, str};
use orochi_text::wtf8::Wtf8Buf;

fn encode(thread: &Thread, object: Ref<'_>, ascii: bool) -> PyResult {
    let Some(content) = object.downcast::<PyStr>() else {
        let class = class_of(object).name();
        return Err(type_error(format!("first argument must be a string, not {class}")));
    };
    let mut out = Wtf8Buf::with_capacity(content.as_bytes().len() + 2);
    text::push_string(&mut out, content.as_wtf8(), ascii);
    str::from_wtf8(thread, out.as_wtf8())
}

/// Return an ASCII-only JSON representation of a Python string
#[pyfunction]
#[signature(object, /)]
fn encode_basestring_ascii(thread: &mut Thread, object: Ref) -> PyResult {
    encode(thread, object, true)
}

/// Return a JSON representation of a Python string
#[pyfunction]
#[signature(object, /)]
fn encode_basestring(thread: &mut Thread, object: Ref) -> PyResult {
    encode(thread, object, false)
}

/// json speedups
#[pymodule(name = "_json", functions(encode_basestring_ascii, encode_basestring, scanner::scanstring))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "make_scanner", scanner::Scanner::static_type().get().to_value())?;
    module.add(thread, "make_encoder", encoder::Encoder::static_type().get().to_value())
}
