//! `Pickler`.

use super::memo::{PicklerMemoProxy, Seen, assign_seen};
use super::opcodes::{DEFAULT_PROTOCOL, HIGHEST_PROTOCOL};
use super::save::Saver;
use super::shared::{get_with_own, overriding, set_with_own};
use super::{Busy, PICKLING_ERROR};
use orochi_core::Owner;
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{attribute_error, overflow_error, type_error, value_error};
use orochi_objects::{
    Args, AtomicField, Field, Guarded, Obj, PyErr, PyResult, PyType, Ref, Thread, Value, alloc, class_of,
    int, make, name, protocol, str,
};

/// This takes a binary file for writing a pickle data stream.
///
/// The optional *protocol* argument tells the pickler to use the given
/// protocol; supported protocols are 0, 1, 2, 3, 4 and 5.  The default
/// protocol is 5. It was introduced in Python 3.8, and is incompatible
/// with previous versions.
///
/// Specifying a negative protocol version selects the highest protocol
/// version supported.  The higher the protocol used, the more recent the
/// version of Python needed to read the pickle produced.
///
/// The *file* argument must have a write() method that accepts a single
/// bytes argument. It can thus be a file object opened for binary
/// writing, an io.BytesIO instance, or any other custom object that meets
/// this interface.
///
/// If *fix_imports* is True and protocol is less than 3, pickle will try
/// to map the new Python 3 names to the old module names used in Python
/// 2, so that the pickle data stream is readable with Python 2.
///
/// If *buffer_callback* is None (the default), buffer views are
/// serialized into *file* as part of the pickle stream.
///
/// If *buffer_callback* is not None, then it can be called any number
/// of times with a buffer view.  If the callback returns a false value
/// (such as None), the given buffer is out-of-band; otherwise the
/// buffer is serialized in-band, i.e. inside the pickle stream.
///
/// It is an error if *buffer_callback* is not None and *protocol*
/// is None or smaller than 5.
#[pyclass(name = "Pickler", module = "_pickle", subclassable)]
#[derive(Trace)]
pub(super) struct Pickler {
    state: Guarded<State>,
    write: AtomicField,
    callback: AtomicField,
    table: AtomicField,
    /// A `persistent_id` that was assigned to the object.
    persistent_id: AtomicField,
    pub(super) busy: Busy,
}

/// What changes in a pickler.
#[derive(Trace)]
pub(super) struct State {
    pub(super) protocol: u8,
    pub(super) bin: i64,
    pub(super) fast: i64,
    pub(super) fix_imports: bool,
    pub(super) seen: Seen,
}

/// The options of a pickler, as arguments give them.
pub(super) struct Options {
    protocol: u8,
    fix_imports: bool,
}

impl Options {
    pub(super) fn new(
        thread: &mut Thread,
        protocol: Option<Ref<'_>>,
        fix_imports: bool,
        callback: Option<Ref<'_>>,
    ) -> PyResult<Options> {
        let mut number = DEFAULT_PROTOCOL;
        if let Some(protocol) = protocol.filter(|protocol| !protocol.is_none()) {
            number = int::index_clamped(thread, protocol)?;
            if number < 0 {
                number = HIGHEST_PROTOCOL;
            }
            if number > HIGHEST_PROTOCOL {
                return Err(value_error(format!("pickle protocol must be <= {HIGHEST_PROTOCOL}")));
            }
        }
        if callback.is_some_and(|callback| !callback.is_none()) && number < 5 {
            return Err(value_error("buffer_callback needs protocol >= 5"));
        }
        Ok(Options { protocol: number as u8, fix_imports: fix_imports && number < 3 })
    }
}

/// `file.write`.
pub(super) fn write_method(thread: &mut Thread, file: Ref<'_>) -> PyResult {
    match protocol::find_attr(thread, file, name!("write"))? {
        Some(write) => Ok(write),
        None => Err(type_error("file must have a 'write' attribute")),
    }
}

