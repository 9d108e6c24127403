//! `IsoCalendarDate`: the tuple of ISO year, week and weekday that `isocalendar` gives.

use super::arguments::Binding;
use super::calendar::Day;
use orochi_objects::class::{GetSetDef, MethodDef, MethodKind, MethodPart, TypeSpec};
use orochi_objects::core::Payload;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::{self, PyTuple};
use orochi_objects::{
    Args, Obj, PyClass, PyResult, PyType, Ref, Signature, Slots, StaticType, Thread, TypeFlags, Value,
    class_of, int, protocol, str,
};

static BINDING: Binding<3> =
    Binding { function: "IsoCalendarDate()", names: ["year", "week", "weekday"], required: 3, positional: 3 };

static REDUCE: Signature = Signature::new("__reduce__", None, &[], "($self, /)");

static METHODS: [MethodDef; 1] = [MethodDef {
    name: "__reduce__",
    kind: MethodKind::Method,
    function: |thread, args| reduce(thread, args.this()),
    quick: None,
    signature: &REDUCE,
    doc: "__reduce__() -> (cls, state)",
}];

static ATTRIBUTES: [GetSetDef; 3] = [
    GetSetDef { name: "year", get: Some(|_, this| Ok(part(this, 0))), set: None, doc: "", member: false },
    GetSetDef { name: "week", get: Some(|_, this| Ok(part(this, 1))), set: None, doc: "", member: false },
    GetSetDef { name: "weekday", get: Some(|_, this| Ok(part(this, 2))), set: None, doc: "", member: false },
];

static PART: MethodPart = MethodPart {
    slots: Slots { tp_new: Some(construct), tp_repr: Some(repr), ..Slots::EMPTY },
    methods: &METHODS,
    getset: &ATTRIBUTES,
    construction: "",
};

static SPEC: TypeSpec = TypeSpec {
    name: "IsoCalendarDate",
    module: "datetime",
    doc: "The result of date.isocalendar() or datetime.isocalendar()\n\nThis object may be accessed either as a tuple of\n  ((year, week, weekday)\nor via the object attributes as named in the above tuple.",
    base: Some(PyTuple::static_type),
    layout: PyTuple::LAYOUT,
    flags: TypeFlags::IMMUTABLE,
    match_args: &[],
    quick: None,
    parts: &[&PART],
};

static CLASS: StaticType = StaticType::new(&SPEC);

fn part(this: Ref<'_>, i: usize) -> Value {
    this.downcast::<PyTuple>().and_then(|items| items.item(i)).map_or(Value::NONE, Ref::to_owned)
}

/// The tuple of these numbers.
pub(super) fn new(thread: &Thread, (year, week, weekday): Day) -> PyResult {
    let mut values = Vec::new();
    for number in [year, week, weekday] {
        values.push(int::new(thread, number.into())?);
    }
    Ok(tuple::subclass_object(thread, CLASS.get(), values)?.into_value())
}

fn construct(thread: &mut Thread, class: &Obj<PyType>, args: Args<'_>) -> PyResult {
    let values = BINDING.bind(&args)?;
    let values = values.into_iter().flatten().map(Ref::to_owned).collect();
    Ok(tuple::subclass_object(thread, class, values)?.into_value())
}

fn repr(thread: &mut Thread, this: Ref<'_>) -> PyResult {
    let mut shown = Vec::new();
    for i in 0..3 {
        let value = protocol::repr(thread, part(this, i).get())?;
        shown.push(value.get().downcast::<PyStr>().map_or_else(String::new, |text| str::display(text.get())));
    }
    let class = class_of(this).full_name();
    let [year, week, weekday] = [0, 1, 2].map(|i| shown.get(i).map_or("", String::as_str));
    str::new(thread, &format!("{class}(year={year}, week={week}, weekday={weekday})"))
}

/// It pickles as a plain tuple, since its class has no public name.
fn reduce(thread: &mut Thread, this: Ref<'_>) -> PyResult {
    let plain = tuple::new(thread, (0..3).map(|i| part(this, i)).collect())?.into_value();
    let args = tuple::of(thread, [plain])?;
    tuple::of(thread, [PyTuple::static_type().get().to_value(), args])
}
