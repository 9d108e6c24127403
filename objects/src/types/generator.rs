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
//! 2. A suspended generator owns what its registers hold.

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
use orochi_core::sync::{AtomicU8, AtomicU32, Ordering};
use orochi_core::value::take_register;
use orochi_core::word::{self, Word};
use orochi_core::{AtomicField, Field, Obj, Owned, Ref, Thread, Value};
use orochi_macros::{Trace, pyclass};

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
#[pyclass(name = "generator", no_new, weakref)]
#[derive(Trace)]
#[repr(C)]
pub struct PyGenerator {
    state: AtomicU8,
    flags: AtomicU8,
    /// Word index at which it goes on.
    pc: AtomicU32,
    function: Field,
    registers: Box<[Field]>,
    /// The exception it handles.
    handled: Field,
    name: AtomicField,
    qualname: AtomicField,
    /// Its frame object, if someone asked for it.
    frame: AtomicField,
    /// Asynchronous generators: the finalizer hook. Coroutines: `cr_origin`.
    pub(crate) extra: AtomicField,
}

/// coroutine object
#[pyclass(name = "coroutine", no_new, weakref)]
#[derive(Trace)]
#[repr(C)]
pub struct PyCoroutine {
    inner: PyGenerator,
}

/// async generator object
#[pyclass(name = "async_generator", no_new, weakref)]
#[derive(Trace)]
#[repr(C)]
pub struct PyAsyncGenerator {
    inner: PyGenerator,
}

/// The state of a generator, coroutine or asynchronous generator.
#[inline]
pub fn as_generator(object: Ref<'_>) -> Option<&Obj<PyGenerator>> {
    let class = object.header()?.class();
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
        crate::state::with_thread(|thread| {
            if let Some(frame) = self.frame_object(thread) {
                frame.forget_generator();
            }
        });
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
    let fields: Box<[Field]> = (0..code.n_registers())
        .map(|i| {
            // SAFETY: as the caller promises.
            let word = std::mem::replace(unsafe { &mut *registers.add(i) }, word::UNBOUND);
            if word == word::UNBOUND {
                return Field::empty();
            }
            // SAFETY: a register's word that was taken out of it.
            Field::new_local(unsafe { take_register(word) })
        })
        .collect();
    let inner = PyGenerator {
        state: AtomicU8::new(CREATED),
        flags: AtomicU8::new(0),
        pc: AtomicU32::new(pc),
        registers: fields,
        handled: Field::empty(),
        name: AtomicField::new_local(function.name(thread)),
        qualname: AtomicField::new_local(function.qualname(thread)),
        function: Field::new_local(function.to_value()),
        frame: AtomicField::empty(),
        extra: AtomicField::empty(),
    };
    if code.has_flags(flags::COROUTINE) {
        Ok(crate::make(thread, PyCoroutine { inner })?.into_value())
    } else if code.has_flags(flags::ASYNC_GENERATOR) {
        Ok(crate::make(thread, PyAsyncGenerator { inner })?.into_value())
    } else {
        Ok(crate::make(thread, inner)?.into_value())
    }
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
        for (i, field) in self.registers.iter().enumerate() {
            // SAFETY: as the caller promises.
            unsafe { *registers.add(i) = field.take_for_register() };
        }
    }

    /// Moves the registers back; they are empty then.
    ///
    /// # Safety
    /// This thread runs the generator; `registers` are its registers.
    #[inline(always)]
    pub unsafe fn save(this: &Obj<Self>, registers: *mut Word) {
        if this.header().is_shared() {
            // SAFETY: as the caller promises.
            return unsafe { Self::save_shared(this, registers) };
        }
        for (i, field) in this.registers.iter().enumerate() {
            // SAFETY: as the caller promises; the fields are empty while the generator runs.
            unsafe {
                let word = std::mem::replace(&mut *registers.add(i), word::UNBOUND);
                field.init_from_register(word);
            }
        }
    }

    /// # Safety
    /// As [`PyGenerator::save`].
    #[inline(never)]
    unsafe fn save_shared(this: &Obj<Self>, registers: *mut Word) {
        let owner = Owner::of(this.header());
        for (i, field) in this.registers.iter().enumerate() {
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
        for field in &self.registers {
            drop(field.replace(Field::empty()));
        }
    }

    /// A register of a suspended generator.
    pub fn register<'a>(&'a self, thread: &'a Thread, i: usize) -> Option<Ref<'a>> {
        self.registers.get(i)?.load(thread)
    }

    /// Replaces a register of a suspended generator; gives the old value.
    pub fn set_register(this: &Obj<Self>, i: usize, value: Option<Value>) -> Option<Value> {
        let field = Owner::of(this.header()).store_option(value);
        this.registers.get(i)?.replace(field).into_value()
    }

    /// What it delegates to: the iterator of a `yield from` or `await` at which it waits.
    pub fn delegate(&self, thread: &Thread) -> Option<Value> {
        if self.state() != SUSPENDED {
            return None;
        }
        let code = self.function().code(thread);
        let word = Instruction(*code.code.words.get(self.pc() as usize)?);
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
