//! `_md5`, `_sha1`, `_sha2`, `_sha3`, `_blake2`: message digests. (`_hashlib`, OpenSSL's, is absent: `hashlib` does without.)
//!
//! A hash object's state lies under the object's lock, where it is updated: hashing calls no Python code.

mod blake2;
mod keccak;

pub use blake2::MODULE as BLAKE2;

use keccak::Sponge;
use orochi_macros::{Trace, pyclass, pyfunction, pymethods, pymodule};
use orochi_objects::buffer::{ArgBytes, bytes_of};
use orochi_objects::error::{type_error, value_error};
use orochi_objects::types::bytes;
use orochi_objects::types::str::PyStr;
use orochi_objects::{
    Guarded, ModuleDef, ModuleExt, Obj, PyModule, PyResult, PyType, Ref, Thread, alloc, make, str,
};
use sha2::Digest;

/// A digest in progress.
#[derive(Clone)]
enum Hasher {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    /// With the size of the digest.
    Sha3(Sponge, usize),
}

impl Hasher {
    fn update(&mut self, data: &[u8]) {
        match self {
            Hasher::Md5(hasher) => hasher.update(data),
            Hasher::Sha1(hasher) => hasher.update(data),
            Hasher::Sha224(hasher) => hasher.update(data),
            Hasher::Sha256(hasher) => hasher.update(data),
            Hasher::Sha384(hasher) => hasher.update(data),
            Hasher::Sha512(hasher) => hasher.update(data),
            Hasher::Sha3(sponge, _) => sponge.update(data),
        }
    }

    fn digest(&self) -> Vec<u8> {
        match self.clone() {
            Hasher::Md5(hasher) => hasher.finalize().to_vec(),
            Hasher::Sha1(hasher) => hasher.finalize().to_vec(),
            Hasher::Sha224(hasher) => hasher.finalize().to_vec(),
            Hasher::Sha256(hasher) => hasher.finalize().to_vec(),
            Hasher::Sha384(hasher) => hasher.finalize().to_vec(),
            Hasher::Sha512(hasher) => hasher.finalize().to_vec(),
            Hasher::Sha3(sponge, size) => sponge.squeeze(size),
        }
    }
}

/// The bytes to hash. A str has to be encoded first.
fn input<'a>(thread: &mut Thread, data: Ref<'a>) -> PyResult<ArgBytes<'a>> {
    if data.downcast::<PyStr>().is_some() {
        return Err(type_error("Strings must be encoded before hashing"));
    }
    if !orochi_objects::buffer::is_bytes_like(data) {
        return Err(type_error("object supporting the buffer API required"));
    }
    bytes_of(thread, data)
}

/// The first data of a new hash object, which has two names.
fn first_data<'a>(
    thread: &mut Thread,
    data: Option<Ref<'a>>,
    string: Option<Ref<'a>>,
) -> PyResult<Option<ArgBytes<'a>>> {
    if data.is_some() && string.is_some() {
        return Err(type_error(
            "'data' and 'string' are mutually exclusive and support for 'string' keyword parameter is slated for \
             removal in a future version.",
        ));
    }
    match data.or(string) {
        Some(data) => input(thread, data).map(Some),
        None => Ok(None),
    }
}

fn hex(bytes: &[u8]) -> String {
    orochi_text::ascii::to_hex(bytes, None, 1)
}

/// A class of hash objects with a digest of fixed size.
macro_rules! hash_class {
    ($type:ident: $class:literal in $module:literal, $name:literal, $digest:literal, $block:literal $(, $part:ident)?) => {
        #[pyclass(name = $class, module = $module, no_new)]
        #[derive(Trace)]
        struct $type {
            #[trace(unsafe_skip)]
            state: Guarded<Hasher>,
        }

        #[pymethods]
        impl $type {
            /// Return a copy of the hash object.
            fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let state = this.state.with(this, thread, |state, _| state.clone());
                Ok(make(thread, $type { state: Guarded::new(state) })?.into_value())
            }

            /// Return the digest value as a bytes object.
            fn digest(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let digest = this.state.with(this, thread, |state, _| state.digest());
                bytes::new(thread, &digest)
            }

            /// Return the digest value as a string of hexadecimal digits.
            fn hexdigest(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let digest = this.state.with(this, thread, |state, _| state.digest());
                str::new(thread, &hex(&digest))
            }

            /// Update this hash object's state with the provided string.
            #[signature(obj, /)]
            fn update(thread: &mut Thread, this: &Obj<Self>, obj: Ref) -> PyResult<()> {
                let data = input(thread, obj)?;
                this.state.with(this, thread, |state, _| state.update(&data));
                Ok(())
            }

            #[getter]
            fn block_size(_this: &Obj<Self>) -> i64 {
                $block
            }

            #[getter]
            fn digest_size(_this: &Obj<Self>) -> i64 {
                $digest
            }

            #[getter]
            fn name(_this: &Obj<Self>) -> &'static str {
                $name
            }
        }
    };
}

