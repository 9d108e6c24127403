//! Declaring a payload: its fields, its layout, its class, and attributes that read and write the fields.

/// `payload! { Type for Class { field "attribute" "documentation", … } }`: declares the struct; the named attributes can
/// be set to anything and read as None when they were deleted. Their part is `Type::MEMBERS`.
macro_rules! payload {
    ($(#[$doc:meta])* $type:ident for $class:ident { $($field:ident $($name:literal $field_doc:literal)?,)* }) => {
        $(#[$doc])*
        #[derive(orochi_macros::Trace)]
        #[repr(C)]
        pub struct $type {
            pub(crate) base: $crate::types::exception::PyBaseException,
            $(pub(crate) $field: orochi_core::AtomicField,)*
        }

        // SAFETY: the layout is made from the type, which begins with its base's payload (`repr(C)`), and lies in a static.
        unsafe impl orochi_core::Payload for $type {
            const LAYOUT: &'static orochi_core::Layout = {
                static LAYOUT: orochi_core::Layout = orochi_core::Layout::of::<$type>()
                    .with_base(<$crate::types::exception::PyBaseException as orochi_core::Payload>::LAYOUT);
                &LAYOUT
            };
        }

        impl $crate::class::PyClass for $type {
            const NAME: &'static str = stringify!($class);
            const MODULE: &'static str = "builtins";
            #[inline(always)]
            fn static_type() -> &'static $crate::class::StaticType {
                &$crate::types::exception::$class
            }
        }

        impl $type {
            /// An exception with these arguments and empty fields.
            pub(crate) fn blank(
                thread: &orochi_core::Thread,
                args: &$crate::args::Args<'_>,
            ) -> $crate::error::PyResult<$type> {
                Ok($type {
                    base: $crate::types::exception::PyBaseException::from_args(thread, args)?,
                    $($field: orochi_core::AtomicField::empty(),)*
                })
            }

            /// The attributes that are fields.
            #[allow(dead_code, reason = "a class without such attributes doesn't list this part")]
            pub(crate) const MEMBERS: $crate::class::MethodPart = $crate::class::MethodPart {
                slots: $crate::slots::Slots::EMPTY,
                methods: &[],
                getset: &[$($($crate::class::GetSetDef {
                    name: $name,
                    get: Some(|thread, this| {
                        let this = $crate::slot_receiver::<$type>(this)?;
                        Ok(this.$field.get(thread).unwrap_or(orochi_core::Value::NONE))
                    }),
                    set: Some(|thread, this, value| {
                        let this = $crate::slot_receiver::<$type>(this)?;
                        drop(this.$field.swap(this, thread, value.map(orochi_core::Ref::to_owned)));
                        Ok(())
                    }),
                    doc: $field_doc,
                    member: true,
                },)?)*],
                construction: "",
            };
        }
    };
}

/// Sets fields of an exception, each to an optional value.
macro_rules! set_fields {
    ($this:ident, $thread:ident, $($field:ident = $value:expr;)*) => {
        {
            $(drop($this.$field.swap($this, $thread, $value));)*
        }
    };
}
