//! `__slots__`: which memory instances of a new class get, and the descriptors for it.

use super::layout;
use super::new::Recipe;
use crate::class::TypeFlags;
use crate::error::{PyResult, type_error, value_error};
use crate::name;
use crate::types::dict::DictExt;
use crate::types::str::PyStr;
use crate::types::r#type::{PyType, TypeExt};
use crate::types::{getset, member};
use orochi_core::{Obj, Ref, Thread};

/// Reads `__slots__` and decides what the instances get.
pub(crate) fn declare(thread: &mut Thread, recipe: &mut Recipe) -> PyResult<()> {
    let base = recipe.base;
    let may_have_dict = !layout::has_dict(base);
    let may_have_weakref = !base.has(TypeFlags::WEAKREF) && !layout::is_variable_size(base);
    let slots = recipe.namespace.get_str(thread, name!("__slots__")).map(Ref::to_owned);
    let Some(slots) = slots else {
        recipe.instance.has_dict |= may_have_dict;
        recipe.weakref |= may_have_weakref;
        return Ok(());
    };
    let items = if slots.get().downcast::<PyStr>().is_some() {
        vec![slots.clone()]
    } else {
        crate::protocol::collect(thread, slots.get())?
    };
    if !items.is_empty() && layout::is_variable_size(base) {
        let name = base.name();
        return Err(type_error(format!("nonempty __slots__ not supported for subtype of '{name}'")));
    }
    let mut names = Vec::with_capacity(items.len());
    for item in &items {
        match check(item.get())? {
            "__dict__" if !may_have_dict || recipe.instance.has_dict && layout::has_dict(base) => {
                return Err(type_error("__dict__ slot disallowed: we already got one"));
            }
            "__dict__" if recipe.instance.has_dict => {
                return Err(type_error("__dict__ slot disallowed: we already got one"));
            }
            "__dict__" => recipe.instance.has_dict = true,
            "__weakref__" if !may_have_weakref || recipe.weakref => {
                return Err(type_error("__weakref__ slot disallowed: we already got one"));
            }
            "__weakref__" => recipe.weakref = true,
            text => names.push(declare_one(thread, recipe, text)?),
        }
    }
    names.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    inherit_from_others(thread, recipe, (may_have_dict, may_have_weakref));
    let count = u16::try_from(names.len()).ok().and_then(|count| recipe.instance.slots.checked_add(count));
    recipe.instance.slots = count.ok_or_else(|| value_error("too many __slots__"))?;
    recipe.slot_names = names;
    Ok(())
}

/// With several bases, one of the others may have a dict or weak references.
fn inherit_from_others(thread: &Thread, recipe: &mut Recipe, (dict, weakref): (bool, bool)) {
    let bases = recipe.bases.items().filter_map(Ref::downcast::<PyType>);
    for base in bases.filter(|base| !std::ptr::eq(*base, recipe.base)) {
        base.mro(thread);
        recipe.instance.has_dict |= dict && layout::has_dict(base);
        recipe.weakref |= weakref && base.has(TypeFlags::WEAKREF);
    }
}

fn check(item: Ref<'_>) -> PyResult<&str> {
    let Some(name) = item.downcast::<PyStr>() else {
        let given = crate::class_of(item).name();
        return Err(type_error(format!("__slots__ items must be strings, not '{given}'")));
    };
    match name.to_str() {
        Some(text) if orochi_text::unicode::is_identifier(name.as_wtf8()) => Ok(text),
        _ => Err(type_error("__slots__ must be identifiers")),
    }
}

fn declare_one(thread: &mut Thread, recipe: &Recipe, name: &str) -> PyResult<&'static Obj<PyStr>> {
    let mangled = mangle(&recipe.name.as_wtf8().to_string_lossy(), name);
    let name = crate::str::intern(thread, &mangled)?;
    // Left by the compiler for the class body's own cells and annotations: a slot of this name takes their place.
    let allowed = [name!("__qualname__"), name!("__classcell__"), name!("__classdictcell__")];
    let taken = recipe.namespace.get_str(thread, name).is_some();
    if taken && !allowed.iter().any(|&allowed| std::ptr::eq(allowed, name)) {
        return Err(value_error(format!(
            "{name} in __slots__ conflicts with class variable",
            name = Quoted(name)
        )));
    }
    Ok(name)
}

/// A name in quotes.
struct Quoted<'a>(&'a Obj<PyStr>);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "'{}'", **self.0)
    }
}

/// A private name as the compiler would mangle it in this class.
fn mangle(class: &str, name: &str) -> String {
    let class = class.trim_start_matches('_');
    if !name.starts_with("__") || name.ends_with("__") || name.contains('.') || class.is_empty() {
        return name.to_owned();
    }
    format!("_{class}{name}")
}

/// Adds the descriptors of `__slots__`, `__dict__` and `__weakref__` to a new class.
pub(crate) fn add_descriptors(
    thread: &mut Thread,
    class: &Obj<PyType>,
    names: &[&'static Obj<PyStr>],
) -> PyResult<()> {
    let base = class.base();
    let first = base.map_or(0, |base| base.instance_layout().slots);
    let namespace = class.namespace(thread).to_owned();
    for (index, &name) in names.iter().enumerate() {
        let descriptor = member::new(thread, class, name, usize::from(first) + index)?;
        namespace.set_str(thread, name, descriptor)?;
    }
    let base_has = |flag: TypeFlags| base.is_some_and(|base| base.has(flag));
    if class.has(TypeFlags::DICT)
        && !base_has(TypeFlags::DICT)
        && namespace.get_str(thread, name!("__dict__")).is_none()
    {
        let descriptor = getset::new(thread, class, &super::members::INSTANCE_DICT)?;
        namespace.set_str(thread, name!("__dict__"), descriptor)?;
    }
    if class.has(TypeFlags::WEAKREF)
        && !base_has(TypeFlags::WEAKREF)
        && namespace.get_str(thread, name!("__weakref__")).is_none()
    {
        let descriptor = getset::new(thread, class, &super::members::INSTANCE_WEAKREF)?;
        namespace.set_str(thread, name!("__weakref__"), descriptor)?;
    }
    Ok(())
}
