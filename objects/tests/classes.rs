//! Classes made at run time: metaclass calls, MRO, slots, attributes, and that special methods and slots stay in step.

use orochi_core::thread::process_runtime;
use orochi_core::{Ref, Thread, Value};
use orochi_objects::types::{dict, object};
use orochi_objects::{PyClass, PyType, TypeExt, class_of, error::PyErr, int, protocol, str, tuple};

fn with_thread(test: impl FnOnce(&mut Thread)) {
    let Some(mut thread) = Thread::spawn_here(process_runtime(), 0) else { panic!("no memory") };
    test(&mut thread);
}

fn text(value: &Value) -> String {
    str::display(value.get())
}

fn message(thread: &mut Thread, error: PyErr) -> String {
    let value = error.into_value(thread);
    text(&protocol::str(thread, value.get()).unwrap())
}

fn class(thread: &mut Thread, name: &str, bases: &[&Value], items: &[(&str, Value)]) -> Result<Value, PyErr> {
    let bases = tuple::from_refs(thread, &bases.iter().map(|base| base.get()).collect::<Vec<_>>())?;
    let namespace = dict::new(thread)?;
    for (name, value) in items {
        let name = str::new(thread, name)?;
        dict::set_item(thread, &namespace, name.get(), value.clone())?;
    }
    let name = str::new(thread, name)?;
    protocol::call(thread, PyType::static_type().get().get(), &[name.get(), bases.get(), namespace.get()])
}

#[test]
fn instances_keep_attributes() {
    with_thread(|thread| {
        let c = class(thread, "C", &[], &[("x", int::new(thread, 1).unwrap())]).unwrap();
        assert_eq!(text(&protocol::repr(thread, c.get()).unwrap()), "<class 'C'>");
        let instance = protocol::call(thread, c.get(), &[]).unwrap();
        let x = protocol::get_attr_str(thread, instance.get(), "x").unwrap();
        assert_eq!(x.get().as_small_int(), Some(1));
        let two = int::new(thread, 2).unwrap();
        protocol::set_attr_str(thread, instance.get(), "x", two.get()).unwrap();
        protocol::set_attr_str(thread, c.get(), "y", two.get()).unwrap();
        for name in ["x", "y"] {
            let value = protocol::get_attr_str(thread, instance.get(), name).unwrap();
            assert_eq!(value.get().as_small_int(), Some(2));
        }
        let error = protocol::call(thread, c.get(), &[two.get()]).unwrap_err();
        assert_eq!(message(thread, error), "C() takes no arguments");
        let error = protocol::get_attr_str(thread, instance.get(), "z").unwrap_err();
        assert_eq!(message(thread, error), "'C' object has no attribute 'z'");
    });
}

#[test]
fn orders_are_linearised() {
    with_thread(|thread| {
        let a = class(thread, "A", &[], &[]).unwrap();
        let b = class(thread, "B", &[&a], &[]).unwrap();
        let c = class(thread, "C", &[&a], &[]).unwrap();
        let d = class(thread, "D", &[&b, &c], &[]).unwrap();
        let names: Vec<String> = d
            .get()
            .downcast::<PyType>()
            .unwrap()
            .mro(thread)
            .items()
            .map(|class| class.downcast::<PyType>().unwrap().name().into_owned())
            .collect();
        assert_eq!(names, ["D", "B", "C", "A", "object"]);
        let error = class(thread, "X", &[&a, &b], &[]).unwrap_err();
        assert_eq!(
            message(thread, error),
            "Cannot create a consistent method resolution order (MRO) for bases A, B"
        );
        let error = class(thread, "X", &[&a, &a], &[]).unwrap_err();
        assert_eq!(message(thread, error), "duplicate base class A");
        let bool_class = class_of(Ref::TRUE).to_value();
        let error = class(thread, "X", &[&bool_class], &[]).unwrap_err();
        assert_eq!(message(thread, error), "type 'bool' is not an acceptable base type");
        let (tuple, string) =
            (tuple::PyTuple::static_type().get().to_value(), str::PyStr::static_type().get().to_value());
        let error = class(thread, "X", &[&tuple, &string], &[]).unwrap_err();
        assert_eq!(message(thread, error), "multiple bases have instance lay-out conflict");
    });
}

#[test]
fn slots_take_places() {
    with_thread(|thread| {
        let slots =
            tuple::new(thread, vec![str::new(thread, "b").unwrap(), str::new(thread, "a").unwrap()]).unwrap();
        let c = class(thread, "C", &[], &[("__slots__", slots.into_value())]).unwrap();
        let empty = tuple::empty(thread).to_value();
        let d = class(thread, "D", &[&c], &[("__slots__", empty)]).unwrap();
        let instance = protocol::call(thread, d.get(), &[]).unwrap();
        let one = int::new(thread, 1).unwrap();
        protocol::set_attr_str(thread, instance.get(), "a", one.get()).unwrap();
        let a = protocol::get_attr_str(thread, instance.get(), "a").unwrap();
        assert!(a.get().is(one.get()));
        let error = protocol::get_attr_str(thread, instance.get(), "b").unwrap_err();
        assert_eq!(message(thread, error), "'D' object has no attribute 'b'");
        let error = protocol::set_attr_str(thread, instance.get(), "z", one.get()).unwrap_err();
        assert_eq!(
            message(thread, error),
            "'D' object has no attribute 'z' and no __dict__ for setting new attributes"
        );
    });
}

#[test]
fn special_methods_follow_assignment() {
    with_thread(|thread| {
        let base = class(thread, "Base", &[], &[]).unwrap();
        let c = class(thread, "C", &[&base], &[]).unwrap();
        let instance = protocol::call(thread, c.get(), &[]).unwrap();
        assert!(protocol::hash(thread, instance.get()).is_ok());
        protocol::set_attr_str(thread, base.get(), "__hash__", Ref::NONE).unwrap();
        let error = protocol::hash(thread, instance.get()).unwrap_err();
        assert_eq!(message(thread, error), "unhashable type: 'C'");
        let error = protocol::len(thread, instance.get()).unwrap_err();
        assert_eq!(message(thread, error), "object of type 'C' has no len()");
        // A class binds nothing: it is called without the instance.
        let string = str::PyStr::static_type().get();
        protocol::set_attr_str(thread, base.get(), "__call__", string.get()).unwrap();
        let empty = protocol::call(thread, instance.get(), &[]).unwrap();
        assert_eq!(text(&empty), "");
        assert!(object::is_plain(c.get().downcast::<PyType>().unwrap()));
        let wrapper = protocol::get_attr_str(thread, c.get(), "__repr__").unwrap();
        assert_eq!(
            text(&protocol::repr(thread, wrapper.get()).unwrap()),
            "<slot wrapper '__repr__' of 'object' objects>"
        );
        let shown = protocol::call(thread, wrapper.get(), &[instance.get()]).unwrap();
        assert!(text(&shown).starts_with("<C object at 0x"));
        let error = protocol::call(thread, wrapper.get(), &[]).unwrap_err();
        assert_eq!(message(thread, error), "descriptor '__repr__' of 'object' object needs an argument");
    });
}
