//! Code that is read from its bytes when it is first looked at.
//!
//! Most functions of a module are never called. What making one needs ([`Facts`] and its names) is read with the code around
//! it; instructions, constants and tables stay bytes until somebody asks for them. Several threads may ask at once: one reads,
//! the others wait for it (`OnceLock`).
//!
//! Bytes may turn out to be malformed only then. Who runs the code asks [`LazyCode::read`]; for all others such code is empty.

use crate::code::{Code, Constant, flags};
use crate::serialize::{self, Malformed, Packed};
use std::ops::Deref;
use std::sync::{Arc, LazyLock, OnceLock};

/// What calling a function needs to know before its code is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub argcount: u32,
    pub posonlyargcount: u32,
    pub kwonlyargcount: u32,
    pub flags: u32,
    pub first_temp: u16,
    pub n_registers: u16,
}

/// See the module.
#[derive(Debug)]
pub struct LazyCode {
    facts: Facts,
    code: OnceLock<Result<Box<Code>, Malformed>>,
    /// Where it is read from; None if it was made here.
    packed: Option<Packed>,
}

/// What malformed code looks like. It has no instructions, so it passes no `verify`.
static EMPTY: LazyLock<Code> = LazyLock::new(Code::default);

impl LazyCode {
    pub(crate) fn packed(facts: Facts, packed: Packed) -> LazyCode {
        LazyCode { facts, code: OnceLock::new(), packed: Some(packed) }
    }

    /// What is known without reading it.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// co_name, without reading the code.
    pub fn name(&self) -> &str {
        self.packed.as_ref().map_or_else(|| &*self.name, Packed::name)
    }

    /// co_qualname, without reading the code.
    pub fn qualname(&self) -> &str {
        self.packed.as_ref().map_or_else(|| &*self.qualname, Packed::qualname)
    }

    /// co_filename, without reading the code.
    pub fn filename(&self) -> &Arc<str> {
        self.packed.as_ref().map_or_else(|| &self.filename, Packed::filename)
    }

    /// The docstring, without reading the rest.
    pub fn docstring(&self) -> Option<Constant> {
        if self.facts.flags & flags::HAS_DOCSTRING == 0 {
            return None;
        }
        match &self.packed {
            Some(packed) => serialize::read_first_constant(packed).ok(),
            None => self.constants.first().cloned(),
        }
    }

    /// The code, verified.
    ///
    /// # Errors
    /// `Malformed` if its bytes are not what serialising writes.
    pub fn read(&self) -> Result<&Code, Malformed> {
        let code = self.code.get_or_init(|| match &self.packed {
            Some(packed) => serialize::read_body(&self.facts, packed).map(Box::new),
            None => Err(Malformed::Invalid),
        });
        code.as_deref().map_err(|error| *error)
    }
}

impl Deref for LazyCode {
    type Target = Code;

    fn deref(&self) -> &Code {
        self.read().unwrap_or(&EMPTY)
    }
}

impl From<Code> for LazyCode {
    fn from(code: Code) -> LazyCode {
        let facts = Facts {
            argcount: code.argcount,
            posonlyargcount: code.posonlyargcount,
            kwonlyargcount: code.kwonlyargcount,
            flags: code.flags,
            first_temp: code.first_temp,
            n_registers: code.n_registers,
        };
        LazyCode { facts, code: OnceLock::from(Ok(Box::new(code))), packed: None }
    }
}

impl From<Code> for Arc<LazyCode> {
    fn from(code: Code) -> Arc<LazyCode> {
        Arc::new(code.into())
    }
}

impl PartialEq for LazyCode {
    fn eq(&self, other: &LazyCode) -> bool {
        std::ptr::eq(self, other) || **self == **other
    }
}
