//! `_random`: the Mersenne Twister (Matsumoto and Nishimura, 1998), seeded as CPython seeds it, so that programs which
//! fix a seed see the same numbers.

use num_bigint::{BigInt, Sign};
use orochi_macros::{Trace, pyclass, pymethods, pymodule};
use orochi_objects::error::{overflow_error, type_error, value_error};
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{
    Args, Guarded, Obj, PyModule, PyResult, PyType, Ref, Thread, alloc, float, int, protocol, tuple,
};
use std::hash::{BuildHasher, Hasher};

const N: usize = 624;
const M: usize = 397;

/// The generator's state.
#[derive(Trace)]
struct Twister {
    words: Vec<u32>,
    index: usize,
}

impl Twister {
    fn new() -> Twister {
        Twister { words: vec![0; N], index: N }
    }

    fn word(&self, i: usize) -> u32 {
        self.words.get(i).copied().unwrap_or(0)
    }

    fn set(&mut self, i: usize, value: u32) {
        if let Some(word) = self.words.get_mut(i) {
            *word = value;
        }
    }

    fn seed_word(&mut self, seed: u32) {
        self.set(0, seed);
        for i in 1..N {
            let before = self.word(i - 1);
            let mixed = 1_812_433_253_u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(i as u32);
            self.set(i, mixed);
        }
        self.index = N;
    }

    fn seed_words(&mut self, key: &[u32]) {
        self.seed_word(19_650_218);
        let (mut i, mut j) = (1, 0);
        for _ in 0..N.max(key.len()) {
            let before = self.word(i - 1);
            let mixed = (self.word(i) ^ (before ^ (before >> 30)).wrapping_mul(1_664_525))
                .wrapping_add(key.get(j).copied().unwrap_or(0))
                .wrapping_add(j as u32);
            self.set(i, mixed);
            i += 1;
            j += 1;
            if i >= N {
                self.set(0, self.word(N - 1));
                i = 1;
            }
            if j >= key.len() {
                j = 0;
            }
        }
        for _ in 0..N - 1 {
            let before = self.word(i - 1);
            let mixed =
                (self.word(i) ^ (before ^ (before >> 30)).wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            self.set(i, mixed);
            i += 1;
            if i >= N {
                self.set(0, self.word(N - 1));
                i = 1;
            }
        }
        self.set(0, 0x8000_0000);
    }

    fn twist(&mut self) {
        for i in 0..N {
            let y = (self.word(i) & 0x8000_0000) | (self.word((i + 1) % N) & 0x7FFF_FFFF);
            let mixed = self.word((i + M) % N) ^ (y >> 1) ^ if y & 1 == 1 { 0x9908_B0DF } else { 0 };
            self.set(i, mixed);
        }
        self.index = 0;
    }

    fn next(&mut self) -> u32 {
        if self.index >= N {
            self.twist();
        }
        let mut y = self.word(self.index);
        self.index += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9D2C_5680;
        y ^= (y << 15) & 0xEFC6_0000;
        y ^ (y >> 18)
    }
}

/// Random() -> create a random number generator with its own internal state.
#[pyclass(name = "Random", module = "_random", subclassable)]
#[derive(Trace)]
struct Random {
    state: Guarded<Twister>,
}

/// The words of a seed.
fn key_of(thread: &mut Thread, seed: Ref<'_>) -> PyResult<Vec<u32>> {
    if seed.is_none() {
        let random = || std::hash::RandomState::new().build_hasher().finish();
        return Ok((0..16).map(|_| random() as u32).collect());
    }
    let value = match int::value(seed) {
        Some(value) => value.to_big().into_owned(),
        None => BigInt::from(protocol::hash(thread, seed)? as u64),
    };
    let words = value.magnitude().to_u32_digits();
    Ok(if words.is_empty() { vec![0] } else { words })
}

#[pymethods]
impl Random {
    #[slot]
    fn tp_new(thread: &mut Thread, cls: &Obj<PyType>, _args: Args<'_>) -> PyResult {
        let made = alloc(thread, cls, Random { state: Guarded::new(Twister::new()) })?;
        let key = key_of(thread, Ref::NONE)?;
        made.state.with(&made, thread, |state, _| state.seed_words(&key));
        Ok(made.into_value())
    }

