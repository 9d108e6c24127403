//! Structures: items, named fields, what constructors accept.

use orochi_core::thread::process_runtime;
use orochi_core::{Thread, Value};
use orochi_objects::{int, protocol, str, structseq};

structseq! {
    /// Two items, three fields.
    static POINT: "toys" "point" = "A point.", visible 2, flags(EMPTY), fallbacks &[(2, 1)], {
        "x" = "first",
        "" = "second",
        "y" = "the second again",
    }
}

#[test]
fn structures_have_items_and_fields() {
    let Some(mut thread) = Thread::spawn_here(process_runtime(), 0) else { panic!("no memory") };
    let thread = &mut *thread;
    let class = POINT.class(thread).unwrap();
    let numbers = [1, 2, 3].map(|n| int::new(thread, n).unwrap()).to_vec();
    let point = POINT.make(thread, numbers).unwrap();
    let show =
        |thread: &mut Thread, value: &Value| str::display(protocol::repr(thread, value.get()).unwrap().get());
    assert_eq!(show(thread, &point), "toys.point(x=1, y=2)");
    assert_eq!(protocol::len(thread, point.get()).unwrap(), 2);
    let y = protocol::get_attr_str(thread, point.get(), "y").unwrap();
    assert_eq!(y.get().as_small_int(), Some(3));
    let fields = protocol::get_attr_str(thread, class.get(), "n_fields");
    if let Ok(fields) = fields {
        assert_eq!(fields.get().as_small_int(), Some(3));
    }
    let wrong = protocol::call(thread, class.get(), &[]).unwrap_err().into_value(thread);
    let wrong = str::display(protocol::str(thread, wrong.get()).unwrap().get());
    assert_eq!(wrong, "structseq() missing required argument 'sequence' (pos 1)");
}