impl Pickler {
    pub(super) fn with<R>(
        this: &Obj<Self>,
        thread: &Thread,
        f: impl FnOnce(&mut State, Owner<'_>) -> R,
    ) -> R {
        this.state.with(this, thread, f)
    }

    fn blank() -> Pickler {
        let state = State {
            protocol: DEFAULT_PROTOCOL as u8,
            bin: 1,
            fast: 0,
            fix_imports: false,
            seen: Seen::default(),
        };
        Pickler {
            state: Guarded::new(state),
            write: AtomicField::empty(),
            callback: AtomicField::empty(),
            table: AtomicField::empty(),
            persistent_id: AtomicField::empty(),
            busy: Busy::new(),
        }
    }

    fn configure(
        this: &Obj<Self>,
        thread: &mut Thread,
        options: &Options,
        write: Option<Value>,
        callback: Option<Ref<'_>>,
    ) {
        Pickler::forget(this, thread);
        Pickler::with(this, thread, |state, _| {
            state.protocol = options.protocol;
            state.bin = i64::from(options.protocol > 0);
            state.fast = 0;
            state.fix_imports = options.fix_imports;
        });
        let callback = callback.filter(|callback| !callback.is_none()).map(Ref::to_owned);
        drop(this.callback.swap(this, thread, callback));
        drop(this.write.swap(this, thread, write));
    }

    /// Pickles an object without a Pickler that programs see.
    pub(super) fn pickle(
        thread: &mut Thread,
        object: Ref<'_>,
        options: &Options,
        write: Option<Value>,
        callback: Option<Ref<'_>>,
    ) -> PyResult<Vec<u8>> {
        let pickler = make(thread, Pickler::blank())?;
        Pickler::configure(&pickler, thread, options, write.clone(), callback);
        let (callback, table) = (pickler.callback.get(thread), None);
        Saver::new(thread, &pickler, write, callback, table, None, None).run(thread, object)
    }

    /// Empties the memo.
    pub(super) fn forget(this: &Obj<Self>, thread: &Thread) {
        let old = Pickler::with(this, thread, |state, _| std::mem::take(&mut state.seen));
        drop(old);
    }

    /// Notes an object, and gives its number.
    pub(super) fn remember(this: &Obj<Self>, thread: &Thread, object: Ref<'_>) -> usize {
        Pickler::with(this, thread, |state, owner| {
            let number = state.seen.objects.len();
            state.seen.numbers.insert(object.word(), number);
            state.seen.objects.push(owner.store(object.to_owned()));
            number
        })
    }

    /// An object's number, if it was pickled before.
    pub(super) fn number_of(this: &Obj<Self>, thread: &Thread, object: Ref<'_>) -> Option<usize> {
        Pickler::with(this, thread, |state, _| state.seen.numbers.get(&object.word()).copied())
    }

    fn check_idle(this: &Obj<Self>) -> PyResult<()> {
        this.busy.check("Pickler")
    }
}

/// The number that a program gives for `bin` or `fast`.
fn flag(value: Option<Ref<'_>>) -> PyResult<i64> {
    let Some(value) = value else { return Err(type_error("can't delete numeric/char attribute")) };
    let number = int::value(value).ok_or_else(|| type_error("an integer is required"))?;
    let number = number.to_i64().filter(|number| i32::try_from(*number).is_ok());
    number.ok_or_else(|| overflow_error("Python int too large to convert to C int"))
}

#[pymethods]
impl Pickler {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: Args<'_>) -> PyResult {
        Ok(alloc(thread, cls, Pickler::blank())?.into_value())
    }

    #[init]
    #[signature(file, protocol=None, fix_imports=true, buffer_callback=None)]
    fn init(
        thread: &mut Thread,
        this: &Obj<Self>,
        file: Ref<'_>,
        protocol: Option<Ref<'_>>,
        fix_imports: bool,
        buffer_callback: Option<Ref<'_>>,
    ) -> PyResult<()> {
        Pickler::check_idle(this)?;
        let options = Options::new(thread, protocol, fix_imports, buffer_callback)?;
        let write = write_method(thread, file)?;
        Pickler::configure(this, thread, &options, Some(write), buffer_callback);
        // A subclass may have a table for all its instances.
        if !orochi_objects::class::is_exact(this.get(), <Self as orochi_objects::PyClass>::static_type()) {
            drop(this.table.swap(this, thread, None));
            let table = protocol::find_attr(thread, this.get(), name!("dispatch_table"))?;
            drop(this.table.swap(this, thread, table));
        }
        Ok(())
    }

