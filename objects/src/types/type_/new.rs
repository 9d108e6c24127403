//! `type.__new__`: making classes.
//!
//! The order is CPython's, because programs see it: the metaclass is settled, `__slots__` are checked, the class is made and
//! its MRO computed (which may run Python code), then `__set_name__` of its attributes and `__init_subclass__` of its base are called.

use super::{layout, mro, slots, update};
use crate::args::Args;
use crate::class::TypeFlags;
use crate::error::{PyErr, PyResult, type_error};
use crate::name;
use crate::slots::{SlotTable, Slots};
use crate::storage::instance::InstanceLayout;
use crate::types::dict::{self, DictExt, PyDict};
use crate::types::str::PyStr;
use crate::types::tuple::{self, PyTuple};
use crate::types::r#type::{
    Lasting, PyType, TypeExt, add_follower, add_new_subclass, add_subclass, change, finish, remove_subclass,
};
use crate::types::weakref;
use orochi_core::{Obj, Owned, Ref, Thread, TypeFields, Value};

/// What a class is made of.
pub(crate) struct Recipe {
    pub(crate) name: &'static Obj<PyStr>,
    pub(crate) bases: Owned<PyTuple>,
    pub(crate) base: &'static Obj<PyType>,
    pub(crate) namespace: Owned<PyDict>,
    pub(crate) instance: InstanceLayout,
    pub(crate) weakref: bool,
    pub(crate) slot_names: Vec<&'static Obj<PyStr>>,
}

/// `type.__new__(metaclass, name, bases, namespace, **kwargs)`.
pub(crate) fn new(thread: &mut Thread, metaclass: &Obj<PyType>, args: Args<'_>) -> PyResult {
    let [name, bases, namespace] = three(&args)?;
    let argument = |position: usize, expected: &str, given: Ref<'_>| {
        let given = crate::class_of(given).name();
        type_error(format!("type.__new__() argument {position} must be {expected}, not {given}"))
    };
    let name = name.downcast::<PyStr>().ok_or_else(|| argument(1, "str", name))?;
    let bases = bases.downcast::<PyTuple>().ok_or_else(|| argument(2, "tuple", bases))?;
    let namespace = namespace.downcast::<PyDict>().ok_or_else(|| argument(3, "dict", namespace))?;
    check_entries(thread, bases)?;
    let bases = if bases.is_empty() {
        tuple::new(thread, vec![super::object_class().to_value()])?
    } else {
        bases.to_owned()
    };
    let winner = layout::lasting(layout::most_derived(metaclass, &bases)?);
    if !std::ptr::eq(winner, metaclass) {
        let own = SlotTable::raw(&super::type_class().slots, crate::slots::SlotId::tp_new);
        if let Some(new) = winner.slots.tp_new()
            && new as usize != own
        {
            return new(thread, winner, args);
        }
    }
    let recipe = prepare(thread, name, bases, namespace)?;
    let class = make(thread, winner, recipe)?;
    warn_of_odd_keys(thread, &class)?;
    super::hooks::set_names(thread, &class)?;
    super::hooks::init_subclass(thread, &class, &args)?;
    Ok(class.into_value())
}

/// A namespace is meant to have names for keys.
fn warn_of_odd_keys(thread: &mut Thread, class: &Obj<PyType>) -> PyResult<()> {
    let entries = dict::entries(thread, class.namespace(thread))?;
    if entries.iter().all(|entry| entry.key.get().downcast::<PyStr>().is_some()) {
        return Ok(());
    }
    let message = format!("non-string key in the __dict__ of class {}", class.name());
    crate::warn::warn(thread, &crate::types::exception::RuntimeWarning, &message)
}

fn three<'a>(args: &Args<'a>) -> PyResult<[Ref<'a>; 3]> {
    match (args.get(0), args.get(1), args.get(2), args.len()) {
        (Some(a), Some(b), Some(c), 3) => Ok([a, b, c]),
        (_, _, _, given) => {
            Err(type_error(format!("type.__new__() takes exactly 3 arguments ({given} given)")))
        }
    }
}

