//! Compiles the standard library and packs it: `library.bin` holds bytecode and compressed sources, `index.rs` says where.

mod amend;

use orochi_compiler::{CompileOptions, Mode};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Folders of the library that aren't embedded: graphical programs, and pip's wheel.
const LEFT_OUT: &[&str] = &[
    "idlelib",
    "tkinter",
    "turtledemo",
    "turtle.py",
    "test",
    "lib2to3",
    "site-packages",
    "ensurepip/_bundled",
];

/// Small changes to the library's files: where they name the implementation they were edited for.
const CHANGES: &[(&str, &str, &str)] = &[
    ("site.py", "RustPython", "Orochi"),
    ("site.py", "rustpython", "orochi"),
    ("site.py", ".python_history", ".orochi_history"),
    ("sysconfig/__init__.py", "RustPython", "Orochi"),
    ("sysconfig/__init__.py", "rustpython", "orochi"),
    (
        "sysconfig/__init__.py",
        "f'_sysconfigdata_{sys.abiflags}_{sys.platform}_{multiarch}'",
        "'_sysconfigdata'",
    ),
    ("platform.py", "RustPython", "Orochi"),
];

struct File {
    /// Path below the library's folder, with `/`.
    path: String,
    disk: PathBuf,
}

struct Packed {
    code: Vec<u8>,
    source: Vec<u8>,
}

fn main() {
    let own = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    // All of it: new files, too.
    println!("cargo::rerun-if-changed={}", own.display());
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut files = BTreeMap::new();
    let library = Path::new(rustpython_pylib::LIB_PATH);
    collect(library, library, &mut files);
    for file in std::fs::read_dir(&own).expect("own folder").flatten() {
        let path = file.path();
        if path.extension().is_some_and(|extension| extension == "py") {
            let name = file.file_name().to_string_lossy().into_owned();
            files.insert(name.clone(), File { path: name, disk: path });
        }
    }
    for package in ["_ctypes", "_ssl", "orochi"] {
        collect(&own, &own.join(package), &mut files);
    }
    std::fs::copy(library.join("PSF-LICENSE"), out.join("PSF-LICENSE")).expect("the library's licence");
    let files: Vec<File> = files.into_values().collect();
    let packed = compile_all(&files, &own.join("amendments"));
    write(&out, &files, packed);
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, File>) {
    for entry in std::fs::read_dir(folder).expect("library folder").flatten() {
        let disk = entry.path();
        let relative = disk.strip_prefix(root).expect("below the root");
        let path = relative.to_string_lossy().replace('\\', "/");
        if LEFT_OUT.contains(&path.as_str()) || path.ends_with("__pycache__") || path.ends_with(".pyc") {
            continue;
        }
        if disk.is_dir() {
            collect(root, &disk, files);
        } else {
            files.insert(path.clone(), File { path, disk });
        }
    }
}

/// Compiles every module on all cores; data files are only compressed.
fn compile_all(files: &[File], amendments: &Path) -> Vec<Packed> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(BTreeMap::new());
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            // The compiler recurses over nested expressions.
            let work = || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(at) else { break };
                    let packed = pack(file, amendments);
                    results.lock().expect("no worker panicked").insert(at, packed);
                }
            };
            std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, work).expect("a thread");
        }
    });
    results.into_inner().expect("no worker panicked").into_values().collect()
}

fn pack(file: &File, amendments: &Path) -> Packed {
    let bytes = std::fs::read(&file.disk).expect("a readable file");
    if !file.path.ends_with(".py") {
        return Packed { code: Vec::new(), source: lz4_flex::compress_prepend_size(&bytes) };
    }
    let mut source = String::from_utf8(bytes).unwrap_or_else(|error| {
        // The few files in Latin-1.
        error.into_bytes().iter().map(|byte| char::from(*byte)).collect()
    });
    for (path, from, to) in CHANGES {
        if *path == file.path {
            source = source.replace(from, to);
        }
    }
    let source = amend::amended(amendments, &file.path, source);
    let filename: Arc<str> = file.path.as_str().into();
    let options = CompileOptions::default();
    let code = match orochi_compiler::compile(&source, &filename, Mode::Exec, &options) {
        Ok((code, _warnings)) => orochi_compiler::serialize::to_bytes(&code),
        Err(error) => panic!("{}: {error:?}", file.path),
    };
    Packed { code, source: lz4_flex::compress_prepend_size(source.as_bytes()) }
}

fn module_name(path: &str) -> (String, bool) {
    let stem = path.strip_suffix(".py").unwrap_or(path);
    match stem.strip_suffix("/__init__") {
        Some(package) => (package.replace('/', "."), true),
        None => (stem.replace('/', "."), false),
    }
}

fn write(out: &Path, files: &[File], packed: Vec<Packed>) {
    let mut blob = Vec::new();
    let mut put = |bytes: &[u8]| {
        let start = blob.len();
        blob.extend_from_slice(bytes);
        format!("crate::Run {{ start: {start}, len: {} }}", bytes.len())
    };
    let mut modules = BTreeMap::new();
    let mut data = BTreeMap::new();
    for (file, packed) in files.iter().zip(&packed) {
        let source = put(&packed.source);
        if file.path.ends_with(".py") {
            let (name, package) = module_name(&file.path);
            let code = put(&packed.code);
            let entry = format!(
                "crate::Module {{ name: {name:?}, is_package: {package}, code: {code}, source: {source} }}"
            );
            modules.insert(name, entry);
        } else {
            let entry = format!("crate::Data {{ path: {:?}, content: {source} }}", file.path);
            data.insert(file.path.clone(), entry);
        }
    }
    let mut index = String::new();
    list(&mut index, "MODULES", "Module", modules);
    list(&mut index, "DATA", "Data", data);
    std::fs::write(out.join("index.rs"), index).expect("the output folder");
    std::fs::write(out.join("library.bin"), blob).expect("the output folder");
}

fn list(index: &mut String, name: &str, class: &str, entries: BTreeMap<String, String>) {
    let _ = writeln!(index, "pub(crate) static {name}: &[crate::{class}] = &[");
    for entry in entries.into_values() {
        let _ = writeln!(index, "    {entry},");
    }
    let _ = writeln!(index, "];");
}
