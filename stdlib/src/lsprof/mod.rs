//! `_lsprof`: the profiler behind `cProfile`, a tool of `sys.monitoring`.
//!
//! It is told of calls and returns on all threads. What is counted is in `record.rs`.

mod record;

use crate::sys::monitoring;
use crate::time::{Rounding, duration};
use orochi_core::sync::{AtomicU8, AtomicU64, Ordering};
use orochi_macros::{Trace, pyclass, pymethods, pymodule};
use orochi_objects::class::is_exact;
use orochi_objects::error::runtime_error;
use orochi_objects::finalize::unraisable;
use orochi_objects::monitoring::Event;
use orochi_objects::types::method_descriptor::PyMethodDescriptor;
use orochi_objects::types::native_function::{self, PyNativeFunction};
use orochi_objects::types::{float, list};
use orochi_objects::{
    AtomicField, Guarded, IntoPy, ModuleExt, Obj, PyClass, PyModule, PyResult, PyType, Ref, Thread, TypeExt,
    Value, alloc, class_of, int, name, protocol, str, structseq,
};
use record::{Record, Totals};
use std::time::Instant;

structseq! {
    /// A function that was called.
    static ENTRY: "_lsprof" "profiler_entry" = "",
    visible 6, flags(EMPTY), fallbacks &[], {
        "code" = "code object or built-in function name",
        "callcount" = "how many times this was called",
        "reccallcount" = "how many times called recursively",
        "totaltime" = "total time in this entry",
        "inlinetime" = "inline time in this entry (not in subcalls)",
        "calls" = "details of the calls",
    }
}

structseq! {
    /// A function that another one called.
    static SUBENTRY: "_lsprof" "profiler_subentry" = "",
    visible 5, flags(EMPTY), fallbacks &[], {
        "code" = "called code object or built-in function name",
        "callcount" = "how many times this is called",
        "reccallcount" = "how many times this is called recursively",
        "totaltime" = "total time spent in this call",
        "inlinetime" = "inline time (not in further subcalls)",
    }
}

/// The tool that profilers are.
const TOOL: i32 = 2;
const SUBCALLS: u8 = 1;
const BUILTINS: u8 = 2;
const ENABLED: u8 = 4;

/// Build a profiler object using the specified timer function.
///
/// The default timer is a fast built-in one based on real time.
/// For custom timer functions returning integers, 'timeunit' can
/// be a float specifying a scale (that is, how long each integer unit
/// is, in seconds).
#[pyclass(name = "Profiler", module = "_lsprof", subclassable)]
#[derive(Trace)]
struct Profiler {
    timer: AtomicField,
    /// The bits of a float; 0.0: the timer gives seconds.
    unit: AtomicU64,
    /// Relaxed: they stand alone.
    flags: AtomicU8,
    record: Guarded<Record>,
    #[trace(unsafe_skip)]
    start: Instant,
}

/// The events, and which method is told of each.
const CALLBACKS: [(Event, &str); 9] = [
    (Event::Start, "_pystart_callback"),
    (Event::Resume, "_pystart_callback"),
    (Event::Throw, "_pythrow_callback"),
    (Event::Return, "_pyreturn_callback"),
    (Event::Yield, "_pyreturn_callback"),
    (Event::Unwind, "_pyreturn_callback"),
    (Event::Call, "_ccall_callback"),
    (Event::CReturn, "_creturn_callback"),
    (Event::CRaise, "_creturn_callback"),
];

/// What a code object is known by, which the record keeps.
fn code_key(code: Ref<'_>) -> usize {
    code.header().map_or(0, |header| std::ptr::from_ref(header) as usize)
}

/// What a native function is known by, if it is one that is counted.
fn native_key(callee: Ref<'_>, argument: Ref<'_>) -> Option<usize> {
    let definition = if is_exact(callee, PyNativeFunction::static_type()) {
        callee.downcast::<PyNativeFunction>()?.definition()
    } else {
        let method = callee.downcast::<PyMethodDescriptor>()?;
        // Without an object of its class the call can only fail.
        let owner = method.owner().downcast::<PyType>()?;
        if !class_of(argument).is_subtype_of(owner) {
            return None;
        }
        method.definition()
    };
    Some(std::ptr::from_ref(definition) as usize)
}

