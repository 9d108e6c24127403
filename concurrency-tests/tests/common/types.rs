//! Stand-ins for the classes and strs of `objects/`, with the little that the files under test ask of them.

#[path = "../../../objects/src/types/type_/changing.rs"]
pub(crate) mod changing;

pub(crate) mod str {
    /// A name.
    pub(crate) struct PyStr;

    impl PyStr {
        pub(crate) fn hash(&self) -> i64 {
            0
        }
    }
}

pub(crate) mod r#type {
    use super::changing::Changing;
    use super::str::PyStr;
    use crate::storage::instance::InstanceLayout;
    use crate::storage::shape::ShapeTree;
    use orochi_core::object::TypeFields;
    use orochi_core::{AtomicField, Obj, Ref, Thread};

    /// A class; as the real one it begins with what the runtime reads.
    #[repr(C)]
    pub(crate) struct PyType {
        pub(crate) fields: TypeFields,
        pub(crate) layout: InstanceLayout,
        pub(crate) shapes: ShapeTree,
        pub(crate) changing: Changing,
        /// The only entry of the namespace.
        pub(crate) entry: AtomicField,
    }

    impl PyType {
        pub(crate) fn instance_layout(&self) -> InstanceLayout {
            self.layout
        }

        pub(crate) fn attributes_at(&self) -> u32 {
            self.fields.extension
        }

        pub(crate) fn shapes(&self) -> &ShapeTree {
            &self.shapes
        }

        pub(crate) fn is_changing(&self) -> bool {
            self.changing.is_under_way()
        }

        /// No model has slots.
        pub(crate) fn has_version(&self, _version: u32) -> bool {
            false
        }
    }

    pub(crate) trait TypeExt {
        fn lookup_uncached<'a>(&'a self, thread: &'a Thread, name: &Obj<PyStr>) -> Option<Ref<'a>>;
    }

    impl TypeExt for Obj<PyType> {
        fn lookup_uncached<'a>(&'a self, thread: &'a Thread, _: &Obj<PyStr>) -> Option<Ref<'a>> {
            self.entry.load(thread)
        }
    }
}
