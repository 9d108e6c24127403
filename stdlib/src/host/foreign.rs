//! Foreign code and memory: libraries loaded by name, memory by address, calls and callbacks through libffi.
//!
//! Whoever uses an address answers for it, as in C: nothing here can know what lies there. That is why most of it is
//! `unsafe` to call.

use libffi::low::{CodePtr, ffi_cif};
use libffi::middle::{Arg, Cif, Closure, Ret, Type};
use orochi_core::{Recall, Thread, racy};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::ptr::NonNull;

/// Room for a value, aligned for whatever it may be.
pub(crate) type Room = Vec<u128>;

/// Zeroed room for `size` bytes, and for a whole register.
pub(crate) fn room(size: usize) -> Room {
    vec![0; size.max(1).div_ceil(size_of::<u128>())]
}

/// How a small whole number fills a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// It is none, or not smaller.
    Whole,
    Signed,
    Unsigned,
}

/// The type of an argument or of a result.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub(crate) shape: Type,
    pub(crate) size: usize,
    pub(crate) align: usize,
    pub(crate) fill: Fill,
}

/// Zeroed memory, aligned for whatever it holds. It is known by its address only: foreign code writes there.
#[derive(Debug)]
pub(crate) struct Block(NonNull<u8>, Layout);

// SAFETY: the memory is reached through its address, with the caller's word for it.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Block {
    pub(crate) fn new(size: usize) -> Option<Block> {
        let layout = Layout::from_size_align(size.max(1), align_of::<u128>()).ok()?;
        // SAFETY: the size isn't zero.
        NonNull::new(unsafe { alloc_zeroed(layout) }).map(|place| Block(place, layout))
    }

    pub(crate) fn address(&self) -> usize {
        self.0.as_ptr().expose_provenance()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.0.as_ptr(), self.1) };
    }
}

/// What a function takes and gives.
#[derive(Debug)]
pub(crate) struct Signature {
    cif: Cif,
    pub(crate) arguments: Vec<usize>,
    pub(crate) result: Kind,
}

impl Signature {
    /// `None` if libffi doesn't know such a call. Arguments from `fixed` on are those behind the dots.
    pub(crate) fn new(arguments: &[Kind], fixed: Option<usize>, result: Kind) -> Option<Signature> {
        let shapes = arguments.iter().map(|kind| kind.shape.clone()).collect::<Vec<_>>();
        let cif = match fixed {
            Some(fixed) => Cif::try_new_variadic(shapes, fixed, result.shape.clone()),
            None => Cif::try_new(shapes, result.shape.clone()),
        };
        Some(Signature {
            cif: cif.ok()?,
            arguments: arguments.iter().map(|kind| kind.size).collect(),
            result,
        })
    }
}

thread_local! {
    /// The call of foreign code that this OS thread is in; none while a callback runs Python.
    static CURRENT: Cell<Option<NonNull<Recall>>> = const { Cell::new(None) };
    /// The errno that foreign calls see, apart from the one of the interpreter's own.
    static ERRNO: Cell<c_int> = const { Cell::new(0) };
}

#[cfg(any(target_os = "linux", target_os = "emscripten"))]
fn errno() -> *mut c_int {
    // SAFETY: gives the address of the thread's variable.
    unsafe { libc::__errno_location() }
}

#[cfg(any(target_os = "macos", target_os = "ios", target_os = "freebsd"))]
fn errno() -> *mut c_int {
    // SAFETY: gives the address of the thread's variable.
    unsafe { libc::__error() }
}

#[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
fn errno() -> *mut c_int {
    // SAFETY: gives the address of the thread's variable.
    unsafe { libc::__errno() }
}

/// Exchanges the thread's errno and the copy for foreign calls.
fn swap_errno() {
    let place = errno();
    // SAFETY: the thread's own variable, which always exists.
    ERRNO.set(unsafe { std::mem::replace(&mut *place, ERRNO.get()) });
}

/// The copy of errno, and another in its place.
pub(crate) fn replace_errno(number: c_int) -> c_int {
    ERRNO.replace(number)
}

