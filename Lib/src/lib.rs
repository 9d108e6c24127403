//! Python's standard library: bytecode and compressed sources, made when this package is built, found without touching the
//! disk.
//!
//! The Python files are those of the `rustpython-pylib` crate (CPython's 3.14 library, under the PSF licence) and the
//! modules of Orochi's own beside this package's manifest, which take precedence.

#![forbid(unsafe_code)]

use std::borrow::Cow;

mod index {
    include!(concat!(env!("OUT_DIR"), "/index.rs"));
}

static BLOB: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/library.bin"));

/// The licence of the embedded library.
pub static LICENSE: &str = include_str!(concat!(env!("OUT_DIR"), "/PSF-LICENSE"));

/// A run of bytes in the blob.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    start: usize,
    len: usize,
}

/// A module of the library.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Its dotted name.
    pub name: &'static str,
    /// Whether it is a package.
    pub is_package: bool,
    code: Run,
    source: Run,
}

/// A file of the library that is no module.
#[derive(Clone, Copy, Debug)]
pub struct Data {
    /// Its path below the library's folder, with `/`.
    pub path: &'static str,
    content: Run,
}

fn unpack(run: Run) -> Option<Vec<u8>> {
    let packed = BLOB.get(run.start..run.start.checked_add(run.len)?)?;
    lz4_flex::decompress_size_prepended(packed).ok()
}

impl Module {
    /// The serialised bytecode (`orochi_compiler::serialize`), compiled without `-O`. It isn't compressed: what is never
    /// called is never read from the disk.
    pub fn code(&self) -> Cow<'static, [u8]> {
        Cow::Borrowed(BLOB.get(self.code.start..self.code.start + self.code.len).unwrap_or_default())
    }

    /// The source text, UTF-8.
    pub fn source(&self) -> String {
        String::from_utf8(unpack(self.source).unwrap_or_default()).unwrap_or_default()
    }

    /// The path of its file below the library's folder.
    pub fn path(&self) -> String {
        let path = self.name.replace('.', "/");
        if self.is_package { format!("{path}/__init__.py") } else { format!("{path}.py") }
    }
}

impl Data {
    /// The file's bytes.
    pub fn content(&self) -> Vec<u8> {
        unpack(self.content).unwrap_or_default()
    }
}

/// The module with this dotted name.
pub fn find(name: &str) -> Option<&'static Module> {
    let at = index::MODULES.binary_search_by(|module| module.name.cmp(name)).ok()?;
    index::MODULES.get(at)
}

/// Every module, sorted by name.
pub fn modules() -> &'static [Module] {
    index::MODULES
}

/// The data file with this path below the library's folder.
pub fn find_data(path: &str) -> Option<&'static Data> {
    let at = index::DATA.binary_search_by(|data| data.path.cmp(path)).ok()?;
    index::DATA.get(at)
}

/// Every data file, sorted by path.
pub fn data() -> &'static [Data] {
    index::DATA
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_there() {
        let os = find("os").expect("os");
        assert!(!os.is_package && os.source().contains("def makedirs") && !os.code().is_empty());
        assert!(find("collections").is_some_and(|module| module.is_package));
        assert!(find("_orochi_library").is_some() && find("nothing.here").is_none());
        assert!(modules().windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(!find("site").expect("site").source().contains("RustPython"));
    }
}
