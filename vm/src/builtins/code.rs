//! `compile`, `eval`, `exec`, `globals` and `locals`.

use super::source::{self, SourceOptions, compile_object, text_of};
use crate::interp;
use orochi_compiler::Mode;
use orochi_compiler::code::flags;
use orochi_core::{Obj, Owned, Ref, Thread, Value};
use orochi_macros::pyfunction;
use orochi_objects::error::{PyResult, not_implemented_error, system_error, type_error, value_error};
use orochi_objects::thread::{ThreadState, builtins_for};
use orochi_objects::types::cell::PyCell;
use orochi_objects::types::code::PyCode;
use orochi_objects::types::dict::{DictExt, PyDict};
use orochi_objects::types::function::{self, PyFunction};
use orochi_objects::types::str;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{class_of, name, protocol};

/// The flags of futures that the running code was compiled with.
pub fn current_flags(thread: &Thread) -> u32 {
    ThreadState::of(thread).frames.top().map_or(0, |frame| frame.code().code.flags & flags::FUTURE_MASK)
}

const ONLY_AST: i64 = 0x400;
const KNOWN_FLAGS: i64 =
    flags::FUTURE_MASK as i64 | 0x200 | 0x400 | 0x100 | 0x1000 | 0x2000 | 0x4000 | 0x10 | 0x8000 | 0x8400;

/// Compile source into a code object that can be executed by exec() or eval().
///
/// The source code may represent a Python module, statement or expression.
/// The filename will be used for run-time error messages.
/// The mode must be 'exec' to compile a module, 'single' to compile a
/// single (interactive) statement, or 'eval' to compile an expression.
/// The flags argument, if present, controls which future statements influence
/// the compilation of the code.
/// The dont_inherit argument, if true, stops the compilation inheriting
/// the effects of any future statements in effect in the code calling
/// compile; if absent or false these statements do influence the compilation,
/// in addition to any features explicitly specified.
#[pyfunction]
#[signature(source, filename, mode, flags=0, dont_inherit=False, optimize=-1, *, _feature_version=-1)]
fn compile(
    thread: &mut Thread,
    source: Ref<'_>,
    filename: Ref<'_>,
    mode: &str,
    flags: i64,
    dont_inherit: bool,
    optimize: i64,
    _feature_version: i64,
) -> PyResult {
    let filename = filename_text(thread, filename)?;
    if flags & !KNOWN_FLAGS != 0 {
        return Err(value_error("compile(): unrecognised flags"));
    }
    let optimize = match optimize {
        -1 => crate::optimize(),
        0..=2 => optimize as u8,
        _ => return Err(value_error("compile(): invalid optimize value")),
    };
    let only_ast = flags & ONLY_AST != 0;
    let parsed = match mode {
        "exec" => Mode::Exec,
        "eval" => Mode::Eval,
        "single" => Mode::Single,
        "func_type" if only_ast => Mode::FuncType,
        "func_type" => {
            return Err(value_error("compile() mode 'func_type' requires flag PyCF_ONLY_AST"));
        }
        _ => return Err(value_error("compile() mode must be 'exec', 'eval' or 'single'")),
    };
    if only_ast || is_tree(thread, source)? {
        return compile_tree(thread, source, &filename, mode, flags, optimize, _feature_version);
    }
    let text = text_of(thread, source, &filename, "compile", "string, bytes or AST object")?;
    let inherited = if dont_inherit { 0 } else { current_flags(thread) };
    let options = source::options(flags as u32, inherited, optimize);
    compile_object(thread, &text, &SourceOptions { filename: &filename, mode: parsed, options })
}

fn filename_text(thread: &mut Thread, filename: Ref<'_>) -> PyResult<String> {
    if let Some(bytes) = orochi_objects::types::bytes::value(filename) {
        return Ok(String::from_utf8_lossy(bytes).into_owned());
    }
    if filename.downcast::<str::PyStr>().is_some() {
        return Ok(str::display(filename));
    }
    match protocol::find_attr(thread, filename, name!("__fspath__"))? {
        Some(method) => {
            let path = protocol::call(thread, method.get(), &[])?;
            Ok(str::display(path.get()))
        }
        None => {
            let given = class_of(filename).name();
            Err(type_error(format!("expected str, bytes or os.PathLike object, not {given}")))
        }
    }
}