/// The description of a native function.
fn native_name(thread: &mut Thread, callee: Ref<'_>) -> PyResult {
    let Some(function) = callee.downcast::<PyNativeFunction>() else {
        return protocol::repr(thread, callee).and_then(|text| str::new(thread, &str::display(text.get())));
    };
    let called = function.definition().name;
    let receiver = native_function::receiver_of(function).map(Ref::to_owned);
    let module = protocol::find_attr(thread, callee, name!("__module__"))?;
    let module = module.filter(|module| !module.get().is_none()).map(|module| str::display(module.get()));
    if let Some(receiver) = receiver.filter(|receiver| receiver.get().downcast::<PyModule>().is_none()) {
        let class = class_of(receiver.get()).to_owned();
        let interned = str::intern(thread, called)?;
        if let Some(found) = class.lookup(thread, interned).map(Ref::to_owned)
            && let Ok(text) = protocol::repr(thread, found.get())
        {
            return Ok(text);
        }
    }
    let text = match module {
        Some(module) => format!("<built-in method {module}.{called}>"),
        None => format!("<built-in method {called}>"),
    };
    str::new(thread, &text)
}

impl Profiler {
    fn has(&self, flag: u8) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    fn set(&self, flag: u8, on: bool) {
        if on {
            self.flags.fetch_or(flag, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!flag, Ordering::Relaxed);
        }
    }

    fn unit(&self) -> f64 {
        f64::from_bits(self.unit.load(Ordering::Relaxed))
    }

    fn with<R>(this: &Obj<Self>, thread: &Thread, f: impl FnOnce(&mut Record, u64) -> R) -> R {
        let me = thread.shared().id();
        this.record.with(this, thread, |record, _| f(record, me))
    }

    /// The time now.
    fn now(thread: &mut Thread, this: &Obj<Self>) -> i64 {
        let Some(timer) = this.timer.get(thread) else {
            return i64::try_from(this.start.elapsed().as_nanos()).unwrap_or(i64::MAX);
        };
        let was = Self::with(this, thread, |record, me| record.set_in_timer(me, true));
        let time = Self::ask(thread, this, timer.get());
        Self::with(this, thread, |record, me| record.set_in_timer(me, was));
        time.unwrap_or_else(|error| {
            let shown = protocol::repr(thread, timer.get());
            let shown = shown.map_or_else(|_| "<timer>".to_owned(), |text| str::display(text.get()));
            let message = format!("Exception ignored while calling _lsprof timer {shown}");
            unraisable(thread, error, Some(&message), Ref::NONE);
            0
        })
    }

    fn ask(thread: &mut Thread, this: &Obj<Self>, timer: Ref<'_>) -> PyResult<i64> {
        let time = protocol::call(thread, timer, &[])?;
        if this.unit() > 0.0 {
            return int::index_clamped(thread, time.get());
        }
        duration(thread, time.get(), Rounding::Floor)
    }

    /// A call begins.
    fn enter(
        thread: &mut Thread,
        this: &Obj<Self>,
        key: usize,
        about: impl FnOnce(&mut Thread) -> PyResult,
    ) -> PyResult<()> {
        if !Self::with(this, thread, |record, _| record.knows(key)) {
            let about = about(thread)?;
            drop(this.record.with(this, thread, |record, owner| record.add(key, about, owner)));
        }
        let apart = this.has(SUBCALLS);
        Self::with(this, thread, |record, me| record.enter(me, key, apart));
        let now = Self::now(thread, this);
        Self::with(this, thread, |record, me| record.starts(me, now));
        Ok(())
    }

    /// A call ends. Nothing is known of calls that began before the profiler did.
    fn leave(thread: &mut Thread, this: &Obj<Self>, key: usize) {
        if Self::with(this, thread, |record, me| record.is_open(me, key)) {
            let now = Self::now(thread, this);
            Self::with(this, thread, |record, me| record.leave(me, key, now));
        }
    }

    fn enter_code(thread: &mut Thread, this: &Obj<Self>, code: Ref<'_>) -> PyResult<()> {
        Self::enter(thread, this, code_key(code), |_| Ok(code.to_owned()))
    }

