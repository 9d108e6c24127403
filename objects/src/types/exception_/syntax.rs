//! SyntaxError and the classes derived from it.

use super::simple::base;
use crate::args::Args;
use crate::error::{PyResult, type_error};
use crate::types::exception;
use crate::types::int;
use crate::types::r#type::PyType;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;
use orochi_text::wtf8::Wtf8Buf;

payload! {
    /// SyntaxError.
    PySyntaxError for SyntaxError {
        msg "msg" "exception msg",
        filename "filename" "exception filename",
        lineno "lineno" "exception lineno",
        offset "offset" "exception offset",
        text "text" "exception text",
        end_lineno "end_lineno" "exception end lineno",
        end_offset "end_offset" "exception end offset",
        print_file_and_line "print_file_and_line" "exception print_file_and_line",
        metadata "_metadata" "exception private metadata",
    }
}

#[pymethods(parts(PySyntaxError::MEMBERS))]
impl PySyntaxError {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, args: Args<'_>) -> PyResult {
        Ok(crate::alloc(thread, cls, PySyntaxError::blank(thread, &args)?)?.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        exception::init(thread, base(this)?, &args)?;
        let message = args.get(0).map(Ref::to_owned);
        set_fields!(this, thread, msg = message;);
        let Some(place) = args.get(1).filter(|_| args.len() == 2) else { return Ok(()) };
        let place = crate::protocol::collect(thread, place)?;
        let given = place.len();
        if given < 4 {
            return Err(type_error(format!("function takes at least 4 arguments ({given} given)")));
        }
        if given > 7 {
            return Err(type_error(format!("function takes at most 7 arguments ({given} given)")));
        }
        let mut place = place.into_iter();
        set_fields!(this, thread,
            filename = place.next();
            lineno = place.next();
            offset = place.next();
            text = place.next();
            end_lineno = place.next();
            end_offset = place.next();
            metadata = place.next();
        );
        if given == 5 {
            return Err(type_error("end_offset must be provided when end_lineno is provided"));
        }
        Ok(())
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let message = this.msg.get(thread).unwrap_or(Value::NONE);
        let message = crate::protocol::str(thread, message.get())?;
        let line = this.lineno.get(thread).filter(|line| {
            crate::class::is_exact(line.get(), <int::PyInt as crate::class::PyClass>::static_type())
        });
        let filename = this.filename.get(thread);
        let filename = filename.filter(|name| name.get().downcast::<crate::types::str::PyStr>().is_some());
        if line.is_none() && filename.is_none() {
            return Ok(message);
        }
        let mut text = Wtf8Buf::new();
        text.push_wtf8(&crate::str::display_wtf8(message.get()));
        text.push_str(" (");
        if let Some(filename) = &filename {
            // Without the folder.
            let whole = crate::str::display(filename.get());
            text.push_str(whole.rsplit('/').next().unwrap_or(&whole));
            text.push_str(if line.is_some() { ", " } else { "" });
        }
        if let Some(line) = line {
            let line = crate::protocol::str(thread, line.get())?;
            text.push_str("line ");
            text.push_str(&crate::str::display(line.get()));
        }
        text.push_str(")");
        crate::str::from_wtf8(thread, &text)
    }
}
