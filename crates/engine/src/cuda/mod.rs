//! A CUDA device: the driver's library, memory, launches, graphs.
//!
//! Everything goes through one stream, so the device does in order what is
//! asked of it. Work is only asked for here; what went wrong is learnt where
//! results are read back ([`Memory::download`]).

mod call;
mod correlation;
mod dense;
mod graph;
mod memory;
mod probe;
mod timer;
mod weights;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use cudarc::driver::{CudaContext, CudaStream, DriverError, result, sys};
use kernels::{Kernel, Module};

use crate::Error;
pub(crate) use call::Call;
pub(crate) use correlation::Correlation;
pub(crate) use dense::Dense;
pub(crate) use graph::Graph;
pub(crate) use memory::Memory;
pub(crate) use weights::Weights;

/// A device, with the kernels loaded.
pub(crate) struct Gpu {
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    modules: Vec<sys::CUmodule>,
    functions: HashMap<&'static str, sys::CUfunction>,
    /// Number and name, as users see them.
    name: String,
    /// Compute capability and name, the same of all devices of one kind.
    kind: String,
    /// As in 75 for 7.5.
    capability: u32,
    /// What went wrong first; from then on nothing is launched.
    failure: Mutex<Option<String>>,
}

#[allow(unsafe_code, reason = "the driver's handles are addresses")]
// SAFETY: the driver lets any thread use a module or a function whose context it has
// made current, and every use here does that.
unsafe impl Send for Gpu {}
#[allow(unsafe_code, reason = "as above")]
// SAFETY: as above; the driver locks for itself.
unsafe impl Sync for Gpu {}

impl Gpu {
    /// Device `index`, with all kernels loaded that it can run.
    ///
    /// # Errors
    /// [`Error::NoCuda`] says in one line why there is none.
    pub(crate) fn open(index: usize) -> Result<Arc<Gpu>, Error> {
        probe::open(index).map_err(|reason| Error::NoCuda { reason })
    }

    fn load(&mut self, module: &Module) -> Result<(), DriverError> {
        let image = std::ffi::CString::new(module.ptx).expect("PTX is text");
        #[allow(unsafe_code, reason = "a call of the driver")]
        // SAFETY: the image is PTX, closed by a zero; the names are those in it.
        unsafe {
            let loaded = result::module::load_data(image.as_ptr().cast())?;
            self.modules.push(loaded);
            for entry in module.entries {
                let name = std::ffi::CString::new(entry.name).expect("a name has no zero");
                let function = result::module::get_function(loaded, name)?;
                self.functions.insert(entry.name, function);
            }
        }
        Ok(())
    }

    /// Number and name of the device.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What its results depend on in the last bits: compute capability and name.
    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    /// Whether it has tensor cores that take 32-bit floats (`mma.sync`, tf32).
    pub(crate) fn has_tensor_cores(&self) -> bool {
        self.capability >= 80
    }

    /// Asks for a kernel to be run; the only place that does. After a failure
    /// nothing is.
    pub(crate) fn launch<K: Kernel>(&self, grid: [u32; 3], kernel: &K) {
        if grid.contains(&0) {
            return;
        }
        self.attempt(K::ENTRY.name, |gpu| {
            let function = gpu.functions[K::ENTRY.name];
            let (grid, block) = ((grid[0], grid[1], grid[2]), (K::ENTRY.threads, 1, 1));
            kernel.arguments(|arguments| {
                #[allow(unsafe_code, reason = "a call of the driver")]
                // SAFETY: a test of `kernels` holds number and sizes of the arguments to
                // those that the kernel declares; the memory that they name is borrowed
                // by `kernel`, and is only freed in the order of this stream.
                unsafe {
                    result::launch_kernel(
                        function,
                        grid,
                        block,
                        0,
                        gpu.stream.cu_stream(),
                        arguments,
                    )
                }
            })
        });
    }

    /// Does something with the driver, unless something has failed before.
    fn attempt(&self, what: &str, work: impl FnOnce(&Gpu) -> Result<(), DriverError>) {
        let mut failure = self.failure.lock().expect("nobody panics while it is held");
        if failure.is_none()
            && let Err(cause) = self.context.bind_to_thread().and_then(|()| work(self))
        {
            *failure = Some(format!("{what}: {}", explain(&cause)));
        }
    }

    /// The error of a device that has failed: now, or before.
    fn fail(&self, what: &str, cause: &DriverError) -> Error {
        let mut failure = self.failure.lock().expect("nobody panics while it is held");
        let cause = failure.get_or_insert_with(|| format!("{what}: {}", explain(cause)));
        Error::Cuda {
            device: self.name.clone(),
            cause: cause.clone(),
        }
    }

    /// Waits until all is done that was asked for.
    ///
    /// # Errors
    /// [`Error::Cuda`] with what went wrong since the device was opened.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        self.attempt("waiting for the device", |gpu| gpu.stream.synchronize());
        let failure = self.failure.lock().expect("nobody panics while it is held");
        match &*failure {
            None => Ok(()),
            Some(cause) => Err(Error::Cuda {
                device: self.name.clone(),
                cause: cause.clone(),
            }),
        }
    }

    /// Bytes that are free on the device.
    pub(crate) fn free(&self) -> u128 {
        let info = || {
            self.context.bind_to_thread()?;
            result::mem_get_info()
        };
        info().map_or(0, |(free, _)| free as u128)
    }
}

impl fmt::Debug for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gpu({})", self.name)
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        for module in std::mem::take(&mut self.modules) {
            self.attempt("unloading kernels", |_| {
                #[allow(unsafe_code, reason = "a call of the driver")]
                // SAFETY: nobody launches its functions after this.
                unsafe {
                    result::module::unload(module)
                }
            });
        }
    }
}

/// What the driver says of an error.
fn explain(error: &DriverError) -> String {
    let text = |text: Result<&std::ffi::CStr, DriverError>| {
        text.map_or_else(|_| format!("{:?}", error.0), |t| t.to_string_lossy().into())
    };
    text(error.error_string())
}

/// A size or index as the kernels take it.
pub(crate) fn int(size: usize) -> i32 {
    i32::try_from(size).expect("plans refuse sizes of 2^31 and more")
}

/// Blocks of `threads` for `len` threads.
pub(crate) fn blocks(len: usize, threads: u32) -> [u32; 3] {
    let blocks = len.div_ceil(threads as usize);
    [
        u32::try_from(blocks).expect("plans refuse sizes of 2^31 and more"),
        1,
        1,
    ]
}