/// Whether the source is an object of the `ast` module.
fn is_tree(thread: &mut Thread, source: Ref<'_>) -> PyResult<bool> {
    if source.downcast::<str::PyStr>().is_some() || orochi_objects::types::bytes::value(source).is_some() {
        return Ok(false);
    }
    Ok(protocol::find_attr(thread, source, name!("_fields"))?.is_some())
}

/// Trees are the business of the `_ast` module: its `_compile` makes them from source and code from them.
fn compile_tree(
    thread: &mut Thread,
    source: Ref<'_>,
    filename: &str,
    mode: &str,
    flags: i64,
    optimize: u8,
    feature_version: i64,
) -> PyResult {
    let module = interp::import::import_module(thread, "_ast")?;
    let Some(compile) = protocol::find_attr(thread, module.get(), name!("_compile"))? else {
        return Err(not_implemented_error("syntax trees (_ast._compile)"));
    };
    let number = |value: i64| Value::small_int(value).unwrap_or(Value::NONE);
    let (filename, mode) = (str::new(thread, filename)?, str::new(thread, mode)?);
    let args = [
        source,
        filename.get(),
        mode.get(),
        number(flags).get(),
        number(i64::from(optimize)).get(),
        number(feature_version).get(),
    ]
    .map(Ref::to_owned);
    let refs: Vec<Ref<'_>> = args.iter().map(Value::get).collect();
    protocol::call(thread, compile.get(), &refs)
}

/// Where `eval` and `exec` run: globals and locals.
struct Scope {
    globals: Owned<PyDict>,
    locals: Value,
}

fn scope(
    thread: &mut Thread,
    function: &str,
    globals: Option<Ref<'_>>,
    locals: Option<Ref<'_>>,
) -> PyResult<Scope> {
    let globals = globals.filter(|globals| !globals.is_none());
    let locals = locals.filter(|locals| !locals.is_none());
    if let Some(locals) = locals
        && class_of(locals).slots.mp_subscript().is_none()
    {
        let given = class_of(locals).name();
        return Err(type_error(format!("{function}() locals must be a mapping or None, not {given}")));
    }
    let (globals, locals) = match (globals, locals) {
        (Some(globals), locals) => {
            let Some(dict) = globals.downcast::<PyDict>() else {
                let given = class_of(globals).name();
                return Err(type_error(if function == "eval" {
                    if class_of(globals).slots.mp_subscript().is_some() {
                        "globals must be a real dict; try eval(code, {}, mapping)".to_owned()
                    } else {
                        "globals must be a dict".to_owned()
                    }
                } else {
                    format!("exec() globals must be a dict, not {given}")
                }));
            };
            (dict.to_owned(), locals.map_or_else(|| globals.to_owned(), Ref::to_owned))
        }
        (None, locals) => {
            let globals = ThreadState::globals(thread)
                .and_then(|globals| globals.downcast::<PyDict>().ok())
                .ok_or_else(|| system_error("globals and locals cannot be NULL"))?;
            let locals = match locals {
                Some(locals) => locals.to_owned(),
                None => running_locals(thread)?,
            };
            (globals, locals)
        }
    };
    if globals.get_str(thread, name!("__builtins__")).is_none() {
        let builtins = ThreadState::builtins(thread)?;
        globals.set_str(thread, name!("__builtins__"), builtins)?;
    }
    Ok(Scope { globals, locals })
}

pub(super) fn running_locals(thread: &mut Thread) -> PyResult {
    orochi_objects::types::frame::locals::of_caller(thread)
}

fn run(thread: &mut Thread, code: Value, scope: &Scope, closure: Option<Value>) -> PyResult {
    let builtins = builtins_for(thread, &scope.globals)?;
    let function = function::new(thread, code, scope.globals.to_value(), builtins)?;
    if let Some(closure) = closure {
        PyFunction::set_closure(&function, thread, closure);
    }
    let namespace = (!scope.locals.get().is(scope.globals.get())).then(|| scope.locals.get());
    interp::run_code(thread, &function, namespace)
}