    fn enter_native(
        thread: &mut Thread,
        this: &Obj<Self>,
        callee: Ref<'_>,
        argument: Ref<'_>,
    ) -> PyResult<()> {
        match native_key(callee, argument) {
            Some(key) if this.has(BUILTINS) => {
                Self::enter(thread, this, key, |thread| native_name(thread, callee))
            }
            _ => Ok(()),
        }
    }

    fn check_timer(thread: &Thread, this: &Obj<Self>, what: &str) -> PyResult<()> {
        match Self::with(this, thread, |record, me| record.is_in_timer(me)) {
            true => Err(runtime_error(format!("cannot {what} profiler in external timer"))),
            false => Ok(()),
        }
    }

    /// What is open ends now, whoever opened it.
    fn close_all(thread: &mut Thread, this: &Obj<Self>) {
        let me = thread.shared().id();
        while Self::with(this, thread, |record, me| record.has_open(me)) {
            let now = Self::now(thread, this);
            Self::with(this, thread, |record, me| record.close(me, now));
        }
        for other in Self::with(this, thread, |record, _| record.busy()).into_iter().filter(|id| *id != me) {
            let now = Self::now(thread, this);
            Self::with(this, thread, |record, _| while record.close(other, now).is_some() {});
        }
    }

    fn stop(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        if this.has(ENABLED) {
            monitoring::free_tool(thread, TOOL)?;
            Self::close_all(thread, this);
            this.set(ENABLED, false);
        }
        Ok(())
    }
}

