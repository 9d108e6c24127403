//! Binding the arguments of a call to the parameters of a Python function, in place.
//!
//! The arguments lie where the callee's registers begin: the positional ones, then the values of keyword arguments. When
//! binding succeeds the registers hold the parameters; when it fails they are empty.

mod errors;

use super::cursor::register_word;
use super::frames::USUAL_SIZE;
use orochi_compiler::code::flags;
use orochi_core::value::take_register;
use orochi_core::word::{self, Word};
use orochi_core::{Field, Obj, Ref, Thread, Value};
use orochi_objects::error::PyResult;
use orochi_objects::types::code::PyCode;
use orochi_objects::types::dict::{DictExt, PyDict};
use orochi_objects::types::function::PyFunction;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::types::{dict, tuple};

/// Arguments on their way to parameters.
struct Binding<'a> {
    thread: &'a mut Thread,
    function: &'a Obj<PyFunction>,
    code: &'a Obj<PyCode>,
    registers: *mut Word,
}

/// Binds `positional` arguments and those named by `names` (whose values follow).
///
/// # Safety
/// The words from `registers` on are these arguments, then empty ones up to the code's number of registers.
pub(super) unsafe fn bind(
    thread: &mut Thread,
    function: &Obj<PyFunction>,
    code: &Obj<PyCode>,
    registers: *mut Word,
    positional: usize,
    names: Option<&Obj<PyTuple>>,
) -> PyResult<()> {
    let keywords = names.map_or(0, |names| names.len());
    // Code that takes that many positional arguments without binding them is ready.
    let ready = code.ready(thread);
    let mut binding = Binding { thread, function, code, registers };
    let result = if ready.is_err() {
        ready
    } else if keywords == 0 && binding.takes_positional(positional) {
        binding.fill_defaults(positional)
    } else if names.is_none() && binding.code.has_flags(flags::VARARGS) && positional >= binding.argcount() {
        binding.surplus(positional)
    } else {
        match names.and_then(|names| binding.by_name(positional, names)) {
            Some(result) => result,
            None => binding.general(positional, names),
        }
    };
    if result.is_err() {
        super::frames::clear_registers(registers, code.n_registers().max(positional + keywords));
    }
    result
}

/// Binds arguments, those named by `names` behind the positional ones, if that is quickly done. `false` if there is more to it: nothing
/// has been done then. If all is well, the code is ready. Doesn't look at the first `positional` registers.
///
/// # Safety
/// As [`bind`].
#[inline(always)]
pub(super) unsafe fn bind_if_simple(
    thread: &Thread,
    function: &Obj<PyFunction>,
    code: &Obj<PyCode>,
    registers: *mut Word,
    positional: usize,
    names: Option<&Obj<PyTuple>>,
) -> bool {
    // SAFETY: as the caller promises.
    unsafe {
        match names {
            None if code.simple_argcount().is_some() => {
                fill_defaults_quickly(thread, function, code, registers, positional)
            }
            None => bind_quickly(thread, function, code, registers, positional, &[]),
            Some(names) => bind_quickly(thread, function, code, registers, positional, names.fields()),
        }
    }
}

/// Binds `given` positional arguments if all that takes is to fill in defaults. `false` if there is more to it: nothing has been done
/// then. If all is well, the code is ready.
///
/// # Safety
/// As [`bind`].
#[inline(always)]
unsafe fn fill_defaults_quickly(
    thread: &Thread,
    function: &Obj<PyFunction>,
    code: &Obj<PyCode>,
    registers: *mut Word,
    given: usize,
) -> bool {
    let Some(missing) = code.simple_argcount().and_then(|argcount| argcount.checked_sub(given)) else {
        return false;
    };
    let Some(defaults) = function.defaults(thread) else { return false };
    let Some(first) = defaults.len().checked_sub(missing) else { return false };
    for (i, default) in defaults.fields()[first..].iter().enumerate() {
        // SAFETY: a parameter's register, which is empty.
        unsafe { *registers.add(given + i) = default.load_register(thread) };
    }
    true
}

/// Binds `given` positional arguments if they fill all positional parameters, `*args` takes the rest, and nothing else has to be filled in.
/// `false` if there is more to it, or no memory: nothing has been done then.
///
/// # Safety
/// As [`bind`].
#[inline(never)]
pub(super) unsafe fn bind_surplus(
    thread: &mut Thread,
    function: &Obj<PyFunction>,
    code: &Obj<PyCode>,
    registers: *mut Word,
    given: usize,
) -> bool {
    let usual = code.has_flags(flags::VARARGS) && code.has_flags(flags::NEWLOCALS);
    if !usual || code.ready(thread).is_err() || code.n_registers() > USUAL_SIZE {
        return false;
    }
    let mut binding = Binding { thread, function, code, registers };
    binding.kwonly() == 0 && given >= binding.argcount() && binding.surplus(given).is_ok()
}