/// Evaluate the given source in the context of globals and locals.
///
/// The source may be a string representing a Python expression
/// or a code object as returned by compile().
/// The globals must be a dictionary and locals can be any mapping,
/// defaulting to the current globals and locals.
/// If only globals is given, locals defaults to it.
#[pyfunction]
#[signature(source, /, globals=None, locals=None)]
fn eval(thread: &mut Thread, source: Ref<'_>, globals: Option<Ref<'_>>, locals: Option<Ref<'_>>) -> PyResult {
    let scope = scope(thread, "eval", globals, locals)?;
    if let Some(code) = source.downcast::<PyCode>() {
        if !code.code.freevars.is_empty() {
            return Err(type_error("code object passed to eval() may not contain free variables"));
        }
        return run(thread, source.to_owned(), &scope, None);
    }
    let text = text_of(thread, source, "<string>", "eval", "string, bytes or code object")?;
    let text = text.trim_start_matches([' ', '\t']).to_owned();
    let options = source::options(0, current_flags(thread), 0);
    let code =
        compile_object(thread, &text, &SourceOptions { filename: "<string>", mode: Mode::Eval, options })?;
    run(thread, code, &scope, None)
}

/// Execute the given source in the context of globals and locals.
///
/// The source may be a string representing one or more Python statements
/// or a code object as returned by compile().
/// The globals must be a dictionary and locals can be any mapping,
/// defaulting to the current globals and locals.
/// If only globals is given, locals defaults to it.
/// The closure must be a tuple of cellvars, and can only be used
/// when source is a code object requiring exactly that many cellvars.
#[pyfunction]
#[signature(source, /, globals=None, locals=None, *, closure=None)]
fn exec(
    thread: &mut Thread,
    source: Ref<'_>,
    globals: Option<Ref<'_>>,
    locals: Option<Ref<'_>>,
    closure: Option<Ref<'_>>,
) -> PyResult<()> {
    let scope = scope(thread, "exec", globals, locals)?;
    let closure = closure.filter(|closure| !closure.is_none());
    if let Some(code) = source.downcast::<PyCode>() {
        let closure = exec_closure(code, closure)?;
        return run(thread, source.to_owned(), &scope, closure).map(drop);
    }
    if closure.is_some() {
        return Err(type_error("closure can only be used when source is a code object"));
    }
    let text = text_of(thread, source, "<string>", "exec", "string, bytes or code object")?;
    let options = source::options(0, current_flags(thread), 0);
    let code =
        compile_object(thread, &text, &SourceOptions { filename: "<string>", mode: Mode::Exec, options })?;
    run(thread, code, &scope, None).map(drop)
}

fn exec_closure(code: &Obj<PyCode>, closure: Option<Ref<'_>>) -> PyResult<Option<Value>> {
    let needed = code.code.freevars.len();
    let Some(closure) = closure else {
        if needed == 0 {
            return Ok(None);
        }
        return Err(type_error(format!("code object requires a closure of exactly length {needed}")));
    };
    if needed == 0 {
        return Err(type_error("cannot use a closure with this code object"));
    }
    let fits = closure.downcast::<PyTuple>().is_some_and(|cells| {
        cells.len() == needed && cells.items().all(|cell| cell.downcast::<PyCell>().is_some())
    });
    if fits {
        return Ok(Some(closure.to_owned()));
    }
    Err(type_error(format!("code object requires a closure of exactly length {needed}")))
}

/// Return the dictionary containing the current scope's global variables.
///
/// NOTE: Updates to this dictionary *will* affect name lookups in the current
/// global scope and vice-versa.
#[pyfunction]
fn globals(thread: &mut Thread) -> PyResult {
    ThreadState::globals(thread).ok_or_else(|| system_error("globals do not exist"))
}

/// Return a dictionary containing the current scope's local variables.
///
/// NOTE: Whether or not updates to this dictionary will affect name lookups in
/// the local scope and vice-versa is *implementation dependent* and not
/// covered by any backwards compatibility guarantees.
#[pyfunction]
fn locals(thread: &mut Thread) -> PyResult {
    running_locals(thread)
}
