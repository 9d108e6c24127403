//! The state that generators, coroutines and asynchronous generators share: a suspended frame.
//!
//! | state | registers | who may change it |
//! |---|---|---|
//! | CREATED, SUSPENDED | owned by this object, published if it is shared | whoever moves it to RUNNING |
//! | RUNNING | on the register stack of the thread that runs it | that thread |
//! | FINISHED | empty | nobody |
//!
//! What must hold:
//! 1. Only one thread at a time moves a generator from CREATED or SUSPENDED to RUNNING; while it is RUNNING the other
//!    fields belong to that thread.
//! 2. A suspended generator owns what its registers hold. They lie behind the rest of the object; only the first `live` of
//!    them can hold something.
//! 3. The code is that with which the generator was made: the function keeps it, also when it gets other code.

pub mod asynchronous;
pub mod methods;
pub mod wrapper;

use crate::class::{PyClass, StaticType};
use crate::error::PyResult;
use crate::types::code::PyCode;
use crate::types::frame::PyFrame;
use crate::types::function::PyFunction;
use orochi_compiler::code::flags;
use orochi_compiler::opcode::{Op, Word as Instruction};
use orochi_core::field::Owner;
use orochi_core::object::Tail;
use orochi_core::sync::{AtomicU8, AtomicU16, AtomicU32, Ordering};
use orochi_core::value::take_register;
use orochi_core::word::{self, Word};
use orochi_core::{AtomicField, Field, Header, Layout, Obj, Owned, Payload, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass};
use std::ptr::NonNull;

/// A generator that has not started.
pub const CREATED: u8 = 0;
/// A generator that waits at a `yield`.
pub const SUSPENDED: u8 = 1;
/// A generator whose frame is active.
pub const RUNNING: u8 = 2;
/// A generator that has ended.
pub const FINISHED: u8 = 3;

/// Flag of an asynchronous generator: its hooks were called.
pub const HOOKS_DONE: u8 = 1;
/// Flag of an asynchronous generator: `aclose` ended it.
pub const CLOSED: u8 = 2;
/// Flag of an asynchronous generator: an `asend`, `athrow` or `aclose` is under way.
pub const ASYNC_RUNNING: u8 = 4;
/// Flag of a coroutine: something awaits it or has sent to it.
pub const AWAITED: u8 = 8;

/// generator object
#[pyclass(name = "generator", no_new, weakref, unsafe_layout = Layout::of::<PyGenerator>().with_tail(size), generic)]
#[derive(Trace)]
#[repr(C)]
pub struct PyGenerator {
    state: AtomicU8,
    flags: AtomicU8,
    /// Registers from here on are empty (invariant 2).
    live: AtomicU16,
    /// Word index at which it goes on.
    pc: AtomicU32,
    /// See invariant 3.
    #[trace(unsafe_skip)]
    code: NonNull<Obj<PyCode>>,
    function: Field,
    /// The exception it handles.
    handled: Field,
    name: AtomicField,
    qualname: AtomicField,
    /// Its frame object, if someone asked for it.
    frame: AtomicField,
    /// Asynchronous generators: the finalizer hook. Coroutines: `cr_origin`.
    pub(crate) extra: AtomicField,
    registers: Tail<Field>,
}

/// coroutine object
#[pyclass(name = "coroutine", no_new, weakref, unsafe_layout = Layout::of::<PyCoroutine>().with_tail(size), generic)]
#[derive(Trace)]
#[repr(C)]
pub struct PyCoroutine {
    inner: PyGenerator,
}

/// async generator object
#[pyclass(name = "async_generator", no_new, weakref, unsafe_layout = Layout::of::<PyAsyncGenerator>().with_tail(size), generic)]
#[derive(Trace)]
#[repr(C)]
pub struct PyAsyncGenerator {
    inner: PyGenerator,
}

/// The size of an object of one of the three classes.
unsafe fn size(object: NonNull<Header>) -> usize {
    // SAFETY: called for live objects of the three classes, which have the same memory.
    unsafe { object.cast::<Obj<PyGenerator>>().as_ref() }.registers.size_with::<PyGenerator>()
}