pub(crate) fn last_errno() -> c_int {
    ERRNO.get()
}

/// Calls the function at an address, detached; `result` has room for what it gives.
///
/// # Safety
/// There is such a function, and it takes and does what the caller wants.
pub(crate) unsafe fn call(
    thread: &mut Thread,
    (address, signature): (usize, &Signature),
    arguments: &[Room],
    result: &mut Room,
    with_errno: bool,
) {
    let places = arguments.iter().map(|room| Arg::new(room.as_slice())).collect::<Vec<_>>();
    let function = CodePtr::from_ptr(std::ptr::with_exposed_provenance(address));
    Recall::detached(thread, |recall| {
        let outer = CURRENT.replace(Some(NonNull::from(recall)));
        if with_errno {
            swap_errno();
        }
        // SAFETY: the caller's; arguments and result have the sizes of the signature.
        unsafe { signature.cif.call_return_into(function, &places, Ret::new(result.as_mut_slice())) };
        if with_errno {
            swap_errno();
        }
        CURRENT.set(outer);
    });
}

/// What a callback runs: it is given the arguments' bytes and leaves the result's.
pub(crate) type Answer = fn(&mut Thread, u64, Vec<Vec<u8>>) -> Vec<u8>;

/// What a callback runs, and what that is told: the key; and whether it sees the errno that the foreign code left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    pub(crate) answer: Answer,
    pub(crate) key: u64,
    pub(crate) with_errno: bool,
}

/// A function that foreign code may call.
#[derive(Debug)]
struct Thunk {
    task: Task,
    arguments: Vec<usize>,
    result: (usize, Fill),
}

/// Code at an address of its own that runs a thunk.
#[derive(Debug)]
pub(crate) struct Callback {
    closure: Option<Closure<'static>>,
    thunk: NonNull<Thunk>,
}

// SAFETY: nothing changes after it was made.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Callback {
    /// `None` if there is no memory for code.
    pub(crate) fn new(signature: Signature, task: Task) -> Option<Callback> {
        let result = (signature.result.size, signature.result.fill);
        let thunk = Box::leak(Box::new(Thunk { task, arguments: signature.arguments, result }));
        let mut callback = Callback { closure: None, thunk: NonNull::from(&mut *thunk) };
        callback.closure = Some(Closure::try_new(signature.cif, enter, thunk).ok()?);
        Some(callback)
    }

    /// Where the code is.
    pub(crate) fn address(&self) -> usize {
        self.closure.as_ref().map_or(0, |closure| *closure.code_ptr() as *const c_void as usize)
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        // The code first, which refers to the thunk.
        self.closure = None;
        // SAFETY: it came from a box, and nobody refers to it any more.
        drop(unsafe { Box::from_raw(self.thunk.as_ptr()) });
    }
}

/// What the code of every callback runs.
unsafe extern "C" fn enter(_cif: &ffi_cif, result: &mut u8, arguments: *const *const c_void, thunk: &Thunk) {
    let result = std::ptr::from_mut(result);
    // Once Python code runs, the callback may be freed.
    let (task, kind) = (thunk.task, thunk.result);
    // A callback that comes while this one runs Python code, from a signal's handler say, must not be let in: the thread is in use.
    let bytes = match CURRENT.take() {
        Some(recall) => {
            let copies = thunk.arguments.iter().enumerate().map(|(i, &size)| {
                // SAFETY: libffi gives as many addresses of arguments as the signature has, each of the type there.
                unsafe { std::slice::from_raw_parts((*arguments.add(i)).cast::<u8>(), size).to_vec() }
            });
            let copies = copies.collect();
            let bytes = keeping_errno(task.with_errno, || {
                // SAFETY: the call that came last on this thread has not ended, and it waits for this function to return.
                unsafe { recall.as_ref().run(|thread| (task.answer)(thread, task.key, copies)) }
            });
            CURRENT.set(Some(recall));
            bytes
        }
        None => {
            eprintln!(
                "orochi: a callback was called where no foreign call of Python's is under way; it gives zero"
            );
            Vec::new()
        }
    };
    answer(&bytes, kind, result);
}

