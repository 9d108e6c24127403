//! The structures of `sys`: version, flags, properties of numbers.

use super::VERSION;
use orochi_objects::error::PyResult;
use orochi_objects::structseq;
use orochi_objects::types::{dict, list, simple_namespace};
use orochi_objects::{DictExt, IntoPy, ModuleExt, Obj, PyModule, Thread, Value};
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

static FINALIZING: AtomicBool = AtomicBool::new(false);

pub(super) fn finalizing() -> bool {
    FINALIZING.load(Ordering::Relaxed)
}

pub(super) fn begin_finalizing() {
    FINALIZING.store(true, Ordering::Relaxed);
}

/// What Orochi says of itself.
pub(super) struct Implementation;

impl Implementation {
    pub(super) const COPYRIGHT: &str = "Copyright (c) 2026 The Orochi developers. All Rights Reserved.\n\nThe embedded library:\nCopyright (c) 2001 Python Software Foundation. All Rights Reserved.";
}

static CPU_COUNT: AtomicI64 = AtomicI64::new(-1);

/// What `-X cpu_count` asks to report, or -1. Relaxed: a number that stands alone.
pub(super) fn cpu_count() -> i64 {
    CPU_COUNT.load(Ordering::Relaxed)
}

/// What the command line and the environment decide.
#[derive(Default)]
pub struct Settings {
    /// `sys.flags`, by name.
    pub flags: Vec<(&'static str, i64)>,
    /// `sys.argv`.
    pub argv: Vec<OsString>,
    /// `sys.orig_argv`.
    pub orig_argv: Vec<OsString>,
    /// `sys.path`.
    pub path: Vec<String>,
    /// `sys.executable`.
    pub executable: String,
    /// `sys.prefix` and its kin.
    pub prefix: String,
    /// The folder of the embedded library, which exists nowhere on disk.
    pub stdlib: String,
    /// `sys.warnoptions`.
    pub warn_options: Vec<String>,
    /// `sys._xoptions`.
    pub x_options: Vec<(String, Option<String>)>,
    /// `sys.dont_write_bytecode`.
    pub dont_write_bytecode: bool,
    /// What `os.cpu_count()` is to say.
    pub cpu_count: Option<usize>,
    /// `sys.pycache_prefix`.
    pub pycache_prefix: Option<String>,
}

structseq! {
    pub(super) static VERSION_INFO: "sys" "version_info" = "Version information as a named tuple.",
    visible 5, flags(DISALLOW_INSTANTIATION), fallbacks &[], {
        "major" = "Major release number",
        "minor" = "Minor release number",
        "micro" = "Patch release number",
        "releaselevel" = "'alpha', 'beta', 'candidate', or 'final'",
        "serial" = "Serial release number",
    }
}

structseq! {
    pub(super) static FLAGS: "sys" "flags" = "Flags provided through command line arguments or environment vars.",
    visible 18, flags(DISALLOW_INSTANTIATION), fallbacks &[], {
        "debug" = "-d", "inspect" = "-i", "interactive" = "-i", "optimize" = "-O or -OO",
        "dont_write_bytecode" = "-B", "no_user_site" = "-s", "no_site" = "-S", "ignore_environment" = "-E",
        "verbose" = "-v", "bytes_warning" = "-b", "quiet" = "-q", "hash_randomization" = "-R",
        "isolated" = "-I", "dev_mode" = "-X dev", "utf8_mode" = "-X utf8",
        "warn_default_encoding" = "-X warn_default_encoding", "safe_path" = "-P",
        "int_max_str_digits" = "-X int_max_str_digits",
        "gil" = "-X gil", "thread_inherit_context" = "-X thread_inherit_context",
        "context_aware_warnings" = "-X context_aware_warnings",
    }
}

structseq! {
    pub(super) static FLOAT_INFO: "sys" "float_info" = "Properties of floats.",
    visible 11, flags(EMPTY), fallbacks &[], {
        "max" = "largest finite float", "max_exp" = "largest e such that 2**(e-1) is a float",
        "max_10_exp" = "largest e such that 10**e is a float", "min" = "smallest positive normalised float",
        "min_exp" = "smallest e such that 2**(e-1) is a normalised float",
        "min_10_exp" = "smallest e such that 10**e is a normalised float",
        "dig" = "decimal digits that a float always keeps", "mant_dig" = "bits of the mantissa",
        "epsilon" = "difference between 1 and the next float", "radix" = "radix of the exponent",
        "rounds" = "rounding mode of arithmetic",
    }
}

structseq! {
    pub(super) static INT_INFO: "sys" "int_info" = "Properties of ints.",
    visible 4, flags(EMPTY), fallbacks &[], {
        "bits_per_digit" = "bits of a digit", "sizeof_digit" = "bytes of a digit",
        "default_max_str_digits" = "limit on the digits of text",
        "str_digits_check_threshold" = "least limit that can be set",
    }
}

structseq! {
    pub(super) static HASH_INFO: "sys" "hash_info" = "Properties of hashes.",
    visible 9, flags(EMPTY), fallbacks &[], {
        "width" = "bits of a hash", "modulus" = "prime modulus of numbers' hashes", "inf" = "hash of infinity",
        "nan" = "unused", "imag" = "multiplier of the imaginary part", "algorithm" = "algorithm for text",
        "hash_bits" = "bits of the algorithm's result", "seed_bits" = "bits of its seed",
        "cutoff" = "length below which another algorithm is used",
    }
}

structseq! {
    pub(super) static THREAD_INFO: "sys" "thread_info" = "Properties of threads.",
    visible 3, flags(EMPTY), fallbacks &[], {
        "name" = "name of the implementation", "lock" = "kind of lock", "version" = "version of the library",
    }
}

structseq! {
    pub(super) static ASYNCGEN_HOOKS: "builtins" "asyncgen_hooks" = "Hooks of asynchronous generators.",
    visible 2, flags(EMPTY), fallbacks &[], {
        "firstiter" = "called when a generator is iterated first",
        "finalizer" = "called when a generator is about to be destroyed",
    }
}

macro_rules! values {
    ($thread:ident; $($value:expr),* $(,)?) => { vec![$(IntoPy::into_py($value, $thread)?),*] };
}

fn version_info(thread: &mut Thread) -> PyResult {
    let (major, minor, micro) = VERSION;
    let values = values![thread; major, minor, micro, "final", 0];
    VERSION_INFO.make(thread, values)
}

fn hex_version() -> i64 {
    let (major, minor, micro) = VERSION;
    i64::from(major) << 24 | i64::from(minor) << 16 | i64::from(micro) << 8 | 0xF0
}

fn text(thread: &mut Thread, text: &str) -> PyResult {
    orochi_objects::str::new(thread, text)
}

/// Adds what is the same for every configuration.
pub(super) fn add(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    let (major, minor, micro) = VERSION;
    let version =
        format!("{major}.{minor}.{micro} free-threading build (Orochi {}) [Rust]", env!("CARGO_PKG_VERSION"));
    module.add(thread, "version", version)?;
    let info = version_info(thread)?;
    module.add(thread, "version_info", info)?;
    module.add(thread, "hexversion", hex_version())?;
    let float =
        values![thread; f64::MAX, 1024, 308, f64::MIN_POSITIVE, -1021, -307, 15, 53, f64::EPSILON, 2, 1];
    let float = FLOAT_INFO.make(thread, float)?;
    module.add(thread, "float_info", float)?;
    let int = values![thread; 30, 4, 4300, 640];
    let int = INT_INFO.make(thread, int)?;
    module.add(thread, "int_info", int)?;
    let hash = values![thread; 64, (1i64 << 61) - 1, 314_159, 0, 1_000_003, "siphash13", 64, 128, 0];
    let hash = HASH_INFO.make(thread, hash)?;
    module.add(thread, "hash_info", hash)?;
    let library = crate::host::system::confstr(libc::_CS_GNU_LIBPTHREAD_VERSION).ok().flatten();
    let library = library.map(|text| String::from_utf8_lossy(&text).into_owned());
    let threads = values![thread; "pthread", Value::NONE, library];
    let threads = THREAD_INFO.make(thread, threads)?;
    module.add(thread, "thread_info", threads)?;
    implementation(thread, module)
}

fn implementation(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    let attributes = dict::new(thread)?;
    let info = version_info(thread)?;
    let fields: Vec<(&str, Value)> = vec![
        ("name", text(thread, "orochi")?),
        ("cache_tag", text(thread, &format!("orochi-{}", env!("CARGO_PKG_VERSION").replace('.', "")))?),
        ("version", info),
        ("hexversion", super::number(thread, hex_version())?),
        ("_multiarch", text(thread, &format!("{}-{}-gnu", std::env::consts::ARCH, std::env::consts::OS))?),
        ("supports_isolated_interpreters", Value::FALSE),
    ];
    for (name, value) in fields {
        let name = orochi_objects::str::intern(thread, name)?;
        attributes.set_str(thread, name, value)?;
    }
    let made = simple_namespace::new(thread, &attributes)?;
    module.add(thread, "implementation", made)
}

fn strings(thread: &mut Thread, values: &[String]) -> PyResult {
    let values = values.iter().map(|value| text(thread, value)).collect::<PyResult<Vec<_>>>()?;
    Ok(list::new(thread, values)?.into_value())
}

fn decode_os(thread: &mut Thread, value: &OsString) -> PyResult {
    crate::os_support::fs_decode(thread, value.as_encoded_bytes())
}

/// Arguments as `os.fsdecode` decodes them.
fn decoded(thread: &mut Thread, values: &[OsString]) -> PyResult {
    let values = values.iter().map(|value| decode_os(thread, value)).collect::<PyResult<Vec<_>>>()?;
    Ok(list::new(thread, values)?.into_value())
}

fn set(thread: &mut Thread, module: &Obj<PyModule>, name: &str, value: Value) -> PyResult<()> {
    let name = orochi_objects::str::intern(thread, name)?;
    let namespace = module.namespace(thread).to_owned();
    namespace.set_str(thread, name, value)
}

/// Adds what the command line and the environment decide.
pub(super) fn configure(thread: &mut Thread, module: &Obj<PyModule>, settings: &Settings) -> PyResult<()> {
    if let Some(count) = settings.cpu_count.and_then(|count| i64::try_from(count).ok()) {
        CPU_COUNT.store(count, Ordering::Relaxed);
    }
    let mut flags = Vec::new();
    for (name, _) in FLAGS.fields {
        let value = settings.flags.iter().find(|(flag, _)| flag == name).map(|(_, value)| *value);
        flags.push(match (*name, value) {
            ("gil", _) => Value::NONE,
            ("dev_mode" | "safe_path", value) => Value::bool(value == Some(1)),
            (_, value) => super::number(thread, value.unwrap_or(0))?,
        });
    }
    let flags = FLAGS.make(thread, flags)?;
    set(thread, module, "flags", flags)?;
    let argv = decoded(thread, &settings.argv)?;
    set(thread, module, "argv", argv)?;
    let orig_argv = decoded(thread, &settings.orig_argv)?;
    set(thread, module, "orig_argv", orig_argv)?;
    let path = strings(thread, &settings.path)?;
    set(thread, module, "path", path)?;
    let warn_options = strings(thread, &settings.warn_options)?;
    set(thread, module, "warnoptions", warn_options)?;
    let executable = text(thread, &settings.executable)?;
    set(thread, module, "executable", executable.clone())?;
    set(thread, module, "_base_executable", executable)?;
    for name in ["prefix", "exec_prefix", "base_prefix", "base_exec_prefix"] {
        let prefix = text(thread, &settings.prefix)?;
        set(thread, module, name, prefix)?;
    }
    let stdlib = text(thread, &settings.stdlib)?;
    set(thread, module, "_stdlib_dir", stdlib)?;
    set(thread, module, "dont_write_bytecode", Value::bool(settings.dont_write_bytecode))?;
    let prefix = settings.pycache_prefix.as_ref().map_or(Ok(Value::NONE), |prefix| text(thread, prefix))?;
    set(thread, module, "pycache_prefix", prefix)?;
    let options = dict::new(thread)?;
    for (name, value) in &settings.x_options {
        let name = orochi_objects::str::intern(thread, name)?;
        let value = value.as_ref().map_or(Ok(Value::TRUE), |value| text(thread, value))?;
        options.set_str(thread, name, value)?;
    }
    set(thread, module, "_xoptions", options.into_value())
}