/// Bases that aren't classes want `types.new_class`.
fn check_entries(thread: &mut Thread, bases: &Obj<PyTuple>) -> PyResult<()> {
    for base in bases.items() {
        if base.downcast::<PyType>().is_some() {
            continue;
        }
        if crate::protocol::find_attr(thread, base, name!("__mro_entries__"))?.is_some() {
            return Err(type_error("type() doesn't support MRO entry resolution; use types.new_class()"));
        }
        // As when the metaclass is calculated.
        if !crate::class_of(base).is_subtype_of(super::type_class())
            && !super::type_class().is_subtype_of(crate::class_of(base))
        {
            return Err(type_error(
                "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of all its bases",
            ));
        }
    }
    Ok(())
}

fn prepare(
    thread: &mut Thread,
    name: &Obj<PyStr>,
    bases: Owned<PyTuple>,
    namespace: &Obj<PyDict>,
) -> PyResult<Recipe> {
    let base = layout::best_base(&bases)?;
    let namespace = dict::copy(thread, namespace)?;
    let name = checked_name(name)?;
    let mut recipe = Recipe {
        name,
        bases,
        base,
        namespace,
        instance: base.instance_layout(),
        weakref: base.has(TypeFlags::WEAKREF),
        slot_names: Vec::new(),
    };
    slots::declare(thread, &mut recipe)?;
    recipe.instance.inline = inline_attributes(thread, &recipe)?;
    Ok(recipe)
}

/// A name without null characters.
pub(crate) fn checked_name(name: &Obj<PyStr>) -> PyResult<&'static Obj<PyStr>> {
    if name.as_bytes().contains(&0) {
        return Err(crate::error::value_error("type name must not contain null characters"));
    }
    if name.to_str().is_none() {
        return Err(crate::convert::surrogates(name));
    }
    crate::interned::intern(name.as_wtf8())
}

/// How many attributes instances have room for: those that the methods of the class and its base set.
fn inline_attributes(thread: &mut Thread, recipe: &Recipe) -> PyResult<u16> {
    use crate::storage::instance::{DEFAULT_INLINE, MAX_INLINE};
    if !recipe.instance.has_dict {
        return Ok(0);
    }
    let named = recipe.namespace.get_str(thread, name!("__static_attributes__"));
    let own = named.and_then(Ref::downcast::<PyTuple>).map_or(0, |names| names.len());
    let inherited = usize::from(recipe.base.instance_layout().inline);
    let least =
        if recipe.base.native().is_some() && recipe.base.base().is_some() { 0 } else { DEFAULT_INLINE };
    let wanted = (own + inherited).clamp(usize::from(least), usize::from(MAX_INLINE));
    Ok(u16::try_from(wanted).unwrap_or(MAX_INLINE))
}

/// Makes the class object, with namespace, MRO and slots. It is shared from birth.
fn make(thread: &mut Thread, metaclass: &Obj<PyType>, recipe: Recipe) -> PyResult<Owned<PyType>> {
    let qualname = take_qualname(thread, &recipe)?;
    let cells = take_cells(thread, &recipe)?;
    complete_namespace(thread, &recipe)?;
    let base = recipe.base;
    let instance = recipe.instance;
    let fields = TypeFields::new(
        base.fields.layout,
        instance.offset(base.fields.layout),
        instance.size(),
        instance.ops(),
    );
    fields.set_has_finalizer(base.fields.has_finalizer());
    let mut flags = TypeFlags(base.flags().0 & TypeFlags::INHERITED.0)
        .union(TypeFlags::HEAP)
        .union(TypeFlags::SUBCLASSABLE);
    flags.0 &= !(TypeFlags::DICT.0 | TypeFlags::WEAKREF.0);
    flags.0 |= if instance.has_dict { TypeFlags::DICT.0 } else { 0 };
    flags.0 |= if recipe.weakref { TypeFlags::WEAKREF.0 } else { 0 };
    let table = SlotTable::new(&Slots::EMPTY);
    let mut payload = PyType::blank(fields, table, instance, flags).unfinished();
    payload.name = Lasting::new(Some(recipe.name.to_value()));
    payload.qualname = Lasting::new(Some(qualname.to_value()));
    payload.base = Lasting::new(Some(base.to_value()));
    payload.bases = Lasting::new(Some(recipe.bases.into_value()));
    payload.namespace = Lasting::new(Some(recipe.namespace.into_value()));
    let class = crate::alloc(thread, metaclass, payload)?;
    orochi_core::publish::publish(class.get());
    // An `mro()` in Python may call methods already.
    for (cell, content) in cells {
        fill_cell(thread, &class, cell.get(), content)?;
    }
    settle(thread, &class)?;
    slots::add_descriptors(thread, &class, &recipe.slot_names)?;
    finish(thread, &class);
    Ok(class)
}

