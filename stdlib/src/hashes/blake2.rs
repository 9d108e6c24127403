//! `_blake2`: BLAKE2b and BLAKE2s (RFC 7693), with keys, salts and tree hashing.

use super::{first_data, hex, input};
use orochi_macros::{Trace, pyclass, pymethods, pymodule};
use orochi_objects::buffer::{ArgBytes, bytes_of};
use orochi_objects::error::{overflow_error, value_error};
use orochi_objects::types::bytes;
use orochi_objects::{
    Guarded, ModuleExt, Obj, PyModule, PyResult, PyType, Ref, Thread, alloc, int, make, str,
};

/// The optional settings of a hash, checked but for what depends on the variant.
struct Settings<'a> {
    digest_size: Option<i64>,
    key: Option<ArgBytes<'a>>,
    salt: Option<ArgBytes<'a>>,
    person: Option<ArgBytes<'a>>,
    fanout: u8,
    depth: u8,
    leaf_size: u32,
    node_offset: u64,
    node_depth: u8,
    inner_size: usize,
}

fn small(value: i64, low: i64, name: &str) -> PyResult<u8> {
    u8::try_from(value)
        .ok()
        .filter(|value| i64::from(*value) >= low)
        .ok_or_else(|| value_error(format!("{name} must be between {low} and 255")))
}

fn unsigned(thread: &mut Thread, value: Option<Ref<'_>>) -> PyResult<u64> {
    let Some(value) = value else { return Ok(0) };
    let object = int::index(thread, value)?;
    let value = match int::value(object.get()) {
        Some(int::IntRef::Small(small)) if small < 0 => {
            return Err(overflow_error("can't convert negative value to unsigned int"));
        }
        Some(int::IntRef::Small(small)) => Some(small as u64),
        Some(int::IntRef::Big(big)) if big.sign() == num_bigint::Sign::Minus => {
            return Err(overflow_error("can't convert negative value to unsigned int"));
        }
        Some(int::IntRef::Big(big)) => u64::try_from(big).ok(),
        None => Some(0),
    };
    value.ok_or_else(|| overflow_error("Python int too large for C unsigned long long"))
}

fn optional<'a>(thread: &mut Thread, value: Option<Ref<'a>>) -> PyResult<Option<ArgBytes<'a>>> {
    match value {
        Some(value) => bytes_of(thread, value).map(Some),
        None => Ok(None),
    }
}

fn limited<'a>(content: &'a Option<ArgBytes<'_>>, limit: usize, what: &str) -> PyResult<&'a [u8]> {
    let content: &[u8] = content.as_deref().unwrap_or_default();
    if content.len() > limit {
        return Err(value_error(format!("maximum {what} length is {limit} bytes")));
    }
    Ok(content)
}

