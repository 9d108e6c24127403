//! Structures that are tuples with named fields: `os.stat_result`, `time.struct_time`, `sys.flags`, …
//!
//! An instance is a tuple of the first `visible` fields. The fields behind them, which only have names, lie in the slots of
//! the instance's extension. A definition is a constant made by [`structseq!`](crate::structseq); everything that acts on
//! it is here.

use crate::args::{Args, Signature};
use crate::class::{GetSetDef, MethodDef, MethodKind, StaticType};
use crate::error::{PyErr, PyResult, type_error};
use crate::protocol;
use crate::storage::instance::slot_field;
use crate::types::dict::{self, DictExt, PyDict};
use crate::types::repr_guard;
use crate::types::str::PyStr;
use crate::types::tuple::{self, PyTuple};
use crate::types::r#type::{PyType, TypeExt};
use orochi_core::{Obj, Ref, Thread, Value};
use orochi_text::wtf8::Wtf8Buf;

/// A field: its name (empty: it is only an item) and its `__doc__`.
pub type FieldSpec = (&'static str, &'static str);

/// The most fields of a structure.
pub const MAX_FIELDS: usize = 32;

/// A structure.
pub struct StructSeq {
    /// The class.
    pub class: &'static StaticType,
    /// The fields.
    pub fields: &'static [FieldSpec],
    /// How many of them are items.
    pub visible: usize,
    /// Pairs `(i, j)`: field i takes the value of item j when a constructor's argument doesn't give it.
    pub fallbacks: &'static [(usize, usize)],
}

