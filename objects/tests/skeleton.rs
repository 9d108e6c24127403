//! The smallest things: immediates, strs, tuples, classes that come to life, exceptions.

use orochi_core::thread::process_runtime;
use orochi_core::{Ref, Thread, Value};
use orochi_objects::{PyClass, PyType, TypeExt, class_of, error, int, protocol, str, tuple};

fn text(value: &Value) -> String {
    str::display(value.get())
}

#[test]
fn objects_live_and_die() {
    let Some(mut thread) = Thread::spawn_here(process_runtime(), 0) else { panic!("no memory") };
    let thread = &mut *thread;
    let one = int::new(thread, 1).unwrap();
    let big = int::new(thread, i64::MAX).unwrap();
    assert_eq!(text(&protocol::repr(thread, one.get()).unwrap()), "1");
    assert_eq!(text(&protocol::repr(thread, big.get()).unwrap()), i64::MAX.to_string());
    let items = vec![one, big, str::new(thread, "grüße").unwrap(), Value::NONE];
    let items = tuple::new(thread, items).unwrap();
    assert_eq!(protocol::len(thread, items.get()).unwrap(), 4);
    let object = PyType::static_type().get();
    assert_eq!(text(&protocol::repr(thread, class_of(items.get()).get()).unwrap()), "<class 'tuple'>");
    assert!(class_of(object.get()).is_subtype_of(PyType::static_type().get()));
    let name = protocol::get_attr_str(thread, object.get(), "nothing").unwrap_err();
    assert!(name.matches(&orochi_objects::types::exception::AttributeError));
    let error = error::value_error("bad").into_value(thread);
    assert_eq!(text(&protocol::str(thread, error.get()).unwrap()), "bad");
    let flag = protocol::call(thread, class_of(Ref::TRUE).get(), &[items.get()]).unwrap();
    assert!(flag.get().is(Ref::TRUE));
}
