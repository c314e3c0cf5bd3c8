//! Finding a device without ever failing hard.
//!
//! `cudarc` panics at the first call where the driver's library is missing or
//! lacks a function. So the library is looked for first, then every function
//! that is called here, and only then is anything called.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cudarc::driver::{CudaContext, result, sys};

use super::{Gpu, explain};

/// CUDA's number of the oldest driver that takes the committed PTX (ISA 8.4).
const DRIVER: i32 = 12_040;
/// The oldest devices that the kernels are made for.
const CAPABILITY: u32 = 75;

/// Every function of the driver that is called.
const FUNCTIONS: [&str; 40] = [
    "cuInit",
    "cuDriverGetVersion",
    "cuDeviceGetCount",
    "cuDeviceGet",
    "cuDeviceGetName",
    "cuDeviceGetAttribute",
    "cuDevicePrimaryCtxRetain",
    "cuDevicePrimaryCtxRelease_v2",
    "cuCtxGetCurrent",
    "cuCtxSetCurrent",
    "cuGetErrorName",
    "cuGetErrorString",
    "cuModuleLoadData",
    "cuModuleGetFunction",
    "cuModuleUnload",
    "cuMemGetInfo_v2",
    "cuMemAlloc_v2",
    "cuMemFree_v2",
    "cuMemHostAlloc",
    "cuMemFreeHost",
    "cuMemcpyHtoDAsync_v2",
    "cuMemcpyDtoHAsync_v2",
    "cuMemcpyDtoDAsync_v2",
    "cuMemsetD8Async",
    "cuStreamCreate",
    "cuStreamDestroy_v2",
    "cuStreamSynchronize",
    "cuStreamBeginCapture_v2",
    "cuStreamEndCapture",
    "cuLaunchKernel",
    "cuGraphInstantiateWithFlags",
    "cuGraphLaunch",
    "cuGraphExecDestroy",
    "cuGraphDestroy",
    "cuCtxSynchronize",
    "cuEventCreate",
    "cuEventRecord",
    "cuEventSynchronize",
    "cuEventElapsedTime",
    "cuEventDestroy_v2",
];

/// Opens device `index`, or says in a few words why that is not possible.
pub(super) fn open(index: usize) -> Result<Arc<Gpu>, String> {
    look_for_driver()?;
    result::init()
        .map_err(|error| format!("the CUDA driver does not start: {}", explain(&error)))?;
    check_version()?;
    let failed = |error| explain(&error);
    let count = CudaContext::device_count().map_err(failed)?;
    let count = usize::try_from(count).unwrap_or(0);
    if index >= count {
        return Err(match count {
            0 => "there is no CUDA device".into(),
            1 => format!("there is no CUDA device {index}; there is only device 0"),
            _ => format!(
                "there is no CUDA device {index}; there are 0 to {}",
                count - 1
            ),
        });
    }
    start(index)
}

fn look_for_driver() -> Result<(), String> {
    #[allow(unsafe_code, reason = "opening a library runs its initialisers")]
    // SAFETY: the library is the driver that the system names so.
    let library = unsafe {
        if !sys::is_culib_present() {
            return Err("there is no CUDA driver (libcuda.so.1)".into());
        }
        sys::culib()
    };
    let missing = |name: &&&str| {
        #[allow(unsafe_code, reason = "the symbol is looked for, never called")]
        // SAFETY: as the reason says.
        unsafe {
            library
                .get::<unsafe extern "C" fn()>(name.as_bytes())
                .is_err()
        }
    };
    match FUNCTIONS.iter().find(missing) {
        Some(name) => Err(format!(
            "the CUDA driver is too old or broken: it lacks {name}"
        )),
        None => Ok(()),
    }
}

fn check_version() -> Result<(), String> {
    let mut version = 0;
    #[allow(unsafe_code, reason = "a call of the driver")]
    // SAFETY: it writes one number.
    let found = unsafe { sys::cuDriverGetVersion(&raw mut version) };
    let of = |version: i32| format!("{}.{}", version / 1000, version % 1000 / 10);
    match found.result() {
        Ok(()) if version >= DRIVER => Ok(()),
        Ok(()) => Err(format!(
            "the CUDA driver is for CUDA {}, at least {} is needed (NVIDIA driver 550 or newer)",
            of(version),
            of(DRIVER)
        )),
        Err(error) => Err(explain(&error)),
    }
}

fn start(index: usize) -> Result<Arc<Gpu>, String> {
    let failed = |error| explain(&error);
    let context = CudaContext::new(index)
        .map_err(|error| format!("CUDA device {index} does not start: {}", explain(&error)))?;
    let name = context.name().map_err(failed)?;
    let (major, minor) = context.compute_capability().map_err(failed)?;
    let capability = (major * 10 + minor).unsigned_abs();
    if capability < CAPABILITY {
        return Err(format!(
            "CUDA device {index} ({name}) has compute capability {major}.{minor}, at least {}.{} is needed",
            CAPABILITY / 10,
            CAPABILITY % 10
        ));
    }
    let stream = context.new_stream().map_err(failed)?;
    let mut gpu = Gpu {
        context,
        stream,
        modules: Vec::new(),
        functions: HashMap::new(),
        kind: format!("CUDA {major}.{minor}, {name}"),
        name: format!("{name} (CUDA device {index}, compute capability {major}.{minor})"),
        capability,
        failure: Mutex::new(None),
    };
    for module in kernels::MODULES {
        if module.capability <= capability {
            gpu.load(module).map_err(|error| {
                format!(
                    "loading the kernels of {}.cu: {}",
                    module.name,
                    explain(&error)
                )
            })?;
        }
    }
    Ok(Arc::new(gpu))
}