macro_rules! blake2_class {
    (
        $type:ident: $name:literal, $title:literal, $engine:ident, max $max:literal, salt $salt:literal,
        block $block:literal, offset $offset:expr
    ) => {
        /// Return a new BLAKE2 hash object.
        #[pyclass(name = $name, module = "_blake2")]
        #[derive(Trace)]
        struct $type {
            digest_size: usize,
            #[trace(unsafe_skip)]
            state: Guarded<$engine::State>,
        }

        impl $type {
            fn params(settings: &Settings<'_>, last_node: bool) -> PyResult<($engine::Params, usize)> {
                let size = settings.digest_size.unwrap_or($max);
                let size = usize::try_from(size).ok().filter(|size| (1..=$max).contains(size)).ok_or_else(|| {
                    value_error(format!(
                        "digest_size for {} must be between 1 and {} bytes, here it is {size}",
                        $title, $max
                    ))
                })?;
                let mut params = $engine::Params::new();
                params
                    .hash_length(size)
                    .salt(limited(&settings.salt, $salt, "salt")?)
                    .personal(limited(&settings.person, $salt, "person")?)
                    .fanout(settings.fanout)
                    .max_depth(settings.depth)
                    .max_leaf_length(settings.leaf_size)
                    .node_depth(settings.node_depth)
                    .last_node(last_node);
                if settings.node_offset > $offset {
                    return Err(overflow_error("node_offset is too large"));
                }
                params.node_offset(settings.node_offset);
                if settings.inner_size > $max {
                    return Err(value_error(format!("inner_size must be between 0 and is {}", $max)));
                }
                params.inner_hash_length(settings.inner_size);
                params.key(limited(&settings.key, $max, "key")?);
                Ok((params, size))
            }
        }

        #[pymethods]
        impl $type {
            #[new]
            #[signature(
                data=<missing>, /, *, digest_size=<missing>, key=<missing>, salt=<missing>, person=<missing>, fanout=1,
                depth=1, leaf_size=<missing>, node_offset=<missing>, node_depth=0, inner_size=0, last_node=False,
                usedforsecurity=True, string=<missing>
            )]
            #[no_text_signature]
            fn new(
                thread: &mut Thread,
                cls: &Obj<PyType>,
                data: Option<Ref>,
                digest_size: Option<i64>,
                key: Option<Ref>,
                salt: Option<Ref>,
                person: Option<Ref>,
                fanout: i64,
                depth: i64,
                leaf_size: Option<Ref>,
                node_offset: Option<Ref>,
                node_depth: i64,
                inner_size: i64,
                last_node: bool,
                usedforsecurity: bool,
                string: Option<Ref>,
            ) -> PyResult {
                let _ = usedforsecurity;
                let data = first_data(thread, data, string)?;
                let settings = Settings {
                    digest_size,
                    key: optional(thread, key)?,
                    salt: optional(thread, salt)?,
                    person: optional(thread, person)?,
                    fanout: small(fanout, 0, "fanout")?,
                    depth: small(depth, 1, "depth")?,
                    leaf_size: u32::try_from(unsigned(thread, leaf_size)?)
                        .map_err(|_| overflow_error("leaf_size is too large"))?,
                    node_offset: unsigned(thread, node_offset)?,
                    node_depth: small(node_depth, 0, "node_depth")?,
                    inner_size: usize::try_from(inner_size).unwrap_or(usize::MAX),
                };
                let (params, digest_size) = $type::params(&settings, last_node)?;
                let mut state = params.to_state();
                if let Some(data) = data {
                    state.update(&data);
                }
                Ok(alloc(thread, cls, $type { digest_size, state: Guarded::new(state) })?.into_value())
            }

            /// Return a copy of the hash object.
            fn copy(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let state = this.state.with(this, thread, |state, _| state.clone());
                let made = $type { digest_size: this.digest_size, state: Guarded::new(state) };
                Ok(make(thread, made)?.into_value())
            }

            /// Return the digest value as a bytes object.
            fn digest(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let digest = this.state.with(this, thread, |state, _| state.finalize());
                bytes::new(thread, digest.as_bytes())
            }

            /// Return the digest value as a string of hexadecimal digits.
            fn hexdigest(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
                let digest = this.state.with(this, thread, |state, _| state.finalize());
                str::new(thread, &hex(digest.as_bytes()))
            }

            /// Update this hash object's state with the provided bytes-like object.
            #[signature(data, /)]
            fn update(thread: &mut Thread, this: &Obj<Self>, data: Ref) -> PyResult<()> {
                let data = input(thread, data)?;
                this.state.with(this, thread, |state, _| {
                    state.update(&data);
                });
                Ok(())
            }

            #[getter]
            fn block_size(_this: &Obj<Self>) -> i64 {
                $block
            }

            #[getter]
            fn digest_size(this: &Obj<Self>) -> usize {
                this.digest_size
            }

            #[getter]
            fn name(_this: &Obj<Self>) -> &'static str {
                $name
            }
        }
    };
}

blake2_class!(Blake2b: "blake2b", "Blake2b", blake2b_simd, max 64, salt 16, block 128, offset u64::MAX);
blake2_class!(Blake2s: "blake2s", "Blake2s", blake2s_simd, max 32, salt 8, block 64, offset (1 << 48) - 1);

/// The sizes, as attributes of the module.
fn add_sizes(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for (prefix, max, salt) in [("BLAKE2B", 64, 16), ("BLAKE2S", 32, 8)] {
        module.add(thread, &format!("{prefix}_MAX_DIGEST_SIZE"), max)?;
        module.add(thread, &format!("{prefix}_MAX_KEY_SIZE"), max)?;
        module.add(thread, &format!("{prefix}_SALT_SIZE"), salt)?;
        module.add(thread, &format!("{prefix}_PERSON_SIZE"), salt)?;
    }
    Ok(())
}

/// _blake2b provides BLAKE2b for hashlib
#[pymodule(name = "_blake2", classes(Blake2b, Blake2s))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    super::add_common(thread, module)?;
    add_sizes(thread, module)
}