/// How many keyword arguments, or keyword-only parameters without arguments, are bound quickly.
const FEW: usize = 8;

/// Binds arguments if all that takes is to move keyword arguments to their places, and to fill in defaults. `false` if there is more
/// to it: nothing has been done then. If all is well, the code is ready.
///
/// # Safety
/// As [`bind`].
#[inline(never)]
unsafe fn bind_quickly(
    thread: &Thread,
    function: &Obj<PyFunction>,
    code: &Obj<PyCode>,
    registers: *mut Word,
    positional: usize,
    names: &[Field],
) -> bool {
    let Some((argcount, keyword_only)) = code.simple_parameters() else { return false };
    let count = argcount + keyword_only;
    let Some(parameters) = code.usual_parameter_names().get(..count) else { return false };
    if count >= 32 || names.len() > FEW || positional > argcount || positional + names.len() > count {
        return false;
    }
    let mut places = [0u8; FEW];
    // A bit for each parameter that has its argument.
    let mut filled = (1u32 << positional) - 1;
    let mut in_place = true;
    for (i, name) in names.iter().enumerate() {
        let next = positional + i;
        // Names are interned.
        let is_it = |i: &usize| parameters[*i].word() == name.word();
        let place = if is_it(&next) { Some(next) } else { (positional..count).find(is_it) };
        let Some(place) = place.filter(|place| filled & (1 << place) == 0) else { return false };
        in_place &= place == next;
        places[i] = place as u8;
        filled |= 1 << place;
    }
    let missing = ((1u32 << argcount) - 1) & !filled;
    let keywords = ((1u32 << count) - 1) & !filled & !missing;
    let defaults = if keywords == 0 {
        [None; FEW]
    } else {
        let Some(defaults) = keyword_defaults(thread, function, code, keywords) else { return false };
        defaults
    };
    // SAFETY: registers of the callee; each keyword has a place of its own.
    unsafe {
        let can_fill = missing == 0 || can_fill(thread, function, argcount, missing);
        if !can_fill || !names.is_empty() && !may_name(code, positional) {
            return false;
        }
        if !in_place {
            let mut values = [word::UNBOUND; FEW];
            for (i, value) in values.iter_mut().enumerate().take(names.len()) {
                *value = std::mem::replace(&mut *registers.add(positional + i), word::UNBOUND);
            }
            for (place, value) in places.iter().zip(values).take(names.len()) {
                *registers.add(usize::from(*place)) = value;
            }
        }
        if missing != 0 {
            fill(thread, function, registers, argcount, missing);
        }
        for (default, place) in defaults.into_iter().flatten().zip(places_of(keywords)) {
            *registers.add(place) = register_word(default);
        }
    }
    true
}

/// The places whose bits are set.
#[inline]
fn places_of(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros() as usize;
        bits &= bits.checked_sub(1)?;
        Some(place)
    })
}

/// The defaults of these keyword-only parameters, a bit for each; `None` if there are too many of them, or one has none.
#[inline(never)]
fn keyword_defaults<'a>(
    thread: &'a Thread,
    function: &'a Obj<PyFunction>,
    code: &Obj<PyCode>,
    missing: u32,
) -> Option<[Option<Ref<'a>>; FEW]> {
    let defaults = function.kwdefaults(thread)?;
    let mut found = [None; FEW];
    if missing.count_ones() as usize > FEW {
        return None;
    }
    for (default, place) in found.iter_mut().zip(places_of(missing)) {
        *default = Some(defaults.get_str(thread, code.parameter_name(place))?);
    }
    Some(found)
}

/// Whether all parameters behind the positional arguments may be named.
#[inline(always)]
fn may_name(code: &Obj<PyCode>, positional: usize) -> bool {
    code.code.facts().posonlyargcount as usize <= positional
}

/// Whether there are defaults for these parameters, a bit for each.
#[inline(always)]
fn can_fill(thread: &Thread, function: &Obj<PyFunction>, argcount: usize, missing: u32) -> bool {
    let defaults = function.defaults(thread).map_or(0, |defaults| defaults.len());
    argcount.checked_sub(defaults).is_some_and(|required| missing & ((1 << required) - 1) == 0)
}

