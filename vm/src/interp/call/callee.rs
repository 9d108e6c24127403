//! What is called: bound methods and classes are seen through, Python functions get a frame, the rest is called natively.

use super::super::collections;
use super::super::cursor::{At, register_word};
use super::super::iter::exactly;
use super::{Entry, enter_bound};
use orochi_compiler::opcode::{Op, Word as Instruction};
use orochi_core::value::take_register;
use orochi_core::word::{self, Word};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_objects::args::Args;
use orochi_objects::class::PyClass;
use orochi_objects::class::is_exact;
use orochi_objects::error::{PyResult, type_error};
use orochi_objects::frames::Mode;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::function::PyFunction;
use orochi_objects::types::list::{self, PyList};
use orochi_objects::types::method::PyMethod;
use orochi_objects::types::method_descriptor::PyMethodDescriptor;
use orochi_objects::types::native_function::PyNativeFunction;
use orochi_objects::types::object;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::types::r#type::{PyType, TypeExt};
use orochi_objects::types::type_;
use orochi_objects::{class_of, protocol};

/// How a call went.
pub(in super::super) enum Called {
    /// The result is in its register.
    Done,
    /// A frame was pushed.
    Entered,
}

/// Gives a call of a Python function a frame.
fn enter(
    thread: &mut Thread,
    at: At,
    w: Instruction,
    function: &Obj<PyFunction>,
    names: Option<&Obj<PyTuple>>,
) -> PyResult<Called> {
    let bound = usize::from(at.word(w.b() + 1) != word::UNBOUND);
    let start = at.address(w.b() + 2 - bound as u8);
    let positional = (w.c() as usize + bound).saturating_sub(names.map_or(0, |names| names.len()));
    let entry = Entry::call(w.a(), w.b());
    // SAFETY: the window is the caller's; beyond it all registers are empty. The function stays in the window.
    unsafe { enter_bound(thread, function, start, positional, names, entry)? };
    Ok(Called::Entered)
}

/// Calls what lies in the window `R[b]`.
#[inline(never)]
pub(super) fn call(
    thread: &mut Thread,
    at: At,
    w: Instruction,
    names: Option<&Obj<PyTuple>>,
) -> PyResult<Called> {
    let callee = at.get(w.b());
    if let Some(function) = exactly::<PyFunction>(callee) {
        return enter(thread, at, w, function, names);
    }
    if names.is_none()
        && exactly::<PyMethodDescriptor>(callee).is_some()
        && let Some(called) = super::super::generator::call_send(thread, at, w, callee)
    {
        return called;
    }
    if at.word(w.b() + 1) == word::UNBOUND
        && let Some(method) = exactly::<PyMethod>(at.get(w.b()))
    {
        let (function, receiver) = (register_word(method.function()), register_word(method.receiver()));
        at.set_word(w.b() + 1, receiver);
        at.set_word(w.b(), function);
        return call(thread, at, w, names);
    }
    let callee = at.get(w.b());
    let bound = usize::from(at.word(w.b() + 1) != word::UNBOUND);
    let start = at.address(w.b() + 2 - bound as u8);
    let keywords = names.map_or(0, |names| names.len());
    let positional = w.c() as usize + bound - keywords.min(w.c() as usize);
    // SAFETY: the arguments stay in the window for the length of the call.
    let args = unsafe { Args::from_registers(start, positional, names) };
    if bound == 0
        && let Some(class) = exactly::<PyType>(callee)
        && let Some(called) = instantiate(thread, at, w, class, args)?
    {
        return Ok(called);
    }
    let result = call_native(thread, callee, args)?;
    at.consume_window(w.b(), w.c() as usize + 2);
    at.set(w.a(), result);
    Ok(Called::Done)
}

/// Calls something that isn't a Python function.
fn call_native(thread: &mut Thread, callee: Ref<'_>, args: Args<'_>) -> PyResult {
    if let Some(function) = exactly::<PyNativeFunction>(callee) {
        return orochi_objects::types::native_function::call(thread, function, args);
    }
    if let Some(method) = exactly::<PyMethodDescriptor>(callee)
        && let Some(receiver) = args.get(0)
        && class_of(receiver).get().is(method.owner())
    {
        return (method.definition().function)(thread, args);
    }
    // Exactly a class, so `type.__call__` makes the instance; `type` itself is called with one argument, too.
    if let Some(class) = exactly::<PyType>(callee)
        && !std::ptr::eq(class, PyType::static_type().get())
    {
        return type_::construct(thread, class, args);
    }
    match class_of(callee).slots.tp_call() {
        Some(call) => call(thread, callee, args),
        None => Err(type_error(format!("'{}' object is not callable", class_of(callee).name()))),
    }
}

