//! Making functions and classes; rare intrinsics.

#![allow(non_snake_case, reason = "handlers carry the names of their operations")]

use super::cursor::{At, Cursor, Flow};
use super::name::builtin;
use orochi_compiler::opcode::{FunctionAttr, Intrinsic1, Intrinsic2, Word as Instruction};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_objects::error::{PyResult, runtime_error, system_error};
use orochi_objects::protocol;
use orochi_objects::types::function::{self, PyFunction};
use orochi_objects::types::tuple::PyTuple;

#[inline(always)]
pub(super) fn MakeFunction(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let frame = at.frame();
        let code = frame.code().constant(w.bx() as usize).to_owned();
        let outer = frame.function();
        let made = function::new(thread, code, outer.globals().to_value(), outer.builtins().to_owned())?;
        at.set(w.a(), made.into_value());
        Ok(())
    })
}

#[inline(always)]
pub(super) fn SetFunctionAttr(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let function: &Obj<PyFunction> =
            at.get(w.a()).downcast().ok_or_else(|| system_error("expected a function"))?;
        let value = at.take(w.b());
        match FunctionAttr::from_byte(w.c()) {
            Some(FunctionAttr::Defaults) => PyFunction::set_defaults_tuple(function, thread, value),
            Some(FunctionAttr::KwDefaults) => PyFunction::set_kwdefaults_dict(function, thread, value),
            Some(FunctionAttr::Annotations) => PyFunction::set_annotations_object(function, thread, value),
            Some(FunctionAttr::Closure) => PyFunction::set_closure(function, thread, value),
            Some(FunctionAttr::Annotate) => PyFunction::set_annotate_function(function, thread, value),
            None => return Err(system_error("unknown function attribute")),
        }
        Ok(())
    })
}

#[inline(always)]
pub(super) fn LoadBuildClass(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let build = builtin(thread, at, orochi_objects::name!("__build_class__"))?;
        at.set(w.a(), build);
        Ok(())
    })
}

/// Calls a class of the `_typing` module.
fn typing(thread: &mut Thread, name: &str, args: &[Ref<'_>]) -> PyResult {
    let module = super::import::import_module(thread, "_typing")?;
    let class = protocol::get_attr_str(thread, module.get(), name)?;
    protocol::call(thread, class.get(), args)
}

fn display(thread: &mut Thread, value: Ref<'_>) -> PyResult {
    let sys = super::import::import_module(thread, "sys")?;
    let Some(hook) = protocol::find_attr(thread, sys.get(), orochi_objects::name!("displayhook"))? else {
        return Err(runtime_error("lost sys.displayhook"));
    };
    protocol::call(thread, hook.get(), &[value])?;
    Ok(Value::NONE)
}

fn intrinsic1(thread: &mut Thread, at: At, w: Instruction) -> PyResult<Value> {
    let value = at.get(w.b());
    match Intrinsic1::from_byte(w.c()) {
        Some(Intrinsic1::Print) => display(thread, value),
        Some(Intrinsic1::TypeVar) => typing(thread, "_make_typevar", &[value]),
        Some(Intrinsic1::ParamSpec) => typing(thread, "_make_paramspec", &[value]),
        Some(Intrinsic1::TypeVarTuple) => typing(thread, "_make_typevartuple", &[value]),
        Some(Intrinsic1::SubscriptGeneric) => typing(thread, "_subscript_generic", &[value]),
        Some(Intrinsic1::TypeAlias) => typing(thread, "_make_typealias", &[value]),
        None => Err(system_error("unknown intrinsic")),
    }
}

#[inline(always)]
pub(super) fn Intrinsic1(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.slow(thread, w, |thread, at, w| {
        let result = intrinsic1(thread, at, w)?;
        at.consume(w.b());
        at.set(w.a(), result);
        Ok(())
    })
}

fn intrinsic2(thread: &mut Thread, at: At, w: Instruction) -> PyResult<Value> {
    let (first, second) = (at.get(w.b()), at.get(w.c()));
    match Intrinsic2::from_byte(super::name::ext_of(at) as u8) {
        Some(Intrinsic2::TypeVarWithBound) => typing(thread, "_make_typevar_with_bound", &[first, second]),
        Some(Intrinsic2::TypeVarWithConstraints) => {
            typing(thread, "_make_typevar_with_constraints", &[first, second])
        }
        Some(Intrinsic2::SetFunctionTypeParams) => {
            if let Some(function) = first.downcast::<PyFunction>() {
                PyFunction::set_type_params_tuple(function, thread, second.to_owned());
            }
            Ok(first.to_owned())
        }
        Some(Intrinsic2::UnpackExact) => {
            let n = second.as_small_int().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            super::container::unpack::exact(thread, first, n)
        }
        Some(Intrinsic2::UnpackStar) => {
            let count = |i| {
                let counts = second.downcast::<PyTuple>()?;
                usize::try_from(counts.item(i)?.as_small_int()?).ok()
            };
            super::container::unpack::star(thread, first, count(0).unwrap_or(0), count(1).unwrap_or(0))
        }
        Some(Intrinsic2::SetTypeParamDefault) => typing(thread, "_set_typeparam_default", &[first, second]),
        None => Err(system_error("unknown intrinsic")),
    }
}

#[inline(always)]
pub(super) fn Intrinsic2(c: &mut Cursor, thread: &mut Thread, w: Instruction) -> Flow {
    c.ext();
    c.slow(thread, w, |thread, at, w| {
        let result = intrinsic2(thread, at, w)?;
        at.consume(w.b());
        at.consume(w.c());
        at.set(w.a(), result);
        Ok(())
    })
}
