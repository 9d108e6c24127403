//! `str(…)` and `str.encode`.

use crate::args::Args;
use crate::class::PyClass;
use crate::codecs;
use crate::error::{PyResult, type_error};
use crate::protocol;
use crate::types::str::{self, PyStr};
use crate::types::r#type::PyType;
use orochi_core::{Obj, Ref, Thread};
use orochi_macros::pymethods;

/// `str(object, encoding, errors)`: decodes a bytes-like object.
fn decode(
    thread: &mut Thread,
    object: Ref<'_>,
    encoding: Option<Ref<'_>>,
    errors: Option<Ref<'_>>,
) -> PyResult {
    let encoding = encoding.map(|e| text_argument(e, "str", "encoding")).transpose()?;
    let errors = errors.map(|e| text_argument(e, "str", "errors")).transpose()?;
    if object.downcast::<PyStr>().is_some() {
        return Err(type_error("decoding str is not supported"));
    }
    if !crate::buffer::is_bytes_like(object) {
        let class = crate::class_of(object).name();
        return Err(type_error(format!("decoding to str: need a bytes-like object, {class} found")));
    }
    codecs::decode_object(thread, object, encoding, errors)
}

/// The text of an argument that has to be a str.
pub(crate) fn text_argument<'a>(value: Ref<'a>, function: &str, name: &str) -> PyResult<&'a str> {
    let Some(text) = value.downcast::<PyStr>() else {
        let class = crate::class_of(value).name();
        let class = if value.is_none() { "None" } else { &class };
        return Err(type_error(format!("{function}() argument '{name}' must be str, not {class}")));
    };
    let text: &'a Obj<PyStr> = text;
    match PyStr::to_str(text) {
        Some(text) if text.contains('\0') => Err(crate::error::value_error("embedded null character")),
        Some(text) => Ok(text),
        None => Err(crate::convert::surrogates(text)),
    }
}

fn arguments<'a>(args: &Args<'a>) -> PyResult<[Option<Ref<'a>>; 3]> {
    let given = args.len() + args.keyword_count();
    if given > 3 {
        return Err(type_error(if args.keyword_count() > 0 {
            format!("str() takes at most 3 arguments ({given} given)")
        } else {
            format!("str expected at most 3 arguments, got {given}")
        }));
    }
    let mut bound = [args.get(0), args.get(1), args.get(2)];
    for (name, value) in args.keywords() {
        let place =
            [&b"object"[..], b"encoding", b"errors"].iter().position(|known| *known == name.as_bytes());
        match place.and_then(|i| bound.get_mut(i).map(|slot| (i, slot))) {
            Some((_, slot @ None)) => *slot = Some(value),
            Some((i, Some(_))) => {
                let place = i + 1;
                return Err(type_error(format!(
                    "argument for str() given by name ('{name}') and position ({place})"
                )));
            }
            None => return Err(type_error(format!("str() got an unexpected keyword argument '{name}'"))),
        }
    }
    Ok(bound)
}

#[pymethods(part = CONSTRUCT)]
impl PyStr {
    #[new]
    #[no_text_signature]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        if let Some([object]) = args.exact::<1>()
            && std::ptr::eq(cls, PyStr::static_type().get())
        {
            return protocol::str(thread, object);
        }
        let text = match arguments(&args)? {
            [None, None, None] => str::new(thread, "")?,
            [Some(object), None, None] => protocol::str(thread, object)?,
            [Some(object), encoding, errors] => decode(thread, object, encoding, errors)?,
            [None, _, _] => str::new(thread, "")?,
        };
        if std::ptr::eq(cls, PyStr::static_type().get()) {
            return Ok(text);
        }
        match text.get().downcast::<PyStr>() {
            Some(text) => Ok(str::subclass_object(thread, cls, text.as_wtf8())?.into_value()),
            None => Ok(text.clone()),
        }
    }

    /// Encode the string using the codec registered for encoding.
    ///
    ///   encoding
    ///     The encoding in which to encode the string.
    ///   errors
    ///     The error handling scheme to use for encoding errors.
    ///     The default is 'strict' meaning that encoding errors raise a
    ///     UnicodeEncodeError.  Other possible values are 'ignore', 'replace' and
    ///     'xmlcharrefreplace' as well as any other name registered with
    ///     codecs.register_error that can handle UnicodeEncodeErrors.
    #[text_signature = "($self, /, encoding='utf-8', errors='strict')"]
    #[signature(encoding=<missing>, errors=<missing>)]
    fn encode(
        thread: &mut Thread,
        this: &Obj<Self>,
        encoding: Option<Ref<'_>>,
        errors: Option<Ref<'_>>,
    ) -> PyResult {
        let encoding = encoding.map(|e| text_argument(e, "encode", "encoding")).transpose()?;
        let errors = errors.map(|e| text_argument(e, "encode", "errors")).transpose()?;
        codecs::encode(thread, this, encoding, errors)
    }
}