/// A class whose `__init__` is a Python function: the instance is made here, and `__init__` gets a frame of the loop.
/// `None`: the class isn't of that kind.
pub(super) fn instantiate(
    thread: &mut Thread,
    at: At,
    w: Instruction,
    class: &Obj<PyType>,
    args: Args<'_>,
) -> PyResult<Option<Called>> {
    let init = match class.lookup(thread, orochi_objects::name!("__init__")) {
        Some(init) if is_exact(init, PyFunction::static_type()) => register_word(init),
        _ => return Ok(None),
    };
    let made = if object::is_plain(class) {
        object::allocate(thread, class)
    } else {
        match class.slots.tp_new() {
            Some(new) => new(thread, class, args),
            None => return Ok(None),
        }
    };
    let instance = match made {
        Ok(instance) => instance,
        Err(error) => {
            drop(take(init));
            return Err(error);
        }
    };
    // `__new__` may have given something else, or changed the class.
    if !std::ptr::eq(class_of(instance.get()), class) {
        drop(take(init));
        type_::initialise(thread, class, instance.get(), args)?;
        at.consume_window(w.b(), w.c() as usize + 2);
        at.set(w.a(), instance);
        return Ok(Some(Called::Done));
    }
    at.set_word(w.b() + 1, register_word(instance.get()));
    at.set_word(w.b(), init);
    let owned = instance.into_word();
    let entry = Entry { mode: Mode::Init, dst: w.a(), base: w.b(), owned, namespace: word::UNBOUND };
    // SAFETY: as in `call`.
    let entered = unsafe {
        let function = at.get(w.b()).cast::<PyFunction>();
        enter_bound(thread, function, at.address(w.b() + 1), args.len() + 1, args.names(), entry)
    };
    match entered {
        Ok(()) => Ok(Some(Called::Entered)),
        Err(error) => {
            drop(take(owned));
            Err(error)
        }
    }
}

fn take(word: Word) -> Value {
    // SAFETY: a register word that was never put into a register.
    unsafe { take_register(word) }
}

/// `f(*args, **kwargs)`.
#[inline(never)]
pub(super) fn call_ex(thread: &mut Thread, at: At, w: Instruction) -> PyResult<Called> {
    let base = w.b();
    if let Some(total) = few_arguments(thread, at, base)
        && thread.stack.has_room(at.address(base + 2), total + 1024)
    {
        return call_few(thread, at, w);
    }
    let callee = at.take_temp(base);
    let receiver = (at.word(base + 1) != word::UNBOUND).then(|| at.take_temp(base + 1));
    let positional = at.take_temp(base + 2);
    let keywords = (at.word(base + 3) != word::UNBOUND).then(|| at.take_temp(base + 3));
    let positional = star_args(thread, callee.get(), positional)?;
    let mut named = (Vec::new(), Vec::new());
    if let Some(keywords) = keywords {
        let keywords = double_star_args(thread, callee.get(), keywords)?;
        for (name, value) in collections::dict_items(thread, &keywords)? {
            if name.get().downcast::<PyStr>().is_none() {
                return Err(type_error("keywords must be strings"));
            }
            named.0.push(name);
            named.1.push(value);
        }
    }
    let (names, values) = named;
    let names = if names.is_empty() { None } else { Some(tuple::new(thread, names)?) };
    let given = receiver.iter().map(Value::get).chain(positional.items());
    let refs: Vec<Ref<'_>> = given.chain(values.iter().map(Value::get)).collect();
    let args = Args::with_names(&refs, names.as_deref());
    // SAFETY: the callee is owned here until it returns, or moved to the window below.
    if is_exact(callee.get(), PyFunction::static_type()) {
        return enter_ex(thread, at, w, callee, args);
    }
    let result = protocol::call_args(thread, callee.get(), args)?;
    at.set(w.a(), result);
    Ok(Called::Done)
}

/// How many arguments a tuple or list and a dict in a window pass, if these are all there is and so few that an instruction could
/// pass them.
fn few_arguments(thread: &Thread, at: At, base: u8) -> Option<usize> {
    let positional = match exactly::<PyTuple>(at.get(base + 2)) {
        Some(tuple) => tuple.len(),
        None => list::len(thread, local_list(at.get(base + 2))?),
    };
    let named = match at.get_bound(base + 3) {
        Some(keywords) => {
            // Others could add to a shared one meanwhile.
            let keywords = exactly::<PyDict>(keywords).filter(|keywords| !keywords.header().is_shared())?;
            dict::len(thread, keywords)
        }
        None => 0,
    };
    let total = positional.checked_add(named)?;
    (total < usize::from(u8::MAX - 2).saturating_sub(base.into())).then_some(total)
}

/// A list that nobody else can change.
fn local_list(object: Ref<'_>) -> Option<&Obj<PyList>> {
    exactly::<PyList>(object).filter(|list| !list.header().is_shared())
}

