//! Work that is recorded once and repeated.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::Device;
use crate::cuda::Graph;

/// What a CUDA device was asked for, to be asked for again in one call. On the
/// CPU it holds nothing and every run is a first one.
#[derive(Debug, Default)]
pub struct Tape {
    recorded: HashMap<SmallVec<[usize; 4]>, Graph>,
}

impl Tape {
    /// Runs `work`. A device that records runs it only the first time for each
    /// `key`: work under one key must always run the same networks on the same
    /// buffers, allocate nothing and read nothing back. The buffers must live as
    /// long as the tape.
    pub fn run(&mut self, device: &Device, key: &[usize], work: impl FnOnce() + Send) {
        let Some(gpu) = device.gpu() else {
            return device.install(work);
        };
        if !self.recorded.contains_key(key) {
            let Some(graph) = gpu.record(work) else {
                return;
            };
            self.recorded.insert(key.into(), graph);
        }
        gpu.replay(&self.recorded[key]);
    }
}