/// Computes MRO and slots, and tells the bases.
fn settle(thread: &mut Thread, class: &Obj<PyType>) -> PyResult<()> {
    set_order(thread, class)?;
    inherit_patterns(thread, class);
    let reference = weakref::to_class(thread, class)?;
    // In one step: a change of a base comes before it, or reaches the class.
    let _updating = update::updating();
    resolve_slots(thread, class);
    // An `mro()` of a metaclass may have assigned the class's bases already, which told them.
    let is_told = !std::ptr::eq(crate::class_of(class.get()), super::type_class());
    let tell = if is_told { add_subclass } else { add_new_subclass };
    for base in class.bases(thread).items().filter_map(Ref::downcast::<PyType>) {
        tell(thread, base, reference.clone());
    }
    Ok(())
}

/// A class is a sequence or mapping for patterns if the first of its bases that says so is.
fn inherit_patterns(thread: &Thread, class: &Obj<PyType>) {
    let both = TypeFlags::SEQUENCE.union(TypeFlags::MAPPING);
    // The base whose memory the class has may be a later one: what came from there doesn't count.
    class.set_flags(both, false);
    for base in class.mro(thread).items().skip(1).filter_map(Ref::downcast::<PyType>) {
        let found = TypeFlags(base.flags().0 & both.0);
        if found.0 != 0 {
            class.set_flags(found, true);
            return;
        }
    }
}

/// Fills the slots from the bases and the namespace.
pub(crate) fn resolve_slots(thread: &Thread, class: &Obj<PyType>) {
    let Some(base) = class.base() else { return };
    for &slot in crate::slots::SlotId::ALL {
        class.slots.set(slot, base.slots.get(slot));
    }
    if class.bases(thread).len() == 1 {
        update::update_own(thread, class);
    } else {
        update::update_all(thread, class);
    }
}

fn take_qualname(thread: &mut Thread, recipe: &Recipe) -> PyResult<&'static Obj<PyStr>> {
    let Some(qualname) = recipe.namespace.remove_str(thread, name!("__qualname__"))? else {
        return Ok(recipe.name);
    };
    match qualname.get().downcast::<PyStr>() {
        Some(qualname) => crate::interned::intern(qualname.as_wtf8()),
        None => {
            let given = crate::class_of(qualname.get()).name();
            Err(type_error(format!("type __qualname__ must be a str, not {given}")))
        }
    }
}

/// What a `__class__` or `__classdict__` cell of the class body is filled with.
#[derive(Clone, Copy)]
enum CellContent {
    Class,
    Namespace,
}

fn take_cells(thread: &mut Thread, recipe: &Recipe) -> PyResult<Vec<(Value, CellContent)>> {
    let mut cells = Vec::new();
    for (name, content) in
        [(name!("__classcell__"), CellContent::Class), (name!("__classdictcell__"), CellContent::Namespace)]
    {
        let Some(cell) = recipe.namespace.remove_str(thread, name)? else { continue };
        if cell.get().downcast::<crate::types::cell::PyCell>().is_none() {
            let class = crate::class_of(cell.get());
            let given = crate::protocol::repr(thread, class.get())?;
            let given = crate::str::display(given.get());
            return Err(type_error(format!("{} must be a nonlocal cell, not {given}", **name)));
        }
        cells.push((cell, content));
    }
    Ok(cells)
}