/// The function that makes hash objects of a class.
macro_rules! constructor {
    ($function:ident: $type:ident, $hasher:expr, $doc:literal) => {
        #[doc = $doc]
        #[pyfunction]
        #[signature(data=<missing>, *, usedforsecurity=True, string=<missing>)]
        #[text_signature = "($module, /, data=b'', *, usedforsecurity=True, string=None)"]
        fn $function(
            thread: &mut Thread,
            data: Option<Ref>,
            usedforsecurity: bool,
            string: Option<Ref>,
        ) -> PyResult {
            let _ = usedforsecurity;
            let mut hasher = $hasher;
            if let Some(data) = first_data(thread, data, string)? {
                hasher.update(&data);
            }
            Ok(make(thread, $type { state: Guarded::new(hasher) })?.into_value())
        }
    };
}

hash_class!(Md5: "md5" in "_md5", "md5", 16, 64);
hash_class!(Sha1: "sha1" in "_sha1", "sha1", 20, 64);
hash_class!(Sha224: "SHA224Type" in "_sha2", "sha224", 28, 64);
hash_class!(Sha256: "SHA256Type" in "_sha2", "sha256", 32, 64);
hash_class!(Sha384: "SHA384Type" in "_sha2", "sha384", 48, 128);
hash_class!(Sha512: "SHA512Type" in "_sha2", "sha512", 64, 128);

constructor!(md5: Md5, Hasher::Md5(md5::Md5::new()), "Return a new MD5 hash object; optionally initialized with a string.");
constructor!(sha1: Sha1, Hasher::Sha1(sha1::Sha1::new()), "Return a new SHA1 hash object; optionally initialized with a string.");
constructor!(sha224: Sha224, Hasher::Sha224(sha2::Sha224::new()), "Return a new SHA-224 hash object; optionally initialized with a string.");
constructor!(sha256: Sha256, Hasher::Sha256(sha2::Sha256::new()), "Return a new SHA-256 hash object; optionally initialized with a string.");
constructor!(sha384: Sha384, Hasher::Sha384(sha2::Sha384::new()), "Return a new SHA-384 hash object; optionally initialized with a string.");
constructor!(sha512: Sha512, Hasher::Sha512(sha2::Sha512::new()), "Return a new SHA-512 hash object; optionally initialized with a string.");

/// A class of `_sha3`. Its name is that of the algorithm.
macro_rules! sha3_class {
    ($type:ident: $name:literal, $digest:literal, $rate:literal) => {
        #[pyclass(name = $name, module = "_sha3")]
        #[derive(Trace)]
        struct $type {
            #[trace(unsafe_skip)]
            state: Guarded<Hasher>,
        }

        #[pymethods]
        impl $type {
            #[new]
            #[signature(data=<missing>, /, *, usedforsecurity=True, string=<missing>)]
            #[text_signature = "(data=b'', /, *, usedforsecurity=True, string=None)"]
            fn new(
                thread: &mut Thread,
                cls: &Obj<PyType>,
                data: Option<Ref>,
                usedforsecurity: bool,
                string: Option<Ref>,
            ) -> PyResult {
                let _ = usedforsecurity;
                let mut hasher = Hasher::Sha3(Sponge::new($rate, 6), $digest);
                if let Some(data) = first_data(thread, data, string)? {
                    hasher.update(&data);
                }
                Ok(alloc(thread, cls, $type { state: Guarded::new(hasher) })?.into_value())
            }

            /// Return a copy of the hash object.
            fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let state = this.state.with(this, thread, |state, _| state.clone());
                Ok(make(thread, $type { state: Guarded::new(state) })?.into_value())
            }

            /// Return the digest value as a bytes object.
            fn digest(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let digest = this.state.with(this, thread, |state, _| state.digest());
                bytes::new(thread, &digest)
            }

            /// Return the digest value as a string of hexadecimal digits.
            fn hexdigest(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let digest = this.state.with(this, thread, |state, _| state.digest());
                str::new(thread, &hex(&digest))
            }

            /// Update this hash object's state with the provided bytes-like object.
            #[signature(data, /)]
            fn update(thread: &mut Thread, this: &Obj<Self>, data: Ref) -> PyResult<()> {
                let data = input(thread, data)?;
                this.state.with(this, thread, |state, _| state.update(&data));
                Ok(())
            }

            #[getter]
            fn block_size(_this: &Obj<Self>) -> i64 {
                $rate
            }

            #[getter]
            fn digest_size(_this: &Obj<Self>) -> i64 {
                $digest
            }

            #[getter]
            fn name(_this: &Obj<Self>) -> &'static str {
                $name
            }

            #[getter]
            fn _capacity_bits(_this: &Obj<Self>) -> i64 {
                1600 - $rate * 8
            }

            #[getter]
            fn _rate_bits(_this: &Obj<Self>) -> i64 {
                $rate * 8
            }

            #[getter]
            fn _suffix(thread: &mut Thread, _this: &Obj<Self>) -> PyResult {
                bytes::new(thread, &[6])
            }
        }
    };
}

sha3_class!(Sha3_224: "sha3_224", 28, 144);
sha3_class!(Sha3_256: "sha3_256", 32, 136);
sha3_class!(Sha3_384: "sha3_384", 48, 104);
sha3_class!(Sha3_512: "sha3_512", 64, 72);