/// The state of a generator, coroutine or asynchronous generator.
#[inline]
pub fn as_generator(object: Ref<'_>) -> Option<&Obj<PyGenerator>> {
    let class = object.on_heap()?.class();
    let matches = std::ptr::eq(class, PyGenerator::static_type().address())
        || std::ptr::eq(class, PyCoroutine::static_type().address())
        || std::ptr::eq(class, PyAsyncGenerator::static_type().address());
    // SAFETY: the three classes can't be subclassed and have the same memory.
    matches.then(|| unsafe { object.cast() })
}

/// Whether the object is exactly a generator.
#[inline(always)]
pub fn is_plain_generator(object: Ref<'_>) -> bool {
    crate::class::is_exact(object, PyGenerator::static_type())
}

/// Whether the object is a coroutine.
#[inline(always)]
pub fn is_coroutine(object: Ref<'_>) -> bool {
    crate::class::is_exact(object, PyCoroutine::static_type())
}

/// Whether the object is an asynchronous generator.
#[inline(always)]
pub fn is_async(object: Ref<'_>) -> bool {
    crate::class::is_exact(object, PyAsyncGenerator::static_type())
}

impl Drop for PyGenerator {
    fn drop(&mut self) {
        // A frame object that somebody keeps must not look for this generator any more.
        if !self.frame.is_empty() {
            crate::state::with_thread(|thread| {
                if let Some(frame) = self.frame_object(thread) {
                    frame.forget_generator();
                }
            });
        }
    }
}

/// The generator of a call of a generator function; what lies in `registers` moves to it.
///
/// # Safety
/// `registers` are the code's registers, on this thread's register stack; they are emptied.
pub unsafe fn new(
    thread: &mut Thread,
    function: &Obj<PyFunction>,
    code: &Obj<PyCode>,
    registers: *mut Word,
    pc: u32,
) -> PyResult<Value> {
    // SAFETY: the classes' payloads are these, with the tail at the end; as the caller promises.
    unsafe {
        if code.has_flags(flags::COROUTINE) {
            allocate(thread, function, code, registers, pc, |inner| PyCoroutine { inner })
        } else if code.has_flags(flags::ASYNC_GENERATOR) {
            allocate(thread, function, code, registers, pc, |inner| PyAsyncGenerator { inner })
        } else {
            allocate(thread, function, code, registers, pc, |inner| inner)
        }
    }
}

/// # Safety
/// As [`new`]; `wrap` gives the payload of a generator's class.
unsafe fn allocate<T: Payload + PyClass>(
    thread: &mut Thread,
    function: &Obj<PyFunction>,
    code: &Obj<PyCode>,
    registers: *mut Word,
    pc: u32,
    wrap: impl FnOnce(PyGenerator) -> T,
) -> PyResult<Value> {
    let n = code.n_registers();
    // SAFETY: the code's registers.
    let live = unsafe { live_registers(registers, n) };
    let (name, qualname) = (function.name(thread), function.qualname(thread));
    let payload = |registers| {
        wrap(PyGenerator {
            state: AtomicU8::new(CREATED),
            flags: AtomicU8::new(0),
            live: AtomicU16::new(live as u16),
            pc: AtomicU32::new(pc),
            code: NonNull::from(code),
            function: Field::new_local(function.to_value()),
            handled: Field::empty(),
            name: AtomicField::new_local(name),
            qualname: AtomicField::new_local(qualname),
            frame: AtomicField::empty(),
            extra: AtomicField::empty(),
            registers,
        })
    };
    let fill = |i| {
        if i >= live {
            return Field::empty();
        }
        // SAFETY: one of the code's registers, whose word is taken out of it.
        unsafe {
            let word = std::mem::replace(&mut *registers.add(i), word::UNBOUND);
            if word == word::UNBOUND { Field::empty() } else { Field::new_local(take_register(word)) }
        }
    };
    let class = NonNull::from(T::static_type().get()).cast();
    // SAFETY: the class's layout is the payload's; the tail goes last; a new object is local.
    let made = unsafe { orochi_core::alloc::allocate_with_tail::<T, Field>(thread, class, n, payload, fill) };
    Ok(made.ok_or_else(crate::error::memory_error)?.into_value())
}