/// Defines a structure: a static [`StructSeq`].
///
/// ```ignore
/// structseq! {
///     /// Comment.
///     pub static SIZE: "os" "terminal_size" = "__doc__", visible 2, flags(EMPTY), fallbacks &[], {
///         "columns" = "width of the terminal window in characters",
///         "lines" = "height of the terminal window in characters",
///     }
/// }
/// ```
/// `flags(DISALLOW_INSTANTIATION)` makes calling the class an error.
#[macro_export]
macro_rules! structseq {
    ($(#[$meta:meta])* $visibility:vis static $name:ident: $module:literal $class:literal = $doc:expr,
     visible $visible:literal, flags($flags:ident), fallbacks $fallbacks:expr,
     { $($field:literal = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        $visibility static $name: $crate::types::structseq::StructSeq = {
            use $crate::types::structseq as __s;
            const FIELDS: &[__s::FieldSpec] = &[$(($field, $text)),*];
            static GETSET: [$crate::GetSetDef; __s::named(FIELDS)] = __s::getset(FIELDS);
            static METHODS: [$crate::MethodDef; 3] = __s::methods(
                |thread, args| $name.call_new(thread, args),
                |thread, args| $name.reduce(thread, args.this()),
                |thread, args| $name.replace(thread, args),
            );
            static PART: $crate::MethodPart = $crate::MethodPart {
                slots: $crate::Slots {
                    tp_new: __s::own_new(
                        |thread, class, args| $name.construct(thread, class, args),
                        $crate::TypeFlags::$flags,
                    ),
                    tp_repr: Some(|thread, this| $name.repr(thread, this)),
                    ..$crate::Slots::EMPTY
                },
                methods: __s::own_methods(&METHODS, $crate::TypeFlags::$flags),
                getset: &GETSET,
                construction: "",
            };
            static SPEC: $crate::TypeSpec = $crate::TypeSpec {
                name: $class,
                module: $module,
                doc: $doc,
                base: Some(<$crate::types::tuple::PyTuple as $crate::PyClass>::static_type),
                layout: <$crate::types::tuple::PyTuple as $crate::core::Payload>::LAYOUT,
                flags: $crate::TypeFlags::IMMUTABLE
                    .union($crate::TypeFlags::$flags)
                    .with_slots((FIELDS.len() - $visible) as u8),
                match_args: &[],
                quick: None,
                parts: &[&PART],
            };
            static TYPE: $crate::StaticType = $crate::StaticType::new(&SPEC);
            __s::StructSeq { class: &TYPE, fields: FIELDS, visible: $visible, fallbacks: $fallbacks }
        };
    };
}

/// How many fields have names.
pub const fn named(fields: &[FieldSpec]) -> usize {
    let (mut i, mut count) = (0, 0);
    while i < fields.len() {
        if !fields[i].0.is_empty() {
            count += 1;
        }
        i += 1;
    }
    count
}

type Getter = fn(&mut Thread, Ref<'_>) -> PyResult<Value>;

macro_rules! getters {
    ($($i:literal)*) => { [$(field::<$i> as Getter),*] };
}
const GETTERS: [Getter; MAX_FIELDS] =
    getters!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);

fn field<const I: usize>(thread: &mut Thread, this: Ref<'_>) -> PyResult<Value> {
    Ok(value_at(thread, this, I))
}

/// The value of field i.
fn value_at(thread: &Thread, this: Ref<'_>, i: usize) -> Value {
    let Some(items) = this.downcast::<PyTuple>() else { return Value::NONE };
    match items.item(i) {
        Some(item) => item.to_owned(),
        None => i
            .checked_sub(items.len())
            .and_then(|slot| slot_field(this, slot))
            .and_then(|slot| slot.get(thread))
            .unwrap_or(Value::NONE),
    }
}

/// The attributes for the named fields.
pub const fn getset<const N: usize>(fields: &'static [FieldSpec]) -> [GetSetDef; N] {
    let mut made = [const { GetSetDef { name: "", get: None, set: None, doc: "", member: true } }; N];
    let (mut i, mut next) = (0, 0);
    while i < fields.len() {
        if !fields[i].0.is_empty() {
            let (name, doc) = fields[i];
            made[next] = GetSetDef { name, get: Some(GETTERS[i]), set: None, doc, member: true };
            next += 1;
        }
        i += 1;
    }
    made
}

static NEW: Signature = Signature::new("__new__", None, &[], "($type, *args, **kwargs)");
static REDUCE: Signature = Signature::new("__reduce__", None, &[], "");
static REPLACE: Signature = Signature::new("__replace__", None, &[], "($self, /, **changes)");

type Native = fn(&mut Thread, Args<'_>) -> PyResult<Value>;

/// The methods: `__new__` last, see [`own_methods`].
pub const fn methods(new: Native, reduce: Native, replace: Native) -> [MethodDef; 3] {
    [
        MethodDef {
            name: "__reduce__",
            kind: MethodKind::Method,
            function: reduce,
            quick: None,
            signature: &REDUCE,
            doc: "",
        },
        MethodDef {
            name: "__replace__",
            kind: MethodKind::Method,
            function: replace,
            quick: None,
            signature: &REPLACE,
            doc: "Return a copy of the structure with new values for the specified fields.",
        },
        MethodDef {
            name: "__new__",
            kind: MethodKind::New,
            function: new,
            quick: None,
            signature: &NEW,
            doc: "Create and return a new object.  See help(type) for accurate signature.",
        },
    ]
}

type New = fn(&mut Thread, &Obj<PyType>, Args<'_>) -> PyResult<Value>;

/// What calling a class with these flags does, if it can be called.
pub const fn own_new(new: New, flags: crate::class::TypeFlags) -> Option<New> {
    if flags.0 & crate::class::TypeFlags::DISALLOW_INSTANTIATION.0 == 0 { Some(new) } else { None }
}

/// The methods of a class with these flags: one that can't be called has no `__new__`.
pub const fn own_methods(
    methods: &'static [MethodDef; 3],
    flags: crate::class::TypeFlags,
) -> &'static [MethodDef] {
    if flags.0 & crate::class::TypeFlags::DISALLOW_INSTANTIATION.0 == 0 {
        methods
    } else {
        methods.split_at(2).0
    }
}

impl StructSeq {
    fn name(&self) -> String {
        format!("{}.{}", self.class.spec().module, self.class.spec().name)
    }

    /// The class object, complete. Modules add what this gives.
    ///
    /// # Errors
    /// MemoryError.
    pub fn class(&self, thread: &Thread) -> PyResult<&'static Obj<PyType>> {
        let class = self.class.get();
        let namespace = class.namespace(thread);
        let unnamed = self.fields.len() - named(self.fields);
        let numbers = [
            ("n_sequence_fields", self.visible),
            ("n_fields", self.fields.len()),
            ("n_unnamed_fields", unnamed),
        ];
        for (name, number) in numbers {
            let number = crate::int::new(thread, number as i64)?;
            namespace.initialise_str(thread, crate::str::intern(thread, name)?, number)?;
        }
        let names = self.fields.iter().take(self.visible).filter(|(name, _)| !name.is_empty());
        let names = names.map(|(name, _)| Ok(crate::str::intern(thread, name)?.to_value()));
        let names = tuple::new(thread, names.collect::<PyResult<Vec<Value>>>()?)?;
        namespace.initialise_str(
            thread,
            crate::str::intern(thread, "__match_args__")?,
            names.into_value(),
        )?;
        Ok(class)
    }

    /// A new structure with these values, in the fields' order. Fields that get none are None.
    ///
    /// # Errors
    /// MemoryError.
    pub fn make(&self, thread: &Thread, mut values: Vec<Value>) -> PyResult {
        values.resize_with(self.fields.len(), || Value::NONE);
        let hidden = values.split_off(self.visible);
        let made = tuple::subclass_object(thread, self.class.get(), values)?;
        for (i, value) in hidden.into_iter().enumerate() {
            if let Some(slot) = slot_field(made.get(), i) {
                slot.initialise(&*made, value);
            }
        }
        Ok(made.into_value())
    }

    /// A structure of one field, which is made of the field itself (`sched_param(1)`).
    fn is_single(&self) -> bool {
        self.fields.len() == 1
    }

    fn construct_single(&self, thread: &mut Thread, args: Args<'_>) -> PyResult {
        let name = self.fields.first().map_or("", |field| field.0);
        let what = self.class.spec().name;
        let mut values: Vec<Value> = args.iter().map(Ref::to_owned).collect();
        for (keyword, value) in args.keywords() {
            if keyword.as_bytes() != name.as_bytes() {
                let text = format!("{what}() got an unexpected keyword argument '{keyword}'");
                return Err(type_error(text));
            }
            values.push(value.to_owned());
        }
        match values.len() {
            0 => Err(type_error(format!("{what}() missing required argument '{name}' (pos 1)"))),
            1 => self.make(thread, values),
            given => Err(type_error(format!("{what}() takes at most 1 argument ({given} given)"))),
        }
    }

    /// `class(sequence, dict={})`.
    pub fn construct(&self, thread: &mut Thread, _class: &Obj<PyType>, args: Args<'_>) -> PyResult {
        if self.is_single() {
            return self.construct_single(thread, args);
        }
        let (sequence, dict) = Self::bind(&args)?;
        let mut values = protocol::collect(thread, sequence).map_err(|error| {
            if error.matches(&crate::types::exception::TypeError) {
                type_error("constructor requires a sequence")
            } else {
                error
            }
        })?;
        self.check_length(values.len())?;
        let given = values.len();
        values.resize_with(self.fields.len(), || Value::NONE);
        match dict.map(|dict| dict.downcast::<PyDict>().ok_or(())) {
            Some(Ok(dict)) => self.fill_from(thread, dict, given, &mut values)?,
            Some(Err(())) => {
                return Err(type_error(format!("{}() takes a dict as second arg, if any", self.name())));
            }
            None => {}
        }
        for &(field, item) in self.fallbacks {
            let from = values.get(item).cloned();
            if let (Some(from), Some(to)) = (from, values.get_mut(field))
                && to.get().is_none()
            {
                *to = from;
            }
        }
        self.make(thread, values)
    }

    fn bind<'a>(args: &Args<'a>) -> PyResult<(Ref<'a>, Option<Ref<'a>>)> {
        if args.len() + args.keyword_count() > 2 {
            let given = args.len() + args.keyword_count();
            return Err(type_error(format!("structseq() takes at most 2 arguments ({given} given)")));
        }
        let (mut sequence, mut dict) = (args.get(0), args.get(1));
        for (name, value) in args.keywords() {
            match name.as_bytes() {
                b"sequence" if sequence.is_none() => sequence = Some(value),
                b"dict" if dict.is_none() => dict = Some(value),
                _ => {
                    let text = format!("structseq() got an unexpected keyword argument '{name}'");
                    return Err(type_error(text));
                }
            }
        }
        match sequence {
            Some(sequence) => Ok((sequence, dict)),
            None => Err(type_error("structseq() missing required argument 'sequence' (pos 1)")),
        }
    }

    fn check_length(&self, given: usize) -> PyResult<()> {
        let (least, most) = (self.visible, self.fields.len());
        let (how, wanted) = match (given < least, given > most, least == most) {
            (false, false, _) => return Ok(()),
            (_, _, true) => ("", least),
            (true, ..) => ("an at least ", least),
            _ => ("an at most ", most),
        };
        let how = if how.is_empty() { "a " } else { how };
        Err(type_error(format!("{}() takes {how}{wanted}-sequence ({given}-sequence given)", self.name())))
    }

    fn fill_from(
        &self,
        thread: &mut Thread,
        dict: &Obj<PyDict>,
        given: usize,
        values: &mut [Value],
    ) -> PyResult<()> {
        let mut used = 0;
        for (slot, (name, _)) in values.iter_mut().zip(self.fields).skip(given) {
            let name = crate::str::intern(thread, name)?;
            if let Some(value) = dict.get_str(thread, name) {
                *slot = value.to_owned();
                used += 1;
            }
        }
        if dict::len(thread, dict) > used {
            let name = self.name();
            return Err(type_error(format!("{name}() got duplicate or unexpected field name(s)")));
        }
        Ok(())
    }

    /// `class.__new__(class, …)`.
    pub fn call_new(&self, thread: &mut Thread, args: Args<'_>) -> PyResult {
        let name = self.name();
        let Some(class) = args.get(0) else {
            return Err(type_error(format!("{name}.__new__(): not enough arguments")));
        };
        match class.downcast::<PyType>() {
            Some(class) if class.is_subtype_of(self.class.get()) => {
                self.construct(thread, class, args.rest())
            }
            Some(class) => {
                let other = class.name();
                Err(type_error(format!("{name}.__new__({other}): {other} is not a subtype of {name}")))
            }
            None => {
                let other = crate::class_of(class).name();
                Err(type_error(format!("{name}.__new__(X): X is not a type object ({other})")))
            }
        }
    }

    /// `repr(structure)`.
    pub fn repr(&self, thread: &mut Thread, this: Ref<'_>) -> PyResult {
        let text = repr_guard::enter(thread, this, |thread| {
            let mut text = Wtf8Buf::new();
            text.push_str(&format!("{}(", self.name()));
            for (i, (name, _)) in self.fields.iter().take(self.visible).enumerate() {
                let separator = if i == 0 { "" } else { ", " };
                // Items without a name of their own go by that of the field they stand for.
                let shown = match self.fallbacks.iter().find(|(_, item)| *item == i) {
                    Some((field, _)) if name.is_empty() => {
                        self.fields.get(*field).map_or("", |field| field.0)
                    }
                    _ => name,
                };
                text.push_str(&format!("{separator}{shown}="));
                let value = value_at(thread, this, i);
                repr_guard::push_repr(thread, &mut text, value.get())?;
            }
            text.push_str(")");
            Ok(text)
        })?;
        match text {
            Some(text) => repr_guard::finish(thread, &text),
            None => crate::str::new(thread, "(...)"),
        }
    }

    fn items(&self, thread: &Thread, this: Ref<'_>) -> Vec<Value> {
        (0..self.fields.len()).map(|i| value_at(thread, this, i)).collect()
    }

    fn receive<'a>(&self, this: Ref<'a>, method: &str) -> PyResult<&'a Obj<PyTuple>> {
        let class = crate::class_of(this);
        match this.downcast::<PyTuple>() {
            Some(items) if class.is_subtype_of(self.class.get()) => Ok(items),
            _ => Err(wrong_receiver(method, &self.name(), &class.name())),
        }
    }

    /// `structure.__reduce__()`.
    pub fn reduce(&self, thread: &mut Thread, this: Ref<'_>) -> PyResult {
        self.receive(this, "__reduce__")?;
        let mut values = self.items(thread, this);
        if self.is_single() {
            let arguments = tuple::new(thread, values)?;
            let parts = vec![self.class.get().to_value(), arguments.into_value()];
            return Ok(tuple::new(thread, parts)?.into_value());
        }
        let hidden = values.split_off(self.visible);
        let items = tuple::new(thread, values)?;
        let named = dict::new(thread)?;
        for (value, (name, _)) in hidden.into_iter().zip(self.fields.iter().skip(self.visible)) {
            named.set_str(thread, crate::str::intern(thread, name)?, value)?;
        }
        let arguments = tuple::new(thread, vec![items.into_value(), named.into_value()])?;
        Ok(tuple::new(thread, vec![self.class.get().to_value(), arguments.into_value()])?.into_value())
    }

    /// `structure.__replace__(**changes)`.
    pub fn replace(&self, thread: &mut Thread, args: Args<'_>) -> PyResult {
        self.receive(args.this(), "__replace__")?;
        if args.len() > 1 {
            return Err(type_error("__replace__() takes no positional arguments"));
        }
        if named(self.fields) != self.fields.len() {
            return Err(type_error(format!(
                "__replace__() is not supported for {} because it has unnamed field(s)",
                self.name()
            )));
        }
        let mut values = self.items(thread, args.this());
        let mut unknown = Vec::new();
        for (name, value) in args.keywords() {
            match self.position(name).and_then(|i| values.get_mut(i)) {
                Some(slot) => *slot = value.to_owned(),
                None => unknown.push(name),
            }
        }
        if unknown.is_empty() {
            return self.make(thread, values);
        }
        let mut shown = Vec::new();
        for name in unknown {
            shown.push(crate::str::display(protocol::repr(thread, name.get())?.get()));
        }
        Err(type_error(format!("Got unexpected field name(s): [{}]", shown.join(", "))))
    }

    fn position(&self, name: &Obj<PyStr>) -> Option<usize> {
        self.fields.iter().position(|(field, _)| !field.is_empty() && field.as_bytes() == name.as_bytes())
    }

    /// Whether the object is one of these structures.
    pub fn is_instance(&self, object: Ref<'_>) -> bool {
        crate::class_of(object).is_subtype_of(self.class.get())
    }

    /// All values of a structure, those that are no items included.
    pub fn values(&self, thread: &Thread, this: Ref<'_>) -> Vec<Value> {
        self.items(thread, this)
    }
}

#[cold]
fn wrong_receiver(method: &str, class: &str, got: &str) -> PyErr {
    type_error(format!("descriptor '{method}' for '{class}' objects doesn't apply to a '{got}' object"))
}