/// Runs `f`, which leaves the thread's errno to the foreign code around it as it is; `shown` lets Python code see and change it.
fn keeping_errno<R>(shown: bool, f: impl FnOnce() -> R) -> R {
    if shown {
        swap_errno();
        let result = f();
        swap_errno();
        return result;
    }
    let place = errno();
    // SAFETY: the thread's own variable, which always exists.
    let kept = unsafe { *place };
    let result = f();
    // SAFETY: as above.
    unsafe { *place = kept };
    result
}

/// Leaves the result of a callback where libffi wants it: small numbers fill a register.
fn answer(bytes: &[u8], (size, fill): (usize, Fill), result: *mut u8) {
    let value = bytes.iter().take(size).rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    let unused = 64 - 8 * size.min(8) as u32;
    let whole = match fill {
        Fill::Signed => ((value << unused) as i64 >> unused).to_ne_bytes(),
        Fill::Unsigned => value.to_ne_bytes(),
        Fill::Whole => {
            // Zero if there is no answer.
            // SAFETY: libffi has room for the result.
            unsafe {
                result.write_bytes(0, size);
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), result, size.min(bytes.len()));
            }
            return;
        }
    };
    // SAFETY: libffi has room for a whole register.
    unsafe { std::ptr::copy_nonoverlapping(whole.as_ptr(), result, whole.len().min(size_of::<usize>())) };
}

/// What the loader said last; empty if it didn't say anything.
fn loader_error() -> String {
    // SAFETY: a string that stays until the loader is asked for the next one.
    unsafe {
        let text = libc::dlerror();
        if text.is_null() { String::new() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
    }
}

/// Loads a library; without a name it is the program itself.
pub(crate) fn open(name: Option<&CStr>, mode: c_int) -> Result<usize, String> {
    // SAFETY: a library's own initialization is trusted, as its functions are.
    let handle = unsafe { libc::dlopen(name.map_or(std::ptr::null(), CStr::as_ptr), mode | libc::RTLD_NOW) };
    if handle.is_null() { Err(loader_error()) } else { Ok(handle as usize) }
}

/// The address of a name in a library. The error's text is empty if the loader has an address, which is null.
///
/// # Safety
/// `handle` is one that [`open`] gave.
pub(crate) unsafe fn symbol(handle: usize, name: &CStr) -> Result<usize, String> {
    // SAFETY: the caller's.
    let address = unsafe { libc::dlsym(std::ptr::with_exposed_provenance_mut(handle), name.as_ptr()) };
    if address.is_null() { Err(loader_error()) } else { Ok(address as usize) }
}

/// Gives a library up.
///
/// # Safety
/// `handle` is one that [`open`] gave, and nothing of the library is used any more.
pub(crate) unsafe fn close(handle: usize) -> Result<(), String> {
    // SAFETY: the caller's.
    let failed = unsafe { libc::dlclose(std::ptr::with_exposed_provenance_mut(handle)) };
    if failed == 0 { Ok(()) } else { Err(loader_error()) }
}

/// Copies bytes from an address.
///
/// # Safety
/// There are as many.
pub(crate) unsafe fn read(address: usize, into: &mut [u8]) {
    // SAFETY: the caller's; other threads come to this memory in the same way, or are foreign code.
    unsafe { racy::read(std::ptr::with_exposed_provenance(address), into) };
}

/// Copies bytes to an address.
///
/// # Safety
/// There is room for them.
pub(crate) unsafe fn write(address: usize, bytes: &[u8]) {
    // SAFETY: as above.
    unsafe { racy::write(std::ptr::with_exposed_provenance_mut(address), bytes) };
}

/// The bytes up to the first zero.
///
/// # Safety
/// There is one.
pub(crate) unsafe fn string(address: usize) -> Vec<u8> {
    // SAFETY: as above.
    unsafe {
        let mut bytes = vec![0; racy::length(std::ptr::with_exposed_provenance(address))];
        read(address, &mut bytes);
        bytes
    }
}
