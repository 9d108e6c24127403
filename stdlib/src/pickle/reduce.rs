//! Writing what `__reduce_ex__` and its like give, and names of modules.

use super::opcodes::*;
use super::save::{Saver, with_context};
use super::shared::renamed;
use super::{error, noted, qualified};
use crate::support::import_attr;
use orochi_objects::thread::ThreadState;
use orochi_objects::types::bytes;
use orochi_objects::types::dict::{self, PyDict};
use orochi_objects::types::int;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::{Args, PyErr, PyResult, PyType, Ref, Thread, Value, class_of, name, protocol, str};

/// The parts of a reduction after the function and its arguments; None where there is nothing.
#[derive(Default)]
struct Rest<'a> {
    state: Option<Ref<'a>>,
    items: Option<Ref<'a>>,
    pairs: Option<Ref<'a>>,
    setter: Option<Ref<'a>>,
}

/// `cls.__new__(cls, *args, **kwargs)` for protocols that have no opcode for it.
fn partial_new(thread: &mut Thread, class: Ref<'_>, args: &PyTuple, kwargs: Ref<'_>) -> PyResult {
    let partial = import_attr(thread, "functools", "partial")?;
    let new = protocol::get_attr(thread, class, name!("__new__"))?;
    let mut values = vec![new, class.to_owned()];
    values.extend(args.items().map(Ref::to_owned));
    let mut names = Vec::new();
    if let Some(kwargs) = kwargs.downcast::<PyDict>() {
        for entry in orochi_objects::types::dict::entries(thread, kwargs)? {
            names.push(entry.key);
            values.push(entry.value);
        }
    }
    let names = tuple::new(thread, names)?;
    let values: Vec<Ref<'_>> = values.iter().map(Value::get).collect();
    protocol::call_args(thread, partial.get(), Args::with_names(&values, Some(&names)))
}

/// The class that a `__newobj__` is for, which has to be the object's.
fn check_class(thread: &mut Thread, class: Ref<'_>, object: Ref<'_>, function: &str) -> PyResult<()> {
    if class.downcast::<PyType>().is_none() {
        let got = qualified(thread, class)?;
        return Err(error(format!("first argument to {function}() must be a class, not {got}")));
    }
    let own = protocol::get_attr(thread, object, name!("__class__"))?;
    if !own.get().is(class) {
        let (own, class) = (protocol::repr(thread, own.get())?, protocol::repr(thread, class)?);
        return Err(error(format!(
            "first argument to {function}() must be {}, not {}",
            str::display(own.get()),
            str::display(class.get())
        )));
    }
    Ok(())
}

/// The module that an object says it is from, if that is loaded and has the object by this name: the common case.
fn own_module(thread: &mut Thread, object: Ref<'_>, name: Ref<'_>) -> PyResult<Option<Value>> {
    let Some(name) = name.downcast::<PyStr>().filter(|name| !name.as_bytes().contains(&b'.')) else {
        return Ok(None);
    };
    let Some(module) = protocol::find_attr(thread, object, name!("__module__"))? else { return Ok(None) };
    if module.get().downcast::<PyStr>().is_none() {
        return Ok(None);
    }
    let modules = ThreadState::modules(thread)?;
    let Some(modules) = modules.get().downcast::<PyDict>() else { return Ok(None) };
    let Some(loaded) = dict::get_item(thread, modules, module.get())? else { return Ok(None) };
    let found = protocol::find_attr(thread, loaded.get(), name)?;
    Ok(found.is_some_and(|found| found.get().is(object)).then_some(module))
}

