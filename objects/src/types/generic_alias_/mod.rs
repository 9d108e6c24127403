//! Type parameters of generic aliases and unions: finding them, replacing them, showing arguments.

pub(crate) mod iterator;

use crate::error::{PyResult, index_error, type_error};
use crate::name;
use crate::protocol::{self, find_attr};
use crate::types::generic_alias::PyGenericAlias;
use crate::types::list::{self, PyList};
use crate::types::tuple::{self, PyTuple};
use crate::types::r#type::PyType;
use orochi_core::{Ref, Thread, Value};

/// Shows an argument of an alias: classes by their qualified name.
pub(crate) fn repr(thread: &mut Thread, text: &mut String, object: Ref<'_>) -> PyResult<()> {
    if object.is(Ref::ELLIPSIS) {
        text.push_str("...");
        return Ok(());
    }
    if let Some(list) = object.downcast::<PyList>().filter(|_| crate::class_of(object).native().is_some()) {
        text.push('[');
        for i in 0..list::len(thread, list) {
            // Showing an item may shorten the list.
            let item = list::item(thread, list, i).ok_or_else(|| index_error("list index out of range"))?;
            text.push_str(if i == 0 { "" } else { ", " });
            repr(thread, text, item.get())?;
        }
        text.push(']');
        return Ok(());
    }
    let is_alias = find_attr(thread, object, name!("__origin__"))?.is_some()
        && find_attr(thread, object, name!("__args__"))?.is_some();
    if !is_alias
        && let Some(qualname) = find_attr(thread, object, name!("__qualname__"))?
        && let Some(module) = find_attr(thread, object, name!("__module__"))?
        && !module.get().is_none()
    {
        let (module, qualname) = (crate::str::display(module.get()), crate::str::display(qualname.get()));
        if module != "builtins" {
            text.push_str(&module);
            text.push('.');
        }
        text.push_str(&qualname);
        return Ok(());
    }
    let shown = protocol::repr(thread, object)?;
    text.push_str(&crate::str::display(shown.get()));
    Ok(())
}

fn is_sequence(object: Ref<'_>) -> bool {
    let class = crate::class_of(object);
    class.has(crate::class::TypeFlags::LIST_SUBCLASS) || class.has(crate::class::TypeFlags::TUPLE_SUBCLASS)
}

fn add(found: &mut Vec<Value>, parameter: Value) {
    if !found.iter().any(|other| other.get().is(parameter.get())) {
        found.push(parameter);
    }
}

fn gather(thread: &mut Thread, args: &[Value], found: &mut Vec<Value>) -> PyResult<()> {
    for arg in args {
        let arg = arg.get();
        if arg.downcast::<PyType>().is_some() {
            continue;
        }
        if is_sequence(arg) {
            let inner = protocol::collect(thread, arg)?;
            gather(thread, &inner, found)?;
            continue;
        }
        if find_attr(thread, arg, name!("__typing_subst__"))?.is_some() {
            add(found, arg.to_owned());
            continue;
        }
        if let Some(inner) = find_attr(thread, arg, name!("__parameters__"))?
            && let Some(inner) = inner.get().downcast::<PyTuple>()
        {
            inner.items().for_each(|parameter| add(found, parameter.to_owned()));
        }
    }
    Ok(())
}

/// The type parameters in a tuple of arguments, each once.
pub(crate) fn parameters(thread: &mut Thread, args: Ref<'_>) -> PyResult {
    let args = protocol::collect(thread, args)?;
    let mut found = Vec::new();
    gather(thread, &args, &mut found)?;
    Ok(tuple::new(thread, found)?.into_value())
}

/// The arguments in a subscript, with `*tuple[...]` unpacked.
fn unpack(thread: &mut Thread, item: Ref<'_>) -> PyResult<Vec<Value>> {
    let items: Vec<Value> = match item.downcast::<PyTuple>() {
        Some(items) => items.items().map(Ref::to_owned).collect(),
        None => vec![item.to_owned()],
    };
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        let unpacked = match item.get().downcast::<PyType>() {
            Some(_) => None,
            None => find_attr(thread, item.get(), name!("__typing_unpacked_tuple_args__"))?,
        };
        match unpacked.as_ref().and_then(|args| args.get().downcast::<PyTuple>()) {
            Some(args) if !args.items().last().is_some_and(|last| last.is(Ref::ELLIPSIS)) => {
                all.extend(args.items().map(Ref::to_owned));
            }
            _ => all.push(item),
        }
    }
    Ok(all)
}

