//! Code objects that a program puts together: `code(...)` and `code.replace(...)`.
//!
//! The attributes are Python's, what lies behind them is Orochi's: registers, cells and handlers follow from them where they can,
//! and are checked by `verify` like code that was read from a file. Code that doesn't pass is a ValueError.

use super::{PyCode, constants};
use crate::error::{PyResult, not_implemented_error, type_error, value_error};
use crate::types::bytes;
use crate::types::slice::PySlice;
use crate::types::str::PyStr;
use crate::types::tuple::PyTuple;
use orochi_compiler::code::{Code, Constant, ExceptionEntry, LocalKind, WORD_BYTES};
use orochi_compiler::location_table;
use orochi_compiler::opcode::{MOST_CACHE_WORDS, Op, Role, Word};
use orochi_compiler::verify::verify;
use orochi_core::{Owned, Ref, Thread, Value};

/// The fields that are given; the names are those of the attributes without `co_`.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub argcount: Option<i32>,
    pub posonlyargcount: Option<i32>,
    pub kwonlyargcount: Option<i32>,
    pub nlocals: Option<i32>,
    pub stacksize: Option<i32>,
    pub flags: Option<i32>,
    pub firstlineno: Option<i32>,
    pub code: Option<Ref<'a>>,
    pub consts: Option<Ref<'a>>,
    pub names: Option<Ref<'a>>,
    pub varnames: Option<Ref<'a>>,
    pub filename: Option<Ref<'a>>,
    pub name: Option<Ref<'a>>,
    pub qualname: Option<Ref<'a>>,
    pub linetable: Option<Ref<'a>>,
    pub exceptiontable: Option<Ref<'a>>,
    pub freevars: Option<Ref<'a>>,
    pub cellvars: Option<Ref<'a>>,
}

/// A copy of `code` with the given fields.
pub(super) fn replaced(thread: &mut Thread, code: &Code, fields: &Fields<'_>) -> PyResult<Owned<PyCode>> {
    let mut new = code.clone();
    numbers(&mut new, fields)?;
    texts(&mut new, fields)?;
    if let Some(values) = fields.consts {
        new.constants = constant_list(thread, code, values)?;
    }
    if let Some(given) = fields.code {
        new.words = words(given)?;
    }
    if let Some(given) = fields.exceptiontable {
        new.exceptions = exceptions(content("co_exceptiontable", given)?)?;
    }
    if let Some(given) = fields.linetable {
        new.positions = location_table::decode(content("co_linetable", given)?, new.firstlineno);
    }
    if let Some(given) = fields.varnames {
        varnames(&mut new, names("co_varnames", given)?)?;
    }
    if let Some(given) = fields.cellvars {
        cellvars(&mut new, names("co_cellvars", given)?)?;
    }
    check_count(&new, fields)?;
    if let Some(given) = fields.stacksize {
        new.n_registers = size(new.first_temp, given)?;
    }
    finished(thread, new)
}

/// A code object of nothing but these fields, which are all there.
pub(super) fn assembled(thread: &mut Thread, fields: &Fields<'_>) -> PyResult<Owned<PyCode>> {
    let mut new = Code::default();
    numbers(&mut new, fields)?;
    texts(&mut new, fields)?;
    let (Some(code), Some(linetable), Some(exceptiontable)) =
        (fields.code, fields.linetable, fields.exceptiontable)
    else {
        return Err(value_error("code: fields are missing"));
    };
    new.words = words(code)?;
    new.exceptions = exceptions(content("linetable", exceptiontable)?)?;
    new.positions = location_table::decode(content("linetable", linetable)?, new.firstlineno);
    if let Some(values) = fields.consts {
        new.constants = constant_list(thread, &new, values)?;
    }
    let locals = fields.varnames.map_or(Ok(Box::default()), |given| names("varnames", given))?;
    let cells = fields.cellvars.map_or(Ok(Box::default()), |given| names("cellvars", given))?;
    let needs = needs(&new.words);
    if needs.spill {
        return Err(not_implemented_error(
            "code with that many local variables can only be made by replace()",
        ));
    }
    let kind = |name| if cells.contains(name) { LocalKind::Cell } else { LocalKind::Plain };
    let mut registers: Vec<_> = locals.iter().map(|name| (name.clone(), kind(name))).collect();
    new.n_varnames = u16::try_from(locals.len()).map_err(|_| too_large())?;
    let others = cells.iter().filter(|name| !locals.contains(name));
    registers.extend(others.map(|name| (name.clone(), LocalKind::Cell)));
    let stack = usize::try_from(fields.stacksize.unwrap_or(0)).map_err(|_| negative("stacksize"))?;
    for hidden in registers.len()..needs.registers.saturating_sub(stack) {
        registers.push((format!(".{hidden}").into(), LocalKind::Hidden));
    }
    new.first_temp = u16::try_from(registers.len()).map_err(|_| too_large())?;
    new.n_registers = size(new.first_temp, i32::try_from(stack).map_err(|_| too_large())?)?;
    new.n_caches = needs.caches;
    (new.local_names, new.local_kinds) = registers.into_iter().unzip::<_, _, Vec<_>, Vec<_>>().into_boxes();
    check_count(&new, fields)?;
    finished(thread, new)
}

