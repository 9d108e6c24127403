//! UnicodeEncodeError, UnicodeDecodeError, UnicodeTranslateError.

use super::simple::base;
use crate::args::Args;
use crate::class::{PyClass, is_exact};
use crate::error::{PyResult, type_error};
use crate::protocol;
use crate::types::bytes::PyBytes;
use crate::types::exception;
use crate::types::int;
use crate::types::str::PyStr;
use crate::types::r#type::PyType;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

payload! {
    /// UnicodeEncodeError.
    PyUnicodeEncodeError for UnicodeEncodeError {
        encoding "encoding" "exception encoding",
        object "object" "exception object",
        start "start" "exception start",
        end "end" "exception end",
        reason "reason" "exception reason",
    }
}
payload! {
    /// UnicodeDecodeError.
    PyUnicodeDecodeError for UnicodeDecodeError {
        encoding "encoding" "exception encoding",
        object "object" "exception object",
        start "start" "exception start",
        end "end" "exception end",
        reason "reason" "exception reason",
    }
}
payload! {
    /// UnicodeTranslateError.
    PyUnicodeTranslateError for UnicodeTranslateError {
        object "object" "exception object",
        start "start" "exception start",
        end "end" "exception end",
        reason "reason" "exception reason",
    }
}

/// A positional argument that must be a str.
fn text(args: &Args<'_>, index: usize) -> PyResult<Option<Value>> {
    let value = args.get(index).unwrap_or(Ref::NONE);
    if value.downcast::<PyStr>().is_some() {
        return Ok(Some(value.to_owned()));
    }
    let given = if value.is_none() { "None".into() } else { crate::class_of(value).name() };
    Err(type_error(format!("argument {} must be str, not {given}", index + 1)))
}

/// A positional argument that must be an int.
fn index(thread: &mut Thread, args: &Args<'_>, index: usize) -> PyResult<Option<Value>> {
    let position = int::index_i64(thread, args.get(index).unwrap_or(Ref::NONE))?;
    int::new(thread, position).map(Some)
}

fn exactly(args: &Args<'_>, wanted: usize) -> PyResult<()> {
    if args.len() == wanted {
        return Ok(());
    }
    Err(type_error(format!("function takes exactly {wanted} arguments ({} given)", args.len())))
}

fn position(value: Option<Value>) -> i64 {
    value.and_then(|value| value.get().as_small_int()).unwrap_or(0)
}

/// The escape of the code point at a position of a str, as messages show it.
fn escape(object: Ref<'_>, at: i64) -> Option<String> {
    let text = object.downcast::<PyStr>()?;
    let point = text.as_wtf8().code_points().nth(usize::try_from(at).ok()?)?.to_u32();
    Some(match point {
        0..=0xFF => format!("\\x{point:02x}"),
        0x100..=0xFFFF => format!("\\u{point:04x}"),
        _ => format!("\\U{point:08x}"),
    })
}

/// `str()` of an attribute; `<NULL>` if it was deleted.
fn shown(thread: &mut Thread, value: Option<Value>) -> PyResult<String> {
    match value {
        Some(value) => Ok(crate::str::display(protocol::str(thread, value.get())?.get())),
        None => Ok("<NULL>".to_owned()),
    }
}