/// How many registers there are up to the last that holds something.
///
/// # Safety
/// `registers` are `n` valid words.
#[inline(always)]
unsafe fn live_registers(registers: *const Word, n: usize) -> usize {
    let mut live = n;
    // SAFETY: as the caller promises.
    while live > 0 && unsafe { *registers.add(live - 1) } == word::UNBOUND {
        live -= 1;
    }
    live
}

impl PyGenerator {
    /// The state, which may be old by the time it is looked at if the generator is shared.
    #[inline(always)]
    pub fn state(&self) -> u8 {
        self.state.load(Ordering::Acquire)
    }

    /// Moves to RUNNING (invariant 1); `Err` with the state if it is RUNNING or FINISHED.
    #[inline(always)]
    pub fn start(this: &Obj<Self>) -> Result<u8, u8> {
        // Acquire pairs with the Release in `set_state`: the registers are visible.
        let seen = this.state.load(Ordering::Acquire);
        if seen >= RUNNING {
            return Err(seen);
        }
        if this.header().is_shared() {
            return this.state.compare_exchange(seen, RUNNING, Ordering::Acquire, Ordering::Acquire);
        }
        this.state.store(RUNNING, Ordering::Relaxed);
        Ok(seen)
    }

    /// Ends RUNNING. Only the thread that runs the generator calls this.
    #[inline(always)]
    pub fn set_state(&self, state: u8) {
        self.state.store(state, Ordering::Release);
    }

    /// The function.
    #[inline(always)]
    pub fn function(&self) -> &Obj<PyFunction> {
        // SAFETY: set to a function where generators are made.
        unsafe { self.function.fixed_unchecked().cast() }
    }

    /// The code.
    #[inline(always)]
    pub fn code(&self) -> &Obj<PyCode> {
        // SAFETY: kept by the function (invariant 3).
        unsafe { self.code.as_ref() }
    }

    /// Word index at which it goes on.
    #[inline(always)]
    pub fn pc(&self) -> u32 {
        self.pc.load(Ordering::Relaxed)
    }

    /// Sets where it goes on.
    #[inline(always)]
    pub fn set_pc(&self, pc: u32) {
        self.pc.store(pc, Ordering::Relaxed);
    }

    /// How many registers it has.
    #[inline(always)]
    pub fn n_registers(&self) -> usize {
        self.registers.len()
    }

    /// Moves the registers to the register stack.
    ///
    /// # Safety
    /// This thread moved the generator to RUNNING; `registers` has room and is empty.
    #[inline(always)]
    pub unsafe fn restore(&self, registers: *mut Word) {
        let live = usize::from(self.live.load(Ordering::Relaxed));
        for i in 0..live {
            // SAFETY: as the caller promises; there are not more live fields than fields.
            unsafe { *registers.add(i) = self.registers.as_slice().get_unchecked(i).take_for_register() };
        }
    }

    /// Moves the registers back; they are empty then.
    ///
    /// # Safety
    /// This thread runs the generator; `registers` are its registers.
    #[inline(always)]
    pub unsafe fn save(this: &Obj<Self>, registers: *mut Word) {
        // SAFETY: as the caller promises.
        let live = unsafe { live_registers(registers, this.registers.len()) };
        this.live.store(live as u16, Ordering::Relaxed);
        if this.header().is_shared() {
            // SAFETY: as the caller promises.
            return unsafe { Self::save_shared(this, registers, live) };
        }
        for i in 0..live {
            // SAFETY: as the caller promises; the fields are empty while the generator runs.
            unsafe {
                let word = std::mem::replace(&mut *registers.add(i), word::UNBOUND);
                this.registers.as_slice().get_unchecked(i).init_from_register(word);
            }
        }
    }

    /// # Safety
    /// As [`PyGenerator::save`].
    #[inline(never)]
    unsafe fn save_shared(this: &Obj<Self>, registers: *mut Word, live: usize) {
        let owner = Owner::of(this.header());
        for (i, field) in this.registers.as_slice().iter().enumerate().take(live) {
            // SAFETY: as the caller promises.
            unsafe {
                let word = std::mem::replace(&mut *registers.add(i), word::UNBOUND);
                if word != word::UNBOUND {
                    std::mem::forget(field.replace(owner.store(take_register(word))));
                }
            }
        }
    }