/// A class whose digests are as long as one wants.
macro_rules! shake_class {
    ($type:ident: $name:literal, $rate:literal) => {
        #[pyclass(name = $name, module = "_sha3")]
        #[derive(Trace)]
        struct $type {
            #[trace(unsafe_skip)]
            state: Guarded<Sponge>,
        }

        #[pymethods]
        impl $type {
            #[new]
            #[signature(data=<missing>, /, *, usedforsecurity=True, string=<missing>)]
            #[text_signature = "(data=b'', /, *, usedforsecurity=True, string=None)"]
            fn new(
                thread: &mut Thread,
                cls: &Obj<PyType>,
                data: Option<Ref>,
                usedforsecurity: bool,
                string: Option<Ref>,
            ) -> PyResult {
                let _ = usedforsecurity;
                let mut sponge = Sponge::new($rate, 31);
                if let Some(data) = first_data(thread, data, string)? {
                    sponge.update(&data);
                }
                Ok(alloc(thread, cls, $type { state: Guarded::new(sponge) })?.into_value())
            }

            /// Return a copy of the hash object.
            fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let state = this.state.with(this, thread, |state, _| state.clone());
                Ok(make(thread, $type { state: Guarded::new(state) })?.into_value())
            }

            /// Return the digest value as a bytes object.
            #[signature(length)]
            fn digest(thread: &mut Thread, this: &Obj<Self>, length: i64) -> PyResult {
                let length = shake_length(length)?;
                let digest = this.state.with(this, thread, |state, _| state.squeeze(length));
                bytes::new(thread, &digest)
            }

            /// Return the digest value as a string of hexadecimal digits.
            #[signature(length)]
            fn hexdigest(thread: &mut Thread, this: &Obj<Self>, length: i64) -> PyResult {
                let length = shake_length(length)?;
                let digest = this.state.with(this, thread, |state, _| state.squeeze(length));
                str::new(thread, &hex(&digest))
            }

            /// Update this hash object's state with the provided bytes-like object.
            #[signature(data, /)]
            fn update(thread: &mut Thread, this: &Obj<Self>, data: Ref) -> PyResult<()> {
                let data = input(thread, data)?;
                this.state.with(this, thread, |state, _| state.update(&data));
                Ok(())
            }

            #[getter]
            fn block_size(_this: &Obj<Self>) -> i64 {
                $rate
            }

            #[getter]
            fn digest_size(_this: &Obj<Self>) -> i64 {
                0
            }

            #[getter]
            fn name(_this: &Obj<Self>) -> &'static str {
                $name
            }

            #[getter]
            fn _capacity_bits(_this: &Obj<Self>) -> i64 {
                1600 - $rate * 8
            }

            #[getter]
            fn _rate_bits(_this: &Obj<Self>) -> i64 {
                $rate * 8
            }

            #[getter]
            fn _suffix(thread: &mut Thread, _this: &Obj<Self>) -> PyResult {
                bytes::new(thread, &[31])
            }
        }
    };
}

/// The length of a SHAKE digest. What no memory could hold is refused.
fn shake_length(length: i64) -> PyResult<usize> {
    match usize::try_from(length) {
        Ok(length) if length < 1 << 29 => Ok(length),
        Ok(_) => Err(value_error("value too large")),
        Err(_) => Err(value_error("Cannot convert negative int")),
    }
}

shake_class!(Shake128: "shake_128", 168);
shake_class!(Shake256: "shake_256", 136);

/// What every module of hashes has beside its classes.
fn add_common(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "_GIL_MINSIZE", 2048)
}

mod md5_module {
    use super::*;

    #[pymodule(name = "_md5", functions(super::md5))]
    fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
        module.add(thread, "MD5Type", <Md5 as orochi_objects::PyClass>::static_type().get().to_value())?;
        add_common(thread, module)
    }
}

mod sha1_module {
    use super::*;

    #[pymodule(name = "_sha1", functions(super::sha1))]
    fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
        module.add(thread, "SHA1Type", <Sha1 as orochi_objects::PyClass>::static_type().get().to_value())?;
        add_common(thread, module)
    }
}

mod sha2_module {
    use super::*;

    #[pymodule(
        name = "_sha2",
        functions(super::sha224, super::sha256, super::sha384, super::sha512),
        classes(Sha224, Sha256, Sha384, Sha512)
    )]
    fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
        add_common(thread, module)
    }
}

mod sha3_module {
    use super::*;

    #[pymodule(name = "_sha3", classes(Sha3_224, Sha3_256, Sha3_384, Sha3_512, Shake128, Shake256))]
    fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
        module.add(thread, "implementation", "orochi")?;
        add_common(thread, module)
    }
}

/// `_md5`.
pub static MD5: &ModuleDef = &md5_module::MODULE;
/// `_sha1`.
pub static SHA1: &ModuleDef = &sha1_module::MODULE;
/// `_sha2`.
pub static SHA2: &ModuleDef = &sha2_module::MODULE;
/// `_sha3`.
pub static SHA3: &ModuleDef = &sha3_module::MODULE;
