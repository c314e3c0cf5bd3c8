//! A simulated device for one test at a time: the knobs are the process's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cuda_sim::{Knob, Simulator};
use cudarc::driver::sys::CUresult;
use cudarc::driver::{
    CudaContext, CudaFunction, CudaStream, DriverError, LaunchArgs, LaunchConfig,
};
use cudarc::nvrtc::Ptx;

static ALONE: Mutex<()> = Mutex::new(());

pub(crate) struct Simulated {
    pub(crate) simulator: &'static Simulator,
    pub(crate) context: Arc<CudaContext>,
    pub(crate) stream: Arc<CudaStream>,
    // Last, so that it is given back after the context.
    _alone: MutexGuard<'static, ()>,
}

/// A fresh device with these knobs, the others as they are at first.
pub(crate) fn device(knobs: &[(Knob, i64)]) -> Simulated {
    let (simulator, alone) = simulator(knobs);
    let context = CudaContext::new(0).unwrap();
    let stream = context.new_stream().unwrap();
    Simulated {
        simulator,
        context,
        stream,
        _alone: alone,
    }
}

/// The simulator with these knobs, and the right to use it.
pub(crate) fn simulator(knobs: &[(Knob, i64)]) -> (&'static Simulator, MutexGuard<'static, ()>) {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let simulator = Simulator::load();
    let first = [
        (Knob::Capability, 90),
        (Knob::Driver, 12040),
        (Knob::Memory, 4096),
        (Knob::Devices, 1),
        (Knob::Order, 0),
        (Knob::Ptx, 0),
        (Knob::Pools, 1),
        (Knob::Eager, 0),
        (Knob::Lose, 0),
        (Knob::Drop, 0),
    ];
    for &(knob, value) in first.iter().chain(knobs) {
        simulator.set(knob, value);
    }
    simulator.reset_counts();
    (simulator, alone)
}

impl Simulated {
    /// A kernel of a module.
    pub(crate) fn function(&self, ptx: &str, name: &str) -> CudaFunction {
        self.load(ptx).unwrap().load_function(name).unwrap()
    }

    pub(crate) fn load(&self, ptx: &str) -> Result<Arc<cudarc::driver::CudaModule>, DriverError> {
        self.context.load_module(Ptx::from_src(ptx))
    }
}

/// The PTX that is committed for a kernel file.
pub(crate) fn committed(file: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../kernels/ptx");
    std::fs::read_to_string(format!("{folder}/{file}.ptx")).unwrap()
}

/// One kernel launch over a line of blocks.
pub(crate) fn blocks(count: u32, threads: u32) -> LaunchConfig {
    LaunchConfig {
        grid_dim: (count, 1, 1),
        block_dim: (threads, 1, 1),
        shared_mem_bytes: 0,
    }
}

/// Launches what a builder holds.
pub(crate) fn launch(mut builder: LaunchArgs<'_>, config: LaunchConfig) -> Result<(), DriverError> {
    // SAFETY: the tests pass what the kernels declare, or want to see it refused.
    unsafe { builder.launch(config) }.map(|_| ())
}

/// The code that a call failed with.
#[track_caller]
pub(crate) fn code<T>(result: Result<T, DriverError>) -> CUresult {
    match result {
        Ok(_) => panic!("the call should have failed"),
        Err(DriverError(code)) => code,
    }
}