fn fill_cell(thread: &mut Thread, class: &Obj<PyType>, cell: Ref<'_>, content: CellContent) -> PyResult<()> {
    let value = match content {
        CellContent::Class => class.to_value(),
        CellContent::Namespace => class.namespace(thread).to_value(),
    };
    crate::protocol::set_attr(thread, cell, name!("cell_contents"), Some(value.get()))
}

/// Adds what a namespace lacks and wraps its special functions.
fn complete_namespace(thread: &mut Thread, recipe: &Recipe) -> PyResult<()> {
    let namespace = &recipe.namespace;
    if namespace.get_str(thread, name!("__module__")).is_none()
        && let Some(module) = crate::state::calling_module(thread)
    {
        namespace.set_str(thread, name!("__module__"), module)?;
    }
    if let Some(new) = namespace.get_str(thread, name!("__new__")).map(Ref::to_owned)
        && is_function(new.get())
    {
        let wrapped = crate::types::static_method::new(thread, new)?;
        namespace.set_str(thread, name!("__new__"), wrapped)?;
    }
    for name in [name!("__init_subclass__"), name!("__class_getitem__")] {
        if let Some(function) = namespace.get_str(thread, name).map(Ref::to_owned)
            && is_function(function.get())
        {
            let wrapped = crate::types::class_method::new(thread, function)?;
            namespace.set_str(thread, name, wrapped)?;
        }
    }
    if namespace.get_str(thread, name!("__eq__")).is_some()
        && namespace.get_str(thread, name!("__hash__")).is_none()
    {
        namespace.set_str(thread, name!("__hash__"), Value::NONE)?;
    }
    match namespace.get_str(thread, name!("__doc__")) {
        None => namespace.set_str(thread, name!("__doc__"), Value::NONE)?,
        Some(doc) => {
            if let Some(text) = doc.downcast::<PyStr>().filter(|text| text.to_str().is_none()) {
                return Err(crate::convert::surrogates(text));
            }
        }
    }
    Ok(())
}

/// Whether the object is a Python function.
fn is_function(object: Ref<'_>) -> bool {
    object.downcast::<crate::types::function::PyFunction>().is_some()
}

/// `class.__bases__ = bases`.
pub(crate) fn set_bases(thread: &mut Thread, class: &Obj<PyType>, value: Option<Ref<'_>>) -> PyResult<()> {
    let name = class.name();
    super::check_mutable(class, "__bases__")?;
    let Some(value) = value else { return Err(type_error(format!("can't delete {name}.__bases__"))) };
    let Some(bases) = value.downcast::<PyTuple>() else {
        let given = crate::class_of(value).name();
        return Err(type_error(format!("can only assign tuple to {name}.__bases__, not {given}")));
    };
    if bases.is_empty() {
        return Err(type_error(format!("can only assign non-empty tuple to {name}.__bases__, not ()")));
    }
    for base in bases.items() {
        let Some(base_class) = base.downcast::<PyType>() else {
            let given = crate::class_of(base).name();
            return Err(type_error(format!("{name}.__bases__ must be tuple of classes, not '{given}'")));
        };
        if base_class.is_subtype_of(class) || layout::has_in_chain(base_class, class) {
            return Err(type_error("a __bases__ item causes an inheritance cycle"));
        }
    }
    let new_base = layout::best_base(bases)?;
    let old_base = class.base().ok_or_else(|| assignment_layout(new_base, class))?;
    if !layout::same_layout(new_base, old_base) {
        return Err(assignment_layout(new_base, old_base));
    }
    change(thread, class, |thread| replace_bases(thread, class, (old_base, new_base), bases))
}