trait IntoBoxes<A, B> {
    fn into_boxes(self) -> (Box<[A]>, Box<[B]>);
}

impl<A, B> IntoBoxes<A, B> for (Vec<A>, Vec<B>) {
    fn into_boxes(self) -> (Box<[A]>, Box<[B]>) {
        (self.0.into(), self.1.into())
    }
}

fn finished(thread: &mut Thread, new: Code) -> PyResult<Owned<PyCode>> {
    if !verify(&new) {
        return Err(value_error("code: the instructions don't fit the other fields"));
    }
    super::new(thread, new)
}

fn too_large() -> crate::error::PyErr {
    value_error("code: too many registers")
}

fn negative(field: &str) -> crate::error::PyErr {
    value_error(format!("code: {field} must not be negative"))
}

fn size(first_temp: u16, stacksize: i32) -> PyResult<u16> {
    let stacksize = u32::try_from(stacksize).map_err(|_| negative("co_stacksize"))?;
    let size = u32::from(first_temp).saturating_add(stacksize);
    u16::try_from(size).ok().filter(|size| *size <= MOST_REGISTERS || stacksize == 0).ok_or_else(too_large)
}

/// As many registers as an operand can name.
const MOST_REGISTERS: u16 = 256;

fn numbers(new: &mut Code, fields: &Fields<'_>) -> PyResult<()> {
    for (field, given, place) in [
        ("co_argcount", fields.argcount, &mut new.argcount),
        ("co_posonlyargcount", fields.posonlyargcount, &mut new.posonlyargcount),
        ("co_kwonlyargcount", fields.kwonlyargcount, &mut new.kwonlyargcount),
        ("co_flags", fields.flags, &mut new.flags),
        ("co_firstlineno", fields.firstlineno, &mut new.firstlineno),
    ] {
        if let Some(given) = given {
            *place = u32::try_from(given).map_err(|_| negative(field))?;
        }
    }
    if new.posonlyargcount > new.argcount {
        return Err(value_error("code: argcount < posonlyargcount"));
    }
    let parameters = u64::from(new.argcount) + u64::from(new.kwonlyargcount);
    if parameters > u64::from(u16::MAX) {
        return Err(value_error("code: varnames is too small"));
    }
    Ok(())
}

fn texts(new: &mut Code, fields: &Fields<'_>) -> PyResult<()> {
    if let Some(given) = fields.name {
        new.name = text("co_name", given)?;
    }
    if let Some(given) = fields.qualname {
        new.qualname = text("co_qualname", given)?;
    }
    if let Some(given) = fields.filename {
        new.filename = (&*text("co_filename", given)?).into();
    }
    if let Some(given) = fields.names {
        new.names = names("co_names", given)?;
    }
    if let Some(given) = fields.freevars {
        new.freevars = names("co_freevars", given)?;
    }
    Ok(())
}

fn text(field: &str, given: Ref<'_>) -> PyResult<Box<str>> {
    let Some(text) = given.downcast::<PyStr>() else {
        let class = crate::class_of(given).name();
        return Err(type_error(format!("replace() argument '{field}' must be str, not {class}")));
    };
    text.to_str().map(Into::into).ok_or_else(|| value_error(format!("{field} has lone surrogates")))
}

