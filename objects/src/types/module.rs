//! `module`, and the definition of native modules.

use crate::class::{MethodDef, PyClass, StaticType};
use crate::convert::IntoPy;
use crate::error::PyResult;
use crate::types::dict::{self, DictExt, PyDict};
use crate::types::r#type::PyType;
use orochi_core::{AtomicField, Obj, Owned, Thread, Value};
use orochi_macros::{Trace, pyclass};

/// A module: a namespace with a name.
#[pyclass(name = "module", subclassable, weakref)]
#[derive(Trace)]
pub struct PyModule {
    /// `__dict__`.
    pub(crate) namespace: AtomicField,
}

/// A native module; made by `#[pymodule]`.
pub struct ModuleDef {
    /// Its name.
    pub name: &'static str,
    /// `__doc__`.
    pub doc: &'static str,
    /// Functions.
    pub functions: &'static [&'static MethodDef],
    /// Classes.
    pub classes: &'static [fn() -> &'static StaticType],
    /// Adds the rest.
    pub init: fn(&mut Thread, &Obj<PyModule>) -> PyResult<()>,
}

impl ModuleDef {
    /// Makes the module.
    pub fn create(&'static self, thread: &mut Thread) -> PyResult<Owned<PyModule>> {
        let module = new(thread, self.name, Some(self.doc).filter(|doc| !doc.is_empty()))?;
        let name = crate::str::new(thread, self.name)?;
        for function in self.functions {
            function.signature.set_module(self.name);
            let object = crate::types::native_function::new(
                thread,
                function,
                Some(module.to_value()),
                Some(name.clone()),
            )?;
            module.add(thread, function.name, object)?;
        }
        for class in self.classes {
            let class = class();
            module.add(thread, class.spec().name, class.get().to_value())?;
        }
        (self.init)(thread, &module)?;
        Ok(module)
    }
}

/// An empty module.
pub fn new(thread: &Thread, name: &str, doc: Option<&str>) -> PyResult<Owned<PyModule>> {
    let namespace = dict::new(thread)?;
    namespace.initialise_str(thread, crate::name!("__name__"), crate::str::new(thread, name)?)?;
    let doc = doc.map_or(Ok(Value::NONE), |doc| crate::str::new(thread, doc))?;
    namespace.initialise_str(thread, crate::name!("__doc__"), doc)?;
    for empty in [crate::name!("__package__"), crate::name!("__loader__"), crate::name!("__spec__")] {
        namespace.initialise_str(thread, empty, Value::NONE)?;
    }
    subclass_object(thread, PyModule::static_type().get(), namespace)
}

/// A module of this class with this namespace.
pub fn subclass_object(
    thread: &Thread,
    class: &Obj<PyType>,
    namespace: Owned<PyDict>,
) -> PyResult<Owned<PyModule>> {
    crate::alloc(thread, class, PyModule { namespace: AtomicField::new_local(namespace.into_value()) })
}

impl PyModule {
    /// Whether instances of the class are modules.
    pub(crate) fn is_subclass(class: &Obj<PyType>) -> bool {
        class.fields.layout.extends(<PyModule as orochi_core::Payload>::LAYOUT)
    }

    /// The namespace, if it is exactly a dict, as it nearly always is.
    #[inline(always)]
    pub fn plain_namespace<'a>(&'a self, thread: &'a Thread) -> Option<&'a Obj<PyDict>> {
        self.namespace.load(thread).and_then(crate::class::exactly)
    }

    /// The module's `__dict__`.
    pub fn namespace<'a>(&'a self, thread: &'a Thread) -> &'a Obj<PyDict> {
        match self.namespace.load(thread).and_then(orochi_core::Ref::downcast::<PyDict>) {
            Some(namespace) => namespace,
            None => dict::empty_shared(thread),
        }
    }
}

/// Adding to modules.
pub trait ModuleExt {
    /// Sets a name in the module's namespace.
    fn add(&self, thread: &mut Thread, name: &str, value: impl IntoPy) -> PyResult<()>;

    /// Adds a class under its own name.
    fn add_class<T: PyClass>(&self, thread: &mut Thread) -> PyResult<()>;
}

impl ModuleExt for Obj<PyModule> {
    fn add(&self, thread: &mut Thread, name: &str, value: impl IntoPy) -> PyResult<()> {
        let value = value.into_py(thread)?;
        let name = crate::str::intern(thread, name)?;
        let namespace = self.namespace(thread).to_owned();
        namespace.set_str(thread, name, value)
    }

    fn add_class<T: PyClass>(&self, thread: &mut Thread) -> PyResult<()> {
        self.add(thread, T::NAME, T::static_type().get().to_value())
    }
}
