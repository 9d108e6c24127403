//! Coroutines: where they were made (`cr_origin`).

use orochi_core::{Ref, Thread, Value};
use orochi_objects::error::PyResult;
use orochi_objects::thread::ThreadState;
use orochi_objects::types::{generator, tuple};

/// Records the call stack of a new coroutine if `sys.set_coroutine_origin_tracking_depth` asks for it.
pub(super) fn record_origin(thread: &mut Thread, coroutine: Ref<'_>) -> PyResult<()> {
    let depth = ThreadState::of(thread).coroutine_origin_depth as usize;
    if depth == 0 {
        return Ok(());
    }
    let mut places = Vec::new();
    for frame in ThreadState::of(thread).frames.iter().skip(1).take(depth) {
        let code = frame.code();
        places.push((code.filename().to_owned(), code.line_of(frame.instruction()), code.name().to_owned()));
    }
    let mut rows = Vec::new();
    for (file, line, name) in places {
        let line = Value::small_int(i64::from(line)).unwrap_or(Value::NONE);
        rows.push(tuple::new(thread, vec![file, line, name])?.into_value());
    }
    let origin = tuple::new(thread, rows)?.into_value();
    if let Some(state) = generator::as_generator(coroutine) {
        generator::PyGenerator::set_origin(state, thread, origin);
    }
    Ok(())
}
