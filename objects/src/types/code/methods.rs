//! Attributes and methods of code objects.

use super::PyCode;
use super::build::{self, Fields};
use crate::error::PyResult;
use crate::protocol::compare::CompareOp;
use crate::types::r#type::PyType;
use crate::types::{bytes, tuple};
use orochi_compiler::code::{WORD_BYTES, flags};
use orochi_compiler::location_table;
use orochi_compiler::opcode::{Ext, Op};
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
        let code = &this.code;
        let mut hash = 0x5bd1_e995;
        for number in [code.firstlineno, code.argcount, code.posonlyargcount, code.kwonlyargcount, code.flags]
        {
            hash = i64::wrapping_mul(hash, 0x0100_0193) ^ i64::from(number);
        }
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
        this.ready(thread)?;
        let mut values: Vec<_> = this.constants().iter().map(|field| field.fixed().to_owned()).collect();
        if build::shows_none(&this.code) {
            values.push(Value::NONE);
        }
        Ok(tuple::new(thread, values)?.into_value())
    }

    /// Return the source positions of the instructions, two for each instruction word.
    fn co_positions(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut rows = Vec::with_capacity(this.code.words.len() * 2);
        for run in this.code.positions.runs() {
            let row = match run.position {
                None => vec![Value::NONE; 4],
                Some(p) => {
                    let column = |column: i32| u32::try_from(column).map_or(Value::NONE, small);
                    vec![small(p.line), small(p.end_line), column(p.column), column(p.end_column)]
                }
            };
            let row = tuple::new(thread, row)?;
            for _ in 0..(run.end - run.start).saturating_mul(WORD_BYTES / 2) {
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
            let row = vec![
                small(start.saturating_mul(WORD_BYTES)),
                small(end.saturating_mul(WORD_BYTES)),
                line.map_or(Value::NONE, small),
            ];
            values.push(tuple::new(thread, row)?.into_value());
        }
        let rows = tuple::new(thread, values)?;
        crate::protocol::iter(thread, rows.get())
    }

    /// Return the branches: tuples of the offset of a conditional jump, of what follows it, and of where it jumps to.
    fn co_branches(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut rows = Vec::new();
        let mut at = 0;
        while let Some(op) = this.code.words.get(at as usize).and_then(|word| Op::from_byte(*word as u8)) {
            let next = at + 1 + u32::from(op.has_ext());
            if op.info().ext == Ext::Jump
                && let Some(target) = this.code.jump_target(at)
            {
                let row = [at, next, target].map(|word| small(word.saturating_mul(WORD_BYTES)));
                rows.push(tuple::new(thread, row.into())?.into_value());
            }
            at = next;
        }
        let rows = tuple::new(thread, rows)?;
        crate::protocol::iter(thread, rows.get())
    }

    /// Return the name of the variable in a register.
    #[signature(oparg)]
    fn _varname_from_oparg(this: &Obj<Self>, oparg: usize) -> PyResult {
        match oparg < this.first_temp() {
            true => Ok(this.local_name(oparg).to_value()),
            false => Err(crate::error::index_error("tuple index out of range")),
        }
    }

    /// The instructions, in words of four bytes. They are Orochi's, not CPython's.
    #[getter]
    fn co_code(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        bytes::new(thread, &build::word_bytes(&this.code))
    }

    #[getter]
    fn co_linetable(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        bytes::new(thread, &location_table::encode(&this.code.positions, this.code.firstlineno))
    }

    /// Pairs of how many bytes further an instruction is, and how many lines.
    #[getter]
    fn co_lnotab(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let message = "co_lnotab is deprecated, use co_lines instead.";
        crate::warn::warn(thread, &crate::types::exception::DeprecationWarning, message)?;
        bytes::new(thread, &build::line_pairs(&this.code))
    }

    #[getter]
    fn co_exceptiontable(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        build::exception_bytes(thread, &this.code)
    }

    #[new]
    #[signature(argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags, codestring, constants, names, varnames, filename, name, qualname, firstlineno, linetable, exceptiontable, freevars=None, cellvars=None, /)]
    #[expect(clippy::too_many_arguments, reason = "they are Python's")]
    fn new(
        thread: &mut Thread,
        _cls: &Obj<PyType>,
        argcount: i32,
        posonlyargcount: i32,
        kwonlyargcount: i32,
        nlocals: i32,
        stacksize: i32,
        flags: i32,
        codestring: Ref,
        constants: Ref,
        names: Ref,
        varnames: Ref,
        filename: Ref,
        name: Ref,
        qualname: Ref,
        firstlineno: i32,
        linetable: Ref,
        exceptiontable: Ref,
        freevars: Option<Ref>,
        cellvars: Option<Ref>,
    ) -> PyResult {
        let fields = Fields {
            argcount: Some(argcount),
            posonlyargcount: Some(posonlyargcount),
            kwonlyargcount: Some(kwonlyargcount),
            nlocals: Some(nlocals),
            stacksize: Some(stacksize),
            flags: Some(flags),
            firstlineno: Some(firstlineno),
            code: Some(codestring),
            consts: Some(constants),
            names: Some(names),
            varnames: Some(varnames),
            filename: Some(filename),
            name: Some(name),
            qualname: Some(qualname),
            linetable: Some(linetable),
            exceptiontable: Some(exceptiontable),
            freevars,
            cellvars,
        };
        Ok(build::assembled(thread, &fields)?.into_value())
    }

    /// Return a copy of the code object with new values for the specified fields.
    #[signature(*, co_argcount=None, co_posonlyargcount=None, co_kwonlyargcount=None, co_nlocals=None, co_stacksize=None, co_flags=None, co_firstlineno=None, co_code=None, co_consts=None, co_names=None, co_varnames=None, co_freevars=None, co_cellvars=None, co_filename=None, co_name=None, co_qualname=None, co_linetable=None, co_exceptiontable=None)]
    #[expect(clippy::too_many_arguments, reason = "they are Python's")]
    fn replace(
        thread: &mut Thread,
        this: &Obj<Self>,
        co_argcount: Option<i32>,
        co_posonlyargcount: Option<i32>,
        co_kwonlyargcount: Option<i32>,
        co_nlocals: Option<i32>,
        co_stacksize: Option<i32>,
        co_flags: Option<i32>,
        co_firstlineno: Option<i32>,
        co_code: Option<Ref>,
        co_consts: Option<Ref>,
        co_names: Option<Ref>,
        co_varnames: Option<Ref>,
        co_freevars: Option<Ref>,
        co_cellvars: Option<Ref>,
        co_filename: Option<Ref>,
        co_name: Option<Ref>,
        co_qualname: Option<Ref>,
        co_linetable: Option<Ref>,
        co_exceptiontable: Option<Ref>,
    ) -> PyResult {
        let fields = Fields {
            argcount: co_argcount,
            posonlyargcount: co_posonlyargcount,
            kwonlyargcount: co_kwonlyargcount,
            nlocals: co_nlocals,
            stacksize: co_stacksize,
            flags: co_flags,
            firstlineno: co_firstlineno,
            code: co_code,
            consts: co_consts,
            names: co_names,
            varnames: co_varnames,
            filename: co_filename,
            name: co_name,
            qualname: co_qualname,
            linetable: co_linetable,
            exceptiontable: co_exceptiontable,
            freevars: co_freevars,
            cellvars: co_cellvars,
        };
        let code = this.code.clone();
        Ok(build::replaced(thread, &code, &fields)?.into_value())
    }

    /// The same as replace().
    fn __replace__(thread: &mut Thread, this: &Obj<Self>, args: crate::Args) -> PyResult {
        let replace = crate::protocol::get_attr_str(thread, this.get(), "replace")?;
        crate::protocol::call_args(thread, replace.get(), args)
    }
}