/// The arguments `args` with the type parameters replaced by those in `item`: a tuple.
pub(crate) fn substitute(
    thread: &mut Thread,
    alias: Ref<'_>,
    args: Ref<'_>,
    parameters: Ref<'_>,
    item: Ref<'_>,
) -> PyResult {
    let parameters: Vec<Value> = protocol::collect(thread, parameters)?;
    if parameters.is_empty() {
        let shown = protocol::repr(thread, alias)?;
        return Err(type_error(format!("{} is not a generic class", crate::str::display(shown.get()))));
    }
    let mut items = unpack(thread, item)?;
    for parameter in &parameters {
        let prepare = find_attr(thread, parameter.get(), name!("__typing_prepare_subst__"))?;
        if let Some(prepare) = prepare.filter(|prepare| !prepare.get().is_none()) {
            let given = tuple::new(thread, items)?;
            let prepared = protocol::call(thread, prepare.get(), &[alias, given.get()])?;
            items = match prepared.get().downcast::<PyTuple>() {
                Some(items) => items.items().map(Ref::to_owned).collect(),
                None => vec![prepared],
            };
        }
    }
    if items.len() != parameters.len() {
        let shown = protocol::repr(thread, alias)?;
        let what = if items.len() > parameters.len() { "many" } else { "few" };
        return Err(type_error(format!(
            "Too {what} arguments for {}; actual {}, expected {}",
            crate::str::display(shown.get()),
            items.len(),
            parameters.len()
        )));
    }
    let args = protocol::collect(thread, args)?;
    let replaced = replace_all(thread, &args, &parameters, &items)?;
    Ok(tuple::new(thread, replaced)?.into_value())
}

fn replace_all(
    thread: &mut Thread,
    args: &[Value],
    parameters: &[Value],
    items: &[Value],
) -> PyResult<Vec<Value>> {
    let mut replaced = Vec::with_capacity(args.len());
    for arg in args {
        let arg = arg.get();
        if arg.downcast::<PyType>().is_some() {
            replaced.push(arg.to_owned());
            continue;
        }
        if is_sequence(arg) {
            let inner = protocol::collect(thread, arg)?;
            let inner = replace_all(thread, &inner, parameters, items)?;
            let is_tuple = arg.downcast::<PyTuple>().is_some();
            replaced.push(match is_tuple {
                true => tuple::new(thread, inner)?.into_value(),
                false => crate::types::list_object(thread, inner)?,
            });
            continue;
        }
        let starred = is_unpacked_variable(thread, arg)?;
        let value = replace_one(thread, arg, parameters, items)?;
        match value.get().downcast::<PyTuple>() {
            Some(many) if starred => replaced.extend(many.items().map(Ref::to_owned)),
            _ => replaced.push(value),
        }
    }
    Ok(replaced)
}

fn is_unpacked_variable(thread: &mut Thread, arg: Ref<'_>) -> PyResult<bool> {
    match find_attr(thread, arg, name!("__typing_is_unpacked_typevartuple__"))? {
        Some(flag) => protocol::is_true(thread, flag.get()),
        None => Ok(false),
    }
}

fn replace_one(thread: &mut Thread, arg: Ref<'_>, parameters: &[Value], items: &[Value]) -> PyResult {
    let position = |wanted: Ref<'_>| parameters.iter().position(|parameter| parameter.get().is(wanted));
    if let Some(subst) = find_attr(thread, arg, name!("__typing_subst__"))? {
        let item = position(arg).and_then(|at| items.get(at));
        return match item {
            Some(item) => protocol::call(thread, subst.get(), &[item.get()]),
            None => Ok(arg.to_owned()),
        };
    }
    let inner = find_attr(thread, arg, name!("__parameters__"))?;
    let Some(inner) = inner.as_ref().and_then(|inner| inner.get().downcast::<PyTuple>()) else {
        return Ok(arg.to_owned());
    };
    if inner.is_empty() {
        return Ok(arg.to_owned());
    }
    let mut inner_items = Vec::new();
    for parameter in inner.items() {
        match position(parameter).and_then(|at| items.get(at)) {
            Some(item) => match item.get().downcast::<PyTuple>() {
                // What stands for a TypeVarTuple is a tuple of several.
                Some(many) if is_variadic(parameter) => {
                    inner_items.extend(many.items().map(Ref::to_owned));
                }
                _ => inner_items.push(item.clone()),
            },
            None => inner_items.push(parameter.to_owned()),
        }
    }
    let inner_items = tuple::new(thread, inner_items)?;
    protocol::get_item(thread, arg, inner_items.get())
}

fn is_variadic(parameter: Ref<'_>) -> bool {
    &*crate::class_of(parameter).name() == "TypeVarTuple"
}

/// Whether the object is a generic alias.
pub(crate) fn is_alias(object: Ref<'_>) -> bool {
    object.downcast::<PyGenericAlias>().is_some()
}