    /// Clears the pickler's "memo".
    ///
    /// The memo is the data structure that remembers which objects the
    /// pickler has already seen, so that shared or recursive objects are
    /// pickled by reference and not by value.  This method is useful when
    /// re-using picklers.
    fn clear_memo(thread: &mut Thread, this: &Obj<Self>) {
        Pickler::forget(this, thread);
    }

    /// Write a pickled representation of the given object to the open file.
    #[signature(obj, /)]
    fn dump(thread: &mut Thread, this: &Obj<Self>, obj: Ref<'_>) -> PyResult<()> {
        let Some(write) = this.write.get(thread) else {
            let class = class_of(this.get()).name();
            let text = format!("Pickler.__init__() was not called by {class}.__init__()");
            return Err(PyErr::with_message(&PICKLING_ERROR, text));
        };
        let _busy = this.busy.enter("Pickler")?;
        let method = protocol::get_attr(thread, this.get(), name!("persistent_id"))?;
        let persistent = overriding(method);
        let reducer = protocol::find_attr(thread, this.get(), name!("reducer_override"))?;
        let (callback, table) = (this.callback.get(thread), this.table.get(thread));
        let saver = Saver::new(thread, this, Some(write), callback, table, persistent, reducer);
        saver.run(thread, obj).map(drop)
    }

    #[signature(obj, /)]
    fn persistent_id(_this: &Obj<Self>, obj: Ref<'_>) {
        let _ = obj;
    }

    #[getter]
    fn memo(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let pickler = Field::new_local(this.to_value());
        Ok(make(thread, PicklerMemoProxy { pickler })?.into_value())
    }

    #[setter]
    fn set_memo(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        assign_seen(thread, this, value)
    }

    #[member]
    fn bin(thread: &mut Thread, this: &Obj<Self>) -> i64 {
        Pickler::with(this, thread, |state, _| state.bin)
    }

    #[setter]
    fn set_bin(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let value = flag(value)?;
        Pickler::with(this, thread, |state, _| state.bin = value);
        Ok(())
    }

    #[member]
    fn fast(thread: &mut Thread, this: &Obj<Self>) -> i64 {
        Pickler::with(this, thread, |state, _| state.fast)
    }

    #[setter]
    fn set_fast(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let value = flag(value)?;
        Pickler::with(this, thread, |state, _| state.fast = value);
        Ok(())
    }

    #[member]
    fn dispatch_table(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        match this.table.get(thread) {
            Some(table) => Ok(table),
            None => {
                let name = str::intern(thread, "dispatch_table")?;
                Err(attribute_error(this.get(), name.get()))
            }
        }
    }

    #[setter]
    fn set_dispatch_table(thread: &mut Thread, this: &Obj<Self>, value: Option<Ref<'_>>) -> PyResult<()> {
        let old = this.table.swap(this, thread, value.map(Ref::to_owned));
        if value.is_none() && old.is_none() {
            let name = str::intern(thread, "dispatch_table")?;
            return Err(attribute_error(this.get(), name.get()));
        }
        Ok(())
    }

    #[slot]
    fn tp_getattro(thread: &mut Thread, this: Ref<'_>, name: Ref<'_>) -> PyResult {
        let own = this.downcast::<Self>().map(|this| &this.persistent_id);
        get_with_own(thread, this, name, "persistent_id", own)
    }

    #[slot]
    fn tp_setattro(
        thread: &mut Thread,
        this: Ref<'_>,
        name: Ref<'_>,
        value: Option<Ref<'_>>,
    ) -> PyResult<()> {
        let own = this.downcast::<Self>().map(|this| (Owner::from(this), &this.persistent_id));
        set_with_own(thread, this, name, value, "persistent_id", own)
    }
}