/// The `object` attribute, once nothing is left to do that could change it.
fn object_of(object: Option<Value>, is_right: fn(Ref<'_>) -> bool, kind: &str) -> PyResult<Value> {
    let object = object.ok_or_else(|| type_error("UnicodeError 'object' attribute is not set"))?;
    if is_right(object.get()) {
        return Ok(object);
    }
    Err(type_error(format!("UnicodeError 'object' attribute must be a {kind}")))
}

fn is_text(object: Ref<'_>) -> bool {
    object.downcast::<PyStr>().is_some()
}

fn is_bytes(object: Ref<'_>) -> bool {
    object.downcast::<PyBytes>().is_some()
}

/// `codec 'x' can't encode character …`, without the reason.
fn place(object: Ref<'_>, start: i64, end: i64, verb: &str) -> String {
    match escape(object, start) {
        Some(escaped) if end == start + 1 => {
            format!("can't {verb} character '{escaped}' in position {start}")
        }
        _ => format!("can't {verb} characters in position {start}-{}", end - 1),
    }
}

#[pymethods(parts(PyUnicodeEncodeError::MEMBERS))]
impl PyUnicodeEncodeError {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        Ok(crate::alloc(thread, cls, PyUnicodeEncodeError::blank(thread, &args)?)?.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        exception::init(thread, base(this)?, &args)?;
        exactly(&args, 5)?;
        let (encoding, object) = (text(&args, 0)?, text(&args, 1)?);
        let (start, end) = (index(thread, &args, 2)?, index(thread, &args, 3)?);
        let reason = text(&args, 4)?;
        set_fields!(this, thread, encoding = encoding; object = object; start = start; end = end; reason = reason;);
        Ok(())
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        if this.object.load(thread).is_none() {
            return crate::str::new(thread, "");
        }
        let (reason, encoding) = (this.reason.get(thread), this.encoding.get(thread));
        let (reason, encoding) = (shown(thread, reason)?, shown(thread, encoding)?);
        let object = object_of(this.object.get(thread), is_text, "string")?;
        let (start, end) = (position(this.start.get(thread)), position(this.end.get(thread)));
        let place = place(object.get(), start, end, "encode");
        crate::str::new(thread, &format!("'{encoding}' codec {place}: {reason}"))
    }
}

#[pymethods(parts(PyUnicodeDecodeError::MEMBERS))]
impl PyUnicodeDecodeError {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        Ok(crate::alloc(thread, cls, PyUnicodeDecodeError::blank(thread, &args)?)?.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        exception::init(thread, base(this)?, &args)?;
        exactly(&args, 5)?;
        let encoding = text(&args, 0)?;
        let (start, end) = (index(thread, &args, 2)?, index(thread, &args, 3)?);
        let reason = text(&args, 4)?;
        let given = args.get(1).unwrap_or(Ref::NONE);
        let object = if is_exact(given, PyBytes::static_type()) {
            given.to_owned()
        } else {
            if crate::class_of(given).slots.bf_getbuffer().is_none() {
                let class = crate::class_of(given).name();
                return Err(type_error(format!("a bytes-like object is required, not '{class}'")));
            }
            protocol::call(thread, PyBytes::static_type().get().get(), &[given])?
        };
        let object = Some(object);
        set_fields!(this, thread, encoding = encoding; object = object; start = start; end = end; reason = reason;);
        Ok(())
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        if this.object.load(thread).is_none() {
            return crate::str::new(thread, "");
        }
        let (reason, encoding) = (this.reason.get(thread), this.encoding.get(thread));
        let (reason, encoding) = (shown(thread, reason)?, shown(thread, encoding)?);
        let object = object_of(this.object.get(thread), is_bytes, "bytes")?;
        let (start, end) = (position(this.start.get(thread)), position(this.end.get(thread)));
        let len = protocol::len(thread, object.get())?;
        let inside = usize::try_from(start).is_ok_and(|start| start < len);
        let place = if inside && end == start + 1 {
            let start_object = int::new(thread, start)?;
            let byte = protocol::get_item(thread, object.get(), start_object.get())?;
            let byte = byte.get().as_small_int().unwrap_or(0);
            format!("can't decode byte 0x{byte:02x} in position {start}")
        } else {
            format!("can't decode bytes in position {start}-{}", end - 1)
        };
        crate::str::new(thread, &format!("'{encoding}' codec {place}: {reason}"))
    }
}

#[pymethods(parts(PyUnicodeTranslateError::MEMBERS))]
impl PyUnicodeTranslateError {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        Ok(crate::alloc(thread, cls, PyUnicodeTranslateError::blank(thread, &args)?)?.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        exception::init(thread, base(this)?, &args)?;
        exactly(&args, 4)?;
        let object = text(&args, 0)?;
        let (start, end) = (index(thread, &args, 1)?, index(thread, &args, 2)?);
        let reason = text(&args, 3)?;
        set_fields!(this, thread, object = object; start = start; end = end; reason = reason;);
        Ok(())
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        if this.object.load(thread).is_none() {
            return crate::str::new(thread, "");
        }
        let reason = this.reason.get(thread);
        let reason = shown(thread, reason)?;
        let object = object_of(this.object.get(thread), is_text, "string")?;
        let (start, end) = (position(this.start.get(thread)), position(this.end.get(thread)));
        let place = place(object.get(), start, end, "translate");
        crate::str::new(thread, &format!("{place}: {reason}"))
    }
}
