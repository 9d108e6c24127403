//! Quick ways of native functions: what the interpreter tries before it calls the function itself.
//!
//! A quick way does the commonest cases of a function and leaves everything else to it ([`Quick::OTHER`]). It raises nothing, runs no Python
//! code and reaches no safepoint, so it gets the arguments where they lie and may give back what it borrows.
//! A class may have one too (`#[pyclass(quick(path))]`), which takes nothing out of the registers.
//! `#[quick(path)]` below `#[pyfunction]`, or at a method in `#[pymethods]`, names it. A method's is called with an instance of exactly the class.

use orochi_core::value::take_register;
use orochi_core::word::{self, Word};
use orochi_core::{Ref, Thread, Value};
use std::marker::PhantomData;

/// A quick way.
pub type QuickFn = for<'a> fn(&'a mut Thread, Registers<'a>) -> Quick;

/// What came of a quick way.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Quick(Word);

impl Quick {
    /// Nothing has been done: the function is to be called.
    pub const OTHER: Quick = Quick(word::UNBOUND);
    /// None is the result.
    pub const NONE: Quick = Quick(word::NONE);

    /// A result.
    #[inline(always)]
    pub fn value(value: Value) -> Quick {
        Quick(value.into_word())
    }

    /// A result that is borrowed if it is shared.
    #[inline(always)]
    pub fn reference(value: Ref<'_>) -> Quick {
        Quick(value.register_word())
    }

    /// A bool.
    #[inline(always)]
    pub fn bool(value: bool) -> Quick {
        Quick(if value { word::TRUE } else { word::FALSE })
    }

    /// An int, if it is a small one.
    #[inline(always)]
    pub fn int(value: i64) -> Quick {
        word::from_int(value).map_or(Quick::OTHER, Quick)
    }

    /// A length.
    #[inline(always)]
    pub fn len(value: usize) -> Quick {
        i64::try_from(value).map_or(Quick::OTHER, Quick::int)
    }

    /// A register's word that was made for the result; UNBOUND for [`Quick::OTHER`].
    ///
    /// # Safety
    /// It is such a word, and in no register.
    #[inline(always)]
    pub unsafe fn from_word(word: Word) -> Quick {
        Quick(word)
    }

    /// What the quick way of a class makes of one argument; `None` for [`Quick::OTHER`].
    #[inline]
    pub fn of_one(thread: &mut Thread, quick: QuickFn, argument: Ref<'_>) -> Option<Value> {
        let mut word = argument.word();
        // SAFETY: the argument is the caller's, and nothing is to be emptied: quick ways of classes take no argument out.
        let made = unsafe { quick(thread, Registers::new(&raw mut word, 1)) }.into_word();
        // SAFETY: made for a register just now.
        (made != word::UNBOUND).then(|| unsafe { take_register(made) })
    }

    /// The word for the result's register; UNBOUND for [`Quick::OTHER`].
    #[inline(always)]
    pub fn into_word(self) -> Word {
        self.0
    }
}

/// The positional arguments of a call, a method's receiver first, in the registers of the caller.
#[derive(Clone, Copy)]
pub struct Registers<'a> {
    start: *mut Word,
    n: usize,
    _rooted: PhantomData<&'a Word>,
}

impl<'a> Registers<'a> {
    /// Arguments that lie in registers.
    ///
    /// # Safety
    /// `n` words from `start` on are valid, not UNBOUND, and the caller empties what is left in them.
    #[inline(always)]
    pub unsafe fn new(start: *mut Word, n: usize) -> Registers<'a> {
        Registers { start, n, _rooted: PhantomData }
    }

    /// The number of arguments.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are none.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// An argument.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<Ref<'a>> {
        // SAFETY: within the arguments; there is no safepoint while they are used (module).
        (i < self.n).then(|| unsafe { Ref::from_word(*self.start.add(i)) })
    }

    /// The arguments if there are exactly `N`.
    #[inline(always)]
    pub fn exactly<const N: usize>(&self) -> Option<[Ref<'a>; N]> {
        // SAFETY: as in `get`.
        (self.n == N).then(|| std::array::from_fn(|i| unsafe { Ref::from_word(*self.start.add(i)) }))
    }

    /// Takes the last argument out of its register.
    ///
    /// # Safety
    /// What was got of it before is not used afterwards.
    #[inline(always)]
    pub unsafe fn take_last(self) -> Option<Value> {
        let last = self.n.checked_sub(1)?;
        // SAFETY: within the arguments.
        unsafe {
            let word = std::mem::replace(&mut *self.start.add(last), word::UNBOUND);
            (word != word::UNBOUND).then(|| take_register(word))
        }
    }
}
