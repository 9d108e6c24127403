//! Runs a file that imports nothing: `run FILE`. For measuring the loop alone.

use orochi_core::Thread;
use orochi_core::thread::process_runtime;
use orochi_macros::pyfunction;
use orochi_objects::args::ArgSlice;
use orochi_objects::error::PyResult;
use orochi_objects::types::dict::DictExt;
use orochi_objects::types::{dict, native_function};
use orochi_objects::{protocol, str};
use orochi_vm::Interpreter;

#[pyfunction]
#[signature(*args)]
fn print(thread: &mut Thread, args: ArgSlice<'_>) -> PyResult<()> {
    let mut line = Vec::new();
    for arg in args.iter() {
        let text = protocol::str(thread, arg)?;
        line.push(str::display(text.get()));
    }
    println!("{}", line.join(" "));
    Ok(())
}

#[pyfunction]
fn perf_counter(_thread: &mut Thread) -> f64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

fn run(thread: &mut Thread, source: &str, filename: &str) -> PyResult<()> {
    let interpreter = Interpreter::new(thread)?;
    orochi_vm::builtins::create(thread, &interpreter)?;
    let builtins = interpreter.builtins(thread)?;
    for function in [&__def_print, &__def_perf_counter] {
        let object = native_function::new(thread, function, None, None)?;
        builtins.set_str(thread, str::intern(thread, function.name)?, object)?;
    }
    let globals = dict::new(thread)?;
    let name = str::new(thread, "__main__")?;
    globals.set_str(thread, str::intern(thread, "__name__")?, name)?;
    interpreter.run_source(thread, source, filename, &globals)?;
    Ok(())
}

fn main() {
    let Some(path) = std::env::args().nth(1) else { return };
    let Ok(source) = std::fs::read_to_string(&path) else { return };
    let here = 0u8;
    let lowest = (&raw const here as usize).saturating_sub(7 << 20);
    let Some(mut thread) = Thread::spawn_here(process_runtime(), lowest) else { return };
    if let Err(error) = run(&mut thread, &source, &path) {
        let exception = error.into_value(&mut thread);
        let text = protocol::str(&mut thread, exception.get()).map(|text| str::display(text.get()));
        eprintln!("{}: {}", orochi_objects::class_of(exception.get()).name(), text.unwrap_or_default());
        std::process::exit(1);
    }
    orochi_objects::thread::ThreadState::detach(&thread);
}