    /// Takes the exception it handles.
    #[inline(always)]
    pub fn take_handled(&self) -> Option<Value> {
        if self.handled.is_empty() { None } else { self.handled.replace(Field::empty()).into_value() }
    }

    /// Keeps the exception it handles.
    #[inline(always)]
    pub fn keep_handled(this: &Obj<Self>, handled: Value) {
        // The place is empty while the generator runs.
        this.handled.init(Owner::of(this.header()).store(handled));
    }

    /// Drops whatever the registers hold; for a generator that is closed before it started.
    pub fn clear(&self) {
        for field in self.registers.as_slice() {
            drop(field.replace(Field::empty()));
        }
    }

    /// A register of a suspended generator.
    pub fn register<'a>(&'a self, thread: &'a Thread, i: usize) -> Option<Ref<'a>> {
        self.registers.as_slice().get(i)?.load(thread)
    }

    /// Replaces a register of a suspended generator; gives the old value. A generator that runs is left alone.
    pub fn set_register(this: &Obj<Self>, i: usize, value: Option<Value>) -> Option<Value> {
        // Nobody resumes it meanwhile (invariant 1).
        let state = Self::start(this).ok()?;
        let field = Owner::of(this.header()).store_option(value);
        let mut old = None;
        if let Some(register) = this.registers.as_slice().get(i) {
            old = register.replace(field).into_value();
            let live = this.live.load(Ordering::Relaxed).max(i as u16 + 1);
            this.live.store(live, Ordering::Relaxed);
        }
        this.set_state(state);
        old
    }

    /// What it delegates to: the iterator of a `yield from` or `await` at which it waits.
    pub fn delegate(&self, thread: &Thread) -> Option<Value> {
        if self.state() != SUSPENDED {
            return None;
        }
        let word = Instruction(*self.code().code.words.get(self.pc() as usize)?);
        if Op::from_byte(word.op_byte()) != Some(Op::Delegate) {
            return None;
        }
        self.register(thread, usize::from(word.b())).map(Ref::to_owned)
    }

    /// Whether a flag is set.
    pub fn has_flag(&self, flag: u8) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    /// Sets a flag; whether it was clear.
    pub fn set_flag(&self, flag: u8) -> bool {
        self.flags.fetch_or(flag, Ordering::AcqRel) & flag == 0
    }

    /// Clears a flag.
    pub fn clear_flag(&self, flag: u8) {
        self.flags.fetch_and(!flag, Ordering::AcqRel);
    }

    /// Whether there is a frame object.
    #[inline(always)]
    pub fn has_frame_object(&self) -> bool {
        !self.frame.is_empty()
    }

    /// The frame object, if there is one.
    pub fn frame_object(&self, thread: &Thread) -> Option<Owned<PyFrame>> {
        self.frame.get(thread)?.downcast().ok()
    }

    /// Sets the frame object.
    pub fn set_frame_object(this: &Obj<Self>, thread: &mut Thread, frame: Option<Value>) {
        drop(this.frame.swap(this, thread, frame));
    }

    /// `__name__`.
    pub fn name(&self, thread: &Thread) -> Value {
        self.name.get(thread).unwrap_or(Value::NONE)
    }

    /// `__qualname__`.
    pub fn qualname(&self, thread: &Thread) -> Value {
        self.qualname.get(thread).unwrap_or(Value::NONE)
    }

    /// What it is called in messages.
    pub fn kind(object: Ref<'_>) -> &'static str {
        if is_coroutine(object) {
            "coroutine"
        } else if is_plain_generator(object) {
            "generator"
        } else {
            "async generator"
        }
    }

    /// Sets `cr_origin`.
    pub fn set_origin(this: &Obj<Self>, thread: &mut Thread, origin: Value) {
        drop(this.extra.swap(this, thread, Some(origin)));
    }

    /// The class for messages about its kind.
    pub fn static_class() -> &'static StaticType {
        PyGenerator::static_type()
    }
}
