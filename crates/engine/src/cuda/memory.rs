//! Memory of a device.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bytemuck::Pod;
use cudarc::driver::result;
use cudarc::driver::sys::CUresult;
use kernels::{In, Out};

use super::Gpu;
use crate::Error;
use crate::memory::SMALLER_BATCH;

/// Values of one type on a device.
pub(crate) struct Memory<T> {
    gpu: Arc<Gpu>,
    /// 0 if there are no values: the driver knows no empty allocation.
    address: u64,
    len: usize,
    values: PhantomData<T>,
}

impl<T: Pod> Memory<T> {
    /// Room for `len` values, which are undefined until they are written.
    ///
    /// # Errors
    /// [`Error::Memory`] where the device has not so much left, [`Error::Cuda`]
    /// where it has failed.
    pub(crate) fn new(gpu: &Arc<Gpu>, len: usize) -> Result<Memory<T>, Error> {
        let mut address = 0;
        if len > 0 {
            let bytes = len * size_of::<T>();
            let allocate = || {
                gpu.context.bind_to_thread()?;
                #[allow(unsafe_code, reason = "a call of the driver")]
                // SAFETY: the bytes are not read before they are written.
                unsafe {
                    result::malloc_sync(bytes)
                }
            };
            address = allocate().map_err(|cause| match cause.0 {
                CUresult::CUDA_ERROR_OUT_OF_MEMORY => Error::Memory {
                    what: "making a buffer".into(),
                    needed: bytes as u128,
                    available: gpu.free(),
                    remedy: SMALLER_BATCH,
                },
                _ => gpu.fail("making a buffer", &cause),
            })?;
        }
        Ok(Memory {
            gpu: Arc::clone(gpu),
            address,
            len,
            values: PhantomData,
        })
    }

    /// A copy of `values`.
    ///
    /// # Errors
    /// As [`Memory::new`].
    pub(crate) fn of(gpu: &Arc<Gpu>, values: &[T]) -> Result<Memory<T>, Error> {
        let mut memory = Memory::new(gpu, values.len())?;
        memory.upload(values);
        Ok(memory)
    }

    pub(crate) fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }

    pub(crate) fn address(&self) -> u64 {
        self.address
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// To be read by a kernel.
    pub(crate) fn input(&self) -> In<'_, T> {
        In::new(self.address)
    }

    /// The same bits as values of another type of the same size.
    pub(crate) fn input_as<U>(&self) -> In<'_, U> {
        const { assert!(size_of::<U>() == size_of::<T>()) };
        In::new(self.address)
    }

    /// The same, to be written by a kernel.
    pub(crate) fn output_as<U>(&mut self) -> Out<'_, U> {
        const { assert!(size_of::<U>() == size_of::<T>()) };
        Out::new(self.address)
    }

    /// To be written by a kernel.
    pub(crate) fn output(&mut self) -> Out<'_, T> {
        Out::new(self.address)
    }

    /// Overwrites the first values. They are copied before the call returns.
    pub(crate) fn upload(&mut self, values: &[T]) {
        self.upload_at(0, values);
    }

    /// Overwrites the values from `at` on.
    pub(crate) fn upload_at(&mut self, at: usize, values: &[T]) {
        assert!(at + values.len() <= self.len, "room for {}", self.len);
        if values.is_empty() {
            return;
        }
        let address = self.address + (at * size_of::<T>()) as u64;
        self.gpu.attempt("copying to the device", |gpu| {
            #[allow(unsafe_code, reason = "a call of the driver")]
            // SAFETY: the destination is live and large enough; from memory that is not
            // page-locked the driver copies before it returns.
            unsafe {
                result::memcpy_htod_async(address, values, gpu.stream.cu_stream())
            }
        });
    }

    /// Copies the first values to the host, and waits for them.
    ///
    /// # Errors
    /// [`Error::Cuda`] with whatever went wrong on the device before.
    pub(crate) fn download(&self, values: &mut [T]) -> Result<(), Error> {
        self.download_at(0, values)
    }

    /// The same of the values from `at` on.
    ///
    /// # Errors
    /// As [`Memory::download`].
    pub(crate) fn download_at(&self, at: usize, values: &mut [T]) -> Result<(), Error> {
        assert!(at + values.len() <= self.len, "{} values", self.len);
        let address = self.address + (at * size_of::<T>()) as u64;
        if !values.is_empty() {
            self.gpu.attempt("copying from the device", |gpu| {
                #[allow(unsafe_code, reason = "a call of the driver")]
                // SAFETY: the source is live and large enough, and the destination is
                // borrowed until the wait below is over.
                unsafe {
                    result::memcpy_dtoh_async(values, address, gpu.stream.cu_stream())
                }
            });
        }
        self.gpu.finish()
    }

    /// Copies `len` values of `from`, from `start` on, to `at`.
    pub(crate) fn copy(&mut self, at: usize, from: &Memory<T>, start: usize, len: usize) {
        assert!(start + len <= from.len, "in range");
        self.copy_from(at, from.address, start, len);
    }

    /// Copies `len` of its own values, from `start` on, to `at`; the two ranges
    /// must not overlap.
    pub(crate) fn move_within(&mut self, at: usize, start: usize, len: usize) {
        assert!(
            start + len <= self.len && at.abs_diff(start) >= len,
            "in range"
        );
        self.copy_from(at, self.address, start, len);
    }

    fn copy_from(&mut self, at: usize, from: u64, start: usize, len: usize) {
        assert!(at + len <= self.len, "in range");
        if len == 0 {
            return;
        }
        let size = size_of::<T>();
        let [to, from] =
            [(self.address, at), (from, start)].map(|(address, i)| address + (i * size) as u64);
        self.gpu.attempt("copying on the device", |gpu| {
            #[allow(unsafe_code, reason = "a call of the driver")]
            // SAFETY: both ranges lie in live memory, as was just checked.
            unsafe {
                result::memcpy_dtod_async(to, from, len * size, gpu.stream.cu_stream())
            }
        });
    }
}

impl<T> Drop for Memory<T> {
    fn drop(&mut self) {
        if self.address != 0 {
            // The driver frees when what was launched before has ended.
            self.gpu.attempt("freeing memory", |_| {
                #[allow(unsafe_code, reason = "a call of the driver")]
                // SAFETY: it was allocated in `new`, and nobody can name it any more.
                unsafe {
                    result::free_sync(self.address)
                }
            });
        }
    }
}

impl<T> fmt::Debug for Memory<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values on {}", self.len, self.gpu.name())
    }
}