/// Fills in the defaults of these parameters.
///
/// # Safety
/// There are such defaults, and the registers are the callee's and empty.
#[inline(always)]
unsafe fn fill(
    thread: &Thread,
    function: &Obj<PyFunction>,
    registers: *mut Word,
    argcount: usize,
    missing: u32,
) {
    let defaults = function.defaults(thread).map_or(&[][..], |defaults| defaults.fields());
    let first = argcount - defaults.len().min(argcount);
    for (i, default) in defaults.iter().enumerate() {
        if missing & (1 << (first + i)) != 0 {
            // SAFETY: as the caller promises.
            unsafe { *registers.add(first + i) = default.load_register(thread) };
        }
    }
}

impl Binding<'_> {
    fn argcount(&self) -> usize {
        self.code.code.facts().argcount as usize
    }

    fn kwonly(&self) -> usize {
        self.code.code.facts().kwonlyargcount as usize
    }

    /// Whether the arguments are in their places already.
    fn takes_positional(&self, positional: usize) -> bool {
        let open = flags::VARARGS | flags::VARKEYWORDS;
        positional <= self.argcount() && self.code.code.facts().flags & open == 0
    }

    fn word(&self, i: usize) -> Word {
        // SAFETY: a register of the callee.
        unsafe { *self.registers.add(i) }
    }

    /// Fills an empty register.
    fn put(&mut self, i: usize, value: Value) {
        // SAFETY: a register of the callee, empty.
        unsafe { *self.registers.add(i) = value.into_word() }
    }

    fn take(&mut self, i: usize) -> Value {
        let word = self.word(i);
        if word == word::UNBOUND {
            return Value::NONE;
        }
        // SAFETY: an argument's word, which is emptied.
        unsafe {
            *self.registers.add(i) = word::UNBOUND;
            take_register(word)
        }
    }

    fn parameter(&self, i: usize) -> &Obj<PyStr> {
        self.code.parameter_name(i)
    }

    /// Positional arguments for all positional parameters, the rest of which `*args` takes. Without memory nothing has been done.
    fn surplus(&mut self, positional: usize) -> PyResult<()> {
        let argcount = self.argcount();
        let keywords = self.code.has_flags(flags::VARKEYWORDS).then(|| dict::new(self.thread)).transpose()?;
        let thread: &Thread = self.thread;
        let (registers, place) = (self.registers, argcount + self.kwonly());
        let rest = tuple::build(thread, positional - argcount, |i| {
            // SAFETY: an argument's word, which is emptied.
            unsafe {
                let word = std::mem::replace(&mut *registers.add(argcount + i), word::UNBOUND);
                if word == word::UNBOUND { Value::NONE } else { take_register(word) }
            }
        })?;
        self.put(place, rest.into_value());
        if let Some(keywords) = keywords {
            self.put(place + 1, keywords.into_value());
        }
        if self.kwonly() == 0 { Ok(()) } else { self.fill_keyword_defaults() }
    }

    /// Gives empty parameters from `from` on their defaults.
    fn fill_defaults(&mut self, from: usize) -> PyResult<()> {
        if from < self.argcount() {
            self.fill_positional_defaults(from)?;
        }
        if self.kwonly() == 0 { Ok(()) } else { self.fill_keyword_defaults() }
    }

    fn fill_positional_defaults(&mut self, from: usize) -> PyResult<()> {
        let argcount = self.argcount();
        let (function, thread) = (self.function, &*self.thread);
        let defaults = function.defaults(thread);
        let count = defaults.map_or(0, |defaults| defaults.len()).min(argcount);
        for i in from..argcount {
            if self.word(i) != word::UNBOUND {
                continue;
            }
            let default = (i + count).checked_sub(argcount).and_then(|nth| defaults?.item(nth));
            let Some(default) = default else {
                let missing: Vec<usize> =
                    (from..argcount - count).filter(|i| self.word(*i) == word::UNBOUND).collect();
                return Err(self.missing_positional(&missing));
            };
            let word = register_word(default);
            // SAFETY: an empty register of the callee.
            unsafe { *self.registers.add(i) = word };
        }
        Ok(())
    }

    fn fill_keyword_defaults(&mut self) -> PyResult<()> {
        let (start, end) = (self.argcount(), self.argcount() + self.kwonly());
        let (function, thread) = (self.function, &*self.thread);
        let defaults = function.kwdefaults(thread);
        let mut complete = true;
        for i in start..end {
            if self.word(i) != word::UNBOUND {
                continue;
            }
            match defaults.and_then(|defaults| defaults.get_str(thread, self.code.parameter_name(i))) {
                Some(default) => {
                    let word = register_word(default);
                    // SAFETY: an empty register of the callee.
                    unsafe { *self.registers.add(i) = word };
                }
                None => complete = false,
            }
        }
        if complete {
            return Ok(());
        }
        let missing: Vec<usize> = (start..end).filter(|i| self.word(*i) == word::UNBOUND).collect();
        Err(self.missing_keyword_only(&missing))
    }

    /// Keyword arguments that all name parameters, without surplus: the values move straight to their places. `None` if the
    /// call is of another kind; then nothing has been done.
    fn by_name(&mut self, positional: usize, names: &Obj<PyTuple>) -> Option<PyResult<()>> {
        const FEW: usize = 16;
        let keywords = names.len();
        if keywords > FEW || !self.takes_positional(positional) {
            return None;
        }
        let mut places = [0usize; FEW];
        for (place, name) in places.iter_mut().zip(names.items()) {
            *place = self.find(name.downcast::<PyStr>()?)?;
            if *place < positional {
                return None;
            }
        }
        let mut values = [word::UNBOUND; FEW];
        for (i, value) in values.iter_mut().enumerate().take(keywords) {
            // SAFETY: the values of keyword arguments, which are emptied.
            *value = std::mem::replace(unsafe { &mut *self.registers.add(positional + i) }, word::UNBOUND);
        }
        for (place, value) in places.iter().zip(values).take(keywords) {
            // SAFETY: an empty register of the callee: names in a call differ from each other.
            unsafe { *self.registers.add(*place) = value };
        }
        Some(self.fill_defaults(positional))
    }

    fn general(&mut self, positional: usize, names: Option<&Obj<PyTuple>>) -> PyResult<()> {
        let keywords = names.map_or(0, |names| names.len());
        let argcount = self.argcount();
        let values: Vec<Value> =
            (argcount.min(positional)..positional + keywords).map(|i| self.take(i)).collect();
        let mut values = values.into_iter();
        let surplus: Vec<Value> = values.by_ref().take(positional.saturating_sub(argcount)).collect();
        let surplus_count = surplus.len();
        let mut next = argcount + self.kwonly();
        if self.code.has_flags(flags::VARARGS) {
            let rest = tuple::new(self.thread, surplus)?;
            self.put(next, rest.into_value());
            next += 1;
        }
        if self.code.has_flags(flags::VARKEYWORDS) {
            let rest = dict::new(self.thread)?;
            self.put(next, rest.into_value());
        }
        for (i, value) in values.enumerate() {
            if let Some(name) = names.and_then(|names| names.item(i)).and_then(Ref::downcast::<PyStr>) {
                self.keyword(name, value, names)?;
            }
        }
        if surplus_count > 0 && !self.code.has_flags(flags::VARARGS) {
            return Err(self.too_many(positional));
        }
        self.fill_defaults(positional.min(argcount))
    }

    /// Which parameter a keyword names, if it may.
    fn find(&self, name: &Obj<PyStr>) -> Option<usize> {
        let first = self.code.code.facts().posonlyargcount as usize;
        let end = self.argcount() + self.kwonly();
        (first..end)
            .find(|i| std::ptr::eq(self.parameter(*i), name))
            .or_else(|| (first..end).find(|i| self.parameter(*i).as_bytes() == name.as_bytes()))
    }

    fn keyword(&mut self, name: &Obj<PyStr>, value: Value, names: Option<&Obj<PyTuple>>) -> PyResult<()> {
        match self.find(name) {
            Some(i) if self.word(i) != word::UNBOUND => Err(self.multiple_values(name)),
            Some(i) => {
                self.put(i, value);
                Ok(())
            }
            None if self.code.has_flags(flags::VARKEYWORDS) => {
                let at = self.argcount() + self.kwonly() + usize::from(self.code.has_flags(flags::VARARGS));
                // SAFETY: filled by `general` with a dict.
                let rest = unsafe { Ref::from_word(self.word(at)) };
                match rest.downcast::<PyDict>() {
                    Some(rest) => rest.set_str(self.thread, name, value),
                    None => Ok(()),
                }
            }
            None => Err(self.unexpected_keyword(name, names)),
        }
    }
}
