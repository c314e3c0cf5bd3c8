//! How a kernel is declared.

use std::ffi::c_void;
use std::marker::PhantomData;

/// Values on a device that a kernel reads. It keeps the memory borrowed while a
/// launch is put together; the device keeps the order of what was launched.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct In<'a, T>(u64, PhantomData<&'a [T]>);

/// Values on a device that a kernel writes.
#[derive(Debug)]
#[repr(transparent)]
pub struct Out<'a, T>(u64, PhantomData<&'a mut [T]>);

impl<T> In<'_, T> {
    /// The values at a device address; 0 for none.
    pub fn new(address: u64) -> Self {
        In(address, PhantomData)
    }
}

impl<T> Out<'_, T> {
    /// The values at a device address; 0 for none.
    pub fn new(address: u64) -> Self {
        Out(address, PhantomData)
    }
}

/// What there is to know of a kernel without launching it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name in the PTX.
    pub name: &'static str,
    /// Threads of a block.
    pub threads: u32,
    /// Bytes of each argument.
    pub arguments: &'static [usize],
}

/// A kernel with its arguments.
pub trait Kernel {
    /// Its name, threads and argument sizes.
    const ENTRY: Entry;

    /// Calls `launch` with the address of every argument.
    fn arguments<R>(&self, launch: impl FnOnce(&mut [*mut c_void]) -> R) -> R;
}

/// Declares the kernels of a source file: a struct each, and their table.
macro_rules! kernels {
    (
        $file:literal for $capability:literal;
        $( $(#[$doc:meta])* $kernel:ident = $name:literal, $threads:literal threads {
            $( $(#[$field_doc:meta])* $field:ident: $type:ty, )*
        } )*
    ) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $kernel<'a> {
                $( $(#[$field_doc])* pub $field: $type, )*
            }

            impl<'a> $crate::Kernel for $kernel<'a> {
                const ENTRY: $crate::Entry = $crate::Entry {
                    name: $name,
                    threads: $threads,
                    arguments: &[$( size_of::<$type>() ),*],
                };

                fn arguments<R>(&self, launch: impl FnOnce(&mut [*mut std::ffi::c_void]) -> R) -> R {
                    launch(&mut [$( (&raw const self.$field).cast_mut().cast() ),*])
                }
            }
        )*

        /// The PTX of this file and its kernels.
        pub const MODULE: $crate::Module = $crate::Module {
            name: $file,
            ptx: include_str!(concat!("../ptx/", $file, ".ptx")),
            capability: $capability,
            entries: &[$( <$kernel<'static> as $crate::Kernel>::ENTRY ),*],
        };
    };
}
pub(crate) use kernels;