fn items<'a>(field: &str, given: Ref<'a>) -> PyResult<&'a orochi_core::Obj<PyTuple>> {
    given.downcast::<PyTuple>().ok_or_else(|| {
        let class = crate::class_of(given).name();
        type_error(format!("replace() argument '{field}' must be tuple, not {class}"))
    })
}

fn names(field: &str, given: Ref<'_>) -> PyResult<Box<[Box<str>]>> {
    let name = |item: Ref<'_>| {
        item.downcast::<PyStr>().and_then(|name| name.to_str()).map(Box::from).ok_or_else(|| {
            type_error(format!(
                "name tuples must contain only strings, not '{}'",
                crate::class_of(item).name()
            ))
        })
    };
    items(field, given)?.items().map(name).collect()
}

fn content<'a>(field: &str, given: Ref<'a>) -> PyResult<&'a [u8]> {
    bytes::value(given).ok_or_else(|| {
        let class = crate::class_of(given).name();
        type_error(format!("replace() argument '{field}' must be bytes, not {class}"))
    })
}

fn words(given: Ref<'_>) -> PyResult<Box<[u32]>> {
    let (words, rest) = content("co_code", given)?.as_chunks::<{ WORD_BYTES as usize }>();
    if !rest.is_empty() {
        return Err(value_error("code: co_code is malformed"));
    }
    Ok(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
}

/// The bytes of `co_code`.
pub(super) fn word_bytes(code: &Code) -> Vec<u8> {
    code.words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// The bytes of `co_lnotab`: pairs of an unsigned step in bytes and a signed one in lines, as many as large steps need.
pub(super) fn line_pairs(code: &Code) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut at, mut line) = (0, i64::from(code.firstlineno));
    for run in code.positions.runs() {
        let Some(position) = run.position else { continue };
        let start = run.start.saturating_mul(WORD_BYTES);
        let (mut bytes, mut lines) = (start.saturating_sub(at), i64::from(position.line) - line);
        if lines == 0 {
            continue;
        }
        (at, line) = (start, i64::from(position.line));
        while bytes > 255 {
            out.extend([255, 0]);
            bytes -= 255;
        }
        while lines != 0 || bytes != 0 {
            let step = lines.clamp(-128, 127);
            out.extend([bytes as u8, step as i8 as u8]);
            (bytes, lines) = (0, lines - step);
        }
    }
    out
}

/// Constants as `co_consts` shows them: the None that an instruction holds comes last.
fn constant_list(thread: &mut Thread, code: &Code, given: Ref<'_>) -> PyResult<Box<[Constant]>> {
    let given = items("co_consts", given)?;
    let mut all = Vec::with_capacity(given.len());
    for item in given.items() {
        all.push(constant(thread, item)?);
    }
    if shows_none(code) && all.last() == Some(&Constant::None) {
        all.pop();
    }
    Ok(all.into())
}

/// Whether `co_consts` shows a None that isn't among the constants.
pub(super) fn shows_none(code: &Code) -> bool {
    !code.constants.contains(&Constant::None) && (code.constants.is_empty() || code.holds_none())
}

fn constant(thread: &mut Thread, object: Ref<'_>) -> PyResult<Constant> {
    if let Some(code) = object.downcast::<PyCode>() {
        return Ok(Constant::Code(code.code.clone()));
    }
    let mut part = |object: Ref<'_>| {
        constants::constant_of(thread, object, |object| {
            not_implemented_error(format!("a constant of type '{}'", crate::class_of(object).name()))
        })
    };
    match object.downcast::<PySlice>() {
        Some(slice) => {
            Ok(Constant::Slice(Box::new([part(slice.start())?, part(slice.stop())?, part(slice.step())?])))
        }
        None => part(object),
    }
}

/// Gives other names to the same local variables.
fn varnames(new: &mut Code, names: Box<[Box<str>]>) -> PyResult<()> {
    let n = usize::from(new.n_varnames).min(new.local_names.len());
    if names.len() != new.varnames().count() {
        return Err(value_error("code: co_nlocals != len(co_varnames)"));
    }
    if names.len() != n {
        return Err(not_implemented_error("other names for that many local variables"));
    }
    for (place, name) in new.local_names.iter_mut().zip(names) {
        *place = name;
    }
    Ok(())
}