    #[slot]
    fn tp_init(thread: &mut Thread, this: &Obj<Self>, args: Args<'_>) -> PyResult<()> {
        if args.len() > 1 {
            let text = format!("Random() requires 0 or 1 argument, {} given", args.len());
            return Err(type_error(text));
        }
        args.no_keywords("Random")?;
        let key = key_of(thread, args.get(0).unwrap_or(Ref::NONE))?;
        this.state.with(this, thread, |state, _| state.seed_words(&key));
        Ok(())
    }

    /// random() -> x in the interval [0, 1).
    fn random(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let value = this.state.with(this, thread, |state, _| {
            let (a, b) = (state.next() >> 5, state.next() >> 6);
            (f64::from(a) * 67_108_864.0 + f64::from(b)) * (1.0 / 9_007_199_254_740_992.0)
        });
        float::new(thread, value)
    }

    /// seed([n]) -> None.
    ///
    /// Defaults to use urandom and falls back to a combination
    /// of the current time and the process identifier.
    #[signature(n=None, /)]
    fn seed(thread: &mut Thread, this: &Obj<Self>, n: Option<Ref>) -> PyResult<()> {
        let key = key_of(thread, n.unwrap_or(Ref::NONE))?;
        this.state.with(this, thread, |state, _| state.seed_words(&key));
        Ok(())
    }

    /// getrandbits(k) -> x.  Generates an int with k random bits.
    fn getrandbits(thread: &mut Thread, this: &Obj<Self>, k: Ref<'_>) -> PyResult {
        let k = int::index(thread, k)?;
        let Some(k) = int::value(k.get()) else { return int::new(thread, 0) };
        if k.is_negative() {
            return Err(value_error("Cannot convert negative int"));
        }
        let k = k.to_i64().ok_or_else(|| overflow_error("Python int too large for C uint64_t"))?;
        if k <= 32 {
            let value =
                this.state.with(this, thread, |state, _| if k == 0 { 0 } else { state.next() >> (32 - k) });
            return int::new(thread, value.into());
        }
        let words = usize::try_from((k - 1) / 32 + 1).unwrap_or(usize::MAX);
        let mut digits = Vec::new();
        digits.try_reserve_exact(words).map_err(|_| orochi_objects::error::memory_error())?;
        let last = (k - 1) % 32 + 1;
        this.state.with(this, thread, |state, _| {
            for i in 0..words {
                let word = state.next();
                digits.push(if i + 1 == words { word >> (32 - last) } else { word });
            }
        });
        int::from_big(thread, BigInt::from_slice(Sign::Plus, &digits))
    }

    /// getstate() -> tuple containing the current state.
    fn getstate(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let mut words = this.state.with(this, thread, |state, _| {
            let mut words = state.words.clone();
            words.push(state.index as u32);
            words
        });
        let values =
            words.drain(..).map(|word| int::new(thread, word.into())).collect::<PyResult<Vec<_>>>()?;
        Ok(tuple::new(thread, values)?.into_value())
    }

    /// setstate(state) -> None.  Restores generator state.
    fn setstate(thread: &mut Thread, this: &Obj<Self>, state: Ref) -> PyResult<()> {
        let Some(values) = state.downcast::<PyTuple>() else {
            return Err(type_error("state vector must be a tuple"));
        };
        if values.len() != N + 1 {
            return Err(value_error("state vector is the wrong size"));
        }
        let mut words = Vec::with_capacity(N);
        for value in values.items().take(N) {
            let value = int::index_i64(thread, value)?;
            words.push(value as u32);
        }
        let index = int::index_i64(thread, values.item(N).unwrap_or(Ref::NONE))?;
        let index = usize::try_from(index).ok().filter(|index| *index <= N);
        let index = index.ok_or_else(|| value_error("invalid state"))?;
        this.state.with(this, thread, |state, _| {
            state.words.copy_from_slice(&words);
            state.index = index;
        });
        Ok(())
    }
}

/// Module implements the Mersenne Twister random number generator.
#[pymodule(name = "_random", classes(Random))]
fn init(_thread: &mut Thread, _module: &Obj<PyModule>) -> PyResult<()> {
    Ok(())
}