impl Saver<'_> {
    /// Writes what a reducer gave for an object: a name, or a tuple.
    pub(super) fn save_reduced(
        &mut self,
        thread: &mut Thread,
        object: Ref<'_>,
        reduced: &Value,
    ) -> PyResult<()> {
        if reduced.get().downcast::<PyStr>().is_some() {
            return self.save_global(thread, object, Some(reduced.clone()));
        }
        let saved = self.save_tuple_of(thread, object, reduced.get());
        noted(thread, saved, |thread| Ok(format!("when serializing {} object", qualified(thread, object)?)))
    }

    fn save_tuple_of(&mut self, thread: &mut Thread, object: Ref<'_>, reduced: Ref<'_>) -> PyResult<()> {
        let Some(parts) = reduced.downcast::<PyTuple>() else {
            let got = qualified(thread, reduced)?;
            return Err(error(format!("__reduce__ must return a string or tuple, not {got}")));
        };
        let (Some(function), Some(args), 2..=6) = (parts.item(0), parts.item(1), parts.len()) else {
            return Err(error("tuple returned by __reduce__ must contain 2 through 6 elements"));
        };
        let part = |i: usize| parts.item(i).filter(|part| !part.is_none());
        if class_of(function).slots.tp_call().is_none() {
            let got = qualified(thread, function)?;
            return Err(error(format!(
                "first item of the tuple returned by __reduce__ must be callable, not {got}"
            )));
        }
        if args.downcast::<PyTuple>().is_none() {
            let got = qualified(thread, args)?;
            return Err(error(format!(
                "second item of the tuple returned by __reduce__ must be a tuple, not {got}"
            )));
        }
        let rest = Rest { state: part(2), items: part(3), pairs: part(4), setter: part(5) };
        for (what, part) in [("fourth", rest.items), ("fifth", rest.pairs)] {
            if let Some(part) = part.filter(|part| class_of(*part).slots.tp_iternext().is_none()) {
                let got = qualified(thread, part)?;
                return Err(error(format!(
                    "{what} item of the tuple returned by __reduce__ must be an iterator, not {got}"
                )));
            }
        }
        if let Some(setter) = rest.setter.filter(|setter| class_of(*setter).slots.tp_call().is_none()) {
            let got = qualified(thread, setter)?;
            return Err(error(format!(
                "sixth item of the tuple returned by __reduce__ must be callable, not {got}"
            )));
        }
        self.save_reduce(thread, object, function, args, &rest)
    }

    /// A function and its arguments, nothing more.
    pub(super) fn reduce_call(
        &mut self,
        thread: &mut Thread,
        object: Ref<'_>,
        function: Value,
        args: Value,
    ) -> PyResult<()> {
        self.save_reduce(thread, object, function.get(), args.get(), &Rest::default())
    }

    /// Saves a part of an object; errors say which.
    fn part(&mut self, thread: &mut Thread, object: Ref<'_>, part: Ref<'_>, what: &str) -> PyResult<()> {
        let saved = self.save(thread, part);
        noted(thread, saved, |thread| Ok(format!("when serializing {} {what}", qualified(thread, object)?)))
    }

    fn save_reduce(
        &mut self,
        thread: &mut Thread,
        object: Ref<'_>,
        function: Ref<'_>,
        args: Ref<'_>,
        rest: &Rest<'_>,
    ) -> PyResult<()> {
        let Some(values) = args.downcast::<PyTuple>() else { return Ok(()) };
        let name =
            if self.protocol >= 2 { protocol::find_attr(thread, function, name!("__name__"))? } else { None };
        let name = name.as_ref().and_then(|name| name.get().downcast::<PyStr>()).map(|name| name.as_bytes());
        match name {
            Some(b"__newobj_ex__") => self.new_with_keywords(thread, object, values)?,
            Some(b"__newobj__") => self.new_object(thread, object, values)?,
            _ => {
                self.part(thread, object, function, "reconstructor")?;
                self.part(thread, object, args, "reconstructor arguments")?;
                self.out.op(REDUCE);
            }
        }
        match self.number_of(thread, object) {
            // Its own arguments contained it: the one that exists is meant.
            Some(number) => {
                self.out.op(POP);
                self.get(number);
            }
            None => self.memoize(thread, object),
        }
        if let Some(items) = rest.items {
            self.appends(thread, items, object)?;
        }
        if let Some(pairs) = rest.pairs {
            self.set_items(thread, pairs, object)?;
        }
        let Some(state) = rest.state else { return Ok(()) };
        let Some(setter) = rest.setter else {
            self.part(thread, object, state, "state")?;
            self.out.op(BUILD);
            return Ok(());
        };
        self.part(thread, object, setter, "state setter")?;
        self.save(thread, object)?;
        self.part(thread, object, state, "state")?;
        // What the setter returns is of no use.
        self.out.write(&[TUPLE2, REDUCE, POP]);
        Ok(())
    }

    fn new_with_keywords(&mut self, thread: &mut Thread, object: Ref<'_>, values: &PyTuple) -> PyResult<()> {
        let (Some(class), Some(args), Some(kwargs), 3) =
            (values.item(0), values.item(1), values.item(2), values.len())
        else {
            let got = values.len();
            return Err(error(format!("__newobj_ex__ expected 3 arguments, got {got}")));
        };
        check_class(thread, class, object, "__newobj_ex__")?;
        let Some(positional) = args.downcast::<PyTuple>() else {
            let got = qualified(thread, args)?;
            return Err(error(format!("second argument to __newobj_ex__() must be a tuple, not {got}")));
        };
        if kwargs.downcast::<PyDict>().is_none() {
            let got = qualified(thread, kwargs)?;
            return Err(error(format!("third argument to __newobj_ex__() must be a dict, not {got}")));
        }
        if self.protocol >= 4 {
            self.part(thread, object, class, "class")?;
            self.part(thread, object, args, "__new__ arguments")?;
            self.part(thread, object, kwargs, "__new__ arguments")?;
            self.out.op(NEWOBJ_EX);
            return Ok(());
        }
        let partial = partial_new(thread, class, positional, kwargs)?;
        self.part(thread, object, partial.get(), "reconstructor")?;
        let nothing = tuple::empty(thread);
        self.save(thread, nothing.get())?;
        self.out.op(REDUCE);
        Ok(())
    }

    fn new_object(&mut self, thread: &mut Thread, object: Ref<'_>, values: &PyTuple) -> PyResult<()> {
        let Some(class) = values.item(0) else {
            return Err(error("__newobj__ expected at least 1 argument, got 0"));
        };
        check_class(thread, class, object, "__newobj__")?;
        let args = tuple::new(thread, values.items().skip(1).map(Ref::to_owned).collect())?;
        self.part(thread, object, class, "class")?;
        self.part(thread, object, args.get(), "__new__ arguments")?;
        self.out.op(NEWOBJ);
        Ok(())
    }

    /// Writes an object as a name in a module.
    pub(super) fn save_global(
        &mut self,
        thread: &mut Thread,
        object: Ref<'_>,
        name: Option<Value>,
    ) -> PyResult<()> {
        let name = match name {
            Some(name) => name,
            None => match protocol::find_attr(thread, object, name!("__qualname__"))? {
                Some(name) => name,
                None => protocol::get_attr(thread, object, name!("__name__"))?,
            },
        };
        let module = match own_module(thread, object, name.get())? {
            Some(module) => module,
            None => {
                let which = import_attr(thread, "pickle", "whichmodule")?;
                protocol::call(thread, which.get(), &[object, name.get()])?
            }
        };
        if self.protocol >= 2 && self.save_extension(thread, &module, &name)? {
            return Ok(());
        }
        let path = str::display(name.get());
        if self.protocol >= 4 {
            self.save(thread, module.get())?;
            self.save(thread, name.get())?;
            self.out.op(STACK_GLOBAL);
        } else if let Some((first, rest)) = path.split_once('.') {
            self.save_path(thread, &module, first, rest)?;
        } else {
            self.write_global(thread, &module, &name)?;
        }
        self.memoize(thread, object);
        Ok(())
    }

    /// A name within a class, as a call of `getattr`.
    fn save_path(&mut self, thread: &mut Thread, module: &Value, first: &str, rest: &str) -> PyResult<()> {
        let parts: Vec<&str> = rest.split('.').collect();
        let getattr = import_attr(thread, "builtins", "getattr")?;
        for _ in &parts {
            self.save(thread, getattr.get())?;
            if self.protocol < 2 {
                self.out.op(MARK);
            }
        }
        let first = str::new(thread, first)?;
        self.write_global(thread, module, &first)?;
        for part in parts {
            let part = str::intern(thread, part)?;
            self.save(thread, part.get())?;
            self.out.op(if self.protocol < 2 { TUPLE } else { TUPLE2 });
            self.out.op(REDUCE);
        }
        Ok(())
    }

    /// Writes the code that `copyreg.add_extension` gave a name; false if there is none.
    fn save_extension(&mut self, thread: &mut Thread, module: &Value, name: &Value) -> PyResult<bool> {
        let registry = self.extensions(thread)?;
        let Some(registry) = registry.get().downcast::<PyDict>() else { return Ok(false) };
        if orochi_objects::types::dict::len(thread, registry) == 0 {
            return Ok(false);
        }
        let key = tuple::of(thread, [module.clone(), name.clone()])?;
        let Some(code) = orochi_objects::types::dict::get_item(thread, registry, key.get())? else {
            return Ok(false);
        };
        let code = int::index_i64(thread, code.get())?;
        let Some(code) = i32::try_from(code).ok().filter(|code| *code > 0) else {
            return Err(orochi_objects::error::runtime_error("extension code 0 is out of range"));
        };
        let bytes = code.to_le_bytes();
        match code {
            ..=0xFF => self.out.write(&[EXT1, bytes[0]]),
            0x100..=0xFFFF => self.out.write(&[EXT2, bytes[0], bytes[1]]),
            _ => {
                self.out.op(EXT4);
                self.out.write(&bytes);
            }
        }
        Ok(true)
    }

    fn write_global(&mut self, thread: &mut Thread, module: &Value, name: &Value) -> PyResult<()> {
        let (module, name) = if self.protocol < 3 && self.fix_imports {
            let (module, name) = (module.clone(), name.clone());
            renamed(thread, module, name, "REVERSE_NAME_MAPPING", "REVERSE_IMPORT_MAPPING")?
        } else {
            (module.clone(), name.clone())
        };
        self.out.op(GLOBAL);
        for (what, text) in [("module", module), ("global", name)] {
            let encoding = str::new(thread, if self.protocol >= 3 { "utf-8" } else { "ascii" })?;
            match protocol::call_method(thread, text.get(), "encode", &[encoding.get()]) {
                Ok(encoded) => self.out.write(bytes::value(encoded.get()).unwrap_or_default()),
                Err(reason) => return Err(self.unencodable(thread, what, &text, reason)),
            }
            self.out.op(b'\n');
        }
        Ok(())
    }

    fn unencodable(&self, thread: &mut Thread, what: &str, text: &Value, reason: PyErr) -> PyErr {
        let shown = match protocol::repr(thread, text.get()) {
            Ok(shown) => str::display(shown.get()),
            Err(error) => return error,
        };
        let protocol = self.protocol;
        let new = error(format!("can't pickle {what} identifier {shown} using pickle protocol {protocol}"));
        with_context(thread, new, reason)
    }
}
