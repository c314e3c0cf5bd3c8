//! A simulated NVIDIA driver for tests: a `libcuda.so.1` that runs the kernels
//! of this repository on the CPU.
//!
//! It says nothing about speed on a GPU. What it does show: wrong indices, sizes
//! and argument lists, missing waits and barriers, values that nobody wrote,
//! and what a program does when memory or the device is lost.
//!
//! Streams are lazy: work is done when the program waits for it, copies to the
//! host too. A `Vec` that such a copy goes to must live until then.
//!
//! Every [`Knob`] is also an environment variable, `CUDA_SIM_` and its name in
//! capitals, for programs that find the library through `LD_LIBRARY_PATH`. Such
//! a program writes its [`Counts`] to the file that `CUDA_SIM_COUNT` names.

use std::ffi::{CStr, c_char, c_int, c_long};
use std::path::Path;
use std::sync::OnceLock;

use libloading::{Library, Symbol};

/// The simulated `libcuda.so.1`. Its folder can stand in `LD_LIBRARY_PATH`.
pub fn library() -> &'static Path {
    Path::new(env!("CUDA_SIM_LIBRARY"))
}

/// What can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Knob {
    /// Compute capability, 75 for 7.5. At first 90.
    Capability,
    /// Version of the driver, 12040 for CUDA 12.4, as at first.
    Driver,
    /// Memory of a device in MiB. At first 4096.
    Memory,
    /// Number of devices. At first 1.
    Devices,
    /// Order of threads and blocks: 0 ascending, as at first, 1 descending,
    /// 2 shuffled.
    Order,
    /// 1: interpret the PTX instead of running the kernels that a C++ compiler
    /// made of the same sources.
    Ptx,
    /// 0: no memory pools.
    Pools,
    /// 1: do work at once instead of when the program waits for it.
    Eager,
    /// The kernel launch, counted from 1 since this was set and graphs' kernels
    /// included, at which the device is lost: from then on every call fails
    /// until the context is released. 0: none.
    Lose,
    /// The kernel launch that is silently not done, counted like `Lose`.
    Drop,
}

impl Knob {
    fn name(self) -> &'static CStr {
        match self {
            Knob::Capability => c"CAPABILITY",
            Knob::Driver => c"DRIVER",
            Knob::Memory => c"MEMORY",
            Knob::Devices => c"DEVICES",
            Knob::Order => c"ORDER",
            Knob::Ptx => c"PTX",
            Knob::Pools => c"POOLS",
            Knob::Eager => c"EAGER",
            Knob::Lose => c"LOSE",
            Knob::Drop => c"DROP",
        }
    }
}

/// What has happened since the start or the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Counts {
    /// Kernel launches outside graphs.
    pub launches: u64,
    /// Launches of graphs.
    pub graph_launches: u64,
    /// Kernels that ran, also those of graphs.
    pub kernels_run: u64,
    /// Bytes copied from the host to the device.
    pub bytes_to_device: u64,
    /// Bytes copied from the device to the host.
    pub bytes_to_host: u64,
    /// Synchronisations that found work to wait for.
    pub waits: u64,
    /// Allocations of device memory.
    pub allocations: u64,
    /// Allocations of device memory that were freed.
    pub frees: u64,
}

/// The driver, loaded into this process.
#[derive(Debug)]
pub struct Simulator(Library);

impl Simulator {
    /// Loads the simulated driver. Whoever asks for `libcuda.so` afterwards, as
    /// cudarc does first, gets this one, also where a real driver is installed:
    /// the loader knows it by its SONAME. Call it before anything of cudarc.
    ///
    /// # Panics
    ///
    /// When the library that was built with this crate cannot be loaded.
    pub fn load() -> &'static Simulator {
        static SIMULATOR: OnceLock<Simulator> = OnceLock::new();
        SIMULATOR.get_or_init(|| {
            #[allow(unsafe_code, reason = "the simulated driver is a C library")]
            // SAFETY: the library's initialisers only fill its own tables.
            let library = unsafe { Library::new(library()) };
            Simulator(
                library.unwrap_or_else(|error| panic!("loading the simulated driver: {error}")),
            )
        })
    }

    /// Sets a knob; it takes effect with the next call of the driver, in every
    /// thread.
    pub fn set(&self, knob: Knob, value: i64) {
        let set =
            self.function::<unsafe extern "C" fn(*const c_char, c_long) -> c_int>(c"cuda_sim_set");
        #[allow(unsafe_code, reason = "the simulated driver is a C library")]
        // SAFETY: the name ends with a zero.
        let result = unsafe { set(knob.name().as_ptr(), value) };
        assert_eq!(result, 0, "the simulated driver knows every knob");
    }

    /// What has happened since the start or the last reset.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let read = self.function::<unsafe extern "C" fn(*mut Counts) -> c_int>(c"cuda_sim_counts");
        #[allow(unsafe_code, reason = "the simulated driver is a C library")]
        // SAFETY: the struct has the layout of the library's.
        unsafe {
            read(&mut counts)
        };
        counts
    }

    /// Begins to count anew.
    pub fn reset_counts(&self) {
        let reset = self.function::<unsafe extern "C" fn() -> c_int>(c"cuda_sim_reset_counts");
        #[allow(unsafe_code, reason = "the simulated driver is a C library")]
        // SAFETY: it takes no arguments.
        unsafe {
            reset()
        };
    }

    /// Why the last call failed that has failed for a reason worth telling;
    /// the same line went to the standard error.
    pub fn last_error(&self) -> String {
        let mut text = vec![0_u8; 1000];
        let read = self
            .function::<unsafe extern "C" fn(*mut c_char, usize) -> c_int>(c"cuda_sim_last_error");
        #[allow(unsafe_code, reason = "the simulated driver is a C library")]
        // SAFETY: it writes no more than the space it is given, with a zero at
        // the end.
        unsafe {
            read(text.as_mut_ptr().cast(), text.len())
        };
        let end = text.iter().position(|&byte| byte == 0).unwrap_or(0);
        String::from_utf8_lossy(&text[..end]).into_owned()
    }

    fn function<F>(&self, name: &CStr) -> Symbol<'_, F> {
        #[allow(unsafe_code, reason = "the simulated driver is a C library")]
        // SAFETY: every caller names the type that control.cpp declares.
        let function = unsafe { self.0.get(name) };
        function.unwrap_or_else(|error| panic!("in the simulated driver: {error}"))
    }
}