/// Gives other names to the same cells. Further ones are cells of the array of spilled locals, which no instruction uses.
fn cellvars(new: &mut Code, given: Box<[Box<str>]>) -> PyResult<()> {
    let mut given = given.into_iter();
    let registers = new.local_kinds.iter().zip(new.local_names.iter_mut());
    let spilled = new.spilled_kinds.iter().zip(new.spilled.iter_mut());
    for (_, place) in registers.chain(spilled).filter(|(kind, _)| **kind == LocalKind::Cell) {
        *place = given.next().ok_or_else(|| not_implemented_error("code with fewer cell variables"))?;
    }
    let (mut names, mut kinds) = (new.spilled.to_vec(), new.spilled_kinds.to_vec());
    for name in given {
        names.push(name);
        kinds.push(LocalKind::Cell);
    }
    (new.spilled, new.spilled_kinds) = (names, kinds).into_boxes();
    Ok(())
}

fn check_count(new: &Code, fields: &Fields<'_>) -> PyResult<()> {
    let count = new.varnames().count();
    if fields.nlocals.is_some_and(|given| usize::try_from(given) != Ok(count)) {
        return Err(value_error("code: co_nlocals != len(co_varnames)"));
    }
    if new.parameter_count() as usize > count {
        return Err(value_error("code: varnames is too small"));
    }
    Ok(())
}

/// What instructions need of their frame.
struct Needs {
    registers: usize,
    caches: u32,
    spill: bool,
}

fn needs(words: &[u32]) -> Needs {
    let mut needs = Needs { registers: 0, caches: 0, spill: false };
    let mut at = 0;
    while let Some(op) = words.get(at).and_then(|word| Op::from_byte(*word as u8)) {
        let word = Word(words[at]);
        let operands = op.info().operands.iter().zip([word.a(), word.b(), word.c()]);
        let registers = operands
            .filter(|(role, _)| matches!(role, Role::Dst | Role::Src | Role::Keep | Role::Win | Role::Out));
        let last = registers.map(|(_, register)| usize::from(register) + 1).max().unwrap_or(0);
        needs.registers = needs.registers.max(last);
        needs.spill |= matches!(
            op,
            Op::LoadSpill | Op::StoreSpill | Op::DeleteSpill | Op::LoadSpillCell | Op::SpillParams
        );
        if op.info().ext == orochi_compiler::opcode::Ext::NameCache {
            let index = words.get(at + 1).map_or(0, |ext| ext >> 16);
            needs.caches = needs.caches.max(index + MOST_CACHE_WORDS);
        }
        at += 1 + usize::from(op.has_ext());
    }
    needs
}

/// `co_exceptiontable`: for each handler five numbers of four bytes.
pub(super) fn exception_bytes(thread: &Thread, code: &Code) -> PyResult<Value> {
    let row = |entry: &ExceptionEntry| {
        [entry.start, entry.end, entry.target, u32::from(entry.exc_reg), u32::from(entry.clear_from)]
    };
    let numbers = code.exceptions.iter().flat_map(row).flat_map(u32::to_le_bytes);
    bytes::new(thread, &numbers.collect::<Vec<_>>())
}

fn exceptions(table: &[u8]) -> PyResult<Box<[ExceptionEntry]>> {
    let malformed = || value_error("code: co_exceptiontable is malformed");
    let (numbers, rest) = table.as_chunks::<4>();
    let numbers: Vec<_> = numbers.iter().map(|number| u32::from_le_bytes(*number)).collect();
    let (rows, left) = numbers.as_chunks::<5>();
    if !rest.is_empty() || !left.is_empty() {
        return Err(malformed());
    }
    let entry = |[start, end, target, exc_reg, clear_from]: &[u32; 5]| {
        let byte = |number: &u32| u8::try_from(*number).map_err(|_| malformed());
        Ok(ExceptionEntry {
            start: *start,
            end: *end,
            target: *target,
            exc_reg: byte(exc_reg)?,
            clear_from: byte(clear_from)?,
        })
    };
    rows.iter().map(entry).collect()
}