/// `f(*args, **kwargs)` with few arguments, for which there is room: they are laid out where those of other calls lie.
fn call_few(thread: &mut Thread, at: At, w: Instruction) -> PyResult<Called> {
    let (base, start) = (w.b(), at.address(w.b() + 2));
    let positional = at.take_temp(base + 2);
    if at.word(base + 3) == word::UNBOUND {
        let n = lay_out_items(thread, start, positional);
        return call_laid_out(thread, at, w, n, None);
    }
    let keywords = at.take_temp(base + 3);
    let named = match exactly::<PyDict>(keywords.get()) {
        Some(keywords) => dict::entries(thread, keywords)?,
        None => Vec::new(),
    };
    if named.iter().any(|entry| entry.key.get().downcast::<PyStr>().is_none()) {
        return Err(type_error("keywords must be strings"));
    }
    let name = |i: usize| named.get(i).map_or(Value::NONE, |entry| entry.key.clone());
    let names = if named.is_empty() { None } else { Some(tuple::build(thread, named.len(), name)?) };
    let given = lay_out_items(thread, start, positional);
    // SAFETY: there is room, as the caller has found.
    let n = given + lay_out(unsafe { start.add(given) }, named.iter().map(|entry| entry.value.get()));
    drop((keywords, named));
    call_laid_out(thread, at, w, n, names.as_deref())
}

/// [`lay_out`] of the items of a tuple or local list.
fn lay_out_items(thread: &Thread, start: *mut Word, items: Value) -> usize {
    match exactly::<PyTuple>(items.get()) {
        Some(tuple) => lay_out(start, tuple.items()),
        None => {
            let list = local_list(items.get());
            let item = |i| list.and_then(|list| list::get(thread, list, i));
            lay_out(start, (0..).map_while(item))
        }
    }
}

/// Puts arguments into a window's registers from the third on, which are empty; gives their number.
#[inline(always)]
fn lay_out<'a>(start: *mut Word, arguments: impl Iterator<Item = Ref<'a>>) -> usize {
    let mut n = 0;
    for argument in arguments {
        // SAFETY: there is room, as the callers have found.
        unsafe { *start.add(n) = register_word(argument) };
        n += 1;
    }
    n
}

/// Calls what lies in a window with the `n` arguments that were laid out there, beyond the frame's registers perhaps.
fn call_laid_out(
    thread: &mut Thread,
    at: At,
    w: Instruction,
    n: usize,
    names: Option<&Obj<PyTuple>>,
) -> PyResult<Called> {
    let (base, start, top) = (w.b(), at.address(w.b() + 2), thread.stack.top());
    // SAFETY: the words below are valid. They count as in use, so that whatever a safepoint runs stays above them.
    unsafe { thread.stack.set_top(top.max(start.add(n))) };
    let called = call(thread, at, Instruction::abc(Op::Call, w.a(), base, n as u8), names);
    if !matches!(called, Ok(Called::Entered)) {
        super::clear_registers(start, n);
        // SAFETY: emptied just now.
        unsafe { thread.stack.set_top(top) };
    }
    called
}

/// Pushes the frame of a call whose arguments are not in the window: they are laid out from the window's base on.
fn enter_ex(thread: &mut Thread, at: At, w: Instruction, callee: Value, args: Args<'_>) -> PyResult<Called> {
    let total = args.len() + args.keyword_count();
    let start = at.address(w.b() + 2);
    if !thread.stack.has_room(start, total + 1024) {
        return Err(orochi_objects::error::recursion_error("maximum recursion depth exceeded"));
    }
    at.set(w.b(), callee);
    let top = thread.stack.top();
    for (i, value) in args.iter().chain(args.keywords().map(|(_, value)| value)).enumerate() {
        // SAFETY: above the window everything is empty, and there is room.
        unsafe { *start.add(i) = register_word(value) };
    }
    let entry = Entry::call(w.a(), w.b());
    let names = args.names();
    // SAFETY: as in `call`; the surplus beyond the callee's registers is emptied by binding. Until the frame is pushed,
    // the arguments beyond the caller's registers count as in use, so that whatever a safepoint runs stays above them.
    unsafe {
        thread.stack.set_top(top.max(start.add(total)));
        let function = at.get(w.b()).cast::<PyFunction>();
        if let Err(error) = enter_bound(thread, function, start, args.len(), names, entry) {
            super::clear_registers(start, total);
            thread.stack.set_top(top);
            return Err(error);
        }
    }
    Ok(Called::Entered)
}

fn star_args(
    thread: &mut Thread,
    callee: Ref<'_>,
    positional: Value,
) -> PyResult<orochi_core::Owned<PyTuple>> {
    match positional.downcast::<PyTuple>() {
        Ok(tuple) => Ok(tuple),
        Err(other) => {
            if class_of(other.get()).slots.tp_iter().is_none()
                && class_of(other.get()).slots.sq_item().is_none()
            {
                let name = collections::function_text(thread, callee)?;
                let given = class_of(other.get()).name();
                return Err(type_error(format!("{name} argument after * must be an iterable, not {given}")));
            }
            let values = protocol::collect(thread, other.get())?;
            tuple::new(thread, values)
        }
    }
}

fn double_star_args(
    thread: &mut Thread,
    callee: Ref<'_>,
    keywords: Value,
) -> PyResult<orochi_core::Owned<PyDict>> {
    match keywords.downcast::<PyDict>() {
        Ok(dict) => Ok(dict),
        Err(other) => {
            let dict = dict::new(thread)?;
            super::super::container::merge(thread, &dict, other.get(), callee)?;
            Ok(dict)
        }
    }
}