/// Replaces the bases, and all that depends on them.
fn replace_bases(
    thread: &mut Thread,
    class: &Obj<PyType>,
    (old_base, new_base): (&Obj<PyType>, &Obj<PyType>),
    bases: &Obj<PyTuple>,
) -> PyResult<()> {
    let old_bases = class.bases(thread).to_owned();
    let new_bases = bases.to_owned();
    let kept_bases = class.bases.get();
    class.bases.set(class, &new_bases);
    class.base.set(class, new_base);
    // An `mro()` that ran meanwhile may have assigned bases too; then those hold.
    let still_ours = || class.bases.get().is_some_and(|now| std::ptr::eq(now, &*new_bases));
    let mut changed = Vec::new();
    if let Err(error) = renew_orders(thread, class, &mut changed) {
        for Renewed { class, new, old } in changed {
            if class.mro.get().is_some_and(|now| std::ptr::eq(now, new)) {
                class.mro.set(&class, old);
            }
        }
        if still_ours() {
            if let Some(bases) = kept_bases {
                class.bases.set(class, bases);
            }
            class.base.set(class, old_base);
        }
        return Err(error);
    }
    if still_ours() {
        let reference = weakref::to_class(thread, class)?;
        for base in old_bases.items().filter_map(Ref::downcast::<PyType>) {
            remove_subclass(thread, base, reference.get());
        }
        for base in new_bases.items().filter_map(Ref::downcast::<PyType>) {
            add_subclass(thread, base, reference.clone());
        }
    }
    let _updating = update::updating();
    resolve_tree(thread, class);
    Ok(())
}

fn assignment_layout(new: &Obj<PyType>, old: &Obj<PyType>) -> PyErr {
    type_error(format!("__bases__ assignment: '{}' object layout differs from '{}'", new.name(), old.name()))
}

/// A class with another MRO than before.
struct Renewed {
    class: Owned<PyType>,
    new: &'static Obj<PyTuple>,
    old: &'static Obj<PyTuple>,
}

/// Computes the MRO of a class and all its subclasses anew.
fn renew_orders(thread: &mut Thread, class: &Obj<PyType>, changed: &mut Vec<Renewed>) -> PyResult<()> {
    let old = class.mro.get();
    if !set_order(thread, class)? {
        return Ok(());
    }
    if let (Some(new), Some(old)) = (class.mro.get(), old) {
        changed.push(Renewed { class: class.to_owned(), new, old });
    }
    for subclass in class.subclasses(thread) {
        renew_orders(thread, &subclass, changed)?;
    }
    Ok(())
}

/// Computes the MRO of a class. False if the class's own `mro()` has led to one being set meanwhile, which then holds.
fn set_order(thread: &mut Thread, class: &Obj<PyType>) -> PyResult<bool> {
    let old = class.mro.get().map(std::ptr::from_ref);
    let order = mro::of_class(thread, class)?;
    if class.mro.get().map(std::ptr::from_ref) != old {
        return Ok(false);
    }
    class.mro.set(class, &order);
    follow_strangers(thread, class, &order)?;
    Ok(true)
}

/// Lets classes that only a class's own `mro()` has brought into its `__mro__` know of it, so that a change to one of them
/// reaches what is remembered of this one.
fn follow_strangers(thread: &mut Thread, class: &Obj<PyType>, order: &Obj<PyTuple>) -> PyResult<()> {
    fn derives(thread: &Thread, class: &Obj<PyType>, base: &Obj<PyType>) -> bool {
        let mut bases = class.bases(thread).items().filter_map(Ref::downcast::<PyType>);
        std::ptr::eq(class, base) || bases.any(|direct| derives(thread, direct, base))
    }
    if std::ptr::eq(crate::class_of(class.get()), super::type_class()) {
        return Ok(());
    }
    for other in order.items().filter_map(Ref::downcast::<PyType>) {
        if !other.has(TypeFlags::IMMUTABLE) && !derives(thread, class, other) {
            let reference = weakref::to_class(thread, class)?;
            add_follower(thread, other, reference);
        }
    }
    Ok(())
}

fn resolve_tree(thread: &Thread, class: &Obj<PyType>) {
    resolve_slots(thread, class);
    for subclass in class.subclasses(thread) {
        resolve_tree(thread, &subclass);
    }
}
