//! What a device can do at best.

use cudarc::driver::{CudaContext, DriverError, sys::CUdevice_attribute as Attribute};

use crate::work::Work;

pub(crate) struct Machine {
    /// As in 90 for 9.0.
    pub(crate) capability: u32,
    pub(crate) multiprocessors: u64,
    /// Bytes of memory per second.
    pub(crate) memory: f64,
    /// Multiplications and additions per second, in f32.
    pub(crate) fma: f64,
    /// The same on tensor cores, in tf32 and without sparsity; 0 without them.
    pub(crate) tensor: f64,
}

/// NVIDIA H100 SXM, by its data sheet.
pub(crate) const H100: Machine = Machine {
    capability: 90,
    multiprocessors: 132,
    memory: 3.35e12,
    fma: 67e12,
    tensor: 494e12,
};

/// Whether kernels run on the tensor cores of CUDA device `index`, for a driver
/// that is there.
pub(crate) fn has_tensor_cores(index: usize) -> Result<bool, DriverError> {
    let context = CudaContext::new(index)?;
    Ok(capability(&context)? >= 80)
}

fn capability(context: &CudaContext) -> Result<u32, DriverError> {
    let (major, minor) = context.compute_capability()?;
    Ok((major * 10 + minor).unsigned_abs())
}

impl Machine {
    /// By the attributes of CUDA device `index`, for a driver that is there.
    pub(crate) fn of(index: usize) -> Result<Machine, DriverError> {
        let context = CudaContext::new(index)?;
        let of = |attribute| context.attribute(attribute).map(f64::from);
        let capability = capability(&context)?;
        let multiprocessors = of(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
        let hz = 1e3 * of(Attribute::CU_DEVICE_ATTRIBUTE_CLOCK_RATE)?;
        let memory_hz = 1e3 * of(Attribute::CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE)?;
        let bits = of(Attribute::CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH)?;
        // Per clock and multiprocessor, in f32 and in tf32.
        let (fma, tensor) = match capability {
            ..80 => (64.0, 0.0),
            80 => (64.0, 512.0),
            90 => (128.0, 1024.0),
            100..120 => (128.0, 2048.0),
            _ => (128.0, 128.0),
        };
        let flops = |each: f64| 2.0 * each * multiprocessors * hz;
        Ok(Machine {
            capability,
            multiprocessors: multiprocessors as u64,
            // Two transfers a clock.
            memory: 2.0 * memory_hz * bits / 8.0,
            fma: flops(fma),
            tensor: flops(tensor),
        })
    }

    /// Seconds that the arithmetic of the formula takes at least, and its bytes.
    pub(crate) fn least(&self, work: &Work) -> [f64; 2] {
        let arithmetic = match work.products {
            0 => work.flops / self.fma,
            products => work.flops * f64::from(products) / self.tensor,
        };
        [arithmetic, work.bytes() / self.memory]
    }
}