#[pymethods]
impl Profiler {
    #[new]
    #[no_text_signature]
    #[signature(*args, **kwargs)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, args: orochi_objects::Args) -> PyResult {
        let _ = args;
        let made = Profiler {
            timer: AtomicField::empty(),
            unit: AtomicU64::new(0),
            flags: AtomicU8::new(SUBCALLS | BUILTINS),
            record: Guarded::new(Record::default()),
            start: Instant::now(),
        };
        Ok(alloc(thread, cls, made)?.into_value())
    }

    #[init]
    #[signature(timer=None, timeunit=0.0, subcalls=True, builtins=True)]
    fn init(
        thread: &mut Thread,
        this: &Obj<Self>,
        timer: Option<Ref<'_>>,
        timeunit: f64,
        subcalls: bool,
        builtins: bool,
    ) {
        drop(this.timer.swap(this, thread, timer.map(Ref::to_owned)));
        this.unit.store(timeunit.to_bits(), Ordering::Relaxed);
        this.set(SUBCALLS, subcalls);
        this.set(BUILTINS, builtins);
    }

    /// Start collecting profiling information.
    ///
    ///   subcalls
    ///     If True, also records for each function
    ///     statistics separated according to its current caller.
    ///   builtins
    ///     If True, records the time spent in
    ///     built-in functions separately from their caller.
    #[signature(subcalls=True, builtins=True)]
    fn enable(thread: &mut Thread, this: &Obj<Self>, subcalls: bool, builtins: bool) -> PyResult<()> {
        this.set(SUBCALLS, subcalls);
        this.set(BUILTINS, builtins);
        let name = str::new(thread, "cProfile")?;
        monitoring::use_tool(thread, TOOL, name.get())?;
        let mut events = 0;
        for (event, method) in CALLBACKS {
            let callback = protocol::get_attr_str(thread, this.get(), method)?;
            let bit = event.bit().cast_signed();
            drop(monitoring::set_callback(thread, TOOL, bit, Some(callback))?);
            events |= bit;
        }
        this.set(ENABLED, true);
        monitoring::set_events_everywhere(thread, TOOL, events)
    }

    /// Stop collecting profiling information.
    fn disable(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        Profiler::check_timer(thread, this, "disable")?;
        Profiler::stop(thread, this)
    }

    /// Clear all profiling information collected so far.
    fn clear(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        Profiler::check_timer(thread, this, "clear")?;
        drop(Profiler::with(this, thread, |record, _| std::mem::take(record)));
        Ok(())
    }

    /// list of profiler_entry objects.
    ///
    /// getstats() -> list of profiler_entry objects
    ///
    /// Return all information collected by the profiler.
    /// Each profiler_entry is a tuple-like object with the
    /// following attributes:
    ///
    ///     code          code object
    ///     callcount     how many times this was called
    ///     reccallcount  how many times called recursively
    ///     totaltime     total time in this entry
    ///     inlinetime    inline time in this entry (not in subcalls)
    ///     calls         details of the calls
    ///
    /// The calls attribute is either None or a list of
    /// profiler_subentry objects:
    ///
    ///     code          called code object
    ///     callcount     how many times this is called
    ///     reccallcount  how many times this is called recursively
    ///     totaltime     total time spent in this call
    ///     inlinetime    inline time (not in further subcalls)
    fn getstats(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let unit = if this.unit() > 0.0 && !this.timer.is_empty() { this.unit() } else { 1e-9 };
        let rows = Profiler::with(this, thread, |record, _| record.rows());
        let mut entries = Vec::with_capacity(rows.len());
        for (about, totals, callees) in rows {
            let mut calls = Vec::with_capacity(callees.len());
            for (about, totals) in callees {
                let values = values(thread, about, totals, unit)?;
                calls.push(SUBENTRY.make(thread, values)?);
            }
            let mut values = values(thread, about, totals, unit)?;
            values.push(if calls.is_empty() { Value::NONE } else { list::new(thread, calls)?.into_value() });
            entries.push(ENTRY.make(thread, values)?);
        }
        Ok(list::new(thread, entries)?.into_value())
    }

    #[signature(code, instruction_offset, /)]
    fn _pystart_callback(
        thread: &mut Thread,
        this: &Obj<Self>,
        code: Ref<'_>,
        instruction_offset: Ref<'_>,
    ) -> PyResult<()> {
        let _ = instruction_offset;
        Profiler::enter_code(thread, this, code)
    }

    #[signature(code, instruction_offset, exception, /)]
    fn _pythrow_callback(
        thread: &mut Thread,
        this: &Obj<Self>,
        code: Ref<'_>,
        instruction_offset: Ref<'_>,
        exception: Ref<'_>,
    ) -> PyResult<()> {
        let _ = (instruction_offset, exception);
        Profiler::enter_code(thread, this, code)
    }

    #[signature(code, instruction_offset, retval, /)]
    fn _pyreturn_callback(
        thread: &mut Thread,
        this: &Obj<Self>,
        code: Ref<'_>,
        instruction_offset: Ref<'_>,
        retval: Ref<'_>,
    ) {
        let _ = (instruction_offset, retval);
        Profiler::leave(thread, this, code_key(code));
    }

    #[signature(code, instruction_offset, callable, self_arg, /)]
    fn _ccall_callback(
        thread: &mut Thread,
        this: &Obj<Self>,
        code: Ref<'_>,
        instruction_offset: Ref<'_>,
        callable: Ref<'_>,
        self_arg: Ref<'_>,
    ) -> PyResult<()> {
        let _ = (code, instruction_offset);
        Profiler::enter_native(thread, this, callable, self_arg)
    }

    #[signature(code, instruction_offset, callable, self_arg, /)]
    fn _creturn_callback(
        thread: &mut Thread,
        this: &Obj<Self>,
        code: Ref<'_>,
        instruction_offset: Ref<'_>,
        callable: Ref<'_>,
        self_arg: Ref<'_>,
    ) {
        let _ = (code, instruction_offset);
        if let Some(key) = native_key(callable, self_arg).filter(|_| this.has(BUILTINS)) {
            Profiler::leave(thread, this, key);
        }
    }
}

/// What an entry begins with.
fn values(thread: &mut Thread, about: Value, totals: Totals, unit: f64) -> PyResult<Vec<Value>> {
    Ok(vec![
        about,
        totals.calls.into_py(thread)?,
        totals.recursive.into_py(thread)?,
        float::new(thread, totals.total as f64 * unit)?,
        float::new(thread, totals.inline as f64 * unit)?,
    ])
}

/// Fast profiler
#[pymodule(name = "_lsprof", classes(Profiler))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for sequence in [&ENTRY, &SUBENTRY] {
        let class = sequence.class(thread)?;
        module.add(thread, &class.name(), class.to_value())?;
    }
    Ok(())
}
