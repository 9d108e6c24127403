//! Attributes and methods of code objects.

use super::PyCode;
use crate::error::{PyResult, attribute_error_message, not_implemented_error};
use crate::protocol::compare::CompareOp;
use crate::types::tuple;
use orochi_compiler::code::flags;
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_macros::pymethods;

fn names<'a>(thread: &mut Thread, names: impl Iterator<Item = &'a str>) -> PyResult {
    let mut values = Vec::new();
    for name in names {
        values.push(crate::str::intern(thread, name)?.to_value());
    }
    Ok(tuple::new(thread, values)?.into_value())
}

fn small(value: u32) -> Value {
    Value::small_int(i64::from(value)).unwrap_or(Value::NONE)
}

#[pymethods]
impl PyCode {
    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let text = format!(
            "<code object {} at {:#x}, file \"{}\", line {}>",
            this.code.name,
            this.get().word(),
            this.code.filename,
            this.code.firstlineno
        );
        crate::str::new(thread, &text)
    }

    #[slot]
    fn tp_richcompare(_thread: &mut Thread, left: Ref<'_>, right: Ref<'_>, op: CompareOp) -> PyResult {
        let (Some(a), Some(b)) = (left.downcast::<PyCode>(), right.downcast::<PyCode>()) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let equal = std::ptr::eq(a, b) || a.code == b.code;
        match op {
            CompareOp::Eq => Ok(Value::bool(equal)),
            CompareOp::Ne => Ok(Value::bool(!equal)),
            _ => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    #[slot]
    fn tp_hash(_thread: &mut Thread, this: &Obj<Self>) -> PyResult<i64> {
        let mut hash = i64::from(this.code.firstlineno) ^ 0x5bd1_e995;
        for byte in this.code.name.bytes().chain(this.code.words.iter().map(|word| *word as u8)) {
            hash = hash.wrapping_mul(0x0100_0193) ^ i64::from(byte);
        }
        Ok(if hash == -1 { -2 } else { hash })
    }

    #[member]
    fn co_name(this: &Obj<Self>) -> Value {
        this.name().to_owned()
    }

    #[member]
    fn co_qualname(this: &Obj<Self>) -> Value {
        this.qualname().to_owned()
    }

    #[member]
    fn co_filename(this: &Obj<Self>) -> Value {
        this.filename().to_owned()
    }

    #[member]
    fn co_firstlineno(this: &Obj<Self>) -> Value {
        small(this.code.firstlineno)
    }

    #[member]
    fn co_argcount(this: &Obj<Self>) -> Value {
        small(this.code.argcount)
    }

    #[member]
    fn co_posonlyargcount(this: &Obj<Self>) -> Value {
        small(this.code.posonlyargcount)
    }

    #[member]
    fn co_kwonlyargcount(this: &Obj<Self>) -> Value {
        small(this.code.kwonlyargcount)
    }

    #[member]
    fn co_nlocals(this: &Obj<Self>) -> Value {
        small(this.code.varnames().count() as u32)
    }

    #[member]
    fn co_stacksize(this: &Obj<Self>) -> Value {
        small(u32::from(this.code.n_registers - this.code.first_temp))
    }

    #[member]
    fn co_flags(this: &Obj<Self>) -> Value {
        small(this.code.flags)
    }

    #[getter]
    fn co_varnames(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        names(thread, this.code.varnames())
    }

    #[getter]
    fn co_cellvars(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        names(thread, this.code.cellvars())
    }

    #[getter]
    fn co_freevars(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        names(thread, this.code.freevars.iter().map(|name| &**name))
    }

    #[member]
    fn co_names(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        names(thread, this.code.names.iter().map(|name| &**name))
    }

    #[member]
    fn co_consts(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let values = this.constants.iter().map(|field| field.fixed().to_owned()).collect();
        Ok(tuple::new(thread, values)?.into_value())
    }

    /// Return the source positions of the instructions, one for each instruction word.
    fn co_positions(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut rows = Vec::with_capacity(this.code.words.len());
        for run in this.code.positions.runs() {
            let row = match run.position {
                None => vec![Value::NONE; 4],
                Some(p) => {
                    let column = |column: i32| u32::try_from(column).map_or(Value::NONE, small);
                    vec![small(p.line), small(p.end_line), column(p.column), column(p.end_column)]
                }
            };
            let row = tuple::new(thread, row)?;
            for _ in run.start..run.end {
                rows.push(row.to_value());
            }
        }
        let rows = tuple::new(thread, rows)?;
        crate::protocol::iter(thread, rows.get())
    }

    /// Return the lines of ranges of instructions: tuples of start, end and line.
    fn co_lines(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut rows: Vec<(u32, u32, Option<u32>)> = Vec::new();
        for run in this.code.positions.runs() {
            let line = run.position.map(|position| position.line);
            match rows.last_mut() {
                Some(last) if last.2 == line => last.1 = run.end,
                _ => rows.push((run.start, run.end, line)),
            }
        }
        // The line of the definition, where `call` events are, has no instruction here.
        let first = this.code.firstlineno;
        if this.has_flags(flags::OPTIMIZED) && rows.first().is_some_and(|row| row.2 != Some(first)) {
            rows.insert(0, (0, 0, Some(first)));
        }
        let mut values = Vec::with_capacity(rows.len());
        for (start, end, line) in rows {
            let row = vec![small(start * 2), small(end * 2), line.map_or(Value::NONE, small)];
            values.push(tuple::new(thread, row)?.into_value());
        }
        let rows = tuple::new(thread, values)?;
        crate::protocol::iter(thread, rows.get())
    }

    #[getter]
    fn co_code(_thread: &mut Thread, _this: &Obj<Self>) -> PyResult {
        Err(attribute_error_message("code objects of this implementation have no co_code"))
    }

    /// Return a copy of the code object with new values for the specified fields.
    #[signature(*, co_name=None, co_qualname=None, co_filename=None, co_firstlineno=None, co_flags=None)]
    fn replace(
        thread: &mut Thread,
        this: &Obj<Self>,
        co_name: Option<&str>,
        co_qualname: Option<&str>,
        co_filename: Option<&str>,
        co_firstlineno: Option<u32>,
        co_flags: Option<u32>,
    ) -> PyResult {
        let mut code = (*this.code).clone();
        if let Some(name) = co_name {
            code.name = name.into();
        }
        if let Some(name) = co_qualname {
            code.qualname = name.into();
        }
        if let Some(name) = co_filename {
            code.filename = name.into();
        }
        code.firstlineno = co_firstlineno.unwrap_or(code.firstlineno);
        if co_flags.is_some_and(|flags| flags & !0x100 != code.flags & !0x100) {
            return Err(not_implemented_error("replacing co_flags"));
        }
        code.flags = co_flags.unwrap_or(code.flags);
        Ok(super::new(thread, code.into())?.into_value())
    }
}
